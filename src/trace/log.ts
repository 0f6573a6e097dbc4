/**
 * The only account of a run. Frames and drops are kept as numbers in typed arrays, with the bytes
 * left in the chunks that they travelled in; the rarer facts are objects. Readers get objects made
 * on the spot.
 */
import type { Frame } from '../base/frame.ts';
import type { Instant } from '../base/time.ts';
import type { Fact, TraceEvent } from './event.ts';
import { type Reason, reasonList, reasonNumber } from './reasons.ts';

/**
 * How much is written. `verdicts`: steps, operations and verdicts only, for campaigns.
 * `decisions`: every hop without its bytes, every drop, decision and table change. `full`: bytes too.
 */
export type LogLevel = 'verdicts' | 'decisions' | 'full';

const isFrame = 0;
const isFlood = 1;
const isDrop = 2;
const isFact = 3;
const isPacket = 4;
const sorts = ['frame', 'flood', 'drop', 'fact', 'packet'] as const;
const beforePacket = 14; // a packet lies in its frame behind room for an Ethernet header

const noBytes = new Uint8Array(0);
const alwaysKept: ReadonlySet<Fact['kind']> = new Set([
  'machine',
  'step',
  'fault',
  'operation',
  'warning',
  'verdict',
  'replica',
  'probe',
  'tunnel',
]);

/** What the log must know of a port to write of it: `label` is asked for when it is read. */
interface Named {
  readonly id: number;
  readonly label: string;
  readonly device: { readonly name: string };
}

/** One cable that a frame takes, and at which of its ends. */
export interface Crossing {
  readonly port: Named;
  readonly peer: Named;
}

/** A port in a log that was read back. */
export interface PortName {
  readonly label: string;
  readonly device: string;
}

/** All of a log, event by event and what they refer to: for `pack.ts`. Of a log that goes on it is a picture of now. */
export interface LogColumns {
  readonly level: LogLevel;
  readonly kinds: Uint8Array;
  readonly times: Float64Array;
  readonly causes: Int32Array;
  readonly a: Int32Array;
  readonly b: Int32Array;
  readonly delays: Float64Array;
  readonly lengths: Int32Array;
  /** Where the bytes of each begin in `memory`; -1 where none were kept. */
  readonly starts: Int32Array;
  readonly memory: Uint8Array;
  readonly facts: readonly { readonly node: string; readonly fact: Fact }[];
  /** Pairs of port numbers. */
  readonly groups: readonly (readonly (readonly [number, number])[])[];
  readonly ports: readonly PortName[];
  readonly loose: readonly PortName[];
  readonly tunnels: readonly { readonly node: string; readonly name: string }[];
}

export class EventLog {
  readonly level: LogLevel;
  /** Hops, drops and decisions are written. Callers on the frame path ask before they prepare anything. */
  readonly detailed: boolean;
  readonly #keepsBytes: boolean;
  #kinds: Uint8Array = new Uint8Array(1024);
  #times: Float64Array = new Float64Array(1024);
  #causes: Int32Array = new Int32Array(1024);
  /** Frame: sending port. Flood: port it came from. Drop: port. Fact: index of its object. */
  #a: Int32Array = new Int32Array(1024);
  /** Frame: receiving port. Flood: index of its group. Drop: reason. */
  #b: Int32Array = new Int32Array(1024);
  /** Frame and flood: nanoseconds until it arrives. */
  #c: Float64Array = new Float64Array(1024);
  #lengths: Int32Array = new Int32Array(1024);
  #starts: Int32Array = new Int32Array(1024);
  readonly #memories: (Uint8Array | undefined)[] = [];
  readonly #facts: { readonly node: string; readonly fact: Fact }[] = [];
  readonly #groups: (readonly Crossing[])[] = [];
  /** The numbers of their ports then: a machine that starts anew has others. */
  readonly #groupPorts: (readonly (readonly [number, number])[])[] = [];
  readonly #groupNumbers = new Map<readonly Crossing[], number>();
  readonly #ports: Named[] = [];
  /** Ends of tunnels. */
  readonly #tunnels: { readonly node: string; readonly name: string }[] = [];
  readonly #tunnelNumbers = new Map<string, number>();
  /** Ports that have no number because they have no cable: things end at those too. Written as -1, -2, … */
  readonly #loose: Named[] = [];
  #length = 0;

