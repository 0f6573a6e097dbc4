/** IPv4 options that mean something to hosts and routers (RFC 791 section 3.1, RFC 1812 section 4.2.2.1). */
import type { Frame } from '../base/frame.ts';
import { type Ipv4, writeIpv4 } from '../wire/address.ts';
import { headerLengthOf, sumIpHeader } from './packet.ts';

const endOfOptions = 0;
const noOperation = 1;
const recordRouteType = 7;
const looseSource = 131;
const strictSource = 137;

/**
 * Looks the options over.
 *
 * @returns What is wrong, if anything: `pointer` is the byte of the header to blame, or 0 where the
 *          packet is to be dropped without a word, as source routes are by default.
 */
export function faultInOptions(frame: Frame): { readonly pointer: number } | undefined {
  const { memory, start } = frame;
  const end = headerLengthOf(frame);
  for (let at = 20; at < end; ) {
    const type = memory[start + 14 + at]!;
    if (type === endOfOptions) return undefined;
    if (type === noOperation) {
      at += 1;
      continue;
    }
    const length = at + 1 < end ? memory[start + 14 + at + 1]! : 0;
    if (length < 2 || at + length > end) return { pointer: at + (at + 1 < end ? 1 : 0) };
    if (type === looseSource || type === strictSource) return { pointer: 0 };
    if (type === recordRouteType && (length < 3 || memory[start + 14 + at + 2]! < 4))
      return { pointer: at + 2 };
    at += length;
  }
  return undefined;
}

/** Writes the address that the packet leaves by into a record route option with room for it. */
export function recordRoute(frame: Frame, address: Ipv4): void {
  const { memory, words, start } = frame;
  const end = headerLengthOf(frame);
  for (let at = 20; at < end; ) {
    const type = memory[start + 14 + at]!;
    if (type === endOfOptions) return;
    if (type === noOperation) {
      at += 1;
      continue;
    }
    const length = memory[start + 14 + at + 1]!;
    if (type === recordRouteType) {
      const pointer = memory[start + 14 + at + 2]!;
      if (pointer + 3 > length) return; // full
      writeIpv4(words, start + 14 + at + pointer - 1, address);
      memory[start + 14 + at + 2] = pointer + 4;
      sumIpHeader(frame);
      return;
    }
    at += length;
  }
}
