/** Token buckets, one for each address: how often something may be said to somebody. */
import { type Instant, seconds } from '../base/time.ts';
import type { Ipv4 } from '../wire/address.ts';

const addressesMax = 4096;
const earning = seconds(1);

/** One token a second, saved up to a number of them. */
export class RateLimit {
  readonly #burst: number;
  /** Per address, since when its bucket has been filling: as many tokens as seconds. */
  readonly #since = new Map<Ipv4, number>();

  constructor(burst: number) {
    this.#burst = burst;
  }

  get size(): number {
    return this.#since.size;
  }

  /** Takes a token for this address, if there is one. */
  take(of: Ipv4, now: Instant): boolean {
    const full = now - this.#burst * earning;
    const since = Math.max(this.#since.get(of) ?? full, full);
    if (now - since < earning) return false;
    if (this.#since.size >= addressesMax && !this.#since.has(of)) this.#makeRoom(full);
    this.#since.set(of, since + earning);
    return true;
  }

  /** Forgets those whose buckets are full again; if there are none, everybody gets a full one. */
  #makeRoom(full: number): void {
    for (const [address, since] of this.#since) {
      if (since <= full) this.#since.delete(address);
    }
    if (this.#since.size >= addressesMax) this.#since.clear();
  }
}
