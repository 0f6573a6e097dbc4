/** A guest and what it does by itself: gets and keeps an address, offers services, is asked to probe. */
import test from 'ava';
import { Random } from '../../src/base/random.ts';
import { type Instant, seconds } from '../../src/base/time.ts';
import { AddressKeeper, type AddressPlan } from '../../src/device/address-keeper.ts';
import { DhcpService } from '../../src/device/dhcp-service.ts';
import { Guest } from '../../src/device/guest.ts';
import { Probes, udpEcho } from '../../src/device/probes.ts';
import { Switch } from '../../src/device/switch.ts';
import { TcpPart } from '../../src/device/tcp-part.ts';
import { gigabit } from '../../src/sim/link.ts';
import type { DhcpServerConfig } from '../../src/stack/dhcp-server.ts';
import type { IpStack } from '../../src/stack/ip-stack.ts';
import { Payload } from '../../src/stack/packet.ts';
import { linux, type Profile, profiles, strict, windows } from '../../src/stack/profile.ts';
import {
  anyIpv4,
  type Ipv4,
  ipv4,
  isLinkLocalIpv4,
  type Mac,
  mac,
  prefix,
  showIpv4,
} from '../../src/wire/address.ts';
import { encodeIcmp } from '../../src/wire/icmp.ts';
import { encodeTcp } from '../../src/wire/tcp.ts';
import { networkAt, SmallNet } from './small-net.ts';

const gateway = ipv4('10.0.10.1');
const staticPlan: AddressPlan = {
  kind: 'static',
  prefix: networkAt('10.0.10.20/24'),
  gateway,
};

interface Host {
  readonly stack: IpStack;
  readonly keeper: AddressKeeper;
}

function host(net: SmallNet, name: string, profile: Profile, plan: AddressPlan): Host {
  const stack = net.machine(name, undefined, { profile });
  const keeper = new AddressKeeper(stack, stack.interfaces[0]!, plan);
  keeper.start(net.now, net.sim, -1);
  return { stack, keeper };
}

function dhcp(net: SmallNet, more: Partial<DhcpServerConfig> = {}): IpStack {
  const stack = net.machine('dhcp', '10.0.10.1/24');
  const config = {
    address: gateway,
    subnet: prefix('10.0.10.0/24'),
    from: ipv4('10.0.10.100'),
    to: ipv4('10.0.10.109'),
    router: gateway,
    lease: seconds(600),
    ...more,
  };
  new DhcpService(stack, stack.interfaces[0]!, config);
  return stack;
}

const addressesOf = ({ stack }: Host): string[] =>
  stack.interfaces[0]!.addresses.map(({ address }) => showIpv4(address));
const hasDefault = ({ stack }: Host): boolean => stack.routes.find(ipv4('8.8.8.8')) !== undefined;
const toldOf = (net: SmallNet, node: string) =>
  [...net.log.facts(['address'])]
    .filter((fact) => fact.node === node)
    .map(({ change, ip, origin }) => `${change} ${ip} ${origin}`);
const leasesOf = (net: SmallNet, role: 'client' | 'server'): string[] =>
  net.facts('lease').flatMap((fact) => (fact.role === role ? [fact.state] : []));

// Static addresses

test('a static address on Linux is there at once and without a word (ACD-5)', (t) => {
  const net = new SmallNet();
  const here = host(net, 'a', linux, staticPlan);
  t.deepEqual(addressesOf(here), ['10.0.10.20']);
  t.true(hasDefault(here));
  net.run(10);
  t.deepEqual(net.arps(), []);
  t.deepEqual(toldOf(net, 'a'), ['added 10.0.10.20 static']);
});

test('a static address on Windows is probed three times, taken after 4 to 7 s and announced twice (ACD-1, ACD-3)', (t) => {
  const net = new SmallNet();
  const here = host(net, 'a', windows, staticPlan);
  net.run(3.9);
  t.deepEqual(addressesOf(here), []);
  net.run(3.2);
  t.deepEqual(addressesOf(here), ['10.0.10.20']);
  t.true(hasDefault(here));
  net.run(10);
  t.deepEqual(
    net.arps().map(({ senderIp }) => showIpv4(senderIp)),
    ['0.0.0.0', '0.0.0.0', '0.0.0.0', '10.0.10.20', '10.0.10.20'],
  );
  t.deepEqual(toldOf(net, 'a'), ['tentative 10.0.10.20 static', 'added 10.0.10.20 static']);
});

