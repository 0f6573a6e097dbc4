/**
 * The IP stack of every machine in the lab: VM, router, appliance and gateway are this one class,
 * with parts attached. Receiving and forwarding are the frame path: straight through for the usual
 * case, aside for the rest (RFC 1122, RFC 1812; where Linux differs, the profile says so).
 */
import type { Frame } from '../base/frame.ts';
import type { Random } from '../base/random.ts';
import type { Instant } from '../base/time.ts';
import { earliest } from '../base/time.ts';
import type { AddressOrigin } from '../trace/event.ts';
import type { Reason } from '../trace/reasons.ts';
import {
  broadcastMac,
  type Ipv4,
  isLinkLocalIpv4,
  isMulticastIpv4,
  type Mac,
  maskOf,
  type Prefix,
  showIpv4,
  showPrefix,
  writeMac,
} from '../wire/address.ts';
import { addUp, amend, fold } from '../wire/checksum.ts';
import { ArpResponder } from './arp-responder.ts';
import { type Device, Port, type Sink } from './device.ts';
import { fragment, Reassembly } from './fragments.ts';
import { Icmp } from './icmp.ts';
import {
  Interface,
  type InterfaceOptions,
  type KernelProxy,
  type PacketCarrier,
} from './interface.ts';
import type { Neighbour, NeighbourOwner } from './neighbours.ts';
import { faultInOptions, recordRoute } from './options.ts';
import {
  destinationOf,
  headerLengthOf,
  ipAt,
  isFragment,
  isGroupFrame,
  mayNotFragment,
  packetAround,
  protocolIcmp,
  protocolOf,
  protocolUdp,
  sourceOf,
  totalLengthOf,
  ttlOf,
} from './packet.ts';
import type { Profile } from './profile.ts';
import { type Route, RouteTable } from './routes.ts';
import { Udp } from './udp.ts';

/** A part of a machine that waits for moments of its own. */
export interface Part {
  wake(now: Instant, sink: Sink): void;
  nextWake(): Instant | undefined;
}

/** Takes the packets of one IP protocol that are for this machine. The frame may be kept. */
export interface ProtocolHandler {
  packet(frame: Frame, from: Interface, now: Instant, sink: Sink): void;
  /**
   * An ICMP error came that quotes a packet of ours.
   *
   * @param quotedAt Where in the frame the quoted IP header begins.
   * @returns Whether the quoted packet belongs to something that is alive.
   */
  error?(
    type: number,
    code: number,
    mtu: number,
    frame: Frame,
    quotedAt: number,
    now: Instant,
    sink: Sink,
  ): boolean;
}

/** Looks at packets where they come in, pass through and go out, and may end or rewrite them. */
export interface Guard {
  /** Before it is decided whether the packet is for this machine. May rewrite it if it is exclusive. */
  arriving(frame: Frame, from: Interface, now: Instant, sink: Sink): Frame | Reason;
  /** About to leave, forwarded or made here. */
  leaving(
    frame: Frame,
    to: Interface,
    forwarded: boolean,
    now: Instant,
    sink: Sink,
  ): Frame | Reason;
}

export interface IpStackOptions {
  readonly profile: Profile;
  readonly random: Random;
  readonly forwarding?: boolean;
  /** Who handles its datagrams, where it does not do so itself. */
  readonly udp?: (stack: IpStack) => Udp;
  /** Every checksum is verified on receipt, whoever wrote it. */
  readonly ttl?: number;
}

export class IpStack implements Device, NeighbourOwner {
  readonly name: string;
  readonly profile: Profile;
  readonly random: Random;
  readonly ports: Port[] = [];
  readonly interfaces: Interface[] = [];
  readonly routes = new RouteTable();
  readonly icmp: Icmp;
  readonly udp: Udp;
  readonly reassembly: Reassembly;
  readonly protocols = new Map<number, ProtocolHandler>();
  readonly ttl: number;
  forwarding: boolean;
  /** Switched on. A machine that is off takes nothing and sends nothing. */
  running = true;
  guard: Guard | undefined;
  /** Path MTU per destination, while it is smaller than the link's (RFC 1191). */
  readonly pathMtus = new Map<Ipv4, { readonly mtu: number; readonly until: Instant }>();
  readonly #parts: Part[] = [];
  readonly #arp: ArpResponder;
  #identification = 0;
  // The last way taken, and the route table it was looked up in.
  #lastTo = 0;
  #lastVersion = -1;
  #lastOut: Interface | undefined;
  #lastNeighbour: Neighbour | undefined;
  #lastSource = 0 as Ipv4;
  /** Where the last packet forwarded came from: looked at, and found to be nothing out of the ordinary. */
  #lastFrom = 0;
  #lastIn: Interface | undefined;
  /** All addresses of all interfaces. */
  #own: ReadonlySet<Ipv4> = new Set();
  #ownsOne = false;

