/** The cryptography of WireGuard and ESP in plain JavaScript: for the page, where Node's library is not. */
import { gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305, xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { blake2s } from '@noble/hashes/blake2.js';
import { hmac } from '@noble/hashes/hmac.js';
import { type Cipher, tagSize } from '../stack/cipher.ts';
import type { EspCrypto } from '../stack/ipsec/crypto.ts';
import type { WireGuardCrypto } from '../stack/wireguard/crypto.ts';
import { sized } from './sizes.ts';

export const nobleCrypto: WireGuardCrypto & EspCrypto = {
  publicKey: (privateKey) => x25519.getPublicKey(privateKey),
  sharedSecret(privateKey, publicKey) {
    const [secretKey, point] = [sized(privateKey, 32), sized(publicKey, 32)];
    try {
      return x25519.getSharedSecret(secretKey, point);
    } catch {
      return undefined; // the lengths are right, so all that is left to object to is the result
    }
  },
  hash: (data) => blake2s(data),
  hmac: (key, data) => hmac(blake2s, key, data),
  keyedHash: (key, data, length) => blake2s(data, { key, dkLen: length }),
  cipher: (key) => new NobleCipher(chacha20poly1305, sized(key, 32), 12),
  longNonceCipher: (key) => new NobleCipher(xchacha20poly1305, sized(key, 32), 24),
  gcm: (key) => new NobleCipher(gcm, key, 12),
};

type Algorithm = typeof chacha20poly1305 | typeof gcm;

class NobleCipher implements Cipher {
  readonly #algorithm: Algorithm;
  readonly #key: Uint8Array;
  readonly #nonceSize: number;

  constructor(algorithm: Algorithm, key: Uint8Array, nonceSize: number) {
    this.#algorithm = algorithm;
    this.#key = key;
    this.#nonceSize = nonceSize;
  }

  seal(
    nonce: Uint8Array,
    associated: Uint8Array,
    plaintext: Uint8Array,
    output: Uint8Array,
    at: number,
  ): void {
    const cipher = this.#algorithm(this.#key, sized(nonce, this.#nonceSize), associated);
    output.set(cipher.encrypt(plaintext), at);
  }

  open(nonce: Uint8Array, associated: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    if (sealed.length < tagSize) return undefined;
    const cipher = this.#algorithm(this.#key, sized(nonce, this.#nonceSize), associated);
    try {
      return cipher.decrypt(sealed);
    } catch {
      return undefined;
    }
  }
}
