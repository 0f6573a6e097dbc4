import type { Cipher } from '../cipher.ts';

/** What ESP needs of cryptography, handed in as WireGuard's is. */
export interface EspCrypto {
  /** AES-GCM with a key of 16, 24 or 32 bytes and a nonce of 12 (NIST SP 800-38D; RFC 4106). */
  gcm(key: Uint8Array): Cipher;
}
