/**
 * The provider's way to the internet for full site failover: a router that knows which public
 * address leads to which appliance, and translates nothing. Whoever plans no full failover has none.
 */
import type { ProviderAppliancePlan } from '../lab/topology.ts';
import { type Ipv4, ipv4 } from '../wire/address.ts';
import { providerNet } from './compile-provider.ts';
import { type Draft, internetAddress } from './draft.ts';
import { mappingOf } from './mapping.ts';
import type { Tenant } from './scenario.ts';

const routerName = 'sp-router';
/** The last of the provider's network. */
export const providerRouter = ipv4('198.18.255.254');

export function addProviderRouter(draft: Draft): void {
  const { nodes, scenario } = draft;
  const tenants = scenario.tenants.filter(isServedByAppliance);
  if (tenants.length === 0) return;
  const appliances = new Map(
    nodes.flatMap((node) => (node.kind === 'provider-appliance' ? [[node.name, node]] : [])),
  );
  const own = tenants.flatMap((tenant) => tenant.appliances.map(({ name }) => name));
  const routes = tenants.flatMap((tenant) => routesOf(tenant, appliances));
  const { internet, provider } = scenario.links;
  const outside = draft.adapter(routerName, 'wan', internet.mtu);
  const inside = draft.adapter(routerName, 'lan', provider.mtu);
  const ip = draft.publicAddress();
  nodes.push({
    kind: 'provider-router',
    name: routerName,
    tenant: '',
    outside: { adapter: outside, ip, via: internetAddress },
    inside: { adapter: inside, prefix: { address: providerRouter, length: providerNet.length } },
    routes,
  });
  draft.plug(routerName, inside, providerNet.name, 1, provider);
  // What replicas send is translated to the addresses of the appliances, which the internet must know too.
  const behind = own.flatMap((name) => appliances.get(name)?.external.prefix.address ?? []);
  draft.line(routerName, 'wan', ip, internet, [...behind, ...routes.map(({ to }) => to)]);
}

/** Replicas in an organization VDC have its edge gateway. */
export const isServedByAppliance = ({ failoverPlans, plans }: Tenant): boolean =>
  failoverPlans.length > 0 && plans.every(({ kind }) => kind === 'hardware-plan');

/** Each public address leads to the appliance on the host of a replica that has a rule with it. */
function routesOf(
  tenant: Tenant,
  appliances: ReadonlyMap<string, ProviderAppliancePlan>,
): { readonly to: Ipv4; readonly via: Ipv4 }[] {
  const mapping = mappingOf(tenant);
  const networks = new Map(
    tenant.sites.flatMap(({ vms }) => vms.map(({ name, network }) => [name, network])),
  );
  const ways = new Map<Ipv4, Ipv4>();
  for (const { publicIp, to } of tenant.failoverPlans.flatMap(({ rules }) => rules)) {
    const end = mapping.get(networks.get(to.vm) ?? '');
    const plan = tenant.plans.find((one) => one.networks.some(({ name }) => name === end));
    const name = tenant.appliances.find(({ host }) => host === plan?.hosts[0])?.name ?? '';
    const via = appliances.get(name)?.external.prefix.address;
    if (via !== undefined && !ways.has(publicIp)) ways.set(publicIp, via);
  }
  return [...ways].map(([to, via]) => ({ to, via }));
}
