/**
 * One subnet on two sides of a routed VPN: how a gateway leads to the addresses that are failed over.
 *
 * The documents say that an NSX Edge or an IPsec VPN may carry partial failover, and not how. What is
 * modelled is our assumption, after what Google documents for its hybrid subnets: the gateway at the
 * provider announces a host route for each replica that runs and whose address is known there, the
 * gateway in production takes it up, and whatever announces it costs no packet here.
 *
 * A host route alone serves other subnets, which send through the gateway. Machines of the subnet
 * itself never ask a router: they ask for the address by ARP, on their own segment, where nobody has
 * it. With `proxyArp` the gateways answer for it: in production for failed-over addresses alone, at
 * the provider for everything that is not there.
 */
import { type Instant, nanoseconds } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import type { Interface } from '../stack/interface.ts';
import type { IpStack } from '../stack/ip-stack.ts';
import type { Route, RouteTable } from '../stack/routes.ts';
import { anyIpv4, type Ipv4, type Prefix, showIpv4 } from '../wire/address.ts';

export interface HostRoutesOptions {
  readonly side: 'tenant' | 'provider';
  readonly network: string;
  readonly subnet: Prefix;
  readonly stack: IpStack;
  /** The adapter in the production network, or in the network of the replicas. */
  readonly segment: Interface;
  readonly tunnel: Interface;
  readonly proxyArp: boolean;
  /** At the provider: which way packets go that come from replicas, one table for all their networks. */
  readonly inside: RouteTable;
  /** What is at the other end of the tunnel: networks of production. */
  readonly remote: readonly Prefix[];
}

export class HostRoutes {
  readonly #options: HostRoutesOptions;
  #addresses: ReadonlySet<Ipv4> = new Set();

  constructor(options: HostRoutesOptions) {
    this.#options = options;
  }

  /** @param gateway What replicas have as their default gateway. */
  begin(gateway: Ipv4, now: Instant, sink: Sink): void {
    const { side, stack, segment, tunnel, subnet, proxyArp, inside, remote } = this.#options;
    if (side === 'tenant') return; // the router has its networks already
    const { length } = subnet;
    // With the whole subnet on the link nobody would look for the rest of it in the tunnel.
    const prefix = { address: gateway, length: proxyArp ? 32 : length };
    stack.addAddress(segment, prefix, 'static', now, sink);
    segment.table = inside;
    if (!proxyArp) inside.add(routeTo(subnet, segment));
    for (const there of remote) if (!inside.has(there)) inside.add(routeTo(there, tunnel));
    if (!proxyArp) return;
    stack.addRoute({ ...routeTo(subnet, segment), kind: 'unreachable' }, now, sink);
    segment.proxy = { routed: true, sameInterface: false, addresses: new Set(), delay: atOnce };
  }

  adopt(ip: Ipv4, now: Instant, sink: Sink, cause: number): void {
    if (this.#addresses.has(ip)) return;
    const { side, stack, segment, tunnel, inside } = this.#options;
    this.#addresses = new Set([...this.#addresses, ip]);
    const route = routeTo({ address: ip, length: 32 }, side === 'tenant' ? tunnel : segment);
    stack.addRoute(route, now, sink, cause);
    if (side === 'provider') inside.add(route);
    else this.#standIn(ip, 'added', now, sink, cause);
  }

  release(ip: Ipv4, now: Instant, sink: Sink, cause: number): void {
    if (!this.#addresses.has(ip)) return;
    const { side, stack, inside } = this.#options;
    this.#addresses = new Set([...this.#addresses].filter((one) => one !== ip));
    const gone = ({ prefix }: Route): boolean => prefix.address === ip && prefix.length === 32;
    stack.removeRoutes(gone, now, sink, cause);
    if (side === 'provider') inside.remove(gone);
    else this.#standIn(ip, 'removed', now, sink, cause);
  }

  /** In production, where the rest of the subnet answers for itself. */
  #standIn(ip: Ipv4, change: 'added' | 'removed', now: Instant, sink: Sink, cause: number): void {
    const { proxyArp, segment, stack, network } = this.#options;
    if (!proxyArp) return;
    const addresses = this.#addresses;
    segment.proxy =
      addresses.size === 0
        ? undefined
        : { routed: false, sameInterface: false, addresses, delay: atOnce };
    const fact = { kind: 'proxy-entry', network, ip: showIpv4(ip), change } as const;
    sink.log.tell(now, stack.name, cause, fact);
  }
}

/** Routers answer without the wait that Linux hosts are given (`proxy_delay`). */
const atOnce = nanoseconds(0);

const routeTo = (prefix: Prefix, on: Interface): Route => ({
  prefix,
  kind: 'unicast',
  interface: on,
  via: anyIpv4,
  metric: 0,
});
