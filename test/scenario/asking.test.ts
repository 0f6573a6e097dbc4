/** One more question, at any moment of a run: between two steps, within one, or after the last. */
import test, { type ExecutionContext } from 'ava';
import { between, type Duration, seconds } from '../../src/base/time.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import { askAt, type Enquiry } from '../../src/scenario/enquiry.ts';
import { explain } from '../../src/scenario/explaining.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { SimBackend } from '../../src/sim/backend.ts';
import { EventLog } from '../../src/trace/log.ts';
import { digest, played, scenarios } from '../playing.ts';

/** Powers sql01 off and fails it over, in lines 34 and 35. */
const scenario = (): Scenario => scenarios('01-partial-static.yaml')[0]!;

function question(
  line: number,
  offset: Duration,
  to = 'sql01',
): Extract<Enquiry, { kind: 'moment' }> {
  const text = `web01 -> ${to}`;
  const place = { file: 'scenarios/01-partial-static.yaml', line: 1, column: 1, length: 1 };
  const from = { kind: 'vm', name: 'web01', text: 'web01', place } as const;
  const target = { kind: 'vm', name: to, text: to, place } as const;
  const flow = { text, from, to: target, port: undefined, place };
  return { kind: 'moment', text: `ping ${text}`, protocol: 'ping', flow, line, offset };
}

async function asked(t: ExecutionContext, ...of: Parameters<typeof question>) {
  const backend = new SimBackend({ crypto: nodeCrypto });
  const found = await askAt(scenario(), question(...of), backend, new EventLog('full'));
  if (found === undefined) throw t.fail('it was never asked') as never;
  return found;
}

test('within an operation it is asked at that moment, and explained as things stood then', async (t) => {
  const { steps } = (await played(scenario())).result;
  const failover = steps.find(({ line }) => line === 35)!;
  const found = await asked(t, 35, seconds(1.5));
  const sent = [...found.log.facts(['probe'])].find(({ probe }) => probe === 0)!;
  t.is(between(failover.at, sent.at), seconds(1.5));
  t.is(found.step, failover.number);
  const { document } = explain(found, scenario());
  t.false(document.answered);
  t.is(document.code, 'POWERED_OFF');
  t.is(document.asked, sent.at);
});

test('before the first step and after the last it is answered, and the way is told both ways', async (t) => {
  for (const [line, offset] of [
    [0, seconds(14)],
    [35, seconds(28)],
  ] as const) {
    const found = await asked(t, line, offset);
    const { document, mends } = explain(found, scenario());
    t.true(document.answered, document.sentence);
    t.deepEqual(mends, []);
    t.deepEqual(
      new Set(document.hops.map(({ direction }) => direction)),
      new Set(['there', 'back']),
    );
    t.is(document.hops.at(-1)!.where, 'web01');
    t.is(document.arrows!.filter(({ aside }) => !aside).length, document.hops.length - 1);
  }
  const late = await asked(t, 35, seconds(7200));
  const { asked: at } = explain(late, scenario()).document;
  t.is(between(late.result.steps[2]!.at, at), seconds(7200));
});

test('what never comes is not asked', async (t) => {
  const backend = new SimBackend({ crypto: nodeCrypto });
  t.is(
    await askAt(scenario(), question(999, seconds(1)), backend, new EventLog('full')),
    undefined,
  );
});

test('a run that is asked nothing is the run that it was', async (t) => {
  const alone = await played(scenario());
  const log = new EventLog('full');
  await askAt(scenario(), question(999, seconds(1)), new SimBackend({ crypto: nodeCrypto }), log);
  t.is(digest(log), digest(alone.log));
});
