/** Several tenants at one provider: what is whose, what is refused, and what keeps them apart. */
import test from 'ava';
import { check } from '../../src/scenario/check.ts';
import { compile } from '../../src/scenario/compile.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { showIpv4 } from '../../src/wire/address.ts';
import { expectations, inWords, played, scenarios } from '../playing.ts';
import { manyTenants } from '../support/many-tenants.ts';

interface Parts {
  readonly provider?: string;
  readonly acme?: string;
  readonly beta?: string;
  readonly top?: string;
  readonly steps?: string;
}

const site = (more = ''): string => `
    sites:
      hq:
        networks: { lan10: { subnet: 10.0.10.0/24, gateway: 10.0.10.1 } }
        vms:
          "vm{1..3}": { network: lan10, ip: "10.0.10.{11..13}", os: windows }
        appliances: { nea: { network: lan10, ip: 10.0.10.250 } }
    replication: { job: { vms: [all], network_mapping: { lan10: plan10 }${more} } }`;

const text = ({ provider, acme, beta, top = '', steps }: Parts = {}): string => `
name: tenants
about: for tests
${top}
tenants:
  acme:${acme ?? `${site()}\n    hardware_plans: [gold]`}
  beta:${beta ?? `${site()}\n    hardware_plans: [gold]`}
provider:
  gateways: { gw1: { public_ip: 203.0.113.10 } }
${provider ?? '  hardware_plans: { gold: { hosts: [esx1], networks: { plan10: { internet: true } } } }'}
steps:
${steps ?? '  - failover: { vms: [all] }\n  - expect: [{ operation: success }]'}
`;

const checked = (parts?: Parts) => check('tenants.yaml', () => text(parts));

function built(parts?: Parts): Scenario {
  const { cases, problems } = checked(parts);
  const [scenario] = cases ?? [];
  if (scenario === undefined) throw new Error(problems.map(({ message }) => message).join('\n'));
  return scenario;
}

test('where a tunnel ends is a tenant’s own, and with several tenants stands within each', (t) => {
  const provider =
    '  hardware_plans: { gold: { hosts: [esx1], networks: { plan10: {}, plan11: {} } } }';
  const plans = '\n    hardware_plans: [gold]';
  const topology = compile(
    built({ provider, acme: `${site()}${plans}\n    tunnel_ends: { lan10: plan11 }` }),
  ).topology;
  const ends = topology.nodes.flatMap((node) =>
    node.kind === 'provider-appliance'
      ? node.tunnels.map(({ network, providerNetwork }) => `${network} > ${providerNetwork}`)
      : [],
  );
  t.deepEqual(ends, ['acme/lan10 > acme/plan11', 'beta/lan10 > beta/plan10']);
  const { problems } = checked({
    provider: `${provider}\n  appliance: { networks: { lan10: plan11 } }`,
  });
  t.deepEqual(
    problems.filter(({ severity }) => severity === 'error').map(({ code, hint }) => [code, hint]),
    [['E310', 'write it within the tenant: "tunnel_ends: { lan10: plan10 }"']],
  );
});

test('what is a tenant’s own is called after it; what only one has needs no tenant before its name', (t) => {
  const beta = site().replaceAll('vm{1..3}', 'other{1..3}');
  const { tenants, steps } = built({
    beta: `${beta}\n    hardware_plans: [gold]`,
    steps: '  - expect: [{ ping: other1 -> vm1 }, { state: { tunnel.beta/lan10: down } }]',
  });
  t.deepEqual(
    tenants.map(({ name, sites, appliances }) => [
      name,
      sites[0]!.name,
      sites[0]!.vms.at(-1)!.name,
      sites[0]!.vms.at(-1)!.network,
      appliances[0]!.name,
    ]),
    [
      ['acme', 'acme/hq', 'acme/vm3', 'acme/lan10', 'acme/sp-nea'],
      ['beta', 'beta/hq', 'beta/other3', 'beta/lan10', 'beta/sp-nea'],
    ],
  );
  const [ping] = steps[0]!.kind === 'expect' ? steps[0]!.probes : [];
  t.like(ping, { flow: { from: { name: 'beta/other1' }, to: { name: 'acme/vm1' } } });
});

const selections: Record<string, readonly string[]> = {
  all: ['acme/vm1', 'acme/vm2', 'acme/vm3', 'beta/vm1', 'beta/vm2', 'beta/vm3'],
  'beta/*': ['beta/vm1', 'beta/vm2', 'beta/vm3'],
  '"*2"': ['acme/vm2', 'beta/vm2'],
  'acme/vm1': ['acme/vm1'],
};

