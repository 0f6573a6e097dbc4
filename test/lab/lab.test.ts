/** Whole labs, every checksum verified: what operators and disasters do to them, and what must be left of it. */
import test from 'ava';
import { after, type Instant, seconds } from '../../src/base/time.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import { Controller } from '../../src/failover/controller.ts';
import { isCommand } from '../../src/failover/decision.ts';
import { LabNetwork } from '../../src/lab/network.ts';
import { check } from '../../src/scenario/check.ts';
import { compile } from '../../src/scenario/compile.ts';
import { SimBackend, type SimLab } from '../../src/sim/backend.ts';
import { Simulation } from '../../src/sim/simulation.ts';
import type { Fact, TraceEvent } from '../../src/trace/event.ts';
import { jsonLines } from '../../src/trace/json-lines.ts';
import { EventLog } from '../../src/trace/log.ts';
import { type Ipv4, ipv4, showIpv4, showMac } from '../../src/wire/address.ts';
import { decodeArp } from '../../src/wire/arp.ts';
import { decodeIpv4 } from '../../src/wire/ipv4.ts';
import { Malformed } from '../../src/wire/malformed.ts';
import { digest, expectations, inWords, played, scenarios } from '../playing.ts';

interface Text {
  readonly seed?: number;
  readonly names?: string;
  readonly sql01?: string;
  readonly nea10?: string;
  readonly more?: string;
  readonly lan20?: string;
}

/** Two production networks, each with an appliance; two VMs of each may fail over. */
const twoNetworks = ({
  seed = 7,
  names = '',
  sql01,
  nea10 = '',
  more = '',
  lan20 = 'plan20',
}: Text = {}): string => `
name: two networks
about: for tests
seed: ${seed}
${more}
tenant:
  sites:
    hq${names}:
      networks:
        lan10${names}: { subnet: 10.0.10.0/24, gateway: 10.0.10.1 }
        lan20${names}: { subnet: 10.0.20.0/24, gateway: 10.0.20.1 }
      dhcp: { server: hq${names}.gateway, network: lan10${names}, pool: 10.0.10.100-10.0.10.120 }
      vms:
        web01${names}: { network: lan10${names}, ip: 10.0.10.11, os: linux, listen: [tcp/80] }
        sql01${names}: { network: lan10${names}, ${sql01 ?? 'ip: 10.0.10.20, os: windows'}, listen: [tcp/1433, udp/53] }
        sql02${names}: { network: lan10${names}, ip: 10.0.10.21, os: linux }
        desk${names}: { network: lan10${names}, ip: dhcp, os: linux }
        app01${names}: { network: lan20${names}, ip: 10.0.20.11, os: linux }
        app02${names}: { network: lan20${names}, ip: 10.0.20.20, os: linux }
      appliances:
        nea10${names}: { network: lan10${names}, ip: 10.0.10.250${nea10} }
        nea20${names}: { network: lan20${names}, ip: 10.0.20.250 }
provider:
  gateways: { gw1${names}: { public_ip: 203.0.113.10 } }
  hardware_plan:
    hosts: [esx${names}]
    networks: { plan10${names}: { vlan: 112 }, plan20${names}: { vlan: 113 } }
replication:
  job1${names}:
    vms: [sql01${names}, sql02${names}, desk${names}, app02${names}]
    network_mapping: { lan10${names}: plan10${names}, lan20${names}: ${lan20}${names} }
steps:
  - failover: { vms: [sql01${names}] }
`;

function planOf(text: string) {
  const { cases, problems } = check('lab.yaml', () => text);
  const [scenario] = cases ?? [];
  if (scenario === undefined)
    throw new Error(problems.map(({ line, message }) => `${line}: ${message}`).join('\n'));
  return compile(scenario);
}

class Standing {
  readonly log = new EventLog('full');
  readonly lab: SimLab;
  static async up(
    text = twoNetworks(),
    change: (plan: ReturnType<typeof planOf>) => ReturnType<typeof planOf> = (plan) => plan,
  ): Promise<Standing> {
    const log = new EventLog('full');
    const backend = new SimBackend({ crypto: nodeCrypto, strict: true });
    const standing = new Standing(await backend.start(change(planOf(text)), log), log);
    await standing.run(15);
    return standing;
  }
  #probes = 0;

