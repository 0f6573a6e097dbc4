/** What is said where scenarios are wrong, so that nothing is played: to people, and to programs that wait for a report. */
import { workflowCommands } from '../report/github.ts';
import { showJson } from '../report/json.ts';
import { bailOut, beginTap } from '../report/tap.ts';
import { count } from '../report/terminal.ts';
import { type Problem, renderProblem, renderSummary } from '../scenario/problem.ts';
import { exitCodes } from './exit-codes.ts';
import { Output } from './output.ts';
import type { Wanted } from './reporter-list.ts';
import { version } from './version.ts';

/** @param files How many were read. */
export function refuse(
  problems: readonly Problem[],
  files: number,
  wanted: readonly Wanted[],
): number {
  const { invalid } = exitCodes;
  for (const { name, file } of wanted) {
    const text = documentFor(name, problems, files);
    if (text === '') continue;
    if (file === undefined) process.stdout.write(text);
    else writeTo(file, text);
  }
  for (const problem of problems) process.stderr.write(`${renderProblem(problem)}\n`);
  process.stderr.write(`${renderSummary(problems, files, invalid)}\n`);
  if (wanted.some(({ name }) => name === 'github')) process.stderr.write(annotations(problems));
  return invalid;
}

function documentFor(name: Wanted['name'], problems: readonly Problem[], files: number): string {
  const document = { schema: 1, standin: version, files, problems };
  switch (name) {
    case 'json':
      return showJson(document);
    case 'ndjson':
      return showJson(document, 0);
    case 'tap':
      return beginTap(version) + bailOut(`${count(problems.length, 'problem')} in the scenarios`);
    default:
      return ''; // there is nothing that they could list
  }
}

function writeTo(path: string, text: string): void {
  const output = new Output(path);
  output.write(text);
  output.close();
}

const annotations = (problems: readonly Problem[]): string =>
  workflowCommands(
    problems.map(({ severity, file, line, column, code, message, hint }) => {
      const title = `${code}: not a scenario`;
      return {
        severity,
        file,
        line,
        column,
        title,
        message: hint ? `${message}\n${hint}` : message,
      };
    }),
  );
