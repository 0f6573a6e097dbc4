/**
 * Reads pcapng. Nothing in a file is believed before it is checked against the bytes that are
 * there: no length makes anything be allocated, and the first thing wrong ends the reading with
 * its offset, after everything valid before it.
 */
import { view } from '../../base/bytes.ts';
import { readUtf8 } from '../../base/utf8.ts';
import { type Mac, readIpv4, readMac } from '../address.ts';
import {
  blockType,
  byteOrderMagic,
  type CapturedInterface,
  type CapturedName,
  type CapturedPacket,
  type CapturedSecrets,
  type CaptureError,
  type CaptureFile,
  type Direction,
  option,
  packetLengthMax,
} from './format.ts';

/** One block whose frame is sound. What its body says is not known yet. */
export interface Block {
  readonly type: number;
  /** Where it begins in the file. */
  readonly offset: number;
  readonly body: Uint8Array;
  readonly littleEndian: boolean;
}

/** Thrown and caught within this file only: what is wrong, and where. */
class Wrong {
  readonly offset: number;
  readonly message: string;

  constructor(offset: number, message: string) {
    this.offset = offset;
    this.message = message;
  }
}

/** Walks over the blocks. The generator's last value is the error it stopped at, if any. */
export function* readBlocks(bytes: Uint8Array): Generator<Block, CaptureError | undefined> {
  const data = view(bytes);
  let littleEndian = true;
  for (let offset = 0; offset < bytes.length; ) {
    const left = bytes.length - offset;
    if (left < 12) return { offset, message: `${left} bytes are too few for a block` };
    const isSection = data.getUint32(offset) === blockType.sectionHeader; // reads the same both ways
    if (isSection) {
      const order = byteOrderAt(data, offset + 8);
      if (order === undefined)
        return { offset: offset + 8, message: 'no byte-order magic in the section header' };
      littleEndian = order;
    } else if (offset === 0) return { offset, message: 'does not begin with a section header' };
    const length = data.getUint32(offset + 4, littleEndian);
    const wrong = wrongLength(length, left, isSection ? 28 : 12);
    if (wrong !== undefined) return { offset: offset + 4, message: wrong };
    const again = data.getUint32(offset + length - 4, littleEndian);
    if (again !== length)
      return {
        offset: offset + length - 4,
        message: `the block ends with length ${again}, but began with ${length}`,
      };
    const body = bytes.subarray(offset + 8, offset + length - 4);
    yield { type: data.getUint32(offset, littleEndian), offset, body, littleEndian };
    offset += length;
  }
  return undefined;
}

function byteOrderAt(data: DataView, at: number): boolean | undefined {
  if (data.getUint32(at, true) === byteOrderMagic) return true;
  return data.getUint32(at, false) === byteOrderMagic ? false : undefined;
}

function wrongLength(length: number, left: number, least: number): string | undefined {
  if (length % 4 !== 0) return `block length ${length} is not a multiple of 4`;
  if (length < least) return `block length ${length} is less than ${least}`;
  if (length > left) return `block length ${length}, but only ${left} bytes are left`;
  return undefined;
}

/** What a packet's time is counted in. */
interface Clock {
  /** Nanoseconds are `ticks * numerator / denominator + offset`. */
  readonly numerator: bigint;
  readonly denominator: bigint;
  readonly offset: bigint;
}

/** Reads a whole file. Never throws. */
export function readPcapng(bytes: Uint8Array): CaptureFile {
  const reading = new Reading();
  const blocks = readBlocks(bytes);
  let error: CaptureError | undefined;
  for (;;) {
    const next = blocks.next();
    if (next.done) {
      error = next.value;
      break;
    }
    error = reading.take(next.value);
    if (error !== undefined) break;
  }
  const { interfaces, packets, names, secrets } = reading;
  return {
    format: 'pcapng',
    interfaces,
    packets,
    names,
    secrets,
    ...(error === undefined ? {} : { error }),
  };
}

