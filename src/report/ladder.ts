/** The way of a packet as a Mermaid sequence diagram, which GitHub draws: who handed it to whom, and where it ended. */
import type { Hop } from '../trace/result.ts';
import { cut, safe } from './terminal.ts';

/** More than this nobody can read in a picture; Mermaid draws at most 50,000 characters. */
const hopsMax = 60;
const wordsMax = 120;

/** Lines with their ends; without hops there is nothing to draw. */
export function ladder(hops: readonly Hop[]): string {
  const shown = hops.slice(0, hopsMax);
  const places = [...new Set(shown.map(({ where }) => where))];
  const name = (hop: Hop): string => `p${places.indexOf(hop.where) + 1}`;
  const lines = [
    'sequenceDiagram',
    ...places.map((place, i) => `participant p${i + 1} as ${label(place)}`),
  ];
  for (const [i, hop] of shown.entries()) {
    const next = shown[i + 1];
    const what = label(hop.dropped ? `dropped: ${hop.what}` : hop.what);
    const goesOn = next !== undefined && next.where !== hop.where && !hop.dropped;
    lines.push(
      goesOn ? `${name(hop)}->>${name(next)}: ${what}` : `Note over ${name(hop)}: ${what}`,
    );
  }
  if (hops.length > hopsMax)
    lines.push(`Note over ${name(shown.at(-1)!)}: and ${hops.length - hopsMax} hops more`);
  return `${lines.join('\n  ')}\n`;
}

/**
 * A text that is nothing but a text: what might be more to Mermaid, to the HTML that it makes or to
 * the fence around it is written as its entity code, `#35;`.
 */
const label = (text: string): string =>
  cut(safe(text), wordsMax).replace(
    /[^\p{L}\p{M}\p{N} .,()/_+=?…→–-]/gu,
    (character) => `#${character.codePointAt(0)};`,
  ) || ' ';
