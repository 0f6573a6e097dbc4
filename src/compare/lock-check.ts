/** Runs held against a lock file. */
import {
  changesOf,
  keyOf,
  type LayerChange,
  type Lock,
  type LockEntry,
  type LockKey,
} from './lock.ts';

export interface LockCheck extends LockKey {
  /** `not-locked`: the lock file has nothing of this case with this seed. */
  readonly status: 'as-locked' | 'changed' | 'not-locked';
  /** The scenario does not mean what it meant when it was locked. */
  readonly scenarioChanged: boolean;
  /** Of `changed`: at least one. */
  readonly layers: readonly LayerChange[];
  /** Of `not-locked`: with which other seeds the file has it. */
  readonly otherSeeds: readonly number[];
}

export function checkEntry({ entries }: Lock, now: LockEntry): LockCheck {
  const { file, case: name, seed } = now;
  const key = { file, case: name, seed };
  const was = entries.find((one) => keyOf(one) === keyOf(key));
  if (was === undefined) {
    const others = entries.filter((one) => one.file === file && one.case === name);
    const otherSeeds = others.map((one) => one.seed);
    return { ...key, status: 'not-locked', scenarioChanged: false, layers: [], otherSeeds };
  }
  const layers = changesOf(was, now);
  return {
    ...key,
    status: layers.length === 0 ? 'as-locked' : 'changed',
    scenarioChanged: was.meaning !== now.meaning,
    layers,
    otherSeeds: [],
  };
}

/** Cases that there are. `covers` says whether a file was looked for at all. */
export interface Known {
  readonly cases: readonly Omit<LockKey, 'seed'>[];
  readonly covers: (file: string) => boolean;
}

/** Entries of cases that were looked for and are no more. */
export function goneFrom({ entries }: Lock, { cases, covers }: Known): LockEntry[] {
  const there = new Set(cases.map((one) => keyOf({ ...one, seed: 0 })));
  return entries.filter((one) => covers(one.file) && !there.has(keyOf({ ...one, seed: 0 })));
}

/**
 * The entries of a lock file that is written anew: what was played, and of the old ones those of cases
 * that were not and are still there.
 *
 * @param keepsSeeds Entries of other seeds stay beside those that were played.
 */
export function renewed(
  old: Lock | undefined,
  played: readonly LockEntry[],
  known: Known,
  keepsSeeds: boolean,
): LockEntry[] {
  const gone = new Set(old === undefined ? [] : goneFrom(old, known));
  const id = (one: LockKey): string => keyOf(keepsSeeds ? one : { ...one, seed: 0 });
  const replaced = new Set(played.map(id));
  const kept = old?.entries.filter((one) => !gone.has(one) && !replaced.has(id(one))) ?? [];
  // Whoever names a file in two ways means it once.
  return [...new Map([...kept, ...played].map((one) => [keyOf(one), one])).values()];
}