for (const [words, vms] of Object.entries(selections)) {
  test(`failover of ${words}: ${vms.length} VMs`, (t) => {
    const { steps } = built({
      steps: `  - failover: { vms: [${words}] }\n  - expect: [{ operation: success }]`,
    });
    const [step] = steps;
    t.deepEqual(step?.kind === 'failover' ? step.vms.map(({ name }) => name) : [], vms);
  });
}

/** Code, line and the words that are blamed. */
function found(parts: Parts): string[] {
  return checked(parts).problems.map(({ code, column, length, excerpt }) => {
    const line = excerpt.at(-1)?.text ?? '';
    return `${code} ${line.slice(column - 1, column - 1 + length)}`;
  });
}

const gold = (more: string, networks = '{ plan10: { internet: true } }'): string =>
  `${more}\n  hardware_plans: { gold: { hosts: [esx1], networks: ${networks} } }`;

const wrong: Record<string, readonly [Parts, readonly string[]]> = {
  'two ranges of a pool overlap (A25)': [
    {
      provider: gold(
        '  vlan_pools: { dr: { hosts: [esx1], with_internet: 100-199, without_internet: 150-249 } }',
      ),
    },
    ['E320 150-249'],
  ],
  'two pools of the same host overlap (A25)': [
    {
      provider: gold(
        '  vlan_pools: { a: { hosts: [esx1], with_internet: 100-199 }, b: { hosts: [esx1], with_internet: 199-200 } }',
      ),
    },
    ['E320 199-200'],
  ],
  'a pool with one VLAN for two tenants': [
    { provider: gold('  vlan_pools: { dr: { hosts: [esx1], with_internet: 100 } }') },
    ['E321 plan10'],
  ],
  'a pool without a range for such networks': [
    { provider: gold('  vlan_pools: { dr: { hosts: [esx1], without_internet: 100-200 } }') },
    ['E321 plan10'],
  ],
  'a range of VLANs that ends before it begins': [
    { provider: gold('  vlan_pools: { dr: { hosts: [esx1], with_internet: 200-100 } }') },
    ['E218 200-100', 'E321 plan10'],
  ],
  'a VLAN that there cannot be': [
    { provider: gold('  vlan_pools: { dr: { hosts: [esx1], with_internet: 100-4095 } }') },
    ['E206 100-4095', 'E321 plan10'],
  ],
  'tenants that are given one VLAN': [
    { provider: gold('', '{ plan10: { vlan: 150 } }') },
    ['W321 150'],
  ],
  'an unknown hardware plan': [
    {
      acme: `${site()}\n    hardware_plans: [golf]`,
      steps: '  - expect: [{ operation: success }]',
    },
    ['E319 golf', 'E312 plan10'],
  ],
  'an unknown gateway pool': [
    { acme: `${site()}\n    hardware_plans: [gold]\n    gateway_pool: blue` },
    ['E319 blue'],
  ],
  'a pool with a gateway that there is none of': [
    {
      provider: gold('  gateway_pools: { blue: { gateways: [gw2] } }'),
      acme: `${site()}\n    hardware_plans: [gold]\n    gateway_pool: blue`,
    },
    ['E303 gw2'],
  ],
  'a name that both have': [{ steps: '  - expect: [{ ping: vm1 -> acme/vm2 }]' }, ['E322 vm1']],
  'a tenant that there is none of': [
    { steps: '  - expect: [{ isolated: [acme, gamma] }]' },
    ['E323 gamma'],
  ],
  'a pattern that fits nothing': [
    { steps: '  - failover: { vms: [web*] }\n  - expect: [{ operation: success }]' },
    ['E302 web*'],
  ],
  'a VM twice, once by a pattern': [
    { steps: '  - failover: { vms: [acme/vm1, "*1"] }\n  - expect: [{ operation: success }]' },
    ['E309 "*1"'],
  ],
  'replicas on a host outside of the cluster': [
    {
      provider: `  hardware_plans:
    gold: { hosts: [esx1], networks: { plan10: {} } }
    silver: { hosts: [esx2], networks: { plan20: {} } }`,
      acme: `${site(', host: esx2')}\n    hardware_plans: [gold]`,
    },
    ['E303 esx2'],
  ],
  'replication for several tenants at once': [
    { top: 'replication: { job: { vms: [all] } }' },
    ['E310 j'],
  ],
  'a hardware plan without a name': [
    { provider: '  hardware_plan: { networks: { plan10: {} } }', acme: site(), beta: site() },
    ['E310 {', 'E312 plan10'],
  ],
  'a tenant and tenants': [{ top: 'tenant: { sites: {} }' }, ['E310 tenants']],
};

