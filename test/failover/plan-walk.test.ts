/** Plans and partial failovers mixed at random, with failures: no rule is broken, and there is a way home. */
import test from 'ava';
import fc from 'fast-check';
import { seconds } from '../../src/base/time.ts';
import type { Command, Decision } from '../../src/failover/decision.ts';
import type { FailoverPlan } from '../../src/failover/failover-plan.ts';
import type { Observation } from '../../src/failover/observation.ts';
import { Auditor } from './auditor.ts';
import { type Answer, configuration, failover, ofKind, plan, Rig, undo } from './rig.ts';

const addresses = { sql01: '10.0.10.20', web01: '10.0.10.11', app01: '10.0.20.30' };
const names = Object.keys(addresses);
const plan1: FailoverPlan = {
  name: 'plan1',
  vms: [
    { vm: 'sql01', delay: seconds(5) },
    { vm: 'app01', delay: seconds(0) },
  ],
  routing: false,
  rules: [],
  gateways: {},
};

class Audited extends Rig {
  readonly auditor = new Auditor(addresses);

  override tell(observation: Observation): Decision[] {
    return this.#seen(super.tell(observation));
  }

  override wakeAt(now: Rig['now']): Decision[] {
    return this.#seen(super.wakeAt(now));
  }

  override answer(command: Command, answer: 'done' | 'OPERATION_STEP_FAILED'): Decision[] {
    this.auditor.answered(command, answer === 'done');
    return super.answer(command, answer);
  }

  /** Answers and wakes until nothing is under way. */
  override settle(answer?: Answer): void {
    for (let left = 1000; left > 0; left -= 1) {
      super.settle(answer);
      const wake = this.controller.nextWake();
      if (wake === undefined) return;
      this.wakeAt(wake);
    }
    throw new Error('the controller does not come to an end');
  }

  #seen(decisions: Decision[]): Decision[] {
    this.auditor.decided(decisions);
    return decisions;
  }
}

const kinds = [
  'failover-plan',
  'retry-failover-plan',
  'undo-failover-plan',
  'test-failover-plan',
] as const;
const vms = fc.subarray(names, { minLength: 1 });
const order = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...kinds).map((kind) => plan(kind)) },
  { weight: 1, arbitrary: vms.map((some) => failover(...some)) },
  { weight: 1, arbitrary: vms.map((some) => undo(...some)) },
);
const stroke = fc.oneof(
  { weight: 2, arbitrary: order.map((one) => ({ do: 'order' as const, order: one })) },
  {
    weight: 9,
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
      which: fc.nat(5),
      ok: fc.integer({ min: 0, max: 11 }).map((n) => n > 0),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ do: 'wake' as const }) },
  { weight: 4, arbitrary: fc.nat(25).map((fails) => ({ do: 'settle' as const, fails })) },
);

type Stroke = typeof stroke extends fc.Arbitrary<infer T> ? T : never;

function play(rig: Audited, one: Stroke): void {
  switch (one.do) {
    case 'order':
      rig.tell({ kind: 'order', order: one.order });
      break;
    case 'settle': {
      let count = 0;
      rig.settle(() => (count++ === one.fails ? 'OPERATION_STEP_FAILED' : 'done'));
      break;
    }
    case 'wake': {
      const wake = rig.controller.nextWake();
      // Not so far that the controller gives up on what nobody has answered.
      if (wake !== undefined && wake - rig.now <= seconds(20)) rig.wakeAt(wake);
      break;
    }
    case 'answer': {
      const command = rig.waiting[one.which % Math.max(1, rig.waiting.length)];
      if (command !== undefined) rig.answer(command, one.ok ? 'done' : 'OPERATION_STEP_FAILED');
    }
  }
}

for (const onConcurrent of ['force', 'reject'] as const)
  test(`whatever is ordered in whatever order, policy ${onConcurrent}`, (t) => {
    const tally = new Map<string, number>();
    const count = (what: string): unknown => tally.set(what, (tally.get(what) ?? 0) + 1);
    fc.assert(
      fc.property(fc.array(stroke, { minLength: 20, maxLength: 120 }), (strokes) => {
        const rig = new Audited(configuration({ onConcurrent }, { failoverPlans: [plan1] }));
        for (const one of strokes) play(rig, one);
        rig.settle();
        rig.auditor.atRest();
        rig.order(plan('undo-failover-plan'));
        for (const name of names) if (rig.state(name) !== 'ready') rig.order(undo(name));
        rig.order(plan('undo-failover-plan'));
        rig.auditor.atRest();
        t.deepEqual(rig.auditor.complaints, []);
        t.deepEqual(rig.controller.status().started, []);
        t.is(rig.controller.status().plans[0]?.state, 'ready');
        for (const name of names) t.is(rig.state(name), 'ready');
        for (const { was, state } of ofKind(rig.log, 'plan-state')) count(`${was} > ${state}`);
        for (const { operation } of ofKind(rig.log, 'power-off-tenant-appliance'))
          count(`tenant appliance off by ${operation}`);
      }),
      { seed: 27, numRuns: 1500 },
    );
    for (const often of [
      'in-progress > completed',
      'in-progress > failed',
      'failed > in-progress',
      'undo-in-progress > ready',
      'undo-in-progress > undo-failed',
      ...(onConcurrent === 'force' ? ['tenant appliance off by failover-plan'] : []),
    ])
      t.true((tally.get(often) ?? 0) > 20, `${often}: only ${tally.get(often) ?? 0} times`);
  });
