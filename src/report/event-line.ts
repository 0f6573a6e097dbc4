/** One event of the log in one line. */
import type { TraceEvent } from '../trace/event.ts';
import { eventWords } from '../trace/event-words.ts';
import { pad, safe } from './terminal.ts';

/** `#113    15.500201632 s  office      office.sql01 dropped: LINK_DOWN  10.0.10.11 > …`. */
export const eventLine = (event: TraceEvent): string => `${headOf(event)}${saidOf(event)}`;

/** Which event, when and where, in columns. */
export function headOf({ id, at, node }: TraceEvent): string {
  const time = `${(at / 1e9).toFixed(9)} s`;
  return safe(`#${String(id).padEnd(7)}${time.padStart(18)}  ${pad(node, 14)}  `);
}

/** What happened. */
export const saidOf = (event: TraceEvent): string => safe(eventWords(event));
