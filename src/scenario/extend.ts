/**
 * `extends`: a file starts from another. Maps merge by key, everything else is replaced, and every
 * value goes on knowing the file that it came from. Nothing is read here: `load` is handed in, and
 * paths are only compared as text; whoever loads must see to it that no link leads outside.
 */
import { extendsShape } from './format.ts';
import { type Place, placeOf, SourceText } from './place.ts';
import type { Findings } from './problem.ts';
import { type Entry, type MapNode, mapOf, type Node, readSource } from './source.ts';
import { quote } from './units.ts';

/** What `load` returns where there is no text to return. */
export class Unreadable {
  /** For the message, such as "no such file". */
  readonly why: string;

  constructor(why: string) {
    this.why = why;
  }
}

export type Load = (path: string) => string | Unreadable;

const chainMax = 8;

/** A file with everything that it extends, merged. Also says how many files were read. */
export function readExtended(
  root: string,
  load: Load,
  findings: Findings,
): { readonly tree: MapNode | undefined; readonly files: readonly SourceText[] } {
  const files: SourceText[] = [];
  const fence = fenceOf(root);

  function read(
    path: string,
    includedFrom: readonly Place[],
    chain: readonly string[],
    from?: Entry,
  ): MapNode | undefined {
    const text = load(path);
    if (text instanceof Unreadable) {
      if (from === undefined) {
        findings.add(
          'E100',
          { source: new SourceText(path, ''), start: 0, end: 0 },
          `cannot read the file: ${text.why}`,
        );
      } else {
        findings.add('E110', from.value.spot, `cannot read ${path}: ${text.why}`);
      }
      return undefined;
    }
    const source = new SourceText(path, text, files.length, includedFrom);
    files.push(source);
    const tree = readSource(source, findings);
    const entry = tree?.entries.get('extends');
    if (tree === undefined || entry === undefined) return tree;
    const base = extendsShape.read(entry.value, 'extends', findings);
    const target = base && resolvePath(path, base.value, fence);
    if (base === undefined || target === undefined) return undefined;
    if (typeof target !== 'string') {
      findings.add('E217', base.spot, target.why, target.hint);
      return undefined;
    }
    if ([...chain, path].includes(target)) {
      const round = [...chain, path, target].join(' -> ');
      findings.add('E110', base.spot, `these files extend each other in a circle: ${round}`);
      return undefined;
    }
    if (chain.length + 1 >= chainMax) {
      findings.add('E110', base.spot, `more than ${chainMax} files extend one another`);
      return undefined;
    }
    const under = read(target, [placeOf(base.spot), ...includedFrom], [...chain, path], entry);
    return under === undefined ? undefined : merge(under, tree);
  }

  const tree = read(root, [], []);
  return { tree, files };
}

/** Maps by key, in the order of the lower one; everything else is taken from the upper one. */
export function merge(lower: MapNode, upper: MapNode): MapNode {
  const entries = new Map(lower.entries);
  for (const [key, entry] of upper.entries) {
    const under: Node | undefined = entries.get(key)?.value;
    const both = under?.kind === 'map' && entry.value.kind === 'map';
    entries.set(key, both ? { ...entry, value: merge(under, entry.value) } : entry);
  }
  return mapOf(entries, upper.spot);
}

/** The folder that all files must lie in: that of the first file, or `scenarios` if it lies there. */
function fenceOf(root: string): string {
  const folder = folderOf(root);
  const parent = folderOf(folder);
  return lastOf(parent) === 'scenarios' && lastOf(folder) !== '..' ? parent : folder;
}

const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
const lastOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** The path that `target` means in the file at `from`, or why it may not be followed. */
function resolvePath(
  from: string,
  target: string,
  fence: string,
): string | { readonly why: string; readonly hint: string } {
  const hint = 'a path such as ./base.yaml, relative to this file';
  if (!/^[A-Za-z0-9_. /-]+\.ya?ml$/.test(target) || target.startsWith('/')) {
    return { why: `${quote(target)} is not a path to a scenario file`, hint };
  }
  const parts = folderOf(from) === '' && !from.startsWith('/') ? [] : folderOf(from).split('/');
  for (const part of target.split('/')) {
    if (part === '' || part === '.') continue;
    const last = parts.at(-1);
    if (part !== '..') parts.push(part);
    else if (last === undefined || last === '..' || last === '.') parts.push('..');
    else parts.pop();
  }
  const path = parts.join('/');
  const inside =
    fence === '' ? !path.startsWith('..') && !path.startsWith('/') : path.startsWith(`${fence}/`);
  const clean = inside && !path.slice(fence.length).split('/').includes('..');
  if (clean) return path;
  return { why: `${quote(target)} leads outside of ${fence || 'this folder'}`, hint };
}
