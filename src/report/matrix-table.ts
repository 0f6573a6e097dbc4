/**
 * The table of a matrix: a row for each pair, a column for each step. Codes are written out where
 * there is room, else they are letters; rows that are alike are put together where there are many.
 */
import { roughly } from '../base/time.ts';
import type { Cell, Reachability, Row } from '../trace/reachability.ts';
import type { Reason } from '../trace/reasons.ts';
import { count, cut, pad, type Style, safe, type TextKind, widthOf, wrap } from './terminal.ts';

export interface TableOptions {
  readonly style: Style;
  readonly width: number;
  /** Also rows in which everything is reached at all times. */
  readonly all: boolean;
}

const signs: Record<Cell['state'], { readonly sign: string; readonly kind: TextKind }> = {
  reached: { sign: '✓', kind: 'good' },
  late: { sign: '◐', kind: 'warning' },
  lost: { sign: '✗', kind: 'bad' },
  unasked: { sign: '–', kind: 'faint' },
};

/** More rows than this are put together, where they go to one machine and are alike. */
const rowsMost = 40;
const between = '  ';

export function tableLines(found: Reachability, { style, width, all }: TableOptions): string[] {
  const { rows, moments } = found;
  if (moments.length === 0) return [];
  const contradicted = contradictedCells(found);
  const shown = all ? rows : rows.filter((row) => isNews(row, contradicted));
  const groups = shown.length > rowsMost && !all ? alike(shown) : shown.map((row) => [row]);
  const names = groups.map(namesOf);
  const name = Math.min(Math.max(4, ...names.map(widthOf)), Math.floor(width / 2));
  const keys = new Map<Reason, string>();
  const room = width - name - 2 * between.length;
  const columns = columnsOf(groups, moments, fullText);
  const isWide = sum(columns.map(({ width: each }) => each + between.length)) <= room;
  const drawn = isWide ? columns : columnsOf(groups, moments, (cell) => keyedText(cell, keys));
  const lines: string[] = [];
  for (const block of blocks(drawn, room)) {
    if (lines.length > 0) lines.push('');
    const head = block.map((column) => pad(column.title, column.width)).join(between);
    lines.push(style('faint', `${between}${pad('step', name)}${between}${head}`));
    groups.forEach(([row], i) => {
      const cells = block.map(({ at, texts, width: each }) =>
        drawCell(row!.cells[at]!, texts[i]!, each, contradicted.has(row!.cells[at]!), style),
      );
      lines.push(`${between}${pad(cut(names[i]!, name), name)}${between}${cells.join(between)}`);
    });
  }
  const hidden = rows.length - shown.length;
  const are = hidden === 1 ? 'is' : 'are';
  if (hidden > 0)
    lines.push(
      style(
        'faint',
        `  and ${count(hidden, 'row')} that ${are} reached at all of these times (--all)`,
      ),
    );
  return [
    ...lines,
    ...legend(shown, contradicted, style, width),
    ...causes(shown, keys, style, width),
  ];
}

function contradictedCells({ rows, claims }: Reachability): ReadonlySet<Cell> {
  const cells = claims
    .filter(({ verdict }) => verdict === 'contradicts')
    .map(({ row, moment }) => rows[row]?.cells[moment ?? -1]);
  return new Set(cells.filter((cell) => cell !== undefined));
}

/** Something else than an answer at once at some time, or something that the file says otherwise. */
const isNews = ({ cells }: Row, contradicted: ReadonlySet<Cell>): boolean =>
  cells.some((cell) => cell.state !== 'reached' || isBriefly(cell) || contradicted.has(cell));

/** Rows toward the same that look the same, and those from the same, in the order of the first of each. */
function alike(rows: readonly Row[]): Row[][] {
  const looks = new Map(
    rows.map((row) => [row, row.cells.map((cell) => `${fullText(cell)}${cell.changed}`)]),
  );
  const by = (end: 'from' | 'to', those: readonly Row[]): Row[][] => {
    const groups = new Map<string, Row[]>();
    for (const row of those) {
      const key = JSON.stringify([row[end], row.via, row.protocol, row.port, looks.get(row)]);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [row]);
      else group.push(row);
    }
    return [...groups.values()];
  };
  const toward = by('to', rows);
  const alone = toward.flatMap((group) => (group.length === 1 ? group : []));
  const groups = [...toward.filter((group) => group.length > 1), ...by('from', alone)];
  const place = new Map(rows.map((row, i) => [row, i]));
  return groups.sort(([a], [b]) => place.get(a!)! - place.get(b!)!);
}

/**
 * `app01 and 8 more -> web01`, `a1 -> a2 and 13 more`; of what is reached at a public address:
 * `phone1 -> 203.0.113.50:443 (web01)`.
 */
