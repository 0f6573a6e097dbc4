/**
 * The promises that hold for what is built so far, measured: one line each, with its figure. Ends
 * with 1 if one is broken. `.ci/run` prints it after the tests.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const bin = join(import.meta.dirname, '..', 'bin', 'standin.js');
const seeds = Number(process.env['STANDIN_SEEDS'] ?? 25);
const mutations = process.env['STANDIN_MUTATIONS'] ?? '1000000';
let broken = 0;

function promise(name: string, holds: boolean, figure: string): void {
  if (!holds) broken += 1;
  console.log(`${name.padEnd(4)} ${holds ? 'kept  ' : 'BROKEN'} ${figure}`);
}

/** P1: every shipped scenario, many seeds, twice in separate processes of different surroundings. */
async function determinism(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'standin-'));
  const play = async (seed: number, env: NodeJS.ProcessEnv): Promise<string> => {
    const out = mkdtempSync(join(folder, 'run-'));
    const log = join(out, 'log.jsonl');
    const args = ['--seed', String(seed), '--log', log, '--out', out, '--pcap', 'all'];
    const child = spawn(process.execPath, [bin, 'run', 'scenarios', ...args], {
      env: { ...process.env, ...env },
      stdio: 'ignore',
    });
    await once(child, 'exit');
    const sum = createHash('sha256').update(readFileSync(log));
    for (const file of ['01-partial-static', '17-vcd-networks-org_networks=9'])
      sum.update(readFileSync(join(out, `${file}.pcapng`)));
    rmSync(out, { recursive: true });
    return sum.digest('hex');
  };
  let equal = 0;
  for (let seed = 1; seed <= seeds; seed += 1) {
    const both = await Promise.all([
      play(seed, { TZ: 'UTC', LANG: 'C' }),
      play(seed, { TZ: 'Asia/Kathmandu', LANG: 'tr_TR.UTF-8' }),
    ]);
    if (both[0] === both[1]) equal += 1;
  }
  rmSync(folder, { recursive: true });
  promise(
    'P1',
    equal === seeds,
    `${equal} of ${seeds} seeds: logs and captures of all scenarios equal in two processes`,
  );
}

/** P3: mutated frames through every codec. */
function badFrames(): void {
  const { status, stdout } = spawnSync(
    process.execPath,
    ['node_modules/ava/entrypoints/cli.mjs', 'dist/test/wire/hostile.test.js', '--timeout=30m'],
    {
      encoding: 'utf8',
      env: { ...process.env, STANDIN_MUTATIONS: mutations, STANDIN_REQUIRE: '' },
    },
  );
  const tests = /(\d+) tests? passed/.exec(stdout)?.[1] ?? '0';
  promise(
    'P3',
    status === 0,
    `${mutations} mutated frames per codec, ${tests} tests: no throw, no hang, round trips`,
  );
}

/** P11: speed, so that everything else can be run often. */
function speed(): void {
  const script = join(import.meta.dirname, 'bench', 'workload.js');
  const { stdout } = spawnSync(process.execPath, [script, 'w2', '--m=500000'], {
    encoding: 'utf8',
  });
  const { hops_s } = JSON.parse(stdout.trim().split('\n').at(-1)!) as { hops_s: number };
  promise(
    'P11',
    hops_s >= 200_000,
    `${Math.round(hops_s / 1000)} thousand frame-hops a second on one core`,
  );
}

/** P8: whatever is killed, and whenever, nothing is left of a lab, and the computer is as it was. */
function nothingLeft(): void {
  const { status, stdout } = spawnSync(
    process.execPath,
    ['node_modules/ava/entrypoints/cli.mjs', 'dist/test/emu/crash.test.js', '--timeout=60m'],
    { encoding: 'utf8', env: { ...process.env, STANDIN_KILLS: '30' } },
  );
  promise(
    'P8',
    status === 0,
    /\d+ kills,.*/.exec(stdout)?.[0] ?? 'no sandbox, or something is left',
  );
}

await determinism();
badFrames();
nothingLeft();
speed();
console.log(
  'P4 (bad text), P12 (nothing but loopback) are tests: test/scenario/mutations.test.ts, test/layers.test.ts',
);
console.log(
  'P5 (journal), P7 (kernels), P9 (interoperation) are tests in test/emu, P6 (states) is test/failover/exhaustive.test.ts',
);
console.log('P2 and P10 as a whole belong to what is not built yet: exploration');
console.log('npm run soak plays P7, P8 and P9 in full');
process.exitCode = broken === 0 ? 0 : 1;
