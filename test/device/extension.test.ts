/** One production network on two appliances, answered for and routed. */
import test from 'ava';
import { type Instant, seconds } from '../../src/base/time.ts';
import type { IpStack } from '../../src/stack/ip-stack.ts';
import { Payload } from '../../src/stack/packet.ts';
import { anyIpv4, type Ipv4, ipv4, type Mac, showMac } from '../../src/wire/address.ts';
import { encodeArp } from '../../src/wire/arp.ts';
import { decodeIpv4 } from '../../src/wire/ipv4.ts';
import { Malformed } from '../../src/wire/malformed.ts';
import { decodeUdp } from '../../src/wire/udp.ts';
import type { SmallNet } from './small-net.ts';
import { hostOf, macOf, standing, Two } from './two-appliances.ts';

// Who answers for whom, in each of the three behaviours

for (const mode of ['relay', 'static', 'kernel'] as const) {
  test(`${mode}: both reach each other, and each believes that the other has the MAC address of its own appliance (A10)`, (t) => {
    const { two, web, sql } = standing({ mode });
    t.true(web.ping(hostOf(0, 20)) >= 3);
    t.true(sql.ping(hostOf(0, 11)) >= 3);
    t.is(web.neighbour(hostOf(0, 20)), macOf(two.tenant.stack));
    t.is(sql.neighbour(hostOf(0, 11)), macOf(two.provider, 1));
    t.deepEqual(
      two.net.drops().filter(({ reason }) => /CHECKSUM|IP_HEADER|MALFORMED|MARTIAN/.test(reason)),
      [],
    );
  });
}

test('A13: in relay and static mode each request has exactly one reply; the kernel delays its own', (t) => {
  for (const mode of ['relay', 'static', 'kernel'] as const) {
    const { two, web } = standing({ mode });
    t.deepEqual(web.arping(hostOf(0, 20)), [macOf(two.tenant.stack)], mode);
  }
});

test('A11: the tenant side answers for nobody who is not failed over, there or not', (t) => {
  for (const mode of ['relay', 'static', 'kernel'] as const) {
    const { web } = standing({ mode });
    for (const host of [12, 99, 1, 255]) t.deepEqual(web.arping(hostOf(0, host)), [], mode);
  }
});

test('A12: the provider side leaves what lives there to itself, and in relay mode what is nowhere to nobody', (t) => {
  const expected = { relay: 0, static: 1, kernel: 1 } as const;
  for (const mode of ['relay', 'static', 'kernel'] as const) {
    const { two, web, sql } = standing({ mode });
    const other = two.vm(0, 'plan', 30);
    t.deepEqual(
      other.arping(hostOf(0, 20)),
      [macOf(sql.stack)],
      `${mode}: a replica answers itself`,
    );
    t.deepEqual(sql.arping(hostOf(0, 11)), [macOf(two.provider, 1)], `${mode}: for production`);
    t.is(sql.arping(hostOf(0, 99)).length, expected[mode], `${mode}: an absent host`);
    t.is(web.ping(hostOf(0, 99)), 0);
  }
});

test('PXY-2: the kernel answers for whatever its default route leads to, the daemon stays in its subnet', (t) => {
  for (const mode of ['relay', 'static', 'kernel'] as const) {
    const { two, sql } = standing({ mode });
    t.is(sql.arping(ipv4('8.8.8.8')).length, mode === 'kernel' ? 1 : 0, mode);
    t.truthy(two);
  }
});

test('A11: the kernel of the tenant side answers for whatever its routes lead to, and sends it into the tunnel', (t) => {
  for (const scope of ['as-told', 'subnet', 'everything'] as const) {
    const { two, web } = standing({ mode: 'kernel', scope });
    const beyond = web.arping(ipv4('8.8.8.8')).length;
    t.is(web.arping(hostOf(0, 99)).length, scope === 'as-told' ? 0 : 1, scope);
    t.is(beyond, scope === 'everything' ? 1 : 0, scope);
    t.true(web.ping(hostOf(0, 20)) >= 3, 'and what it should do it does');
    web.ping(hostOf(0, 99));
    const ends = two.net.drops().filter(({ reason }) => reason === 'WG_NO_PEER');
    t.is(ends.length > 0, scope !== 'as-told', scope);
    two.stop();
    t.deepEqual(web.arping(hostOf(0, 98)), [], 'withdrawn');
  }
});

