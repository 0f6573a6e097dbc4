import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { equalBytes, hex, showHex, view } from '../../src/base/bytes.ts';
import { sequence } from '../../src/base/sequence.ts';
import { type Ipv4, ipv4 } from '../../src/wire/address.ts';
import { Malformed } from '../../src/wire/malformed.ts';
import { readPcap } from '../../src/wire/pcapng/pcap.ts';
import {
  decodeTcp,
  encodeTcp,
  type TcpOption,
  type TcpSegment,
  tcpFlag,
} from '../../src/wire/tcp.ts';
import { needsCorpus } from '../needs.ts';

const a = ipv4('10.0.0.1');
const b = ipv4('10.0.0.2');
const empty = new Uint8Array(0);

const linux = 'captured: Linux 6.18, corpus/kernel-golden';
const vectors: Record<string, { source: string; bytes: string; segment: TcpSegment }> = {
  'a SYN of Linux': {
    source: linux,
    bytes: `9f18 0050 c529c263 00000000 a002 faf0 1431 0000
            020405b4 0402 080a 0a30941c 00000000 01 03030a`,
    segment: {
      sourcePort: 40_728,
      destinationPort: 80,
      sequence: sequence(0xc529c263),
      acknowledgment: sequence(0),
      flags: tcpFlag.syn,
      window: 64_240,
      urgent: 0,
      options: [
        { kind: 'mss', mss: 1460 },
        { kind: 'sack-permitted' },
        { kind: 'timestamps', value: 0x0a30941c, echo: 0 },
        { kind: 'nop' },
        { kind: 'window-scale', shift: 10 },
      ],
      payload: empty,
    },
  },
};

for (const [title, { source, bytes, segment }] of Object.entries(vectors)) {
  test(`${title} (${source})`, (t) => {
    t.deepEqual(decodeTcp(hex(bytes)), segment);
    // All but the sum, which is partial in the capture (checksum offload).
    const ours = encodeTcp(segment, a, b);
    t.is(showHex(ours.subarray(0, 16)), showHex(hex(bytes).subarray(0, 16)));
    t.is(showHex(ours.subarray(18)), showHex(hex(bytes).subarray(18)));
    t.deepEqual(decodeTcp(ours, a, b), segment);
  });
}

test('the checksum is what the kernel writes (kernel-golden, RST of a closed port)', (t) => {
  const bytes = hex('0002 0001 00000000 000003e9 5014 0000 97d4 0000');
  const [from, to] = [ipv4('10.2.0.5'), ipv4('10.1.0.9')];
  const segment = decodeTcp(bytes, from, to);
  if (segment instanceof Malformed) return t.fail(segment.reason);
  t.is(segment.flags, tcpFlag.rst | tcpFlag.ack);
  t.deepEqual(encodeTcp(segment, from, to), bytes);
  return t.deepEqual(
    decodeTcp(bytes, from, ipv4('10.1.0.8')),
    new Malformed('tcp', 'bad-checksum', 16),
    'the addresses count',
  );
});

const good = encodeTcp(Object.values(vectors)[0]!.segment, a, b);

test('every shorter segment is refused, and none throws', (t) => {
  for (let n = 0; n < good.length; n += 1) {
    const expected =
      n < 20 ? new Malformed('tcp', 'truncated', n) : new Malformed('tcp', 'bad-length', 12);
    t.deepEqual(decodeTcp(good.subarray(0, n)), expected);
  }
});

test('every flipped bit is noticed by the checksum or before it', (t) => {
  for (let bit = 0; bit < good.length * 8; bit += 1) {
    const bad = good.slice();
    bad[bit >> 3]! ^= 1 << (bit & 7);
    t.true(decodeTcp(bad, a, b) instanceof Malformed, `bit ${bit}`);
  }
});

const refused: Record<string, [string, Malformed['reason'], number]> = {
  'an offset of 4 words': ['4002', 'bad-length', 12],
  'an offset of 0': ['0002', 'bad-length', 12],
  'an offset past the end': ['7002', 'bad-length', 12],
};
for (const [title, [offset, reason, at]] of Object.entries(refused)) {
  test(`${title} is malformed`, (t) => {
    const bytes = hex(`0001 0002 00000000 00000000 ${offset} 0400 0000 0000 00000000`);
    t.deepEqual(decodeTcp(bytes), new Malformed('tcp', reason, at));
  });
}

const badOptions: Record<string, [string, number]> = {
  'length 0': ['02000000', 20],
  'length 1': ['02010000', 20],
  'length past the header': ['01020405', 21],
  'no room for a length': ['01010102', 23],
};
for (const [title, [options, at]] of Object.entries(badOptions)) {
  test(`an option with ${title} is malformed`, (t) => {
    const bytes = hex(`0001 0002 00000000 00000000 6002 0400 0000 0000 ${options}`);
    t.deepEqual(decodeTcp(bytes), new Malformed('tcp', 'bad-length', at));
  });
}

test('known options of a wrong length, unknown ones and padding are kept as they are', (t) => {
  const options = '02 03 ff  03 04 0102  05 03 07  fd 06 01020304  01 00 aabbccddee 00';
  const bytes = hex(`0001 0002 00000000 00000000 b002 0400 0000 0000 ${options} 99`);
  const segment = decodeTcp(bytes);
  if (segment instanceof Malformed) return t.fail(`${segment.reason} ${segment.offset}`);
  t.deepEqual(
    segment.options.map(({ kind }) => kind),
    ['unknown', 'unknown', 'unknown', 'unknown', 'nop', 'end'],
  );
  return t.deepEqual(segment.payload, hex('99'));
});

