import test from 'ava';
import { type Instant, seconds } from '../../src/base/time.ts';
import { duplicates } from '../../src/explain/answers.ts';
import { why } from '../../src/explain/why.ts';
import type { Fact, MachineRole } from '../../src/trace/event.ts';
import { EventLog, type LogLevel } from '../../src/trace/log.ts';
import type { Reason } from '../../src/trace/reasons.ts';
import { type Rig, stand, twoSites } from './rig.ts';

const sql01 = '10.0.10.20';
const web01 = '10.0.10.11';
const dhcpSite =
  '      dhcp: { network: lan10, server: hq.gateway, pool: 10.0.10.20-10.0.10.60, lease: 8h }';
const nea = (options: string): string => `nea-hq: { network: lan10, ip: 10.0.10.250, ${options} }`;
const fast =
  'timings: { boot_windows: 1s, boot_linux: 1s, boot_appliance: 1s, revert_snapshot: 100ms, configure_appliance: 100ms }';

/** web01 knows sql01; then sql01 is lost and failed over. */
async function failedOver(
  parts: Parameters<typeof twoSites>[0],
  level: LogLevel,
  before?: (rig: Rig) => void,
): Promise<Rig> {
  const rig = await stand(twoSites(parts), level);
  await rig.ping('web01', sql01, 3);
  rig.lab.powerOff('sql01');
  before?.(rig);
  await rig.failover();
  return rig;
}

interface Situation {
  readonly make: (level: LogLevel) => Promise<{ readonly rig: Rig; readonly probe: number }>;
  readonly code: Reason;
  readonly lastHop: string;
  /** What the sentence must name. */
  readonly names: readonly string[];
  readonly try?: RegExp;
  /** Something that a log without bytes cannot tell. */
  readonly needsBytes?: true;
}

const udp6180 = [{ protocol: 'udp', port: 6180 }] as const;

const asks = (
  parts: Parameters<typeof twoSites>[0],
  from = 'web01',
  to = sql01,
  before?: (rig: Rig) => void,
): Situation['make'] => {
  return async (level) => {
    const rig = await failedOver(parts, level, before);
    return { rig, probe: await rig.ping(from, to, 15) };
  };
};

