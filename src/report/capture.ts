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
  /** What leads out of the lab has none. */
  readonly mac?: Mac;
  readonly ip?: Ipv4;
}

export interface CaptureOptions {
  /** What wrote the file: `standin 0.1.0`. */
  readonly application: string;
  /** Some of it was on real networks as well. */
  readonly attached?: boolean;
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

/** How far back a drop looks for a record to be told on: more steps than a path has. */
const stepsMax = 64;
const none: readonly number[] = [];
/** A frame flooded on a large network may be dropped by everybody; nobody reads more than this. */
const dropsShownMax = 8;

/**
 * Every frame of the log at every adapter: outbound when it was sent, inbound when it arrived, in
 * the order of time, then of events. A frame that was lost on its way has no inbound record.
 *
 * A drop is told on the record of the adapter that received the frame; where there is none, on the
 * last record before it: who sent the frame, or the frame that led to it.
 *
 * The log knows when a frame was due and what was sent. A link that delays some frames longer or
 * changes their bytes does so after that, so such a frame is shown as it should have arrived.
 */
export function capture(
  log: EventLog,
  adapters: readonly Adapter[],
  options: CaptureOptions,
): Capture {
  const { application, attached = false, keys = [], startsAt = 0, sizeMax = 2 ** 30 } = options;
  const bare = log.level === 'full' ? [] : ['The log was kept without the bytes of frames.'];
  const where = attached
    ? 'Simulated, but for what attachments show: that was on a real network too.'
    : 'Simulated: no packet of this file was on a real network.';
  const comments = [where, ...bare];
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
    numbers.set(
      label,
      writer.addInterface({ name: label, description, ...(mac !== undefined && { mac }) }),
    );
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

type Crossing = FrameSent | FrameFlooded;

/** The packets of the capture to be, as numbers: a log may have millions of frames. */
class Records {
  readonly #log: EventLog;
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #events: number[] = [];
  readonly #times: number[] = [];
  readonly #adapters: number[] = [];
  readonly #directions: Direction[] = [];
  /** Ids of drops, by the record that they are told on. */
  readonly #told = new Map<number, number[]>();
  /** Inbound records that are not to be: the frame was lost before. */
  readonly #lost = new Set<number>();
  /** The records of one event mostly come one after another, so the latest is kept. */
  #latest: Crossing | undefined;

  constructor(log: EventLog, numbers: ReadonlyMap<string, number>) {
    this.#log = log;
    this.#numbers = numbers;
    for (const event of log.events()) if (event.kind === 'drop') this.#place(event);
    for (const event of log.events()) {
      if (event.kind !== 'frame' && event.kind !== 'flood') continue;
      this.#add(event, event.from, event.at, 'outbound');
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
    const id = this.#events[record]!;
    if (this.#latest?.id !== id) this.#latest = this.#log.read(id) as Crossing;
    const { bytes, length } = this.#latest;
    const adapter = this.#adapters[record]!;
    const direction = this.#directions[record]!;
    const drops = this.#told.get(this.#key(id, adapter, direction)) ?? none;
    const shown = drops.slice(0, dropsShownMax).map((drop) => this.#describe(drop));
    const more = drops.length - dropsShownMax;
    if (more > 0) shown.push(`and dropped ${more} more times`);
    const kept = Math.min(bytes.length, packetLengthMax);
    const at = this.#times[record]! as Instant;
    const comments = [`event ${id}`, ...shown];
    return writer.packet(adapter, at, direction, bytes, 0, kept, length, comments);
  }

  #add(event: Crossing, port: string, time: Instant, direction: Direction): void {
    const adapter = this.#numbers.get(port);
    if (adapter === undefined) return;
    if (direction === 'inbound' && this.#lost.has(this.#key(event.id, adapter, direction))) return;
    this.#events.push(event.id);
    this.#times.push(time);
    this.#adapters.push(adapter);
    this.#directions.push(direction);
  }

  /** Finds the record to tell a drop on, and the records that the drop takes away. */
  #place(drop: FrameDropped): void {
    let event = this.#crossing(drop.cause);
    if (event === undefined) return;
    const receiver = event.kind === 'frame' ? event.to : drop.port;
    const arrived = drop.port !== event.from && drop.at >= event.arrives;
    if (arrived) {
      if (receiversOf(event).includes(receiver) && this.#tell(drop, event, receiver, 'inbound'))
        return;
    } else {
      const adapter = this.#numbers.get(receiver);
      if (adapter !== undefined) this.#lost.add(this.#key(event.id, adapter, 'inbound'));
    }
    for (let steps = 0; steps < stepsMax && event !== undefined; steps += 1) {
      if (this.#tell(drop, event, event.from, 'outbound')) return;
      event = this.#crossing(event.cause);
      if (event?.kind === 'frame' && this.#tell(drop, event, event.to, 'inbound')) return;
    }
  }

  #tell(drop: FrameDropped, event: Crossing, port: string, direction: Direction): boolean {
    const adapter = this.#numbers.get(port);
    if (adapter === undefined) return false;
    const key = this.#key(event.id, adapter, direction);
    const others = this.#told.get(key);
    if (others === undefined) this.#told.set(key, [drop.id]);
    else others.push(drop.id);
    return true;
  }

  #crossing(id: number): Crossing | undefined {
    const event = id < 0 ? undefined : this.#log.read(id);
    return event?.kind === 'frame' || event?.kind === 'flood' ? event : undefined;
  }

  #describe(id: number): string {
    const { port, reason } = this.#log.read(id) as FrameDropped;
    return `dropped at ${port}: ${reason}: ${reasons[reason].meaning} (event ${id})`;
  }

  #key(event: number, adapter: number, direction: Direction): number {
    return (event * this.#numbers.size + adapter) * 2 + (direction === 'inbound' ? 1 : 0);
  }
}

const receiversOf = (event: Crossing): readonly string[] =>
  event.kind === 'frame' ? [event.to] : event.to;
