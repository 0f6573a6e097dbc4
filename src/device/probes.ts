/** What people ask of a machine to see whether it reaches another: ping, arping, TCP, UDP. Each writes down how it went. */
import type { Frame } from '../base/frame.ts';
import { after, type Duration, type Instant, seconds } from '../base/time.ts';
import { arpReply, arpRequest, sendArp } from '../stack/arp.ts';
import type { Sink } from '../stack/device.ts';
import { reasonOf } from '../stack/icmp.ts';
import type { ArpFields, ArpWatcher, Interface } from '../stack/interface.ts';
import type { IpStack, Part } from '../stack/ip-stack.ts';
import { Payload } from '../stack/packet.ts';
import type { Fact } from '../trace/event.ts';
import type { Reason } from '../trace/reasons.ts';
import { type Ipv4, showIpv4, showMac } from '../wire/address.ts';
import type { TcpPart } from './tcp-part.ts';

type ProbeFact = Extract<Fact, { kind: 'probe' }>;

const udpTimeout = seconds(1);
const firstUdpPort = 40_000;
const udpPorts = 20_000;
const redirect = 5;
/** Headers around the payload of an echo request. */
const ipAndEcho = 20 + 8;

export interface PingOrder {
  /** The number under which the log has everything about this probe. */
  readonly probe: number;
  readonly to: Ipv4;
  readonly size: number;
  readonly every: Duration;
  /** It must not be cut, not even here: what is larger than the known path is not sent. */
  readonly whole?: boolean;
}

interface Ping extends PingOrder {
  readonly payload: Payload;
  readonly identifier: number;
  sequence: number;
  next: Instant | undefined;
}

interface UdpWait {
  readonly probe: number;
  readonly to: Ipv4;
  readonly port: number;
  /** Ours, kept open until the answer or the end of patience. */
  readonly local: number;
  readonly until: Instant;
  readonly cause: number;
}

interface Arping {
  readonly on: Interface;
  readonly target: Ipv4;
}

export class Probes implements Part, ArpWatcher {
  readonly #stack: IpStack;
  readonly #tcp: TcpPart;
  readonly #pings = new Map<number, Ping>();
  readonly #arpings = new Map<number, Arping>();
  /** By our port. */
  readonly #udp = new Map<number, UdpWait>();
  #identifiers = 0;

  constructor(stack: IpStack, tcp: TcpPart) {
    this.#stack = stack;
    this.#tcp = tcp;
    stack.attach(this);
  }

