/**
 * The way back: for a user who undoes a failover, and for VMs whose failover did not succeed. The
 * guide says what it comes to (replica off, its changes discarded, replication resumed); the order
 * is ours. Production stops sending to the replica before the replica goes, so that nobody's
 * packets are attracted into nothing, and the original's address is free when it returns. The
 * provider's side follows when nobody is left there to need it.
 *
 * Every step tries what can be tried. At the end the ledger says what is left over; with nothing
 * left the replica is ready, else it is in a failed failover, and undoing it again is the way out.
 */
import { leaveProviderAppliances, leaveProviderSettings, leaveTenantSide } from './appliances.ts';
import type { Notice } from './decision.ts';
import type { Failure } from './failure.ts';
import type { Pace } from './pace.ts';
import {
  type Beginning,
  type Lane,
  type Phase,
  type Procedure,
  type ScriptedStep,
  scripted,
} from './phase.ts';
import type { Site } from './site.ts';

export const undoFailover: Procedure = {
  check: () => undefined,
  phases: (site, vms) => undoPhases(site, vms),
};

/**
 * Leads these VMs back to ready from wherever they are.
 *
 * @param pace When each replica may be powered off: it is what all that follows waits for.
 */
export function undoPhases(
  site: Site,
  vms: readonly string[],
  pace?: (vms: number) => Pace,
): Phase[] {
  const tenant: ScriptedStep = [
    'The tenant appliance stops standing in for the replica and, with its last one, is powered off.',
    () => leaveTenantSide(site, vms),
  ];
  const replica: ScriptedStep = [
    'The replica is powered off.',
    () => {
      const lanes = stopping(site, vms, 'replica', 'power-off-replica');
      return { lanes, ...(pace && { pace: pace(lanes.length) }) };
    },
  ];
  const order =
    site.policies.withdrawal === 'before-power-off' ? [tenant, replica] : [replica, tenant];
  return scripted('back', vms, [
    ['The failover is undone.', () => ({ lanes: [] })],
    ...order,
    [
      'The provider appliance stops standing in for production and, with its last replica, is powered off.',
      () => leaveProviderSettings(site, vms),
      () => leaveProviderAppliances(site, vms),
    ],
    ['Changes to the replica are discarded.', () => ({ lanes: discard(site, vms) })],
    [
      'The replica is ready again and replication resumes.',
      () => ({ lanes: restart(site, vms) }),
      () => ({ lanes: resume(site, vms) }),
      () => conclude(site, vms, 'failed-failover'),
    ],
  ]);
}

/** Orders what stops a thing of each of these VMs, where it was started. */
export function stopping(
  site: Site,
  vms: readonly string[],
  what: 'replica' | 'hold' | 'shutdown' | 'failback snapshot' | 'delta',
  kind: Stop,
): Lane[] {
  return vms
    .filter((vm) => site.ledger.get(`${what} ${vm}`) !== 'off')
    .map((vm) => ({ concerns: [vm], work: [{ kind, vm }] }));
}

type Stop =
  | 'power-off-replica'
  | 'resume-replication'
  | 'power-on-original'
  | 'remove-failback-snapshot'
  | 'remove-delta';

/** Replication would overwrite a replica that is not yet what it was. */
export function resume(site: Site, vms: readonly string[]): Lane[] {
  const clean = vms.filter((vm) => site.leftovers(vm).length === 0);
  return stopping(site, clean, 'hold', 'resume-replication');
}

/** Ready, for those of whom nothing is left over; the others stay where there is a way out. */
export function conclude(
  site: Site,
  vms: readonly string[],
  otherwise: 'failed-failover' | 'failback',
): Beginning {
  const notices: Notice[] = [];
  const ended = new Map<string, Failure | undefined>();
  for (const vm of vms) {
    const left = [...site.leftovers(vm)];
    if (site.ledger.get(`hold ${vm}`) !== 'off') left.push(`hold ${vm}`);
    if (left.length === 0) {
      notices.push(...site.enter(vm, 'ready'));
      ended.set(vm, undefined);
      continue;
    }
    const text = `not stopped for ${vm}: ${left.join(', ')}`;
    notices.push(...site.enter(vm, otherwise));
    notices.push({ kind: 'warn', code: 'ROLLBACK_INCOMPLETE', about: vm, text });
    ended.set(vm, { because: 'ROLLBACK_INCOMPLETE', text });
  }
  return { lanes: [], notices, ended };
}

/** Never takes the disk from under a replica that may still run. */
const discard = (site: Site, vms: readonly string[]): Lane[] =>
  vms
    .filter((vm) => isOff(site, vm))
    .filter((vm) =>
      (['delta', 'snapshot'] as const).some((what) => site.ledger.get(`${what} ${vm}`) !== 'off'),
    )
    .map((vm) => ({ concerns: [vm], work: [{ kind: 'discard-delta', vm }] }));

/** Only what an operation that failed had shut down: whoever undoes a failover sees to the original himself. */
const restart = (site: Site, vms: readonly string[]): Lane[] =>
  stopping(
    site,
    vms.filter((vm) => isOff(site, vm)),
    'shutdown',
    'power-on-original',
  );

const isOff = (site: Site, vm: string): boolean => site.ledger.get(`replica ${vm}`) === 'off';
