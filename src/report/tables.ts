/** What devices know, as columns. */
import type { Instant } from '../base/time.ts';
import { between } from '../base/time.ts';
import { inWords, pad, type Style, safe, widthOf } from './terminal.ts';

/** A table of a device; the time since when a row is so becomes a column of its own. */
export interface ShownTable {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly { readonly cells: readonly string[]; readonly since: Instant }[];
}

export function tableLines(table: ShownTable, now: Instant, style: Style): string[] {
  const rows = [
    [...table.columns, 'for'],
    ...table.rows.map(({ cells, since }) => [...cells.map(safe), inWords(between(since, now))]),
  ];
  const [head = '', ...rest] = columns(rows);
  return [` ${style('title', table.title)}`, style('faint', head), ...rest];
}

/** Rows in columns, each as wide as it must be. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const most = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: most }, (_, i) =>
    Math.max(...rows.map((row) => widthOf(row[i] ?? ''))),
  );
  return rows.map((row) => `  ${row.map((cell, i) => pad(cell, widths[i]!)).join('  ')}`.trimEnd());
}
