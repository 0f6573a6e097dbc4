/** UDP at one machine: ports and who listens on them (RFC 768, RFC 1122 section 4.1). */
import type { Frame } from '../base/frame.ts';
import type { Instant } from '../base/time.ts';
import type { Reason } from '../trace/reasons.ts';
import type { Ipv4 } from '../wire/address.ts';
import { addUp, fold, pseudoHeader } from '../wire/checksum.ts';
import type { Sink } from './device.ts';
import type { Interface } from './interface.ts';
import type { IpStack } from './ip-stack.ts';
import {
  destinationOf,
  headerLengthOf,
  isFragment,
  isGroupFrame,
  type Payload,
  protocolOf,
  protocolUdp,
  quotedTransportAt,
  sourceOf,
  totalLengthOf,
  transportAt,
  udpPacket,
} from './packet.ts';

/** A datagram where it lies: what a listener needs of it, read when it asks. */
export class Datagram {
  readonly frame: Frame;
  readonly from: Interface;
  readonly #at: number;

  constructor(frame: Frame, from: Interface, at: number) {
    this.frame = frame;
    this.from = from;
    this.#at = at;
  }

  get source(): number {
    return sourceOf(this.frame);
  }

  get destination(): number {
    return destinationOf(this.frame);
  }

  get sourcePort(): number {
    return this.frame.words.getUint16(this.#at);
  }

  get destinationPort(): number {
    return this.frame.words.getUint16(this.#at + 2);
  }

  /** Bytes of payload. */
  get length(): number {
    return this.frame.words.getUint16(this.#at + 4) - 8;
  }

  /** The payload, not a copy. */
  get payload(): Uint8Array {
    const length = this.frame.words.getUint16(this.#at + 4);
    return this.frame.memory.subarray(this.#at + 8, this.#at + length);
  }
}

export interface UdpListener {
  datagram(datagram: Datagram, now: Instant, sink: Sink): void;
  /** An ICMP error came about a datagram sent from this port. */
  failed?(
    type: number,
    code: number,
    destination: number,
    destinationPort: number,
    now: Instant,
    sink: Sink,
  ): void;
}

export class Udp {
  readonly listeners = new Map<number, UdpListener>();
  readonly #stack: IpStack;

  constructor(stack: IpStack) {
    this.#stack = stack;
  }

  /** A process of the machine takes what comes to a port, and may send from it. */
  listen(port: number, listener: UdpListener): void {
    this.listeners.set(port, listener);
  }

  leave(port: number): void {
    this.listeners.delete(port);
  }

  packet(frame: Frame, from: Interface, now: Instant, sink: Sink): void {
    const { words, start } = frame;
    const at = start + transportAt(frame);
    const room = totalLengthOf(frame) - headerLengthOf(frame);
    const length = room >= 8 ? words.getUint16(at + 4) : 0;
    if (length < 8 || length > room) {
      this.#stack.ends(frame, 'UDP_LENGTH', from, sink);
      return;
    }
    if (!frame.trusted && words.getUint16(at + 6) !== 0) {
      const pseudo = pseudoHeader(sourceOf(frame), destinationOf(frame), protocolUdp, length);
      if (fold(addUp(words, at, length, pseudo)) !== 0) {
        this.#stack.ends(frame, 'UDP_CHECKSUM', from, sink);
        return;
      }
    }
    const listener = this.listeners.get(words.getUint16(at + 2));
    if (listener === undefined) {
      this.#stack.ends(frame, 'PORT_CLOSED', from, sink);
      if (!isGroupFrame(frame)) this.#stack.icmp.complain(frame, from, 3, 3, 0, now, sink);
      return;
    }
    listener.datagram(new Datagram(frame, from, at), now, sink);
  }

  /** Sends a datagram. Returns why it cannot leave. */
  send(
    destination: Ipv4,
    sourcePort: number,
    destinationPort: number,
    payload: Payload,
    now: Instant,
    sink: Sink,
    cause = -1,
    dontFragment = true,
    tos = 0,
  ): Reason | undefined {
    const source = this.#stack.sourceTowards(destination);
    const fields = {
      source,
      destination,
      protocol: protocolUdp,
      ttl: this.#stack.ttl,
      dontFragment,
      tos,
    };
    const identification = this.#stack.nextIdentification();
    const frame = udpPacket(
      sink.frames,
      identification,
      fields,
      sourcePort,
      destinationPort,
      payload,
    );
    frame.cause = cause;
    return this.#stack.output(frame, now, sink);
  }

  error(
    type: number,
    code: number,
    _mtu: number,
    frame: Frame,
    quotedAt: number,
    now: Instant,
    sink: Sink,
  ): boolean {
    const { words, start } = frame;
    const at = quotedTransportAt(frame, quotedAt);
    const listener = this.listeners.get(words.getUint16(at));
    if (listener === undefined) return false;
    const destination = words.getInt32(start + quotedAt + 16);
    listener.failed?.(type, code, destination, words.getUint16(at + 2), now, sink);
    return true;
  }

  /** Whether a packet is a whole datagram for a port, before anything else is known of it. */
  isFor(frame: Frame, port: number): boolean {
    const at = transportAt(frame);
    return (
      protocolOf(frame) === protocolUdp &&
      !isFragment(frame) &&
      at + 8 <= frame.length &&
      frame.words.getUint16(frame.start + at + 2) === port
    );
  }
}