test('A14: in all this no appliance sends ARP from no address, and announces only what it stands in for', (t) => {
  for (const mode of ['relay', 'static', 'kernel', 'none'] as const) {
    const { two, web, sql } = standing({ mode });
    web.ping(hostOf(0, 20));
    sql.ping(hostOf(0, 11));
    two.stop();
    two.net.run(5);
    const own = two.net.arps().filter(({ by }) => by === 'nea0' || by === 'sp-nea');
    t.true(own.every(({ senderIp }) => senderIp !== 0));
    const told = own.filter(({ senderIp, targetIp }) => senderIp === targetIp);
    t.true(told.every(({ by, senderIp }) => by === 'nea0' && senderIp === hostOf(0, 20)));
    t.is(told.length, mode === 'relay' || mode === 'static' ? 2 : 0);
  }
});

test('takeover is announced twice, 2 s apart, to everybody; withdrawal once, naming the owner', (t) => {
  const two = new Two();
  two.start();
  two.net.run(2);
  const owner = { ip: hostOf(0, 20), mac: 0x5254_0000_0020 as Mac };
  two.adopt(0, 20);
  two.net.run(10);
  const { net } = two;
  two.tenant.extension.withdraw(new Map([[owner.ip, owner.mac]]), net.now, net.sim, -1);
  net.run(5);
  const told = net.arps().filter(({ senderIp }) => senderIp === owner.ip);
  t.deepEqual(
    told.map(({ at, by, to, operation, senderMac, targetIp }) => [
      (at - told[0]!.at) / 1e9,
      by,
      to,
      operation,
      showMac(senderMac),
      targetIp === owner.ip,
    ]),
    [
      [0, 'nea0', 'ff:ff:ff:ff:ff:ff', 'request', macOf(two.tenant.stack), true],
      [2, 'nea0', 'ff:ff:ff:ff:ff:ff', 'request', macOf(two.tenant.stack), true],
      [10, 'nea0', 'ff:ff:ff:ff:ff:ff', 'request', showMac(owner.mac), true],
    ],
  );
});

test('one of two addresses is withdrawn: its owner is announced, the other is stood in for as before', (t) => {
  const { two, web } = standing();
  two.adopt(0, 20, 21);
  two.net.run(3);
  const from = two.net.log.length;
  const owners = new Map([[hostOf(0, 21), 0x5254_0000_0021 as Mac]]);
  const { net } = two;
  two.tenant.extension.configureProxy([hostOf(0, 20)], owners, net.now, net.sim, -1);
  net.run(1);
  const told = net.arps(from).filter(({ senderIp, targetIp }) => senderIp === targetIp);
  t.deepEqual(
    told.map(({ senderIp, senderMac }) => [senderIp, senderMac]),
    [[hostOf(0, 21), 0x5254_0000_0021]],
  );
  t.deepEqual(web.arping(hostOf(0, 21)), []);
  t.deepEqual(web.arping(hostOf(0, 20)), [macOf(two.tenant.stack)]);
});

test('A15: a probe for a failed-over address finds its other owner across the tunnel in relay mode, and nobody in the others', (t) => {
  for (const mode of ['relay', 'static', 'kernel'] as const) {
    const { two, sql } = standing({ mode });
    two.vm(0, 'lan', 20, 'original');
    const from = two.net.log.length;
    const { words, start } = raw(two.net, sql.stack, (arp) => ({ ...arp, senderIp: anyIpv4 }));
    t.is(words.getInt32(start + 28), 0);
    two.net.run(2);
    const answers = two.net
      .arps(from)
      .filter(({ by, operation }) => by === 'sp-nea' && operation === 'reply');
    t.is(answers.length, mode === 'relay' ? 1 : 0, mode);
    for (const { senderIp, targetIp, targetMac } of answers)
      t.deepEqual(
        [senderIp, targetIp, targetMac],
        [hostOf(0, 20), 0, sql.stack.interfaces[0]!.mac],
      );
  }
});

