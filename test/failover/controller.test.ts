import test from 'ava';
import { after, nanoseconds, seconds } from '../../src/base/time.ts';
import type { Configuration } from '../../src/failover/configuration.ts';
import { Controller } from '../../src/failover/controller.ts';
import type { Decision } from '../../src/failover/decision.ts';
import type { FailoverPlan } from '../../src/failover/failover-plan.ts';
import {
  brief,
  briefs,
  commands,
  configuration,
  failover,
  finished,
  ofKind,
  plan,
  Rig,
  undo,
  vm,
  warned,
} from './rig.ts';

const guide = 'Veeam Cloud Connect guide, "Partial Site Failover"';

/** One failover of sql01, all of it carried out. */
function whole(): Decision[] {
  return new Rig().order(failover('sql01'));
}

const place = (decisions: readonly Decision[], text: string): number => {
  const at = decisions.findIndex((d) => 'id' in d && brief(d) === text);
  if (at < 0) throw new Error(`${text} was not decided`);
  return at;
};

test(`the eight steps are announced in their order, each once (${guide})`, (t) => {
  const steps = ofKind(whole(), 'step').map(({ number }) => number);
  t.deepEqual(steps, [1, 2, 3, 4, 5, 6, 7, 8]);
});

test('every command stands behind the announcement of its own step and before the next', (t) => {
  let announced = 0;
  for (const decision of whole()) {
    if (decision.kind === 'step') announced = decision.number;
    else if ('id' in decision) t.is(decision.step?.number, announced, decision.kind);
  }
});

test('a decision that takes time is followed by the next only after its answer', (t) => {
  const rig = new Rig();
  rig.tell({ kind: 'order', order: failover('sql01') });
  const seen: string[] = [];
  for (let [command] = rig.waiting; command !== undefined; [command] = rig.waiting) {
    t.is(rig.waiting.length, 1);
    seen.push(brief(command));
    rig.answer(command, 'done');
  }
  t.deepEqual(seen, [
    'revert-snapshot sql01',
    'create-delta sql01',
    'power-on-replica sql01',
    'power-on-provider-appliance esx-dr1',
    'start-vpn-server lan10',
    'configure-proxy provider lan10 all but 10.0.10.20',
    'hold-replication sql01',
    'power-on-tenant-appliance lan10',
    'start-vpn-client lan10',
    'configure-proxy tenant lan10 10.0.10.20',
  ]);
});

test('1: "The tenant starts the partial site failover process for a VM in the tenant Veeam Backup & Replication console."', (t) => {
  const first = new Rig().tell({ kind: 'order', order: failover('sql01') });
  const begin = { kind: 'begin', operation: 'failover', run: 1, vms: ['sql01'], reason: 'a test' };
  t.deepEqual(first[0], begin as Decision);
  t.is(first[1]?.kind === 'step' && first[1].number, 1);
});

test('2: "Veeam Backup & Replication rolls back the VM replica on the cloud host to the required restore point. To do this, it reverts the VM replica to the necessary snapshot in the replica chain."', (t) => {
  const latest = ofKind(whole(), 'revert-snapshot');
  t.deepEqual(
    latest.map(({ vm, restorePoint, step }) => [vm, restorePoint, step?.number]),
    [['sql01', 'restore point 3', 2]],
  );
  const earlier = new Rig().order({
    vms: ['sql01'],
    kind: 'failover',
    restorePoint: { back: 2 },
    reason: '',
    planned: false,
  });
  t.is(ofKind(earlier, 'revert-snapshot')[0]?.restorePoint, 'restore point 1');
  t.is(ofKind(earlier, 'replica-state')[0]?.restorePoint, 'restore point 1');
});

test('3: "Veeam Backup & Replication powers on the VM replica. The state of the VM replica is changed from Normal to Failover."', (t) => {
  const rig = new Rig();
  rig.tell({ kind: 'order', order: failover('sql01') });
  while (rig.waiting[0]?.kind !== 'power-on-replica') {
    t.is(rig.state('sql01'), 'ready');
    rig.answer(rig.waiting[0]!, 'done');
  }
  t.is(rig.waiting[0].providerNetwork, 'plan10');
  t.deepEqual(rig.answer(rig.waiting[0], 'done')[0], {
    kind: 'replica-state',
    vm: 'sql01',
    state: 'failover',
    was: 'ready',
    restorePoint: 'restore point 3',
  });
});

test('3: "If the original VM still exists and is running, the original VM remains powered on."', (t) => {
  const rig = new Rig(
    configuration(
      {},
      { vms: [vm('sql01', 'lan10', '10.0.10.20', { powered: true })], jobs: job(['sql01']) },
    ),
  );
  const decisions = rig.order(failover('sql01'));
  t.is(finished(decisions).status, 'success');
  // No decision is about an original at all; but that there are two owners is said.
  t.deepEqual(warned(decisions), ['DUPLICATE_ADDRESS sql01']);
  t.is(rig.controller.status().replicas[0]?.original, 'on');
});

