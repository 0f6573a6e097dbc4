/**
 * What is wrong in a run, whoever noticed: an expectation that is broken, or an invariant. One shape
 * for the reports that list problems with their places, whatever else they make of them.
 */
import type { Instant } from '../base/time.ts';
import { type Reason, reasons } from '../trace/reasons.ts';
import type {
  Change,
  ExpectationResult,
  FindingResult,
  Hop,
  RunResult,
  StepResult,
} from '../trace/result.ts';

export interface Trouble {
  readonly kind: 'expectation' | 'invariant';
  /** An error keeps the run from passing. */
  readonly severity: 'error' | 'warning';
  /** Which sort of trouble: the reason code, `EXPECTATION_BROKEN` without one, `invariant.two_answers`. */
  readonly rule: string;
  readonly file: string;
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** Of the step, from 1; 0 before the first. */
  readonly step: number;
  /** What was expected, or what should never be: `ping web01 -> sql01`, `invariant two_answers`. */
  readonly title: string;
  /** What was seen instead. May be empty. */
  readonly detail: string;
  readonly code: Reason | undefined;
  /** What the reason means here, or anywhere. */
  readonly why: string | undefined;
  readonly remedy: string | undefined;
  readonly change: Change | undefined;
  readonly healsAt: Instant | undefined;
  readonly at: Instant;
  readonly hops: readonly Hop[];
}

/** In the order of the steps; what invariants say of a step comes after what it expects. */
export function troublesOf(result: RunResult): Trouble[] {
  const before = findingsIn(result, 0).map((finding) => ofFinding(result, undefined, finding));
  const inSteps = result.steps.flatMap((step) => [
    ...step.expectations
      .filter(({ verdict }) => verdict === 'broken')
      .map((one) => ofExpectation(result, step, one)),
    ...findingsIn(result, step.number).map((finding) => ofFinding(result, step, finding)),
  ]);
  return [...before, ...inSteps];
}

const findingsIn = ({ findings }: RunResult, number: number): FindingResult[] =>
  findings.filter(({ step, verdict }) => step === number && verdict !== 'expected');

function ofExpectation(
  { file }: RunResult,
  { number }: StepResult,
  one: ExpectationResult,
): Trouble {
  const { code, line, column, detail, change, healsAt, at, hops = [] } = one;
  return {
    kind: 'expectation',
    severity: 'error',
    rule: code ?? 'EXPECTATION_BROKEN',
    file: one.file ?? file,
    line,
    column,
    step: number,
    title: one.text,
    detail,
    code,
    ...advice(code, one),
    change,
    healsAt,
    at,
    hops,
  };
}

function ofFinding(
  { file }: RunResult,
  step: StepResult | undefined,
  { invariant, verdict, text, code, at, count, step: number }: FindingResult,
): Trouble {
  return {
    kind: 'invariant',
    severity: verdict === 'broken' ? 'error' : 'warning',
    rule: `invariant.${invariant}`,
    file: step?.expectations[0]?.file ?? file,
    line: step?.line ?? 1,
    column: 1,
    step: number,
    title: `invariant ${invariant}`,
    detail: count > 1 ? `${text} (${count} times)` : text,
    code,
    ...advice(code, {}),
    change: undefined,
    healsAt: undefined,
    at,
    hops: [],
  };
}

function advice(
  code: Reason | undefined,
  { why, remedy }: Pick<ExpectationResult, 'why' | 'remedy'>,
): Pick<Trouble, 'why' | 'remedy'> {
  const entry = code === undefined ? undefined : reasons[code];
  return { why: why ?? entry?.meaning, remedy: remedy ?? entry?.remedy };
}

/** What a run could not look at, a sentence each. */
export function notCheckedOf(result: RunResult): string[] {
  const expectations = result.steps.flatMap((step) => step.expectations);
  const unchecked = expectations
    .filter(({ verdict }) => verdict === 'not-checked')
    .map(({ text, detail }) => (detail === '' ? text : `${text}: ${detail}`));
  const { brokenOff, brokenOffBy } = result;
  if (brokenOff !== undefined)
    unchecked.push(`the run was broken off: ${brokenOffBy ?? reasons[brokenOff].meaning}`);
  return expectations.length === 0 ? [...unchecked, 'the run checks nothing'] : unchecked;
}

/** `planned failover [lease=valid]` */
export const nameOfRun = ({ name, case: of }: Pick<RunResult, 'name' | 'case'>): string =>
  of === '' ? name : `${name} [${of}]`;

/** `hop 2: esx1 port3 -> dropped: port is down`: one hop on one line. */
export const hopInWords = (hop: Hop, i: number): string =>
  `hop ${i + 1}: ${hop.where} ${hop.in || '-'} -> ${hop.dropped ? 'dropped' : hop.out || '-'}: ${hop.what}`;
