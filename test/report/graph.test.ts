/** The topology as Mermaid, DOT and SVG: read back by strict readers, with names that try to break out. */
import { spawnSync } from 'node:child_process';
import test, { type ExecutionContext } from 'ava';
import { svgOf } from '../../src/report/graph-svg.ts';
import { dotOf, mermaidOf } from '../../src/report/graph-text.ts';
import { graphOf } from '../../src/scenario/graph.ts';
import type { TopologyGraph } from '../../src/trace/topology.ts';
import { scenarios } from '../playing.ts';

const gallery = [
  '01-partial-static.yaml',
  '11-two-tenants-same-subnet.yaml',
  '17-vcd-edge-gateway.yaml',
  '17-vcd-ipsec-vpn.yaml',
  '18-vlan-mismatch-and-overlap.yaml',
  '22-full-site-failover-nat.yaml',
];
const graphs = gallery.map((file) => graphOf(scenarios(file)[0]!));

const evil = `"]; end\\" & <script>'--\u0000\u001b\ufffe\u202e#quot;\n%%{init:{}}%% |x| 日本 e\u0301`;
const hostile: TopologyGraph = {
  title: evil,
  areas: [
    { title: evil, side: 'tenant', nodes: [{ id: 'n1', role: 'vm', title: evil, detail: evil }] },
    { title: '', side: 'provider', nodes: [{ id: 'n2', role: 'replica', title: '', detail: '' }] },
  ],
  edges: [{ from: 'n1', to: 'n2', kind: 'tunnel', title: evil }],
};

/** What of a graph has to come back from a drawing of it: nodes, frames and lines. */
const sizes = ({ areas, edges }: TopologyGraph): [number, number, number] => [
  areas.reduce((sum, { nodes }) => sum + nodes.length, 0),
  areas.length,
  edges.length,
];

test('sites, internet and provider, and what leads from one to another', (t) => {
  const [flagship] = graphs;
  t.deepEqual(
    flagship!.areas.map(({ title, nodes }) => [title, nodes.map((node) => node.title).join(' ')]),
    [
      ['site hq', 'web01 sql01 pc01 lan10 office hq.gateway nea-hq'],
      ['internet', 'internet'],
      ['cloud gateways', 'gw1'],
      ['provider: esx-dr1', 'sp-nea plan10 sql01-replica'],
    ],
  );
  const names = new Map(flagship!.areas.flatMap(({ nodes }) => nodes.map((n) => [n.id, n.title])));
  const of = (kind: string): string[] =>
    flagship!.edges
      .filter((edge) => edge.kind === kind)
      .map(({ from, to }) => `${names.get(from)} ${names.get(to)}`);
  t.deepEqual(of('tunnel'), ['nea-hq gw1', 'gw1 sp-nea']);
  t.deepEqual(of('mapping'), ['sql01 sql01-replica', 'lan10 plan10']);
  t.deepEqual(of('cable').toSorted(), [
    'hq.gateway internet',
    'internet gw1',
    'lan10 hq.gateway',
    'lan10 nea-hq',
    'office hq.gateway',
    'pc01 office',
    'plan10 sql01-replica',
    'sp-nea plan10',
    'sql01 lan10',
    'web01 lan10',
  ]);
});

test('every line has both of its ends, and the same file gives the same bytes', (t) => {
  graphs.forEach((graph, i) => {
    const ids = graph.areas.flatMap(({ nodes }) => nodes.map(({ id }) => id));
    t.is(new Set(ids).size, ids.length);
    for (const { from, to } of graph.edges) t.true(ids.includes(from) && ids.includes(to));
    const again = graphOf(scenarios(gallery[i]!)[0]!);
    for (const draw of [mermaidOf, dotOf, svgOf]) t.is(draw(again), draw(graph));
  });
});

/** The part of Mermaid's grammar that a flowchart here may use; whatever else is there is an error. */
function readMermaid(t: ExecutionContext, text: string): [number, number, number] {
  const quoted = '"(?:[\\p{L}\\p{N} ._:/,()-]|#\\d+;|<br/>)+"';
  const node = new RegExp(
    `^ {4}n\\d+(?:\\[${quoted}\\]|\\(\\[${quoted}\\]\\)|\\[\\[${quoted}\\]\\]|\\{\\{${quoted}\\}\\}|\\(\\(${quoted}\\)\\))$`,
    'u',
  );
  const edge = new RegExp(`^ {2}n\\d+ (?:---|===|-\\.->)(?:\\|${quoted}\\|)? n\\d+$`, 'u');
  const frame = new RegExp(`^ {2}subgraph a\\d+\\[${quoted}\\]$`, 'u');
  const [open, title, close, kind, ...lines] = text.trimEnd().split('\n');
  t.deepEqual([open, close, kind], ['---', '---', 'flowchart LR']);
  t.regex(title!, new RegExp(`^title: ${quoted}$`, 'u'));
  const counts: [number, number, number] = [0, 0, 0];
  let inside = false;
  for (const line of lines) {
    if (inside && node.test(line)) counts[0] += 1;
    else if (!inside && frame.test(line)) {
      counts[1] += 1;
      inside = true;
    } else if (inside && line === '  end') inside = false;
    else if (!inside && edge.test(line)) counts[2] += 1;
    else t.fail(`not Mermaid: ${line}`);
  }
  t.false(inside);
  return counts;
}

