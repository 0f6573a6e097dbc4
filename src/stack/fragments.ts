/** Cutting packets up and putting them together again (RFC 791 section 3.2, RFC 815). */
import type { Frame, FrameMemory } from '../base/frame.ts';
import type { Instant } from '../base/time.ts';
import type { Reason } from '../trace/reasons.ts';
import {
  destinationOf,
  headerLengthOf,
  ipAt,
  moreFragmentsBit,
  protocolOf,
  sourceOf,
  sumIpHeader,
  totalLengthOf,
} from './packet.ts';
import type { Profile } from './profile.ts';

const overhead = 256; // what a fragment costs besides its bytes, so that a flood of tiny ones counts
const packetMax = 65_535;

/** The pieces of a packet that is longer than `mtu`. Options are copied to the first only (RFC 791: most are). */
export function fragment(frame: Frame, mtu: number, frames: FrameMemory): Frame[] {
  const header = headerLengthOf(frame);
  const { words, start } = frame;
  const data = totalLengthOf(frame) - header;
  const field = words.getUint16(start + 20);
  const offset = (field & 0x1fff) * 8;
  const pieces: Frame[] = [];
  for (let at = 0; at < data; ) {
    const headerHere = at === 0 ? header : 20;
    const room = Math.max((mtu - headerHere) & ~7, 8); // a link that carries less is none for IP
    const length = data - at <= mtu - headerHere ? data - at : room;
    const piece = frames.allocate(ipAt + headerHere + length);
    piece.memory.set(frame.bytes(0, ipAt + headerHere), piece.start);
    piece.memory.set(
      frame.bytes(ipAt + header + at, ipAt + header + at + length),
      piece.start + ipAt + headerHere,
    );
    const last = at + length === data && (field & moreFragmentsBit) === 0;
    piece.memory[piece.start + ipAt] = 0x40 | (headerHere / 4);
    piece.words.setUint16(piece.start + 16, headerHere + length);
    piece.words.setUint16(piece.start + 20, ((offset + at) / 8) | (last ? 0 : moreFragmentsBit));
    sumIpHeader(piece);
    piece.trusted = frame.trusted;
    piece.cause = frame.cause;
    pieces.push(piece);
    at += length;
  }
  return pieces;
}

interface Piece {
  readonly from: number;
  readonly to: number;
  readonly frame: Frame;
}

class Puzzle {
  readonly pieces: Piece[] = [];
  /** Pieces that came one after another and fit together, in order; the last is the one that grows. */
  readonly runs: { from: number; to: number }[] = [];
  /** Length of the whole payload, once the last piece is here. */
  total = -1;
  /** Bytes of payload that are here. */
  have = 0;
  bytes = 0;
  readonly expires: number;

  constructor(expires: number) {
    this.expires = expires;
  }

  get first(): Frame | undefined {
    return this.pieces.find(({ from }) => from === 0)?.frame;
  }
}

/** What became of a fragment: the whole packet, nothing yet, or the reason why it all ends here. */
export type Reassembled =
  | { readonly kind: 'whole'; readonly frame: Frame }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'dropped'; readonly reason: Reason };

/** Packets in pieces at one host. Bounded by memory, like `ipfrag_high_thresh`. */
export class Reassembly {
  readonly #profile: Profile;
  /** In the order of their beginning, which is that of their ends too. */
  readonly #puzzles = new Map<string, Puzzle>();
  #bytes = 0;

  constructor(profile: Profile) {
    this.#profile = profile;
  }

  get bytes(): number {
    return this.#bytes;
  }

