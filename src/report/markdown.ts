/**
 * Markdown as GitHub reads it (GFM), with texts from outside in it: what they say is shown, and
 * nothing of it is a heading, a link, a mention or HTML. Such a text never begins a line.
 */
import { utf8 } from '../base/bytes.ts';
import { cut, safe } from './terminal.ts';

/** Longer texts are cut: a report is no place for them, and has a size that it may not exceed. */
const textMax = 600;

/**
 * A text between other words or in a cell. Whatever could begin something in the middle of a line is
 * written as an entity, which never has a meaning beyond the character (CommonMark 0.31 section 2.5);
 * the rest stays, for the page is read as it is, too.
 */
export const words = (text: string): string =>
  cut(safe(text), textMax).replace(active, (character) => `&#${character.charCodeAt(0)};`);

/** One underscore between letters is none of emphasis; `://` and `www.` make links. */
const active = /[\\`*~[\]<&|$@#]|(?<![a-z0-9])_|_(?![a-z0-9])|:(?=\/)|(?<=www)\./gi;

/** The same as code, where GitHub also looks for no mentions and no emoji. */
export const code = (text: string): string => `<code>${words(text)}</code>`;

/** A table; its cells are Markdown already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** A block that opens when it is clicked on. */
export const folded = (title: string, block: string): string =>
  `<details><summary>${title}</summary>\n\n${block}\n\n</details>`;

export const fenced = (language: string, text: string): string =>
  `\`\`\`${language}\n${text}\`\`\``;

/**
 * Blocks one below the other, at most so many bytes of them: those that do not fit are left out,
 * whole, and it is said how many.
 */
export function blocks(all: readonly string[], bytesMax = Number.POSITIVE_INFINITY): string {
  const note = (left: number): string => `_${left} more left out: there is no room for it here._\n`;
  const reserved = bytesMax - note(all.length).length;
  let text = '';
  let size = 0;
  let left = 0;
  for (const block of all) {
    const piece = `${block}\n\n`;
    const more = utf8(piece).length;
    if (size + more > reserved) {
      left += 1;
      continue;
    }
    text += piece;
    size += more;
  }
  return left === 0 ? `${text.trimEnd()}\n` : text + note(left);
}
