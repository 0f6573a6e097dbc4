import type { Reason } from '../trace/reasons.ts';

/** Why something cannot be done, or was not: a code for machines and words for people. */
export interface Failure {
  readonly because: Reason;
  readonly text: string;
}
