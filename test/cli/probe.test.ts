/** `standin probe`: one question to a scenario, after some of its steps and with changes. */
import { join } from 'node:path';
import test from 'ava';
import { bundle, type CliOptions, folderWith, good, root, standin, wrong } from '../support/cli.ts';

const probe = (words: readonly string[], options: CliOptions = {}) =>
  standin(['probe', ...words], { ...options, program: bundle });
const gallery = (name: string): string => join(root, 'scenarios', `${name}.yaml`);
const flagship = gallery('01-partial-static');
const dhcp = gallery('02-partial-dhcp');
const noServer = ['--case', 'lease=valid plan_dhcp=none'];

const wayIn = (stdout: string): string[] => {
  const { answer } = JSON.parse(stdout);
  return answer.hops.map(({ where }: { where: string }) => where);
};

test('between the disaster and the failover nobody answers; after it the replica does, through the tunnel', async (t) => {
  const before = await probe([flagship, 'web01', '->', 'sql01', '--after', 'step:2']);
  t.is(before.code, 1);
  t.regex(before.stdout, /after step 2, fault: sql01 loses power/);
  t.regex(before.stdout, /✗ ping web01 -> sql01\n {3}no answer in 5 s/);
  t.regex(before.stdout, /why {3}POWERED_OFF: /);
  t.regex(before.stdout, /try {3}/);
  const after = await probe([flagship, 'web01 -> sql01:1433', '--after', '3', '--json']);
  t.is(after.code, 0);
  const nodes = wayIn(after.stdout);
  const [there, back] = [nodes.indexOf('sql01-replica'), nodes.lastIndexOf('web01')];
  for (const way of [nodes.slice(0, there), nodes.slice(there, back)])
    for (const device of ['nea-hq', 'gw1', 'sp-nea']) t.true(way.includes(device), device);
});

test('with --set it is asked without as well, and said whether that changes it', async (t) => {
  const without = await probe([dhcp, ...noServer, 'web01', 'sql01']);
  t.is(without.code, 1);
  t.regex(without.stdout, /DHCP_NO_STATIC_IP/);
  const flow = ['web01', 'sql01', '--set', 'sql01.ip=10.0.10.20'];
  const changed = await probe([dhcp, ...noServer, ...flow]);
  t.is(changed.code, 0);
  t.regex(
    changed.stdout.replace(/\s+/g, ' '),
    /with sql01\.ip=10\.0\.10\.20: reply after \S+ ms; without: not reachable \(DHCP_NO_STATIC_IP\): that changes it/,
  );
  const idle = await probe([flagship, 'web01', 'sql01', '--set', 'seed=9', '--after', '1']);
  t.regex(idle.stdout.replace(/\s+/g, ' '), /without: reply after \S+ ms: no change/);
});

test('a machine that nobody gives an address is not reachable', async (t) => {
  const words = ['web01', 'sql01', '--set', 'sql01.ip=dhcp', '--after', '1', '--json'];
  const { code, stdout } = await probe([flagship, ...words]);
  t.is(code, 1);
  const { answer, without } = JSON.parse(stdout);
  t.false(answer.reachable);
  t.true(without.reachable);
});

test('the same seed gives the same answer to the byte, and --seed another', async (t) => {
  const words = [flagship, 'web01', 'sql01', '--after', '1', '--json'];
  const [one, again, other] = await Promise.all([
    probe(words),
    probe(words),
    probe([...words, '--seed', '8']),
  ]);
  t.is(one.stdout, again.stdout);
  t.is(JSON.parse(other.stdout).seed, 8);
});

test('what cannot be asked is told at its place, exit 2', async (t) => {
  const cwd = folderWith(t, { 'good.yaml': good, 'wrong.yaml': wrong });
  const cases: [string[], RegExp][] = [
    [['good.yaml', 'web01', 'sql02'], /a step put in:1:\d+ {2}error {2}unknown machine "sql02"/],
    [['good.yaml', 'web01', '-'], /"web01 -" is no flow/],
    [['good.yaml', 'a -> b -> c'], /a step put in:1/],
    [['good.yaml', 'web01', 'sql01:99999'], /\[E209\]/],
    [
      ['good.yaml', 'web01', 'sql01', '--after', 'step:2'],
      /there is no step 2: the last one is step 1/,
    ],
    [['good.yaml', 'web01', 'sql01', '--after', 'three'], /Write it like step:3/],
    [['good.yaml', 'web01', 'sql01', '--set', 'sql01.ip'], /Write it like sql01\.ip=dhcp/],
    [
      ['good.yaml', 'web01', 'sql01', '--set', 'sql01.ip=10.0.300.1'],
      /--set sql01\.ip:1:8 {2}error/,
    ],
    [['good.yaml', 'web01', 'sql01', '--set', 'nobody.ip=dhcp'], /not the path of one thing/],
    [['wrong.yaml', 'web01', 'sql01'], /unknown probe "pnig"/],
    [['none.yaml', 'web01', 'sql01'], /there is no file or folder none\.yaml/],
    [['good.yaml'], /missing required argument 'flow'/],
    [[dhcp, 'web01', 'sql01'], /--case must say which case is meant/],
  ];
  await Promise.all(
    cases.map(async ([words, said]) => {
      const { code, stdout, stderr } = await probe(words, { cwd });
      t.is(code, 2, words.join(' '));
      t.is(stdout, '', words.join(' '));
      t.regex(stderr, said, words.join(' '));
    }),
  );
});
