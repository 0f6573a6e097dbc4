/** Tunnel mode: the header around the sealed packet, and how much of a link it takes (RFC 4301 sections 5.1.2 and 8). */
import { espPadding, espSize } from '../../wire/esp.ts';

const ipHeader = 20;
const udpHeader = 8;

/** What becomes of "do not fragment": RFC 4301 section 8.1 asks for this choice. */
export type DontFragment = 'copy' | 'set' | 'clear';

export interface OuterFields {
  /** DSCP as inside. Nothing is taken over in the other direction, and no router here marks congestion. */
  readonly tos: number;
  readonly dontFragment: boolean;
}

export function outerFields(packet: Uint8Array, policy: DontFragment): OuterFields {
  const inner = (packet[6]! & 0x40) !== 0;
  return { tos: packet[1]!, dontFragment: policy === 'copy' ? inner : policy === 'set' };
}

/** The largest packet that fits, sealed, into a packet of `mtu` bytes. */
export function innerMtu(mtu: number, inUdp: boolean): number {
  const overhead = ipHeader + (inUdp ? udpHeader : 0) + espSize.header + espSize.icv;
  const room = mtu - overhead - espSize.trailer;
  // What does not end on a multiple of four, trailer and all, is padded up to it.
  return room - ((4 - espPadding(room)) % 4);
}
