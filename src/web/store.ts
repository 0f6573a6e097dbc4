/**
 * What the page shows, as signals: which run, which instant, what is selected. Parts of the page read
 * them and call the methods here; no part knows another.
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { Instant } from '../base/time.ts';
import { isNoise } from '../explain/tree.ts';
import type { EventLog } from '../trace/log.ts';
import type { Recording } from '../trace/recording.ts';
import { Devices } from '../view/devices.ts';
import { type Focus, focusOn, lastUntil, type Pointed } from '../view/selection.ts';
import { stepAt } from '../view/stretch.ts';
import { Timeline, type TimeMode } from '../view/timeline.ts';

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
export type Detail = 'device' | 'decode' | 'why';
export type Theme = 'system' | 'light' | 'dark';

export class Store {
  readonly runs: Signal<readonly Run[]>;
  readonly screen: Signal<Screen> = signal('run');
  /** Which run is shown; its place in `runs`. */
  readonly chosen: Signal<number> = signal(0);
  /** The two that are compared. */
  readonly pair: Signal<readonly [left: number, right: number]> = signal([0, 1]);
  readonly replay: Signal<Replay | undefined> = signal(undefined);
  readonly focus: Signal<Focus> = signal({});
  readonly mode: Signal<TimeMode> = signal('compressed');
  readonly timeline: ReadonlySignal<Timeline | undefined>;
  /** Where in the timeline the picture stands, in milliseconds of watching. */
  readonly position: Signal<number> = signal(0);
  /** The instant that is shown. */
  readonly now: ReadonlySignal<Instant>;
  /** The last event that has happened by then; -1 before the first. */
  readonly cursor: ReadonlySignal<number>;
  readonly devices: ReadonlySignal<Devices | undefined>;
  readonly playing: Signal<boolean> = signal(false);
  readonly speed: Signal<number> = signal(1);
  readonly tab: Signal<Tab> = signal('packets');
  readonly detail: Signal<Detail> = signal('device');
  readonly theme: Signal<Theme> = signal('system');
  /** Who asked for less motion sees packets on their cables, and not moving along. */
  readonly still: Signal<boolean> = signal(false);
  /** Everything that has to do with this event is shown alone. */
  readonly followed: Signal<number | undefined> = signal(undefined);
  /** How many runs were wanted: what was read for an earlier one is too late. */
  #wanted = 0;

  constructor(runs: readonly Run[]) {
    this.runs = signal(runs);
    this.timeline = computed(() => {
      const replay = this.replay.value;
      if (replay === undefined) return undefined;
      return new Timeline(replay.log, replay.recording.result.simulatedTime, this.mode.value);
    });
    this.devices = computed(() => this.replay.value && new Devices(this.replay.value.log));
    this.now = computed(
      () => this.timeline.value?.instantAt(this.position.value) ?? (0 as Instant),
    );
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
    if (wanted !== this.#wanted) return;
    batch(() => {
      this.chosen.value = index;
      this.focus.value = {};
      this.followed.value = undefined;
      this.playing.value = false;
      this.position.value = 0;
      this.replay.value = { recording: run.recording, log };
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
      if (focus.event === undefined || focus.event === old.event) return;
      this.playing.value = false;
      this.position.value = this.timeline.value!.of(focus.event);
    });
  }

  /** Goes to an instant. */
  seek(at: number): void {
    const replay = this.replay.value;
    if (replay === undefined) return;
    const { simulatedTime } = replay.recording.result;
    const instant = Math.min(Math.max(0, at), simulatedTime) as Instant;
    this.moveTo(this.timeline.value!.positionOf(instant));
  }

  /** Goes to a position: which event was selected is no longer what is seen. */
  moveTo(position: number): void {
    const { length } = this.timeline.value!;
    batch(() => {
      this.position.value = Math.min(Math.max(0, position), length);
      const { event: _, ...rest } = this.focus.value;
      this.focus.value = { ...rest, ...this.#stepNow() };
    });
  }

  setMode(mode: TimeMode): void {
    const { value: now } = this.now;
    batch(() => {
      this.mode.value = mode;
      this.position.value = this.timeline.value?.positionOf(now) ?? 0;
    });
  }

  toggle(): void {
    const timeline = this.timeline.value;
    if (timeline === undefined) return;
    const isAtEnd = this.position.value >= timeline.length;
    if (!this.playing.value && isAtEnd) this.moveTo(0);
    this.playing.value = !this.playing.value;
  }

  /** Time goes on by so many milliseconds of watching. */
  goOn(milliseconds: number): void {
    const { length } = this.timeline.value!;
    const position = this.position.value + milliseconds;
    this.moveTo(position);
    if (position >= length) this.playing.value = false;
  }

  /** So many events on, or back. */
  stepBy(count: number): void {
    const replay = this.replay.value;
    if (replay === undefined || replay.log.length === 0) return;
    const from = this.focus.value.event ?? this.cursor.value;
    const event = Math.min(Math.max(0, from + count), replay.log.length - 1);
    this.select({ kind: 'event', event });
  }

  /** To the beginning of the next step, or of the one before. */
  toStep(direction: 1 | -1): void {
    const steps = this.replay.value?.recording.result.steps ?? [];
    const now = this.now.value;
    const next =
      direction > 0 ? steps.find(({ at }) => at > now) : steps.findLast(({ at }) => at < now);
    if (next !== undefined) this.select({ kind: 'step', step: next.number });
  }

  /** To the next packet that was lost, or to the one before; not to what nobody was meant to take. */
  toDrop(direction: 1 | -1): void {
    const log = this.replay.value?.log;
    if (log === undefined) return;
    const from = this.focus.value.event ?? this.cursor.value;
    for (let id = from + direction; id >= 0 && id < log.length; id += direction) {
      if (log.sortOf(id) !== 'drop' || isNoise(log.reasonOf(id))) continue;
      this.select({ kind: 'event', event: id });
      this.detail.value = 'why';
      return;
    }
  }

  /** Shows what has to do with the selected event alone, or all again. */
  follow(): void {
    const { event } = this.focus.value;
    this.followed.value = this.followed.value === undefined ? event : undefined;
  }

  /** Whether an event led to another, or came of it. */
  belongs(one: number, other: number): boolean {
    const log = this.replay.value!.log;
    let [late, early] = one > other ? [one, other] : [other, one];
    while (late > early) late = log.causeOf(late);
    return late === early;
  }

  #stepNow(): Focus {
    const { log, recording } = this.replay.value!;
    const step = recording.result.steps[stepAt(log, this.cursor.value) - 1];
    return step === undefined ? {} : { step: step.number, line: step.line };
  }
}
