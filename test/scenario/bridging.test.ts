/** Scenarios whose appliances bridge, and switches that do more than switch: what no expectation of the gallery can say. */
import test from 'ava';
import { expectations, inWords, played, scenarios } from '../playing.ts';

const mac = '00:50:56:00:00:14';
const steps = (...probes: string[]): string => `
steps:
  - fault: { power_off: sql01 }
  - failover: { vms: [sql01] }
  - expect:
${probes.map((probe) => `      - ${probe}`).join('\n')}
`;
const reached = '{ ping: web01 -> sql01, within: 10s }';

async function verdicts(overlay: string, file = '01-partial-static.yaml'): Promise<string[]> {
  const [scenario] = scenarios(file, overlay);
  return expectations(await played(scenario!)).map(inWords);
}

test('a guest that gives its adapter another address is cut off at a distributed switch, and not at a standard one', async (t) => {
  for (const [kind, expected] of [
    ['standard', reached],
    ['distributed', '{ ping: web01 -> sql01, fails: MAC_CHANGE_REJECTED }'],
    ['distributed, port_security: { mac_changes: accept }', reached],
  ] as const) {
    const told = await verdicts(`
tenant: { sites: { hq: { vms: { sql01: { guest_mac: "02:00:00:00:00:14" } } } } }
provider: { hardware_plan: { networks: { plan10: { switch: ${kind} } } } }
${steps(expected)}`);
    t.true(
      told.every((one) => /: met/.test(one)),
      `${kind}\n${told.join('\n')}`,
    );
  }
});

test('without a word about its switch a bridge needs no rights: a plain switch asks nobody', async (t) => {
  const told = await verdicts(`tunnel: { mode: l2-bridge }${steps(reached)}`);
  t.true(
    told.every((one) => /: met/.test(one)),
    told.join('\n'),
  );
});

test('the rights of the production network count too: there it is the replica that the bridge speaks for', async (t) => {
  const told = await verdicts(`
tunnel: { mode: l2-bridge }
tenant: { sites: { hq: { networks: { lan10: { switch: distributed } } } } }
${steps('{ ping: web01 -> sql01, fails: FORGED_TRANSMIT }')}`);
  t.true(
    told.every((one) => /: met/.test(one)),
    told.join('\n'),
  );
});

test('the router of a site is beyond its hosts: what is for no adapter there comes to it', async (t) => {
  const [scenario] = scenarios(
    '01-partial-static.yaml',
    `tunnel: { mode: l2-bridge }
tenant: { sites: { hq: { networks: { lan10: { switch: standard } } } } }
${steps('{ ping: web01 -> sql01, fails: NOT_PROMISCUOUS }')}`,
  );
  const run = await played(scenario!);
  const told = expectations(run).map(inWords);
  t.true(
    told.every((one) => /: met/.test(one)),
    told.join('\n'),
  );
  const refused = [...run.log.events()].filter(
    (event) =>
      event.kind === 'drop' && event.node === 'hq.gateway' && event.reason === 'NOT_FOR_US',
  );
  t.true(refused.length > 0);
});

test('behind a bridge the MAC address of original and replica moves to and fro', async (t) => {
  const [scenario] = scenarios(
    '24-l2-bridge-control-duplicate.yaml',
    `tenant: { sites: { hq: { vms: { sql01: { mac: "${mac}" } } } } }`,
  );
  const { log } = await played(scenario!);
  const moves = [...log.facts(['switch-entry'])].filter(
    (fact) => fact.node === 'lan10' && fact.mac === mac && fact.change === 'moved',
  );
  t.true(moves.length >= 2, `${moves.length}`);
  t.deepEqual([...new Set(moves.map(({ port }) => port))].sort(), ['nea-hq', 'sql01']);
});

test('a switch that keeps track asks after a machine as its network comes up, after the delay', async (t) => {
  for (const [delay, expected] of [
    [0, 'conflict'],
    [10, 'added'],
  ] as const) {
    const [scenario] = scenarios(
      '25-ip-device-tracking-switch.yaml',
      `matrix: { case: [one], include: [{ case: one, os: windows, delay: ${delay}s }] }`,
    );
    const { log } = await played(scenario!);
    const lives = [...log.facts(['address'])].filter(
      ({ node, ip, change }) =>
        node === 'sql01-replica' && ip === '10.0.10.20' && change !== 'tentative',
    );
    t.deepEqual(
      lives.map(({ change }) => change),
      ['added', expected],
    );
  }
});

const lanVm = (vm: string): string => `tenant: { sites: { hq: { vms: { ${vm} } } } }`;
const nea = (settings: string): string =>
  `tenant: { sites: { hq: { appliances: { nea-hq: { ${settings} } } } } }`;
const plan = (settings: string): string =>
  `provider: { hardware_plan: { networks: { plan10: { ${settings} } } } }`;

/** File, case, and what is taken away from it. */
const taken: readonly (readonly [string, string, string])[] = [
  ['08-proxy-answers-everything.yaml', 'case=subnet', nea('scope: as-told')],
  ['08-proxy-answers-everything.yaml', 'case=healthy', nea('scope: subnet')],
  ['08-proxy-answers-everything.yaml', 'case=everything', nea('scope: subnet')],
  ['08-proxy-answers-everything.yaml', 'case=kernel', nea('proxy_arp: relay')],
  [
    '08-proxy-answers-everything.yaml',
    'case=subnet',
    'provider: { appliance: { scope: as-told } }',
  ],
  ['09-two-proxies-one-lan.yaml', '10.0.10.20', lanVm('old-nea: { answers_for: [] }')],
  ['09-two-proxies-one-lan.yaml', '10.0.10.77', lanVm('old-nea: { answers_for: [10.0.10.20] }')],
  ['24-l2-bridge-control.yaml', 'case=promiscuous', 'tunnel: { mode: proxy-arp-l3 }'],
  ['24-l2-bridge-control.yaml', 'case=proxy', 'tunnel: { mode: l2-bridge }'],
  ['24-l2-bridge-control.yaml', 'case=promiscuous', plan('port_security: { promiscuous: reject }')],
  [
    '24-l2-bridge-control.yaml',
    'case=promiscuous',
    plan('port_security: { forged_transmits: reject }'),
  ],
  [
    '24-l2-bridge-control.yaml',
    'case=mac_learning',
    plan('port_security: { mac_learning: false }'),
  ],
  ['24-l2-bridge-control.yaml', 'case=standard', plan('port_security: { promiscuous: accept }')],
  [
    '24-l2-bridge-control.yaml',
    'case=distributed',
    plan('port_security: { forged_transmits: accept }'),
  ],
  ['24-l2-bridge-control.yaml', 'case=mac_learning', 'links: { lan: { mtu: 1370 } }'],
  ['24-l2-bridge-control-duplicate.yaml', 'mode=l2-bridge', 'tunnel: { mode: proxy-arp-l3 }'],
  ['25-ip-device-tracking-switch.yaml', 'case=at_once', plan('ip_device_tracking: { delay: 10s }')],
  ['25-ip-device-tracking-switch.yaml', 'case=delayed', plan('ip_device_tracking: { delay: 0s }')],
  ['25-ip-device-tracking-switch.yaml', 'case=linux', lanVm('sql01: { os: windows }')],
];

for (const [file, one, overlay] of taken) {
  test(`${file} ${one} does not pass with ${overlay}`, async (t) => {
    const scenario = scenarios(file, overlay).find((made) => made.case.includes(one));
    t.true(expectations(await played(scenario!)).some(({ verdict }) => verdict === 'broken'));
  });
}