  constructor(lab: SimLab, log: EventLog) {
    this.lab = lab;
    this.log = log;
  }

  async run(forSeconds: number): Promise<void> {
    await this.lab.until(after(this.lab.now, seconds(forSeconds)));
  }

  async finish(): Promise<string | undefined> {
    await this.lab.until(
      after(this.lab.now, seconds(3600)),
      () => this.lab.recoveries[0]?.finished !== undefined,
    );
    return this.lab.recoveries[0]?.finished?.status;
  }

  async failover(...vms: string[]): Promise<string | undefined> {
    for (const vm of vms) if (this.lab.network.powerOf(vm) === 'on') this.lab.powerOff(vm);
    this.lab.order({ kind: 'failover', vms, restorePoint: 'latest', reason: '', planned: false });
    const status = await this.finish();
    await this.run(90);
    return status;
  }

  async undo(...vms: string[]): Promise<string | undefined> {
    this.lab.order({ kind: 'undo-failover', vms });
    return this.finish();
  }

  /** How many of five pings come back. */
  async ping(from: string, to: string, forSeconds = 5): Promise<number> {
    const probe = ++this.#probes;
    const probes = this.lab.network.probes(from);
    if (probes === undefined) throw new Error(`${from} is off`);
    probes.ping(
      { probe, to: ipv4(to), size: 56, every: seconds(1) },
      this.lab.now,
      this.lab.fabric,
    );
    await this.run(forSeconds);
    probes.stopPing(probe);
    return this.facts('probe').filter((fact) => fact.probe === probe && fact.what === 'answered')
      .length;
  }

  async arping(from: string, to: string): Promise<string[]> {
    const probe = ++this.#probes;
    const probes = this.lab.network.probes(from)!;
    const on = this.lab.network.stack(from)!.interfaces[0]!;
    probes.arping(probe, on, ipv4(to), this.lab.now, this.lab.fabric);
    await this.run(2);
    probes.stopArping(probe);
    return this.facts('probe').flatMap((fact) =>
      fact.probe === probe && fact.mac ? [fact.mac] : [],
    );
  }

  facts<K extends Fact['kind']>(kind: K, from = 0): Extract<TraceEvent, { kind: K }>[] {
    return [...this.log.facts([kind], from)];
  }

  events(from = 0): TraceEvent[] {
    return [...this.log.events(from)];
  }

  mac(machine: string, adapter = 0): string {
    return showMac(this.lab.network.stack(machine)!.interfaces[adapter]!.mac);
  }

  believes(machine: string, ip: string): string | undefined {
    const entry = this.lab.network.stack(machine)!.interfaces[0]!.neighbours.find(ipv4(ip));
    return entry?.hasMac ? showMac(entry.mac) : undefined;
  }
}

// The gallery, with nothing trusted

for (const file of ['01-partial-static.yaml', '02-partial-dhcp.yaml', '17-vcd-networks.yaml']) {
  test(`${file} ends the same where every receiver verifies every checksum, and none is wrong`, async (t) => {
    for (const scenario of scenarios(file)) {
      const run = await played(scenario, { strict: true });
      const all = expectations(run);
      t.true(
        all.every(({ verdict }) => verdict === 'met'),
        all.map(inWords).join('\n'),
      );
      for (const event of run.log.events())
        if (event.kind === 'drop')
          t.notRegex(event.reason, /CHECKSUM|IP_HEADER|MALFORMED|MARTIAN|WG_DECRYPT|WG_REPLAY/);
      const usual = await played(scenario);
      t.is(digest(run.log), digest(usual.log), 'to the byte');
    }
  });
}

// Failover, seen from both sides

