/** Which events belong to a step: by the log, for several steps may begin at one instant. */
import type { EventLog } from '../trace/log.ts';

export interface Stretch {
  readonly from: number;
  /** The one behind the last. */
  readonly to: number;
}

interface Begin {
  readonly id: number;
  readonly number: number;
}

/** A page asks for every picture that it shows. */
const known = new WeakMap<EventLog, readonly Begin[]>();

function beginsIn(log: EventLog): readonly Begin[] {
  let begins = known.get(log);
  if (begins === undefined) {
    begins = [...log.facts(['step'])].map(({ id, number }) => ({ id, number }));
    known.set(log, begins);
  }
  return begins;
}

/** @param number Of the step, from 1. Of one that there is not: nothing, at the end. */
export function stretchOf(log: EventLog, number: number): Stretch {
  const begins = beginsIn(log);
  const place = begins.findIndex((one) => one.number === number);
  const from = begins[place]?.id ?? log.length;
  return { from, to: (place < 0 ? undefined : begins[place + 1]?.id) ?? log.length };
}

/** The step under way at an event; 0 before the first. */
export const stepAt = (log: EventLog, event: number): number =>
  beginsIn(log).findLast(({ id }) => id <= event)?.number ?? 0;
