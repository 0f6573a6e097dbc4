/** What people ask of a machine, asked of a kernel: by an agent in its namespace. */
import type { Frame } from '../base/frame.ts';
import type { Sequence } from '../base/sequence.ts';
import { after, type Instant } from '../base/time.ts';
import { type PingOrder, Probes } from '../device/probes.ts';
import type { TcpPart } from '../device/tcp-part.ts';
import type { Sink } from '../stack/device.ts';
import { reasonOf } from '../stack/icmp.ts';
import type { ArpFields, Interface } from '../stack/interface.ts';
import {
  echoPacket,
  type IpFields,
  Payload,
  packetAround,
  protocolIcmp,
  protocolTcp,
  protocolUdp,
  transportAt,
} from '../stack/packet.ts';
import { showEndpoint } from '../stack/tcp/messages.ts';
import type { Fact } from '../trace/event.ts';
import type { Reason } from '../trace/reasons.ts';
import { type Ipv4, showIpv4 } from '../wire/address.ts';
import { encodeTcp, tcpFlag } from '../wire/tcp.ts';
import type { Answer, Echo } from './agent-words.ts';
import type { KernelStack } from './kernel-stack.ts';

type ProbeFact = Extract<Fact, { kind: 'probe' }>;

interface Ping extends PingOrder {
  readonly identifier: number;
  sequence: number;
  next: Instant | undefined;
  /** By sequence number, the fact that it was sent. */
  readonly sent: Map<number, number>;
}

interface Wait {
  readonly probe: number;
  readonly to: Ipv4;
  readonly port: number;
  readonly cause: number;
  readonly expect: number;
}

/** What the system says when it cannot send, or was told by ICMP; `raw-socket` says it in words. */
const errors: Readonly<Record<string, Reason>> = {
  'Message too long': 'FRAGMENTATION_NEEDED',
  'Network is unreachable': 'NO_ROUTE',
  'No route to host': 'ARP_UNANSWERED',
  'Operation not permitted': 'FIREWALL_BLOCKED',
  ENETUNREACH: 'NO_ROUTE',
  EHOSTUNREACH: 'ARP_UNANSWERED',
  EMSGSIZE: 'FRAGMENTATION_NEEDED',
  ECONNREFUSED: 'TCP_REFUSED',
  ETIMEDOUT: 'TCP_TIMEOUT',
  ECONNRESET: 'TCP_ABORTED',
  ENOPROTOOPT: 'PROTOCOL_UNREACHABLE',
  EACCES: 'FIREWALL_BLOCKED',
  EPERM: 'FIREWALL_BLOCKED',
};

export class KernelProbes extends Probes {
  readonly #stack: KernelStack;
  readonly #echoes = new Map<number, Ping>();
  readonly #byIdentifier = new Map<number, Ping>();
  readonly #waits = new Map<number, Wait>();
  #numbers = 0;
  #listens = false;
  /** Waits for an agent to begin: by the number of a connection, or `ping 7` for the first of a ping. */
  readonly #beginnings = new Map<string, () => void>();

  constructor(stack: KernelStack, tcp: TcpPart) {
    super(stack, tcp);
    this.#stack = stack;
  }

  override ping(order: PingOrder, now: Instant, sink: Sink): void {
    this.#numbers = (this.#numbers % 0xffff) + 1;
    const identifier = this.#numbers;
    const ping: Ping = { ...order, identifier, sequence: 0, next: now, sent: new Map() };
    this.#echoes.set(order.probe, ping);
    this.#byIdentifier.set(identifier, ping);
    this.#send(ping, now, sink);
    this.#hold(`ping ${identifier}`);
    this.#stack.arm(sink);
  }

  override stopSending(probe: number): void {
    const ping = this.#echoes.get(probe);
    if (ping !== undefined) ping.next = undefined;
  }

  override stopPing(probe: number): void {
    const ping = this.#echoes.get(probe);
    if (ping === undefined) return;
    this.#echoes.delete(probe);
    this.#byIdentifier.delete(ping.identifier);
  }

