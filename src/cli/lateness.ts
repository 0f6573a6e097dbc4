/** What a command that goes by the clock does when something happens too late. */
import type { Lateness } from '../emu/clock.ts';
import { parseDuration, Wrong } from '../scenario/units.ts';
import { say } from './one-case.ts';

export interface LateFlags {
  readonly late: 'stand-still' | 'carry-on' | 'fail';
  readonly lateLimit: string;
}

const policies = { 'stand-still': 'stand still', 'carry-on': 'carry on', fail: 'fail' } as const;

/** Undefined where the limit is no duration, which has been said. */
export function latenessOf({ late, lateLimit }: LateFlags): Lateness | undefined {
  const limit = parseDuration(lateLimit);
  if (limit instanceof Wrong) {
    say(`--late-limit: ${limit.message}`);
    return undefined;
  }
  return { policy: policies[late], limit };
}
