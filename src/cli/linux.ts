/** Plays cases on Linux kernels: each in a sandbox of its own. */
import { nodeCrypto } from '../crypto/node.ts';
import { examine } from '../emu/doctor.ts';
import type { Profile } from '../emu/insides.ts';
import { unsupported } from '../emu/requirements.ts';
import { openSandbox } from '../emu/sandbox.ts';
import { play } from '../scenario/play.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { SimBackend } from '../sim/backend.ts';
import type { Obstacle } from '../trace/checkup.ts';
import { EventLog } from '../trace/log.ts';
import { kernelNeeds } from './kernel-needs.ts';
import type { Outcome, Task } from './sandboxed.ts';
import { scriptIn } from './scripts.ts';

/** What keeps cases from being played on kernels here, by trying what they need. */
export async function obstaclesOf(
  cases: readonly Scenario[],
  profile: Profile,
): Promise<ReadonlyMap<Scenario, readonly Obstacle[]>> {
  const checks = await examine(scriptIn('emu', 'examiner.js'));
  return new Map(
    cases.map((scenario) => [scenario, unsupported(kernelNeeds(scenario, profile), checks)]),
  );
}

/** How long each takes, in the order of its length, so that none of the long ones is begun last: as the simulation has it. */
export async function longestFirst<T extends { readonly scenario: Scenario }>(
  all: readonly T[],
  eventsMax: number,
): Promise<T[]> {
  const timed: { readonly one: T; readonly time: number }[] = [];
  for (const one of all) {
    const backend = new SimBackend({ crypto: nodeCrypto, eventsMax });
    const { result } = await play(one.scenario, backend, new EventLog('verdicts'));
    timed.push({ one, time: result.simulatedTime });
  }
  return timed.sort((a, b) => b.time - a.time).map(({ one }) => one);
}

/** @throws MissingTool */
export function playOnLinux(task: Task): Promise<Outcome> {
  return new Promise((resolve) => {
    const sandbox = openSandbox(scriptIn('cli', 'sandboxed.js'));
    let complaints = '';
    let outcome: Outcome | undefined;
    sandbox.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaints = (complaints + text).slice(-4000);
    });
    sandbox.on('message', (message: 'ready' | Outcome) => {
      if (message === 'ready') sandbox.send(task);
      else outcome = message;
    });
    sandbox.once('error', (error) => resolve({ kind: 'broken', because: error.message }));
    sandbox.once('close', (code, signal) => {
      const because = `the sandbox ended with ${signal ?? code}: ${complaints.trim()}`;
      resolve(outcome ?? { kind: 'broken', because });
    });
  });
}
