/** An adapter as its IP stack sees it: addresses, a neighbour table, what it answers ARP for. */
import type { Frame } from '../base/frame.ts';
import type { Random } from '../base/random.ts';
import { type Duration, type Instant, milliseconds } from '../base/time.ts';
import type { AddressOrigin } from '../trace/event.ts';
import {
  broadcastOf,
  contains,
  type Ipv4,
  type Mac,
  maskOf,
  type Prefix,
} from '../wire/address.ts';
import type { Port, Sink } from './device.ts';
import { NeighbourTable } from './neighbours.ts';
import type { Profile } from './profile.ts';
import type { RouteTable } from './routes.ts';

/** An ARP packet as it lies in a frame, read once. */
export interface ArpFields {
  readonly operation: number;
  readonly senderMac: Mac;
  readonly senderIp: Ipv4;
  readonly targetMac: Mac;
  readonly targetIp: Ipv4;
  /** Addressed to this adapter alone. */
  readonly unicast: boolean;
}

/** Sees every ARP packet that reaches an interface, before the stack acts on it. */
export interface ArpWatcher {
  /** Returns true if it has dealt with the packet and nobody else should. */
  arp(fields: ArpFields, from: Interface, frame: Frame, now: Instant, sink: Sink): boolean;
}

/** Sees every frame that comes in by an adapter, whomever it is for, before the stack does. */
export interface FrameTap {
  /** Only reads the frame. Returns true if it has dealt with it and the stack should not. */
  frame(frame: Frame, now: Instant, sink: Sink): boolean;
}

/** The other end of an interface that is no adapter but a tunnel: takes IP packets. */
export interface PacketCarrier {
  /** The frame holds an IP packet from byte 14 on; what lies before it is of no meaning. */
  carry(frame: Frame, now: Instant, sink: Sink): void;
}

export interface InterfaceAddress extends Prefix {
  readonly origin: AddressOrigin;
}

/** Linux's own proxy ARP (`proxy_arp`, `proxy_arp_pvlan`, `ip neigh add proxy`). */
export interface KernelProxy {
  /** Answers for whatever is routed out of another interface. */
  readonly routed: boolean;
  /** Answers also for what is routed out of the same interface. */
  readonly sameInterface: boolean;
  /** Answers for these, if they are routed out of another interface. */
  readonly addresses: ReadonlySet<Ipv4>;
  /** A broadcast question is answered after a random time of up to this. */
  readonly delay: Duration;
}

export const kernelProxyDelay = milliseconds(800); // net.ipv4.neigh.*.proxy_delay

export interface InterfaceOptions {
  readonly name: string;
  readonly mac: Mac;
  readonly mtu?: number;
  readonly port?: Port;
  readonly carrier?: PacketCarrier;
}

export class Interface {
  readonly name: string;
  readonly index: number;
  readonly mac: Mac;
  readonly macHigh: number;
  readonly macLow: number;
  readonly port: Port | undefined;
  readonly tunnel: PacketCarrier | undefined;
  readonly neighbours: NeighbourTable;
  mtu: number;
  /** The first address, kept apart for the hot path; 0 while there is none. */
  ip = 0 as Ipv4;
  addresses: readonly InterfaceAddress[] = [];
  #watchers: readonly ArpWatcher[] = [];
  /** Those who see every frame; none but where the machine bridges. */
  #taps: readonly FrameTap[] = [];
  #on = true;
  /** It is on and nobody taps it, so that what comes in goes straight to the stack. */
  plain = true;
  #proxy: KernelProxy | undefined;
  /**
   * Nobody here cares for ARP between others: no watcher, no tap, no proxy, one address, nothing but
   * the usual ways. Kept ready, because it is asked once per host for every broadcast question on the
   * segment.
   */
  quiet = false;
  readonly merges: boolean;
  readonly #answersForOthers: boolean;
  /** What comes in here is routed by this table instead of the machine's (`ip rule iif`). */
  table: RouteTable | undefined;
  /** Tells senders of a shorter way (RFC 1812 section 5.2.7.2). */
  sendsRedirects = true;
  /**
   * Whether a packet must come in by the interface that the way back to its sender leaves by
   * (`strict`), or there must be a way back at all (`loose`): rp_filter, RFC 3704 section 2.
   */
  reversePath: 'off' | 'strict' | 'loose' = 'off';
  #acceptsArp: 'never' | 'always' | 'on-link' = 'never';
  #ignoresGratuitousArp = false;
  /** Takes unicast UDP to port 68 whatever its address: a DHCP client is at work. */
  awaitsAddress = false;

