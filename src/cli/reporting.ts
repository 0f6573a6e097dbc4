/**
 * The reports of a session, each to where it was asked for. Those that stream write as runs end, the
 * others when all are over. Files are opened at the beginning, so that nobody waits in vain.
 */
import { randomUUID } from 'node:crypto';
import { appendFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Duration } from '../base/time.ts';
import type { Comparison } from '../compare/comparison.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { Source } from '../trace/recording.ts';
import type { RunResult, TimedResult, Unplayed } from '../trace/result.ts';
import type { EvidenceFolder, Input } from './evidence.ts';
import type { LockStore } from './lock-store.ts';
import { say } from './one-case.ts';
import { attempt, makeFolder, Output } from './output.ts';
import type { ReporterName, Wanted } from './reporter-list.ts';
import { version } from './version.ts';

/** One run that is over. */
export interface EndedRun {
  readonly scenario: Scenario;
  readonly timed: TimedResult;
  readonly comparison: Comparison | undefined;
  /** Only where somebody keeps them, see `keepsEverything`: every event as a line, and the capture. */
  readonly log: Iterable<string> | undefined;
  readonly capture: Uint8Array | undefined;
  /** Only where somebody plays it back, see `playsBack`: the log, packed. */
  readonly packed: Uint8Array | undefined;
}

/** All runs, when they are over. */
export interface EndedSession {
  /** In the order of the cases. */
  readonly results: readonly TimedResult[];
  readonly comparisons: ReadonlyMap<RunResult, Comparison>;
  readonly unplayed: readonly Unplayed[];
  /** Cases that it did not come to. */
  readonly left: number;
  readonly realTime: Duration;
  /** What they were held against, if they were. */
  readonly locks: LockStore | undefined;
}

export interface ReportingOptions {
  readonly backend: 'sim' | 'linux' | 'both';
  readonly verbose: boolean;
  /** A line for each scenario even where there is only one. */
  readonly isBrief?: boolean;
  readonly heldAt: string | undefined;
  readonly inputs: readonly Input[];
  /** By scenario file: its text, then those of what it extends. */
  readonly sources?: ReadonlyMap<string, readonly Source[]>;
  /** Cases of the same files that were not asked for. */
  readonly unchosen: number;
}

/** Where a report goes. */
interface Sink {
  write(text: string): void;
  close(): void;
}

interface Reporter {
  run?(ended: EndedRun): void;
  end?(session: EndedSession): void | Promise<void>;
}

type Maker = (sink: Sink, wanted: Wanted, options: ReportingOptions) => Promise<Reporter>;

const stdout: Sink = {
  write: (text) => {
    process.stdout.write(text);
  },
  close: () => {},
};

/** On GitHub, whatever a scenario is called: no line of a report is a command to the runner. */
const isOnGithub = (): boolean => process.env['GITHUB_ACTIONS'] === 'true';

export class Reporting {
  readonly #reporters: readonly Reporter[];
  readonly #sinks: readonly Sink[];
  /** Somebody wants the log and the capture of every run. */
  readonly keepsEverything: boolean;
  /** Somebody wants the log of every run packed. */
  readonly playsBack: boolean;

  private constructor(
    reporters: readonly Reporter[],
    sinks: readonly Sink[],
    wanted: readonly Wanted[],
  ) {
    this.#reporters = reporters;
    this.#sinks = sinks;
    this.keepsEverything = wanted.some(({ name }) => name === 'evidence');
    this.playsBack = wanted.some(({ name }) => name === 'html');
  }

  /** @throws Lacking where a file cannot be opened. */
  static async open(wanted: readonly Wanted[], options: ReportingOptions): Promise<Reporting> {
    const reporters: Reporter[] = [];
    const sinks: Sink[] = [];
    for (const one of wanted) {
      const sink = one.file === undefined || ownsFile.has(one.name) ? stdout : new Output(one.file);
      sinks.push(sink);
      reporters.push(await makers[one.name](annotationSink(one, wanted) ?? sink, one, options));
    }
    return new Reporting(reporters, sinks, wanted);
  }

