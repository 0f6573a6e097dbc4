/**
 * ICMP messages (RFC 792; next-hop MTU: RFC 1191 section 4).
 *
 *    0 type   1 code   2 checksum   4 a word whose meaning depends on the type   8 the rest
 *
 * The word: echo: identifier, sequence. Unreachable: 16 unused bits, next-hop MTU. Redirect:
 * gateway. Parameter problem: pointer, 24 unused bits. Time exceeded: unused.
 */
import { view } from '../base/bytes.ts';
import type { Ipv4 } from './address.ts';
import { internetChecksum } from './checksum.ts';
import { Malformed } from './malformed.ts';

const icmpType = {
  echoReply: 0,
  unreachable: 3,
  redirect: 5,
  echoRequest: 8,
  timeExceeded: 11,
  parameterProblem: 12,
} as const;

export type Icmp = IcmpEcho | IcmpError | IcmpOther;

interface Common {
  readonly code: number;
  /** The checksum was written as 0xffff for 0x0000: the same sum, so it passes (RFC 1624 section 3). */
  readonly minusZero?: true;
}

interface IcmpEcho extends Common {
  readonly kind: 'echo-request' | 'echo-reply';
  readonly identifier: number;
  readonly sequence: number;
  readonly data: Uint8Array;
}

interface ErrorCommon extends Common {
  /** The bits of the word that RFC 792 leaves unused, in place, where a sender put something there:
   * the length of the quote if extensions follow it (RFC 4884 section 4). */
  readonly unused?: number;
  /** The packet that is complained of: its header and as much more as the sender gave. */
  readonly quote: Uint8Array;
}

export type IcmpError =
  /** `mtu` has a meaning where `code` is 4; 0 there comes from routers older than RFC 1191. */
  | (ErrorCommon & { readonly kind: 'unreachable'; readonly mtu: number })
  | (ErrorCommon & { readonly kind: 'redirect'; readonly gateway: Ipv4 })
  | (ErrorCommon & { readonly kind: 'time-exceeded' })
  /** `pointer` is where in the quoted packet the trouble is. */
  | (ErrorCommon & { readonly kind: 'parameter-problem'; readonly pointer: number });

/** Timestamps, address masks, router discovery, and whatever else there may be. */
interface IcmpOther extends Common {
  readonly kind: 'other';
  readonly type: number;
  /** The four bytes after the checksum, as an unsigned number. */
  readonly word: number;
  readonly body: Uint8Array;
}

const headerSize = 8;

/** Reads one message, which is the whole payload of its packet, and verifies its checksum. */
export function decodeIcmp(bytes: Uint8Array): Icmp | Malformed {
  if (bytes.length < headerSize) return new Malformed('icmp', 'truncated', bytes.length);
  if (internetChecksum(bytes) !== 0) return new Malformed('icmp', 'bad-checksum', 2);
  const data = view(bytes);
  const type = data.getUint8(0);
  const word = data.getUint32(4);
  const rest = bytes.subarray(headerSize);
  const common = {
    code: data.getUint8(1),
    ...(isMinusZero(bytes) && { minusZero: true as const }),
  };
  switch (type) {
    case icmpType.echoReply:
    case icmpType.echoRequest:
      return {
        kind: type === icmpType.echoReply ? 'echo-reply' : 'echo-request',
        ...common,
        identifier: word >>> 16,
        sequence: word & 0xffff,
        data: rest,
      };
    case icmpType.unreachable:
      return {
        kind: 'unreachable',
        ...common,
        ...unused(word, 0xffff_0000),
        mtu: word & 0xffff,
        quote: rest,
      };
    case icmpType.redirect:
      return { kind: 'redirect', ...common, gateway: (word | 0) as Ipv4, quote: rest };
    case icmpType.timeExceeded:
      return { kind: 'time-exceeded', ...common, ...unused(word, 0xffff_ffff), quote: rest };
    case icmpType.parameterProblem:
      return {
        kind: 'parameter-problem',
        ...common,
        ...unused(word, 0x00ff_ffff),
        pointer: word >>> 24,
        quote: rest,
      };
    default:
      return { kind: 'other', type, ...common, word, body: rest };
  }
}

/** Writes one message with the right checksum. */
export function encodeIcmp(icmp: Icmp): Uint8Array {
  const { type, word, rest } = parts(icmp);
  const bytes = new Uint8Array(headerSize + rest.length);
  const data = view(bytes);
  data.setUint8(0, type);
  data.setUint8(1, icmp.code);
  data.setUint32(4, word);
  bytes.set(rest, headerSize);
  const checksum = internetChecksum(bytes);
  data.setUint16(2, checksum === 0 && icmp.minusZero ? 0xffff : checksum);
  return bytes;
}

function parts(icmp: Icmp): { type: number; word: number; rest: Uint8Array } {
  switch (icmp.kind) {
    case 'echo-request':
    case 'echo-reply': {
      const type = icmp.kind === 'echo-reply' ? icmpType.echoReply : icmpType.echoRequest;
      return { type, word: (icmp.identifier << 16) | (icmp.sequence & 0xffff), rest: icmp.data };
    }
    case 'unreachable': {
      const word = (icmp.unused ?? 0) | (icmp.mtu & 0xffff);
      return { type: icmpType.unreachable, word, rest: icmp.quote };
    }
    case 'redirect':
      return { type: icmpType.redirect, word: icmp.gateway, rest: icmp.quote };
    case 'time-exceeded':
      return { type: icmpType.timeExceeded, word: icmp.unused ?? 0, rest: icmp.quote };
    case 'parameter-problem': {
      const word = (icmp.pointer << 24) | (icmp.unused ?? 0);
      return { type: icmpType.parameterProblem, word, rest: icmp.quote };
    }
    case 'other':
      return { type: icmp.type, word: icmp.word, rest: icmp.body };
  }
}

function unused(word: number, mask: number): { unused?: number } {
  const bits = (word & mask) >>> 0;
  return bits === 0 ? {} : { unused: bits };
}

/** Only over nothing but zeros is 0xffff what the sum comes to. */
const isMinusZero = (bytes: Uint8Array): boolean =>
  bytes[2] === 0xff &&
  bytes[3] === 0xff &&
  bytes.some((byte, i) => byte !== 0 && i !== 2 && i !== 3);
