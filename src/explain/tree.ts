/**
 * The log read from cause to effect. Built once per log and carried on as the log grows: a question
 * walks the few events that it is about and never the whole.
 */
import { view } from '../base/bytes.ts';
import type { Instant } from '../base/time.ts';
import type {
  FrameDropped,
  FrameFlooded,
  FrameSent,
  PacketTunnelled,
  TraceEvent,
} from '../trace/event.ts';
import type { EventLog } from '../trace/log.ts';
import type { Reason } from '../trace/reasons.ts';
import { type Ipv4, readIpv4 } from '../wire/address.ts';

/** How frames end that were never meant to go on: copies of a flood, questions meant for others. */
const noise: ReadonlySet<Reason> = new Set([
  'NOT_FOR_US',
  'SAME_PORT',
  'ARP_IGNORED',
  'ARP_LOCKTIME',
  'RESERVED_GROUP',
  'ICMP_IGNORED',
  'TCP_OUT_OF_WINDOW',
  'TCP_BAD_ACK',
  'TCP_UNEXPECTED',
  'WG_REPLAY',
  'WG_UNKNOWN_INDEX',
]);

export const isNoise = (reason: Reason): boolean => noise.has(reason);
/** A frame that crosses a link. */
export const isCrossing = (event: TraceEvent): event is FrameSent | FrameFlooded =>
  event.kind === 'frame' || event.kind === 'flood';
/** Anything that a packet does on its way. */
export const isMove = (event: TraceEvent): event is FrameSent | FrameFlooded | PacketTunnelled =>
  isCrossing(event) || event.kind === 'packet';

const trees = new WeakMap<EventLog, Tree>();

/** The tree of a log as it is now. */
export function treeOf(log: EventLog): Tree {
  let tree = trees.get(log);
  if (tree === undefined) trees.set(log, (tree = new Tree(log)));
  tree.extend();
  return tree;
}

export class Tree {
  readonly #log: EventLog;
  /** Per event, one more than the id of its youngest effect, and of the effect before it of the same cause. */
  #youngest = new Int32Array(1024);
  #older = new Int32Array(1024);
  #drops: number[] = [];
  /** Every crossing of every ARP reply, by the address that it answers for. */
  readonly #replies = new Map<Ipv4, number[]>();
  /**
   * Packets wait in a tunnel until it is up, and then leave because of the handshake. What they do
   * from there on is taken from the handshake and given to the packet: parent by child, and back.
   */
  readonly #parents = new Map<number, number>();
  readonly #adopted = new Map<number, number[]>();
  /** What went into a tunnel last, by what tells it from others. */
  readonly #tunnelled = new Map<number, number>();
  #read = 0;

  constructor(log: EventLog) {
    this.#log = log;
  }

