/** Devices at any event: the same tables and counters as a log that ends there gives. */
import test from 'ava';
import { countersOf, tablesOf } from '../../src/explain/tables.ts';
import type { TraceEvent } from '../../src/trace/event.ts';
import type { EventLog } from '../../src/trace/log.ts';
import { packLog, unpackLog } from '../../src/trace/pack.ts';
import { changesBetween } from '../../src/view/changes.ts';
import { Devices } from '../../src/view/devices.ts';
import { stretchOf } from '../../src/view/stretch.ts';
import { played, scenarios } from '../playing.ts';

/** The log as if it had ended with an event. */
function cutAfter(log: EventLog, event: number): EventLog {
  const cut = unpackLog(packLog(log));
  Object.defineProperty(cut, 'length', { value: event + 1 });
  const facts = cut.facts.bind(cut);
  cut.facts = function* (kinds, from) {
    for (const fact of facts(kinds, from)) if ((fact as TraceEvent).id <= event) yield fact;
  };
  return cut;
}

for (const file of ['02-partial-dhcp.yaml', '20-undo-failover.yaml'])
  test(`${file}: every device at every 150th event is what the log until then says`, async (t) => {
    const { log } = await played(scenarios(file)[0]!);
    const devices = new Devices(log);
    const names = [...new Set([...log.facts(['machine', 'switch-entry'])].map(({ node }) => node))];
    t.true(names.length > 8);
    for (let event = 0; event < log.length; event += 150) {
      const cut = cutAfter(log, event);
      for (const name of names) {
        const { tables, out, in: got, drops } = devices.at(name, event);
        t.deepEqual(tables, tablesOf(cut, name), `${name} after ${event}`);
        const counters = countersOf(cut, name);
        const ended = [...counters.drops.values()].reduce((sum, one) => sum + one, 0);
        t.deepEqual([out, got, drops], [counters.out, counters.in, ended], `${name} ${event}`);
      }
    }
  });

test('a step that takes the power of a VM changes that, and what others have of it', async (t) => {
  const { log, result } = await played(scenarios('01-partial-static.yaml')[0]!);
  const devices = new Devices(log);
  const step = result.steps.find(({ title }) => title.includes('loses power'))!;
  const next = result.steps.find(({ number }) => number === step.number + 1)!;
  t.is(step.at, next.at, 'both begin at one instant');
  const { from, to } = stretchOf(log, step.number);
  const changes = changesBetween(devices, ['sql01', 'pc01'], from - 1, to - 1);
  const power = changes.filter(({ table }) => table === 'power');
  t.deepEqual(
    power.map(({ device, row, what }) => [device, row, what]),
    [
      ['sql01', 'on', 'gone'],
      ['sql01', 'off', 'new'],
    ],
  );
  t.true(
    changes.some(({ device, table, what }) => `${device} ${table} ${what}` === 'sql01 routes gone'),
  );
  t.false(changes.some(({ device }) => device === 'pc01'));
});
