/** `standin run`: plays scenarios one after another and reports. */
import { setImmediate } from 'node:timers/promises';
import { nanoseconds } from '../base/time.ts';
import type { Comparison } from '../compare/comparison.ts';
import { nodeCrypto } from '../crypto/node.ts';
import { runsJson, showJson } from '../report/json.ts';
import { count, safe } from '../report/terminal.ts';
import { runsText, runText, type TextOptions } from '../report/text.ts';
import { type Played, play } from '../scenario/play.ts';
import { type Problem, renderProblem, renderSummary } from '../scenario/problem.ts';
import type { Scenario, Severity } from '../scenario/scenario.ts';
import { withSeverity } from '../scenario/watched.ts';
import { SimBackend } from '../sim/backend.ts';
import { EventLog } from '../trace/log.ts';
import { type RunResult, type TimedResult, type Unplayed, verdictOfRun } from '../trace/result.ts';
import { readAll } from './check.ts';
import { exitCodes } from './exit-codes.ts';
import { loaderFor } from './files.ts';
import { say } from './one-case.ts';
import { Lacking, Output, plainName, writePrivately } from './output.ts';
import { styleFor } from './style.ts';
import { version } from './version.ts';

export interface RunOptions {
  readonly grep?: string;
  readonly tag?: string;
  readonly first?: boolean;
  readonly backend: 'sim' | 'linux' | 'both';
  readonly profile: 'node' | 'kernel';
  readonly labs: number;
  readonly seed?: number;
  readonly json?: boolean;
  readonly junit?: string;
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
}

export async function run(paths: readonly string[], options: RunOptions): Promise<number> {
  const began = process.hrtime.bigint();
  const read = readAll(paths, options.strict === true);
  if (read === undefined) return exitCodes.invalid;
  const problems = read.flatMap((one) => one.problems);
  if (problems.some(({ severity }) => severity === 'error'))
    return refuse(problems, read.length, options);
  const cases = read.flatMap((one) => {
    const wanted = (one.cases ?? []).filter((scenario) => isWanted(scenario, options));
    return options.first ? wanted.slice(0, 1) : wanted;
  });
  const session = new Session(cases, options);
  sayNotAttached(cases);
  const isEmpty = cases.length === 0;
  if (isEmpty) process.stderr.write('standin: nothing matches, so nothing was checked\n');
  else await session.play();
  await session.report(nanoseconds(Number(process.hrtime.bigint() - began)));
  if (isEmpty) return options.allowEmpty ? exitCodes.asExpected : exitCodes.nothingMatched;
  return session.code;
}

