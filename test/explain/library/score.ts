/** How often explanations are right about what was planted: the library played, and counted. */
import { type Answer, ask, inWords, isNamed, type Plant } from './plant.ts';
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
}

const said = ({ explanation, isAnswered }: Answer): string => {
  if (isAnswered) return 'it was answered';
  if (explanation === undefined) return 'nothing to explain';
  const { code, sentence, fault, try: advice } = explanation;
  const also: readonly { code: string; sentence: string; fault?: { line: number } }[] = [];
  const line = fault === undefined ? '' : ` (line ${fault.line})`;
  const more = also.map((one) => `; also ${one.code} (line ${one.fault?.line}): ${one.sentence}`);
  return `${code}${line}: ${sentence} [${advice ?? ''}]${more.join('')}`;
};

const wanted = ({ code, fault, names = [] }: Plant): string =>
  `${[code].flat().join(' or ')} with ${fault === undefined ? names.join(', ') : 'its line'}`;

/** Each plant alone: the code and the place are both to be right. */
export async function singles(plants: readonly Plant[]): Promise<Score> {
  const misses: Miss[] = [];
  for (const plant of plants) {
    const answer = await ask(beds[plant.bed]!, [plant]);
    const { explanation } = answer;
    if (explanation !== undefined && isNamed(plant, 0, explanation)) continue;
    misses.push({ of: inWords([plant]), wanted: wanted(plant), got: said(answer) });
  }
  return { played: plants.length, right: plants.length - misses.length, misses };
}