  /** Sends echo requests, the first at once, until `stopPing`. */
  ping(order: PingOrder, now: Instant, sink: Sink): void {
    this.#identifiers = (this.#identifiers + 1) & 0xffff;
    const identifier = this.#identifiers;
    const payload = new Payload(Uint8Array.from({ length: order.size }, (_, i) => i & 255));
    const ping: Ping = { ...order, payload, identifier, sequence: 0, next: now };
    this.#pings.set(order.probe, ping);
    this.#stack.icmp.listeners.set(identifier, {
      reply: (source, sequence, ttl, frame, then, out) => {
        if (source === order.to)
          this.#tell(order, 'answered', sequence, then, out, frame.cause, { value: ttl });
      },
      failed: (sequence, because, frame, then, out) =>
        this.#tell(order, 'error', sequence, then, out, frame.cause, { because }),
    });
    this.#send(ping, now, sink);
    this.#stack.arm(sink);
  }

  /** Sends no more, and goes on listening for answers. */
  stopSending(probe: number): void {
    const ping = this.#pings.get(probe);
    if (ping !== undefined) ping.next = undefined;
  }

  stopPing(probe: number): void {
    const ping = this.#pings.get(probe);
    if (ping === undefined) return;
    this.#pings.delete(probe);
    this.#stack.icmp.listeners.delete(ping.identifier);
  }

  /** Asks the segment who has an address, whatever the neighbour table says. */
  arping(probe: number, on: Interface, target: Ipv4, now: Instant, sink: Sink): void {
    const source = on.sourceFor(target);
    if (source === 0) {
      // Without an address it would be taken for the question whether the other one is free.
      const cause = this.#tell({ probe, to: target }, 'sent', 1, now, sink, -1, {}, 'arp');
      const because = 'NO_ADDRESS';
      this.#tell({ probe, to: target }, 'error', 1, now, sink, cause, { because }, 'arp');
      return;
    }
    if (!on.watchers.includes(this)) on.watch(this);
    this.#arpings.set(probe, { on, target });
    const cause = this.#tell({ probe, to: target }, 'sent', 1, now, sink, -1, {}, 'arp');
    sendArp(on, arpRequest, 0xffff, -1, source, 0, 0, target, cause, sink);
  }

  stopArping(probe: number): void {
    const arping = this.#arpings.get(probe);
    if (arping === undefined) return;
    this.#arpings.delete(probe);
    const { on } = arping;
    if ([...this.#arpings.values()].every((other) => other.on !== on)) on.unwatch(this);
  }

  connect(
    probe: number,
    to: Ipv4,
    port: number,
    send: number,
    expect: number,
    now: Instant,
    sink: Sink,
  ): void {
    const about = { probe, to };
    const cause = this.#tell(about, 'sent', port, now, sink, -1, {}, 'tcp');
    const because = this.#unable(to);
    if (because !== undefined) {
      this.#tell(about, 'error', port, now, sink, cause, { because }, 'tcp');
      return;
    }
    const user = {
      connected: () => {},
      done: (
        result: {
          readonly result: string;
          readonly received: number;
          readonly acknowledged: number;
          readonly because?: Reason;
        },
        then: Instant,
        out: Sink,
      ) => {
        const value = result.received + result.acknowledged;
        const more = result.because === undefined ? { value } : { value, because: result.because };
        const what =
          result.result === 'completed'
            ? 'answered'
            : result.result === 'refused'
              ? 'refused'
              : 'timeout';
        this.#tell(about, what, port, then, out, cause, more, 'tcp');
      },
    };
    this.#tcp.connect(to, port, send, expect, user, now, sink, cause);
  }

  /** Sends a datagram and waits for one that comes back. */
  udp(probe: number, to: Ipv4, port: number, now: Instant, sink: Sink): void {
    const about = { probe, to };
    const cause = this.#tell(about, 'sent', port, now, sink, -1, {}, 'udp');
    const fail = (because: Reason): void => {
      this.#tell(about, 'error', port, now, sink, cause, { because }, 'udp');
    };
    const unable = this.#unable(to);
    if (unable !== undefined) {
      fail(unable);
      return;
    }
    const local = this.#freePort(probe);
    const wait = { probe, to, port, local, until: after(now, udpTimeout), cause };
    this.#udp.set(local, wait);
    this.#stack.udp.listeners.set(local, {
      datagram: (datagram, then, out) => {
        if (datagram.source === to && datagram.sourcePort === port)
          this.#settle(wait, 'answered', then, out, datagram.frame.cause, {});
        else this.#stack.ends(datagram.frame, 'PORT_CLOSED', datagram.from, out);
      },
      failed: (type, code, destination, destinationPort, then, out) => {
        if (destination !== to || destinationPort !== port || type === redirect) return;
        const because = reasonOf(type, code);
        const what = because === 'PORT_CLOSED' ? 'refused' : 'error';
        this.#settle(wait, what, then, out, cause, { because });
      },
    });
    const payload = new Payload(Uint8Array.from({ length: 32 }, (_, i) => i));
    const failed = this.#stack.udp.send(to, local, port, payload, now, sink, cause);
    if (failed !== undefined) this.#settle(wait, 'error', now, sink, cause, { because: failed });
    this.#stack.arm(sink);
  }

  arp(fields: ArpFields, from: Interface, frame: Frame, now: Instant, sink: Sink): boolean {
    if (fields.operation !== arpReply) return false;
    const mac = showMac(fields.senderMac);
    for (const [probe, { on, target }] of this.#arpings) {
      if (on !== from || target !== fields.senderIp) continue;
      const about = { probe, to: target };
      this.#tell(about, 'answered', 1, now, sink, frame.cause, { mac }, 'arp');
    }
    return false;
  }

  wake(now: Instant, sink: Sink): void {
    for (const ping of this.#pings.values()) {
      if (ping.next !== undefined && ping.next <= now) this.#send(ping, now, sink);
    }
    for (const wait of this.#udp.values())
      if (wait.until <= now) this.#settle(wait, 'timeout', now, sink, wait.cause, {});
  }

  nextWake(): Instant | undefined {
    let next: number | undefined;
    for (const ping of this.#pings.values()) {
      if (ping.next !== undefined && (next === undefined || ping.next < next)) next = ping.next;
    }
    for (const { until } of this.#udp.values())
      if (next === undefined || until < next) next = until;
    return next as Instant | undefined;
  }

  /** The one end of a UDP probe. */
  #settle(
    wait: UdpWait,
    what: ProbeFact['what'],
    now: Instant,
    sink: Sink,
    cause: number,
    more: { readonly because?: Reason },
  ): void {
    if (this.#udp.get(wait.local) !== wait) return;
    this.#udp.delete(wait.local);
    this.#stack.udp.listeners.delete(wait.local);
    this.#tell(wait, what, wait.port, now, sink, cause, more, 'udp');
  }

  /** Why nothing can be sent at all. */
  #unable(to: Ipv4): Reason | undefined {
    if (this.#stack.sourceTowards(to) !== 0) return undefined;
    return this.#stack.interfaces.every(({ ip }) => ip === 0) ? 'NO_ADDRESS' : 'NO_ROUTE';
  }

  #isTooLong({ to, size }: Ping, now: Instant): boolean {
    return size + ipAndEcho > this.#stack.pathMtu(to, now);
  }

  #freePort(probe: number): number {
    const { listeners } = this.#stack.udp;
    for (let i = 0; ; i += 1) {
      // Ends: a probe lasts a second, and there are twenty thousand ports.
      const port = firstUdpPort + ((probe + i) % udpPorts);
      if (!listeners.has(port)) return port;
    }
  }

  #send(ping: Ping, now: Instant, sink: Sink): void {
    ping.sequence += 1;
    ping.next = after(now, ping.every);
    const { sequence } = ping;
    const cause = this.#tell(ping, 'sent', sequence, now, sink, -1, {});
    const tooLong = ping.whole === true && this.#isTooLong(ping, now);
    const unable = this.#unable(ping.to) ?? (tooLong ? 'FRAGMENTATION_NEEDED' : undefined);
    if (unable !== undefined) {
      this.#tell(ping, 'error', sequence, now, sink, cause, { because: unable });
      return;
    }
    const because = this.#stack.icmp.sendEcho(
      ping.to,
      ping.identifier,
      sequence & 0xffff,
      ping.payload,
      now,
      sink,
      cause,
    );
    if (because !== undefined) this.#tell(ping, 'error', sequence, now, sink, cause, { because });
  }

  #tell(
    about: { readonly probe: number; readonly to: Ipv4 },
    what: ProbeFact['what'],
    sequence: number,
    now: Instant,
    sink: Sink,
    cause: number,
    more: { readonly value?: number; readonly because?: Reason; readonly mac?: string },
    protocol: ProbeFact['protocol'] = 'ping',
  ): number {
    const { probe } = about;
    const fact = {
      kind: 'probe',
      probe,
      protocol,
      what,
      sequence,
      to: showIpv4(about.to),
      ...more,
    };
    return sink.log.tell(now, this.#stack.name, cause, fact as ProbeFact);
  }
}

/** Answers every datagram with the same bytes: a UDP service to be probed (RFC 862). */
export function udpEcho(stack: IpStack, port: number): void {
  stack.udp.listeners.set(port, {
    datagram(datagram, now, sink) {
      const payload = new Payload(datagram.payload.slice());
      const { cause } = datagram.frame;
      stack.udp.send(datagram.source as Ipv4, port, datagram.sourcePort, payload, now, sink, cause);
    },
  });
}
