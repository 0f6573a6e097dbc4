/**
 * What a network may do to a codec: flipped, cut, stretched and spliced bytes. Whatever comes, a
 * decoder gives a value or a reason, and a value encodes to the very bytes it was read from.
 *
 * A codec joins by a row in `rows`. STANDIN_MUTATIONS sets how many mutants each row gets.
 */
import test from 'ava';
import { concat, equalBytes, hex, showHex, view } from '../../src/base/bytes.ts';
import { Random } from '../../src/base/random.ts';
import { ipv4 } from '../../src/wire/address.ts';
import { decodeArp, encodeArp } from '../../src/wire/arp.ts';
import { internetChecksum, pseudoHeader } from '../../src/wire/checksum.ts';
import { describeFrame, describePacket } from '../../src/wire/describe.ts';
import { decodeEthernet, encodeEthernet } from '../../src/wire/ethernet.ts';
import { decodeIcmp, encodeIcmp } from '../../src/wire/icmp.ts';
import { decodeIpv4, decodeQuotedIpv4, encodeIpv4 } from '../../src/wire/ipv4.ts';
import { Malformed } from '../../src/wire/malformed.ts';
import { decodeUdp, encodeUdp } from '../../src/wire/udp.ts';
import { decodeVxlan, encodeVxlan, vxlanPort } from '../../src/wire/vxlan.ts';

const mutants = Number(process.env['STANDIN_MUTATIONS'] ?? 20_000);

interface Row {
  readonly name: string;
  readonly samples: readonly Uint8Array[];
  /** Decodes; the bytes that encoding gives back, or why there is no value. */
  readonly again: (bytes: Uint8Array) => Uint8Array | Malformed;
  readonly more: More;
}

interface More {
  /** How many of the bytes belong to an accepted one, where the rest is padding. Else all. */
  readonly extent?: (bytes: Uint8Array) => number;
  /** Puts the checksum right, so that a mutant gets past it. Done to every second one. */
  readonly mend?: (bytes: Uint8Array) => void;
}

function row<Value>(
  name: string,
  samples: readonly Uint8Array[],
  decode: (bytes: Uint8Array) => Value | Malformed,
  encode: (value: Value) => Uint8Array,
  more: More = {},
): Row {
  const again = (bytes: Uint8Array): Uint8Array | Malformed => {
    const decoded = decode(bytes);
    return decoded instanceof Malformed ? decoded : encode(decoded);
  };
  return { name, samples, again, more };
}

// The samples are from kernel-golden: sent or answered by Linux 6.18.44. By file and case.
const kernelFrames = {
  'arp_host baseline':
    'ffffffffffff020000000002080600010800060400010200000000020a0000020000000000000a000001',
  'arp_host baseline, reply':
    '020000000002020000000001080600010800060400020200000000010a0000010200000000020a000002',
  'router_icmp warm ping':
    '0200000000e002000000000a08004500001c00010000400166d00a0100090a0200050800f7fd00010001',
  'router_icmp warm ping, reply':
    '02000000000a0200000000e008004500001c590e00003f010ec30a0200050a0100090000fffd00010001',
  'router_icmp udp closed port at b':
    '0200000000e002000000000a08004500002100010000401166bb0a0100090a0200050457270f000d7c8b68656c6c6f',
  'router_icmp udp cksum 0 (none)':
    '0200000000e002000000000a08004500001d00010000401166bf0a0100090a020005000100020009000078',
  'router_icmp ttl=0 udp fwd, reply':
    '02000000000a0200000000e0080045c0003d4ddf0000400118160a0100010a0100090b00092f0000000045000021000100000011a6bb0a0100090a0200050457270f000d7c8b68656c6c6f',
  'router_icmp redirect, reply':
    '02000000000a0200000000e0080045c0003d5de00000400108150a0100010a010009050104df0a01004e45000021000100003f1167730a0100090a01004e0457270f000d7c8b68656c6c6f',
  'router_icmp timestamp req':
    '0200000000e002000000000a08004500002800010000400166c90a0100090a0100010d00f2fd00010001000000000000000000000000',
  'router_icmp options: LSRR':
    '0200000000e002000000000a080047000029000100004011d6a10a0100090a0200058307040a020005000457270f000d7c8b68656c6c6f',
  'router_icmp options: RR, reply':
    '02000000000a0200000000e0080047c0004d6afc00003f01e7d20a0200050a0100090707080a020001000303112c0000000047000029000100003f1153a20a0100090a0200050707080a020001000457270f000d7c8b68656c6c6f',
  'reassembly zero-length MF frag':
    '020000000001020000000002080045000014006f2000400146780a0000020a000001',
  'vxlan good with udp cksum':
    '02000000000102000000000208004500004e000100004011669c0a0000020a000001c35012b5003ae0b60800000000002a00ffffffffffff02000000aaaa0806000108000604000102000000aaaac0a80907000000000000c0a80901',
  'vxlan reserved2 set':
    '02000000000102000000000208004500004e000100004011669c0a0000020a000001c35012b5003a00000800000000002a55ffffffffffff02000000aaaa0806000108000604000102000000aaaac0a80907000000000000c0a80901',
};

