/** Cloud Director's own means: what becomes of a failover over a VPN when something is otherwise. */
import test from 'ava';
import { expectations, inWords, played, scenarios } from '../playing.ts';

const file = '17-vcd-ipsec-vpn.yaml';
const one = 'matrix: { org_networks: [1], proxy_arp: [true] }';

const afterwards = (expectation: string): string => `
steps:
  - fault: { power_off: sql01 }
  - failover: { vms: [sql01] }
  - expect:
      - operation: success
      - ${expectation}
`;

/** What is merged over a file, and an expectation that holds then. */
interface Case {
  readonly file?: string;
  readonly overlay: string;
  readonly holds: string;
}

const stretched = '17-vcd-edge-gateway.yaml';

const cases: Record<string, Case> = {
  'nobody answers ARP for the other side': {
    overlay: 'matrix: { org_networks: [1], proxy_arp: [false] }',
    holds: '{ ping: web01 -> sql01, fails: ARP_UNANSWERED }',
  },
  'an isolated network is connected to no edge gateway': {
    overlay: `${one}\nprovider: { org_vdc: { networks: { net01: { type: isolated } } } }`,
    holds: '{ ping: app01 -> sql01, fails: NO_EDGE_GATEWAY }',
  },
  'an isolated network, and a Linux VM whose mapping row tells its address': {
    overlay: `${one}\ntenant: { sites: { hq: { vms: { sql01: { os: linux } } } } }\nprovider: { org_vdc: { networks: { net01: { type: isolated } } } }`,
    holds: `{ ping: app01 -> sql01, fails: NO_EDGE_GATEWAY }
      - { ping: sql01 -> app01, fails: NO_EDGE_GATEWAY }`,
  },
  'no edge at the site stretches the network': {
    file: stretched,
    overlay:
      'matrix: { org_networks: [1] }\ntenant: { sites: { hq: { edge: { network: lan10, ip: 10.0.10.2 } } } }',
    holds: '{ ping: web01 -> sql01, within: 60s, fails: NO_EDGE_GATEWAY }',
  },
  'a Linux VM whose mapping row tells its address, and nobody answers ARP': {
    overlay: `matrix: { org_networks: [1], proxy_arp: [false] }\ntenant: { sites: { hq: { vms: { sql01: { os: linux } } } } }`,
    holds: '{ ping: web01 -> sql01, fails: ARP_UNANSWERED }',
  },
  'a replica reaches the internet through the edge gateway, and production through the VPN': {
    overlay: `${one}\ninternet: { clients: { phone1: { ip: 198.51.100.77, listen: [tcp/80] } } }`,
    holds: `{ tcp: "sql01 -> phone1:80", via: [nsx-edge], within: 60s }
      - { capture: { at: hq.gateway, filter: tcp port 80, packets: 0 } }
      - { ping: sql01 -> app01, via: [nsx-edge, hq.gateway] }`,
  },
  'A7: a DHCP address is known to nobody, so no gateway leads to it': {
    overlay: `${one}\ntenant: { sites: { hq: { vms: { sql01: { ip: dhcp } }, dhcp: { network: lan10, server: hq.gateway, pool: 10.0.10.100-10.0.10.120 } } } }`,
    holds: '{ ping: app01 -> sql01, fails: DHCP_NO_STATIC_IP }',
  },
  'A35: the address of a Linux VM is not detected, and typed by hand where its network is mapped': {
    overlay: `${one}\ntenant: { sites: { hq: { vms: { sql01: { os: linux } } } } }`,
    holds: '{ ping: app01 -> sql01, within: 60s }',
  },
  'UDP 4500 is blocked at the router, so the edge of the site never calls': {
    file: stretched,
    overlay: 'tenant: { sites: { hq: { internet: { block: [udp/4500] } } } }',
    holds: '{ ping: web01 -> sql01, within: 90s, fails: FIREWALL_BLOCKED }',
  },
  'A34: on a line of 1500 bytes large frames do not fit into the L2 VPN, and small ones do': {
    file: stretched,
    overlay:
      'links: { internet: { mtu: 1500 } }\ntenant: { sites: { hq: { networks: { dmz: { mtu: 1500 } } } } }',
    holds: `{ ping: web01 -> sql01, size: 1400, fails: FRAME_TOO_LONG }
      - { ping: web01 -> sql01, size: 1000 }`,
  },
};