for (const [title, [parts, expected]] of Object.entries(wrong)) {
  test(`refused, or worth a word: ${title}`, (t) => {
    t.deepEqual([...new Set(found(parts))].sort(), [...expected].sort());
  });
}

test('an overlap is told with both lines, and what it would come to', (t) => {
  const parts = {
    provider: gold(
      '  vlan_pools:\n    a: { hosts: [esx1], with_internet: 100-199 }\n    b: { hosts: [esx1], with_internet: 150-249 }',
    ),
  };
  const [{ line, hint } = { line: 0, hint: '' }] = checked(parts).problems;
  const lines = text(parts).split('\n');
  t.true(lines[line - 1]!.includes('150-249'));
  const other = lines.findIndex((one) => one.includes('100-199')) + 1;
  t.is(hint, `given in line ${other}; no tenant could be created`);
});

test('each tenant has VLANs of its own out of the pool, by internet access', (t) => {
  const { tenants } = built({
    provider: gold(
      '  vlan_pools: { dr: { hosts: [esx1], with_internet: 101-199, without_internet: 201-299 } }',
      '{ plan10: { internet: true }, inner: {}, outer: { internet: true } }',
    ),
  });
  t.deepEqual(
    tenants.map(({ plans }) => plans[0]!.networks.map(({ vlan }) => vlan)),
    [
      [101, 201, 102],
      [103, 202, 104],
    ],
  );
});

test('A24: one appliance for each cluster of a tenant, with an adapter for each network of its plans there', (t) => {
  const scenario = built({
    provider: `  hardware_plans:
    gold: { hosts: [esx1, esx2], networks: { plan10: {}, plan11: {} } }
    silver: { hosts: [esx1], networks: { plan20: {}, plan21: {}, plan22: {} } }
    bronze: { hosts: [esx3], networks: { plan30: {} } }`,
    acme: `${site()}\n    hardware_plans: [gold, silver, bronze]`,
  });
  const appliances = compile(scenario).topology.nodes.flatMap((node) =>
    node.kind === 'provider-appliance' ? [node] : [],
  );
  t.deepEqual(
    appliances.map(({ name, host, inside }) => [name, host, 1 + inside.length]),
    [
      ['acme/sp-nea-esx1', 'esx1', 6], // 1 + 2 + 3 (Veeam Cloud Connect guide, Network Extension Appliance)
      ['acme/sp-nea-esx3', 'esx3', 2],
      ['beta/sp-nea', 'esx1', 3],
    ],
  );
});

test('A24: more networks on one host than adapters fails that tenant alone', async (t) => {
  const many = '{ "plan{10..14}": {} }';
  const scenario = built({
    provider: `  hardware_plans:
    gold: { hosts: [esx1], networks: ${many} }
    silver: { hosts: [esx1], networks: { "more{1..5}": {} } }`,
    acme: `${site()}\n    hardware_plans: [gold, silver]`,
    steps: `  - failover: { vms: [all] }
  - expect: [{ state: { acme/vm1: ready, beta/vm1: failover } }, { warning: DUPLICATE_ADDRESS }]`,
  });
  const run = await played(scenario);
  t.true(
    expectations(run).every(({ verdict }) => verdict === 'met'),
    expectations(run).map(inWords).join('\n'),
  );
  const ends = [...run.log.facts(['operation'])].filter(({ state }) => state !== 'started');
  t.deepEqual(
    ends.map(({ vms, state, because }) => [vms[0], state, because]),
    [
      ['acme/vm1', 'failed', 'VCD_ADAPTER_LIMIT'],
      ['beta/vm1', 'success', undefined],
    ],
  );
});

