/** What of a computer works and what is missing: made by whoever has tried it, read by reports. */

export interface Check {
  /** Never changes: for programs and for tests. */
  readonly id: string;
  readonly ok: boolean;
  /** What it is, for somebody who has never heard of it. */
  readonly what: string;
  /** What was found: a version, or what was complained of. */
  readonly because: string;
  /** The command that mends it, where there is one. */
  readonly mend: string | undefined;
  /** What cannot be done without it. */
  readonly affects: string;
  /** How much of the emulation cannot do without it: all of it, some scenarios, none. */
  readonly needed: 'always' | 'sometimes' | 'never';
}

/** Why something cannot be done here, or nowhere. */
export interface Obstacle {
  readonly because: string;
  /** What is missing here; undefined where it could be done nowhere. */
  readonly check: Check | undefined;
}
