/** From what a file says of the service provider to what there is: gateways, hosts, and what each tenant has there. */
import type { Context } from './build.ts';
import { rulesOf } from './build-plans.ts';
import { buildPortGroup } from './build-port-group.ts';
import type { RawProvider, RawScenario } from './format.ts';
import type { Owner } from './owners.ts';
import { placeOf } from './place.ts';
import { didYouMean } from './problem.ts';
import { members, startSpot, values } from './raw.ts';
import type {
  Cluster,
  Edge,
  Gateway,
  Plan,
  PlanNetwork,
  Provider,
  ProviderAppliance,
  Site,
} from './scenario.ts';
import type { At, Items } from './shape.ts';
import type { Vlans } from './vlans.ts';

/** An organization VDC has a host without saying so, and so may a hardware plan. */
const unnamedHost = 'sp-host';
const applianceName = 'sp-nea';
const edgeName = 'nsx-edge';

/** What all tenants share. */
export function declareProvider(raw: RawProvider, { names }: Pick<Context, 'names'>): void {
  for (const { name, keySpot } of members(raw.gateways)) names.declare('gateway', name, keySpot);
  const hosts = new Map(
    hardwarePlansOf(raw).flatMap(({ hosts }) =>
      (hosts?.items ?? []).map((host) => [host.value, host.spot]),
    ),
  );
  for (const [name, spot] of hosts) names.declare('host', name, spot);
}

/** What the provider has for one tenant. */
export function declareShare(raw: RawProvider, { names, owner }: Context): void {
  for (const { networks } of plansOf(owner)) {
    names.noteBlind(networks === undefined);
    for (const { name, keySpot } of members<unknown>(networks))
      names.declare('plan-network', name, keySpot);
  }
  const edge = edgeOf(owner);
  if (edge !== undefined)
    names.declare('edge', edge.name, owner.orgVdc?.edge?.name?.spot ?? raw.spot);
  const spot = raw.appliance?.name?.spot ?? raw.spot;
  for (const { name } of appliancesOn(raw, owner)) names.declare('provider-appliance', name, spot);
}

export function buildProvider({ provider }: RawScenario): Provider | undefined {
  if (provider === undefined) return undefined;
  return {
    gateways: members(provider.gateways).flatMap(({ name, keySpot, value: gateway }): Gateway[] => {
      if (gateway?.public_ip === undefined) return [];
      const { public_ip, block } = gateway;
      return [{ name, publicIp: public_ip.value, block: values(block), place: placeOf(keySpot) }];
    }),
    clusters: clustersOf(provider),
    platform: provider.platform?.value ?? 'vmware',
    place: placeOf(provider.spot),
  };
}

/** Plans that share their first host share a cluster, and its switch carries what any of them asks for. */
function clustersOf(raw: RawProvider): Cluster[] {
  const clusters = new Map<string, Cluster>();
  const unnamed: Cluster = { hosts: [unnamedHost], trunk: undefined };
  for (const { hosts: said, trunk } of hardwarePlansOf(raw)) {
    const hosts = hostsOf(said);
    const before = clusters.get(hosts[0]!);
    const ranges = trunk && [...(before?.trunk ?? []), ...values(trunk)];
    clusters.set(hosts[0]!, {
      hosts: [...new Set([...(before?.hosts ?? []), ...hosts])],
      trunk: ranges ?? before?.trunk,
    });
  }
  // An organization VDC may stand with any tenant.
  if (!clusters.has(unnamedHost)) clusters.set(unnamedHost, unnamed);
  return [...clusters.values()];
}

const hardwarePlansOf = (raw: RawProvider) => [
  ...(raw.hardware_plan === undefined ? [] : [raw.hardware_plan]),
  ...members(raw.hardware_plans).flatMap(({ value }) => value ?? []),
];

const hostsOf = (said: Items<At<string>> | undefined): readonly string[] => {
  const hosts = values(said);
  return hosts.length > 0 ? hosts : [unnamedHost];
};

const plansOf = ({ hardwarePlans, orgVdc }: Owner) => [
  ...hardwarePlans.flatMap(({ value }) => value ?? []),
  ...(orgVdc === undefined ? [] : [orgVdc]),
];

