/**
 * BLAKE2s with a key (RFC 7693). Node's library has BLAKE2s, but without its key parameter and
 * only 32 bytes long; the macs of WireGuard need both otherwise.
 */
import { mixingSteps } from './mixing.ts';

const blockSize = 64;
const iv = Int32Array.of(
  0x6a09e667,
  0xbb67ae85,
  0x3c6ef372,
  0xa54ff53a,
  0x510e527f,
  0x9b05688c,
  0x1f83d9ab,
  0x5be0cd19,
);
/** Which word of the block goes where, round by round (section 2.7). */
const sigma = [
  'fedcba9876543210',
  '357b20c16df984ae',
  '491763eadf250c8b',
  '8f04a562ebcd1397',
  'd386cb1efa427509',
  '91ef57d438b0a6c2',
  'b8293670a4def15c',
  'a2684f05931ce7bd',
  '5a417d2c803b9ef6',
  '0dc3e9bf5167482a',
].map((round) => [...round].reverse().map((word) => Number.parseInt(word, 16)));

/** @param key At most 32 bytes, and not empty. */
export function keyedBlake2s(key: Uint8Array, data: Uint8Array, length: number): Uint8Array {
  const state = iv.slice();
  state[0] = state[0]! ^ 0x0101_0000 ^ (key.length << 8) ^ length;
  const block = new Uint8Array(blockSize);
  block.set(key);
  let done = blockSize;
  compress(state, block, done, data.length === 0);
  for (let at = 0; at < data.length; at += blockSize) {
    const part = data.subarray(at, at + blockSize);
    block.fill(0);
    block.set(part);
    done += part.length;
    compress(state, block, done, at + blockSize >= data.length);
  }
  return Uint8Array.from({ length }, (_, i) => state[i >>> 2]! >>> (8 * (i & 3)));
}

/** Takes one block into the state (section 3.2). `done` counts it in; it stays far below 2^32. */
function compress(state: Int32Array, block: Uint8Array, done: number, last: boolean): void {
  const words = new DataView(block.buffer);
  const m = Int32Array.from({ length: 16 }, (_, i) => words.getInt32(4 * i, true));
  const v = new Int32Array(16);
  v.set(state);
  v.set(iv, 8);
  v[12] = v[12]! ^ done;
  if (last) v[14] = ~v[14]!;
  for (const order of sigma) {
    mixingSteps.forEach(([a, b, c, d], i) => {
      v[a] = v[a]! + v[b]! + m[order[2 * i]!]!;
      v[d] = rotateRight(v[d]! ^ v[a]!, 16);
      v[c] = v[c]! + v[d]!;
      v[b] = rotateRight(v[b]! ^ v[c]!, 12);
      v[a] = v[a]! + v[b]! + m[order[2 * i + 1]!]!;
      v[d] = rotateRight(v[d]! ^ v[a]!, 8);
      v[c] = v[c]! + v[d]!;
      v[b] = rotateRight(v[b]! ^ v[c]!, 7);
    });
  }
  for (let i = 0; i < 8; i += 1) state[i] = state[i]! ^ v[i]! ^ v[i + 8]!;
}

const rotateRight = (x: number, by: number): number => (x >>> by) | (x << (32 - by));
