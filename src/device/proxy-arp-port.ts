/**
 * Joins a proxy-ARP daemon to the stack of its appliance: hears ARP on the segment, asks and
 * answers there, and talks to the other daemon through the tunnel.
 *
 * WireGuard carries IP packets only, so a question travels as an ARP packet inside a UDP datagram
 * between the two appliances' own addresses in the tunnel.
 */
import type { Frame } from '../base/frame.ts';
import { after, type Duration, earliest, type Instant } from '../base/time.ts';
import { arpReply, arpRequest, sendArp } from '../stack/arp.ts';
import type { Sink } from '../stack/device.ts';
import type { ArpFields, ArpWatcher, Interface } from '../stack/interface.ts';
import type { IpStack, Part } from '../stack/ip-stack.ts';
import { Payload } from '../stack/packet.ts';
import type { Datagram, UdpListener } from '../stack/udp.ts';
import { type Ipv4, type Mac, showIpv4, unknownMac } from '../wire/address.ts';
import { decodeArp, encodeArp } from '../wire/arp.ts';
import { Malformed } from '../wire/malformed.ts';
import type { ProxyArp, ProxyInput, ProxyOutput } from './proxy-arp.ts';

type Answer = Extract<ProxyOutput, { kind: 'answer' }>;

export class ProxyArpPort implements ArpWatcher, UdpListener, Part {
  readonly daemon: ProxyArp;
  readonly #network: string;
  readonly #stack: IpStack;
  readonly #segment: Interface;
  readonly #tunnel: Interface;
  readonly #far: Ipv4;
  readonly #udpPort: number;
  /** The process hears nothing and says nothing until it is told of an address, which starts it anew. */
  #hung = false;
  readonly #answersAfter: Duration;
  /** Answers that are not due yet, in order. */
  #answers: { readonly due: Instant; readonly answer: Answer; readonly cause: number }[] = [];

  constructor(options: {
    readonly daemon: ProxyArp;
    readonly network: string;
    readonly stack: IpStack;
    readonly segment: Interface;
    readonly tunnel: Interface;
    /** The other appliance's address in the tunnel, and the port that both daemons use. */
    readonly far: Ipv4;
    readonly udpPort: number;
    readonly answersAfter: Duration;
  }) {
    this.daemon = options.daemon;
    this.#network = options.network;
    this.#stack = options.stack;
    this.#segment = options.segment;
    this.#tunnel = options.tunnel;
    this.#far = options.far;
    this.#udpPort = options.udpPort;
    this.#answersAfter = options.answersAfter;
  }

  start(): void {
    this.#segment.watch(this);
    this.#stack.udp.listen(this.#udpPort, this);
    this.#stack.attach(this);
  }

  stop(): void {
    this.#segment.unwatch(this);
    this.#stack.udp.leave(this.#udpPort);
    this.#stack.detach(this);
  }

  hang(hung: boolean, sink: Sink): void {
    this.#hung = hung;
    this.#stack.arm(sink);
  }

  adopt(ip: Ipv4, now: Instant, sink: Sink, cause: number): void {
    this.#hung = false;
    this.#tellEntry(ip, 'added', now, sink, cause);
    this.#feed({ kind: 'adopt', ip }, cause, now, sink);
  }

  withdraw(ip: Ipv4, owner: Mac | undefined, now: Instant, sink: Sink, cause: number): void {
    this.#hung = false;
    this.#feed({ kind: 'withdraw', ip, owner }, cause, now, sink);
    this.#tellEntry(ip, 'removed', now, sink, cause);
  }

  arp(fields: ArpFields, _from: Interface, frame: Frame, now: Instant, sink: Sink): boolean {
    if (this.#hung) return false;
    const { operation, senderIp, senderMac, targetIp } = fields;
    if (senderIp !== 0)
      this.#feed({ kind: 'heard', ip: senderIp, mac: senderMac }, frame.cause, now, sink);
    if (operation === arpRequest && !this.#segment.has(targetIp))
      this.#feed({ kind: 'asked', target: targetIp, senderIp, senderMac }, frame.cause, now, sink);
    return false; // what it tells of its sender is for the neighbour table too
  }

  datagram(datagram: Datagram, now: Instant, sink: Sink): void {
    const { frame, from } = datagram;
    if (this.#hung) {
      this.#stack.ends(frame, 'DAEMON_HUNG', from, sink);
      return;
    }
    if (from !== this.#tunnel || datagram.source !== this.#far) {
      this.#stack.ends(frame, 'MARTIAN', from, sink); // not the other daemon, whoever it is
      return;
    }
    const arp = decodeArp(datagram.payload);
    if (arp instanceof Malformed) {
      this.#stack.ends(frame, 'MALFORMED', from, sink);
      return;
    }
    const input: ProxyInput =
      arp.operation === 'request'
        ? { kind: 'far-asks', target: arp.targetIp, senderIp: arp.senderIp }
        : { kind: 'far-answers', ip: arp.senderIp, mac: arp.senderMac };
    this.#feed(input, frame.cause, now, sink);
  }

  wake(now: Instant, sink: Sink): void {
    const due = this.#answers.filter((one) => one.due <= now);
    this.#answers = this.#answers.filter((one) => one.due > now);
    for (const { answer, cause } of due) this.#answer(answer, cause, sink);
    this.#carryOut(this.daemon.wake(now), -1, now, sink);
  }

  nextWake(): Instant | undefined {
    return this.#hung ? undefined : earliest(this.daemon.nextWake(), this.#answers[0]?.due);
  }

  #feed(input: ProxyInput, cause: number, now: Instant, sink: Sink): void {
    this.#carryOut(this.daemon.handle(input, now), cause, now, sink);
    this.#stack.arm(sink);
  }

  #carryOut(outputs: readonly ProxyOutput[], cause: number, now: Instant, sink: Sink): void {
    // A decision comes after what is done about it, and is its cause: so it is written first.
    let done = 0;
    outputs.forEach((output, i) => {
      if (output.kind !== 'decided') return;
      const id = this.#tellDecision(output, now, sink, cause);
      while (done < i) this.#do(outputs[done++]!, id >= 0 ? id : cause, now, sink);
      done += 1;
    });
  }