const situations: Record<string, Situation> = {
  'a VM with DHCP was failed over, and the replica has no lease': {
    make: async (level) => {
      const rig = await stand(
        twoSites({ sql01: 'ip: dhcp, os: windows, lease: none', site: dhcpSite }),
        level,
      );
      rig.lab.powerOff('sql01');
      await rig.failover();
      return { rig, probe: await rig.ping('web01', sql01, 15) };
    },
    code: 'DHCP_NO_STATIC_IP',
    lastHop: 'web01',
    names: ['sql01', 'nea-hq', sql01, 'sql01-replica', '169.254.'],
    try: /^vms\.sql01\.ip: a static address$/,
  },
  'a VM with DHCP was failed over, and web01 still holds the MAC address of the original': {
    make: async (level) => {
      const rig = await stand(
        twoSites({ sql01: 'ip: dhcp, os: linux, lease: valid', site: dhcpSite, more: fast }),
        level,
      );
      rig.lab.powerOff('sql01');
      rig.lab.order({
        kind: 'failover',
        vms: ['sql01'],
        restorePoint: 'latest',
        reason: '',
        planned: false,
      });
      await rig.finish();
      await rig.ping('web01', sql01, 1);
      return { rig, probe: await rig.ping('web01', sql01, 3) };
    },
    code: 'DHCP_NO_STATIC_IP',
    lastHop: 'web01',
    names: ['sql01', 'nea-hq'],
    try: /static address/,
  },
  'the network has no appliance': {
    make: asks({ appliance: '' }),
    code: 'NO_NEA',
    lastHop: 'web01',
    names: ['lan10', 'sql01'],
    try: /appliance/,
  },
  'replication maps the network to nothing': {
    make: asks({ mapping: '{}', sql01: 'ip: 10.0.10.20, os: linux' }),
    code: 'REPLICA_NOT_MAPPED',
    lastHop: 'web01',
    names: ['sql01', 'lan10', 'sql01-replica'],
    try: /network_mapping/,
  },
  'the daemon of the tenant is off': {
    make: asks({ appliance: nea('proxy_arp: none') }),
    code: 'PROXY_ARP_OFF',
    lastHop: 'web01',
    names: ['nea-hq', "the tenant's side", sql01],
    try: /^appliances\.nea-hq\.proxy_arp: relay$/,
  },
  'the daemon of the provider is off, and that of the tenant answers from its table': {
    make: asks({
      appliance: nea('proxy_arp: static'),
      provider: '  appliance: { proxy_arp: none }',
    }),
    code: 'PROXY_ARP_OFF',
    lastHop: 'sql01-replica',
    names: ['sp-nea', "the provider's side", 'sql01-replica', web01],
    try: /^provider\.appliance\.proxy_arp: relay$/,
  },
  'the daemon of the provider is off, and that of the tenant asks it': {
    make: asks({ provider: '  appliance: { proxy_arp: none }' }),
    code: 'PROXY_ARP_OFF',
    lastHop: 'web01',
    names: ['sp-nea', "the provider's side", sql01],
    try: /^provider\./,
  },
  'the replica asks for its gateway, and the daemon of the provider is off': {
    make: asks({ provider: '  appliance: { proxy_arp: none }' }, 'sql01-replica', '10.0.10.1'),
    code: 'PROXY_ARP_OFF',
    lastHop: 'sql01-replica',
    names: ['sp-nea', '10.0.10.1'],
  },
  'the replica asks, the daemon of the provider asks on, and that of the tenant is off': {
    make: asks({ appliance: nea('proxy_arp: none') }, 'sql01-replica', '10.0.10.1'),
    code: 'PROXY_ARP_OFF',
    lastHop: 'sql01-replica',
    names: ['nea-hq', "the tenant's side"],
  },
  'the cloud gateway blocks the tunnel from the beginning': {
    make: asks({}, 'web01', sql01, (rig) => rig.lab.network.block('gw1', udp6180)),
    code: 'FIREWALL_BLOCKED',
    lastHop: 'web01',
    names: ['gw1', 'lan10', 'nea-hq'],
    try: /^open udp\/6180 at gw1$/,
  },
  'the router of the site blocks the tunnel': {
    make: asks({}, 'web01', sql01, (rig) => rig.lab.network.block('hq.gateway', udp6180)),
    code: 'FIREWALL_BLOCKED',
    lastHop: 'web01',
    names: ['hq.gateway'],
    try: /at hq\.gateway$/,
  },
  'the cloud gateway blocks a tunnel that is up': {
    make: async (level) => {
      const rig = await failedOver({}, level);
      await rig.ping('web01', sql01, 2);
      rig.lab.network.block('gw1', udp6180);
      return { rig, probe: await rig.ping('web01', sql01, 2.5) };
    },
    code: 'FIREWALL_BLOCKED',
    lastHop: 'gw1',
    names: ['web01', sql01, 'gw1'],
    try: /at gw1$/,
  },
  'the far end of the tunnel is cut off, so the handshake gets no answer': {
    make: asks({}, 'web01', sql01, (rig) => {
      const { fabric, network } = rig.lab;
      const [port] = network.stack('gw1')!.ports;
      fabric.setLink(port!, false);
    }),
    code: 'TUNNEL_DOWN',
    lastHop: 'web01',
    names: ['lan10', 'nea-hq', 'internet'],
  },
  'the cryptokey routes of the tenant lack the replica': {
    make: asks({ more: 'tunnel: { allowed_ips: { tenant: [192.0.2.0/24] } }' }),
    code: 'WG_NO_PEER',
    lastHop: 'nea-hq',
    names: ['nea-hq', web01, sql01],
    try: /allowed_ips: with 10\.0\.10\.20 at nea-hq/,
  },
  'the cryptokey routes of the provider lack the sender': {
    make: asks({ more: 'tunnel: { allowed_ips: { provider: [192.0.2.0/24] } }' }),
    code: 'WG_ALLOWED_IPS',
    lastHop: 'sp-nea',
    names: ['sp-nea', web01],
    try: /allowed_ips: with 10\.0\.10\.11 at sp-nea/,
    needsBytes: true,
  },
  'the replica is in another VLAN, and the daemons ask for it': {
    make: asks({
      plan: 'plan10: { vlan: 112 }, plan20: { vlan: 113 }',
      provider: '  appliance: { networks: { lan10: plan20 } }',
    }),
    code: 'VLAN_MISMATCH',
    lastHop: 'web01',
    names: ['sp-nea', sql01, 'sql01-replica'],
  },
  'the replica is in another VLAN, and the tenant answers from its table': {
    make: asks({
      appliance: nea('proxy_arp: static'),
      plan: 'plan10: { vlan: 112 }, plan20: { vlan: 113 }',
      provider: '  appliance: { networks: { lan10: plan20 } }',
    }),
    code: 'VLAN_MISMATCH',
    lastHop: 'sp-nea',
    names: ['sp-nea', sql01, 'sql01-replica'],
  },
  'the replica is in another VLAN and asks itself': {
    make: asks(
      {
        plan: 'plan10: { vlan: 112 }, plan20: { vlan: 113 }',
        provider: '  appliance: { networks: { lan10: plan20 } }',
      },
      'sql01-replica',
      web01,
    ),
    code: 'VLAN_MISMATCH',
    lastHop: 'sql01-replica',
    names: ['sql01-replica', 'sp-nea', web01],
  },
  'large echo requests vanish': {
    make: async (level) => {
      const rig = await failedOver({ more: 'tunnel: { pmtud: false }' }, level);
      return { rig, probe: await rig.ping('web01', sql01, 5, 1472) };
    },
    code: 'MTU_BLACKHOLE',
    lastHop: 'nea-hq',
    names: ['nea-hq', '1500', 'web01'],
    try: /pmtud: true/,
  },
  'large segments vanish': {
    make: async (level) => {
      const rig = await failedOver({ more: 'tunnel: { pmtud: false }' }, level);
      return { rig, probe: await rig.tcp('web01', sql01, 1433, 20_000, 20) };
    },
    code: 'MTU_BLACKHOLE',
    lastHop: 'nea-hq',
    names: ['nea-hq', '1500'],
  },
  'nothing listens on the TCP port': {
    make: async (level) => {
      const rig = await failedOver({}, level);
      return { rig, probe: await rig.tcp('web01', sql01, 1434, 10, 3) };
    },
    code: 'TCP_REFUSED',
    lastHop: 'sql01-replica',
    names: ['sql01-replica', 'tcp/1434'],
    try: /^vms\.sql01\.listen: \[tcp\/1434\]$/,
  },
  'nothing listens on the UDP port': {
    make: async (level) => {
      const rig = await failedOver({}, level);
      return { rig, probe: await rig.udp('web01', sql01, 54) };
    },
    code: 'PORT_CLOSED',
    lastHop: 'sql01-replica',
    names: ['sql01-replica', 'udp/54'],
  },
  'the VM is off and was not failed over': {
    make: async (level) => {
      const rig = await stand(twoSites(), level);
      await rig.ping('web01', sql01, 3);
      rig.lab.powerOff('sql01');
      return { rig, probe: await rig.ping('web01', sql01, 5) };
    },
    code: 'POWERED_OFF',
    lastHop: 'lan10',
    names: ['sql01', sql01],
    try: /^failover: { vms: \[sql01\] }$/,
  },
  'the failover failed, and the original is gone': {
    make: asks({}, 'web01', sql01, (rig) => {
      // There is no replica to be failed over to any more: the point that is asked for does not exist.
      const order = rig.lab.order.bind(rig.lab);
      rig.lab.order = (it) =>
        order(it.kind === 'failover' ? { ...it, restorePoint: { back: 99 } } : it);
    }),
    code: 'NO_RESTORE_POINT',
    lastHop: 'web01',
    names: ['sql01'],
  },
  'an appliance was switched off': {
    make: async (level) => {
      const rig = await failedOver({}, level);
      rig.lab.powerOff('sp-nea');
      return { rig, probe: await rig.ping('web01', sql01, 15) };
    },
    code: 'POWERED_OFF',
    lastHop: 'web01',
    names: ['sp-nea'],
    try: /power_on: sp-nea/,
  },
  'the asker has no address': {
    make: async (level) => {
      const rig = await stand(twoSites({ web01: 'ip: dhcp, os: linux' }), level);
      return { rig, probe: await rig.ping('web01', sql01, 3) };
    },
    code: 'NO_ADDRESS',
    lastHop: 'web01',
    names: ['web01', 'DHCP'],
  },
  'nobody has the address': {
    make: async (level) => {
      const rig = await stand(twoSites(), level);
      return { rig, probe: await rig.ping('web01', '10.0.10.99', 15) };
    },
    code: 'ARP_UNANSWERED',
    lastHop: 'web01',
    names: ['web01', '10.0.10.99'],
  },
  'no route leads there': {
    make: async (level) => {
      const rig = await stand(twoSites(), level);
      return { rig, probe: await rig.ping('web01', '192.0.2.77', 5) };
    },
    code: 'NO_ROUTE',
    lastHop: 'internet',
    names: ['internet'],
  },
  'the original gave its address up when the appliance announced it, and the failover is undone': {
    make: async (level) => {
      const rig = await stand(twoSites({ appliance: nea('proxy_arp: static') }), level);
      await rig.failover();
      await rig.undo();
      return { rig, probe: await rig.ping('web01', sql01, 15) };
    },
    code: 'ADDRESS_CONFLICT',
    lastHop: 'web01',
    names: ['sql01', sql01, 'nea-hq', '169.254.'],
  },
  'the original is on, and the answers to its replica go to it': {
    make: async (level) => {
      const rig = await stand(twoSites({ sql01: 'ip: 10.0.10.20, os: linux' }), level);
      await rig.failover();
      await rig.ping('web01', sql01, 3);
      return { rig, probe: await rig.ping('sql01-replica', web01, 5) };
    },
    code: 'DUPLICATE_ADDRESS',
    lastHop: 'sql01',
    names: ['sql01', 'nea-hq', sql01],
    try: /power_off: sql01/,
  },
};

