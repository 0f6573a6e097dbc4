/** The topology of a scenario as a graph: sites, internet, provider, and what leads from one to another. */
import { replicaOf } from '../lab/names.ts';
import type {
  GraphArea,
  GraphEdge,
  GraphNode,
  GraphRole,
  TopologyGraph,
} from '../trace/topology.ts';
import { type Ipv4, showIpv4, showPrefix } from '../wire/address.ts';
import { mappingOf } from './mapping.ts';
import type { Provider, Scenario, Site, Tenant } from './scenario.ts';
import { nodeOf } from './whereabouts.ts';

export function graphOf(scenario: Scenario): TopologyGraph {
  return new Sketch(scenario).graph();
}

const showAddress = (ip: Ipv4 | 'dhcp'): string => (ip === 'dhcp' ? 'DHCP' : showIpv4(ip));

class Sketch {
  readonly #scenario: Scenario;
  readonly #areas: GraphArea[] = [];
  readonly #edges: GraphEdge[] = [];
  /** By role and name: a replica may be called as something else is. */
  readonly #ids = new Map<string, string>();

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  graph(): TopologyGraph {
    const { tenants, provider, name, case: of } = this.#scenario;
    for (const { sites } of tenants) for (const site of sites) this.#site(site);
    this.#internet();
    if (provider !== undefined) {
      this.#gateways(provider);
      for (const tenant of tenants) this.#provided(tenant);
    }
    for (const { sites } of tenants) for (const site of sites) this.#cables(site);
    if (provider !== undefined) for (const tenant of tenants) this.#connected(tenant, provider);
    const title = of === '' ? name : `${name} (${of})`;
    return { title, areas: this.#areas, edges: this.#edges };
  }

  #node(role: GraphRole, title: string, detail = ''): GraphNode {
    const id = `n${this.#ids.size + 1}`;
    this.#ids.set(`${role} ${title}`, id);
    return { id, role, title, detail };
  }

