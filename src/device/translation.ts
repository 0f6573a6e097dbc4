/**
 * Source translation for a site behind one public address (RFC 3022; endpoint-independent mapping
 * as RFC 4787 section 4.1 asks): what a site's internet router does to the appliance's tunnel.
 */
import type { Frame } from '../base/frame.ts';
import { after, type Instant, seconds } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import type { Interface } from '../stack/interface.ts';
import type { Guard } from '../stack/ip-stack.ts';
import {
  destinationOf,
  isFragment,
  protocolIcmp,
  protocolOf,
  protocolTcp,
  protocolUdp,
  sourceOf,
  transportAt,
} from '../stack/packet.ts';
import type { Reason } from '../trace/reasons.ts';
import { type Ipv4, showIpv4 } from '../wire/address.ts';
import { amend } from '../wire/checksum.ts';

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
    const field = portField(frame, 'source');
    if (field === undefined) return 'NAT_NO_MAPPING';
    const protocol = protocolOf(frame);
    const port = frame.words.getUint16(frame.start + field);
    const mapping = this.#map(protocol, sourceOf(frame), port, frame.cause, now, sink);
    if (mapping === undefined) return 'NAT_NO_MAPPING';
    const packet = sink.frames.writable(frame);
    rewriteAddress(packet, 26, this.#outside.ip);
    rewritePort(packet, field, mapping.outside);
    return packet;
  }

  arriving(frame: Frame, from: Interface, now: Instant, sink: Sink): Frame | Reason {
    if (from !== this.#outside || destinationOf(frame) !== from.ip) return frame;
    if (isIcmpError(frame)) return this.#arrivingError(frame, sink);
    const field = portField(frame, 'destination');
    if (field === undefined) return frame;
    const outside = frame.words.getUint16(frame.start + field);
    const mapping = this.#byOutside.get(`${protocolOf(frame)} ${outside}`);
    if (mapping === undefined || mapping.until < now) return frame; // for the router itself
    mapping.until = after(now, lasts[mapping.protocol] as never);
    const packet = sink.frames.writable(frame);
    rewriteAddress(packet, 30, mapping.ip);
    rewritePort(packet, field, mapping.port);
    return packet;
  }

  /** An ICMP error quotes the packet as it looked outside: both it and the quote are turned back (RFC 5508 section 4.2). */
  #arrivingError(frame: Frame, sink: Sink): Frame {
    const { words, start, memory } = frame;
    const icmp = transportAt(frame);
    const quoted = icmp + 8;
    if (quoted + 28 > frame.length) return frame;
    const port = quoted + (memory[start + quoted]! & 15) * 4;
    if (port + 8 > frame.length) return frame;
    const protocol = memory[start + quoted + 9]!;
    const field = protocol === protocolIcmp ? port + 4 : port;
    const mapping = this.#byOutside.get(`${protocol} ${words.getUint16(start + field)}`);
    if (mapping === undefined) return frame;
    const packet = sink.frames.writable(frame);
    rewriteAddress(packet, 30, mapping.ip);
    // The quote is payload of the ICMP message: its checksum follows every word changed in it.
    const change = (at: number, value: number): void => {
      const was = packet.words.getUint16(packet.start + at);
      packet.words.setUint16(packet.start + at, value);
      amend(packet.words, packet.start + icmp + 2, was, value);
    };
    const oldHigh = packet.words.getUint16(packet.start + quoted + 12);
    const oldLow = packet.words.getUint16(packet.start + quoted + 14);
    const oldSum = packet.words.getUint16(packet.start + quoted + 10);
    change(quoted + 12, (mapping.ip >>> 16) & 0xffff);
    change(quoted + 14, mapping.ip & 0xffff);
    amend(packet.words, packet.start + quoted + 10, oldHigh, (mapping.ip >>> 16) & 0xffff);
    amend(packet.words, packet.start + quoted + 10, oldLow, mapping.ip & 0xffff);
    const newSum = packet.words.getUint16(packet.start + quoted + 10);
    amend(packet.words, packet.start + icmp + 2, oldSum, newSum);
    change(field, mapping.port);
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
    if (mapping !== undefined) this.#forget(mapping);
    if (this.#byInside.size >= mappingsMax && !this.#makeRoom(now)) return undefined;
    mapping = { protocol, ip, port, outside: this.#freePort(protocol), until };
    this.#byInside.set(key, mapping);
    this.#byOutside.set(`${protocol} ${mapping.outside}`, mapping);
    sink.log.tell(now, this.#node, cause, {
      kind: 'translation',
      inside: `${showIpv4(ip)}:${port}`,
      outside: `${showIpv4(this.#outside.ip)}:${mapping.outside}`,
      change: 'added',
    });
    return mapping;
  }

  #freePort(protocol: number): number {
    do {
      this.#nextPort = this.#nextPort >= 65_535 ? firstPort : this.#nextPort + 1;
    } while (this.#byOutside.has(`${protocol} ${this.#nextPort}`)); // ends: mappings are fewer than ports
    return this.#nextPort;
  }

  #makeRoom(now: Instant): boolean {
    for (const mapping of this.#byInside.values()) {
      if (mapping.until < now) {
        this.#forget(mapping);
        return true;
      }
    }
    return false;
  }

  #forget(mapping: Mapping): void {
    this.#byInside.delete(`${mapping.protocol} ${mapping.ip} ${mapping.port}`);
    this.#byOutside.delete(`${mapping.protocol} ${mapping.outside}`);
  }
}

/** Where in the frame the port, or the identifier of an echo, stands; undefined if it has none that can be mapped. */
function portField(frame: Frame, side: 'source' | 'destination'): number | undefined {
  const at = transportAt(frame);
  if (isFragment(frame) || at + 8 > frame.length) return undefined;
  switch (protocolOf(frame)) {
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

function isIcmpError(frame: Frame): boolean {
  if (protocolOf(frame) !== protocolIcmp || isFragment(frame)) return false;
  const type = frame.memory[frame.start + transportAt(frame)];
  return type === 3 || type === 11 || type === 12;
}

/** Puts another address at byte 26 or 30 of the frame and corrects the IP and transport checksums. */
function rewriteAddress(frame: Frame, at: 26 | 30, ip: Ipv4): void {
  const { words, start } = frame;
  const sum = transportSumAt(frame);
  for (const [offset, half] of [
    [0, (ip >>> 16) & 0xffff],
    [2, ip & 0xffff],
  ] as const) {
    const was = words.getUint16(start + at + offset);
    words.setUint16(start + at + offset, half);
    amend(words, start + 24, was, half);
    if (sum !== undefined && protocolOf(frame) !== protocolIcmp) amend(words, sum, was, half);
  }
}

function rewritePort(frame: Frame, at: number, port: number): void {
  const { words, start } = frame;
  const was = words.getUint16(start + at);
  words.setUint16(start + at, port);
  const sum = transportSumAt(frame);
  if (sum === undefined) return;
  amend(words, sum, was, port);
  // A UDP sum of zero would say that there is none (RFC 768).
  if (protocolOf(frame) === protocolUdp && words.getUint16(sum) === 0) words.setUint16(sum, 0xffff);
}

/** Where the transport checksum stands; undefined for a UDP datagram that has none. */
function transportSumAt(frame: Frame): number | undefined {
  const at = frame.start + transportAt(frame);
  switch (protocolOf(frame)) {
    case protocolTcp:
      return at + 16;
    case protocolUdp:
      return frame.words.getUint16(at + 6) === 0 ? undefined : at + 6;
    default:
      return at + 2;
  }
}
