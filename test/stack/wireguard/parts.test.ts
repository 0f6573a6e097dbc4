import test from 'ava';
import fc from 'fast-check';
import { equalBytes, hex, showHex } from '../../../src/base/bytes.ts';
import { Random } from '../../../src/base/random.ts';
import { type Instant, nanoseconds } from '../../../src/base/time.ts';
import { nobleCrypto } from '../../../src/crypto/noble.ts';
import { nodeCrypto } from '../../../src/crypto/node.ts';
import { AllowedIps } from '../../../src/stack/wireguard/allowed-ips.ts';
import {
  LoadMeter,
  MacChecker,
  MacMaker,
  RateLimiter,
} from '../../../src/stack/wireguard/cookie.ts';
import { isLater, openInitiation, tai64n } from '../../../src/stack/wireguard/handshake.ts';
import { ReplayWindow } from '../../../src/stack/wireguard/replay.ts';
import { Keypair, Keypairs } from '../../../src/stack/wireguard/session.ts';
import { Timers } from '../../../src/stack/wireguard/timers.ts';
import { contains, type Ipv4, ipv4, type Prefix, prefix } from '../../../src/wire/address.ts';
import { Malformed } from '../../../src/wire/malformed.ts';
import { decodeWireguard } from '../../../src/wire/wireguard.ts';
import { fromCorpus } from '../../crypto/corpus.ts';
import { datagramsOf } from '../../support/captures.ts';
import { at, end, publicOf } from './harness.ts';

// The replay window, with 64-bit counters as bigint: slow, plain, and to check the real one against.

const reject = 2n ** 64n - 2n ** 13n - 1n; // REJECT-AFTER-MESSAGES

function accept(window: ReplayWindow, counter: bigint): boolean {
  return window.accept(Number(counter >> 32n), Number(counter & 0xffff_ffffn));
}

class PlainWindow {
  #newest = -1n;
  readonly #seen = new Set<bigint>();

