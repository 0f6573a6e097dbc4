/** What stands between a site and its provider: source translation, firewall, relay. */
import test from 'ava';
import fc from 'fast-check';
import { Random } from '../../src/base/random.ts';
import { type Sequence, sequence } from '../../src/base/sequence.ts';
import { after, type Instant, labStart, seconds } from '../../src/base/time.ts';
import { Firewall, Guards } from '../../src/device/guards.ts';
import { Probes, udpEcho } from '../../src/device/probes.ts';
import { Relay } from '../../src/device/relay.ts';
import { type RelayTarget, relayPort } from '../../src/device/relay-sessions.ts';
import { Switch } from '../../src/device/switch.ts';
import { TcpPart } from '../../src/device/tcp-part.ts';
import { SourceTranslation } from '../../src/device/translation.ts';
import { Simulation } from '../../src/sim/simulation.ts';
import { IpStack } from '../../src/stack/ip-stack.ts';
import { Payload, packetOf } from '../../src/stack/packet.ts';
import { linux } from '../../src/stack/profile.ts';
import { EventLog } from '../../src/trace/log.ts';
import { anyIpv4, type Ipv4, ipv4, mac } from '../../src/wire/address.ts';
import { encodeIcmp, type Icmp } from '../../src/wire/icmp.ts';
import { decodeIpv4, encodeIpv4 } from '../../src/wire/ipv4.ts';
import { Malformed } from '../../src/wire/malformed.ts';
import { encodeTcp } from '../../src/wire/tcp.ts';
import { decodeUdp, encodeUdp } from '../../src/wire/udp.ts';
import { SmallNet } from './small-net.ts';

// Source translation, packet by packet: what comes out is compared with what the codecs write

const inside = ipv4('10.0.10.11');
const outside = ipv4('198.51.100.10');
const server = ipv4('203.0.113.5');
const firstOutside = 30_000;

class Nat {
  readonly log = new EventLog('full');
  readonly sim = new Simulation({ log: this.log, strict: true });
  readonly stack = new IpStack('router', {
    profile: linux,
    random: new Random('router'),
    forwarding: true,
  });
  readonly wan = this.stack.addInterface({ name: 'wan', mac: mac('52:54:00:00:00:01') });
  readonly translation: SourceTranslation;
  now = labStart;

  constructor(first = firstOutside) {
    this.stack.addAddress(this.wan, { address: outside, length: 32 }, 'static', labStart, this.sim);
    this.translation = new SourceTranslation('router', this.wan, first);
  }

  /** @param forwarded Else the router itself has sent it. */
  out(packet: Uint8Array, forwarded = true): Uint8Array | string {
    const result = this.translation.leaving(
      this.#frame(packet),
      this.wan,
      forwarded,
      this.now,
      this.sim,
    );
    return typeof result === 'string' ? result : new Uint8Array(packetOf(result));
  }

  in(packet: Uint8Array): Uint8Array | string {
    const result = this.translation.arriving(this.#frame(packet), this.wan, this.now, this.sim);
    return typeof result === 'string' ? result : new Uint8Array(packetOf(result));
  }

  #frame(packet: Uint8Array) {
    const bytes = new Uint8Array(14 + packet.length);
    bytes.set(packet, 14);
    return this.sim.frames.from(bytes);
  }
}

function packet(
  source: Ipv4,
  destination: Ipv4,
  protocol: number,
  payload: Uint8Array,
): Uint8Array {
  return encodeIpv4({
    tos: 0,
    identification: 7,
    dontFragment: false,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: 60,
    protocol,
    source,
    destination,
    options: [],
    payload,
  });
}

/** One packet of a flow, as it looks to somebody who knows its two ends by these names. */
type Flow = (source: Ipv4, port: number, destination: Ipv4) => Uint8Array;

const udpFlow =
  (payload: Uint8Array): Flow =>
  (source, sourcePort, destination) =>
    packet(
      source,
      destination,
      17,
      encodeUdp({ sourcePort, destinationPort: 53, payload }, source, destination),
    );
