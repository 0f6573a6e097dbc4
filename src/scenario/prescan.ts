/**
 * Looks through a text before any parser builds a tree from it. The YAML parser descends once per
 * level of nesting and can take Node itself down with it (5,000 and then 100,000 brackets did), and
 * its work grows faster than the text for some inputs; so size, depth and counts are bounded here,
 * in one pass. The tokens come from the parser's own lexer, which is a flat loop: a scan with rules
 * of its own about quotes and comments could be talked into overlooking brackets.
 */
import { CST, Lexer } from 'yaml';
import type { ProblemCode } from './problem.ts';

export const bytesMax = 1 << 20;
export const depthMax = 64;
export const aliasesMax = 100;
export const keysMax = 10_000;
/** Scalars and collections in a file, also after its aliases have been followed. */
export const valuesMax = 100_000;
const refusalsMax = 20;

export interface Refusal {
  readonly code: ProblemCode;
  readonly start: number;
  readonly end: number;
  readonly message: string;
  readonly hint?: string;
}

/** Why a text must not go to the parser; empty if it may. */
export function prescan(text: string): readonly Refusal[] {
  const bytes = utf8Length(text);
  if (bytes > bytesMax) {
    const size = (bytes / bytesMax).toFixed(1);
    return [refusal('E101', 0, 1, `the file has ${size} MiB; a scenario has at most 1 MiB`)];
  }
  const character = strangeCharacter(text);
  return character === undefined ? scan(text) : [character];
}

function refusal(
  code: ProblemCode,
  start: number,
  length: number,
  message: string,
  hint?: string,
): Refusal {
  return { code, start, end: start + length, message, ...(hint === undefined ? {} : { hint }) };
}

function utf8Length(text: string): number {
  if (text.length * 3 <= bytesMax || text.length > bytesMax) return text.length;
  let bytes = 0;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    const surrogate = unit >= 0xd800 && unit < 0xe000; // a pair of them takes four bytes
    bytes += unit < 0x80 ? 1 : unit < 0x800 || surrogate ? 2 : 3;
  }
  return bytes;
}

/**
 * What YAML does not allow in a text (YAML 1.2.2 section 5.1), and what makes a text read
 * otherwise than it is written: characters that turn the direction of writing.
 */
const strange =
  /(?![\t\n\r])\p{Cc}|\r(?!\n)|\p{Cs}|[\u202a-\u202e\u2066-\u2069\ufffe\uffff]|(?<!^)\ufeff/u;

function strangeCharacter(text: string): Refusal | undefined {
  const found = strange.exec(text);
  if (found !== null) {
    const name = `U+${found[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
    return refusal('E109', found.index, 1, `the character ${name} must not stand in a file`);
  }
  const tab = /^ *\t[ \t]*(?=[^\s])/m.exec(text);
  if (tab === null) return undefined;
  const at = text.indexOf('\t', tab.index);
  return refusal('E102', at, 1, 'a tab in the indentation', 'use spaces');
}

interface Open {
  readonly kind: 'map' | 'seq';
  readonly column: number;
  keys: number;
}

/**
 * Follows the tokens and keeps the collections that are open: those with brackets exactly, those
 * made by indentation at least as many as the parser will have.
 */
function scan(text: string): readonly Refusal[] {
  const refusals: Refusal[] = [];
  const block: Open[] = [];
  let flow: number[] = [];
  let offset = 0;
  let lineStart = 0;
  let keyColumn = -1;
  let inScalar = false;
  let aliases = 0;
  let values = 0;
  let content = false;

  const enter = (kind: Open['kind'], column: number): Open => {
    let top = block.at(-1);
    while (
      top &&
      (top.column > column || (top.column === column && kind === 'map' && top.kind === 'seq'))
    ) {
      block.pop();
      top = block.at(-1);
    }
    if (top?.column === column && top.kind === kind) return top;
    const opened = { kind, column, keys: 0 };
    block.push(opened);
    return opened;
  };
  const tooMany = (keys: number): boolean => keys > keysMax;

  for (const token of new Lexer().lex(text)) {
    const type = inScalar ? 'scalar' : CST.tokenType(token);
    if (!inScalar && type === 'scalar') {
      inScalar = true; // a marker; the scalar itself is the next token
      continue;
    }
    inScalar = false;
    if (type === 'doc-mode') continue;
    if (type === 'flow-error-end') {
      flow = [];
      continue;
    }
    const column = offset - lineStart;
    let keys = 0;
    switch (type) {
      case 'newline':
        keyColumn = -1;
        break;
      case 'space':
      case 'comment':
      case 'byte-order-mark':
      case 'block-scalar-header':
        break;
      case 'directive-line':
        refusals.push(
          refusal('E109', offset, token.trimEnd().length, 'directives are not used in scenarios'),
        );
        break;
      case 'doc-start':
        if (content) {
          refusals.push(refusal('E109', offset, 3, 'a second document: a file holds one scenario'));
          return refusals;
        }
        break;
      case 'tag':
        refusals.push(
          refusal('E109', offset, token.length, 'tags are not used in scenarios', 'leave it out'),
        );
        break;
      case 'flow-map-start':
      case 'flow-seq-start':
        if (flow.length === 0 && keyColumn < 0) keyColumn = column;
        flow.push(0);
        values += 1;
        break;
      case 'flow-map-end':
      case 'flow-seq-end':
        flow.pop();
        break;
      case 'comma':
        if (flow.length > 0) keys = flow[flow.length - 1]! += 1;
        break;
      case 'seq-item-ind':
      case 'explicit-key-ind':
      case 'map-value-ind':
        if (flow.length > 0) break;
        if (type === 'seq-item-ind') enter('seq', column);
        else {
          const at = type === 'map-value-ind' && keyColumn >= 0 ? keyColumn : column;
          keys = enter('map', at).keys += 1;
        }
        keyColumn = -1;
        break;
      default:
        if (type === 'alias') aliases += 1;
        values += 1;
        if (flow.length === 0 && keyColumn < 0) keyColumn = column;
    }
    content ||= !['space', 'newline', 'comment', 'directive-line', 'byte-order-mark'].includes(
      type ?? '',
    );
    const limit =
      block.length + flow.length > depthMax
        ? `nested deeper than ${depthMax} levels`
        : tooMany(keys)
          ? `more than ${keysMax} entries in one place`
          : aliases > aliasesMax
            ? `more than ${aliasesMax} aliases`
            : values > valuesMax
              ? `more than ${valuesMax} values in a file`
              : undefined;
    if (limit !== undefined) return [...refusals, refusal('E101', offset, 1, limit)];
    if (refusals.length >= refusalsMax) return refusals;
    const lastBreak = token.lastIndexOf('\n');
    if (lastBreak >= 0) lineStart = offset + lastBreak + 1;
    offset += token.length;
  }
  return refusals;
}
