/**
 * The codecs against captures and kernel measurements that nobody on this project made. Each frame
 * is followed from Ethernet down; what tcpdump and the names of the files say of checksums is what
 * the codecs must say.
 */
import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import { concat, equalBytes, hex, showHex, view } from '../../src/base/bytes.ts';
import { decodeArp, encodeArp } from '../../src/wire/arp.ts';
import { readCapture as readCaptureFile } from '../../src/wire/capture-file.ts';
import { describeFrame } from '../../src/wire/describe.ts';
import { type Dhcp, decodeDhcp, encodeDhcp } from '../../src/wire/dhcp.ts';
import { decodeEthernet, encodeEthernet, etherType } from '../../src/wire/ethernet.ts';
import { decodeIcmp, encodeIcmp } from '../../src/wire/icmp.ts';
import {
  decodeIpv4,
  decodeQuotedIpv4,
  encodeIpv4,
  type Ipv4Packet,
  ipProtocol,
} from '../../src/wire/ipv4.ts';
import { Malformed } from '../../src/wire/malformed.ts';
import { linkType as linkTypes } from '../../src/wire/pcapng/format.ts';
import { decodeTcp, encodeTcp } from '../../src/wire/tcp.ts';
import { decodeUdp, encodeUdp, type Udp } from '../../src/wire/udp.ts';
import { decodeVxlan, encodeVxlan, vxlanPort } from '../../src/wire/vxlan.ts';
import { decodeWireguard, encodeWireguard } from '../../src/wire/wireguard.ts';
import {
  corpusCaptures,
  hasCorpus,
  readCapture,
  readCorpus,
  readExpected,
} from '../support/captures.ts';

/** A frame followed down to where a codec ends: the protocols on the way, or what stopped it. */
interface Followed {
  readonly path: readonly string[];
  readonly wrong?: Malformed;
  /** The same frame, written anew by every codec on the way, without padding. */
  readonly again?: Uint8Array;
}

function followFrame(bytes: Uint8Array): Followed {
  const frame = decodeEthernet(bytes);
  if (frame instanceof Malformed) return { path: [], wrong: frame };
  const below =
    frame.type === etherType.arp
      ? followLast('arp', decodeArp(frame.payload), encodeArp)
      : frame.type === etherType.ipv4
        ? followPacket(frame.payload)
        : { path: [], again: frame.payload };
  return wrap('ethernet', below, (payload) => encodeEthernet({ ...frame, payload }));
}

function followPacket(bytes: Uint8Array): Followed {
  const packet = decodeIpv4(bytes);
  if (packet instanceof Malformed) return { path: [], wrong: packet };
  return wrap('ipv4', followPayload(packet), (payload) => encodeIpv4({ ...packet, payload }));
}

function followPayload(packet: Ipv4Packet): Followed {
  const { source, destination, payload } = packet;
  if (packet.moreFragments || packet.fragmentOffset > 0) return { path: [], again: payload };
  if (packet.protocol === ipProtocol.icmp)
    return followLast('icmp', decodeIcmp(payload), encodeIcmp);
  if (packet.protocol === ipProtocol.tcp)
    return followLast('tcp', decodeTcp(payload, source, destination), (segment) =>
      encodeTcp(segment, source, destination),
    );
  if (packet.protocol !== ipProtocol.udp) return { path: [], again: payload };
  const udp = decodeUdp(payload, source, destination);
  if (udp instanceof Malformed) return { path: [], wrong: udp };
  return wrap('udp', followDatagram(udp), (inner) =>
    encodeUdp({ ...udp, payload: inner }, source, destination),
  );
}

function followDatagram({ sourcePort, destinationPort, payload }: Udp): Followed {
  if (destinationPort === vxlanPort) return followVxlan(payload);
  if ([sourcePort, destinationPort].some((port) => port === 67 || port === 68))
    return followLast('dhcp', decodeDhcp(payload), (message) => sameIfMeant(message, payload));
  const message = decodeWireguard(payload); // has no port of its own
  if (message instanceof Malformed) return { path: [], again: payload };
  return followLast('wireguard', message, encodeWireguard);
}

