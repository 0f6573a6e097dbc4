/** The way of a packet, hop by hop, walked back along causes. */
import type { Instant } from '../base/time.ts';
import type { FrameFlooded, FrameSent, PacketTunnelled, TraceEvent } from '../trace/event.ts';
import type { EventLog } from '../trace/log.ts';
import { type Reason, reasons } from '../trace/reasons.ts';
import { showIpv4 } from '../wire/address.ts';
import { describeFrame } from '../wire/describe.ts';
import type { Ipv4Packet } from '../wire/ipv4.ts';
import { arpIn, isArp, isTunnelTalk, packetAlone, packetIn, portsIn } from './carried.ts';
import { type LastHop, lastHop } from './descent.ts';
import { nextHopRow, proxyRow, switchRow } from './rows.ts';
import { isCrossing, isMove, treeOf } from './tree.ts';
import { type World, worldOf } from './world.ts';

/** One place that a packet came through. */
export interface Hop {
  /** The device: `web01`. */
  readonly where: string;
  /** The port it came in by; empty where it began. */
  readonly in: string;
  /** The port it left by; empty where it ended. */
  readonly out: string;
  /** What happened there, in plain words. */
  readonly what: string;
  readonly at: Instant;
  readonly event: number;
  readonly direction: 'there' | 'back';
  /** The tunnel that it was put into here. */
  readonly tunnel?: string;
  /** It ended here, and not well. */
  readonly dropped?: true;
}

export interface Path {
  readonly hops: readonly Hop[];
  /** The devices on the way there, in order; the first asked and the last answered. */
  readonly nodes: readonly string[];
  /** Time to live of the answer as it arrived, where there is one. */
  readonly ttl?: number;
  readonly sent: number;
  readonly answered: number;
}

/**
 * The way of a probe and of its answer.
 *
 * @param answeredId The fact that the probe was answered. Of a TCP connection the way of its first
 *                   handshake is shown: SYN there, SYN-ACK back.
 */
export function roundTrip(log: EventLog, answeredId: number): Path {
  const world = worldOf(log);
  const answer = log.read(answeredId);
  if (answer.kind !== 'probe') throw new RangeError(`event ${answeredId} is no answer to a probe`);
  const sent = sentOf(log, answeredId);
  const moves = movesBetween(log, sent, answeredId);
  const hops = new Way(log, world, answer.to).hops(sent, moves, answer);
  const nodes = hops.filter(({ direction }) => direction === 'there').map(({ where }) => where);
  const path = { hops, nodes, sent, answered: answeredId };
  const ttl = answer.protocol === 'ping' ? answer.value : undefined;
  return ttl === undefined ? path : { ...path, ttl };
}

/** The way of a probe that was not answered, as far as it got. */
export function wayOf(log: EventLog, sentId: number, end: LastHop = lastHop(log, sentId)): Hop[] {
  const sent = log.read(sentId);
  const moves = movesOf(log, treeOf(log).chain(end.event), sentId, end.event + 1);
  const way = new Way(log, worldOf(log), sent.kind === 'probe' ? sent.to : '');
  return way.hops(sentId, moves, log.read(end.event), end);
}

/** Whether the way there leads through these, in this order; others may lie between. `tunnel.lan10` is a place too. */
export function passes(path: Path, names: readonly string[]): boolean {
  const places = path.hops
    .filter(({ direction }) => direction === 'there')
    .flatMap(({ where, tunnel }) => (tunnel === undefined ? [where] : [where, `tunnel.${tunnel}`]));
  let next = 0;
  for (const place of places) if (place === names[next]) next += 1;
  return next === names.length;
}

type Crossing = FrameSent | FrameFlooded;
type Move = Crossing | PacketTunnelled;

/** The question that an answer belongs to. */
function sentOf(log: EventLog, answeredId: number): number {
  const answer = log.read(answeredId);
  if (answer.kind !== 'probe') return answeredId;
  const sent = worldOf(log)
    .probe(answer.probe)
    .findLast(
      ({ id, what, sequence }) =>
        what === 'sent' && sequence === answer.sequence && id < answeredId,
    );
  return sent?.id ?? answeredId;
}