test('options beyond 40 bytes are left out, and encoding never fails', (t) => {
  const nop: TcpOption = { kind: 'unknown', type: 77, data: new Uint8Array(10) };
  const segment = { ...vectors[Object.keys(vectors)[0]!]!.segment, options: [nop, nop, nop, nop] };
  const back = decodeTcp(encodeTcp(segment, a, b), a, b);
  if (back instanceof Malformed) return t.fail(back.reason);
  return t.is(back.options.length, 3);
});

const word = fc.integer({ min: 0, max: 0xffff_ffff }).map(sequence);
const short = fc.integer({ min: 0, max: 0xffff });
const anyOption: fc.Arbitrary<TcpOption> = fc.oneof(
  fc.record({ kind: fc.constant('mss' as const), mss: short }),
  fc.record({
    kind: fc.constant('window-scale' as const),
    shift: fc.integer({ min: 0, max: 255 }),
  }),
  fc.constant({ kind: 'sack-permitted' } as const),
  fc.record({
    kind: fc.constant('sack' as const),
    blocks: fc.array(fc.record({ left: word, right: word }), { minLength: 1, maxLength: 1 }),
  }),
  fc.record({ kind: fc.constant('timestamps' as const), value: word, echo: word }),
  fc.constant({ kind: 'nop' } as const),
);
const anySegment = fc.record({
  sourcePort: short,
  destinationPort: short,
  sequence: word,
  acknowledgment: word,
  flags: fc.integer({ min: 0, max: 0xfff }),
  window: short,
  urgent: short,
  options: fc
    .array(anyOption, { maxLength: 3 })
    .map((list) => [...list, { kind: 'nop' } as const, { kind: 'nop' } as const]),
  payload: fc.uint8Array({ maxLength: 70 }),
});

test('decoding undoes encoding', (t) => {
  fc.assert(
    fc.property(anySegment, (segment) => {
      const back = decodeTcp(encodeTcp(segment, a, b), a, b);
      if (back instanceof Malformed) throw new Error(back.reason);
      const padding = back.options.at(-1)!.kind === 'end' ? 1 : 0;
      const options = back.options.slice(0, back.options.length - padding);
      t.deepEqual({ ...back, options }, segment);
    }),
    { seed: 9293 },
  );
});

test('encoding undoes decoding for all bytes that are accepted', (t) => {
  let accepted = 0;
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 20, maxLength: 90 }), fc.integer(), (bytes, chance) => {
      const choice = chance & 3;
      const words = 5 + ((chance >>> 2) % (Math.min(15, bytes.length >> 2) - 4));
      if (choice > 0) bytes[12] = (words << 4) | (bytes[12]! & 15);
      // Mostly options that could be some, or nothing would be accepted.
      for (let at = 20; choice > 1 && at < words * 4; ) {
        bytes[at] = bytes[at]! % 9;
        const size = 2 + (bytes[at + 1]! % 10);
        if (bytes[at]! > 1 && at + size <= words * 4) bytes[at + 1] = size;
        else bytes[at] = 1;
        at += bytes[at]! > 1 ? size : 1;
      }
      if (!(decodeTcp(bytes) instanceof Malformed)) sumAnew(bytes, a, b);
      const segment = decodeTcp(bytes, a, b);
      if (segment instanceof Malformed) return;
      accepted += 1;
      t.true(equalBytes(encodeTcp(segment, a, b), bytes), showHex(bytes));
    }),
    { seed: 793, numRuns: 5000 },
  );
  t.true(accepted > 1000, `only ${accepted}`);
});

test('every TCP segment of the corpus survives decoding and encoding', (t) => {
  const folder = needsCorpus(t, 'protocols');
  if (folder === undefined) return;
  let checked = 0;
  let right = 0;
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  for (const name of files.filter((file) => /\.(pcap|trace)$/.test(file))) {
    for (const { bytes: frame } of readPcap(readFileSync(join(folder, name))).packets) {
      const found = tcpIn(frame);
      if (found === undefined) continue;
      const { bytes, source, destination } = found;
      const segment = decodeTcp(bytes);
      if (segment instanceof Malformed) continue;
      if (!(decodeTcp(bytes, source, destination) instanceof Malformed)) right += 1;
      const whole = Uint8Array.from(bytes);
      sumAnew(whole, source, destination);
      t.deepEqual(encodeTcp(segment, source, destination), whole, name);
      checked += 1;
    }
  }
  t.log(`${checked} segments, ${right} of them with a right checksum`);
  t.true(checked > 100, `${checked}`);
  t.true(right > 0);
});

/** Writes the checksum by the book: one's complement, word by word. */
function sumAnew(bytes: Uint8Array, source: Ipv4, destination: Ipv4): void {
  bytes[16] = 0;
  bytes[17] = 0;
  const pseudo = new Uint8Array(12);
  const header = view(pseudo);
  header.setInt32(0, source);
  header.setInt32(4, destination);
  header.setUint16(8, 6);
  header.setUint16(10, bytes.length);
  let sum = 0;
  for (const part of [pseudo, bytes])
    for (let i = 0; i < part.length; i += 2) sum += part[i]! * 256 + (part[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  view(bytes).setUint16(16, ~sum & 0xffff);
}

function tcpIn(
  frame: Uint8Array,
): { bytes: Uint8Array; source: Ipv4; destination: Ipv4 } | undefined {
  if (frame.length < 34 || frame[12] !== 8 || frame[13] !== 0 || frame[23] !== 6) return undefined;
  const data = view(frame);
  const start = 14 + (frame[14]! & 15) * 4;
  const end = 14 + data.getUint16(16);
  if (end > frame.length || start + 20 > end) return undefined;
  if ((data.getUint16(20) & 0x3fff) !== 0) return undefined; // a fragment
  return {
    bytes: frame.subarray(start, end),
    source: data.getInt32(26) as Ipv4,
    destination: data.getInt32(30) as Ipv4,
  };
}
