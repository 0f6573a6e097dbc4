/** What a step has the controller told. */
import type { Instant } from '../base/time.ts';
import type { Lab } from '../lab/lab.ts';
import type { Named, Step } from './scenario.ts';

export type OrderStep = Exclude<
  Extract<Step, { readonly vms: readonly Named[] }>,
  { kind: 'replicate' }
>;

export function orderOf(step: OrderStep, now: Instant): Parameters<Lab['order']>[0] {
  const vms = step.vms.map(({ name }) => name);
  switch (step.kind) {
    case 'failover': {
      const restorePoint = restorePointOf(step.restorePoint, now);
      const { reason, planned } = step;
      return { kind: 'failover', vms, restorePoint, reason, planned };
    }
    case 'undo':
      return { kind: 'undo-failover', vms };
    case 'failback': {
      const { switchover, powerOn, by } = step;
      return { kind: 'failback', vms, switchover, powerOn, by };
    }
    case 'switch':
    case 'commit-failback':
    case 'undo-failback':
      return { kind: step.kind, vms, by: step.by };
    default:
      return { kind: step.kind, vms };
  }
}

/** A restore point as orders have it; what is older than the lab itself is as old as its start. */
export function restorePointOf(to: Extract<Step, { kind: 'plan' }>['to'], now: Instant) {
  if (typeof to !== 'number') return { before: Math.max(0, now - to.ago) as Instant };
  return to === 1 ? 'latest' : { back: to - 1 };
}
