/** Every kind of fault: what becomes of frames, what the log and the explanation say, and how it ends. */
import test, { type ExecutionContext } from 'ava';
import type { FrameDropped, TraceEvent } from '../../src/trace/event.ts';
import type { Reason } from '../../src/trace/reasons.ts';
import { expectations, inWords, played, scenarios } from '../playing.ts';
import { found, scenario } from './memory.ts';

type Run = Awaited<ReturnType<typeof played>>;

const failover = '  - fault: { power_off: sql01 }\n  - failover: { vms: [sql01] }\n';

/** The flagship with other steps, each a line of YAML. */
async function run(steps: readonly string[], before = '', more = ''): Promise<Run> {
  const lines = steps.map((step) => `  - ${step}\n`).join('');
  const [one] = scenarios('01-partial-static.yaml', `${more}steps:\n${before}${lines}`);
  return played(one!);
}

const allMet = (t: ExecutionContext, { result }: Run): void => {
  for (const step of result.steps)
    for (const one of step.expectations) t.is(one.verdict, 'met', inWords(one));
};

function faultsOf({ log }: Run): Extract<TraceEvent, { kind: 'fault' }>[] {
  return [...log.facts(['fault'])];
}

const dropsOf = ({ log }: Run, reason: Reason): FrameDropped[] =>
  [...log.events()]
    .filter((event) => event.kind === 'drop')
    .filter((drop) => drop.reason === reason);

/** A ping that fails while the fault lasts, and is answered when it has been ended. */
interface Row {
  readonly fault: string;
  /** As the log has it: kind, target, direction. */
  readonly told: readonly [string, string, string?];
  readonly ping: string;
  readonly code: Reason;
  /** How frames end because of it, if not by that name, and where. */
  readonly ends?: Reason;
  readonly at: RegExp;
  readonly says: RegExp;
  readonly end: string;
  readonly before?: string;
}

const behind = (what: string): RegExp => new RegExp(`; it is the fault in line \\d+: ${what}$`);

const rows: Record<string, Row> = {
  'a cable is pulled': {
    fault: 'link_down: sql01',
    told: ['link_down', 'sql01'],
    ping: 'sql01 -> web01',
    code: 'LINK_DOWN',
    at: /^sql01\.eth0$/,
    says: /^the cable of sql01 is pulled/,
    end: 'link_up: sql01',
  },
  'a switch port is turned off': {
    fault: 'port_off: sql01',
    told: ['port_off', 'sql01'],
    ping: 'sql01 -> web01',
    code: 'LINK_DOWN',
    at: /^sql01\.eth0$/,
    says: /^the switch has turned off the port of sql01/,
    end: 'port_on: sql01',
  },
  'a machine turns its adapter off': {
    fault: 'interface_down: sql01',
    told: ['interface_down', 'sql01'],
    ping: 'web01 -> sql01',
    code: 'INTERFACE_DOWN',
    at: /^sql01\.eth0$/,
    says: /^sql01 has turned its own adapter off/,
    end: 'interface_up: sql01',
  },
  'what a machine would send ends there, where its adapter is off': {
    fault: 'interface_down: sql01',
    told: ['interface_down', 'sql01'],
    ping: 'sql01 -> web01',
    code: 'INTERFACE_DOWN',
    at: /^sql01\.eth0$/,
    says: /^sql01 has turned its own adapter off/,
    end: 'mend: sql01',
  },
  'the switch of a network loses power': {
    fault: 'power_off: lan10',
    told: ['power_off', 'lan10'],
    ping: 'web01 -> sql01',
    code: 'LINK_DOWN',
    at: /^web01\.eth0$/,
    says: /^the switch of lan10 is off/,
    end: 'power_on: lan10',
  },
  'the router of a site loses power': {
    fault: 'power_off: hq.gateway',
    told: ['power_off', 'hq.gateway'],
    ping: 'web01 -> gw1',
    code: 'POWERED_OFF',
    at: /^hq\.gateway\./, // while it starts
    says: /^hq\.gateway, through which it has to pass, is switched off$/,
    end: 'power_on: hq.gateway',
  },
  'a cloud gateway loses power': {
    before: failover,
    fault: 'power_off: gw1',
    told: ['power_off', 'gw1'],
    ping: 'web01 -> sql01',
    code: 'POWERED_OFF',
    at: /^gw1\./, // while it starts
    says: /^gw1, through which it has to pass, is switched off$/,
    end: 'power_on: gw1',
  },
  'a network swallows frames': {
    fault: 'black_hole: { at: lan10 }',
    told: ['black_hole', 'lan10', 'both'],
    ping: 'web01 -> sql01',
    code: 'BLACK_HOLE',
    at: /^(web01|sql01)\.eth0$/,
    says: behind('black_hole at lan10'),
    end: 'mend: lan10',
  },
  'what a machine sends is lost': {
    fault: 'drop: { at: web01, loss: 100%, direction: out }',
    told: ['drop', 'web01', 'out'],
    ping: 'web01 -> sql01',
    code: 'LINK_LOSS',
    at: /^web01\.eth0$/,
    says: behind('drop at web01, direction out'),
    end: 'drop: { at: web01, loss: 0%, direction: out }',
  },
  'what comes to a machine is lost': {
    fault: 'drop: { at: web01, loss: 100%, direction: in }',
    told: ['drop', 'web01', 'in'],
    ping: 'web01 -> sql01',
    code: 'LINK_LOSS',
    at: /^lan10\.web01$/,
    says: behind('drop at web01, direction in'),
    end: 'mend: web01',
  },
  'the line of a site swallows what comes in': {
    fault: 'black_hole: { at: hq.internet, direction: in }',
    told: ['black_hole', 'hq.internet', 'in'],
    ping: 'web01 -> gw1',
    code: 'BLACK_HOLE',
    at: /^internet\.hq\.gateway$/,
    says: behind('black_hole at hq\\.internet, direction in'),
    end: 'mend: hq.internet',
  },
  'the line of a cloud gateway swallows what comes in': {
    fault: 'black_hole: { at: gw1.internet, direction: in }',
    told: ['black_hole', 'gw1.internet', 'in'],
    ping: 'web01 -> gw1',
    code: 'BLACK_HOLE',
    at: /^internet\.gw1$/,
    says: behind('black_hole at gw1\\.internet, direction in'),
    end: 'mend: gw1.internet',
  },
  'a network of the provider swallows what comes in': {
    before: failover,
    fault: 'black_hole: { at: plan10, direction: in }',
    told: ['black_hole', 'plan10', 'in'],
    ping: 'sql01 -> web01',
    code: 'BLACK_HOLE',
    at: /^sql01-replica\.eth0$/,
    says: behind('black_hole at plan10, direction in'),
    end: 'mend: plan10',
  },
  'frames are spoiled': {
    fault: 'corrupt: { at: web01, share: 100%, direction: in }',
    told: ['corrupt', 'web01', 'in'],
    ping: 'web01 -> sql01',
    code: 'LINK_CORRUPTION',
    ends: 'ICMP_CHECKSUM',
    at: /^web01\.eth0$/,
    says: behind('corrupt at web01, direction in'),
    end: 'mend: web01',
  },
  'only small packets get through': {
    fault: 'mtu: { at: web01, mtu: 83, direction: out }',
    told: ['mtu', 'web01', 'out'],
    ping: 'web01 -> sql01',
    code: 'FRAME_TOO_LONG',
    at: /^web01\.eth0$/,
    says: behind('mtu at web01, direction out'),
    end: 'mtu: { at: web01, mtu: 1500, direction: out }',
  },
  'a firewall closes a protocol to a machine': {
    fault: 'block: { at: sql01, ports: [icmp] }',
    told: ['block', 'icmp at sql01', 'in'],
    ping: 'web01 -> sql01',
    code: 'FIREWALL_BLOCKED',
    at: /^sql01\.eth0$/,
    says: /sql01 blocks it; it is the fault in line \d+: block icmp at sql01, direction in$/,
    end: 'unblock: { at: sql01, ports: [icmp] }',
  },
  'a firewall closes a protocol from a machine': {
    fault: 'block: { at: web01, ports: [icmp], direction: out }',
    told: ['block', 'icmp at web01', 'out'],
    ping: 'web01 -> sql01',
    code: 'FIREWALL_BLOCKED',
    at: /^web01\.eth0$/,
    says: /web01 blocks it; it is the fault in line \d+: block icmp at web01, direction out$/,
    end: 'unblock: { at: web01, ports: [icmp], direction: out }',
  },
};

