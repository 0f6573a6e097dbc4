/**
 * Lines that the scenario has made worse: what became of the frames of an attempt on them. Packets
 * are lost there, spoilt or late; or the ARP questions and handshakes that they wait for are.
 */
import { type Duration, type Instant, nanoseconds, roughly } from '../base/time.ts';
import type { FrameDropped, FrameFlooded, FrameSent, TraceEvent } from '../trace/event.ts';
import { type Reason, reasons } from '../trace/reasons.ts';
import { type Ipv4, showIpv4, showMac } from '../wire/address.ts';
import { decodeEthernet } from '../wire/ethernet.ts';
import { Malformed } from '../wire/malformed.ts';
import { arpIn, isArp, isDhcp, isHandshake, isInitiation } from './carried.ts';
import { type Case, type Finding, waitsMost } from './case.ts';
import { sentenceOf } from './causes-ends.ts';
import { isCrossing, isMove, isNoise } from './tree.ts';
import { type Fault, lineHarms } from './world.ts';

/** What a line did to a frame. */
interface Harm {
  readonly fault: Fault;
  /** The crossing on which it happened, or what led to the frame that could not even set out. */
  readonly event: number;
  /** Where the frame was sent. */
  readonly node: string;
  readonly to: string;
  /** How long it took, where that is what was wrong. */
  readonly took?: Duration;
}

/** Something that was sent again and again until it should have been answered. */
interface Try {
  readonly harm: Harm | undefined;
  /** It was answered in time, or it is too early to tell: it speaks for nothing. */
  readonly isIdle: boolean;
}

export function lineIsBad(of: Case): Finding | undefined {
  return linesOf(of)?.finding();
}

/** Who gets its address by DHCP has none, and it is not for want of asking. */
export function leaseIsLost(of: Case): Finding | undefined {
  const { asker, target, crossed } = of;
  const bare = [
    asker.node,
    target.node,
    ...crossed.map((one) => of.tenantAppliance(one) ?? ''),
  ].filter((node) => isWithoutLease(of, node));
  return bare.length === 0 ? undefined : linesOf(of, serversOf(of))?.lease(bare);
}

function isWithoutLease({ world, at }: Case, node: string): boolean {
  const isClient = world.machine(node)?.address === 'dhcp' && world.power(node, at) === 'on';
  return isClient && world.addressesOf(node, at).every(({ origin }) => origin !== 'dhcp');
}

/** Machines that may have leases to give: routers can, and whoever has. */
function serversOf({ world }: Case): string[] {
  const all = [...world.machines.values()];
  return all
    .filter(({ name, role }) => role === 'router' || role === 'dhcp-server' || world.isLender(name))
    .map(({ name }) => name);
}

/** Undefined where no line does any harm. */
function linesOf(of: Case, servers: readonly string[] = []): Lines | undefined {
  const { world, at, until } = of;
  // What a spoilt frame has taught outlasts the fault.
  const since =
    world.linesWorseSince(at) ??
    world.linesWorseSince(until) ??
    (world.hasBitErrors ? until : undefined);
  return since === undefined ? undefined : new Lines(of, since, servers);
}

/** How lines end a frame, and which faults make them do so. */
const ends: Partial<Record<Reason, readonly string[]>> = {
  LINK_LOSS: ['drop'],
  BLACK_HOLE: ['black_hole'],
  QUEUE_FULL: ['rate'],
  FRAME_TOO_LONG: ['mtu'],
};

const slow = ['delay', 'jitter', 'reorder', 'rate'];

/** Nobody here waits for less than this before it tries again. */
const lateAfter = 1e9;
/** How long a tunnel tries before it gives up (REKEY-ATTEMPT-TIME, WireGuard whitepaper section 6.1). */
const attemptFor = 90e9;
const eventsMost = 200_000;
const stepsMost = 20_000;

/** What ends a packet whatever has become of it before. */
const final: ReadonlySet<Reason> = new Set([
  'FIREWALL_BLOCKED',
  'LINK_DOWN',
  'INTERFACE_DOWN',
  'ROUTING_OFF',
  'NO_INTERNET_ACCESS',
  'FRAGMENTATION_NEEDED',
  'TTL_EXCEEDED',
  'WG_ALLOWED_IPS',
  'WG_NO_PEER',
]);

/** A packet ended that had waited for an ARP reply. */
const waits: ReadonlySet<Reason> = new Set(['ARP_UNANSWERED', 'ARP_QUEUE_FULL']);

/** The line did not even take it. */
const stays: ReadonlySet<Reason> = new Set(['FRAME_TOO_LONG', 'QUEUE_FULL']);

