/**
 * The codecs against captures and kernel measurements that nobody on this project made. Each frame
 * is followed from Ethernet down; what tcpdump and the names of the files say of checksums is what
 * the codecs must say.
 */
import test from 'ava';
import { concat, equalBytes, hex, showHex } from '../../src/base/bytes.ts';
import { decodeArp, encodeArp } from '../../src/wire/arp.ts';
import { describeFrame } from '../../src/wire/describe.ts';
import { decodeEthernet, encodeEthernet, etherType } from '../../src/wire/ethernet.ts';
import { decodeIcmp, encodeIcmp } from '../../src/wire/icmp.ts';
import { decodeIpv4, encodeIpv4, type Ipv4Packet, ipProtocol } from '../../src/wire/ipv4.ts';
import { Malformed } from '../../src/wire/malformed.ts';
import { decodeUdp, encodeUdp } from '../../src/wire/udp.ts';
import { decodeVxlan, encodeVxlan, vxlanPort } from '../../src/wire/vxlan.ts';
import {
  ethernetLink,
  hasCorpus,
  listCorpus,
  readCapture,
  readCorpus,
  readExpected,
} from './captures.ts';

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
  if (packet.protocol !== ipProtocol.udp) return { path: [], again: payload };
  const udp = decodeUdp(payload, source, destination);
  if (udp instanceof Malformed) return { path: [], wrong: udp };
  const below =
    udp.destinationPort === vxlanPort ? followVxlan(udp.payload) : { path: [], again: udp.payload };
  return wrap('udp', below, (inner) => encodeUdp({ ...udp, payload: inner }, source, destination));
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

const captures = (folder: string): string[] =>
  listCorpus(folder).filter((file) => /\.pcap(ng)?$/.test(file));

test('every frame of every capture gives a value or a reason, and a value encodes to the same bytes', (t) => {
  if (!hasCorpus(t)) return;
  const files = ['protocols', 'wireguard', 'kernel-golden', 'pcap-format'].flatMap(captures);
  const counts = new Map<string, number>();
  for (const file of files) {
    readCapture(readCorpus(file)).forEach(({ bytes, linkType }, i) => {
      const follow = packetLinks.includes(linkType) ? followPacket : followFrame;
      const { path, wrong, again } = follow(bytes);
      const line = describeFrame(bytes);
      t.regex(line, /^[\x20-\x7e]+$/, `${file} frame ${i + 1}`);
      if (again !== undefined)
        t.true(equalButPadding(bytes, again), `${file} frame ${i + 1}: ${showHex(again)}`);
      if (linkType !== ethernetLink) return;
      const end = wrong === undefined ? path.join('/') : `${wrong.protocol} ${wrong.reason}`;
      counts.set(end, (counts.get(end) ?? 0) + 1);
    });
  }
  for (const [end, count] of [...counts].sort(([, a], [, b]) => b - a)) t.log(`${count} ${end}`);
  t.true(files.length > 150, `${files.length} captures`);
});

test('captures hold as many frames as tcpdump finds', (t) => {
  if (!hasCorpus(t)) return;
  for (const { file, packets, readable } of readExpected())
    if (readable) t.is(readCapture(readCorpus(file)).length, packets, file);
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
    const bad = readCapture(readCorpus(file)).filter(({ bytes }) => {
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
    const captured = readCapture(readCorpus(`protocols/zeek/${name}.pcap`));
    t.true(captured.length > 0);
    for (const { bytes } of captured) {
      const { wrong } = followFrame(bytes);
      t.is(wrong ? `${wrong.protocol} ${wrong.reason}` : nothingWrong, verdict);
    }
  });
}

test('smoltcp’s seeds are what their names say, and encode to the same bytes', (t) => {
  if (!hasCorpus(t)) return;
  for (const [name, path] of Object.entries({
    arp: 'ethernet/arp',
    icmpv4_reply: 'ethernet/ipv4/icmp',
    icmpv4_request: 'ethernet/ipv4/icmp',
    icmpv4_unreachable: 'ethernet/ipv4/icmp',
    icmpv6_nbr_solicitation: 'ethernet',
    tcpv4_data: 'ethernet/ipv4',
    tcpv4_fin: 'ethernet/ipv4',
    tcpv4_rst: 'ethernet/ipv4',
    tcpv4_syn: 'ethernet/ipv4',
    udpv4: 'ethernet/ipv4/udp',
  })) {
    const bytes = readCorpus(`protocols/smoltcp-seeds/${name}.bin`);
    const followed = followFrame(bytes);
    t.is(followed.path.join('/'), path, name);
    t.true(followed.again && equalButPadding(bytes, followed.again), name);
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

test('every frame that Linux sent is right to our codecs, and encodes to the same bytes', (t) => {
  if (!hasCorpus(t)) return;
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
        } else if (golden.case === 'redirect: known same side 10.1.0.78' && wrong !== undefined) {
          // Forwarded as it came: the injected datagram had a checksum for another destination.
          t.deepEqual(wrong, new Malformed('udp', 'bad-checksum', 6));
          t.deepEqual(wrong, followFrame(hex(golden.frame!)).wrong);
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
  const ping = hex(
    '0200000000e002000000000a08004500001c00010000400166d00a0100090a0200050800f7fd00010001',
  );
  t.deepEqual(followFrame(concat(ping, new Uint8Array(18))).again, ping);
});