for (const [title, row] of Object.entries(rows)) {
  test(`${title}: ${row.code}, until it is ended`, async (t) => {
    const { fault, told, ping, code, ends = code, at, says, end, before = '' } = row;
    const steps = [
      `expect: [{ ping: ${ping} }]`,
      `fault: { ${fault} }`,
      `expect: [{ ping: ${ping}, fails: ${code} }]`,
      `fault: { ${end} }`,
      `expect: [{ ping: ${ping}, within: 3m }]`,
    ];
    const done = await run(steps, before);
    allMet(t, done);
    const begins = done.result.steps.at(-4)!;
    const fact = faultsOf(done).find(({ line }) => line === begins.line)!;
    t.deepEqual([fact.fault, fact.target, fact.direction], [told[0], told[1], told[2]]);
    const drops = dropsOf(done, ends).filter((drop) => drop.at >= begins.at);
    t.true(drops.length > 0 || code === 'POWERED_OFF');
    t.deepEqual(
      drops.filter(({ port }) => !at.test(port)).map(({ port }) => port),
      [],
    );
    t.regex(expectations(done).at(-2)!.why!, says);
  });
}

/** Two networks with a tunnel each, over one line. */
async function runTwo(steps: readonly string[]): Promise<Run> {
  const lines = steps.map((step) => `  - ${step}\n`).join('');
  const before =
    '  - fault: { power_off: sql01 }\n  - fault: { power_off: erp01 }\n' +
    '  - failover: { vms: [sql01, erp01] }\n';
  const listens = 'tenant: { sites: { hq: { vms: { web01: { listen: [udp/53] } } } } }';
  const overlay = `matrix: { blocked: [none] }\n${listens}\nsteps:\n${before}${lines}`;
  const [one] = scenarios('10-two-networks-one-tenant.yaml', overlay);
  return played(one!);
}

