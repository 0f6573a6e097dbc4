/** From what a file says to what there is: sites, provider, replication, with their defaults. */
import { milliseconds, seconds } from '../base/time.ts';
import type { TunnelPlan } from '../lab/topology.ts';
import { buildSteps } from './build-steps.ts';
import type { RawScenario, RawSite, RawVm } from './format.ts';
import type { Case } from './matrix.ts';
import { Names } from './names.ts';
import { placeOf, type Spot } from './place.ts';
import type { Findings } from './problem.ts';
import type {
  Appliance,
  DhcpServer,
  Job,
  Link,
  Links,
  Network,
  Plan,
  PlanNetwork,
  Provider,
  Scenario,
  Site,
  Timings,
  Vm,
} from './scenario.ts';
import type { At, Items, Member } from './shape.ts';

/** What is built, and the spots of its parts for those who check it further. */
export interface Built {
  readonly scenario: Scenario;
  readonly names: Names;
  /** By name, where a problem with a thing should point. */
  readonly spots: ReadonlyMap<string, Spots>;
}

interface Spots {
  readonly key: Spot;
  readonly ip?: Spot | undefined;
  readonly mac?: Spot | undefined;
  readonly subnet?: Spot | undefined;
  readonly gateway?: Spot | undefined;
}

const value = <T>(at: At<T> | undefined): T | undefined => at?.value;
const members = <T>(all: readonly Member<T>[] | undefined): readonly Member<T>[] => all ?? [];
const values = <T>(all: Items<At<T>> | undefined): T[] =>
  (all?.items ?? []).map((item) => item.value);

/** Builds one case. Where something is missing it has been reported, and the result is not used. */
export function build(file: string, raw: RawScenario, one: Case, findings: Findings): Built {
  const names = new Names(findings);
  const spots = new Map<string, Spots>();
  declareAll(raw, names);
  const timings = buildTimings(raw);
  const links = buildLinks(raw);
  const context = { raw, names, timings, links, spots, findings };
  const sites = members(raw.tenant?.sites).map((site) => buildSite(site, context));
  const scenario: Scenario = {
    file,
    name: value(raw.name) ?? '',
    about: value(raw.about)?.trim() ?? '',
    tags: values(raw.tags),
    seed: value(raw.seed) ?? 1,
    case: one.name,
    variables: one.variables,
    sites,
    provider: buildProvider(context),
    jobs: buildJobs(context),
    tunnel: buildTunnel(raw),
    links,
    timings,
    steps: buildSteps(raw.steps?.items ?? [], one.variables, names, findings),
  };
  return { scenario, names, spots };
}

interface Context {
  readonly raw: RawScenario;
  readonly names: Names;
  readonly timings: Timings;
  readonly links: Links;
  readonly spots: Map<string, Spots>;
  readonly findings: Findings;
}

/** Names first, all of them: what refers to them may stand before them. */
function declareAll(raw: RawScenario, names: Names): void {
  const sites = raw.tenant?.sites;
  names.blind = sites === undefined;
  for (const { name, keySpot, value: site } of members(sites)) {
    names.blind ||= site?.networks === undefined;
    const networks = members(site?.networks);
    const routed = networks.some((network) => network.value?.gateway !== undefined);
    names.declare('site', name, keySpot, name, routed || names.blind);
    for (const network of networks) {
      const gateway = network.value === undefined || network.value.gateway !== undefined;
      names.declare('network', network.name, network.keySpot, name, gateway);
    }
    for (const vm of members(site?.vms)) names.declare('vm', vm.name, vm.keySpot, name);
    for (const one of members(site?.appliances)) {
      names.declare('appliance', one.name, one.keySpot, name);
    }
  }
  const { provider } = raw;
  if (provider === undefined) return;
  for (const { name, keySpot } of members(provider.gateways))
    names.declare('gateway', name, keySpot);
  const plan = provider.hardware_plan ?? provider.org_vdc;
  names.blind ||= plan !== undefined && plan.networks === undefined;
  for (const { name, keySpot } of members<unknown>(plan?.networks)) {
    names.declare('plan-network', name, keySpot);
  }
  for (const host of provider.hardware_plan?.hosts?.items ?? []) {
    names.declare('host', host.value, host.spot);
  }
  const appliance = provider.appliance?.name;
  const spot = appliance?.spot ?? provider.spot;
  names.declare('provider-appliance', appliance?.value ?? 'sp-nea', spot);
}

