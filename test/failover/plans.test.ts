import test from 'ava';
import { after, type Duration, type Instant, seconds } from '../../src/base/time.ts';
import type { Configuration, Policies } from '../../src/failover/configuration.ts';
import type { Command } from '../../src/failover/decision.ts';
import type { FailoverPlan, PlanState } from '../../src/failover/failover-plan.ts';
import {
  type Answer,
  briefs,
  configuration,
  failback,
  failover,
  finished,
  ofKind,
  order,
  plan,
  Rig,
  undo,
  vm,
  warned,
} from './rig.ts';

const overview = 'Veeam Cloud Connect guide, "Cloud Failover Plan"';
const guide = 'Veeam Cloud Connect guide, "Full Site Failover"';

const planOf = (delays: Readonly<Record<string, number>>, more?: Partial<FailoverPlan>) => ({
  name: 'plan1',
  vms: Object.entries(delays).map(([name, delay]) => ({ vm: name, delay: seconds(delay) })),
  routing: false,
  rules: [],
  gateways: {},
  ...more,
});

/** A plan of these VMs and delays, for as many VMs in lan10 as it names. */
function configured(
  delays: Readonly<Record<string, number>>,
  policies: Partial<Policies> = {},
  more?: Partial<FailoverPlan>,
): Configuration {
  const names = Object.keys(delays);
  return configuration(policies, {
    vms: names.map((name, i) => vm(name, i === 2 ? 'lan20' : 'lan10', `10.0.10.${20 + i}`)),
    networks: [
      { name: 'lan10', appliance: 'nea-10', gateway: '10.0.10.1/24' },
      { name: 'lan20', appliance: undefined, gateway: '10.0.20.1/24' },
    ],
    jobs: [
      {
        name: 'job1',
        vms: names,
        mapping: { lan10: 'plan10', lan20: 'plan20' },
        restorePointsKept: 3,
        restorePoints: 3,
      },
    ],
    failoverPlans: [planOf(delays, more)],
  });
}

const three = { dns01: 0, sql01: 0, web01: 0 };
const many = (count: number): Record<string, number> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`vm${String(i + 1).padStart(2, '0')}`, 0]),
  );

const stateOf = (rig: Rig): PlanState | undefined => rig.controller.status().plans[0]?.state;

/** Carries every command out after a time of its own, and says when each was given. */
class Clocked extends Rig {
  readonly given: (readonly [command: Command, at: number])[] = [];

  run(takes: (command: Command) => Duration, answer: Answer = () => 'done'): void {
    const due = new Map<Command, Instant>();
    for (let left = 10_000; left > 0; left -= 1) {
      for (const command of this.waiting) {
        if (due.has(command)) continue;
        due.set(command, after(this.now, takes(command)));
        this.given.push([command, this.now / 1e9]);
      }
      const [first] = [...due]
        .filter(([one]) => this.waiting.includes(one))
        .toSorted(([, a], [, b]) => a - b);
      const wake = this.controller.nextWake();
      if (first === undefined && wake === undefined) return;
      if (first === undefined || (wake !== undefined && wake < first[1])) this.wakeAt(wake!);
      else {
        this.now = first[1];
        this.answer(first[0], answer(first[0]));
      }
    }
    throw new Error('the controller does not come to an end');
  }

  /** `vm01 0`: which VM a command of this kind was given for, and in which second. */
  times(kind: Command['kind']): string[] {
    return this.given.flatMap(([command, at]) =>
      command.kind === kind && 'vm' in command ? [`${command.vm} ${at}`] : [],
    );
  }
}

const second = () => seconds(1);

test(`the five steps are announced in their order, and the appliance comes after the replicas (${guide})`, (t) => {
  const rig = new Rig(configured(three));
  const all = rig.order(plan('failover-plan'));
  t.deepEqual(
    ofKind(all, 'step').map(({ number }) => number),
    [1, 2, 3, 4, 5],
  );
  t.deepEqual(briefs(all).slice(-2), [
    'power-on-provider-appliance esx-dr1',
    'configure-gateway esx-dr1',
  ]);
  t.is(briefs(all).filter((text) => /vpn|proxy|tenant/.test(text)).length, 0);
  t.deepEqual(
    ofKind(all, 'plan-state').map(({ was, state }) => `${was} > ${state}`),
    ['ready > in-progress', 'in-progress > completed'],
  );
  t.is(finished(all).status, 'success');
});