const untagged = Object.values(kernelFrames).map(hex);
const tagged = untagged.map((frame) =>
  concat(frame.subarray(0, 12), hex('8100 b00a'), frame.subarray(12)),
);
const frames = [...untagged, ...tagged];
const ofType = (type: number): Uint8Array[] =>
  untagged.filter((frame) => view(frame).getUint16(12) === type).map((frame) => frame.subarray(14));
const packets = ofType(0x0800);
const ofProtocol = (protocol: number): Uint8Array[] =>
  packets
    .filter((packet) => packet[9] === protocol && packet.length > 20)
    .map((packet) => packet.subarray((packet[0]! & 15) * 4));

const source = ipv4('10.0.0.2');
const destination = ipv4('10.0.0.1');

/** Writes the Internet checksum at `at` over the first `length` bytes, which start from `sum`. */
function mendChecksum(bytes: Uint8Array, at: number, length: number, sum = 0): void {
  if (bytes.length < at + 2) return;
  const data = view(bytes);
  data.setUint16(at, 0);
  data.setUint16(at, internetChecksum(bytes.subarray(0, length), sum));
}

const udpLength = (bytes: Uint8Array): number => view(bytes).getUint16(4);

const rows: Row[] = [
  row('Ethernet', frames, decodeEthernet, encodeEthernet),
  row('ARP', ofType(0x0806), decodeArp, encodeArp, { extent: () => 28 }),
  row('IPv4', packets, decodeIpv4, encodeIpv4, {
    extent: (bytes) => view(bytes).getUint16(2),
    mend: (bytes) => mendChecksum(bytes, 10, ((bytes[0] ?? 0) & 15) * 4),
  }),
  row('ICMP', ofProtocol(1), decodeIcmp, encodeIcmp, {
    mend: (bytes) => mendChecksum(bytes, 2, bytes.length),
  }),
  row(
    'UDP',
    ofProtocol(17),
    (bytes) => decodeUdp(bytes, source, destination),
    (udp) => encodeUdp(udp, source, destination),
    {
      extent: udpLength,
      mend: (bytes) => {
        if (bytes.length < 8) return;
        const length = udpLength(bytes);
        mendChecksum(bytes, 6, length, pseudoHeader(source, destination, 17, length));
      },
    },
  ),
  row(
    'VXLAN',
    ofProtocol(17)
      .filter((datagram) => view(datagram).getUint16(2) === vxlanPort)
      .map((datagram) => datagram.subarray(8)),
    decodeVxlan,
    encodeVxlan,
  ),
];

/** One to four harms to a copy of one sample, or of the seam of two. */
function mutate(samples: readonly Uint8Array[], chance: Random): Uint8Array {
  const pick = (): Uint8Array => samples[chance.between(0, samples.length - 1)]!;
  let bytes: Uint8Array = pick().slice();
  for (let harms = chance.between(1, 4); harms > 0; harms -= 1) bytes = harm(bytes, pick, chance);
  return bytes;
}

const telling = [0, 1, 2, 0x7f, 0x80, 0xfe, 0xff];

