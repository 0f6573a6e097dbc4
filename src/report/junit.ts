/**
 * JUnit XML, as continuous integration reads it: a run is a suite, a step with expectations is a
 * test case, and so is a finding. A step that expects nothing is not one: it could only ever pass.
 *
 * It keeps to `junit-10.xsd` of the xUnit plugin of Jenkins, which refuses whatever is not in there.
 */
import type { Duration } from '../base/time.ts';
import { type Reason, reasons } from '../trace/reasons.ts';
import {
  type ExpectationResult,
  type FindingResult,
  isReproduced,
  type RunResult,
  type StepResult,
  type TimedResult,
  verdictOf,
} from '../trace/result.ts';
import { count, showEscaped } from './terminal.ts';
import { hopInWords, nameOfRun } from './troubles.ts';

export interface JunitOptions {
  readonly version: string;
  readonly realTime: Duration;
}

export function runsJunit(results: readonly TimedResult[], options: JunitOptions): string {
  const suites = results.map((timed) => ({ timed, cases: casesOf(timed.result) }));
  const all = suites.flatMap(({ cases }) => cases);
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="standin" ${sums(all)} time="${inSeconds(options.realTime)}">`,
    ...suites.flatMap(({ timed, cases }) => suite(timed, cases, options.version)),
    '</testsuites>',
  ];
  return `${lines.join('\n')}\n`;
}

/** A step, something that an invariant found, or the lack of anything that checks. */
interface Case {
  readonly name: string;
  readonly expectations: readonly ExpectationResult[];
  readonly finding?: FindingResult;
  /** It did not get to its end. */
  readonly brokenOff?: Reason;
}

function casesOf(result: RunResult): Case[] {
  const checking = result.steps.filter(({ expectations }) => expectations.length > 0);
  const { brokenOff } = result;
  const end: Case[] =
    brokenOff === undefined
      ? []
      : [{ name: 'the run gets to its end', expectations: [], brokenOff }];
  const steps: Case[] = checking.map(({ number, title, expectations }) => ({
    name: `${number}: ${title}`,
    expectations,
  }));
  if (steps.length + end.length === 0) steps.push({ name: 'no expectations', expectations: [] });
  const found = result.findings.map((finding) => ({
    name: `invariant ${finding.invariant}`,
    expectations: [],
    finding,
  }));
  return [...steps, ...found, ...end];
}

type Ending = 'passed' | 'failed' | 'error' | 'skipped';

function endingOf({ expectations, finding, brokenOff }: Case): Ending {
  if (brokenOff !== undefined) return 'error';
  if (finding !== undefined) return finding.verdict === 'broken' ? 'failed' : 'passed';
  return ({ met: 'passed', broken: 'failed', 'not-checked': 'skipped' } as const)[
    verdictOf(expectations)
  ];
}

function sums(cases: readonly Case[]): string {
  const endings = cases.map(endingOf);
  const of = (ending: Ending): number => endings.filter((one) => one === ending).length;
  return `tests="${cases.length}" failures="${of('failed')}" errors="${of('error')}"`;
}

const counts = (cases: readonly Case[]): string =>
  `${sums(cases)} skipped="${cases.filter((one) => endingOf(one) === 'skipped').length}"`;

function suite(
  { result, realTime }: TimedResult,
  cases: readonly Case[],
  version: string,
): string[] {
  const properties: [string, string | number][] = [
    ['standin', version],
    ['file', result.file],
    ['case', result.case],
    ['seed', result.seed],
    ['simulated-nanoseconds', result.simulatedTime],
    ['events', result.events],
    ...(result.capture === undefined ? [] : ([['capture', result.capture]] as [string, string][])),
  ];
  const happened = result.steps.flatMap(stepText).join('\n');
  return [
    `  <testsuite name="${attribute(nameOfRun(result))}" ${counts(cases)} time="${inSeconds(realTime)}" file="${attribute(result.file)}">`,
    '    <properties>',
    ...properties.map(
      ([key, value]) => `      <property name="${key}" value="${attribute(String(value))}"/>`,
    ),
    '    </properties>',
    ...cases.flatMap((one) => testCase(result, one)),
    ...(happened === '' ? [] : [`    <system-out>${content(happened)}</system-out>`]),
    '  </testsuite>',
  ];
}

function stepText(step: StepResult): string[] {
  return step.happened.map(
    ({ kind, text, code }) =>
      `step ${step.number}: ${kind}: ${text}${code === undefined ? '' : ` (${code})`}`,
  );
}

function testCase(result: RunResult, one: Case): string[] {
  const open = `    <testcase name="${attribute(one.name)}" classname="${attribute(result.file)}"`;
  const body = outcome(result, one);
  return body.length === 0 ? [`${open}/>`] : [`${open}>`, ...body, '    </testcase>'];
}

function outcome(result: RunResult, { expectations, finding, brokenOff }: Case): string[] {
  if (brokenOff !== undefined) {
    const by = result.brokenOffBy ?? reasons[brokenOff].meaning;
    const message = attribute(`broken off: ${by}`);
    return [`      <error type="${brokenOff}" message="${message}"/>`];
  }
  if (finding !== undefined) return findingText(finding);
  const broken = expectations.filter(({ verdict }) => verdict === 'broken');
  const unchecked = expectations.filter(({ verdict }) => verdict === 'not-checked');
  const reproduced = expectations.filter(isReproduced).map(({ text }) => text);
  const [first] = broken;
  if (first !== undefined) {
    // One failure element a case: several are not in every schema, and readers show the first.
    const more = broken.length > 1 ? ` (and ${broken.length - 1} more)` : '';
    const message = `${first.text}: ${first.detail}${more}`;
    const text = broken.map((one) => failureText(result, one)).join('\n\n');
    return [
      `      <failure type="${first.code ?? 'broken'}" message="${attribute(message)}">${content(text)}</failure>`,
    ];
  }
  if (unchecked.length > 0 || expectations.length === 0) {
    const what = unchecked.map(({ text, detail }) => (detail === '' ? text : `${text}: ${detail}`));
    const message =
      what.length === 0 ? 'the run checks nothing' : `not checked: ${what.join('; ')}`;
    return [`      <skipped message="${attribute(message)}"/>`];
  }
  if (reproduced.length === 0) return [];
  const text = `${count(reproduced.length, 'limitation')} reproduced: ${reproduced.join('; ')}`;
  return [`      <system-out>${content(text)}</system-out>`];
}

function findingText({ invariant, text, code, count: times, verdict }: FindingResult): string[] {
  const words = times > 1 ? `${text} (${times} times)` : text;
  if (verdict !== 'broken')
    return [`      <system-out>${content(`${verdict}: ${words}`)}</system-out>`];
  const type = attribute(code ?? invariant);
  return [`      <failure type="${type}" message="${attribute(words)}"/>`];
}

function failureText(result: RunResult, one: ExpectationResult): string {
  const hops = one.hops ?? [];
  return [
    `${one.file ?? result.file}:${one.line}:${one.column}: ${one.text}`,
    ...(one.detail === '' ? [] : [one.detail]),
    ...(one.code === undefined ? [] : [`reason: ${one.code}${one.why ? `: ${one.why}` : ''}`]),
    ...hops.map(hopInWords),
  ].join('\n');
}

const inSeconds = (time: Duration): string => (time / 1e9).toFixed(3);

/** What XML 1.0 cannot hold at all (section 2.2), and the controls it discourages, made visible. */
const visible = (text: string): string =>
  text.replace(/(?![\t\n\r])[\p{Cc}\p{Cs}\ufffe\uffff]/gu, showEscaped);

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Between tags. `>` is always written as an entity, so `]]>` cannot arise. */
const content = (text: string): string => visible(text).replace(/[&<>"'\r]/g, escaped);

/** Between quotes. A reader would turn white space other than blanks into blanks (section 3.3.3). */
const attribute = (text: string): string => visible(text).replace(/[&<>"'\t\n\r]/g, escaped);

const escaped = (character: string): string =>
  entities[character] ?? `&#${character.charCodeAt(0)};`;
