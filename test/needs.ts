/** What tests need that is not part of the project: tools and data. Where one is missing, the test says so. */

import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { ExecutionContext } from 'ava';

/** `STANDIN_REQUIRE` set means: a test that cannot be run is a failed test. */
export const required = (process.env['STANDIN_REQUIRE'] ?? '') !== '';

/** Tests that take minutes are played in full: `npm run soak`. */
export const thorough = (process.env['STANDIN_SOAK'] ?? '') !== '';

/** The path of a program, or `undefined` after the test has logged that it is missing. */
export function needs(t: ExecutionContext, program: string): string | undefined {
  const found = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, program))
    .find(isExecutable);
  if (found === undefined) missing(t, `${program} is not on PATH`);
  return found;
}

/** Whether sandboxes can be made here, and have the tools; if not, the test has logged why. */
export function needsSandbox(t: ExecutionContext, ...tools: readonly string[]): boolean {
  for (const tool of tools) if (needs(t, tool) === undefined) return false;
  if (tools.includes('wireguard-go') && !canOpen('/dev/net/tun')) {
    missing(t, '/dev/net/tun cannot be opened');
    return false;
  }
  const words = ['-U', '-r', '-n', '-m', '-p', '-i', '-u', '--fork', '--mount-proc', 'true'];
  const { status, stderr, error } = spawnSync('unshare', words, { encoding: 'utf8' });
  if (status !== 0) missing(t, `no namespaces of our own: ${error?.message ?? stderr.trim()}`);
  return status === 0;
}

/** The folder of one part of the corpus, or `undefined` after the test has logged that it is missing. */
export function needsCorpus(t: ExecutionContext, ...parts: string[]): string | undefined {
  const path = join(corpus, ...parts);
  if (existsSync(path)) return path;
  missing(t, `the corpus has no ${join(...parts)} (STANDIN_CORPUS names its folder)`);
  return undefined;
}

const corpus = process.env['STANDIN_CORPUS'] ?? join('..', 'shared', 'corpus');

/** The test says what it would need, and fails only where everything is required. */
export function missing(t: ExecutionContext, what: string): undefined {
  if (required) t.fail(`${what}, and STANDIN_REQUIRE is set`);
  else {
    t.log(`not checked: ${what}`);
    t.pass();
  }
}

function canOpen(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
