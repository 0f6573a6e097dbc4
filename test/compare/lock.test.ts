/** What a lock keeps of a run, and which layer shows what was planted in it. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import type { Run } from '../../src/compare/account.ts';
import { type Behaviour, behaviourOf } from '../../src/compare/behaviour.ts';
import { type Line, type LockLayer, lockLayers } from '../../src/compare/line.ts';
import {
  changesOf,
  entryOf,
  type LayerChange,
  type Lock,
  type LockEntry,
  linesMost,
} from '../../src/compare/lock.ts';
import { checkEntry, goneFrom, renewed } from '../../src/compare/lock-check.ts';
import { BadLock, readLock, writeLock } from '../../src/compare/lock-file.ts';
import { check } from '../../src/scenario/check.ts';
import { meaningOf } from '../../src/scenario/meaning.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import type { TraceEvent } from '../../src/trace/event.ts';
import { describeFrame } from '../../src/wire/describe.ts';
import { played } from '../playing.ts';

const digest = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 16);

const flagship = '01-partial-static.yaml';
const tunnelDrop = '14-tunnel-drop-reconnect.yaml';

/** The first case of a file of the gallery, with something set otherwise. */
function scenarioOf(file: string, path?: string, value = ''): Scenario {
  const amendments = path === undefined ? [] : [{ kind: 'set', path, value } as const];
  const { cases, problems } = check(`scenarios/${file}`, (name) => readFileSync(name, 'utf8'), {
    amendments,
  });
  if (cases === undefined) throw new Error(JSON.stringify(problems));
  return cases[0]!;
}

const runs = new Map<string, Promise<Run & { readonly events: readonly TraceEvent[] }>>();
function runOf(file: string, path?: string, value?: string) {
  const key = `${file} ${path} ${value}`;
  let run = runs.get(key);
  if (run === undefined) {
    run = played(scenarioOf(file, path, value)).then(({ result, log }) =>
      withEvents(result, [...log.events()]),
    );
    runs.set(key, run);
  }
  return run;
}

const withEvents = (result: Run['result'], events: readonly TraceEvent[]) => ({
  result,
  events,
  log: {
    *events() {
      yield* events;
    },
  },
});

const locked = (run: Run): LockEntry =>
  entryOf({ file: 'a.yaml', case: '', seed: 7 }, 'meaning', behaviourOf(run), digest);

const layersOf = (changes: readonly LayerChange[]): LockLayer[] =>
  changes.map(({ layer }) => layer);

/** What is set otherwise in a scenario, which layers show it and no others, and what one shows first. */
const settings: readonly (readonly [
  path: string,
  value: string,
  file: string,
  layers: readonly LockLayer[],
  shown: LockLayer,
  was: RegExp,
  now: RegExp,
])[] = [
  [
    'links.internet.latency',
    '7ms',
    flagship,
    ['timing'],
    'timing',
    /^keepalive of 32 bytes at 38\.0816/,
    /^keepalive of 32 bytes at 38\.0576/, // four ways across the internet, each 6 ms shorter
  ],
  [
    'links.lan.latency',
    '1ms',
    flagship,
    ['timing'],
    'timing',
    /^answered, 13s to 15s, in 403\.264us/,
    /^answered, 13s to 15s, in 4\.00/, // two cables there, two back
  ],
  [
    'tunnel.keepalive',
    '10s',
    tunnelDrop,
    ['timing'],
    'timing',
    /^decided at 260\.5/,
    /^decided at 255\.5/,
  ],
  [
    'dhcp.lease',
    '4h',
    '02-partial-dhcp.yaml',
    ['dhcp'],
    'dhcp',
    /OFFER .* for 28800 s/,
    /OFFER .* for 14400 s/,
  ],
  [
    'sql01.listen',
    '[tcp/1434]',
    flagship,
    ['verdicts', 'tunnel', 'tcp', 'timing'],
    'tcp',
    /^SYN ACK$/,
    /^RST$/,
  ],
  [
    'nea-hq.gratuitous_arp',
    'none',
    flagship,
    ['verdicts', 'arp', 'tunnel', 'ip', 'tcp', 'tables', 'timing'],
    'verdicts',
    /^met$/,
    /^broken$/,
  ],
  [
    'tunnel.mss_clamp',
    'true',
    '19-mtu.yaml',
    ['tunnel', 'ip', 'tcp', 'timing'],
    'ip',
    /^unreachable code 4 .* mtu 1300$/,
    /^nothing$/,
  ],
];

for (const [path, value, file, layers, shown, was, now] of settings) {
  test(`${path}: ${value} in ${file} changes ${layers.join(', ')}`, async (t) => {
    const [before, after] = [await runOf(file), await runOf(file, path, value)];
    const changes = changesOf(locked(before), locked(after));
    t.deepEqual(layersOf(changes), layers);
    const first = changes.find(({ layer }) => layer === shown)?.first;
    t.regex(first?.was ?? 'nothing', was);
    t.regex(first?.now ?? 'nothing', now);
    t.true(changes.every(({ gone, come }) => gone + come > 0));
  });
}

