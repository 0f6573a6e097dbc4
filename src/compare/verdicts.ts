/** What the run came to: every expectation, every operation, and whether it got to its end. */
import type { Account } from './account.ts';
import type { Item } from './item.ts';
import type { Line } from './line.ts';

export function verdictItems(account: Account): Item[] {
  const items: Item[] = [];
  for (const { number: step, at, happened, expectations } of account.result.steps) {
    for (const { kind, code } of happened)
      if (kind !== 'note')
        items.push({ stream: `what step ${step} did`, what: withCode(kind, code), at, step });
    expectations.forEach((one, i) => {
      const { text, verdict, fails, code, at: when } = one;
      const what = fails === undefined ? verdict : withCode(verdict, code);
      items.push({ stream: `${i + 1} of step ${step}: ${text}`, what, at: when, step });
    });
  }
  const { brokenOff = 'got to its end', simulatedTime: at } = account.result;
  return [...items, { stream: 'the run', what: brokenOff, at, step: account.steps.at(-1)!.number }];
}

/** What was wrong though nobody asked. How often is a matter of time. */
export const findingLines = ({ result }: Account): Line[] =>
  result.findings.map(({ invariant, code, verdict, step }) => ({
    step,
    stream: `invariant ${invariant}`,
    what: withCode(verdict, code),
  }));

const withCode = (what: string, code: string | undefined): string =>
  code === undefined ? what : `${what} ${code}`;
