/** Operations of the life cycle as a scenario words them, played. */
import test, { type ExecutionContext } from 'ava';
import { expectations, inWords, played, scenarios } from '../playing.ts';

/** Plays steps in place of those of the flagship; everything that is expected must be so. */
async function holds(t: ExecutionContext, overlay: string) {
  const [scenario] = scenarios('01-partial-static.yaml', overlay);
  const run = await played(scenario!);
  const all = expectations(run);
  t.true(all.length > 0);
  t.deepEqual(
    all.filter(({ verdict }) => verdict !== 'met').map(inWords),
    [],
    all.map(inWords).join('\n'),
  );
  return run;
}

test('a planned failover leaves two restore points more than there were, up to what the job keeps', async (t) => {
  await holds(
    t,
    `replication: { job1: { restore_points: 3 } }
steps:
  - failover: { vms: [sql01], planned: true, restore_point: latest }
  - expect:
      - operation: success
      - state: { restore_points.sql01: 3, sql01: failover, connectivity.sql01: up }
        within: 10s
      - not: { warning: DUPLICATE_ADDRESS }
`,
  );
});

test('a guest that hangs is powered off after 15 minutes, and not before', async (t) => {
  const times: number[] = [];
  for (const shutdown of ['clean', 'hangs']) {
    const { log } = await holds(
      t,
      `tenant: { sites: { hq: { vms: { sql01: { shutdown: ${shutdown} } } } } }
steps:
  - failover: { vms: [sql01], planned: true }
  - expect: [{ operation: success }]
`,
    );
    const off = [...log.facts(['power'])].find(
      ({ node, state }) => node === 'sql01' && state === 'off',
    );
    times.push(off!.at / 1e9);
  }
  // 15 s of settling, 13 s of background, 30 s of replication; then 10 s, or 15 minutes and 1 s.
  t.deepEqual(
    times.map((at) => at - times[0]!),
    [0, 15 * 60 + 1 - 10],
  );
});

test('policies: the patience with a guest, and what becomes of appliances', async (t) => {
  const { log } = await holds(
    t,
    `tenant: { sites: { hq: { vms: { sql01: { shutdown: hangs } } } } }
policies: { shutdown: 60s, appliances_after_undo: leave_on }
steps:
  - failover: { vms: [sql01], planned: true }
  - undo: { vms: [sql01] }
  - expect:
      - state: { sql01: ready, power.nea-hq: running, power.sp-nea: running }
`,
  );
  const events = [...log.facts(['replication', 'power'])];
  const ran = events.find((one) => one.kind === 'replication' && one.state === 'run')!;
  const off = events.find(
    (one) => one.kind === 'power' && one.node === 'sql01' && one.state === 'off',
  )!;
  t.is((off.at - ran.at) / 1e9, 61);
});

test('policies: a network without an appliance fails the failover, or only warns', async (t) => {
  for (const [policy, operation] of [
    ['warn', 'operation: success'],
    ['fail', '{ operation: failed, because: NO_NEA }'],
  ])
    await holds(
      t,
      `tenant:
  sites: { hq: { networks: { lan20: { subnet: 10.0.20.0/24, gateway: 10.0.20.1 } }, vms: { db01: { network: lan20, ip: 10.0.20.5 } } } }
provider: { hardware_plan: { networks: { plan20: {} } } }
replication: { job2: { vms: [db01], network_mapping: { lan20: plan20 } } }
policies: { missing_nea: ${policy} }
steps:
  - failover: { vms: [db01] }
  - expect: [${operation}]
`,
    );
});

test('permanent failover after a partial one, where that is allowed: nothing can be undone, and nothing is replicated', async (t) => {
  await holds(
    t,
    `policies: { permanent_after_partial: allow }
steps:
  - fault: { power_off: sql01 }
  - failover: { vms: [sql01] }
  - permanent: { vms: [sql01] }
  - expect:
      - operation: success
      - state: { sql01: permanent_failover, restore_points.sql01: 0, delta.sql01: 0 }
      - { ping: web01 -> sql01, via: [nea-hq] }
  - replicate: { vms: [sql01] }
  - expect: [{ warning: REPLICATION_ON_HOLD }]
  - undo: { vms: [sql01] }
  - expect: [{ operation: failed, because: WRONG_STATE }]
`,
  );
});

