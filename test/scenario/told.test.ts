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
