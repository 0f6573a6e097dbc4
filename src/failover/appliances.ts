/**
 * What appliances are set up to do for replicas that come, and what is taken back for those that
 * go: the same lanes for every operation that moves a VM from one side to the other. Each asks the
 * ledger first, so that what is already so is not ordered again.
 */
import type { Work } from './decision.ts';
import type { Beginning, Lane } from './phase.ts';
import { powerOnProvider } from './power-on-provider.ts';
import type { Site } from './site.ts';

// For those that come

export function providerAppliances(site: Site, vms: readonly string[]): Beginning | undefined {
  const concerns = vms.filter((vm) => site.hostOf(vm) !== undefined);
  if (concerns.length === 0) return undefined;
  site.join(concerns);
  return { lanes: site.hosts(concerns).flatMap(([on, there]) => powerOnProvider(site, on, there)) };
}

export function providerSettings(site: Site, vms: readonly string[]): Beginning | undefined {
  const lanes = site.pairs(vms.filter(partially(site))).map(([pair, concerns]): Lane => {
    const { network, providerNetwork } = pair;
    const work: Work[] = [];
    if (site.ledger.get(`vpn server ${network}`) !== 'on')
      work.push({ kind: 'start-vpn-server', network, providerNetwork });
    work.push(...site.proxyWork('provider', pair));
    return { concerns, work };
  });
  return lanes.length > 0 ? { lanes } : undefined;
}

/** The appliance as default gateway, after full site failover. */
export function defaultGateways(site: Site, vms: readonly string[]): Beginning | undefined {
  const full = vms.filter((vm) => !partially(site)(vm));
  const lanes = site
    .hosts(full)
    .map(([on, concerns]): Lane => ({ concerns, work: site.gateways.work(on) }));
  return lanes.length > 0 ? { lanes } : undefined;
}

export function tenantAppliances(site: Site, vms: readonly string[]): Beginning | undefined {
  const lanes = site.pairs(vms.filter(partially(site))).map(([pair, concerns]): Lane => {
    const { network, providerNetwork, appliance } = pair;
    const work: Work[] = [];
    if (site.ledger.get(`tenant appliance ${network}`) !== 'on')
      work.push({ kind: 'power-on-tenant-appliance', network, appliance });
    if (site.ledger.get(`vpn client ${network}`) !== 'on')
      work.push({ kind: 'start-vpn-client', network, providerNetwork });
    work.push(...site.proxyWork('tenant', pair));
    return { concerns, work };
  });
  return lanes.length > 0 ? { lanes } : undefined;
}

// For those that go

export function leaveTenantSide(site: Site, vms: readonly string[]): Beginning | undefined {
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

export function leaveProviderSettings(site: Site, vms: readonly string[]): Beginning | undefined {
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

export function leaveProviderAppliances(site: Site, vms: readonly string[]): Beginning | undefined {
  if (!site.usesAppliances) return undefined;
  const lanes = site.hosts(vms).flatMap(([on, concerns]): Lane[] => {
    const { host } = on;
    const stays = !powersOff(site) || site.guests(on).length > 0;
    if (stays || site.ledger.get(`provider appliance ${host}`) === 'off') return [];
    return [{ concerns, work: [{ kind: 'power-off-provider-appliance', host }] }];
  });
  return { lanes };
}

const partially =
  (site: Site) =>
  (vm: string): boolean =>
    site.replica(vm).kind === 'partial';

const powersOff = (site: Site): boolean => site.policies.appliancesAfterUndo === 'power-off';