function namesOf(group: readonly Row[]): string {
  const [{ from, to, via, port, protocol }, ...more] = group as [Row, ...Row[]];
  const service = port === undefined ? '' : `:${port}${protocol === 'udp' ? '/udp' : ''}`;
  const target = via === undefined ? `${to}${service}` : `${via}${service} (${to})`;
  const others = more.length === 0 ? '' : ` and ${more.length} more`;
  const sameFrom = more[0]?.from === from;
  return safe(sameFrom ? `${from} -> ${target}${others}` : `${from}${others} -> ${target}`);
}

interface Column {
  readonly title: string;
  /** Index of its moment. */
  readonly at: number;
  /** Of each row. */
  readonly texts: readonly string[];
  readonly width: number;
}

function columnsOf(
  groups: readonly (readonly Row[])[],
  moments: Reachability['moments'],
  textOf: (cell: Cell) => string,
): Column[] {
  const texts = groups.map(([row]) => row!.cells.map(textOf));
  return moments.map(({ step }, at) => {
    const own = texts.map((cells) => cells[at]!);
    const title = String(step);
    // A mark may stand behind each of them.
    return {
      title,
      at,
      texts: own,
      width: Math.max(title.length, ...own.map((text) => widthOf(text) + 1)),
    };
  });
}

/** Columns side by side for as long as there is room. */
function blocks(columns: readonly Column[], room: number): Column[][] {
  const all: Column[][] = [];
  let left = 0;
  for (const column of columns) {
    left -= column.width + between.length;
    if (left < 0 || all.length === 0) {
      all.push([]);
      left = room - column.width - between.length;
    }
    all.at(-1)!.push(column);
  }
  return all;
}

function drawCell(
  cell: Cell,
  text: string,
  width: number,
  isContradicted: boolean,
  style: Style,
): string {
  const mark = isContradicted ? style('bad', '≠') : cell.changed ? '*' : ' ';
  const rest = ' '.repeat(Math.max(0, width - widthOf(text) - 1));
  return style(signs[cell.state].kind, text) + mark + rest;
}

const isBriefly = ({ state, interrupted }: Cell): boolean =>
  state === 'reached' && interrupted !== undefined;

function fullText(cell: Cell): string {
  const { code, state } = cell;
  const named = state === 'unasked' || code === undefined ? '' : ` ${code}`;
  return `${signs[state].sign}${timeOf(cell)}${named}`;
}

/** A letter for each code, in the order in which they come. */
function keyedText(cell: Cell, keys: Map<Reason, string>): string {
  const { state, code } = cell;
  if (state === 'unasked' || code === undefined) return `${signs[state].sign}${timeOf(cell)}`;
  let key = keys.get(code);
  if (key === undefined) keys.set(code, (key = letters(keys.size)));
  return `${signs[state].sign}${key}${timeOf(cell)}`;
}

const letters = (n: number): string =>
  (n >= 26 ? letters(Math.floor(n / 26) - 1) : '') + String.fromCharCode(97 + (n % 26));

function timeOf(cell: Cell): string {
  if (cell.state === 'late' && cell.after !== undefined) return ` ${roughly(cell.after)}`;
  return isBriefly(cell) ? ` ~${roughly(cell.interrupted!)}` : '';
}

function legend(
  rows: readonly Row[],
  contradicted: ReadonlySet<Cell>,
  style: Style,
  width: number,
): string[] {
  const cells = rows.flatMap((row) => row.cells);
  const parts: string[] = [];
  if (cells.some(({ changed }) => changed)) parts.push('* otherwise than before');
  if (cells.some(({ state }) => state === 'late'))
    parts.push('◐ not at once, but after the time that is given');
  if (cells.some(({ state }) => state === 'unasked')) parts.push('– who would ask is switched off');
  if (cells.some(isBriefly)) parts.push('~ was gone for so long during the step');
  if (contradicted.size > 0) parts.push('≠ not what the file expects');
  if (parts.length === 0) return [];
  return wrap(parts.join(' · '), width - 2).map((line) => style('faint', `  ${line}`));
}

/** What the codes of the table mean here: of each the first sentence that was said of it. */
function causes(
  rows: readonly Row[],
  keys: ReadonlyMap<Reason, string>,
  style: Style,
  width: number,
): string[] {
  const said = new Map<Reason, string>();
  for (const { code, why } of rows.flatMap(({ cells }) => cells))
    if (code !== undefined && why !== undefined && !said.has(code)) said.set(code, why);
  if (said.size === 0) return [];
  const lines = ['', ` ${style('title', 'causes')}`];
  for (const [code, why] of said) {
    const key = keys.get(code);
    const words = `${key === undefined ? '' : `${key} `}${code}: ${safe(why)}`;
    lines.push(...wrap(words, width - 4).map((line, i) => `  ${i === 0 ? '' : '  '}${line}`));
  }
  return lines;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