test('A28 the appliance takes the address of each production gateway, as learned or as edited', (t) => {
  const rules = [
    { publicIp: '203.0.113.50', port: 443, to: { vm: 'sql01', ip: '10.0.10.20', port: 8443 } },
  ];
  const gateways = { lan20: '10.0.20.254/24' };
  const rig = new Rig(configured(three, {}, { rules, gateways, routing: true }));
  const [duty] = ofKind(rig.order(plan('failover-plan')), 'configure-gateway');
  t.deepEqual(duty?.gateways, [
    { providerNetwork: 'plan10', address: '10.0.10.1/24' },
    { providerNetwork: 'plan20', address: '10.0.20.254/24' },
  ]);
  t.deepEqual([duty?.routing, duty?.rules], [true, rules]);
});

test(`A29 "an interval of time for which Veeam Backup & Replication must wait before starting the failover operation for the next VM in the list" (${overview})`, (t) => {
  const rig = new Clocked(configured({ dns01: 60, sql01: 0, web01: 30, app01: 60 }));
  rig.tell({ kind: 'order', order: plan('failover-plan') });
  rig.run(second);
  // The delay of the last one delays nobody: the appliance is not kept waiting.
  t.deepEqual(rig.times('revert-snapshot'), ['dns01 0', 'sql01 60', 'web01 60', 'app01 90']);
  const appliance = rig.given.find(([{ kind }]) => kind === 'power-on-provider-appliance');
  t.is(appliance?.[1], 90 + 4); // four commands of a second each
});

test(`A29 "The maximum number of VMs that can be started simultaneously when you run a failover plan is 10": 23 of them in three waves (${overview})`, (t) => {
  const rig = new Clocked(configured(many(23)));
  rig.tell({ kind: 'order', order: plan('failover-plan') });
  rig.run(second);
  const starts = rig.times('revert-snapshot').map((text) => Number(text.split(' ')[1]));
  t.deepEqual(starts, [...Array(10).fill(0), ...Array(10).fill(4), ...Array(3).fill(8)]);
});

test('A29 "After the 1st VM is processed, Veeam Backup & Replication will start the failover operation for the 11th VM in the list, then for the 12th VM and so on"', (t) => {
  const rig = new Clocked(configured(many(14)));
  rig.tell({ kind: 'order', order: plan('failover-plan') });
  // The n-th takes n seconds to be reverted, and three more for the rest.
  rig.run((command) =>
    command.kind === 'revert-snapshot' ? seconds(Number(command.vm.slice(2))) : seconds(1),
  );
  t.deepEqual(rig.times('revert-snapshot').slice(10), ['vm11 4', 'vm12 5', 'vm13 6', 'vm14 7']);
});

test(`A29 "for a group of 5 VMs at the same time. The time interval between the operation starts is 10 seconds": 12 VMs (${overview})`, (t) => {
  const rig = new Clocked(configured(many(12)));
  rig.order(plan('failover-plan'));
  rig.tell({ kind: 'order', order: plan('undo-failover-plan') });
  t.is(stateOf(rig), 'undo-in-progress');
  rig.run(second);
  const stops = rig.times('power-off-replica').map((text) => Number(text.split(' ')[1]));
  t.deepEqual(stops, [0, 0, 0, 0, 0, 10, 10, 10, 10, 10, 20, 20]);
  t.is(stateOf(rig), 'ready');
  t.deepEqual(rig.controller.status().started, []);
});

test('a retry is for the VMs that failed, and only for them', (t) => {
  const rig = new Rig(configured(three));
  const all = rig.order(plan('failover-plan'), (command) =>
    'vm' in command && command.vm === 'sql01' ? 'OPERATION_STEP_FAILED' : 'done',
  );
  t.is(finished(all).status, 'failed');
  t.is(stateOf(rig), 'failed');
  t.deepEqual(
    ['dns01', 'sql01', 'web01'].map((name) => rig.state(name)),
    ['failover', 'failed-failover', 'failover'],
  );
  rig.order(undo('sql01'));
  const again = rig.order(plan('retry-failover-plan'));
  t.deepEqual(
    ofKind(again, 'power-on-replica').map((command) => command.vm),
    ['sql01'],
  );
  t.is(stateOf(rig), 'completed');
});

