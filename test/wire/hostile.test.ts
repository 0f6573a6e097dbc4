/**
 * What a network may do to a codec: flipped, cut, stretched and spliced bytes. Whatever comes, a
 * decoder gives a value or a reason, and a value encodes to the very bytes it was read from.
 *
 * A codec joins by a row in `rows`. STANDIN_MUTATIONS sets how many mutants each row gets: from a
 * million on, the memory of the process is watched too.
 */
import { isDeepStrictEqual } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { concat, equalBytes, hex, showHex, view } from '../../src/base/bytes.ts';
import { Random } from '../../src/base/random.ts';
import type { Instant } from '../../src/base/time.ts';
import { ipv4, mac } from '../../src/wire/address.ts';
import { decodeArp, encodeArp } from '../../src/wire/arp.ts';
import { decodeBpdu, encodeBpdu } from '../../src/wire/bpdu.ts';
import { readCapture as readCaptureFile } from '../../src/wire/capture-file.ts';
import { internetChecksum, pseudoHeader } from '../../src/wire/checksum.ts';
import { describeFrame, describePacket } from '../../src/wire/describe.ts';
import { decodeDhcp, encodeDhcp } from '../../src/wire/dhcp.ts';
import { decodeEsp, decodeEspContent, encodeEsp, encodeEspContent } from '../../src/wire/esp.ts';
import { decodeEthernet, encodeEthernet, etherType } from '../../src/wire/ethernet.ts';
import { decodeIcmp, encodeIcmp } from '../../src/wire/icmp.ts';
import { decodeIpv4, decodeQuotedIpv4, encodeIpv4, ipProtocol } from '../../src/wire/ipv4.ts';
import { Malformed } from '../../src/wire/malformed.ts';
import type { CapturedPacket, CaptureFile } from '../../src/wire/pcapng/format.ts';
import { PcapngWriter } from '../../src/wire/pcapng/write.ts';
import { decodeTcp, encodeTcp } from '../../src/wire/tcp.ts';
import { decodeUdp, encodeUdp } from '../../src/wire/udp.ts';
import { decodeVxlan, encodeVxlan, vxlanPort } from '../../src/wire/vxlan.ts';
import { decodeWireguard, encodeWireguard } from '../../src/wire/wireguard.ts';
import { gcmVectors } from '../crypto/gcm-vectors.ts';
import { readCapture } from '../support/captures.ts';

const mutants = Number(process.env['STANDIN_MUTATIONS'] ?? 10_000);
/** Promise: this many mutants of every kind do not make the process grow by more than this. */
const longRun = 1_000_000;
const growthMax = 64 * 2 ** 20;
/** Promise: no input takes longer. */
const millisecondsMax = 50;

interface Row {
  readonly name: string;
  readonly samples: readonly Uint8Array[];
  readonly take: (bytes: Uint8Array) => Taken;
  readonly more: More;
}

/** What became of some bytes: a value, a reason why there is none, or a broken promise. */
type Taken = 'accepted' | 'refused' | { readonly wrong: string };

interface More {
  /** How many of the bytes belong to an accepted one, where the rest is padding. Else all. */
  readonly extent?: (bytes: Uint8Array) => number;
  /** Puts the checksum right, so that a mutant gets past it. Done to every second one. */
  readonly mend?: (bytes: Uint8Array) => void;
  /** Where the fields are that decide most: 40 bytes from here are harmed more often. 0 if left out. */
  readonly tender?: number;
}

/** A codec that loses nothing: what is decoded encodes to the same bytes. */
function row<Value>(
  name: string,
  samples: readonly Uint8Array[],
  decode: (bytes: Uint8Array) => Value | Malformed,
  encode: (value: Value) => Uint8Array,
  more: More = {},
): Row {
  const take = (bytes: Uint8Array): Taken => {
    const decoded = decode(bytes);
    if (decoded instanceof Malformed) return refused(decoded, bytes);
    const again = encode(decoded);
    const belongs = bytes.subarray(0, more.extent?.(bytes) ?? bytes.length);
    return equalBytes(again, belongs) ? 'accepted' : { wrong: `encoded it is ${showHex(again)}` };
  };
  return { name, samples, take, more };
}

