/**
 * A YAML text as a tree in which every value knows its place. Only what scenario files use comes
 * through: maps with words as keys, lists, and scalars of YAML 1.2's core schema.
 */
import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Pair,
  Parser,
  type Node as YamlNode,
} from 'yaml';
import type { SourceText, Spot } from './place.ts';
import { limits, prescan } from './prescan.ts';
import type { Findings } from './problem.ts';

export type Node = ScalarNode | MapNode | ListNode;
export type ScalarValue = string | number | boolean | null;

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly value: ScalarValue;
  readonly spot: Spot;
  readonly size: 1;
  /** A variable was filled in: text that looks like a number may serve as one. */
  readonly filled?: true;
  /** A variable could not be filled in, which has been reported: whoever reads it says no more. */
  readonly failed?: true;
}

export interface MapNode {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, Entry>;
  readonly spot: Spot;
  /** Values in it, itself included. */
  readonly size: number;
}

export interface Entry {
  readonly key: string;
  readonly keySpot: Spot;
  readonly value: Node;
}

export interface ListNode {
  readonly kind: 'list';
  readonly items: readonly Node[];
  readonly spot: Spot;
  readonly size: number;
}

/** The words as they stand in the file, for messages. */
export function rawText({ source, start, end }: Spot): string {
  const text = source.text.slice(start, end).trimEnd().split('\n')[0]!;
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

export const mapOf = (entries: ReadonlyMap<string, Entry>, spot: Spot): MapNode => ({
  kind: 'map',
  entries,
  spot,
  size: [...entries.values()].reduce((sum, entry) => sum + entry.value.size, 1),
});
export const listOf = (items: readonly Node[], spot: Spot): ListNode => ({
  kind: 'list',
  items,
  spot,
  size: items.reduce((sum, item) => sum + item.size, 1),
});

/** Keys that mean something to JavaScript, and the merge key of YAML 1.1. */
const forbidden = new Set(['__proto__', 'constructor', 'prototype', '<<']);
const syntaxErrorsMax = 5;

/** Reads a text. Whatever is wrong with it goes to `findings`, and then the result is undefined. */
export function readSource(source: SourceText, findings: Findings): MapNode | undefined {
  const spotOf = (start: number, end: number): Spot => ({ source, start, end });
  const { refusals, tokens } = prescan(source.text);
  for (const { code, start, end, message, hint } of refusals) {
    findings.add(code, spotOf(start, end), message, hint);
  }
  if (refusals.length > 0) return undefined;

  let document: Document.Parsed;
  try {
    document = compose(tokens, source.text.length);
  } catch (error) {
    findings.add('E102', spotOf(0, 1), `the YAML parser gave up: ${String(error)}`);
    return undefined;
  }
  const wrong = [...document.errors, ...document.warnings];
  for (const { pos, message } of wrong.slice(0, syntaxErrorsMax)) {
    findings.add('E102', spotOf(pos[0], Math.max(pos[1], pos[0] + 1)), message);
  }
  if (wrong.length > 0) return undefined;

  const root = new Conversion(source, findings).convert(document.contents, 0);
  if (root === undefined) return undefined;
  if (root.size > limits.values[0]) {
    findings.add(
      'E101',
      spotOf(0, 1),
      `its aliases unfold to more than ${limits.values[0]} values`,
    );
    return undefined;
  }
  if (root.kind === 'map') return root;
  const empty = root.kind === 'scalar' && root.value === null;
  const message = empty ? 'the file is empty' : 'a scenario is a map that begins with its name';
  findings.add('E107', root.spot, message, 'start with "name: …"');
  return undefined;
}

/** What the library calls `parseDocument`, from tokens that are there already. */
function compose(tokens: readonly string[], length: number): Document.Parsed {
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    merge: false,
    uniqueKeys: false, // quadratic there; checked below
    logLevel: 'silent',
  });
  const [document] = [...composer.compose(parse(tokens), true, length)];
  return document!;
}

function* parse(tokens: readonly string[]): Generator<CST.Token> {
  const parser = new Parser();
  for (const token of tokens) yield* parser.next(token);
  yield* parser.end();
}