  #do(output: ProxyOutput, cause: number, now: Instant, sink: Sink): void {
    const segment = this.#segment;
    switch (output.kind) {
      case 'answer':
        if (this.#answersAfter === 0) this.#answer(output, cause, sink);
        else this.#answers.push({ due: after(now, this.#answersAfter), answer: output, cause });
        break;
      case 'ask':
        sendArp(segment, arpRequest, 0xffff, -1, segment.ip, 0, 0, output.target, cause, sink);
        break;
      case 'announce':
        this.#announce(output.ip, output.owner, cause, sink);
        break;
      case 'ask-far':
        this.#tellFar('request', output.senderIp, unknownMac, output.target, cause, now, sink);
        break;
      case 'answer-far':
        this.#tellFar('reply', output.ip, output.mac, 0 as Ipv4, cause, now, sink);
        break;
      case 'decided':
        break;
    }
  }

  #answer({ ip, to }: Answer, cause: number, sink: Sink): void {
    const [high, low] = halves(to.mac);
    sendArp(this.#segment, arpReply, high, low, ip, high, low, to.ip, cause, sink);
  }

  /** A gratuitous request: every neighbour that knows the address learns where it is now (RFC 5227 section 3). */
  #announce(ip: Ipv4, owner: Mac | undefined, cause: number, sink: Sink): void {
    const segment = this.#segment;
    if (owner === undefined) {
      sendArp(segment, arpRequest, 0xffff, -1, ip, 0, 0, ip, cause, sink);
      return;
    }
    // On behalf of the owner, as our last word about the address: sent by us, naming its adapter.
    const frame = sink.frames.allocate(42);
    const arp = {
      operation: 'request',
      senderMac: owner,
      senderIp: ip,
      targetMac: unknownMac,
      targetIp: ip,
    } as const;
    const { words, start } = frame;
    words.setUint16(start, 0xffff);
    words.setInt32(start + 2, -1);
    words.setUint16(start + 6, segment.macHigh);
    words.setInt32(start + 8, segment.macLow);
    words.setUint16(start + 12, 0x0806);
    frame.memory.set(encodeArp(arp), start + 14);
    frame.cause = cause;
    sink.send(segment.port!, frame);
  }

  #tellFar(
    operation: 'request' | 'reply',
    senderIp: Ipv4,
    senderMac: Mac,
    targetIp: Ipv4,
    cause: number,
    now: Instant,
    sink: Sink,
  ): void {
    const bytes = encodeArp({ operation, senderMac, senderIp, targetMac: unknownMac, targetIp });
    const port = this.#udpPort;
    this.#stack.udp.send(this.#far, port, port, new Payload(bytes), now, sink, cause);
  }

  #tellDecision(
    output: Extract<ProxyOutput, { kind: 'decided' }>,
    now: Instant,
    sink: Sink,
    cause: number,
  ): number {
    const { side, decision, because } = output;
    const fact = {
      kind: 'proxy-decision',
      network: this.#network,
      side,
      ip: showIpv4(output.ip),
      asker: showIpv4(output.asker),
      decision,
    } as const;
    return sink.log.tell(
      now,
      this.#stack.name,
      cause,
      because === undefined ? fact : { ...fact, because },
    );
  }

  #tellEntry(ip: Ipv4, change: 'added' | 'removed', now: Instant, sink: Sink, cause: number): void {
    const fact = { kind: 'proxy-entry', network: this.#network, ip: showIpv4(ip), change } as const;
    sink.log.tell(now, this.#stack.name, cause, fact);
  }
}

const halves = (mac: Mac): [number, number] => [Math.floor(mac / 2 ** 32), (mac % 2 ** 32) | 0];
