/** All runs of the page: a row for each scenario, a cell for each case of its matrix, failures first. */
import './overview.css';
import { signal } from '@preact/signals';
import { countsOf, type OverviewCell, overviewOf, type RunState } from '../view/overview.ts';
import { Glyph, type GlyphKind } from './glyph.tsx';
import { rove } from './roving.ts';
import type { Store } from './store.ts';

interface Props {
  readonly store: Store;
}

const words: Record<RunState, { readonly text: string; readonly glyph: GlyphKind }> = {
  failed: { text: 'failed', glyph: 'bad' },
  'broken-off': { text: 'broken off', glyph: 'none' },
  unchecked: { text: 'not all checked', glyph: 'none' },
  limit: { text: 'limit reproduced', glyph: 'limit' },
  passed: { text: 'passed', glyph: 'good' },
};

const filter = signal('');

export function Overview({ store }: Props) {
  const results = store.runs.value.map(({ recording }) => recording.result);
  const rows = overviewOf(results, filter.value);
  const first = rows[0]?.cells[0]?.run;
  const shown = rows.reduce((sum, { cells }) => sum + cells.length, 0);
  const isShown = rows.some(({ cells }) => cells.some(({ run }) => run === store.chosen.value));
  const stop = isShown ? store.chosen.value : first;
  return (
    <main class="overview">
      <h2>Overview</h2>
      <ul class="counts">
        {countsOf(results).map(({ state, count }) => (
          <li key={state}>
            <button
              type="button"
              aria-pressed={filter.value === state}
              onClick={() => {
                filter.value = filter.value === state ? '' : state;
              }}
            >
              <Glyph kind={words[state].glyph} /> {count} {words[state].text}
            </button>
          </li>
        ))}
      </ul>
      <label class="narrow">
        Filter{' '}
        <input
          type="search"
          value={filter.value}
          onInput={(event) => {
            filter.value = event.currentTarget.value;
          }}
        />{' '}
        <span class="quiet" role="status">
          {shown} of {results.length} runs
        </span>
      </label>
      {/* biome-ignore lint/a11y/useSemanticElements: its cells wrap, and are not in columns */}
      <div role="grid" class="runs" aria-label="Runs" data-keys="own" onKeyDown={rove}>
        {rows.map(({ file, name, cells }) => (
          // biome-ignore lint/a11y/useFocusableInteractive: its cells are what has the focus
          // biome-ignore lint/a11y/useSemanticElements: see above
          <div role="row" key={file} class="scenario" data-row="">
            {/* biome-ignore lint/a11y/useFocusableInteractive: see above */}
            {/* biome-ignore lint/a11y/useSemanticElements: see above */}
            <div role="rowheader" class="name">
              <b>{name}</b>
              <span class="quiet file">{file}</span>
            </div>
            {cells.map((cell) => (
              // biome-ignore lint/a11y/useFocusableInteractive: the button in it is what has the focus
              // biome-ignore lint/a11y/useSemanticElements: see above
              <div role="gridcell" key={cell.run}>
                <Cell store={store} cell={cell} isStop={cell.run === stop} />
              </div>
            ))}
          </div>
        ))}
      </div>
      {rows.length === 0 && <p>No run has all these words.</p>}
    </main>
  );
}

interface CellProps extends Props {
  readonly cell: OverviewCell;
  readonly isStop: boolean;
}

function Cell({ store, cell, isStop }: CellProps) {
  const { text, glyph } = words[cell.state];
  return (
    <button
      type="button"
      class={`run ${cell.state}`}
      tabIndex={isStop ? 0 : -1}
      onClick={() => void open(store, cell.run)}
    >
      <span class="state">
        <Glyph kind={glyph} /> {text}
      </span>
      {cell.case !== '' && <span class="case">{cell.case}</span>}
      <span class="quiet because">{cell.because}</span>
    </button>
  );
}

/** The screen last, so that the run before it is no place to come back to. */
async function open(store: Store, run: number): Promise<void> {
  await store.choose(run);
  store.screen.value = 'run';
}
