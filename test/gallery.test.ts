/** What the gallery shows: every assertion of the domain, named where it is expected. */
import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';

const assertions = 38;

/** Not shown by any file yet, and what will. */
const missing: Readonly<Record<string, string>> = {
  A21: '14-tunnel-drop-reconnect',
  A22: '15-gateway-failover-and-pool',
  A24: '17-vcd-networks',
  A25: '18-vlan-mismatch-and-overlap',
  A26: '11-two-tenants-same-subnet',
  A27: '23-full-vs-partial-conflict',
  A28: '22-full-site-failover-nat',
  A29: '22-full-site-failover-nat',
  A31: '21-failback-commit-undo',
  A32: '20-undo-failover',
  A33: '21-failback-commit-undo',
};

/** By assertion, the lines of the gallery that name it in a comment beside what they expect. */
function named(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const file of readdirSync('scenarios').filter((name) => name.endsWith('.yaml'))) {
    const lines = readFileSync(`scenarios/${file}`, 'utf8').split('\n');
    for (const [i, line] of lines.entries()) {
      const [, code, comment] = /^(.*\S.*) # (.*)$/.exec(line) ?? [];
      if (code === undefined || comment === undefined) continue;
      for (const [assertion] of comment.matchAll(/\bA\d+\b/g))
        found.set(assertion, [...(found.get(assertion) ?? []), `${file}:${i + 1}`]);
    }
  }
  return found;
}

test('every assertion of the domain is named beside an expectation, but for those that are still missing', (t) => {
  const found = named();
  const all = Array.from({ length: assertions }, (_, i) => `A${i + 1}`);
  t.deepEqual(
    all.filter((assertion) => !found.has(assertion) && !Object.hasOwn(missing, assertion)),
    [],
  );
  t.log(
    'no longer missing:',
    Object.keys(missing)
      .filter((assertion) => found.has(assertion))
      .join(),
  );
  t.deepEqual(
    [...found.keys()].filter((assertion) => !all.includes(assertion)),
    [],
    'and no other',
  );
});
