/**
 * Source translation for a site behind one public address (RFC 3022; endpoint-independent mapping
 * as RFC 4787 section 4.1 asks): what a site's internet router does to the appliance's tunnel.
 *
 * Fragments are not put together here: those from inside end, and those from outside are taken for
 * the router's own.
 */
import type { Frame } from '../base/frame.ts';
import { after, type Instant, seconds } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import type { Interface } from '../stack/interface.ts';
import type { Guard } from '../stack/ip-stack.ts';
import {
  destinationOf,
  headerLengthOf,
  isFragment,
  protocolIcmp,
  protocolOf,
  protocolTcp,
  protocolUdp,
  sourceOf,
  totalLengthOf,
  transportAt,
} from '../stack/packet.ts';
import type { Reason } from '../trace/reasons.ts';
import { type Ipv4, showIpv4 } from '../wire/address.ts';
import { addUp, amend, fold } from '../wire/checksum.ts';

const mappingsMax = 4096;
const firstPort = 1024;
const echoRequest = 8;
const echoReply = 0;
const lasts: Readonly<Record<number, number>> = {
  [protocolUdp]: seconds(300), // RFC 4787 section 4.3 recommends five minutes
  [protocolTcp]: seconds(7440), // RFC 5382 section 5: two hours and four minutes
  [protocolIcmp]: seconds(60), // RFC 5508 section 3.2
};

interface Mapping {
  readonly protocol: number;
  readonly ip: Ipv4;
  /** Port, or the identifier of an echo request. */
  readonly port: number;
  readonly outside: number;
  until: Instant;
}

export class SourceTranslation implements Guard {
  readonly #node: string;
  readonly #outside: Interface;
  readonly #byInside = new Map<string, Mapping>();
  readonly #byOutside = new Map<string, Mapping>();
  #nextPort: number;

  /** @param firstOutside Where port numbers begin; drawn by the caller, so that runs differ by seed. */
  constructor(node: string, outside: Interface, firstOutside: number) {
    this.#node = node;
    this.#outside = outside;
    this.#nextPort = firstOutside;
  }

  get size(): number {
    return this.#byInside.size;
  }

