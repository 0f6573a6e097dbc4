/** `standin explain` as a process: what it says, and its exit codes. */
import test from 'ava';
import { readRequest } from '../../src/cli/explain-request.ts';
import { bundle, folderWith, standin as run } from '../support/cli.ts';

const standin = (words: readonly string[]) => run(words, { program: bundle });
const stale = 'scenarios/07-stale-arp-no-garp.yaml';
const flagship = 'scenarios/01-partial-static.yaml';

test('a line, a flow after a step and a moment are explained, and a change is verified', async (t) => {
  const verified = await standin(['explain', `${stale}:38`, '--verify']);
  t.is(verified.code, 0, verified.stderr);
  t.regex(verified.stdout, /STALE_ARP: web01 still sends to /);
  t.regex(
    verified.stdout,
    /verified: with this change in line 20, ping web01 ->\s+sql01 is answered: reply after /,
  );

  const flow = await standin([
    'explain',
    flagship,
    'web01',
    '->',
    'sql01:1433',
    '--after',
    'step:3',
    '--json',
  ]);
  t.is(flow.code, 0, flow.stderr);
  const { schema, answered, question, putIn, hops } = JSON.parse(flow.stdout);
  t.deepEqual([schema, answered, question, putIn], [1, true, 'tcp web01 -> sql01:1433', true]);
  t.true(hops.some(({ where }: { where: string }) => where === 'sp-nea'));

  const moment = await standin(['explain', flagship, 'web01 -> sql01', '--at', '18.2s', '--json']);
  const { code, asked, step } = JSON.parse(moment.stdout);
  t.deepEqual([code, asked, step], ['POWERED_OFF', 18_200_000_000, 3]);
});

test('changes that do not turn it make the exit code 1', async (t) => {
  const { code, stdout } = await standin([
    'explain',
    'scenarios/24-cluster-address.yaml:42',
    '--case',
    'proxy-arp',
    '--verify',
  ]);
  t.is(code, 1);
  t.regex(stdout, /did not turn: with this change/);
  t.notRegex(stdout, /verified/);
});

test('what makes no sense is refused with exit code 2, and nothing on stdout', async (t) => {
  const broken = folderWith(t, { 'wrong.yaml': 'name: x\nsteps: [{ wiat: 3s }]\n' });
  const cases: [string[], RegExp][] = [
    [[`${stale}:9999`], /^standin: no expectation and no step with one is in line 9999/],
    [[stale, 'web01 -> nobody'], /nobody/],
    [[stale, 'web01 -> sql01', '--after', 'step:99'], /there is no step 99: the file has 6/],
    [[`${broken}/wrong.yaml`], /unknown step "wiat"/],
  ];
  await Promise.all(
    cases.map(async ([words, said]) => {
      const { code, stdout, stderr } = await standin(['explain', ...words]);
      t.deepEqual([code, stdout], [2, ''], words.join(' '));
      t.regex(stderr, said);
    }),
  );
});

test('the words are read with care: what contradicts itself is said', (t) => {
  const read = (path: string, flow: string, options = {}) =>
    readRequest(
      path,
      flow.split(' ').filter((word) => word !== ''),
      { eventsMax: 1, ...options },
    );
  t.deepEqual(read('a.yaml:12', ''), {
    file: 'a.yaml',
    line: 12,
    flow: undefined,
    at: undefined,
    after: undefined,
  });
  const flow = read('a.yaml', 'web01 -> sql01:1433', { after: 'step:3' });
  if (typeof flow === 'string') return t.fail(flow);
  t.deepEqual([flow.flow?.port, flow.after, flow.line], [1433, 3, undefined]);
  for (const [said, ...of] of [
    [/both/, 'a.yaml:3', 'web01 -> sql01'],
    [/its own moment/, 'a.yaml:3', '', { at: '3s' }],
    [/--at: 5 needs a unit/, 'a.yaml', 'web01 -> sql01', { at: '5' }],
    [/both say when/, 'a.yaml', 'web01 -> sql01', { at: '5s', after: '3' }],
    [/goes with a flow/, 'a.yaml', '', { after: '3' }],
    [/step:3/, 'a.yaml', 'web01 -> sql01', { after: 'three' }],
    [/from where to where/, 'a.yaml', 'web01 sql01'],
    [/not between 1 and 65535/, 'a.yaml', 'web01 -> sql01:0'],
  ] as const) {
    const [path, words, options] = of;
    t.regex(read(path, words, options) as string, said);
  }
});
