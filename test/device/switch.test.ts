/** The learning switch. Titles name the rows of the conformance list; fixtures/kernel-golden/bridge.json is replayed elsewhere. */
import test from 'ava';
import fc from 'fast-check';
import { hex, showHex } from '../../src/base/bytes.ts';
import { FrameMemory } from '../../src/base/frame.ts';
import { type Instant, milliseconds, seconds } from '../../src/base/time.ts';
import { entriesMaxDefault, MacTable } from '../../src/device/mac-table.ts';
import { Switch, type SwitchOptions } from '../../src/device/switch.ts';
import type { PortMode } from '../../src/device/vlan-members.ts';
import type { Sink } from '../../src/stack/device.ts';
import { EventLog } from '../../src/trace/log.ts';
import { cable, Lan, type Raw } from '../sim/lan.ts';

interface Rig {
  readonly lan: Lan;
  readonly center: Switch;
  readonly ends: readonly Raw[];
  /** Sends a frame from one end and says how many copies came to each. */
  send(from: number, frame: string): number[];
}

function rig(count: number, options: SwitchOptions = {}, modes: readonly PortMode[] = []): Rig {
  const lan = new Lan();
  const center = new Switch('s', 0, options);
  const ends = Array.from({ length: count }, (_, i) => {
    const raw = lan.raw(`r${i}`);
    lan.connect(raw.port, center.addPort(modes[i]));
    return raw;
  });
  return {
    lan,
    center,
    ends,
    send(from, frame) {
      lan.inject(ends[from]!, hex(frame));
      lan.run(milliseconds(1));
      return ends.map((end) => end.take().length);
    },
  };
}

const to = (destination: number, source: number, rest = '88b5 0102030405'): string =>
  `0200000000${byte(destination)} 0200000000${byte(source)} ${rest}`;
const byte = (n: number): string => n.toString(16).padStart(2, '0');
const everyone = 'ffffffffffff';
const from = (source: number): string => `0200000000${byte(source)} 88b5 00`;

test('SW-1: it learns from good frames with an individual source, and drops the others', (t) => {
  const { lan, center, send } = rig(3);
  for (const source of ['030000000001', 'ffffffffffff', '01005e000001', '000000000000']) {
    t.deepEqual(send(0, `${everyone} ${source} 88b5 00`), [0, 0, 0]);
  }
  t.is(center.table.size, 0);
  t.deepEqual(lan.drops('s'), Array(4).fill('BAD_SOURCE_MAC'));
  t.deepEqual(send(0, `${everyone} ${from(1)}`), [0, 1, 1]);
  t.deepEqual(
    [...center.table.entries()].map(({ low, port }) => [low, port]),
    [[1, 0]],
  );
  t.deepEqual(send(0, '0200000000'.repeat(2)), [0, 0, 0]);
  t.is(lan.drops('s').at(-1), 'MALFORMED');
});

test('SW-2: a known address gets the frame alone, and never where it came from', (t) => {
  const { lan, send } = rig(3);
  send(0, to(9, 1));
  t.deepEqual(send(1, to(1, 2)), [1, 0, 0]);
  t.deepEqual(send(0, to(2, 1)), [0, 1, 0]);
  t.deepEqual(send(0, to(1, 7)), [0, 0, 0]);
  t.deepEqual(lan.drops('s'), ['SAME_PORT']);
});

test('SW-3: unknown, multicast and broadcast go to every other port, once each', (t) => {
  const { send } = rig(5);
  for (const destination of ['0200000000ee', '01005e010203', everyone, '333300000001'])
    t.deepEqual(send(2, `${destination} ${from(1)}`), [1, 1, 0, 1, 1]);
});

test('SW-4: entries age 300 s after the source was last seen, or as long as is set', (t) => {
  const { lan, send } = rig(3);
  send(0, to(9, 1));
  lan.run(seconds(299));
  t.deepEqual(send(1, to(1, 2)), [1, 0, 0]); // being a destination keeps nobody young
  lan.run(seconds(1));
  t.deepEqual(send(1, to(1, 2)), [1, 0, 1]);
  send(0, to(9, 1));
  lan.run(seconds(250));
  send(0, to(9, 1)); // a source does
  lan.run(seconds(250));
  t.deepEqual(send(1, to(1, 2)), [1, 0, 0]);

  const quick = rig(3, { ageing: seconds(1) }); // as measured: unicast at 0.5 s, flooded from 1.1 s
  quick.send(0, to(9, 1));
  quick.lan.run(milliseconds(500));
  t.deepEqual(quick.send(1, to(1, 2)), [1, 0, 0]);
  quick.lan.run(milliseconds(600));
  t.deepEqual(quick.send(1, to(1, 2)), [1, 0, 1]);
});

