/** Records and their bytes, and how a journal is lived through again. */
import test from 'ava';
import { concat, utf8 } from '../../src/base/bytes.ts';
import { crc32 } from '../../src/base/crc32.ts';
import { after, type Instant, labStart, seconds } from '../../src/base/time.ts';
import { isCommand, lookFirst, type Work } from '../../src/failover/decision.ts';
import {
  decidedText,
  headRefusal,
  headText,
  JournaledController,
  replay,
  toldText,
} from '../../src/failover/journal.ts';
import {
  encodeRecord,
  journalStart,
  type Place,
  type RecordRead,
  readRecord,
} from '../../src/failover/journal-record.ts';
import type { Observation } from '../../src/failover/observation.ts';
import { Paper } from './paper.ts';
import { commands, configuration, failback, failover, order, planned, undo } from './rig.ts';

const paperWith = (texts: readonly string[] = []) => new Paper(configuration(), texts);

/** Gives these orders, one after the other, and answers all that comes of them. */
function lived(...orders: Extract<Observation, { kind: 'order' }>['order'][]): Paper {
  const paper = paperWith();
  const machine = new JournaledController(configuration(), paper);
  let now = labStart;
  for (const one of orders) {
    const open = commands(machine.handle({ kind: 'order', order: one }, now));
    for (let command = open.shift(); command !== undefined; command = open.shift()) {
      now = after(now, seconds(1));
      open.push(...commands(machine.handle({ kind: 'done', id: command.id }, now)));
    }
  }
  return paper;
}

const life = (): Paper =>
  lived(planned('sql01', 'web01'), failback('auto', 'sql01'), order('commit-failback', 'sql01'));

function encoded(texts: readonly string[]): { bytes: Uint8Array; places: Place[] } {
  const parts: Uint8Array[] = [];
  const places = [journalStart];
  for (const text of texts) {
    const { bytes, next } = encodeRecord(text, places.at(-1)!);
    parts.push(bytes);
    places.push(next);
  }
  return { bytes: concat(...parts), places };
}

/** All records up to the first that is none, and what that is. */
function readAll(bytes: Uint8Array): { texts: string[]; last: RecordRead['kind'] } {
  const texts: string[] = [];
  for (let place = journalStart; ; ) {
    const one = readRecord(bytes, place);
    if (one.kind !== 'record') return { texts, last: one.kind };
    texts.push(one.text);
    place = one.next;
  }
}

// Records

test('a record is a line: length, sum, sum of the two, text', (t) => {
  const { bytes } = encodeRecord('123456789', journalStart);
  const numbers = `00000009 ${hex8(crc32(utf8('123456789\n')))} `;
  t.deepEqual(bytes, utf8(`${numbers}${hex8(crc32(utf8(numbers)))} 123456789\n`));
});

const hex8 = (n: number): string => n.toString(16).padStart(8, '0');

test('what was written is read, whatever the text', (t) => {
  const texts = ['', 'a', 'zwei Zeilen\nund é, 😀', '\u0000', ...life().texts];
  t.deepEqual(readAll(encoded(texts).bytes), { texts, last: 'end' });
});

test('every record that is cut anywhere is seen to be cut, and those before it are read', (t) => {
  const { bytes, places } = encoded(life().texts);
  for (const [i, place] of places.slice(0, -1).entries())
    for (let end = place.at + 1; end < places[i + 1]!.at; end += 1)
      if (readRecord(bytes.subarray(0, end), place).kind !== 'cut') t.fail(`cut at ${end}`);
  const cut = readAll(bytes.subarray(0, -1));
  t.deepEqual(cut, { texts: life().texts.slice(0, -1), last: 'cut' });
});

test('every bit that is turned is found in its own record, and taken for nothing else', (t) => {
  const { bytes, places } = encoded(life().texts.slice(0, 30));
  for (const [i, place] of places.slice(0, -1).entries())
    for (let at = place.at; at < places[i + 1]!.at; at += 1)
      for (let bit = 1; bit < 256; bit <<= 1) {
        bytes[at]! ^= bit;
        if (readRecord(bytes, place).kind !== 'damaged') t.fail(`bit ${bit} of byte ${at}`);
        bytes[at]! ^= bit;
      }
  t.is(readAll(bytes).last, 'end');
});

test('a record that is missing, doubled or moved is found', (t) => {
  const { bytes, places } = encoded(life().texts.slice(0, 6));
  const records = places.slice(0, -1).map(({ at }, i) => bytes.subarray(at, places[i + 1]!.at));
  const [a, b, c, d] = records as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  for (const wrong of [
    [a, c, d],
    [a, b, b, c],
    [a, c, b, d],
    [b, c, d],
  ])
    t.is(readAll(concat(...wrong)).last, 'damaged');
});

// The head

test('a journal belongs to one configuration and one version', (t) => {
  const mine = configuration();
  t.is(headRefusal(headText(mine), mine), undefined);
  t.regex(
    headRefusal(headText(configuration({ missingAppliance: 'fail' })), mine)!,
    /another scenario/,
  );
  t.regex(headRefusal('{"journal":2,"configuration":{}}', mine)!, /version 2.* version 1/);
  t.regex(headRefusal('hello', mine)!, /not the journal/);
});

