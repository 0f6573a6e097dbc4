/** One production network on two appliances that are a bridge: what crosses, what does not, and what that costs. */
import test from 'ava';
import { Random } from '../../src/base/random.ts';
import { seconds } from '../../src/base/time.ts';
import { AddressKeeper } from '../../src/device/address-keeper.ts';
import { DhcpService } from '../../src/device/dhcp-service.ts';
import { IpStack } from '../../src/stack/ip-stack.ts';
import { Payload } from '../../src/stack/packet.ts';
import { linux } from '../../src/stack/profile.ts';
import { type Ipv4, ipv4, mac, showIpv4 } from '../../src/wire/address.ts';
import { decodeEthernet, encodeEthernet } from '../../src/wire/ethernet.ts';
import { decodeIpv4 } from '../../src/wire/ipv4.ts';
import { Malformed } from '../../src/wire/malformed.ts';
import { decodeUdp } from '../../src/wire/udp.ts';
import { decodeVxlan, encodeVxlan, vniFlag, vxlanPort } from '../../src/wire/vxlan.ts';
import { hostOf, macOf, standing, subnetOf, Two, type Vm } from './two-appliances.ts';

const plane = 'l2-bridge';
const everybody = mac('ff:ff:ff:ff:ff:ff');
/** A local experimental EtherType (IEEE 802-2014 section 9.2.3): no machine speaks it. */
const experimental = 0x88b5;

/** Puts a frame on the cable of a machine. */
function inject(two: Two, from: Vm, target: string, payload = 46, source?: string): void {
  const [{ port, mac: own }] = from.stack.interfaces as [IpStack['interfaces'][number]];
  const bytes = encodeEthernet({
    target: mac(target),
    source: source === undefined ? own : mac(source),
    type: experimental,
    payload: new Uint8Array(payload),
  });
  two.net.sim.send(port!, two.net.sim.frames.from(bytes));
  two.net.run(1);
}

/** How many injected frames went by on a cable of a machine since an event, whoever sent them. */
function seenBy(two: Two, machine: Vm, since: number): number {
  let seen = 0;
  for (const event of two.net.log.events(since)) {
    if (event.kind !== 'frame' && event.kind !== 'flood') continue;
    const frame = decodeEthernet(event.bytes);
    if (frame instanceof Malformed || frame.type !== experimental) continue;
    const to = event.kind === 'frame' ? [event.to] : event.to;
    if (to.includes(`${machine.stack.name}.eth0`)) seen += 1;
  }
  return seen;
}

test('both sides are one segment: each knows the other by its own MAC address, and one answers for it (A13)', (t) => {
  const { two, web, sql } = standing({ plane });
  t.deepEqual(web.arping(hostOf(0, 20)), [macOf(sql.stack)]);
  t.true(web.ping(hostOf(0, 20)) >= 3);
  t.is(web.neighbour(hostOf(0, 20)), macOf(sql.stack));
  t.is(sql.neighbour(hostOf(0, 11)), macOf(web.stack));
  const [answer] = two.net
    .facts('probe')
    .filter(({ what, protocol }) => what === 'answered' && protocol === 'ping');
  t.is(answer!.value, 64, 'no router has touched the packet');
  t.deepEqual(
    two.net.drops().filter(({ reason }) => /CHECKSUM|HEADER|MALFORMED|MARTIAN/.test(reason)),
    [],
  );
});

test('A11, A14: nobody stands in for anybody: for an address that nobody has there is no answer, and appliances announce nothing', (t) => {
  const { two, web, sql } = standing({ plane });
  t.deepEqual(web.arping(hostOf(0, 99)), []);
  t.deepEqual(sql.arping(hostOf(0, 99)), []);
  const own = two.net.arps().filter(({ by }) => by === 'nea0' || by === 'sp-nea');
  t.deepEqual(
    own.filter(({ senderIp, targetIp }) => senderIp === targetIp || senderIp === 0),
    [],
  );
  t.deepEqual(two.net.facts('proxy-entry'), []);
  t.deepEqual(two.net.facts('proxy-decision'), []);
});

test('broadcast, multicast and unknown frames cross in both directions, once, and never come back', (t) => {
  const { two, web, sql } = standing({ plane });
  const other = two.vm(0, 'lan', 12);
  for (const target of ['ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:fb', '52:54:00:00:99:99']) {
    const since = two.net.log.length;
    inject(two, web, target);
    t.deepEqual(
      [sql, other, web].map((one) => seenBy(two, one, since)),
      [1, 1, 0],
      target,
    );
    const back = two.net.log.length;
    inject(two, sql, target);
    t.deepEqual(
      [web, other, sql].map((one) => seenBy(two, one, back)),
      [1, 1, 0],
      target,
    );
  }
});

