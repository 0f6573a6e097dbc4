/** How many frames have passed a place: what a capture there would count, from the event log. */
import type { Instant } from '../base/time.ts';
import type { FrameFlooded, FrameSent } from '../trace/event.ts';
import type { EventLog } from '../trace/log.ts';
import type { Filter } from './filter.ts';
import { matches } from './match.ts';

/** Where to look, as labels of ports and of the ends of tunnels. */
export interface Post {
  /**
   * `machine`: what its adapters send and receive, as a capture on all of them shows it. `through`:
   * what comes into a switch or a router from outside, so that each frame counts once. `tunnel`: what
   * goes into it and comes out of it at one of its ends.
   */
  readonly kind: 'machine' | 'through' | 'tunnel';
  readonly labels: ReadonlySet<string>;
  /** Of a machine or a tunnel: only what comes in, or only what leaves. */
  readonly direction?: 'in' | 'out';
}

export interface Passed {
  readonly fitting: number;
  /** Whatever the filter says. */
  readonly all: number;
}

/** @param from The first event that counts. @param until What has not arrived by then has not passed. */
export function passed(
  log: EventLog,
  { kind, labels, direction }: Post,
  filter: Filter,
  from: number,
  until: Instant,
): Passed {
  let fitting = 0;
  let all = 0;
  const look = (bytes: Uint8Array, ethernet: boolean): void => {
    all += 1;
    if (matches(filter, bytes, ethernet)) fitting += 1;
  };
  const lost = kind === 'tunnel' ? undefined : lostOnTheWay(log, from);
  for (let id = from; id < log.length; id += 1) {
    const sort = log.sortOf(id);
    if (sort === 'fact' || sort === 'drop' || (sort === 'packet') !== (kind === 'tunnel')) continue;
    const event = log.read(id);
    if (event.kind === 'packet') {
      if (labels.has(event.interface) && (direction ?? event.direction) === event.direction)
        look(event.bytes, false);
    } else if (event.kind === 'frame' || event.kind === 'flood') {
      if (kind === 'machine' && direction !== 'in' && labels.has(event.from))
        look(event.bytes, true);
      const isIn = direction !== 'out' && event.arrives <= until;
      if (isIn && arrivesAt(labels, event, lost?.get(id))) look(event.bytes, true);
    }
  }
  return { fitting, all };
}

type Crossing = FrameSent | FrameFlooded;

/** By the event that sent them: ports that frames were sent to and never came to. */
function lostOnTheWay(log: EventLog, from: number): Map<number, Set<string>> {
  const lost = new Map<number, Set<string>>();
  for (let id = from; id < log.length; id += 1) {
    if (log.sortOf(id) !== 'drop') continue;
    const drop = log.read(id);
    if (drop.kind !== 'drop' || drop.cause < from) continue;
    const sent = log.read(drop.cause);
    if (sent.kind !== 'frame' && sent.kind !== 'flood') continue;
    if (drop.port !== sent.from && drop.at >= sent.arrives) continue; // it came, and was dropped there
    const port = sent.kind === 'frame' ? sent.to : drop.port;
    const others = lost.get(sent.id);
    if (others === undefined) lost.set(sent.id, new Set([port]));
    else others.add(port);
  }
  return lost;
}

function arrivesAt(
  labels: ReadonlySet<string>,
  event: Crossing,
  lost: ReadonlySet<string> | undefined,
): boolean {
  const ports = event.kind === 'frame' ? [event.to] : event.to;
  return ports.some((port) => labels.has(port) && lost?.has(port) !== true);
}
