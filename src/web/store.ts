/**
 * What the page shows, as signals: which run, which instant, what is selected. Parts of the page read
 * them and call the methods here; no part knows another.
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { Instant } from '../base/time.ts';
import type { EventLog } from '../trace/log.ts';
import type { Recording } from '../trace/recording.ts';
import { type Focus, focusOn, lastUntil, type Pointed } from '../view/selection.ts';

/** A run that can be looked at: what came of it is known, its log is read when it is wanted. */
export interface Run {
  readonly recording: Recording;
  log(): Promise<EventLog>;
}

/** A run with its log. */
export interface Replay {
  readonly recording: Recording;
  readonly log: EventLog;
}

export type Screen = 'overview' | 'run' | 'compare';
export type Tab = 'packets' | 'ladder' | 'changes' | 'matrix';

export class Store {
  readonly runs: Signal<readonly Run[]>;
  readonly screen: Signal<Screen> = signal('run');
  /** Which run is shown; its place in `runs`. */
  readonly chosen: Signal<number> = signal(0);
  /** The two that are compared. */
  readonly pair: Signal<readonly [left: number, right: number]> = signal([0, 1]);
  readonly replay: Signal<Replay | undefined> = signal(undefined);
  readonly focus: Signal<Focus> = signal({});
  /** The instant that is shown. */
  readonly now: Signal<Instant> = signal(0 as Instant);
  /** The last event that has happened by then; -1 before the first. */
  readonly cursor: ReadonlySignal<number>;
  readonly playing: Signal<boolean> = signal(false);
  readonly tab: Signal<Tab> = signal('packets');
  readonly detail: Signal<'decode' | 'device' | 'why'> = signal('device');
  /** Everything that has to do with this event is shown alone. */
  readonly followed: Signal<number | undefined> = signal(undefined);
  /** Results are hidden, as long as somebody is asked what they will be. */
  readonly hidden: Signal<boolean> = signal(false);
  /** Said aloud to who does not see the picture; throttled by who shows it. */
  readonly said: Signal<string> = signal('');
  /** How many runs were wanted: what was read for an earlier one is too late. */
  #wanted = 0;

  constructor(runs: readonly Run[]) {
    this.runs = signal(runs);
    this.cursor = computed(() => {
      const replay = this.replay.value;
      return replay === undefined ? -1 : lastUntil(replay.log, this.now.value);
    });
  }

  /** Shows a run from its beginning. */
  async choose(index: number): Promise<void> {
    const run = this.runs.value[index];
    if (run === undefined) return;
    const wanted = ++this.#wanted;
    const log = await run.log();
    if (wanted === this.#wanted) this.show(index, { recording: run.recording, log });
  }

  /** Another replay in the place of the present one; where time stands and what is selected stay if they can. */
  show(index: number, replay: Replay): void {
    batch(() => {
      const isAnother = this.chosen.value !== index || this.replay.value === undefined;
      this.chosen.value = index;
      this.replay.value = replay;
      const { simulatedTime } = replay.recording.result;
      if (isAnother || this.now.value > simulatedTime) this.now.value = 0 as Instant;
      const { event } = this.focus.value;
      if (isAnother || (event !== undefined && event >= replay.log.length)) this.focus.value = {};
      this.followed.value = undefined;
    });
  }

  /** Selects something; the picture goes to the time at which it happened. */
  select(on: Pointed): void {
    const replay = this.replay.value;
    if (replay === undefined) return;
    batch(() => {
      const old = this.focus.value;
      const focus = focusOn(replay.log, replay.recording.result, old, on);
      this.focus.value = focus;
      if (focus.event !== undefined && focus.event !== old.event)
        this.now.value = replay.log.timeOf(focus.event);
    });
  }

  /** Goes to an instant; time stands there. What is selected stays. */
  seek(at: number): void {
    const { simulatedTime = 0 } = this.replay.value?.recording.result ?? {};
    this.now.value = Math.min(Math.max(0, Math.round(at)), simulatedTime) as Instant;
  }

  /** So many events on, or back. */
  stepBy(count: number): void {
    const replay = this.replay.value;
    if (replay === undefined || replay.log.length === 0) return;
    const from = this.focus.value.event ?? this.cursor.value;
    const event = Math.min(Math.max(0, from + count), replay.log.length - 1);
    this.select({ kind: 'event', event });
  }
}