function buildSite({ name, keySpot, value: raw }: Member<RawSite>, context: Context): Site {
  const networks = members(raw?.networks).flatMap((network): Network[] => {
    const { subnet, gateway, mtu, vlan } = network.value ?? {};
    context.spots.set(network.name, {
      key: network.keySpot,
      subnet: subnet?.spot,
      gateway: gateway?.spot,
    });
    if (subnet === undefined) return [];
    return [
      {
        name: network.name,
        site: name,
        subnet: subnet.value,
        gateway: gateway?.value,
        mtu: mtu?.value ?? context.links.lan.mtu,
        vlan: vlan?.value,
        place: placeOf(network.keySpot),
      },
    ];
  });
  return {
    name,
    networks,
    vms: members(raw?.vms).flatMap((vm) => buildVm(vm, name, networks, context)),
    appliances: members(raw?.appliances).flatMap((appliance): Appliance[] => {
      const { network, ip, mac, proxy_arp, gratuitous_arp, boot } = appliance.value ?? {};
      context.spots.set(appliance.name, { key: appliance.keySpot, ip: ip?.spot, mac: mac?.spot });
      const found = network && findNetwork(network, name, context);
      if (found === undefined) return [];
      return [
        {
          name: appliance.name,
          site: name,
          network: found,
          ip: ip?.value ?? 'dhcp',
          mac: mac?.value,
          proxyArp: proxy_arp?.value ?? 'relay',
          gratuitousArp: gratuitous_arp?.value ?? 'both',
          boot: boot?.value ?? context.timings.bootAppliance,
          place: placeOf(appliance.keySpot),
        },
      ];
    }),
    dhcp: buildDhcp(raw?.dhcp, name, context),
    internet: {
      publicIp: raw?.internet?.public_ip?.value,
      link: withDefaults(raw?.internet, context.links.internet),
      block: values(raw?.internet?.block),
    },
    place: placeOf(keySpot),
  };
}

/** The name of a network, if the site has it. */
function findNetwork(network: At<string>, site: string, { names, raw, findings }: Context) {
  const found = names.find('network', network);
  if (found === undefined) return undefined;
  const home = members(raw.tenant?.sites).find(({ value: one }) =>
    members(one?.networks).some(({ name }) => name === found.name),
  );
  if (home === undefined || home.name === site) return found.name;
  const message = `the network ${found.name} belongs to the site ${home.name}, not to ${site}`;
  findings.add('E301', network.spot, message);
  return undefined;
}

function buildVm(
  { name, keySpot, value: raw }: Member<RawVm>,
  site: string,
  networks: readonly Network[],
  context: Context,
): Vm[] {
  context.spots.set(name, { key: keySpot, ip: raw?.ip?.spot, mac: raw?.mac?.spot });
  const network = raw?.network && findNetwork(raw.network, site, context);
  if (raw?.ip === undefined || network === undefined) return [];
  const { timings } = context;
  const os = raw.os?.value ?? 'linux';
  const gateway = raw.gateway?.value ?? networks.find((one) => one.name === network)?.gateway;
  return [
    {
      name,
      site,
      network,
      ip: raw.ip.value,
      mac: raw.mac?.value,
      os,
      listen: values(raw.listen),
      lease: raw.lease?.value ?? 'valid',
      gateway: gateway === 'none' ? undefined : gateway,
      running: raw.running?.value ?? true,
      boot: raw.boot?.value ?? (os === 'windows' ? timings.bootWindows : timings.bootLinux),
      echo: raw.echo?.value ?? true,
      platform: raw.platform?.value ?? 'vmware',
      place: placeOf(keySpot),
    },
  ];
}

function buildDhcp(raw: RawSite['dhcp'], site: string, context: Context): DhcpServer | undefined {
  if (raw === undefined) return undefined;
  const network = raw.network && findNetwork(raw.network, site, context);
  const server = raw.server && context.names.machine(raw.server);
  if (server !== undefined && server.kind !== 'router' && server.kind !== 'vm') {
    context.findings.add('E303', raw.server!.spot, 'a DHCP server runs on a router or a VM');
  }
  if (network === undefined || server === undefined || raw.pool === undefined) return undefined;
  const lease = raw.lease?.value ?? seconds(8 * 3600);
  const relay = raw.relay?.value ?? false;
  return { network, server, pool: raw.pool.value, lease, relay, place: placeOf(raw.spot) };
}

const firstVlan = 100;

