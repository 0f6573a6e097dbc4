/**
 * Captures for tests: read with our own reader, which `test/wire/pcapng.test.ts` checks by itself.
 * Those of `kernel-golden` are in `fixtures`. Those that nobody on this project made lie beside the
 * repository; `README.md` and `MANIFEST.tsv` there say where each came from.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { view } from '../../src/base/bytes.ts';
import type { Endpoint } from '../../src/stack/wireguard/endpoint.ts';
import { readIpv4 } from '../../src/wire/address.ts';
import { readCapture as readCaptureFile } from '../../src/wire/capture-file.ts';

export const root = join(import.meta.dirname, '..', '..', '..');
const corpus = process.env['STANDIN_CORPUS'] ?? join(root, '..', 'shared', 'corpus');

/** False, with a visible reason, where the corpus is not there: the caller then returns. */
export function hasCorpus(t: ExecutionContext): boolean {
  if (existsSync(corpus)) return true;
  t.log(`not checked: there is no corpus at ${corpus}; STANDIN_CORPUS says where it is`);
  if (process.env['STANDIN_REQUIRE']) t.fail('the corpus is required');
  else t.pass();
  return false;
}

/** Any file of the corpus; one of `kernel-golden` can be had without it. */
export function readCorpus(file: string): Uint8Array {
  const folder = file.startsWith('kernel-golden/') ? join(root, 'fixtures') : corpus;
  return new Uint8Array(readFileSync(join(folder, file)));
}

/** Everything below one folder, by the names that EXPECT.tsv uses, in order. */
export const corpusFiles = (folder: string): string[] =>
  readdirSync(join(corpus, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => `${folder}/${file.split('\\').join('/')}`)
    .filter((file) => /\.\w+$/.test(file))
    .sort();

/** Every capture of the corpus, by the same names. */
export const corpusCaptures = (): string[] =>
  ['protocols', 'wireguard', 'kernel-golden', 'pcap-format']
    .flatMap(corpusFiles)
    .filter((file) => /\.pcap(ng)?$/.test(file));

export interface Captured {
  /** From 1, as other tools count. */
  readonly number: number;
  readonly linkType: number;
  /** Nanoseconds since 1970; 0 where the file does not say. */
  readonly time: bigint;
  readonly seconds: number;
  readonly bytes: Uint8Array;
}

/** The frames of one file of the corpus, up to the first thing wrong in it. */
export const readCapture = (file: string): Captured[] => framesOf(readCorpus(file));

function framesOf(file: Uint8Array): Captured[] {
  const { packets, interfaces } = readCaptureFile(file);
  return packets.map(({ bytes, time = 0n, interface: adapter }, i) => ({
    number: i + 1,
    linkType: interfaces[adapter]!.linkType,
    time,
    seconds: Number(time) / 1e9,
    bytes,
  }));
}

export interface Datagram {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly payload: Uint8Array;
}

/** What UDP over IPv4 over plain Ethernet carries, taken out by hand; nothing for any other frame. */
export function datagramIn(frame: Uint8Array): Datagram | undefined {
  if (frame.length < 42) return undefined;
  const data = view(frame);
  if (data.getUint16(12) !== 0x0800 || frame[14]! >> 4 !== 4 || frame[23] !== 17) return undefined;
  const udp = 14 + (frame[14]! & 15) * 4;
  if (frame.length < udp + 8) return undefined;
  return {
    from: { ip: readIpv4(data, 26), port: data.getUint16(udp) },
    to: { ip: readIpv4(data, 30), port: data.getUint16(udp + 2) },
    payload: frame.subarray(udp + 8, udp + Math.max(8, data.getUint16(udp + 4))),
  };
}

/** All datagrams of a capture, each with its time in microseconds since 1970. */
export function datagramsOf(file: Uint8Array): (Datagram & { readonly at: number })[] {
  return framesOf(new Uint8Array(file)).flatMap(({ time, bytes }) => {
    const datagram = datagramIn(bytes);
    return datagram === undefined ? [] : [{ ...datagram, at: Number(time / 1000n) }];
  });
}

/** What tcpdump 4.99.3 says of a capture. */
export interface Expected {
  readonly file: string;
  readonly packets: number;
  readonly linkType: string;
  readonly badIpChecksums: number;
  /** Of TCP, UDP and ICMP, in whatever they are carried. */
  readonly badPayloadChecksums: number;
  /** False where tcpdump gave up, so that its numbers mean nothing. */
  readonly readable: boolean;
}

export function readExpected(): Expected[] {
  const lines = readFileSync(join(corpus, 'EXPECT.tsv'), 'utf8').trimEnd().split('\n');
  return lines.slice(2).map((line) => {
    const [file, packets, linkType, badIp, badPayload, exitStatus] = line.split('\t');
    return {
      file: file!,
      packets: Number(packets),
      linkType: linkType!,
      badIpChecksums: Number(badIp),
      badPayloadChecksums: Number(badPayload),
      readable: exitStatus === '0',
    };
  });
}