test('A1, A2, A3, A10: after failover both sides reach each other and believe in their own appliance; so does the router', async (t) => {
  const here = await Standing.up();
  t.is(await here.failover('sql01'), 'success');
  t.true((await here.ping('web01', '10.0.10.20')) >= 4);
  t.true((await here.ping('sql01-replica', '10.0.10.11')) >= 4);
  t.true((await here.ping('sql01-replica', '10.0.10.1')) >= 4);
  t.true(
    (await here.ping('sql01-replica', '10.0.20.11')) >= 4,
    'off the subnet, by way of the tenant',
  );
  t.true((await here.ping('app01', '10.0.10.20')) >= 4, 'A4: from another subnet, by the router');
  t.is(here.believes('web01', '10.0.10.20'), here.mac('nea10'));
  t.is(here.believes('hq.gateway', '10.0.10.20'), here.mac('nea10'));
  t.is(here.believes('sql01-replica', '10.0.10.11'), here.mac('sp-nea', 1));
  t.is(here.believes('sql01-replica', '10.0.10.1'), here.mac('sp-nea', 1));
});

test('A11, A12, A13: one answer for each address, from whoever it is that should give it', async (t) => {
  const here = await Standing.up();
  await here.failover('sql01');
  t.deepEqual(await here.arping('web01', '10.0.10.20'), [here.mac('nea10')]);
  t.deepEqual(await here.arping('web01', '10.0.10.21'), [here.mac('sql02')]);
  t.deepEqual(await here.arping('web01', '10.0.10.99'), []);
  t.deepEqual(await here.arping('sql01-replica', '10.0.10.11'), [here.mac('sp-nea', 1)]);
  t.deepEqual(await here.arping('sql01-replica', '10.0.10.99'), []);
});

test('A5: two replicas of one network talk without the tunnel; A6: two of different networks go by the tenant’s router', async (t) => {
  const here = await Standing.up();
  await here.failover('sql01', 'sql02', 'app02');
  let from = here.log.length;
  t.true((await here.ping('sql01-replica', '10.0.10.21')) >= 4);
  const talk = here
    .events(from)
    .filter(
      (event) => event.kind === 'packet' && isBetween(event.bytes, '10.0.10.20', '10.0.10.21'),
    );
  t.deepEqual(talk, []);
  from = here.log.length;
  t.true((await here.ping('sql01-replica', '10.0.20.20')) >= 4);
  const ends = new Set(
    here
      .events(from)
      .flatMap((event) =>
        event.kind === 'packet' && isBetween(event.bytes, '10.0.10.20', '10.0.20.20')
          ? [event.interface]
          : [],
      ),
  );
  t.deepEqual([...ends].sort(), [
    'nea10.wg-lan10',
    'nea20.wg-lan20',
    'sp-nea.wg-lan10',
    'sp-nea.wg-lan20',
  ]);
});

function isBetween(bytes: Uint8Array, a: string, b: string): boolean {
  const packet = decodeIpv4(bytes);
  if (packet instanceof Malformed) return false;
  const ends = [showIpv4(packet.source), showIpv4(packet.destination)];
  return ends.includes(a) && ends.includes(b);
}

test('A9: with a DHCP client among the replicas nothing for ports 67 and 68, no broadcast and no multicast crosses', async (t) => {
  const here = await Standing.up();
  await here.failover('sql01', 'desk');
  await here.run(300);
  let seen = 0;
  for (const event of here.events()) {
    if (event.kind !== 'packet') continue;
    seen += 1;
    const packet = decodeIpv4(event.bytes);
    if (packet instanceof Malformed) throw new Error('no packet');
    t.true(packet.destination >>> 24 < 224);
    t.not(showIpv4(packet.destination), '10.0.10.255');
    if (packet.protocol === 17)
      t.false([67, 68].includes(packet.payload[2]! * 256 + packet.payload[3]!));
  }
  t.true(seen > 0);
});

test('A14: from the first moment to the last no appliance sends ARP from no address or announces what is not failed over', async (t) => {
  const here = await Standing.up();
  await here.failover('sql01', 'sql02');
  await here.ping('web01', '10.0.10.20');
  await here.undo('sql01', 'sql02');
  await here.run(60);
  const told: string[] = [];
  for (const event of here.events()) {
    if (event.kind !== 'frame' || !/^(nea|sp-nea)/.test(event.node) || event.bytes[13] !== 6)
      continue;
    const arp = decodeArp(event.bytes.subarray(14));
    if (arp instanceof Malformed) throw new Error('no ARP');
    t.not(arp.senderIp, 0 as Ipv4);
    if (arp.senderIp === arp.targetIp)
      told.push(`${event.node} ${showIpv4(arp.senderIp)} ${showMac(arp.senderMac)}`);
  }
  const up = ['20', '21'].map((host) => `nea10 10.0.10.${host} ${here.mac('nea10')}`);
  const down = [`nea10 10.0.10.20 ${here.mac('sql01')}`, `nea10 10.0.10.21 ${here.mac('sql02')}`];
  t.deepEqual(told.sort(), [...up, ...up, ...down].sort());
});