test('a fault at a tunnel hits its packets, and nothing else on the line or at its appliance', async (t) => {
  const done = await runTwo([
    'expect: [{ ping: web01 -> sql01 }, { ping: app01 -> erp01 }]',
    'fault: { black_hole: { at: tunnel.lan10 } }',
    'expect: [{ ping: web01 -> sql01, fails: BLACK_HOLE }, { ping: app01 -> erp01 }, { ping: web01 -> gw1 }, { ping: web01 -> nea-10 }, { udp: nea-10 -> web01:53 }]',
    'fault: { mend: tunnel.lan20 }',
    'expect: [{ ping: web01 -> sql01, fails: BLACK_HOLE }]',
    'fault: { mend: tunnel.lan10 }',
    'expect: [{ ping: web01 -> sql01, within: 60s }]',
  ]);
  allMet(t, done);
  t.is(faultsOf(done).find(({ fault }) => fault === 'black_hole')!.target, 'tunnel.lan10');
  const drops = dropsOf(done, 'BLACK_HOLE');
  t.deepEqual([...new Set(drops.map(({ port }) => port))].sort(), ['lan10.nea-10', 'nea-10.eth0']);
  for (const { why } of expectations(done).filter(({ code }) => code === 'BLACK_HOLE'))
    t.regex(why!, behind('black_hole at tunnel\\.lan10'));
});

test('a fault at a tunnel is one of its own beside that of its appliance, and is mended by itself', async (t) => {
  const done = await runTwo([
    'expect: [{ ping: web01 -> sql01 }]',
    'fault: { delay: { at: tunnel.lan10, latency: 100ms, direction: out } }',
    'fault: { delay: { at: nea-10, latency: 30ms, direction: out } }',
    'expect: [{ ping: web01 -> sql01, rtt: ">= 170ms" }, { ping: web01 -> nea-10, rtt: "<= 31ms" }]',
    'fault: { mend: tunnel.lan10 }',
    'expect: [{ ping: web01 -> sql01, rtt: "<= 110ms" }, { ping: web01 -> nea-10, rtt: ">= 30ms" }]',
    'fault: { black_hole: { at: nea-10, direction: out } }',
    'expect: [{ ping: web01 -> nea-10, fails: BLACK_HOLE }]',
    'fault: { black_hole: { at: tunnel.lan10 } }',
    'fault: { mend: tunnel.lan10 }',
    'expect: [{ ping: web01 -> nea-10, fails: BLACK_HOLE, within: 5s }]',
    'fault: { mend: nea-10 }',
    'expect: [{ ping: web01 -> sql01, within: 60s, rtt: "<= 60ms" }]',
  ]);
  allMet(t, done);
  for (const { why } of expectations(done).filter(({ code }) => code === 'BLACK_HOLE'))
    t.regex(why!, behind('black_hole at nea-10, direction out'));
});

test('less bandwidth and smaller packets in a tunnel: of its datagrams alone', async (t) => {
  // 1000 bytes in headers of 28 are 1028, to a multiple of 16 are 1040; with 32 of WireGuard, 28, 14 and 4 they
  // are 1118: 139.75 ms at 64 kbit/s, there.
  const done = await runTwo([
    'expect: [{ ping: web01 -> sql01, size: 1000, rtt: "<= 60ms" }]',
    'fault: { rate: { at: tunnel.lan10, rate: 64kbit, direction: out } }',
    'expect: [{ ping: web01 -> sql01, size: 1000, rtt: ">= 179ms", within: 4s }, { ping: web01 -> gw1, size: 1000, rtt: "<= 41ms" }]',
    'fault: { mend: tunnel.lan10 }',
    'fault: { mtu: { at: tunnel.lan10, mtu: 1099 } }',
    'expect: [{ ping: web01 -> sql01, size: 1000, fails: FRAME_TOO_LONG }, { ping: web01 -> gw1, size: 1400 }]',
    'fault: { mtu: { at: tunnel.lan10, mtu: 1100 } }',
    'expect: [{ ping: web01 -> sql01, size: 1000 }]',
  ]);
  allMet(t, done);
});

test('a fault at a tunnel that is not there yet waits for it, whoever carries it', async (t) => {
  for (const [file, from, to] of [
    ['01-partial-static.yaml', 'web01 -> sql01', 'web01 -> gw1'],
    ['17-vcd-ipsec-vpn.yaml', 'web01 -> sql01', 'web01 -> hq.gateway'],
    ['17-vcd-edge-gateway.yaml', 'web01 -> sql01', 'web01 -> hq.gateway'],
  ] as const) {
    const steps = [
      'fault: { black_hole: { at: tunnel.lan10 } }',
      'fault: { power_off: sql01 }',
      'failover: { vms: [sql01] }',
      `expect: [{ ping: ${from}, fails: BLACK_HOLE, within: 20s }, { ping: ${to} }]`,
      'fault: { mend: tunnel.lan10 }',
      `expect: [{ ping: ${from}, within: 60s }]`,
    ];
    const [one] = scenarios(file, `steps:\n${steps.map((step) => `  - ${step}\n`).join('')}`);
    const done = await played(one!);
    allMet(t, done);
  }
});

