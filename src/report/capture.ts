/**
 * The event log as a capture file: what a capture on every adapter at once would have shown, and
 * more than that, since each packet says which event it is and a dropped one why.
 */
import { utf8 } from '../base/bytes.ts';
import type { Instant } from '../base/time.ts';
import type { FrameDropped, FrameFlooded, FrameSent } from '../trace/event.ts';
import type { EventLog } from '../trace/log.ts';
import { reasons } from '../trace/reasons.ts';
import type { Ipv4, Mac } from '../wire/address.ts';
import { type Direction, packetLengthMax, wireguardKeyLogSecrets } from '../wire/pcapng/format.ts';
import { PcapngWriter } from '../wire/pcapng/write.ts';
import { type HandshakeKeys, wireguardKeyLog } from './key-log.ts';

/** A network adapter of a machine. The ports of switches are cables' ends, not adapters. */
export interface Adapter {
  /** As in the log: `web01.eth0`. */
  readonly label: string;
  readonly description: string;
  readonly mac: Mac;
  readonly ip?: Ipv4;
}

export interface CaptureOptions {
  /** What wrote the file: `standin 0.1.0`. */
  readonly application: string;
  /** Written to the file only where they are given. */
  readonly keys?: readonly HandshakeKeys[];
  /** Whole seconds from 1970 to the start of the log's time. */
  readonly startsAt?: number;
  /** More bytes than this are not written, and the packets left out are counted. */
  readonly sizeMax?: number;
}

export interface Capture {
  /** A whole pcapng file. */
  readonly bytes: Uint8Array;
  readonly packets: number;
  /** How many did not fit into `sizeMax`. */
  readonly leftOut: number;
}

const noDrops: readonly FrameDropped[] = [];
/** A frame flooded on a large network may be dropped by everybody; nobody reads more than this. */
const dropsShownMax = 8;

/**
 * Every frame of the log at every adapter: outbound when it was sent, inbound when it arrived, in
 * the order of time, then of events. A drop is told on the record of the adapter that dropped it;
 * where that is no adapter of the list, on the record that comes nearest: the receiver's, else the
 * sender's. A frame that its sender dropped was never received and has no inbound record.
 */
export function capture(
  log: EventLog,
  adapters: readonly Adapter[],
  options: CaptureOptions,
): Capture {
  const { application, keys = [], startsAt = 0, sizeMax = 2 ** 30 } = options;
  const bare = log.level === 'full' ? [] : ['The log was kept without the bytes of frames.'];
  const comments = ['Simulated: no packet of this file was on a real network.', ...bare];
  const writer = new PcapngWriter({
    hardware: 'simulated network',
    os: 'simulated machines',
    application,
    comments,
    startsAt,
    sizeMax,
  });
  const numbers = new Map<string, number>();
  for (const { label, description, mac } of adapters)
    numbers.set(label, writer.addInterface({ name: label, description, mac }));
  writer.addNames(
    adapters.flatMap(({ label, ip }) => (ip === undefined ? [] : [{ ip, name: machineOf(label) }])),
  );
  if (keys.length > 0) writer.addSecrets(wireguardKeyLogSecrets, utf8(wireguardKeyLog(keys)));
  let packets = 0;
  const records = new Records(log, numbers);
  for (const record of records.inOrder()) if (records.write(record, writer)) packets += 1;
  return { bytes: writer.bytes, packets, leftOut: writer.leftOut };
}

const machineOf = (label: string): string => label.slice(0, Math.max(label.lastIndexOf('.'), 0));

const describe = ({ id, port, reason }: FrameDropped): string =>
  `dropped at ${port}: ${reason}: ${reasons[reason].meaning} (event ${id})`;

/** The packets of the capture to be, as numbers: a log may have millions of frames. */
class Records {
  readonly #log: EventLog;
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #events: number[] = [];
  readonly #times: number[] = [];
  readonly #adapters: number[] = [];
  readonly #directions: Direction[] = [];
  /** Drops by the event that brought the frame there. */
  readonly #drops = new Map<number, FrameDropped[]>();
  #latest: (FrameSent | FrameFlooded) | undefined;
  #told: ReadonlyMap<number, readonly FrameDropped[]> = nothingTold;

