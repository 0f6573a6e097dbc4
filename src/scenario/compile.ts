/** From the words of a scenario to what a lab is built of: machines, cables, and the two sites as the controller knows them. */
import { Random } from '../base/random.ts';
import { seconds } from '../base/time.ts';
import type { LinkOptions } from '../lab/fabric.ts';
import type { LabPlan } from '../lab/lab.ts';
import { replicaOf } from '../lab/names.ts';
import type {
  AdapterPlan,
  CablePlan,
  DhcpPlan,
  GuestPlan,
  NodePlan,
  RouterPlan,
  SwitchPlan,
  Topology,
} from '../lab/topology.ts';
import { type Ipv4, ipv4, type Mac, showIpv4 } from '../wire/address.ts';
import type {
  DhcpServer,
  GratuitousArp,
  Link,
  Network,
  Provider,
  Scenario,
  Site,
  Vm,
} from './scenario.ts';

/** The near end of every line into the internet, as providers do with unnumbered customers. */
const internetAddress = ipv4('100.64.0.1');
const internetName = 'internet';
/** Where gateways and appliances of the provider meet: addresses set aside for tests (RFC 2544). */
const providerNet = { name: 'sp-net', network: ipv4('198.18.0.0'), length: 24 };
const applianceHost = 101;
const firstPublic = ipv4('198.51.100.10'); // TEST-NET-2, RFC 5737
const frameOverhead = 18; // Ethernet header and one tag
const vmwareOui = 0x0050_5600_0000;

export const routerOf = (site: string): string => `${site}.gateway`;

export function compile(scenario: Scenario): LabPlan {
  return new Compiler(scenario).plan();
}

