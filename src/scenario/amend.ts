/**
 * A scenario file with something changed, as a tree: what a file says stays where it stands, and what
 * the change brings has places of its own. So "what if" needs no second file and no text to be cut.
 */
import { SourceText, type Spot } from './place.ts';
import type { Findings } from './problem.ts';
import { type Entry, listOf, type MapNode, mapOf, type Node, readSource } from './source.ts';
import { quote } from './units.ts';

/** One change. Steps count from 1, as they stand in the file, before any change. */
export type Amendment =
  /** `path` as in `--set`: `tenant.sites.hq.vms.sql01.ip`, or from any name that stands once: `sql01.ip`. */
  | { readonly kind: 'set'; readonly path: string; readonly value: string }
  /** `step` in YAML: `fault: { mend: lan10 }`. Before a step one behind the last means: at the end. */
  | { readonly kind: 'insert'; readonly before: number; readonly step: string }
  | { readonly kind: 'omit'; readonly step: number }
  /** Nothing after this step happens. */
  | { readonly kind: 'cut'; readonly after: number };

/** What the places of changes have for a file. */
export const amendedFile = (amendment: Amendment): string =>
  amendment.kind === 'set' ? `--set ${amendment.path}` : 'a step put in';

/** The tree with all changes. What cannot be changed goes to `findings`. */
export function amend(
  tree: MapNode,
  amendments: readonly Amendment[],
  findings: Findings,
): MapNode {
  let amended = tree;
  for (const one of amendments) if (one.kind === 'set') amended = set(amended, one, findings);
  return amendments.some(({ kind }) => kind !== 'set')
    ? withSteps(amended, amendments, findings)
    : amended;
}

/** Where a value stands in the file, by the same path; undefined where nothing stands there. */
export function spotOf(tree: MapNode, path: string): Spot | undefined {
  let node: Node | undefined = tree;
  for (const key of keysTo(tree, path) ?? []) {
    if (node?.kind !== 'map') return undefined;
    node = node.entries.get(key)?.value;
  }
  return node === tree ? undefined : node?.spot;
}

function set(
  tree: MapNode,
  { path, value, ...rest }: Extract<Amendment, { kind: 'set' }>,
  findings: Findings,
): MapNode {
  const source = new SourceText(amendedFile({ path, value, ...rest }), `value: ${value}`);
  const node = readSource(source, findings)?.entries.get('value')?.value;
  if (node === undefined) return tree;
  const keys = keysTo(tree, path);
  if (keys === undefined || keys.length === 0) {
    const hint = 'write the whole path: tenant.sites.hq.vms.sql01.ip';
    findings.add(
      'E103',
      node.spot,
      `${quote(path)} is not the path of one thing in the file`,
      hint,
    );
    return tree;
  }
  return put(tree, keys, node);
}

function put(map: MapNode, [key = '', ...rest]: readonly string[], value: Node): MapNode {
  const old = map.entries.get(key);
  const under = old?.value.kind === 'map' ? old.value : mapOf(new Map(), value.spot);
  const entry: Entry = {
    key,
    keySpot: old?.keySpot ?? value.spot,
    value: rest.length === 0 ? value : put(under, rest, value),
  };
  return mapOf(new Map(map.entries).set(key, entry), map.spot);
}

/** The keys from the root. A path that begins with no key of the root begins with a name that stands once. */
function keysTo(tree: MapNode, path: string): readonly string[] | undefined {
  const keys = path.split('.');
  const [first = ''] = keys;
  if (path === '' || tree.entries.has(first) || topKeys.has(first)) return keys;
  const found = [...pathsTo(tree, first, [])];
  const [only] = found;
  return found.length === 1 ? [...only!, ...keys.slice(1)] : undefined;
}

/** Keys of a scenario that a file may not have yet. */
const topKeys: ReadonlySet<string> = new Set(['seed', 'policies', 'timings', 'links', 'tunnel']);

function* pathsTo(map: MapNode, name: string, before: readonly string[]): Generator<string[]> {
  for (const { key, value } of map.entries.values()) {
    const path = [...before, key];
    if (key === name && value.kind === 'map') yield path;
    if (value.kind === 'map') yield* pathsTo(value, name, path);
  }
}

function withSteps(tree: MapNode, amendments: readonly Amendment[], findings: Findings): MapNode {
  const old = tree.entries.get('steps');
  const items: readonly Node[] = old?.value.kind === 'list' ? old.value.items : [];
  const omitted = new Set<number>();
  let last = items.length;
  const before = new Map<number, Node[]>();
  for (const one of amendments) {
    if (one.kind === 'omit') omitted.add(one.step);
    else if (one.kind === 'cut') last = Math.min(last, one.after);
    else if (one.kind === 'insert') {
      const source = new SourceText(amendedFile(one), one.step);
      const node = readSource(source, findings);
      if (node !== undefined) before.set(one.before, [...(before.get(one.before) ?? []), node]);
    }
  }
  const steps: Node[] = [];
  for (let number = 1; number <= items.length + 1; number += 1) {
    steps.push(...(before.get(number) ?? []));
    const item = items[number - 1];
    if (item !== undefined && number <= last && !omitted.has(number)) steps.push(item);
  }
  const spot = old?.value.spot ?? tree.spot;
  const entry: Entry = {
    key: 'steps',
    keySpot: old?.keySpot ?? tree.spot,
    value: listOf(steps, spot),
  };
  return mapOf(new Map(tree.entries).set('steps', entry), tree.spot);
}
