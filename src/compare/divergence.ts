/** Where two runs part: the first event that is not the same, to the nanosecond and the byte. */
import { equalBytes } from '../base/bytes.ts';
import type { TraceEvent } from '../trace/event.ts';

export interface Divergence {
  /** The id of the first event that differs: all before are the same. */
  readonly id: number;
  /** The step in which it is; 0 before the first. */
  readonly step: number;
  readonly title: string;
  /** The last events that both have. */
  readonly before: readonly TraceEvent[];
  readonly left: Parting;
  readonly right: Parting;
  /** Which fields differ, where both have an event of one kind. */
  readonly fields: readonly string[];
}

export interface Parting {
  /** Undefined where this run was over. */
  readonly event: TraceEvent | undefined;
  /** What led to it, the nearest first. */
  readonly causes: readonly TraceEvent[];
}

const contextMost = 4;
const causesMost = 6;

/** Undefined where the runs are the same. */
export function divergenceOf(
  left: readonly TraceEvent[],
  right: readonly TraceEvent[],
): Divergence | undefined {
  const shorter = Math.min(left.length, right.length);
  let id = 0;
  while (id < shorter && fieldsApart(left[id]!, right[id]!).length === 0) id += 1;
  if (id === left.length && id === right.length) return undefined;
  const step = left.slice(0, id).findLast((event) => event.kind === 'step');
  return {
    id,
    step: step?.number ?? 0,
    title: step?.title ?? 'before the first step',
    before: left.slice(Math.max(0, id - contextMost), id),
    left: partingOf(left, id),
    right: partingOf(right, id),
    fields: id < shorter ? fieldsApart(left[id]!, right[id]!) : [],
  };
}

function partingOf(events: readonly TraceEvent[], id: number): Parting {
  const event = events[id];
  const causes: TraceEvent[] = [];
  let cause = event === undefined ? undefined : events[event.cause];
  for (; cause !== undefined && causes.length < causesMost; cause = events[cause.cause])
    causes.push(cause);
  return { event, causes };
}

/** Where something stands in a file is no difference between runs. */
const unlike: ReadonlySet<string> = new Set(['line']);

/** The kind alone where that differs. */
function fieldsApart(one: TraceEvent, other: TraceEvent): string[] {
  if (one.kind !== other.kind) return ['kind'];
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].filter((name) => {
    const [a, b] = [one[name as keyof TraceEvent], other[name as keyof TraceEvent]] as unknown[];
    return !unlike.has(name) && !isSameValue(a, b);
  });
}

function isSameValue(a: unknown, b: unknown): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return equalBytes(a, b);
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((one, i) => one === b[i]);
  return a === b;
}
