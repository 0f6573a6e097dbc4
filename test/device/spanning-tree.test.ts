/** Switches with more than one way between them (IEEE 802.1D-1998 section 8). */
import test from 'ava';
import fc from 'fast-check';
import { hex } from '../../src/base/bytes.ts';
import { type Duration, seconds } from '../../src/base/time.ts';
import { Switch } from '../../src/device/switch.ts';
import { EventLog } from '../../src/trace/log.ts';
import { mac } from '../../src/wire/address.ts';
import { bpduFlag, decodeBpdu } from '../../src/wire/bpdu.ts';
import { Malformed } from '../../src/wire/malformed.ts';
import { cable, Lan, type Raw } from '../sim/lan.ts';

const everyone = 'ffffffffffff';
const station = (n: number): string => `0200000000${n.toString(16).padStart(2, '0')}`;
const frame = (to: string, from: number): Uint8Array => hex(`${to} ${station(from)} 88b5 00`);

/** Switches `s0`, `s1` and so on, each with a station at its first port, and cables between them. */
class Net {
  readonly lan: Lan;
  readonly switches: readonly Switch[];
  readonly stations: readonly Raw[];

  constructor(
    count: number,
    cables: readonly (readonly [number, number])[],
    log = 'full' as const,
  ) {
    this.lan = new Lan({ log: new EventLog(log) });
    this.switches = Array.from({ length: count }, (_, i) => {
      const bridge = { priority: 0x8000, mac: mac(`02:00:00:00:01:${String(i).padStart(2, '0')}`) };
      return new Switch(`s${i}`, 0, { spanningTree: { bridge } });
    });
    this.stations = this.switches.map((one, i) => {
      const raw = this.lan.raw(`h${i}`);
      this.lan.connect(raw.port, one.addPort());
      return raw;
    });
    for (const [a, b] of cables)
      this.lan.connect(this.switches[a]!.addPort(), this.switches[b]!.addPort());
    for (const one of this.switches) one.start(this.lan.now, this.lan.simulation);
  }

  run(forSeconds: number): void {
    this.lan.run(seconds(forSeconds));
  }

  /** How many copies come to each station of what one of them sends. */
  send(from: number, to = everyone): number[] {
    for (const one of this.stations) one.take();
    this.lan.inject(this.stations[from]!, frame(to, from));
    this.lan.run(1e6 as Duration);
    // The tree itself speaks to stations too.
    const mine = station(from);
    return this.stations.map(
      (one) => one.take().filter((got) => got.slice(12, 24) === mine).length,
    );
  }

  /** One more station, whose cable is plugged in now. */
  join(to: number): Raw {
    const { lan } = this;
    const raw = lan.raw(`h${this.stations.length}`);
    lan.connect(raw.port, this.switches[to]!.addPort());
    lan.simulation.setLink(raw.port, false);
    lan.simulation.setLink(raw.port, true);
    return raw;
  }

  /** `s1.port3 listening at 60 s`, from event `since` of the log on. */
  states(since = 0): string[] {
    return [...this.lan.log.facts(['switch-port'], since)].map(
      ({ node, port, state, at }) => `${node}.${port} ${state} at ${Math.floor(at / 1e9)} s`,
    );
  }

  /** Every BPDU that left a switch: when in whole seconds, from which port, and what it says. */
  bpdus(since = 0) {
    return [...this.lan.log.events(since)].flatMap((event) => {
      if (event.kind !== 'frame' || event.bytes[0] !== 1 || event.bytes[1] !== 0x80) return [];
      const bpdu = decodeBpdu(event.bytes.subarray(14));
      return bpdu instanceof Malformed
        ? []
        : [{ at: Math.floor(event.at / 1e9), from: event.from, bpdu }];
    });
  }
}

const pair = (): Net =>
  new Net(2, [
    [0, 1],
    [0, 1],
  ]);

