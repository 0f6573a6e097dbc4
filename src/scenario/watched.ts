/**
 * What is watched in a run without being asked, and what the scenario says to it: what it expects is
 * no fault of the run, and of what it does not expect it says how bad that is.
 */
import { type Broken, Invariants } from '../explain/invariants.ts';
import type { Lab } from '../lab/lab.ts';
import { type InvariantName, invariantNames } from '../trace/invariants.ts';
import type { FindingResult, StepResult } from '../trace/result.ts';
import type { Scenario, Severity, Step, WatchedInvariants } from './scenario.ts';

export class Watched {
  readonly #scenario: Scenario;
  readonly #lab: Lab;
  readonly #invariants: Invariants;
  readonly #expected = new Set<InvariantName>();

  constructor(scenario: Scenario, lab: Lab) {
    const { severity, announcedWithin } = scenario.invariants;
    const asked = new Set(scenario.steps.flatMap(askedIn));
    const names = invariantNames.filter((name) => severity[name] !== 'ignore' || asked.has(name));
    this.#scenario = scenario;
    this.#lab = lab;
    // In real time kernels and real hosts do what the log only witnesses.
    const isWitnessed = lab.slack > 0;
    this.#invariants = new Invariants(lab.log, names, { announcedWithin, isWitnessed });
  }

  /** How an invariant has been broken so far, the first time first. */
  broken(name: InvariantName): Broken | undefined {
    return this.#broken().find(({ invariant }) => invariant === name);
  }

  /** The scenario has said that it would be so, and it is. */
  expect(name: InvariantName): void {
    this.#expected.add(name);
  }

  findings(steps: readonly StepResult[]): FindingResult[] {
    return this.#broken().flatMap((one) => {
      const verdict = this.#verdictOf(one.invariant);
      if (verdict === undefined) return [];
      const step = steps.findLast(({ at }) => at <= one.at)?.number ?? 0;
      return [{ ...one, step, verdict }];
    });
  }

  #broken(): readonly Broken[] {
    return this.#invariants.broken(this.#lab.now);
  }

  #verdictOf(name: InvariantName): FindingResult['verdict'] | undefined {
    if (this.#expected.has(name)) return 'expected';
    const severity = this.#scenario.invariants.severity[name];
    if (severity === 'ignore') return undefined;
    return severity === 'warn' ? 'warned' : 'broken';
  }
}

/** The same scenario, where all broken invariants come to the same. */
export function withSeverity(scenario: Scenario, severity: Severity): Scenario {
  const all = invariantNames.map((name) => [name, severity]);
  const same = Object.fromEntries(all) as WatchedInvariants['severity'];
  return { ...scenario, invariants: { ...scenario.invariants, severity: same } };
}

function askedIn(step: Step): InvariantName[] {
  if (step.kind !== 'expect') return [];
  return step.probes.flatMap((probe) => {
    const plain = probe.kind === 'not' ? probe.probe : probe;
    return plain.kind === 'finding' ? [plain.invariant] : [];
  });
}
