/**
 * What may leave for a real network. A simulated appliance answers ARP for machines that are
 * elsewhere, and a simulated DHCP server leases addresses: real hosts would believe them. So nothing
 * but IP passes, unless it is allowed by its name.
 */
import type { Allowance } from '../lab/topology.ts';
import { anyIpv4, broadcastMac, type Ipv4, type Mac } from '../wire/address.ts';
import { decodeArp } from '../wire/arp.ts';
import { type Ethernet, etherType } from '../wire/ethernet.ts';
import { decodeIpv4, ipProtocol } from '../wire/ipv4.ts';
import { Malformed } from '../wire/malformed.ts';

/** Whether a machine with that MAC address has this IP address at this moment. */
export type Owns = (mac: Mac, ip: Ipv4) => boolean;

/** All that a frame must be allowed, which may be nothing; undefined where no allowance helps. */
export function allowancesFor(frame: Ethernet, owns: Owns): readonly Allowance[] | undefined {
  switch (frame.type) {
    case etherType.arp:
      return forArp(frame, owns);
    case etherType.ipv4:
      return forIpv4(frame.payload);
    default:
      return undefined; // BPDUs, among others
  }
}

function forArp(frame: Ethernet, owns: Owns): readonly Allowance[] | undefined {
  const arp = decodeArp(frame.payload);
  if (arp instanceof Malformed) return undefined;
  const { operation, senderMac, senderIp, targetIp } = arp;
  // A probe claims nothing yet (RFC 5227 section 1.1).
  const isOwn = senderMac === frame.source && (senderIp === anyIpv4 || owns(senderMac, senderIp));
  const isAnnouncement =
    senderIp === targetIp || (operation === 'reply' && frame.target === broadcastMac);
  if (isOwn && !isAnnouncement) return ['arp'];
  return [
    ...(isOwn ? [] : ['proxy_arp' as const]),
    ...(isAnnouncement ? ['announcements' as const] : []),
  ];
}

const dhcpPorts: readonly number[] = [67, 68];

function forIpv4(bytes: Uint8Array): readonly Allowance[] | undefined {
  const packet = decodeIpv4(bytes);
  if (packet instanceof Malformed) return undefined;
  // Later fragments say no port; without the first they are worth nothing.
  if (packet.protocol !== ipProtocol.udp || packet.fragmentOffset > 0) return [];
  const { payload } = packet;
  if (payload.length < 4) return undefined;
  const ports = [payload[0]! * 256 + payload[1]!, payload[2]! * 256 + payload[3]!];
  return ports.some((port) => dhcpPorts.includes(port)) ? ['dhcp'] : [];
}
