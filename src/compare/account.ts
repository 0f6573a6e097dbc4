/** One run, read once: its frames decoded, its steps, its probes and what led to what. */
import type { Instant } from '../base/time.ts';
import { isCrossing } from '../explain/tree.ts';
import type { Fact, FrameFlooded, FrameSent, PacketTunnelled, TraceEvent } from '../trace/event.ts';
import type { EventLog } from '../trace/log.ts';
import type { RunResult } from '../trace/result.ts';
import { showIpv4 } from '../wire/address.ts';
import { type Arp, decodeArp } from '../wire/arp.ts';
import { decodeEthernet, type Ethernet, etherType } from '../wire/ethernet.ts';
import { decodeIpv4, type Ipv4Packet } from '../wire/ipv4.ts';
import { Malformed } from '../wire/malformed.ts';

/** What is compared: a result, and the log that it comes from. */
export interface Run {
  readonly result: RunResult;
  readonly log: Pick<EventLog, 'events'>;
}

export type Told<K extends Fact['kind']> = Extract<TraceEvent, { kind: K }>;

/** A frame that a machine put on its cable. What switches hand on is not counted again. */
export interface Sent {
  readonly event: FrameSent | FrameFlooded;
  readonly step: number;
  readonly ethernet: Ethernet;
  readonly arp: Arp | undefined;
  readonly packet: Ipv4Packet | undefined;
}

/** A frame that reached a machine for which it was. */
export interface Arrived extends Sent {
  readonly port: string;
  readonly node: string;
  /** The machine had the address that the packet was for. */
  readonly isFinal: boolean;
}

/** What belongs to one probe, in order. */
export type Share =
  | { readonly kind: 'sent'; readonly sent: Sent }
  | { readonly kind: 'arrived'; readonly arrived: Arrived }
  | { readonly kind: 'tunnelled'; readonly event: PacketTunnelled; readonly step: number };

/** A probe, and what it sent, each by itself, by the event that says so. */
export interface Asked {
  readonly told: Told<'probe'>;
  readonly echoes: Map<
    number,
    { readonly sent: Told<'probe'>; readonly step: number; readonly shares: Share[] }
  >;
}

export interface StepSpan {
  readonly number: number;
  readonly title: string;
  readonly ends: Instant;
  /** The step after it does something to the lab, rather than look at it. */
  readonly thenChanges: boolean;
}

export class Account {
  readonly result: RunResult;
  readonly steps: StepSpan[] = [];
  readonly sent: Sent[] = [];
  readonly probes = new Map<number, Asked>();
  readonly facts: (Told<Fact['kind']> & { readonly step: number })[] = [];
  readonly #events = new Map<number, TraceEvent>();
  readonly #roots = new Map<number, Told<'probe'>>();
  /** TCP probes that have their outcome. */
  readonly #decided = new Set<number>();
  readonly #afterthoughts = new Set<number>();
  /** All that is no switch. */
  readonly #machines = new Set<string>();
  readonly #owners = new Map<string, string>();
  readonly #held = new Set<string>();
  /** Frames that ended where they were not meant for: event and port. */
  readonly #strays = new Set<string>();

  constructor({ result, log }: Run) {
    this.result = result;
    const events = [...log.events()];
    for (const event of events) this.#survey(event);
    let [step, title] = [0, 'before the first step'];
    let last = 0 as Instant;
    for (const event of events) {
      if (event.kind === 'step') {
        const thenChanges = result.steps.some(
          ({ number, expectations }) => number === event.number && expectations.length === 0,
        );
        this.steps.push({ number: step, title, ends: event.at, thenChanges });
        ({ number: step, title } = event);
      }
      this.#take(event, step);
      last = event.at;
    }
    this.steps.push({ number: step, title, ends: last, thenChanges: true });
  }

  titleOf(step: number): string {
    return this.steps.find(({ number }) => number === step)?.title ?? '';
  }

  event(id: number): TraceEvent | undefined {
    return this.#events.get(id);
  }

  /**
   * It came of a connection that had told its outcome: how it closes is compared in its shape, and what
   * else that brings about is cut short by whatever the scenario does next.
   */
  isAfterthought(id: number): boolean {
    return this.#afterthoughts.has(id);
  }

