/** What tshark says of a capture: an opinion of our frames that is not ours. */
import { spawnSync } from 'node:child_process';
import type { ExecutionContext } from 'ava';
import { showHex } from '../../src/base/bytes.ts';
import type { SecurityAssociation } from '../../src/stack/ipsec/association.ts';
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

/** Options with which tshark opens ESP and verifies its check values. */
export function espKeys(associations: readonly SecurityAssociation[]): string[] {
  const keys = associations.map(({ spi, key, salt }) => {
    const fields = [
      'IPv4',
      '*',
      '*',
      `0x${spi.toString(16)}`,
      'AES-GCM with 16 octet ICV [RFC4106]',
      `0x${showHex(key)}${showHex(salt)}`,
      'NULL',
      '',
    ];
    return `uat:esp_sa:${fields.map((field) => `"${field}"`).join(',')}`;
  });
  return [
    'esp.enable_encryption_decode:TRUE',
    'esp.enable_authentication_check:TRUE',
    ...keys,
  ].flatMap((option) => ['-o', option]);
}
