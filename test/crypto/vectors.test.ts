import test from 'ava';
import fc from 'fast-check';
import { concat, hex, showHex, utf8 } from '../../src/base/bytes.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import type { Cipher } from '../../src/stack/cipher.ts';
import type { EspCrypto } from '../../src/stack/ipsec/crypto.ts';
import type { WireGuardCrypto } from '../../src/stack/wireguard/crypto.ts';
import { NoiseInitiator, NoiseResponder } from '../../src/stack/wireguard/noise.ts';
import { fromCorpus } from './corpus.ts';
import { gcmVectors } from './gcm-vectors.ts';

const adapters: Record<string, WireGuardCrypto & EspCrypto> = {
  node: nodeCrypto,
  noble: nobleCrypto,
};

interface Wycheproof<Test> {
  readonly numberOfTests: number;
  readonly testGroups: readonly { readonly ivSize: number; readonly tests: readonly Test[] }[];
}
interface XdhTest {
  readonly tcId: number;
  readonly flags: readonly string[];
  readonly public: string;
  readonly private: string;
  readonly shared: string;
}
interface AeadTest {
  readonly tcId: number;
  readonly key: string;
  readonly iv: string;
  readonly aad: string;
  readonly msg: string;
  readonly ct: string;
  readonly tag: string;
  readonly result: 'valid' | 'invalid';
}
interface NoiseVector {
  readonly protocol_name: string;
  readonly init_prologue: string;
  readonly init_psks: readonly string[];
  readonly init_static: string;
  readonly init_ephemeral: string;
  readonly resp_static: string;
  readonly resp_ephemeral: string;
  readonly init_remote_static: string;
  readonly handshake_hash: string;
  readonly messages: readonly { readonly payload: string; readonly ciphertext: string }[];
}

function seal(cipher: Cipher, nonce: Uint8Array, associated: Uint8Array, plaintext: Uint8Array) {
  const output = new Uint8Array(plaintext.length + 16);
  cipher.seal(nonce, associated, plaintext, output, 0);
  return output;
}

function counterNonce(counter: number): Uint8Array {
  const nonce = new Uint8Array(12);
  nonce[4] = counter;
  return nonce;
}

