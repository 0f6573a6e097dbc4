/** What all tenants share at the provider: the network behind the cloud gateways, and the hosts with their switches. */
import { type Ipv4, ipv4 } from '../wire/address.ts';
import { cable, type Draft, internetAddress } from './draft.ts';
import type { Cluster, Provider, Tenant } from './scenario.ts';

/** Where gateways and appliances of the provider meet: half of the addresses set aside for tests (RFC 2544). */
export const providerNet = { name: 'sp-net', network: ipv4('198.18.0.0'), length: 16 };

export function addProvider(draft: Draft, provider: Provider): void {
  const { switches, nodes, scenario } = draft;
  const { links, tenants } = scenario;
  switches.push({ name: providerNet.name, portGroups: [] });
  for (const cluster of provider.clusters) addCluster(draft, cluster, tenants);
  provider.gateways.forEach(({ name, publicIp, block }, i) => {
    const outside = draft.adapter(name, 'wan', links.internet.mtu);
    const inside = draft.adapter(name, 'lan', links.provider.mtu);
    const prefix = { address: (providerNet.network + 1 + i) as Ipv4, length: providerNet.length };
    nodes.push({
      kind: 'cloud-gateway',
      name,
      tenant: '',
      outside: { adapter: outside, ip: publicIp, via: internetAddress },
      inside: { adapter: inside, prefix },
      block,
    });
    draft.line(name, 'wan', publicIp, links.internet);
    draft.plug(name, inside, providerNet.name, 1, links.provider);
  });
}

/** The virtual switches of the hosts, and between them a physical one, which may carry less than they do. */
function addCluster(draft: Draft, { hosts, trunk }: Cluster, tenants: readonly Tenant[]): void {
  const { switches, trunks, scenario } = draft;
  const networks = tenants.flatMap(({ plans }) =>
    plans.flatMap((plan) => (plan.hosts[0] === hosts[0] ? plan.networks : [])),
  );
  const portGroups = draft.portGroups(networks);
  for (const name of hosts) switches.push({ name, portGroups });
  if (hosts.length < 2) return;
  const used = new Set(networks.map(({ vlan }) => vlan));
  const carried = [...used].filter(
    (vlan) => trunk?.some(({ first, last }) => vlan >= first && vlan <= last) ?? true,
  );
  const physical = `physical-${hosts[0]}`;
  switches.push({ name: physical, portGroups: [] });
  const link = cable(scenario.links.provider, scenario.links.provider.mtu);
  for (const host of hosts) {
    const ends = [
      { switch: host, vlans: [...used] },
      { switch: physical, vlans: carried },
    ] as const;
    trunks.push({ ends, link });
  }
}