test('SW-5: the newest port wins at once, and a pulled cable takes its entries along', (t) => {
  const { lan, center, ends, send } = rig(3);
  send(0, to(9, 1));
  send(1, to(9, 1));
  t.deepEqual(send(2, to(1, 3)), [0, 1, 0]);
  lan.simulation.setLink(ends[1]!.port, false);
  t.is(center.table.size, 1); // 3, on the third port
  lan.simulation.setLink(ends[1]!.port, true);
  t.deepEqual(send(2, to(1, 3)), [1, 1, 0]);
  const told = [...lan.log.facts(['switch-entry'])].map(
    ({ mac, port, change }) => `${mac.slice(-2)} ${port} ${change}`,
  );
  t.deepEqual(told, ['01 port1 learned', '01 port2 moved', '03 port3 learned', '01 port2 removed']);
});

test('SW-6: reserved group addresses are not forwarded; as Linux, STP is unless told otherwise', (t) => {
  const linuxLike = rig(2);
  const standard = rig(2, { forwardsStp: false });
  for (let last = 0; last < 0x30; last += 1) {
    const frame = `0180c20000${byte(last)} ${from(1)}`;
    t.deepEqual(linuxLike.send(0, frame), [0, last === 0 || last > 15 ? 1 : 0], `${last}`);
    t.deepEqual(standard.send(0, frame), [0, last > 15 ? 1 : 0], `${last}`);
  }
  t.deepEqual(linuxLike.send(0, `0180c3000001 ${from(1)}`), [0, 1]);
  t.deepEqual(linuxLike.send(0, `0181c2000001 ${from(1)}`), [0, 1]);
});

test('SW-7: short frames pass as they are, and a cable refuses what is too long for it', (t) => {
  const lan = new Lan();
  const center = new Switch('s', 2);
  const [a, b] = [lan.raw('a'), lan.raw('b')];
  lan.connect(a.port, center.ports[0]!);
  lan.connect(b.port, center.ports[1]!, { ...cable, frameMax: 1518 });
  for (const length of [14, 15, 20, 59, 60, 1514, 1518]) {
    const frame = showHex(hex(to(2, 1))).slice(0, 28) + '5a'.repeat(length - 14);
    lan.inject(a, hex(frame));
    lan.run();
    t.deepEqual(b.take(), [frame]);
  }
  lan.inject(a, hex(showHex(hex(to(2, 1))).slice(0, 28) + '5a'.repeat(1519 - 14)));
  lan.run();
  t.deepEqual(b.take(), []);
  t.deepEqual(lan.drops('s'), ['FRAME_TOO_LONG']);
});

test('SW-8: a million sources fill the table to its cap and no further, and frames still flow', (t) => {
  const center = new Switch('s', 3);
  const frames = new FrameMemory();
  const counts = { sent: 0, flooded: 0 };
  const sink: Sink = {
    frames,
    log: new EventLog('verdicts'),
    send: () => (counts.sent += 1),
    flood: () => (counts.flooded += 1),
    drop: () => t.fail(),
    wakeAt: () => t.fail(),
  };
  const frame = frames.from(hex(to(2, 0)));
  let widest = 0;
  for (let i = 0; i < 1_000_000; i += 1) {
    frame.words.setUint16(frame.start + 6, 0x0200 | ((i % 7) << 4)); // both halves of the key vary
    frame.words.setUint32(frame.start + 8, i);
    center.receive(center.ports[i % 3]!, frame, i as Instant, sink);
    if (center.table.size > widest) widest = center.table.size;
  }
  t.is(widest, entriesMaxDefault);
  t.is([...center.table.entries()].length, entriesMaxDefault);
  t.deepEqual(counts, { sent: 0, flooded: 1_000_000 });
  // Once those have aged, the real hosts are learned again.
  const later = seconds(301) as number as Instant;
  frame.memory.set(hex(to(9, 2)), frame.start);
  center.receive(center.ports[1]!, frame, later, sink);
  t.is(center.table.size, 1);
  frame.memory.set(hex(to(2, 1)), frame.start);
  center.receive(center.ports[0]!, frame, later, sink);
  t.is(counts.sent, 1);
});

