import test from 'ava';
import { type Instant, seconds } from '../../src/base/time.ts';
import { answersFor } from '../../src/explain/answers.ts';
import { lastHop } from '../../src/explain/descent.ts';
import { passes, roundTrip, wayOf } from '../../src/explain/hops.ts';
import { availability } from '../../src/explain/outage.ts';
import { why } from '../../src/explain/why.ts';
import { worldOf } from '../../src/explain/world.ts';
import type { Fact } from '../../src/trace/event.ts';
import { EventLog } from '../../src/trace/log.ts';
import { ipv4, showMac } from '../../src/wire/address.ts';
import { type Rig, stand, twoSites } from './rig.ts';

const sql01 = '10.0.10.20';
const web01 = '10.0.10.11';
const at = (s: number): Instant => seconds(s) as number as Instant;

async function failedOver(level: 'full' | 'decisions' = 'full', parts = {}): Promise<Rig> {
  const rig = await stand(twoSites(parts), level);
  await rig.ping('web01', sql01, 3);
  rig.lab.powerOff('sql01');
  await rig.failover();
  return rig;
}

// Hops

test('on one LAN a packet passes the switch, and its answer comes back with its own time to live', async (t) => {
  const rig = await stand(twoSites());
  const probe = await rig.ping('web01', sql01, 3);
  const [answer] = rig.answers(probe);
  const path = roundTrip(rig.log, answer!.id);
  t.deepEqual(
    path.hops.map(({ where, direction }) => `${where} ${direction}`),
    ['web01 there', 'lan10 there', 'sql01 there', 'lan10 back', 'web01 back'],
  );
  t.deepEqual(path.nodes, ['web01', 'lan10', 'sql01']);
  t.is(path.ttl, 128); // Windows begins with 128, and nothing on the way counts it down
  // The rows that decided are named, with the addresses that the machines really have.
  const macOf = (node: string): string => showMac(rig.lab.network.stack(node)!.interfaces[0]!.mac);
  t.is(
    path.hops[0]!.what,
    `10.0.10.11 > 10.0.10.20 ICMP echo request id 1 seq 1 ttl 64, after asking who has 10.0.10.20, 10.0.10.20 is at ${macOf('sql01')} since 15 s`,
  );
  t.regex(path.hops[1]!.what, new RegExp(`^switched: ${macOf('sql01')} is at sql01 since `));
  t.is(path.hops[2]!.what, `answered, 10.0.10.11 is at ${macOf('web01')} since 15 s`);
  t.is(path.hops[4]!.what, 'the answer is here, TTL 128');
  t.deepEqual([path.hops[1]!.in, path.hops[1]!.out], ['lan10.web01', 'lan10.sql01']);
  const times = path.hops.map((hop) => hop.at);
  t.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
  t.is(times[0], rig.events(probe)[0]!.at);
  t.is(times.at(-1), answer!.at);
});

test('through the tunnel every device is there, in words of what it did', async (t) => {
  const rig = await failedOver();
  const probe = await rig.ping('web01', sql01, 3);
  const path = roundTrip(rig.log, rig.answers(probe)[1]!.id);
  t.deepEqual(path.nodes, [
    'web01',
    'lan10',
    'nea-hq',
    'lan10',
    'hq.gateway',
    'internet',
    'gw1',
    'sp-net',
    'sp-nea',
    'esx-dr1',
    'sql01-replica',
  ]);
  const there = path.hops.filter(({ direction }) => direction === 'there');
  const what = new Map(there.map((hop) => [hop.where, hop.what]));
  t.is(what.get('nea-hq'), 'put into the tunnel lan10, TTL 63, for it stands in for 10.0.10.20');
  t.is(there[2]!.tunnel, 'lan10');
  t.regex(
    what.get('hq.gateway')!,
    /^routed, TTL 63, source now 198\.51\.100\.10:\d+, by 0\.0\.0\.0\/0: 100\.64\.0\.1 is at /,
  );
  t.is(what.get('gw1'), 'relayed to 198.18.0.101:1195');
  t.regex(
    what.get('sp-nea')!,
    /^taken out of the tunnel lan10, routed, TTL 62, 10\.0\.10\.20 is at /,
  );
  t.is(path.ttl, 126); // 128, less one for each of the two appliances
  const back = path.hops.filter(({ direction }) => direction === 'back');
  t.deepEqual(
    back.map(({ where }) => where),
    path.nodes.toReversed().slice(1), // the same way
  );
  t.regex(back[4]!.what, /^routed, TTL \d+, 198\.51\.100\.10 is at /);
});

