/**
 * Frames on the hot path. A frame is a handle into a chunk of memory that many frames share, so
 * that a hop allocates nothing: making an own `Uint8Array` per frame costs fifteen times as much.
 * The bytes are the truth; nothing is decoded into objects on the way.
 */

const chunkSize = 1 << 16;

/** One Ethernet frame without its check sequence, or anything else that travels as bytes. */
export class Frame {
  /** The chunk that holds the frame, and the same chunk for reading words. */
  readonly memory: Uint8Array;
  readonly words: DataView;
  /** Where in the chunk the frame begins: 2 mod 4, so that the IP header is aligned. */
  readonly start: number;
  /** How many bytes it has. May be made smaller, never larger. */
  length: number;
  /** Held by exactly one party, which may therefore rewrite it in place. */
  exclusive: boolean;
  /** Every checksum in it is known to be right, because it was written that way in this process. */
  trusted: boolean;
  /** Id of the event in the log that brought this frame here; -1 while there is none. */
  cause: number;

  constructor(memory: Uint8Array, words: DataView, start: number, length: number) {
    this.memory = memory;
    this.words = words;
    this.start = start;
    this.length = length;
    this.exclusive = true;
    this.trusted = true;
    this.cause = -1;
  }

  /** The bytes themselves, not a copy. */
  bytes(from = 0, to = this.length): Uint8Array {
    return this.memory.subarray(this.start + from, this.start + to);
  }

  /** A second handle on the same bytes. From now on nobody may rewrite them. */
  share(): Frame {
    const other = new Frame(this.memory, this.words, this.start, this.length);
    this.exclusive = false;
    other.exclusive = false;
    other.trusted = this.trusted;
    other.cause = this.cause;
    return other;
  }
}

/** Where frames come from. Chunks are never freed by hand: one goes with its last frame. */
export class FrameMemory {
  /** New frames count as trusted. Off, every receiver checks every sum. */
  readonly trusting: boolean;
  #memory = new Uint8Array(chunkSize);
  #words = new DataView(this.#memory.buffer);
  #used = 0;

  constructor(trusting = true) {
    this.trusting = trusting;
  }

  /** A frame of `length` bytes, all of which the caller is going to write: they may hold anything. */
  allocate(length: number): Frame {
    const need = (length + 5) & ~3;
    if (this.#used + need > this.#memory.length) {
      this.#memory = new Uint8Array(Math.max(chunkSize, need));
      this.#words = new DataView(this.#memory.buffer);
      this.#used = 0;
    }
    const frame = new Frame(this.#memory, this.#words, this.#used + 2, length);
    if (!this.trusting) frame.trusted = false;
    this.#used += need;
    return frame;
  }

  /** A frame with these bytes, from outside: nothing about its checksums is known. */
  from(bytes: Uint8Array): Frame {
    const frame = this.allocate(bytes.length);
    frame.memory.set(bytes, frame.start);
    frame.trusted = false;
    return frame;
  }

  /** A frame with the same bytes that its holder may rewrite. */
  copy(frame: Frame): Frame {
    const twin = this.allocate(frame.length);
    if (twin.memory === frame.memory)
      twin.memory.copyWithin(twin.start, frame.start, frame.start + frame.length);
    else
      twin.memory.set(frame.memory.subarray(frame.start, frame.start + frame.length), twin.start);
    twin.trusted = frame.trusted;
    twin.cause = frame.cause;
    return twin;
  }

  /** The frame itself where it may be rewritten, else a copy. */
  writable(frame: Frame): Frame {
    return frame.exclusive ? frame : this.copy(frame);
  }
}
