import test from 'ava';
import { after, labStart, seconds } from '../../src/base/time.ts';
import type { Decision } from '../../src/failover/decision.ts';
import type { VmOrder } from '../../src/failover/observation.ts';
import {
  allDone,
  briefs,
  configuration,
  failback,
  failover,
  finished,
  ofKind,
  order,
  planned,
  Rig,
  undo,
  vm,
  warned,
} from './rig.ts';

const minutes = (n: number) => seconds(60 * n);

/** Everybody runs when the story begins. */
const running = (policies = {}) =>
  new Rig(
    configuration(policies, {
      vms: [
        vm('sql01', 'lan10', '10.0.10.20', { powered: true }),
        vm('web01', 'lan10', '10.0.10.11', { powered: true }),
        vm('app01', 'lan20', '10.0.20.30', { powered: true }),
      ],
    }),
  );
const only = (decisions: readonly Decision[], ...words: string[]) =>
  briefs(decisions).filter((text) => words.some((word) => text.startsWith(word)));
const states = (decisions: readonly Decision[]) =>
  ofKind(decisions, 'replica-state').map(({ state }) => state);
const original = (rig: Rig, name: string) =>
  rig.controller.status().replicas.find((replica) => replica.vm === name)?.original;

// Planned failover: user guide, "Planned Failover"

test('planned: two runs with the shutdown of the original between them, then the failover', (t) => {
  const rig = running();
  const all = rig.order(planned('sql01'));
  t.deepEqual(briefs(all).slice(0, 6), [
    'run-replication sql01',
    'shut-down-original sql01',
    'run-replication sql01',
    'revert-snapshot sql01',
    'create-delta sql01',
    'power-on-replica sql01',
  ]);
  t.deepEqual(states(all), ['processing', 'ready', 'processing', 'ready', 'failover']);
  t.is(finished(all).operation, 'planned-failover');
  t.deepEqual(warned(all), []); // the original is off: no two owners of one address
  t.is(original(rig, 'sql01'), 'off');
});

test('planned: "creates two helper restore points": the replica runs from the second, and both are kept', (t) => {
  const rig = running();
  rig.order(planned('sql01'));
  const [status] = rig.controller.status().replicas;
  t.is(status!.restorePoint, 'restore point 5'); // there were three
  rig.order(undo('sql01'));
  t.deepEqual(rig.controller.status().replicas[0]!.restorePoints.slice(-2), [
    'restore point 4',
    'restore point 5',
  ]);
});

test('planned: "these VMs will be processed one by one" where one job replicates them', (t) => {
  const all = running().order(planned('sql01', 'app01'));
  const replicas = only(all, 'power-on-replica', 'shut-down-original', 'run-replication');
  t.deepEqual(replicas, [
    'run-replication sql01',
    'shut-down-original sql01',
    'run-replication sql01',
    'power-on-replica sql01',
    'run-replication app01',
    'shut-down-original app01',
    'run-replication app01',
    'power-on-replica app01',
  ]);
});

test('planned: VMs of two jobs go side by side', (t) => {
  const mapping = { lan10: 'plan10', lan20: 'plan20' };
  const job = (name: string, ...vms: string[]) => ({
    name,
    vms,
    mapping,
    restorePointsKept: 3,
    restorePoints: 3,
  });
  const jobs = [job('a', 'sql01'), job('b', 'web01', 'app01')];
  const all = new Rig(configuration({}, { jobs })).order(planned('sql01', 'app01'));
  t.deepEqual(only(all, 'run-replication', 'power-on-replica'), [
    'run-replication sql01',
    'run-replication app01',
    'run-replication sql01',
    'run-replication app01',
    'power-on-replica sql01',
    'power-on-replica app01',
  ]);
});

test('planned: an original that is off already is not shut down', (t) => {
  t.deepEqual(only(new Rig().order(planned('sql01')), 'shut-down-original'), []);
});