test('a fault at a network of the provider hits it on every host of a cluster', async (t) => {
  const cluster = `provider:
  hardware_plan: { hosts: [esx-dr1, esx-dr2] }
replication:
  job1: { host: esx-dr2 }
`;
  for (const [at, port] of [
    ['plan10', /^sql01-replica\.eth0$/],
    ['esx-dr2.plan10', /^sql01-replica\.eth0$/],
    ['esx-dr1.plan10', /^sp-nea\.eth1$/],
  ] as const) {
    const done = await run(
      [
        'expect: [{ ping: web01 -> sql01 }]',
        `fault: { black_hole: { at: ${at}, direction: in } }`,
        'expect: [{ ping: sql01 -> web01, fails: BLACK_HOLE }]',
        `fault: { mend: ${at} }`,
        'expect: [{ ping: sql01 -> web01, within: 20s }]',
      ],
      failover,
      cluster,
    );
    allMet(t, done);
    for (const drop of dropsOf(done, 'BLACK_HOLE')) t.regex(drop.port, port);
  }
});

test('a replica is a machine like any other: it can be reached, watched and broken by its name', async (t) => {
  const done = await run(
    [
      'expect: [{ state: { power.sql01-replica: running } }]',
      'expect: [{ ping: sql01-replica -> web01, via: [sp-nea, nea-hq] }, { ping: web01 -> sql01-replica, via: [nea-hq, sp-nea] }]',
      'fault: { link_down: sql01-replica }',
      'expect: [{ ping: web01 -> sql01, fails: LINK_DOWN }]',
      'fault: { link_up: sql01-replica }',
      'expect: [{ ping: web01 -> sql01, within: 70s }, { capture: { at: sql01-replica, filter: icmp, packets: ">= 2" } }]',
      'fault: { power_off: sql01-replica }',
      'expect: [{ ping: web01 -> sql01, fails: POWERED_OFF }, { state: { sql01: failover, power.sql01-replica: stopped } }]',
    ],
    failover,
  );
  allMet(t, done);
});

test('a site without power: nothing there can be switched on until it is back, and then what ran starts by itself', async (t) => {
  const done = await run(
    [
      'fault: { power_off: spare }',
      'fault: { power_off: hq }',
      'expect: [{ state: { power.web01: stopped, power.sql01: stopped, power.hq.gateway: stopped } }]',
      'fault: { power_on: web01 }',
      'fault: { power_on: nea-hq }',
      'wait: 2m',
      'expect: [{ state: { power.web01: stopped, power.nea-hq: stopped } }]',
      'fault: { power_off: hq }', // it stays so, and what ran is not forgotten
      'fault: { power_on: hq }',
      'expect: [{ state: { power.web01: running, power.sql01: running, power.spare: stopped, power.nea-hq: stopped }, within: 2m }]',
      'expect: [{ ping: web01 -> sql01, within: 20s }, { ping: web01 -> gw1, within: 20s }]',
    ],
    '',
    'tenant: { sites: { hq: { vms: { spare: { network: lan10, ip: 10.0.10.12 } } } } }\n',
  );
  allMet(t, done);
});

test('a host without power takes its replicas and its appliance with it, and nobody else', async (t) => {
  const two = `provider:
  hardware_plan: { hosts: [esx-dr1, esx-dr2] }
`;
  for (const host of ['esx-dr1', 'esx-dr2']) {
    const done = await run(
      [
        `fault: { power_off: ${host} }`,
        `expect: [{ state: { power.sql01-replica: ${host === 'esx-dr2' ? 'stopped' : 'running'}, power.sp-nea: ${host === 'esx-dr1' ? 'stopped' : 'running'} } }]`,
        'undo: { vms: [sql01] }',
        'failover: { vms: [sql01] }',
        'expect: [{ operation: failed, because: OPERATION_STEP_FAILED }, { state: { sql01: ready } }]',
        `fault: { power_on: ${host} }`,
        'undo: { vms: [sql01] }',
        'failover: { vms: [sql01] }',
        'expect: [{ operation: success }, { ping: web01 -> sql01, via: [nea-hq, sp-nea], within: 5s }]',
      ],
      failover,
      `${two}replication: { job1: { host: esx-dr2 } }\n`,
    );
    allMet(t, done);
  }
});

test('a fault at the line of one site leaves that of another alone', async (t) => {
  const branch = `tenant:
  sites:
    branch:
      networks: { lan20: { subnet: 10.0.20.0/24, gateway: 10.0.20.1 } }
      vms: { app01: { network: lan20, ip: 10.0.20.11 } }
`;
  const done = await run(
    [
      'fault: { black_hole: { at: hq.internet } }',
      'expect: [{ ping: app01 -> gw1 }, { ping: web01 -> gw1, fails: BLACK_HOLE }]',
    ],
    '',
    branch,
  );
  allMet(t, done);
});

test('a delay of a direction is added once, of both twice', async (t) => {
  const done = await run([
    'expect: [{ ping: web01 -> sql01 }]',
    'fault: { delay: { at: web01, latency: 50ms, direction: in } }',
    'expect: [{ ping: web01 -> sql01, rtt: ">= 50ms" }, { not: { ping: web01 -> sql01, rtt: ">= 51ms" } }]',
    'fault: { delay: { at: web01, latency: 50ms } }',
    'expect: [{ ping: web01 -> sql01, rtt: ">= 100ms" }, { not: { ping: web01 -> sql01, rtt: ">= 101ms" } }]',
    'fault: { mend: web01 }',
    'expect: [{ ping: web01 -> sql01, rtt: "<= 1ms" }]',
  ]);
  allMet(t, done);
});