  constructor(name: string, options: IpStackOptions) {
    this.name = name;
    this.profile = options.profile;
    this.random = options.random;
    this.forwarding = options.forwarding ?? false;
    this.ttl = options.ttl ?? options.profile.ttl;
    this.icmp = new Icmp(this);
    this.udp = options.udp?.(this) ?? new Udp(this);
    this.#arp = new ArpResponder(this);
    this.reassembly = new Reassembly(options.profile);
    this.protocols.set(protocolIcmp, this.icmp);
    this.protocols.set(protocolUdp, this.udp);
    this.attach(this.#arp);
  }

  /** Adds an Ethernet adapter, or an end of a tunnel if a carrier is given. */
  addInterface(options: {
    readonly name: string;
    readonly mac: Mac;
    readonly mtu?: number;
    readonly carrier?: PacketCarrier;
  }): Interface {
    const index = this.interfaces.length;
    const port = options.carrier ? undefined : new Port(this, this.ports.length, options.name);
    const full: InterfaceOptions = port ? { ...options, port } : options;
    const added = new Interface(index, full, this.profile, this.random.child(options.name));
    this.interfaces.push(added);
    this.#single = this.interfaces.length === 1;
    if (port) {
      this.ports.push(port);
      this.#byPort.push(added);
    }
    return added;
  }
  readonly #byPort: Interface[] = [];
  /** There is one interface: no question can be for an address of another. */
  #single = true;

  attach(part: Part): void {
    this.#parts.push(part);
  }

  detach(part: Part): void {
    const place = this.#parts.indexOf(part);
    if (place >= 0) this.#parts.splice(place, 1);
  }

  interface(name: string): Interface {
    const found = this.interfaces.find((one) => one.name === name);
    if (found === undefined) throw new Error(`${this.name} has no interface ${name}`);
    return found;
  }

  /** Gives an interface an address and the route to its network. */
  addAddress(
    on: Interface,
    prefix: Prefix,
    origin: AddressOrigin,
    now: Instant,
    sink: Sink,
    cause = -1,
  ): void {
    on.addAddress({ ...prefix, origin });
    this.#addressesChanged();
    if (prefix.length < 32) {
      this.routes.add({ prefix, kind: 'unicast', interface: on, via: 0 as Ipv4, metric: 0 });
    }
    this.#tellAddress(on, prefix, 'added', origin, now, sink, cause);
  }

  removeAddress(on: Interface, ip: Ipv4, now: Instant, sink: Sink, cause = -1): void {
    const gone = on.removeAddress(ip);
    if (gone === undefined) return;
    this.#addressesChanged();
    this.routes.remove(
      (route) =>
        route.interface === on &&
        route.prefix.address === ip &&
        route.prefix.length === gone.length,
    );
    this.#tellAddress(on, gone, 'removed', gone.origin, now, sink, cause);
  }

  /** Turns an adapter on or off: what was learned on its link goes, its addresses stay. */
  setAdapter(port: Port, on: boolean, now: Instant, sink: Sink): void {
    const adapter = this.#byPort[port.index]!;
    adapter.on = on;
    if (!on) adapter.neighbours.clear(this, now, sink);
  }

  #addressesChanged(): void {
    const all = this.interfaces.flatMap(({ addresses }) => addresses.map(({ address }) => address));
    this.#own = new Set(all.filter((ip) => ip !== 0));
    this.#ownsOne = this.#own.size === 1;
    this.#lastVersion = -1;
    this.#lastIn = undefined;
  }

  addRoute(route: Route, now: Instant, sink: Sink, cause = -1): void {
    this.routes.add(route);
    this.#tellRoute(route, 'added', now, sink, cause);
  }

