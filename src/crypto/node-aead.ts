/** One authenticated cipher of Node's own library, with one key. */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { type Cipher, tagSize } from '../stack/cipher.ts';

export type Algorithm = 'chacha20-poly1305' | `aes-${128 | 192 | 256}-gcm`;

const options = { authTagLength: tagSize };

export class NodeCipher implements Cipher {
  readonly #algorithm: 'chacha20-poly1305';
  readonly #key: KeyObject;

  constructor(algorithm: Algorithm, key: Uint8Array) {
    // Node's types know one authenticated cipher by name for each of its signatures; all of these
    // are used in the same way.
    this.#algorithm = algorithm as 'chacha20-poly1305';
    this.#key = createSecretKey(key);
  }

  seal(
    nonce: Uint8Array,
    associated: Uint8Array,
    plaintext: Uint8Array,
    output: Uint8Array,
    at: number,
  ): void {
    const cipher = createCipheriv(this.#algorithm, this.#key, nonce, options);
    if (associated.length > 0) cipher.setAAD(associated, { plaintextLength: plaintext.length });
    if (plaintext.length > 0) output.set(cipher.update(plaintext), at);
    cipher.final();
    output.set(cipher.getAuthTag(), at + plaintext.length);
  }

  open(nonce: Uint8Array, associated: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const length = sealed.length - tagSize;
    if (length < 0) return undefined;
    const decipher = createDecipheriv(this.#algorithm, this.#key, nonce, options);
    decipher.setAuthTag(sealed.subarray(length));
    if (associated.length > 0) decipher.setAAD(associated, { plaintextLength: length });
    const plaintext = decipher.update(sealed.subarray(0, length));
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    return plain(plaintext);
  }
}

/** The same bytes without the habits of a Buffer, whose `slice` does not copy. */
export const plain = (buffer: Buffer): Uint8Array =>
  new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
