/**
 * The data plane `proxy-arp-l3`: each appliance answers ARP for what is on the other side, and what
 * it attracts so is routed through the tunnel. Broadcasts and DHCP do not cross.
 *
 * Routes on the tenant side: each failed-over address into the tunnel. On the provider side: each
 * failed-over address onto its network, the rest of the subnet into the tunnel, and everything
 * else that comes from the replicas too: their default gateway is at the tenant.
 */
import type { Duration, Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import { type Interface, kernelProxyDelay } from '../stack/interface.ts';
import type { Route } from '../stack/routes.ts';
import { anyIpv4, type Ipv4, type Mac, type Prefix, showIpv4 } from '../wire/address.ts';
import { type DataPlane, farAddress, type PlaneOptions } from './data-plane.ts';
import { ProxyArp, type Scope } from './proxy-arp.ts';
import { ProxyArpPort } from './proxy-arp-port.ts';

const daemonPort = 6181;

/** For whom an appliance answers: as the operation says, or wrongly for more. */
export type ProxyScope = 'as-told' | 'subnet' | 'everything';

export interface ProxyPlaneOptions extends PlaneOptions {
  readonly scope: ProxyScope;
  readonly subnet: Prefix;
  readonly proxyArp: 'relay' | 'static' | 'kernel' | 'none';
  readonly announcesUp: boolean;
  readonly announcesDown: boolean;
  readonly answersAfter: Duration;
}

export class ProxyPlane implements DataPlane {
  readonly #options: ProxyPlaneOptions;
  readonly #adopted = new Set<Ipv4>();
  #begun = false;
  #port: ProxyArpPort | undefined;

  constructor(options: ProxyPlaneOptions) {
    this.#options = options;
  }

  get allowedIps(): readonly Prefix[] {
    if (this.#options.side === 'provider')
      return [this.#options.subnet, { address: anyIpv4, length: 0 }];
    return [...this.#adopted].map((address) => ({ address, length: 32 }));
  }

  begin(now: Instant, sink: Sink, cause: number): void {
    const { side, network, subnet, stack, segment, inner, index, proxyArp } = this.#options;
    this.#begun = true;
    if (side === 'provider') {
      this.#routeToSubnet(now, sink, cause);
      // Two production networks may end in one network here, and then share the table.
      stack.addRouteFrom(segment, routeTo(subnet, inner));
      stack.addRouteFrom(segment, routeTo({ address: anyIpv4, length: 0 }, inner));
    }
    stack.tellShorterWays(segment, false);
    if (proxyArp === 'none') return;
    if (proxyArp === 'kernel') {
      if (side === 'tenant') this.#routeTooMuch();
      this.#setKernelProxy();
      return;
    }
    const { announcesUp, announcesDown, far } = this.#options;
    const daemon = new ProxyArp({
      mode: proxyArp,
      scope: this.#daemonScope(),
      announcesUp: side === 'tenant' && announcesUp,
      announcesDown: side === 'tenant' && announcesDown,
      own: () => segment.ip,
      ownMac: segment.mac,
      far,
    });
    this.#port = new ProxyArpPort({
      daemon,
      network,
      stack,
      segment,
      tunnel: inner,
      far: farAddress(this.#options),
      udpPort: daemonPort + index,
      answersAfter: this.#options.answersAfter,
    });
    this.#port.start();
  }

  /** Routes into a tunnel go with it. */
  tunnelStarted(now: Instant, sink: Sink, cause: number): void {
    if (this.#options.side === 'tenant')
      for (const ip of this.#adopted) this.#routeInto(ip, 32, now, sink, cause);
    else if (this.#begun) this.#routeToSubnet(now, sink, cause);
  }

  adopt(ip: Ipv4, now: Instant, sink: Sink, cause: number): void {
    const { side, segment, stack } = this.#options;
    this.#adopted.add(ip);
    if (side === 'tenant') this.#routeInto(ip, 32, now, sink, cause);
    else {
      const route = routeTo({ address: ip, length: 32 }, segment);
      stack.addRoute(route, now, sink, cause);
      stack.addRouteFrom(segment, route);
    }
    this.#port?.adopt(ip, now, sink, cause);
    this.#tellKernelEntry(ip, 'added', now, sink, cause);
  }

  hang(hung: boolean, sink: Sink): boolean {
    this.#port?.hang(hung, sink);
    return this.#port !== undefined;
  }

  release(ip: Ipv4, owner: Mac | undefined, now: Instant, sink: Sink, cause: number): void {
    const { stack, segment } = this.#options;
    this.#adopted.delete(ip);
    this.#port?.withdraw(ip, owner, now, sink, cause);
    this.#tellKernelEntry(ip, 'removed', now, sink, cause);
    const gone = (route: Route): boolean =>
      route.prefix.address === ip && route.prefix.length === 32;
    stack.removeRoutes(gone, now, sink, cause);
    stack.removeRoutesFrom(segment, gone);
  }

  end(now: Instant, sink: Sink, cause: number): void {
    this.#port?.stop();
    this.#port = undefined;
    if (!this.#begun) return;
    this.#begun = false;
    const { side, segment, stack, inner } = this.#options;
    stack.standIn(segment, undefined);
    stack.tellShorterWays(segment, true);
    if (side === 'tenant') {
      stack.removeRoutesFrom(segment, () => true);
      return;
    }
    const far = farAddress(this.#options);
    const ours = (route: Route): boolean =>
      route.interface === inner && route.prefix.address !== far;
    stack.removeRoutes(ours, now, sink, cause);
    stack.removeRoutesFrom(segment, ours);
  }

  #daemonScope(): Scope {
    const { side, scope, subnet } = this.#options;
    if (scope === 'everything') return { kind: scope };
    if (scope === 'subnet') return { kind: scope, subnet };
    return side === 'tenant' ? { kind: 'addresses' } : { kind: 'rest-of-subnet', subnet };
  }

  /** The kernel answers for what is routed elsewhere, so too much of the one is too much of the other. */
  #routeTooMuch(): void {
    const { scope, stack, segment, subnet, inner } = this.#options;
    if (scope === 'as-told') return;
    stack.addRouteFrom(segment, routeTo(subnet, inner));
    if (scope === 'everything')
      stack.addRouteFrom(segment, routeTo({ address: anyIpv4, length: 0 }, inner));
  }

  /** In production for failed-over addresses alone (`ip neigh add proxy`), else for all that is routed elsewhere. */
  #setKernelProxy(): void {
    const { side, scope, stack, segment } = this.#options;
    const routed = side === 'provider' || scope !== 'as-told';
    const addresses = new Set(routed ? [] : this.#adopted);
    stack.standIn(segment, { routed, sameInterface: false, addresses, delay: kernelProxyDelay });
  }

  /** Nobody announces what the kernel answers for. */
  #tellKernelEntry(
    ip: Ipv4,
    change: 'added' | 'removed',
    now: Instant,
    sink: Sink,
    cause: number,
  ): void {
    const { proxyArp, network, stack } = this.#options;
    if (proxyArp !== 'kernel') return;
    if (this.#begun) this.#setKernelProxy();
    const fact = { kind: 'proxy-entry', network, ip: showIpv4(ip), change } as const;
    sink.log.tell(now, stack.name, cause, fact);
  }

  #routeToSubnet(now: Instant, sink: Sink, cause: number): void {
    const { address, length } = this.#options.subnet;
    this.#routeInto(address, length, now, sink, cause);
  }

  #routeInto(address: Ipv4, length: number, now: Instant, sink: Sink, cause: number): void {
    const route = routeTo({ address, length }, this.#options.inner);
    this.#options.stack.addRoute(route, now, sink, cause);
  }
}

/** To a destination on the link, or through the tunnel. */
const routeTo = (prefix: Prefix, on: Interface): Route => ({
  prefix,
  kind: 'unicast',
  interface: on,
  via: anyIpv4,
  metric: 0,
});
