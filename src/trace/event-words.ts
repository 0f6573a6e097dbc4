/** What happened in an event of the log, in a few words; which event it is, when and where, stands beside it. */
import { describeFrame, describePacket } from '../wire/describe.ts';
import type { TraceEvent } from './event.ts';

/** @param without A field that is not said. */
export function eventWords(event: TraceEvent, without = ''): string {
  switch (event.kind) {
    case 'frame':
      return `${event.from} > ${event.to}${frameIn(event.bytes)}`;
    case 'flood':
      return `${event.from} > ${event.to.length} ports${frameIn(event.bytes)}`;
    case 'drop':
      return `${event.port} dropped: ${event.reason}${frameIn(event.bytes)}`;
    case 'packet': {
      const packet = event.bytes.length > 0 ? `  ${describePacket(event.bytes)}` : '';
      return `${event.direction === 'in' ? 'into' : 'out of'} ${event.interface}${packet}`;
    }
    default:
      return factIn(event, without);
  }
}

const frameIn = (bytes: Uint8Array): string =>
  bytes.length > 0 ? `  ${describeFrame(bytes)}` : '';

const common: ReadonlySet<string> = new Set(['id', 'at', 'node', 'cause', 'kind']);

/** `neighbour: interface eth0, ip 10.0.10.20, state incomplete, was none`; what is empty is left out. */
function factIn(event: TraceEvent, without: string): string {
  const said = Object.entries(event)
    .filter(
      ([name, value]) =>
        !common.has(name) && name !== without && value !== '' && String(value) !== '',
    )
    .map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(' ') : value}`);
  return said.length === 0 ? event.kind : `${event.kind}: ${said.join(', ')}`;
}
