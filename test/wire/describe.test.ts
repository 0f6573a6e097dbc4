import test from 'ava';
import { hex } from '../../src/base/bytes.ts';
import { ipv4, mac, unknownMac } from '../../src/wire/address.ts';
import { type Arp, encodeArp } from '../../src/wire/arp.ts';
import { describeFrame, describePacket } from '../../src/wire/describe.ts';
import { type Ethernet, encodeEthernet, etherType } from '../../src/wire/ethernet.ts';
import { encodeIcmp, type Icmp } from '../../src/wire/icmp.ts';
import { encodeIpv4, type Ipv4Packet } from '../../src/wire/ipv4.ts';
import { encodeUdp } from '../../src/wire/udp.ts';
import { encodeVxlan, vniFlag } from '../../src/wire/vxlan.ts';

const nothing: Uint8Array = new Uint8Array(0);
const source = ipv4('10.0.10.11');
const destination = ipv4('10.0.10.20');
const macs = { target: mac('02:00:00:00:00:20'), source: mac('02:00:00:00:00:11') };

const frame = (type: number, payload: Uint8Array, more: Partial<Ethernet> = {}): Uint8Array =>
  encodeEthernet({ ...macs, type, payload, ...more });
const packet = (protocol: number, payload: Uint8Array, more: Partial<Ipv4Packet> = {}) =>
  encodeIpv4({
    tos: 0,
    identification: 101,
    dontFragment: false,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: 63,
    protocol,
    source,
    destination,
    options: [],
    payload,
    ...more,
  });
const ip = (protocol: number, payload: Uint8Array, more: Partial<Ipv4Packet> = {}): Uint8Array =>
  frame(etherType.ipv4, packet(protocol, payload, more));
const icmp = (message: Icmp): Uint8Array => ip(1, encodeIcmp(message));
const udp = (
  sourcePort: number,
  destinationPort: number,
  payload: Uint8Array = nothing,
): Uint8Array => encodeUdp({ sourcePort, destinationPort, payload }, source, destination);
const vxlan = (payload: Uint8Array, flags = vniFlag, reserved = 0): Uint8Array =>
  udp(50000, 4789, encodeVxlan({ flags, vni: 42, reserved, payload }));
const arp = (more: Partial<Arp> = {}): Uint8Array =>
  encodeArp({
    operation: 'request',
    senderMac: macs.source,
    senderIp: source,
    targetMac: unknownMac,
    targetIp: destination,
    ...more,
  });
const asks = frame(etherType.arp, arp());
const echo: Icmp = { kind: 'echo-request', code: 0, identifier: 1, sequence: 3, data: nothing };
const quote = packet(17, udp(1111, 9999, hex('68656c6c6f')));
const ends = '02:00:00:00:00:11 > 02:00:00:00:00:20';
const ips = '10.0.10.11 > 10.0.10.20';

