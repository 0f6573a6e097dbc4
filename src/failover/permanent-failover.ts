/**
 * Permanent failover: the replica is the production VM from now on, and its original is replicated
 * no more (Veeam Cloud Connect guide, "Permanent Failover"). It goes on being served as before.
 * Once it has begun to give up its restore points there is no way back, so it is final before.
 */
import type { Work } from './decision.ts';
import { type Beginning, type Procedure, scripted } from './phase.ts';

export const permanentFailover: Procedure = {
  check: () => undefined,
  phases(site) {
    const each =
      (kind: Extract<Work['kind'], 'exclude-from-job' | 'merge-delta'>) =>
      (vms: readonly string[]): Beginning => ({
        lanes: vms.map((vm) => ({ concerns: [vm], work: [{ kind, vm }] })),
      });
    return scripted('forward', undefined, [
      ['The failover becomes permanent.', () => ({ lanes: [] })],
      ['The original is excluded from its replication job.', each('exclude-from-job')],
      [
        'The replica is a VM of its own.',
        (vms) => ({
          lanes: [],
          notices: vms.flatMap((vm) => site.enter(vm, 'permanent-failover')),
        }),
      ],
      ['The replica keeps its changes and gives up its restore points.', each('merge-delta')],
    ]);
  },
};
