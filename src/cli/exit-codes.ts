/** What the process says when it ends. Scripts depend on it: a code never changes its meaning. */
export const exitCodes = {
  asExpected: 0,
  expectationFailed: 1,
  /** Wrong usage, or a scenario that is wrong. */
  invalid: 2,
  nothingMatched: 3,
  environmentLacks: 4,
  incomplete: 5,
  /** What was asked for can be done by no kernel. */
  unsupported: 6,
  bug: 70,
  interrupted: 130,
} as const;