  /** What led to an event, the nearest first. */
  *causesOf(id: number): Generator<number> {
    for (let one = this.#events.get(id); one !== undefined; one = this.#events.get(one.cause))
      if (one.id !== id) yield one.id;
  }

  /** The nearest frame among an event and what led to it. */
  frameBehind(id: number): number | undefined {
    for (const one of [id, ...this.causesOf(id)])
      if (isCrossing(this.#events.get(one)!)) return one;
    return undefined;
  }

  /** The machine that a port such as `hq.gateway.eth0` is on. Names of machines may have dots in them. */
  nodeOf(port: string): string {
    let node = this.#owners.get(port);
    if (node !== undefined) return node;
    node = port.slice(0, Math.max(0, port.lastIndexOf('.')));
    while (node !== '' && !this.#machines.has(node) && node.includes('.'))
      node = node.slice(0, node.lastIndexOf('.'));
    this.#owners.set(port, node);
    return node;
  }

  /** What must be known before anything is read. */
  #survey(event: TraceEvent): void {
    this.#events.set(event.id, event);
    if (event.kind === 'machine' && event.role !== 'switch') this.#machines.add(event.node);
    if (event.kind === 'frame') this.#owners.set(event.from, event.node);
    if (event.kind === 'drop' && event.reason === 'NOT_FOR_US')
      this.#strays.add(`${event.cause} ${event.port}`);
  }

  #take(event: TraceEvent, step: number): void {
    const before = this.#roots.get(event.cause);
    if (before !== undefined) {
      this.#roots.set(event.id, before);
      if (this.#decided.has(before.probe)) this.#afterthoughts.add(event.id);
    }
    if (event.kind === 'drop') return;
    if (isCrossing(event)) this.#cross(event, step, before);
    else if (event.kind === 'packet') {
      if (before !== undefined) this.#give(before, { kind: 'tunnelled', event, step });
    } else this.#learn(event, step, before);
  }

  #learn(event: Told<Fact['kind']>, step: number, before: Told<'probe'> | undefined): void {
    this.facts.push({ ...event, step });
    if (event.kind === 'probe' && event.protocol === 'tcp' && event.what !== 'sent')
      this.#decided.add(event.probe);
    if (event.kind === 'probe' && before === undefined) {
      this.#roots.set(event.id, event);
      let asked = this.probes.get(event.probe);
      if (asked === undefined)
        this.probes.set(event.probe, (asked = { told: event, echoes: new Map() }));
      asked.echoes.set(event.id, { sent: event, step, shares: [] });
    } else if (event.kind === 'address') {
      const key = `${event.node} ${event.ip}`;
      if (event.change === 'added') this.#held.add(key);
      else if (event.change === 'removed') this.#held.delete(key);
    }
  }

  #cross(event: FrameSent | FrameFlooded, step: number, root: Told<'probe'> | undefined): void {
    const decoded = this.#decode(event.bytes);
    if (decoded === undefined) return;
    const sent: Sent = { event, step, ...decoded };
    if (this.#machines.has(event.node)) {
      this.sent.push(sent);
      if (root !== undefined) this.#give(root, { kind: 'sent', sent });
    }
    if (root === undefined || decoded.packet === undefined) return;
    const destination = showIpv4(decoded.packet.destination);
    for (const port of event.kind === 'frame' ? [event.to] : event.to) {
      const node = this.nodeOf(port);
      if (!this.#machines.has(node) || this.#strays.has(`${event.id} ${port}`)) continue;
      const isFinal = this.#held.has(`${node} ${destination}`);
      this.#give(root, { kind: 'arrived', arrived: { ...sent, port, node, isFinal } });
    }
  }

  #give(root: Told<'probe'>, share: Share): void {
    this.probes.get(root.probe)?.echoes.get(root.id)?.shares.push(share);
  }

  #decode(bytes: Uint8Array): Omit<Sent, 'event' | 'step'> | undefined {
    const ethernet = decodeEthernet(bytes);
    if (ethernet instanceof Malformed) return undefined;
    const arp = ethernet.type === etherType.arp ? decodeArp(ethernet.payload) : undefined;
    const packet = ethernet.type === etherType.ipv4 ? decodeIpv4(ethernet.payload) : undefined;
    return {
      ethernet,
      arp: arp instanceof Malformed ? undefined : arp,
      packet: packet instanceof Malformed ? undefined : packet,
    };
  }
}
