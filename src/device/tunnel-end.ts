/**
 * One end of a tunnel on an appliance: joins a WireGuard machine to the stack. Inner packets go in
 * as through an interface and come out as if received on it; datagrams travel by the stack's UDP.
 */
import type { Frame } from '../base/frame.ts';
import { type Instant, labStart } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import type { Interface } from '../stack/interface.ts';
import type { Guard, IpStack, Part } from '../stack/ip-stack.ts';
import {
  Payload,
  packetFrom,
  packetOf,
  protocolOf,
  protocolTcp,
  transportAt,
} from '../stack/packet.ts';
import { clampMss } from '../stack/tcp/clamp.ts';
import type { Datagram, UdpListener } from '../stack/udp.ts';
import type { PeerOptions, PeerState } from '../stack/wireguard/peer.ts';
import { WireGuard } from '../stack/wireguard/tunnel.ts';
import type { WireGuardOutput } from '../stack/wireguard/tunnel-io.ts';
import type { Reason } from '../trace/reasons.ts';
import { type Ipv4, showIpv4 } from '../wire/address.ts';
import { tcpFlag } from '../wire/tcp.ts';
import type { Tunnel, TunnelKeys, TunnelOptions } from './tunnel.ts';

export class TunnelEnd implements Tunnel, UdpListener, Part {
  readonly network: string;
  readonly port: number;
  readonly wireguard: WireGuard;
  readonly keys: TunnelKeys[] = [];
  readonly #stack: IpStack;
  readonly #onState: (state: PeerState, now: Instant) => void;
  /** Causes of the packets that wait for a session, oldest first: WireGuard keeps their bytes alone. */
  readonly #waiting: number[] = [];
  heardAt: Instant = labStart;
  readonly #interface: Interface;
  #state: PeerState = 'down';
  /** The process answers to nothing, and no timer of it goes off; starting it anew is the cure. */
  #hung = false;

  constructor(options: TunnelOptions, now: Instant) {
    const { network, port, stack, inner, onState, peer, ...own } = options;
    this.network = network;
    this.port = port;
    this.wireguard = new WireGuard({ ...own, peers: [peer] }, now);
    this.#stack = stack;
    this.#interface = inner;
    this.#onState = onState;
  }

  get state(): PeerState {
    return this.#state;
  }

  start(connect: boolean, now: Instant, sink: Sink, cause: number): void {
    this.heardAt = now;
    this.#stack.udp.listeners.set(this.port, this);
    this.#stack.attach(this);
    if (connect) {
      for (const peer of this.wireguard.peers)
        this.#carryOut(this.wireguard.handle({ kind: 'connect', peer }, now), cause, now, sink);
    }
    this.#stack.arm(sink);
  }

  stop(now: Instant, sink: Sink, cause: number): void {
    this.#stack.udp.listeners.delete(this.port);
    this.#stack.detach(this);
    for (const peer of this.wireguard.peers) {
      for (const output of this.wireguard.handle({ kind: 'remove', peer }, now)) {
        if (output.kind === 'dropped') this.#drop(output.reason, output.bytes, cause, sink);
      }
    }
    this.#tell('down', undefined, cause, now, sink);
  }

  hang(hung: boolean, sink: Sink): void {
    this.#hung = hung;
    this.#stack.arm(sink);
  }

  stepClock(bySeconds: number): void {
    this.wireguard.stepClock(bySeconds);
  }

  configure(peer: PeerOptions, now: Instant, sink: Sink, cause: number): void {
    this.#carryOut(this.wireguard.handle({ kind: 'configure', peer }, now), cause, now, sink);
    this.#stack.arm(sink);
  }

