/** Just enough of pcap and pcapng to get at the frames of the corpus. Not for anything else. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { view } from '../../src/base/bytes.ts';
import { type Ipv4, readIpv4 } from '../../src/wire/address.ts';

export const root = join(import.meta.dirname, '..', '..', '..');
const corpus = process.env['STANDIN_CORPUS'] ?? join(root, '..', 'shared', 'corpus');

/** False, with a visible reason, where the corpus is not there: the caller then returns. */
export function hasCorpus(t: ExecutionContext): boolean {
  if (existsSync(corpus)) return true;
  t.log(`not checked: there is no corpus at ${corpus}; STANDIN_CORPUS says where it is`);
  if (process.env['STANDIN_REQUIRE']) t.fail('the corpus is required');
  else t.pass();
  return false;
}

export interface Captured {
  /** From 1, as other tools count. */
  readonly number: number;
  readonly seconds: number;
  readonly bytes: Uint8Array;
}

export const corpusFiles = (folder: string): string[] =>
  readdirSync(join(corpus, folder)).map((name) => `${folder}/${name}`);

export function readCapture(file: string): Captured[] {
  const bytes = new Uint8Array(readFileSync(join(corpus, file)));
  const magic = view(bytes).getUint32(0);
  if (magic === 0x0a0d0d0a) return readBlocks(bytes);
  if (![0xa1b2c3d4, 0xa1b23c4d, 0xd4c3b2a1, 0x4d3cb2a1].includes(magic)) return [];
  return readPcap(bytes, magic === 0xd4c3b2a1 || magic === 0x4d3cb2a1);
}

function readPcap(bytes: Uint8Array, little: boolean): Captured[] {
  const data = view(bytes);
  const fraction = data.getUint32(0, little) === 0xa1b23c4d ? 1e9 : 1e6;
  const frames: Captured[] = [];
  for (let at = 24; at + 16 <= bytes.length; ) {
    const length = data.getUint32(at + 8, little);
    if (at + 16 + length > bytes.length) break;
    const seconds = data.getUint32(at, little) + data.getUint32(at + 4, little) / fraction;
    const frame = bytes.subarray(at + 16, at + 16 + length);
    frames.push({ number: frames.length + 1, seconds, bytes: frame });
    at += 16 + length;
  }
  return frames;
}

/** Enhanced packet blocks only; times are not worked out. */
function readBlocks(bytes: Uint8Array): Captured[] {
  const data = view(bytes);
  const little = data.getUint32(8) === 0x4d3c2b1a;
  const frames: Captured[] = [];
  for (let at = 0; at + 12 <= bytes.length; ) {
    const length = data.getUint32(at + 4, little);
    if (length < 12 || at + length > bytes.length) break;
    if (data.getUint32(at, little) === 6) {
      const captured = data.getUint32(at + 20, little);
      const frame = bytes.subarray(at + 28, at + 28 + captured);
      frames.push({ number: frames.length + 1, seconds: 0, bytes: frame });
    }
    at += length;
  }
  return frames;
}

export interface Datagram {
  readonly from: Ipv4;
  readonly to: Ipv4;
  readonly fromPort: number;
  readonly toPort: number;
  readonly payload: Uint8Array;
}

/** What UDP over IPv4 over plain Ethernet carries; nothing for any other frame. */
export function datagramIn(frame: Uint8Array): Datagram | undefined {
  if (frame.length < 42) return undefined;
  const data = view(frame);
  if (data.getUint16(12) !== 0x0800 || frame[14]! >> 4 !== 4 || frame[23] !== 17) return undefined;
  const udp = 14 + (frame[14]! & 15) * 4;
  if (frame.length < udp + 8) return undefined;
  return {
    from: readIpv4(data, 26),
    to: readIpv4(data, 30),
    fromPort: data.getUint16(udp),
    toPort: data.getUint16(udp + 2),
    payload: frame.subarray(udp + 8, udp + Math.max(8, data.getUint16(udp + 4))),
  };
}
