/** From places of a scenario to the nodes and cables of its lab. */
import type { Where } from '../lab/cables.ts';
import { replicaOf } from '../lab/names.ts';
import { tunnelTraffic } from '../lab/tunnels.ts';
import { espBehindNat, espTraffic } from '../lab/vpns.ts';
import { routerOf } from './compile-tenant.ts';
import { mappingOf } from './mapping.ts';
import { planNetworkOf } from './plan-network.ts';
import type { Machine, Premises, Scenario, Whereabouts } from './scenario.ts';

/** The name under which the lab knows a machine. */
export function nodeOf(machine: Machine): string {
  return machine.kind === 'router' ? routerOf(machine.site) : machine.name;
}

/** A machine, or the switch that a network of a site is. */
export const nodeAt = (at: Whereabouts): string => ('name' in at ? at.name : nodeOf(at));

const sitesOf = ({ tenants }: Scenario) => tenants.flatMap(({ sites }) => sites);

export const isPremises = (at: Whereabouts | Premises): at is Premises =>
  at.kind === 'site' || at.kind === 'host';

/** All that is in a site or on a host, switches last. */
export function inventory({ kind, name }: Premises, scenario: Scenario): string[] {
  const tenants = scenario.tenants;
  if (kind === 'site') {
    const site = sitesOf(scenario).find((one) => one.name === name)!;
    const { vms, appliances, edge, networks } = site;
    const router = networks.some(({ gateway }) => gateway !== undefined) ? [routerOf(name)] : [];
    const machines = [...vms, ...appliances, ...(edge ? [edge] : [])].map((one) => one.name);
    return [...machines, ...router, ...networks.map((network) => network.name)];
  }
  const replicas = tenants.flatMap((tenant) => {
    const mapping = mappingOf(tenant);
    const vms = tenant.sites.flatMap((site) => site.vms);
    return tenant.jobs.flatMap((job) =>
      job.vms.flatMap((vm) => {
        const { network } = vms.find((one) => one.name === vm.name)!;
        const to = mapping.get(network);
        const on = to && (job.host ?? planNetworkOf(scenario, to)!.plan.hosts[0]);
        return on === name ? [replicaOf(vm.name)] : [];
      }),
    );
  });
  const appliances = tenants.flatMap((tenant) =>
    tenant.appliances.filter(({ host }) => host === name).map((one) => one.name),
  );
  return [...replicas, ...appliances, name];
}

/** The cables that a place stands for, and of a tunnel which packets there: none where there is no such tunnel. */
export function cablesAt(at: Whereabouts, scenario: Scenario): readonly Where[] {
  switch (at.kind) {
    case 'plan-network': {
      const { plan, network } = planNetworkOf(scenario, at.name)!;
      const hosts = at.host === undefined ? plan.hosts : [at.host];
      return hosts.map((node) => ({ node, vlan: network.vlan }));
    }
    case 'tunnel': {
      const where = tunnelOf(at.name, scenario);
      return where === undefined ? [] : [where];
    }
    case 'line':
      return [lineOf(at.name, scenario)];
    case 'network':
    case 'internet':
      return [{ node: at.name }];
    default:
      return [{ node: nodeOf(at) }];
  }
}

/** What joins a site, or a cloud gateway, to the internet. */
export function lineOf(
  name: string,
  { tenants }: Pick<Scenario, 'tenants'>,
): Required<Pick<Where, 'node' | 'adapter'>> {
  const isSite = tenants.some(({ sites }) => sites.some((site) => site.name === name));
  return { node: isSite ? routerOf(name) : name, adapter: lineAdapter };
}

const lineAdapter = 'wan';

/**
 * Where the tunnel of a network begins at its site: what its own end sends and gets there, before
 * others that share the line come to it.
 */
function tunnelOf(network: string, { tenants }: Scenario): Where | undefined {
  for (const tenant of tenants) {
    const networks = tenant.sites.flatMap((site) => site.networks);
    const index = networks.findIndex(({ name }) => name === network);
    if (index < 0) continue;
    const site = tenant.sites.find(({ name }) => name === networks[index]!.site)!;
    const appliance = site.appliances.find((one) => one.network === network);
    if (appliance !== undefined) return { node: appliance.name, traffic: tunnelTraffic(index) };
    const edge = tenant.plans.find((plan) => plan.edge !== undefined)?.edge;
    if (edge?.connectivity === 'ipsec-vpn')
      return { ...lineOf(site.name, { tenants }), traffic: espTraffic };
    if (edge === undefined || site.edge === undefined) return undefined;
    return { node: site.edge.name, traffic: espBehindNat };
  }
  return undefined;
}