test('failback switches by itself after a while', async (t) => {
  await holds(
    t,
    `steps:
  - fault: { power_off: sql01 }
  - failover: { vms: [sql01] }
  - failback: { vms: [sql01], switch: 10m }
  - expect:
      - state: { sql01: ready_to_switch }
  - wait: 599s
  - expect:
      - state: { sql01: ready_to_switch }
      - state: { sql01: failback }
        within: 3m
`,
  );
});

test('failback leaves production off where that was asked for', async (t) => {
  await holds(
    t,
    `steps:
  - fault: { power_off: sql01 }
  - failover: { vms: [sql01] }
  - failback: { vms: [sql01], power_on: false }
  - expect:
      - state: { sql01: failback, power.sql01: stopped }
`,
  );
});

test('A32: the schedule of a job makes restore points, skips what is failed over, and goes on after', async (t) => {
  const { log } = await holds(
    t,
    `replication: { job1: { every: 10m, first: 5m } }
steps:
  - wait: 10m
  - failover: { vms: [sql01] }
  - wait: 10m
  - expect: [{ warning: REPLICATION_ON_HOLD }]
  - undo: { vms: [sql01] }
  - wait: 10m
  - expect: [{ state: { sql01: ready } }]
`,
  );
  const runs = [...log.facts(['replication'])].filter(({ state }) =>
    ['started', 'skipped'].includes(state),
  );
  t.deepEqual(
    runs.map(({ state, at }) => [state, at / 60e9]),
    [
      ['started', 5],
      ['skipped', 15],
      ['started', 25],
    ],
  );
});

test('a replication run takes its time, and its VM is in processing meanwhile', async (t) => {
  await holds(
    t,
    `replication: { job1: { every: 60s } }
timings: { replication: 20s }
steps:
  - wait: 50s
  - expect:
      - state: { sql01: processing }
      - state: { sql01: ready }
        within: 15s
`,
  );
});

// Addresses: the guide, "Network Mapping for Cloud Replicas"

test('A35: a run finds the new address of a Windows VM; until then its replica has the old one', async (t) => {
  await holds(
    t,
    `steps:
  - set: { vm: sql01, ip: 10.0.10.21 }
  - wait: 10s
  - expect: [{ ping: web01 -> 10.0.10.21 }]
  - fault: { power_off: sql01 }
  - failover: { vms: [sql01] }
  - expect:
      - { ping: web01 -> 10.0.10.20, via: [nea-hq] }
      - arp: { at: web01, ip: 10.0.10.21, replies: 0 }
  - undo: { vms: [sql01] }
  - replicate: { vms: [sql01] }
  - failover: { vms: [sql01] }
  - expect:
      - { ping: web01 -> 10.0.10.21, via: [nea-hq] }
      - arp: { at: web01, ip: 10.0.10.20, replies: 0 }
`,
  );
});

test('a stale address: an older restore point boots with what it had, and the appliances stand in for what was found last', async (t) => {
  await holds(
    t,
    `steps:
  - set: { vm: sql01, ip: 10.0.10.21 }
  - replicate: { vms: [sql01] }
  - fault: { power_off: sql01 }
  - failover: { vms: [sql01], restore_point: 2 }
  - expect:
      - operation: success
      - arp: { at: web01, ip: 10.0.10.20, replies: 0 }
      - not: { ping: web01 -> 10.0.10.21 }
`,
  );
});

