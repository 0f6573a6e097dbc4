/** What the devices say to each other in the present step, one below the other. */
import './ladder.css';
import { useMemo } from 'preact/hooks';
import { ladderOf } from '../view/ladder.ts';
import { layout } from '../view/layout.ts';
import { stretchOf } from '../view/stretch.ts';
import type { Store } from './store.ts';

const lane = 130;
const rung = 20;
const head = 26;

export function Ladder({ store }: { readonly store: Store }) {
  const replay = store.replay.value;
  const { step = 1, event } = store.focus.value;
  const ladder = useMemo(() => {
    if (replay === undefined) return undefined;
    const { scene } = replay.recording;
    const order = [...layout(scene).devices.values()].sort((a, b) => a.x - b.x || a.y - b.y);
    const { from, to } = stretchOf(replay.log, step);
    const names = order.map(({ title }) => title);
    return ladderOf(replay.log, names, from, to);
  }, [replay, step]);
  if (ladder === undefined) return null;
  const { lanes, rungs, isCut } = ladder;
  if (rungs.length === 0) return <p class="quiet">Nobody says anything in this step.</p>;
  const height = head + (rungs.length + 1) * rung;
  const x = (place: number): number => (place + 0.5) * lane;
  return (
    <div class="ladder">
      <p class="quiet">
        Step {step}
        {isCut ? `, its first ${rungs.length} frames: the list of events has all` : ''}
      </p>
      <svg
        width={lanes.length * lane}
        height={height}
        viewBox={`0 0 ${lanes.length * lane} ${height}`}
        role="img"
        aria-label="ladder diagram"
      >
        {lanes.map((name, i) => (
          <g key={name}>
            <text class="lane" x={x(i)} y={16}>
              {name}
            </text>
            <line class="rail" x1={x(i)} y1={head} x2={x(i)} y2={height} />
          </g>
        ))}
        {rungs.map((one, i) => {
          const y = head + (i + 1) * rung;
          const [from, to] = [x(one.from), x(one.to)];
          const toward = to > from ? -1 : 1;
          return (
            // biome-ignore lint/a11y/noStaticElementInteractions: the list of events has the same for the keyboard
            <g
              key={`${one.event} ${one.to}`}
              class={`${one.isDrop ? 'rung lost' : 'rung'} ${one.event === event ? 'chosen' : ''}`}
              onClick={() => {
                store.select({ kind: 'event', event: one.event });
                store.detail.value = one.isDrop ? 'why' : 'decode';
              }}
            >
              <title>{one.what}</title>
              {one.isDrop ? (
                <text class="words" x={from} y={y}>
                  ✗ {one.what}
                </text>
              ) : (
                <>
                  <line x1={from} y1={y} x2={to} y2={y} />
                  <path d={`M${to} ${y}l${toward * 7} -4v8z`} />
                  <text class="words" x={(from + to) / 2} y={y - 3}>
                    {one.what.length > 60 ? `${one.what.slice(0, 57)}…` : one.what}
                  </text>
                </>
              )}
            </g>
          );
        })}
      </svg>
    </div>
  );
}
