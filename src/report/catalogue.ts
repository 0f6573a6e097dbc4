/** The catalogue of reason codes, for reading: all of them, or one. */
import { type Reason, reasonList, reasons } from '../trace/reasons.ts';
import { cut, pad, plain, type Style, wrap } from './terminal.ts';

export interface CatalogueOptions {
  readonly style?: Style;
  /** Columns of the terminal. */
  readonly width?: number;
}

/** Every code and its meaning, one line each, in the order of the catalogue. */
export function catalogueText(options: CatalogueOptions = {}): string {
  const { style = plain, width = 100 } = options;
  const column = Math.max(...reasonList.map((code) => code.length));
  const lines = reasonList.map((code) => {
    const meaning = cut(reasons[code].meaning, Math.max(20, width - column - 4));
    return ` ${style('code', pad(code, column))}  ${meaning}`;
  });
  const last = ` ${reasonList.length} codes; "standin reasons CODE" tells more of one`;
  return `${[...lines, '', style('faint', last)].join('\n')}\n`;
}

/** One code: what it means, where it comes from, what to do, and who says so. */
export function reasonText(code: Reason, options: CatalogueOptions = {}): string {
  const { style = plain, width = 100 } = options;
  const { meaning, causes, remedy, source } = reasons[code];
  const part = (name: string, text: string): string[] =>
    wrap(text, Math.max(20, width - 11)).map((line, i) =>
      ` ${style('faint', pad(i === 0 ? name : '', 8))}  ${line}`.trimEnd(),
    );
  return `${[
    ` ${style('code', code)}`,
    '',
    ...part('meaning', meaning),
    ...part('causes', causes),
    ...part('remedy', remedy),
    ...part('source', source),
  ].join('\n')}\n`;
}
