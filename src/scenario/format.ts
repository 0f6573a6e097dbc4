/**
 * The whole format of a scenario file. `steps.ts` has what happens in it; this has what is there:
 * the tenant's sites, the service provider, and how replication joins them.
 */

import { attach, attachAbout } from './format-attach.ts';
import { invariantsShape } from './format-invariants.ts';
import { failoverPlan, internetShape, publicIpRule } from './format-plans.ts';
import { policiesShape } from './format-policies.ts';
import { portGroupFields } from './format-port-group.ts';
import { stepShape } from './format-steps.ts';
import {
  address,
  addressOr,
  boolean,
  duration,
  durationOr,
  integer,
  macAddress,
  machine,
  matrixValue,
  name,
  percent,
  pool,
  rate,
  selection,
  servicePort,
  subnet,
  text,
  vlanRange,
  word,
} from './scalars.ts';
import {
  exactlyOne,
  type Fields,
  list,
  mapOfNamed,
  mapOfWords,
  named,
  object,
  objectOf,
  optional,
  required,
  type ValueOf,
} from './shape.ts';

export const mtu = integer(68, 9216);

const network = named(
  'network',
  object({
    subnet: required(subnet, 'The addresses of the network: 10.0.10.0/24.'),
    gateway: optional(address, 'The address of the router of the site in this network.'),
    mtu: optional(
      mtu,
      'The largest IP packet that the network carries; 1500 unless said otherwise.',
    ),
    vlan: optional(integer(1, 4094), 'The VLAN that carries the network.'),
    attach: optional(attach, attachAbout),
    ...portGroupFields,
  }),
);

const vm = named(
  'vm',
  object({
    network: required(name, 'The network of the site that the VM is connected to.'),
    ip: required(addressOr('dhcp'), 'Its static address, or dhcp.'),
    mac: optional(macAddress, 'Its MAC address; made from the seed unless given.'),
    guest_mac: optional(macAddress, 'The MAC address that the guest gives its adapter instead.'),
    os: optional(
      word('linux', 'windows', 'strict'),
      'How its network stack behaves; strict does what the RFCs say. linux unless said otherwise.',
    ),
    listen: optional(list(servicePort), 'The ports that answer: [tcp/1433, udp/53].'),
    lease: optional(
      word('valid', 'expired', 'none'),
      'What a replica with dhcp remembers of its lease when it starts; valid unless said otherwise.',
    ),
    gateway: optional(addressOr('none'), 'Another gateway than that of its network, or none.'),
    running: optional(
      boolean,
      'Whether it runs when the scenario begins; true unless said otherwise.',
    ),
    boot: optional(duration, 'How long it takes to start; timings has the default.'),
    echo: optional(boolean, 'Whether it answers a ping; true unless said otherwise.'),
    answers_for: optional(
      list(address),
      'Addresses of others that it answers ARP for, as a proxy that nobody told to stop.',
    ),
    platform: optional(word('vmware', 'hyperv'), 'The hypervisor that it runs on.'),
    shutdown: optional(
      word('clean', 'hangs'),
      'What its guest does when asked to shut down; clean unless said otherwise.',
    ),
    writes: optional(rate, 'How much it writes to its disks while it runs; 1Mbit by default.'),
  }),
);

const proxyArp = word('relay', 'static', 'kernel', 'none');
const proxyArpAbout =
  'How it answers ARP for machines on the other side: relay asks there first, static answers ' +
  'from its table, kernel answers for whatever is routed there, none does not. relay by default.';
const gratuitousArp = word('up', 'down', 'both', 'none');
const gratuitousArpAbout =
  'When it announces the addresses it stands in for: as it takes them up, as it lays them down, ' +
  'both or none. both by default.';
const scope = word('as-told', 'subnet', 'everything');
const scopeAbout =
  'For which addresses it answers: as-told by the operation, which is right and the default; the ' +
  'whole subnet; or everything, also where somebody only asks whether an address is free.';

const appliance = named(
  'appliance',
  object({
    network: required(name, 'The network that the network extension appliance joins.'),
    ip: optional(addressOr('dhcp'), 'Its static address, or dhcp, which is the default.'),
    mac: optional(macAddress, 'Its MAC address; made from the seed unless given.'),
    proxy_arp: optional(proxyArp, proxyArpAbout),
    gratuitous_arp: optional(gratuitousArp, gratuitousArpAbout),
    scope: optional(scope, scopeAbout),
    boot: optional(duration, 'How long it takes to start; timings has the default.'),
  }),
);

