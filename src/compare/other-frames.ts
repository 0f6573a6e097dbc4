/** Frames that are neither ARP nor IPv4: nothing is left out unseen. */

import { showMac } from '../wire/address.ts';
import { etherType, leastEtherType } from '../wire/ethernet.ts';
import type { Account } from './account.ts';
import type { Item } from './item.ts';

const lldp = 0x88cc;
const igmp = 2;

export function otherItems({ sent }: Account): Item[] {
  const items: Item[] = [];
  const seen = new Set<string>();
  for (const { event, step, ethernet, arp, packet } of sent) {
    const isIgmp = packet?.protocol === igmp;
    if (arp !== undefined || (packet !== undefined && !isIgmp)) continue;
    const { type, target } = ethernet;
    const name = type < leastEtherType ? '802.3' : isIgmp ? 'IGMP' : `type 0x${type.toString(16)}`;
    const what = `${name} to ${showMac(target)}`;
    const stream = `${event.node} to ${showMac(target)}`;
    if (seen.has(`${stream} ${what}`)) continue;
    seen.add(`${stream} ${what}`);
    const background = type === etherType.ipv6 || type === lldp || isIgmp;
    const traits = background ? { background } : {};
    items.push({ stream, what, at: event.at, step, frame: event.id, traits });
  }
  return items;
}
