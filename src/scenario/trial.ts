/** Plays a proposed change, with the same seed, and says what came of it: nothing else is evidence. */
import type { Backend } from '../lab/lab.ts';
import type { Amendment } from './amend.ts';
import type { Checked } from './check.ts';
import { askAgain, type Enquiry } from './enquiry.ts';
import type { Mend } from './mend.ts';
import type { Scenario } from './scenario.ts';

export interface Trial {
  readonly mend: Mend;
  readonly turned: boolean;
  /** What was seen: `reply after 12 ms`, or why it was not played. */
  readonly seen: string;
}

/** How to get at a file again: with changes, and with a lab for it. */
export interface Workshop {
  readonly checked: (amendments: readonly Amendment[]) => Checked;
  readonly backend: () => Backend;
}

/** @param scenario The case that was asked about. */
export async function tryOut(
  mend: Mend,
  enquiry: Enquiry,
  scenario: Scenario,
  { checked, backend }: Workshop,
): Promise<Trial> {
  const { cases, problems } = checked(mend.amendments);
  const refused = problems.find(({ severity }) => severity === 'error');
  if (refused !== undefined)
    return { mend, turned: false, seen: `the change is refused: ${refused.message}` };
  const same = cases?.find((one) => one.case === scenario.case);
  if (same === undefined) return { mend, turned: false, seen: 'with it there is no such case' };
  const { answered, seen } = await askAgain(enquiry, { ...same, seed: scenario.seed }, backend());
  return { mend, turned: answered, seen };
}
