/**
 * JUnit XML, as continuous integration reads it: a run is a suite, a step with expectations is a
 * test case. A step that expects nothing is not one: it could only ever pass.
 */
import { type Duration, showMoment } from '../base/time.ts';
import { type Reason, reasons } from '../trace/reasons.ts';
import {
  type ExpectationResult,
  type FindingResult,
  type Hop,
  isReproduced,
  type RunResult,
  type StepResult,
  type TimedResult,
  verdictOf,
} from '../trace/result.ts';
import { count, showEscaped } from './terminal.ts';

export interface JunitOptions {
  readonly version: string;
  readonly realTime: Duration;
}

export function runsJunit(results: readonly TimedResult[], options: JunitOptions): string {
  const suites = results.map((timed) => ({ timed, cases: casesOf(timed.result) }));
  const all = suites.flatMap(({ cases }) => cases);
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="standin" ${counts(all)} time="${inSeconds(options.realTime)}">`,
    ...suites.flatMap(({ timed, cases }) => suite(timed, cases, options.version)),
    '</testsuites>',
  ];
  return `${lines.join('\n')}\n`;
}

/** A step, or the lack of any that checks something. */
interface Case {
  readonly name: string;
  readonly line: number;
  readonly expectations: readonly ExpectationResult[];
  /** It did not get to its end. */
  readonly brokenOff?: Reason;
  /** What was found of one invariant. */
  readonly findings?: readonly FindingResult[];
}

function casesOf(result: RunResult): Case[] {
  const checking = result.steps.filter(({ expectations }) => expectations.length > 0);
  const { brokenOff } = result;
  const end: Case[] =
    brokenOff === undefined
      ? []
      : [{ name: 'the run gets to its end', line: 1, expectations: [], brokenOff }];
  if (checking.length + end.length === 0)
    return [{ name: 'no expectations', line: 1, expectations: [] }];
  const cases = checking.map((step) => ({
    name: `${step.number}: ${step.title}`,
    line: step.line,
    expectations: step.expectations,
  }));
  return [...cases, ...findingCases(result), ...end];
}

/** One for each invariant that anything was found of. */
function findingCases({ findings, steps }: RunResult): Case[] {
  return [...new Set(findings.map(({ invariant }) => invariant))].map((name) => {
    const own = findings.filter(({ invariant }) => invariant === name);
    const line = steps.find(({ number }) => number === own[0]!.step)?.line ?? 1;
    return { name: `invariant ${name}`, line, expectations: [], findings: own };
  });
}

const isFailed = ({ expectations, findings }: Case): boolean =>
  findings === undefined
    ? verdictOf(expectations) === 'broken'
    : findings.some(({ verdict }) => verdict === 'broken');

const isSkipped = ({ expectations, findings }: Case): boolean =>
  findings === undefined && verdictOf(expectations) === 'not-checked';

function counts(cases: readonly Case[]): string {
  const errors = cases.filter(({ brokenOff }) => brokenOff !== undefined).length;
  const ended = cases.filter(({ brokenOff }) => brokenOff === undefined);
  const failures = ended.filter(isFailed).length;
  const skipped = ended.filter(isSkipped).length;
  return `tests="${cases.length}" failures="${failures}" errors="${errors}" skipped="${skipped}"`;
}

function suite(
  { result, realTime }: TimedResult,
  cases: readonly Case[],
  version: string,
): string[] {
  const name = result.case === '' ? result.name : `${result.name} [${result.case}]`;
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
    `  <testsuite name="${attribute(name)}" ${counts(cases)} time="${inSeconds(realTime)}" file="${attribute(result.file)}">`,
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
  const { name, line } = one;
  const open = `    <testcase name="${attribute(name)}" classname="${attribute(result.file)}" file="${attribute(result.file)}" line="${line}"`;
  const body = outcome(result, one);
  return body.length === 0 ? [`${open}/>`] : [`${open}>`, ...body, '    </testcase>'];
}

function outcome(result: RunResult, { expectations, brokenOff, findings }: Case): string[] {
  if (brokenOff !== undefined) {
    const by = result.brokenOffBy ?? reasons[brokenOff].meaning;
    const message = attribute(`broken off: ${by}`);
    return [`      <error type="${brokenOff}" message="${message}"/>`];
  }
  if (findings !== undefined) return findingOutcome(findings);
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

function findingOutcome(findings: readonly FindingResult[]): string[] {
  const text = findings.map(findingText).join('\n');
  const broken = findings.find(({ verdict }) => verdict === 'broken');
  if (broken === undefined) return [`      <system-out>${content(text)}</system-out>`];
  const type = broken.code ?? broken.invariant;
  return [
    `      <failure type="${type}" message="${attribute(broken.text)}">${content(text)}</failure>`,
  ];
}

const findingText = ({ text, verdict, count: times, at, events }: FindingResult): string =>
  `${verdict}: ${text}; first at ${showMoment(at)}, ${times} times, events ${events.join(', ')}`;

function failureText(result: RunResult, one: ExpectationResult): string {
  const hops = one.hops ?? [];
  return [
    `${one.file ?? result.file}:${one.line}:${one.column}: ${one.text}`,
    ...(one.detail === '' ? [] : [one.detail]),
    ...(one.code === undefined ? [] : [`reason: ${one.code}${one.why ? `: ${one.why}` : ''}`]),
    ...hops.map(hopText),
  ].join('\n');
}

const hopText = (hop: Hop, i: number): string =>
  `hop ${i + 1}: ${hop.where} ${hop.in || '-'} -> ${hop.dropped ? 'dropped' : hop.out || '-'}: ${hop.what}`;

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
