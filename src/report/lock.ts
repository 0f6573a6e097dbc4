/** How runs differ from what is locked, as text. */
import { type LockLayer, lockLayers } from '../compare/line.ts';
import type { FirstChange, LayerChange, LockKey } from '../compare/lock.ts';
import type { LockCheck } from '../compare/lock-check.ts';
import { count, cut, plain, type Style, safe, wrap } from './terminal.ts';

export interface LockOptions {
  /** Where the lock file is. */
  readonly path: string;
  /** What wrote it, and what runs now. */
  readonly engine: string;
  readonly version: string;
  /** The command that accepts what is; undefined where that has been done. */
  readonly accept?: string;
  readonly style?: Style;
  readonly width?: number;
}

/** What has changed one by one, and the sum of it. */
export function lockText(
  checks: readonly LockCheck[],
  gone: readonly LockKey[],
  options: LockOptions,
): string {
  const { accept, style = plain, width = 100 } = options;
  const of = (status: LockCheck['status']): LockCheck[] =>
    checks.filter((one) => one.status === status);
  const [changed, unlocked] = [of('changed'), of('not-locked')];
  const lines = changed.flatMap((one) => [...changedLines(one, style, width), '']);
  if (accept !== undefined) lines.push(...missingLines(unlocked, gone, style));
  const isNews = changed.length + unlocked.length + gone.length > 0;
  const bad = accept === undefined ? 'limit' : 'bad';
  const parts = [
    style('good', `${of('as-locked').length} as locked`),
    style(changed.length > 0 ? bad : 'faint', `${changed.length} changed`),
    ...(unlocked.length > 0
      ? [style(bad, `${unlocked.length} ${accept ? 'not locked' : 'new'}`)]
      : []),
    ...(gone.length > 0 ? [style(bad, `${gone.length} gone`)] : []),
  ];
  const path = safe(options.path);
  lines.push(` ${parts.join(' · ')} · ${accept === undefined ? `written to ${path}` : path}`);
  if (isNews && options.engine !== options.version)
    lines.push(` locked by standin ${safe(options.engine)}, played by ${options.version}`);
  if (isNews && accept !== undefined) lines.push(` ${style('faint', 'accept')}   ${safe(accept)}`);
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

function missingLines(
  unlocked: readonly LockCheck[],
  gone: readonly LockKey[],
  style: Style,
): string[] {
  const told = [
    ...unlocked.map((one) => `${nameOf(one)}: ${notLocked(one)}`),
    ...gone.map((one) => `${nameOf(one)}: is locked, and there is no such case any more`),
  ];
  const shown = told.slice(0, missingShownMax).map((line) => ` ${style('bad', '✗')} ${line}`);
  const more = told.length - shown.length;
  return [...shown, ...(more > 0 ? [`   and ${more} more`] : []), ...(told.length > 0 ? [''] : [])];
}

const missingShownMax = 20;

function notLocked({ seed, otherSeeds }: LockCheck): string {
  if (otherSeeds.length === 0) return 'is not in the lock file';
  return `is not locked with seed ${seed}, but with ${otherSeeds.join(', ')}`;
}

const nameOf = ({ file, case: name }: LockKey): string =>
  safe(name === '' ? file : `${file} · ${name}`);

/** Also of those that have not changed, in words: that is half of what a review wants to know. */
function changedLines(check: LockCheck, style: Style, width: number): string[] {
  const changed = check.layers.map(({ layer }) => layer);
  const same = lockLayers.filter((layer) => !changed.includes(layer));
  const those = same.length === 0 ? 'nothing is as it was' : `${inList(same)} did not`;
  return [
    ` ${style('bad', '✗')} ${nameOf(check)}`,
    ...wrap(`${inList(changed)} changed; ${those}`, width - 3).map((line) => `   ${line}`),
    ...(check.scenarioChanged
      ? [`   ${style('warning', 'the scenario itself changed')}, so this may be what was meant`]
      : []),
    ...check.layers.flatMap((one) => layerLines(one, style, width)),
  ];
}

function inList(layers: readonly LockLayer[]): string {
  const last = layers.at(-1) ?? '';
  return layers.length < 2 ? last : `${layers.slice(0, -1).join(', ')} and ${last}`;
}

function layerLines(
  { layer, first, gone, come }: LayerChange,
  style: Style,
  width: number,
): string[] {
  const name = style('code', layer.padEnd(10));
  if (first === undefined) return [`   ${name} beyond the lines that the lock file holds`];
  const where = first.step === 0 ? '' : `step ${first.step}, `;
  const sizes = `${count(gone, 'line')} gone, ${come} new; the first:`;
  return [
    `   ${name} ${style('faint', sizes)}`,
    `     ${cut(safe(`${where}${first.about}`), width - 5)}`,
    ...sideLines('was', first, style, width),
    ...sideLines('now', first, style, width),
  ];
}

function sideLines(side: 'was' | 'now', first: FirstChange, style: Style, width: number): string[] {
  const text = first[side];
  const shown = text === undefined ? style('faint', 'nothing') : undefined;
  if (shown !== undefined) return [`       ${style('faint', side)}  ${shown}`];
  return wrap(safe(text!), width - 12).map(
    (line, i) => `       ${style('faint', i === 0 ? side : '   ')}  ${line}`,
  );
}
