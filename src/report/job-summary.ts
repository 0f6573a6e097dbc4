/** A page of Markdown for the summary of a CI job: a line for each run, and the first failure with its way drawn. */
import { type Duration, showMoment } from '../base/time.ts';
import {
  expectationsOf,
  type TimedResult,
  tally,
  type Unplayed,
  type Verdict,
  verdictOfRun,
} from '../trace/result.ts';
import { ladder } from './ladder.ts';
import { blocks, code, fenced, folded, table, words } from './markdown.ts';
import { count, inWords } from './terminal.ts';
import { hopInWords, notCheckedOf, type Trouble, troublesOf } from './troubles.ts';

export interface SummaryOptions {
  readonly version: string;
  readonly realTime: Duration;
  readonly unsupported?: readonly Unplayed[];
  /** How much there is room for. */
  readonly bytesMax?: number;
}

/** What GitHub takes of one step, in bytes. */
export const summaryMax = 1 << 20;
/** Rows of a table: nobody reads more. */
const runsMax = 300;
const troublesMax = 100;

const signs: Record<Verdict, string> = { met: '✅', broken: '❌', 'not-checked': '⚠️' };

export function jobSummary(results: readonly TimedResult[], options: SummaryOptions): string {
  const { realTime, unsupported = [], bytesMax = summaryMax, version } = options;
  const troubles = results.flatMap(({ result }) => troublesOf(result));
  const first = troubles.find(({ severity }) => severity === 'error');
  const others = troubles.filter((one) => one !== first);
  const all = [
    `## Standin: ${headline(results)}`,
    ...(results.length === 0 ? [] : [runs(results)]),
    ...(first === undefined ? [] : firstFailure(first)),
    ...(others.length === 0 ? [] : [otherTroubles(others)]),
    ...notChecked(results, unsupported),
    `Played in ${inWords(realTime)} by Standin ${version}.`,
  ];
  return blocks(all, bytesMax);
}

function headline(results: readonly TimedResult[]): string {
  const verdicts = results.map(({ result }) => verdictOfRun(result));
  const of = (verdict: Verdict): number => verdicts.filter((one) => one === verdict).length;
  const unchecked = of('not-checked');
  return [
    `${of('met')} passed, ${of('broken')} failed`,
    ...(unchecked > 0 ? [`${unchecked} not fully checked`] : []),
    ...(results.length === 0 ? ['nothing was played'] : []),
  ].join(', ');
}

/** Those that have not passed come first where there is no room for all. */
function runs(results: readonly TimedResult[]): string {
  const failed = results.filter(({ result }) => verdictOfRun(result) !== 'met');
  const passed = results.filter(({ result }) => verdictOfRun(result) === 'met');
  const shown = results.length <= runsMax ? results : [...failed, ...passed].slice(0, runsMax);
  const rows = shown.map(({ result }) => {
    const { met, broken, notChecked, reproduced } = tally(expectationsOf(result));
    const parts = [
      `${met} met`,
      ...(broken > 0 ? [`${broken} broken`] : []),
      ...(notChecked > 0 ? [`${notChecked} not checked`] : []),
      ...(reproduced > 0 ? [`${count(reproduced, 'limitation')} reproduced`] : []),
      ...(result.findings.length > 0 ? [count(result.findings.length, 'finding')] : []),
    ];
    return [
      signs[verdictOfRun(result)],
      code(result.file),
      words(result.case),
      parts.join(', '),
      inWords(result.simulatedTime as number as Duration),
      String(result.seed),
    ];
  });
  const more = results.length - shown.length;
  const whole = table(['', 'Scenario', 'Case', 'Expectations', 'Simulated', 'Seed'], rows);
  return more === 0 ? whole : `${whole}\n\nand ${count(more, 'other run')}`;
}

function firstFailure(trouble: Trouble): string[] {
  const { hops } = trouble;
  const picture = hops.length === 0 ? [] : [fenced('mermaid', ladder(hops))];
  const list = hops.map((hop, i) => `- ${words(hopInWords(hop, i))}`).join('\n');
  return [
    `### The first failure: ${code(trouble.title)}`,
    `at ${code(placeOf(trouble))}, ${showMoment(trouble.at)} after the start`,
    ...adviceOn(trouble),
    ...picture,
    ...(hops.length === 0 ? [] : [folded('The hops in words', list)]),
  ];
}

function adviceOn({ detail, code: reason, why, remedy, change, healsAt }: Trouble): string[] {
  const lines = [
    ...(detail === '' ? [] : [`- **seen:** ${words(detail)}`]),
    ...(why === undefined ? [] : [`- **why:** ${words(reason ? `${reason}: ${why}` : why)}`]),
    ...(remedy === undefined ? [] : [`- **try:** ${words(remedy)}`]),
    ...(change === undefined
      ? []
      : [`- **change:** ${code(change.text)} at ${code(`${change.file}:${change.line}`)}`]),
    ...(healsAt === undefined ? [] : [`- **heals by itself** at ${showMoment(healsAt)}`]),
  ];
  return lines.length === 0 ? [] : [lines.join('\n')];
}

function otherTroubles(troubles: readonly Trouble[]): string {
  const rows = troubles
    .slice(0, troublesMax)
    .map((one) => [code(placeOf(one)), code(one.title), one.code ?? '', words(one.detail)]);
  const more = troubles.length - rows.length;
  const whole = table(['Where', 'What', 'Reason', 'Seen'], rows);
  const rest = more === 0 ? '' : `\n\nand ${more} more`;
  return `### ${count(troubles.length, 'other problem')}\n\n${whole}${rest}`;
}

function notChecked(results: readonly TimedResult[], unplayed: readonly Unplayed[]): string[] {
  const lines = [
    ...results.flatMap(({ result }) =>
      notCheckedOf(result).map((what) => `- ${code(result.file)}: ${words(what)}`),
    ),
    ...unplayed.map(
      ({ file, obstacles }) =>
        `- ${code(file)}: not played: ${words(obstacles.map(({ because }) => because).join('; '))}`,
    ),
  ];
  if (lines.length === 0) return [];
  const shown = lines.slice(0, troublesMax);
  const more = lines.length - shown.length;
  const rest = more === 0 ? [] : [`- and ${more} more`];
  return [`### Not checked\n\n${[...shown, ...rest].join('\n')}`];
}

const placeOf = ({ file, line }: Trouble): string => `${file}:${line}`;
