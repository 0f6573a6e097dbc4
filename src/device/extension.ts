/**
 * One production network on one network extension appliance: an end of its tunnel, its proxy-ARP
 * daemon, and the routes that go with them. Both sides are this class; what differs is the side.
 *
 * Routes on the tenant side: each failed-over address into the tunnel. On the provider side: each
 * failed-over address onto its network, the rest of the subnet into the tunnel, and everything
 * else that comes from the replicas too: their default gateway is at the tenant.
 */

import type { Frame } from '../base/frame.ts';
import type { Random } from '../base/random.ts';
import type { Duration, Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import type { PacketCarrier } from '../stack/interface.ts';
import { type Interface, kernelProxyDelay } from '../stack/interface.ts';
import type { IpStack } from '../stack/ip-stack.ts';
import { type Route, RouteTable } from '../stack/routes.ts';
import type { WireGuardCrypto } from '../stack/wireguard/crypto.ts';
import type { Endpoint } from '../stack/wireguard/endpoint.ts';
import type { PeerOptions, PeerState } from '../stack/wireguard/peer.ts';
import { WireGuard } from '../stack/wireguard/tunnel.ts';
import { anyIpv4, type Ipv4, ipv4, type Mac, type Prefix, showIpv4 } from '../wire/address.ts';
import { addGuard } from './guards.ts';
import { type FarSide, ProxyArp } from './proxy-arp.ts';
import { ProxyArpPort } from './proxy-arp-port.ts';
import { TunnelClamp, TunnelEnd } from './tunnel-end.ts';

export type Side = 'tenant' | 'provider';

/** 1 January 2026: what WireGuard's timestamps count from in the lab. */
const epoch = 1_767_225_600;
const daemonPort = 6181;
/** Odd ports from 1195 on, one per production network (Veeam Cloud Connect guide, Ports). */
export const tunnelPort = (index: number): number => 1195 + 2 * index;

/** The appliances' own addresses in a tunnel, for their daemons. */
const innerAddress = (index: number, side: Side): Ipv4 =>
  (ipv4('169.254.200.0') + index * 256 + (side === 'provider' ? 1 : 2)) as Ipv4;

export interface ExtensionOptions {
  readonly side: Side;
  readonly network: string;
  readonly subnet: Prefix;
  readonly index: number;
  readonly stack: IpStack;
  /** The adapter in the production network, or in the network of the replicas. */
  readonly segment: Interface;
  readonly proxyArp: 'relay' | 'static' | 'kernel' | 'none';
  readonly announcesUp: boolean;
  readonly announcesDown: boolean;
  readonly mtu: number;
  readonly mssClamp: boolean;
  readonly pmtud: boolean;
  readonly random: Random;
}

export interface TunnelConfig {
  readonly privateKey: Uint8Array;
  readonly peerKey: Uint8Array;
  readonly presharedKey: Uint8Array | undefined;
  readonly crypto: WireGuardCrypto;
  readonly port: number;
  /** Whom to dial; undefined for the end that waits. */
  readonly endpoint: Endpoint | undefined;
  readonly keepalive: Duration | undefined;
  /** In place of what the addresses ask for. */
  readonly allowedIps: readonly Prefix[] | undefined;
  readonly onState: (state: PeerState, now: Instant) => void;
}

export class Extension implements PacketCarrier {
  readonly #options: ExtensionOptions;
  #tunnel: TunnelEnd | undefined;
  #config: TunnelConfig | undefined;
  /** Stays when the tunnel stops, for the next one. */
  #inner: Interface | undefined;
  #configured = false;
  #port: ProxyArpPort | undefined;
  readonly #adopted = new Set<Ipv4>();

  constructor(options: ExtensionOptions) {
    this.#options = options;
  }

  get tunnel(): TunnelEnd | undefined {
    return this.#tunnel;
  }

  startTunnel(config: TunnelConfig, now: Instant, sink: Sink, cause: number): void {
    if (this.#tunnel) this.stopTunnel(now, sink, cause);
    const { network, stack, index, side, mtu, random } = this.#options;
    this.#config = config;
    const peer = this.#peer(config.endpoint);
    const { privateKey, crypto } = config;
    const wireguard = new WireGuard({ privateKey, crypto, random, epoch, mtu, peers: [peer] }, now);
    const { port, onState } = config;
    const tunnel = new TunnelEnd({ network, port, stack, wireguard, onState });
    this.#tunnel = tunnel;
    this.#inner ??= this.#addInterface();
    tunnel.join(this.#inner);
    const address = { address: innerAddress(index, side), length: 32 };
    stack.addAddress(this.#inner, address, 'appliance', now, sink, cause);
    this.#routeInto(this.#far, 32, now, sink, cause);
    // What the last tunnel took along when it stopped.
    if (side === 'tenant')
      for (const ip of this.#adopted) this.#routeInto(ip, 32, now, sink, cause);
    else if (this.#configured) this.#routeToSubnet(now, sink, cause);
    if (!this.#options.pmtud) stack.icmp.tellsFragmentationNeeded = false;
    tunnel.start(config.endpoint !== undefined, now, sink, cause);
  }

  /**
   * Starts the daemon, if it is not running, and tells it which addresses are failed over.
   *
   * @param owners MAC addresses of the machines that have the other addresses again, as far as known.
   */
  configureProxy(
    addresses: readonly Ipv4[],
    owners: ReadonlyMap<Ipv4, Mac>,
    now: Instant,
    sink: Sink,
    cause: number,
  ): void {
    if (this.#tunnel === undefined) throw new Error('a proxy-ARP daemon without a tunnel');
    if (!this.#configured) this.#configure(now, sink, cause);
    for (const ip of [...this.#adopted]) {
      if (!addresses.includes(ip)) this.#release(ip, owners.get(ip), now, sink, cause);
    }
    for (const ip of addresses) {
      if (!this.#adopted.has(ip)) this.#adopt(ip, now, sink, cause);
    }
  }

  /** @param owners MAC addresses of the machines that have the addresses from now on, as far as known. */
  withdraw(owners: ReadonlyMap<Ipv4, Mac>, now: Instant, sink: Sink, cause: number): void {
    for (const ip of [...this.#adopted]) this.#release(ip, owners.get(ip), now, sink, cause);
    this.#port?.stop();
    this.#port = undefined;
    if (!this.#configured) return;
    this.#configured = false;
    const { side, segment, stack } = this.#options;
    segment.proxy = undefined;
    segment.sendsRedirects = true;
    if (side === 'tenant') return;
    const ours = (route: Route): boolean =>
      route.interface === this.#inner && route.prefix.address !== this.#far;
    stack.removeRoutes(ours, now, sink, cause);
    segment.table?.remove(ours);
    if (segment.table?.all.length === 0) segment.table = undefined;
  }

  stopTunnel(now: Instant, sink: Sink, cause: number): void {
    const inner = this.#inner;
    if (this.#tunnel === undefined || inner === undefined) return;
    this.#tunnel.stop(now, sink, cause);
    this.#tunnel = undefined;
    const { stack } = this.#options;
    stack.removeRoutes((route) => route.interface === inner, now, sink, cause);
    stack.removeAddress(inner, inner.ip, now, sink, cause);
  }

  /** Into the tunnel. */
  carry(frame: Frame, now: Instant, sink: Sink): void {
    if (this.#tunnel) this.#tunnel.carry(frame, now, sink);
    else this.#options.stack.ends(frame, 'TUNNEL_DOWN', undefined, sink);
  }

  get #far(): Ipv4 {
    return innerAddress(
      this.#options.index,
      this.#options.side === 'tenant' ? 'provider' : 'tenant',
    );
  }

  get #farSide(): FarSide {
    const state = this.#tunnel?.state;
    if (state === 'up') return 'up';
    // A keepalive goes on trying. Without one, a packet is what it takes to try again.
    const keepsTrying = this.#config?.keepalive !== undefined;
    return state === undefined || (state === 'failed' && keepsTrying) ? 'down' : 'coming';
  }

  #addInterface(): Interface {
    const { network, stack, mtu, mssClamp } = this.#options;
    const inner = stack.addInterface({ name: `wg-${network}`, mac: 0 as Mac, mtu, carrier: this });
    if (mssClamp) addGuard(stack, new TunnelClamp(inner));
    return inner;
  }

  #configure(now: Instant, sink: Sink, cause: number): void {
    const { side, network, subnet, stack, segment, proxyArp } = this.#options;
    this.#configured = true;
    const inner = this.#inner!;
    if (side === 'provider') {
      this.#routeToSubnet(now, sink, cause);
      // Two production networks may end in one network here, and then share the table.
      segment.table ??= new RouteTable();
      segment.table.add(routeTo(subnet, inner));
      segment.table.add(routeTo({ address: anyIpv4, length: 0 }, inner));
    }
    segment.sendsRedirects = false;
    if (proxyArp === 'none') return;
    if (proxyArp === 'kernel') {
      const addresses = new Set<Ipv4>();
      segment.proxy = { routed: true, sameInterface: false, addresses, delay: kernelProxyDelay };
      return;
    }
    const { announcesUp, announcesDown } = this.#options;
    const daemon = new ProxyArp({
      mode: proxyArp,
      scope: side === 'tenant' ? { kind: 'addresses' } : { kind: 'rest-of-subnet', subnet },
      announcesUp,
      announcesDown,
      own: () => segment.ip,
      ownMac: segment.mac,
      far: () => this.#farSide,
    });
    this.#port = new ProxyArpPort({
      daemon,
      network,
      stack,
      segment,
      tunnel: inner,
      far: this.#far,
      udpPort: daemonPort + this.#options.index,
    });
    this.#port.start();
  }

  #adopt(ip: Ipv4, now: Instant, sink: Sink, cause: number): void {
    const { side, segment, stack } = this.#options;
    this.#adopted.add(ip);
    if (side === 'tenant') this.#routeInto(ip, 32, now, sink, cause);
    else {
      const route = routeTo({ address: ip, length: 32 }, segment);
      stack.addRoute(route, now, sink, cause);
      segment.table?.add(route);
    }
    this.#configurePeer(now, sink, cause);
    this.#port?.adopt(ip, now, sink, cause);
    this.#tellKernelEntry(ip, 'added', now, sink, cause);
  }

  /** The kernel has no list of its own: what is routed elsewhere is what it answers for, and nobody announces it. */
  #tellKernelEntry(
    ip: Ipv4,
    change: 'added' | 'removed',
    now: Instant,
    sink: Sink,
    cause: number,
  ): void {
    const { proxyArp, network, stack } = this.#options;
    if (proxyArp !== 'kernel') return;
    const fact = { kind: 'proxy-entry', network, ip: showIpv4(ip), change } as const;
    sink.log.tell(now, stack.name, cause, fact);
  }

  #release(ip: Ipv4, owner: Mac | undefined, now: Instant, sink: Sink, cause: number): void {
    const { stack, segment } = this.#options;
    this.#adopted.delete(ip);
    this.#port?.withdraw(ip, owner, now, sink, cause);
    this.#tellKernelEntry(ip, 'removed', now, sink, cause);
    const gone = (route: Route): boolean =>
      route.prefix.address === ip && route.prefix.length === 32;
    stack.removeRoutes(gone, now, sink, cause);
    segment.table?.remove(gone);
    this.#configurePeer(now, sink, cause);
  }

  #routeToSubnet(now: Instant, sink: Sink, cause: number): void {
    const { address, length } = this.#options.subnet;
    this.#routeInto(address, length, now, sink, cause);
  }

  #routeInto(address: Ipv4, length: number, now: Instant, sink: Sink, cause: number): void {
    const route = routeTo({ address, length }, this.#inner!);
    this.#options.stack.addRoute(route, now, sink, cause);
  }

  /** The cryptokey routes follow the addresses that are failed over. */
  #configurePeer(now: Instant, sink: Sink, cause: number): void {
    this.#tunnel?.configure(this.#peer(undefined), now, sink, cause);
  }

  #peer(endpoint: Endpoint | undefined): PeerOptions {
    const { peerKey, presharedKey, keepalive, allowedIps } = this.#config!;
    const wanted = allowedIps ?? this.#allowed();
    return {
      publicKey: peerKey,
      allowedIps: [{ address: this.#far, length: 32 }, ...wanted],
      ...(presharedKey ? { presharedKey } : {}),
      ...(endpoint ? { endpoint } : {}),
      ...(keepalive && this.#options.side === 'tenant' ? { persistentKeepalive: keepalive } : {}),
    };
  }

  #allowed(): readonly Prefix[] {
    if (this.#options.side === 'provider')
      return [this.#options.subnet, { address: anyIpv4, length: 0 }];
    return [...this.#adopted].map((address) => ({ address, length: 32 }));
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
