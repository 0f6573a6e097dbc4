/**
 * Receiving ARP (RFC 826 "Packet Reception"; the order and the exceptions are those of Linux
 * net/ipv4/arp.c, which the profiles bend), with the kernel's own proxy ARP.
 */
import type { Frame } from '../base/frame.ts';
import type { Random } from '../base/random.ts';
import type { Instant } from '../base/time.ts';
import { type Ipv4, isMulticastIpv4, readMac } from '../wire/address.ts';
import { arpReply, arpRequest, sendArp } from './arp.ts';
import type { Sink } from './device.ts';
import type { ArpFields, Interface } from './interface.ts';
import type { NeighbourOwner } from './neighbours.ts';
import type { Profile } from './profile.ts';
import type { RouteTable } from './routes.ts';

const delayedMax = 64; // net.ipv4.neigh.*.proxy_qlen: one more than so many may wait
const arpEnd = 42;

interface Owner extends NeighbourOwner {
  readonly profile: Profile;
  readonly random: Random;
  readonly forwarding: boolean;
  readonly routes: RouteTable;
  isOurs(ip: Ipv4): boolean;
  /** What the reverse path filter of the interface says of a packet from there. */
  comesTheRightWay(source: Ipv4, from: Interface): boolean;
  arm(sink: Sink): void;
}

interface Delayed {
  readonly due: Instant;
  readonly from: Interface;
  readonly fields: ArpFields;
  readonly cause: number;
}

export class ArpResponder {
  readonly #owner: Owner;
  readonly #random: Random;
  #delayed: Delayed[] = [];

  constructor(owner: Owner) {
    this.#owner = owner;
    this.#random = owner.random.child('proxy delay');
  }

