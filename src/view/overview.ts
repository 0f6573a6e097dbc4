/** Many runs at a glance: scenario by scenario, the cases of each, what failed before what did not. */
import {
  brokenFindings,
  expectationsOf,
  type RunResult,
  tally,
  verdictOfRun,
} from '../trace/result.ts';

/** `limit`: passed, and showed a limitation of the product that the scenario says it has. */
export type RunState = 'failed' | 'broken-off' | 'unchecked' | 'limit' | 'passed';

/** The worst first. */
const order: readonly RunState[] = ['failed', 'broken-off', 'unchecked', 'limit', 'passed'];

export interface OverviewRow {
  readonly file: string;
  readonly name: string;
  readonly cells: readonly OverviewCell[];
}

export interface OverviewCell {
  /** Its place among the runs of the page. */
  readonly run: number;
  /** `lease=valid plan_dhcp=none`; empty where there is no matrix. */
  readonly case: string;
  readonly state: RunState;
  /** What decided it, in a few words. */
  readonly because: string;
}

export function stateOf(result: RunResult): RunState {
  const verdict = verdictOfRun(result);
  if (verdict === 'broken') return 'failed';
  if (result.brokenOff !== undefined) return 'broken-off';
  if (verdict === 'not-checked') return 'unchecked';
  return tally(expectationsOf(result)).reproduced > 0 ? 'limit' : 'passed';
}

export function overviewOf(results: readonly RunResult[], filter = ''): OverviewRow[] {
  const rows = new Map<string, { file: string; name: string; cells: OverviewCell[] }>();
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  for (const [run, result] of results.entries()) {
    const { file, name, case: variant } = result;
    const cell = { run, case: variant, state: stateOf(result), because: becauseOf(result) };
    const text = `${file} ${name} ${variant} ${cell.state} ${cell.because}`.toLowerCase();
    if (!words.every((word) => text.includes(word))) continue;
    const row = rows.get(file) ?? { file, name, cells: [] };
    rows.set(file, row);
    row.cells.push(cell);
  }
  for (const { cells } of rows.values()) cells.sort(byState);
  return [...rows.values()].sort((one, other) => byState(one.cells[0]!, other.cells[0]!));
}

const byState = (one: OverviewCell, other: OverviewCell): number =>
  order.indexOf(one.state) - order.indexOf(other.state) || one.run - other.run;

/** How many runs there are of each state, the worst first. */
export function countsOf(results: readonly RunResult[]): { state: RunState; count: number }[] {
  const states = results.map(stateOf);
  return order
    .map((state) => ({ state, count: states.filter((one) => one === state).length }))
    .filter(({ count }) => count > 0);
}

function becauseOf(result: RunResult): string {
  const expectations = expectationsOf(result);
  const broken = expectations.find(({ verdict }) => verdict === 'broken');
  if (broken) return [broken.text, broken.code, broken.detail].filter(Boolean).join(': ');
  const [finding] = brokenFindings(result);
  if (finding) return finding.text;
  if (result.brokenOff !== undefined) return result.brokenOffBy ?? result.brokenOff;
  const { met, reproduced, notChecked } = tally(expectations);
  if (notChecked > 0) return `${notChecked} of ${expectations.length} not checked`;
  if (reproduced > 0) {
    const codes = expectations.flatMap(({ fails, code }) => (fails && code ? [code] : []));
    return [...new Set(codes)].join(', ');
  }
  return `${met} of ${expectations.length} as expected`;
}