  take(frame: Frame, now: Instant, frames: FrameMemory): Reassembled {
    const { words, start } = frame;
    const header = headerLengthOf(frame);
    const field = words.getUint16(start + 20);
    const from = (field & 0x1fff) * 8;
    const length = totalLengthOf(frame) - header;
    const to = from + length;
    const more = (field & moreFragmentsBit) !== 0;
    // Source, destination, protocol and identification name the packet (RFC 791 section 3.2).
    const key = `${sourceOf(frame)} ${destinationOf(frame)} ${protocolOf(frame)} ${words.getUint16(start + 18)}`;
    let puzzle = this.#puzzles.get(key);
    const place =
      (more && length % 8 !== 0) || length === 0 || to + header > packetMax
        ? 'overlap'
        : placeOf(puzzle, from, to, more);
    if (place === 'duplicate') return { kind: 'waiting' };
    if (place === 'overlap') {
      if (puzzle !== undefined) this.#forget(key, puzzle);
      return { kind: 'dropped', reason: 'FRAGMENT_OVERLAP' };
    }
    const cost = frame.length + overhead;
    if (this.#bytes + cost > this.#profile.reassembly.memory)
      return { kind: 'dropped', reason: 'FRAGMENT_LIMIT' };
    if (puzzle === undefined) {
      puzzle = new Puzzle(now + this.#profile.reassembly.timeout);
      this.#puzzles.set(key, puzzle);
    }
    this.#bytes += cost;
    puzzle.bytes += cost;
    puzzle.have += length;
    puzzle.pieces.push({ from, to, frame: frames.copy(frame) }); // a waiting frame must not pin its chunk
    enter(puzzle.runs, from, to);
    if (!more) puzzle.total = to;
    if (puzzle.total < 0 || puzzle.have < puzzle.total) return { kind: 'waiting' };
    this.#forget(key, puzzle);
    return { kind: 'whole', frame: join(puzzle, frames) };
  }

  /** Gives up what has waited too long; of each, the first piece if it came: its sender may be told. */
  expire(now: Instant): { readonly first: Frame | undefined; readonly any: Frame }[] {
    const gone: { readonly first: Frame | undefined; readonly any: Frame }[] = [];
    for (const [key, puzzle] of this.#puzzles) {
      if (puzzle.expires > now) break;
      this.#forget(key, puzzle);
      if (puzzle.pieces.length > 0)
        gone.push({ first: puzzle.first, any: puzzle.pieces.at(-1)!.frame });
    }
    return gone;
  }

  nextWake(): Instant | undefined {
    for (const { expires } of this.#puzzles.values()) return expires as Instant;
    return undefined;
  }

  #forget(key: string, puzzle: Puzzle): void {
    this.#puzzles.delete(key);
    this.#bytes -= puzzle.bytes;
  }
}

/**
 * Whether a piece is new to a packet, or here already, or contradicts what is here. Linux drops the
 * whole packet on a partial overlap and forgives what it has in full already (net/ipv4/inet_fragment.c).
 */
function placeOf(
  puzzle: Puzzle | undefined,
  from: number,
  to: number,
  more: boolean,
): 'new' | 'duplicate' | 'overlap' {
  if (puzzle === undefined) return 'new';
  const { runs, total } = puzzle;
  const end = runs.at(-1)!.to;
  if (total >= 0 && (to > total || (!more && to !== total))) return 'overlap';
  if (!more && end > to) return 'overlap';
  for (const run of runs) {
    if (from >= run.from && to <= run.to) return 'duplicate';
    if (from < run.to && to > run.from) return 'overlap';
  }
  return 'new';
}

/** Notes that a piece is here: it makes the last run longer, or one of its own. */
function enter(runs: { from: number; to: number }[], from: number, to: number): void {
  const last = runs.at(-1);
  if (last === undefined || from > last.to) runs.push({ from, to });
  else if (from === last.to) last.to = to;
  else
    runs.splice(
      runs.findIndex((run) => run.from > from),
      0,
      { from, to },
    );
}

function join(puzzle: Puzzle, frames: FrameMemory): Frame {
  const first = puzzle.first!;
  const header = headerLengthOf(first);
  const whole = frames.allocate(ipAt + header + puzzle.total);
  whole.memory.set(first.bytes(0, ipAt + header), whole.start);
  for (const { from, to, frame } of puzzle.pieces) {
    const at = ipAt + headerLengthOf(frame);
    whole.memory.set(frame.bytes(at, at + to - from), whole.start + ipAt + header + from);
  }
  whole.words.setUint16(whole.start + 16, header + puzzle.total);
  whole.words.setUint16(whole.start + 20, 0);
  sumIpHeader(whole);
  whole.trusted = puzzle.pieces.every(({ frame }) => frame.trusted);
  whole.cause = puzzle.pieces.at(-1)!.frame.cause;
  return whole;
}
