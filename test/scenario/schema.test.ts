import test from 'ava';
import { parse } from 'yaml';
import type { Json, JsonObject } from '../../src/scenario/json.ts';
import type { Problem } from '../../src/scenario/problem.ts';
import { scenarioSchema } from '../../src/scenario/schema.ts';
import { fits } from './draft07.ts';
import { checkFiles, checkText, scenario, shipped } from './memory.ts';
import { mutateTree, random } from './mutate.ts';

const schema = scenarioSchema();
const valid = (value: Json): boolean => fits(value, schema, schema);
const read = (text: string): Json => parse(text) as Json;

test('the schema is draft-07, can be written as JSON, and describes every key', (t) => {
  t.is(schema['$schema'], 'http://json-schema.org/draft-07/schema#');
  t.deepEqual(JSON.parse(JSON.stringify(schema)), schema);
  const without: string[] = [];
  const definitions = schema['definitions'] as Record<string, JsonObject>;
  for (const [name, definition] of Object.entries(definitions)) {
    for (const [key, property] of Object.entries((definition['properties'] ?? {}) as JsonObject)) {
      if (!(property as JsonObject)['description']) without.push(`${name}.${key}`);
    }
  }
  t.deepEqual(without, []);
  t.true(Object.keys(definitions).length > 20);
});

test('the words that YAML 1.1 reads as truth values are neither keys nor values of the format', (t) => {
  const words: string[] = [];
  const walk = (value: Json): void => {
    if (Array.isArray(value)) for (const item of value as Json[]) walk(item);
    else if (typeof value === 'object' && value !== null) {
      const { enum: choices, properties } = value as { enum?: string[]; properties?: JsonObject };
      words.push(...(choices ?? []), ...Object.keys(properties ?? {}));
      for (const inner of Object.values(value)) walk(inner as Json);
    }
  };
  walk(schema);
  t.true(words.includes('proxy_arp') && words.includes('relay'));
  t.deepEqual(
    words.filter((word) => /^(on|off|yes|no|y|n|true|false)$/i.test(word)),
    [],
  );
});

test('the shipped scenarios are valid', (t) => {
  for (const [path, text] of Object.entries(shipped)) t.true(valid(read(text)), path);
});

const site = (more: string): Record<string, string> => ({
  tenant: `{ sites: { hq: { networks: { lan10: { subnet: 10.0.10.0/24, gateway: 10.0.10.1 } }, vms: { web01: { network: lan10, ip: 10.0.10.11 }, sql01: { network: lan10, ip: 10.0.10.20 } }, appliances: { nea-hq: { network: lan10, ip: 10.0.10.250 } }${more} } } }`,
});
const vm = (more: string): Record<string, string> => ({
  tenant: site('')['tenant']!.replace('ip: 10.0.10.20', `ip: 10.0.10.20, ${more}`),
});
const expect = (probe: string): Record<string, string> => ({ steps: `[{ expect: [${probe}] }]` });

