/**
 * How an operation is written down: phases, one after the other; in each phase lanes, side by
 * side; in each lane commands, one after the other. A phase begins when every lane of the one
 * before it has ended, for all VMs of the operation: this is what keeps the documented order.
 *
 * A further operation of the life cycle is a further list of phases.
 */
import type { Notice, Step, Work } from './decision.ts';
import type { Failure } from './failure.ts';
import type { VmOrder } from './observation.ts';
import type { Pace } from './pace.ts';
import type { Site } from './site.ts';

export interface Lane {
  /** VMs of the operation that fail if this lane does. */
  readonly concerns: readonly string[];
  readonly work: readonly Work[];
  /** Also on the way back nothing of it is done after something that failed. */
  readonly inOrder?: true;
  /** Known beforehand not to work: the lane fails without a command. */
  readonly impossible?: Failure;
}

export interface Beginning {
  readonly lanes: readonly Lane[];
  /** When each lane may begin; without it all of them do at once. */
  readonly pace?: Pace;
  readonly notices?: readonly Notice[];
  /** VMs for which the operation has ended here, and how. */
  readonly ended?: ReadonlyMap<string, Failure | undefined>;
}

export interface Phase {
  readonly step: Step;
  /**
   * Going forward, a failed command ends its lane and the VMs it concerns are rolled back. On the
   * way back the rest of the lane is tried all the same, and what counts is what is left over.
   */
  readonly direction: 'forward' | 'back';
  /** Whom it is about; every VM of the operation by default. Forward, those that have failed are left out. */
  readonly vms?: readonly string[];
  /** Not announced: it leads another operation back. */
  readonly silent?: true;
  /** Works out what to do at this moment. Undefined: there is nothing to this step. */
  begin(vms: readonly string[]): Beginning | undefined;
}

export const silently = (phase: Phase): Phase => ({ ...phase, silent: true });
/** What a step says, and what there is to do in it, one after the other. */
export type ScriptedStep = readonly [text: string, ...begins: Phase['begin'][]];

/** Steps that are numbered as they stand. */
export function scripted(
  direction: Phase['direction'],
  vms: readonly string[] | undefined,
  script: readonly ScriptedStep[],
): Phase[] {
  return script.flatMap(([text, ...begins], i) =>
    begins.map(
      (begin): Phase => ({ step: { number: i + 1, text }, direction, ...(vms && { vms }), begin }),
    ),
  );
}

/** One operation that can be carried out. What its table row demands has been checked before. */
export interface Procedure {
  /** What else stands in the way for this VM. */
  check(site: Site, vm: string, order: VmOrder): Failure | undefined;
  phases(site: Site, vms: readonly string[], order: VmOrder): Phase[];
  /** Leads back those that failed on the way; nothing by default: they stay what they were. */
  rollBack?(site: Site, vms: readonly string[]): Phase[];
}