test('A15: Windows finds its address in use, does not take it, and falls back to a link-local one', (t) => {
  const net = new SmallNet();
  const owner = net.machine('owner', '10.0.10.20/24');
  const here = host(net, 'a', windows, staticPlan);
  net.run(30);
  t.is(addressesOf(here).length, 1);
  t.true(isLinkLocalIpv4(here.stack.interfaces[0]!.ip));
  t.false(hasDefault(here));
  const conflict = net.facts('address').find(({ change }) => change === 'conflict');
  t.like(conflict, { ip: '10.0.10.20', mac: '52:54:00:00:00:01', origin: 'static' });
  t.truthy(owner);
});

test('the strict host in conflict has no address at all', (t) => {
  const net = new SmallNet();
  net.machine('owner', '10.0.10.20/24');
  const here = host(net, 'a', strict, staticPlan);
  net.run(60);
  t.deepEqual(addressesOf(here), []);
  t.deepEqual(toldOf(net, 'a'), ['tentative 10.0.10.20 static', 'conflict 10.0.10.20 static']);
});

test('ACD-4: Windows defends its address once and gives it up when it is claimed again within 10 s', (t) => {
  const net = new SmallNet();
  const here = host(net, 'a', windows, staticPlan);
  const other = net.machine('b', '10.0.10.30/24');
  net.run(20);
  const claim = (): void => {
    // Another machine with the same address asks for something: that is claim enough.
    other.addAddress(other.interfaces[0]!, networkAt('10.0.10.20/24'), 'static', net.now, net.sim);
    announce(net, other, ipv4('10.0.10.20'));
    net.run(1);
  };
  claim();
  t.deepEqual(addressesOf(here), ['10.0.10.20']);
  claim();
  t.false(addressesOf(here).includes('10.0.10.20'));
  net.run(30);
  t.true(isLinkLocalIpv4(here.stack.interfaces[0]!.ip));
  t.deepEqual(toldOf(net, 'a').slice(2, 5), [
    'defended 10.0.10.20 static',
    'conflict 10.0.10.20 static',
    'removed 10.0.10.20 static',
  ]);
  t.false(hasDefault(here));
});

function announce(net: SmallNet, from: IpStack, ip: Ipv4): void {
  const frame = net.sim.frames.allocate(42);
  const { words, start } = frame;
  const { macHigh, macLow, port } = from.interfaces[0]!;
  words.setUint16(start, 0xffff);
  words.setInt32(start + 2, -1);
  for (const at of [6, 22]) {
    words.setUint16(start + at, macHigh);
    words.setInt32(start + at + 2, macLow);
  }
  words.setUint16(start + 12, 0x0806);
  words.setInt32(start + 14, 0x0001_0800);
  words.setInt32(start + 18, 0x0604_0001);
  words.setInt32(start + 28, ip);
  words.setUint16(start + 32, 0);
  words.setInt32(start + 34, 0);
  words.setInt32(start + 38, ip);
  net.sim.send(port!, frame);
}

// DHCP, from end to end

for (const profile of [linux, windows, strict]) {
  test(`${profile.name}: an address comes by DHCP with its router, is renewed at half its time, and is the same after it`, (t) => {
    const net = new SmallNet();
    dhcp(net);
    const here = host(net, 'a', profile, { kind: 'dhcp' });
    net.run(30);
    const [ip] = addressesOf(here);
    t.regex(ip!, /^10\.0\.10\.10\d$/);
    t.true(hasDefault(here));
    t.false(here.stack.interfaces[0]!.awaitsAddress);
    net.run(900);
    t.deepEqual(addressesOf(here), [ip]);
    t.deepEqual(
      net.facts('address').filter(({ change }) => change === 'removed'),
      [],
    );
    t.true(leasesOf(net, 'client').filter((state) => state === 'renewing').length >= 2);
    t.true(leasesOf(net, 'server').filter((state) => state === 'renewed').length >= 2);
    t.is(leasesOf(net, 'server').filter((state) => state === 'leased').length, 1);
    t.deepEqual(
      net.drops().filter(({ reason }) => /CHECKSUM|MALFORMED|MARTIAN/.test(reason)),
      [],
    );
  });
}

