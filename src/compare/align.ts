/** Where two lists differ: E. Myers, An O(ND) difference algorithm and its variations (1986). */

/** A stretch of one list in place of a stretch of the other; either may be empty. */
export interface Gap {
  readonly left: readonly [from: number, to: number];
  readonly right: readonly [from: number, to: number];
}

/** Lists that differ in more places than that are as good as unrelated. */
const editsMost = 2000;

export function align<T>(
  left: readonly T[],
  right: readonly T[],
  same: (one: T, other: T) => boolean,
): Gap[] {
  let begin = 0;
  const shorter = Math.min(left.length, right.length);
  while (begin < shorter && same(left[begin]!, right[begin]!)) begin += 1;
  if (begin === left.length && begin === right.length) return [];
  const matches = matchesFrom(left, right, begin, same);
  const gaps: Gap[] = [];
  let [x, y] = [begin, begin];
  for (const [i, j] of [...matches, [left.length, right.length] as const]) {
    if (i > x || j > y) gaps.push({ left: [x, i], right: [y, j] });
    [x, y] = [i + 1, j + 1];
  }
  return gaps;
}

/** Pairs of places that hold the same, in order, as many as there can be. */
function matchesFrom<T>(
  left: readonly T[],
  right: readonly T[],
  begin: number,
  same: (one: T, other: T) => boolean,
): (readonly [number, number])[] {
  const [n, m] = [left.length - begin, right.length - begin];
  const most = Math.min(n + m, editsMost);
  /** Per diagonal, how far down the left list a path of so many edits comes. */
  const reach = new Int32Array(2 * most + 3);
  const trail: Int32Array[] = [];
  for (let edits = 0; edits <= most; edits += 1) {
    trail.push(reach.slice());
    for (let k = -edits; k <= edits; k += 2) {
      let x = started(reach, most, k, edits);
      while (x < n && x - k < m && same(left[begin + x]!, right[begin + x - k]!)) x += 1;
      reach[most + 1 + k] = x;
      if (x >= n && x - k >= m) return walkBack(trail, most, n, m, begin);
    }
  }
  return [];
}

/** The last edit: down the right list, or else down the left one; whichever comes further. */
const isRight = (reach: Int32Array, most: number, k: number, edits: number): boolean =>
  k === -edits || (k !== edits && reach[most + k]! < reach[most + 2 + k]!);

/** How far down the left list that edit comes. */
const started = (reach: Int32Array, most: number, k: number, edits: number): number =>
  isRight(reach, most, k, edits) ? reach[most + 2 + k]! : reach[most + k]! + 1;

function walkBack(
  trail: readonly Int32Array[],
  most: number,
  n: number,
  m: number,
  begin: number,
): (readonly [number, number])[] {
  const matches: (readonly [number, number])[] = [];
  let [x, y] = [n, m];
  for (let edits = trail.length - 1; edits >= 0; edits -= 1) {
    const reach = trail[edits]!;
    const k = x - y;
    const from = started(reach, most, k, edits);
    while (x > from) {
      x -= 1;
      y -= 1;
      matches.push([begin + x, begin + y]);
    }
    if (isRight(reach, most, k, edits)) y -= 1;
    else x -= 1;
  }
  return matches.reverse();
}