test('less bandwidth: a large packet takes as long as its bits', async (t) => {
  // 1400 bytes in headers of 28, 14 and 4 are 1446: 180.75 ms at 64 kbit/s, there and back.
  const done = await run([
    'expect: [{ ping: web01 -> sql01, size: 1400, rtt: "<= 1ms" }]',
    'fault: { rate: { at: web01, rate: 64kbit } }',
    'expect: [{ ping: web01 -> sql01, size: 1400, rtt: ">= 361.5ms", within: 4s }]',
  ]);
  allMet(t, done);
});

/** Sequence numbers of a ping's answers, and how long each took, in milliseconds. */
function answersOf({ log }: Run): { readonly sequence: number; readonly took: number }[] {
  const probes = [...log.facts(['probe'])];
  const last = probes.at(-1)!.probe;
  const mine = probes.filter(({ probe }) => probe === last);
  return mine
    .filter(({ what }) => what === 'answered')
    .map(({ sequence, at }) => {
      const sent = mine.find((one) => one.what === 'sent' && one.sequence === sequence)!;
      return { sequence, took: (at - sent.at) / 1e6 };
    });
}

test('jitter: every packet takes longer by another amount, and by no more', async (t) => {
  const done = await run([
    'expect: [{ ping: web01 -> sql01 }]',
    'fault: { jitter: { at: web01, by: 100ms, direction: out } }',
    'expect: [{ ping: web01 -> sql01, count: 20 }]',
  ]);
  allMet(t, done);
  const took = answersOf(done).map((answer) => answer.took);
  t.true(took.every((ms) => ms < 101));
  t.true(Math.max(...took) - Math.min(...took) > 50, 'of 20 spread over 100 ms');
});

test('duplication: what was sent once is answered twice', async (t) => {
  const done = await run([
    'expect: [{ ping: web01 -> sql01 }]',
    'fault: { duplicate: { at: sql01, share: 100%, direction: in } }',
    'expect: [{ ping: web01 -> sql01 }, { capture: { at: sql01, filter: "icmp[icmptype] == icmp-echoreply", direction: out, packets: 2 } }]',
  ]);
  allMet(t, done);
});

test('reordering: what is held back is overtaken', async (t) => {
  const done = await run([
    'expect: [{ ping: web01 -> sql01 }]',
    'fault: { reorder: { at: web01, share: 50%, by: 1500ms, direction: out } }',
    'expect: [{ ping: web01 -> sql01, count: 12, within: 20s }]',
  ]);
  allMet(t, done);
  const order = answersOf(done).map(({ sequence }) => sequence);
  t.notDeepEqual(
    order,
    order.toSorted((a, b) => a - b),
  );
});

test('of the cable, the port and the adapter each must be in order', async (t) => {
  const ping = (fails = ''): string => `expect: [{ ping: web01 -> sql01, within: 70s${fails} }]`;
  const done = await run([
    'fault: { link_down: sql01 }',
    'fault: { port_off: sql01 }',
    'fault: { link_up: sql01 }',
    ping(', fails: LINK_DOWN'),
    'fault: { interface_down: sql01 }',
    'fault: { port_on: sql01 }',
    ping(', fails: INTERFACE_DOWN'),
    'fault: { interface_up: sql01 }',
    ping(),
  ]);
  allMet(t, done);
});

test('a switch tells a pulled cable from an adapter that is off: it keeps what it learned of the second', async (t) => {
  for (const [fault, removed] of [
    ['link_down', 1],
    ['port_off', 1],
    ['interface_down', 0],
  ] as const) {
    const done = await run(['expect: [{ ping: web01 -> sql01 }]', `fault: { ${fault}: sql01 }`]);
    const forgotten = [...done.log.facts(['switch-entry'])].filter(
      ({ change }) => change === 'removed',
    );
    t.is(forgotten.length, removed, fault);
  }
});

test('an adapter that was turned off is on again after a restart', async (t) => {
  const done = await run([
    'fault: { interface_down: sql01 }',
    'fault: { power_off: sql01 }',
    'fault: { power_on: sql01 }',
    'expect: [{ ping: web01 -> sql01, within: 60s }]',
  ]);
  allMet(t, done);
});

test('what a firewall was told outlasts the restart of its machine', async (t) => {
  const done = await run([
    'fault: { block: { at: gw1, ports: [icmp] } }',
    'fault: { power_off: gw1 }',
    'fault: { power_on: gw1 }',
    'expect: [{ state: { power.gw1: running }, within: 20s }, { ping: web01 -> gw1, fails: FIREWALL_BLOCKED, within: 3s }]',
    'fault: { power_off: gw1 }',
    'expect: [{ state: { power.gw1: stopped } }]',
  ]);
  allMet(t, done);
});

test('the VPN daemon of an appliance hangs, of either: nothing crosses, until it goes on', async (t) => {
  for (const at of ['nea-hq', 'sp-nea']) {
    const done = await run(
      [
        `fault: { hang: { at: ${at}, daemon: vpn, network: lan10 } }`,
        'expect: [{ ping: web01 -> sql01, fails: DAEMON_HUNG }]',
        `fault: { resume: { at: ${at}, daemon: vpn } }`,
        'expect: [{ ping: web01 -> sql01, within: 3m }]',
      ],
      failover,
    );
    allMet(t, done);
    const drops = dropsOf(done, 'DAEMON_HUNG');
    t.true(drops.length > 10);
    t.true(drops.every(({ node }) => node === at));
    t.regex(expectations(done).at(-2)!.why!, new RegExp(`^the VPN daemon of ${at} hangs, while`));
    t.like(faultsOf(done).at(-2), { fault: 'hang', target: at, daemon: 'vpn' });
  }
});

