/** When a flow had no answer, and why: at first, and at last where that is another reason. */
import { between, type Duration, type Instant, seconds } from '../base/time.ts';
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
  /** The first question without an answer; where nobody was left to put one, when the machine that asks stopped. */
  readonly noticedAt: Instant;
  readonly cause?: Cause;
  /** Why the last one had none, where that is another story. */
  readonly atLast?: Cause;
  /**
   * The machine that asks did not run for a part of it, or could not send for a part of it; the one
   * that is asked ran.
   */
  readonly byAsker?: true;
}

export interface Followed {
  readonly answered: number;
  /** In order of time. */
  readonly lost: readonly Lost[];
}

/** Whether the machine that is asked was off at any time between two moments. */
type WasOff = (from: Instant, to: Instant) => boolean;

/** So long after a question everything that will become of it has happened: ARP gives up after a few seconds. */
const patience = seconds(10);

/**
 * What became of a flow, with the reasons of its outages.
 *
 * @param lives Those of the machine that asks, in order of time. From one to the next the pair is lost
 *              until the next has an answer, unless it took over from the other with no time between.
 */
export function followed(log: EventLog, lives: readonly FlowLife[], wasOff: WasOff): Followed {
  let answered = 0;
  const lost: Lost[] = [];
  let before: Told | undefined;
  for (const life of lives) {
    const told = inOneLife(log, life, wasOff);
    answered += told.answered;
    const passage = before && passageOf(before, told, worldOf(log).end);
    if (passage === undefined) lost.push(...told.lost);
    else {
      const open = before!.isOpen ? lost.pop() : undefined;
      const { lostAt, restoredAt } = passage;
      const isMove = before!.life.until === life.from && !open?.byAsker;
      const isOwn = isMove || wasOff(lostAt, restoredAt ?? told.end);
      lost.push(isOwn ? passage : { ...passage, byAsker: true });
      lost.push(...told.lost.slice(told.beginsLost ? 1 : 0));
    }
    before = told;
  }
  return { answered, lost: before?.isOpen && before.life.until ? withoutLast(lost) : lost };
}

/** What nobody was left to see the end of is no trouble of the one that was asked. */
function withoutLast(lost: readonly Lost[]): Lost[] {
  return lost.map((one, i) => (i === lost.length - 1 ? { ...one, byAsker: true } : one));
}

/** The stretch without an answer from one life of a machine to its next; undefined where there is none. */
function passageOf(before: Told, next: Told, end: Instant): Lost | undefined {
  const open = before.isOpen ? before.lost.at(-1) : undefined;
  const first = next.beginsLost ? next.lost[0] : undefined;
  const lostAt = open?.lostAt ?? before.lastAnswer;
  const stopped = before.life.until!;
  const isMove = stopped === next.life.from;
  if (lostAt === undefined || (isMove && open === undefined && first === undefined))
    return undefined;
  const restoredAt = first === undefined ? next.firstAnswer : first.restoredAt;
  const nobody = isMove ? undefined : offCause(before.life.node);
  const cause = open?.cause ?? nobody ?? first?.cause;
  const atLast = first?.atLast ?? first?.cause ?? nobody;
  return {
    lostAt,
    noticedAt: open?.noticedAt ?? (isMove ? first!.noticedAt : stopped),
    length: between(lostAt, restoredAt ?? next.life.until ?? end),
    lost: (open?.lost ?? 0) + (first?.lost ?? 0),
    ...(restoredAt !== undefined && { restoredAt }),
    ...(cause && { cause }),
    ...(atLast && atLast.sentence !== cause?.sentence && { atLast }),
  };
}

const offCause = (node: string): Cause => ({
  code: 'POWERED_OFF',
  sentence: `${node} is switched off, so that it asks nothing`,
});

interface Told extends Followed {
  readonly life: FlowLife;
  /** It ends without an answer. */
  readonly isOpen: boolean;
  /** It begins without one. */
  readonly beginsLost: boolean;
  readonly firstAnswer: Instant | undefined;
  readonly lastAnswer: Instant | undefined;
  readonly end: Instant;
}

function inOneLife(log: EventLog, life: FlowLife, wasOff: WasOff): Told {
  const { answered, outages } = availability(log, life.probe, life.from, life.until);
  const events = worldOf(log).probe(life.probe);
  const end = life.until ?? worldOf(log).end;
  const questions = inVain(events);
  const unsent = new Set(events.filter(({ what }) => what === 'error').map(whenAndWhich));
  const lost = outages.map((outage): Lost => {
    const until = outage.restoredAt ?? end;
    const those = questions.filter(({ at }) => at >= outage.lostAt && at <= until);
    const [first] = those;
    const last = those.findLast(({ at }) => until - at >= settled) ?? first;
    const cause = first && causeOf(log, life, first, until);
    const atLast = last && last !== first ? causeOf(log, life, last, until) : undefined;
    return {
      ...outage,
      noticedAt: first?.at ?? outage.lostAt,
      ...(cause && { cause }),
      ...(atLast && atLast.sentence !== cause?.sentence && { atLast }),
      ...(those.some((question) => unsent.has(whenAndWhich(question))) &&
        !wasOff(outage.lostAt, until) && { byAsker: true as const }),
    };
  });
  const answers = events.filter(({ what }) => what === 'answered');
  return {
    answered,
    lost,
    life,
    isOpen: lost.length > 0 && lost.at(-1)!.restoredAt === undefined,
    beginsLost: lost[0]?.lostAt === life.from,
    firstAnswer: answers[0]?.at,
    lastAnswer: answers.at(-1)?.at,
    end,
  };
}

/** A question that is younger may still be on its way. */
const settled: Duration = seconds(1);

function inVain(events: readonly ProbeEvent[]): ProbeEvent[] {
  const answered = new Set(
    events.filter(({ what }) => what === 'answered').map(({ sequence }) => sequence),
  );
  return events.filter(({ what, sequence }) => what === 'sent' && !answered.has(sequence));
}

/** A question that is an error at once has not left its machine. */
const whenAndWhich = ({ at, sequence }: ProbeEvent): string => `${at} ${sequence}`;

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
