/** Text for terminals: names that cannot do anything, columns that line up, times in words. */
import type { Duration } from '../base/time.ts';

/** What a piece of text is, for whoever gives it a colour. */
export type TextKind =
  | 'title'
  | 'good'
  | 'bad'
  | 'warning'
  | 'faint'
  | 'code'
  | 'limit'
  | 'operation';
export type Style = (kind: TextKind, text: string) => string;

export const plain: Style = (_kind, text) => text;

/**
 * Controls (ESC and the 8-bit CSI among them), format characters that reorder or hide text, line
 * breaks, halves of surrogate pairs. The joiners U+200C and U+200D stay: scripts and emoji need them.
 */
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?![\u200c\u200d])\p{Cf}/gu;

/** A text from outside, on one line and without power over the terminal: escapes are shown instead. */
export const safe = (text: string): string => text.replace(unsafe, showEscaped);

export function showEscaped(character: string): string {
  const code = character.codePointAt(0)!;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code < 0x1_0000) return `\\u${code.toString(16).padStart(4, '0')}`;
  return `\\u{${code.toString(16)}}`;
}

/**
 * How many columns a text takes: two for East Asian wide characters and emoji, none for marks
 * that sit on others (UAX #11; the ranges are the wide blocks, coarsely).
 */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code < 0x300) width += 1;
    else if (!/[\p{Mn}\p{Me}\u200c\u200d]/u.test(character)) width += isWide(code) ? 2 : 1;
  }
  return width;
}

const wide: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x20000, 0x3fffd],
];

const isWide = (code: number): boolean =>
  code >= 0x1100 &&
  (wide.some(([first, last]) => code >= first && code <= last) ||
    /\p{Emoji_Presentation}/u.test(String.fromCodePoint(code)));

/** The text in exactly or at least `width` columns, with spaces after it. */
export const pad = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - widthOf(text)));

export const padBefore = (text: string, width: number): string =>
  ' '.repeat(Math.max(0, width - widthOf(text))) + text;

/** The text in at most `width` columns; `…` where something is missing. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  let room = width - 1;
  for (const character of text) {
    room -= widthOf(character);
    if (room < 0) break;
    kept += character;
  }
  return kept + '…';
}

/** The words of a text on lines of at most `width` columns; a word that is longer is broken. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').filter((piece) => piece !== '')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) <= width) {
      line += ` ${word}`;
      continue;
    }
    if (line !== '') lines.push(line);
    const pieces = broken(word, width);
    lines.push(...pieces.slice(0, -1));
    line = pieces.at(-1)!;
  }
  return line === '' && lines.length > 0 ? lines : [...lines, line];
}

/** A word in pieces of at most `width` columns: at least one, and one character in each. */
function broken(word: string, width: number): string[] {
  const pieces: string[] = [];
  let piece = '';
  let room = width;
  for (const character of word) {
    const taken = widthOf(character);
    if (taken > room && piece !== '') {
      pieces.push(piece);
      piece = '';
      room = width;
    }
    piece += character;
    room -= taken;
  }
  return [...pieces, piece];
}

/** `1 h 12 m`, `3 m 20 s`, `12.5 s`, `12 ms`: two units at most, for reading at a glance. */
export function inWords(time: Duration): string {
  const whole = Math.round(time / 1e9);
  if (whole >= 60) {
    const days = Math.floor(whole / 86_400);
    const hours = Math.floor(whole / 3600) % 24;
    const minutes = Math.floor(whole / 60) % 60;
    if (days > 0) return `${days} d ${hours} h`;
    if (hours > 0) return `${hours} h ${minutes} m`;
    return `${minutes} m ${whole % 60} s`;
  }
  if (time >= 1e8) return `${Number((time / 1e9).toFixed(2))} s`;
  if (time >= 1e6) return `${Math.round(time / 1e6)} ms`;
  return time === 0 ? '0 s' : `${Number((time / 1e6).toFixed(3))} ms`;
}

export const count = (n: number, thing: string): string => `${n} ${thing}${n === 1 ? '' : 's'}`;
