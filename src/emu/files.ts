/**
 * All that the journal asks of the machine, behind interfaces, so that a test can end the world
 * before and after each of it.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';

export interface Files {
  /** An existing file, to be read and appended to. Never follows a link; undefined where there is none. */
  open(path: string): number | undefined;
  /** A new file for the owner alone. Fails where there is one. */
  create(path: string): number;
  read(file: number): Uint8Array;
  /** Appends some of these bytes at least, and says how many. */
  write(file: number, bytes: Uint8Array): number;
  truncate(file: number, size: number): void;
  sync(file: number): void;
  close(file: number): void;
  rename(from: string, to: string): void;
  /** Nothing happens where there is none. */
  remove(path: string): void;
  /** So that what was created and renamed in it stays so. */
  syncFolder(path: string): void;
  list(folder: string): readonly string[];
  /** Leaves a note that cannot be read in part, and that only one can leave: false where there is one. */
  leaveNote(path: string, text: string): boolean;
  /** Undefined where there is none. */
  readNote(path: string): string | undefined;
}

const { O_RDWR, O_RDONLY, O_CREAT, O_EXCL, O_APPEND, O_NOFOLLOW, O_NONBLOCK, O_DIRECTORY } =
  constants;
const ownerOnly = 0o600;

export const nodeFiles: Files = {
  open(path) {
    // A pipe of that name would wait for a writer.
    const file = unless('ENOENT', () =>
      openSync(path, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK),
    );
    if (file === undefined) return undefined;
    if (!fstatSync(file).isFile()) {
      closeSync(file);
      throw Object.assign(new Error(`${path} is not a file`), { code: 'ENOTFILE' });
    }
    fchmodSync(file, ownerOnly); // somebody may have copied it
    return file;
  },
  create: (path) => openSync(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW, ownerOnly),
  read: (file) => readFileSync(file),
  write: (file, bytes) => writeSync(file, bytes),
  truncate: (file, size) => ftruncateSync(file, size),
  sync: (file) => fsyncSync(file),
  close: (file) => closeSync(file),
  rename: (from, to) => renameSync(from, to),
  remove: (path) => rmSync(path, { force: true }),
  syncFolder(path) {
    const folder = openSync(path, O_RDONLY | O_DIRECTORY);
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  },
  list: (folder) => readdirSync(folder),
  // A symbolic link is born with its text, and never over another: O_EXCL without a moment of emptiness.
  leaveNote: (path, text) =>
    unless('EEXIST', () => {
      symlinkSync(text, path);
      return true;
    }) ?? false,
  readNote: (path) => unless('ENOENT', () => readlinkSync(path)),
};

export interface Processes {
  /** Who we are, in words that name no other process until the machine forgets us. */
  self(): string;
  /** Whether the process that called itself so still runs; undefined where that cannot be seen from here. */
  lives(self: string): boolean | undefined;
}

/**
 * A number is given to another process once its owner has ended, so the moment of its start goes
 * with it; and it means nothing in another PID namespace, nor after another start of the machine.
 */
export const linuxProcesses: Processes = {
  self: () => `${boot()}.${namespace()}.${process.pid}.${startOf(process.pid) ?? 0}`,
  lives(self) {
    const [theirBoot, theirNamespace, pid, start] = self.split('.');
    if (theirBoot !== boot()) return false;
    if (theirNamespace !== namespace()) return undefined;
    return startOf(Number(pid)) === start;
  },
};

const boot = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
const namespace = (): string => readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');

/** In ticks since the machine was started: field 22 of proc_pid_stat(5), the 20th after the name. */
function startOf(pid: number): string | undefined {
  const text = unless('ENOENT', () => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19];
}

function unless<Result>(code: string, act: () => Result): Result | undefined {
  try {
    return act();
  } catch (error) {
    if ((error as { code?: unknown }).code === code) return undefined;
    throw error;
  }
}