test('A10: one of two replicas goes back: its owner is announced at once, and the other is reached as before', async (t) => {
  const here = await Standing.up();
  await here.failover('sql01', 'sql02');
  t.true((await here.ping('web01', '10.0.10.20')) >= 4);
  t.true((await here.ping('web01', '10.0.10.21')) >= 4);
  t.is(await here.undo('sql01'), 'success');
  t.is(here.believes('web01', '10.0.10.20'), here.mac('sql01'));
  here.lab.powerOn('sql01');
  await here.run(90);
  t.true((await here.ping('web01', '10.0.10.20')) >= 4);
  t.true((await here.ping('web01', '10.0.10.21')) >= 4);
  t.true(
    (await here.ping('sql02-replica', '10.0.10.20', 15)) >= 1,
    'the one that stayed finds it again',
  );
  t.deepEqual(await here.arping('web01', '10.0.10.20'), [here.mac('sql01')]);
  t.deepEqual(await here.arping('web01', '10.0.10.21'), [here.mac('nea10')]);
});

// Two networks, one appliance of the provider

test('A19: each network has its port at the provider, 1195 and 1197, and what happens to one appliance leaves the other network alone', async (t) => {
  const here = await Standing.up();
  await here.failover('sql01', 'app02');
  t.deepEqual(
    new Set(here.facts('relay').map(({ to }) => to.split(':')[1])),
    new Set(['1195', '1197']),
  );
  const works = async (): Promise<[boolean, boolean]> => [
    (await here.ping('web01', '10.0.10.20')) >= 4,
    (await here.ping('app01', '10.0.20.20')) >= 4,
  ];
  t.deepEqual(await works(), [true, true]);
  here.lab.network.cables.cut({ node: 'nea10' }, 'pulled', true);
  t.deepEqual(await works(), [false, true]);
  here.lab.network.cables.cut({ node: 'nea10' }, 'pulled', false);
  await here.run(30);
  t.deepEqual(await works(), [true, true]);
  here.lab.powerOff('nea20');
  t.deepEqual(await works(), [true, false]);
  t.is(await here.undo('app02'), 'success');
  t.deepEqual((await works())[0], true);
});

// Two labs

test('A26: two labs with the same addresses, run in turns in one process, see nothing of each other', async (t) => {
  const run = async (seed: number): Promise<string> => {
    const here = await Standing.up(twoNetworks({ seed }));
    await here.failover('sql01');
    await here.ping('web01', '10.0.10.20');
    return digest(here.log);
  };
  const alone = [await run(1), await run(2)];
  t.deepEqual(await Promise.all([run(1), run(2)]), alone);
  t.not(alone[0], alone[1]);
});

test('A26: two tenants with one subnet in one network fabric: no frame of the one reaches a machine of the other', async (t) => {
  const log = new EventLog('full');
  const sim = new Simulation({ seed: 1, log, strict: true });
  const [a, b] = ['a', 'b'].map(
    (names) =>
      new LabNetwork(planOf(twoNetworks({ names: `-${names}` })).topology, sim, nodeCrypto),
  );
  sim.run(seconds(15) as number as Instant);
  for (const [i, [from, network]] of (
    [
      ['web01-a', a],
      ['web01-b', b],
    ] as const
  ).entries())
    network!
      .probes(from)!
      .ping({ probe: i + 1, to: ipv4('10.0.10.20'), size: 1, every: seconds(1) }, sim.now, sim);
  sim.run(seconds(20) as number as Instant);
  const ends = [1, 2].map(
    (probe) =>
      [...log.facts(['probe'])].filter((fact) => fact.probe === probe && fact.what === 'answered')
        .length,
  );
  t.true(ends.every((count) => count >= 4));
  const side = (label: string): string =>
    /-(a|b)\b/.exec(label)?.[1] ?? /^hq-(a|b)/.exec(label)?.[1] ?? '';
  for (const event of log.events()) {
    if (event.kind !== 'frame' && event.kind !== 'flood') continue;
    const seen = new Set([event.from, ...[event.to].flat()].map(side).filter((one) => one !== ''));
    t.true(seen.size <= 1, `${event.from} to ${event.to}`);
  }
});