  leaving(
    frame: Frame,
    to: Interface,
    forwarded: boolean,
    now: Instant,
    sink: Sink,
  ): Frame | Reason {
    if (to !== this.#outside || !forwarded) return frame;
    const { ip } = this.#outside;
    const quote = quoteIn(frame);
    if (quote !== undefined) {
      // About a packet that came in: the world knows its destination as us (RFC 5508 section 4.2).
      const { protocol, destination, destinationPort } = quote;
      const known = this.#byInside.get(`${protocol} ${destination} ${destinationPort}`);
      if (known === undefined || known.until < now) return 'NAT_NO_MAPPING';
      const packet = sink.frames.writable(frame);
      setAddress(packet, 26, ip);
      rewriteQuote(packet, quote, 'destination', ip, known.outside);
      return packet;
    }
    const field = portField(frame, 'source');
    if (field === undefined) return 'NAT_NO_MAPPING';
    const protocol = protocolOf(frame);
    const port = frame.words.getUint16(frame.start + field);
    const mapping = this.#map(protocol, sourceOf(frame), port, frame.cause, now, sink);
    if (mapping === undefined) return 'NAT_TABLE_FULL';
    const packet = sink.frames.writable(frame);
    rewrite(packet, 26, ip, field, mapping.outside);
    return packet;
  }

  arriving(frame: Frame, from: Interface, now: Instant, sink: Sink): Frame | Reason {
    if (from !== this.#outside || destinationOf(frame) !== from.ip) return frame;
    const quote = quoteIn(frame);
    if (quote !== undefined) return this.#arrivingError(frame, quote, now, sink);
    const field = portField(frame, 'destination');
    if (field === undefined) return frame;
    const outside = frame.words.getUint16(frame.start + field);
    const mapping = this.#byOutside.get(`${protocolOf(frame)} ${outside}`);
    if (mapping === undefined || mapping.until < now) return frame; // for the router itself
    mapping.until = after(now, lasts[mapping.protocol] as never);
    const packet = sink.frames.writable(frame);
    rewrite(packet, 30, mapping.ip, field, mapping.port);
    return packet;
  }

  /** Quotes the packet as it looked outside: both it and the quote are turned back (RFC 5508 section 4.2). */
  #arrivingError(frame: Frame, quote: Quote, now: Instant, sink: Sink): Frame {
    if (quote.source !== this.#outside.ip) return frame;
    const mapping = this.#byOutside.get(`${quote.protocol} ${quote.sourcePort}`);
    if (mapping === undefined || mapping.until < now) return frame;
    const packet = sink.frames.writable(frame);
    setAddress(packet, 30, mapping.ip);
    rewriteQuote(packet, quote, 'source', mapping.ip, mapping.port);
    return packet;
  }

  #map(
    protocol: number,
    ip: Ipv4,
    port: number,
    cause: number,
    now: Instant,
    sink: Sink,
  ): Mapping | undefined {
    const key = `${protocol} ${ip} ${port}`;
    let mapping = this.#byInside.get(key);
    const until = after(now, (lasts[protocol] ?? seconds(60)) as never);
    if (mapping !== undefined && mapping.until >= now) {
      mapping.until = until;
      return mapping;
    }
    if (mapping !== undefined) this.#forget(mapping, now, sink);
    if (this.#byInside.size >= mappingsMax && !this.#makeRoom(now, sink)) return undefined;
    mapping = { protocol, ip, port, outside: this.#freePort(protocol), until };
    this.#byInside.set(key, mapping);
    this.#byOutside.set(`${protocol} ${mapping.outside}`, mapping);
    this.#tell(mapping, 'added', cause, now, sink);
    return mapping;
  }

  #freePort(protocol: number): number {
    do {
      this.#nextPort = this.#nextPort >= 65_535 ? firstPort : this.#nextPort + 1;
    } while (this.#byOutside.has(`${protocol} ${this.#nextPort}`)); // ends: mappings are fewer than ports
    return this.#nextPort;
  }

  #makeRoom(now: Instant, sink: Sink): boolean {
    const { size } = this.#byInside;
    for (const mapping of this.#byInside.values()) {
      if (mapping.until < now) this.#forget(mapping, now, sink);
    }
    return this.#byInside.size < size;
  }

  #forget(mapping: Mapping, now: Instant, sink: Sink): void {
    this.#byInside.delete(`${mapping.protocol} ${mapping.ip} ${mapping.port}`);
    this.#byOutside.delete(`${mapping.protocol} ${mapping.outside}`);
    this.#tell(mapping, 'removed', -1, now, sink);
  }

  #tell(
    { ip, port, outside }: Mapping,
    change: 'added' | 'removed',
    cause: number,
    now: Instant,
    sink: Sink,
  ): void {
    sink.log.tell(now, this.#node, cause, {
      kind: 'translation',
      inside: `${showIpv4(ip)}:${port}`,
      outside: `${showIpv4(this.#outside.ip)}:${outside}`,
      change,
    });
  }
}

