/**
 * TCP segments (RFC 9293 section 3.1).
 *
 *    0 source port   2 destination port   4 sequence number   8 acknowledgment number
 *   12 offset (4 bits, in words of 4 bytes), reserved (4), flags (8)
 *   14 window   16 checksum   18 urgent pointer   20 options up to the offset, then payload
 *
 * Everything that was decoded is encoded again as it was, to the bit, so that a capture survives.
 * The one exception: a checksum of 0xffff, which no sender writes but which is right wherever
 * 0x0000 is, comes out as 0x0000.
 */
import { view } from '../base/bytes.ts';
import { type Sequence, sequence } from '../base/sequence.ts';
import type { Ipv4 } from './address.ts';
import { addUp, fold, pseudoHeader } from './checksum.ts';
import { Malformed } from './malformed.ts';

export interface TcpSegment {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: Sequence;
  readonly acknowledgment: Sequence;
  /** Bits of `tcpFlag`, and above them the four reserved bits. */
  readonly flags: number;
  readonly window: number;
  readonly urgent: number;
  readonly options: readonly TcpOption[];
  readonly payload: Uint8Array;
}

export type TcpOption =
  | { readonly kind: 'mss'; readonly mss: number }
  | { readonly kind: 'window-scale'; readonly shift: number }
  | { readonly kind: 'sack-permitted' }
  | { readonly kind: 'sack'; readonly blocks: readonly SackBlock[] }
  | { readonly kind: 'timestamps'; readonly value: number; readonly echo: number }
  | { readonly kind: 'nop' }
  /** The end of the list, and whatever stands between it and the payload. */
  | { readonly kind: 'end'; readonly padding: Uint8Array }
  /** A kind that is not known, or one that is with a length that is not its own. */
  | { readonly kind: 'unknown'; readonly type: number; readonly data: Uint8Array };

/** What arrived beyond a gap: from `left` up to but not including `right` (RFC 2018 section 3). */
interface SackBlock {
  readonly left: Sequence;
  readonly right: Sequence;
}

export const tcpProtocol = 6;
export const tcpHeaderSize = 20;
export const tcpFlag = {
  fin: 0x01,
  syn: 0x02,
  rst: 0x04,
  psh: 0x08,
  ack: 0x10,
  urg: 0x20,
  ece: 0x40,
  cwr: 0x80,
} as const;

const optionsMost = 40; // the offset has four bits: 15 words, five of them the header
const type = { end: 0, nop: 1, mss: 2, windowScale: 3, sackPermitted: 4, sack: 5, timestamps: 8 };

/**
 * Reads one segment. With both addresses the checksum is verified too. An unknown option is kept;
 * one whose length is 0 or 1, or reaches past the header, makes the segment malformed.
 */
export function decodeTcp(
  bytes: Uint8Array,
  source?: Ipv4,
  destination?: Ipv4,
): TcpSegment | Malformed {
  if (bytes.length < tcpHeaderSize) return new Malformed('tcp', 'truncated', bytes.length);
  const data = view(bytes);
  const header = (bytes[12]! >> 4) * 4;
  if (header < tcpHeaderSize || header > bytes.length)
    return new Malformed('tcp', 'bad-length', 12);
  if (source !== undefined && destination !== undefined) {
    const start = pseudoHeader(source, destination, tcpProtocol, bytes.length);
    if (fold(addUp(data, 0, bytes.length, start)) !== 0)
      return new Malformed('tcp', 'bad-checksum', 16);
  }
  const options = decodeOptions(bytes, data, header);
  if (options instanceof Malformed) return options;
  return {
    sourcePort: data.getUint16(0),
    destinationPort: data.getUint16(2),
    sequence: data.getUint32(4) as Sequence,
    acknowledgment: data.getUint32(8) as Sequence,
    flags: data.getUint16(12) & 0x0fff,
    window: data.getUint16(14),
    urgent: data.getUint16(18),
    options,
    payload: bytes.subarray(header),
  };
}

/**
 * Writes one segment with its checksum. Options are padded with zeros to a whole word; one for
 * which the header has no room left is left out, with all that follow it.
 */
