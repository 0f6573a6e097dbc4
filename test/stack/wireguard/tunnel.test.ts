import test from 'ava';
import { equalBytes, showHex } from '../../../src/base/bytes.ts';
import { Random } from '../../../src/base/random.ts';
import { after, type Instant, milliseconds, seconds } from '../../../src/base/time.ts';
import { nobleCrypto } from '../../../src/crypto/noble.ts';
import { nodeCrypto } from '../../../src/crypto/node.ts';
import { peerId } from '../../../src/stack/wireguard/peer.ts';
import { WireGuard } from '../../../src/stack/wireguard/tunnel.ts';
import type { WireGuardOutput } from '../../../src/stack/wireguard/tunnel-io.ts';
import { prefix } from '../../../src/wire/address.ts';
import { fromCorpus } from '../../crypto/corpus.ts';
import { datagramsOf } from '../../support/captures.ts';
import {
  aEnd,
  aIp,
  at,
  bEnd,
  bIp,
  connected,
  end,
  type Flight,
  idOf,
  inner,
  Net,
  pair,
  psk,
  publicOf,
  tunnel,
} from './harness.ts';

const kinds = (outputs: readonly WireGuardOutput[]) => outputs.map(({ kind }) => kind);
const reasons = (outputs: readonly WireGuardOutput[]) =>
  outputs.flatMap((output) => (output.kind === 'dropped' ? [output.reason] : []));
const bytesOut = (outputs: readonly WireGuardOutput[]) =>
  outputs.reduce((sum, o) => sum + (o.kind === 'datagram' ? o.bytes.length : 0), 0);
const states = (net: Net, who: string) => net.of(who, 'state').map(({ state }) => state);
const gaps = (moments: readonly Instant[]) =>
  moments.slice(1).map((moment, i) => (moment - moments[i]!) / 1e9);
const toB = (length?: number) => inner(aIp, bIp, length);
const toA = (length?: number) => inner(bIp, aIp, length);

// Handshake and data

test('WG-2: the first packet brings the session up, and is delivered as it was', (t) => {
  const net = pair();
  t.deepEqual(kinds(net.send('a', toB(84))), ['keys', 'datagram', 'state']);
  net.run(at(1));
  t.deepEqual(
    net.of('b', 'packet').map(({ at: when, bytes, peer }) => [when, bytes, peer]),
    [[at(0.03), toB(84), idOf('a')]],
    'three crossings: initiation, response, packet',
  );
  t.deepEqual(states(net, 'a'), ['connecting', 'up']);
  t.deepEqual(states(net, 'b'), ['connecting', 'up']);
  t.deepEqual(net.of('b', 'state').at(-1)?.endpoint, aEnd);
  net.send('b', toA(60));
  net.run(at(2));
  t.deepEqual(
    net.of('a', 'packet').map(({ bytes }) => bytes),
    [toA(60)],
  );
  t.is(net.machine('a').lastHandshake(idOf('b')), at(0.02));
  t.is(net.machine('b').lastHandshake(idOf('a')), at(0.03));
  const a = net.machine('a').status(idOf('b'), net.now);
  const b = net.machine('b').status(idOf('a'), net.now);
  t.deepEqual([a.state, a.endpoint], ['up', bEnd]);
  t.deepEqual([a.sentBytes, a.receivedBytes], [148 + 96 + 32, 92 + 64 + 32]);
  t.deepEqual([b.sentBytes, b.receivedBytes], [a.receivedBytes, a.sentBytes]);
});

test('WG-2: one end with Node and one with noble, the bytes are those of two alike', (t) => {
  const flights = [nodeCrypto, nobleCrypto].map((crypto) => {
    const net = pair({ options: { crypto } });
    net.send('a', toB());
    net.run(at(1));
    t.is(net.of('b', 'packet').length, 1);
    return net.log.map(({ output }) => (output.kind === 'datagram' ? showHex(output.bytes) : ''));
  });
  t.deepEqual(flights[0], flights[1]);
  const mixed = new Net();
  const peer = { publicKey: publicOf('b'), allowedIps: [prefix(`${bIp}/32`)], endpoint: bEnd };
  mixed.add('a', tunnel('a', [peer], { crypto: nobleCrypto }), aEnd);
  mixed.add('b', tunnel('b', [{ publicKey: publicOf('a'), allowedIps: [] }]), bEnd);
  mixed.tell('a', { kind: 'connect', peer: idOf('b') });
  mixed.run(at(1));
  t.deepEqual(states(mixed, 'b'), ['connecting', 'up']);
});

test('the same seed gives the same bytes, another one others', (t) => {
  const run = (name: string) => {
    const net = pair({ options: { random: new Random(name) } });
    net.send('a', toB());
    net.run(at(300));
    return net.log;
  };
  t.deepEqual(run('one'), run('one'));
  t.notDeepEqual(run('one'), run('two'));
});

test('WG-2: with the key of the responder we answer an initiation of wireguard-go', (t) => {
  const capture = fromCorpus(t, 'kernel-golden/wg-go-session.pcap');
  const file = fromCorpus(t, 'kernel-golden/wg-go-session.keys.json');
  if (capture === undefined || file === undefined) return;
  const keys = JSON.parse(String(file)) as Record<string, { private: string; public: string }>;
  const machine = new WireGuard(
    {
      privateKey: Buffer.from(keys['responder']!.private, 'base64'),
      crypto: nodeCrypto,
      random: new Random('golden'),
      epoch: 1_795_223_669,
      peers: [
        {
          publicKey: Buffer.from(keys['initiator']!.public, 'base64'),
          allowedIps: [prefix('192.168.50.1/32')],
        },
      ],
    },
    at(0),
  );
  const datagrams = datagramsOf(capture);
  const [first] = datagrams;
  const { from, payload: bytes } = first!;
  const outputs = machine.handle({ kind: 'datagram', from, bytes }, at(0));
  t.deepEqual(kinds(outputs), ['keys', 'datagram', 'state']);
  const answer = outputs[1]!;
  if (answer.kind !== 'datagram') return t.fail();
  t.deepEqual(answer.to, end('10.0.0.1', 51820));
  t.is(answer.bytes.length, 92);
  t.deepEqual(answer.bytes.subarray(8, 12), bytes.subarray(4, 8), "it names the initiator's index");
  // Everything after it belongs to the session of another run.
  for (const { from: source, payload } of datagrams.slice(2)) {
    const later = machine.handle({ kind: 'datagram', from: source, bytes: payload }, at(1));
    t.deepEqual(reasons(later), ['WG_UNKNOWN_INDEX']);
    t.is(bytesOut(later), 0);
  }
});

