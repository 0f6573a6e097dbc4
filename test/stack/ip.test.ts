/**
 * IPv4, ICMP, path MTU and UDP. Titles name the rows of the conformance list; what a kernel was
 * measured to do is replayed whole in golden.test.ts, so here are the edges around it.
 */
import test from 'ava';
import fc from 'fast-check';
import { concat, hex, showHex } from '../../src/base/bytes.ts';
import { FrameMemory } from '../../src/base/frame.ts';
import { Random } from '../../src/base/random.ts';
import { type Instant, milliseconds, seconds } from '../../src/base/time.ts';
import { fragment, Reassembly } from '../../src/stack/fragments.ts';
import type { Interface } from '../../src/stack/interface.ts';
import type { IpStack } from '../../src/stack/ip-stack.ts';
import { Payload } from '../../src/stack/packet.ts';
import { linux, type Profile, strict } from '../../src/stack/profile.ts';
import { RateLimit } from '../../src/stack/rate-limit.ts';
import { type Route, RouteTable } from '../../src/stack/routes.ts';
import type { Reason } from '../../src/trace/reasons.ts';
import {
  contains,
  type Ipv4,
  ipv4,
  mac,
  networkOf,
  prefix,
  showIpv4,
} from '../../src/wire/address.ts';
import { Lan, type Raw } from '../sim/lan.ts';
import { icmp, packetFrame, pingFrame, type SeenPacket, seen, udp, udpFrame } from './packets.ts';

const unlimited: Profile = {
  ...linux,
  icmp: { rateLimit: false, noRouteLimit: false, answersBroadcastEcho: false },
};

interface Rig {
  readonly lan: Lan;
  readonly a: Raw;
  readonly b: Raw;
  readonly stack: IpStack;
  readonly left: Interface;
  readonly right: Interface;
  /** Sends a frame from the left end and returns the IP packets that came out at each side. */
  send(...frames: Uint8Array[]): { left: SeenPacket[]; right: SeenPacket[]; why: string[] };
}

const isIp = (frame: string): boolean => frame.slice(24, 28) === '0800';

/** A machine with 10.1.0.1/24 (left) and 10.2.0.1/24 (right, MTU as given); 10.x.0.9 is at either raw end. */
function rig(profile: Profile = unlimited, mtu = 1500, strictly = true): Rig {
  const lan = new Lan({ strict: strictly });
  const a = lan.raw('a');
  const b = lan.raw('b');
  const stack = lan.host('r', ['10.1.0.1/24'], profile);
  const [left] = stack.interfaces as [Interface];
  const right = lan.adapter(stack, '10.2.0.1/24', { mtu });
  stack.forwarding = true;
  lan.connect(a.port, left.port!);
  lan.connect(b.port, right.port!);
  for (const [on, ip] of [
    [left, '10.1.0.9'],
    [right, '10.2.0.9'],
  ] as const)
    on.neighbours.pin(ipv4(ip), mac('02:00:00:00:00:99'), lan.simulation);
  return {
    lan,
    a,
    b,
    stack,
    left,
    right,
    send(...frames) {
      const from = lan.log.length;
      for (const frame of frames) lan.inject(a, frame);
      lan.run(milliseconds(10));
      const packets = (raw: Raw): SeenPacket[] =>
        raw
          .take()
          .filter(isIp)
          .map((frame) => seen(hex(frame)));
      return { left: packets(a), right: packets(b), why: lan.drops('r', from) };
    },
  };
}

const through = { from: '10.1.0.9', to: '10.2.0.9' } as const;
const toUs = { from: '10.1.0.9', to: '10.1.0.1' } as const;

// IPv4

test('what nobody here speaks is refused with 3/2', (t) => {
  const sctp = 132;
  const { send } = rig();
  const { left, why } = send(packetFrame({ ...toUs, protocol: sctp, payload: new Uint8Array(12) }));
  t.deepEqual(why, ['PROTOCOL_UNREACHABLE']);
  t.is(left.length, 1);
});

test('IP-1: a wrong version, header length, checksum or total length ends a packet without a word; padding is cut off', (t) => {
  const wrong: [string, Uint8Array, Reason][] = [
    ['version 5', packetFrame({ ...through, first: 0x55 }), 'IP_HEADER'],
    ['version 6', packetFrame({ ...through, first: 0x65 }), 'IP_HEADER'],
    ['header of 16', packetFrame({ ...through, first: 0x44 }), 'IP_HEADER'],
    [
      'header of 60 in 28',
      packetFrame({ ...through, first: 0x4f, payload: new Uint8Array(8) }),
      'IP_HEADER',
    ],
    ['checksum', packetFrame({ ...through, checksum: 0x1234 }), 'IP_CHECKSUM'],
    ['length 19', packetFrame({ ...through, totalLength: 19 }), 'IP_HEADER'],
    ['length 0', packetFrame({ ...through, totalLength: 0 }), 'IP_HEADER'],
    ['length beyond the frame', packetFrame({ ...through, totalLength: 21 }), 'IP_HEADER'],
    ['half a header', packetFrame(through).subarray(0, 30), 'IP_HEADER'],
    ['no packet', packetFrame(through).subarray(0, 14), 'IP_HEADER'],
  ];
  for (const [what, frame, reason] of wrong) {
    const { send } = rig();
    t.deepEqual(send(frame), { left: [], right: [], why: [reason] }, what);
  }
  const { send } = rig();
  const padded = concat(packetFrame({ ...through, payload: hex('0102') }), new Uint8Array(30));
  t.is(send(padded).right[0]!.totalLength, 22);
});

test('IP-1: a frame of any length and content is taken without harm', (t) => {
  const { send } = rig(unlimited, 1500);
  const payload = new Uint8Array(12);
  const good = packetFrame({ ...through, options: hex('07070400 00000000'), payload });
  for (let n = 14; n < good.length; n += 1) t.deepEqual(send(good.slice(0, n)).right, []);
  const random = new Random('hostile');
  for (let i = 0; i < 3000; i += 1) {
    const spoiled = good.slice();
    for (let k = 0; k < 3; k += 1)
      spoiled[random.between(14, good.length - 1)] = random.between(0, 255);
    const { right } = send(spoiled);
    if (right.length > 0) t.is(right[0]!.totalLength + 14, good.length);
  }
});

