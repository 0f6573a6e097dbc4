/**
 * Reconnect: the VPN daemons of both appliances are started anew, without touching the replica or
 * what the appliances answer for. An appliance that has lost its power meanwhile is powered on and
 * told everything again; to one that runs these orders mean nothing.
 */
import type { Work } from './decision.ts';
import { type Beginning, type Procedure, scripted } from './phase.ts';
import type { Pair, Site } from './site.ts';

export const reconnect: Procedure = {
  check(site, vm) {
    // After full site failover there is no tunnel, whatever there might be in a partial one.
    const pair = site.replica(vm).kind === 'full' ? undefined : site.pair(vm);
    const state = pair === undefined ? 'none' : site.connectivity(pair.network);
    if (pair !== undefined && state !== 'up') return undefined;
    const text = `the connectivity of ${vm} is ${state}, which does not allow reconnect; allowed: when it has failed`;
    return { because: 'WRONG_STATE', text };
  },

  phases(site) {
    const side = (work: (pair: Pair) => Work[]) => (vms: readonly string[]) =>
      lanes(site, vms, work);
    return scripted('forward', undefined, [
      ['The tenant reconnects.', () => ({ lanes: [] })],
      [
        'The VPN server of the provider appliance is restarted.',
        (vms) => powerOn(site, vms),
        side((pair) => provider(site, pair)),
      ],
      ['The VPN client of the tenant appliance is restarted.', side((pair) => tenant(site, pair))],
    ]);
  },
};

const lanes = (site: Site, vms: readonly string[], work: (pair: Pair) => Work[]): Beginning => ({
  lanes: site.pairs(vms).map(([pair, concerns]) => ({ concerns, work: work(pair) })),
});

/** It is one for all networks that end on its host. */
const powerOn = (site: Site, vms: readonly string[]): Beginning => ({
  lanes: site.hosts(vms).map(([host, concerns]) => ({
    concerns,
    work: [{ kind: 'power-on-provider-appliance', ...host }],
  })),
});

function provider(site: Site, pair: Pair): Work[] {
  const { network, providerNetwork } = pair;
  return [
    { kind: 'stop-vpn-server', network },
    { kind: 'start-vpn-server', network, providerNetwork },
    ...duty(site, 'provider', pair),
  ];
}

function tenant(site: Site, pair: Pair): Work[] {
  const { network, providerNetwork, appliance } = pair;
  return [
    { kind: 'power-on-tenant-appliance', network, appliance },
    { kind: 'stop-vpn-client', network },
    { kind: 'start-vpn-client', network, providerNetwork },
    ...duty(site, 'tenant', pair),
  ];
}

function duty(site: Site, side: 'provider' | 'tenant', pair: Pair): Work[] {
  const { network, providerNetwork } = pair;
  const told = site.duty(side, network);
  return told === undefined ? [] : [{ kind: 'configure-proxy', network, providerNetwork, ...told }];
}
