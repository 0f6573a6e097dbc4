/**
 * Something goes round in a circle: the same frame, or the same packet in a tunnel, leaves the same
 * place again because of itself. Chains of causes are followed back now and then only, more rarely
 * the longer they are: what goes round for ever is found all the same, and what does not costs nothing.
 */
import type { EventLog } from '../../trace/log.ts';
import { describeFrame, describePacket } from '../../wire/describe.ts';
import { type Breach, Breaches, type Invariant } from './invariant.ts';

/** No circle has more events in it. */
const stepsMost = 1000;
/** So many places of a circle are named. */
const namesMost = 8;

const ipHeader = 14;
const ipv4 = 0x0800;

export class Loop implements Invariant {
  readonly #log: EventLog;
  readonly #breaches = new Breaches();
  /** Per event, how many causes it has behind it. */
  #depths = new Int32Array(1024);
  /** Those that have been counted, by the first event of theirs. */
  readonly #known = new Set<number>();

  constructor(log: EventLog) {
    this.#log = log;
  }

  crossing(id: number): void {
    this.#follow(id);
  }

  packet(id: number): void {
    this.#follow(id);
  }

  judge(): readonly Breach[] {
    return this.#breaches.all;
  }

  #follow(id: number): void {
    const depth = this.#deeper(id);
    const isDue = depth < 64 ? depth > 0 && depth % 8 === 0 : (depth & (depth - 1)) === 0;
    if (isDue) this.#look(id);
  }

  /** Facts and drops between them count as nothing, and are passed over. */
  #deeper(id: number): number {
    if (id >= this.#depths.length) {
      const larger = new Int32Array(id * 2);
      larger.set(this.#depths);
      this.#depths = larger;
    }
    let cause = this.#log.causeOf(id);
    while (cause >= 0 && this.#log.sortOf(cause) === 'fact') cause = this.#log.causeOf(cause);
    const depth = cause < 0 ? 0 : this.#depths[cause]! + 1;
    this.#depths[id] = depth;
    return depth;
  }

  #look(id: number): void {
    const log = this.#log;
    const circle: number[] = [id];
    let nearest: number[] | undefined;
    let first = id;
    for (let one = log.causeOf(id); one >= 0 && circle.length < stepsMost; one = log.causeOf(one)) {
      if (isSame(log, one, id)) {
        nearest ??= circle.slice();
        first = one;
      }
      circle.push(one);
    }
    if (nearest === undefined || this.#known.has(first)) return;
    this.#known.add(first);
    const nodes = [...new Set(nearest.reverse().map((one) => log.read(one).node))];
    this.#breaches.add([...nodes].sort().join(' '), () => this.#breach(first, id, nodes));
  }

  #breach(first: number, again: number, nodes: readonly string[]): Omit<Breach, 'count'> {
    const log = this.#log;
    const bytes = log.bytesOf(first);
    const isPacket = log.sortOf(first) === 'packet';
    const what = isPacket ? describePacket(bytes) : describeFrame(bytes);
    const more = nodes.length > namesMost ? ` and ${nodes.length - namesMost} more` : '';
    const at = log.timeOf(first);
    return {
      text: `it goes round through ${nodes.slice(0, namesMost).join(', ')}${more}: ${what}`,
      at,
      events: [again, first],
    };
  }
}

/** One thing in one place twice, as far as its bytes tell; what routers change on the way is left out. */
function isSame(log: EventLog, a: number, b: number): boolean {
  if (log.placeOf(a) !== log.placeOf(b) || log.sortOf(a) !== log.sortOf(b)) return false;
  const [one, other] = [log.bytesOf(a), log.bytesOf(b)];
  if (one.length !== other.length || one.length === 0) return false;
  const isPacket = log.sortOf(a) === 'packet';
  const isIp = isPacket || one[12]! * 256 + one[13]! === ipv4;
  const header = isPacket ? 0 : ipHeader;
  return one.every((byte, i) => byte === other[i] || (isIp && isChanged(i - header)));
}

/** Time to live and header checksum. */
const isChanged = (i: number): boolean => i === 8 || i === 10 || i === 11;
