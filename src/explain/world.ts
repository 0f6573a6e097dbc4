/**
 * How things stood at any moment, from the log alone: who held which address, what was switched on,
 * for whom the appliances stood in. Built once per log and carried on as the log grows.
 */
import type { Instant } from '../base/time.ts';
import type {
  AddressOrigin,
  Fact,
  MachineRole,
  NeighbourState,
  ReplicaState,
  TraceEvent,
} from '../trace/event.ts';
import type { EventLog } from '../trace/log.ts';
import type { Reason } from '../trace/reasons.ts';
import { type Ipv4, maskOf, parsePrefix, showMac } from '../wire/address.ts';
import { decodeEthernet } from '../wire/ethernet.ts';
import { Malformed } from '../wire/malformed.ts';
import { firstAfter, isCrossing } from './tree.ts';

type FactOf<K extends Fact['kind']> = Extract<Fact, { kind: K }>;
type Told<K extends Fact['kind']> = Extract<TraceEvent, { kind: K }>;

export interface Machine extends Omit<FactOf<'machine'>, 'kind'> {
  readonly name: string;
}

/** Somebody has an address. */
export interface Holding {
  readonly node: string;
  readonly interface: string;
  readonly ip: string;
  readonly origin: AddressOrigin;
  readonly since: Instant;
}

export interface NeighbourEntry {
  readonly mac: string;
  readonly state: NeighbourState;
  readonly since: Instant;
  /** When the MAC address that it holds was learned. */
  readonly learned: Instant;
  /** The event of that. */
  readonly source: number;
  readonly event: number;
}

/** A machine took note of an answer. */
export interface ToldMac {
  readonly node: string;
  readonly mac: string;
  readonly at: Instant;
  readonly cause: number;
  readonly event: number;
}

export interface TunnelView {
  readonly node: string;
  readonly state: FactOf<'tunnel'>['state'];
  readonly endpoint: string;
  readonly since: Instant;
  /** The event of that. */
  readonly event: number;
  readonly because?: Reason;
}

/** An ARP table's entry, with the address that it is for. */
export interface NextHop extends NeighbourEntry {
  readonly ip: string;
}

export interface Operation {
  readonly operation: string;
  readonly vms: readonly string[];
  readonly started: Instant;
  /** The event that it started with. */
  readonly event: number;
  state: 'started' | 'success' | 'failed';
  /** When it had come to an end. */
  ended?: Instant;
  because?: Reason;
  /** What the reason leaves out: which appliance, at which step. */
  text?: string;
}

export type Fault = Told<'fault'>;
export type Warning = Told<'warning'>;
export type SwitchEntry = Told<'switch-entry'>;
export type ProbeEvent = Told<'probe'>;
export type ProxyDecision = Told<'proxy-decision'>;

const known = [
  'machine',
  'bit-error',
  'neighbour',
  'address',
  'lease',
  'switch-entry',
  'route',
  'proxy-entry',
  'proxy-decision',
  'bridge',
  'tunnel',
  'power',
  'fault',
  'operation',
  'replica',
  'warning',
  'probe',
  'path-mtu',
] as const satisfies readonly Fact['kind'][];

const servedByReplica: ReadonlySet<ReplicaState> = new Set([
  'failover',
  'ready-to-switch',
  'permanent-failover',
]);

/** A fault at a tunnel concerns some of what its port sends, and is mended apart from the rest. */
const tunnelPart = ' tunnel';

/** What keeps a machine from its network, and what ends it. */
const cuts = {
  link_down: 'link_up',
  port_off: 'port_on',
  interface_down: 'interface_up',
} as const;

const daemons = ['vpn', 'proxy_arp', 'dhcp'] as const;

/** What a fault of a firewall is about: `udp/6180 tcp/22 at gw1`. */
export function blockedBy({ target }: Fault): {
  readonly ports: readonly string[];
  readonly node: string;
} {
  const [ports = '', node = ''] = target.split(' at ');
  return { ports: ports.split(' '), node };
}

/** Kinds of fault that make a line worse, and how what they do is told. A duplicate does no harm. */
export const lineHarms: Readonly<Record<string, Reason>> = {
  drop: 'LINK_LOSS',
  black_hole: 'BLACK_HOLE',
  corrupt: 'LINK_CORRUPTION',
  delay: 'LINK_DELAY',
  jitter: 'LINK_DELAY',
  reorder: 'LINK_DELAY',
  rate: 'LINK_SLOW',
  mtu: 'FRAME_TOO_LONG',
};

/** Values over time, in order. */
const isRouter = (role: MachineRole | undefined): boolean =>
  role === 'router' || role === 'edge-gateway';

