/**
 * The controller is killed before and after every write, sync, rename and act of its life, with each
 * write cut short and each act broken off, and by power failures. Nothing here is drawn by lot.
 */
import test, { type ExecutionContext } from 'ava';
import { failover, undo } from '../failover/rig.ts';
import { MemoryDisk, Moments, notTwice, successive, World } from './crash.ts';
import { type End, live, type Sites, type Story, stories, vms } from './life.ts';

const path = 'labs/journal';
/** A life that is short enough for all that can happen twice. */
const one: Story['batches'][number] = [
  { kind: 'order', order: failover('sql01') },
  { kind: 'order', order: undo('sql01') },
];
const text = (disk: MemoryDisk) => (): string => Buffer.from(disk.bytes(path)).toString('latin1');

/** What is left of a moment: the disk, the world, and what the user knows. */
interface Left {
  readonly disk: MemoryDisk;
  readonly world: World;
  readonly acknowledged: number;
}

const first = (story: Story): Left => ({
  disk: new MemoryDisk(),
  world: new World(vms, story.originals, story.refuses),
  acknowledged: 0,
});

/** One process, from what another has left to the end. */
function play(
  story: Story,
  { disk, world, acknowledged }: Left,
  onMoment?: (name: string, moment: string, left: Left) => void,
  everyByte = false,
): End {
  let known = acknowledged;
  const moments = new Moments((name, moment) =>
    onMoment?.(name, moment, { disk, world, acknowledged: known }),
  );
  const sites: Sites = {
    look: (command) => world.look(command),
    perform: (command) => {
      const breakOff = (): (() => void) => {
        world.half = command.id;
        return () => world.tidyUp();
      };
      const parts = notTwice.has(command.kind) ? [breakOff] : [];
      return moments.do('act', () => world.perform(command), parts);
    },
    acknowledged: (count) => {
      // Nothing that the user was told of is ever lost.
      if (count < known) throw new Error(`${known} were acknowledged, and ${count} are known`);
      known = count;
    },
  };
  const files = disk.files(moments, everyByte);
  return live(story, path, sites, text(disk), { files, processes: successive() });
}

interface Tally {
  recoveries: number;
  stops: number;
}

/** What follows a death: the same end, or a stop that says what to look at, and then the same end. */
function recover(
  t: ExecutionContext,
  story: Story,
  left: Left,
  wanted: string,
  tally: Tally,
): void {
  const { disk, world, acknowledged } = left;
  const broken = world.half;
  tally.recoveries += 1;
  let end = play(story, { disk, world, acknowledged });
  if (broken !== undefined) {
    tally.stops += 1;
    if (end.doubts.length !== 1 || end.doubts[0]!.command.id !== broken)
      t.fail(`command ${broken} was broken off, and nobody stopped`);
    world.tidyUp();
    end = play(story, { disk, world, acknowledged });
  }
  if (end.doubts.length > 0) t.fail(`${end.doubts[0]!.lookAt}, though nothing was broken off`);
  if (outcome(end, world) !== wanted) t.is(outcome(end, world), wanted);
  if (world.complaints.length > 0) t.deepEqual(world.complaints, []);
}

const outcome = (end: End, world: World): string =>
  JSON.stringify({ status: end.status, world: world.state() });

for (const [title, story] of Object.entries(stories))
  test(`killed before and after everything: ${title}`, (t) => {
    const undisturbed = first(story);
    const wanted = outcome(play(story, undisturbed), undisturbed.world);
    t.deepEqual(undisturbed.world.complaints, []);
    const tally = { recoveries: 0, stops: 0 };
    const names = new Map<string, number>();
    play(story, first(story), (name, moment, { disk, world, acknowledged }) => {
      if (moment === 'before') names.set(name, (names.get(name) ?? 0) + 1);
      const left = { disk: disk.clone(), world: world.clone(), acknowledged };
      recover(t, story, left, wanted, tally);
      if (moment === 'part' || moment === 'during') return; // to the disk that is as before
      const dark = { disk: disk.clone('power failure'), world: world.clone(), acknowledged };
      recover(t, story, dark, wanted, tally);
    });
    for (const name of ['create', 'write', 'sync', 'rename', 'sync folder', 'note', 'act'])
      t.true((names.get(name) ?? 0) > 0, `no ${name} in it`);
    const points = [...names].map(([name, count]) => `${count} ${name}`).join(', ');
    t.log(`${points}; ${tally.recoveries} recoveries, ${tally.stops} of them stopped first`);
  });

test('killed again while it takes over', (t) => {
  const story = { ...stories['failover of three, undone one after the other']!, batches: [one] };
  const undisturbed = first(story);
  const wanted = outcome(play(story, undisturbed), undisturbed.world);
  const tally = { recoveries: 0, stops: 0 };
  play(story, first(story), (_, before, left) => {
    if (before === 'before') return; // as good as after what came before it
    if (left.world.half !== undefined) return;
    const copy = (after: 'kill' | 'power failure', { disk, world, acknowledged }: Left): Left => ({
      disk: disk.clone(after),
      world: world.clone(),
      acknowledged,
    });
    let moments = 0;
    play(story, copy('kill', left), (_name, _moment, again) => {
      // Up to its first acts: from there on it is a life like any other.
      if ((moments += 1) > 30) return;
      recover(t, story, copy('kill', again), wanted, tally);
      recover(t, story, copy('power failure', again), wanted, tally);
    });
  });
  t.true(tally.recoveries > 1000);
  t.log(`${tally.recoveries} second recoveries`);
});

test('each write of a whole life is cut at each of its bytes', (t) => {
  const story = { ...stories['failover of three, undone one after the other']!, batches: [one] };
  const undisturbed = first(story);
  const wanted = outcome(play(story, undisturbed), undisturbed.world);
  const tally = { recoveries: 0, stops: 0 };
  play(
    story,
    first(story),
    (_, moment, { disk, world, acknowledged }) => {
      if (moment !== 'part') return;
      const left = { disk: disk.clone(), world: world.clone(), acknowledged };
      recover(t, story, left, wanted, tally);
    },
    true,
  );
  t.true(tally.recoveries > 1000);
  t.log(`${tally.recoveries} bytes`);
});
