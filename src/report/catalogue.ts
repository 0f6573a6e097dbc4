/** The catalogues, for reading: of reason codes all or one, and of invariants. */
import { type InvariantName, invariants } from '../trace/invariants.ts';
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
  const part = partOf(style, width);
  return `${[
    ` ${style('code', code)}`,
    '',
    ...part('meaning', meaning),
    ...part('causes', causes),
    ...part('remedy', remedy),
    ...part('source', source),
  ].join('\n')}\n`;
}

/** What each invariant says, and what to do where it is broken. */
export function invariantsText(
  names: readonly InvariantName[],
  options: CatalogueOptions = {},
): string {
  const { style = plain, width = 100 } = options;
  const part = partOf(style, width);
  const lines = names.flatMap((name) => [
    ` ${style('code', name)}`,
    ...part('broken', invariants[name].meaning),
    ...part('remedy', invariants[name].remedy),
    '',
  ]);
  const how = [
    `in a file: "invariants: { ${names[0]}: warn }" or "ignore"; "expect: [{ finding: ${names[0]} }]" where it is meant`,
    'for a run: "standin run --invariants fail|warn|ignore"',
  ];
  return `${[...lines, ...how.map((line) => ` ${style('faint', line)}`)].join('\n')}\n`;
}

/** A paragraph with its name before its first line. */
const partOf =
  (style: Style, width: number) =>
  (name: string, text: string): string[] =>
    wrap(text, Math.max(20, width - 11)).map((line, i) =>
      ` ${style('faint', pad(i === 0 ? name : '', 8))}  ${line}`.trimEnd(),
    );
