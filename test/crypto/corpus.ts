/** Where the corpus is, and what to do without it. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ExecutionContext } from 'ava';

// Compiled to `dist/test/crypto`, three folders below the root.
const root = resolve(import.meta.dirname, '..', '..', '..');
const corpus = process.env['STANDIN_CORPUS'] ?? resolve(root, '..', 'shared', 'corpus');

/** A file of the corpus. Where there is none the test says so and passes, unless the corpus is required. */
export function fromCorpus(t: ExecutionContext, path: string): Buffer | undefined {
  const file = join(corpus, path);
  if (existsSync(file)) return readFileSync(file);
  if (process.env['STANDIN_REQUIRE']) t.fail(`${path} is not in the corpus`);
  else {
    t.log(`skipped: ${path} is not in the corpus`);
    t.pass();
  }
  return undefined;
}