/** Puts the machine's question about its own address on its cable, changed. */
function raw(
  net: SmallNet,
  from: IpStack,
  change: (arp: Parameters<typeof encodeArp>[0]) => Parameters<typeof encodeArp>[0],
) {
  const [{ ip, mac, macHigh, macLow, port }] = from.interfaces as never as [
    IpStack['interfaces'][0],
  ];
  const frame = net.sim.frames.allocate(42);
  const { words, start, memory } = frame;
  words.setUint16(start, 0xffff);
  words.setInt32(start + 2, -1);
  words.setUint16(start + 6, macHigh);
  words.setInt32(start + 8, macLow);
  words.setUint16(start + 12, 0x0806);
  const arp = {
    operation: 'request',
    senderMac: mac,
    senderIp: ip,
    targetMac: 0 as Mac,
    targetIp: ip,
  } as const;
  memory.set(encodeArp(change(arp)), start + 14);
  net.sim.send(port!, frame);
  return frame;
}

// What crosses

test('A9: neither DHCP nor broadcast nor multicast crosses the tunnel, either way', (t) => {
  const { two, web, sql } = standing();
  const { net } = two;
  t.true(web.ping(hostOf(0, 20)) >= 3, 'the control');
  const payload = new Payload(new Uint8Array(300));
  for (const { stack } of [web, sql]) {
    for (const [to, port] of [
      [ipv4('255.255.255.255'), 67],
      [hostOf(0, 255), 137],
      [ipv4('224.0.0.251'), 5353],
      [ipv4('239.1.2.3'), 67],
    ] as const) {
      const out = stack.interfaces[0]!;
      stack.addRoute(
        {
          prefix: { address: to, length: 32 },
          kind: 'unicast',
          interface: out,
          via: anyIpv4,
          metric: 0,
        },
        net.now,
        net.sim,
      );
      out.neighbours.pin(to, 0x0100_5e00_0001 as Mac, net.sim);
      stack.udp.send(to, 68, port, payload, net.now, net.sim);
    }
  }
  net.run(3);
  let crossed = 0;
  for (const event of net.log.events()) {
    if (event.kind !== 'packet') continue;
    const packet = decodeIpv4(event.bytes);
    if (packet instanceof Malformed) throw new Error('not a packet');
    crossed += 1;
    const top = packet.destination >>> 24;
    t.true(top < 224 && packet.destination !== hostOf(0, 255));
    if (packet.protocol !== 17) continue;
    const udp = decodeUdp(packet.payload, packet.source, packet.destination);
    t.true(udp instanceof Malformed || ![67, 68].includes(udp.destinationPort));
  }
  t.true(crossed > 0);
});

test('the daemon hears its other half through the tunnel alone: who speaks as it on the LAN is not believed', (t) => {
  const { two, web, sql } = standing();
  const { net } = two;
  const from = net.log.length;
  const arp = encodeArp({
    operation: 'request',
    senderMac: 0 as Mac,
    senderIp: hostOf(0, 20),
    targetMac: 0 as Mac,
    targetIp: hostOf(0, 77),
  });
  const [out] = web.stack.interfaces;
  const alias = { address: ipv4('169.254.200.1'), length: 32 };
  web.stack.addAddress(out!, alias, 'static', net.now, net.sim);
  const bytes = udpFrom(alias.address, hostOf(0, 250), arp);
  web.stack.sendTransport(alias.address, hostOf(0, 250), 17, bytes, false, net.now, net.sim);
  net.run(2);
  t.true(net.drops(from).some(({ node, reason }) => node === 'nea0' && reason === 'MARTIAN'));
  t.deepEqual(
    net.arps(from).filter(({ targetIp }) => targetIp === hostOf(0, 77)),
    [],
  );
  t.truthy(sql);
});

/** From and to the port of the daemon, without a checksum. */
function udpFrom(_source: Ipv4, _to: Ipv4, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + payload.length);
  const words = new DataView(bytes.buffer);
  words.setUint16(0, 6181);
  words.setUint16(2, 6181);
  words.setUint16(4, bytes.length);
  bytes.set(payload, 8);
  return bytes;
}

// The tunnel

