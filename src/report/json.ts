/** One JSON document for any number of runs, for programs. Its form has a number and keeps to it. */
import type { Duration } from '../base/time.ts';
import type { Comparison } from '../compare/comparison.ts';
import {
  expectationsOf,
  type RunResult,
  type TimedResult,
  tally,
  type Unplayed,
  verdictOfRun,
} from '../trace/result.ts';

/** Raised when a field goes or changes its meaning; new fields do not count. */
export const jsonSchemaNumber = 1;

export interface JsonOptions {
  readonly version: string;
  /** How long all of it took; left out where a document must be the same each time. */
  readonly realTime?: Duration;
  /** Of runs on kernels that were played in the simulation as well. */
  readonly comparisons?: ReadonlyMap<RunResult, Comparison>;
  readonly unsupported?: readonly Unplayed[];
  /** How the runs differ from what is locked, where that was asked. */
  readonly lock?: object;
}

/**
 * The document, indented, with an end of line. All times are whole nanoseconds. It is ASCII where it
 * matters: nothing in it moves a terminal's cursor or ends a script element, whatever it quotes.
 */
export function runsJson(results: readonly TimedResult[], options: JsonOptions): string {
  const isTimed = options.realTime !== undefined;
  const document = {
    schema: jsonSchemaNumber,
    standin: options.version,
    totals: totalsOf(results, options),
    runs: results.map(({ result, realTime }) => {
      const expectations = expectationsOf(result);
      const { simulatedTime, steps, ...rest } = result;
      const comparison = options.comparisons?.get(result);
      return {
        ...rest,
        verdict: verdictOfRun(result),
        expectations: { total: expectations.length, ...tally(expectations) },
        simulatedNanoseconds: simulatedTime,
        ...(isTimed && { realNanoseconds: realTime }),
        ...(comparison && { comparison }),
        steps,
      };
    }),
    ...(options.lock && { lock: options.lock }),
    ...(options.unsupported?.length && { unsupported: options.unsupported }),
  };
  return showJson(document);
}

/** How many runs and expectations ended how, and how long it took. */
export function totalsOf(results: readonly TimedResult[], { realTime }: JsonOptions): object {
  const all = results.flatMap(({ result }) => expectationsOf(result));
  const verdicts = results.map(({ result }) => verdictOfRun(result));
  return {
    runs: results.length,
    met: verdicts.filter((verdict) => verdict === 'met').length,
    broken: verdicts.filter((verdict) => verdict === 'broken').length,
    notChecked: verdicts.filter((verdict) => verdict === 'not-checked').length,
    expectations: { total: all.length, ...tally(all) },
    ...(realTime !== undefined && { realNanoseconds: realTime }),
  };
}

/** A document with an end of line, indented or, with 0, on one line; in ASCII where that matters. */
export function showJson(document: unknown, indent = 2): string {
  return `${JSON.stringify(document, undefined, indent).replace(/[<>&\p{Cf}\p{Zl}\p{Zp}\x7f-\x9f]/gu, escaped)}\n`;
}

/** These stand only within strings, where JSON allows any character to be written as `\uXXXX`. */
function escaped(character: string): string {
  if (character.length === 1) return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return character.split('').map(escaped).join('');
}
