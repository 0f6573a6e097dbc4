/**
 * Failback, in its two phases (Veeam Backup & Replication guide, "Failback"). In the first the
 * replica goes on serving while production gets what it wrote. In the second, at once, later or
 * when somebody says so, the replica is shut down, production gets the rest, and takes over. In
 * which order the appliances let go is ours: as when a failover is undone.
 *
 * What fails in either is led back to failover: the replica serves, production is off.
 */
import { leaveProviderAppliances, leaveProviderSettings, leaveTenantSide } from './appliances.ts';
import type { Work } from './decision.ts';
import { type Beginning, type Procedure, type ScriptedStep, scripted } from './phase.ts';
import type { Site } from './site.ts';
import { undoFailbackPhases } from './undo-failback.ts';

export const failback: Procedure = {
  check: () => undefined,
  phases(site, vms, order) {
    if (order.kind !== 'failback') return [];
    for (const vm of vms) site.replica(vm).powersOn = order.powerOn;
    const first = firstPhase(site);
    const both = order.switchover === 'auto' ? [...first, ...secondPhase(site)] : first;
    return scripted('forward', undefined, [
      ['The tenant starts failback.', () => ({ lanes: [] })],
      ...both,
    ]);
  },
  rollBack: undoFailbackPhases,
};

export const switchToProduction: Procedure = {
  check: () => undefined,
  phases: (site) =>
    scripted('forward', undefined, [
      ['Production is to take over again.', () => ({ lanes: [] })],
      ...secondPhase(site),
    ]),
  rollBack: undoFailbackPhases,
};

function firstPhase(site: Site): ScriptedStep[] {
  return [
    ['The production VM is powered off, if it runs.', (vms) => powerOff(site, vms)],
    [
      'Production gets what the replica has written; the replica goes on serving.',
      (vms) => each(vms, (vm) => [{ kind: 'transfer-changes', vm }]),
    ],
    [
      'Production is ready to take over.',
      (vms) => ({ lanes: [], notices: vms.flatMap((vm) => site.enter(vm, 'ready-to-switch')) }),
    ],
  ];
}

function secondPhase(site: Site): ScriptedStep[] {
  const tenant: ScriptedStep = [
    'The tenant appliance stops standing in for the replica and, with its last one, is powered off.',
    (vms) => leaveTenantSide(site, vms),
  ];
  const powerOffAfter = site.policies.shutdown;
  const replica: ScriptedStep = [
    'The replica is shut down, or powered off if its guest does not do so in time.',
    (vms) => each(vms, (vm) => [{ kind: 'shut-down-replica', vm, powerOffAfter }]),
  ];
  const order =
    site.policies.withdrawal === 'before-power-off' ? [tenant, replica] : [replica, tenant];
  return [
    // Somebody may have switched it on meanwhile, and its disks are about to change.
    ['The production VM is powered off again, if it runs.', (vms) => powerOff(site, vms)],
    ...order,
    [
      'The provider appliance stops standing in for production and, with its last replica, is powered off.',
      (vms) => leaveProviderSettings(site, vms),
      (vms) => leaveProviderAppliances(site, vms),
    ],
    [
      'The state of the replica is saved, and production gets what it wrote meanwhile.',
      (vms) => each(vms, (vm) => [...save(site, vm), { kind: 'transfer-changes', vm }]),
    ],
    [
      'The production VM is powered on.',
      (vms) =>
        each(
          vms.filter((vm) => site.replica(vm).powersOn),
          (vm) => [{ kind: 'power-on-original', vm }],
        ),
      (vms) => ({ lanes: [], notices: vms.flatMap((vm) => site.enter(vm, 'failback')) }),
    ],
  ];
}

/** A switch that failed and could not be led back has saved it already. */
const save = (site: Site, vm: string): Work[] =>
  site.ledger.get(`failback snapshot ${vm}`) === 'on'
    ? []
    : [{ kind: 'create-failback-snapshot', vm }];

function powerOff(site: Site, vms: readonly string[]): Beginning | undefined {
  return each(
    vms.filter((vm) => site.replica(vm).original === 'on'),
    (vm) => [{ kind: 'power-off-original', vm }],
  );
}

const each = (
  vms: readonly string[],
  work: (vm: string) => readonly Work[],
): Beginning | undefined =>
  vms.length === 0 ? undefined : { lanes: vms.map((vm) => ({ concerns: [vm], work: work(vm) })) };
