/** Reads capture files of either kind. */
import { view } from '../base/bytes.ts';
import { blockType, type CaptureFile } from './pcapng/format.ts';
import { readPcap } from './pcapng/pcap.ts';
import { readPcapng } from './pcapng/read.ts';

/**
 * Reads pcapng or pcap, whichever the first bytes say. What is valid is read; the first thing
 * wrong ends it and is told in `error`. Never throws, whatever the bytes. The packets are parts
 * of `bytes`, which must not change while they are used.
 */
export function readCapture(bytes: Uint8Array): CaptureFile {
  const isPcapng = bytes.length >= 4 && view(bytes).getUint32(0) === blockType.sectionHeader;
  return isPcapng ? readPcapng(bytes) : readPcap(bytes);
}