  /** The kernel asks its neighbours now and then as well: what answers that is no answer to us. */
  override arp(
    fields: ArpFields,
    from: Interface,
    frame: Frame,
    now: Instant,
    sink: Sink,
  ): boolean {
    const { questions } = this.#stack;
    let cause = frame.cause;
    while (cause >= 0 && !questions.has(cause)) cause = sink.log.causeOf(cause);
    return cause < 0 && super.arp(fields, from, frame, now, sink);
  }

  override connect(
    probe: number,
    to: Ipv4,
    port: number,
    send: number,
    expect: number,
    now: Instant,
    sink: Sink,
  ): void {
    const cause = this.#tell(probe, 'tcp', 'sent', port, to, now, sink, -1, {});
    const id = this.#wait({ probe, to, port, cause, expect });
    this.#stack.witness.intend({ at: now, cause, protocol: protocolTcp, to, mark: port });
    this.#ask().ask({ ask: 'tcp', id, to: showIpv4(to), port, send, expect });
    this.#hold(`${id}`);
  }

  override udp(probe: number, to: Ipv4, port: number, now: Instant, sink: Sink): void {
    const cause = this.#tell(probe, 'udp', 'sent', port, to, now, sink, -1, {});
    const id = this.#wait({ probe, to, port, cause, expect: 0 });
    this.#stack.witness.intend({ at: now, cause, protocol: protocolUdp, to, mark: port });
    this.#ask().ask({ ask: 'udp', id, to: showIpv4(to), port });
    this.#hold(`${id}`);
  }

  override wake(now: Instant, sink: Sink): void {
    super.wake(now, sink);
    for (const ping of this.#echoes.values())
      if (ping.next !== undefined && ping.next <= now) this.#send(ping, now, sink);
  }

  override nextWake(): Instant | undefined {
    let next: Instant | undefined = super.nextWake();
    for (const ping of this.#echoes.values())
      if (ping.next !== undefined && (next === undefined || ping.next < next)) next = ping.next;
    return next;
  }

  #ask() {
    const { agent } = this.#stack;
    if (!this.#listens) agent.listen((answer) => this.#hear(answer));
    this.#listens = true;
    return agent;
  }

  /** A process takes its time to start, and an attempt begins when it is made: until then the lab waits. */
  #hold(name: string): void {
    const begun = new Promise<void>((resolve) => this.#beginnings.set(name, resolve));
    this.#stack.ground.hold(Promise.race([begun, this.#ask().ended]));
  }

  #begun(name: string): void {
    this.#beginnings.get(name)?.();
    this.#beginnings.delete(name);
  }

  #wait(wait: Wait): number {
    this.#numbers += 1;
    this.#waits.set(this.#numbers, wait);
    return this.#numbers;
  }

