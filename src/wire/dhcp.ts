/**
 * DHCP, which is BOOTP with options (RFC 2131 section 2, RFC 2132).
 *
 *     0 op   1 htype   2 hlen   3 hops   4 xid   8 secs   10 flags   12 ciaddr   16 yiaddr
 *    20 siaddr   24 giaddr   28 chaddr (16)   44 sname (64)   108 file (128)   236 cookie
 *   240 options: code, length, data; PAD (0) and END (255) stand alone
 *
 * The list of options is the truth; `readOptions` and `listOptions` go from it to the fields that
 * our own client and server use, and back. Reading joins what RFC 3396 splits and what option 52
 * spreads over `file` and `sname`; writing puts everything into the options field again, so that
 * bytes that are read and written may come out longer or shorter, but never mean anything else.
 */
import { concat, view } from '../base/bytes.ts';
import { type Ipv4, type Mac, readIpv4, readMac, writeIpv4, writeMac } from './address.ts';
import { Malformed } from './malformed.ts';

export interface Dhcp {
  readonly op: 'request' | 'reply';
  /** 1 is Ethernet. */
  readonly htype: number;
  readonly hops: number;
  /** 32 bits, not negative. */
  readonly xid: number;
  readonly secs: number;
  /** The client cannot hear unicast before it has its address. The other 15 flags mean nothing. */
  readonly broadcast: boolean;
  readonly ciaddr: Ipv4;
  readonly yiaddr: Ipv4;
  readonly siaddr: Ipv4;
  readonly giaddr: Ipv4;
  /** As many bytes as `hlen` says, at most 16: what is beyond is not written. */
  readonly chaddr: Uint8Array;
  /** Without the zeros at its end, and empty where it carried options. At most 64 bytes. */
  readonly sname: Uint8Array;
  /** As `sname`, at most 128 bytes. */
  readonly file: Uint8Array;
  /** In the order of their first appearance, each code once, without PAD, END and option 52. */
  readonly options: readonly DhcpOption[];
}

export interface DhcpOption {
  readonly code: number;
  readonly data: Uint8Array;
}

const types = [
  'discover',
  'offer',
  'request',
  'decline',
  'ack',
  'nak',
  'release',
  'inform',
] as const; // 1 to 8 on the wire
export type DhcpType = (typeof types)[number];

/** The options that decide what a client or a server does. Absent means not in the message. */
export interface DhcpOptions {
  /** Also absent for a type that we do not speak, such as a LEASEQUERY (RFC 4388). */
  readonly type?: DhcpType;
  readonly serverId?: Ipv4;
  readonly requestedIp?: Ipv4;
  /** 0xffffffff is for ever (RFC 2131 section 3.3). */
  readonly leaseSeconds?: number;
  /** T1. */
  readonly renewSeconds?: number;
  /** T2. */
  readonly rebindSeconds?: number;
  readonly subnetMask?: Ipv4;
  readonly routers?: readonly Ipv4[];
  readonly parameters?: readonly number[];
  readonly clientId?: Uint8Array;
  /** What a server says in a NAK, or a client in a DECLINE; every byte is taken for a character. */
  readonly message?: string;
  /** The sub-options that a relay agent has added (RFC 3046 section 2.0). */
  readonly relayAgent?: readonly DhcpOption[];
}

export const foreverSeconds = 0xffff_ffff;

export const optionCode = {
  subnetMask: 1,
  routers: 3,
  requestedIp: 50,
  leaseSeconds: 51,
  overload: 52,
  type: 53,
  serverId: 54,
  parameters: 55,
  message: 56,
  renewSeconds: 58,
  rebindSeconds: 59,
  clientId: 61,
  relayAgent: 82,
} as const;

const pad = 0;
const end = 255;
const optionsStart = 240;
const cookie = 0x6382_5363; // RFC 2131 section 3: 99, 130, 83, 99
const snameAt = 44;
const fileAt = 108;
const cookieAt = 236;
/** What BOOTP always sent; there are relays that drop less (RFC 1542 section 2.1). */
const leastSize = 300;