  accept(counter: bigint): boolean {
    if (counter >= reject || counter < this.#newest - 8128n || this.#seen.has(counter))
      return false;
    this.#seen.add(counter);
    if (counter > this.#newest) this.#newest = counter;
    return true;
  }
}

test('WG-9: the replay window passes the self-test that Linux has for its own', (t) => {
  const limit = 8129n; // one more than the window
  // The 34 steps of drivers/net/wireguard/selftest/counter.c, as facts: counter, accepted.
  const steps: [bigint, boolean][] = [
    [0n, true],
    [1n, true],
    [1n, false],
    [9n, true],
    [8n, true],
    [7n, true],
    [7n, false],
    [limit, true],
    [limit - 1n, true],
    [limit - 1n, false],
    [limit - 2n, true],
    [2n, true],
    [2n, false],
    [limit + 16n, true],
    [3n, false],
    [limit + 16n, false],
    [limit * 4n, true],
    [limit * 4n - (limit - 1n), true],
    [10n, false],
    [limit * 4n - limit, false],
    [limit * 4n - (limit + 1n), false],
    [limit * 4n - (limit - 2n), true],
    [limit * 4n + 1n - limit, false],
    [0n, false],
    [reject, false],
    [reject - 1n, true],
    [reject, false],
    [reject - 1n, false],
    [reject - 2n, true],
    [reject + 1n, false],
    [reject + 2n, false],
    [reject - 2n, false],
    [reject - 3n, true],
    [0n, false],
  ];
  t.is(steps.length, 34);
  const window = new ReplayWindow();
  steps.forEach(([counter, accepted], i) => {
    t.is(accept(window, counter), accepted, `step ${i + 1}, counter ${counter}`);
  });
});

test('WG-9: forwards, backwards and with the first missing, each counter is accepted once', (t) => {
  const upTo = (first: number, last: number) =>
    Array.from({ length: last - first + 1 }, (_, i) => BigInt(first + i));
  const orders: [string, bigint[], (counter: bigint) => boolean][] = [
    ['forwards', upTo(1, 8129), () => true],
    ['forwards, then the first', [...upTo(1, 8129), 0n], (counter) => counter > 0n],
    ['backwards', upTo(1, 8129).reverse(), () => true],
    ['backwards from one more', upTo(0, 8129).reverse(), (counter) => counter > 0n],
    ['the whole window, then beyond', [...upTo(2, 8129).reverse(), 8130n, 1n], (c) => c > 1n],
  ];
  for (const [title, counters, accepted] of orders) {
    const window = new ReplayWindow();
    for (const counter of counters) {
      if (accept(window, counter) !== accepted(counter)) t.fail(`${title}: ${counter}`);
      if (accept(window, counter)) t.fail(`${title}: ${counter} a second time`);
    }
  }
  t.pass();
});

test('WG-9: the window can be gone round many times, in order and nearly so', (t) => {
  const shuffler = new Random('near order');
  for (const spread of [1, 40, 3000]) {
    const window = new ReplayWindow();
    const counters = Array.from({ length: 30_000 }, (_, i) => i)
      .map((counter) => ({ counter, place: counter + shuffler.between(0, spread - 1) }))
      .sort((a, b) => a.place - b.place);
    for (const { counter } of counters)
      if (!window.accept(0, counter)) t.fail(`${counter} refused, ${spread} out of order`);
    t.false(window.accept(0, 29_000));
  }
});

test('WG-9: the window decides as a plain set of all counters does', (t) => {
  const step = fc.oneof(
    fc.bigInt(-40n, 40n),
    fc.bigInt(-8200n, 8200n),
    fc.bigInt(-20_000n, 20_000n),
    fc.constantFrom(8127n, 8128n, 8129n, 8191n, 8192n, -8127n, -8128n, -8129n),
  );
  const start = fc.oneof(
    fc.constant(0n),
    fc.constantFrom(2n ** 32n - 5n, 2n ** 53n - 5n, 2n ** 53n + 1n, reject - 100n),
    fc.bigInt(0n, 2n ** 64n - 1n),
  );
  fc.assert(
    fc.property(
      fc.array(start, { minLength: 1, maxLength: 3 }),
      fc.array(step),
      (starts, steps) => {
        const window = new ReplayWindow();
        const plain = new PlainWindow();
        for (const first of starts) {
          let counter = first;
          for (const by of [0n, ...steps]) {
            counter = counter + by < 0n ? 0n : BigInt.asUintN(64, counter + by);
            t.is(accept(window, counter), plain.accept(counter), `${counter}`);
          }
        }
      },
    ),
    { seed: 6479, numRuns: 400 },
  );
});

test('WG-11: the longest prefix decides, as trying all of them does, and the latest setter has it', (t) => {
  const anyIp = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }) as fc.Arbitrary<Ipv4>;
  // Few bits differ, so that prefixes nest and collide.
  const near = fc.nat({ max: 15 }).map((low) => (ipv4('10.1.2.0') | low) as Ipv4);
  const anyPrefix = fc.record({
    address: fc.oneof(anyIp, near),
    length: fc.oneof(fc.integer({ min: 0, max: 32 }), fc.integer({ min: 28, max: 32 })),
  });
  const settings = fc.array(fc.tuple(anyPrefix, fc.constantFrom('p', 'q', 'r')), { maxLength: 30 });
  fc.assert(
    fc.property(settings, fc.array(fc.oneof(anyIp, near)), fc.boolean(), (list, ips, drop) => {
      const allowed = new AllowedIps<string>();
      for (const [range, peer] of list) allowed.set(range, peer);
      if (drop) allowed.remove('q');
      for (const ip of ips) {
        let best: { length: number; peer: string } | undefined;
        for (const [range, peer] of list) {
          const isLatest = list.findLast(([other]) => same(other, range))?.[1] === peer;
          if (!isLatest || !contains(range, ip) || (drop && peer === 'q')) continue;
          if (best === undefined || range.length > best.length)
            best = { length: range.length, peer };
        }
        t.is(allowed.lookup(ip), best?.peer);
      }
    }),
    { seed: 11 },
  );
});

const same = (a: Prefix, b: Prefix): boolean => a.length === b.length && contains(a, b.address);

test('WG-11: what belongs to a peer can be listed', (t) => {
  const allowed = new AllowedIps<string>();
  allowed.set(prefix('10.0.0.7/8'), 'p');
  allowed.set(prefix('10.1.0.0/16'), 'p');
  allowed.set(prefix('10.2.0.0/16'), 'q');
  t.deepEqual(allowed.of('p'), [prefix('10.1.0.0/16'), prefix('10.0.0.0/8')]);
  allowed.set(prefix('10.1.0.0/16'), 'q');
  t.deepEqual(allowed.of('p'), [prefix('10.0.0.0/8')]);
});

