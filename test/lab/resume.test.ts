/** A lab whose process dies, and another that is built anew and goes on where the journal of the first one ends. */
import test from 'ava';
import { after, seconds } from '../../src/base/time.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import type { Order } from '../../src/failover/observation.ts';
import { compile } from '../../src/scenario/compile.ts';
import { SimBackend, type SimLab } from '../../src/sim/backend.ts';
import { EventLog } from '../../src/trace/log.ts';
import { ipv4 } from '../../src/wire/address.ts';
import { Paper } from '../failover/paper.ts';
import { failback, order, planned, undo } from '../failover/rig.ts';
import { scenarios } from '../playing.ts';

const plan = compile(scenarios('05-planned-failover-convergence.yaml')[0]!);
const [recovery] = plan.recoveries;
const { configuration } = recovery!;

async function labWith(paper: Paper): Promise<SimLab> {
  const journaled = { ...plan, recoveries: [{ ...recovery!, journal: paper }] };
  const backend = new SimBackend({ crypto: nodeCrypto });
  const lab = await backend.start(journaled, new EventLog('decisions'));
  return lab;
}

const run = (lab: SimLab, forSeconds: number) => lab.until(after(lab.now, seconds(forSeconds)));

/** Until the operation has ended and all that it was to change has changed. */
async function finish(lab: SimLab): Promise<void> {
  await lab.until(after(lab.now, seconds(3600)), () => lab.recoveries[0]!.finished !== undefined);
  await run(lab, 120);
}

/** How things stand, in the controller's eyes and in the lab's own. */
function outcome(lab: SimLab): unknown {
  const { replicas, started, pending } = lab.recoveries[0]!.status;
  const machines = plan.topology.nodes.map(({ name }) => `${name} ${lab.network.powerOf(name)}`);
  return { replicas, started, pending, machines, end: lab.recoveries[0]!.finished?.status };
}

async function pings(lab: SimLab, from: string, to: string): Promise<boolean> {
  const probes = lab.network.probes(from)!;
  probes.ping({ probe: 1, to: ipv4(to), size: 56, every: seconds(1) }, lab.now, lab.fabric);
  await run(lab, 5);
  return [...lab.log.facts(['probe'])].some(({ what }) => what === 'answered');
}

const stories: Readonly<Record<string, readonly Order[]>> = {
  'planned failover': [planned('sql01')],
  'planned failover, undone': [planned('sql01'), undo('sql01')],
  'planned failover, and back': [
    planned('sql01'),
    failback('auto', 'sql01'),
    order('commit-failback', 'sql01'),
  ],
};

for (const [title, orders] of Object.entries(stories))
  test(`a lab goes on from wherever its process has died: ${title}`, async (t) => {
    const whole = new Paper(configuration);
    const lab = await labWith(whole);
    await run(lab, 15);
    for (const one of orders) {
      lab.order(one);
      await finish(lab);
    }
    const wanted = outcome(lab);
    const reached = await pings(lab, 'web01', '10.0.10.20');
    t.is(reached, !title.endsWith('undone')); // whoever undoes it sees to the original himself
    const { texts } = whole;
    for (let most = 1; most <= texts.length; most += 1) {
      const paper = new Paper(configuration, texts.slice(0, most));
      const next = await labWith(paper);
      // The lab died with its process, so nothing of what was not answered has been done in this one.
      const stopped = await new Promise((told) => {
        next.recoveries[0]!.resume(() => 'not begun', told);
        void next.until(after(next.now, seconds(300)));
      });
      t.is(stopped, undefined, `after ${most}`);
      const orderedBefore = texts.slice(0, most).filter((text) => text.includes('"kind":"order"'));
      await finish(next);
      for (const one of orders.slice(orderedBefore.length)) {
        next.order(one);
        await finish(next);
      }
      t.deepEqual(outcome(next), wanted, `after ${most} of ${texts.length}`);
      t.is(await pings(next, 'web01', '10.0.10.20'), reached, `after ${most}`);
      // What has been written since follows on what was there, in time as well.
      t.notThrows(() => new Paper(configuration, paper.texts), `after ${most}`);
    }
    t.log(`${texts.length} ends`);
  });

test('a lab in which nobody knows what was done to a disk does not go on, and says where to look', async (t) => {
  const whole = new Paper(configuration);
  const lab = await labWith(whole);
  lab.order(planned('sql01'));
  await finish(lab);
  const asked = whole.texts.findIndex((text) => text.includes('"kind":"revert-snapshot"'));
  const paper = new Paper(configuration, whole.texts.slice(0, asked + 1));
  const next = await labWith(paper);
  let stopped: string | undefined;
  next.recoveries[0]!.resume(
    () => 'in doubt',
    (why) => {
      stopped = why;
    },
  );
  t.regex(
    stopped ?? '',
    /^command \d+, revert-snapshot of planned-failover, .*look whether .*sql01/,
  );
  t.is(paper.texts.length, asked + 1);
  t.is(next.network.powerOf('sql01'), 'on'); // as the lab begins: nothing has been touched
});

test('a lab of which a machine cannot be brought to where it was says so, and gives no command', async (t) => {
  const whole = new Paper(configuration);
  const lab = await labWith(whole);
  lab.order(planned('sql01'));
  await finish(lab);
  const next = await labWith(new Paper(configuration, whole.texts));
  const stopped = new Promise((told) => {
    next.recoveries[0]!.resume(() => 'done', told);
  });
  await run(next, 5); // in the middle of it
  next.powerOff('sp-nea');
  await run(next, 60);
  t.regex(String(await stopped), /^command \d+, power-on-provider-appliance, cannot be repeated: /);
});
