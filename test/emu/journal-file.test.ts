/** The journal in real files, and on disks that refuse. */

import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Instant, labStart, seconds } from '../../src/base/time.ts';
import { type Files, linuxProcesses, nodeFiles, type Processes } from '../../src/emu/files.ts';
import { lockJournal, openJournal } from '../../src/emu/journal-file.ts';
import { isCommand } from '../../src/failover/decision.ts';
import { JournalError, JournaledController } from '../../src/failover/journal.ts';
import { configuration, failover } from '../failover/rig.ts';
import { folderWith } from '../support/cli.ts';
import { MemoryDisk, Moments, successive } from './crash.ts';

const at = (n: number): Instant => seconds(n) as number as Instant;
const due = { kind: 'replication-due', vm: 'sql01' } as const;

/** A journal with a few records, closed again. */
function written(t: ExecutionContext): string {
  const path = join(folderWith(t), 'journal');
  const journal = openJournal(path, configuration());
  const machine = new JournaledController(configuration(), journal);
  machine.handle({ kind: 'order', order: failover('sql01') }, at(1));
  machine.handle({ kind: 'done', id: 1 }, at(2));
  machine.handle({ kind: 'done', id: 2 }, at(3));
  journal.close();
  return path;
}

const openOn = (disk: MemoryDisk) =>
  openJournal('labs/journal', configuration(), {
    files: disk.files(new Moments()),
    processes: successive(),
  });

/** Says which file, and why. */
function refused(t: ExecutionContext, path: string, why: RegExp, act: () => unknown): void {
  const error = t.throws(act, { instanceOf: JournalError, message: why });
  t.true(error?.message.startsWith(`${path}: `), error?.message);
}