/** What is planted in a log: which layer alone shows it, and by which line. */
const plants: Record<
  string,
  readonly [LockLayer, fits: (event: TraceEvent) => boolean, change: object | undefined, RegExp]
> = {
  'a gratuitous ARP that is not sent': [
    'arp',
    (event) =>
      event.kind === 'frame' &&
      event.from === 'nea-hq.eth0' &&
      /^ARP announcement 10\.0\.10\.20/.test(describeFrame(event.bytes)),
    undefined,
    /^nea-hq: request from .* 10\.0\.10\.20 about 10\.0\.10\.20/,
  ],
  'a step of an operation in other words': [
    'operations',
    (event) => event.kind === 'operation-step' && event.number === 3,
    { text: 'The replica is left as it is.' },
    /^3 The replica is powered on/,
  ],
  'a switch that never learned': [
    'tables',
    (event) => event.kind === 'switch-entry' && event.node === 'office',
    undefined,
    /^port /,
  ],
  'a relay that was not opened': [
    'tunnel',
    (event) => event.kind === 'relay',
    undefined,
    /^opened to 198\.18\.0\.101:1195$/,
  ],
};

for (const [title, [layer, fits, change, shows]] of Object.entries(plants)) {
  test(`${title} changes ${layer} alone`, async (t) => {
    const run = await runOf(flagship);
    const at = run.events.findIndex(fits);
    t.true(at >= 0);
    const instead = change === undefined ? [] : [{ ...run.events[at]!, ...change } as TraceEvent];
    const changed = withEvents(run.result, run.events.toSpliced(at, 1, ...instead));
    const changes = changesOf(locked(run), locked(changed));
    t.deepEqual(layersOf(changes), [layer]);
    t.regex(changes[0]!.first?.was ?? '', shows);
  });
}

test('an invariant that is broken is among the verdicts, however often', async (t) => {
  const run = await runOf(flagship);
  const finding = (count: number): Run['result']['findings'][number] => ({
    invariant: 'two_answers',
    text: 'at 20 s two machines answered',
    at: run.result.simulatedTime,
    count,
    step: 3,
    events: [],
    verdict: 'broken',
  });
  const found = (count: number): LockEntry =>
    locked({ ...run, result: { ...run.result, findings: [finding(count)] } });
  t.deepEqual(layersOf(changesOf(locked(run), found(1))), ['verdicts']);
  t.deepEqual(changesOf(found(1), found(9)), []);
});

test('no layer but timing has a moment in it', async (t) => {
  const behaviour = behaviourOf(await runOf(flagship));
  for (const layer of lockLayers.filter((one) => one !== 'timing')) {
    const timed = behaviour[layer].filter(({ what }) => /\d\.\d+\s?(s|ms|us)\b/.test(what));
    t.deepEqual(timed, [], layer);
  }
  t.true(behaviour.timing.length > 30);
});

test('tables are told as changes: an entry that stays is told once', async (t) => {
  const { tables } = behaviourOf(await runOf(flagship));
  const last = new Map<string, string>();
  for (const { stream, what } of tables) {
    t.not(last.get(stream) ?? 'nothing', what, stream);
    last.set(stream, what);
  }
  const ofReplica = tables.filter(({ stream }) => stream === '10.0.10.20 at web01.eth0');
  // The original, the appliance in its stead, and the original again.
  t.is(ofReplica.length, 3);
  t.is(ofReplica[0]!.what, ofReplica[2]!.what);
});

// The file

const word = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    '',
    ' ',
    ' x ',
    '\\{20}',
    'a\nb',
    '\r',
    '<<<<<<< HEAD',
    '\u2028',
    'seed 7',
    '3 x',
  ),
);
const name = word.filter((text) => text !== '');
const line: fc.Arbitrary<Line> = fc.record({ step: fc.nat(99), stream: name, what: word });
const behaviours = fc
  .tuple(...lockLayers.map(() => fc.array(line, { maxLength: 4 })))
  .map(
    (all) =>
      Object.fromEntries(lockLayers.map((layer, i) => [layer, all[i]])) as unknown as Behaviour,
  );
const entry = fc
  .tuple(name, word, fc.nat(0xffff_ffff), behaviours)
  .map(([file, of, seed, behaviour]) =>
    entryOf({ file, case: of, seed }, digest(file), behaviour, digest),
  );

test('a lock file says again what was written, whatever names are in it', (t) => {
  fc.assert(
    fc.property(
      fc.uniqueArray(entry, { maxLength: 4, selector: ({ file, seed }) => `${file} ${seed}` }),
      (entries) => {
        const text = writeLock({ engine: '0.1.0', entries });
        const read = readLock(text, digest);
        t.is(read.entries.length, entries.length);
        t.is(writeLock(read), text);
        for (const one of entries)
          t.is(checkEntry(read, one).status, 'as-locked', JSON.stringify(one));
        t.is(writeLock(readLock(text.replaceAll('\n', '\r\n'), digest)), text);
        t.is(writeLock({ engine: '0.1.0', entries: entries.toReversed() }), text);
      },
    ),
    { seed: 6, numRuns: 60 },
  );
});

