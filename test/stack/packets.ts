/** IPv4 packets for tests, as bytes: right by default, and wrong in exactly the ways that are asked for. */
import { view } from '../../src/base/bytes.ts';
import { type Ipv4, ipv4, mac, writeMac } from '../../src/wire/address.ts';
import { internetChecksum, pseudoHeader } from '../../src/wire/checksum.ts';

export interface PacketParts {
  readonly from: string;
  readonly to: string;
  /** Of the frame; by default from 02:00:00:00:00:99 to 02:00:00:00:00:01. */
  readonly sender?: string;
  readonly receiver?: string;
  readonly protocol?: number;
  readonly ttl?: number;
  readonly tos?: number;
  readonly id?: number;
  /** Flags and offset as they stand in the header. */
  readonly fragment?: number;
  readonly options?: Uint8Array;
  readonly payload?: Uint8Array;
  /** What the header says, in place of what is true. */
  readonly first?: number;
  readonly totalLength?: number;
  readonly checksum?: number;
}

/** A frame around a payload that is complete. */
export function packetFrame(parts: PacketParts): Uint8Array {
  const { options = new Uint8Array(0), payload = new Uint8Array(0) } = parts;
  const header = 20 + options.length;
  const frame = new Uint8Array(14 + header + payload.length);
  const data = view(frame);
  writeMac(data, 0, mac(parts.receiver ?? '02:00:00:00:00:01'));
  writeMac(data, 6, mac(parts.sender ?? '02:00:00:00:00:99'));
  data.setUint16(12, 0x0800);
  data.setUint8(14, parts.first ?? 0x40 + header / 4);
  data.setUint8(15, parts.tos ?? 0);
  data.setUint16(16, parts.totalLength ?? header + payload.length);
  data.setUint16(18, parts.id ?? 1);
  data.setUint16(20, parts.fragment ?? 0);
  data.setUint8(22, parts.ttl ?? 64);
  data.setUint8(23, parts.protocol ?? 253);
  data.setInt32(26, ipv4(parts.from));
  data.setInt32(30, ipv4(parts.to));
  frame.set(options, 34);
  frame.set(payload, 14 + header);
  data.setUint16(24, parts.checksum ?? internetChecksum(frame.subarray(14, 14 + header)));
  return frame;
}

/** An ICMP message with its checksum: type and code, the four bytes after it, and what follows. */
export function icmp(type: number, code: number, rest: number, body: Uint8Array): Uint8Array {
  const message = new Uint8Array(8 + body.length);
  message[0] = type;
  message[1] = code;
  view(message).setUint32(4, rest >>> 0);
  message.set(body, 8);
  view(message).setUint16(2, internetChecksum(message));
  return message;
}

export function pingFrame(
  parts: PacketParts & { readonly echo?: number; readonly body?: Uint8Array },
): Uint8Array {
  const { body = new Uint8Array(8), echo = 0x0001_0001 } = parts;
  return packetFrame({ protocol: 1, payload: icmp(8, 0, echo, body), ...parts });
}

export interface UdpParts extends PacketParts {
  readonly port?: number;
  readonly sourcePort?: number;
  readonly body?: Uint8Array;
  readonly udpLength?: number;
  readonly udpChecksum?: number;
}

export function udpFrame(parts: UdpParts): Uint8Array {
  return packetFrame({ protocol: 17, payload: udp(parts), ...parts });
}

export function udp(parts: UdpParts): Uint8Array {
  const { body = new Uint8Array(4), port = 9, sourcePort = 4000 } = parts;
  const datagram = new Uint8Array(8 + body.length);
  const data = view(datagram);
  data.setUint16(0, sourcePort);
  data.setUint16(2, port);
  data.setUint16(4, parts.udpLength ?? datagram.length);
  datagram.set(body, 8);
  const pseudo = pseudoHeader(ipv4(parts.from), ipv4(parts.to), 17, datagram.length);
  data.setUint16(6, parts.udpChecksum ?? (internetChecksum(datagram, pseudo) || 0xffff));
  return datagram;
}

/** What a test wants to know of a packet that came. */
export interface SeenPacket {
  readonly source: Ipv4;
  readonly destination: Ipv4;
  readonly ttl: number;
  readonly tos: number;
  readonly id: number;
  readonly fragment: number;
  readonly protocol: number;
  readonly headerLength: number;
  readonly totalLength: number;
  readonly options: Uint8Array;
  /** Of an ICMP message, `3/1`; else empty. */
  readonly icmp: string;
  /** What follows the header. */
  readonly payload: Uint8Array;
}

/** Reads a packet; throws where a checksum or a length is wrong, because nothing here may send such. */
export function seen(frame: Uint8Array): SeenPacket {
  const data = view(frame);
  const headerLength = (frame[14]! & 15) * 4;
  const totalLength = data.getUint16(16);
  if (frame.length !== 14 + totalLength)
    throw new Error(`${frame.length} bytes for ${totalLength}`);
  if (internetChecksum(frame.subarray(14, 14 + headerLength)) !== 0) throw new Error('IP checksum');
  const payload = frame.subarray(14 + headerLength);
  const protocol = frame[23]!;
  const fragment = data.getUint16(20);
  const whole = (fragment & 0x3fff) === 0;
  if (protocol === 1 && whole && internetChecksum(payload) !== 0) throw new Error('ICMP checksum');
  if (protocol === 17 && whole && view(payload).getUint16(6) !== 0) {
    const pseudo = pseudoHeader(data.getInt32(26), data.getInt32(30), 17, payload.length);
    if (internetChecksum(payload, pseudo) !== 0) throw new Error('UDP checksum');
  }
  return {
    source: data.getInt32(26) as Ipv4,
    destination: data.getInt32(30) as Ipv4,
    ttl: frame[22]!,
    tos: frame[15]!,
    id: data.getUint16(18),
    fragment,
    protocol,
    headerLength,
    totalLength,
    options: frame.subarray(34, 14 + headerLength),
    icmp: protocol === 1 ? `${payload[0]}/${payload[1]}` : '',
    payload,
  };
}