test('a way passes places in their order, with others between, and tunnels are places', async (t) => {
  const rig = await failedOver();
  const probe = await rig.ping('web01', sql01, 3);
  const path = roundTrip(rig.log, rig.answers(probe)[0]!.id);
  t.true(passes(path, ['nea-hq', 'gw1', 'sp-nea']));
  t.true(passes(path, ['web01', 'tunnel.lan10', 'gw1', 'sql01-replica']));
  t.true(passes(path, ['lan10', 'nea-hq', 'lan10']));
  t.true(passes(path, []));
  t.false(passes(path, ['gw1', 'nea-hq']));
  t.false(passes(path, ['lan10', 'lan10', 'lan10']));
  t.false(passes(path, ['tunnel.lan20']));
});

test('a log without bytes knows the same devices', async (t) => {
  const [full, lean] = await Promise.all([failedOver('full'), failedOver('decisions')]);
  for (const rig of [full!, lean!]) await rig.ping('web01', sql01, 3);
  const nodes = [full!, lean!].map((rig) => {
    const [first] = rig.world.probesBetween('web01', sql01).slice(-1);
    return roundTrip(rig.log, rig.answers(first!)[1]!.id).nodes;
  });
  t.deepEqual(nodes[1], nodes[0]);
});

test('a TCP connection shows the way of its handshake', async (t) => {
  const rig = await failedOver();
  const probe = await rig.tcp('web01', sql01, 1433, 3000, 5);
  const path = roundTrip(rig.log, rig.answers(probe)[0]!.id);
  t.true(passes(path, ['web01', 'nea-hq', 'gw1', 'sp-nea', 'sql01-replica']));
  t.is(path.hops.at(-1)!.where, 'web01');
  t.is(path.ttl, undefined);
  t.is(path.hops.filter(({ where }) => where === 'sql01-replica').length, 1);
});

test('a UDP answer and an ARP answer have ways too', async (t) => {
  const rig = await stand(twoSites());
  const udp = await rig.udp('web01', sql01, 53);
  t.deepEqual(roundTrip(rig.log, rig.answers(udp)[0]!.id).nodes, ['web01', 'lan10', 'sql01']);
  const arp = await rig.arping('web01', sql01);
  const path = roundTrip(rig.log, rig.answers(arp)[0]!.id);
  t.deepEqual(path.nodes, ['web01', 'lan10', 'sql01']);
  t.regex(path.hops[0]!.what, /^ARP who has 10\.0\.10\.20/);
});

test('a packet that waited for the tunnel keeps its way, though the handshake sent it on', async (t) => {
  const rig = await failedOver('full', {
    appliance: 'nea-hq: { network: lan10, ip: 10.0.10.250, proxy_arp: static }',
    more: 'tunnel: { keepalive: none }',
  });
  // Idle for so long that the session is gone: the next packet has to wait for another.
  await rig.run(400);
  t.is(rig.world.tunnel('lan10', rig.now).find(({ node }) => node === 'nea-hq')!.state, 'down');
  const probe = await rig.ping('web01', sql01, 2.5);
  const [answer] = rig.answers(probe);
  const path = roundTrip(rig.log, answer!.id);
  t.is(answer!.sequence, 1);
  t.deepEqual(path.nodes, [
    'web01',
    'lan10',
    'nea-hq',
    'lan10',
    'hq.gateway',
    'internet',
    'gw1',
    'sp-net',
    'sp-nea',
    'esx-dr1',
    'sql01-replica',
  ]);
  t.is(
    path.hops[2]!.what,
    'put into the tunnel lan10, TTL 63, for it stands in for 10.0.10.20, when the tunnel was up',
  );
  t.is(lastHop(rig.log, path.sent).node, 'web01'); // answered
});