const tcpFlow =
  (payload: Uint8Array): Flow =>
  (source, sourcePort, destination) => {
    const segment = {
      sourcePort,
      destinationPort: 443,
      sequence: sequence(0xffff_fff0),
      acknowledgment: 12 as Sequence,
      flags: 0x18,
      window: 512,
      urgent: 0,
      options: [],
      payload,
    };
    return packet(source, destination, 6, encodeTcp(segment, source, destination));
  };
const echoFlow =
  (data: Uint8Array): Flow =>
  (source, identifier, destination) =>
    packet(
      source,
      destination,
      1,
      encodeIcmp({ kind: 'echo-request', code: 0, identifier, sequence: 3, data }),
    );

const flows = { UDP: udpFlow, TCP: tcpFlow, 'ICMP echo': echoFlow } as const;
const anyBytes = fc.uint8Array({ maxLength: 40 });
const anyPort = fc.integer({ min: 1, max: 65_535 });

for (const [name, flow] of Object.entries(flows)) {
  test(`${name}: what leaves is the packet that its sender would have made with the outer address, to the bit`, (t) => {
    fc.assert(
      fc.property(anyBytes, anyPort, anyPort, (bytes, port, first) => {
        const nat = new Nat(first);
        const made = flow(bytes);
        const port1 = first >= 65_535 ? 1024 : first + 1;
        t.deepEqual(nat.out(made(inside, port, server)), made(outside, port1, server));
      }),
      { seed: 3022, numRuns: 200 },
    );
  });

  test(`${name}: an ICMP error that quotes a translated packet comes back as if it quoted the packet that was sent`, (t) => {
    fc.assert(
      fc.property(anyBytes, anyPort, fc.constantFrom(8, 18, 1000), (bytes, port, quoted) => {
        const nat = new Nat();
        const made = flow(bytes);
        const sent = made(inside, port, server);
        const seen = nat.out(sent) as Uint8Array;
        for (const error of [
          { kind: 'time-exceeded', code: 0 },
          { kind: 'unreachable', code: 4, mtu: 1400 },
        ] as const) {
          const about = (quote: Uint8Array, to: Ipv4): Uint8Array =>
            packet(
              ipv4('100.64.0.1'),
              to,
              1,
              encodeIcmp({ ...error, quote: quote.subarray(0, 20 + quoted) } as Icmp),
            );
          t.deepEqual(nat.in(about(seen, outside)), about(sent, inside));
        }
      }),
      { seed: 5508, numRuns: 200 },
    );
  });
}

test('the answer to a translated packet goes to who sent it, and an error from inside names the outer address', (t) => {
  const nat = new Nat();
  const payload = new Uint8Array([1, 2, 3]);
  nat.out(udpFlow(payload)(inside, 5000, server));
  const answer = (to: Ipv4, destinationPort: number): Uint8Array =>
    packet(server, to, 17, encodeUdp({ sourcePort: 53, destinationPort, payload }, server, to));
  t.deepEqual(nat.in(answer(outside, 30_001)), answer(inside, 5000));
  const complaint = (from: Ipv4, port: number): Uint8Array =>
    packet(
      from,
      server,
      1,
      encodeIcmp({ kind: 'unreachable', code: 3, mtu: 0, quote: answer(from, port) }),
    );
  t.deepEqual(nat.out(complaint(inside, 5000)), complaint(outside, 30_001));
  t.is(nat.out(complaint(inside, 5001)), 'NAT_NO_MAPPING', 'about a packet that cannot have come');
});

test('what the router itself complains of, it quotes as the world knows it, and leaves all else alone', (t) => {
  const nat = new Nat();
  const payload = new Uint8Array([1, 2, 3]);
  nat.out(udpFlow(payload)(inside, 5000, server));
  const complaint = (about: Ipv4, port: number): Uint8Array => {
    const quoted = { sourcePort: 53, destinationPort: port, payload };
    const quote = packet(server, about, 17, encodeUdp(quoted, server, about));
    const error = encodeIcmp({ kind: 'unreachable', code: 1, mtu: 0, quote });
    return packet(outside, server, 1, error);
  };
  t.deepEqual(nat.out(complaint(inside, 5000), false), complaint(outside, 30_001));
  t.deepEqual(nat.out(complaint(inside, 5001), false), complaint(inside, 5001));
  const own = udpFlow(payload)(outside, 5000, server);
  t.deepEqual(nat.out(own, false), own);
  t.is(nat.translation.size, 1);
});

