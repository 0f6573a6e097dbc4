/** What a log tells of a run's result: its steps, operations and verdicts, without what only its player knew. */
import type { Instant } from '../base/time.ts';
import type { TraceEvent } from './event.ts';
import type { ExpectationResult, Happening, RunResult, StepResult } from './result.ts';

export function recordedResult(events: readonly TraceEvent[], file: string): RunResult {
  const steps: (StepResult & { happened: Happening[]; expectations: ExpectationResult[] })[] = [];
  for (const event of events) {
    const step = steps.at(-1);
    if (event.kind === 'step') {
      const { number, title, line, at } = event;
      steps.push({ number, title, line, at, happened: [], expectations: [] });
    } else if (event.kind === 'verdict') {
      const { expectation: text, line, verdict, because: detail = '', at } = event;
      step?.expectations.push({ text, line, column: 1, verdict, detail, at });
    } else if (event.kind === 'operation' && event.state !== 'started') {
      const { state: kind, operation: text, because: code } = event;
      step?.happened.push({ kind, text, ...(code && { code }) });
    } else if (event.kind === 'warning')
      step?.happened.push({ kind: 'warning', text: event.about, code: event.code });
  }
  return {
    file,
    name: '',
    about: '',
    case: '',
    seed: 0,
    simulatedTime: events.at(-1)?.at ?? (0 as Instant),
    steps,
    findings: [],
    events: events.length,
  };
}