/** DHCP may be written longer or shorter than it came, but must not mean anything else. */
function sameIfMeant(message: Dhcp, original: Uint8Array): Uint8Array {
  const written = encodeDhcp(message);
  return isDeepStrictEqual(decodeDhcp(written), message) ? original : written;
}

function followVxlan(bytes: Uint8Array): Followed {
  const vxlan = decodeVxlan(bytes);
  if (vxlan instanceof Malformed) return { path: [], wrong: vxlan };
  return wrap('vxlan', followFrame(vxlan.payload), (payload) => encodeVxlan({ ...vxlan, payload }));
}

function followLast<Value>(
  name: string,
  decoded: Value | Malformed,
  encode: (value: Value) => Uint8Array,
): Followed {
  if (decoded instanceof Malformed) return { path: [], wrong: decoded };
  return { path: [name], again: encode(decoded) };
}

function wrap(name: string, below: Followed, encode: (inner: Uint8Array) => Uint8Array): Followed {
  const path = [name, ...below.path];
  if (below.wrong !== undefined) return { path, wrong: below.wrong };
  return { path, again: encode(below.again!) };
}

/** Equal but for what follows the end of the shorter one: Ethernet padding, or a trailer. */
const equalButPadding = (whole: Uint8Array, again: Uint8Array): boolean =>
  equalBytes(whole.subarray(0, again.length), again);

/** DLT_RAW, LINKTYPE_RAW and LINKTYPE_IPV4: packets without a frame. All else is taken for Ethernet. */
const packetLinks = [12, 101, 228];
const follow = (linkType: number, bytes: Uint8Array): Followed =>
  packetLinks.includes(linkType) ? followPacket(bytes) : followFrame(bytes);

const sortedCounts = (counts: ReadonlyMap<string, number>): string[] =>
  [...counts].sort(([, a], [, b]) => b - a).map(([end, count]) => `${count} ${end}`);

test('every frame of every capture gives a value or a reason, and a value encodes to the same bytes', (t) => {
  if (!hasCorpus(t)) return;
  const files = corpusCaptures();
  const counts = new Map<string, number>();
  for (const file of files) {
    for (const { bytes, linkType, number } of readCapture(file)) {
      const { path, wrong, again } = follow(linkType, bytes);
      const line = describeFrame(bytes);
      t.regex(line, /^[\x20-\x7e]+$/, `${file} frame ${number}`);
      if (again !== undefined)
        t.true(equalButPadding(bytes, again), `${file} frame ${number}: ${showHex(again)}`);
      if (linkType !== linkTypes.ethernet) continue;
      const end = wrong === undefined ? path.join('/') : `${wrong.protocol} ${wrong.reason}`;
      counts.set(end, (counts.get(end) ?? 0) + 1);
    }
  }
  for (const line of sortedCounts(counts)) t.log(line);
  t.true(files.length > 150, `${files.length} captures`);
  for (const end of ['tcp', 'udp/dhcp', 'udp/wireguard', 'udp/vxlan/ethernet/ipv4/icmp'])
    t.true(counts.has(`ethernet/ipv4/${end}`), end);
});

const decoders: Record<string, (bytes: Uint8Array) => unknown> = {
  ethernet: decodeEthernet,
  arp: decodeArp,
  ipv4: decodeIpv4,
  'quoted ipv4': decodeQuotedIpv4,
  icmp: decodeIcmp,
  udp: decodeUdp,
  tcp: decodeTcp,
  dhcp: decodeDhcp,
  wireguard: decodeWireguard,
  vxlan: decodeVxlan,
};

test('every codec takes every frame, whatever protocol it holds, from each of its first bytes', (t) => {
  if (!hasCorpus(t)) return;
  const accepted = new Map<string, number>();
  let frames = 0;
  for (const file of corpusCaptures()) {
    for (const { bytes, number } of readCapture(file)) {
      frames += 1;
      for (const start of [0, 14, 18, 34, 42, 50]) {
        const part = bytes.subarray(start);
        for (const [name, decode] of Object.entries(decoders)) {
          const decoded = decode(part);
          if (!(decoded instanceof Malformed)) accepted.set(name, (accepted.get(name) ?? 0) + 1);
          else if (decoded.offset < 0 || decoded.offset > part.length)
            t.fail(`${file} frame ${number} from ${start}: ${name} blames byte ${decoded.offset}`);
        }
      }
    }
  }
  t.log(`${frames} frames; accepted as ${sortedCounts(accepted).join(', ')}`);
  t.true(frames > 1400, `${frames} frames`);
});

