/**
 * Joins an IPsec gateway to the stack of its machine. Each of its tunnels is an interface: what is
 * routed there is sealed, and what comes out is as if received on it. ESP travels in IP, or by UDP
 * port 4500 where a NAT is on the way.
 */
import type { Frame } from '../base/frame.ts';
import type { Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import { fragment } from '../stack/fragments.ts';
import type { Interface, PacketCarrier } from '../stack/interface.ts';
import type { IpStack, Part, ProtocolHandler } from '../stack/ip-stack.ts';
import type { EspCrypto } from '../stack/ipsec/crypto.ts';
import {
  type EspEndpoint,
  Ipsec,
  type IpsecOutput,
  type IpsecTunnel,
} from '../stack/ipsec/ipsec.ts';
import { innerMtu } from '../stack/ipsec/tunnel-mode.ts';
import {
  headerLengthOf,
  ipAt,
  mayNotFragment,
  Payload,
  packetAround,
  packetFrom,
  packetOf,
  protocolUdp,
  sourceOf,
  udpPacket,
} from '../stack/packet.ts';
import type { Datagram, UdpListener } from '../stack/udp.ts';
import { type Ipv4, type Mac, showIpv4 } from '../wire/address.ts';
import { espUdpPort, kindOfEncapsulated, protocolEsp } from '../wire/esp.ts';

export class IpsecEnd implements ProtocolHandler, UdpListener, Part {
  readonly #stack: IpStack;
  readonly #ipsec: Ipsec;
  readonly #tunnels: ReadonlyMap<string, TunnelPort>;

  /** @param outside The adapter towards the other gateways. */
  constructor(
    stack: IpStack,
    outside: Interface,
    tunnels: readonly IpsecTunnel[],
    crypto: EspCrypto,
  ) {
    this.#stack = stack;
    this.#ipsec = new Ipsec(crypto, tunnels);
    this.#tunnels = new Map(
      tunnels.map((tunnel) => [tunnel.name, new TunnelPort(this, stack, tunnel, outside.mtu)]),
    );
  }

  /** The interface of a tunnel. */
  tunnel(name: string): Interface {
    return this.#tunnels.get(name)!.interface;
  }

  start(now: Instant, sink: Sink): void {
    this.#stack.protocols.set(protocolEsp, this);
    this.#stack.udp.listeners.set(espUdpPort, this);
    this.#stack.attach(this);
    for (const { tunnel } of this.#tunnels.values())
      if (tunnel.endpoint) this.#tellUp(tunnel.name, tunnel.endpoint, now, sink, -1);
    this.#carryOut(this.#ipsec.handle({ kind: 'start' }, now), undefined, -1, now, sink);
    this.#stack.arm(sink);
  }

  /** Into a tunnel. */
  carry(port: TunnelPort, packet: Frame, now: Instant, sink: Sink): void {
    const mtu = this.#innerMtu(port.tunnel, now);
    if (packet.length - ipAt <= mtu) {
      this.#seal(port, packet, now, sink);
      return;
    }
    // The way has turned out to be narrower than the link it begins with (RFC 4301 section 8.2).
    if (!mayNotFragment(packet)) {
      for (const piece of fragment(packet, mtu, sink.frames)) this.#seal(port, piece, now, sink);
      return;
    }
    this.#stack.ends(packet, 'FRAGMENTATION_NEEDED', port.interface, sink);
    if (this.#stack.icmp.tellsFragmentationNeeded)
      this.#stack.icmp.complain(packet, undefined, 3, 4, mtu, now, sink);
  }

  /** ESP in IP. */
  packet(frame: Frame, _from: Interface, now: Instant, sink: Sink): void {
    const bytes = packetOf(frame).subarray(headerLengthOf(frame));
    this.#take({ ip: sourceOf(frame), port: undefined }, bytes, frame, now, sink);
  }

  /** An ICMP error about ESP of ours: the stack remembers the path MTU that it tells. */
  error(): boolean {
    return true;
  }

  /** On UDP port 4500. */
  datagram(datagram: Datagram, now: Instant, sink: Sink): void {
    const { frame, from, payload, source, sourcePort } = datagram;
    switch (kindOfEncapsulated(payload)) {
      case 'esp':
        this.#take({ ip: source as Ipv4, port: sourcePort }, payload, frame, now, sink);
        break;
      case 'ike':
        this.#stack.ends(frame, 'PORT_CLOSED', from, sink); // nobody here speaks it
        break;
      case 'nat-keepalive':
        break; // it has done what it was for
    }
  }

  wake(now: Instant, sink: Sink): void {
    this.#carryOut(this.#ipsec.wake(now), undefined, -1, now, sink);
  }

  nextWake(): Instant | undefined {
    return this.#ipsec.nextWake();
  }

  #innerMtu(tunnel: IpsecTunnel, now: Instant): number {
    const to = this.#ipsec.endpointOf(tunnel.name);
    const path = to === undefined ? Number.POSITIVE_INFINITY : this.#stack.pathMtu(to.ip, now);
    return innerMtu(path, travelsInUdp(tunnel));
  }

  #seal(port: TunnelPort, packet: Frame, now: Instant, sink: Sink): void {
    let frame = packet;
    if (sink.log.detailed) {
      if (!frame.exclusive) frame = frame.share();
      frame.cause = sink.log.packet(now, this.#stack.name, port.interface.name, 'in', frame);
    }
    const tunnel = port.tunnel.name;
    const outputs = this.#ipsec.handle({ kind: 'packet', tunnel, bytes: packetOf(frame) }, now);
    this.#carryOut(outputs, frame, frame.cause, now, sink);
  }

  #take(from: EspEndpoint, bytes: Uint8Array, frame: Frame, now: Instant, sink: Sink): void {
    const outputs = this.#ipsec.handle({ kind: 'esp', from, bytes }, now);
    this.#carryOut(outputs, frame, frame.cause, now, sink);
  }

  #carryOut(
    outputs: readonly IpsecOutput[],
    frame: Frame | undefined,
    cause: number,
    now: Instant,
    sink: Sink,
  ): void {
    for (const output of outputs) {
      switch (output.kind) {
        case 'esp':
          this.#send(output, cause, now, sink);
          break;
        case 'packet':
          this.#deliver(output.tunnel, output.bytes, cause, now, sink);
          break;
        case 'dropped':
          this.#stack.ends(frame!, output.reason, undefined, sink);
          break;
        case 'peer-moved':
          this.#tellUp(output.tunnel, output.endpoint, now, sink, cause);
          break;
      }
    }
    this.#stack.arm(sink);
  }

  #send(
    { to, bytes, fields }: Extract<IpsecOutput, { kind: 'esp' }>,
    cause: number,
    now: Instant,
    sink: Sink,
  ): void {
    const source = this.#stack.sourceTowards(to.ip);
    const id = this.#stack.nextIdentification();
    const outer = { ...fields, source, destination: to.ip, ttl: this.#stack.ttl };
    const frame =
      to.port === undefined
        ? packetAround(sink.frames, bytes, id, { ...outer, protocol: protocolEsp })
        : udpPacket(
            sink.frames,
            id,
            { ...outer, protocol: protocolUdp },
            espUdpPort,
            to.port,
            new Payload(bytes),
          );
    frame.cause = cause;
    this.#stack.output(frame, now, sink);
  }

  #deliver(tunnel: string, bytes: Uint8Array, cause: number, now: Instant, sink: Sink): void {
    const on = this.tunnel(tunnel);
    const inner = packetFrom(sink.frames, bytes);
    inner.cause = cause;
    if (sink.log.detailed)
      inner.cause = sink.log.packet(now, this.#stack.name, on.name, 'out', inner);
    this.#stack.input(on, inner, now, sink);
  }

  /** Without IKE there is no more to it than knowing where the other end is. */
  #tellUp(
    tunnel: string,
    { ip, port }: EspEndpoint,
    now: Instant,
    sink: Sink,
    cause: number,
  ): void {
    const endpoint = port === undefined ? showIpv4(ip) : `${showIpv4(ip)}:${port}`;
    const fact = { kind: 'tunnel', tunnel, state: 'up', endpoint } as const;
    sink.log.tell(now, this.#stack.name, cause, fact);
  }
}

/** One of the tunnels, as an interface. */
class TunnelPort implements PacketCarrier {
  readonly tunnel: IpsecTunnel;
  readonly interface: Interface;
  readonly #end: IpsecEnd;

  constructor(end: IpsecEnd, stack: IpStack, tunnel: IpsecTunnel, linkMtu: number) {
    this.#end = end;
    this.tunnel = tunnel;
    this.interface = stack.addInterface({
      name: `ipsec-${tunnel.name}`,
      mac: 0 as Mac,
      mtu: innerMtu(linkMtu, travelsInUdp(tunnel)),
      carrier: this,
    });
  }

  carry(frame: Frame, now: Instant, sink: Sink): void {
    this.#end.carry(this, frame, now, sink);
  }
}

/** A peer that has to call first is behind a NAT, which knows ports and no SPIs. */
const travelsInUdp = ({ endpoint }: IpsecTunnel): boolean =>
  endpoint === undefined || endpoint.port !== undefined;
