/** The lab's time where it is real: nanoseconds since the lab began. */
import type { Duration, Instant } from '../base/time.ts';

/** In milliseconds: the longest that a timer waits. */
const timerMost = 2 ** 31 - 1;

export class Clock {
  #began = process.hrtime.bigint();
  #stopped: bigint | undefined;

  /** It is zero now. */
  begin(): void {
    this.#began = process.hrtime.bigint();
  }

  now(): Instant {
    return Number((this.#stopped ?? process.hrtime.bigint()) - this.#began) as Instant;
  }

  stop(): void {
    this.#stopped ??= process.hrtime.bigint();
  }

  /** Goes back by so many nanoseconds: as if it had stood still for them. */
  setBack(by: number): void {
    this.#began += BigInt(Math.round(by));
  }

  /** Calls back after so many nanoseconds, or a little later. The result calls it off. */
  after(left: number, run: () => void): () => void {
    const timer = setTimeout(run, Math.max(1, Math.min(left / 1e6, timerMost)));
    return () => clearTimeout(timer);
  }

  /** Goes on where it stopped. */
  go(): void {
    if (this.#stopped === undefined) return;
    this.#began += process.hrtime.bigint() - this.#stopped;
    this.#stopped = undefined;
  }
}

/** Whatever can be asked the same: a test hands in one that goes when it is told to. */
export type Timepiece = Pick<Clock, keyof Clock>;

/** What to do when something happens later than it should. */
export interface Lateness {
  /**
   * `carry on` and tell how late it was at worst; `fail` the run where that is later than the limit; or
   * `stand still`: the lab's time does not count in which the computer was busy elsewhere, beyond the limit.
   */
  readonly policy: 'carry on' | 'fail' | 'stand still';
  readonly limit: Duration;
}
