/**
 * Tells of files that were saved. Editors save in many ways: they write over a file, truncate it
 * first, or put another in its place; folders are watched, because those stay what they are.
 */
import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';

/** One save is several events. */
const settleMs = 10;
/** A file that is empty or gone is about to be written; after so many looks it is believed. */
const looksMost = 20;
/** For file systems that tell nothing. */
const pollMs = 1000;

/** Told of files that were saved, or came, or went; of none where a folder has changed otherwise. */
type Told = (files: readonly string[], since: bigint) => void;

export class SavedFiles {
  readonly #tell: Told;
  readonly #folders = new Map<string, FSWatcher | undefined>();
  /** What files were when they were last looked at. */
  #files = new Map<string, string>();
  readonly #poll: NodeJS.Timeout;
  #settling: NodeJS.Timeout | undefined;
  #began: bigint | undefined;
  #looks = 0;

  constructor(tell: Told) {
    this.#tell = tell;
    this.#poll = setInterval(() => {
      if (this.#changed().length > 0) this.#soon();
    }, pollMs);
  }

  /** Which files from now on, and which folders besides theirs. */
  watch(files: readonly string[], folders: readonly string[]): void {
    this.#files = new Map(files.map((file) => [file, this.#files.get(file) ?? look(file)]));
    const wanted = new Set([...folders, ...files.map((file) => dirname(file))]);
    for (const [folder, watcher] of this.#folders) {
      if (wanted.has(folder)) continue;
      watcher?.close();
      this.#folders.delete(folder);
    }
    for (const folder of wanted)
      if (this.#folders.get(folder) === undefined) this.#folders.set(folder, this.#watched(folder));
  }

  close(): void {
    clearInterval(this.#poll);
    clearTimeout(this.#settling);
    for (const watcher of this.#folders.values()) watcher?.close();
  }

  /** Undefined where the system does not tell of it: then it is looked at now and then. */
  #watched(folder: string): FSWatcher | undefined {
    try {
      const watcher = watch(folder, () => this.#soon());
      watcher.on('error', () => {
        watcher.close();
        this.#folders.delete(folder);
      });
      return watcher;
    } catch {
      return undefined;
    }
  }

  #soon(): void {
    this.#began ??= process.hrtime.bigint();
    this.#settling ??= setTimeout(() => this.#settle(), settleMs);
  }

  #settle(): void {
    this.#settling = undefined;
    const changed = this.#changed();
    const isUnderWay = changed.some((file) => unfinished.test(look(file)));
    if (isUnderWay && this.#looks < looksMost) {
      this.#looks += 1;
      this.#soon();
      return;
    }
    this.#looks = 0;
    for (const file of changed) this.#files.set(file, look(file));
    const began = this.#began!;
    this.#began = undefined;
    this.#tell(changed, began);
  }

  #changed(): string[] {
    return [...this.#files].flatMap(([file, before]) => (look(file) === before ? [] : [file]));
  }
}

const gone = '0 gone';
const unfinished = /^0 /;

/** Its size, and whatever changes when it is written or replaced. */
function look(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats === undefined ? gone : `${stats.size} ${stats.mtimeMs} ${stats.ino}`;
}
