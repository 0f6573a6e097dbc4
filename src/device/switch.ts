/**
 * A learning switch with VLANs (IEEE 802.1D-2004 section 7, 802.1Q-2018 section 8): also the
 * virtual switch of a host, whose port groups are its access ports.
 */
import type { Frame } from '../base/frame.ts';
import { type Duration, type Instant, seconds } from '../base/time.ts';
import { type Device, Port, type PortGroup, type Sink } from '../stack/device.ts';
import { forwardDelay, type SpanningTreeOptions } from '../stack/spanning-tree.ts';
import { anyIpv4, type Mac, readIpv4, readMac, showMac, unknownMac } from '../wire/address.ts';
import { encodeArp } from '../wire/arp.ts';
import { encodeEthernet, etherType } from '../wire/ethernet.ts';
import { BridgeProtocol } from './bridge-protocol.ts';
import { DeviceTracking, type TrackingOptions, type TrackingProbe } from './device-tracking.ts';
import { MacTable } from './mac-table.ts';
import { PortSecurity, type SecuredPort } from './port-security.ts';
import { type PortMode, VlanMembers } from './vlan-members.ts';

export interface SwitchOptions {
  readonly ageing?: Duration;
  readonly entriesMax?: number;
  /** Forwards 01-80-C2-00-00-00 as a Linux bridge with STP off does. */
  readonly forwardsStp?: boolean;
  /** Takes part in a spanning tree, from `start` on. */
  readonly spanningTree?: SpanningTreeOptions;
}

/** Ports that one frame goes to. */
interface Takers {
  readonly access: PortGroup;
  /** Those that carry its VLAN with a tag. */
  readonly tagged: readonly Port[];
  /** Those that carry its VLAN and may not have it. */
  readonly blocked: readonly Port[];
}

const agingDefault = seconds(300); // IEEE 802.1D-2004 table 7-5
const tagType = 0x8100;
const defaultVlan: PortMode = { kind: 'access', vlan: 1 };

export class Switch implements Device {
  readonly name: string;
  readonly ports: Port[] = [];
  readonly table: MacTable;
  readonly #members = new VlanMembers();
  /** Ports whose cable is down: nothing is flooded to them. */
  readonly #down = new Set<Port>();
  /** Per VLAN, the ports that carry it and have a carrier; worked out when first needed. */
  readonly #groups = new Map<number, Takers>();
  /** Per VLAN, where the switch asks machines whether they are still there. */
  readonly #tracked = new Map<number, DeviceTracking>();
  /** Only virtual switches have any. */
  #security: PortSecurity | undefined;
  /** Per VLAN and port, who else gets what is for that port; port -1 for an address that nobody has. */
  readonly #takers = new Map<string, Takers>();
  /** As it is set; `#ageing` is shorter while the spanning tree changes. */
  readonly #ageingSet: number;
  #ageing: number;
  readonly #tree: BridgeProtocol | undefined;
  /** There is more to it than learning: a spanning tree, rights, or tracking. */
  #managed: boolean;
  readonly #forwardsStp: boolean;

  constructor(name: string, portCount: number, options: SwitchOptions = {}) {
    this.name = name;
    this.table = new MacTable(options.entriesMax);
    this.#ageingSet = options.ageing ?? agingDefault;
    this.#ageing = this.#ageingSet;
    if (options.spanningTree) this.#tree = new BridgeProtocol(this, options.spanningTree);
    this.#managed = this.#tree !== undefined;
    this.#forwardsStp = options.forwardsStp ?? true;
    for (let i = 0; i < portCount; i += 1) this.addPort();
  }

  addPort(mode: PortMode = defaultVlan, name = `port${this.ports.length + 1}`): Port {
    const port = new Port(this, this.ports.length, name);
    this.ports.push(port);
    this.#members.set(port, mode);
    this.#regroup(port);
    return port;
  }

  /** Moves a port to another VLAN: what a port group or a trunk is edited to. */
  setMode(port: Port, mode: PortMode): void {
    this.#regroup(port);
    this.#members.set(port, mode);
    this.#regroup(port);
    this.table.forget((index) => index === port.index);
  }

  /** Tells the switch which adapter is at the port, and what it may do. */
  secure(port: Port, secured: SecuredPort): void {
    this.#security ??= new PortSecurity();
    this.#managed = true;
    this.#security.secure(port, secured);
    this.#regroup(port);
  }

