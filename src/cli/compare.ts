/** `standin compare`: plays two scenarios, or one in two ways, or reads their logs, and says where they part. */
import { compareAlike } from '../compare/compare.ts';
import { divergenceOf } from '../compare/divergence.ts';
import { nodeCrypto } from '../crypto/node.ts';
import { type Compared, comparedText, isSame } from '../report/compared.ts';
import { showJson } from '../report/json.ts';
import { play } from '../scenario/play.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { SimBackend } from '../sim/backend.ts';
import type { TraceEvent } from '../trace/event.ts';
import { plainEvent } from '../trace/json-lines.ts';
import { EventLog } from '../trace/log.ts';
import { BadLine } from '../trace/read-json-lines.ts';
import { recordedResult } from '../trace/recorded.ts';
import type { RunResult } from '../trace/result.ts';
import { exitCodes } from './exit-codes.ts';
import { readLog } from './log-file.ts';
import { type CaseFlags, type Change, sameCase, say, theCase } from './one-case.ts';
import { Lacking } from './output.ts';
import { styleFor } from './style.ts';
import { version } from './version.ts';

export interface CompareFlags extends CaseFlags {
  readonly set: readonly Change[];
  readonly seed: readonly number[];
  readonly ignore?: 'timing';
}

/** A run that is to be compared: its events, and its result where a player had one to give. */
interface Side {
  readonly name: string;
  readonly events: readonly TraceEvent[];
  readonly result: RunResult | undefined;
}

type Sides = readonly [Side, Side];

export async function compare(
  one: string,
  other: string | undefined,
  flags: CompareFlags,
): Promise<number> {
  const unclear = other === undefined ? unclearAlone(one, flags) : unclearTogether(flags);
  if (unclear !== undefined) return refuse(unclear);
  const sides = await (other === undefined ? inTwoWays(one, flags) : twoFiles(one, other, flags));
  if (sides === undefined) return exitCodes.invalid;
  const [left, right] = sides;
  const divergence = divergenceOf(left.events, right.events);
  const compared: Compared = {
    left: left.name,
    right: right.name,
    events: Math.min(left.events.length, right.events.length),
    divergence,
    comparison: compareAlike(...runsOf(sides)),
    ignoresTiming: flags.ignore === 'timing',
  };
  const width = Math.min(process.stdout.columns ?? 120, 160);
  process.stdout.write(
    flags.json
      ? json(compared)
      : comparedText(compared, { style: styleFor(process.stdout), width }),
  );
  return isSame(compared) ? exitCodes.asExpected : exitCodes.expectationFailed;
}

function refuse(because: string): number {
  say(because);
  return exitCodes.invalid;
}

const isScenario = (path: string): boolean => /\.ya?ml$/.test(path);

/** What is wrong with comparing one file with itself. */
function unclearAlone(file: string, { set, seed }: CompareFlags): string | undefined {
  if (!isScenario(file)) return `${file} is a log: what shall it be compared with?`;
  if (seed.length > 2) return 'two seeds can be compared, not more';
  if (set.length > 0 && seed.length > 1)
    return 'either --set or two seeds: what differs must be one thing';
  if (set.length === 0 && seed.length < 2)
    return `compare ${file} with what? Name another file, or give --set sql01.ip=dhcp, or --seed twice`;
  return undefined;
}

function unclearTogether({ set, seed }: CompareFlags): string | undefined {
  if (set.length > 0)
    return '--set changes one file to compare it with itself: leave the other out';
  return seed.length > 1 ? 'two files are played with the same seed: give one --seed' : undefined;
}

async function inTwoWays(file: string, flags: CompareFlags): Promise<Sides | undefined> {
  const { set, seed } = flags;
  const plain = theCase(file, flags);
  const changed = plain && sameCase(file, plain.case, set);
  if (plain === undefined || changed === undefined) return undefined;
  const [first = plain.seed, second = first] = seed;
  const changes = set.map(({ path, value }) => `${path}=${value}`).join(', ');
  const name = set.length > 0 ? `${file} with ${changes}` : `${file} with seed ${second}`;
  return [
    await playSide(seed.length > 1 ? `${file} with seed ${first}` : file, plain, first),
    await playSide(name, changed, second),
  ];
}

async function twoFiles(
  one: string,
  other: string,
  flags: CompareFlags,
): Promise<Sides | undefined> {
  const [left, right] = [one, other].map((file) =>
    isScenario(file) ? theCase(file, flags) : recorded(file),
  );
  if (left === undefined || right === undefined) return undefined;
  // The same seed for both, so that chance is no difference between them.
  const played = [left, right].find((side) => 'steps' in side);
  const [seed = played?.seed ?? 0] = flags.seed;
  return [
    'steps' in left ? await playSide(one, left, seed) : left,
    'steps' in right ? await playSide(other, right, seed) : right,
  ];
}

async function playSide(name: string, scenario: Scenario, seed: number): Promise<Side> {
  const log = new EventLog('full');
  const { result } = await play({ ...scenario, seed }, new SimBackend({ crypto: nodeCrypto }), log);
  return { name, events: [...log.events()], result };
}

/** Undefined, with a word to the user, where it is no log of one run. */
function recorded(path: string): Side | undefined {
  try {
    return { name: path, events: readLog(path), result: undefined };
  } catch (error) {
    if (error instanceof BadLine) say(`${path}:${error.line}: ${error.message}`);
    else if (error instanceof Lacking) say(error.message);
    else throw error;
    return undefined;
  }
}

/** Where one side has only its log, neither says more than that. */
function runsOf(sides: Sides) {
  const haveResults = sides.every(({ result }) => result !== undefined);
  const run = ({ name, events, result }: Side) => ({
    result: haveResults ? result! : recordedResult(events, name),
    log: {
      *events(from = 0) {
        yield* events.slice(from);
      },
    },
  });
  return [run(sides[0]), run(sides[1])] as const;
}

function json(compared: Compared): string {
  const { left, right, events, divergence, comparison } = compared;
  const side = ({ event, causes }: NonNullable<typeof divergence>['left']) => ({
    event: event && plainEvent(event),
    causes: causes.map(plainEvent),
  });
  const first = divergence && {
    ...divergence,
    before: divergence.before.map(plainEvent),
    left: side(divergence.left),
    right: side(divergence.right),
  };
  const differences = comparison.differences.map(({ simulated, emulated, ...rest }) => ({
    ...rest,
    left: simulated,
    right: emulated,
  }));
  return showJson({
    schema: 1,
    standin: version,
    left,
    right,
    same: isSame(compared),
    events,
    firstEvent: first,
    compared: comparison.compared,
    differences,
  });
}
