/** Every probe: met, broken with what came nearest, and not checked where nothing could be seen. */
import test from 'ava';
import type { Scenario } from '../../src/scenario/scenario.ts';
import type { ExpectationResult } from '../../src/trace/result.ts';
import { expectations, inWords, played, scenarios } from '../playing.ts';

const machines = `tenant:
  sites:
    hq:
      networks:
        lan20: { subnet: 10.0.20.0/24, gateway: 10.0.20.1 }
      dhcp: { network: lan20, server: hq.gateway, pool: 10.0.20.50-10.0.20.60, lease: 1h }
      vms:
        sql01: { listen: [tcp/1433, udp/53] }
        mute: { network: lan10, ip: 10.0.10.30, os: windows, echo: false, listen: [tcp/80] }
        late: { network: lan10, ip: 10.0.10.31, os: linux, running: false }
        app01: { network: lan20, ip: dhcp, os: linux }
        lone: { network: lan10, ip: dhcp, os: windows }
        astray: { network: lan10, ip: 10.0.10.40, os: linux, gateway: 10.0.10.250 }
replication: { job2: { vms: [app01] } }
`;

/** The results of expectations, each a line of YAML, after some steps in the flagship. */
async function results(probes: readonly string[], before = ''): Promise<ExpectationResult[]> {
  const lines = probes.map((probe) => `      - ${probe}`).join('\n');
  const overlay = `${machines}steps:\n${before}  - expect:\n${lines}\n`;
  const [scenario] = scenarios('01-partial-static.yaml', overlay);
  return expectations(await played(scenario as Scenario)).slice(-probes.length);
}

/** Verdict, code where there is one, and what the detail has to say. */
type Expected = readonly [verdict: 'met' | 'broken' | 'not-checked', code: string, detail: RegExp];

function checked(title: string, rows: Record<string, Expected>, before = ''): void {
  test(title, async (t) => {
    const all = await results(Object.keys(rows), before);
    for (const [i, [probe, [verdict, code, detail]]] of Object.entries(rows).entries()) {
      const one = all[i]!;
      t.is(one.verdict, verdict, `${probe}\n${inWords(one)}`);
      t.is(one.code ?? '', code, `${probe}\n${inWords(one)}`);
      t.regex(one.detail, detail, probe);
    }
  });
}

checked('ping: what is reached, how often, how fast and which way', {
  '{ ping: web01 -> sql01 }': ['met', '', /^reply after \d(\.\d+)? ms$/],
  '{ ping: web01 -> sql01, size: 3000 }': ['met', '', /^reply after/],
  '{ ping: web01 -> sql01, count: 10 }': ['met', '', /^10 of 10 answered, the last after 9 s$/],
  '{ ping: web01 -> sql01, count: 5, within: 1s }': [
    'met',
    '',
    /^5 of 5 answered, the last after 800 ms$/,
  ],
  '{ ping: web01 -> 10.0.10.99 }': [
    'broken',
    'ARP_UNANSWERED',
    /^no answer in 5 s \(5 sent, 0 answered\)$/,
  ],
  '{ ping: web01 -> 10.0.10.99, within: 2s }': ['broken', 'ARP_UNANSWERED', /^no answer in 2 s/],
  '{ ping: web01 -> mute, within: 3s }': ['broken', 'FIREWALL_BLOCKED', /\(3 sent, 0 answered\)$/],
  '{ ping: web01 -> late }': ['broken', 'POWERED_OFF', /^no answer/],
  '{ ping: late -> web01 }': ['broken', 'POWERED_OFF', /^late is switched off$/],
  '{ ping: web01 -> nea-hq }': ['not-checked', '', /^nea-hq has no address to be reached at$/],
  '{ ping: web01 -> hq.gateway }': ['met', '', /^reply/],
  '{ ping: web01 -> 10.0.10.20 }': ['met', '', /^reply/],
  '{ ping: web01 -> app01, via: [hq.gateway, lan20] }': ['met', '', /^reply/],
});

