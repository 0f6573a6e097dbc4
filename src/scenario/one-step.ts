/** A single step, as it would stand in a file: read, checked and built with the file around it. */
import { type Amendment, amendedFile } from './amend.ts';
import { check } from './check.ts';
import type { Load } from './extend.ts';
import type { Problem } from './problem.ts';
import type { Step } from './scenario.ts';

export interface StepAround {
  readonly root: string;
  readonly load: Load;
  /** What else is different from the file. */
  readonly amendments: readonly Amendment[];
  /** Which case of the file. */
  readonly case: string;
  /** The step before which it comes: from 1, as they stand in the file. */
  readonly before: number;
}

/** @returns The step, or what is wrong with it. Warnings are none of its business: they are about the file. */
export function readStep(text: string, around: StepAround): Step | readonly Problem[] {
  const { root, load, before } = around;
  const insert: Amendment = { kind: 'insert', before, step: text };
  const { cases, problems } = check(root, load, { amendments: [...around.amendments, insert] });
  const errors = problems.filter(({ severity }) => severity === 'error');
  const scenario = cases?.find((one) => one.case === around.case);
  const step = scenario?.steps.find(({ place }) => place.file === amendedFile(insert));
  return step ?? errors;
}
