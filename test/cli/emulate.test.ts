/** Labs that stand, from the command line: what is made, who it belongs to, and that none of it gets out. */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Keeper } from '../../src/cli/keeper.ts';
import { programIn } from '../../src/emu/sandbox.ts';
import { environment, tool } from '../../src/emu/tools.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { needsSandbox } from '../needs.ts';
import { scenarios } from '../playing.ts';
import { type Ended, folderWith, main, standin } from '../support/cli.ts';

const file = 'scenarios/01-partial-static.yaml';

/** A place for the sockets of labs, which is the test's alone; what stands there at its end does not outlive it. */
function place(t: ExecutionContext): (...words: string[]) => Promise<Ended> {
  const folder = folderWith(t);
  chmodSync(folder, 0o700);
  const env = { XDG_RUNTIME_DIR: folder };
  t.teardown(() => standin(['emulate', 'down'], { env }));
  return (...words) => standin(['emulate', ...words], { env });
}

test('plan: one namespace for each machine that runs and each switch, and nothing is made', async (t) => {
  const emulate = place(t);
  const { code, stdout } = await emulate('plan', file, '--json');
  t.is(code, 0);
  const sketch = JSON.parse(stdout);
  const running = sketch.machines.filter(
    (one: { host: string; running: boolean }) => one.host === 'kernel' && one.running,
  );
  t.deepEqual(running.map(({ name }: { name: string }) => name).sort(), [
    'hq.gateway',
    'internet',
    'pc01',
    'sql01',
    'web01',
  ]);
  t.is(sketch.namespaces, running.length + sketch.bridges.length + 1);
  t.is((await emulate('status')).code, 3);
});

test('without a lab: nothing to end, nothing to run a program in; a case must be named', async (t) => {
  const emulate = place(t);
  t.is((await emulate('down')).code, 3);
  t.is((await emulate('exec', 'web01', '--', 'id')).code, 3);
  const many = await emulate('plan', 'scenarios/02-partial-dhcp.yaml', '--case', 'no such case');
  t.is(many.code, 2);
  t.regex(many.stderr, /--case must say which case/);
  t.is((await emulate('up', file, '--until', '99')).code, 2);
});

test('what no kernel can do is unsupported, with a code of its own', async (t) => {
  if (!needsSandbox(t)) return;
  const folder = folderWith(t, {
    'strict.yaml': `
name: strict
about: A host that no kernel is.
tenant:
  sites:
    hq:
      networks: { lan: { subnet: 10.0.10.0/24, gateway: 10.0.10.1 } }
      vms: { a: { network: lan, ip: 10.0.10.11, os: strict } }
steps: [{ wait: 1s }]
`,
  });
  const { code, stderr } = await place(t)('up', join(folder, 'strict.yaml'));
  t.is(code, 6);
  t.regex(stderr, /a is to do what the RFCs say/);
});

test('a lab stands in the background: programs run in it, its state is told, it is ended', async (t) => {
  if (!needsSandbox(t)) return;
  const folder = folderWith(t);
  chmodSync(folder, 0o700);
  const trap = join(folder, 'trap');
  const sprung = join(folder, 'sprung');
  // Whatever a caller's surroundings say, it is the system's own programs that are called.
  const env = {
    XDG_RUNTIME_DIR: folder,
    PATH: `${trap}:${process.env['PATH']}`,
    IFS: '/',
    LD_LIBRARY_PATH: trap,
    BASH_ENV: join(trap, 'ip'),
  };
  spawnSync('mkdir', [trap]);
  for (const name of ['ip', 'unshare', 'nsenter', 'sysctl', 'mount']) {
    writeFileSync(join(trap, name), `#!/bin/sh\necho ${name} >> ${sprung}\nexit 1\n`);
    chmodSync(join(trap, name), 0o755);
  }
  const emulate = (...words: string[]): Promise<Ended> => standin(['emulate', ...words], { env });
  t.teardown(() => emulate('down'));

  const up = await emulate('up', file, '--detach');
  t.is(up.code, 0, up.stderr);
  const again = await emulate('up', file, '--detach');
  t.is(again.code, 2);
  t.regex(again.stderr, /stands already/);

  const ping = await emulate('exec', 'web01', '--', 'ping', '-c', '1', '10.0.10.20');
  t.is(ping.code, 0, ping.stdout + ping.stderr);
  t.is((await emulate('exec', 'web01', '--', 'false')).code, 1);
  t.is((await emulate('exec', 'web01', '--', 'no-such-program')).code, 4);
  t.is((await emulate('exec', 'nobody', '--', 'id')).code, 2);
  t.regex((await emulate('exec', 'gw1', '--', 'id')).stderr, /no kernel to run a program on/);
  t.regex((await emulate('exec', 'sql01-replica', '--', 'id')).stderr, /switched off/);

  // Also for root: none of its namespaces is one of ours.
  for (const kind of ['user', 'net', 'mnt', 'pid', 'ipc', 'uts']) {
    const { stdout } = await emulate('exec', 'web01', '--', 'readlink', `/proc/self/ns/${kind}`);
    t.regex(stdout, new RegExp(`^${kind}:`));
    t.not(stdout.trim(), readlinkSync(`/proc/self/ns/${kind}`), kind);
  }
  const variables = await emulate('exec', 'web01', '--', 'env');
  t.deepEqual(
    Object.fromEntries(
      variables.stdout
        .trim()
        .split('\n')
        .map((one) => one.split('=', 2)),
    ),
    {
      ...environment,
    },
  );

  const status = JSON.parse((await emulate('status', '--json')).stdout).labs[0].status;
  const web01 = status.machines.find(({ name }: { name: string }) => name === 'web01');
  t.deepEqual(web01.adapters[0].addresses, ['10.0.10.11/24']);
  t.true(web01.adapters[0].neighbours.some(({ ip }: { ip: string }) => ip === '10.0.10.20'));

  t.is((await emulate('down', file)).code, 0);
  t.is((await emulate('status')).code, 3);
  t.false(existsSync(sprung), 'a program of the trap was called');
  t.deepEqual(readdirSync(folder), ['trap'], 'nothing is left of it');
});

