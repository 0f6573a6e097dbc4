import test from 'ava';
import fc from 'fast-check';
import { after, labStart, seconds } from '../../src/base/time.ts';
import type { Policies } from '../../src/failover/configuration.ts';
import type { Command } from '../../src/failover/decision.ts';
import type { Observation, Order, VmOrder } from '../../src/failover/observation.ts';
import {
  brief,
  configuration,
  failback,
  failover,
  finished,
  ofKind,
  order,
  planned,
  Rig,
  undo,
} from './rig.ts';
import { names, Watched } from './watched.ts';

const broken = 'OPERATION_STEP_FAILED';

/** Fails the commands with these numbers, counted from the start of the order. */
const failing = (...which: number[]) => {
  let count = 0;
  return () => (which.includes(count++) ? broken : ('done' as const));
};

const count = (order: Order, prepare: Order[] = []): number => {
  const rig = new Rig();
  for (const before of prepare) rig.order(before);
  return rig.order(order).filter((d) => 'id' in d).length;
};

test('a failure at any one command of a failover is rolled back to ready', (t) => {
  const order = failover(...names);
  const total = count(order);
  t.is(total, 3 * 4 + 1 + 2 * 2 + 2 * 3);
  for (let n = 0; n < total; n += 1) {
    const rig = new Watched();
    const all = rig.order(order, failing(n));
    const failed = all.filter((d): d is Command => 'id' in d)[n]!;
    const { status, results } = finished(all);
    t.is(status, 'failed', brief(failed));
    for (const result of results) {
      const state = result.status === 'success' ? 'failover' : 'ready';
      t.is(rig.state(result.vm), state, `${brief(failed)}: ${result.vm}`);
      if (result.status === 'failed') t.is(result.because, broken);
    }
    // Whoever does not depend on what failed has not been dragged along.
    const own =
      'vm' in failed ? [failed.vm] : 'network' in failed ? sharing(failed.network) : names;
    t.deepEqual(
      results.filter(({ status }) => status === 'failed').map(({ vm }) => vm),
      own,
    );
    rig.home();
    t.deepEqual(rig.auditor.complaints, []);
    t.deepEqual(rig.auditor.leftOver, []);
    t.deepEqual(rig.controller.status().started, []);
  }
});

const sharing = (network: string) => (network === 'lan10' ? ['sql01', 'web01'] : ['app01']);

test('a second failure at any command of the rollback leaves a safe state with a way out', (t) => {
  const order = failover('sql01', 'app01');
  const total = count(order);
  for (let first = 0; first < total; first += 1) {
    const rollback = new Rig().order(order, failing(first)).filter((d) => 'id' in d).length;
    for (let second = first + 1; second < rollback; second += 1) {
      const rig = new Watched();
      const all = rig.order(order, failing(first, second));
      for (const { vm, status } of finished(all).results) {
        const states = status === 'success' ? ['failover'] : ['ready', 'failed-failover'];
        t.true(states.includes(rig.state(vm)!), `${first}, ${second}: ${vm} ${rig.state(vm)}`);
      }
      rig.home();
      t.deepEqual(rig.auditor.complaints, [], `${first}, ${second}`);
      t.deepEqual(rig.controller.status().started, [], `${first}, ${second}`);
    }
  }
});

test('the first failure is the reason, whatever goes wrong on the way back', (t) => {
  const rig = new Rig();
  const all = rig.order(failover('sql01'), ({ kind }) => {
    if (kind === 'start-vpn-client') return 'FIREWALL_BLOCKED';
    return kind === 'power-off-replica' ? 'LINK_DOWN' : 'done';
  });
  const { because, results } = finished(all);
  t.deepEqual([because, results[0]?.because], ['FIREWALL_BLOCKED', 'FIREWALL_BLOCKED']);
  t.regex(results[0]?.text ?? '', /^start-vpn-client: /);
  t.is(rig.state('sql01'), 'failed-failover');
});

test('a failure at any one command of an undo ends in ready or in a failed failover that a second undo ends', (t) => {
  const total = count(undo(...names), [failover(...names)]);
  let incomplete = 0;
  for (let n = 0; n < total; n += 1) {
    const rig = new Watched();
    rig.order(failover(...names));
    const all = rig.order(undo(...names), failing(n));
    for (const { vm, status } of finished(all).results) {
      t.is(rig.state(vm), status === 'success' ? 'ready' : 'failed-failover');
      if (status === 'failed') incomplete += 1;
    }
    rig.home();
    t.deepEqual(rig.auditor.complaints, []);
    t.deepEqual(rig.controller.status().started, []);
  }
  t.true(incomplete > 0);
});

