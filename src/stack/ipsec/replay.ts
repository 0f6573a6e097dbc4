/**
 * Which sequence numbers of a security association have been seen (RFC 4303 section 3.4.3): a
 * window of 64, as the RFC asks for, over numbers of 32 bits. Numbers are never used twice, so the
 * window never wraps.
 */
const size = 64;

export class ReplayWindow {
  #newest = 0;
  /** By how far behind the newest each was: 0 to 31, and 32 to 63. */
  #recent = 0;
  #older = 0;

  /** Whether a packet is worth opening. Asked before it is authentic, so nothing changes. */
  isNew(sequence: number): boolean {
    const behind = this.#newest - sequence;
    if (sequence === 0 || behind >= size) return false;
    if (behind < 0) return true;
    const word = behind < 32 ? this.#recent : this.#older;
    return (word & (1 << (behind & 31))) === 0;
  }

  /** The packet was new, and is authentic. */
  note(sequence: number): void {
    const ahead = sequence - this.#newest;
    if (ahead > 0) {
      this.#slide(ahead);
      this.#newest = sequence;
      this.#recent |= 1;
      return;
    }
    const bit = 1 << (-ahead & 31);
    if (-ahead < 32) this.#recent |= bit;
    else this.#older |= bit;
  }

  #slide(by: number): void {
    if (by >= 32) {
      this.#older = by >= size ? 0 : this.#recent << (by - 32);
      this.#recent = 0;
      return;
    }
    this.#older = (this.#older << by) | (this.#recent >>> (32 - by));
    this.#recent <<= by;
  }
}
