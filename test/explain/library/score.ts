/** How often explanations are right about what was planted: the library played, and counted. */
import { type Answer, ask, inWords, isNamed, isPossible, type Plant } from './plant.ts';
import { beds } from './plants.ts';

export interface Miss {
  readonly of: string;
  readonly wanted: string;
  readonly got: string;
}

export interface Score {
  readonly played: number;
  readonly right: number;
  readonly misses: readonly Miss[];
  /** Something was named besides that nobody had planted. */
  readonly tooMuch: readonly Miss[];
}

const said = ({ explanation, isAnswered }: Answer): string => {
  if (isAnswered) return 'it was answered';
  if (explanation === undefined) return 'nothing to explain';
  const { code, sentence, fault, try: advice, also = [] } = explanation;
  const line = fault === undefined ? '' : ` (line ${fault.line})`;
  const more = also.map((one) => `; also ${one.code} (line ${one.fault?.line}): ${one.sentence}`);
  return `${code}${line}: ${sentence} [${advice ?? ''}]${more.join('')}`;
};

const wanted = ({ code, fault, names = [] }: Plant): string =>
  `${[code].flat().join(' or ')} with ${fault === undefined ? names.join(', ') : 'its line'}`;

/** Each plant alone: the code and the place are both to be right. */
export async function singles(plants: readonly Plant[]): Promise<Score> {
  const misses: Miss[] = [];
  const tooMuch: Miss[] = [];
  for (const plant of plants) {
    const answer = await ask(beds[plant.bed]!, [plant]);
    const { explanation } = answer;
    const miss = { of: inWords([plant]), wanted: wanted(plant), got: said(answer) };
    if (explanation === undefined || !isNamed(plant, 0, explanation)) misses.push(miss);
    else if (explanation.also !== undefined) tooMuch.push(miss);
  }
  return { played: plants.length, right: plants.length - misses.length, misses, tooMuch };
}

export interface PairScore {
  readonly played: number;
  /** What is named first is one of the two. */
  readonly one: number;
  readonly both: number;
  readonly misses: readonly Miss[];
  readonly halves: readonly Miss[];
}

export type Pair = readonly [Plant, Plant];

/** Two plants at once: one has to be what is named first, the other is to be told as well. */
export async function pairs(all: readonly Pair[]): Promise<PairScore> {
  const misses: Miss[] = [];
  const halves: Miss[] = [];
  for (const pair of all) {
    const answer = await ask(beds[pair[0].bed]!, pair);
    const { explanation } = answer;
    const miss = {
      of: inWords(pair),
      wanted: pair.map(wanted).join(' and '),
      got: said(answer),
    };
    const first =
      explanation === undefined ? -1 : pair.findIndex((one, i) => isNamed(one, i, explanation));
    if (first < 0) misses.push(miss);
    else if (!explanation!.also?.some((one) => isNamed(pair[1 - first]!, 1 - first, one)))
      halves.push(miss);
  }
  const one = all.length - misses.length;
  return { played: all.length, one, both: one - halves.length, misses, halves };
}

/** Every two plants that can be wrong at the same time, where the same is asked. */
export function pairsOf(plants: readonly Plant[]): Pair[] {
  return plants.flatMap((a, i) =>
    plants.slice(i + 1).flatMap((b): Pair[] => (isSensible(a, b) ? [[a, b]] : [])),
  );
}

function isSensible(a: Plant, b: Plant): boolean {
  if (a.bed !== b.bed || a.ask !== b.ask) return false;
  if (a.fault !== undefined && a.fault === b.fault) return false;
  const paths = Object.keys(a.set ?? {});
  return !Object.keys(b.set ?? {}).some((path) => paths.includes(path));
}

/** So many of them, spread over all, always the same ones. */
export function some(all: readonly Pair[], count: number): Pair[] {
  const found: Pair[] = [];
  const step = 7919; // a prime: it meets every place once before it meets one again
  for (let i = 0; i < all.length && found.length < count; i += 1) {
    const pair = all[(i * step) % all.length]!;
    if (isPossible(beds[pair[0].bed]!, pair)) found.push(pair);
  }
  return found;
}
