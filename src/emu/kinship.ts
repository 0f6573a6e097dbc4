/** A number for the bytes of a frame: equal for the same frame seen in two places. FNV-1a. */
export function kinship(bytes: Uint8Array, from = 0, to = bytes.length, seed = 0): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = from; i < to; i += 1) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash;
}