test('IP-2: packets from and to addresses that cannot be end without a word', (t) => {
  for (const from of [
    '0.0.0.0',
    '0.1.2.3',
    '127.0.0.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '10.1.0.1',
    '10.2.0.1',
  ])
    for (const to of ['10.2.0.9', '10.1.0.1', '10.2.0.1']) {
      const { send } = rig();
      t.deepEqual(
        send(pingFrame({ from, to })),
        { left: [], right: [], why: ['MARTIAN'] },
        `${from} to ${to}`,
      );
    }
  for (const to of ['127.0.0.1', '0.0.0.0']) {
    const { send } = rig();
    t.deepEqual(
      send(udpFrame({ from: '10.1.0.9', to })),
      { left: [], right: [], why: ['MARTIAN'] },
      to,
    );
  }
});

test('IP-2: a way that was taken before opens no door: each sender and each interface is looked at', (t) => {
  const r = rig();
  t.is(r.send(udpFrame(through)).right.length, 1);
  t.is(r.send(udpFrame(through)).right.length, 1); // the straight way
  for (const from of ['0.0.0.0', '127.0.0.1', '10.2.0.1'])
    t.deepEqual(r.send(udpFrame({ ...through, from })).right, [], from);
  // Nor where the machine itself has just sent there.
  const fresh = rig();
  const payload = new Payload(new Uint8Array(4));
  fresh.stack.udp.send(ipv4('10.2.0.9'), 1, 2, payload, fresh.lan.now, fresh.lan.simulation);
  fresh.lan.run(milliseconds(1));
  fresh.b.take();
  t.deepEqual(fresh.send(udpFrame({ ...through, from: '0.0.0.0' })).right, []);
  t.is(fresh.send(udpFrame(through)).right.length, 1);
  // An address that becomes ours is no longer somebody else's.
  const sink = r.lan.simulation;
  t.is(r.send(udpFrame({ ...through, from: '10.1.0.8' })).right.length, 1);
  r.stack.addAddress(r.left, prefix('10.1.0.8/24'), 'static', r.lan.now, sink);
  fresh.lan.run();
  t.deepEqual(r.send(udpFrame({ ...through, from: '10.1.0.8' })).right, []);
  r.stack.removeAddress(r.left, ipv4('10.1.0.8'), r.lan.now, sink);
  t.is(r.send(udpFrame({ ...through, from: '10.1.0.8' })).right.length, 1);
});

test('IP-3: forwarding takes one from the time to live and nothing else; 1 and 0 end there, and the sender is told', (t) => {
  const { send } = rig();
  for (const ttl of [255, 64, 2]) {
    const before = udpFrame({ ...through, ttl, tos: 0xb8, id: 0xabcd });
    const { right } = send(before);
    t.is(right[0]!.ttl, ttl - 1);
    t.is(right[0]!.tos, 0xb8);
    t.is(right[0]!.id, 0xabcd);
    t.deepEqual(right[0]!.payload, before.subarray(34));
  }
  for (const ttl of [1, 0]) {
    const { left, right } = send(udpFrame({ ...through, ttl }));
    t.deepEqual(right, []);
    t.is(left[0]!.icmp, '11/0');
    t.is(send(pingFrame({ ...toUs, ttl })).left[0]!.icmp, '0/0');
  }
});

test('IP-3: the incremental checksum is right for every time to live and many sums', (t) => {
  for (const strictly of [true, false]) {
    const { send } = rig(unlimited, 1500, strictly);
    for (let id = 0; id < 65_536; id += 257) {
      const ttl = 2 + (id % 254);
      t.is(send(packetFrame({ ...through, id, ttl })).right[0]?.ttl, ttl - 1);
    }
  }
});

test('IP-4: what does not fit is cut, or sent back with the MTU if it must not be', (t) => {
  const { send } = rig(unlimited, 1400);
  const whole = udpFrame({ ...through, body: Uint8Array.from({ length: 2992 }, (_, i) => i) });
  const { right } = send(whole);
  t.deepEqual(
    right.map(({ totalLength, fragment: field }) => [totalLength, field]),
    [
      [1396, 0x2000],
      [1396, 0x2000 | 172],
      [268, 344],
    ],
  );
  t.deepEqual(concat(...right.map(({ payload }) => payload)), whole.subarray(34));
  // A piece that is cut again keeps its place, and the last keeps being the last.
  const { right: again } = send(
    packetFrame({ ...through, fragment: 0x2000 | 100, payload: new Uint8Array(1440) }),
  );
  t.deepEqual(
    again.map(({ fragment: field }) => field),
    [0x2000 | 100, 0x2000 | 272],
  );
  const { left, right: none } = send(
    udpFrame({ ...through, fragment: 0x4000, body: new Uint8Array(1400) }),
  );
  t.deepEqual(none, []);
  t.is(left[0]!.icmp, '3/4');
  t.is(showHex(left[0]!.payload.subarray(4, 8)), '00000578');
  t.is(
    send(udpFrame({ ...through, fragment: 0x4000, body: new Uint8Array(1372) })).right.length,
    1,
  );
});

test('IP-4: pieces of any packet over any MTU fit, and put together are the packet', (t) => {
  const frames = new FrameMemory(false);
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 5000 }),
      fc.integer({ min: 68, max: 1500 }),
      fc.boolean(),
      fc.integer({ min: 0, max: 1e6 }),
      (length, mtu, withOptions, seed) => {
        const random = new Random(seed);
        const body = random.bytes(length);
        const options = withOptions ? { options: hex('0707040000000000') } : {};
        const original = udpFrame({ ...through, body, ...options });
        const frame = frames.from(original);
        if (frame.length - 14 <= mtu) return true;
        const pieces = fragment(frame, mtu, frames);
        if (!pieces.every((piece) => piece.length - 14 <= mtu)) return false;
        pieces.sort(() => random.between(0, 1) - 0.5); // any order
        const reassembly = new Reassembly(linux);
        const results = pieces.map((piece) => reassembly.take(piece, 0 as Instant, frames));
        const last = results.pop()!;
        return (
          results.every(({ kind }) => kind === 'waiting') &&
          last.kind === 'whole' &&
          showHex(last.frame.bytes()) === showHex(original) &&
          reassembly.bytes === 0
        );
      },
    ),
    { seed: 791, numRuns: 500 },
  );
  t.pass();
});

