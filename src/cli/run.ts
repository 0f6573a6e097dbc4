/** `standin run`: plays scenarios one after another and reports. */
import { setImmediate } from 'node:timers/promises';
import { nanoseconds } from '../base/time.ts';
import type { Comparison } from '../compare/comparison.ts';
import { nodeCrypto } from '../crypto/node.ts';
import { count, safe } from '../report/terminal.ts';
import { type Played, play } from '../scenario/play.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { SimBackend } from '../sim/backend.ts';
import { EventLog } from '../trace/log.ts';
import { type RunResult, type TimedResult, type Unplayed, verdictOfRun } from '../trace/result.ts';
import { type Read, readAll } from './check.ts';
import { exitCodes } from './exit-codes.ts';
import { say } from './one-case.ts';
import { inPieces, Lacking, Output, plainName, writePrivately } from './output.ts';
import { refuse } from './refusal.ts';
import { type ReporterFlags, reportersFor, type Wanted, WrongList } from './reporter-list.ts';
import { Reporting } from './reporting.ts';

export interface RunOptions extends ReporterFlags {
  readonly grep?: string;
  readonly tag?: string;
  readonly first?: boolean;
  readonly backend: 'sim' | 'linux' | 'both';
  readonly profile: 'node' | 'kernel';
  readonly labs: number;
  readonly seed?: number;
  readonly heldAt?: string;
  readonly log?: string;
  readonly pcap?: 'all' | 'on-failure' | 'off';
  readonly out: string;
  readonly strict?: boolean;
  readonly verbose?: boolean;
  readonly bail?: boolean;
  readonly allowEmpty?: boolean;
  readonly eventsMax: number;
  readonly watch?: boolean;
}

export async function run(paths: readonly string[], options: RunOptions): Promise<number> {
  if (options.watch) {
    const { watch } = await import('./watch.ts');
    return watch(paths, options);
  }
  const began = process.hrtime.bigint();
  const wanted = wantedReports(options);
  if (wanted === undefined) return exitCodes.invalid;
  const read = readAll(paths, options.strict === true);
  if (read === undefined) return exitCodes.invalid;
  const problems = read.flatMap((one) => one.problems);
  if (problems.some(({ severity }) => severity === 'error'))
    return refuse(problems, read.length, wanted);
  const cases = read.flatMap((one) => wantedOf(one, options));
  const { backend, verbose = false, heldAt } = options;
  const inputs = inputsOf(read, cases);
  const reporting = await Reporting.open(wanted, { backend, verbose, heldAt, inputs });
  const session = new Session(cases, options, reporting);
  sayNotAttached(cases);
  const isEmpty = cases.length === 0;
  if (isEmpty) process.stderr.write('standin: nothing matches, so nothing was checked\n');
  else await session.play();
  await session.report(nanoseconds(Number(process.hrtime.bigint() - began)));
  if (isEmpty) return options.allowEmpty ? exitCodes.asExpected : exitCodes.nothingMatched;
  return session.code;
}

/** The cases of a file that are to be played. */
export function wantedOf({ cases = [] }: Read, options: RunOptions): Scenario[] {
  const wanted = cases.filter((scenario) => isWanted(scenario, options));
  return options.first ? wanted.slice(0, 1) : wanted;
}

/** Undefined, with a word to the user, where they cannot be. */
function wantedReports(options: RunOptions): readonly Wanted[] | undefined {
  try {
    const wanted = reportersFor(options, process.env['GITHUB_ACTIONS'] === 'true');
    if (options.heldAt === undefined || wanted.some(({ name }) => name === 'evidence'))
      return wanted;
    throw new WrongList('--held-at is for --reporter evidence=FOLDER');
  } catch (error) {
    if (!(error instanceof WrongList)) throw error;
    say(error.message);
    return undefined;
  }
}

/** The files behind these cases, each once. */
function inputsOf(
  read: readonly Read[],
  cases: readonly Scenario[],
): { readonly path: string; readonly text: string }[] {
  const files = new Set(cases.map(({ file }) => file));
  const texts = read.filter(({ file }) => files.has(file)).flatMap((one) => [...one.texts]);
  return [...new Map(texts)].map(([path, text]) => ({ path, text }));
}

