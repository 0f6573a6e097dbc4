/**
 * The neighbour table of one interface: who has which MAC address, how sure that is, and what waits
 * for an answer (RFC 826, RFC 1122 section 2.3.2; states and timers as in Linux
 * net/core/neighbour.c, which the profiles bend).
 *
 * The passing of `reachable` to `stale` has no timer: it is found out when the entry is used.
 */
import type { Frame } from '../base/frame.ts';
import type { Random } from '../base/random.ts';
import { type Instant, seconds } from '../base/time.ts';
import type { NeighbourState } from '../trace/event.ts';
import { type Ipv4, type Mac, showIpv4, showMac } from '../wire/address.ts';
import { sendArp } from './arp.ts';
import type { Sink } from './device.ts';
import type { Interface } from './interface.ts';
import type { Profile } from './profile.ts';

const redrawEvery = seconds(300); // Linux draws the reachable time anew every five minutes
const sweepEvery = seconds(30); // gc_interval
const unusedFor = seconds(60); // gc_stale_time
const settledFor = seconds(5); // what has changed later is spared when room must be made
// What Linux counts for a packet that waits (skb truesize): 232 small ones were measured to fill 212,992 bytes.
const waitingOverhead = 576;
const waitingLeast = 918;
const nobody: Frame[] = [];

export class Neighbour {
  readonly ip: Ipv4;
  state: NeighbourState = 'none';
  macHigh = 0;
  macLow = 0;
  /** Packets may be sent without asking anybody until then. */
  usableUntil = 0;
  /** When the MAC address or the state last changed: locktime counts from here. */
  updated = Number.NEGATIVE_INFINITY;
  /** When something is due, in the states that wait for something. */
  deadline = Number.POSITIVE_INFINITY;
  used = 0;
  probes = 0;
  /** One array for all that have none waiting: it is never written to. */
  waiting: Frame[] = nobody;
  waitingBytes = 0;

  constructor(ip: Ipv4) {
    this.ip = ip;
  }

  get mac(): Mac {
    return (this.macHigh * 2 ** 32 + (this.macLow >>> 0)) as Mac;
  }

  get hasMac(): boolean {
    return this.state !== 'none' && this.state !== 'incomplete' && this.state !== 'failed';
  }
}

/** Told of packets that waited in vain. */
export interface NeighbourOwner {
  readonly name: string;
  unresolved(frame: Frame, from: Interface, now: Instant, sink: Sink): void;
}

export class NeighbourTable {
  readonly entries = new Map<Ipv4, Neighbour>();
  readonly #interface: Interface;
  readonly #profile: Profile;
  readonly #random: Random;
  /** Entries with a deadline. */
  readonly #pending = new Set<Neighbour>();
  /** Permanent entries, which the bounds do not count. */
  #pinned = 0;
  #sweptAt = 0;
  #flushedAt = Number.NEGATIVE_INFINITY;
  /** Making room is of no use before this moment, unless an entry fails. */
  #roomAfter = 0;
  #reachable: number;
  #drawnAt = 0;

  constructor(of: Interface, profile: Profile, random: Random) {
    this.#interface = of;
    this.#profile = profile;
    this.#random = random;
    this.#reachable = profile.arp.reachable;
    this.#draw();
  }

  /** The state now, with the time that has passed since anybody looked counted in. */
  stateOf(entry: Neighbour, now: Instant): NeighbourState {
    return entry.state === 'reachable' && now >= entry.usableUntil ? 'stale' : entry.state;
  }

  find(ip: Ipv4): Neighbour | undefined {
    return this.entries.get(ip);
  }