class Reading {
  readonly interfaces: CapturedInterface[] = [];
  readonly packets: CapturedPacket[] = [];
  readonly names: CapturedName[] = [];
  readonly secrets: CapturedSecrets[] = [];
  readonly #clocks: Clock[] = [];
  /** Index of the first interface of this section: packets count from it. */
  #first = 0;

  /** Takes one block; returns what is wrong with it. */
  take(block: Block): CaptureError | undefined {
    try {
      this.#interpret(new Body(block), block);
      return undefined;
    } catch (wrong) {
      if (!(wrong instanceof Wrong)) throw wrong;
      return { offset: wrong.offset, message: wrong.message };
    }
  }

  #interpret(body: Body, block: Block): void {
    const { type } = block;
    if (type === blockType.sectionHeader) this.#section(body);
    else if (type === blockType.interfaceDescription) this.#interface(body);
    else if (type === blockType.enhancedPacket) this.#packet(body, block, body.uint32('interface'));
    else if (type === blockType.packet)
      this.#packet(body, block, body.uint16s('interface and drops')[0]);
    else if (type === blockType.simplePacket) this.#simplePacket(body, block);
    else if (type === blockType.nameResolution) this.#names(body);
    else if (type === blockType.decryptionSecrets) this.#secrets(body);
    // Statistics, custom blocks and what later versions bring are passed over.
  }

  #secrets(body: Body): void {
    const type = body.uint32('type of the secrets');
    const length = body.uint32('length of the secrets');
    this.secrets.push({ type, bytes: body.bytes(length, 'secrets') });
  }

  #section(body: Body): void {
    body.uint32('byte-order magic');
    const at = body.offset;
    const [major, minor] = body.uint16s('version');
    // 1.2 was written by some tools and means 1.0 (section 4.1).
    if (major !== 1 || (minor !== 0 && minor !== 2))
      throw new Wrong(at, `version ${major}.${minor} of the format is not known`);
    body.uint32('section length');
    body.uint32('section length');
    for (const _ of body.options()); // only to see that they are sound
    this.#first = this.interfaces.length;
  }

  #interface(body: Body): void {
    const [linkType] = body.uint16s('link type');
    const snapLength = body.uint32('snap length');
    const found: { name?: string; description?: string; mac?: Mac } = {};
    const comments: string[] = [];
    let resolution = 6; // microseconds, where nothing is said (section 4.2)
    let seconds = 0n;
    for (const { code, value, offset } of body.options()) {
      if (code === option.comment) comments.push(readUtf8(value));
      else if (code === option.interface.name) found.name = readUtf8(value);
      else if (code === option.interface.description) found.description = readUtf8(value);
      else if (code === option.interface.mac && value.length === 6)
        found.mac = readMac(view(value), 0);
      else if (code === option.interface.timeResolution)
        resolution = sized(value, 1, offset, 'if_tsresol')[0]!;
      else if (code === option.interface.timeOffset)
        seconds = view(sized(value, 8, offset, 'if_tsoffset')).getBigInt64(0, body.littleEndian);
    }
    this.interfaces.push({ linkType, snapLength, ...found, comments });
    const power = BigInt(resolution & 0x7f);
    this.#clocks.push({
      numerator: 1_000_000_000n,
      denominator: resolution & 0x80 ? 2n ** power : 10n ** power,
      offset: seconds * 1_000_000_000n,
    });
  }

  #packet(body: Body, block: Block, inSection: number): void {
    const number = this.#known(inSection, block.offset + 8);
    const high = body.uint32('time');
    const low = body.uint32('time');
    const { numerator, denominator, offset } = this.#clocks[number]!;
    const ticks = (BigInt(high) << 32n) | BigInt(low);
    const time = (ticks * numerator) / denominator + offset;
    const kept = body.packetLength();
    const length = body.uint32('original length');
    const bytes = body.bytes(kept, 'packet');
    const comments: string[] = [];
    let direction: Direction | undefined;
    for (const { code, value } of body.options()) {
      if (code === option.comment) comments.push(readUtf8(value));
      else if (code === option.packet.flags && value.length === 4)
        direction = directions[view(value).getUint32(0, body.littleEndian) & 3];
    }
    const sent = direction === undefined ? {} : { direction };
    this.packets.push({
      interface: number,
      time,
      bytes,
      length,
      ...sent,
      comments,
      offset: block.offset,
    });
  }

  /** The packet is on the first interface of its section, and may have been cut to its snap length. */
  #simplePacket(body: Body, block: Block): void {
    const number = this.#known(0, block.offset + 8);
    const { snapLength } = this.interfaces[number]!;
    const length = body.uint32('original length');
    const kept = snapLength === 0 ? length : Math.min(length, snapLength);
    if (kept > packetLengthMax)
      throw new Wrong(block.offset + 8, `${kept} bytes are more than a packet may have`);
    const bytes = body.bytes(kept, 'packet');
    this.packets.push({ interface: number, bytes, length, comments: [], offset: block.offset });
  }

  #known(inSection: number, offset: number): number {
    const number = this.#first + inSection;
    if (number < this.interfaces.length) return number;
    const count = this.interfaces.length - this.#first;
    throw new Wrong(offset, `interface ${inSection} of a section that has ${count}`);
  }

  #names(body: Body): void {
    for (const { code, value, offset } of body.options('record')) {
      if (code !== 1) continue; // nrb_record_ipv4; IPv6 and what comes later are skipped
      if (value.length < 4) throw new Wrong(offset, `a name record of ${value.length} bytes`);
      const names = readUtf8(value.subarray(4)).split('\0');
      this.names.push({
        ip: readIpv4(view(value), 0),
        names: names.filter((name) => name !== ''),
      });
    }
    for (const _ of body.options()); // only to see that they are sound
  }
}