test('planned: the guest has 15 minutes before it is powered off, and the controller waits for that', (t) => {
  const rig = running({ patience: seconds(60) });
  rig.tell({ kind: 'order', order: planned('sql01') });
  rig.answer(rig.waiting[0]!, 'done');
  const [command] = rig.waiting;
  t.is(command?.kind === 'shut-down-original' && command.powerOffAfter, minutes(15));
  t.is(rig.controller.nextWake(), after(labStart, minutes(16)));
});

for (const [what, at] of [
  ['the second run', 2],
  ['the power of the replica', 5],
  ['the provider appliance', 6],
] as const) {
  test(`planned: when ${what} fails, the original runs again`, (t) => {
    const rig = running();
    let count = 0;
    const all = rig.order(planned('sql01'), () =>
      count++ === at ? 'OPERATION_STEP_FAILED' : 'done',
    );
    t.is(finished(all).status, 'failed');
    t.is(rig.state('sql01'), 'ready');
    t.true(briefs(all).includes('power-on-original sql01'));
    t.is(original(rig, 'sql01'), 'on');
    t.deepEqual(rig.controller.status().started, []);
  });
}

test('planned: the undo of one that succeeded leaves the original to the user', (t) => {
  const rig = running();
  rig.order(planned('sql01'));
  t.deepEqual(only(rig.order(undo('sql01')), 'power-on-original'), []);
});

// Failback: user guide, "Failback"

/** In failover, with the original off. */
const failedOver = (policies = {}) => {
  const rig = new Rig(configuration(policies));
  rig.order(failover('sql01'));
  return rig;
};

test('failback, phase 1: production is powered off, gets what the replica wrote, and the replica stays', (t) => {
  const rig = running();
  rig.order(failover('sql01'));
  const all = rig.order(failback('manual', 'sql01'));
  t.deepEqual(briefs(all), ['power-off-original sql01', 'transfer-changes sql01']);
  t.is(rig.state('sql01'), 'ready-to-switch');
  t.true(rig.controller.status().started.includes('replica sql01: on'));
});

test('failback, phase 2: the appliances let go, the replica is shut down, the rest is sent, production runs', (t) => {
  const rig = failedOver();
  rig.order(failback('manual', 'sql01'));
  const all = rig.order(order('switch', 'sql01'));
  t.deepEqual(briefs(all), [
    'withdraw-proxy tenant lan10',
    'stop-vpn-client lan10',
    'power-off-tenant-appliance lan10',
    'shut-down-replica sql01',
    'withdraw-proxy provider lan10',
    'stop-vpn-server lan10',
    'power-off-provider-appliance esx-dr1',
    'create-failback-snapshot sql01',
    'transfer-changes sql01',
    'power-on-original sql01',
  ]);
  t.is(rig.state('sql01'), 'failback');
});

test('failback: by policy the address is let go of late here too', (t) => {
  const rig = failedOver({ withdrawal: 'after-power-off' });
  const all = rig.order(failback('auto', 'sql01'));
  t.deepEqual(only(all, 'shut-down-replica', 'withdraw-proxy tenant'), [
    'shut-down-replica sql01',
    'withdraw-proxy tenant lan10',
  ]);
});

test('failback: "automatically, at the scheduled time or manually"', (t) => {
  const auto = failedOver();
  auto.order(failback('auto', 'sql01'));
  t.is(auto.state('sql01'), 'failback');

  const later = failedOver();
  later.order(failback(minutes(30), 'sql01'));
  t.is(later.state('sql01'), 'ready-to-switch');
  t.is(later.controller.nextWake(), after(labStart, minutes(30)));
  later.wakeAt(after(labStart, minutes(30)));
  later.settle();
  t.is(later.state('sql01'), 'failback');
  t.is(later.controller.nextWake(), undefined);

  const sooner = failedOver();
  sooner.order(failback(minutes(30), 'sql01'));
  sooner.order(order('switch', 'sql01'));
  t.is(sooner.controller.nextWake(), undefined);
});

