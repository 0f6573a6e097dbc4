/**
 * ICMP at one machine (RFC 792, RFC 1122 section 3.2.2, RFC 1812 section 4.3): echo, errors made
 * here and when not to make them, errors heard, path MTU discovery (RFC 1191).
 */
import type { Frame } from '../base/frame.ts';
import { type Instant, milliseconds, seconds } from '../base/time.ts';
import type { Reason } from '../trace/reasons.ts';
import { type Ipv4, isMulticastIpv4, showIpv4 } from '../wire/address.ts';
import { addUp, amend, fold } from '../wire/checksum.ts';
import type { Sink } from './device.ts';
import type { Interface } from './interface.ts';
import type { IpStack } from './ip-stack.ts';
import { echoedOptions } from './options.ts';
import {
  destinationOf,
  echoPacket,
  headerLengthOf,
  ipAt,
  isGroupFrame,
  type Payload,
  protocolIcmp,
  protocolOf,
  quotedTransportAt,
  sourceOf,
  sumIpHeader,
  totalLengthOf,
  transportAt,
  ttlOf,
  writeIpHeader,
} from './packet.ts';
import { RateLimit } from './rate-limit.ts';
import type { Route } from './routes.ts';

const echoReply = 0;
const unreachable = 3;
const redirect = 5;
const echoRequest = 8;
const timeExceeded = 11;
const parameterProblem = 12;
const timestamp = 13;
const timestampReply = 14;
const typesKnown = 18;
/** Types that say that something went wrong, or that are not questions or answers: nobody is told about these. */
const errors: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12]);
const quotedMax = 576; // RFC 1812 section 4.3.2.3
const internetControl = 0xc0; // precedence 6: RFC 1812 section 4.3.2.5
const pathMtuLasts = seconds(600); // net.ipv4.route.mtu_expires
const errorBurst = 3; // measured: 3 of 50 in a burst, then one a second
const noRouteBurst = 1; // measured: 1 of 50
const destinationsMax = 4096;
const redirectsMax = 1024;
// Linux net.ipv4.route.redirect_load, redirect_number, redirect_silence
const redirectWait = milliseconds(20);
const redirectsInRow = 9;
const redirectSilence = milliseconds(20_480);
const dayMs = 86_400_000;

/** Sizes of links, largest first: what to try when a router does not say (RFC 1191 section 7.1). */
const plateaus = [32_000, 17_914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68];

/** Hears the answers to echo requests with its identifier. */
export interface EchoListener {
  reply(source: Ipv4, sequence: number, ttl: number, frame: Frame, now: Instant, sink: Sink): void;
  failed(sequence: number, reason: Reason, frame: Frame, now: Instant, sink: Sink): void;
}

export class Icmp {
  readonly #stack: IpStack;
  readonly listeners = new Map<number, EchoListener>();
  /** Off, packets that are too large vanish without a word: a black hole. */
  tellsFragmentationNeeded = true;
  /** Off, a firewall on the machine itself swallows echo requests, as Windows has it in public networks. */
  answersEcho = true;
  readonly #errors = new RateLimit(errorBurst);
  readonly #noRoutes = new RateLimit(noRouteBurst);
  /** Per sender, how often it has been told of a shorter way without heeding it. */
  readonly #redirects = new Map<Ipv4, { count: number; at: Instant }>();

  constructor(stack: IpStack) {
    this.#stack = stack;
  }

  packet(frame: Frame, from: Interface, now: Instant, sink: Sink): void {
    const { words, start } = frame;
    const at = start + transportAt(frame);
    const length = totalLengthOf(frame) - headerLengthOf(frame);
    if (length < 8) {
      this.#stack.ends(frame, 'MALFORMED', from, sink);
      return;
    }
    if (!frame.trusted && fold(addUp(words, at, length)) !== 0) {
      this.#stack.ends(frame, 'ICMP_CHECKSUM', from, sink);
      return;
    }
    switch (words.getUint8(at)) {
      case echoRequest:
        if (!this.answersEcho) this.#stack.ends(frame, 'FIREWALL_BLOCKED', from, sink);
        else this.#answerEcho(frame, from, length, now, sink);
        return;
      case echoReply:
        this.#hearEcho(frame, at, from, now, sink);
        return;
      case timestamp:
        this.#answerTimestamp(frame, from, length, now, sink);
        return;
      case unreachable:
      case timeExceeded:
      case parameterProblem:
      case redirect:
        this.#hearError(frame, at, length, from, now, sink);
        return;
      default:
        this.#stack.ends(frame, 'ICMP_IGNORED', from, sink);
    }
  }

