/** All that the controller is told. How anybody found out is not its affair. */
import type { Duration } from '../base/time.ts';
import type { Reason } from '../trace/reasons.ts';
import type { ProtectedVm } from './configuration.ts';
import type { PlanOrder } from './failover-plan.ts';
import type { OrderedOperation } from './replica.ts';
import type { PointChoice } from './restore-points.ts';

/** What the user asks for: of some VMs, or of a failover plan. */
export type Order = VmOrder | PlanOrder;

export type VmOrder = { /** The tenant unless said otherwise. */ readonly by?: Initiator } & (
  | {
      readonly kind: 'failover';
      readonly vms: readonly string[];
      readonly restorePoint: PointChoice;
      /** The words of the wizard's Reason step, for future reference. */
      readonly reason: string;
      readonly planned: boolean;
    }
  | {
      readonly kind: 'failback';
      readonly vms: readonly string[];
      /** When production takes over: as soon as it can, after a while, or when somebody says so. */
      readonly switchover: 'auto' | 'manual' | Duration;
      /** Whether the production VM is powered on then. */
      readonly powerOn: boolean;
    }
  | {
      readonly kind: Exclude<OrderedOperation, 'failover' | 'planned-failover' | 'failback'>;
      readonly vms: readonly string[];
    }
);

export type Initiator = 'tenant' | 'provider';

export type Observation =
  | { readonly kind: 'order'; readonly order: Order }
  /** The command with this id has been carried out. */
  | {
      readonly kind: 'done';
      readonly id: number;
      /** What the guest is set to, where a replication run has looked. */
      readonly address?: ProtectedVm['address'];
    }
  /** The command with this id has not been, or only in part. */
  | {
      readonly kind: 'failed';
      readonly id: number;
      readonly because: Reason;
      readonly text?: string;
    }
  | {
      readonly kind: 'tunnel';
      readonly network: string;
      readonly state: 'up' | 'failed' | 'down';
    }
  /** The guest in the replica of this VM has given its first heartbeat. */
  | { readonly kind: 'guest-up'; readonly vm: string }
  /** The original VM has been switched on or off. */
  | { readonly kind: 'power'; readonly vm: string; readonly state: 'on' | 'off' }
  /** The schedule of its job wants a replication run for this VM. */
  | { readonly kind: 'replication-due'; readonly vm: string };
