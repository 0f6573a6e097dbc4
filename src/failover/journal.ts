/**
 * The controller's journal: what it was told and what it decided, written down before anything is
 * done about it, so that a controller that was killed is followed by one that goes on where it was.
 *
 * A controller is a pure machine. Told the same again, it decides the same again, and that it does
 * is checked against the journal: another version, which would have decided otherwise, must not
 * take over what it does not understand. What is left are the commands that were given and not
 * answered. Whoever was to carry them out may have done so; each kind says whether it may simply be
 * given again (`lookFirst`).
 */
import type { Machine } from '../base/machine.ts';
import { type Instant, labStart, showInstant } from '../base/time.ts';
import type { Configuration } from './configuration.ts';
import { Controller } from './controller.ts';
import { type Command, type Decision, isCommand, lookFirst } from './decision.ts';
import type { Observation } from './observation.ts';

/** Where the life of one controller is written down. Whatever throws here ends it. */
export interface Journal {
  /** What the journal tells of a life that somebody else began. */
  readonly past: Past | undefined;
  /** Before the controller is told this, or woken for undefined. */
  told(observation: Observation | undefined, at: Instant): void;
  /** Before any of it is done or said. Once it returns, this and all before it survives a crash. */
  decided(decisions: readonly Decision[]): void;
}

/** The journal cannot be read, or be written any more. The message names it and says why. */
export class JournalError extends Error {
  override readonly name = 'JournalError';

  constructor(journal: string, why: string) {
    super(`${journal}: ${why}`);
  }
}

/** A controller as its journal left it. */
export interface Past {
  readonly controller: Controller;
  /** When it was last told something. */
  readonly at: Instant;
  /** Given and not answered, oldest first: nobody knows what came of them. */
  readonly unanswered: readonly Command[];
  /** What it decided last, if the journal ends before that: nothing of it can have been done. */
  readonly unsaid: readonly Decision[] | undefined;
  /** How the last operation ended, if it has. */
  readonly finished: Extract<Decision, { kind: 'finish' }> | undefined;
}

/** What somebody who went to look found of a command: carried out, never begun, or neither for certain. */
export type Seen = 'done' | 'not begun' | 'in doubt';

/** Why nobody goes on: what has to be looked at before this command is answered or given again. */
export interface Doubt {
  readonly command: Command;
  readonly lookAt: string;
}

/** How to go on, in this order; with doubts, not at all. */
export interface Resumption {
  readonly doubts: readonly Doubt[];
  readonly giveAgain: readonly Command[];
  /** For the first time. */
  readonly unsaid: readonly Decision[];
  /** To be told that they are done. */
  readonly done: readonly Command[];
}

/** A controller that keeps a journal. */
export class JournaledController implements Machine<Observation, Decision> {
  readonly controller: Controller;
  readonly #journal: Journal;
  /** What it has to take up before anything else. */
  #past: Past | undefined;

  constructor(configuration: Configuration, journal: Journal) {
    this.controller = journal.past?.controller ?? new Controller(configuration);
    this.#journal = journal;
    this.#past = journal.past;
  }

  handle(observation: Observation, now: Instant): Decision[] {
    this.#demandTakenUp();
    this.#journal.told(observation, now);
    return this.#decided(this.controller.handle(observation, now));
  }

  wake(now: Instant): Decision[] {
    this.#demandTakenUp();
    this.#journal.told(undefined, now);
    return this.#decided(this.controller.wake(now));
  }

  nextWake(): Instant | undefined {
    return this.controller.nextWake();
  }

  /**
   * Works out how to go on. With doubts nothing has happened, and it may be asked again.
   *
   * @param look Asked of commands that must not be carried out twice.
   */
  takeUp(look: (command: Command) => Seen): Resumption {
    const { unanswered = [], unsaid } = this.#past ?? {};
    const doubts: Doubt[] = [];
    const giveAgain: Command[] = [];
    const done: Command[] = [];
    for (const command of unanswered) {
      const lookAt = lookFirst(command);
      const seen = lookAt === undefined ? 'not begun' : look(command);
      if (seen === 'not begun') giveAgain.push(command);
      else if (seen === 'done') done.push(command);
      else doubts.push({ command, lookAt: lookAt! });
    }
    if (doubts.length > 0) return { doubts, giveAgain: [], unsaid: [], done: [] };
    if (unsaid !== undefined) this.#journal.decided(unsaid);
    this.#past = undefined;
    return { doubts, giveAgain, unsaid: unsaid ?? [], done };
  }

  #decided(decisions: Decision[]): Decision[] {
    this.#journal.decided(decisions);
    return decisions;
  }

  #demandTakenUp(): void {
    if (this.#past !== undefined) throw new Error('what the journal left has not been taken up');
  }
}

// As texts

const version = 1;

/** The first record: who may go on with this journal. */
export const headText = (configuration: Configuration): string =>
  JSON.stringify({ journal: version, configuration });

/** Undefined where the journal is one of this configuration, and of this version. */
export function headRefusal(text: string, configuration: Configuration): string | undefined {
  if (text === headText(configuration)) return undefined;
  const { journal } = parsed(text);
  if (journal === version)
    return 'it is the journal of another scenario, or of another version of it';
  return journal === undefined
    ? 'it is not the journal of a failover controller'
    : `it is of version ${journal}, and this program writes and reads version ${version}`;
}

export const toldText = (observation: Observation | undefined, at: Instant): string =>
  JSON.stringify(observation === undefined ? { at } : { at, told: observation });

export const decidedText = (decisions: readonly Decision[]): string =>
  JSON.stringify({ decided: decisions });

/**
 * Lives the journal through once more.
 *
 * @param texts All records but the first.
 * @returns The past, or why the journal cannot be taken up.
 */
export function replay(configuration: Configuration, texts: Iterable<string>): Past | string {
  const controller = new Controller(configuration);
  let at = labStart;
  /** Decided by this controller, and not yet found in the journal. */
  let expected: Decision[] | undefined;
  let finished: Past['finished'];
  let record = 1;
  for (const text of texts) {
    record += 1;
    if (expected !== undefined) {
      if (text !== decidedText(expected))
        return `record ${record}: this controller decides otherwise, so another version wrote it`;
      finished = expected.findLast((decision) => decision.kind === 'finish') ?? finished;
      expected = undefined;
      continue;
    }
    const { at: next, told } = parsed(text);
    if (typeof next !== 'number') return `record ${record} says nothing that a controller was told`;
    if (next < at)
      return `record ${record}: the clock goes back from ${showInstant(at)} to ${showInstant(next)}`;
    at = next;
    if (told === undefined) expected = controller.wake(at);
    else {
      if (told.kind === 'order') finished = undefined;
      expected = controller.handle(told, at);
    }
  }
  const never = new Set(expected?.filter(isCommand).map(({ id }) => id));
  const unanswered = controller.status().pending.filter(({ id }) => !never.has(id));
  return { controller, at, unanswered, unsaid: expected, finished };
}

interface Parsed {
  readonly journal?: unknown;
  readonly at?: Instant;
  readonly told?: Observation;
}

/** Its sum was right, so this was written by a program such as this one; only which is the question. */
function parsed(text: string): Parsed {
  try {
    return JSON.parse(text) as Parsed;
  } catch {
    return {};
  }
}