const dhcpServer = named(
  'dhcp_server',
  object({
    network: required(name, 'The network that it serves.'),
    server: required(machine, 'Who runs it: hq.gateway for the router of the site, or a VM.'),
    pool: required(pool, 'The addresses that it leases: 10.0.10.20-10.0.10.60.'),
    lease: optional(duration, 'How long a lease lasts; 8h unless said otherwise.'),
    relay: optional(
      boolean,
      'Whether the router of the site passes DHCP on to a server in another of its networks.',
    ),
    reservations: optional(
      mapOfNamed('VM', address),
      'Addresses that are kept for the MAC addresses of VMs: { app01: 10.0.10.30 }.',
    ),
  }),
);

const blocked = optional(list(servicePort), 'Ports that its firewall does not let through.');

const internet = named(
  'internet',
  object({
    public_ip: optional(address, 'The address of the site on the internet.'),
    latency: optional(duration, 'One way to the provider.'),
    rate: optional(rate, 'The bandwidth: 100Mbit.'),
    mtu: optional(mtu, 'The largest IP packet on the way to the provider.'),
    block: blocked,
  }),
);

const siteEdge = named(
  'site_edge',
  object({
    name: optional(name, 'The name of the site and "-edge" unless said otherwise.'),
    network: required(name, 'The network that it sends through: none that is stretched.'),
    ip: required(address, 'Its address there.'),
  }),
);

const site = named(
  'site',
  object({
    networks: required(mapOfNamed('network', network), 'The production networks, by name.'),
    vms: optional(mapOfNamed('VM', vm), 'The virtual machines, by name.'),
    appliances: optional(
      mapOfNamed('appliance', appliance),
      'The network extension appliances, by name: one for each network.',
    ),
    dhcp: optional(dhcpServer, 'The DHCP server of the site.'),
    edge: optional(siteEdge, 'Its NSX Edge, where an L2 VPN of the organization VDC ends.'),
    internet: optional(internet, 'How the site is connected to the internet.'),
  }),
);

const job = named(
  'job',
  object({
    vms: required(list(selection, 1), 'The VMs that it replicates: by name, by pattern, or all.'),
    network_mapping: optional(
      mapOfNamed('network', name),
      'The network at the provider for each production network: { lan10: plan10 }.',
    ),
    host: optional(name, 'The host of the plan that runs its replicas; the first by default.'),
    restore_points: optional(integer(1, 28), 'How many it keeps; 7 unless said otherwise.'),
    every: optional(duration, 'How often it runs by itself; never unless said otherwise.'),
    first: optional(duration, 'When it runs for the first time; after as long by default.'),
    detect: optional(
      word('auto', 'always', 'never'),
      'Whose static addresses the job finds: auto those of Windows, as the product does.',
    ),
  }),
);

const foreignDhcp = optional(
  word('none', 'foreign'),
  'Whether a DHCP server of somebody else answers in this network; none unless said otherwise.',
);

const hardwarePlan = named(
  'hardware_plan',
  object({
    hosts: optional(
      list(name, 1),
      'The hosts that run replicas: a cluster, joined by a physical switch if there are several.',
    ),
    trunk: optional(
      list(vlanRange),
      'The VLANs that the physical switch carries between them: ["100-199"]; all by default.',
    ),
    networks: required(
      mapOfNamed(
        'network',
        object({
          vlan: optional(
            integer(1, 4094),
            'The VLAN set aside for it; one of the pool of its hosts, or from 100 on, by default.',
          ),
          internet: optional(
            boolean,
            'Whether it has internet access; false unless said otherwise.',
          ),
          dhcp: foreignDhcp,
          ...portGroupFields,
        }),
      ),
      'The networks of the plan, by name.',
    ),
  }),
);

const orgVdc = named(
  'org_vdc',
  object({
    name: optional(name, 'The name of the organization VDC.'),
    networks: required(
      mapOfNamed(
        'network',
        object({
          type: optional(word('isolated', 'routed'), 'isolated unless said otherwise.'),
          dhcp: foreignDhcp,
          ...portGroupFields,
        }),
      ),
      'The networks of the organization VDC, by name: "net{01..09}" makes nine.',
    ),
    connectivity: optional(
      word('appliances', 'edge_gateway', 'ipsec_vpn'),
      'What carries partial failover: appliances by default; an edge gateway stretches networks by L2 VPN, an IPsec VPN routes.',
    ),
    edge: optional(
      object({
        name: optional(name, 'nsx-edge unless said otherwise.'),
        public_ip: optional(address, 'Its address on the internet.'),
        proxy_arp: optional(
          boolean,
          'Whether it and the routers of the sites answer ARP for the other side of a VPN; true by default.',
        ),
        nat: optional(
          list(publicIpRule),
          'What the internet reaches through it in routed networks: in full site failover it is the gateway, and no appliance.',
        ),
      }),
      'The edge gateway of the organization VDC: where a VPN ends, and what routed networks reach the internet through.',
    ),
  }),
);

