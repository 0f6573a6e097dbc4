/** `standin emulate`: labs on kernels that stand, to play with. */
import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { basename } from 'node:path';
import { examine } from '../emu/doctor.ts';
import { unsupported } from '../emu/requirements.ts';
import { programIn } from '../emu/sandbox.ts';
import { sketchOf } from '../emu/sketch.ts';
import { environment, findTool } from '../emu/tools.ts';
import { JournalError } from '../failover/journal.ts';
import { showJson } from '../report/json.ts';
import { obstaclesText, sketchText, statusText } from '../report/standing.ts';
import { compile } from '../scenario/compile.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { LabStatus } from '../trace/standing.ts';
import { exitCodes } from './exit-codes.ts';
import { Keeper } from './keeper.ts';
import type { Kept } from './keeping.ts';
import { kernelNeeds } from './kernel-needs.ts';
import {
  askKeeper,
  type FoundLab,
  findLabs,
  labFolder,
  sameLab,
  socketName,
  tidy,
} from './lab-folder.ts';
import { sayNotAttached } from './not-attached.ts';
import { type CaseFlags, real, say, theCase } from './one-case.ts';
import { causeOf, Lacking, makeFolder } from './output.ts';
import { scriptIn } from './scripts.ts';
import type { Standing } from './standing.ts';
import { styleFor } from './style.ts';

export interface UpFlags extends CaseFlags {
  readonly until: number;
  readonly journal?: string;
  readonly detach?: boolean;
}

export interface ExecFlags {
  readonly lab?: string;
}

export function plan(file: string, flags: CaseFlags): number {
  const scenario = theCase(file, flags);
  if (scenario === undefined) return exitCodes.invalid;
  sayNotAttached([scenario]);
  const sketch = sketchOf(compile(scenario).topology);
  const text = flags.json
    ? showJson({ schema: 1, file, case: scenario.case, ...sketch })
    : sketchText(sketch, styleFor(process.stdout));
  process.stdout.write(text);
  return exitCodes.asExpected;
}

export async function up(file: string, flags: UpFlags): Promise<number> {
  const scenario = theCase(file, flags);
  if (scenario === undefined) return exitCodes.invalid;
  const { until } = flags;
  if (until > scenario.steps.length) {
    say(`${file} has ${scenario.steps.length} steps`);
    return exitCodes.invalid;
  }
  const checks = await examine(scriptIn('emu', 'examiner.js'));
  const obstacles = unsupported(kernelNeeds(scenario), checks);
  if (obstacles.length > 0) {
    process.stderr.write(obstaclesText(obstacles, file, styleFor(process.stderr)));
    const isMissing = obstacles.some(({ check }) => check !== undefined);
    return isMissing ? exitCodes.environmentLacks : exitCodes.unsupported;
  }
  sayNotAttached([scenario]);
  const folder = labFolder();
  const own = socketName(scenario);
  if (await standsAlready(folder, own, file)) return exitCodes.invalid;
  const journals = flags.journal === undefined ? undefined : journalFolder(flags.journal);
  const what: Standing = { scenario, steps: until, ...(journals && { journals }) };
  try {
    return await (flags.detach
      ? inBackground(what, folder, flags)
      : inForeground(what, folder, flags));
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    say(error.message);
    return exitCodes.environmentLacks;
  }
}

/** @throws Lacking */
function journalFolder(path: string): string {
  try {
    makeFolder(path, 0o700);
    return realpathSync(path);
  } catch (error) {
    throw new Lacking(`cannot keep a journal in ${path}: ${causeOf(error)}`);
  }
}

async function inForeground(what: Standing, folder: string, flags: UpFlags): Promise<number> {
  const keeper = new Keeper(what, folder);
  // Ending it is what it is for: Ctrl-C is no failure.
  let ends = false;
  const end = (): void => {
    ends = true;
    void keeper.close();
  };
  process.removeAllListeners('SIGINT').on('SIGINT', end).on('SIGTERM', end).on('SIGHUP', end);
  const status = await keeper.standing;
  if (status !== undefined && (await standsAlready(folder, keeper.socket, what.scenario.file))) {
    await keeper.close();
    return exitCodes.invalid;
  }
  if (status !== undefined) {
    show(what.scenario, status, flags);
    if (!flags.json) process.stdout.write('\n It stands until Ctrl-C.\n');
  }
  const because = await keeper.ended;
  if (ends || because === '') return exitCodes.asExpected;
  say(`the lab has ended: ${because}`);
  return exitCodes.incomplete;
}

