/**
 * Source translation for a site behind one public address (RFC 3022; endpoint-independent mapping
 * as RFC 4787 section 4.1 asks): what a site's internet router does to the appliance's tunnel.
 *
 * Fragments are not put together here: those from inside end, and those from outside are taken for
 * the router's own.
 */
import type { Frame } from '../base/frame.ts';
import type { Random } from '../base/random.ts';
import type { Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import type { Interface } from '../stack/interface.ts';
import type { Guard } from '../stack/ip-stack.ts';
import { destinationOf, protocolOf, sourceOf } from '../stack/packet.ts';
import type { Reason } from '../trace/reasons.ts';
import type { Ipv4 } from '../wire/address.ts';
import {
  destinationAt,
  lastsUntil,
  portField,
  type Quote,
  quoteIn,
  rewrite,
  rewriteQuote,
  setAddress,
  sourceAt,
  tellTranslation,
} from './rewriting.ts';

/** Runs differ by seed in this too. */
export const firstTranslatedPort = (random: Random): number => random.between(20_000, 60_000);

const mappingsMax = 4096;
const firstPort = 1024;

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
      setAddress(packet, sourceAt, ip);
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
    rewrite(packet, sourceAt, ip, field, mapping.outside);
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
    mapping.until = lastsUntil(mapping.protocol, now);
    const packet = sink.frames.writable(frame);
    rewrite(packet, destinationAt, mapping.ip, field, mapping.port);
    return packet;
  }

  /** Quotes the packet as it looked outside: both it and the quote are turned back (RFC 5508 section 4.2). */
  #arrivingError(frame: Frame, quote: Quote, now: Instant, sink: Sink): Frame {
    if (quote.source !== this.#outside.ip) return frame;
    const mapping = this.#byOutside.get(`${quote.protocol} ${quote.sourcePort}`);
    if (mapping === undefined || mapping.until < now) return frame;
    const packet = sink.frames.writable(frame);
    setAddress(packet, destinationAt, mapping.ip);
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
    const until = lastsUntil(protocol, now);
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
    const own = { ip: this.#outside.ip, port: outside };
    tellTranslation(this.#node, { ip, port }, own, change, cause, now, sink);
  }
}