test('keys are told before the datagram they were made for, at both ends', (t) => {
  const net = connected();
  for (const [who, other] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    const log = net.log.filter((entry) => entry.who === who).map(({ output }) => output);
    const told = log.findIndex(({ kind }) => kind === 'keys');
    const keys = log[told]!;
    const sent = log[told + 1]!;
    if (keys.kind !== 'keys' || sent.kind !== 'datagram') return t.fail();
    const ephemeral = nodeCrypto.publicKey(keys.ephemeralPrivate);
    const where = who === 'a' ? 8 : 12;
    t.deepEqual(sent.bytes.subarray(where, where + 32), ephemeral);
    t.deepEqual(nodeCrypto.publicKey(keys.staticPrivate), publicOf(who));
    t.deepEqual(keys.remoteStatic, publicOf(other));
    t.is(keys.presharedKey.length, 32);
  }
});

test('WG-3: a peer whose key is of low order is refused at once', (t) => {
  const peer = { publicKey: new Uint8Array(32), allowedIps: [] };
  t.throws(() => tunnel('a', [peer]), { message: /not a public key/ });
  t.throws(() => tunnel('a', [{ publicKey: publicOf('a'), allowedIps: [] }]), {
    message: /itself/,
  });
  const twin = { publicKey: publicOf('b'), allowedIps: [] };
  t.throws(() => tunnel('a', [twin, twin]), { message: /two peers/ });
});

// Replayed and repeated initiations

test('WG-4: an initiation that comes twice, or an older one, gets no answer', (t) => {
  const net = pair();
  net.lose = () => true;
  net.tell('a', { kind: 'connect', peer: idOf('b') });
  net.run(at(6));
  const [older, newer] = net.of('a', 'datagram').map(({ bytes }) => bytes);
  const flight = (bytes: Uint8Array): Flight => ({ from: aEnd, to: bEnd, bytes });
  t.is(bytesOut(net.inject(flight(newer!))), 92);
  net.run(at(7));
  const copies = [...net.inject(flight(newer!)), ...net.inject(flight(older!))];
  t.deepEqual(reasons(copies), ['WG_REPLAY', 'WG_REPLAY']);
  t.is(bytesOut(copies), 0);
});

test('WG-4: of the initiations of one peer at most 50 a second are answered', (t) => {
  const peer = { publicKey: publicOf('b'), allowedIps: [], endpoint: bEnd };
  // Each a new machine, for one does not ask that often; times in steps of a timestamp.
  const step = 16777216;
  const initiations = Array.from({ length: 60 }, (_, i) => {
    const when = (i * step) as Instant;
    const machine = tunnel('a', [peer], {}, when);
    const outputs = machine.handle({ kind: 'connect', peer: idOf('b') }, when);
    return outputs.flatMap((output) => (output.kind === 'datagram' ? [output.bytes] : []))[0]!;
  });
  const b = tunnel('b', [{ publicKey: publicOf('a'), allowedIps: [] }]);
  const answers = initiations.map((bytes, i) => {
    const when = after(at(5), milliseconds(i * 10));
    return b.handle({ kind: 'datagram', from: aEnd, bytes }, when);
  });
  answers.forEach((outputs, i) => {
    t.deepEqual(reasons(outputs), i % 2 === 0 ? [] : ['WG_RATE_LIMITED']);
    t.is(bytesOut(outputs), i % 2 === 0 ? 92 : 0);
  });
});

// Timers

test('WG-5: an unanswered initiation is sent every 5 s and up to 333 ms more, for 90 s', (t) => {
  const net = pair();
  net.lose = () => true;
  net.send('a', toB());
  net.run(at(600));
  const sent = net.sent('a', 1);
  const waits = gaps(sent);
  t.true(
    waits.every((wait) => wait >= 5 && wait <= 5.333),
    waits.join(),
  );
  t.true(Math.max(...waits) - Math.min(...waits) > 0.1, 'they differ');
  t.true(sent.at(-1)! < at(90) && sent.at(-1)! > at(84));
  t.deepEqual(
    net.of('a', 'state').map(({ at: when, state }) => [when, state]),
    [
      [at(0), 'connecting'],
      [at(90), 'failed'],
    ],
  );
  const dropped = net.of('a', 'dropped');
  t.deepEqual(dropped, [
    { at: at(90), kind: 'dropped', reason: 'WG_NO_SESSION', bytes: toB(), peer: idOf('b') },
  ]);
  t.true(
    new Set(net.of('a', 'datagram').map(({ bytes }) => showHex(bytes.subarray(8, 40)))).size ===
      sent.length,
    'each has an ephemeral key of its own',
  );
});

test('WG-5: after giving up the next packet starts anew, and can succeed', (t) => {
  const net = pair();
  net.lose = (_, now) => now < at(200);
  net.send('a', toB());
  net.run(at(200));
  net.send('a', toB(50));
  net.run(at(201));
  t.deepEqual(states(net, 'a'), ['connecting', 'failed', 'connecting', 'up']);
  t.deepEqual(
    net.of('b', 'packet').map(({ bytes }) => bytes.length),
    [50],
  );
});

