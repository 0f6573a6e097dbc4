/**
 * Makes a fresh clone ready: installs what the lock file names, compiles, bundles the command line.
 * Does nothing that is done already, so that every script may call it. Plain JavaScript, because it
 * runs before there is a compiler.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Standin needs Node 20.19 or later; this is ${process.versions.node}.`);
  process.exit(4);
}

/** Runs a program and shows what it said only if it failed. */
function must(what, program, args) {
  const started = Date.now();
  const shell = process.platform === 'win32' && program === 'npm';
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', shell });
  if (status !== 0) {
    const said = error?.message ?? `${stdout}${stderr}`.trimEnd();
    console.error(`This could not be done: ${[program, ...args].join(' ')}\n${said}`);
    process.exit(4);
  }
  console.error(`${what}: ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

const hash = (files) => {
  const sum = createHash('sha256');
  for (const file of files) sum.update(file).update(readFileSync(file));
  return sum.digest('hex');
};

const within = (folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => /\.(tsx?|mjs|css)$/.test(path) && statSync(path).isFile())
    .sort();

/** The compiler leaves what it made of files that are gone, and stale tests would go on being run. */
function prune() {
  for (const folder of ['src', 'test']) {
    const made = join('dist', folder);
    for (const name of readdirSync(made, { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.js') || existsSync(join(folder, name.replace(/js$/, 'ts')))) continue;
      rmSync(join(made, name));
      rmSync(join(made, `${name}.map`), { force: true });
    }
  }
}

/** A step is done when what it was made from has not changed since. */
function once(name, made, key, run) {
  const mark = join('dist', `.${name}`);
  if (existsSync(made) && existsSync(mark) && readFileSync(mark, 'utf8') === key) return;
  run();
  mkdirSync('dist', { recursive: true });
  writeFileSync(mark, key);
}

once('installed', 'node_modules', hash(['package.json', 'package-lock.json']), () =>
  // Not `npm ci`: the lock file cannot name the binaries of systems it was not written on.
  must('installed', 'npm', ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund']),
);

const sources = hash([...within('src'), ...within('test'), 'tsconfig.json', 'package.json']);
once('built', join('dist', 'bin', 'standin.js'), sources, () => {
  must('compiled', process.execPath, [
    join('node_modules', 'typescript', 'bin', 'tsc'),
    '-p',
    'tsconfig.json',
  ]);
  prune();
  must('bundled', process.execPath, [join('src', 'bundle.mjs')]);
});