/** Nothing is decided by that: what waits for ARP has other questions to be judged by. */
const isLittle = (reason: Reason): boolean =>
  waits.has(reason) || (isNoise(reason) && reason !== 'WG_REPLAY');

type Crossing = FrameSent | FrameFlooded;
/** What a machine sent, or would have if the line had taken it. */
type Sending = Crossing | FrameDropped;

class Lines {
  readonly #of: Case;
  /** Before that no line was worse than it should be. */
  readonly #since: Instant;
  readonly #needed: ReadonlySet<string>;
  /** Those of them that ask on for others. */
  readonly #carriers: ReadonlySet<string>;

  constructor(of: Case, since: Instant, servers: readonly string[]) {
    this.#of = of;
    this.#since = since;
    this.#carriers = new Set(
      of.crossed.flatMap((network) =>
        [of.tenantAppliance(network), of.providerAppliance(network)].filter(
          (one) => one !== undefined,
        ),
      ),
    );
    this.#needed = new Set([...neededBy(of, this.#carriers), ...servers]);
  }

  finding(): Finding | undefined {
    return this.#packet() ?? this.#questions() ?? this.#handshakes();
  }

  lease(nodes: readonly string[]): Finding | undefined {
    const { at, until } = this.#of;
    for (const node of nodes) {
      const asked = this.#sentWithin(
        this.#after((at - attemptFor) as Instant),
        until,
        (frame) => frame.node === node && isDhcp(frame, 'request'),
      );
      const tries = asked.map((one) =>
        this.#tried(one, (back, there) => there === node && isDhcp(back, 'reply')),
      );
      const harm = harmOfAll(tries);
      if (harm !== undefined)
        return this.#told(harm, `what ${node} asks the DHCP server, or the reply to it,`);
    }
    return undefined;
  }

  /** The packet itself, or the answer to it. */
  #packet(): Finding | undefined {
    const { end, tree, log, target, sent } = this.#of;
    if (end.event < 0 || (end.reason !== undefined && final.has(end.reason))) return undefined;
    let late = 0;
    let slowest: Harm | undefined;
    let isBack = false;
    for (const id of tree.chain(end.event)) {
      const event = log.read(id);
      if (id <= (sent?.id ?? -1)) continue;
      if (event.kind === 'drop') {
        const harm = this.#ended(event.id);
        if (harm !== undefined) return this.#told(harm, isBack ? 'the answer' : 'what it sends');
      }
      if (!isCrossing(event)) continue;
      isBack ||= event.node === target.node;
      const what = isBack ? 'the answer' : 'what it sends';
      const spoilt = this.#spoilt(event);
      if (spoilt !== undefined) return this.#told(spoilt, what);
      const astray = this.#astray(event);
      if (astray !== undefined)
        return this.#told(astray, `the ARP packet by which ${event.node} knows where to send it`);
      const harm = this.#late(event);
      if (harm?.took === undefined) continue;
      late += harm.took;
      if (slowest?.took === undefined || harm.took > slowest.took) slowest = harm;
    }
    // What waits for an ARP reply waits for that.
    return slowest !== undefined && late >= lateAfter && end.reason !== 'ARP_UNANSWERED'
      ? this.#told(slowest, isBack ? 'the answer' : 'what it sends')
      : undefined;
  }

  /** The ARP questions that the packet waits for, or that are all that was asked. */
  #questions(): Finding | undefined {
    const { sent, end, from, to, unresolved, until, since } = this.#of;
    const isArping = sent?.protocol === 'arp';
    const node = isArping ? from : end.node;
    if (!isArping && (end.reason === undefined || !waits.has(end.reason))) return undefined;
    const ips = isArping ? [to] : (unresolved?.ips ?? []);
    const start = this.#after((since - waitsMost) as Instant);
    const asked = (by: (node: string) => boolean): readonly Sending[] =>
      this.#sentWithin(start, until, (frame) => {
        if (!by(frame.node) || !isArp(frame)) return false;
        const arp = arpIn(frame);
        return arp === undefined || (arp.operation === 'request' && isAmong(ips, arp.targetIp));
      });
    const which = ips.length === 0 ? '' : ` for ${ips.join(', ')}`;
    // Appliances ask on, and then for all who have asked them within a second.
    for (const by of [(one: string) => one === node, (one: string) => this.#carriers.has(one)]) {
      const tries = asked(by).map((one) =>
        this.#tried(one, (back, at) => at === one.node && arpIn(back)?.operation === 'reply'),
      );
      const harm = harmOfAll(tries);
      if (harm !== undefined)
        return this.#told(harm, `the ARP question of ${node}${which}, or the reply to it,`);
      if (tries.some(({ isIdle }) => !isIdle)) return undefined;
    }
    return undefined;
  }

  /** What brings up the tunnel that the packet needs. */
  #handshakes(): Finding | undefined {
    const { crossed, world, at, until } = this.#of;
    for (const network of crossed) {
      const views = world.tunnel(network, at);
      const down = views.filter(({ state }) => state !== 'up');
      const started = Math.min(at, ...down.map(({ since }) => since)) - attemptFor;
      const talk = this.#sentWithin(this.#after(started as Instant), until, (frame) => {
        if (isInitiation(frame)) return this.#carriers.has(frame.node);
        return isArp(frame) && this.#isForWay(frame);
      });
      const tries = talk.map((one) =>
        this.#tried(one, (back, at) => {
          if (at !== one.node) return false;
          return isArp(one) ? arpIn(back)?.operation === 'reply' : isHandshake(back);
        }),
      );
      const harm = harmOfAll(tries);
      if (harm !== undefined) return this.#told(harm, `the handshake of the tunnel ${network}`);
    }
    return undefined;
  }

  // What became of one frame

  /** Whether a line harmed it, or what it led to, before it was answered. */
  #tried(root: Sending, isGood: (frame: Crossing, arrivesAt: string) => boolean): Try {
    const { log, tree, world, until } = this.#of;
    let harm: Harm | undefined;
    let isFinal = false;
    const proxied = { heard: isInitiation(root), over: false };
    if (root.kind === 'drop') return { harm: this.#ended(root.id), isIdle: false };
    const open: { event: TraceEvent; late: number }[] = [{ event: root, late: 0 }];
    for (let step = 0; step < stepsMost; step += 1) {
      const next = open.pop();
      if (next === undefined) break;
      const { event } = next;
      let { late } = next;
      if (isCrossing(event)) {
        if (event.kind === 'frame' && !this.#matters(event.to)) continue;
        const spoilt = this.#spoilt(event) ?? this.#astray(event);
        if (spoilt !== undefined) {
          harm = spoilt;
          continue;
        }
        const slowly = this.#late(event);
        late += slowly?.took ?? 0;
        if (slowly !== undefined && late >= lateAfter) harm ??= slowly;
        const isThere = event.kind === 'frame' && isGood(event, world.nodeOf(event.to));
        if (isThere && late < lateAfter && !this.#isLost(event))
          return { harm: undefined, isIdle: true };
      }
      for (const effect of tree.effects(event.id)) {
        if (effect.kind === 'drop') {
          const ended = this.#ended(effect.id);
          if (ended !== undefined) harm = ended;
          else if (final.has(effect.reason) && this.#needed.has(effect.node)) isFinal = true;
          if (!isLittle(effect.reason)) proxied.over = true;
        } else if (isMove(effect) || effect.kind === 'proxy-decision')
          open.push({ event: effect, late });
      }
      if (event.kind === 'proxy-decision')
        proxied.over ||= event.decision === 'ignored' || event.side === 'far';
      else if (isCrossing(event)) {
        const ports = event.kind === 'flood' ? event.to : [event.to];
        proxied.heard ||= ports.some((port) => this.#carriers.has(world.nodeOf(port)));
      }
    }
    if (harm !== undefined && !isFinal) return { harm, isIdle: false };
    // An appliance asks the other side once a second, whoever asks it, and not while its tunnel is
    // down; and what carries a tunnel waits for ARP replies too.
    const isNotAskedOn = proxied.heard && !proxied.over;
    const mayBeAnswered = log.timeOf(root.id) > until - lateAfter;
    return { harm: undefined, isIdle: isNotAskedOn || mayBeAnswered };
  }

  /** An ARP question of one machine that carries a tunnel for another. */
  #isForWay(frame: Sending): boolean {
    const arp = arpIn(frame);
    if (arp === undefined || !this.#leads(frame.node)) return false;
    const { operation, senderIp, targetIp } = arp;
    if (operation !== 'request' || senderIp === targetIp) return false;
    const holders = this.#of.world.holders(showIpv4(targetIp), frame.at, frame.node);
    return holders.some(({ node }) => this.#leads(node));
  }

  #leads(node: string): boolean {
    const role = this.#of.world.machine(node)?.role;
    return this.#carriers.has(node) || (role !== undefined && ways.has(role));
  }

  #isLost({ id }: Crossing): boolean {
    const effects = this.#of.tree.effects(id);
    return effects.some((effect) => effect.kind === 'drop' && this.#ended(effect.id) !== undefined);
  }

  /** A flood goes to many who have nothing to do with it. */
  #matters(port: string): boolean {
    const node = this.#of.world.nodeOf(port);
    return this.#of.world.isSwitch(node) || this.#needed.has(node);
  }

  /** The drop of a frame that a fault is behind. */
  #ended(id: number): Harm | undefined {
    const { log, world } = this.#of;
    const drop = log.read(id);
    if (drop.kind !== 'drop') return undefined;
    const kinds = ends[drop.reason];
    const fault = kinds && world.faultAt(drop.port, kinds, drop.at);
    return fault && { fault, event: id, node: drop.node, to: '' };
  }

  #spoilt(crossing: Crossing): Harm | undefined {
    const { world } = this.#of;
    if (!world.hasBitError(crossing.id)) return undefined;
    return this.#harm(crossing, ['corrupt']);
  }

  #late(crossing: Crossing): Harm | undefined {
    const took = crossing.arrives - crossing.at;
    const harm = took < tellable ? undefined : this.#harm(crossing, slow);
    return harm && { ...harm, took: nanoseconds(took) };
  }

  #harm({ id, from, node, at, ...crossing }: Crossing, kinds: readonly string[]): Harm | undefined {
    const { world } = this.#of;
    const fault = world.faultAt(from, kinds, at);
    const to = crossing.kind === 'frame' ? world.nodeOf(crossing.to) : '';
    return fault && { fault, event: id, node, to };
  }

  /** A machine sends to an address that it has read from a frame which a line had spoilt. */
  #astray(crossing: Crossing): Harm | undefined {
    const { world, log } = this.#of;
    if (world.isSwitch(crossing.node)) return undefined;
    const frame = decodeEthernet(crossing.bytes);
    if (frame instanceof Malformed) return undefined;
    const entry = world.entryWith(crossing.node, showMac(frame.target), crossing.at);
    const spoilt = entry && world.spoiltOn(log.causeOf(entry.source));
    const source = spoilt === undefined ? undefined : log.read(spoilt);
    return source && isCrossing(source) ? this.#spoilt(source) : undefined;
  }

  // Looking

  #after(when: Instant): Instant {
    return Math.max(when, this.#since) as Instant;
  }

  /** The frames of machines that were sent within a stretch of time, newest first. */
  #sentWithin(from: Instant, to: Instant, fits: (frame: Sending) => boolean): Sending[] {
    const { log, world } = this.#of;
    const found: Sending[] = [];
    const oldest = Math.max(0, log.length - eventsMost);
    for (let id = log.length - 1; id >= oldest && log.timeOf(id) >= from; id -= 1) {
      const sort = log.sortOf(id);
      if (sort === 'fact' || sort === 'packet' || log.timeOf(id) > to) continue;
      const event = log.read(id) as Sending;
      if (event.kind === 'drop' && !stays.has(event.reason)) continue;
      if (!world.isSwitch(event.node) && fits(event)) found.push(event);
    }
    return found;
  }

  #told({ fault, node, to, took }: Harm, what: string): Finding {
    const code = lineHarms[fault.fault]!;
    const where =
      took !== undefined
        ? `takes ${roughly(took)} from ${node}${to === '' ? '' : ` to ${to}`}`
        : code === 'LINK_CORRUPTION'
          ? `is spoilt between ${node} and ${to === '' ? 'others' : to}`
          : `ends at ${node}`;
    return {
      code,
      sentence: `${this.#of.from} cannot reach ${this.#of.to}: ${what} ${where}. ${sentenceOf(reasons[code].meaning)}`,
      fault,
    };
  }
}