test('each status of a plan allows what it should and refuses the rest', (t) => {
  const operations = [
    'failover-plan',
    'retry-failover-plan',
    'undo-failover-plan',
    'test-failover-plan',
  ] as const;
  const brokenAt =
    (kind: Command['kind']): Answer =>
    (command) =>
      command.kind === kind ? 'OPERATION_STEP_FAILED' : 'done';
  const states: Record<string, [(rig: Rig) => void, readonly string[]]> = {
    ready: [() => {}, ['failover-plan', 'test-failover-plan']],
    completed: [(rig) => rig.order(plan('failover-plan')), ['undo-failover-plan']],
    failed: [
      (rig) => rig.order(plan('failover-plan'), brokenAt('revert-snapshot')),
      ['retry-failover-plan', 'undo-failover-plan'],
    ],
    'undo-failed': [
      (rig) => {
        rig.order(plan('failover-plan'));
        rig.order(plan('undo-failover-plan'), brokenAt('power-off-replica'));
      },
      ['undo-failover-plan'],
    ],
    'in-progress': [(rig) => rig.tell({ kind: 'order', order: plan('failover-plan') }), []],
  };
  for (const [state, [prepare, allowed]] of Object.entries(states))
    for (const operation of operations) {
      const rig = new Rig(configured(three));
      prepare(rig);
      t.is(stateOf(rig), state as PlanState);
      const from = rig.log.length;
      rig.tell({ kind: 'order', order: plan(operation) });
      const refused = ofKind(rig.log.slice(from), 'finish').some(
        ({ because }) => because === 'WRONG_STATE',
      );
      t.is(!refused, allowed.includes(operation), `${operation} of a plan that is ${state}`);
    }
});

test('"detects VMs for which the failover operation was performed during the last cloud failover plan session": others are skipped by the undo', (t) => {
  const rig = new Rig(configured(three));
  rig.order(plan('failover-plan'));
  rig.order(undo('sql01'));
  const all = rig.order(plan('undo-failover-plan'));
  t.deepEqual(finished(all).vms, ['dns01', 'web01']);
  t.is(stateOf(rig), 'ready');
  t.deepEqual(rig.controller.status().started, []);
});

test('the appliance serves the replicas that are left, and goes with the last of them', (t) => {
  const rig = new Rig(configured(three));
  rig.order(plan('failover-plan'));
  t.deepEqual(
    briefs(rig.order(undo('sql01', 'web01'))).filter((text) => / esx/.test(text)),
    [],
  );
  t.deepEqual(
    briefs(rig.order(undo('dns01'))).filter((text) => / esx/.test(text)),
    ['withdraw-gateway esx-dr1', 'power-off-provider-appliance esx-dr1'],
  );
});

test('a failure at any one command of a plan is rolled back, and what is left can be undone', (t) => {
  const total = briefs(new Rig(configured(three)).order(plan('failover-plan'))).length;
  t.is(total, 3 * 4 + 2);
  for (let n = 0; n < total; n += 1) {
    const rig = new Rig(configured(three));
    let count = 0;
    const all = rig.order(plan('failover-plan'), () =>
      count++ === n ? 'OPERATION_STEP_FAILED' : 'done',
    );
    t.is(finished(all).status, 'failed');
    t.is(stateOf(rig), 'failed');
    for (const { vm: name, status } of finished(all).results)
      t.is(rig.state(name), status === 'success' ? 'failover' : 'ready', `command ${n}: ${name}`);
    rig.order(plan('undo-failover-plan'));
    t.is(stateOf(rig), 'ready');
    t.deepEqual(rig.controller.status().started, [], `command ${n}`);
  }
});

// One failover type at a time

const during = (policies: Partial<Policies> = {}) => {
  const rig = new Rig(configured(three, policies));
  rig.order(failover('sql01'));
  rig.tell({ kind: 'tunnel', network: 'lan10', state: 'up' });
  return rig;
};