class Compiler {
  readonly #scenario: Scenario;
  readonly #random: Random;
  readonly #macs = new Set<number>();
  readonly #switches: SwitchPlan[] = [];
  readonly #nodes: NodePlan[] = [];
  readonly #cables: CablePlan[] = [];
  readonly #lines: { readonly adapter: AdapterPlan; readonly ip: Ipv4 }[] = [];
  /** Production networks of all sites, in the order of the file: their positions name tunnels and ports. */
  readonly #networks: readonly Network[];
  readonly #mapping: ReadonlyMap<string, string>;
  /** Public addresses that are taken. */
  readonly #public: Set<Ipv4>;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#random = new Random(scenario.seed).child('addresses');
    this.#networks = scenario.sites.flatMap(({ networks }) => networks);
    this.#mapping = mappingOf(scenario, this.#networks);
    this.#public = new Set([
      ...scenario.sites.flatMap(({ internet }) => internet.publicIp ?? []),
      ...(scenario.provider?.gateways.map(({ publicIp }) => publicIp) ?? []),
    ]);
    for (const { vms, appliances } of scenario.sites)
      for (const { mac } of [...vms, ...appliances]) if (mac !== undefined) this.#macs.add(mac);
  }

  plan(): LabPlan {
    const { provider, sites, seed, tunnel, timings } = this.#scenario;
    for (const site of sites) this.#site(site);
    if (provider) this.#provider(provider);
    if (this.#lines.length > 0)
      this.#nodes.push({
        kind: 'internet',
        name: internetName,
        ip: internetAddress,
        lines: this.#lines,
      });
    const topology: Topology = {
      seed: String(seed),
      switches: this.#switches,
      nodes: this.#nodes,
      cables: this.#cables,
      tunnel,
      timings,
    };
    return { topology, recovery: provider && this.#recovery(provider) };
  }

  #site(site: Site): void {
    for (const { name } of site.networks) this.#switches.push({ name });
    this.#router(site);
    for (const vm of site.vms) {
      const network = this.#network(vm.network);
      const mac = vm.mac ?? this.#mac(vm.name);
      const plan = this.#guest(vm, network, mac, false);
      this.#nodes.push(plan);
      this.#plug(vm.name, network, this.#scenario.links.lan);
      if (this.#hasReplica(vm.name)) this.#replica(vm, network, mac);
    }
    for (const appliance of site.appliances) {
      const network = this.#network(appliance.network);
      const gateway = this.#scenario.provider?.gateways[0]?.publicIp ?? (0 as Ipv4);
      const { length } = network.subnet;
      const router = network.gateway;
      this.#nodes.push({
        kind: 'tenant-appliance',
        name: appliance.name,
        network: network.name,
        subnet: network.subnet,
        adapter: this.#adapter(appliance.name, 'eth0', network.mtu, appliance.mac),
        address:
          appliance.ip === 'dhcp'
            ? { kind: 'dhcp' }
            : { kind: 'static', prefix: { address: appliance.ip, length }, gateway: router },
        gateway,
        index: this.#networks.indexOf(network),
        proxyArp: appliance.proxyArp,
        ...announcements(appliance.gratuitousArp),
        boot: appliance.boot,
      });
      this.#plug(appliance.name, network, this.#scenario.links.lan);
    }
  }

  #router(site: Site): void {
    const name = routerOf(site.name);
    const { dhcp } = site;
    const inside = site.networks.flatMap((network): RouterPlan['inside'] => {
      if (network.gateway === undefined) return [];
      const adapter = this.#adapter(name, network.name, network.mtu);
      const prefix = { address: network.gateway, length: network.subnet.length };
      const served = dhcp?.network === network.name ? this.#leases(dhcp) : undefined;
      const servesItself = dhcp?.server.kind === 'router';
      return [
        {
          adapter,
          network: network.name,
          prefix,
          dhcp: servesItself ? served : undefined,
          dhcpRelayTo: dhcp?.relay ? served?.address : undefined,
        },
      ];
    });
    if (inside.length === 0) return;
    const ip = site.internet.publicIp ?? this.#publicAddress();
    const { link } = site.internet;
    const outside = { adapter: this.#adapter(name, 'wan', link.mtu), ip, via: internetAddress };
    this.#nodes.push({ kind: 'router', name, inside, outside, block: site.internet.block });
    for (const { adapter, network } of inside) {
      const to = { kind: 'switch', name: network, vlan: 1 } as const;
      const { lan } = this.#scenario.links;
      this.#cables.push({ node: name, adapter: adapter.name, to, link: cable(lan, adapter.mtu) });
    }
    this.#line(name, 'wan', ip, link);
  }

  /** What the DHCP server of a site is told; the server itself may be in another network. */
  #leases({ network: name, server, pool, lease }: DhcpServer): DhcpPlan | undefined {
    const { subnet, gateway: router } = this.#network(name);
    const own = this.#scenario.sites
      .flatMap(({ vms }) => vms)
      .find((vm) => server.kind === 'vm' && vm.name === server.name)?.ip;
    const address = server.kind === 'router' ? router : own;
    if (address === undefined || address === 'dhcp') return undefined;
    return { address, subnet, from: pool.first, to: pool.last, router, lease };
  }

  #replica(vm: Vm, network: Network, mac: Mac): void {
    const { provider } = this.#scenario;
    if (provider === undefined) return;
    const guest = this.#guest(vm, network, mac, true);
    this.#nodes.push(guest);
    const mapped = this.#mapping.get(network.name);
    const vlan = provider.plan.networks.find(({ name }) => name === mapped)?.vlan;
    this.#cables.push({
      node: guest.name,
      adapter: guest.adapter.name,
      to:
        vlan === undefined ? { kind: 'nothing' } : { kind: 'switch', name: hostOf(provider), vlan },
      link: cable(this.#scenario.links.provider, network.mtu),
    });
  }

  /** The replica keeps the MAC address, as it does on another host than its original. */
  #guest(vm: Vm, network: Network, mac: Mac, replica: boolean): GuestPlan {
    const { length } = network.subnet;
    return {
      kind: 'guest',
      name: replica ? replicaOf(vm.name) : vm.name,
      vm: vm.name,
      replica,
      network: network.name,
      os: vm.os,
      adapter: { name: 'eth0', mac, mtu: network.mtu },
      address:
        vm.ip === 'dhcp'
          ? { kind: 'dhcp' }
          : { kind: 'static', prefix: { address: vm.ip, length }, gateway: vm.gateway },
      lease: vm.lease,
      listen: vm.listen,
      dhcp: this.#leasesBy(vm),
      echo: vm.echo,
      boot: vm.boot,
      running: vm.running && !replica,
    };
  }

  #leasesBy({ name, site }: Vm): DhcpPlan | undefined {
    const dhcp = this.#scenario.sites.find((one) => one.name === site)?.dhcp;
    const isServer = dhcp?.server.kind === 'vm' && dhcp.server.name === name;
    return isServer ? this.#leases(dhcp) : undefined;
  }

  #provider(provider: Provider): void {
    const { links } = this.#scenario;
    const host = hostOf(provider);
    this.#switches.push({ name: providerNet.name }, { name: host });
    provider.gateways.forEach(({ name, publicIp, block }, i) => {
      const outside = this.#adapter(name, 'wan', links.internet.mtu);
      const inside = this.#adapter(name, 'lan', links.provider.mtu);
      const prefix = { address: (providerNet.network + 1 + i) as Ipv4, length: providerNet.length };
      this.#nodes.push({
        kind: 'cloud-gateway',
        name,
        outside: { adapter: outside, ip: publicIp, via: internetAddress },
        inside: { adapter: inside, prefix },
        block,
      });
      this.#line(name, 'wan', publicIp, links.internet);
      const to = { kind: 'switch', name: providerNet.name, vlan: 1 } as const;
      this.#cables.push({
        node: name,
        adapter: 'lan',
        to,
        link: cable(links.provider, inside.mtu),
      });
    });
    this.#providerAppliance(provider);
    for (const network of provider.plan.networks) {
      if (network.dhcp === 'foreign') this.#foreignServer(network.name, network.vlan, host);
    }
  }

  #providerAppliance(provider: Provider): void {
    const { links, sites } = this.#scenario;
    const { appliance, plan } = provider;
    const { name } = appliance;
    const external = this.#adapter(name, 'eth0', links.provider.mtu);
    const inside = plan.networks.map(({ name: network }, i) => ({
      adapter: this.#adapter(name, `eth${i + 1}`, links.provider.mtu),
      network,
    }));
    const extended = new Set(
      sites.flatMap(({ appliances }) => appliances.map(({ network }) => network)),
    );
    const tunnels = this.#networks.flatMap((network, index) => {
      const end = appliance.networks.get(network.name) ?? this.#mapping.get(network.name);
      if (end === undefined || !extended.has(network.name)) return [];
      return [{ network: network.name, subnet: network.subnet, providerNetwork: end, index }];
    });
    const prefix = {
      address: (providerNet.network + applianceHost) as Ipv4,
      length: providerNet.length,
    };
    this.#nodes.push({
      kind: 'provider-appliance',
      name,
      host: hostOf(provider),
      external: { adapter: external, prefix },
      inside,
      tunnels,
      proxyArp: appliance.proxyArp,
      ...announcements(appliance.gratuitousArp),
      boot: appliance.boot,
    });
    const link = cable(links.provider, external.mtu);
    const uplink = { kind: 'switch', name: providerNet.name, vlan: 1 } as const;
    this.#cables.push({ node: name, adapter: 'eth0', to: uplink, link });
    plan.networks.forEach(({ vlan }, i) => {
      const to = { kind: 'switch', name: hostOf(provider), vlan } as const;
      this.#cables.push({ node: name, adapter: `eth${i + 1}`, to, link });
    });
  }

  /** A DHCP server that somebody left on in a network of the provider: it gives addresses of its own. */
  #foreignServer(network: string, vlan: number, host: string): void {
    const name = `dhcp-${network}`;
    const base = ipv4('192.168.77.0');
    const address = (base + 1) as Ipv4;
    const mtu = this.#scenario.links.provider.mtu;
    this.#nodes.push({
      kind: 'dhcp-server',
      name,
      adapter: this.#adapter(name, 'eth0', mtu),
      prefix: { address, length: 24 },
      dhcp: {
        address,
        subnet: { address: base, length: 24 },
        router: address,
        from: (base + 100) as Ipv4,
        to: (base + 199) as Ipv4,
        lease: seconds(3600),
      },
    });
    const to = { kind: 'switch', name: host, vlan } as const;
    const link = cable(this.#scenario.links.provider, mtu);
    this.#cables.push({ node: name, adapter: 'eth0', to, link });
  }

  #recovery(provider: Provider): LabPlan['recovery'] {
    const { sites, jobs } = this.#scenario;
    const vms = sites.flatMap((site) => site.vms);
    const tenant = new Map(
      sites.flatMap(({ appliances }) =>
        appliances.map(({ network, name }): [string, string] => [network, name]),
      ),
    );
    const names = provider.plan.networks.map(({ name }) => name);
    const host = hostOf(provider);
    const platform = provider.platform === 'hyperv' ? 'hyper-v' : 'vsphere';
    return {
      appliances: { provider: provider.appliance.name, tenant },
      configuration: {
        vms: vms.map(({ name, network, os, ip, running }) => ({
          name,
          network,
          guest: os,
          address: ip === 'dhcp' ? { kind: 'dhcp' } : { kind: 'static', ip: showIpv4(ip) },
          platform,
          powered: running,
        })),
        networks: this.#networks.map(({ name }) => ({ name, appliance: tenant.get(name) })),
        jobs: jobs.map((job) => ({
          name: job.name,
          vms: job.vms.map(({ name }) => name),
          mapping: Object.fromEntries(job.mapping.map(({ from, to }) => [from.name, to.name])),
          restorePointsKept: job.restorePoints,
          restorePoints: job.restorePoints,
        })),
        provider:
          provider.plan.kind === 'org-vdc'
            ? { kind: 'org-vdc', host, networks: names, connectivity: 'appliances' }
            : { kind: 'hardware-plan', host, networks: names },
      },
    };
  }

  #line(node: string, adapter: string, ip: Ipv4, link: Link): void {
    const near = this.#adapter(internetName, node, link.mtu);
    this.#lines.push({ adapter: near, ip });
    const to = { kind: 'adapter', node: internetName, adapter: node } as const;
    this.#cables.push({ node, adapter, to, link: cable(link, link.mtu) });
  }

  #plug(node: string, network: Network, link: Link): void {
    const to = { kind: 'switch', name: network.name, vlan: 1 } as const;
    this.#cables.push({ node, adapter: 'eth0', to, link: cable(link, network.mtu) });
  }

  #adapter(node: string, name: string, mtu: number, mac?: Mac): AdapterPlan {
    return { name, mac: mac ?? this.#mac(`${node} ${name}`), mtu };
  }

  #mac(owner: string): Mac {
    const random = this.#random.child(`mac ${owner}`);
    for (;;) {
      const mac = vmwareOui + random.between(1, 0x3f_ffff);
      if (this.#macs.has(mac)) continue; // ends: there are four million, and a lab has far fewer
      this.#macs.add(mac);
      return mac as Mac;
    }
  }

  /** The first of TEST-NET-2 that nobody has. */
  #publicAddress(): Ipv4 {
    let ip: Ipv4 = firstPublic;
    while (this.#public.has(ip)) ip = (ip + 1) as Ipv4; // ends: as many are taken as there are sites
    this.#public.add(ip);
    return ip;
  }

  #network(name: string): Network {
    return this.#networks.find((network) => network.name === name)!;
  }

  #hasReplica(vm: string): boolean {
    return this.#scenario.jobs.some(({ vms }) => vms.some(({ name }) => name === vm));
  }
}

