/**
 * Who reached whom, before, during and after each step of a scenario, as plain data. `scenario/reach.ts`
 * makes it; reports read it.
 */
import type { Duration, Instant } from '../base/time.ts';
import type { Reason } from './reasons.ts';

export interface Reachability {
  readonly file: string;
  readonly name: string;
  readonly case: string;
  readonly seed: number;
  /**
   * `snapshots`: each cell comes from a play that ended there, and nothing that was asked for one has a
   * part in another. `observed`: all of it comes from one play in which everybody was pinged all the time.
   */
  readonly mode: 'snapshots' | 'observed';
  /** In the order of time; the columns. */
  readonly moments: readonly Moment[];
  readonly rows: readonly Row[];
  /** Times without the network, VM by VM; of each VM in the order of time. */
  readonly recoveries: readonly NetworkRecovery[];
  /** VMs that everybody who reached them at all reached all the time. */
  readonly neverLost: readonly string[];
  /** VMs that were asked and that nobody has ever reached: what never was cannot be lost. */
  readonly neverReached: readonly string[];
  /** What the scenario expects of pairs, and whether this agrees. */
  readonly claims: readonly Claim[];
  /** What was left out or asked otherwise than usual, in sentences. */
  readonly notes: readonly string[];
  /** How often the scenario was played for it. */
  readonly plays: number;
  /** How the expectations of the scenario ended, in a play that nobody disturbed. */
  readonly expectations: {
    readonly met: number;
    readonly broken: number;
    readonly notChecked: number;
  };
  /** Why there is nothing to see from some time on. */
  readonly brokenOff?: Reason;
}

/** A column: the state that a step left. Expectations are no steps here, for they change nothing. */
export interface Moment {
  /** The step of the file, from 1; 0 before the first. */
  readonly step: number;
  readonly title: string;
  readonly line: number;
  /** When the step began. */
  readonly from: Instant;
  /** When it was over, and was asked. */
  readonly at: Instant;
  /** When the next one began: until then it stood like this, unless it changed by itself. */
  readonly until: Instant;
}

export interface Row {
  readonly from: string;
  /** A VM by its name, wherever it runs: `sql01` is its replica while that has taken over. */
  readonly to: string;
  /** The address that was asked; empty where there was none yet. */
  readonly address: string;
  /** The public address that leads to it, where that was asked and not its own. */
  readonly via?: string;
  readonly protocol: 'ping' | 'tcp' | 'udp';
  /** Of a service. */
  readonly port?: number;
  /** One for each moment. */
  readonly cells: readonly Cell[];
  /** Of pings: when nobody answered those that were sent all the time. Undefined where none were sent. */
  readonly outages?: readonly PairOutage[];
  /** So often it was pinged for the outages. */
  readonly every?: Duration;
}

export interface Cell {
  /**
   * `reached` at once; `late`: not at once, but within a minute; `lost`: not within a minute;
   * `unasked`: the machine that would ask did not run, or nothing could be asked.
   */
  readonly state: 'reached' | 'late' | 'lost' | 'unasked';
  /** From the question to the answer. */
  readonly after?: Duration;
  /** Why it failed, or failed at first. */
  readonly code?: Reason;
  readonly why?: string;
  readonly remedy?: string;
  /** Otherwise than at the moment before. */
  readonly changed: boolean;
  /** How long nobody answered between the beginning of the step and that of the next, where that is known. */
  readonly interrupted?: Duration;
}

/** One stretch without an answer. */
export interface PairOutage {
  /** The last answer before it. */
  readonly lostAt: Instant;
  /** The first question without an answer. */
  readonly noticedAt: Instant;
  /** The first answer after it; undefined: it never came back. */
  readonly restoredAt?: Instant;
  readonly length: Duration;
  /** Questions without an answer. */
  readonly lost: number;
  /** The step during which it began, from 1; 0 before the first. */
  readonly step: number;
  /** Why the first question had no answer. */
  readonly cause?: Cause;
  /** Why the last one had none, where that is another story. */
  readonly atLast?: Cause;
  /**
   * The machine that asks did not run for a part of it, or could not send for a part of it; the one
   * that is asked ran. It is no trouble of the latter.
   */
  readonly byAsker?: true;
}

export interface Cause {
  readonly code: Reason;
  readonly sentence: string;
  readonly remedy?: string;
}

/** A time in which not everybody who had reached a VM before still did. */
export interface NetworkRecovery {
  readonly vm: string;
  /** The last answer on the pair that was lost first. */
  readonly lostAt: Instant;
  /** When every pair that had worked before worked again; undefined: one never did. */
  readonly restoredAt?: Instant;
  /** From one to the other, or to the end of the run. */
  readonly length: Duration;
  /** The step during which it began. */
  readonly step: number;
  /** The pairs that were lost, in the order in which they were; the one that waited longest is `worst`. */
  readonly pairs: readonly PairLost[];
  /** How many pairs had worked. */
  readonly of: number;
  readonly worst: string;
  readonly cause?: Cause;
  readonly atLast?: Cause;
  /** The longest of this VM: its measured network RTO. */
  readonly isRto: boolean;
}

/** A pair that was lost, in a time without the network. */
export interface PairLost {
  /** `web01 -> sql01`. */
  readonly name: string;
  readonly lostAt: Instant;
  readonly restoredAt?: Instant;
  readonly length: Duration;
  /** Why it was lost. */
  readonly code?: Reason;
}

/** An expectation of the file that speaks of a pair. */
export interface Claim {
  readonly text: string;
  readonly line: number;
  /** The file it is in, where that is not the scenario's own. */
  readonly file?: string;
  /** Index of its row, and of its cell in that; of an outage the row alone. */
  readonly row: number;
  readonly moment?: number;
  /** `later`: it was asked at a time that the cell says nothing about. */
  readonly verdict: 'agrees' | 'contradicts' | 'later';
  /** What the file says and what is so, where the two differ. Else empty. */
  readonly detail: string;
}