test('WG-5: packets that keep coming keep it trying, but it is called failed after 90 s all the same', (t) => {
  const net = pair();
  net.lose = (_, now) => now < at(200);
  for (let second = 0; second < 210; second += 1) {
    net.run(at(second));
    net.send('a', toB());
  }
  t.deepEqual(
    net.of('a', 'state').map(({ at: when, state }) => [Math.floor(when / 1e9), state]),
    [
      [0, 'connecting'],
      [90, 'failed'],
      [Math.floor(net.of('a', 'state').at(-1)!.at / 1e9), 'up'],
    ],
  );
  t.true(net.of('a', 'state').at(-1)!.at < at(206));
  t.true(gaps(net.sent('a', 1)).every((wait) => wait >= 5));
});

test('WG-6: the initiator renews when it sends after 120 s, the responder does not', (t) => {
  const net = connected();
  net.run(at(119.9));
  net.send('a', toB());
  net.send('b', toA());
  net.run(at(119.99));
  t.is(net.sent('a', 1).length, 1);
  net.run(at(121));
  net.send('b', toA());
  net.run(at(121.5));
  t.is(net.sent('b', 1).length, 0);
  t.is(net.sent('a', 1).length, 1, 'receiving does not renew it yet');
  net.send('a', toB());
  net.run(at(122));
  t.deepEqual(net.sent('a', 1), [at(0), at(121.5)]);
  t.is(net.machine('a').lastHandshake(idOf('b')), at(121.52));
  t.deepEqual(states(net, 'a'), ['connecting', 'up'], 'it was up all the time');
});

test('WG-6: the initiator renews when it receives after 165 s, once', (t) => {
  const net = connected();
  net.lose = ({ bytes }) => bytes[0] === 1;
  net.run(at(164.9));
  net.send('b', toA());
  net.run(at(165.05));
  t.is(net.sent('a', 1).length, 1, 'sealed in time, and made at 0.02 s: not yet');
  net.send('b', toA());
  net.send('b', toA());
  net.run(at(165.1));
  t.is(net.sent('a', 1).length, 2);
  t.true(net.sent('a', 1)[1]! >= at(165.05));
});

test('WG-6: each session is renewed in the last minute by what is received', (t) => {
  const net = connected();
  for (const when of [165.1, 330.3, 495.5]) {
    net.run(at(when));
    net.send('b', toA());
  }
  net.run(at(500));
  t.deepEqual(net.sent('a', 1).slice(1), [at(165.11), at(330.31), at(495.51)]);
  t.is(net.of('a', 'packet').length, 3);
});

test('WG-6: a session that nobody confirmed is over after 180 s', (t) => {
  const net = pair();
  net.lose = ({ bytes }) => bytes[0] === 2;
  net.tell('a', { kind: 'connect', peer: idOf('b') });
  net.run(at(1));
  net.lose = () => true;
  net.run(at(1000));
  t.deepEqual(
    net.of('b', 'state').map(({ at: when, state }) => [when, state]),
    [
      [at(0.01), 'connecting'],
      [at(180.01), 'down'],
    ],
  );
});

test('WG-6: a session is refused at 180 s in both directions', (t) => {
  const net = connected();
  net.run(at(179.99));
  // `a` has its keys since 0.02 s, `b` since 0.01 s.
  const sealed = net.send('a', toB()).find((output) => output.kind === 'datagram');
  if (sealed?.kind !== 'datagram') return t.fail();
  net.lose = () => true;
  net.run(at(180.009));
  t.is(net.of('b', 'packet').length, 1, 'at 180.00 s it is a moment before the end');
  const late = net.inject({ from: aEnd, to: bEnd, bytes: sealed.bytes });
  t.deepEqual(reasons(late), ['WG_REPLAY']);
  net.run(at(180.02));
  const later = net.inject({ from: aEnd, to: bEnd, bytes: sealed.bytes });
  t.deepEqual(reasons(later), ['WG_UNKNOWN_INDEX']);
  const before = net.sent('a', 4).length;
  net.send('a', toB());
  net.run(at(190));
  t.is(net.sent('a', 4).length, before, 'nothing more is sent with it');
});

test('WG-6: an idle tunnel is down after 180 s and has nothing left to do after 540 s', (t) => {
  const net = connected();
  net.run(at(10_000));
  t.deepEqual(
    net.of('a', 'state').map(({ at: when, state }) => [when / 1e9, state]),
    [
      [0, 'connecting'],
      [0.02, 'up'],
      [180.02, 'down'],
    ],
  );
  t.is(net.machine('a').nextWake(), undefined);
  t.is(net.machine('b').nextWake(), undefined);
  t.deepEqual(reasons(net.log.map(({ output }) => output)), []);
});

test('WG-6: a handshake that was given up is wiped after 540 s: an answer before still counts', (t) => {
  for (const [when, expected] of [
    [629.9, []],
    [630.1, ['WG_UNKNOWN_INDEX']],
  ] as const) {
    const net = pair();
    net.lose = () => true;
    net.send('a', toB());
    net.run(at(when));
    const { bytes } = net.of('a', 'datagram').at(-1)!;
    const [answer] = net
      .inject({ from: aEnd, to: bEnd, bytes })
      .flatMap((output) => (output.kind === 'datagram' ? [output.bytes] : []));
    t.deepEqual(reasons(net.inject({ from: bEnd, to: aEnd, bytes: answer! })), [...expected]);
  }
});

test('WG-7: who has received and has nothing to say sends a keepalive after 10 s', (t) => {
  const net = connected();
  net.send('a', toB());
  net.run(at(30));
  const keepalives = net.of('b', 'datagram').filter(({ bytes }) => bytes[0] === 4);
  t.deepEqual(
    keepalives.map(({ at: when, bytes }) => [when, bytes.length]),
    [[after(at(1), seconds(10.01)), 32]],
  );
  t.is(net.of('a', 'packet').length, 0, "it is nobody's packet");
  t.is(net.sent('a', 1).length, 1, 'and it kept `a` from starting anew');
});