test('a capture is read to its end; only the three that libpcap’s authors broke end with an error', (t) => {
  if (!hasCorpus(t)) return;
  const files = corpusCaptures();
  const broken: string[] = [];
  for (const file of files) {
    const bytes = readCorpus(file);
    const { error, packets } = readCaptureFile(bytes);
    for (const packet of packets) t.true(packet.offset + packet.bytes.length <= bytes.length, file);
    if (error === undefined) continue;
    t.true(error.offset >= 0 && error.offset <= bytes.length, `${file}: byte ${error.offset}`);
    broken.push(`${file} at byte ${error.offset}`);
  }
  t.log(`${files.length} captures`);
  t.deepEqual(broken, [
    'pcap-format/linktype-reserved-field-not-zero.pcap at byte 20',
    'pcap-format/pcap-invalid-version-1.pcap at byte 4',
    'pcap-format/pcapng-invalid-vers-1.pcapng at byte 12',
  ]);
});

test('nothing but WireGuard is taken for WireGuard, on whatever port', (t) => {
  if (!hasCorpus(t)) return;
  const taken = new Map<string, number>();
  for (const file of corpusCaptures())
    for (const { bytes } of readCapture(file))
      if (describeFrame(bytes).includes('WireGuard')) taken.set(file, (taken.get(file) ?? 0) + 1);
  t.deepEqual(Object.fromEntries(taken), {
    'kernel-golden/wg-go-session.pcap': 13,
    'wireguard/WireGuard.pcap': 4,
  });
});

test('captures hold as many frames as tcpdump finds', (t) => {
  if (!hasCorpus(t)) return;
  for (const { file, packets, readable } of readExpected())
    if (readable) t.is(readCapture(file).length, packets, file);
});

/**
 * Where tcpdump counts differently, each looked at by hand (and with tshark 4.0.17, which agrees
 * with our count of outermost headers in all but the second).
 */
const countedDifferently: Record<string, { readonly ours: number; readonly because: string }> = {
  'protocols/tcpdump/icmp-rfc8335-missing-bytes.pcap': {
    ours: 0,
    because: 'the header with the bad checksum is inside MACsec (0x88e5), which tcpdump opens',
  },
  'protocols/tcpdump/ipv4_invalid_total_length_2.pcap': {
    ours: 1,
    because:
      'the checksum is wrong and the total length, 19, too: we look at the checksum first (RFC 1812 section 5.2.2), tcpdump at the length',
  },
  'protocols/tcpdump/ipv4_tcp_http_xml_tso.pcap': {
    ours: 1,
    because:
      'checksum and total length are 0: tcpdump takes that for segmentation offload and says nothing',
  },
  'protocols/zeek/mpls-in-vlan.pcap': {
    ours: 1,
    because: 'two of the three headers are inside MPLS (0x8847), which tcpdump opens',
  },
};

test('IP-1: as many frames have a bad header checksum as tcpdump says, but in four files', (t) => {
  if (!hasCorpus(t)) return;
  let files = 0;
  for (const { file, linkType, badIpChecksums, readable } of readExpected()) {
    if (!readable || linkType !== 'EN10MB') continue;
    const bad = readCapture(file).filter(({ bytes }) => {
      const frame = decodeEthernet(bytes);
      if (frame instanceof Malformed || frame.type !== etherType.ipv4) return false;
      const packet = decodeIpv4(frame.payload);
      return packet instanceof Malformed && packet.reason === 'bad-checksum';
    });
    const exception = countedDifferently[file];
    t.is(bad.length, exception?.ours ?? badIpChecksums, file);
    t.not(exception?.ours, badIpChecksums, `${file} needs no exception`);
    files += 1;
  }
  t.log(`${files} captures, ${Object.keys(countedDifferently).length} excepted`);
  t.true(files > 150);
});

