/** Steps one after another: what they bring about, what they are called, and runs that do not get to their end. */
import test from 'ava';
import { type Instant, seconds } from '../../src/base/time.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import { Switch } from '../../src/device/switch.ts';
import type { LabPlan } from '../../src/lab/lab.ts';
import { play } from '../../src/scenario/play.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { SimBackend, type SimLab } from '../../src/sim/backend.ts';
import { gigabit } from '../../src/sim/link.ts';
import { jsonLines } from '../../src/trace/json-lines.ts';
import { EventLog } from '../../src/trace/log.ts';
import { type RunResult, tally, verdictOfRun } from '../../src/trace/result.ts';
import { type Mac, mac } from '../../src/wire/address.ts';
import { expectations, inWords, played, scenarios } from '../playing.ts';

const first = (overlay: string): Scenario => scenarios('01-partial-static.yaml', overlay)[0]!;

test('every step is called what a person would call it, unless it has a name', async (t) => {
  const titles: Record<string, string> = {
    '{ failover: { vms: [sql01] } }': 'failover: sql01 to its latest restore point',
    '{ failover: { vms: [sql01], restore_point: 2 } }': 'failover: sql01 to restore point 2',
    '{ failover: { vms: [sql01, web01], restore_point: latest } }':
      'failover: sql01, web01 to their latest restore points',
    '{ undo: { vms: [sql01] } }': 'undo failover: sql01',
    '{ failback: { vms: [sql01] } }': 'failback: sql01',
    '{ failback: { vms: [sql01], switch: manual } }': 'failback: sql01, switching later',
    '{ failback: { vms: [sql01], switch: 10m, by: provider } }':
      'failback: sql01, switching after 10m, by the provider',
    '{ switch: { vms: [sql01] } }': 'switch to production: sql01',
    '{ commit_failback: { vms: [sql01] } }': 'commit failback: sql01',
    '{ undo_failback: { vms: [sql01] } }': 'undo failback: sql01',
    '{ permanent: { vms: [sql01] } }': 'permanent failover: sql01',
    '{ reconnect: { vms: [sql01] } }': 'reconnect: sql01',
    '{ replicate: { vms: [sql01, web01] } }': 'replicate: sql01, web01',
    '{ set: { vm: sql01, ip: 10.0.10.21 } }': 'set: sql01 has the address 10.0.10.21',
    '{ fault: { power_on: sql01-replica } }': 'fault: sql01-replica is switched on',
    '{ fault: { power_off: sql01-replica } }': 'fault: sql01-replica loses power',
    '{ wait: 90s }': 'wait 90s',
    '{ fault: { power_off: sql01 } }': 'fault: sql01 loses power',
    '{ fault: { power_on: nea-hq } }': 'fault: nea-hq is switched on',
    '{ fault: { link_down: gw1 } }': 'fault: the cable of gw1 is pulled',
    '{ fault: { link_up: gw1 } }': 'fault: the cable of gw1 is plugged in again',
    '{ fault: { block: udp/6180 } }': 'fault: udp/6180 is blocked at all cloud gateways',
    '{ fault: { unblock: { at: gw1, ports: [udp/6180, tcp/6180] } } }':
      'fault: udp/6180, tcp/6180 are open again at gw1',
    '{ fault: { drop: { at: internet, loss: 30% } } }': 'fault: internet loses 30% of all frames',
    '{ fault: { drop: { at: lan10, loss: 0% } } }': 'fault: lan10 loses no frames any more',
    '{ fault: { delay: { at: plan10, latency: 20ms } } }': 'fault: plan10 has a latency of 20ms',
    '{ fault: { mtu: { at: web01, mtu: 1300 } } }':
      'fault: web01 carries packets of at most 1300 bytes',
    '{ predict: { ask: "Can it be reached?", choices: [a, b], answer: a } }':
      'predict: Can it be reached?',
    '{ name: the end, wait: 1s }': 'the end',
  };
  const steps = Object.keys(titles).map((step) => `  - ${step}\n`);
  const { steps: built } = first(
    `steps:\n${steps.join('')}  - expect: [{ ping: web01 -> sql01 }]\n`,
  );
  t.deepEqual(
    built.map(({ title }) => title),
    [...Object.values(titles), 'expect'],
  );
});