checked('via: the stops in their order, and a single network means without leaving it', {
  '{ ping: web01 -> sql01, via: [lan10] }': ['met', '', /^reply/],
  '{ ping: web01 -> gw1, via: [hq.gateway, internet] }': ['met', '', /^reply/],
  '{ ping: web01 -> gw1, via: [internet, hq.gateway] }': [
    'broken',
    '',
    /not through internet, hq\.gateway: web01 → lan10 → hq\.gateway → internet → gw1$/,
  ],
  '{ ping: web01 -> gw1, via: [lan10] }': [
    'broken',
    '',
    /not through lan10 alone: web01 → lan10 → hq\.gateway/,
  ],
  '{ ping: web01 -> sql01, via: [nea-hq] }': [
    'broken',
    '',
    /not through nea-hq: web01 → lan10 → sql01$/,
  ],
  '{ tcp: web01 -> sql01:1433, via: [gw1] }': [
    'broken',
    '',
    /not through gw1: web01 → lan10 → sql01$/,
  ],
});

checked('fails: only for the reason that is named, and only where it is said to end', {
  '{ ping: web01 -> 10.0.10.99, fails: ARP_UNANSWERED, last_hop: web01 }': [
    'met',
    'ARP_UNANSWERED',
    /^no answer in 60 s: ARP_UNANSWERED at web01\. web01 cannot reach 10\.0\.10\.99/,
  ],
  '{ ping: web01 -> 10.0.10.99, fails: STALE_ARP }': [
    'broken',
    'ARP_UNANSWERED',
    /ARP_UNANSWERED at web01, and not STALE_ARP$/,
  ],
  '{ ping: web01 -> 10.0.10.99, fails: ARP_UNANSWERED, last_hop: sql01 }': [
    'broken',
    'ARP_UNANSWERED',
    /at web01, not at sql01$/,
  ],
  '{ ping: web01 -> 10.0.10.99, fails: any }': ['met', 'ARP_UNANSWERED', /^no answer in 60 s/],
  '{ ping: web01 -> sql01, fails: STALE_ARP }': [
    'broken',
    '',
    /^60 of 60 answered, the last after 59 s$/,
  ],
  '{ ping: web01 -> sql01, fails: any, within: 3s }': ['broken', '', /^3 of 3 answered/],
  '{ ping: web01 -> mute, fails: FIREWALL_BLOCKED, last_hop: mute }': [
    'met',
    'FIREWALL_BLOCKED',
    /at mute\. .*: mute blocks it$/,
  ],
  '{ ping: late -> web01, fails: POWERED_OFF, last_hop: late }': [
    'met',
    'POWERED_OFF',
    /^late is switched off$/,
  ],
  '{ ping: late -> web01, fails: POWERED_OFF, last_hop: web01 }': [
    'broken',
    'POWERED_OFF',
    /at late, not at web01$/,
  ],
  '{ ping: late -> web01, fails: STALE_ARP }': [
    'broken',
    'POWERED_OFF',
    /POWERED_OFF, and not STALE_ARP$/,
  ],
  '{ tcp: web01 -> sql01:1434, fails: TCP_REFUSED, last_hop: sql01 }': [
    'met',
    'TCP_REFUSED',
    /^refused after 0\.\d+ ms: TCP_REFUSED at sql01\. web01 reaches sql01/,
  ],
  '{ udp: web01 -> sql01:54, fails: PORT_CLOSED }': ['met', 'PORT_CLOSED', /^refused after/],
  '{ udp: web01 -> sql01:53, fails: PORT_CLOSED }': ['broken', '', /^1 of 1 answered/],
});

checked('tcp and udp: bytes there and back, refusals, repetitions', {
  '{ tcp: web01 -> sql01:1433 }': ['met', '', /^64 bytes there and back after/],
  '{ tcp: web01 -> sql01:1433, bytes: 100000 }': ['met', '', /^100000 bytes there and back after/],
  '{ tcp: web01 -> sql01:1433, count: 3 }': ['met', '', /^3 times 64 bytes there and back/],
  '{ tcp: web01 -> sql01:1434 }': ['broken', 'TCP_REFUSED', /^refused after 0\.\d+ ms$/],
  '{ tcp: web01 -> sql01:1434, within: 3s }': [
    'broken',
    'TCP_REFUSED',
    /^refused after .* \(3 sent, 0 answered\)$/,
  ],
  '{ tcp: web01 -> 10.0.10.99:80, within: 5s }': ['broken', 'ARP_UNANSWERED', /^no answer in 5 s/],
  '{ tcp: web01 -> mute:80 }': ['met', '', /^64 bytes/],
  '{ tcp: late -> web01:80 }': ['broken', 'POWERED_OFF', /^late is switched off$/],
  '{ tcp: web01 -> nea-hq:80 }': ['not-checked', '', /no address to be reached at$/],
  '{ udp: web01 -> sql01:53 }': ['met', '', /^answer after/],
  '{ udp: web01 -> sql01:53, count: 3 }': ['met', '', /^3 of 3 answered/],
  '{ udp: web01 -> sql01:54 }': [
    'broken',
    'PORT_CLOSED',
    /^refused after .* \(5 sent, 0 answered\)$/,
  ],
  '{ udp: late -> web01:53 }': ['broken', 'POWERED_OFF', /switched off$/],
  '{ udp: web01 -> nea-hq:53 }': ['not-checked', '', /no address/],
});

