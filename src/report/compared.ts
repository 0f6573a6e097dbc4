/** Where two runs part, as text: the first event that differs, then what differs layer by layer. */
import { type Comparison, layers } from '../compare/comparison.ts';
import type { Divergence, Parting } from '../compare/divergence.ts';
import type { TraceEvent } from '../trace/event.ts';
import { differenceLines } from './comparison.ts';
import { eventLine, headOf, saidOf } from './event-line.ts';
import { count, cut, pad, plain, type Style, safe, widthOf, wrap } from './terminal.ts';

export interface Compared {
  /** What the two runs are: a file, `with sql01.ip=dhcp`, `seed 2`. */
  readonly left: string;
  readonly right: string;
  /** How many events both have. */
  readonly events: number;
  /** Undefined where the runs are the same to the byte, or times are not to be compared. */
  readonly divergence: Divergence | undefined;
  readonly comparison: Comparison;
  readonly ignoresTiming: boolean;
}

export interface ComparedOptions {
  readonly style?: Style;
  readonly width?: number;
}

export const isSame = ({ divergence, comparison, ignoresTiming }: Compared): boolean =>
  ignoresTiming ? comparison.differences.length === 0 : divergence === undefined;

export function comparedText(compared: Compared, options: ComparedOptions = {}): string {
  const { style = plain, width = 100 } = options;
  const { left, right, divergence, comparison, ignoresTiming } = compared;
  const lines = [
    ` ${style('title', 'A')}  ${safe(left)}`,
    ` ${style('title', 'B')}  ${safe(right)}`,
    '',
    ...wrap(verdictOf(compared), width - 3).map((line, i) => {
      const mark = isSame(compared) ? style('good', '✓') : style('bad', '✗');
      return i === 0 ? ` ${mark} ${line}` : `   ${line}`;
    }),
  ];
  if (divergence !== undefined && !ignoresTiming)
    lines.push('', ...divergenceLines(divergence, style, width));
  lines.push(...layerLines(comparison, style, width));
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

function verdictOf({ events, divergence, comparison, ignoresTiming }: Compared): string {
  const found = comparison.differences.length;
  const inLayers = found === 0 ? 'no layer differs' : `${count(found, 'difference')} in layers`;
  if (ignoresTiming) return found === 0 ? 'the same, times aside' : inLayers;
  if (divergence === undefined) return `the same: ${count(events, 'event')}, to the byte`;
  const same =
    divergence.id === 0 ? 'nothing is' : `the first ${count(divergence.id, 'event')} are`;
  const what =
    found === 0 ? `${inLayers}: they differ in times or in what is drawn by chance` : inLayers;
  return `${same} the same; ${what}`;
}

function divergenceLines(divergence: Divergence, style: Style, width: number): string[] {
  const { step, title, before, left, right, fields } = divergence;
  const where = step === 0 ? title : `step ${step}, ${title}`;
  const context = (event: TraceEvent, mark = ''): string =>
    style('faint', `     ${mark.padEnd(3)}${cut(eventLine(event), width - 8)}`);
  const parting = (name: string, { event, causes }: Parting): string[] => {
    const head = event === undefined ? '' : headOf(event);
    const own = event === undefined ? 'nothing more happened' : saidOf(event);
    const indent = 8 + widthOf(head);
    const [first = '', ...rest] = wrap(own, Math.max(20, width - indent));
    return [
      ` ${style('bad', name.padEnd(7))}${head}${first}`,
      ...rest.map((line) => `${' '.repeat(indent)}${line}`),
      ...causes.map((cause) => context(cause, '<')),
    ];
  };
  return [
    ` ${style('title', 'the first event that differs')}  ${cut(safe(where), width - 34)}`,
    ...before.map((event) => context(event)),
    '',
    ...parting('A', left),
    ...parting('B', right),
    ...(fields.length === 0
      ? []
      : [`        ${style('faint', `differs in: ${fields.join(', ')}`)}`]),
  ];
}

/** Every layer that differs, with the first of its differences. */
function layerLines({ compared, differences }: Comparison, style: Style, width: number): string[] {
  const lines: string[] = [];
  for (const layer of layers) {
    const own = differences.filter((one) => one.layer === layer);
    const [first] = own;
    if (first === undefined) continue;
    const sum = `${count(own.length, 'difference')}${own.length > 1 ? ', the first:' : ':'}`;
    lines.push('', ` ${style('title', pad(layer, 16))} ${sum}`);
    lines.push(...differenceLines(first, style, width, ['A', 'B']));
  }
  const same = layers.filter(
    (layer) => compared[layer] > 0 && differences.every((one) => one.layer !== layer),
  );
  if (same.length > 0) {
    const things = same.map((layer) => `${layer} ${compared[layer]}`).join(', ');
    lines.push(
      '',
      ...wrap(`the same: ${things}`, width - 2).map((line) => ` ${style('faint', line)}`),
    );
  }
  return lines;
}