test('every probe is called what a person would call it', (t) => {
  const titles: Record<string, string> = {
    '{ ping: web01 -> sql01, via: [nea-hq, gw1], within: 3s }':
      'ping web01 -> sql01 via nea-hq, gw1 within 3s',
    '{ ping: web01 -> sql01, size: 1400, count: 3 }': 'ping web01 -> sql01 of 1400 bytes 3 times',
    '{ ping: web01 -> 10.0.10.20, fails: STALE_ARP, last_hop: web01 }':
      'ping web01 -> 10.0.10.20 fails with STALE_ARP at web01',
    '{ ping: web01 -> sql01, fails: any }': 'ping web01 -> sql01 fails',
    '{ tcp: web01 -> sql01:1433, bytes: 1000 }': 'tcp web01 -> sql01:1433 with 1000 bytes',
    'udp: web01 -> sql01:53': 'udp web01 -> sql01:53',
    'arp: { at: web01, ip: 10.0.10.20, answered_by: nea-hq, replies: 1 }':
      'arp at web01: 10.0.10.20 answered by nea-hq with 1 reply',
    '{ arp: { at: web01, ip: 10.0.10.20, replies: ">= 2" }, within: 5s }':
      'arp at web01: 10.0.10.20 with >= 2 replies within 5s',
    'lease: { vm: sql01, from: hq.gateway }': 'lease of sql01 from hq.gateway',
    '{ state: { sql01: failover, tunnel.lan10: up, power.web01: running }, within: 1m }':
      'state: sql01 is failover, tunnel.lan10 is up, web01 is running within 1m',
    'operation: success': 'operation: success',
    '{ operation: failed, because: VCD_ADAPTER_LIMIT }':
      'operation: failed because of VCD_ADAPTER_LIMIT',
    'warning: NO_NEA': 'warning: NO_NEA',
    'capture: { at: tunnel.lan10, filter: udp port 67, packets: 0 }':
      'capture at tunnel.lan10: 0 packets of "udp port 67"',
    '{ outage: web01 -> sql01, at_most: 60s }': 'outage web01 -> sql01 at most 60s',
    'not: { ping: web01 -> sql01 }': 'not: ping web01 -> sql01',
    '{ name: the database answers, ping: web01 -> sql01 }': 'the database answers',
  };
  const probes = Object.keys(titles).map((probe) => `      - ${probe}\n`);
  const [step] = first(`steps:\n  - expect:\n${probes.join('')}`).steps;
  const built = step!.kind === 'expect' ? step!.probes.map(({ title }) => title) : [];
  t.deepEqual(built, Object.values(titles));
});

test('what a step brought about is told once, and an operation in words of its own', async (t) => {
  const { result } = await played(
    first(`steps:
  - fault: { power_off: sql01 }
  - name: the disaster
    fault: { link_down: web01 }
  - failover: { vms: [sql01] }
  - predict: { ask: "Why?", choices: [a, b], answer: b }
  - wait: 2s
  - undo: { vms: [sql01] }
`),
  );
  const told = result.steps.map(({ happened }) =>
    happened.map(({ kind, text }) => `${kind}: ${text}`),
  );
  t.deepEqual(told[0], []);
  t.deepEqual(told[1], ['note: the cable of web01 is pulled']);
  t.is(
    told[2]!.filter((line) => /^note: \d\. /.test(line)).length,
    8,
    'the eight documented steps',
  );
  t.regex(told[2]!.at(-1)!, /^success: failover of sql01, after \d+(\.\d)? s$/);
  t.deepEqual(told[3], ['note: answer: b']);
  t.deepEqual(told[4], []);
  t.regex(told[5]!.at(-1)!, /^success: undo failover of sql01, after \d+(\.\d)? s$/);
  const at = result.steps.map((step) => step.at / 1e9);
  t.deepEqual(at.slice(0, 3), [15, 15, 15]);
  t.is(at[5]! - at[4]!, 2, 'the wait took its time');
});

test('only the steps and probes of a case happen, and each keeps its number in the file', async (t) => {
  const cases = scenarios('17-vcd-networks.yaml', 'tags: [vcd]');
  t.deepEqual(
    cases.map(({ case: name, steps }) => [name, steps.map(({ number }) => number)]),
    [
      ['org_networks=9', [1, 2, 3]],
      ['org_networks=10', [2, 4]],
    ],
  );
  for (const one of cases) t.is(verdictOfRun((await played(one)).result), 'met', one.case);
  const [nine] = scenarios(
    '17-vcd-networks.yaml',
    `steps:
  - expect:
      - { when: org_networks > 9, ping: web01 -> 10.0.10.99 }
      - { when: org_networks <= 9, ping: web01 -> sql01 }
`,
  );
  t.deepEqual(
    expectations(await played(nine!)).map(({ text, verdict }) => [text, verdict]),
    [['ping web01 -> sql01', 'met']],
  );
});

