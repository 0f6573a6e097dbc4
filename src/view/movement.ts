/** Which frames are on their way in the picture, and how far each has come. */
import { isNoise } from '../explain/tree.ts';
import type { EventLog } from '../trace/log.ts';
import type { Reason } from '../trace/reasons.ts';
import type { Timeline } from './timeline.ts';

export interface Moving {
  readonly event: number;
  /** Ports, as the scene names them. */
  readonly from: string;
  readonly to: string;
  /** From 0 to 1. */
  readonly way: number;
  /** Something is inside that others on the way do not see. */
  readonly envelope: boolean;
}

export interface Ended {
  readonly event: number;
  readonly device: string;
  readonly reason: Reason;
}

export interface Movement {
  readonly moving: readonly Moving[];
  /** What has ended badly just now. */
  readonly ended: readonly Ended[];
}

/** For how long a frame is seen to move, in milliseconds of watching. */
const flight = 240;
/** For how long it is seen that one ended. */
const mourning = 900;
/** A picture of more than that shows nothing any more. */
const most = 120;

export function movementAt(log: EventLog, timeline: Timeline, position: number): Movement {
  const moving: Moving[] = [];
  const ended: Ended[] = [];
  const last = timeline.lastBefore(position);
  for (let id = last; id >= 0 && position - timeline.of(id) < mourning; id -= 1) {
    if (moving.length + ended.length >= most) break;
    const age = position - timeline.of(id);
    const sort = log.sortOf(id);
    if (sort === 'drop') {
      const reason = log.reasonOf(id);
      if (!isNoise(reason)) ended.push({ event: id, device: log.read(id).node, reason });
    } else if (age < flight && (sort === 'frame' || sort === 'flood')) {
      const envelope = isEnvelope(log, id);
      for (const { port, peer } of log.crossings(id))
        moving.push({ event: id, from: port.label, to: peer.label, way: age / flight, envelope });
    }
  }
  return { moving, ended };
}

/** UDP between the ends of a tunnel, or ESP: by what WireGuard, ESP and VXLAN look like (wire/describe.ts). */
function isEnvelope(log: EventLog, id: number): boolean {
  const cause = log.causeOf(id);
  if (cause >= 0 && log.sortOf(cause) === 'packet') return log.directionOf(cause) === 'in';
  if (log.byteOf(id, 12) !== 0x08 || log.byteOf(id, 13) !== 0x00) return false;
  const protocol = log.byteOf(id, 23);
  if (protocol === 50) return true;
  const start = 14 + (log.byteOf(id, 14) & 15) * 4;
  // WireGuard: one of four types and three zeros, at a UDP payload (section 5.4 of its paper).
  const type = log.byteOf(id, start + 8);
  const zeros = [9, 10, 11].every((at) => log.byteOf(id, start + at) === 0);
  return protocol === 17 && type >= 1 && type <= 4 && zeros && log.lengthOf(id) >= start + 8 + 32;
}
