/** Which networks the edge gateway of an organization VDC leads to: from production by VPN, and from the internet. */
import type { Ipv4 } from '../wire/address.ts';
import { mappingOf } from './mapping.ts';
import type { Network, Plan, PlanNetwork, Site, Tenant } from './scenario.ts';

/** A production network, and where its replicas are. */
export interface Mapped {
  readonly network: Network;
  /** Its place among those of the tenant. */
  readonly index: number;
  readonly at: PlanNetwork;
}

/** The networks of a site whose replicas are in this organization VDC. */
export function mappedOf(tenant: Tenant, plan: Plan, site: Site): Mapped[] {
  const mapping = mappingOf(tenant);
  const all = tenant.sites.flatMap(({ networks }) => networks);
  return site.networks.flatMap((network) => {
    const at = plan.networks.find(({ name }) => name === mapping.get(network.name));
    return at === undefined ? [] : [{ network, index: all.indexOf(network), at }];
  });
}

/** Stretched by an L2 VPN, or routed by an IPsec VPN, which no isolated network is connected to. */
export function byVpn(tenant: Tenant, plan: Plan, site: Site): Mapped[] {
  const mapped = mappedOf(tenant, plan, site);
  switch (plan.edge?.connectivity) {
    case 'edge-gateway':
      return mapped.filter(
        ({ network }) => site.edge !== undefined && network.name !== site.edge.network,
      );
    case 'ipsec-vpn':
      return mapped.filter(({ at, network }) => at.type === 'routed' && network.gateway);
    default:
      return [];
  }
}

/**
 * Routed networks have the edge gateway as their default gateway, with the address of the one in
 * production. Of a stretched network that one is in sight, and has its address to itself.
 */
export function fromInternet(
  tenant: Tenant,
  plan: Plan,
): (Mapped & { readonly gateway: Ipv4; readonly byVpn: boolean })[] {
  if (plan.edge === undefined) return [];
  const isStretch = plan.edge.connectivity === 'edge-gateway';
  return tenant.sites.flatMap((site) => {
    const carried = new Set(byVpn(tenant, plan, site).map(({ network }) => network));
    return mappedOf(tenant, plan, site).flatMap((one) => {
      const { gateway } = one.network;
      const isCarried = carried.has(one.network);
      if (gateway === undefined || one.at.type !== 'routed' || (isStretch && isCarried)) return [];
      return [{ ...one, gateway, byVpn: isCarried }];
    });
  });
}
