/**
 * Lock files as text: lines that a review can read and that Git can merge. A level of indentation is one
 * space; the same runs give the same bytes.
 *
 *     standin-lock: 1
 *     engine: 0.1.0
 *
 *     scenarios/02-partial-dhcp.yaml
 *      case lease=valid plan_dhcp=none
 *      seed 7
 *      meaning 5f1c02aa90c7b7de
 *      arp 46 9b21c7d0a1f0c2e4          <- how many lines, and the digest of all of them
 *       1 ARP of 00:50:56:05:8e:0c      <- step, and whose lines follow
 *        web01: request from …
 */
import { type Line, type LockLayer, lockLayers } from './line.ts';
import {
  type Digest,
  digestOf,
  inOrder,
  keyOf,
  type Lock,
  type LockEntry,
  type LockedLayer,
  linesMost,
} from './lock.ts';

/** The form of the file. One that a program does not know it refuses. */
const form = 1;
const title = 'standin-lock:';

/** Something in a lock file is not as this program writes it. */
export class BadLock extends Error {
  override readonly name = 'BadLock';
  /** From 1. */
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

export function writeLock({ engine, entries }: Lock): string {
  const lines = [`${title} ${form}`, `engine: ${escaped(engine)}`];
  for (const entry of inOrder(entries)) lines.push('', ...entryLines(entry));
  return `${lines.join('\n')}\n`;
}

function* entryLines(entry: LockEntry): Generator<string> {
  yield escaped(entry.file);
  if (entry.case !== '') yield ` case ${escaped(entry.case)}`;
  yield ` seed ${entry.seed}`;
  yield ` meaning ${entry.meaning}`;
  for (const layer of lockLayers) {
    const { count, digest, lines } = entry.layers[layer];
    yield ` ${layer} ${count} ${digest}`;
    let last: Line | undefined;
    for (const line of lines) {
      if (last?.step !== line.step || last.stream !== line.stream)
        yield `  ${line.step} ${escaped(line.stream)}`;
      yield `   ${escaped(line.what)}`;
      last = line;
    }
  }
}

/** @throws BadLock */
export function readLock(text: string, digest: Digest): Lock {
  const reader = new Reader(text);
  const written = reader.word(0, /^standin-lock: (\d+)$/, 'this is no lock file of Standin');
  if (written !== String(form))
    throw reader.bad(
      `its form is ${written}, and this program knows ${form}: another version wrote it`,
    );
  const engine = unescaped(
    reader.word(0, /^engine: (.+)$/, 'the version of the engine is missing'),
  );
  const entries: LockEntry[] = [];
  const keys = new Set<string>();
  while (reader.blank()) {
    const begins = reader.number;
    const entry = readEntry(reader, digest);
    const key = keyOf(entry);
    if (keys.has(key)) throw new BadLock(begins, `${entry.file} is there twice`);
    keys.add(key);
    entries.push(entry);
  }
  reader.end();
  const lock = { engine, entries };
  reader.compare(writeLock(lock));
  return lock;
}

function readEntry(reader: Reader, digest: Digest): LockEntry {
  const file = unescaped(reader.word(0, /^(\S.*)$/, 'the name of a file is missing'));
  const name = reader.maybe(1, /^case (.+)$/);
  const seed = Number(reader.word(1, /^seed (\d{1,10})$/, 'the seed is missing'));
  const meaning = reader.word(1, /^meaning (\w+)$/, 'the digest of the meaning is missing');
  const layers = {} as Record<LockLayer, LockedLayer>;
  for (const layer of lockLayers) layers[layer] = readLayer(layer, reader, digest);
  return { file, case: name === undefined ? '' : unescaped(name), seed, meaning, layers };
}

function readLayer(layer: LockLayer, reader: Reader, digest: Digest): LockedLayer {
  const pattern = new RegExp(`^${layer} (\\d{1,9} \\w+)$`);
  const [count = '', sum = ''] = reader
    .word(1, pattern, `the layer ${layer} is missing`)
    .split(' ');
  const begins = reader.number;
  const lines: Line[] = [];
  for (let head = reader.maybe(2, /^(\d{1,6} .+)$/); head !== undefined; ) {
    const [step = ''] = head.split(' ', 1);
    const stream = unescaped(head.slice(step.length + 1));
    for (let what = reader.maybe(3, /^(.*)$/); what !== undefined; what = reader.maybe(3, /^(.*)$/))
      lines.push({ step: Number(step), stream, what: unescaped(what) });
    head = reader.maybe(2, /^(\d{1,6} .+)$/);
  }
  const isWhole = Number(count) <= linesMost;
  const held = Math.min(Number(count), linesMost);
  if (lines.length !== held || (isWhole && digestOf(lines, digest) !== sum))
    throw new BadLock(
      begins,
      `the lines of ${layer} are not those that were written: somebody has changed them`,
    );
  return { count: Number(count), digest: sum, lines };
}

/** The lines of a text one after another, each at the depth that it must have. */
class Reader {
  readonly #lines: readonly string[];
  /** Of the line that was read last, from 1. */
  number = 0;

  constructor(text: string) {
    this.#lines = text.split(/\r?\n/);
  }

  bad(message: string): BadLock {
    return new BadLock(Math.max(1, this.number), message);
  }

  /** An empty line that is not the end. */
  blank(): boolean {
    const isBlank = this.#lines[this.number] === '' && this.number + 1 < this.#lines.length;
    if (isBlank) this.number += 1;
    return isBlank;
  }

  /** What the next line says, if it is of that depth and says such a thing. */
  maybe(depth: number, pattern: RegExp): string | undefined {
    const line = this.#lines[this.number];
    const indent = ' '.repeat(depth);
    if (line === undefined || !line.startsWith(indent) || line[depth] === ' ') return undefined;
    const word = pattern.exec(line.slice(depth))?.[1];
    if (word !== undefined) this.number += 1;
    return word;
  }

  word(depth: number, pattern: RegExp, otherwise: string): string {
    const word = this.maybe(depth, pattern);
    if (word === undefined) throw new BadLock(this.number + 1, otherwise);
    return word;
  }

  end(): void {
    const left = this.#lines.length - this.number;
    if (left !== 1 || this.#lines[this.number] !== '')
      throw new BadLock(this.number + 1, 'this line belongs nowhere');
  }

  /** One thing is written in one way only. */
  compare(text: string): void {
    const at = text.split('\n').findIndex((line, i) => line !== this.#lines[i]);
    if (at >= 0) throw new BadLock(at + 1, 'this is not how the line was written');
  }
}

/** What would end a line, hide in it, or be taken for an indentation. */
const special = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Cf}\\]|^ | $/gu;
const escaped = (text: string): string =>
  text.replace(special, (character) => `\\{${character.codePointAt(0)!.toString(16)}}`);
const unescaped = (text: string): string =>
  text.replace(/\\\{([0-9a-f]{1,6})\}/g, (whole, digits: string) => {
    const code = Number.parseInt(digits, 16);
    return code > 0x10_ffff ? whole : String.fromCodePoint(code);
  });