  /** Sends an echo request. Returns why it cannot leave. */
  sendEcho(
    destination: Ipv4,
    identifier: number,
    sequence: number,
    payload: Payload,
    now: Instant,
    sink: Sink,
    cause = -1,
  ): Reason | undefined {
    const source = this.#stack.sourceTowards(destination);
    const fields = {
      source,
      destination,
      protocol: protocolIcmp,
      ttl: this.#stack.ttl,
      dontFragment: true,
    };
    const id = this.#stack.nextIdentification();
    const frame = echoPacket(sink.frames, id, fields, identifier, sequence, payload);
    frame.cause = cause;
    return this.#stack.output(frame, now, sink);
  }

  /** An ICMP error came, or nobody answered for the next hop, and it is about an echo request of ours. */
  error(
    type: number,
    code: number,
    _mtu: number,
    frame: Frame,
    quotedAt: number,
    now: Instant,
    sink: Sink,
  ): boolean {
    const { words, memory } = frame;
    const at = quotedTransportAt(frame, quotedAt);
    if (memory[at] !== echoRequest) return false;
    const listener = this.listeners.get(words.getUint16(at + 4));
    if (listener === undefined) return false;
    if (type !== redirect)
      listener.failed(words.getUint16(at + 6), reasonOf(type, code), frame, now, sink);
    return true;
  }

  /**
   * Tells the sender of a packet why it ends here, if that is allowed.
   *
   * @param from The interface it came in on, if it came from a link.
   * @param rest The four bytes after the checksum: next-hop MTU, gateway or pointer, as the type has it.
   */
  complain(
    frame: Frame,
    from: Interface | undefined,
    type: number,
    code: number,
    rest: number,
    now: Instant,
    sink: Sink,
  ): void {
    if (!this.#mayComplain(frame) || !this.#isAllowed(sourceOf(frame), type, now)) return;
    const to = sourceOf(frame);
    const source = this.#speakAs(frame, to, from);
    if (source === 0) return;
    const options = echoedOptions(frame, source);
    const icmpAt = 34 + options.length;
    const quoted = Math.min(totalLengthOf(frame), quotedMax - 28 - options.length);
    const made = sink.frames.allocate(icmpAt + 8 + quoted);
    const { memory, words, start } = made;
    const tos = (tosOf(frame) & 0x1e) | internetControl;
    const fields = { source, destination: to, protocol: protocolIcmp, ttl: this.#stack.ttl, tos };
    const identification = this.#stack.nextIdentification();
    writeIpHeader(made, icmpAt - 6 + quoted, identification, fields);
    if (options.length > 0) {
      memory[start + ipAt] = 0x45 + options.length / 4;
      memory.set(options, start + 34);
      sumIpHeader(made);
    }
    const at = start + icmpAt;
    words.setUint16(at, (type << 8) | code);
    words.setUint16(at + 2, 0);
    words.setInt32(at + 4, rest);
    memory.set(frame.bytes(ipAt, ipAt + quoted), at + 8);
    words.setUint16(at + 2, fold(addUp(words, at, 8 + quoted)));
    made.cause = frame.cause;
    this.#stack.output(made, now, sink);
  }

  /** Tells the sender that there is no way there: `complain` with a limit of its own. */
  refuse(frame: Frame, from: Interface, code: number, now: Instant, sink: Sink): void {
    const limited = this.#stack.profile.icmp.noRouteLimit;
    if (limited && !this.#noRoutes.take(sourceOf(frame), now)) return;
    this.complain(frame, from, unreachable, code, 0, now, sink);
  }

  /** Tells a neighbour of a shorter way, but not for ever (RFC 1812 section 5.2.7.2; patience as Linux has it). */
  redirect(frame: Frame, from: Interface, gateway: Ipv4, now: Instant, sink: Sink): void {
    const to = sourceOf(frame);
    let told = this.#redirects.get(to);
    if (told === undefined || now - told.at > redirectSilence) {
      if (this.#redirects.size >= destinationsMax) this.#redirects.clear();
      told = { count: 0, at: now };
      this.#redirects.set(to, told);
    }
    const soon = told.count > 0 && now - told.at <= redirectWait * 2 ** told.count;
    if (told.count >= redirectsInRow) told.at = now;
    if (soon || told.count >= redirectsInRow) return;
    told.count += 1;
    told.at = now;
    this.complain(frame, from, redirect, 1, gateway, now, sink);
  }

  /** Whose name an error goes out in: who was spoken to, if that is us, else the interface towards the sender. */
  #speakAs(frame: Frame, to: Ipv4, from: Interface | undefined): Ipv4 {
    const spokenTo = destinationOf(frame);
    if (this.#stack.isOurs(spokenTo)) return spokenTo;
    const route = this.#stack.routes.find(to);
    const out = route?.kind === 'unicast' ? route.interface : from;
    return out?.sourceFor(to) ?? (0 as Ipv4);
  }

  /** Whether an error about this packet is allowed at all (RFC 1122 section 3.2.2, RFC 1812 section 4.3.2.7). */
  #mayComplain(frame: Frame): boolean {
    const { words, start, memory } = frame;
    if (frame.length < ipAt + 20) return false;
    const source = sourceOf(frame);
    const top = source >>> 24;
    if (top === 0 || top === 127 || top >= 224) return false;
    const destination = destinationOf(frame);
    if (isMulticastIpv4(destination) || destination === -1) return false;
    if (isGroupFrame(frame)) return false;
    for (const one of this.#stack.interfaces) {
      if (one.isBroadcast(destination) || one.isBroadcast(source)) return false;
    }
    if ((words.getUint16(start + 20) & 0x1fff) !== 0) return false;
    if (protocolOf(frame) !== protocolIcmp) return true;
    const at = transportAt(frame);
    if (at >= frame.length) return false;
    const type = memory[start + at]!;
    return type <= typesKnown && !errors.has(type);
  }

  /** Linux sends one error a second and destination of types 3, 4, 11 and 12, after a small burst. */
  #isAllowed(to: Ipv4, type: number, now: Instant): boolean {
    const limited = this.#stack.profile.icmp.rateLimit && type !== redirect;
    return !limited || this.#errors.take(to, now);
  }

  #answerEcho(frame: Frame, from: Interface, length: number, now: Instant, sink: Sink): void {
    const stack = this.#stack;
    const destination = destinationOf(frame);
    if (from.isBroadcast(destination) && !stack.profile.icmp.answersBroadcastEcho) {
      stack.ends(frame, 'ICMP_IGNORED', from, sink);
      return;
    }
    const answer = this.#turnRound(frame, from, sink);
    const { words, memory, start } = answer;
    const at = start + transportAt(answer);
    memory[at] = echoReply;
    amend(words, at + 2, 0x0800, 0x0000);
    // RFC 1624 cannot tell +0 from -0: over a reply of all zeros the sum must be 0xffff.
    if (words.getUint16(at + 2) === 0) words.setUint16(at + 2, fold(addUp(words, at, length)));
    stack.output(answer, now, sink);
  }

  /** What time it is here: milliseconds of the day, which begins with the lab (RFC 792, "Timestamp"). */
  #answerTimestamp(frame: Frame, from: Interface, length: number, now: Instant, sink: Sink): void {
    const stack = this.#stack;
    const unanswered = from.isBroadcast(destinationOf(frame));
    if (length < 20 || (unanswered && !stack.profile.icmp.answersBroadcastEcho)) {
      stack.ends(frame, 'ICMP_IGNORED', from, sink);
      return;
    }
    const answer = this.#turnRound(frame, from, sink);
    const { words, memory, start } = answer;
    const header = headerLengthOf(answer);
    answer.length = ipAt + header + 20;
    words.setUint16(start + 16, header + 20);
    sumIpHeader(answer);
    const at = start + ipAt + header;
    const time = Math.floor(now / 1e6) % dayMs;
    memory[at] = timestampReply;
    words.setInt32(at + 12, time);
    words.setInt32(at + 16, time);
    words.setUint16(at + 2, 0);
    words.setUint16(at + 2, fold(addUp(words, at, 20)));
    stack.output(answer, now, sink);
  }

