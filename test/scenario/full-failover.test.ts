/** Failover plans as scenarios have them: what breaks what, what is refused, and what a file may not say. */
import test from 'ava';
import { check } from '../../src/scenario/check.ts';
import { expectations, inWords, played, scenarios } from '../playing.ts';

const gallery = '22-full-site-failover-nat.yaml';

/** The case of the gallery file that fails over, with something merged over it. */
async function whole(overlay: string) {
  const [scenario] = scenarios(gallery, overlay);
  return played(scenario!);
}

const broken = (run: Awaited<ReturnType<typeof whole>>) =>
  expectations(run)
    .filter(({ verdict }) => verdict !== 'met')
    .map(({ text, code }) => `${text.replace(/:? .*/, '').replace(':', '')} ${code ?? ''}`.trim());

const plan = (setting: string) => `failover_plans: { plan1: { ${setting} } }`;
const rules = (port: number) =>
  plan(`public_ip_rules: [{ public_ip: 203.0.113.50, port: ${port}, to: web01, to_port: 8443 }]`);
const quick = (vms: string) => plan(`vms: [${vms}]`);

const mechanisms: Record<string, [overlay: string, breaks: readonly string[]]> = {
  'no public-IP rule for a port': [rules(443), ['tcp NAT_NO_MAPPING']],
  'no internet access where it was': [
    'provider: { hardware_plan: { networks: { plan10: { internet: false } } } }',
    ['tcp NO_INTERNET_ACCESS'],
  ],
  'internet access where there was none': [
    'provider: { hardware_plan: { networks: { plan20: { internet: true } } } }',
    ['tcp'],
  ],
  'the appliance routes': [plan('routing: true'), ['ping']],
  'another address for the default gateway': [
    plan('default_gateways: { lan10: 10.0.10.254 }'),
    // Nothing comes back to whoever asks from outside, and nothing gets out.
    ['arp ARP_UNANSWERED', 'tcp ARP_UNANSWERED', 'tcp ARP_UNANSWERED', 'ping ARP_UNANSWERED'],
  ],
  'replicas that start more quickly': [
    `timings: { revert_snapshot: 1s }`,
    // Each start takes 3 s instead of 4, and the last of them waits for the first of ten.
    ['operation', 'operation'],
  ],
};

for (const [title, [overlay, breaks]] of Object.entries(mechanisms))
  test(`${title}: the gallery notices`, async (t) => {
    const run = await whole(overlay);
    t.deepEqual(broken(run), breaks, expectations(run).map(inWords).join('\n'));
  });

const steps = (list: string) => `steps: ${list}`;

test('the test of a plan finds a replica that does not answer, and one without a valid address', async (t) => {
  const dhcp = 'dhcp: { network: lan10, server: hq.gateway, pool: 10.0.10.100-10.0.10.110 }';
  const vms = 'vms: { dns01: { ip: dhcp, lease: none }, app09: { echo: false } }';
  const run = await whole(`
tenant: { sites: { hq: { ${dhcp}, ${vms} } } }
${quick('{ vm: dns01, delay: 0s }, { vm: app09, delay: 0s }, app08')}
${steps(`
  - plan: { test: plan1 }
  - expect:
      - { operation: failed, because: NO_ADDRESS }
      - state: { plan1: ready, dns01: ready, app09: ready, app08: ready, power.sp-nea: stopped }`)}`);
  t.deepEqual(broken(run), []);
  const pings = [...run.log.facts(['probe'])].filter(({ probe }) => probe >= 1_000_000);
  const answered = pings
    .filter(({ what }) => what === 'answered')
    .map(({ node, to }) => `${node} ${to}`);
  // The provider pings its appliance, and the appliance the replicas.
  t.deepEqual([...new Set(answered)], ['gw1 198.18.0.101', 'sp-nea 10.0.20.38']);
  t.true(pings.some(({ to, what }) => to === '10.0.20.39' && what === 'sent'));
});

test('an address is stable once it has been the same for ten seconds, and not when it is first seen', async (t) => {
  // On at 2 s, booted at 17 s, stable at 27 s; two pings of 5 s; off 1 s, appliance off 1 s, disk 2 s.
  const run = await whole(`
${quick('app09')}
${steps(`
  - plan: { test: plan1 }
  - expect:
      - { operation: success, took: ">= 41s" }
      - { operation: success, took: "<= 41s" }`)}`);
  t.deepEqual(broken(run), [], expectations(run).map(inWords).join('\n'));
});