/** Documents that are right, one for each part of the format. */
const good: Record<string, Record<string, string>> = {
  plain: {},
  'every setting of a VM': vm(
    'os: strict, listen: [tcp/1433, udp/53], lease: none, gateway: none, running: false, boot: 3s, echo: false, platform: hyperv, mac: 00:50:56:01:00:20',
  ),
  'a DHCP server': site(
    ', dhcp: { network: lan10, server: hq.gateway, pool: 10.0.10.100-10.0.10.110, lease: 8h }',
  ),
  'an internet line': site(
    ', internet: { public_ip: 198.51.100.7, latency: 5ms, rate: 50Mbit, mtu: 1492, block: [udp/6180] }',
  ),
  'a tunnel': {
    tunnel:
      '{ mtu: 1400, mss_clamp: true, pmtud: false, keepalive: none, preshared_key: false, allowed_ips: { tenant: [10.0.10.20/32], provider: [0.0.0.0/0] } }',
  },
  'a keepalive': { tunnel: '{ keepalive: 25s }' },
  links: {
    links:
      '{ lan: { rate: 1Gbit, latency: 1ms, mtu: 9000, loss: 0.5% }, internet: {}, provider: { loss: 0% } }',
  },
  timings: {
    timings:
      '{ boot_linux: 1s, boot_windows: 2s, boot_appliance: 3s, revert_snapshot: 1s, power_off: 1s, configure_appliance: 1s }',
  },
  'a matrix': {
    matrix: '{ a: [1, x, true], exclude: [{ a: 1 }], include: [{ a: x, b: 2 }] }',
    about: `\${a} \${b:-}x`,
  },
  'a ping': expect(
    '{ ping: web01 -> 10.0.10.20, within: 3s, count: 4, size: 1400, via: [lan10], name: x }',
  ),
  'a measured ping': expect('{ ping: web01 -> sql01, df: true, ttl: ">= 126", rtt: "<= 1.5ms" }'),
  'an entry': expect(
    '{ neighbour: { at: web01, ip: 10.0.10.20, mac_of: hq.gateway }, within: 3s }',
  ),
  'a symmetric path': expect('{ path_symmetric: web01 -> sql01, except: [lan10, hq.gateway] }'),
  'a way through a tunnel': expect('{ ping: web01 -> sql01, via: [tunnel.lan10, nea-hq] }'),
  'a failing ping': expect('{ ping: web01 -> sql01, fails: ARP_UNANSWERED, last_hop: web01 }'),
  'a transfer': expect('{ tcp: web01 -> sql01:1433, bytes: 100000 }'),
  'a datagram': expect('{ udp: web01 -> sql01:53 }'),
  ARP: expect(
    '{ arp: { at: web01, ip: 10.0.10.20, answered_by: hq.gateway, replies: "<= 1" }, within: 3s }',
  ),
  'a lease': expect('{ lease: { vm: sql01, from: hq.gateway } }'),
  states: expect('{ state: { sql01: failed_failover, tunnel.lan10: up, power.web01: running } }'),
  'an operation': expect('{ operation: failed, because: NO_REPLICA }'),
  'a warning': expect('{ warning: NO_NEA }'),
  'a capture': expect('{ capture: { at: tunnel.lan10, filter: not arp, packets: 0 } }'),
  invariants: {
    invariants:
      '{ two_answers: warn, loop: ignore, no_announcement: { within: 2s, broken: warn } }',
  },
  'a finding': expect('{ finding: two_answers, within: 10s }'),
  'no finding': expect('{ not: { finding: storm } }'),
  'an outage': expect('{ outage: web01 -> sql01, at_most: 10s }'),
  'a negation': expect('{ not: { ping: web01 -> sql01 } }'),
  'a failover': {
    steps:
      '[{ failover: { vms: [sql01], restore_point: 3, reason: x, planned: false } }, { undo: { vms: [sql01] } }, { wait: 5s }]',
  },
  faults: {
    tenant:
      '{ sites: { hq: { networks: { lan10: { subnet: 10.0.10.0/24, gateway: 10.0.10.1 } }, vms: { web01: { network: lan10, ip: 10.0.10.11 }, sql01: { network: lan10, ip: 10.0.10.20 } }, appliances: { nea-hq: { network: lan10, ip: dhcp } }, dhcp: { network: lan10, server: hq.gateway, pool: 10.0.10.100-10.0.10.120, lease: 1h } } } }',
    steps:
      '[{ fault: { block: udp/6180 } }, { fault: { unblock: { at: gw1, ports: [udp/6180] } } }, { fault: { mtu: { at: internet, mtu: 1400 } } }, { fault: { drop: { at: lan10, loss: 10% } } }, { fault: { link_down: web01 } }, { fault: { port_off: web01 } }, { fault: { interface_down: hq.internet } }, { fault: { power_off: lan10 } }, { fault: { block: { at: sql01, ports: [icmp, tcp/22], direction: both } } }, { fault: { black_hole: { at: tunnel.lan10, direction: out } } }, { fault: { jitter: { at: gw1.internet, by: 5ms, direction: in } } }, { fault: { duplicate: { at: plan10, share: 1% } } }, { fault: { reorder: { at: web01, share: 1%, by: 1ms } } }, { fault: { corrupt: { at: web01, share: 0.01% } } }, { fault: { rate: { at: hq.gateway, rate: 1Mbit } } }, { fault: { mend: hq.internet } }, { fault: { hang: { at: nea-hq, daemon: vpn, network: lan10 } } }, { fault: { resume: { at: hq.gateway, daemon: dhcp } } }, { fault: { nea_password: nea-hq } }, { fault: { redeploy: nea-hq } }, { fault: { lose_lease: nea-hq } }, { fault: { clock_step: { at: nea-hq, by: 1h, direction: back } } }]',
  },
  'faults meanwhile': {
    provider:
      '{ gateways: { gw1: { public_ip: 203.0.113.10 } }, hardware_plan: { hosts: [esx1], networks: { plan10: {} } } }',
    steps:
      '[{ failover: { vms: [sql01] }, meanwhile: [{ fault: { power_off: hq }, at_step: 6 }, { fault: { black_hole: { at: esx1.plan10 } }, at_step: 2, after: 3s }] }, { wait: 5s, meanwhile: [{ fault: { power_off: sql01-replica }, after: 1s }] }]',
  },
  'a question': { steps: '[{ predict: { ask: q, choices: [a, b], answer: b, hint: h } }]' },
  'an appliance of the provider': {
    provider:
      '{ gateways: { gw1: { public_ip: 203.0.113.10, block: [] } }, hardware_plan: { hosts: [esx1], networks: { plan10: {}, plan11: { dhcp: foreign } } }, appliance: { name: nea-dr, proxy_arp: static, gratuitous_arp: none, networks: { lan10: plan11 } }, platform: hyperv }',
  },
  'an org VDC': {
    provider:
      '{ gateways: {}, org_vdc: { name: acme, networks: { plan10: { type: routed, dhcp: none }, "net{01..09}": {} } } }',
  },
};

