import test from 'ava';
import fc from 'fast-check';
import { sequence } from '../../../src/base/sequence.ts';
import { after, type Instant, labStart, milliseconds, seconds } from '../../../src/base/time.ts';
import { strict } from '../../../src/stack/profile.ts';
import { Congestion } from '../../../src/stack/tcp/congestion.ts';
import { EchoSource, isPattern, PatternSource, patternByte } from '../../../src/stack/tcp/data.ts';
import { Deadlines } from '../../../src/stack/tcp/deadlines.ts';
import { Receiver, receiveBuffer } from '../../../src/stack/tcp/receive.ts';
import { RoundTrip } from '../../../src/stack/tcp/rtt.ts';
import { type Chunk, Sender } from '../../../src/stack/tcp/send.ts';
import { instant } from './harness.ts';

const ms = milliseconds;

test('RFC 6298 section 2: the timeout from the first and the second measurement', (t) => {
  const rtt = new RoundTrip(milliseconds(200));
  t.is(rtt.timeout, seconds(1), '2.1');
  rtt.measure(milliseconds(100));
  t.is(rtt.smoothed, milliseconds(100), '2.2: SRTT = R');
  t.is(rtt.timeout, ms(100 + 4 * 50), '2.2: RTTVAR = R/2');
  rtt.measure(milliseconds(180));
  t.is(rtt.smoothed, milliseconds(110), '2.3: 7/8 of 100 and 1/8 of 180');
  t.is(rtt.timeout, ms(110 + 4 * 57.5), '2.3: 3/4 of 50 and 1/4 of 80');
});

test('RFC 6298 sections 2.4, 2.5, 5.5 and 5.7: floor, ceiling, doubling, a lost SYN', (t) => {
  const rtt = new RoundTrip(seconds(1));
  rtt.measure(milliseconds(1));
  t.is(rtt.timeout, seconds(1));
  rtt.backOff();
  rtt.backOff();
  t.is(rtt.timeout, seconds(4));
  for (let i = 0; i < 20; i += 1) rtt.backOff();
  t.is(rtt.timeout, seconds(120));
  rtt.measure(milliseconds(1));
  t.is(rtt.timeout, seconds(1), 'a measurement ends the backing off');
  const lost = new RoundTrip(milliseconds(200));
  lost.distrust();
  t.is(lost.timeout, seconds(3));
});

test('RFC 5681 section 3.1: the initial window', (t) => {
  for (const [segment, window] of [
    [2191, 2 * 2191],
    [2190, 3 * 2190],
    [1460, 3 * 1460],
    [1095, 4 * 1095],
    [536, 4 * 536],
  ] as const) {
    const congestion = new Congestion(536);
    congestion.start(segment, false);
    t.is(congestion.window, window);
    congestion.start(segment, true);
    t.is(congestion.window, segment, 'one segment after a lost SYN');
  }
});

test('RFC 6928 section 2: ten segments at first, as far as they are small', (t) => {
  for (const [segment, window] of [
    [9000, 18_000],
    [2000, 14_600],
    [1460, 14_600],
    [536, 5360],
  ] as const) {
    const congestion = new Congestion(536, 'ten');
    congestion.start(segment, false);
    t.is(congestion.window, window);
    congestion.start(segment, true);
    t.is(congestion.window, segment, 'one segment after a lost SYN');
  }
});

test('RFC 5681 sections 3.1 and 3.2: slow start, avoidance, timeout', (t) => {
  const congestion = new Congestion(1000);
  congestion.start(1000, false);
  for (let i = 1; i <= 10; i += 1) congestion.acknowledged(1000, i * 1000, 4000);
  t.is(congestion.window, 14_000, 'one segment more for each that is acknowledged');
  congestion.acknowledged(5000, 15_000, 4000);
  t.is(congestion.window, 15_000, 'no more than one for an ACK of many');
  congestion.timedOut(9000, 30_000, false);
  t.is(congestion.window, 1000);
  t.is(congestion.threshold, 4500);
  congestion.timedOut(1000, 30_000, true);
  t.is(congestion.threshold, 4500, 'held constant when the same segment times out again');
  for (let i = 0; i < 4; i += 1) congestion.acknowledged(1000, 40_000, 4000);
  t.is(congestion.window, 5000);
  congestion.acknowledged(1000, 41_000, 4000);
  t.is(congestion.window, 5200, 'SMSS * SMSS / cwnd');
});

