/**
 * When each of several things in a row may begin: after a wait of its own, and never more than so
 * many at once. A machine: it is told of what has ended and answers with what begins, by position.
 */
import type { Machine } from '../base/machine.ts';
import { after, type Duration, type Instant, labStart, seconds } from '../base/time.ts';

/** "The maximum number of VMs that can be started simultaneously when you run a failover plan." */
const startsMax = 10;
/** "For a group of 5 VMs at the same time. The time interval between the operation starts is 10 seconds." */
const batchSize = 5;
const batchEvery = seconds(10);

export class Pace implements Machine<'ended', number> {
  /** How long to wait after each has begun before the next may. */
  readonly #waits: readonly Duration[];
  readonly #atOnce: number;
  #next = 0;
  #going = 0;
  #notBefore: Instant = labStart;

  constructor(waits: readonly Duration[], atOnce: number) {
    this.#waits = waits;
    this.#atOnce = atOnce;
  }

  /** One of those that began has ended. */
  handle(_: 'ended', now: Instant): number[] {
    this.#going -= 1;
    return this.wake(now);
  }

  wake(now: Instant): number[] {
    const begins: number[] = [];
    for (let wait = this.#due(now); wait !== undefined; wait = this.#due(now)) {
      begins.push(this.#next++);
      this.#going += 1;
      this.#notBefore = after(now, wait);
    }
    return begins;
  }

  /** Undefined also while all places are taken: then something has to end first. */
  nextWake(): Instant | undefined {
    const waits = this.#next < this.#waits.length && this.#going < this.#atOnce;
    return waits ? this.#notBefore : undefined;
  }

  /** What comes after the next one, if that may begin now. */
  #due(now: Instant): Duration | undefined {
    const when = this.nextWake();
    return when !== undefined && when <= now ? this.#waits[this.#next] : undefined;
  }
}

/** @param delays The delay of each VM of a failover plan; the last one's delays nobody. */
export const startsOf = (delays: readonly Duration[]): Pace => new Pace(delays, startsMax);

export function undoBatches(vms: number): Pace {
  const waits = Array.from({ length: vms }, (_, i) =>
    (i + 1) % batchSize === 0 ? batchEvery : seconds(0),
  );
  return new Pace(waits, Number.POSITIVE_INFINITY);
}