  /** A question as the beginning of its answer: to whom it came from, as whom it was asked. */
  #turnRound(frame: Frame, from: Interface, sink: Sink): Frame {
    const stack = this.#stack;
    const destination = destinationOf(frame);
    const source = sourceOf(frame);
    const own = from.isBroadcast(destination) ? from.ip : destination;
    const hasOptions = frame.memory[frame.start + ipAt] !== 0x45;
    const answer = hasOptions
      ? withOptions(frame, echoedOptions(frame, own), sink)
      : sink.frames.writable(frame);
    const { words, memory, start } = answer;
    words.setInt32(start + 26, own);
    words.setInt32(start + 30, source);
    words.setUint16(start + 18, stack.nextIdentification());
    words.setUint16(start + 20, 0);
    memory[start + 22] = stack.ttl;
    sumIpHeader(answer);
    return answer;
  }

  #hearEcho(frame: Frame, at: number, from: Interface, now: Instant, sink: Sink): void {
    const listener = this.listeners.get(frame.words.getUint16(at + 4));
    if (listener === undefined) {
      this.#stack.ends(frame, 'ICMP_IGNORED', from, sink);
      return;
    }
    const sequence = frame.words.getUint16(at + 6);
    listener.reply(sourceOf(frame), sequence, ttlOf(frame), frame, now, sink);
  }

  #hearError(
    frame: Frame,
    at: number,
    length: number,
    from: Interface,
    now: Instant,
    sink: Sink,
  ): void {
    const { words, memory } = frame;
    const quoted = at + 8;
    const header = (memory[quoted]! & 15) * 4;
    const stack = this.#stack;
    if (
      length < 36 ||
      memory[quoted]! >> 4 !== 4 ||
      header < 20 ||
      length < 8 + header + 8 ||
      !stack.isOurs(words.getInt32(quoted + 12) as Ipv4)
    ) {
      stack.ends(frame, 'ICMP_IGNORED', from, sink);
      return;
    }
    const type = memory[at]!;
    const code = memory[at + 1]!;
    const destination = words.getInt32(quoted + 16) as Ipv4;
    const said = words.getUint16(at + 6);
    const size = words.getUint16(quoted + 2);
    const mtu = type === unreachable && code === 4 ? said || plateauBelow(size) : 0;
    const handler = stack.protocols.get(memory[quoted + 9]!);
    const alive =
      handler?.error?.(type, code, mtu, frame, quoted - frame.start, now, sink) ?? false;
    if (!alive) {
      stack.ends(frame, 'ICMP_IGNORED', from, sink);
      return;
    }
    if (mtu > 0) this.#lowerPathMtu(destination, mtu, frame, now, sink);
    if (type === redirect)
      this.#follow(destination, words.getInt32(at + 4) as Ipv4, frame, from, now, sink);
  }

  #lowerPathMtu(to: Ipv4, mtu: number, frame: Frame, now: Instant, sink: Sink): void {
    const stack = this.#stack;
    const lowest = Math.max(mtu, stack.profile.pathMtuLeast);
    if (lowest >= stack.pathMtu(to, now)) return; // never raised by a message
    if (stack.pathMtus.size >= destinationsMax) stack.pathMtus.clear();
    stack.pathMtus.set(to, { mtu: lowest, until: (now + pathMtuLasts) as Instant });
    sink.log.tell(now, stack.name, frame.cause, {
      kind: 'path-mtu',
      ip: showIpv4(to),
      mtu: lowest,
    });
  }

  /** A redirect counts only from the router in use, and only to a neighbour (RFC 1122 section 3.2.2.2). */
  #follow(to: Ipv4, gateway: Ipv4, frame: Frame, from: Interface, now: Instant, sink: Sink): void {
    const stack = this.#stack;
    const route = stack.routes.find(to);
    if (stack.forwarding || route === undefined || route.via !== sourceOf(frame)) return;
    if (route.interface !== from || !from.onLink(gateway) || stack.isOurs(gateway)) return;
    const isOld = (one: Route): boolean => one.redirected === true && one.prefix.address === to;
    stack.removeRoutes(isOld, now, sink, frame.cause);
    const redirected = stack.routes.all.filter((one) => one.redirected === true).length;
    if (redirected >= redirectsMax) return;
    const via = gateway === to ? (0 as Ipv4) : gateway;
    const prefix = { address: to, length: 32 };
    stack.addRoute(
      { prefix, kind: 'unicast', interface: from, via, metric: 0, redirected: true },
      now,
      sink,
      frame.cause,
    );
  }
}

