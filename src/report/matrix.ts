/**
 * Who reaches whom, for a terminal: a table of pairs and steps, the times without the network, what
 * the scenario expects of pairs, and the causes in full.
 */
import { type Duration, type Instant, roughly, showMoment } from '../base/time.ts';
import type {
  Cause,
  Cell,
  Claim,
  NetworkRecovery,
  Reachability,
  Row,
} from '../trace/reachability.ts';
import type { Reason } from '../trace/reasons.ts';
import { showJson } from './json.ts';
import {
  count,
  cut,
  inWords,
  pad,
  padBefore,
  plain,
  type Style,
  safe,
  type TextKind,
  widthOf,
  wrap,
} from './terminal.ts';

export interface MatrixOptions {
  readonly version: string;
  /** How long the user waited for it. */
  readonly realTime: Duration;
  readonly style?: Style;
  /** Columns of the terminal; 100 if left out. */
  readonly width?: number;
  /** Also rows that are alike at all times and say nothing new. */
  readonly all?: boolean;
}

/** Raised when a field goes or changes its meaning; new fields do not count. */
const schema = 1;

/** For programs. All times are whole nanoseconds. */
export const matrixJson = (found: Reachability, { version, realTime }: MatrixOptions): string =>
  showJson({ schema, standin: version, realNanoseconds: realTime, ...found });

