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
      let timer: NodeJS.Timeout;
      const wait = (): void => {
        const left = Math.max(0, Math.ceil((when - now()) / 1e6));
        timer = setTimeout(due, Math.min(left, timerMax));
      };
      // Timers count in a clock of their own, and go off a little early now and then.
      const due = (): void => (now() < when ? wait() : run());
      wait();
      return () => clearTimeout(timer);
    },
  };
}

/** Beyond it a timer goes off at once. */
const timerMax = 2 ** 31 - 1;
