/** The command line as a process: every command, every exit code, what goes to which stream. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { styleFor } from '../../src/cli/style.ts';
import { version } from '../../src/cli/version.ts';
import {
  bad,
  bundle,
  flagship,
  folderWith,
  good,
  main,
  root,
  small,
  standin,
  wrong,
} from '../support/cli.ts';

test('the version is that of package.json', async (t) => {
  t.is(version, JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version);
  for (const flag of ['--version', '-V'])
    t.deepEqual(await standin([flag]), {
      code: 0,
      signal: null,
      stdout: `${version}\n`,
      stderr: '',
    });
});

test('no command, an unknown one and an unknown option: help or a hint on stderr, exit 2', async (t) => {
  const cases: [string[], RegExp][] = [
    [[], /^Usage: standin /],
    [['rnu'], /unknown command 'rnu'\n\(Did you mean run\?\)/],
    [['run', '--sed', '1'], /unknown option '--sed'\n\(Did you mean --seed\?\)/],
    [['run', '--seed', 'x'], /whole number/],
    [['run', '--seed', '-1'], /whole number/],
    [['run', '--seed'], /argument missing/],
    [['run', '--pcap', 'some'], /Allowed choices are all, on-failure, off/],
    [['attach', 'x.yaml'], /required option '--listen <address>' not specified/],
    [['attach', 'x.yaml', '--listen', '0.0.0.0'], /must be one address of this machine/],
    [['attach', 'x.yaml', '--listen', '192.0.2.1:0'], /must be one address of this machine/],
    [['attach', 'x.yaml', '--listen', '192.0.2.1', '--late-limit', '5'], /needs a unit/],
    [['attach', 'x.yaml', '--listen', '192.0.2.1', '--late', 'never'], /carry-on, fail/],
    [
      ['attach', 'scenarios/01-partial-static.yaml', '--listen', '192.0.2.1'],
      /^standin: no network of \S+ says where it is attached/,
    ],
    [['check', 'no-such-file.yaml'], /^standin: there is no file or folder no-such-file\.yaml\n$/],
    [['list', 'no-such-folder'], /^standin: there is no file or folder no-such-folder\n$/],
    [['run', 'no-such-file.yaml'], /^standin: there is no file or folder no-such-file\.yaml\n$/],
    [
      ['reasons', 'STALE_APR'],
      /^standin: there is no reason STALE_APR: did you mean "STALE_ARP"\?\n$/,
    ],
  ];
  for (const [words, said] of cases) {
    const { code, stdout, stderr } = await standin(words);
    t.is(code, exitCodes.invalid, words.join(' '));
    t.is(stdout, '', words.join(' '));
    t.regex(stderr, said);
    t.notRegex(stderr, /\n {4}at /, 'no stack trace');
  }
});

test('asking for help is no mistake', async (t) => {
  for (const words of [['--help'], ['help'], ['run', '--help'], ['help', 'check']]) {
    const { code, stdout, stderr } = await standin(words);
    t.is(code, 0);
    t.regex(stdout, /^Usage: standin/);
    t.is(stderr, '');
  }
});

test('as expected, broken, wrong, nothing matched, not checked: 0, 1, 2, 3, 5', async (t) => {
  const folder = folderWith(t, {
    'good.yaml': good,
    'bad.yaml': bad,
    'wrong.yaml': wrong,
    'vague.yaml': small('{ outage: web01 -> 10.0.10.99, at_most: 1s }'),
    'empty/readme.txt': 'nothing here',
  });
  const cases: [string[], number, RegExp][] = [
    [['good.yaml'], 0, / 1 met · 0 broken\n/],
    [['bad.yaml'], 1, / 0 met · 1 broken\n/],
    [['wrong.yaml'], 2, /^$/],
    [['empty'], 3, /^$/],
    [['good.yaml', '--grep', 'nobody'], 3, /^$/],
    [['good.yaml', '--tag', 'nobody'], 3, /^$/],
    [['empty', '--allow-empty'], 0, /^$/],
    [['good.yaml', '--tag', 'nobody', '--allow-empty'], 0, /^$/],
    [['vague.yaml'], 5, / 0 met · 0 broken · 1 not checked\n/],
    [['good.yaml', 'vague.yaml'], 5, / 1 passed · 0 failed · 1 not fully checked/],
    [['good.yaml', 'bad.yaml', 'vague.yaml'], 1, / 1 passed · 1 failed · 1 not fully checked/],
    [['good.yaml', '--events-max', '10'], 5, / the run was broken off \(BUDGET_EXCEEDED\)/],
  ];
  for (const [words, code, said] of cases) {
    const ended = await standin(['run', ...words], { cwd: folder });
    t.is(ended.code, code, `${words.join(' ')}\n${ended.stdout}${ended.stderr}`);
    t.regex(ended.stdout, said);
    t.notRegex(ended.stderr, /\n {4}at /);
  }
});

test('a run that is broken off is told in every report, and exits with 5', async (t) => {
  const folder = folderWith(t, { 'a.yaml': flagship });
  const words = ['run', 'a.yaml', '--events-max', '600', '--junit', 'j.xml'];
  const text = await standin(words, { cwd: folder });
  t.is(text.code, exitCodes.incomplete);
  t.regex(
    text.stdout,
    /warning: broken off: The run did more than it may.*\n? *.*\(BUDGET_EXCEEDED\)/,
  );
  t.regex(text.stdout, /– .*\n {7}the run was broken off/);
  const junit = readFileSync(join(folder, 'j.xml'), 'utf8');
  t.regex(junit, /errors="1"/);
  t.regex(junit, /<error type="BUDGET_EXCEEDED"/);
  const json = await standin([...words, '--json'], { cwd: folder });
  t.is(json.code, exitCodes.incomplete);
  t.like(JSON.parse(json.stdout).runs[0], { verdict: 'not-checked', brokenOff: 'BUDGET_EXCEEDED' });
});

test('two problems in two files are both told, with file, line and column, before anything is played', async (t) => {
  const folder = folderWith(t, {
    'a.yaml': wrong,
    'b.yaml': good.replace('10.0.10.20', '10.0.10.300'),
    'c.yaml': good,
  });
  const checked = await standin(['check', '.'], { cwd: folder });
  t.is(checked.code, exitCodes.invalid);
  t.regex(checked.stdout, /^ a\.yaml:11:\d+ {2}error .*\[E104\]/m);
  t.regex(
    checked.stdout,
    /^ b\.yaml:9:\d+ {2}error {2}10\.0\.10\.300 is not an IPv4 address .*\[E201\]/m,
  );
  t.regex(checked.stdout, /2 errors in 3 files +exit 2\n$/);
  const run = await standin(['run', '.', '--log', 'log'], { cwd: folder });
  t.is(run.code, exitCodes.invalid);
  t.is(run.stdout, '');
  t.is(run.stderr, checked.stdout);
  t.deepEqual(readdirSync(folder).sort(), ['a.yaml', 'b.yaml', 'c.yaml'], 'nothing was written');
  const json = await standin(['run', '.', '--json'], { cwd: folder });
  t.is(json.code, exitCodes.invalid);
  t.deepEqual(
    JSON.parse(json.stdout).problems.map(({ file, code }: Record<string, string>) => [file, code]),
    [
      ['a.yaml', 'E104'],
      ['b.yaml', 'E201'],
    ],
  );
});

test('check: what it finds, as text and as one JSON document', async (t) => {
  const folder = folderWith(t, {
    'good.yaml': good,
    'vague.yaml': small('{ ping: web01 -> 10.0.10.99, fails: any }'),
    'empty/x.txt': '',
  });
  const at = { cwd: folder };
  t.like(await standin(['check', 'good.yaml'], at), { code: 0, stderr: '' });
  t.is((await standin(['check', 'vague.yaml'], at)).code, 0);
  const strict = await standin(['check', 'vague.yaml', '--strict'], at);
  t.is(strict.code, exitCodes.invalid);
  t.regex(strict.stdout, /\[E317\]/);
  t.is((await standin(['run', 'vague.yaml', '--strict'], at)).code, exitCodes.invalid);
  const json = await standin(['check', '.', '--strict', '--json'], at);
  t.is(json.code, exitCodes.invalid);
  t.like(JSON.parse(json.stdout), { schema: 1, files: 2 });
  for (const more of [[], ['--json']]) {
    t.is((await standin(['check', 'empty', ...more], at)).code, exitCodes.nothingMatched);
    t.is((await standin(['check', 'empty', '--allow-empty', ...more], at)).code, 0);
  }
  t.regex((await standin(['check', 'empty'], at)).stdout, /0 errors in 0 files +exit 3\n$/);
});

test('list: files, names, tags, cases; files that are wrong are marked', async (t) => {
  const all = await standin(['list']);
  t.is(all.code, 0);
  t.regex(
    all.stdout,
    /^ scenarios\/02-partial-dhcp\.yaml +3 cases +partial failover, DHCP.* \[partial dhcp/m,
  );
  const json = JSON.parse((await standin(['list', '--json'])).stdout);
  t.deepEqual(json.scenarios[1].cases.length, 3);
  const folder = folderWith(t, { 'a b.yaml': wrong, 'c.yaml': good, 'empty/x': '' });
  const some = await standin(['list', '.'], { cwd: folder });
  t.is(some.code, exitCodes.invalid);
  t.regex(some.stdout, /^ a b\.yaml +1 error: standin check 'a b\.yaml'$/m);
  t.is((await standin(['list', 'empty'], { cwd: folder })).code, exitCodes.nothingMatched);
  t.is((await standin(['list', 'empty', '--allow-empty'], { cwd: folder })).code, 0);
});

test('without arguments the folder "scenarios" is meant; where there is none, that is said', async (t) => {
  const without = folderWith(t);
  for (const command of ['run', 'check', 'list'])
    t.like(await standin([command], { cwd: without }), {
      code: exitCodes.invalid,
      stdout: '',
      stderr: 'standin: there is no file or folder scenarios\n',
    });
  const having = folderWith(t, {
    'scenarios/deep/a.yaml': good,
    'scenarios/b.yml': good,
    'scenarios/node_modules/c.yaml': wrong,
  });
  const ended = await standin(['run'], { cwd: having });
  t.is(ended.code, 0);
  t.regex(ended.stdout, /2 scenarios · 2 cases/);
});

test('schema prints what the build left in dist', async (t) => {
  const { code, stdout } = await standin(['schema']);
  t.is(code, 0);
  t.is(JSON.parse(stdout).title, 'Standin scenario');
  const built = join(root, 'dist', 'scenario.schema.json');
  if (existsSync(built)) t.is(stdout, readFileSync(built, 'utf8'));
  else t.log('not compared: the bundle has not been made');
});

test('reasons: all of them, one of them in any case of letters, and as JSON', async (t) => {
  const all = await standin(['reasons']);
  t.is(all.code, 0);
  t.regex(all.stdout, /DHCP_NO_STATIC_IP/);
  const one = await standin(['reasons', 'stale_arp']);
  t.regex(one.stdout, /STALE_ARP/);
  t.notRegex(one.stdout, /DHCP_NO_STATIC_IP/);
  const json = JSON.parse((await standin(['reasons', 'STALE_ARP', '--json'])).stdout);
  t.deepEqual(Object.keys(json.reasons), ['STALE_ARP']);
});

test('--json is one document and nothing else on stdout, whatever happens', async (t) => {
  const folder = folderWith(t, { 'good.yaml': good, 'bad.yaml': bad, 'empty/x': '' });
  const cases: [string[], number, Record<string, unknown>][] = [
    [['good.yaml', 'bad.yaml', '--verbose'], 1, { runs: 2, met: 1, broken: 1, notChecked: 0 }],
    [
      ['good.yaml', '--log', 'log', '--junit', 'junit.xml', '--pcap', 'all'],
      0,
      { runs: 1, met: 1 },
    ],
    [['empty'], 3, { runs: 0 }],
    [['bad.yaml', 'good.yaml', '--bail'], 1, { runs: 1, broken: 1 }],
  ];
  for (const [words, code, totals] of cases) {
    const ended = await standin(['run', ...words, '--json'], { cwd: folder });
    t.is(ended.code, code);
    t.like(JSON.parse(ended.stdout), { schema: 1, standin: version, totals });
  }
});

test('--grep, --tag and --seed choose; the rerun that is printed does the same again', async (t) => {
  const run = async (...words: string[]) =>
    JSON.parse(
      (await standin(['run', 'scenarios', '--json', '--pcap', 'off', ...words])).stdout,
    ).runs.map((one: Record<string, unknown>) => [one['file'], one['case'], one['seed']]);
  t.is((await run('--grep', 'lease=valid')).length, 2);
  t.is((await run('--grep', '17-vcd-networks')).length, 2);
  const dhcp = (await run('--tag', 'dhcp')).map(([file]: string[]) => file);
  t.true(dhcp.length > 1 && dhcp.every((file: string) => file.includes('dhcp')), dhcp.join());
  t.deepEqual(await run('--grep', 'org_networks=9', '--tag', 'limits', '--seed', '99'), [
    ['scenarios/17-vcd-networks.yaml', 'org_networks=9', 99],
  ]);
  const folder = folderWith(t, { "it's a test.yaml": bad });
  const { stdout } = await standin(['run', '.', '--pcap', 'off'], { cwd: folder });
  t.regex(stdout, /^ rerun {4}standin run 'it'\\''s a test\.yaml' --seed 1$/m);
});

test('--bail stops at the first failure and says how much was not played', async (t) => {
  const folder = folderWith(t, { 'a.yaml': bad, 'b.yaml': good, 'c.yaml': good });
  const { code, stdout, stderr } = await standin(['run', '.', '--bail'], { cwd: folder });
  t.is(code, 1);
  t.regex(stdout, /0 met|1 broken/);
  t.is(stderr, 'standin: stopped at the first failure; 2 cases not played\n');
});

test('--verbose shows every run in full, and one run is shown in full anyway', async (t) => {
  const folder = folderWith(t, { 'a.yaml': good, 'b.yaml': good });
  const brief = (await standin(['run', '.'], { cwd: folder })).stdout;
  t.notRegex(brief, /reply after/);
  const full = (await standin(['run', '.', '--verbose'], { cwd: folder })).stdout;
  t.is(full.match(/reply after/g)?.length, 2);
  t.regex((await standin(['run', 'a.yaml'], { cwd: folder })).stdout, /reply after/);
});

test('every option has its environment variable, and the command line wins', async (t) => {
  const folder = folderWith(t, { 'a.yaml': good, 'b.yaml': bad });
  const run = (env: Record<string, string>, ...words: string[]) =>
    standin(['run', 'a.yaml', ...words], { cwd: folder, env });
  t.regex((await run({ STANDIN_SEED: '77' })).stdout, /seed 77\n/);
  t.regex((await run({ STANDIN_SEED: '77' }, '--seed', '78')).stdout, /seed 78\n/);
  t.like(await run({ STANDIN_SEED: 'x' }), { code: 2, stdout: '' });
  t.is((await run({ STANDIN_GREP: 'nobody' })).code, 3);
  t.is((await run({ STANDIN_GREP: 'nobody', STANDIN_ALLOW_EMPTY: '1' })).code, 0);
  t.is((await run({ STANDIN_GREP: 'nobody', STANDIN_ALLOW_EMPTY: '0' })).code, 3);
  t.is((await run({ STANDIN_GREP: '' })).code, 0, 'an empty variable is none');
  t.is((await run({ STANDIN_TAG: 'nobody' })).code, 3);
  t.is(JSON.parse((await run({ STANDIN_JSON: 'true' })).stdout).schema, 1);
  t.regex((await run({ STANDIN_JSON: 'false' })).stdout, /^ standin /);
  await run({ STANDIN_OUT: 'here', STANDIN_LOG: 'events', STANDIN_JUNIT: 'junit' });
  t.true(existsSync(join(folder, 'here', 'a.pcapng')));
  t.true(existsSync(join(folder, 'events')) && existsSync(join(folder, 'junit')));
  await run({ STANDIN_PCAP: 'off', STANDIN_OUT: 'nowhere' });
  t.false(existsSync(join(folder, 'nowhere')));
  t.is((await run({ STANDIN_EVENTS_MAX: '10' })).code, 5);
});

test('colours: only where they are shown or wanted, and never where somebody objects', async (t) => {
  const folder = folderWith(t, { 'a.yaml': good });
  const stdout = async (env: Record<string, string>) =>
    (await standin(['run', 'a.yaml', '--pcap', 'off'], { cwd: folder, env })).stdout;
  const sequence = '\u001b[';
  t.false((await stdout({})).includes(sequence), 'a pipe');
  t.true((await stdout({ FORCE_COLOR: '1' })).includes(sequence));
  t.false((await stdout({ FORCE_COLOR: '0' })).includes(sequence));
  t.false((await stdout({ FORCE_COLOR: '1', NO_COLOR: '1' })).includes(sequence));
  t.true(
    (await stdout({ FORCE_COLOR: '1', NO_COLOR: '' })).includes(sequence),
    'an empty NO_COLOR is none',
  );
  const plain = (env: NodeJS.ProcessEnv): string =>
    styleFor({ isTTY: true } as NodeJS.WriteStream, env)('good', 'x');
  t.is(plain({ TERM: 'xterm' }), '\u001b[32mx\u001b[39m');
  t.is(plain({ TERM: 'dumb' }), 'x');
  t.is(plain({ TERM: 'xterm', NO_COLOR: '1' }), 'x');
});

/** Runs a line of shell and gives what it ended with. */
function shell(line: string): Promise<{ code: number | null; stderr: string }> {
  return new Promise((done) => {
    const child = spawn('bash', ['-c', line], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.stdout.resume();
    child.on('close', (code) => done({ code, stderr }));
  });
}

test('a reader that goes away is no error, and does not hide one', async (t) => {
  const node = `'${process.execPath}' '${main}'`;
  const folder = folderWith(t, { 'bad.yaml': bad });
  const run = `${node} run '${folder}/bad.yaml' --pcap off`;
  t.deepEqual(await shell(`set -o pipefail; ${node} list | head -0`), { code: 0, stderr: '' });
  t.deepEqual(await shell(`set -o pipefail; ${node} reasons | head -1`), { code: 0, stderr: '' });
  t.deepEqual(await shell(`set -o pipefail; ${run} | head -0`), { code: 1, stderr: '' });
  t.deepEqual(await shell(`set -o pipefail; ${node} run nothing 2>&1 >/dev/null | head -0`), {
    code: 2,
    stderr: '',
  });
});

test('a full disk behind stdout is said in one line, and exits with 4', async (t) => {
  if (!existsSync('/dev/full')) {
    t.pass();
    t.log('not checked: there is no /dev/full here');
    return;
  }
  const { code, stderr } = await shell(`'${process.execPath}' '${main}' list > /dev/full`);
  t.is(code, exitCodes.environmentLacks);
  t.regex(stderr, /^standin: cannot write: [^\n]+\n$/);
});

test('Ctrl-C ends a long run within a moment, with 130', async (t) => {
  const long = small('{ outage: web01 -> sql01, at_most: 1s }').replace(
    'steps:',
    'steps:\n  - wait: 30d',
  );
  const folder = folderWith(t, { 'long.yaml': long });
  let interrupted = 0;
  const ended = await standin(['run', 'long.yaml', '--log', 'log'], {
    cwd: folder,
    // The log is opened when the run begins.
    interruptIf: () => existsSync(join(folder, 'log')) && (interrupted = Date.now()) > 0,
  });
  t.deepEqual(ended, {
    code: exitCodes.interrupted,
    signal: null,
    stdout: '',
    stderr: 'standin: interrupted\n',
  });
  t.true(Date.now() - interrupted < 20_000);
  t.deepEqual(readdirSync(folder).sort(), ['log', 'long.yaml'], 'nothing is left behind');
});

test('the licences of what is in the bundle lie beside it', (t) => {
  const notices = readFileSync(join(root, 'dist', 'bin', 'standin.cjs.LICENSES.txt'), 'utf8');
  for (const name of ['commander', 'yaml']) {
    const licence = readFileSync(join(root, 'node_modules', name, 'LICENSE'), 'utf8');
    t.true(notices.includes(`${name}\n\n${licence}`), name);
  }
});

test('the bundle prints what the modules print', async (t) => {
  if (!existsSync(bundle)) {
    t.log('not checked: the bundle has not been made');
    return;
  }
  const folder = folderWith(t, { 'bad.yaml': bad, 'wrong.yaml': wrong });
  const lines: string[][] = [
    ['--version'],
    ['--help'],
    ['list'],
    ['schema'],
    ['reasons'],
    ['check', join(folder, 'wrong.yaml')],
    ['run', 'scenarios', '--verbose', '--pcap', 'off'],
    ['run', join(folder, 'bad.yaml'), '--pcap', 'off'],
    ['run', 'scenarios/01-partial-static.yaml', '--log', '/dev/stdout', '--pcap', 'off'],
  ];
  // How long it took differs from time to time.
  const timeless = (text: string): string => text.replace(/ in [\d.]+ m?s( · )?/g, '');
  for (const words of lines) {
    const [modules, bundled] = await Promise.all([
      standin(words),
      standin(words, { program: bundle }),
    ]);
    t.is(timeless(bundled.stdout), timeless(modules.stdout), words.join(' '));
    t.is(bundled.stderr, modules.stderr);
    t.is(bundled.code, modules.code);
  }
});

test('a run says of an attached network that it is not, and plays it as any other', async (t) => {
  const attached = good.replace(
    'gateway: 10.0.10.1 }',
    'gateway: 10.0.10.1, mtu: 1450, attach: "vxlan://192.0.2.10/42" }',
  );
  const cwd = folderWith(t, { 'a.yaml': attached });
  const { code, stdout, stderr } = await standin(['run', 'a.yaml'], { cwd });
  t.is(code, exitCodes.asExpected);
  t.is(stderr, 'standin: lan10: not attached, which is for "standin attach" alone\n');
  t.regex(stdout, /1 met/);
});

test('an address that is not of this machine cannot be listened at, which is said in one line', async (t) => {
  const attached = good.replace(
    'gateway: 10.0.10.1 }',
    'mtu: 1450, attach: "vxlan://192.0.2.10/42" }',
  );
  const cwd = folderWith(t, { 'a.yaml': attached });
  const { code, stderr } = await standin(['attach', 'a.yaml', '--listen', '192.0.2.77'], { cwd });
  t.is(code, exitCodes.environmentLacks);
  t.regex(stderr, /\nstandin: cannot listen at 192\.0\.2\.77:4789: EADDRNOTAVAIL\n$/);
});
