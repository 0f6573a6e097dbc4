/** Numbers of 32 bits that wrap: a circle on which only the shorter way round has a sign. */
declare const kind: unique symbol;

/** 0 up to 2^32 - 1, and then 0 again. */
export type Sequence = number & { readonly [kind]: 'sequence' };

/** Any whole number within 2^53, taken round the circle. */
export const sequence = (n: number): Sequence => (n >>> 0) as Sequence;

export const advance = (from: Sequence, by: number): Sequence => sequence(from + by);

/**
 * How far it is from one number to the other the shorter way round: -2^31 up to 2^31 - 1. Two
 * numbers exactly half a circle apart have no order (RFC 1982 section 3.2); here either comes
 * before the other.
 */
export const distance = (from: Sequence, to: Sequence): number => (to - from) | 0;

/** `a` comes before `b` (RFC 9293 section 3.4). */
export const precedes = (a: Sequence, b: Sequence): boolean => ((a - b) | 0) < 0;

/** `n` is one of the `length` numbers from `start` on. */
export const inWindow = (n: Sequence, start: Sequence, length: number): boolean =>
  (n - start) >>> 0 < length;