const tosOf = (frame: Frame): number => frame.memory[frame.start + ipAt + 1]!;

/** A copy of the packet with other options. */
function withOptions(frame: Frame, options: Uint8Array, sink: Sink): Frame {
  const data = frame.bytes(transportAt(frame), ipAt + totalLengthOf(frame));
  const made = sink.frames.allocate(34 + options.length + data.length);
  made.memory.set(frame.bytes(0, 34), made.start);
  made.memory.set(options, made.start + 34);
  made.memory.set(data, made.start + 34 + options.length);
  made.memory[made.start + ipAt] = 0x45 + options.length / 4;
  made.words.setUint16(made.start + 16, 20 + options.length + data.length);
  made.trusted = frame.trusted;
  made.cause = frame.cause;
  return made;
}

function plateauBelow(size: number): number {
  return plateaus.find((plateau) => plateau < size) ?? 68;
}

/** What an ICMP error means for whoever sent the packet. */
export function reasonOf(type: number, code: number): Reason {
  if (type === timeExceeded) return code === 0 ? 'TTL_EXCEEDED' : 'FRAGMENT_TIMEOUT';
  if (type === parameterProblem) return 'IP_OPTIONS';
  const codes: readonly Reason[] = [
    'NO_ROUTE',
    'ARP_UNANSWERED',
    'PROTOCOL_UNREACHABLE',
    'PORT_CLOSED',
    'FRAGMENTATION_NEEDED',
  ];
  return codes[code] ?? 'FIREWALL_BLOCKED';
}
