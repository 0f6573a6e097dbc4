/**
 * Any frame in one line, as a person would say it: for logs, reports and the viewer. Never throws,
 * whatever the bytes; the line has no line break and nothing in it comes from the frame as text.
 *
 * A protocol is added by one line in one of three tables: by Ethernet type, by IP protocol, or by
 * UDP port. WireGuard alone is told by its shape: it has no port of its own, and the tunnels of the
 * product use many.
 */
import { type Ipv4, showIpv4, showMac } from './address.ts';
import { type Arp, decodeArp } from './arp.ts';
import { type Dhcp, decodeDhcp, foreverSeconds, macOf, optionCode, readOptions } from './dhcp.ts';
import { decodeEsp, espUdpPort, kindOfEncapsulated } from './esp.ts';
import { decodeEthernet, type Ethernet, etherType, leastEtherType } from './ethernet.ts';
import { decodeIcmp, type Icmp, type IcmpError } from './icmp.ts';
import { decodeIpv4, decodeQuotedIpv4, type Ipv4Packet, ipProtocol, ipv4Option } from './ipv4.ts';
import { Malformed } from './malformed.ts';
import { decodeTcp, type TcpOption, type TcpSegment, tcpFlag } from './tcp.ts';
import { decodeUdp } from './udp.ts';
import { decodeVxlan, vniFlag, vxlanPort } from './vxlan.ts';
import { decodeWireguard, type WireguardMessage } from './wireguard.ts';

/** What a protocol's description may need of the packet around it. */
interface Within {
  readonly source: Ipv4;
  readonly destination: Ipv4;
  /** How many frames this one is inside of. */
  readonly depth: number;
}

type Describe = (bytes: Uint8Array, within: Within) => string;

/** By Ethernet type. These lines say who is meant; for all other types the MAC addresses are shown. */
const frames: ReadonlyMap<number, (bytes: Uint8Array, depth: number) => string | Malformed> =
  new Map([
    [etherType.arp, (bytes) => mapped(decodeArp(bytes), showArp)],
    [
      etherType.ipv4,
      (bytes, depth) => mapped(decodeIpv4(bytes), (packet) => showPacket(packet, depth)),
    ],
  ]);

/** By IP protocol: what to call it, and how to say what is in it. */
const packets: ReadonlyMap<number, { readonly name: string; readonly describe?: Describe }> =
  new Map([
    [ipProtocol.icmp, { name: 'ICMP', describe: (bytes) => told(decodeIcmp(bytes), showIcmp) }],
    [ipProtocol.udp, { name: 'UDP', describe: describeUdp }],
    [ipProtocol.tcp, { name: 'TCP', describe: describeTcp }],
    [2, { name: 'IGMP' }],
    [4, { name: 'IP in IP' }],
    [41, { name: 'IPv6' }],
    [47, { name: 'GRE' }],
    [50, { name: 'ESP', describe: describeEsp }],
    [89, { name: 'OSPF' }],
  ]);

/** By UDP port, of the receiver or else of the sender: what to say after the ports. */
const datagrams: ReadonlyMap<number, Describe> = new Map([
  [vxlanPort, describeVxlan],
  [espUdpPort, describeEncapsulated],
  [67, describeDhcp],
  [68, describeDhcp],
]);

/** Frames in frames are followed this far. */
const depthMax = 4;

/** `ARP who has 10.0.10.20? tell 10.0.10.11`; `10.0.10.11 > 10.0.10.20 ICMP echo request id 1 seq 3 ttl 63`. */
export function describeFrame(bytes: Uint8Array, depth = 0): string {
  return told(decodeEthernet(bytes), (frame) => {
    const said = frames.get(frame.type)?.(frame.payload, depth);
    if (typeof said === 'string') return showTag(frame) + said;
    const what = said ? describeMalformed(said) : `${showType(frame.type)} ${size(frame.payload)}`;
    return `${showTag(frame)}${showMac(frame.source)} > ${showMac(frame.target)} ${what}`;
  });
}

/** The same for an IPv4 packet without a frame around it, such as a tunnel carries. */
export const describePacket = (bytes: Uint8Array): string =>
  told(decodeIpv4(bytes), (packet) => showPacket(packet, 0));

/** `malformed UDP: bad length at byte 4`: counted from the first byte of that protocol. */
function describeMalformed({ protocol, reason, offset }: Malformed): string {
  const name = properNames.get(protocol) ?? protocol.toUpperCase();
  return `malformed ${name}: ${reason.replace('-', ' ')} at byte ${offset}`;
}

const properNames: ReadonlyMap<string, string> = new Map([
  ['esp', 'ESP'],
  ['ethernet', 'Ethernet'],
  ['ipv4', 'IPv4'],
  ['wireguard', 'WireGuard'],
]);