test('failback: production is powered on only "if you have selected to"', (t) => {
  const rig = failedOver();
  const all = rig.order({ ...failback('auto', 'sql01'), powerOn: false } as VmOrder);
  t.deepEqual(only(all, 'power-on-original'), []);
  t.is(rig.state('sql01'), 'failback');
});

test('commit: nothing is left, the changes are not discarded but given up, and replication resumes', (t) => {
  const rig = failedOver();
  rig.order(failback('auto', 'sql01'));
  const all = rig.order(order('commit-failback', 'sql01'));
  t.deepEqual(briefs(all), [
    'remove-failback-snapshot sql01',
    'remove-delta sql01',
    'resume-replication sql01',
  ]);
  t.is(rig.state('sql01'), 'ready');
  t.deepEqual(rig.controller.status().started, []);
});

test('undo of failback: production off, the replica as it was and on, and the appliances again', (t) => {
  const rig = failedOver();
  rig.order(failback('auto', 'sql01'));
  const all = rig.order(order('undo-failback', 'sql01'));
  t.deepEqual(briefs(all), [
    'power-off-original sql01',
    'revert-failback-snapshot sql01',
    'power-on-replica sql01',
    'power-on-provider-appliance esx-dr1',
    'start-vpn-server lan10',
    'configure-proxy provider lan10 all but 10.0.10.20',
    'power-on-tenant-appliance lan10',
    'start-vpn-client lan10',
    'configure-proxy tenant lan10 10.0.10.20',
  ]);
  t.is(rig.state('sql01'), 'failover');
  t.is(original(rig, 'sql01'), 'off');
});

test('a failback that fails at any command leads back to failover, or may be tried again from where it is', (t) => {
  const total = briefs(failedOver().order(failback('auto', 'sql01'))).length;
  t.is(total, 11);
  for (let n = 0; n < total; n += 1) {
    const rig = failedOver();
    let count = 0;
    const all = rig.order(failback('auto', 'sql01'), () =>
      count++ === n ? 'OPERATION_STEP_FAILED' : 'done',
    );
    t.is(finished(all).status, 'failed');
    t.is(rig.state('sql01'), 'failover', `${n}`);
    t.is(original(rig, 'sql01'), 'off', `${n}`);
    const { started } = rig.controller.status();
    t.true(started.includes('replica sql01: on'), `${n}`);
    t.true(
      started.includes('tenant proxy lan10: on {"kind":"addresses","addresses":["10.0.10.20"]}'),
      `${n}`,
    );
  }
});

test('no replica is powered on again while production may still run', (t) => {
  const rig = failedOver();
  rig.order(failback('auto', 'sql01'));
  const all = rig.order(order('undo-failback', 'sql01'), ({ kind }) =>
    kind === 'power-off-original' ? 'OPERATION_STEP_FAILED' : 'done',
  );
  t.deepEqual(briefs(all), ['power-off-original sql01']);
  t.is(finished(all).status, 'failed');
  t.is(rig.state('sql01'), 'failback');
  rig.order(order('undo-failback', 'sql01'));
  t.is(rig.state('sql01'), 'failover');
});

test('A33: failback in all its parts is the tenant’s, never the provider’s', (t) => {
  const orders: VmOrder[] = [
    failback('auto', 'sql01'),
    order('switch', 'sql01'),
    order('commit-failback', 'sql01'),
    order('undo-failback', 'sql01'),
  ];
  for (const one of orders) {
    const rig = failedOver();
    const { because, results } = finished(rig.order({ ...one, by: 'provider' }));
    t.is(because, 'TENANT_ONLY');
    t.regex(results[0]?.text ?? '', /sql01, in state failover, was started by the provider/);
    t.is(rig.state('sql01'), 'failover');
  }
});

// Permanent failover

test('A33: permanent failover is refused after a partial one, and nothing is done', (t) => {
  const rig = failedOver();
  const all = rig.order(order('permanent-failover', 'sql01'));
  t.is(finished(all).because, 'WRONG_STATE');
  t.deepEqual(briefs(all), []);
});

