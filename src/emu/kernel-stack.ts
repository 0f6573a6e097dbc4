/**
 * A machine whose packets a Linux kernel handles. To the lab it is the stack behind a machine's
 * ports; what it is told to set it sets in a network namespace, what comes in goes to the kernel, and
 * what the kernel sends goes out. It keeps no packet and takes no decision about one.
 */
import type { Frame } from '../base/frame.ts';
import type { Instant } from '../base/time.ts';
import type { Port, Sink } from '../stack/device.ts';
import type { ArpFields, Interface, KernelProxy, PacketCarrier } from '../stack/interface.ts';
import { IpStack, type IpStackOptions } from '../stack/ip-stack.ts';
import { Neighbour } from '../stack/neighbours.ts';
import { isFragment, protocolIcmp, protocolOf, protocolUdp, transportAt } from '../stack/packet.ts';
import type { Route } from '../stack/routes.ts';
import type { AddressOrigin, NeighbourState } from '../trace/event.ts';
import type { Reason } from '../trace/reasons.ts';
import {
  anyIpv4,
  type Ipv4,
  type Mac,
  type Prefix,
  parseIpv4,
  parseMac,
  readMac,
  showIpv4,
  showMac,
  showPrefix,
} from '../wire/address.ts';
import { Agent } from './agent-client.ts';
import type { Plugged } from './cable.ts';
import type { Ground, NeighbourNews } from './ground.ts';
import type { Namespace } from './kernel.ts';
import type { KernelTunnel } from './kernel-tunnel.ts';
import { KernelUdp } from './kernel-udp.ts';
import { tool } from './tools.ts';
import { Witness } from './witness.ts';

interface Line {
  readonly on: Interface;
  /** In the kernel; of a tunnel one that no other namespace has. */
  readonly name: string;
  plugged: Plugged | undefined;
}

const states: Readonly<Record<string, NeighbourState>> = {
  REACHABLE: 'reachable',
  STALE: 'stale',
  DELAY: 'delay',
  PROBE: 'probe',
  FAILED: 'failed',
  INCOMPLETE: 'incomplete',
  PERMANENT: 'permanent',
  gone: 'none',
};

/** Of routes for what comes in by one adapter: kept out of the way of the kernel's own numbers. */
const firstTable = 1000;
/** A last word that any route of ours comes before. */
const leastMetric = 0xff00_0000;
/** What the kernel counts `proxy_delay` in, in nanoseconds. */
const tick = 10_000_000;

/** In milliseconds: longer than any lab stands. */
const keptFor = 86_400_000;

export class KernelStack extends IpStack {
  readonly ground: Ground;
  readonly witness: Witness;
  /** The ARP requests that the kernel has sent, as events. */
  readonly questions = new Set<number>();
  /** By their ports. */
  readonly tunnels = new Map<number, KernelTunnel>();
  readonly #taps = new Map<Interface, (packet: Uint8Array, direction: 'in' | 'out') => void>();
  readonly #stoodInFor = new Map<Interface, readonly Ipv4[]>();
  readonly #lines: Line[] = [];
  #space: Namespace | undefined;
  #agent: Agent | undefined;
  #retired = false;

  constructor(name: string, options: IpStackOptions, ground: Ground) {
    super(name, { ...options, udp: (stack) => new KernelUdp(stack as KernelStack) });
    this.ground = ground;
    this.witness = new Witness(this);
  }

  /** Its namespace, made when something is first asked of it. */
  get space(): Namespace {
    this.#space ??= this.#enter();
    return this.#space;
  }

  /** Of its namespace, while there is one. */
  get spaceName(): string | undefined {
    return this.#retired ? undefined : this.#space?.name;
  }

  /** Somebody in the namespace who can open sockets. */
  get agent(): Agent {
    this.#agent ??= new Agent(this.space, this.ground);
    return this.#agent;
  }

  /** What the kernel calls one of its adapters. */
  deviceOf(on: Interface): string {
    return this.#line(on).name;
  }

  override addInterface(options: {
    readonly name: string;
    readonly mac: Mac;
    readonly mtu?: number;
    readonly carrier?: PacketCarrier;
  }): Interface {
    const on = super.addInterface(options);
    const name = options.carrier ? `${this.space.name}t${on.index}` : `e${on.index}`;
    this.#lines.push({ on, name, plugged: undefined });
    return on;
  }

