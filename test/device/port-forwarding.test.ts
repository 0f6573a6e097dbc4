/** Destination translation, packet by packet: what comes out is compared with what the codecs write. */
import test from 'ava';
import { after, type Instant, labStart, seconds } from '../../src/base/time.ts';
import { PortForwarding } from '../../src/device/port-forwarding.ts';
import { Simulation } from '../../src/sim/simulation.ts';
import { packetOf } from '../../src/stack/packet.ts';
import { EventLog } from '../../src/trace/log.ts';
import { type Ipv4, ipv4 } from '../../src/wire/address.ts';
import { encodeIcmp } from '../../src/wire/icmp.ts';
import { encodeIpv4 } from '../../src/wire/ipv4.ts';
import { encodeUdp } from '../../src/wire/udp.ts';

const client = ipv4('198.51.100.77');
const publicIp = ipv4('203.0.113.50');
const replica = ipv4('10.0.10.11');
const udpLasts = seconds(300); // RFC 4787 section 4.3

class Forwarding {
  readonly log = new EventLog('full');
  readonly sim = new Simulation({ log: this.log, strict: true });
  readonly forwarding = new PortForwarding('appliance', [
    { publicIp, port: 53, to: { ip: replica, port: 5353 } },
    { publicIp, port: 5300, to: { ip: replica, port: 5353 } },
  ]);
  now: Instant = labStart;

  in(packet: Uint8Array): Uint8Array | string | undefined {
    return result(this.forwarding.arriving(this.#frame(packet), this.now, this.sim));
  }

  out(packet: Uint8Array): Uint8Array | string | undefined {
    return result(this.forwarding.leaving(this.#frame(packet), this.now, this.sim));
  }

  #frame(packet: Uint8Array) {
    return this.sim.frames.from(new Uint8Array([...new Uint8Array(14), ...packet]));
  }
}

const result = (frame: ReturnType<PortForwarding['arriving']>): Uint8Array | string | undefined =>
  typeof frame === 'object' ? new Uint8Array(packetOf(frame)) : frame;

const ip = (source: Ipv4, destination: Ipv4, protocol: number, payload: Uint8Array): Uint8Array =>
  encodeIpv4({
    tos: 0,
    identification: 7,
    dontFragment: true,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: 60,
    protocol,
    source,
    destination,
    options: [],
    payload,
  });

function udp(source: Ipv4, from: number, destination: Ipv4, to: number): Uint8Array {
  const payload = Uint8Array.of(1, 2, 3);
  const datagram = { sourcePort: from, destinationPort: to, payload };
  return ip(source, destination, 17, encodeUdp(datagram, source, destination));
}

/** Fragmentation needed, or port unreachable, quoting all of a packet. */
const complaint = (source: Ipv4, destination: Ipv4, quoted: Uint8Array): Uint8Array =>
  ip(source, destination, 1, encodeIcmp({ kind: 'unreachable', code: 3, mtu: 0, quote: quoted }));

test('there and back: the replica sees the client, and the client the public address', (t) => {
  const one = new Forwarding();
  t.deepEqual(one.in(udp(client, 4000, publicIp, 53)), udp(client, 4000, replica, 5353));
  t.deepEqual(one.out(udp(replica, 5353, client, 4000)), udp(publicIp, 53, client, 4000));
  t.is(one.forwarding.size, 1);
});

test('of two public ports for one replica, the answer comes from the one that was asked', (t) => {
  const one = new Forwarding();
  one.in(udp(client, 4000, publicIp, 53));
  one.in(udp(client, 4001, publicIp, 5300));
  t.deepEqual(one.out(udp(replica, 5353, client, 4000)), udp(publicIp, 53, client, 4000));
  t.deepEqual(one.out(udp(replica, 5353, client, 4001)), udp(publicIp, 5300, client, 4001));
});

test('other ports, other addresses and what nobody has asked for are left alone', (t) => {
  const one = new Forwarding();
  t.is(one.in(udp(client, 4000, publicIp, 54)), undefined);
  t.is(one.in(udp(client, 4000, replica, 53)), undefined);
  t.is(one.out(udp(replica, 5353, client, 4000)), undefined);
  t.is(one.in(ip(client, publicIp, 47, new Uint8Array(20))), undefined);
});

test('an ICMP error is translated together with the packet that it quotes, both ways (RFC 5508 section 4.2)', (t) => {
  const one = new Forwarding();
  one.in(udp(client, 4000, publicIp, 53));
  t.deepEqual(
    one.out(complaint(replica, client, udp(client, 4000, replica, 5353))),
    complaint(publicIp, client, udp(client, 4000, publicIp, 53)),
  );
  const router = ipv4('192.0.2.1');
  t.deepEqual(
    one.in(complaint(router, publicIp, udp(publicIp, 53, client, 4000))),
    complaint(router, replica, udp(replica, 5353, client, 4000)),
  );
  t.is(one.in(complaint(router, publicIp, udp(publicIp, 99, client, 4000))), undefined);
});

test('a session ends five minutes after its last packet', (t) => {
  const one = new Forwarding();
  one.in(udp(client, 4000, publicIp, 53));
  one.now = udpLasts as number as Instant;
  t.not(one.out(udp(replica, 5353, client, 4000)), undefined);
  one.now = after(one.now, udpLasts);
  t.not(one.out(udp(replica, 5353, client, 4000)), undefined);
  one.now = after(after(one.now, udpLasts), 1 as never);
  t.is(one.out(udp(replica, 5353, client, 4000)), undefined);
});

test('there is a bound: 4096 sessions, then room is made of those that have ended, or none is let in', (t) => {
  const one = new Forwarding();
  for (let i = 0; i < 4096; i += 1) one.in(udp((client + (i >> 8)) as Ipv4, i, publicIp, 53));
  t.is(one.forwarding.size, 4096);
  t.is(one.in(udp(client, 60_000, publicIp, 53)), 'NAT_TABLE_FULL');
  one.now = after(after(one.now, udpLasts), 1 as never);
  t.deepEqual(one.in(udp(client, 60_000, publicIp, 53)), udp(client, 60_000, replica, 5353));
  t.is(one.forwarding.size, 1);
});

test('bad input: nothing is written beyond the end of a packet, however short it is', (t) => {
  for (const protocol of [1, 6, 17])
    for (let length = 0; length < 24; length += 1) {
      const one = new Forwarding();
      one.in(udp(client, 53, publicIp, 53));
      const payload = new Uint8Array(length).fill(3);
      for (const [bytes, leaves] of [
        [ip(replica, client, protocol, payload), true],
        [ip(client, publicIp, protocol, payload), false],
      ] as const) {
        const frame = one.sim.frames.from(new Uint8Array([...new Uint8Array(14), ...bytes]));
        const next = one.sim.frames.from(new Uint8Array(64).fill(0xa5));
        if (leaves) one.forwarding.leaving(frame, one.now, one.sim);
        else one.forwarding.arriving(frame, one.now, one.sim);
        t.true(next.bytes().every((byte) => byte === 0xa5));
      }
    }
});