test('4: "Veeam Backup & Replication powers on the network extension appliance VM on the cloud host and configures network settings on the appliance": server, then proxy, after the replica', (t) => {
  const all = whole();
  const order = [
    'power-on-replica sql01',
    'power-on-provider-appliance esx-dr1',
    'start-vpn-server lan10',
    'configure-proxy provider lan10 all but 10.0.10.20',
  ].map((text) => place(all, text));
  t.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  );
  t.deepEqual(ofKind(all, 'power-on-provider-appliance')[0]?.networks, ['plan10', 'plan20']);
});

test('5: "Veeam Backup & Replication temporarily puts replication activities for the original VM on hold (until the VM replica returns to the Normal state)."', (t) => {
  const rig = new Rig();
  const all = rig.order(failover('sql01'));
  t.true(
    place(all, 'configure-proxy provider lan10 all but 10.0.10.20') <
      place(all, 'hold-replication sql01'),
  );
  t.true(place(all, 'hold-replication sql01') < place(all, 'power-on-tenant-appliance lan10'));
  const skipped = { kind: 'replication-skipped', vm: 'sql01', because: 'REPLICATION_ON_HOLD' };
  t.deepEqual(rig.tell({ kind: 'replication-due', vm: 'sql01' }), [skipped as Decision]);
  rig.order(undo('sql01'));
  t.is(rig.tell({ kind: 'replication-due', vm: 'sql01' }).at(-1)?.kind, 'run-replication');
});

test('6: "Veeam Backup & Replication powers on the network extension appliance on the tenant side and configures network settings on the appliance": client, then proxy for the replica alone', (t) => {
  const all = whole();
  const tail = briefs(all).slice(-3);
  t.deepEqual(tail, [
    'power-on-tenant-appliance lan10',
    'start-vpn-client lan10',
    'configure-proxy tenant lan10 10.0.10.20',
  ]);
  t.is(ofKind(all, 'power-on-tenant-appliance')[0]?.appliance, 'nea-10');
});

for (const [platform, disk] of [
  ['vsphere', 'delta file'],
  ['hyper-v', 'differencing disk'],
] as const) {
  test(`7: "All changes made to the VM replica while it is running in the Failover state are written to the ${disk}": it is there before the first write (${platform})`, (t) => {
    const vms = [vm('sql01', 'lan10', '10.0.10.20', { platform })];
    const all = new Rig(configuration({}, { vms, jobs: job(['sql01']) })).order(failover('sql01'));
    t.deepEqual(
      ofKind(all, 'create-delta').map((d) => [d.disk, d.restorePoint]),
      [[disk, 'restore point 3']],
    );
    t.true(place(all, 'create-delta sql01') < place(all, 'power-on-replica sql01'));
  });
}

test('8: "VMs on the tenant side communicate to the VM replica on the cloud host through the secure VPN tunnel": connectivity is told apart from the result', (t) => {
  const rig = new Rig();
  const all = rig.order(failover('sql01'));
  t.is(finished(all).status, 'success');
  const up = { kind: 'connectivity', network: 'lan10', state: 'up', vms: ['sql01'] };
  t.deepEqual(rig.tell({ kind: 'tunnel', network: 'lan10', state: 'up' }), [up as Decision]);
  t.deepEqual(rig.tell({ kind: 'tunnel', network: 'lan10', state: 'up' }), []);
  t.is(rig.controller.status().replicas[0]?.connectivity, 'up');
});

test('a tunnel that fails, before or after the end, leaves the replica in failover', (t) => {
  for (const when of ['start-vpn-client', 'never']) {
    const rig = new Rig();
    rig.tell({ kind: 'order', order: failover('sql01') });
    rig.settle((command) => {
      if (command.kind === when) rig.tell({ kind: 'tunnel', network: 'lan10', state: 'failed' });
      return 'done';
    });
    rig.tell({ kind: 'tunnel', network: 'lan10', state: 'failed' });
    t.is(finished(rig.log).status, 'success');
    t.deepEqual(warned(rig.log), ['TUNNEL_DOWN lan10']);
    t.is(rig.state('sql01'), 'failover');
    t.is(rig.controller.status().replicas[0]?.connectivity, 'failed');
  }
});

test('news of a tunnel that nobody needs changes nothing', (t) => {
  const rig = new Rig();
  t.deepEqual(rig.tell({ kind: 'tunnel', network: 'lan20', state: 'failed' }), []);
  t.deepEqual(rig.tell({ kind: 'tunnel', network: 'nowhere', state: 'up' }), []);
});

// Addresses

const dhcp = { address: { kind: 'dhcp' } } as const;
const job = (
  vms: string[],
  mapping: Record<string, string> = { lan10: 'plan10', lan20: 'plan20' },
) => [{ name: 'job1', vms, mapping, restorePointsKept: 3, restorePoints: 3 }];
const one = (more: Parameters<typeof vm>[3], mapping?: Record<string, string>): Configuration =>
  configuration(
    {},
    { vms: [vm('sql01', 'lan10', '10.0.10.20', more)], jobs: job(['sql01'], mapping) },
  );

