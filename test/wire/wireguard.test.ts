import test from 'ava';
import fc from 'fast-check';
import { hex } from '../../src/base/bytes.ts';
import { Malformed } from '../../src/wire/malformed.ts';
import {
  decodeWireguard,
  encodeWireguard,
  type WireguardMessage,
  wireguardSize,
} from '../../src/wire/wireguard.ts';
import { fromCorpus } from '../crypto/corpus.ts';
import { datagramsOf } from '../support/captures.ts';

const lengths = new Map([
  [1, wireguardSize.initiation],
  [2, wireguardSize.response],
  [3, wireguardSize.cookieReply],
]);

test('WG-1: of all lengths up to 200 and all types, only the four messages are read', (t) => {
  for (let type = 0; type < 256; type += 1) {
    for (let length = 0; length <= 200; length += 1) {
      const bytes = new Uint8Array(length);
      if (length > 0) bytes[0] = type;
      const right = type === 4 ? length >= 32 : length === lengths.get(type);
      const message = decodeWireguard(bytes);
      if (message instanceof Malformed === right) t.fail(`type ${type}, ${length} bytes`);
    }
  }
  t.pass();
});

test('WG-1: the three bytes after the type must be zero', (t) => {
  for (const [type, length] of [...lengths, [4, 32] as const]) {
    for (const at of [1, 2, 3]) {
      const bytes = new Uint8Array(length);
      bytes[0] = type;
      t.false(decodeWireguard(bytes) instanceof Malformed);
      bytes[at] = 0x80;
      t.deepEqual(decodeWireguard(bytes), new Malformed('wireguard', 'bad-value', 1));
    }
  }
});

test('WG-1: indices and counters are little-endian', (t) => {
  const bytes = hex('04000000 78563412 08070605 040302f1' + '00'.repeat(16));
  const message = decodeWireguard(bytes);
  t.like(message, {
    kind: 'data',
    receiver: 0x12345678,
    counterLow: 0x05060708,
    counterHigh: 0xf1020304,
  });
});

const field = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const word = fc.nat({ max: 0xffff_ffff });
const mac = field(16);
const anyMessage: fc.Arbitrary<WireguardMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('initiation' as const),
    sender: word,
    ephemeral: field(32),
    sealedStatic: field(48),
    sealedTimestamp: field(28),
    mac1: mac,
    mac2: mac,
  }),
  fc.record({
    kind: fc.constant('response' as const),
    sender: word,
    receiver: word,
    ephemeral: field(32),
    sealedNothing: field(16),
    mac1: mac,
    mac2: mac,
  }),
  fc.record({
    kind: fc.constant('cookie-reply' as const),
    receiver: word,
    nonce: field(24),
    sealedCookie: field(32),
  }),
  fc.record({
    kind: fc.constant('data' as const),
    receiver: word,
    counterHigh: word,
    counterLow: word,
    sealed: fc.uint8Array({ minLength: 16, maxLength: 100 }),
  }),
);

test('decoding undoes encoding', (t) => {
  fc.assert(
    fc.property(anyMessage, (message) => {
      t.deepEqual(decodeWireguard(encodeWireguard(message)), message);
    }),
    { seed: 2020 },
  );
});

test('encoding undoes decoding: each byte of a message is in exactly one of its fields', (t) => {
  for (const [type, length] of [...lengths, [4, 77] as const]) {
    const bytes = Uint8Array.from({ length }, (_, i) => i);
    bytes.set([type, 0, 0, 0]);
    const message = decodeWireguard(bytes);
    if (message instanceof Malformed) return t.fail();
    t.deepEqual(encodeWireguard(message), bytes);
  }
});

test('WG-1: every datagram of the WireGuard captures is one of the four messages', (t) => {
  const expected = {
    // Types and lengths as tcpdump 4.99 and a hex dump show them.
    'wireguard/WireGuard.pcap': ['initiation 148', 'response 92', 'data 128', 'cookie-reply 64'],
    'kernel-golden/wg-go-session.pcap': [
      'initiation 148',
      'response 92',
      ...Array.from({ length: 6 }, () => 'data 128'),
      ...Array.from({ length: 4 }, () => 'data 1072'),
      'data 32',
    ],
  };
  for (const [path, kinds] of Object.entries(expected)) {
    const file = fromCorpus(t, path);
    if (file === undefined) continue;
    const seen = datagramsOf(file).map(({ payload }) => {
      const message = decodeWireguard(payload);
      if (message instanceof Malformed) return `malformed ${payload.length}`;
      t.deepEqual(encodeWireguard(message), payload);
      return `${message.kind} ${payload.length}`;
    });
    t.deepEqual(seen, kinds, path);
  }
});