class History<T> {
  readonly #times: Instant[] = [];
  readonly #values: T[] = [];

  push(at: Instant, value: T): void {
    this.#times.push(at);
    this.#values.push(value);
  }

  /** The value in force at a moment. */
  at(when: Instant): T | undefined {
    return this.#values[this.#place(when)];
  }

  get last(): T | undefined {
    return this.#values.at(-1);
  }

  /** All values set from one moment to another. */
  within(from: Instant, to: Instant): T[] {
    return this.#values.slice(this.#place((from - 1) as Instant) + 1, this.#place(to) + 1);
  }

  #place(when: Instant): number {
    return firstAfter(this.#times.length, (i) => this.#times[i]!, when) - 1;
  }
}

/** Histories by name. */
class Histories<T> extends Map<string, History<T>> {
  push(key: string, at: Instant, value: T): void {
    let history = this.get(key);
    if (history === undefined) this.set(key, (history = new History()));
    history.push(at, value);
  }

  at(key: string, when: Instant): T | undefined {
    return this.get(key)?.at(when);
  }
}

/** The histories of a node, made when they are first written to. */
function within<T>(all: Map<string, Histories<T>>, node: string): Histories<T> {
  let histories = all.get(node);
  if (histories === undefined) all.set(node, (histories = new Histories()));
  return histories;
}

const worlds = new WeakMap<EventLog, World>();

/** The world of a log as it is now. */
export function worldOf(log: EventLog): World {
  let world = worlds.get(log);
  if (world === undefined) worlds.set(log, (world = new World(log)));
  world.extend();
  return world;
}

export class World {
  readonly machines = new Map<string, Machine>();
  readonly #replicaByVm = new Map<string, Machine>();
  /** VMs by the address in their settings: those of several tenants may have the same. */
  readonly #vmsByIp = new Map<string, Machine[]>();
  readonly operations: Operation[] = [];
  readonly warnings: Warning[] = [];
  readonly #log: EventLog;
  #read = 0;
  readonly #nodes = new Set<string>();
  readonly #ports = new Map<string, string>();
  readonly #switches = new Set<string>();
  /** By address: per node and interface, what it did with it last. */
  readonly #holders = new Map<string, Histories<Told<'address'>>>();
  readonly #heldBy = new Map<string, Set<string>>();
  readonly #powers = new Histories<Told<'power'>>();
  /** By node: the fault that took its power; undefined where the controller or somebody else did. */
  readonly #blackouts = new Histories<Fault | undefined>();
  /** By node: the fault that switched it on last. */
  readonly #revivals = new Histories<Fault>();
  /** The last fault about power, which what follows at the same moment is due to. */
  #supply: Fault | undefined;
  /** By kind of fault and port: what began it, or what ended it. */
  readonly #cuts = new Histories<Fault>();
  /** The ports of each node that were ever cut off. */
  readonly #cutPorts = new Map<string, Set<string>>();
  /** By process and node: what hung it, or what ended that. */
  readonly #hangs = new Histories<Fault>();
  readonly #clocks = new Histories<Fault>();
  /** By node, then by port and direction. */
  readonly #blocks = new Map<string, Histories<Fault>>();
  /** By appliance: that its password was changed, that it was deployed anew. */
  readonly #passwords = new Histories<Fault>();
  readonly #redeployed = new Histories<Fault>();
  /** By machine. */
  readonly #lostLeases = new Histories<Fault>();
  /** By kind of fault and port. */
  readonly #faults = new Histories<Fault>();
  /** Those that make lines worse, in order. */
  readonly #lineFaults: Fault[] = [];
  /** Crossings on which a bit of the frame was turned. */
  readonly #bitErrors = new Set<number>();
  /** Those that have given leases. */
  readonly #lenders = new Set<string>();
  readonly #boots = new Histories<number>();
  readonly #replicas = new Histories<ReplicaState>();
  /** By appliance, then by address. */
  readonly #entries = new Map<string, Histories<Told<'proxy-entry'>>>();
  readonly #decisions = new Histories<ProxyDecision>();
  /** By production network. */
  readonly #bridges = new Histories<boolean>();
  /** By address, then by the router or gateway that has a route to it alone. */
  readonly #hostRoutes = new Map<string, Histories<boolean>>();
  /** By node, then by prefix. */
  readonly #routes = new Map<string, Histories<Told<'route'>>>();
  /** By switch, then by MAC address. */
  readonly #switchEntries = new Map<string, Histories<SwitchEntry>>();
  /** By node: where its default route leads; empty where it has none any more. */
  readonly #gateways = new Histories<string>();
  /** By production network, then by node. */
  readonly #tunnels = new Map<string, Histories<TunnelView>>();
  readonly #neighbours = new Map<string, Histories<NeighbourEntry>>();
  readonly #owners = new Map<string, Set<string>>();
  readonly #probes = new Map<number, ProbeEvent[]>();
  readonly #asked = new Map<string, number[]>();
  readonly #pathMtus = new Histories<Told<'path-mtu'>>();
  readonly #told = new Histories<ToldMac>();

