/**
 * The captures and vectors that nobody on this project made, for tests. They lie beside the
 * repository; `corpus/README.md` and `MANIFEST.tsv` there say where each came from.
 *
 * The reading of capture files is the least that a test of decoders needs: frames and link types.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ExecutionContext } from 'ava';
import { view } from '../../src/base/bytes.ts';

const corpus = process.env['STANDIN_CORPUS'] ?? resolve('..', 'shared', 'corpus');

/** False, with a line that says so, where there is no corpus; a failure if STANDIN_REQUIRE is set. */
export function hasCorpus(t: ExecutionContext): boolean {
  if (existsSync(corpus)) return true;
  const what = `nothing checked: no corpus at ${corpus}; STANDIN_CORPUS names another place`;
  if (process.env['STANDIN_REQUIRE']) t.fail(what);
  else {
    t.log(what);
    t.pass();
  }
  return false;
}

export const readCorpus = (file: string): Uint8Array => {
  const bytes = readFileSync(join(corpus, file));
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
};

/** The names below one folder, as EXPECT.tsv writes them, in order. */
export const listCorpus = (folder: string): string[] =>
  readdirSync(join(corpus, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => `${folder}/${file.split('\\').join('/')}`)
    .filter((file) => /\.\w+$/.test(file))
    .sort();

/** What tcpdump 4.99.3 says of a capture. */
export interface Expected {
  readonly file: string;
  readonly packets: number;
  readonly linkType: string;
  readonly badIpChecksums: number;
  /** False where tcpdump gave up, so that its numbers mean nothing. */
  readonly readable: boolean;
}

export function readExpected(): Expected[] {
  const lines = readFileSync(join(corpus, 'EXPECT.tsv'), 'utf8').trimEnd().split('\n');
  return lines.slice(2).map((line) => {
    const [file, packets, linkType, badIp, , exitStatus] = line.split('\t');
    return {
      file: file!,
      packets: Number(packets),
      linkType: linkType!,
      badIpChecksums: Number(badIp),
      readable: exitStatus === '0',
    };
  });
}

export interface Captured {
  readonly linkType: number;
  readonly bytes: Uint8Array;
}

export const ethernetLink = 1;

/** Every frame of a classic pcap or a pcapng file, up to the first that is cut short. */
export function readCapture(file: Uint8Array): Captured[] {
  const magic = view(file).getUint32(0);
  return magic === 0x0a0d0d0a ? readBlocks(file) : readRecords(file);
}

/** Classic pcap: 0 magic, 20 link type, 24 records; a record: 8 captured length, 16 frame. */
function readRecords(file: Uint8Array): Captured[] {
  const data = view(file);
  const little = [0xa1b2c3d4, 0xa1b23c4d].includes(data.getUint32(0, true));
  const linkType = data.getUint32(20, little) & 0xffff;
  const frames: Captured[] = [];
  for (let at = 24; at + 16 <= file.length; ) {
    const length = data.getUint32(at + 8, little);
    if (at + 16 + length > file.length) break;
    frames.push({ linkType, bytes: file.subarray(at + 16, at + 16 + length) });
    at += 16 + length;
  }
  return frames;
}

/** pcapng: blocks of 0 type, 4 length, 8 body. */
function readBlocks(file: Uint8Array): Captured[] {
  const data = view(file);
  const frames: Captured[] = [];
  let little = false;
  let linkTypes: number[] = [];
  for (let at = 0; at + 12 <= file.length; ) {
    const type = data.getUint32(at, little);
    if (type === 0x0a0d0d0a) {
      little = data.getUint32(at + 8, true) === 0x1a2b3c4d;
      linkTypes = [];
    }
    const length = data.getUint32(at + 4, little);
    if (length < 12 || at + length > file.length) break;
    const add = (linkType: number | undefined, start: number, size: number): void => {
      if (linkType === undefined || start + size > at + length) return;
      frames.push({ linkType, bytes: file.subarray(start, start + size) });
    };
    if (type === 1) linkTypes.push(data.getUint16(at + 8, little));
    else if (type === 6)
      add(linkTypes[data.getUint32(at + 8, little)], at + 28, data.getUint32(at + 20, little));
    else if (type === 2)
      add(linkTypes[data.getUint16(at + 8, little)], at + 28, data.getUint32(at + 20, little));
    else if (type === 3)
      add(linkTypes[0], at + 12, Math.min(data.getUint32(at + 8, little), length - 16));
    at += length;
  }
  return frames;
}