test('WG-7: who has just answered sends no keepalive', (t) => {
  const net = connected();
  net.send('a', toB());
  net.run(at(2));
  net.send('b', toA());
  net.run(at(9));
  net.send('a', toB());
  net.run(at(40));
  const lengths = net.of('b', 'datagram').map(({ at: when, bytes }) => [when / 1e9, bytes.length]);
  t.deepEqual(lengths.slice(1), [
    [2, 32 + 48],
    [19.01, 32],
  ]);
});

test('WG-7: who has sent and heard nothing starts anew after 15 s and up to 333 ms', (t) => {
  const net = connected();
  net.lose = ({ bytes }, now) => bytes[0] === 4 && now < at(15);
  net.send('a', toB());
  net.run(at(30));
  const [, anew] = net.sent('a', 1);
  t.true(anew! >= at(16) && anew! <= at(16.333), `${anew! / 1e9}`);
  t.deepEqual(states(net, 'a'), ['connecting', 'up']);
});

test('WG-7: who goes on sending without an answer starts anew 15 s after the first of them', (t) => {
  const net = connected();
  net.lose = ({ bytes, from }) => bytes[0] === 4 && from.ip === bEnd.ip;
  for (let second = 1; second < 20; second += 1) {
    net.run(at(second));
    net.send('a', toB());
  }
  const [, anew] = net.sent('a', 1);
  t.true(anew! >= at(16) && anew! <= at(16.333), `${anew! / 1e9}`);
});

test('WG-7: who goes on receiving sends a keepalive every 10 s', (t) => {
  const net = connected();
  for (let second = 1; second <= 25; second += 1) {
    net.run(at(second));
    net.send('a', toB());
  }
  net.run(at(60));
  // The last packet came at 25.01 s: due by 35.01 s, and once more since one came in between.
  t.deepEqual(net.sent('b', 4), [at(11.01), at(21.01), at(31.01), at(41.01)]);
  t.is(net.sent('a', 1).length, 1);
});

test('WG-7: a persistent keepalive goes out whenever nothing else has for as long, and starts the tunnel', (t) => {
  const net = pair({ a: { persistentKeepalive: seconds(25) } });
  t.is(net.machine('a').nextWake(), at(0));
  net.run(at(100));
  t.deepEqual(net.sent('a', 1), [at(0)]);
  t.deepEqual(net.sent('a', 4), [at(0.02), at(25.02), at(50.02), at(75.02)]);
  net.send('a', toB());
  net.run(at(134));
  t.deepEqual(net.sent('a', 4).slice(4), [at(100)], 'heard from `b` at 110.02 s, in answer');
  net.run(at(136));
  // By then the session is old enough for a new one, which is confirmed at once.
  t.deepEqual(net.sent('a', 4).slice(5), [at(135.02), at(135.04)]);
  // And it can be turned off.
  const peer = { publicKey: publicOf('b'), allowedIps: [], presharedKey: psk };
  net.tell('a', { kind: 'configure', peer });
  net.run(at(1000));
  t.is(net.sent('a', 4).length, 7);
  t.is(net.machine('a').nextWake(), undefined);
});

test('WG-7: the keepalive of the recorded wireguard-go session came when ours would', (t) => {
  const capture = fromCorpus(t, 'kernel-golden/wg-go-session.pcap');
  if (capture === undefined) return;
  const datagrams = datagramsOf(capture);
  const keepalive = datagrams.findIndex(({ payload }) => payload.length === 32);
  const { from, at: when } = datagrams[keepalive]!;
  const heard = datagrams.slice(0, keepalive).findLast(({ to }) => to.port === from.port)!;
  const wait = (when - heard.at) / 1e6;
  t.true(wait >= 10 && wait < 10.1, `${wait} s`);
});

// Sessions that follow each other

test('WG-8: what was sealed with the previous session is opened right after a new one', (t) => {
  const net = connected();
  net.run(at(10));
  net.lose = ({ bytes }) => bytes[0] === 4;
  const [delayed, older] = [60, 61].map((length) => {
    const outputs = net.send('b', toA(length));
    return outputs.flatMap((output) => (output.kind === 'datagram' ? [output.bytes] : []))[0]!;
  });
  net.lose = () => false;
  const renew = (when: number) => {
    net.tell('a', { kind: 'connect', peer: idOf('b') });
    net.run(at(when));
  };
  renew(20);
  t.is(net.machine('b').lastHandshake(idOf('a')), at(10.03), 'the new session is confirmed');
  const outputs = net.inject({ from: bEnd, to: aEnd, bytes: delayed! });
  t.deepEqual(
    outputs.map((output) => (output.kind === 'packet' ? output.bytes : output.kind)),
    [toA(60)],
  );
  renew(30);
  const tooLate = net.inject({ from: bEnd, to: aEnd, bytes: older! });
  t.deepEqual(reasons(tooLate), ['WG_UNKNOWN_INDEX'], 'but not the one before the previous');
});

test('WG-8: the responder, too, opens nothing older than the previous session', (t) => {
  const net = connected();
  const lengths: number[] = [];
  const held: Uint8Array[] = [];
  for (const renewed of [10, 20]) {
    net.lose = ({ bytes }) => bytes[0] === 4;
    for (const output of net.send('a', toB(renewed + 40)))
      if (output.kind === 'datagram') held.push(output.bytes);
    net.lose = () => false;
    net.run(at(renewed));
    net.tell('a', { kind: 'connect', peer: idOf('b') });
    net.run(at(renewed + 1));
  }
  for (const bytes of held) {
    for (const output of net.inject({ from: aEnd, to: bEnd, bytes }))
      lengths.push(output.kind === 'packet' ? output.bytes.length : -1);
  }
  t.deepEqual(lengths, [-1, 60]);
});

