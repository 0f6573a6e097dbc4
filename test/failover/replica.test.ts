import test from 'ava';
import { after, labStart, seconds } from '../../src/base/time.ts';
import { adapterLimit, adaptersNeeded } from '../../src/failover/adapters.ts';
import type { ProtectedVm } from '../../src/failover/configuration.ts';
import { detectAddress, mapNetwork } from '../../src/failover/detection.ts';
import {
  allowed,
  type OperationName,
  operationNames,
  operations,
  type ReplicaState,
  refusal,
  replicaStates,
} from '../../src/failover/replica.ts';
import { RestorePoints } from '../../src/failover/restore-points.ts';
import { reasons } from '../../src/trace/reasons.ts';
import { vm } from './rig.ts';

/**
 * What the guides allow after a partial failover, written down a second time and by state, where
 * the program has it by operation: Veeam Cloud Connect guide, "Cloud Replica Failover and
 * Failback" ("While the replica is in the Failover state, you can undo failover, perform failback
 * or perform permanent failover"), "Permanent Failover" (after full site failover only), and the
 * menu of a replica in partial failover ("Reconnecting VPN Tunnel").
 */
const guide: Record<ReplicaState, OperationName[]> = {
  ready: ['replicate', 'failover', 'planned-failover'],
  processing: [],
  failover: ['undo-failover', 'failback', 'reconnect'],
  'failed-failover': ['undo-failover'],
  'ready-to-switch': ['switch'],
  failback: ['commit-failback', 'undo-failback'],
  'permanent-failover': [],
};

for (const state of replicaStates) {
  for (const operation of operationNames) {
    const may = guide[state].includes(operation);
    test(`a replica in state ${state} ${may ? 'may' : 'must not'} undergo ${operation}`, (t) => {
      const refused = refusal('sql01', state, operation);
      t.is(refused === undefined, may);
      if (refused === undefined) return;
      t.is(refused.because, 'WRONG_STATE');
      for (const word of ['sql01', `state ${state}`, operation, guide[state].join(', ')])
        t.true(refused.text.includes(word), `${refused.text} does not name ${word}`);
    });
  }
}

test('permanent failover ends a full site failover only, and only from failover', (t) => {
  for (const state of replicaStates) {
    t.false(allowed(state, 'permanent-failover', 'partial'));
    t.is(allowed(state, 'permanent-failover', 'full'), state === 'failover');
  }
});

test('every state leads back to ready, but the one that is meant to be final', (t) => {
  const home = new Set<ReplicaState>(['ready', 'processing']); // a run ends by itself
  for (const _ of replicaStates) {
    for (const { from, to } of Object.values(operations))
      if (home.has(to)) for (const state of from) home.add(state);
  }
  t.deepEqual(
    replicaStates.filter((state) => !home.has(state)),
    ['permanent-failover'],
  );
});

// Restore points

test('of a chain only so many points are kept, and names are never used twice', (t) => {
  const points = new RestorePoints(2, 5);
  t.deepEqual(
    points.all.map(({ number }) => number),
    [4, 5],
  );
  t.is(points.next.number, 6);
  t.is(points.add(labStart).number, 6);
  t.deepEqual(
    points.all.map(({ name }) => name),
    ['restore point 5', 'restore point 6'],
  );
});

test('the latest point, an earlier one, and none', (t) => {
  const points = new RestorePoints(3, 3);
  const choose = (choice: Parameters<typeof points.choose>[1]) => {
    const chosen = points.choose('sql01', choice);
    return 'number' in chosen ? chosen.number : chosen.because;
  };
  t.is(choose('latest'), 3);
  t.deepEqual(
    [0, 1, 2, 3, -1, 1.5, Number.NaN].map((back) => choose({ back })),
    [3, 2, 1, 'NO_RESTORE_POINT', 'NO_RESTORE_POINT', 'NO_RESTORE_POINT', 'NO_RESTORE_POINT'],
  );
  const none = new RestorePoints(3, 0).choose('sql01', 'latest');
  t.regex('text' in none ? none.text : '', /the latest .* sql01 has none/);
});

test('the closest prior to a moment is the last one made by then', (t) => {
  const points = new RestorePoints(3, 1);
  const at = (moment: number) => after(labStart, seconds(moment));
  points.add(at(100));
  points.add(at(200));
  const before = (moment: number) => {
    const chosen = points.choose('sql01', { before: at(moment) });
    return 'number' in chosen ? chosen.number : chosen.because;
  };
  t.deepEqual([99, 100, 199, 200, 5000].map(before), [1, 2, 2, 3, 3]);
  points.add(at(300)); // the first of them goes
  t.is(before(99), 'NO_RESTORE_POINT');
});