test('SW-10: a loop without STP ends in a verdict, and the log shows where the frames run', (t) => {
  for (const batching of [true, false]) {
    const lan = new Lan({ batching, log: new EventLog('decisions') });
    const [left, right] = [new Switch('left', 3), new Switch('right', 3)];
    const a = lan.raw('a');
    lan.connect(a.port, left.ports[0]!);
    lan.connect(left.ports[1]!, right.ports[1]!);
    lan.connect(left.ports[2]!, right.ports[2]!);
    lan.inject(a, hex(`${everyone} ${from(1)}`));
    t.is(lan.simulation.run(seconds(60) as number as Instant, undefined, 20_000), 'budget');
    const running = new Set<string>();
    for (const event of lan.log.events(lan.log.length - 1000)) {
      if (event.kind === 'frame') running.add(event.to);
      if (event.kind === 'flood') for (const port of event.to) running.add(port);
    }
    for (const port of ['left.port2', 'left.port3', 'right.port2', 'right.port3'])
      t.true(running.has(port), port);
  }
});

test('SW-11: a tagged frame passes a switch that knows of no tags as it is', (t) => {
  const { ends, send } = rig(2);
  const tagged = showHex(hex(`${to(2, 1, '8100 e064 0800 4500 1122')}`));
  t.deepEqual(send(0, tagged), [0, 1]);
  send(0, tagged);
  ends[1]!.onFrame = (frame) => t.is(showHex(frame.bytes()), tagged);
  t.deepEqual(send(0, tagged), [0, 1]);
});

test('SW-12: a silent host that moved is not reached until it sends, or until its entry ages', (t) => {
  const { send, lan } = rig(4);
  send(1, to(9, 2)); // host 2 was here; from now on it is on the third port, and says nothing
  t.deepEqual(send(0, to(2, 1)), [0, 1, 0, 0]);
  lan.run(seconds(290));
  t.deepEqual(send(0, to(2, 1)), [0, 1, 0, 0]);
  lan.run(seconds(10));
  t.deepEqual(send(0, to(2, 1)), [0, 1, 1, 1]);
  send(1, to(9, 2));
  send(2, `${everyone} ${from(2)}`); // a gratuitous ARP, for example
  t.deepEqual(send(0, to(2, 1)), [0, 0, 1, 0]);
});

test('VLANs are kept apart, also when both know one address', (t) => {
  const modes = [10, 10, 20, 20].map((vlan): PortMode => ({ kind: 'access', vlan }));
  const { send, center } = rig(4, {}, modes);
  t.deepEqual(send(0, `${everyone} ${from(1)}`), [0, 1, 0, 0]);
  t.deepEqual(send(2, `${everyone} ${from(1)}`), [0, 0, 0, 1]);
  t.deepEqual(send(1, to(1, 2)), [1, 0, 0, 0]);
  t.deepEqual(send(3, to(1, 2)), [0, 0, 1, 0]);
  center.setMode(center.ports[1]!, { kind: 'access', vlan: 20 });
  t.deepEqual(send(1, `${everyone} ${from(2)}`), [0, 0, 1, 1]);
  t.deepEqual(send(0, to(2, 1)), [0, 0, 0, 0]); // nobody else is left in VLAN 10
});

test('two switches carry VLANs over a trunk: tagged on it, untagged at both ends, one VLAN untagged on it', (t) => {
  const lan = new Lan();
  const [left, right] = [new Switch('left', 0), new Switch('right', 0)];
  const trunk = { kind: 'trunk', vlans: [10, 20], native: 99 } as const;
  lan.connect(left.addPort(trunk, 'trunk'), right.addPort(trunk, 'trunk'));
  const ends = [10, 20, 99].map((vlan) =>
    [left, right].map((one) => {
      const raw = lan.raw(`${one.name}${vlan}`);
      lan.connect(raw.port, one.addPort({ kind: 'access', vlan }));
      return raw;
    }),
  );
  [10, 20, 99].forEach((vlan, i) => {
    const [here, there] = ends[i]!;
    const before = lan.log.length;
    const frame = showHex(hex(`${everyone} ${from(i + 1)}`));
    lan.inject(here!, hex(frame));
    lan.run();
    t.deepEqual(there!.take(), [frame]);
    for (const other of ends.flat()) t.deepEqual(other.take(), []);
    const carried = [...lan.log.events(before)].flatMap((event) =>
      (event.kind === 'frame' && event.to === 'right.trunk') ||
      (event.kind === 'flood' && event.to.includes('right.trunk'))
        ? [showHex(event.bytes)]
        : [],
    );
    const tag = `8100${vlan.toString(16).padStart(4, '0')}`;
    t.deepEqual(carried, [vlan === 99 ? frame : frame.slice(0, 24) + tag + frame.slice(24)]);
    const answer = showHex(hex(to(i + 1, 0x51)));
    lan.inject(there!, hex(answer));
    lan.run();
    t.deepEqual(here!.take(), [answer]);
    for (const other of ends.flat()) t.deepEqual(other.take(), []);
  });
});