test('packets that waited for one tunnel together keep apart', async (t) => {
  const rig = await failedOver('full', {
    appliance: 'nea-hq: { network: lan10, ip: 10.0.10.250, proxy_arp: static }',
    more: 'tunnel: { keepalive: none }',
  });
  await rig.run(400);
  // The first starts the handshake that lets both of them go.
  const closed = await rig.udp('web01', sql01, 54, 0);
  const probe = await rig.ping('web01', sql01, 2.5);
  t.is(rig.answers(probe)[0]!.sequence, 1);
  const end = lastHop(rig.log, rig.events(closed)[0]!.id);
  t.deepEqual([end.node, end.reason], ['sql01-replica', 'PORT_CLOSED']);
  t.is(rig.log.read(lastHop(rig.log, rig.events(probe)[0]!.id).event).kind, 'probe');
});

test('word of the end that is lost on its way back is not the end', async (t) => {
  for (const level of ['full', 'decisions'] as const) {
    const rig = await stand(twoSites(), level);
    await rig.ping('web01', '10.0.10.1', 2);
    const { fabric, network } = rig.lab;
    const [toWeb] = network.switches.get('lan10')!.ports.filter(({ name }) => name === 'web01');
    fabric.impair(toWeb!, { latency: seconds(0), rate: 1e9, loss: 1 });
    const probe = await rig.ping('web01', '192.0.2.77', 2);
    const [first] = rig.events(probe);
    const end = lastHop(rig.log, first!.id);
    t.deepEqual([end.node, end.reason], ['internet', 'NO_ROUTE']);
  }
});

test('the last hop is where the packet ended, not where its ARP question did', async (t) => {
  const rig = await stand(twoSites());
  const nobody = await rig.ping('web01', '10.0.10.99', 5);
  const [first] = rig.events(nobody);
  const end = lastHop(rig.log, first!.id);
  t.is(end.node, 'web01');
  t.is(end.reason, 'ARP_UNANSWERED');
  t.is(rig.log.read(end.event).kind, 'drop');
  t.is(wayOf(rig.log, first!.id).length, 1);
  // The router cannot resolve: it is the last hop, with the ICMP error it sent not counted.
  const far = await stand(
    twoSites({ site: '' }).replace(
      'networks: { lan10: { subnet: 10.0.10.0/24, gateway: 10.0.10.1 } }',
      'networks: { lan10: { subnet: 10.0.10.0/24, gateway: 10.0.10.1 }, lan20: { subnet: 10.0.20.0/24, gateway: 10.0.20.1 } }',
    ),
  );
  const probe = await far.ping('web01', '10.0.20.9', 5);
  const beyond = lastHop(far.log, far.events(probe)[0]!.id);
  t.is(beyond.node, 'hq.gateway');
  t.is(beyond.reason, 'ARP_UNANSWERED');
  t.deepEqual(
    wayOf(far.log, far.events(probe)[0]!.id).map(({ where }) => where),
    ['web01', 'lan10', 'hq.gateway'],
  );
});

test('a packet that still waits for ARP is where it waits', async (t) => {
  const rig = await stand(twoSites());
  const probe = await rig.ping('web01', '10.0.10.99', 2);
  for (const { id, what } of rig.events(probe).slice(0, 2)) {
    t.is(what, 'sent');
    const end = lastHop(rig.log, id);
    t.is(end.node, 'web01');
    t.is(end.reason, 'ARP_UNANSWERED');
  }
});

test('a reply that is lost on its way back ends where it was lost', async (t) => {
  const rig = await stand(twoSites());
  await rig.ping('web01', sql01, 2);
  const { fabric, network } = rig.lab;
  const lan = network.switches.get('lan10')!;
  const [toWeb] = lan.ports.filter((port) => port.name === 'web01');
  fabric.impair(toWeb!, { latency: seconds(0), rate: 1e9, loss: 1 });
  const probe = await rig.ping('web01', sql01, 2);
  const [first] = rig.events(probe);
  const end = lastHop(rig.log, first!.id);
  t.deepEqual([end.node, end.reason], ['lan10', 'LINK_LOSS']);
  const way = wayOf(rig.log, first!.id);
  t.deepEqual(
    way.map(({ where, direction }) => `${where} ${direction}`),
    ['web01 there', 'lan10 there', 'sql01 there', 'lan10 back'],
  );
  t.true(way.at(-1)!.dropped);
});

