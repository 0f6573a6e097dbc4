/**
 * The fault library, played in full: how often explanations are right about what was planted, alone
 * and two at once, and what they miss. Some words as an argument: only plants with these.
 */
import { plants } from '../explain/library/plants.ts';
import { type Miss, pairs, pairsOf, singles, some } from '../explain/library/score.ts';

const pairsMost = 400;

const share = (part: number, of: number): string =>
  `${part} of ${of} (${((100 * part) / Math.max(of, 1)).toFixed(1)} %)`;

function list(misses: readonly Miss[]): void {
  for (const { of, wanted, got } of misses)
    console.log(`  ${of}\n    wanted ${wanted}\n    got    ${got}`);
}

const [only = '', halvesToo = ''] = process.argv.slice(2);
const library = plants.filter((plant) => JSON.stringify(plant).includes(only));

const alone = await singles(library);
console.log(`single faults: ${share(alone.right, alone.played)} with code and place`);
list(alone.misses);
console.log(`more than was planted is named for ${alone.tooMuch.length}`);
list(alone.tooMuch);

const all = pairsOf(library);
const two = await pairs(some(all, pairsMost));
console.log(`pairs: ${two.played} of ${all.length} that make sense`);
console.log(`  one of the two is named first: ${share(two.one, two.played)}`);
console.log(`  both are named: ${share(two.both, two.played)}`);
list(two.misses);
if (halvesToo === 'halves') list(two.halves);