const geneve = 'what is inside Geneve is wrong too: tcpdump opens it, we do not';
/** As above: tshark 4.0.17 agrees with us on what is outside, and with tcpdump on what is inside. */
const payloadsCountedDifferently: Record<string, { ours: number; because: string }> = {
  'protocols/tcpdump/cve-2014-8767-OLSR.pcap': {
    ours: 0,
    because: 'the datagram says 514 bytes where there are 41: we do not sum what is not there',
  },
  'protocols/tcpdump/gso-ipv4-vxlan-ipv4.pcap': {
    ours: 1,
    because: 'the datagram and the segment inside it are both wrong: we stop at the first',
  },
  'protocols/zeek/geneve-inner-tcp-bad-checksum.pcap': { ours: 0, because: geneve },
  'protocols/zeek/geneve-many-options.pcap': { ours: 10, because: geneve },
  'protocols/zeek/geneve-tagged-udp-packet.pcap': { ours: 4, because: geneve },
  'protocols/zeek/ip4-icmp-bad-chksum.pcap': {
    ours: 1,
    because: 'the table leaves out ICMP here; the file was made for it to be wrong',
  },
  'protocols/zeek/mpls-in-vlan.pcap': {
    ours: 1,
    because: 'two of the three segments are inside MPLS (0x8847), which tcpdump opens',
  },
};

/** Of TCP, UDP or ICMP. A wrong header checksum does not keep tcpdump from looking, so it must not us. */
function hasBadPayload(linkType: number, bytes: Uint8Array): boolean {
  const { wrong } = follow(linkType, bytes);
  if (wrong?.reason !== 'bad-checksum') return false;
  if (wrong.protocol !== 'ipv4') return true;
  const frame = decodeEthernet(bytes);
  if (frame instanceof Malformed) return false;
  const packet = decodeQuotedIpv4(frame.payload);
  if (packet instanceof Malformed) return false;
  const isWhole = view(frame.payload).getUint16(2) <= frame.payload.length;
  return isWhole && followPayload(packet).wrong?.reason === 'bad-checksum';
}

test('IP-1, UDP-1: as many payloads have a bad checksum as tcpdump says, but in seven files', (t) => {
  if (!hasCorpus(t)) return;
  // The headers of PPP, SLIP, loopback, 802.11 and so on are nothing to us.
  const comparable = readExpected().filter(
    ({ readable, linkType }) => readable && ['EN10MB', 'RAW', 'IPV4'].includes(linkType),
  );
  let sum = 0;
  for (const { file, badPayloadChecksums } of comparable) {
    const bad = readCapture(file).filter(({ linkType, bytes }) => hasBadPayload(linkType, bytes));
    const exception = payloadsCountedDifferently[file];
    t.is(bad.length, exception?.ours ?? badPayloadChecksums, file);
    t.not(exception?.ours, badPayloadChecksums, `${file} needs no exception`);
    sum += bad.length;
  }
  const excepted = Object.keys(payloadsCountedDifferently).length;
  t.log(`${comparable.length} captures with ${sum} bad checksums, ${excepted} excepted`);
  t.true(comparable.length > 150 && sum > 50);
});

const nothingWrong = 'right';
const verdicts: Record<string, string> = {
  'ip4-bad-chksum': 'ipv4 bad-checksum',
  'ip4-udp-good-chksum': nothingWrong,
  'ip4-udp-bad-chksum': 'udp bad-checksum',
  'ip4-icmp-good-chksum': nothingWrong,
  'ip4-icmp-bad-chksum': 'icmp bad-checksum',
};
for (const [name, verdict] of Object.entries(verdicts)) {
  test(`the checksum in zeek’s ${name} is ${verdict === nothingWrong ? 'right' : 'wrong'}`, (t) => {
    if (!hasCorpus(t)) return;
    const captured = readCapture(`protocols/zeek/${name}.pcap`);
    t.true(captured.length > 0);
    for (const { bytes } of captured) {
      const { wrong } = followFrame(bytes);
      t.is(wrong ? `${wrong.protocol} ${wrong.reason}` : nothingWrong, verdict);
    }
  });
}

/** Captured where they were sent: the network card was to write the checksum. Summed by hand too. */
const leftToTheCard = 'tcp bad-checksum';

