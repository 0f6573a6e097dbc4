/** The program with one line of it changed: what a rule of the domain is worth shows when it is gone. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { root } from './cli.ts';

export interface Change {
  /** Below `src`, without ending: `failover/adapters`. */
  readonly file: string;
  /** Must be there exactly once, or the change means nothing. */
  readonly from: string;
  readonly to: string;
}

/** @returns The command line of a copy that goes when the test is over. */
export function programWith(t: ExecutionContext, { file, from, to }: Change): string {
  // Inside the project, where imports find its packages.
  const copy = mkdtempSync(join(root, 'dist', 'without-'));
  t.teardown(() => rmSync(copy, { recursive: true, force: true }));
  cpSync(join(root, 'dist', 'src'), join(copy, 'src'), {
    recursive: true,
    filter: (path) => !/\.(d\.ts|map)$/.test(path),
  });
  const path = join(copy, 'src', `${file}.js`);
  const text = readFileSync(path, 'utf8');
  const parts = text.split(from);
  if (parts.length !== 2) throw new Error(`${from} is ${parts.length - 1} times in ${file}`);
  writeFileSync(path, parts.join(to));
  return join(copy, 'src', 'cli', 'main.js');
}
