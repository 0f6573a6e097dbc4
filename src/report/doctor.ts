/** What works on a computer and what is missing, for reading. */
import type { Check, Obstacle } from '../trace/checkup.ts';
import type { Unplayed } from '../trace/result.ts';
import { count, pad, plain, type Style, safe, wrap } from './terminal.ts';

export interface DoctorOptions {
  readonly version: string;
  /** Whether scenarios can be played on kernels at all. */
  readonly emulates: boolean;
  /** What keeps appliances from being kernels themselves; undefined where nobody asks. */
  readonly kernelProfile?: readonly Obstacle[];
  /** Those that were asked about; the obstacles of some are none. */
  readonly scenarios: readonly Unplayed[];
  readonly style?: Style;
  readonly width?: number;
}

export function doctorText(checks: readonly Check[], options: DoctorOptions): string {
  const { style = plain, width = 100, version, emulates, scenarios } = options;
  const column = Math.max(...checks.map(({ id }) => id.length));
  const line = (mark: string, name: string, text: string): string[] =>
    wrap(safe(text), Math.max(20, width - column - 6)).map(
      (part, i) => ` ${i === 0 ? mark : ' '} ${pad(i === 0 ? name : '', column)}  ${part}`,
    );
  const lines: string[] = [` standin ${version}`, ''];
  for (const { id, ok, what, because, needed, affects, mend } of checks) {
    if (ok) {
      lines.push(...line(style('good', '✓'), id, because));
      continue;
    }
    // What nobody misses is no fault.
    const mark = needed === 'never' ? style('faint', '–') : style('bad', '✗');
    lines.push(...line(mark, id, `${what}: ${because}`));
    lines.push(...line(' ', '', `affects: ${affects}`));
    if (mend !== undefined) lines.push(...line(' ', '', `try: ${mend}`));
  }
  const onLinux = emulates
    ? 'scenarios can be played on Linux kernels here'
    : 'nothing can be played on Linux kernels here';
  lines.push('', ` ${onLinux}; the simulator needs none of this`);
  if (emulates && options.kernelProfile) {
    const lacking = options.kernelProfile.map(({ check }) => check?.id ?? '').join(', ');
    const profile = '--profile kernel, where appliances are kernels themselves';
    lines.push(lacking === '' ? ` also with ${profile}` : ` but not with ${profile}: ${lacking}`);
  }
  lines.push(...scenariosText(scenarios, style));
  return `${lines.map((text) => text.trimEnd()).join('\n')}\n`;
}

function scenariosText(scenarios: readonly Unplayed[], style: Style): string[] {
  if (scenarios.length === 0) return [];
  const hindered = scenarios.filter(({ obstacles }) => obstacles.length > 0);
  const playable = scenarios.length - hindered.length;
  const lines = ['', ` ${playable} of ${count(scenarios.length, 'case')} can be played on kernels`];
  return [...lines, ...unplayedLines(hindered, style)];
}

/** What kernels cannot play, and why. */
export function unplayedLines(unplayed: readonly Unplayed[], style: Style = plain): string[] {
  return unplayed.flatMap((one) => {
    const which = one.case === '' ? one.file : `${one.file} ${one.case}`;
    const mends = new Set(one.obstacles.flatMap(({ check }) => check?.mend ?? []));
    const why = [
      ...one.obstacles.map((obstacle) => `   ${safe(obstacleText(obstacle))}`),
      ...[...mends].map((mend) => `   ${style('faint', 'try')} ${style('code', safe(mend))}`),
    ];
    return [` ${style('bad', '✗')} ${safe(which)}  unsupported`, ...why];
  });
}

/** `sql01 gets its address by DHCP: there is no busybox in …`. */
export function obstacleText({ because, check }: Obstacle): string {
  return check === undefined ? because : `${because}, but ${check.id}: ${check.because}`;
}