const gatewayPool = optional(name, 'The gateway pool that it has to use; any gateway without one.');

const tunnelEnds = optional(
  mapOfNamed('network', name),
  'Where the tunnel of a production network ends, if not in the network it is mapped to.',
);

const tenant = named(
  'tenant',
  object({
    sites: required(mapOfNamed('site', site), 'The sites of the tenant, by name.'),
    gateway_pool: gatewayPool,
  }),
);

const jobs = optional(mapOfNamed('job', job), 'The replication jobs, by name.');
const failoverPlans = optional(
  mapOfNamed('failover plan', failoverPlan),
  'Cloud failover plans for full site failover, by name.',
);

/** One of several: everything that is its own stands with it. */
const oneOfTenants = named(
  'one_of_tenants',
  object({
    sites: required(mapOfNamed('site', site), 'The sites of the tenant, by name.'),
    replication: jobs,
    failover_plans: failoverPlans,
    hardware_plans: optional(list(name), 'The hardware plans of the provider that it may use.'),
    org_vdc: optional(orgVdc, 'What it may use in VMware Cloud Director.'),
    gateway_pool: gatewayPool,
    tunnel_ends: tunnelEnds,
  }),
);

const vlanPool = named(
  'vlan_pool',
  object({
    hosts: required(list(name, 1), 'The hosts or cluster whose networks take their VLANs from it.'),
    with_internet: optional(vlanRange, 'For networks with internet access: "100-199".'),
    without_internet: optional(vlanRange, 'For networks without: "200-299".'),
  }),
);

const gatewayPoolOf = named(
  'gateway_pool',
  object({
    gateways: required(list(name, 1), 'Its cloud gateways, in the order in which they are tried.'),
    fallback: optional(
      boolean,
      'Whether other gateways may be tried once none of these answers; false by default.',
    ),
  }),
);

const provider = named(
  'provider',
  object({
    gateways: required(
      mapOfNamed(
        'gateway',
        object({
          public_ip: required(address, 'Its address on the internet.'),
          block: blocked,
        }),
      ),
      'The cloud gateways, by name.',
    ),
    gateway_pools: optional(
      mapOfNamed('gateway pool', gatewayPoolOf),
      'Which gateways belong together, by the name of the pool.',
    ),
    vlan_pools: optional(
      mapOfNamed('VLAN pool', vlanPool),
      'The VLANs that tenants get for the networks of their hardware plans.',
    ),
    hardware_plan: optional(hardwarePlan, 'What the tenant may use on vSphere or Hyper-V.'),
    hardware_plans: optional(
      mapOfNamed('hardware plan', hardwarePlan),
      'What tenants may subscribe to, by name.',
    ),
    org_vdc: optional(orgVdc, 'What the tenant may use in VMware Cloud Director.'),
    appliance: optional(
      object({
        name: optional(name, 'sp-nea unless said otherwise.'),
        proxy_arp: optional(proxyArp, proxyArpAbout),
        gratuitous_arp: optional(gratuitousArp, gratuitousArpAbout),
        scope: optional(scope, scopeAbout),
        networks: tunnelEnds,
      }),
      'The network extension appliance of the service provider.',
    ),
    platform: optional(word('vmware', 'hyperv'), 'The hypervisor of the provider.'),
  }),
);

const tunnel = named(
  'tunnel',
  object({
    mode: optional(
      word('proxy-arp-l3', 'l2-bridge'),
      'Appliances answer ARP for the other side and route, or bridge frames; proxy-arp-l3 by default.',
    ),
    mtu: optional(mtu, 'The largest IP packet inside the tunnel; 1420 unless said otherwise.'),
    mss_clamp: optional(boolean, 'Whether appliances lower the MSS of TCP; false by default.'),
    pmtud: optional(
      boolean,
      'Whether appliances say "fragmentation needed" when a packet is too large; true by default.',
    ),
    keepalive: optional(
      durationOr('none'),
      'How often an idle tunnel is kept open: a duration or none; 25s by default.',
    ),
    preshared_key: optional(
      boolean,
      'Whether the appliances also share a secret; true by default.',
    ),
    allowed_ips: optional(
      object({
        tenant: optional(
          list(subnet),
          'What the tenant side lets through instead of the replicas.',
        ),
        provider: optional(list(subnet), 'What the provider side lets through.'),
      }),
      'Which inner addresses each end accepts from the other, instead of what failover sets.',
    ),
  }),
);

