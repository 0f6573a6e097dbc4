/** The lab's time where it is real: nanoseconds since the lab began. */
import type { Duration, Instant } from '../base/time.ts';

export class Clock {
  readonly #began = process.hrtime.bigint();

  now(): Instant {
    return Number(process.hrtime.bigint() - this.#began) as Instant;
  }
}

/** What to do when something happens later than it should. */
export interface Lateness {
  /** `carry on` and tell how late it was at worst, or `fail` the run where that is too late. */
  readonly policy: 'carry on' | 'fail';
  readonly limit: Duration;
}
