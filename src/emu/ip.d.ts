/**
 * What Standin may use of the package `ip`: arithmetic. What it says of an address being public,
 * private or loopback is wrong for many spellings (CVE-2024-29415), so that it is not declared
 * here and does not compile. It checks nothing: give it only what `net.isIPv4` has seen, and
 * prefixes from 0 to 32.
 */
declare module 'ip' {
  export interface Subnet {
    readonly networkAddress: string;
    readonly firstAddress: string;
    readonly lastAddress: string;
    readonly broadcastAddress: string;
    readonly subnetMask: string;
    readonly subnetMaskLength: number;
    readonly numHosts: number;
    readonly length: number;
    contains(address: string): boolean;
  }

  const ip: {
    toLong(address: string): number;
    fromLong(address: number): string;
    fromPrefixLen(length: number): string;
    mask(address: string, mask: string): string;
    cidr(prefix: string): string;
    cidrSubnet(prefix: string): Subnet;
  };
  export default ip;
}
