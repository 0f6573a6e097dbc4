/**
 * Where a switch has seen whom: open addressing over typed arrays, keyed by address and VLAN, a
 * quarter of the cost of a `Map` at a thousand entries. Ageing is checked at look-up, not by timers.
 */
export const entriesMaxDefault = 8192;

const vacant = -1;

export class MacTable {
  readonly #entriesMax: number;
  #count = 0;
  #mask = 0;
  /** Upper 16 bits of the address, and the VLAN above them: never negative. */
  #high = new Int32Array(0);
  #low = new Int32Array(0);
  #port = new Int32Array(0);
  #seen = new Float64Array(0);
  /** No entry was seen before this moment: where it lies, a full table need not be searched for aged ones. */
  #oldest = 0;

  constructor(entriesMax = entriesMaxDefault) {
    this.#entriesMax = entriesMax;
    this.#resize(16);
  }

  get size(): number {
    return this.#count;
  }

  /**
   * Notes that the address was seen on a port at `now`; the newest port wins. Entries last seen
   * before `since` have aged: they count as unknown, and make room when there is none.
   *
   * @returns The port it was known on before, -1 if it is new, -2 if the table is full.
   */
  learn(high: number, low: number, port: number, now: number, since: number): number {
    let slot = this.#find(high, low);
    if (this.#high[slot] === vacant) {
      if (this.#count >= this.#entriesMax) {
        if (this.#oldest >= since) return -2;
        this.forget((_port, seen) => seen < since);
        if (this.#count >= this.#entriesMax) return -2;
        slot = this.#find(high, low);
      }
      if (this.#count * 2 + 2 > this.#mask) {
        this.#resize((this.#mask + 1) * 2);
        slot = this.#find(high, low);
      }
      this.#count += 1;
      this.#high[slot] = high;
      this.#low[slot] = low;
      this.#port[slot] = port;
      this.#seen[slot] = now;
      if (now < this.#oldest) this.#oldest = now;
      return -1;
    }
    const was = this.#seen[slot]! >= since ? this.#port[slot]! : -1;
    this.#port[slot] = port;
    this.#seen[slot] = now;
    return was;
  }

  /** The port of an address last seen at or after `since`, else -1. */
  find(high: number, low: number, since: number): number {
    const slot = this.#find(high, low);
    return this.#high[slot] !== vacant && this.#seen[slot]! >= since ? this.#port[slot]! : -1;
  }

  /** Forgets every entry that `unwanted` says yes to. */
  forget(unwanted: (port: number, seen: number) => boolean): void {
    this.#resize(this.#mask + 1, unwanted);
  }

  *entries(): Generator<{ high: number; low: number; port: number; seen: number }> {
    for (let slot = 0; slot <= this.#mask; slot += 1) {
      const high = this.#high[slot]!;
      if (high !== vacant)
        yield { high, low: this.#low[slot]!, port: this.#port[slot]!, seen: this.#seen[slot]! };
    }
  }

  #find(high: number, low: number): number {
    const highs = this.#high;
    const lows = this.#low;
    const mask = this.#mask;
    let slot = (Math.imul(low ^ high, 0x9e3779b1) >>> 7) & mask;
    while (highs[slot] !== vacant && (lows[slot] !== low || highs[slot] !== high))
      slot = (slot + 1) & mask;
    return slot;
  }

  #resize(room: number, unwanted?: (port: number, seen: number) => boolean): void {
    const high = this.#high;
    const low = this.#low;
    const port = this.#port;
    const seen = this.#seen;
    this.#mask = room - 1;
    this.#high = new Int32Array(room).fill(vacant);
    this.#low = new Int32Array(room);
    this.#port = new Int32Array(room);
    this.#seen = new Float64Array(room);
    this.#count = 0;
    this.#oldest = Number.POSITIVE_INFINITY;
    for (let old = 0; old < high.length; old += 1) {
      if (high[old] === vacant || unwanted?.(port[old]!, seen[old]!)) continue;
      const slot = this.#find(high[old]!, low[old]!);
      this.#high[slot] = high[old]!;
      this.#low[slot] = low[old]!;
      this.#port[slot] = port[old]!;
      this.#seen[slot] = seen[old]!;
      this.#count += 1;
      if (seen[old]! < this.#oldest) this.#oldest = seen[old]!;
    }
  }
}
