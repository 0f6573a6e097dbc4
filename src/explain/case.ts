/** Everything that is known of one failed attempt, gathered once for all rules that judge it. */
import type { Instant } from '../base/time.ts';
import type { FrameDropped } from '../trace/event.ts';
import type { EventLog } from '../trace/log.ts';
import type { Reason } from '../trace/reasons.ts';
import { type Ipv4, parseIpv4 } from '../wire/address.ts';
import { droppedPacket } from './carried.ts';
import { type LastHop, lastHop, questionStops } from './descent.ts';
import { isCrossing, type Tree, treeOf } from './tree.ts';
import { type Fault, type ProbeEvent, type World, worldOf } from './world.ts';

export interface Question {
  /** The number of the probe. Without it, the last one between the two is meant. */
  readonly probe?: number;
  /** The fact that an attempt was made: no later one is looked at. */
  readonly sentId?: number;
  readonly from: string;
  readonly to: string;
  readonly at: Instant;
}

/** What a rule has to say, if the case is one for it. */
export interface Finding {
  readonly code: Reason;
  /** Without a full stop. */
  readonly sentence: string;
  readonly try?: string;
  readonly healsAt?: Instant;
  /** Where the fault showed itself, if not where the packet ended. */
  readonly lastHop?: string;
  /** The drop that shows it, if not the end of the packet: a fault of the scenario may be behind it. */
  readonly stop?: FrameDropped;
  /** The packet that shows it, and where that ended, if another was stopped before this one was sent. */
  readonly shownBy?: { readonly sent: number; readonly end: LastHop };
  /** The fault of the scenario that did it, where that is known already. */
  readonly fault?: Fault;
}

export type Rule = (of: Case) => Finding | undefined;

/** For a finding: the fault that is behind it, where one is. */
export const dueTo = (fault: Fault | undefined): Pick<Finding, 'fault'> =>
  fault === undefined ? {} : { fault };

/** One end of the question: a machine, and the VM that it is or stands for. */
export interface Party {
  /** The machine that has to be reached, or that asks; empty where the log knows none. */
  readonly node: string;
  readonly ip: string;
  readonly vm: string;
  readonly network: string;
  readonly original: string;
  readonly replica: string;
  readonly failedOver: boolean;
  /** By a failover plan, with the whole site. */
  readonly bySite: boolean;
  readonly side: Side;
}

export type Side = 'tenant' | 'provider' | 'elsewhere';

export class Case {
  readonly log: EventLog;
  readonly world: World;
  readonly tree: Tree;
  readonly from: string;
  readonly to: string;
  /** When it is asked about: what had come of the attempt by then counts. */
  readonly until: Instant;
  /** When the attempt was under way: how things stood then is why it failed. */
  readonly at: Instant;
  /** The attempt; undefined where nothing was sent. */
  readonly sent: ProbeEvent | undefined;
  /** What the asking machine was told of it, if anything. */
  readonly outcome: ProbeEvent | undefined;
  readonly end: LastHop;
  readonly asker: Party;
  readonly target: Party;
  #stops: FrameDropped[] | undefined;

  constructor(log: EventLog, question: Question) {
    const world = worldOf(log);
    this.log = log;
    this.world = world;
    this.tree = treeOf(log);
    this.from = question.from;
    this.to = question.to;
    this.until = question.at;
    this.sent = attempt(log, world, question);
    const under = this.sent === undefined ? question.at : this.sent.at + settledAfter;
    this.at = Math.min(question.at, under) as Instant;
    this.outcome = this.sent && outcome(world, this.sent, question.at);
    this.asker = partyOf(world, question.from, this.at);
    this.target = targetOf(world, question.to, this.at, question.from);
    const end =
      this.sent === undefined ? { node: question.from, event: -1 } : lastHop(log, this.sent.id);
    this.end = this.#connectionEnd(end);
  }

  /** When the attempt was made. */
  get since(): Instant {
    return this.sent?.at ?? this.at;
  }

  /** Networks whose tunnel the packet has to go through. */
  get crossed(): string[] {
    const { asker, target } = this;
    const networks = new Set<string>();
    if (asker.bySite || target.bySite) return []; // no tunnel is built then
    const apart = asker.side !== target.side || asker.network !== target.network;
    if (!apart) return [];
    if (asker.side === 'provider' && asker.network !== '') networks.add(asker.network);
    if (target.side === 'provider' && target.network !== '') networks.add(target.network);
    return [...networks];
  }