for (const [title, { make, code, lastHop, names, needsBytes, ...rest }] of Object.entries(
  situations,
)) {
  for (const level of ['full', 'decisions'] as const) {
    if (level === 'decisions' && needsBytes) continue;
    test(`${title}: ${code} (${level} log)`, async (t) => {
      const { rig, probe } = await make(level);
      const explanation = rig.why(probe);
      t.is(explanation?.code, code, explanation?.sentence);
      t.is(explanation!.lastHop, lastHop);
      const told = level === 'full' ? names : []; // without bytes it may know fewer names
      for (const name of told) t.true(explanation!.sentence.includes(name), explanation!.sentence);
      t.false(explanation!.sentence.endsWith('.'));
      if (rest.try) t.regex(explanation!.try ?? '', rest.try);
      const last = explanation!.hops.at(-1)!;
      t.true(last.dropped === true || explanation!.code === 'TCP_REFUSED');
    });
  }
}

test('a stale entry: STALE_ARP with what would prevent it, and it is over when it says', async (t) => {
  const rig = await stand(twoSites({ appliance: nea('gratuitous_arp: none'), more: fast }));
  await rig.ping('web01', sql01, 3);
  rig.lab.powerOff('sql01');
  rig.lab.order({
    kind: 'failover',
    vms: ['sql01'],
    restorePoint: 'latest',
    reason: '',
    planned: false,
  });
  await rig.finish();
  const first = await rig.ping('web01', sql01, 3);
  const explanation = rig.why(first)!;
  t.is(explanation.code, 'STALE_ARP');
  t.is(explanation.lastHop, 'lan10');
  const old = rig.world.neighbour('web01', sql01, rig.now)!.mac;
  t.deepEqual(rig.world.ownersOf(old), ['sql01']);
  for (const name of ['web01', old, 'sql01', sql01, 'nea-hq'])
    t.true(explanation.sentence.includes(name), explanation.sentence);
  t.is(explanation.try, 'appliances.nea-hq.gratuitous_arp: up');
  const second = await rig.ping('web01', sql01, 60);
  const [answer] = rig.answers(second);
  t.true(answer!.at <= explanation.healsAt!, `${answer!.at} is after ${explanation.healsAt}`);
  t.true(answer!.at > explanation.healsAt! - seconds(45), 'the bound is far too wide');
  // While it is being found out, the bound is close.
  const delayed = [...rig.log.facts(['neighbour'])].find(
    ({ node, ip, state }) => node === 'web01' && ip === sql01 && state === 'delay',
  )!;
  const at = (delayed.at + seconds(2)) as Instant;
  const during = why(rig.log, { probe: second, from: 'web01', to: sql01, at })!;
  t.is(during.code, 'STALE_ARP');
  t.is(during.healsAt! - delayed.at, seconds(8)); // 5 s of trust and three probes, as Linux has it
  t.true(answer!.at - during.healsAt! < seconds(2));
});

