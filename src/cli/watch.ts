/** `standin run --watch`: plays what a saved file is part of, whenever one is saved. */
import { statSync } from 'node:fs';
import { type Duration, nanoseconds } from '../base/time.ts';
import { count, inWords } from '../report/terminal.ts';
import { check } from '../scenario/check.ts';
import { renderProblem, renderSummary } from '../scenario/problem.ts';
import { type TimedResult, verdictOfRun } from '../trace/result.ts';
import type { Read } from './check.ts';
import { exitCodes } from './exit-codes.ts';
import { findScenarios, loaderFor, NoSuchFile } from './files.ts';
import { latenessOf } from './lateness.ts';
import { say } from './one-case.ts';
import { Reporting } from './reporting.ts';
import { type RunOptions, Session, type SessionOptions } from './run.ts';
import { SavedFiles } from './saved-files.ts';
import { selected } from './selection.ts';
import { styleFor } from './style.ts';

export async function watch(paths: readonly string[], options: RunOptions): Promise<number> {
  if (options.json || options.backend !== 'sim') {
    say(
      '--watch is for reading in a terminal, and plays in the simulation: no --json, no --backend',
    );
    return exitCodes.invalid;
  }
  const scenarios = found(paths);
  const lateness = latenessOf(options);
  if (scenarios === undefined || lateness === undefined) return exitCodes.invalid;
  // A run may be looked at closely by asking for a capture; every save need not leave one.
  return new Watching(paths, { ...options, lateness, pcap: options.pcap ?? 'off' }).go(scenarios);
}

/** Undefined, with a word to the user, where a path names nothing. */
function found(paths: readonly string[]): string[] | undefined {
  try {
    return findScenarios(paths);
  } catch (error) {
    if (!(error instanceof NoSuchFile)) throw error;
    say(error.message);
    return undefined;
  }
}

interface Watched {
  /** It, and what it extends. */
  readonly files: readonly string[];
  /** The exit code that it would end with by itself. */
  readonly code: number;
}

const keys = 'a all · f failed · Enter again · q quit';

class Watching {
  readonly #paths: readonly string[];
  readonly #options: SessionOptions;
  readonly #saved = new SavedFiles((files, since) => this.#onSaved(files, since));
  readonly #scenarios = new Map<string, Watched>();
  /** What is to be played as soon as nothing is playing. */
  readonly #waiting = new Set<string>();
  #since = process.hrtime.bigint();
  #last: readonly string[] = [];
  #wake: (() => void) | undefined;
  #quits = false;

  constructor(paths: readonly string[], options: SessionOptions) {
    this.#paths = paths;
    this.#options = options;
  }