  removeRoutes(unwanted: (route: Route) => boolean, now: Instant, sink: Sink, cause = -1): void {
    for (const route of this.routes.remove(unwanted)) {
      this.#tellRoute(route, 'removed', now, sink, cause);
    }
  }

  /** Routes what comes in by an interface by a table of its own, which is there while it has routes. */
  addRouteFrom(from: Interface, route: Route): void {
    from.table ??= new RouteTable();
    from.table.add(route);
  }

  removeRoutesFrom(from: Interface, unwanted: (route: Route) => boolean): void {
    from.table?.remove(unwanted);
    if (from.table?.all.length === 0) from.table = undefined;
  }

  /** Lets the kernel answer ARP for others on an interface, or no more. */
  standIn(on: Interface, proxy: KernelProxy | undefined): void {
    on.proxy = proxy;
  }

  /** Whether senders are told of a shorter way. */
  tellShorterWays(on: Interface, tells: boolean): void {
    on.sendsRedirects = tells;
  }

  /** Whether the address is one of ours, on whichever interface. */
  isOurs(ip: Ipv4): boolean {
    return this.#own.has(ip);
  }

  comesTheRightWay(source: Ipv4, from: Interface): boolean {
    if (from.reversePath === 'off') return true;
    const route = (from.table ?? this.routes).find(source);
    if (route?.kind !== 'unicast') return false;
    return from.reversePath === 'loose' || route.interface === from;
  }

  nextIdentification(): number {
    this.#identification = (this.#identification + 1) & 0xffff;
    return this.#identification;
  }

  receive(port: Port, frame: Frame, now: Instant, sink: Sink): void {
    const from = this.#byPort[port.index]!;
    const { words, start } = frame;
    if (!this.running) {
      sink.drop(port, frame, 'POWERED_OFF');
      return;
    }
    if (frame.length < 14) {
      sink.drop(port, frame, 'MALFORMED');
      return;
    }
    if (!from.plain) {
      if (!from.on) {
        sink.drop(port, frame, 'INTERFACE_DOWN');
        return;
      }
      if (from.tapped(frame, now, sink)) return;
    }
    const high = words.getUint16(start);
    if ((high !== from.macHigh || words.getInt32(start + 2) !== from.macLow) && !(high & 0x100)) {
      sink.drop(port, frame, 'NOT_FOR_US');
      return;
    }
    const type = words.getUint16(start + 12);
    if (type === 0x0800) this.input(from, frame, now, sink);
    else if (type === 0x0806) {
      // The commonest packet of all: a broadcast question that is none of our business.
      if (
        from.quiet &&
        this.#single &&
        frame.length >= 42 &&
        words.getInt32(start + 38) !== from.ip &&
        (!from.merges ||
          from.neighbours.entries.get(words.getInt32(start + 28) as Ipv4) === undefined)
      )
        return;
      this.#arp.receive(from, frame, now, sink);
    } else sink.drop(port, frame, 'UNKNOWN_ETHERTYPE');
  }

  wake(now: Instant, sink: Sink): void {
    if (!this.running) return;
    for (const one of this.interfaces) one.neighbours.wake(this, now, sink);
    for (const { first, any } of this.reassembly.expire(now)) {
      this.ends(any, 'FRAGMENT_TIMEOUT', undefined, sink);
      if (first) this.icmp.complain(first, undefined, 11, 1, 0, now, sink);
    }
    for (const part of this.#parts) {
      const due = part.nextWake();
      if (due !== undefined && due <= now) part.wake(now, sink);
    }
    this.arm(sink);
  }

