/**
 * All that the controller decides. A command is carried out by somebody else and takes time: it is
 * answered with `done` or `failed` and its id, and what must come after it waits. A notice is news
 * for the log and the user, and is not answered.
 *
 * Whoever carries out commands does those for one thing in the order they were given, and treats
 * every command that stops something as harmless where there is nothing to stop: the controller
 * also stops what it only tried to start.
 */
import type { Duration } from '../base/time.ts';
import type { Reason } from '../trace/reasons.ts';
import type { PlanState, PublicIpRule } from './failover-plan.ts';
import type { OperationName, ReplicaState } from './replica.ts';

/** One step of an operation, as documented. */
export interface Step {
  readonly number: number;
  readonly text: string;
}

/** For whom an appliance answers. */
export type ProxyDuty =
  | {
      readonly side: 'provider';
      /** Everyone in the subnet, its gateway included, but these, whose replicas are here. */
      readonly scope: { readonly kind: 'rest-of-subnet'; readonly except: readonly string[] };
    }
  | {
      readonly side: 'tenant';
      /** These alone, whose replicas are at the provider. */
      readonly scope: { readonly kind: 'addresses'; readonly addresses: readonly string[] };
    };

/** What the provider's appliance does for replicas after full site failover. */
export interface GatewayDuty {
  /** Its address in each network of the provider: `10.0.10.1/24`. */
  readonly gateways: readonly { readonly providerNetwork: string; readonly address: string }[];
  /** Whether it routes between these networks. */
  readonly routing: boolean;
  readonly rules: readonly PublicIpRule[];
}

/** Things to be done. `network` is always the production network, which names the tunnel too. */
export type Work =
  | { readonly kind: 'revert-snapshot'; readonly vm: string; readonly restorePoint: string }
  | {
      readonly kind: 'create-delta';
      readonly vm: string;
      readonly restorePoint: string;
      readonly disk: 'delta file' | 'differencing disk';
    }
  | {
      readonly kind: 'power-on-replica';
      readonly vm: string;
      /** Undefined: no mapping, so its adapter is connected to nothing. */
      readonly providerNetwork: string | undefined;
    }
  | {
      readonly kind: 'power-on-provider-appliance';
      readonly host: string;
      /** What it joins besides the management network. */
      readonly networks: readonly string[];
    }
  | {
      readonly kind: 'start-vpn-server' | 'start-vpn-client';
      readonly network: string;
      readonly providerNetwork: string;
    }
  | ({
      readonly kind: 'configure-proxy';
      readonly network: string;
      readonly providerNetwork: string;
    } & ProxyDuty)
  | { readonly kind: 'hold-replication'; readonly vm: string }
  | {
      readonly kind: 'power-on-tenant-appliance' | 'power-off-tenant-appliance';
      readonly network: string;
      readonly appliance: string;
    }
  | ({ readonly kind: 'configure-gateway'; readonly host: string } & GatewayDuty)
  // The test of a failover plan
  | { readonly kind: 'await-address'; readonly vm: string }
  /** By the provider's appliance on its host. */
  | { readonly kind: 'ping-replica'; readonly vm: string; readonly host: string }
  | { readonly kind: 'check-provider-appliance'; readonly host: string }
  // The way back
  | { readonly kind: 'withdraw-gateway'; readonly host: string }
  | {
      readonly kind: 'withdraw-proxy';
      readonly side: 'provider' | 'tenant';
      readonly network: string;
    }
  | { readonly kind: 'stop-vpn-server' | 'stop-vpn-client'; readonly network: string }
  | { readonly kind: 'power-off-provider-appliance'; readonly host: string }
  | { readonly kind: 'power-off-replica'; readonly vm: string }
  /** Throws away what the replica wrote and returns it to the end of its chain. */
  | { readonly kind: 'discard-delta'; readonly vm: string }
  | { readonly kind: 'resume-replication'; readonly vm: string }
  // Production
  | {
      /** Asks the guest, and switches it off where that does not help in time. */
      readonly kind: 'shut-down-original' | 'shut-down-replica';
      readonly vm: string;
      readonly powerOffAfter: Duration;
    }
  | { readonly kind: 'power-off-original' | 'power-on-original'; readonly vm: string }
  /** Sends production what the replica has written and production has not got yet. */
  | { readonly kind: 'transfer-changes'; readonly vm: string }
  /** The state that the replica had before production took over again: saved, returned to, given up. */
  | {
      readonly kind:
        | 'create-failback-snapshot'
        | 'revert-failback-snapshot'
        | 'remove-failback-snapshot';
      readonly vm: string;
    }
  /** Removes the disk with the replica's changes, which production has by now. */
  | { readonly kind: 'remove-delta'; readonly vm: string }
  // For good
  | { readonly kind: 'exclude-from-job'; readonly vm: string }
  /** The replica keeps what it wrote, and has no restore points any more. */
  | { readonly kind: 'merge-delta'; readonly vm: string }
  // Beside operations, and in a planned failover
  | { readonly kind: 'run-replication'; readonly vm: string; readonly restorePoint: string };