test('DHCP-2: a lease that cannot be renewed ends: the address and its route go, and the client looks for another', (t) => {
  const net = new SmallNet();
  const server = dhcp(net);
  const here = host(net, 'a', linux, { kind: 'dhcp' });
  net.run(5);
  server.running = false;
  net.run(594);
  t.is(addressesOf(here).length, 1);
  net.run(10);
  t.deepEqual(addressesOf(here), []);
  t.false(hasDefault(here));
  t.true(here.stack.interfaces[0]!.awaitsAddress);
  t.true(leasesOf(net, 'client').includes('expired'));
  server.running = true;
  net.run(60);
  t.is(addressesOf(here).length, 1);
});

test('DHCP-5: an address that somebody uses without asking is declined, and another one taken', (t) => {
  const net = new SmallNet();
  dhcp(net);
  net.machine('squatter', '10.0.10.100/24');
  const here = host(net, 'a', windows, { kind: 'dhcp' });
  net.run(60);
  t.deepEqual(addressesOf(here).length, 1);
  t.regex(addressesOf(here)[0]!, /^10\.0\.10\.10[1-9]$/);
  t.true(leasesOf(net, 'server').includes('declined'));
  t.like(
    net.facts('address').find(({ change }) => change === 'conflict'),
    { ip: '10.0.10.100', origin: 'dhcp' },
  );
});

test('a server that pings first does not offer an address that is in use', (t) => {
  const net = new SmallNet();
  dhcp(net, { pingCheck: true });
  net.machine('squatter', '10.0.10.100/24');
  const here = host(net, 'a', linux, { kind: 'dhcp' });
  net.run(60);
  t.regex(addressesOf(here)[0]!, /^10\.0\.10\.10[1-9]$/);
  t.true(leasesOf(net, 'server').includes('leased'));
});

test('a server without an address left says so', (t) => {
  const net = new SmallNet();
  dhcp(net, { to: ipv4('10.0.10.100') });
  const hosts = [0, 1].map((i) => host(net, `h${i}`, linux, { kind: 'dhcp' }));
  net.run(20);
  t.is(hosts.filter((one) => addressesOf(one).length === 1).length, 1);
  const refused = net.facts('lease').find(({ state }) => state === 'exhausted');
  t.is(refused?.because, 'DHCP_POOL_EXHAUSTED');
});

test('DHCP-9: without a server Linux has no address and Windows a link-local one, which goes when a server comes', (t) => {
  const net = new SmallNet();
  const tux = host(net, 'tux', linux, { kind: 'dhcp' });
  const win = host(net, 'win', windows, { kind: 'dhcp' });
  net.run(30);
  t.deepEqual(addressesOf(tux), []);
  t.true(isLinkLocalIpv4(win.stack.interfaces[0]!.ip));
  t.true(win.stack.interfaces[0]!.awaitsAddress);
  dhcp(net);
  net.run(400);
  for (const one of [tux, win]) {
    t.is(addressesOf(one).length, 1);
    t.regex(addressesOf(one)[0]!, /^10\.0\.10\.10\d$/);
  }
});

const remembered = (until: number) => ({
  ip: ipv4('10.0.10.105'),
  length: 24,
  router: gateway,
  server: gateway,
  renewAt: seconds(until / 2) as number as Instant,
  rebindAt: seconds(until * 0.875) as number as Instant,
  expiresAt: seconds(until) as number as Instant,
});

test('a lease that is remembered and in force is asked for again, kept where nobody answers, and refused by a foreign server', (t) => {
  const kept = new SmallNet();
  const alone = host(kept, 'a', linux, { kind: 'dhcp', remembered: remembered(3600) });
  kept.run(30);
  t.deepEqual(addressesOf(alone), ['10.0.10.105']);
  t.true(hasDefault(alone));

  const home = new SmallNet();
  dhcp(home);
  const asked = host(home, 'a', linux, { kind: 'dhcp', remembered: remembered(3600) });
  home.run(30);
  t.is(addressesOf(asked).length, 1);

  const abroad = new SmallNet();
  const foreign = abroad.machine('foreign', '192.168.77.1/24');
  new DhcpService(foreign, foreign.interfaces[0]!, {
    address: ipv4('192.168.77.1'),
    subnet: prefix('192.168.77.0/24'),
    from: ipv4('192.168.77.100'),
    to: ipv4('192.168.77.110'),
    router: undefined,
    lease: seconds(600),
  });
  const moved = host(abroad, 'a', linux, { kind: 'dhcp', remembered: remembered(3600) });
  abroad.run(30);
  t.deepEqual(addressesOf(moved), ['192.168.77.100']);
});

