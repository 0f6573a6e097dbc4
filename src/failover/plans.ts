/**
 * The cloud failover plans of a tenant: the status of each, and what an operation on one comes to
 * in VMs and phases. The rest is the controller's, as for any other operation.
 */
import type { Notice, VmResult } from './decision.ts';
import {
  type FailoverPlan,
  type PlanOrder,
  type PlanState,
  planOperations,
  planRefusal,
  reservedPort,
  reservedRule,
} from './failover-plan.ts';
import type { Failure } from './failure.ts';
import { fullFailover } from './full-failover.ts';
import { undoBatches } from './pace.ts';
import type { Phase } from './phase.ts';
import { planTest } from './plan-test.ts';
import { allowed, refusal } from './replica.ts';
import type { Site } from './site.ts';
import { undoPhases } from './undo-failover.ts';

interface Entry {
  readonly plan: FailoverPlan;
  state: PlanState;
  /** Those that the last session failed to fail over. */
  failed: readonly string[];
}

export interface PlanStatus {
  readonly plan: string;
  readonly state: PlanState;
  /** Whom a retry would be for. */
  readonly failed: readonly string[];
}

export class Plans {
  readonly #site: Site;
  readonly #entries: ReadonlyMap<string, Entry>;

  constructor(site: Site) {
    const plans = site.configuration.failoverPlans ?? [];
    this.#site = site;
    this.#entries = new Map(plans.map((plan) => [plan.name, { plan, state: 'ready', failed: [] }]));
  }

  get all(): readonly PlanStatus[] {
    return [...this.#entries].map(([plan, { state, failed }]) => ({ plan, state, failed }));
  }

  /** What stands in the way of the operation as a whole. */
  check({ kind, plan: name }: PlanOrder): Failure | undefined {
    const { plan, state } = this.#entry(name);
    const refused = planRefusal(name, state, kind);
    if (refused !== undefined) return refused;
    if (kind === 'undo-failover-plan') return undefined;
    const { reservedPort: which } = this.#site.policies;
    if (reservedRule(plan, which) !== undefined) {
      const text = `a rule of the plan ${name} has ${reservedPort} as its ${which} port, which the appliance keeps for itself`;
      return { because: 'PORT_RESERVED', text };
    }
    return this.#partialFailover(kind);
  }

  /** What stands in the way for one of its VMs. */
  checkVm(vm: string, { kind, restorePoint }: PlanOrder): Failure | undefined {
    const replica = this.#site.replicas.get(vm);
    if (replica === undefined) return { because: 'NO_REPLICA', text: `${vm} has no replica` };
    const { state, points } = replica;
    if (kind === 'undo-failover-plan') return undefined; // it is left out unless it can be undone
    // What is in failover already is processed by the plan as it is.
    if (state === 'failover' && kind !== 'test-failover-plan') return undefined;
    const point = points.choose(vm, restorePoint);
    return refusal(vm, state, 'failover') ?? ('because' in point ? point : undefined);
  }

  /** The VMs that the operation is about, in the order of the plan. */
  vmsOf({ kind, plan: name }: PlanOrder): readonly string[] {
    const { plan, failed } = this.#entry(name);
    const all = plan.vms.map(({ vm }) => vm);
    switch (kind) {
      case 'failover-plan':
      case 'test-failover-plan':
        return all;
      case 'retry-failover-plan':
        return all.filter((vm) => failed.includes(vm));
      case 'undo-failover-plan':
        return all.filter((vm) => this.#isFailedOver(vm));
    }
  }

  phases({ kind, plan: name, restorePoint }: PlanOrder, vms: readonly string[]): Phase[] {
    const { plan } = this.#entry(name);
    switch (kind) {
      case 'failover-plan':
      case 'retry-failover-plan':
        return fullFailover(this.#site, plan, restorePoint);
      case 'undo-failover-plan':
        return undoPhases(this.#site, vms, undoBatches);
      case 'test-failover-plan':
        return planTest(this.#site, plan, vms);
    }
  }

  begun({ kind, plan }: PlanOrder): Notice[] {
    return this.#enter(plan, planOperations[kind].during);
  }

  finished({ kind, plan }: PlanOrder, results: readonly VmResult[]): Notice[] {
    const failed = results.filter(({ status }) => status === 'failed').map(({ vm }) => vm);
    if (kind !== 'test-failover-plan') this.#entry(plan).failed = failed;
    return this.#enter(plan, planOperations[kind][failed.length === 0 ? 'success' : 'failed']);
  }

  #enter(plan: string, state: PlanState): Notice[] {
    const entry = this.#entry(plan);
    const was = entry.state;
    entry.state = state;
    return was === state ? [] : [{ kind: 'plan-state', plan, state, was }];
  }

  #entry(plan: string): Entry {
    const entry = this.#entries.get(plan);
    if (entry === undefined) throw new Error(`there is no failover plan ${plan}`);
    return entry;
  }

  /** A VM that has been failed back since is left alone. */
  #isFailedOver(vm: string): boolean {
    const replica = this.#site.replicas.get(vm);
    if (replica === undefined || replica.kind !== 'full') return false;
    return allowed(replica.state, 'undo-failover', 'full');
  }

  /** One failover type at a time. Where the product would ask, nobody is there to be asked. */
  #partialFailover(kind: PlanOrder['kind']): Failure | undefined {
    const vms = this.#site.inFailover('partial');
    const { onConcurrent } = this.#site.policies;
    const mayStop = onConcurrent === 'force' && kind !== 'test-failover-plan';
    if (vms.length === 0 || mayStop) return undefined;
    const during = `${vms.join(', ')} is in partial site failover`;
    return onConcurrent === 'prompt'
      ? {
          because: 'PROMPT_UNANSWERED',
          text: `${during}; whether to stop it was asked, and nobody is there to answer`,
        }
      : { because: 'FAILOVER_TYPE_CONFLICT', text: during };
  }
}
