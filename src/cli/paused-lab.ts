/**
 * A scenario on a clock that stands still until somebody says otherwise. It can go back: the same deeds
 * from the beginning, without the last, lead to where it was before that.
 */
import { setImmediate } from 'node:timers/promises';
import { nodeCrypto } from '../crypto/node.ts';
import type { Lab } from '../lab/lab.ts';
import { compile } from '../scenario/compile.ts';
import { Player } from '../scenario/play.ts';
import type { Scenario, Step } from '../scenario/scenario.ts';
import { SimBackend } from '../sim/backend.ts';
import { EventLog } from '../trace/log.ts';

/** Something that lets time run or changes the lab. */
export interface Deed<T> {
  /** As the user typed it. */
  readonly text: string;
  /** It is the next step of the scenario. */
  readonly isStep?: true;
  readonly play: (player: Player, lab: Lab) => Promise<T>;
}

/** A storm is broken off before it fills the memory: nobody looks at so many events by hand. */
const eventsMax = 5_000_000;

export class PausedLab {
  readonly #scenario: Scenario;
  readonly #deeds: Deed<unknown>[] = [];
  #lab!: Lab;
  #player!: Player;

  private constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  /** Before its first step, when all machines have their addresses. */
  static async begin(scenario: Scenario): Promise<PausedLab> {
    const paused = new PausedLab(scenario);
    await paused.#restart();
    return paused;
  }

  get lab(): Lab {
    return this.#lab;
  }

  /** Why nothing goes on any more, if it does not. */
  get brokenOff(): string | undefined {
    const { brokenOff, brokenOffBy } = this.#player.brokenOff;
    return brokenOffBy ?? brokenOff;
  }

  /** The step of the scenario that comes next; undefined after the last. */
  get next(): Step | undefined {
    return this.#scenario.steps[this.#played];
  }

  get last(): Step | undefined {
    return this.#scenario.steps[this.#played - 1];
  }

  get #played(): number {
    return this.#deeds.filter(({ isStep }) => isStep).length;
  }

  async do<T>(deed: Deed<T>): Promise<T> {
    const outcome = await deed.play(this.#player, this.#lab);
    this.#deeds.push(deed);
    return outcome;
  }

  /** @returns What was taken back; undefined where there was nothing. */
  async back(): Promise<string | undefined> {
    const undone = this.#deeds.pop();
    if (undone === undefined) return undefined;
    await this.#restart();
    for (const { play } of this.#deeds) await play(this.#player, this.#lab);
    return undone.text;
  }

  async #restart(): Promise<void> {
    const breathe = (): Promise<void> => setImmediate();
    const backend = new SimBackend({ crypto: nodeCrypto, eventsMax, breathe });
    this.#lab = await backend.start(compile(this.#scenario), new EventLog('full'));
    this.#player = new Player(this.#scenario, this.#lab);
    await this.#player.settle();
  }
}
