/**
 * MSS clamping: a device in front of a narrow path lowers what the two ends of a connection
 * promise each other, so that nobody depends on ICMP messages that firewalls like to drop.
 */

import { amend } from '../../wire/checksum.ts';
import { tcpFlag, tcpHeaderSize, tcpProtocol } from '../../wire/tcp.ts';

const headers = 40; // IPv4 and TCP, without options (RFC 9293 section 3.7.1)

/**
 * Lowers the MSS option of a SYN in place to what fits into `mtu`. Never raises one, never adds
 * one, and touches nothing but first fragments of TCP segments that carry SYN.
 *
 * @param memory  What the packet lies in, and `words` a view of the same bytes.
 * @param ipStart Where the IPv4 header begins. Its total length must have been checked against the
 *                frame, for nothing else says where the packet ends; whatever the bytes, nothing
 *                outside `memory` is read.
 * @returns Whether anything was changed. The TCP checksum is then amended: if it was wrong before,
 *          it is wrong after, and the receiver still finds out.
 */
export function clampMss(
  memory: Uint8Array,
  words: DataView,
  ipStart: number,
  mtu: number,
): boolean {
  if (mtu <= headers || ipStart + headers > memory.length) return false;
  const first = memory[ipStart]!;
  if (first >> 4 !== 4 || memory[ipStart + 9] !== tcpProtocol) return false;
  if ((words.getUint16(ipStart + 6) & 0x1fff) !== 0) return false; // a later fragment
  const end = Math.min(ipStart + words.getUint16(ipStart + 2), memory.length);
  const tcp = ipStart + (first & 15) * 4;
  if ((first & 15) < 5 || tcp + tcpHeaderSize > end) return false;
  if ((memory[tcp + 13]! & tcpFlag.syn) === 0) return false;
  const optionsEnd = tcp + (memory[tcp + 12]! >> 4) * 4;
  if (optionsEnd > end) return false;
  for (let at = tcp + tcpHeaderSize; at < optionsEnd; ) {
    const kind = memory[at]!;
    if (kind === 0) return false;
    if (kind === 1) {
      at += 1;
      continue;
    }
    const size = at + 1 < optionsEnd ? memory[at + 1]! : 0;
    if (size < 2 || at + size > optionsEnd) return false;
    if (kind === 2 && size === 4) {
      const was = words.getUint16(at + 2);
      const most = mtu - headers;
      if (was <= most) return false;
      words.setUint16(at + 2, most);
      // The sum is over words counted from the TCP header. An option may begin at an odd place;
      // its halves then belong to two words, which adds up as the swapped number would
      // (RFC 1071 section 2, "Byte Order Independence").
      const odd = ((at + 2 - tcp) & 1) === 1;
      amend(words, tcp + 16, odd ? swap(was) : was, odd ? swap(most) : most);
      return true;
    }
    at += size;
  }
  return false;
}

const swap = (word: number): number => ((word & 0xff) << 8) | (word >> 8);
