/** Authenticated encryption, as every tunnel needs it; `src/crypto` has what does it. */

/** Seals and opens with one key. It keeps no count: never seal twice with one nonce. */
export interface Cipher {
  /**
   * Writes `plaintext` sealed, 16 bytes longer, into `output` from `at` on. `plaintext` may be
   * the very same bytes of `output`, but may not overlap them otherwise.
   */
  seal(
    nonce: Uint8Array,
    associated: Uint8Array,
    plaintext: Uint8Array,
    output: Uint8Array,
    at: number,
  ): void;
  /** The plaintext in memory of its own; `undefined` where it is not authentic. */
  open(nonce: Uint8Array, associated: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
}

/** How much longer sealed bytes are. */
export const tagSize = 16;
