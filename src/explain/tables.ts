/** What a device knows now, from the log alone: its tables as rows of text, and what it has sent and lost. */
import type { Instant } from '../base/time.ts';
import type { Fact, TraceEvent } from '../trace/event.ts';
import type { EventLog } from '../trace/log.ts';
import type { Reason } from '../trace/reasons.ts';

export interface DeviceTable {
  /** `neighbours`. */
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly DeviceRow[];
}

export interface DeviceRow {
  readonly cells: readonly string[];
  /** Since when it is as it is. */
  readonly since: Instant;
}

export interface FrameCounters {
  /** Put on its cables, one for each; put on cables to it. */
  readonly out: number;
  readonly in: number;
  /** That ended there, by reason, the most frequent first. */
  readonly drops: ReadonlyMap<Reason, number>;
}

type Of<K extends Fact['kind']> = Extract<Fact, { kind: K }>;

/** How facts of a kind make a table: a later fact with the same key takes the place of an earlier one. */
interface Reader<F> {
  readonly title: string;
  readonly columns: readonly string[];
  readonly key: (fact: F) => string;
  /** Undefined: there is no row any more. */
  readonly cells: (fact: F) => readonly string[] | undefined;
  /** It outlives a power cycle. */
  readonly lasting?: true;
}

const reader = <K extends Fact['kind']>(kind: K, how: Reader<Of<K>>) =>
  [kind, how as Reader<never>] as const;

const gone = (change: string): boolean => change === 'removed' || change === 'closed';
const unknown = (text: string): string => (text === '' ? '–' : text);

const readers = new Map<Fact['kind'], Reader<never>>([
  reader('address', {
    title: 'addresses',
    columns: ['address', 'adapter', 'from', 'state'],
    key: ({ interface: on, ip }) => `${on} ${ip}`,
    cells: ({ interface: on, ip, length, origin, change }) =>
      change === 'removed' || change === 'conflict'
        ? undefined
        : [`${ip}/${length}`, on, origin, change === 'tentative' ? 'being checked' : 'in use'],
  }),
  reader('neighbour', {
    title: 'neighbours',
    columns: ['address', 'MAC address', 'state', 'adapter'],
    key: ({ interface: on, ip }) => `${on} ${ip}`,
    cells: ({ interface: on, ip, mac, state }) =>
      state === 'none' ? undefined : [ip, unknown(mac), state, on],
  }),
  reader('route', {
    title: 'routes',
    columns: ['to', 'by', 'adapter'],
    key: ({ prefix, via, interface: on }) => `${prefix} ${via} ${on}`,
    cells: ({ prefix, via, interface: on, change }) =>
      gone(change) ? undefined : [prefix, unknown(via), on],
  }),
  reader('proxy-entry', {
    title: 'stands in for',
    columns: ['address', 'network'],
    key: ({ network, ip }) => `${network} ${ip}`,
    cells: ({ network, ip, change }) => (gone(change) ? undefined : [ip, network]),
  }),
  reader('lease', {
    title: 'leases',
    columns: ['address', 'MAC address', 'state', 'as', 'server'],
    key: ({ role, mac, ip }) => (role === 'client' ? 'client' : ip || mac),
    cells: ({ role, state, ip, mac, server }) => [
      unknown(ip),
      unknown(mac),
      state,
      role,
      unknown(server),
    ],
  }),
  reader('switch-entry', {
    title: 'MAC addresses',
    columns: ['MAC address', 'VLAN', 'port'],
    key: ({ mac, vlan }) => `${mac} ${vlan}`,
    cells: ({ mac, vlan, port, change }) => (gone(change) ? undefined : [mac, `${vlan}`, port]),
  }),
  reader('switch-port', {
    title: 'ports',
    columns: ['port', 'state'],
    key: ({ port }) => port,
    cells: ({ port, state }) => [port, state],
  }),
  reader('bridge', {
    title: 'carries the frames of',
    columns: ['network'],
    key: ({ network }) => network,
    cells: ({ network, state }) => (state === 'off' ? undefined : [network]),
  }),
  reader('bridge-entry', {
    title: 'MAC addresses in the bridge',
    columns: ['MAC address', 'network', 'side'],
    key: ({ network, mac }) => `${network} ${mac}`,
    cells: ({ network, mac, side }) => [mac, network, side],
  }),
  reader('tunnel', {
    title: 'tunnels',
    columns: ['tunnel', 'state', 'with', 'because'],
    key: ({ tunnel }) => tunnel,
    cells: ({ tunnel, state, endpoint, because = '' }) => [
      tunnel,
      state,
      unknown(endpoint),
      unknown(because),
    ],
  }),
  reader('relay', {
    title: 'relayed',
    columns: ['from', 'to'],
    key: ({ session }) => session,
    cells: ({ session, to, change }) => (gone(change) ? undefined : [session, to]),
  }),
  reader('translation', {
    title: 'translations',
    columns: ['inside', 'outside'],
    key: ({ inside, outside }) => `${inside} ${outside}`,
    cells: ({ inside, outside, change }) => (gone(change) ? undefined : [inside, outside]),
  }),
  reader('connection', {
    title: 'connections',
    columns: ['local', 'remote', 'state'],
    key: ({ local, remote }) => `${local} ${remote}`,
    cells: ({ local, remote, state }) => (state === 'CLOSED' ? undefined : [local, remote, state]),
  }),
  reader('path-mtu', {
    title: 'path MTUs',
    columns: ['to', 'bytes'],
    key: ({ ip }) => ip,
    cells: ({ ip, mtu }) => [ip, `${mtu}`],
  }),
  reader('replica', {
    title: 'replicas',
    columns: ['VM', 'state', 'restore point'],
    key: ({ vm }) => vm,
    cells: ({ vm, state, restorePoint }) => [vm, state, unknown(restorePoint)],
    lasting: true,
  }),
  reader('plan', {
    title: 'failover plans',
    columns: ['plan', 'state'],
    key: ({ plan }) => plan,
    cells: ({ plan, state }) => [plan, state],
    lasting: true,
  }),
]);

