/** What a run tells of things that went wrong in unusual ways. */
import test from 'ava';
import { expectations, played, scenarios } from '../playing.ts';
import { checkText } from './memory.ts';

test('a refused operation is told with the state of the replica and what that allows', async (t) => {
  const [scenario] = scenarios('01-partial-static.yaml', 'steps: [{ undo: { vms: [sql01] } }]');
  const { result } = await played(scenario!);
  const failed = result.steps[0]!.happened.find(({ kind }) => kind === 'failed');
  t.is(failed?.code, 'WRONG_STATE');
  t.regex(failed!.text, /in state ready, which does not allow undo-failover; allowed: .*failover/);
});

test('an operation that should have succeeded is explained by what it said, not by its code alone', async (t) => {
  const [scenario] = scenarios(
    '01-partial-static.yaml',
    'steps: [{ undo: { vms: [sql01] } }, { expect: [{ operation: success }] }]',
  );
  const [refused] = expectations(await played(scenario!));
  t.is(refused!.verdict, 'broken');
  t.regex(refused!.why!, /in state ready, which does not allow undo-failover; allowed: .*failover/);
});

test('one VM after another: each step says whose it is', async (t) => {
  const overlay = `replication: { job1: { vms: [sql01, web01] } }
steps: [{ failover: { vms: [sql01, web01], planned: true } }, { failover: { vms: [web01] } }]
`;
  const [scenario] = scenarios('01-partial-static.yaml', overlay);
  const { result } = await played(scenario!);
  const steps = result.steps[0]!.happened.filter(({ text }) => /^\d+\./.test(text));
  const whose = steps.map(({ text }) => /^(\d+)\. (\w+): /.exec(text)?.slice(1).join(' '));
  const all = Array.from({ length: 11 }, (_, i) => i + 1);
  t.deepEqual(whose, [...all.map((n) => `${n} sql01`), ...all.map((n) => `${n} web01`)]);
});

test('quotes are advised only where they help', (t) => {
  const hints = (fault: string): (string | undefined)[] =>
    checkText(`name: quotes
about: One. Two.
tenant: { sites: { hq: { networks: { lan10: { subnet: 10.0.10.0/24 } } } } }
steps: [{ name: 7, fault: { ${fault} } }]
`)
      .problems.filter(({ code }) => /^E2/.test(code))
      .map(({ code, hint }) => `${code} ${hint}`);
  const title = 'E215 put it in quotes: "7"';
  const place = 'a network, a machine, internet, hq.internet, tunnel.lan10 or esx1.plan10';
  t.deepEqual(hints('block: 6180'), [title, 'E209 write tcp/6180 or udp/6180']);
  t.deepEqual(hints('black_hole: { at: 6180 }'), [title, `E207 ${place}`]);
});

test('a failover plan and a replica have their states by their names, and each its own', (t) => {
  const wrong = (state: string): string[] =>
    checkText(`name: states
about: One. Two.
tenant: { sites: { hq: { networks: { lan10: { subnet: 10.0.10.0/24 } }, vms: { sql01: { network: lan10, ip: 10.0.10.2 } } } } }
failover_plans: { plan1: { vms: [sql01] } }
steps: [{ expect: [{ state: { ${state} } }] }]
`)
      .problems.filter(({ severity, line }) => severity === 'error' && line === 5)
      .map(({ code, message }) => `${code} ${message}`);
  t.deepEqual(wrong('plan1: completed, sql01: failover'), []);
  t.deepEqual(wrong('plan1: failover'), ['E210 "failover" is no state of a failover plan']);
  t.deepEqual(wrong('sql01: completed'), ['E210 "completed" is no state of a replica']);
  t.deepEqual(wrong('plan2: ready'), ['E302 unknown VM "plan2"']);
});

test('an answer that was spoilt on the way is nobody’s answer, and breaks no explanation', async (t) => {
  const overlay = `seed: 2
steps:
  - fault: { power_off: sql01 }
  - failover: { vms: [sql01] }
  - fault: { corrupt: { at: plan10, share: 100% } }
  - expect:
      - { ping: web01 -> sql01, within: 5s }
      - { ping: web01 -> sql01, within: 5s }
      - { arp: { at: web01, ip: 10.0.10.20, replies: 1 } }
`;
  const [scenario] = scenarios('01-partial-static.yaml', overlay);
  const run = await played(scenario!);
  t.deepEqual(
    expectations(run).map(({ verdict }) => verdict),
    ['broken', 'broken', 'broken'],
  );
});

test('what is no port is told so, also where YAML reads a number', (t) => {
  const file = `name: ports
about: One. Two.
tenant: { sites: { hq: { networks: { lan10: { subnet: 10.0.10.0/24 } } } } }
steps: [{ fault: { block: { at: hq, ports: [6180] } } }]
`;
  const problem = checkText(file).problems.find(({ code }) => code === 'E209');
  t.is(problem?.line, 4);
  t.regex(problem!.message + problem!.hint, /udp\/6180|tcp\//);
});

test('several tenants are at least one', (t) => {
  const { problems } = checkText('name: none\nabout: One. Two.\ntenants: {}\n');
  t.deepEqual(
    problems.filter(({ severity }) => severity === 'error').map(({ code, line }) => [code, line]),
    [['E106', 3]],
  );
});
