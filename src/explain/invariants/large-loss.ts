/**
 * A large packet that was dropped for its size, and nobody told its sender: what is small gets
 * through, so everything looks well until somebody transfers something.
 */
import { type Instant, seconds } from '../../base/time.ts';
import type { Fact, FrameDropped, FrameFlooded, FrameSent } from '../../trace/event.ts';
import type { EventLog } from '../../trace/log.ts';
import type { Reason } from '../../trace/reasons.ts';
import { type Ipv4, showIpv4 } from '../../wire/address.ts';
import { droppedPacket } from '../carried.ts';
import { type World, worldOf } from '../world.ts';
import { wordAt } from './frames.ts';
import { type Breach, Breaches, type Invariant } from './invariant.ts';

const forSize: ReadonlySet<Reason> = new Set(['FRAGMENTATION_NEEDED', 'FRAME_TOO_LONG']);
/** Word of it has arrived by then, or never does. */
const patience = seconds(3);

export class LargeLoss implements Invariant {
  readonly #log: EventLog;
  readonly #breaches = new Breaches();
  /** Drops that may still be told of, oldest first. */
  #open: number[] = [];
  /** Word on its way: crossings of "fragmentation needed". */
  #word: number[] = [];
  /** Every event that somebody was told of. */
  readonly #told = new Set<number>();

  constructor(log: EventLog) {
    this.#log = log;
  }

  crossing(id: number): void {
    if (isTooBig(this.#log, id)) this.#word.push(id);
  }

  drop(id: number): void {
    if (forSize.has(this.#log.reasonOf(id))) this.#open.push(id);
  }

  fact(id: number, fact: Fact): void {
    const isHeard =
      fact.kind === 'path-mtu' ||
      (fact.kind === 'probe' && fact.because === 'FRAGMENTATION_NEEDED');
    if (isHeard) this.#tell(id);
  }

  judge(now: Instant): readonly Breach[] {
    const world = worldOf(this.#log);
    for (const id of this.#word) if (isHome(this.#log, world, id)) this.#tell(id);
    this.#word = [];
    const due = this.#open.filter((id) => this.#log.timeOf(id) + patience <= now);
    for (const id of due) this.#judge(world, id);
    this.#open = this.#open.slice(due.length);
    return this.#breaches.all;
  }

  /** All that led to the word is known to whoever got it. */
  #tell(id: number): void {
    for (let one = id; one >= 0 && !this.#told.has(one); one = this.#log.causeOf(one))
      this.#told.add(one);
  }

  #judge(world: World, id: number): void {
    const drop = this.#log.read(id) as FrameDropped;
    if (this.#told.has(drop.cause)) return;
    const packet = droppedPacket(drop);
    if (packet === undefined) return;
    const { node, at } = drop;
    const [source, destination] = [showIpv4(packet.source), showIpv4(packet.destination)];
    const sender = world.holders(source, at, node)[0]?.node ?? source;
    if (sender === node) return; // it knows what it does
    const size = packet.payload.length + 20;
    this.#breaches.add(`${node} ${source} ${destination}`, () => ({
      text: `${node} drops packets of ${size} bytes from ${sender} to ${destination}, too large for what comes next, and ${sender} is not told`,
      code: 'MTU_BLACKHOLE',
      at,
      events: [id],
    }));
  }
}

/** "Fragmentation needed" (RFC 1191), in a frame without options or tags. */
const isTooBig = (log: EventLog, id: number): boolean =>
  log.byteOf(id, 35) === 4 &&
  log.byteOf(id, 34) === 3 &&
  log.byteOf(id, 23) === 1 &&
  log.byteOf(id, 12) === 0x08 &&
  log.byteOf(id, 13) === 0x00 &&
  log.byteOf(id, 14) === 0x45;

/** It reaches the machine that it is for. */
function isHome(log: EventLog, world: World, id: number): boolean {
  const { to, arrives } = log.read(id) as FrameSent | FrameFlooded;
  const ip = showIpv4(wordAt(log, id, 30) as Ipv4);
  return [to].flat().some((port) => {
    const node = world.nodeOf(port);
    return world.holders(ip, arrives, node).some((one) => one.node === node);
  });
}
