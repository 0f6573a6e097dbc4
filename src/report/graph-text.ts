/** A topology for programs that draw: Mermaid (GitHub shows it in Markdown) and DOT (Graphviz). */
import type { GraphEdge, GraphNode, GraphRole, TopologyGraph } from '../trace/topology.ts';
import { safe } from './terminal.ts';

/** How a node looks: brackets in Mermaid, a shape in DOT. */
const shapes: Record<
  GraphRole,
  { readonly open: string; readonly close: string; readonly shape: string }
> = {
  vm: { open: '[', close: ']', shape: 'box' },
  replica: { open: '[', close: ']', shape: 'box' },
  client: { open: '[', close: ']', shape: 'box' },
  network: { open: '([', close: '])', shape: 'oval' },
  'plan-network': { open: '([', close: '])', shape: 'oval' },
  appliance: { open: '[[', close: ']]', shape: 'component' },
  'provider-appliance': { open: '[[', close: ']]', shape: 'component' },
  router: { open: '{{', close: '}}', shape: 'hexagon' },
  'cloud-gateway': { open: '{{', close: '}}', shape: 'hexagon' },
  'edge-gateway': { open: '{{', close: '}}', shape: 'hexagon' },
  internet: { open: '((', close: '))', shape: 'doublecircle' },
};

/** A flowchart. Whatever a name has in it is text there: all but plain characters are numbers. */
export function mermaidOf({ title, areas, edges }: TopologyGraph): string {
  const lines = ['---', `title: ${JSON.stringify(mermaidText(title))}`, '---', 'flowchart LR'];
  areas.forEach((area, i) => {
    lines.push(`  subgraph a${i + 1}["${mermaidText(area.title)}"]`);
    lines.push(...area.nodes.map((node) => `    ${mermaidNode(node)}`), '  end');
  });
  const arrows: Record<GraphEdge['kind'], string> = {
    cable: '---',
    tunnel: '===',
    mapping: '-.->',
  };
  for (const { from, to, kind, title: label } of edges) {
    const text = label === '' ? '' : `|"${mermaidText(label)}"|`;
    lines.push(`  ${from} ${arrows[kind]}${text} ${to}`);
  }
  return `${lines.join('\n')}\n`;
}

function mermaidNode({ id, role, title, detail }: GraphNode): string {
  const { open, close } = shapes[role];
  const below = detail === '' ? '' : `<br/>${mermaidText(detail)}`;
  return `${id}${open}"${mermaidText(title)}${below}"${close}`;
}

/** As Mermaid has it: `#34;` is a character by its number. It has no word for an empty text. */
const mermaidText = (text: string): string =>
  safe(text || ' ').replace(
    /[^\p{L}\p{N} ._:/,()-]/gu,
    (character) => `#${character.codePointAt(0)!};`,
  );

export function dotOf({ title, areas, edges }: TopologyGraph): string {
  const lines = [
    `graph ${dotText(title)} {`,
    '  rankdir=LR;',
    `  label=${dotText(title)};`,
    '  labelloc=t;',
    '  node [fontname="sans-serif"];',
  ];
  areas.forEach((area, i) => {
    lines.push(`  subgraph cluster_${i + 1} {`, `    label=${dotText(area.title)};`);
    for (const { id, role, title: name, detail } of area.nodes) {
      const label = detail === '' ? [name] : [name, detail];
      lines.push(`    ${id} [label=${dotText(...label)}, shape=${shapes[role].shape}];`);
    }
    lines.push('  }');
  });
  const looks: Record<GraphEdge['kind'], string> = {
    cable: '',
    tunnel: 'style=bold',
    mapping: 'style=dotted, dir=forward, constraint=false',
  };
  for (const { from, to, kind, title: label } of edges) {
    const parts = [...(label === '' ? [] : [`label=${dotText(label)}`]), looks[kind]].filter(
      (part) => part !== '',
    );
    lines.push(`  ${from} -- ${to}${parts.length === 0 ? '' : ` [${parts.join(', ')}]`};`);
  }
  return `${[...lines, '}'].join('\n')}\n`;
}

/** A quoted string; its lines are put one below the other. A backslash would be the beginning of an escape. */
const dotText = (...lines: readonly string[]): string =>
  `"${lines.map((line) => safe(line).replace(/[\\"]/g, '\\$&')).join('\\n')}"`;
