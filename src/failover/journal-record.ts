/**
 * Records of a journal and their bytes: lines that a person can read, and that give away what has
 * happened to them.
 *
 *    0 length of the text   9 sum of all texts up to this one   18 sum of these 18 bytes   27 text
 *
 * The three numbers are eight hexadecimal digits and a space each. The first sum runs through the
 * journal, so that a record which is missing, doubled or moved is found; the second guards the
 * length, for a wrong one would make the rest of the file look like the beginning of one record.
 */
import { utf8 } from '../base/bytes.ts';
import { crc32 } from '../base/crc32.ts';
import { readUtf8 } from '../base/utf8.ts';

const numberSize = 9;
const guarded = 2 * numberSize;
const headSize = 3 * numberSize;
const newline = 0x0a;

/** Where a journal stands: how long it is, and what its texts sum up to. */
export interface Place {
  readonly at: number;
  readonly sum: number;
}

export const journalStart: Place = { at: 0, sum: 0 };

export type RecordRead =
  | { readonly kind: 'record'; readonly text: string; readonly next: Place }
  | { readonly kind: 'end' }
  /** The beginning of a record that was never written to its end. */
  | { readonly kind: 'cut' }
  | { readonly kind: 'damaged' };

export function encodeRecord(text: string, place: Place): { bytes: Uint8Array; next: Place } {
  const body = utf8(`${text}\n`);
  const sum = crc32(body, place.sum);
  const numbers = `${digits(body.length - 1)} ${digits(sum)} `;
  const head = utf8(`${numbers}${digits(crc32(utf8(numbers)))} `);
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return { bytes, next: { at: place.at + bytes.length, sum } };
}

/** Reads the record that begins at `place`. */
export function readRecord(bytes: Uint8Array, { at, sum }: Place): RecordRead {
  const left = bytes.length - at;
  if (left === 0) return { kind: 'end' };
  if (left < headSize) return { kind: 'cut' };
  const guard = digits(crc32(bytes.subarray(at, at + guarded)));
  if (readUtf8(bytes.subarray(at + guarded, at + headSize)) !== `${guard} `)
    return { kind: 'damaged' };
  const numbers = readUtf8(bytes.subarray(at, at + guarded));
  const size = Number.parseInt(numbers, 16) + 1;
  if (left < headSize + size) return { kind: 'cut' };
  const body = bytes.subarray(at + headSize, at + headSize + size);
  const next = crc32(body, sum);
  if (digits(next) !== numbers.slice(numberSize, -1) || body.at(-1) !== newline)
    return { kind: 'damaged' };
  const text = readUtf8(body.subarray(0, -1));
  return { kind: 'record', text, next: { at: at + headSize + size, sum: next } };
}

const digits = (n: number): string => n.toString(16).padStart(8, '0');