test('WG-8: the responder sends with a new session only after the initiator has', (t) => {
  const net = connected();
  const oldIndex = indexOf(net.send('b', toA()));
  net.run(at(30));
  // A new handshake, of which the confirmation is held back.
  let confirmed = false;
  net.lose = ({ bytes, to }) => !confirmed && bytes[0] === 4 && to.ip === bEnd.ip;
  net.tell('a', { kind: 'connect', peer: idOf('b') });
  net.run(at(31));
  t.is(net.sent('b', 2).length, 2, 'answered');
  t.is(indexOf(net.send('b', toA())), oldIndex, 'still with the old session');
  net.run(at(32));
  t.is(net.of('a', 'packet').length, 2, 'which the initiator still opens');
  confirmed = true;
  net.send('a', toB());
  net.run(at(33));
  t.not(indexOf(net.send('b', toA())), oldIndex, 'now with the new one');
  net.run(at(34));
  t.is(net.of('a', 'packet').length, 3);
});

/** The receiver's index of the data message among the outputs. */
function indexOf(outputs: readonly WireGuardOutput[]): string {
  for (const output of outputs) {
    if (output.kind === 'datagram' && output.bytes[0] === 4)
      return showHex(output.bytes.subarray(4, 8));
  }
  return 'none';
}

test('WG-8: a responder without a session waits for the confirmation, then sends what waited', (t) => {
  const net = pair();
  net.lose = ({ bytes }, now) => bytes[0] === 4 && now < at(3);
  net.tell('a', { kind: 'connect', peer: idOf('b') });
  net.run(at(1));
  t.deepEqual(kinds(net.send('b', toA())), [], 'it may not send with the unconfirmed session');
  net.run(at(4));
  t.is(net.of('a', 'packet').length, 0);
  net.send('a', toB());
  net.run(at(5));
  t.is(net.of('a', 'packet').length, 1);
  t.deepEqual(states(net, 'b'), ['connecting', 'up']);
});

test('both ends start at the same moment: neither is answered, jitter decides the next round', (t) => {
  const net = pair({ b: { endpoint: aEnd } });
  net.send('a', toB());
  net.send('b', toA());
  net.run(at(0.5));
  t.is(net.of('a', 'packet').length + net.of('b', 'packet').length, 0);
  net.run(at(6));
  t.is(net.of('a', 'packet').length, 1);
  t.is(net.of('b', 'packet').length, 1);
  t.deepEqual([states(net, 'a').at(-1), states(net, 'b').at(-1)], ['up', 'up']);
  for (let second = 6; second < 600; second += 1) {
    net.run(at(second));
    net.send('a', toB());
    net.send('b', toA());
  }
  net.run(at(601));
  t.is(net.of('a', 'packet').length, 595, 'and all that follows arrives');
  t.is(net.of('b', 'packet').length, 595);
});

test('both start at once and the confirmation is lost: who has answered waits 5 s to ask', (t) => {
  const net = pair({ b: { endpoint: aEnd } });
  net.lose = ({ bytes }, now) => bytes[0] === 4 && now < at(8);
  net.send('a', toB());
  net.send('b', toA());
  net.run(at(30));
  for (const who of ['a', 'b']) {
    for (const asked of net.sent(who, 1)) {
      const before = [...net.sent(who, 1), ...net.sent(who, 2)].filter((when) => when < asked);
      t.true(asked - Math.max(-5e9, ...before) >= 5e9, `${who} at ${asked / 1e9}`);
    }
  }
  t.deepEqual([states(net, 'a').at(-1), states(net, 'b').at(-1)], ['up', 'up']);
});

test('over ten minutes on a line that loses a tenth, packets arrive and sessions are renewed', (t) => {
  const net = pair({ b: { endpoint: aEnd } });
  const luck = new Random('loss');
  let lost = 0;
  net.lose = ({ bytes }) => {
    const lose = luck.fraction() < 0.1;
    if (lose && bytes.length > 92) lost += 1;
    return lose;
  };
  for (let tick = 0; tick < 6000; tick += 1) {
    net.run(at(tick / 10));
    if (tick % 2 === 0) net.send('a', toB(100));
    else net.send('b', toA(200));
  }
  net.run(at(601));
  const received = net.of('a', 'packet').length + net.of('b', 'packet').length;
  t.true(received >= 6000 - lost && received > 5200, `${received} arrived, ${lost} lost`);
  const sessions = net.of('a', 'keys').length + net.of('b', 'keys').length;
  t.true(sessions >= 10 && sessions < 30, `${sessions} handshake messages`);
  t.deepEqual(
    reasons(net.log.map(({ output }) => output)).filter((reason) => reason !== 'WG_UNKNOWN_INDEX'),
    [],
  );
  t.false(states(net, 'a').includes('down') || states(net, 'a').includes('failed'));
});

test('without loss, not one packet is lost over ten minutes with its five sessions', (t) => {
  const net = pair();
  for (let tick = 0; tick < 1200; tick += 1) {
    net.run(at(tick / 2));
    net.send('a', toB());
    if (tick > 0) net.send('b', toA());
  }
  net.run(at(601));
  t.is(net.of('b', 'packet').length, 1200);
  t.is(net.of('a', 'packet').length, 1199);
  const asked = net.sent('a', 1).map((when) => when / 1e9);
  t.is(net.sent('b', 1).length, 0);
  // From 120 s after each session came to be, with the next packet.
  t.deepEqual(asked, [0, 120.5, 241, 361.5, 482]);
});

// Inner packets

test('WG-10: packets are padded to 16 but not beyond the MTU, and trimmed at the other end', (t) => {
  const net = connected();
  const sizes: [number, number][] = [
    [20, 32],
    [32, 32],
    [33, 48],
    [84, 96],
    [1408, 1408],
    [1409, 1420],
    [1420, 1420],
    [1500, 1500],
  ];
  for (const [length, padded] of sizes) t.is(bytesOut(net.send('a', toB(length))), padded + 32);
  net.run(at(2));
  t.deepEqual(
    net.of('b', 'packet').map(({ bytes }) => bytes),
    sizes.map(([length]) => toB(length)),
  );
});

