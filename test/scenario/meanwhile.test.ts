/** Faults that happen while a step goes on: when, what is said of them, and what if their time never comes. */
import test, { type ExecutionContext } from 'ava';
import { seconds } from '../../src/base/time.ts';
import { expectations, inWords, played, scenarios } from '../playing.ts';
import { found, scenario } from './memory.ts';

type Run = Awaited<ReturnType<typeof played>>;

async function run(steps: string, more = ''): Promise<Run> {
  const [one] = scenarios('01-partial-static.yaml', `${more}steps:\n${steps}`);
  return played(one!);
}

const allMet = (t: ExecutionContext, { result }: Run): void => {
  for (const step of result.steps)
    for (const one of step.expectations) t.is(one.verdict, 'met', inWords(one));
};

const said = ({ result }: Run, step: number): string[] =>
  result.steps[step]!.happened.map(({ text }) => text);

test('so long after a step began, to the nanosecond', async (t) => {
  const done = await run(`
  - wait: 10s
    meanwhile:
      - { fault: { power_off: web01 }, after: 3s }
      - { fault: { drop: { at: lan10, loss: 1% } }, after: 1500ms }
  - expect: [{ state: { power.web01: stopped } }]
`);
  allMet(t, done);
  const [step] = [...done.log.facts(['step'])];
  const faults = [...done.log.facts(['fault'])];
  t.deepEqual(
    faults.map(({ fault, at, line }) => [fault, at - step!.at, line]),
    [
      ['drop', seconds(1.5), 8],
      ['power_off', seconds(3), 7],
    ],
  );
  t.is(done.result.steps[1]!.at - step!.at, seconds(10));
  t.deepEqual(said(done, 0), [
    'meanwhile: lan10 loses 1% of all frames after 1500ms',
    'meanwhile: web01 loses power after 3s',
  ]);
});

test('as an operation comes to one of its steps: after that step is told, before the next', async (t) => {
  for (const step of [1, 2, 3, 4, 5, 6, 7, 8]) {
    const done = await run(`
  - failover: { vms: [sql01] }
    meanwhile: [{ fault: { delay: { at: lan10, latency: 1ms } }, at_step: ${step} }]
  - expect: [{ operation: success }]
`);
    allMet(t, done);
    const events = [...done.log.facts(['operation-step', 'fault'])];
    const fault = events.find(({ kind }) => kind === 'fault')!;
    const told = events.filter((event) => event.kind === 'operation-step');
    const own = told.find(({ number }) => number === step)!;
    t.is(fault.at, own.at);
    t.true(fault.id > own.id);
    // Steps with nothing to wait for are told in one breath.
    t.true(told.every(({ number, at }) => number <= step || at >= fault.at));
  }
});

test('so long after a step of the operation', async (t) => {
  const done = await run(`
  - failover: { vms: [sql01] }
    meanwhile: [{ fault: { nea_password: nea-hq }, at_step: 6, after: 2s }]
  - expect: [{ operation: failed, because: APPLIANCE_PASSWORD }, { state: { sql01: ready } }]
`);
  allMet(t, done);
  const events = [...done.log.facts(['operation-step', 'fault'])];
  const six = events.find((event) => event.kind === 'operation-step' && event.number === 6)!;
  t.is(events.find(({ kind }) => kind === 'fault')!.at - six.at, seconds(2));
  t.regex(
    done.result.steps[0]!.title,
    /; meanwhile the password of nea-hq is changed 2s after step 6 begins$/,
  );
});

test('in the middle of a transfer, which survives a cable that is plugged in again', async (t) => {
  const transfer = (meanwhile: string): string => `
  - expect: [{ tcp: web01 -> sql01:1433, bytes: 20000000, within: 60s }]
    ${meanwhile}
`;
  const plain = await run(transfer(''));
  const done = await run(
    transfer(
      'meanwhile: [{ fault: { link_down: sql01 }, after: 50ms }, { fault: { link_up: sql01 }, after: 4s }]',
    ),
  );
  const broken = await run(transfer('meanwhile: [{ fault: { link_down: sql01 }, after: 50ms }]'));
  allMet(t, plain);
  allMet(t, done);
  t.true(plain.lab.now - plain.result.steps[0]!.at < seconds(1));
  t.true(done.lab.now - done.result.steps[0]!.at > seconds(4));
  const [failed] = expectations(broken);
  t.is(failed!.code, 'LINK_DOWN', inWords(failed!));
  t.regex(failed!.why!, /^the cable of sql01 is pulled/);
});

