import test from 'ava';
import { concat, hex } from '../../src/base/bytes.ts';
import { sequence } from '../../src/base/sequence.ts';
import { ipv4, mac, unknownMac } from '../../src/wire/address.ts';
import { type Arp, encodeArp } from '../../src/wire/arp.ts';
import { describeFrame, describePacket } from '../../src/wire/describe.ts';
import {
  chaddrOf,
  type Dhcp,
  type DhcpOptions,
  encodeDhcp,
  listOptions,
} from '../../src/wire/dhcp.ts';
import { type Ethernet, encodeEthernet, etherType } from '../../src/wire/ethernet.ts';
import { encodeIcmp, type Icmp } from '../../src/wire/icmp.ts';
import { encodeIpv4, type Ipv4Packet } from '../../src/wire/ipv4.ts';
import { encodeTcp, type TcpSegment, tcpFlag } from '../../src/wire/tcp.ts';
import { encodeUdp } from '../../src/wire/udp.ts';
import { encodeVxlan, vniFlag } from '../../src/wire/vxlan.ts';

const { syn, ack, psh, fin, rst, urg } = tcpFlag;
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
const tcp = (more: Partial<TcpSegment>): Uint8Array =>
  encodeTcp(
    {
      sourcePort: 49152,
      destinationPort: 1433,
      sequence: sequence(0),
      acknowledgment: sequence(0),
      flags: 0,
      window: 64240,
      urgent: 0,
      options: [],
      payload: nothing,
      ...more,
    },
    source,
    destination,
  );
