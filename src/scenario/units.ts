/** The small languages inside single values: durations, rates, addresses, flows, ports. */
import { type Duration, nanoseconds } from '../base/time.ts';
import {
  type Ipv4,
  isMulticastIpv4,
  type Mac,
  networkOf,
  type Prefix,
  parseIpv4,
  parseMac,
  parsePrefix,
  showPrefix,
} from '../wire/address.ts';
import { vxlanPort } from '../wire/vxlan.ts';
import type { ProblemCode } from './problem.ts';

/** What a parser of text returns instead of a value. */
export class Wrong {
  readonly code: ProblemCode;
  readonly message: string;
  readonly hint: string | undefined;
  /** Which part of the text is to blame; all of it without a length. */
  readonly at: number;
  readonly length: number | undefined;

  constructor(code: ProblemCode, message: string, hint?: string, at = 0, length?: number) {
    this.code = code;
    this.message = message;
    this.hint = hint;
    this.at = at;
    this.length = length;
  }
}

/** Text in a message: short, and in quotes. */
export const quote = (text: string): string =>
  `"${text.length > 60 ? `${text.slice(0, 57)}...` : text}"`;

/** A pattern that must fit from beginning to end, for the parser and for the schema alike. */
export const whole = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`);

// Durations and rates

export const durationPattern = '(\\d{1,9}(\\.\\d{1,9})?(d|h|m|s|ms|us|ns))+';
const durationUnits = {
  d: 86_400e9,
  h: 3_600e9,
  m: 60e9,
  s: 1e9,
  ms: 1e6,
  us: 1e3,
  ns: 1,
} as const;
/** A run may last 104 days; a single wait not half as long. */
const durationMax = 30 * 86_400e9;

/** `5s`, `20ms`, `1h30m`. */
export function parseDuration(text: string): Duration | Wrong {
  if (/^\d+(\.\d+)?$/.test(text)) {
    return new Wrong('E204', `${text} needs a unit`, `write "${text}s" or "${text}ms"`);
  }
  if (text.length > 60 || !whole(durationPattern).test(text)) {
    return new Wrong('E204', `${quote(text)} is not a duration`, 'write it like 5s, 20ms or 1h30m');
  }
  let sum = 0;
  for (const [, count, unit] of text.matchAll(/([\d.]+)([a-z]+)/g)) {
    sum += Number(count) * durationUnits[unit as keyof typeof durationUnits];
  }
  if (sum > durationMax) return new Wrong('E206', `${text} is longer than 30 days`);
  return nanoseconds(sum);
}

export const ratePattern = '\\d{1,9}(\\.\\d{1,6})?[kMG]?bit';
const rateMax = 400e9;

/** `100Mbit`: bits per second, in powers of ten. */
export function parseRate(text: string): number | Wrong {
  const match = /^(\d{1,9}(?:\.\d{1,6})?)([kMG]?)bit$/.exec(text);
  if (match === null) {
    const hint = 'write it like 100Mbit, 1Gbit or 64kbit';
    return new Wrong('E205', `${quote(text)} is not a rate`, hint);
  }
  const rate =
    Number(match[1]) * { '': 1, k: 1e3, M: 1e6, G: 1e9 }[match[2] as '' | 'k' | 'M' | 'G'];
  if (rate < 1 || rate > rateMax) {
    return new Wrong('E206', `${text} is not between 1bit and 400Gbit`);
  }
  return Math.round(rate);
}

export const percentPattern = '(100|\\d{1,2}(\\.\\d{1,4})?)%';

/** `2.5%` as 0.025. */
export function parsePercent(text: string): number | Wrong {
  if (whole(percentPattern).test(text)) return Number(text.slice(0, -1)) / 100;
  const hint = 'write it like 1% or 0.5%';
  return new Wrong('E214', `${quote(text)} is not a share between 0% and 100%`, hint);
}

// Addresses

const byte = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
export const ipv4Pattern = `${byte}(\\.${byte}){3}`;
export const prefixPattern = `${ipv4Pattern}/(3[0-2]|[12]?\\d)`;
export const macPattern = '[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}';
export const poolPattern = `${ipv4Pattern}-${ipv4Pattern}`;
const addressHint = 'four numbers from 0 to 255, such as 10.0.10.20';

export function parseAddress(text: string): Ipv4 | Wrong {
  return parseIpv4(text) ?? new Wrong('E201', `${show(text)} is not an IPv4 address`, addressHint);
}

/** `10.0.10.0/24`: a network, so no bit behind the mask may be set. */
export function parseSubnet(text: string): Prefix | Wrong {
  const prefix = parsePrefix(text);
  if (prefix === undefined) {
    const hint = 'an address and a length up to 32, such as 10.0.10.0/24';
    return new Wrong('E202', `${show(text)} is not an IPv4 network`, hint);
  }
  const network = { address: networkOf(prefix), length: prefix.length };
  if (network.address === prefix.address) return prefix;
  const message = `${text} names an address inside a network, not the network`;
  return new Wrong('E202', message, `did you mean ${showPrefix(network)}?`);
}

export function parseMacAddress(text: string): Mac | Wrong {
  const mac = parseMac(text);
  const hint = 'six pairs of hexadecimal digits, such as 00:50:56:01:00:20';
  if (mac === undefined) return new Wrong('E203', `${show(text)} is not a MAC address`, hint);
  if (mac === 0 || Math.floor(mac / 2 ** 40) % 2 === 1) {
    return new Wrong('E203', `${text} is not the address of one adapter`, 'its first byte is even');
  }
  return mac;
}

/** From the first to the last address of a DHCP pool, both included. */
export interface Pool {
  readonly first: Ipv4;
  readonly last: Ipv4;
}

const poolMax = 65_536;

export function parsePool(text: string): Pool | Wrong {
  const [first, last, ...rest] = text.split('-').map(parseIpv4);
  if (first === undefined || last === undefined || rest.length > 0) {
    const hint = 'write it like 10.0.10.20-10.0.10.60';
    return new Wrong('E213', `${show(text)} is not a pool of addresses`, hint);
  }
  const count = (last >>> 0) - (first >>> 0) + 1;
  if (count < 1) return new Wrong('E213', `the pool ${text} ends before it begins`);
  if (count > poolMax)
    return new Wrong('E206', `the pool ${text} has more than ${poolMax} addresses`);
  return { first, last };
}

export const inPool = (pool: Pool, ip: Ipv4): boolean =>
  ip >>> 0 >= pool.first >>> 0 && ip >>> 0 <= pool.last >>> 0;
const show = (text: string): string => (text.length > 40 ? quote(text) : text || '""');

// VLANs

export const vlanRangePattern = '\\d{1,4}(-\\d{1,4})?';
const vlanMax = 4094; // 4095 is reserved (IEEE 802.1Q-2018 table 9-2)

export interface VlanRange {
  readonly first: number;
  readonly last: number;
}

/** `100-199`, or `112` alone. */
export function parseVlanRange(text: string): VlanRange | Wrong {
  const match = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(text);
  if (match === null) {
    return new Wrong('E218', `${quote(text)} is not a range of VLANs`, 'write it like "100-199"');
  }
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  if (first < 1 || last > vlanMax) return new Wrong('E206', `VLANs go from 1 to ${vlanMax}`);
  if (last < first) return new Wrong('E218', `the range ${text} ends before it begins`);
  return { first, last };
}

// VXLAN

const portNumber = '([1-9]\\d{0,3}|[1-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d\\d|655[0-2]\\d|6553[0-5])';
export const vxlanEndPattern = `vxlan://${ipv4Pattern}(:${portNumber})?/\\d{1,8}`;
const vniMax = 2 ** 24 - 1;

