/** Two runs of the page from their first difference: one axis of time, what happened in rows side by side. */
import './compare.css';
import { signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { type Instant, showMoment } from '../base/time.ts';
import { compareAlike } from '../compare/compare.ts';
import type { Difference } from '../compare/comparison.ts';
import { type Axis, axisOf, type PairRow, sideBySide, verdictPairs } from '../view/compare.ts';
import type { Replay, Store } from './store.ts';

interface Props {
  readonly store: Store;
}

/** Read when somebody compares, and kept as long as the same two are compared. */
const both = signal<readonly [Replay, Replay] | undefined>(undefined);
/** The row that is selected. */
const row = signal<number | undefined>(undefined);
const layers = signal<readonly Difference[] | undefined>(undefined);

const parts = 400;
/** More say nothing that the first do not. */
const layersMost = 100;

export function Compare({ store }: Props) {
  const [left, right] = store.pair.value;
  const runs = store.runs.value;
  useEffect(() => {
    let isWanted = true;
    both.value = row.value = layers.value = undefined;
    void Promise.all([replayOf(store, left), replayOf(store, right)]).then((read) => {
      if (isWanted) both.value = read;
    });
    return () => {
      isWanted = false;
    };
  }, [store, left, right, runs]);
  return (
    <main class="compare">
      <h2>Compare two runs</h2>
      <div class="choose">
        <Choice store={store} side={0} label="Left" />
        <Choice store={store} side={1} label="Right" />
        <button
          type="button"
          onClick={() => {
            store.pair.value = [right, left];
          }}
        >
          Swap
        </button>
      </div>
      {both.value === undefined ? (
        <p role="status">Reading …</p>
      ) : (
        <Two store={store} replays={both.value} />
      )}
    </main>
  );
}

async function replayOf({ runs }: Store, index: number): Promise<Replay> {
  const run = runs.value[index]!;
  return { recording: run.recording, log: await run.log() };
}

interface ChoiceProps extends Props {
  readonly side: 0 | 1;
  readonly label: string;
}

function Choice({ store, side, label }: ChoiceProps) {
  return (
    <label>
      {label}{' '}
      <select
        value={store.pair.value[side]}
        onChange={(event) => {
          const index = Number(event.currentTarget.value);
          const [left, right] = store.pair.value;
          store.pair.value = side === 0 ? [index, right] : [left, index];
        }}
      >
        {store.runs.value.map(({ recording: { result } }, index) => (
          <option key={index} value={index}>
            {[`${index + 1}: ${result.case || result.name}`, result.case && result.name]
              .filter(Boolean)
              .join(', ')}
          </option>
        ))}
      </select>
    </label>
  );
}

interface TwoProps extends Props {
  readonly replays: readonly [Replay, Replay];
}

function Two({ store, replays }: TwoProps) {
  const [left, right] = replays;
  const found = useMemo(() => {
    const end = Math.max(
      left.recording.result.simulatedTime,
      right.recording.result.simulatedTime,
    ) as Instant;
    return {
      ...sideBySide(left.log, right.log, end),
      verdicts: verdictPairs(left.recording.result, right.recording.result),
      axes: replays.map(({ log, recording }) => axisOf(log, recording.result, end, parts)),
    };
  }, [replays]);
  const { first, behaviour, rows, end, verdicts, axes } = found;
  if (first === undefined)
    return (
      <p>
        <b>Nothing differs.</b> All {left.log.length} events are the same, to the nanosecond and the
        byte.
      </p>
    );
  const chosen = row.value === undefined ? undefined : rows[row.value];
  const parting = behaviour ?? first;
  const at = chosen?.left?.at ?? chosen?.right?.at ?? parting.at;
  return (
    <>
      <p>
        {behaviour !== undefined && <>The labs are not built alike (event #{first.left}). </>}
        <b>
          {behaviour === undefined ? 'They part' : 'They behave otherwise from'}{' '}
          {behaviour === undefined ? 'at ' : ''}
          {showMoment(parting.at)}
          {behaviour === undefined ? '' : ' on'}
        </b>
        ,{' '}
        {parting.step === 0 ? 'before the first step' : `in step ${parting.step}: ${parting.title}`}
        {parting.fields.length > 0 && `; what differs: ${parting.fields.join(', ')}`}.
        {behaviour === undefined && ' All before is the same.'}
      </p>
      <div class="axes" aria-hidden="true">
        {axes.map((axis, side) => (
          <Strip
            key={side}
            label={side === 0 ? 'Left' : 'Right'}
            axis={axis}
            end={end}
            from={parting.at}
            at={chosen === undefined ? at : ((side === 0 ? chosen.left : chosen.right)?.at ?? at)}
          />
        ))}
      </div>
      {verdicts.length > 0 && (
        <div class="wide">
          <table>
            <caption>Expectations that ended otherwise</caption>
            <thead>
              <tr>
                <th scope="col">Expectation</th>
                <th scope="col">Left</th>
                <th scope="col">Right</th>
              </tr>
            </thead>
            <tbody>
              {verdicts.map((pair, i) => (
                <tr key={i}>
                  <th scope="row">{pair.text}</th>
                  <td>{pair.left ?? 'is not there'}</td>
                  <td>{pair.right ?? 'is not there'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <div class="wide">
        <table class="events">
          <caption>Events around the first difference</caption>
          <thead>
            <tr>
              <th scope="col">Alike?</th>
              <th scope="col">Left</th>
              <th scope="col">Right</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((one, i) => (
              <Row key={i} store={store} row={one} place={i} />
            ))}
          </tbody>
        </table>
      </div>
      <details
        onToggle={() => {
          layers.value ??= layersOf(left, right);
        }}
      >
        <summary>All that differs, layer by layer</summary>
        {layers.value !== undefined && <Layers found={layers.value} />}
      </details>
    </>
  );
}

const layersOf = (left: Replay, right: Replay): readonly Difference[] =>
  compareAlike(
    { result: left.recording.result, log: left.log },
    { result: right.recording.result, log: right.log },
  ).differences;

interface RowProps extends Props {
  readonly row: PairRow;
  readonly place: number;
}

const likeness: Record<PairRow['kind'], string> = {
  same: '= same',
  moved: '\u2248 at another time',
  different: '\u2260 differs',
};

function Row({ store, row: one, place }: RowProps) {
  const isChosen = row.value === place;
  return (
    <tr
      class={`${one.kind}${one.isFirst ? ' first' : ''}${isChosen ? ' chosen' : ''}`}
      aria-current={isChosen ? 'true' : undefined}
    >
      <th scope="row">
        <button
          type="button"
          aria-pressed={isChosen}
          onClick={() => {
            row.value = place;
          }}
        >
          {one.isFirst ? `\u25b6 first: ${likeness[one.kind].slice(2)}` : likeness[one.kind]}
        </button>
      </th>
      {[one.left, one.right].map((side, i) => (
        <td key={i}>
          {side === undefined ? (
            <span class="quiet">nothing here</span>
          ) : (
            <>
              <span class="quiet">
                #{side.event}, {showMoment(side.at)},{' '}
              </span>
              <b>{side.node}</b>{' '}
              <span class={side.isDrop ? 'bad' : ''}>
                {side.isDrop ? '\u2717 ' : ''}
                {side.words}
              </span>
              {isChosen && (
                <button
                  type="button"
                  onClick={() => void open(store, store.pair.value[i]!, side.event)}
                >
                  Show in the {i === 0 ? 'left' : 'right'} run
                </button>
              )}
            </>
          )}
        </td>
      ))}
    </tr>
  );
}

async function open(store: Store, run: number, event: number): Promise<void> {
  await store.choose(run);
  store.select({ kind: 'event', event });
  store.screen.value = 'run';
}

interface StripProps {
  readonly label: string;
  readonly axis: Axis;
  readonly end: number;
  readonly from: number;
  readonly at: number;
}

/** Shares of a strip 1000 wide. */
function Strip({ label, axis, end, from, at }: StripProps) {
  const x = (time: number): number => (end === 0 ? 0 : (1000 * time) / end);
  return (
    <div class="strip">
      <span>{label}</span>
      <svg viewBox="0 0 1000 24" preserveAspectRatio="none" aria-hidden="true">
        <rect class="apart" x={x(from)} y={0} width={1000 - x(from)} height={24} />
        {axis.steps.map(({ number, at: begins }) => (
          <line key={number} class="step" x1={x(begins)} x2={x(begins)} y1={0} y2={24} />
        ))}
        {axis.drops.map((part) => (
          <rect key={part} class="drop" x={(1000 * part) / parts} y={14} width={2.5} height={10} />
        ))}
        <line class="at" x1={x(at)} x2={x(at)} y1={0} y2={24} />
      </svg>
    </div>
  );
}

function Layers({ found }: { readonly found: readonly Difference[] }) {
  if (found.length === 0) return <p>No layer differs: only order and times do.</p>;
  return (
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th scope="col">Layer</th>
            <th scope="col">Step</th>
            <th scope="col">Whose</th>
            <th scope="col">Left</th>
            <th scope="col">Right</th>
          </tr>
        </thead>
        <tbody>
          {found.slice(0, layersMost).map(({ layer, step, about, simulated, emulated }, i) => (
            <tr key={i}>
              <th scope="row">{layer}</th>
              <td>{step}</td>
              <td>{about}</td>
              <td>{simulated ?? 'nothing'}</td>
              <td>{emulated ?? 'nothing'}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {found.length > layersMost && <p>And {found.length - layersMost} more.</p>}
    </div>
  );
}
