/** Whether the addresses of a scenario go together: every one in its subnet, and none in use twice. */
import {
  broadcastOf,
  contains,
  type Ipv4,
  maskOf,
  type Prefix,
  showIpv4,
  showMac,
  showPrefix,
} from '../wire/address.ts';
import type { Built } from './build.ts';
import type { RawScenario, RawSite } from './format.ts';
import type { RawStep } from './format-steps.ts';
import type { Owner } from './owners.ts';
import { placeOf, type Spot } from './place.ts';
import type { Findings } from './problem.ts';
import { members } from './raw.ts';
import type { Network, Site, Tenant } from './scenario.ts';
import type { At } from './shape.ts';
import { inPool, quote } from './units.ts';

export function checkAddresses(built: Built, raw: RawScenario, findings: Findings): void {
  const { scenario, owners } = built;
  // Equal subnets of different tenants are none of anybody's business.
  owners.forEach((owner, i) => {
    checkTenant(built, owner, scenario.tenants[i]!, raw.steps?.items ?? [], findings);
  });
  checkPublic(built, raw, findings);
}

function checkTenant(
  { spots }: Pick<Built, 'spots'>,
  owner: Owner,
  { sites }: Tenant,
  steps: readonly RawStep[],
  findings: Findings,
): void {
  const networks = sites.flatMap((site) => site.networks);
  const byName = new Map(networks.map((network) => [network.name, network]));
  const subnetSpot = (network: Network): Spot => spots.get(network.name)!.subnet!;

  checkOverlaps(networks, subnetSpot, findings);
  for (const network of networks) {
    const spot = spots.get(network.name)?.gateway;
    if (network.gateway !== undefined && spot !== undefined) {
      usable(network.gateway, network, 'the gateway', spot, findings);
    }
  }

  const machines = sites.flatMap((site) => [...site.vms, ...site.appliances]);
  const users = new Map<Ipv4, { name: string; spot: Spot }>();
  const macs = new Map<number, { name: string; spot: Spot }>();
  for (const { name, network: networkName, ip, mac } of machines) {
    const { ip: spot, mac: macSpot } = spots.get(name) ?? {};
    const network = byName.get(networkName);
    if (ip !== 'dhcp' && spot !== undefined) {
      if (network !== undefined) usable(ip, network, name, spot, findings);
      if (network?.gateway === ip) {
        const message = `${showIpv4(ip)} is the gateway of ${network.name}, and ${name} uses it too`;
        findings.add('E308', spot, message);
      }
      taken(users, ip, showIpv4(ip), name, spot, 'E306', findings);
    }
    if (mac !== undefined && macSpot !== undefined) {
      taken(macs, mac, showMac(mac), name, macSpot, 'E307', findings);
    }
    const served = sites.some((site) => site.dhcp?.network === networkName);
    if (ip === 'dhcp' && !served) {
      const at = spot ?? spots.get(name)!.key;
      const hint = 'give the site a "dhcp" server, or the machine an address';
      findings.add(
        'W320',
        at,
        `${name} asks for an address, and no DHCP server serves ${networkName}`,
        hint,
      );
    }
  }
  checkSettings(sites, steps, byName, findings);
  sites.forEach((site, i) => {
    checkPool(site, owner.sites?.[i]?.value, spots, byName, findings);
  });
}

/** Addresses that VMs get in the course of the story. */
function checkSettings(
  sites: readonly Site[],
  steps: readonly RawStep[],
  networks: ReadonlyMap<string, Network>,
  findings: Findings,
): void {
  for (const step of steps) {
    if (step.verb !== 'set' || step.value === undefined) continue;
    const { vm, ip } = step.value;
    const machine = sites.flatMap(({ vms }) => vms).find(({ name }) => name === vm?.value);
    const network = machine && networks.get(machine.network);
    if (vm === undefined || ip === undefined || network === undefined) continue;
    if (machine?.ip === 'dhcp') {
      const message = `${vm.value} has its address by DHCP`;
      findings.add('E310', vm.spot, message, 'only a static address can be set');
    } else usable(ip.value, network, vm.value, ip.spot, findings);
  }
}

/** Sorted by their first address, subnets overlap only if one begins within what came before. */
function checkOverlaps(
  networks: readonly Network[],
  spotOf: (network: Network) => Spot,
  findings: Findings,
): void {
  const first = ({ subnet }: Network): number => subnet.address >>> 0;
  const sorted = networks.map((network, order) => ({ network, order }));
  sorted.sort((a, b) => first(a.network) - first(b.network) || a.order - b.order);
  let widest: (typeof sorted)[number] | undefined;
  for (const one of sorted) {
    if (widest !== undefined && first(one.network) <= lastOf(widest.network.subnet)) {
      const [early, late] = one.order > widest.order ? [widest, one] : [one, widest];
      const other = `${early.network.name} ${showPrefix(early.network.subnet)}`;
      const message = `the subnet of ${late.network.name} overlaps that of ${other}`;
      findings.add('E304', spotOf(late.network), message);
    }
    if (widest === undefined || lastOf(one.network.subnet) > lastOf(widest.network.subnet)) {
      widest = one;
    }
  }
}

const lastOf = ({ address, length }: Prefix): number => (address | ~maskOf(length)) >>> 0;

function usable(ip: Ipv4, network: Network, who: string, spot: Spot, findings: Findings): void {
  const { subnet } = network;
  const where = `${network.name} (${showPrefix(subnet)})`;
  if (!contains(subnet, ip)) {
    findings.add('E305', spot, `${showIpv4(ip)} of ${who} is outside of ${where}`);
  } else if (subnet.length < 31 && (ip === subnet.address || ip === broadcastOf(subnet))) {
    const what = ip === subnet.address ? 'names the network itself' : 'reaches everybody';
    findings.add(
      'E305',
      spot,
      `${showIpv4(ip)} cannot be the address of ${who}: in ${where} it ${what}`,
    );
  }
}

