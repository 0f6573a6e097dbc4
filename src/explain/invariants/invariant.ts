/** What an invariant is: it watches the log go by, and says at any moment what has broken it so far. */
import type { Instant } from '../../base/time.ts';
import type { Fact, TraceEvent } from '../../trace/event.ts';
import type { Reason } from '../../trace/reasons.ts';

/** Something that should never be so, and was. */
export interface Breach {
  /** One sentence, with names and addresses, without a full stop. */
  readonly text: string;
  readonly code?: Reason;
  /** For the first time. */
  readonly at: Instant;
  /** How often. */
  readonly count: number;
  /** Ids of events that show it, the one that decides first. */
  readonly events: readonly number[];
}

/** A fact of one kind, as it is read from the log. */
export type Told<K extends Fact['kind']> = Extract<TraceEvent, { kind: K }>;

/** Events come in the order of the log. What comes of an event is not known yet when it comes. */
export interface Invariant {
  /** A frame that crosses a link, by its id. */
  crossing?(id: number): void;
  /** A packet that goes into a tunnel or comes out of it. */
  packet?(id: number): void;
  drop?(id: number): void;
  fact?(id: number, fact: Fact): void;
  /** The log has been read up to `now`. Everything that was broken by then, also what was said before. */
  judge(now: Instant): readonly Breach[];
}

/** Breaches as they are found: the same thing again is only counted. */
export class Breaches {
  readonly #found = new Map<string, Breach>();

  /** @param thing What it is that is wrong: the same words mean the same thing. */
  add(thing: string, breach: () => Omit<Breach, 'count'>): void {
    const before = this.#found.get(thing);
    const known = before === undefined ? { ...breach(), count: 0 } : before;
    this.#found.set(thing, { ...known, count: known.count + 1 });
  }

  get all(): readonly Breach[] {
    return [...this.#found.values()];
  }
}