/** What a decoder gave, in words: the value's, or what is wrong and where. */
function told<Value>(decoded: Value | Malformed, show: (value: Value) => string): string {
  const said = mapped(decoded, show);
  return said instanceof Malformed ? describeMalformed(said) : said;
}

const mapped = <Value>(
  decoded: Value | Malformed,
  show: (value: Value) => string,
): string | Malformed => (decoded instanceof Malformed ? decoded : show(decoded));

function showTag({ tag }: Ethernet): string {
  if (tag === undefined) return '';
  const priority = tag.priority > 0 ? `priority ${tag.priority} ` : '';
  return `vlan ${tag.vlan} ${priority}${tag.dropEligible ? 'drop-eligible ' : ''}`;
}

const typeNames: ReadonlyMap<number, string> = new Map([
  [etherType.ipv6, 'IPv6'],
  [etherType.vlan, 'second VLAN tag'],
  [0x8035, 'RARP'],
  [0x8847, 'MPLS'],
  [0x8863, 'PPPoE'],
  [0x8864, 'PPPoE'],
  [0x88a8, 'provider VLAN tag'],
  [0x88cc, 'LLDP'],
]);

function showType(type: number): string {
  if (type < leastEtherType) return '802.3';
  return typeNames.get(type) ?? `type 0x${type.toString(16).padStart(4, '0')}`;
}

/** Names as in RFC 5227 section 1.1: a probe claims nothing yet, an announcement does. */
function showArp({ operation, senderMac, senderIp, targetIp }: Arp): string {
  const [sender, target] = [showIpv4(senderIp), showIpv4(targetIp)];
  if (senderIp === targetIp) return `ARP announcement ${sender} is at ${showMac(senderMac)}`;
  if (operation === 'reply') return `ARP ${sender} is at ${showMac(senderMac)}`;
  if (senderIp === 0) return `ARP probe who has ${target}? tell ${showMac(senderMac)}`;
  return `ARP who has ${target}? tell ${sender}`;
}

function showPacket(packet: Ipv4Packet, depth: number): string {
  const within = { source: packet.source, destination: packet.destination, depth };
  const isFragment = packet.moreFragments || packet.fragmentOffset > 0;
  const what = isFragment
    ? `${nameOf(packet)} ${showFragment(packet)}`
    : (packets.get(packet.protocol)?.describe?.(packet.payload, within) ??
      `${nameOf(packet)} ${size(packet.payload)}`);
  return `${showEnds(packet)} ${what}${showOptions(packet)} ttl ${packet.ttl}`;
}

const showEnds = (packet: Ipv4Packet): string =>
  `${showIpv4(packet.source)} > ${showIpv4(packet.destination)}`;
const nameOf = (packet: Ipv4Packet): string =>
  packets.get(packet.protocol)?.name ?? `protocol ${packet.protocol}`;
const size = (bytes: Uint8Array): string =>
  bytes.length === 1 ? '1 byte' : `${bytes.length} bytes`;

function showFragment({ identification, fragmentOffset, moreFragments, payload }: Ipv4Packet) {
  const last = fragmentOffset + payload.length - 1;
  const bytes = payload.length === 0 ? 'no bytes' : `bytes ${fragmentOffset}-${last}`;
  return `fragment of id ${identification} ${bytes}${moreFragments ? ' more follow' : ' last'}`;
}

const optionNames: ReadonlyMap<number, string> = new Map([
  [ipv4Option.recordRoute, 'record route'],
  [ipv4Option.timestamp, 'timestamp'],
  [ipv4Option.looseSourceRoute, 'loose source route'],
  [ipv4Option.strictSourceRoute, 'strict source route'],
  [ipv4Option.routerAlert, 'router alert'],
]);

function showOptions({ options }: Ipv4Packet): string {
  const names = options
    .filter(({ type }) => type !== ipv4Option.end && type !== ipv4Option.noOperation)
    .map(({ type }) => optionNames.get(type) ?? `option ${type}`);
  return names.length === 0 ? '' : ` with ${names.join(', ')}`;
}

// ICMP

function showIcmp(icmp: Icmp): string {
  switch (icmp.kind) {
    case 'echo-request':
    case 'echo-reply':
      return `ICMP ${icmp.kind.replace('-', ' ')} id ${icmp.identifier} seq ${icmp.sequence}`;
    case 'other':
      return `ICMP ${icmpNames.get(icmp.type) ?? `type ${icmp.type} code ${icmp.code}`}`;
    default:
      return `ICMP ${showError(icmp)}${showQuote(icmp.quote)}`;
  }
}