test('no datagram is lost on our side: the counters of a session have no gaps, whatever is configured meanwhile', (t) => {
  const { two, web } = standing({ keepalive: seconds(5) });
  for (let host = 20; host < 25; host += 1) {
    two.adopt(0, 20, host);
    web.ping(hostOf(0, 20), 2);
  }
  const counters = new Map<string, number[]>();
  for (const event of two.net.log.events()) {
    if (event.kind !== 'frame' || event.from !== 'nea0.wan' || event.bytes[42] !== 4) continue;
    const words = new DataView(event.bytes.buffer, event.bytes.byteOffset);
    const session = String(words.getUint32(46, true));
    counters.set(session, [...(counters.get(session) ?? []), words.getUint32(50, true)]);
  }
  t.true(counters.size > 0);
  for (const seen of counters.values())
    t.deepEqual(
      seen,
      seen.map((_, i) => i),
    );
});

test('WG-16: initiations and responses leave as AF41, as those of Linux do; transport data as nothing special', (t) => {
  const { two, web } = standing({ keepalive: seconds(5) });
  web.ping(hostOf(0, 20));
  const services = new Map<number, Set<number>>();
  for (const event of two.net.log.events()) {
    if (event.kind !== 'frame' || !wanEnds.includes(event.from)) continue;
    const ip = decodeIpv4(event.bytes.subarray(14));
    if (ip instanceof Malformed || ip.protocol !== 17) continue;
    const type = event.bytes[42]!;
    services.set(type, (services.get(type) ?? new Set()).add(ip.tos));
  }
  t.deepEqual(
    [...services].sort(([a], [b]) => a - b),
    [
      [1, new Set([0x88])],
      [2, new Set([0x88])],
      [4, new Set([0])],
    ],
  );
});

test('packets that wait for the handshake keep their causes, and those that waited in vain are told with theirs', (t) => {
  const two = new Two({ mode: 'static' });
  const web = two.vm(0, 'lan', 11);
  const sql = two.vm(0, 'plan', 20);
  two.start(0, 'tenant');
  const { net } = two;
  const { extension } = two.tenant;
  extension.configureProxy([hostOf(0, 20)], new Map(), net.now, net.sim, -1);
  const asked = Array.from({ length: 130 }, (_, number) =>
    net.log.tell(net.now, 'lab', -1, { kind: 'step', number, title: '', line: 0 }),
  );
  for (const [i, cause] of asked.entries()) {
    const payload = new Payload(new Uint8Array([i]));
    web.stack.udp.send(hostOf(0, 20), 5000 + i, 7, payload, net.now, net.sim, cause);
  }
  net.run(2);
  const full = net.drops().filter(({ reason }) => reason === 'WG_NO_SESSION');
  t.deepEqual(
    full.map(({ bytes }) => portOf(bytes)),
    [5000, 5001],
    'one hundred and twenty-eight wait',
  );
  for (const drop of full) t.is(root(net, drop.cause), asked[portOf(drop.bytes) - 5000]!);
  two.start(0, 'provider');
  two.ends[0]!.configureProxy([hostOf(0, 20)], new Map(), net.now, net.sim, -1);
  net.run(8);
  const sent = [...net.log.events()].filter(
    (event) =>
      event.kind === 'frame' &&
      event.from === 'nea0.wan' &&
      event.bytes[42] === 4 &&
      event.length > 74,
  );
  t.true(sent.length >= 128);
  t.deepEqual(
    sent.slice(0, 128).map(({ cause }) => root(net, cause)),
    asked.slice(2),
  );
  t.truthy(sql);
});

const wanEnds = ['nea0.wan', 'sp-nea.eth0'];
const portOf = (bytes: Uint8Array): number => bytes[34]! * 256 + bytes[35]!;

/** The first fact up a chain of causes. */
function root(net: SmallNet, id: number): number {
  let at = id;
  while (at >= 0 && net.log.sortOf(at) !== 'fact') at = net.log.causeOf(at);
  return at;
}

test('A21: a tunnel that is started anew works as before, and nothing is left of the old one', (t) => {
  const { two, web, sql } = standing();
  const { stack } = two.tenant;
  t.true(web.ping(hostOf(0, 20)) >= 3);
  const count = [stack.interfaces.length, stack.routes.all.length, stack.udp.listeners.size];
  for (let i = 0; i < 3; i += 1) {
    two.start();
    two.net.run(3);
  }
  t.deepEqual([stack.interfaces.length, stack.routes.all.length, stack.udp.listeners.size], count);
  t.true(web.ping(hostOf(0, 20)) >= 3);
  t.true(sql.ping(hostOf(0, 11)) >= 3);
  t.is(web.neighbour(hostOf(0, 20)), macOf(stack));
});

