/**
 * What there is to say of one question, as plain data: whether it was answered, by which way, what
 * went wrong first, and which changes of the file would turn it. `standin explain` writes it, reports read it.
 */
import type { Instant } from '../base/time.ts';
import type { Reason } from './reasons.ts';
import type { Change, Hop } from './result.ts';

export interface Explained {
  readonly file: string;
  readonly case: string;
  readonly seed: number;
  /** `ping web01 -> sql01`. */
  readonly question: string;
  /** The expectation that asked, or the step under way. */
  readonly place: { readonly file: string; readonly line: number; readonly column: number };
  /** The file itself does not ask it. */
  readonly putIn?: true;
  /** From 1. */
  readonly step: number;
  /** When it was asked, and when it was over. */
  readonly asked: Instant;
  readonly at: Instant;
  readonly answered: boolean;
  /** One sentence, without a full stop. */
  readonly sentence: string;
  /** What the scenario demanded beyond an answer, and what of it was not so. */
  readonly detail?: string;
  readonly code?: Reason;
  /** The machine that it got to. */
  readonly lastHop?: string;
  /** There and back, as far as it got. */
  readonly hops: readonly DirectedHop[];
  readonly decision?: WrongDecision;
  readonly healsAt?: Instant;
  /** In words of the file. */
  readonly remedy?: string;
  readonly changes: readonly Proposal[];
  /** Why none is proposed. */
  readonly noChange?: string;
  /** Frames of the deciding packet, in order, and of what it waited for. */
  readonly arrows?: readonly Arrow[];
}

export interface DirectedHop extends Hop {
  readonly direction: 'there' | 'back';
}

/** The first decision that was wrong, and the event that shows it. */
export interface WrongDecision {
  readonly node: string;
  readonly what: string;
  readonly at: Instant;
  readonly event: number;
}

/** A change, and what came of playing it: nothing where it was not played. */
export interface Proposal extends Change {
  readonly turned?: boolean;
  /** What was seen in the run that was changed. */
  readonly seen?: string;
}

/** One frame from device to device. */
export interface Arrow {
  readonly from: string;
  /** Empty where it ended on its way. */
  readonly to: string;
  readonly what: string;
  readonly at: Instant;
  readonly event: number;
  /** It is not the packet, but what it waited for. */
  readonly aside: boolean;
}