const busy = `steps:
  - expect: [{ ping: web01 -> sql01 }]
  - fault: { power_off: sql01 }
  - expect: [{ ping: web01 -> sql01, fails: any }, { ping: web01 -> hq.gateway }]
  - wait: 1h
  - expect: [{ state: { sql01: ready } }]
`;

test('a run that is broken off leaves the rest not checked, and what was under way too', async (t) => {
  const whole = await played(first(busy));
  t.is(verdictOfRun(whole.result), 'met');
  const before = [...whole.log.facts(['step'])].find(({ number }) => number === 3)!;
  // In the middle of the minute that a failure has to outlast: it must not pass for want of time.
  const { result, log } = await played(first(busy), { eventsMax: before.id + 40 });
  t.deepEqual(
    expectations({ result } as typeof whole).map(({ verdict, detail }) => [verdict, detail]),
    [
      ['met', expectations(whole)[0]!.detail],
      ['not-checked', 'the run was broken off'],
      ['not-checked', 'the run was broken off before'],
      ['not-checked', 'the run was broken off before'],
    ],
  );
  t.is(result.brokenOff, 'BUDGET_EXCEEDED');
  t.is(verdictOfRun(result), 'not-checked');
  const told = result.steps.flatMap(({ happened }) =>
    happened.filter(({ code }) => code === 'BUDGET_EXCEEDED'),
  );
  t.is(told.length, 1, 'it is told where it happened, once');
  t.is([...log.facts(['verdict'])].length, 4);
});

test('a run broken off after its last expectation has not passed either', async (t) => {
  const overlay = `steps:
  - expect: [{ ping: web01 -> sql01 }]
  - fault: { power_off: sql01 }
  - failover: { vms: [sql01] }
`;
  const whole = await played(first(overlay));
  t.is(verdictOfRun(whole.result), 'met');
  const step = [...whole.log.facts(['step'])].find(({ number }) => number === 3)!;
  const { result } = await played(first(overlay), { eventsMax: step.id });
  t.is(tally(expectations({ result } as typeof whole)).met, 1);
  t.is(verdictOfRun(result), 'not-checked');
});

test('a budget that is used up before anything begins checks nothing', async (t) => {
  const run = await played(first(busy), { eventsMax: 1 });
  t.true(expectations(run).every(({ verdict }) => verdict === 'not-checked'));
});

test('verdicts are in the log, in their order and with their lines', async (t) => {
  const run = await played(
    first('steps: [{ expect: [{ ping: web01 -> sql01 }, { ping: web01 -> 10.0.10.99 }] }]'),
  );
  t.deepEqual(
    [...run.log.facts(['verdict'])].map(({ expectation, verdict, because, line }) => [
      expectation,
      verdict,
      because,
      line,
    ]),
    expectations(run).map(({ text, verdict, detail, line }) => [text, verdict, detail, line]),
  );
});

test('breathing between events changes nothing', async (t) => {
  const lines = async (breathe?: () => Promise<void>): Promise<string[]> => {
    const wait = first(
      'steps: [{ wait: 2h }, { expect: [{ outage: web01 -> sql01, at_most: 1s }] }]',
    );
    return [...jsonLines((await played(wait, breathe && { breathe })).log)];
  };
  let breaths = 0;
  const calm = await lines(async () => void (breaths += 1));
  t.true(breaths > 0);
  t.true((await lines()).join() === calm.join());
});

test('faults on one line add up, and those in one network of the provider leave the others alone', async (t) => {
  const overlay = `provider: { hardware_plan: { networks: { plan11: { vlan: 113 } } } }
steps:
  - fault: { power_off: sql01 }
  - failover: { vms: [sql01] }
  - expect: [{ ping: web01 -> sql01 }]
  - fault: { drop: { at: plan11, loss: 100% } }
  - expect: [{ ping: web01 -> sql01 }]
  - fault: { drop: { at: plan10, loss: 100% } }
  - fault: { delay: { at: plan10, latency: 5ms } }
  - expect: [{ not: { ping: web01 -> sql01 } }]
  - fault: { drop: { at: plan10, loss: 0% } }
  - expect: [{ ping: web01 -> sql01, within: 20s }, { ping: web01 -> sql01 }]
`;
  const all = expectations(await played(first(overlay)));
  t.deepEqual(
    all.map(({ verdict }) => verdict),
    ['met', 'met', 'met', 'met', 'met'],
    all.map(inWords).join('\n'),
  );
  const took = Number(/after ([\d.]+) ms/.exec(all.at(-1)!.detail)![1]);
  t.true(took > 60, `two crossings of 5 ms each way: ${took} ms`);
});