function harm(bytes: Uint8Array, pick: () => Uint8Array, chance: Random): Uint8Array {
  const at = chance.between(0, Math.max(0, bytes.length - 1));
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (chance.between(0, 7)) {
    case 0: // the front of the bytes is where the fields are
      return flip(bytes, chance.between(0, Math.min(40, bytes.length) - 1), chance);
    case 1:
      return flip(bytes, at, chance);
    case 2:
      return set(bytes, at, telling[chance.between(0, telling.length - 1)]!);
    case 3:
      return before.slice();
    case 4:
      return concat(before, chance.bytes(chance.between(1, 24)), after);
    case 5:
      return concat(before, after.subarray(chance.between(1, 8)));
    case 6:
      return concat(bytes, new Uint8Array(chance.between(1, 46)));
    default:
      return concat(before, pick().subarray(at));
  }
}

const flip = (bytes: Uint8Array, at: number, chance: Random): Uint8Array =>
  set(bytes, at, (bytes[at] ?? 0) ^ (1 << chance.between(0, 7)));
function set(bytes: Uint8Array, at: number, value: number): Uint8Array {
  if (at >= 0 && at < bytes.length) bytes[at] = value;
  return bytes;
}

/** What is wrong with how the codec took these bytes, if anything. */
function complaint({ again, more }: Row, bytes: Uint8Array): string | undefined {
  const result = again(bytes);
  if (result instanceof Malformed)
    return result.offset >= 0 && result.offset <= bytes.length
      ? undefined
      : `the offset ${result.offset} is outside`;
  const belongs = bytes.subarray(0, more.extent?.(bytes) ?? bytes.length);
  return equalBytes(result, belongs) ? undefined : `encoded it is ${showHex(result)}`;
}

for (const entry of rows) {
  const { name, samples, again, more } = entry;

  test(`${name}: every sample, every shorter one and every flipped bit gives a value or a reason`, (t) => {
    t.true(samples.length > 0);
    for (const sample of samples) {
      for (let n = 0; n <= sample.length; n += 1)
        t.is(complaint(entry, sample.subarray(0, n)), undefined, showHex(sample.subarray(0, n)));
      for (let bit = 0; bit < sample.length * 8; bit += 1) {
        const flipped = sample.with(bit >> 3, sample[bit >> 3]! ^ (0x80 >> (bit & 7)));
        t.is(complaint(entry, flipped), undefined, showHex(flipped));
      }
    }
  });

  test(`${name}: ${mutants} mutants give a value that encodes to the same bytes, or a reason`, (t) => {
    const chance = new Random(`hostile/${name}`);
    let accepted = 0;
    for (let i = 0; i < mutants; i += 1) {
      const bytes = mutate(samples, chance);
      if (i % 2 === 1) more.mend?.(bytes);
      const wrong = complaint(entry, bytes);
      if (wrong !== undefined) return t.fail(`mutant ${i}, ${showHex(bytes)}: ${wrong}`);
      if (!(again(bytes) instanceof Malformed)) accepted += 1;
    }
    t.log(`${accepted} of ${mutants} accepted`);
    t.true(accepted > mutants / 20, 'too few got through for this to mean anything');
    t.true(accepted < mutants, 'nothing was refused');
  });
}

test(`any frame is described in one line, ${mutants} mutants too`, (t) => {
  const chance = new Random('hostile/describe');
  for (let i = 0; i < mutants; i += 1) {
    const bytes = mutate(frames, chance);
    const line = describeFrame(bytes) + describePacket(bytes.subarray(14));
    if (!/^[\x20-\x7e]+$/.test(line) || /undefined|NaN|\[object/.test(line))
      return t.fail(`${showHex(bytes)}: ${line}`);
  }
  t.pass();
});

test('what an error quotes may be cut or changed anywhere', (t) => {
  const chance = new Random('hostile/quote');
  for (let i = 0; i < mutants; i += 1) {
    const bytes = mutate(packets, chance);
    const quoted = decodeQuotedIpv4(bytes);
    if (quoted instanceof Malformed) continue;
    const end = quoted.payload.byteOffset + quoted.payload.length;
    if (end > bytes.byteOffset + bytes.length) return t.fail(showHex(bytes));
  }
  t.pass();
});
