/**
 * Destination translation by rules: a public address and port stand for an address and port inside
 * (RFC 3022 section 2.2, "Traditional NAT" turned round). What comes back is recognised by the
 * connection it belongs to, so that a machine inside gains no way out by having a rule.
 */
import type { Frame } from '../base/frame.ts';
import type { Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import { destinationOf, protocolOf, protocolTcp, protocolUdp, sourceOf } from '../stack/packet.ts';
import type { Reason } from '../trace/reasons.ts';
import type { Ipv4 } from '../wire/address.ts';
import {
  destinationAt,
  portField,
  quoteIn,
  rewrite,
  rewriteQuote,
  setAddress,
  sourceAt,
} from './rewriting.ts';
import { type Translated, TranslationTable } from './translation-table.ts';

/** For TCP and UDP alike. */
export interface ForwardingRule {
  readonly publicIp: Ipv4;
  readonly port: number;
  readonly to: { readonly ip: Ipv4; readonly port: number };
}

interface Session extends Translated {
  readonly rule: ForwardingRule;
}

export class PortForwarding {
  readonly #rules: ReadonlyMap<string, ForwardingRule>;
  /** By protocol, machine inside and client. */
  readonly #sessions: TranslationTable<Session>;

  constructor(node: string, rules: readonly ForwardingRule[]) {
    this.#sessions = new TranslationTable(node);
    this.#rules = new Map(rules.map((rule) => [`${rule.publicIp} ${rule.port}`, rule]));
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** From outside; undefined where no rule is about it. */
  arriving(frame: Frame, now: Instant, sink: Sink): Frame | Reason | undefined {
    const quote = quoteIn(frame);
    if (quote !== undefined) {
      // Something outside complains about what a machine inside has sent: it knows its public side.
      const rule = this.#rules.get(`${quote.source} ${quote.sourcePort}`);
      if (rule === undefined) return undefined;
      const packet = sink.frames.writable(frame);
      setAddress(packet, destinationAt, rule.to.ip);
      rewriteQuote(packet, quote, 'source', rule.to.ip, rule.to.port);
      return packet;
    }
    const protocol = protocolOf(frame);
    const at = portField(frame, 'destination');
    if (at === undefined || (protocol !== protocolTcp && protocol !== protocolUdp))
      return undefined;
    const port = frame.words.getUint16(frame.start + at);
    const rule = this.#rules.get(`${destinationOf(frame)} ${port}`);
    if (rule === undefined) return undefined;
    const from = frame.words.getUint16(frame.start + at - 2);
    const { ip, port: inside } = rule.to;
    const key = sessionKey(protocol, ip, inside, sourceOf(frame), from);
    if (!this.#keep(key, rule, protocol, frame.cause, now, sink)) return 'NAT_TABLE_FULL';
    const packet = sink.frames.writable(frame);
    rewrite(packet, destinationAt, ip, at, inside);
    return packet;
  }

  /** From inside; undefined where it belongs to no connection that was made from outside. */
  leaving(frame: Frame, now: Instant, sink: Sink): Frame | undefined {
    const quote = quoteIn(frame);
    if (quote !== undefined) {
      const { protocol, source, sourcePort, destination, destinationPort } = quote;
      const key = sessionKey(protocol, destination, destinationPort, source, sourcePort);
      const session = this.#sessions.find(key, now);
      if (session === undefined) return undefined;
      const packet = sink.frames.writable(frame);
      setAddress(packet, sourceAt, session.rule.publicIp);
      rewriteQuote(packet, quote, 'destination', session.rule.publicIp, session.rule.port);
      return packet;
    }
    const at = portField(frame, 'source');
    if (at === undefined) return undefined;
    const protocol = protocolOf(frame);
    const from = frame.words.getUint16(frame.start + at);
    const to = frame.words.getUint16(frame.start + at + 2);
    const key = sessionKey(protocol, sourceOf(frame), from, destinationOf(frame), to);
    const session = this.#sessions.use(key, now);
    if (session === undefined) return undefined;
    const packet = sink.frames.writable(frame);
    rewrite(packet, sourceAt, session.rule.publicIp, at, session.rule.port);
    return packet;
  }

  /** @returns Whether there was room for it. */
  #keep(
    key: string,
    rule: ForwardingRule,
    protocol: number,
    cause: number,
    now: Instant,
    sink: Sink,
  ): boolean {
    if (this.#sessions.use(key, now)?.rule === rule) return true;
    const outside = { ip: rule.publicIp, port: rule.port };
    const session = { rule, inside: rule.to, outside };
    return this.#sessions.add([key], protocol, session, cause, now, sink);
  }
}

const sessionKey = (
  protocol: number,
  inside: Ipv4,
  port: number,
  client: Ipv4,
  clientPort: number,
): string => `${protocol} ${inside} ${port} ${client} ${clientPort}`;