/** What an ICMP error tells of the packet that it is about. Places count from the start of the frame. */
interface Quote {
  /** Of the quoted IP header, and of what follows it. */
  readonly at: number;
  readonly transport: number;
  readonly protocol: number;
  readonly source: Ipv4;
  readonly destination: Ipv4;
  /** Ports, or twice the identifier of an echo request. */
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/** Where in the frame the port, or the identifier of an echo, stands; undefined if it has none that can be mapped. */
function portField(frame: Frame, side: 'source' | 'destination'): number | undefined {
  const at = transportAt(frame);
  const protocol = protocolOf(frame);
  // All that is going to be rewritten must be there: what follows in memory is another frame's.
  if (isFragment(frame) || at + (protocol === protocolTcp ? 20 : 8) > frame.length)
    return undefined;
  switch (protocol) {
    case protocolTcp:
    case protocolUdp:
      return side === 'source' ? at : at + 2;
    case protocolIcmp: {
      const type = frame.memory[frame.start + at];
      return type === (side === 'source' ? echoRequest : echoReply) ? at + 4 : undefined;
    }
    default:
      return undefined;
  }
}

/** Undefined where the packet is no ICMP error, or quotes too little to tell what it is about. */
function quoteIn(frame: Frame): Quote | undefined {
  const { words, memory, start, length } = frame;
  const icmp = transportAt(frame);
  const at = icmp + 8;
  if (protocolOf(frame) !== protocolIcmp || isFragment(frame) || at + 28 > length) return undefined;
  const type = memory[start + icmp];
  if (type !== 3 && type !== 11 && type !== 12) return undefined;
  const first = memory[start + at]!;
  const transport = at + (first & 15) * 4;
  if (first >> 4 !== 4 || transport < at + 20 || transport + 8 > length) return undefined;
  if ((words.getUint16(start + at + 6) & 0x1fff) !== 0) return undefined; // a later fragment
  const protocol = memory[start + at + 9]!;
  const isEcho = protocol === protocolIcmp;
  if (isEcho && memory[start + transport] !== echoRequest) return undefined;
  const source = isEcho ? transport + 4 : transport;
  const destination = isEcho ? source : transport + 2;
  return {
    at,
    transport,
    protocol,
    source: words.getInt32(start + at + 12) as Ipv4,
    destination: words.getInt32(start + at + 16) as Ipv4,
    sourcePort: words.getUint16(start + source),
    destinationPort: words.getUint16(start + destination),
  };
}

/** Puts another address at byte 26 or 30 of the frame and corrects the checksum of the IP header. */
function setAddress(frame: Frame, at: 26 | 30, ip: Ipv4): void {
  for (const [offset, half] of halvesOf(ip)) exchange(frame, at + offset, half, [24]);
}

/** Address and port, with the IP and transport checksums. */
function rewrite(frame: Frame, at: 26 | 30, ip: Ipv4, field: number, port: number): void {
  const protocol = protocolOf(frame);
  const sum = transportSumAt(frame, protocol, transportAt(frame));
  // The pseudo-header makes the addresses part of what UDP and TCP add up, and not of ICMP.
  const sums = sum === undefined || protocol === protocolIcmp ? [24] : [24, sum];
  for (const [offset, half] of halvesOf(ip)) exchange(frame, at + offset, half, sums);
  exchange(frame, field, port, sum === undefined ? [] : [sum]);
  if (sum !== undefined) mendZero(frame, protocol, sum);
}

/**
 * The quote is payload of the ICMP message, whose checksum follows every word changed in it, also
 * the checksums inside; of those, the ones that the quote still holds are corrected.
 */
function rewriteQuote(
  frame: Frame,
  { at, transport, protocol }: Quote,
  side: 'source' | 'destination',
  ip: Ipv4,
  port: number,
): void {
  const outer = transportAt(frame) + 2;
  const header = at + 10;
  const inner = transportSumAt(frame, protocol, transport);
  const sum = inner !== undefined && inner + 2 <= frame.length ? inner : undefined;
  const address = at + (side === 'source' ? 12 : 16);
  const field = transport + (protocol === protocolIcmp ? 4 : side === 'source' ? 0 : 2);
  const { words, start } = frame;
  const before = [header, ...(sum === undefined ? [] : [sum])].map(
    (place) => [place, words.getUint16(start + place)] as const,
  );
  const inAddress = sum === undefined || protocol === protocolIcmp ? [header] : [header, sum];
  for (const [offset, half] of halvesOf(ip))
    exchange(frame, address + offset, half, [outer, ...inAddress]);
  exchange(frame, field, port, sum === undefined ? [outer] : [outer, sum]);
  if (sum !== undefined && protocol === protocolUdp && words.getUint16(start + sum) === 0)
    words.setUint16(start + sum, 0xffff);
  for (const [place, was] of before)
    amend(words, start + outer, was, words.getUint16(start + place));
}

const halvesOf = (ip: Ipv4): readonly (readonly [number, number])[] => [
  [0, (ip >>> 16) & 0xffff],
  [2, ip & 0xffff],
];

/** Writes a word, and what that makes of the checksums that cover it. */
function exchange(frame: Frame, at: number, value: number, sums: readonly number[]): void {
  const { words, start } = frame;
  const was = words.getUint16(start + at);
  words.setUint16(start + at, value);
  for (const sum of sums) amend(words, start + sum, was, value);
}

/** Amending cannot tell the two zeros of one's complement apart. */
function mendZero(frame: Frame, protocol: number, sum: number): void {
  const { words, start } = frame;
  if (words.getUint16(start + sum) !== 0) return;
  // Of UDP it would say that there is no checksum (RFC 768); an echo of all zeros is summed anew.
  if (protocol === protocolUdp) words.setUint16(start + sum, 0xffff);
  else if (protocol === protocolIcmp) {
    const length = totalLengthOf(frame) - headerLengthOf(frame);
    const right = fold(addUp(words, start + transportAt(frame), length));
    if (right === 0xffff) words.setUint16(start + sum, right);
  }
}

/** Where the transport checksum stands; undefined for a UDP datagram that has none, and for who has none at all. */
function transportSumAt(frame: Frame, protocol: number, at: number): number | undefined {
  switch (protocol) {
    case protocolTcp:
      return at + 16;
    case protocolUdp:
      return frame.words.getUint16(frame.start + at + 6) === 0 ? undefined : at + 6;
    case protocolIcmp:
      return at + 2;
    default:
      return undefined;
  }
}