  /** Asks to be woken when the next thing falls due. Whoever has given a part something new to wait for calls this. */
  arm(sink: Sink): void {
    let next = this.reassembly.nextWake();
    for (const one of this.interfaces) next = earliest(next, one.neighbours.nextWake());
    for (const part of this.#parts) next = earliest(next, part.nextWake());
    if (next !== undefined) sink.wakeAt(this, next);
  }

  carrier(port: Port, up: boolean, now: Instant, sink: Sink): void {
    if (!up) this.#byPort[port.index]!.neighbours.clear(this, now, sink);
  }

  /** An IP packet has come in, from a link or out of a tunnel. */
  input(from: Interface, frame: Frame, now: Instant, sink: Sink): void {
    const { words, start, memory } = frame;
    const ip = start + ipAt;
    const total = words.getUint16(ip + 2);
    if (memory[ip] !== 0x45 && !this.#hasSoundHeader(frame)) {
      this.ends(frame, 'IP_HEADER', from, sink);
      return;
    }
    if (total < 20 || total + ipAt > frame.length) {
      this.ends(frame, 'IP_HEADER', from, sink);
      return;
    }
    if (!frame.trusted && fold(addUp(words, ip, headerLengthOf(frame))) !== 0) {
      this.ends(frame, 'IP_CHECKSUM', from, sink);
      return;
    }
    let packet = frame;
    if (total + ipAt < frame.length) {
      // What follows the packet is Ethernet padding. Others may hold the same frame.
      if (!frame.exclusive) packet = frame.share();
      packet.length = total + ipAt;
    }
    if (this.guard !== undefined) {
      const passed = this.guard.arriving(packet, from, now, sink);
      if (typeof passed === 'string') {
        this.ends(packet, passed, from, sink);
        return;
      }
      packet = passed;
    }
    const destination = destinationOf(packet);
    const sourceTop = packet.memory[packet.start + 26]!;
    if (
      destination === from.ip &&
      destination !== 0 &&
      sourceTop - 1 < 223 &&
      sourceTop !== 127 &&
      sourceTop !== 0 &&
      from.reversePath === 'off' &&
      (this.#ownsOne ? sourceOf(packet) !== destination : !this.#own.has(sourceOf(packet)))
    ) {
      this.#deliver(from, packet, now, sink);
      return;
    }
    if (
      destination === this.#lastTo &&
      this.forwarding &&
      sourceOf(packet) === this.#lastFrom &&
      from === this.#lastIn &&
      this.#lastVersion === this.routes.version
    ) {
      this.#forward(from, packet, destination, now, sink);
      return;
    }
    this.#sort(from, packet, destination, sourceTop, now, sink);
  }

  /** Everything that is not plainly a packet for the address it came in on. */
  #sort(
    from: Interface,
    frame: Frame,
    destination: Ipv4,
    sourceTop: number,
    now: Instant,
    sink: Sink,
  ): void {
    const source = sourceOf(frame);
    const broadcast = from.isBroadcast(destination);
    const unspecified = source === 0 && (broadcast || isMulticastIpv4(destination));
    if (
      (!unspecified && (sourceTop === 0 || sourceTop === 127 || sourceTop >= 224)) ||
      this.isOurs(source) ||
      (source !== 0 && !this.comesTheRightWay(source, from))
    ) {
      this.ends(frame, 'MARTIAN', from, sink);
      return;
    }
    const destinationTop = destination >>> 24;
    if (destinationTop === 127 || destinationTop === 0) {
      this.ends(frame, 'MARTIAN', from, sink);
      return;
    }
    if (broadcast || this.isOurs(destination)) {
      this.#deliver(from, frame, now, sink);
      return;
    }
    if (isMulticastIpv4(destination)) {
      this.ends(frame, 'NOT_FOR_US', from, sink);
      return;
    }
    if (from.awaitsAddress && this.udp.isFor(frame, 68)) {
      this.#deliver(from, frame, now, sink);
      return;
    }
    if (this.forwarding) {
      this.#lastFrom = source;
      this.#lastIn = from;
      this.#forward(from, frame, destination, now, sink);
    } else this.ends(frame, 'NOT_FORWARDING', from, sink);
  }

  #hasSoundHeader(frame: Frame): boolean {
    const first = frame.memory[frame.start + ipAt]!;
    const header = (first & 15) * 4;
    return (
      first >> 4 === 4 &&
      header >= 20 &&
      header <= totalLengthOf(frame) &&
      header + ipAt <= frame.length
    );
  }

