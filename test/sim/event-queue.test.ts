import test from 'ava';
import fc from 'fast-check';
import { EventQueue } from '../../src/sim/event-queue.ts';

interface Asked {
  readonly time: number;
  readonly order: number;
  readonly kind: number;
  readonly subject: number;
  load: object | null;
}

/** What the queue is in a few lines: a list that is sorted whenever somebody looks. */
class NaiveQueue {
  now = 0;
  #asked = 0;
  #pending: Asked[] = [];

  get size(): number {
    return this.#pending.length;
  }

  after(delay: number, kind: number, subject: number, load: object | null): void {
    this.#pending.push({ time: this.now + delay, order: this.#asked++, kind, subject, load });
  }

  next(limit: number): Asked | undefined {
    const [first] = this.sorted();
    if (first === undefined || first.time > limit) return undefined;
    this.#pending = this.#pending.filter((one) => one !== first);
    this.now = first.time;
    return first;
  }

  sorted(): Asked[] {
    return [...this.#pending].sort((a, b) => a.time - b.time || a.order - b.order);
  }
}

type Step =
  | { readonly step: 'after'; readonly delay: number }
  | { readonly step: 'next'; readonly within: number }
  | { readonly step: 'revise'; readonly every: number };

// Few different delays, so that there are many ties; some far away, so that the heap has depth.
const delay = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 4 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 1_000_000 }) },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ step: fc.constant('after' as const), delay }) },
  { weight: 5, arbitrary: fc.record({ step: fc.constant('next' as const), within: delay }) },
  {
    weight: 1,
    arbitrary: fc.record({
      step: fc.constant('revise' as const),
      every: fc.integer({ min: 1, max: 3 }),
    }),
  },
);

test('whatever is asked, the queue does what a sorted list does', (t) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new EventQueue(2); // so that it grows
      const naive = new NaiveQueue();
      let made = 0;
      for (const one of steps) {
        if (one.step === 'after') {
          const load = made % 3 === 0 ? null : { made };
          queue.after(one.delay, made % 5, made, load);
          naive.after(one.delay, made % 5, made, load);
          made += 1;
        } else if (one.step === 'next') {
          const limit = naive.now + one.within;
          const expected = naive.next(limit);
          if (queue.next(limit) !== (expected !== undefined)) return false;
          if (expected === undefined) {
            // As `run` does when there is nothing to do up to its limit.
            queue.now = limit;
            naive.now = limit;
          } else if (
            queue.now !== expected.time ||
            queue.kind !== expected.kind ||
            queue.subject !== expected.subject ||
            queue.load !== expected.load
          )
            return false;
        } else {
          const pending = naive.sorted();
          const seen: number[] = [];
          queue.revise((_kind, subject, load) => {
            seen.push(subject);
            return subject % one.every === 0 ? null : load;
          });
          if (seen.join() !== pending.map(({ subject }) => subject).join()) return false;
          for (const entry of pending) if (entry.subject % one.every === 0) entry.load = null;
        }
        if (queue.size !== naive.size) return false;
      }
      while (naive.size > 0) {
        const expected = naive.next(Number.POSITIVE_INFINITY)!;
        if (!queue.next(Number.POSITIVE_INFINITY)) return false;
        if (queue.subject !== expected.subject || queue.load !== expected.load) return false;
      }
      return !queue.next(Number.POSITIVE_INFINITY);
    }),
    { seed: 128, numRuns: 10_000 },
  );
  t.pass();
});

test('events of one moment come in the order in which they were asked for', (t) => {
  const queue = new EventQueue();
  for (let i = 0; i < 1000; i += 1) queue.after(7, 1, i, null);
  for (let i = 0; i < 1000; i += 1) {
    t.true(queue.next(7));
    t.is(queue.subject, i);
    if (i < 100) queue.after(0, 1, 1000 + i, null); // joins the end of the queue for this moment
  }
  t.is(queue.size, 100);
  for (let i = 0; i < 100; i += 1) {
    t.true(queue.next(7));
    t.is(queue.subject, 1000 + i);
  }
  t.false(queue.next(7));
});

test('an event handled keeps nothing alive', (t) => {
  const queue = new EventQueue();
  queue.after(1, 1, 0, { big: true });
  t.true(queue.next(1));
  queue.after(1, 1, 0, null);
  t.true(queue.next(2));
  t.is(queue.load, null);
});