test('RFC 6582 section 3.2: the third duplicate begins recovery, a full ACK ends it', (t) => {
  const congestion = new Congestion(1000);
  congestion.start(1000, false);
  congestion.acknowledged(1000, 1000, 9000);
  t.is(congestion.duplicate(1000, 11_000), 'nothing');
  t.is(congestion.duplicate(1000, 11_000), 'nothing');
  t.is(congestion.duplicate(1000, 11_000), 'retransmit');
  t.is(congestion.threshold, 5000);
  t.is(congestion.window, 8000, 'ssthresh and three segments');
  t.is(congestion.duplicate(1000, 11_000), 'nothing');
  t.is(congestion.window, 9000, 'each further one inflates');
  t.is(congestion.acknowledged(2000, 3000, 8000), 'retransmit', 'partial');
  t.is(congestion.window, 8000, 'less the 2000, plus one segment');
  t.is(congestion.acknowledged(8000, 11_000, 0), 'nothing', 'full');
  t.is(congestion.window, 2000, 'min(ssthresh, max(FlightSize, SMSS) + SMSS)');
  for (let i = 0; i < 3; i += 1)
    t.is(congestion.duplicate(11_000, 14_000), 'nothing', 'not beyond recover: step 2');
});

test('the third duplicate ACK sends the missing segment at once', (t) => {
  const outgoing = new PatternSource();
  outgoing.extend(10_000);
  const sender = new Sender(sequence(0), outgoing, strict.tcp);
  const now = 1e9 as Instant;
  sender.sent = 1;
  sender.start(1000, { from: 0, upTo: 1, window: 60_000, bare: false }, labStart, now, false);
  t.deepEqual(
    sender.due(now).map(({ from }) => from),
    [1, 1001, 2001, 3001],
    'four of 1000 bytes',
  );
  const said = { from: 1, upTo: 1001, window: 60_000, bare: true };
  t.is(sender.acknowledge(said, now), undefined);
  t.is(sender.due(now).length, 2);
  t.is(sender.acknowledge(said, now), undefined);
  t.is(sender.acknowledge({ ...said, bare: false }, now), undefined, 'text makes it no duplicate');
  t.is(sender.acknowledge({ ...said, window: 60_001 }, now), undefined, 'nor does another window');
  t.is(sender.acknowledge({ ...said, window: 60_001 }, now), undefined);
  const again = sender.acknowledge({ ...said, window: 60_001 }, now);
  t.is(again?.from, 1001);
  t.is(again?.payload.length, 1000);
});

test('the sender waits for a window worth sending into (RFC 9293 section 3.8.6.2.1)', (t) => {
  const outgoing = new PatternSource();
  outgoing.extend(10_000);
  const sender = new Sender(sequence(0), outgoing, strict.tcp);
  const now = 1e9 as Instant;
  sender.sent = 1;
  sender.start(1000, { from: 0, upTo: 1, window: 2100, bare: false }, labStart, now, false);
  t.deepEqual(
    sender.due(now).map(({ payload }) => payload.length),
    [1000, 1000],
    'not the 100 bytes that are left',
  );
  sender.acknowledge({ from: 1, upTo: 2001, window: 400, bare: true }, now);
  t.deepEqual(sender.due(now), [], '400 is less than half of the largest window');
  const wake = sender.nextWake!;
  const chunks = sender.wake(wake);
  t.is(chunks === 'give-up' ? 0 : chunks[0]?.payload.length, 400, 'but in the end it goes');
});

