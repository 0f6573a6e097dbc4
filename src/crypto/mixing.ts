/**
 * The four numbers that each step of a double round mixes: columns, then diagonals (RFC 8439
 * section 2.3). BLAKE2s took them over from ChaCha (RFC 7693 section 3.2).
 */
export const mixingSteps = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;