const secrets = {
  fromInitiator: new Uint8Array(32).fill(1),
  fromResponder: new Uint8Array(32).fill(2),
  hash: new Uint8Array(32),
};
const keypair = (weInitiated: boolean, index = 1, counter?: [number, number]) =>
  new Keypair(nodeCrypto, secrets, weInitiated, index, 2, at(0), counter);

test('WG-6: the initiator wants a new session from 120 s on, the responder after 2^60 messages', (t) => {
  const [ours, theirs] = [keypair(true), keypair(false)];
  t.false(ours.wantsRekeyAfterSending((at(120) - 1) as Instant));
  t.true(ours.wantsRekeyAfterSending(at(120)));
  t.false(theirs.wantsRekeyAfterSending(at(179)));
  t.false(ours.wantsRekeyAfterReceiving((at(165) - 1) as Instant));
  t.true(ours.wantsRekeyAfterReceiving(at(165)));
  t.false(theirs.wantsRekeyAfterReceiving(at(179)));

  const nearly = keypair(false, 1, [2 ** 28 - 1, 0xffff_ffff]);
  t.false(nearly.wantsRekeyAfterSending(at(1)));
  nearly.seal(new Uint8Array(0), 0);
  t.true(nearly.wantsRekeyAfterSending(at(1)));
  t.true(nearly.maySend(at(1)));
});

test('WG-6: a session is not sent with at 180 s, nor with counters from REJECT-AFTER-MESSAGES on', (t) => {
  t.true(keypair(true).maySend((at(180) - 1) as Instant));
  t.false(keypair(true).maySend(at(180)));
  const last = keypair(true, 1, [0xffff_ffff, 0xffff_dffe]);
  t.true(last.maySend(at(1)));
  const message = decodeWireguard(last.seal(new Uint8Array(0), 0));
  t.like(message, { counterHigh: 0xffff_ffff, counterLow: 0xffff_dffe });
  t.false(last.maySend(at(1)));
});

test('a session opens what the other end sealed, whatever half of the counter it is in', (t) => {
  const [from, to] = [keypair(true, 1, [6, 0xffff_fffe]), keypair(false)];
  for (const counter of [
    [6, 0xffff_fffe],
    [6, 0xffff_ffff],
    [7, 0],
  ]) {
    const message = decodeWireguard(from.seal(hex('0102'), 16));
    if (message instanceof Malformed || message.kind !== 'data') return t.fail();
    t.deepEqual([message.counterHigh, message.counterLow], counter);
    t.deepEqual(to.open(message), hex('0102' + '00'.repeat(14)));
    t.is(to.open(message), 'WG_REPLAY');
    t.is(from.open(message), 'WG_DECRYPT', 'each direction has a key of its own');
  }
});

test('WG-8: a new session takes its place among previous, current and next', (t) => {
  const [one, two, three, four] = [
    keypair(true, 1),
    keypair(true, 2),
    keypair(false, 3),
    keypair(false, 4),
  ];
  const pairs = new Keypairs();
  const places = () => [pairs.previous, pairs.current, pairs.next].map((pair) => pair?.localIndex);
  t.deepEqual(pairs.add(one), []);
  t.deepEqual(places(), [undefined, 1, undefined]);
  t.deepEqual(pairs.add(two), []);
  t.deepEqual(places(), [1, 2, undefined], 'what we asked for is current at once');
  t.false(pairs.confirm(two));
  t.deepEqual(pairs.add(three), [one]);
  t.deepEqual(places(), [undefined, 2, 3], 'what we were asked for waits to be confirmed');
  t.deepEqual(pairs.add(four), [three]);
  t.deepEqual(places(), [undefined, 2, 4]);
  t.true(pairs.confirm(four));
  t.deepEqual(places(), [2, 4, undefined]);
  const five = keypair(false, 5);
  const six = keypair(true, 6);
  t.deepEqual(pairs.add(five), [two]);
  t.deepEqual(pairs.add(six), [four]);
  t.deepEqual(places(), [5, 6, undefined], 'one that may be in use at the other end is kept');
  t.deepEqual(pairs.clear(), [five, six]);
  t.deepEqual(places(), [undefined, undefined, undefined]);
});

