/**
 * What in a scenario would change that a packet does not arrive: from an explanation to changes of
 * the file, likeliest first. None of them is believed before it has been played; see `trial.ts`.
 */
import type { Subject } from '../explain/subject.ts';
import type { Reason } from '../trace/reasons.ts';
import type { Change } from '../trace/result.ts';
import type { Amendment } from './amend.ts';
import { Grounds } from './grounds.ts';
import { mendTable } from './mend-table.ts';
import type { Place } from './place.ts';
import type { Scenario } from './scenario.ts';

export interface Mend {
  /** In words of the file: `tenant.sites.hq.appliances.nea-hq.gratuitous_arp: both`. */
  readonly words: string;
  /** What it is about, in the file. */
  readonly place: Place;
  readonly amendments: readonly Amendment[];
}

/** Makes the changes of one kind that might help; none where that kind is not to the point. */
export type Maker = (grounds: Grounds) => readonly Mend[];

/** A question that was not answered, and where it was asked. */
export interface Unanswered {
  readonly scenario: Scenario;
  /** The number of the step that asked. */
  readonly step: number;
  /** The word in the file that asked. */
  readonly place: Place;
  readonly code: Reason;
  readonly subject: Subject;
}

/** More than these nobody tries. */
const mendsMost = 6;

export function mendsOf(unanswered: Unanswered): readonly Mend[] {
  const makers = mendTable[unanswered.code];
  if (typeof makers === 'string') return [];
  const grounds = new Grounds(unanswered);
  const mends = new Map<string, Mend>();
  for (const make of makers)
    for (const mend of make(grounds)) if (!mends.has(mend.words)) mends.set(mend.words, mend);
  return [...mends.values()].slice(0, mendsMost);
}

/** Why nothing in a file would change it, where that is so for a code. */
export function whyNoMend(code: Reason): string | undefined {
  const entry = mendTable[code];
  return typeof entry === 'string' ? entry : undefined;
}

/** For a result: the one that is tried first. */
export function changeOf(unanswered: Unanswered): Change | undefined {
  const [first] = mendsOf(unanswered);
  return first && asChange(first);
}

export function asChange({ words, place }: Mend): Change {
  const { file, line, column } = place;
  return { text: words, file, line, column };
}