test('IP-5: what came as a broadcast of the link is not forwarded; for ourselves, ping is answered and a closed port silent', (t) => {
  for (const receiver of ['ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01']) {
    const { send } = rig();
    t.is(send(udpFrame(through)).right.length, 1); // the way is known
    t.deepEqual(send(udpFrame({ ...through, receiver })), {
      left: [],
      right: [],
      why: ['LINK_BROADCAST'],
    });
    t.deepEqual(send(udpFrame({ ...through, receiver, ttl: 1 })).left, []);
    t.is(send(pingFrame({ ...toUs, receiver })).left[0]!.icmp, '0/0');
    t.deepEqual(send(udpFrame({ ...toUs, receiver })).left, []);
  }
});

/** Feeds pieces of one packet, given as [from, to, last], and says what became of the last. */
function puzzle(pieces: readonly (readonly [number, number, boolean?])[], profile = linux): string {
  const frames = new FrameMemory(false);
  const reassembly = new Reassembly(profile);
  let result = '';
  for (const [from, to, last = false] of pieces) {
    const payload = Uint8Array.from({ length: to - from }, (_, i) => (from + i) & 255);
    const field = (from / 8) | (last ? 0 : 0x2000);
    const frame = frames.from(packetFrame({ ...toUs, fragment: field, payload }));
    const taken = reassembly.take(frame, 0 as Instant, frames);
    result = taken.kind === 'dropped' ? taken.reason : taken.kind;
    if (taken.kind !== 'whole') continue;
    const { payload: whole } = seen(taken.frame.bytes());
    if (!whole.every((byte, i) => byte === (i & 255))) return 'spoiled';
  }
  return result;
}

test('IP-6: order, duplicates and contained pieces do no harm; what contradicts discards the packet', (t) => {
  const agree = [
    [
      [0, 8],
      [8, 16, true],
    ],
    [
      [8, 16, true],
      [0, 8],
    ],
    [
      [16, 20, true],
      [8, 16],
      [0, 8],
    ],
    [
      [0, 8],
      [0, 8],
      [8, 16, true],
    ],
    [
      [0, 16],
      [8, 16],
      [16, 24, true],
    ],
    [
      [0, 8],
      [8, 16],
      [0, 16],
      [16, 24, true],
    ], // two that came in a row count as one
  ] as const;
  for (const pieces of agree) t.is(puzzle(pieces), 'whole', JSON.stringify(pieces));
  const contradict = [
    [
      [0, 16],
      [8, 24],
    ],
    [
      [8, 24],
      [0, 16],
    ],
    [[0, 12]], // not a multiple of 8 with more to come
    [[0, 0]],
    [
      [8, 16, true],
      [16, 24, true],
    ],
    [
      [8, 24, true],
      [8, 16, true],
    ],
    [
      [16, 24],
      [0, 16, true],
    ],
    [
      [8, 16, true],
      [16, 24],
    ],
    [[65_520, 65_536, true]], // together with its header more than 65,535
  ] as const;
  for (const pieces of contradict) t.is(puzzle(pieces), 'FRAGMENT_OVERLAP', JSON.stringify(pieces));
  // The rest of the packet goes with it: the pieces that come later are a packet of their own.
  t.is(
    puzzle([
      [0, 16],
      [8, 24],
      [24, 32, true],
    ]),
    'waiting',
  );
  t.is(
    puzzle([
      [0, 8],
      [8, 8],
      [8, 16, true],
    ]),
    'waiting',
  );
  t.is(puzzle([[65_504, 65_512, true]]), 'waiting');
});

test('IP-6: pieces belong together by source, destination, protocol and identification', (t) => {
  const { send } = rig();
  const first = (parts: object): Uint8Array =>
    packetFrame({
      ...toUs,
      protocol: 1,
      fragment: 0x2000,
      payload: icmp(8, 0, 0x10001, new Uint8Array(8)).subarray(0, 8),
      ...parts,
    });
  const last = (parts: object): Uint8Array =>
    packetFrame({ ...toUs, protocol: 1, fragment: 1, payload: new Uint8Array(8), ...parts });
  t.is(send(first({}), last({})).left.length, 1);
  for (const other of [{ id: 2 }, { from: '10.1.0.8' }, { to: '10.2.0.1' }, { protocol: 17 }])
    t.deepEqual(
      send(first({ id: 77 }), last({ id: 77, ...other })).left.length,
      0,
      JSON.stringify(other),
    );
});

test('IP-7: after 30 s the sender is told, if the first piece came: 60 s under strict', (t) => {
  for (const [profile, timeout] of [
    [unlimited, 30],
    [strict, 60],
  ] as const) {
    const told = (fragmentField: number): number | undefined => {
      const { lan, a } = rig(profile);
      lan.inject(a, packetFrame({ ...toUs, fragment: fragmentField, payload: new Uint8Array(64) }));
      lan.run(seconds(200));
      const error = a.got.find(({ hex: frame }) => isIp(frame));
      if (error === undefined) return undefined;
      const packet = seen(hex(error.hex));
      t.is(packet.icmp, '11/1');
      t.is(packet.payload.length, 8 + 84); // the first piece is quoted
      t.true(lan.drops('r').includes('FRAGMENT_TIMEOUT'));
      return Math.round(error.at / 1e9);
    };
    t.is(told(0x2000), timeout);
    t.is(told(0x2001), undefined);
    t.is(told(0x0005), undefined);
  }
});

test('IP-8: a flood of pieces is held to 4 MiB, refused beyond, and gone after its time', (t) => {
  const { stack, lan, a } = rig();
  let most = 0;
  for (let i = 0; i < 60_000; i += 1) {
    const from = showIpv4((ipv4('10.1.0.2') + (i % 200)) as Ipv4);
    lan.inject(
      a,
      packetFrame({ ...toUs, from, id: i & 0xffff, fragment: 0x2001, payload: new Uint8Array(8) }),
    );
    if (i % 1000 === 0) lan.run(milliseconds(10));
    most = Math.max(most, stack.reassembly.bytes);
  }
  lan.run(milliseconds(10));
  t.true(most > 4_000_000 && most <= 4 << 20, `${most} bytes`);
  t.true(lan.drops('r').includes('FRAGMENT_LIMIT'));
  lan.run(seconds(40));
  t.is(stack.reassembly.bytes, 0);
  t.is(stack.reassembly.nextWake(), undefined);
});

