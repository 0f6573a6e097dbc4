/** What the log has to say about one question, in the shape that results have. */
import { type Instant, seconds } from '../base/time.ts';
import type { Also } from '../explain/also.ts';
import type { Hop as Step } from '../explain/hops.ts';
import { type Path, passes, roundTrip } from '../explain/hops.ts';
import { type Availability, availability, type Outage } from '../explain/outage.ts';
import type { Subject } from '../explain/subject.ts';
import { why } from '../explain/why.ts';
import type { Fault } from '../explain/world.ts';
import type { EventLog } from '../trace/log.ts';
import type { Reason } from '../trace/reasons.ts';
import type { AlsoInTheWay, FaultPlace, Hop } from '../trace/result.ts';
import { type Ipv4, showIpv4 } from '../wire/address.ts';

export interface Way {
  readonly hops: readonly Hop[];
  /** Machines and switches on the way there, in order. */
  readonly there: readonly string[];
  /** On the way back, in order: the one that asked is the last, the one that answered is not among them. */
  readonly back: readonly string[];
  /** Whether the way there leads through these, in this order. */
  passes(names: readonly string[]): boolean;
}

export interface Question {
  /** Left out where nothing could be sent. */
  readonly probe?: number;
  readonly from: string;
  readonly to: Ipv4;
  readonly at: Instant;
}

export interface Finding {
  readonly code: Reason;
  readonly lastHop: string;
  readonly sentence: string;
  readonly hops: readonly Hop[];
  readonly remedy?: string;
  readonly healsAt?: Instant;
  readonly fault?: FaultPlace;
  readonly also?: readonly AlsoInTheWay[];
  readonly event: number;
  readonly subject: Subject;
}

/** A question that is younger may still be answered. */
const onItsWay = seconds(1);

export class Account {
  readonly #log: EventLog;

  constructor(log: EventLog) {
    this.#log = log;
  }

  way(answered: number): Way {
    return new AnsweredWay(this.#log, answered);
  }

  /** Undefined where the question was answered after all. */
  why({ to, ...question }: Question): Finding | undefined {
    const explanation = why(this.#log, { ...question, to: showIpv4(to) });
    if (explanation === undefined) return undefined;
    const { code, lastHop, sentence, event, subject, healsAt, fault, also } = explanation;
    const remedy = explanation.try;
    return {
      code,
      lastHop,
      sentence,
      hops: explanation.hops.map(inResult),
      event,
      subject,
      ...(remedy !== undefined && { remedy }),
      ...(healsAt !== undefined && { healsAt }),
      ...(fault && { fault: placeOf(fault) }),
      ...(also && { also: also.map(alsoInResult) }),
    };
  }

  /** How a flow fared that is pinged all the time. */
  availability(probe: number, until: Instant): Omit<Availability, 'longest'> {
    const { sent, answered, outages } = availability(this.#log, probe, undefined, until);
    // What was asked a moment ago is on its way, and not lost.
    const isOver = ({ restoredAt, length }: Outage): boolean =>
      restoredAt !== undefined || length >= onItsWay;
    return { sent, answered, outages: outages.filter(isOver) };
  }

  longestOutage(probe: number, until: Instant): Outage | 'none' | 'never answered' {
    const { answered, outages } = this.availability(probe, until);
    if (answered === 0) return 'never answered';
    let longest: Outage | undefined;
    for (const outage of outages)
      if (longest === undefined || outage.length > longest.length) longest = outage;
    return longest ?? 'none';
  }
}

/** The way of one answer, worked out when it is first asked for. */
class AnsweredWay implements Way {
  readonly #log: EventLog;
  readonly #answered: number;
  #path: Path | undefined;

  constructor(log: EventLog, answered: number) {
    this.#log = log;
    this.#answered = answered;
  }

  get hops(): readonly Hop[] {
    return this.#known.hops.map(inResult);
  }

  get there(): readonly string[] {
    return this.#known.nodes;
  }

  get back(): readonly string[] {
    return this.#known.hops
      .filter(({ direction }) => direction === 'back')
      .map(({ where }) => where);
  }

  passes(names: readonly string[]): boolean {
    return passes(this.#known, names);
  }

  get #known(): Path {
    this.#path ??= roundTrip(this.#log, this.#answered);
    return this.#path;
  }
}

const placeOf = ({ fault, target, line }: Fault): FaultPlace => ({
  text: fault.endsWith('block') ? `${fault} ${target}` : `${fault} at ${target}`,
  line,
});

const alsoInResult = ({ code, sentence, fault }: Also): AlsoInTheWay => ({
  code,
  text: sentence,
  ...(fault && { fault: placeOf(fault) }),
});

/** A hop as results have it. */
export function inResult({ where, in: into, out, what, at, event, dropped }: Step): Hop {
  // The device has a column of its own: `eth0` says enough of its port.
  const port = (label: string): string =>
    label.startsWith(`${where}.`) ? label.slice(where.length + 1) : label;
  const hop = { where, in: port(into), out: port(out), what, at, event };
  return dropped ? { ...hop, dropped } : hop;
}
