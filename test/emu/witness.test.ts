/** What a machine made of packets, told from what went in and what came out. */
import test from 'ava';
import type { Frame } from '../../src/base/frame.ts';
import { FrameMemory } from '../../src/base/frame.ts';
import { Random } from '../../src/base/random.ts';
import type { Instant } from '../../src/base/time.ts';
import { Witness } from '../../src/emu/witness.ts';
import type { Device, Port, Sink } from '../../src/stack/device.ts';
import { IpStack } from '../../src/stack/ip-stack.ts';
import { linux } from '../../src/stack/profile.ts';
import { EventLog } from '../../src/trace/log.ts';
import { ipv4, mac, prefix } from '../../src/wire/address.ts';
import { encodeArp } from '../../src/wire/arp.ts';
import { encodeEthernet, etherType } from '../../src/wire/ethernet.ts';
import { encodeIpv4 } from '../../src/wire/ipv4.ts';
import { encodeUdp } from '../../src/wire/udp.ts';

const macs = {
  router: mac('02:00:00:00:00:01'),
  a: mac('02:00:00:00:00:0a'),
  gw: mac('02:00:00:00:00:0b'),
};
const ips = {
  inside: ipv4('10.0.0.1'),
  outside: ipv4('203.0.113.1'),
  a: ipv4('10.0.0.10'),
  far: ipv4('198.51.100.7'),
  unknown: ipv4('10.0.0.99'),
};

class Notes implements Sink {
  readonly frames = new FrameMemory();
  readonly log = new EventLog('full');
  readonly drops: string[] = [];
  send(): void {}
  flood(): void {}
  drop(port: Port, frame: Frame, reason: string): void {
    this.drops.push(`${port.name} ${reason} because of ${frame.cause}`);
  }
  wakeAt(_device: Device): void {}
}

function router() {
  const stack = new IpStack('router', {
    profile: linux,
    random: new Random('router'),
    forwarding: true,
  });
  const sink = new Notes();
  const lan = stack.addInterface({ name: 'lan', mac: macs.router });
  const wan = stack.addInterface({ name: 'wan', mac: macs.router });
  stack.addAddress(lan, prefix('10.0.0.1/24'), 'static', 0 as Instant, sink);
  stack.addAddress(wan, prefix('203.0.113.1/24'), 'static', 0 as Instant, sink);
  const route = { prefix: prefix('0.0.0.0/0'), interface: wan, via: ipv4('203.0.113.254') };
  stack.addRoute({ ...route, kind: 'unicast', metric: 0 }, 0 as Instant, sink);
  return { stack, sink, lan, wan, witness: new Witness(stack) };
}

interface Udp {
  readonly from: number;
  readonly to: number;
  readonly source: keyof typeof ips;
  readonly destination: keyof typeof ips;
  readonly text: string;
  readonly ttl?: number;
  readonly id?: number;
}

function udp(
  sink: Notes,
  cause: number,
  { from, to, text, ttl = 64, id = 1, ...ends }: Udp,
): Frame {
  const source = ips[ends.source];
  const destination = ips[ends.destination];
  const payload = new TextEncoder().encode(text);
  const datagram = encodeUdp(
    { sourcePort: from, destinationPort: to, payload },
    source,
    destination,
  );
  const packet = encodeIpv4({
    tos: 0,
    identification: id,
    dontFragment: false,
    moreFragments: false,
    fragmentOffset: 0,
    ttl,
    protocol: 17,
    source,
    destination,
    options: [],
    payload: datagram,
  });
  const frame = sink.frames.from(
    encodeEthernet({ target: macs.router, source: macs.a, type: etherType.ipv4, payload: packet }),
  );
  frame.cause = cause;
  return frame;
}

const now = 5e9 as Instant;

test('a packet that is passed on is known by what it carries, also where it was translated', (t) => {
  const { sink, lan, wan, witness } = router();
  const asked = { from: 5000, to: 53, source: 'a', destination: 'far', text: 'question' } as const;
  witness.takes(lan, udp(sink, 41, { ...asked, text: 'another' }), now);
  witness.takes(lan, udp(sink, 42, asked), now);
  const translated = { ...asked, source: 'outside', from: 61_000, ttl: 63 } as const;
  t.is(witness.sends(wan, udp(sink, -1, translated), now, sink), 42);
  const back = { from: 53, to: 61_000, source: 'far', destination: 'outside', text: 'it' } as const;
  witness.takes(wan, udp(sink, 50, back), now);
  t.is(witness.sends(lan, udp(sink, -1, { ...back, destination: 'a', to: 5000 }), now, sink), 50);
});

test('what the machine itself sends has the cause that was announced, once', (t) => {
  const { sink, wan, witness } = router();
  witness.intend({ at: now, cause: 7, protocol: 17, to: ips.far, mark: 53 });
  const own = { from: 1024, to: 53, source: 'outside', destination: 'far', text: 'own' } as const;
  t.is(witness.sends(wan, udp(sink, -1, own), now, sink), 7);
});

test('an ARP request is asked for the packet that waits for its answer', (t) => {
  const { sink, lan, wan, witness } = router();
  const packet = { from: 1, to: 2, source: 'far', destination: 'unknown', text: 'x' } as const;
  witness.takes(wan, udp(sink, 90, packet), now);
  const request = encodeArp({
    operation: 'request',
    senderMac: macs.router,
    senderIp: ips.inside,
    targetMac: mac('00:00:00:00:00:00'),
    targetIp: ips.unknown,
  });
  const question = encodeEthernet({
    target: mac('ff:ff:ff:ff:ff:ff'),
    source: macs.router,
    type: etherType.arp,
    payload: request,
  });
  t.is(witness.sends(lan, sink.frames.from(question), now, sink), 90);
  t.deepEqual(sink.drops, []);
  witness.unresolved(ips.unknown, now, sink);
  t.deepEqual(sink.drops, ['wan ARP_UNANSWERED because of 90']);
  witness.unresolved(ips.unknown, now, sink);
  t.is(sink.drops.length, 1, 'it ends once');
});

test('a host does not pass on what is for somebody else, and nobody takes a frame for another', (t) => {
  const { sink, lan, witness, stack } = router();
  stack.forwarding = false;
  const stray = { from: 1, to: 2, source: 'a', destination: 'far', text: 'x' } as const;
  t.is(witness.takes(lan, udp(sink, 1, stray), now), 'NOT_FORWARDING');
  const other = udp(sink, 1, stray);
  other.memory[other.start + 5] = 0x77;
  t.is(witness.takes(lan, other, now), 'NOT_FOR_US');
});

test('no prefix of a frame makes it read past the end', (t) => {
  const { sink, lan, witness } = router();
  const whole = udp(sink, 1, { from: 1, to: 2, source: 'a', destination: 'far', text: 'abc' });
  for (let length = 0; length <= whole.length; length += 1) {
    const short = sink.frames.from(whole.bytes(0, length));
    t.notThrows(() => witness.takes(lan, short, now));
    t.notThrows(() => witness.sends(lan, short, now, sink));
  }
});