test('SW-9: of two cables between two switches one forwards after 30 s, and the other never does', (t) => {
  const net = pair();
  net.run(60);
  t.deepEqual(
    net.states().filter((line) => line.startsWith('s1.')),
    [
      's1.port1 blocking at 0 s',
      's1.port1 listening at 0 s',
      's1.port2 blocking at 0 s',
      's1.port2 listening at 0 s',
      's1.port3 blocking at 0 s',
      's1.port3 listening at 0 s',
      's1.port3 blocking at 0 s',
      's1.port1 learning at 15 s',
      's1.port2 learning at 15 s',
      's1.port1 forwarding at 30 s',
      's1.port2 forwarding at 30 s',
    ],
  );
  t.deepEqual(
    net
      .states()
      .filter((line) => line.startsWith('s0.'))
      .slice(-3)
      .sort(),
    ['s0.port1 forwarding at 30 s', 's0.port2 forwarding at 30 s', 's0.port3 forwarding at 30 s'],
  );
  t.deepEqual(net.send(0), [0, 1]);
  t.deepEqual(net.send(1), [1, 0]);
});

test('SW-9: the root says hello every 2 s, with 20 s and 15 s for the others, and they pass it on 1 s older', (t) => {
  const net = pair();
  net.run(30);
  // At 1 s it answers what the other claimed first: not sooner, since two are 1 s apart.
  const hellos = net.bpdus().filter(({ from, at }) => from === 's0.port2' && at < 30 && at !== 1);
  t.deepEqual(
    hellos.map(({ at }) => at),
    Array.from({ length: 15 }, (_, i) => 2 * i),
  );
  for (const { bpdu } of hellos)
    t.like(bpdu, {
      messageAge: 0,
      maxAge: seconds(20),
      helloTime: seconds(2),
      forwardDelay: seconds(15),
      rootPathCost: 0,
      port: 0x8002,
    });
  const passedOn = net.bpdus().filter(({ from, at }) => from === 's1.port1' && at >= 4);
  t.true(passedOn.length > 10);
  for (const { bpdu } of passedOn) {
    t.like(bpdu, { rootPathCost: 4, root: { priority: 0x8000, mac: mac('02:00:00:00:01:00') } });
    // 1 s, the microseconds that it took here, rounded up to the next 256th.
    if (bpdu.kind === 'configuration')
      t.true(bpdu.messageAge >= seconds(1) && bpdu.messageAge <= seconds(1.01));
  }
});

test('SW-9: a port that is blocked or listens passes nothing, one that learns only learns', (t) => {
  const net = pair();
  net.run(10);
  const before = net.lan.log.length;
  t.deepEqual(net.send(0), [0, 0]);
  t.deepEqual(net.lan.drops('s0', before), ['PORT_NOT_FORWARDING']);
  t.is(net.switches[0]!.table.size, 0);
  net.run(10);
  t.deepEqual(net.send(0), [0, 0]);
  t.is(net.switches[0]!.table.size, 1);
  t.deepEqual(net.lan.drops('s0', before), ['PORT_NOT_FORWARDING', 'PORT_NOT_FORWARDING']);
});

test('SW-9: nothing is sent to a port that learns, not even for who has been seen there', (t) => {
  const net = pair();
  net.run(60);
  const third = net.join(1);
  net.run(20);
  net.lan.inject(third, frame(everyone, 2));
  net.run(1);
  const before = net.lan.log.length;
  third.take();
  t.deepEqual(net.send(1, station(2)), [0, 0]);
  t.deepEqual(third.take(), []);
  t.deepEqual(net.lan.drops('s1', before), ['PORT_NOT_FORWARDING']);
});

test('SW-9: when the cable in use is pulled, the blocked port forwards 30 s later', (t) => {
  const net = pair();
  net.run(60);
  const before = net.lan.log.length;
  net.lan.simulation.setLink(net.switches[1]!.ports[1]!, false);
  net.run(29);
  t.deepEqual(net.send(0), [0, 0]);
  net.run(2);
  t.deepEqual(
    net.states(before).filter((line) => line.startsWith('s1.')),
    [
      's1.port2 disabled at 60 s',
      's1.port3 listening at 60 s',
      's1.port3 learning at 75 s',
      's1.port3 forwarding at 90 s',
    ],
  );
  t.deepEqual(net.send(0), [0, 1]);
});

test('SW-9: a root that falls silent is believed for 20 s; then the ports listen and learn as ever', (t) => {
  const net = pair();
  net.run(59);
  const before = net.lan.log.length;
  for (const i of [1, 2])
    net.lan.simulation.impair(net.switches[0]!.ports[i]!, { ...cable, loss: 1 });
  net.run(60);
  const { at: last } = net.bpdus().findLast(({ from, at }) => from === 's0.port3' && at < 59)!;
  t.is(last, 58);
  t.deepEqual(
    net.states(before).filter((line) => line.startsWith('s1.')),
    ['listening at 78', 'learning at 93', 'forwarding at 108'].map((what) => `s1.port3 ${what} s`),
  );
});

