/**
 * Runs as a stream of JSON objects, one a line, for programs that do not wait for the end. Each
 * object says which kind it is and which form it has; `resultSchema` describes them all.
 */
import type { Comparison } from '../compare/comparison.ts';
import {
  expectationsOf,
  type TimedResult,
  tally,
  type Unplayed,
  verdictOfRun,
} from '../trace/result.ts';
import { type JsonOptions, jsonSchemaNumber as schema, showJson, totalsOf } from './json.ts';

export interface NdjsonRun {
  readonly version: string;
  /** Counts the runs of the stream, from 1. */
  readonly run: number;
  /** With the other backend, where both have played it. */
  readonly comparison?: Comparison | undefined;
}

/** Everything of one run: where it starts, its steps with their expectations, its findings, where it ends. */
export function runNdjson({ result, realTime }: TimedResult, options: NdjsonRun): string {
  const { run, version, comparison } = options;
  const { file, name, about, case: of, seed, steps, findings, simulatedTime, ...rest } = result;
  const all = expectationsOf(result);
  return lines([
    { schema, kind: 'run-start', run, standin: version, file, name, about, case: of, seed },
    ...steps.flatMap(({ expectations, ...step }) => [
      { schema, kind: 'step', run, ...step },
      ...expectations.map((one) => ({
        schema,
        kind: 'expectation',
        run,
        step: step.number,
        ...one,
      })),
    ]),
    ...findings.map((finding) => ({ schema, kind: 'finding', run, ...finding })),
    {
      schema,
      kind: 'run-end',
      run,
      verdict: verdictOfRun(result),
      expectations: { total: all.length, ...tally(all) },
      simulatedNanoseconds: simulatedTime,
      realNanoseconds: realTime,
      ...rest,
      ...(comparison && { comparison }),
    },
  ]);
}

/** What closes the stream: what could not be played, and totals. A stream without it was cut off. */
export function endNdjson(results: readonly TimedResult[], options: JsonOptions): string {
  const unplayed: readonly Unplayed[] = options.unsupported ?? [];
  return lines([
    ...unplayed.map((one) => ({ schema, kind: 'unplayed', ...one })),
    { schema, kind: 'end', standin: options.version, totals: totalsOf(results, options) },
  ]);
}

const lines = (objects: readonly object[]): string =>
  objects.map((object) => showJson(object, 0)).join('');
