/** What tshark says of a capture: an opinion of our frames that is not ours. */
import { spawnSync } from 'node:child_process';
import type { ExecutionContext } from 'ava';
import { needs } from '../needs.ts';

/** Lines of tab-separated fields; undefined, after the test has said so, where there is no tshark. */
export function tshark(
  t: ExecutionContext,
  file: string,
  fields: readonly string[],
  filter?: string,
  options: readonly string[] = [],
): string[][] | undefined {
  const program = needs(t, 'tshark');
  if (program === undefined) return undefined;
  const args = ['-r', file, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
  const only = filter === undefined ? [] : ['-Y', filter];
  const { stdout, stderr, status } = spawnSync(program, [...args, ...only, ...options], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  t.is(status, 0, stderr);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
}
