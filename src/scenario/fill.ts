/**
 * Fills variables in, `${lease}` and `${count:-9}`, and unfolds ranges in keys, `net{01..10}`: from
 * the tree of a file to that of one case. `$${` stands for `${` itself.
 */

import { merge } from './extend.ts';
import type { Spot } from './place.ts';
import { within } from './place.ts';
import { didYouMean, type Findings } from './problem.ts';
import type { MatrixValue } from './scalars.ts';
import { type Entry, listOf, type MapNode, mapOf, type Node, type ScalarNode } from './source.ts';
import { quote } from './units.ts';

export interface Filling {
  readonly variables: ReadonlyMap<string, MatrixValue>;
  /** Names of the variables that came to use, for the caller to look at afterwards. */
  readonly used: Set<string>;
  readonly findings: Findings;
}

/** Keys that say how a file is put together, and so cannot depend on it. */
const untouched = new Set(['matrix', 'extends']);
const rangeMax = 1000;
const valueRange = /\{(\d{1,6})\.\.(\d{1,6})\}/g;

export function fillIn(tree: MapNode, filling: Filling): MapNode {
  const entries = new Map<string, Entry>();
  for (const [key, entry] of tree.entries) {
    entries.set(
      key,
      untouched.has(key) ? entry : { ...entry, value: fillNode(entry.value, filling) },
    );
  }
  return mapOf(entries, tree.spot);
}

function fillNode(node: Node, filling: Filling): Node {
  switch (node.kind) {
    case 'scalar':
      return fillScalar(node, filling);
    case 'list': {
      const items = node.items.map((item) => fillNode(item, filling));
      return items.every((item, i) => item === node.items[i]) ? node : listOf(items, node.spot);
    }
    case 'map':
      return fillMap(node, filling);
  }
}

function fillScalar(node: ScalarNode, filling: Filling): ScalarNode {
  if (typeof node.value !== 'string' || !node.value.includes('$')) return node;
  const value = fillText(node.value, node.spot, filling);
  if (value === undefined) return { ...node, failed: true };
  return value === node.value ? node : { ...node, value, filled: true };
}

/**
 * A text that is one variable and nothing else takes over its value, number or not. Undefined if
 * something could not be filled in.
 */
function fillText(
  text: string,
  spot: Spot,
  { variables, used, findings }: Filling,
): MatrixValue | undefined {
  let failed = false;
  const alone = /^\$\{([a-z][a-z0-9_]*)\}$/.exec(text);
  if (alone !== null) {
    const value = variables.get(alone[1]!);
    if (value !== undefined) {
      used.add(alone[1]!);
      return value;
    }
  }
  const filled = text.replace(
    /\$\$\{|\$\{([^{}]*)(\}?)/g,
    (found, inner: string | undefined, end, at) => {
      if (inner === undefined) return '${';
      const here = within(spot, text.length === spot.end - spot.start ? at : at + 1, found.length);
      const match = /^([a-z][a-z0-9_]*)(?::-(.*))?$/.exec(inner);
      if (match === null || end !== '}') {
        const hint = `write \${name} or \${name:-default}`;
        findings.add('E112', here, `${quote(found)} is not a variable`, hint);
        failed = true;
        return '';
      }
      const [, name, fallback] = match;
      const value = variables.get(name!);
      if (value !== undefined) used.add(name!);
      else if (fallback === undefined) {
        const hint = didYouMean(name!, variables.keys()) ?? 'the matrix would have to define it';
        findings.add('E112', here, `unknown variable ${quote(name!)}`, hint);
        failed = true;
      }
      return String(value ?? fallback ?? '');
    },
  );
  return failed ? undefined : filled;
}

function fillMap(node: MapNode, filling: Filling): MapNode {
  const entries = new Map<string, Entry>();
  const exact: Entry[] = [];
  let changed = false;
  for (const entry of node.entries.values()) {
    const value = fillNode(entry.value, filling);
    const text = entry.key.includes('$') ? fillText(entry.key, entry.keySpot, filling) : entry.key;
    if (text === undefined) {
      changed = true;
      continue;
    }
    const key = String(text);
    const names = key.includes('..') ? unfold(key, entry, filling.findings) : undefined;
    changed ||= value !== entry.value || key !== entry.key || names !== undefined;
    if (names === undefined) exact.push({ ...entry, key, value });
    names?.forEach((name, i) => {
      const own = pick(value, i, names.length);
      add(entries, { ...entry, key: name, value: own }, filling.findings);
    });
  }
  if (!changed) return node;
  // What a range says of each is a default for those that are also named on their own.
  const own = new Set<string>();
  for (const entry of exact) {
    const before = entries.get(entry.key);
    if (own.has(entry.key)) add(entries, entry, filling.findings);
    else if (before?.value.kind === 'map' && entry.value.kind === 'map') {
      entries.set(entry.key, { ...entry, value: merge(before.value, entry.value) });
    } else entries.set(entry.key, entry);
    own.add(entry.key);
  }
  return mapOf(entries, node.spot);
}

function add(entries: Map<string, Entry>, entry: Entry, findings: Findings): void {
  if (entries.has(entry.key))
    findings.add('E108', entry.keySpot, `${quote(entry.key)} comes twice`);
  else entries.set(entry.key, entry);
}

/**
 * The value for one name of a range: `10.0.10.{11..20}` beside ten names is another address for
 * each. Of ranges within ranges the nearest with so many names is meant.
 */
function pick(node: Node, i: number, count: number): Node {
  switch (node.kind) {
    case 'scalar': {
      if (typeof node.value !== 'string' || !node.value.includes('..')) return node;
      const value = node.value.replace(valueRange, (range, first: string, last: string) => {
        const fits = Number(last) - Number(first) + 1 === count;
        return fits ? String(Number(first) + i).padStart(first.length, '0') : range;
      });
      return value === node.value ? node : { ...node, value, filled: true };
    }
    case 'list': {
      const items = node.items.map((item) => pick(item, i, count));
      return items.every((item, at) => item === node.items[at]) ? node : listOf(items, node.spot);
    }
    case 'map': {
      let changed = false;
      const entries = new Map<string, Entry>();
      for (const [key, entry] of node.entries) {
        const value = pick(entry.value, i, count);
        changed ||= value !== entry.value;
        entries.set(key, { ...entry, value });
      }
      return changed ? mapOf(entries, node.spot) : node;
    }
  }
}

/** `net{08..10}` becomes net08, net09, net10: as wide as the first number is written. */
function unfold(key: string, entry: Entry, findings: Findings): string[] | undefined {
  const match = /^([^{}]*)\{(\d{1,6})\.\.(\d{1,6})\}([^{}]*)$/.exec(key);
  if (match === null) {
    if (!key.includes('{')) return undefined;
    findings.add(
      'E113',
      entry.keySpot,
      `${quote(key)} is not a range`,
      'write it like net{01..10}',
    );
    return [];
  }
  const [, before, first, last, behind] = match;
  const count = Number(last) - Number(first) + 1;
  if (count < 1 || count > rangeMax) {
    const why = count < 1 ? 'ends before it begins' : `has more than ${rangeMax} names`;
    findings.add('E113', entry.keySpot, `the range ${quote(key)} ${why}`);
    return [];
  }
  return Array.from({ length: count }, (_, i) => {
    const number = String(Number(first) + i).padStart(first!.length, '0');
    return `${before}${number}${behind}`;
  });
}