// The world

test('the world knows who held what, and when', async (t) => {
  const rig = await failedOver();
  const { world } = rig;
  const holders = (when: Instant): string[] =>
    world.holders(sql01, when, 'web01').map(({ node }) => node);
  t.deepEqual(holders(at(16)), ['sql01']);
  t.true(world.isOn('sql01', at(16)));
  t.false(world.isOn('sql01', rig.now));
  t.deepEqual(
    holders(rig.now).filter((node) => world.isOn(node, rig.now)),
    ['sql01-replica'],
  );
  t.is(world.holders(sql01, at(16), 'web01')[0]!.origin, 'static');
  t.is(world.replica('sql01', at(16)), undefined);
  t.is(world.replica('sql01', rig.now), 'failover');
  t.false(world.isFailedOver('sql01', at(16)));
  t.true(world.isFailedOver('sql01', rig.now));
  t.deepEqual(world.proxyEntries('nea-hq', at(16)), []);
  t.deepEqual(world.proxyEntries('nea-hq', rig.now), [sql01]);
  t.deepEqual(
    world
      .tunnel('lan10', rig.now)
      .map(({ node, state }) => `${node} ${state}`)
      .toSorted(),
    ['nea-hq up', 'sp-nea up'],
  );
  t.is(world.machine('sql01-replica')!.vm, 'sql01');
  t.is(world.vmOf(sql01, rig.now, 'web01'), 'sql01');
  const [operation] = world.operationsUpTo(rig.now);
  t.is(operation!.state, 'success');
  t.is(world.operationsUpTo(operation!.started)[0]!.state, 'started');
  t.is(world.nodeOf('hq.gateway.lan10'), 'hq.gateway');
  t.true(world.isSwitch('lan10'));
  t.false(world.isSwitch('web01'));
  const { mac } = world.neighbour('web01', sql01, rig.now)!;
  t.deepEqual(world.ownersOf(mac), ['nea-hq']);
  await rig.undo();
  t.deepEqual(rig.world.proxyEntries('nea-hq', rig.now), []);
  t.deepEqual(rig.world.proxyEntries('nea-hq', (rig.now - seconds(60)) as Instant), [sql01]);
});

test('whoever announces an address for another does not become its owner', async (t) => {
  for (const level of ['full', 'decisions'] as const) {
    const rig = await failedOver(level, { sql01: 'ip: 10.0.10.20, os: linux' });
    await rig.ping('web01', sql01, 10);
    const { network } = rig.lab;
    const { mac } = network.guest('sql01')!.adapter;
    network.tunnels.withdrawProxy('nea-hq', 'lan10', new Map([[ipv4(sql01), mac]]), -1);
    await rig.run(1);
    const entry = rig.world.neighbour('web01', sql01, rig.now)!;
    t.is(entry.mac, showMac(mac)); // nea-hq said so, as its last word
    // The replica has the same one (VMware keeps it); the appliance does not.
    t.deepEqual(rig.world.ownersOf(entry.mac), ['sql01', 'sql01-replica']);
  }
});

test('an appliance stands for an address until it is taken from it', async (t) => {
  const rig = await failedOver();
  t.true(rig.world.standsFor('nea-hq', sql01, rig.now));
  t.false(rig.world.standsFor('sp-nea', sql01, rig.now)); // that one is on its own side
  t.true(rig.world.standsFor('sp-nea', web01, rig.now));
  t.false(rig.world.standsFor('sql01', sql01, rig.now)); // switched off
  t.true(rig.world.standsFor('sql01-replica', sql01, rig.now));
  t.false(rig.world.standsFor('web01', sql01, rig.now));
  rig.lab.network.tunnels.withdrawProxy('nea-hq', 'lan10', new Map(), -1);
  await rig.run(1);
  t.false(rig.world.standsFor('nea-hq', sql01, rig.now));
});