/** What tables are made from. */
export type TableFact = Extract<TraceEvent, { kind: Fact['kind'] }>;
export const tableFacts: readonly Fact['kind'][] = ['power', ...readers.keys()];

/** The tables of a device that are not empty. The name `lab` stands for the controller. */
export const tablesOf = (log: EventLog, node: string): DeviceTable[] =>
  tablesFrom(factsOf(log, node));

function* factsOf(log: EventLog, node: string): Generator<TableFact> {
  for (const event of log.facts(tableFacts)) if (event.node === node) yield event;
}

/** The same from the facts of one device alone, in order: up to some instant, say. */
export function tablesFrom(facts: Iterable<TableFact>): DeviceTable[] {
  const tables = new Map<Fact['kind'], Map<string, DeviceRow>>();
  for (const event of facts) {
    if (event.kind === 'power') {
      // A machine that starts remembers nothing.
      if (event.state !== 'on')
        for (const [kind, rows] of tables) if (!readers.get(kind)!.lasting) rows.clear();
      continue;
    }
    note(tables, event);
  }
  return [...readers].flatMap(([kind, { title, columns }]) => {
    const rows = [...(tables.get(kind)?.values() ?? [])];
    return rows.length === 0 ? [] : [{ title, columns, rows }];
  });
}

function note(tables: Map<Fact['kind'], Map<string, DeviceRow>>, event: TableFact): void {
  const { key, cells } = readers.get(event.kind)! as unknown as Reader<Fact>;
  let rows = tables.get(event.kind);
  if (rows === undefined) tables.set(event.kind, (rows = new Map()));
  const row = cells(event);
  if (row === undefined) rows.delete(key(event));
  else rows.set(key(event), { cells: row, since: event.at });
}

export function countersOf(log: EventLog, node: string): FrameCounters {
  let [sent, received] = [0, 0];
  const drops = new Map<Reason, number>();
  for (let id = 0; id < log.length; id += 1) {
    const sort = log.sortOf(id);
    if (sort === 'drop') {
      const event = log.read(id);
      if (event.kind === 'drop' && event.node === node)
        drops.set(event.reason, (drops.get(event.reason) ?? 0) + 1);
    } else if (sort === 'frame' || sort === 'flood') {
      for (const { port, peer } of log.crossings(id)) {
        if (port.device.name === node) sent += 1;
        if (peer.device.name === node) received += 1;
      }
    }
  }
  const sorted = [...drops].sort(([, one], [, other]) => other - one);
  return { out: sent, in: received, drops: new Map(sorted) };
}