test('UDP: whatever the sum comes to, it is written, and never as 0, which would mean that there is none', (t) => {
  const nat = new Nat();
  let zeros = 0;
  for (let word = 0; word < 65_536; word += 1) {
    const made = udpFlow(new Uint8Array([word >> 8, word & 255]));
    const seen = nat.out(made(inside, 5000, server)) as Uint8Array;
    const expected = made(outside, 30_001, server);
    const sum = seen[26]! * 256 + seen[27]!;
    if (sum === 0xffff) zeros += 1;
    if (sum === 0 || sum !== expected[26]! * 256 + expected[27]!) t.fail(`${word}: ${sum}`);
  }
  t.true(zeros > 0, 'the sum that would be 0 has been met');
  t.is(nat.translation.size, 1);
});

test('UDP: a datagram without a checksum stays without one', (t) => {
  const bytes = encodeUdp(
    { sourcePort: 5000, destinationPort: 53, withoutChecksum: true, payload: new Uint8Array(4) },
    inside,
    server,
  );
  const seen = decodeIpv4(new Nat().out(packet(inside, server, 17, bytes)) as Uint8Array);
  if (seen instanceof Malformed) throw new Error('malformed');
  t.like(decodeUdp(seen.payload, seen.source, seen.destination), {
    withoutChecksum: true,
    sourcePort: 30_001,
  });
});

test('ICMP echo: an answer of nothing but zeros keeps a checksum that is right', (t) => {
  const nat = new Nat();
  const data = new Uint8Array(16);
  nat.out(
    packet(
      inside,
      server,
      1,
      encodeIcmp({ kind: 'echo-request', code: 0, identifier: 0, sequence: 0, data }),
    ),
  );
  const reply = (to: Ipv4, identifier: number): Uint8Array =>
    packet(
      server,
      to,
      1,
      encodeIcmp({ kind: 'echo-reply', code: 0, identifier, sequence: 0, data }),
    );
  t.deepEqual(nat.in(reply(outside, 30_001)), reply(inside, 0));
});

test('one inner port has one outer port whatever the destination, and two machines never share one', (t) => {
  const nat = new Nat();
  const made = udpFlow(new Uint8Array(1));
  const portOf = (bytes: Uint8Array | string): number =>
    (bytes as Uint8Array)[20]! * 256 + (bytes as Uint8Array)[21]!;
  t.is(portOf(nat.out(made(inside, 5000, server))), 30_001);
  t.is(portOf(nat.out(made(inside, 5000, ipv4('8.8.8.8')))), 30_001);
  t.is(portOf(nat.out(made(ipv4('10.0.10.12'), 5000, server))), 30_002);
  t.is(portOf(nat.out(tcpFlow(new Uint8Array(1))(inside, 5000, server))), 30_003);
});

test('a mapping lasts 300 s for UDP, 7,440 s for TCP, 60 s for echo since it was last used; its end is told', (t) => {
  const lasts = { UDP: 300, TCP: 7440, 'ICMP echo': 60 } as const;
  for (const [name, flow] of Object.entries(flows)) {
    const nat = new Nat();
    const made = flow(new Uint8Array(2));
    const last = seconds(lasts[name as keyof typeof lasts]);
    nat.out(made(inside, 5000, server));
    nat.now = after(nat.now, last);
    t.deepEqual(nat.out(made(inside, 5000, server)), made(outside, 30_001, server), 'just in time');
    nat.now = (nat.now + last + 1) as Instant;
    t.deepEqual(nat.out(made(inside, 5000, server)), made(outside, 30_002, server), 'too late');
    const told = [...nat.log.facts(['translation'])].map(
      ({ change, outside: to }) => `${change} ${to}`,
    );
    t.deepEqual(told, [
      'added 198.51.100.10:30001',
      'removed 198.51.100.10:30001',
      'added 198.51.100.10:30002',
    ]);
    t.is(nat.translation.size, 1);
  }
});

