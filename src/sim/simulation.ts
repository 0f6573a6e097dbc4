/**
 * Virtual time: stands still while anything happens, then jumps to the next thing due. The engine
 * joins devices by links and holds all state of one run; a process may hold thousands of runs.
 *
 * The hot path is `send`, `flood` and the loop in `run`: one event per hop and one per flood,
 * serialisation and queueing are arithmetic on the sending end, no closures, no object per hop.
 */
import { type Frame, FrameMemory } from '../base/frame.ts';
import { Random } from '../base/random.ts';
import { type Instant, labEnd, showInstant } from '../base/time.ts';
import { type Fabric, isSameTraffic, type LinkOptions, type Task } from '../lab/fabric.ts';
import type { Device, Port, PortGroup } from '../stack/device.ts';
import { EventLog } from '../trace/log.ts';
import type { Reason } from '../trace/reasons.ts';
import { EventQueue } from './event-queue.ts';
import { isOf, LinkEnd, Members } from './link.ts';

const deliver = 1;
const deliverFlood = 2;
const wake = 3;
const call = 4;

/** A flood under way: it stays what it was when it began. */
class Flood {
  readonly frame: Frame;
  readonly peers: readonly Port[];

  constructor(frame: Frame, peers: readonly Port[]) {
    this.frame = frame;
    this.peers = peers;
  }
}

export interface SimulationOptions {
  readonly seed?: string | number;
  readonly log?: EventLog;
  /** Every receiver checks every checksum, also those written in this process. */
  readonly strict?: boolean;
  /** One event per copy instead of one per flood: slower and equal, which a test shows. */
  readonly batching?: boolean;
  readonly tap?: Tap;
}

/** Called for every frame that is delivered, before it is. It must not change anything. */
export type Tap = (at: Instant, port: Port, frame: Frame) => void;

export class Simulation implements Fabric {
  readonly frames: FrameMemory;
  readonly log: EventLog;
  readonly random: Random;
  /** Frames delivered over links so far: the unit in which simulators are measured. */
  hops = 0;
  events = 0;
  readonly #queue = new EventQueue();
  readonly #ends: (LinkEnd | undefined)[] = [];
  /** By the same numbers: who is behind a cable. */
  readonly #ports: Port[] = [];
  readonly #devices: Device[] = [];
  /** Per device, the earliest wake-up that is on its way. */
  readonly #wakes: number[] = [];
  readonly #numbers = new Map<Device, number>();
  readonly #members = new Map<PortGroup, Members | readonly LinkEnd[]>();
  readonly #batching: boolean;
  readonly #detailed: boolean;
  readonly #tap: SimulationOptions['tap'];

  constructor(options: SimulationOptions = {}) {
    this.random = new Random(options.seed ?? 0);
    this.log = options.log ?? new EventLog('verdicts');
    this.frames = new FrameMemory(options.strict !== true);
    this.#batching = options.batching ?? true;
    this.#detailed = this.log.detailed;
    this.#tap = options.tap;
  }

  get now(): Instant {
    return this.#queue.now as Instant;
  }

  /** When something is next to happen; Infinity while nothing is. */
  get due(): number {
    return this.#queue.due;
  }