/** A sender whose handshake took 100 ms, with so much to send and room for it. */
function senderWith(bytes: number, window: number, closing = false): Sender {
  const outgoing = new PatternSource();
  outgoing.extend(bytes);
  const sender = new Sender(sequence(0), outgoing, strict.tcp);
  sender.closing = closing;
  sender.sent = 1;
  const said = { from: 0, upTo: 1, window, bare: false };
  sender.start(1000, said, labStart, instant(milliseconds(100)), false);
  return sender;
}
const froms = (chunks: readonly Chunk[] | 'give-up'): number[] =>
  chunks === 'give-up' ? [] : chunks.map(({ from }) => from);

test('each round trip is measured with one segment, and none that was sent twice (Karn)', (t) => {
  const sender = senderWith(10_000, 60_000);
  const said = { from: 1, window: 60_000, bare: true };
  t.deepEqual(froms(sender.due(instant(seconds(1)))), [1, 1001, 2001, 3001]);
  sender.acknowledge({ ...said, upTo: 1001 }, instant(milliseconds(1900)));
  t.is(sender.roundTrip.smoothed, milliseconds(200), '7/8 of 100 and 1/8 of 900');
  t.is(froms(sender.due(instant(milliseconds(1900)))).length, 2, 'the next one is measured');
  const lost = sender.nextWake!;
  t.deepEqual(froms(sender.wake(lost)), [1001]);
  sender.acknowledge({ ...said, upTo: 2001 }, after(lost, milliseconds(7)));
  t.deepEqual(froms(sender.due(after(lost, milliseconds(7)))), [2001, 3001]);
  sender.acknowledge({ ...said, upTo: 6001 }, after(lost, milliseconds(9)));
  t.is(sender.roundTrip.smoothed, milliseconds(200), 'unchanged');
});

test('nor is one measured that a third duplicate ACK made go again', (t) => {
  const sender = senderWith(10_000, 60_000);
  const now = instant(seconds(1));
  sender.due(now);
  const said = { from: 1, upTo: 1, window: 60_000, bare: true };
  const again = [1, 2, 3].map(() => sender.acknowledge(said, now)?.from);
  t.deepEqual(again, [undefined, undefined, 1]);
  sender.acknowledge({ ...said, upTo: 4001 }, instant(milliseconds(1900)));
  t.is(sender.roundTrip.smoothed, milliseconds(100), 'as the handshake left it');
});

test('after a timeout the short last segment goes with the rest', (t) => {
  const sender = senderWith(2500, 60_000);
  t.deepEqual(froms(sender.due(instant(seconds(1)))), [1, 1001, 2001]);
  const lost = sender.nextWake!;
  t.deepEqual(froms(sender.wake(lost)), [1]);
  sender.acknowledge({ from: 1, upTo: 1001, window: 60_000, bare: true }, lost);
  t.deepEqual(froms(sender.due(lost)), [1001, 2001]);
});

test('a second short segment waits for the first (Nagle)', (t) => {
  const sender = senderWith(100, 60_000);
  const now = instant(seconds(1));
  t.is(sender.due(now).length, 1);
  (sender.outgoing as PatternSource).extend(100);
  t.is(sender.due(now).length, 0);
  sender.acknowledge({ from: 1, upTo: 101, window: 60_000, bare: true }, now);
  t.deepEqual(froms(sender.due(now)), [101]);
});

test('answers to probes are no duplicates, and a FIN needs a place in the window', (t) => {
  const sender = senderWith(1000, 1000, true);
  const now = instant(seconds(1));
  t.deepEqual(
    sender.due(now).map(({ payload, fin }) => [payload.length, fin]),
    [[1000, false]],
  );
  const said = { from: 1, upTo: 1001, window: 0, bare: true };
  sender.acknowledge(said, now);
  t.deepEqual(sender.due(now), []);
  for (let i = 0; i < 6; i += 1) {
    const wake = sender.nextWake!;
    const chunks = sender.wake(wake);
    t.deepEqual(froms(chunks), [1001], 'the FIN is the probe');
    t.is(sender.acknowledge(said, wake), undefined);
  }
  sender.acknowledge({ ...said, window: 1 }, now);
  t.deepEqual(
    sender.due(now).map(({ fin }) => fin),
    [true],
  );
});

