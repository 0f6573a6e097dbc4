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
  portField,
  type Quote,
  quoteIn,
  rewrite,
  rewriteQuote,
  setAddress,
  sourceAt,
} from './rewriting.ts';
import { type Translated, TranslationTable } from './translation-table.ts';

/** Runs differ by seed in this too. */
export const firstTranslatedPort = (random: Random): number => random.between(20_000, 60_000);

const firstPort = 1024;

export class SourceTranslation implements Guard {
  readonly #outside: Interface;
  /** By either side. */
  readonly #mappings: TranslationTable<Translated>;
  #nextPort: number;

  /** @param firstOutside Where port numbers begin; drawn by the caller, so that runs differ by seed. */
  constructor(node: string, outside: Interface, firstOutside: number) {
    this.#mappings = new TranslationTable(node);
    this.#outside = outside;
    this.#nextPort = firstOutside;
  }

  get size(): number {
    return this.#mappings.size;
  }

  leaving(
    frame: Frame,
    to: Interface,
    forwarded: boolean,
    now: Instant,
    sink: Sink,
  ): Frame | Reason {
    if (to !== this.#outside) return frame;
    const { ip } = this.#outside;
    const quote = quoteIn(frame);
    if (quote !== undefined) {
      // About a packet that came in, our own complaints too: the world knows its destination as us
      // (RFC 5508 section 4.2).
      const { protocol, destination, destinationPort } = quote;
      const known = this.#mappings.find(insideKey(protocol, destination, destinationPort), now);
      if (known === undefined) return forwarded ? 'NAT_NO_MAPPING' : frame;
      const packet = sink.frames.writable(frame);
      if (forwarded) setAddress(packet, sourceAt, ip);
      rewriteQuote(packet, quote, 'destination', ip, known.outside.port);
      return packet;
    }
    if (!forwarded) return frame;
    const field = portField(frame, 'source');
    if (field === undefined) return 'NAT_NO_MAPPING';
    const protocol = protocolOf(frame);
    const port = frame.words.getUint16(frame.start + field);
    const mapping = this.#map(protocol, sourceOf(frame), port, frame.cause, now, sink);
    if (mapping === undefined) return 'NAT_TABLE_FULL';
    const packet = sink.frames.writable(frame);
    rewrite(packet, sourceAt, ip, field, mapping.outside.port);
    return packet;
  }

  arriving(frame: Frame, from: Interface, now: Instant, sink: Sink): Frame | Reason {
    if (from !== this.#outside || destinationOf(frame) !== from.ip) return frame;
    const quote = quoteIn(frame);
    if (quote !== undefined) return this.#arrivingError(frame, quote, now, sink);
    const field = portField(frame, 'destination');
    if (field === undefined) return frame;
    const outside = frame.words.getUint16(frame.start + field);
    const mapping = this.#mappings.use(outsideKey(protocolOf(frame), outside), now);
    if (mapping === undefined) return frame; // for the router itself
    const packet = sink.frames.writable(frame);
    rewrite(packet, destinationAt, mapping.inside.ip, field, mapping.inside.port);
    return packet;
  }

  /** Quotes the packet as it looked outside: both it and the quote are turned back (RFC 5508 section 4.2). */
  #arrivingError(frame: Frame, quote: Quote, now: Instant, sink: Sink): Frame {
    if (quote.source !== this.#outside.ip) return frame;
    const mapping = this.#mappings.find(outsideKey(quote.protocol, quote.sourcePort), now);
    if (mapping === undefined) return frame;
    const { ip, port } = mapping.inside;
    const packet = sink.frames.writable(frame);
    setAddress(packet, destinationAt, ip);
    rewriteQuote(packet, quote, 'source', ip, port);
    return packet;
  }

  #map(
    protocol: number,
    ip: Ipv4,
    port: number,
    cause: number,
    now: Instant,
    sink: Sink,
  ): Translated | undefined {
    const key = insideKey(protocol, ip, port);
    const known = this.#mappings.use(key, now);
    if (known !== undefined) return known;
    const outside = { ip: this.#outside.ip, port: this.#freePort(protocol) };
    const mapping = { inside: { ip, port }, outside };
    const keys = [key, outsideKey(protocol, outside.port)];
    return this.#mappings.add(keys, protocol, mapping, cause, now, sink) ? mapping : undefined;
  }

  #freePort(protocol: number): number {
    do {
      this.#nextPort = this.#nextPort >= 65_535 ? firstPort : this.#nextPort + 1;
    } while (this.#mappings.has(outsideKey(protocol, this.#nextPort))); // ends: mappings are fewer than ports
    return this.#nextPort;
  }
}

const insideKey = (protocol: number, ip: Ipv4, port: number): string => `${protocol} ${ip} ${port}`;
const outsideKey = (protocol: number, port: number): string => `${protocol} ${port}`;