test('by policy permanent failover ends a partial one: excluded from its job, no restore points, still served', (t) => {
  const rig = failedOver({ permanentAfterPartial: 'allow' });
  const all = rig.order(order('permanent-failover', 'sql01'));
  t.deepEqual(briefs(all), ['exclude-from-job sql01', 'merge-delta sql01']);
  t.is(rig.state('sql01'), 'permanent-failover');
  t.deepEqual(rig.controller.status().replicas[0]!.restorePoints, []);
  const { started } = rig.controller.status();
  t.true(started.includes('replica sql01: on'));
  t.false(started.some((one) => /^(hold|delta|snapshot) sql01/.test(one)));
  t.is(rig.tell({ kind: 'replication-due', vm: 'sql01' })[0]?.kind, 'replication-skipped');
  t.is(finished(rig.order(undo('sql01'))).because, 'WRONG_STATE');
});

// Reconnect

test('A21: reconnect restarts the daemons of both appliances and tells them what they knew', (t) => {
  const rig = failedOver();
  rig.tell({ kind: 'tunnel', network: 'lan10', state: 'failed' });
  const all = rig.order(order('reconnect', 'sql01'));
  t.deepEqual(briefs(all), [
    'power-on-provider-appliance esx-dr1',
    'stop-vpn-server lan10',
    'start-vpn-server lan10',
    'configure-proxy provider lan10 all but 10.0.10.20',
    'power-on-tenant-appliance lan10',
    'stop-vpn-client lan10',
    'start-vpn-client lan10',
    'configure-proxy tenant lan10 10.0.10.20',
  ]);
  t.is(rig.state('sql01'), 'failover');
});

test('A33: reconnect of what is connected is refused', (t) => {
  const rig = failedOver();
  rig.tell({ kind: 'tunnel', network: 'lan10', state: 'up' });
  const { because, results } = finished(rig.order(order('reconnect', 'sql01'), allDone));
  t.is(because, 'WRONG_STATE');
  t.regex(results[0]?.text ?? '', /connectivity of sql01 is up, which does not allow reconnect/);
});

test('A33: what a state does not allow is refused with the state, the operation and what is allowed', (t) => {
  const rig = failedOver();
  const refused: [VmOrder, RegExp][] = [
    [
      failover('sql01'),
      /state failover, which does not allow failover; allowed: undo-failover, failback, reconnect$/,
    ],
    [order('commit-failback', 'sql01'), /state failover, which does not allow commit-failback/],
    [
      order('switch', 'web01'),
      /state ready, which does not allow switch; allowed: replicate, failover, planned-failover$/,
    ],
  ];
  for (const [one, text] of refused) {
    const { because, results } = finished(rig.order(one));
    t.is(because, 'WRONG_STATE');
    t.regex(results[0]?.text ?? '', text);
  }
});

// Detection at each run

test('a run finds what the guest is set to now, and the next failover goes by that', (t) => {
  const rig = new Rig();
  rig.tell({ kind: 'replication-due', vm: 'sql01' });
  const { id } = rig.waiting.shift()!;
  rig.tell({ kind: 'done', id, address: { kind: 'static', ip: '10.0.10.21' } });
  const proxies = ofKind(rig.order(failover('sql01')), 'configure-proxy');
  t.deepEqual(
    proxies.map(({ scope }) => (scope.kind === 'addresses' ? scope.addresses : scope.except)),
    [['10.0.10.21'], ['10.0.10.21']],
  );
});

test('by policy jobs do not say that they found no static address', (t) => {
  const dhcp = { vms: [vm('sql01', 'lan10', '', { address: { kind: 'dhcp' } })] };
  const jobs = [{ ...configuration().jobs[0]!, vms: ['sql01'] }];
  const warnings = (noStaticIpWarning: 'show' | 'silence') =>
    warned(
      new Rig(configuration({ noStaticIpWarning }, { ...dhcp, jobs })).order(failover('sql01')),
    );
  t.deepEqual(warnings('show'), ['NO_STATIC_IP_DETECTED sql01']);
  t.deepEqual(warnings('silence'), []);
});
