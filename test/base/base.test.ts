import test from 'ava';
import fc from 'fast-check';
import { concat, equalBytes, hex, showHex, utf8, view } from '../../src/base/bytes.ts';
import { FrameMemory } from '../../src/base/frame.ts';
import { Random } from '../../src/base/random.ts';
import {
  after,
  between,
  type Duration,
  earliest,
  type Instant,
  labEnd,
  labStart,
  milliseconds,
  nanoseconds,
  seconds,
  showDuration,
  showInstant,
} from '../../src/base/time.ts';

// Chance

/** xoshiro128** 1.1 as its authors give it (prng.di.unimi.it/xoshiro128starstar.c), on 32-bit words in BigInt. */
function xoshiro(state: readonly bigint[]): () => bigint {
  let [s0, s1, s2, s3] = state as [bigint, bigint, bigint, bigint];
  const word = (x: bigint): bigint => x & 0xffff_ffffn;
  const rotl = (x: bigint, k: bigint): bigint => word((x << k) | (x >> (32n - k)));
  return () => {
    const result = word(rotl(word(s1 * 5n), 7n) * 9n);
    const t = word(s1 << 9n);
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= t;
    s3 = rotl(s3, 11n);
    return result;
  };
}

/** The seeding, done again in BigInt: MurmurHash3 over the name's UTF-16 units, then its finaliser as a sequence. */
function stateFor(name: string): bigint[] {
  const word = (x: bigint): bigint => x & 0xffff_ffffn;
  const rotl = (x: bigint, k: bigint): bigint => word((x << k) | (x >> (32n - k)));
  let h = word(0x9747b28cn ^ BigInt(name.length));
  for (let i = 0; i < name.length; i += 1) {
    h = word((h ^ BigInt(name.charCodeAt(i))) * 0xcc9e2d51n);
    h = word(rotl(h, 13n) * 5n + 0xe6546b64n);
  }
  const mix = (): bigint => {
    h = word((h ^ (h >> 16n)) * 0x85ebca6bn);
    h = word((h ^ (h >> 13n)) * 0xc2b2ae35n);
    h = word((h ^ (h >> 16n)) + 0x9e3779b9n);
    return h;
  };
  return [mix(), mix(), mix(), mix() | 1n];
}

test('the generator is xoshiro128**, word for word', (t) => {
  // The first numbers from the state 1, 2, 3, 4, as the C program prints them.
  const reference = xoshiro([1n, 2n, 3n, 4n]);
  t.deepEqual(
    [reference(), reference(), reference(), reference()],
    [11520n, 0n, 5927040n, 70819200n],
  );
  for (const name of ['', '0', 'bench', 'lab/link web01.eth0', 'ünï']) {
    const random = new Random(name);
    const expected = xoshiro(stateFor(name));
    for (let i = 0; i < 1000; i += 1) t.is(BigInt(random.uint32()), expected(), `${name}, ${i}`);
  }
});

test('streams of one name are equal, and of any two names differ', (t) => {
  const draw = (random: Random): string => Array.from({ length: 8 }, () => random.uint32()).join();
  t.is(draw(new Random('a').child('b')), draw(new Random('a').child('b')));
  t.is(draw(new Random('a/b')), draw(new Random('a').child('b')));
  t.is(draw(new Random(7)), draw(new Random('7')));
  const names = Array.from({ length: 2000 }, (_, i) => draw(new Random('seed').child(`link ${i}`)));
  t.is(new Set(names).size, names.length);
  // Drawing from one stream changes no other.
  const parent = new Random('a');
  parent.uint32();
  t.is(draw(parent.child('b')), draw(new Random('a').child('b')));
});

test('numbers drawn keep to their bounds and reach them', (t) => {
  const random = new Random('bounds');
  const seen = new Set<number>();
  for (let i = 0; i < 10_000; i += 1) {
    const fraction = random.fraction();
    t.true(fraction >= 0 && fraction < 1);
    seen.add(random.between(-3, 3));
  }
  t.deepEqual(
    [...seen].sort((a, b) => a - b),
    [-3, -2, -1, 0, 1, 2, 3],
  );
  const wide = random.between(0, Number.MAX_SAFE_INTEGER);
  t.true(Number.isSafeInteger(wide) && wide > 2 ** 32);
  t.is(random.between(5, 5), 5);
  const mean =
    Array.from({ length: 20_000 }, () => random.fraction()).reduce((a, b) => a + b) / 2e4;
  t.true(Math.abs(mean - 0.5) < 0.01, `mean ${mean}`); // five standard deviations
  t.is(random.bytes(1000).length, 1000);
});

// Bytes

test('hex is read with spaces and colons, and nothing else is', (t) => {
  t.deepEqual([...hex(' 02:00\n00 Ff')], [2, 0, 0, 255]);
  t.is(showHex(hex('00017f80ff')), '00017f80ff');
  for (const text of ['0', '0g', '0x10', '-1', '01 2'])
    t.throws(() => hex(text), { instanceOf: RangeError });
});

