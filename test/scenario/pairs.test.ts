/** Who is asked about whom, and which of them in one play. */
import test from 'ava';
import fc from 'fast-check';
import { groupsOf, type Pair, pairPattern, pairsOf } from '../../src/scenario/pairs.ts';
import { scenarios } from '../playing.ts';
import { checkText, onlyCase } from './memory.ts';

const all = { services: true, most: 1000 };
const nameOf = ({ from, to, at, services }: Pair): string => {
  const ports = services.map(({ protocol, port }) => ` ${protocol}/${port}`).join('');
  return `${from.text} -> ${to.text}${at === undefined ? '' : ' at a public address'}${ports}`;
};

test('everybody asks everybody, services where somebody listens; routers ask for the way only', (t) => {
  const [flagship] = scenarios('01-partial-static.yaml');
  t.deepEqual(pairsOf(flagship!, all).pairs.map(nameOf), [
    'web01 -> sql01 tcp/1433',
    'web01 -> pc01',
    'web01 -> hq.gateway',
    'sql01 -> web01',
    'sql01 -> pc01',
    'sql01 -> hq.gateway',
    'pc01 -> web01',
    'pc01 -> sql01 tcp/1433',
    'pc01 -> hq.gateway',
    'hq.gateway -> web01',
    'hq.gateway -> sql01',
    'hq.gateway -> pc01',
  ]);
});

test('tenants ask nobody of another, though all of them have the same addresses', (t) => {
  const [two] = scenarios('11-two-tenants-same-subnet.yaml');
  const { pairs } = pairsOf(two!, all);
  const tenantOf = (name: string): string => name.split('/')[0]!;
  t.deepEqual([...new Set(pairs.map(({ from }) => tenantOf(from.text)))], ['acme', 'beta']);
  for (const { from, to } of pairs) t.is(tenantOf(from.text), tenantOf(to.text));
});

test('from the internet only what is published is asked for, each public port once', (t) => {
  const [nat] = scenarios('22-full-site-failover-nat.yaml');
  const { pairs } = pairsOf(nat!, { ...all, pattern: pairPattern('phone1 -> *')! });
  t.deepEqual(pairs.map(nameOf), [
    'phone1 -> web01 at a public address tcp/443',
    'phone1 -> sql01 at a public address tcp/1433',
  ]);
});

test('a pattern says which: names with stars, one port or all', (t) => {
  const [flagship] = scenarios('01-partial-static.yaml');
  const asked = (text: string): string[] =>
    pairsOf(flagship!, { ...all, pattern: pairPattern(text)! }).pairs.map(nameOf);
  t.deepEqual(asked('web01 -> *'), [
    'web01 -> sql01 tcp/1433',
    'web01 -> pc01',
    'web01 -> hq.gateway',
  ]);
  t.deepEqual(asked(' *01->sql01:1433 '), ['web01 -> sql01 tcp/1433', 'pc01 -> sql01 tcp/1433']);
  t.deepEqual(asked('hq.gateway -> w*'), ['hq.gateway -> web01']);
  t.deepEqual(asked('hq-gateway -> *'), [], 'a dot is a dot');
  t.deepEqual(asked('web01 -> sql01:80'), []);
  for (const text of ['web01', 'web01 - sql01', '-> sql01', 'web01 -> sql01:http', 'a b -> c', ''])
    t.is(pairPattern(text), undefined, text);
});

test('where there are too many, each machine is still asked by some, and the rest is told', (t) => {
  const many = onlyCase(
    checkText(`name: many
about: So many that not all can be asked.
tenant:
  sites:
    hq:
      networks:
        lan10: { subnet: 10.0.10.0/24, gateway: 10.0.10.1 }
        lan20: { subnet: 10.0.20.0/24, gateway: 10.0.20.1 }
      vms:
        "a{1..50}": { network: lan10, ip: "10.0.10.{11..60}" }
        "b{1..50}": { network: lan20, ip: "10.0.20.{11..60}" }
steps: [wait: 1s]
`),
  );
  const whole = 101 * 100; // a hundred VMs and a router, each toward each other
  for (const most of [1000, 310, 150, 20]) {
    const { pairs, leftOut } = pairsOf(many, { ...all, most });
    t.true(pairs.length <= most);
    t.is(leftOut.length, 1);
    t.true(leftOut[0]!.startsWith(`${whole - pairs.length} of ${whole} pairs are not asked`));
    if (most >= 101) t.is(new Set(pairs.map(({ to }) => to.text)).size, 101, `${most}`);
    t.deepEqual(
      pairs.map(({ index }) => index),
      pairs.map((_, i) => i),
    );
  }
  t.deepEqual(pairsOf(many, { ...all, most: whole }).leftOut, []);
});

test('no machine is in two pairs of a group, unless so many groups are too many', (t) => {
  const machine = (i: number) => ({ kind: 'vm', name: `m${i}`, text: `m${i}` }) as Pair['from'];
  const property = fc.property(
    fc.integer({ min: 2, max: 14 }),
    fc.integer({ min: 1, max: 40 }),
    (machines, most) => {
      const pairs: Pair[] = [];
      for (let i = 0; i < machines; i += 1)
        for (let j = 0; j < machines; j += 1)
          if (i !== j)
            pairs.push({
              index: pairs.length,
              from: machine(i),
              to: machine(j),
              at: undefined,
              pings: true,
              services: [],
            });
      const free = groupsOf(pairs, Number.POSITIVE_INFINITY);
      for (const group of free) {
        const ends = group.flatMap(({ from, to }) => [from.text, to.text]);
        if (new Set(ends).size !== ends.length) return false;
      }
      const few = groupsOf(pairs, most);
      const isWhole = (groups: readonly (readonly Pair[])[]): boolean =>
        new Set(groups.flat()).size === pairs.length && groups.flat().length === pairs.length;
      return few.length <= most && isWhole(few) && isWhole(free);
    },
  );
  t.notThrows(() => fc.assert(property, { seed: 7, numRuns: 60 }));
});