checked('not: the opposite, and still not checked where nobody could ask', {
  'not: { ping: web01 -> 10.0.10.99 }': ['met', '', /^no answer in 5 s/],
  'not: { ping: web01 -> sql01 }': ['broken', '', /^it is so: reply after/],
  'not: { ping: late -> web01 }': ['not-checked', '', /^late is switched off$/],
  'not: { ping: web01 -> nea-hq }': ['not-checked', '', /no address/],
  'not: { operation: success }': ['not-checked', '', /^there has been no operation$/],
  'not: { state: { sql01: failover } }': ['met', '', /^sql01 is ready, not failover$/],
  'not: { state: { sql01: ready } }': ['broken', '', /^it is so: state: sql01 is ready$/],
  'not: { arp: { at: web01, ip: 10.0.10.99 } }': ['met', '', /^nobody answered$/],
  'not: { arp: { at: nea-hq, ip: 10.0.10.99 } }': ['not-checked', '', /^nea-hq does not run/],
});

checked('arp: how many answer and who', {
  'arp: { at: web01, ip: 10.0.10.20 }': ['met', '', /^answered by 00:50:56:[\da-f:]{8} \(sql01\)$/],
  'arp: { at: web01, ip: 10.0.10.20, answered_by: sql01, replies: 1 }': ['met', '', /\(sql01\)$/],
  'arp: { at: web01, ip: 10.0.10.20, replies: ">= 1" }': ['met', '', /\(sql01\)$/],
  'arp: { at: web01, ip: 10.0.10.20, replies: 2 }': [
    'broken',
    '',
    /^1 reply, not 2: answered by .* \(sql01\)$/,
  ],
  'arp: { at: web01, ip: 10.0.10.20, replies: "> 1" }': ['broken', '', /^1 reply, not > 1/],
  'arp: { at: web01, ip: 10.0.10.20, answered_by: web01 }': [
    'broken',
    '',
    /\(sql01\), not by web01$/,
  ],
  'arp: { at: web01, ip: 10.0.10.99 }': ['broken', 'ARP_UNANSWERED', /^nobody answered$/],
  'arp: { at: web01, ip: 10.0.10.99, answered_by: sql01 }': [
    'broken',
    'ARP_UNANSWERED',
    /^nobody answered, not by sql01$/,
  ],
  'arp: { at: web01, ip: 10.0.10.99, replies: 0 }': ['met', '', /^nobody answered$/],
  'arp: { at: web01, ip: 10.0.10.1, answered_by: hq.gateway }': ['met', '', /\(hq\.gateway\)$/],
  'arp: { at: late, ip: 10.0.10.20, replies: 0 }': [
    'not-checked',
    '',
    /^late does not run, so it cannot ask$/,
  ],
  'arp: { at: web01, ip: 10.0.99.1, replies: 0 }': [
    'not-checked',
    '',
    /^web01 has no address in the network of 10\.0\.99\.1$/,
  ],
});

checked('lease: from whom, and what there is instead', {
  'lease: { vm: app01 }': ['met', '', /^10\.0\.20\.(5\d|60) from 10\.0\.20\.1$/],
  'lease: { vm: app01, from: hq.gateway }': ['met', '', /from 10\.0\.20\.1$/],
  '{ lease: { vm: app01, from: web01 }, within: 1s }': [
    'broken',
    '',
    /^10\.0\.20\.\d+ from 10\.0\.20\.1, which is not web01$/,
  ],
  '{ lease: { vm: sql01 }, within: 2s }': [
    'broken',
    '',
    /^sql01 has no lease after 2 s; it has 10\.0\.10\.20$/,
  ],
  '{ lease: { vm: lone }, within: 60s }': [
    'broken',
    '',
    /^lone has no lease after 60 s; it has 169\.254\.\d+\.\d+$/,
  ],
});

