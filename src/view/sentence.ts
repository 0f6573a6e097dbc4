/** What came of a run, as a sentence. */
import { expectationsOf, type RunResult, verdictOfRun } from '../trace/result.ts';

export function sentenceOf(result: RunResult): string {
  const all = expectationsOf(result);
  const broken = all.filter(({ verdict }) => verdict === 'broken');
  const [first] = broken;
  const name = result.case === '' ? result.name : `${result.name} (${result.case})`;
  if (first !== undefined) {
    const why = first.why ?? first.detail;
    const code = first.code === undefined ? '' : ` (${first.code})`;
    const others = broken.length > 1 ? `, and ${broken.length - 1} more` : '';
    return `${name}: ${first.text} did not hold: ${why}${code}${others}`;
  }
  const finding = result.findings.find(({ verdict }) => verdict === 'broken');
  if (finding !== undefined) return `${name}: ${finding.text}`;
  if (verdictOfRun(result) !== 'met') return `${name}: the run did not get to its end`;
  const limits = all.filter(({ fails }) => fails !== undefined);
  const shown = limits.find(({ why }) => why !== undefined);
  const because = shown === undefined ? '' : `: ${shown.text}: ${shown.why}`;
  return limits.length === 0
    ? `${name}: all ${all.length} expectations hold`
    : `${name}: all ${all.length} expectations hold, and the limitation shows${because}`;
}
