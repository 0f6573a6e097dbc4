/**
 * Faults at what is not there, as far as the file tells: a process that its machine does not run, a
 * lease of a static address, a tunnel of a network that has none. What only the run can know it says.
 */
import { replicaOf } from '../lab/names.ts';
import { mappingOf } from './mapping.ts';
import type { Spot } from './place.ts';
import { planNetworkOf } from './plan-network.ts';
import type { Findings } from './problem.ts';
import type { Fault, Machine, Scenario, Tenant, Whereabouts } from './scenario.ts';
import { cablesAt } from './whereabouts.ts';

/** A fault, and where the file says at what. */
export interface FaultAt {
  readonly fault: Fault;
  readonly at: Spot;
  /** Of a process, the network that it serves. */
  readonly network: Spot | undefined;
}

export function checkFaults(
  faults: readonly FaultAt[],
  scenario: Scenario,
  findings: Findings,
): void {
  for (const { fault, at, network = at } of faults) {
    const missing = missingFor(fault, scenario);
    if (missing === undefined) continue;
    findings.add('E331', missing.network ? network : at, missing.message, missing.hint);
  }
}

interface Missing {
  readonly message: string;
  readonly hint?: string | undefined;
  /** The network is to blame, and not the machine. */
  readonly network?: boolean;
}

function missingFor(fault: Fault, scenario: Scenario): Missing | undefined {
  switch (fault.kind) {
    case 'line':
    case 'mend':
      return placeless(fault.at, scenario);
    case 'lose_lease':
      return leaseless(fault.at, scenario);
    case 'hang':
    case 'resume':
      return fault.daemon === 'dhcp' ? serverless(fault.at, scenario) : idle(fault, scenario);
    default:
      return undefined;
  }
}

/** A tunnel that nobody carries, a host without the network. */
function placeless(at: Whereabouts, scenario: Scenario): Missing | undefined {
  if (at.kind === 'tunnel' && cablesAt(at, scenario).length === 0) {
    const hint = `add an appliance to ${at.name}`;
    return { message: `${at.name} has no tunnel: nothing carries it to the provider`, hint };
  }
  if (at.kind !== 'plan-network' || at.host === undefined) return undefined;
  const { hosts } = planNetworkOf(scenario, at.name)!.plan;
  if (hosts.includes(at.host)) return undefined;
  return { message: `${at.host} does not have ${at.name}`, hint: `it is on ${hosts.join(', ')}` };
}

function leaseless(at: Machine, { tenants }: Scenario): Missing | undefined {
  const sites = tenants.flatMap((tenant) => tenant.sites);
  const owners = sites.flatMap(({ vms, appliances }) => [...vms, ...appliances]);
  const isIt = ({ name }: { readonly name: string }): boolean =>
    'name' in at && at.name === (at.kind === 'replica' ? replicaOf(name) : name);
  const owner = owners.find(isIt);
  if (owner === undefined || owner.ip === 'dhcp') return undefined;
  return { message: `${at.text} has a static address, and no lease`, hint: 'give it "ip: dhcp"' };
}

/** No DHCP server runs there. */
function serverless(at: Machine, { tenants }: Scenario): Missing | undefined {
  const servers = tenants
    .flatMap(({ sites }) => sites.flatMap(({ dhcp }) => dhcp ?? []))
    .map(({ server }) => server);
  const isIt = (one: Machine): boolean =>
    one.kind === 'router'
      ? at.kind === 'router' && one.site === at.site
      : at.kind === one.kind && at.name === one.name;
  if (servers.some(isIt)) return undefined;
  const there = servers.map(({ text }) => text).join(', ');
  const hint = there === '' ? 'give the site "dhcp: …"' : `it runs on ${there}`;
  return { message: `no DHCP server runs on ${at.text}`, hint };
}

/** An appliance without the tunnel, or without a process that answers ARP. */
function idle(
  fault: Extract<Fault, { kind: 'hang' | 'resume' }>,
  scenario: Scenario,
): Missing | undefined {
  const { at, daemon, network } = fault;
  const name = 'name' in at ? at.name : '';
  const served = scenario.tenants.flatMap((tenant) => servedBy(name, tenant));
  if (network !== undefined && !served.includes(network)) {
    const hint = served.length === 0 ? undefined : `it has that of ${served.join(', ')}`;
    return { message: `${at.text} has no tunnel of ${network}`, hint, network: true };
  }
  if (served.length === 0) return { message: `no tunnel ends at ${at.text}` };
  if (daemon !== 'proxy_arp') return undefined;
  const what = `${at.text} runs no proxy-ARP daemon`;
  if (scenario.tunnel.mode === 'l2-bridge')
    return { message: `${what}: its tunnel is a bridge`, hint: 'hang its vpn' };
  const proxyArp = scenario.tenants
    .flatMap(({ sites, appliances }) => [
      ...sites.flatMap((site) => site.appliances),
      ...appliances,
    ])
    .find((one) => one.name === name)!.proxyArp;
  if (proxyArp === 'none') return { message: `${what}: it stands in for nobody` };
  if (proxyArp !== 'kernel') return undefined;
  return { message: `${what}: its kernel does that`, hint: 'write "proxy_arp: relay", or static' };
}

/** Production networks whose tunnels end at an appliance of either side. */
function servedBy(appliance: string, tenant: Tenant): string[] {
  const own = tenant.sites.flatMap((site) => site.appliances);
  const there = tenant.appliances.find(({ name }) => name === appliance);
  if (there === undefined)
    return own.filter(({ name }) => name === appliance).map(({ network }) => network);
  const onHost = tenant.plans.filter(({ hosts }) => hosts[0] === there.host);
  const ends = new Set(onHost.flatMap(({ networks }) => networks.map(({ name }) => name)));
  const mapping = mappingOf(tenant);
  return own
    .map(({ network }) => network)
    .filter((network) => ends.has(there.networks.get(network) ?? mapping.get(network) ?? ''));
}
