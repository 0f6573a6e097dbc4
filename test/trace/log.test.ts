import test from 'ava';
import { hex, showHex } from '../../src/base/bytes.ts';
import { FrameMemory } from '../../src/base/frame.ts';
import { type Instant, seconds } from '../../src/base/time.ts';
import { Switch } from '../../src/device/switch.ts';
import { Payload } from '../../src/stack/packet.ts';
import type { Fact } from '../../src/trace/event.ts';
import { EventLog, type LogLevel } from '../../src/trace/log.ts';
import { reasonList } from '../../src/trace/reasons.ts';
import { ipv4, prefix } from '../../src/wire/address.ts';
import { Lan, Raw } from '../sim/lan.ts';

const named = (
  id: number,
  label: string,
): { id: number; label: string; device: { name: string } } => ({
  id,
  label,
  device: { name: label.split('.')[0]! },
});
const a = named(0, 'a.eth0');
const s1 = named(1, 's.port1');
const s2 = named(2, 's.port2');
const b = named(3, 'b.eth0');
const c = named(5, 'c.eth0');
const s3 = named(4, 's.port3');
const group = [
  { port: s1, peer: a },
  { port: s2, peer: b },
  { port: s3, peer: c },
];

test('reading gives what was written: hops, floods, drops and facts', (t) => {
  const log = new EventLog('full');
  const frame = new FrameMemory().from(hex('ffffffffffff020000000001080600'));
  frame.cause = 41;
  t.is(log.frame(1000 as Instant, a, s1, 1512, frame), 0);
  t.is(log.flood(2512 as Instant, s1, group, 1512, frame), 1);
  t.is(log.flood(2600 as Instant, b, group, 7, frame), 2); // from outside the group
  frame.cause = 1;
  t.is(log.drop(4024 as Instant, b, frame, 'NOT_FOR_US'), 3);
  const fact = { kind: 'path-mtu', ip: '10.0.0.1', mtu: 1400 } as const;
  t.is(log.tell(5000 as Instant, 'b', 3, fact), 4);
  const bytes = frame.bytes();
  const length = 15;
  t.deepEqual(
    [...log.events()],
    [
      {
        id: 0,
        at: 1000 as Instant,
        cause: 41,
        length,
        bytes,
        kind: 'frame',
        node: 'a',
        from: 'a.eth0',
        to: 's.port1',
        arrives: 2512 as Instant,
      },
      {
        id: 1,
        at: 2512 as Instant,
        cause: 41,
        length,
        bytes,
        kind: 'flood',
        node: 's',
        from: 's.port1',
        to: ['b.eth0', 'c.eth0'],
        arrives: 4024 as Instant,
      },
      {
        id: 2,
        at: 2600 as Instant,
        cause: 41,
        length,
        bytes,
        kind: 'flood',
        node: 'b',
        from: 'b.eth0',
        to: ['a.eth0', 'b.eth0', 'c.eth0'],
        arrives: 2607 as Instant,
      },
      {
        id: 3,
        at: 4024 as Instant,
        cause: 1,
        length,
        bytes,
        kind: 'drop',
        node: 'b',
        port: 'b.eth0',
        reason: 'NOT_FOR_US',
      },
      { id: 4, at: 5000 as Instant, node: 'b', cause: 3, ...fact },
    ],
  );
  t.deepEqual(
    [...log.events(3)].map(({ id }) => id),
    [3, 4],
  );
  t.deepEqual(
    [...log.facts(['path-mtu', 'probe'])].map(({ id }) => id),
    [4],
  );
  t.deepEqual([...log.facts(['probe'])], []);
  t.is(log.causeOf(3), 1);
  for (const id of [-1, 5, 0.5, Number.NaN])
    t.throws(() => log.read(id), { instanceOf: RangeError });
});

test('a frame that the log holds may not be rewritten, and one that is cut afterwards is whole in the log', (t) => {
  const memory = new FrameMemory();
  for (const [level, exclusive] of [
    ['full', false],
    ['decisions', true],
  ] as const) {
    const frame = memory.from(hex('00112233445566'));
    const log = new EventLog(level);
    log.frame(0 as Instant, a, s1, 1, frame);
    t.is(frame.exclusive, exclusive);
    frame.length = 2;
    t.is(showHex(log.bytesOf(0)), level === 'full' ? '00112233445566' : '');
    t.is(log.read(0).kind === 'frame' && (log.read(0) as { length: number }).length, 7);
  }
});

test('ten thousand events, and every code, come back', (t) => {
  const log = new EventLog('full');
  const memory = new FrameMemory();
  for (let i = 0; i < 10_000; i += 1) {
    const frame = memory.from(Uint8Array.of(i >> 8, i));
    frame.cause = i - 1;
    if (i % 3 === 0) log.frame(i as Instant, a, s1, i, frame);
    else if (i % 3 === 1)
      log.drop(i as Instant, named(9, 'd.x'), frame, reasonList[i % reasonList.length]!);
    else log.tell(i as Instant, `n${i}`, i - 1, { kind: 'warning', code: 'NO_NEA', about: `${i}` });
  }
  t.is(log.length, 10_000);
  for (const event of log.events()) {
    const i = event.id;
    t.is(event.at, i as Instant);
    t.is(event.cause, i - 1);
    if (event.kind === 'frame')
      t.deepEqual([...event.bytes, event.arrives], [i >> 8, i & 255, 2 * i]);
    if (event.kind === 'drop') t.is(event.reason, reasonList[i % reasonList.length]!);
    if (event.kind === 'warning') t.is(event.about, `${i}`);
  }
});