test('IP-9: unknown options pass, bad lengths are a parameter problem, source routes end, a recorded route grows', (t) => {
  const { send } = rig();
  const out = (options: string): SeenPacket[] =>
    send(udpFrame({ ...through, options: hex(options) })).right;
  t.is(showHex(out('9e04abcd')[0]!.options), '9e04abcd');
  t.is(out('01010101').length, 1);
  t.is(out('00ffffff').length, 1); // nothing counts after the end
  for (const [options, pointer] of [
    ['07070300000000 00', 22], // before the first place
    ['07070600000000 00', 22], // not room for an address, and not full
    ['0702 0000', 21],
    ['9e050000', 20], // beyond the header
    ['01010700', 22], // length 0
    ['010107 07', 22],
    ['0101 01 9e', 23], // no length at all
  ] as const) {
    const { left, right } = send(udpFrame({ ...through, options: hex(options) }));
    t.deepEqual(right, [], options);
    t.is(left[0]!.icmp, '12/0', options);
    t.is(left[0]!.payload[4], pointer, options);
    t.is(left[0]!.headerLength, 20);
  }
  for (const options of ['8307040a02000900', '8907040a02000900'])
    t.deepEqual(send(udpFrame({ ...through, options: hex(options) })), {
      left: [],
      right: [],
      why: ['IP_OPTIONS'],
    });
  const ours = showHex(hex('0a020001'));
  t.is(showHex(out('070b0400000000 00000000 00')[0]!.options), `070b08${ours}0000000000`);
  t.is(showHex(out('070b080a0909 09000000 0000')[0]!.options), `070b0c0a090909${ours}00`);
  t.is(showHex(out('0707080a09090900')[0]!.options), '0707080a09090900'); // full
});

test('IP-9: an echo reply carries the recorded route on: who was asked, and the way back', (t) => {
  const { send } = rig();
  const options = hex(`070f04${'00'.repeat(12)}00`);
  const { left } = send(pingFrame({ ...toUs, options }));
  t.is(left[0]!.icmp, '0/0');
  t.is(showHex(left[0]!.options), '070f0c0a0100010a0100010000000000');
  // Others are not for answers.
  t.is(send(pingFrame({ ...toUs, options: hex('9e04abcd') })).left[0]!.headerLength, 20);
});

test('IP-10: a broadcast into another network is not forwarded, and 240/4 has no route even by default', (t) => {
  const { send, lan, stack, right } = rig();
  t.deepEqual(send(udpFrame({ ...through, to: '10.2.0.255' })), {
    left: [],
    right: [],
    why: ['BROADCAST_NOT_FORWARDED'],
  });
  lan.route(stack, '0.0.0.0/0', '10.2.0.9', right);
  const { left, right: none } = send(udpFrame({ ...through, to: '240.0.0.1' }));
  t.deepEqual(none, []);
  t.is(left[0]!.icmp, '3/0');
  t.is(send(udpFrame({ ...through, to: '192.0.2.1' })).right.length, 1);
  // Not even where the machine itself has just tried.
  const payload = new Payload(new Uint8Array(4));
  for (const to of ['240.0.0.1', '169.254.7.7']) {
    stack.udp.send(ipv4(to), 1, 2, payload, lan.now, lan.simulation);
    lan.run(milliseconds(1));
    stack.udp.send(ipv4(to), 1, 2, payload, lan.now, lan.simulation);
    t.is(send(udpFrame({ ...through, to })).right.filter(({ ttl }) => ttl === 63).length, 0, to);
  }
});

const anyRoute = fc.record({
  // Few networks, so that they contain each other.
  address: fc
    .integer({ min: 0, max: 15 })
    .map((n) => (((n & 3) << 30) | ((n >> 2) << 14) | n) as Ipv4),
  length: fc.integer({ min: 0, max: 32 }),
  metric: fc.integer({ min: 0, max: 2 }),
});

test('IP-11: the longest prefix wins, then the metric, whatever the order in which routes come and go', (t) => {
  const on = {} as Interface;
  const better = (a: Route, b: Route): boolean =>
    a.prefix.length > b.prefix.length ||
    (a.prefix.length === b.prefix.length && a.metric < b.metric);
  const key = (one: { address: Ipv4; length: number; metric: number }): string =>
    `${networkOf(one)}/${one.length} ${one.metric}`;
  fc.assert(
    fc.property(
      fc.uniqueArray(anyRoute, {
        maxLength: 40,
        selector: key,
      }),
      fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 0, max: 1e6 }),
      (parts, destinations, seed) => {
        const random = new Random(seed);
        const routes = parts.map(
          ({ address, length, metric }): Route => ({
            prefix: { address, length },
            kind: 'unicast',
            interface: on,
            via: 0 as Ipv4,
            metric,
          }),
        );
        const shuffled = [...routes].sort(() => random.between(0, 1) - 0.5);
        const table = new RouteTable();
        for (const route of shuffled) table.add(route);
        const probes = [...destinations, ...parts.map(({ address }) => address)] as Ipv4[];
        const agrees = (standing: readonly Route[]): boolean =>
          probes.every((destination) => {
            let best: Route | undefined;
            for (const route of standing)
              if (
                contains(route.prefix, destination) &&
                (best === undefined || better(route, best))
              )
                best = route;
            return table.find(destination) === best;
          });
        if (!agrees(routes)) return false;
        const gone = (route: Route): boolean => routes.indexOf(route) % 3 === 0;
        const { version } = table;
        const removed = table.remove(gone);
        if (removed.length > 0 && table.version === version) return false;
        return agrees(routes.filter((route) => !gone(route)));
      },
    ),
    { seed: 1812, numRuns: 10_000 },
  );
  t.pass();
});

