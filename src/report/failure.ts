/** The block that explains one broken expectation: the way of the packet, why, what to try, and the line. */
import { type Duration, showMoment } from '../base/time.ts';
import { reasons } from '../trace/reasons.ts';
import type { ExpectationResult, FaultPlace, Hop, RunResult } from '../trace/result.ts';
import { cut, pad, type Style, safe, widthOf, wrap } from './terminal.ts';

export interface FailureOptions {
  readonly style: Style;
  readonly width: number;
  /** The lines of a scenario file, where the caller has them. */
  readonly source: (file: string) => readonly string[] | undefined;
  /** Commands that show more of a broken expectation. */
  readonly see: (expectation: ExpectationResult, result: RunResult) => readonly string[];
}

export function failureBlock(
  result: RunResult,
  expectation: ExpectationResult,
  options: FailureOptions,
): string[] {
  const { style, width } = options;
  const file = expectation.file ?? result.file;
  const place = safe(`${file}:${expectation.line}`);
  const of = [result.case, `seed ${result.seed}`].filter((part) => part !== '').join(', ');
  const lines = [
    ` ${style('bad', '✗')} ${style('title', place)}  ${safe(expectation.text)}  ${style('faint', `(${safe(of)})`)}`,
    ...wrap(safe(expectation.detail), width - 3).map((line) => `   ${line}`),
  ];
  const { hops = [] } = expectation;
  if (hops.length > 0) lines.push('', ...hopTable(hops, style, width));
  lines.push('', ...advice(expectation, options, options.see(expectation, result)));
  const excerpt = sourceExcerpt(expectation, options.source(file), style, width);
  if (excerpt.length > 0) lines.push('', ...excerpt);
  return lines.map((line) => line.trimEnd());
}

/** Why, what to try, where to see more. */
export function advice(
  expectation: ExpectationResult,
  { style, width }: Pick<FailureOptions, 'style' | 'width'>,
  see: readonly string[],
): string[] {
  const { code } = expectation;
  const entry = code === undefined ? undefined : reasons[code];
  const why = expectation.why ?? entry?.meaning;
  const coded = code === undefined ? why : `${code}: ${why}${placed(expectation.fault, why)}`;
  const also = (expectation.also ?? []).map(
    ({ code: other, text, fault }) => `also ${other}: ${text}${placed(fault, text)}`,
  );
  const remedy = expectation.remedy ?? entry?.remedy;
  const { change, healsAt } = expectation;
  const heals = healsAt === undefined ? undefined : `by itself by ${showMoment(healsAt)}`;
  const turns = change && `${change.text}  (${change.file}:${change.line})`;
  const part = (name: string, text: string | undefined): string[] =>
    text === undefined
      ? []
      : wrap(safe(text), width - 9).map(
          (line, i) => `   ${style('faint', pad(i === 0 ? name : '', 4))}  ${line}`,
        );
  const commands = see.map(safe);
  return [
    ...part('why', coded),
    ...also.flatMap((text) => part('and', text)),
    ...part('heal', heals),
    ...part('try', turns ?? remedy),
    ...commands.map((command, i) => `   ${style('faint', i === 0 ? 'see ' : '    ')}  ${command}`),
  ];
}

/** The line of a fault, unless the sentence has it. */
const placed = (fault: FaultPlace | undefined, sentence = ''): string =>
  fault === undefined || sentence.includes(`line ${fault.line}`)
    ? ''
    : ` (line ${fault.line}: ${fault.text})`;

/**
 * One line a place, with what was decided there; long decisions go over several lines.
 *
 * @param after Hops of the same way that come before these, which go on counting.
 */
export function hopTable(
  hops: readonly Hop[],
  style: Style,
  width: number,
  after: readonly Hop[] = [],
): string[] {
  const start = (after[0] ?? hops[0])?.at ?? 0;
  const rows = hops.map((hop, i) => ({
    number: String(after.length + i + 1),
    where: cut(safe(hop.where), 24),
    in: cut(safe(hop.in), 16) || '–',
    out: hop.dropped ? '✗' : cut(safe(hop.out), 16) || '–',
    what: safe(hop.what),
    time: sinceStart((hop.at - start) as Duration),
    dropped: hop.dropped === true,
  }));
  const column = (title: string, cells: readonly string[]): number =>
    Math.max(widthOf(title), ...cells.map(widthOf));
  const where = column(
    'where',
    rows.map((row) => row.where),
  );
  const into = column(
    'in',
    rows.map((row) => row.in),
  );
  const out = column(
    'out',
    rows.map((row) => row.out),
  );
  const time = column(
    'time',
    rows.map((row) => row.time),
  );
  const room = Math.max(16, width - 16 - where - into - out - time);
  const pieces = rows.map((row) => wrap(row.what, room));
  const what = Math.min(room, column('what happened', pieces.flat()));
  const line = (cells: readonly [string, string, string, string, string, string]): string =>
    `   ${cells[0].padStart(3)}  ${pad(cells[1], where)}  ${pad(cells[2], into)}  ` +
    `${pad(cells[3], out)}  ${pad(cells[4], what)}  ${cells[5]}`.trimEnd();
  const lines = [style('faint', line(['hop', 'where', 'in', 'out', 'what happened', 'time']))];
  for (const [i, row] of rows.entries()) {
    const [first = '', ...rest] = pieces[i]!;
    const text = line([row.number, row.where, row.in, row.out, first, row.time]);
    lines.push(row.dropped ? style('bad', text) : text);
    for (const more of rest) {
      const next = line(['', '', '', '', more, '']);
      lines.push(row.dropped ? style('bad', next) : next);
    }
  }
  return lines;
}

/** `+0.412 ms`, `+3.000 s`: since the first hop. */
export function sinceStart(time: Duration): string {
  const sign = time < 0 ? '-' : '+';
  const size = Math.abs(time);
  return size < 1e9
    ? `${sign}${(size / 1e6).toFixed(3)} ms`
    : `${sign}${(size / 1e9).toFixed(3)} s`;
}

const linesBefore = 2;

/** The line of the scenario, two before it, and what is meant underlined. */
export function sourceExcerpt(
  { line, column }: Pick<ExpectationResult, 'line' | 'column'>,
  source: readonly string[] | undefined,
  style: Style,
  width: number,
): string[] {
  const text = source?.[line - 1];
  if (source === undefined || text === undefined) return [];
  const first = Math.max(1, line - linesBefore);
  const digits = String(line).length;
  const room = Math.max(20, width - digits - 8);
  const shown = (raw: string): string => safe(raw.replaceAll('\t', ' '));
  const excerpt: string[] = [];
  for (let number = first; number <= line; number += 1) {
    const mark = number === line ? '>' : ' ';
    const margin = `   ${mark} ${String(number).padStart(digits)} | `;
    excerpt.push(style('faint', margin) + cut(shown(source[number - 1]!), room));
  }
  const before = widthOf(shown(text.slice(0, column - 1)));
  const word = /^([\w-]+|"[^"]*"|'[^']*')/.exec(text.slice(column - 1))?.[0] ?? ' ';
  if (before + word.length < room) {
    const margin = `     ${' '.repeat(digits)} | `;
    excerpt.push(
      style('faint', margin) + ' '.repeat(before) + style('bad', '^'.repeat(word.length)),
    );
  }
  return excerpt;
}
