/** One tenant as machines and cables: its sites, its replicas, and its appliances on both sides. */
import { seconds } from '../base/time.ts';
import { replicaOf } from '../lab/names.ts';
import type { DhcpPlan, GuestPlan, RouterPlan } from '../lab/topology.ts';
import { type Ipv4, ipv4, type Mac } from '../wire/address.ts';
import { providerNet } from './compile-provider.ts';
import { isServedByAppliance, providerRouter } from './compile-router.ts';
import { VpnDraft } from './compile-vpn.ts';
import { announcements, cable, type Draft, internetAddress } from './draft.ts';
import { mappingOf } from './mapping.ts';
import type {
  DhcpServer,
  Job,
  Network,
  PlanNetwork,
  ProviderAppliance,
  Site,
  Tenant,
  Vm,
} from './scenario.ts';

export const routerOf = (site: string): string => `${site}.gateway`;

/** Where a network of the provider is, and on which hosts replicas may be plugged into it. */
interface Place {
  readonly network: PlanNetwork;
  readonly hosts: readonly string[];
}

export class TenantDraft {
  readonly #draft: Draft;
  readonly #tenant: Tenant;
  /** Production networks of all sites, in the order of the file: their positions name tunnels and ports. */
  readonly #networks: readonly Network[];
  readonly #byName: ReadonlyMap<string, Network>;
  readonly #mapping: ReadonlyMap<string, string>;
  /** Only VMs in a job have a replica. */
  readonly #jobOf: ReadonlyMap<string, Job>;
  readonly #places: ReadonlyMap<string, Place>;
  /** By VM. */
  readonly #macs = new Map<string, Mac>();
  readonly #vpn: VpnDraft | undefined;

