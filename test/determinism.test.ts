/** P1: the same file and seed make the same bytes, in another process, place and language, and whatever does the sums. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { nobleCrypto } from '../src/crypto/noble.ts';
import { digest, played, scenarios } from './playing.ts';
import { folderWith, root, standin } from './support/cli.ts';

const seeds = [1, 7, 4242];
const files = readdirSync('scenarios').filter((name) => name.endsWith('.yaml'));

/** What a run of all scenarios leaves behind: file names and their contents in 64 digits. */
async function left(
  folder: string,
  seed: number,
  surroundings: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
  ...more: string[]
): Promise<Record<string, string>> {
  const paths = files.map((file) => (surroundings.cwd === root ? `scenarios/${file}` : file));
  const words = [
    'run',
    ...paths,
    '--seed',
    String(seed),
    '--log',
    join(folder, 'log'),
    '--out',
    folder,
  ];
  const { code, stderr } = await standin([...words, '--pcap', 'all', ...more], surroundings);
  if (code !== 0) throw new Error(`exit ${code}: ${stderr}`);
  const sums = readdirSync(folder).map((name) => [
    name,
    createHash('sha256')
      .update(readFileSync(join(folder, name)))
      .digest('hex'),
  ]);
  return Object.fromEntries(sums) as Record<string, string>;
}

const here = { cwd: root, env: { TZ: 'UTC', LANG: 'C' } };
const elsewhere = {
  cwd: join(root, 'scenarios'),
  env: { TZ: 'Asia/Kathmandu', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' },
};

for (const seed of seeds) {
  test(`P1: seed ${seed}: logs and captures are equal in two processes`, async (t) => {
    const first = await left(folderWith(t), seed, here);
    t.true(Object.keys(first).length > files.length);
    t.deepEqual(await left(folderWith(t), seed, elsewhere), first);
  });
}

test('P1: verifying every checksum changes nothing', async (t) => {
  t.deepEqual(await left(folderWith(t), 7, here, '--strict'), await left(folderWith(t), 7, here));
});

test('P1: another seed makes other bytes', async (t) => {
  const [one, two] = [await left(folderWith(t), 1, here), await left(folderWith(t), 2, here)];
  for (const [name, sum] of Object.entries(one)) t.not(two[name], sum, name);
});

for (const file of files) {
  test(`P1: ${file} is the same with Node's cryptography and with noble's`, async (t) => {
    for (const scenario of scenarios(file)) {
      const native = digest((await played(scenario)).log);
      t.is(digest((await played(scenario, { crypto: nobleCrypto })).log), native, scenario.case);
      t.is(digest((await played(scenario, { strict: true })).log), native, scenario.case);
    }
  });
}
