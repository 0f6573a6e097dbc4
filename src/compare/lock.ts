/** What a lock file holds, and how a run differs from it. */
import { align } from './align.ts';
import type { Behaviour } from './behaviour.ts';
import { type Line, type LockLayer, lockLayers } from './line.ts';

/** Sums up a text; the same text gives the same word, another one another. */
export type Digest = (text: string) => string;

export interface LockKey {
  /** As the user named it. */
  readonly file: string;
  /** Empty where there is no matrix. */
  readonly case: string;
  readonly seed: number;
}

export interface LockEntry extends LockKey {
  /** Digest of what the scenario means: words about it do not count. */
  readonly meaning: string;
  readonly layers: Readonly<Record<LockLayer, LockedLayer>>;
}

export interface LockedLayer {
  /** How many lines there were. */
  readonly count: number;
  /** Of all of them. */
  readonly digest: string;
  /** The first of them: all, unless there are more than `linesMost`. */
  readonly lines: readonly Line[];
}

export interface Lock {
  /** The version of the program that wrote it. */
  readonly engine: string;
  /** In the order of file, case and seed. */
  readonly entries: readonly LockEntry[];
}

/** What a layer of one run may take of a file that people read. The digest covers the rest. */
export const linesMost = 500;

/** The first line that is not the same. */
export interface FirstChange {
  readonly step: number;
  readonly about: string;
  /** Absent where there was nothing of the kind, or is nothing any more. */
  readonly was?: string;
  readonly now?: string;
}

export interface LayerChange {
  readonly layer: LockLayer;
  /** Undefined: it lies beyond the lines that the file holds. */
  readonly first: FirstChange | undefined;
  /** How many lines have gone, and how many are new, of those that the file holds. */
  readonly gone: number;
  readonly come: number;
}

export const keyOf = ({ file, case: name, seed }: LockKey): string =>
  JSON.stringify([file, name, seed]);

export function entryOf(
  key: LockKey,
  meaning: string,
  behaviour: Behaviour,
  digest: Digest,
): LockEntry {
  const layers = {} as Record<LockLayer, LockedLayer>;
  for (const layer of lockLayers) {
    const lines = behaviour[layer];
    layers[layer] = {
      count: lines.length,
      digest: digestOf(lines, digest),
      lines: lines.slice(0, linesMost),
    };
  }
  return { file: key.file, case: key.case, seed: key.seed, meaning, layers };
}

export const digestOf = (lines: readonly Line[], digest: Digest): string =>
  digest(lines.map(({ step, stream, what }) => JSON.stringify([step, stream, what])).join('\n'));

/** By file, case and seed: names by their characters, in no language's order. */
export function inOrder(entries: readonly LockEntry[]): LockEntry[] {
  const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return [...entries].sort(
    (a, b) => order(a.file, b.file) || order(a.case, b.case) || a.seed - b.seed,
  );
}

/** The layers that are not the same, in their order. */
export function changesOf(was: LockEntry, now: LockEntry): LayerChange[] {
  return lockLayers.flatMap((layer) => {
    const [old, fresh] = [was.layers[layer], now.layers[layer]];
    return old.digest === fresh.digest ? [] : [changeOf(layer, old.lines, fresh.lines)];
  });
}

function changeOf(layer: LockLayer, old: readonly Line[], fresh: readonly Line[]): LayerChange {
  const gaps = align(old, fresh, isSame);
  const gone = gaps.reduce((sum, { left: [from, to] }) => sum + to - from, 0);
  const come = gaps.reduce((sum, { right: [from, to] }) => sum + to - from, 0);
  const [gap] = gaps;
  return {
    layer,
    first: gap && firstOf(old.slice(...gap.left), fresh.slice(...gap.right)),
    gone,
    come,
  };
}

const isSame = (one: Line, other: Line): boolean =>
  one.what === other.what && one.stream === other.stream && one.step === other.step;

/** Of two stretches in place of each other, the first line that one has; beside it what the other has by that name. */
function firstOf(old: readonly Line[], fresh: readonly Line[]): FirstChange {
  const [was, now] = [old[0], fresh[0]];
  const isOld = now === undefined || (was !== undefined && isBefore(was, now));
  const line = (isOld ? was : now)!;
  const isIts = ({ step, stream }: Line): boolean => step === line.step && stream === line.stream;
  const other = (isOld ? fresh : old).find(isIts);
  const { step, stream: about, what } = line;
  const [before, after] = isOld ? [what, other?.what] : [other?.what, what];
  return {
    step,
    about,
    ...(before !== undefined && { was: before }),
    ...(after !== undefined && { now: after }),
  };
}

const isBefore = (one: Line, other: Line): boolean =>
  one.step < other.step || (one.step === other.step && one.stream <= other.stream);