for (const guest of ['windows', 'linux', 'strict'] as const) {
  test(`"If a VM receives an IP address from DHCP, the failover operation will succeed but the VM replica will not be accessible over the network": no proxy entry (${guest})`, (t) => {
    const rig = new Rig(one({ ...dhcp, guest }));
    const all = rig.order(failover('sql01'));
    t.is(finished(all).status, 'success');
    t.deepEqual(warned(all), ['NO_STATIC_IP_DETECTED sql01']);
    t.deepEqual(ofKind(all, 'configure-proxy'), []);
    t.is(ofKind(all, 'start-vpn-client').length, 1); // the tunnel itself is not missing
    t.is(rig.state('sql01'), 'failover');
    rig.order(undo('sql01'));
    t.deepEqual(rig.controller.status().started, []);
  });
}

test('a Linux VM with a network mapping row is warned about, and its address is handed over', (t) => {
  const all = new Rig(one({ guest: 'linux' })).order(failover('sql01'));
  t.is(finished(all).status, 'success');
  t.deepEqual(warned(all), ['NO_STATIC_IP_DETECTED sql01']);
  t.is(briefs(all).at(-1), 'configure-proxy tenant lan10 10.0.10.20');
});

test('a Linux VM without a row is connected to nothing, and no appliance stands in for it', (t) => {
  const all = new Rig(one({ guest: 'linux' }, { lan20: 'plan20' })).order(failover('sql01'));
  t.is(finished(all).status, 'success');
  t.deepEqual(warned(all), ['NO_STATIC_IP_DETECTED sql01', 'REPLICA_NOT_MAPPED sql01']);
  t.deepEqual(briefs(all), [
    'revert-snapshot sql01',
    'create-delta sql01',
    'power-on-replica sql01',
    'hold-replication sql01',
  ]);
  t.is(ofKind(all, 'power-on-replica')[0]?.providerNetwork, undefined);
});

test('a Windows VM without a row is mapped where both sides have equally many networks', (t) => {
  const all = new Rig(one({}, {})).order(failover('sql01'));
  t.deepEqual(warned(all), []);
  t.is(ofKind(all, 'power-on-replica')[0]?.providerNetwork, 'plan10');
});

test('a VM with DHCP beside one with a static address: only the latter gets an entry', (t) => {
  const vms = [vm('sql01', 'lan10', '10.0.10.20'), vm('web01', 'lan10', '', dhcp)];
  const rig = new Rig(configuration({}, { vms, jobs: job(['sql01', 'web01']) }));
  const all = rig.order(failover('sql01', 'web01'));
  const told = commands(all).filter(({ kind }) => kind === 'configure-proxy');
  t.deepEqual(told.map(brief), [
    'configure-proxy provider lan10 all but 10.0.10.20',
    'configure-proxy tenant lan10 10.0.10.20',
  ]);
  // With the one that has an address gone, nobody is left to stand in for; the tunnel stays.
  t.deepEqual(briefs(rig.order(undo('sql01'))), [
    'withdraw-proxy tenant lan10',
    'power-off-replica sql01',
    'withdraw-proxy provider lan10',
    'discard-delta sql01',
    'resume-replication sql01',
  ]);
});

// Appliances

const lan20Bare = {
  networks: [
    { name: 'lan10', appliance: 'nea-10' },
    { name: 'lan20', appliance: undefined },
  ],
};

test('"If you have not deployed the network extension appliance for the network to which the corrupted VM is connected, Veeam Backup & Replication will display a warning": others are unaffected', (t) => {
  const rig = new Rig(configuration({}, lan20Bare));
  const all = rig.order(failover('sql01', 'app01'));
  t.deepEqual(warned(all), ['NO_NEA app01']);
  t.is(finished(all).status, 'success');
  t.false(briefs(all).some((text) => text.includes('lan20')));
  t.is(briefs(all).at(-1), 'configure-proxy tenant lan10 10.0.10.20');
  t.is(rig.state('app01'), 'failover');
});

test('without any appliance the replica runs unconnected, and steps 4, 6 and 8 are not announced', (t) => {
  const rig = new Rig(configuration({}, lan20Bare));
  const all = rig.order(failover('app01'));
  t.deepEqual(
    ofKind(all, 'step').map(({ number }) => number),
    [1, 2, 3, 5, 7],
  );
  rig.order(undo('app01'));
  t.deepEqual(rig.controller.status().started, []);
});

test('by policy a missing appliance makes the failover fail before anything is done', (t) => {
  const rig = new Rig(configuration({ missingAppliance: 'fail' }, lan20Bare));
  const all = rig.order(failover('sql01', 'app01'));
  const { status, because, results } = finished(all);
  t.deepEqual([status, because], ['failed', 'NO_NEA']);
  t.deepEqual(
    results.map(({ vm, status }) => [vm, status]),
    [
      ['sql01', 'success'],
      ['app01', 'failed'],
    ],
  );
  t.is(rig.state('app01'), 'ready');
  t.false(briefs(all).some((text) => text.includes('app01')));
});

