/**
 * Runs in one page that plays them, by itself and with the network off. The page is made beforehand
 * (`src/bundle.mjs`) and says what it may do; what is put into it is data that no browser runs.
 */
import type { Recording } from '../trace/recording.ts';

/** Where a page without runs has room for them. */
const place = '<!--runs-->';
const plainTitle = '<title>Standin</title>';

/** A page in two pieces: the runs come between them. */
export interface Page {
  readonly head: string;
  readonly tail: string;
}

/** @param title In words of the user: it is escaped. */
export function pageOf(template: string, title: string): Page {
  const at = template.indexOf(place);
  if (at < 0 || !template.includes(plainTitle)) throw new Error('this is no page for runs');
  return {
    head: template.slice(0, at).replace(plainTitle, () => `<title>${escaped(title)}</title>`),
    tail: template.slice(at + place.length),
  };
}

/**
 * One run as the page finds it.
 * @param number From 0, without a gap.
 * @param log Base 64 of the compressed packed log: there is nothing in it that ends an element.
 */
export const runElements = (number: number, recording: Recording, log: string): string =>
  `<script type="application/json" id="run-${number}">${jsonInMarkup(recording)}</script>\n` +
  `<script type="text/plain" id="log-${number}">${log}</script>\n`;

/** JSON that no parser of HTML finds a tag or the beginning of a comment in. */
const jsonInMarkup = (value: object): string =>
  JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
const escaped = (text: string): string => text.replace(/[&<>]/g, (sign) => entities[sign]!);