  constructor(log: EventLog) {
    this.#log = log;
  }

  extend(): void {
    const from = this.#read;
    this.#read = this.#log.length;
    if (from === this.#read) return;
    for (const event of this.#log.facts(known, from)) this.#take(event);
  }

  /** How far the log has come. */
  get end(): Instant {
    return this.#read === 0 ? (0 as Instant) : this.#log.timeOf(this.#read - 1);
  }

  // What there is

  machine(name: string): Machine | undefined {
    return this.machines.get(name);
  }

  machinesOf(role: Machine['role'], network?: string): Machine[] {
    return [...this.machines.values()].filter(
      (one) => one.role === role && (network === undefined || one.network === network),
    );
  }

  /** Whether two machines may have to do with each other: those of two tenants never have. */
  isNear(node: string, other: string): boolean {
    const [one, two] = [node, other].map((name) => this.machine(name)?.tenant ?? '');
    return one === two || one === '' || two === '';
  }

  replicaOf(vm: string): Machine | undefined {
    return this.#replicaByVm.get(vm);
  }

  /** The VM that an address belongs to for this asker, wherever it runs: by its settings, or because it had it. */
  vmOf(ip: string, at: Instant, asker: string): string | undefined {
    const named = this.#vmsByIp.get(ip)?.find(({ name }) => this.isNear(name, asker));
    if (named !== undefined) return named.name;
    let latest: Told<'address'> | undefined;
    for (const history of this.#holders.get(ip)?.values() ?? []) {
      const told = history.at(at);
      const role = told && this.machine(told.node)?.role;
      if (role !== 'vm' && role !== 'replica') continue;
      if (!this.isNear(told!.node, asker)) continue;
      if (latest === undefined || told!.id > latest.id) latest = told;
    }
    return latest && (this.machine(latest.node)!.vm || latest.node);
  }

  isSwitch(node: string): boolean {
    return this.#switches.has(node);
  }

  /** The device that a port such as `hq.gateway.eth0` is on. Names of devices may have dots in them. */
  nodeOf(port: string): string {
    let node = this.#ports.get(port);
    if (node !== undefined) return node;
    const plain = port.slice(0, Math.max(0, port.lastIndexOf('.')));
    node = plain;
    while (node !== '' && !this.#nodes.has(node) && !this.#switches.has(node))
      node = node.slice(0, Math.max(0, node.lastIndexOf('.')));
    if (node === '') return plain;
    this.#ports.set(port, node);
    return node;
  }

  // How it stood

  /** Who had an address, of those that the asker may have to do with. A machine that is off may still be set up with it. */
  holders(ip: string, at: Instant, asker: string): Holding[] {
    const found: Holding[] = [];
    for (const history of this.#holders.get(ip)?.values() ?? []) {
      const told = history.at(at);
      if (told === undefined || told.id < this.#bootOf(told.node, at)) continue;
      if (!this.isNear(told.node, asker)) continue;
      if (told.change === 'added' || told.change === 'defended')
        found.push({ ...holding(told), since: told.at });
    }
    return found;
  }

  /** The last that was told of a node and an address. */
  claim(node: string, ip: string, at: Instant): Told<'address'> | undefined {
    let latest: Told<'address'> | undefined;
    for (const history of this.#holders.get(ip)?.values() ?? []) {
      const told = history.at(at);
      if (told?.node !== node || told.id < this.#bootOf(node, at)) continue;
      if (latest === undefined || told.id > latest.id) latest = told;
    }
    return latest;
  }

  addressesOf(node: string, at: Instant): Holding[] {
    return [...(this.#heldBy.get(node) ?? [])].flatMap((ip) =>
      this.holders(ip, at, node).filter((one) => one.node === node),
    );
  }

  /** The conflict that made a node give an address up, where that was the last that happened to it. */
  conflict(node: string, ip: string, at: Instant): Told<'address'> | undefined {
    const changes = [...(this.#holders.get(ip)?.values() ?? [])]
      .flatMap((history) => history.within(0 as Instant, at))
      .filter((told) => told.node === node && told.id >= this.#bootOf(node, at))
      .sort((a, b) => a.id - b.id);
    const last = changes.at(-1);
    if (last === undefined || last.change === 'added' || last.change === 'defended')
      return undefined;
    return changes.findLast(({ change }) => change === 'conflict');
  }

  power(node: string, at: Instant): FactOf<'power'>['state'] | undefined {
    return this.#powers.at(node, at)?.state;
  }

  /** How a machine came to be on or off. */
  powerChange(node: string, at: Instant): Told<'power'> | undefined {
    return this.#powers.at(node, at);
  }

  /** Not known to be off. A machine that boots is on as soon as its network is. */
  isOn(node: string, at: Instant): boolean {
    const power = this.power(node, at) ?? 'on';
    return power === 'on' || (power === 'booting' && this.addressesOf(node, at).length > 0);
  }

  /** The fault that has taken the power of a machine or switch, where one has. */
  blackout(node: string, at: Instant): Fault | undefined {
    return this.#blackouts.at(node, at);
  }

  /** The fault that switched a machine on last. */
  revival(node: string, at: Instant): Fault | undefined {
    return this.#revivals.at(node, at);
  }

  /** The last fault that took the power of a machine, whatever has become of it since. */
  lastBlackout(node: string, at: Instant): Fault | undefined {
    return this.#blackouts
      .get(node)
      ?.within(0 as Instant, at)
      .findLast((fault) => fault);
  }

  /** What the scenario has done that keeps a machine from its network, at any of the ports that matter. */
  cutsOff(node: string, at: Instant, matters = (_port: string): boolean => true): Fault[] {
    const found = new Set<Fault>();
    for (const port of this.#cutPorts.get(node) ?? []) {
      if (!matters(port)) continue;
      for (const kind of Object.keys(cuts)) {
        const fault = this.#cuts.at(`${kind} ${port}`, at);
        if (fault?.fault === kind) found.add(fault);
      }
    }
    return [...found];
  }

  /** The processes of a machine that hang. */
  hangs(node: string, at: Instant): Fault[] {
    return daemons.flatMap((daemon) => {
      const fault = this.#hangs.at(`${daemon} ${node}`, at);
      return fault?.fault === 'hang' && fault.id > this.#bootOf(node, at) ? fault : [];
    });
  }

  /** What the scenario has told a machine's firewall to block, where that is still so; the youngest first. */
  blocksAt(node: string, at: Instant): Fault[] {
    const redeployed = this.#redeployed.at(node, at)?.id ?? -1;
    const found = new Set<Fault>();
    for (const history of this.#blocks.get(node)?.values() ?? []) {
      const fault = history.at(at);
      if (fault?.fault === 'block' && fault.id > redeployed) found.add(fault);
    }
    return [...found].sort((a, b) => b.id - a.id);
  }

  /** That the password of an appliance was changed, and it has not been deployed anew since. */
  estranged(appliance: string, at: Instant): Fault | undefined {
    const fault = this.#passwords.at(appliance, at);
    const redeployed = this.#redeployed.at(appliance, at)?.id ?? -1;
    return fault !== undefined && fault.id > redeployed ? fault : undefined;
  }

  /** The last time that a machine lost its lease. */
  lostLease(node: string, at: Instant): Fault | undefined {
    const { vm = '' } = this.machine(node) ?? {};
    return this.#lostLeases.at(node, at) ?? this.#lostLeases.at(vm, at);
  }

  /** The last time that the wall clock of a machine jumped. */
  clockStep(node: string, at: Instant): Fault | undefined {
    const fault = this.#clocks.at(node, at);
    return fault !== undefined && fault.id > this.#bootOf(node, at) ? fault : undefined;
  }

  /** The youngest fault of some kinds that is in force for what a port sends. */
  faultAt(port: string, kinds: readonly string[], at: Instant): Fault | undefined {
    const latest = (kind: string, part: string) => this.#faults.at(`${kind} ${port}${part}`, at);
    const mended = latest('mend', '')?.id ?? -1;
    return ['', tunnelPart]
      .flatMap((part) => {
        const since = Math.max(mended, latest('mend', part)?.id ?? -1);
        return kinds.flatMap((kind) => latest(kind, part) ?? []).filter(({ id }) => id > since);
      })
      .reduce<Fault | undefined>((a, b) => (a === undefined || b.id > a.id ? b : a), undefined);
  }

  /** Since when lines have been worse than they should be; undefined if none is. */
  linesWorseSince(at: Instant): Instant | undefined {
    return this.#lineFaults.find((fault) => this.#isInForce(fault, at))?.at;
  }

  /** What makes lines worse at a moment, in order. */
  lineFaults(at: Instant): Fault[] {
    return this.#lineFaults.filter((fault) => this.#isInForce(fault, at));
  }

  #isInForce({ id, fault, at: began, ports = [] }: Fault, at: Instant): boolean {
    return began <= at && ports.some((port) => this.faultAt(port, [fault], at)?.id === id);
  }

  /** The last crossing on which a frame was spoilt that led to this event, through those that handed it on. */
  spoiltOn(id: number): number | undefined {
    if (this.#bitErrors.size === 0) return undefined;
    let one = id;
    for (; one >= 0 && this.#log.sortOf(one) !== 'fact'; one = this.#log.causeOf(one))
      if (this.#bitErrors.has(one)) return one;
    return undefined;
  }

  get hasBitErrors(): boolean {
    return this.#bitErrors.size > 0;
  }

  hasBitError(crossing: number): boolean {
    return this.#bitErrors.has(crossing);
  }

  /** Id of the fact that the present life of a machine began with: it remembers nothing from before. */
  #bootOf(node: string, at: Instant): number {
    return this.#boots.at(node, at) ?? -1;
  }

  isLender(node: string): boolean {
    return this.#lenders.has(node);
  }

  replica(vm: string, at: Instant): ReplicaState | undefined {
    return this.#replicas.at(vm, at);
  }

  isFailedOver(vm: string, at: Instant): boolean {
    const state = this.replica(vm, at);
    if (state !== undefined && servedByReplica.has(state)) return true;
    const node = this.replicaOf(vm)?.name;
    return node !== undefined && (this.power(node, at) ?? 'off') !== 'off';
  }

  /** The addresses that an appliance was told of as failed over. */
  proxyEntries(appliance: string, at: Instant): string[] {
    return [...(this.#entries.get(appliance)?.keys() ?? [])].filter((ip) =>
      this.proxyEntry(appliance, ip, at),
    );
  }

  /** Undefined: nothing was ever told of it. */
  proxyEntry(appliance: string, ip: string, at: Instant): boolean | undefined {
    const told = this.#entries.get(appliance)?.at(ip, at);
    return told && told.change === 'added' && told.id > this.#bootOf(appliance, at);
  }

  /** Whether a router or gateway near a machine has a route to this address alone. */
  isLedTo(ip: string, near: string, at: Instant): boolean {
    return [...(this.#hostRoutes.get(ip) ?? [])].some(
      ([node, history]) => history.at(at) === true && this.isNear(node, near),
    );
  }

  /** The default gateway of a machine; empty where it has none. */
  gatewayOf(node: string, at: Instant): string {
    return this.#gateways.at(node, at) ?? '';
  }

  decisions(appliance: string, from: Instant, to: Instant): ProxyDecision[] {
    return this.#decisions.get(appliance)?.within(from, to) ?? [];
  }

  /** Frames of the network cross as they are, and nobody answers for anybody. */
  isBridged(network: string, at: Instant): boolean {
    return this.#bridges.at(network, at) ?? false;
  }

  /** The tunnel of a network, as its ends see it. */
  tunnel(network: string, at: Instant): TunnelView[] {
    return [...(this.#tunnels.get(network)?.values() ?? [])].flatMap(
      (history) => history.at(at) ?? [],
    );
  }

  /** The tunnels that end at a node. */
  tunnelsAt(node: string): string[] {
    return [...this.#tunnels].filter(([, ends]) => ends.has(node)).map(([network]) => network);
  }

  warningsUpTo(at: Instant): Warning[] {
    return this.warnings.filter((warning) => warning.at <= at);
  }

  /** Operations begun by then, as they stood then. */
  operationsUpTo(at: Instant): Operation[] {
    return this.operations
      .filter(({ started }) => started <= at)
      .map((run) => {
        const { operation, vms, started, event } = run;
        return (run.ended ?? at) <= at ? run : { operation, vms, started, event, state: 'started' };
      });
  }

  /** The last operation that was to bring a VM to its replica to stay: no test of a plan. */
  failoverOf(vm: string, at: Instant): Operation | undefined {
    return this.operationsUpTo(at).findLast(
      ({ vms, operation }) =>
        vms.includes(vm) &&
        operation.includes('failover') &&
        !/^(undo|test|permanent)/.test(operation),
    );
  }

  neighbour(node: string, ip: string, at: Instant): NeighbourEntry | undefined {
    const entry = this.#neighbours.get(node)?.at(ip, at);
    return entry && entry.event > this.#bootOf(node, at) ? entry : undefined;
  }

  /** Addresses that a node has asked for and heard nothing of. */
  unresolved(node: string, at: Instant): string[] {
    return [...(this.#neighbours.get(node) ?? [])]
      .filter(([, history]) => {
        const entry = history.at(at);
        return entry?.state === 'incomplete' || (entry?.state === 'failed' && entry.since === at);
      })
      .map(([ip]) => ip);
  }

  /** The machines that were seen to use a MAC address: a replica may have that of its original. */
  ownersOf(mac: string): string[] {
    return [...(this.#owners.get(mac) ?? [])];
  }

  /** Whether a node would rightly answer ARP for an address. Undefined counts as yes: nothing speaks against it. */
  standsFor(node: string, ip: string, at: Instant): boolean {
    if (!this.isOn(node, at)) return false;
    const claim = this.claim(node, ip, at);
    if (claim !== undefined) return claim.change === 'added' || claim.change === 'defended';
    const role = this.machine(node)?.role;
    const entry = this.proxyEntry(node, ip, at);
    if (role === 'tenant-appliance') return entry ?? true;
    if (role === 'router' && entry !== undefined) return entry;
    if (role === 'provider-appliance') return entry !== true; // its entries live on its own side
    return entry === true || this.#heldBy.get(node) === undefined;
  }

  /** The entry by which a node sends to a MAC address. */
  entryWith(node: string, mac: string, at: Instant): NextHop | undefined {
    for (const ip of this.#neighbours.get(node)?.keys() ?? []) {
      const entry = this.neighbour(node, ip, at);
      if (entry?.mac === mac) return { ...entry, ip };
    }
    return undefined;
  }

  /** Where a switch knew a MAC address to be. */
  switchEntry(node: string, mac: string, at: Instant): SwitchEntry | undefined {
    const told = this.#switchEntries.get(node)?.at(mac, at);
    return told?.change === 'removed' ? undefined : told;
  }

  /** The route by which a node sends to an address that is in none of its own networks: the longest that fits. */
  route(node: string, ip: Ipv4, at: Instant): Told<'route'> | undefined {
    let best: Told<'route'> | undefined;
    let longest = -1;
    for (const [prefix, history] of this.#routes.get(node) ?? []) {
      const { address, length } = parsePrefix(prefix)!;
      if (length <= longest || (maskOf(length) & ip) !== address) continue;
      const told = history.at(at);
      if (told?.change !== 'added' || told.id < this.#bootOf(node, at)) continue;
      best = told;
      longest = length;
    }
    return best;
  }

  /** The last address that a node had by DHCP before a moment. */
  leaseBefore(node: string, at: Instant): string | undefined {
    let latest: Told<'address'> | undefined;
    for (const ip of this.#heldBy.get(node) ?? [])
      for (const history of this.#holders.get(ip)?.values() ?? [])
        for (const told of history.within(0 as Instant, at)) {
          if (told.node !== node || told.change !== 'added' || told.origin !== 'dhcp') continue;
          if (latest === undefined || told.id > latest.id) latest = told;
        }
    return latest?.ip;
  }

  /** Addresses that anybody was told a MAC address for. */
  addressesHeardOf(): Iterable<string> {
    return this.#told.keys();
  }

  /** What machines were told of an address by ARP, as far as they took note of it. */
  toldOf(ip: string, from: Instant, to: Instant): ToldMac[] {
    return this.#told.get(ip)?.within(from, to) ?? [];
  }

  /** What a node was told last of the sizes that get through to an address. */
  pathMtu(node: string, ip: string, at: Instant): Told<'path-mtu'> | undefined {
    return this.#pathMtus.at(`${node} ${ip}`, at);
  }

  // What was asked

  /** Everything told of one probe, in order. */
  probe(number: number): readonly ProbeEvent[] {
    return this.#probes.get(number) ?? [];
  }

  /** The numbers of the probes from a node to an address, oldest first. */
  probesBetween(from: string, to: string): readonly number[] {
    return this.#asked.get(`${from} ${to}`) ?? [];
  }

  /** The device that made a frame: back through the switches that only handed it on. */
  maker(id: number): { readonly node: string; readonly event: number } | undefined {
    let event = this.#log.read(id);
    if (!isCrossing(event)) return undefined;
    while (this.isSwitch(event.node) && event.cause >= 0) {
      const before = this.#log.read(event.cause);
      if (!isCrossing(before)) break;
      event = before;
    }
    return { node: event.node, event: event.id };
  }

  // Reading

  #take(event: Told<(typeof known)[number]>): void {
    const { at, node } = event;
    switch (event.kind) {
      case 'machine': {
        const { role, tenant, vm, network, address, ip } = event;
        const machine = { name: node, role, tenant, vm, network, address, ip };
        this.machines.set(node, machine);
        if (role === 'replica') this.#replicaByVm.set(vm, machine);
        if (role === 'vm' && ip !== '') {
          const namesakes = this.#vmsByIp.get(ip);
          if (namesakes === undefined) this.#vmsByIp.set(ip, [machine]);
          else namesakes.push(machine);
        }
        this.#nodes.add(node);
        this.#ports.clear();
        if (role === 'switch') this.#switches.add(node);
        break;
      }
      case 'bit-error':
        this.#bitErrors.add(event.cause);
        break;
      case 'address':
        this.#takeAddress(event);
        break;
      case 'neighbour':
        this.#takeNeighbour(event);
        break;
      case 'lease':
        if (event.role === 'client') this.#own(event.mac, node);
        else this.#lenders.add(node);
        break;
      case 'switch-entry':
        this.#switches.add(node);
        within(this.#switchEntries, node).push(event.mac, at, event);
        break;
      case 'proxy-entry': {
        let entries = this.#entries.get(node);
        if (entries === undefined) this.#entries.set(node, (entries = new Histories()));
        entries.push(event.ip, at, event);
        break;
      }
      case 'route': {
        within(this.#routes, node).push(event.prefix, at, event);
        const [ip, length] = event.prefix.split('/') as [string, string];
        if (length === '0')
          this.#gateways.push(node, at, event.change === 'added' ? event.via : '');
        if (length !== '32' || !isRouter(this.machine(node)?.role)) break;
        let routes = this.#hostRoutes.get(ip);
        if (routes === undefined) this.#hostRoutes.set(ip, (routes = new Histories()));
        routes.push(node, at, event.change === 'added');
        break;
      }
      case 'proxy-decision':
        this.#decisions.push(node, at, event);
        break;
      case 'bridge':
        this.#bridges.push(event.network, at, event.state === 'on');
        break;
      case 'tunnel': {
        const { tunnel, state, endpoint, because, id } = event;
        let ends = this.#tunnels.get(tunnel);
        if (ends === undefined) this.#tunnels.set(tunnel, (ends = new Histories()));
        const view = { node, state, endpoint, since: at, event: id };
        ends.push(node, at, because === undefined ? view : { ...view, because });
        break;
      }
      case 'power':
        this.#powers.push(node, at, event);
        this.#takeSupply(event);
        if (event.state === 'booting') this.#boots.push(node, at, event.id);
        break;
      case 'fault':
        this.#takeFault(event);
        break;
      case 'replica':
        this.#replicas.push(event.vm, at, event.state);
        break;
      case 'operation':
        this.#takeOperation(event);
        break;
      case 'warning':
        this.warnings.push(event);
        break;
      case 'probe':
        this.#takeProbe(event);
        break;
      case 'path-mtu':
        this.#pathMtus.push(`${node} ${event.ip}`, at, event);
        break;
    }
  }

  #takeFault(event: Fault): void {
    const { fault, target, at, ports = [] } = event;
    const cutAt = ports.length > 0 ? ports : [target];
    for (const [begins, ends] of Object.entries(cuts)) {
      if (fault !== begins && fault !== ends && fault !== 'mend') continue;
      for (const port of cutAt) this.#cuts.push(`${begins} ${port}`, at, event);
      if (fault === begins) this.#noteCutPorts(cutAt);
    }
    for (const daemon of daemons) {
      const ends = fault === 'mend' || event.daemon === daemon;
      if (ends) this.#hangs.push(`${daemon} ${target}`, at, event);
    }
    if (fault === 'block' || fault === 'unblock') this.#takeBlock(event);
    if (fault.startsWith('power_') || fault === 'redeploy') this.#supply = event;
    if (fault === 'nea_password') this.#passwords.push(target, at, event);
    if (fault === 'redeploy') this.#redeployed.push(target, at, event);
    if (fault === 'lose_lease') this.#lostLeases.push(target, at, event);
    if (fault === 'clock_step') this.#clocks.push(target, at, event);
    const part = target.startsWith('tunnel.') ? tunnelPart : '';
    for (const port of ports) this.#faults.push(`${fault} ${port}${part}`, at, event);
    if (fault in lineHarms) this.#lineFaults.push(event);
  }

  /** What a fault does has no cause; the controller has one for what it does. */
  #takeSupply({ node, at, cause, state }: Told<'power'>): void {
    const fault = this.#supply?.at === at && cause < 0 ? this.#supply : undefined;
    const isOff = state === 'off';
    this.#blackouts.push(node, at, isOff && fault?.fault !== 'power_on' ? fault : undefined);
    if (!isOff && fault?.fault === 'power_on') this.#revivals.push(node, at, fault);
  }

  #noteCutPorts(ports: readonly string[]): void {
    for (const port of ports) {
      const node = this.machines.has(port) ? port : this.nodeOf(port);
      const known = this.#cutPorts.get(node);
      if (known === undefined) this.#cutPorts.set(node, new Set([port]));
      else known.add(port);
    }
  }

  #takeBlock(event: Fault): void {
    const { ports, node } = blockedBy(event);
    let blocks = this.#blocks.get(node);
    if (blocks === undefined) this.#blocks.set(node, (blocks = new Histories()));
    const sides = event.direction === 'both' ? ['in', 'out'] : [event.direction];
    for (const port of ports)
      for (const side of sides) blocks.push(`${port} ${side}`, event.at, event);
  }

  #takeAddress(event: Told<'address'>): void {
    const { ip, node, at, interface: on } = event;
    let holders = this.#holders.get(ip);
    if (holders === undefined) this.#holders.set(ip, (holders = new Histories()));
    holders.push(`${node} ${on}`, at, event);
    const held = this.#heldBy.get(node);
    if (held === undefined) this.#heldBy.set(node, new Set([ip]));
    else held.add(ip);
    if (event.change === 'conflict' && event.mac !== undefined) this.#learnOwner(event, event.mac);
  }

  #takeNeighbour(event: Told<'neighbour'>): void {
    const { node, ip, mac, state, at, id } = event;
    let entries = this.#neighbours.get(node);
    if (entries === undefined) this.#neighbours.set(node, (entries = new Histories()));
    const before = entries.get(ip)?.last;
    const isNew = mac !== '' && mac !== before?.mac;
    const learned = isNew ? at : (before?.learned ?? at);
    const source = isNew ? id : (before?.source ?? id);
    entries.push(ip, at, { mac, state, since: at, learned, source, event: id });
    if (!isNew) return;
    this.#learnOwner(event, mac);
    // A reply to us alone makes an entry reachable; what asks or announces does not (RFC 826).
    if (state === 'reachable')
      this.#told.push(ip, at, { node, mac, at, cause: event.cause, event: id });
  }

  /** Whoever made the frame that told of a MAC address has it, unless it spoke for another. */
  #learnOwner(event: TraceEvent, mac: string): void {
    const made = event.cause < 0 ? undefined : this.maker(event.cause);
    if (made === undefined) return;
    const frame = decodeEthernet(this.#log.bytesOf(made.event));
    if (frame instanceof Malformed) {
      const why = this.#log.causeOf(made.event);
      const spokeForAnother = why >= 0 && this.#log.sortOf(why) === 'fact' && this.#owners.has(mac);
      if (!spokeForAnother) this.#own(mac, made.node);
    } else if (showMac(frame.source) === mac) this.#own(mac, made.node);
  }

  #own(mac: string, node: string): void {
    const owners = this.#owners.get(mac);
    if (owners === undefined) this.#owners.set(mac, new Set([node]));
    else owners.add(node);
  }

  #takeOperation({ operation, vms, state, at, because, text, id }: Told<'operation'>): void {
    if (state === 'started') {
      this.operations.push({ operation, vms, started: at, event: id, state });
      return;
    }
    let run = this.operations.findLast(
      (one) => one.state === 'started' && one.operation === operation,
    );
    if (run === undefined) {
      run = { operation, vms, started: at, event: id, state };
      this.operations.push(run);
    }
    run.state = state;
    run.ended = at;
    if (because !== undefined) run.because = because;
    if (text !== undefined) run.text = text;
  }

  #takeProbe(event: ProbeEvent): void {
    const { node, to, at, cause, mac, id } = event;
    if (event.protocol === 'arp' && event.what === 'answered' && mac !== undefined)
      this.#told.push(to, at, { node, mac, at, cause, event: id });
    const events = this.#probes.get(event.probe);
    if (events !== undefined) {
      events.push(event);
      return;
    }
    this.#probes.set(event.probe, [event]);
    const key = `${event.node} ${event.to}`;
    const asked = this.#asked.get(key);
    if (asked === undefined) this.#asked.set(key, [event.probe]);
    else asked.push(event.probe);
  }
}

const holding = ({ node, interface: on, ip, origin }: Told<'address'>): Omit<Holding, 'since'> => ({
  node,
  interface: on,
  ip,
  origin,
});