const orgVdc = (
  networks: number,
  connectivity: 'appliances' | 'edge-gateway' | 'ipsec-vpn',
  led = ['lan10'],
) => {
  const names = Array.from({ length: networks }, (_, i) => `net${i + 1}`);
  const hosts = [{ host: 'acme-vdc', networks: names }];
  const edge = { vpn: led, internet: led.map(() => 'net1') };
  const provider = { kind: 'org-vdc', hosts, connectivity, edge } as const;
  return configuration(
    {},
    {
      vms: [vm('sql01', 'lan10', '10.0.10.20', { powered: true })],
      provider,
      jobs: job(['sql01'], { lan10: 'net1' }),
    },
  );
};

test('Cloud Director: nine networks work, though eight of them have nothing to do with it', (t) => {
  const all = new Rig(orgVdc(9, 'appliances')).order(failover('sql01'));
  t.is(finished(all).status, 'success');
  t.is(ofKind(all, 'power-on-provider-appliance')[0]?.networks.length, 9);
});

test('Cloud Director: "if the number of organization VDC networks is greater than 9, the failover operation will fail because the number of virtual network adapters for a VMware vSphere VM cannot exceed 10": all is rolled back', (t) => {
  const rig = new Rig(orgVdc(10, 'appliances'));
  const all = rig.order(failover('sql01'));
  t.is(finished(all).status, 'failed');
  t.is(finished(all).because, 'VCD_ADAPTER_LIMIT');
  t.regex(finished(all).results[0]?.text ?? '', /11 adapters/);
  t.deepEqual(briefs(all), [
    'revert-snapshot sql01',
    'create-delta sql01',
    'power-on-replica sql01',
    'power-off-replica sql01',
    'discard-delta sql01',
  ]);
  t.deepEqual(
    ofKind(all, 'replica-state').map(({ was, state }) => `${was} > ${state}`),
    ['ready > failover', 'failover > ready'],
  );
  // The way back is told as such, not as steps of the failover.
  t.deepEqual(
    ofKind(all, 'step').map(({ number }) => number),
    [1, 2, 3, 4],
  );
  t.deepEqual(ofKind(all, 'roll-back')[0]?.vms, ['sql01']);
  t.deepEqual(rig.controller.status().started, []);
  t.is(rig.controller.status().replicas[0]?.original, 'on');
  t.is(rig.tell({ kind: 'replication-due', vm: 'sql01' }).at(-1)?.kind, 'run-replication');
});

for (const connectivity of ['edge-gateway', 'ipsec-vpn'] as const) {
  test(`Cloud Director: no appliance is started "if network connectivity for tenant VM replicas is provided using" an ${connectivity}, and ten networks do no harm`, (t) => {
    const rig = new Rig(orgVdc(10, connectivity));
    const all = rig.order(failover('sql01'));
    t.is(finished(all).status, 'success');
    t.false(briefs(all).some((text) => /appliance|vpn|proxy/.test(text)));
    t.deepEqual(
      ofKind(all, 'step').map(({ number }) => number),
      [1, 2, 3, 5, 7, 8],
    );
    const back = rig.order({ kind: 'undo-failover', vms: ['sql01'] });
    t.is(finished(back).status, 'success');
    t.deepEqual(
      ofKind(back, 'step').map(({ number }) => number),
      [1, 3, 5, 6],
    );
  });
}

for (const [title, led, warnings] of [
  ['leads there', ['lan10'], []],
  ['does not lead there', [], ['NO_EDGE_GATEWAY sql01']],
] as const) {
  test(`Cloud Director: the edge gateway ${title}, by VPN or from the internet`, (t) => {
    const partial = new Rig(orgVdc(1, 'ipsec-vpn', [...led])).order(failover('sql01'));
    t.deepEqual(
      warned(partial).filter((text) => !text.startsWith('DUPLICATE')),
      warnings,
    );
    const site = { ...orgVdc(1, 'appliances', [...led]), failoverPlans: [planOf('sql01')] };
    const full = new Rig(site).order(plan('failover-plan'));
    t.is(finished(full).status, 'success');
    t.deepEqual(
      warned(full).filter((text) => !text.startsWith('DUPLICATE')),
      warnings,
    );
    t.false(briefs(full).some((text) => /appliance|vpn|proxy|gateway/.test(text)));
  });
}

const planOf = (name: string): FailoverPlan => ({
  name: 'plan1',
  vms: [{ vm: name, delay: nanoseconds(0) }],
  routing: false,
  rules: [],
  gateways: {},
});

