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
import type { Notice, Step, Work } from './decision.ts';
import type { Failure } from './failure.ts';
import type { Pace } from './pace.ts';
import type { Beginning, Lane, Phase, Procedure } from './phase.ts';
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
  type Begin = (vms: readonly string[]) => Beginning | undefined;
  const start: [string, ...Begin[]] = ['The failover is undone.', () => ({ lanes: [] })];
  const tenant: [string, ...Begin[]] = [
    'The tenant appliance stops standing in for the replica and, with its last one, is powered off.',
    () => tenantSide(site, vms),
  ];
  const replica: [string, ...Begin[]] = [
    'The replica is powered off.',
    () => {
      const lanes = each(site, vms, `replica`, 'power-off-replica');
      return { lanes, ...(pace && { pace: pace(lanes.length) }) };
    },
  ];
  const rest: [string, ...Begin[]][] = [
    [
      'The provider appliance stops standing in for production and, with its last replica, is powered off.',
      () => providerSettings(site, vms),
      () => providerAppliances(site, vms),
    ],
    ['Changes to the replica are discarded.', () => ({ lanes: discard(site, vms) })],
    [
      'The replica is ready again and replication resumes.',
      () => ({ lanes: resume(site, vms) }),
      () => conclude(site, vms),
    ],
  ];
  const order =
    site.policies.withdrawal === 'before-power-off' ? [tenant, replica] : [replica, tenant];
  return [start, ...order, ...rest].flatMap(([text, ...begins], i) => {
    const step: Step = { number: i + 1, text };
    return begins.map((begin): Phase => ({ step, direction: 'back', vms, begin }));
  });
}

function tenantSide(site: Site, vms: readonly string[]): Beginning | undefined {
  if (!site.usesAppliances) return undefined;
  const notices = site.leave(vms);
  const lanes = site.pairs(vms).map(([pair, concerns]): Lane => {
    const { network, appliance } = pair;
    const work: Work[] = site.proxyWork('tenant', pair);
    if (site.members(network).length > 0) return { concerns, work };
    if (site.ledger.get(`vpn client ${network}`) !== 'off')
      work.push({ kind: 'stop-vpn-client', network });
    if (powersOff(site) && site.ledger.get(`tenant appliance ${network}`) !== 'off')
      work.push({ kind: 'power-off-tenant-appliance', network, appliance });
    return { concerns, work };
  });
  return { lanes, notices };
}

function providerSettings(site: Site, vms: readonly string[]): Beginning | undefined {
  if (!site.usesAppliances) return undefined;
  const lanes = site.pairs(vms).map(([pair, concerns]): Lane => {
    const { network } = pair;
    const work: Work[] = site.proxyWork('provider', pair);
    if (site.members(network).length === 0 && site.ledger.get(`vpn server ${network}`) !== 'off')
      work.push({ kind: 'stop-vpn-server', network });
    return { concerns, work };
  });
  for (const [on, concerns] of site.hosts(vms)) {
    const { host } = on;
    const isGateway = site.ledger.get(`provider gateway ${host}`) !== 'off';
    if (isGateway && site.gateways.guests(on).length === 0)
      lanes.push({ concerns, work: [{ kind: 'withdraw-gateway', host }] });
  }
  return { lanes };
}

function providerAppliances(site: Site, vms: readonly string[]): Beginning | undefined {
  if (!site.usesAppliances) return undefined;
  const lanes = site.hosts(vms).flatMap(([on, concerns]): Lane[] => {
    const { host } = on;
    const stays = !powersOff(site) || site.guests(on).length > 0;
    if (stays || site.ledger.get(`provider appliance ${host}`) === 'off') return [];
    return [{ concerns, work: [{ kind: 'power-off-provider-appliance', host }] }];
  });
  return { lanes };
}

/** Never takes the disk from under a replica that may still run. */
function discard(site: Site, vms: readonly string[]): Lane[] {
  return vms
    .filter((vm) => site.ledger.get(`replica ${vm}`) === 'off')
    .filter((vm) => ['delta', 'snapshot'].some((what) => isStarted(site, what, vm)))
    .map((vm) => ({ concerns: [vm], work: [{ kind: 'discard-delta', vm }] }));
}

/** Replication would overwrite a replica that is not yet what it was. */
function resume(site: Site, vms: readonly string[]): Lane[] {
  const clean = vms.filter((vm) => site.leftovers(vm).length === 0);
  return each(site, clean, 'hold', 'resume-replication');
}

function conclude(site: Site, vms: readonly string[]): Beginning {
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
    notices.push(...site.enter(vm, 'failed-failover'));
    notices.push({ kind: 'warn', code: 'ROLLBACK_INCOMPLETE', about: vm, text });
    ended.set(vm, { because: 'ROLLBACK_INCOMPLETE', text });
  }
  return { lanes: [], notices, ended };
}

const powersOff = (site: Site): boolean => site.policies.appliancesAfterUndo === 'power-off';

const isStarted = (site: Site, what: string, vm: string): boolean =>
  site.ledger.get(`${what as 'delta'} ${vm}`) !== 'off';

function each(
  site: Site,
  vms: readonly string[],
  what: 'replica' | 'hold',
  kind: 'power-off-replica' | 'resume-replication',
): Lane[] {
  return vms
    .filter((vm) => isStarted(site, what, vm))
    .map((vm) => ({ concerns: [vm], work: [{ kind, vm }] }));
}
