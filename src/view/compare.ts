/** Two runs side by side, from the first event that they do not share. */
import type { Instant } from '../base/time.ts';
import { align } from '../compare/align.ts';
import { divergenceOf } from '../compare/divergence.ts';
import type { TraceEvent } from '../trace/event.ts';
import { eventWords } from '../trace/event-words.ts';
import type { EventLog } from '../trace/log.ts';
import type { RunResult } from '../trace/result.ts';

export interface SideBySide {
  /** Undefined where the runs are the same. */
  readonly first?: Parting;
  /** Where labs that are not built alike begin to behave otherwise; undefined where that is `first`, or never. */
  readonly behaviour?: Parting;
  /** In the order of time: what both share last, then what differs, and what is alike again. */
  readonly rows: readonly PairRow[];
  /** How far the axis of both goes. */
  readonly end: Instant;
}

export interface Parting {
  /** Of each run, the event that the other does not have there; its length where it was over. */
  readonly left: number;
  readonly right: number;
  /** The step in which they part; 0 before the first. */
  readonly step: number;
  readonly title: string;
  /** What of the event differs, where both have one of a kind. */
  readonly fields: readonly string[];
  readonly at: Instant;
}

export interface PairRow {
  readonly left?: Side;
  readonly right?: Side;
  /** `moved`: the same, at another time. */
  readonly kind: 'same' | 'moved' | 'different';
  readonly isFirst: boolean;
}

export interface Side {
  readonly event: number;
  readonly at: Instant;
  readonly node: string;
  readonly words: string;
  readonly isDrop: boolean;
}

/** So many events of each run are laid beside one another: what both have before, and what comes after. */
const beforeMost = 4;
const afterMost = 80;

export function sideBySide(left: EventLog, right: EventLog, end: Instant): SideBySide {
  const [mine, others] = [[...left.events()], [...right.events()]];
  const parted = divergenceOf(mine, others);
  if (parted === undefined) return { rows: [], end };
  const { id, step, title, fields } = parted;
  const at = Math.min(mine[id]?.at ?? end, others[id]?.at ?? end) as Instant;
  const first = { left: id, right: id, step, title, fields, at };
  const behaviour = step === 0 ? behaviourOf(mine, others, end) : undefined;
  const shown = behaviour ?? first;
  const before = Math.min(beforeMost, shown.left, shown.right);
  const near = (events: readonly TraceEvent[], from: number): Side[] =>
    events.slice(from - before, from + afterMost).map(sideOf);
  const rows = aligned(near(mine, shown.left), near(others, shown.right));
  const place = rows.findIndex((row) => row.kind !== 'same' && isAfter(row, shown));
  // What is missing at the end is there in the other run, further down than is looked.
  const isCut = ({ left: a, right: b }: (typeof rows)[number]): boolean =>
    (a === undefined && shown.left + afterMost < mine.length) ||
    (b === undefined && shown.right + afterMost < others.length);
  while (rows.length > place + 1 && isCut(rows.at(-1)!)) rows.pop();
  return {
    first,
    ...(behaviour && { behaviour }),
    rows: rows.map((row, i) => ({ ...row, isFirst: i === place })),
    end,
  };
}

const isAfter = ({ left, right }: Omit<PairRow, 'isFirst'>, shown: Parting): boolean =>
  (left !== undefined && left.event >= shown.left) ||
  (right !== undefined && right.event >= shown.right);

/** From the first step on: what happened, to whom and when, whatever its number is. */
function behaviourOf(
  left: readonly TraceEvent[],
  right: readonly TraceEvent[],
  end: Instant,
): Parting | undefined {
  const isStep = ({ kind }: TraceEvent): boolean => kind === 'step';
  let [x, y] = [left.findIndex(isStep), right.findIndex(isStep)];
  if (x < 0 || y < 0) return undefined;
  let step: TraceEvent = left[x]!;
  while (x < left.length && y < right.length && isAlike(left[x]!, right[y]!)) {
    if (isStep(left[x]!)) step = left[x]!;
    x += 1;
    y += 1;
  }
  if (x === left.length && y === right.length) return undefined;
  const { number, title } = step as Extract<TraceEvent, { kind: 'step' }>;
  const at = Math.min(left[x]?.at ?? end, right[y]?.at ?? end) as Instant;
  return { left: x, right: y, step: number, title, fields: [], at };
}

