/**
 * How long the network of a VM was gone: the measured network RTO. From the moment at which the first
 * pair toward it was lost to the moment at which every pair that had worked before works again.
 */
import { between, type Instant } from '../base/time.ts';
import type { NetworkRecovery, PairLost, PairOutage } from '../trace/reachability.ts';

/** A pair toward a VM that had worked, and when it did not. */
export interface PairToward {
  /** `web01 -> sql01`. */
  readonly name: string;
  readonly outages: readonly PairOutage[];
}

/**
 * Outages that overlap are one time without the network. One in which the asking machine was off, or
 * could not send, and the VM ran is that machine's own trouble.
 */
export function recoveriesOf(
  vm: string,
  pairs: readonly PairToward[],
  end: Instant,
): NetworkRecovery[] {
  const all = pairs
    .flatMap(({ name, outages }) =>
      outages.filter(({ byAsker }) => byAsker === undefined).map((outage) => ({ name, outage })),
    )
    .sort((a, b) => a.outage.lostAt - b.outage.lostAt);
  const times: (typeof all)[] = [];
  let until = -1;
  for (const one of all) {
    const ends = one.outage.restoredAt ?? Number.POSITIVE_INFINITY;
    if (one.outage.lostAt >= until || times.length === 0) times.push([one]);
    else times.at(-1)!.push(one);
    until = Math.max(until, ends);
  }
  const told = times.map((those): Omit<NetworkRecovery, 'isRto'> => {
    const [first] = those;
    const restored = (one: (typeof all)[number]): number =>
      one.outage.restoredAt ?? Number.POSITIVE_INFINITY;
    const last = those.reduce((a, b) => (restored(b) > restored(a) ? b : a));
    const { lostAt, step } = first!.outage;
    const { restoredAt, cause, atLast } = last.outage;
    return {
      vm,
      lostAt,
      ...(restoredAt !== undefined && { restoredAt }),
      length: between(lostAt, restoredAt ?? end),
      step,
      pairs: those.map(({ name, outage }) => lostPair(name, outage)),
      of: pairs.length,
      worst: last.name,
      ...(cause && { cause }),
      ...(atLast && { atLast }),
    };
  });
  const open = told.findIndex(({ restoredAt }) => restoredAt === undefined);
  const longest = told.reduce((a, b, i) => (b.length > (told[a]?.length ?? -1) ? i : a), 0);
  return told.map((one, i) => ({ ...one, isRto: i === (open < 0 ? longest : open) }));
}

const lostPair = (name: string, { lostAt, restoredAt, length, cause }: PairOutage): PairLost => ({
  name,
  lostAt,
  ...(restoredAt !== undefined && { restoredAt }),
  length,
  ...(cause && { code: cause.code }),
});