test('after its time a mapping lets nothing in, neither answers nor errors', (t) => {
  const nat = new Nat();
  const made = udpFlow(new Uint8Array(2));
  const seen = nat.out(made(inside, 5000, server)) as Uint8Array;
  nat.now = after(nat.now, seconds(301));
  const error = packet(
    server,
    outside,
    1,
    encodeIcmp({ kind: 'unreachable', code: 3, mtu: 0, quote: seen }),
  );
  t.deepEqual(nat.in(error), error);
  const answer = packet(
    server,
    outside,
    17,
    encodeUdp(
      { sourcePort: 53, destinationPort: 30_001, payload: new Uint8Array(1) },
      server,
      outside,
    ),
  );
  t.deepEqual(nat.in(answer), answer);
});

test('an error about a packet that we never sent is not turned into one about ours', (t) => {
  const nat = new Nat();
  const made = udpFlow(new Uint8Array(2));
  nat.out(made(inside, 5000, server));
  for (const quote of [
    made(server, 30_001, inside),
    made(outside, 30_002, server),
    made(outside, 30_001, server).subarray(0, 27),
  ]) {
    const error = packet(
      server,
      outside,
      1,
      encodeIcmp({ kind: 'unreachable', code: 3, mtu: 0, quote }),
    );
    t.deepEqual(nat.in(error), error);
  }
});

test('P10: 4,096 mappings and no more; the next flow is refused until one of them is over', (t) => {
  const nat = new Nat();
  const made = udpFlow(new Uint8Array(1));
  for (let port = 1; port <= 4096; port += 1)
    t.not(nat.out(made(inside, port, server)), 'NAT_TABLE_FULL');
  t.is(nat.translation.size, 4096);
  t.is(nat.out(made(inside, 5000, server)), 'NAT_TABLE_FULL');
  t.deepEqual(
    nat.out(made(inside, 1, server)),
    made(outside, 30_001, server),
    'those that are there go on',
  );
  nat.now = after(nat.now, seconds(301));
  t.not(nat.out(made(inside, 5000, server)), 'NAT_TABLE_FULL');
  t.is(nat.translation.size, 1);
});

test('bad input: nothing is read or written beyond the end of a packet, however short it is', (t) => {
  for (const protocol of [1, 6, 17, 47]) {
    for (let length = 0; length < 24; length += 1) {
      for (const type of [0, 3, 8]) {
        const nat = new Nat();
        nat.out(udpFlow(new Uint8Array(1))(inside, 5000, server));
        const payload = new Uint8Array(length).fill(type);
        const whole = packet(inside, server, protocol, payload);
        const back = packet(server, outside, protocol, payload);
        const { sim, translation, wan } = nat;
        for (const [bytes, leaves] of [
          [whole, true],
          [back, false],
        ] as const) {
          const frame = sim.frames.from(new Uint8Array([...new Uint8Array(14), ...bytes]));
          const next = sim.frames.from(new Uint8Array(64).fill(0xa5));
          if (leaves) translation.leaving(frame, wan, true, nat.now, sim);
          else translation.arriving(frame, wan, nat.now, sim);
          t.true(
            next.bytes().every((byte) => byte === 0xa5),
            `${protocol} ${length}`,
          );
        }
      }
    }
  }
});

// The same in a network

function site() {
  const net = new SmallNet();
  const world = new Switch('world', 0);
  const router = net.machine('router', '10.0.10.1/24', { forwarding: true });
  const wan = net.plug(router, 'wan', '198.51.100.10/24', { on: world });
  const firewall = new Firewall([]);
  const translation = new SourceTranslation('router', wan, firstOutside);
  router.guard = new Guards(firewall, translation);
  const pc = net.machine('pc', '10.0.10.11/24');
  const far = net.machine('far', '198.51.100.99/24', { on: world });
  const route = {
    prefix: { address: anyIpv4, length: 0 },
    kind: 'unicast',
    via: ipv4('10.0.10.1'),
    metric: 0,
  } as const;
  pc.addRoute({ ...route, interface: pc.interfaces[0]! }, net.now, net.sim);
  const probes = new Probes(pc, new TcpPart(pc));
  const tcp = new TcpPart(far);
  tcp.listen(443, { kind: 'echo' }, net.now);
  udpEcho(far, 53);
  const outcome = (probe: number): string[] =>
    net
      .facts('probe')
      .flatMap((fact) =>
        fact.probe === probe && fact.what !== 'sent' ? [fact.because ?? fact.what] : [],
      );
  return {
    net,
    router,
    firewall,
    translation,
    pc,
    far,
    probes,
    outcome,
    to: ipv4('198.51.100.99'),
  };
}

