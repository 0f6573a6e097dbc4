/** `standin lock` and `standin run --locked`, as processes. */
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import {
  bad,
  bundle,
  type CliOptions,
  type Ended,
  folderWith,
  good,
  main,
  standin as process,
  root,
} from '../support/cli.ts';

/** As people start it: many processes, so that it matters how soon they begin. */
const standin = (words: readonly string[], options: CliOptions): Promise<Ended> =>
  process(words, { ...options, program: existsSync(bundle) ? bundle : main });

const two = { 's/a.yaml': good, 's/b.yaml': good };
const slower = `${good}links: { lan: { latency: 2ms } }\n`;

test('what is locked holds, elsewhere and in any language as well; what changed is said', async (t) => {
  const folder = folderWith(t, two);
  const here = { cwd: folder };
  // One file by two names is one file.
  const first = await standin(['lock', 's', join(folder, 's/a.yaml')], here);
  t.is(first.code, 0, first.stderr);
  t.regex(first.stdout, /0 as locked · 0 changed · 3 new · written to standin\.lock/);
  const path = join(folder, 'standin.lock');
  const text = readFileSync(path, 'utf8');
  t.true(text.startsWith('standin-lock: 1\nengine: '));
  t.deepEqual(
    text.split('\n').filter((line) => line.startsWith('s/')),
    ['s/a.yaml', 's/b.yaml'],
  );

  const abroad = { TZ: 'Asia/Kathmandu', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' };
  const again = await standin(['lock', '../s', '--lock', '../standin.lock'], {
    cwd: join(folder, 's'),
    env: abroad,
  });
  t.is(again.code, 0, again.stderr);
  t.regex(again.stdout, /2 as locked · 0 changed · written/);
  t.is(readFileSync(path, 'utf8'), text);

  writeFileSync(join(folder, 's/b.yaml'), slower);
  const run = await standin(['run', '--locked', 's'], here);
  t.is(run.code, 1);
  t.regex(run.stdout, /2 passed · 0 failed/);
  t.regex(
    run.stdout,
    /✗ s\/b\.yaml\n {3}timing changed; verdicts, operations, arp, dhcp, tunnel, ip, tcp, tables and other\s+did not\n {3}the scenario itself changed/,
  );
  t.regex(run.stdout, /was {2}.*\n {7}now {2}/);
  t.regex(run.stdout, /1 as locked · 1 changed · standin\.lock\n accept {3}standin lock s\n$/);

  const json = await standin(['run', '--locked', '--json', 's'], here);
  const { lock } = JSON.parse(json.stdout);
  t.false(lock.holds);
  t.deepEqual(
    lock.checks.map((one: { file: string; status: string }) => [one.file, one.status]),
    [
      ['s/a.yaml', 'as-locked'],
      ['s/b.yaml', 'changed'],
    ],
  );
  t.is((await standin(['lock', '--check', 's'], here)).code, 1);
  t.is(readFileSync(path, 'utf8'), text);
  t.is((await standin(['lock', '--check', 's', '--grep', 'a.yaml'], here)).code, 0);
  t.is((await standin(['lock', 's/b.yaml'], here)).code, 0);
  const now = await standin(['lock', '--check', 's'], here);
  t.is(now.code, 0, now.stdout);
});

test('what is not locked, and what is no more, does not hold', async (t) => {
  const folder = folderWith(t, two);
  const here = { cwd: folder };
  await standin(['lock', 's/a.yaml'], here);
  const one = await standin(['run', '--locked', 's'], here);
  t.is(one.code, 1);
  t.regex(one.stdout, /✗ s\/b\.yaml: is not in the lock file/);
  const seeded = await standin(['run', '--locked', '--seed', '9', 's/a.yaml'], here);
  t.is(seeded.code, 1);
  t.regex(seeded.stdout, /s\/a\.yaml: is not locked with seed 9, but with 1/);
  await standin(['lock', '--seed', '9', 's/a.yaml'], here);
  t.is((await standin(['run', '--locked', 's/a.yaml'], here)).code, 0);
  t.is((await standin(['run', '--locked', '--seed', '9', 's/a.yaml'], here)).code, 0);
  rmSync(join(folder, 's/a.yaml'));
  const gone = await standin(['lock', '--check', 's'], here);
  t.is(gone.code, 1);
  t.regex(gone.stdout, /s\/a\.yaml: is locked, and there is no such case any more/);
  await standin(['lock', 's'], here);
  t.is((await standin(['lock', '--check', 's'], here)).code, 0);
});

test('a lock file that is missing or broken is said with the command that writes it', async (t) => {
  const folder = folderWith(t, { 'a.yaml': good, 'wrong.yaml': 'name: [', 'bad.yaml': bad });
  const here = { cwd: folder };
  const missing = await standin(['run', '--locked', 'a.yaml'], here);
  t.is(missing.code, 3);
  t.is(missing.stdout, '');
  t.regex(missing.stderr, /there is no lock file standin\.lock; write it: standin lock a\.yaml/);
  await standin(['lock', 'a.yaml'], here);
  appendFileSync(join(folder, 'standin.lock'), '<<<<<<< HEAD\n');
  for (const words of [['run', '--locked'], ['lock']]) {
    const broken = await standin([...words, 'a.yaml'], here);
    t.is(broken.code, 2, words.join(' '));
    t.regex(broken.stderr, /standin\.lock:\d+: this line belongs nowhere/);
  }
  writeFileSync(join(folder, 'standin.lock'), 'standin-lock: 1\nengine: \x1b[2J\n<<<<<<<\n');
  const escapes = await standin(['lock', '--check', 'a.yaml'], here);
  t.is(escapes.code, 2);
  t.false(escapes.stderr.includes('\x1b'));
  t.is((await standin(['lock', '--check', '--lock', '.', 'a.yaml'], here)).code, 2);
  t.is((await standin(['lock', '--lock', 'x', 'wrong.yaml'], here)).code, 2);
  t.is((await standin(['lock', '--lock', 'x', '--grep', 'nobody', 'a.yaml'], here)).code, 3);
  t.is((await standin(['lock', '--lock', 'a.yaml/x', 'a.yaml'], here)).code, 2);
  const kernels = await standin(['run', '--locked', '--backend', 'linux', 'a.yaml'], here);
  t.is(kernels.code, 2);
  t.regex(kernels.stderr, /--locked is for the simulation alone/);
  const failing = await standin(['lock', '--lock', 'y', 'bad.yaml'], here);
  t.is(failing.code, 0);
  t.regex(failing.stderr, /1 case did not do what is expected/);
});

test('the gallery’s flagship and its DHCP twin do what is locked', async (t) => {
  const { code, stdout, stderr } = await standin(
    [
      'lock',
      '--check',
      '--lock',
      'fixtures/lock/standin.lock',
      'scenarios/01-partial-static.yaml',
      'scenarios/02-partial-dhcp.yaml',
    ],
    { cwd: root },
  );
  t.is(code, 0, stdout + stderr);
});