test('WG-10: inner packets that are no IPv4, or longer than what came, are dropped', (t) => {
  const net = connected();
  const bad = [
    inner(aIp, bIp, 40).subarray(0, 19),
    inner(aIp, bIp, 40).map((byte, i) => (i === 0 ? 0x65 : byte)),
    new Uint8Array(0),
  ];
  for (const bytes of bad) t.deepEqual(reasons(net.send('a', bytes)), ['IP_HEADER']);
  // These pass the sender, which looks no further than the destination.
  for (const length of [19, 0, 49, 65_535]) {
    const bytes = inner(aIp, bIp, 48);
    new DataView(bytes.buffer).setUint16(2, length);
    net.send('a', bytes);
  }
  net.run(at(2));
  t.is(net.of('b', 'packet').length, 0);
  t.deepEqual(
    net.of('b', 'dropped').map(({ reason }) => reason),
    ['IP_HEADER', 'IP_HEADER', 'IP_HEADER', 'IP_HEADER'],
  );
});

test('WG-11: outwards the destination chooses the peer, inwards the source must belong to it', (t) => {
  const net = new Net();
  const cEnd = end('203.0.113.1');
  const hub = tunnel('hub', [
    { publicKey: publicOf('a'), allowedIps: [prefix('10.0.0.0/8')], endpoint: aEnd },
    { publicKey: publicOf('b'), allowedIps: [prefix('10.0.0.2/32')], endpoint: bEnd },
  ]);
  const spoke = { publicKey: publicOf('hub'), allowedIps: [prefix('0.0.0.0/0')], endpoint: cEnd };
  net.add('hub', hub, cEnd);
  net.add('a', tunnel('a', [spoke]), aEnd);
  net.add('b', tunnel('b', [spoke]), bEnd);
  net.send('hub', inner('10.9.9.9', '10.0.0.1'));
  net.send('hub', inner('10.9.9.9', '10.0.0.2'));
  t.deepEqual(reasons(net.send('hub', inner('10.9.9.9', '11.0.0.1'))), ['WG_NO_PEER']);
  net.run(at(1));
  t.is(net.of('a', 'packet').length, 1);
  t.is(net.of('b', 'packet').length, 1);

  net.send('b', inner('10.0.0.2', '10.9.9.9'));
  net.send('b', inner('10.0.0.3', '10.9.9.9'));
  net.send('a', inner('10.0.0.3', '10.9.9.9'));
  net.send('a', inner('10.0.0.2', '10.9.9.9'));
  net.run(at(2));
  t.deepEqual(
    net.of('hub', 'packet').map(({ peer }) => peer),
    [idOf('b'), idOf('a')],
  );
  t.deepEqual(
    net.of('hub', 'dropped').map(({ reason, peer }) => [reason, peer]),
    [
      ['WG_NO_PEER', undefined],
      ['WG_ALLOWED_IPS', idOf('b')],
      ['WG_ALLOWED_IPS', idOf('a')],
    ],
  );
});

test('WG-11: a prefix given to another peer is taken from the one that had it', (t) => {
  const net = connected();
  net.tell('a', {
    kind: 'configure',
    peer: { publicKey: publicOf('c'), allowedIps: [prefix(`${bIp}/32`)] },
  });
  t.is(net.machine('a').route(prefix(`${bIp}/32`).address), idOf('c'));
  t.deepEqual(reasons(net.send('a', toB())), ['WG_NO_ENDPOINT'], 'and `c` has not called yet');
  net.send('b', toA());
  net.run(at(2));
  t.deepEqual(
    net.of('a', 'dropped').map(({ reason }) => reason),
    ['WG_NO_ENDPOINT', 'WG_ALLOWED_IPS'],
  );
  net.tell('a', { kind: 'remove', peer: idOf('c') });
  t.deepEqual(reasons(net.send('a', toB())), ['WG_NO_PEER']);
});

test('WG-11: a peer that is configured anew has the new prefixes and no others', (t) => {
  const net = connected();
  const peer = { publicKey: publicOf('b'), allowedIps: [prefix('10.7.0.0/16')], presharedKey: psk };
  net.tell('a', { kind: 'configure', peer });
  t.deepEqual(reasons(net.send('a', toB())), ['WG_NO_PEER']);
  net.send('a', inner(aIp, '10.7.1.1'));
  net.run(at(2));
  t.is(net.of('b', 'packet').length, 1, 'its endpoint and its session are kept');
});

test('a peer can be removed and comes back with a new handshake', (t) => {
  const net = connected();
  const outputs = net.tell('b', { kind: 'remove', peer: idOf('a') });
  t.deepEqual(outputs, [{ kind: 'state', peer: idOf('a'), state: 'down', endpoint: aEnd }]);
  t.deepEqual(net.machine('b').peers, []);
  net.send('a', toB());
  net.run(at(30));
  t.deepEqual(
    [...new Set(net.of('b', 'dropped').map(({ reason }) => reason))],
    ['WG_UNKNOWN_INDEX', 'WG_UNKNOWN_PEER'],
  );
  t.throws(() => net.tell('b', { kind: 'connect', peer: idOf('a') }), { message: /no such peer/ });
  net.tell('b', {
    kind: 'configure',
    peer: { publicKey: publicOf('a'), allowedIps: [prefix(`${aIp}/32`)] },
  });
  net.tell('a', {
    kind: 'configure',
    peer: { publicKey: publicOf('b'), allowedIps: [prefix(`${bIp}/32`)] },
  });
  net.run(at(60));
  net.send('a', toB());
  net.run(at(62));
  t.is(net.of('b', 'packet').length, 1, 'neither has a preshared key now; the first was lost');
});

// Endpoints

test('WG-12: a peer that moves is followed by its first authentic packet', (t) => {
  const net = connected();
  const elsewhere = end('192.0.2.77', 4444);
  net.move('a', elsewhere);
  net.send('b', toA());
  net.run(at(2));
  t.is(net.of('a', 'packet').length, 0, 'it went to the old place');
  net.send('a', toB());
  net.run(at(3));
  net.send('b', toA());
  net.run(at(4));
  t.is(net.of('a', 'packet').length, 1);
  const { endpoint, state } = net.of('b', 'state').at(-1)!;
  t.deepEqual([state, endpoint], ['up', elsewhere]);
  t.is(net.of('b', 'state').length, 3, 'told once');
  // As behind a NAT that has forgotten it: another port only.
  net.move('a', end('192.0.2.77', 4445));
  net.send('a', toB());
  net.run(at(5));
  t.is(net.machine('b').status(idOf('a'), net.now).endpoint?.port, 4445);
});