test('a replica that does not answer pings fails the test with that reason', async (t) => {
  const run = await whole(`
tenant: { sites: { hq: { vms: { app09: { echo: false } } } } }
${quick('app09')}
${steps(`
  - plan: { test: plan1 }
  - expect: [{ operation: failed, because: PING_UNANSWERED }]`)}`);
  t.deepEqual(broken(run), []);
});

test('*Start to*: a plan takes the newest restore point, an earlier one, or the closest prior to a moment', async (t) => {
  const points = async (to: string) => {
    const run = await whole(`
${quick('app09')}
${steps(`
  - plan: { start: ${to} }
  - expect: [{ operation: success }]`)}`);
    return [...run.log.facts(['replica'])].find(({ state }) => state === 'failover')?.restorePoint;
  };
  t.is(await points('plan1'), 'restore point 7');
  t.is(await points('{ plan: plan1, to: 3 }'), 'restore point 5');
  t.is(await points('{ plan: plan1, to: 10m }'), 'restore point 7');
});

test('a plan that has failed is tried again for the VMs that failed, and a plan of nobody is undone at once', async (t) => {
  const run = await whole(`
replication: { job1: { vms: [dns01] } }
${quick('{ vm: dns01, delay: 0s }, app09')}
${steps(`
  - plan: { start: plan1 }
  - expect:
      - { operation: failed, because: NO_REPLICA }
      - state: { plan1: failed, dns01: failover }
  - plan: { retry: plan1 }
  - expect:
      - { operation: failed, because: NO_REPLICA }
  - plan: { start: plan1 }
  - expect:
      - { operation: failed, because: WRONG_STATE }
  - plan: { undo: plan1 }
  - expect:
      - operation: success
      - state: { plan1: ready, dns01: ready }`)}`);
  t.deepEqual(broken(run), [], expectations(run).map(inWords).join('\n'));
  const runs = [...run.log.facts(['operation'])].filter(({ state }) => state === 'started');
  t.deepEqual(
    runs.map(({ operation, vms }) => `${operation}: ${vms.join(' ')}`),
    [
      'failover-plan: dns01 app09',
      'retry-failover-plan: app09',
      'failover-plan: dns01 app09',
      'undo-failover-plan: dns01',
    ],
  );
});

test('why nobody gets through says where and what would change it', async (t) => {
  const run = await whole(`
${quick('{ vm: dns01, delay: 0s }, web01')}
${steps(`
  - fault: { power_off: web01 }
  - plan: { start: plan1 }
  - expect:
      - { ping: sql01 -> web01, fails: NO_TUNNEL_TO_PRODUCTION, last_hop: hq.gateway }
      - { ping: web01 -> sql01, fails: NO_TUNNEL_TO_PRODUCTION }
      - { ping: dns01 -> web01, via: [plan10] }
  - fault: { power_off: sp-nea }
  - expect:
      - { tcp: "web01 -> phone1:80", fails: POWERED_OFF }`)}`);
  t.deepEqual(broken(run), [], expectations(run).map(inWords).join('\n'));
  const [first] = expectations(run);
  t.is(
    first?.why,
    'web01 has failed over with the whole site, for which no tunnel is built: sql01 cannot reach web01-replica',
  );
});

// What a file may not say

const head = `name: plans
tenant:
  sites:
    hq:
      networks: { lan10: { subnet: 10.0.10.0/24, gateway: 10.0.10.1 } }
      vms:
        web01: { network: lan10, ip: 10.0.10.11 }
        sql01: { network: lan10, ip: 10.0.10.20 }
      appliances: { nea-hq: { network: lan10, ip: 10.0.10.250 } }
provider:
  gateways: { gw1: { public_ip: 203.0.113.10 } }
  hardware_plan: { networks: { plan10: { vlan: 110, internet: true } } }
replication:
  job1: { vms: [web01, sql01], network_mapping: { lan10: plan10 } }
`;
const problems = (tail: string) => {
  const text = head + tail;
  return check('a.yaml', () => text).problems.map(
    ({ code, line, column }) => `${code} ${line - head.split('\n').length + 1}:${column}`,
  );
};

