/**
 * The report for a terminal: one run in full, or many runs with one line each. Virtual time and
 * real time are both said and never mixed. What became of an operation has words of its own;
 * ticks are for expectations only.
 */
import type { Duration } from '../base/time.ts';
import {
  type AttachmentResult,
  brokenFindings,
  type ExpectationResult,
  expectationsOf,
  type FindingResult,
  type Happening,
  isReproduced,
  type RunResult,
  type StepResult,
  type TimedResult,
  tally,
  type Verdict,
  verdictOfRun,
} from '../trace/result.ts';
import { type FailureOptions, failureBlock, hopTable } from './failure.ts';
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

export interface TextOptions {
  readonly version: string;
  /** How long the user waited for all of it. */
  readonly realTime: Duration;
  /** Gives a piece of text its colour; none if left out. */
  readonly style?: Style;
  /** Columns of the terminal; 100 if left out. */
  readonly width?: number;
  readonly source?: FailureOptions['source'];
  readonly see?: FailureOptions['see'];
  /** The exact command that runs the same again; `rerunCommand` if left out. */
  readonly rerun?: (result: RunResult) => string;
}

const failuresShownMax = 20;
const findingsShownMax = 20;
const marks: Record<Verdict, { readonly sign: string; readonly kind: TextKind }> = {
  met: { sign: '✓', kind: 'good' },
  broken: { sign: '✗', kind: 'bad' },
  'not-checked': { sign: '–', kind: 'warning' },
};

/** One run, step by step. */
export function runText(result: RunResult, options: TextOptions): string {
  const { style, width, ...rest } = filled(options);
  const of = result.case === '' ? '' : ` · ${safe(result.case)}`;
  const lines = [
    ` ${style('title', `standin ${options.version}`)} · ${safe(result.file)}${of} · seed ${result.seed}`,
    '',
    ` ${style('title', safe(result.name))}`,
    ...wrap(safe(result.about), width - 1).map((line) => ` ${style('faint', line)}`),
  ];
  for (const step of result.steps) lines.push('', ...stepLines(step, style, width));
  lines.push(...findingsBlock(result, style, width));
  const all = expectationsOf(result);
  const answered = firstAnswered(result);
  if (answered?.hops) {
    lines.push('', ` ${style('faint', 'the way of')} ${safe(answered.text)}`);
    lines.push(...hopTable(answered.hops, style, width));
  }
  for (const broken of all.filter(({ verdict }) => verdict === 'broken').slice(0, failuresShownMax))
    lines.push('', ...failureBlock(result, broken, { style, width, ...rest }));
  const { broken } = tally(all);
  if (broken > failuresShownMax) lines.push('', ` and ${broken - failuresShownMax} more`);
  lines.push('', ...closing(result, options, style));
  return finished(lines);
}

const findingMarks: Record<
  FindingResult['verdict'],
  { readonly sign: string; readonly kind: TextKind; readonly word: string }
> = {
  broken: { sign: '✗', kind: 'bad', word: '' },
  warned: { sign: '!', kind: 'warning', word: 'only warned of' },
  expected: { sign: '✓', kind: 'good', word: 'as expected' },
};

/** What was wrong on the wire, though nobody asked. Nothing where nothing was. */
function findingsBlock({ findings }: RunResult, style: Style, width: number): string[] {
  if (findings.length === 0) return [];
  const shown = findings.slice(0, findingsShownMax);
  const lines = ['', ` ${style('title', 'found on the wire')}`];
  for (const one of shown) lines.push(...findingLines(one, style, width));
  const left = findings.length - shown.length;
  if (left > 0) lines.push(`     and ${left} more`);
  return lines;
}

function findingLines(one: FindingResult, style: Style, width: number): string[] {
  const { sign, kind, word } = findingMarks[one.verdict];
  const code = one.code === undefined ? '' : ` (${one.code})`;
  const often = one.count > 1 ? [`${one.count} times`] : [];
  const where = one.step === 0 ? [] : [`step ${one.step}`];
  const when = `first at ${inWords(one.at as number as Duration)}`;
  const events = `${one.events.length === 1 ? 'event' : 'events'} ${one.events.join(', ')}`;
  const more = [...(word === '' ? [] : [word]), when, ...where, ...often, events].join(' · ');
  return [
    `     ${style(kind, sign)} ${one.invariant}${code}`,
    ...wrap(safe(one.text), width - 7).map((line) => `       ${line}`),
    `       ${style('faint', more)}`,
  ];
}