  run(ended: EndedRun): void {
    for (const reporter of this.#reporters) reporter.run?.(ended);
  }

  async end(session: EndedSession): Promise<void> {
    for (const reporter of this.#reporters) await reporter.end?.(session);
    for (const sink of this.#sinks) sink.close();
  }
}

/** What their name goes with is no file that is written from its beginning. */
const ownsFile: ReadonlySet<ReporterName> = new Set(['github', 'evidence']);

/** The runner reads both streams: annotations do not get into a document that has standard output. */
function annotationSink({ name }: Wanted, wanted: readonly Wanted[]): Sink | undefined {
  const isTaken = wanted.some((one) => one.file === undefined && isDocument(one.name));
  return name === 'github' && isTaken ? stderr : undefined;
}

const stderr: Sink = {
  write: (text) => {
    process.stderr.write(text);
  },
  close: () => {},
};

const isDocument = (name: ReporterName): boolean => name !== 'text' && name !== 'github';

const makers: Record<ReporterName, Maker> = {
  text: async (sink, { file }, { backend, verbose, isBrief = false }) => ({
    end: async (session) => {
      const { sessionText } = await import('./session-text.ts');
      const isTerminal = file === undefined;
      const text = await sessionText(session, { backend, verbose, isBrief, isTerminal });
      const all = session.locks ? `${text}\n${session.locks.text('held against')}` : text;
      sink.write(file === undefined ? disarmed(all) : all);
    },
  }),

  json: async (sink) => ({
    end: async ({ results, unplayed: unsupported, comparisons, realTime, locks }) => {
      const { runsJson } = await import('../report/json.ts');
      const lock = locks && { lock: locks.plain };
      sink.write(runsJson(results, { comparisons, realTime, version, unsupported, ...lock }));
    },
  }),

  ndjson: async (sink) => {
    const { runNdjson, endNdjson } = await import('../report/ndjson.ts');
    let run = 0;
    return {
      run: ({ timed, comparison }) => {
        run += 1;
        sink.write(runNdjson(timed, { version, run, comparison }));
      },
      end: ({ results, unplayed: unsupported, realTime }) =>
        sink.write(endNdjson(results, { version, unsupported, realTime })),
    };
  },

  tap: async (sink) => {
    const { beginTap, runTap, endTap } = await import('../report/tap.ts');
    let runs = 0;
    sink.write(beginTap(version));
    return {
      run: ({ timed }) => {
        runs += 1;
        sink.write(runTap(timed.result, runs));
      },
      end: ({ unplayed }) => sink.write(endTap(runs, unplayed)),
    };
  },

  junit: async (sink) => ({
    end: async ({ results, realTime }) => {
      const { runsJunit } = await import('../report/junit.ts');
      sink.write(runsJunit(results, { version, realTime }));
    },
  }),

  sarif: async (sink) => ({
    end: async ({ results, unplayed: unsupported }) => {
      const { runsSarif } = await import('../report/sarif.ts');
      sink.write(runsSarif(results, { version, unsupported }));
    },
  }),

  github: async (sink, { file }) => {
    const path = file ?? process.env['GITHUB_STEP_SUMMARY'] ?? '';
    const append = (page: string): void =>
      attempt(path, () => {
        makeFolder(dirname(path));
        appendFileSync(path, page);
      });
    if (path !== '') append('');
    return {
      end: async ({ results, unplayed: unsupported, realTime }) => {
        const { annotationsOf, workflowCommands } = await import('../report/github.ts');
        const { jobSummary, summaryMax } = await import('../report/job-summary.ts');
        sink.write(workflowCommands(annotationsOf(results.map(({ result }) => result))));
        if (path === '') return;
        const bytesMax = Math.max(0, summaryMax - attempt(path, () => statSync(path).size));
        append(jobSummary(results, { version, realTime, unsupported, bytesMax }));
      },
    };
  },

  html: async (sink, _wanted, { sources }) => {
    const { PlayingPage } = await import('./html.ts');
    const page = new PlayingPage();
    return {
      run: ({ scenario, timed: { result }, packed }) =>
        page.add(scenario, result, sources?.get(scenario.file) ?? [], packed!),
      end: ({ results }) => {
        for (const piece of page.text(results)) sink.write(piece);
      },
    };
  },

  evidence: async (_sink, { file }, { backend, heldAt, inputs, unchosen }) => {
    const { EvidenceFolder } = await import('./evidence.ts');
    const folder: EvidenceFolder = new EvidenceFolder(file!, inputs);
    return {
      run: ({ scenario, timed, log, capture }) =>
        folder.add(scenario, timed.result, log!, capture!),
      end: ({ unplayed, left }) => {
        const node = process.version;
        const about = { version, node, backend, heldAt, unplayed, unchosen, left };
        const { files, sha256 } = folder.finish(about);
        say(`evidence of ${files} files in ${file}; its manifest has SHA-256 ${sha256}`);
      },
    };
  },
};

/**
 * Names that read like commands are not to be taken for some: until the word comes again that nobody
 * could guess, the runner looks for none.
 */
function disarmed(text: string): string {
  if (!isOnGithub()) return text;
  const word = randomUUID();
  return `::stop-commands::${word}\n${text}::${word}::\n`;
}
