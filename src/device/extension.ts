/**
 * One production network on one network extension appliance: an end of its tunnel, and the data
 * plane that uses it. Both sides are this class; what differs is the side.
 */

import type { Frame } from '../base/frame.ts';
import type { Random } from '../base/random.ts';
import type { Duration, Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import type { Interface, PacketCarrier } from '../stack/interface.ts';
import type { WireGuardCrypto } from '../stack/wireguard/crypto.ts';
import type { Endpoint } from '../stack/wireguard/endpoint.ts';
import type { PeerOptions, PeerState } from '../stack/wireguard/peer.ts';
import { anyIpv4, type Ipv4, type Mac, type Prefix } from '../wire/address.ts';
import { BridgePlane } from './bridge-plane.ts';
import { type DataPlane, farAddress, innerAddress, type PlaneMode } from './data-plane.ts';
import type { FarSide } from './proxy-arp.ts';
import { ProxyPlane, type ProxyPlaneOptions } from './proxy-plane.ts';
import type { Tunnel } from './tunnel.ts';
import type { Works } from './works.ts';

/** 1 January 2026: what WireGuard's timestamps count from in the lab. */
const epoch = 1_767_225_600;
/** Odd ports from 1195 on, one per production network (Veeam Cloud Connect guide, Ports). */
export const tunnelPort = (index: number): number => 1195 + 2 * index;

export interface ExtensionOptions
  extends Omit<ProxyPlaneOptions, 'inner' | 'far' | 'answersAfter'> {
  readonly mode: PlaneMode;
  readonly mtu: number;
  readonly mssClamp: boolean;
  readonly pmtud: boolean;
  readonly random: Random;
  readonly works: Works;
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
  /** The end that waits needs not, unless the other is to notice when it is out of reach. */
  readonly sendsKeepalives: boolean;
  /** In place of what the addresses ask for. */
  readonly allowedIps: readonly Prefix[] | undefined;
  readonly onState: (state: PeerState, now: Instant) => void;
}

export class Extension implements PacketCarrier {
  readonly #options: ExtensionOptions;
  /** Made for the first tunnel; they stay when it stops, for the next one. */
  #inner: Interface | undefined;
  #plane: DataPlane | undefined;
  #tunnel: Tunnel | undefined;
  #config: TunnelConfig | undefined;
  #begun = false;
  /** How many seconds the clock of the appliance is ahead. */
  #clock = 0;
  readonly #adopted = new Set<Ipv4>();

  constructor(options: ExtensionOptions) {
    this.#options = options;
  }

  /**
   * A process of its own hangs.
   *
   * @returns Whether there is one: a kernel's proxy ARP has none, a bridge neither, nor what was not started.
   */
  hang(daemon: 'vpn' | 'proxy_arp', hung: boolean, sink: Sink): boolean {
    if (this.#tunnel === undefined) return false;
    if (daemon === 'proxy_arp') return this.#plane?.hang(hung, sink) ?? false;
    this.#tunnel.hang(hung, sink);
    return true;
  }

  /** The wall clock of the appliance jumps; tunnels to come go by it as well. */
  stepClock(bySeconds: number): void {
    this.#clock += bySeconds;
    this.#tunnel?.stepClock(bySeconds);
  }

  get tunnel(): Tunnel | undefined {
    return this.#tunnel;
  }

  startTunnel(config: TunnelConfig, now: Instant, sink: Sink, cause: number): Tunnel {
    if (this.#tunnel) this.stopTunnel(now, sink, cause);
    const { network, stack, index, side, mtu, random, works } = this.#options;
    this.#config = config;
    this.#inner ??= this.#addInterface();
    this.#plane ??= this.#addPlane(this.#inner);
    const peer = this.#peer(config.endpoint);
    const { privateKey, crypto, port, onState } = config;
    const own = { privateKey, crypto, random, epoch: epoch + this.#clock, mtu };
    const joined = { network, stack, inner: this.#inner, port, onState };
    const tunnel = works.tunnel({ ...own, ...joined, peer }, now);
    this.#tunnel = tunnel;
    const address = { address: innerAddress(index, side), length: 32 };
    stack.addAddress(this.#inner, address, 'appliance', now, sink, cause);
    const prefix = { address: farAddress(this.#options), length: 32 };
    const toFar = { prefix, interface: this.#inner, via: anyIpv4, metric: 0 } as const;
    stack.addRoute({ ...toFar, kind: 'unicast' }, now, sink, cause);
    this.#plane.tunnelStarted(now, sink, cause);
    tunnel.start(config.endpoint !== undefined, now, sink, cause);
    return tunnel;
  }

  /**
   * Lets the data plane begin, if it has not, and tells it which addresses are failed over.
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
    if (this.#plane === undefined || this.#tunnel === undefined)
      throw new Error('a data plane without a tunnel');
    if (!this.#begun) this.#plane.begin(now, sink, cause);
    this.#begun = true;
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
    this.#begun = false;
    this.#plane?.end(now, sink, cause);
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

  get #farSide(): FarSide {
    const state = this.#tunnel?.state;
    if (state === 'up') return 'up';
    // A keepalive goes on trying. Without one, a packet is what it takes to try again.
    const keepsTrying = this.#config?.keepalive !== undefined;
    return state === undefined || (state === 'failed' && keepsTrying) ? 'down' : 'coming';
  }

  #addInterface(): Interface {
    const { network, stack, mtu, mssClamp, pmtud, works } = this.#options;
    const inner = stack.addInterface({ name: `wg-${network}`, mac: 0 as Mac, mtu, carrier: this });
    if (mssClamp) works.clampMss(stack, inner);
    if (!pmtud) works.hideMtu(stack);
    return inner;
  }

  #addPlane(inner: Interface): DataPlane {
    const { answersAfter } = this.#options.works;
    const far = (): FarSide => this.#farSide;
    const options: ProxyPlaneOptions = { ...this.#options, answersAfter, inner, far };
    return this.#options.mode === 'l2-bridge' ? new BridgePlane(options) : new ProxyPlane(options);
  }

  #adopt(ip: Ipv4, now: Instant, sink: Sink, cause: number): void {
    this.#adopted.add(ip);
    this.#plane?.adopt(ip, now, sink, cause);
    this.#configurePeer(now, sink, cause);
  }

  #release(ip: Ipv4, owner: Mac | undefined, now: Instant, sink: Sink, cause: number): void {
    this.#adopted.delete(ip);
    this.#plane?.release(ip, owner, now, sink, cause);
    this.#configurePeer(now, sink, cause);
  }

  /** The cryptokey routes follow the addresses that are failed over. */
  #configurePeer(now: Instant, sink: Sink, cause: number): void {
    this.#tunnel?.configure(this.#peer(undefined), now, sink, cause);
  }

  #peer(endpoint: Endpoint | undefined): PeerOptions {
    const { peerKey, presharedKey, keepalive, sendsKeepalives, allowedIps } = this.#config!;
    const wanted = allowedIps ?? this.#plane?.allowedIps ?? [];
    return {
      publicKey: peerKey,
      allowedIps: [{ address: farAddress(this.#options), length: 32 }, ...wanted],
      ...(presharedKey ? { presharedKey } : {}),
      ...(endpoint ? { endpoint } : {}),
      ...(keepalive && sendsKeepalives ? { persistentKeepalive: keepalive } : {}),
    };
  }
}