  /** Lets the switch keep track of the machines of a VLAN. */
  track(vlan: number, options: TrackingOptions): void {
    this.#tracked.set(vlan, new DeviceTracking(options));
    this.#managed = true;
  }

  modeOf(port: Port): PortMode {
    return this.#members.modeOf(port);
  }

  receive(port: Port, frame: Frame, now: Instant, sink: Sink): void {
    const { words, start } = frame;
    if (frame.length < 14) {
      sink.drop(port, frame, 'MALFORMED');
      return;
    }
    const sourceHigh = words.getUint16(start + 6);
    const sourceLow = words.getInt32(start + 8);
    if (sourceHigh & 0x100 || (sourceHigh === 0 && sourceLow === 0)) {
      sink.drop(port, frame, 'BAD_SOURCE_MAC');
      return;
    }
    if (this.#tree !== undefined && !this.#tree.admits(port, frame, now, sink)) return;
    let vlan = this.#members.untagged[port.index]!;
    let inner = frame;
    if (words.getUint16(start + 12) === tagType && this.modeOf(port).kind === 'trunk') {
      if (frame.length < 18) {
        sink.drop(port, frame, 'MALFORMED');
        return;
      }
      vlan = words.getUint16(start + 14) & 0xfff || vlan;
      inner = untag(frame, sink);
      if (!this.#members.carries(port, vlan)) vlan = 0;
    }
    if (vlan === 0) {
      sink.drop(port, frame, 'VLAN_MISMATCH');
      return;
    }
    const managed = this.#managed;
    if (managed && !this.#lets(port, frame, vlan, now, sink)) return;
    const since = now - this.#ageing;
    if (!managed || (this.#security?.learns(port) ?? true)) {
      const known = this.table.learn((vlan << 16) | sourceHigh, sourceLow, port.index, now, since);
      if (known !== port.index && known !== -2 && sink.log.detailed)
        this.#tellLearned(frame, vlan, port, known < 0 ? 'learned' : 'moved', now, sink);
    }
    if (managed && this.#blocks(port)) {
      sink.drop(port, frame, 'PORT_NOT_FORWARDING'); // the port is learning
      return;
    }

    const high = words.getUint16(start);
    const low = words.getInt32(start + 2);
    if (high & 0x100) {
      if (high === 0x0180 && this.#isReserved(low)) {
        sink.drop(port, frame, 'RESERVED_GROUP');
        return;
      }
      this.#flood(port, inner, vlan, sink);
      return;
    }
    const out = this.table.find((vlan << 16) | high, low, since);
    if (this.#security !== undefined) {
      const owner = this.#security
        .owners(readMac(words, start))
        .find((one) => this.#members.carries(one, vlan) && !this.#down.has(one));
      this.#sendSecured(port, owner ?? this.ports[out], inner, vlan, sink);
    } else if (out < 0) this.#flood(port, inner, vlan, sink);
    else if (out === port.index) sink.drop(port, frame, 'SAME_PORT');
    else if (managed && this.#blocks(this.ports[out]!))
      sink.drop(port, frame, 'PORT_NOT_FORWARDING');
    else this.#sendTo(this.ports[out]!, inner, vlan, sink);
  }

  /** What a switch with more to it than learning does with a frame before it learns. */
  #lets(port: Port, frame: Frame, vlan: number, now: Instant, sink: Sink): boolean {
    const source = readMac(frame.words, frame.start + 6);
    const refusal = this.#security?.refuses(port, source);
    if (refusal !== undefined) {
      sink.drop(port, frame, refusal);
      return false;
    }
    this.#heed(port, frame, vlan, now, sink);
    return true;
  }

  #blocks(port: Port): boolean {
    return this.#tree !== undefined && !this.#tree.forwards(port);
  }

  /** The spanning tree begins, on all ports whose cables are not down. */
  start(now: Instant, sink: Sink): void {
    for (const port of this.ports)
      if (!this.#down.has(port)) this.#tree?.carrier(port, true, now, sink);
  }

  wake(now: Instant, sink: Sink): void {
    this.#tree?.wake(now, sink);
    for (const tracking of this.#tracked.values()) this.#ask(tracking, tracking.wake(now), sink);
  }

  /** The spanning tree lets a port do more or less than before. */
  portChanged(): void {
    for (const port of this.ports) this.#regroup(port);
  }

  /** While the spanning tree changes, entries age in the time that a port takes for one step up. */
  treeChanges(active: boolean, now: Instant): void {
    const short = Math.min(this.#ageingSet, forwardDelay);
    this.#ageing = active ? short : this.#ageingSet;
    // Nothing that has aged meanwhile may come back to life.
    if (!active) this.table.forget((_port, seen) => seen < now - short);
  }

  /** A pulled cable takes what was learned on it along. */
  carrier(port: Port, up: boolean, now: Instant, sink: Sink): void {
    if (up) this.#down.delete(port);
    else {
      this.#down.add(port);
      this.#forget(port, now, sink);
    }
    this.#regroup(port);
    this.#tree?.carrier(port, up, now, sink);
    this.#heedLink(port, up, now, sink);
  }

  /** The machine at the port has reset its adapter: too short a break for anything but tracking to see. */
  adapterReset(port: Port, now: Instant, sink: Sink): void {
    this.#heedLink(port, true, now, sink);
  }

  #heedLink(port: Port, up: boolean, now: Instant, sink: Sink): void {
    for (const tracking of this.#tracked.values())
      this.#ask(tracking, tracking.handle({ kind: 'link', port, up }, now), sink);
  }

  /** Notes who says by ARP that it has an address. */
  #heed(port: Port, { words, start, length }: Frame, vlan: number, now: Instant, sink: Sink): void {
    const tracking = this.#tracked.get(vlan);
    if (tracking === undefined || length < 42 || words.getUint16(start + 12) !== 0x0806) return;
    const ip = readIpv4(words, start + 28);
    if (ip === 0) return;
    const heard = { kind: 'heard', ip, mac: readMac(words, start + 22), port } as const;
    this.#ask(tracking, tracking.handle(heard, now), sink);
  }

  #ask(tracking: DeviceTracking, probes: readonly TrackingProbe[], sink: Sink): void {
    for (const { port, ip, mac } of probes) {
      const arp = { operation: 'request', senderMac: tracking.mac, senderIp: anyIpv4 } as const;
      const payload = encodeArp({ ...arp, targetMac: unknownMac, targetIp: ip });
      const header = { target: mac, source: tracking.mac, type: etherType.arp };
      sink.send(port, sink.frames.from(encodeEthernet({ ...header, payload })));
    }
    const next = tracking.nextWake();
    if (next !== undefined) sink.wakeAt(this, next);
  }

  #forget(port: Port, now: Instant, sink: Sink): void {
    if (sink.log.detailed) {
      for (const { high, low, port: index } of this.table.entries()) {
        if (index !== port.index) continue;
        const mac = showMac(((high & 0xffff) * 2 ** 32 + (low >>> 0)) as Mac);
        const vlan = high >>> 16;
        const fact = {
          kind: 'switch-entry',
          mac,
          vlan,
          port: port.name,
          change: 'removed',
        } as const;
        sink.log.tell(now, this.name, -1, fact);
      }
    }
    this.table.forget((index) => index === port.index);
  }

  #flood(port: Port, frame: Frame, vlan: number, sink: Sink): void {
    const group = this.#groupOf(vlan);
    const { ports } = group.access;
    for (const one of group.blocked) sink.drop(one, frame, 'MAC_CHANGE_REJECTED');
    if (
      group.tagged.length === 0 &&
      (ports.length === 0 || (ports.length === 1 && ports[0] === port))
    ) {
      if (group.blocked.length === 0) sink.drop(port, frame, 'NO_OTHER_PORT');
      return;
    }
    this.#spread(group, port, frame, vlan, sink);
  }

  #spread({ access, tagged }: Takers, port: Port, frame: Frame, vlan: number, sink: Sink): void {
    for (const trunk of tagged) {
      if (trunk !== port) sink.send(trunk, tag(frame, vlan, sink));
    }
    if (access.ports.length > 0) sink.flood(access, port, frame);
  }

  /**
   * What a virtual switch does with a frame for one machine.
   *
   * @param to Where that machine is; undefined where it is no adapter of this host, nor known elsewhere.
   */
  #sendSecured(port: Port, to: Port | undefined, frame: Frame, vlan: number, sink: Sink): void {
    if (to === port) {
      sink.drop(port, frame, 'SAME_PORT');
      return;
    }
    if (to !== undefined && this.#security!.blocks(to)) {
      sink.drop(to, frame, 'MAC_CHANGE_REJECTED');
      return;
    }
    const takers = this.#takersOf(vlan, to);
    const count = others(takers, port);
    const isRefused = to === undefined && count < others(this.#groupOf(vlan), port);
    if (count > 0) this.#spread(takers, port, frame.share(), vlan, sink);
    if (isRefused) sink.drop(port, frame, 'NOT_PROMISCUOUS');
    else if (count === 0) sink.drop(port, frame, 'NO_OTHER_PORT');
  }

  #takersOf(vlan: number, to: Port | undefined): Takers {
    const key = `${vlan} ${to?.index}`;
    const known = this.#takers.get(key);
    if (known !== undefined) return known;
    const security = this.#security!;
    const takes = (port: Port): boolean =>
      port === to || security.overhears(port) || (to === undefined && security.takesUnknown(port));
    const { access, tagged } = this.#groupOf(vlan);
    const ports = access.ports.filter(takes);
    const takers = { access: { ports }, tagged: tagged.filter(takes), blocked: [] };
    this.#takers.set(key, takers);
    return takers;
  }

  #sendTo(port: Port, frame: Frame, vlan: number, sink: Sink): void {
    const tagged = this.#members.untagged[port.index] !== vlan;
    sink.send(port, tagged ? tag(frame, vlan, sink) : frame);
  }

