/**
 * What a packet and the answer to it need: machines that have to run, and those of their ports that
 * have to lead somewhere. In the order in which somebody would look: the two ends, then what is between.
 */
import type { Case, Party } from './case.ts';

export interface Need {
  readonly node: string;
  readonly as: 'asker' | 'target' | 'segment' | 'appliance' | 'gateway' | 'router' | 'edge';
  /** Whether the packet has to pass this port of it. */
  readonly matters: (port: string) => boolean;
}

export function needsOf(of: Case): Need[] {
  const { from, target, asker } = of;
  const needs: Need[] = [{ node: from, as: 'asker', matters: any }];
  if (target.node !== '') needs.push({ node: target.node, as: 'target', matters: any });
  if (of.ahead.length > of.crossed.length && target.replica !== '')
    needs.push({ node: target.replica, as: 'target', matters: any });
  const behind = behindTarget(of);
  if (behind !== undefined) needs.push({ node: behind.node, as: 'target', matters: any });
  for (const node of segmentsOf(of)) needs.push({ node, as: 'segment', matters: none });
  for (const node of appliancesOf(of)) needs.push({ node, as: 'appliance', matters: isOuter(of) });
  for (const node of of.gateways) needs.push({ node, as: 'gateway', matters: any });
  const networks = [asker.network, target.network, ...of.ahead];
  for (const node of routersOf(of, networks))
    needs.push({ node, as: 'router', matters: leadsTo(node, networks) });
  for (const node of edgesOf(of)) needs.push({ node, as: 'edge', matters: any });
  return needs.filter(({ node }, i) => needs.findIndex((one) => one.node === node) === i);
}

const any = (): boolean => true;
/** The cables of a switch are those of machines. */
const none = (): boolean => false;

/** Behind a public address: whoever the one that has it asks for in vain. */
export function behindTarget(of: Case): Party | undefined {
  const { unresolved, target } = of;
  if (unresolved === undefined || unresolved.node !== target.node) return undefined;
  const [ip] = unresolved.ips;
  return ip === undefined ? undefined : of.partyAt(ip, unresolved.node);
}

/** Production networks whose switch it takes, at either end or where a tunnel begins. */
function segmentsOf({ asker, target, ahead }: Case): string[] {
  const ends = [asker, target].filter(({ side }) => side === 'tenant');
  return [...new Set([...ends.map(({ network }) => network), ...ahead])].filter(
    (one) => one !== '',
  );
}

function appliancesOf(of: Case): string[] {
  const { asker, target, ahead } = of;
  const nodes = ahead.flatMap((one) => [of.tenantAppliance(one), of.providerAppliance(one)]);
  const [served] = [asker, target].filter(({ bySite }) => bySite);
  if (served !== undefined && asker.network !== target.network)
    nodes.push(of.providerAppliance(served.network)); // the default gateway of the replicas
  return nodes.filter((node) => node !== undefined);
}

/** The provider's appliance has further adapters, one in each network of replicas. */
const isOuter =
  ({ world }: Case) =>
  (port: string): boolean =>
    world.machine(world.nodeOf(port))?.role === 'tenant-appliance' || port.endsWith('.eth0');

/** Routers of the sites in question, where the packet leaves its network. */
function routersOf(of: Case, networks: readonly string[]): string[] {
  const { asker, target, world } = of;
  if (asker.bySite || target.bySite) return [];
  if (asker.network === target.network && of.ahead.length === 0) return [];
  return world
    .machinesOf('router')
    .map(({ name }) => name)
    .filter((name) => world.isNear(name, of.from))
    .filter((name) => world.addressesOf(name, of.at).length === 0 || isAt(of, name, networks));
}

const isAt = ({ world, at }: Case, router: string, networks: readonly string[]): boolean =>
  world.addressesOf(router, at).some((held) => networks.includes(held.interface));

const leadsTo =
  (router: string, networks: readonly string[]) =>
  (port: string): boolean => {
    const adapter = port.slice(router.length + 1);
    return adapter === 'wan' || networks.includes(adapter);
  };

/** Where no appliances carry it, edge gateways do. */
function edgesOf(of: Case): string[] {
  const { asker, target, world } = of;
  if (of.crossed.length === 0 && !asker.bySite && !target.bySite) return [];
  return world
    .machinesOf('edge-gateway')
    .map(({ name }) => name)
    .filter((name) => world.isNear(name, of.from));
}
