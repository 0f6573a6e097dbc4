/** Commands that are about one case of one file: which is meant. */
import { realpathSync } from 'node:fs';
import { safe } from '../report/terminal.ts';
import type { Amendment } from '../scenario/amend.ts';
import { type Problem, renderProblem } from '../scenario/problem.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { type Read, readAll } from './check.ts';

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

/** A value that is to differ from what the file says. */
export type Change = Extract<Amendment, { kind: 'set' }>;

/** The one case of a file that is meant; what is wrong has been said where there is none. */
export function theCase(
  file: string,
  flags: CaseFlags,
  amendments: readonly Amendment[] = [],
): Scenario | undefined {
  const read = readAll([file], false, amendments);
  if (read === undefined) return undefined;
  tell(read.flatMap((one) => one.problems));
  const cases = casesOf(read);
  const wanted = cases.filter((one) => one.case.includes(flags.case ?? ''));
  if (wanted.length === 1) return { ...wanted[0]!, file: real(wanted[0]!.file) };
  if (read.every(({ cases: found }) => found !== undefined)) {
    const names = cases.map((one) => `"${one.case}"`).join(', ');
    say(`--case must say which case is meant: ${names}`);
  }
  return undefined;
}

/** The case of this name, with changes; what is wrong with them has been said where there is none. */
export function sameCase(
  file: string,
  name: string,
  amendments: readonly Amendment[],
): Scenario | undefined {
  const read = readAll([file], false, amendments) ?? [];
  tell(read.flatMap(({ problems }) => problems.filter(({ severity }) => severity === 'error')));
  return casesOf(read).find((one) => one.case === name);
}

const casesOf = (read: readonly Read[]): Scenario[] => read.flatMap((one) => one.cases ?? []);

function tell(problems: readonly Problem[]): void {
  for (const problem of problems) process.stderr.write(`${renderProblem(problem)}\n`);
}