  receive(from: Interface, frame: Frame, now: Instant, sink: Sink): void {
    const { words, start } = frame;
    if (
      frame.length < arpEnd ||
      words.getUint16(start + 16) !== 0x0800 ||
      words.getUint16(start + 18) !== 0x0604
    ) {
      sink.drop(from.port!, frame, 'MALFORMED');
      return;
    }
    const { arp } = this.#owner.profile;
    const targetIp = words.getInt32(start + 38) as Ipv4;
    const senderIp = words.getInt32(start + 28) as Ipv4;
    const hardware = words.getUint16(start + 14);
    const operation = words.getUint16(start + 20);
    if (
      (hardware !== 1 && !(hardware === 6 && !arp.refusesGroupSender)) ||
      (operation !== arpRequest && operation !== arpReply)
    ) {
      sink.drop(from.port!, frame, 'MALFORMED');
      return;
    }
    const senderHigh = words.getUint16(start + 22);
    if (arp.refusesGroupSender && (senderHigh & 0x100 || readMac(words, start + 22) === 0)) {
      sink.drop(from.port!, frame, 'BAD_SOURCE_MAC');
      return;
    }
    const fields: ArpFields = {
      operation,
      senderMac: readMac(words, start + 22),
      senderIp,
      targetMac: readMac(words, start + 32),
      targetIp,
      unicast: (frame.memory[start]! & 1) === 0,
    };
    if (isMulticastIpv4(targetIp) || targetIp >>> 24 === 127) {
      sink.drop(from.port!, frame, 'ARP_IGNORED');
      return;
    }
    if (from.ignoresGratuitousArp && senderIp === targetIp) {
      sink.drop(from.port!, frame, 'ARP_IGNORED');
      return;
    }
    for (const watcher of from.watchers) {
      if (watcher.arp(fields, from, frame, now, sink)) return;
    }
    if (operation === arpRequest && this.#answer(fields, from, frame, now, sink)) return;
    this.#merge(fields, from, frame, now, sink);
  }

  wake(now: Instant, sink: Sink): void {
    const due = this.#delayed.filter((one) => one.due <= now);
    this.#delayed = this.#delayed.filter((one) => one.due > now);
    for (const { from, fields, cause } of due) {
      // The question is looked at again: routes, addresses and proxies may have changed meanwhile.
      if (this.#isOurs(fields.targetIp, from) || this.#standsInFor(fields, from))
        reply(from, fields, cause, sink);
    }
  }

  nextWake(): Instant | undefined {
    let next: Instant | undefined;
    for (const { due } of this.#delayed) if (next === undefined || due < next) next = due;
    return next;
  }

  /** Answers a request, if it is for us to answer. Returns whether the packet has been dealt with. */
  #answer(fields: ArpFields, from: Interface, frame: Frame, now: Instant, sink: Sink): boolean {
    const owner = this.#owner;
    const { arp } = owner.profile;
    const { senderIp, targetIp } = fields;
    const ours = this.#isOurs(targetIp, from);
    if (senderIp === 0) {
      // Somebody asks whether the address is free. Only its true owner answers (RFC 5227 section 2.1).
      if (ours) reply(from, fields, frame.cause, sink);
      return true;
    }
    if (isMulticastIpv4(senderIp) || senderIp === -1 || senderIp >>> 24 === 127) return true;
    if (owner.isOurs(senderIp) || !owner.comesTheRightWay(senderIp, from)) return false;
    if (ours) {
      if (arp.learnsFromRequests && !from.isBroadcast(senderIp))
        this.#learnAsker(fields, from, frame, now, sink);
      reply(from, fields, frame.cause, sink);
      return true;
    }
    const { proxy } = from;
    if (proxy === undefined || !this.#standsInFor(fields, from)) return false;
    this.#learnAsker(fields, from, frame, now, sink);
    if (fields.unicast || proxy.delay === 0) reply(from, fields, frame.cause, sink);
    else if (this.#delayed.length > delayedMax) sink.drop(from.port!, frame, 'ARP_QUEUE_FULL');
    else {
      const due = (now + this.#random.between(0, proxy.delay)) as Instant;
      this.#delayed.push({ due, from, fields, cause: frame.cause });
      owner.arm(sink);
    }
    return true;
  }

  #isOurs(ip: Ipv4, from: Interface): boolean {
    const owner = this.#owner;
    return from.has(ip) || (owner.profile.arp.answersForOtherInterfaces && owner.isOurs(ip));
  }

  /** The kernel asks its routes, and nobody whether the target exists. */
  #standsInFor({ senderIp, targetIp }: ArpFields, from: Interface): boolean {
    const { proxy } = from;
    if (!this.#owner.forwarding || proxy === undefined) return false;
    const route = (from.table ?? this.#owner.routes).find(targetIp);
    if (route?.kind !== 'unicast' || route.interface.isBroadcast(targetIp)) return false;
    const elsewhere = route.interface !== from;
    if (elsewhere && (proxy.routed || proxy.addresses.has(targetIp))) return true;
    return proxy.sameInterface && !elsewhere && senderIp !== targetIp;
  }

  #learnAsker(fields: ArpFields, from: Interface, frame: Frame, now: Instant, sink: Sink): void {
    const high = frame.words.getUint16(frame.start + 22);
    const low = frame.words.getInt32(frame.start + 24);
    const { neighbours } = from;
    neighbours.learn(
      fields.senderIp,
      high,
      low,
      'stale',
      true,
      true,
      frame,
      this.#owner,
      now,
      sink,
    );
  }

  /** What a packet that asks us nothing tells us: the merge step of RFC 826. */
  #merge(fields: ArpFields, from: Interface, frame: Frame, now: Instant, sink: Sink): void {
    const { arp } = this.#owner.profile;
    const { senderIp, operation } = fields;
    if (senderIp === 0 || isMulticastIpv4(senderIp) || this.#owner.isOurs(senderIp)) return;
    const entry = from.neighbours.find(senderIp);
    const toUs = operation === arpReply && from.has(fields.targetIp);
    const gratuitous =
      senderIp === fields.targetIp &&
      (operation === arpRequest || fields.senderMac === fields.targetMac);
    const unasked = (gratuitous || operation === arpReply) && acceptsUnasked(from, senderIp);
    if (entry === undefined && !unasked && !(toUs && arp.learnsFromReplies)) return;
    if (entry !== undefined && !arp.merges && !toUs) return;
    const locked =
      entry?.hasMac && arp.locktime > 0 && now - entry.updated <= arp.locktime && !gratuitous;
    const high = frame.words.getUint16(frame.start + 22);
    const low = frame.words.getInt32(frame.start + 24);
    if (locked && (entry.macHigh !== high || entry.macLow !== low))
      sink.drop(from.port!, frame, 'ARP_LOCKTIME');
    const proves = operation === arpReply && fields.unicast ? 'reachable' : 'stale';
    const { neighbours } = from;
    neighbours.learn(senderIp, high, low, proves, !locked, true, frame, this.#owner, now, sink);
  }
}

/** Whether an entry may come into being for somebody who was not asked (arp_accept). */
function acceptsUnasked(from: Interface, ip: Ipv4): boolean {
  if (from.isBroadcast(ip)) return false;
  return from.acceptsArp === 'always' || (from.acceptsArp === 'on-link' && from.onLink(ip));
}

/** The reply to a request: the same fields, swapped, with the MAC address of the interface asked for. */
function reply(from: Interface, fields: ArpFields, cause: number, sink: Sink): void {
  const high = Math.floor(fields.senderMac / 2 ** 32);
  const low = (fields.senderMac % 2 ** 32) | 0;
  sendArp(from, arpReply, high, low, fields.targetIp, high, low, fields.senderIp, cause, sink);
}