  carry(packet: Frame, now: Instant, sink: Sink): void {
    if (this.#hung) {
      this.#stack.ends(packet, 'DAEMON_HUNG', undefined, sink);
      return;
    }
    let frame = packet;
    if (sink.log.detailed) {
      if (!frame.exclusive) frame = frame.share();
      frame.cause = sink.log.packet(now, this.#stack.name, this.#interface.name, 'in', frame);
    }
    const bytes = packetOf(frame);
    const outputs = this.wireguard.handle({ kind: 'packet', bytes }, now);
    const ended = outputs.some((output) => output.kind === 'dropped' && output.bytes === bytes);
    // Every packet that is not ended leaves in its turn: this one after all that wait.
    if (!ended) this.#waiting.push(frame.cause);
    this.#carryOut(outputs, frame.cause, now, sink, frame);
    this.#stack.arm(sink);
  }

  datagram(datagram: Datagram, now: Instant, sink: Sink): void {
    if (this.#hung) {
      this.#stack.ends(datagram.frame, 'DAEMON_HUNG', datagram.from, sink);
      return;
    }
    const from = { ip: datagram.source as Ipv4, port: datagram.sourcePort };
    const bytes = datagram.payload;
    const outputs = this.wireguard.handle({ kind: 'datagram', from, bytes }, now);
    if (!outputs.some(({ kind }) => kind === 'dropped')) this.heardAt = now;
    this.#carryOut(outputs, datagram.frame.cause, now, sink, datagram.frame);
    this.#stack.arm(sink);
  }

  wake(now: Instant, sink: Sink): void {
    this.#carryOut(this.wireguard.wake(now), -1, now, sink);
  }

  nextWake(): Instant | undefined {
    return this.#hung ? undefined : this.wireguard.nextWake();
  }

  #carryOut(
    outputs: readonly WireGuardOutput[],
    cause: number,
    now: Instant,
    sink: Sink,
    frame?: Frame,
  ): void {
    for (const output of outputs) {
      switch (output.kind) {
        case 'datagram': {
          const { ip, port } = output.to;
          const payload = new Payload(output.bytes);
          const led = carriesPacket(output.bytes) ? (this.#waiting.shift() ?? cause) : cause;
          this.#stack.udp.send(ip, this.port, port, payload, now, sink, led, false, output.tos);
          break;
        }
        case 'packet': {
          const inner = packetFrom(sink.frames, output.bytes);
          inner.cause = cause;
          if (sink.log.detailed) {
            const { name } = this.#interface;
            inner.cause = sink.log.packet(now, this.#stack.name, name, 'out', inner);
          }
          this.#stack.input(this.#interface, inner, now, sink);
          break;
        }
        case 'dropped':
          this.#drop(output.reason, output.bytes, cause, sink, frame);
          break;
        case 'state':
          this.#tell(output.state, output.endpoint, cause, now, sink);
          break;
        case 'keys':
          if (sink.log.level !== 'full') break; // there will be no capture to look into
          this.keys.push({
            localStaticPrivate: output.staticPrivate,
            remoteStaticPublic: output.remoteStatic,
            localEphemeralPrivate: output.ephemeralPrivate,
            presharedKey: output.presharedKey,
          });
          break;
      }
    }
  }

  #drop(reason: Reason, bytes: Uint8Array, cause: number, sink: Sink, frame?: Frame): void {
    const waited = reason === 'WG_NO_SESSION';
    if (frame !== undefined && !waited) {
      this.#stack.ends(frame, reason, undefined, sink);
      return;
    }
    if (bytes.length === 0) return; // nobody's packet
    const ended = packetFrom(sink.frames, bytes); // it had come here before this call
    ended.cause = waited ? (this.#waiting.shift() ?? cause) : cause;
    this.#stack.ends(ended, reason, undefined, sink);
  }

  #tell(
    state: PeerState,
    endpoint: { readonly ip: Ipv4; readonly port: number } | undefined,
    cause: number,
    now: Instant,
    sink: Sink,
  ): void {
    this.#state = state;
    sink.log.tell(now, this.#stack.name, cause, {
      kind: 'tunnel',
      tunnel: this.network,
      state,
      endpoint: endpoint ? `${showIpv4(endpoint.ip)}:${endpoint.port}` : '',
    });
    this.#onState(state, now);
  }
}

/** Transport data around a packet, and not a keepalive: header, counter and tag alone are 32 bytes. */
const carriesPacket = (bytes: Uint8Array): boolean => bytes[0] === 4 && bytes.length > 32;

/** Lowers the MSS that two ends promise each other, in both directions through a tunnel. */
export class TunnelClamp implements Guard {
  readonly #tunnel: Interface;

  constructor(tunnel: Interface) {
    this.#tunnel = tunnel;
  }

  arriving(frame: Frame, from: Interface, _now: Instant, sink: Sink): Frame {
    return from === this.#tunnel ? this.#clamp(frame, sink) : frame;
  }

  leaving(frame: Frame, to: Interface, _forwarded: boolean, _now: Instant, sink: Sink): Frame {
    return to === this.#tunnel ? this.#clamp(frame, sink) : frame;
  }

  #clamp(frame: Frame, sink: Sink): Frame {
    const flags = frame.start + transportAt(frame) + 13;
    if (protocolOf(frame) !== protocolTcp || (frame.memory[flags]! & tcpFlag.syn) === 0)
      return frame;
    const packet = sink.frames.writable(frame);
    clampMss(packet.memory, packet.words, packet.start + 14, this.#tunnel.mtu);
    return packet;
  }
}