test('a stale entry after the way back: STALE_ARP, to be announced as the address is laid down', async (t) => {
  const parts = { appliance: nea('gratuitous_arp: up'), sql01: 'ip: 10.0.10.20, os: linux' };
  const rig = await failedOver({ ...parts, more: fast }, 'full');
  await rig.ping('web01', sql01, 3);
  await rig.run(10); // until the entry has been confirmed and is trusted again
  await rig.undo();
  rig.lab.powerOn('sql01');
  await rig.run(2);
  const explanation = rig.why(await rig.ping('web01', sql01, 3))!;
  t.is(explanation.code, 'STALE_ARP');
  t.true(explanation.sentence.includes('nea-hq'));
  t.is(explanation.try, 'appliances.nea-hq.gratuitous_arp: down');
});

test('an address that is being checked is no address yet', async (t) => {
  const rig = await stand(twoSites(), 'full', 0);
  const explanation = rig.why(await rig.ping('web01', sql01, 3))!;
  t.is(explanation.code, 'NO_ADDRESS');
  t.true(explanation.sentence.includes('still checking'), explanation.sentence);
});

test('what was answered needs no explanation, nor does a packet that has only just been sent', async (t) => {
  const rig = await stand(twoSites());
  const probe = await rig.ping('web01', sql01, 3);
  t.is(rig.events(probe).at(-1)!.what, 'sent');
  t.is(rig.why(probe), undefined);
});

