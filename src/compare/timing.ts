/** When things happened, and how long they took: the one layer in which times count. */
import { between, type Duration, type Instant, showDuration, showInstant } from '../base/time.ts';
import type { Account, Asked } from './account.ts';
import type { Line } from './line.ts';

export const momentOf = (what: string, at: Instant): string => `${what} at ${showInstant(at)}`;

/** Steps and what they expect, operations, states of tunnels; of every probe, from when to when it was answered. */
export function timingLines(account: Account): Line[] {
  const lines: Line[] = [];
  for (const { number: step, at, expectations } of account.result.steps) {
    lines.push({ step, stream: 'the step', what: momentOf('begins', at) });
    expectations.forEach(({ text, at: decided }, i) => {
      const stream = `${i + 1} of step ${step}: ${text}`;
      lines.push({ step, stream, what: momentOf('decided', decided) });
    });
  }
  /** By probe and sequence number. */
  const answers = new Map<string, Instant>();
  for (const fact of account.facts) {
    const { step, at } = fact;
    if (fact.kind === 'operation') {
      const stream = `${fact.operation} of ${fact.vms.join(', ')}`;
      lines.push({ step, stream, what: momentOf(fact.state, at) });
    } else if (fact.kind === 'tunnel') {
      const stream = `tunnel ${fact.tunnel} at ${fact.node}`;
      lines.push({ step, stream, what: momentOf(fact.state, at) });
    } else if (fact.kind === 'probe' && fact.what === 'answered') {
      const key = `${fact.probe} ${fact.sequence}`;
      if (!answers.has(key)) answers.set(key, at);
    }
  }
  for (const asked of account.probes.values()) lines.push(...answerLines(asked, answers));
  return lines;
}

/** What was answered in a row is one line, and so is what was not. */
function answerLines({ told, echoes }: Asked, answers: ReadonlyMap<string, Instant>): Line[] {
  const stream = `probe ${told.probe}, ${told.protocol} ${told.node} -> ${told.to}`;
  const rows: Row[] = [];
  for (const { sent, step } of echoes.values()) {
    const answer = answers.get(`${sent.probe} ${sent.sequence}`);
    const took = answer === undefined ? undefined : between(sent.at, answer);
    const row = rows.at(-1);
    if (row === undefined || row.took.length > 0 !== (took !== undefined))
      rows.push({ step, from: sent.at, to: sent.at, took: took === undefined ? [] : [took] });
    else {
      row.to = sent.at;
      if (took !== undefined) row.took.push(took);
    }
  }
  return rows.map(({ step, from, to, took }) => {
    const when =
      from === to ? `at ${showInstant(from)}` : `${showInstant(from)} to ${showInstant(to)}`;
    const what = took.length === 0 ? `no answer, ${when}` : `answered, ${when}, ${ways(took)}`;
    return { step, stream, what };
  });
}

interface Row {
  readonly step: number;
  readonly from: Instant;
  to: Instant;
  /** How long it was until each answer came. */
  readonly took: Duration[];
}

function ways(took: readonly Duration[]): string {
  const least = took.reduce((one, other) => Math.min(one, other) as Duration);
  const most = took.reduce((one, other) => Math.max(one, other) as Duration);
  const [quick, slow] = [showDuration(least), showDuration(most)];
  return quick === slow ? `in ${quick}` : `in ${quick} to ${slow}`;
}
