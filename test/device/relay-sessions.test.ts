/** What the relay decides, without any network: datagrams of real tunnels, and of who pretends to be one. */
import test from 'ava';
import fc from 'fast-check';
import { Random } from '../../src/base/random.ts';
import { after, type Instant, labStart, seconds } from '../../src/base/time.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import {
  type RelaySession,
  RelaySessions,
  type RelayTarget,
  tunnelTarget,
} from '../../src/device/relay-sessions.ts';
import type { Reason } from '../../src/trace/reasons.ts';
import { type Ipv4, ipv4 } from '../../src/wire/address.ts';
import { encodeWireguard } from '../../src/wire/wireguard.ts';
import { aIp, bIp, connected, idOf, inner, pair, publicOf } from '../stack/wireguard/harness.ts';

const client = ipv4('198.51.100.7');
const targetAt = { ip: ipv4('10.255.0.2'), port: 1195 };

/** A target that knows its initiations by their fifth byte. */
const marked = (mark: number): RelayTarget => ({
  ...targetAt,
  isFor: (bytes) => bytes[4] === mark,
});

function initiation(mark: number): Uint8Array {
  const bytes = new Uint8Array(148);
  bytes[0] = 1;
  bytes[4] = mark;
  return bytes;
}

const response = (sender: number): Uint8Array =>
  encodeWireguard({
    kind: 'response',
    sender,
    receiver: 1,
    ephemeral: new Uint8Array(32),
    sealedNothing: new Uint8Array(16),
    mac1: new Uint8Array(16),
    mac2: new Uint8Array(16),
  });

const data = (receiver: number, length = 32): Uint8Array =>
  encodeWireguard({
    kind: 'data',
    receiver,
    counterHigh: 0,
    counterLow: 0,
    sealed: new Uint8Array(length - 16),
  });

/** One relay with one target, at a time that the test moves. */
function relay() {
  const sessions = new RelaySessions();
  sessions.setTarget('lan10', marked(1));
  let now = labStart;
  return {
    sessions,
    pass: (bySeconds: number) => {
      now = after(now, seconds(bySeconds));
    },
    from: (bytes: Uint8Array, port = 5000, ip: Ipv4 = client) =>
      sessions.fromClient(ip, port, bytes, now),
    back: (session: RelaySession, bytes: Uint8Array) =>
      sessions.fromTarget(session, targetAt.ip, targetAt.port, bytes, now),
    wake: () => sessions.wake(now),
  };
}

const opened = (session: RelaySession | Reason): RelaySession => {
  if (typeof session === 'string') throw new Error(session);
  return session;
};

test('an initiation opens a session for the tunnel whose key it was made with, and for no other', (t) => {
  const sessions = new RelaySessions();
  const at = (port: number) => ({ ip: targetAt.ip, port });
  sessions.setTarget('x', tunnelTarget(nodeCrypto, publicOf('x'), at(1197)));
  sessions.setTarget('b', tunnelTarget(nodeCrypto, publicOf('b'), at(1195)));
  const net = pair();
  net.tell('a', { kind: 'connect', peer: idOf('b') });
  const bytes = net.of('a', 'datagram')[0]!.bytes;
  t.is(opened(sessions.fromClient(client, 5000, bytes, labStart)).target.port, 1195);
  for (let bit = 0; bit < 132 * 8; bit += 7) {
    const spoilt = new Uint8Array(bytes);
    spoilt[bit >> 3]! ^= 1 << (bit & 7);
    t.is(sessions.fromClient(client, 6000, spoilt, labStart), 'RELAY_UNKNOWN_SOURCE', `bit ${bit}`);
  }
  t.is(sessions.size, 1);
});

test('until a client has used what it was granted, it is sent no more than came from it', (t) => {
  const { from, back } = relay();
  const session = opened(from(initiation(1)));
  t.is(back(session, response(77)), undefined);
  t.is(back(session, new Uint8Array(57)), 'RELAY_UNPROVEN', '148 came, 92 went');
  t.is(back(session, new Uint8Array(56)), undefined);
  t.is(back(session, new Uint8Array(1)), 'RELAY_UNPROVEN');
  from(data(76)); // a guess
  t.is(back(session, new Uint8Array(33)), 'RELAY_UNPROVEN');
  from(data(77));
  t.is(back(session, new Uint8Array(60_000)), undefined, 'it has received the answer');
});

test('a datagram that was refused for its length does not keep a session alive, nor count as sent', (t) => {
  const { from, back, pass } = relay();
  const session = opened(from(initiation(1)));
  pass(100);
  t.is(back(session, new Uint8Array(149)), 'RELAY_UNPROVEN');
  t.is(back(session, new Uint8Array(148)), undefined);
  pass(179);
  t.is(back(session, new Uint8Array(1)), 'RELAY_UNPROVEN');
  pass(1);
  t.is(
    back(session, new Uint8Array(0)),
    'RELAY_UNKNOWN_SOURCE',
    '180 s since the last that passed',
  );
});

