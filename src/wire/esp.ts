/**
 * ESP (RFC 4303 section 2) with AES-GCM and its check value of 16 bytes (RFC 4106), and what tells
 * it from other things when it travels in UDP (RFC 3948 section 2).
 *
 *    0 SPI   4 sequence   8 IV   16 sealed: packet, padding, pad length, next header   +16 ICV
 *
 * What the sealed part says only the holder of a key can tell: see `stack/ipsec`.
 */
import { view } from '../base/bytes.ts';
import { Malformed } from './malformed.ts';

/** IP protocol of what a tunnel carries, as the next header names it. */
export const espNext = {
  ipv4: 4,
  /** A dummy packet: authentic, and about nothing (RFC 4303 section 2.6). */
  nothing: 59,
} as const;

export const espSize = {
  /** In front of the sealed part: SPI, sequence number, IV. */
  header: 16,
  /** Pad length and next header. */
  trailer: 2,
  icv: 16,
} as const;
/** What is sealed is a multiple of this (section 2.4). */
const alignment = 4;
const least = espSize.header + alignment + espSize.icv;

/** UDP port of encapsulated ESP at both ends, unless a NAT changes the sender's. */
export const espUdpPort = 4500;
export const protocolEsp = 50;
/** Keeps the mapping of a NAT: a datagram of this one byte (RFC 3948 section 2.3). */
export const natKeepalive = Uint8Array.of(0xff);

export interface Esp {
  /** Which security association it belongs to. 0 is none. */
  readonly spi: number;
  readonly sequence: number;
  /** 8 bytes: with the association's salt they are the nonce. */
  readonly iv: Uint8Array;
  /** With the check value at its end. */
  readonly sealed: Uint8Array;
}

export function decodeEsp(bytes: Uint8Array): Esp | Malformed {
  if (bytes.length < least) return new Malformed('esp', 'truncated', bytes.length);
  if (bytes.length % alignment !== 0) return new Malformed('esp', 'bad-length', bytes.length);
  const data = view(bytes);
  const spi = data.getUint32(0);
  if (spi === 0) return new Malformed('esp', 'bad-value', 0);
  return {
    spi,
    sequence: data.getUint32(4),
    iv: bytes.subarray(8, espSize.header),
    sealed: bytes.subarray(espSize.header),
  };
}

export function encodeEsp({ spi, sequence, iv, sealed }: Esp): Uint8Array {
  const bytes = new Uint8Array(espSize.header + sealed.length);
  const data = view(bytes);
  data.setUint32(0, spi);
  data.setUint32(4, sequence);
  bytes.set(iv, 8);
  bytes.set(sealed, espSize.header);
  return bytes;
}

/** What the sealed part is about, once it is open. */
export interface EspContent {
  readonly payload: Uint8Array;
  /** Bytes of padding; a sender may add more than alignment asks for. */
  readonly padding: number;
  readonly next: number;
}

/** The shortest padding behind so many bytes. */
export const espPadding = (length: number): number =>
  (alignment - ((length + espSize.trailer) % alignment)) % alignment;

/** Reads the opened part from its end. Padding counts up from 1 (section 2.4). */
export function decodeEspContent(bytes: Uint8Array): EspContent | Malformed {
  const end = bytes.length - espSize.trailer;
  if (end < 0) return new Malformed('esp', 'truncated', bytes.length);
  const padding = bytes[end]!;
  const start = end - padding;
  if (start < 0) return new Malformed('esp', 'bad-length', end);
  for (let i = 0; i < padding; i += 1)
    if (bytes[start + i] !== i + 1) return new Malformed('esp', 'bad-value', start + i);
  return { payload: bytes.subarray(0, start), padding, next: bytes[end + 1]! };
}

export function encodeEspContent({ payload, padding, next }: EspContent): Uint8Array {
  const bytes = new Uint8Array(payload.length + padding + espSize.trailer);
  bytes.set(payload);
  for (let i = 0; i < padding; i += 1) bytes[payload.length + i] = i + 1;
  bytes[payload.length + padding] = padding;
  bytes[payload.length + padding + 1] = next;
  return bytes;
}

/** What a datagram to or from port 4500 is: four zero bytes where ESP has its SPI mean IKE (section 2.2). */
export function kindOfEncapsulated(bytes: Uint8Array): 'esp' | 'ike' | 'nat-keepalive' {
  if (bytes.length === 1 && bytes[0] === natKeepalive[0]) return 'nat-keepalive';
  return bytes.length >= 4 && view(bytes).getUint32(0) === 0 ? 'ike' : 'esp';
}