const icmpNames: ReadonlyMap<number, string> = new Map([
  [4, 'source quench'],
  [9, 'router advertisement'],
  [10, 'router solicitation'],
  [13, 'timestamp request'],
  [14, 'timestamp reply'],
  [17, 'address mask request'],
  [18, 'address mask reply'],
]);

const unreachableNames = [
  'network unreachable',
  'host unreachable',
  'protocol unreachable',
  'port unreachable',
  'fragmentation needed',
  'source route failed',
  'network unknown',
  'host unknown',
  'source host isolated',
  'network prohibited',
  'host prohibited',
  'network unreachable for this service',
  'host unreachable for this service',
  'prohibited',
  'host precedence violation',
  'precedence cutoff',
] as const; // codes 0 to 15 (RFC 792, RFC 1812 section 5.2.7.1)

function showError(icmp: IcmpError): string {
  switch (icmp.kind) {
    case 'unreachable': {
      const name = unreachableNames[icmp.code] ?? `unreachable code ${icmp.code}`;
      return name === 'fragmentation needed' ? `${name} mtu ${icmp.mtu}` : name;
    }
    case 'redirect':
      return `redirect to ${showIpv4(icmp.gateway)}`;
    case 'time-exceeded':
      return icmp.code === 1 ? 'reassembly time exceeded' : 'time to live exceeded';
    case 'parameter-problem':
      return `parameter problem at byte ${icmp.pointer}`;
  }
}

/** Quotes are cut short, so no more than the first bytes of the payload is looked at. */
function showQuote(quote: Uint8Array): string {
  const packet = decodeQuotedIpv4(quote);
  if (packet instanceof Malformed) return quote.length === 0 ? '' : ' about an unreadable packet';
  const hasPorts = packet.protocol === ipProtocol.udp || packet.protocol === ipProtocol.tcp;
  const [a, b, c, d] = packet.payload;
  const ports =
    hasPorts && packet.fragmentOffset === 0 && d !== undefined
      ? ` ${a! * 256 + b!} > ${c! * 256 + d}`
      : '';
  return ` about ${showEnds(packet)} ${nameOf(packet)}${ports}`;
}

/** A wrong checksum hides nothing: where the network card is left to sum, a capture has no other. */
const verdictOn = (verified: unknown): string =>
  verified instanceof Malformed ? ' bad checksum' : '';

// TCP

function describeTcp(bytes: Uint8Array, { source, destination }: Within): string {
  return told(decodeTcp(bytes), (segment) => {
    return showTcp(segment) + verdictOn(decodeTcp(bytes, source, destination));
  });
}

/** In the order in which people say them; the four reserved bits have no names. */
const flagNames = [
  ['SYN', tcpFlag.syn],
  ['FIN', tcpFlag.fin],
  ['RST', tcpFlag.rst],
  ['PSH', tcpFlag.psh],
  ['ACK', tcpFlag.ack],
  ['URG', tcpFlag.urg],
  ['ECE', tcpFlag.ece],
  ['CWR', tcpFlag.cwr],
] as const;

function showTcp(segment: TcpSegment): string {
  const { flags, payload } = segment;
  const names = flagNames.filter(([, bit]) => flags & bit).map(([name]) => name);
  const words = [
    `TCP ${segment.sourcePort} > ${segment.destinationPort}`,
    ...(names.length === 0 ? ['no flags'] : names),
    `seq ${segment.sequence}`,
    ...(flags & tcpFlag.ack ? [`ack ${segment.acknowledgment}`] : []),
    `win ${segment.window}`,
    ...(flags & tcpFlag.urg ? [`urgent ${segment.urgent}`] : []),
    ...segment.options.flatMap(showTcpOption),
    ...(payload.length > 0 ? [size(payload)] : []),
  ];
  return words.join(' ');
}

/** What tells of the way or of losses. The rest is in nearly every segment and would hide that. */
function showTcpOption(option: TcpOption): string[] {
  switch (option.kind) {
    case 'mss':
      return [`mss ${option.mss}`];
    case 'sack':
      return option.blocks.map(({ left, right }) => `sack ${left}-${right}`);
    case 'unknown':
      return [`option ${option.type}`];
    default:
      return [];
  }
}

// UDP and what it carries

function describeUdp(bytes: Uint8Array, within: Within): string {
  return told(decodeUdp(bytes), (udp) => {
    const { sourcePort, destinationPort, payload } = udp;
    const describe = datagrams.get(destinationPort) ?? datagrams.get(sourcePort) ?? describeUnnamed;
    const verdict = verdictOn(decodeUdp(bytes, within.source, within.destination));
    return `UDP ${sourcePort} > ${destinationPort} ${describe(payload, within)}${verdict}`;
  });
}

