/**
 * What came of one case of one scenario, as plain data. The runner writes it; every report reads
 * it, and nothing else but the event log.
 */
import type { Duration, Instant } from '../base/time.ts';
import type { Obstacle } from './checkup.ts';
import type { Reason } from './reasons.ts';

export interface RunResult {
  /** The scenario's file, as the user named it. */
  readonly file: string;
  readonly name: string;
  readonly about: string;
  /** Which case of the matrix: `lease=valid plan_dhcp=none`. Empty where there is no matrix. */
  readonly case: string;
  readonly seed: number;
  /** How far the lab's own clock went. */
  readonly simulatedTime: Instant;
  readonly steps: readonly StepResult[];
  /** How many events the log has. */
  readonly events: number;
  /** Why the run did not get to its end; then something is not checked, whatever the expectations say. */
  readonly brokenOff?: Reason;
  /** What kept it from its end, where the log shows it: `broadcast storm on the links …`. */
  readonly brokenOffBy?: string;
  /** The kernels that it was played on, if it was not simulated. */
  readonly platform?: Platform;
  /** The real networks that it was joined to, and what has passed. */
  readonly attachments?: readonly AttachmentResult[];
  /** Where the capture was written, if it was. */
  readonly capture?: string;
}

export interface AttachmentResult {
  /** The network of the scenario; empty for what strangers sent. */
  readonly network: string;
  /** `vxlan://192.0.2.10:4789/42`. */
  readonly to: string;
  /** Frames. */
  readonly in: number;
  readonly out: number;
  readonly dropped: readonly { readonly code: Reason; readonly count: number }[];
}

export interface Platform {
  /** `Linux 6.18.44`, or `the real clock` where no kernel has a part in it. */
  readonly kernel: string;
  /** How much later than due something happened at worst. */
  readonly latest: Duration;
}

export interface StepResult {
  /** From 1. */
  readonly number: number;
  readonly title: string;
  readonly line: number;
  readonly at: Instant;
  readonly happened: readonly Happening[];
  readonly expectations: readonly ExpectationResult[];
}

/**
 * Something a step brought about. What became of an operation is one thing and who can be reached
 * is another: this is the first, expectations are the second.
 */
export interface Happening {
  readonly kind: 'note' | 'success' | 'failed' | 'warning';
  readonly text: string;
  readonly code?: Reason;
}

export interface ExpectationResult {
  /** As in the scenario: `ping web01 -> sql01`. */
  readonly text: string;
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** The file it is in, where that is not the scenario's own but one that it extends. */
  readonly file?: string;
  readonly verdict: Verdict;
  /** One sentence: what was seen, or what came nearest. May be empty. */
  readonly detail: string;
  readonly at: Instant;
  /** Why it ended as it did. */
  readonly code?: Reason;
  /** What the scenario said it must fail with (`fails:`), where it did. */
  readonly fails?: Reason | 'any';
  /** The way of the deciding packet. */
  readonly hops?: readonly Hop[];
  /** Sharper than the catalogue's words: what the reason means here, and what would change it. */
  readonly why?: string;
  readonly remedy?: string;
  /** The event that decided, for the viewer. */
  readonly event?: number;
}

export type Verdict = 'met' | 'broken' | 'not-checked';

/** One place that a packet came through. */
export interface Hop {
  /** The device: `web01`. */
  readonly where: string;
  /** The port it came in by; empty where it began. */
  readonly in: string;
  /** The port it left by; empty where it ended well; `dropped` says that it ended badly. */
  readonly out: string;
  /** What the device decided, and from what. */
  readonly what: string;
  readonly at: Instant;
  readonly dropped?: boolean;
}

/** A case that kernels cannot play, or not here. It has not passed. */
export interface Unplayed {
  readonly file: string;
  readonly case: string;
  readonly obstacles: readonly Obstacle[];
}

/** A result, and what the lab's own clock cannot know: how long it took to get it. */
export interface TimedResult {
  readonly result: RunResult;
  readonly realTime: Duration;
}

/** How many expectations ended how. */
export interface Tally {
  readonly met: number;
  readonly broken: number;
  readonly notChecked: number;
  /** Those among `met` that had to fail, and did for the reason given. */
  readonly reproduced: number;
}

export const expectationsOf = (result: RunResult): readonly ExpectationResult[] =>
  result.steps.flatMap((step) => step.expectations);

export function tally(expectations: readonly ExpectationResult[]): Tally {
  const count = (verdict: Verdict): number =>
    expectations.filter((expectation) => expectation.verdict === verdict).length;
  return {
    met: count('met'),
    broken: count('broken'),
    notChecked: count('not-checked'),
    reproduced: expectations.filter(isReproduced).length,
  };
}

/** A limitation of the product that showed itself as the scenario said. */
export const isReproduced = (expectation: ExpectationResult): boolean =>
  expectation.verdict === 'met' && expectation.fails !== undefined;

/** One word for a run: what was broken off has not passed, even if all that came before did. */
export function verdictOfRun(result: RunResult): Verdict {
  const verdict = verdictOf(expectationsOf(result));
  return result.brokenOff !== undefined && verdict === 'met' ? 'not-checked' : verdict;
}

/** One word for the whole. A run that did not check everything has not passed. */
export function verdictOf(expectations: readonly ExpectationResult[]): Verdict {
  const { met, broken, notChecked } = tally(expectations);
  if (broken > 0) return 'broken';
  return met > 0 && notChecked === 0 ? 'met' : 'not-checked';
}
