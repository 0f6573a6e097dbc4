/** `standin explain` as a process: what it says, and its exit codes. */
import test from 'ava';
import { folderWith, standin } from '../support/cli.ts';

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
    [[stale, 'web01'], /does not say from where to where/],
    [[stale, 'web01 -> nobody'], /nobody/],
    [[`${stale}:38`, 'web01 -> sql01'], /a line or a flow can be explained, not both/],
    [[stale, 'web01 -> sql01', '--at', '5'], /--at: 5 needs a unit/],
    [[stale, 'web01 -> sql01', '--after', 'step:99'], /there is no step 99: the file has 6/],
    [[stale, '--case', 'nothing'], /no case has "nothing" in its name/],
    [['no-such.yaml:3'], /there is no file or folder no-such\.yaml/],
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