test('an old segment does not move the window (RFC 9293 section 3.10.7.4, SND.WL1)', (t) => {
  const sender = senderWith(100, 5000);
  const now = instant(seconds(1));
  sender.due(now);
  sender.acknowledge({ from: 50, upTo: 101, window: 7000, bare: true }, now);
  t.is(sender.window, 7000);
  sender.acknowledge({ from: 49, upTo: 101, window: 100, bare: true }, now);
  t.is(sender.window, 7000);
  sender.acknowledge({ from: 50, upTo: 101, window: 200, bare: true }, now);
  t.is(sender.window, 200);
});

test('nothing follows a FIN, and a FIN beyond the window is not heard', (t) => {
  const receiver = new Receiver();
  receiver.start(sequence(0));
  receiver.open(100, 1); // 1 up to 100
  t.deepEqual(receiver.accept(51, new Uint8Array(50), true), [], 'its FIN would be 101');
  receiver.accept(21, new Uint8Array(10), true);
  receiver.accept(31, new Uint8Array(10), false);
  const parts = receiver.accept(1, new Uint8Array(20), false)!;
  t.is(
    parts.reduce((sum, part) => sum + part.length, 0),
    30,
  );
  t.is(receiver.next, 32);
  t.true(receiver.finished);
  const other = new Receiver();
  other.start(sequence(0));
  other.open(100, 1);
  other.accept(11, new Uint8Array(0), true);
  const [text] = other.accept(1, new Uint8Array(50), false)!;
  t.is(text!.length, 10, 'what comes after it in the same segment is ignored');
});

test('a receiver gives out the stream once and in order, whatever comes when (against a model)', (t) => {
  const piece = fc.record({
    from: fc.integer({ min: 0, max: 60 }),
    length: fc.integer({ min: 0, max: 20 }),
  });
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 60 }),
      fc.integer({ min: 1, max: 80 }),
      (pieces, end) => {
        const receiver = new Receiver();
        receiver.start(sequence(0xffff_fff0));
        receiver.open(receiveBuffer, 1);
        const have = new Set<number>();
        let finSeen = false;
        let next = 1;
        const got: number[] = [];
        for (const { from, length } of [...pieces, { from: 0, length: end }]) {
          const to = Math.min(from + length, end);
          if (to < from) continue;
          const bytes = Uint8Array.from({ length: to - from }, (_, i) => patternByte(from + i));
          const fin = to === end;
          finSeen ||= fin;
          for (const part of receiver.accept(from + 1, bytes, fin) ?? []) got.push(...part);
          for (let i = from; i < to; i += 1) have.add(i);
          while (have.has(next - 1)) next += 1;
          t.is(receiver.next, next + (finSeen && next === end + 1 ? 1 : 0));
        }
        t.true(receiver.finished);
        t.is(receiver.waiting, 0);
        t.true(isPattern(Uint8Array.from(got), 0));
        t.is(got.length, end);
      },
    ),
    { seed: 9293, numRuns: 500 },
  );
});

test('what waits for a gap is bounded, and the first to come is believed', (t) => {
  const receiver = new Receiver();
  receiver.start(sequence(0));
  receiver.open(receiveBuffer, 1);
  let refused = 0;
  for (let i = 0; i < 100_000; i += 1)
    if (receiver.accept(3 + 2 * i, Uint8Array.of(1), false) === undefined) refused += 1;
  t.is(receiver.waiting, 512);
  t.true(refused > 50_000);
  t.is(receiver.accept(1, Uint8Array.of(0), false)?.length, 1, 'what is next is always taken');
});

