/**
 * What never comes to an end: a frame that switches hand round. They pass it on as it is, and where
 * their cables form no loop it takes none of them twice; so one that has gives the loop away.
 */
import type { Crossing, EventLog } from '../trace/log.ts';
import { type World, worldOf } from './world.ts';

/** So many of the last hops of a run are followed back. */
const hopsMost = 100;
/** No loop is longer. */
const stepsMost = 1000;

/** The links that the last frames of a run went round on: `left.port2 – right.port2`, sorted. */
export function stormIn(log: EventLog): readonly string[] {
  const world = worldOf(log);
  const links = new Set<string>();
  let left = hopsMost;
  for (let id = log.length - 1; id >= 0 && left > 0; id -= 1) {
    if (!isHop(log, id)) continue;
    left -= 1;
    for (const link of roundTo(id, log, world)) links.add(link);
  }
  return [...links].sort();
}

/** The links between two crossings of one cable, one way, by a frame before this hop of its; none if it came straight. */
function roundTo(last: number, log: EventLog, world: World): string[] {
  const taken: Crossing[] = [];
  for (let id = last; taken.length < stepsMost; id = log.causeOf(id)) {
    const crossing = crossingBefore(id, log, world);
    if (crossing === undefined) break;
    const before = taken.findIndex(({ peer }) => peer === crossing.peer);
    if (before >= 0) return taken.slice(before).map(linkOf);
    taken.push(crossing);
  }
  return [];
}

/** Which cable brought the frame to the switch that made this hop; undefined where it was no switch. */
function crossingBefore(id: number, log: EventLog, world: World): Crossing | undefined {
  const cause = log.causeOf(id);
  if (cause < 0 || !isHop(log, cause)) return undefined;
  const { node } = log.read(id);
  if (!world.isSwitch(node)) return undefined;
  // Of several between the same two switches any will do: they are a loop.
  return log.crossings(cause).find(({ peer }) => peer.device.name === node);
}

const isHop = (log: EventLog, id: number): boolean =>
  log.sortOf(id) === 'frame' || log.sortOf(id) === 'flood';

const linkOf = ({ port, peer }: Crossing): string => [port.label, peer.label].sort().join(' – ');
