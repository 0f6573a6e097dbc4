/** The events of a run as rows of a list, and which of them a filter leaves. */
import type { TraceEvent } from '../trace/event.ts';
import type { EventLog } from '../trace/log.ts';
import { describeFrame, describePacket } from '../wire/describe.ts';

export interface EventRow {
  readonly id: number;
  /** Seconds, to the microsecond. */
  readonly time: string;
  readonly where: string;
  readonly what: string;
  readonly isDrop: boolean;
}

export type Which = 'all' | 'packets' | 'drops' | 'facts';

export function rowOf(log: EventLog, id: number): EventRow {
  const event = log.read(id);
  const time = (event.at / 1e9).toFixed(6);
  return { id, time, where: whereOf(event), what: wordsOf(event), isDrop: event.kind === 'drop' };
}

/** Ids from `from` to `to` that the filter leaves; several calls make a whole, so that nobody waits. */
export function matching(
  log: EventLog,
  which: Which,
  text: string,
  from: number,
  to: number,
): number[] {
  const wanted = text.toLowerCase();
  const found: number[] = [];
  for (let id = from; id < Math.min(to, log.length); id += 1) {
    const sort = log.sortOf(id);
    const isWanted =
      which === 'all' ||
      (which === 'drops' && sort === 'drop') ||
      (which === 'facts' && sort === 'fact') ||
      (which === 'packets' && sort !== 'fact');
    if (!isWanted) continue;
    if (wanted !== '') {
      const { where, what } = rowOf(log, id);
      if (!`${where} ${what}`.toLowerCase().includes(wanted)) continue;
    }
    found.push(id);
  }
  return found;
}

function whereOf(event: TraceEvent): string {
  switch (event.kind) {
    case 'frame':
      return `${event.from} → ${event.to}`;
    case 'flood':
      return `${event.node} → ${event.to.length === 1 ? event.to[0] : `${event.to.length} ports`}`;
    case 'drop':
      return event.port;
    case 'packet':
      return `${event.direction === 'in' ? 'into' : 'out of'} ${event.interface}`;
    default:
      return event.node;
  }
}

function wordsOf(event: TraceEvent): string {
  switch (event.kind) {
    case 'frame':
    case 'flood':
      return describeFrame(event.bytes);
    case 'drop':
      return `dropped: ${event.reason}: ${describeFrame(event.bytes)}`;
    case 'packet':
      return describePacket(event.bytes);
    default: {
      const { id: _, at: __, node: ___, cause: ____, kind, ...fields } = event;
      const words = Object.entries(fields)
        .filter(([, value]) => value !== '' && value !== undefined)
        .map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(', ') : value}`);
      return `${kind}: ${words.join(', ')}`;
    }
  }
}
