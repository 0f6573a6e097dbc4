/**
 * Chance that comes from a seed: the same seed and the same names give the same numbers on every
 * machine. Each purpose draws from a stream of its own, so that a new link or a new device does
 * not change the luck of an old one.
 *
 * The generator is xoshiro128** (Blackman and Vigna, 2018): 128 bits of state, 32-bit arithmetic,
 * which JavaScript does exactly. It is for simulation; nothing secret may depend on it.
 */
export class Random {
  readonly #name: string;
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(name: string | number) {
    this.#name = String(name);
    const mix = mixer(this.#name);
    this.#a = mix();
    this.#b = mix();
    this.#c = mix();
    this.#d = mix() | 1; // the state must not be all zero
  }

  /** The stream for one named purpose. Asking twice gives two streams with equal numbers. */
  child(purpose: string): Random {
    return new Random(`${this.#name}/${purpose}`);
  }

  /** A whole number from 0 up to and including 2^32 - 1. */
  uint32(): number {
    const scrambled = Math.imul(rotate(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotate(this.#d, 11);
    return scrambled;
  }

  /** A number from 0 up to but not including 1, in steps of 2^-32. */
  fraction(): number {
    return this.uint32() / 2 ** 32;
  }

  /** A whole number from `low` up to and including `high`; both within 2^53. */
  between(low: number, high: number): number {
    const wide = this.uint32() * 2 ** 21 + (this.uint32() >>> 11);
    return low + Math.floor((wide / 2 ** 53) * (high - low + 1));
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.uint32() & 255);
  }
}

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by));

/** Spreads a name over as many 32-bit words as are asked for (MurmurHash3's mixing steps). */
function mixer(name: string): () => number {
  let h = 0x9747b28c ^ name.length;
  for (let i = 0; i < name.length; i += 1) {
    h = Math.imul(h ^ name.charCodeAt(i), 0xcc9e2d51);
    h = Math.imul(rotate(h, 13), 5) + 0xe6546b64;
  }
  return () => {
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h = (h ^ (h >>> 16)) + 0x9e3779b9;
    return h >>> 0;
  };
}