test('a probe is found by its ends, and an attempt by its event', async (t) => {
  const rig = await failedOver({ appliance: nea('proxy_arp: none') }, 'full');
  const probe = await rig.ping('web01', sql01, 15);
  const ends = { from: 'web01', to: sql01, at: rig.now };
  t.is(why(rig.log, ends)?.code, 'PROXY_ARP_OFF');
  const [sent] = rig.events(probe);
  const explanation = why(rig.log, { ...ends, sentId: sent!.id })!;
  t.is(explanation.code, 'PROXY_ARP_OFF');
  t.is(explanation.hops.at(-1)!.where, 'lan10'); // it still had the MAC address of the original
  // Nothing was ever sent: how things stand is all that there is.
  const never = why(rig.log, { from: 'web01', to: '10.0.10.21', at: rig.now })!;
  t.is(never.code, 'ARP_UNANSWERED');
  t.deepEqual(never.hops, []);
});

test('an explanation is of its moment: later events do not change it', async (t) => {
  const rig = await stand(twoSites());
  await rig.ping('web01', sql01, 3);
  rig.lab.powerOff('sql01');
  const probe = await rig.ping('web01', sql01, 5);
  const at = rig.now;
  const before = rig.why(probe)!;
  await rig.run(1);
  await rig.failover();
  await rig.ping('web01', sql01, 5);
  const after = why(rig.log, { probe, from: 'web01', to: sql01, at })!;
  t.is(before.code, 'POWERED_OFF');
  t.is(after.code, before.code);
  t.is(after.sentence, before.sentence);
  // Asked later, of the same attempt: how things stood then is still why.
  t.is(why(rig.log, { probe, from: 'web01', to: sql01, at: rig.now })?.code, before.code);
});