test('IP-12: without a route nothing is sent, and who wanted to is told at once', (t) => {
  const lan = new Lan();
  const a = lan.raw('a');
  const host = lan.host('h', ['10.1.0.1/24']);
  lan.connect(a.port, host.ports[0]!);
  const payload = new Payload(new Uint8Array(4));
  const { now, simulation } = lan;
  t.is(host.udp.send(ipv4('10.9.0.1'), 1, 2, payload, now, simulation), 'NO_ROUTE');
  t.is(host.icmp.sendEcho(ipv4('10.9.0.1'), 1, 2, payload, now, simulation), 'NO_ROUTE');
  lan.wall(host, '10.8.0.0/16', 'unreachable');
  t.is(host.udp.send(ipv4('10.8.0.1'), 1, 2, payload, now, simulation), 'NO_ROUTE');
  lan.run(seconds(10));
  t.deepEqual(a.take(), []);
  // A host does not forward, and says nothing of it.
  lan.inject(a, udpFrame(through));
  lan.run();
  t.deepEqual(a.take(), []);
  t.is(lan.drops('h').at(-1), 'NOT_FORWARDING');
});

test('IP-12: the reverse path filter as rp_filter 0, 1 and 2', (t) => {
  const passes = (filter: Interface['reversePath'], from: string): boolean => {
    const r = rig();
    r.left.reversePath = filter;
    r.lan.route(r.stack, '10.5.0.0/16', '10.2.0.9', r.right); // known, but by the other side
    const frame = udpFrame({ ...through, from });
    const twice = r.send(frame, frame); // the second may go the straight way
    if (twice.right.length === 0) t.deepEqual(twice.why, ['MARTIAN', 'MARTIAN']);
    const forUs = r.send(pingFrame({ ...toUs, from }));
    t.is(forUs.why.includes('MARTIAN'), twice.right.length === 0);
    return twice.right.length === 2;
  };
  for (const [from, off, strictly, loose] of [
    ['10.1.0.9', true, true, true],
    ['10.5.0.1', true, false, true],
    ['172.16.0.1', true, false, false],
  ] as const) {
    t.is(passes('off', from), off, from);
    t.is(passes('strict', from), strictly, from);
    t.is(passes('loose', from), loose, from);
  }
  // The same packets by the interface where they belong are let through, one right after the other.
  const r = rig();
  r.left.reversePath = 'strict';
  r.right.reversePath = 'strict';
  t.is(r.send(udpFrame(through)).right.length, 1);
  r.lan.inject(r.b, udpFrame({ ...through, receiver: '02:00:00:00:00:02' }));
  r.lan.run(milliseconds(1));
  t.deepEqual(r.b.take().filter(isIp), []);
});

// ICMP

test('ICMP-1: nobody is told about errors, later pieces, broadcasts, or in the name of nobody', (t) => {
  const quiet: [string, Uint8Array][] = [];
  const dying = { ...through, ttl: 1 } as const;
  for (const type of [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 19, 42, 100, 255])
    quiet.push([
      `ICMP type ${type}`,
      packetFrame({ ...dying, protocol: 1, payload: icmp(type, 0, 0, new Uint8Array(28)) }),
    ]);
  quiet.push([
    'a later piece',
    packetFrame({ ...dying, fragment: 0x2001, payload: new Uint8Array(8) }),
  ]);
  quiet.push(['multicast', udpFrame({ ...dying, to: '224.0.0.5' })]);
  quiet.push(['a broadcast', udpFrame({ ...toUs, to: '10.1.0.255' })]);
  quiet.push(['everybody', udpFrame({ ...toUs, to: '255.255.255.255' })]);
  quiet.push(['a broadcast of the link', udpFrame({ ...toUs, receiver: 'ff:ff:ff:ff:ff:ff' })]);
  quiet.push(['from a broadcast address', udpFrame({ ...dying, from: '10.1.0.255' })]);
  quiet.push([
    'no ICMP header',
    packetFrame({ ...dying, protocol: 1, payload: new Uint8Array(0) }),
  ]);
  for (const from of ['0.0.0.5', '127.0.0.1', '224.0.0.1', '255.255.255.255'])
    quiet.push([`from ${from}`, udpFrame({ ...dying, from })]);
  for (const [what, frame] of quiet) {
    const { send } = rig();
    t.deepEqual(send(frame).left, [], what);
  }
  for (const type of [0, 8, 13, 14, 15, 16, 17, 18]) {
    const { send } = rig();
    const question = packetFrame({
      ...dying,
      protocol: 1,
      payload: icmp(type, 0, 0, new Uint8Array(12)),
    });
    t.is(send(question).left[0]?.icmp, '11/0', `ICMP type ${type}`);
  }
  const { send } = rig();
  t.is(
    send(packetFrame({ ...dying, fragment: 0x2000, payload: new Uint8Array(8) })).left[0]?.icmp,
    '11/0',
  );
});

test('ICMP-2: each end of a packet has its code', (t) => {
  const r = rig(unlimited, 1400);
  r.lan.wall(r.stack, '10.50.0.0/16', 'prohibited');
  r.lan.wall(r.stack, '10.51.0.0/16', 'unreachable');
  r.lan.wall(r.stack, '10.52.0.0/16', 'blackhole');
  const code = (frame: Uint8Array, wait = 0): string => {
    const now = r.send(frame).left;
    r.lan.run(seconds(wait));
    const later = r.a
      .take()
      .filter(isIp)
      .map((one) => seen(hex(one)));
    return [...now, ...later].map((packet) => packet.icmp).join();
  };
  t.is(code(udpFrame({ ...through, to: '10.77.0.1' })), '3/0');
  t.is(code(udpFrame({ ...through, to: '10.2.0.77' }), 4), '3/1');
  t.is(code(udpFrame({ ...through, to: '10.51.0.1' })), '3/1');
  t.is(code(packetFrame({ ...toUs, protocol: 253 })), '3/2');
  t.is(code(udpFrame(toUs)), '3/3');
  t.is(code(udpFrame({ ...through, fragment: 0x4000, body: new Uint8Array(1400) })), '3/4');
  t.is(code(udpFrame({ ...through, to: '10.50.0.1' })), '3/13');
  t.is(code(udpFrame({ ...through, ttl: 1 })), '11/0');
  t.is(code(packetFrame({ ...toUs, fragment: 0x2000, payload: new Uint8Array(8) }), 31), '11/1');
  t.is(code(udpFrame({ ...through, options: hex('9e000000') })), '12/0');
  t.is(code(udpFrame({ ...through, to: '10.1.0.77' })), '5/1');
  t.is(code(udpFrame({ ...through, to: '10.52.0.1' })), '');
});

