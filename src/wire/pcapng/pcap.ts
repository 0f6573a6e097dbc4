/**
 * Reads the older capture format (draft-ietf-opsawg-pcap):
 *
 *    0 magic   4 version   8 reserved   16 snap length   20 link type   24 records
 *    record: 0 seconds   4 fraction   8 captured length   12 original length   16 packet
 *
 * The magic tells the byte order and whether the fraction counts micro- or nanoseconds.
 */
import { view } from '../../base/bytes.ts';
import {
  type CapturedPacket,
  type CaptureError,
  type CaptureFile,
  packetLengthMax,
} from './format.ts';

const headerSize = 24;
const recordSize = 16;

/** Nanoseconds in one unit of the fraction, by magic. */
const units: ReadonlyMap<number, bigint> = new Map([
  [0xa1b2c3d4, 1000n],
  [0xa1b23c4d, 1n],
]);

/** The unit and byte order that the magic stands for; `undefined` if it is another kind of file. */
function recognise(bytes: Uint8Array): { unit: bigint; littleEndian: boolean } | undefined {
  if (bytes.length < 4) return undefined;
  for (const littleEndian of [true, false]) {
    const unit = units.get(view(bytes).getUint32(0, littleEndian));
    if (unit !== undefined) return { unit, littleEndian };
  }
  return undefined;
}

/** Reads a whole file: what is valid, then one error. Never throws. */
export function readPcap(bytes: Uint8Array): CaptureFile {
  const known = recognise(bytes);
  if (known === undefined) return nothing({ offset: 0, message: 'not a capture file' });
  if (bytes.length < headerSize)
    return nothing({ offset: bytes.length, message: 'the file ends within its header' });
  const data = view(bytes);
  const { unit, littleEndian } = known;
  const major = data.getUint16(4, littleEndian);
  const minor = data.getUint16(6, littleEndian);
  if (major !== 2)
    return nothing({ offset: 4, message: `version ${major}.${minor} of the format is not known` });
  const link = data.getUint32(20, littleEndian);
  // Bits 16 to 25 are reserved; above them is the length of the frame check sequence.
  if ((link & 0x03ff_0000) !== 0)
    return nothing({ offset: 20, message: 'reserved bits of the link type are set' });
  const packets: CapturedPacket[] = [];
  const error = readRecords(bytes, data, littleEndian, unit, packets);
  const snapLength = data.getUint32(16, littleEndian);
  return {
    format: 'pcap',
    interfaces: [{ linkType: link & 0xffff, snapLength, comments: [] }],
    packets,
    names: [],
    secrets: [],
    ...(error === undefined ? {} : { error }),
  };
}

function readRecords(
  bytes: Uint8Array,
  data: DataView,
  littleEndian: boolean,
  unit: bigint,
  packets: CapturedPacket[],
): CaptureError | undefined {
  for (let offset = headerSize; offset < bytes.length; ) {
    const left = bytes.length - offset - recordSize;
    if (left < 0) return { offset, message: 'the file ends within the header of a record' };
    const kept = data.getUint32(offset + 8, littleEndian);
    if (kept > packetLengthMax)
      return { offset: offset + 8, message: `${kept} bytes are more than a packet may have` };
    if (kept > left)
      return { offset: offset + 8, message: `packet of ${kept} bytes, but only ${left} are left` };
    const seconds = BigInt(data.getUint32(offset, littleEndian));
    const fraction = BigInt(data.getUint32(offset + 4, littleEndian));
    const start = offset + recordSize;
    packets.push({
      interface: 0,
      time: seconds * 1_000_000_000n + fraction * unit,
      bytes: bytes.subarray(start, start + kept),
      length: data.getUint32(offset + 12, littleEndian),
      comments: [],
      offset,
    });
    offset = start + kept;
  }
  return undefined;
}

function nothing(error: CaptureError): CaptureFile {
  const format = error.offset === 0 ? 'unknown' : 'pcap';
  return { format, interfaces: [], packets: [], names: [], secrets: [], error };
}
