/** `standin run`: plays scenarios one after another and reports. */
import { setImmediate } from 'node:timers/promises';
import { nanoseconds } from '../base/time.ts';
import type { Comparison } from '../compare/comparison.ts';
import { nodeCrypto } from '../crypto/node.ts';
import type { Lateness } from '../emu/clock.ts';
import { count, safe } from '../report/terminal.ts';
import { type Played, play } from '../scenario/play.ts';
import type { Scenario, Severity } from '../scenario/scenario.ts';
import { withSeverity } from '../scenario/watched.ts';
import { SimBackend } from '../sim/backend.ts';
import { EventLog } from '../trace/log.ts';
import type { Source } from '../trace/recording.ts';
import { type RunResult, type TimedResult, type Unplayed, verdictOfRun } from '../trace/result.ts';
import { type Read, readAll } from './check.ts';
import { exitCodes } from './exit-codes.ts';
import { type LateFlags, latenessOf } from './lateness.ts';
import type { LockStore } from './lock-store.ts';
import { sayNotAttached } from './not-attached.ts';
import { say } from './one-case.ts';
import { inPieces, Lacking, Output, plainName, writePrivately } from './output.ts';
import { refuse } from './refusal.ts';
import { type ReporterFlags, reportersFor, type Wanted, WrongList } from './reporter-list.ts';
import { Reporting } from './reporting.ts';
import { type Selection, selected } from './selection.ts';

export interface RunOptions extends ReporterFlags, Selection, LateFlags {
  readonly backend: 'sim' | 'linux' | 'both';
  readonly profile: 'node' | 'kernel';
  readonly labs: number;
  readonly seed?: number;
  readonly heldAt?: string;
  readonly log?: string;
  readonly pcap?: 'all' | 'on-failure' | 'off';
  readonly out: string;
  readonly strict?: boolean;
  /** What becomes of broken invariants, whatever the files say. */
  readonly invariants?: Severity;
  readonly verbose?: boolean;
  readonly bail?: boolean;
  readonly allowEmpty?: boolean;
  readonly eventsMax: number;
  readonly watch?: boolean;
  /** Hold every run against the lock file. */
  readonly locked?: boolean;
  readonly lock: string;
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
  const cases = selected(read, options);
  const locks = await locksFor(paths, read, options);
  if (typeof locks === 'number') return locks;
  const lateness = latenessOf(options);
  if (lateness === undefined) return exitCodes.invalid;
  const { backend, verbose = false, heldAt } = options;
  const inputs = inputsOf(read, cases);
  const unchosen = read.flatMap((one) => one.cases ?? []).length - cases.length;
  const sources = new Map(read.map((one) => [one.file, sourcesOf(one)]));
  const about = { backend, verbose, heldAt, inputs, sources, unchosen };
  const reporting = await Reporting.open(wanted, about);
  const session = new Session(cases, { ...options, lateness, ...(locks && { locks }) }, reporting);
  sayNotAttached(cases);
  const isEmpty = cases.length === 0;
  if (isEmpty) process.stderr.write('standin: nothing matches, so nothing was checked\n');
  else await session.play();
  await session.report(nanoseconds(Number(process.hrtime.bigint() - began)));
  if (isEmpty) return options.allowEmpty ? exitCodes.asExpected : exitCodes.nothingMatched;
  return session.code;
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

const sourcesOf = ({ texts }: Read): Source[] => [...texts].map(([file, text]) => ({ file, text }));

/** The lock file that runs are held against, if they are; the exit code where that cannot be. */
async function locksFor(
  paths: readonly string[],
  read: readonly Read[],
  { locked, lock, backend }: RunOptions,
): Promise<LockStore | number | undefined> {
  if (!locked) return undefined;
  if (backend !== 'sim') {
    say(`--locked is for the simulation alone: kernels have times of their own`);
    return exitCodes.invalid;
  }
  const { LockStore: store } = await import('./lock-store.ts');
  return store.open(lock, paths, read, 'is an error');
}

export interface SessionOptions extends RunOptions {
  readonly lateness: Lateness;
  readonly locks?: LockStore;
}

/** Some cases, played one after another, and what they leave behind. */
export class Session {
  readonly #cases: readonly Scenario[];
  readonly #options: SessionOptions;
  readonly #reporting: Reporting;
  readonly #log: Output | undefined;
  readonly #locks: LockStore | undefined;
  readonly #results: TimedResult[] = [];
  readonly #comparisons = new Map<RunResult, Comparison>();
  readonly #unplayed: Unplayed[] = [];
  /** How many cases were broken off because something came too late. */
  #fellBehind = 0;
  /** Names of captures so far: files of the same name lie in different folders. */
  readonly #names = new Set<string>();
  /** What could not be written, though the runs themselves are good. */
  #lacking: Lacking | undefined;

