/** What is found without being asked: each invariant with a fault that breaks it, and with that mended. */
import test from 'ava';
import { hex } from '../../src/base/bytes.ts';
import { FrameMemory } from '../../src/base/frame.ts';
import { type Instant, seconds } from '../../src/base/time.ts';
import { Switch } from '../../src/device/switch.ts';
import { announcedWithin, Invariants } from '../../src/explain/invariants.ts';
import { type InvariantName, invariantNames } from '../../src/trace/invariants.ts';
import { EventLog, type LogLevel } from '../../src/trace/log.ts';
import { mac } from '../../src/wire/address.ts';
import { played, scenarios } from '../playing.ts';
import { shipped } from '../scenario/memory.ts';
import { cable, Lan } from '../sim/lan.ts';

const at = (s: number): Instant => seconds(s) as number as Instant;
const watching = { announcedWithin, isWitnessed: false };

const broken = (log: EventLog, now: Instant, isWitnessed = false) =>
  new Invariants(log, invariantNames, { ...watching, isWitnessed }).broken(now);

/** By file, the invariants that some case of it is expected to break. */
const provoked: Readonly<Record<string, readonly InvariantName[]>> = {
  '05-planned-failover-convergence.yaml': ['no_announcement'],
  '06-original-still-on.yaml': [
    'no_announcement',
    'proxy_for_own_side',
    'two_answers',
    'two_lives',
  ],
  '07-stale-arp-no-garp.yaml': ['no_announcement'],
  '08-proxy-answers-everything.yaml': ['proxy_for_own_side', 'two_answers'],
  '09-two-proxies-one-lan.yaml': ['two_answers'],
  '17-vcd-ipsec-vpn.yaml': ['no_announcement'],
  '19-mtu.yaml': ['silent_large_loss'],
  '20-replica-powered-on-by-hand.yaml': ['proxy_for_own_side', 'two_lives'],
  '22-full-site-failover-nat.yaml': ['two_lives'],
  '23-full-vs-partial-conflict.yaml': ['two_lives'],
  '24-l2-bridge-control-duplicate.yaml': ['proxy_for_own_side', 'two_answers', 'two_lives'],
  '24-l2-bridge-control.yaml': ['silent_large_loss'],
  '27-broadcast-storm.yaml': ['storm'],
  '27-routing-loop.yaml': ['loop'],
  '27-shared-vlan.yaml': ['foreign_tenant'],
};

// That nothing else is found in any of them is for `test/scenarios.test.ts`: such a run has not passed.
test('each invariant that a scenario can break is broken in the gallery, and where is known', (t) => {
  const expected = Object.entries(shipped).flatMap(([path, text]) => {
    const positive = text.replaceAll(/not: \{ finding: \w+ \}/g, '');
    const names = [...positive.matchAll(/finding: (\w+)/g)].map(([, name]) => name!);
    return names.length === 0
      ? []
      : [[path.replace('scenarios/', ''), [...new Set(names)].toSorted()] as const];
  });
  t.deepEqual(Object.fromEntries(expected), provoked as Record<string, InvariantName[]>);
  const shown = new Set(Object.values(provoked).flat());
  t.deepEqual(
    invariantNames.filter((name) => !shown.has(name)),
    ['drop_without_reason'],
    'which only a fault of Standin breaks',
  );
});

interface Planted {
  readonly file: string;
  readonly fault: string;
  readonly mend: string;
  readonly says: RegExp;
  readonly also?: readonly InvariantName[];
}

const failover = '{ failover: { vms: [sql01] } }';
const off = '{ fault: { power_off: sql01 } }';

