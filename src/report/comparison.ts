/** What comparing a run with one on kernels came to, as text. */
import { type Comparison, type Difference, layers } from '../compare/comparison.ts';
import { type LegitimateId, legitimate } from '../compare/legitimate.ts';
import { count, cut, plain, type Style, safe, wrap } from './terminal.ts';

export interface ComparisonOptions {
  /** As the kernel calls itself: `Linux 6.18.44`. */
  readonly kernel: string;
  readonly style?: Style;
  readonly width?: number;
}

const differencesShownMax = 5;

/** Many comparisons: what agrees in a line, and what does not one by one. */
export function comparisonsText(
  all: readonly { readonly name: string; readonly comparison: Comparison }[],
  options: ComparisonOptions,
): string {
  const { kernel, style = plain, width = 100 } = options;
  const differing = all.filter(({ comparison }) => comparison.first !== undefined);
  const verdict =
    differing.length === 0
      ? 'all agree'
      : `${all.length - differing.length} of ${all.length} agree`;
  const things = layers.flatMap((layer) => {
    const sum = all.reduce((total, { comparison }) => total + comparison.compared[layer], 0);
    return sum === 0 ? [] : [`${sum} ${layer}`];
  });
  const times = [...tallied(all.flatMap(({ comparison }) => comparison.differences))]
    .map(([id, n]) => `; ${id} ${count(n, 'time')}`)
    .join('');
  const sizes = count(all.length, 'case');
  const text = `checked against ${shortKernel(kernel)}: ${sizes}, ${verdict} (${things.join(', ')}${times})`;
  const [head = '', ...rest] = wrap(text, width - 3);
  const mark = differing.length === 0 ? style('good', '✓') : style('bad', '✗');
  const lines = [` ${mark} ${head}`, ...rest.map((line) => `   ${line}`)];
  for (const { name, comparison } of differing) {
    const real = comparison.differences.filter(({ legitimate: id }) => id === undefined);
    lines.push('', ` ${safe(name)}: ${count(real.length, 'difference')}, the first:`);
    lines.push(...differenceLines(comparison.first!, style, width));
  }
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

/** `checked against Linux 6.18: agrees (33 verdicts, 112 ARP, …; L3 4 times)`, or what does not agree. */
export function comparisonText(comparison: Comparison, options: ComparisonOptions): string {
  const { kernel, style = plain, width = 100 } = options;
  const { compared, differences } = comparison;
  const real = differences.filter(({ legitimate: id }) => id === undefined);
  const verdict = real.length === 0 ? 'agrees' : count(real.length, 'difference');
  const counts = layers.filter((layer) => compared[layer] > 0);
  const things = counts.map((layer) => `${compared[layer]} ${layer}`).join(', ');
  const allowed = [...tallied(differences)];
  const times = allowed.map(([id, n]) => `; ${id} ${count(n, 'time')}`).join('');
  const text = `checked against ${shortKernel(kernel)}: ${verdict} (${things}${times})`;
  const [head = '', ...rest] = wrap(text, width - 3);
  const mark = real.length === 0 ? style('good', '✓') : style('bad', '✗');
  const lines = [` ${mark} ${head}`, ...rest.map((line) => `   ${line}`)];
  for (const [id] of allowed)
    for (const [i, line] of wrap(legitimate[id].meaning, width - 9).entries())
      lines.push(`   ${style('faint', `${i === 0 ? id.padEnd(4) : '    '}  ${line}`)}`);
  for (const one of real.slice(0, differencesShownMax))
    lines.push('', ...differenceLines(one, style, width));
  const more = real.length - differencesShownMax;
  if (more > 0) lines.push('', `   and ${count(more, 'more difference')}`);
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

function tallied(differences: readonly Difference[]): Map<LegitimateId, number> {
  const times = new Map<LegitimateId, number>();
  for (const { legitimate: id } of differences)
    if (id !== undefined) times.set(id, (times.get(id) ?? 0) + 1);
  return times;
}

/** What the two sides are called. */
const sides = ['simulated', 'Linux'] as const;

/** One difference: where, what either side has, and the frame behind it. */
export function differenceLines(
  one: Difference,
  style: Style,
  width: number,
  [left, right]: readonly [string, string] = sides,
): string[] {
  const { layer, step, title, about, simulated, emulated, moved, frame } = one;
  const where = step === 0 ? title : `step ${step}, ${title}`;
  const rows: (readonly [string, string | undefined])[] = moved
    ? [['order', simulated]]
    : [
        [left, simulated ?? 'nothing'],
        [right, emulated ?? 'nothing'],
      ];
  return [
    ` ${style('bad', '✗')} ${cut(safe(`${where}: ${layer}, ${about}`), width - 3)}`,
    ...[...rows, ['frame', frame] as const].flatMap(([name, text]) =>
      text === undefined
        ? []
        : wrap(safe(text), width - 14).map(
            (line, i) => `   ${style('faint', (i === 0 ? name : '').padEnd(10))} ${line}`,
          ),
    ),
  ];
}

/** `Linux 6.18.44-fc` is Linux 6.18 to everybody but its packager. */
const shortKernel = (kernel: string): string => safe(/^\w+ \d+\.\d+/.exec(kernel)?.[0] ?? kernel);
