/** From the words of a scenario to what a lab is built of: machines, cables, and each tenant's two sites as its controller knows them. */
import type { LabPlan, RecoveryPlan } from '../lab/lab.ts';
import type { AttachmentPlan, Topology } from '../lab/topology.ts';
import { showIpv4, showPrefix } from '../wire/address.ts';
import { addProvider, providerNet } from './compile-provider.ts';
import { addProviderRouter } from './compile-router.ts';
import { TenantDraft } from './compile-tenant.ts';
import { Draft } from './draft.ts';
import { byVpn, fromInternet } from './edge-networks.ts';
import { mappingOf } from './mapping.ts';
import type {
  Edge,
  FailoverPlan,
  Network,
  Plan,
  Policies,
  Provider,
  Scenario,
  Tenant,
} from './scenario.ts';

/** Within the provider's network: below are the gateways. */
const firstAppliance = 101;

export function compile(scenario: Scenario): LabPlan {
  const { tenants, provider, policies, seed, tunnel, timings } = scenario;
  const draft = new Draft(scenario);
  const drafts = tenants.map((tenant) => new TenantDraft(draft, tenant));
  for (const one of drafts) one.addSites();
  if (provider !== undefined) {
    addProvider(draft, provider);
    let address = providerNet.network + firstAppliance;
    drafts.forEach((one, i) => {
      one.addAppliances(address);
      address += tenants[i]!.appliances.length;
    });
    addProviderRouter(draft);
  }
  draft.addClients();
  draft.addInternet();
  const { switches, trunks, nodes, cables } = draft;
  const topology: Topology = {
    seed: String(seed),
    switches,
    trunks,
    nodes,
    cables,
    attachments: attachmentsOf(tenants),
    tunnel,
    timings,
  };
  const recoveries = provider
    ? tenants.map((tenant) => recoveryOf(tenant, provider, policies))
    : [];
  return { topology, recoveries, watchesIsolation: tenants.length > 1 };
}

const attachmentsOf = (tenants: readonly Tenant[]): AttachmentPlan[] =>
  tenants
    .flatMap(({ sites }) => sites.flatMap(({ networks }) => networks))
    .flatMap(({ name, attach }) => (attach === undefined ? [] : [{ network: name, ...attach }]));

const detects = { auto: 'windows', always: 'all', never: 'none' } as const;

/** A tenant's two sites as its controller knows them. */
function recoveryOf(
  tenant: Tenant,
  { platform: hypervisor }: Provider,
  policies: Policies,
): RecoveryPlan {
  const { sites, jobs, plans, appliances } = tenant;
  const vms = sites.flatMap((site) => site.vms);
  const networks = sites.flatMap((site) => site.networks);
  const inProduction = new Map(
    sites.flatMap((site) => site.appliances.map(({ network, name }) => [network, name])),
  );
  // Where Cloud Director's own means carry the traffic there are networks, and no appliance.
  const places = new Set([
    ...appliances.map(({ host }) => host),
    ...plans.flatMap((plan) => plan.hosts.slice(0, 1)),
  ]);
  const hosts = [...places].map((host) => ({
    host,
    networks: plans
      .filter((plan) => plan.hosts[0] === host)
      .flatMap((plan) => plan.networks.map(({ name }) => name)),
  }));
  const hostOf = new Map(hosts.flatMap((on) => on.networks.map((name) => [name, on.host])));
  const atHost = new Map(appliances.map(({ host, name }) => [host, name]));
  const atProvider = new Map(
    [...mappingOf(tenant)].flatMap(([from, to]): [string, string][] => {
      const name = atHost.get(hostOf.get(to) ?? '');
      return name === undefined ? [] : [[from, name]];
    }),
  );
  const platform = hypervisor === 'hyperv' ? 'hyper-v' : 'vsphere';
  return {
    tenant: tenant.name,
    appliances: { tenant: inProduction, provider: atProvider, hosts: atHost },
    schedules: jobs.flatMap(({ vms: all, schedule }) =>
      schedule ? [{ ...schedule, vms: all.map(({ name }) => name) }] : [],
    ),
    configuration: {
      vms: vms.map(({ name, network, os, ip, running }) => ({
        name,
        network,
        guest: os,
        address: ip === 'dhcp' ? { kind: 'dhcp' } : { kind: 'static', ip: showIpv4(ip) },
        platform,
        powered: running,
      })),
      networks: networks.map(({ name, gateway, subnet }) => ({
        name,
        appliance: inProduction.get(name),
        gateway: gateway && showPrefix({ address: gateway, length: subnet.length }),
      })),
      jobs: jobs.map((job) => ({
        name: job.name,
        vms: job.vms.map(({ name }) => name),
        mapping: Object.fromEntries(job.mapping.map(({ from, to }) => [from.name, to.name])),
        detects: detects[job.detect],
        restorePointsKept: job.restorePoints,
        restorePoints: job.restorePoints,
      })),
      failoverPlans: tenant.failoverPlans.map((plan) => failoverPlan(plan, networks)),
      policies,
      provider: plans.some(({ kind }) => kind === 'org-vdc')
        ? { kind: 'org-vdc', hosts, connectivity: connectivityOf(plans), edge: edgeOf(tenant) }
        : { kind: 'hardware-plan', hosts },
    },
  };
}

function failoverPlan(
  { name, vms, routing, rules, defaultGateways }: FailoverPlan,
  networks: readonly Network[],
): NonNullable<RecoveryPlan['configuration']['failoverPlans']>[number] {
  return {
    name,
    vms: vms.map(({ vm, delay }) => ({ vm: vm.name, delay })),
    routing,
    rules: rules.map(({ publicIp, port, to }) => ({
      publicIp: showIpv4(publicIp),
      port,
      to: { ...to, ip: showIpv4(to.ip) },
    })),
    gateways: Object.fromEntries(
      defaultGateways.map(({ network, ip }) => {
        const { length } = networks.find((one) => one.name === network)!.subnet;
        return [network, showPrefix({ address: ip, length })];
      }),
    ),
  };
}

const edgeOf = (tenant: Tenant) => ({
  vpn: tenant.plans.flatMap((plan) =>
    tenant.sites.flatMap((site) => byVpn(tenant, plan, site).map(({ network }) => network.name)),
  ),
  internet: tenant.plans.flatMap((plan) => fromInternet(tenant, plan).map(({ at }) => at.name)),
});

const connectivityOf = (plans: readonly Plan[]): 'appliances' | Edge['connectivity'] =>
  plans.find(({ edge }) => edge !== undefined)?.edge?.connectivity ?? 'appliances';