/** The first probe that was answered once an operation had succeeded: its way is what is new. Else the first of all. */
function firstAnswered({ steps }: RunResult): ExpectationResult | undefined {
  const operated = steps.findIndex(({ happened }) =>
    happened.some(({ kind }) => kind === 'success'),
  );
  const [after, before] = [steps.slice(Math.max(operated, 0)), steps];
  for (const some of [after, before]) {
    const found = some
      .flatMap(({ expectations }) => expectations)
      .find((one) => one.verdict === 'met' && !one.fails && one.hops?.length);
    if (found) return found;
  }
  return undefined;
}

/** A step: its title, what happened, what was expected. */
export function stepLines(step: StepResult, style: Style, width: number): string[] {
  const when = `at ${inWords(step.at as number as Duration)}`;
  const title = cut(safe(step.title), Math.max(10, width - 8 - when.length));
  return [
    ` ${padBefore(String(step.number), 2)}  ${style('title', title)}  ${style('faint', when)}`,
    ...step.happened.flatMap((happening) => happeningLines(happening, style, width)),
    ...step.expectations.flatMap((expectation) => expectationLines(expectation, style, width)),
  ];
}

const happenings: Record<Happening['kind'], { readonly word: string; readonly kind: TextKind }> = {
  note: { word: '·', kind: 'faint' },
  success: { word: 'operation succeeded:', kind: 'operation' },
  failed: { word: 'operation failed:', kind: 'operation' },
  warning: { word: 'warning:', kind: 'warning' },
};

function happeningLines({ kind, text, code }: Happening, style: Style, width: number): string[] {
  const { word, kind: look } = happenings[kind];
  const words = `${safe(text)}${code === undefined ? '' : ` (${code})`}`;
  return wrap(`${word} ${words}`, width - 5).map((line, i) =>
    i === 0 ? `     ${style(look, word)}${line.slice(word.length)}` : `       ${line}`,
  );
}

function expectationLines(one: ExpectationResult, style: Style, width: number): string[] {
  const { sign, kind } = marks[one.verdict];
  const limit = isReproduced(one) ? `  ${style('limit', 'limitation reproduced')}` : '';
  const isNews = one.code !== undefined && !one.text.includes(one.code);
  const code = isNews && one.verdict === 'met' ? ` (${one.code})` : '';
  const line = `     ${style(kind, sign)} ${safe(one.text)}${code}${limit}`;
  if (one.detail === '' || one.verdict === 'broken') return [line]; // told in full further down
  const detail = wrap(safe(one.detail), width - 7);
  return [line, ...detail.map((piece) => `       ${style('faint', piece)}`)];
}

function closing(result: RunResult, options: TextOptions, style: Style): string[] {
  const { met, broken, notChecked, reproduced } = tally(expectationsOf(result));
  const parts = [
    style('good', `${met} met`),
    style(broken > 0 ? 'bad' : 'faint', `${broken} broken`),
    ...(notChecked > 0 ? [style('warning', `${notChecked} not checked`)] : []),
    ...(reproduced > 0 ? [style('limit', `${count(reproduced, 'limitation')} reproduced`)] : []),
    ...findingCounts(result, style),
  ];
  const simulated = inWords(result.simulatedTime as number as Duration);
  const by = result.brokenOffBy === undefined ? '' : `: ${safe(result.brokenOffBy)}`;
  const nothing = met + broken + notChecked === 0;
  return [
    nothing ? ` ${style('warning', 'nothing was checked')}` : ` ${parts.join(' · ')}`,
    ` ${played(result, simulated, options)} · ${count(result.events, 'event')} · seed ${result.seed}`,
    ...(result.brokenOff === undefined
      ? []
      : [` ${style('warning', `the run was broken off${by}`)} (${result.brokenOff})`]),
    ...(result.attachments ?? []).map((one) => attachmentLine(one, style)),
    ...(result.capture === undefined
      ? []
      : [` ${style('faint', 'capture')}  ${safe(result.capture)}`]),
    ` ${style('faint', 'rerun')}    ${safe((options.rerun ?? rerunCommand)(result))}`,
  ];
}

function findingCounts(result: RunResult, style: Style): string[] {
  const bad = brokenFindings(result).length;
  const warned = result.findings.filter(({ verdict }) => verdict === 'warned').length;
  return [
    ...(bad > 0 ? [style('bad', `${count(bad, 'finding')} that nobody expected`)] : []),
    ...(warned > 0 ? [style('warning', `${count(warned, 'finding')} warned of`)] : []),
  ];
}

function attachmentLine({ network, to, in: came, out, dropped }: AttachmentResult, style: Style) {
  const ends = dropped.map(({ code, count: times }) => `${times} dropped (${code})`);
  const passed = network === '' ? [] : [`${count(came, 'frame')} in`, `${out} out`];
  const where = network === '' ? 'strangers' : `${safe(network)} at ${safe(to)}`;
  return ` ${style('faint', 'attached')} ${where}: ${[...passed, ...ends].join(' · ')}`;
}