const planted: Partial<Record<InvariantName, Planted>> = {
  two_answers: {
    file: '09-two-proxies-one-lan.yaml',
    fault: 'matrix: { second: [10.0.10.20] }',
    mend: 'matrix: { second: [10.0.10.77] }',
    says: /^10\.0\.10\.20 has more than one answer: old-nea \(\S+\) and nea-hq \(\S+\), as \w+\.eth0 hears$/,
  },
  proxy_for_own_side: {
    file: '08-proxy-answers-everything.yaml',
    fault: `matrix: { case: [subnet], include: [{ case: subnet, proxy_arp: static, scope: subnet }] }`,
    mend: `matrix: { case: [healthy], include: [{ case: healthy, proxy_arp: static, scope: as-told }] }`,
    says: /^nea-hq answers web01 for 10\.0\.10\.12, which desk01 has, in lan10 too$/,
    also: ['two_answers'],
  },
  two_lives: {
    file: '01-partial-static.yaml',
    fault: `steps: [${failover}, { wait: 30s }]\ntenant: { sites: { hq: { vms: { sql01: { os: linux } } } } }`,
    mend: `steps: [${off}, ${failover}, { wait: 30s }]\ntenant: { sites: { hq: { vms: { sql01: { os: linux } } } } }`,
    says: /^sql01-replica and sql01 are both on with 10\.0\.10\.20, sql01 since 0 s$/,
  },
  no_announcement: {
    file: '07-stale-arp-no-garp.yaml',
    fault: 'matrix: { announces: [none] }',
    mend: 'matrix: { announces: [both] }',
    says: /^nea-hq has taken over 10\.0\.10\.20 and nobody announced it within 5 s: web01 still sends to \S+$/,
  },
  loop: {
    file: '27-routing-loop.yaml',
    fault: 'matrix: { lets_through: [10.0.10.0/24] }',
    mend: 'matrix: { lets_through: [10.0.10.20/30] }',
    says: /^it goes round through [^:]*sp-nea[^:]*nea-hq: 10\.0\.10\.11 > 10\.0\.10\.20 ICMP echo request/,
  },
  storm: {
    file: '01-partial-static.yaml',
    fault: 'steps: [{ expect: [{ ping: web01 -> 10.0.10.255, within: 1s, count: 600 }] }]',
    mend: 'steps: [{ expect: [{ ping: web01 -> 10.0.10.255, within: 1s, count: 400 }] }]',
    says: /^more than 500 broadcasts of \S+ in a second at web01\.eth0$/,
  },
  foreign_tenant: {
    file: '27-shared-vlan.yaml',
    fault: '',
    mend: 'provider: { hardware_plans: { silver: { hosts: [esx-dr2], networks: { plan20: {} } } } }\ntenants: { beta: { hardware_plans: [silver], replication: { job: { network_mapping: { lan10: plan20 } } } } }',
    says: /^a frame of (acme|beta) \(\S+\) came to (acme|beta), at \S+$/,
  },
  silent_large_loss: {
    file: '19-mtu.yaml',
    fault: 'matrix: { pmtud: [false], mss_clamp: [true] }',
    mend: 'matrix: { pmtud: [true], mss_clamp: [false] }',
    says: /^nea-hq drops packets of 1301 bytes from web01 to 10\.0\.10\.20, too large for what comes next, and web01 is not told$/,
  },
};

for (const [name, { file, fault, mend, says, also = [] }] of Object.entries(planted)) {
  test(`${name}: found in ${file}, and not once that is mended`, async (t) => {
    const bad = await played(scenarios(file, fault)[0]!);
    const found = broken(bad.log, bad.lab.now);
    t.deepEqual(
      [...new Set(found.map(({ invariant }) => invariant))].toSorted(),
      [name, ...also].toSorted(),
    );
    const [first] = found.filter(({ invariant }) => invariant === name);
    t.regex(first!.text, says);
    t.true(first!.count >= 1 && first!.events.length > 0);
    for (const id of first!.events)
      t.true(bad.log.timeOf(id) <= first!.at, 'evidence comes before');
    const good = await played(scenarios(file, mend)[0]!);
    t.deepEqual(broken(good.log, good.lab.now), []);
  });
}

test('what is found at any moment is what had happened by then, however often it is asked', async (t) => {
  const { log, lab } = await played(
    scenarios('19-mtu.yaml', 'matrix: { pmtud: [false], mss_clamp: [true] }')[0]!,
  );
  const asked = new Invariants(log, invariantNames, watching);
  const first = asked.broken(lab.now)[0]!;
  t.deepEqual(asked.broken(lab.now)[0], first);
  t.deepEqual(asked.broken(lab.now), broken(log, lab.now));
});

test('an announcement may take as long as the file says', async (t) => {
  const patient = 'invariants: { no_announcement: { within: 60s } }';
  const [one] = scenarios('07-stale-arp-no-garp.yaml', `matrix: { announces: [none] }\n${patient}`);
  const { result } = await played(one!);
  t.deepEqual(result.findings, [], 'by then the neighbour has found out by itself');
});

test('without bytes the log still shows two answers, and two lives where it has facts', async (t) => {
  const [one] = scenarios(
    '24-l2-bridge-control-duplicate.yaml',
    'matrix: { mode: [proxy-arp-l3] }',
  );
  const names = async (level: LogLevel): Promise<string[]> => {
    const { log, lab } = await played(one!, { level });
    return [...new Set(broken(log, lab.now).map(({ invariant }) => invariant))].toSorted();
  };
  t.deepEqual(await names('decisions'), ['two_answers', 'two_lives']);
  t.deepEqual(await names('verdicts'), ['two_answers'], 'of what was asked');
});

// Two switches and two cables

const frame = hex('ffffffffffff 020000000001 88b5 00');

function ring(spanningTree: boolean): EventLog {
  const lan = new Lan();
  const made = ['left', 'right'].map((name, i) => {
    const bridge = { priority: 0x8000, mac: mac(`02:00:00:00:01:0${i}`) };
    return new Switch(name, 0, spanningTree ? { spanningTree: { bridge } } : {});
  });
  const near = lan.raw('near');
  lan.connect(near.port, made[0]!.addPort());
  for (let i = 0; i < 2; i += 1) lan.connect(made[0]!.addPort(), made[1]!.addPort(), cable);
  for (const one of made) one.start(lan.now, lan.simulation);
  if (spanningTree) lan.run(seconds(60));
  lan.inject(near, frame);
  lan.simulation.run((lan.now + seconds(1)) as Instant, undefined, 20_000);
  return lan.log;
}