test('two answers for one address are found even where the probe succeeds, with both MAC addresses', async (t) => {
  for (const level of ['full', 'decisions'] as const) {
    const rig = await stand(twoSites({ sql01: 'ip: 10.0.10.20, os: linux' }), level);
    await rig.failover();
    const before = rig.now;
    await rig.run(40); // until entries have aged and the question is put again
    const arping = await rig.arping('web01', sql01);
    const probe = await rig.ping('web01', sql01, 3);
    t.is(rig.why(probe), undefined);
    const found = duplicates(rig.log, before, rig.now);
    t.deepEqual(
      found.map(({ ip }) => ip),
      [sql01],
    );
    t.deepEqual(
      found[0]!.answers.map(({ node }) => node),
      ['sql01', 'nea-hq'],
    );
    const macs = rig.answers(arping).map(({ mac }) => mac);
    t.deepEqual(
      found[0]!.answers.map(({ mac }) => mac),
      macs as string[],
    );
    t.is(new Set(macs).size, 2);
  }
});

test('once one of the two is gone, the entry that it left behind is the reason', async (t) => {
  const rig = await stand(twoSites({ sql01: 'ip: 10.0.10.20, os: linux' }));
  await rig.failover();
  await rig.arping('web01', sql01);
  await rig.ping('web01', sql01, 3);
  rig.lab.powerOff('sql01');
  const explanation = rig.why(await rig.ping('web01', sql01, 3));
  t.is(explanation?.code, 'STALE_ARP', explanation?.sentence);
});

test('a packet that is too large is no black hole where its sender is told', async (t) => {
  const rig = await failedOver({}, 'full');
  await rig.run(20);
  const probe = await rig.ping('web01', sql01, 5, 1472);
  const [first] = rig.events(probe);
  t.true(rig.answers(probe).length > 0); // it sends smaller ones from then on
  const question = { sentId: first!.id, from: 'web01', to: sql01, at: rig.now };
  const explanation = why(rig.log, question);
  t.is(explanation?.code, 'FRAGMENTATION_NEEDED');
  t.is(explanation!.lastHop, 'nea-hq');
});

test('a machine that took over after the other had gone is no duplicate', async (t) => {
  const rig = await failedOver({}, 'full');
  await rig.arping('web01', sql01);
  t.deepEqual(duplicates(rig.log, 0 as Instant, rig.now), []);
});

// Situations that the lab does not get into by itself, written by hand.

interface Line {
  readonly at: number;
  readonly node: string;
  readonly fact: Fact;
}