/** A run never touches a real network, whatever a file says. */
function sayNotAttached(cases: readonly Scenario[]): void {
  const networks = cases.flatMap(({ tenants }) =>
    tenants.flatMap(({ sites }) => sites.flatMap((site) => site.networks)),
  );
  const names = new Set(networks.filter(({ attach }) => attach).map(({ name }) => name));
  if (names.size > 0)
    say(`${[...names].join(', ')}: not attached, which is for "standin attach" alone`);
}

function isWanted(scenario: Scenario, { grep, tag }: RunOptions): boolean {
  if (tag !== undefined && !scenario.tags.includes(tag)) return false;
  return grep === undefined || `${scenario.file} ${scenario.name} ${scenario.case}`.includes(grep);
}

/** Some cases, played one after another, and what they leave behind. */
export class Session {
  readonly #cases: readonly Scenario[];
  readonly #options: RunOptions;
  readonly #reporting: Reporting;
  readonly #log: Output | undefined;
  readonly #results: TimedResult[] = [];
  readonly #comparisons = new Map<RunResult, Comparison>();
  readonly #unplayed: Unplayed[] = [];
  /** Names of captures so far: files of the same name lie in different folders. */
  readonly #names = new Set<string>();
  /** What could not be written, though the runs themselves are good. */
  #lacking: Lacking | undefined;

  constructor(cases: readonly Scenario[], options: RunOptions, reporting: Reporting) {
    const { log } = options;
    this.#cases = cases;
    this.#options = options;
    this.#reporting = reporting;
    this.#log = log === undefined ? undefined : new Output(log);
  }

