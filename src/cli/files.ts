/** Scenario files on disk: finding them, and reading them with care, for they may come from strangers. */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { type Load, Unreadable } from '../scenario/extend.ts';

const sizeMax = 1 << 20;
const foldersMax = 1000;
const scenarioName = /\.ya?ml$/;

/** A path that names no scenario file. */
export class NoSuchFile extends Error {
  override readonly name = 'NoSuchFile';
}

/** Every scenario file that the paths name; folders are searched, in the order of names. */
export function findScenarios(paths: readonly string[]): string[] {
  const found = paths.flatMap((path) => {
    let stats: ReturnType<typeof statSync>;
    try {
      stats = statSync(path);
    } catch {
      throw new NoSuchFile(`there is no file or folder ${path}`);
    }
    return stats.isDirectory() ? inFolder(path) : [path];
  });
  return [...new Set(found.map((path) => path.split(sep).join('/')))];
}

function inFolder(folder: string): string[] {
  const files: string[] = [];
  const waiting = [folder];
  for (let visited = 0; waiting.length > 0 && visited < foldersMax; visited += 1) {
    const here = waiting.shift()!;
    for (const entry of readdirSync(here, { withFileTypes: true })) {
      const path = join(here, entry.name);
      if (entry.isDirectory() && !entry.name.startsWith('.')) waiting.push(path);
      else if (entry.isFile() && scenarioName.test(entry.name)) files.push(path);
    }
  }
  return files.sort();
}

/**
 * A loader for one scenario and what it extends. Regular files only, of a size that no honest
 * scenario reaches, and for extended files no links: a path means what it says.
 */
export function loaderFor(root: string): Load {
  const base = dirname(root);
  return (path) => {
    try {
      if (path !== root) {
        const wanted = resolve(realpathSync(base), relative(base, dirname(path)));
        if (realpathSync(dirname(path)) !== wanted || lstatSync(path).isSymbolicLink())
          return new Unreadable('it is a link to somewhere else');
      }
      return readRegular(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return new Unreadable(code === 'ENOENT' ? 'no such file' : (code ?? String(error)));
    }
  };
}

function readRegular(path: string): string | Unreadable {
  // Opening must not wait for the other end of a pipe.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) return new Unreadable('it is not a regular file');
    if (stats.size > sizeMax) return new Unreadable('it is larger than 1 MiB');
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}
