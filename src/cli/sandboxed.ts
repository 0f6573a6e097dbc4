/** Inside a sandbox: plays one case of a scenario on kernels and tells what came of it. */
import { release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { milliseconds, nanoseconds } from '../base/time.ts';
import type { Run } from '../compare/account.ts';
import { compareRuns } from '../compare/compare.ts';
import type { Comparison } from '../compare/comparison.ts';
import { nodeCrypto } from '../crypto/node.ts';
import type { Lateness } from '../emu/clock.ts';
import { Emulation } from '../emu/emulation.ts';
import type { Profile, Profiles } from '../emu/insides.ts';
import { TooLate } from '../emu/pace.ts';
import type { PacedLab } from '../emu/paced-lab.ts';
import { enterSandbox } from '../emu/sandbox.ts';
import { Unsupported } from '../emu/unsupported.ts';
import { play } from '../scenario/play.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { SimBackend } from '../sim/backend.ts';
import { EventLog } from '../trace/log.ts';
import { packLog } from '../trace/pack.ts';
import type { Platform, RunResult } from '../trace/result.ts';

/** What a sandbox is told to do. */
export interface Task {
  readonly scenario: Scenario;
  /** Play it in the simulation too, and compare. */
  readonly compares: boolean;
  readonly profile?: Profile | Profiles;
  /** Undefined: its time stands still while the computer is busy elsewhere. */
  readonly lateness?: Lateness;
  readonly eventsMax: number;
  readonly wantsLog: boolean;
  readonly wantsCapture: boolean;
  readonly wantsPacked: boolean;
}

export type Outcome =
  | {
      readonly kind: 'played';
      readonly result: RunResult;
      readonly comparison: Comparison | undefined;
      readonly capture: Uint8Array | undefined;
      readonly log: readonly string[] | undefined;
      readonly packed: Uint8Array | undefined;
    }
  | { readonly kind: 'unsupported'; readonly because: string }
  | { readonly kind: 'too-late'; readonly because: string }
  | { readonly kind: 'broken'; readonly because: string };

async function perform(task: Task): Promise<Outcome> {
  const log = new EventLog('full');
  const backend = new Emulation({
    crypto: nodeCrypto,
    agent: fileURLToPath(new URL('../emu/agent.js', import.meta.url)),
    ...(task.profile && { profile: task.profile }),
    lateness: task.lateness ?? { policy: 'stand still', limit: milliseconds(25) },
    eventsMax: task.eventsMax,
  });
  const { result, lab } = await play(task.scenario, backend, log);
  const { latest, stood } = lab as PacedLab;
  const platform: Platform = {
    kernel: `Linux ${release().replace(/[^\d.].*/, '')}`,
    latest: nanoseconds(Math.max(0, Math.round(latest))),
    stood: nanoseconds(Math.round(stood)),
  };
  const { jsonLines } = await import('../trace/json-lines.ts');
  const { captureOf } = await import('./capture.ts');
  return {
    kind: 'played',
    result: { ...result, platform },
    comparison: task.compares ? await compared(task, { result, log }) : undefined,
    capture: task.wantsCapture ? captureOf({ lab }) : undefined,
    log: task.wantsLog ? [...jsonLines(log)] : undefined,
    packed: task.wantsPacked ? packLog(log) : undefined,
  };
}

/** The same in virtual time, and what differs. */
async function compared(task: Task, emulated: Run): Promise<Comparison> {
  const log = new EventLog('full');
  const backend = new SimBackend({ crypto: nodeCrypto, eventsMax: task.eventsMax });
  const { result } = await play(task.scenario, backend, log);
  return compareRuns({ result, log }, emulated);
}

function ended(error: Error): Outcome {
  const because = error.message;
  if (error instanceof Unsupported) return { kind: 'unsupported', because };
  if (error instanceof TooLate) return { kind: 'too-late', because };
  return { kind: 'broken', because: error.stack ?? because };
}

enterSandbox();
process.once('message', (task: Task) => {
  const tell = (outcome: Outcome): void => {
    process.send?.(outcome, () => process.exit(0));
  };
  perform(task).then(tell, (error: Error) => tell(ended(error)));
});
process.send?.('ready');
