/** The lock file on disk, and runs of this session held against it. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import type { Run } from '../compare/account.ts';
import { behaviourOf } from '../compare/behaviour.ts';
import { entryOf, type Lock, type LockEntry, type LockKey } from '../compare/lock.ts';
import {
  checkEntry,
  goneFrom,
  type Known,
  type LockCheck,
  renewed,
} from '../compare/lock-check.ts';
import { BadLock, readLock, writeLock } from '../compare/lock-file.ts';
import { lockText } from '../report/lock.ts';
import { quoted } from '../report/text.ts';
import { meaningOf } from '../scenario/meaning.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { Read } from './check.ts';
import { exitCodes } from './exit-codes.ts';
import { defaultLock } from './lock-command.ts';
import { say } from './one-case.ts';
import { causeOf, replaceFile } from './output.ts';
import { styleFor } from './style.ts';
import { version } from './version.ts';

const sizeMax = 64 << 20;

/** Enough to tell texts apart that nobody forges; short enough to be read out. */
const digest = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 16);

/** A lock file, and what it says of which cases. Files are called as they lie from where it is. */
export class LockStore {
  readonly path: string;
  readonly #lock: Lock | undefined;
  readonly #known: Known;
  readonly #paths: readonly string[];
  readonly #checks: LockCheck[] = [];

  private constructor(
    path: string,
    lock: Lock | undefined,
    known: Known,
    paths: readonly string[],
  ) {
    this.path = path;
    this.#paths = paths;
    this.#lock = lock;
    this.#known = known;
  }

  /**
   * @param paths What the user named; `read` is all that was found there.
   * @returns The exit code where it cannot be read, which has been said.
   */
  static open(
    path: string,
    paths: readonly string[],
    read: readonly Read[],
    missing: 'is an error' | 'is empty',
  ): LockStore | number {
    const named = (file: string): string => nameFrom(path, file);
    const known: Known = {
      cases: read
        .flatMap(({ cases }) => cases ?? [])
        .map((one) => ({ file: named(one.file), case: one.case })),
      covers: (file) => paths.some((root) => isWithin(resolve(root), resolve(dirname(path), file))),
    };
    let lock: Lock | undefined;
    try {
      lock = readLock(textOf(path), digest);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (error instanceof BadLock) {
        say(`${path}:${error.line}: ${error.message}`);
        say(`write it anew: ${writing(path, paths)}`);
        return exitCodes.invalid;
      }
      if (code === undefined) throw error;
      if (code !== 'ENOENT') {
        say(`cannot read ${path}: ${causeOf(error)}`);
        return exitCodes.invalid;
      }
      if (missing === 'is an error') {
        say(`there is no lock file ${path}; write it: ${writing(path, paths)}`);
        return exitCodes.nothingMatched;
      }
    }
    return new LockStore(path, lock, known, paths);
  }

  entry(scenario: Scenario, run: Run): LockEntry {
    const { case: name, seed } = run.result;
    const key = { file: nameFrom(this.path, scenario.file), case: name, seed };
    return entryOf(key, digest(meaningOf(scenario)), behaviourOf(run), digest);
  }

  /** Holds something that was played against what is locked. */
  check(entry: LockEntry): LockCheck {
    const check = checkEntry(this.#lock ?? nothing, entry);
    this.#checks.push(check);
    return check;
  }

  /** Cases that are locked, were looked for, and are no more. */
  get gone(): readonly LockKey[] {
    return goneFrom(this.#lock ?? nothing, this.#known);
  }

  /** All that was held against it is as it was locked, and nothing is missing. */
  get holds(): boolean {
    return this.#checks.every(({ status }) => status === 'as-locked') && this.gone.length === 0;
  }

  /** Writes what was played, and keeps what was not and is still there. */
  write(entries: readonly LockEntry[], keepsSeeds: boolean): void {
    const all = renewed(this.#lock, entries, this.#known, keepsSeeds);
    const text = writeLock({ engine: version, entries: all });
    replaceFile(this.path, Buffer.from(text), 0o666);
  }

  text(done: 'written' | 'held against'): string {
    return lockText(this.#checks, this.gone, {
      path: this.path,
      engine: this.#lock?.engine ?? version,
      version,
      ...(done === 'held against' && { accept: writing(this.path, this.#paths) }),
      style: styleFor(process.stdout),
      width: Math.min(process.stdout.columns ?? 100, 140),
    });
  }

  /** For a JSON document. */
  get plain(): object {
    const { path: file, gone } = this;
    const keys = gone.map(({ file: of, case: name, seed }) => ({ file: of, case: name, seed }));
    const engine = this.#lock?.engine;
    return { file, engine, holds: this.holds, checks: this.#checks, gone: keys };
  }
}

const nothing: Lock = { engine: version, entries: [] };

/** The command that writes a lock file. */
function writing(path: string, paths: readonly string[]): string {
  const where = path === defaultLock ? [] : ['--lock', quoted(path)];
  return ['standin', 'lock', ...paths.map(quoted), ...where].join(' ');
}

/** How a file is called as seen from the folder of the lock file, so that it does not matter where one stands. */
const nameFrom = (lock: string, file: string): string =>
  relative(resolve(dirname(lock)), resolve(file))
    .split(sep)
    .join('/');

const isWithin = (folder: string, file: string): boolean =>
  relative(folder, file).split(sep)[0] !== '..';

function textOf(path: string): string {
  const stats = statSync(path);
  if (!stats.isFile()) throw new BadLock(1, 'it is no regular file');
  if (stats.size > sizeMax) throw new BadLock(1, 'it is larger than 64 MiB');
  return readFileSync(path, 'utf8');
}
