/** `standin check` and `standin list`: what scenario files say, without playing them. */

import { safe } from '../report/terminal.ts';
import { check } from '../scenario/check.ts';
import { type Problem, renderProblem, renderSummary } from '../scenario/problem.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { exitCodes } from './exit-codes.ts';
import { findScenarios, loaderFor, NoSuchFile } from './files.ts';

export interface Read {
  readonly file: string;
  readonly problems: readonly Problem[];
  /** Undefined where there are errors. */
  readonly cases: readonly Scenario[] | undefined;
}

/** Reads every scenario that the paths name; undefined, with a word to the user, if a path names nothing. */
export function readAll(paths: readonly string[], strict: boolean): Read[] | undefined {
  try {
    return findScenarios(paths).map((file) => {
      const { problems, cases } = check(file, loaderFor(file), { strict });
      return { file, problems, cases };
    });
  } catch (error) {
    if (!(error instanceof NoSuchFile)) throw error;
    process.stderr.write(`standin: ${safe(error.message)}\n`);
    return undefined;
  }
}

export function checkFiles(
  paths: readonly string[],
  options: { readonly strict?: boolean; readonly json?: boolean },
): number {
  const read = readAll(paths, options.strict === true);
  if (read === undefined) return exitCodes.invalid;
  const problems = read.flatMap((one) => one.problems);
  const wrong = problems.some(({ severity }) => severity === 'error');
  const code = wrong ? exitCodes.invalid : exitCodes.asExpected;
  if (options.json) {
    process.stdout.write(
      `${JSON.stringify({ schema: 1, files: read.length, problems }, undefined, 2)}\n`,
    );
    return code;
  }
  process.stdout.write(`${problems.map((problem) => `${renderProblem(problem)}\n`).join('')}`);
  process.stdout.write(`${renderSummary(problems, read.length, code)}\n`);
  return read.length === 0 ? exitCodes.nothingMatched : code;
}

export function list(paths: readonly string[], options: { readonly json?: boolean }): number {
  const read = readAll(paths, false);
  if (read === undefined) return exitCodes.invalid;
  const rows = read.map(({ file, cases, problems }) => ({
    file,
    name: cases?.[0]?.name ?? '',
    tags: cases?.[0]?.tags ?? [],
    cases: cases?.map((scenario) => scenario.case) ?? [],
    errors: problems.filter(({ severity }) => severity === 'error').length,
  }));
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ schema: 1, scenarios: rows }, undefined, 2)}\n`);
    return exitCodes.asExpected;
  }
  for (const { file, name, tags, cases, errors } of rows) {
    const about = errors > 0 ? `${errors} errors: standin check ${file}` : name;
    const many = `${cases.length} ${cases.length === 1 ? 'case' : 'cases'}`;
    process.stdout.write(` ${safe(file)}  ${many}  ${safe(about)}  [${safe(tags.join(' '))}]\n`);
  }
  return rows.length === 0 ? exitCodes.nothingMatched : exitCodes.asExpected;
}
