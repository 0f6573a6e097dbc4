/**
 * How a guest gets its address and keeps it: static or by DHCP, checked for conflicts as its
 * operating system does, link-local when all else fails (RFC 2131, RFC 5227, RFC 3927).
 */
import type { Frame } from '../base/frame.ts';
import type { Machine } from '../base/machine.ts';
import { type Duration, earliest, type Instant } from '../base/time.ts';
import { arpReply, sendArp } from '../stack/arp.ts';
import { ConflictDetection, type ConflictDetectionOutput } from '../stack/conflict-detection.ts';
import type { Sink } from '../stack/device.ts';
import { DhcpClient, type DhcpClientInput, type DhcpClientOutput } from '../stack/dhcp-client.ts';
import type { Lease } from '../stack/dhcp-lease.ts';
import type { ArpFields, ArpWatcher, Interface } from '../stack/interface.ts';
import type { IpStack, Part } from '../stack/ip-stack.ts';
import { LinkLocal, type LinkLocalOutput, linkLocalNetwork } from '../stack/link-local.ts';
import { Payload, protocolUdp, udpPacket } from '../stack/packet.ts';
import type { Datagram, UdpListener } from '../stack/udp.ts';
import type { AddressOrigin } from '../trace/event.ts';
import {
  anyIpv4,
  broadcastIpv4,
  type Ipv4,
  type Mac,
  type Prefix,
  showIpv4,
  showMac,
} from '../wire/address.ts';
import { decodeDhcp, encodeDhcp } from '../wire/dhcp.ts';
import { Malformed } from '../wire/malformed.ts';

const clientPort = 68;
const serverPort = 67;

export type AddressPlan =
  | { readonly kind: 'static'; readonly prefix: Prefix; readonly gateway: Ipv4 | undefined }
  | { readonly kind: 'dhcp'; readonly remembered?: Lease };

/** Looks for a lease: our own client, or a program that does so beside us. */
export interface LeaseClient extends Machine<DhcpClientInput, DhcpClientOutput> {
  readonly lease: Lease | undefined;
}

export class AddressKeeper implements Part, ArpWatcher, UdpListener {
  readonly #stack: IpStack;
  readonly #interface: Interface;
  readonly #plan: AddressPlan;
  readonly #detection: ConflictDetection;
  readonly #linkLocal: LinkLocal;
  readonly #client: LeaseClient | undefined;
  /** What the client asked to have checked; the lease is not in force before. */
  #checking: Ipv4 | undefined;

  /** @param client In place of our own DHCP client. */
  constructor(stack: IpStack, on: Interface, plan: AddressPlan, client?: LeaseClient) {
    const { profile } = stack;
    const { mac } = on;
    this.#stack = stack;
    this.#interface = on;
    this.#plan = plan;
    const random = stack.random.child('address');
    const config = { mac, profile: profile.conflictDetection, random: random.child('conflicts') };
    this.#detection = new ConflictDetection(config);
    this.#linkLocal = new LinkLocal({ mac, random });
    if (plan.kind === 'dhcp')
      this.#client =
        client ?? new DhcpClient({ mac, profile: profile.dhcp, random: random.child('dhcp') });
  }

  get lease(): Lease | undefined {
    return this.#client?.lease;
  }

  get mac(): Mac {
    return this.#interface.mac;
  }