const refused = ({ offset }: { offset: number }, bytes: Uint8Array): Taken =>
  Number.isInteger(offset) && offset >= 0 && offset <= bytes.length
    ? 'refused'
    : { wrong: `the offset ${offset} is outside` };

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

/** What some packets of a capture of kernel-golden carry; by their numbers, which count from 1. */
function carried(file: string, numbers: readonly number[]): Uint8Array[] {
  const captured = readCapture(`kernel-golden/${file}`);
  return numbers.map((number) => {
    const packet = captured[number - 1]!.bytes.slice(14);
    return packet.subarray((packet[0]! & 15) * 4, view(packet).getUint16(2));
  });
}

function withoutUdp(datagram: Uint8Array): Uint8Array {
  return datagram.subarray(8, udpLength(datagram));
}

const source = ipv4('10.0.0.2');
const destination = ipv4('10.0.0.1');

/** Writes the Internet checksum at `at` over the first `length` bytes, which start from `sum`. */
function mendChecksum(bytes: Uint8Array, at: number, length: number, sum = 0): void {
  if (bytes.length < at + 2) return;
  const data = view(bytes);
  data.setUint16(at, 0);
  data.setUint16(at, internetChecksum(bytes.subarray(0, length), sum));
}

const mendIpv4 = (bytes: Uint8Array): void => mendChecksum(bytes, 10, ((bytes[0] ?? 0) & 15) * 4);
function udpLength(bytes: Uint8Array): number {
  return view(bytes).getUint16(4);
}
const mendTcp = (bytes: Uint8Array): void =>
  mendChecksum(bytes, 16, bytes.length, pseudoHeader(source, destination, 6, bytes.length));

/** Laid out by hand: RFC 2018 section 3, two blocks, timestamps in front (RFC 7323 appendix A). */
const withSack = hex(
  '04d2 0050 00000001 00000002 d010 0400 0000 0000 0101080a 0000000100000002 0101 0512 00000010000000200000003000000040',
);
/** The kernel's SYN, SYN-ACK and data, whose checksums veth left unfinished; an odd RST and ACK. */
const segments = [...carried('linux-tcp-syn-retransmit.pcap', [1, 13, 22, 31, 35]), withSack];
for (const segment of segments) mendTcp(segment);

const zeros = (count: number): string => '00'.repeat(count);
const dhcpHead = `01010600 3903f326 00008000 ${zeros(16)} 000b8201fc42 ${zeros(10)}`;
const messages = [
  // DISCOVER of dhclient and of udhcpc, OFFER of dnsmasq, REQUEST, ACK.
  ...carried('linux-dhcp-noserver-then-dnsmasq.pcap', [3, 5, 35, 38, 39]).map(withoutUdp),
  // Laid out by hand: options in `file` and `sname` too (RFC 2132 section 9.3), one of them in two
  // pieces (RFC 3396), a relay agent's (RFC 3046 section 2.0).
  hex(
    `${dhcpHead} 3604c0a80001 ff ${zeros(57)} 3204c0a80064 0c0262 63 ff ${zeros(117)} 63825363 350103 340103 0c0161 52040102aabb ff`,
  ),
];

const tunnels = [
  // Initiation, response, data and keepalive of wireguard-go.
  ...carried('wg-go-session.pcap', [1, 2, 3, 13]).map(withoutUdp),
  // A cookie reply: type, receiver, nonce, cookie and tag (whitepaper section 5.4.7).
  Uint8Array.from({ length: 64 }, (_, i) => (i < 4 ? (i === 0 ? 3 : 0) : i)),
];

/** The packets of draft-mcgrew-gcm-test-01 that have sequence numbers of 32 bits and an SPI. */
const espVectors = gcmVectors.filter(
  ({ associated }) => associated.length === 16 && !associated.startsWith('00000000'),
);

