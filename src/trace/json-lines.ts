/** The event log as text: one JSON object a line, in order, for other programs and for comparing runs. */
import { showHex } from '../base/bytes.ts';
import type { TraceEvent } from './event.ts';
import type { EventLog } from './log.ts';

/** Lines without their ends. */
export function* jsonLines(log: EventLog): Generator<string> {
  for (const event of log.events()) yield JSON.stringify(plainEvent(event));
}

/** An event as it stands in JSON: bytes are written as hexadecimal digits. */
export const plainEvent = (event: TraceEvent): object =>
  'bytes' in event ? { ...event, bytes: showHex(event.bytes) } : event;
