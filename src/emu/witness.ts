/**
 * What a machine made of packets whose insides are a kernel: from what goes in and what comes out.
 * It says which frame led to which, and why one ended, as far as the wire, the machine's tables and
 * what the kernel tells show it.
 */
import type { Frame } from '../base/frame.ts';
import type { Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import { reasonOf } from '../stack/icmp.ts';
import type { Interface } from '../stack/interface.ts';
import type { IpStack } from '../stack/ip-stack.ts';
import {
  destinationOf,
  headerLengthOf,
  ipAt,
  protocolIcmp,
  protocolOf,
  protocolTcp,
  protocolUdp,
  sourceOf,
  totalLengthOf,
  transportAt,
} from '../stack/packet.ts';
import type { Reason } from '../trace/reasons.ts';
import { anyIpv4, broadcastIpv4, type Ipv4, isMulticastIpv4 } from '../wire/address.ts';
import { kinship } from './kinship.ts';

/** A packet may wait that long for an ARP reply; after it nothing can come of it any more. */
const remembered = 10e9;
const rememberedMost = 512;

const echoReply = 0;
const unreachable = 3;
const echoRequest = 8;
const timeExceeded = 11;
const parameterProblem = 12;
const isComplaint = (type: number): boolean =>
  type === unreachable || type === timeExceeded || type === parameterProblem;

const finFlag = 1;
const synFlag = 2;
const rstFlag = 4;
const ackFlag = 16;

/** A packet that went into the kernel. */
export interface Taken {
  readonly at: Instant;
  /** The event that brought it. */
  readonly cause: number;
  readonly from: Interface;
  readonly frame: Frame;
  readonly source: Ipv4;
  readonly destination: Ipv4;
  readonly protocol: number;
  /** What stays the same when it is passed on and translated. */
  readonly key: number;
  /** It has been passed on, answered or ended. */
  settled: boolean;
}

/** Something that was asked of the machine, and that packets will follow from. */
export interface Intent {
  readonly at: Instant;
  readonly cause: number;
  readonly protocol: number;
  readonly to: Ipv4;
  /** Of an echo request its sequence number, else the port. */
  readonly mark: number;
  sent: boolean;
}

export class Witness {
  readonly #stack: IpStack;
  /** A process of the machine passes datagrams on, in its own name. */
  relays = false;
  readonly #taken: Taken[] = [];
  readonly #intents: Intent[] = [];
  /** The last ARP packet from each address. */
  readonly #heard = new Map<Ipv4, number>();
  /** ARP requests that wait for the kernel's answer, by the address asked for. */
  readonly #questions = new Map<Ipv4, number>();

  constructor(stack: IpStack) {
    this.#stack = stack;
  }

  /** The machine is going to send something because of this event. */
  intend(intent: Omit<Intent, 'sent'>): void {
    this.#prune(this.#intents, intent.at);
    this.#intents.push({ ...intent, sent: false });
  }

  /** The packet that fits, newest first. */
  find(fits: (taken: Taken) => boolean): Taken | undefined {
    return this.#taken.findLast(fits);
  }

  /** The ARP packet that told of an address last; -1 if none did. */
  heardOf(ip: Ipv4): number {
    return this.#heard.get(ip) ?? -1;
  }

  /** A frame is handed to the kernel. Returns why it will come to nothing, where that is certain. */
  takes(from: Interface, frame: Frame, now: Instant): Reason | undefined {
    const { words, start, memory } = frame;
    if (frame.length < 14) return 'MALFORMED';
    const high = words.getUint16(start);
    if ((high !== from.macHigh || words.getInt32(start + 2) !== from.macLow) && !(high & 0x100))
      return 'NOT_FOR_US';
    const type = words.getUint16(start + 12);
    if (type === 0x0806) {
      if (frame.length < 42) return undefined;
      this.#heard.set(words.getInt32(start + 28) as Ipv4, frame.cause);
      if (words.getUint16(start + 20) === 1)
        this.#questions.set(words.getInt32(start + 38) as Ipv4, frame.cause);
      return undefined;
    }
    if (type !== 0x0800) return 'UNKNOWN_ETHERTYPE';
    if (frame.length < 34 || memory[start + ipAt]! >> 4 !== 4) return 'IP_HEADER';
    const destination = destinationOf(frame);
    const stack = this.#stack;
    const isGroup =
      from.isBroadcast(destination) ||
      destination === broadcastIpv4 ||
      isMulticastIpv4(destination);
    if (!isGroup && !stack.isOurs(destination)) {
      if (!stack.forwarding) return from.awaitsAddress ? undefined : 'NOT_FORWARDING';
    }
    this.#prune(this.#taken, now);
    this.#taken.push({
      at: now,
      cause: frame.cause,
      from,
      frame: frame.share(),
      source: sourceOf(frame),
      destination,
      protocol: protocolOf(frame),
      key: keyOf(frame),
      settled: isGroup,
    });
    return undefined;
  }

  /** A frame comes out of the kernel. Returns the event that led to it; -1 where none is known. */
  sends(to: Interface, frame: Frame, now: Instant, sink: Sink): number {
    const { words, start } = frame;
    if (frame.length < 34) return -1;
    const type = words.getUint16(start + 12);
    if (type === 0x0806 && frame.length >= 42) return this.#arpCause(frame, now);
    if (type !== 0x0800) return -1;
    const source = sourceOf(frame);
    const passedOn = this.#passedOn(to, frame, source);
    if (passedOn !== undefined) {
      passedOn.settled = true;
      return passedOn.cause;
    }
    const protocol = protocolOf(frame);
    if (protocol === protocolIcmp) return this.#icmpCause(frame, now, sink);
    if (protocol === protocolTcp) return this.#tcpCause(frame, sink);
    if (protocol === protocolUdp) return this.#udpCause(frame);
    return -1;
  }

  /** Nobody answers for a neighbour: whatever waited for it has ended, here or by the kernel's word. */
  unresolved(ip: Ipv4, now: Instant, sink: Sink): void {
    for (const taken of this.#taken) {
      if (taken.settled || now - taken.at > remembered) continue;
      if (this.#stack.isOurs(taken.destination) || this.#nextHop(taken.destination) !== ip)
        continue;
      this.#end(taken, 'ARP_UNANSWERED', sink);
    }
  }

  /** The event because of which something waits for a neighbour. */
  #waiting(ip: Ipv4, now: Instant): number {
    const taken = this.#taken.findLast(
      (one) =>
        !one.settled &&
        !this.#stack.isOurs(one.destination) &&
        this.#nextHop(one.destination) === ip,
    );
    const intent = this.#intents.findLast(
      (one) => !one.sent && now - one.at <= remembered && this.#nextHop(one.to) === ip,
    );
    // What was asked of us and not passed on: an answer to it waits.
    const answer = this.#taken.findLast(
      (one) => this.#stack.isOurs(one.destination) && this.#nextHop(one.source) === ip,
    );
    return taken?.cause ?? intent?.cause ?? answer?.cause ?? -1;
  }

  #nextHop(destination: Ipv4): Ipv4 | undefined {
    const route = this.#stack.routes.find(destination);
    if (route?.kind !== 'unicast') return undefined;
    return route.via === anyIpv4 ? destination : route.via;
  }

  #arpCause(frame: Frame, now: Instant): number {
    const { words, start, memory } = frame;
    const senderIp = words.getInt32(start + 28) as Ipv4;
    const targetIp = words.getInt32(start + 38) as Ipv4;
    if (words.getUint16(start + 20) === 2) return this.#questions.get(senderIp) ?? -1;
    const toAll = (memory[start]! & 1) === 1;
    return toAll ? this.#waiting(targetIp, now) : -1;
  }

  #passedOn(to: Interface, frame: Frame, source: Ipv4): Taken | undefined {
    const stack = this.#stack;
    if (!stack.forwarding && !this.relays) return undefined;
    const key = keyOf(frame);
    // A translated packet has an address of ours in place of its source or had one as its destination.
    const fits = (one: Taken): boolean =>
      one.key === key && (one.source === source || stack.isOurs(source) || one.from !== to);
    return (
      this.#taken.findLast((one) => !one.settled && fits(one)) ??
      (stack.isOurs(source) ? undefined : this.#taken.findLast(fits))
    );
  }

  #icmpCause(frame: Frame, now: Instant, sink: Sink): number {
    const { words, start, memory } = frame;
    const at = start + transportAt(frame);
    const type = memory[at]!;
    if (type === echoReply) {
      const question = this.#taken.findLast(
        (one) =>
          one.protocol === protocolIcmp &&
          one.source === destinationOf(frame) &&
          icmpType(one.frame) === echoRequest &&
          icmpMark(one.frame) === words.getUint32(at + 4),
      );
      if (question === undefined) return -1;
      question.settled = true;
      return question.cause;
    }
    if (type === echoRequest) {
      const sequence = words.getUint16(at + 6);
      return this.#fulfil(protocolIcmp, destinationOf(frame), sequence, now);
    }
    if (!isComplaint(type)) return -1;
    const quoted = quotedKey(frame, at + 8);
    const subject = this.#taken.findLast((one) => quotes(one, quoted));
    if (subject === undefined) return -1;
    if (!subject.settled) this.#end(subject, reasonOf(type, memory[at + 1]!), sink);
    return subject.cause;
  }

  #tcpCause(frame: Frame, sink: Sink): number {
    const { words, start, memory } = frame;
    const at = start + transportAt(frame);
    const flags = memory[at + 13]!;
    const [from, to] = [words.getUint16(at), words.getUint16(at + 2)];
    if ((flags & (synFlag | ackFlag)) === synFlag)
      return this.#fulfil(protocolTcp, destinationOf(frame), to, undefined);
    const heard = this.#taken.findLast((one) => {
      if (one.protocol !== protocolTcp || one.source !== destinationOf(frame)) return false;
      const its = one.frame.start + transportAt(one.frame);
      return one.frame.words.getUint16(its) === to && one.frame.words.getUint16(its + 2) === from;
    });
    if (heard === undefined) return -1;
    if (flags & rstFlag && !heard.settled && isSyn(heard.frame))
      this.#end(heard, 'PORT_CLOSED', sink);
    heard.settled = true;
    return heard.cause;
  }

  #udpCause(frame: Frame): number {
    const { words, start } = frame;
    const at = start + transportAt(frame);
    const [from, to] = [words.getUint16(at), words.getUint16(at + 2)];
    const asked = this.#fulfil(protocolUdp, destinationOf(frame), to, undefined);
    if (asked >= 0) return asked;
    const heard = this.#taken.findLast((one) => {
      if (one.protocol !== protocolUdp) return false;
      const its = one.frame.start + transportAt(one.frame);
      return one.frame.words.getUint16(its) === to && one.frame.words.getUint16(its + 2) === from;
    });
    if (heard === undefined) return -1;
    heard.settled = true;
    return heard.cause;
  }

  /** What was asked of the machine is done: this is the packet. */
  #fulfil(protocol: number, to: Ipv4, mark: number, now: Instant | undefined): number {
    const fits = (one: Intent): boolean =>
      one.protocol === protocol &&
      one.to === to &&
      one.mark === mark &&
      (now === undefined || now - one.at <= remembered);
    const intent = this.#intents.findLast((one) => !one.sent && fits(one));
    if (intent !== undefined) {
      intent.sent = true;
      return intent.cause;
    }
    // Sent again by itself: it has no cause but time.
    return protocol === protocolTcp ? -1 : (this.#intents.findLast(fits)?.cause ?? -1);
  }

  #end(taken: Taken, reason: Reason, sink: Sink): void {
    taken.settled = true;
    this.#stack.ends(taken.frame, reason, taken.from, sink);
  }

  #prune(list: { readonly at: Instant }[], now: Instant): void {
    const old = list.findIndex(({ at }) => now - at <= 2 * remembered);
    const excess = Math.max(old < 0 ? list.length : old, list.length - rememberedMost);
    if (excess > 0) list.splice(0, excess);
  }
}