test('WG-12: what is not authentic, or is replayed, moves nobody', (t) => {
  const net = connected();
  const stranger = end('203.0.113.66', 6666);
  const [initiation] = net.of('a', 'datagram');
  const data = net.send('a', toB()).find((output) => output.kind === 'datagram');
  if (data?.kind !== 'datagram') return t.fail();
  net.run(at(2));
  const spoilt = data.bytes.slice();
  spoilt[20] = spoilt[20]! ^ 1;
  const forged: Uint8Array[] = [initiation!.bytes, data.bytes, spoilt];
  for (const bytes of forged) {
    const outputs = net.inject({ from: stranger, to: bEnd, bytes });
    t.is(kinds(outputs).filter((kind) => kind !== 'dropped').length, 0);
  }
  // A right mac1 alone: made with the public key, which is no secret.
  const mallory = tunnel('mallory', [{ publicKey: publicOf('b'), allowedIps: [], endpoint: bEnd }]);
  const [, call] = mallory.handle({ kind: 'connect', peer: idOf('b') }, net.now);
  if (call?.kind !== 'datagram') return t.fail();
  const outputs = net.inject({ from: stranger, to: bEnd, bytes: call.bytes });
  t.deepEqual(reasons(outputs), ['WG_UNKNOWN_PEER']);
  t.is(bytesOut(outputs), 0);
  t.deepEqual(net.machine('b').status(idOf('a'), net.now).endpoint, aEnd);
});

test('a peer without an endpoint can be reached only once it has called', (t) => {
  const net = pair();
  t.deepEqual(reasons(net.send('b', toA())), ['WG_NO_ENDPOINT']);
  t.deepEqual(reasons(net.tell('b', { kind: 'connect', peer: idOf('a') })), ['WG_NO_ENDPOINT']);
  net.tell('a', { kind: 'connect', peer: idOf('b') });
  net.run(at(1));
  net.send('b', toA());
  net.run(at(2));
  t.is(net.of('a', 'packet').length, 1);
});

// Strangers and floods

test('WG-2: with different preshared keys both ends stay silent about it and fail', (t) => {
  const net = pair({ b: { presharedKey: new Uint8Array(32).fill(1) } });
  net.send('a', toB());
  net.run(at(100));
  t.is(net.sent('a', 4).length + net.sent('b', 4).length, 0);
  t.is(net.sent('b', 2).length, net.sent('a', 1).length, 'only the initiator can tell');
  t.true(net.of('a', 'dropped').some(({ reason }) => reason === 'WG_DECRYPT'));
  t.is(states(net, 'a').at(-1), 'failed');
  t.false(states(net, 'b').includes('up'));
});

test('a wrong answer does not spoil the handshake for the right one', (t) => {
  const net = pair();
  net.tell('a', { kind: 'connect', peer: idOf('b') });
  net.run(at(0.015));
  const { bytes } = net.of('b', 'datagram')[0]!;
  net.run(at(0.016));
  // All but mac2, which nobody looks at while all is quiet.
  for (let i = 0; i < 76; i += 1) {
    const spoilt = bytes.slice();
    spoilt[i] = spoilt[i]! ^ 4;
    t.deepEqual(kinds(net.inject({ from: bEnd, to: aEnd, bytes: spoilt })), ['dropped'], `${i}`);
  }
  net.run(at(1));
  t.is(states(net, 'a').at(-1), 'up');
});

test('WG-13: a busy responder wants a cookie first, keeps nothing, and answers who has one', (t) => {
  const net = pair({ options: { busyAt: 2 } });
  // Something else keeps `b` busy all the time: cookie replies out of nowhere count, and cost nothing.
  const noise = new Uint8Array(64);
  noise[0] = 3;
  const flood = (until: number) => {
    for (let tick = Math.ceil(net.now / 1e8); tick <= until * 10; tick += 1) {
      net.run(at(tick / 10));
      net.inject({ from: end('203.0.113.9'), to: bEnd, bytes: noise });
    }
  };
  flood(1);
  net.send('a', toB());
  flood(2);
  t.deepEqual([net.sent('b', 2).length, net.sent('b', 3).length], [0, 1]);
  t.is(net.of('b', 'dropped').filter(({ reason }) => reason === 'WG_COOKIE').length, 1);
  t.deepEqual(states(net, 'b'), [], 'no state was made');
  const [first] = net.of('a', 'datagram');
  t.true(equalBytes(first!.bytes.subarray(132), new Uint8Array(16)));
  flood(7);
  const second = net.of('a', 'datagram')[1]!;
  t.false(equalBytes(second.bytes.subarray(132), new Uint8Array(16)), 'the next carries mac2');
  t.true(second.at >= at(6), 'and comes no sooner than it would have');
  t.is(net.sent('b', 2).length, 1);
  t.is(net.of('b', 'packet').length, 1);
  const reply = net.of('b', 'datagram')[0]!;
  t.true(reply.bytes.length < first!.bytes.length, 'it does not amplify');
  t.is(reply.tos, 0, 'WG-16: and no initiation, no response: Linux marks those alone');
});

