/**
 * IPv4 packets (RFC 791 section 3.1).
 *
 *    0 version=4:4 header-words:4   1 type of service   2 total length   4 identification
 *    6 reserved:1 dont-fragment:1 more-fragments:1 offset/8:13   8 ttl   9 protocol   10 checksum
 *   12 source   16 destination   20 options   header-words*4 payload   total length: end
 */
import { view } from '../base/bytes.ts';
import { type Ipv4, readIpv4, writeIpv4 } from './address.ts';
import { internetChecksum } from './checksum.ts';
import { Malformed } from './malformed.ts';

export const ipProtocol = { icmp: 1, tcp: 6, udp: 17 } as const;

export interface Ipv4Packet {
  /** The whole byte: six bits of DSCP (RFC 2474) and two of ECN (RFC 3168). */
  readonly tos: number;
  readonly identification: number;
  /** The flag that must be zero. Receivers do not look at it, so it is kept if a sender set it. */
  readonly reserved?: true;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  /** Where the payload belongs in the whole, in bytes: a multiple of 8. */
  readonly fragmentOffset: number;
  readonly ttl: number;
  readonly protocol: number;
  /** The checksum was written as 0xffff for 0x0000: the same sum, so it passes (RFC 1624 section 3). */
  readonly minusZero?: true;
  readonly source: Ipv4;
  readonly destination: Ipv4;
  readonly options: readonly Ipv4Option[];
  readonly payload: Uint8Array;
}

/** One option of the header. The zeros that fill up the last word are not listed. */
export interface Ipv4Option {
  /** The whole first byte: copied flag, class and number. */
  readonly type: number;
  /** What follows type and length; for the end of options, all that stands after it. */
  readonly data: Uint8Array;
}

/** Options by the whole of their first byte (RFC 791 section 3.1, RFC 2113). */
export const ipv4Option = {
  end: 0,
  noOperation: 1,
  recordRoute: 7,
  timestamp: 68,
  looseSourceRoute: 131,
  strictSourceRoute: 137,
  routerAlert: 148,
} as const;

const leastHeader = 20;
const optionsMax = 40;

/**
 * Reads one packet and checks it as RFC 1812 section 5.2.2 asks. Anything after the total length
 * is Ethernet padding and is ignored.
 *
 * A `bad-length` at 20 or beyond blames an option: on that a host or router may answer with a
 * parameter problem (RFC 1812 section 4.3.3.5). Everything else is dropped in silence.
 */
export function decodeIpv4(bytes: Uint8Array): Ipv4Packet | Malformed {
  const size = headerSize(bytes);
  if (size instanceof Malformed) return size;
  if (internetChecksum(bytes.subarray(0, size)) !== 0)
    return new Malformed('ipv4', 'bad-checksum', 10);
  const length = view(bytes).getUint16(2);
  if (length < size || length > bytes.length) return new Malformed('ipv4', 'bad-length', 2);
  return read(bytes, size, length);
}

/**
 * Reads what an ICMP error quotes: the header, and as much of the payload as there is. The
 * checksum is not verified, because routers on the way may have changed what it covers.
 */
export function decodeQuotedIpv4(bytes: Uint8Array): Ipv4Packet | Malformed {
  const size = headerSize(bytes);
  if (size instanceof Malformed) return size;
  return read(bytes, size, Math.max(size, view(bytes).getUint16(2)));
}

/**
 * Writes one packet with the right checksum.
 *
 * Throws a RangeError for what no packet can hold: options of more than 40 bytes, more than 65,535
 * bytes in all, a fragment offset that is not a multiple of 8. No decoded packet is like that.
 */
