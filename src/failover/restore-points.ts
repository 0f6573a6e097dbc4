/**
 * The chain of restore points of one replica, each a snapshot, oldest first. It holds valid points
 * only: a replication run that fails adds none, so that the last one is "the latest valid restore
 * point", which failover uses by default.
 */
import type { Failure } from './failure.ts';

/** `back: 0` is the latest, `back: 1` the one before it. */
export type PointChoice = 'latest' | { readonly back: number };

export interface RestorePoint {
  readonly name: string;
  /** Counts up from 1 over the life of the replica. */
  readonly number: number;
}

export class RestorePoints {
  readonly #kept: number;
  readonly #points: RestorePoint[] = [];
  #made = 0;

  constructor(kept: number, existing: number) {
    this.#kept = kept;
    for (let i = 0; i < existing; i += 1) this.add();
  }

  get all(): readonly RestorePoint[] {
    return this.#points;
  }

  /** What the next one will be called. */
  get next(): RestorePoint {
    return { name: `restore point ${this.#made + 1}`, number: this.#made + 1 };
  }

  add(): RestorePoint {
    const point = this.next;
    this.#made += 1;
    this.#points.push(point);
    if (this.#points.length > this.#kept) this.#points.shift();
    return point;
  }

  choose(vm: string, choice: PointChoice): RestorePoint | Failure {
    const back = choice === 'latest' ? 0 : choice.back;
    const point = this.#points.at(-1 - back);
    if (Number.isInteger(back) && back >= 0 && point !== undefined) return point;
    const has = this.#points.length;
    const wanted = choice === 'latest' ? 'the latest restore point' : `restore point ${back} back`;
    return {
      because: 'NO_RESTORE_POINT',
      text: `${wanted} was asked for, and the replica of ${vm} has ${has === 0 ? 'none' : has}`,
    };
  }
}