test('amplification: whatever comes from whomever in whatever order, nobody unproven gets more than was sent in its name', (t) => {
  const act = fc.record({
    port: fc.integer({ min: 1, max: 3 }),
    back: fc.boolean(),
    kind: fc.constantFrom('initiation', 'response', 'data', 'junk'),
    index: fc.integer({ min: 1, max: 4 }),
    length: fc.integer({ min: 32, max: 1500 }),
    pass: fc.constantFrom(0, 0, 0, 1, 100),
  });
  const property = fc.property(fc.array(act, { maxLength: 80 }), (acts) => {
    const { sessions, from, back, pass, wake } = relay();
    const open = new Map<number, RelaySession>();
    const account = new Map<
      number,
      { in: number; out: number; offered: Set<number>; proven: boolean }
    >();
    for (const { port, back: isBack, kind, index, length, pass: wait } of acts) {
      pass(wait);
      wake();
      const bytes = {
        initiation: () => initiation(1),
        response: () => response(index),
        data: () => data(index, length),
        junk: () => new Uint8Array(length),
      }[kind]();
      if (isBack) {
        const session = open.get(port);
        if (session === undefined || back(session, bytes) !== undefined) continue;
        const sums = account.get(port)!;
        sums.out += bytes.length;
        if (kind === 'response') sums.offered.add(index);
        if (!sums.proven && sums.out > sums.in) return false;
      } else {
        const session = from(bytes, port);
        if (typeof session === 'string') continue;
        if (open.get(port) !== session)
          account.set(port, { in: 0, out: 0, offered: new Set(), proven: false });
        open.set(port, session);
        const sums = account.get(port)!;
        sums.in += bytes.length;
        if (kind === 'data' && sums.offered.has(index)) sums.proven = true;
      }
    }
    return sessions.size <= 3;
  });
  t.notThrows(() => fc.assert(property, { seed: 6180, numRuns: 2000 }));
});

test('a real tunnel is never held back: handshake, data both ways, a new handshake, and one begun by the far end', (t) => {
  const net = connected();
  net.send('a', inner(aIp, bIp, 600));
  net.send('b', inner(bIp, aIp, 1400));
  net.run(after(net.now, seconds(130)));
  net.send('a', inner(aIp, bIp));
  net.tell('b', { kind: 'connect', peer: idOf('a') });
  net.run(after(net.now, seconds(5)));
  net.send('b', inner(bIp, aIp, 1400));

  const sessions = new RelaySessions();
  sessions.setTarget('b', tunnelTarget(nodeCrypto, publicOf('b'), targetAt));
  let session: RelaySession | undefined;
  let passed = 0;
  for (const { who, output, at } of net.log) {
    if (output.kind !== 'datagram') continue;
    passed += 1;
    if (who === 'a') session = opened(sessions.fromClient(client, 5000, output.bytes, at));
    else
      t.is(
        sessions.fromTarget(session!, targetAt.ip, targetAt.port, output.bytes, at),
        undefined,
        `${passed}: ${output.bytes.length} bytes`,
      );
  }
  t.true(passed > 8);
});

test('no session for who cannot be a single machine out there, whatever key it knows', (t) => {
  const { sessions, from } = relay();
  for (const ip of [
    '0.0.0.0',
    '0.1.2.3',
    '127.0.0.1',
    '127.255.255.255',
    '169.254.0.1',
    '169.254.255.255',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
  ])
    t.is(from(initiation(1), 5000, ipv4(ip)), 'RELAY_UNKNOWN_SOURCE', ip);
  t.is(from(initiation(1), 0), 'RELAY_UNKNOWN_SOURCE', 'port 0');
  t.is(sessions.size, 0);
  for (const ip of ['1.0.0.1', '126.0.0.1', '128.0.0.1', '169.253.0.1', '169.255.0.1', '223.0.0.1'])
    t.not(typeof from(initiation(1), 5000, ipv4(ip)), 'string', ip);
});

test('nothing but an initiation for a target of ours changes where a client is reached', (t) => {
  const { sessions, from, back } = relay();
  const session = opened(from(initiation(1)));
  back(session, response(7));
  from(data(7));
  for (const bytes of [data(7), response(7), initiation(2), initiation(1).subarray(0, 147)])
    t.is(from(bytes, 5001), 'RELAY_UNKNOWN_SOURCE');
  t.is(sessions.size, 1);
  const moved = opened(from(initiation(1), 5001));
  t.is(moved.client.port, 5001);
  t.is(session.client.port, 5000);
});

test('what was opened and closed is told once and in order', (t) => {
  const { sessions, from, pass, wake } = relay();
  const told = (): string[] =>
    sessions.take().map(({ change, session }) => `${change} ${session.client.port}`);
  from(initiation(1), 1);
  from(initiation(1), 2);
  t.deepEqual(told(), ['opened 1', 'opened 2']);
  t.deepEqual(told(), []);
  pass(100);
  from(data(9), 2);
  pass(100);
  wake();
  t.deepEqual(told(), ['closed 1']);
  const left = opened(from(data(9), 2));
  sessions.abandon(left);
  sessions.abandon(left);
  t.deepEqual(told(), ['closed 2']);
  t.is(sessions.size, 0);
});

test('a client that comes back after its time is another session, which has all to prove', (t) => {
  const { from, back, pass } = relay();
  const first = opened(from(initiation(1)));
  back(first, response(7));
  from(data(7));
  pass(180);
  t.is(from(data(7)), 'RELAY_UNKNOWN_SOURCE');
  const second = opened(from(initiation(1)));
  t.not(second, first);
  t.is(back(first, new Uint8Array(1)), 'RELAY_UNKNOWN_SOURCE');
  t.is(back(second, new Uint8Array(149)), 'RELAY_UNPROVEN');
});

test('P10: 4,096 sessions, counted from any mixture of sources', (t) => {
  const sessions = new RelaySessions();
  sessions.setTarget('lan10', marked(1));
  const random = new Random('flood');
  const now = labStart as Instant;
  let refused = 0;
  for (let i = 0; i < 6000; i += 1) {
    const ip = (0x0b00_0000 + random.between(0, 0xffffff)) as Ipv4;
    if (sessions.fromClient(ip, random.between(1, 65_535), initiation(1), now) === 'RELAY_LIMIT')
      refused += 1;
  }
  t.is(sessions.size, 4096);
  t.is(refused, 6000 - 4096);
});
