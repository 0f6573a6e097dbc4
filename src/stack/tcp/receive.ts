/**
 * The receiving half of a connection: what is expected next, what came too early, how much more
 * may come. Places in the stream are counted from the SYN, which is 0; the first byte is 1. They
 * do not wrap: sequence numbers are turned into them at the door.
 */
import { advance, distance, type Sequence, sequence } from '../../base/sequence.ts';

/** How much may wait to be read, or for a gap to be filled. */
export const receiveBuffer = 1 << 17;
const piecesMax = 512;

interface Piece {
  readonly from: number;
  readonly bytes: Uint8Array;
}

export class Receiver {
  /** The next place expected; RCV.NXT. */
  next = 0;
  #first = sequence(0); // IRS
  /** What has been promised: everything before this place may come; RCV.NXT + RCV.WND. */
  #edge = 0;
  /** In order, apart from each other, all beyond `next`. */
  readonly #pieces: Piece[] = [];
  #fin: number | undefined;

  /** The other end's SYN has come. */
  start(first: Sequence): void {
    this.#first = first;
    this.next = 1;
    this.#edge = 1;
  }

  get nextSequence(): Sequence {
    return advance(this.#first, this.next);
  }

  get window(): number {
    return Math.max(0, this.#edge - this.next);
  }

  get waiting(): number {
    return this.#pieces.length;
  }

  /** The other end's FIN has come, and everything before it. */
  get finished(): boolean {
    return this.#fin !== undefined && this.next > this.#fin;
  }

  place(of: Sequence): number {
    return this.next + distance(this.nextSequence, of);
  }

  /** RFC 9293 section 3.10.7.4, table 6. */
  acceptable(from: number, length: number): boolean {
    const starts = from >= this.next && from < this.#edge;
    if (length === 0) return this.window === 0 ? from === this.next : starts;
    const last = from + length - 1;
    return this.window > 0 && (starts || (last >= this.next && last < this.#edge));
  }

  /**
   * Makes the window as large as `room` allows, but in steps worth announcing and never smaller
   * than promised (RFC 9293 sections 3.8.6 and 3.8.6.2.2). Returns whether it grew.
   */
  open(room: number, segment: number): boolean {
    const wanted = this.next + room;
    if (wanted - this.#edge < Math.min(receiveBuffer / 2, segment)) return false;
    this.#edge = wanted;
    return true;
  }

  /**
   * Takes the part of a segment that is new and within the window.
   *
   * @returns What can be delivered now, in order, or `undefined` if it comes too early and no more
   *          can wait. What has to wait is copied; what is delivered is not.
   */
  accept(from: number, payload: Uint8Array, fin: boolean): Uint8Array[] | undefined {
    const end = from + payload.length;
    if (fin && this.#fin === undefined && end >= this.next && end < this.#edge) this.#fin = end;
    const start = Math.max(from, this.next);
    const bytes = payload.subarray(start - from, Math.max(start, Math.min(end, this.#edge)) - from);
    if (start > this.next) return this.#keep(start, bytes) ? [] : undefined;
    const ready: Uint8Array[] = [];
    this.#deliver(bytes, ready);
    for (let piece = this.#pieces[0]; piece && piece.from <= this.next; piece = this.#pieces[0]) {
      this.#pieces.shift();
      this.#deliver(piece.bytes.subarray(Math.max(0, this.next - piece.from)), ready);
    }
    if (this.next === this.#fin) {
      this.next += 1;
      this.#pieces.length = 0;
    }
    return ready;
  }

  #deliver(bytes: Uint8Array, ready: Uint8Array[]): void {
    const rest = (this.#fin ?? Number.POSITIVE_INFINITY) - this.next;
    const part = bytes.length > rest ? bytes.subarray(0, rest) : bytes;
    if (part.length === 0) return;
    ready.push(part);
    this.next += part.length;
  }

  /** Fits bytes into the gaps between what already waits: the first to come is believed. */
  #keep(from: number, bytes: Uint8Array): boolean {
    let start = from;
    const end = from + bytes.length;
    for (let i = 0; start < end; i += 1) {
      const piece = this.#pieces[i];
      const until = Math.min(end, piece?.from ?? end);
      if (until > start) {
        if (this.#pieces.length >= piecesMax) return false;
        const copy = bytes.slice(start - from, until - from);
        this.#pieces.splice(i, 0, { from: start, bytes: copy });
        i += piece === undefined ? 0 : 1;
      }
      if (piece === undefined) break;
      start = Math.max(start, piece.from + piece.bytes.length);
    }
    return true;
  }
}