  /** Sends the frame to `ip` on this link, at once or when its MAC address is known. */
  send(
    ip: Ipv4,
    frame: Frame,
    owner: NeighbourOwner,
    now: Instant,
    sink: Sink,
  ): Neighbour | undefined {
    let entry = this.entries.get(ip);
    if (entry === undefined) {
      entry = this.#create(ip, owner, now, sink);
      if (entry === undefined) {
        sink.drop(this.#interface.port!, frame, 'ARP_QUEUE_FULL');
        return undefined;
      }
    }
    if (now >= entry.usableUntil) this.#touch(entry, frame, owner, now, sink);
    entry.used = now;
    if (entry.state === 'incomplete') this.#wait(entry, frame, sink);
    else if (entry.hasMac) this.address(entry, frame, sink);
    return entry;
  }

  /** Writes both MAC addresses and puts the frame on the cable. */
  address(entry: Neighbour, frame: Frame, sink: Sink): void {
    const { words, start } = frame;
    words.setUint16(start, entry.macHigh);
    words.setInt32(start + 2, entry.macLow);
    words.setUint16(start + 6, this.#interface.macHigh);
    words.setInt32(start + 8, this.#interface.macLow);
    words.setUint16(start + 12, 0x0800);
    sink.send(this.#interface.port!, frame);
  }

  /** An entry that never ages. */
  pin(ip: Ipv4, mac: Mac, sink: Sink): void {
    const entry = this.entries.get(ip) ?? new Neighbour(ip);
    if (entry.state !== 'permanent') this.#pinned += 1;
    entry.macHigh = Math.floor(mac / 2 ** 32);
    entry.macLow = (mac % 2 ** 32) | 0;
    this.#enter(entry, 'permanent', 0 as Instant);
    entry.usableUntil = Number.POSITIVE_INFINITY;
    this.entries.set(ip, entry);
    this.#release(entry, sink);
  }

  /**
   * Learns from an ARP packet.
   *
   * @param state    What the packet proves: `reachable` for a reply to us alone, else `stale`.
   * @param override Whether another MAC address may replace the one that is known.
   * @param create   Whether an entry may come into being.
   */
  learn(
    ip: Ipv4,
    macHigh: number,
    macLow: number,
    state: 'reachable' | 'stale',
    override: boolean,
    create: boolean,
    frame: Frame,
    owner: NeighbourOwner,
    now: Instant,
    sink: Sink,
  ): void {
    let entry = this.entries.get(ip);
    if (entry === undefined) {
      if (!create) return;
      entry = this.#create(ip, owner, now, sink);
      if (entry === undefined) return;
    }
    if (entry.state === 'permanent') return;
    const known = entry.hasMac;
    const same = known && entry.macHigh === macHigh && entry.macLow === macLow;
    let next: NeighbourState = state;
    if (known && !same && !override) return;
    if (same && state === 'stale') {
      next = this.stateOf(entry, now); // a weak sign of what is known already changes nothing
      if (next === 'delay' || next === 'probe') return;
    }
    const was = this.stateOf(entry, now);
    if (next !== was || !same) entry.updated = now;
    entry.macHigh = macHigh;
    entry.macLow = macLow;
    this.#enter(entry, next, now);
    if (next === 'reachable' && state === 'reachable')
      entry.usableUntil = now + this.#reachableTime(now);
    if (entry.state !== was || !same) this.#tell(entry, was, frame.cause, owner, now, sink);
    if (entry.waiting.length > 0) this.#release(entry, sink);
  }

  /** Something above ARP, such as progress of a TCP connection, shows that the neighbour is there. */
  confirm(ip: Ipv4, now: Instant): void {
    const entry = this.entries.get(ip);
    if (entry === undefined || !entry.hasMac || entry.state === 'permanent') return;
    this.#enter(entry, 'reachable', now);
    entry.usableUntil = now + this.#reachableTime(now);
  }

  /** Drops what is known: the cable was pulled (arp_evict_nocarrier). */
  clear(owner: NeighbourOwner, now: Instant, sink: Sink): void {
    for (const entry of this.entries.values()) {
      for (const frame of entry.waiting) sink.drop(this.#interface.port!, frame, 'LINK_DOWN');
      if (entry.state !== 'permanent') this.#forget(entry, owner, now, sink);
    }
  }

  nextWake(): Instant | undefined {
    let next = Number.POSITIVE_INFINITY;
    for (const entry of this.#pending) if (entry.deadline < next) next = entry.deadline;
    return next === Number.POSITIVE_INFINITY ? undefined : (next as Instant);
  }

  wake(owner: NeighbourOwner, now: Instant, sink: Sink): void {
    for (const entry of this.#pending) {
      if (entry.deadline <= now) this.#due(entry, owner, now, sink);
    }
  }

  #due(entry: Neighbour, owner: NeighbourOwner, now: Instant, sink: Sink): void {
    const { arp } = this.#profile;
    const was = entry.state;
    if (was === 'delay') {
      this.#enter(entry, 'probe', now);
      entry.probes = 0;
      entry.updated = now;
    }
    const limit = entry.state === 'incomplete' ? arp.broadcastProbes : arp.unicastProbes;
    if (entry.probes < limit) {
      entry.probes += 1;
      entry.deadline = now + arp.retransmit;
      entry.usableUntil = entry.state === 'probe' ? entry.deadline : 0;
      if (was !== entry.state) this.#tell(entry, was, -1, owner, now, sink);
      this.#ask(entry, entry.waiting[0]?.cause ?? -1, now, sink);
      return;
    }
    this.#enter(entry, 'failed', now);
    entry.updated = now;
    const cause = entry.waiting.at(-1)?.cause ?? -1;
    this.#tell(entry, was, cause, owner, now, sink);
    const { waiting } = entry;
    entry.waiting = nobody;
    entry.waitingBytes = 0;
    for (const frame of waiting) {
      sink.drop(this.#interface.port!, frame, 'ARP_UNANSWERED');
      owner.unresolved(frame, this.#interface, now, sink);
    }
  }

  /** A packet wants to go to a neighbour that is not known to be there. */
  #touch(entry: Neighbour, frame: Frame, owner: NeighbourOwner, now: Instant, sink: Sink): void {
    const { arp } = this.#profile;
    const was = entry.state;
    if (was === 'incomplete') return;
    if (entry.hasMac && arp.delayFirstProbe > 0) {
      if (was === 'delay' || was === 'probe') return;
      this.#enter(entry, 'delay', now);
      entry.updated = now;
      entry.deadline = now + arp.delayFirstProbe;
      entry.usableUntil = entry.deadline;
      this.#tell(entry, was === 'reachable' ? 'stale' : was, frame.cause, owner, now, sink);
      sink.wakeAt(this.#interface.port!.device, entry.deadline as Instant);
      return;
    }
    this.#enter(entry, 'incomplete', now);
    entry.updated = now;
    entry.probes = 1;
    entry.deadline = now + arp.retransmit;
    this.#tell(entry, was, frame.cause, owner, now, sink);
    this.#ask(entry, frame.cause, now, sink);
  }

  #ask(entry: Neighbour, cause: number, now: Instant, sink: Sink): void {
    const of = this.#interface;
    const source = of.sourceFor(entry.ip);
    const unicast = entry.state === 'probe';
    const high = unicast ? entry.macHigh : 0xffff;
    const low = unicast ? entry.macLow : -1;
    sendArp(of, 1, high, low, source, 0, 0, entry.ip, cause, sink);
    sink.wakeAt(of.port!.device, (now + this.#profile.arp.retransmit) as Instant);
  }

  #wait(entry: Neighbour, frame: Frame, sink: Sink): void {
    const { queueBytes, queuePackets } = this.#profile.arp;
    // A literal of one takes one place; what `push` makes of an empty array takes seventeen.
    if (entry.waiting.length === 0) entry.waiting = [frame];
    else entry.waiting.push(frame);
    entry.waitingBytes += weight(frame);
    while (
      entry.waiting.length > 1 &&
      (entry.waitingBytes > queueBytes || entry.waiting.length > queuePackets)
    ) {
      const oldest = entry.waiting.shift()!;
      entry.waitingBytes -= weight(oldest);
      sink.drop(this.#interface.port!, oldest, 'ARP_QUEUE_FULL');
    }
  }

  /** The MAC address is known: what waited for it leaves, in the order in which it came. */
  #release(entry: Neighbour, sink: Sink): void {
    const { waiting } = entry;
    entry.waiting = nobody;
    entry.waitingBytes = 0;
    for (const frame of waiting) this.address(entry, frame, sink);
  }

  #enter(entry: Neighbour, state: NeighbourState, now: Instant): void {
    entry.state = state;
    if (state === 'failed') this.#roomAfter = 0;
    const waits = state === 'incomplete' || state === 'delay' || state === 'probe';
    if (waits) this.#pending.add(entry);
    else {
      this.#pending.delete(entry);
      entry.deadline = Number.POSITIVE_INFINITY;
    }
    if (state !== 'reachable') entry.usableUntil = state === 'delay' ? entry.deadline : 0;
    else if (entry.usableUntil < now) entry.usableUntil = now;
  }

  #create(ip: Ipv4, owner: NeighbourOwner, now: Instant, sink: Sink): Neighbour | undefined {
    const { entriesKept, entriesMax } = this.#profile.arp;
    if (this.entries.size - this.#pinned >= entriesKept) {
      this.#sweep(owner, now, sink);
      if (this.entries.size - this.#pinned >= entriesMax) return undefined;
    }
    const entry = new Neighbour(ip);
    entry.used = now;
    this.entries.set(ip, entry);
    return entry;
  }

  /**
   * Takes out what is no longer of use. Linux does the first part by a timer; here it is done when
   * an entry comes in, because until then nobody can tell the difference.
   */
  #sweep(owner: NeighbourOwner, now: Instant, sink: Sink): void {
    const { entriesSoft, entriesMax } = this.#profile.arp;
    if (now - this.#sweptAt >= sweepEvery) {
      this.#sweptAt = now;
      const unused = (entry: Neighbour): number => Math.max(entry.used, entry.updated) + unusedFor;
      this.#takeOut(unused, Number.POSITIVE_INFINITY, owner, now, sink);
    }
    const count = this.entries.size - this.#pinned;
    if (count < entriesSoft) return;
    if (count >= entriesMax ? now < this.#roomAfter : now - this.#flushedAt <= settledFor) return;
    this.#flushedAt = now;
    const settled = (entry: Neighbour): number =>
      Math.max(entry.updated + settledFor, entry.usableUntil);
    this.#roomAfter = this.#takeOut(settled, count - entriesSoft, owner, now, sink);
  }

  /**
   * Takes out up to `most` entries that have failed, or that are stale and due according to `dueAt`.
   *
   * @returns From when on it is worth another try.
   */
  #takeOut(
    dueAt: (entry: Neighbour) => number,
    most: number,
    owner: NeighbourOwner,
    now: Instant,
    sink: Sink,
  ): number {
    let next = now + settledFor;
    let left = most;
    for (const entry of this.entries.values()) {
      if (left <= 0) return now;
      const state = this.stateOf(entry, now);
      if (state === 'failed' || (state === 'stale' && dueAt(entry) <= now)) {
        this.#forget(entry, owner, now, sink);
        left -= 1;
      } else if (state === 'stale' && dueAt(entry) < next) next = dueAt(entry);
    }
    return next;
  }

  #forget(entry: Neighbour, owner: NeighbourOwner, now: Instant, sink: Sink): void {
    const was = this.stateOf(entry, now);
    this.entries.delete(entry.ip);
    this.#enter(entry, 'none', now); // who remembers it must not use it any more
    entry.waiting = nobody;
    entry.waitingBytes = 0;
    this.#tell(entry, was, -1, owner, now, sink);
  }

  #reachableTime(now: Instant): number {
    if (now - this.#drawnAt >= redrawEvery) {
      this.#drawnAt = now;
      this.#draw();
    }
    return this.#reachable;
  }

  #draw(): void {
    const { reachable, randomises } = this.#profile.arp;
    this.#reachable = randomises ? this.#random.between(reachable / 2, reachable * 1.5) : reachable;
  }

  #tell(
    entry: Neighbour,
    was: NeighbourState,
    cause: number,
    owner: NeighbourOwner,
    now: Instant,
    sink: Sink,
  ): void {
    if (!sink.log.detailed) return;
    const mac = entry.hasMac ? showMac(entry.mac) : '';
    const ip = showIpv4(entry.ip);
    const { state } = entry;
    sink.log.tell(now, owner.name, cause, {
      kind: 'neighbour',
      interface: this.#interface.name,
      ip,
      mac,
      state,
      was,
    });
  }
}

const weight = (frame: Frame): number => Math.max(waitingLeast, frame.length + waitingOverhead);