test('an order given in any moment of another is taken or refused, and both come to an end', (t) => {
  const total = count(failover('sql01', 'web01'));
  for (let n = 0; n < total; n += 1) {
    for (const order of [failover('app01'), undo('sql01'), failover('web01', 'app01')]) {
      const rig = new Watched();
      rig.tell({ kind: 'order', order: failover('sql01', 'web01') });
      for (let i = 0; i < n; i += 1) rig.answer(rig.waiting[0]!, 'done');
      rig.tell({ kind: 'order', order });
      rig.settle();
      t.is(ofKind(rig.log, 'finish').length, 2);
      rig.home();
      t.deepEqual(rig.auditor.complaints, []);
    }
  }
});

// Random walks

type Stroke =
  | { readonly do: 'order'; readonly order: (...vms: string[]) => VmOrder; readonly vms: string[] }
  | { readonly do: 'failover' | 'undo'; readonly vms: string[]; readonly back: number }
  | { readonly do: 'answer'; readonly which: number; readonly ok: boolean }
  | { readonly do: 'due' | 'guest'; readonly vm: string }
  | { readonly do: 'power'; readonly vm: string; readonly state: 'on' | 'off' }
  | { readonly do: 'tunnel'; readonly network: string; readonly state: 'up' | 'failed' | 'down' };

const aVm = fc.constantFrom(...names);
const someVms = fc.subarray(names, { minLength: 1 });
const orders = [
  planned,
  failback.bind(undefined, 'auto'),
  failback.bind(undefined, 'manual'),
  ...(
    ['switch', 'commit-failback', 'undo-failback', 'reconnect', 'permanent-failover'] as const
  ).map(
    (kind) =>
      (...vms: string[]) =>
        order(kind, ...vms),
  ),
];
const stroke: fc.Arbitrary<Stroke> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('order' as const),
      order: fc.constantFrom(...orders),
      vms: someVms,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('failover' as const, 'undo' as const),
      vms: someVms,
      back: fc.nat(3),
    }),
  },
  {
    weight: 20,
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
      which: fc.nat(5),
      ok: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('due' as const, 'guest' as const), vm: aVm }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('power' as const),
      vm: aVm,
      state: fc.constantFrom('on' as const, 'off' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('tunnel' as const),
      network: fc.constantFrom('lan10', 'lan20'),
      state: fc.constantFrom('up' as const, 'failed' as const, 'down' as const),
    }),
  },
);

function play(rig: Watched, stroke: Stroke): void {
  switch (stroke.do) {
    case 'failover': {
      const order = { ...failover(...stroke.vms), restorePoint: { back: stroke.back } } as Order;
      rig.tell({ kind: 'order', order });
      return;
    }
    case 'order':
      rig.tell({ kind: 'order', order: stroke.order(...stroke.vms) });
      return;
    case 'undo':
      rig.tell({ kind: 'order', order: undo(...stroke.vms) });
      return;
    case 'answer': {
      const command = rig.waiting[stroke.which % Math.max(1, rig.waiting.length)];
      if (command !== undefined) rig.answer(command, stroke.ok ? 'done' : broken);
      return;
    }
    case 'due':
      rig.tell({ kind: 'replication-due', vm: stroke.vm });
      return;
    case 'guest':
      rig.tell({ kind: 'guest-up', vm: stroke.vm });
      return;
    case 'power':
      // Whoever switches production on while its disks are being written to is beyond help.
      if (rig.waiting.length === 0) rig.tell({ kind: 'power', vm: stroke.vm, state: stroke.state });
      return;
    case 'tunnel':
      rig.tell({ kind: 'tunnel', network: stroke.network, state: stroke.state });
  }
}

const policies: Partial<Policies>[] = [{}, { withdrawal: 'after-power-off' }];

test('whatever happens in whatever order, no rule is broken, and everything can be undone', (t) => {
  const tally = new Map<string, number>();
  fc.assert(
    fc.property(
      fc.constantFrom(...policies),
      fc.array(stroke, { minLength: 20, maxLength: 120 }),
      (policy, strokes) => {
        const rig = new Watched(configuration(policy));
        for (const one of strokes) {
          play(rig, one);
          t.deepEqual(rig.auditor.complaints, []);
        }
        rig.home();
        t.deepEqual(rig.auditor.complaints, []);
        t.deepEqual(rig.auditor.leftOver, []);
        t.deepEqual(rig.controller.status().started, []);
        for (const d of rig.log) {
          const name = d.kind === 'replica-state' ? `${d.was} > ${d.state}` : d.kind;
          tally.set(name, (tally.get(name) ?? 0) + 1);
        }
      },
    ),
    { seed: 8, numRuns: 1500 },
  );
  // A walk that never got anywhere would have broken no rule either.
  for (const often of [
    'roll-back',
    'failed-failover > ready',
    'failover > failed-failover',
    'run-replication',
    'replication-skipped',
    'resume-replication',
    'connectivity',
  ])
    t.true((tally.get(often) ?? 0) > 100, `${often}: only ${tally.get(often) ?? 0} times`);
});

