/** What is said of a computer that is too slow, and of networks that are not attached. */
import test from 'ava';
import { needsSandbox } from '../needs.ts';
import { folderWith, good, standin } from '../support/cli.ts';

test('a run on kernels in which something is too late can fail: the case is named, the code is 4', async (t) => {
  if (!needsSandbox(t)) return;
  const cwd = folderWith(t, { 'a.yaml': good });
  const words = ['run', 'a.yaml', '--backend', 'linux', '--late', 'fail', '--late-limit'];
  // Nobody is as quick as that.
  const { code, stdout, stderr } = await standin([...words, '1us'], { cwd });
  t.is(code, 4);
  t.regex(stderr, /^standin: a\.yaml: this machine is too slow: something happened \d+ ms late/m);
  t.notRegex(stderr, /first failure/);
  t.notRegex(stdout, /met/);
});

test('a limit that is no duration is wrong usage', async (t) => {
  const cwd = folderWith(t, { 'a.yaml': good });
  const { code, stderr } = await standin(['run', 'a.yaml', '--late-limit', 'soon'], { cwd });
  t.is(code, 2);
  t.regex(stderr, /--late-limit: "soon" is not a duration/);
});

test('emulate says that nothing is attached, as run does', async (t) => {
  const attached = good.replace(
    'gateway: 10.0.10.1',
    'gateway: 10.0.10.1, mtu: 1450, attach: "vxlan://192.0.2.10:4789/42"',
  );
  const cwd = folderWith(t, { 'a.yaml': attached });
  const told = /lan10: not attached, which is for "standin attach" alone/;
  for (const words of [['emulate', 'plan'], ['run']])
    t.regex((await standin([...words, 'a.yaml'], { cwd })).stderr, told);
});
