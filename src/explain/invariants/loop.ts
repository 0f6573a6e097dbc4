/**
 * Something goes round in a circle: the same frame, or the same packet in a tunnel, passes the same
 * place again because of itself. Chains of causes are followed back now and then only, more rarely
 * the longer they are, and where a time to live is over: what goes round for ever is found all the
 * same, and what does not costs next to nothing.
 */
import type { PacketTunnelled } from '../../trace/event.ts';
import type { EventLog } from '../../trace/log.ts';
import { describeFrame, describePacket } from '../../wire/describe.ts';
import { ipProtocol } from '../../wire/ipv4.ts';
import { type Breach, Breaches, type Invariant } from './invariant.ts';

/** A chain is followed when it has got so long, and whenever its length has doubled. */
const lengthLeast = 16;
/** No circle has more events in it. */
const stepsMost = 1000;
/** So many places of a circle are named. */
const namesMost = 8;

const ethernetHeader = 14;
const ipv4 = 0x0800;
const timeToLive = 8;
const protocol = 9;
const checksum = 10;

export class Loop implements Invariant {
  readonly #log: EventLog;
  readonly #breaches = new Breaches();
  /** Per event, how many others led to it. */
  #lengths = new Int32Array(1024);
  /** What has been counted, by the event that it began with. */
  readonly #known = new Set<number>();

  constructor(log: EventLog) {
    this.#log = log;
  }

  crossing(id: number): void {
    this.#count(id);
  }

  packet(id: number): void {
    this.#count(id);
  }

  drop(id: number): void {
    if (this.#log.reasonOf(id) === 'TTL_EXCEEDED') this.#look(this.#log.causeOf(id));
  }

  judge(): readonly Breach[] {
    return this.#breaches.all;
  }

  #count(id: number): void {
    if (id >= this.#lengths.length) {
      const larger = new Int32Array(id * 2);
      larger.set(this.#lengths);
      this.#lengths = larger;
    }
    let cause = this.#log.causeOf(id);
    while (cause >= 0 && this.#log.sortOf(cause) === 'fact') cause = this.#log.causeOf(cause);
    const length = cause < 0 ? 0 : this.#lengths[cause]! + 1;
    this.#lengths[id] = length;
    if (length >= lengthLeast && (length & (length - 1)) === 0) this.#look(id);
  }

  /** Follows a chain back, for two events of it that are the same thing in the same place. */
  #look(last: number): void {
    const log = this.#log;
    const later = new Map<string, number>();
    const chain: number[] = [];
    for (let id = last; id >= 0 && chain.length < stepsMost; id = log.causeOf(id)) {
      const place = placeOf(log, id);
      if (place === undefined) continue;
      const again = later.get(place);
      if (again !== undefined && isSame(log, id, again)) {
        this.#note(id, again, chain.slice(chain.indexOf(again)));
        return;
      }
      later.set(place, id);
      chain.push(id);
    }
  }

  /** @param circle From the later of the two back to just behind the earlier. */
  #note(id: number, again: number, circle: readonly number[]): void {
    const log = this.#log;
    const first = firstOf(log, id);
    if (this.#known.has(first)) return;
    this.#known.add(first);
    const nodes = [...new Set(circle.map((one) => log.read(one).node).reverse())];
    this.#breaches.add(nodes.toSorted().join(' '), () => {
      const shown = nodes.slice(0, namesMost).join(', ');
      const more = nodes.length > namesMost ? ` and ${nodes.length - namesMost} more` : '';
      const bytes = log.bytesOf(id);
      const what = log.sortOf(id) === 'packet' ? describePacket(bytes) : describeFrame(bytes);
      const text = `it goes round through ${shown}${more}: ${what}`;
      return { text, at: log.timeOf(again), events: [again, id] };
    });
  }
}

/** Undefined where nothing passes. */
function placeOf(log: EventLog, id: number): string | undefined {
  const sort = log.sortOf(id);
  if (sort === 'fact' || sort === 'drop') return undefined;
  const way = sort === 'packet' ? (log.read(id) as PacketTunnelled).direction : '';
  return `${sort} ${log.placeOf(id)} ${way}`;
}

const firstOf = (log: EventLog, id: number): number => {
  let first = id;
  for (let cause = id; cause >= 0; cause = log.causeOf(cause)) first = cause;
  return first;
};

/** As far as the bytes tell; what routers change on the way is left out. */
function isSame(log: EventLog, earlier: number, later: number): boolean {
  const [one, other] = [log.bytesOf(earlier), log.bytesOf(later)];
  if (one.length !== other.length || one.length === 0) return false;
  const isPacket = log.sortOf(earlier) === 'packet';
  const isIp = isPacket || one[12]! * 256 + one[13]! === ipv4;
  if (!isIp) return one.every((byte, i) => byte === other[i]);
  const header = isPacket ? 0 : ethernetHeader;
  const aged = one[header + timeToLive] !== other[header + timeToLive];
  // Acknowledgements of one connection may be the same, one because of the other.
  if (!aged && one[header + protocol] === ipProtocol.tcp) return false;
  return one.every((byte, i) => byte === other[i] || isChanged(i - header));
}

const isChanged = (i: number): boolean => i === timeToLive || i === checksum || i === checksum + 1;