/** How long the data of an option must be (RFC 2132); `least` is also what it must be a multiple of. */
const shapes: ReadonlyMap<
  number,
  { readonly least: number; readonly fixed?: true; readonly any?: true }
> = new Map([
  [optionCode.subnetMask, { least: 4, fixed: true }],
  [optionCode.routers, { least: 4 }],
  [optionCode.requestedIp, { least: 4, fixed: true }],
  [optionCode.leaseSeconds, { least: 4, fixed: true }],
  [optionCode.overload, { least: 1, fixed: true }],
  [optionCode.type, { least: 1, fixed: true }],
  [optionCode.serverId, { least: 4, fixed: true }],
  [optionCode.parameters, { least: 1 }],
  [optionCode.message, { least: 1 }],
  [optionCode.renewSeconds, { least: 4, fixed: true }],
  [optionCode.rebindSeconds, { least: 4, fixed: true }],
  [optionCode.clientId, { least: 2, any: true }],
  [optionCode.relayAgent, { least: 2, any: true }],
]);

/**
 * Reads what UDP carried. Refuses an option that runs past its field, a field without END, and an
 * option of those in `optionCode` with a length that it cannot have.
 */
export function decodeDhcp(bytes: Uint8Array): Dhcp | Malformed {
  if (bytes.length < optionsStart) return new Malformed('dhcp', 'truncated', bytes.length);
  const data = view(bytes);
  if (bytes[0] !== 1 && bytes[0] !== 2) return new Malformed('dhcp', 'bad-value', 0);
  const hlen = bytes[2]!;
  if (hlen > 16) return new Malformed('dhcp', 'bad-length', 2);
  if (data.getUint32(cookieAt) !== cookie) return new Malformed('dhcp', 'unsupported', cookieAt);

  const found: Found = new Map();
  const overloaded = collectAll(bytes, found);
  if (overloaded instanceof Malformed) return overloaded;
  const options: DhcpOption[] = [];
  for (const [code, { at, pieces }] of found) {
    const option = { code, data: pieces.length === 1 ? pieces[0]! : concat(...pieces) };
    if (!fits(option)) return new Malformed('dhcp', 'bad-length', at);
    if (code === optionCode.relayAgent && subOptions(option.data) === undefined)
      return new Malformed('dhcp', 'bad-length', at);
    if (code !== optionCode.overload) options.push(option);
  }
  return {
    op: bytes[0] === 1 ? 'request' : 'reply',
    htype: bytes[1]!,
    hops: bytes[3]!,
    xid: data.getUint32(4),
    secs: data.getUint16(8),
    broadcast: bytes[10]! >= 0x80,
    ciaddr: readIpv4(data, 12),
    yiaddr: readIpv4(data, 16),
    siaddr: readIpv4(data, 20),
    giaddr: readIpv4(data, 24),
    chaddr: bytes.subarray(28, 28 + hlen),
    sname: overloaded & 2 ? bytes.subarray(0, 0) : withoutZeros(bytes.subarray(snameAt, fileAt)),
    file: overloaded & 1 ? bytes.subarray(0, 0) : withoutZeros(bytes.subarray(fileAt, cookieAt)),
    options,
  };
}