for (const [name, crypto] of Object.entries(adapters)) {
  test(`WG-3, ${name}: X25519 gives every shared secret of Wycheproof, and none for points of low order`, (t) => {
    const file = fromCorpus(t, 'crypto/x25519_test.json');
    if (file === undefined) return;
    const { testGroups, numberOfTests } = JSON.parse(String(file)) as Wycheproof<XdhTest>;
    const tests = testGroups.flatMap((group) => group.tests);
    t.is(tests.length, numberOfTests);
    let zero = 0;
    for (const vector of tests) {
      const shared = crypto.sharedSecret(hex(vector.private), hex(vector.public));
      if (vector.flags.includes('ZeroSharedSecret')) zero += 1;
      const expected = vector.flags.includes('ZeroSharedSecret') ? undefined : vector.shared;
      t.is(shared && showHex(shared), expected, `tcId ${vector.tcId}`);
    }
    t.true(zero >= 12, `${zero} points of low order`);
  });

  test(`${name}: X25519 public keys, those of the recorded wireguard-go session`, (t) => {
    const file = fromCorpus(t, 'kernel-golden/wg-go-session.keys.json');
    if (file === undefined) return;
    const keys = JSON.parse(String(file)) as Record<string, { private: string; public: string }>;
    for (const end of ['initiator', 'responder']) {
      const privateKey = Buffer.from(keys[end]!.private, 'base64');
      t.is(Buffer.from(crypto.publicKey(privateKey)).toString('base64'), keys[end]!.public);
    }
  });

  test(`${name}: ChaCha20-Poly1305 gives every verdict of Wycheproof`, (t) => {
    const file = fromCorpus(t, 'crypto/chacha20_poly1305_test.json');
    if (file === undefined) return;
    const { testGroups, numberOfTests } = JSON.parse(String(file)) as Wycheproof<AeadTest>;
    let count = 0;
    for (const { ivSize, tests } of testGroups) {
      for (const vector of tests) {
        count += 1;
        const [key, iv, aad, msg] = [vector.key, vector.iv, vector.aad, vector.msg].map(hex);
        const sealed = hex(vector.ct + vector.tag);
        const cipher = crypto.cipher(key!);
        if (ivSize !== 96) {
          // There is no such cipher; that is the caller's mistake and not a packet's.
          t.throws(() => seal(cipher, iv!, aad!, msg!), undefined, `tcId ${vector.tcId}`);
          const enough = new Uint8Array(32);
          t.throws(() => cipher.open(iv!, aad!, enough), undefined, `tcId ${vector.tcId}`);
          continue;
        }
        const right = vector.result === 'valid';
        const opened = cipher.open(iv!, aad!, sealed);
        t.deepEqual(opened, right ? msg : undefined, `tcId ${vector.tcId}`);
        if (right) t.deepEqual(seal(cipher, iv!, aad!, msg!), sealed, `tcId ${vector.tcId}`);
      }
    }
    t.is(count, numberOfTests);
  });

  test(`${name}: AES-GCM gives the fourteen packets of draft-mcgrew-gcm-test-01`, (t) => {
    t.is(gcmVectors.length, 14);
    for (const vector of gcmVectors) {
      const cipher = crypto.gcm(hex(vector.key));
      const [nonce, associated, plaintext] = [vector.nonce, vector.associated, vector.plaintext];
      const sealed = seal(cipher, hex(nonce), hex(associated), hex(plaintext));
      t.is(showHex(sealed), vector.sealed);
      t.deepEqual(cipher.open(hex(nonce), hex(associated), sealed), hex(plaintext));
      for (const at of [0, sealed.length - 17, sealed.length - 1]) {
        const harmed = sealed.with(at, sealed[at]! ^ 1);
        t.is(cipher.open(hex(nonce), hex(associated), harmed), undefined, `byte ${at}`);
      }
      t.is(cipher.open(hex(nonce), hex(associated), sealed.subarray(0, 15)), undefined);
    }
  });

  test(`${name}: XChaCha20-Poly1305, the vector of stablelib`, (t) => {
    const file = fromCorpus(t, 'crypto/stablelib_xchacha20poly1305.json');
    if (file === undefined) return;
    const vectors = JSON.parse(String(file)) as Record<string, string>[];
    t.is(vectors.length, 1);
    for (const vector of vectors) {
      const cipher = crypto.longNonceCipher(hex(vector['key']!));
      const [nonce, aad, msg, result] = ['nonce', 'aad', 'msg', 'result'].map((field) =>
        hex(vector[field]!),
      );
      t.deepEqual(seal(cipher, nonce!, aad!, msg!), result);
      t.deepEqual(cipher.open(nonce!, aad!, result!), msg);
      for (let i = 0; i < result!.length; i += 7) {
        const spoilt = result!.slice();
        spoilt[i] = spoilt[i]! ^ 1;
        t.is(cipher.open(nonce!, aad!, spoilt), undefined);
      }
    }
  });

  test(`${name}: BLAKE2s with a key, all known answers of its authors`, (t) => {
    const file = fromCorpus(t, 'crypto/blake2s-kat.txt');
    if (file === undefined) return;
    const answers = [...String(file).matchAll(/in:\t(.*)\nkey:\t(.*)\nhash:\t(.*)/g)];
    t.is(answers.length, 256);
    for (const [, data, key, hash] of answers) {
      t.is(showHex(crypto.keyedHash(hex(key!), hex(data!), 32)), hash!, `in ${data}`);
    }
  });

  // Made with hashlib of Python 3.11: blake2s(data, key=key, digest_size=16), hmac.new(..., blake2s).
  test(`${name}: BLAKE2s with a key and 16 bytes, and HMAC-BLAKE2s, as Python has them`, (t) => {
    const key = Uint8Array.from({ length: 32 }, (_, i) => i);
    const macs = {
      0: '9536f9b267655743dee97b8a670f9f53',
      1: '13bacfb85b48a1223c595f8c1e7e82cb',
      63: 'ece382a8bd5018f1de5da44b72cea75b',
      64: 'f1efa90d2547036841ecd3627fafbc36',
      65: '811ff8686d23a435ecbd0bdafcd27b1b',
      128: '8c09f698d03eaf88abf69f8147865ef6',
      200: '42a6f8ff590af21b512e9e088257aa34',
    };
    for (const [length, mac] of Object.entries(macs)) {
      const data = Uint8Array.from({ length: Number(length) }, (_, i) => i);
      t.is(showHex(crypto.keyedHash(key, data, 16)), mac);
    }
    const short = crypto.keyedHash(utf8('0123456789abcdef'), utf8('abc'), 16);
    t.is(showHex(short), 'd2f5d3d853437b34d84464ac84d461a3');
    const hmac = crypto.hmac(key, utf8('what do ya want for nothing?'));
    t.is(showHex(hmac), '14229dde9cdbd4dd31b1a703ac36832ecc9177e0ba0d4632568515aaec7e401f');
  });

  test(`${name}: BLAKE2s without a key, RFC 7693 appendix B`, (t) => {
    const hash = '508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982';
    t.is(showHex(crypto.hash(utf8('abc'))), hash);
  });

  test(`${name}: a packet may be sealed in place, and what was sealed leaves its surroundings alone`, (t) => {
    const cipher = crypto.cipher(new Uint8Array(32).fill(7));
    const plaintext = utf8('in place');
    const buffer = new Uint8Array(40).fill(0xee);
    buffer.set(plaintext, 3);
    cipher.seal(counterNonce(1), new Uint8Array(0), buffer.subarray(3, 11), buffer, 3);
    t.deepEqual(
      buffer.subarray(3, 27),
      seal(cipher, counterNonce(1), new Uint8Array(0), plaintext),
    );
    t.deepEqual(buffer.subarray(0, 3), new Uint8Array(3).fill(0xee));
    t.deepEqual(buffer.subarray(27), new Uint8Array(13).fill(0xee));
  });

  test(`${name}: everything short of a tag is not authentic`, (t) => {
    const nothing = new Uint8Array(0);
    for (let length = 0; length < 16; length += 1) {
      const sealed = new Uint8Array(length);
      t.is(crypto.cipher(new Uint8Array(32)).open(counterNonce(0), nothing, sealed), undefined);
      const long = crypto.longNonceCipher(new Uint8Array(32));
      t.is(long.open(new Uint8Array(24), nothing, sealed), undefined);
    }
  });

  test(`WG-2, ${name}: Noise_IKpsk2 makes every message of the cacophony vectors`, (t) => {
    const file = fromCorpus(t, 'crypto/noise-cacophony-25519_ChaChaPoly_BLAKE2s.json');
    if (file === undefined) return;
    const { vectors } = JSON.parse(String(file)) as { vectors: NoiseVector[] };
    const ours = vectors.filter(
      (vector) => vector.protocol_name === 'Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s',
    );
    t.is(ours.length, 1);
    for (const vector of ours) {
      const prologue = hex(vector.init_prologue);
      const [first, second, ...rest] = vector.messages.map(({ payload, ciphertext }) => ({
        payload: hex(payload),
        bytes: hex(ciphertext),
      }));
      const pair = (key: string) => ({
        privateKey: hex(key),
        publicKey: crypto.publicKey(hex(key)),
      });
      const psk = hex(vector.init_psks[0]!);
      const initiator = NoiseInitiator.start(
        crypto,
        prologue,
        pair(vector.init_static),
        hex(vector.init_remote_static),
        hex(vector.init_ephemeral),
        first!.payload,
      )!;
      const { ephemeral, sealedStatic, sealedPayload } = initiator.message;
      t.deepEqual(concat(ephemeral, sealedStatic, sealedPayload), first!.bytes);

      const own = pair(vector.resp_static);
      t.deepEqual(own.publicKey, hex(vector.init_remote_static));
      const responder = new NoiseResponder(crypto, prologue, own);
      const peer = responder.readStatic(ephemeral, sealedStatic)!;
      t.deepEqual(peer, pair(vector.init_static).publicKey);
      const shared = crypto.sharedSecret(own.privateKey, peer)!;
      t.deepEqual(responder.readPayload(shared, sealedPayload), first!.payload);
      const answer = responder.answer(hex(vector.resp_ephemeral), psk, second!.payload)!;
      t.deepEqual(concat(answer.message.ephemeral, answer.message.sealedPayload), second!.bytes);

      const wrongKey = initiator.finish(answer.message, new Uint8Array(32));
      t.is(wrongKey, undefined);
      const done = initiator.finish(answer.message, psk)!;
      t.deepEqual(done.payload, second!.payload, 'a wrong answer before has not spoilt anything');
      t.is(showHex(done.secrets.hash), vector.handshake_hash);
      t.deepEqual(done.secrets, answer.secrets);

      // Then both directions in turn, the initiator first, each with a counter of its own.
      t.is(rest.length, 4);
      rest.forEach(({ payload, bytes }, i) => {
        const { fromInitiator, fromResponder } = done.secrets;
        const cipher = crypto.cipher(i % 2 === 0 ? fromInitiator : fromResponder);
        const nonce = counterNonce(Math.floor(i / 2));
        t.deepEqual(seal(cipher, nonce, new Uint8Array(0), payload), bytes);
      });
    }
  });
}

test('both adapters give the same bytes for anything', (t) => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  fc.assert(
    fc.property(
      bytes(32),
      bytes(32),
      bytes(24),
      fc.uint8Array({ maxLength: 300 }),
      fc.uint8Array({ maxLength: 80 }),
      (key, other, nonce, data, associated) => {
        const results = [nodeCrypto, nobleCrypto].map((crypto) => [
          crypto.publicKey(key),
          crypto.sharedSecret(key, crypto.publicKey(other)),
          crypto.hash(data),
          crypto.hmac(key, data),
          crypto.keyedHash(key, data, 16),
          seal(crypto.cipher(key), nonce.subarray(12), associated, data),
          seal(crypto.longNonceCipher(key), nonce, associated, data),
        ]);
        t.deepEqual(results[0], results[1]);
      },
    ),
    { seed: 7748, numRuns: 60 },
  );
});
