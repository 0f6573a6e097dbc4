/**
 * Lets a simulation go by the clock: what is due is done as soon after as can be, and what comes from
 * outside happens after what was due before it.
 */
import { type Instant, labEnd } from '../base/time.ts';
import type { Progress } from '../lab/lab.ts';
import type { Simulation } from '../sim/simulation.ts';
import { Clock, type Lateness, type Timepiece } from './clock.ts';

/** What is due so soon is done now: no timer is finer than that, and waiting without one would take a whole core. */
const soon = 1_000_000;

export interface PaceOptions {
  readonly lateness: Lateness;
  readonly eventsMax: number;
}

/** Something happened later than the policy allows. */
export class TooLate extends Error {
  override readonly name = 'TooLate';
}

export class Pace {
  readonly #simulation: Simulation;
  readonly #lateness: Lateness;
  readonly #clock: Timepiece;
  #eventsLeft: number;
  #begun = false;
  #holds = 0;
  #wake: (() => void) | undefined;
  #failure: Error | undefined;
  /** How late something happened at worst, in nanoseconds. */
  latest = 0;
  /** For how long its time has stood still in all because the computer was busy elsewhere, in nanoseconds. */
  stood = 0;

  constructor(simulation: Simulation, options: PaceOptions, clock: Timepiece = new Clock()) {
    this.#simulation = simulation;
    this.#lateness = options.lateness;
    this.#eventsLeft = options.eventsMax;
    this.#clock = clock;
  }

  /** From now on time goes. */
  begin(): void {
    this.#begun = true;
    this.#clock.begin();
  }

  /** What runs by this pace says nothing any more: `until` throws what went wrong first. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.stir();
  }

  /** Does what is due by now. What comes from outside happens after it. */
  catchUp(): Instant {
    if (this.#begun) this.#run(this.#now());
    return this.#simulation.now;
  }

  /** Lets nothing happen before then; the clock stands still. */
  hold(until: Promise<void>): void {
    this.#holds += 1;
    if (this.#begun) this.#clock.stop();
    const release = (): void => {
      this.#holds -= 1;
      if (this.#holds > 0) return;
      this.#clock.go();
      this.stir();
    };
    until.then(release, release);
  }

  /** Whoever waits looks again. */
  stir(): void {
    this.#wake?.();
  }

  /** @throws what went wrong, and TooLate where the policy is to fail */
  async until(limit: Instant, settled?: () => boolean): Promise<Progress> {
    const simulation = this.#simulation;
    for (;;) {
      if (this.#failure) throw this.#failure;
      if (settled?.()) return 'settled';
      if (limit < simulation.now) return 'reached';
      const upTo = Math.min(limit, this.#now() + soon) as Instant;
      const ended = this.#run(upTo, settled);
      if (ended !== 'idle') return ended;
      if (simulation.now >= limit && this.#holds === 0) return 'reached';
      await this.#rest(Math.min(limit, simulation.due));
    }
  }

  /** A computer that is busy elsewhere lets nobody answer in time: what it missed is no time of the lab. */
  #now(): Instant {
    const now = this.#clock.now();
    const { policy, limit } = this.#lateness;
    const missed = now - this.#simulation.due - limit;
    if (policy !== 'stand still' || missed <= 0 || this.#holds > 0) return now;
    this.#clock.setBack(missed);
    this.stood += missed;
    return (now - missed) as Instant;
  }

  #run(upTo: Instant, settled?: () => boolean): 'idle' | 'settled' | 'budget' {
    const simulation = this.#simulation;
    this.#note(upTo - soon - simulation.due);
    if (this.#eventsLeft <= 0) return 'budget';
    if (upTo < simulation.now || this.#holds > 0) return 'idle';
    const before = simulation.events;
    const held = (): boolean => this.#holds > 0;
    const ended = simulation.run(upTo, () => held() || settled?.() === true, this.#eventsLeft);
    this.#eventsLeft -= simulation.events - before;
    if (this.#eventsLeft <= 0) return 'budget';
    return held() ? 'idle' : ended;
  }

  #note(late: number): void {
    if (late <= this.latest) return;
    this.latest = late;
    const { policy, limit } = this.#lateness;
    if (policy === 'fail' && late > limit)
      this.fail(new TooLate(`something happened ${Math.round(late / 1e6)} ms late`));
  }

  /** Until then, or until something stirs. */
  async #rest(due: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const left = Math.min(due, labEnd) - this.#clock.now() - soon;
      const callOff = this.#clock.after(left, resolve);
      this.#wake = () => {
        callOff();
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
