/** What the words of `standin explain` ask for. */
import { existsSync } from 'node:fs';
import type { Duration } from '../base/time.ts';
import { type FlowText, parseDuration, parseFlow, Wrong } from '../scenario/units.ts';

export interface ExplainOptions {
  readonly case?: string;
  readonly at?: string;
  readonly after?: string;
  readonly seed?: number;
  readonly verify?: boolean;
  readonly ladder?: boolean;
  readonly json?: boolean;
  readonly eventsMax: number;
}

export interface ExplainRequest {
  readonly file: string;
  /** From 1. */
  readonly line: number | undefined;
  readonly flow: FlowText | undefined;
  /** On the lab's own clock. */
  readonly at: Duration | undefined;
  /** The number of a step. */
  readonly after: number | undefined;
}

/** @returns The request, or what is wrong with it. */
export function readRequest(
  path: string,
  words: readonly string[],
  options: ExplainOptions,
): ExplainRequest | string {
  const { file, line } = lineOf(path);
  const text = words.join(' ');
  const flow = text === '' ? undefined : parseFlow(text);
  if (flow instanceof Wrong) return told(flow);
  const at = options.at === undefined ? undefined : parseDuration(options.at);
  if (at instanceof Wrong) return `--at: ${told(at)}`;
  const [, number] = /^(?:step:)?(\d{1,6})$/.exec(options.after ?? '') ?? [];
  if (options.after !== undefined && number === undefined)
    return '--after takes the number of a step: step:3';
  if (line !== undefined && flow !== undefined)
    return 'a line or a flow can be explained, not both';
  if (line !== undefined && at !== undefined)
    return 'an expectation has its own moment: leave out the line, or --at';
  if (at !== undefined && number !== undefined)
    return '--at and --after both say when: leave one out';
  if (number !== undefined && flow === undefined)
    return '--after goes with a flow: "web01 -> sql01"';
  return { file, line, flow, at, after: number === undefined ? undefined : Number(number) };
}

/** `FILE:LINE`, unless there is a file of that name. */
function lineOf(path: string): { readonly file: string; readonly line: number | undefined } {
  const [, file, line] = /^(.+):(\d{1,7})(?::\d{1,7})?$/.exec(path) ?? [];
  if (file === undefined || existsSync(path)) return { file: path, line: undefined };
  return { file, line: Number(line) };
}

const told = ({ message, hint }: Wrong): string =>
  hint === undefined ? message : `${message}: ${hint}`;
