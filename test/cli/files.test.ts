/** Files in and out: what may be read, where things are written, and what a hostile name can do. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { bad, flagship, folderWith, good, root, small, standin } from '../support/cli.ts';

test('links, pipes, folders and huge files are refused, each with its reason', async (t) => {
  const folder = folderWith(t, { 'good.yaml': good, 'huge.yaml': '', 'folder.yaml/x.txt': '' });
  symlinkSync('good.yaml', join(folder, 'link.yaml'));
  symlinkSync('/dev/zero', join(folder, 'zero.yaml'));
  symlinkSync('nowhere', join(folder, 'dangling.yaml'));
  truncateSync(join(folder, 'huge.yaml'), 2 ** 31);
  t.is(spawnSync('sh', ['-c', 'mkfifo "$0"', join(folder, 'pipe.yaml')]).status, 0);
  const reasons: Record<string, RegExp> = {
    'link.yaml': /it is a symbolic link/,
    'zero.yaml': /it is a symbolic link/,
    'dangling.yaml': /it is a symbolic link/,
    'huge.yaml': /it is larger than 1 MiB/,
    'pipe.yaml': /it is not a regular file/,
    '/dev/zero': /it is not a regular file/,
  };
  // Whoever waits at the pipe, or reads a device to its end, is still there when the test gives up.
  for (const [name, reason] of Object.entries(reasons)) {
    for (const command of ['check', 'run', 'list']) {
      const { code, stdout, stderr } = await standin([command, name], { cwd: folder });
      t.is(code, exitCodes.invalid, `${command} ${name}`);
      if (command !== 'list') t.regex(stdout + stderr, reason);
    }
  }
  // In a folder they are not passed over in silence: that would be a check that checks nothing.
  const whole = await standin(['check', '.'], { cwd: folder });
  t.is(whole.code, exitCodes.invalid);
  t.regex(whole.stdout, /5 errors in 6 files/);
});

test('what a scenario extends is refused in the same way, and outside of its folder', async (t) => {
  const extending = (path: string): string => `name: a\nextends: ${path}\n`;
  const folder = folderWith(t, {
    'in/up.yaml': extending('../out.yaml'),
    'in/absolute.yaml': extending('/etc/passwd'),
    'in/linked.yaml': extending('./link.yaml'),
    'in/through.yaml': extending('./sub/out.yaml'),
    'out.yaml': good,
    'elsewhere/out.yaml': good,
  });
  symlinkSync('../out.yaml', join(folder, 'in', 'link.yaml'));
  symlinkSync('../elsewhere', join(folder, 'in', 'sub'));
  for (const name of ['absolute', 'linked', 'through']) {
    const { code, stdout } = await standin(['check', `in/${name}.yaml`], { cwd: folder });
    t.is(code, exitCodes.invalid, name);
    t.regex(stdout, /^ in\/\w+\.yaml:2:10 /, stdout);
    t.notRegex(stdout, /root:/);
  }
});

test('names of files come to the terminal without power over it', async (t) => {
  const name = 'a \u001b[31mred\u0007\nline\u202e.yaml';
  const folder = folderWith(t, { [name]: bad, [`wrong${name}`]: 'name: [' });
  const words: string[][] = [
    ['run', name],
    ['run', name, '--json'],
    ['run', '.', '--grep', 'red'],
    ['check', '.'],
    ['check', '.', '--json'],
    ['list', '.'],
    ['list', '.', '--json'],
    ['run', `no such ${name}`],
    ['run', `--${name}`],
    [`${name}`],
    ['reasons', name],
    ['run', name, '--log', `${name}/x/y`],
  ];
  for (const line of words) {
    const { stdout, stderr, code } = await standin(line, { cwd: folder });
    t.not(code, 0);
    t.not(code, exitCodes.bug, stderr);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    t.notRegex(stdout + stderr, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/, line.join(' '));
  }
  const [capture] = readdirSync(join(folder, 'standin-out'));
  t.is(capture, 'a-31mred-line-.pcapng', 'nor do captures carry such names');
});

test('--pcap: all, on-failure, off; one run leaves a capture, of many those that failed', async (t) => {
  const left = async (...words: string[]): Promise<string[]> => {
    const folder = folderWith(t, { 'a/x.yaml': good, 'b/x.yaml': bad, 'm.yaml': good });
    await standin(['run', ...words], { cwd: folder });
    const out = join(folder, words.includes('--out') ? 'deep/out' : 'standin-out');
    return existsSync(out) ? readdirSync(out).sort() : [];
  };
  t.deepEqual(await left('m.yaml'), ['m.pcapng']);
  t.deepEqual(await left('m.yaml', '--pcap', 'off'), []);
  t.deepEqual(await left('m.yaml', '--pcap', 'on-failure'), []);
  t.deepEqual(await left('.'), ['x.pcapng']);
  t.deepEqual(
    await left('.', '--pcap', 'all'),
    ['m.pcapng', 'x-2.pcapng', 'x.pcapng'],
    'one does not take the name of another',
  );
  t.deepEqual(await left('.', '--pcap', 'off'), []);
  t.deepEqual(await left('m.yaml', '--out', 'deep/out'), ['m.pcapng']);
});

test('a capture is for its owner only, and takes the place of a link without following it', async (t) => {
  const folder = folderWith(t, {
    'a.yaml': flagship,
    'precious.txt': 'precious',
    'standin-out/x': '',
  });
  const capture = join(folder, 'standin-out', 'a.pcapng');
  symlinkSync('../precious.txt', capture);
  t.is((await standin(['run', 'a.yaml'], { cwd: folder })).code, 0);
  t.is(readFileSync(join(folder, 'precious.txt'), 'utf8'), 'precious');
  const stats = statSync(capture);
  t.true(stats.isFile());
  t.is(stats.mode & 0o777, 0o600);
  writeFileSync(capture, 'open to all', { mode: 0o644 });
  await standin(['run', 'a.yaml'], { cwd: folder });
  t.is(statSync(capture).mode & 0o777, 0o600, 'also where there was one before');
  t.deepEqual(
    readdirSync(join(folder, 'standin-out')).sort(),
    ['a.pcapng', 'x'],
    'no drafts are left',
  );
});

test('what cannot be written is said in one line, and exits with 4', async (t) => {
  const folder = folderWith(t, {
    'a.yaml': good,
    'b.yaml': bad,
    taken: 'a file',
    'standin-out/a.pcapng/x': '',
  });
  const refused: [string[], RegExp][] = [
    [
      ['--out', 'taken'],
      /^standin: cannot write taken\/a\.pcapng: there is a file where a folder should be\n$/,
    ],
    [['--out', 'taken/below'], /^standin: cannot write taken\/below\/a\.pcapng: there is a file/],
    [[], /^standin: cannot write standin-out\/a\.pcapng: it is a folder\n$/],
    [['--log', 'taken/log'], /^standin: cannot write taken\/log: there is a file/],
    [['--log', 'standin-out'], /^standin: cannot write standin-out: it is a folder\n$/],
    [['--junit', 'taken/junit'], /^standin: cannot write taken\/junit: there is a file/],
  ];
  for (const [words, said] of refused) {
    const { code, stderr } = await standin(['run', 'a.yaml', ...words], { cwd: folder });
    t.is(code, exitCodes.environmentLacks, `${words.join(' ')}: ${stderr}`);
    t.regex(stderr, said);
  }
  const report = await standin(['run', 'a.yaml', '--out', 'taken'], { cwd: folder });
  t.regex(report.stdout, / 1 met · 0 broken\n/, 'the run itself is reported');
  t.notRegex(report.stdout, /capture/);
  t.is(
    (await standin(['run', 'b.yaml', '--out', 'taken'], { cwd: folder })).code,
    1,
    'a failure stays one',
  );
  if (process.getuid?.() === 0) return; // root may write anywhere
  mkdirSync(join(folder, 'closed'), { mode: 0o500 });
  const closed = await standin(['run', 'a.yaml', '--out', 'closed'], { cwd: folder });
  t.like(closed, { code: 4, stderr: 'standin: cannot write closed/a.pcapng: permission denied\n' });
});

test('--log is one JSON object a line, each event once and in order', async (t) => {
  const folder = folderWith(t, { 'a.yaml': good, 'b.yaml': good });
  const { stdout } = await standin(['run', '.', '--log', 'deep/events.jsonl', '--json'], {
    cwd: folder,
  });
  const lines = readFileSync(join(folder, 'deep', 'events.jsonl'), 'utf8').split('\n');
  t.is(lines.pop(), '');
  const events = lines.map(
    (line) => JSON.parse(line) as { id: number; kind: string; bytes?: string; length?: number },
  );
  const counts = JSON.parse(stdout).runs.map((one: { events: number }) => one.events) as number[];
  t.deepEqual(
    events.map(({ id }) => id),
    counts.flatMap((count) => Array.from({ length: count }, (_, i) => i)),
  );
  const frames = events.filter(({ kind }) => kind === 'frame');
  t.true(frames.length > 0);
  t.true(
    frames.every(({ bytes, length }) => /^[\da-f]+$/.test(bytes!) && bytes!.length === length! * 2),
  );
  t.is(events.filter(({ kind }) => kind === 'verdict').length, 2);
});

test('--junit is what CI reads', async (t) => {
  const folder = folderWith(t, { 'a.yaml': good, 'b.yaml': bad });
  await standin(['run', '.', '--junit', 'deep/junit.xml'], { cwd: folder });
  const xml = readFileSync(join(folder, 'deep', 'junit.xml'), 'utf8');
  t.regex(xml, /<testsuites name="standin" tests="2" failures="1" errors="0" time="/);
  t.regex(
    xml,
    /<failure type="ARP_UNANSWERED" message="ping web01 -&gt; 10\.0\.10\.99 within 3s: no answer in 3 s \(3 sent, 0 answered\)">/,
  );
});

test('the log has no private key of a tunnel; the capture has what opens it', async (t) => {
  const folder = folderWith(t, { 'a.yaml': flagship });
  await standin(['run', 'a.yaml', '--log', 'log', '--junit', 'junit'], { cwd: folder });
  const secrets = readFileSync(join(folder, 'standin-out', 'a.pcapng'), 'latin1');
  const keys = [...secrets.matchAll(/LOCAL_(?:STATIC|EPHEMERAL)_PRIVATE_KEY\s*=\s*(\S+)/g)].map(
    (found) => found[1]!,
  );
  t.true(keys.length > 0);
  for (const file of ['log', 'junit']) {
    const text = readFileSync(join(folder, file), 'utf8');
    for (const key of keys) {
      t.false(text.includes(key));
      t.false(text.includes(Buffer.from(key, 'base64').toString('hex')));
    }
  }
});

test('setting up without npm says what could not be done, and exits with 4', (t) => {
  const folder = folderWith(t, {
    'src/setup.mjs': readFileSync(join(root, 'src', 'setup.mjs'), 'utf8'),
    'package.json': '{}',
    'package-lock.json': '{}',
  });
  mkdirSync(join(folder, 'test'));
  const { status, stderr } = spawnSync(process.execPath, [join(folder, 'src', 'setup.mjs')], {
    env: { PATH: folder },
    encoding: 'utf8',
  });
  t.is(status, exitCodes.environmentLacks);
  t.regex(stderr, /^This could not be done: npm install .*\n.*ENOENT/);
});

test('the same path twice is played once', async (t) => {
  const folder = folderWith(t, { 'a.yaml': small('{ ping: web01 -> sql01 }') });
  const { stdout } = await standin(['run', 'a.yaml', './a.yaml', '.', '--json'], { cwd: folder });
  t.is(JSON.parse(stdout).runs.length, 1);
});

test('a folder that cannot be made is refused, and not tried for ever', async (t) => {
  const { code, stderr } = await standin([
    'run',
    'scenarios/01-partial-static.yaml',
    '--out',
    '/proc/nobody/there',
  ]);
  t.is(code, 4);
  t.regex(stderr, /^standin: cannot write \/proc\/nobody\/there/);
});
