/**
 * One controller for one journal. The lock is a chain of notes, `JOURNAL.lock.1`, `.2` and so on, of
 * which the last says who holds it: only one can leave the next note, so of two who find that its
 * holder is dead only one comes after him. The last note is never taken away, only followed.
 */
import { basename, dirname } from 'node:path';
import { JournalError } from '../failover/journal.ts';
import type { Files, Processes } from './files.ts';

/** What the note of somebody says who holds it no more. */
const nobody = 'nobody';
/** Others may be as quick as we are, but not for ever. */
const triesMost = 100;

/** Takes the lock, and returns what gives it back. */
export function takeLock(path: string, files: Files, processes: Processes): () => void {
  const self = processes.self();
  for (let tries = 0; tries < triesMost; tries += 1) {
    const last = lastNote(path, files);
    const holder = last === 0 ? nobody : files.readNote(note(path, last));
    if (holder === undefined) continue; // followed, and taken away meanwhile
    refuse(path, last, holder, processes);
    if (!files.leaveNote(note(path, last + 1), self)) continue;
    // The note may be one that was taken away, and that others have followed long ago.
    if (lastNote(path, files) === last + 1) {
      clear(path, last, files);
      return () => {
        files.leaveNote(note(path, last + 2), nobody);
        clear(path, last + 1, files);
      };
    }
    files.remove(note(path, last + 1));
  }
  throw new JournalError(path, 'others keep taking its lock');
}

function refuse(path: string, last: number, holder: string, { lives }: Processes): void {
  if (holder === nobody) return;
  const alive = lives(holder);
  if (alive === false) return;
  throw new JournalError(
    path,
    alive
      ? `another controller writes it (process ${holder.split('.')[2]})`
      : `another controller may be writing it, in a PID namespace that cannot be seen from here; if there is none, remove ${note(path, last)}`,
  );
}

const note = (path: string, number: number): string => `${path}.lock.${number}`;

const numbers = (path: string, files: Files): number[] => {
  const start = `${basename(path)}.lock.`;
  return files
    .list(dirname(path))
    .filter((name) => name.startsWith(start) && /^[1-9]\d*$/.test(name.slice(start.length)))
    .map((name) => Number(name.slice(start.length)));
};

const lastNote = (path: string, files: Files): number => Math.max(0, ...numbers(path, files));

/** Takes away the notes up to this one. */
function clear(path: string, upTo: number, files: Files): void {
  for (const number of numbers(path, files)) if (number <= upTo) files.remove(note(path, number));
}