test('views, parts and comparisons keep to their bytes', (t) => {
  const all = hex('000102030405060708');
  const part = all.subarray(2, 6);
  t.is(view(part).byteLength, 4);
  t.is(view(part).getUint16(0), 0x0203);
  t.is(showHex(concat(part, new Uint8Array(0), all.subarray(8))), '0203040508');
  t.true(equalBytes(part, hex('02030405')));
  t.false(equalBytes(part, hex('020304')));
  t.false(equalBytes(part, hex('02030406')));
});

test('text becomes the bytes that the platform makes of it', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) =>
      equalBytes(utf8(text), new TextEncoder().encode(text)),
    ),
    { seed: 3629 },
  );
  t.is(showHex(utf8('aé€😀')), '61c3a9e282acf09f9880');
});

// Time

test('times are whole nanoseconds, and what is none is refused', (t) => {
  t.is(milliseconds(0.5), 500_000 as Duration);
  t.is(seconds(1.0000000004), 1_000_000_000 as Duration);
  t.is(after(labStart, seconds(3)), 3e9 as Instant);
  t.is(between(1 as Instant, 5 as Instant), 4 as Duration);
  t.is(earliest(undefined, 5 as Instant, 3 as Instant, undefined), 3 as Instant);
  t.is(earliest(), undefined);
  for (const wrong of [() => nanoseconds(-1), () => seconds(Number.NaN), () => seconds(1e9)])
    t.throws(wrong, { instanceOf: RangeError });
  t.throws(() => between(5 as Instant, 1 as Instant), { instanceOf: RangeError });
  t.throws(() => after(labEnd, nanoseconds(1)), { instanceOf: RangeError });
});

test('lengths of time are shown the way a person writes them', (t) => {
  const shown: [number, string][] = [
    [0, '0ns'],
    [1, '1ns'],
    [1500, '1.5us'],
    [2e6, '2ms'],
    [8e9, '8s'],
    [59.9996e9, '60s'],
    [60e9, '1m'],
    [90e9, '1m30s'],
    [5400e9, '1h30m'],
    [3599.9999e9, '1h'],
    [86_400e9, '24h'],
  ];
  for (const [time, text] of shown) t.is(showDuration(time as Duration), text);
  t.is(showInstant(5.25e9 as Instant), '5.25s');
});

// Frames

test('frames that share a chunk never share a byte, and begin where the IP header is aligned', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 9018 }), { minLength: 1, maxLength: 40 }),
      (lengths) => {
        const memory = new FrameMemory();
        const frames = lengths.map((length) => memory.allocate(length));
        for (const [i, frame] of frames.entries()) frame.bytes().fill(i + 1);
        return frames.every(
          (frame, i) =>
            frame.start % 4 === 2 &&
            frame.length === lengths[i] &&
            frame.words.buffer === frame.memory.buffer &&
            frame.bytes().every((byte) => byte === i + 1),
        );
      },
    ),
    { seed: 64, numRuns: 300 },
  );
  t.pass();
});

test('a frame longer than a chunk gets one of its own', (t) => {
  const frame = new FrameMemory().allocate(200_000);
  t.is(frame.bytes().length, 200_000);
});

test('a shared frame belongs to nobody, and each handle has its own cause and length', (t) => {
  const memory = new FrameMemory();
  const frame = memory.from(hex('00112233445566778899aabbccddeeff'));
  frame.cause = 7;
  const other = frame.share();
  t.false(frame.exclusive);
  t.false(other.exclusive);
  t.is(other.cause, 7);
  other.cause = 8;
  other.length = 4;
  t.is(frame.cause, 7);
  t.is(frame.length, 16);
  t.is(showHex(other.bytes()), '00112233');
  const own = memory.writable(other);
  t.not(own, other);
  t.true(own.exclusive);
  own.bytes().fill(0);
  t.is(showHex(frame.bytes()), '00112233445566778899aabbccddeeff');
  t.is(memory.writable(own), own);
});

test('trust in checksums is given to what was made here, and never where every sum is checked', (t) => {
  const trusting = new FrameMemory();
  t.true(trusting.allocate(60).trusted);
  t.false(trusting.from(new Uint8Array(60)).trusted);
  t.false(trusting.copy(trusting.from(new Uint8Array(60))).trusted);
  t.true(trusting.copy(trusting.allocate(60)).trusted);
  const strict = new FrameMemory(false);
  t.false(strict.allocate(60).trusted);
  const far = trusting.allocate(60); // a copy into another chunk
  far.bytes().fill(9);
  while (trusting.allocate(9000).memory === far.memory);
  t.deepEqual([...trusting.copy(far).bytes()], Array(60).fill(9));
});
