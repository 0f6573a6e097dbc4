/**
 * The sending half of a connection: what has been sent, what has arrived, what may go now, and
 * when to send again. Places in the stream are counted from the SYN, which is 0; the first byte is
 * 1 and the FIN follows the last. They do not wrap: sequence numbers are made of them at the door.
 */
import { advance, distance, type Sequence } from '../../base/sequence.ts';
import { after, between, type Instant, labStart, nanoseconds, seconds } from '../../base/time.ts';
import type { Profile } from '../profile.ts';
import { Congestion } from './congestion.ts';
import type { Outgoing } from './data.ts';
import { RoundTrip } from './rtt.ts';

/** What a peer that says nothing of it takes (RFC 9293 section 3.7.1). */
export const defaultSegment = 536;
const segmentLeast = 28; // of the smallest MTU there is, 68 (RFC 791)
const probeMost = seconds(120);

/** A segment to be sent, but for what the receiving half has to say. */
export interface Chunk {
  readonly from: number;
  readonly payload: Uint8Array;
  readonly fin: boolean;
  /** The last that there is to send for now. */
  readonly push: boolean;
}

/** What an arriving segment says about our half. */
export interface Acknowledgment {
  /** Place of the segment itself, in the other stream. */
  readonly from: number;
  readonly upTo: number;
  readonly window: number;
  /** It carries nothing else. */
  readonly bare: boolean;
}

export class Sender {
  readonly first: Sequence; // ISS
  readonly outgoing: Outgoing;
  readonly roundTrip: RoundTrip;
  readonly congestion: Congestion;
  /** No more will be written: a FIN follows the last byte. */
  closing = false;
  /** Everything before this has arrived; SND.UNA. */
  arrived = 0;
  /** What goes next; behind `sent` while things are sent again. */
  next = 0;
  /** Everything before this has been sent at least once; SND.NXT as the standard means it. */
  sent = 0;
  /** The largest payload that goes out, and the largest the other end takes. */
  segment = defaultSegment;
  window = 0;
  /** The largest window ever offered; MAX.SND.WND. */
  windowMost = 0;
  #windowFrom = 0; // SND.WL1
  #windowUpTo = 0; // SND.WL2

  readonly #profile: Profile['tcp'];
  /** When what is on the way goes again, or else when a closed window is probed. Never both. */
  #retransmitAt: Instant | undefined;
  #probeAt: Instant | undefined;
  /** How often something went again without an answer, and since when. */
  #retries = 0;
  #stuckSince: Instant = labStart;
  /** How often a closed window was probed: the waits double, answered or not. */
  #probes = 0;
  /** The one segment whose round trip is being measured. */
  #timed: { readonly end: number; readonly at: Instant } | undefined;
  /** Where the last segment shorter than it might have been ends (Nagle as Minshall amended it). */
  #shortEnd = 0;
  #lastSent: Instant | undefined;

  constructor(first: Sequence, outgoing: Outgoing, profile: Profile['tcp']) {
    this.first = first;
    this.outgoing = outgoing;
    this.roundTrip = new RoundTrip(profile.rtoLeast);
    this.congestion = new Congestion(defaultSegment, profile.initialWindow);
    this.#profile = profile;
  }

  get nextWake(): Instant | undefined {
    return this.#retransmitAt ?? this.#probeAt;
  }

  /** The place after the last byte that has been written: where the FIN stands. */
  get end(): number {
    return 1 + this.outgoing.length;
  }

  get finArrived(): boolean {
    return this.closing && this.arrived > this.end;
  }

  get allArrived(): boolean {
    return this.arrived >= this.end;
  }

  sequenceAt(place: number): Sequence {
    return advance(this.first, place);
  }

  place(of: Sequence): number {
    return this.arrived + distance(this.sequenceAt(this.arrived), of);
  }

  /** The SYN has been acknowledged: transfers may begin. */
  start(
    segment: number,
    window: Acknowledgment,
    synAt: Instant,
    now: Instant,
    lost: boolean,
  ): void {
    this.segment = Math.max(segmentLeast, segment);
    this.arrived = 1;
    this.next = Math.max(this.next, 1);
    this.congestion.start(this.segment, lost);
    if (lost) this.roundTrip.distrust();
    else this.roundTrip.measure(between(synAt, now));
    this.#setWindow(window);
  }