test('ICMP-3: the header is quoted with as much as fits in 576 bytes, from whom it concerns, with TTL 64', (t) => {
  const { send, lan, stack, left } = rig();
  for (const length of [0, 8, 100, 520, 521, 1400]) {
    const frame = udpFrame({ ...through, ttl: 1, body: new Uint8Array(length) });
    const [error] = send(frame).left;
    t.is(error!.totalLength, Math.min(576, 28 + 28 + length));
    t.is(error!.ttl, 64);
    t.is(showIpv4(error!.source), '10.1.0.1');
    t.deepEqual(error!.payload.subarray(8), frame.subarray(14, 14 + error!.totalLength - 28));
  }
  // The answer bears the address that was spoken to, and the urgency of control traffic (RFC 1812 section 4.3.2.5).
  stack.addAddress(left, prefix('10.1.0.2/24'), 'static', lan.now, lan.simulation);
  t.is(showIpv4(send(udpFrame({ ...toUs, to: '10.1.0.2' })).left[0]!.source), '10.1.0.2');
  t.is(showIpv4(send(udpFrame({ ...toUs, to: '10.2.0.1' })).left[0]!.source), '10.2.0.1');
  t.is(send(udpFrame({ ...toUs, tos: 0x0c })).left[0]!.tos, 0xcc);
});

test('ICMP-4: an echo comes back with everything it brought', (t) => {
  for (const strictly of [true, false]) {
    const { send, stack } = rig(unlimited, 1500, strictly);
    const random = new Random('echo');
    for (const length of [0, 1, 7, 56, 1400]) {
      const body = length === 56 ? new Uint8Array(56) : random.bytes(length);
      for (const echo of [0, 0xffff_ffff, 0x1234_5678]) {
        const { left } = send(pingFrame({ ...toUs, body, echo, tos: 0x10 }));
        t.is(left.length, 1);
        const [reply] = left as [SeenPacket];
        t.is(reply.icmp, '0/0');
        t.is(reply.ttl, 64);
        t.is(reply.tos, 0x10);
        t.is(reply.fragment, 0);
        t.deepEqual(reply.payload.subarray(4), icmp(8, 0, echo, body).subarray(4));
      }
    }
    t.is(showIpv4(send(pingFrame({ ...toUs, to: '10.2.0.1' })).left[0]!.source), '10.2.0.1');
    const coded = packetFrame({ ...toUs, protocol: 1, payload: icmp(8, 7, 1, new Uint8Array(4)) });
    t.is(send(coded).left[0]!.icmp, '0/7');
    const spoiled = icmp(8, 0, 1, new Uint8Array(8));
    spoiled[9]! ^= 1;
    t.deepEqual(send(packetFrame({ ...toUs, protocol: 1, payload: spoiled })).why, [
      'ICMP_CHECKSUM',
    ]);
    t.deepEqual(send(packetFrame({ ...toUs, protocol: 1, payload: hex('08000000') })).why, [
      'MALFORMED',
    ]);
    t.deepEqual(send(pingFrame({ ...toUs, to: '10.1.0.255' })).left, []);
    t.is(stack.reassembly.bytes, 0);
  }
  const friendly = rig({ ...unlimited, icmp: { ...unlimited.icmp, answersBroadcastEcho: true } });
  const everybody = { ...toUs, to: '10.1.0.255', receiver: 'ff:ff:ff:ff:ff:ff' } as const;
  t.is(showIpv4(friendly.send(pingFrame(everybody)).left[0]!.source), '10.1.0.1');
});

test('ICMP-4: a timestamp request is told the time of day, which begins with the lab', (t) => {
  const { send, lan } = rig();
  lan.run(seconds(90_061)); // a day, an hour, a minute and a second
  const question = icmp(
    13,
    0,
    0x1234_0005,
    concat(hex('00000007'), new Uint8Array(8), hex('ffff')),
  );
  const { left } = send(packetFrame({ ...toUs, protocol: 1, payload: question }));
  const time = (3661 * 1000).toString(16).padStart(8, '0');
  t.is(left[0]!.icmp, '14/0');
  t.is(showHex(left[0]!.payload.subarray(4)), `1234000500000007${time}${time}`);
  t.deepEqual(
    send(packetFrame({ ...toUs, protocol: 1, payload: question.subarray(0, 12) })).left,
    [],
  );
});

test('ICMP-5: a shorter way is shown only to neighbours whose next router is one too, and the packet goes on', (t) => {
  const r = rig();
  r.left.neighbours.pin(ipv4('10.1.0.7'), mac('02:00:00:00:00:07'), r.lan.simulation);
  r.lan.route(r.stack, '10.9.0.0/16', '10.1.0.7', r.left);
  const { left } = r.send(udpFrame({ ...through, to: '10.9.0.1' }));
  t.is(left[0]!.icmp, '5/1');
  t.is(showHex(left[0]!.payload.subarray(4, 8)), '0a010007');
  t.is(left[1]!.ttl, 63);
  r.lan.run(seconds(30));
  const stranger = r.send(udpFrame({ ...through, from: '10.5.0.1', to: '10.9.0.1' })).left;
  t.deepEqual(
    stranger.map(({ protocol }) => protocol),
    [17],
  );
  r.left.sendsRedirects = false;
  t.is(r.send(udpFrame({ ...through, to: '10.9.0.1' })).left.length, 1);
});

test('ICMP-5: who does not listen is told less and less often, and after nine times no more', (t) => {
  const r = rig();
  r.left.neighbours.pin(ipv4('10.1.0.7'), mac('02:00:00:00:00:07'), r.lan.simulation);
  const told: number[] = [];
  const begun = r.lan.now;
  for (let i = 0; i < 4000; i += 1) {
    const at = r.lan.now - begun;
    if (r.send(udpFrame({ ...through, to: '10.1.0.7' })).left.some((p) => p.icmp === '5/1'))
      told.push(at / 1e6);
  }
  t.is(told.length, 9);
  const gaps = told.slice(1).map((at, i) => at - told[i]!);
  gaps.forEach((gap, i) => {
    t.true(gap > 20 * 2 ** (i + 1) && gap <= 20 * 2 ** (i + 1) + 20, `${gap} ms`);
  });
  r.lan.run(seconds(21)); // redirect_silence
  t.is(r.send(udpFrame({ ...through, to: '10.1.0.7' })).left.length, 2);
});

