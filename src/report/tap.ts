/**
 * TAP 14 (testanything.org): a run is a subtest, each of its expectations and findings a test point.
 * What was not checked is skipped, and the run that it belongs to is not ok: it has not passed.
 */
import { wellFormed } from '../base/utf8.ts';
import {
  type ExpectationResult,
  type FindingResult,
  type RunResult,
  type StepResult,
  type Unplayed,
  verdictOfRun,
} from '../trace/result.ts';
import { safe } from './terminal.ts';
import { hopInWords, nameOfRun, notCheckedOf } from './troubles.ts';

/** What begins a stream. */
export const beginTap = (version: string): string => `TAP version 14\n# standin ${version}\n`;

/** The subtest of one run, and the test point that it makes. @param number From 1. */
export function runTap(result: RunResult, number: number): string {
  const name = description(`${result.file}: ${nameOfRun(result)}`);
  const points = [
    ...result.steps.flatMap((step) => step.expectations.map((one) => ofExpectation(step, one))),
    ...result.findings.map(ofFinding),
    ...ofEnd(result),
  ];
  const inside = points.flatMap((point, i) => pointLines(point, i + 1));
  const plan = points.length === 0 ? '1..0 # SKIP the run checks nothing' : `1..${points.length}`;
  const own: Point = {
    ok: verdictOfRun(result) === 'met' && points.every(({ ok }) => ok),
    name: `${result.file}: ${nameOfRun(result)}`,
    details: [['not checked', notCheckedOf(result)]],
  };
  const subtest = [...inside, plan].map((line) => `    ${line}`);
  return `${[`# Subtest: ${name}`, ...subtest, ...pointLines(own, number)].join('\n')}\n`;
}

/** What closes a stream of so many runs: cases that could not be played are not ok, and then the plan. */
export function endTap(runs: number, unplayed: readonly Unplayed[] = []): string {
  const points = unplayed.flatMap(({ file, case: of, obstacles }, i) => {
    const because = obstacles.map((obstacle) => obstacle.because);
    const name = of === '' ? file : `${file} ${of}`;
    return pointLines({ ok: false, name, details: [['not played', because]] }, runs + i + 1);
  });
  const all = runs + unplayed.length;
  const plan = all === 0 ? '1..0 # SKIP nothing was played' : `1..${all}`;
  return `${[...points, plan].join('\n')}\n`;
}

/** The end of a stream in which nothing is played. */
export const bailOut = (because: string): string => `Bail out! ${safe(because)}\n`;

interface Point {
  readonly ok: boolean;
  readonly name: string;
  readonly skipped?: string;
  readonly details: readonly Detail[];
}

type Detail = readonly [key: string, value: string | number | readonly string[] | undefined];

function ofExpectation({ number, title }: StepResult, one: ExpectationResult): Point {
  const { verdict, text, detail, code, fails, why, remedy, change, healsAt } = one;
  const name = `${number}: ${text}`;
  if (verdict === 'not-checked') {
    const skipped = detail === '' ? 'not checked' : `not checked: ${detail}`;
    return { ok: true, name, skipped, details: [] };
  }
  if (verdict === 'met') {
    const limit = fails === undefined ? undefined : 'limitation reproduced';
    return { ok: true, name, details: [['note', limit]] };
  }
  const file = one.file === undefined ? [] : ([['file', one.file]] as const);
  return {
    ok: false,
    name,
    details: [
      ...file,
      ['line', one.line],
      ['column', one.column],
      ['step', title],
      ['detail', detail],
      ['code', code],
      ['why', why],
      ['try', remedy],
      ['change', change && `${change.file}:${change.line}: ${change.text}`],
      ['heals at nanoseconds', healsAt],
      ['at nanoseconds', one.at],
      ['hops', (one.hops ?? []).map(hopInWords)],
    ],
  };
}

function ofFinding({ invariant, text, verdict, code, at, count }: FindingResult): Point {
  const details: readonly Detail[] = [
    ['verdict', verdict],
    ['code', code],
    ['at nanoseconds', at],
    ['count', count],
  ];
  return { ok: verdict !== 'broken', name: `invariant ${invariant}: ${text}`, details };
}

function ofEnd({ brokenOff, brokenOffBy }: RunResult): Point[] {
  if (brokenOff === undefined) return [];
  const details: readonly Detail[] = [
    ['code', brokenOff],
    ['detail', brokenOffBy],
  ];
  return [{ ok: false, name: 'the run gets to its end', details }];
}

function pointLines({ ok, name, skipped, details }: Point, number: number): string[] {
  const skip = skipped === undefined ? '' : ` # SKIP ${unopened(skipped)}`;
  const head = `${ok ? 'ok' : 'not ok'} ${number} - ${description(name)}${skip}`;
  const yaml = details.flatMap(yamlLines);
  return yaml.length === 0 ? [head] : [head, '  ---', ...yaml.map((line) => `  ${line}`), '  ...'];
}

/** One line, in which nothing begins a directive. */
const description = (text: string): string => unopened(text).replace(/[\\#]/g, '\\$&');

/** A brace at the end of a line opens a block, as some parsers have it. */
const unopened = (text: string): string => safe(text).replace(/\{(?=\s*$)/, '\\x7b');

function yamlLines([key, value]: Detail): string[] {
  if (value === undefined || value === '') return [];
  const name = key.replaceAll(' ', '_');
  if (typeof value === 'number') return [`${name}: ${value}`];
  if (typeof value === 'string') return [`${name}: ${yamlText(value)}`];
  return value.length === 0 ? [] : [`${name}:`, ...value.map((one) => `  - ${yamlText(one)}`)];
}

/** A double-quoted scalar in which nothing is left that YAML 1.2 does not call printable, or that hides (section 5.1). */
const yamlText = (text: string): string =>
  JSON.stringify(wellFormed(text)).replace(
    /[\p{Cf}\p{Zl}\p{Zp}\x7f-\x9f\ufffe\uffff]/gu,
    (character) => `\\U${character.codePointAt(0)!.toString(16).padStart(8, '0')}`,
  );
