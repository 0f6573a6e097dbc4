/**
 * The cloud gateway's relay: the only way in to the service provider. It takes UDP on one port from
 * tenants and hands it to the port of the provider appliance where the right tunnel ends. What it
 * lets pass is decided in `relay-sessions.ts`; this is how it is done on a simulated stack.
 */
import type { Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import type { IpStack, Part } from '../stack/ip-stack.ts';
import { Payload } from '../stack/packet.ts';
import type { Datagram, UdpListener } from '../stack/udp.ts';
import { type Ipv4, showIpv4 } from '../wire/address.ts';
import {
  type RelayChange,
  type RelaySession,
  RelaySessions,
  type RelayTarget,
  relayPort,
} from './relay-sessions.ts';

export class Relay implements UdpListener, Part {
  readonly #stack: IpStack;
  readonly #sessions = new RelaySessions();
  /** Our port towards the target, and so the session's name there. */
  readonly #ports = new Map<RelaySession, number>();
  #nextPort: number;

  /** @param firstPort Where the ports towards targets begin. */
  constructor(stack: IpStack, firstPort: number) {
    this.#stack = stack;
    this.#nextPort = firstPort;
  }

  setTarget(network: string, target: RelayTarget): void {
    this.#sessions.setTarget(network, target);
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
    const { frame, from, source, sourcePort, payload } = datagram;
    const session = this.#sessions.fromClient(source as Ipv4, sourcePort, payload, now);
    this.#settle(now, sink, frame.cause);
    if (typeof session === 'string') {
      this.#stack.ends(frame, session, from, sink);
      return;
    }
    const { ip, port } = session.target;
    const ours = this.#ports.get(session)!;
    this.#stack.udp.send(ip, ours, port, new Payload(payload), now, sink, frame.cause, false);
  }

  wake(now: Instant, sink: Sink): void {
    this.#sessions.wake(now);
    this.#settle(now, sink, -1);
  }

  nextWake(): Instant | undefined {
    return this.#sessions.nextWake();
  }

  /** Does what the sessions have decided: each has a port while there is one. */
  #settle(now: Instant, sink: Sink, cause: number): void {
    for (const change of this.#sessions.take()) {
      const { session } = change;
      if (change.change === 'opened') {
        this.#open(session);
        this.#stack.arm(sink);
      } else {
        this.#stack.udp.listeners.delete(this.#ports.get(session)!);
        this.#ports.delete(session);
      }
      this.#tell(change, now, sink, change.change === 'opened' ? cause : -1);
    }
  }

  #open(session: RelaySession): void {
    do this.#nextPort = this.#nextPort >= 65_535 ? 20_000 : this.#nextPort + 1;
    while (this.#stack.udp.listeners.has(this.#nextPort));
    this.#ports.set(session, this.#nextPort);
    // From the target, on the session's own port: only it may answer, and only to its client.
    this.#stack.udp.listeners.set(this.#nextPort, {
      datagram: ({ frame, from, source, sourcePort, payload }, now, sink) => {
        const ends = this.#sessions.fromTarget(session, source as Ipv4, sourcePort, payload, now);
        if (ends !== undefined) {
          this.#stack.ends(frame, ends, from, sink);
          return;
        }
        const { ip, port } = session.client;
        const back = new Payload(payload);
        this.#stack.udp.send(ip, relayPort, port, back, now, sink, frame.cause, false);
      },
    });
  }

  #tell({ session, change }: RelayChange, now: Instant, sink: Sink, cause: number): void {
    const { client, target } = session;
    sink.log.tell(now, this.#stack.name, cause, {
      kind: 'relay',
      session: `${showIpv4(client.ip)}:${client.port}`,
      to: `${showIpv4(target.ip)}:${target.port}`,
      change,
    });
  }
}