/** DHCP may be written longer or shorter than it came, but must not mean anything else. */
function takeDhcp(bytes: Uint8Array): Taken {
  const message = decodeDhcp(bytes);
  if (message instanceof Malformed) return refused(message, bytes);
  const written = encodeDhcp(message);
  const again = decodeDhcp(written);
  if (!isDeepStrictEqual(again, message)) return { wrong: `encoded it is ${showHex(written)}` };
  return 'accepted';
}

// Capture files, laid out by hand from draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng

const pcaps = [
  // Microseconds, little-endian: two packets, the second cut.
  'd4c3b2a1 0200 0400 00000000 00000000 00000400 01000000 05000000 07000000 03000000 03000000 616263 06000000 00000000 02000000 63000000 6465',
  // Nanoseconds, big-endian: one packet, and the length of a check sequence in the link type.
  'a1b23c4d 0002 0004 00000000 00000000 00040000 10000001 00000005 00000007 00000004 00000004 61626364',
].map(hex);

/** Every byte of the file must be in a packet, in front of one, or after the first thing wrong. */
function takePcap(bytes: Uint8Array): Taken {
  const file = readCaptureFile(bytes);
  let end = 24;
  for (const { offset, bytes: kept } of file.packets) {
    if (offset !== end || kept.byteOffset !== bytes.byteOffset + end + 16)
      return { wrong: `a packet at ${offset}, not at ${end}` };
    if (!hasItsLength(kept, bytes, end + 8)) return { wrong: `a packet cut at ${end}` };
    end += 16 + kept.length;
  }
  if (file.error === undefined)
    return end === bytes.length ? 'accepted' : { wrong: `nothing said of what is after ${end}` };
  if (file.packets.length > 0 && (file.error.offset < end || file.error.offset > end + 8))
    return { wrong: `what is wrong is at ${end}, not at ${file.error.offset}` };
  return located(file, bytes);
}

/** Whether a packet is as long as the file says at `at`, in whichever byte order. */
function hasItsLength(kept: Uint8Array, file: Uint8Array, at: number): boolean {
  const data = view(file);
  return kept.length === data.getUint32(at, true) || kept.length === data.getUint32(at);
}

const pcapngBlocks = {
  section: '0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000',
  sectionWithComment:
    '0a0d0d0a 28000000 4d3c2b1a 0100 0000 ffffffffffffffff 0100 0200 686d0000 0000 0000 28000000',
  adapter:
    '01000000 40000000 0100 0000 00000000 0200 0400 65746830 0600 0600 0200000000010000 0900 0100 09000000 0e00 0800 0100000000000000 0000 0000 40000000',
  microseconds: '01000000 14000000 0100 0000 04000000 14000000',
  packet:
    '06000000 34000000 00000000 01000000 01f2052a 05000000 3c000000 6162636465 000000 0200 0400 01000000 0000 0000 34000000',
  oldPacket: '02000000 24000000 0100 0000 00000000 07000000 03000000 03000000 61626300 24000000',
  simplePacket: '03000000 14000000 06000000 61626364 14000000',
  names: '04000000 20000000 0100 0900 0a000001 6162006300 000000 0000 0000 20000000',
  secrets: '0a000000 18000000 4c4b4757 02000000 61620000 18000000',
  statistics: '05000000 18000000 00000000 00000000 00000000 18000000',
  custom: 'ad0b0000 14000000 01000000 61626364 14000000',
};
const { section, sectionWithComment, adapter, microseconds, packet, ...others } = pcapngBlocks;
const pcapngs = [
  [section, adapter, packet, packet],
  [sectionWithComment, microseconds, adapter, ...Object.values(others), packet],
  [section, microseconds, others.simplePacket, section, adapter, packet],
  // The same as the first, big-endian and with no options.
  [
    '0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c',
    '00000001 00000014 0001 0000 00000000 00000014',
    '00000006 00000028 00000000 00000001 2a05f201 00000005 0000003c 6162636465 000000 00000028',
  ],
].map((blocks) => hex(blocks.join('')));

