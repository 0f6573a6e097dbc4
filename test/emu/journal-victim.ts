/**
 * Plays a story with a journal in real files and a world in another, and dies on the way: `node
 * journal-victim.js FOLDER STORY COUNT`, where the COUNTth end of a write, sync, rename or act is
 * its last, or without one tells how many there are.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Files, nodeFiles } from '../../src/emu/files.ts';
import { World } from './crash.ts';
import { live, stories } from './life.ts';

const [folder = '', title = '', last = '0'] = process.argv.slice(2);
let count = 0;

function moment(): void {
  count += 1;
  if (count === Number(last)) process.kill(process.pid, 'SIGKILL');
}

const counted =
  <Args extends unknown[], Result>(act: (...args: Args) => Result) =>
  (...args: Args): Result => {
    const result = act(...args);
    moment();
    return result;
  };

const files: Files = {
  ...nodeFiles,
  create: counted(nodeFiles.create),
  // Half of it, and then the rest: a process may die in between.
  write: counted((file, bytes) =>
    nodeFiles.write(file, bytes.subarray(0, Math.max(bytes.length >> 1, 100))),
  ),
  sync: counted(nodeFiles.sync),
  rename: counted(nodeFiles.rename),
  syncFolder: counted(nodeFiles.syncFolder),
  leaveNote: counted(nodeFiles.leaveNote),
  remove: counted(nodeFiles.remove),
};

const story = stories[title]!;
const world = World.from(readFileSync(join(folder, 'world.json'), 'utf8'), story.refuses);
const keep = (name: string, text: string): void => {
  writeFileSync(join(folder, `${name}.new`), text);
  renameSync(join(folder, `${name}.new`), join(folder, name));
};
live(
  story,
  join(folder, 'journal'),
  {
    look: (command) => world.look(command),
    perform: (command) => {
      moment();
      const ok = world.perform(command);
      keep('world.json', JSON.stringify(world));
      moment();
      return ok;
    },
    acknowledged: (known) => keep('acknowledged', String(known)),
  },
  () => readFileSync(join(folder, 'journal'), 'latin1'),
  { files },
);
console.log(count);
