/** The lab's time where it is real: nanoseconds since the lab began. */
import type { Duration, Instant } from '../base/time.ts';

export class Clock {
  #began = process.hrtime.bigint();
  #stopped: bigint | undefined;

  now(): Instant {
    return Number((this.#stopped ?? process.hrtime.bigint()) - this.#began) as Instant;
  }

  stop(): void {
    this.#stopped ??= process.hrtime.bigint();
  }

  /** Goes on where it stopped. */
  go(): void {
    if (this.#stopped === undefined) return;
    this.#began += process.hrtime.bigint() - this.#stopped;
    this.#stopped = undefined;
  }
}

/** What to do when something happens later than it should. */
export interface Lateness {
  /** `carry on` and tell how late it was at worst, or `fail` the run where that is too late. */
  readonly policy: 'carry on' | 'fail';
  readonly limit: Duration;
}
