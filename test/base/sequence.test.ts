import test from 'ava';
import fc from 'fast-check';
import { advance, distance, inWindow, precedes, sequence } from '../../src/base/sequence.ts';

test('RFC 1982 section 5.1: on a circle of 2^32 the shorter way round decides', (t) => {
  // The examples of section 5.2 for 8 bits, moved to the top of 32.
  const at = (n: number) => sequence(n * 2 ** 24);
  for (const [a, b] of [
    [1, 0],
    [44, 0],
    [100, 0],
    [100, 44],
    [200, 100],
    [255, 200],
    [0, 255],
    [100, 255],
    [0, 200],
    [44, 200],
  ]) {
    t.true(precedes(at(b!), at(a!)), `${a} > ${b}`);
    t.false(precedes(at(a!), at(b!)), `not ${b} > ${a}`);
  }
});

test('a number is never before itself, and half a circle has no order', (t) => {
  for (const n of [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff].map(sequence)) {
    t.false(precedes(n, n));
    t.is(precedes(n, advance(n, 2 ** 31)), precedes(advance(n, 2 ** 31), n));
  }
});

test('numbers wrap at 2^32 and never are negative', (t) => {
  t.is(advance(sequence(0xffff_ffff), 1), sequence(0));
  t.is(advance(sequence(0), -1), sequence(0xffff_ffff));
  t.is(sequence(2 ** 32 + 5), sequence(5));
  t.is(sequence(-1), sequence(2 ** 32 - 1));
  t.is(distance(sequence(0xffff_fff0), sequence(0x10)), 0x20);
  t.is(distance(sequence(0x10), sequence(0xffff_fff0)), -0x20);
  t.true(inWindow(sequence(3), sequence(0xffff_fffe), 6));
  t.false(inWindow(sequence(4), sequence(0xffff_fffe), 6));
  t.false(inWindow(sequence(0xffff_fffd), sequence(0xffff_fffe), 6));
  t.false(inWindow(sequence(1), sequence(1), 0));
});

test('going so far and measuring it agree, against BigInt', (t) => {
  const any = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  const step = fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 });
  fc.assert(
    fc.property(any, step, (start, by) => {
      const from = sequence(start);
      const to = advance(from, by);
      t.is(BigInt(to), BigInt.asUintN(32, BigInt(start) + BigInt(by)));
      t.is(distance(from, to), by);
      t.is(precedes(from, to), by > 0);
    }),
    { seed: 1982 },
  );
});