test('WG-4: timestamps are TAI64N', (t) => {
  // cr.yp.to/libtai/tai64.html: 1992-06-02 08:07:09 TAI, which is 08:06:43 UTC and 26 s behind.
  // TAI64N as WireGuard has it leaves leap seconds out: 10 s ahead of 1970, always.
  t.is(showHex(tai64n(0, at(0))), '400000000000000a00000000');
  t.is(showHex(tai64n(707472403 + 16, at(0))), '400000002a2b2c2d00000000');
  t.is(showHex(tai64n(1_795_219_200, at(1.5))), '400000006b00df0b1d000000');
  t.is(showHex(tai64n(2 ** 32 - 11, at(1))), '400000010000000000000000');
});

test('WG-4: of two timestamps the later one is later, and none is later than itself', (t) => {
  const moment = fc.nat({ max: 5e8 }).map((n) => n * 16777216);
  fc.assert(
    fc.property(moment, moment, (a, b) => {
      const [x, y] = [tai64n(1e9, nanoseconds(a) as never), tai64n(1e9, nanoseconds(b) as never)];
      const [secondA, secondB] = [Math.floor(a / 1e9), Math.floor(b / 1e9)];
      if (secondA !== secondB) t.is(isLater(x, y), a > b);
      else if (equalBytes(x, y)) t.false(isLater(x, y) || isLater(y, x));
      else t.is(isLater(x, y), a > b);
    }),
    { seed: 64 },
  );
});

test('WG-2: a session of wireguard-go verifies: macs, static key and timestamp', (t) => {
  const capture = fromCorpus(t, 'kernel-golden/wg-go-session.pcap');
  const file = fromCorpus(t, 'kernel-golden/wg-go-session.keys.json');
  if (capture === undefined || file === undefined) return;
  const keys = JSON.parse(String(file)) as Record<string, { private: string; public: string }>;
  const key = (of: string, half: 'private' | 'public') =>
    new Uint8Array(Buffer.from(keys[of]![half], 'base64'));
  for (const crypto of [nodeCrypto, nobleCrypto]) {
    const own = { privateKey: key('responder', 'private'), publicKey: key('responder', 'public') };
    let initiations = 0;
    let responses = 0;
    for (const { at: when, payload } of datagramsOf(capture)) {
      const message = decodeWireguard(payload);
      if (message instanceof Malformed) return t.fail();
      if (message.kind === 'response') {
        const checker = new MacChecker(crypto, key('initiator', 'public'), new Random('unused'));
        t.true(checker.mac1IsRight(payload));
        responses += 1;
      }
      if (message.kind !== 'initiation') continue;
      initiations += 1;
      t.true(new MacChecker(crypto, own.publicKey, new Random('unused')).mac1IsRight(payload));
      const opened = openInitiation(crypto, own, message)!;
      t.deepEqual(opened.peer, key('initiator', 'public'));
      const shared = crypto.sharedSecret(own.privateKey, opened.peer)!;
      const timestamp = opened.noise.readPayload(shared, message.sealedTimestamp);
      const [second, micros] = [Math.floor(when / 1e6), when % 1e6];
      // Captured 2026-11-21 within a millisecond of being sent, in the middle of a step.
      t.deepEqual(timestamp, tai64n(second, (micros * 1e3) as Instant));
    }
    t.deepEqual([initiations, responses], [1, 1]);
  }
});

test('WG-2: mac1 covers every byte in front of it', (t) => {
  const maker = new MacMaker(nodeCrypto, publicOf('b'));
  const checker = new MacChecker(nodeCrypto, publicOf('b'), new Random('macs'));
  const bytes = Uint8Array.from({ length: 148 }, (_, i) => i);
  maker.stamp(bytes, at(0));
  t.true(checker.mac1IsRight(bytes));
  for (let i = 0; i < 132; i += 1) {
    const spoilt = bytes.slice();
    spoilt[i] = spoilt[i]! ^ 1;
    t.false(checker.mac1IsRight(spoilt), `byte ${i}`);
  }
  const stranger = new MacChecker(nodeCrypto, publicOf('a'), new Random('macs'));
  t.false(stranger.mac1IsRight(bytes));
});

