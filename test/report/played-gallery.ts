/** What the gallery came to, for tests that need results as they really are: played once in a process. */
import { readdirSync } from 'node:fs';
import type { ExpectationResult, RunResult, TimedResult } from '../../src/trace/result.ts';
import { played, scenarios } from '../playing.ts';
import { finding, timed } from './sample.ts';

/** Every case of every file, as it is. */
export async function playedGallery(): Promise<readonly TimedResult[]> {
  const results: TimedResult[] = [];
  for (const file of readdirSync('scenarios').filter((name) => name.endsWith('.yaml')))
    for (const scenario of scenarios(file)) {
      const { result } = await played(scenario);
      results.push(timed(result, 12));
    }
  return results;
}

/** The same as if everything had gone wrong: every expectation broken, with the way that it has, and findings. */
export function asFailed({ result, realTime }: TimedResult): TimedResult {
  const failed = (one: ExpectationResult): ExpectationResult => {
    const { fails, ...rest } = one;
    const file = result.file;
    const { line, column } = one;
    const change = { text: `take out: ${one.text}`, file, line, column };
    return { ...rest, verdict: 'broken', change, healsAt: one.at, ...(fails && { why: fails }) };
  };
  const steps = result.steps.map((step) => ({
    ...step,
    expectations: step.expectations.map(failed),
  }));
  const findings = [finding('broken', 'two machines answer for 10.0.10.20', 1)];
  const whole: RunResult = { ...result, steps, findings, brokenOff: 'BUDGET_EXCEEDED' };
  return { result: whole, realTime };
}