/**
 * Where replicas of a network are connected: as a job says, else one to one in the order of the file,
 * which happens for Windows only and if both sides have equally many networks (Veeam Cloud Connect
 * guide, Network Mapping for Cloud Replicas). The controller decides by the same rule.
 */
function mappingOf(scenario: Scenario, networks: readonly Network[]): Map<string, string> {
  const mapping = new Map<string, string>();
  const vms = new Map(scenario.sites.flatMap((site) => site.vms.map((vm) => [vm.name, vm])));
  const plan = scenario.provider?.plan.networks ?? [];
  for (const job of scenario.jobs) {
    for (const { from, to } of job.mapping) mapping.set(from.name, to.name);
    for (const { name } of job.vms) {
      const vm = vms.get(name);
      if (vm?.os !== 'windows' || networks.length !== plan.length) continue;
      const place = networks.findIndex((network) => network.name === vm.network);
      if (!mapping.has(vm.network)) mapping.set(vm.network, plan[place]!.name);
    }
  }
  return mapping;
}

/** The switch of the host that runs the replicas; an organization VDC has one without saying so. */
export const hostOf = (provider: Provider): string => provider.plan.hosts[0] ?? 'sp-host';

const announcements = (
  when: GratuitousArp,
): { readonly announcesUp: boolean; readonly announcesDown: boolean } => ({
  announcesUp: when === 'up' || when === 'both',
  announcesDown: when === 'down' || when === 'both',
});

function cable({ rate, latency, loss }: Link, mtu: number): LinkOptions {
  return { rate, latency, loss, frameMax: mtu + frameOverhead };
}