test('a journal is for its owner alone, and begins in one piece', (t) => {
  const path = written(t);
  t.is(lstatSync(path).mode & 0o777, 0o600);
  t.false(existsSync(`${path}.new`));
  t.regex(readFileSync(path, 'latin1'), /^[\da-f ]{27}\{"journal":1,"configuration":\{/);
});

test('the next controller goes on where the last one was', (t) => {
  const path = written(t);
  const { past } = openJournal(path, configuration());
  t.is(past?.at, at(3));
  t.deepEqual(
    past?.unanswered.map(({ kind }) => kind),
    ['power-on-replica'],
  );
});

test('an empty journal is no past', (t) => {
  const path = join(folderWith(t), 'journal');
  openJournal(path, configuration()).close();
  t.is(openJournal(path, configuration()).past, undefined);
});

test('a last record that was cut off is taken away, and the journal can be written again', (t) => {
  const path = written(t);
  const whole = readFileSync(path);
  writeFileSync(path, whole.subarray(0, -1));
  const journal = openJournal(path, configuration());
  t.is(journal.past?.unsaid?.length, 2); // a notice and a command, which nobody can have heard of
  new JournaledController(configuration(), journal).takeUp(() => 'done');
  t.deepEqual(readFileSync(path), whole);
});

test('zeros at the end, as a power failure leaves them, are no record', (t) => {
  const path = written(t);
  const whole = readFileSync(path);
  writeFileSync(path, Buffer.concat([whole, Buffer.alloc(5000)]));
  t.is(openJournal(path, configuration()).past?.at, at(3));
  t.deepEqual(readFileSync(path), whole);
});

test('a journal with a flipped byte anywhere is refused, and not changed', (t) => {
  const disk = new MemoryDisk();
  const open = () => openOn(disk);
  const machine = new JournaledController(configuration(), open());
  machine.handle({ kind: 'order', order: failover('sql01') }, labStart);
  const bytes = disk.bytes('labs/journal');
  for (let i = 0; i < bytes.length; i += 1) {
    bytes[i]! ^= 0xff;
    const error = t.throws(open, { instanceOf: JournalError });
    if (!/^labs\/journal: it is damaged in record \d, at byte \d+$/.test(error?.message ?? ''))
      t.fail(`byte ${i}: ${error?.message}`);
    bytes[i]! ^= 0xff;
  }
  t.notThrows(open);
});

test('the journal of another scenario, of another version or of nobody is refused', (t) => {
  const path = written(t);
  const other = configuration({ missingAppliance: 'fail' });
  refused(t, path, /another scenario/, () => openJournal(path, other));
  writeFileSync(path, 'name: a scenario\n');
  refused(t, path, /damaged in record 1/, () => openJournal(path, configuration()));
  writeFileSync(path, '');
  refused(t, path, /damaged in record 1/, () => openJournal(path, configuration()));
});

test('a clock that goes back ends it', (t) => {
  const path = join(folderWith(t), 'journal');
  const journal = openJournal(path, configuration());
  const machine = new JournaledController(configuration(), journal);
  machine.handle(due, at(5));
  refused(t, path, /the clock goes back from 5s to 4s/, () => machine.handle(due, at(4)));
  refused(t, path, /the clock goes back/, () => machine.handle(due, at(6)));
});

// What must not be followed or waited for

test('a symbolic link, a pipe or a folder is no journal', (t) => {
  const path = written(t);
  const folder = folderWith(t);
  symlinkSync(path, join(folder, 'link'));
  refused(t, join(folder, 'link'), /symbolic link/, () =>
    openJournal(join(folder, 'link'), configuration()),
  );
  mkdirSync(join(folder, 'folder'));
  refused(t, join(folder, 'folder'), /is a folder/, () =>
    openJournal(join(folder, 'folder'), configuration()),
  );
  symlinkSync('/nowhere', join(folder, 'young.new')); // is taken away, not followed
  t.notThrows(() => openJournal(join(folder, 'young'), configuration()));
});

test('a folder that is not there', (t) => {
  const path = join(folderWith(t), 'nowhere', 'journal');
  refused(t, path, /its folder does not exist/, () => openJournal(path, configuration()));
});

test('a folder that may not be written', (t) => {
  if (process.getuid?.() === 0) {
    const path = '/proc/self/journal'; // nobody may, not even root
    refused(t, path, /does not exist|may not be written/, () => openJournal(path, configuration()));
    return;
  }
  const folder = folderWith(t);
  chmodSync(folder, 0o500);
  const path = join(folder, 'journal');
  refused(t, path, /may not be written/, () => openJournal(path, configuration()));
});

for (const [code, why] of [
  ['EROFS', /read-only/],
  ['EACCES', /may not be written/],
  ['EIO', /the machine says EIO/],
] as const)
  test(`a disk that says ${code}`, (t) => {
    const path = join(folderWith(t), 'journal');
    const fail = (): never => {
      throw Object.assign(new Error(), { code });
    };
    for (const what of ['leaveNote', 'create', 'write', 'sync', 'rename', 'syncFolder'] as const)
      refused(t, path, why, () =>
        openJournal(path, configuration(), { files: { ...nodeFiles, [what]: fail } }),
      );
    let works = true;
    const sync = (file: number): void => (works ? nodeFiles.sync(file) : fail());
    const journal = openJournal(path, configuration(), { files: { ...nodeFiles, sync } });
    const machine = new JournaledController(configuration(), journal);
    works = false;
    refused(t, path, why, () => machine.handle(due, labStart));
    works = true; // it is not tried again: what the disk has is in doubt
    refused(t, path, why, () => machine.handle(due, labStart));
  });

test('a disk that is full stops the controller before it acts, and the next one goes on', (t) => {
  const disk = new MemoryDisk();
  const open = () => openOn(disk);
  const machine = new JournaledController(configuration(), open());
  const order = { kind: 'order', order: failover('sql01') } as const;
  disk.room = 20;
  refused(t, 'labs/journal', /the disk is full/, () => machine.handle(order, labStart));
  refused(t, 'labs/journal', /the disk is full/, () => machine.handle(due, labStart));
  disk.room = 1_000_000;
  const next = open();
  t.is(next.past, undefined); // the order was not taken
  t.is(
    new JournaledController(configuration(), next).handle(order, labStart).filter(isCommand).length,
    1,
  );
});

// One controller

test('two controllers at once: the second is refused, and told who the first is', (t) => {
  const path = written(t);
  const journal = openJournal(path, configuration());
  refused(t, path, new RegExp(`process ${process.pid}\\b`), () =>
    openJournal(path, configuration()),
  );
  journal.close();
  t.notThrows(() => openJournal(path, configuration()));
});

const run = (self: string, alive: readonly string[]): Processes => ({
  self: () => self,
  lives: (other) => alive.includes(other),
});

test('the lock of a process that has died, or whose number another has by now, is nobody’s', (t) => {
  const path = written(t);
  openJournal(path, configuration(), { processes: run('boot.ns.7.100', []) });
  t.notThrows(() => openJournal(path, configuration(), { processes: run('boot.ns.8.200', []) }));
  const self = linuxProcesses.self();
  t.true(linuxProcesses.lives(self));
  t.false(linuxProcesses.lives(self.replace(/\d+$/, '1'))); // started at another moment
  t.false(linuxProcesses.lives(self.replace(/^[^.]+/, 'another start of the machine')));
  t.is(linuxProcesses.lives(self.replace(/\.\d+\./, '.1.')), undefined); // another namespace
});

test('a lock in a PID namespace that cannot be seen is not taken, and the message says which file it is', (t) => {
  const path = written(t);
  openJournal(path, configuration(), { processes: run('boot.ns.1.100', []) });
  const blind: Processes = { self: () => 'boot.other.1.50', lives: () => undefined };
  refused(t, path, /PID namespace.*remove .*journal\.lock\.\d+$/, () =>
    openJournal(path, configuration(), { processes: blind }),
  );
});

test('whoever starts the controller can hold the lock for it', (t) => {
  const path = written(t);
  const unlock = lockJournal(path);
  refused(t, path, /another controller/, () => openJournal(path, configuration()));
  const journal = openJournal(path, configuration(), { locked: true });
  journal.close();
  refused(t, path, /another controller/, () => lockJournal(path));
  unlock();
  t.notThrows(() => openJournal(path, configuration()));
});

test('locks leave one note behind, however many there were', (t) => {
  const path = written(t);
  for (let i = 0; i < 5; i += 1) openJournal(path, configuration()).close();
  t.is(readdirSync(join(path, '..')).filter((name) => name.includes('.lock.')).length, 1);
});

for (const others of [['second'], ['second', 'third']])
  test(`of ${1 + others.length} who find the holder dead at the same moment, one comes after him`, (t) => {
    // The others do all they want to in between any two steps of the first; of them the last lives on.
    const alive = ['first', others.at(-1)!];
    for (let between = 1; between < 12; between += 1) {
      const disk = new MemoryDisk();
      const inner = disk.files(new Moments());
      lockJournal('labs/journal', { files: inner, processes: run('dead', []) });
      let steps = 0;
      let last: string | undefined;
      const interrupt =
        <Args extends unknown[], Result>(act: (...args: Args) => Result) =>
        (...args: Args): Result => {
          steps += 1;
          if (steps === between) for (const name of others) last = locked(inner, run(name, alive));
          return act(...args);
        };
      const { list, leaveNote, readNote, remove } = inner;
      const files = {
        ...inner,
        list: interrupt(list),
        leaveNote: interrupt(leaveNote),
        readNote: interrupt(readNote),
        remove: interrupt(remove),
      };
      const first = locked(files, run('first', alive));
      if (last !== undefined)
        t.is([first, last].filter((end) => end === 'locked').length, 1, `between ${between}`);
    }
  });

function locked(files: Files, processes: Processes): string {
  try {
    lockJournal('labs/journal', { files, processes });
    return 'locked';
  } catch (error) {
    return (error as Error).message;
  }
}
