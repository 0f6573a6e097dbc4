/** Follows one probe in the log. Looks only at what is new since it last looked. */
import { between, type Duration } from '../base/time.ts';
import type { TraceEvent } from '../trace/event.ts';
import type { EventLog } from '../trace/log.ts';

export type ProbeFact = Extract<TraceEvent, { kind: 'probe' }>;

export class Watch {
  readonly all: ProbeFact[] = [];
  readonly #log: EventLog;
  readonly #number: number;
  #from: number;

  constructor(log: EventLog, number: number) {
    this.#log = log;
    this.#number = number;
    this.#from = log.length;
  }

  catchUp(): void {
    const log = this.#log;
    if (this.#from === log.length) return;
    for (const event of log.facts(['probe'], this.#from)) {
      if (event.probe === this.#number) this.all.push(event);
    }
    this.#from = log.length;
  }

  get answers(): number {
    this.catchUp();
    return this.all.filter(({ what }) => what === 'answered').length;
  }

  get sent(): number {
    this.catchUp();
    return this.all.filter(({ what }) => what === 'sent').length;
  }

  get lastAnswer(): ProbeFact | undefined {
    this.catchUp();
    return this.all.findLast(({ what }) => what === 'answered');
  }

  /** Between the last question that was answered and its answer. */
  get lastRoundTrip(): Duration | undefined {
    const answer = this.lastAnswer;
    const question = this.all.findLast(
      ({ what, sequence, id }) =>
        what === 'sent' && sequence === answer?.sequence && id < answer.id,
    );
    return answer && question && between(question.at, answer.at);
  }

  /** What the asker heard last of what it sent; undefined while it waits. */
  get heard(): ProbeFact | undefined {
    this.catchUp();
    const last = this.all.at(-1);
    return last?.what === 'sent' ? undefined : last;
  }

  /** Whether the last that was sent, or the one before it if that is still under way, was answered. */
  get answersLast(): boolean {
    this.catchUp();
    const answered = new Set(
      this.all.filter(({ what }) => what === 'answered').map(({ sequence }) => sequence),
    );
    const sent = this.all.filter(({ what }) => what === 'sent').slice(-2);
    return sent.some(({ sequence }) => answered.has(sequence));
  }
}