  /** 01-80-C2-00-00-00 to -0F never pass a bridge (table 7-10); Linux lets the first through with STP off. */
  #isReserved(low: number): boolean {
    return (low & 0xfffffff0) === (0xc2000000 | 0) && !(this.#forwardsStp && (low & 15) === 0);
  }

  #groupOf(vlan: number): Takers {
    let group = this.#groups.get(vlan);
    if (group === undefined) {
      const isUp = (port: Port): boolean =>
        !this.#down.has(port) && (this.#tree === undefined || this.#tree.forwards(port));
      const attached = this.#members.of(vlan).filter(isUp);
      const blocked = attached.filter((port) => this.#security?.blocks(port));
      const carrying = attached.filter((port) => !blocked.includes(port));
      const { untagged } = this.#members;
      const access = { ports: carrying.filter(({ index }) => untagged[index] === vlan) };
      const tagged = carrying.filter(({ index }) => untagged[index] !== vlan);
      group = { access, tagged, blocked };
      this.#groups.set(vlan, group);
    }
    return group;
  }

  /** What was worked out about the VLANs of a port no longer holds. */
  #regroup(port: Port): void {
    for (const vlan of this.#members.vlansOf(port)) this.#groups.delete(vlan);
    this.#takers.clear();
  }

  #tellLearned(
    frame: Frame,
    vlan: number,
    port: Port,
    change: 'learned' | 'moved',
    now: Instant,
    sink: Sink,
  ): void {
    const { words, start } = frame;
    const address = words.getUint16(start + 6) * 2 ** 32 + words.getUint32(start + 8);
    const mac = showMac(address as Mac);
    const fact = { kind: 'switch-entry', mac, vlan, port: port.name, change } as const;
    sink.log.tell(now, this.name, frame.cause, fact);
  }
}

/** How many ports of a group are not this one. */
const others = ({ access, tagged }: Takers, port: Port): number =>
  access.ports.length +
  tagged.length -
  Number(access.ports.includes(port) || tagged.includes(port));

/** The frame with an 802.1Q tag of priority 0. */
function tag(frame: Frame, vlan: number, sink: Sink): Frame {
  const tagged = sink.frames.allocate(frame.length + 4);
  tagged.memory.set(frame.bytes(0, 12), tagged.start);
  tagged.words.setUint16(tagged.start + 12, tagType);
  tagged.words.setUint16(tagged.start + 14, vlan);
  tagged.memory.set(frame.bytes(12), tagged.start + 16);
  tagged.trusted = frame.trusted;
  tagged.cause = frame.cause;
  return tagged;
}

function untag(frame: Frame, sink: Sink): Frame {
  const plain = sink.frames.allocate(frame.length - 4);
  plain.memory.set(frame.bytes(0, 12), plain.start);
  plain.memory.set(frame.bytes(16), plain.start + 12);
  plain.trusted = frame.trusted;
  plain.cause = frame.cause;
  return plain;
}
