/**
 * Who reaches whom, for a terminal: a table of pairs and steps, the times without the network, what
 * the scenario expects of pairs, and the causes in full.
 */
import { type Duration, type Instant, roughly, showMoment } from '../base/time.ts';
import type { Cause, Claim, NetworkRecovery, Reachability } from '../trace/reachability.ts';
import { showJson } from './json.ts';
import { tableLines } from './matrix-table.ts';
import {
  count,
  cut,
  inWords,
  pad,
  padBefore,
  plain,
  type Style,
  safe,
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
    ...tableLines(found, { style, width, all }),
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
  const { vm, lostAt, restoredAt, length, step, pairs, of, cause, atLast, isRto } = one;
  const isOpen = restoredAt === undefined;
  const word = isOpen ? 'never came back' : roughly(length);
  const look = isOpen ? 'bad' : isRto ? 'title' : 'faint';
  const when = step === 0 ? 'before the first step' : `step ${step}`;
  const rto = isRto ? ' RTO' : '';
  const margin = `  ${' '.repeat(column)}  `;
  const head = `  ${pad(safe(vm), column)}  ${style(look, word)}${rto}  ${span(lostAt, restoredAt)}, ${when}`;
  const lost = new Set(pairs.map(({ name }) => name)).size;
  const causes = [cause, atLast].filter((each): each is Cause => each !== undefined);
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
