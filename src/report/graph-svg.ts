/**
 * A topology as a picture: SVG with nothing in it that moves, loads or runs. Every kind of node has a
 * column of its own, from left to right as packets go; the picture follows the reader's light or dark
 * scheme. The same graph is the same bytes.
 */
import type {
  GraphArea,
  GraphEdge,
  GraphNode,
  GraphRole,
  TopologyGraph,
} from '../trace/topology.ts';
import { cut, safe, widthOf } from './terminal.ts';

const columns: readonly (readonly GraphRole[])[] = [
  ['vm'],
  ['network'],
  ['router', 'appliance'],
  ['internet', 'client'],
  ['cloud-gateway'],
  ['provider-appliance', 'edge-gateway'],
  ['plan-network'],
  ['replica'],
];
const columnOf = (role: GraphRole): number => columns.findIndex((roles) => roles.includes(role));

/** In pixels. */
const box = { width: 148, height: 40 };
const gap = { column: 56, row: 14, frame: 18, title: 24, area: 28 };
const top = 64;
/** Of a character of the font below, at most. */
const letter = 7.4;

interface Placed extends GraphNode {
  readonly x: number;
  readonly y: number;
}

interface Frame {
  readonly title: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export function svgOf(graph: TopologyGraph): string {
  const { nodes, frames } = laidOut(graph.areas);
  const right = Math.max(240, ...frames.map(({ x, width }) => x + width)) + gap.frame;
  const bottom = Math.max(0, ...frames.map(({ y, height }) => y + height)) + 48;
  const by = new Map(nodes.map((node) => [node.id, node]));
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${right} ${bottom}" width="${right}" height="${bottom}" role="img" aria-labelledby="title">`,
    `<title id="title">${xml(graph.title)}</title>`,
    `<style>${style}</style>`,
    `<rect class="paper" width="${right}" height="${bottom}"/>`,
    `<text class="head" x="${gap.frame}" y="32">${xml(cut(safe(graph.title), Math.floor(right / 9)))}</text>`,
    ...frames.map(drawFrame),
    ...graph.edges.map((edge) => drawEdge(edge, by)),
    ...nodes.map(drawNode),
    ...legend(bottom - 16),
    '</svg>',
  ];
  return `${lines.join('\n')}\n`;
}

/** Both schemes have a contrast of at least 4.5 to 1 between text and what is behind it. */
const style = [
  'svg{font:12px ui-sans-serif,system-ui,sans-serif;--paper:#fff;--ink:#1b1f24;--faint:#57606a;--frame:#d0d7de;--box:#f6f8fa;--tunnel:#0550ae;--copy:#8250df}',
  '@media (prefers-color-scheme:dark){svg{--paper:#0d1117;--ink:#e6edf3;--faint:#9da7b1;--frame:#3d444d;--box:#161b22;--tunnel:#79c0ff;--copy:#d2a8ff}}',
  '.paper{fill:var(--paper)}text{fill:var(--ink)}.head{font-size:16px;font-weight:600}.small{font-size:10px;fill:var(--faint)}',
  '.frame{fill:none;stroke:var(--frame)}.node{fill:var(--box);stroke:var(--faint)}',
  '.cable{fill:none;stroke:var(--faint)}.tunnel{fill:none;stroke:var(--tunnel);stroke-width:2.5}',
  '.mapping{fill:none;stroke:var(--copy);stroke-dasharray:2 4}',
].join('');

