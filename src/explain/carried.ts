/**
 * What a logged frame carries: from its bytes where the log has them, else as well as its length
 * tells. An ARP frame is 42 bytes long, which an echo request without payload is too.
 */
import { view } from '../base/bytes.ts';
import { type Arp, decodeArp } from '../wire/arp.ts';
import { decodeEthernet, etherType } from '../wire/ethernet.ts';
import { decodeIcmp } from '../wire/icmp.ts';
import { decodeQuotedIpv4, type Ipv4Packet, ipProtocol } from '../wire/ipv4.ts';
import { Malformed } from '../wire/malformed.ts';

/** Any event of a frame. */
export interface Carrier {
  readonly length: number;
  readonly bytes: Uint8Array;
}

const ethernetHeader = 14;
const tagSize = 4;
const arpFrame = ethernetHeader + 28;
/** Ethernet, IPv4 and UDP before a WireGuard message, whose sizes whitepaper section 5.4 fixes. */
const outerHeaders = ethernetHeader + 20 + 8;
const initiationSize = 148;
const responseSize = 92;
const cookieSize = 64;
const keepaliveSize = 32;
export function isArp({ bytes, length }: Carrier): boolean {
  if (bytes.length < ethernetHeader) return length === arpFrame || length === arpFrame + tagSize;
  return typeAt(bytes).type === etherType.arp;
}

export function arpIn({ bytes }: Carrier): Arp | undefined {
  if (bytes.length < ethernetHeader) return undefined;
  const { type, end } = typeAt(bytes);
  if (type !== etherType.arp) return undefined;
  const arp = decodeArp(bytes.subarray(end));
  return arp instanceof Malformed ? undefined : arp;
}

/** The packet in a frame that was on a link. */
export function packetIn({ bytes }: Carrier): Ipv4Packet | undefined {
  const frame = decodeEthernet(bytes);
  if (frame instanceof Malformed || frame.type !== etherType.ipv4) return undefined;
  return sound(decodeQuotedIpv4(frame.payload));
}

/** The packet that went into a tunnel or came out of it. */
export const packetAlone = ({ bytes }: Carrier): Ipv4Packet | undefined =>
  sound(decodeQuotedIpv4(bytes));

/** The packet that was dropped: out of a tunnel it has no Ethernet header, only room for one. */
export function droppedPacket(drop: Carrier): Ipv4Packet | undefined {
  const { bytes } = drop;
  if (bytes.length < ethernetHeader + 20 || bytes[ethernetHeader]! >> 4 !== 4)
    return packetIn(drop);
  return sound(decodeQuotedIpv4(bytes.subarray(ethernetHeader)));
}

/** A WireGuard message that carries no packet: what the tunnel itself has to say. */
export function isTunnelTalk(frame: Carrier, packet = packetIn(frame)): boolean {
  const size = frame.length - outerHeaders;
  if (packet === undefined)
    return frame.bytes.length === 0 && (isHandshakeSize(size) || size === keepaliveSize);
  if (packet.protocol !== ipProtocol.udp || packet.fragmentOffset > 0) return false;
  const message = packet.payload.subarray(8);
  if (message.length < 4 || message[1] !== 0 || message[2] !== 0 || message[3] !== 0) return false;
  return message[0] === 4
    ? message.length === keepaliveSize
    : message[0]! >= 1 && message[0]! <= 3 && isHandshakeSize(message.length);
}

export function isHandshake(frame: Carrier, packet = packetIn(frame)): boolean {
  return (
    isTunnelTalk(frame, packet) &&
    isHandshakeSize((packet?.payload.length ?? frame.length - outerHeaders + 8) - 8)
  );
}

/** The first message of a handshake. */
export const isInitiation = (frame: Carrier): boolean =>
  frame.length === outerHeaders + initiationSize && isHandshake(frame);

const isHandshakeSize = (size: number): boolean =>
  size === initiationSize || size === responseSize || size === cookieSize;

/** An ICMP error or redirect: not the packet itself, but word of it. */
export function isComplaint(frame: Carrier): boolean {
  const packet = packetIn(frame);
  if (packet?.protocol !== ipProtocol.icmp || packet.fragmentOffset > 0) return false;
  const icmp = decodeIcmp(packet.payload);
  return !(icmp instanceof Malformed) && 'quote' in icmp;
}

/** To a DHCP server or relay agent, or from one (RFC 2131 section 4.1). */
export function isDhcp(frame: Carrier, which: 'request' | 'reply'): boolean {
  const packet = packetIn(frame);
  if (packet?.protocol !== ipProtocol.udp) return false;
  const port = portsIn(packet)?.[which === 'request' ? 'destination' : 'source'];
  return port === dhcpServerPort;
}

const dhcpServerPort = 67;

/** UDP or TCP ports of a packet that begins with them. */
export function portsIn(
  packet: Ipv4Packet,
): { readonly source: number; readonly destination: number } | undefined {
  const { protocol, payload, fragmentOffset } = packet;
  const hasPorts = protocol === ipProtocol.udp || protocol === ipProtocol.tcp;
  if (!hasPorts || fragmentOffset > 0 || payload.length < 4) return undefined;
  const words = view(payload);
  return { source: words.getUint16(0), destination: words.getUint16(2) };
}

function typeAt(bytes: Uint8Array): { readonly type: number; readonly end: number } {
  const type = bytes[12]! * 256 + bytes[13]!;
  if (type !== etherType.vlan || bytes.length < ethernetHeader + tagSize)
    return { type, end: ethernetHeader };
  return { type: bytes[16]! * 256 + bytes[17]!, end: ethernetHeader + tagSize };
}

const sound = (packet: Ipv4Packet | Malformed): Ipv4Packet | undefined =>
  packet instanceof Malformed ? undefined : packet;
