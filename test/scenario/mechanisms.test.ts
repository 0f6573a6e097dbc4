/** Taking one mechanism away turns the flagship red, and red for the right reason. */
import test from 'ava';
import type { Reason } from '../../src/trace/reasons.ts';
import { expectations, inWords, played, scenarios } from '../playing.ts';

interface Case {
  /** What is merged over `scenarios/01-partial-static.yaml`. */
  readonly overlay: string;
  /** The expectation that must break, and why. */
  readonly breaks: RegExp;
  readonly because: Reason;
}

const afterwards = (expectation: string): string => `
steps:
  - expect: [{ ping: web01 -> sql01 }]
  - fault: { power_off: sql01 }
  - failover: { vms: [sql01] }
  - expect:
      - operation: success
      - ${expectation}
`;
const ping = '{ ping: web01 -> sql01, within: 20s }';

const cases: Record<string, Case> = {
  'no proxy ARP on the tenant side': {
    overlay: `tenant: { sites: { hq: { appliances: { nea-hq: { proxy_arp: none } } } } }\n${afterwards(ping)}`,
    breaks: /^ping web01/,
    because: 'PROXY_ARP_OFF',
  },
  'no proxy ARP on the provider side': {
    overlay: `provider: { appliance: { proxy_arp: none } }\n${afterwards(ping)}`,
    breaks: /^ping web01/,
    because: 'PROXY_ARP_OFF',
  },
  'cryptokey routes of the tenant lack the replica': {
    overlay: `tunnel: { allowed_ips: { tenant: [10.99.0.0/24] } }\n${afterwards(ping)}`,
    breaks: /^ping web01/,
    because: 'WG_NO_PEER',
  },
  'cryptokey routes of the provider lack production': {
    overlay: `tunnel: { allowed_ips: { provider: [10.99.0.0/24] } }\n${afterwards(ping)}`,
    breaks: /^ping web01/,
    because: 'WG_ALLOWED_IPS',
  },
  'UDP 6180 is blocked at the gateway and TCP is open': {
    overlay: `provider: { gateways: { gw1: { block: [udp/6180] } } }\n${afterwards(ping)}`,
    breaks: /^ping web01/,
    because: 'FIREWALL_BLOCKED',
  },
  'no gratuitous ARP, and the cache is warm': {
    overlay: `tenant: { sites: { hq: { appliances: { nea-hq: { gratuitous_arp: none } } } } }
${afterwards('{ ping: web01 -> sql01, within: 3s }')}`,
    breaks: /^ping web01/,
    because: 'STALE_ARP',
  },
  'the network is mapped to another VLAN than its tunnel ends in': {
    overlay: `provider:
  hardware_plan: { networks: { plan11: { vlan: 113 } } }
  appliance: { networks: { lan10: plan11 } }
${afterwards(ping)}`,
    breaks: /^ping web01/,
    because: 'VLAN_MISMATCH',
  },
  'the tunnel is narrow, nothing clamps the MSS and nobody says so': {
    overlay: `tunnel: { mtu: 1300, mss_clamp: false, pmtud: false }
${afterwards('{ tcp: web01 -> sql01:1433, bytes: 100000, within: 60s }')}`,
    breaks: /^tcp web01/,
    because: 'MTU_BLACKHOLE',
  },
  'the appliances bridge, and the switch of the provider shows them nothing that is for others': {
    overlay: `tunnel: { mode: l2-bridge }
provider: { hardware_plan: { networks: { plan10: { switch: standard } } } }
${afterwards(ping)}`,
    breaks: /^ping web01/,
    because: 'NOT_PROMISCUOUS',
  },
  'the appliances bridge, and the switch of the provider lets them send as nobody else': {
    overlay: `tunnel: { mode: l2-bridge }
provider: { hardware_plan: { networks: { plan10: { switch: distributed } } } }
${afterwards(ping)}`,
    breaks: /^ping web01/,
    because: 'FORGED_TRANSMIT',
  },
  'another machine answers for the address too, and faster': {
    overlay: `tenant:
  sites:
    hq: { vms: { old-nea: { network: lan10, ip: 10.0.10.249, answers_for: [10.0.10.20], running: false } } }
steps:
  - fault: { power_off: sql01 }
  - failover: { vms: [sql01] }
  - fault: { power_on: old-nea }
  - wait: 60s
  - expect:
      - operation: success
      - ${ping}
`,
    breaks: /^ping web01/,
    because: 'DUPLICATE_ADDRESS',
  },
  'the original is still on, and its Windows replica finds out before it takes the address': {
    overlay: `timings: { boot_windows: 60s }
tenant: { sites: { hq: { appliances: { nea-hq: { gratuitous_arp: none } } } } }
steps:
  - failover: { vms: [sql01] }
  - expect:
      - operation: success
      - { ping: sql01 -> web01, within: 20s }
`,
    breaks: /^ping sql01/,
    because: 'ADDRESS_CONFLICT',
  },
};

