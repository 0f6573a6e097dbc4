/**
 * What should never be so on any wire, asked or not: watched in every run, from the log alone. One
 * reading of the log serves all; each invariant is a small file in `invariants/`.
 */
import { type Duration, type Instant, seconds } from '../base/time.ts';
import type { InvariantName } from '../trace/invariants.ts';
import type { EventLog } from '../trace/log.ts';
import { Announcement } from './invariants/announcement.ts';
import { ForeignTenant } from './invariants/foreign-tenant.ts';
import type { Breach, Invariant } from './invariants/invariant.ts';
import { LargeLoss } from './invariants/large-loss.ts';
import { Loop } from './invariants/loop.ts';
import { OwnSide } from './invariants/own-side.ts';
import { Storm } from './invariants/storm.ts';
import { TwoAnswers } from './invariants/two-answers.ts';
import { TwoLives } from './invariants/two-lives.ts';
import { Unaccounted } from './invariants/unaccounted.ts';

export interface Watching {
  /** How long after a move an address may be announced. */
  readonly announcedWithin: Duration;
  /** What machines make of frames is only witnessed: that nothing came of one is not certain then. */
  readonly isWitnessed: boolean;
}

/** Where nobody says otherwise. RFC 5227 section 1.1 has two announcements, two seconds apart. */
export const announcedWithin = seconds(5);

/** An invariant that was broken. */
export interface Broken extends Breach {
  readonly invariant: InvariantName;
}

export class Invariants {
  readonly #log: EventLog;
  readonly #watched = new Map<InvariantName, Invariant>();
  readonly #crossing: Invariant[];
  readonly #packet: Invariant[];
  readonly #drop: Invariant[];
  readonly #fact: Invariant[];
  #read = 0;

  /** @param names Only these are watched. */
  constructor(log: EventLog, names: Iterable<InvariantName>, watching: Watching) {
    this.#log = log;
    for (const name of names) {
      const made = make(name, log, watching);
      if (made !== undefined) this.#watched.set(name, made);
    }
    const all = [...this.#watched.values()];
    this.#crossing = all.filter((one) => one.crossing);
    this.#packet = all.filter((one) => one.packet);
    this.#drop = all.filter((one) => one.drop);
    this.#fact = all.filter((one) => one.fact);
  }

  /** What was broken up to `now`, by the time at which it was first. */
  broken(now: Instant): readonly Broken[] {
    this.#catchUp();
    return [...this.#watched]
      .flatMap(([invariant, one]) => one.judge(now).map((breach) => ({ invariant, ...breach })))
      .sort((a, b) => a.at - b.at);
  }

  #catchUp(): void {
    const log = this.#log;
    const { length } = log;
    for (let id = this.#read; id < length; id += 1) {
      switch (log.sortOf(id)) {
        case 'frame':
        case 'flood':
          for (const one of this.#crossing) one.crossing!(id);
          break;
        case 'packet':
          for (const one of this.#packet) one.packet!(id);
          break;
        case 'drop':
          for (const one of this.#drop) one.drop!(id);
          break;
        case 'fact': {
          const fact = log.factOf(id);
          for (const one of this.#fact) one.fact!(id, fact);
        }
      }
    }
    this.#read = length;
  }
}

/** Undefined where this log cannot show it. */
function make(name: InvariantName, log: EventLog, watching: Watching): Invariant | undefined {
  switch (name) {
    case 'two_answers':
      return new TwoAnswers(log);
    case 'proxy_for_own_side':
      return new OwnSide(log);
    case 'two_lives':
      return new TwoLives(log);
    case 'no_announcement':
      return new Announcement(log, watching.announcedWithin);
    case 'loop':
      return new Loop(log);
    case 'storm':
      return new Storm(log);
    case 'foreign_tenant':
      return new ForeignTenant(log);
    case 'silent_large_loss':
      return new LargeLoss(log);
    case 'drop_without_reason':
      return watching.isWitnessed || log.level !== 'full' ? undefined : new Unaccounted(log);
  }
}
