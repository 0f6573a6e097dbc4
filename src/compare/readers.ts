/** What reads each layer of a run. */
import type { Account } from './account.ts';
import { arpItems } from './arp.ts';
import type { Layer } from './comparison.ts';
import { dhcpItems } from './dhcp.ts';
import type { Item } from './item.ts';
import { otherItems } from './other-frames.ts';
import { arrivalItems, deliveryItems, icmpItems } from './packets.ts';
import { addressItems, neighbourItems, switchItems } from './tables.ts';
import { tcpItems } from './tcp.ts';
import { verdictItems } from './verdicts.ts';
import { wireguardItems } from './wireguard.ts';

export const readers: Record<Layer, (account: Account) => Item[]> = {
  verdicts: verdictItems,
  ARP: arpItems,
  'ICMP errors': icmpItems,
  arrivals: arrivalItems,
  deliveries: deliveryItems,
  neighbours: neighbourItems,
  'switch entries': switchItems,
  addresses: addressItems,
  TCP: tcpItems,
  DHCP: dhcpItems,
  WireGuard: wireguardItems,
  'other frames': otherItems,
};
