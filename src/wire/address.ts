/** The addresses that packets carry, as numbers: `===` compares them and a `Map` can be keyed by them. */
declare const kind: unique symbol;

/** 48 bits as one number, 0 up to 2^48 - 1. */
export type Mac = number & { readonly [kind]: 'mac' };

/**
 * 32 bits as one *signed* number, so that 10.0.0.1 is positive and 192.0.2.1 negative: V8 keeps
 * such numbers unboxed, and a `Map` keyed by them is twice as fast. Order by `>>> 0`.
 */
export type Ipv4 = number & { readonly [kind]: 'ipv4' };

/** An address and how many of its leading bits name the network. The other bits may be set. */
export interface Prefix {
  readonly address: Ipv4;
  readonly length: number;
}

export const broadcastMac = 0xffff_ffff_ffff as Mac;
export const unknownMac = 0 as Mac;
export const anyIpv4 = 0 as Ipv4;
export const broadcastIpv4 = -1 as Ipv4;

/** Reads `02:00:5e:10:00:ff`; `undefined` if it is anything else. */
export function parseMac(text: string): Mac | undefined {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) return undefined;
  return Number.parseInt(text.replaceAll(':', ''), 16) as Mac;
}

/** Reads a strict dotted quad: four decimal numbers without leading zeros. */
export function parseIpv4(text: string): Ipv4 | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part)))
    return undefined;
  const numbers = parts.map(Number);
  if (numbers.some((n) => n > 255)) return undefined;
  return numbers.reduce((sum, n) => (sum << 8) | n, 0) as Ipv4;
}

/** Reads `10.0.10.0/24`. Whether host bits may be set is for the caller to say. */
export function parsePrefix(text: string): Prefix | undefined {
  const match = /^([\d.]+)\/(0|[1-9]\d?)$/.exec(text);
  const address = match && parseIpv4(match[1]!);
  const length = Number(match?.[2]);
  return typeof address === 'number' && length <= 32 ? { address, length } : undefined;
}

/** For addresses that stand in the program, or have been checked before. Throws on anything else. */
export function mac(text: string): Mac {
  const value = parseMac(text);
  if (value === undefined) throw new RangeError(`not a MAC address: ${text}`);
  return value;
}

export function ipv4(text: string): Ipv4 {
  const value = parseIpv4(text);
  if (value === undefined) throw new RangeError(`not an IPv4 address: ${text}`);
  return value;
}

export function prefix(text: string): Prefix {
  const value = parsePrefix(text);
  if (value === undefined) throw new RangeError(`not an IPv4 prefix: ${text}`);
  return value;
}

export const showIpv4 = (ip: Ipv4): string =>
  `${(ip >>> 24) & 255}.${(ip >>> 16) & 255}.${(ip >>> 8) & 255}.${ip & 255}`;
export const showMac = (m: Mac): string => m.toString(16).padStart(12, '0').match(/../g)!.join(':');
export const showPrefix = (p: Prefix): string => `${showIpv4(p.address)}/${p.length}`;

/** A mask of `length` leading ones. */
export const maskOf = (length: number): number => (length === 0 ? 0 : (-1 << (32 - length)) | 0);
export const networkOf = (p: Prefix): Ipv4 => (p.address & maskOf(p.length)) as Ipv4;
/** The address that reaches everybody on the network; none for /31 and /32 (RFC 3021). */
export const broadcastOf = (p: Prefix): Ipv4 | undefined =>
  p.length >= 31 ? undefined : ((p.address | ~maskOf(p.length)) as Ipv4);
export const contains = (p: Prefix, ip: Ipv4): boolean =>
  ((ip ^ p.address) & maskOf(p.length)) === 0;
export const isMulticastIpv4 = (ip: Ipv4): boolean => ip >>> 28 === 0xe;
/** 169.254.0.0/16 (RFC 3927 section 2.1). */
export const isLinkLocalIpv4 = (ip: Ipv4): boolean => ip >>> 16 === 0xa9fe;
export const readMac = (data: DataView, at: number): Mac =>
  (data.getUint16(at) * 2 ** 32 + data.getUint32(at + 2)) as Mac;
export const readIpv4 = (data: DataView, at: number): Ipv4 => data.getInt32(at) as Ipv4;
export function writeMac(data: DataView, at: number, value: Mac): void {
  data.setUint16(at, Math.floor(value / 2 ** 32));
  data.setUint32(at + 2, value % 2 ** 32);
}
export function writeIpv4(data: DataView, at: number, value: Ipv4): void {
  data.setInt32(at, value);
}
