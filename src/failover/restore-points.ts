/**
 * The chain of restore points of one replica, each a snapshot, oldest first. It holds valid points
 * only: a replication run that fails adds none, so that the last one is "the latest valid restore
 * point", which failover uses by default.
 */
import { type Instant, labStart, showMoment } from '../base/time.ts';
import type { Failure } from './failure.ts';

/** `back: 0` is the latest, `back: 1` the one before it; `before` is the closest prior to a moment. */
export type PointChoice = 'latest' | { readonly back: number } | { readonly before: Instant };

export interface RestorePoint {
  readonly name: string;
  /** Counts up from 1 over the life of the replica. */
  readonly number: number;
  /** What existed when the lab started was made before all that happens in it. */
  readonly made: Instant;
}

export class RestorePoints {
  readonly #kept: number;
  readonly #points: RestorePoint[] = [];
  #made = 0;

  constructor(kept: number, existing: number) {
    this.#kept = kept;
    for (let i = 0; i < existing; i += 1) this.add(labStart);
  }

  get all(): readonly RestorePoint[] {
    return this.#points;
  }

  /** What the next one will be called. */
  get next(): { readonly name: string; readonly number: number } {
    return { name: `restore point ${this.#made + 1}`, number: this.#made + 1 };
  }

  add(made: Instant): RestorePoint {
    const point = { ...this.next, made };
    this.#made += 1;
    this.#points.push(point);
    if (this.#points.length > this.#kept) this.#points.shift();
    return point;
  }

  /** The replica has become a VM of its own. */
  clear(): void {
    this.#points.length = 0;
  }

  choose(vm: string, choice: PointChoice): RestorePoint | Failure {
    const point = this.#find(choice);
    if (point !== undefined) return point;
    const has = this.#points.length;
    const wanted = inWords(choice);
    return {
      because: 'NO_RESTORE_POINT',
      text: `${wanted} was asked for, and the replica of ${vm} has ${has === 0 ? 'none' : has}`,
    };
  }

  #find(choice: PointChoice): RestorePoint | undefined {
    if (choice === 'latest') return this.#points.at(-1);
    if ('before' in choice) return this.#points.findLast(({ made }) => made <= choice.before);
    const { back } = choice;
    return Number.isInteger(back) && back >= 0 ? this.#points.at(-1 - back) : undefined;
  }
}

function inWords(choice: PointChoice): string {
  if (choice === 'latest') return 'the latest restore point';
  if ('before' in choice) return `a restore point made by ${showMoment(choice.before)}`;
  return `restore point ${choice.back} back`;
}
