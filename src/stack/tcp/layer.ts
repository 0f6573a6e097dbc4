/**
 * The TCP of one host: every port that listens and every connection, as one machine. Segments go
 * in and come out with their TCP header and without the IP header.
 */
import type { Machine } from '../../base/machine.ts';
import type { Random } from '../../base/random.ts';
import { sequence } from '../../base/sequence.ts';
import type { Instant } from '../../base/time.ts';
import type { Reason } from '../../trace/reasons.ts';
import { anyIpv4, broadcastIpv4, type Ipv4, isMulticastIpv4 } from '../../wire/address.ts';
import { Malformed } from '../../wire/malformed.ts';
import { decodeTcp, encodeTcp, type TcpSegment, tcpFlag } from '../../wire/tcp.ts';
import type { Profile } from '../profile.ts';
import { Application } from './application.ts';
import { Connection } from './connection.ts';
import { Deadlines } from './deadlines.ts';
import type {
  ConnectRequest,
  Endpoint,
  Quoted,
  Service,
  TcpInput,
  TcpOutput,
  TcpState,
} from './messages.ts';
import { resetFor } from './reset.ts';
import type { Turn } from './transmitter.ts';

export const connectionsMax = 4096;
const defaultMtu = 1500;
const ephemeralFirst = 49_152; // RFC 6335 section 6
const ephemeralCount = 65_536 - ephemeralFirst;

type Segment = Extract<TcpInput, { kind: 'segment' }>;

export class TcpLayer implements Machine<TcpInput, TcpOutput> {
  readonly #profile: Profile;
  readonly #random: Random;
  readonly #listeners = new Map<number, Service>();
  readonly #connections = new Map<number, Connection>();
  readonly #numbers = new Map<string, number>();
  readonly #deadlines = new Deadlines();
  /** Segments so far that acknowledged something new: each shows that what we send gets there. */
  progress = 0;
  #nextNumber = 1;
  #nextPort: number;

  constructor({ profile, random }: { readonly profile: Profile; readonly random: Random }) {
    this.#profile = profile;
    this.#random = random;
    this.#nextPort = random.between(0, ephemeralCount - 1);
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** CLOSED for one that is no longer known. */
  stateOf(connection: number): TcpState {
    return this.#connections.get(connection)?.state ?? 'CLOSED';
  }

  isListening(port: number): boolean {
    return this.#listeners.has(port);
  }

  /** Opens a connection. Its number is in everything that is said about it later. */
  connect(request: ConnectRequest, now: Instant): { connection: number; outputs: TcpOutput[] } {
    const turn: Turn = { now, out: [] };
    const number = this.#nextNumber++;
    const remote = { address: request.remote, port: request.remotePort };
    const port = this.#freePort(request, remote);
    if (port === undefined || !this.#makeRoom(turn)) {
      const because: Reason = 'TCP_TABLE_FULL';
      const counts = { received: 0, acknowledged: 0 };
      turn.out.push({ kind: 'done', connection: number, result: 'exhausted', ...counts, because });
      return { connection: number, outputs: turn.out };
    }
    const application = new Application(undefined, request.hold ?? false);
    application.begin(request.send, request.expect);
    const local = { address: request.local, port };
    const connection = this.#add(number, local, remote, application, false, request.mtu);
    connection.open(turn);
    return { connection: number, outputs: this.#settle([connection], turn) };
  }

  handle(input: TcpInput, now: Instant): TcpOutput[] {
    const turn: Turn = { now, out: [] };
    switch (input.kind) {
      case 'listen':
        this.#listeners.set(input.port, input.service);
        return turn.out;
      case 'unlisten':
        this.#listeners.delete(input.port);
        return turn.out;
      case 'segment':
        return this.#arrived(input, turn);
      case 'unreachable': {
        const connection = this.#quoted(input.quoted, turn);
        if (connection === undefined) return turn.out;
        connection.unreachable(input.hard, input.because, turn);
        return this.#settle([connection], turn);
      }
      case 'path-mtu': {
        const connection = this.#quoted(input.quoted, turn);
        if (connection === undefined) return turn.out;
        // What holds for one connection holds for all that take the same path.
        const { local, remote } = input.quoted;
        const alike = [...this.#connections.values()].filter(
          ({ setup }) => setup.remote.address === remote && setup.local.address === local,
        );
        for (const one of alike) one.pathMtu(input.mtu, turn);
        return this.#settle(alike, turn);
      }
      case 'send':
      case 'close':
      case 'abort':
      case 'pause': {
        const connection = this.#connections.get(input.connection);
        if (connection === undefined) return turn.out;
        if (input.kind === 'send') connection.transfer(input.bytes, input.expect, turn);
        else if (input.kind === 'close') connection.close(turn);
        else if (input.kind === 'abort') connection.abort(turn);
        else connection.pause(input.paused, turn);
        return this.#settle([connection], turn);
      }
    }
  }

  wake(now: Instant): TcpOutput[] {
    const turn: Turn = { now, out: [] };
    for (
      let number = this.#deadlines.take(now);
      number !== undefined;
      number = this.#deadlines.take(now)
    ) {
      const connection = this.#connections.get(number);
      if (connection === undefined) continue;
      const wanted = connection.nextWake;
      if (wanted !== undefined && wanted <= now) connection.wake(turn);
      this.#settle([connection], turn);
    }
    return turn.out;
  }

  /** Sometimes earlier than necessary, never later. */
  nextWake(): Instant | undefined {
    return this.#deadlines.next;
  }

  #arrived(input: Segment, turn: Turn): TcpOutput[] {
    const { source, destination, bytes } = input;
    const drop = (reason: Reason, offset?: number): TcpOutput[] => {
      const what = { kind: 'dropped', reason, source, destination, length: bytes.length } as const;
      turn.out.push(offset === undefined ? what : { ...what, offset });
      return turn.out;
    };
    // RFC 9293 section 3.10.7: TCP is between two, and no answer may be made to multiply.
    if (isNobody(source) || isNobody(destination)) return drop('MARTIAN');
    const segment = decodeTcp(bytes, source, destination);
    if (segment instanceof Malformed)
      return drop(segment.reason === 'bad-checksum' ? 'TCP_CHECKSUM' : 'MALFORMED', segment.offset);
    const local = { address: destination, port: segment.destinationPort };
    const remote = { address: source, port: segment.sourcePort };
    const known = this.#connections.get(this.#numbers.get(keyOf(local, remote)) ?? -1);
    if (known !== undefined) {
      const before = known.arrived;
      known.segment(segment, turn);
      if (known.arrived > before) this.progress += 1;
      return this.#settle([known], turn);
    }
    const service = this.#listeners.get(local.port);
    if (service === undefined) {
      drop(segment.flags & tcpFlag.rst ? 'TCP_UNEXPECTED' : 'PORT_CLOSED');
      return this.#refuse(segment, local, remote, turn);
    }
    // RFC 9293 section 3.10.7.2
    if (segment.flags & tcpFlag.rst) return drop('TCP_UNEXPECTED');
    if (segment.flags & tcpFlag.ack) {
      drop('TCP_BAD_ACK');
      return this.#refuse(segment, local, remote, turn);
    }
    if ((segment.flags & tcpFlag.syn) === 0) return drop('TCP_UNEXPECTED');
    if (!this.#makeRoom(turn)) return drop('TCP_TABLE_FULL');
    const application = new Application(service, false);
    const mtu = input.mtu ?? defaultMtu;
    const number = this.#nextNumber++;
    const connection = this.#add(number, local, remote, application, true, mtu);
    connection.accept(segment, turn);
    return this.#settle([connection], turn);
  }

  /** RFC 9293 section 3.5.2, group 1. */
  #refuse(segment: TcpSegment, local: Endpoint, remote: Endpoint, turn: Turn): TcpOutput[] {
    const reset = resetFor(segment);
    const [source, destination] = [local.address, remote.address];
    if (reset !== undefined) {
      const bytes = encodeTcp(reset, source, destination);
      turn.out.push({ kind: 'segment', source, destination, bytes, dontFragment: true });
    }
    return turn.out;
  }

  #add(
    number: number,
    local: Endpoint,
    remote: Endpoint,
    application: Application,
    passive: boolean,
    mtu: number,
  ): Connection {
    const connection = new Connection({
      number,
      local,
      remote,
      passive,
      application,
      first: sequence(this.#random.uint32()),
      profile: this.#profile,
      mtu,
    });
    this.#connections.set(number, connection);
    this.#numbers.set(keyOf(local, remote), number);
    return connection;
  }

  /** Forgets what has closed, and notes when the others want to be woken. */
  #settle(touched: readonly Connection[], turn: Turn): TcpOutput[] {
    for (const connection of touched) {
      const { number, local, remote } = connection.setup;
      if (connection.state === 'CLOSED') {
        this.#connections.delete(number);
        this.#numbers.delete(keyOf(local, remote));
        this.#deadlines.forget(number);
      } else this.#deadlines.set(number, connection.nextWake);
    }
    return turn.out;
  }