/** What is read must be the same when it has been written by our writer and is read once more. */
function takePcapng(bytes: Uint8Array): Taken {
  const file = readCaptureFile(bytes);
  const again = readCaptureFile(rewritten(file));
  if (again.error !== undefined) return { wrong: `written anew: ${again.error.message}` };
  if (!isDeepStrictEqual(again.packets.map(essence), file.packets.map(essence)))
    return { wrong: 'written anew it holds other packets' };
  if (!isDeepStrictEqual(adaptersOf(again), adaptersOf(file)))
    return { wrong: 'written anew it has other interfaces' };
  if (!isDeepStrictEqual(again.secrets, file.secrets))
    return { wrong: 'written anew it holds other secrets' };
  let end = 0;
  for (const { offset, bytes: kept, interface: adapter } of file.packets) {
    const start = kept.byteOffset - bytes.byteOffset;
    if (offset < end || start < offset + 12 || adapter >= file.interfaces.length)
      return { wrong: `a packet at ${offset}, after ${end}` };
    const isSimple = start === offset + 12; // says only how long the packet was
    if (!isSimple && !hasItsLength(kept, bytes, offset + 20))
      return { wrong: `a packet cut at ${offset}` };
    end = start + kept.length;
  }
  if (end > bytes.length) return { wrong: `a packet up to ${end}` };
  return file.error === undefined ? 'accepted' : located(file, bytes);
}

/** All but times, which the writer counts otherwise. */
const essence = ({ interface: adapter, bytes, length, comments }: CapturedPacket) => ({
  adapter,
  bytes,
  length,
  comments,
});

/** All but comments, which the writer does not write; it writes every name, also an empty one. */
const adaptersOf = ({ interfaces }: CaptureFile) =>
  interfaces.map(({ comments: _, name = '', ...rest }) => ({ name, ...rest }));

function rewritten(file: CaptureFile): Uint8Array {
  const writer = new PcapngWriter();
  for (const { linkType, snapLength, name = '', ...about } of file.interfaces)
    writer.addInterface({ linkType, snapLength, name, ...about });
  for (const { type, bytes } of file.secrets) writer.addSecrets(type, bytes);
  for (const { interface: adapter, bytes, length, direction, comments } of file.packets) {
    const size = bytes.length;
    writer.packet(adapter, 0 as Instant, direction ?? 'inbound', bytes, 0, size, length, comments);
  }
  return writer.bytes;
}

function located({ error }: CaptureFile, bytes: Uint8Array): Taken {
  if (!/^[\x20-\x7e]+$/.test(error!.message)) return { wrong: `it says “${error!.message}”` };
  return refused(error!, bytes);
}

/** As IEEE 802.1D-1998 section 9.3 has them: a configuration, and a topology change with padding. */
const bpdus = [
  hex('424203 0000 00 00 81 8000 0200000000aa 00000004 8000 0200000000bb 8001 0100 1400 0200 0f00'),
  hex('424203 0000 00 80 000000'),
];

const rows: Row[] = [
  row('Ethernet', frames, decodeEthernet, encodeEthernet),
  row('ARP', ofType(etherType.arp), decodeArp, encodeArp, { extent: () => 28 }),
  row('IPv4', packets, decodeIpv4, encodeIpv4, {
    extent: (bytes) => view(bytes).getUint16(2),
    mend: mendIpv4,
  }),
  row('ICMP', ofProtocol(ipProtocol.icmp), decodeIcmp, encodeIcmp, {
    mend: (bytes) => mendChecksum(bytes, 2, bytes.length),
  }),
  row(
    'UDP',
    ofProtocol(ipProtocol.udp),
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
    'TCP',
    segments,
    (bytes) => decodeTcp(bytes, source, destination),
    (segment) => encodeTcp(segment, source, destination),
    { mend: mendTcp, tender: 12 },
  ),
  { name: 'DHCP', samples: messages, take: takeDhcp, more: { tender: 236 } },
  row('WireGuard', tunnels, decodeWireguard, encodeWireguard),
  row(
    'ESP',
    espVectors.map(({ associated, nonce, sealed }) => hex(associated + nonce.slice(8) + sealed)),
    decodeEsp,
    encodeEsp,
  ),
  row(
    'ESP content',
    espVectors.map(({ plaintext }) => hex(plaintext)),
    decodeEspContent,
    encodeEspContent,
  ),
  row(
    'VXLAN',
    ofProtocol(ipProtocol.udp)
      .filter((datagram) => view(datagram).getUint16(2) === vxlanPort)
      .map((datagram) => datagram.subarray(8)),
    decodeVxlan,
    encodeVxlan,
  ),
  row('BPDU', bpdus, decodeBpdu, encodeBpdu, {
    extent: (bytes) => (bytes[6] === 0 ? 38 : 7),
  }),
  { name: 'pcap', samples: pcaps, take: takePcap, more: {} },
  { name: 'pcapng', samples: pcapngs, take: takePcapng, more: { tender: 28 } },
];

