/** `standin invariants`: what is watched in every run. */
import { invariantsText } from '../report/catalogue.ts';
import { showJson } from '../report/json.ts';
import { safe } from '../report/terminal.ts';
import { didYouMean } from '../scenario/problem.ts';
import { type InvariantName, invariantNames, invariants } from '../trace/invariants.ts';
import { exitCodes } from './exit-codes.ts';
import { styleFor } from './style.ts';

export function showInvariants(
  name: string | undefined,
  options: { readonly json?: boolean },
): number {
  const names = invariantNames.filter((one) => name === undefined || one === name);
  if (names.length === 0) {
    const hint = didYouMean(name!, invariantNames);
    const what = `there is no invariant ${safe(name!)}`;
    process.stderr.write(`standin: ${what}${hint ? `: ${hint}` : ''}\n`);
    return exitCodes.invalid;
  }
  process.stdout.write(options.json ? asJson(names) : asText(names));
  return exitCodes.asExpected;
}

const asJson = (names: readonly InvariantName[]): string =>
  showJson({
    schema: 1,
    invariants: Object.fromEntries(names.map((name) => [name, invariants[name]])),
  });

const asText = (names: readonly InvariantName[]): string =>
  invariantsText(names, {
    style: styleFor(process.stdout),
    width: process.stdout.columns ?? 100,
  });
