/**
 * The cloud gateway's relay on UDP sockets: the public one, and one for each session towards its
 * target. What it lets pass is decided in `device/relay-sessions.ts`, as on a simulated stack.
 */
import type { Instant } from '../base/time.ts';
import {
  type RelayChange,
  type RelaySession,
  RelaySessions,
  type RelayTarget,
} from '../device/relay-sessions.ts';
import type { Reason } from '../trace/reasons.ts';
import { ipv4, showIpv4 } from '../wire/address.ts';
import type { Timekeeper } from './timekeeper.ts';
import { type Dgram, openUdp, type UdpAddress, type UdpSocket } from './udp.ts';

/** Datagrams of one session that wait for its socket. */
const waitingMax = 16;

export interface GatewayRelayOptions {
  /** Where tenants come in. */
  readonly outside: UdpAddress;
  /** Our own address towards the targets. */
  readonly inside: string;
  readonly timekeeper: Timekeeper;
  readonly network?: Dgram;
  readonly onChange?: (change: RelayChange) => void;
  readonly onDrop?: (reason: Reason, from: UdpAddress) => void;
}

/** The way of one session to its target. */
interface Way {
  socket: UdpSocket | undefined;
  waiting: Uint8Array[];
}

export class GatewayRelay {
  readonly #options: GatewayRelayOptions;
  readonly #sessions = new RelaySessions();
  readonly #ways = new Map<RelaySession, Way>();
  /** How many datagrams ended here, and why. */
  readonly #dropped = new Map<Reason, number>();
  #outside: UdpSocket | undefined;
  #lostInside = 0;
  #wakeAt: Instant | undefined;
  #callOff = (): void => {};
  #closed = false;

  private constructor(options: GatewayRelayOptions) {
    this.#options = options;
  }

  /** @throws where it cannot listen */
  static async open(options: GatewayRelayOptions): Promise<GatewayRelay> {
    const relay = new GatewayRelay(options);
    const { outside, network } = options;
    const receive = (bytes: Uint8Array, from: UdpAddress): void => relay.#fromClient(bytes, from);
    relay.#outside = await openUdp(outside, receive, network);
    return relay;
  }

  setTarget(network: string, target: RelayTarget): void {
    this.#sessions.setTarget(network, target);
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  get dropped(): ReadonlyMap<Reason, number> {
    return this.#dropped;
  }

  /** Datagrams that a socket could not take. */
  get lost(): number {
    let lost = this.#lostInside + (this.#outside?.lost ?? 0);
    for (const { socket } of this.#ways.values()) lost += socket?.lost ?? 0;
    return lost;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#callOff();
    const sockets = [...this.#ways.values()].map(({ socket }) => socket?.close());
    this.#ways.clear();
    await Promise.all([this.#outside?.close(), ...sockets]);
  }

  #fromClient(bytes: Uint8Array, from: UdpAddress): void {
    const now = this.#options.timekeeper.now();
    const session = this.#sessions.fromClient(ipv4(from.address), from.port, bytes, now);
    this.#settle();
    if (typeof session === 'string') this.#drop(session, from);
    else this.#forward(session, this.#ways.get(session)!, bytes);
  }

  #forward({ target }: RelaySession, way: Way, bytes: Uint8Array): void {
    if (way.socket !== undefined) way.socket.send(bytes, target.port, showIpv4(target.ip));
    else if (way.waiting.length < waitingMax) way.waiting.push(bytes);
    else this.#lostInside += 1;
  }

  #fromTarget(session: RelaySession, bytes: Uint8Array, from: UdpAddress): void {
    const now = this.#options.timekeeper.now();
    const ends = this.#sessions.fromTarget(session, ipv4(from.address), from.port, bytes, now);
    if (ends !== undefined) this.#drop(ends, from);
    else this.#outside?.send(bytes, session.client.port, showIpv4(session.client.ip));
  }

  /** Does what the sessions have decided: each has a socket while there is one. */
  #settle(): void {
    for (const change of this.#sessions.take()) {
      const { session } = change;
      if (change.change === 'opened') void this.#open(session);
      else this.#end(session);
      this.#options.onChange?.(change);
    }
    const wakeAt = this.#sessions.nextWake();
    if (wakeAt === this.#wakeAt) return;
    this.#wakeAt = wakeAt;
    this.#callOff();
    if (wakeAt !== undefined)
      this.#callOff = this.#options.timekeeper.at(wakeAt, () => this.#wake());
  }

  #wake(): void {
    this.#wakeAt = undefined;
    this.#sessions.wake(this.#options.timekeeper.now());
    this.#settle();
  }

  async #open(session: RelaySession): Promise<void> {
    const way: Way = { socket: undefined, waiting: [] };
    this.#ways.set(session, way);
    const { inside, network } = this.#options;
    const receive = (bytes: Uint8Array, from: UdpAddress): void =>
      this.#fromTarget(session, bytes, from);
    let socket: UdpSocket;
    try {
      socket = await openUdp({ address: inside, port: 0 }, receive, network);
    } catch {
      const { ip, port } = session.client;
      this.#drop('RELAY_LIMIT', { address: showIpv4(ip), port }); // there are no more sockets to be had
      this.#sessions.abandon(session);
      this.#settle();
      return;
    }
    if (this.#closed || !this.#ways.has(session)) {
      await socket.close(); // it was over before it had begun
      return;
    }
    way.socket = socket;
    for (const bytes of way.waiting) this.#forward(session, way, bytes);
    way.waiting = [];
  }

  #end(session: RelaySession): void {
    const socket = this.#ways.get(session)?.socket;
    this.#ways.delete(session);
    if (socket === undefined) return;
    this.#lostInside += socket.lost;
    void socket.close();
  }

  #drop(reason: Reason, from: UdpAddress): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1);
    this.#options.onDrop?.(reason, from);
  }
}