test('A35: for Linux the mapping row tells, the job warns at each run, and the registry silences it', async (t) => {
  for (const [policy, expectation] of [
    ['show', 'warning: NO_STATIC_IP_DETECTED'],
    ['silence', 'not: { warning: NO_STATIC_IP_DETECTED }'],
  ])
    await holds(
      t,
      `tenant: { sites: { hq: { vms: { sql01: { os: linux } } } } }
policies: { no_static_ip_warning: ${policy} }
steps:
  - fault: { power_off: sql01 }
  - failover: { vms: [sql01] }
  - expect:
      - ${expectation}
      - { ping: web01 -> sql01, via: [nea-hq] }
`,
    );
});

// "Avoid powering on a replica manually"

test('a replica that somebody switched on cannot be replicated to, until a failover is undone', async (t) => {
  await holds(
    t,
    `steps:
  - fault: { power_on: sql01-replica }
  - wait: 60s
  - fault: { power_off: sql01-replica }
  - failover: { vms: [sql01], planned: true }
  - expect:
      - { operation: failed, because: REPLICA_CHANGED }
      - state: { sql01: ready, power.sql01: running }
  - failover: { vms: [sql01] }
  - undo: { vms: [sql01] }
  - failover: { vms: [sql01], planned: true }
  - expect: [{ operation: success }]
`,
  );
});

test('a replica that somebody switched on beside one that is failed over finds its address taken by its own original', async (t) => {
  await holds(
    t,
    `tenant: { sites: { hq: { vms: { db01: { network: lan10, ip: 10.0.10.30, os: windows } } } } }
replication: { job1: { vms: [sql01, db01] } }
steps:
  - fault: { power_off: sql01 }
  - failover: { vms: [sql01] }
  - fault: { power_on: db01-replica }
  - wait: 60s
  - expect:
      - { ping: web01 -> db01, via: [lan10] }
  - replicate: { vms: [db01] }
  - expect: [{ warning: REPLICA_CHANGED }]
`,
  ).then(({ log }) => {
    const conflict = [...log.facts(['address'])].find(
      ({ node, change }) => node === 'db01-replica' && change === 'conflict',
    );
    t.is(conflict?.ip, '10.0.10.30');
  });
});

// What the gallery shows is not so without the mechanism

const takenAway: Record<string, readonly [file: string, overlay: string, breaks: RegExp]> = {
  'nobody announces the address': [
    '05-planned-failover-convergence.yaml',
    'tenant: { sites: { hq: { appliances: { nea-hq: { gratuitous_arp: down } } } } }',
    /^neighbour of hq.gateway/,
  ],
  'the failover is not planned': [
    '05-planned-failover-convergence.yaml',
    'replication: { job1: { restore_points: 6 } }',
    /restore_points.sql01 is 7/,
  ],
  'nobody notices that the tunnel is silent': [
    '14-tunnel-drop-reconnect.yaml',
    'tunnel: { keepalive: none }',
    /connectivity.sql01 is failed/,
  ],
  'the tenant appliance lets go late': [
    '20-undo-failover.yaml',
    'policies: { withdrawal: after_power_off }',
    /^capture at tunnel.lan10/,
  ],
  'the appliances stay on': [
    '20-undo-failover.yaml',
    'policies: { appliances_after_undo: leave_on }',
    /power.nea-hq|nea-hq is stopped/,
  ],
  'a partial failover may be made permanent': [
    '21-failback-commit-undo.yaml',
    'policies: { permanent_after_partial: allow }',
    /^operation: failed because of WRONG_STATE/,
  ],
  'nobody announces that production has its address again': [
    '21-failback-commit-undo.yaml',
    'tenant: { sites: { hq: { vms: { sql01: { os: linux } }, appliances: { nea-hq: { gratuitous_arp: up } } } } }',
    /^ping web01 -> sql01 via lan10/,
  ],
};

for (const [title, [file, overlay, breaks]] of Object.entries(takenAway)) {
  test(`${file} turns red if ${title}`, async (t) => {
    const [scenario] = scenarios(file, overlay);
    const all = expectations(await played(scenario!));
    const broken = all.filter(({ verdict }) => verdict === 'broken');
    t.true(broken.length > 0, all.map(inWords).join('\n'));
    t.regex(broken[0]!.text, breaks);
  });
}
