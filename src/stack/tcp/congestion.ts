/**
 * How much may be on the way: slow start, congestion avoidance, fast retransmit (RFC 5681) and
 * NewReno's fast recovery (RFC 6582). Counts bytes; positions are those of `Sender`.
 */
import type { Profile } from '../profile.ts';

const duplicatesForLoss = 3; // DupThresh

type InitialWindow = Profile['tcp']['initialWindow'];

export type Advice = 'nothing' | 'retransmit';

export class Congestion {
  #segment: number; // SMSS
  #window: number; // cwnd
  #threshold = Number.POSITIVE_INFINITY; // ssthresh
  #duplicates = 0;
  #recovering = false;
  /** How far had been sent when the last loss was noticed; NewReno's `recover`. */
  #recover = 0;

  readonly #initial: InitialWindow;

  constructor(segment: number, initial: InitialWindow = 'few') {
    this.#segment = segment;
    this.#initial = initial;
    this.#window = initialWindow(segment, initial);
  }

  get window(): number {
    return this.#window;
  }

  get threshold(): number {
    return this.#threshold;
  }

  get recovering(): boolean {
    return this.#recovering;
  }

  /** The handshake is over: the segment size is known, and whether the path lost our SYN. */
  start(segment: number, synLost: boolean): void {
    this.#segment = segment;
    // "if the SYN or SYN/ACK is lost, the initial window … MUST be one segment" (section 3.1)
    this.#window = synLost ? segment : initialWindow(segment, this.#initial);
  }

  /** Nothing was sent for a whole timeout: what was known of the path is stale (section 4.1). */
  idle(): void {
    this.#window = Math.min(this.#window, initialWindow(this.#segment, this.#initial));
  }

  /** `acked` more bytes arrived; `upTo` is how far, `inFlight` what is still on the way. */
  acknowledged(acked: number, upTo: number, inFlight: number): Advice {
    if (this.#recovering) {
      if (upTo >= this.#recover) {
        // Full acknowledgment, RFC 6582 section 3.2 step 3, first option.
        this.#window = Math.min(this.#threshold, Math.max(inFlight, this.#segment) + this.#segment);
        this.#recovering = false;
        this.#duplicates = 0;
        return 'nothing';
      }
      // Partial: the next gap is lost too. Deflate by what left the network.
      this.#window = Math.max(this.#segment, this.#window - acked);
      if (acked >= this.#segment) this.#window += this.#segment;
      return 'retransmit';
    }
    this.#duplicates = 0;
    this.#window +=
      this.#window < this.#threshold
        ? Math.min(acked, this.#segment)
        : Math.max(1, Math.floor((this.#segment * this.#segment) / this.#window));
    return 'nothing';
  }

  /** The same acknowledgment once more: something after it arrived (RFC 5681 section 3.2). */
  duplicate(upTo: number, sent: number): Advice {
    if (this.#recovering) {
      this.#window += this.#segment;
      return 'nothing';
    }
    this.#duplicates += 1;
    // Those that follow a timeout may only echo what was sent twice (RFC 6582 section 3.2 step 2).
    if (this.#duplicates !== duplicatesForLoss || upTo <= this.#recover) return 'nothing';
    this.#reduce(sent - upTo);
    this.#window = this.#threshold + duplicatesForLoss * this.#segment;
    this.#recovering = true;
    this.#recover = sent;
    return 'retransmit';
  }

  /** The retransmission timer went off; `again` if it already did for the same segment. */
  timedOut(inFlight: number, sent: number, again: boolean): void {
    if (!again) this.#reduce(inFlight);
    this.#window = this.#segment;
    this.#recovering = false;
    this.#recover = sent;
    this.#duplicates = 0;
  }

  /**
   * The path carries only smaller segments. That is no congestion, so the threshold keeps what the
   * window was, but only one segment goes first (RFC 1191 section 6.4).
   */
  resize(segment: number): void {
    this.#threshold = Math.min(this.#threshold, Math.max(this.#window, 2 * segment));
    this.#segment = segment;
    this.#window = segment;
    this.#recovering = false;
    this.#duplicates = 0;
  }

  #reduce(inFlight: number): void {
    this.#threshold = Math.max(Math.floor(inFlight / 2), 2 * this.#segment); // equation 4
  }
}

/** RFC 5681 section 3.1, or RFC 6928 section 2. */
function initialWindow(segment: number, initial: InitialWindow): number {
  if (initial === 'ten') return Math.min(10 * segment, Math.max(2 * segment, 14_600));
  if (segment > 2190) return 2 * segment;
  return segment > 1095 ? 3 * segment : 4 * segment;
}