  /** Lays what will show every packet that goes into a tunnel and comes out of it, before it goes on. */
  layTaps(on: Interface, seen: (packet: Uint8Array, direction: 'in' | 'out') => void): void {
    const { cables } = this.ground;
    if (!this.#taps.has(on))
      for (const { name, direction } of tapsOf(this.deviceOf(on)))
        cables.tap(this.space, name, (packet) => this.#taps.get(on)?.(packet, direction));
    this.#taps.set(on, seen);
  }

  /** Copies what passes to the taps, once the device is there. */
  openTaps(on: Interface): void {
    const device = this.deviceOf(on);
    const taps = tapsOf(device);
    for (const { name } of taps) this.space.ip(`link set ${name} mtu ${tapMtu} up`);
    const chains = taps.map(
      ({ hook, name }) => `  chain ${hook} {
    type filter hook ${hook} device "${device}" priority 0
    dup to "${name}"
  }`,
    );
    this.filter('netdev', device, chains.join('\n'));
  }

  /** Lays down rules of its packet filter, in place of those that had the name. */
  filter(family: 'ip' | 'netdev', name: string, chains: string): void {
    const { space } = this;
    const table = `table ${family} ${name}`;
    space.afterwards(async () => {
      const text = `${table}\ndelete ${table}\n${table} {\n${chains}\n}\n`;
      await space.run(tool('nft'), ['-f', '-'], text);
    });
  }

  /** Waits for what the machine was told: nothing that follows from it happens before. */
  commanded(): void {
    this.ground.hold(this.space.settled());
  }

  override addRouteFrom(from: Interface, route: Route): void {
    const known = from.table !== undefined;
    super.addRouteFrom(from, route);
    const table = firstTable + from.index;
    if (!known) {
      this.space.ip(`rule add iif ${this.deviceOf(from)} lookup ${table} pref ${table}`);
      this.space.ip(`route replace unreachable default metric ${leastMetric} table ${table}`);
    }
    this.space.ip(`route replace ${this.#routeText(route)} table ${table}`);
    this.commanded();
  }

  override removeRoutesFrom(from: Interface, unwanted: (route: Route) => boolean): void {
    const table = firstTable + from.index;
    const before = from.table?.all ?? [];
    for (const route of before.filter(unwanted))
      this.space.ip(`route del ${this.#routeText(route)} table ${table}`, { lax: true });
    super.removeRoutesFrom(from, unwanted);
    if (before.length > 0 && from.table === undefined)
      this.space.ip(`rule del iif ${this.deviceOf(from)} lookup ${table} pref ${table}`);
  }

  /** With a device went the routes by it, and those of one adapter's nobody lays again. */
  deviceIsBack(device: Interface): void {
    for (const { table, index } of this.interfaces)
      for (const route of table?.all ?? [])
        if (route.interface === device)
          this.space.ip(`route replace ${this.#routeText(route)} table ${firstTable + index}`);
  }

  override standIn(on: Interface, proxy: KernelProxy | undefined): void {
    super.standIn(on, proxy);
    const device = this.deviceOf(on);
    const before = this.#stoodInFor.get(on) ?? [];
    const addresses = [...(proxy?.addresses ?? [])];
    for (const ip of before.filter((one) => !addresses.includes(one)))
      this.space.ip(`neigh del proxy ${showIpv4(ip)} dev ${device}`, { lax: true });
    for (const ip of addresses.filter((one) => !before.includes(one)))
      this.space.ip(`neigh add proxy ${showIpv4(ip)} dev ${device}`);
    this.#stoodInFor.set(on, addresses);
    this.space.sysctl(
      `net.ipv4.conf.${device}.proxy_arp=${proxy?.routed ? 1 : 0}`,
      `net.ipv4.conf.${device}.proxy_arp_pvlan=${proxy?.sameInterface ? 1 : 0}`,
      ...(proxy ? [`net.ipv4.neigh.${device}.proxy_delay=${Math.round(proxy.delay / tick)}`] : []),
    );
    this.commanded();
  }

  override tellShorterWays(on: Interface, tells: boolean): void {
    super.tellShorterWays(on, tells);
    const each = this.#lines.filter(({ on: { port } }) => port !== undefined);
    this.space.sysctl(
      'net.ipv4.conf.all.send_redirects=0', // else it speaks for each of them
      ...each.map(
        ({ on: one, name }) => `net.ipv4.conf.${name}.send_redirects=${one.sendsRedirects ? 1 : 0}`,
      ),
    );
    this.commanded();
  }

  override addAddress(
    on: Interface,
    prefix: Prefix,
    origin: AddressOrigin,
    now: Instant,
    sink: Sink,
    cause = -1,
  ): void {
    this.space.ip(`addr add ${showPrefix(prefix)} brd + dev ${this.deviceOf(on)}`);
    super.addAddress(on, prefix, origin, now, sink, cause);
  }

  override removeAddress(on: Interface, ip: Ipv4, now: Instant, sink: Sink, cause = -1): void {
    const known = on.addresses.find(({ address }) => address === ip);
    if (known !== undefined)
      this.space.ip(`addr del ${showPrefix(known)} dev ${this.deviceOf(on)}`, { lax: true });
    super.removeAddress(on, ip, now, sink, cause);
  }

  override addRoute(route: Route, now: Instant, sink: Sink, cause = -1): void {
    this.space.ip(`route replace ${this.#routeText(route)}`);
    super.addRoute(route, now, sink, cause);
  }

  override removeRoutes(
    unwanted: (route: Route) => boolean,
    now: Instant,
    sink: Sink,
    cause = -1,
  ): void {
    // The kernel takes some away by itself, with the address that they belong to.
    for (const route of this.routes.all.filter(unwanted))
      this.space.ip(`route del ${this.#routeText(route)}`, { lax: true });
    super.removeRoutes(unwanted, now, sink, cause);
  }

  override setAdapter(port: Port, on: boolean, now: Instant, sink: Sink): void {
    const { on: adapter, name } = this.#lines[port.index]!;
    super.setAdapter(port, on, now, sink);
    this.space.ip(`link set ${name} ${on ? 'up' : 'down'}`);
    if (!on) return;
    // With the adapter went all routes by it; that to its network comes back by itself.
    for (const route of this.routes.all)
      if (route.interface === adapter && route.via !== anyIpv4)
        this.space.ip(`route replace ${this.#routeText(route)}`);
  }

  override receive(port: Port, frame: Frame, now: Instant, sink: Sink): void {
    const line = this.#lines[port.index]!;
    if (!this.running) {
      sink.drop(port, frame, 'POWERED_OFF');
      return;
    }
    if (!line.on.on) {
      sink.drop(port, frame, 'INTERFACE_DOWN');
      return;
    }
    const ended = this.#ends(line.on, frame, now, sink) ?? this.witness.takes(line.on, frame, now);
    if (ended !== undefined) sink.drop(port, frame, ended);
    if (ended === 'FIREWALL_BLOCKED') return;
    if (ended === undefined) {
      this.#tunnelAt(frame, 2)?.came(frame, now);
      this.#notePathMtu(frame, now, sink);
    }
    this.#watch(line.on, frame, now, sink);
    line.plugged?.send(frame.bytes());
  }

  override carrier(port: Port, up: boolean): void {
    if (this.running) {
      const { name } = this.#lines[port.index]!;
      this.space.ip(`link set ${name} protodown ${up ? 'off' : 'on'}`);
    } else if (!up) this.#retire();
    else void this.space; // it is switched on: there is time to make it while it boots
  }

  /** No packet of ours waits for a neighbour: the kernel's do. */
  override unresolved(): void {}

  #enter(): Namespace {
    const { ground } = this;
    const space = ground.kernel.namespace();
    ground.neighbours.set(space.id, (news) => this.#learn(news));
    const forward = this.forwarding ? 1 : 0;
    space.sysctl(
      'net.ipv6.conf.all.disable_ipv6=1',
      'net.ipv6.conf.default.disable_ipv6=1',
      `net.ipv4.ip_forward=${forward}`,
      `net.ipv4.ip_default_ttl=${this.ttl}`,
      'net.ipv4.conf.all.rp_filter=0',
      'net.ipv4.conf.default.rp_filter=0',
      `net.ipv4.icmp_echo_ignore_all=${this.icmp.answersEcho ? 0 : 1}`,
      'net.ipv4.ping_group_range=0 0',
      // As the stack of the simulation: segments of the same size are easier to compare.
      'net.ipv4.tcp_timestamps=0',
      'net.ipv4.tcp_sack=0',
    );
    for (const line of this.#lines) {
      if (line.on.port === undefined) continue;
      const { mac, mtu } = line.on;
      const adapter = { name: line.name, mac: showMac(mac), mtu };
      line.plugged = ground.cables.plug(space, adapter, (frame) => this.#emit(line.on, frame));
      this.#setTable(space, line.name);
      space.ip(`link set ${line.name} up`);
    }
    space.ip('link set lo up');
    return space;
  }

  /** Another system's ways with its neighbours, as far as a Linux kernel can be told them. */
  #setTable(space: Namespace, device: string): void {
    const { arp } = this.profile;
    // The kernel clears up once all namespaces of the computer have many entries together. A machine of
    // its own would have too few for that.
    space.ip(`ntable change name arp_cache dev ${device} gc_stale ${keptFor}`);
    if (this.profile.name === 'linux') return;
    const inMs = (wait: number): number => Math.round(wait / 1e6);
    const ways = [
      `locktime ${inMs(arp.locktime)}`,
      `base_reachable ${inMs(arp.reachable)}`,
      `delay_probe ${inMs(arp.delayFirstProbe)}`,
      `ucast_probes ${arp.unicastProbes}`,
      `mcast_probes ${arp.broadcastProbes}`,
      `retrans ${inMs(arp.retransmit)}`,
    ];
    space.ip(`ntable change name arp_cache dev ${device} ${ways.join(' ')}`);
  }

  /** Switched off for good: a next life is another stack. */
  #retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    this.#agent?.close();
    if (this.#space === undefined) return;
    this.ground.neighbours.delete(this.#space.id);
    this.#space.remove();
  }

  /** The kernel sends a frame. */
  #emit(on: Interface, bytes: Uint8Array): void {
    const { ground } = this;
    const now = ground.catchUp();
    if (!this.running || !on.on || on.port === undefined) return;
    const { sink } = ground;
    const frame = sink.frames.from(bytes);
    const tunnel = this.#tunnelAt(frame, 0);
    frame.cause = tunnel?.left(frame, now, sink) ?? this.witness.sends(on, frame, now, sink);
    this.#noteQuestion(on, frame, now, sink);
    const blocked = isIp(frame) ? this.guard?.leaving(frame, on, false, now, sink) : undefined;
    if (typeof blocked === 'string') sink.drop(on.port, frame, blocked);
    else sink.send(on.port, frame);
    if (isQuestion(frame)) this.questions.add(frame.cause);
    ground.stir();
  }

  /** The kernel learns from it how large a packet may be on its way, and tells nobody. */
  #notePathMtu(frame: Frame, now: Instant, sink: Sink): void {
    const { words, memory, start } = frame;
    if (!isIp(frame) || protocolOf(frame) !== protocolIcmp) return;
    const at = start + transportAt(frame);
    const end = start + frame.length;
    if (at + 28 > end || words.getUint16(at) !== fragmentationNeeded) return;
    if (!this.isOurs(words.getInt32(at + 20) as Ipv4)) return;
    const ip = showIpv4(words.getInt32(at + 24) as Ipv4);
    const mtu = words.getUint16(at + 6);
    if (memory[at + 8]! >> 4 === 4 && mtu > 0)
      sink.log.tell(now, this.name, frame.cause, { kind: 'path-mtu', ip, mtu });
  }

  /** The tunnel whose port a datagram comes from, or goes to. */
  #tunnelAt(frame: Frame, field: 0 | 2): KernelTunnel | undefined {
    if (this.tunnels.size === 0 || !isIp(frame) || protocolOf(frame) !== protocolUdp)
      return undefined;
    const at = transportAt(frame);
    if (isFragment(frame) || at + 8 > frame.length) return undefined;
    return this.tunnels.get(frame.words.getUint16(frame.start + at + field));
  }