function written(lines: readonly Line[], address: 'static' | 'dhcp' = 'static'): EventLog {
  const log = new EventLog('full');
  const machine = (
    node: string,
    role: MachineRole,
    vm: string,
    how: 'static' | 'dhcp',
    ip: string,
  ) =>
    log.tell(0 as Instant, node, -1, {
      kind: 'machine',
      role,
      tenant: '',
      vm,
      network: 'lan10',
      address: how,
      ip: how === 'static' ? ip : '',
    });
  machine('web01', 'vm', 'web01', 'static', web01);
  machine('sql01', 'vm', 'sql01', address, sql01);
  machine('sql01-replica', 'replica', 'sql01', address, sql01);
  machine('nea-hq', 'tenant-appliance', '', 'static', '10.0.10.250');
  machine('sp-nea', 'provider-appliance', '', 'static', '');
  const held = { kind: 'address', interface: 'eth0', length: 24, origin: 'static' } as const;
  log.tell(0 as Instant, 'web01', -1, { ...held, ip: web01, change: 'added' });
  log.tell(0 as Instant, 'sql01', -1, { ...held, ip: sql01, change: 'added' });
  for (const { at, node, fact } of lines)
    log.tell(seconds(at) as number as Instant, node, -1, fact);
  return log;
}

const failover: readonly Line[] = [
  { at: 1, node: 'sql01', fact: { kind: 'power', state: 'off' } },
  {
    at: 2,
    node: 'lab',
    fact: {
      kind: 'replica',
      vm: 'sql01',
      state: 'failover',
      was: 'ready',
      restorePoint: 'point 1',
    },
  },
  { at: 3, node: 'sql01-replica', fact: { kind: 'power', state: 'on' } },
];
const sent: Line = {
  at: 10,
  node: 'web01',
  fact: { kind: 'probe', probe: 1, protocol: 'ping', what: 'sent', sequence: 1, to: sql01 },
};
const ask = (log: EventLog) =>
  why(log, { probe: 1, from: 'web01', to: sql01, at: seconds(15) as number as Instant });

test('the replica gave its address up: ADDRESS_CONFLICT names who has it', (t) => {
  const conflict = {
    kind: 'address',
    interface: 'eth0',
    ip: sql01,
    length: 24,
    origin: 'static',
  } as const;
  const log = written([
    ...failover,
    { at: 4, node: 'sql01-replica', fact: { ...conflict, change: 'tentative' } },
    {
      at: 5,
      node: 'sql01-replica',
      fact: { ...conflict, change: 'conflict', mac: '02:00:00:00:00:99' },
    },
    sent,
  ]);
  const explanation = ask(log)!;
  t.is(explanation.code, 'ADDRESS_CONFLICT');
  for (const name of ['sql01-replica', sql01, '02:00:00:00:00:99'])
    t.true(explanation.sentence.includes(name), explanation.sentence);
  t.is(explanation.try, 'fault: { power_off: sql01 } before the failover');
});

test('an address by DHCP that an appliance was told of all the same is not the reason', (t) => {
  const entry = { kind: 'proxy-entry', network: 'lan10', ip: sql01, change: 'added' } as const;
  t.is(ask(written([...failover, sent], 'dhcp'))?.code, 'DHCP_NO_STATIC_IP');
  const told: Line[] = [...failover, { at: 5, node: 'nea-hq', fact: entry }, sent];
  t.not(ask(written(told, 'dhcp'))?.code, 'DHCP_NO_STATIC_IP');
});

test('a daemon that decides is not off, whatever it was told', (t) => {
  const up = {
    kind: 'address',
    interface: 'eth0',
    ip: sql01,
    length: 24,
    origin: 'static',
  } as const;
  const decision = {
    kind: 'proxy-decision',
    network: 'lan10',
    side: 'local',
    ip: '10.0.10.77',
    asker: web01,
    decision: 'ignored',
  } as const;
  const decided = (because: 'PROXY_OUT_OF_SCOPE' | 'PROXY_ARP_OFF'): Line[] => [
    ...failover,
    { at: 4, node: 'sql01-replica', fact: { ...up, change: 'added' } },
    { at: 5, node: 'nea-hq', fact: { ...decision, because } },
    sent,
  ];
  t.not(ask(written(decided('PROXY_OUT_OF_SCOPE')))?.code, 'PROXY_ARP_OFF');
  t.is(ask(written(decided('PROXY_ARP_OFF')))?.code, 'PROXY_ARP_OFF');
});

