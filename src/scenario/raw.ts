/** Getting at what shapes have read, where anything may be missing. */
import type { Spot } from './place.ts';
import type { At, Items, Member } from './shape.ts';

export const value = <T>(at: At<T> | undefined): T | undefined => at?.value;

export const members = <T>(all: readonly Member<T>[] | undefined): readonly Member<T>[] =>
  all ?? [];

export const values = <T>(all: Items<At<T>> | undefined): T[] =>
  (all?.items ?? []).map((item) => item.value);

/** Enough of something large to point at it. */
export const startSpot = (spot: Spot): Spot => ({ ...spot, end: spot.start + 1 });
