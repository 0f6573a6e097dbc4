/** Whoever is killed, and whenever: nothing is left of a lab. */
import { join } from 'node:path';
import test from 'ava';
import { needsSandbox } from '../needs.ts';
import { inBox } from '../support/box.ts';
import { changes, hostState } from '../support/host.ts';
import type { Crashes } from './crash-inside.ts';

/** `npm run soak` kills a hundred times. */
const kills = Number(process.env['STANDIN_KILLS'] ?? 9);

test('SIGKILL of the keeper, of unshare, of the first process, at any instant: nothing is left', async (t) => {
  if (!needsSandbox(t)) return;
  t.timeout(30 * 60_000);
  // Others use the folders of the computer itself, and neighbours come and go.
  const shared = ['/run', '/tmp', 'neighbours', 'mounts'];
  const before = hostState();
  const script = join(import.meta.dirname, 'crash-inside.js');
  const crashes = JSON.parse(await inBox(script, [String(kills), '4'])) as Crashes;
  t.deepEqual(crashes.left, []);
  t.deepEqual(changes(before, hostState(), shared), []);
  const sum = Object.values(crashes.kills).reduce((total, one) => total + one, 0);
  t.is(sum, kills);
  t.log(
    `${sum} kills, ${crashes.early} of them while the lab was being built: nothing left after ${crashes.slowest} ms at worst`,
  );
});