test('of two texts for the same place the first to come is believed', (t) => {
  const receiver = new Receiver();
  receiver.start(sequence(0));
  receiver.open(receiveBuffer, 1);
  for (const place of [3, 5, 9]) receiver.accept(place, Uint8Array.of(1), false);
  receiver.accept(2, new Uint8Array(6).fill(2), false);
  const parts = receiver.accept(1, Uint8Array.of(0), false) ?? [];
  t.deepEqual(
    parts.flatMap((part) => [...part]),
    [0, 2, 1, 2, 1, 2, 2],
  );
  t.is(receiver.waiting, 1);
});

test('the window is never taken back, and grows in steps worth telling', (t) => {
  const receiver = new Receiver();
  receiver.start(sequence(0));
  t.true(receiver.open(10_000, 1460));
  t.is(receiver.window, 10_000);
  t.false(receiver.open(5000, 1460));
  t.is(receiver.window, 10_000);
  t.false(receiver.open(11_459, 1460));
  t.true(receiver.open(11_460, 1460));
  receiver.accept(1, new Uint8Array(460), false);
  t.is(receiver.window, 11_000);
});

test('RFC 9293 table 6: what is acceptable', (t) => {
  const receiver = new Receiver();
  receiver.start(sequence(0));
  // Window 0
  t.true(receiver.acceptable(1, 0));
  t.false(receiver.acceptable(0, 0));
  t.false(receiver.acceptable(2, 0));
  t.false(receiver.acceptable(1, 1));
  receiver.open(100, 1); // 1 up to 100
  for (const [from, length, expected] of [
    [1, 0, true],
    [100, 0, true],
    [101, 0, false],
    [0, 0, false],
    [0, 1, false],
    [0, 2, true],
    [100, 50, true],
    [101, 50, false],
    [-10, 11, false],
    [-10, 12, true],
  ] as const)
    t.is(receiver.acceptable(from, length), expected, `${from} ${length}`);
});

test('an echo holds what has not been taken back, and nothing else', (t) => {
  const source = new EchoSource();
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 50 }), (steps) => {
      for (const step of steps) {
        if (step % 2 === 0) {
          const from = source.length;
          source.append(Uint8Array.from({ length: step }, (_, i) => patternByte(from + i)));
        } else source.release(source.length - source.held + Math.min(step, source.held));
        const start = source.length - source.held;
        t.true(isPattern(source.read(start, source.length), start));
      }
    }),
    { seed: 862 },
  );
});

test('the pattern differs wherever it is read from', (t) => {
  const bytes = new PatternSource().read(0, 1000);
  for (let shift = 1; shift < 5000; shift += 1) t.false(isPattern(bytes, shift));
  for (let bit = 8; bit < 32; bit += 1) t.false(isPattern(bytes, 2 ** bit));
});

test('deadlines come in order, each connection at its earliest (against a model)', (t) => {
  const step = fc.record({
    connection: fc.integer({ min: 1, max: 5 }),
    at: fc.integer({ min: 0, max: 50 }),
    what: fc.constantFrom('set', 'set', 'set', 'take', 'forget'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const deadlines = new Deadlines();
      const model = new Map<number, number>();
      for (const { connection, at, what } of steps) {
        if (what === 'set') {
          deadlines.set(connection, at as Instant);
          model.set(connection, Math.min(at, model.get(connection) ?? 99));
        } else if (what === 'forget') {
          deadlines.forget(connection);
          model.delete(connection);
        } else {
          const [first] = [...model].sort((a, b) => a[1] - b[1] || a[0] - b[0]);
          const due = first !== undefined && first[1] <= at ? first[0] : undefined;
          t.is(deadlines.take(at as Instant), due);
          if (due !== undefined) model.delete(due);
        }
        const least = Math.min(...model.values());
        t.true((deadlines.next ?? Number.POSITIVE_INFINITY) <= least, 'never late');
        t.true(deadlines.size <= 64 + 4 * 5 + 1);
      }
    }),
    { seed: 1122 },
  );
});