test('smoltcp’s seeds are what their names say, and encode to the same bytes', (t) => {
  if (!hasCorpus(t)) return;
  for (const [name, path] of Object.entries({
    arp: 'ethernet/arp',
    icmpv4_reply: 'ethernet/ipv4/icmp',
    icmpv4_request: 'ethernet/ipv4/icmp',
    icmpv4_unreachable: 'ethernet/ipv4/icmp',
    icmpv6_nbr_solicitation: 'ethernet',
    tcpv4_data: leftToTheCard,
    tcpv4_fin: leftToTheCard,
    tcpv4_rst: 'ethernet/ipv4/tcp',
    tcpv4_syn: leftToTheCard,
    udpv4: 'ethernet/ipv4/udp',
  })) {
    const bytes = readCorpus(`protocols/smoltcp-seeds/${name}.bin`);
    const { path: found, wrong, again } = followFrame(bytes);
    t.is(wrong ? `${wrong.protocol} ${wrong.reason}` : found.join('/'), path, name);
    if (wrong === undefined) t.true(again && equalButPadding(bytes, again), name);
  }
});

interface GoldenCase {
  readonly case: string;
  readonly frame?: string;
  readonly [answers: string]: unknown;
}

/** The frames that Linux sent in one case: as hex, or under `frame` of an object. */
function framesFromLinux(golden: GoldenCase): string[] {
  const keys = ['replies', 'replies_on_a0', 'forwarded_on_b0', 'reply_frame'];
  return keys
    .flatMap((key) => (golden[key] ?? []) as (string | { frame?: string })[])
    .map((answer) => (typeof answer === 'string' ? answer : answer.frame))
    .filter((frame) => frame !== undefined);
}

/**
 * Whether this is a UDP datagram of which only the pseudo header has been summed: veth hands it
 * over so, because a network card would do the rest. The field is then the sum, not inverted.
 * Addresses and lengths here are small enough to add up without a carry.
 */
function isLeftToOffload(frame: Uint8Array): boolean {
  const words = (from: number, to: number): number =>
    frame.subarray(from, to).reduce((sum, byte, i) => sum + (i % 2 ? byte : byte * 256), 0);
  const isUdp = frame[14] === 0x45 && frame[23] === ipProtocol.udp;
  const pseudoHeaderSum = words(26, 34) + ipProtocol.udp + words(38, 40);
  return isUdp && words(40, 42) === pseudoHeaderSum;
}

/** Injected with a checksum that was wrong, which no router looks at. */
const forwardedAsItCame = [
  'redirect: known same side 10.1.0.78', // a checksum for another destination
  'tcp syn closed', // no checksum at all
];

test('every frame that Linux sent is right to our codecs, and encodes to the same bytes', (t) => {
  let count = 0;
  for (const file of ['arp_host', 'arp_proxy', 'reassembly', 'router_icmp', 'vxlan']) {
    const json = new TextDecoder().decode(readCorpus(`kernel-golden/${file}.json`));
    for (const golden of (JSON.parse(json) as { cases: GoldenCase[] }).cases) {
      for (const frame of framesFromLinux(golden)) {
        const title = `${file} "${golden.case}" ${frame}`;
        const { again, wrong } = followFrame(hex(frame));
        count += 1;
        if (file === 'vxlan' && wrong !== undefined) {
          t.true(isLeftToOffload(hex(frame)), title);
        } else if (forwardedAsItCame.includes(golden.case) && wrong !== undefined) {
          t.is(wrong.reason, 'bad-checksum', title);
          t.deepEqual(wrong, followFrame(hex(golden.frame!)).wrong, title);
        } else {
          t.is(wrong, undefined, title);
          t.true(again && equalBytes(hex(frame), again), title);
        }
      }
    }
  }
  t.log(`${count} frames`);
  t.true(count > 50);
});

test('a padded frame is followed to the end of its packet', (t) => {
  // kernel-golden, router_icmp, warm ping
  const ping = hex(
    '0200000000e002000000000a08004500001c00010000400166d00a0100090a0200050800f7fd00010001',
  );
  t.deepEqual(followFrame(concat(ping, new Uint8Array(18))).again, ping);
});