test('WG-13: a cookie is good for one address and port, is used for 115 s, and its secret lasts 120 s', (t) => {
  const maker = new MacMaker(nodeCrypto, publicOf('b'));
  const checker = new MacChecker(nodeCrypto, publicOf('b'), new Random('cookies'));
  const here = end('192.0.2.1', 4000);
  const message = () => Uint8Array.from({ length: 92 }, (_, i) => (i < 60 ? i : 0));
  const first = message();
  maker.stamp(first, at(0));
  t.false(checker.mac2IsRight(first, here, at(0)));
  const reply = decodeWireguard(checker.reply(first, 77, here, at(0)));
  if (reply instanceof Malformed || reply.kind !== 'cookie-reply') return t.fail();
  t.is(reply.receiver, 77);
  const spoilt = { ...reply, sealedCookie: reply.sealedCookie.map((byte) => byte ^ 1) };
  t.false(maker.take(spoilt, at(1)));
  t.true(maker.take(reply, at(1)));
  t.false(maker.take(reply, at(1)), 'each mac1 is answered once');

  const stamped = (when: Instant) => {
    const bytes = message();
    maker.stamp(bytes, when);
    return bytes;
  };
  t.true(checker.mac2IsRight(stamped(at(2)), here, at(2)));
  t.false(checker.mac2IsRight(stamped(at(2)), end('192.0.2.1', 4001), at(2)));
  t.false(checker.mac2IsRight(stamped(at(2)), end('192.0.2.2', 4000), at(2)));
  t.true(checker.mac2IsRight(stamped(at(115.9)), here, at(119.9)));
  t.deepEqual(stamped(at(116)).subarray(76), new Uint8Array(16), 'by then it is no longer used');
  t.false(checker.mac2IsRight(stamped(at(115.9)), here, at(120)), 'by then there is a new secret');
});

test('WG-13: 20 handshakes a second are allowed from an address, and 5 at once', (t) => {
  const limiter = new RateLimiter();
  const [one, two] = [ipv4('192.0.2.1'), ipv4('192.0.2.2')];
  const allowed = (source: Ipv4, when: Instant, count: number) =>
    Array.from({ length: count }, () => limiter.allow(source, when)).filter(Boolean).length;
  t.is(allowed(one, at(0), 10), 5);
  t.is(allowed(two, at(0), 10), 5, 'another address has its own');
  t.is(allowed(one, at(0.049), 10), 0);
  t.is(allowed(one, at(0.05), 10), 1);
  t.is(allowed(one, at(0.15), 10), 2);
  t.is(allowed(one, at(60), 10), 5);
  let count = 0;
  for (let i = 0; i < 1000; i += 1) count += allowed(one, at(100 + i / 100), 1);
  t.true(count >= 200 && count <= 205, `${count} in ten seconds`);
});

test('WG-13: a flood from ever new addresses does not grow the limiter without bound', (t) => {
  const limiter = new RateLimiter();
  const source = (i: number) => (0x0a00_0000 + i) as Ipv4;
  let allowed = 0;
  for (let i = 0; i < 20_000; i += 1) if (limiter.allow(source(i), at(1))) allowed += 1;
  t.is(allowed, 8192);
  t.true(limiter.allow(source(3), at(1)), 'who is known may go on');
  t.true(limiter.allow(source(0), at(1.2)));
  t.true(limiter.allow(source(19_999), at(1.25)), 'and after a while there is room again');
});

test('WG-13: 512 handshakes within a second are busy, and so is the second after', (t) => {
  const meter = new LoadMeter(512);
  for (let i = 0; i < 511; i += 1) t.false(meter.count(at(3.5)));
  t.true(meter.count(at(3.9)));
  t.true(meter.count(at(4.8)));
  t.false(meter.count(at(4.9)));
});

test('a timer of one peer is off until something sets it', (t) => {
  const timers = new Timers(new Random('timers'), nanoseconds(0));
  t.false(timers.attempting);
  timers.sent(at(1));
  timers.received(at(1));
  t.true(timers.next() > at(1e6));
  timers.dataReceived(at(2));
  t.is(timers.next(), at(12));
});
