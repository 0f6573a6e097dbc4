/**
 * What GitHub Actions shows beside the lines of a pull request: workflow commands, which its runner
 * finds in the output of a step.
 */
import { showMoment } from '../base/time.ts';
import type { RunResult } from '../trace/result.ts';
import { cut, safe } from './terminal.ts';
import { nameOfRun, type Trouble, troublesOf } from './troubles.ts';

/** Something to show beside a line of a file. */
export interface Annotation {
  readonly severity: 'error' | 'warning';
  readonly file: string;
  readonly line: number;
  /** From 1. */
  readonly column: number;
  readonly title: string;
  /** May have several lines. */
  readonly message: string;
}

/** GitHub shows no more of a step and of either kind, and does not say that there are others. */
const shownMax = 10;
const titleMax = 200;
const messageMax = 3000;

/** The troubles of runs; the same one of other cases of a scenario is only counted. */
export function annotationsOf(results: readonly RunResult[]): Annotation[] {
  const groups = new Map<string, { result: RunResult; trouble: Trouble; more: number }>();
  for (const result of results)
    for (const trouble of troublesOf(result)) {
      const { file, line, column, rule, title } = trouble;
      const key = JSON.stringify([file, line, column, rule, title]);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { result, trouble, more: 0 });
      else group.more += 1;
    }
  return [...groups.values()].map(({ result, trouble, more }) => annotation(result, trouble, more));
}

function annotation(result: RunResult, trouble: Trouble, more: number): Annotation {
  const { severity, file, line, column, title, detail, code, why, remedy, change, healsAt } =
    trouble;
  const reason = code === undefined ? why : `${code}: ${why}`;
  const message = [
    detail,
    reason,
    remedy && `try: ${remedy}`,
    change && `change: ${change.text} (${change.file}:${change.line})`,
    healsAt === undefined ? undefined : `heals by itself at ${showMoment(healsAt)}`,
    `in ${nameOfRun(result)}, seed ${result.seed}${more > 0 ? `, and in ${more} more` : ''}`,
  ];
  return {
    severity,
    file,
    line,
    column,
    title,
    message: message.filter((part) => part !== undefined && part !== '').join('\n'),
  };
}

/** Workflow commands, a line each: those that are shown, and how many others there are. */
export function workflowCommands(annotations: readonly Annotation[]): string {
  return (['error', 'warning'] as const)
    .flatMap((severity) => {
      const all = annotations.filter((one) => one.severity === severity);
      if (all.length <= shownMax) return all.map(command);
      const rest = all.length - (shownMax - 1);
      const last = `::${severity} title=Standin::${rest} more are in the log and in the summary`;
      return [...all.slice(0, shownMax - 1).map(command), last];
    })
    .map((line) => `${line}\n`)
    .join('');
}

function command({ severity, file, line, column, title, message }: Annotation): string {
  const properties = [
    `file=${property(file)}`,
    `line=${line}`,
    `col=${column}`,
    `title=${property(cut(title, titleMax))}`,
  ];
  return `::${severity} ${properties.join(',')}::${data(cut(message, messageMax))}`;
}

/** As the runner unescapes it (actions/toolkit, `command.ts`); what it would not show is shown as an escape. */
const data = (text: string): string =>
  text
    .split('\n')
    .map((line) => safe(line).replaceAll('%', '%25'))
    .join('%0A');

const property = (text: string): string =>
  safe(text).replaceAll('%', '%25').replaceAll(':', '%3A').replaceAll(',', '%2C');
