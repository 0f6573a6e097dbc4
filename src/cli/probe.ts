/** `standin probe`: plays a scenario up to a step, with changes, asks one thing, and says what came of it. */
import { nodeCrypto } from '../crypto/node.ts';
import { showJson } from '../report/json.ts';
import { type Probed, probedText } from '../report/probed.ts';
import type { Amendment } from '../scenario/amend.ts';
import { play } from '../scenario/play.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { SimBackend } from '../sim/backend.ts';
import { EventLog } from '../trace/log.ts';
import { exitCodes } from './exit-codes.ts';
import { askingStep, readFlow } from './flow-words.ts';
import { type CaseFlags, type Change, sameCase, say, theCase } from './one-case.ts';
import { styleFor } from './style.ts';
import { version } from './version.ts';

export interface ProbeFlags extends CaseFlags {
  readonly after?: number;
  readonly set: readonly Change[];
  readonly seed?: number;
}

export async function probe(
  file: string,
  words: readonly string[],
  flags: ProbeFlags,
): Promise<number> {
  const { set } = flags;
  const flow = readFlow(words);
  if (typeof flow === 'string') return refuse(flow);
  const whole = theCase(file, flags, set);
  if (whole === undefined) return exitCodes.invalid;
  const last = whole.steps.at(-1)?.number ?? 0;
  const { after = last } = flags;
  if (after > last) return refuse(`there is no step ${after}: the last one is step ${last}`);
  const question: Amendment[] = [
    { kind: 'cut', after },
    { kind: 'insert', before: after + 1, step: askingStep(flow) },
  ];
  const scenario = sameCase(file, whole.case, [...set, ...question]);
  if (scenario === undefined) return exitCodes.invalid;
  const { outcome, brokenOff } = await ask(scenario, flags);
  const plain = set.length > 0 ? sameCase(file, whole.case, question) : undefined;
  const probed: Probed = {
    file,
    case: whole.case,
    seed: flags.seed ?? whole.seed,
    after: whole.steps.findLast(({ number }) => number <= after),
    changes: set.map(({ path, value }) => `${path}=${value}`),
    outcome,
    ...(plain && { without: (await ask(plain, flags)).outcome }),
  };
  process.stdout.write(shown(probed, flags));
  if (brokenOff !== undefined) return exitCodes.incomplete;
  return outcome.verdict === 'met' ? exitCodes.asExpected : exitCodes.expectationFailed;
}

function refuse(because: string): number {
  say(because);
  return exitCodes.invalid;
}

/** Plays it; its last step is the question. */
async function ask(scenario: Scenario, { seed = scenario.seed }: ProbeFlags) {
  const backend = new SimBackend({ crypto: nodeCrypto });
  const { result } = await play({ ...scenario, seed }, backend, new EventLog('full'));
  return { outcome: result.steps.at(-1)!.expectations[0]!, brokenOff: result.brokenOff };
}

function shown(probed: Probed, { json }: ProbeFlags): string {
  if (!json) {
    const width = Math.min(process.stdout.columns ?? 100, 140);
    return probedText(probed, { style: styleFor(process.stdout), width });
  }
  const { outcome, without, after, ...about } = probed;
  const answer = { reachable: outcome.verdict === 'met', ...outcome };
  const other = without && { reachable: without.verdict === 'met', ...without };
  const step = after && { number: after.number, title: after.title };
  const document = { schema: 1, standin: version, ...about, after: step, answer, without: other };
  return showJson(document);
}