  /** Lays a cable. Both ports must be free. */
  connect(a: Port, b: Port, options: LinkOptions): void {
    for (const port of [a, b]) {
      if (port.id >= 0 && this.#ends[port.id]) throw new Error(`${port.label} has a cable already`);
      if (port.id < 0) port.id = this.#ends.push(undefined) - 1;
    }
    this.#ports[a.id] = a;
    this.#ports[b.id] = b;
    this.#ends[a.id] = new LinkEnd(a, b, options, this.random.child(`link ${a.label}`));
    this.#ends[b.id] = new LinkEnd(b, a, options, this.random.child(`link ${b.label}`));
    this.#regroup();
  }

  impair(port: Port, options: LinkOptions): void {
    const old = this.#end(port);
    this.#replace(old, new LinkEnd(port, old.peer, options, old.random));
  }

  replug(from: Port, to: Port): void {
    const end = this.#end(from);
    const other = this.#end(end.peer);
    to.id = from.id;
    from.id = -1;
    this.#replace(end, new LinkEnd(to, end.peer, end.options, end.random));
    this.#replace(other, new LinkEnd(other.port, to, other.options, other.random));
  }

  /** Pulls a cable, or plugs it in again. What is on the way is lost. */
  setLink(port: Port, up: boolean): void {
    const end = this.#end(port);
    const other = this.#end(end.peer);
    if (end.up === up) return;
    this.#regroup();
    for (const here of [end, other]) {
      here.set(up, here.muted);
      here.free = this.now;
    }
    if (!up) this.#lose(port, other.port);
    end.port.device.carrier(end.port, up, this.now, this);
    end.peer.device.carrier(end.peer, up, this.now, this);
  }

  mute(port: Port, muted: boolean): void {
    const end = this.#end(port);
    this.#regroup();
    end.set(end.up, muted);
  }

  isUp(port: Port): boolean {
    return this.#ends[port.id]?.up === true;
  }

  peerOf(port: Port): Port | undefined {
    return this.#ends[port.id]?.peer;
  }

  send(port: Port, frame: Frame): void {
    const end = this.#ends[port.id];
    if (end === undefined) return; // a port without a cable, or of a machine that has been replaced
    if (!end.open) {
      this.drop(port, frame, end.up ? 'INTERFACE_DOWN' : 'LINK_DOWN');
      return;
    }
    const now = this.#queue.now;
    let start = Math.max(end.free, now);
    const { members } = end;
    if (members !== undefined && members.floodUntil > start && members.floodExcept !== port)
      start = members.floodUntil;
    if (start - now > end.queueTime) {
      this.drop(port, frame, 'QUEUE_FULL');
      return;
    }
    if (frame.length > end.frameMax) {
      this.drop(port, frame, 'FRAME_TOO_LONG');
      return;
    }
    const sent = start + end.occupies(frame.length);
    end.free = sent;
    if (members !== undefined && sent > members.busyUntil) members.busyUntil = sent;
    const delay = sent + end.latency - now;
    if (!end.plain) this.#impaired(end, frame, delay);
    else if (this.#detailed)
      this.#queue.after(delay, deliver, end.peer.id, this.#logged(end, frame, delay));
    else this.#queue.after(delay, deliver, end.peer.id, frame);
  }

  flood(group: PortGroup, except: Port, frame: Frame): void {
    const members = this.#members.get(group) ?? this.#gather(group);
    const now = this.#queue.now;
    if (
      !(members instanceof Members) ||
      members.busyUntil > now ||
      frame.length > members.ends[0]!.frameMax
    ) {
      const ends = members instanceof Members ? members.ends : members;
      if (copies(ends, except) > 1) frame.exclusive = false;
      for (const { port } of ends) if (port !== except) this.send(port, frame);
      return;
    }
    // Every copy would leave now and arrive at one instant, with consecutive places in the queue.
    const { ends, peers } = members;
    const first = ends[0]!;
    if (ends.length <= 2) {
      const count = copies(ends, except);
      if (count === 0) return;
      if (count > 1) frame.exclusive = false;
    } else frame.exclusive = false;
    const sent = now + first.occupies(frame.length);
    members.busyUntil = sent;
    members.floodUntil = sent;
    members.floodExcept = except;
    const delay = sent + first.latency - now;
    let own = frame;
    if (this.#detailed) {
      own = frame.share();
      own.cause = this.log.flood(now as Instant, except, ends, delay, own);
    }
    this.#queue.after(
      delay,
      deliverFlood,
      this.#ends[except.id]?.peer.id ?? -1,
      new Flood(own, peers),
    );
  }

  drop(port: Port, frame: Frame, reason: Reason): void {
    if (this.#detailed) this.log.drop(this.now, port, frame, reason);
  }

  wakeAt(device: Device, when: Instant): void {
    let number = this.#numbers.get(device);
    if (number === undefined) {
      number = this.#devices.push(device) - 1;
      this.#numbers.set(device, number);
      this.#wakes.push(Infinity);
    }
    const now = this.#queue.now;
    const due = when > now ? when : now;
    if (this.#wakes[number]! <= due) return;
    this.#wakes[number] = due;
    this.#queue.after(due - now, wake, number, null);
  }

  /** Runs a task at a moment. For the lab around the network; devices ask for `wakeAt`. */
  at(when: Instant, task: Task): void {
    if (when < this.now) throw new RangeError(`${showInstant(when)} has already gone by`);
    this.#queue.after(when - this.now, call, 0, task);
  }

  /**
   * Does everything due up to and including `limit`, then leaves the clock at `limit`.
   *
   * @param settled Asked after every event; `true` ends the run there and leaves the clock there.
   * @param eventsMax After so many events the run is broken off and the result says so: it
   *                  probably goes round in a circle.
   */
  run(
    limit: Instant = labEnd,
    settled?: () => boolean,
    eventsMax = Infinity,
  ): 'idle' | 'settled' | 'budget' {
    const queue = this.#queue;
    const ports = this.#ports;
    const tap = this.#tap;
    let left = eventsMax;
    while (queue.next(limit)) {
      this.events += 1;
      switch (queue.kind) {
        case deliver: {
          const frame = queue.load as Frame | null;
          if (frame === null) break; // the cable was pulled under it
          const port = ports[queue.subject]!;
          this.hops += 1;
          if (tap !== undefined) tap(queue.now as Instant, port, frame);
          port.device.receive(port, frame, queue.now as Instant, this);
          break;
        }
        case deliverFlood: {
          const { frame, peers } = queue.load as Flood;
          const except = queue.subject;
          const now = queue.now as Instant;
          const question = !this.#detailed && isArpQuestion(frame);
          const asked = question ? frame.words.getInt32(frame.start + 38) : 0;
          for (let i = 0; i < peers.length; i += 1) {
            const peer = peers[i]!;
            if (peer.id === except) continue;
            this.hops += 1;
            if (question && peer.arpDeaf && peer.arpAddress !== asked && tap === undefined)
              continue;
            if (tap !== undefined) tap(now, peer, frame);
            peer.device.receive(peer, frame, now, this);
          }
          break;
        }
        case wake: {
          const device = this.#devices[queue.subject]!;
          // An earlier request may have overtaken this one, and then a later one come: see when due.
          if (this.#wakes[queue.subject] === queue.now) {
            this.#wakes[queue.subject] = Infinity;
            device.wake(queue.now as Instant, this);
          }
          break;
        }
        default:
          (queue.load as Task).run();
      }
      if (settled?.()) return 'settled';
      left -= 1;
      if (left === 0) return 'budget';
    }
    if (limit !== labEnd && limit > queue.now) queue.now = limit;
    return 'idle';
  }

  /** Writes that a frame is put on a cable. */
  #logged(end: LinkEnd, frame: Frame, delay: number): Frame {
    // A shared handle may be on its way elsewhere as well: its cause is not ours to change.
    const own = frame.exclusive ? frame : frame.share();
    own.cause = this.log.frame(this.now, end.port, end.peer, delay, own);
    return own;
  }

  /** Over a cable that does something to frames, and the part of it that this kind of frame has to itself, if there is one. */
  #impaired(end: LinkEnd, frame: Frame, delay: number): void {
    const { now } = this.#queue;
    const whole = harmOf(end, frame);
    let harms = [whole];
    let { lost } = whole;
    let wait = delay + whole.late;
    const part = end.parts.find(({ traffic }) => isOf(traffic, frame))?.end;
    if (lost === undefined && part !== undefined) {
      const start = Math.max(part.free, now + wait);
      if (start - now - wait > part.queueTime) {
        this.drop(end.port, frame, 'QUEUE_FULL');
        return;
      }
      if (frame.length > part.frameMax) {
        this.drop(end.port, frame, 'FRAME_TOO_LONG');
        return;
      }
      part.free = start + part.occupies(frame.length);
      const harm = harmOf(part, frame);
      harms = [whole, harm];
      lost = harm.lost;
      wait = part.free + part.latency - now + harm.late;
    }
    let carried = this.#detailed ? this.#logged(end, frame, wait) : frame;
    if (lost !== undefined) {
      this.drop(end.port, carried, lost);
      return;
    }
    for (const { turned } of harms)
      if (turned !== undefined) carried = this.#turned(end, carried, turned);
    for (const { twice } of harms)
      if (twice) this.#queue.after(wait, deliver, end.peer.id, this.frames.copy(carried));
    this.#queue.after(wait, deliver, end.peer.id, carried);
  }

  #turned(end: LinkEnd, frame: Frame, bit: number): Frame {
    const spoilt = this.frames.copy(frame);
    spoilt.trusted = false;
    spoilt.memory[spoilt.start + (bit >> 3)]! ^= 1 << (bit & 7);
    const { label, device } = end.port;
    const fact = { kind: 'bit-error', port: label, bit } as const;
    if (this.#detailed) this.log.tell(this.now, device.name, spoilt.cause, fact);
    return spoilt;
  }

  #end(port: Port): LinkEnd {
    const end = this.#ends[port.id];
    if (end === undefined) throw new Error(`${port.label} has no cable`);
    return end;
  }