/** Where a VXLAN ends, and which of those that end there. */
export interface VxlanEnd {
  readonly ip: Ipv4;
  readonly port: number;
  readonly vni: number;
}

/** `vxlan://192.0.2.10:4789/42`, or without the port if it is the usual one. */
export function parseVxlanEnd(text: string): VxlanEnd | Wrong {
  const hint = 'write it like vxlan://192.0.2.10:4789/42: an address, a port, a VNI';
  const match = /^vxlan:\/\/([^/:]*)(?::([^/]*))?\/(\d{1,8})$/.exec(text);
  if (match === null) return new Wrong('E219', `${show(text)} is not the end of a VXLAN`, hint);
  const [, address, number, id] = match as unknown as [string, string, string?, string?];
  const at = 'vxlan://'.length;
  const ip = parseIpv4(address);
  if (ip === undefined)
    return new Wrong(
      'E201',
      `${show(address)} is not an IPv4 address`,
      addressHint,
      at,
      address.length || 1,
    );
  const kind = unreachable(ip);
  if (kind !== undefined) {
    const message = `${address} is ${kind}, and no VXLAN ends there`;
    return new Wrong('E219', message, 'the address of one other machine', at, address.length);
  }
  if (number !== undefined && !whole(portNumber).test(number)) {
    const message = `port ${quote(number)} is not between 1 and 65535`;
    return new Wrong('E209', message, undefined, at + address.length + 1, number.length || 1);
  }
  const vni = Number(id);
  if (vni < 1 || vni > vniMax) {
    const message = `a VNI is a number from 1 to ${vniMax}`;
    return new Wrong('E206', message, undefined, text.length - id!.length, id!.length);
  }
  return { ip, port: Number(number ?? vxlanPort), vni };
}

/** What an address is that cannot be another machine's. */
function unreachable(ip: Ipv4): string | undefined {
  if (ip >>> 24 === 0) return 'no address of a machine';
  if (ip >>> 24 === 127) return 'this machine itself';
  if (isMulticastIpv4(ip)) return 'a group of machines';
  return ip >>> 28 === 15 ? 'no address of one machine' : undefined;
}

