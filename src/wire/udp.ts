/**
 * UDP datagrams over IPv4 (RFC 768).
 *
 *    0 source port   2 destination port   4 length   6 checksum   8 payload   length: end
 */
import { view } from '../base/bytes.ts';
import type { Ipv4 } from './address.ts';
import { internetChecksum, pseudoHeader } from './checksum.ts';
import { ipProtocol } from './ipv4.ts';
import { Malformed } from './malformed.ts';

export interface Udp {
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** The checksum field is 0: the sender did not compute one. */
  readonly withoutChecksum?: true;
  readonly payload: Uint8Array;
}

const headerSize = 8;

/**
 * Reads one datagram. With the addresses of its packet, its checksum is verified if it has one.
 * Anything after its length is ignored; RFC 768 does not say.
 */
export function decodeUdp(bytes: Uint8Array, source?: Ipv4, destination?: Ipv4): Udp | Malformed {
  if (bytes.length < headerSize) return new Malformed('udp', 'truncated', bytes.length);
  const data = view(bytes);
  const length = data.getUint16(4);
  if (length < headerSize || length > bytes.length) return new Malformed('udp', 'bad-length', 4);
  const withoutChecksum = data.getUint16(6) === 0;
  if (source !== undefined && destination !== undefined && !withoutChecksum) {
    const sum = pseudoHeader(source, destination, ipProtocol.udp, length);
    if (internetChecksum(bytes.subarray(0, length), sum) !== 0)
      return new Malformed('udp', 'bad-checksum', 6);
  }
  return {
    sourcePort: data.getUint16(0),
    destinationPort: data.getUint16(2),
    ...(withoutChecksum && { withoutChecksum }),
    payload: bytes.subarray(headerSize, length),
  };
}

/**
 * Writes one datagram for a packet between these addresses. Throws a RangeError if the payload is
 * longer than 65,527 bytes, which no datagram can hold.
 */
export function encodeUdp(udp: Udp, source: Ipv4, destination: Ipv4): Uint8Array {
  const length = headerSize + udp.payload.length;
  if (length > 0xffff) throw new RangeError(`no UDP datagram has ${length} bytes`);
  const bytes = new Uint8Array(length);
  const data = view(bytes);
  data.setUint16(0, udp.sourcePort);
  data.setUint16(2, udp.destinationPort);
  data.setUint16(4, length);
  bytes.set(udp.payload, headerSize);
  if (!udp.withoutChecksum) {
    const sum = pseudoHeader(source, destination, ipProtocol.udp, length);
    // 0 would say that there is none; in one's complement 0xffff is the same number (RFC 768).
    data.setUint16(6, internetChecksum(bytes, sum) || 0xffff);
  }
  return bytes;
}
