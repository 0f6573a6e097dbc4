/** IPv4 options that mean something to hosts and routers (RFC 791 section 3.1, RFC 1812 section 4.2.2.1). */
import type { Frame } from '../base/frame.ts';
import type { Ipv4 } from '../wire/address.ts';
import { headerLengthOf, ipAt, sumIpHeader } from './packet.ts';

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
    if (length < 2 || at + length > end) return { pointer: at };
    if (type === looseSource || type === strictSource) return { pointer: 0 };
    if (type === recordRouteType) {
      if (length < 3) return { pointer: at + 1 };
      const pointer = memory[start + 14 + at + 2]!;
      // The place of the next address: none before byte 4, and room for all of it or for none.
      if (pointer < 4 || (pointer <= length && pointer + 3 > length)) return { pointer: at + 2 };
    }
    at += length;
  }
  return undefined;
}

/** Where the record route option begins in the frame, if there is one. The options must be sound. */
function recordRouteAt(frame: Frame): number | undefined {
  const { memory, start } = frame;
  const end = headerLengthOf(frame);
  for (let at = 20; at < end; ) {
    const type = memory[start + ipAt + at]!;
    if (type === endOfOptions) return undefined;
    if (type === recordRouteType) return ipAt + at;
    at += type === noOperation ? 1 : memory[start + ipAt + at + 1]!;
  }
  return undefined;
}

/** Writes the address that the packet leaves by into a record route option with room for it. */
export function recordRoute(frame: Frame, address: Ipv4): void {
  const at = recordRouteAt(frame);
  if (at === undefined || !record(frame.memory, frame.start + at, address)) return;
  sumIpHeader(frame);
}

/**
 * The options that an answer to this packet carries: the route recorded so far, continued with
 * our own address as the end of the way there and as the beginning of the way back (RFC 1122
 * section 3.2.2.6, as Linux does it). The others are not for answers.
 */
export function echoedOptions(frame: Frame, own: Ipv4): Uint8Array {
  if (frame.memory[frame.start + ipAt] === 0x45 || faultInOptions(frame)) return noOptions;
  const at = recordRouteAt(frame);
  if (at === undefined) return noOptions;
  const length = frame.memory[frame.start + at + 1]!;
  const options = new Uint8Array((length + 3) & ~3);
  options.set(frame.bytes(at, at + length));
  record(options, 0, own);
  record(options, 0, own);
  return options;
}

const noOptions = new Uint8Array(0);

/** Enters an address in the option at `at`, if there is room. */
function record(memory: Uint8Array, at: number, address: Ipv4): boolean {
  const length = memory[at + 1]!;
  const pointer = memory[at + 2]!;
  if (pointer + 3 > length) return false;
  for (let i = 0; i < 4; i += 1) memory[at + pointer - 1 + i] = address >>> (24 - 8 * i);
  memory[at + 2] = pointer + 4;
  return true;
}
