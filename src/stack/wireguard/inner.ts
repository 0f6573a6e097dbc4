/** The little that a tunnel looks at in the IPv4 packets it carries. */
import type { Ipv4 } from '../../wire/address.ts';
import { paddingMultiple } from './constants.ts';

const headerMin = 20;

/** `undefined` where the bytes do not begin like an IPv4 packet. */
export const innerSource = (packet: Uint8Array): Ipv4 | undefined => addressAt(packet, 12);
export const innerDestination = (packet: Uint8Array): Ipv4 | undefined => addressAt(packet, 16);

/** Without the padding; `undefined` where the header promises more than there is, or less than itself. */
export function trimmed(packet: Uint8Array): Uint8Array | undefined {
  const length = packet.length < headerMin ? 0 : packet[2]! * 256 + packet[3]!;
  if (length < headerMin || length > packet.length) return undefined;
  return length === packet.length ? packet : packet.subarray(0, length);
}

/**
 * How long a packet is made before it is sealed. Lengths tell less when there are fewer of them
 * (whitepaper section 5.4.6), but padding must not lead to fragments.
 */
export function paddedLength(length: number, mtu: number): number {
  if (length >= mtu) return length;
  return Math.min(mtu, Math.ceil(length / paddingMultiple) * paddingMultiple);
}

function addressAt(packet: Uint8Array, at: number): Ipv4 | undefined {
  if (packet.length < headerMin || packet[0]! >>> 4 !== 4) return undefined;
  const high = (packet[at]! << 24) | (packet[at + 1]! << 16);
  return (high | (packet[at + 2]! << 8) | packet[at + 3]!) as Ipv4;
}