  async go(scenarios: readonly string[]): Promise<number> {
    this.#listen();
    this.#saved.watch(scenarios, []); // before they are read: no save goes unnoticed
    this.#want(scenarios);
    while (!this.#quits) {
      const files = [...this.#waiting];
      this.#waiting.clear();
      if (files.length > 0) await this.#play(files);
      else await new Promise<void>((wake) => (this.#wake = wake));
    }
    this.#saved.close();
    process.stdin.pause();
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
    return this.#code;
  }

  async #play(files: readonly string[]): Promise<void> {
    const began = this.#since;
    this.#last = files;
    const read = files.map((file) => this.#read(file));
    this.#watchAll();
    const problems = read.flatMap((one) => one.problems);
    for (const problem of problems) process.stderr.write(`${renderProblem(problem)}\n`);
    const errors = problems.filter(({ severity }) => severity === 'error');
    if (errors.length > 0)
      process.stderr.write(`${renderSummary(problems, files.length, exitCodes.invalid)}\n`);
    const cases = selected(read, this.#options);
    const reporting = await Reporting.open([{ name: 'text', file: undefined }], {
      backend: 'sim',
      verbose: this.#options.verbose === true,
      isBrief: true,
      heldAt: undefined,
      inputs: [],
      unchosen: 0,
    });
    const session = new Session(cases, this.#options, reporting);
    // Whoever has saved again does not wait for what was before.
    const unplayed = await session.play(() => this.#quits || this.#waiting.size > 0);
    for (const { file } of unplayed) this.#waiting.add(file);
    const took = (): Duration => nanoseconds(Number(process.hrtime.bigint() - began));
    if (cases.length > 0) await session.report(took());
    else if (errors.length === 0) say('nothing matches, so nothing was checked');
    for (const [file, code] of codesOf(read, session.results, this.#options))
      this.#note(file, code);
    this.#status(took());
  }

  #read(file: string): Read {
    const { problems, cases, files } = check(file, loaderFor(file), {
      strict: this.#options.strict === true,
    });
    // What a broken file extends may not have been read: what it extended before is watched on.
    const before = cases === undefined ? (this.#scenarios.get(file)?.files ?? []) : [];
    const all = [...new Set([...files, ...before])];
    this.#scenarios.set(file, { files: all, code: exitCodes.invalid });
    return { file, problems, cases, texts: new Map() };
  }

  #note(file: string, code: number): void {
    const scenario = this.#scenarios.get(file);
    if (scenario !== undefined) this.#scenarios.set(file, { ...scenario, code });
  }

  #status(took: Duration): void {
    const style = styleFor(process.stdout);
    const bad = this.#failed.length;
    const state =
      bad === 0 ? style('good', 'all as expected') : style('bad', `${bad} not as expected`);
    const files = new Set([...this.#scenarios.values()].flatMap(({ files: all }) => all));
    const watched = `${state} · watching ${count(files.size, 'file')}`;
    process.stdout.write(
      `\n ${watched} · verdict after ${inWords(took)} · ${style('faint', keys)}\n`,
    );
  }

  /** Of all that was played last: wrong files count more than broken expectations. */
  get #code(): number {
    const codes = [...this.#scenarios.values()].map(({ code }) => code);
    if (codes.includes(exitCodes.invalid)) return exitCodes.invalid;
    if (codes.includes(exitCodes.expectationFailed)) return exitCodes.expectationFailed;
    if (codes.every((code) => code === exitCodes.nothingMatched)) return exitCodes.nothingMatched;
    return codes.includes(exitCodes.incomplete) ? exitCodes.incomplete : exitCodes.asExpected;
  }

  get #failed(): string[] {
    return [...this.#scenarios].flatMap(([file, { code }]) =>
      code === exitCodes.asExpected || code === exitCodes.nothingMatched ? [] : [file],
    );
  }

  #watchAll(): void {
    const files = [...this.#scenarios.values()].flatMap((one) => one.files);
    const isFolder = (path: string): boolean =>
      statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
    this.#saved.watch(files, this.#paths.filter(isFolder));
  }

  #onSaved(files: readonly string[], since: bigint): void {
    const newcomers = this.#newcomers();
    const affected = [...this.#scenarios].flatMap(([file, { files: parts }]) =>
      parts.some((part) => files.includes(part)) ? [file] : [],
    );
    this.#want([...affected, ...newcomers], since);
  }

  /** Scenario files that have come into a folder; those that have gone from one are forgotten. */
  #newcomers(): string[] {
    let here: readonly string[];
    try {
      here = findScenarios(this.#paths);
    } catch (error) {
      if (error instanceof NoSuchFile) return []; // it may come back
      throw error;
    }
    for (const known of [this.#scenarios, this.#waiting])
      for (const file of known.keys()) if (!here.includes(file)) known.delete(file);
    return here.filter((file) => !this.#scenarios.has(file));
  }

  #want(files: readonly string[], since = process.hrtime.bigint()): void {
    if (files.length === 0) return;
    if (this.#waiting.size === 0) this.#since = since;
    for (const file of files) this.#waiting.add(file);
    this.#go();
  }

  #go(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  /** Keys of a terminal; from anything else the same letters. When there are no more it goes on. */
  #listen(): void {
    const { stdin } = process;
    if (stdin.isTTY) stdin.setRawMode(true);
    stdin.setEncoding('utf8').on('data', (text: string) => {
      for (const key of text) this.#press(key);
    });
    stdin.on('error', () => {}); // no keys, then
  }

  #press(key: string): void {
    switch (key) {
      case 'q':
        this.#quits = true;
        this.#go();
        break;
      case 'a':
        this.#want([...this.#scenarios.keys()]);
        break;
      case 'f':
        if (this.#failed.length === 0) say('nothing has failed');
        this.#want(this.#failed);
        break;
      case '\r':
      case '\n':
        this.#want(this.#last);
        break;
      case '\x03':
        process.kill(process.pid, 'SIGINT');
        break;
      default:
    }
  }
}

/** By file, the exit code that it would end with by itself. */
function codesOf(
  read: readonly Read[],
  results: readonly TimedResult[],
  options: RunOptions,
): Map<string, number> {
  const codes = new Map<string, number>();
  for (const one of read) {
    const verdicts = results
      .filter(({ result }) => result.file === one.file)
      .map(({ result }) => verdictOfRun(result));
    let code: number = exitCodes.asExpected;
    if (one.cases === undefined) code = exitCodes.invalid;
    else if (selected([one], options).length === 0) code = exitCodes.nothingMatched;
    else if (verdicts.includes('broken')) code = exitCodes.expectationFailed;
    else if (!verdicts.every((verdict) => verdict === 'met')) code = exitCodes.incomplete;
    codes.set(one.file, code);
  }
  return codes;
}
