/** From one screen to another, where a page has several runs; and the frame of those that are not one run. */
import { Compare } from './compare.tsx';
import { Overview } from './overview.tsx';
import type { Screen, Store } from './store.ts';

interface Props {
  readonly store: Store;
}

const screens: readonly { readonly screen: Screen; readonly title: string }[] = [
  { screen: 'overview', title: 'Overview' },
  { screen: 'run', title: 'Run' },
  { screen: 'compare', title: 'Compare' },
];

export function Screens({ store }: Props) {
  if (store.runs.value.length < 2) return null;
  return (
    <nav class="screens" aria-label="Screens">
      {screens.map(({ screen, title }) => (
        <button
          key={screen}
          type="button"
          aria-current={store.screen.value === screen ? 'page' : undefined}
          onClick={() => {
            store.screen.value = screen;
            if (screen === 'run' && store.replay.value === undefined)
              void store.choose(store.chosen.value);
          }}
        >
          {title}
        </button>
      ))}
    </nav>
  );
}

/** What takes the whole page. */
export function Whole({ store }: Props) {
  return (
    <div class="whole">
      <header>
        <h1 class="unseen">Standin</h1>
        <Screens store={store} />
      </header>
      {store.screen.value === 'overview' ? <Overview store={store} /> : <Compare store={store} />}
    </div>
  );
}
