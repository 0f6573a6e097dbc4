/**
 * In a box: lets a lab stand again and again, kills one of its processes at a random instant, and looks
 * whether anything is left of it. Prints what it found as one line of JSON.
 *
 *     node crash-inside.js KILLS SEED
 */
import { type ChildProcess, fork } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../../src/base/random.ts';
import type { Keeping, Kept } from '../../src/cli/keeping.ts';
import { labFolder } from '../../src/cli/lab-folder.ts';
import { scenarios } from '../playing.ts';
import { changes, type HostState, hostState } from '../support/host.ts';

export interface Crashes {
  readonly kills: Readonly<Record<Victim, number>>;
  /** How many of them came while the lab was being built. */
  readonly early: number;
  /** What was left, and after what. */
  readonly left: readonly string[];
  /** Until nothing was left, at worst, in milliseconds. */
  readonly slowest: number;
}

const victims = ['keeper', 'unshare', 'inner'] as const;
export type Victim = (typeof victims)[number];

/** Longer than anything takes that ends by itself. */
const patience = 30_000;

const [kills, seed] = process.argv.slice(2).map(Number) as [number, number];
const random = new Random(`crashes ${seed}`);
const keeping = join(import.meta.dirname, '..', '..', 'src', 'cli', 'keeping.js');
const [scenario] = scenarios('01-partial-static.yaml');

interface Running {
  readonly keeper: ChildProcess;
  stands: boolean;
  readonly standing: Promise<unknown>;
}

function begin(): Running {
  const keeper = fork(keeping, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  const standing = new Promise((resolve) => keeper.once('message', resolve));
  const running: Running = { keeper, stands: false, standing };
  keeper.once('message', ({ kind }: Kept) => (running.stands = kind === 'stands'));
  keeper.on('error', () => {});
  keeper.send({ what: { scenario: scenario!, steps: 0 }, folder: labFolder() } satisfies Keeping);
  return running;
}

const childrenOf = (pid: number): number[] => {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .split(' ')
      .filter(Boolean)
      .map(Number);
  } catch {
    return [];
  }
};

/** The victim as soon as there is one. */
async function find(victim: Victim, keeper: number): Promise<number | undefined> {
  for (let tries = 0; tries < 500; tries += 1) {
    const unshare = childrenOf(keeper)[0];
    const inner = unshare === undefined ? undefined : childrenOf(unshare)[0];
    const found = { keeper, unshare, inner }[victim];
    if (found !== undefined) return found;
    await sleep(5);
  }
  return undefined;
}

/** Processes other than ours, and namespaces in which somebody is. */
function others(): string[] {
  const mine = new Set([process.pid, 1]);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && !mine.has(Number(name)))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        if (/\) Z /.test(stat)) return [];
        const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return [`process ${words}in ${readlinkSync(`/proc/${name}/ns/net`)}`];
      } catch {
        return [];
      }
    });
}

async function nothingLeft(): Promise<{ readonly left: string[]; readonly took: number }> {
  const began = performance.now();
  for (;;) {
    const alive = others();
    const took = performance.now() - began; // looking at the rest takes longer than it takes to go
    const left =
      alive.length > 0 ? alive : changes(before, hostState()).map((part) => `changed: ${part}`);
    if (left.length === 0 || took > patience) return { left, took };
    await sleep(10);
  }
}

/** A bridge that has just been made takes a moment to notice that nothing is plugged into it. */
async function settled(): Promise<HostState> {
  let state = hostState();
  for (let same = 0; same < 3; ) {
    await sleep(500);
    const next = hostState();
    same = changes(state, next).length === 0 ? same + 1 : 0;
    state = next;
  }
  return state;
}

const before = await settled();
const left: string[] = [];
const count: Record<Victim, number> = { keeper: 0, unshare: 0, inner: 0 };
let early = 0;
let slowest = 0;
// How long building takes says at which instants it can be killed.
const began = performance.now();
const trial = begin();
await trial.standing;
const buildTime = performance.now() - began;
if (!trial.stands) left.push('the lab does not stand at all');
trial.keeper.kill('SIGKILL');
left.push(...(await nothingLeft()).left);
for (let i = 0; i < kills; i += 1) {
  const victim = victims[i % victims.length]!;
  const running = begin();
  // Half of them while it is being built, half while it stands.
  const begun = performance.now();
  if (random.fraction() < 0.5) {
    await running.standing;
    await sleep(random.between(0, 500));
  } else await sleep(random.between(0, Math.ceil(buildTime)));
  const delay = Math.round(performance.now() - begun);
  const pid = await find(victim, running.keeper.pid!);
  if (!running.stands) early += 1;
  if (pid === undefined) left.push(`there was no ${victim} to be killed`);
  else process.kill(pid, 'SIGKILL');
  count[victim] += 1;
  const found = await nothingLeft();
  slowest = Math.max(slowest, found.took);
  left.push(...found.left.map((what) => `${victim} killed after ${delay} ms: ${what}`));
}
const crashes: Crashes = { kills: count, early, left, slowest: Math.round(slowest) };
console.log(JSON.stringify(crashes));