const isAlike = (one: TraceEvent, other: TraceEvent): boolean =>
  one.at === other.at && one.node === other.node && wordsOf(one) === wordsOf(other);

/** Where a step stands in its file is no difference. */
const wordsOf = (event: TraceEvent): string => eventWords(event, 'line');

const sideOf = (event: TraceEvent): Side => {
  const { id, at, node, kind } = event;
  return { event: id, at, node, words: wordsOf(event), isDrop: kind === 'drop' };
};

/** What both have stands in one row; of what only one has, the rows are filled up from the other where there is something. */
function aligned(left: readonly Side[], right: readonly Side[]): Omit<PairRow, 'isFirst'>[] {
  const isSame = (one: Side, other: Side): boolean =>
    one.node === other.node && one.words === other.words;
  const rows: Omit<PairRow, 'isFirst'>[] = [];
  let [x, y] = [0, 0];
  const together = (until: number): void => {
    for (; x < until; x += 1, y += 1) {
      const [one, other] = [left[x]!, right[y]!];
      rows.push({ left: one, right: other, kind: one.at === other.at ? 'same' : 'moved' });
    }
  };
  for (const gap of align(left, right, isSame)) {
    together(gap.left[0]);
    const [mine, others] = [left.slice(...gap.left), right.slice(...gap.right)];
    for (let i = 0; i < Math.max(mine.length, others.length); i += 1)
      rows.push({
        ...(mine[i] && { left: mine[i] }),
        ...(others[i] && { right: others[i] }),
        kind: 'different',
      });
    [x, y] = [gap.left[1], gap.right[1]];
  }
  together(left.length);
  return rows;
}

/** Expectations of both runs, where they came to different ends; those of one file go by line and place. */
export interface VerdictPair {
  readonly text: string;
  readonly line: number;
  readonly left?: string;
  readonly right?: string;
}

export function verdictPairs(left: RunResult, right: RunResult): VerdictPair[] {
  const pairs = new Map<string, { text: string; line: number; left?: string; right?: string }>();
  for (const [side, { steps }] of [['left', left] as const, ['right', right] as const]) {
    const met = new Map<string, number>();
    for (const { text, line, verdict, code } of steps.flatMap((step) => step.expectations)) {
      const often = met.get(text) ?? 0;
      met.set(text, often + 1);
      const key = `${text} ${often}`;
      const pair = pairs.get(key) ?? { text, line };
      pairs.set(key, pair);
      pair[side] = code === undefined ? verdict : `${verdict}: ${code}`;
    }
  }
  return [...pairs.values()].filter((pair) => pair.left !== pair.right);
}

/** What is drawn of a run on an axis of time: its steps, and where packets were dropped. */
export interface Axis {
  readonly steps: readonly {
    readonly number: number;
    readonly title: string;
    readonly at: Instant;
  }[];
  /** Parts of the axis, from 0, with at least one drop in them. */
  readonly drops: readonly number[];
}

export function axisOf(log: EventLog, result: RunResult, end: Instant, parts: number): Axis {
  const drops = new Set<number>();
  for (let id = 0; id < log.length; id += 1)
    if (log.sortOf(id) === 'drop' && end > 0)
      drops.add(Math.min(parts - 1, Math.floor((log.timeOf(id) / end) * parts)));
  const steps = result.steps.map(({ number, title, at }) => ({ number, title, at }));
  return { steps, drops: [...drops].sort((one, other) => one - other) };
}
