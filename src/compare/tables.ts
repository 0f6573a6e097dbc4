/** What machines and switches knew at the end of every step. */
import type { Instant } from '../base/time.ts';
import type { NeighbourState, TraceEvent } from '../trace/event.ts';
import { showMac } from '../wire/address.ts';
import type { Account } from './account.ts';
import { leasesIn } from './dhcp.ts';
import { type Item, type Traits, window } from './item.ts';

interface Entry {
  /** Empty: there is none, or none that is of use. */
  readonly value: string;
  readonly at: Instant;
  readonly event: number;
  readonly traits?: Traits;
}

/** A change of one entry: its stream is what it is called. */
interface Change extends Entry {
  readonly node: string;
  readonly stream: string;
}

const valid: ReadonlySet<NeighbourState> = new Set([
  'reachable',
  'stale',
  'delay',
  'probe',
  'permanent',
]);

/** Neighbours in two classes: who would be sent to, and by which MAC address, or who would be asked for. */
export function neighbourItems(account: Account): Item[] {
  const leases = new Set<string>();
  for (const { server, mac, ip, from } of leasesIn(account))
    leases.add(`${server} ${ip} ${mac}`).add(`${mac} ${from}`);
  /** MAC addresses of machines, by what they sent last. */
  const macs = new Map(
    account.sent.map(({ event, ethernet }) => [event.node, showMac(ethernet.source)] as const),
  );
  return atStepEnds(account, (event, before) => {
    if (event.kind !== 'neighbour') return undefined;
    const { node, interface: on, ip, mac, state, at, id, was } = event;
    const stream = `${ip} at ${node}.${on}`;
    const known = before(stream);
    const value = valid.has(state) ? mac : '';
    const forgotten = was === 'stale' && state === 'none';
    const expired =
      was === 'probe' || was === 'delay' || forgotten || known?.traits?.expired === true;
    const lost = known?.value || known?.traits?.was;
    const leased = leases.has(`${node} ${ip} ${mac}`) || leases.has(`${macs.get(node)} ${ip}`);
    const traits = {
      ...(value === '' && lost && { was: lost, ...(expired && { expired }) }),
      ...(leased && { leased }),
    };
    return { node, stream, value, at, event: id, traits };
  });
}

export const switchItems = (account: Account): Item[] =>
  atStepEnds(account, (event) => {
    if (event.kind !== 'switch-entry') return undefined;
    const { node, mac, vlan, port, change, at, id } = event;
    const stream = `${mac} in VLAN ${vlan} of ${node}`;
    return { node, stream, value: change === 'removed' ? '' : `port ${port}`, at, event: id };
  });

export const addressItems = (account: Account): Item[] =>
  atStepEnds(account, (event) => {
    if (event.kind === 'address') {
      const { node, interface: on, ip, length, change, origin, at, id } = event;
      const has = change === 'added' || change === 'defended';
      const value = has ? `${origin} /${length}` : change === 'tentative' ? change : '';
      return { node, stream: `${ip} at ${node}.${on}`, value, at, event: id };
    }
    if (event.kind !== 'route') return undefined;
    const { node, prefix, via, interface: on, change, at, id } = event;
    const stream = `route to ${prefix} at ${node}.${on}${via === '' ? '' : ` by ${via}`}`;
    return { node, stream, value: change === 'added' ? 'there' : '', at, event: id };
  });

function atStepEnds(
  account: Account,
  read: (event: TraceEvent, before: (stream: string) => Entry | undefined) => Change | undefined,
): Item[] {
  const histories = new Map<string, Entry[]>();
  const streamsOf = new Map<string, Set<string>>();
  for (const fact of account.facts) {
    if (fact.kind === 'power' && fact.state !== 'on') {
      // A machine that starts remembers nothing.
      for (const stream of streamsOf.get(fact.node) ?? [])
        histories.get(stream)!.push({ value: '', at: fact.at, event: fact.id });
      continue;
    }
    const change = read(fact, (stream) => histories.get(stream)?.at(-1));
    if (change === undefined) continue;
    const { node, stream, ...entry } = change;
    const history = histories.get(stream);
    if (history === undefined) histories.set(stream, [entry]);
    else history.push(entry);
    const streams = streamsOf.get(node);
    if (streams === undefined) streamsOf.set(node, new Set([stream]));
    else streams.add(stream);
  }
  return [...histories].flatMap(([name, history]) => itemsOf(account, name, history));
}

function itemsOf(account: Account, name: string, history: readonly Entry[]): Item[] {
  const items: Item[] = [];
  let reached = 0;
  for (const { number: step, ends: at } of account.steps) {
    while (reached < history.length && history[reached]!.at <= at) reached += 1;
    const entry = history[reached - 1];
    const around = [...new Set(near(history, reached, at))];
    if (around.every((value) => value === '') && !entry?.traits?.was) continue;
    const frame = entry === undefined ? undefined : account.frameBehind(entry.event);
    items.push({
      stream: `after step ${step}: ${name}`,
      what: entry?.value || nothing,
      at: entry?.at ?? at,
      step,
      nearly: around.map((value) => value || nothing),
      ...(around.includes('') && { fleeting: true as const }),
      ...(frame !== undefined && { frame }),
      ...(entry?.traits && { traits: entry.traits }),
    });
  }
  return items;
}

const nothing = 'nothing';

/** All that an entry was at some time close to a moment; `reached` of its changes had come by then. */
function* near(history: readonly Entry[], reached: number, at: Instant): Generator<string> {
  let place = reached - 1;
  for (; place >= 0; place -= 1) {
    yield history[place]!.value;
    if (history[place]!.at < at - window) break;
  }
  if (place < 0) yield '';
  for (place = reached; place < history.length && history[place]!.at <= at + window; place += 1)
    yield history[place]!.value;
}
