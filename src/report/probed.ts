/** What came of one question that was put to a scenario with changes, as text. */
import type { ExpectationResult } from '../trace/result.ts';
import { advice, hopTable } from './failure.ts';
import { plain, type Style, safe, wrap } from './terminal.ts';

export interface Probed {
  readonly file: string;
  readonly case: string;
  readonly seed: number;
  /** The step after which it was asked; undefined before the first. */
  readonly after: { readonly number: number; readonly title: string } | undefined;
  /** `sql01.ip=dhcp`. */
  readonly changes: readonly string[];
  readonly outcome: ExpectationResult;
  /** The same question without the changes, where it can be put. */
  readonly without?: ExpectationResult;
}

export interface ProbedOptions {
  readonly style?: Style;
  readonly width?: number;
}

export function probedText(probed: Probed, options: ProbedOptions = {}): string {
  const { style = plain, width = 100 } = options;
  const { file, case: of, seed, after, changes, outcome, without } = probed;
  const which = [safe(file), ...(of === '' ? [] : [safe(of)]), `seed ${seed}`].join(' · ');
  const when =
    after === undefined
      ? 'before the first step'
      : `after step ${after.number}, ${safe(after.title)}`;
  const lines = [
    ` ${style('title', which)}`,
    ` ${style('faint', when)}`,
    '',
    ...answerLines(outcome, style, width),
  ];
  if (changes.length > 0) lines.push('', ...contrast(changes, outcome, without, width));
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

/** One question and its answer: whether, the hops there and back, and where not, why and what would change it. */
export function answerLines(outcome: ExpectationResult, style: Style, width: number): string[] {
  const { verdict, text, detail, hops = [] } = outcome;
  const mark = {
    met: style('good', '✓'),
    broken: style('bad', '✗'),
    'not-checked': style('warning', '–'),
  }[verdict];
  const lines = [` ${mark} ${style('title', safe(text))}`];
  if (detail !== '') lines.push(...wrap(safe(detail), width - 3).map((line) => `   ${line}`));
  if (hops.length > 0) lines.push('', ...hopTable(hops, style, width));
  if (verdict !== 'broken') return lines;
  const see = outcome.code === undefined ? [] : [`standin reasons ${outcome.code}`];
  const more = advice(outcome, { style, width }, see);
  return more.length > 0 ? [...lines, '', ...more] : lines;
}

/** `with sql01.ip=dhcp: not reachable (DHCP_NO_STATIC_IP); without: reply after 41.3 ms: the answer changed`. */
function contrast(
  changes: readonly string[],
  outcome: ExpectationResult,
  without: ExpectationResult | undefined,
  width: number,
): string[] {
  const there = `with ${changes.join(', ')}: ${inShort(outcome)}`;
  const here =
    without === undefined ? 'without it the file cannot be played' : `without: ${inShort(without)}`;
  const verdict =
    without === undefined
      ? ''
      : `: ${sameAnswer(outcome, without) ? 'no change' : 'that changes it'}`;
  return wrap(safe(`${there}; ${here}${verdict}`), width - 3).map((line) => ` ${line}`);
}

function inShort({ verdict, code, detail }: ExpectationResult): string {
  if (verdict === 'met') return detail;
  return code === undefined ? `not reachable, ${detail}` : `not reachable (${code})`;
}

const sameAnswer = (one: ExpectationResult, other: ExpectationResult): boolean =>
  one.verdict === other.verdict && one.code === other.code;
