/** `standin compare`: where two runs part, by their events and by their layers. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import {
  bundle,
  type CliOptions,
  type Ended,
  flagship,
  folderWith,
  good,
  standin,
} from '../support/cli.ts';

const run = (words: readonly string[], options: CliOptions): Promise<Ended> =>
  standin(words, { ...options, program: bundle });
const compare = (cwd: string, ...words: string[]): Promise<Ended> =>
  run(['compare', ...words], { cwd });

const logged = async (cwd: string, file: string, log: string): Promise<string[]> => {
  await run(['run', file, '--seed', '7', '--pcap', 'off', '--log', log], { cwd });
  return readFileSync(join(cwd, log), 'utf8').trimEnd().split('\n');
};

/** Where an event stands in a file does not make it another. */
const withoutPlaces = (line: string | undefined): string | undefined =>
  line?.replace(/,"line":\d+/, '');

test('a file and its log are the same to the byte', async (t) => {
  const cwd = folderWith(t, { 'a.yaml': flagship });
  const lines = await logged(cwd, 'a.yaml', 'a.ndjson');
  const { code, stdout, stderr } = await compare(cwd, 'a.yaml', 'a.ndjson');
  t.is(code, 0);
  t.is(stderr, '');
  t.true(stdout.includes(`✓ the same: ${lines.length} events, to the byte`));
});

test('the first event that differs is the first line that differs in the two logs', async (t) => {
  const changed = flagship.replace(/(nea-hq: \{)/, '$1 gratuitous_arp: none,');
  t.not(changed, flagship);
  const cwd = folderWith(t, { 'a.yaml': flagship, 'b.yaml': `# a line more\n${changed}` });
  const [left, right] = [
    await logged(cwd, 'a.yaml', 'a.log'),
    await logged(cwd, 'b.yaml', 'b.log'),
  ];
  const first = left.findIndex((line, i) => withoutPlaces(line) !== withoutPlaces(right[i]));
  t.true(first > 0);
  const { code, stdout } = await compare(cwd, 'a.yaml', 'b.yaml', '--json');
  t.is(code, 1);
  const { firstEvent, differences, same } = JSON.parse(stdout);
  t.false(same);
  t.is(firstEvent.id, first);
  t.deepEqual(firstEvent.left.event, JSON.parse(left[first]!));
  t.deepEqual(firstEvent.right.event, JSON.parse(right[first]!));
  t.deepEqual(
    firstEvent.before.map(({ id }: { id: number }) => id),
    [first - 4, first - 3, first - 2, first - 1],
  );
  const { cause } = firstEvent.left.event;
  t.is(firstEvent.left.causes[0]?.id, cause >= 0 ? cause : undefined);
  // The announcement that is left out is in the layer where it belongs.
  const arp = differences.find(({ layer }: { layer: string }) => layer === 'ARP');
  t.regex(arp.left, /^nea-hq: request from \S+ 10\.0\.10\.20 about 10\.0\.10\.20/);
  const text = await compare(cwd, 'a.log', 'b.log');
  t.is(text.code, 1);
  t.true(text.stdout.includes(`the first ${first} events are the same`));
});

test('times alone are a difference, unless they are told not to count', async (t) => {
  const cwd = folderWith(t, { 'a.yaml': good });
  const slower = ['a.yaml', '--set', 'links.lan.latency=200us'];
  const exact = await compare(cwd, ...slower);
  t.is(exact.code, 1);
  t.regex(exact.stdout, /no layer differs: they differ in times/);
  t.regex(exact.stdout, /differs in: .*(at|arrives)/);
  const { code, stdout } = await compare(cwd, ...slower, '--ignore', 'timing');
  t.is(code, 0);
  t.regex(stdout, /✓ the same, times aside/);
  const real = ['a.yaml', '--set', 'sql01.ip=10.0.10.21', '--ignore', 'timing'];
  t.is((await compare(cwd, ...real)).code, 1);
});

test('nothing is allowed for as it is between a simulation and a kernel', async (t) => {
  // Windows asks whether its address is free and Linux does not (L6 of the legitimate differences).
  const cwd = folderWith(t, { 'a.yaml': good });
  const { stdout } = await compare(cwd, 'a.yaml', '--set', 'sql01.os=linux', '--json');
  const { differences } = JSON.parse(stdout);
  const claim = differences.find(
    ({ layer, left, right }: Record<string, string>) =>
      layer === 'ARP' && / 0\.0\.0\.0 about 10\.0\.10\.20 /.test(left ?? '') && right === undefined,
  );
  t.truthy(claim);
  t.is(claim.legitimate, undefined);
});

test('two seeds: the first frame that they draw differently', async (t) => {
  const cwd = folderWith(t, { 'a.yaml': good });
  const { code, stdout } = await compare(cwd, 'a.yaml', '--seed', '1', '--seed', '2');
  t.is(code, 1);
  t.regex(stdout, / A {2}a\.yaml with seed 1\n B {2}a\.yaml with seed 2/);
  t.is((await compare(cwd, 'a.yaml', '--seed', '3', '--seed', '3')).code, 0);
});

test('what is no log of one run is refused with its line, and what cannot be compared with a reason', async (t) => {
  const cwd = folderWith(t, { 'a.yaml': good });
  const lines = await logged(cwd, 'a.yaml', 'a.log');
  const bad: [string, string, RegExp][] = [
    ['empty', '', /empty:1: there is no event in it/],
    ['text', 'hello\n', /text:1: this is not JSON/],
    ['twice', `${lines.join('\n')}\n${lines.join('\n')}\n`, /another run begins here/],
    ['cut', lines.join('\n').slice(0, -9), /the log is not complete/],
    ['gap', `${lines[0]}\n${lines[2]}\n`, /gap:2: the event has the id 2, not 1/],
    [
      'long',
      `${lines[0]}\n${' '.repeat(3_000_000)}`,
      /long:1: the line after this one is too long/,
    ],
    ['bytes', '\xff\xfe\x00\n', /bytes:1: this is not JSON/],
  ];
  for (const [name, text] of bad) writeFileSync(join(cwd, name), text, 'latin1');
  const cases: [string[], RegExp][] = [
    ...bad.map(([name, , said]): [string[], RegExp] => [['a.yaml', name], said]),
    [['a.yaml', '.'], /cannot read \.: it is a folder/],
    [['a.yaml', 'none'], /cannot read none: no such file/],
    [['a.yaml'], /with what\? Name another file/],
    [['a.log'], /is a log/],
    [['a.yaml', 'a.log', '--set', 'seed=9'], /leave the other out/],
    [['a.yaml', '--seed', '1', '--seed', '2', '--set', 'seed=9'], /what differs must be one thing/],
    [['a.yaml', 'none.yaml'], /there is no file or folder none\.yaml/],
  ];
  await Promise.all(
    cases.map(async ([words, said]) => {
      const { code, stdout, stderr } = await compare(cwd, ...words);
      t.is(code, 2, stderr);
      t.is(stdout, '');
      t.regex(stderr, said);
    }),
  );
});