test('an appliance learns who is where: what is for its own side does not cross', (t) => {
  const { two, web, sql } = standing({ plane });
  const other = two.vm(0, 'lan', 12);
  inject(two, other, 'ff:ff:ff:ff:ff:ff');
  const learned = two.net.facts('bridge-entry').filter((fact) => fact.mac === macOf(other.stack));
  t.deepEqual(
    learned.map(({ side, change }) => [side, change]),
    [
      ['local', 'learned'],
      ['far', 'learned'],
    ],
  );
  // The switch of the LAN forgets after 300 s, and the appliance hears what it floods.
  two.lans[0]!.table.forget(() => true);
  const since = two.net.log.length;
  inject(two, web, macOf(other.stack));
  t.deepEqual(
    [other, sql].map((one) => seenBy(two, one, since)),
    [1, 0],
  );
  const carried = [...two.net.log.events(since)].filter(({ kind }) => kind === 'packet');
  t.deepEqual(carried, []);
});

test('the addresses that no bridge forwards do not cross (IEEE 802.1D-2004 table 7-10)', (t) => {
  const { two, web, sql } = standing({ plane });
  const since = two.net.log.length;
  inject(two, web, '01:80:c2:00:00:00'); // the switch before it forwards this one, as Linux does
  t.is(seenBy(two, sql, since), 0);
  inject(two, web, '01:80:c2:00:00:10');
  t.is(seenBy(two, sql, since), 1);
});

test('DHCP crosses: a replica gets the address that the server of the LAN has reserved for its MAC address', (t) => {
  for (const mode of ['l2-bridge', 'proxy-arp-l3'] as const) {
    const { two } = standing({ plane: mode });
    const server = two.vm(0, 'lan', 1);
    const address = hostOf(0, 1);
    const adapter = mac('52:54:00:00:77:77');
    new DhcpService(server.stack, server.stack.interfaces[0]!, {
      address,
      subnet: subnetOf(0),
      from: hostOf(0, 100),
      to: hostOf(0, 150),
      lease: seconds(3600),
      router: address,
      reservations: new Map([[adapter, hostOf(0, 77)]]),
    });
    const guest = new IpStack('guest', { profile: linux, random: new Random('guest') });
    two.net.plug(guest, 'eth0', undefined, { mac: '52:54:00:00:77:77', on: two.plans[0]! });
    const keeper = new AddressKeeper(guest, guest.interfaces[0]!, { kind: 'dhcp' });
    keeper.start(two.net.now, two.net.sim, -1);
    two.net.run(10);
    const got = keeper.lease === undefined ? 'none' : showIpv4(keeper.lease.ip);
    t.is(got, mode === 'l2-bridge' ? '10.0.10.77' : 'none', mode);
  }
});

test('in the tunnel a frame is in VXLAN, with a number for its network (RFC 7348 section 5)', (t) => {
  const { two, web, sql } = standing({ plane });
  const since = two.net.log.length;
  inject(two, web, macOf(sql.stack), 50);
  const [packet] = [...two.net.log.events(since)].filter((event) => event.kind === 'packet');
  const ip = decodeIpv4(packet!.bytes);
  if (ip instanceof Malformed) throw new Error('no IP packet');
  const udp = decodeUdp(ip.payload, ip.source, ip.destination);
  if (udp instanceof Malformed) throw new Error('no datagram');
  t.is(udp.destinationPort, vxlanPort);
  t.true(udp.sourcePort >= 49_152);
  const vxlan = decodeVxlan(udp.payload);
  if (vxlan instanceof Malformed) throw new Error('no VXLAN');
  t.deepEqual([vxlan.flags, vxlan.vni, vxlan.payload.length], [vniFlag, 1, 14 + 50]);
  t.is(packet!.length, 20 + 8 + 8 + 14 + 50);
});

test('what does not fit is dropped without a word: 50 bytes less than the tunnel carries are left for IP', (t) => {
  const { two, web, sql } = standing({ plane });
  const most = 1420 - 20 - 8 - 8 - 14;
  const since = two.net.log.length;
  inject(two, web, macOf(sql.stack), most);
  t.is(seenBy(two, sql, since), 1);
  inject(two, web, macOf(sql.stack), most + 1);
  t.is(seenBy(two, sql, since), 1);
  const drops = two.net.drops(since).filter(({ node }) => node === 'nea0');
  t.deepEqual(
    drops.map(({ node, reason }) => [node, reason]),
    [['nea0', 'FRAME_TOO_LONG']],
  );
  const icmp = [...two.net.log.events(since)].filter(
    (event) => event.kind === 'frame' && event.bytes[23] === 1,
  );
  t.deepEqual(icmp, []);
});

