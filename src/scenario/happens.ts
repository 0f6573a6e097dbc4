/** Whether something happens in this case of a scenario. */
import { didYouMean, type Findings } from './problem.ts';
import type { MatrixValue } from './scalars.ts';
import type { At } from './shape.ts';
import { holds, type When } from './when.ts';

/** Whether a `when` holds in this case; what has none always happens. */
export function happens(
  when: At<When> | undefined,
  variables: ReadonlyMap<string, MatrixValue>,
  findings: Findings,
): boolean {
  if (when === undefined) return true;
  const { variable, operator, value } = when.value;
  const left = variables.get(variable);
  if (left === undefined) {
    const hint = didYouMean(variable, variables.keys()) ?? 'the matrix would have to define it';
    findings.add('E114', when.spot, `unknown variable "${variable}"`, hint);
    return true;
  }
  const result = holds(left, operator, value);
  if (result === undefined) {
    const message = `"${operator}" compares numbers, and ${variable} is ${left} here`;
    findings.add('E114', when.spot, message, 'words can be compared by == and !=');
  }
  return result ?? true;
}