function movesBetween(log: EventLog, sent: number, answered: number): Move[] {
  const tree = treeOf(log);
  let last = answered;
  // A connection tells its end as an effect of its beginning: the way is that of its handshake.
  if (log.causeOf(answered) === sent) last = handshakeOf(log, sent, answered) ?? answered;
  const chain = tree.chain(last);
  const moves = movesOf(log, chain, sent, answered);
  if (chain.includes(sent)) return moves;
  // Without bytes a packet that waited for its tunnel is not known again: both halves of its way are.
  const before = movesOf(log, tree.chain(lastHop(log, sent).event), sent, answered);
  const seen = new Set(moves.map(({ id }) => id));
  return [...before.filter(({ id }) => !seen.has(id)), ...moves];
}

/** What a packet did between two events; of ARP questions that it waited for, nothing. */
function movesOf(log: EventLog, chain: readonly number[], from: number, to: number): Move[] {
  const question = log.read(from);
  const isArping = question.kind === 'probe' && question.protocol === 'arp';
  return chain
    .filter((id) => id > from && id < to)
    .map((id) => log.read(id))
    .filter(isMove)
    .filter((move) => isArping || move.kind === 'packet' || !isArp(move));
}

/** The fact on the asking machine that its connection is established. */
function handshakeOf(log: EventLog, sent: number, answered: number): number | undefined {
  const tree = treeOf(log);
  const { node } = log.read(sent);
  const open = [sent];
  const stepsMax = 10_000;
  for (let step = 0; step < stepsMax && open.length > 0; step += 1) {
    for (const effect of tree.effects(open.shift()!)) {
      if (effect.kind === 'connection' && effect.node === node && effect.state === 'ESTABLISHED')
        return effect.id;
      if (effect.kind === 'packet' || (isCrossing(effect) && !isArp(effect))) open.push(effect.id);
    }
  }
  // A retransmission of the first segment has no cause but a timer.
  const { to } = log.read(sent) as { readonly to?: string };
  for (const fact of log.facts(['connection'], sent)) {
    if (fact.id >= answered) break;
    const isOurs = fact.node === node && fact.remote.startsWith(`${to}:`);
    if (isOurs && fact.state === 'ESTABLISHED') return fact.id;
  }
  return undefined;
}

/** What a packet did at one device: it came over one crossing, left over another, and was in tunnels between. */
interface Stay {
  readonly into: Crossing | undefined;
  readonly tunnelled: readonly PacketTunnelled[];
  readonly out: Crossing | undefined;
}

class Way {
  readonly #log: EventLog;
  readonly #world: World;
  /** Who was asked. */
  readonly #target: string;

  constructor(log: EventLog, world: World, target: string) {
    this.#log = log;
    this.#world = world;
    this.#target = target;
  }