export function buildPlans(context: Context, vlans: Vlans, sites: readonly Site[]): Plan[] {
  const { names, owner, findings } = context;
  const { hardwarePlans, orgVdc } = owner;
  if (hardwarePlans.length > 0 && orgVdc !== undefined) {
    const message = 'a tenant has either a hardware plan or an org VDC';
    findings.add('E310', startSpot(orgVdc.spot), message, 'leave one of them out');
  }
  const plans = hardwarePlans.map(({ name, value: raw }): Plan => {
    const hosts = hostsOf(raw?.hosts);
    const networks = members(raw?.networks).map((network): PlanNetwork => {
      const { vlan: explicit, internet, dhcp } = network.value ?? {};
      const online = internet?.value ?? false;
      const spot = network.keySpot;
      const tenant = owner.name;
      return {
        name: names.full(network.name),
        vlan: vlans.take({ host: hosts[0]!, internet: online, explicit, spot, tenant }),
        internet: online,
        type: 'isolated',
        dhcp: dhcp?.value ?? 'none',
        ...buildPortGroup(network.value),
        place: placeOf(spot),
      };
    });
    return { kind: 'hardware-plan', name, hosts, networks, edge: undefined };
  });
  if (orgVdc === undefined) return plans;
  const networks = members(orgVdc.networks).map((network): PlanNetwork => {
    const { type, dhcp } = network.value ?? {};
    const internet = type?.value === 'routed';
    const spot = network.keySpot;
    const wish = { host: unnamedHost, internet, explicit: undefined, spot, tenant: owner.name };
    return {
      name: names.full(network.name),
      vlan: vlans.take(wish),
      internet,
      type: type?.value ?? 'isolated',
      dhcp: dhcp?.value ?? 'none',
      ...buildPortGroup(network.value),
      place: placeOf(spot),
    };
  });
  const name = orgVdc.name?.value ?? 'plan';
  const edge = edgeOf(owner);
  const nat = rulesOf(orgVdc.edge?.nat, context, sites);
  return [
    ...plans,
    {
      kind: 'org-vdc',
      name,
      hosts: [unnamedHost],
      networks,
      edge: edge && { ...edge, name: names.full(edge.name), nat },
    },
  ];
}

const connectivities = {
  appliances: 'appliances',
  edge_gateway: 'edge-gateway',
  ipsec_vpn: 'ipsec-vpn',
} as const;

/** Besides a VPN, full site failover needs one. */
function edgeOf({ orgVdc, failoverPlans }: Owner): Omit<Edge, 'nat'> | undefined {
  if (orgVdc === undefined) return undefined;
  const { connectivity, edge } = orgVdc;
  const carries = connectivities[connectivity?.value ?? 'appliances'];
  if (carries === 'appliances' && edge === undefined && failoverPlans.length === 0)
    return undefined;
  return {
    name: edge?.name?.value ?? edgeName,
    publicIp: edge?.public_ip?.value,
    connectivity: carries,
    proxyArp: edge?.proxy_arp?.value ?? true,
  };
}

const usesAppliances = (owner: Owner): boolean =>
  (edgeOf(owner)?.connectivity ?? 'appliances') === 'appliances';

/** One appliance of the provider for each host, or for the first of a cluster: its name says which, if there are several. */
function appliancesOn(
  raw: RawProvider,
  owner: Owner,
): { readonly name: string; readonly host: string }[] {
  const base = raw.appliance?.name?.value ?? applianceName;
  const hosts = new Set(owner.hardwarePlans.map(({ value }) => hostsOf(value?.hosts)[0]!));
  // None is deployed where Cloud Director's own means carry the traffic.
  if (usesAppliances(owner) && (owner.orgVdc !== undefined || hosts.size === 0))
    hosts.add(unnamedHost);
  return [...hosts].map((host) => ({ name: hosts.size > 1 ? `${base}-${host}` : base, host }));
}

export function buildAppliances(context: Context): ProviderAppliance[] {
  const { raw, names, timings, owner } = context;
  const { provider } = raw;
  if (provider === undefined) return [];
  const overrides = owner.tunnelEnds.flatMap(({ name, keySpot, value: to }) => {
    const from = names.find('network', { value: name, spot: keySpot });
    const target = to && names.find('plan-network', to);
    return from !== undefined && target !== undefined ? [[from.name, target.name] as const] : [];
  });
  return appliancesOn(provider, owner).map(({ name, host }) => ({
    name: names.full(name),
    host,
    proxyArp: provider.appliance?.proxy_arp?.value ?? 'relay',
    gratuitousArp: provider.appliance?.gratuitous_arp?.value ?? 'both',
    scope: provider.appliance?.scope?.value ?? 'as-told',
    boot: timings.bootAppliance,
    networks: new Map(overrides),
  }));
}

/** A tenant with a pool has its gateways, in the order of the pool; others only if the pool allows it. */
export function gatewaysFor(
  gateways: readonly Gateway[],
  { raw, owner: { gatewayPool }, names, findings }: Context,
): readonly Gateway[] {
  if (gatewayPool === undefined) return gateways;
  const pools = members(raw.provider?.gateway_pools);
  const pool = pools.find(({ name }) => name === gatewayPool.value);
  if (pool === undefined) {
    const hint = didYouMean(
      gatewayPool.value,
      pools.map(({ name }) => name),
    );
    findings.add('E319', gatewayPool.spot, `unknown gateway pool "${gatewayPool.value}"`, hint);
    return gateways;
  }
  const named = (pool.value?.gateways?.items ?? []).flatMap((one) => {
    const found = names.find('gateway', one);
    return gateways.find(({ name }) => name === found?.name) ?? [];
  });
  if (pool.value?.fallback?.value !== true) return named;
  return [...named, ...gateways.filter((gateway) => !named.includes(gateway))];
}
