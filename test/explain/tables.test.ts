/** What devices know, from facts that were written by hand. */
import test from 'ava';
import { type Instant, seconds } from '../../src/base/time.ts';
import { countersOf, tablesOf } from '../../src/explain/tables.ts';
import { EventLog } from '../../src/trace/log.ts';
import { stand, twoSites } from './rig.ts';

const at = (n: number): Instant => seconds(n) as number as Instant;
const rowsOf = (log: EventLog, node: string, title: string) =>
  tablesOf(log, node).find((table) => table.title === title)?.rows ?? [];

test('a later fact takes the place of an earlier one, and a power cycle leaves nothing', (t) => {
  const log = new EventLog('decisions');
  const neighbour = { kind: 'neighbour', interface: 'eth0', ip: '10.0.0.2' } as const;
  log.tell(at(1), 'a', -1, { ...neighbour, mac: '', state: 'incomplete', was: 'none' });
  log.tell(at(2), 'a', -1, { ...neighbour, mac: '02:00', state: 'reachable', was: 'incomplete' });
  log.tell(at(2), 'b', -1, { ...neighbour, mac: '02:99', state: 'reachable', was: 'none' });
  t.deepEqual(rowsOf(log, 'a', 'neighbours'), [
    { cells: ['10.0.0.2', '02:00', 'reachable', 'eth0'], since: at(2) },
  ]);
  log.tell(at(3), 'a', -1, { kind: 'power', state: 'off' });
  t.deepEqual(tablesOf(log, 'a'), []);
  t.is(rowsOf(log, 'b', 'neighbours').length, 1);
});

test('what is removed has no row, and what the controller knows outlives every power cycle', (t) => {
  const log = new EventLog('decisions');
  const entry = { kind: 'proxy-entry', network: 'lan10', ip: '10.0.0.2' } as const;
  log.tell(at(1), 'nea', -1, { ...entry, change: 'added' });
  log.tell(at(2), 'nea', -1, { ...entry, change: 'removed' });
  t.deepEqual(tablesOf(log, 'nea'), []);
  const replica = { kind: 'replica', vm: 'sql01', was: 'ready', restorePoint: '' } as const;
  log.tell(at(3), 'lab', -1, { ...replica, state: 'failover' });
  log.tell(at(4), 'lab', -1, { kind: 'power', state: 'off' });
  t.deepEqual(rowsOf(log, 'lab', 'replicas'), [
    { cells: ['sql01', 'failover', '–'], since: at(3) },
  ]);
});

test('frames are counted at both ends of every cable they take, and drops where they end', async (t) => {
  const { log } = await stand(twoSites());
  const events = [...log.events()];
  for (const node of ['lan10', 'web01', 'sql01', 'hq.gateway']) {
    const ends = (of: 'from' | 'to'): number =>
      events
        .flatMap((event) => (event.kind === 'frame' || event.kind === 'flood' ? event[of] : []))
        .filter((label) => label.startsWith(`${node}.`)).length;
    const { in: came, out, drops } = countersOf(log, node);
    t.is(came, ends('to'), node);
    // A switch floods from one port into several cables: each counts.
    if (node !== 'lan10') t.is(out, ends('from'), node);
    const ended = events.filter((event) => event.kind === 'drop' && event.node === node);
    t.is(
      [...drops.values()].reduce((sum, n) => sum + n, 0),
      ended.length,
      node,
    );
  }
  t.true(countersOf(log, 'lan10').out > 0);
});
