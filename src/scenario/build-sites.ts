/** From what a file says of a tenant's sites to what there is: networks, VMs, appliances. */
import { seconds } from '../base/time.ts';
import type { Ipv4 } from '../wire/address.ts';
import type { Context } from './build.ts';
import { buildAttach } from './build-attach.ts';
import { withDefaults } from './build-links.ts';
import { buildPortGroup } from './build-port-group.ts';
import type { RawSite, RawVm } from './format.ts';
import { placeOf } from './place.ts';
import { members, values } from './raw.ts';
import type { Appliance, DhcpServer, Network, Site, SiteEdge, Vm } from './scenario.ts';
import type { At, Member } from './shape.ts';

/** Names first, all of them: what refers to them may stand before them. */
export function declareSites({ names, owner: { sites } }: Context): void {
  names.noteBlind(sites === undefined);
  for (const { name, keySpot, value: site } of members(sites)) {
    names.noteBlind(site?.networks === undefined);
    const networks = members(site?.networks);
    const routed = networks.some((network) => network.value?.gateway !== undefined);
    names.declare('site', name, keySpot, name, routed || names.blind);
    for (const network of networks) {
      const gateway = network.value === undefined || network.value.gateway !== undefined;
      names.declare('network', network.name, network.keySpot, name, gateway);
    }
    for (const vm of members(site?.vms)) names.declare('vm', vm.name, vm.keySpot, name);
    if (site?.edge !== undefined)
      names.declare('edge', edgeName(site.edge, name), site.edge.name?.spot ?? keySpot, name);
    for (const one of members(site?.appliances)) {
      names.declare('appliance', one.name, one.keySpot, name);
    }
  }
}

export function buildSite({ name, keySpot, value: raw }: Member<RawSite>, context: Context): Site {
  const { names, spots } = context;
  const site = names.full(name);
  const networks = members(raw?.networks).flatMap((network): Network[] => {
    const { subnet, gateway, mtu: own, vlan, attach } = network.value ?? {};
    const mtu = own?.value ?? context.links.lan.mtu;
    const full = names.full(network.name);
    spots.set(full, { key: network.keySpot, subnet: subnet?.spot, gateway: gateway?.spot });
    if (subnet === undefined) return [];
    return [
      {
        name: full,
        site,
        subnet: subnet.value,
        gateway: gateway?.value,
        mtu,
        vlan: vlan?.value,
        attach: buildAttach(full, attach, mtu, context),
        ...buildPortGroup(network.value),
        place: placeOf(network.keySpot),
      },
    ];
  });
  return {
    name: site,
    networks,
    vms: members(raw?.vms).flatMap((vm) => buildVm(vm, name, networks, context)),
    appliances: members(raw?.appliances).flatMap((appliance): Appliance[] => {
      const { network, ip, mac, proxy_arp, gratuitous_arp, scope, boot } = appliance.value ?? {};
      const full = names.full(appliance.name);
      spots.set(full, { key: appliance.keySpot, ip: ip?.spot, mac: mac?.spot });
      const found = network && findNetwork(network, name, context);
      if (found === undefined) return [];
      return [
        {
          name: full,
          site,
          network: found,
          ip: ip?.value ?? 'dhcp',
          mac: mac?.value,
          proxyArp: proxy_arp?.value ?? 'relay',
          gratuitousArp: gratuitous_arp?.value ?? 'both',
          scope: scope?.value ?? 'as-told',
          boot: boot?.value ?? context.timings.bootAppliance,
          place: placeOf(appliance.keySpot),
        },
      ];
    }),
    dhcp: buildDhcp(raw?.dhcp, name, context),
    edge: buildEdge(raw?.edge, name, context),
    internet: {
      publicIp: raw?.internet?.public_ip?.value,
      link: withDefaults(raw?.internet, context.links.internet),
      block: values(raw?.internet?.block),
    },
    place: placeOf(keySpot),
  };
}

const edgeName = (raw: NonNullable<RawSite['edge']>, site: string): string =>
  raw.name?.value ?? `${site}-edge`;

function buildEdge(raw: RawSite['edge'], site: string, context: Context): SiteEdge | undefined {
  const network = raw?.network && findNetwork(raw.network, site, context);
  if (raw?.ip === undefined || network === undefined) return undefined;
  return { name: context.names.full(edgeName(raw, site)), network, ip: raw.ip.value };
}

/** The name of a network, if the site has it. */
function findNetwork(network: At<string>, site: string, { names, owner, findings }: Context) {
  const found = names.find('network', network);
  if (found === undefined) return undefined;
  const home = members(owner.sites).find(({ value: one }) =>
    members(one?.networks).some(({ name }) => names.full(name) === found.name),
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
  const { names, spots, timings } = context;
  const full = names.full(name);
  spots.set(full, { key: keySpot, ip: raw?.ip?.spot, mac: raw?.mac?.spot });
  const network = raw?.network && findNetwork(raw.network, site, context);
  if (raw?.ip === undefined || network === undefined) return [];
  const os = raw.os?.value ?? 'linux';
  const gateway = raw.gateway?.value ?? networks.find((one) => one.name === network)?.gateway;
  return [
    {
      name: full,
      site: names.full(site),
      network,
      ip: raw.ip.value,
      mac: raw.mac?.value,
      guestMac: raw.guest_mac?.value,
      os,
      listen: values(raw.listen),
      lease: raw.lease?.value ?? 'valid',
      gateway: gateway === 'none' ? undefined : gateway,
      running: raw.running?.value ?? true,
      hangs: raw.shutdown?.value === 'hangs',
      writes: raw.writes?.value ?? 1e6,
      boot: raw.boot?.value ?? (os === 'windows' ? timings.bootWindows : timings.bootLinux),
      echo: raw.echo?.value ?? true,
      answersFor: values(raw.answers_for),
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
  const reservations = new Map<string, Ipv4>();
  for (const { name, keySpot, value: ip } of members(raw.reservations)) {
    const vm = context.names.find('vm', { value: name, spot: keySpot });
    if (vm !== undefined && ip !== undefined) reservations.set(vm.name, ip.value);
  }
  const place = placeOf(raw.spot);
  return { network, server, pool: raw.pool.value, lease, relay, reservations, place };
}