export function encodeIpv4(packet: Ipv4Packet): Uint8Array {
  const optionsSize = packet.options.reduce((sum, option) => sum + sizeOf(option), 0);
  const size = leastHeader + ((optionsSize + 3) & ~3);
  const length = size + packet.payload.length;
  const words = packet.fragmentOffset / 8;
  if (optionsSize > optionsMax || length > 0xffff || words !== (words & 0x1fff))
    throw new RangeError(
      `no IPv4 packet has ${optionsSize} bytes of options, ${length} in all, offset ${packet.fragmentOffset}`,
    );
  const bytes = new Uint8Array(length);
  const data = view(bytes);
  data.setUint8(0, 0x40 | (size / 4));
  data.setUint8(1, packet.tos);
  data.setUint16(2, length);
  data.setUint16(4, packet.identification);
  const reserved = packet.reserved ? 0x8000 : 0;
  const dontFragment = packet.dontFragment ? 0x4000 : 0;
  const moreFragments = packet.moreFragments ? 0x2000 : 0;
  data.setUint16(6, reserved | dontFragment | moreFragments | words);
  data.setUint8(8, packet.ttl);
  data.setUint8(9, packet.protocol);
  writeIpv4(data, 12, packet.source);
  writeIpv4(data, 16, packet.destination);
  let at = leastHeader;
  for (const option of packet.options) {
    bytes[at] = option.type;
    if (hasLength(option.type)) bytes[at + 1] = sizeOf(option);
    bytes.set(option.data, at + sizeOf(option) - option.data.length);
    at += sizeOf(option);
  }
  const checksum = internetChecksum(bytes.subarray(0, size));
  data.setUint16(10, checksum === 0 && packet.minusZero ? 0xffff : checksum);
  bytes.set(packet.payload, size);
  return bytes;
}

function headerSize(bytes: Uint8Array): number | Malformed {
  if (bytes.length < leastHeader) return new Malformed('ipv4', 'truncated', bytes.length);
  if (bytes[0]! >>> 4 !== 4) return new Malformed('ipv4', 'unsupported', 0);
  const size = (bytes[0]! & 15) * 4;
  if (size < leastHeader) return new Malformed('ipv4', 'bad-length', 0);
  if (size > bytes.length) return new Malformed('ipv4', 'truncated', bytes.length);
  return size;
}

function read(bytes: Uint8Array, size: number, end: number): Ipv4Packet | Malformed {
  const options = readOptions(bytes, size);
  if (options instanceof Malformed) return options;
  const data = view(bytes);
  const fragment = data.getUint16(6);
  return {
    tos: data.getUint8(1),
    identification: data.getUint16(4),
    ...(fragment & 0x8000 && { reserved: true }),
    dontFragment: (fragment & 0x4000) !== 0,
    moreFragments: (fragment & 0x2000) !== 0,
    fragmentOffset: (fragment & 0x1fff) * 8,
    ttl: data.getUint8(8),
    protocol: data.getUint8(9),
    ...(data.getUint16(10) === 0xffff && { minusZero: true }),
    source: readIpv4(data, 12),
    destination: readIpv4(data, 16),
    options,
    payload: bytes.subarray(size, end),
  };
}

function readOptions(bytes: Uint8Array, end: number): Ipv4Option[] | Malformed {
  const options: Ipv4Option[] = [];
  let at = leastHeader;
  while (at < end) {
    const type = bytes[at]!;
    if (type === ipv4Option.end) {
      const data = bytes.subarray(at + 1, end);
      const fillsWord = data.length < 3 && data.every((byte) => byte === 0);
      if (!fillsWord) options.push({ type, data });
      break;
    }
    if (hasLength(type) && at + 1 === end) return new Malformed('ipv4', 'bad-length', at);
    const size = hasLength(type) ? bytes[at + 1]! : 1;
    const start = hasLength(type) ? 2 : 1;
    if (size < start || at + size > end) return new Malformed('ipv4', 'bad-length', at + 1);
    options.push({ type, data: bytes.subarray(at + start, at + size) });
    at += size;
  }
  return options;
}

/** All options but two carry their own length, which counts type and length as well. */
const hasLength = (type: number): boolean =>
  type !== ipv4Option.end && type !== ipv4Option.noOperation;
const sizeOf = (option: Ipv4Option): number =>
  (hasLength(option.type) ? 2 : 1) + option.data.length;