  /** Nothing is drawn to what is not there. */
  #edge(
    from: readonly [GraphRole, string],
    to: readonly [GraphRole, string],
    kind: GraphEdge['kind'] = 'cable',
    title = '',
  ): void {
    const [one, other] = [from, to].map(([role, name]) => this.#ids.get(`${role} ${name}`));
    if (one !== undefined && other !== undefined)
      this.#edges.push({ from: one, to: other, kind, title });
  }

  #site({ name, vms, networks, appliances, edge, place }: Site): void {
    const hasRouter = networks.some(({ gateway }) => gateway !== undefined);
    const router = nodeOf({ kind: 'router', site: name, network: undefined, text: '', place });
    const nodes = [
      ...vms.map((vm) => this.#node('vm', vm.name, showAddress(vm.ip))),
      ...networks.map((one) => this.#node('network', one.name, showPrefix(one.subnet))),
      ...(hasRouter ? [this.#node('router', router)] : []),
      ...appliances.map((one) => this.#node('appliance', one.name, showAddress(one.ip))),
      ...(edge === undefined ? [] : [this.#node('appliance', edge.name, showIpv4(edge.ip))]),
    ];
    this.#areas.push({ title: `site ${name}`, side: 'tenant', nodes });
  }

  #internet(): void {
    const { clients } = this.#scenario;
    const nodes = [
      this.#node('internet', 'internet'),
      ...clients.map(({ name, ip }) => this.#node('client', name, showIpv4(ip))),
    ];
    this.#areas.push({ title: 'internet', side: 'internet', nodes });
    for (const { name } of clients) this.#edge(['internet', 'internet'], ['client', name]);
  }

  #gateways({ gateways }: Provider): void {
    const nodes = gateways.map(({ name, publicIp }) =>
      this.#node('cloud-gateway', name, showIpv4(publicIp)),
    );
    if (nodes.length > 0) this.#areas.push({ title: 'cloud gateways', side: 'provider', nodes });
    for (const { name } of gateways) this.#edge(['internet', 'internet'], ['cloud-gateway', name]);
  }

  /** What one tenant has at the provider. */
  #provided(tenant: Tenant): void {
    const { name, appliances, plans, jobs } = tenant;
    const nodes = [
      ...appliances.map((one) => this.#node('provider-appliance', one.name, `on ${one.host}`)),
      ...plans.flatMap(({ edge }) =>
        edge
          ? [
              this.#node(
                'edge-gateway',
                edge.name,
                edge.publicIp === undefined ? '' : showIpv4(edge.publicIp),
              ),
            ]
          : [],
      ),
      ...plans.flatMap(({ networks }) =>
        networks.map((one) => this.#node('plan-network', one.name, `VLAN ${one.vlan}`)),
      ),
      ...jobs.flatMap(({ vms }) => vms.map((vm) => this.#node('replica', replicaOf(vm.name)))),
    ];
    const hosts = [...new Set(plans.flatMap((plan) => plan.hosts))].join(', ');
    const whose = name === '' ? '' : ` for ${name}`;
    const title = hosts === '' ? `provider${whose}` : `provider${whose}: ${hosts}`;
    if (nodes.length > 0) this.#areas.push({ title, side: 'provider', nodes });
  }

  #cables({ name, vms, networks, appliances, edge, place }: Site): void {
    const router = nodeOf({ kind: 'router', site: name, network: undefined, text: '', place });
    for (const vm of vms) this.#edge(['vm', vm.name], ['network', vm.network]);
    for (const one of networks)
      if (one.gateway !== undefined) this.#edge(['network', one.name], ['router', router]);
    for (const one of appliances) this.#edge(['network', one.network], ['appliance', one.name]);
    if (edge !== undefined) this.#edge(['network', edge.network], ['appliance', edge.name]);
    this.#edge(['router', router], ['internet', 'internet']);
  }

  #connected(tenant: Tenant, provider: Provider): void {
    const mapping = mappingOf(tenant);
    this.#tunnels(tenant, provider);
    const vms = tenant.sites.flatMap((site) => site.vms);
    for (const { networks, edge, hosts } of tenant.plans) {
      for (const { name } of networks) {
        for (const one of tenant.appliances)
          if (
            hosts.includes(one.host) &&
            [...mapping.values(), ...one.networks.values()].includes(name)
          )
            this.#edge(['provider-appliance', one.name], ['plan-network', name]);
        if (edge) this.#edge(['edge-gateway', edge.name], ['plan-network', name]);
      }
      if (edge) this.#edge(['internet', 'internet'], ['edge-gateway', edge.name]);
    }
    for (const { vms: replicated } of tenant.jobs) {
      for (const { name } of replicated) {
        const network = vms.find((vm) => vm.name === name)?.network ?? '';
        this.#edge(['plan-network', mapping.get(network) ?? ''], ['replica', replicaOf(name)]);
        this.#edge(['vm', name], ['replica', replicaOf(name)], 'mapping', 'replica');
      }
    }
    for (const [from, to] of mapping)
      this.#edge(['network', from], ['plan-network', to], 'mapping', 'mapped to');
  }

  /** Each carries a production network to the provider. */
  #tunnels({ sites, appliances, plans, gateways }: Tenant, provider: Provider): void {
    const edge = plans.find((plan) => plan.edge !== undefined)?.edge;
    const dialled = gateways.length > 0 ? gateways : provider.gateways;
    for (const site of sites) {
      for (const { name, network } of site.appliances)
        for (const gateway of dialled)
          this.#edge(
            ['appliance', name],
            ['cloud-gateway', gateway.name],
            'tunnel',
            `tunnel.${network}`,
          );
      if (edge === undefined || edge.connectivity === 'appliances') continue;
      const router = nodeOf({
        kind: 'router',
        site: site.name,
        network: undefined,
        text: '',
        place: site.place,
      });
      const end =
        site.edge === undefined
          ? (['router', router] as const)
          : (['appliance', site.edge.name] as const);
      this.#edge(
        end,
        ['edge-gateway', edge.name],
        'tunnel',
        edge.connectivity.replaceAll('-', ' '),
      );
    }
    if (sites.every((site) => site.appliances.length === 0)) return;
    for (const gateway of dialled)
      for (const { name } of appliances)
        this.#edge(['cloud-gateway', gateway.name], ['provider-appliance', name], 'tunnel');
  }
}