test('the same arithmetic bounds a hardware plan on vSphere; for Hyper-V no bound is documented', (t) => {
  for (const [platform, count, because] of [
    ['vsphere', 9, undefined],
    ['vsphere', 10, 'VCD_ADAPTER_LIMIT'],
    ['hyper-v', 10, undefined],
  ] as const) {
    const networks = Array.from({ length: count }, (_, i) => `net${i + 1}`);
    const rig = new Rig(
      configuration(
        {},
        {
          vms: [vm('sql01', 'lan10', '10.0.10.20', { platform })],
          provider: { kind: 'hardware-plan', hosts: [{ host: 'esx-dr1', networks }] },
          jobs: job(['sql01'], { lan10: 'net1' }),
        },
      ),
    );
    t.is(finished(rig.order(failover('sql01'))).because, because);
  }
});

// Several VMs

test('two VMs of one network share appliances, tunnel and proxies', (t) => {
  const all = new Rig().order(failover('sql01', 'web01'));
  const shared = briefs(all).filter((text) => /appliance|vpn|proxy/.test(text));
  t.deepEqual(shared, [
    'power-on-provider-appliance esx-dr1',
    'start-vpn-server lan10',
    'configure-proxy provider lan10 all but 10.0.10.20 10.0.10.11',
    'power-on-tenant-appliance lan10',
    'start-vpn-client lan10',
    'configure-proxy tenant lan10 10.0.10.20 10.0.10.11',
  ]);
});

test('a provider appliance on each host: A24 counts the networks there alone, and each goes with its last replica', (t) => {
  const nine = Array.from({ length: 9 }, (_, i) => `gold${i}`);
  const hosts = [
    { host: 'esx-dr1', networks: ['plan10'] },
    { host: 'esx-dr2', networks: ['plan20', ...nine] },
  ];
  const few = [hosts[0]!, { host: 'esx-dr2', networks: ['plan20', ...nine.slice(1)] }];
  const rig = new Rig(configuration({}, { provider: { kind: 'hardware-plan', hosts: few } }));
  const on = rig.order(failover('sql01', 'app01'));
  t.deepEqual(
    ofKind(on, 'power-on-provider-appliance').map(({ host, networks }) => [host, networks.length]),
    [
      ['esx-dr1', 1],
      ['esx-dr2', 9],
    ],
  );
  const back = rig.order(undo('sql01'));
  t.deepEqual(
    ofKind(back, 'power-off-provider-appliance').map(({ host }) => host),
    ['esx-dr1'],
  );
  t.true(rig.controller.status().started.includes('vpn server lan20: on'), 'the other runs on');
  rig.order(undo('app01'));
  t.deepEqual(rig.controller.status().started, []);

  const full = new Rig(configuration({}, { provider: { kind: 'hardware-plan', hosts } }));
  const results = finished(full.order(failover('sql01', 'app01'))).results;
  t.deepEqual(
    results.map(({ vm, status, because }) => [vm, status, because]),
    [
      ['sql01', 'success', undefined],
      ['app01', 'failed', 'VCD_ADAPTER_LIMIT'],
    ],
  );
});

test('two networks have a tunnel and a tenant appliance each, and one provider appliance', (t) => {
  const all = briefs(new Rig().order(failover('sql01', 'app01')));
  t.is(all.filter((text) => text.startsWith('power-on-provider-appliance')).length, 1);
  for (const network of ['lan10', 'lan20']) {
    t.true(all.includes(`power-on-tenant-appliance ${network}`));
    t.true(all.includes(`start-vpn-server ${network}`));
  }
  t.true(all.includes('configure-proxy provider lan10 all but 10.0.10.20'));
  t.true(all.includes('configure-proxy provider lan20 all but 10.0.20.30'));
});

test('a later failover in the same network only widens the proxies', (t) => {
  const rig = new Rig();
  rig.order(failover('sql01'));
  const second = briefs(rig.order(failover('web01'))).filter((x) => !x.endsWith(' web01'));
  t.deepEqual(second, [
    'configure-proxy provider lan10 all but 10.0.10.20 10.0.10.11',
    'configure-proxy tenant lan10 10.0.10.20 10.0.10.11',
  ]);
});

test('side by side in a step, all VMs are through with it before any goes on to the next', (t) => {
  const rig = new Rig();
  rig.tell({ kind: 'order', order: failover('sql01', 'app01') });
  t.deepEqual(rig.waiting.map(brief), ['revert-snapshot sql01', 'revert-snapshot app01']);
  rig.answer(rig.waiting[1]!, 'done');
  rig.answer(rig.waiting[1]!, 'done');
  t.deepEqual(rig.waiting.map(brief), ['revert-snapshot sql01']);
});

test('a network that fails takes only its own VMs with it', (t) => {
  const rig = new Rig();
  const all = rig.order(failover('sql01', 'web01', 'app01'), (command) =>
    brief(command) === 'start-vpn-client lan10' ? 'OPERATION_STEP_FAILED' : 'done',
  );
  const { status, because, results } = finished(all);
  t.deepEqual([status, because], ['failed', 'OPERATION_STEP_FAILED']);
  t.deepEqual(
    results.map(({ vm, status }) => `${vm} ${status}`),
    ['sql01 failed', 'web01 failed', 'app01 success'],
  );
  t.deepEqual(ofKind(all, 'roll-back')[0]?.vms, ['sql01', 'web01']);
  t.deepEqual(
    ['sql01', 'web01', 'app01'].map((name) => rig.state(name)),
    ['ready', 'ready', 'failover'],
  );
  t.false(rig.controller.status().started.some((thing) => /lan10|sql01|web01/.test(thing)));
  t.true(rig.controller.status().started.includes('provider appliance esx-dr1: on'));
});