const link = named(
  'link',
  object({
    rate: optional(rate, 'The bandwidth: 1Gbit.'),
    latency: optional(duration, 'One way.'),
    mtu: optional(mtu, 'The largest IP packet.'),
    loss: optional(percent, 'The share of frames that get lost: 1%.'),
  }),
);

const links = named(
  'links',
  object({
    lan: optional(link, 'The cables of the production networks.'),
    internet: optional(link, 'The way between the sites and the provider.'),
    provider: optional(link, 'The cables at the provider.'),
  }),
);

const timings = named(
  'timings',
  object({
    boot_linux: optional(duration, 'From power to network, for Linux; 15s.'),
    boot_windows: optional(duration, 'From power to network, for Windows; 25s.'),
    boot_appliance: optional(duration, 'From power to network, for an appliance; 8s.'),
    revert_snapshot: optional(duration, 'Reverting a replica to a restore point; 2s.'),
    power_off: optional(duration, 'Switching a machine off; 1s.'),
    shut_down: optional(duration, 'A guest that shuts down when asked to; 10s.'),
    replication: optional(duration, 'A run of a replication job for one VM; 30s.'),
    configure_appliance: optional(duration, 'Sending an appliance its configuration; 1s.'),
  }),
);

const variableName = '[a-z][a-z0-9_]{0,31}';
const assignment = mapOfWords([{ pattern: variableName, shape: matrixValue }]);
const matrixFields = {
  exclude: optional(list(assignment), 'Combinations to leave out.'),
  include: optional(list(assignment), 'Combinations to add, or variables to add to some.'),
};

/** Lists of values by the name of their variable; every combination is a case. */
export const matrixShape = objectOf(matrixFields, {
  pattern: `(?!(exclude|include)$)${variableName}`,
  shape: list(matrixValue, 1),
});

export const extendsShape = text(255, 'one line');

const fields = {
  name: required(text(200, 'one line'), 'What the scenario is called.'),
  about: optional(text(2000, 'lines'), 'What it shows and why that matters, in a sentence or two.'),
  tags: optional(list(name), 'Words to choose scenarios by.'),
  seed: optional(integer(0, 0xffff_ffff), 'Where all chance of a run comes from; 1 by default.'),
  extends: optional(
    extendsShape,
    'Another scenario file to start from: maps merge by key, lists replace.',
  ),
  matrix: optional(named('matrix', matrixShape), 'Variables; every combination is a case.'),
  tenant: optional(tenant, 'What the tenant has: sites with networks and VMs.'),
  tenants: optional(
    mapOfNamed('tenant', oneOfTenants, 1),
    'In place of "tenant": several tenants, by name. What is theirs is called acme/web01.',
  ),
  provider: optional(provider, 'What the service provider has.'),
  replication: jobs,
  failover_plans: failoverPlans,
  internet: optional(internetShape, 'Who is on the internet besides sites and provider.'),
  policies: optional(policiesShape, 'What the documents leave open or contradict.'),
  invariants: optional(
    invariantsShape,
    'What is watched in every run without being asked, and what becomes of the run when it is broken.',
  ),
  tunnel: optional(tunnel, 'The tunnels between network extension appliances.'),
  links: optional(links, 'Cables and lines.'),
  timings: optional(timings, 'How long things take.'),
  steps: optional(list(stepShape), 'What happens, in order.'),
} satisfies Fields;

export const scenarioShape = named('scenario', exactlyOne(['tenant', 'tenants'], object(fields)));
export type RawScenario = ValueOf<typeof scenarioShape>;
export type RawTenant = ValueOf<typeof oneOfTenants>;
export type RawJob = ValueOf<typeof job>;
export type RawHardwarePlan = ValueOf<typeof hardwarePlan>;
export type RawOrgVdc = ValueOf<typeof orgVdc>;
export type RawProvider = ValueOf<typeof provider>;
export type RawSite = ValueOf<typeof site>;
export type RawVm = ValueOf<typeof vm>;