  #deliver(from: Interface, frame: Frame, now: Instant, sink: Sink): void {
    let whole = frame;
    if (frame.memory[frame.start + ipAt] !== 0x45) {
      const wrong = faultInOptions(frame);
      if (wrong !== undefined) {
        this.ends(frame, 'IP_OPTIONS', from, sink);
        if (wrong.pointer > 0)
          this.icmp.complain(frame, from, 12, 0, wrong.pointer << 24, now, sink);
        return;
      }
    }
    if (isFragment(frame)) {
      const result = this.reassembly.take(frame, now, sink.frames);
      if (result.kind === 'waiting') {
        const due = this.reassembly.nextWake();
        if (due !== undefined) sink.wakeAt(this, due);
        return;
      }
      if (result.kind === 'dropped') {
        this.ends(frame, result.reason, from, sink);
        return;
      }
      whole = result.frame;
    }
    const protocol = protocolOf(whole);
    if (protocol === protocolUdp) {
      this.udp.packet(whole, from, now, sink);
      return;
    }
    const handler = this.protocols.get(protocol);
    if (handler !== undefined) handler.packet(whole, from, now, sink);
    else {
      this.ends(whole, 'PROTOCOL_UNREACHABLE', from, sink);
      this.icmp.complain(whole, from, 3, 2, 0, now, sink);
    }
  }

  #forward(from: Interface, frame: Frame, destination: Ipv4, now: Instant, sink: Sink): void {
    // The straight way, for a packet that goes where the last one went and has nothing special to it.
    if (
      destination === this.#lastTo &&
      this.#lastVersion === this.routes.version &&
      this.guard === undefined &&
      from.table === undefined
    ) {
      const out = this.#lastOut!;
      const neighbour = this.#lastNeighbour!;
      const first = frame.words.getUint16(frame.start + ipAt) >> 8;
      const ttl = ttlOf(frame);
      if (
        out !== from &&
        now < neighbour.usableUntil &&
        first === 0x45 &&
        ttl > 1 &&
        frame.length - ipAt <= out.mtu &&
        !isGroupFrame(frame) &&
        !isLinkLocalIpv4(sourceOf(frame))
      ) {
        const packet = sink.frames.writable(frame);
        decrementTtl(packet, ttl);
        neighbour.used = now;
        out.neighbours.address(neighbour, packet, sink);
        return;
      }
    }
    if (isGroupFrame(frame) && from.tunnel === undefined) {
      this.ends(frame, 'LINK_BROADCAST', from, sink);
      return;
    }
    if (
      isLinkLocalIpv4(destination) ||
      isLinkLocalIpv4(sourceOf(frame)) ||
      destinationIsReserved(destination)
    ) {
      this.ends(frame, 'NO_ROUTE', from, sink);
      if (destinationIsReserved(destination)) this.icmp.refuse(frame, from, 0, now, sink);
      return;
    }
    const route = (from.table ?? this.routes).find(destination);
    if (route === undefined || route.kind !== 'unicast') {
      this.ends(frame, 'NO_ROUTE', from, sink);
      if (route?.kind !== 'blackhole')
        this.icmp.refuse(frame, from, unreachableCode(route), now, sink);
      return;
    }
    const out = route.interface;
    if (route.via === 0 && out.isBroadcast(destination)) {
      this.ends(frame, 'BROADCAST_NOT_FORWARDED', from, sink);
      return;
    }
    let packet = frame;
    if (packet.memory[packet.start + ipAt] !== 0x45) {
      const wrong = faultInOptions(packet);
      if (wrong !== undefined) {
        this.ends(packet, 'IP_OPTIONS', from, sink);
        if (wrong.pointer > 0)
          this.icmp.complain(packet, from, 12, 0, wrong.pointer << 24, now, sink);
        return;
      }
    }
    const ttl = ttlOf(packet);
    if (ttl <= 1) {
      this.ends(packet, 'TTL_EXCEEDED', from, sink);
      this.icmp.complain(packet, from, 11, 0, 0, now, sink);
      return;
    }
    const mtu = Math.min(route.mtu ?? out.mtu, out.mtu);
    if (packet.length - ipAt > mtu && mayNotFragment(packet)) {
      this.ends(packet, 'FRAGMENTATION_NEEDED', from, sink);
      if (this.icmp.tellsFragmentationNeeded)
        this.icmp.complain(packet, from, 3, 4, mtu, now, sink);
      return;
    }
    packet = sink.frames.writable(packet);
    decrementTtl(packet, ttl);
    if (out === from && from.sendsRedirects) {
      const next = route.via === 0 ? destination : route.via;
      if (from.onLink(next) && from.onLink(sourceOf(packet)))
        this.icmp.redirect(packet, from, next, now, sink);
    }
    if (packet.memory[packet.start + ipAt] !== 0x45)
      recordRoute(packet, out.sourceFor(destination));
    if (this.guard !== undefined) {
      const passed = this.guard.leaving(packet, out, true, now, sink);
      if (typeof passed === 'string') {
        this.ends(packet, passed, from, sink);
        return;
      }
      packet = passed;
    }
    if (packet.length - ipAt > mtu) {
      for (const piece of fragment(packet, mtu, sink.frames))
        this.#transmit(out, route.via === 0 ? destination : route.via, piece, now, sink);
      return;
    }
    const next = route.via === 0 ? destinationOf(packet) : route.via;
    const neighbour = this.#transmit(out, next, packet, now, sink);
    if (neighbour !== undefined && route.mtu === undefined && from.table === undefined)
      this.#remember(destinationOf(packet), out, neighbour);
  }

  /**
   * Sends a complete packet that was made here.
   *
   * @returns Why it could not be sent, if no frame left for that reason: the sender is told here
   *          what ICMP would tell from afar.
   */
  output(frame: Frame, now: Instant, sink: Sink): Reason | undefined {
    const to = destinationOf(frame);
    // The straight way: where the last packet went, to a neighbour that is known to be there.
    if (to === this.#lastTo && this.#lastVersion === this.routes.version) {
      const out = this.#lastOut!;
      const neighbour = this.#lastNeighbour!;
      if (
        now < neighbour.usableUntil &&
        frame.length - ipAt <= out.mtu &&
        this.guard === undefined &&
        this.pathMtus.size === 0
      ) {
        neighbour.used = now;
        out.neighbours.address(neighbour, frame, sink);
        return undefined;
      }
    }
    const route = this.routes.find(to);
    if (route === undefined || route.kind !== 'unicast') {
      this.ends(frame, 'NO_ROUTE', undefined, sink);
      return 'NO_ROUTE';
    }
    return this.outputOn(
      route.interface,
      route.via === 0 ? to : route.via,
      frame,
      now,
      sink,
      route,
    );
  }

  /** Sends a complete packet out of this interface, to a neighbour on its link. */
  outputOn(
    out: Interface,
    next: Ipv4,
    frame: Frame,
    now: Instant,
    sink: Sink,
    route?: Route,
  ): Reason | undefined {
    let packet = frame;
    if (this.guard !== undefined) {
      const passed = this.guard.leaving(packet, out, false, now, sink);
      if (typeof passed === 'string') {
        this.ends(packet, passed, out, sink);
        return passed;
      }
      packet = passed;
    }
    const to = destinationOf(packet);
    let mtu = Math.min(route?.mtu ?? out.mtu, out.mtu);
    const known = this.pathMtus.size > 0 ? this.pathMtus.get(to) : undefined;
    if (known !== undefined) {
      if (known.until <= now) this.pathMtus.delete(to);
      else mtu = Math.min(mtu, known.mtu);
    }
    if (packet.length - ipAt > mtu) {
      // UDP and echo leave it to us to cut; TCP never gets here, it knows the path MTU.
      for (const piece of fragment(packet, mtu, sink.frames))
        this.#transmit(out, next, piece, now, sink);
      return undefined;
    }
    const neighbour = this.#transmit(out, next, packet, now, sink);
    if (neighbour !== undefined && route !== undefined && route.mtu === undefined)
      this.#remember(to, out, neighbour);
    return undefined;
  }

  #remember(to: Ipv4, out: Interface, neighbour: Neighbour): void {
    if (isLinkLocalIpv4(to) || destinationIsReserved(to)) return; // to be looked at each time
    this.#lastTo = to;
    this.#lastVersion = this.routes.version;
    this.#lastOut = out;
    this.#lastNeighbour = neighbour;
    this.#lastSource = out.sourceFor(to);
  }

  #transmit(
    out: Interface,
    next: Ipv4,
    frame: Frame,
    now: Instant,
    sink: Sink,
  ): Neighbour | undefined {
    if (out.tunnel !== undefined) {
      out.tunnel.carry(frame, now, sink);
      return undefined;
    }
    // Only the link-layer header is ours to write, and others may hold these bytes.
    const packet = sink.frames.writable(frame);
    if (out.isBroadcast(next)) {
      this.outputTo(out, broadcastMac, packet, sink);
      return undefined;
    }
    return out.neighbours.send(next, packet, this, now, sink);
  }

  /** Sends a packet to a MAC address that is known without ARP: everybody, or who just asked by DHCP. */
  outputTo(out: Interface, mac: Mac, frame: Frame, sink: Sink): void {
    const { words, start } = frame;
    writeMac(words, start, mac);
    words.setUint16(start + 6, out.macHigh);
    words.setInt32(start + 8, out.macLow);
    words.setUint16(start + 12, 0x0800);
    sink.send(out.port!, frame);
  }

  /** Nobody answered for the next hop of this packet. */
  unresolved(frame: Frame, _from: Interface, now: Instant, sink: Sink): void {
    if (this.isOurs(sourceOf(frame))) {
      const handler = this.protocols.get(protocolOf(frame));
      handler?.error?.(3, 1, 0, frame, ipAt, now, sink);
    } else this.icmp.complain(frame, undefined, 3, 1, 0, now, sink);
  }

  /** Writes down that a packet ends here. */
  ends(frame: Frame, reason: Reason, at: Interface | undefined, sink: Sink): void {
    const port = at?.port ?? this.ports[0];
    if (port !== undefined) sink.drop(port, frame, reason);
  }

  /** The source address to use towards a destination: 0 if there is none. */
  sourceTowards(destination: Ipv4): Ipv4 {
    if (destination === this.#lastTo && this.#lastVersion === this.routes.version)
      return this.#lastSource;
    const route = this.routes.find(destination);
    return route?.kind === 'unicast' ? route.interface.sourceFor(destination) : (0 as Ipv4);
  }

  /** Sends transport bytes that are complete, checksum and all. */
  sendTransport(
    source: Ipv4,
    destination: Ipv4,
    protocol: number,
    transport: Uint8Array,
    dontFragment: boolean,
    now: Instant,
    sink: Sink,
    cause = -1,
  ): Reason | undefined {
    const fields = { source, destination, protocol, ttl: this.ttl, dontFragment };
    const frame = packetAround(sink.frames, transport, this.nextIdentification(), fields);
    frame.cause = cause;
    return this.output(frame, now, sink);
  }

  /** Largest packet that fits on the way to a destination, as far as this machine knows. */
  pathMtu(destination: Ipv4, now: Instant): number {
    const route = this.routes.find(destination);
    const link = route ? Math.min(route.mtu ?? route.interface.mtu, route.interface.mtu) : 1500;
    const known = this.pathMtus.get(destination);
    return known !== undefined && known.until > now ? Math.min(link, known.mtu) : link;
  }

  #tellAddress(
    on: Interface,
    prefix: Prefix,
    change: 'added' | 'removed',
    origin: AddressOrigin,
    now: Instant,
    sink: Sink,
    cause: number,
  ): void {
    const ip = showIpv4(prefix.address);
    const { length } = prefix;
    const fact = { kind: 'address', interface: on.name, ip, length, change, origin } as const;
    sink.log.tell(now, this.name, cause, fact);
  }

  #tellRoute(
    route: Route,
    change: 'added' | 'removed',
    now: Instant,
    sink: Sink,
    cause: number,
  ): void {
    const prefix = showPrefix(route.prefix);
    const via = route.via === 0 ? '' : showIpv4(route.via);
    const fact = { kind: 'route', prefix, via, interface: route.interface.name, change } as const;
    sink.log.tell(now, this.name, cause, fact);
  }
}

/** Takes one from the time to live and corrects the header checksum (RFC 1812 section 5.3.1, RFC 1624). */
function decrementTtl(packet: Frame, ttl: number): void {
  const { memory, words, start } = packet;
  const protocol = memory[start + 23]!;
  memory[start + 22] = ttl - 1;
  amend(words, start + 24, (ttl << 8) | protocol, ((ttl - 1) << 8) | protocol);
}

/** 240.0.0.0/4: no host has such an address (RFC 1112 section 4). */
const destinationIsReserved = (ip: Ipv4): boolean => (ip & maskOf(4)) === (0xf0000000 | 0);

function unreachableCode(route: Route | undefined): number {
  if (route === undefined) return 0; // network unreachable
  return route.kind === 'prohibited' ? 13 : 1;
}
