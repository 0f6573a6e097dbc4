/** `standin check` and `standin list`: what scenario files say, without playing them. */

import { showJson } from '../report/json.ts';
import { count, pad, safe, widthOf } from '../report/terminal.ts';
import { quoted } from '../report/text.ts';
import type { Amendment } from '../scenario/amend.ts';
import { check } from '../scenario/check.ts';
import type { Load } from '../scenario/extend.ts';
import { type Problem, renderProblem, renderSummary } from '../scenario/problem.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { exitCodes } from './exit-codes.ts';
import { findScenarios, loaderFor, NoSuchFile } from './files.ts';

export interface Read {
  readonly file: string;
  readonly problems: readonly Problem[];
  /** Undefined where there are errors. */
  readonly cases: readonly Scenario[] | undefined;
  /** Every text that was read for it, by its path. */
  readonly texts: ReadonlyMap<string, string>;
}

/** Reads every scenario that the paths name; undefined, with a word to the user, if a path names nothing. */
export function readAll(
  paths: readonly string[],
  strict: boolean,
  amendments: readonly Amendment[] = [],
): Read[] | undefined {
  try {
    return findScenarios(paths).map((file) => {
      const load = loaderFor(file);
      const texts = new Map<string, string>();
      const remember: Load = (path) => {
        const text = load(path);
        if (typeof text === 'string') texts.set(path, text);
        return text;
      };
      const { problems, cases } = check(file, remember, { strict, amendments });
      return { file, problems, cases, texts };
    });
  } catch (error) {
    if (!(error instanceof NoSuchFile)) throw error;
    process.stderr.write(`standin: ${safe(error.message)}\n`);
    return undefined;
  }
}

/** What is to be said of files as a whole: something is wrong, there are none, or all is well. */
function codeOf(read: readonly Read[], allowEmpty: boolean | undefined): number {
  if (read.some(({ cases }) => cases === undefined)) return exitCodes.invalid;
  return read.length === 0 && !allowEmpty ? exitCodes.nothingMatched : exitCodes.asExpected;
}

export interface CheckFlags {
  readonly strict?: boolean;
  readonly json?: boolean;
  readonly allowEmpty?: boolean;
}

export function checkFiles(paths: readonly string[], options: CheckFlags): number {
  const read = readAll(paths, options.strict === true);
  if (read === undefined) return exitCodes.invalid;
  const problems = read.flatMap((one) => one.problems);
  const code = codeOf(read, options.allowEmpty);
  if (options.json) process.stdout.write(showJson({ schema: 1, files: read.length, problems }));
  else {
    process.stdout.write(problems.map((problem) => `${renderProblem(problem)}\n`).join(''));
    process.stdout.write(`${renderSummary(problems, read.length, code)}\n`);
  }
  return code;
}

export function list(paths: readonly string[], options: CheckFlags): number {
  const read = readAll(paths, false);
  if (read === undefined) return exitCodes.invalid;
  const code = codeOf(read, options.allowEmpty);
  const rows = read.map(({ file, cases, problems }) => ({
    file,
    name: cases?.[0]?.name ?? '',
    tags: cases?.[0]?.tags ?? [],
    cases: cases?.map((scenario) => scenario.case) ?? [],
    errors: problems.filter(({ severity }) => severity === 'error').length,
  }));
  if (options.json) process.stdout.write(showJson({ schema: 1, scenarios: rows }));
  else process.stdout.write(table(rows));
  if (rows.length === 0) process.stderr.write('standin: there are no scenarios\n');
  return code;
}

interface Row {
  readonly file: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly cases: readonly string[];
  readonly errors: number;
}

function table(rows: readonly Row[]): string {
  const width = Math.max(0, ...rows.map(({ file }) => widthOf(safe(file))));
  return rows.map((row) => ` ${pad(safe(row.file), width)}  ${about(row)}\n`).join('');
}

function about({ file, name, tags, cases, errors }: Row): string {
  if (errors > 0) return `${count(errors, 'error')}: standin check ${safe(quoted(file))}`;
  const many = pad(count(cases.length, 'case'), 8);
  return `${many}  ${safe(name)}${tags.length > 0 ? `  [${safe(tags.join(' '))}]` : ''}`;
}
