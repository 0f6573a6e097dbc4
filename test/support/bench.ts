/** Machines on a clock that jumps: what the simulation does, in the few lines that a test needs. */
import type { Machine } from '../../src/base/machine.ts';
import { type Instant, labStart } from '../../src/base/time.ts';

interface Entry {
  readonly at: Instant;
  readonly asked: number;
  run: () => void;
}

export class Bench {
  now: Instant = labStart;
  #asked = 0;
  /** A binary heap: what is due first is at the front, ties in the order of asking. */
  readonly #due: Entry[] = [];

  /** Does it at `when`; the result calls it off. */
  at(when: Instant, run: () => void): () => void {
    const due = this.#due;
    const entry: Entry = { at: when, asked: this.#asked++, run };
    let i = due.length;
    for (let up = (i - 1) >> 1; i > 0 && isBefore(entry, due[up]!); up = (i - 1) >> 1) {
      due[i] = due[up]!;
      i = up;
    }
    due[i] = entry;
    return () => {
      entry.run = () => {};
    };
  }

  until(limit: Instant, eventsMost = 1_000_000): void {
    for (let next = this.#due[0]; next !== undefined && next.at <= limit; next = this.#due[0]) {
      if (eventsMost-- === 0) throw new Error(`too many events by ${next.at}`);
      this.#pop();
      if (next.at > this.now) this.now = next.at;
      next.run();
    }
    this.now = limit;
  }

  #pop(): void {
    const due = this.#due;
    const last = due.pop()!;
    if (due.length === 0) return;
    let i = 0;
    for (let down = 1; down < due.length; down = 2 * i + 1) {
      if (down + 1 < due.length && isBefore(due[down + 1]!, due[down]!)) down += 1;
      if (!isBefore(due[down]!, last)) break;
      due[i] = due[down]!;
      i = down;
    }
    due[i] = last;
  }

  /** Runs a machine on this clock; the result tells it things. */
  drive<Input, Output>(
    machine: Machine<Input, Output>,
    carry: (output: Output) => void,
  ): (input: Input) => void {
    let callOff = (): void => {};
    const settle = (outputs: Output[]): void => {
      callOff();
      const next = machine.nextWake();
      callOff = next === undefined ? () => {} : this.at(next, () => settle(machine.wake(this.now)));
      outputs.forEach(carry);
    };
    settle([]);
    return (input) => settle(machine.handle(input, this.now));
  }
}

const isBefore = (a: Entry, b: Entry): boolean =>
  a.at < b.at || (a.at === b.at && a.asked < b.asked);
