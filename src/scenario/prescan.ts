/**
 * Looks through a text before any parser builds a tree from it. The YAML parser descends once per
 * level of nesting and can take Node itself down with it (5,000 and then 100,000 brackets did), and
 * its work grows faster than the text for some inputs; so size, depth and counts are bounded here,
 * in one pass. The tokens come from the parser's own lexer, which is a flat loop: a scan with rules
 * of its own about quotes and comments could be talked into overlooking brackets.
 */
import { CST, Lexer } from 'yaml';
import type { ProblemCode } from './problem.ts';

const bytesMax = 1 << 20;
/** How much of each a file may have. Values are scalars and collections. */
export const limits = {
  depth: [64, 'levels of nesting'],
  entries: [10_000, 'entries in one place'],
  aliases: [100, 'aliases'],
  anchors: [1000, 'anchors'],
  values: [50_000, 'values'],
} as const satisfies Record<string, readonly [most: number, what: string]>;
type Limited = keyof typeof limits;
const limited = Object.keys(limits) as Limited[];
const linesMax = 100_000;
const refusalsMax = 20;

interface Refusal {
  readonly code: ProblemCode;
  readonly start: number;
  readonly end: number;
  readonly message: string;
  readonly hint?: string;
}

interface Prescan {
  /** Why the text must not go to the parser; empty if it may. */
  readonly refusals: readonly Refusal[];
  /** What was looked at: the parser is to get these, and no reading of its own. */
  readonly tokens: readonly string[];
}

export function prescan(text: string): Prescan {
  const refused = refusalOfText(text);
  return refused === undefined ? scan(text) : { refusals: [refused], tokens: [] };
}

function refusalOfText(text: string): Refusal | undefined {
  const bytes = utf8Length(text);
  if (bytes > bytesMax) {
    const size = (bytes / bytesMax).toFixed(1);
    return refusal('E101', 0, 1, `the file has ${size} MiB; a scenario has at most 1 MiB`);
  }
  let lines = 1;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
    if ((lines += 1) > linesMax) return refusal('E101', at, 1, `more than ${linesMax} lines`);
  }
  return strangeCharacter(text);
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
function scan(text: string): Prescan {
  const scan = new Scan();
  const tokens: string[] = [];
  let marked = false;
  for (const token of new Lexer().lex(text)) {
    tokens.push(token);
    const type: CST.TokenType | null = marked ? 'scalar' : CST.tokenType(token);
    marked = !marked && type === 'scalar'; // a marker; the scalar itself is the next token
    if (!marked && scan.take(type, token)) break;
  }
  return { refusals: scan.refusals, tokens };
}

class Scan {
  readonly refusals: Refusal[] = [];
  readonly #counts = { depth: 0, entries: 0, aliases: 0, anchors: 0, values: 0 };
  readonly #block: Open[] = [];
  /** For each open bracket, how many entries it has so far. */
  #flow: number[] = [];
  #offset = 0;
  #lineStart = 0;
  /** Where the first value of this line stands that may turn out to be a key; -1 for none. */
  #keyColumn = -1;
  #content = false;

  /** Takes the next token; true if there is no need for more. */
  take(type: CST.TokenType | null, token: string): boolean {
    if (type === 'doc-mode') return false; // it and the next have no characters of their own
    if (type === 'flow-error-end') {
      this.#flow = [];
      return false;
    }
    this.#counts.entries = 0;
    if (this.#look(type, token)) return true;
    this.#counts.depth = this.#block.length + this.#flow.length;
    for (const what of limited) {
      const [most, noun] = limits[what];
      if (this.#counts[what] > most) return this.#end('E101', 1, `more than ${most} ${noun}`);
    }
    const lastBreak = token.lastIndexOf('\n');
    if (lastBreak >= 0) {
      this.#lineStart = this.#offset + lastBreak + 1;
      this.#keyColumn = -1; // a block scalar takes the end of its last line along
    }
    this.#offset += token.length;
    return this.refusals.length >= refusalsMax;
  }

  #refuse(code: ProblemCode, length: number, message: string, hint?: string): void {
    this.refusals.push(refusal(code, this.#offset, length, message, hint));
  }

  #end(code: ProblemCode, length: number, message: string): true {
    this.#refuse(code, length, message);
    return true;
  }

  #look(type: CST.TokenType | null, token: string): boolean {
    switch (type) {
      case 'newline':
      case 'space':
      case 'comment':
      case 'byte-order-mark':
      case 'block-scalar-header':
        return false;
      case 'directive-line':
        this.#refuse('E109', token.trimEnd().length, 'directives are not used in scenarios');
        return false;
      case 'doc-start':
        if (!this.#content) return false;
        return this.#end('E109', 3, 'a second document: a file holds one scenario');
    }
    this.#content = true;
    switch (type) {
      case 'tag':
        this.#refuse('E109', token.length, 'tags are not used in scenarios', 'leave it out');
        return false;
      case 'flow-map-end':
      case 'flow-seq-end':
        if (this.#flow.pop() !== undefined) return false;
        // Many of them would keep the parser busy for longer than anybody waits.
        return this.#end('E102', 1, `a "${token}" that closes nothing`);
      case 'comma':
        if (this.#flow.length > 0) this.#counts.entries = this.#flow[this.#flow.length - 1]! += 1;
        return false;
      case 'seq-item-ind':
      case 'explicit-key-ind':
      case 'map-value-ind':
        if (this.#flow.length === 0) this.#indicator(type);
        return false;
    }
    this.#counts.values += 1;
    if (this.#flow.length === 0 && this.#keyColumn < 0) this.#keyColumn = this.#column;
    if (type === 'alias') this.#counts.aliases += 1;
    if (type === 'anchor') this.#counts.anchors += 1;
    if (type === 'flow-map-start' || type === 'flow-seq-start') {
      this.#flow.push(1); // one entry more than commas
    }
    return false;
  }

  get #column(): number {
    return this.#offset - this.#lineStart;
  }

  #indicator(type: 'seq-item-ind' | 'explicit-key-ind' | 'map-value-ind'): void {
    if (type === 'seq-item-ind') this.#enter('seq', this.#column);
    else {
      const implicit = type === 'map-value-ind' && this.#keyColumn >= 0;
      const map = this.#enter('map', implicit ? this.#keyColumn : this.#column);
      this.#counts.entries = map.keys += 1;
    }
    this.#keyColumn = -1;
  }

  /** The collection that begins or goes on in this column. A list may stand as far left as its key. */
  #enter(kind: Open['kind'], column: number): Open {
    const ended = ({ column: of, kind: was }: Open): boolean =>
      of > column || (of === column && kind === 'map' && was === 'seq');
    let top = this.#block.at(-1);
    while (top !== undefined && ended(top)) {
      this.#block.pop();
      top = this.#block.at(-1);
    }
    if (top?.column === column && top.kind === kind) return top;
    const opened = { kind, column, keys: 0 };
    this.#block.push(opened);
    return opened;
  }
}
