/**
 * A cloud failover plan: which VMs fail over together, in which order, and how the provider's
 * appliance serves them afterwards. It is made in advance and kept with the provider, who can run
 * it when nothing of the tenant's site is left (Veeam Cloud Connect guide, Cloud Failover Plan).
 */
import type { Duration } from '../base/time.ts';
import type { PlanState } from '../trace/event.ts';
import type { Policies } from './configuration.ts';
import type { Failure } from './failure.ts';
import type { PointChoice } from './restore-points.ts';

export type { PlanState };

/** From the internet to a replica: of the product's two port numbers the first is the public one. */
export interface PublicIpRule {
  readonly publicIp: string;
  readonly port: number;
  readonly to: { readonly vm: string; readonly ip: string; readonly port: number };
}

export interface FailoverPlan {
  readonly name: string;
  readonly vms: readonly {
    readonly vm: string;
    /** How long to wait before the failover of the next VM begins. */
    readonly delay: Duration;
  }[];
  /** Whether the appliance routes between the networks of the replicas. */
  readonly routing: boolean;
  readonly rules: readonly PublicIpRule[];
  /** Default gateways that somebody has edited, by production network: `10.0.10.1/24`. */
  readonly gateways: Readonly<Record<string, string>>;
}

export type PlanOperation =
  | 'failover-plan'
  | 'retry-failover-plan'
  | 'undo-failover-plan'
  | 'test-failover-plan';

export interface PlanOrder {
  readonly kind: PlanOperation;
  readonly plan: string;
  readonly restorePoint: PointChoice;
}

interface Row {
  readonly from: readonly PlanState[];
  readonly during: PlanState;
  readonly success: PlanState;
  readonly failed: PlanState;
}

/** A test leaves the plan as it was, whatever comes of it. */
export const planOperations: Readonly<Record<PlanOperation, Row>> = {
  'failover-plan': {
    from: ['ready'],
    during: 'in-progress',
    success: 'completed',
    failed: 'failed',
  },
  'retry-failover-plan': {
    from: ['failed'],
    during: 'in-progress',
    success: 'completed',
    failed: 'failed',
  },
  'undo-failover-plan': {
    from: ['completed', 'failed', 'undo-failed'],
    during: 'undo-in-progress',
    success: 'ready',
    failed: 'undo-failed',
  },
  'test-failover-plan': {
    from: ['ready'],
    during: 'in-progress',
    success: 'ready',
    failed: 'ready',
  },
};

const planOperationNames = Object.keys(planOperations) as readonly PlanOperation[];

/** Undefined where the operation may go ahead. */
export function planRefusal(
  plan: string,
  state: PlanState,
  operation: PlanOperation,
): Failure | undefined {
  if (planOperations[operation].from.includes(state)) return undefined;
  const instead = planOperationNames.filter((name) => planOperations[name].from.includes(state));
  return {
    because: 'WRONG_STATE',
    text: `the failover plan ${plan} is in state ${state}, which does not allow ${operation}; allowed: ${instead.join(', ') || 'nothing until it has ended'}`,
  };
}

/** The appliance keeps port 22 for itself. */
export const reservedPort = 22;

/** The guide reserves the public port, the PowerShell reference that of the replica. */
export function reservedRule(
  { rules }: FailoverPlan,
  which: Policies['reservedPort'],
): PublicIpRule | undefined {
  return rules.find(({ port, to }) => (which === 'public' ? port : to.port) === reservedPort);
}