test('A30: what is stopped leaves no routes, no entries, no tunnel and no table behind, on either side', (t) => {
  const two = new Two();
  const before = [two.tenant.stack, two.provider].map((stack) => stack.routes.all.length);
  two.start();
  two.net.run(2);
  two.adopt(0, 20, 21);
  two.net.run(3);
  two.stop();
  two.net.run(300);
  const [stack, provider] = [two.tenant.stack, two.provider];
  t.deepEqual([stack.routes.all.length, provider.routes.all.length], before);
  for (const one of [stack, provider]) {
    t.true(one.interfaces.filter(({ tunnel }) => tunnel).every(({ ip }) => ip === 0));
    t.deepEqual([...one.udp.listeners.keys()], []);
    for (const { table, proxy, watchers } of one.interfaces)
      t.deepEqual([table, proxy, watchers], [undefined, undefined, []]);
  }
  const told = two.net.facts('proxy-entry');
  t.deepEqual(
    told.filter(({ change }) => change === 'added').length,
    told.filter(({ change }) => change === 'removed').length,
  );
  t.is(two.tenant.extension.tunnel, undefined);
  t.deepEqual(two.states.at(-1), 'net0 down');
});

test('an idle tunnel without keepalive is woken by a question, and the asker gets its answer', (t) => {
  const { two, web, sql } = standing({ keepalive: 'none' });
  t.true(web.ping(hostOf(0, 20)) >= 3);
  two.net.run(600);
  t.not(two.tenant.extension.tunnel!.state, 'up');
  t.true(web.ping(hostOf(0, 20), 6) >= 3);
  t.truthy(sql);
});

// Several networks on one provider appliance

test('A19: each network has its own tunnel, on port 1195 and every second from there; what stops one does not touch the other', (t) => {
  const two = new Two({ networks: 2 });
  const vms = [0, 1].map((i) => ({ web: two.vm(i, 'lan', 11), sql: two.vm(i, 'plan', 20) }));
  for (const i of [0, 1]) {
    two.start(i);
    two.net.run(2);
    two.adopt(i, 20);
  }
  two.net.run(3);
  t.deepEqual(
    two.ends.map(({ tunnel }) => tunnel!.port),
    [1195, 1197],
  );
  for (const [i, { web, sql }] of vms.entries()) {
    t.true(web.ping(hostOf(i, 20)) >= 3);
    t.true(sql.ping(hostOf(i, 11)) >= 3);
  }
  two.stop(0);
  two.net.run(1);
  t.is(vms[0]!.web.ping(hostOf(0, 20)), 0);
  t.true(vms[1]!.web.ping(hostOf(1, 20)) >= 3);
  t.true(vms[1]!.sql.ping(hostOf(1, 11)) >= 3);
  two.start(0);
  two.net.run(2);
  two.adopt(0, 20);
  two.net.run(3);
  t.true(vms[0]!.web.ping(hostOf(0, 20)) >= 3, 'and it can be started again');
});

test('two production networks that end in one network of the provider reach their own', (t) => {
  const two = new Two({ networks: 2, shared: true });
  const vms = [0, 1].map((i) => ({ web: two.vm(i, 'lan', 11), sql: two.vm(i, 'plan', 20) }));
  for (const i of [0, 1]) {
    two.start(i);
    two.net.run(2);
    two.adopt(i, 20);
  }
  two.net.run(3);
  for (const [i, { web, sql }] of vms.entries()) {
    t.true(web.ping(hostOf(i, 20)) >= 3, `network ${i}, from production`);
    t.true(sql.ping(hostOf(i, 11)) >= 3, `network ${i}, to production`);
  }
  two.stop(0);
  t.true(vms[1]!.sql.ping(hostOf(1, 11)) >= 3);
});

test('a daemon is not started without a tunnel', (t) => {
  const two = new Two();
  t.throws(() => two.adopt(0, 20), { message: /without a tunnel/ });
});

test('the clock of a stopped pair stands: nothing more is sent for an hour', (t) => {
  const { two } = standing();
  two.stop();
  two.net.run(5);
  const from = two.net.log.length;
  two.net.run(3600);
  t.is([...two.net.log.events(from)].length, 0);
  t.true(two.net.now > (0 as Instant));
});
