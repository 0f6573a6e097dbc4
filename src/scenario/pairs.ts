/**
 * Who can be asked about whom: every VM, router and client of a scenario toward every other of the same
 * tenant, with the services that listen there. Tenants have no way to each other, so nobody asks.
 */
import { type Ipv4, showIpv4 } from '../wire/address.ts';
import type { Client, FailoverPlan, Machine, Scenario, Tenant, Vm } from './scenario.ts';
import type { ServicePort } from './units.ts';
import { nodeOf } from './whereabouts.ts';

/** One machine toward another. */
export interface Pair {
  /** Position among all pairs that are asked, from 0. */
  readonly index: number;
  readonly from: Machine;
  readonly to: Machine;
  /** Where it is asked, if not at an address of `to`: a public one that leads to it. */
  readonly at: Ipv4 | undefined;
  /** Whether it is pinged too. */
  readonly pings: boolean;
  readonly services: readonly ServicePort[];
}

/** What is asked of a pair: undefined stands for a ping. */
export const servicesOf = ({ pings, services }: Pair): readonly (ServicePort | undefined)[] =>
  pings ? [undefined, ...services] : services;

export interface Pairs {
  readonly pairs: readonly Pair[];
  /** What is not asked and could be, in sentences. */
  readonly leftOut: readonly string[];
}

export interface PairOptions {
  /** `web01 -> *`, `* -> sql01:1433`; all if left out. */
  readonly pattern?: PairPattern;
  readonly services: boolean;
  /** More pairs than this are not asked: of each machine some askers are enough. */
  readonly most: number;
}

export interface PairPattern {
  readonly from: RegExp;
  readonly to: RegExp;
  readonly port: number | undefined;
}

/** Undefined where the text is no pattern. */
export function pairPattern(text: string): PairPattern | undefined {
  const parts = /^\s*(\S+)\s*->\s*([^\s:]+)(?::(\d{1,5}))?\s*$/.exec(text);
  if (parts === null) return undefined;
  const [, from = '', to = '', port] = parts;
  return { from: glob(from), to: glob(to), port: port === undefined ? undefined : Number(port) };
}

const glob = (text: string): RegExp =>
  new RegExp(`^${text.replace(/[\\^$.+?()[\]{}|/]/g, '\\$&').replaceAll('*', '.*')}$`, 'u');

type Draft = Omit<Pair, 'index'> & { readonly network: string; readonly ownNetwork: string };

export function pairsOf(scenario: Scenario, { pattern, services, most }: PairOptions): Pairs {
  const all = scenario.tenants.flatMap((tenant) => draftsOf(tenant, scenario.clients));
  const wanted = all
    .filter(({ from, to }) => pattern === undefined || fits(from, to, pattern))
    .map((one) => (services ? withPort(one, pattern?.port) : { ...one, services: [] }))
    .filter((one) => one.pings || one.services.length > 0);
  const few = sampled(wanted, most);
  const missing = wanted.length - few.length;
  const leftOut =
    missing === 0
      ? []
      : [
          `${missing} of ${wanted.length} pairs are not asked: each machine is asked by some others only; --pairs says by which`,
        ];
  return {
    pairs: few.map(({ network: _, ownNetwork: __, ...pair }, index) => ({ ...pair, index })),
    leftOut,
  };
}

const fits = (from: Machine, to: Machine, pattern: PairPattern): boolean =>
  pattern.from.test(from.text) && pattern.to.test(to.text);

function withPort(pair: Draft, port: number | undefined): Draft {
  if (port === undefined) return pair;
  return { ...pair, pings: false, services: pair.services.filter((one) => one.port === port) };
}

interface End {
  readonly machine: Machine;
  readonly network: string;
  readonly listen: readonly ServicePort[];
}

function draftsOf(tenant: Tenant, clients: readonly Client[]): Draft[] {
  const own = [...tenant.sites.flatMap(({ vms }) => vms.map(vmEnd)), ...routersOf(tenant)];
  const outside = clients.map(clientEnd);
  const ends = [...own, ...outside];
  const inside = own.flatMap((from) =>
    ends
      .filter((to) => to !== from)
      .map((to) => ({
        from: from.machine,
        to: to.machine,
        at: undefined,
        pings: true,
        // Routers are asked for the way, not for what they would do there.
        services: from.machine.kind === 'router' ? [] : to.listen,
        network: from.network,
        ownNetwork: to.network,
      })),
  );
  const published = outside.flatMap((from) => publishedOf(tenant, own, from));
  return [...inside, ...published];
}

