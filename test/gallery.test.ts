/** What the gallery shows: every assertion of the domain, named where it is expected. */
import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { expectations, inWords, played, scenarios } from './playing.ts';

const assertions = 38;

/** By assertion, the lines of the gallery that name it in a comment beside what they expect. */
function named(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const file of readdirSync('scenarios').filter((name) => name.endsWith('.yaml'))) {
    const lines = readFileSync(`scenarios/${file}`, 'utf8').split('\n');
    for (const [i, line] of lines.entries()) {
      const [, code, comment] = /^(.*\S.*) # (.*)$/.exec(line) ?? [];
      if (code === undefined || comment === undefined) continue;
      for (const [assertion] of comment.matchAll(/\bA\d+\b/g))
        found.set(assertion, [...(found.get(assertion) ?? []), `${file}:${i + 1}`]);
    }
  }
  return found;
}

test('every assertion of the domain is named beside an expectation', (t) => {
  const found = named();
  const all = Array.from({ length: assertions }, (_, i) => `A${i + 1}`);
  t.deepEqual(
    all.filter((assertion) => !found.has(assertion)),
    [],
  );
  t.deepEqual(
    [...found.keys()].filter((assertion) => !all.includes(assertion)),
    [],
    'and no other',
  );
});

/** By file, what takes the mechanism away that it shows, and the expectation that notices. */
const takenAway: Readonly<Record<string, { readonly overlay: string; readonly notices: RegExp }>> =
  {
    '01-partial-static.yaml': {
      overlay: 'provider: { appliance: { proxy_arp: none } }',
      notices: /^neighbour of sql01: 10\.0\.10\.11 has the MAC address of sp-nea/,
    },
    '02-partial-dhcp.yaml': {
      overlay: 'tenant: { sites: { hq: { vms: { sql01: { ip: 10.0.10.70 } } } } }',
      notices: /^warning: NO_STATIC_IP_DETECTED/,
    },
    '03-partial-dhcp-foreign-server.yaml': {
      overlay: 'provider: { hardware_plan: { networks: { plan10: { dhcp: none } } } }',
      notices: /^lease of sql01$/,
    },
    '04-partial-linux-mapping.yaml': {
      overlay: 'replication: { without_row: { network_mapping: { lan20: plan20 } } }',
      notices: /fails with REPLICA_NOT_MAPPED/,
    },
    '06-original-still-on.yaml': {
      overlay: 'tenant: { sites: { hq: { appliances: { nea-hq: { proxy_arp: none } } } } }',
      notices: /^arp at web01: 10\.0\.10\.20 with 2 replies/,
    },
    '07-stale-arp-no-garp.yaml': {
      overlay: 'tenant: { sites: { hq: { appliances: { nea-hq: { gratuitous_arp: up } } } } }',
      notices: /fails with STALE_ARP/,
    },
    '12-replica-to-replica.yaml': {
      overlay: 'links: { internet: { latency: 1ms } }',
      notices: /^ping app02 -> sql01 .* in >= 80ms/,
    },
    '13-udp-6180-blocked.yaml': {
      overlay: 'matrix: { where: [web01] }',
      notices: /fails with FIREWALL_BLOCKED/,
    },
    '16-missing-tenant-nea.yaml': {
      overlay:
        'tenant: { sites: { hq: { appliances: { nea20: { network: lan20, ip: 10.0.20.250 } } } } }',
      notices: /fails with NO_NEA/,
    },
    '19-mtu.yaml': {
      overlay: 'tunnel: { mtu: 1420 }',
      notices: /of 1273 bytes in one piece fails with/,
    },
  };

for (const [file, { overlay, notices }] of Object.entries(takenAway)) {
  test(`${file} turns red when what it shows is taken away: ${overlay}`, async (t) => {
    const all = [];
    for (const scenario of scenarios(file, overlay))
      all.push(...expectations(await played(scenario)));
    const broken = all.filter(({ verdict }) => verdict === 'broken');
    t.true(
      broken.some(({ text }) => notices.test(text)),
      broken.map(inWords).join('\n'),
    );
  });
}