// Power

test('a power cycle is a new life behind the same port: same MAC address, nothing remembered, nothing from before', async (t) => {
  const here = await Standing.up();
  await here.ping('web01', '10.0.10.20');
  const { network } = here.lab;
  const before = network.guest('web01')!;
  t.truthy(here.believes('web01', '10.0.10.20'));
  before.probes.ping(
    { probe: 99, to: ipv4('10.0.10.20'), size: 1, every: seconds(1) },
    here.lab.now,
    here.lab.fabric,
  );
  before.tcp.connect(
    ipv4('10.0.10.20'),
    1433,
    5_000_000,
    0,
    { connected: () => {}, done: () => t.fail() },
    here.lab.now,
    here.lab.fabric,
    -1,
  );
  await here.run(0.02);
  const from = here.log.length;
  here.lab.powerOff('web01');
  t.is(network.probes('web01'), undefined);
  here.lab.powerOn('web01');
  const life = network.guest('web01')!;
  t.not(life, before);
  t.is(life.adapter.mac, before.adapter.mac);
  t.is(life.adapter.neighbours.entries.size, 0);
  t.is(network.powerOf('web01'), 'booting');
  await here.run(200);
  t.is(network.powerOf('web01'), 'on');
  t.deepEqual(here.facts('probe', from), [], 'the ping of the old life has stopped');
  const spoke = here.events(from).find((event) => event.kind === 'frame' && event.node === 'web01');
  const started = here.facts('address', from).find(({ node }) => node === 'web01');
  t.true(spoke === undefined || (started !== undefined && spoke.at >= started.at));
  t.true((await here.ping('web01', '10.0.10.20')) >= 4);
  t.true((await here.ping('sql01', '10.0.10.11')) >= 4);
});

test('what is on its way to a machine when it is switched off is lost, and told', async (t) => {
  const here = await Standing.up();
  await here.ping('web01', '10.0.10.20');
  await here.run(0.5);
  const probes = here.lab.network.probes('web01')!;
  probes.ping(
    { probe: 50, to: ipv4('10.0.10.20'), size: 1400, every: seconds(60) },
    here.lab.now,
    here.lab.fabric,
  );
  const from = here.log.length;
  const isOnItsWay = (): boolean =>
    here.events(from).some((event) => event.kind === 'frame' && event.to === 'sql01.eth0');
  t.is(await here.lab.until(after(here.lab.now, seconds(1)), isOnItsWay), 'settled');
  here.lab.powerOff('sql01');
  here.lab.powerOn('sql01');
  await here.run(0.5);
  t.true(here.events(from).some((event) => event.kind === 'drop' && event.reason === 'LINK_DOWN'));
  t.false(
    here.events(from).some((event) => event.kind === 'drop' && event.reason === 'POWERED_OFF'),
  );
  t.deepEqual(
    here.facts('probe', from).filter(({ what }) => what === 'answered'),
    [],
  );
});

test('switching on what is on, or off what is off, changes nothing and is not told', async (t) => {
  const here = await Standing.up();
  const from = here.log.length;
  here.lab.powerOn('web01');
  here.lab.powerOff('nea10');
  here.lab.powerOff('sql01-replica');
  t.is(here.log.length, from);
  here.lab.powerOff('web01');
  here.lab.powerOff('web01');
  here.lab.powerOn('web01');
  here.lab.powerOn('web01');
  await here.run(5);
  here.lab.powerOff('web01');
  await here.run(200);
  const states = here.facts('power', from).map(({ node, state }) => `${node} ${state}`);
  t.deepEqual(
    states,
    ['web01 off', 'web01 booting', 'web01 off'],
    'a boot that is cut short stays so',
  );
});