  constructor(log: EventLog, numbers: ReadonlyMap<string, number>) {
    this.#log = log;
    this.#numbers = numbers;
    for (const event of log.events()) {
      if (event.kind !== 'drop' || event.cause < 0) continue;
      const others = this.#drops.get(event.cause);
      if (others === undefined) this.#drops.set(event.cause, [event]);
      else others.push(event);
    }
    for (const event of log.events()) {
      if (event.kind !== 'frame' && event.kind !== 'flood') continue;
      this.#add(event, event.from, event.at, 'outbound');
      if (this.#neverLeft(event)) continue;
      for (const to of receiversOf(event)) this.#add(event, to, event.arrives, 'inbound');
    }
  }

  /** At one moment events keep their order, and the sender of one comes before its receivers. */
  inOrder(): Uint32Array {
    const order = Uint32Array.from(this.#events.keys());
    const times = this.#times;
    const events = this.#events;
    return order.sort((a, b) => times[a]! - times[b]! || events[a]! - events[b]! || a - b);
  }

  write(record: number, writer: PcapngWriter): boolean {
    const event = this.#event(this.#events[record]!);
    const adapter = this.#adapters[record]!;
    const direction = this.#directions[record]!;
    const drops = this.#told.get(keyOf(adapter, direction)) ?? noDrops;
    const comments = [`event ${event.id}`, ...drops.slice(0, dropsShownMax).map(describe)];
    const more = drops.length - dropsShownMax;
    if (more > 0) comments.push(`and dropped ${more} more times`);
    const { bytes, length } = event;
    const kept = Math.min(bytes.length, packetLengthMax);
    const at = this.#times[record]! as Instant;
    return writer.packet(adapter, at, direction, bytes, 0, kept, length, comments);
  }

  #add(event: FrameSent | FrameFlooded, port: string, time: Instant, direction: Direction): void {
    const adapter = this.#numbers.get(port);
    if (adapter === undefined) return;
    this.#events.push(event.id);
    this.#times.push(time);
    this.#adapters.push(adapter);
    this.#directions.push(direction);
  }

  /** The records of one event mostly come one after another, so the latest is kept. */
  #event(id: number): FrameSent | FrameFlooded {
    if (this.#latest?.id === id) return this.#latest;
    const event = this.#log.read(id) as FrameSent | FrameFlooded;
    this.#latest = event;
    const drops = this.#drops.get(id);
    this.#told = drops === undefined ? nothingTold : this.#place(event, drops);
    return event;
  }

  #neverLeft(event: FrameSent | FrameFlooded): boolean {
    if (event.kind === 'flood') return false; // it left by the other ports
    return this.#drops.get(event.id)?.some((drop) => drop.port === event.from) ?? false;
  }

  /** On whose record each drop is told. */
  #place(
    event: FrameSent | FrameFlooded,
    drops: readonly FrameDropped[],
  ): ReadonlyMap<number, readonly FrameDropped[]> {
    const told = new Map<number, FrameDropped[]>();
    const receivers = new Set(receiversOf(event));
    for (const drop of drops) {
      const key = this.#nearest(event, receivers, drop.port);
      if (key === undefined) continue;
      const others = told.get(key);
      if (others === undefined) told.set(key, [drop]);
      else others.push(drop);
    }
    return told;
  }

  #nearest(
    event: FrameSent | FrameFlooded,
    receivers: ReadonlySet<string>,
    port: string,
  ): number | undefined {
    const inbound =
      event.kind === 'frame' && port !== event.from ? event.to : receivers.has(port) ? port : '';
    const receiver = this.#numbers.get(inbound);
    if (receiver !== undefined) return keyOf(receiver, 'inbound');
    const sender = this.#numbers.get(event.from);
    return sender === undefined ? undefined : keyOf(sender, 'outbound');
  }
}

const nothingTold: ReadonlyMap<number, readonly FrameDropped[]> = new Map();

const keyOf = (adapter: number, direction: Direction): number =>
  adapter * 2 + (direction === 'inbound' ? 1 : 0);

const receiversOf = (event: FrameSent | FrameFlooded): readonly string[] =>
  event.kind === 'frame' ? [event.to] : event.to;