  #send(ping: Ping, now: Instant, sink: Sink): void {
    ping.sequence += 1;
    ping.next = after(now, ping.every);
    const { probe, to, size, identifier, sequence, whole = false } = ping;
    const cause = this.#tell(probe, 'ping', 'sent', sequence, to, now, sink, -1, {});
    ping.sent.set(sequence, cause);
    const mark = sequence & 0xffff;
    this.#stack.witness.intend({ at: now, cause, protocol: protocolIcmp, to, mark });
    this.#ask().ask({ ask: 'echo', identifier, sequence, to: showIpv4(to), size, whole });
  }

  #hear(answer: Answer): void {
    const { sink } = this.#stack.ground;
    const now = this.#stack.ground.catchUp();
    if (answer.what === 'echo') this.#begun(`ping ${answer.identifier}`);
    else if ('id' in answer) this.#begun(`${answer.id}`);
    if (answer.what === 'echo') this.#hearEcho(answer, now, sink);
    else if (answer.what === 'tcp') this.#hearTcp(answer, now, sink);
    else if (answer.what === 'udp') this.#hearUdp(answer, now, sink);
  }

  #hearEcho({ identifier, sequence, outcome }: Echo, now: Instant, sink: Sink): void {
    const ping = this.#byIdentifier.get(identifier);
    const sent = ping?.sent.get(sequence);
    if (ping === undefined || sent === undefined || outcome.kind === 'sent') return;
    const { probe, to } = ping;
    if (outcome.kind === 'reply') {
      const cause = this.#replyFrom(to, sequence) ?? sent;
      this.#tell(probe, 'ping', 'answered', sequence, to, now, sink, cause, { value: outcome.ttl });
      return;
    }
    const because =
      outcome.kind === 'icmp'
        ? reasonOf(outcome.type, outcome.code)
        : this.#because(outcome.error, 'ARP_UNANSWERED');
    const complaint = outcome.kind === 'icmp' ? this.#complaint(sequence) : undefined;
    // Told by nobody on the wire: it waited here, in vain.
    if (complaint === undefined && because === 'ARP_UNANSWERED')
      this.#endsHere(to, sent, sink, (fields) => this.#echo(ping, sequence, fields, sink));
    const cause = complaint ?? sent;
    this.#tell(probe, 'ping', 'error', sequence, to, now, sink, cause, { because });
  }

  /** A packet that never left, as the kernel would have sent it. */
  #endsHere(to: Ipv4, cause: number, sink: Sink, made: (fields: IpFields) => Frame): void {
    const stack = this.#stack;
    const source = stack.sourceTowards(to);
    const port = stack.interfaces.find(({ ip }) => ip === source)?.port;
    if (port === undefined) return;
    const { ttl } = stack;
    const frame = made({
      source,
      destination: to,
      protocol: protocolIcmp,
      ttl,
      dontFragment: true,
    });
    frame.cause = cause;
    sink.drop(port, frame, 'ARP_UNANSWERED');
  }

  #echo({ identifier, size }: Ping, sequence: number, fields: IpFields, { frames }: Sink): Frame {
    const payload = new Payload(new Uint8Array(size));
    return echoPacket(frames, 0, fields, identifier, sequence & 0xffff, payload);
  }

  /** Its ports and numbers are the kernel's, and nobody knows them. */
  #syn(port: number, fields: IpFields, { frames }: Sink): Frame {
    const segment = {
      sourcePort: 0,
      destinationPort: port,
      sequence: 0 as Sequence,
      acknowledgment: 0 as Sequence,
      flags: tcpFlag.syn,
      window: 0,
      urgent: 0,
      options: [],
      payload: new Uint8Array(0),
    };
    const bytes = encodeTcp(segment, fields.source, fields.destination);
    return packetAround(frames, bytes, 0, { ...fields, protocol: protocolTcp });
  }

  /** Somebody on the wire said that what was sent to an address could not be delivered. */
  #wasTold(to: Ipv4): boolean {
    const told = this.#stack.witness.find(({ protocol, frame }) => {
      if (protocol !== protocolIcmp) return false;
      const at = frame.start + transportAt(frame);
      return [3, 11].includes(frame.memory[at]!) && frame.words.getInt32(at + 8 + 16) === to;
    });
    return told !== undefined;
  }

  #hearTcp(
    { id, received, acknowledged, error }: Extract<Answer, { what: 'tcp' }>,
    now: Instant,
    sink: Sink,
  ): void {
    const wait = this.#take(id);
    if (wait === undefined) return;
    const { probe, to, port, cause, expect } = wait;
    const value = received + acknowledged;
    this.#noteConnection(wait, now, sink);
    if (error === undefined && received >= expect) {
      this.#tell(probe, 'tcp', 'answered', port, to, now, sink, cause, { value });
      return;
    }
    const because = this.#because(error ?? 'ETIMEDOUT', 'TCP_TIMEOUT');
    if (because === 'ARP_UNANSWERED' && !this.#wasTold(to))
      this.#endsHere(to, cause, sink, (fields) => this.#syn(port, fields, sink));
    const unsent = because === 'NO_ADDRESS' || because === 'NO_ROUTE';
    const what = error === 'ECONNREFUSED' ? 'refused' : unsent ? 'error' : 'timeout';
    this.#tell(probe, 'tcp', what, port, to, now, sink, cause, { value, because });
  }

  #hearUdp({ id, error }: Extract<Answer, { what: 'udp' }>, now: Instant, sink: Sink): void {
    const wait = this.#take(id);
    if (wait === undefined) return;
    const { probe, to, port, cause } = wait;
    if (error === undefined) {
      const reply = this.#stack.witness.find(
        ({ protocol, source, frame }) =>
          protocol === protocolUdp &&
          source === to &&
          frame.words.getUint16(frame.start + transportAt(frame)) === port,
      );
      const by = reply?.cause ?? cause;
      this.#tell(probe, 'udp', 'answered', port, to, now, sink, by, {});
    } else if (error === 'ETIMEDOUT')
      this.#tell(probe, 'udp', 'timeout', port, to, now, sink, cause, {});
    else {
      const because =
        error === 'ECONNREFUSED' ? 'PORT_CLOSED' : this.#because(error, 'ARP_UNANSWERED');
      const what = because === 'PORT_CLOSED' ? 'refused' : 'error';
      this.#tell(probe, 'udp', what, port, to, now, sink, cause, { because });
    }
  }

  #take(id: number): Wait | undefined {
    const wait = this.#waits.get(id);
    this.#waits.delete(id);
    return wait;
  }

  /** Where the handshake was answered, the connection stood: the way of its first packets is its way. */
  #noteConnection({ to, port }: Wait, now: Instant, sink: Sink): void {
    const accepted = this.#stack.witness.find(({ protocol, source, frame }) => {
      if (protocol !== protocolTcp || source !== to) return false;
      const at = frame.start + transportAt(frame);
      return frame.words.getUint16(at) === port && (frame.memory[at + 13]! & 0x12) === 0x12;
    });
    if (accepted === undefined) return;
    const { frame, destination } = accepted;
    const local = frame.words.getUint16(frame.start + transportAt(frame) + 2);
    sink.log.tell(now, this.#stack.name, accepted.cause, {
      kind: 'connection',
      protocol: 'tcp',
      local: showEndpoint({ address: destination, port: local }),
      remote: showEndpoint({ address: to, port }),
      state: 'ESTABLISHED',
    });
  }

  #replyFrom(to: Ipv4, sequence: number): number | undefined {
    return this.#stack.witness.find(({ protocol, source, frame }) => {
      if (protocol !== protocolIcmp || source !== to) return false;
      const at = frame.start + transportAt(frame);
      return frame.memory[at] === 0 && frame.words.getUint16(at + 6) === (sequence & 0xffff);
    })?.cause;
  }

  /** The ICMP error that quotes an echo request of ours. */
  #complaint(sequence: number): number | undefined {
    return this.#stack.witness.find(({ protocol, frame }) => {
      if (protocol !== protocolIcmp) return false;
      const at = frame.start + transportAt(frame);
      const quoted = at + 8 + (frame.memory[at + 8]! & 15) * 4;
      return (
        [3, 11, 12].includes(frame.memory[at]!) &&
        quoted + 8 <= frame.start + frame.length &&
        frame.words.getUint16(quoted + 6) === (sequence & 0xffff)
      );
    })?.cause;
  }

  #because(error: string, otherwise: Reason): Reason {
    const named = errors[error] ?? otherwise;
    // Without any address there is no way either, and that is what is wrong.
    const bare = this.#stack.interfaces.every(({ ip }) => ip === 0);
    return named === 'NO_ROUTE' && bare ? 'NO_ADDRESS' : named;
  }

  #tell(
    probe: number,
    protocol: ProbeFact['protocol'],
    what: ProbeFact['what'],
    sequence: number,
    to: Ipv4,
    now: Instant,
    sink: Sink,
    cause: number,
    more: { readonly value?: number; readonly because?: Reason },
  ): number {
    const fact = { kind: 'probe', probe, protocol, what, sequence, to: showIpv4(to), ...more };
    return sink.log.tell(now, this.#stack.name, cause, fact as ProbeFact);
  }
}