test('the same observations lead to the same decisions', (t) => {
  fc.assert(
    fc.property(fc.array(stroke, { maxLength: 80 }), (strokes) => {
      const [a, b] = [new Watched(), new Watched()];
      for (const one of strokes) {
        play(a, one);
        play(b, one);
      }
      t.deepEqual(a.log, b.log);
    }),
    { seed: 8, numRuns: 50 },
  );
});

test('a controller that nobody answers gives up step by step and comes to rest', (t) => {
  for (const vms of [names, ['sql01']]) {
    const rig = new Rig(configuration({ patience: seconds(10) }));
    rig.tell({ kind: 'order', order: failover(...vms) });
    for (let wakes = 0; rig.controller.nextWake() !== undefined; wakes += 1) {
      t.true(wakes < 100);
      rig.wakeAt(rig.controller.nextWake()!);
    }
    t.is(finished(rig.log).because, 'OPERATION_TIMEOUT');
    t.deepEqual(rig.controller.status().pending, []);
    t.true(rig.now >= after(labStart, seconds(20))); // one for the step, one for the way back
    rig.waiting = [];
    rig.order(undo(...vms));
    t.deepEqual(rig.controller.status().started, []);
  }
});

// All there is to a modest depth

/** Everything that can happen next to these VMs. */
function moves(rig: Rig, vms: readonly string[]): Observation[] {
  const orders = vms.flatMap((name) => [failover(name), undo(name)]);
  if (vms.length > 1) orders.push(failover(...vms), undo(...vms));
  return [
    ...rig.waiting.flatMap(({ id }): Observation[] => [
      { kind: 'done', id },
      { kind: 'failed', id, because: broken },
    ]),
    ...vms.map((vm): Observation => ({ kind: 'replication-due', vm })),
    ...orders.map((order): Observation => ({ kind: 'order', order })),
  ];
}

function replay(start: readonly Order[], path: readonly Observation[]): Watched {
  const rig = new Watched();
  for (const order of start) rig.order(order);
  for (const observation of path) {
    const command =
      'id' in observation ? rig.waiting.find(({ id }) => id === observation.id) : undefined;
    if (command === undefined) rig.tell(observation);
    else rig.answer(command, observation.kind === 'done' ? 'done' : broken);
  }
  return rig;
}

/** How things stand, without what only counts up. */
function fingerprint(rig: Watched): string {
  const { replicas, started, pending, runs } = rig.controller.status();
  return JSON.stringify([
    replicas.map(({ vm, state, busy }) => [vm, state, busy]),
    started,
    pending.map((c) => [brief(c), c.operation]),
    runs,
  ]);
}

/** Breadth first, each situation once, each from its shortest path. */
function search(start: readonly Order[], vms: readonly string[], depth: number) {
  const seen = new Set([fingerprint(replay(start, []))]);
  let frontier: Observation[][] = [[]];
  for (let step = 0; step < depth && frontier.length > 0; step += 1) {
    const next: Observation[][] = [];
    for (const path of frontier) {
      for (const move of moves(replay(start, path), vms)) {
        const longer = [...path, move];
        const rig = replay(start, longer);
        const print = fingerprint(rig);
        const isNew = !seen.has(print);
        if (isNew) {
          seen.add(print);
          next.push(longer);
          rig.home(); // there is a way home from everywhere
        }
        const left = isNew ? rig.controller.status().started : [];
        const complaint = rig.auditor.complaints[0] ?? left[0];
        if (complaint !== undefined)
          return { situations: seen.size, complaint: `${complaint} ${JSON.stringify(longer)}` };
      }
    }
    frontier = next;
  }
  return { situations: seen.size, complaint: undefined, complete: frontier.length === 0 };
}

const searches: readonly (readonly [string, Order[], string[], number])[] = [
  ['one VM', [], ['sql01'], 99],
  ['three VMs in two networks', [], names, 8],
  ['a second VM in the network of a failed-over one', [failover('sql01')], ['sql01', 'web01'], 10],
  ['a second VM in another network', [failover('sql01')], ['sql01', 'app01'], 9],
  ['three failed-over VMs', [failover(...names)], names, 6],
];

for (const [title, start, vms, depth] of searches) {
  test(`P6, in small: whatever can happen breaks no rule and leads home: ${title}`, (t) => {
    const { situations, complaint, complete } = search(start, vms, depth);
    t.is(complaint, undefined);
    t.log(
      `${situations} situations${complete ? ', all there are' : `, ${depth} observations deep`}`,
    );
    t.true(situations > 400);
    if (depth === 99) t.true(complete);
  });
}
