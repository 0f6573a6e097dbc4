/** The fault library, played in full: how often explanations are right, and what they miss. */
import { plants } from '../explain/library/plants.ts';
import { type Score, singles } from '../explain/library/score.ts';

const share = (part: number, of: number): string => `${((100 * part) / of).toFixed(1)} %`;

function print(name: string, { played, right, misses }: Score): void {
  console.log(`${name}: ${right} of ${played} right (${share(right, played)})`);
  for (const { of, wanted, got } of misses)
    console.log(`  ${of}\n    wanted ${wanted}\n    got    ${got}`);
}

const only = process.argv[2] ?? '';
print(
  'single faults',
  await singles(plants.filter((plant) => JSON.stringify(plant).includes(only))),
);