  /** The same, and those whose tunnel it would have to go through if the failover had not failed. */
  get ahead(): string[] {
    const { target, world, at } = this;
    const { vm, failedOver, original, network } = target;
    const isLost = vm !== '' && !failedOver && !world.isOn(original, at);
    return isLost && network !== '' && world.failoverOf(vm, at)?.state === 'failed'
      ? [...new Set([...this.crossed, network])]
      : this.crossed;
  }

  /** The cloud gateways that are dialled for it; where nobody dials, the only one that there is. */
  get gateways(): string[] {
    const { world, at } = this;
    const all = world.machinesOf('cloud-gateway').map(({ name }) => name);
    const dialled = this.ahead.flatMap((network) =>
      world.tunnel(network, at).map(({ endpoint }) => endpoint.split(':')[0]!),
    );
    const found = all.filter((name) =>
      world.addressesOf(name, at).some(({ ip }) => dialled.includes(ip)),
    );
    const isOnly = all.length === 1 && this.ahead.some((one) => this.tenantAppliance(one));
    return found.length === 0 && isOnly ? all : found;
  }

  /** Who has to answer a machine that asks for an address. */
  partyAt(ip: string, asker: string): Party {
    return targetOf(this.world, ip, this.at, asker);
  }

  tenantAppliance(network: string): string | undefined {
    return this.world.machinesOf('tenant-appliance', network)[0]?.name;
  }

  providerAppliance(network: string): string | undefined {
    const all = this.world
      .machinesOf('provider-appliance')
      .filter(({ name }) => this.world.isNear(name, this.from));
    const ends = this.world.tunnel(network, this.at).map(({ node }) => node);
    return (all.find(({ name }) => ends.includes(name)) ?? all[0])?.name;
  }

  /** The address that the packet waited for in vain, where that is how it ended. */
  get unresolved(): { readonly node: string; readonly ips: readonly string[] } | undefined {
    const { node, reason, event } = this.end;
    if (reason !== 'ARP_UNANSWERED') return undefined;
    const isDrop = event >= 0 && this.log.sortOf(event) === 'drop';
    const when = isDrop ? this.log.timeOf(event) : this.world.end;
    return { node, ips: this.world.unresolved(node, when) };
  }