test('ping, TCP and UDP pass a translating router with every checksum verified, and the other end sees only its address', (t) => {
  const { net, probes, outcome, to } = site();
  probes.ping({ probe: 1, to, size: 1400, every: seconds(1) }, net.now, net.sim);
  probes.connect(2, to, 443, 50_000, 50_000, net.now, net.sim);
  probes.udp(3, to, 53, net.now, net.sim);
  net.run(3.5);
  probes.stopPing(1);
  t.deepEqual(outcome(1), ['answered', 'answered', 'answered', 'answered']);
  t.deepEqual(outcome(2), ['answered']);
  t.deepEqual(outcome(3), ['answered']);
  t.deepEqual(net.drops(), []);
  for (const event of net.log.events()) {
    if (
      event.kind !== 'frame' ||
      event.to !== 'far.eth0' ||
      event.bytes[12] !== 8 ||
      event.bytes[13] !== 0
    )
      continue;
    t.deepEqual([...event.bytes.subarray(26, 30)], [198, 51, 100, 10]);
  }
});

test('a closed port beyond the router is heard of inside, by UDP and by TCP', (t) => {
  const { net, probes, outcome, to } = site();
  probes.udp(1, to, 54, net.now, net.sim);
  probes.connect(2, to, 444, 1, 1, net.now, net.sim);
  net.run(5);
  t.deepEqual(outcome(1), ['PORT_CLOSED']);
  t.deepEqual(outcome(2), ['TCP_REFUSED']);
});

test('a firewall ends what is for a blocked port, also in its first fragment, and nothing else', (t) => {
  const { net, firewall, pc, probes, outcome, to } = site();
  firewall.block({ protocol: 17, port: 53 });
  firewall.block({ protocol: 17, port: 53 });
  probes.udp(1, to, 53, net.now, net.sim);
  probes.connect(2, to, 443, 1, 1, net.now, net.sim);
  pc.udp.send(to, 5000, 53, new Payload(new Uint8Array(3000)), net.now, net.sim, -1, false);
  net.run(2);
  t.deepEqual(outcome(1), ['timeout']);
  t.deepEqual(outcome(2), ['answered']);
  const blocked = net.drops().filter(({ reason }) => reason === 'FIREWALL_BLOCKED');
  t.deepEqual(
    blocked.map(({ length }) => length > 1000),
    [false, true],
  );
  firewall.unblock({ protocol: 17, port: 53 });
  probes.udp(3, to, 53, net.now, net.sim);
  net.run(2);
  t.deepEqual(outcome(3), ['answered']);
});

// The relay

const tunnelA = 1;
const tunnelB = 2;

