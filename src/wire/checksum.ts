/** The Internet checksum: what IPv4, ICMP, UDP and TCP headers carry (RFC 1071, RFC 1624). */

/**
 * Adds up 16-bit words: a running total, not yet folded or inverted (RFC 1071 section 2).
 *
 * @param words  A view that holds the bytes at `start` up to `start + length`. Not changed.
 * @param length Any; an odd last byte counts as if a zero followed it. Parts before the last must
 *               have an even length.
 * @param sum    What earlier parts, such as the pseudo-header of TCP, added up to.
 *
 * Reading 32 bits at a time and adding the halves is half the cost of reading 16.
 */
export function addUp(words: DataView, start: number, length: number, sum = 0): number {
  let at = start;
  const fours = start + (length & ~3);
  let low = sum & 0xffff;
  let high = sum >>> 16;
  for (; at < fours; at += 4) {
    const word = words.getInt32(at);
    low += word & 0xffff;
    high += word >>> 16;
  }
  if (length & 2) {
    low += words.getUint16(at);
    at += 2;
  }
  if (length & 1) low += words.getUint8(at) << 8;
  // Both halves are worth the same in one's complement arithmetic: 2^16 is 1.
  return low + high;
}

/** Folds a total to 16 bits and inverts it: the checksum to write, or 0 over bytes that hold a right one. */
export function fold(sum: number): number {
  let folded = (sum & 0xffff) + (sum >>> 16);
  folded = (folded & 0xffff) + (folded >>> 16);
  return ~folded & 0xffff;
}

/**
 * The checksum over `bytes`.
 *
 * @returns A 16-bit number, ready to be written big-endian. Over bytes that already hold a right
 *          checksum the result is 0, which is how to verify one.
 *
 * Never throws. UDP over IPv4 must send 0xffff in place of 0 (RFC 768): that is the UDP codec's
 * business, not this function's.
 */
export function internetChecksum(bytes: Uint8Array, sum = 0): number {
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return fold(addUp(words, 0, bytes.length, sum));
}

/** What the addresses, protocol and length add to the sum of UDP and TCP (RFC 9293 section 3.1). */
export function pseudoHeader(
  source: number,
  destination: number,
  protocol: number,
  length: number,
): number {
  return (
    (source >>> 16) +
    (source & 0xffff) +
    (destination >>> 16) +
    (destination & 0xffff) +
    protocol +
    length
  );
}

/**
 * Corrects the checksum at `at` for one 16-bit word that changed from `was` to `is`
 * (RFC 1624 section 3, equation 3), without reading the rest.
 *
 * It cannot tell +0 from -0: where the sum of everything covered is zero, as in an echo reply of
 * all zeros, it writes 0x0000 where 0xffff is meant. Who may meet that must sum anew.
 */
export function amend(words: DataView, at: number, was: number, is: number): void {
  let sum = (~words.getUint16(at) & 0xffff) + (~was & 0xffff) + is;
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = (sum & 0xffff) + (sum >>> 16);
  words.setUint16(at, ~sum & 0xffff);
}