  /** What stopped the ARP questions that the packet waited for. */
  get stops(): readonly FrameDropped[] {
    if (this.#stops !== undefined) return this.#stops;
    const ids = new Set([this.#waiting(this.end)]);
    // Packets wait together, and it is for the first of them that was asked.
    const before = this.world
      .probe(this.sent?.probe ?? -1)
      .filter(
        ({ id, what, at }) => what === 'sent' && id < this.sent!.id && at >= this.since - waitsMost,
      );
    for (const { id } of before.slice(-attemptsMost)) {
      const end = lastHop(this.log, id);
      if (end.node === this.end.node) ids.add(this.#waiting(end));
    }
    this.#stops = [...ids].filter((id) => id >= 0).flatMap((id) => questionStops(this.log, id));
    return this.#stops;
  }

  /** What brought the packet to where it waits. */
  #waiting({ event }: LastHop): number {
    return event >= 0 && this.log.sortOf(event) === 'drop' ? this.log.causeOf(event) : event;
  }

  /** Retransmissions have no cause in the log but a timer: they are known by their addresses. */
  #connectionEnd(end: LastHop): LastHop {
    if (this.sent?.protocol !== 'tcp' || end.reason !== undefined) return end;
    const ends = [this.to, ...this.world.addressesOf(this.from, this.at).map(({ ip }) => ip)]
      .map(parseIpv4)
      .filter((ip) => ip !== undefined);
    let looked = 0;
    for (const drop of this.tree.dropsBack(this.since, this.until)) {
      if (looked++ === dropsMost) break;
      if (this.#isBetween(drop, ends))
        return { node: drop.node, reason: drop.reason, event: drop.id };
    }
    return end;
  }

  #isBetween(drop: FrameDropped, ends: readonly Ipv4[]): boolean {
    const packet = droppedPacket(drop);
    if (packet !== undefined)
      return (
        packet.protocol === 6 && ends.includes(packet.source) && ends.includes(packet.destination)
      );
    if (drop.bytes.length > 0) return false;
    const [first] = this.tree.chain(drop.id);
    const { node } = this.log.read(first!);
    return node === this.from || node === this.target.node;
  }
}

/** Longer than a packet waits for an ARP reply with any profile. */
export const waitsMost = 10e9;
const dropsMost = 10_000;
const attemptsMost = 100;

/**
 * The last attempt in vain whose fate is known: one that has only just been sent tells nothing yet.
 */
function attempt(log: EventLog, world: World, question: Question): ProbeEvent | undefined {
  const { sentId = Number.POSITIVE_INFINITY, from, to, at } = question;
  const isAny = question.probe === undefined && question.sentId === undefined;
  if (isAny && (world.power(from, at) ?? 'on') !== 'on') return undefined; // it asks nobody now
  const given = log.length > sentId ? log.read(sentId) : undefined;
  const number =
    question.probe ??
    (given?.kind === 'probe' ? given.probe : undefined) ??
    world.probesBetween(from, to).at(-1);
  if (number === undefined) return undefined;
  const events = world.probe(number).filter((event) => event.at <= at);
  const wasAnswered = new Set(
    events.filter(({ what }) => what === 'answered').map(({ sequence }) => sequence),
  );
  const sent = events.filter(({ what, id }) => what === 'sent' && id <= sentId);
  const inVain = sent.filter(({ sequence }) => !wasAnswered.has(sequence));
  const old = inVain.filter((event) => at - event.at >= settledAfter);
  const settled = old.slice(-settledMost).findLast(({ id }) => !isUnderWay(log, id, at));
  return (
    settled ??
    old.at(-1) ??
    (wasAnswered.size > 0 ? sent.findLast((one) => !inVain.includes(one)) : sent.at(-1))
  );
}

/** A packet that is still on its way is somewhere else after this long. */
const settledAfter = 1e9;
/** So many are looked at on slow lines, where the youngest may be under way for longer. */
const settledMost = 20;

function isUnderWay(log: EventLog, sentId: number, at: Instant): boolean {
  const { event } = lastHop(log, sentId);
  const last = log.read(event);
  return isCrossing(last) && last.arrives > at;
}

function outcome(world: World, sent: ProbeEvent, at: Instant): ProbeEvent | undefined {
  return world
    .probe(sent.probe)
    .find(
      (event) =>
        event.what !== 'sent' &&
        event.sequence === sent.sequence &&
        event.id > sent.id &&
        event.at <= at,
    );
}

export function partyOf(world: World, node: string, at: Instant): Party {
  const machine = world.machine(node);
  const vm = machine?.vm || (machine?.role === 'vm' ? node : '');
  const ip = world.addressesOf(node, at)[0]?.ip ?? machine?.ip ?? '';
  return party(world, node, ip, vm, at);
}

function targetOf(world: World, ip: string, at: Instant, asker: string): Party {
  const vm = world.vmOf(ip, at, asker);
  if (vm !== undefined) {
    const replica = world.replicaOf(vm)?.name;
    const node = replica !== undefined && world.isFailedOver(vm, at) ? replica : vm;
    return party(world, node, ip, vm, at);
  }
  const holder = world.holders(ip, at, asker)[0]?.node;
  const named = [...world.machines.values()].find(
    (machine) => machine.ip === ip && world.isNear(machine.name, asker),
  )?.name;
  return party(world, holder ?? named ?? '', ip, '', at);
}

function party(world: World, node: string, ip: string, vm: string, at: Instant): Party {
  const machine = world.machine(node);
  const original =
    vm === ''
      ? ''
      : (world.machinesOf('vm').find(({ name, vm: of }) => name === vm || of === vm)?.name ?? vm);
  const failedOver = vm !== '' && world.isFailedOver(vm, at);
  return {
    node,
    ip,
    vm,
    network: world.machine(original)?.network ?? machine?.network ?? '',
    original,
    replica: vm === '' ? '' : (world.replicaOf(vm)?.name ?? ''),
    failedOver,
    bySite: failedOver && plans.has(world.failoverOf(vm, at)?.operation ?? ''),
    side: sideOf(world, node),
  };
}

/** Operations that take the whole site. */
const plans: ReadonlySet<string> = new Set(['failover-plan', 'retry-failover-plan']);

export function sideOf(world: World, node: string): Side {
  switch (world.machine(node)?.role) {
    case 'vm':
    case 'router':
    case 'tenant-appliance':
    case 'dhcp-server':
      return 'tenant';
    case 'replica':
    case 'provider-appliance':
      return 'provider';
    default:
      return 'elsewhere';
  }
}
