/**
 * HChaCha20 (draft-irtf-cfrg-xchacha-03 section 2.2): the key that XChaCha20 makes of a key and
 * the first 16 bytes of its nonce. Node's library has ChaCha20 only as a whole.
 */
import { view } from '../base/bytes.ts';
import { mixingSteps } from './mixing.ts';

const constants = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]; // "expand 32-byte k"

/** @param nonce Its first 16 bytes are used. */
export function hchacha20(key: Uint8Array, nonce: Uint8Array): Uint8Array {
  const x = new Int32Array(16);
  x.set(constants);
  for (let i = 0; i < 8; i += 1) x[4 + i] = view(key).getInt32(4 * i, true);
  for (let i = 0; i < 4; i += 1) x[12 + i] = view(nonce).getInt32(4 * i, true);
  for (let round = 0; round < 10; round += 1) {
    for (const [a, b, c, d] of mixingSteps) {
      x[a] = x[a]! + x[b]!;
      x[d] = rotate(x[d]! ^ x[a]!, 16);
      x[c] = x[c]! + x[d]!;
      x[b] = rotate(x[b]! ^ x[c]!, 12);
      x[a] = x[a]! + x[b]!;
      x[d] = rotate(x[d]! ^ x[a]!, 8);
      x[c] = x[c]! + x[d]!;
      x[b] = rotate(x[b]! ^ x[c]!, 7);
    }
  }
  const subkey = new Uint8Array(32);
  const words = view(subkey);
  for (let i = 0; i < 4; i += 1) {
    words.setInt32(4 * i, x[i]!, true);
    words.setInt32(16 + 4 * i, x[12 + i]!, true);
  }
  return subkey;
}

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by));