test('a second failover that fails leaves the first as it was', (t) => {
  for (const fault of [
    'power-on-replica web01',
    'configure-proxy provider lan10 all but 10.0.10.20 10.0.10.11',
    'configure-proxy tenant lan10 10.0.10.20 10.0.10.11',
  ]) {
    const rig = new Rig();
    rig.order(failover('sql01'));
    const before = rig.controller.status().started;
    rig.order(failover('web01'), (c) => (brief(c) === fault ? 'OPERATION_STEP_FAILED' : 'done'));
    t.deepEqual(rig.controller.status().started, before, fault);
    t.is(rig.state('web01'), 'ready');
    t.is(rig.state('sql01'), 'failover');
  }
});

test('operations wait for one another, in the order they were given', (t) => {
  const rig = new Rig();
  rig.tell({ kind: 'order', order: failover('sql01') });
  t.deepEqual(rig.tell({ kind: 'order', order: failover('app01') }), []);
  t.is(rig.controller.status().runs.length, 2);
  rig.settle();
  t.deepEqual(
    rig.log.filter(({ kind }) => kind === 'begin' || kind === 'finish').map(({ kind }) => kind),
    ['begin', 'finish', 'begin', 'finish'],
  );
  t.is(rig.state('app01'), 'failover');
});

// Undoing

test('undo takes back everything, and production lets go of the address before the replica is off', (t) => {
  const rig = new Rig();
  rig.order(failover('sql01'));
  const all = rig.order(undo('sql01'));
  t.deepEqual(briefs(all), [
    'withdraw-proxy tenant lan10',
    'stop-vpn-client lan10',
    'power-off-tenant-appliance lan10',
    'power-off-replica sql01',
    'withdraw-proxy provider lan10',
    'stop-vpn-server lan10',
    'power-off-provider-appliance esx-dr1',
    'discard-delta sql01',
    'resume-replication sql01',
  ]);
  t.deepEqual(
    ofKind(all, 'step').map(({ number }) => number),
    [1, 2, 3, 4, 5, 6],
  );
  t.is(finished(all).status, 'success');
  t.is(rig.state('sql01'), 'ready');
  t.deepEqual(rig.controller.status().started, []);
});

test('by policy the address is let go of late: only after the replica is off', (t) => {
  const rig = new Rig(configuration({ withdrawal: 'after-power-off' }));
  rig.order(failover('sql01'));
  const all = rig.order(undo('sql01'));
  t.true(place(all, 'power-off-replica sql01') < place(all, 'withdraw-proxy tenant lan10'));
  t.deepEqual(rig.controller.status().started, []);
});

test('by policy the appliances stay on, and the next failover finds them so', (t) => {
  const rig = new Rig(configuration({ appliancesAfterUndo: 'leave-on' }));
  rig.order(failover('sql01'));
  rig.order(undo('sql01'));
  t.is(rig.state('sql01'), 'ready');
  const stay = ['provider appliance esx-dr1: on', 'tenant appliance lan10: on'];
  t.deepEqual(rig.controller.status().started, stay);
  t.false(briefs(rig.order(failover('sql01'))).some((text) => text.includes('-appliance')));
});

test('undoing one of two in a network narrows the proxies and leaves the pair on', (t) => {
  const rig = new Rig();
  rig.order(failover('sql01', 'web01'));
  t.deepEqual(briefs(rig.order(undo('sql01'))), [
    'configure-proxy tenant lan10 10.0.10.11',
    'power-off-replica sql01',
    'configure-proxy provider lan10 all but 10.0.10.11',
    'discard-delta sql01',
    'resume-replication sql01',
  ]);
  rig.order(undo('web01'));
  t.deepEqual(rig.controller.status().started, []);
});

test('a replica that cannot be powered off keeps its disk and its hold; undoing again is the way out', (t) => {
  const rig = new Rig();
  rig.order(failover('sql01'));
  const all = rig.order(undo('sql01'), (c) =>
    c.kind === 'power-off-replica' ? 'OPERATION_STEP_FAILED' : 'done',
  );
  t.deepEqual(finished(all).because, 'OPERATION_STEP_FAILED');
  t.is(rig.state('sql01'), 'failed-failover');
  t.false(briefs(all).some((text) => /discard|resume/.test(text)));
  t.true(warned(all).includes('ROLLBACK_INCOMPLETE sql01'));
  t.is(finished(rig.order(failover('sql01'))).because, 'WRONG_STATE');
  t.is(rig.tell({ kind: 'replication-due', vm: 'sql01' })[0]?.kind, 'replication-skipped');
  t.is(finished(rig.order(undo('sql01'))).status, 'success');
  t.is(rig.state('sql01'), 'ready');
  t.deepEqual(rig.controller.status().started, []);
});