/** Shorter than this no line is worth a word. */
const tellable = 1e6;

const isAmong = (ips: readonly string[], ip: Ipv4): boolean =>
  ips.length === 0 || ips.includes(showIpv4(ip));

/** The harm that came to the youngest, if none went unharmed. */
function harmOfAll(tries: readonly Try[]): Harm | undefined {
  const real = tries.filter(({ isIdle }) => !isIdle);
  return real.every(({ harm }) => harm !== undefined) ? real[0]?.harm : undefined;
}

/** Everybody whose frames it takes. */
function neededBy(of: Case, carriers: ReadonlySet<string>): ReadonlySet<string> {
  const { world, asker, target, from, to, at, crossed, end, unresolved } = of;
  const nodes = new Set([from, target.node, end.node, ...carriers]);
  for (const ip of [to, ...(unresolved?.ips ?? [])])
    for (const { node } of world.holders(ip, at, from)) nodes.add(node);
  for (const party of [asker, target]) {
    const gateway = party.bySite ? of.providerAppliance(party.network) : undefined;
    if (gateway !== undefined) nodes.add(gateway);
  }
  if (crossed.length > 0 || asker.network !== target.network)
    for (const { name, role } of world.machines.values()) if (ways.has(role)) nodes.add(name);
  return nodes;
}

/** Machines that lead out of a network. */
const ways: ReadonlySet<string> = new Set([
  'router',
  'cloud-gateway',
  'edge-gateway',
  'internet',
  'provider-router',
]);
