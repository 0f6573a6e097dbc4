/**
 * The test of a cloud failover plan: nothing switches from production to replicas. Each replica is
 * reverted to its latest restore point and boots; once its address has been reported, is valid and
 * has stayed the same for a while ("Stabilization by IP"), the provider pings it. Then all of it is
 * rolled back (Veeam Cloud Connect guide, "Testing Cloud Failover Plan").
 */
import type { Step, Work } from './decision.ts';
import type { FailoverPlan } from './failover-plan.ts';
import { fullFailover } from './full-failover.ts';
import { type Beginning, type Lane, type Phase, silently } from './phase.ts';
import type { Site } from './site.ts';
import { undoPhases } from './undo-failover.ts';

const settle: Step = { number: 6, text: 'Each replica is waited for until its address is stable.' };
const ping: Step = { number: 7, text: 'The appliances and the replicas are pinged.' };
const end: Step = { number: 8, text: 'The test is over: all of it is rolled back.' };

export function planTest(site: Site, plan: FailoverPlan, vms: readonly string[]): Phase[] {
  const phase = (step: Step, begin: Phase['begin']): Phase => ({
    step,
    direction: 'forward',
    begin,
  });
  return [
    ...fullFailover(site, plan, 'latest'),
    phase(settle, (going) => ({
      lanes: going.map((vm) => ({ concerns: [vm], work: [{ kind: 'await-address', vm }] })),
    })),
    phase(ping, (going) => checkAppliances(site, going)),
    phase(ping, (going) => pingReplicas(site, going)),
    { step: end, direction: 'back', vms, begin: () => ({ lanes: [] }) },
    ...undoPhases(site, vms).map(silently),
  ];
}

function checkAppliances(site: Site, vms: readonly string[]): Beginning {
  const lanes = site.hosts(vms).map(([{ host }, concerns]): Lane => {
    const work: Work[] = [{ kind: 'check-provider-appliance', host }];
    return { concerns, work };
  });
  return { lanes };
}

function pingReplicas(site: Site, vms: readonly string[]): Beginning {
  const lanes = site
    .hosts(vms)
    .flatMap(([{ host }, there]) =>
      there.map((vm): Lane => ({ concerns: [vm], work: [{ kind: 'ping-replica', vm, host }] })),
    );
  return { lanes };
}