checked('states, operations and warnings before there was any operation', {
  'state: { sql01: ready, tunnel.lan10: down, power.sql01: running, power.nea-hq: stopped }': [
    'met',
    '',
    /^$/,
  ],
  'state: { power.gw1: running }': ['met', '', /^$/],
  'state: { sql01: failover, power.late: running }': [
    'broken',
    '',
    /^sql01 is ready, not failover; late is stopped, not running$/,
  ],
  '{ state: { sql01: failover }, within: 2s }': [
    'broken',
    '',
    /^sql01 is ready, not failover after 2 s$/,
  ],
  'state: { web01: ready }': ['not-checked', '', /^web01 has no state/],
  'state: { tunnel.lan20: down }': ['not-checked', '', /^tunnel\.lan20 has no state/],
  'operation: failed': ['not-checked', '', /^there has been no operation$/],
  'warning: NO_NEA': ['not-checked', '', /^there has been no operation$/],
  'capture: { at: tunnel.lan10, filter: ip, packets: 0 }': [
    'not-checked',
    '',
    /^tunnel\.lan10 was not up$/,
  ],
  'capture: { at: tunnel.lan20, filter: ip, packets: 0 }': [
    'not-checked',
    '',
    /^tunnel\.lan20 has no appliance/,
  ],
  '{ outage: web01 -> sql01, at_most: 0s }': ['met', '', /^no interruption$/],
  '{ outage: web01 -> 10.0.10.99, at_most: 1s }': [
    'not-checked',
    '',
    /^nothing was ever answered$/,
  ],
  '{ outage: late -> web01, at_most: 1s }': [
    'not-checked',
    '',
    /^nothing was sent to measure it by$/,
  ],
  '{ outage: web01 -> nea-hq, at_most: 1s }': [
    'not-checked',
    '',
    /^nothing was sent to measure it by$/,
  ],
});

checked('ping: what the answer must be like, and in one piece', {
  '{ ping: web01 -> sql01, ttl: 128 }': ['met', '', /^reply/], // Windows begins with 128
  '{ ping: web01 -> hq.gateway, ttl: 64 }': ['met', '', /^reply/], // and Linux with 64
  '{ ping: web01 -> sql01, ttl: "< 128" }': ['broken', '', /, with a TTL of 128, not < 128$/],
  '{ ping: web01 -> sql01, rtt: "<= 1ms" }': ['met', '', /^reply/], // four cables of 0.1 ms
  '{ ping: web01 -> sql01, rtt: ">= 1s" }': [
    'broken',
    '',
    /, there and back in 0\.4\d\d ms, not >= 1 s$/,
  ],
  '{ ping: web01 -> sql01, size: 1472, df: true }': ['met', '', /^reply/], // 1500 less 28
  '{ ping: web01 -> sql01, size: 1473, df: true, fails: FRAGMENTATION_NEEDED, last_hop: web01, within: 3s }':
    ['met', 'FRAGMENTATION_NEEDED', /at web01/],
});

checked('neighbour: what a machine believes, not what is so', {
  'neighbour: { at: web01, ip: 10.0.10.20 }': [
    'broken',
    '',
    /^web01 has no entry for 10\.0\.10\.20$/,
  ],
  '{ ping: web01 -> sql01 }': ['met', '', /^reply/],
  'neighbour: { at: web01, ip: 10.0.10.20, mac_of: sql01 }': ['met', '', /\(sql01\)$/],
  'neighbour: { at: web01, ip: 10.0.10.20, mac_of: mute }': [
    'broken',
    '',
    /^10\.0\.10\.20 is at .* \(sql01\), not at mute$/,
  ],
  'not: { neighbour: { at: web01, ip: 10.0.10.30 } }': ['met', '', /^web01 has no entry/],
  'neighbour: { at: late, ip: 10.0.10.20 }': ['not-checked', '', /^late does not run$/],
});

checked('path_symmetric: hop by hop', {
  'path_symmetric: web01 -> sql01': ['met', '', /^web01 → lan10$/],
  '{ path_symmetric: web01 -> app01, within: 3s }': [
    'met',
    '',
    /^web01 → lan10 → hq\.gateway → lan20$/,
  ],
  '{ path_symmetric: web01 -> sql01, except: [hq.gateway] }': [
    'broken',
    '',
    /^hq\.gateway is no difference between the two ways$/,
  ],
  'path_symmetric: web01 -> 10.0.10.99': ['broken', 'ARP_UNANSWERED', /^no answer in 5 s/],
});