test('ICMP-5: a host follows a redirect of the router that it uses, and of nobody else', (t) => {
  const lan = new Lan();
  const a = lan.raw('a');
  const host = lan.host('h', ['10.1.0.1/24']);
  lan.connect(a.port, host.ports[0]!);
  const [on] = host.interfaces as [Interface];
  for (const last of [8, 9, 10])
    on.neighbours.pin(
      ipv4(`10.1.0.${last}`),
      mac(`02:00:00:00:00:${last.toString(16).padStart(2, '0')}`),
      lan.simulation,
    );
  lan.route(host, '0.0.0.0/0', '10.1.0.9');
  host.udp.listeners.set(4000, { datagram() {} });
  const quoted = udpFrame({ from: '10.1.0.1', to: '192.0.2.1' }).subarray(14);
  const redirect = (from: string, gateway: string, quote = quoted): void => {
    lan.inject(
      a,
      packetFrame({ from, to: '10.1.0.1', protocol: 1, payload: icmp(5, 1, ipv4(gateway), quote) }),
    );
    lan.run(milliseconds(1));
  };
  const nextHop = (): string => {
    host.udp.send(
      ipv4('192.0.2.1'),
      4000,
      9,
      new Payload(new Uint8Array(1)),
      lan.now,
      lan.simulation,
    );
    lan.run(milliseconds(1));
    return a.take().at(-1)!.slice(10, 12);
  };
  t.is(nextHop(), '09');
  redirect('10.1.0.10', '10.1.0.8'); // not from the router in use
  redirect('10.1.0.9', '10.7.0.8'); // to no neighbour
  redirect('10.1.0.9', '10.1.0.1'); // to ourselves
  const strange = udpFrame({ from: '10.1.0.1', to: '192.0.2.1', sourcePort: 5 }).subarray(14);
  redirect('10.1.0.9', '10.1.0.8', strange); // about nothing we sent
  redirect('10.1.0.9', '10.1.0.8', udpFrame({ from: '10.1.0.7', to: '192.0.2.1' }).subarray(14));
  t.is(nextHop(), '09');
  redirect('10.1.0.9', '10.1.0.8');
  t.is(nextHop(), '08');
  redirect('10.1.0.9', '10.1.0.10'); // no longer in use
  t.is(nextHop(), '08');
  redirect('10.1.0.8', '10.1.0.10'); // the new one may show another
  t.is(nextHop(), '0a');
  t.is(host.routes.all.filter((route) => route.redirected).length, 1);
});

test('ICMP-6: of 50 TTL errors in a burst 3 are sent, of 50 without a route 1, and one a second from then on', (t) => {
  const burst = (profile: Profile, parts: object): number[] => {
    const r = rig(profile);
    const counts: number[] = [];
    for (const wait of [0, 1, 5]) {
      r.lan.run(seconds(wait));
      counts.push(
        r.send(...Array.from({ length: 50 }, () => udpFrame({ ...through, ...parts }))).left.length,
      );
    }
    return counts;
  };
  const ttl = { ttl: 1 };
  const noRoute = { to: '192.0.2.1' };
  t.deepEqual(burst(linux, ttl), [3, 1, 3]);
  t.deepEqual(burst(linux, noRoute), [1, 1, 1]);
  const ratelimit0 = { ...linux, icmp: { ...linux.icmp, rateLimit: false } };
  t.deepEqual(burst(ratelimit0, ttl), [50, 50, 50]);
  t.deepEqual(burst(ratelimit0, noRoute), [1, 1, 1]);
  t.deepEqual(burst(strict, ttl), [50, 50, 50]);
  t.deepEqual(burst(strict, noRoute), [50, 50, 50]);
  // Each destination has its own measure; echo replies and redirects have none.
  const r = rig(linux);
  for (const last of [2, 3]) {
    const from = `10.1.0.${last}`;
    r.left.neighbours.pin(ipv4(from), mac('02:00:00:00:00:99'), r.lan.simulation);
    t.is(
      r.send(...Array.from({ length: 9 }, () => udpFrame({ ...through, from, ttl: 1 }))).left
        .length,
      3,
    );
  }
  t.is(r.send(...Array.from({ length: 50 }, () => pingFrame(toUs))).left.length, 50);
});

test('ICMP-6: the measures of a million destinations take no more room than 4096', (t) => {
  const limit = new RateLimit(3);
  for (let i = 0; i < 1_000_000; i += 1) limit.take(i as Ipv4, (i * 100) as Instant);
  t.true(limit.size <= 4096);
  const plain = new RateLimit(2);
  const at = (s: number): boolean => plain.take(7 as Ipv4, seconds(s) as number as Instant);
  t.deepEqual([0, 0, 0, 0.5, 1, 1.5, 2, 10, 10, 10].map(at), [
    true,
    true,
    false,
    false,
    true,
    false,
    true,
    true,
    true,
    false,
  ]);
});

// Path MTU

/** A host that has a UDP port 4000 in use and a way to 10.9.0.1, and what it thinks of that way. */
function sender(profile: Profile): {
  mtu(): number;
  tooBig(mtu: number, options?: object): void;
  lan: Lan;
  a: Raw;
  host: IpStack;
} {
  const lan = new Lan();
  const a = lan.raw('a');
  const host = lan.host('h', ['10.1.0.1/24'], profile);
  lan.connect(a.port, host.ports[0]!);
  host.interfaces[0]!.neighbours.pin(ipv4('10.1.0.9'), mac('02:00:00:00:00:99'), lan.simulation);
  lan.route(host, '0.0.0.0/0', '10.1.0.9');
  host.udp.listeners.set(4000, { datagram() {} });
  return {
    lan,
    a,
    host,
    mtu: () => host.pathMtu(ipv4('10.9.0.1'), lan.now),
    tooBig(mtu, options) {
      const quoted = udpFrame({ from: '10.1.0.1', to: '10.9.0.1', totalLength: 1500, ...options });
      const payload = icmp(3, 4, mtu, quoted.subarray(14));
      lan.inject(a, packetFrame({ from: '10.5.0.1', to: '10.1.0.1', protocol: 1, payload }));
      lan.run(milliseconds(1));
    },
  };
}