export function encodeTcp(segment: TcpSegment, source: Ipv4, destination: Ipv4): Uint8Array {
  let header = tcpHeaderSize;
  let fitting = 0;
  for (const option of segment.options) {
    const size = optionSize(option);
    if (header + size > tcpHeaderSize + optionsMost) break;
    header += size;
    fitting += 1;
  }
  header = (header + 3) & ~3;
  const bytes = new Uint8Array(header + segment.payload.length);
  const data = view(bytes);
  data.setUint16(0, segment.sourcePort);
  data.setUint16(2, segment.destinationPort);
  data.setUint32(4, segment.sequence);
  data.setUint32(8, segment.acknowledgment);
  data.setUint16(12, ((header / 4) << 12) | (segment.flags & 0x0fff));
  data.setUint16(14, segment.window);
  data.setUint16(18, segment.urgent);
  let at = tcpHeaderSize;
  for (let i = 0; i < fitting; i += 1) at = writeOption(bytes, data, at, segment.options[i]!);
  bytes.set(segment.payload, header);
  const start = pseudoHeader(source, destination, tcpProtocol, bytes.length);
  data.setUint16(16, fold(addUp(data, 0, bytes.length, start)));
  return bytes;
}

const none: readonly TcpOption[] = [];

function decodeOptions(
  bytes: Uint8Array,
  data: DataView,
  end: number,
): readonly TcpOption[] | Malformed {
  if (end === tcpHeaderSize) return none;
  const options: TcpOption[] = [];
  for (let at = tcpHeaderSize; at < end; ) {
    const kind = bytes[at]!;
    if (kind === type.end) {
      options.push({ kind: 'end', padding: bytes.subarray(at + 1, end) });
      break;
    }
    if (kind === type.nop) {
      options.push({ kind: 'nop' });
      at += 1;
      continue;
    }
    const size = at + 1 < end ? bytes[at + 1]! : 0;
    if (size < 2 || at + size > end) return new Malformed('tcp', 'bad-length', at);
    options.push(decodeOption(kind, size, at, bytes, data));
    at += size;
  }
  return options;
}

function decodeOption(
  kind: number,
  size: number,
  at: number,
  bytes: Uint8Array,
  data: DataView,
): TcpOption {
  if (kind === type.mss && size === 4) return { kind: 'mss', mss: data.getUint16(at + 2) };
  if (kind === type.windowScale && size === 3)
    return { kind: 'window-scale', shift: bytes[at + 2]! };
  if (kind === type.sackPermitted && size === 2) return { kind: 'sack-permitted' };
  if (kind === type.sack && size >= 10 && (size - 2) % 8 === 0) {
    const blocks: SackBlock[] = [];
    for (let block = at + 2; block < at + size; block += 8)
      blocks.push({
        left: sequence(data.getUint32(block)),
        right: sequence(data.getUint32(block + 4)),
      });
    return { kind: 'sack', blocks };
  }
  if (kind === type.timestamps && size === 10)
    return { kind: 'timestamps', value: data.getUint32(at + 2), echo: data.getUint32(at + 6) };
  return { kind: 'unknown', type: kind, data: bytes.subarray(at + 2, at + size) };
}

function optionSize(option: TcpOption): number {
  switch (option.kind) {
    case 'mss':
      return 4;
    case 'window-scale':
      return 3;
    case 'sack-permitted':
      return 2;
    case 'sack':
      return 2 + option.blocks.length * 8;
    case 'timestamps':
      return 10;
    case 'nop':
      return 1;
    case 'end':
      return 1 + option.padding.length;
    case 'unknown':
      return 2 + option.data.length;
  }
}

/** Writes one option and says where the next one begins. */
function writeOption(bytes: Uint8Array, data: DataView, at: number, option: TcpOption): number {
  const size = optionSize(option);
  if (option.kind === 'nop') bytes[at] = type.nop;
  else if (option.kind === 'end') bytes.set(option.padding, at + 1);
  else {
    bytes[at] = optionType(option);
    bytes[at + 1] = size;
    if (option.kind === 'mss') data.setUint16(at + 2, option.mss);
    else if (option.kind === 'window-scale') bytes[at + 2] = option.shift;
    else if (option.kind === 'sack') {
      option.blocks.forEach((block, i) => {
        data.setUint32(at + 2 + i * 8, block.left);
        data.setUint32(at + 6 + i * 8, block.right);
      });
    } else if (option.kind === 'timestamps') {
      data.setUint32(at + 2, option.value);
      data.setUint32(at + 6, option.echo);
    } else if (option.kind === 'unknown') bytes.set(option.data, at + 2);
  }
  return at + size;
}

function optionType(option: Exclude<TcpOption, { kind: 'nop' | 'end' }>): number {
  switch (option.kind) {
    case 'mss':
      return type.mss;
    case 'window-scale':
      return type.windowScale;
    case 'sack-permitted':
      return type.sackPermitted;
    case 'sack':
      return type.sack;
    case 'timestamps':
      return type.timestamps;
    case 'unknown':
      return option.type;
  }
}
