/** Commands that are about one case of one file: which is meant. */
import { realpathSync } from 'node:fs';
import { safe } from '../report/terminal.ts';
import { renderProblem } from '../scenario/problem.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { readAll } from './check.ts';

export interface CaseFlags {
  /** Part of the words of the case that is meant. */
  readonly case?: string;
  readonly json?: boolean;
}

export const say = (text: string): void => {
  process.stderr.write(`standin: ${safe(text)}\n`);
};

export function real(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

/** The one case of a file that is meant; what is wrong has been said where there is none. */
export function theCase(file: string, flags: CaseFlags): Scenario | undefined {
  const read = readAll([file], false);
  if (read === undefined) return undefined;
  const problems = read.flatMap((one) => one.problems);
  for (const problem of problems) process.stderr.write(`${renderProblem(problem)}\n`);
  const cases = read.flatMap((one) => one.cases ?? []);
  const wanted = cases.filter((one) => one.case.includes(flags.case ?? ''));
  if (wanted.length === 1) return { ...wanted[0]!, file: real(wanted[0]!.file) };
  if (read.every(({ cases: found }) => found !== undefined)) {
    const names = cases.map((one) => `"${one.case}"`).join(', ');
    say(`--case must say which case is meant: ${names}`);
  }
  return undefined;
}