const failover = '  - fault: { power_off: sql01 }\n  - failover: { vms: [sql01] }\n';

checked(
  'A37 path_symmetric: where the ways differ, only by what is listed',
  {
    'path_symmetric: web01 -> sql01': [
      'met',
      '',
      /^web01 → lan10 → nea-hq → lan10 → hq\.gateway → internet → gw1 → sp-net → sp-nea → esx-dr1$/,
    ],
    // Its gateway is the appliance, which the answer has no need to pass.
    'path_symmetric: astray -> app01': [
      'broken',
      '',
      /^there astray → lan10 → nea-hq → lan10 → hq\.gateway → lan20, back lan20 → hq\.gateway → lan10 → astray$/,
    ],
    '{ path_symmetric: astray -> app01, except: [nea-hq] }': [
      'met',
      '',
      /^astray → lan10 → hq\.gateway → lan20$/,
    ],
    '{ path_symmetric: astray -> app01, except: [nea-hq, hq.gateway] }': [
      'broken',
      '',
      /^hq\.gateway is no difference/,
    ],
    '{ ping: web01 -> sql01, via: [lan10, tunnel.lan10, gw1] }': ['met', '', /^reply/],
    '{ ping: web01 -> sql01, via: [gw1, tunnel.lan10], within: 2s }': [
      'broken',
      '',
      /not through gw1, tunnel\.lan10: /,
    ],
    // 128 less one for each appliance; the line of the site and that of the gateway take 10 ms each way.
    '{ ping: web01 -> sql01, ttl: 126, rtt: ">= 40ms" }': ['met', '', /^reply/],
    'neighbour: { at: web01, ip: 10.0.10.20, mac_of: nea-hq }': ['met', '', /\(nea-hq\)$/],
    'neighbour: { at: sql01, ip: 10.0.10.11, mac_of: sp-nea }': ['met', '', /\(sp-nea\)$/],
  },
  failover,
);

checked(
  'after a failover: replica, tunnel, warnings, outage, and the way through both',
  {
    'operation: success': ['met', '', /^failover of sql01$/],
    'operation: failed': ['broken', '', /^failover of sql01 succeeded$/],
    'warning: NO_NEA': ['broken', '', /^there was no warning$/],
    '{ state: { sql01: failover, tunnel.lan10: up }, within: 30s }': ['met', '', /^$/],
    'state: { tunnel.lan10: down, power.sql01: stopped }': [
      'broken',
      '',
      /^tunnel\.lan10 is up, not down; sql01 is running, not stopped$/,
    ],
    '{ ping: web01 -> sql01, via: [nea-hq, gw1, sp-nea, plan10] }': ['met', '', /^reply/],
    '{ ping: sql01 -> web01, via: [plan10, sp-nea, gw1, nea-hq, lan10] }': ['met', '', /^reply/],
    '{ ping: web01 -> sql01, via: [gw1, nea-hq] }': [
      'broken',
      '',
      /not through gw1, nea-hq: web01 → lan10 → nea-hq → .* → sql01-replica$/,
    ],
    'arp: { at: web01, ip: 10.0.10.20, answered_by: nea-hq, replies: 1 }': [
      'met',
      '',
      /\(nea-hq\)$/,
    ],
    'arp: { at: sql01, ip: 10.0.10.11, answered_by: sp-nea }': ['met', '', /\(sp-nea\)$/],
    '{ outage: web01 -> sql01, at_most: 60s }': [
      'met',
      '',
      /^interrupted for 2\d(\.\d)? s, from 14\.5 s on$/,
    ],
    '{ outage: web01 -> sql01, at_most: 20s }': [
      'broken',
      '',
      /^interrupted for 2\d\.\d+ s, from 14\.5 s on, and not at most 20 s$/,
    ],
    '{ ping: web01 -> sql01, fails: DHCP_NO_STATIC_IP }': ['broken', '', /answered/],
  },
  failover,
);

checked(
  'an outage that is not over, and a warning that is only of another kind',
  {
    'state: { app01: failover }': ['met', '', /^$/],
    '{ outage: web01 -> sql01, at_most: 1h }': [
      'broken',
      '',
      /^interrupted from 14\.5 s on, for 1\d(\.\d)? s so far$/,
    ],
    'warning: NO_NEA': ['met', 'NO_NEA', /^about app01/],
    'warning: NO_STATIC_IP_DETECTED': ['met', 'NO_STATIC_IP_DETECTED', /^about app01/],
    'warning: DUPLICATE_ADDRESS': ['broken', '', /^there was only .*NO_NEA/],
  },
  `  - fault: { power_off: sql01 }
  - failover: { vms: [app01] }
`,
);

