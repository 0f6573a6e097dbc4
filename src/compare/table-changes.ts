/** Tables as changes: what stays as it was from one step to the next is told once. */
import type { Account } from './account.ts';
import type { Item } from './item.ts';
import type { Line } from './line.ts';

/**
 * @param items What tables held at the end of every step. Where a timer or the instant decided that, it
 *              counts as unchanged.
 */
export function tableChanges({ steps }: Account, items: readonly Item[]): Line[] {
  const entries = new Map<string, Map<number, Item>>();
  for (const item of items) {
    const name = item.stream.slice(`after step ${item.step}: `.length);
    let entry = entries.get(name);
    if (entry === undefined) entries.set(name, (entry = new Map()));
    entry.set(item.step, item);
  }
  const lines: Line[] = [];
  for (const [stream, entry] of entries) {
    let value = nothing;
    for (const { number: step } of steps) {
      const item = entry.get(step);
      if (item?.fleeting || item?.traits?.expired) continue;
      const what = item?.what ?? nothing;
      if (what !== value) lines.push({ step, stream, what });
      value = what;
    }
  }
  return lines;
}

const nothing = 'nothing';
