/**
 * The cryptography of WireGuard and ESP on Node's own library: the fast one. What that lacks, keyed
 * BLAKE2s and XChaCha20, stands beside this file.
 */
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
} from 'node:crypto';
import type { Cipher } from '../stack/cipher.ts';
import type { EspCrypto } from '../stack/ipsec/crypto.ts';
import type { WireGuardCrypto } from '../stack/wireguard/crypto.ts';
import { keyedBlake2s } from './blake2s.ts';
import { hchacha20 } from './hchacha20.ts';
import { NodeCipher, plain } from './node-aead.ts';
import { sized } from './sizes.ts';

const algorithm = 'chacha20-poly1305';
const curve = { kty: 'OKP', crv: 'X25519' };

export const nodeCrypto: WireGuardCrypto & EspCrypto = {
  publicKey(privateKey) {
    const { x } = createPublicKey(privateObject(privateKey)).export({ format: 'jwk' });
    return plain(Buffer.from(x!, 'base64url'));
  },
  sharedSecret(privateKey, publicKey) {
    const key = { privateKey: privateObject(privateKey), publicKey: publicObject(publicKey) };
    try {
      return plain(diffieHellman(key));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === allZero) return undefined;
      throw error;
    }
  },
  hash: (data) => plain(createHash('blake2s256').update(data).digest()),
  hmac: (key, data) => plain(createHmac('blake2s256', key).update(data).digest()),
  keyedHash: keyedBlake2s,
  cipher: (key) => new NodeCipher(algorithm, key),
  longNonceCipher: (key) => new LongNonceCipher(key),
  gcm: (key) => new NodeCipher(`aes-${(key.length * 8) as 128 | 192 | 256}-gcm`, key),
};

/** What OpenSSL says where the secret is all zero. */
const allZero = 'ERR_OSSL_FAILED_DURING_DERIVATION';

/** XChaCha20-Poly1305: a key of its own for the first 16 bytes of each nonce, then as above. */
class LongNonceCipher implements Cipher {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  seal(
    nonce: Uint8Array,
    associated: Uint8Array,
    plaintext: Uint8Array,
    output: Uint8Array,
    at: number,
  ): void {
    const cipher = new NodeCipher(algorithm, hchacha20(this.#key, sized(nonce, 24)));
    cipher.seal(shortNonce(nonce), associated, plaintext, output, at);
  }

  open(nonce: Uint8Array, associated: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const cipher = new NodeCipher(algorithm, hchacha20(this.#key, sized(nonce, 24)));
    return cipher.open(shortNonce(nonce), associated, sealed);
  }
}

/** Four zero bytes and the last eight of the long one. */
function shortNonce(nonce: Uint8Array): Uint8Array {
  const short = new Uint8Array(12);
  short.set(nonce.subarray(16), 4);
  return short;
}

/**
 * Preparing a private key costs more than using it, and each is used several times. As JWK it
 * costs a seventh of what it does as DER; Node does not look at the public half, which is not
 * known yet.
 */
const prepared = new WeakMap<Uint8Array, KeyObject>();
function privateObject(key: Uint8Array): KeyObject {
  let object = prepared.get(key);
  if (object === undefined) {
    const jwk = { ...curve, d: base64url(key), x: base64url(new Uint8Array(32)) };
    object = createPrivateKey({ key: jwk, format: 'jwk' });
    prepared.set(key, object);
  }
  return object;
}

const publicObject = (key: Uint8Array): KeyObject =>
  createPublicKey({ key: { ...curve, x: base64url(key) }, format: 'jwk' });

const base64url = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
