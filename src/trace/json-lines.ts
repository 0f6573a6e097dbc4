/** The event log as text: one JSON object a line, in order, for other programs and for comparing runs. */
import { showHex } from '../base/bytes.ts';
import type { EventLog } from './log.ts';

/** Lines without their ends. Bytes are written as hexadecimal digits. */
export function* jsonLines(log: EventLog): Generator<string> {
  for (const event of log.events()) {
    yield 'bytes' in event
      ? JSON.stringify({ ...event, bytes: showHex(event.bytes) })
      : JSON.stringify(event);
  }
}