function describeVxlan(bytes: Uint8Array, { depth }: Within): string {
  return told(decodeVxlan(bytes), ({ flags, vni, reserved, payload }) => {
    const network = flags & vniFlag ? `VXLAN ${vni}` : 'VXLAN without a VNI';
    const odd = reserved !== undefined || (flags & ~vniFlag) !== 0 ? ' with reserved bits' : '';
    const inner = depth < depthMax ? describeFrame(payload, depth + 1) : size(payload);
    return `${network}${odd} [${inner}]`;
  });
}

function describeEncapsulated(bytes: Uint8Array): string {
  const kind = kindOfEncapsulated(bytes);
  if (kind === 'esp') return describeEsp(bytes);
  return kind === 'ike' ? `IKE ${size(bytes)}` : 'NAT keepalive';
}

function describeEsp(bytes: Uint8Array): string {
  return told(decodeEsp(bytes), ({ spi, sequence, sealed }) => {
    return `ESP SPI 0x${spi.toString(16)} seq ${sequence} ${size(sealed)}`;
  });
}

function describeDhcp(bytes: Uint8Array): string {
  return told(decodeDhcp(bytes), showDhcp);
}

/** `DHCP DISCOVER from 02:00:00:00:00:11`, `DHCP ACK 10.0.10.20 to 02:00:00:00:00:11 for 3600 s`. */
function showDhcp(message: Dhcp): string {
  const { type, requestedIp, leaseSeconds } = readOptions(message.options);
  const toClient = message.op === 'reply';
  // Who renews an address has it already and does not ask for it by option 50 (RFC 2131 table 5).
  const address = (toClient ? message.yiaddr : requestedIp) || message.ciaddr;
  const client = macOf(message);
  const words = [
    type === undefined ? showOtherDhcp(message) : `DHCP ${type.toUpperCase()}`,
    ...(address === 0 ? [] : [showIpv4(address)]),
    toClient ? 'to' : 'from',
    client === undefined ? `hardware of type ${message.htype}` : showMac(client),
    ...(toClient && leaseSeconds !== undefined ? [`for ${showLease(leaseSeconds)}`] : []),
    ...(message.giaddr === 0 ? [] : [`through ${showIpv4(message.giaddr)}`]),
  ];
  return words.join(' ');
}

function showOtherDhcp({ op, options }: Dhcp): string {
  const number = options.find(({ code }) => code === optionCode.type)?.data[0];
  return number === undefined ? `BOOTP ${op}` : `DHCP type ${number}`;
}

const showLease = (seconds: number): string =>
  seconds === foreverSeconds ? 'ever' : `${seconds} s`;

/** What no port gives a name to may be a tunnel's: then its first byte, zeros and length say so. */
function describeUnnamed(bytes: Uint8Array): string {
  const message = decodeWireguard(bytes);
  return message instanceof Malformed || !hasItsLength(message)
    ? size(bytes)
    : showWireguard(message);
}

/** What sealing adds to an inner packet (RFC 8439 section 2.8). */
const tagSize = 16;

/**
 * Handshake messages have a length of their own, which the decoder checks. What is in a data
 * message is padded to a multiple of 16 (whitepaper section 5.4.6) but not beyond the tunnel's
 * MTU, which is hardly less than what every host must take (RFC 791 section 3.1: 576).
 */
function hasItsLength(message: WireguardMessage): boolean {
  if (message.kind !== 'data') return true;
  const inner = message.sealed.length - tagSize;
  return inner % 16 === 0 || inner >= 576;
}

function showWireguard(message: WireguardMessage): string {
  switch (message.kind) {
    case 'initiation':
      return `WireGuard initiation, sender ${showIndex(message.sender)}${showCookie(message.mac2)}`;
    case 'response':
      return `WireGuard response, sender ${showIndex(message.sender)}, receiver ${showIndex(message.receiver)}${showCookie(message.mac2)}`;
    case 'cookie-reply':
      return `WireGuard cookie reply, receiver ${showIndex(message.receiver)}`;
    case 'data': {
      const { receiver, counterHigh, counterLow, sealed } = message;
      const counter = (BigInt(counterHigh) << 32n) | BigInt(counterLow);
      const about = `receiver ${showIndex(receiver)}, counter ${counter}`;
      const inner = sealed.subarray(0, sealed.length - tagSize);
      if (inner.length === 0) return `WireGuard keepalive, ${about}`;
      return `WireGuard data, ${about}, ${size(inner)}`;
    }
  }
}

const showIndex = (index: number): string => `0x${index.toString(16)}`;
const showCookie = (mac2: Uint8Array): string =>
  mac2.some((byte) => byte !== 0) ? ', with cookie' : '';