function taken<K>(
  users: Map<K, { name: string; spot: Spot }>,
  key: K,
  shown: string,
  name: string,
  spot: Spot,
  code: 'E306' | 'E307',
  findings: Findings,
): void {
  const other = users.get(key);
  if (other === undefined) users.set(key, { name, spot });
  else {
    const message = `${name} has the address ${shown}, which ${other.name} has already`;
    findings.add(code, spot, message, `given in line ${placeOf(other.spot).line}`);
  }
}

function checkPool(
  site: Site,
  raw: RawSite | undefined,
  spots: Built['spots'],
  byName: ReadonlyMap<string, Network>,
  findings: Findings,
): void {
  const network = site.dhcp && byName.get(site.dhcp.network);
  const spot = raw?.dhcp?.pool?.spot;
  if (site.dhcp === undefined || network === undefined || spot === undefined) return;
  const { pool, server, relay } = site.dhcp;
  usable(pool.first, network, 'the pool', spot, findings);
  usable(pool.last, network, 'the pool', spot, findings);
  for (const { name, value } of raw?.dhcp?.reservations ?? [])
    if (value !== undefined) usable(value.value, network, name, value.spot, findings);
  const gateway = network.gateway;
  if (gateway !== undefined && inPool(pool, gateway)) {
    findings.add('W317', spot, `the pool leases ${showIpv4(gateway)}, which is the gateway`);
  }
  for (const { name, network: home, ip } of [...site.vms, ...site.appliances]) {
    const at = spots.get(name)?.ip;
    if (home !== network.name || ip === 'dhcp' || at === undefined || !inPool(pool, ip)) continue;
    const message = `${showIpv4(ip)} of ${name} lies in the pool of the DHCP server`;
    findings.add('W317', at, message, 'it may be leased to another machine');
  }
  const serverSpot = raw?.dhcp?.server?.spot;
  if (serverSpot === undefined) return;
  if (server.kind === 'router' && (server.site !== site.name || gateway === undefined)) {
    findings.add('E311', serverSpot, `${quote(server.text)} has no address in ${network.name}`);
  }
  const vm = site.vms.find(({ name }) => server.kind === 'vm' && name === server.name);
  const relaySpot = raw?.dhcp?.relay?.spot;
  if (relay && relaySpot !== undefined)
    checkRelay(network, vm && byName.get(vm.network), relaySpot, findings);
  else if (server.kind === 'vm' && vm?.network !== network.name && spots.has(server.name)) {
    const hint = '"relay: true" lets the router of the site pass DHCP between its networks';
    findings.add('E303', serverSpot, `${server.name} is not in ${network.name}`, hint);
  }
  if (vm?.ip === 'dhcp') {
    findings.add('E310', serverSpot, `${vm.name} cannot lease its own address to itself`);
  }
}

/** A relay agent stands between two networks of its site, with an address in each. */
function checkRelay(
  clients: Network,
  server: Network | undefined,
  spot: Spot,
  findings: Findings,
): void {
  if (server === undefined || server === clients) {
    const message = `the server of ${clients.name} is not a VM in another network of the site`;
    findings.add('E310', spot, message, 'without "relay" it is asked directly');
    return;
  }
  for (const { name, gateway } of [clients, server]) {
    if (gateway === undefined)
      findings.add('E311', spot, `the router of the site has no address in ${name}`);
  }
}

/** Addresses on the internet: each once, and none inside a production network. */
function checkPublic({ scenario, owners }: Built, raw: RawScenario, findings: Findings): void {
  const users = new Map<Ipv4, { name: string; spot: Spot }>();
  const networks = distinct(
    scenario.tenants.flatMap(({ sites }) => sites.flatMap((site) => site.networks)),
  );
  const all = [
    ...(raw.provider?.gateways ?? []).map(({ name, value }) => [name, value?.public_ip] as const),
    ...owners.flatMap(({ sites }) =>
      (sites ?? []).map(({ name, value }) => [name, value?.internet?.public_ip] as const),
    ),
  ];
  all.push(...members(raw.internet?.clients).map(({ name, value }) => [name, value?.ip] as const));
  all.push(...owners.flatMap(publicIpsOf));
  for (const [name, ip] of all) {
    if (ip === undefined) continue;
    const shown = showIpv4(ip.value);
    taken(users, ip.value, shown, name, ip.spot, 'E306', findings);
    const inside = networks.find(({ subnet }) => contains(subnet, ip.value));
    if (inside !== undefined) {
      findings.add('E304', ip.spot, `the public address ${shown} lies in ${inside.name}`);
    }
  }
}

/** The public addresses of a tenant's failover plans, each once: with other ports it may be used again. */
function publicIpsOf({ failoverPlans }: Owner): (readonly [string, At<Ipv4>])[] {
  const seen = new Map<Ipv4, readonly [string, At<Ipv4>]>();
  for (const { name, value } of failoverPlans)
    for (const { public_ip: ip } of value?.public_ip_rules?.items ?? [])
      if (ip !== undefined && !seen.has(ip.value)) seen.set(ip.value, [name, ip]);
  return [...seen.values()];
}

/** The first of those with equal subnets: of a thousand tenants most have the same. */
function distinct(networks: readonly Network[]): readonly Network[] {
  const bySubnet = new Map<string, Network>();
  for (const network of networks) {
    const subnet = showPrefix(network.subnet);
    if (!bySubnet.has(subnet)) bySubnet.set(subnet, network);
  }
  return [...bySubnet.values()];
}
