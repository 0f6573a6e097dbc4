/** What a network card would do to frames that a kernel hands to us instead. */
import { readIpv4 } from '../wire/address.ts';
import { addUp, fold, pseudoHeader } from '../wire/checksum.ts';

/**
 * A kernel leaves the checksum of UDP and TCP to the network card and writes only the sum of the
 * pseudo-header. On our cables and in VXLAN there is no card, so it is finished here.
 */
export function finishChecksum(frame: Uint8Array): void {
  const data = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 34 || data.getUint16(12) !== 0x0800) return;
  const header = (frame[14]! & 15) * 4;
  const protocol = frame[23]!;
  if ((protocol !== 6 && protocol !== 17) || (data.getUint16(20) & 0x3fff) !== 0) return;
  const at = 14 + header;
  const length = data.getUint16(16) - header;
  const field = at + (protocol === 6 ? 16 : 6);
  if (at + length > frame.length || field + 2 > at + length) return;
  const sum = pseudoHeader(readIpv4(data, 26), readIpv4(data, 30), protocol, length);
  if (data.getUint16(field) !== (~fold(sum) & 0xffff)) return;
  data.setUint16(field, 0);
  const whole = fold(addUp(data, at, length, sum));
  data.setUint16(field, whole === 0 && protocol === 17 ? 0xffff : whole);
}