for (const [title, { file: base = file, overlay, holds }] of Object.entries(cases)) {
  test(title, async (t) => {
    const [scenario] = scenarios(base, overlay + afterwards(holds));
    const run = await played(scenario!);
    const all = expectations(run);
    t.true(
      all.every(({ verdict }) => verdict === 'met'),
      all.map(inWords).join('\n'),
    );
  });
}

test('A16: nobody announces the replica, so a warm ARP entry outlives the original', async (t) => {
  const [scenario] = scenarios(
    file,
    `${one}
steps:
  - expect: [{ ping: web01 -> sql01, via: [lan10] }]
  - fault: { power_off: sql01 }
  - failover: { vms: [sql01] }
  - expect: [{ ping: web01 -> sql01, within: 3s }]
`,
  );
  const last = expectations(await played(scenario!)).at(-1);
  t.deepEqual([last?.verdict, last?.code], ['broken', 'STALE_ARP']);
});

test('A34: the hop that decides on the size is shown, also when the sender has long known it', async (t) => {
  const large = '{ ping: app01 -> sql01, size: 1472, df: true, within: 5s }';
  const [scenario] = scenarios(
    file,
    `${one}
steps:
  - fault: { power_off: sql01 }
  - failover: { vms: [sql01] }
  - expect: [{ ping: app01 -> sql01, within: 60s }, ${large}, ${large}]
`,
  );
  const run = await played(scenario!);
  const [, , last] = expectations(run);
  const [told] = run.log.facts(['path-mtu']);
  t.is(last!.code, 'FRAGMENTATION_NEEDED');
  t.regex(
    last!.why!,
    /: hq\.gateway has told it at 4\d\.\d s that packets of more than \d+ bytes do not/,
  );
  t.deepEqual(
    last!.hops!.map(({ where }) => where),
    ['app01', 'lan20', 'hq.gateway'],
  );
  t.is(run.log.read(last!.event!).node, 'hq.gateway');
  // What it says is so: what fits gets through, and a byte more does not.
  const fits = told!.mtu - 28; // headers of IPv4 and ICMP
  t.is(last!.remedy, `size: ${fits}, or df: false`);
  const [again] = scenarios(
    file,
    `${one}${afterwards(`{ ping: app01 -> sql01, size: ${fits}, df: true, within: 60s }
      - { ping: app01 -> sql01, size: ${fits + 1}, df: true, fails: FRAGMENTATION_NEEDED, last_hop: hq.gateway }`)}`,
  );
  const all = expectations(await played(again!));
  t.true(
    all.every(({ verdict }) => verdict === 'met'),
    all.map(inWords).join('\n'),
  );
});

test('no appliance is part of the lab, and the keys of the VPN differ by seed', async (t) => {
  const sealed: string[] = [];
  for (const seed of [1, 2]) {
    const [scenario] = scenarios(
      file,
      `${one}\nseed: ${seed}${afterwards('{ ping: app01 -> sql01, within: 60s }')}`,
    );
    const { log } = await played(scenario!);
    const roles = [...log.facts(['machine'])].map(({ role }) => role);
    t.false(roles.some((role) => role.endsWith('appliance')));
    t.is(roles.filter((role) => role === 'edge-gateway').length, 1);
    const esp = [...log.events()].find((event) => event.kind === 'frame' && event.bytes[23] === 50);
    sealed.push(esp?.kind === 'frame' ? Buffer.from(esp.bytes.subarray(34)).toString('hex') : '');
  }
  t.not(sealed[0], '');
  t.not(sealed[0], sealed[1]);
});

test('a router that starts again goes on with the VPN: counting on, and leading to who runs', async (t) => {
  const [scenario] = scenarios(
    file,
    `${one}
steps:
  - fault: { power_off: sql01 }
  - failover: { vms: [sql01] }
  - expect: [{ ping: web01 -> sql01, within: 60s }]
  - fault: { power_off: hq.gateway }
  - fault: { power_on: hq.gateway }
  - expect: [{ ping: web01 -> sql01, within: 60s }]
`,
  );
  const run = await played(scenario!);
  const all = expectations(run);
  t.deepEqual(
    all.map(({ verdict }) => verdict),
    ['met', 'met'],
    all.map(inWords).join('\n'),
  );
  const numbers = new Set<number>();
  for (const event of run.log.events()) {
    if (event.kind !== 'frame' || event.from !== 'hq.gateway.wan' || event.bytes[23] !== 50)
      continue;
    const number = Buffer.from(event.bytes).readUInt32BE(38);
    t.false(numbers.has(number), `sequence number ${number} twice`);
    numbers.add(number);
  }
  t.true(numbers.size > 1);
});
