/** What an answer must be like besides having come: the way it took, its time to live, how long it took. */
import { type Duration, roughly } from '../base/time.ts';
import type { Way } from './account.ts';
import type { Directory } from './directory.ts';
import type { Whereabouts } from './scenario.ts';
import { type Comparison, holds } from './when.ts';

export interface Demands {
  readonly via?: readonly Whereabouts[] | undefined;
  readonly ttl?: Comparison | undefined;
  /** In nanoseconds. */
  readonly roundTrip?: Comparison | undefined;
}

export interface Answer {
  readonly way: Way;
  /** As it arrived. */
  readonly ttl: number | undefined;
  readonly roundTrip: Duration | undefined;
  /** By how much it may be longer than it should be. */
  readonly slack: Duration;
}

/** What of it is not as it should be, as the end of a sentence; undefined if all is well. */
export function unmet(demands: Demands, answer: Answer, who: Directory): string | undefined {
  const { via, ttl, roundTrip } = demands;
  const { way } = answer;
  const missed = via && missedStop(way, via, who);
  if (missed !== undefined) return `but not through ${missed}: ${way.there.join(' → ')}`;
  if (ttl !== undefined && !compares(answer.ttl, ttl))
    return `with a TTL of ${answer.ttl ?? 'nothing'}, not ${showComparison(ttl)}`;
  if (roundTrip !== undefined && !comparesTime(answer.roundTrip, roundTrip, answer.slack)) {
    const took = answer.roundTrip === undefined ? 'an unknown time' : roughly(answer.roundTrip);
    const { operator, count } = roundTrip;
    return `there and back in ${took}, not ${operator} ${roughly(count as Duration)}`;
  }
  return undefined;
}

function missedStop(way: Way, via: readonly Whereabouts[], who: Directory): string | undefined {
  if (!way.passes(via.map((place) => who.nodeAt(place, way.there))))
    return via.map(({ text }) => text).join(', ');
  // Networks of the provider share a host: the port tells them apart.
  const elsewhere = via.find((place) => {
    if (place.kind !== 'plan-network') return false;
    const ports = who.portsOf(place.name);
    return !way.hops.some((hop) => ports.has(`${hop.where}.${hop.in}`));
  });
  if (elsewhere !== undefined) return elsewhere.text;
  // A single network means: without leaving it.
  const [only] = via;
  const isNetwork = only!.kind === 'network' || only!.kind === 'plan-network';
  return via.length === 1 && isNetwork && way.there.length > 3 ? `${only!.text} alone` : undefined;
}

export const compares = (number: number | undefined, { operator, count }: Comparison): boolean =>
  number !== undefined && holds(number, operator, count) === true;

/** Whether a time, or one that is shorter by up to `slack`, is as it should be. */
export const comparesTime = (
  time: number | undefined,
  wanted: Comparison,
  slack: Duration,
): boolean =>
  compares(time, wanted) || (time !== undefined && compares(Math.max(0, time - slack), wanted));

export const showComparison = ({ operator, count }: Comparison): string =>
  operator === '==' ? String(count) : `${operator} ${count}`;