const dhcp = (op: Dhcp['op'], options: DhcpOptions, more: Partial<Dhcp> = {}): Uint8Array => {
  const none = ipv4('0.0.0.0');
  const message = encodeDhcp({
    op,
    htype: 1,
    hops: 0,
    xid: 7,
    secs: 0,
    broadcast: false,
    ciaddr: none,
    yiaddr: none,
    siaddr: none,
    giaddr: none,
    chaddr: chaddrOf(macs.source),
    sname: nothing,
    file: nothing,
    options: listOptions(options),
    ...more,
  });
  return ip(17, op === 'request' ? udp(68, 67, message) : udp(67, 68, message));
};
/** A WireGuard message from its front, which the whitepaper draws, and as many more bytes of 0xee. */
const tunnel = (front: string, more: number, ports: [number, number] = [51820, 6180]) =>
  ip(17, udp(...ports, concat(hex(front), new Uint8Array(more).fill(0xee))));
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
  [`${ips} GRE 20 bytes ttl 63`, ip(47, new Uint8Array(20))],
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
  // TCP
  [
    `${ips} TCP 49152 > 1433 SYN seq 0 win 64240 mss 1460 ttl 63`,
    ip(
      6,
      tcp({
        flags: syn,
        options: [
          { kind: 'mss', mss: 1460 },
          { kind: 'sack-permitted' },
          { kind: 'timestamps', value: 1, echo: 0 },
          { kind: 'nop' },
          { kind: 'window-scale', shift: 7 },
        ],
      }),
    ),
  ],
  [
    `${ips} TCP 49152 > 1433 SYN ACK seq 4294967295 ack 1 win 0 ttl 63`,
    ip(
      6,
      tcp({
        flags: syn | ack,
        sequence: sequence(0xffff_ffff),
        acknowledgment: sequence(1),
        window: 0,
      }),
    ),
  ],
  [
    `${ips} TCP 49152 > 1433 PSH ACK seq 1 ack 2 win 64240 5 bytes ttl 63`,
    ip(
      6,
      tcp({
        flags: psh | ack,
        sequence: sequence(1),
        acknowledgment: sequence(2),
        payload: hex('68656c6c6f'),
      }),
    ),
  ],
  [
    `${ips} TCP 49152 > 1433 ACK seq 0 ack 2 win 64240 sack 10-20 sack 30-40 option 30 ttl 63`,
    ip(
      6,
      tcp({
        flags: ack,
        acknowledgment: sequence(2),
        options: [
          {
            kind: 'sack',
            blocks: [
              { left: sequence(10), right: sequence(20) },
              { left: sequence(30), right: sequence(40) },
            ],
          },
          { kind: 'unknown', type: 30, data: nothing },
        ],
      }),
    ),
  ],
  [
    `${ips} TCP 49152 > 1433 FIN ACK URG seq 0 ack 0 win 64240 urgent 9 ttl 63`,
    ip(6, tcp({ flags: fin | ack | urg, urgent: 9 })),
  ],
  [
    `${ips} TCP 49152 > 1433 RST seq 0 win 64240 bad checksum ttl 63`,
    ip(6, tcp({ flags: rst }).with(17, 1)),
  ],
  [`${ips} TCP 49152 > 1433 no flags seq 0 win 64240 ttl 63`, ip(6, tcp({}))],
  [`${ips} malformed TCP: bad length at byte 12 ttl 63`, ip(6, new Uint8Array(20))],
  // DHCP
  [
    `${ips} UDP 68 > 67 DHCP DISCOVER from 02:00:00:00:00:11 ttl 63`,
    dhcp('request', { type: 'discover' }),
  ],
  [
    `${ips} UDP 67 > 68 DHCP OFFER 10.0.10.20 to 02:00:00:00:00:11 for 3600 s ttl 63`,
    dhcp('reply', { type: 'offer', leaseSeconds: 3600 }, { yiaddr: destination }),
  ],
  [
    `${ips} UDP 68 > 67 DHCP REQUEST 10.0.10.20 from 02:00:00:00:00:11 ttl 63`,
    dhcp('request', { type: 'request', requestedIp: destination }),
  ],
  [
    `${ips} UDP 68 > 67 DHCP REQUEST 10.0.10.11 from 02:00:00:00:00:11 ttl 63`,
    dhcp('request', { type: 'request' }, { ciaddr: source }),
  ],
  [
    `${ips} UDP 67 > 68 DHCP ACK 10.0.10.20 to 02:00:00:00:00:11 for ever through 10.0.10.11 ttl 63`,
    dhcp(
      'reply',
      { type: 'ack', leaseSeconds: 0xffff_ffff },
      { yiaddr: destination, giaddr: source },
    ),
  ],
  [
    `${ips} UDP 67 > 68 DHCP ACK 10.0.10.11 to 02:00:00:00:00:11 ttl 63`, // the answer to an INFORM
    dhcp('reply', { type: 'ack' }, { ciaddr: source }),
  ],
  [
    `${ips} UDP 67 > 68 DHCP NAK to hardware of type 32 ttl 63`,
    dhcp('reply', { type: 'nak', message: 'no\x1b[2J' }, { htype: 32, chaddr: nothing }),
  ],
  [
    `${ips} UDP 68 > 67 DHCP type 10 from 02:00:00:00:00:11 ttl 63`,
    dhcp('request', {}, { options: [{ code: 53, data: hex('0a') }] }),
  ],
  [`${ips} UDP 67 > 68 BOOTP reply to 02:00:00:00:00:11 ttl 63`, dhcp('reply', {})],
  [
    `${ips} UDP 68 > 67 malformed DHCP: truncated at byte 3 ttl 63`,
    ip(17, udp(68, 67, hex('010106'))),
  ],
  // ESP: RFC 4303 section 2; in UDP RFC 3948 section 2
  [
    `${ips} ESP SPI 0xa5f8 seq 10 100 bytes ttl 63`,
    ip(50, concat(hex('0000a5f8 0000000a 0000000000000001'), new Uint8Array(100))),
  ],
  [`${ips} malformed ESP: truncated at byte 35 ttl 63`, ip(50, new Uint8Array(35))],
  [
    `${ips} UDP 30001 > 4500 ESP SPI 0xa5f8 seq 10 20 bytes ttl 63`,
    ip(17, udp(30001, 4500, hex(`0000a5f8 0000000a 0000000000000001 ${'ee'.repeat(20)}`))),
  ],
  [`${ips} UDP 4500 > 30001 NAT keepalive ttl 63`, ip(17, udp(4500, 30001, hex('ff')))],
  [`${ips} UDP 4500 > 4500 IKE 32 bytes ttl 63`, ip(17, udp(4500, 4500, new Uint8Array(32)))],
  // WireGuard: front and length as in the whitepaper, sections 5.4.2 to 5.4.7
  [
    `${ips} UDP 51820 > 6180 WireGuard initiation, sender 0x1a2b ttl 63`,
    ip(17, udp(51820, 6180, hex(`01000000 2b1a0000 ${'ee'.repeat(124)} ${'00'.repeat(16)}`))),
  ],
  [
    `${ips} UDP 1295 > 50001 WireGuard initiation, sender 0xffffffff, with cookie ttl 63`,
    tunnel('01000000 ffffffff', 140, [1295, 50001]),
  ],
  [
    `${ips} UDP 1195 > 1197 WireGuard response, sender 0x1, receiver 0x1a2b ttl 63`,
    ip(
      17,
      udp(1195, 1197, hex(`02000000 01000000 2b1a0000 ${'ee'.repeat(64)} ${'00'.repeat(16)}`)),
    ),
  ],
  [
    `${ips} UDP 51820 > 6180 WireGuard cookie reply, receiver 0x1a2b ttl 63`,
    tunnel('03000000 2b1a0000', 56),
  ],
  [
    `${ips} UDP 51820 > 6180 WireGuard data, receiver 0x1a2b, counter 5, 96 bytes ttl 63`,
    tunnel('04000000 2b1a0000 05000000 00000000', 112),
  ],
  [
    `${ips} UDP 51820 > 6180 WireGuard data, receiver 0x0, counter 18446744073709551615, 1419 bytes ttl 63`,
    tunnel('04000000 00000000 ffffffff ffffffff', 1435),
  ],
  [
    `${ips} UDP 51820 > 6180 WireGuard keepalive, receiver 0x1a2b, counter 4294967296 ttl 63`,
    tunnel('04000000 2b1a0000 00000000 01000000', 16),
  ],
  [`${ips} UDP 51820 > 6180 33 bytes ttl 63`, tunnel('04000000', 29)],
  [`${ips} UDP 51820 > 6180 147 bytes ttl 63`, tunnel('01000000', 143)],
  [`${ips} UDP 51820 > 6180 32 bytes ttl 63`, tunnel('04000001', 28)],
  [`${ips} UDP 51820 > 6180 48 bytes ttl 63`, tunnel('05000000', 44)],
  [
    `${ips} UDP 51820 > 6180 WireGuard keepalive, receiver 0xeeeeeeee, counter 17216961135462248174 bad checksum ttl 63`,
    ip(17, udp(51820, 6180, concat(hex('04000000'), new Uint8Array(28).fill(0xee))).with(6, 1)),
  ],
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
    `${ips} UDP 4789 > 50000 VXLAN 42 [ARP who has 10.0.10.20? tell 10.0.10.11] ttl 63`,
    ip(17, udp(4789, 50000, encodeVxlan({ flags: vniFlag, vni: 42, payload: asks }))),
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