test('SW-9: a change is told to the root until it acknowledges, and cuts ageing to 15 s for 35 s everywhere', (t) => {
  const net = pair();
  net.run(80);
  t.deepEqual(net.send(1), [1, 0]);
  net.run(20);
  // Known for more than 15 s, and the tree is at rest: to that station alone.
  t.deepEqual(net.send(0, station(1)), [0, 1]);
  const third = net.join(1);
  const before = net.lan.log.length;
  net.run(31); // the new port is up, which is the change
  const told = net.bpdus(before).filter(({ bpdu }) => bpdu.kind === 'topology-change');
  t.deepEqual(
    told.map(({ from, at }) => `${from} ${at}`),
    ['s1.port2 130'],
  );
  const flagged = net
    .bpdus(before)
    .flatMap(({ bpdu, from }) =>
      bpdu.kind === 'configuration' && bpdu.flags > 0 ? [`${from} ${bpdu.flags}`] : [],
    );
  const both = bpduFlag.topologyChange | bpduFlag.topologyChangeAcknowledgment;
  t.true(flagged.includes(`s0.port2 ${both}`), flagged.join());
  // Last seen 20 s ago: it has aged on both switches, and what is for it is flooded.
  third.take();
  t.deepEqual(net.send(0, station(1)), [0, 1]);
  t.true(third.take().some((got) => got.startsWith(station(1))));
  const over = net.bpdus(before).filter(({ at }) => at >= 131);
  t.true(over.every(({ bpdu }) => bpdu.kind === 'configuration'));
  net.run(36);
  third.take();
  t.deepEqual(net.send(0, station(1)), [0, 1]);
  t.true(
    third.take().some((got) => got.startsWith(station(1))),
    'what has aged stays forgotten',
  );
  net.send(1);
  net.run(20);
  third.take();
  net.send(0, station(1));
  t.false(
    third.take().some((got) => got.startsWith(station(1))),
    'ageing is as long as before',
  );
});

test('SW-9: a switch with both ends of a cable in it blocks one of them', (t) => {
  const net = new Net(1, [[0, 0]]);
  net.run(40);
  t.true(net.states().includes('s0.port3 blocking at 0 s'));
  t.is(net.states().filter((line) => line.includes('forwarding')).length, 2);
});

test('SW-9: whatever the cables, a broadcast comes to every station once, also after one of them is pulled', (t) => {
  const edge = fc.tuple(fc.nat(4), fc.nat(4)).filter(([a, b]) => a !== b);
  fc.assert(
    fc.property(fc.array(edge, { minLength: 2, maxLength: 9 }), fc.nat(8), (cables, pulled) => {
      const net = new Net(5, cables);
      net.run(60);
      t.deepEqual(net.send(0), reached(cables, 0));
      const gone = pulled % cables.length;
      const [a] = cables[gone]!;
      // The ports of a switch are its station's, then one for each of its cables in their order.
      const place = cables.slice(0, gone).filter((one) => one.includes(a)).length;
      net.lan.simulation.setLink(net.switches[a]!.ports[1 + place]!, false);
      net.run(60);
      t.deepEqual(net.send(0), reached(cables.toSpliced(gone, 1), 0));
    }),
    { seed: 8021, numRuns: 60 },
  );
});

/** One copy for each station that can be reached, but for who sends. */
function reached(cables: readonly (readonly [number, number])[], from: number): number[] {
  const there = new Set([from]);
  for (let size = 0; size < there.size; ) {
    size = there.size;
    for (const [a, b] of cables) if (there.has(a) || there.has(b)) there.add(a).add(b);
  }
  return Array.from({ length: 5 }, (_, i) => (i !== from && there.has(i) ? 1 : 0));
}

test('SW-9: what is sent to the bridges and is no BPDU is dropped', (t) => {
  const net = pair();
  net.run(40);
  const before = net.lan.log.length;
  net.lan.inject(net.stations[0]!, hex(`0180c2000000 ${station(9)} 0003 aaaa03`));
  net.run(1);
  t.deepEqual(net.lan.drops('s0', before), ['MALFORMED']);
});
