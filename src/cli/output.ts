/** Files that a run leaves behind, and what to say when they cannot be written. */
import {
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Scenario } from '../scenario/scenario.ts';

/** The surroundings lack something: said in one line, and no fault of the scenario. */
export class Lacking extends Error {
  override readonly name = 'Lacking';
}

/** What files of a case are called: nothing of it comes from the inside of a file. */
export function plainName(scenario: Pick<Scenario, 'file' | 'case'>): string {
  const file = basename(scenario.file).replace(/\.ya?ml$/, '');
  const whole = scenario.case === '' ? file : `${file} ${scenario.case}`;
  return whole.replace(/[^A-Za-z0-9._=-]+/g, '-').slice(0, 100);
}

/** A file that is written bit by bit, from its beginning: opened at once, so that nobody waits in vain. */
export class Output {
  readonly #path: string;
  readonly #file: number;

  constructor(path: string) {
    this.#path = path;
    this.#file = attempt(path, () => {
      makeFolder(dirname(path));
      return openSync(path, 'w');
    });
  }

  write(text: string): void {
    const bytes = Buffer.from(text);
    attempt(this.#path, () => {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
    });
  }

  close(): void {
    attempt(this.#path, () => closeSync(this.#file));
  }
}

/** Lines with their ends, many in a piece. */
export function* inPieces(lines: Iterable<string>): Generator<string> {
  let waiting = '';
  for (const line of lines) {
    waiting += `${line}\n`;
    if (waiting.length < 1 << 20) continue;
    yield waiting;
    waiting = '';
  }
  yield waiting;
}

/** Writes a file for its owner's eyes only. */
export function writePrivately(folder: string, name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  replaceFile(path, bytes, 0o600);
  return path;
}

/**
 * Writes a whole file. It takes the place of whatever has its name: a link that somebody put there is
 * replaced, not followed, and a reader never sees half of it.
 */
export function replaceFile(path: string, bytes: Uint8Array, mode: number): void {
  const folder = dirname(path);
  attempt(path, () => {
    makeFolder(folder);
    const draft = join(folder, `.${basename(path)}.${process.pid}`);
    rmSync(draft, { force: true });
    try {
      writeFileSync(draft, bytes, { mode, flag: 'wx' });
      renameSync(draft, path);
    } catch (error) {
      rmSync(draft, { force: true });
      throw error;
    }
  });
}

/**
 * A folder with those that it is in. One by one, for Node never comes back from where it may make none
 * and is told that there is none, as under `/proc`.
 */
export function makeFolder(path: string, mode = 0o777): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  const around = dirname(path);
  if (around !== path) makeFolder(around, mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

/** @throws Lacking where the system refuses, with what it said in words. */
export function attempt<T>(path: string, deed: () => T): T {
  try {
    return deed();
  } catch (error) {
    throw new Lacking(`cannot write ${path}: ${causeOf(error)}`);
  }
}

const words: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EEXIST: 'there is a file where a folder should be',
  EISDIR: 'it is a folder',
  ELOOP: 'it is a symbolic link',
  EMFILE: 'too many open files',
  ENOENT: 'no such file or folder',
  ENOSPC: 'no space left',
  ENOTDIR: 'there is a file where a folder should be',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
};

/** What the system said, in words. */
export function causeOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return (code !== undefined && words[code]) || code || String(error);
}