checked(
  'a machine that is starting is waited for, as long as there is time',
  {
    '{ ping: late -> web01, within: 1s }': ['broken', 'POWERED_OFF', /^late is still starting$/],
    '{ ping: late -> web01, within: 2m }': ['met', '', /^reply after/],
    '{ tcp: late -> sql01:1433, within: 2m }': ['met', '', /^64 bytes/],
    'state: { power.late: running }': ['broken', '', /^late is booting, not running$/],
    '{ state: { power.late: running }, within: 2m }': ['met', '', /^$/],
  },
  '  - fault: { power_on: late }\n',
);

test('what is so and should not be shows the way it took', async (t) => {
  const [one] = await results(['not: { ping: web01 -> sql01 }']);
  t.deepEqual(
    one!.hops?.map(({ where }) => where),
    ['web01', 'lan10', 'sql01', 'lan10', 'web01'],
  );
});

test('a warning belongs to the last operation, not to one before it', async (t) => {
  const overlay = `tenant: { sites: { hq: { vms: { db01: { network: lan10, ip: 10.0.10.40, os: windows } } } } }
replication: { job2: { vms: [db01], network_mapping: { lan10: plan10 } } }
steps:
  - failover: { vms: [sql01] }
  - expect: [{ warning: DUPLICATE_ADDRESS }]
  - fault: { power_off: db01 }
  - failover: { vms: [db01] }
  - expect: [{ warning: DUPLICATE_ADDRESS }]
`;
  const [scenario] = scenarios('01-partial-static.yaml', overlay);
  const all = expectations(await played(scenario as Scenario));
  t.deepEqual(
    all.map(({ verdict, detail }) => [verdict, detail]),
    [
      ['met', 'about sql01'],
      ['broken', 'there was no warning'],
    ],
  );
});

test('captures count from the last step that was no expectation, each frame once', async (t) => {
  const probes = (pings: number): string => `
      - { ping: web01 -> sql01, count: 3 }
      - capture: { at: lan10, filter: icmp and host 10.0.10.20, packets: ${pings} }
      - capture: { at: web01, filter: icmp and host 10.0.10.20, packets: ${pings} }
      - capture: { at: sql01, filter: icmp and src host 10.0.10.20, packets: ${pings / 2} }
      - capture: { at: lan10, filter: icmp, packets: "> ${pings}" }
`;
  const overlay = `steps:\n  - expect:${probes(6)}  - expect:${probes(12)}  - wait: 1s\n  - expect:${probes(6)}`;
  const [scenario] = scenarios('01-partial-static.yaml', overlay);
  const all = expectations(await played(scenario as Scenario));
  t.deepEqual(
    all.map(({ verdict, text }) => `${text.split(':')[0]}: ${verdict}`),
    [1, 2, 3].flatMap(() => [
      'ping web01 -> sql01 3 times: met',
      'capture at lan10: met',
      'capture at web01: met',
      'capture at sql01: met',
      'capture at lan10: broken',
    ]),
    all.map(inWords).join('\n'),
  );
  t.regex(all.at(-1)!.detail, /^6 of the \d+ packets there, not > 6$/);
});

test('a frame that is still on its way has not passed', async (t) => {
  // A ping every half second since 13 s: at 15 s four have come and gone, and the fifth has just been sent.
  const overlay = `steps:
  - expect:
      - capture: { at: lan10, filter: icmp, packets: 8 }
      - capture: { at: sql01, filter: icmp, packets: 8 }
      - capture: { at: web01, filter: icmp, packets: 9 }
      - { outage: web01 -> sql01, at_most: 0s }
`;
  const [scenario] = scenarios('01-partial-static.yaml', overlay);
  const all = expectations(await played(scenario as Scenario));
  t.true(
    all.every(({ verdict }) => verdict === 'met'),
    all.map(inWords).join('\n'),
  );
});

test('at the levels of the log that keep no bytes, captures are not checked', async (t) => {
  const overlay = 'steps: [{ expect: [{ capture: { at: lan10, filter: icmp, packets: 0 } }] }]';
  const [scenario] = scenarios('01-partial-static.yaml', overlay);
  const [one] = expectations(await played(scenario as Scenario, { level: 'decisions' }));
  t.is(one!.verdict, 'not-checked');
});