test('A27 partial failover during full site failover fails, also while the plan is still starting', (t) => {
  const rig = new Rig(configuration({}, { failoverPlans: [planOf({ sql01: 0 })] }));
  rig.tell({ kind: 'order', order: plan('failover-plan') });
  t.is(
    finished(rig.tell({ kind: 'order', order: failover('web01') })).because,
    'FAILOVER_TYPE_CONFLICT',
  );
  rig.settle();
  t.is(finished(rig.order(failover('web01'))).because, 'FAILOVER_TYPE_CONFLICT');
  rig.order(plan('undo-failover-plan'));
  // Of the full failover nothing is left, also for the VM that was part of it.
  t.is(finished(rig.order(failover('sql01'))).status, 'success');
  t.is(finished(rig.order(failover('web01'))).status, 'success');
});

for (const [policy, code] of [
  ['reject', 'FAILOVER_TYPE_CONFLICT'],
  ['prompt', 'PROMPT_UNANSWERED'],
] as const) {
  test(`A27 full site failover during partial failover, policy ${policy}: ${code}`, (t) => {
    const rig = during({ onConcurrent: policy });
    const all = rig.order(plan('failover-plan'));
    t.deepEqual([finished(all).because, briefs(all)], [code, []]);
    t.is(stateOf(rig), 'ready');
    t.deepEqual(
      ['dns01', 'sql01'].map((name) => rig.state(name)),
      ['ready', 'failover'],
    );
  });
}

test('A27 by force the tenant appliance is switched off without asking, and the VM is processed by the plan as it is', (t) => {
  const rig = during({ onConcurrent: 'force' });
  const all = rig.order(plan('failover-plan'));
  t.deepEqual(briefs(all).slice(0, 3), [
    'power-off-tenant-appliance lan10',
    'withdraw-proxy provider lan10',
    'stop-vpn-server lan10',
  ]);
  t.is(finished(all).status, 'success');
  // Its replica goes on running: it is neither reverted nor started again.
  t.deepEqual(
    ofKind(all, 'revert-snapshot').map((command) => command.vm),
    ['dns01', 'web01'],
  );
  t.is(briefs(all).at(-1), 'configure-gateway esx-dr1');
  t.deepEqual(
    rig.controller.status().replicas.map(({ connectivity }) => connectivity),
    ['none', 'none', 'none'],
  );
  rig.order(plan('undo-failover-plan'));
  t.deepEqual(rig.controller.status().started, []);
  t.deepEqual(
    ['dns01', 'sql01', 'web01'].map((name) => rig.state(name)),
    ['ready', 'ready', 'ready'],
  );
});

test('a test of a plan never stops a partial failover, by force or not', (t) => {
  const rig = during({ onConcurrent: 'force' });
  t.is(finished(rig.order(plan('test-failover-plan'))).because, 'FAILOVER_TYPE_CONFLICT');
});

// Port 22

test('A28 port 22 is refused as the public port and warned of as the target port, or the other way round', (t) => {
  const rule = (port: number, target: number) => ({
    rules: [
      { publicIp: '203.0.113.50', port, to: { vm: 'sql01', ip: '10.0.10.20', port: target } },
    ],
  });
  const outcome = (reservedPort: 'public' | 'target', port: number, target: number) => {
    const rig = new Rig(configured(three, { reservedPort }, rule(port, target)));
    const all = rig.order(plan('failover-plan'));
    return [finished(all).because, warned(all).join()];
  };
  t.deepEqual(outcome('public', 22, 2222), ['PORT_RESERVED', '']);
  t.deepEqual(outcome('public', 2222, 22), [undefined, 'PORT_RESERVED plan1']);
  t.deepEqual(outcome('target', 22, 2222), [undefined, 'PORT_RESERVED plan1']);
  t.deepEqual(outcome('target', 2222, 22), ['PORT_RESERVED', '']);
  t.deepEqual(outcome('public', 443, 443), [undefined, '']);
});

// The test of a plan

