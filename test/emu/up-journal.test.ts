/** A lab that keeps a journal is killed in the middle of a failover: the next one finishes it, and does nothing twice. */
import { join } from 'node:path';
import test from 'ava';
import { needsSandbox } from '../needs.ts';
import { inBox } from '../support/box.ts';
import type { Takeover } from './up-journal-inside.ts';

interface Command {
  readonly kind: string;
  readonly id: number;
}

/** Commands that were given, and answers to them, in the order of the journal. */
function commandsIn(records: readonly string[]): { given: Command[]; done: number[] } {
  const all = records.map((text) => JSON.parse(text));
  return {
    given: all.flatMap(({ decided }) => decided ?? []).filter(({ id }) => id !== undefined),
    done: all.flatMap(({ told }) => (told?.kind === 'done' ? [told.id] : [])),
  };
}

const count = (records: readonly string[], text: string): number =>
  records.filter((record) => record.includes(text)).length;

test('SIGKILL in the middle of a failover: "up --journal" finishes it, and nothing is done twice', async (t) => {
  if (!needsSandbox(t)) return;
  t.timeout(10 * 60_000);
  const script = join(import.meta.dirname, 'up-journal-inside.js');
  const rounds = JSON.parse(await inBox(script, [])) as Takeover[];
  t.deepEqual(
    rounds.map(({ victim }) => victim),
    ['keeper', 'sandbox'],
  );
  for (const { victim, before, after, first, status, code, complaints } of rounds) {
    t.is(first, '', victim);
    t.is(complaints, '', victim);
    t.is(count(before, '"kind":"finish"'), 0, victim);
    // What was written stays, and what was done is not told again.
    t.deepEqual(after.slice(0, before.length), before, victim);
    t.is(count(after, '"kind":"order"'), 1, victim);
    t.is(count(after, '"kind":"finish"'), 1, victim);
    const { given, done } = commandsIn(after);
    const kinds = given.map(({ kind }) => kind);
    t.deepEqual(
      kinds,
      [
        'revert-snapshot',
        'create-delta',
        'power-on-replica',
        'power-on-provider-appliance',
        'start-vpn-server',
        'configure-proxy',
        'hold-replication',
        'power-on-tenant-appliance',
        'start-vpn-client',
        'configure-proxy',
      ],
      victim,
    );
    t.deepEqual(
      done,
      given.map(({ id }) => id),
      victim,
    );
    t.true(commandsIn(before).done.length < done.length, victim);
    // And it is so: what stood before stands again, and what came later as well.
    const powers = new Map(status?.machines.map(({ name, power }) => [name, power]));
    const wanted = { sql01: 'off', 'sql01-replica': 'on', 'nea-hq': 'on', 'sp-nea': 'on' };
    for (const [name, power] of Object.entries(wanted)) t.is(powers.get(name), power, name);
    t.true(
      status?.tunnels.every(({ state }) => state === 'up'),
      JSON.stringify(status?.tunnels),
    );
    t.is(code, 0, victim);
  }
});