test('a machine that was switched off and on again remembers nothing', async (t) => {
  const rig = await stand(twoSites({ sql01: 'ip: 10.0.10.20, os: windows' }));
  await rig.ping('sql01', web01, 2);
  t.not(rig.world.neighbour('sql01', web01, rig.now), undefined);
  rig.lab.powerOff('sql01');
  await rig.run(1);
  rig.lab.powerOn('sql01');
  await rig.run(1);
  t.is(rig.world.neighbour('sql01', web01, rig.now), undefined);
  t.deepEqual(rig.world.holders(sql01, rig.now, 'web01'), []);
  t.false(rig.world.isOn('sql01', rig.now));
});

test('the world of a log grows with it, and is the same as one read in one go', async (t) => {
  const rig = await stand(twoSites(), 'full', 1);
  const first = worldOf(rig.log);
  for (let i = 0; i < 40; i += 1) {
    await rig.run(1);
    worldOf(rig.log);
  }
  rig.lab.powerOff('sql01');
  await rig.failover();
  const probe = await rig.ping('web01', sql01, 3);
  t.is(worldOf(rig.log), first);
  const whole = await stand(twoSites(), 'full', 41);
  whole.lab.powerOff('sql01');
  await whole.failover();
  await whole.ping('web01', sql01, 3);
  t.is(whole.log.length, rig.log.length);
  const show = (one: Rig): unknown => [
    one.world.holders(sql01, one.now, 'web01'),
    one.world.proxyEntries('nea-hq', one.now),
    one.world.tunnel('lan10', one.now),
    one.world.neighbour('web01', sql01, one.now),
    roundTrip(one.log, one.answers(probe)[0]!.id),
  ];
  t.deepEqual(show(whole), show(rig));
});

// ARP

test('who answered is known with the machine behind the MAC address, and only within the window', async (t) => {
  for (const level of ['full', 'decisions'] as const) {
    const rig = await failedOver(level);
    await rig.run(5);
    const from = rig.now;
    const arping = await rig.arping('web01', sql01);
    const [said] = rig.answers(arping);
    t.deepEqual(
      answersFor(rig.log, 'web01', sql01, from, rig.now).map(({ mac, node, at }) => ({
        mac,
        node,
        at,
      })),
      [{ mac: said!.mac!, node: 'nea-hq', at: said!.at }],
    );
    t.deepEqual(
      answersFor(rig.log, 'web01', sql01, (rig.now + 1) as Instant, (rig.now + 2) as Instant),
      [],
    );
    const when = said!.at;
    for (const [from, to] of [
      [0, when - 1],
      [when + 1, rig.now],
    ] as const)
      t.deepEqual(
        answersFor(rig.log, 'web01', sql01, from as Instant, to as Instant).filter(
          (one) => one.at === when,
        ),
        [],
      );
    t.deepEqual(answersFor(rig.log, 'sql01-replica', sql01, from, rig.now), []);
    t.deepEqual(answersFor(rig.log, 'web01', '10.0.10.77', from, rig.now), []);
  }
});

// Outages

function pings(sent: readonly number[], answered: ReadonlyMap<number, number>): EventLog {
  const log = new EventLog('full');
  const lines: [number, Fact][] = [];
  const common = { kind: 'probe', probe: 1, protocol: 'ping', to: sql01 } as const;
  sent.forEach((when, i) => {
    lines.push([when, { ...common, what: 'sent', sequence: i + 1 }]);
  });
  for (const [sequence, when] of answered)
    lines.push([when, { ...common, what: 'answered', sequence }]);
  lines.sort(([a], [b]) => a - b);
  for (const [when, fact] of lines) log.tell(at(when), 'web01', -1, fact);
  return log;
}

test('an outage lasts from the last answer before it to the first after it', (t) => {
  const log = pings(
    [0, 1, 2, 3, 4, 5, 6, 7],
    new Map([
      [1, 0.1],
      [2, 1.1],
      [5, 4.2],
      [6, 5.1],
      [8, 7.1],
    ]),
  );
  const { sent, answered, outages, longest } = availability(log, 1);
  t.is(sent, 8);
  t.is(answered, 5);
  t.deepEqual(outages, [
    { lostAt: at(1.1), restoredAt: at(4.2), length: seconds(3.1), lost: 2 },
    { lostAt: at(5.1), restoredAt: at(7.1), length: seconds(2), lost: 1 },
  ]);
  t.deepEqual(longest, outages[0]);
});

