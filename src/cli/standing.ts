/** Inside a sandbox: lets a lab stand on kernels, and tells how it stands whenever it is asked. */
import { constants, openSync, rmdirSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, type Instant, labEnd, seconds } from '../base/time.ts';
import { nodeCrypto } from '../crypto/node.ts';
import { Emulation } from '../emu/emulation.ts';
import { openJournal } from '../emu/journal-file.ts';
import type { PacedLab } from '../emu/paced-lab.ts';
import { enterSandbox } from '../emu/sandbox.ts';
import { statusOf } from '../emu/status.ts';
import type { LabPlan } from '../lab/lab.ts';
import { compile } from '../scenario/compile.ts';
import { stage } from '../scenario/play.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { EventLog } from '../trace/log.ts';
import type { LabStatus } from '../trace/standing.ts';
import { journalName } from './lab-folder.ts';

/** What it is told to let stand. */
export interface Standing {
  readonly scenario: Scenario;
  /** So many of its steps are played first; what they expect is not asked. */
  readonly steps: number;
  /** The folder of the controllers' journals, where they keep any. */
  readonly journals?: string;
}

export type Request =
  | { readonly ask: 'stand'; readonly what: Standing }
  | { readonly ask: 'status' };

export type Answer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'stands' | 'status'; readonly status: LabStatus }
  | { readonly kind: 'broken'; readonly because: string };

/** Addresses are set by then: RFC 5227 takes up to 7 s. */
const addressesSet = seconds(10);

const tell = (answer: Answer): void => {
  process.send?.(answer);
};

async function build({ scenario, steps }: Standing): Promise<PacedLab> {
  const backend = new Emulation({
    crypto: nodeCrypto,
    agent: fileURLToPath(new URL('../emu/agent.js', import.meta.url)),
    lateness: { policy: 'carry on', limit: seconds(1) },
    eventsMax: Number.MAX_SAFE_INTEGER, // it stands until somebody ends it
  });
  // It would grow for as long as the lab stands.
  const log = new EventLog('verdicts');
  const plan = journaled(scenario);
  if (plan.recoveries.some(({ journal }) => journal?.past)) {
    const lab = await backend.start(plan, log);
    await takeUp(lab);
    return lab;
  }
  if (steps === 0) {
    const lab = await backend.start(plan, log);
    await lab.until(after(lab.now, addressesSet), () => everybodyHasAnAddress(lab));
    return lab;
  }
  const wanted = scenario.steps
    .slice(0, steps)
    .filter(({ kind }) => kind !== 'expect' && kind !== 'predict');
  const { lab } = await stage({ ...scenario, steps: wanted }, backend, log, plan);
  return lab as PacedLab;
}

/** With the journals of its controllers, where somebody wants them: begun, or left by a lab that died. */
function journaled(scenario: Scenario): LabPlan {
  const plan = compile(scenario);
  if (journals === undefined) return plan;
  const recoveries = plan.recoveries.map((recovery, i) => {
    const path = `/proc/self/fd/${journals}/${journalName(scenario, i)}`;
    return { ...recovery, journal: openJournal(path, recovery.configuration, { locked: true }) };
  });
  return { ...plan, recoveries };
}

/**
 * Every controller goes on where its journal ends. What the lab before this one had built went with it,
 * so that of no command that nobody answered anything is left.
 */
async function takeUp(lab: PacedLab): Promise<void> {
  const waiting = new Set(lab.recoveries);
  const stops: string[] = [];
  for (const recovery of lab.recoveries)
    recovery.resume(
      () => 'not begun',
      (stopped) => {
        waiting.delete(recovery);
        if (stopped !== undefined) stops.push(stopped);
      },
    );
  await lab.until(labEnd as Instant, () => waiting.size === 0);
  if (stops.length > 0) throw new Error(`nothing was done: ${stops.join('; ')}`);
}

const everybodyHasAnAddress = ({ network }: PacedLab): boolean =>
  network.topology.nodes.every(
    ({ kind, name }) =>
      kind !== 'guest' ||
      network.powerOf(name) === 'off' ||
      network.stack(name)!.interfaces.some(({ addresses }) => addresses.length > 0),
  );

async function stand(what: Standing): Promise<void> {
  const lab = await build(what);
  process.on('message', (request: Request) => {
    if (request.ask === 'status') tell({ kind: 'status', status: statusOf(lab) });
  });
  tell({ kind: 'stands', status: statusOf(lab) });
  await lab.until(labEnd as Instant);
}

// Opened before the sandbox has a /run of its own: whoever keeps the lab may die without a word,
// and what he left in his folder goes with the lab.
const [folder, socket, journalFolder] = process.argv.slice(2) as [string, string, string?];
const open = (path: string): number => openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
const handle = open(folder);
const journals = journalFolder === undefined ? undefined : open(journalFolder);
const there = `/proc/self/fd/${handle}`;
process.once('exit', () => {
  for (const name of [socket, `.${socket}`]) rmSync(`${there}/${name}`, { force: true });
  try {
    rmdirSync(`${there}/../${basename(folder)}`);
  } catch {} // others are in it
});
enterSandbox();
process.once('message', (request: Request) => {
  if (request.ask !== 'stand') return;
  stand(request.what).catch((error: Error) => {
    process.send?.({ kind: 'broken', because: error.stack ?? error.message } satisfies Answer, () =>
      process.exit(0),
    );
  });
});
tell({ kind: 'ready' });