const icmpType = (frame: Frame): number => frame.memory[frame.start + transportAt(frame)]!;
const icmpMark = (frame: Frame): number =>
  frame.words.getUint32(frame.start + transportAt(frame) + 4);
const isSyn = (frame: Frame): boolean => {
  const flags = frame.memory[frame.start + transportAt(frame) + 13]!;
  return (flags & (synFlag | ackFlag | finFlag)) === synFlag;
};

/**
 * A number for what a router leaves alone: not addresses, ports, sums, the time to live. Of an echo
 * that is its sequence number and what it carries; of an ICMP error, what it quotes.
 */
function keyOf(frame: Frame): number {
  const protocol = protocolOf(frame);
  const { words, start } = frame;
  const at = transportAt(frame);
  const end = Math.min(ipAt + totalLengthOf(frame), frame.length);
  const seed = Math.imul(protocol ^ (end - at), 0x01000193);
  if ((words.getUint16(start + 20) & 0x1fff) !== 0)
    return hashOf(frame, at, end, seed ^ words.getUint16(start + 18));
  if (protocol === protocolUdp) return hashOf(frame, at + 8, end, seed);
  if (protocol === protocolTcp) {
    if (at + 20 > end) return seed;
    const numbers = words.getInt32(start + at + 4) ^ Math.imul(words.getInt32(start + at + 8), 31);
    const flags = frame.memory[start + at + 13]!;
    return hashOf(frame, at + 20, end, seed ^ numbers ^ (flags << 24));
  }
  if (protocol === protocolIcmp) {
    const type = frame.memory[start + at]!;
    if (isComplaint(type)) return seed ^ (type << 8) ^ words.getUint16(start + at + 12);
    return hashOf(frame, at + 6, end, seed ^ type);
  }
  return hashOf(frame, at, end, seed);
}

const hashOf = ({ memory, start }: Frame, from: number, to: number, seed: number): number =>
  kinship(memory, start + from, start + to, seed);

interface Quote {
  readonly identification: number;
  readonly destination: Ipv4;
  readonly protocol: number;
}

function quotedKey({ words, memory }: Frame, at: number): Quote {
  return {
    identification: words.getUint16(at + 4),
    destination: words.getInt32(at + 16) as Ipv4,
    protocol: memory[at + 9]!,
  };
}

const quotes = ({ frame, destination, protocol }: Taken, quote: Quote): boolean =>
  destination === quote.destination &&
  protocol === quote.protocol &&
  frame.words.getUint16(frame.start + 18) === quote.identification &&
  headerLengthOf(frame) >= 20;