test('a range of tenants, each with a range of VMs whose addresses go with it', (t) => {
  const { cases } = check('many.yaml', () => manyTenants(16, 3));
  const { tenants } = cases![0]!;
  t.deepEqual(
    [tenants[0]!, tenants[15]!].map(({ name, sites, gateways, plans }) => [
      name,
      sites[0]!.vms.map((vm) => `${vm.name} ${vm.ip === 'dhcp' ? vm.ip : showIpv4(vm.ip)}`)[2],
      gateways.map((one) => one.name).join(),
      plans[0]!.hosts.join(),
    ]),
    [
      ['t0001', 't0001/vm3 10.0.10.13', 'gw1', 'esx1'],
      ['t0016', 't0016/vm3 10.0.10.13', 'gw8', 'esx8'],
    ],
  );
});

test('a value goes with the nearest range of as many names, also within lists; others are left as they are', (t) => {
  const ports = (value: string, vms: string): readonly string[] => {
    const { cases, problems } = check(
      'ranges.yaml',
      () => `
name: ranges
about: for tests
tenants:
  "t{1..2}":
    sites:
      hq:
        networks: { lan10: { subnet: 10.0.10.0/24 } }
        vms:
          "vm{${vms}}": { network: lan10, ip: "10.0.10.{11..12}", listen: ["tcp/${value}"] }
steps:
  - expect: [{ ping: t1/vm1 -> t1/vm2 }]`,
    );
    const vmsOf = cases?.flatMap(({ tenants }) => tenants.flatMap(({ sites }) => sites[0]!.vms));
    return (
      vmsOf?.map((vm) => `${vm.name} ${vm.listen[0]!.port}`) ?? problems.map(({ code }) => code)
    );
  };
  t.deepEqual(ports('{81..82}', '1..2'), ['t1/vm1 81', 't1/vm2 82', 't2/vm1 81', 't2/vm2 82']);
  t.deepEqual(
    ports('{08..09}', '1..2'),
    ['E209', 'E209'],
    'as wide as it is written, and so no port',
  );
  t.deepEqual(ports('{81..83}', '1..2'), ['E209'], 'no range here has three names');
});

test('A26: forty tenants of ten VMs fail over at once through eight gateways, and no frame goes astray', async (t) => {
  const { cases } = check('many.yaml', () => manyTenants(40, 10));
  const run = await played(cases![0]!, { level: 'verdicts' });
  t.deepEqual(
    expectations(run).map(({ verdict }) => verdict),
    ['met', 'met', 'met', 'met'],
  );
  const replicas = [...run.log.facts(['replica'])].filter(({ state }) => state === 'failover');
  t.is(replicas.length, 400);
});

const brokenIn = async (file: string, overlay: string, index = 0): Promise<string[]> => {
  const run = await played(scenarios(file, overlay)[index]!);
  return expectations(run)
    .filter(({ verdict }) => verdict !== 'met')
    .map(inWords);
};

test('A26: tenants that are given one VLAN receive each other’s frames, and that is noticed', async (t) => {
  const shared = 'provider: { hardware_plans: { gold: { networks: { plan10: { vlan: 150 } } } } }';
  const broken = await brokenIn('11-two-tenants-same-subnet.yaml', shared);
  const isolated = broken.filter((words) => words.includes('isolated'));
  t.is(isolated.length, 2, broken.join('\n'));
  t.regex(isolated[0]!, /came from another tenant: the first from (acme|beta) .*-replica\.eth0/);
});

test('A26: the account names the machine of the asker’s own tenant, though another has the same address', async (t) => {
  const run = await played(scenarios('11-two-tenants-same-subnet.yaml')[0]!);
  const refusal = expectations(run).find(({ code }) => code === 'TCP_REFUSED')!;
  t.regex(refusal.why!, /beta\/web01 reaches beta\/sql01-replica/);
});

test('A22: a pool of one gateway that dies, and no fallback: nobody is dialled', async (t) => {
  const pool = 'provider: { gateway_pools: { gold: { gateways: [gw1] } } }';
  const broken = await brokenIn('15-gateway-failover-and-pool.yaml', pool);
  t.true(
    broken.some((words) => words.includes('ping web01 -> sql01 via nea-hq, gw2')),
    broken.join('\n'),
  );
});

test('A22: every gateway that is dialled is in the log, a minute after the last was heard', async (t) => {
  const [, fallback] = scenarios('15-gateway-failover-and-pool.yaml');
  const { log } = await played(fallback!);
  const dialled = [...log.facts(['tunnel'])]
    .filter(({ node, state }) => node === 'nea-hq' && state === 'connecting')
    .map(({ endpoint }) => endpoint);
  t.deepEqual(dialled, ['203.0.113.10:6180', '203.0.113.11:6180', '203.0.113.9:6180']);
});