for (const [title, { overlay, breaks, because }] of Object.entries(cases)) {
  test(`${title}: ${because}`, async (t) => {
    const [scenario] = scenarios('01-partial-static.yaml', overlay);
    const run = await played(scenario!);
    const all = expectations(run);
    const broken = all.filter(({ verdict }) => verdict === 'broken');
    t.deepEqual(
      broken.map(({ text, code }) => [breaks.test(text), code]),
      [[true, because]],
      all.map(inWords).join('\n'),
    );
  });
}

test('with UDP 6180 blocked, TCP 6180 still answers and the operation still succeeds', async (t) => {
  const [scenario] = scenarios(
    '01-partial-static.yaml',
    `provider: { gateways: { gw1: { block: [udp/6180] } } }
steps:
  - fault: { power_off: sql01 }
  - failover: { vms: [sql01] }
  - expect:
      - operation: success
      - tcp: nea-hq -> gw1:6180
      - state: { sql01: failover, tunnel.lan10: failed }
        within: 3m
`,
  );
  const run = await played(scenario!);
  t.deepEqual(
    expectations(run).map(({ verdict }) => verdict),
    ['met', 'met', 'met'],
    expectations(run).map(inWords).join('\n'),
  );
});

test('with the clamp, large transfers pass the same narrow tunnel', async (t) => {
  const [scenario] = scenarios(
    '01-partial-static.yaml',
    `tunnel: { mtu: 1300, mss_clamp: true, pmtud: false }
${afterwards('{ tcp: web01 -> sql01:1433, bytes: 100000, within: 60s }')}`,
  );
  const run = await played(scenario!);
  t.true(
    expectations(run).every(({ verdict }) => verdict === 'met'),
    expectations(run).map(inWords).join('\n'),
  );
});

test('without the clamp, path MTU discovery does the same', async (t) => {
  const [scenario] = scenarios(
    '01-partial-static.yaml',
    `tunnel: { mtu: 1300, mss_clamp: false, pmtud: true }
${afterwards('{ tcp: web01 -> sql01:1433, bytes: 100000, within: 60s }')}`,
  );
  const run = await played(scenario!);
  t.true(
    expectations(run).every(({ verdict }) => verdict === 'met'),
    expectations(run).map(inWords).join('\n'),
  );
});

test('the original is still on: the announcements of the appliance take its address away', async (t) => {
  const [scenario] = scenarios(
    '01-partial-static.yaml',
    `steps:
  - failover: { vms: [sql01] }
  - expect: [{ ping: web01 -> sql01, via: [nea-hq] }]
`,
  );
  const { log } = await played(scenario!);
  const lost = [...log.facts(['address'])].filter(
    ({ node, change }) => node === 'sql01' && (change === 'conflict' || change === 'removed'),
  );
  // Windows defends its address once, and gives it up when the claim comes again within 10 s.
  t.deepEqual(
    lost.map(({ change, ip }) => [change, ip]),
    [
      ['conflict', '10.0.10.20'],
      ['removed', '10.0.10.20'],
    ],
  );
});