  /** A firewall stands before the kernel; everything else is the kernel's. */
  #ends(on: Interface, frame: Frame, now: Instant, sink: Sink): Reason | undefined {
    if (this.guard === undefined || !isIp(frame)) return undefined;
    const passed = this.guard.arriving(frame, on, now, sink);
    return typeof passed === 'string' ? passed : undefined;
  }

  /** Daemons that watch ARP do so beside the kernel. */
  #watch(on: Interface, frame: Frame, now: Instant, sink: Sink): void {
    const { words, start } = frame;
    if (on.watchers.length === 0 || frame.length < 42) return;
    if (words.getUint16(start + 12) !== 0x0806) return;
    const fields: ArpFields = {
      operation: words.getUint16(start + 20),
      senderMac: readMac(words, start + 22),
      senderIp: words.getInt32(start + 28) as Ipv4,
      targetMac: readMac(words, start + 32),
      targetIp: words.getInt32(start + 38) as Ipv4,
      unicast: (frame.memory[start]! & 1) === 0,
    };
    for (const watcher of [...on.watchers]) watcher.arp(fields, on, frame, now, sink);
  }

  #learn({ index, ip: text, mac, state: word }: NeighbourNews): void {
    const on = this.#lines.find(({ plugged }) => plugged?.index === index)?.on;
    const ip = parseIpv4(text);
    const state = states[word];
    if (on === undefined || ip === undefined || state === undefined) return;
    const now = this.ground.catchUp();
    this.#noteNeighbour(on, ip, state, parseMac(mac), now, this.ground.sink);
    if (state === 'failed') this.witness.unresolved(ip, now, this.ground.sink);
    this.ground.stir();
  }

  /** The kernel tells nobody that it has begun to ask; the question itself does. */
  #noteQuestion(on: Interface, { words, start, length }: Frame, now: Instant, sink: Sink): void {
    if (length < 42 || words.getUint16(start + 12) !== 0x0806) return;
    if (words.getUint16(start + 20) !== 1 || (words.getUint16(start) & 0x100) === 0) return;
    const [asker, asked] = [words.getInt32(start + 28), words.getInt32(start + 38)];
    const known = on.neighbours.find(asked as Ipv4);
    if (asker === asked || asker === 0 || known?.hasMac) return;
    this.#noteNeighbour(on, asked as Ipv4, 'incomplete', undefined, now, sink);
  }

  #noteNeighbour(
    on: Interface,
    ip: Ipv4,
    state: NeighbourState,
    mac: Mac | undefined,
    now: Instant,
    sink: Sink,
  ): void {
    const { entries } = on.neighbours;
    const entry = entries.get(ip) ?? new Neighbour(ip);
    const was = entry.state;
    if (mac !== undefined) {
      entry.macHigh = Math.floor(mac / 2 ** 32);
      entry.macLow = (mac % 2 ** 32) | 0;
    }
    if (was === state && mac === undefined) return;
    // By itself an entry only grows old: what makes it new or another is something that was heard.
    const isNews = mac !== undefined && (state === 'reachable' || was === 'none' || was !== state);
    const cause = isNews && state !== 'probe' ? this.witness.heardOf(ip) : -1;
    entry.state = state;
    if (state === 'none') entries.delete(ip);
    else entries.set(ip, entry);
    sink.log.tell(now, this.name, cause, {
      kind: 'neighbour',
      interface: on.name,
      ip: showIpv4(ip),
      mac: entry.hasMac ? showMac(entry.mac) : '',
      state,
      was,
    });
  }

  #line(on: Interface): Line {
    return this.#lines[on.index]!;
  }

  #routeText({ prefix, kind, interface: on, via, metric, mtu }: Route): string {
    const what = kind === 'prohibited' ? 'prohibit' : kind;
    if (kind !== 'unicast') return `${what} ${showPrefix(prefix)} metric ${metric}`;
    // The next router of a line need not be in a network of the adapter.
    const next = via === anyIpv4 ? '' : ` via ${showIpv4(via)}`;
    const onlink = via === anyIpv4 ? '' : ' onlink';
    const size = mtu === undefined ? '' : ` mtu ${mtu}`;
    return `${showPrefix(prefix)}${next} dev ${this.deviceOf(on)}${onlink} metric ${metric}${size}`;
  }
}

/** Larger than any tunnel. */
const tapMtu = 9000;

const tapsOf = (device: string) =>
  [
    { direction: 'in', hook: 'egress', name: `${device}i` },
    { direction: 'out', hook: 'ingress', name: `${device}o` },
  ] as const;

/** Type 3, code 4 (RFC 792, RFC 1191). */
const fragmentationNeeded = 0x0304;

const isQuestion = ({ words, start, length }: Frame): boolean =>
  length >= 42 && words.getUint16(start + 12) === 0x0806 && words.getUint16(start + 20) === 1;

const isIp = ({ words, start, length }: Frame): boolean =>
  length >= 34 && words.getUint16(start + 12) === 0x0800;