function played({ platform }: RunResult, time: string, { realTime }: TextOptions): string {
  if (platform === undefined) return `simulated ${time} in ${inWords(realTime)}`;
  const { kernel, latest, stood = 0 } = platform;
  const still = stood > 0 ? `, and stood still for ${inWords(stood as Duration)}` : '';
  return `played ${time} on ${safe(kernel)}, at most ${inWords(latest)} late${still}`;
}

/** What to type to see this run again, to the last packet. */
export function rerunCommand(result: RunResult): string {
  const only = result.case === '' ? [] : ['--grep', quoted(result.case)];
  return ['standin', 'run', quoted(result.file), ...only, '--seed', result.seed].join(' ');
}

/** One word for a shell, whatever is in it. */
export const quoted = (text: string): string =>
  /^[\w./:=@,+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** Many runs: a line for each scenario, then what broke, then the sum of it. */
export function runsText(results: readonly TimedResult[], options: TextOptions): string {
  const { style, width, ...rest } = filled(options);
  const scenarios = new Map<string, TimedResult[]>();
  for (const timed of results) {
    const cases = scenarios.get(timed.result.file);
    if (cases === undefined) scenarios.set(timed.result.file, [timed]);
    else cases.push(timed);
  }
  const seeds = new Set(results.map(({ result }) => result.seed));
  const seed = seeds.size === 1 ? `seed ${[...seeds][0]}` : count(seeds.size, 'seed');
  const sizes = `${count(scenarios.size, 'scenario')} · ${count(results.length, 'case')}`;
  return finished([
    ` ${style('title', `standin ${options.version}`)} · ${sizes} · ${seed}`,
    '',
    ...scenarioLines(scenarios, style, width),
    ...failures(results, { style, width, ...rest }, options.rerun ?? rerunCommand),
    '',
    ...sum(results, options, style),
  ]);
}

function scenarioLines(
  scenarios: ReadonlyMap<string, readonly TimedResult[]>,
  style: Style,
  width: number,
): string[] {
  const rows = [...scenarios].map(([file, cases]) => {
    const expectations = cases.flatMap(({ result }) => expectationsOf(result));
    const time = cases.reduce((all, { realTime }) => all + realTime, 0);
    const verdicts = cases.map(({ result }) => verdictOfRun(result));
    return {
      verdict: worst(verdicts),
      name: shortName(file, scenarios),
      cases: String(cases.length),
      casesWord: cases.length === 1 ? 'case ' : 'cases',
      expectations: count(expectations.length, 'expectation'),
      time: inWords(time as Duration),
      remark: remarkOn(expectations, verdicts, cases),
    };
  });
  const widest = (cells: readonly string[]): number => Math.max(0, ...cells.map(widthOf));
  const cases = widest(rows.map((row) => row.cases));
  const expectations = widest(rows.map((row) => row.expectations));
  const time = widest(rows.map((row) => row.time));
  const room = Math.max(12, width - cases - expectations - time - 46);
  const name = Math.max(24, Math.min(room, widest(rows.map((row) => row.name))));
  return rows.map((row) => {
    const { sign, kind } = marks[row.verdict];
    const remark = row.remark === undefined ? '' : style(...row.remark);
    const plural = row.expectations.endsWith('s') ? 0 : 1; // keep the words in one column
    const sized = padBefore(row.expectations + ' '.repeat(plural), expectations);
    return (
      ` ${style(kind, sign)} ${pad(cut(row.name, name), name)}  ` +
      `${padBefore(row.cases, cases)} ${row.casesWord}  ${sized}  ${padBefore(row.time, time)}  ${remark}`
    );
  });
}

function worst(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('broken')) return 'broken';
  return verdicts.includes('not-checked') ? 'not-checked' : 'met';
}

function remarkOn(
  expectations: readonly ExpectationResult[],
  verdicts: readonly Verdict[],
  cases: readonly TimedResult[],
): readonly [TextKind, string] | undefined {
  const { broken, notChecked, reproduced } = tally(expectations);
  const found = cases.flatMap(({ result }) => brokenFindings(result)).length;
  const parts = [
    ...(broken > 0 ? [`${broken} broken`] : []),
    ...(found > 0 ? [count(found, 'finding')] : []),
  ];
  if (parts.length > 0) return ['bad', parts.join(', ')];
  if (expectations.length === 0) return ['warning', 'nothing was checked'];
  if (verdicts.includes('not-checked'))
    return ['warning', notChecked > 0 ? `${notChecked} not checked` : 'broken off'];
  return reproduced > 0 ? ['limit', 'limitation reproduced'] : undefined;
}

