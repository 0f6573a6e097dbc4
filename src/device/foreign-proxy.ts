/**
 * Proxy ARP of somebody who has nothing to do with the failover: a list of addresses that a machine
 * answers for, whoever has them, as a second appliance or a forgotten cluster node does.
 */
import type { Frame } from '../base/frame.ts';
import type { Instant } from '../base/time.ts';
import { arpReply, arpRequest, sendArp } from '../stack/arp.ts';
import type { Sink } from '../stack/device.ts';
import type { ArpFields, ArpWatcher, Interface } from '../stack/interface.ts';
import { type Ipv4, showIpv4 } from '../wire/address.ts';

export class ForeignProxy implements ArpWatcher {
  readonly #addresses: ReadonlySet<Ipv4>;

  constructor(addresses: Iterable<Ipv4>) {
    this.#addresses = new Set(addresses);
  }

  start(name: string, network: string, on: Interface, now: Instant, sink: Sink): void {
    on.watch(this);
    for (const ip of this.#addresses) {
      const fact = { kind: 'proxy-entry', network, ip: showIpv4(ip), change: 'added' } as const;
      sink.log.tell(now, name, -1, fact);
    }
  }

  arp(fields: ArpFields, from: Interface, frame: Frame, _now: Instant, sink: Sink): boolean {
    const { operation, senderIp, senderMac, targetIp } = fields;
    // Who asks from no address only wants to know whether it is free (RFC 5227 section 2.1.1).
    if (operation !== arpRequest || senderIp === 0 || !this.#addresses.has(targetIp)) return false;
    const [high, low] = [Math.floor(senderMac / 2 ** 32), (senderMac % 2 ** 32) | 0];
    sendArp(from, arpReply, high, low, targetIp, high, low, senderIp, frame.cause, sink);
    return false; // what it tells of its sender is for the neighbour table too
  }
}
