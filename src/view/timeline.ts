/**
 * Where in a picture of time an instant lies. Most of a run is waiting: with gaps compressed every
 * instant at which something happens has room to be seen, and a minute of nothing takes a moment.
 */
import type { Instant } from '../base/time.ts';
import type { EventLog } from '../trace/log.ts';
import { lastUntil } from './selection.ts';

/** Milliseconds of watching from one instant to the next: no less, and no more. */
const shown = { least: 120, most: 700 };

export type TimeMode = 'compressed' | 'real';

export class Timeline {
  readonly mode: TimeMode;
  readonly #log: EventLog;
  readonly #end: Instant;
  /** Per event, in milliseconds of watching at normal speed. */
  readonly #positions: Float64Array;
  /** As a position: the end of the run. */
  readonly length: number;

  constructor(log: EventLog, end: Instant, mode: TimeMode) {
    this.mode = mode;
    this.#log = log;
    this.#end = Math.max(end, log.length === 0 ? 0 : log.timeOf(log.length - 1)) as Instant;
    this.#positions = new Float64Array(log.length);
    let [position, last] = [0, 0];
    for (let id = 0; id < log.length; id += 1) {
      const time = log.timeOf(id);
      position += this.#stretch(time - last);
      last = time;
      this.#positions[id] = position;
    }
    this.length = position + this.#stretch(this.#end - last);
  }

  /** The position of an event. */
  of(event: number): number {
    return this.#positions[event]!;
  }

  positionOf(at: Instant): number {
    const event = lastUntil(this.#log, at);
    const [time, position] = event < 0 ? [0, 0] : [this.#log.timeOf(event), this.of(event)];
    const isLast = event + 1 >= this.#log.length;
    const [nextTime, next] = isLast
      ? [this.#end, this.length]
      : [this.#log.timeOf(event + 1), this.of(event + 1)];
    const share = nextTime > time ? (at - time) / (nextTime - time) : 0;
    return position + share * (next - position);
  }

  instantAt(position: number): Instant {
    const event = this.lastBefore(position);
    const [time, from] = event < 0 ? [0, 0] : [this.#log.timeOf(event), this.of(event)];
    const isLast = event + 1 >= this.#log.length;
    const [nextTime, to] = isLast
      ? [this.#end, this.length]
      : [this.#log.timeOf(event + 1), this.of(event + 1)];
    const share = to > from ? (position - from) / (to - from) : 0;
    return Math.round(time + Math.min(1, Math.max(0, share)) * (nextTime - time)) as Instant;
  }

  /** The last event at this position or before it; -1 before the first. */
  lastBefore(position: number): number {
    let [low, high] = [0, this.#positions.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#positions[middle]! <= position) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #stretch(nanoseconds: number): number {
    if (nanoseconds <= 0) return 0;
    const milliseconds = nanoseconds / 1e6;
    if (this.mode === 'real') return milliseconds;
    return Math.min(shown.most, Math.max(shown.least, milliseconds));
  }
}

/** How much happens, and how much is lost, in so many equal parts of a timeline. */
export function densityOf(
  log: EventLog,
  timeline: Timeline,
  parts: number,
): { readonly events: Uint32Array; readonly drops: Uint32Array } {
  const [events, drops] = [new Uint32Array(parts), new Uint32Array(parts)];
  if (timeline.length === 0) return { events, drops };
  for (let id = 0; id < log.length; id += 1) {
    const part = Math.min(parts - 1, Math.floor((timeline.of(id) / timeline.length) * parts));
    events[part]! += 1;
    if (log.sortOf(id) === 'drop') drops[part]! += 1;
  }
  return { events, drops };
}