  constructor(cases: readonly Scenario[], options: SessionOptions, reporting: Reporting) {
    const { log } = options;
    this.#locks = options.locks;
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
    if (this.#left > 0)
      process.stderr.write(
        `standin: stopped at the first failure; ${count(this.#left, 'case')} not played\n`,
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
    const hindered = await obstaclesOf(this.#cases, this.#options.profile);
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

  get #left(): number {
    return this.#cases.length - this.#results.length - this.#unplayed.length - this.#fellBehind;
  }

  get #hasFailed(): boolean {
    return verdictOfRun(this.#results.at(-1)!.result) !== 'met';
  }

  get code(): number {
    const verdicts = this.#results.map(({ result }) => verdictOfRun(result));
    const differs = [...this.#comparisons.values()].some(({ first }) => first !== undefined);
    if (differs || verdicts.includes('broken')) return exitCodes.expectationFailed;
    if (this.#locks?.holds === false) return exitCodes.expectationFailed;
    const obstacles = this.#unplayed.flatMap((one) => one.obstacles);
    if (obstacles.some(({ check }) => check !== undefined)) return exitCodes.environmentLacks;
    if (obstacles.length > 0) return exitCodes.unsupported;
    if (this.#lacking !== undefined) return exitCodes.environmentLacks;
    return verdicts.every((verdict) => verdict === 'met')
      ? exitCodes.asExpected
      : exitCodes.incomplete;
  }

  async report(realTime: ReturnType<typeof nanoseconds>): Promise<void> {
    await this.#reporting.end({
      results: this.#results,
      comparisons: this.#comparisons,
      unplayed: this.#unplayed,
      left: this.#left,
      realTime,
      locks: this.#locks,
    });
    if (this.#lacking) process.stderr.write(`standin: ${safe(this.#lacking.message)}\n`);
  }

  async #playOne(scenario: Scenario): Promise<TimedResult> {
    const began = process.hrtime.bigint();
    const { strict = false, eventsMax } = this.#options;
    const log = new EventLog('full');
    const breathe = (): Promise<void> => setImmediate();
    const backend = new SimBackend({ crypto: nodeCrypto, strict, eventsMax, breathe });
    const played = await play(this.#asTold(scenario), backend, log);
    const { jsonLines } = await import('../trace/json-lines.ts');
    this.#keep(jsonLines(log));
    if (this.#locks) {
      const { result } = played;
      this.#locks.check(this.#locks.entry(scenario, { result, log }));
    }
    const wanted = this.#wantsCapture(verdictOfRun(played.result) !== 'met');
    const { keepsEverything, playsBack } = this.#reporting;
    const bytes = wanted || keepsEverything ? await bytesOf(played) : undefined;
    const ended = timed(played.result, wanted ? this.#capture(scenario, bytes!) : undefined, began);
    this.#reporting.run({
      scenario,
      timed: ended,
      comparison: undefined,
      log: keepsEverything ? jsonLines(log) : undefined,
      capture: bytes,
      packed: playsBack ? (await import('../trace/pack.ts')).packLog(log) : undefined,
    });
    return ended;
  }

  /** Undefined where kernels cannot be what it asks for. */
  async #playOnKernels(scenario: Scenario): Promise<TimedResult | undefined> {
    const began = process.hrtime.bigint();
    const { playOnLinux } = await import('./linux.ts');
    const { eventsMax } = this.#options;
    const outcome = await playOnLinux({
      scenario: this.#asTold(scenario),
      eventsMax,
      profile: this.#options.profile,
      compares: this.#options.backend === 'both',
      wantsLog: this.#log !== undefined || this.#reporting.keepsEverything,
      wantsCapture: this.#wantsCapture(true) || this.#reporting.keepsEverything,
      wantsPacked: this.#reporting.playsBack,
      lateness: this.#options.lateness,
    });
    if (outcome.kind === 'unsupported') {
      const { file, case: name } = scenario;
      const obstacles = [{ because: outcome.because, check: undefined }];
      this.#unplayed.push({ file, case: name, obstacles });
      return undefined;
    }
    if (outcome.kind === 'too-late') {
      this.#fallBehind(scenario, outcome.because);
      return undefined;
    }
    if (outcome.kind === 'broken') throw new Lacking(`${scenario.file}: ${outcome.because}`);
    const { result, log, comparison, capture: bytes, packed } = outcome;
    this.#keep(log ?? []);
    const wanted = bytes && this.#wantsCapture(verdictOfRun(result) !== 'met');
    const ended = timed(result, wanted ? this.#capture(scenario, bytes) : undefined, began);
    if (comparison) this.#comparisons.set(ended.result, comparison);
    this.#reporting.run({ scenario, timed: ended, comparison, log, capture: bytes, packed });
    return ended;
  }

  /** A case of which something came too late has shown nothing; the others may have kept up. */
  #fallBehind({ file, case: name }: Scenario, because: string): void {
    const which = name === '' ? file : `${file} ${name}`;
    this.#fellBehind += 1;
    this.#lacking ??= new Lacking(
      `${which}: this machine is too slow: ${because}; fewer at a time: --labs 1`,
    );
  }

  #keep(lines: Iterable<string>): void {
    if (this.#log === undefined) return;
    for (const piece of inPieces(lines)) this.#log.write(piece);
  }

  /** With what the command line says over what the file says. */
  #asTold(scenario: Scenario): Scenario {
    const { seed, invariants } = this.#options;
    const watched = invariants === undefined ? scenario : withSeverity(scenario, invariants);
    return seed === undefined ? watched : { ...watched, seed };
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
