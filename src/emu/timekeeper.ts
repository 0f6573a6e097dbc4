/** The clock of the emulation, as what lives in time is given it. */
import type { Instant } from '../base/time.ts';
import { Clock } from './clock.ts';

export interface Timekeeper {
  now(): Instant;
  /** Calls `run` at `when` or as soon after as it can. The result calls it off. */
  at(when: Instant, run: () => void): () => void;
}

/** The computer's own clock, which never goes back, counted from this call. */
export function realTime(): Timekeeper {
  const clock = new Clock();
  const now = (): Instant => clock.now();
  return {
    now,
    at(when, run) {
      // Rounded up: a timer that is early finds nothing due, and is set again and again.
      const wait = Math.max(0, Math.ceil((when - now()) / 1e6));
      const timer = setTimeout(run, Math.min(wait, timerMax));
      return () => clearTimeout(timer);
    },
  };
}

/** Beyond it a timer goes off at once; whoever is woken early finds nothing due, and asks again. */
const timerMax = 2 ** 31 - 1;
