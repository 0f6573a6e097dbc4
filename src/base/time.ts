/** Moments and lengths of time, in whole nanoseconds. */
declare const unit: unique symbol;

/** A moment on the lab's own clock: whole nanoseconds since the lab started. */
export type Instant = number & { readonly [unit]: 'instant' };

/** A length of time: whole nanoseconds. */
export type Duration = number & { readonly [unit]: 'duration' };

export const labStart = 0 as Instant;
/** Exact whole nanoseconds end here: 104 days. A run past it is refused. */
export const labEnd = Number.MAX_SAFE_INTEGER as Instant;

export const nanoseconds = (n: number): Duration => whole(n) as Duration;
export const milliseconds = (n: number): Duration => whole(n * 1e6) as Duration;
export const seconds = (n: number): Duration => whole(n * 1e9) as Duration;
export const after = (moment: Instant, wait: Duration): Instant => whole(moment + wait) as Instant;
/** How long from `earlier` to `later`; throws if that is negative. */
export const between = (earlier: Instant, later: Instant): Duration =>
  whole(later - earlier) as Duration;

/** The earliest of several moments of which some may never come. */
export function earliest(...moments: (Instant | undefined)[]): Instant | undefined {
  let first: Instant | undefined;
  for (const moment of moments) {
    if (moment !== undefined && (first === undefined || moment < first)) first = moment;
  }
  return first;
}

/** `5.25s`, with as many decimals as it takes. */
export const showInstant = (moment: Instant): string => `${moment / 1e9}s`;

const units: readonly (readonly [number, string])[] = [
  [3600e9, 'h'],
  [60e9, 'm'],
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'us'],
];

/** `1h30m`, `8s`, `1.5ms`: the way a person would write it. */
export function showDuration(wait: Duration): string {
  if (wait >= 60e9) {
    const whole = units.slice(0, 3);
    let rest: number = Math.round(wait / 1e9) * 1e9;
    return whole
      .map(([size, name]) => {
        const count = Math.floor(rest / size);
        rest -= count * size;
        return count > 0 ? `${count}${name}` : '';
      })
      .join('');
  }
  const [size, name] = units.find(([least]) => wait >= least) ?? [1, 'ns'];
  return `${Number((wait / size).toFixed(3))}${name}`;
}

/** `15 s`, `1 m 8 s`: a moment in a sentence, counted from the start of the lab. */
export const showMoment = (moment: Instant): string => roughly(moment as number as Duration);

/** `41.3 ms`, `24.6 s`, `1 h 12 m`: for sentences, where more than three digits say nothing. */
export function roughly(wait: Duration): string {
  const whole = Math.round(wait / 1e9);
  if (whole >= 100) {
    const parts = [
      [Math.floor(whole / 3600), 'h'],
      [Math.floor(whole / 60) % 60, 'm'],
      [whole % 60, 's'],
    ] as const;
    const told = parts.filter(([count]) => count > 0).slice(0, 2);
    return told.map(([count, unit]) => `${count} ${unit}`).join(' ');
  }
  if (wait >= 999.5e6) return `${threeDigits(wait / 1e9)} s`;
  return wait === 0 ? '0 s' : `${threeDigits(wait / 1e6)} ms`;
}

const threeDigits = (n: number): number => Number(n.toPrecision(3));

function whole(n: number): number {
  const rounded = Math.round(n);
  if (rounded < 0 || !Number.isSafeInteger(rounded)) throw new RangeError(`not a time: ${n} ns`);
  return rounded;
}