test('the proxy-ARP daemon of an appliance hangs: nobody new finds the replica, and nobody old for long', async (t) => {
  const done = await run(
    [
      'fault: { hang: { at: nea-hq, daemon: proxy_arp } }',
      'expect: [{ arp: { at: web01, ip: 10.0.10.20, replies: 0 } }, { ping: web01 -> sql01, fails: DAEMON_HUNG }]',
      'fault: { mend: nea-hq }',
      'expect: [{ arp: { at: web01, ip: 10.0.10.20, answered_by: nea-hq } }, { ping: web01 -> sql01 }]',
    ],
    failover,
  );
  allMet(t, done);
});

test('what an operation tells a daemon that hangs starts it anew', async (t) => {
  const done = await run(
    [
      'fault: { hang: { at: nea-hq, daemon: vpn } }',
      'fault: { hang: { at: nea-hq, daemon: proxy_arp } }',
      'undo: { vms: [sql01] }',
      'failover: { vms: [sql01] }',
      'expect: [{ operation: success }, { ping: web01 -> sql01, via: [nea-hq], within: 5s }]',
    ],
    failover,
  );
  allMet(t, done);
});

const dhcp = (vms = ''): string => `tenant:
  sites:
    hq:
      dhcp: { network: lan10, server: hq.gateway, pool: 10.0.10.100-10.0.10.120, lease: 1h }
      ${vms}
`;

test('the DHCP server hangs: its router runs, and nobody gets a lease', async (t) => {
  const done = await run(
    [
      'fault: { hang: { at: hq.gateway, daemon: dhcp } }',
      'fault: { power_on: guest }',
      'expect: [{ not: { lease: { vm: guest }, within: 60s } }, { ping: web01 -> hq.gateway }]',
      'expect: [{ ping: guest -> web01, fails: NO_ADDRESS, within: 2s }]',
      'fault: { resume: { at: hq.gateway, daemon: dhcp } }',
      'expect: [{ lease: { vm: guest }, within: 6m }]',
    ],
    '',
    dhcp('vms: { guest: { network: lan10, ip: dhcp, running: false } }'),
  );
  allMet(t, done);
  t.regex(expectations(done).at(-2)!.why!, /: the DHCP server of hq\.gateway hangs$/);
  t.true(dropsOf(done, 'DAEMON_HUNG').every(({ node }) => node === 'hq.gateway'));
  t.true(dropsOf(done, 'DAEMON_HUNG').length > 0);
});

test('a changed password makes an appliance inoperative until it is redeployed', async (t) => {
  const done = await run(
    [
      'fault: { nea_password: nea-hq }',
      'undo: { vms: [sql01] }', // it can be switched off without a password
      'expect: [{ operation: success }, { warning: APPLIANCE_PASSWORD }]',
      'failover: { vms: [sql01] }',
      'expect: [{ operation: failed, because: APPLIANCE_PASSWORD }, { state: { sql01: ready } }]',
      'fault: { redeploy: nea-hq }',
      'failover: { vms: [sql01] }',
      'expect: [{ operation: success }, { ping: web01 -> sql01, via: [nea-hq], within: 5s }]',
    ],
    failover,
  );
  allMet(t, done);
});

test('an appliance that its backup server cannot reach fails the operation, and the next succeeds', async (t) => {
  for (const [fault, end] of [
    ['block: { at: nea-hq, ports: [tcp/22] }', 'unblock: { at: nea-hq, ports: [tcp/22] }'],
    ['block: { at: sp-nea, ports: [icmp] }', 'unblock: { at: sp-nea, ports: [icmp] }'],
    ['link_down: nea-hq', 'link_up: nea-hq'],
    ['port_off: nea-hq', 'port_on: nea-hq'],
  ]) {
    const done = await run([
      'fault: { power_off: sql01 }',
      `fault: { ${fault} }`,
      'failover: { vms: [sql01] }',
      'expect: [{ operation: failed, because: APPLIANCE_UNREACHABLE }, { state: { sql01: ready } }]',
      `fault: { ${end} }`,
      'failover: { vms: [sql01] }',
      'expect: [{ operation: success }, { ping: web01 -> sql01, via: [nea-hq], within: 5s }]',
    ]);
    allMet(t, done);
  }
});

test('an appliance that does not answer a ping of the tenant is configured all the same', async (t) => {
  const done = await run(
    [
      'expect: [{ operation: success }, { ping: web01 -> nea-hq, fails: FIREWALL_BLOCKED, within: 3s }]',
    ],
    `  - fault: { block: { at: nea-hq, ports: [icmp] } }\n${failover}`,
  );
  allMet(t, done);
});

const byDhcp = dhcp('appliances: { nea-hq: { ip: dhcp } }');