  hops(sentId: number, moves: readonly Move[], last: TraceEvent, end?: LastHop): Hop[] {
    const sent = this.#log.read(sentId);
    const turn = this.#turn(moves);
    const hops: Hop[] = [];
    for (const stay of staysOf(moves)) {
      const { into, out } = stay;
      const direction = turn === undefined || (into?.id ?? -1) < turn ? 'there' : 'back';
      const before = hops.at(-1);
      if (out === undefined && end !== undefined && before?.where === end.node)
        hops[hops.length - 1] = {
          ...before,
          what: `${before.what}, and nobody takes it`,
          dropped: true,
        };
      else if (out === undefined) hops.push(this.#lastOf(sent, stay, last, direction, end));
      else {
        hops.push({
          where: out.node,
          in: into === undefined ? '' : this.#portAt(into, out.node),
          out: out.kind === 'flood' ? 'all' : out.from,
          ...(into === undefined
            ? this.#begun(sent, stay, out)
            : this.#told(stay, into, out, turn)),
          at: into?.arrives ?? sent.at,
          event: into === undefined ? sent.id : out.id,
          direction,
        });
      }
    }
    return hops;
  }

  #lastOf(
    sent: TraceEvent,
    { into, tunnelled }: Stay,
    last: TraceEvent,
    direction: Hop['direction'],
    end: LastHop | undefined,
  ): Hop {
    const where = end?.node ?? last.node;
    const place = {
      where,
      in: into === undefined ? '' : this.#portAt(into, where),
      out: '',
      at: into?.arrives ?? sent.at,
      event: last.id,
      direction,
    } as const;
    if (end === undefined) {
      const ttl = last.kind === 'probe' && last.protocol === 'ping' ? last.value : undefined;
      return { ...place, what: `the answer is here${ttl === undefined ? '' : `, TTL ${ttl}`}` };
    }
    const tunnel = this.#tunnelOf(tunnelled.at(-1));
    const inside = tunnel === undefined ? '' : `in the tunnel ${tunnel}: `;
    const what = end.reason === undefined ? 'nothing came of it here' : this.#ended(end, last);
    return { ...place, what: inside + what, dropped: true };
  }

  #ended({ node, reason }: LastHop, last: TraceEvent): string {
    if (reason === 'ARP_UNANSWERED') {
      const asked = this.#world.unresolved(node, last.kind === 'drop' ? last.at : this.#world.end);
      if (asked.length > 0) return `nobody answers ARP for ${asked.join(', ')} (${reason})`;
    }
    return `${reasons[reason as Reason].meaning.replace(/\.$/, '')} (${reason})`;
  }

  /** The first move of the answer: the device that made it is the one that answered. */
  #turn(moves: readonly Move[]): number | undefined {
    for (const move of moves) {
      const packet = move.kind === 'packet' ? packetAlone(move) : packetIn(move);
      const arp = move.kind === 'packet' ? undefined : arpIn(move);
      const source = packet?.source ?? (arp?.operation === 'reply' ? arp.senderIp : undefined);
      if (source !== undefined && showIpv4(source) === this.#target) return move.id;
    }
    if (moves.some(({ bytes }) => bytes.length > 0)) return undefined;
    // Without bytes: where somebody who holds the address sends, or sends out where it came in.
    const holds = moves.find(
      ({ node, at }, i) =>
        i > 0 && this.#world.holders(this.#target, at, node).some((one) => one.node === node),
    );
    if (holds !== undefined) return holds.id;
    return moves.find((move, i) => {
      const before = moves[i - 1];
      if (before === undefined || !isCrossing(move) || !isCrossing(before)) return false;
      const { node, from } = move;
      return !this.#world.isSwitch(node) && this.#portAt(before, node) === from;
    })?.id;
  }

  #portAt(crossing: Crossing, node: string): string {
    if (crossing.kind === 'frame') return crossing.to;
    return crossing.to.find((port) => this.#world.nodeOf(port) === node) ?? '';
  }