  /** At the limit, the oldest that only waits for stragglers has to go. */
  #makeRoom(turn: Turn): boolean {
    if (this.#connections.size < connectionsMax) return true;
    for (const connection of this.#connections.values()) {
      if (connection.state !== 'TIME-WAIT') continue;
      connection.abort(turn, 'TCP_TABLE_FULL');
      this.#settle([connection], turn);
      return true;
    }
    return false;
  }

  /** RFC 6056 section 3.3.1: from a random start, the next that is free. */
  #freePort(request: ConnectRequest, remote: Endpoint): number | undefined {
    const isFree = (port: number): boolean =>
      !this.#numbers.has(keyOf({ address: request.local, port }, remote));
    if (request.localPort !== undefined)
      return isFree(request.localPort) ? request.localPort : undefined;
    for (let tries = 0; tries < ephemeralCount; tries += 1) {
      const port = ephemeralFirst + this.#nextPort;
      this.#nextPort = (this.#nextPort + 1) % ephemeralCount;
      if (!this.#listeners.has(port) && isFree(port)) return port;
    }
    return undefined;
  }

  /** The connection that an ICMP error is about, if it can be true. */
  #quoted(quoted: Quoted, turn: Turn): Connection | undefined {
    const local = { address: quoted.local, port: quoted.localPort };
    const remote = { address: quoted.remote, port: quoted.remotePort };
    const connection = this.#connections.get(this.#numbers.get(keyOf(local, remote)) ?? -1);
    const plausible =
      quoted.sequence === undefined || connection?.isOnTheWay(sequence(quoted.sequence));
    if (connection !== undefined && plausible) return connection;
    const [source, destination] = [remote.address, local.address];
    turn.out.push({ kind: 'dropped', reason: 'ICMP_IGNORED', source, destination, length: 0 });
    return undefined;
  }
}

const keyOf = (local: Endpoint, remote: Endpoint): string =>
  `${local.address} ${local.port} ${remote.address} ${remote.port}`;

const isNobody = (ip: Ipv4): boolean =>
  ip === anyIpv4 || ip === broadcastIpv4 || isMulticastIpv4(ip);