for (const [title, tail, expected] of [
  [
    'an unknown plan',
    'failover_plans: { plan1: { vms: [web01] } }\nsteps:\n  - plan: { start: plan2 }\n  - expect: [{ operation: success }]\n',
    ['E330 3:20'],
  ],
  [
    'a VM twice, and one that is unknown',
    'failover_plans: { plan1: { vms: [web01, web01, web02] } }\nsteps:\n  - plan: { start: plan1 }\n  - expect: [{ operation: success }]\n',
    ['E309 1:41', 'E302 1:48'],
  ],
  ['a plan without VMs', 'failover_plans: { plan1: { vms: [] } }\n', ['E106 1:33']],
  [
    'the public address of a gateway',
    'failover_plans: { plan1: { vms: [web01], public_ip_rules: [{ public_ip: 203.0.113.10, port: 443, to: web01 }] } }\nsteps: [{ expect: [{ ping: web01 -> sql01 }] }]\n',
    ['E306 1:73'],
  ],
  [
    'one public port for two replicas',
    'failover_plans:\n  plan1:\n    vms: [web01]\n    public_ip_rules:\n      - { public_ip: 203.0.113.50, port: 443, to: web01 }\n      - { public_ip: 203.0.113.50, port: 443, to: sql01 }\nsteps: [{ expect: [{ ping: web01 -> sql01 }] }]\n',
    ['E306 6:42'],
  ],
  [
    'a port that there is not',
    'failover_plans: { plan1: { vms: [web01], public_ip_rules: [{ public_ip: 203.0.113.50, port: 65536, to: web01 }] } }\nsteps: [{ expect: [{ ping: web01 -> sql01 }] }]\n',
    ['E206 1:93'],
  ],
  [
    'a client with the address of a gateway',
    'internet: { clients: { phone1: { ip: 203.0.113.10 } } }\nsteps: [{ expect: [{ ping: web01 -> sql01 }] }]\n',
    ['E306 1:38'],
  ],
  [
    'another policy than there is, and two plan operations in one step',
    'policies: { on_concurrent: maybe }\nfailover_plans: { plan1: { vms: [web01] } }\nsteps:\n  - plan: { start: plan1, undo: plan1 }\n  - expect: [{ operation: success }]\n',
    ['E210 1:28', 'E310 4:27'],
  ],
] as const)
  test(`a file with ${title}`, (t) => {
    t.deepEqual(problems(tail), expected);
  });

test('two tenants with equal subnets fail over with plans of their own, and each is reached by its own address', async (t) => {
  const tenant = (name: string, ip: string, vm: string) => `
  ${name}:
    hardware_plans: [gold]
    sites:
      hq:
        networks: { lan10: { subnet: 10.0.10.0/24, gateway: 10.0.10.1 } }
        vms:
          ${vm}: { network: lan10, ip: 10.0.10.20, listen: [tcp/443] }
    replication: { job1: { vms: [${vm}], network_mapping: { lan10: plan10 } } }
    failover_plans:
      plan1: { vms: [${vm}], public_ip_rules: [{ public_ip: ${ip}, port: 443, to: ${vm} }] }`;
  const text = `name: two tenants
tenants:${tenant('acme', '203.0.113.50', 'web01')}${tenant('globex', '203.0.113.60', 'app01')}
provider:
  gateways: { gw1: { public_ip: 203.0.113.10 } }
  hardware_plans: { gold: { hosts: [esx1], networks: { plan10: { internet: true } } } }
  vlan_pools: { pool1: { hosts: [esx1], with_internet: "100-109" } }
internet: { clients: { phone1: { ip: 198.51.100.77 } } }
steps:
  - plan: { start: acme/plan1 }
  - expect:
      - state: { acme/plan1: completed, globex/plan1: ready, web01: failover, app01: ready }
      - { tcp: "phone1 -> 203.0.113.50:443" }
  - plan: { start: globex/plan1 }
  - expect:
      - { tcp: "phone1 -> 203.0.113.60:443" }
      - { ping: web01 -> phone1 }
      - { ping: app01 -> phone1 }
  - plan: { undo: acme/plan1 }
  - expect:
      - { tcp: "phone1 -> 203.0.113.60:443" }
      - state: { web01: ready, app01: failover }
`;
  const { problems, cases } = check('two.yaml', () => text);
  t.deepEqual(
    problems.filter(({ severity }) => severity === 'error').map(({ message }) => message),
    [],
  );
  const run = await played(cases![0]!);
  t.deepEqual(broken(run), [], expectations(run).map(inWords).join('\n'));
});
