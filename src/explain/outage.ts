/** How long nobody answered, from probes sent again and again under one number. */
import { between, type Duration, type Instant, seconds } from '../base/time.ts';
import type { EventLog } from '../trace/log.ts';
import { worldOf } from './world.ts';

export interface Outage {
  /** The last answer before it; where there was none, the first question. */
  readonly lostAt: Instant;
  /** The first answer after it; undefined: there was none by the end. */
  readonly restoredAt?: Instant;
  readonly length: Duration;
  /** Questions without an answer. */
  readonly lost: number;
}

export interface Availability {
  readonly sent: number;
  readonly answered: number;
  /** In order of time. */
  readonly outages: readonly Outage[];
  readonly longest?: Outage;
}

/** A question that was put so shortly before the end may still be answered: it says nothing. */
const onTheWay = seconds(1);

/**
 * The outages of one probe: from one answer to the next, where a question between them went
 * unanswered.
 *
 * @param from Only questions from here on count.
 * @param to   What is not answered by then counts as lost, and an outage that is not over ends here.
 */
export function availability(
  log: EventLog,
  probe: number,
  from = 0 as Instant,
  to?: Instant,
): Availability {
  const world = worldOf(log);
  const end = to ?? world.end;
  const answers = new Map<number, Instant>();
  const sent: { readonly sequence: number; readonly at: Instant }[] = [];
  for (const { what, sequence, at } of world.probe(probe)) {
    if (at < from || at > end) continue;
    if (what === 'sent') sent.push({ sequence, at });
    else if (what === 'answered' && !answers.has(sequence)) answers.set(sequence, at);
  }
  const outages: Outage[] = [];
  let lastAnswer: Instant | undefined;
  let lost = 0;
  const close = (restoredAt: Instant | undefined): void => {
    if (lost === 0) return;
    const lostAt = lastAnswer ?? sent[0]!.at;
    const length = between(lostAt, restoredAt ?? end);
    outages.push(
      restoredAt === undefined ? { lostAt, length, lost } : { lostAt, restoredAt, length, lost },
    );
    lost = 0;
  };
  let answered = 0;
  for (const { sequence, at: asked } of sent) {
    const at = answers.get(sequence);
    if (at === undefined) {
      if (end - asked >= onTheWay) lost += 1;
      continue;
    }
    answered += 1;
    // Answers may overtake each other; an outage does not end before it began.
    const restored = lastAnswer !== undefined && at < lastAnswer ? lastAnswer : at;
    close(restored);
    lastAnswer = restored;
  }
  close(undefined);
  let longest: Outage | undefined;
  for (const outage of outages)
    if (longest === undefined || outage.length > longest.length) longest = outage;
  const counts = { sent: sent.length, answered, outages };
  return longest === undefined ? counts : { ...counts, longest };
}
