/** CRC-32 as in Ethernet, gzip and PNG (ISO 3309; RFC 1952 section 8). It finds accidents, not intent. */

const table = Int32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb8_8320 : 0);
  return sum;
});

/** @param earlier The sum of what came before; a sum over parts is that over the whole. */
export function crc32(bytes: Uint8Array, earlier = 0): number {
  let sum = ~earlier;
  for (let i = 0; i < bytes.length; i += 1) sum = (sum >>> 8) ^ table[(sum ^ bytes[i]!) & 0xff]!;
  return ~sum >>> 0;
}