  constructor(index: number, options: InterfaceOptions, profile: Profile, random: Random) {
    this.index = index;
    this.name = options.name;
    this.mac = options.mac;
    this.macHigh = Math.floor(options.mac / 2 ** 32);
    this.macLow = (options.mac % 2 ** 32) | 0;
    this.port = options.port;
    this.tunnel = options.carrier;
    this.mtu = options.mtu ?? 1500;
    this.merges = profile.arp.merges;
    this.#answersForOthers = profile.arp.answersForOtherInterfaces;
    this.neighbours = new NeighbourTable(this, profile, random);
  }

  get watchers(): readonly ArpWatcher[] {
    return this.#watchers;
  }

  /** Whether an announcement, or a reply that nobody asked for, makes a new entry (arp_accept 0, 1, 2). */
  get acceptsArp(): 'never' | 'always' | 'on-link' {
    return this.#acceptsArp;
  }

  set acceptsArp(accepts: 'never' | 'always' | 'on-link') {
    this.#acceptsArp = accepts;
    this.#settle();
  }

  /** Takes no notice of anybody who speaks of himself (drop_gratuitous_arp). */
  get ignoresGratuitousArp(): boolean {
    return this.#ignoresGratuitousArp;
  }

  set ignoresGratuitousArp(ignores: boolean) {
    this.#ignoresGratuitousArp = ignores;
    this.#settle();
  }

  get proxy(): KernelProxy | undefined {
    return this.#proxy;
  }

  set proxy(proxy: KernelProxy | undefined) {
    this.#proxy = proxy;
    this.#settle();
  }

  watch(watcher: ArpWatcher): void {
    this.#watchers = [...this.#watchers, watcher];
    this.#settle();
  }

  unwatch(watcher: ArpWatcher): void {
    this.#watchers = this.#watchers.filter((one) => one !== watcher);
    this.#settle();
  }

  get on(): boolean {
    return this.#on;
  }

  set on(on: boolean) {
    this.#on = on;
    this.#settle();
  }

  tap(tap: FrameTap): void {
    this.#taps = [...this.#taps, tap];
    this.#settle();
  }

  untap(tap: FrameTap): void {
    this.#taps = this.#taps.filter((one) => one !== tap);
    this.#settle();
  }

  /** Shows a frame to all who tap the adapter; whether any of them has dealt with it. */
  tapped(frame: Frame, now: Instant, sink: Sink): boolean {
    let taken = false;
    for (const tap of this.#taps) if (tap.frame(frame, now, sink)) taken = true;
    return taken;
  }

  addAddress(address: InterfaceAddress): void {
    this.addresses = [
      ...this.addresses.filter(({ address: ip }) => ip !== address.address),
      address,
    ];
    this.ip = this.addresses[0]!.address;
    this.#settle();
  }

  removeAddress(ip: Ipv4): InterfaceAddress | undefined {
    const gone = this.addresses.find(({ address }) => address === ip);
    this.addresses = this.addresses.filter((address) => address !== gone);
    this.ip = this.addresses[0]?.address ?? (0 as Ipv4);
    this.#settle();
    return gone;
  }

  has(ip: Ipv4): boolean {
    return this.addresses.some(({ address }) => address === ip);
  }

  /** Whether everybody on one of this interface's networks is meant. */
  isBroadcast(ip: Ipv4): boolean {
    return ip === -1 || this.addresses.some((prefix) => broadcastOf(prefix) === ip);
  }

  onLink(ip: Ipv4): boolean {
    return this.addresses.some((prefix) => prefix.length < 32 && contains(prefix, ip));
  }

  /** Our address in the network of `ip`, else the first: what to send from. */
  sourceFor(ip: Ipv4): Ipv4 {
    for (const prefix of this.addresses) {
      if (((prefix.address ^ ip) & maskOf(prefix.length)) === 0) return prefix.address;
    }
    return this.ip;
  }

  #settle(): void {
    this.plain = this.#on && this.#taps.length === 0;
    this.quiet =
      this.plain &&
      this.#watchers.length === 0 &&
      this.#proxy === undefined &&
      this.#acceptsArp === 'never' &&
      !this.#ignoresGratuitousArp &&
      this.addresses.length === 1;
    if (this.port === undefined) return;
    this.port.arpDeaf = this.quiet && !this.merges && !this.#answersForOthers;
    this.port.arpAddress = this.ip;
  }
}