const directions: readonly (Direction | undefined)[] = [undefined, 'inbound', 'outbound'];

/**
 * The value of an option without which the packets would be misread. Others of a wrong size are
 * passed over: there are files whose if_MACaddr has one byte.
 */
function sized(value: Uint8Array, length: number, offset: number, name: string): Uint8Array {
  if (value.length === length) return value;
  throw new Wrong(offset, `${name} has ${value.length} bytes instead of ${length}`);
}

interface Option {
  readonly code: number;
  readonly value: Uint8Array;
  /** Where in the file it begins. */
  readonly offset: number;
}

/** Reads the body of a block from front to back, and knows where in the file it is. */
class Body {
  readonly littleEndian: boolean;
  readonly #bytes: Uint8Array;
  readonly #data: DataView;
  readonly #start: number;
  #at = 0;

  constructor(block: Block) {
    this.littleEndian = block.littleEndian;
    this.#bytes = block.body;
    this.#data = view(block.body);
    this.#start = block.offset + 8;
  }

  get offset(): number {
    return this.#start + this.#at;
  }

  uint32(what: string): number {
    this.#need(4, what);
    this.#at += 4;
    return this.#data.getUint32(this.#at - 4, this.littleEndian);
  }

  uint16s(what: string): [number, number] {
    this.#need(4, what);
    const at = this.#at;
    this.#at += 4;
    return [
      this.#data.getUint16(at, this.littleEndian),
      this.#data.getUint16(at + 2, this.littleEndian),
    ];
  }

  packetLength(): number {
    const at = this.offset;
    const length = this.uint32('captured length');
    if (length > packetLengthMax)
      throw new Wrong(at, `${length} bytes are more than a packet may have`);
    return length;
  }

  /** As many bytes, and the padding after them. */
  bytes(length: number, what: string): Uint8Array {
    this.#need(length, what);
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at = Math.min((this.#at + length + 3) & ~3, this.#bytes.length);
    return bytes;
  }

  /** Options or records, up to the one that ends them or the end of the block. */
  *options(what = 'option'): Generator<Option> {
    while (this.#at < this.#bytes.length) {
      const offset = this.offset;
      const [code, length] = this.uint16s(what);
      if (code === option.end) return;
      yield { code, value: this.bytes(length, what), offset };
    }
  }

  #need(count: number, what: string): void {
    const left = this.#bytes.length - this.#at;
    if (count > left)
      throw new Wrong(this.offset, `${what} needs ${count} bytes, but the block has ${left} left`);
  }
}