test('loop and storm: a frame that two switches hand round; with a spanning tree nothing', (t) => {
  const log = ring(false);
  const found = broken(log, log.timeOf(log.length - 1));
  t.deepEqual(found.map(({ invariant }) => invariant).toSorted(), ['loop', 'storm']);
  t.regex(
    found.find(({ invariant }) => invariant === 'loop')!.text,
    /through (left, right|right, left): /,
  );
  const quiet = ring(true);
  t.deepEqual(broken(quiet, quiet.timeOf(quiet.length - 1)), []);
});

test('loop: acknowledgements that are alike, one because of the other, are none', (t) => {
  const lan = new Lan();
  const [a, b] = [lan.raw('a'), lan.raw('b')];
  lan.connect(a.port, b.port);
  const tcp = '45000029 0000 4000 40 06 0000 0a00000a 0a00000b 0050 0050 00000000 00000000 5010';
  let sent = 0;
  for (const [one, head] of [
    [a, '020000000002 020000000001 0800'],
    [b, '020000000001 020000000002 0800'],
  ] as const) {
    one.onFrame = (came, _now, sink) => {
      const number = one === a ? (++sent % 250).toString(16).padStart(2, '0') : '00';
      const back = sink.frames.from(hex(`${head} ${tcp} ${number}`));
      back.cause = came.cause;
      sink.send(one.port, back);
    };
  }
  lan.inject(a, hex(`020000000002 020000000001 0800 ${tcp} 00`));
  lan.simulation.run(at(1), undefined, 400);
  t.deepEqual(broken(lan.log, at(1)), []);
});

// Ends without a word

/** A log with machines `router` (10.0.10.1), `host` and a switch `lan`, and one frame to each of these. */
function silent(to: string, destination: string, end?: 'drop' | 'forward' | 'fact'): EventLog {
  const log = new EventLog('full');
  const frames = new FrameMemory();
  const port = (id: number, name: string) => ({ id, label: `${name}.eth0`, device: { name } });
  const [host, there] = [port(0, 'host'), port(1, to)];
  for (const [name, role] of [
    ['host', 'vm'],
    ['router', 'router'],
    ['lan', 'switch'],
  ] as const) {
    const fact = { tenant: '', vm: '', network: '', address: 'static', ip: '' } as const;
    log.tell(at(0), name, -1, { kind: 'machine', role, ...fact });
  }
  const own = { interface: 'eth0', ip: '10.0.10.1', length: 24, change: 'added' } as const;
  log.tell(at(0), 'router', -1, { kind: 'address', origin: 'static', ...own });
  const ip = `45000014 0001 4000 40 11 0000 0a000a0b ${destination}`;
  const sent = frames.from(hex(`020000000002 020000000001 0800 ${ip}`));
  sent.cause = -1;
  const id = log.frame(at(1), host, there, 1000, sent);
  sent.cause = id;
  if (end === 'drop') log.drop(at(1), there, sent, 'NO_ROUTE');
  if (end === 'forward') log.frame(at(1), there, host, 1000, sent);
  const entry = {
    interface: 'eth0',
    ip: '10.0.10.11',
    mac: '',
    state: 'stale',
    was: 'none',
  } as const;
  if (end === 'fact') log.tell(at(1), to, id, { kind: 'neighbour', ...entry });
  return log;
}

const reasons = (log: EventLog, now = at(60), isWitnessed = false): string[] =>
  broken(log, now, isWitnessed).map(({ invariant, text }) => `${invariant}: ${text}`);
const elsewhere = '0a000a63';
const itself = '0a000a01';

test('drop_without_reason: a frame that a switch or router swallows; not one that is dropped, sent on or kept', (t) => {
  for (const to of ['lan', 'router']) {
    t.regex(
      reasons(silent(to, elsewhere))[0]!,
      new RegExp(`^drop_without_reason: a frame came to ${to}\\.eth0 and nothing came of it: `),
    );
    t.is(reasons(silent(to, elsewhere, 'fact')).length, 1, 'to learn from it is no end of it');
    t.deepEqual(reasons(silent(to, elsewhere, 'drop')), []);
  }
  t.deepEqual(
    reasons(silent('lan', elsewhere, 'forward')).length,
    1,
    'the host it came back to, and no other',
  );
  t.deepEqual(reasons(silent('router', itself)), []);
  t.deepEqual(reasons(silent('router', elsewhere), at(10)), [], 'it may be waiting');
  t.deepEqual(reasons(silent('router', elsewhere), at(60), true), [], 'witnessed only');
});