test('a MAC address on both sides moves to and fro, which is what a duplicate looks like here', (t) => {
  const { two, web, sql } = standing({ plane });
  const twin = two.vm(0, 'lan', 30);
  inject(two, sql, 'ff:ff:ff:ff:ff:ff');
  inject(two, twin, 'ff:ff:ff:ff:ff:ff', 46, macOf(sql.stack));
  inject(two, sql, 'ff:ff:ff:ff:ff:ff');
  const moved = two.net.facts('bridge-entry').filter(({ change }) => change === 'moved');
  t.deepEqual(
    moved.map(({ mac: address, side }) => [address, side]),
    [
      [macOf(sql.stack), 'local'],
      [macOf(sql.stack), 'far'],
      [macOf(sql.stack), 'local'],
      [macOf(sql.stack), 'far'],
    ],
  );
  t.truthy(web);
});

test('two networks are two bridges on one appliance of the provider, and one goes on when the other ends', (t) => {
  const two = new Two({ plane, networks: 2 });
  const [web, pc, sql, app] = [
    two.vm(0, 'lan', 11),
    two.vm(1, 'lan', 11),
    two.vm(0, 'plan', 20),
    two.vm(1, 'plan', 20),
  ];
  for (const i of [0, 1]) two.start(i);
  two.net.run(2);
  for (const i of [0, 1]) two.adopt(i, 20);
  two.net.run(1);
  const since = two.net.log.length;
  inject(two, web, 'ff:ff:ff:ff:ff:ff');
  t.deepEqual(
    [sql, app, pc].map((one) => seenBy(two, one, since)),
    [1, 0, 0],
  );
  two.stop(0);
  t.is(web.ping(hostOf(0, 20)), 0);
  t.true(pc.ping(hostOf(1, 20)) >= 3);
});

test('nothing crosses before the operation has begun here, nor after it is undone; without a tunnel TUNNEL_DOWN says so', (t) => {
  const two = new Two({ plane });
  const [web, sql] = [two.vm(0, 'lan', 11), two.vm(0, 'plan', 20)];
  two.start();
  two.net.run(2);
  t.is(web.ping(hostOf(0, 20)), 0);
  two.adopt(0, 20);
  t.true(web.ping(hostOf(0, 20)) >= 3);
  two.tenant.extension.stopTunnel(two.net.now, two.net.sim, -1);
  const since = two.net.log.length;
  inject(two, web, macOf(sql.stack));
  const drops = two.net.drops(since).map(({ node, reason }) => `${node} ${reason}`);
  t.deepEqual([...new Set(drops)], ['nea0 TUNNEL_DOWN']);
  two.start();
  two.net.run(2);
  t.true(web.ping(hostOf(0, 20)) >= 3, 'a tunnel that is started anew carries the bridge on');
  two.stop();
  t.is(web.ping(hostOf(0, 20)), 0);
  t.deepEqual(
    two.net.facts('bridge').map(({ state }) => state),
    ['on', 'on', 'off', 'off'],
  );
});

test("datagrams to the VXLAN port that are not the other appliance's end there, whatever they hold", (t) => {
  const { two, web, sql } = standing({ plane });
  const frame = encodeEthernet({
    target: everybody,
    source: mac('52:54:00:00:66:66'),
    type: experimental,
    payload: new Uint8Array(46),
  });
  const far = ipv4('169.254.200.2');
  const cases: [string, Uint8Array, Vm['stack'], Ipv4, string][] = [
    [
      'another network',
      encodeVxlan({ flags: vniFlag, vni: 9, payload: frame }),
      two.provider,
      far,
      'MARTIAN',
    ],
    ['no VNI', encodeVxlan({ flags: 0, vni: 1, payload: frame }), two.provider, far, 'MALFORMED'],
    ['too short for a header', new Uint8Array(7), two.provider, far, 'MALFORMED'],
    [
      'too short for a frame',
      encodeVxlan({ flags: vniFlag, vni: 1, payload: frame.subarray(0, 13) }),
      two.provider,
      far,
      'MALFORMED',
    ],
    [
      'from the LAN',
      encodeVxlan({ flags: vniFlag, vni: 1, payload: frame }),
      web.stack,
      hostOf(0, 250),
      'MARTIAN',
    ],
  ];
  for (const [what, bytes, from, to, reason] of cases) {
    const since = two.net.log.length;
    from.udp.send(to, 50_000, vxlanPort, new Payload(bytes), two.net.now, two.net.sim);
    two.net.run(1);
    t.deepEqual(
      two.net.drops(since).map((drop) => [drop.node, drop.reason]),
      [['nea0', reason]],
      what,
    );
    t.is(seenBy(two, web, since), 0, what);
  }
  t.truthy(sql);
});