  /** Chunks that may go now, in order. At most a window's worth. */
  due(now: Instant): Chunk[] {
    const chunks: Chunk[] = [];
    if (this.#isIdle(now)) this.congestion.idle();
    for (let chunk = this.#following(); chunk !== undefined; chunk = this.#following()) {
      chunks.push(chunk);
      this.#went(chunk, now);
    }
    const waits = this.next === this.arrived && (this.next < this.end || this.#owesFin);
    if (!waits) this.#probeAt = undefined;
    else if (this.#probeAt === undefined) {
      this.#retransmitAt = undefined;
      this.#stuckSince = now;
      this.#probes = 0;
      this.#probeAt = after(now, this.roundTrip.timeout);
    }
    return chunks;
  }

  /** Takes in what the other end has said. Returns what has to be sent again at once. */
  acknowledge(said: Acknowledgment, now: Instant): Chunk | undefined {
    const again = said.upTo > this.arrived ? this.#progress(said.upTo, now) : this.#repeat(said);
    // It lives, and may keep us waiting for as long as it likes (RFC 9293 section 3.8.6.1, MUST-37).
    if (this.#probeAt !== undefined) this.#retries = 0;
    if (said.upTo >= this.arrived) this.#updateWindow(said);
    if (again !== 'retransmit') return undefined;
    return this.#sendAgain(now);
  }

  /** Does what has come due, or says that the other end has been silent for too long. */
  wake(now: Instant): Chunk[] | 'give-up' {
    if (this.#probeAt !== undefined && this.#probeAt <= now) return this.#probe(now);
    if (this.#retransmitAt === undefined || this.#retransmitAt > now) return [];
    if (this.window === 0) {
      // It is not lost but refused: keep asking for as long as somebody answers.
      this.#retransmitAt = undefined;
      this.#timed = undefined;
      this.next = this.arrived;
      this.#probes = 0;
      return this.#probe(now);
    }
    if (this.#hopeless(now)) return 'give-up';
    this.congestion.timedOut(this.sent - this.arrived, this.sent, this.#retries > 0);
    this.#retries += 1;
    this.roundTrip.backOff();
    this.#rewind();
    return [this.#sendAgain(now)];
  }

  /** The path carries only segments of this size: send at once in pieces what is on the way. */
  resize(segment: number): void {
    const least = Math.max(segmentLeast, segment);
    if (least >= this.segment) return;
    this.segment = least;
    this.congestion.resize(least);
    this.#rewind();
  }

  stop(): void {
    this.#retransmitAt = undefined;
    this.#probeAt = undefined;
  }

  get #owesFin(): boolean {
    return this.closing && this.next === this.end;
  }

  #isIdle(now: Instant): boolean {
    const last = this.#lastSent;
    return last !== undefined && this.next === this.arrived && now - last > this.roundTrip.timeout;
  }

  /** Everything from the first byte that is missing goes again. */
  #rewind(): void {
    this.next = this.arrived;
    this.#timed = undefined;
    this.#shortEnd = 0;
    this.#retransmitAt = undefined;
  }

  /** The next chunk that the windows allow, if it is worth sending (RFC 9293 section 3.8.6.2.1). */
  #following(): Chunk | undefined {
    const promised = this.arrived + this.window;
    const limit = Math.min(promised, this.arrived + this.congestion.window);
    if (this.next >= this.end) {
      if (!this.#owesFin || this.next >= promised) return undefined;
      return { from: this.next, payload: nothing, fin: true, push: false };
    }
    const size = Math.min(this.segment, this.end - this.next, limit - this.next);
    if (size <= 0) return undefined;
    if (size < this.segment) {
      const last = this.next + size === this.end;
      const welcome = last && (this.closing || this.#shortEnd <= this.arrived);
      if (!welcome && size < this.windowMost / 2) return undefined;
    }
    return this.#chunk(this.next, size, promised);
  }

  #chunk(from: number, size: number, promised: number): Chunk {
    const to = from + size;
    const last = to === this.end;
    const payload = size === 0 ? nothing : this.outgoing.read(from - 1, to - 1);
    return { from, payload, fin: this.closing && last && to < promised, push: last };
  }

  /** Keeps account of a chunk that goes out at `next`. */
  #went(chunk: Chunk, now: Instant): void {
    const end = chunk.from + chunk.payload.length + (chunk.fin ? 1 : 0);
    const fresh = chunk.from >= this.sent;
    if (fresh && this.#timed === undefined) this.#timed = { end, at: now };
    if (chunk.payload.length > 0 && chunk.payload.length < this.segment) this.#shortEnd = end;
    this.next = Math.max(this.next, end);
    this.sent = Math.max(this.sent, end);
    this.#lastSent = now;
    this.#probeAt = undefined;
    if (this.#retransmitAt === undefined) {
      this.#retransmitAt = after(now, this.roundTrip.timeout);
      if (this.#retries === 0) this.#stuckSince = now;
    }
  }

  /** Sends the first segment that is missing once more, whatever the congestion window says. */
  #sendAgain(now: Instant): Chunk {
    this.#timed = undefined; // Karn: an answer could be to either
    const promised = this.arrived + Math.max(1, this.window);
    const size = Math.min(this.segment, this.end - this.arrived, promised - this.arrived);
    const chunk =
      size > 0
        ? this.#chunk(this.arrived, size, promised)
        : { from: this.arrived, payload: nothing, fin: this.closing, push: false };
    this.#went(chunk, now);
    return chunk;
  }

  #progress(upTo: number, now: Instant): 'nothing' | 'retransmit' {
    const acked = upTo - this.arrived;
    this.arrived = upTo;
    this.next = Math.max(this.next, upTo);
    this.outgoing.release(Math.min(upTo - 1, this.outgoing.length));
    if (this.#timed !== undefined && upTo >= this.#timed.end) {
      this.roundTrip.measure(between(this.#timed.at, now));
      this.#timed = undefined;
    }
    this.#retries = 0;
    this.#stuckSince = now;
    const advice = this.congestion.acknowledged(acked, upTo, this.sent - upTo);
    // RFC 6298 sections 5.2 and 5.3; partial acknowledgments are not treated differently, which is
    // the slow but steady variant of RFC 6582 section 4.
    this.#retransmitAt = upTo === this.next ? undefined : after(now, this.roundTrip.timeout);
    return upTo < this.sent ? advice : 'nothing';
  }

  /** RFC 5681 section 2, "duplicate acknowledgment". */
  #repeat(said: Acknowledgment): 'nothing' | 'retransmit' {
    const duplicate =
      said.bare &&
      this.#probeAt === undefined &&
      said.upTo === this.arrived &&
      this.sent > this.arrived &&
      said.window === this.window;
    return duplicate ? this.congestion.duplicate(this.arrived, this.sent) : 'nothing';
  }

  #updateWindow(said: Acknowledgment): void {
    const newer =
      this.#windowFrom < said.from ||
      (this.#windowFrom === said.from && this.#windowUpTo <= said.upTo);
    if (newer) this.#setWindow(said);
  }

  #setWindow(said: Acknowledgment): void {
    this.window = said.window;
    this.windowMost = Math.max(this.windowMost, said.window);
    this.#windowFrom = said.from;
    this.#windowUpTo = said.upTo;
  }

  /**
   * Asks whether the window is still closed, with one byte, or the FIN (RFC 9293 section 3.8.6.1);
   * or, where a little is open, sends what fits, as the override of section 3.8.6.2.1 has it.
   */
  #probe(now: Instant): Chunk[] | 'give-up' {
    if (this.#hopeless(now)) return 'give-up';
    if (this.#retries === 0) this.#stuckSince = now; // the last one was answered
    this.#retries += 1;
    this.#probes += 1;
    const room = Math.max(1, Math.min(this.window, this.segment));
    const size = Math.min(room, this.end - this.arrived);
    const fin = size === 0;
    const payload = fin ? nothing : this.outgoing.read(this.arrived - 1, this.arrived - 1 + size);
    const chunk = { from: this.arrived, payload, fin, push: true };
    const wait = this.roundTrip.timeout * 2 ** Math.min(this.#probes, 10);
    if (this.window > 0) this.#went(chunk, now);
    else {
      this.sent = Math.max(this.sent, this.arrived + 1);
      this.#probeAt = after(now, nanoseconds(Math.min(probeMost, wait)));
    }
    return [chunk];
  }

  /** RFC 9293 section 3.8.3, R2. */
  #hopeless(now: Instant): boolean {
    const { after: patience, retries } = this.#profile.giveUp;
    return this.#retries >= Math.max(1, retries) && now - this.#stuckSince >= patience;
  }
}

const nothing = new Uint8Array(0);
