/** Which cases of what was read are meant. */
import type { Scenario } from '../scenario/scenario.ts';
import type { Read } from './check.ts';

export interface Selection {
  readonly grep?: string;
  readonly tag?: string;
  /** Of each file only the first of those that are wanted. */
  readonly first?: boolean;
}

export const selected = (read: readonly Read[], selection: Selection): Scenario[] =>
  read.flatMap((one) => {
    const wanted = (one.cases ?? []).filter((scenario) => isWanted(scenario, selection));
    return selection.first ? wanted.slice(0, 1) : wanted;
  });

function isWanted(scenario: Scenario, { grep, tag }: Selection): boolean {
  if (tag !== undefined && !scenario.tags.includes(tag)) return false;
  return grep === undefined || `${scenario.file} ${scenario.name} ${scenario.case}`.includes(grep);
}