test('a lease that is remembered and over is worth nothing', (t) => {
  const net = new SmallNet();
  const here = host(net, 'a', linux, { kind: 'dhcp', remembered: remembered(0) });
  net.run(30);
  t.deepEqual(addressesOf(here), []);
  t.deepEqual(leasesOf(net, 'client')[0], 'init');
});

test('what comes to port 68 of another adapter is not the DHCP server of this one', (t) => {
  const net = new SmallNet();
  const side = new Switch('side', 0);
  const stack = net.machine('a', undefined);
  net.plug(stack, 'eth1', '10.9.0.1/24', { on: side });
  const keeper = new AddressKeeper(stack, stack.interfaces[0]!, { kind: 'dhcp' });
  keeper.start(net.now, net.sim, -1);
  const liar = net.machine('liar', '10.9.0.2/24', { on: side });
  liar.udp.send(ipv4('10.9.0.1'), 67, 68, new Payload(new Uint8Array(300)), net.now, net.sim);
  net.run(1);
  t.true(net.drops().some(({ node, reason }) => node === 'a' && reason === 'PORT_CLOSED'));
});

test('once it has its address, a forwarding client passes on what is for port 68 of others', (t) => {
  const net = new SmallNet();
  dhcp(net);
  const side = new Switch('side', 0);
  const router = net.machine('router', undefined, { forwarding: true });
  net.plug(router, 'eth1', '10.9.0.1/24', { on: side });
  new AddressKeeper(router, router.interfaces[0]!, { kind: 'dhcp' }).start(net.now, net.sim, -1);
  net.run(5);
  const behind = net.machine('behind', '10.9.0.2/24', { on: side });
  let heard = 0;
  behind.udp.listeners.set(68, { datagram: () => void (heard += 1) });
  const pc = net.machine('pc', '10.0.10.30/24');
  const via = router.interfaces[0]!.ip;
  const all = { address: anyIpv4, length: 0 };
  pc.addRoute(
    { prefix: all, kind: 'unicast', interface: pc.interfaces[0]!, via, metric: 0 },
    net.now,
    net.sim,
  );
  pc.udp.send(ipv4('10.9.0.2'), 5000, 68, new Payload(new Uint8Array(9)), net.now, net.sim);
  net.run(1);
  t.is(heard, 1);
});

// Probes

function pair(profile: Profile = linux) {
  const net = new SmallNet();
  const a = net.machine('a', '10.0.10.11/24', { profile });
  const b = net.machine('b', '10.0.10.20/24', { profile });
  const probes = new Probes(a, new TcpPart(a));
  const tcp = new TcpPart(b);
  tcp.listen(443, { kind: 'echo' }, net.now);
  udpEcho(b, 7);
  const told = (probe: number) => net.facts('probe').filter((fact) => fact.probe === probe);
  const ends = (probe: number): string[] =>
    told(probe).flatMap(({ what, because }) =>
      what === 'sent' ? [] : [because ? `${what} ${because}` : what],
    );
  return { net, a, b, probes, tcp, told, ends, to: ipv4('10.0.10.20') };
}

test('ping: the first request leaves at once, one more every interval, each answer says its time to live, and stopping stops', (t) => {
  const { net, a, probes, told, to } = pair();
  probes.ping({ probe: 1, to, size: 100, every: seconds(2) }, net.now, net.sim);
  net.run(5);
  probes.stopPing(1);
  probes.stopPing(1);
  net.run(10);
  t.deepEqual(
    told(1).map(({ what, sequence, value }) => [what, sequence, value]),
    [
      ['sent', 1, undefined],
      ['answered', 1, 64],
      ['sent', 2, undefined],
      ['answered', 2, 64],
      ['sent', 3, undefined],
      ['answered', 3, 64],
    ],
  );
  t.is(a.icmp.listeners.size, 0);
});