// Detection

const rows: [string, ProtectedVm, Record<string, string>, string | undefined, string, boolean][] = [
  [
    'Windows, static',
    vm('a', 'lan10', '10.0.10.20'),
    { lan10: 'p' },
    '10.0.10.20',
    'detection',
    false,
  ],
  ['Windows, static, no row', vm('a', 'lan10', '10.0.10.20'), {}, '10.0.10.20', 'detection', false],
  [
    'Linux, static, mapping row',
    vm('a', 'lan10', '10.0.10.20', { guest: 'linux' }),
    { lan10: 'p' },
    '10.0.10.20',
    'mapping row',
    true,
  ],
  [
    'Linux, static, a row for another network',
    vm('a', 'lan10', '10.0.10.20', { guest: 'linux' }),
    { lan20: 'p' },
    undefined,
    'nothing',
    true,
  ],
  [
    'any other, static, mapping row',
    vm('a', 'lan10', '10.0.10.20', { guest: 'strict' }),
    { lan10: 'p' },
    '10.0.10.20',
    'mapping row',
    true,
  ],
  [
    'Windows, DHCP',
    vm('a', 'lan10', '', { address: { kind: 'dhcp' } }),
    { lan10: 'p' },
    undefined,
    'nothing',
    true,
  ],
  [
    'Linux, DHCP, mapping row',
    vm('a', 'lan10', '', { guest: 'linux', address: { kind: 'dhcp' } }),
    { lan10: 'p' },
    undefined,
    'nothing',
    true,
  ],
];

const job = (mapping: Record<string, string>) => ({
  name: 'job1',
  vms: ['a'],
  mapping,
  restorePointsKept: 1,
  restorePoints: 1,
});

for (const [title, machine, mapping, address, by, warned] of rows) {
  test(`address detection: ${title}`, (t) => {
    t.deepEqual(detectAddress(machine, job(mapping)), { address, by, warned } as object);
  });
}

test('a job may find the addresses of all, or of nobody', (t) => {
  const windows = vm('a', 'lan10', '10.0.10.20');
  const linux = vm('a', 'lan10', '10.0.10.20', { guest: 'linux' });
  const by = (one: ProtectedVm, detects: 'windows' | 'all' | 'none') =>
    detectAddress(one, { ...job({}), detects }).by;
  t.deepEqual(
    (['windows', 'all', 'none'] as const).map((detects) => [
      by(windows, detects),
      by(linux, detects),
    ]),
    [
      ['detection', 'nothing'],
      ['detection', 'detection'],
      ['nothing', 'nothing'],
    ],
  );
});

test('networks pair off by themselves for Windows only, and only where there are equally many', (t) => {
  const lans = [
    { name: 'lan10', appliance: undefined },
    { name: 'lan20', appliance: undefined },
  ];
  const windows = vm('a', 'lan20', '10.0.20.1');
  const linux = vm('a', 'lan20', '10.0.20.1', { guest: 'linux' });
  t.is(mapNetwork(windows, job({}), lans, ['p1', 'p2']), 'p2');
  t.is(mapNetwork(windows, job({}), lans, ['p1', 'p2', 'p3']), undefined);
  t.is(mapNetwork(windows, job({ lan20: 'p1' }), lans, ['p1', 'p2']), 'p1');
  t.is(mapNetwork(linux, job({}), lans, ['p1', 'p2']), undefined);
  t.is(mapNetwork(linux, job({ lan20: 'p1' }), lans, ['p1']), 'p1');
});

// Adapters

test('one adapter for each network and one for management: at most ten on vSphere', (t) => {
  for (let count = 0; count <= 12; count += 1) {
    const networks = Array.from({ length: count }, (_, i) => `net${i}`);
    const on = { host: 'vdc', networks };
    t.is(adaptersNeeded(on), count + 1);
    t.is(adapterLimit(on, 'vsphere')?.because, count <= 9 ? undefined : 'VCD_ADAPTER_LIMIT');
    t.is(adapterLimit(on, 'hyper-v'), undefined);
  }
});

test('the codes that only the controller uses are in the catalogue, with a way out', (t) => {
  for (const code of [
    'WRONG_STATE',
    'TENANT_ONLY',
    'OPERATION_TIMEOUT',
    'OPERATION_STEP_FAILED',
    'ROLLBACK_INCOMPLETE',
    'REPLICATION_ON_HOLD',
  ] as const)
    t.true(reasons[code].remedy.length > 0);
});