test('ports without a cable are told apart', (t) => {
  const log = new EventLog('decisions');
  const frame = new FrameMemory().allocate(20);
  const loose = [named(-1, 'x.eth0'), named(-1, 'y.eth0')];
  for (const port of [...loose, ...loose]) log.drop(0 as Instant, port, frame, 'LINK_DOWN');
  t.deepEqual(
    [...log.events()].map((event) => event.kind === 'drop' && `${event.node} ${event.port}`),
    ['x x.eth0', 'y y.eth0', 'x x.eth0', 'y y.eth0'],
  );
});

/** Two hosts, a switch, a ping with a scenario's step behind it. */
function scene(level: LogLevel): { log: EventLog; step: number } {
  const log = new EventLog(level);
  const lan = new Lan({ log });
  const center = new Switch('s', 3);
  const hosts = ['a', 'b', 'c'].map((name, i) => {
    const host = lan.host(name, [`10.0.0.${i + 1}/24`]);
    lan.connect(host.ports[0]!, center.ports[i]!);
    return host;
  });
  const step = log.tell(lan.now, 'lab', -1, { kind: 'step', number: 1, title: 'ping', line: 3 });
  const payload = new Payload(new Uint8Array(8));
  hosts[0]!.icmp.listeners.set(1, {
    reply: (_source, sequence, ttl, frame, now) =>
      void log.tell(now, 'a', frame.cause, {
        kind: 'probe',
        probe: 1,
        protocol: 'ping',
        what: 'answered',
        sequence,
        to: '10.0.0.2',
        value: ttl,
      }),
    failed: () => {
      throw new Error('the ping failed');
    },
  });
  hosts[0]!.icmp.sendEcho(ipv4('10.0.0.2'), 1, 1, payload, lan.now, lan.simulation, step);
  lan.run(seconds(1));
  lan.simulation.drop(hosts[1]!.ports[0]!, lan.simulation.frames.allocate(14), 'MALFORMED');
  return { log, step };
}

test('levels leave out what they should: bytes first, then hops, drops and tables, never a step or a probe', (t) => {
  const count = (level: LogLevel): Record<string, number> => {
    const kinds: Record<string, number> = {};
    for (const { kind } of scene(level).log.events()) kinds[kind] = (kinds[kind] ?? 0) + 1;
    return kinds;
  };
  const full = count('full');
  t.deepEqual(count('decisions'), full);
  t.true(full['frame']! > 5 && full['flood'] === 1 && full['drop'] === 1);
  t.true(full['neighbour']! >= 4 && full['switch-entry'] === 2 && full['address'] === 3);
  t.deepEqual(count('verdicts'), { step: 1, probe: 1 });
  for (const event of scene('decisions').log.events())
    if (event.kind === 'frame' || event.kind === 'flood' || event.kind === 'drop') {
      t.is(event.bytes.length, 0);
      t.true(event.length > 0);
    }
  const quiet = new EventLog('verdicts');
  const facts: Fact[] = [
    { kind: 'path-mtu', ip: '10.0.0.1', mtu: 1400 },
    { kind: 'power', state: 'on' },
  ];
  for (const fact of facts) t.is(quiet.tell(0 as Instant, 'x', -1, fact), -1);
  t.is(quiet.length, 0);
});

test('causes lead from an answer back to the question, and to the step that asked it', (t) => {
  for (const level of ['full', 'decisions'] as const) {
    const { log, step } = scene(level);
    const [answered] = [...log.facts(['probe'])];
    const chain: string[] = [];
    for (let id = answered!.id; id >= 0; id = log.causeOf(id)) {
      const event = log.read(id);
      chain.push(
        event.kind === 'frame' ? `${event.from}>${event.to}` : `${event.node} ${event.kind}`,
      );
    }
    // The echo reply came through the switch; the request had waited for ARP at its sender.
    t.deepEqual(chain, [
      'a probe',
      's.port1>a.eth0',
      'b.eth0>s.port2',
      's.port2>b.eth0',
      'a.eth0>s.port1',
      'lab step',
    ]);
    t.is(log.read(step).kind, 'step');
    // The ARP reply goes back to the flooded question, and that to the ping.
    const flood = [...log.events()].find(({ kind }) => kind === 'flood')!;
    const reply = [...log.events()].find(
      (event) => event.kind === 'frame' && event.from === 'b.eth0',
    )!;
    t.is(reply.cause, flood.id);
    t.is(log.causeOf(flood.cause), step);
  }
});

test('handles that share bytes keep their own causes, batched or not', (t) => {
  for (const batching of [true, false]) {
    const lan = new Lan({ batching });
    const center = new Switch('s', 4);
    const asker = new Raw('asker');
    lan.connect(asker.port, center.ports[0]!);
    for (const [i, name] of ['x', 'y', 'z'].entries()) {
      const host = lan.host(name, []);
      const on = lan.adapter(host, '');
      // All three have the address that is asked for.
      host.addAddress(on, prefix('10.0.0.9/24'), 'static', lan.now, lan.simulation);
      lan.connect(on.port!, center.ports[i + 1]!);
    }
    lan.inject(
      asker,
      hex(
        'ffffffffffff020000000099 0806 0001080006040001 020000000099 0a000001 000000000000 0a000009',
      ),
    );
    lan.run();
    const events = [...lan.log.events()];
    const replies = events.flatMap((event) =>
      event.kind === 'frame' && /^[xyz]/.test(event.from) ? [event] : [],
    );
    t.is(replies.length, 3);
    for (const reply of replies) {
      const cause = lan.log.read(reply.cause);
      if (batching) t.is(cause.kind, 'flood');
      else
        t.is(
          cause.kind === 'frame' && cause.to,
          reply.from,
          'the copy that came here, not another',
        );
    }
    t.is(new Set(replies.map(({ cause }) => cause)).size, batching ? 1 : 3);
    t.is(asker.got.length, 3);
  }
});
