/**
 * When which connection has to be woken. Deadlines move with every segment, mostly later, so an
 * entry is not moved: it is checked when its time comes.
 */
import type { Instant } from '../../base/time.ts';

interface Entry {
  readonly at: Instant;
  readonly connection: number;
}

/** A binary heap, earliest first; ties in the order of connections. */
export class Deadlines {
  readonly #heap: Entry[] = [];
  /** The earliest entry of each connection; all others are stale. */
  readonly #earliest = new Map<number, Instant>();

  /** Never later than what is due next. */
  get next(): Instant | undefined {
    return this.#heap[0]?.at;
  }

  get size(): number {
    return this.#heap.length;
  }

  set(connection: number, at: Instant | undefined): void {
    const already = this.#earliest.get(connection);
    if (at === undefined || (already !== undefined && already <= at)) return;
    this.#earliest.set(connection, at);
    this.#push({ at, connection });
    if (this.#heap.length > 64 + 4 * this.#earliest.size) this.#sweep();
  }

  forget(connection: number): void {
    this.#earliest.delete(connection);
    while (this.#heap.length > 0 && this.#isStale(this.#heap[0]!)) this.#pop();
  }

  /** A connection whose time may have come. Its deadline has to be set anew. */
  take(now: Instant): number | undefined {
    while (this.#heap.length > 0 && this.#heap[0]!.at <= now) {
      const entry = this.#pop();
      if (this.#isStale(entry)) continue;
      this.#earliest.delete(entry.connection);
      return entry.connection;
    }
    return undefined;
  }

  #isStale(entry: Entry): boolean {
    return this.#earliest.get(entry.connection) !== entry.at;
  }

  #sweep(): void {
    const entries = [...this.#earliest].map(([connection, at]) => ({ connection, at }));
    this.#heap.length = 0;
    for (const entry of entries) this.#push(entry);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    for (let up = (at - 1) >> 1; at > 0 && before(entry, heap[up]!); up = (at - 1) >> 1) {
      heap[at] = heap[up]!;
      at = up;
    }
    heap[at] = entry;
  }

  #pop(): Entry {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let at = 0;
    for (let down = 1; down < heap.length; down = 2 * at + 1) {
      if (down + 1 < heap.length && before(heap[down + 1]!, heap[down]!)) down += 1;
      if (!before(heap[down]!, last)) break;
      heap[at] = heap[down]!;
      at = down;
    }
    heap[at] = last;
    return first;
  }
}

const before = (a: Entry, b: Entry): boolean =>
  a.at < b.at || (a.at === b.at && a.connection < b.connection);
