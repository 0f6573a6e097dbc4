/** A stretch of a run as a ladder: a lane for each device that takes part, an arrow for each frame. */
import { isNoise } from '../explain/tree.ts';
import type { EventLog } from '../trace/log.ts';
import { describeFrame } from '../wire/describe.ts';

export interface LadderView {
  /** Devices, in the order in which they stand in the picture. */
  readonly lanes: readonly string[];
  readonly rungs: readonly Rung[];
  /** There is more than is shown. */
  readonly isCut: boolean;
}

export interface Rung {
  readonly event: number;
  /** Places of lanes. */
  readonly from: number;
  /** The same as `from` where it ended there. */
  readonly to: number;
  readonly what: string;
  readonly isDrop: boolean;
}

/** More are no picture any more. */
const most = 120;

/**
 * @param order All devices, from left to right.
 * @param from The first event, and `to` the one behind the last.
 */
export function ladderOf(
  log: EventLog,
  order: readonly string[],
  from: number,
  to: number,
): LadderView {
  const found: (Omit<Rung, 'from' | 'to'> & { a: string; b: string })[] = [];
  let id = from;
  for (; id < to && found.length < most; id += 1) {
    const sort = log.sortOf(id);
    if (sort === 'frame' || sort === 'flood') {
      const what = describeFrame(log.bytesOf(id));
      for (const { port, peer } of log.crossings(id))
        found.push({ event: id, a: port.device.name, b: peer.device.name, what, isDrop: false });
    } else if (sort === 'drop' && !isNoise(log.reasonOf(id))) {
      const { node } = log.read(id);
      found.push({ event: id, a: node, b: node, what: log.reasonOf(id), isDrop: true });
    }
  }
  const taking = new Set(found.flatMap(({ a, b }) => [a, b]));
  const lanes = order.filter((name) => taking.has(name));
  const place = new Map(lanes.map((name, i) => [name, i] as const));
  const rungs = found.flatMap(({ a, b, ...rung }): Rung[] => {
    const [one, other] = [place.get(a), place.get(b)];
    return one === undefined || other === undefined ? [] : [{ ...rung, from: one, to: other }];
  });
  return { lanes, rungs, isCut: id < to };
}
