import test from 'ava';
import fc from 'fast-check';
import { align } from '../../src/compare/align.ts';

const same = (one: string, other: string): boolean => one === other;
const letters = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 24 });

/** The plain way to the length of the longest common subsequence. */
function commonMost(left: readonly string[], right: readonly string[]): number {
  let row = new Array<number>(right.length + 1).fill(0);
  for (const one of left) {
    const next = [0];
    right.forEach((other, j) => {
      next.push(one === other ? row[j]! + 1 : Math.max(row[j + 1]!, next[j]!));
    });
    row = next;
  }
  return row.at(-1)!;
}

test('what is between the gaps is the same on both sides, and as much as can be', (t) => {
  fc.assert(
    fc.property(letters, letters, (left, right) => {
      const [kept, held]: [string[], string[]] = [[], []];
      let [x, y] = [0, 0];
      for (const gap of [
        ...align(left, right, same),
        { left: [left.length, left.length], right: [right.length, right.length] } as const,
      ]) {
        kept.push(...left.slice(x, gap.left[0]));
        held.push(...right.slice(y, gap.right[0]));
        [x, y] = [gap.left[1], gap.right[1]];
      }
      t.deepEqual(kept, held);
      t.is(kept.length, commonMost(left, right));
    }),
    { seed: 1986, numRuns: 400 },
  );
});

test('equal lists have no gap; an empty list is one', (t) => {
  t.deepEqual(align(['a', 'b'], ['a', 'b'], same), []);
  t.deepEqual(align([], ['a', 'b'], same), [{ left: [0, 0], right: [0, 2] }]);
  t.deepEqual(align(['a', 'x', 'b'], ['a', 'b'], same), [{ left: [1, 2], right: [1, 1] }]);
});

test('lists with nothing in common are one gap, however long', (t) => {
  const left = Array.from({ length: 3000 }, (_, i) => `l${i}`);
  const right = Array.from({ length: 3000 }, (_, i) => `r${i}`);
  t.deepEqual(align(left, right, same), [{ left: [0, 3000], right: [0, 3000] }]);
});
