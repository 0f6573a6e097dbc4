/** `standin shell`: a scenario by hand, line by line, from a terminal or from a script on standard input. */
import { createInterface, type Interface } from 'node:readline';
import { safe } from '../report/terminal.ts';
import type { Load } from '../scenario/extend.ts';
import { exitCodes } from './exit-codes.ts';
import { findScenarios, loaderFor } from './files.ts';
import { type CaseFlags, type Change, theCase } from './one-case.ts';
import { PausedLab } from './paused-lab.ts';
import { ShellSession } from './shell-session.ts';
import { readShellLine, shellCommands } from './shell-words.ts';
import { styleFor } from './style.ts';

export interface ShellFlags extends CaseFlags {
  readonly set: readonly Change[];
  readonly seed?: number;
}

/** A script learns from the exit code whether something was broken, or a line was wrong. */
export async function shell(file: string, flags: ShellFlags): Promise<number> {
  const found = theCase(file, flags, flags.set);
  if (found === undefined) return exitCodes.invalid;
  const scenario = { ...found, seed: flags.seed ?? found.seed };
  const [root = file] = findScenarios([file]);
  const load = remembered(loaderFor(root));
  const width = Math.min(process.stdout.columns ?? 100, 140);
  const session = new ShellSession(await PausedLab.begin(scenario), {
    around: { root, load, amendments: flags.set, case: scenario.case },
    style: styleFor(process.stdout),
    width,
  });
  const isTerminal = process.stdin.isTTY === true;
  const lines = createInterface({
    input: process.stdin,
    ...(isTerminal && { output: process.stdout }),
    completer: (line: string) => completed(line, session.names),
    prompt: '> ',
  });
  lines.on('SIGINT', () => process.exit(exitCodes.interrupted));
  process.stdout.write(session.greeting(scenario));
  const wrong = await converse(session, lines, isTerminal);
  lines.close();
  if (isTerminal) return exitCodes.asExpected;
  if (wrong) return exitCodes.invalid;
  return session.broken ? exitCodes.expectationFailed : exitCodes.asExpected;
}

/** @returns Whether a line was wrong. */
async function converse(session: ShellSession, lines: Interface, prompts: boolean) {
  let wrong = false;
  if (prompts) lines.prompt();
  for await (const line of lines) {
    const command = readShellLine(line);
    if (typeof command !== 'string' && command.kind === 'quit') break;
    const reply =
      typeof command === 'string' ? { wrong: command } : await session.obey(command, line.trim());
    if ('wrong' in reply) {
      process.stderr.write(`standin: ${safe(reply.wrong)}\n`);
      wrong = true;
    } else process.stdout.write(reply.text);
    if (prompts) lines.prompt();
  }
  return wrong;
}

/** The file as it was when the shell began, whatever an editor does to it meanwhile. */
function remembered(load: Load): Load {
  const texts = new Map<string, ReturnType<Load>>();
  return (path) => {
    const known = texts.get(path) ?? load(path);
    texts.set(path, known);
    return known;
  };
}

/** What the word at the end of a line may become. */
export function completed(line: string, names: readonly string[]): [string[], string] {
  const word = /\S*$/.exec(line)![0];
  const isFirst = line.trimStart() === word;
  const all = isFirst ? Object.keys(shellCommands) : names;
  return [all.filter((one) => one.startsWith(word)).map((one) => `${one} `), word];
}