/** Below each other in the order of the areas, each as high up as its columns have room. */
function laidOut(areas: readonly GraphArea[]): { nodes: Placed[]; frames: Frame[] } {
  const nodes: Placed[] = [];
  const frames: Frame[] = [];
  const free = columns.map(() => top);
  for (const { title, nodes: own } of areas) {
    const used = [...new Set(own.map(({ role }) => columnOf(role)))].sort((a, b) => a - b);
    const [first = 0] = used;
    const last = used.at(-1) ?? first;
    const covered = free.slice(first, last + 1);
    const y = Math.max(...covered);
    const rows = new Map<number, number>();
    for (const node of own) {
      const column = columnOf(node.role);
      const row = rows.get(column) ?? 0;
      rows.set(column, row + 1);
      const x = left(column);
      nodes.push({ ...node, x, y: y + gap.title + row * (box.height + gap.row) });
    }
    const most = Math.max(1, ...rows.values());
    const height = gap.title + most * (box.height + gap.row) + gap.frame - gap.row;
    const x = left(first) - gap.frame;
    const width = left(last) + box.width + gap.frame - x;
    frames.push({ title, x, y, width, height });
    free.fill(y + height + gap.area, first, last + 1);
  }
  return { nodes, frames };
}

const left = (column: number): number => 2 * gap.frame + column * (box.width + gap.column);

function drawFrame({ title, x, y, width, height }: Frame): string {
  const text = fitting(title, width - 16);
  return (
    `<rect class="frame" x="${x}" y="${y}" width="${width}" height="${height}" rx="8"/>` +
    `<text class="small" x="${x + 8}" y="${y + 15}">${xml(text)}</text>`
  );
}

function drawNode({ role, title, detail, x, y }: Placed): string {
  const radius =
    role === 'network' || role === 'plan-network' || role === 'internet' ? box.height / 2 : 4;
  const middle = x + box.width / 2;
  const name = `<text x="${middle}" y="${detail === '' ? y + 24 : y + 17}" text-anchor="middle">${xml(fitting(title, box.width - 10))}</text>`;
  const below =
    detail === ''
      ? ''
      : `<text class="small" x="${middle}" y="${y + 32}" text-anchor="middle">${xml(fitting(detail, box.width - 10))}</text>`;
  return (
    `<g><title>${xml([title, detail].filter((text) => text !== '').join(', '))}</title>` +
    `<rect class="node" x="${x}" y="${y}" width="${box.width}" height="${box.height}" rx="${radius}"/>${name}${below}</g>`
  );
}

/** From side to side; within a column it bows out to the right. */
function drawEdge({ from, to, kind, title }: GraphEdge, by: ReadonlyMap<string, Placed>): string {
  const [one, other] = [by.get(from)!, by.get(to)!];
  const [a, b] = one.x <= other.x ? [one, other] : [other, one];
  const start = { x: a.x + box.width, y: a.y + box.height / 2 };
  const isBeside = a.x === b.x;
  const end = { x: isBeside ? start.x : b.x, y: b.y + box.height / 2 };
  const bow = isBeside ? gap.column / 2 : (end.x - start.x) / 2;
  const path = `M${start.x} ${start.y}C${start.x + bow} ${start.y} ${isBeside ? start.x + bow : end.x - bow} ${end.y} ${end.x} ${end.y}`;
  const name = title === '' ? '' : `<title>${xml(title)}</title>`;
  return `<path class="${kind}" d="${path}">${name}</path>`;
}

function legend(y: number): string[] {
  const kinds = [
    ['cable', 'cable'],
    ['tunnel', 'tunnel'],
    ['mapping', 'replica, and where its network is mapped to'],
  ] as const;
  return kinds.map(([kind, text], i) => {
    const x = gap.frame + i * 110;
    return (
      `<path class="${kind}" d="M${x} ${y - 4}h32"/>` +
      `<text class="small" x="${x + 38}" y="${y}">${text}</text>`
    );
  });
}

/** As much of a text as has room in so many pixels. */
function fitting(text: string, width: number): string {
  const shown = safe(text);
  const most = Math.max(2, Math.floor(width / letter));
  return widthOf(shown) <= most ? shown : cut(shown, most);
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** XML has no word for some characters, not even by their numbers: they are shown as what they are not. */
const xml = (text: string): string =>
  safe(text)
    .replace(/[\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"']/g, (character) => entities[character]!);