test('a boot that was cut short does not end in the next life: that takes its own time, and starts once', async (t) => {
  const here = await Standing.up();
  here.lab.powerOff('web01');
  const from = here.log.length;
  here.lab.powerOn('web01');
  await here.run(2);
  here.lab.powerOff('web01');
  await here.run(2);
  const again = here.lab.now;
  here.lab.powerOn('web01');
  await here.run(200);
  const { boot } = here.lab.network.guestPlan('web01')!;
  const on = here.facts('power', from).filter(({ state }) => state === 'on');
  t.deepEqual(
    on.map(({ at }) => at),
    [after(again, boot)],
  );
  t.is(here.facts('address', from).filter(({ node }) => node === 'web01').length, 1);
});

test('an appliance that is off is not there', async (t) => {
  const here = await Standing.up();
  t.deepEqual(await here.arping('web01', '10.0.10.250'), []);
  here.lab.powerOn('nea10');
  await here.run(120);
  t.deepEqual(await here.arping('web01', '10.0.10.250'), [here.mac('nea10')]);
  here.lab.powerOff('nea10');
  t.deepEqual(await here.arping('web01', '10.0.10.250'), []);
  t.is(here.lab.network.probes('nea10'), undefined);
});

test('a cable that was pulled stays pulled over a power cycle, and plugging it in does not switch a machine on', async (t) => {
  const here = await Standing.up();
  const { network } = here.lab;
  network.cables.cut({ node: 'sql01' }, 'pulled', true);
  here.lab.powerOff('sql01');
  here.lab.powerOn('sql01');
  await here.run(90);
  t.is(await here.ping('web01', '10.0.10.20'), 0);
  network.cables.cut({ node: 'sql01' }, 'pulled', false);
  t.true((await here.ping('web01', '10.0.10.20', 8)) >= 4);
  here.lab.powerOff('sql01');
  const from = here.log.length;
  network.cables.cut({ node: 'sql01' }, 'pulled', true);
  network.cables.cut({ node: 'sql01' }, 'pulled', false);
  await here.ping('web01', '10.0.10.20');
  t.false(
    here.events(from).some((event) => event.kind === 'frame' && event.to.startsWith('sql01.')),
  );
});

test('what was done to a cable holds for the next life as well', async (t) => {
  const here = await Standing.up();
  here.lab.network.cables.impair({ node: 'sql01' }, 'both', { loss: 1 });
  here.lab.powerOff('sql01');
  here.lab.powerOn('sql01');
  await here.run(90);
  t.is(await here.ping('web01', '10.0.10.20'), 0);
  here.lab.network.cables.impair({ node: 'sql01' }, 'both', { loss: 0 });
  t.true((await here.ping('web01', '10.0.10.20', 8)) >= 4);
});

test('a replica remembers the lease of its original if that is said and still in force', async (t) => {
  for (const [lease, expected] of [
    ['valid', 1],
    ['expired', 0],
  ] as const) {
    const here = await Standing.up(twoNetworks({ sql01: `ip: dhcp, os: linux, lease: ${lease}` }));
    const original = here.lab.network.guest('sql01')!.adapter.ip;
    t.not(original, 0 as Ipv4);
    await here.failover('sql01');
    const addresses = here.lab.network
      .guest('sql01-replica')!
      .adapter.addresses.map(({ address }) => address);
    t.deepEqual(addresses, expected === 1 ? [original] : []);
  }
});

test('an appliance that boots calls back all who wait, once; one that is switched off meanwhile says so', async (t) => {
  const here = await Standing.up();
  const { network } = here.lab;
  const heard: string[] = [];
  network.power.applianceOn('nea10', -1, (up) => heard.push(`a ${up}`));
  await here.run(1);
  network.power.applianceOn('nea10', -1, (up) => heard.push(`b ${up}`));
  t.deepEqual(heard, []);
  t.false(network.tunnels.start('nea10', 'lan10', -1), 'it has not booted');
  t.false(network.tunnels.configureProxy('nea10', 'lan10', [], new Map(), -1));
  await here.run(120);
  t.deepEqual(heard, ['a true', 'b true']);
  network.power.applianceOn('nea10', -1, (up) => heard.push(`c ${up}`));
  t.deepEqual(heard.at(-1), 'c true');
  t.false(network.tunnels.start('nea10', 'lan20', -1), 'that is not its network');
  t.true(network.tunnels.start('nea10', 'lan10', -1));
  network.power.applianceOff('nea10', -1);
  network.power.applianceOn('nea10', -1, (up) => heard.push(`d ${up}`));
  network.power.applianceOff('nea10', -1);
  await here.run(120);
  t.deepEqual(heard.slice(3), ['d false']);
});