/** Writes a message: all options in the options field, long ones split, at least 300 bytes. */
export function encodeDhcp(message: Dhcp): Uint8Array {
  const options = message.options.filter(
    ({ code }) => code !== pad && code !== end && code !== optionCode.overload,
  );
  let size = optionsStart + 1;
  for (const { data } of options)
    size += data.length + 2 * Math.max(1, Math.ceil(data.length / 255));
  const bytes = new Uint8Array(Math.max(size, leastSize));
  const data = view(bytes);
  bytes[0] = message.op === 'request' ? 1 : 2;
  bytes[1] = message.htype;
  bytes[2] = Math.min(message.chaddr.length, 16);
  bytes[3] = message.hops;
  data.setUint32(4, message.xid);
  data.setUint16(8, message.secs);
  if (message.broadcast) bytes[10] = 0x80;
  writeIpv4(data, 12, message.ciaddr);
  writeIpv4(data, 16, message.yiaddr);
  writeIpv4(data, 20, message.siaddr);
  writeIpv4(data, 24, message.giaddr);
  bytes.set(message.chaddr.subarray(0, 16), 28);
  bytes.set(message.sname.subarray(0, 64), snameAt);
  bytes.set(message.file.subarray(0, 128), fileAt);
  data.setUint32(cookieAt, cookie);
  let at = optionsStart;
  for (const option of options) {
    let from = 0;
    do {
      const piece = option.data.subarray(from, from + 255); // RFC 3396 section 6
      bytes[at] = option.code;
      bytes[at + 1] = piece.length;
      bytes.set(piece, at + 2);
      at += 2 + piece.length;
      from += 255;
    } while (from < option.data.length);
  }
  bytes[at] = end;
  return bytes;
}

/** The fields that matter. What has a wrong length, which `decodeDhcp` never returns, is left out. */
export function readOptions(options: readonly DhcpOption[]): DhcpOptions {
  const fields: { -readonly [Field in keyof DhcpOptions]: DhcpOptions[Field] } = {};
  for (const option of options) {
    const { code, data } = option;
    if (!fits(option)) continue;
    if (code === optionCode.type) {
      const type = types[data[0]! - 1];
      if (type !== undefined) fields.type = type;
    } else if (code === optionCode.serverId) fields.serverId = readIpv4(view(data), 0);
    else if (code === optionCode.requestedIp) fields.requestedIp = readIpv4(view(data), 0);
    else if (code === optionCode.leaseSeconds) fields.leaseSeconds = view(data).getUint32(0);
    else if (code === optionCode.renewSeconds) fields.renewSeconds = view(data).getUint32(0);
    else if (code === optionCode.rebindSeconds) fields.rebindSeconds = view(data).getUint32(0);
    else if (code === optionCode.subnetMask) fields.subnetMask = readIpv4(view(data), 0);
    else if (code === optionCode.routers) fields.routers = addresses(data);
    else if (code === optionCode.parameters) fields.parameters = [...data];
    else if (code === optionCode.clientId) fields.clientId = data;
    else if (code === optionCode.message) fields.message = String.fromCharCode(...data);
    else if (code === optionCode.relayAgent) {
      const agent = subOptions(data);
      if (agent !== undefined) fields.relayAgent = agent;
    }
  }
  return fields;
}

/** The list to send. The type comes first, as people expect; option 82 last (RFC 3046 section 2.1). */
export function listOptions(fields: DhcpOptions): DhcpOption[] {
  const list: DhcpOption[] = [];
  const put = (code: number, data: Uint8Array): number => list.push({ code, data });
  const { type, serverId, requestedIp, leaseSeconds, renewSeconds, rebindSeconds } = fields;
  if (type !== undefined) put(optionCode.type, Uint8Array.of(types.indexOf(type) + 1));
  if (serverId !== undefined) put(optionCode.serverId, word(serverId));
  if (requestedIp !== undefined) put(optionCode.requestedIp, word(requestedIp));
  if (leaseSeconds !== undefined) put(optionCode.leaseSeconds, word(leaseSeconds));
  if (renewSeconds !== undefined) put(optionCode.renewSeconds, word(renewSeconds));
  if (rebindSeconds !== undefined) put(optionCode.rebindSeconds, word(rebindSeconds));
  if (fields.subnetMask !== undefined) put(optionCode.subnetMask, word(fields.subnetMask));
  if (fields.routers !== undefined) put(optionCode.routers, concat(...fields.routers.map(word)));
  if (fields.parameters !== undefined)
    put(optionCode.parameters, Uint8Array.from(fields.parameters));
  if (fields.clientId !== undefined) put(optionCode.clientId, fields.clientId);
  if (fields.message !== undefined)
    put(
      optionCode.message,
      Uint8Array.from(fields.message, (letter) => letter.charCodeAt(0)),
    );
  if (fields.relayAgent !== undefined) {
    const parts = fields.relayAgent.map(({ code, data }) => {
      const part = data.subarray(0, 255); // sub-options cannot be split
      return concat(Uint8Array.of(code, part.length), part);
    });
    put(optionCode.relayAgent, concat(...parts));
  }
  return list;
}