  constructor(level: LogLevel = 'full') {
    this.level = level;
    this.detailed = level !== 'verdicts';
    this.#keepsBytes = level === 'full';
  }

  /** How many events there are; the next one gets this id. */
  get length(): number {
    return this.#length;
  }

  /** Writes that a frame was put on a link. Returns the event's id. */
  frame(at: Instant, from: Named, to: Named, delay: number, frame: Frame): number {
    const id = this.#next(isFrame, at, frame.cause);
    this.#a[id] = this.#know(from);
    this.#b[id] = this.#know(to);
    this.#c[id] = delay;
    this.#keep(id, frame);
    return id;
  }

  /** Writes that a switch put a frame on every cable of a group but that of port `from`, where it came in. */
  flood(at: Instant, from: Named, group: readonly Crossing[], delay: number, frame: Frame): number {
    const id = this.#next(isFlood, at, frame.cause);
    let number = this.#groupNumbers.get(group);
    if (number === undefined) {
      number = this.#groups.push(group) - 1;
      this.#groupNumbers.set(group, number);
      const known = ({ port, peer }: Crossing) => [this.#know(port), this.#know(peer)] as const;
      this.#groupPorts.push(group.map(known));
    }
    this.#a[id] = this.#know(from);
    this.#b[id] = number;
    this.#c[id] = delay;
    this.#keep(id, frame);
    return id;
  }

  drop(at: Instant, port: Named, frame: Frame, reason: Reason): number {
    const id = this.#next(isDrop, at, frame.cause);
    this.#a[id] = this.#know(port);
    this.#b[id] = reasonNumber(reason);
    this.#keep(id, frame);
    return id;
  }

  /** Writes that the packet in a frame went into a tunnel or came out of it. Returns the event's id. */
  packet(at: Instant, node: string, inner: string, direction: 'in' | 'out', frame: Frame): number {
    const id = this.#next(isPacket, at, frame.cause);
    const name = `${node}.${inner}`;
    let number = this.#tunnelNumbers.get(name);
    if (number === undefined) {
      number = this.#tunnels.push({ node, name }) - 1;
      this.#tunnelNumbers.set(name, number);
    }
    this.#a[id] = number;
    this.#b[id] = direction === 'in' ? 0 : 1;
    this.#keep(id, frame);
    this.#starts[id] = frame.start + beforePacket;
    this.#lengths[id] = frame.length - beforePacket;
    return id;
  }

  /** Writes a fact about a device, or about the `lab`. Returns its id, or -1 if the level leaves it out. */
  tell(at: Instant, node: string, cause: number, fact: Fact): number {
    if (!this.detailed && !alwaysKept.has(fact.kind)) return -1;
    const id = this.#next(isFact, at, cause);
    this.#a[id] = this.#facts.push({ node, fact }) - 1;
    return id;
  }

  /** The event with this id, made for the caller. */
  read(id: number): TraceEvent {
    if (!Number.isInteger(id) || id < 0 || id >= this.#length)
      throw new RangeError(`no event ${id} in the log`);
    const at = this.#times[id]! as Instant;
    const cause = this.#causes[id]!;
    const a = this.#a[id]!;
    if (this.#kinds[id] === isFact) {
      const { node, fact } = this.#facts[a]!;
      return { id, at, node, cause, ...fact };
    }
    if (this.#kinds[id] === isPacket) {
      const { node, name } = this.#tunnels[a]!;
      const direction = this.directionOf(id);
      const length = this.#lengths[id]!;
      const bytes = this.bytesOf(id);
      return { id, at, node, cause, kind: 'packet', interface: name, direction, length, bytes };
    }
    const port = a >= 0 ? this.#ports[a]! : this.#loose[-1 - a]!;
    const common = { id, at, cause, length: this.#lengths[id]!, bytes: this.bytesOf(id) };
    if (this.#kinds[id] === isDrop) {
      const reason = reasonList[this.#b[id]!]!;
      return { ...common, kind: 'drop', node: port.device.name, port: port.label, reason };
    }
    const arrives = (at + this.#c[id]!) as Instant;
    const from = port.label;
    if (this.#kinds[id] === isFrame) {
      const to = this.#ports[this.#b[id]!]!.label;
      return { ...common, kind: 'frame', node: port.device.name, from, to, arrives };
    }
    return {
      ...common,
      kind: 'flood',
      node: port.device.name,
      from,
      to: this.crossings(id).map(({ peer }) => peer.label),
      arrives,
    };
  }

  /** Every event from `from` on, in order. */
  *events(from = 0): Generator<TraceEvent> {
    for (let id = from; id < this.#length; id += 1) yield this.read(id);
  }

  /** The facts of some kinds with their ids, without making events of the frames between them. */
  *facts<K extends Fact['kind']>(
    kinds: readonly K[],
    from = 0,
  ): Generator<Extract<TraceEvent, { kind: K }>> {
    for (let id = from; id < this.#length; id += 1) {
      if (this.#kinds[id] !== isFact) continue;
      const { fact } = this.#facts[this.#a[id]!]!;
      if ((kinds as readonly string[]).includes(fact.kind))
        yield this.read(id) as Extract<TraceEvent, { kind: K }>;
    }
  }

  /** The cables that a frame event or a flood took: who was at either end, and where. */
  crossings(id: number): readonly Crossing[] {
    const port = this.#ports[this.#a[id]!]!;
    if (this.#kinds[id] === isFrame) return [{ port, peer: this.#ports[this.#b[id]!]! }];
    return this.#groups[this.#b[id]!]!.filter((crossing) => crossing.port !== port);
  }

  causeOf(id: number): number {
    return this.#causes[id]!;
  }

  /** What sort of event this is, without making it. */
  sortOf(id: number): (typeof sorts)[number] {
    return sorts[this.#kinds[id]!]!;
  }

  timeOf(id: number): Instant {
    return this.#times[id]! as Instant;
  }

  /** How long the frame of an event is, or the packet. */
  lengthOf(id: number): number {
    return this.#lengths[id]!;
  }

  /** Whether the packet of an event went into its tunnel, or came out. */
  directionOf(id: number): 'in' | 'out' {
    return this.#b[id] === 0 ? 'in' : 'out';
  }

  /** The bytes of a frame event, not a copy; none at lower levels. */
  bytesOf(id: number): Uint8Array {
    const memory = this.#memories[id];
    if (memory === undefined) return noBytes;
    const start = this.#starts[id]!;
    return memory.subarray(start, start + this.#lengths[id]!);
  }

  /** One byte of it, for those who look into every frame: -1 behind its end, and where there are none. */
  byteOf(id: number, at: number): number {
    const memory = this.#memories[id];
    return memory === undefined || at >= this.#lengths[id]! ? -1 : memory[this.#starts[id]! + at]!;
  }

  /**
   * Where a frame event or packet happened, as a number: of a frame and a drop its port, of a flood
   * the port it came in by, of a packet the end of the tunnel. Numbers of one sort can be compared.
   */
  placeOf(id: number): number {
    return this.#a[id]!;
  }

  /** What a fact says, as it was told: not a copy. */
  factOf(id: number): Fact {
    return this.#facts[this.#a[id]!]!.fact;
  }

  /** Why a frame was dropped, by the id of the drop. */
  reasonOf(id: number): Reason {
    return reasonList[this.#b[id]!]!;
  }

  /** Bytes that several events share are there once. */
  columns(): LogColumns {
    const [length, starts] = [this.#length, new Int32Array(this.#length).fill(-1)];
    const places = new Map<Uint8Array, Map<number, number>>();
    let total = 0;
    for (let id = 0; id < length; id += 1) {
      const memory = this.#memories[id];
      if (memory === undefined) continue;
      let found = places.get(memory);
      if (found === undefined) places.set(memory, (found = new Map()));
      // By both ends: the same place may have been kept with and without a header.
      const key = this.#starts[id]! * 2 ** 20 + this.#lengths[id]!;
      const known = found.get(key);
      starts[id] = known ?? total;
      if (known !== undefined) continue;
      found.set(key, total);
      total += this.#lengths[id]!;
    }
    const memory = new Uint8Array(total);
    for (let id = 0; id < length; id += 1)
      if (starts[id]! >= 0) memory.set(this.bytesOf(id), starts[id]);
    const name = (port: Named | undefined): PortName => ({
      label: port?.label ?? '',
      device: port?.device.name ?? '',
    });
    return {
      level: this.level,
      kinds: this.#kinds.subarray(0, length),
      times: this.#times.subarray(0, length),
      causes: this.#causes.subarray(0, length),
      a: this.#a.subarray(0, length),
      b: this.#b.subarray(0, length),
      delays: this.#c.subarray(0, length),
      lengths: this.#lengths.subarray(0, length),
      starts,
      memory,
      facts: this.#facts,
      groups: this.#groupPorts,
      ports: Array.from(this.#ports, name), // not every port was heard of
      loose: this.#loose.map(name),
      tunnels: this.#tunnels,
    };
  }

  /** A log that reads as the one did that the columns are of. Whoever makes the columns has checked them. */
  static of(columns: LogColumns): EventLog {
    const log = new EventLog(columns.level);
    const { kinds, times, causes, a, b, delays, lengths, starts, memory } = columns;
    log.#length = kinds.length;
    log.#kinds = kinds;
    log.#times = times;
    log.#causes = causes;
    log.#a = a;
    log.#b = b;
    log.#c = delays;
    log.#lengths = lengths;
    log.#starts = starts;
    for (let id = 0; id < kinds.length; id += 1)
      log.#memories.push(starts[id]! < 0 ? undefined : memory);
    const devices = new Map<string, { readonly name: string }>();
    const named = ({ label, device }: PortName, id: number): Named => {
      let known = devices.get(device);
      if (known === undefined) devices.set(device, (known = { name: device }));
      return { id, label, device: known };
    };
    log.#ports.push(...columns.ports.map(named));
    log.#loose.push(...columns.loose.map((port, i) => named(port, -1 - i)));
    for (const fact of columns.facts) log.#facts.push(fact); // too many to be arguments
    log.#tunnels.push(...columns.tunnels);
    log.#groupPorts.push(...columns.groups);
    for (const group of columns.groups)
      log.#groups.push(
        group.map(([port, peer]) => ({ port: log.#ports[port]!, peer: log.#ports[peer]! })),
      );
    return log;
  }

  #next(kind: number, at: Instant, cause: number): number {
    const id = this.#length;
    if (id === this.#kinds.length) this.#grow();
    this.#length = id + 1;
    this.#kinds[id] = kind;
    this.#times[id] = at;
    this.#causes[id] = cause;
    return id;
  }

  #keep(id: number, frame: Frame): void {
    this.#lengths[id] = frame.length;
    if (!this.#keepsBytes) return;
    frame.exclusive = false;
    this.#starts[id] = frame.start;
    this.#memories[id] = frame.memory;
  }

  #know(port: Named): number {
    if (port.id < 0) {
      const known = this.#loose.indexOf(port);
      return -1 - (known >= 0 ? known : this.#loose.push(port) - 1);
    }
    this.#ports[port.id] ??= port;
    return port.id;
  }

  #grow(): void {
    // Doubling would copy three times as much, and room that nobody has touched costs nothing.
    const size = this.#kinds.length * 4;
    const larger = <T extends { set(from: T): void }>(room: T, old: T): T => {
      room.set(old);
      return room;
    };
    this.#kinds = larger(new Uint8Array(size), this.#kinds);
    this.#times = larger(new Float64Array(size), this.#times);
    this.#causes = larger(new Int32Array(size), this.#causes);
    this.#a = larger(new Int32Array(size), this.#a);
    this.#b = larger(new Int32Array(size), this.#b);
    this.#c = larger(new Float64Array(size), this.#c);
    this.#lengths = larger(new Int32Array(size), this.#lengths);
    this.#starts = larger(new Int32Array(size), this.#starts);
  }
}
