/**
 * Which traffic a tunnel protects (RFC 4301 section 4.4.1.1): pairs of networks, ours and theirs.
 * Whatever else is sent into the tunnel, or comes out of it, is discarded.
 */
import { view } from '../../base/bytes.ts';
import { contains, type Prefix, readIpv4 } from '../../wire/address.ts';

export interface Selector {
  readonly local: Prefix;
  readonly remote: Prefix;
}

/** `from` for a packet from our side, `to` for one that comes to it. */
export function isSelected(
  selectors: readonly Selector[],
  packet: Uint8Array,
  direction: 'from' | 'to',
): boolean {
  const data = view(packet);
  const [source, destination] = [readIpv4(data, 12), readIpv4(data, 16)];
  const [ours, theirs] = direction === 'from' ? [source, destination] : [destination, source];
  return selectors.some(({ local, remote }) => contains(local, ours) && contains(remote, theirs));
}
