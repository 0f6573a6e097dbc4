/** The cables of a lab: laid once, then pulled, plugged in again and made worse. */
import { nanoseconds } from '../base/time.ts';
import type { Port } from '../stack/device.ts';
import type { IpStack } from '../stack/ip-stack.ts';
import { type Fabric, isSameTraffic, type LinkOptions, type Traffic } from './fabric.ts';
import type { Machines } from './machines.ts';
import type { CablePlan, TrunkPlan } from './topology.ts';

/** Some cables: those of a machine or switch, or fewer; or what of them some traffic takes. */
export interface Where {
  readonly node: string;
  /** Of a machine, the one at this adapter. */
  readonly adapter?: string | undefined;
  /** Of a switch, those at access ports in this VLAN. */
  readonly vlan?: number | undefined;
  /** Only this can be impaired: a cable is pulled for all that it carries. */
  readonly traffic?: Traffic | undefined;
}

/** What some traffic has to itself costs nothing until a fault makes it worse. */
const noCable: LinkOptions = { latency: nanoseconds(0), rate: Number.POSITIVE_INFINITY };

/** Why a cable has no carrier though its machines run. */
type Cut = 'pulled' | 'port off';

export class Cables {
  readonly #fabric: Fabric;
  readonly #machines: Machines;
  readonly #plans = new Map<string, CablePlan>();
  /** Switches and the machines that are on them. */
  readonly #joined = new Set<string>();
  /** By the port that sends, what faults have made of that direction. */
  readonly #impaired = new Map<string, LinkOptions>();
  /** By the port of a machine: they stay so, whether the machine runs or not. */
  readonly #cuts = new Map<string, Set<Cut>>();
  /** Switches without power. */
  readonly #dark = new Set<string>();

  constructor(fabric: Fabric, machines: Machines) {
    this.#fabric = fabric;
    this.#machines = machines;
  }

  lay(cable: CablePlan): void {
    const stack = this.#machines.stack(cable.node)!;
    const { port, mac } = stack.interface(cable.adapter);
    this.#plans.set(`${cable.node}.${cable.adapter}`, cable);
    const { to } = cable;
    if (to.kind === 'nothing') return;
    if (to.kind === 'adapter') {
      const far = this.#machines.stack(to.node)!.interface(to.adapter);
      this.#fabric.connect(port!, far.port!, cable.link);
      return;
    }
    const bridge = this.#machines.switches.get(to.name)!;
    // A machine with several adapters here needs a port for each, and each port a name of its own.
    const key = `${to.name} ${cable.node}`;
    const name = this.#joined.has(key) ? `${cable.node}-${cable.adapter}` : cable.node;
    this.#joined.add(key);
    const socket = bridge.addPort({ kind: 'access', vlan: to.vlan }, name);
    this.#fabric.connect(port!, socket, cable.link);
    const { guests, appliances, portGroups } = this.#machines;
    const rights = portGroups.get(to.name)?.find(({ vlan }) => vlan === to.vlan)?.rights;
    const guest = guests.get(cable.node);
    // What is not a virtual machine is beyond the host, at an uplink.
    if (rights === undefined || (guest ?? appliances.get(cable.node)) === undefined) return;
    bridge.secure(socket, { ...rights, mac, configured: guest?.plan.adapter.mac ?? mac });
  }

  /** Plugs what is no machine of the lab into a network. */
  join(port: Port, network: string, link: LinkOptions): void {
    const { device, name } = port;
    const to = { kind: 'switch', name: network, vlan: 1 } as const;
    this.#plans.set(port.label, { node: device.name, adapter: name, to, link });
    const mode = { kind: 'access', vlan: to.vlan } as const;
    const socket = this.#machines.switches.get(network)!.addPort(mode, device.name);
    this.#fabric.connect(port, socket, link);
  }

