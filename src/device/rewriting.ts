/** Addresses and ports of packets changed where they lie, with every checksum that covers them. */
import type { Frame } from '../base/frame.ts';
import { after, type Duration, type Instant, seconds } from '../base/time.ts';
import {
  headerLengthOf,
  isFragment,
  protocolIcmp,
  protocolOf,
  protocolTcp,
  protocolUdp,
  totalLengthOf,
  transportAt,
} from '../stack/packet.ts';
import type { Ipv4 } from '../wire/address.ts';
import { addUp, amend, fold } from '../wire/checksum.ts';

const echoRequest = 8;
const echoReply = 0;
/** Where in a frame the two addresses stand. */
export const sourceAt = 26;
export const destinationAt = 30;
type AddressAt = typeof sourceAt | typeof destinationAt;

const lasts: Readonly<Record<number, Duration>> = {
  [protocolUdp]: seconds(300), // RFC 4787 section 4.3 recommends five minutes
  [protocolTcp]: seconds(7440), // RFC 5382 section 5: two hours and four minutes
  [protocolIcmp]: seconds(60), // RFC 5508 section 3.2
};

/** How long a translation is kept without a packet. */
export const lastsUntil = (protocol: number, now: Instant): Instant =>
  after(now, lasts[protocol] ?? seconds(60));

