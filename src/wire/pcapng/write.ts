/**
 * Writes pcapng into one buffer that grows. Appending a packet allocates nothing but, now and
 * then, a larger buffer: a capture is taken of every frame of a run.
 */
import type { Instant } from '../../base/time.ts';
import { boundedUtf8 } from '../../base/utf8.ts';
import { type Ipv4, type Mac, writeIpv4, writeMac } from '../address.ts';
import { blockType, byteOrderMagic, type Direction, linkType, option } from './format.ts';

/** What the section header tells of the file. */
export interface AboutCapture {
  readonly hardware?: string;
  readonly os?: string;
  readonly application?: string;
  readonly comments?: readonly string[];
  /** Whole seconds from 1970 to the moment that packets count their time from; 0 if left out. */
  readonly startsAt?: number;
  /** More bytes than this are not kept; `leftOut` then counts the packets. A gigabyte if left out. */
  readonly sizeMax?: number;
}

export interface NewInterface {
  readonly name: string;
  readonly description?: string;
  readonly mac?: Mac;
  readonly linkType?: number;
  readonly snapLength?: number;
}

export interface Name {
  readonly ip: Ipv4;
  readonly name: string;
}

/** An option's length has 16 bits; beyond this a text is cut. */
const textMax = 0xffff;
/** Wireshark refuses blocks above 16 MiB: comments on one packet end well before that. */
const commentBytesMax = 1 << 20;
const nanosecondResolution = 9;
const flagsOf: Record<Direction, number> = { inbound: 1, outbound: 2 };
/** The option's code, and its length, as one word. */
const flagsOption = option.packet.flags | (4 << 16);
const noComments: readonly string[] = [];

export class PcapngWriter {
  #bytes = new Uint8Array(4096);
  #words = new DataView(this.#bytes.buffer);
  #used = 0;
  #interfaces = 0;
  #leftOut = 0;
  readonly #startsAt: number;
  readonly #sizeMax: number;

  constructor(about: AboutCapture = {}) {
    this.#startsAt = about.startsAt ?? 0;
    this.#sizeMax = about.sizeMax ?? 2 ** 30;
    const start = this.#begin(blockType.sectionHeader, 16);
    this.#words.setUint32(start + 8, byteOrderMagic, true);
    this.#words.setUint16(start + 12, 1, true); // version 1.0
    this.#words.setUint32(start + 16, 0xffff_ffff, true); // section length: not told
    this.#words.setUint32(start + 20, 0xffff_ffff, true);
    this.#texts(option.comment, about.comments ?? noComments);
    this.#text(option.section.hardware, about.hardware);
    this.#text(option.section.os, about.os);
    this.#text(option.section.application, about.application);
    this.#endOptions();
    this.#end(start);
  }

