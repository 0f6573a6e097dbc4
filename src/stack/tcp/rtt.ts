/** How long to wait for an acknowledgment before sending again (RFC 6298). */
import { type Duration, milliseconds, nanoseconds, seconds } from '../../base/time.ts';

const initial = seconds(1); // RFC 6298 section 2.1
const afterLostSyn = seconds(3); // section 5.7
const most = seconds(120); // section 2.5 asks for 60 s or more; Linux has 120
const granularity = milliseconds(1); // G

export class RoundTrip {
  readonly #least: Duration;
  #smoothed: number | undefined; // SRTT
  #variation = 0; // RTTVAR
  #timeout: Duration = initial; // RTO

  constructor(least: Duration) {
    this.#least = least;
  }

  /** The retransmission timeout, backed off as often as it has gone by. */
  get timeout(): Duration {
    return this.#timeout;
  }

  /** The smoothed round-trip time, once there has been a measurement. */
  get smoothed(): Duration | undefined {
    return this.#smoothed === undefined ? undefined : nanoseconds(this.#smoothed);
  }

  /**
   * One measurement, of a segment that was sent once (Karn's rule, section 3). It also ends the
   * backing off.
   */
  measure(time: Duration): void {
    if (this.#smoothed === undefined) {
      this.#smoothed = time;
      this.#variation = time / 2;
    } else {
      this.#variation = 0.75 * this.#variation + 0.25 * Math.abs(this.#smoothed - time);
      this.#smoothed = 0.875 * this.#smoothed + 0.125 * time;
    }
    const wanted = this.#smoothed + Math.max(granularity, 4 * this.#variation);
    this.#timeout = nanoseconds(Math.min(most, Math.max(this.#least, wanted)));
  }

  /** The timeout has gone by without an answer: wait twice as long (section 5.5). */
  backOff(): void {
    this.#timeout = nanoseconds(Math.min(most, this.#timeout * 2));
  }

  /** The SYN had to be sent more than once, so nothing is known of the path (section 5.7). */
  distrust(): void {
    if (this.#smoothed === undefined) this.#timeout = afterLostSyn;
  }
}