test('PMTU-1: a router that says what fits is believed downwards only, not below the least, and for ten minutes', (t) => {
  for (const [profile, least] of [
    [linux, 552],
    [strict, 68],
  ] as const) {
    const s = sender(profile);
    t.is(s.mtu(), 1500);
    s.tooBig(1400);
    t.is(s.mtu(), 1400);
    s.tooBig(1450);
    t.is(s.mtu(), 1400);
    s.tooBig(20);
    t.is(s.mtu(), least);
    s.lan.run(seconds(599));
    t.is(s.mtu(), least);
    s.lan.run(seconds(2));
    t.is(s.mtu(), 1500);
  }
  // A router that does not say: the next lower of the usual sizes (RFC 1191 section 7.1).
  const s = sender(strict);
  s.tooBig(0);
  t.is(s.mtu(), 1492);
  s.tooBig(0, { totalLength: 1492 });
  t.is(s.mtu(), 1006);
});

test('PMTU-1: what is sent afterwards fits', (t) => {
  const s = sender(linux);
  const send = (length: number): number[] => {
    s.host.udp.send(
      ipv4('10.9.0.1'),
      4000,
      9,
      new Payload(new Uint8Array(length)),
      s.lan.now,
      s.lan.simulation,
    );
    s.lan.run(milliseconds(1));
    return s.a.take().map((frame) => seen(hex(frame)).totalLength);
  };
  t.deepEqual(send(1472), [1500]);
  s.tooBig(1400);
  t.deepEqual(send(1472), [1396, 124]);
  s.lan.run(seconds(601));
  t.deepEqual(send(1472), [1500]);
});

test('PMTU-2: a message about nothing that we sent is not believed', (t) => {
  const s = sender(linux);
  s.tooBig(1400, { sourcePort: 4001 });
  s.tooBig(1400, { from: '10.1.0.7' });
  s.tooBig(1400, { protocol: 47 });
  s.tooBig(1400, { first: 0x44 });
  const short = icmp(3, 4, 1400, udpFrame({ from: '10.1.0.1', to: '10.9.0.1' }).subarray(14, 34));
  s.lan.inject(s.a, packetFrame({ from: '10.5.0.1', to: '10.1.0.1', protocol: 1, payload: short }));
  s.lan.run(milliseconds(1));
  t.is(s.mtu(), 1500);
  t.deepEqual(s.lan.drops('h'), Array(5).fill('ICMP_IGNORED'));
  t.deepEqual(s.a.take(), []);
});

test('PMTU-2: a flood of such messages, each about another way, is bounded', (t) => {
  const s = sender(linux);
  for (let i = 0; i < 5000; i += 1)
    s.tooBig(1400, { to: showIpv4((ipv4('11.0.0.0') + i) as Ipv4) });
  t.true(s.host.pathMtus.size <= 4096);
});

// UDP

test('UDP-1: the checksum covers the addresses; none at all is accepted, and a sum of zero is sent as all ones', (t) => {
  const { send, stack, lan, a } = rig();
  const got: string[] = [];
  stack.udp.listeners.set(9, { datagram: (datagram) => void got.push(showHex(datagram.payload)) });
  send(udpFrame({ ...toUs, body: hex('0102') }));
  send(udpFrame({ ...toUs, body: hex('03'), udpChecksum: 0 }));
  t.deepEqual(got, ['0102', '03']);
  const moved = packetFrame({
    ...toUs,
    from: '10.1.0.8',
    protocol: 17,
    payload: udp({ ...toUs, body: hex('0405') }),
  });
  for (const bad of [udpFrame({ ...toUs, udpChecksum: 0x1234 }), moved])
    t.deepEqual(send(bad), { left: [], right: [], why: ['UDP_CHECKSUM'] });
  t.deepEqual(send(udpFrame({ ...toUs, port: 10, udpChecksum: 0x1234 })).left, []); // no 3/3 either
  // A payload that makes the sum zero: found by trying.
  let zeros = 0;
  for (let word = 0; word < 65_536; word += 1) {
    const body = Uint8Array.of(word >> 8, word);
    stack.udp.send(ipv4('10.1.0.9'), 4000, 9, new Payload(body), lan.now, lan.simulation);
    if (word % 1024 === 1023) {
      lan.run(milliseconds(10));
      for (const frame of a.take()) {
        const { payload } = seen(hex(frame)); // checks the sum
        const sum = showHex(payload.subarray(6, 8));
        t.not(sum, '0000');
        if (sum === 'ffff') zeros += 1;
      }
    }
  }
  t.is(zeros, 1);
});

test('UDP-2: a length below 8 or beyond the packet ends the datagram, a shorter one cuts it', (t) => {
  const { send, stack } = rig();
  const got: string[] = [];
  stack.udp.listeners.set(9, { datagram: (datagram) => void got.push(showHex(datagram.payload)) });
  for (const udpLength of [0, 7, 13, 65_535])
    t.deepEqual(
      send(udpFrame({ ...toUs, udpLength, udpChecksum: 0 })).why,
      ['UDP_LENGTH'],
      `${udpLength}`,
    );
  for (const payload of [new Uint8Array(0), new Uint8Array(7)])
    t.deepEqual(send(packetFrame({ ...toUs, protocol: 17, payload })).why, ['UDP_LENGTH']);
  send(udpFrame({ ...toUs, body: hex('01020304'), udpLength: 10, udpChecksum: 0 }));
  t.deepEqual(got, ['0102']);
});

test('a machine that is switched off takes nothing and says nothing', (t) => {
  const { send, stack, lan, a } = rig();
  lan.inject(a, packetFrame({ ...toUs, fragment: 0x2000, payload: new Uint8Array(8) }));
  lan.run(milliseconds(1));
  stack.running = false;
  t.deepEqual(send(pingFrame(toUs)), { left: [], right: [], why: ['POWERED_OFF'] });
  lan.run(seconds(100));
  t.deepEqual(a.take(), []);
});
