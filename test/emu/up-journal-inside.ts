/**
 * In a box: `emulate up --journal` is killed in the middle of a failover and begun again, once with the
 * keeper for a victim and once with the first process of the sandbox. Prints what came of it as one line
 * of JSON.
 *
 *     node up-journal-inside.js
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LabStatus } from '../../src/trace/standing.ts';
import { flagship, main } from '../support/cli.ts';

export interface Takeover {
  readonly victim: Victim;
  /** What the journal had when somebody was killed, and when the lab stood again. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** What the first life said on its standard output: it never stood. */
  readonly first: string;
  readonly status: LabStatus | undefined;
  /** How the second life ended, asked to by a signal, and what it complained of. */
  readonly code: number | null;
  readonly complaints: string;
}

const victims = ['keeper', 'sandbox'] as const;
export type Victim = (typeof victims)[number];

/** In the middle: what is told before is done, what comes after is not. */
const middle = '"kind":"start-vpn-server"';
const end = '"kind":"finish"';
/** In milliseconds. */
const patience = 120_000;

const quick = flagship.replace(
  /^steps:$/m,
  'timings: { boot_windows: 4s, boot_appliance: 3s, revert_snapshot: 1s }\nsteps:',
);

interface Running {
  readonly child: ChildProcess;
  readonly said: { out: string; err: string };
  readonly ended: Promise<number | null>;
}

const up = (folder: string): Running =>
  start(folder, [
    ...['emulate', 'up', 'lab.yaml', '--until', '3'],
    ...['--journal', 'journal', '--json'],
  ]);

function start(folder: string, words: readonly string[]): Running {
  const child = spawn(process.execPath, [main, ...words], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, XDG_RUNTIME_DIR: folder },
  });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, said, ended };
}

/** The texts of all records, without the numbers before them. */
function recordsIn(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.journal'));
  return names.flatMap((name) =>
    readFileSync(join(folder, name), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.slice(27)),
  );
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const began = performance.now();
  while (!holds()) {
    if (performance.now() - began > patience) throw new Error(`in vain: ${what}`);
    await sleep(20);
  }
}

const childOf = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);

async function round(victim: Victim): Promise<Takeover> {
  const folder = `/tmp/${victim}`;
  const journal = join(folder, 'journal');
  mkdirSync(journal, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, 'lab.yaml'), quick);
  const first = up(folder);
  await until('the middle', () => recordsIn(journal).some((text) => text.includes(middle)));
  const keeper = first.child.pid!;
  // The keeper's child is unshare, and its child the first process of the sandbox.
  process.kill(victim === 'keeper' ? keeper : childOf(childOf(keeper)), 'SIGKILL');
  await first.ended;
  const before = recordsIn(journal);
  const second = up(folder);
  await until('it stands again', () => second.said.out.endsWith('}\n'));
  // It stands as soon as what had been there is there again; the rest is done while it does.
  await until('the end', () => recordsIn(journal).some((text) => text.includes(end)));
  const asked = start(folder, ['emulate', 'status', '--json']);
  await asked.ended;
  const { labs } = JSON.parse(asked.said.out) as { labs: readonly { status: LabStatus }[] };
  const status = labs[0]?.status;
  const after = recordsIn(journal);
  second.child.kill('SIGINT');
  const code = await second.ended;
  const complaints = second.said.err;
  return { victim, before, after, first: first.said.out, status, code, complaints };
}

console.log(JSON.stringify(await Promise.all(victims.map(round))));