function refuse(problems: readonly Problem[], files: number, { json }: RunOptions): number {
  const { invalid } = exitCodes;
  if (json) process.stdout.write(showJson({ schema: 1, standin: version, files, problems }));
  for (const problem of problems) process.stderr.write(`${renderProblem(problem)}\n`);
  process.stderr.write(`${renderSummary(problems, files, invalid)}\n`);
  return invalid;
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
class Session {
  readonly #cases: readonly Scenario[];
  readonly #options: RunOptions;
  readonly #log: Output | undefined;
  readonly #junit: Output | undefined;
  readonly #results: TimedResult[] = [];
  readonly #comparisons = new Map<RunResult, Comparison>();
  readonly #unplayed: Unplayed[] = [];
  /** Names of captures so far: files of the same name lie in different folders. */
  readonly #names = new Set<string>();
  /** What could not be written, though the runs themselves are good. */
  #lacking: Lacking | undefined;

  constructor(cases: readonly Scenario[], options: RunOptions) {
    const { log, junit } = options;
    this.#cases = cases;
    this.#options = options;
    this.#log = log === undefined ? undefined : new Output(log);
    this.#junit = junit === undefined ? undefined : new Output(junit);
  }

  async play(): Promise<void> {
    if (this.#options.backend === 'sim') await this.#playInTurn();
    else await this.#playTogether();
    this.#log?.close();
    const left = this.#cases.length - this.#results.length - this.#unplayed.length;
    if (left > 0)
      process.stderr.write(
        `standin: stopped at the first failure; ${count(left, 'case')} not played\n`,
      );
  }

  async #playInTurn(): Promise<void> {
    for (const scenario of this.#cases) {
      this.#results.push(await this.#playOne(scenario));
      await setImmediate(); // let signals through
      if (this.#hasFailed && this.#options.bail) break;
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
    if (this.#junit !== undefined) {
      const { runsJunit } = await import('../report/junit.ts');
      this.#junit.write(runsJunit(this.#results, { version, realTime }));
      this.#junit.close();
    }
    const comparisons = this.#comparisons;
    const unsupported = this.#unplayed;
    if (this.#options.json) {
      const options = { version, realTime, comparisons, unsupported };
      process.stdout.write(runsJson(this.#results, options));
    } else {
      if (this.#results.length > 0) process.stdout.write(this.#text(realTime));
      process.stdout.write(await this.#kernelText());
    }
    if (this.#lacking) process.stderr.write(`standin: ${safe(this.#lacking.message)}\n`);
  }

  async #playOne(scenario: Scenario): Promise<TimedResult> {
    const began = process.hrtime.bigint();
    const { strict = false, eventsMax } = this.#options;
    const log = new EventLog('full');
    const breathe = (): Promise<void> => setImmediate();
    const backend = new SimBackend({ crypto: nodeCrypto, strict, eventsMax, breathe });
    const played = await play(this.#asTold(scenario), backend, log);
    if (this.#log !== undefined) await appendLog(log, this.#log);
    const wanted = this.#wantsCapture(verdictOfRun(played.result) !== 'met');
    const capture = wanted ? this.#capture(scenario, await bytesOf(played)) : undefined;
    return timed(played.result, capture, began);
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
      wantsLog: this.#log !== undefined,
      wantsCapture: this.#wantsCapture(true),
    });
    if (outcome.kind === 'unsupported') {
      const { file, case: name } = scenario;
      const obstacles = [{ because: outcome.because, check: undefined }];
      this.#unplayed.push({ file, case: name, obstacles });
      return undefined;
    }
    if (outcome.kind === 'broken') throw new Lacking(`${scenario.file}: ${outcome.because}`);
    for (const line of outcome.log ?? []) this.#log?.write(`${line}\n`);
    const { result } = outcome;
    const wanted = outcome.capture && this.#wantsCapture(verdictOfRun(result) !== 'met');
    const capture = wanted ? this.#capture(scenario, outcome.capture!) : undefined;
    const ended = timed(result, capture, began);
    if (outcome.comparison) this.#comparisons.set(ended.result, outcome.comparison);
    return ended;
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

  /** What there is to say of kernels: what they could not play, and how the simulation compares. */
  async #kernelText(): Promise<string> {
    if (this.#options.backend === 'sim') return '';
    const { unplayedLines } = await import('../report/doctor.ts');
    const { comparisonText, comparisonsText } = await import('../report/comparison.ts');
    const style = styleFor(process.stdout);
    const width = Math.min(process.stdout.columns ?? 100, 140);
    const lines = unplayedLines(this.#unplayed, style).map((line) => `${line}\n`);
    const kernel = this.#results[0]?.result.platform?.kernel ?? '';
    const all = [...this.#comparisons].map(([{ file, case: of }, comparison]) => ({
      name: of === '' ? file : `${file} ${of}`,
      comparison,
    }));
    const [only] = all;
    if (only === undefined) return lines.join('');
    const compared =
      all.length === 1
        ? comparisonText(only.comparison, { kernel, style, width })
        : comparisonsText(all, { kernel, style, width });
    return `${lines.join('')}${compared}`;
  }

  #text(realTime: ReturnType<typeof nanoseconds>): string {
    const options: TextOptions = {
      version,
      realTime,
      style: styleFor(process.stdout),
      width: Math.min(process.stdout.columns ?? 100, 140),
      source: (file) => {
        const source = loaderFor(file)(file);
        return typeof source === 'string' ? source.split('\n') : undefined;
      },
    };
    if (this.#results.length > 1 && !this.#options.verbose) return runsText(this.#results, options);
    return this.#results
      .map((timed) => runText(timed.result, { ...options, realTime: timed.realTime }))
      .join('\n');
  }
}

function timed(result: RunResult, capture: string | undefined, began: bigint): TimedResult {
  const realTime = nanoseconds(Number(process.hrtime.bigint() - began));
  return { result: capture === undefined ? result : { ...result, capture }, realTime };
}

async function appendLog(log: EventLog, output: Output): Promise<void> {
  const { jsonLines } = await import('../trace/json-lines.ts');
  let waiting = '';
  for (const line of jsonLines(log)) {
    waiting += `${line}\n`;
    if (waiting.length < 1 << 20) continue;
    output.write(waiting);
    waiting = '';
  }
  output.write(waiting);
}

async function bytesOf(played: Played): Promise<Uint8Array> {
  const { captureOf } = await import('./capture.ts');
  return captureOf(played);
}
