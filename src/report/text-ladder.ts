/** A ladder for terminals: a column for each device, and a line for each frame from one to the next. */
import type { Duration } from '../base/time.ts';
import type { Arrow } from '../trace/explained.ts';
import { sinceStart } from './failure.ts';
import { cut, pad, type Style, safe } from './terminal.ts';

/** Devices with longer names are cut. */
const nameMost = 14;
/** From one column to the next, at least. */
const stepLeast = 10;

export function ladderLines(arrows: readonly Arrow[], style: Style, width: number): string[] {
  const names = [...new Set(arrows.flatMap(({ from, to }) => [from, to]))].filter(isDevice);
  if (names.length === 0) return [];
  const start = arrows[0]!.at;
  const room = Math.floor((width - 14) / names.length);
  const step = Math.max(stepLeast, Math.min(nameMost + 2, room));
  const place = new Map(names.map((name, i) => [name, i * step]));
  const total = (names.length - 1) * step + nameMost;
  const heads = names.map((name) => pad(cut(safe(name), step - 2), step)).join('');
  const lines = [style('title', `   ${heads}`)];
  for (const { from, to, what, at, aside } of arrows) {
    const begins = place.get(from)!;
    const ends = to === '' ? undefined : (place.get(to) ?? total);
    const time = sinceStart((at - start) as Duration);
    const text = cut(safe(what), Math.max(20, width - time.length - 6));
    const rung = drawn(names.length, step, begins, ends, total, aside);
    lines.push(`   ${style('faint', time)}  ${text}`);
    lines.push(`   ${ends === undefined ? style('bad', rung) : rung}`);
  }
  return lines.map((line) => line.trimEnd());
}

/** A flood has no single end. */
const isDevice = (name: string): boolean => name !== '' && name !== '*';

const uprights = (count: number, step: number): string => pad('│', step).repeat(count);

/** `│ ├──────>│`: what it waited for is dotted, what ended is crossed out. */
function drawn(
  count: number,
  step: number,
  begins: number,
  ends: number | undefined,
  total: number,
  aside: boolean,
): string {
  const cells = [...pad(uprights(count, step), total)];
  const line = aside ? '·' : '─';
  if (ends === undefined) {
    cells.splice(begins, 3, '├', line, '✗');
    return cells.join('').trimEnd();
  }
  const [low, high] = begins < ends ? [begins, ends] : [ends, begins];
  for (let i = low + 1; i < high; i += 1) cells[i] = line;
  cells[begins] = begins < ends ? '├' : '┤';
  if (begins < ends) cells[high - 1] = '>';
  else if (begins > ends) cells[low + 1] = '<';
  return cells.join('').trimEnd();
}
