/**
 * Everything that can be selected is one selection: whatever is pointed at, the packet, the device, the
 * step and the line of the file that belong to it are known, and every part of the page shows its own.
 */
import type { EventLog } from '../trace/log.ts';
import type { RunResult } from '../trace/result.ts';
import { stepAt, stretchOf } from './stretch.ts';

/** What somebody has pointed at. */
export type Pointed =
  /** A packet, a hop, a drop, a fact: anything in the log. */
  | { readonly kind: 'event'; readonly event: number }
  | { readonly kind: 'device'; readonly device: string }
  /** A row of one of its tables: the title of the table, and the first cells that make the row this one. */
  | { readonly kind: 'row'; readonly device: string; readonly table: string; readonly key: string }
  /** From 1. */
  | { readonly kind: 'step'; readonly step: number }
  /** The step from 1, the expectation in it from 0. */
  | { readonly kind: 'expectation'; readonly step: number; readonly index: number }
  /** A line of the scenario's own file, from 1. */
  | { readonly kind: 'line'; readonly line: number };

/** All that belongs to it. What it says nothing of stays as it was. */
export interface Focus {
  readonly event?: number;
  readonly device?: string;
  readonly row?: { readonly table: string; readonly key: string };
  readonly step?: number;
  /** Within its step, from 0. */
  readonly expectation?: number;
  readonly line?: number;
}

export function focusOn(log: EventLog, result: RunResult, old: Focus, on: Pointed): Focus {
  switch (on.kind) {
    case 'event': {
      const { node } = log.read(on.event);
      const step = result.steps[stepAt(log, on.event) - 1];
      const index = step?.expectations.findIndex((one) => one.event === on.event) ?? -1;
      return {
        event: on.event,
        ...(node === 'lab' ? {} : { device: node }),
        ...(step && { step: step.number, line: step.line }),
        ...(step && index >= 0 && { expectation: index, line: step.expectations[index]!.line }),
      };
    }
    case 'device': {
      const { row: _, ...rest } = old;
      return { ...rest, device: on.device };
    }
    case 'row':
      return { ...old, device: on.device, row: { table: on.table, key: on.key } };
    case 'step': {
      const step = result.steps[on.step - 1];
      if (step === undefined) return old;
      return { step: step.number, line: step.line, event: stretchOf(log, on.step).from };
    }
    case 'expectation': {
      const step = result.steps[on.step - 1];
      const one = step?.expectations[on.index];
      if (step === undefined || one === undefined) return old;
      const { event = lastUntil(log, one.at) } = one;
      const device = event < 0 ? 'lab' : log.read(event).node;
      return {
        step: step.number,
        expectation: on.index,
        line: one.line,
        ...(event >= 0 && { event }),
        ...(device !== 'lab' && { device }),
      };
    }
    case 'line': {
      const step = result.steps.findLast((one) => one.line <= on.line);
      const index = step?.expectations.findLastIndex((one) => one.line === on.line) ?? -1;
      if (step === undefined) return { ...old, line: on.line };
      const inStep: Pointed =
        index >= 0
          ? { kind: 'expectation', step: step.number, index }
          : { kind: 'step', step: step.number };
      return { ...focusOn(log, result, old, inStep), line: on.line };
    }
  }
}

/** The last event at this instant or before it; -1 before the first. */
export function lastUntil(log: EventLog, at: number): number {
  let [low, high] = [0, log.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (log.timeOf(middle) <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
