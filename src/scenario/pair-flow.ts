/** What became of the pings that went on between the two of a pair while a scenario was played. */
import { between, type Duration, type Instant, seconds } from '../base/time.ts';
import { type FlowLife, followed } from '../explain/lost.ts';
import { replicaOf } from '../lab/names.ts';
import type { EventLog } from '../trace/log.ts';
import type { Cause, Moment, PairOutage } from '../trace/reachability.ts';
import type { Background } from './background.ts';
import type { Pair } from './pairs.ts';
import type { Machine } from './scenario.ts';
import type { Answered } from './snapshot.ts';

export interface PairFlow {
  readonly pair: Pair;
  readonly address: string;
  readonly every: Duration;
  readonly worked: boolean;
  /** None where it never worked: what never was cannot be lost. */
  readonly outages: readonly PairOutage[];
  /** Why it never worked, where it did not. */
  readonly never?: Cause;
  readonly lives: readonly FlowLife[];
}

export function flowOf(
  pair: Pair,
  background: Background,
  { log, every, moments }: { log: EventLog; every: Duration; moments: readonly Moment[] },
): PairFlow {
  const lives = background.lives(pair);
  const { answered, lost } = followed(log, lives, (from, to) => wasOff(log, pair.to, from, to));
  const worked = answered > 0;
  const outages = lost.map((one) => ({ ...one, step: stepOf(one.lostAt, one.noticedAt, moments) }));
  const address = background.addressOf(pair);
  const flow = { pair, address, every, worked, outages: worked ? outages : [], lives };
  const never = worked ? undefined : lost[0]?.cause;
  return never === undefined ? flow : { ...flow, never };
}

/** Whether neither a VM nor its replica ran at any time between two moments; what is no VM always runs. */
function wasOff(log: EventLog, { kind, text }: Machine, from: Instant, to: Instant): boolean {
  if (kind !== 'vm') return false;
  const running = new Set<string>();
  let isOff = false;
  for (const { node, state, at } of log.facts(['power'])) {
    if (node !== text && node !== replicaOf(text)) continue;
    if (at > to) break;
    if (at > from && isOff) return true;
    if (state === 'on') running.add(node);
    else running.delete(node);
    isOff = running.size === 0;
  }
  return isOff;
}

/** A question that a step overtakes is lost by that step, though it was put before. */
const overtaken = seconds(1);

function stepOf(lostAt: Instant, noticedAt: Instant, moments: readonly Moment[]): number {
  const next = moments.find(({ step, from }) => step > 0 && from > lostAt);
  if (next !== undefined && next.from - noticedAt <= overtaken) return next.step;
  return moments.findLast(({ from }) => from <= noticedAt)?.step ?? 0;
}

/** How it was at one moment, as whoever pinged saw it. */
export function observedAt({ outages, lives, worked, never }: PairFlow, at: Instant): Answered {
  const isThere = lives.some(
    ({ from, until }) => from <= at && (until === undefined || at < until),
  );
  if (!isThere) return { state: 'unasked', code: 'POWERED_OFF' };
  if (!worked) return lost(never);
  const outage = outages.find((one) => one.lostAt < at && at <= one.lostAt + one.length);
  return outage === undefined ? { state: 'reached' } : lost(outage.atLast ?? outage.cause);
}

const lost = (cause: Cause | undefined): Answered =>
  cause === undefined
    ? { state: 'lost' }
    : { state: 'lost', code: cause.code, why: cause.sentence };

/** How long nobody answered within a stretch of time, though somebody asked. */
export function interrupted(
  { outages }: PairFlow,
  { from, until }: Pick<Moment, 'from' | 'until'>,
): Duration {
  const shares = outages
    .filter(({ byAsker }) => byAsker === undefined)
    .map(({ lostAt, length }) =>
      Math.max(0, Math.min(until, lostAt + length) - Math.max(from, lostAt)),
    );
  return between(0 as Instant, shares.reduce((a, b) => a + b, 0) as Instant);
}