test('an appliance loses its lease: it gets another address, and its tunnel goes on from there', async (t) => {
  const done = await run(
    [
      'expect: [{ ping: web01 -> sql01 }]',
      'fault: { lose_lease: nea-hq }',
      'expect: [{ ping: web01 -> sql01, via: [nea-hq], within: 60s }, { state: { tunnel.lan10: up } }]',
    ],
    failover,
    byDhcp,
  );
  allMet(t, done);
  const addresses = [...done.log.facts(['address'])].filter(
    ({ node, origin }) => node === 'nea-hq' && origin === 'dhcp',
  );
  t.deepEqual(
    addresses.map(({ change, ip }) => [change, ip]),
    [
      ['added', '10.0.10.100'],
      ['removed', '10.0.10.100'],
      ['added', '10.0.10.101'],
    ],
  );
});

test('an appliance that loses its lease and gets no other cannot be told anything', async (t) => {
  const done = await run(
    [
      'fault: { hang: { at: hq.gateway, daemon: dhcp } }',
      'fault: { lose_lease: nea-hq }',
      'expect: [{ ping: web01 -> sql01, fails: NO_ADDRESS }]',
      'expect: [{ state: { tunnel.lan10: failed }, within: 5m }]',
      'undo: { vms: [sql01] }',
      'expect: [{ operation: success }, { warning: APPLIANCE_UNREACHABLE }]',
    ],
    failover,
    byDhcp,
  );
  allMet(t, done);
  const [asked] = expectations(done).slice(-4);
  t.regex(asked!.why!, /^nea-hq, the appliance .* has no address: the DHCP server of hq\.gateway/);
});

test('a clock that is set back: every handshake is taken for a replay until it has caught up', async (t) => {
  const done = await run(
    [
      'fault: { clock_step: { at: nea-hq, by: 10m, direction: back } }',
      'wait: 4m', // a session lives for 3 minutes (REJECT-AFTER-TIME)
      'expect: [{ ping: web01 -> sql01, fails: WG_REPLAY }]',
      'wait: 6m',
      'expect: [{ ping: web01 -> sql01, within: 30s }]',
    ],
    failover,
  );
  allMet(t, done);
  const replays = dropsOf(done, 'WG_REPLAY');
  t.true(replays.length > 10);
  t.true(replays.every(({ node }) => node === 'sp-nea'));
  t.regex(
    expectations(done).at(-2)!.why!,
    /^the clock of nea-hq was set back, so the other end takes/,
  );
  t.is(faultsOf(done).at(-1)!.direction, 'back');
});

test('a clock that is set forward ends leases before their time', async (t) => {
  const done = await run(
    [
      'expect: [{ lease: { vm: guest } }]',
      'fault: { clock_step: { at: guest, by: 59m, direction: forward } }',
      'wait: 2s',
      'expect: [{ lease: { vm: guest }, within: 30s }]',
    ],
    '',
    dhcp('vms: { guest: { network: lan10, ip: dhcp } }'),
  );
  allMet(t, done);
  const { at } = faultsOf(done)[0]!;
  const states = [...done.log.facts(['lease'])].filter(
    (lease) => lease.node === 'guest' && lease.role === 'client' && lease.at >= at,
  );
  t.deepEqual(
    states.slice(0, 1).map(({ state }) => state),
    ['rebinding'],
    'T2 is at 7/8 of an hour',
  );
});

test('a fault that finds nothing to harm says so, and harms nothing', async (t) => {
  const done = await run(
    [
      'fault: { hang: { at: nea-hq, daemon: vpn } }', // it is off
      'fault: { lose_lease: guest }', // it has none yet
      'fault: { power_on: guest }',
      'fault: { power_off: sql01 }',
      'failover: { vms: [sql01] }',
      'expect: [{ operation: success }, { ping: web01 -> sql01 }, { not: { warning: FAULT_WITHOUT_EFFECT } }]',
      'fault: { power_off: nea-hq }',
      'fault: { hang: { at: nea-hq, daemon: proxy_arp } }',
      'expect: [{ warning: FAULT_WITHOUT_EFFECT }]',
    ],
    '',
    dhcp('vms: { guest: { network: lan10, ip: dhcp, running: false } }'),
  );
  allMet(t, done);
  const vain = [...done.log.facts(['warning'])].filter(
    ({ code }) => code === 'FAULT_WITHOUT_EFFECT',
  );
  t.deepEqual(
    vain.map(({ about }) => about),
    ['vpn of nea-hq', 'guest', 'proxy_arp of nea-hq'],
  );
  t.deepEqual(done.result.steps[0]!.happened, [
    {
      kind: 'warning',
      text: 'vpn of nea-hq: The fault found nothing to harm at that moment.',
      code: 'FAULT_WITHOUT_EFFECT',
    },
  ]);
});