  /** How many packets did not fit into `sizeMax`. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** Everything so far: a whole file. A part of the buffer, good until something is appended. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#used);
  }

  /** Adds an adapter; the number it returns is how packets name it. */
  addInterface(adapter: NewInterface): number {
    const start = this.#begin(blockType.interfaceDescription, 8);
    this.#words.setUint16(start + 8, adapter.linkType ?? linkType.ethernet, true);
    this.#words.setUint32(start + 12, adapter.snapLength ?? 0, true);
    this.#text(option.interface.name, adapter.name);
    this.#text(option.interface.description, adapter.description);
    if (adapter.mac !== undefined) {
      const at = this.#option(option.interface.mac, 6);
      writeMac(this.#words, at, adapter.mac);
    }
    const resolution = this.#option(option.interface.timeResolution, 1);
    this.#words.setUint8(resolution, nanosecondResolution);
    if (this.#startsAt !== 0) {
      const offset = this.#option(option.interface.timeOffset, 8);
      this.#words.setBigInt64(offset, BigInt(Math.trunc(this.#startsAt)), true);
    }
    this.#endOptions();
    this.#end(start);
    return this.#interfaces++;
  }

  /** Names for addresses. They hold for the packets that follow, so they go first. */
  addNames(names: readonly Name[]): void {
    const start = this.#begin(blockType.nameResolution, 0);
    for (const { ip, name } of names) {
      const text = boundedUtf8(name.replaceAll('\0', ' '), textMax - 5);
      const at = this.#option(1, 4 + text.length + 1); // nrb_record_ipv4
      writeIpv4(this.#words, at, ip);
      this.#bytes.set(text, at + 4);
    }
    this.#endOptions(); // nrb_record_end
    this.#end(start);
  }

  /** What it takes to decrypt the packets that follow, so it goes first. */
  addSecrets(type: number, secrets: Uint8Array): void {
    const start = this.#begin(blockType.decryptionSecrets, 8 + padded(secrets.length));
    this.#words.setUint32(start + 8, type, true);
    this.#words.setUint32(start + 12, secrets.length, true);
    this.#bytes.set(secrets, start + 16);
    this.#end(start);
  }

  /**
   * Appends a packet that lies in `memory` from `start` on.
   *
   * @param kept   How many of its bytes are kept.
   * @param length How many it had.
   * @returns Whether it fitted into `sizeMax`; if not, `leftOut` counts it.
   */
  packet(
    adapter: number,
    at: Instant,
    direction: Direction,
    memory: Uint8Array,
    start: number,
    kept: number,
    length: number,
    comments: readonly string[] = noComments,
  ): boolean {
    const most = 48 + padded(kept) + (comments.length > 0 ? commentBytesMax : 0);
    if (this.#used + most > this.#sizeMax) {
      this.#leftOut += 1;
      return false;
    }
    const block = this.#begin(blockType.enhancedPacket, 20 + padded(kept));
    const high = Math.floor(at / 2 ** 32);
    const words = this.#words;
    words.setInt32(block + 8, adapter, true);
    words.setInt32(block + 12, high, true);
    words.setInt32(block + 16, at - high * 2 ** 32, true);
    words.setInt32(block + 20, kept, true);
    words.setInt32(block + 24, length, true);
    this.#bytes.set(memory.subarray(start, start + kept), block + 28);
    if (comments.length > 0) this.#texts(option.comment, comments);
    const flags = this.#reserve(16); // the flags, the end of the options, the length again
    const rest = this.#words;
    rest.setInt32(flags, flagsOption, true);
    rest.setInt32(flags + 4, flagsOf[direction], true);
    rest.setInt32(flags + 12, flags + 16 - block, true);
    rest.setInt32(block + 4, flags + 16 - block, true);
    return true;
  }

  #texts(code: number, texts: readonly string[]): void {
    let left = commentBytesMax - 1024;
    for (const [i, text] of texts.entries()) {
      const bytes = boundedUtf8(text, textMax);
      left -= padded(bytes.length) + 4;
      if (left < 0) {
        this.#text(code, `${texts.length - i} more comments did not fit`);
        return;
      }
      this.#value(code, bytes);
    }
  }

  #text(code: number, text: string | undefined): void {
    if (text !== undefined) this.#value(code, boundedUtf8(text, textMax));
  }

  #value(code: number, bytes: Uint8Array): void {
    const at = this.#option(code, bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Starts a block and makes room for its fixed part, all zero. Returns where it begins. */
  #begin(type: number, fixed: number): number {
    const start = this.#reserve(8 + fixed);
    this.#words.setUint32(start, type, true);
    return start;
  }

  #end(start: number): void {
    const at = this.#reserve(4);
    const length = this.#used - start;
    this.#words.setUint32(start + 4, length, true);
    this.#words.setUint32(at, length, true);
  }

  /**
   * Makes room for an option and its padding. Returns where its value goes. As with all that makes
   * room, the buffer may be another one afterwards: look at `#bytes` and `#words` only then.
   */
  #option(code: number, length: number): number {
    const at = this.#reserve(4 + padded(length));
    this.#words.setUint16(at, code, true);
    this.#words.setUint16(at + 2, length, true);
    return at + 4;
  }

  #endOptions(): void {
    this.#reserve(4);
  }

  /** The next `count` bytes, all zero. */
  #reserve(count: number): number {
    const at = this.#used;
    const used = at + count;
    if (used > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(used, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#words = new DataView(larger.buffer);
    }
    this.#used = used;
    return at;
  }
}

const padded = (length: number): number => (length + 3) & ~3;