test('while a replica cannot be powered off, the provider appliance does not answer for its address', (t) => {
  const rig = new Rig();
  rig.order(failover('sql01', 'web01'));
  const stuck = briefs(
    rig.order(undo('sql01'), (c) =>
      c.kind === 'power-off-replica' ? 'OPERATION_STEP_FAILED' : 'done',
    ),
  );
  t.false(stuck.some((text) => text.startsWith('configure-proxy provider')));
  const again = briefs(rig.order(undo('sql01')));
  t.true(again.includes('configure-proxy provider lan10 all but 10.0.10.11'));
});

test('a failover that fails before the replica is on leaves it ready, at no restore point', (t) => {
  const rig = new Rig();
  const all = rig.order(failover('sql01'), (c) =>
    c.kind === 'create-delta' ? 'OPERATION_STEP_FAILED' : 'done',
  );
  t.deepEqual(briefs(all), ['revert-snapshot sql01', 'create-delta sql01', 'discard-delta sql01']);
  t.deepEqual(ofKind(all, 'replica-state'), []);
  const [status] = rig.controller.status().replicas;
  t.deepEqual([status?.state, status?.restorePoint], ['ready', '']);
});

test('what an appliance did ends with its power, so a dead daemon does not spoil an undo', (t) => {
  const rig = new Rig();
  rig.order(failover('sql01'));
  const all = rig.order(undo('sql01'), (c) =>
    /^(withdraw|stop)/.test(c.kind) ? 'OPERATION_STEP_FAILED' : 'done',
  );
  t.is(finished(all).status, 'success');
  t.is(warned(all).length, 4);
  t.is(rig.state('sql01'), 'ready');
});

// Refusals

test('an order for a VM in the wrong state is refused, naming the state, the operation and what is allowed', (t) => {
  const rig = new Rig();
  rig.order(failover('sql01'));
  const { because, results } = finished(rig.order(failover('sql01')));
  t.is(because, 'WRONG_STATE');
  t.is(
    results[0]?.text,
    'the replica of sql01 is in state failover, which does not allow failover; allowed: undo-failover, failback, reconnect',
  );
  t.is(finished(rig.order(undo('web01'))).because, 'WRONG_STATE');
});

test('a VM that is part of an operation under way or waiting is refused to any other', (t) => {
  const rig = new Rig();
  rig.tell({ kind: 'order', order: failover('sql01') });
  rig.tell({ kind: 'order', order: failover('app01') });
  for (const order of [failover('sql01'), undo('sql01'), failover('app01')]) {
    t.is(finished(rig.tell({ kind: 'order', order })).because, 'WRONG_STATE');
  }
  t.is(rig.tell({ kind: 'replication-due', vm: 'app01' })[0]?.kind, 'replication-skipped');
});

test('a refused VM does not hold up the others of the same order, nor is it held up by it', (t) => {
  const rig = new Rig();
  rig.order(failover('sql01'));
  rig.tell({ kind: 'order', order: failover('sql01', 'app01') });
  rig.tell({ kind: 'order', order: undo('sql01') });
  rig.settle();
  t.is(rig.state('sql01'), 'ready');
  t.is(rig.state('app01'), 'failover');
});

test('orders about nobody, and about VMs without a replica, fail and say so', (t) => {
  const rig = new Rig();
  t.is(finished(rig.order(failover())).because, 'NO_REPLICA');
  t.is(finished(rig.order(failover('nobody'))).because, 'NO_REPLICA');
  t.deepEqual(briefs(rig.log), []);
});

test('a restore point that is not there is refused before anything is done', (t) => {
  const rig = new Rig();
  const order = { kind: 'failover', vms: ['sql01'], reason: '', planned: false } as const;
  for (const back of [3, -1, 0.5]) {
    const all = rig.order({ ...order, restorePoint: { back } });
    t.is(finished(all).because, 'NO_RESTORE_POINT');
    t.deepEqual(briefs(all), []);
  }
});

// Replication

test('a replication run makes a restore point, and the oldest goes', (t) => {
  const rig = new Rig();
  rig.tell({ kind: 'replication-due', vm: 'sql01' });
  t.is(rig.state('sql01'), 'processing');
  t.is(rig.tell({ kind: 'replication-due', vm: 'sql01' })[0]?.kind, 'replication-skipped');
  t.is(finished(rig.tell({ kind: 'order', order: failover('sql01') })).because, 'WRONG_STATE');
  rig.settle();
  t.is(rig.state('sql01'), 'ready');
  const points = [2, 3, 4].map((n) => `restore point ${n}`);
  t.deepEqual(rig.controller.status().replicas[0]?.restorePoints, points);
  t.is(ofKind(rig.order(failover('sql01')), 'revert-snapshot')[0]?.restorePoint, points[2]);
});