export type Command = Work & {
  /** Counts up from 1; never used twice. */
  readonly id: number;
  readonly operation: OperationName;
  /** Tells runs of operations apart. */
  readonly run: number;
  /**
   * The documented step it belongs to: one of the undo's while an operation is rolled back.
   * Undefined for a replication run.
   */
  readonly step: Step | undefined;
};

export interface VmResult {
  readonly vm: string;
  readonly status: 'success' | 'failed';
  readonly because?: Reason;
  readonly text?: string;
}

export type Notice =
  | {
      readonly kind: 'begin';
      readonly operation: OperationName;
      readonly run: number;
      readonly vms: readonly string[];
      /** The user's words; empty where none were asked for. */
      readonly reason: string;
    }
  | ({
      readonly kind: 'step';
      readonly operation: OperationName;
      readonly run: number;
      /** Where it is about some of the VMs only. */
      readonly vms?: readonly string[];
    } & Step)
  /** What was done so far for these VMs is about to be undone; the others go on. */
  | {
      readonly kind: 'roll-back';
      readonly operation: OperationName;
      readonly run: number;
      readonly vms: readonly string[];
    }
  | {
      readonly kind: 'replica-state';
      readonly vm: string;
      readonly state: ReplicaState;
      readonly was: ReplicaState;
      /** The point the replica runs from; empty while it does not run. */
      readonly restorePoint: string;
    }
  | {
      readonly kind: 'plan-state';
      readonly plan: string;
      readonly state: PlanState;
      readonly was: PlanState;
    }
  /** The Connectivity column: apart from the state of the replica, and from any result. */
  | {
      readonly kind: 'connectivity';
      readonly network: string;
      readonly state: Connectivity;
      readonly vms: readonly string[];
    }
  | { readonly kind: 'replication-skipped'; readonly vm: string; readonly because: Reason }
  | { readonly kind: 'warn'; readonly code: Reason; readonly about: string; readonly text: string }
  /** `success` says that the operation was carried out, not that anyone reaches the replica. */
  | {
      readonly kind: 'finish';
      readonly operation: OperationName;
      readonly run: number;
      readonly vms: readonly string[];
      readonly status: 'success' | 'failed';
      /** The first VM's that failed, with what there is to say of it: states, and what they allow. */
      readonly because?: Reason;
      readonly text?: string;
      readonly results: readonly VmResult[];
    };

export type Connectivity = 'none' | 'up' | 'failed' | 'down';

export type Decision = Command | Notice;

export const isCommand = (decision: Decision): decision is Command => 'id' in decision;

/**
 * What has to be looked at before a command is given again of which nobody knows whether it was
 * carried out; undefined where giving it twice comes to the same as giving it once.
 */
export function lookFirst(work: Work): string | undefined {
  switch (work.kind) {
    case 'revert-snapshot':
      return `whether the disks of the replica of ${work.vm} are those of ${work.restorePoint}, and nothing was written to them since`;
    case 'create-delta':
      return `whether the replica of ${work.vm} has a ${work.disk} on ${work.restorePoint}`;
    case 'discard-delta':
      return `whether the replica of ${work.vm} still has what it wrote, or is back at the end of its chain`;
    case 'transfer-changes':
      return `whether the disks of the original ${work.vm} have all that its replica wrote, none of it, or a part`;
    case 'create-failback-snapshot':
      return `whether the replica of ${work.vm} has a snapshot of its state before production took over`;
    case 'revert-failback-snapshot':
      return `whether the replica of ${work.vm} is back at its snapshot of before production took over`;
    case 'remove-failback-snapshot':
      return `whether the replica of ${work.vm} still has its snapshot of before production took over`;
    case 'remove-delta':
      return `whether the replica of ${work.vm} still has the disk with its changes`;
    case 'merge-delta':
      return `whether the changes of the replica of ${work.vm} are merged into its disks, all or a part`;
    case 'run-replication':
      return `whether the replica of ${work.vm} has ${work.restorePoint}, whole`;
    case 'power-on-replica':
    case 'power-off-replica':
    case 'shut-down-replica':
    case 'power-on-original':
    case 'power-off-original':
    case 'shut-down-original':
    case 'power-on-provider-appliance':
    case 'power-off-provider-appliance':
    case 'power-on-tenant-appliance':
    case 'power-off-tenant-appliance':
    case 'start-vpn-server':
    case 'stop-vpn-server':
    case 'start-vpn-client':
    case 'stop-vpn-client':
    case 'configure-proxy':
    case 'withdraw-proxy':
    case 'configure-gateway':
    case 'withdraw-gateway':
    case 'hold-replication':
    case 'resume-replication':
    case 'exclude-from-job':
    case 'await-address': // these only look
    case 'ping-replica':
    case 'check-provider-appliance':
      return undefined;
  }
}
