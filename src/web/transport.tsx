/** Time: on, back, step by step, and where in the run the picture stands. */
import './transport.css';
import { useEffect, useRef } from 'preact/hooks';
import { densityOf, type TimeMode } from '../view/timeline.ts';
import type { Keys } from './keys.ts';
import type { Store } from './store.ts';

interface Props {
  readonly store: Store;
  readonly keys: Keys;
}

const speeds = [0.25, 0.5, 1, 2, 4, 16, 64];

export function Transport({ store, keys }: Props) {
  useEffect(() => {
    keys.add(
      { key: ' ', shown: 'Space', does: 'play, or stop', act: () => store.toggle() },
      { key: 'ArrowLeft', shown: '←', does: 'one event back', act: () => store.stepBy(-1) },
      { key: 'ArrowRight', shown: '→', does: 'one event on', act: () => store.stepBy(1) },
      {
        key: 'Shift+ArrowLeft',
        shown: 'Shift ←',
        does: 'one step back',
        act: () => store.toStep(-1),
      },
      {
        key: 'Shift+ArrowRight',
        shown: 'Shift →',
        does: 'one step on',
        act: () => store.toStep(1),
      },
      { key: 'Home', shown: 'Home', does: 'to the beginning', act: () => store.seek(0) },
      { key: 'End', shown: 'End', does: 'to the end', act: () => store.seek(Infinity) },
      { key: 'j', shown: 'J', does: 'the next packet that was lost', act: () => store.toDrop(1) },
      { key: 'k', shown: 'K', does: 'the one before', act: () => store.toDrop(-1) },
      { key: 'f', shown: 'F', does: 'follow this packet, or no longer', act: () => store.follow() },
    );
  }, [keys, store]);
  useEffect(() => play(store), [store.playing.value, store]);
  const { playing, speed, mode } = store;
  const timeline = store.timeline.value;
  if (timeline === undefined) return null;
  const isFollowed = store.followed.value !== undefined;
  return (
    <>
      <div class="buttons">
        <button type="button" aria-label="one step back" onClick={() => store.toStep(-1)}>
          ⇤
        </button>
        <button type="button" aria-label="one event back" onClick={() => store.stepBy(-1)}>
          ←
        </button>
        <button
          type="button"
          aria-label={playing.value ? 'stop' : 'play'}
          onClick={() => store.toggle()}
        >
          {playing.value ? 'Stop' : 'Play'}
        </button>
        <button type="button" aria-label="one event on" onClick={() => store.stepBy(1)}>
          →
        </button>
        <button type="button" aria-label="one step on" onClick={() => store.toStep(1)}>
          ⇥
        </button>
        <label>
          Speed{' '}
          <select
            value={speed.value}
            onChange={(event) => {
              speed.value = Number(event.currentTarget.value);
            }}
          >
            {speeds.map((one) => (
              <option key={one} value={one}>
                × {one}
              </option>
            ))}
          </select>
        </label>
        <label>
          Waiting{' '}
          <select
            value={mode.value}
            onChange={(event) => {
              store.setMode(event.currentTarget.value as TimeMode);
            }}
          >
            <option value="compressed">is passed over</option>
            <option value="real">takes its time</option>
          </select>
        </label>
        <button type="button" aria-pressed={isFollowed} onClick={() => store.follow()}>
          Follow this packet
        </button>
        <output>{(store.now.value / 1e9).toFixed(6)} s</output>
      </div>
      <Density store={store} />
      <input
        type="range"
        aria-label="time"
        aria-valuetext={`${(store.now.value / 1e9).toFixed(3)} seconds`}
        min="0"
        max={timeline.length}
        step="any"
        value={store.position.value}
        onInput={(event) => store.moveTo(Number(event.currentTarget.value))}
      />
    </>
  );
}

/** Goes on with every picture that the browser shows. */
function play(store: Store): (() => void) | undefined {
  if (!store.playing.value) return undefined;
  let last = performance.now();
  let wanted = requestAnimationFrame(function next(now) {
    store.goOn((now - last) * store.speed.value);
    last = now;
    if (store.playing.value) wanted = requestAnimationFrame(next);
  });
  return () => cancelAnimationFrame(wanted);
}

const parts = 600;

/** Where much happens, and where something is lost. */
function Density({ store }: { readonly store: Store }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [replay, timeline] = [store.replay.value, store.timeline.value];
  const theme = store.theme.value;
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context || replay === undefined || timeline === undefined) return;
    const { events, drops } = densityOf(replay.log, timeline, parts);
    const most = Math.log(1 + Math.max(1, ...events));
    const style = getComputedStyle(canvas.current!);
    context.clearRect(0, 0, parts, 24);
    for (let i = 0; i < parts; i += 1) {
      const height = (Math.log(1 + events[i]!) / most) * 16;
      context.fillStyle = style.color;
      context.fillRect(i, 24 - height, 1, height);
      if (drops[i] === 0) continue;
      context.fillStyle = style.borderTopColor;
      context.fillRect(i, 0, 1, 6);
    }
  }, [replay, timeline, theme]);
  return <canvas ref={canvas} width={parts} height={24} />;
}