function inBackground(what: Standing, folder: string, flags: UpFlags): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [scriptIn('cli', 'keeping.js')], {
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      serialization: 'advanced',
      cwd: '/',
      env: environment,
    });
    let kept: Kept | undefined;
    child.once('message', (message: Kept) => (kept = message));
    child.once('error', (error) => say(error.message));
    child.once('disconnect', async () => {
      child.unref();
      if (kept?.kind !== 'stands') {
        say(`the lab does not stand: ${kept?.because ?? 'whoever kept it has ended'}`);
        resolve(exitCodes.incomplete);
      } else if (await standsAlready(folder, kept.socket, what.scenario.file)) {
        await askKeeper(kept.socket, { ask: 'down' });
        resolve(exitCodes.invalid);
      } else {
        show(what.scenario, kept.status, flags);
        resolve(exitCodes.asExpected);
      }
    });
    child.send({ what, folder });
  });
}

/** Whether somebody else keeps a lab of the same case, which is said. */
async function standsAlready(folder: string, own: string, file: string): Promise<boolean> {
  const name = basename(own);
  const isAnother = (other: string): boolean => other !== name && sameLab(other, name);
  const stands = (await findLabs(folder, isAnother)).length > 0;
  if (stands) say(`a lab of ${file} stands already; "standin emulate down" ends it`);
  return stands;
}

export async function status(file: string | undefined, flags: CaseFlags): Promise<number> {
  const folder = labFolder();
  const labs = matching(await findLabs(folder), file);
  if (labs.length === 0) tidy(folder);
  if (flags.json) {
    const all = labs.map(({ socket: _, ...lab }) => lab);
    process.stdout.write(showJson({ schema: 1, labs: all }));
  } else for (const lab of labs) show(lab, lab.status, flags);
  if (labs.length > 0) return exitCodes.asExpected;
  say('no lab stands');
  return exitCodes.nothingMatched;
}

export async function down(file: string | undefined): Promise<number> {
  const folder = labFolder();
  const labs = matching(await findLabs(folder), file);
  const gone = await Promise.all(labs.map(({ socket }) => askKeeper(socket, { ask: 'down' })));
  tidy(folder);
  if (gone.length > 0) return exitCodes.asExpected;
  say('no lab stands');
  return exitCodes.nothingMatched;
}

/** Runs a program at a machine: in its namespace, as the user who asks for it, without a shell. */
export async function exec(
  name: string,
  words: readonly string[],
  { lab: file }: ExecFlags,
): Promise<number> {
  const labs = matching(await findLabs(labFolder()), file);
  if (labs.length !== 1) {
    say(labs.length === 0 ? 'no lab stands' : 'several labs stand: --lab FILE says which is meant');
    return labs.length === 0 ? exitCodes.nothingMatched : exitCodes.invalid;
  }
  const { machines } = labs[0]!.status;
  const machine = machines.find((one) => one.name === name);
  if (machine?.namespace === undefined) {
    const why = {
      kernel: `${name} is switched off`,
      standin: `${name} is a device of Standin's own: there is no kernel to run a program on`,
    };
    say(machine === undefined ? `there is no machine ${name}` : why[machine.host]);
    return exitCodes.invalid;
  }
  const [program, ...rest] = words as [string, ...string[]];
  const path = program.includes('/') ? program : findTool(program);
  if (path === undefined) {
    say(`there is no program ${program}`);
    return exitCodes.environmentLacks;
  }
  // Ctrl-C is for the program.
  process.removeAllListeners('SIGINT').on('SIGINT', () => {});
  const child = programIn(labs[0]!.process, machine.namespace, path, rest);
  return new Promise((resolve) => {
    child.once('error', (error) => {
      say(error.message);
      resolve(exitCodes.environmentLacks);
    });
    child.once('close', (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
  });
}

function matching(labs: readonly FoundLab[], file: string | undefined): FoundLab[] {
  if (file === undefined) return [...labs];
  const wanted = real(file);
  return labs.filter((lab) => real(lab.file) === wanted);
}

function show(
  { file, case: which }: Pick<Scenario, 'file' | 'case'>,
  lab: LabStatus,
  { json }: CaseFlags,
): void {
  const text = json
    ? showJson({ schema: 1, file, case: which, status: lab })
    : statusText(lab, { file, case: which, style: styleFor(process.stdout) });
  process.stdout.write(text);
}
