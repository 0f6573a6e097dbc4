/** Scenario files on disk: finding them, and reading them with care, for they may come from strangers. */
import {
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { dirname, join, normalize, relative, resolve, sep } from 'node:path';
import { type Load, Unreadable } from '../scenario/extend.ts';
import { causeOf } from './output.ts';

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
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined && isLink(path)) return [path]; // to nothing: it is refused with the others
    if (stats === undefined) throw new NoSuchFile(`there is no file or folder ${path}`);
    return stats.isDirectory() ? inFolder(path) : [path];
  });
  return [...new Set(found.map((path) => normalize(path).split(sep).join('/')))];
}

const isLink = (path: string): boolean =>
  lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;

function inFolder(folder: string): string[] {
  const files: string[] = [];
  const waiting = [folder];
  for (let visited = 0; waiting.length > 0; visited += 1) {
    if (visited === foldersMax)
      throw new NoSuchFile(`there are more than ${foldersMax} folders in ${folder}`);
    const here = waiting.shift()!;
    for (const entry of entriesOf(here)) {
      const path = join(here, entry.name);
      if (entry.isDirectory()) {
        if (!entry.name.startsWith('.') && entry.name !== 'node_modules') waiting.push(path);
      } else if (scenarioName.test(entry.name)) files.push(path); // what is no file is refused later, aloud
    }
  }
  return files.sort();
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    throw new NoSuchFile(`cannot read the folder ${folder}: ${causeOf(error)}`);
  }
}

/**
 * A loader for one scenario and what it extends. Regular files only, of a size that no honest
 * scenario reaches, and no links: a path means what it says.
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
      return new Unreadable(code === 'ENOENT' ? 'no such file' : causeOf(error));
    }
  };
}

function readRegular(path: string): string | Unreadable {
  // Opening must neither wait for the other end of a pipe nor follow a link out of the folder.
  const { O_RDONLY, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = constants;
  const file = openSync(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) return new Unreadable('it is not a regular file');
    if (stats.size > sizeMax) return new Unreadable('it is larger than 1 MiB');
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}
