/**
 * The eight documented steps of partial site failover, in their order (Veeam Cloud Connect guide,
 * "Partial Site Failover" and its Cloud Director variant). Two things follow from that order. The
 * replica boots before either appliance is ready, so what it first says may not cross the tunnel.
 * And step 7 is a state of affairs, not a deed: the disk that takes the replica's changes must be
 * there before its first write, so it is made with the rollback of step 2 and named in step 7.
 *
 * Nothing here waits for the tunnel: whether anybody reaches the replica is not the operation's
 * result.
 */
import { providerAppliances, providerSettings, tenantAppliances } from './appliances.ts';
import type { Notice, Step } from './decision.ts';
import type { Phase, Procedure } from './phase.ts';
import { rollBackTo } from './roll-back-to.ts';
import type { Site } from './site.ts';
import { undoPhases } from './undo-failover.ts';

const texts = [
  'The tenant starts partial site failover.',
  'The replica is rolled back to its restore point: it is reverted to the snapshot.',
  'The replica is powered on and its state changes to failover. An original that runs stays on.',
  'The provider appliance is powered on and configured: VPN server, proxy ARP.',
  'Replication of the original VM is put on hold until its replica is ready again.',
  'The tenant appliance is powered on and configured: VPN client, proxy ARP.',
  'Changes to the replica are written to the delta file (differencing disk) of the restore point.',
  'VMs on the tenant side communicate with the replica through the tunnel.',
] as const;

export const failoverSteps: readonly Step[] = texts.map((text, i) => ({ number: i + 1, text }));

export const partialFailover: Procedure = {
  check(site, vm, order) {
    if (order.kind !== 'failover') return undefined;
    const point = site.replica(vm).points.choose(vm, order.restorePoint);
    if ('because' in point) return point;
    if (site.policies.missingAppliance === 'warn') return undefined;
    return site.unconnected(vm).find(({ because }) => because === 'NO_NEA');
  },

  phases(site, _, order) {
    const choice = order.kind === 'failover' ? order.restorePoint : 'latest';
    const phase = (number: number, begin: Phase['begin']): Phase => ({
      step: failoverSteps[number - 1]!,
      direction: 'forward',
      begin,
    });
    return [
      phase(1, (vms) => ({ lanes: [], notices: vms.flatMap((vm) => warnings(site, vm)) })),
      phase(2, (vms) => ({ lanes: vms.map((vm) => rollBackTo(choice, vm, site)) })),
      phase(3, (vms) => ({
        notices: vms.flatMap((vm) => site.duplicateWarning(vm)),
        lanes: vms.map((vm) => {
          const { providerNetwork } = site.replica(vm);
          return { concerns: [vm], work: [{ kind: 'power-on-replica', vm, providerNetwork }] };
        }),
      })),
      phase(4, (vms) => providerAppliances(site, vms)),
      phase(4, (vms) => providerSettings(site, vms)),
      phase(5, (vms) => ({
        lanes: vms.map((vm) => ({ concerns: [vm], work: [{ kind: 'hold-replication', vm }] })),
      })),
      phase(6, (vms) => tenantAppliances(site, vms)),
      phase(7, () => ({ lanes: [] })),
      phase(8, (vms) => (vms.some((vm) => isCarried(site, vm)) ? { lanes: [] } : undefined)),
    ];
  },

  rollBack: undoPhases,
};

function warnings(site: Site, vm: string): Notice[] {
  return [...site.detectionWarning(vm), ...site.connectionWarnings(vm)];
}

/** Whether something has been set up to carry its traffic: it may still not arrive. */
function isCarried(site: Site, vm: string): boolean {
  if (site.unconnected(vm).length > 0) return false;
  return site.pair(vm) === undefined || site.replica(vm).detected.address !== undefined;
}