  /**
   * @param isStale Asked after every case: whether nobody waits for the others any more.
   * @returns Those, where they are played in turn.
   */
  async play(isStale = () => false): Promise<readonly Scenario[]> {
    if (this.#options.backend === 'sim') await this.#playInTurn(isStale);
    else await this.#playTogether();
    this.#log?.close();
    if (isStale()) return this.#cases.slice(this.#results.length);
    const left = this.#cases.length - this.#results.length - this.#unplayed.length;
    if (left > 0)
      process.stderr.write(
        `standin: stopped at the first failure; ${count(left, 'case')} not played\n`,
      );
    return [];
  }

  async #playInTurn(isStale: () => boolean): Promise<void> {
    for (const scenario of this.#cases) {
      this.#results.push(await this.#playOne(scenario));
      await setImmediate(); // let signals through
      if ((this.#hasFailed && this.#options.bail) || isStale()) break;
    }
  }

  /** Several at a time, for most of a run on kernels is waiting; the report is in the order of the cases. */
  async #playTogether(): Promise<void> {
    const { longestFirst, obstaclesOf } = await import('./linux.ts');
    const hindered = await obstaclesOf(this.#cases);
    for (const [{ file, case: name }, obstacles] of hindered)
      if (obstacles.length > 0) this.#unplayed.push({ file, case: name, obstacles });
    const played = this.#cases.filter((one) => hindered.get(one)!.length === 0);
    const places = played.map((scenario, place) => ({ place, scenario }));
    const { eventsMax, labs } = this.#options;
    const waiting = labs < places.length ? await longestFirst(places, eventsMax) : places;
    const ended: (TimedResult | undefined)[] = [];
    const work = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const { place, scenario } = next;
        const timed = await this.#playOnKernels(scenario);
        ended[place] = timed;
        const failed = timed !== undefined && verdictOfRun(timed.result) !== 'met';
        if (this.#options.bail && failed) waiting.length = 0;
      }
    };
    await Promise.all(Array.from({ length: Math.max(1, labs) }, work));
    this.#results.push(...ended.filter((one) => one !== undefined));
  }

  get results(): readonly TimedResult[] {
    return this.#results;
  }

  get #hasFailed(): boolean {
    return verdictOfRun(this.#results.at(-1)!.result) !== 'met';
  }

  get code(): number {
    const verdicts = this.#results.map(({ result }) => verdictOfRun(result));
    const differs = [...this.#comparisons.values()].some(({ first }) => first !== undefined);
    if (differs || verdicts.includes('broken')) return exitCodes.expectationFailed;
    const obstacles = this.#unplayed.flatMap((one) => one.obstacles);
    if (obstacles.some(({ check }) => check !== undefined)) return exitCodes.environmentLacks;
    if (obstacles.length > 0) return exitCodes.unsupported;
    if (this.#lacking !== undefined) return exitCodes.environmentLacks;
    return verdicts.every((verdict) => verdict === 'met')
      ? exitCodes.asExpected
      : exitCodes.incomplete;
  }

  async report(realTime: ReturnType<typeof nanoseconds>): Promise<void> {
    const [results, comparisons, unplayed] = [this.#results, this.#comparisons, this.#unplayed];
    await this.#reporting.end({ results, comparisons, unplayed, realTime });
    if (this.#lacking) process.stderr.write(`standin: ${safe(this.#lacking.message)}\n`);
  }

  async #playOne(scenario: Scenario): Promise<TimedResult> {
    const began = process.hrtime.bigint();
    const { strict = false, eventsMax } = this.#options;
    const log = new EventLog('full');
    const breathe = (): Promise<void> => setImmediate();
    const backend = new SimBackend({ crypto: nodeCrypto, strict, eventsMax, breathe });
    const played = await play(this.#seeded(scenario), backend, log);
    const { jsonLines } = await import('../trace/json-lines.ts');
    for (const piece of this.#log ? inPieces(jsonLines(log)) : []) this.#log?.write(piece);
    const wanted = this.#wantsCapture(verdictOfRun(played.result) !== 'met');
    const { keepsEverything } = this.#reporting;
    const bytes = wanted || keepsEverything ? await bytesOf(played) : undefined;
    const ended = timed(played.result, wanted ? this.#capture(scenario, bytes!) : undefined, began);
    this.#reporting.run({
      scenario,
      timed: ended,
      comparison: undefined,
      log: keepsEverything ? jsonLines(log) : undefined,
      capture: bytes,
    });
    return ended;
  }

  /** Undefined where kernels cannot be what it asks for. */
  async #playOnKernels(scenario: Scenario): Promise<TimedResult | undefined> {
    const began = process.hrtime.bigint();
    const { playOnLinux } = await import('./linux.ts');
    const { eventsMax } = this.#options;
    const outcome = await playOnLinux({
      scenario: this.#seeded(scenario),
      eventsMax,
      profile: this.#options.profile,
      compares: this.#options.backend === 'both',
      wantsLog: this.#log !== undefined || this.#reporting.keepsEverything,
      wantsCapture: this.#wantsCapture(true) || this.#reporting.keepsEverything,
    });
    if (outcome.kind === 'unsupported') {
      const { file, case: name } = scenario;
      const obstacles = [{ because: outcome.because, check: undefined }];
      this.#unplayed.push({ file, case: name, obstacles });
      return undefined;
    }
    if (outcome.kind === 'broken') throw new Lacking(`${scenario.file}: ${outcome.because}`);
    const { result, log, comparison, capture: bytes } = outcome;
    for (const piece of inPieces(log ?? [])) this.#log?.write(piece);
    const wanted = bytes && this.#wantsCapture(verdictOfRun(result) !== 'met');
    const ended = timed(result, wanted ? this.#capture(scenario, bytes) : undefined, began);
    if (comparison) this.#comparisons.set(ended.result, comparison);
    this.#reporting.run({ scenario, timed: ended, comparison, log, capture: bytes });
    return ended;
  }

  #seeded(scenario: Scenario): Scenario {
    const { seed } = this.#options;
    return seed === undefined ? scenario : { ...scenario, seed };
  }

  /** One run is looked at closely; of many, those that failed. */
  #wantsCapture(failed: boolean): boolean {
    const when = this.#options.pcap ?? (this.#cases.length === 1 ? 'all' : 'on-failure');
    return when === 'all' || (when === 'on-failure' && failed);
  }

  #capture(scenario: Scenario, bytes: Uint8Array): string | undefined {
    // Not for everybody to read: it carries the keys of the tunnels, made from the seed as they are.
    try {
      return writePrivately(this.#options.out, this.#nameFor(scenario), bytes);
    } catch (error) {
      if (!(error instanceof Lacking)) throw error;
      this.#lacking ??= error;
      return undefined;
    }
  }

  #nameFor(scenario: Scenario): string {
    const plain = plainName(scenario);
    let name = plain;
    for (let number = 2; this.#names.has(name); number += 1) name = `${plain}-${number}`;
    this.#names.add(name);
    return `${name}.pcapng`;
  }
}

function timed(result: RunResult, capture: string | undefined, began: bigint): TimedResult {
  const realTime = nanoseconds(Number(process.hrtime.bigint() - began));
  return { result: capture === undefined ? result : { ...result, capture }, realTime };
}

async function bytesOf(played: Played): Promise<Uint8Array> {
  const { captureOf } = await import('./capture.ts');
  return captureOf(played);
}
