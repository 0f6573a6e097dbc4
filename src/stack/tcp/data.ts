/**
 * What connections carry. A transfer is a count of bytes, and the bytes follow from where in the
 * stream they stand: so a megabyte takes no memory, and the receiver can tell a wrong one.
 */

/** The byte at `offset` of every stream. Two offsets within 2^32 have unrelated bytes. */
export function patternByte(offset: number): number {
  let mixed = Math.imul(offset, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
  return mixed >>> 24;
}

export function isPattern(bytes: Uint8Array, offset: number): boolean {
  for (let i = 0; i < bytes.length; i += 1) if (bytes[i] !== patternByte(offset + i)) return false;
  return true;
}

/** What is still to be sent or not yet acknowledged. Offsets count from the start of the stream. */
export interface Outgoing {
  /** How many bytes the application has written so far. */
  readonly length: number;
  /** Bytes kept in memory. */
  readonly held: number;
  read(from: number, to: number): Uint8Array;
  /** Everything before `to` has arrived and is not asked for again. */
  release(to: number): void;
}

export class PatternSource implements Outgoing {
  length = 0;
  readonly held = 0;

  extend(bytes: number): void {
    this.length += bytes;
  }

  read(from: number, to: number): Uint8Array {
    const bytes = new Uint8Array(to - from);
    for (let i = 0; i < bytes.length; i += 1) bytes[i] = patternByte(from + i);
    return bytes;
  }

  release(): void {}
}

/** Keeps what was read until it has been sent back. Its bound is the receive window. */
export class EchoSource implements Outgoing {
  length = 0;
  #buffer = new Uint8Array(0);
  /** Where in the buffer the first byte still needed stands, and its offset in the stream. */
  #start = 0;
  #offset = 0;

  get held(): number {
    return this.length - this.#offset;
  }

  append(bytes: Uint8Array): void {
    const held = this.held;
    if (this.#start + held + bytes.length > this.#buffer.length) {
      const need = held + bytes.length;
      const roomy = need > this.#buffer.length ? new Uint8Array(2 * need) : this.#buffer;
      roomy.set(this.#buffer.subarray(this.#start, this.#start + held));
      this.#buffer = roomy;
      this.#start = 0;
    }
    this.#buffer.set(bytes, this.#start + held);
    this.length += bytes.length;
  }

  read(from: number, to: number): Uint8Array {
    const at = this.#start + from - this.#offset;
    return this.#buffer.subarray(at, at + to - from);
  }

  release(to: number): void {
    this.#start += to - this.#offset;
    this.#offset = to;
    if (this.held === 0) {
      this.#buffer = new Uint8Array(0);
      this.#start = 0;
    }
  }
}