  #replace(old: LinkEnd, end: LinkEnd): void {
    this.#regroup();
    end.free = old.free;
    for (const { traffic, end: part } of end.parts)
      part.free = old.parts.find((one) => isSameTraffic(one.traffic, traffic))?.end.free ?? 0;
    end.set(old.up, old.muted);
    this.#ends[end.port.id] = end;
    this.#ports[end.port.id] = end.port;
  }

  /** What is on its way over a cable that is pulled never arrives. */
  #lose(...ports: readonly [Port, Port]): void {
    this.#queue.revise((kind, subject, load) => {
      if (kind === deliver && load !== null) {
        const port = ports.find(({ id }) => id === subject);
        if (port === undefined) return load;
        this.drop(port, load as Frame, 'LINK_DOWN');
        return null;
      }
      if (kind !== deliverFlood) return load;
      const { frame, peers } = load as Flood;
      const isLost = (peer: Port): boolean => ports.includes(peer) && peer.id !== subject;
      if (!peers.some(isLost)) return load;
      for (const peer of peers.filter(isLost)) this.drop(peer, frame, 'LINK_DOWN');
      return new Flood(
        frame,
        peers.filter((peer) => !isLost(peer)),
      );
    });
  }

  #gather(group: PortGroup): Members | readonly LinkEnd[] {
    const ends: LinkEnd[] = [];
    for (const port of group.ports) {
      const end = this.#ends[port.id];
      if (end?.open) ends.push(end); // a port without a cable, or with a pulled one, takes no part
    }
    // A port that belonged to another group until now: what that group noted must not be lost.
    if (ends.some((end) => end.members !== undefined)) this.#regroup();
    const [first] = ends;
    const uniform =
      this.#batching &&
      first !== undefined &&
      ends.every(
        (end) =>
          end.plain &&
          end.perByte === first.perByte &&
          end.latency === first.latency &&
          end.frameMax === first.frameMax,
      );
    const gathered = uniform ? new Members(ends) : ends;
    if (gathered instanceof Members) {
      for (const end of ends) {
        end.members = gathered;
        gathered.busyUntil = Math.max(gathered.busyUntil, end.free);
      }
    }
    this.#members.set(group, gathered);
    return gathered;
  }

  /** Cables have changed: what was worked out about groups of ports no longer holds. */
  #regroup(): void {
    for (const members of this.#members.values()) {
      if (!(members instanceof Members)) continue;
      members.settle();
      for (const end of members.ends) end.members = undefined;
    }
    this.#members.clear();
  }
}