// Replay

test('a controller that has lived a journal through stands where the first one stood', (t) => {
  const paper = life();
  const again = paperWith(paper.texts).past!;
  const first = new JournaledController(configuration(), paperWith());
  for (const text of paper.texts) {
    const { at, told } = JSON.parse(text) as { at?: Instant; told?: Observation };
    if (at !== undefined && told !== undefined) first.handle(told, at);
  }
  t.deepEqual(again.controller.status(), first.controller.status());
  t.is(again.finished?.operation, 'commit-failback');
  t.deepEqual(again.unanswered, []);
  t.is(again.unsaid, undefined);
});

test('what is asked at the end is unanswered where it was written down, and unsaid where not', (t) => {
  const { texts } = lived(failover('sql01'));
  const given = paperWith(texts.slice(0, 2)).past!;
  t.deepEqual(
    given.unanswered.map(({ kind }) => kind),
    ['revert-snapshot'],
  );
  t.is(given.unsaid, undefined);
  const never = paperWith(texts.slice(0, 1)).past!;
  t.deepEqual(never.unanswered, []);
  t.deepEqual(
    never.unsaid?.filter(isCommand).map(({ kind }) => kind),
    ['revert-snapshot'],
  );
});

test('a journal in which a controller decided otherwise is refused, wherever that is', (t) => {
  const { texts } = lived(failover('sql01'), undo('sql01'));
  for (const [i, text] of texts.entries()) {
    if (!text.startsWith('{"decided"')) continue;
    const other = texts.with(i, text.replace(/^(.*)"(id|run|vm)":/, '$1"x":'));
    if (other[i] === text) continue;
    t.regex(replay(configuration(), other) as string, new RegExp(`record ${i + 2}: .*otherwise`));
  }
  const without = texts.toSpliced(1, 1);
  t.regex(replay(configuration(), without) as string, /record 3: .*otherwise/);
});

test('a journal whose clock goes back is refused', (t) => {
  const texts = [toldText(undefined, seconds(5) as number as Instant), decidedText([])];
  const back = toldText(undefined, seconds(4) as number as Instant);
  t.regex(replay(configuration(), [...texts, back]) as string, /goes back from 5s to 4s/);
});

test('whoever has a past takes it up before anything else', (t) => {
  const { texts } = lived(failover('sql01'));
  const machine = new JournaledController(configuration(), paperWith(texts.slice(0, 2)));
  t.throws(() => machine.handle({ kind: 'replication-due', vm: 'web01' }, labStart), {
    message: /taken up/,
  });
  t.throws(() => machine.wake(labStart), { message: /taken up/ });
});

// Commands that nobody knows the end of

test('with doubts nothing is done, nothing is written, and it may be asked again', (t) => {
  const { texts } = lived(failover('sql01'));
  const paper = paperWith(texts.slice(0, 2));
  const machine = new JournaledController(configuration(), paper);
  const { doubts, giveAgain } = machine.takeUp(() => 'in doubt');
  t.deepEqual(giveAgain, []);
  t.is(doubts[0]!.command.kind, 'revert-snapshot');
  t.regex(doubts[0]!.lookAt, /sql01.*restore point 3/);
  t.is(paper.texts.length, 2);
  t.deepEqual(
    machine.takeUp(() => 'not begun').giveAgain.map(({ kind }) => kind),
    ['revert-snapshot'],
  );
});

test('what was seen to be done is not given again', (t) => {
  const { texts } = lived(failover('sql01'));
  const machine = new JournaledController(configuration(), paperWith(texts.slice(0, 2)));
  const { done, giveAgain } = machine.takeUp(() => 'done');
  t.deepEqual(giveAgain, []);
  t.deepEqual(
    commands(machine.handle({ kind: 'done', id: done[0]!.id }, labStart)).map(({ kind }) => kind),
    ['create-delta'],
  );
});

test('nobody looks at what may be given again', (t) => {
  const { texts } = lived(failover('sql01'));
  const powered = texts.findIndex((text) => text.includes('"power-on-replica"'));
  const machine = new JournaledController(configuration(), paperWith(texts.slice(0, powered + 1)));
  const { giveAgain } = machine.takeUp(() => t.fail('it looks') as never);
  t.deepEqual(
    giveAgain.map(({ kind }) => kind),
    ['power-on-replica'],
  );
});

test('whatever changes disks is looked at first, and says whose', (t) => {
  const vm = 'sql01';
  const restorePoint = 'restore point 3';
  const works: Work[] = [
    { kind: 'revert-snapshot', vm, restorePoint },
    { kind: 'create-delta', vm, restorePoint, disk: 'delta file' },
    { kind: 'discard-delta', vm },
    { kind: 'transfer-changes', vm },
    { kind: 'remove-delta', vm },
    { kind: 'merge-delta', vm },
    { kind: 'create-failback-snapshot', vm },
    { kind: 'revert-failback-snapshot', vm },
    { kind: 'remove-failback-snapshot', vm },
    { kind: 'run-replication', vm, restorePoint },
  ];
  for (const work of works) t.regex(lookFirst(work) ?? '', /^whether .*sql01/, work.kind);
});
