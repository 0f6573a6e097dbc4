/**
 * VXLAN: an Ethernet frame in a UDP datagram (RFC 7348 section 5).
 *
 *    0 flags   1 reserved   4 VNI   7 reserved   8 inner frame
 */
import { view } from '../base/bytes.ts';
import { etherType } from './ethernet.ts';
import { Malformed } from './malformed.ts';

export const vxlanPort = 4789;
/** The I flag: the VNI is valid. All other bits of the flags are reserved. */
export const vniFlag = 0x08;

/**
 * What a receiver makes of the reserved bits is its own decision: RFC 7348 says ignore them, Linux
 * drops the datagram. Without `vniFlag` it must drop.
 */
export interface Vxlan {
  /** `vniFlag`, and whatever else the sender set. */
  readonly flags: number;
  /** The network's number, 24 bits. */
  readonly vni: number;
  /** The 24 reserved bits before the VNI and the 8 after it, as one number; left out if all are 0. */
  readonly reserved?: number;
  /** The inner frame, without a check sequence. */
  readonly payload: Uint8Array;
}

const headerSize = 8;

export function decodeVxlan(bytes: Uint8Array): Vxlan | Malformed {
  if (bytes.length < headerSize) return new Malformed('vxlan', 'truncated', bytes.length);
  const data = view(bytes);
  const reserved = ((data.getUint32(0) << 8) | data.getUint8(7)) >>> 0;
  return {
    flags: data.getUint8(0),
    vni: data.getUint32(4) >>> 8,
    ...(reserved !== 0 && { reserved }),
    payload: bytes.subarray(headerSize),
  };
}

export function encodeVxlan(vxlan: Vxlan): Uint8Array {
  const bytes = new Uint8Array(headerSize + vxlan.payload.length);
  const data = view(bytes);
  const reserved = vxlan.reserved ?? 0;
  data.setUint32(0, (vxlan.flags << 24) | (reserved >>> 8));
  data.setUint32(4, (vxlan.vni << 8) | (reserved & 0xff));
  bytes.set(vxlan.payload, headerSize);
  return bytes;
}

/**
 * The outer source port for an inner frame: the same for all frames of a flow, so that they stay
 * in order, and spread over 49152 to 65535 so that routers can balance (RFC 7348 section 5).
 *
 * A flow here is a pair of MAC and, for IPv4, IP addresses: ports are missing from all but the
 * first fragment, so they are left out of the hash. The hash is FNV-1a.
 */
export function vxlanSourcePort(frame: Uint8Array): number {
  const isIpv4 = frame[12] === etherType.ipv4 >>> 8 && frame[13] === (etherType.ipv4 & 0xff);
  let hash = fnv(0x811c9dc5, frame.subarray(0, 14));
  if (isIpv4) hash = fnv(hash, frame.subarray(26, 34));
  return 0xc000 | ((hash ^ (hash >>> 16)) & 0x3fff);
}

function fnv(hash: number, bytes: Uint8Array): number {
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}