test('ping: no address, no route and no answer to ARP are errors with their reasons', (t) => {
  const { net, a, probes, ends } = pair();
  const order = { size: 1, every: seconds(30) };
  probes.ping({ ...order, probe: 1, to: ipv4('10.0.10.99') }, net.now, net.sim);
  probes.ping({ ...order, probe: 2, to: ipv4('10.0.99.1') }, net.now, net.sim);
  net.run(4);
  t.deepEqual(ends(1), ['error ARP_UNANSWERED']);
  t.deepEqual(ends(2), ['error NO_ROUTE']);
  a.removeAddress(a.interfaces[0]!, ipv4('10.0.10.11'), net.now, net.sim);
  probes.ping({ ...order, probe: 3, to: ipv4('10.0.10.20') }, net.now, net.sim);
  t.deepEqual(ends(3), ['error NO_ADDRESS']);
});

test('arping: everybody who answers is told with his MAC address, also with a warm cache, and watching ends with the last of them', (t) => {
  const { net, a, b, probes, told, to } = pair();
  const [on] = a.interfaces;
  t.true(on!.quiet);
  net.machine('twin', '10.0.10.20/24', { mac: '52:54:00:00:00:77' });
  probes.arping(1, on!, to, net.now, net.sim);
  probes.arping(2, on!, to, net.now, net.sim);
  net.run(2);
  for (const probe of [1, 2])
    t.deepEqual(
      new Set(told(probe).flatMap(({ mac: who }) => who ?? [])),
      new Set(['52:54:00:00:00:02', '52:54:00:00:00:77']),
    );
  probes.stopArping(1);
  t.false(on!.quiet);
  probes.stopArping(2);
  probes.stopArping(2);
  t.true(on!.quiet);
  t.truthy(b);
});

test('A14: arping without an address of one’s own is an error, not a probe', (t) => {
  const { net, a, probes, ends, to } = pair();
  a.removeAddress(a.interfaces[0]!, ipv4('10.0.10.11'), net.now, net.sim);
  probes.arping(1, a.interfaces[0]!, to, net.now, net.sim);
  net.run(2);
  t.deepEqual(ends(1), ['error NO_ADDRESS']);
  t.deepEqual(net.arps(), []);
});

test('UDP: answered, refused, in vain: each probe ends once and leaves no port open', (t) => {
  const { net, a, b, probes, ends, to } = pair();
  const before = a.udp.listeners.size;
  b.udp.listeners.set(9, { datagram: () => {} });
  probes.udp(1, to, 7, net.now, net.sim);
  probes.udp(2, to, 8, net.now, net.sim);
  probes.udp(3, to, 9, net.now, net.sim);
  probes.udp(3 + 20_000, to, 7, net.now, net.sim); // whose port would be that of 3
  probes.udp(4, ipv4('10.0.99.1'), 7, net.now, net.sim);
  net.run(10);
  t.deepEqual(ends(1), ['answered']);
  t.deepEqual(ends(2), ['refused PORT_CLOSED']);
  t.deepEqual(ends(3), ['timeout']);
  t.deepEqual(ends(3 + 20_000), ['answered']);
  t.deepEqual(ends(4), ['error NO_ROUTE']);
  t.is(a.udp.listeners.size, before);
});

test('UDP: an answer after the end of patience, or from another port, is nobody’s', (t) => {
  const { net, b, probes, ends, to } = pair();
  let answer = (): void => {};
  b.udp.listeners.set(9, {
    datagram: ({ source, sourcePort }) => {
      const back = (from: number): void =>
        void b.udp.send(
          source as Ipv4,
          from,
          sourcePort,
          new Payload(new Uint8Array(1)),
          net.now,
          net.sim,
        );
      back(10);
      answer = () => back(9);
    },
  });
  probes.udp(1, to, 9, net.now, net.sim);
  net.run(2);
  answer();
  net.run(2);
  t.deepEqual(ends(1), ['timeout']);
});

test('TCP: answered with all bytes, refused, timed out, and without a route', (t) => {
  const { net, a, b, probes, told, ends, to } = pair();
  probes.connect(1, to, 443, 20_000, 20_000, net.now, net.sim);
  probes.connect(2, to, 80, 1, 1, net.now, net.sim);
  probes.connect(3, ipv4('10.0.99.1'), 80, 1, 1, net.now, net.sim);
  net.run(5);
  t.like(told(1).at(-1), { what: 'answered', value: 40_000 });
  t.deepEqual(ends(2), ['refused TCP_REFUSED']);
  t.deepEqual(ends(3), ['error NO_ROUTE']);
  b.running = false;
  probes.connect(4, to, 443, 1, 1, net.now, net.sim);
  net.run(300);
  t.is(ends(4).length, 1);
  t.regex(ends(4)[0]!, /^timeout/);
  t.truthy(a);
});