  constructor(draft: Draft, tenant: Tenant) {
    this.#draft = draft;
    this.#tenant = tenant;
    this.#networks = tenant.sites.flatMap(({ networks }) => networks);
    this.#byName = new Map(this.#networks.map((network) => [network.name, network]));
    this.#mapping = mappingOf(tenant);
    this.#vpn = VpnDraft.of(draft, tenant);
    this.#jobOf = new Map(tenant.jobs.flatMap((job) => job.vms.map(({ name }) => [name, job])));
    this.#places = new Map(
      tenant.plans.flatMap(({ networks, hosts }) =>
        networks.map((network) => [network.name, { network, hosts }]),
      ),
    );
  }

  addSites(): void {
    for (const site of this.#tenant.sites) this.#site(site);
    for (const site of this.#tenant.sites) this.#vpn?.addSiteEdge(site);
    this.#vpn?.addEdge();
  }

  #site(site: Site): void {
    const { switches, nodes, scenario } = this.#draft;
    for (const network of site.networks) {
      const portGroups = this.#draft.portGroups([{ ...network, vlan: 1 }]);
      switches.push({ name: network.name, portGroups });
    }
    this.#router(site);
    for (const vm of site.vms) {
      const network = this.#byName.get(vm.network)!;
      const mac = this.#macOf(vm);
      const plan = this.#guest(vm, network, mac, false);
      nodes.push(plan);
      this.#draft.plug(vm.name, plan.adapter, network.name, 1, scenario.links.lan);
      const job = this.#jobOf.get(vm.name);
      if (job !== undefined && scenario.provider !== undefined)
        this.#replica(vm, job, network, mac);
    }
    for (const appliance of site.appliances) {
      const network = this.#byName.get(appliance.network)!;
      const adapter = this.#draft.adapter(appliance.name, 'eth0', network.mtu, appliance.mac);
      const { length } = network.subnet;
      nodes.push({
        kind: 'tenant-appliance',
        name: appliance.name,
        tenant: this.#tenant.name,
        network: network.name,
        subnet: network.subnet,
        adapter,
        address:
          appliance.ip === 'dhcp'
            ? { kind: 'dhcp' }
            : {
                kind: 'static',
                prefix: { address: appliance.ip, length },
                gateway: network.gateway,
              },
        gateways: this.#tenant.gateways.map(({ publicIp }) => publicIp),
        index: this.#networks.indexOf(network),
        proxyArp: appliance.proxyArp,
        scope: appliance.scope,
        ...announcements(appliance.gratuitousArp),
        boot: appliance.boot,
      });
      this.#draft.plug(appliance.name, adapter, network.name, 1, scenario.links.lan);
    }
  }

  #router(site: Site): void {
    const name = routerOf(site.name);
    const { dhcp } = site;
    const inside = site.networks.flatMap((network): RouterPlan['inside'] => {
      if (network.gateway === undefined) return [];
      const adapter = this.#draft.adapter(name, network.name, network.mtu);
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
    const ip = site.internet.publicIp ?? this.#draft.publicAddress();
    const { link, block } = site.internet;
    const wan = this.#draft.adapter(name, 'wan', link.mtu);
    const outside = { adapter: wan, ip, via: internetAddress };
    const tenant = this.#tenant.name;
    const end = this.#vpn?.routerEnd(site, ip);
    const vpn = end && ({ side: 'tenant', outside: 'wan', ends: [end] } as const);
    this.#draft.nodes.push({ kind: 'router', name, tenant, inside, outside, block, vpn });
    const { lan } = this.#draft.scenario.links;
    for (const { adapter, network } of inside) this.#draft.plug(name, adapter, network, 1, lan);
    this.#draft.line(name, 'wan', ip, link);
  }

  /** What the DHCP server of a site is told; the server itself may be in another network. */
  #leases({ network: name, server, pool, lease, reservations }: DhcpServer): DhcpPlan | undefined {
    const { subnet, gateway: router } = this.#byName.get(name)!;
    const vms = this.#tenant.sites.flatMap((site) => site.vms);
    const own = vms.find((vm) => server.kind === 'vm' && vm.name === server.name)?.ip;
    const address = server.kind === 'router' ? router : own;
    if (address === undefined || address === 'dhcp') return undefined;
    const kept = vms.flatMap((vm): [Mac, Ipv4][] => {
      const ip = reservations.get(vm.name);
      return ip === undefined ? [] : [[vm.guestMac ?? this.#macOf(vm), ip]];
    });
    const { first: from, last: to } = pool;
    return { address, subnet, from, to, router, lease, reservations: new Map(kept) };
  }

  #macOf({ name, mac }: Vm): Mac {
    const known = this.#macs.get(name) ?? mac ?? this.#draft.mac(name);
    this.#macs.set(name, known);
    return known;
  }

  #leasesBy({ name, site }: Vm): DhcpPlan | undefined {
    const dhcp = this.#tenant.sites.find((one) => one.name === site)?.dhcp;
    const isServer = dhcp?.server.kind === 'vm' && dhcp.server.name === name;
    return isServer ? this.#leases(dhcp) : undefined;
  }

  #replica(vm: Vm, job: Job, network: Network, mac: Mac): void {
    const { nodes, cables, scenario } = this.#draft;
    const replica = this.#guest(vm, network, mac, true);
    nodes.push(replica);
    const place = this.#places.get(this.#mapping.get(network.name) ?? '');
    if (place === undefined) {
      const link = cable(scenario.links.provider, network.mtu);
      const { name } = replica.adapter;
      cables.push({ node: replica.name, adapter: name, to: { kind: 'nothing' }, link });
      return;
    }
    const host = job.host ?? place.hosts[0]!;
    const { vlan } = place.network;
    this.#draft.plug(replica.name, replica.adapter, host, vlan, scenario.links.provider);
  }

  /** Its appliances at the provider, one for each host, with an adapter in every network there. */
  addAppliances(firstAddress: number): void {
    this.#tenant.appliances.forEach((appliance, i) => {
      this.#appliance(appliance, (firstAddress + i) as Ipv4);
    });
    for (const { networks, hosts } of this.#tenant.plans)
      for (const network of networks)
        if (network.dhcp === 'foreign') this.#foreignServer(network, hosts[0]!);
  }

  #appliance(appliance: ProviderAppliance, address: Ipv4): void {
    const { name, host } = appliance;
    const { provider: link } = this.#draft.scenario.links;
    const here = this.#tenant.plans
      .filter(({ hosts }) => hosts[0] === host)
      .flatMap(({ networks }) => networks);
    const external = this.#draft.adapter(name, 'eth0', link.mtu);
    const inside = here.map(({ name: network, internet }, i) => ({
      adapter: this.#draft.adapter(name, `eth${i + 1}`, link.mtu),
      network,
      internet,
    }));
    const ends = new Set(here.map((network) => network.name));
    const extended = new Set(
      this.#tenant.sites.flatMap(({ appliances }) => appliances.map(({ network }) => network)),
    );
    const tunnels = this.#networks.flatMap((network, index) => {
      const end = appliance.networks.get(network.name) ?? this.#mapping.get(network.name);
      if (end === undefined || !ends.has(end) || !extended.has(network.name)) return [];
      return [{ network: network.name, subnet: network.subnet, providerNetwork: end, index }];
    });
    this.#draft.nodes.push({
      kind: 'provider-appliance',
      name,
      tenant: this.#tenant.name,
      host,
      external: { adapter: external, prefix: { address, length: providerNet.length } },
      router: isServedByAppliance(this.#tenant) ? providerRouter : undefined,
      gateways: this.#tenant.gateways.map((gateway) => gateway.name),
      inside,
      tunnels,
      proxyArp: appliance.proxyArp,
      scope: appliance.scope,
      ...announcements(appliance.gratuitousArp),
      boot: appliance.boot,
    });
    this.#draft.plug(name, external, providerNet.name, 1, link);
    here.forEach(({ vlan }, i) => {
      this.#draft.plug(name, inside[i]!.adapter, host, vlan, link);
    });
  }

  /** A DHCP server that somebody left on in a network of the provider: it gives addresses of its own. */
  #foreignServer({ name: network, vlan }: PlanNetwork, host: string): void {
    const name = `dhcp-${network}`;
    const base = ipv4('192.168.77.0');
    const address = (base + 1) as Ipv4;
    const { provider: link } = this.#draft.scenario.links;
    const adapter = this.#draft.adapter(name, 'eth0', link.mtu);
    this.#draft.nodes.push({
      kind: 'dhcp-server',
      name,
      tenant: this.#tenant.name,
      adapter,
      prefix: { address, length: 24 },
      dhcp: {
        address,
        subnet: { address: base, length: 24 },
        router: address,
        from: (base + 100) as Ipv4,
        to: (base + 199) as Ipv4,
        lease: seconds(3600),
        reservations: new Map(),
      },
    });
    this.#draft.plug(name, adapter, host, vlan, link);
  }

  /** The replica keeps the MAC address, as it does on another host than its original. */
  #guest(vm: Vm, network: Network, mac: Mac, replica: boolean): GuestPlan {
    const { length } = network.subnet;
    return {
      kind: 'guest',
      tenant: this.#tenant.name,
      name: replica ? replicaOf(vm.name) : vm.name,
      vm: vm.name,
      replica,
      network: network.name,
      os: vm.os,
      adapter: { name: 'eth0', mac, mtu: network.mtu },
      guestMac: vm.guestMac,
      address:
        vm.ip === 'dhcp'
          ? { kind: 'dhcp' }
          : { kind: 'static', prefix: { address: vm.ip, length }, gateway: vm.gateway },
      lease: vm.lease,
      listen: vm.listen,
      dhcp: this.#leasesBy(vm),
      echo: vm.echo,
      answersFor: vm.answersFor,
      boot: vm.boot,
      running: vm.running && !replica,
      writes: vm.writes / 8,
      hangs: vm.hangs,
    };
  }
}
