/**
 * The edge gateway of an organization VDC: its VPN with the other ends of it at the sites, and what it
 * translates for the internet. A routed VPN leads from the routers of the sites to the routed networks of the VDC, for an isolated network
 * is connected to no edge. A stretched one has an edge at each site too, behind the router's NAT.
 */
import type { EdgeNatPlan, VpnEndPlan, VpnNetworkPlan } from '../lab/topology.ts';
import type { Ipv4 } from '../wire/address.ts';
import { type Draft, internetAddress } from './draft.ts';
import { byVpn, fromInternet, type Mapped } from './edge-networks.ts';
import type { Edge, Plan, Site, SiteEdge, Tenant } from './scenario.ts';

export class VpnDraft {
  readonly #draft: Draft;
  readonly #tenant: Tenant;
  readonly #plan: Plan;
  readonly #edge: Edge;
  readonly #edgeIp: Ipv4;
  /** Of the edge gateway. */
  readonly #ends: VpnEndPlan[] = [];

  /** Undefined where the organization VDC has no edge gateway. */
  static of(draft: Draft, tenant: Tenant): VpnDraft | undefined {
    const plan = tenant.plans.find(({ edge }) => edge !== undefined);
    return plan && new VpnDraft(draft, tenant, plan, plan.edge!);
  }

  private constructor(draft: Draft, tenant: Tenant, plan: Plan, edge: Edge) {
    this.#draft = draft;
    this.#tenant = tenant;
    this.#plan = plan;
    this.#edge = edge;
    this.#edgeIp = edge.publicIp ?? draft.publicAddress();
  }

  /** What the router of a site, at this address, has of a routed VPN; the edge gets the other end of it. */
  routerEnd(site: Site, ip: Ipv4): VpnEndPlan | undefined {
    const { connectivity, proxyArp } = this.#edge;
    if (connectivity !== 'ipsec-vpn') return undefined;
    const mapped = byVpn(this.#tenant, this.#plan, site);
    const pairs = site.networks.flatMap(({ subnet: here }) =>
      mapped.map(({ network }) => ({ here, there: network.subnet })),
    );
    const remote = site.networks.map(({ subnet }) => subnet);
    const networks = (adapterOf: (one: Mapped) => string): VpnNetworkPlan[] =>
      mapped.flatMap((one): VpnNetworkPlan[] => {
        const { name, subnet, gateway } = one.network;
        if (gateway === undefined) return [];
        const carries = { kind: 'packets', subnet, gateway, proxyArp, remote } as const;
        return [{ network: name, adapter: adapterOf(one), carries }];
      });
    const common = { tunnel: site.name, nat: 'none' } as const;
    this.#ends.push({
      ...common,
      peer: ip,
      selectors: pairs.map(({ here, there }) => ({ local: there, remote: here })),
      networks: networks(({ at }) => at.name),
    });
    return {
      ...common,
      peer: this.#edgeIp,
      selectors: pairs.map(({ here, there }) => ({ local: here, remote: there })),
      networks: networks(({ network }) => network.name),
    };
  }

  /** The edge of a site, as the far end of a stretched VPN. */
  addSiteEdge(site: Site): void {
    const { edge } = site;
    if (edge === undefined || this.#edge.connectivity !== 'edge-gateway') return;
    const mapped = byVpn(this.#tenant, this.#plan, site);
    const networks = (adapterOf: (one: Mapped) => string): VpnNetworkPlan[] =>
      mapped.map((one) => ({
        network: one.network.name,
        adapter: adapterOf(one),
        carries: { kind: 'frames', index: one.index },
      }));
    const common = { tunnel: site.name, selectors: [] };
    this.#ends.push({
      ...common,
      peer: undefined,
      nat: 'there',
      networks: networks(({ at }) => at.name),
    });
    this.#addAtSite(site, edge, mapped, {
      ...common,
      peer: this.#edgeIp,
      nat: 'here',
      networks: networks(({ network }) => network.name),
    });
  }

  /** The edge gateway, once all sites are known. */
  addEdge(): void {
    const { name } = this.#edge;
    const { links } = this.#draft.scenario;
    const line = this.#draft.adapter(name, 'wan', links.internet.mtu);
    const nat = this.#nat();
    const led = new Set([
      ...this.#ends.flatMap(({ networks }) => networks.map(({ adapter }) => adapter)),
      ...nat.networks.map(({ adapter }) => adapter),
    ]);
    const joined = this.#plan.networks.filter((network) => led.has(network.name));
    const inside = joined.map((network) =>
      this.#draft.adapter(name, network.name, links.provider.mtu),
    );
    this.#draft.nodes.push({
      kind: 'edge-gateway',
      name,
      tenant: this.#tenant.name,
      outside: {
        adapter: line,
        prefix: { address: this.#edgeIp, length: 32 },
        via: internetAddress,
      },
      inside,
      vpn:
        this.#edge.connectivity === 'appliances'
          ? undefined
          : { side: 'provider', outside: 'wan', ends: this.#ends },
      nat,
    });
    const behind = new Set(nat.rules.map(({ publicIp }) => publicIp));
    behind.delete(this.#edgeIp);
    this.#draft.line(name, 'wan', this.#edgeIp, links.internet, [...behind]);
    joined.forEach(({ vlan }, i) => {
      this.#draft.plug(name, inside[i]!, this.#plan.hosts[0]!, vlan, links.provider);
    });
  }

  #nat(): EdgeNatPlan {
    const networks = fromInternet(this.#tenant, this.#plan).map(
      ({ network, at, gateway, byVpn: isCarried }) => ({
        adapter: at.name,
        prefix: { address: gateway, length: network.subnet.length },
        byVpn: isCarried,
      }),
    );
    return { networks, rules: this.#edge.nat };
  }

  #addAtSite(
    { networks }: Site,
    { name, network, ip }: SiteEdge,
    mapped: readonly Mapped[],
    end: VpnEndPlan,
  ): void {
    const { lan } = this.#draft.scenario.links;
    const { subnet, gateway, mtu } = networks.find((one) => one.name === network)!;
    const uplink = this.#draft.adapter(name, 'uplink', mtu);
    const inside = mapped.map(({ network: one }) => this.#draft.adapter(name, one.name, one.mtu));
    this.#draft.nodes.push({
      kind: 'edge-gateway',
      name,
      tenant: this.#tenant.name,
      outside: {
        adapter: uplink,
        prefix: { address: ip, length: subnet.length },
        via: gateway ?? ip,
      },
      inside,
      vpn: { side: 'tenant', outside: 'uplink', ends: [end] },
      nat: undefined,
    });
    this.#draft.plug(name, uplink, network, 1, lan);
    for (const adapter of inside) this.#draft.plug(name, adapter, adapter.name, 1, lan);
  }
}