test('check: a fault at what is not there', (t) => {
  const wrong = (fault: string, changes: Record<string, string> = {}): string[] =>
    found(
      scenario({
        ...changes,
        steps: `\n  - fault: { ${fault} }\n  - expect: [{ ping: web01 -> sql01 }]`,
      }),
    );
  const two = {
    tenant: `
  sites:
    hq:
      networks: { lan10: { subnet: 10.0.10.0/24, gateway: 10.0.10.1 }, lan20: { subnet: 10.0.20.0/24 } }
      vms: { web01: { network: lan10, ip: dhcp }, sql01: { network: lan10, ip: 10.0.10.20 }, app01: { network: lan20, ip: 10.0.20.2 } }
      appliances:
        nea-hq: { network: lan10, ip: 10.0.10.250 }
      dhcp: { network: lan10, server: hq.gateway, pool: 10.0.10.100-10.0.10.120, lease: 1h }
      #
      #`,
    provider: `
  gateways:
    gw1: { public_ip: 203.0.113.10 }
  hardware_plan: { hosts: [esx1, esx2], networks: { plan10: { vlan: 112 } } }`,
  };
  t.deepEqual(wrong('lose_lease: sql01'), ['E331 20:26 sql01']);
  t.deepEqual(wrong('lose_lease: sql01-replica'), ['E331 20:26 sql01-replica']);
  t.deepEqual(wrong('lose_lease: nea-hq'), ['E331 20:26 nea-hq']);
  t.deepEqual(wrong('lose_lease: web01', two), []);
  t.deepEqual(wrong('hang: { at: hq.gateway, daemon: dhcp }'), ['E331 20:26 hq.gateway']);
  t.deepEqual(wrong('hang: { at: hq.gateway, daemon: dhcp }', two), []);
  t.deepEqual(wrong('hang: { at: sql01, daemon: dhcp }', two), ['E331 19:26 sql01']);
  for (const at of ['nea-hq', 'sp-nea']) {
    t.deepEqual(wrong(`hang: { at: ${at}, daemon: vpn, network: lan10 }`, two), []);
    t.deepEqual(wrong(`hang: { at: ${at}, daemon: vpn, network: lan20 }`, two), [
      'E331 19:56 lan20',
    ]);
    t.deepEqual(wrong(`resume: { at: ${at}, daemon: vpn, network: lan20 }`, two), [
      'E331 19:58 lan20',
    ]);
  }
  t.deepEqual(wrong('hang: { at: nea-hq, daemon: proxy_arp }', { tunnel: '{ mode: l2-bridge }' }), [
    'E331 20:26 nea-hq',
  ]);
  for (const [how, missing] of [
    ['kernel', true],
    ['none', true],
    ['static', false],
    ['relay', false],
  ] as const) {
    const tenant = two.tenant.replace('.250 }', `.250, proxy_arp: ${how} }`);
    const blamed = missing ? ['E331 19:26 nea-hq'] : [];
    t.deepEqual(wrong('hang: { at: nea-hq, daemon: proxy_arp }', { ...two, tenant }), blamed);
    t.deepEqual(wrong('hang: { at: nea-hq, daemon: vpn }', { ...two, tenant }), []);
  }
  t.deepEqual(wrong('black_hole: { at: tunnel.lan10 }', two), []);
  t.deepEqual(wrong('black_hole: { at: tunnel.lan20 }', two), ['E331 19:32 tunnel.lan20']);
  t.deepEqual(wrong('mend: tunnel.lan20', two), ['E331 19:20 tunnel.lan20']);
  t.deepEqual(wrong('black_hole: { at: esx2.plan10 }', two), []);
  t.deepEqual(wrong('black_hole: { at: esx3.plan10 }', two), ['E303 19:32 esx3.plan10']);
  const meanwhile = `\n  - wait: 5s\n    meanwhile: [{ fault: { lose_lease: sql01 }, after: 1s }]\n  - expect: [{ ping: web01 -> sql01 }]`;
  t.deepEqual(found(scenario({ steps: meanwhile })), ['E331 21:40 sql01']);
});

test('check: what a fault cannot be at', (t) => {
  const wrong = (fault: string): string[] =>
    found(scenario({ steps: `\n  - fault: { ${fault} }\n  - expect: [{ ping: web01 -> sql01 }]` }));
  t.deepEqual(wrong('power_off: internet'), ['E303 20:25 internet']);
  t.deepEqual(wrong('power_off: plan10'), ['E303 20:25 plan10']);
  t.deepEqual(wrong('link_down: lan10'), ['E303 20:25 lan10']);
  t.deepEqual(wrong('mend: web01.internet'), ['E303 20:20 web01.internet']);
  t.deepEqual(wrong('drop: { at: lan1O, loss: 1% }'), ['E303 20:26 lan1O']);
  t.deepEqual(wrong('drop: { at: lan10 }'), ['E106 20:20 { at: lan10 }']);
  t.deepEqual(wrong('drop: { at: lan10, loss: 1%, direction: up }'), ['E210 20:54 up']);
  t.deepEqual(wrong('hang: { at: web01, daemon: vpn }'), ['E303 20:26 web01']);
  t.deepEqual(wrong('hang: { at: nea-hq, daemon: dhcp }'), ['E303 20:26 nea-hq']);
  t.deepEqual(wrong('hang: { at: nea-hq, daemon: ssh }'), ['E210 20:42 ssh']);
  t.deepEqual(wrong('redeploy: gw1'), ['E303 20:24 gw1']);
  t.deepEqual(wrong('lose_lease: hq.gateway'), ['E303 20:26 hq.gateway']);
  t.deepEqual(wrong('clock_step: { at: nea-hq, by: 1h }'), ['E106 20:26 { at: nea-hq, by: 1h }']);
  t.deepEqual(wrong('block: { at: sql01, ports: [gre] }'), ['E209 20:42 gre']);
});
