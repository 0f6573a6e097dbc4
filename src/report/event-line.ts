/** One event of the log in one line. */
import type { TraceEvent } from '../trace/event.ts';
import { describeFrame, describePacket } from '../wire/describe.ts';
import { pad, safe } from './terminal.ts';

/** `#113    15.500201632 s  office      office.sql01 dropped: LINK_DOWN  10.0.10.11 > …`. */
export const eventLine = (event: TraceEvent): string => `${headOf(event)}${saidOf(event)}`;

/** Which event, when and where, in columns. */
export function headOf({ id, at, node }: TraceEvent): string {
  const time = `${(at / 1e9).toFixed(9)} s`;
  return safe(`#${String(id).padEnd(7)}${time.padStart(18)}  ${pad(node, 14)}  `);
}

/** What happened. */
export const saidOf = (event: TraceEvent): string => safe(wordsOf(event));

function wordsOf(event: TraceEvent): string {
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
      return factIn(event);
  }
}

const frameIn = (bytes: Uint8Array): string =>
  bytes.length > 0 ? `  ${describeFrame(bytes)}` : '';

const common: ReadonlySet<string> = new Set(['id', 'at', 'node', 'cause', 'kind']);

/** `neighbour: interface eth0, ip 10.0.10.20, state incomplete, was none`; what is empty is left out. */
function factIn(event: TraceEvent): string {
  const said = Object.entries(event)
    .filter(([name, value]) => !common.has(name) && value !== '' && String(value) !== '')
    .map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(' ') : value}`);
  return said.length === 0 ? event.kind : `${event.kind}: ${said.join(', ')}`;
}
