/** From outages of pairs to the time that a VM was without its network. */
import test from 'ava';
import { type Instant, seconds } from '../../src/base/time.ts';
import { type PairToward, recoveriesOf } from '../../src/explain/recovery-time.ts';
import type { PairOutage } from '../../src/trace/reachability.ts';

const at = (s: number): Instant => seconds(s) as number as Instant;

function outage(from: number, to: number | undefined, more: Partial<PairOutage> = {}): PairOutage {
  const restored = to === undefined ? {} : { restoredAt: at(to) };
  const length = seconds((to ?? 100) - from);
  return { lostAt: at(from), noticedAt: at(from), ...restored, length, lost: 1, step: 1, ...more };
}

const told = (pairs: readonly PairToward[]) =>
  recoveriesOf('sql01', pairs, at(100)).map(
    ({ lostAt, restoredAt, length, pairs: those, of, worst, isRto }) => ({
      from: lostAt / 1e9,
      to: restoredAt === undefined ? 'never' : restoredAt / 1e9,
      length: length / 1e9,
      pairs: `${those.length} of ${of}`,
      worst,
      isRto,
    }),
  );

test('from the first pair that was lost to the last that is back; apart from a later time', (t) => {
  const pairs = [
    { name: 'a', outages: [outage(10, 30), outage(60, 61)] },
    { name: 'b', outages: [outage(12, 35)] },
    { name: 'c', outages: [] },
  ];
  t.deepEqual(told(pairs), [
    { from: 10, to: 35, length: 25, pairs: '2 of 3', worst: 'b', isRto: true },
    { from: 60, to: 61, length: 1, pairs: '1 of 3', worst: 'a', isRto: false },
  ]);
});

test('outages that hang together through a third are one; those that only touch are two', (t) => {
  const chained = [
    { name: 'a', outages: [outage(10, 20)] },
    { name: 'b', outages: [outage(15, 40)] },
    { name: 'c', outages: [outage(30, 50)] },
    { name: 'd', outages: [outage(50, 55)] },
  ];
  t.deepEqual(
    told(chained).map(({ from, to, worst }) => [from, to, worst]),
    [
      [10, 50, 'c'],
      [50, 55, 'd'],
    ],
  );
});

test('what never comes back is the RTO, however short it has been, and ends with the run', (t) => {
  const pairs = [
    { name: 'a', outages: [outage(10, 60)] },
    { name: 'b', outages: [outage(95, undefined)] },
  ];
  t.deepEqual(told(pairs), [
    { from: 10, to: 60, length: 50, pairs: '1 of 2', worst: 'a', isRto: false },
    { from: 95, to: 'never', length: 5, pairs: '1 of 2', worst: 'b', isRto: true },
  ]);
});

test('what the asking machine did not run through counts for nobody; nothing lost is nothing', (t) => {
  t.deepEqual(told([{ name: 'a', outages: [outage(10, 60, { byAsker: true })] }]), []);
  t.deepEqual(told([]), []);
});