export const ethernetHtype = 1;

/** What stands in `chaddr` for an Ethernet adapter. */
export function chaddrOf(mac: Mac): Uint8Array {
  const bytes = new Uint8Array(6);
  writeMac(view(bytes), 0, mac);
  return bytes;
}

/** The client's Ethernet address; none if its hardware is something else. */
export function macOf(message: Dhcp): Mac | undefined {
  if (message.htype !== ethernetHtype || message.chaddr.length !== 6) return undefined;
  return readMac(view(message.chaddr), 0);
}

type Found = Map<number, { readonly at: number; readonly pieces: Uint8Array[] }>;

/** Reads the options field, then `file`, then `sname`: the order in which RFC 3396 section 5 joins. */
function collectAll(bytes: Uint8Array, found: Found): number | Malformed {
  const trouble = collect(bytes, optionsStart, bytes.length, found);
  if (trouble !== undefined) return trouble;
  const overload = found.get(optionCode.overload);
  if (overload === undefined) return 0;
  const which = overload.pieces[0]![0] ?? 0;
  if (which < 1 || which > 3) return new Malformed('dhcp', 'bad-value', overload.at);
  const spread =
    (which & 1 ? collect(bytes, fileAt, cookieAt, found) : undefined) ??
    (which & 2 ? collect(bytes, snameAt, fileAt, found) : undefined);
  if (spread !== undefined) return spread;
  // An overload inside an overloaded field would send us round in a circle.
  return overload.pieces.length > 1 ? new Malformed('dhcp', 'bad-value', overload.at) : which;
}

function collect(bytes: Uint8Array, from: number, to: number, found: Found): Malformed | undefined {
  for (let at = from; at < to; ) {
    const code = bytes[at]!;
    if (code === end) return undefined;
    if (code === pad) {
      at += 1;
      continue;
    }
    const next = at + 2 + (bytes[at + 1] ?? 0);
    if (next > to) return new Malformed('dhcp', 'truncated', at);
    const piece = bytes.subarray(at + 2, next);
    const before = found.get(code);
    if (before === undefined) found.set(code, { at, pieces: [piece] });
    else before.pieces.push(piece);
    at = next;
  }
  return new Malformed('dhcp', 'truncated', to);
}

function fits({ code, data }: DhcpOption): boolean {
  const shape = shapes.get(code);
  if (shape === undefined) return true;
  if (data.length < shape.least) return false;
  if (shape.fixed) return data.length === shape.least;
  return shape.any === true || data.length % shape.least === 0;
}

/** The parts of option 82; `undefined` if they do not fill it exactly. */
function subOptions(data: Uint8Array): DhcpOption[] | undefined {
  const parts: DhcpOption[] = [];
  let at = 0;
  while (at < data.length) {
    const next = at + 2 + (data[at + 1] ?? data.length);
    if (next > data.length) return undefined;
    parts.push({ code: data[at]!, data: data.subarray(at + 2, next) });
    at = next;
  }
  return parts;
}

function addresses(data: Uint8Array): Ipv4[] {
  const words = view(data);
  return Array.from({ length: data.length / 4 }, (_, i) => readIpv4(words, i * 4));
}

function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  view(bytes).setUint32(0, value);
  return bytes;
}

function withoutZeros(bytes: Uint8Array): Uint8Array {
  let length = bytes.length;
  while (length > 0 && bytes[length - 1] === 0) length -= 1;
  return bytes.subarray(0, length);
}