test('a lab in the foreground ends with Ctrl-C, which is no failure', async (t) => {
  if (!needsSandbox(t)) return;
  const folder = folderWith(t);
  chmodSync(folder, 0o700);
  const isUp = (): boolean =>
    existsSync(join(folder, 'standin')) &&
    readdirSync(join(folder, 'standin')).some((name) => /^[^.].*\.sock$/.test(name));
  const { code, stderr } = await standin(['emulate', 'up', file], {
    env: { XDG_RUNTIME_DIR: folder },
    interruptIf: isUp,
  });
  t.is(code, 0, stderr);
  t.deepEqual(readdirSync(folder), []);
});

test('a socket that nobody answers at is swept away', async (t) => {
  const folder = folderWith(t, { 'standin/0123456789abcdef-1.sock': '' });
  chmodSync(folder, 0o700);
  chmodSync(join(folder, 'standin'), 0o700);
  const left = join(folder, 'standin', '0123456789abcdef-2.sock');
  spawnSync(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(left)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ]);
  t.true(existsSync(left));
  const { code } = await standin(['emulate', 'status'], { env: { XDG_RUNTIME_DIR: folder } });
  t.is(code, 3);
  t.false(existsSync(left));
});

test('names that look like a shell or like options never reach the kernel', async (t) => {
  if (!needsSandbox(t)) return;
  // No file can have such names; this is what would become of them if one could.
  const names: Readonly<Record<string, string>> = { web01: '$(id)', sql01: '-x', lan10: 'a;b' };
  const [scenario] = scenarios('01-partial-static.yaml');
  const keeper = new Keeper({ scenario: renamed(scenario!, names), steps: 0 }, folderWith(t));
  t.teardown(() => keeper.close());
  const status = await keeper.standing;
  if (status === undefined) {
    t.fail(await keeper.ended);
    return;
  }
  const { namespace } = status.machines.find(({ name }) => name === '$(id)')!;
  const { process: pid } = (await keeper.report())!;
  const seen = async (program: string, ...words: string[]): Promise<string> => {
    const child = programIn(pid, namespace!, tool(program), words, 'pipe');
    let said = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (said += text));
    await new Promise((resolve) => child.once('close', resolve));
    return said;
  };
  const spaces = (await seen('ls', '/run/netns')).trim().split('\n');
  t.true(spaces.length > 5);
  for (const space of spaces) t.regex(space, /^(n\d+|u)$/);
  const links = await seen('ip', '-o', 'link');
  t.regex(links, /\be0\b/);
  const everything =
    links + (await seen('ip', '-n', 'u', '-o', 'link')) + (await seen('find', '/run'));
  const processes = await seen(
    'cat',
    ...(await seen('find', '/proc', '-maxdepth', '2', '-name', 'cmdline')).trim().split('\n'),
  );
  for (const name of Object.values(names)) {
    t.false(everything.includes(name), name);
    if (name !== '-x') t.false(processes.includes(name), name);
  }
});

/** The scenario with other names, wherever they stand. */
function renamed(scenario: Scenario, names: Readonly<Record<string, string>>): Scenario {
  const change = (value: unknown): unknown => {
    if (typeof value === 'string') return names[value] ?? value;
    if (value instanceof Map) return new Map([...value].map(([k, v]) => [change(k), change(v)]));
    if (Array.isArray(value)) return value.map(change);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, change(one)]));
  };
  return change(scenario) as Scenario;
}

test('a user without any privileges has a lab too', async (t) => {
  if (!needsSandbox(t)) return;
  if (process.getuid?.() !== 0) {
    t.pass('all tests are run by one');
    return;
  }
  const user = 54_321;
  const folder = folderWith(t);
  spawnSync('chown', ['-R', `${user}:${user}`, folder]);
  chmodSync(folder, 0o700);
  const emulate = (...words: string[]): Promise<Ended> =>
    new Promise((resolve) => {
      const ids = ['--reuid', String(user), '--regid', String(user), '--clear-groups'];
      const all = [...ids, process.execPath, main, 'emulate', ...words];
      const child = spawn('setpriv', all, { env: { XDG_RUNTIME_DIR: folder } });
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
    });
  t.teardown(() => emulate('down'));
  const up = await emulate('up', file, '--detach');
  t.is(up.code, 0, up.stderr);
  t.is((await emulate('exec', 'web01', '--', 'ping', '-c', '1', '10.0.10.20')).code, 0);
  t.is((await emulate('down')).code, 0);
  t.deepEqual(readdirSync(folder), []);
});