test('an appliance that loses its power has nothing left of its tunnel, its routes or its entries when it is back', async (t) => {
  const here = await Standing.up();
  await here.failover('sql01');
  const before = here.lab.network.stack('nea10')!;
  here.lab.powerOff('nea10');
  here.lab.powerOn('nea10');
  await here.run(120);
  const stack = here.lab.network.stack('nea10')!;
  t.not(stack, before);
  t.is(stack.interfaces[0]!.mac, before.interfaces[0]!.mac);
  t.deepEqual(
    stack.interfaces.map(({ name }) => name),
    ['eth0'],
  );
  t.deepEqual(
    stack.routes.all.map(({ prefix: { length } }) => length),
    [24, 0],
  );
  t.deepEqual(await here.arping('web01', '10.0.10.20'), []);
  t.deepEqual(
    here
      .facts('tunnel')
      .filter(({ node }) => node === 'nea10')
      .map(({ state }) => state)
      .slice(-2),
    ['up', 'down'],
  );
});

// The way back

test('A30: after undo the original is reached, and at the provider and the tenant nothing is left on', async (t) => {
  const here = await Standing.up();
  await here.failover('sql01');
  t.true((await here.ping('web01', '10.0.10.20')) >= 4);
  t.is(await here.undo('sql01'), 'success');
  here.lab.powerOn('sql01');
  await here.run(90);
  const { network, recoveries } = here.lab;
  t.deepEqual(
    ['nea10', 'sp-nea', 'sql01-replica'].map((name) => network.powerOf(name)),
    ['off', 'off', 'off'],
  );
  t.deepEqual(recoveries[0]!.status.started, []);
  t.true((await here.ping('web01', '10.0.10.20')) >= 4);
  t.is(here.believes('web01', '10.0.10.20'), here.mac('sql01'));
  const entries = here.facts('proxy-entry');
  for (const node of ['nea10', 'sp-nea'])
    t.deepEqual(
      entries.filter((entry) => entry.node === node).map(({ change }) => change),
      ['added', 'removed'],
    );
  t.is(await here.failover('sql01'), 'success', 'and it can be done again');
  t.true((await here.ping('web01', '10.0.10.20')) >= 4);
});

test('A30: appliances that stay on after undo have no routes, entries, listeners or tunnels left', async (t) => {
  const here = await Standing.up(
    twoNetworks(),
    (plan) =>
      ({
        ...plan,
        recoveries: plan.recoveries.map((recovery) => ({
          ...recovery,
          configuration: {
            ...recovery.configuration,
            policies: { appliancesAfterUndo: 'leave-on' as const },
          },
        })),
      }) as typeof plan,
  );
  await here.failover('sql01');
  t.is(await here.undo('sql01'), 'success');
  const { network } = here.lab;
  t.deepEqual(
    ['nea10', 'sp-nea'].map((name) => network.powerOf(name)),
    ['on', 'on'],
  );
  for (const name of ['nea10', 'sp-nea']) {
    const stack = network.stack(name)!;
    t.true(
      stack.routes.all.every(
        (route) => route.interface.tunnel === undefined && route.prefix.length !== 32,
      ),
    );
    t.deepEqual([...stack.udp.listeners.keys()], [], name);
    for (const { watchers, table, proxy } of stack.interfaces)
      t.deepEqual(
        [table, proxy, watchers.length],
        [undefined, undefined, watchers.length > 0 && name === 'nea10' ? 1 : 0],
      );
  }
  t.is(await here.failover('sql01'), 'success');
  t.true((await here.ping('web01', '10.0.10.20')) >= 4);
});