class Conversion {
  readonly #source: SourceText;
  readonly #findings: Findings;
  /** `undefined` while the value that the anchor names is still being read. */
  readonly #anchors = new Map<string, Node | undefined>();

  constructor(source: SourceText, findings: Findings) {
    this.#source = source;
    this.#findings = findings;
  }

  /** Depth is bounded by the pre-scan, and an alias shares the node that it names. */
  convert(node: YamlNode | null, at: number): Node | undefined {
    const spot = this.#spot(node, at);
    if (node === null) return { kind: 'scalar', value: null, spot, size: 1 };
    if (isAlias(node)) {
      const named = this.#anchors.get(node.source);
      if (named !== undefined) return named;
      const known = this.#anchors.has(node.source);
      const why = known ? 'is part of what it names' : 'names nothing';
      this.#findings.add('E109', spot, `the alias *${node.source} ${why}`);
      return undefined;
    }
    const anchor = isMap(node) || isSeq(node) || isScalar(node) ? node.anchor : undefined;
    if (anchor !== undefined) this.#anchors.set(anchor, undefined);
    const converted = this.#withoutAnchor(node, spot);
    if (anchor !== undefined && converted !== undefined) this.#anchors.set(anchor, converted);
    return converted;
  }

  #spot(node: YamlNode | null, at: number): Spot {
    const [start, end] = node?.range ?? [at, at + 1];
    return { source: this.#source, start, end };
  }

  #withoutAnchor(node: YamlNode, spot: Spot): Node | undefined {
    if (isMap(node)) return this.#map(node.items as Pair<YamlNode | null, YamlNode | null>[], spot);
    if (isSeq(node)) {
      const items = node.items.map((item) => this.convert(item as YamlNode | null, spot.start));
      return listOf(
        items.filter((item) => item !== undefined),
        spot,
      );
    }
    const value = isScalar(node) ? node.value : undefined;
    if (
      value === null ||
      typeof value === 'string' ||
      typeof value === 'boolean' ||
      typeof value === 'number'
    ) {
      return { kind: 'scalar', value, spot, size: 1 };
    }
    this.#findings.add('E109', spot, 'this kind of value is not used in scenarios');
    return undefined;
  }

  #map(pairs: readonly Pair<YamlNode | null, YamlNode | null>[], spot: Spot): MapNode {
    const entries = new Map<string, Entry>();
    for (const pair of pairs) {
      const key = this.convert(pair.key, spot.start);
      const value = this.convert(pair.value, key?.spot.end ?? spot.start);
      if (key === undefined || value === undefined) continue;
      const name = this.#key(key);
      if (name === undefined) continue;
      const earlier = entries.get(name);
      if (earlier === undefined) {
        entries.set(name, { key: name, keySpot: key.spot, value });
      } else {
        const line = this.#source.lineAt(earlier.keySpot.start);
        this.#findings.add('E108', key.spot, `${name} stands here twice`, `first in line ${line}`);
      }
    }
    return mapOf(entries, spot);
  }

  #key(key: Node): string | undefined {
    if (key.kind !== 'scalar') {
      this.#findings.add('E107', key.spot, 'a key is a word, not a list or a map');
    } else if (key.value === null) {
      this.#findings.add('E106', key.spot, 'a key is missing', 'write a word before the ":"');
    } else if (typeof key.value !== 'string') {
      const raw = rawText(key.spot);
      const message = `a key must be text: ${raw} is read as ${kindOf(key)}`;
      this.#findings.add('E215', key.spot, message, `put it in quotes: "${raw}"`);
    } else if (forbidden.has(key.value)) {
      this.#findings.add('E109', key.spot, `the key ${key.value} is not used in scenarios`);
    } else {
      return key.value;
    }
    return undefined;
  }
}

/** What a value is, for messages: `the number 10`, `a list`. */
export function kindOf(node: Node): string {
  if (node.kind === 'map') return 'a map';
  if (node.kind === 'list') return 'a list';
  if (node.value === null) return 'empty';
  if (typeof node.value === 'string')
    return `the text "${rawText(node.spot).replace(/^["']|["']$/g, '')}"`;
  return `the ${typeof node.value === 'number' ? 'number' : 'truth value'} ${node.value}`;
}
