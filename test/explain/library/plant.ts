/**
 * Faults planted one at a time, or two at once, into scenarios of the gallery, and what an
 * explanation has to say of them. It sees the log and nothing else.
 */
import { readFileSync } from 'node:fs';
import { nodeCrypto } from '../../../src/crypto/node.ts';
import { type Explanation, type Question, why } from '../../../src/explain/why.ts';
import { worldOf } from '../../../src/explain/world.ts';
import type { Amendment } from '../../../src/scenario/amend.ts';
import { check } from '../../../src/scenario/check.ts';
import { play } from '../../../src/scenario/play.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import { SimBackend } from '../../../src/sim/backend.ts';
import type { TraceEvent } from '../../../src/trace/event.ts';
import { EventLog } from '../../../src/trace/log.ts';
import type { Reason } from '../../../src/trace/reasons.ts';

/** A flow that works, in a scenario of the gallery: whatever is planted there is what breaks it. */
export interface Bed {
  readonly file: string;
  /** Words that the case must have: `blocked=udp/1199`. */
  readonly case?: string;
  /** Nothing after this step of the file happens. */
  readonly upTo: number;
  /** The step that is the operation, where one is, and what it says. */
  readonly operation?: { readonly step: number; readonly text: string };
  /** Steps of the file that are left out: they expect what is not so here. */
  readonly without?: readonly number[];
  /** What is asked at the end, as in a scenario. */
  readonly ask: string;
  readonly set?: Settings;
}

type Settings = Readonly<Record<string, string>>;

/** One thing that is wrong. */
export interface Plant {
  readonly bed: string;
  /** A fault, as in a scenario: `power_off: nea-hq`. */
  readonly fault?: string;
  /** Before everything, right before the operation, as it comes to this of its steps, or once it is over. */
  readonly when?: 'first' | 'before' | number | 'after';
  /** A setting that is wrong, by its path. */
  readonly set?: Settings;
  /** A step of the file that somebody forgot. */
  readonly omit?: number;
  /** What has to happen until it shows. */
  readonly meantime?: readonly string[];
  /** In place of what the bed asks. */
  readonly ask?: string;
  /** What is wrong, by the catalogue: several only where the catalogue has several words for it. */
  readonly code: Reason | readonly Reason[];
  /** Of a setting, what the sentence or its advice has to name. Of a fault that is its line. */
  readonly names?: readonly string[];
}

/** The line that the fault of a plant stands in: each has a number of its own. */
export const lineOf = (number: number): number => 100 * (number + 1);

export interface Answer {
  readonly explanation: Explanation | undefined;
  /** What was asked was answered: nothing was broken. */
  readonly isAnswered: boolean;
}

/** Plays a bed with some things wrong, and asks why what is asked there fails. */
export async function ask(bed: Bed, plants: readonly Plant[]): Promise<Answer> {
  const scenario = scenarioOf(bed, plants);
  const log = new EventLog('full');
  const { result } = await play(scenario, new SimBackend({ crypto: nodeCrypto }), log);
  const last = result.steps.at(-1)!.expectations.at(-1)!;
  if (last.verdict === 'met') return { explanation: undefined, isAnswered: true };
  return {
    explanation: why(log, questionOf(log, scenario, result.steps.at(-1)!.at)),
    isAnswered: false,
  };
}

function questionOf(log: EventLog, scenario: Scenario, asked: number): Question {
  const world = worldOf(log);
  let probe: Extract<TraceEvent, { kind: 'probe' }> | undefined;
  for (const one of log.facts(['probe'])) if (one.at >= asked && one.what === 'sent') probe = one;
  if (probe !== undefined)
    return { probe: probe.probe, from: probe.node, to: probe.to, at: world.end };
  // Nobody could ask.
  const [step] = scenario.steps.slice(-1);
  const [only] = step?.kind === 'expect' ? step.probes : [];
  if (only === undefined || !('flow' in only)) throw new Error('nothing is asked');
  const { from, to } = only.flow;
  const nodeOf = (name: string): string => {
    const replica = world.replicaOf(name)?.name;
    return replica !== undefined && world.isFailedOver(name, world.end) ? replica : name;
  };
  const node = nodeOf(from.text);
  const ip = world.machine(to.text)?.ip || world.addressesOf(nodeOf(to.text), world.end)[0]?.ip;
  return { from: node, to: ip ?? to.text, at: world.end };
}

