/** The two sides of a tunnel: a packet that went in, and the frame that carries it. */
import type { EventLog } from '../trace/log.ts';

/** How far along the causes it is looked for: a carrier is a few hops from where the packet went in. */
const far = 24;

/** The packet inside, of a frame that carries one; undefined where there is none. */
export function insideOf(log: EventLog, event: number): number | undefined {
  const sort = log.sortOf(event);
  if (sort !== 'frame' && sort !== 'flood') return undefined;
  let id = event;
  for (let i = 0; i < far && id >= 0; i += 1) {
    id = log.causeOf(id);
    if (id < 0 || log.sortOf(id) !== 'packet') continue;
    // Having come out of a tunnel it is no longer in one.
    return log.directionOf(id) === 'in' ? id : undefined;
  }
  return undefined;
}

/** The first frame that carries the packet of an event; undefined where it does not go into a tunnel. */
export function outsideOf(log: EventLog, event: number): number | undefined {
  if (log.sortOf(event) !== 'packet' || log.directionOf(event) !== 'in') return undefined;
  const most = Math.min(log.length, event + 2000);
  for (let id = event + 1; id < most; id += 1)
    if (log.causeOf(id) === event && log.sortOf(id) === 'frame') return id;
  return undefined;
}