// What TCP tells the layers below

test('NUD-3: segments that only come keep no neighbour alive; what is acknowledged does', (t) => {
  const { net, a, b, probes, to } = pair();
  probes.connect(1, to, 443, 10, 10, net.now, net.sim);
  net.run(1);
  const entry = b.interfaces[0]!.neighbours.find(ipv4('10.0.10.11'))!;
  t.is(b.interfaces[0]!.neighbours.stateOf(entry, net.now), 'reachable');
  net.run(60);
  t.is(b.interfaces[0]!.neighbours.stateOf(entry, net.now), 'stale');
  // Somebody who only sends: a question for a connection, again and again, deaf to the answers.
  const syn = encodeTcp(
    {
      sourcePort: 1,
      destinationPort: 443,
      sequence: 7 as never,
      acknowledgment: 0 as never,
      flags: 2,
      window: 9,
      urgent: 0,
      options: [],
      payload: new Uint8Array(0),
    },
    ipv4('10.0.10.11'),
    to,
  );
  a.interfaces[0]!.neighbours.pin(to, 0x5254_0000_0002 as Mac, net.sim);
  a.sendTransport(ipv4('10.0.10.11'), to, 6, syn, false, net.now, net.sim);
  a.running = false;
  net.run(0.5);
  t.not(b.interfaces[0]!.neighbours.stateOf(entry, net.now), 'reachable');
});

test('PMTU-2: “fragmentation needed” about a connection that is not ours changes nothing', (t) => {
  const { net, a, b, probes, to } = pair();
  probes.connect(1, to, 443, 10, 10, net.now, net.sim);
  net.run(1);
  const from = ipv4('10.0.10.20');
  const quote = new Uint8Array(40);
  quote.set([0x45, 0, 5, 0xdc, 0, 1, 0x40, 0, 64, 6]);
  const words = new DataView(quote.buffer);
  words.setInt32(12, ipv4('10.0.10.11'));
  words.setInt32(16, to);
  words.setUint16(20, 33_333);
  words.setUint16(22, 443);
  const message = encodeIcmp({ kind: 'unreachable', code: 4, mtu: 576, quote });
  b.sendTransport(from, ipv4('10.0.10.11'), 1, message, false, net.now, net.sim);
  net.run(1);
  t.is(a.pathMtu(to, net.now), 1500);
  t.true(net.drops().some(({ node, reason }) => node === 'a' && reason === 'ICMP_IGNORED'));
});

// A guest, whole

test('a guest that is off does nothing; started, it has its address and its services', (t) => {
  for (const os of ['linux', 'windows', 'strict'] as const) {
    const net = new SmallNet();
    const guest = new Guest({
      name: 'sql01',
      os,
      network: 'lan',
      answersFor: [],
      adapter: { name: 'eth0', mac: mac('52:54:00:00:00:20'), mtu: 1500 },
      echo: true,
      listen: [
        { protocol: 'tcp', port: 1433 },
        { protocol: 'udp', port: 53 },
      ],
      random: new Random('sql01'),
    });
    net.sim.connect(guest.adapter.port!, net.lan.addPort(), gigabit);
    const pc = net.machine('pc', '10.0.10.11/24');
    const probes = new Probes(pc, new TcpPart(pc));
    const to = ipv4('10.0.10.20');
    const ends = (probe: number): string[] =>
      net
        .facts('probe')
        .flatMap((fact) => (fact.probe === probe && fact.what !== 'sent' ? [fact.what] : []));
    probes.ping({ probe: 1, to, size: 1, every: seconds(60) }, net.now, net.sim);
    net.run(5);
    t.deepEqual(ends(1), ['error']);
    guest.start(staticPlan, net.now, net.sim, -1);
    net.run(20);
    probes.connect(2, to, 1433, 5, 5, net.now, net.sim);
    probes.udp(3, to, 53, net.now, net.sim);
    probes.udp(4, to, 54, net.now, net.sim);
    net.run(5);
    t.deepEqual([2, 3, 4].map(ends), [['answered'], ['answered'], ['refused']]);
    t.is(guest.stack.profile, profiles[os]);
  }
});
