/** Where something stands in a scenario file. Everything that is read from one remembers it. */

/** For people and for programs: lines and columns count from 1, columns in UTF-16 units. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Characters on that line, at least 1. */
  readonly length: number;
}

/** The same while a file is being read: offsets into its text, `end` exclusive. */
export interface Spot {
  readonly source: SourceText;
  readonly start: number;
  readonly end: number;
}

/** The text of one file, and where its lines begin. */
export class SourceText {
  readonly path: string;
  readonly text: string;
  /** Position among the files that were read, from 0. */
  readonly order: number;
  /** The `extends` that led here, nearest first. */
  readonly includedFrom: readonly Place[];
  readonly #starts: number[] = [0];

  constructor(path: string, text: string, order = 0, includedFrom: readonly Place[] = []) {
    this.path = path;
    this.text = text;
    this.order = order;
    this.includedFrom = includedFrom;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
      this.#starts.push(at + 1);
    }
  }

  /** The line that holds an offset, from 1. */
  lineAt(offset: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  }

  startOf(line: number): number {
    return this.#starts[line - 1] ?? this.text.length;
  }

  /** The text of a line without its end. */
  line(line: number): string {
    const end = this.text.indexOf('\n', this.startOf(line));
    const text = this.text.slice(this.startOf(line), end < 0 ? undefined : end);
    return text.endsWith('\r') ? text.slice(0, -1) : text;
  }
}

export function placeOf({ source, start, end }: Spot): Place {
  const at = Math.min(start, source.text.length);
  const line = source.lineAt(at);
  const column = at - source.startOf(line) + 1;
  const rest = source.line(line).length - column + 1;
  return { file: source.path, line, column, length: Math.max(1, Math.min(end - at, rest)) };
}

/** Part of a spot, for a mistake inside a value. */
export const within = (spot: Spot, from: number, length: number): Spot => ({
  source: spot.source,
  start: Math.min(spot.start + from, spot.end),
  end: Math.min(spot.start + from + Math.max(1, length), Math.max(spot.end, spot.start + 1)),
});