const vmEnd = ({ name, network, listen, place }: Vm): End => ({
  machine: { kind: 'vm', name, text: name, place },
  network,
  listen,
});

const clientEnd = ({ name, listen, place }: Client): End => ({
  machine: { kind: 'client', name, text: name, place },
  network: '',
  listen,
});

function routersOf({ sites }: Tenant): End[] {
  return sites
    .filter(({ networks }) => networks.some(({ gateway }) => gateway !== undefined))
    .map(({ name: site, place }) => {
      const router = { kind: 'router', site, network: undefined, place } as const;
      return {
        machine: { ...router, text: nodeOf({ ...router, text: '' }) },
        network: '',
        listen: [],
      };
    });
}

/** From the internet a VM is to be had where a rule says so, and nowhere else. */
function publishedOf(tenant: Tenant, own: readonly End[], from: End): Draft[] {
  const rules: FailoverPlan['rules'] = [
    ...tenant.failoverPlans.flatMap((plan) => plan.rules),
    ...tenant.plans.flatMap(({ edge }) => edge?.nat ?? []),
  ];
  const seen = new Set<string>();
  return rules.flatMap(({ publicIp, port, to: { vm } }) => {
    const to = own.find(({ machine }) => machine.kind === 'vm' && machine.name === vm);
    const key = `${showIpv4(publicIp)}:${port}`;
    if (to === undefined || seen.has(key)) return [];
    seen.add(key);
    const services = [{ protocol: 'tcp', port } as const];
    const ends = { from: from.machine, to: to.machine, network: '', ownNetwork: to.network };
    return [{ ...ends, at: publicIp, pings: false, services }];
  });
}

/** Fewer and fewer askers for each machine, until there are few enough pairs. */
function sampled(pairs: readonly Draft[], most: number): readonly Draft[] {
  if (pairs.length <= most) return pairs;
  const others = pairs.filter(({ from }) => from.kind !== 'vm');
  const byNetwork = firstOf(pairs, ({ to, network }) => `${to.text} ${network}`);
  const levels = [
    [...others, ...byNetwork],
    firstOf(
      pairs,
      ({ to, from, network, ownNetwork }) =>
        `${to.text} ${from.kind !== 'vm' ? from.kind : network === ownNetwork ? 'near' : 'far'}`,
    ),
    firstOf(pairs, ({ to }) => to.text),
  ];
  const kept = levels.find((level) => level.length <= most) ?? levels.at(-1)!.slice(0, most);
  const set = new Set(kept);
  return pairs.filter((pair) => set.has(pair));
}

/** Of pairs with the same key the first; only of those that VMs ask, where the key has a network. */
function firstOf(pairs: readonly Draft[], keyOf: (pair: Draft) => string): Draft[] {
  const first = new Map<string, Draft>();
  for (const pair of pairs) {
    const key = keyOf(pair);
    if (!first.has(key)) first.set(key, pair);
  }
  return [...first.values()];
}

/**
 * Pairs that may be asked in one play. What is asked teaches switches and neighbours, and one question
 * could heal what another is about; so no machine is in two pairs of a group, as in the rounds of a
 * tournament. Where that would be more than `most` groups, they are put together: those of one direction
 * first.
 */
export function groupsOf(pairs: readonly Pair[], most: number): (readonly Pair[])[] {
  const ends = [...new Set(pairs.flatMap(({ from, to }) => [from.text, to.text]))];
  const numbers = new Map(ends.map((name, i) => [name, i]));
  const even = ends.length + (ends.length % 2);
  const rounds = new Map<number, Pair[]>();
  for (const pair of pairs) {
    const [i, j] = [numbers.get(pair.from.text)!, numbers.get(pair.to.text)!];
    const round = roundOf(i, j, even) + (i < j ? 0 : even);
    rounds.set(round, [...(rounds.get(round) ?? []), pair]);
  }
  const inOrder = [...rounds].sort(([a], [b]) => a - b).map(([, those]) => those);
  const count = Math.max(1, Math.min(most, inOrder.length));
  const groups: Pair[][] = Array.from({ length: count }, () => []);
  inOrder.forEach((those, i) => {
    groups[Math.floor((i * count) / inOrder.length)]!.push(...those);
  });
  return groups.filter((group) => group.length > 0);
}

/** The circle method: each of `even` players meets each other once, in `even` - 1 rounds. */
function roundOf(i: number, j: number, even: number): number {
  const last = even - 1;
  const [low, high] = i < j ? [i, j] : [j, i];
  return high === last ? (2 * low) % last : (low + high) % last;
}
