/**
 * The cloud gateway's relay: the only way in to the service provider. It takes UDP on one port from
 * tenants and hands it to the port of the provider appliance where the right tunnel ends.
 *
 * Nothing in a WireGuard datagram names its destination, but every initiation proves that its
 * sender knows the public key of the end it wants (mac1, whitepaper section 5.4.4): that opens a
 * session and tells which tunnel is meant. Everything else from an unknown source is dropped, so
 * that nobody can be flooded through the gateway who has not asked for it.
 */
import { after, type Instant, seconds } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import type { IpStack, Part } from '../stack/ip-stack.ts';
import { Payload } from '../stack/packet.ts';
import type { Datagram, UdpListener } from '../stack/udp.ts';
import { type Ipv4, showIpv4 } from '../wire/address.ts';

export const relayPort = 6180;
const sessionsMax = 4096;
const idleMax = seconds(180);
const sweepEvery = seconds(30);
const initiationLength = 148;

/** Where a tunnel ends. */
export interface RelayTarget {
  readonly ip: Ipv4;
  readonly port: number;
  /** Whether an initiation was made for the end at this target. */
  isFor(initiation: Uint8Array): boolean;
}

interface Session {
  readonly client: { readonly ip: Ipv4; readonly port: number };
  readonly target: RelayTarget;
  /** Our port towards the target, and so the session's name there. */
  readonly port: number;
  until: Instant;
}

export class Relay implements UdpListener, Part {
  readonly #stack: IpStack;
  /** By the network whose tunnel ends there. */
  readonly #targets = new Map<string, RelayTarget>();
  readonly #sessions = new Map<string, Session>();
  #nextPort: number;
  #sweepAt: Instant | undefined;

  /** @param firstPort Where the ports towards targets begin. */
  constructor(stack: IpStack, firstPort: number) {
    this.#stack = stack;
    this.#nextPort = firstPort;
  }

  setTarget(network: string, target: RelayTarget): void {
    this.#targets.set(network, target);
  }

  start(): void {
    this.#stack.udp.listeners.set(relayPort, this);
    this.#stack.attach(this);
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  /** From a tenant. */
  datagram(datagram: Datagram, now: Instant, sink: Sink): void {
    const client = { ip: datagram.source as Ipv4, port: datagram.sourcePort };
    const key = `${client.ip}:${client.port}`;
    let session = this.#sessions.get(key);
    if (session !== undefined && session.until <= now) {
      this.#close(key, session, now, sink); // its time was over before anybody looked
      session = undefined;
    }
    const target = this.#meant(datagram.payload);
    if (session !== undefined && target !== undefined && target !== session.target) {
      this.#close(key, session, now, sink); // the same source now wants another tunnel
      session = undefined;
    }
    if (session === undefined) {
      if (target === undefined) {
        this.#stack.ends(datagram.frame, 'RELAY_UNKNOWN_SOURCE', datagram.from, sink);
        return;
      }
      if (this.#sessions.size >= sessionsMax) this.#sweep(now, sink);
      if (this.#sessions.size >= sessionsMax) {
        this.#stack.ends(datagram.frame, 'RELAY_LIMIT', datagram.from, sink);
        return;
      }
      session = this.#open(key, client, target, datagram, now, sink);
    }
    session.until = after(now, idleMax);
    const { ip, port } = session.target;
    const payload = new Payload(datagram.payload);
    this.#stack.udp.send(ip, session.port, port, payload, now, sink, datagram.frame.cause, false);
  }

  wake(now: Instant, sink: Sink): void {
    if (this.#sweepAt === undefined || this.#sweepAt > now) return;
    this.#sweep(now, sink);
    this.#sweepAt = this.#sessions.size > 0 ? after(now, sweepEvery) : undefined;
  }

  nextWake(): Instant | undefined {
    return this.#sweepAt;
  }

  #sweep(now: Instant, sink: Sink): void {
    for (const [key, session] of this.#sessions) {
      if (session.until <= now) this.#close(key, session, now, sink);
    }
  }

  #meant(bytes: Uint8Array): RelayTarget | undefined {
    if (bytes.length !== initiationLength || bytes[0] !== 1) return undefined;
    for (const target of this.#targets.values()) if (target.isFor(bytes)) return target;
    return undefined;
  }

  #open(
    key: string,
    client: Session['client'],
    target: RelayTarget,
    datagram: Datagram,
    now: Instant,
    sink: Sink,
  ): Session {
    do this.#nextPort = this.#nextPort >= 65_535 ? 20_000 : this.#nextPort + 1;
    while (this.#stack.udp.listeners.has(this.#nextPort));
    const session: Session = { client, target, port: this.#nextPort, until: after(now, idleMax) };
    this.#sessions.set(key, session);
    // From the target, on the session's own port: only it may answer, and only to its client.
    this.#stack.udp.listeners.set(session.port, {
      datagram: (back, then, out) => {
        if (session.until <= then || back.source !== target.ip || back.sourcePort !== target.port) {
          this.#stack.ends(back.frame, 'RELAY_UNKNOWN_SOURCE', back.from, out);
          return;
        }
        session.until = after(then, idleMax);
        const payload = new Payload(back.payload);
        const { ip, port } = client;
        this.#stack.udp.send(ip, relayPort, port, payload, then, out, back.frame.cause, false);
      },
    });
    this.#tell(session, 'opened', now, sink, datagram.frame.cause);
    this.#sweepAt ??= after(now, sweepEvery);
    this.#stack.arm(sink);
    return session;
  }

  #close(key: string, session: Session, now: Instant, sink: Sink): void {
    this.#sessions.delete(key);
    this.#stack.udp.listeners.delete(session.port);
    this.#tell(session, 'closed', now, sink, -1);
  }

  #tell(
    { client, target }: Session,
    change: 'opened' | 'closed',
    now: Instant,
    sink: Sink,
    cause: number,
  ): void {
    sink.log.tell(now, this.#stack.name, cause, {
      kind: 'relay',
      session: `${showIpv4(client.ip)}:${client.port}`,
      to: `${showIpv4(target.ip)}:${target.port}`,
      change,
    });
  }
}
