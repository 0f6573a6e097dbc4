/** The tab "Who reaches whom": what was asked, step by step, and when nobody answered. */
import './matrix.css';
import { computed } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { roughly, showMoment } from '../base/time.ts';
import {
  type Bar,
  type Column,
  type FlowLine,
  type ReachCell,
  type ReachState,
  reachOf,
} from '../view/reach.ts';
import { Glyph, type GlyphKind } from './glyph.tsx';
import { rove } from './roving.ts';
import type { Store } from './store.ts';

interface Props {
  readonly store: Store;
}

const words: Record<ReachState, { readonly text: string; readonly glyph: GlyphKind }> = {
  reached: { text: 'reached', glyph: 'good' },
  late: { text: 'not at once', glyph: 'late' },
  limit: { text: 'not, as it has to be', glyph: 'limit' },
  lost: { text: 'not reached', glyph: 'bad' },
  unasked: { text: 'not asked', glyph: 'none' },
};

export function Matrix({ store }: Props) {
  const found = useMemo(
    () =>
      computed(() => {
        const replay = store.replay.value;
        return replay && reachOf(replay.log, replay.recording.result);
      }),
    [store],
  );
  if (found.value === undefined) return null;
  const { columns, rows, end } = found.value;
  if (rows.length === 0)
    return <p class="matrix-none">Nobody asked whether anybody reaches anybody.</p>;
  const lines = rows.filter(({ line }) => line !== undefined);
  const [first] = rows.flatMap(({ cells }, row) =>
    cells.flatMap(({ goTo }, at) => (goTo ? [`${row} ${at}`] : [])),
  );
  return (
    <div class="matrix" data-keys="own">
      {/* biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: arrow keys go through its cells */}
      <table role="grid" aria-label="Who reaches whom" onKeyDown={rove}>
        <thead>
          <tr>
            <th scope="col">Asked</th>
            {columns.map((column) => (
              <th key={column.step} scope="col" class={isNow(store, column) ? 'now' : ''}>
                <span class="number">Step {column.step}</span>
                <span class="title">{column.title}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ title, cells }, row) => (
            <tr key={title} data-row="">
              <th scope="row">{title}</th>
              {cells.map((cell, at) => (
                <td key={columns[at]!.step} class={isNow(store, columns[at]!) ? 'now' : ''}>
                  <Cell store={store} cell={cell} isStop={first === `${row} ${at}`} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {lines.length > 0 && (
        <section class="outages" aria-label="Outages">
          <h3>Asked all the time</h3>
          {lines.map(({ title, line }) => (
            <Line key={title} store={store} title={title} line={line!} end={end} />
          ))}
        </section>
      )}
      <p class="quiet legend">
        {Object.entries(words).map(([state, { text, glyph }]) => (
          <span key={state}>
            <Glyph kind={glyph} /> {text}
          </span>
        ))}
      </p>
    </div>
  );
}

const isNow = ({ now }: Store, { from, until }: Column): boolean =>
  now.value >= from && now.value < until;

interface CellProps extends Props {
  readonly cell: ReachCell;
  readonly isStop: boolean;
}

function Cell({ store, cell, isStop }: CellProps) {
  const { state, sent, answered, code, isUnexpected, goTo } = cell;
  const { text, glyph } = words[state];
  if (goTo === undefined)
    return (
      <span class="quiet">
        <Glyph kind={glyph} /> <span class="unseen">{text}</span>
      </span>
    );
  const { step, expectation } = store.focus.value;
  const isChosen = goTo.kind === 'expectation' && goTo.step === step && goTo.index === expectation;
  return (
    <button
      type="button"
      class={state}
      tabIndex={isStop ? 0 : -1}
      aria-pressed={isChosen}
      onClick={() => store.select(goTo)}
    >
      <Glyph kind={glyph} /> {text}
      {code !== undefined && <span class="code">{code}</span>}
      {sent > 1 && (
        <span class="quiet count">
          {answered} of {sent} answered
        </span>
      )}
      {isUnexpected && <b class="bad">against what was expected</b>}
    </button>
  );
}

interface LineProps extends Props {
  readonly title: string;
  readonly line: FlowLine;
  readonly end: number;
}

function Line({ store, title, line, end }: LineProps) {
  const { from, to, sent, answered, outages } = line;
  const share = (at: number): string => `${end === 0 ? 0 : (100 * at) / end}%`;
  return (
    <div class="line">
      <div class="said">
        <b>{title}</b>{' '}
        <span class="quiet">
          {answered} of {sent} answered
        </span>
      </div>
      <div class="bar" aria-hidden="true">
        <span class="asked" style={{ left: share(from), width: share(to - from) }} />
        {outages.map((bar) => (
          <span
            key={bar.from}
            class="lost"
            style={{ left: share(bar.from), width: share(bar.to - bar.from) }}
          />
        ))}
        <span class="cursor" style={{ left: share(store.now.value) }} />
      </div>
      {outages.length > 0 && (
        <ul>
          {outages.map((bar) => (
            <li key={bar.from}>
              <button type="button" onClick={() => store.select(bar.goTo)}>
                <Glyph kind="bad" /> {outageText(bar)}
                {bar.code !== undefined && <span class="code">{bar.code}</span>}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function outageText({ from, to, length, lost, isOpen }: Bar): string {
  const until = isOpen ? 'to the end' : `to ${showMoment(to)}`;
  const questions = lost === 1 ? 'question' : 'questions';
  return `${roughly(length)} without an answer: ${showMoment(from)} ${until}, ${lost} ${questions} in vain`;
}