test('a lock file in which a line was changed is refused, with the line, or differs', async (t) => {
  const text = writeLock({ engine: '0.1.0', entries: [locked(await runOf(flagship))] });
  const lines = text.split('\n');
  fc.assert(
    fc.property(
      fc.nat(lines.length - 2),
      fc.constantFrom('gone', 'twice', 'longer', 'indented', 'conflict'),
      (at, how) => {
        const old = lines[at]!;
        const changed = {
          gone: [],
          twice: [old, old],
          longer: [`${old}x`],
          indented: [` ${old}`],
          conflict: ['<<<<<<< ours', old],
        }[how];
        const damaged = lines.toSpliced(at, 1, ...changed).join('\n');
        try {
          t.not(writeLock(readLock(damaged, digest)), text);
        } catch (error) {
          t.true(error instanceof BadLock, String(error));
          t.true((error as BadLock).line >= 1 && (error as BadLock).line <= lines.length + 1);
        }
      },
    ),
    { seed: 6, numRuns: 200 },
  );
  const at = lines.indexOf('   success');
  const error = t.throws(() => readLock(lines.toSpliced(at, 1, '   failed').join('\n'), digest), {
    instanceOf: BadLock,
  });
  t.regex(error!.message, /verdicts .*somebody has changed them/);
  t.throws(() => readLock(text.replace('standin-lock: 1', 'standin-lock: 2'), digest), {
    message: /its form is 2, and this program knows 1/,
  });
  for (const other of ['', 'name: x\n', '\0']) t.throws(() => readLock(other, digest));
});

test('of a layer that is too long the digest alone tells what lies beyond', (t) => {
  const long = (last: string): LockEntry => {
    const lines = Array.from({ length: linesMost + 5 }, (_, i) => ({
      step: 0,
      stream: 'x',
      what: i === linesMost + 4 ? last : String(i),
    }));
    const none = Object.fromEntries(lockLayers.map((layer) => [layer, []])) as unknown as Behaviour;
    return entryOf({ file: 'a', case: '', seed: 1 }, 'm', { ...none, arp: lines }, digest);
  };
  const read = readLock(writeLock({ engine: '1', entries: [long('a')] }), digest);
  const { status, layers } = checkEntry(read, long('b'));
  t.is(status, 'changed');
  t.deepEqual(layers, [{ layer: 'arp', first: undefined, gone: 0, come: 0 }]);
  t.is(checkEntry(read, long('a')).status, 'as-locked');
});

test('what was not played stays, what is no more goes, other seeds only on demand', (t) => {
  const none = Object.fromEntries(lockLayers.map((layer) => [layer, []])) as unknown as Behaviour;
  const of = (file: string, seed = 1): LockEntry =>
    entryOf({ file, case: '', seed }, 'm', none, digest);
  const old: Lock = {
    engine: '1',
    entries: [of('s/a'), of('s/a', 2), of('s/b'), of('s/gone'), of('other')],
  };
  const known = {
    cases: [
      { file: 's/a', case: '' },
      { file: 's/b', case: '' },
    ],
    covers: (file: string) => file.startsWith('s/'),
  };
  const names = (entries: readonly LockEntry[]): string[] =>
    entries.map(({ file, seed }) => `${file} ${seed}`).sort();
  t.deepEqual(names(goneFrom(old, known)), ['s/gone 1']);
  t.deepEqual(names(renewed(old, [of('s/a')], known, false)), ['other 1', 's/a 1', 's/b 1']);
  t.deepEqual(names(renewed(old, [of('s/a', 3)], known, true)), [
    'other 1',
    's/a 1',
    's/a 2',
    's/a 3',
    's/b 1',
  ]);
  t.deepEqual(names(renewed(undefined, [of('s/a')], known, false)), ['s/a 1']);
  t.deepEqual(checkEntry(old, of('s/a', 9)).otherSeeds, [1, 2]);
});

test('the meaning of a scenario is not in its words', (t) => {
  const text = readFileSync(`scenarios/${flagship}`, 'utf8');
  const meaning = (changed: string): string => {
    const { cases } = check('scenarios/x.yaml', () => changed);
    return meaningOf(cases![0]!);
  };
  const own = meaning(text);
  t.is(own, meaning(`# a line more\n${text}`));
  t.is(own, meaning(text.replace('partial failover, static address', 'something else')));
  t.is(own, meaning(text.replace('name: before the disaster', 'name: at first')));
  t.not(own, meaning(text.replace('wait: 60s', 'wait: 61s')));
  t.not(own, meaning(text.replace('ip: 10.0.10.250', 'ip: 10.0.10.251')));
});