/** One to four harms to a copy of one sample, or of the seam of two. */
function mutate(samples: readonly Uint8Array[], chance: Random, tender = 0): Uint8Array {
  const pick = (): Uint8Array => samples[chance.between(0, samples.length - 1)]!;
  let bytes: Uint8Array = pick().slice();
  for (let harms = chance.between(1, 4); harms > 0; harms -= 1)
    bytes = harm(bytes, pick, chance, tender);
  return bytes;
}

const telling = [0, 1, 2, 0x7f, 0x80, 0xfe, 0xff];

function harm(
  bytes: Uint8Array,
  pick: () => Uint8Array,
  chance: Random,
  tender: number,
): Uint8Array {
  const at = chance.between(0, Math.max(0, bytes.length - 1));
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (chance.between(0, 7)) {
    case 0:
      return flip(bytes, chance.between(tender, tender + 39), chance);
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

/**
 * Feeds mutants to `take` until one breaks a promise; says how many were accepted. A slow one is
 * tried again, because the machine may have been busy with something else.
 */
function torment(
  t: ExecutionContext,
  name: string,
  mutant: (chance: Random, i: number) => Uint8Array,
  take: (bytes: Uint8Array) => Taken,
): number {
  const chance = new Random(`hostile/${name}`);
  let accepted = 0;
  for (let i = 0; i < mutants; i += 1) {
    const bytes = mutant(chance, i);
    const started = performance.now();
    const taken = take(bytes);
    if (performance.now() - started > millisecondsMax && isSlow(() => take(bytes)))
      t.fail(`mutant ${i}, ${showHex(bytes)}: takes more than ${millisecondsMax} ms`);
    if (taken === 'accepted') accepted += 1;
    else if (taken !== 'refused') {
      t.fail(`mutant ${i}, ${showHex(bytes)}: ${taken.wrong}`);
      break;
    }
    if (i % 10_000 === 0) memory.look(i);
  }
  t.log(`${mutants} mutated, ${accepted} accepted, ${mutants - accepted} refused${memory.report}`);
  if (mutants >= longRun) t.true(memory.growth <= growthMax, `grew by ${memory.growth} bytes`);
  return accepted;
}

function isSlow(run: () => void): boolean {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const started = performance.now();
    run();
    if (performance.now() - started <= millisecondsMax) return false;
  }
  return true;
}

/** How far the process has grown since a tenth of the first row, when the engine was warm. */
class Memory {
  #start = 0;
  #most = 0;

  look(done: number): void {
    if (mutants < longRun || done < mutants / 10) return;
    const now = process.memoryUsage.rss();
    if (this.#start === 0) this.#start = now;
    this.#most = Math.max(this.#most, now);
  }

  get growth(): number {
    return this.#most - this.#start;
  }

  get report(): string {
    return mutants < longRun ? '' : `; ${(this.growth / 2 ** 20).toFixed(1)} MiB more memory`;
  }
}

const memory = new Memory();

for (const { name, samples, take, more } of rows) {
  const broken = (bytes: Uint8Array): string | undefined => {
    const taken = take(bytes);
    return typeof taken === 'string' ? undefined : taken.wrong;
  };

  test(`${name}: every sample is accepted, once its checksum is right`, (t) => {
    t.true(samples.length > 0);
    for (const sample of samples) {
      const whole = sample.slice();
      more.mend?.(whole);
      t.is(take(whole), 'accepted', showHex(sample));
    }
  });

  test(`${name}: every shorter sample and every flipped bit gives a value or a reason`, (t) => {
    for (const sample of samples) {
      for (let n = 0; n < sample.length; n += 1)
        t.is(broken(sample.subarray(0, n)), undefined, showHex(sample.subarray(0, n)));
      for (let bit = 0; bit < sample.length * 8; bit += 1) {
        const flipped = sample.with(bit >> 3, sample[bit >> 3]! ^ (0x80 >> (bit & 7)));
        t.is(broken(flipped), undefined, showHex(flipped));
      }
    }
  });

  test(`${name}: ${mutants} mutants give a value that encodes to the same, or a reason`, (t) => {
    const mutant = (chance: Random, i: number): Uint8Array => {
      const bytes = mutate(samples, chance, more.tender);
      if (i % 2 === 1) more.mend?.(bytes);
      return bytes;
    };
    const accepted = torment(t, name, mutant, take);
    t.true(accepted > mutants / 20, 'too few got through for this to mean anything');
    t.true(accepted < mutants, 'nothing was refused');
  });
}

/** What the codecs above were given, each in the frame that it belongs in. */
const wholeFrames = [
  ...frames,
  ...segments.map((payload) => inFrame(ipProtocol.tcp, payload)),
  ...messages.map((message) => inFrame(ipProtocol.udp, inDatagram(68, 67, message))),
  ...tunnels.map((message) => inFrame(ipProtocol.udp, inDatagram(51820, 6180, message))),
];

function inDatagram(sourcePort: number, destinationPort: number, payload: Uint8Array): Uint8Array {
  return encodeUdp({ sourcePort, destinationPort, payload }, source, destination);
}

function inFrame(protocol: number, payload: Uint8Array): Uint8Array {
  const packet = encodeIpv4({
    tos: 0,
    identification: 1,
    dontFragment: false,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: 64,
    protocol,
    source,
    destination,
    options: [],
    payload,
  });
  const ends = { target: mac('02:00:00:00:00:01'), source: mac('02:00:00:00:00:02') };
  return encodeEthernet({ ...ends, type: etherType.ipv4, payload: packet });
}

test(`any frame is described in one line, ${mutants} mutants too`, (t) => {
  const said = new Set<string>();
  const mutant = (chance: Random, i: number): Uint8Array => {
    const bytes = mutate(wholeFrames, chance, 12);
    if (i % 2 === 1) mendIpv4(bytes.subarray(14));
    return bytes;
  };
  const accepted = torment(t, 'describe', mutant, (bytes) => {
    const line = describeFrame(bytes);
    for (const word of line.match(/\b(ARP|ICMP|TCP|DHCP|WireGuard|VXLAN)\b/g) ?? []) said.add(word);
    const all = line + describePacket(bytes.subarray(14));
    if (!/^[\x20-\x7e]+$/.test(all) || /undefined|NaN|\[object/.test(all)) return { wrong: all };
    return line.includes('malformed') ? 'refused' : 'accepted';
  });
  t.true(accepted > mutants / 10);
  t.is(said.size, 6, [...said].join());
});

test('what an error quotes may be cut or changed anywhere', (t) => {
  const mutant = (chance: Random): Uint8Array => mutate(packets, chance);
  const accepted = torment(t, 'quote', mutant, (bytes) => {
    const quoted = decodeQuotedIpv4(bytes);
    if (quoted instanceof Malformed) return refused(quoted, bytes);
    const end = quoted.payload.byteOffset + quoted.payload.length;
    return end > bytes.byteOffset + bytes.length ? { wrong: `up to ${end}` } : 'accepted';
  });
  t.true(accepted > mutants / 20);
});
