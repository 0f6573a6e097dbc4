/** What is read from every frame that goes by: bytes where they lie, and no object for any of them. */
import type { EventLog } from '../../trace/log.ts';
import type { Ipv4 } from '../../wire/address.ts';

export const sourceMac = 6;
const ipHeader = 14;
const arpOperation = 20;
export const arpSenderMac = 22;
const arpSenderIp = 28;
export const arpTargetMac = 32;
const arpTargetIp = 38;

/** ARP, untagged: as machines send it and get it. */
export const isArpFrame = (log: EventLog, id: number): boolean =>
  log.byteOf(id, 13) === 0x06 && log.byteOf(id, 12) === 0x08;

export const isArpReply = (log: EventLog, id: number): boolean =>
  isArpFrame(log, id) && log.byteOf(id, arpOperation + 1) === 2;

/** Whoever sends it says that it has an address, and asks for no other (RFC 5227 section 3). */
export const isAnnouncement = (log: EventLog, id: number): boolean =>
  isArpFrame(log, id) && senderIp(log, id) !== 0 && senderIp(log, id) === targetIp(log, id);

export const senderIp = (log: EventLog, id: number): Ipv4 => wordAt(log, id, arpSenderIp) as Ipv4;
export const targetIp = (log: EventLog, id: number): Ipv4 => wordAt(log, id, arpTargetIp) as Ipv4;

export const macAt = (log: EventLog, id: number, at: number): number =>
  (log.byteOf(id, at) * 256 + log.byteOf(id, at + 1)) * 2 ** 32 + (wordAt(log, id, at + 2) >>> 0);

/** Four bytes as the signed number that addresses are. */
export const wordAt = (log: EventLog, id: number, at: number): number =>
  (log.byteOf(id, at) << 24) |
  (log.byteOf(id, at + 1) << 16) |
  (log.byteOf(id, at + 2) << 8) |
  log.byteOf(id, at + 3);

/** Meant for many: broadcast or multicast. */
export function isToMany(log: EventLog, id: number): boolean {
  const first = log.byteOf(id, 0);
  return first >= 0 && (first & 1) === 1;
}

export const isIpv4Frame = (log: EventLog, id: number): boolean =>
  log.byteOf(id, 13) === 0x00 && log.byteOf(id, 12) === 0x08;

/** The port that a datagram goes to, where its IP header has no options. */
export const portAt = (log: EventLog, id: number): number =>
  log.byteOf(id, ipHeader + 22) * 256 + log.byteOf(id, ipHeader + 23);
