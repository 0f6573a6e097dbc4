/**
 * The journal of a failover controller in a file: opened or taken over, locked, and appended to.
 *
 * It appears by a rename, so that there is a whole first record or no journal. Its last record may
 * have been cut off by a crash, and then it was never acted upon: it is taken away. Anything else
 * that does not add up is damage, which nobody can act upon either, and is refused.
 */
import { dirname } from 'node:path';
import { type Instant, labStart, showInstant } from '../base/time.ts';
import type { Configuration } from '../failover/configuration.ts';
import type { Decision } from '../failover/decision.ts';
import {
  decidedText,
  headRefusal,
  headText,
  type Journal,
  JournalError,
  type Past,
  replay,
  toldText,
} from '../failover/journal.ts';
import { encodeRecord, journalStart, type Place, readRecord } from '../failover/journal-record.ts';
import type { Observation } from '../failover/observation.ts';
import { type Files, linuxProcesses, nodeFiles, type Processes } from './files.ts';
import { takeLock } from './journal-lock.ts';

export interface JournalOptions {
  readonly files?: Files;
  readonly processes?: Processes;
  /** Somebody who outlives this process holds the lock for it (`lockJournal`). */
  readonly locked?: boolean;
}

/**
 * Opens the journal of a controller, or begins it: what `Recovery` gets, one for each tenant.
 *
 * @param path Its folder exists; beside the journal lie its lock and, while it begins, `PATH.new`.
 * @throws JournalError, which names the file, if it cannot be written, is somebody else's, is of
 *   another version or another scenario, or is damaged. Then nothing of it has changed.
 */
export function openJournal(
  path: string,
  configuration: Configuration,
  { files = nodeFiles, processes = linuxProcesses, locked = false }: JournalOptions = {},
): JournalFile {
  return naming(path, () => {
    const unlock = locked ? () => {} : takeLock(path, files, processes);
    try {
      return begin(path, configuration, files, unlock);
    } catch (error) {
      unlock();
      throw error;
    }
  });
}

/**
 * Locks a journal for a process that this one starts and ends: of one in a PID namespace of its own
 * nobody outside could tell later whether it still lives.
 *
 * @returns What gives the lock back.
 */
export function lockJournal(
  path: string,
  { files = nodeFiles, processes = linuxProcesses }: JournalOptions = {},
): () => void {
  return naming(path, () => takeLock(path, files, processes));
}

export class JournalFile implements Journal {
  readonly past: Past | undefined;
  readonly #path: string;
  readonly #files: Files;
  readonly #file: number;
  readonly #unlock: () => void;
  #place: Place;
  #last: Instant;
  /** What is on the disk is in doubt after one failure, so there is no second attempt. */
  #failure: unknown;

  constructor(
    path: string,
    files: Files,
    file: number,
    place: Place,
    past: Past | undefined,
    unlock: () => void,
  ) {
    this.#path = path;
    this.#files = files;
    this.#file = file;
    this.#place = place;
    this.past = past;
    this.#last = past?.at ?? labStart;
    this.#unlock = unlock;
  }

  told(observation: Observation | undefined, at: Instant): void {
    this.#attempt(() => {
      if (at < this.#last) {
        const why = `the clock goes back from ${showInstant(this.#last)} to ${showInstant(at)}`;
        throw new JournalError(this.#path, why);
      }
      this.#last = at;
      this.#append(toldText(observation, at));
    });
  }

  decided(decisions: readonly Decision[]): void {
    this.#attempt(() => {
      this.#append(decidedText(decisions));
      this.#files.sync(this.#file);
    });
  }

  /** The journal stays, for whoever opens it next. */
  close(): void {
    this.#failure ??= new JournalError(this.#path, 'it is closed');
    naming(this.#path, () => {
      this.#files.close(this.#file);
      this.#unlock();
    });
  }

  #append(text: string): void {
    const { bytes, next } = encodeRecord(text, this.#place);
    writeAll(this.#files, this.#file, bytes);
    this.#place = next;
  }

  #attempt(act: () => void): void {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      naming(this.#path, act);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }
}

function begin(
  path: string,
  configuration: Configuration,
  files: Files,
  unlock: () => void,
): JournalFile {
  const there = files.open(path);
  const file = there ?? create(path, configuration, files);
  try {
    if (there !== undefined) return resume(path, configuration, files, file, unlock);
    const { next } = encodeRecord(headText(configuration), journalStart);
    return new JournalFile(path, files, file, next, undefined, unlock);
  } catch (error) {
    files.close(file);
    throw error;
  }
}

function create(path: string, configuration: Configuration, files: Files): number {
  const young = `${path}.new`;
  files.remove(young); // of somebody who was killed while it began
  const file = files.create(young);
  try {
    writeAll(files, file, encodeRecord(headText(configuration), journalStart).bytes);
    files.sync(file);
    files.rename(young, path);
    files.syncFolder(dirname(path));
    return file;
  } catch (error) {
    files.close(file);
    throw error;
  }
}

function resume(
  path: string,
  configuration: Configuration,
  files: Files,
  file: number,
  unlock: () => void,
): JournalFile {
  const bytes = files.read(file);
  const { texts, place } = read(path, bytes);
  const [head, ...rest] = texts;
  const refusal = headRefusal(head!, configuration);
  if (refusal !== undefined) throw new JournalError(path, refusal);
  const past = replay(configuration, rest);
  if (typeof past === 'string') throw new JournalError(path, past);
  if (place.at < bytes.length) files.truncate(file, place.at);
  // Whoever was killed may have written more than the disk has got, and its name as well.
  files.sync(file);
  files.syncFolder(dirname(path));
  return new JournalFile(path, files, file, place, rest.length > 0 ? past : undefined, unlock);
}

function read(path: string, bytes: Uint8Array): { texts: string[]; place: Place } {
  // After a power failure a file may be longer than what was written to it, by zeros.
  const end = bytes.findLastIndex((byte) => byte !== 0) + 1;
  const written = bytes.subarray(0, end);
  const texts: string[] = [];
  let place = journalStart;
  for (;;) {
    const one = readRecord(written, place);
    if (one.kind === 'damaged' || (one.kind !== 'record' && texts.length === 0)) {
      const why = `it is damaged in record ${texts.length + 1}, at byte ${place.at}`;
      throw new JournalError(path, why);
    }
    if (one.kind !== 'record') return { texts, place };
    texts.push(one.text);
    place = one.next;
  }
}

function writeAll(files: Files, file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += files.write(file, bytes.subarray(done));
}

const words: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'it is on a file system that is read-only',
  EACCES: 'it may not be written here',
  EPERM: 'it may not be written here',
  ELOOP: 'it is a symbolic link, which is not followed',
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'its folder does not exist',
  EISDIR: 'it is a folder',
  ENOTFILE: 'it is not a file',
  EFBIG: 'it may not become longer',
};

/** What the machine refuses is said of the journal, which is what the user knows. */
function naming<Result>(path: string, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (typeof code !== 'string') throw error;
    throw new JournalError(path, words[code] ?? `the machine says ${code}`);
  }
}