test('a test waits for a stable address, pings from the provider and rolls everything back (Veeam Cloud Connect guide, "Testing Cloud Failover Plan")', (t) => {
  const rig = new Rig(configured({ dns01: 0, sql01: 0 }));
  const all = rig.order(plan('test-failover-plan'));
  const order = briefs(all).filter((text) =>
    /await|ping|check|power-off|configure|discard/.test(text),
  );
  t.deepEqual(order, [
    'configure-gateway esx-dr1',
    'await-address dns01',
    'await-address sql01',
    'check-provider-appliance esx-dr1',
    'ping-replica dns01 esx-dr1',
    'ping-replica sql01 esx-dr1',
    'power-off-replica dns01',
    'power-off-replica sql01',
    'power-off-provider-appliance esx-dr1',
    'discard-delta dns01',
    'discard-delta sql01',
  ]);
  t.is(finished(all).status, 'success');
  t.is(stateOf(rig), 'ready');
  t.deepEqual(rig.controller.status().started, []);
});

test('a replica that does not answer fails the test and no other, and the plan stays ready', (t) => {
  const rig = new Rig(configured({ dns01: 0, sql01: 0 }));
  const all = rig.order(plan('test-failover-plan'), ({ kind, ...command }) =>
    kind === 'ping-replica' && 'vm' in command && command.vm === 'sql01'
      ? 'ARP_UNANSWERED'
      : 'done',
  );
  t.deepEqual(
    finished(all).results.map(({ vm: name, status, because }) => [name, status, because]),
    [
      ['dns01', 'success', undefined],
      ['sql01', 'failed', 'ARP_UNANSWERED'],
    ],
  );
  t.is(stateOf(rig), 'ready');
  t.deepEqual(rig.controller.status().started, []);
});

test('a failback after full site failover that is undone: the appliance is the gateway again, for all whom it was for', (t) => {
  const rig = new Rig(configured(three, {}, { rules: [] }));
  rig.order(plan('failover-plan'));
  const served = ofKind(rig.log, 'configure-gateway').at(-1)!;
  rig.order(failback('auto', ...Object.keys(three)));
  t.deepEqual(
    rig.controller.status().started.filter((thing) => thing.includes('provider')),
    [],
  );
  const back = rig.order(order('undo-failback', 'sql01', 'web01'));
  t.is(finished(back).status, 'success');
  t.deepEqual(
    briefs(back).filter((text) => /appliance|gateway|vpn|proxy/.test(text)),
    ['power-on-provider-appliance esx-dr1', 'configure-gateway esx-dr1'],
  );
  t.deepEqual(ofKind(back, 'configure-gateway')[0]?.gateways, served.gateways);
  t.is(rig.state('sql01'), 'failover');
  const rest = rig.order(order('undo-failback', 'dns01'));
  t.false(
    briefs(rest).some((text) => text.includes('gateway')),
    'which has this duty already',
  );
  t.is(finished(rest).status, 'success');
  t.is(finished(rig.order(plan('undo-failover-plan'))).status, 'success');
  t.deepEqual(rig.controller.status().started, []);
});

test('a failback after full site failover that fails leaves the appliance what it was', (t) => {
  const total = ((): number => {
    const rig = new Rig(configured(three));
    rig.order(plan('failover-plan'));
    const before = rig.log.length;
    rig.order(failback('auto', 'sql01', 'dns01', 'web01'));
    return briefs(rig.log.slice(before)).length;
  })();
  for (let fails = 0; fails < total; fails += 1) {
    const rig = new Rig(configured(three));
    rig.order(plan('failover-plan'));
    const { started } = rig.controller.status();
    let count = 0;
    rig.order(failback('auto', 'sql01', 'dns01', 'web01'), () =>
      count++ === fails ? 'OPERATION_STEP_FAILED' : 'done',
    );
    for (const name of Object.keys(three))
      if (rig.state(name) === 'failback') rig.order(order('undo-failback', name));
    t.deepEqual(rig.controller.status().started, started, `command ${fails}`);
  }
});

test('no tunnel is reconnected after full site failover: there is none', (t) => {
  const rig = new Rig(configured(three));
  rig.order(plan('failover-plan'));
  const all = rig.order(order('reconnect', 'sql01'));
  t.is(finished(all).because, 'WRONG_STATE');
  t.deepEqual(briefs(all), []);
});
