/**
 * What WireGuard needs of cryptography, handed in like the clock. `src/crypto` has an
 * implementation on Node's own library and one that runs anywhere.
 *
 * Everything is synchronous: in virtual time nothing may happen between a packet and its answer.
 * Keys are never changed after they were handed over, so an implementation may remember what it
 * has prepared for the same array.
 */
import type { Cipher } from '../cipher.ts';

export interface WireGuardCrypto {
  /** X25519: the public key that belongs to 32 private bytes (RFC 7748 section 5). */
  publicKey(privateKey: Uint8Array): Uint8Array;
  /**
   * X25519: what both ends can compute. `undefined` where it is all zero, as for every public key
   * of low order (RFC 7748 section 6.1): who went on would share a key with everybody.
   */
  sharedSecret(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined;
  /** BLAKE2s-256 (RFC 7693). */
  hash(data: Uint8Array): Uint8Array;
  /** HMAC (RFC 2104) with BLAKE2s-256. */
  hmac(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** BLAKE2s with its own key parameter, `length` bytes long (RFC 7693 section 2.9). */
  keyedHash(key: Uint8Array, data: Uint8Array, length: 16 | 32): Uint8Array;
  /** ChaCha20-Poly1305 with one key (RFC 8439 section 2.8). */
  cipher(key: Uint8Array): Cipher;
  /** XChaCha20-Poly1305, with a nonce of 24 bytes (draft-irtf-cfrg-xchacha-03 section 2). */
  longNonceCipher(key: Uint8Array): Cipher;
}