/** Documents in which one thing is wrong that both sides can see. */
const bad: Record<string, Record<string, string>> = {
  'an unknown key': { extra: '1' },
  'an unknown key of a VM': vm('cpu: 2'),
  'a number as a name': { name: '010' },
  'a number as a tag': { tags: '[1.10]' },
  'a word for a number': { seed: 'seven' },
  'a negative seed': { seed: '-1' },
  'a fraction as MTU': { tunnel: '{ mtu: 1400.5 }' },
  'MTU 67': { tunnel: '{ mtu: 67 }' },
  'a word for true': { tunnel: '{ pmtud: enabled }' },
  'a bare keepalive': { tunnel: '{ keepalive: 25 }' },
  'a list for a map': { replication: '[]' },
  'a map for a list': { steps: '{}' },
  'a text for a list': vm('listen: tcp/1433'),
  'an address of three numbers': vm('gateway: 10.0.10'),
  'an address with a leading zero': vm('gateway: 010.0.0.1'),
  'an operating system': vm('os: macos'),
  'port 0': vm('listen: [tcp/0]'),
  'port 65536': vm('listen: [tcp/65536]'),
  'no network': { tenant: '{ sites: { hq: { networks: {}, vms: { x: { ip: dhcp } } } } }' },
  'no sites': { tenant: '{}' },
  'a name with a space': { replication: '{ "job 1": { vms: [sql01] } }' },
  'an unknown step': { steps: '[{ failovr: { vms: [sql01] } }]' },
  'two verbs': { steps: '[{ wait: 5s, undo: { vms: [sql01] } }]' },
  'no verb': { steps: '[{ name: x }]' },
  'an empty step': { steps: '[{}]' },
  'a verb of a later version': { steps: '[{ failback: {} }]' },
  'a wait without a unit': { steps: '[{ wait: 5 }]' },
  'no VMs': { steps: '[{ failover: { vms: [] } }]' },
  'a round trip without a comparison': expect('{ ping: web01 -> sql01, rtt: 50ms }'),
  'a round trip without a unit': expect('{ ping: web01 -> sql01, rtt: "<= 50" }'),
  'a fault in a direction that there is not': {
    steps: '[{ fault: { drop: { at: web01, loss: 1%, direction: up } } }]',
  },
  'a fault of two kinds': { steps: '[{ fault: { link_down: web01, port_off: web01 } }]' },
  'a reordering without a time': { steps: '[{ fault: { reorder: { at: web01, share: 1% } } }]' },
  'an unknown probe': expect('{ pnig: web01 -> sql01 }'),
  'a modifier that does not go with it': expect('{ ping: web01 -> sql01, replies: 1 }'),
  'a flow without an end': expect('{ ping: web01 }'),
  'a ping to a port': expect('{ ping: web01 -> sql01:80 }'),
  'a connection without a port': expect('{ tcp: web01 -> sql01 }'),
  'an unknown reason': expect('{ ping: web01 -> sql01, fails: NO_REASON }'),
  'any as a warning': expect('{ warning: any }'),
  'an invariant that is switched off': { invariants: '{ two_answers: off }' },
  'an invariant that is not known': { invariants: '{ two_anwers: warn }' },
  'a finding of nothing': expect('{ finding: nothing }'),
  'an outage without a limit': expect('{ outage: web01 -> sql01 }'),
  'a capture without a number': expect('{ capture: { at: lan10, filter: arp } }'),
  'a double negation': expect('{ not: { not: { ping: web01 -> sql01 } } }'),
  'a state of a tunnel for a VM': expect('{ state: { sql01: up } }'),
  'an unknown fault': { steps: '[{ fault: { explode: sql01 } }]' },
  'a share above 100%': { steps: '[{ fault: { drop: { at: lan10, loss: 101% } } }]' },
  'a question with one answer': { steps: '[{ predict: { ask: q, choices: [a], answer: a } }]' },
  'a comparison with =': { steps: '[{ when: a = 1, wait: 5s }]', matrix: '{ a: [1] }' },
  'a matrix of scalars': { matrix: '{ a: 1 }' },
  'a variable in capitals': { matrix: '{ A: [1] }' },
  'an empty list of values': { matrix: '{ a: [] }' },
  'a control character': { name: '"\\e"' },
};