export function matrixText(found: Reachability, options: MatrixOptions): string {
  const { style = plain, width: columns = 100, version, all = false } = options;
  const width = Math.max(60, columns);
  const of = found.case === '' ? '' : ` · ${safe(found.case)}`;
  const lines = [
    ` ${style('title', `standin ${version}`)} · ${safe(found.file)}${of} · seed ${found.seed}`,
    '',
    ...momentLines(found, style, width),
    '',
    ...new Table(found, style, width).lines(all),
    ...recoveryLines(found, style, width),
    ...claimLines(found, style, width),
    ...noteLines(found, style, width),
    '',
    ` ${closing(found, options, style)}`,
  ];
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

function momentLines({ moments, mode }: Reachability, style: Style, width: number): string[] {
  const what =
    mode === 'snapshots'
      ? 'asked when the step was over, each time in a run of its own'
      : 'as everybody who pings all the time saw it when the step was over';
  return [
    ` ${style('title', 'who reaches whom')}, ${what}`,
    ...moments.map(({ step, title, at }) => {
      const when = `at ${showMoment(at)}`;
      const room = Math.max(10, width - 8 - when.length);
      return ` ${padBefore(String(step), 3)}  ${cut(safe(title), room)}  ${style('faint', when)}`;
    }),
  ];
}

const signs: Record<Cell['state'], { readonly sign: string; readonly kind: TextKind }> = {
  reached: { sign: '✓', kind: 'good' },
  late: { sign: '◐', kind: 'warning' },
  lost: { sign: '✗', kind: 'bad' },
  unasked: { sign: '–', kind: 'faint' },
};

/** The part of a report that is a table, with the causes that its letters stand for. */
class Table {
  readonly #found: Reachability;
  readonly #style: Style;
  readonly #width: number;
  readonly #contradicted: ReadonlySet<string>;

  constructor(found: Reachability, style: Style, width: number) {
    this.#found = found;
    this.#style = style;
    this.#width = width;
    this.#contradicted = new Set(
      found.claims
        .filter(({ verdict }) => verdict === 'contradicts')
        .map(({ row, moment }) => `${row} ${moment}`),
    );
  }

  lines(all: boolean): string[] {
    const { rows, moments } = this.#found;
    if (moments.length === 0) return [];
    const shown = all ? rows : rows.filter((row, i) => isNews(row, i, this.#found));
    const names = shown.map(nameOf);
    const widest = Math.max(4, ...names.map(widthOf));
    const keys = new Map<Reason, string>();
    const name = Math.min(widest, Math.floor(this.#width / 2));
    const isWide = this.#fits(shown, name);
    const text = (cell: Cell): string => (isWide ? fullText(cell) : keyedText(cell, keys));
    const cells = shown.map((row) => row.cells.map(text));
    const widths = moments.map(({ step }, i) =>
      Math.max(String(step).length, ...cells.map((those) => widthOf(those[i]!) + 1)),
    );
    const head = moments.map(({ step }, i) => pad(String(step), widths[i]!)).join('  ');
    const lines = [this.#style('faint', `  ${pad('step', name)}  ${head}`)];
    shown.forEach((row, i) => {
      const index = rows.indexOf(row);
      const told = row.cells.map((cell, at) =>
        this.#cell(cell, cells[i]![at]!, widths[at]!, `${index} ${at}`),
      );
      lines.push(`  ${pad(cut(names[i]!, name), name)}  ${told.join('  ')}`);
    });
    const hidden = rows.length - shown.length;
    if (hidden > 0)
      lines.push(
        this.#style(
          'faint',
          `  and ${count(hidden, 'row')} that ${hidden === 1 ? 'is' : 'are'} reached at each of these times (--all)`,
        ),
      );
    lines.push(...this.#legend(shown), ...this.#causes(shown, keys));
    return lines;
  }

  #fits(rows: readonly Row[], name: number): boolean {
    const widths = this.#found.moments.map((_, i) =>
      Math.max(3, ...rows.map(({ cells }) => widthOf(fullText(cells[i]!)) + 1)),
    );
    return name + widths.reduce((a, b) => a + b + 2, 4) <= this.#width;
  }

  #cell(cell: Cell, text: string, width: number, key: string): string {
    const mark = this.#contradicted.has(key) ? '≠' : cell.changed ? '*' : '';
    const { kind } = signs[cell.state];
    const rest = ' '.repeat(Math.max(0, width - widthOf(text) - widthOf(mark)));
    return `${this.#style(kind, text)}${mark === '≠' ? this.#style('bad', mark) : mark}${rest}`;
  }

  #legend(rows: readonly Row[]): string[] {
    const cells = rows.flatMap((row) => row.cells);
    const parts = [
      ...(cells.some(({ changed }) => changed) ? ['* otherwise than before'] : []),
      ...(cells.some(({ state }) => state === 'late')
        ? ['◐ not at once, but after the time that is given']
        : []),
      ...(cells.some((cell) => cell.state === 'unasked')
        ? ['– the machine that would ask is off']
        : []),
      ...(cells.some(isBriefly) ? ['~ gone for so long since the step began'] : []),
      ...(this.#contradicted.size > 0 ? ['≠ not what the file expects'] : []),
    ];
    return wrap(parts.join(' · '), this.#width - 2).map((line) =>
      this.#style('faint', `  ${line}`),
    );
  }

  /** What the codes of the table mean here: for each the first sentence that was said of it. */
  #causes(rows: readonly Row[], keys: ReadonlyMap<Reason, string>): string[] {
    const said = new Map<Reason, string>();
    for (const { cells } of rows)
      for (const { code, why } of cells)
        if (code !== undefined && why !== undefined && !said.has(code)) said.set(code, why);
    if (said.size === 0) return [];
    const lines = ['', ` ${this.#style('title', 'causes')}`];
    for (const [code, why] of said) {
      const key = keys.get(code);
      const words = `${key === undefined ? '' : `${key}  `}${code}: ${safe(why)}`;
      lines.push(
        ...wrap(words, this.#width - 4).map((line, i) => (i === 0 ? `  ${line}` : `    ${line}`)),
      );
    }
    return lines;
  }
}

/** Something else than an answer at once at some time, or something that the file says otherwise. */
function isNews(row: Row, index: number, { claims }: Reachability): boolean {
  return (
    row.cells.some((cell) => cell.state !== 'reached' || isBriefly(cell)) ||
    claims.some((claim) => claim.row === index && claim.verdict === 'contradicts')
  );
}

/** `web01 -> sql01:1433`; of what is reached at a public address: `phone1 -> 203.0.113.50:443 (web01)`. */
function nameOf({ from, to, via, port, protocol }: Row): string {
  const service = port === undefined ? '' : `:${port}${protocol === 'udp' ? '/udp' : ''}`;
  const name = via === undefined ? `${to}${service}` : `${via}${service} (${to})`;
  return safe(`${from} -> ${name}`);
}

const isBriefly = ({ state, interrupted }: Cell): boolean =>
  state === 'reached' && interrupted !== undefined;

function fullText(cell: Cell): string {
  const { code } = cell;
  const named = cell.state === 'unasked' || code === undefined ? '' : ` ${code}`;
  return `${signs[cell.state].sign}${timeOf(cell)}${named}`;
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

function recoveryLines(found: Reachability, style: Style, width: number): string[] {
  const { recoveries, rows, neverLost, neverReached } = found;
  if (rows.every(({ outages }) => outages === undefined)) return [];
  const vm = Math.max(3, ...recoveries.map((one) => widthOf(safe(one.vm))));
  const also = (what: string, vms: readonly string[]): string[] =>
    vms.length === 0
      ? []
      : wrap(`${what}: ${few(vms)}`, width - 4).map((line, i) => `  ${i === 0 ? '' : '  '}${line}`);
  return [
    '',
    ` ${style('title', 'time without the network')}, by pings in the background`,
    ...recoveries.flatMap((one) => recoveryBlock(one, vm, style, width)),
    ...(recoveries.length > 0 ? [style('faint', '  RTO: the longest of its VM')] : []),
    ...also('always reached by those who ever reached it', neverLost),
    ...also('never reached by ping', neverReached),
  ];
}

const namesMost = 20;

function few(names: readonly string[]): string {
  const more = names.length > namesMost ? ` and ${names.length - namesMost} more` : '';
  return names.slice(0, namesMost).map(safe).join(', ') + more;
}

const pairsMost = 8;

function recoveryBlock(
  one: NetworkRecovery,
  column: number,
  style: Style,
  width: number,
): string[] {
  const { vm, lostAt, restoredAt, length, step, pairs, of, cause, then, isRto } = one;
  const isOpen = restoredAt === undefined;
  const word = isOpen ? 'never came back' : roughly(length);
  const look = isOpen ? 'bad' : isRto ? 'title' : 'faint';
  const when = step === 0 ? 'before the first step' : `step ${step}`;
  const rto = isRto ? ' RTO' : '';
  const margin = `  ${' '.repeat(column)}  `;
  const head = `  ${pad(safe(vm), column)}  ${style(look, word)}${rto}  ${span(lostAt, restoredAt)}, ${when}`;
  const lost = new Set(pairs.map(({ name }) => name)).size;
  const causes = [cause, then].filter((each): each is Cause => each !== undefined);
  const shown = pairs.slice(0, pairsMost);
  const name = Math.max(0, ...shown.map((each) => widthOf(safe(each.name))));
  return [
    `${head}, ${lost} of ${count(of, 'pair')}`,
    ...causes.flatMap(({ code, sentence }, i) =>
      wrap(`${i === 0 ? '' : 'at last '}${code}: ${safe(sentence)}`, width - column - 6).map(
        (line) => margin + style('faint', line),
      ),
    ),
    ...shown.map((each) => {
      const long = each.restoredAt === undefined ? 'until the end' : roughly(each.length);
      const code = each.code === undefined ? '' : `, ${each.code}`;
      return `${margin}${pad(safe(each.name), name)}  ${long}, ${span(each.lostAt, each.restoredAt)}${code}`;
    }),
    ...(pairs.length > pairsMost ? [`${margin}and ${pairs.length - pairsMost} more (--json)`] : []),
  ];
}

const span = (lostAt: Instant, restoredAt: Instant | undefined): string =>
  `from ${showMoment(lostAt)} ${restoredAt === undefined ? 'on' : `to ${showMoment(restoredAt)}`}`;

function claimLines({ claims }: Reachability, style: Style, width: number): string[] {
  if (claims.length === 0)
    return ['', ` ${style('faint', 'the file expects nothing of these pairs')}`];
  const number = (wanted: Claim['verdict']): number =>
    claims.filter(({ verdict }) => verdict === wanted).length;
  const [agree, differ, later] = [number('agrees'), number('contradicts'), number('later')];
  const parts = [
    style('good', `${agree} agree`),
    style(differ > 0 ? 'bad' : 'faint', `${differ} do not`),
    ...(later > 0 ? [`${later} asked too late to compare`] : []),
  ];
  const lines = [
    '',
    ` ${style('title', count(claims.length, 'expectation'))} about these pairs: ${parts.join(' · ')}`,
  ];
  for (const { text, line, file, detail, verdict } of claims) {
    if (verdict !== 'contradicts') continue;
    const place = file === undefined ? `line ${line}` : `${safe(file)}:${line}`;
    const words = `${style('bad', '≠')} ${place}: ${safe(text)}: ${safe(detail)}`;
    lines.push(...wrap(words, width - 4).map((each, i) => (i === 0 ? `  ${each}` : `    ${each}`)));
  }
  return lines;
}

function noteLines({ notes }: Reachability, style: Style, width: number): string[] {
  if (notes.length === 0) return [];
  const lines = notes.flatMap((note) =>
    wrap(safe(note), width - 4).map((line, i) => (i === 0 ? `  ${line}` : `    ${line}`)),
  );
  return ['', ` ${style('title', 'not all was asked')}`, ...lines];
}

function closing(found: Reachability, { realTime }: MatrixOptions, style: Style): string {
  const { rows, plays, expectations, brokenOff } = found;
  const { broken, notChecked } = expectations;
  const parts = [
    count(rows.length, 'row'),
    `played ${plays === 1 ? 'once' : `${plays} times`} in ${inWords(realTime)}`,
    ...(broken > 0 ? [style('bad', `${count(broken, 'expectation')} of the file broken`)] : []),
    ...(notChecked > 0 ? [style('warning', `${notChecked} not checked`)] : []),
    ...(brokenOff === undefined ? [] : [style('warning', `the run was broken off (${brokenOff})`)]),
  ];
  return parts.join(' · ');
}