/** What a cable does to one frame. */
interface Harm {
  readonly lost?: Reason;
  /** The bit that is turned. */
  readonly turned?: number;
  /** By how much it comes later. */
  readonly late: number;
  readonly twice: boolean;
}

function harmOf(end: LinkEnd, frame: Frame): Harm {
  const { random } = end;
  if (end.blackHole) return { lost: 'BLACK_HOLE', late: 0, twice: false };
  if (end.loss > 0 && random.fraction() < end.loss)
    return { lost: 'LINK_LOSS', late: 0, twice: false };
  const isSpoilt = end.corruption > 0 && random.fraction() < end.corruption;
  const bit = isSpoilt ? random.between(0, frame.length * 8 - 1) : undefined;
  let late = end.jitter > 0 ? random.between(0, end.jitter) : 0;
  if (end.reordering > 0 && random.fraction() < end.reordering) late += end.heldBack;
  const twice = end.duplication > 0 && random.fraction() < end.duplication;
  return { ...(bit !== undefined && { turned: bit }), late, twice };
}

function isArpQuestion({ words, start, length, memory }: Frame): boolean {
  return length >= 42 && (memory[start]! & 1) === 1 && words.getUint16(start + 12) === 0x0806;
}

/** How many copies a flood to these ends makes. */
const copies = (ends: readonly LinkEnd[], except: Port): number =>
  ends.reduce((count, { port }) => (port === except ? count : count + 1), 0);