test('who is to blame is the fault, by its own line', async (t) => {
  const done = await run(`
  - fault: { power_off: sql01 }
  - failover: { vms: [sql01] }
    meanwhile:
      - fault:
          black_hole: { at: tunnel.lan10 }
        at_step: 4
  - expect: [{ operation: success }, { ping: web01 -> sql01, fails: BLACK_HOLE, within: 20s }]
`);
  allMet(t, done);
  t.regex(expectations(done).at(-1)!.why!, /the fault in line 9: black_hole at tunnel\.lan10$/);
});

test('only where its condition holds', async (t) => {
  const cases = scenarios(
    '01-partial-static.yaml',
    `matrix: { lost: [yes_, no_] }
steps:
  - wait: 5s
    meanwhile: [{ fault: { power_off: web01 }, after: 1s, when: lost == yes_ }]
  - expect:
      - { when: lost == yes_, state: { power.web01: stopped } }
      - { when: lost == no_, state: { power.web01: running } }
`,
  );
  t.is(cases.length, 2);
  for (const one of cases) allMet(t, await played(one));
});

test('what never got its time has not been rehearsed: the step is broken', async (t) => {
  const done = await run(`
  - failover: { vms: [sql01] }
    meanwhile:
      - { fault: { power_off: gw1 }, after: 10m }
      - { fault: { power_off: nea-hq }, at_step: 9 }
      - { fault: { power_off: sp-nea }, at_step: 8, after: 1m }
  - wait: 20m
  - expect: [{ operation: success }, { state: { power.gw1: running, power.sp-nea: running } }]
`);
  const all = expectations(done);
  t.deepEqual(
    all.map(({ text, line, verdict }) => [text, line, verdict]),
    [
      ['meanwhile: gw1 loses power after 10m', 7, 'broken'],
      ['meanwhile: nea-hq loses power at step 9', 8, 'broken'],
      ['meanwhile: sp-nea loses power 1m after step 8 begins', 9, 'broken'],
      ['operation: success', 11, 'met'],
      ['state: gw1 is running, sp-nea is running', 11, 'met'],
    ],
  );
  t.regex(all[0]!.detail, /was over after \d+(\.\d+)? s, before its time came$/);
});

test('an operation that is refused comes to none of its steps', async (t) => {
  const done = await run(`
  - undo: { vms: [sql01] }
    meanwhile: [{ fault: { power_off: web01 }, at_step: 1 }]
`);
  t.deepEqual(
    expectations(done).map(({ verdict }) => verdict),
    ['broken'],
  );
});

test('check: a fault meanwhile needs a time, and steps are those of an operation', (t) => {
  const wrong = (step: string, item: string): string[] =>
    found(
      scenario({
        steps: `\n  - ${step}\n    meanwhile: [${item}]\n  - expect: [{ ping: web01 -> sql01 }]`,
      }),
    );
  t.deepEqual(wrong('failover: { vms: [sql01] }', '{ fault: { power_off: gw1 } }'), [
    'E106 21:19 fault',
  ]);
  t.deepEqual(wrong('wait: 5s', '{ fault: { power_off: gw1 }, at_step: 4 }'), ['E310 21:55 4']);
  t.deepEqual(wrong('wait: 5s', '{ power_off: gw1, after: 1s }'), ['E104 21:19 power_off']);
  t.deepEqual(wrong('wait: 5s', '{ fault: { power_off: gw2 }, after: 1s }'), ['E303 21:39 gw2']);
  t.deepEqual(wrong('fault: { power_off: gw1 }', '{ fault: { power_off: gw1 }, after: 1s }'), [
    'E103 21:5 meanwhile',
  ]);
  t.deepEqual(wrong('undo: { vms: [sql01] }', '{ fault: { power_off: gw1 }, at_step: 2 }'), []);
});
