/** Real files, a real process, a real SIGKILL: at forty points of a life. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { folderWith } from '../support/cli.ts';
import { World } from './crash.ts';
import { live, observations, type Story, stories, vms } from './life.ts';

const title = 'planned failover, failback that is undone, failback that is committed';
const story: Story = stories[title]!;
const points = 40;

function victim(t: ExecutionContext, last?: number) {
  const world = new World(vms, story.originals, story.refuses);
  const folder = folderWith(t, { 'world.json': JSON.stringify(world), acknowledged: '0' });
  const script = join(import.meta.dirname, 'journal-victim.js');
  const args = [script, folder, title, ...(last === undefined ? [] : [String(last)])];
  const { signal, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return { folder, signal, stdout, stderr };
}

/** Goes on in this process with what the files say. */
function outcome(folder: string, text: () => string): string {
  const world = World.from(readFileSync(join(folder, 'world.json'), 'utf8'), story.refuses);
  const { status, doubts } = live(
    story,
    join(folder, 'journal'),
    {
      look: (command) => world.look(command),
      perform: (command) => world.perform(command),
      acknowledged: () => {},
    },
    text,
  );
  const { complaints } = world;
  return JSON.stringify({ status, doubts, complaints, world: world.state() });
}

test('killed at forty points of its life', (t) => {
  const whole = victim(t);
  t.is(whole.signal, null, whole.stderr);
  const most = Number(whole.stdout);
  t.true(most > 10 * points);
  const journal = (folder: string) => () => readFileSync(join(folder, 'journal'), 'latin1');
  const wanted = outcome(whole.folder, journal(whole.folder));
  t.regex(wanted, /"complaints":\[\]/);
  for (let i = 0; i < points; i += 1) {
    // From the first to the last, and each in another part of what a step consists of.
    const last = 1 + Math.round((i * (most - 1)) / (points - 1));
    const { folder, signal, stderr } = victim(t, last);
    if (signal !== 'SIGKILL') t.fail(`it did not die at ${last}: ${stderr}`);
    const known = Number(readFileSync(join(folder, 'acknowledged'), 'utf8'));
    const end = outcome(folder, journal(folder));
    if (end !== wanted) t.is(end, wanted, `killed at ${last} of ${most}`);
    t.true(observations(journal(folder)()) >= known);
  }
  t.log(`${points} of ${most} moments`);
});
