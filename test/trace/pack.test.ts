/** What a page gets of a run: its log packed and read back, and the scene that it is drawn in. */
import { readdirSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { utf8 } from '../../src/base/bytes.ts';
import { sceneOf } from '../../src/scenario/scene.ts';
import type { EventLog } from '../../src/trace/log.ts';
import { BadLog, packLog, unpackLog } from '../../src/trace/pack.ts';
import { digest, played, scenarios } from '../playing.ts';

const gallery = readdirSync('scenarios').filter((file) => file.endsWith('.yaml'));

for (const file of gallery)
  test(`${file}: the log is read back to the last byte, and every frame goes along a cable of the scene`, async (t) => {
    const scenario = scenarios(file)[0]!;
    const { log } = await played(scenario);
    const again = unpackLog(packLog(log));
    t.is(again.length, log.length);
    t.is(digest(again), digest(log));
    const { areas, cables } = sceneOf(scenario);
    const names = areas.flatMap(({ devices }) => devices.map(({ name }) => name));
    t.is(new Set(names).size, names.length, 'each device stands in one place');
    const laid = new Set(cables.flatMap(({ a, b }) => [key(a, b), key(b, a)]));
    const strange = new Set<string>();
    for (let id = 0; id < log.length; id += 1) {
      const [read, kept] = [again.sortOf(id), log.sortOf(id)];
      if (read !== kept) t.fail(`event ${id} was a ${kept}`);
      if (kept !== 'frame' && kept !== 'flood') continue;
      const crossings = again.crossings(id);
      t.is(crossings.length, log.crossings(id).length);
      for (const { port, peer } of crossings) {
        const from = { device: port.device.name, port: port.label };
        const to = { device: peer.device.name, port: peer.label };
        if (!laid.has(key(from, to))) strange.add(key(from, to));
      }
    }
    t.deepEqual([...strange], []);
    t.deepEqual(
      nodesOf(log).filter((name) => !names.includes(name)),
      [],
    );
  });

type Port = { readonly device: string; readonly port: string };
const key = (a: Port, b: Port): string => `${a.device} ${a.port} - ${b.device} ${b.port}`;

const nodesOf = (log: EventLog): string[] => [
  ...new Set([...log.facts(['machine', 'power'])].map(({ node }) => node)),
];

const sample = async (): Promise<Uint8Array> =>
  packLog((await played(scenarios('16-changed-password.yaml')[0]!)).log);

test('bad input: a packed log that is cut anywhere, or changed anywhere, is refused or is a log', async (t) => {
  const good = await sample();
  const refused = (bytes: Uint8Array): boolean => {
    try {
      for (const event of unpackLog(bytes).events()) void event.id;
      return false;
    } catch (error) {
      if (!(error instanceof BadLog)) throw error;
      return true;
    }
  };
  t.false(refused(good));
  fc.assert(
    fc.property(fc.nat(good.length - 1), (at) => refused(good.subarray(0, at))),
    { seed: 1, numRuns: 400 },
  );
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const bad = good.slice();
      bad[at]! ^= by;
      refused(bad);
    }),
    { seed: 2, numRuns: 800 },
  );
});

for (const [title, rest] of Object.entries({
  'more events than bytes': { events: 2 ** 50 },
  'more memory than bytes': { memory: 2 ** 50 },
  'a negative number of events': { events: -1 },
  'no facts': { facts: 'none' },
  'no object': null,
}))
  test(`bad input: a packed log that says ${title} is refused before anything is made of it`, (t) => {
    const empty = { level: 'full', events: 0, memory: 0, facts: [], groups: [] };
    const whole = rest === null ? null : { ...empty, ports: [], loose: [], tunnels: [], ...rest };
    const said = utf8(JSON.stringify(whole));
    const head = [...utf8('standin log 1\n'), (said.length % 128) | 128, said.length >> 7, 0];
    t.throws(() => unpackLog(Uint8Array.from([...head, ...said])), { instanceOf: BadLog });
  });
