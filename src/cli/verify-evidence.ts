/** `standin evidence verify`: whether a pack is what its manifest says, file by file. */
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
} from 'node:fs';
import { join, posix } from 'node:path';
import { type EvidenceFile, readManifest } from '../report/evidence.ts';
import { showJson } from '../report/json.ts';
import { count, safe } from '../report/terminal.ts';
import { manifestName } from './evidence.ts';
import { exitCodes } from './exit-codes.ts';
import { say } from './one-case.ts';
import { causeOf } from './output.ts';

export function verifyEvidence(folder: string, { json }: { readonly json?: boolean }): number {
  const manifest = readRegular(join(folder, manifestName), manifestMax);
  if (typeof manifest === 'string') {
    say(`${folder} is no evidence pack: ${manifestName}: ${manifest}`);
    return exitCodes.invalid;
  }
  const files = readManifest(manifest.text);
  if (files === undefined) {
    say(`${folder} is no evidence pack: ${manifestName} is not one that standin wrote`);
    return exitCodes.invalid;
  }
  const differences = [
    ...files.flatMap((file) => differs(folder, file)),
    ...strangers(folder, files),
  ];
  const { sha256 } = manifest;
  if (json) process.stdout.write(showJson({ schema: 1, files: files.length, sha256, differences }));
  else process.stdout.write(inWords(differences, files.length, sha256));
  return differences.length === 0 ? exitCodes.asExpected : exitCodes.expectationFailed;
}

interface Difference {
  readonly path: string;
  readonly what: string;
}

function inWords(differences: readonly Difference[], files: number, sha256: string): string {
  const lines = differences.map(({ path, what }) => ` ✗ ${safe(path)}: ${safe(what)}`);
  const last =
    differences.length === 0
      ? ` ✓ ${count(files, 'file')} as listed`
      : ` ${count(differences.length, 'difference')} in ${count(files, 'file')}`;
  return `${[...lines, last, ` ${manifestName} has SHA-256 ${sha256}`].join('\n')}\n`;
}

function differs(folder: string, { path, bytes, sha256 }: EvidenceFile): Difference[] {
  const isWithin = posix.normalize(path) === path && !/^(\/|\.\.(\/|$))|\\|^[A-Za-z]:/.test(path);
  if (!isWithin) return [{ path, what: 'the manifest names a place outside of the folder' }];
  const found = readRegular(join(folder, path));
  if (typeof found === 'string') return [{ path, what: found }];
  if (found.bytes !== bytes)
    return [{ path, what: `${found.bytes} bytes, and ${bytes} when it was written` }];
  return found.sha256 === sha256 ? [] : [{ path, what: 'its content is another (SHA-256)' }];
}

/** Files that the manifest does not list. */
function strangers(folder: string, files: readonly EvidenceFile[]): Difference[] {
  const listed = new Set([manifestName, ...files.map(({ path }) => path)]);
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !listed.has(path) && !isFolder(join(folder, path)))
    .sort()
    .map((path) => ({ path, what: 'the manifest does not list it' }));
}

const isFolder = (path: string): boolean =>
  lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

const manifestMax = 64 << 20;

interface Content {
  readonly bytes: number;
  readonly sha256: string;
  /** Where at most so many bytes were asked for; else empty. */
  readonly text: string;
}

/** A regular file bit by bit, or why it cannot be read. Links are not followed. */
function readRegular(path: string, textMax = 0): Content | string {
  const { O_RDONLY, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = constants;
  try {
    const file = openSync(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    try {
      const { size } = fstatSync(file);
      if (!fstatSync(file).isFile()) return 'it is not a regular file';
      if (textMax > 0 && size > textMax) return 'it is too large';
      const sum = createHash('sha256');
      const kept: Buffer[] = [];
      const piece = Buffer.alloc(1 << 20);
      let bytes = 0;
      for (let n = readSync(file, piece); n > 0; n = readSync(file, piece)) {
        sum.update(piece.subarray(0, n));
        if (textMax > 0) kept.push(Buffer.from(piece.subarray(0, n)));
        bytes += n;
      }
      return { bytes, sha256: sum.digest('hex'), text: Buffer.concat(kept).toString() };
    } finally {
      closeSync(file);
    }
  } catch (error) {
    return causeOf(error);
  }
}
