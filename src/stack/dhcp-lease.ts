/** What a client of DHCP gets: an address for a time, and how it is read from an ACK. */
import { type Instant, labEnd } from '../base/time.ts';
import { type Ipv4, maskOf } from '../wire/address.ts';
import { type DhcpOptions, foreverSeconds } from '../wire/dhcp.ts';

/** Moments that the lab never reaches are `labEnd`. */
export interface Lease {
  readonly ip: Ipv4;
  /** Leading bits that name the network. */
  readonly length: number;
  readonly router: Ipv4 | undefined;
  readonly server: Ipv4;
  /** T1: time to ask the server that gave it. */
  readonly renewAt: Instant;
  /** T2: time to ask any server. */
  readonly rebindAt: Instant;
  readonly expiresAt: Instant;
}

/**
 * The lease that an ACK grants, counted from when it was asked for (RFC 2131 section 4.4.1). None
 * if the address or the mask is one that no host can have, or if it does not say for how long.
 */
export function leaseFrom(
  ip: Ipv4,
  server: Ipv4,
  options: DhcpOptions,
  askedAt: Instant,
): Lease | undefined {
  const { leaseSeconds, subnetMask, routers } = options;
  const length = subnetMask === undefined ? classLength(ip) : lengthOf(subnetMask);
  if (!isUsable(ip) || leaseSeconds === undefined || length === undefined) return undefined;
  const [renew, rebind] = turningPoints(leaseSeconds, options);
  return {
    ip,
    length,
    router: routers?.[0],
    server,
    renewAt: within(askedAt, renew),
    rebindAt: within(askedAt, rebind),
    expiresAt: within(askedAt, leaseSeconds),
  };
}

/** T1 and T2 in seconds: the server's, or those of section 4.4.5 where its make no sense. */
function turningPoints(lease: number, options: DhcpOptions): [number, number] {
  if (lease === foreverSeconds) return [lease, lease];
  const renew = options.renewSeconds ?? lease * 0.5;
  const rebind = options.rebindSeconds ?? lease * 0.875;
  const makesSense = renew > 0 && renew < rebind && rebind < lease;
  return makesSense ? [renew, rebind] : [lease * 0.5, lease * 0.875];
}

/** So many seconds after `start`, or the end of the lab. */
const within = (start: Instant, wait: number): Instant =>
  Math.min(Math.round(start + wait * 1e9), labEnd) as Instant;

/** How many leading ones the mask has; `undefined` for 0.0.0.0 and for a mask with holes. */
function lengthOf(mask: Ipv4): number | undefined {
  const length = Math.clz32(~mask);
  return length > 0 && maskOf(length) === mask ? length : undefined;
}

/** Without a mask, the class of the address decides (RFC 1122 section 3.3.6). */
function classLength(ip: Ipv4): number {
  if (ip >>> 31 === 0) return 8;
  return ip >>> 30 === 2 ? 16 : 24;
}

/** An address that a host can have: not 0/8, 127/8, nor 224/3. */
export function isUsable(ip: Ipv4): boolean {
  const top = ip >>> 24;
  return top !== 0 && top !== 127 && top < 224;
}