  /** The operating system brings its network up. */
  start(now: Instant, sink: Sink, cause: number): void {
    this.#interface.watch(this);
    this.#stack.attach(this);
    if (this.#plan.kind === 'static') {
      const ip = this.#plan.prefix.address;
      if (this.#stack.profile.conflictDetection.probes)
        this.#tell(ip, 'tentative', 'static', now, sink, cause);
      this.#detected(this.#detection.handle({ kind: 'claim', ip }, now), cause, now, sink);
    } else {
      this.#interface.awaitsAddress = true;
      this.#stack.udp.listeners.set(clientPort, this);
      const { remembered } = this.#plan;
      const input = remembered
        ? ({ kind: 'start', remembered } as const)
        : ({ kind: 'start' } as const);
      this.#leased(this.#client!.handle(input, now), cause, now, sink);
    }
    this.#stack.arm(sink);
  }

  /** A client that works beside us has something to say. */
  told(outputs: readonly DhcpClientOutput[], now: Instant, sink: Sink): void {
    this.#leased(outputs, -1, now, sink);
    this.#stack.arm(sink);
  }

  /** The lease is gone, and the address with it; the search for another begins. */
  loseLease(now: Instant, sink: Sink): void {
    if (this.#client === undefined) return;
    this.#leased(this.#client.handle({ kind: 'stop', release: false }, now), -1, now, sink);
    this.#leased(this.#client.handle({ kind: 'start' }, now), -1, now, sink);
    this.#stack.arm(sink);
  }

  stepClock(by: Duration, now: Instant, sink: Sink): void {
    if (this.#client === undefined) return;
    this.#leased(this.#client.handle({ kind: 'clock', by }, now), -1, now, sink);
    this.#stack.arm(sink);
  }

  /** Gives up what it keeps, for another to take over the adapter. */
  leave(now: Instant, sink: Sink, cause: number): void {
    this.#interface.unwatch(this);
    this.#stack.detach(this);
    if (this.#client) this.#stack.udp.listeners.delete(clientPort);
    for (const { address } of [...this.#interface.addresses])
      this.#giveUp(address, cause, now, sink);
  }

  arp(fields: ArpFields, _from: Interface, frame: Frame, now: Instant, sink: Sink): boolean {
    const { senderMac, senderIp, targetMac, targetIp } = fields;
    if (senderMac === this.#interface.mac) return false;
    const operation = fields.operation === arpReply ? 'reply' : 'request';
    const heard = { kind: 'arp', operation, senderMac, senderIp, targetMac, targetIp } as const;
    this.#detected(this.#detection.handle(heard, now), frame.cause, now, sink);
    this.#linkLocalDid(this.#linkLocal.handle(heard, now), frame.cause, now, sink);
    this.#stack.arm(sink);
    return false;
  }

  datagram(datagram: Datagram, now: Instant, sink: Sink): void {
    if (datagram.from !== this.#interface) {
      this.#stack.ends(datagram.frame, 'PORT_CLOSED', datagram.from, sink);
      return;
    }
    const message = decodeDhcp(datagram.payload);
    if (message instanceof Malformed) {
      this.#stack.ends(datagram.frame, 'MALFORMED', datagram.from, sink);
      return;
    }
    const input = { kind: 'message', message, from: datagram.source as Ipv4 } as const;
    this.#leased(this.#client!.handle(input, now), datagram.frame.cause, now, sink);
    this.#stack.arm(sink);
  }

  wake(now: Instant, sink: Sink): void {
    this.#detected(this.#detection.wake(now), -1, now, sink);
    this.#linkLocalDid(this.#linkLocal.wake(now), -1, now, sink);
    if (this.#client) this.#leased(this.#client.wake(now), -1, now, sink);
  }

  nextWake(): Instant | undefined {
    return earliest(
      this.#detection.nextWake(),
      this.#linkLocal.nextWake(),
      this.#client?.nextWake(),
    );
  }

  #detected(
    outputs: readonly ConflictDetectionOutput[],
    cause: number,
    now: Instant,
    sink: Sink,
  ): void {
    for (const output of outputs) {
      if (output.kind === 'arp') this.#sendArp(output.senderIp, output.targetIp, cause, sink);
      else if (output.ip === this.#checking) this.#checked(output, cause, now, sink);
      else if (output.kind === 'claimed') this.#claimed(output.ip, cause, now, sink);
      else if (output.kind === 'defended')
        this.#tell(output.ip, 'defended', this.#plan.kind, now, sink, cause, output.mac);
      else this.#lost(output, cause, now, sink);
    }
  }

  /** The answer to what the DHCP client wanted checked. */
  #checked(
    output: Exclude<ConflictDetectionOutput, { kind: 'arp' }>,
    cause: number,
    now: Instant,
    sink: Sink,
  ): void {
    const { ip } = output;
    const conflict = output.kind === 'conflict' || output.kind === 'given-up';
    if (output.kind === 'defended') return;
    this.#checking = undefined;
    if (conflict) this.#tell(ip, 'conflict', 'dhcp', now, sink, cause, output.mac);
    this.#leased(this.#client!.handle({ kind: 'checked', ip, conflict }, now), cause, now, sink);
  }

  #claimed(ip: Ipv4, cause: number, now: Instant, sink: Sink): void {
    if (this.#plan.kind !== 'static') return;
    const { prefix, gateway } = this.#plan;
    if (ip !== prefix.address || this.#interface.has(ip)) return;
    this.#stack.addAddress(this.#interface, prefix, 'static', now, sink, cause);
    if (gateway !== undefined) this.#route(gateway, now, sink, cause);
  }

  /** Another machine has our address. What then is the operating system's choice. */
  #lost(
    output: Extract<ConflictDetectionOutput, { kind: 'conflict' | 'given-up' }>,
    cause: number,
    now: Instant,
    sink: Sink,
  ): void {
    this.#tell(output.ip, 'conflict', this.#plan.kind, now, sink, cause, output.mac);
    if (this.#client) {
      const input = { kind: 'checked', ip: output.ip, conflict: true } as const;
      this.#leased(this.#client.handle(input, now), cause, now, sink);
      return;
    }
    this.#giveUp(output.ip, cause, now, sink);
    if (this.#stack.profile.conflictDetection.fallsBackToLinkLocal)
      this.#linkLocalDid(this.#linkLocal.handle({ kind: 'start' }, now), cause, now, sink);
  }

  #leased(outputs: readonly DhcpClientOutput[], cause: number, now: Instant, sink: Sink): void {
    for (const output of outputs) {
      switch (output.kind) {
        case 'send': {
          const payload = new Payload(encodeDhcp(output.message));
          this.#sendDhcp(output.source, output.to, payload, cause, now, sink);
          break;
        }
        case 'check': {
          this.#checking = output.ip;
          const { ip } = output;
          this.#detected(this.#detection.handle({ kind: 'claim', ip }, now), cause, now, sink);
          break;
        }
        case 'bound':
          this.#bind(output.lease, cause, now, sink);
          break;
        case 'unbound':
          this.#interface.awaitsAddress = true;
          this.#detection.handle({ kind: 'release', ip: output.ip }, now);
          this.#giveUp(output.ip, cause, now, sink);
          this.#tellLease(output.because, output.ip, 0 as Ipv4, now, now, sink, cause);
          break;
        case 'gave-up':
          if (output.fallback === 'link-local')
            this.#linkLocalDid(this.#linkLocal.handle({ kind: 'start' }, now), cause, now, sink);
          break;
        case 'state':
          this.#tellLease(output.state, this.lease?.ip ?? anyIpv4, anyIpv4, now, now, sink, cause);
          break;
      }
    }
  }

  /** Also for a lease that is extended. */
  #bind(lease: Lease, cause: number, now: Instant, sink: Sink): void {
    const { ip, length, router, server, expiresAt } = lease;
    this.#tellLease('bound', ip, server, expiresAt, now, sink, cause);
    this.#interface.awaitsAddress = false; // from now on it hears what is addressed to it
    if (this.#interface.has(ip)) return;
    // A routable address replaces a link-local one (RFC 3927 section 1.9).
    this.#linkLocalDid(this.#linkLocal.handle({ kind: 'stop' }, now), cause, now, sink);
    const prefix = { address: ip, length };
    this.#stack.addAddress(this.#interface, prefix, 'dhcp', now, sink, cause);
    if (router !== undefined) this.#route(router, now, sink, cause);
  }

  #linkLocalDid(
    outputs: readonly LinkLocalOutput[],
    cause: number,
    now: Instant,
    sink: Sink,
  ): void {
    for (const output of outputs) {
      switch (output.kind) {
        case 'arp':
          this.#sendArp(output.senderIp, output.targetIp, cause, sink);
          break;
        case 'claimed': {
          const prefix = { address: output.ip, length: linkLocalNetwork.length };
          this.#stack.addAddress(this.#interface, prefix, 'link-local', now, sink, cause);
          break;
        }
        case 'released':
          this.#stack.removeAddress(this.#interface, output.ip, now, sink, cause);
          break;
        case 'conflict':
        case 'defended':
          this.#tell(output.ip, output.kind, 'link-local', now, sink, cause, output.mac);
          break;
      }
    }
  }

  #giveUp(ip: Ipv4, cause: number, now: Instant, sink: Sink): void {
    if (!this.#interface.has(ip)) return;
    this.#stack.removeAddress(this.#interface, ip, now, sink, cause);
    this.#stack.removeRoutes(
      (route) => route.interface === this.#interface && route.via !== 0,
      now,
      sink,
      cause,
    );
  }

  #route(via: Ipv4, now: Instant, sink: Sink, cause: number): void {
    const prefix = { address: anyIpv4, length: 0 };
    const route = { prefix, kind: 'unicast', interface: this.#interface, via, metric: 0 } as const;
    this.#stack.addRoute(route, now, sink, cause);
  }

  #sendArp(senderIp: Ipv4, targetIp: Ipv4, cause: number, sink: Sink): void {
    sendArp(this.#interface, 1, 0xffff, -1, senderIp, 0, 0, targetIp, cause, sink);
  }

  #sendDhcp(
    source: Ipv4,
    to: 'broadcast' | Ipv4,
    payload: Payload,
    cause: number,
    now: Instant,
    sink: Sink,
  ): void {
    const destination = to === 'broadcast' ? broadcastIpv4 : to;
    const fields = { source, destination, protocol: protocolUdp, ttl: this.#stack.ttl };
    const id = this.#stack.nextIdentification();
    const frame = udpPacket(sink.frames, id, fields, clientPort, serverPort, payload);
    frame.cause = cause;
    if (to === 'broadcast') this.#stack.outputOn(this.#interface, broadcastIpv4, frame, now, sink);
    else this.#stack.output(frame, now, sink);
  }

  #tell(
    ip: Ipv4,
    change: 'tentative' | 'conflict' | 'defended',
    origin: AddressOrigin,
    now: Instant,
    sink: Sink,
    cause: number,
    mac?: Mac,
  ): void {
    const length = this.#plan.kind === 'static' ? this.#plan.prefix.length : 0;
    const common = { kind: 'address', interface: this.#interface.name } as const;
    const fact = { ...common, ip: showIpv4(ip), length, change, origin };
    const { name } = this.#stack;
    sink.log.tell(now, name, cause, mac === undefined ? fact : { ...fact, mac: showMac(mac) });
  }

  #tellLease(
    state: string,
    ip: Ipv4,
    server: Ipv4,
    until: Instant,
    now: Instant,
    sink: Sink,
    cause: number,
  ): void {
    sink.log.tell(now, this.#stack.name, cause, {
      kind: 'lease',
      role: 'client',
      state,
      ip: showIpv4(ip),
      mac: showMac(this.#interface.mac),
      server: showIpv4(server),
      until,
    });
  }
}