  /** The driver of an operating system resets its adapters as it starts. */
  reset(stack: IpStack): void {
    const { now } = this.#fabric;
    for (const port of stack.ports) {
      const peer = this.#fabric.peerOf(port);
      if (peer === undefined || !this.#hasCarrier(port)) continue;
      this.#machines.switches.get(peer.device.name)?.adapterReset(peer, now, this.#fabric);
    }
  }

  /** Joins two switches. */
  layTrunk({ ends, link }: TrunkPlan): void {
    const [a, b] = ends.map(({ switch: name, vlans }, i) => {
      const bridge = this.#machines.switches.get(name)!;
      return bridge.addPort({ kind: 'trunk', vlans }, ends[1 - i]!.switch);
    });
    this.#fabric.connect(a!, b!, link);
  }

  /** The cables of a machine's last life become those of its next, whose adapters are on. */
  replug(from: IpStack, to: IpStack): void {
    from.ports.forEach((port, i) => {
      if (this.#fabric.peerOf(port) === undefined) return;
      this.#fabric.replug(port, to.ports[i]!);
      this.#fabric.mute(to.ports[i]!, false);
    });
  }

  /** Carrier comes and goes with the power of a machine, unless something else keeps it away. */
  power(stack: IpStack, on: boolean): void {
    for (const port of stack.ports) this.#setCarrier(port, on);
  }

  /** The switch itself: without it there is no carrier at any of its ports. */
  powerSwitch(name: string, on: boolean): void {
    if (on) this.#dark.delete(name);
    else this.#dark.add(name);
    const state = on ? 'on' : 'off';
    this.#fabric.log.tell(this.#fabric.now, name, -1, { kind: 'power', state });
    for (const port of this.#machines.switches.get(name)?.ports ?? []) {
      const peer = this.#fabric.peerOf(port);
      if (peer) this.#setCarrier(peer, this.#machines.powerOf(peer.device.name) !== 'off');
    }
  }

  /** Somebody pulls cables or plugs them in again, or turns the ports that they lead to off or on. */
  cut(where: Where, how: Cut, isCut: boolean): void {
    for (const port of this.#at(where)) {
      const cuts = this.#cuts.get(port.label) ?? new Set();
      this.#cuts.set(port.label, cuts);
      if (isCut) cuts.add(how);
      else cuts.delete(how);
      this.#setCarrier(port, this.#machines.powerOf(where.node) !== 'off');
    }
  }

  /** A machine turns its own adapters off or on. */
  setAdapter(where: Where, on: boolean): void {
    const stack = this.#machines.stack(where.node);
    for (const port of this.#at(where)) {
      stack?.setAdapter(port, on, this.#fabric.now, this.#fabric);
      this.#fabric.mute(port, !on);
    }
  }

  /**
   * Changes cables from now on. What was changed before stays changed.
   *
   * @param direction As seen from `where`: what comes to it, what leaves it.
   * @returns The labels of the ports whose frames are concerned.
   */
  impair(where: Where, direction: 'in' | 'out' | 'both', change: Partial<LinkOptions>): string[] {
    return this.#directions(where, direction).map((port) => {
      const options = this.#impaired.get(port.label) ?? this.#plan(port).link;
      this.#set(port, changed(options, where.traffic, change));
      return port.label;
    });
  }

  /** Whether a machine has no carrier at its first adapter. */
  isCutOff(name: string): boolean {
    const port = this.#machines.stack(name)?.ports[0];
    return port === undefined || !this.#hasCarrier(port);
  }

  /** Both ends of the cables there. */
  portsAt(where: Where): string[] {
    return this.#directions(where, 'both').map(({ label }) => label);
  }

  /** All that was done to cables there is undone. */
  mend(where: Where): void {
    const { traffic } = where;
    for (const port of this.#directions(where, 'both')) {
      const options = this.#impaired.get(port.label);
      const { link } = this.#plan(port);
      if (options !== undefined) this.#set(port, traffic ? without(options, traffic) : link);
    }
    if (traffic !== undefined || this.#machines.switches.has(where.node)) return;
    for (const how of ['pulled', 'port off'] as const) this.cut(where, how, false);
    this.setAdapter(where, true);
  }

  #set(port: Port, options: LinkOptions): void {
    this.#impaired.set(port.label, options);
    this.#fabric.impair(port, options);
  }

  #setCarrier(port: Port, powered: boolean): void {
    if (this.#fabric.peerOf(port) !== undefined)
      this.#fabric.setLink(port, powered && this.#hasCarrier(port));
  }

  /** As far as the cable and what it leads to go. */
  #hasCarrier(port: Port): boolean {
    const peer = this.#fabric.peerOf(port);
    if (peer === undefined) return false;
    const isCut = [port, peer].some(({ label }) => (this.#cuts.get(label)?.size ?? 0) > 0);
    return !isCut && !this.#dark.has(peer.device.name);
  }

  /** The ports there that have a cable. */
  #at({ node, adapter, vlan }: Where): readonly Port[] {
    const bridge = this.#machines.switches.get(node);
    const ports = bridge?.ports ?? this.#machines.stack(node)?.ports ?? [];
    return ports.filter((port) => {
      if (this.#fabric.peerOf(port) === undefined) return false;
      if (bridge === undefined) return adapter === undefined || port.name === adapter;
      const mode = bridge.modeOf(port);
      return vlan === undefined || (mode.kind === 'access' && mode.vlan === vlan);
    });
  }

  /** The sending ends of a direction. */
  #directions(where: Where, direction: 'in' | 'out' | 'both'): readonly Port[] {
    return this.#at(where).flatMap((port) => {
      const peer = this.#fabric.peerOf(port)!;
      return direction === 'both' ? [port, peer] : [direction === 'out' ? port : peer];
    });
  }

  #plan(port: Port): CablePlan {
    const peer = this.#fabric.peerOf(port)!;
    return (this.#plans.get(port.label) ?? this.#plans.get(peer.label))!;
  }
}

const partOf = ({ parts = [] }: LinkOptions, traffic: Traffic) =>
  parts.find((part) => isSameTraffic(part.traffic, traffic));

function without(options: LinkOptions, traffic: Traffic): LinkOptions {
  const part = partOf(options, traffic);
  return { ...options, parts: (options.parts ?? []).filter((one) => one !== part) };
}

function changed(
  options: LinkOptions,
  traffic: Traffic | undefined,
  change: Partial<LinkOptions>,
): LinkOptions {
  if (traffic === undefined) return { ...options, ...change };
  const link = { ...(partOf(options, traffic)?.link ?? noCable), ...change };
  const { parts = [] } = without(options, traffic);
  return { ...options, parts: [...parts, { traffic, link }] };
}
