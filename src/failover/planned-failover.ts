/**
 * Planned failover: what has not been replicated yet is, the original is shut down, what it wrote
 * meanwhile is replicated too, and then the replica takes over as in any partial failover (Veeam
 * Backup & Replication guide, "Planned Failover"). Nobody loses data, and no two machines have one
 * address. Each of the two runs leaves a restore point that is kept.
 *
 * "These VMs will be processed one by one" where one job replicates them; those of different jobs
 * go side by side.
 *
 * If it fails, the original is powered on again. The guide is silent about that; but until then it
 * was in service, and nothing has taken its place.
 */
import type { Step, Work } from './decision.ts';
import { partialFailover } from './partial-failover.ts';
import { type Lane, type Phase, type Procedure, scripted } from './phase.ts';
import type { Site } from './site.ts';
import { undoPhases } from './undo-failover.ts';

/** Before the replica takes over; the first step of partial failover is the first of these. */
const preparing = 4;

export const plannedFailover: Procedure = {
  check: (site, vm, order) => partialFailover.check(site, vm, order),

  phases: (site, vms, order) =>
    waves(site, vms).flatMap((wave) => [
      ...preparation(site, wave),
      ...partialFailover
        .phases(site, wave, order)
        .filter(({ step }) => step.number > 1)
        .map((phase) => ({ ...phase, step: further(phase.step), vms: wave })),
      ...scripted('forward', wave, [['', (going) => settle(site, going)]]),
    ]),

  rollBack: undoPhases,
};

const further = ({ number, text }: Step): Step => ({ number: number + preparing - 1, text });

/** One VM of each job, then the next of each. */
function waves(site: Site, vms: readonly string[]): string[][] {
  const all: string[][] = [];
  const taken = new Map<string, number>();
  for (const vm of vms) {
    const { name } = site.replica(vm).job;
    const turn = taken.get(name) ?? 0;
    taken.set(name, turn + 1);
    all[turn] = [...(all[turn] ?? []), vm];
  }
  return all;
}

function preparation(site: Site, wave: readonly string[]): Phase[] {
  const lanes = (vms: readonly string[], work: (vm: string) => Work): Lane[] =>
    vms.map((vm) => ({ concerns: [vm], work: [work(vm)] }));
  const replicate: Phase['begin'] = (vms) => ({
    notices: vms.flatMap((vm) => site.enter(vm, 'processing')),
    lanes: lanes(vms, (vm) => {
      const restorePoint = site.replica(vm).points.next.name;
      return { kind: 'run-replication', vm, restorePoint };
    }),
  });
  const shutDown: Phase['begin'] = (vms) => {
    const running = vms.filter((vm) => site.replica(vm).original === 'on');
    if (running.length === 0) return undefined;
    const powerOffAfter = site.policies.shutdown;
    return { lanes: lanes(running, (vm) => ({ kind: 'shut-down-original', vm, powerOffAfter })) };
  };
  const start: Phase['begin'] = (vms) => ({
    lanes: [],
    notices: vms.flatMap((vm) => site.connectionWarnings(vm)),
  });
  return scripted('forward', wave, [
    ['The tenant starts planned failover.', start],
    ['What has changed is replicated: the first helper restore point.', replicate],
    ['The original is shut down, or powered off if its guest does not do so in time.', shutDown],
    ['What changed until then is replicated: the second helper restore point.', replicate],
  ]);
}

/** It has succeeded: from now on the original is off because somebody wanted it so. */
function settle(site: Site, vms: readonly string[]): undefined {
  for (const vm of vms) site.ledger.settle(`shutdown ${vm}`);
}