test('an outage may begin before the first answer and not end by the last question', (t) => {
  const log = pings([0, 1, 2, 3, 4], new Map([[3, 2.1]]));
  const { outages } = availability(log, 1, at(0), at(10));
  t.deepEqual(outages, [
    { lostAt: at(0), restoredAt: at(2.1), length: seconds(2.1), lost: 2 },
    { lostAt: at(2.1), length: seconds(7.9), lost: 2 },
  ]);
  t.deepEqual(
    availability(
      pings(
        [0, 1],
        new Map([
          [1, 0.1],
          [2, 1.1],
        ]),
      ),
      1,
    ).outages,
    [],
  );
  t.deepEqual(availability(log, 7), { sent: 0, answered: 0, outages: [] });
});

test('only what was asked within the window counts', (t) => {
  const log = pings(
    [0, 1, 2, 3, 4],
    new Map([
      [1, 0.1],
      [4, 3.1],
      [5, 4.1],
    ]),
  );
  t.deepEqual(availability(log, 1, at(3)), { sent: 2, answered: 2, outages: [] });
  // What is answered after the end of the window was not answered by then.
  t.is(availability(log, 1, at(0), at(2.5)).longest!.restoredAt, undefined);
});

test('answers that overtake each other, or come twice, make no outage', (t) => {
  const log = pings(
    [0, 1, 2],
    new Map([
      [1, 2.5],
      [2, 1.1],
      [3, 2.1],
    ]),
  );
  t.deepEqual(availability(log, 1).outages, []);
});

test('an outage does not end before it began, whatever overtakes what', (t) => {
  const log = pings(
    [0, 1, 2],
    new Map([
      [1, 5],
      [3, 2.1],
    ]),
  );
  t.deepEqual(availability(log, 1, at(0), at(10)).outages, [
    { lostAt: at(5), restoredAt: at(5), length: seconds(0), lost: 1 },
  ]);
});

test('the outage of a failover in the lab is that of its pings', async (t) => {
  const rig = await stand(twoSites());
  const { probes } = rig.lab.network.guest('web01')!;
  probes.ping(
    { probe: 900, to: ipv4(sql01), size: 56, every: seconds(0.5) },
    rig.now,
    rig.lab.fabric,
  );
  await rig.run(5);
  const lost = rig.now;
  rig.lab.powerOff('sql01');
  await rig.failover();
  const { longest, outages } = availability(rig.log, 900);
  t.is(outages.length, 1);
  t.true(longest!.lostAt <= lost && longest!.lostAt > lost - seconds(0.6));
  const answers = rig.answers(900).map((answer) => answer.at);
  t.true(answers.includes(longest!.restoredAt!));
  t.false(answers.some((when) => when > longest!.lostAt && when < longest!.restoredAt!));
});

// Speed

test('a log of a million events is read once, and then every question touches only what it is about', async (t) => {
  const rig = await failedOver();
  const { probes } = rig.lab.network.guest('web01')!;
  probes.ping(
    { probe: 900, to: ipv4(sql01), size: 56, every: seconds(0.0005) },
    rig.now,
    rig.lab.fabric,
  );
  while (rig.log.length < 1_000_000) await rig.run(1);
  probes.stopPing(900);
  await rig.run(1);
  rig.lab.powerOff('sp-nea');
  const probe = await rig.ping('web01', sql01, 15);
  const answered = rig.answers(900);
  const begun = performance.now();
  const question = { probe, from: 'web01', to: sql01, at: rig.now };
  t.is(why(rig.log, question)?.code, 'POWERED_OFF');
  const once = performance.now() - begun;
  const again = performance.now();
  const rounds = 50;
  for (let i = 0; i < rounds; i += 1) {
    why(rig.log, question);
    roundTrip(rig.log, answered[i * 100]!.id);
    lastHop(rig.log, rig.events(probe)[0]!.id);
  }
  const each = (performance.now() - again) / rounds;
  t.log(
    `${rig.log.length} events: first question ${once.toFixed(0)} ms, then ${each.toFixed(2)} ms`,
  );
  t.true(each < Math.max(20, once / 10), `${each} ms each, ${once} ms once`);
});