  #begun(
    sent: TraceEvent,
    { tunnelled }: Stay,
    out: Crossing,
  ): { readonly what: string; readonly tunnel?: string } {
    const tunnel = this.#tunnelOf(tunnelled.at(-1));
    if (tunnel !== undefined) return { what: `put into the tunnel ${tunnel}`, tunnel };
    const waited = out.at > sent.at ? this.#waitedFor([sent], out.node) : '';
    const { bytes, length } = out;
    const said = bytes.length > 0 ? describeFrame(bytes) : `sends ${length} bytes`;
    return { what: said + waited + nextHopRow(this.#world, out) };
  }

  #told(
    { tunnelled }: Stay,
    into: Crossing,
    out: Crossing,
    turn: number | undefined,
  ): { readonly what: string; readonly tunnel?: string } {
    const { node } = out;
    if (this.#world.isSwitch(node))
      return {
        what:
          out.kind === 'flood'
            ? 'flooded: it does not know the way'
            : `switched${switchRow(this.#world, out)}`,
      };
    const before = packetIn(into);
    const after = packetIn(out);
    const waited = out.at > into.arrives ? this.#waitedFor([into, ...tunnelled], node) : '';
    const said: string[] = [];
    let tunnel: string | undefined;
    for (const packet of tunnelled) {
      const name = this.#tunnelOf(packet)!;
      const inner = packetAlone(packet);
      if (packet.direction === 'in') {
        tunnel = name;
        const ttl = inner === undefined ? '' : `, TTL ${inner.ttl}`;
        const row = inner && proxyRow(this.#world, node, inner.destination, into.arrives);
        said.push(`put into the tunnel ${name}${ttl}${row ?? ''}`);
      } else said.push(`taken out of the tunnel ${name}`);
    }
    const isAnswer = turn !== undefined && turn > into.id && turn <= out.id;
    if (isAnswer) said.push(`answered${nextHopRow(this.#world, out)}`);
    else if (before !== undefined && after?.source === before.destination)
      said.push(describeFrame(out.bytes)); // it goes on talking
    else if (tunnel === undefined) {
      if (this.#world.machine(node)?.role === 'cloud-gateway')
        said.push(`relayed${after ? ` to ${endpoint(after, 'destination')}` : ''}`);
      else if (
        tunnelled.length === 0 &&
        isTunnelTalk(out) &&
        this.#world.tunnelsAt(node).length > 0
      )
        said.push('makes its tunnel ready');
      else {
        const row = nextHopRow(this.#world, out);
        said.push(routed(tunnelled.length === 0 ? before : undefined, after) + row);
      }
    }
    const what = said.join(', ') + waited;
    return tunnel === undefined ? { what } : { what, tunnel };
  }

  /** The production network whose tunnel an interface such as `nea-hq.wg-lan10` is the end of. */
  #tunnelOf(packet: PacketTunnelled | undefined): string | undefined {
    if (packet === undefined) return undefined;
    const name = packet.interface.slice(packet.node.length + 1);
    const ends = this.#world.tunnelsAt(packet.node).filter((network) => name.endsWith(network));
    return ends.sort((a, b) => b.length - a.length)[0] ?? name;
  }

  #waitedFor(causes: readonly TraceEvent[], node: string): string {
    for (const { id } of causes) {
      const asked = treeOf(this.#log)
        .effects(id)
        .find((effect) => isCrossing(effect) && effect.node === node && isArp(effect));
      if (asked === undefined) continue;
      const arp = isCrossing(asked) ? arpIn(asked) : undefined;
      return arp === undefined ? ', after ARP' : `, after asking who has ${showIpv4(arp.targetIp)}`;
    }
    const last = causes.at(-1);
    const staged = last?.kind === 'packet' && last.direction === 'in';
    return staged ? ', when the tunnel was up' : ', after a wait';
  }
}

function staysOf(moves: readonly Move[]): Stay[] {
  const stays: Stay[] = [];
  let into: Crossing | undefined;
  let tunnelled: PacketTunnelled[] = [];
  for (const move of moves) {
    if (move.kind === 'packet') tunnelled.push(move);
    else {
      stays.push({ into, tunnelled, out: move });
      into = move;
      tunnelled = [];
    }
  }
  stays.push({ into, tunnelled, out: undefined });
  return stays;
}

function endpoint(packet: Ipv4Packet, side: 'source' | 'destination'): string {
  const port = portsIn(packet)?.[side];
  return port === undefined ? showIpv4(packet[side]) : `${showIpv4(packet[side])}:${port}`;
}

/** What a router did to a packet: its time to live, and whose it says that it is. */
function routed(before: Ipv4Packet | undefined, after: Ipv4Packet | undefined): string {
  if (after === undefined) return 'routed';
  const what = `routed, TTL ${after.ttl}`;
  if (before === undefined) return what;
  if (before.source !== after.source) return `${what}, source now ${endpoint(after, 'source')}`;
  if (before.destination !== after.destination)
    return `${what}, destination now ${endpoint(after, 'destination')}`;
  return what;
}
