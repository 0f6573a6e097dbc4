/**
 * IPv4 packets where they lie in a frame: the header begins 14 bytes in, also in a tunnel, where
 * the 14 bytes are of no meaning. Offsets as in RFC 791 section 3.1, RFC 792 and RFC 768.
 */
import type { Frame, FrameMemory } from '../base/frame.ts';
import type { Ipv4 } from '../wire/address.ts';
import { addUp, fold, pseudoHeader } from '../wire/checksum.ts';

export const ipAt = 14;
export const protocolIcmp = 1;
export const protocolTcp = 6;
export const protocolUdp = 17;
export const dontFragmentBit = 0x4000;
export const moreFragmentsBit = 0x2000;

/** Bytes to be sent many times: their sum is worked out once. */
export class Payload {
  readonly bytes: Uint8Array;
  readonly sum: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.sum = addUp(words, 0, bytes.length);
  }
}

export interface IpFields {
  readonly source: Ipv4;
  readonly destination: Ipv4;
  readonly protocol: number;
  readonly ttl: number;
  /** Type of service: precedence and DSCP. */
  readonly tos?: number;
  readonly dontFragment?: boolean;
}

export const sourceOf = (frame: Frame): Ipv4 => frame.words.getInt32(frame.start + 26) as Ipv4;
export const destinationOf = (frame: Frame): Ipv4 => frame.words.getInt32(frame.start + 30) as Ipv4;
export const protocolOf = (frame: Frame): number => frame.memory[frame.start + 23]!;
export const headerLengthOf = (frame: Frame): number =>
  (frame.memory[frame.start + ipAt]! & 15) * 4;
/** Bytes of the packet, header and all. */
export const totalLengthOf = (frame: Frame): number => frame.words.getUint16(frame.start + 16);
/** Where in the frame the transport header begins. */
export const transportAt = (frame: Frame): number => ipAt + headerLengthOf(frame);
/** Where, in the memory of an ICMP error, the transport header of the packet that it quotes begins. */
export const quotedTransportAt = ({ memory, start }: Frame, quotedAt: number): number =>
  start + quotedAt + (memory[start + quotedAt]! & 15) * 4;
export const ttlOf = (frame: Frame): number => frame.memory[frame.start + 22]!;
export const isFragment = (frame: Frame): boolean =>
  (frame.words.getUint16(frame.start + 20) & 0x3fff) !== 0;
/** It has nothing of the transport's header. */
export const isLaterFragment = (frame: Frame): boolean =>
  (frame.words.getUint16(frame.start + 20) & 0x1fff) !== 0;
export const mayNotFragment = (frame: Frame): boolean =>
  (frame.words.getUint16(frame.start + 20) & dontFragmentBit) !== 0;
/** The frame was addressed to a group at the link layer. */
export const isGroupFrame = (frame: Frame): boolean => (frame.memory[frame.start]! & 1) !== 0;

/** The packet alone, without what the link put before it. */
export const packetOf = (frame: Frame): Uint8Array =>
  frame.bytes(ipAt, ipAt + totalLengthOf(frame));

/** Writes a 20-byte IPv4 header with its checksum. */
export function writeIpHeader(
  frame: Frame,
  totalLength: number,
  identification: number,
  fields: IpFields,
): void {
  const { words, start } = frame;
  words.setUint16(start + 14, 0x4500 | (fields.tos ?? 0));
  words.setUint16(start + 16, totalLength);
  words.setUint16(start + 18, identification);
  words.setUint16(start + 20, fields.dontFragment ? dontFragmentBit : 0);
  words.setUint16(start + 22, (fields.ttl << 8) | fields.protocol);
  words.setUint16(start + 24, 0);
  words.setInt32(start + 26, fields.source);
  words.setInt32(start + 30, fields.destination);
  words.setUint16(start + 24, fold(addUp(words, start + 14, 20)));
}

/** Writes the header checksum anew, over options too. */
export function sumIpHeader(frame: Frame): void {
  const { words, start } = frame;
  words.setUint16(start + 24, 0);
  words.setUint16(start + 24, fold(addUp(words, start + ipAt, headerLengthOf(frame))));
}

/** A frame with a packet around transport bytes that are complete, checksum and all. */
export function packetAround(
  frames: FrameMemory,
  transport: Uint8Array,
  identification: number,
  fields: IpFields,
): Frame {
  const frame = frames.allocate(34 + transport.length);
  frame.memory.set(transport, frame.start + 34);
  writeIpHeader(frame, 20 + transport.length, identification, fields);
  return frame;
}

/** A frame that holds a packet which came out of a tunnel. Nothing about its checksums is known. */
export function packetFrom(frames: FrameMemory, packet: Uint8Array): Frame {
  const frame = frames.allocate(ipAt + packet.length);
  frame.memory.fill(0, frame.start, frame.start + ipAt);
  frame.memory.set(packet, frame.start + ipAt);
  frame.trusted = false;
  return frame;
}

/** A UDP datagram in a packet (RFC 768). The sum of the payload is taken from its template. */
export function udpPacket(
  frames: FrameMemory,
  identification: number,
  fields: IpFields,
  sourcePort: number,
  destinationPort: number,
  payload: Payload,
): Frame {
  const length = 8 + payload.bytes.length;
  const frame = frames.allocate(34 + length);
  const { words, start } = frame;
  writeIpHeader(frame, 20 + length, identification, fields);
  words.setUint16(start + 34, sourcePort);
  words.setUint16(start + 36, destinationPort);
  words.setUint16(start + 38, length);
  frame.memory.set(payload.bytes, start + 42);
  const sum =
    pseudoHeader(fields.source, fields.destination, protocolUdp, length) +
    sourcePort +
    destinationPort +
    length +
    payload.sum;
  words.setUint16(start + 40, fold(sum) || 0xffff); // 0 would mean that there is none
  return frame;
}

/** An echo request (RFC 792). */
export function echoPacket(
  frames: FrameMemory,
  identification: number,
  fields: IpFields,
  identifier: number,
  sequence: number,
  payload: Payload,
): Frame {
  const length = 8 + payload.bytes.length;
  const frame = frames.allocate(34 + length);
  const { words, start } = frame;
  writeIpHeader(frame, 20 + length, identification, fields);
  words.setInt32(start + 34, 0x0800_0000);
  words.setUint16(start + 38, identifier);
  words.setUint16(start + 40, sequence);
  frame.memory.set(payload.bytes, start + 42);
  words.setUint16(start + 36, fold(0x0800 + identifier + sequence + payload.sum));
  return frame;
}