test('a fault in a network of an org VDC reaches it, though its host has no name', async (t) => {
  const [nine] = scenarios(
    '17-vcd-networks.yaml',
    `steps:
  - fault: { power_off: sql01 }
  - failover: { vms: [sql01] }
  - expect: [{ ping: web01 -> sql01, via: [sp-nea, net01] }, { ping: web01 -> sql01, via: [net02] }]
  - fault: { drop: { at: net02, loss: 100% } }
  - expect: [{ ping: web01 -> sql01 }]
  - fault: { drop: { at: net01, loss: 100% } }
  - expect: [{ not: { ping: web01 -> sql01 } }]
`,
  );
  const all = expectations(await played(nine!));
  t.deepEqual(
    all.map(({ verdict }) => verdict),
    ['met', 'broken', 'met', 'met'],
    all.map(inWords).join('\n'),
  );
  t.regex(all[1]!.detail, /but not through net02/);
});

test('DHCP-7: a VM that leases addresses reaches the clients of another network through the router, and its neighbours as it is', async (t) => {
  const site = (dhcp: string) => `tenant:
  sites:
    hq:
      networks: { lan20: { subnet: 10.0.20.0/24, gateway: 10.0.20.1 } }
      dhcp: { server: dhcp01, ${dhcp} }
      vms:
        dhcp01: { network: lan20, ip: 10.0.20.5 }
        app01: { network: lan20, ip: 10.0.20.6 }`;
  const across = first(`${site('network: lan10, pool: 10.0.10.60-10.0.10.69, relay: true')}
        web01: { ip: dhcp }
steps:
  - expect:
      - lease: { vm: web01, from: dhcp01 }
      - ping: web01 -> app01
      - capture: { at: lan20, filter: udp port 67, packets: ">= 4" }
`);
  t.is(verdictOfRun((await played(across)).result), 'met');
  const beside = first(`${site('network: lan20, pool: 10.0.20.60-10.0.20.69')}
        app02: { network: lan20, ip: dhcp }
steps:
  - expect:
      - lease: { vm: app02, from: dhcp01 }
      - ping: app02 -> web01
`);
  t.is(verdictOfRun((await played(beside)).result), 'met');
});

/** A network of the scenario with two more switches behind it; after half a minute there are two cables between those. */
class Looped extends SimBackend {
  readonly #spanningTree: boolean;

  constructor(spanningTree: boolean) {
    super({ crypto: nodeCrypto, eventsMax: 20_000 });
    this.#spanningTree = spanningTree;
  }

  override async start(plan: LabPlan, log: EventLog): Promise<SimLab> {
    const lab = await super.start(plan, log);
    const { simulation, network } = lab;
    const [left, right] = ['left', 'right'].map((name, i) => {
      const bridge = { priority: 0x8000, mac: (mac('02:00:00:00:01:00') + i) as Mac };
      return new Switch(name, 3, this.#spanningTree ? { spanningTree: { bridge } } : {});
    }) as [Switch, Switch];
    simulation.connect(network.switches.get('lan10')!.addPort(), left.ports[0]!, gigabit);
    for (const i of [1, 2]) simulation.connect(left.ports[i]!, right.ports[i]!, gigabit);
    simulation.setLink(left.ports[2]!, false);
    const plug = (): void => simulation.setLink(left.ports[2]!, true);
    simulation.at(seconds(30) as number as Instant, { run: plug });
    for (const one of [left, right]) one.start(simulation.now, simulation);
    return lab;
  }
}

test('SW-10: a run that a broadcast storm has broken off names its links; with a spanning tree (SW-9) there is none', async (t) => {
  const scenario = first(`steps:
  - expect: [{ ping: web01 -> sql01 }]
  - wait: 60s
  - expect: [{ ping: web01 -> 10.0.10.99, fails: ARP_UNANSWERED }]
`);
  const run = async (spanningTree: boolean): Promise<RunResult> =>
    (await play(scenario, new Looped(spanningTree), new EventLog('decisions'))).result;
  const broken = await run(false);
  t.is(broken.brokenOff, 'BUDGET_EXCEEDED');
  const said = 'broadcast storm on the links left.port2 – right.port2, left.port3 – right.port3';
  t.is(broken.brokenOffBy, said);
  t.deepEqual(
    broken.steps.flatMap(({ happened }) => happened.map(({ text }) => text)),
    [`broken off: ${said}`],
  );
  const quiet = await run(true);
  t.is(verdictOfRun(quiet), 'met');
  t.false('brokenOffBy' in quiet);
});