/** Whether the check takes both together: some cannot be wrong at the same time. */
export function isPossible(bed: Bed, plants: readonly Plant[]): boolean {
  return read(bed, plants).errors.length === 0;
}

function scenarioOf(bed: Bed, plants: readonly Plant[]): Scenario {
  const { found, errors } = read(bed, plants);
  if (found === undefined || errors.length > 0)
    throw new Error(`${inWords(plants)}: ${errors.join('\n') || 'no such case'}`);
  return found;
}

function read(bed: Bed, plants: readonly Plant[]) {
  const { cases, problems } = check(
    `scenarios/${bed.file}.yaml`,
    (path) => readFileSync(path, 'utf8'),
    { amendments: amendmentsOf(bed, plants) },
  );
  return {
    found: cases?.find((one) => one.case.includes(bed.case ?? '')),
    errors: problems.flatMap(({ severity, file, line, message }) =>
      severity === 'error' ? [`${file}:${line} ${message}`] : [],
    ),
  };
}

function amendmentsOf(bed: Bed, plants: readonly Plant[]): Amendment[] {
  const made: Amendment[] = [{ kind: 'cut', after: bed.upTo }];
  const put = (before: number, step: string): void => {
    made.push({ kind: 'insert', before, step });
  };
  const omit = (step: number): void => {
    made.push({ kind: 'omit', step });
  };
  for (const settings of [bed.set, ...plants.map(({ set }) => set)])
    for (const [path, value] of Object.entries(settings ?? {}))
      made.push({ kind: 'set', path, value });
  for (const step of bed.without ?? []) omit(step);
  const { operation } = bed;
  const during: string[] = [];
  for (const [i, { fault, when = 'after', omit: forgotten }] of plants.entries()) {
    if (forgotten !== undefined) omit(forgotten);
    if (fault === undefined) continue;
    if (typeof when === 'number')
      during[lineOf(i) - 1] = `  - { fault: { ${fault} }, at_step: ${when} }`;
    else put(placeOf(bed, when), onLine(lineOf(i), `fault: { ${fault} }`));
  }
  if (during.length > 0) {
    omit(operation!.step);
    [during[0], during[1]] = [operation!.text, 'meanwhile:'];
    put(operation!.step, Array.from(during, (line) => line ?? '').join('\n'));
  }
  for (const step of new Set(plants.flatMap(({ meantime }) => meantime ?? [])))
    put(bed.upTo + 1, step);
  put(bed.upTo + 1, `expect: [{ ${plants[0]?.ask ?? bed.ask} }]`);
  return made;
}

const onLine = (line: number, text: string): string => '\n'.repeat(line - 1) + text;

function placeOf({ operation, upTo }: Bed, when: 'first' | 'before' | 'after'): number {
  if (when === 'first') return 1;
  return when === 'before' ? operation!.step : upTo + 1;
}

/** What is planted, for people. */
export function inWords(plants: readonly Plant[]): string {
  const one = ({ fault, when = 'after', set, omit }: Plant): string => {
    if (fault !== undefined)
      return `${fault} (${typeof when === 'number' ? `at step ${when}` : when})`;
    if (omit !== undefined) return `without step ${omit}`;
    return Object.entries(set ?? {})
      .map(([path, value]) => `${path}: ${value}`)
      .join(', ');
  };
  const [first] = plants;
  return `${first?.bed}: ${plants.map(one).join(' + ')}${first?.ask === undefined ? '' : ` [${first.ask}]`}`;
}

// Whether it is right

/** Whether this names what was planted: the code, and where it is in the file. */
export function isNamed(
  plant: Plant,
  number: number,
  {
    code,
    sentence,
    fault,
    try: advice = '',
  }: Pick<Explanation, 'code' | 'sentence' | 'fault' | 'try'>,
): boolean {
  const codes: readonly Reason[] = typeof plant.code === 'string' ? [plant.code] : plant.code;
  if (!codes.includes(code)) return false;
  if (plant.fault !== undefined) return fault?.line === lineOf(number);
  return (plant.names ?? []).every((name) => `${sentence} ${advice}`.includes(name));
}
