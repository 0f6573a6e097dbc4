/** Where frames go round for ever, from the log alone. */
import test from 'ava';
import { concat, hex } from '../../src/base/bytes.ts';
import { type Duration, type Instant, seconds } from '../../src/base/time.ts';
import { Switch } from '../../src/device/switch.ts';
import { stormIn } from '../../src/explain/storm.ts';
import { EventLog, type LogLevel } from '../../src/trace/log.ts';
import { type Mac, mac } from '../../src/wire/address.ts';
import { cable, Lan } from '../sim/lan.ts';

const broadcast = hex('ffffffffffff 020000000001 88b5 00');
const bridge = mac('02:00:00:00:01:00');

interface Made {
  readonly spanningTree?: boolean;
  readonly level?: LogLevel;
  readonly batching?: boolean;
  readonly after?: Duration;
}

/**
 * A station at `left`, and cables between switches as they are named; one more switch, `far`, with a
 * station too, hangs on `right` by a single cable.
 */
function storm(
  names: readonly string[],
  cables: readonly [string, string][],
  { spanningTree = false, level = 'decisions', batching = true, after = seconds(0) }: Made = {},
): { readonly ended: string; readonly links: readonly string[]; readonly heard: number } {
  const lan = new Lan({ log: new EventLog(level), batching });
  const switches = new Map(
    names.map((name, i) => {
      const tree = { bridge: { priority: 0x8000, mac: (bridge + i) as Mac } };
      return [name, new Switch(name, 0, spanningTree ? { spanningTree: tree } : {})];
    }),
  );
  const [near, far] = [lan.raw('near'), lan.raw('far')];
  lan.connect(near.port, switches.get('left')!.addPort());
  for (const [a, b] of cables)
    lan.connect(switches.get(a)!.addPort(), switches.get(b)!.addPort(), cable);
  lan.connect(far.port, switches.get(names.at(-1)!)!.addPort());
  for (const one of switches.values()) one.start(lan.now, lan.simulation);
  lan.run(after);
  lan.inject(near, broadcast);
  const limit = (lan.now + seconds(60)) as Instant;
  const ended = lan.simulation.run(limit, undefined, 20_000);
  const heard = far.take().filter((frame) => frame.startsWith('ffffffffffff')).length;
  return { ended, links: stormIn(lan.log), heard };
}

const two: [string, string][] = [
  ['left', 'right'],
  ['left', 'right'],
];
const twoLinks = ['left.port2 – right.port1', 'left.port3 – right.port2'];

for (const batching of [true, false]) {
  test(`SW-10: two cables between two switches without a spanning tree are named as the storm${batching ? '' : ', copy by copy too'}`, (t) => {
    const { ended, links } = storm(['left', 'right'], two, { batching });
    t.is(ended, 'budget');
    t.deepEqual(links, twoLinks);
  });
}

test('SW-10: with a spanning tree (SW-9) the same two cables are quiet, and the frame comes once', (t) => {
  const made = { spanningTree: true, after: seconds(60) };
  t.deepEqual(storm(['left', 'right'], two, made), { ended: 'idle', links: [], heard: 1 });
});

test('SW-10: a ring is named without the cables that only lead to it', (t) => {
  const ring: [string, string][] = [
    ['left', 'middle'],
    ['middle', 'right'],
    ['right', 'left'],
    ['right', 'far'],
  ];
  const { ended, links } = storm(['left', 'middle', 'right', 'far'], ring);
  t.is(ended, 'budget');
  t.deepEqual(links, [
    'left.port2 – middle.port1',
    'left.port3 – right.port2',
    'middle.port2 – right.port1',
  ]);
});

test('SW-10: of three cables side by side all are named', (t) => {
  const three = [...two, two[0]!];
  const { links } = storm(['left', 'right'], three);
  t.deepEqual(links, [...twoLinks, 'left.port4 – right.port3']);
});

test('SW-10: two stations that answer each other for ever are no storm', (t) => {
  const lan = new Lan({ log: new EventLog('decisions') });
  const [a, b] = [lan.raw('a'), lan.raw('b')];
  const between = new Switch('between', 2);
  [a, b].forEach((one, i) => {
    lan.connect(one.port, between.ports[i]!);
    one.onFrame = (frame, _now, sink) => {
      const bytes = frame.bytes();
      const answer = concat(bytes.subarray(6, 12), bytes.subarray(0, 6), bytes.subarray(12));
      const back = sink.frames.from(answer);
      back.cause = frame.cause;
      sink.send(one.port, back);
    };
  });
  lan.inject(a, hex('020000000002 020000000001 88b5 00'));
  t.is(lan.simulation.run(seconds(60) as number as Instant, undefined, 20_000), 'budget');
  t.deepEqual(stormIn(lan.log), []);
});

test('SW-10: a log without hops shows no storm, and a network without a loop has none', (t) => {
  t.deepEqual(storm(['left', 'right'], two, { level: 'verdicts' }).links, []);
  const line: [string, string][] = [['left', 'right']];
  t.deepEqual(storm(['left', 'right'], line), { ended: 'idle', links: [], heard: 1 });
});
