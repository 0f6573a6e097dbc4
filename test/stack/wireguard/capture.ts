/** Just enough of capture files to read UDP datagrams out of the corpus: little-endian, Ethernet. */
import { view } from '../../../src/base/bytes.ts';
import type { Endpoint } from '../../../src/stack/wireguard/endpoint.ts';
import { readIpv4 } from '../../../src/wire/address.ts';

export interface CapturedDatagram {
  /** Microseconds since 1970. */
  readonly at: number;
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly payload: Uint8Array;
}

export function datagramsOf(file: Uint8Array): CapturedDatagram[] {
  const frames = view(file).getUint32(0, true) === 0x0a0d0d0a ? pcapng(file) : pcap(file);
  return frames.flatMap(({ at, frame }) => {
    const words = view(frame);
    if (words.getUint16(12) !== 0x0800 || frame[23] !== 17) return [];
    const udp = 14 + (frame[14]! & 15) * 4;
    const from = { ip: readIpv4(words, 26), port: words.getUint16(udp) };
    const to = { ip: readIpv4(words, 30), port: words.getUint16(udp + 2) };
    const payload = new Uint8Array(frame.subarray(udp + 8, udp + words.getUint16(udp + 4)));
    return [{ at, from, to, payload }];
  });
}

interface CapturedFrame {
  readonly at: number;
  readonly frame: Uint8Array;
}

function pcap(file: Uint8Array): CapturedFrame[] {
  const words = view(file);
  const frames: CapturedFrame[] = [];
  for (let at = 24; at < file.length; ) {
    const length = words.getUint32(at + 8, true);
    const when = words.getUint32(at, true) * 1e6 + words.getUint32(at + 4, true);
    frames.push({ at: when, frame: file.subarray(at + 16, at + 16 + length) });
    at += 16 + length;
  }
  return frames;
}

/** Enhanced packet blocks; the times of the interfaces are not looked at. */
function pcapng(file: Uint8Array): CapturedFrame[] {
  const words = view(file);
  const frames: CapturedFrame[] = [];
  for (let at = 0; at < file.length; at += words.getUint32(at + 4, true)) {
    if (words.getUint32(at, true) !== 6) continue;
    const length = words.getUint32(at + 20, true);
    frames.push({ at: 0, frame: file.subarray(at + 28, at + 28 + length) });
  }
  return frames;
}