function buildProvider({
  raw: { provider: raw },
  names,
  timings,
  findings,
}: Context): Provider | undefined {
  if (raw === undefined) return undefined;
  const { hardware_plan: hardware, org_vdc: vdc } = raw;
  if (hardware !== undefined && vdc !== undefined) {
    const message = 'a tenant has either a hardware plan or an org VDC';
    findings.add('E310', startSpot(vdc.spot), message, 'leave one of them out');
  }
  const networks =
    hardware !== undefined
      ? members(hardware.networks).map((network, i): PlanNetwork => {
          const { vlan, internet, dhcp } = network.value ?? {};
          return {
            name: network.name,
            vlan: vlan?.value ?? firstVlan + i,
            internet: internet?.value ?? false,
            type: 'isolated',
            dhcp: dhcp?.value ?? 'none',
            place: placeOf(network.keySpot),
          };
        })
      : members(vdc?.networks).map((network, i): PlanNetwork => {
          const { type, dhcp } = network.value ?? {};
          return {
            name: network.name,
            vlan: firstVlan + i,
            internet: type?.value === 'routed',
            type: type?.value ?? 'isolated',
            dhcp: dhcp?.value ?? 'none',
            place: placeOf(network.keySpot),
          };
        });
  const plan: Plan = {
    kind: hardware === undefined && vdc !== undefined ? 'org-vdc' : 'hardware-plan',
    name: vdc?.name?.value ?? 'plan',
    hosts: values(hardware?.hosts),
    networks,
  };
  const overrides = members(raw.appliance?.networks).flatMap(({ name, keySpot, value: to }) => {
    const from = names.find('network', { value: name, spot: keySpot });
    const target = to && names.find('plan-network', to);
    return from !== undefined && target !== undefined ? [[from.name, target.name] as const] : [];
  });
  return {
    gateways: members(raw.gateways).flatMap(({ name, keySpot, value: gateway }) =>
      gateway?.public_ip === undefined
        ? []
        : [
            {
              name,
              publicIp: gateway.public_ip.value,
              block: values(gateway.block),
              place: placeOf(keySpot),
            },
          ],
    ),
    plan,
    appliance: {
      name: raw.appliance?.name?.value ?? 'sp-nea',
      proxyArp: raw.appliance?.proxy_arp?.value ?? 'relay',
      gratuitousArp: raw.appliance?.gratuitous_arp?.value ?? 'both',
      boot: timings.bootAppliance,
      networks: new Map(overrides),
    },
    platform: raw.platform?.value ?? 'vmware',
    place: placeOf(raw.spot),
  };
}

const startSpot = (spot: Spot): Spot => ({ ...spot, end: spot.start + 1 });

const restorePoints = 7; // what the wizard of the product proposes

function buildJobs({ raw, names }: Context): Job[] {
  return members(raw.replication).map(
    ({ name, keySpot, value: job }): Job => ({
      name,
      vms: (job?.vms?.items ?? []).flatMap((vm) => names.find('vm', vm) ?? []),
      mapping: members(job?.network_mapping).flatMap((row) => {
        const from = names.find('network', { value: row.name, spot: row.keySpot });
        const to = row.value && names.find('plan-network', row.value);
        return from !== undefined && to !== undefined ? [{ from, to }] : [];
      }),
      restorePoints: job?.restore_points?.value ?? restorePoints,
      detect: job?.detect?.value ?? 'auto',
      place: placeOf(keySpot),
    }),
  );
}

/** 1420 is what wg-quick leaves of 1500: 40 bytes of IPv6, 8 of UDP, 32 of WireGuard. */
function buildTunnel({ tunnel: raw }: RawScenario): TunnelPlan {
  const keepalive = raw?.keepalive?.value ?? seconds(25);
  return {
    mode: raw?.mode?.value ?? 'proxy-arp-l3',
    mtu: raw?.mtu?.value ?? 1420,
    mssClamp: raw?.mss_clamp?.value ?? false,
    pmtud: raw?.pmtud?.value ?? true,
    keepalive: keepalive === 'none' ? undefined : keepalive,
    presharedKey: raw?.preshared_key?.value ?? true,
    allowedIps: {
      tenant: raw?.allowed_ips?.tenant && values(raw.allowed_ips.tenant),
      provider: raw?.allowed_ips?.provider && values(raw.allowed_ips.provider),
    },
  };
}

const defaultLinks: Links = {
  lan: { rate: 1e9, latency: milliseconds(0.1), mtu: 1500, loss: 0 },
  internet: { rate: 100e6, latency: milliseconds(10), mtu: 1500, loss: 0 },
  provider: { rate: 10e9, latency: milliseconds(0.05), mtu: 1500, loss: 0 },
};

type RawLink = Partial<{
  readonly rate: At<number> | undefined;
  readonly latency: At<Link['latency']> | undefined;
  readonly mtu: At<number> | undefined;
  readonly loss: At<number> | undefined;
}>;

const withDefaults = (raw: RawLink | undefined, link: Link): Link => ({
  rate: raw?.rate?.value ?? link.rate,
  latency: raw?.latency?.value ?? link.latency,
  mtu: raw?.mtu?.value ?? link.mtu,
  loss: raw?.loss?.value ?? link.loss,
});

const buildLinks = ({ links: raw }: RawScenario): Links => ({
  lan: withDefaults(raw?.lan, defaultLinks.lan),
  internet: withDefaults(raw?.internet, defaultLinks.internet),
  provider: withDefaults(raw?.provider, defaultLinks.provider),
});

const buildTimings = ({ timings: raw }: RawScenario): Timings => ({
  bootLinux: raw?.boot_linux?.value ?? seconds(15),
  bootWindows: raw?.boot_windows?.value ?? seconds(25),
  bootAppliance: raw?.boot_appliance?.value ?? seconds(8),
  revertSnapshot: raw?.revert_snapshot?.value ?? seconds(2),
  powerOff: raw?.power_off?.value ?? seconds(1),
  configureAppliance: raw?.configure_appliance?.value ?? seconds(1),
});