// Names, ports and flows

export const namePattern = '[A-Za-z][A-Za-z0-9_-]{0,63}';
/** Words that stand for something else where a name could stand. */
export const reservedNames = [
  'internet',
  'gateway',
  'tunnel',
  'power',
  'attachment',
  'lab',
  'any',
  'none',
  'all',
] as const;

export function parseName(text: string): string | Wrong {
  if (!whole(namePattern).test(text)) {
    const hint = 'a letter, then up to 63 letters, digits, "-" or "_"';
    return new Wrong('E207', `${quote(text)} is not a name`, hint);
  }
  if ((reservedNames as readonly string[]).includes(text)) {
    return new Wrong('E207', `"${text}" cannot be a name, it has a meaning of its own`);
  }
  return text;
}

export const portPattern = `(tcp|udp)/${portNumber}`;

export interface ServicePort {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
}

/** `tcp/1433`. */
export function parsePort(text: string): ServicePort | Wrong {
  const [protocol, number, ...rest] = text.split('/');
  if ((protocol !== 'tcp' && protocol !== 'udp') || !number || rest.length > 0) {
    const hint = whole(portNumber).test(text)
      ? `write tcp/${text} or udp/${text}`
      : 'write it like tcp/1433 or udp/53';
    return new Wrong('E209', `${quote(text)} is not a port`, hint);
  }
  if (!whole(portNumber).test(number)) {
    return new Wrong(
      'E209',
      `port ${number} is not between 1 and 65535`,
      undefined,
      protocol.length + 1,
    );
  }
  return { protocol, port: Number(number) };
}

/** What a firewall can close: a port, or a protocol that has none. */
export type Closable = ServicePort | { readonly protocol: 'icmp' };
export const closablePattern = `icmp|${portPattern}`;
export const parseClosable = (text: string): Closable | Wrong =>
  text === 'icmp' ? { protocol: text } : parsePort(text);

/** One end of a flow as it is written; what it names is found out later. */
export interface EndText {
  readonly kind: 'address' | 'gateway' | 'name';
  readonly text: string;
  readonly ip: Ipv4 | undefined;
  /** Where it stands in the text of the flow. */
  readonly at: number;
}

export interface FlowText {
  readonly text: string;
  readonly from: EndText;
  readonly to: EndText;
  readonly port: number | undefined;
}

/** A name, which may say of which tenant: `acme/web01`. */
export const referencePattern = `(${namePattern}/)?${namePattern}`;
/** The same with `*` for any characters: `web*`. */
export const selectionPattern = '([A-Za-z*][A-Za-z0-9_*-]{0,63}/)?[A-Za-z*][A-Za-z0-9_*-]{0,63}';
export const machinePattern = `${referencePattern}(\\.gateway)?`;
const endPattern = `(${machinePattern}|${ipv4Pattern})`;
export const flowPattern = `${machinePattern} *-> *${endPattern}`;
export const portFlowPattern = `${flowPattern}:${portNumber}`;
const flowHint = 'write it like web01 -> sql01 or web01 -> sql01:1433';

/** `web01`, `hq.gateway` or an address, and where in a longer text it stands. */
export function parseEnd(text: string, at = 0): EndText | Wrong {
  const ip = parseIpv4(text);
  if (ip !== undefined) return { kind: 'address', text, ip, at };
  if (/^[\d.]+$/.test(text)) {
    return new Wrong('E201', `${text} is not an IPv4 address`, addressHint, at, text.length);
  }
  if (whole(machinePattern).test(text)) {
    return { kind: text.endsWith('.gateway') ? 'gateway' : 'name', text, ip: undefined, at };
  }
  return new Wrong('E208', `${quote(text)} names no machine`, flowHint, at, text.length || 1);
}

/** `web01 -> sql01`, `web01 -> sql01:1433`, `web01 -> 10.0.10.20`. */
export function parseFlow(text: string): FlowText | Wrong {
  const match = /^([^\s:>]+) *-> *([^\s:>]+?)(?::([^\s:]*))?$/.exec(text);
  if (match === null) {
    return new Wrong('E208', `${quote(text)} does not say from where to where`, flowHint);
  }
  const [, left, right, number] = match;
  const from = parseEnd(left!, 0);
  if (from instanceof Wrong) return from;
  if (from.kind === 'address') {
    return new Wrong(
      'E208',
      'a flow starts at a machine, not at an address',
      flowHint,
      0,
      left!.length,
    );
  }
  const at = text.indexOf(right!, text.indexOf('->') + 2);
  const to = parseEnd(right!, at);
  if (to instanceof Wrong) return to;
  if (number === undefined) return { text, from, to, port: undefined };
  if (!whole(portNumber).test(number)) {
    const start = at + right!.length + 1;
    return new Wrong(
      'E209',
      `port ${quote(number)} is not between 1 and 65535`,
      undefined,
      start,
      number.length,
    );
  }
  return { text, from, to, port: Number(number) };
}