test('WG-13: even with cookies an address gets 20 handshakes a second', (t) => {
  const random = new Random('many');
  const b = tunnel('b', [], { busyAt: 0 });
  const counts = new Map<string, number>();
  for (let i = 0; i < 30; i += 1) {
    const privateKey = random.bytes(32);
    const peer = { publicKey: publicOf('b'), allowedIps: [], endpoint: bEnd };
    const options = { privateKey, crypto: nodeCrypto, random: random.child(`${i}`), epoch: 0 };
    const caller = new WireGuard({ ...options, peers: [peer] }, at(0));
    const call = (now: Instant) => {
      const outputs = caller.handle({ kind: 'connect', peer: idOf('b') }, now);
      const sent = outputs.find((output) => output.kind === 'datagram');
      const bytes = sent?.kind === 'datagram' ? sent.bytes : new Uint8Array(0);
      return b.handle({ kind: 'datagram', from: aEnd, bytes }, now);
    };
    const [asked] = call(at(0));
    if (asked?.kind !== 'datagram') return t.fail();
    caller.handle({ kind: 'datagram', from: bEnd, bytes: asked.bytes }, at(0));
    for (const reason of reasons(call(at(10)))) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  t.deepEqual(Object.fromEntries(counts), { WG_UNKNOWN_PEER: 5, WG_RATE_LIMITED: 25 });
});

test('WG-14: 100,000 random datagrams get not one byte in answer, and leave nothing behind', (t) => {
  const net = connected();
  const b = net.machine('b');
  const random = new Random('silence');
  const wake = b.nextWake();
  const lengths = [148, 92, 64, 32, 48, 1452];
  const counts = new Map<string, number>();
  for (let i = 0; i < 100_000; i += 1) {
    const length = i % 3 === 0 ? random.between(0, 200) : lengths[i % lengths.length]!;
    const bytes = random.bytes(Math.min(length, 160));
    if (i % 3 > 0) bytes.set([[1, 2, 3, 4, 4, 4][i % 6]!, 0, 0, 0]);
    const from = end('203.0.113.5', 1 + (i % 60_000));
    // Spread over a minute, so that it is not the flood of WG-13.
    for (const output of b.handle(
      { kind: 'datagram', from, bytes },
      after(at(1), (i * 6e5) as never),
    )) {
      if (output.kind !== 'dropped') t.fail(`${output.kind} for ${showHex(bytes)}`);
      else counts.set(output.reason, (counts.get(output.reason) ?? 0) + 1);
    }
  }
  t.is(
    [...counts.values()].reduce((sum, n) => sum + n),
    100_000,
    'each has a reason',
  );
  t.deepEqual([...counts.keys()].sort(), ['WG_MAC1', 'WG_MALFORMED', 'WG_UNKNOWN_INDEX']);
  t.is(b.nextWake(), wake);
  t.deepEqual(b.status(idOf('a'), at(61)).endpoint, aEnd);
});

test('WG-14: every length up to 200 with every type, and every byte of real messages spoilt: silence', (t) => {
  const net = connected();
  const b = net.machine('b');
  const sent = net.of('a', 'datagram').map(({ bytes }) => bytes);
  t.deepEqual(
    sent.map((bytes) => bytes.length),
    [148, 32],
  );
  const hostile: Uint8Array[] = [];
  for (let type = 0; type < 256; type += 1) {
    for (let length = 1; length <= 200; length += 1) {
      const bytes = new Uint8Array(length);
      bytes[0] = type;
      hostile.push(bytes);
    }
  }
  hostile.push(new Uint8Array(0));
  for (const bytes of sent) {
    for (let i = 0; i < bytes.length; i += 1) {
      hostile.push(bytes.subarray(0, i));
      const spoilt = bytes.slice();
      spoilt[i] = spoilt[i]! ^ (1 << (i % 8));
      hostile.push(spoilt);
    }
  }
  // What reaches the machine only with the handshake's macs at the end; the macs themselves are
  // the last 32 bytes of the initiation, and mac2 is not looked at while all is quiet.
  let silent = 0;
  for (const bytes of hostile) {
    const outputs = b.handle({ kind: 'datagram', from: end('203.0.113.5'), bytes }, at(2));
    if (outputs.length === 1 && outputs[0]!.kind === 'dropped') silent += 1;
  }
  t.is(silent, hostile.length);
});

test('WG-15: at most 128 packets wait for a session, and the oldest makes room', (t) => {
  const net = pair();
  const outputs = Array.from({ length: 140 }, (_, i) => net.send('a', toB(100 + i))).flat();
  const dropped = outputs.flatMap((output) => (output.kind === 'dropped' ? [output] : []));
  t.deepEqual(
    dropped.map(({ reason, bytes }) => [reason, bytes.length]),
    Array.from({ length: 12 }, (_, i) => ['WG_NO_SESSION', 100 + i]),
  );
  t.is(net.sent('a', 1).length, 1, 'they ask for one handshake');
  net.run(at(1));
  t.deepEqual(
    net.of('b', 'packet').map(({ bytes }) => bytes.length),
    Array.from({ length: 128 }, (_, i) => 112 + i),
    'in the order they came',
  );
});

test("a packet that waits is a copy: what becomes of the bytes given is nobody's concern", (t) => {
  const net = pair();
  const buffer = Buffer.from(toB(64));
  net.send('a', buffer);
  buffer.fill(0);
  net.run(at(1));
  t.deepEqual(net.of('b', 'packet')[0]?.bytes, toB(64));
});

test('"connect" renews a session that is up, but no more often than every 5 s', (t) => {
  const net = connected();
  t.deepEqual(kinds(net.tell('a', { kind: 'connect', peer: idOf('b') })), []);
  net.run(at(10));
  t.is(net.sent('a', 1).length, 2, 'it is made up for as soon as may be');
  t.true(net.sent('a', 1)[1]! >= at(5) && net.sent('a', 1)[1]! <= at(5.333));
  net.run(at(20));
  net.tell('a', { kind: 'connect', peer: idOf('b') });
  t.deepEqual(net.sent('a', 1).slice(2), [at(20)]);
});

test('a machine woken early, late or twice does nothing it would not have done', (t) => {
  const net = pair();
  net.lose = () => true;
  net.send('a', toB());
  const a = net.machine('a');
  t.deepEqual(a.wake(at(4)), []);
  const late = a.wake(at(50));
  t.deepEqual(kinds(late), ['keys', 'datagram']);
  t.deepEqual(a.wake(at(50)), []);
  t.true(a.nextWake()! >= at(55));
  t.deepEqual(a.peers, [peerId(publicOf('b'))]);
});
