/**
 * Faults that happen while a step goes on: so long after it began, or as the operation comes to one
 * of its documented steps. What never got its time is said, and the step is not as the file wants it.
 */
import { after, type Duration, roughly } from '../base/time.ts';
import type { Lab } from '../lab/lab.ts';
import type { Recovery } from '../lab/recovery.ts';
import type { ExpectationResult } from '../trace/result.ts';
import { inflict } from './inflict.ts';
import type { Meanwhile, Scenario, Step } from './scenario.ts';

export class MeanwhileFaults {
  readonly #step: Step;
  readonly #scenario: Scenario;
  readonly #lab: Lab;
  /** Those whose time has not come. */
  readonly #ahead: Set<Meanwhile>;
  /** Those among them that wait for the operation. */
  readonly #waiting: Set<Meanwhile>;
  /** In words, by the first event that tells of one. */
  readonly told = new Map<number, string>();
  #operations: readonly Recovery[] = [];
  #over = false;

  /** The step begins now. */
  constructor(step: Step, scenario: Scenario, lab: Lab) {
    this.#step = step;
    this.#scenario = scenario;
    this.#lab = lab;
    this.#ahead = new Set(step.meanwhile);
    this.#waiting = new Set(step.meanwhile.filter(({ atStep }) => atStep !== undefined));
    for (const one of step.meanwhile) if (!this.#waiting.has(one)) this.#put(one);
  }

  /** Whose steps are meant. */
  follow(operations: readonly Recovery[]): void {
    this.#operations = operations;
  }

  /** Asked after everything that happens. */
  look(): void {
    for (const one of this.#waiting) {
      if (!this.#operations.some((operation) => operation.reached(one.atStep!))) continue;
      this.#waiting.delete(one);
      if (one.after === undefined) this.#happen(one);
      else this.#put(one);
    }
  }

  /** The step is over: what has not happened by now does not happen. */
  end(): ExpectationResult[] {
    this.#over = true;
    const { now } = this.#lab;
    const events = [...this.#lab.log.facts(['step'])];
    const took = roughly((now - (events.at(-1)?.at ?? now)) as Duration);
    return [...this.#ahead].map(({ text, fault: { place } }): ExpectationResult => {
      const { line, column, file } = place;
      const own = file === this.#scenario.file ? {} : { file };
      const detail = `"${this.#step.title}" was over after ${took}, before its time came`;
      return {
        text: `meanwhile: ${text}`,
        line,
        column,
        ...own,
        verdict: 'broken',
        detail,
        at: now,
      };
    });
  }

  #put(one: Meanwhile): void {
    const { fabric, now } = this.#lab;
    fabric.at(after(now, one.after!), { run: () => this.#happen(one) });
  }

  #happen(one: Meanwhile): void {
    if (this.#over) return;
    this.#ahead.delete(one);
    this.told.set(this.#lab.log.length, one.text);
    inflict(one.fault, this.#scenario, this.#lab);
  }
}
