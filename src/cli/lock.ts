/** `standin lock`: plays scenarios and keeps what they do, or says what has changed since. */
import { setImmediate } from 'node:timers/promises';
import type { LockEntry } from '../compare/lock.ts';
import { nodeCrypto } from '../crypto/node.ts';
import { showJson } from '../report/json.ts';
import { count } from '../report/terminal.ts';
import { play } from '../scenario/play.ts';
import { renderProblem, renderSummary } from '../scenario/problem.ts';
import { SimBackend } from '../sim/backend.ts';
import { EventLog } from '../trace/log.ts';
import { verdictOfRun } from '../trace/result.ts';
import { readAll } from './check.ts';
import { exitCodes } from './exit-codes.ts';
import { LockStore } from './lock-store.ts';
import { say } from './one-case.ts';
import { type Selection, selected } from './selection.ts';
import { version } from './version.ts';

export interface LockFlags extends Selection {
  readonly lock: string;
  readonly check?: boolean;
  readonly seed?: number;
  readonly json?: boolean;
  readonly allowEmpty?: boolean;
  readonly eventsMax: number;
}

export async function lock(paths: readonly string[], flags: LockFlags): Promise<number> {
  const read = readAll(paths, false);
  if (read === undefined) return exitCodes.invalid;
  const errors = read.flatMap(({ cases, problems }) => (cases === undefined ? problems : []));
  if (errors.length > 0) {
    for (const problem of errors) process.stderr.write(`${renderProblem(problem)}\n`);
    process.stderr.write(`${renderSummary(errors, read.length, exitCodes.invalid)}\n`);
    return exitCodes.invalid;
  }
  const store = LockStore.open(flags.lock, paths, read, flags.check ? 'is an error' : 'is empty');
  if (typeof store === 'number') return store;
  const cases = selected(read, flags);
  if (cases.length === 0) {
    say('nothing matches, so nothing was played');
    return flags.allowEmpty ? exitCodes.asExpected : exitCodes.nothingMatched;
  }
  const entries: LockEntry[] = [];
  let failed = 0;
  for (const one of cases) {
    const scenario = flags.seed === undefined ? one : { ...one, seed: flags.seed };
    const log = new EventLog('full');
    const breathe = (): Promise<void> => setImmediate();
    const { eventsMax } = flags;
    const backend = new SimBackend({ crypto: nodeCrypto, eventsMax, breathe });
    const { result } = await play(scenario, backend, log);
    if (verdictOfRun(result) !== 'met') failed += 1;
    const entry = store.entry(scenario, { result, log });
    store.check(entry);
    entries.push(entry);
    await setImmediate(); // let signals through
  }
  if (!flags.check) store.write(entries, flags.seed !== undefined);
  process.stdout.write(
    flags.json
      ? showJson({ schema: 1, standin: version, lock: store.plain })
      : store.text(flags.check ? 'held against' : 'written'),
  );
  if (failed > 0) say(`${count(failed, 'case')} did not do what is expected`);
  return flags.check && !store.holds ? exitCodes.expectationFailed : exitCodes.asExpected;
}
