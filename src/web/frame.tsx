/** The page as a whole: where each part stands. What a part shows is its own affair. */
import './style.css';
import './print.css';
import { Matrix } from './matrix.tsx';
import { Screens, Whole } from './screens.tsx';
import type { Store, Tab } from './store.ts';

interface Props {
  readonly store: Store;
}

export function Frame({ store }: Props) {
  if (store.screen.value !== 'run') return <Whole store={store} />;
  return (
    <div class="frame">
      <header>
        <h1 class="unseen">Standin</h1>
        <Screens store={store} />
      </header>
      <nav class="steps" aria-label="Steps and expectations" />
      <main class="stage" aria-label="Topology" />
      <section class="time" aria-label="Time" />
      <section class="lists" aria-label="Lists">
        <Tabs store={store} />
      </section>
      <aside class="side" aria-label="Details" />
    </div>
  );
}

const tabs: readonly { readonly tab: Tab; readonly title: string }[] = [
  { tab: 'packets', title: 'Packets' },
  { tab: 'ladder', title: 'Ladder' },
  { tab: 'changes', title: 'Changes' },
  { tab: 'matrix', title: 'Who reaches whom' },
];

function Tabs({ store }: Props) {
  return (
    <>
      <div role="tablist" aria-label="Lists">
        {tabs.map(({ tab, title }) => (
          <button
            key={tab}
            type="button"
            role="tab"
            id={`tab-${tab}`}
            aria-controls="tabpanel"
            aria-selected={store.tab.value === tab}
            onClick={() => {
              store.tab.value = tab;
            }}
          >
            {title}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="tabpanel" aria-labelledby={`tab-${store.tab.value}`}>
        {store.tab.value === 'matrix' && <Matrix store={store} />}
      </div>
    </>
  );
}
