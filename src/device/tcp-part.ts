/** Joins a host's TCP to its IP stack. */
import type { Frame } from '../base/frame.ts';
import type { Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import { reasonOf } from '../stack/icmp.ts';
import type { Interface } from '../stack/interface.ts';
import type { IpStack, Part, ProtocolHandler } from '../stack/ip-stack.ts';
import {
  destinationOf,
  headerLengthOf,
  protocolTcp,
  sourceOf,
  totalLengthOf,
  transportAt,
} from '../stack/packet.ts';
import { TcpLayer } from '../stack/tcp/layer.ts';
import {
  type Service,
  showEndpoint,
  type TcpInput,
  type TcpOutput,
} from '../stack/tcp/messages.ts';
import type { Ipv4 } from '../wire/address.ts';

export type TcpResult = Extract<TcpOutput, { kind: 'done' }>;

/** Told how a connection that was opened here ended, and that it was established. */
export interface TcpUser {
  connected(now: Instant, sink: Sink): void;
  done(result: TcpResult, now: Instant, sink: Sink): void;
}

export class TcpPart implements ProtocolHandler, Part {
  readonly layer: TcpLayer;
  readonly #stack: IpStack;
  readonly #users = new Map<number, TcpUser>();

  constructor(stack: IpStack) {
    this.#stack = stack;
    this.layer = new TcpLayer({ profile: stack.profile, random: stack.random.child('tcp') });
    stack.protocols.set(protocolTcp, this);
    stack.attach(this);
  }

  listen(port: number, service: Service, now: Instant): void {
    this.layer.handle({ kind: 'listen', port, service }, now);
  }

  /** Opens a connection, sends `send` bytes of the pattern and waits for `expect`. */
  connect(
    remote: Ipv4,
    remotePort: number,
    send: number,
    expect: number,
    user: TcpUser,
    now: Instant,
    sink: Sink,
    cause: number,
  ): void {
    const local = this.#stack.sourceTowards(remote);
    const mtu = this.#stack.pathMtu(remote, now);
    const request = { local, remote, remotePort, send, expect, mtu };
    const { connection, outputs } = this.layer.connect(request, now);
    this.#users.set(connection, user);
    this.#carryOut(outputs, undefined, cause, now, sink);
    this.#stack.arm(sink);
  }

  packet(frame: Frame, from: Interface, now: Instant, sink: Sink): void {
    const at = transportAt(frame);
    const bytes = frame.bytes(at, at + totalLengthOf(frame) - headerLengthOf(frame));
    const source = sourceOf(frame);
    const destination = destinationOf(frame);
    const mtu = from.mtu;
    const before = this.layer.progress;
    this.#feed({ kind: 'segment', source, destination, bytes, mtu }, frame, frame.cause, now, sink);
    // What we send arrives: no need to ask by ARP (Linux dst_confirm). That something came proves
    // nothing, for the way back may be another.
    if (this.layer.progress > before) from.neighbours.confirm(source, now);
  }

  error(
    type: number,
    code: number,
    mtu: number,
    frame: Frame,
    quotedAt: number,
    now: Instant,
    sink: Sink,
  ): boolean {
    const { words, memory, start } = frame;
    const ip = start + quotedAt;
    const tcp = ip + (memory[ip]! & 15) * 4;
    const quoted = {
      local: words.getInt32(ip + 12) as Ipv4,
      localPort: words.getUint16(tcp),
      remote: words.getInt32(ip + 16) as Ipv4,
      remotePort: words.getUint16(tcp + 2),
      sequence: words.getUint32(tcp + 4),
    };
    const hard = type === 3 && (code === 2 || code === 3);
    const input: TcpInput =
      mtu > 0
        ? { kind: 'path-mtu', quoted, mtu }
        : { kind: 'unreachable', quoted, hard, because: reasonOf(type, code) };
    const outputs = this.#feed(input, undefined, frame.cause, now, sink);
    return outputs.every(({ kind }) => kind !== 'dropped'); // which says: of no connection of ours
  }

  wake(now: Instant, sink: Sink): void {
    this.#carryOut(this.layer.wake(now), undefined, -1, now, sink);
  }

  nextWake(): Instant | undefined {
    return this.layer.nextWake();
  }

  #feed(
    input: TcpInput,
    frame: Frame | undefined,
    cause: number,
    now: Instant,
    sink: Sink,
  ): readonly TcpOutput[] {
    const outputs = this.layer.handle(input, now);
    this.#carryOut(outputs, frame, cause, now, sink);
    this.#stack.arm(sink);
    return outputs;
  }

  #carryOut(
    outputs: readonly TcpOutput[],
    frame: Frame | undefined,
    cause: number,
    now: Instant,
    sink: Sink,
  ): void {
    for (const output of outputs) {
      switch (output.kind) {
        case 'segment': {
          const { source, destination, bytes, dontFragment } = output;
          this.#stack.sendTransport(
            source,
            destination,
            protocolTcp,
            bytes,
            dontFragment,
            now,
            sink,
            cause,
          );
          break;
        }
        case 'state': {
          const { connection, state, because } = output;
          const fact = {
            kind: 'connection',
            protocol: 'tcp',
            local: showEndpoint(output.local),
            remote: showEndpoint(output.remote),
            state,
          } as const;
          const { name } = this.#stack;
          sink.log.tell(now, name, cause, because === undefined ? fact : { ...fact, because });
          if (state === 'ESTABLISHED') this.#users.get(connection)?.connected(now, sink);
          break;
        }
        case 'done': {
          const user = this.#users.get(output.connection);
          this.#users.delete(output.connection);
          user?.done(output, now, sink);
          break;
        }
        case 'dropped':
          if (frame !== undefined) this.#stack.ends(frame, output.reason, undefined, sink);
          break;
        case 'delivered':
          break;
      }
    }
  }
}
