/**
 * The numbers of the capture file format, and what a file holds once it is read
 * (draft-ietf-opsawg-pcapng; the older format is draft-ietf-opsawg-pcap).
 *
 * A pcapng file is a row of blocks:
 *
 *    0 type   4 total length   8 body, padded to 4   length-4 total length again
 *
 * Options, where a block has any: code (2), length (2), value padded to 4; code 0 ends them.
 */
import type { Ipv4, Mac } from '../address.ts';

/** Section 11.1, "Block Type Codes". */
export const blockType = {
  sectionHeader: 0x0a0d0d0a,
  interfaceDescription: 1,
  /** Obsolete; some old files have it (appendix A). */
  packet: 2,
  simplePacket: 3,
  nameResolution: 4,
  interfaceStatistics: 5,
  enhancedPacket: 6,
  decryptionSecrets: 10,
  custom: 0x0bad,
  customNotCopied: 0x4000_0bad,
} as const;

export const byteOrderMagic = 0x1a2b3c4d;

/** Option codes; those above 1 mean something else in each kind of block. */
export const option = {
  end: 0,
  comment: 1,
  section: { hardware: 2, os: 3, application: 4 },
  interface: {
    name: 2,
    description: 3,
    ipv4: 4,
    mac: 6,
    timeResolution: 9,
    timeOffset: 14,
  },
  packet: { flags: 2 },
} as const;

/** What a decryption secrets block holds (section 4.7). Reads `WGKL`. */
export const wireguardKeyLogSecrets = 0x57474b4c;

export const linkType = { ethernet: 1 } as const;

/**
 * The longest packet that is believed: as much as libpcap and Wireshark take (MAXIMUM_SNAPLEN,
 * WTAP_MAX_PACKET_SIZE_STANDARD).
 */
export const packetLengthMax = 256 * 1024;

export type Direction = 'inbound' | 'outbound';

/** One network adapter of one section. */
export interface CapturedInterface {
  readonly linkType: number;
  /** The longest packet that was kept; 0 for no limit. */
  readonly snapLength: number;
  readonly name?: string;
  readonly description?: string;
  readonly mac?: Mac;
  readonly comments: readonly string[];
}

export interface CapturedPacket {
  /** Index into `interfaces` of the file. */
  readonly interface: number;
  /** Nanoseconds since 1970; absent in a simple packet block. Finer clocks are cut to nanoseconds. */
  readonly time?: bigint;
  /** What was kept of the packet: a part of the file's bytes, not a copy. */
  readonly bytes: Uint8Array;
  /** How long the packet was. */
  readonly length: number;
  readonly direction?: Direction;
  readonly comments: readonly string[];
  /** Where in the file the packet's block or record begins. */
  readonly offset: number;
}

export interface CapturedSecrets {
  readonly type: number;
  readonly bytes: Uint8Array;
}

export interface CapturedName {
  readonly ip: Ipv4;
  readonly names: readonly string[];
}

/** Where reading stopped, and why. */
export interface CaptureError {
  readonly offset: number;
  readonly message: string;
}

/** Everything before the first error. */
export interface CaptureFile {
  readonly format: 'pcapng' | 'pcap' | 'unknown';
  readonly interfaces: readonly CapturedInterface[];
  readonly packets: readonly CapturedPacket[];
  readonly names: readonly CapturedName[];
  readonly secrets: readonly CapturedSecrets[];
  readonly error?: CaptureError;
}