test('a replication run that fails adds no restore point: "the latest valid restore point" is the one before', (t) => {
  const rig = new Rig();
  rig.tell({ kind: 'replication-due', vm: 'sql01' });
  rig.settle(() => 'OPERATION_STEP_FAILED');
  t.is(rig.state('sql01'), 'ready');
  t.deepEqual(warned(rig.log), ['OPERATION_STEP_FAILED sql01']);
  t.is(ofKind(rig.order(failover('sql01')), 'revert-snapshot')[0]?.restorePoint, 'restore point 3');
});

test('the job warns at each run that no static address is detected', (t) => {
  const rig = new Rig(one(dhcp));
  rig.tell({ kind: 'replication-due', vm: 'sql01' });
  rig.settle();
  t.deepEqual(warned(rig.log), ['NO_STATIC_IP_DETECTED sql01']);
});

test('a job that has not run yet has left no restore point to fail over to', (t) => {
  const jobs = [{ ...job(['sql01'])[0]!, restorePoints: 0 }];
  const rig = new Rig(configuration({}, { vms: [vm('sql01', 'lan10', '10.0.10.20')], jobs }));
  t.is(finished(rig.order(failover('sql01'))).because, 'NO_RESTORE_POINT');
  rig.tell({ kind: 'replication-due', vm: 'sql01' });
  rig.settle();
  t.is(finished(rig.order(failover('sql01'))).status, 'success');
});

// What else it is told

test('an original that comes back while its replica runs is reported, once', (t) => {
  const rig = new Rig();
  rig.order(failover('sql01'));
  t.deepEqual(warned(rig.tell({ kind: 'power', vm: 'sql01', state: 'on' })), [
    'DUPLICATE_ADDRESS sql01',
  ]);
  t.deepEqual(rig.tell({ kind: 'power', vm: 'sql01', state: 'on' }), []);
  t.deepEqual(rig.tell({ kind: 'power', vm: 'web01', state: 'on' }), []);
  t.deepEqual(rig.tell({ kind: 'power', vm: 'nobody', state: 'on' }), []);
});

test('a heartbeat is noted, even before the answer to the power command, and ends with the replica', (t) => {
  const rig = new Rig();
  const guest = () => rig.controller.status().replicas[0]?.guest;
  rig.tell({ kind: 'guest-up', vm: 'sql01' });
  t.is(guest(), 'not seen');
  rig.order(failover('sql01'), (command) => {
    if (command.kind === 'power-on-replica') rig.tell({ kind: 'guest-up', vm: 'sql01' });
    return 'done';
  });
  t.is(guest(), 'up');
  rig.order(undo('sql01'));
  t.is(guest(), 'not seen');
});

test('a command that nobody answers is given up after the patience, and what it may have done is undone', (t) => {
  const rig = new Rig(configuration({ patience: seconds(30) }));
  t.is(rig.controller.nextWake(), undefined);
  rig.tell({ kind: 'order', order: failover('sql01') });
  while (rig.waiting[0]?.kind !== 'power-on-replica') rig.answer(rig.waiting[0]!, 'done');
  const late = rig.waiting[0]!;
  t.is(rig.controller.nextWake(), after(rig.now, seconds(30)));
  t.deepEqual(rig.wakeAt(after(rig.now, seconds(29))), []);
  rig.waiting = [];
  rig.wakeAt(after(rig.now, seconds(1)));
  t.deepEqual(rig.waiting.map(brief), ['power-off-replica sql01']);
  t.deepEqual(rig.tell({ kind: 'done', id: late.id }), []); // too late to count
  rig.settle();
  t.is(finished(rig.log).because, 'OPERATION_TIMEOUT');
  t.is(rig.state('sql01'), 'ready');
  t.is(rig.controller.nextWake(), undefined);
});

test('answers to commands that were never given change nothing', (t) => {
  const rig = new Rig();
  t.deepEqual(rig.tell({ kind: 'done', id: 7 }), []);
  t.deepEqual(rig.tell({ kind: 'failed', id: 7, because: 'OPERATION_STEP_FAILED' }), []);
});

test('a description that contradicts itself is refused at once', (t) => {
  const good = configuration();
  const bad: Partial<Configuration>[] = [
    { vms: [...good.vms, good.vms[0]!] },
    { vms: [vm('sql01', 'lan99', '10.0.10.20')] },
    { jobs: job(['nobody']) },
    { jobs: [...good.jobs, ...job(['sql01'])] },
    { jobs: job(['sql01'], { lan99: 'plan10' }) },
    { jobs: job(['sql01'], { lan10: 'plan99' }) },
    { jobs: [...job(['sql01'], { lan10: 'plan10' }), ...job(['web01'], { lan10: 'plan20' })] },
    { jobs: [{ ...good.jobs[0]!, restorePointsKept: 0 }] },
  ];
  for (const more of bad) {
    t.throws(() => new Controller({ ...good, ...more }), { instanceOf: RangeError });
  }
});
