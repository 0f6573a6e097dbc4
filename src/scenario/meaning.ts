/** What a scenario means, as one text: the same for two files that differ in words, places and order of keys only. */
import type { Scenario } from './scenario.ts';

export function meaningOf(scenario: Scenario): string {
  const { file, name, about, tags, seed, case: which, variables, parts, ...meaning } = scenario;
  return JSON.stringify(meaning, plainly);
}

/** Where something stands in a file, and what it is called there, decides nothing. */
const words: ReadonlySet<string> = new Set(['place', 'title', 'text']);

function plainly(key: string, value: unknown): unknown {
  if (words.has(key)) return undefined;
  if (value instanceof Map) return inOrder([...value]);
  return isPlain(value) ? inOrder(Object.entries(value)) : value;
}

const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const inOrder = (entries: readonly (readonly [unknown, unknown])[]): Record<string, unknown> =>
  Object.fromEntries(
    entries
      .map(([key, value]) => [String(key), value] as const)
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  );
