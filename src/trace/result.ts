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
  /** What was wrong on the wire, though nobody asked; see `explain/invariants.ts`. */
  readonly findings: readonly FindingResult[];
  /** Flows whose outages the scenario asks for, and how they fared from beginning to end. */
  readonly watched?: readonly WatchedFlow[];
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
  /** For how long the time of the lab stood still in all, because the computer was busy elsewhere. */
  readonly stood?: Duration;
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

/** A flow that was pinged all the time. */
export interface WatchedFlow {
  /** As in the scenario: `web01 -> sql01`. */
  readonly flow: string;
  /** The VM that it leads to; empty where it leads elsewhere. */
  readonly vm: string;
  /** Questions. */
  readonly sent: number;
  readonly answered: number;
  /** In order of time. */
  readonly outages: readonly OutageResult[];
}

/** How long nobody answered: seen from outside, a network recovery time. */
export interface OutageResult {
  /** The last answer before it; where there was none, the first question. */
  readonly lostAt: Instant;
  /** The first answer after it; undefined: there was none by the end. */
  readonly restoredAt?: Instant;
  readonly length: Duration;
  /** Questions without an answer. */
  readonly lost: number;
}

/** An invariant was broken. The same thing again is only counted. */
export interface FindingResult {
  /** The name that switches it: `two_answers`. */
  readonly invariant: string;
  /** One sentence, with names, addresses and the time, without a full stop. */
  readonly text: string;
  readonly code?: Reason;
  /** For the first time. */
  readonly at: Instant;
  /** How often. */
  readonly count: number;
  /** The step in which it was first seen, from 1; 0 before the first. */
  readonly step: number;
  /** Ids of the events that show it, the first of them the one that decides; a few are enough. */
  readonly events: readonly number[];
  /** The scenario said that it would be so, or that it does not matter; else the run has not passed. */
  readonly verdict: 'broken' | 'expected' | 'warned';
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
  /** The fault of the scenario that is behind it. */
  readonly fault?: FaultPlace;
  /** What else would still be in the way, once that is mended. */
  readonly also?: readonly AlsoInTheWay[];
  /** What in the scenario would turn it, and where that stands. */
  readonly change?: Change;
  /** When it would heal by itself, if nothing is changed. */
  readonly healsAt?: Instant;
  /** The event that decided, for the viewer. */
  readonly event?: number;
  /** The number under which the log has what was sent for it, where something was. */
  readonly probe?: number;
}

/** A fault of a scenario, and its line there. */
export interface FaultPlace {
  /** `power_off at gw1`. */
  readonly text: string;
  readonly line: number;
}

/** A further cause of a failure. */
export interface AlsoInTheWay {
  readonly code: Reason;
  /** Without a full stop. */
  readonly text: string;
  readonly fault?: FaultPlace;
}

/** Something to change in a scenario, in words, and the place that it is about. */
export interface Change {
  /** `tenant.sites.hq.appliances.nea-hq.gratuitous_arp: up`, or `take out: fault: { drop: … }`. */
  readonly text: string;
  readonly file: string;
  readonly line: number;
  /** From 1. */
  readonly column: number;
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
  /** The event in the log, where there is one. */
  readonly event?: number;
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

/** Findings that nobody expected, of invariants that are no matter of indifference. */
export const brokenFindings = (result: RunResult): readonly FindingResult[] =>
  result.findings.filter(({ verdict }) => verdict === 'broken');

/** One word for a run: what was broken off has not passed, even if all that came before did. */
export function verdictOfRun(result: RunResult): Verdict {
  if (brokenFindings(result).length > 0) return 'broken';
  const verdict = verdictOf(expectationsOf(result));
  return result.brokenOff !== undefined && verdict === 'met' ? 'not-checked' : verdict;
}

/** One word for the whole. A run that did not check everything has not passed. */
export function verdictOf(expectations: readonly ExpectationResult[]): Verdict {
  const { met, broken, notChecked } = tally(expectations);
  if (broken > 0) return 'broken';
  return met > 0 && notChecked === 0 ? 'met' : 'not-checked';
}
