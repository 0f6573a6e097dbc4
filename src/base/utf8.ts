/** Text and its UTF-8 bytes where either may be broken: names come from people, files from anywhere. */
import { utf8 } from './bytes.ts';

const replacement = 0xfffd;

/** The text with every half of a surrogate pair that stands alone replaced by U+FFFD. */
export const wellFormed = (text: string): string => text.replace(/\p{Cs}/gu, '\ufffd');

/** The UTF-8 bytes of a text, well-formed whatever the text, and at most `most` of them: cut between characters. */
export function boundedUtf8(text: string, most: number): Uint8Array {
  const bytes = utf8(wellFormed(text.length > most ? text.slice(0, most) : text));
  if (bytes.length <= most) return bytes;
  let end = most;
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end);
}

/**
 * Reads UTF-8. Never fails: what is not UTF-8 becomes U+FFFD, one for each byte that fits nowhere
 * or for each sequence cut short (Unicode 15.0 section 3.9, "U+FFFD Substitution of Maximal Subparts").
 */
export function readUtf8(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const plain = asciiEnd(bytes, at);
    if (plain > at) {
      // Not spread, which would go through an iterator, byte by byte.
      text += String.fromCharCode.apply(null, bytes.subarray(at, plain) as unknown as number[]);
      at = plain;
      continue;
    }
    const lead = bytes[at++]!;
    const more = lead >= 0xc2 && lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    if (lead < 0xc2 || lead > 0xf4) {
      text += String.fromCharCode(replacement);
      continue;
    }
    // Table 3-7: the second byte has a narrower range after these four leads.
    let low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    let high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    let code = lead & (0x3f >> more);
    let left = more;
    for (; left > 0; left -= 1) {
      const next = bytes[at];
      if (next === undefined || next < low || next > high) break;
      code = (code << 6) | (next & 0x3f);
      low = 0x80;
      high = 0xbf;
      at += 1;
    }
    text += left === 0 ? String.fromCodePoint(code) : String.fromCharCode(replacement);
  }
  return text;
}

/** How many arguments a function may have is the engine's to say; so many it may. */
const chunk = 4096;

/** The end of the ASCII characters from here on, or of as many as can be taken at once. */
function asciiEnd(bytes: Uint8Array, from: number): number {
  const most = Math.min(bytes.length, from + chunk);
  let end = from;
  while (end < most && bytes[end]! < 0x80) end += 1;
  return end;
}