function gateway() {
  const net = new SmallNet();
  const world = new Switch('world', 0);
  const stack = net.machine('gw', '203.0.113.10/24', { on: world });
  net.plug(stack, 'lan', '198.18.0.1/24');
  const nea = net.machine('nea', '198.18.0.101/24');
  const client = net.machine('client', '203.0.113.77/24', { on: world });
  const relay = new Relay(stack, 30_000);
  relay.start();
  const target = (tag: number, port: number): RelayTarget => ({
    ip: ipv4('198.18.0.101'),
    port,
    isFor: (bytes) => bytes[4] === tag,
  });
  relay.setTarget('a', target(tunnelA, 1195));
  relay.setTarget('b', target(tunnelB, 1197));
  const atNea: { port: number; from: number; length: number }[] = [];
  for (const port of [1195, 1197])
    nea.udp.listeners.set(port, {
      datagram: ({ sourcePort, length }) => void atNea.push({ port, from: sourcePort, length }),
    });
  const atClient: { port: number; from: string; length: number }[] = [];
  const send = (port: number, bytes: Uint8Array): void => {
    if (!client.udp.listeners.has(port))
      client.udp.listeners.set(port, {
        datagram: (one) =>
          void atClient.push({ port, from: `${one.source}:${one.sourcePort}`, length: one.length }),
      });
    client.udp.send(ipv4('203.0.113.10'), port, relayPort, new Payload(bytes), net.now, net.sim);
    net.run(0.01);
  };
  const answer = (from: number, to: number, length: number): void => {
    nea.udp.send(
      ipv4('198.18.0.1'),
      from,
      to,
      new Payload(new Uint8Array(length)),
      net.now,
      net.sim,
    );
    net.run(0.01);
  };
  /** What the gateway has put on its cables, but for ARP. */
  const sent = () =>
    [...net.log.events()].filter(
      (event) => event.kind === 'frame' && event.node === 'gw' && event.bytes[13] === 0,
    );
  return { net, stack, relay, client, nea, atNea, atClient, send, answer, sent };
}

const initiation = (tag: number): Uint8Array => {
  const bytes = new Uint8Array(148);
  bytes[0] = 1;
  bytes[4] = tag;
  return bytes;
};
const data = (length: number): Uint8Array => {
  const bytes = new Uint8Array(length);
  if (length > 0) bytes[0] = 4;
  return bytes;
};
const reasonsOf = (net: SmallNet): string[] => net.drops().map(({ reason }) => reason);

test('relay: an unregistered source gets nothing out of the gateway, not even an error, whatever it sends', (t) => {
  const { net, relay, send, sent } = gateway();
  for (const length of [0, 1, 32, 64, 92, 147, 149, 1400]) send(5000, data(length));
  send(5000, initiation(99)); // for no tunnel that ends here
  send(5000, initiation(tunnelA).subarray(0, 147));
  t.is(relay.sessions, 0);
  t.deepEqual(sent(), []);
  t.deepEqual(new Set(reasonsOf(net)), new Set(['RELAY_UNKNOWN_SOURCE']));
});

test('A19: relay: an initiation opens a session to the tunnel that it was made for, and what follows passes both ways', (t) => {
  const { net, relay, send, answer, atNea, atClient } = gateway();
  send(5000, initiation(tunnelA));
  send(5001, initiation(tunnelB));
  t.is(relay.sessions, 2);
  t.deepEqual(
    atNea.map(({ port, length }) => [port, length]),
    [
      [1195, 148],
      [1197, 148],
    ],
  );
  const [a, b] = atNea.map(({ from }) => from) as [number, number];
  t.not(a, b);
  answer(1195, a, 92);
  answer(1197, b, 92);
  send(5000, data(96));
  t.deepEqual(atNea.at(-1), { port: 1195, from: a, length: 96 });
  t.deepEqual(
    atClient,
    [5000, 5001].map((port) => ({ port, from: `${ipv4('203.0.113.10')}:6180`, length: 92 })),
  );
  t.deepEqual(
    net.facts('relay').map(({ session, to, change }) => [session, to, change]),
    [
      ['203.0.113.77:5000', '198.18.0.101:1195', 'opened'],
      ['203.0.113.77:5001', '198.18.0.101:1197', 'opened'],
    ],
  );
});

test('relay: amplification is at most 1: one datagram out for one in, of the same length, and none on its own', (t) => {
  const { net, send, answer, atNea, atClient } = gateway();
  let sentIn = 0;
  for (const length of [148, 32, 1, 1400, 0, 96]) {
    send(5000, length === 148 ? initiation(tunnelA) : data(length));
    sentIn += length;
  }
  t.is(atNea.length, 6);
  t.is(
    atNea.reduce((sum, { length }) => sum + length, 0),
    sentIn,
  );
  t.deepEqual(atClient, [], 'the target has said nothing');
  answer(1195, atNea[0]!.from, 92);
  net.run(600);
  t.deepEqual(
    atClient.map(({ length }) => length),
    [92],
  );
  t.is(atNea.length, 6);
});

