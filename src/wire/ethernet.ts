/**
 * Ethernet II frames with at most one VLAN tag (RFC 894; IEEE 802.3 clause 3, 802.1Q clause 9).
 * The check sequence is not part of a frame here.
 *
 *    0 target MAC   6 source MAC   12 type   14 payload
 *    0 target MAC   6 source MAC   12 0x8100   14 priority:3 drop-eligible:1 vlan:12   16 type   18
 */
import { view } from '../base/bytes.ts';
import { type Mac, readMac, writeMac } from './address.ts';
import { Malformed } from './malformed.ts';

export const etherType = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, ipv6: 0x86dd } as const;

/** Below this the type field is a length, and what follows is an IEEE 802.2 header. */
export const leastEtherType = 0x0600;

interface VlanTag {
  /** 0 to 7: the class of service. */
  readonly priority: number;
  readonly dropEligible: boolean;
  /** 1 to 4094; 0 gives a priority and no VLAN. */
  readonly vlan: number;
}

export interface Ethernet {
  readonly target: Mac;
  readonly source: Mac;
  readonly tag?: VlanTag;
  /** What the payload is. A second tag is not read: then this is 0x8100 once more. */
  readonly type: number;
  /** The rest of the frame, padding included. */
  readonly payload: Uint8Array;
}

const headerSize = 14;
const taggedSize = 18;

export function decodeEthernet(bytes: Uint8Array): Ethernet | Malformed {
  if (bytes.length < headerSize) return new Malformed('ethernet', 'truncated', bytes.length);
  const data = view(bytes);
  const target = readMac(data, 0);
  const source = readMac(data, 6);
  const type = data.getUint16(12);
  if (type !== etherType.vlan) return { target, source, type, payload: bytes.subarray(headerSize) };
  if (bytes.length < taggedSize) return new Malformed('ethernet', 'truncated', bytes.length);
  const control = data.getUint16(14);
  return {
    target,
    source,
    tag: {
      priority: control >>> 13,
      dropEligible: (control & 0x1000) !== 0,
      vlan: control & 0xfff,
    },
    type: data.getUint16(16),
    payload: bytes.subarray(taggedSize),
  };
}

/** Writes one frame. Adds no padding: virtual links need none. */
export function encodeEthernet(frame: Ethernet): Uint8Array {
  const size = frame.tag === undefined ? headerSize : taggedSize;
  const bytes = new Uint8Array(size + frame.payload.length);
  const data = view(bytes);
  writeMac(data, 0, frame.target);
  writeMac(data, 6, frame.source);
  if (frame.tag !== undefined) {
    const { priority, dropEligible, vlan } = frame.tag;
    data.setUint16(12, etherType.vlan);
    data.setUint16(14, (priority << 13) | (dropEligible ? 0x1000 : 0) | (vlan & 0xfff));
  }
  data.setUint16(size - 2, frame.type);
  bytes.set(frame.payload, size);
  return bytes;
}