/** The file's own name without its ending, or all of it where two scenarios share that. */
function shortName(file: string, scenarios: ReadonlyMap<string, unknown>): string {
  const own = (path: string): string => path.replace(/^.*[\\/]/, '').replace(/\.ya?ml$/, '');
  const name = own(file);
  const twins = [...scenarios.keys()].filter((other) => own(other) === name);
  return safe(twins.length > 1 || name === '' ? file : name);
}

/** Each broken expectation once; the same one with the same reason in other cases is only counted. */
function failures(
  results: readonly TimedResult[],
  options: FailureOptions,
  rerun: (result: RunResult) => string,
): string[] {
  const groups = new Map<string, { result: RunResult; first: ExpectationResult; more: number }>();
  for (const { result } of results) {
    for (const one of expectationsOf(result).filter(({ verdict }) => verdict === 'broken')) {
      const key = JSON.stringify([one.file ?? result.file, one.line, one.column, one.code ?? '']);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { result, first: one, more: 0 });
      else group.more += 1;
    }
  }
  const lines: string[] = [];
  for (const { result, first, more } of [...groups.values()].slice(0, failuresShownMax)) {
    lines.push('', ...failureBlock(result, first, options));
    lines.push('', `   ${options.style('faint', 'rerun')}  ${safe(rerun(result))}`);
    if (more > 0) lines.push(`   and ${more} more with the same reason`);
  }
  if (groups.size > failuresShownMax)
    lines.push('', ` and ${count(groups.size - failuresShownMax, 'other failure')}`);
  return [...lines, ...findingFailures(results, options, rerun)];
}

/** Findings that nobody expected: those of one invariant in one file once, with the rest counted. */
function findingFailures(
  results: readonly TimedResult[],
  { style, width }: FailureOptions,
  rerun: (result: RunResult) => string,
): string[] {
  const groups = new Map<string, { result: RunResult; first: FindingResult; more: number }>();
  for (const { result } of results) {
    for (const first of brokenFindings(result)) {
      const key = JSON.stringify([result.file, first.invariant]);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { result, first, more: 0 });
      else group.more += 1;
    }
  }
  const lines: string[] = [];
  for (const { result, first, more } of [...groups.values()].slice(0, failuresShownMax)) {
    const of = result.case === '' ? '' : ` · ${result.case}`;
    lines.push('', ` ${safe(`${result.file}${of}`)}`, ...findingLines(first, style, width));
    lines.push(`       ${style('faint', 'see')}    standin invariants ${first.invariant}`);
    lines.push(`       ${style('faint', 'rerun')}  ${safe(rerun(result))}`);
    if (more > 0) lines.push(`       and ${more} more of ${first.invariant} in this file`);
  }
  if (groups.size > failuresShownMax)
    lines.push('', ` and ${count(groups.size - failuresShownMax, 'other finding')}`);
  return lines;
}

const onKernels = (results: readonly TimedResult[]): boolean =>
  results.some(({ result }) => result.platform !== undefined);

function sum(results: readonly TimedResult[], options: TextOptions, style: Style): string[] {
  const verdicts = results.map(({ result }) => verdictOfRun(result));
  const of = (verdict: Verdict): number => verdicts.filter((one) => one === verdict).length;
  const simulated = results.reduce((all, { result }) => all + result.simulatedTime, 0);
  const failed = of('broken');
  const unchecked = of('not-checked');
  const parts = [
    style('good', `${of('met')} passed`),
    style(failed > 0 ? 'bad' : 'faint', `${failed} failed`),
    ...(unchecked > 0 ? [style('warning', `${unchecked} not fully checked`)] : []),
    `${onKernels(results) ? 'played' : 'simulated'} ${inWords(simulated as Duration)} in ${inWords(options.realTime)}`,
  ];
  return [` ${parts.join(' · ')}`];
}

function filled(options: TextOptions): FailureOptions {
  const { style = plain, width = 100, source = () => undefined, see = seeMore } = options;
  return { style, width: Math.max(40, width), source, see };
}

/** What to type to know more of a broken expectation. */
const seeMore: FailureOptions['see'] = (expectation, result) => {
  const { code } = expectation;
  const reason = code === undefined ? [] : [`standin reasons ${code}`];
  return [...reason, ...explainCommand(expectation, result)];
};

/** Nothing where no packet was sent, or none that the simulation has sent. */
function explainCommand(
  { probe, file, line }: ExpectationResult,
  result: RunResult,
): readonly string[] {
  if (probe === undefined || file !== undefined || result.platform !== undefined) return [];
  const only = result.case === '' ? [] : ['--case', quoted(result.case)];
  const words = [quoted(`${result.file}:${line}`), ...only, '--seed', result.seed, '--verify'];
  return [`standin explain ${words.join(' ')}`];
}

const finished = (lines: readonly string[]): string =>
  `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
