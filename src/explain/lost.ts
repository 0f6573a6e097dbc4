/** When a flow had no answer, and why: at first, and at last where that is another reason. */
import { type Duration, type Instant, seconds } from '../base/time.ts';
import type { EventLog } from '../trace/log.ts';
import type { Cause } from '../trace/reachability.ts';
import { availability, type Outage } from './outage.ts';
import { why } from './why.ts';
import { type ProbeEvent, worldOf } from './world.ts';

/** One probe that a machine sent again and again, for as long as it ran. */
export interface FlowLife {
  readonly probe: number;
  readonly node: string;
  readonly from: Instant;
  /** When the machine stopped; undefined where it was there until the end. */
  readonly until?: Instant;
}

export interface Lost extends Outage {
  /** The first question without an answer. */
  readonly noticedAt: Instant;
  readonly cause?: Cause;
  /** Why the last one had none, where that is another story. */
  readonly then?: Cause;
}

export interface Followed {
  readonly answered: number;
  readonly lost: readonly Lost[];
}

/** So long after a question everything that will become of it has happened: ARP gives up after a few seconds. */
const patience = seconds(10);

/** What became of a flow, with the reasons of its outages. */
export function followed(log: EventLog, life: FlowLife): Followed {
  const { answered, outages } = availability(log, life.probe, life.from, life.until);
  const end = life.until ?? worldOf(log).end;
  const questions = inVain(worldOf(log).probe(life.probe));
  const lost = outages.map((outage): Lost => {
    const until = outage.restoredAt ?? end;
    const those = questions.filter(({ at }) => at >= outage.lostAt && at <= until);
    const [first] = those;
    const last = those.findLast(({ at }) => until - at >= settled) ?? first;
    const cause = first && causeOf(log, life, first, until);
    const then = last && last !== first ? causeOf(log, life, last, until) : undefined;
    return {
      ...outage,
      noticedAt: first?.at ?? outage.lostAt,
      ...(cause && { cause }),
      ...(then && then.sentence !== cause?.sentence && { then }),
    };
  });
  return { answered, lost };
}

/** A question that is younger may still be on its way. */
const settled: Duration = seconds(1);

function inVain(events: readonly ProbeEvent[]): ProbeEvent[] {
  const answered = new Set(
    events.filter(({ what }) => what === 'answered').map(({ sequence }) => sequence),
  );
  return events.filter(({ what, sequence }) => what === 'sent' && !answered.has(sequence));
}

function causeOf(
  log: EventLog,
  { probe, node }: FlowLife,
  { id: sentId, to, at: asked }: ProbeEvent,
  until: Instant,
): Cause | undefined {
  const at = Math.min(asked + patience, Math.max(until, asked + settled)) as Instant;
  const explanation = why(log, { probe, sentId, from: node, to, at });
  if (explanation === undefined) return undefined;
  const { code, sentence, try: remedy } = explanation;
  return remedy === undefined ? { code, sentence } : { code, sentence, remedy };
}