test('Mermaid: what is written is read again, whatever names are like', (t) => {
  for (const graph of [...graphs, hostile])
    t.deepEqual(readMermaid(t, mermaidOf(graph)), sizes(graph));
});

const graphviz = 'dot';

/** DOT in tokens, by the rules of its lexer for quoted strings. */
function readDot(t: ExecutionContext, text: string): [number, number, number] {
  const token = /"(?:\\[\s\S]|[^"\\])*"|[A-Za-z_]\w*|--|[{}[\];,=]|\s+/gy;
  const tokens: string[] = [];
  let at = 0;
  for (const [piece] of text.matchAll(token)) {
    at += piece.length;
    if (piece.trim() !== '') tokens.push(piece.startsWith('"') ? '"' : piece);
  }
  t.is(at, text.length, 'a character that begins no token');
  const flat = tokens.join(' ');
  const count = (pattern: RegExp): number => flat.match(pattern)?.length ?? 0;
  t.is(count(/\{/g), count(/\}/g));
  t.is(tokens.at(-1), '}');
  const nodes = count(/ n\d+ \[ label = " , shape/g);
  return [nodes, count(/subgraph/g), count(/--/g)];
}

test('DOT: what is written is read again, and by Graphviz where it is installed', (t) => {
  for (const graph of [...graphs, hostile]) {
    t.deepEqual(readDot(t, dotOf(graph)), sizes(graph));
    for (const one of ['\u0000', '\u001b', '\u202e']) t.false(dotOf(graph).includes(one));
  }
  const { error } = spawnSync(graphviz, ['-V']);
  if (error !== undefined) {
    t.log('skipped: dot (Graphviz) is not on PATH');
    return;
  }
  for (const graph of [...graphs, hostile]) {
    const { status, stderr } = spawnSync(graphviz, ['-Tsvg'], {
      input: dotOf(graph),
      encoding: 'utf8',
    });
    t.is(status, 0, stderr);
  }
});

/** Well-formed XML 1.0 as far as a picture needs it: anything else is an error. Returns the elements by name. */
function readXml(t: ExecutionContext, text: string): Map<string, number> {
  t.notRegex(
    text,
    /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u,
    'no character of XML',
  );
  const reference = '&(?:amp|lt|gt|quot|#39);';
  const content = new RegExp(`^(?:[^<&>]|${reference})*$`);
  const tag = /<(\/?)([a-z]+)((?: [\w:-]+="(?:[^"<&]|&(?:amp|lt|gt|quot|#39);)*")*)(\/?)>/g;
  const open: string[] = [];
  const seen = new Map<string, number>();
  let last = 0;
  for (const {
    0: whole,
    1: slash,
    2: name = '',
    3: attributes = '',
    4: isEmpty,
    index,
  } of text.matchAll(tag)) {
    t.regex(text.slice(last, index), content);
    last = index + whole.length;
    const names = [...attributes.matchAll(/ ([\w:-]+)=/g)].map(([, one]) => one);
    t.is(new Set(names).size, names.length, whole);
    if (slash === '/') t.is(open.pop(), name);
    else {
      seen.set(name, (seen.get(name) ?? 0) + 1);
      if (isEmpty === '') open.push(name);
    }
  }
  t.is(text.slice(last).trim(), '');
  t.deepEqual(open, []);
  return seen;
}

test('SVG: well-formed, with every node and line, and nothing that loads or runs', (t) => {
  for (const graph of [...graphs, hostile]) {
    const text = svgOf(graph);
    const seen = readXml(t, text);
    const [nodes, frames, edges] = sizes(graph);
    t.is(seen.get('g'), nodes);
    t.is(seen.get('rect'), nodes + frames + 1);
    t.is(seen.get('path'), edges + 3, 'three of the legend');
    for (const name of ['script', 'image', 'a', 'foreignobject', 'use']) t.false(seen.has(name));
    t.notRegex(text, / on\w+=|href|url\(/);
    t.regex(text, /prefers-color-scheme:dark/);
  }
});

test('SVG: no box lies on another, and frames do not cross', (t) => {
  const boxes = (text: string, kind: string) =>
    [
      ...text.matchAll(
        new RegExp(
          `<rect class="${kind}" x="(\\d+)" y="(\\d+)" width="(\\d+)" height="(\\d+)"`,
          'g',
        ),
      ),
    ].map(([, ...numbers]) => numbers.map(Number) as [number, number, number, number]);
  for (const graph of graphs) {
    for (const kind of ['node', 'frame']) {
      const all = boxes(svgOf(graph), kind);
      all.forEach(([x, y, width, height], i) => {
        for (const [left, top, wide, high] of all.slice(i + 1))
          t.true(x + width <= left || left + wide <= x || y + height <= top || top + high <= y);
      });
    }
  }
});