  extend(): void {
    const log = this.#log;
    const { length } = log;
    if (this.#read === length) return;
    this.#grow(length);
    for (let id = this.#read; id < length; id += 1) {
      const cause = log.causeOf(id);
      if (cause >= 0) {
        this.#older[id] = this.#youngest[cause]!;
        this.#youngest[cause] = id + 1;
      }
      const sort = log.sortOf(id);
      if (sort === 'fact') continue;
      if (sort === 'drop') {
        const drop = log.read(id) as FrameDropped;
        if (!isNoise(drop.reason)) this.#drops.push(id);
      } else if (sort === 'packet') this.#noteTunnelled(id);
      else if (log.lengthOf(id) <= arpMost) this.#noteReply(id, log.bytesOf(id));
    }
    this.#read = length;
  }

  /** What came directly of an event, oldest first. */
  effects(id: number): TraceEvent[] {
    const effects: TraceEvent[] = [];
    for (let one = this.#youngest[id]!; one > 0; one = this.#older[one - 1]!)
      if (!this.#parents.has(one - 1)) effects.push(this.#log.read(one - 1));
    effects.reverse();
    for (const child of this.#adopted.get(id) ?? []) effects.push(this.#log.read(child));
    return effects;
  }

  /** Drops that somebody would want to know of, newest first, from those at `to` back to `from`. */
  *dropsBack(from: Instant, to: Instant): Generator<FrameDropped> {
    let place = this.#drops.length;
    const log = this.#log;
    const after = firstAfter(place, (i) => log.timeOf(this.#drops[i]!), to);
    for (place = after - 1; place >= 0; place -= 1) {
      const id = this.#drops[place]!;
      if (log.timeOf(id) < from) return;
      yield log.read(id) as FrameDropped;
    }
  }

  /** The addresses for which anybody sent an ARP reply. */
  get repliedFor(): readonly Ipv4[] {
    return [...this.#replies.keys()];
  }

  /** Crossings of ARP replies for an address that began within a stretch of time, oldest first. */
  *repliesFor(ip: Ipv4, from: Instant, to: Instant): Generator<FrameSent | FrameFlooded> {
    const ids = this.#replies.get(ip) ?? [];
    const log = this.#log;
    const first = firstAfter(ids.length, (i) => log.timeOf(ids[i]!), (from - 1) as Instant);
    for (let place = first; place < ids.length; place += 1) {
      const id = ids[place]!;
      if (log.timeOf(id) > to) return;
      yield log.read(id) as FrameSent | FrameFlooded;
    }
  }

  /** Ids from the first cause down to this event. */
  chain(id: number): number[] {
    const chain: number[] = [];
    for (let one = id; one >= 0; one = this.causeOf(one)) chain.push(one);
    return chain.reverse();
  }

  causeOf(id: number): number {
    return this.#parents.get(id) ?? this.#log.causeOf(id);
  }

  #noteTunnelled(id: number): void {
    const bytes = this.#log.bytesOf(id);
    if (bytes.length < sameUpTo) return;
    const key = mixed(bytes);
    const entered = this.#tunnelled.get(key);
    if (this.#log.directionOf(id) === 'in') {
      if (this.#tunnelled.size >= tunnelledMax) this.#tunnelled.clear();
      this.#tunnelled.set(key, id);
      return;
    }
    if (entered === undefined || !isSame(this.#log.bytesOf(entered), bytes)) return;
    this.#tunnelled.delete(key);
    if (this.#wentAtOnce(entered)) return;
    // Back through the crossings of the datagram to where the other end sent it.
    const log = this.#log;
    const { node } = log.read(entered);
    let first = log.causeOf(id);
    while (first > entered && log.read(first).node !== node) first = log.causeOf(first);
    if (first <= entered || log.sortOf(first) !== 'frame') return;
    if (log.causeOf(first) === entered) return; // it went at once
    this.#parents.set(first, entered);
    const adopted = this.#adopted.get(entered);
    if (adopted === undefined) this.#adopted.set(entered, [first]);
    else adopted.push(first);
  }

  /** The usual case, told without looking at the whole way: the next event is its datagram. */
  #wentAtOnce(entered: number): boolean {
    const log = this.#log;
    const next = entered + 1;
    return (
      log.sortOf(next) === 'frame' &&
      log.causeOf(next) === entered &&
      log.bytesOf(next)[messageAt] === dataMessage
    );
  }

  #noteReply(id: number, bytes: Uint8Array): void {
    const type = bytes.length < 42 ? 0 : bytes[12]! * 256 + bytes[13]!;
    const start = type === 0x8100 ? 18 : 14;
    if (bytes.length < start + 28 || bytes[start - 2] !== 0x08 || bytes[start - 1] !== 0x06) return;
    if (bytes[start + 7] !== 2) return;
    const ip = readIpv4(view(bytes), start + 14);
    const ids = this.#replies.get(ip);
    if (ids === undefined) this.#replies.set(ip, [id]);
    else ids.push(id);
  }

  #grow(length: number): void {
    if (length <= this.#older.length) return;
    const size = Math.max(length, this.#older.length * 2);
    const larger = (old: Int32Array): Int32Array<ArrayBuffer> => {
      const room = new Int32Array(size);
      room.set(old);
      return room;
    };
    this.#youngest = larger(this.#youngest);
    this.#older = larger(this.#older);
  }
}

/** An ARP packet with a VLAN tag and all the padding that Ethernet asks for; what is longer is none. */
const arpMost = 68;
/** Packets that are in tunnels at one time; older ones are lost. */
const tunnelledMax = 65_536;
/** Where in a frame a WireGuard message begins, and what those with packets in them begin with. */
const messageAt = 14 + 20 + 8;
const dataMessage = 4;
/** Header and the first bytes of what it carries. */
const sameUpTo = 28;

/** What tells one packet from another: identification, protocol, addresses, ports; as one number. */
function mixed(bytes: Uint8Array): number {
  let mix = 0x811c_9dc5; // FNV-1a
  for (let i = 4; i < sameUpTo; i += 1)
    if (isKept(i)) mix = Math.imul(mix ^ bytes[i]!, 0x0100_0193);
  return mix;
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 4; i < sameUpTo; i += 1) if (isKept(i) && a[i] !== b[i]) return false;
  return true;
}

/** Time to live and header checksum may change on the way. */
const isKept = (i: number): boolean => i !== 8 && i !== 10 && i !== 11;

/** The first place in an ordered list whose time is after `when`. */
export function firstAfter(count: number, timeAt: (i: number) => Instant, when: Instant): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (timeAt(middle) <= when) low = middle + 1;
    else high = middle;
  }
  return low;
}
