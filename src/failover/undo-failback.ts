/**
 * Back to the replica: for a user whom production disappoints, and for VMs whose failback did not
 * succeed (Veeam Backup & Replication guide, "Failback Undo"). No replica is powered on before its
 * production VM is off for certain, nor before it is again what it was: each step looks at what
 * the last one has achieved, VM by VM. Who gets no further stays where he is, and may try again.
 */
import {
  defaultGateways,
  providerAppliances,
  providerSettings,
  tenantAppliances,
} from './appliances.ts';
import type { Notice } from './decision.ts';
import type { Failure } from './failure.ts';
import { type Beginning, type Lane, type Phase, type Procedure, scripted } from './phase.ts';
import type { Site } from './site.ts';

export const undoFailback: Procedure = {
  check(site, vm) {
    if (site.ledger.get(`delta ${vm}`) === 'on') return undefined;
    const text = `the failback of ${vm}, in state failback, has been committed in part, which does not allow undo-failback; allowed: commit-failback`;
    return { because: 'WRONG_STATE', text };
  },
  phases: (site, vms) => undoFailbackPhases(site, vms),
};

/** Leads these VMs to failover from wherever failback has brought them. */
export function undoFailbackPhases(site: Site, vms: readonly string[]): Phase[] {
  const isOff = (vm: string): boolean => site.replica(vm).original === 'off';
  const runs = (vm: string): boolean => site.ledger.get(`replica ${vm}`) === 'on';
  const isSaved = (vm: string): boolean => site.ledger.get(`failback snapshot ${vm}`) !== 'off';
  const isPowered = (vm: string): boolean =>
    runs(vm) && site.ledger.get(`provider appliance ${site.hostOf(vm)?.host}`) === 'on';
  const hasServer = (vm: string): boolean =>
    runs(vm) && site.ledger.get(`vpn server ${site.pair(vm)?.network}`) === 'on';
  type Work = 'power-off-original' | 'revert-failback-snapshot' | 'power-on-replica';
  const each = (which: (vm: string) => boolean, kind: Work): Beginning => ({
    lanes: vms.filter(which).map((vm): Lane => {
      if (kind !== 'power-on-replica') return { concerns: [vm], work: [{ kind, vm }] };
      const { providerNetwork } = site.replica(vm);
      return { concerns: [vm], work: [{ kind, vm, providerNetwork }] };
    }),
  });
  return scripted('back', vms, [
    ['The failback is undone.', () => ({ lanes: [] })],
    ['The production VM is powered off.', () => each((vm) => !isOff(vm), 'power-off-original')],
    [
      'The replica returns to the state that it had before.',
      () => each((vm) => isOff(vm) && !runs(vm) && isSaved(vm), 'revert-failback-snapshot'),
    ],
    [
      'The replica is powered on.',
      () => each((vm) => isOff(vm) && !runs(vm) && !isSaved(vm), 'power-on-replica'),
    ],
    [
      'The provider appliance is powered on.',
      () => inOrder(providerAppliances(site, vms.filter(runs))),
    ],
    [
      'The provider appliance is configured: VPN server, proxy ARP.',
      () => inOrder(providerSettings(site, vms.filter(isPowered))),
    ],
    [
      'The provider appliance becomes the default gateway of the replicas again.',
      () => inOrder(defaultGateways(site, vms.filter(isPowered))),
    ],
    [
      'The tenant appliance is powered on and configured: VPN client, proxy ARP.',
      () => inOrder(tenantAppliances(site, vms.filter(hasServer))),
    ],
    ['The replica stands in again.', () => conclude(site, vms)],
  ]);
}

/** What builds on something that failed is not tried. */
const inOrder = (beginning: Beginning | undefined): Beginning | undefined =>
  beginning && { lanes: beginning.lanes.map((lane) => ({ ...lane, inOrder: true })) };

function conclude(site: Site, vms: readonly string[]): Beginning {
  const notices: Notice[] = [];
  const ended = new Map<string, Failure | undefined>();
  for (const vm of vms) {
    const isBack = site.ledger.get(`replica ${vm}`) === 'on';
    if (isBack) notices.push(...site.enter(vm, 'failover'));
    if (isBack && site.isServed(vm)) {
      ended.set(vm, undefined);
      continue;
    }
    const text = isBack
      ? `the replica of ${vm} runs, and not all is set up that leads to it`
      : `the replica of ${vm} could not be powered on again`;
    notices.push({ kind: 'warn', code: 'ROLLBACK_INCOMPLETE', about: vm, text });
    ended.set(vm, { because: 'ROLLBACK_INCOMPLETE', text });
  }
  return { lanes: [], notices, ended };
}
