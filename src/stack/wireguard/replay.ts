/**
 * Which counters of a session have been seen (whitepaper section 5.4.6, by the sliding window of
 * RFC 6479). The window slides by whole words, so of 8192 bits 8128 are always usable: as many as
 * Linux has with its words of 64 bits.
 */
import { rejectCounterHigh, rejectCounterLow } from './constants.ts';

const words = 256;
/** How far behind the newest counter one may be and still be told from a replay. */
const window = 8128;

export class ReplayWindow {
  readonly #seen = new Int32Array(words);
  /** One more than the newest counter seen; nothing has been seen at 0. */
  #nextHigh = 0;
  #nextLow = 0;

  /** True once for each counter that is neither used up, nor too old, nor seen before. */
  accept(high: number, low: number): boolean {
    if (high === rejectCounterHigh && low >= rejectCounterLow) return false;
    // How far ahead of the newest it is; zero or less for one that is not. Exact below 2^53, and
    // of anything larger it only matters that it is large.
    const ahead = (high - this.#nextHigh) * 2 ** 32 + (low - this.#nextLow) + 1;
    if (ahead < -window) return false;
    if (ahead > 0) {
      // 32 counters to a word: the words from the newest's up to this one's have old bits in them.
      const offset = low & 31;
      const crossed = Math.min(words, Math.ceil((ahead - offset) / 32));
      const last = low >>> 5;
      for (let i = 0; i < crossed; i += 1) this.#seen[(last - i) & (words - 1)] = 0;
      this.#nextLow = (low + 1) >>> 0;
      this.#nextHigh = low === 0xffff_ffff ? high + 1 : high;
    }
    const word = (low >>> 5) & (words - 1);
    const bit = 1 << (low & 31);
    if ((this.#seen[word]! & bit) !== 0) return false;
    this.#seen[word] = this.#seen[word]! | bit;
    return true;
  }
}
