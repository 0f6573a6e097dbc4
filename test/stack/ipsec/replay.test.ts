import test from 'ava';
import fc from 'fast-check';
import { ReplayWindow } from '../../../src/stack/ipsec/replay.ts';

const accept = (window: ReplayWindow, sequence: number): boolean => {
  if (!window.isNew(sequence)) return false;
  window.note(sequence);
  return true;
};

test('RFC 4303 section 3.4.3: each number is accepted once, and 0 never', (t) => {
  const window = new ReplayWindow();
  t.false(accept(window, 0));
  t.true(accept(window, 1));
  t.false(accept(window, 1));
});

test('RFC 4303 section 3.4.3: 63 behind the newest is inside the window, 64 behind is not', (t) => {
  const window = new ReplayWindow();
  t.true(accept(window, 1000));
  t.true(accept(window, 937));
  t.false(accept(window, 936));
});

test('RFC 4303 section 3.4.3: asking whether a number is new changes nothing', (t) => {
  const window = new ReplayWindow();
  t.true(window.isNew(5_000_000));
  t.true(accept(window, 1));
});

test('RFC 4303 section 3.4.3: the window agrees with a list of all numbers seen, in any order', (t) => {
  const steps = fc.array(fc.integer({ min: -70, max: 70 }), { maxLength: 300 });
  fc.assert(
    fc.property(fc.constantFrom(1, 0xffff_ff00), steps, (first, all) => {
      const window = new ReplayWindow();
      const seen = new Set<number>();
      let newest = 0;
      let at: number = first;
      for (const step of all) {
        at = Math.min(0xffff_ffff, Math.max(1, at + step));
        const expected = !seen.has(at) && at > newest - 64;
        if (accept(window, at) !== expected) return false;
        seen.add(at);
        newest = Math.max(newest, at);
      }
      return true;
    }),
    { numRuns: 500 },
  );
  t.pass();
});