for (const [title, changes] of Object.entries(good)) {
  test(`schema and validator agree that this is right: ${title}`, (t) => {
    const text = scenario(changes);
    const errors = checkText(text).problems.filter(({ severity }) => severity === 'error');
    t.deepEqual(errors, []);
    t.true(valid(read(text)));
  });
}

for (const [title, changes] of Object.entries(bad)) {
  test(`schema and validator agree that this is wrong: ${title}`, (t) => {
    const text = scenario(changes);
    t.is(checkText(text).cases, undefined);
    t.false(valid(read(text)));
  });
}

test('a file with `extends` may leave out what stands in the other, but nothing in a list', (t) => {
  const child = (more: string) => read(`extends: ./x.yaml\n${more}`);
  t.true(valid(child('tenant: { sites: { hq: { vms: { sql01: { ip: dhcp } } } } }')));
  t.false(valid(read('tenant: { sites: { hq: { vms: { sql01: { ip: dhcp } } } } }')));
  t.false(valid(child('steps: [{ failover: {} }]')));
  t.false(valid(child('tenant: { sites: { hq: { vms: { sql01: { ipp: dhcp } } } } }')));
});

/** What only the validator can know: how values of one field or of several go together. */
function beyondSchema({ code, excerpt, message }: Problem): boolean {
  return (
    /^(E3|E109|E11|W)/.test(code) || // meaning; files, matrices and variables
    excerpt.at(-1)!.text.includes('${') || // after it was filled in
    (code === 'E202' && message.includes('names an address')) || // host bits
    (code === 'E203' && message.includes('one adapter')) ||
    code === 'E211' || // the grammar of filters
    (code === 'E216' && message.includes('empty')) || // blank, but not without characters
    (code === 'E207' && message.includes('a meaning of its own')) ||
    (code === 'E206' && /days|pool|Gbit|written as/.test(message)) ||
    code === 'E213' ||
    code === 'E217'
  );
}

test('schema and validator agree on 4,000 changed scenarios', (t) => {
  const luck = random('schema');
  let refused = 0;
  for (let i = 0; i < 4000; i += 1) {
    const path =
      i % 2 === 0 ? 'scenarios/01-partial-static.yaml' : 'scenarios/17-vcd-networks.yaml';
    const { value, text } = mutateTree(shipped[path]!, luck);
    if (typeof value === 'object' && value !== null && 'extends' in value) continue;
    const { problems } = checkFiles({ 'scenarios/x.yaml': text });
    const seen = problems.filter((problem) => !beyondSchema(problem));
    const accepted = valid(value);
    if (!accepted) refused += 1;
    const complaint = problems.map(({ code, message }) => `${code} ${message}`).join('\n');
    if (accepted) t.is(seen.length, 0, `the schema accepts:\n${complaint}\n${text}`);
    else
      t.true(
        problems.some(({ severity }) => severity === 'error'),
        `only the schema refuses:\n${text}`,
      );
  }
  t.true(refused > 1000 && refused < 3900, `${refused} were refused`);
});
