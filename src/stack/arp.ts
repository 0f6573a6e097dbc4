/** ARP frames on the hot path: written straight into the chunk (RFC 826, "Packet format"). */
import type { Frame } from '../base/frame.ts';
import type { Ipv4 } from '../wire/address.ts';
import type { Sink } from './device.ts';
import type { Interface } from './interface.ts';

export const arpRequest = 1;
export const arpReply = 2;

/**
 * Sends an ARP packet from an interface, to `high`/`low` on the link.
 *
 * @param senderIp What it says its sender is: our own address, one that we stand in for, or 0.
 * @param targetHigh The MAC address in the target field: zero in a request (RFC 826 leaves it open).
 */
export function sendArp(
  from: Interface,
  operation: 1 | 2,
  high: number,
  low: number,
  senderIp: Ipv4,
  targetHigh: number,
  targetLow: number,
  targetIp: Ipv4,
  cause: number,
  sink: Sink,
): Frame {
  const frame = sink.frames.allocate(42);
  const { words, start } = frame;
  words.setUint16(start, high);
  words.setInt32(start + 2, low);
  words.setUint16(start + 6, from.macHigh);
  words.setInt32(start + 8, from.macLow);
  words.setUint16(start + 12, 0x0806);
  words.setInt32(start + 14, 0x0001_0800);
  words.setInt32(start + 18, 0x0604_0000 | operation);
  words.setUint16(start + 22, from.macHigh);
  words.setInt32(start + 24, from.macLow);
  words.setInt32(start + 28, senderIp);
  words.setUint16(start + 32, targetHigh);
  words.setInt32(start + 34, targetLow);
  words.setInt32(start + 38, targetIp);
  frame.cause = cause;
  sink.send(from.port!, frame);
  return frame;
}