test('a tunnel that failed for a reason of its own is explained by that reason', (t) => {
  const up = {
    kind: 'address',
    interface: 'eth0',
    ip: sql01,
    length: 24,
    origin: 'static',
  } as const;
  const tunnel = { kind: 'tunnel', tunnel: 'lan10', endpoint: '203.0.113.10:6180' } as const;
  const lines: Line[] = [
    ...failover,
    { at: 4, node: 'sql01-replica', fact: { ...up, change: 'added' } },
    { at: 5, node: 'nea-hq', fact: { ...tunnel, state: 'up' } },
    { at: 6, node: 'nea-hq', fact: { ...tunnel, state: 'failed' } },
    sent,
  ];
  t.is(ask(written(lines))?.code, 'TUNNEL_DOWN');
  t.true(ask(written(lines))!.sentence.includes('failed since 6 s'));
  const because = lines.map((line) =>
    line.fact.kind === 'tunnel' && line.fact.state === 'failed'
      ? { ...line, fact: { ...line.fact, because: 'WG_MAC1' as const } }
      : line,
  );
  t.is(ask(written(because))?.code, 'WG_MAC1');
});

test('a warning of an earlier failover says nothing of this one', (t) => {
  const operation = { kind: 'operation', operation: 'failover', vms: ['sql01'] } as const;
  const warning = { kind: 'warning', code: 'NO_NEA', about: 'sql01' } as const;
  const first: Line[] = [
    { at: 0, node: 'lab', fact: { ...operation, state: 'started' } },
    { at: 0, node: 'lab', fact: warning },
    ...failover,
    sent,
  ];
  t.is(ask(written(first))?.code, 'NO_NEA');
  const again: Line[] = [
    { at: 0, node: 'lab', fact: { ...operation, state: 'started' } },
    { at: 0, node: 'lab', fact: warning },
    { at: 0, node: 'lab', fact: { ...operation, state: 'success' } },
    { at: 1, node: 'lab', fact: { ...operation, state: 'started' } },
    ...failover,
    sent,
  ];
  t.not(ask(written(again))?.code, 'NO_NEA');
});

test('nobody was told of an address that the job did not find', (t) => {
  const up = {
    kind: 'address',
    interface: 'eth0',
    ip: sql01,
    length: 24,
    origin: 'static',
  } as const;
  const warning = { kind: 'warning', code: 'NO_STATIC_IP_DETECTED', about: 'sql01' } as const;
  const lines: Line[] = [
    { at: 0, node: 'lab', fact: warning },
    ...failover,
    { at: 4, node: 'sql01-replica', fact: { ...up, change: 'added' } },
    sent,
  ];
  t.is(ask(written(lines))?.code, 'NO_STATIC_IP_DETECTED');
  // A row of the mapping makes up for it.
  const entry = { kind: 'proxy-entry', network: 'lan10', ip: sql01, change: 'added' } as const;
  const mapped: Line[] = [...lines.slice(0, -1), { at: 5, node: 'nea-hq', fact: entry }, sent];
  t.not(ask(written(mapped))?.code, 'NO_STATIC_IP_DETECTED');
});

test('a cable that the scenario pulled is found, and is forgotten when it is plugged in again', (t) => {
  const pulled = { kind: 'fault', fault: 'link_down', target: 'sql01', line: 3 } as const;
  const log = written([{ at: 5, node: 'lab', fact: pulled }, sent]);
  t.is(ask(log)?.code, 'LINK_DOWN');
  const mended = written([
    { at: 5, node: 'lab', fact: pulled },
    { at: 6, node: 'lab', fact: { ...pulled, fault: 'link_up' } },
    sent,
  ]);
  t.not(ask(mended)?.code, 'LINK_DOWN');
});

test('a log of verdicts alone still names what was warned of', async (t) => {
  const rig = await failedOver({ appliance: '' }, 'verdicts');
  const explanation = rig.why(await rig.ping('web01', sql01, 15));
  t.is(explanation?.code, 'NO_NEA');
  t.is(explanation!.lastHop, 'web01');
});