test('a trunk takes the VLANs it carries: a stranger, a short tag and an untagged frame without a native VLAN end there', (t) => {
  const { lan, send, ends } = rig(3, {}, [
    { kind: 'trunk', vlans: [10] },
    { kind: 'access', vlan: 10 },
    { kind: 'trunk', vlans: [10], native: 10 },
  ]);
  t.deepEqual(send(0, `${everyone} 020000000001 8100 0014 88b5 00`), [0, 0, 0]);
  t.deepEqual(send(0, `${everyone} 020000000001 8100 00`), [0, 0, 0]);
  t.deepEqual(send(0, `${everyone} ${from(1)}`), [0, 0, 0]);
  t.deepEqual(send(0, `${everyone} 020000000001 8100 0fff 88b5 00`), [0, 0, 0]);
  t.deepEqual(lan.drops('s'), ['VLAN_MISMATCH', 'MALFORMED', 'VLAN_MISMATCH', 'VLAN_MISMATCH']);
  t.deepEqual(send(0, `${everyone} 020000000001 8100 a00a 88b5 00`), [0, 1, 1]); // with a priority
  // A tag that names no VLAN but a priority belongs to the native one (802.1Q-2018 section 6.9.1).
  t.deepEqual(send(2, `${everyone} 020000000002 8100 e000 88b5 00`), [1, 1, 0]);
  ends[0]!.onFrame = (frame) => t.is(showHex(frame.bytes(12, 16)), '8100000a');
  t.deepEqual(send(1, to(1, 3)), [1, 0, 0]);
});

// The table alone

type Use =
  | { readonly use: 'learn'; readonly who: number; readonly port: number; readonly wait: number }
  | { readonly use: 'find'; readonly who: number }
  | { readonly use: 'forget'; readonly port: number };

const use: fc.Arbitrary<Use> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      use: fc.constant('learn' as const),
      who: fc.integer({ min: 0, max: 40 }),
      port: fc.integer({ min: 0, max: 3 }),
      wait: fc.oneof({ weight: 30, arbitrary: fc.integer({ min: 0, max: 3 }) }, fc.constant(100)),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      use: fc.constant('find' as const),
      who: fc.integer({ min: 0, max: 40 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      use: fc.constant('forget' as const),
      port: fc.integer({ min: 0, max: 3 }),
    }),
  },
);

test('a table that has been emptied by age fills and ages again', (t) => {
  const table = new MacTable(20);
  for (let round = 0; round < 3; round += 1) {
    const now = round * 1000;
    for (let i = 0; i < 20; i += 1) t.is(table.learn(round, i, 1, now, now - 300), -1);
    t.is(table.learn(9, 9, 1, now, now - 300), -2);
  }
});

test('the table knows what a plain map knows, at its cap and beyond', (t) => {
  const cap = 20;
  const ageing = 30;
  fc.assert(
    fc.property(fc.array(use, { maxLength: 200 }), (uses) => {
      const table = new MacTable(cap);
      const plain = new Map<number, { port: number; seen: number }>();
      let now = 0;
      for (const one of uses) {
        const since = now - ageing;
        if (one.use === 'forget') {
          table.forget((port) => port === one.port);
          for (const [who, { port }] of plain) if (port === one.port) plain.delete(who);
        } else if (one.use === 'find') {
          const known = plain.get(one.who);
          const port = known && known.seen >= since ? known.port : -1;
          if (table.find(one.who % 3, one.who, since) !== port) return false;
        } else {
          now += one.wait;
          const known = plain.get(one.who);
          let expected = known && known.seen >= now - ageing ? known.port : -1;
          if (known === undefined && plain.size >= cap) {
            for (const [who, { seen }] of plain) if (seen < now - ageing) plain.delete(who);
            if (plain.size >= cap) expected = -2;
          }
          const learned = table.learn(one.who % 3, one.who, one.port, now, now - ageing);
          if (learned !== expected) return false;
          if (learned !== -2) plain.set(one.who, { port: one.port, seen: now });
        }
        if (table.size !== plain.size) return false;
      }
      return true;
    }),
    { seed: 8021, numRuns: 2000 },
  );
  t.pass();
});
