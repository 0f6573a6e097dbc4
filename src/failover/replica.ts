/**
 * The states of a replica and what may be done in each: every operation of the life cycle has its row.
 *
 *   ready ⇄ processing
 *   ready → failover → ready-to-switch → failback → ready
 *                    → permanent-failover
 */
import type { ReplicaState } from '../trace/event.ts';
import type { PlanOperation } from './failover-plan.ts';
import type { Failure } from './failure.ts';

export type { ReplicaState };

/** The cloud guide says Normal, the user guide Ready, for one and the same state. */
export const replicaStates = [
  'ready',
  'processing',
  'failover',
  'failed-failover',
  'ready-to-switch',
  'failback',
  'permanent-failover',
] as const satisfies readonly ReplicaState[];

export type OperationName = ReplicaOperation | PlanOperation;

export type ReplicaOperation =
  | 'replicate'
  | 'failover'
  | 'planned-failover'
  | 'undo-failover'
  | 'permanent-failover'
  | 'failback'
  | 'switch'
  | 'commit-failback'
  | 'undo-failback'
  | 'reconnect';

/** What somebody can order; replication runs when it is due. */
export type OrderedOperation = Exclude<ReplicaOperation, 'replicate'>;

interface Row {
  readonly from: readonly ReplicaState[];
  readonly to: ReplicaState;
  /** Allowed only after a failover of this kind. */
  readonly after?: 'full';
}

/**
 * A failover that could not be rolled back has one way out: undo it, as often as it takes.
 * Permanent failover ends a full site failover only; in a partial one the menu has it greyed out.
 * It is final by design.
 */
export const operations: Readonly<Record<ReplicaOperation, Row>> = {
  replicate: { from: ['ready'], to: 'ready' },
  failover: { from: ['ready'], to: 'failover' },
  'planned-failover': { from: ['ready'], to: 'failover' },
  'undo-failover': { from: ['failover', 'failed-failover'], to: 'ready' },
  'permanent-failover': { from: ['failover'], to: 'permanent-failover', after: 'full' },
  failback: { from: ['failover'], to: 'ready-to-switch' },
  switch: { from: ['ready-to-switch'], to: 'failback' },
  'commit-failback': { from: ['failback'], to: 'ready' },
  'undo-failback': { from: ['failback'], to: 'failover' },
  reconnect: { from: ['failover'], to: 'failover' },
};

export const operationNames = Object.keys(operations) as readonly ReplicaOperation[];

/** Which scenario put a replica into failover. */
export type FailoverKind = 'partial' | 'full';

/** How a replica came to be failed over, as far as the table asks. `any` where a policy lets all pass. */
export function allowed(
  state: ReplicaState,
  operation: ReplicaOperation,
  kind: FailoverKind | 'any',
): boolean {
  const { from, after } = operations[operation];
  return from.includes(state) && (kind === 'any' || (after ?? kind) === kind);
}

/** Where production takes over again is for the tenant to say, never for the provider. */
const tenantOnly: ReadonlySet<OperationName> = new Set([
  'failback',
  'switch',
  'commit-failback',
  'undo-failback',
]);

export function initiatorRefusal(
  vm: string,
  state: ReplicaState,
  operation: ReplicaOperation,
  by: 'tenant' | 'provider' = 'tenant',
): Failure | undefined {
  if (by === 'tenant' || !tenantOnly.has(operation)) return undefined;
  const text = `${operation} of ${vm}, in state ${state}, was started by the provider; allowed: to the tenant alone`;
  return { because: 'TENANT_ONLY', text };
}

/** Undefined where the operation may go ahead. */
export function refusal(
  vm: string,
  state: ReplicaState,
  operation: ReplicaOperation,
  kind: FailoverKind | 'any' = 'partial',
): Failure | undefined {
  if (allowed(state, operation, kind)) return undefined;
  const instead = operationNames.filter((name) => allowed(state, name, kind)).join(', ');
  return {
    because: 'WRONG_STATE',
    text: `the replica of ${vm} is in state ${state}, which does not allow ${operation}; allowed: ${instead || 'nothing'}`,
  };
}