const lines: [line: string, frame: Uint8Array][] = [
  // ARP
  ['ARP who has 10.0.10.20? tell 10.0.10.11', asks],
  ['ARP 10.0.10.11 is at 02:00:00:00:00:11', frame(etherType.arp, arp({ operation: 'reply' }))],
  [
    'ARP announcement 10.0.10.11 is at 02:00:00:00:00:11',
    frame(etherType.arp, arp({ targetIp: source })),
  ],
  [
    'ARP probe who has 10.0.10.20? tell 02:00:00:00:00:11',
    frame(etherType.arp, arp({ senderIp: ipv4('0.0.0.0') })),
  ],
  [`${ends} malformed ARP: truncated at byte 20`, asks.subarray(0, 34)],
  [`${ends} malformed ARP: unsupported at byte 4`, asks.with(18, 7)],
  // Ethernet
  ['malformed Ethernet: truncated at byte 13', asks.subarray(0, 13)],
  [`${ends} type 0x88b5 46 bytes`, frame(0x88b5, new Uint8Array(46))],
  [`${ends} type 0x0600 1 byte`, frame(0x0600, new Uint8Array(1))],
  [`${ends} 802.3 39 bytes`, frame(39, new Uint8Array(39))],
  [`${ends} IPv6 40 bytes`, frame(etherType.ipv6, new Uint8Array(40))],
  [
    'vlan 10 ARP who has 10.0.10.20? tell 10.0.10.11',
    frame(etherType.arp, arp(), { tag: { priority: 0, dropEligible: false, vlan: 10 } }),
  ],
  [
    `vlan 0 priority 5 drop-eligible ${ends} LLDP 2 bytes`,
    frame(0x88cc, new Uint8Array(2), { tag: { priority: 5, dropEligible: true, vlan: 0 } }),
  ],
  // IPv4
  [`${ips} TCP 20 bytes ttl 63`, ip(6, new Uint8Array(20))],
  [`${ips} protocol 253 1 byte ttl 0`, ip(253, new Uint8Array(1), { ttl: 0 })],
  [
    `${ips} ICMP fragment of id 101 bytes 0-7 more follow ttl 63`,
    ip(1, new Uint8Array(8), { moreFragments: true }),
  ],
  [
    `${ips} UDP fragment of id 101 bytes 1480-1483 last ttl 63`,
    ip(17, new Uint8Array(4), { fragmentOffset: 1480 }),
  ],
  [
    `${ips} ICMP fragment of id 101 no bytes more follow ttl 63`,
    ip(1, nothing, { moreFragments: true }),
  ],
  [
    `${ips} ICMP echo request id 1 seq 3 with record route, option 30 ttl 63`,
    ip(1, encodeIcmp(echo), {
      options: [
        { type: 7, data: hex('04 00000000') },
        { type: 1, data: nothing },
        { type: 30, data: nothing },
      ],
    }),
  ],
  [`${ends} malformed IPv4: bad checksum at byte 10`, ip(6, nothing).with(22, 9)],
  [`${ends} malformed IPv4: unsupported at byte 0`, ip(6, nothing).with(14, 0x65)],
  // ICMP
  [`${ips} ICMP echo request id 1 seq 3 ttl 63`, icmp(echo)],
  [`${ips} ICMP echo reply id 1 seq 3 ttl 63`, icmp({ ...echo, kind: 'echo-reply' })],
  [
    `${ips} ICMP port unreachable about ${ips} UDP 1111 > 9999 ttl 63`,
    icmp({ kind: 'unreachable', code: 3, mtu: 0, quote: quote.subarray(0, 28) }),
  ],
  [
    `${ips} ICMP fragmentation needed mtu 1400 about ${ips} UDP ttl 63`,
    icmp({ kind: 'unreachable', code: 4, mtu: 1400, quote: quote.subarray(0, 20) }),
  ],
  [
    `${ips} ICMP unreachable code 99 ttl 63`,
    icmp({ kind: 'unreachable', code: 99, mtu: 0, quote: nothing }),
  ],
  [
    `${ips} ICMP prohibited ttl 63`,
    icmp({ kind: 'unreachable', code: 13, mtu: 0, quote: nothing }),
  ],
  [
    `${ips} ICMP time to live exceeded about an unreadable packet ttl 63`,
    icmp({ kind: 'time-exceeded', code: 0, quote: hex('45') }),
  ],
  [
    `${ips} ICMP reassembly time exceeded ttl 63`,
    icmp({ kind: 'time-exceeded', code: 1, quote: nothing }),
  ],
  [
    `${ips} ICMP redirect to 192.0.2.1 ttl 63`,
    icmp({ kind: 'redirect', code: 1, gateway: ipv4('192.0.2.1'), quote: nothing }),
  ],
  [
    `${ips} ICMP parameter problem at byte 21 ttl 63`,
    icmp({ kind: 'parameter-problem', code: 0, pointer: 21, quote: nothing }),
  ],
  [
    `${ips} ICMP timestamp request ttl 63`,
    icmp({ kind: 'other', type: 13, code: 0, word: 0, body: nothing }),
  ],
  [
    `${ips} ICMP type 42 code 1 ttl 63`,
    icmp({ kind: 'other', type: 42, code: 1, word: 0, body: nothing }),
  ],
  [`${ips} malformed ICMP: bad checksum at byte 2 ttl 63`, ip(1, new Uint8Array(8))],
  [`${ips} malformed ICMP: truncated at byte 7 ttl 63`, ip(1, new Uint8Array(7))],
  // UDP and VXLAN
  [`${ips} UDP 5000 > 53 3 bytes ttl 63`, ip(17, udp(5000, 53, hex('010203')))],
  [
    `${ips} UDP 5000 > 53 3 bytes bad checksum ttl 63`,
    ip(17, udp(5000, 53, hex('010203')).with(9, 0)),
  ],
  [`${ips} malformed UDP: bad length at byte 4 ttl 63`, ip(17, udp(1, 2).with(5, 7))],
  [
    `${ips} UDP 50000 > 4789 VXLAN 42 [ARP who has 10.0.10.20? tell 10.0.10.11] ttl 63`,
    ip(17, vxlan(asks)),
  ],
  [
    `${ips} UDP 50000 > 4789 VXLAN without a VNI with reserved bits [malformed Ethernet: truncated at byte 0] ttl 63`,
    ip(17, vxlan(nothing, 0, 0x55)),
  ],
  [
    `${ips} UDP 50000 > 4789 malformed VXLAN: truncated at byte 2 ttl 63`,
    ip(17, udp(50000, 4789, hex('0800'))),
  ],
];
for (const [line, bytes] of lines) test(line, (t) => t.is(describeFrame(bytes), line));

test('frames in frames are followed four deep', (t) => {
  let bytes: Uint8Array = asks;
  for (let i = 0; i < 6; i += 1) bytes = ip(17, vxlan(bytes));
  const line = describeFrame(bytes);
  t.is(line.split('VXLAN 42').length - 1, 5);
  t.true(line.includes('[92 bytes]'), line);
});

test('a bare packet is described as one in a frame is', (t) => {
  t.is(describePacket(packet(1, encodeIcmp(echo))), `${ips} ICMP echo request id 1 seq 3 ttl 63`);
  t.is(describePacket(nothing), 'malformed IPv4: truncated at byte 0');
});