/** What an ICMP error tells of the packet that it is about. Places count from the start of the frame. */
export interface Quote {
  /** Of the quoted IP header, and of what follows it. */
  readonly at: number;
  readonly transport: number;
  readonly protocol: number;
  readonly source: Ipv4;
  readonly destination: Ipv4;
  /** Ports, or twice the identifier of an echo request. */
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/** Where in the frame the port, or the identifier of an echo, stands; undefined if it has none that can be mapped. */
export function portField(frame: Frame, side: 'source' | 'destination'): number | undefined {
  const at = transportAt(frame);
  const protocol = protocolOf(frame);
  // All that is going to be rewritten must be there: what follows in memory is another frame's.
  if (isFragment(frame) || at + (protocol === protocolTcp ? 20 : 8) > frame.length)
    return undefined;
  switch (protocol) {
    case protocolTcp:
    case protocolUdp:
      return side === 'source' ? at : at + 2;
    case protocolIcmp: {
      const type = frame.memory[frame.start + at];
      return type === (side === 'source' ? echoRequest : echoReply) ? at + 4 : undefined;
    }
    default:
      return undefined;
  }
}

/** Undefined where the packet is no ICMP error, or quotes too little to tell what it is about. */
export function quoteIn(frame: Frame): Quote | undefined {
  const { words, memory, start, length } = frame;
  const icmp = transportAt(frame);
  const at = icmp + 8;
  if (protocolOf(frame) !== protocolIcmp || isFragment(frame) || at + 28 > length) return undefined;
  const type = memory[start + icmp];
  if (type !== 3 && type !== 11 && type !== 12) return undefined;
  const first = memory[start + at]!;
  const transport = at + (first & 15) * 4;
  if (first >> 4 !== 4 || transport < at + 20 || transport + 8 > length) return undefined;
  if ((words.getUint16(start + at + 6) & 0x1fff) !== 0) return undefined; // a later fragment
  const protocol = memory[start + at + 9]!;
  const isEcho = protocol === protocolIcmp;
  if (isEcho && memory[start + transport] !== echoRequest) return undefined;
  const source = isEcho ? transport + 4 : transport;
  const destination = isEcho ? source : transport + 2;
  return {
    at,
    transport,
    protocol,
    source: words.getInt32(start + at + 12) as Ipv4,
    destination: words.getInt32(start + at + 16) as Ipv4,
    sourcePort: words.getUint16(start + source),
    destinationPort: words.getUint16(start + destination),
  };
}

/** Puts another address there and corrects the checksum of the IP header. */
export function setAddress(frame: Frame, at: AddressAt, ip: Ipv4): void {
  for (const [offset, half] of halvesOf(ip)) exchange(frame, at + offset, half, [24]);
}

/** Address and port, with the IP and transport checksums. */
export function rewrite(frame: Frame, at: AddressAt, ip: Ipv4, field: number, port: number): void {
  const protocol = protocolOf(frame);
  const sum = transportSumAt(frame, protocol, transportAt(frame));
  // The pseudo-header makes the addresses part of what UDP and TCP add up, and not of ICMP.
  const sums = sum === undefined || protocol === protocolIcmp ? [24] : [24, sum];
  for (const [offset, half] of halvesOf(ip)) exchange(frame, at + offset, half, sums);
  exchange(frame, field, port, sum === undefined ? [] : [sum]);
  if (sum !== undefined) mendZero(frame, protocol, sum);
}

/**
 * The quote is payload of the ICMP message, whose checksum follows every word changed in it, also
 * the checksums inside; of those, the ones that the quote still holds are corrected.
 */
export function rewriteQuote(
  frame: Frame,
  { at, transport, protocol }: Quote,
  side: 'source' | 'destination',
  ip: Ipv4,
  port: number,
): void {
  const outer = transportAt(frame) + 2;
  const header = at + 10;
  const inner = transportSumAt(frame, protocol, transport);
  const sum = inner !== undefined && inner + 2 <= frame.length ? inner : undefined;
  const address = at + (side === 'source' ? 12 : 16);
  const field = transport + (protocol === protocolIcmp ? 4 : side === 'source' ? 0 : 2);
  const { words, start } = frame;
  const before = [header, ...(sum === undefined ? [] : [sum])].map(
    (place) => [place, words.getUint16(start + place)] as const,
  );
  const inAddress = sum === undefined || protocol === protocolIcmp ? [header] : [header, sum];
  for (const [offset, half] of halvesOf(ip))
    exchange(frame, address + offset, half, [outer, ...inAddress]);
  exchange(frame, field, port, sum === undefined ? [outer] : [outer, sum]);
  if (sum !== undefined && protocol === protocolUdp && words.getUint16(start + sum) === 0)
    words.setUint16(start + sum, 0xffff);
  for (const [place, was] of before)
    amend(words, start + outer, was, words.getUint16(start + place));
}

const halvesOf = (ip: Ipv4): readonly (readonly [number, number])[] => [
  [0, (ip >>> 16) & 0xffff],
  [2, ip & 0xffff],
];

/** Writes a word, and what that makes of the checksums that cover it. */
function exchange(frame: Frame, at: number, value: number, sums: readonly number[]): void {
  const { words, start } = frame;
  const was = words.getUint16(start + at);
  words.setUint16(start + at, value);
  for (const sum of sums) amend(words, start + sum, was, value);
}

/** Amending cannot tell the two zeros of one's complement apart. */
function mendZero(frame: Frame, protocol: number, sum: number): void {
  const { words, start } = frame;
  if (words.getUint16(start + sum) !== 0) return;
  // Of UDP it would say that there is no checksum (RFC 768); an echo of all zeros is summed anew.
  if (protocol === protocolUdp) words.setUint16(start + sum, 0xffff);
  else if (protocol === protocolIcmp) {
    const length = totalLengthOf(frame) - headerLengthOf(frame);
    const right = fold(addUp(words, start + transportAt(frame), length));
    if (right === 0xffff) words.setUint16(start + sum, right);
  }
}

/** Where the transport checksum stands; undefined for a UDP datagram that has none, and for who has none at all. */
function transportSumAt(frame: Frame, protocol: number, at: number): number | undefined {
  switch (protocol) {
    case protocolTcp:
      return at + 16;
    case protocolUdp:
      return frame.words.getUint16(frame.start + at + 6) === 0 ? undefined : at + 6;
    case protocolIcmp:
      return at + 2;
    default:
      return undefined;
  }
}