test('relay: on the port of a session nobody is heard but its target, from its port', (t) => {
  const { net, nea, send, answer, atNea, atClient } = gateway();
  send(5000, initiation(tunnelA));
  const { from } = atNea[0]!;
  answer(1197, from, 92);
  const other = net.machine('other', '198.18.0.102/24');
  other.udp.send(ipv4('198.18.0.1'), 1195, from, new Payload(data(92)), net.now, net.sim);
  net.run(1);
  t.deepEqual(atClient, []);
  t.is(reasonsOf(net).filter((reason) => reason === 'RELAY_UNKNOWN_SOURCE').length, 2);
  answer(1195, from, 92);
  t.is(atClient.length, 1);
  t.truthy(nea);
});

test('relay: a source that moves to another port needs a new handshake', (t) => {
  const { relay, send, answer, atNea, atClient } = gateway();
  send(5000, initiation(tunnelA));
  send(5001, data(96));
  t.is(atNea.length, 1);
  send(5001, initiation(tunnelA));
  send(5001, data(96));
  t.is(atNea.length, 3);
  t.is(relay.sessions, 2, 'the old one ends by itself');
  answer(1195, atNea[1]!.from, 92);
  t.deepEqual(
    atClient.map(({ port }) => port),
    [5001],
  );
});

test('relay: a source that turns to another tunnel leaves the first', (t) => {
  const { net, relay, send, answer, atNea, atClient } = gateway();
  send(5000, initiation(tunnelA));
  send(5000, initiation(tunnelB));
  t.is(relay.sessions, 1);
  t.deepEqual(
    atNea.map(({ port }) => port),
    [1195, 1197],
  );
  answer(1195, atNea[0]!.from, 92);
  t.deepEqual(atClient, []);
  t.deepEqual(
    net.facts('relay').map(({ change }) => change),
    ['opened', 'closed', 'opened'],
  );
});

test('relay: a session is over after 180 s without a datagram either way, to the moment', (t) => {
  const { net, relay, send, answer, atNea, atClient } = gateway();
  send(5000, initiation(tunnelA));
  net.run(179.9);
  send(5000, data(96));
  t.is(atNea.length, 2);
  net.run(179.9);
  answer(1195, atNea[0]!.from, 92);
  t.is(atClient.length, 1, 'what comes back counts as well');
  net.run(179.99); // 10 ms have passed since
  answer(1195, atNea[0]!.from, 92);
  send(5000, data(96));
  t.is(atNea.length, 2);
  t.is(atClient.length, 1);
  net.run(60);
  t.is(relay.sessions, 0);
});

test('P10: relay: 4,096 sessions and no more; when their time is over, nothing is left of them', (t) => {
  const { net, stack, relay, client, send, atNea } = gateway();
  const before = stack.udp.listeners.size;
  const payload = new Payload(initiation(tunnelA));
  for (let i = 0; i < 4200; i += 1) {
    client.udp.send(ipv4('203.0.113.10'), 10_000 + i, relayPort, payload, net.now, net.sim);
    if (i % 100 === 99) net.run(0.01);
  }
  net.run(0.1);
  t.is(relay.sessions, 4096);
  t.is(atNea.length, 4096);
  t.is(new Set(atNea.map(({ from }) => from)).size, 4096, 'each with a port of its own');
  t.is(reasonsOf(net).filter((reason) => reason === 'RELAY_LIMIT').length, 104);
  net.run(179);
  send(9000, initiation(tunnelB));
  t.is(atNea.length, 4096);
  net.run(1);
  send(9000, initiation(tunnelB));
  t.is(atNea.length, 4097, 'without waiting for the next sweep');
  net.run(300);
  t.is(relay.sessions, 0);
  t.is(stack.udp.listeners.size, before);
  const told = net.facts('relay');
  t.is(told.filter(({ change }) => change === 'opened').length, 4097);
  t.is(told.filter(({ change }) => change === 'closed').length, 4097);
});
