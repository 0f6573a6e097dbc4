/** What becomes of each invariant that is broken, with the defaults. */
import { announcedWithin } from '../explain/invariants.ts';
import { type InvariantName, invariantNames } from '../trace/invariants.ts';
import type { RawInvariants } from './format-invariants.ts';
import type { Severity, WatchedInvariants } from './scenario.ts';

export function buildInvariants(raw: RawInvariants | undefined): WatchedInvariants {
  const announcement = raw?.no_announcement;
  const within = announcement && 'within' in announcement ? announcement.within?.value : undefined;
  return {
    severity: Object.fromEntries(
      invariantNames.map((name) => [name, severityOf(raw?.[name])]),
    ) as Record<InvariantName, Severity>,
    announcedWithin: within ?? announcedWithin,
  };
}

function severityOf(raw: RawInvariants[InvariantName]): Severity {
  if (raw === undefined) return 'fail';
  return ('value' in raw ? raw.value : raw.broken?.value) ?? 'fail';
}