// The controller and those who carry out its commands

interface Asked {
  readonly answers: Map<number, string[]>;
  readonly restore: () => void;
}

/** Counts what the controller orders and what it is told, over all labs until restored. */
function overhear(): Asked {
  const answers = new Map<number, string[]>();
  const { handle } = Controller.prototype;
  Controller.prototype.handle = function (observation, now) {
    if (observation.kind === 'done' || observation.kind === 'failed') {
      const heard = answers.get(observation.id);
      if (heard) heard.push(observation.kind);
      else answers.set(observation.id, [`unasked ${observation.kind}`]);
    }
    const decisions = handle.call(this, observation, now);
    for (const decision of decisions) if (isCommand(decision)) answers.set(decision.id, []);
    return decisions;
  };
  return { answers, restore: () => void (Controller.prototype.handle = handle) };
}

test.serial(
  'every command of the controller is answered exactly once, whenever an appliance loses its power meanwhile',
  async (t) => {
    for (const victim of ['none', 'nea10', 'sp-nea']) {
      for (let when = 0; when <= (victim === 'none' ? 0 : 100); when += 5) {
        const { answers, restore } = overhear();
        const here = await Standing.up();
        here.lab.powerOff('sql01');
        here.lab.order({
          kind: 'failover',
          vms: ['sql01'],
          restorePoint: 'latest',
          reason: '',
          planned: false,
        });
        await here.run(when);
        if (victim !== 'none' && here.lab.network.powerOf(victim) !== 'off')
          here.lab.powerOff(victim);
        const status = await here.finish();
        await here.run(120);
        await here.undo('sql01');
        await here.run(600);
        restore();
        t.true(answers.size > 0);
        for (const [id, heard] of answers)
          t.is(heard.length, 1, `${victim} at ${when}: command ${id}: ${heard}`);
        t.deepEqual(here.lab.recoveries[0]!.status.pending, []);
        t.is(here.facts('operation').filter(({ state }) => state !== 'started').length, 2);
        if (victim === 'none') t.is(status, 'success');
      }
    }
  },
);

test('an appliance that is switched off while it boots makes the operation fail at once, not after the patience of the controller', async (t) => {
  const here = await Standing.up();
  here.lab.powerOff('sql01');
  here.lab.order({
    kind: 'failover',
    vms: ['sql01'],
    restorePoint: 'latest',
    reason: '',
    planned: false,
  });
  await here.lab.until(
    after(here.lab.now, seconds(600)),
    () => here.lab.network.powerOf('sp-nea') === 'booting',
  );
  await here.run(1);
  const at = here.lab.now;
  here.lab.powerOff('sp-nea');
  t.is(await here.finish(), 'failed');
  t.is(here.lab.recoveries[0]!.finished?.because, 'OPERATION_STEP_FAILED');
  t.true(here.lab.now - at < seconds(60));
});

// Time and budget

test('time does not go back, and a limit that has been reached is reached', async (t) => {
  const here = await Standing.up();
  const { now } = here.lab;
  t.is(await here.lab.until(0 as Instant), 'reached');
  t.is(here.lab.now, now);
  t.is(await here.lab.until(now), 'reached');
  t.is(await here.lab.until(after(now, seconds(1)), () => true), 'settled');
  t.is(here.lab.now, now);
});

test('a run that uses up its budget is broken off and says so, and stays so', async (t) => {
  const log = new EventLog('decisions');
  const lab = await new SimBackend({ crypto: nodeCrypto, eventsMax: 10 }).start(
    planOf(twoNetworks()),
    log,
  );
  t.is(await lab.until(seconds(60) as number as Instant), 'budget');
  t.true(lab.now < seconds(60));
  t.is(await lab.until(seconds(60) as number as Instant), 'budget');
});

test('one seed is one story: two runs of a failover and its undo have logs equal to the byte', async (t) => {
  const run = async (): Promise<string[]> => {
    const here = await Standing.up();
    await here.failover('sql01', 'app02');
    await here.undo('sql01');
    return [...jsonLines(here.log)];
  };
  t.deepEqual(await run(), await run());
});
