/** The page as a whole: where each part stands. What a part shows is its own affair. */
import './style.css';
import './print.css';
import { useMemo } from 'preact/hooks';
import { Changes } from './changes.tsx';
import { Decode } from './decode.tsx';
import { Device } from './device.tsx';
import { Header } from './header.tsx';
import { Keys } from './keys.ts';
import { Ladder } from './ladder.tsx';
import { Matrix } from './matrix.tsx';
import { Packets } from './packets.tsx';
import { Screens, Whole } from './screens.tsx';
import { Stage } from './stage.tsx';
import { Steps } from './steps.tsx';
import type { Detail, Store, Tab } from './store.ts';
import { Transport } from './transport.tsx';
import { Why } from './why.tsx';

interface Props {
  readonly store: Store;
}

export function Frame({ store }: Props) {
  const keys = useMemo(() => {
    const made = new Keys();
    made.add(
      { key: '1', shown: '1', does: 'the events', act: () => list(store, 'packets') },
      { key: '2', shown: '2', does: 'the ladder', act: () => list(store, 'ladder') },
      { key: '3', shown: '3', does: 'what a step changes', act: () => list(store, 'changes') },
      { key: '4', shown: '4', does: 'who reaches whom', act: () => list(store, 'matrix') },
      { key: 'a', shown: 'A', does: 'what a device knows', act: () => show(store, 'device') },
      { key: 'd', shown: 'D', does: 'the packet in full', act: () => show(store, 'decode') },
      { key: 'e', shown: 'E', does: 'why it ended so', act: () => show(store, 'why') },
    );
    made.listen(document);
    return made;
  }, [store]);
  if (store.screen.value !== 'run') return <Whole store={store} />;
  return (
    <div class="frame">
      <header>
        <Screens store={store} />
        <Header store={store} keys={keys} />
      </header>
      <nav class="steps" aria-label="Steps and expectations">
        <Steps store={store} />
      </nav>
      <main class="stage" aria-label="Topology">
        <Stage store={store} />
      </main>
      <section class="time" aria-label="Time">
        <Transport store={store} keys={keys} />
      </section>
      <section class="lists" aria-label="Events">
        <Lists store={store} keys={keys} />
      </section>
      <aside class="side" aria-label="Details">
        <Side store={store} />
      </aside>
    </div>
  );
}

const tabs: readonly { readonly tab: Tab; readonly title: string }[] = [
  { tab: 'packets', title: 'Events' },
  { tab: 'ladder', title: 'Ladder' },
  { tab: 'changes', title: 'Changes' },
  { tab: 'matrix', title: 'Who reaches whom' },
];

function Lists({ store, keys }: Props & { readonly keys: Keys }) {
  const chosen = store.tab.value;
  return (
    <>
      <div role="tablist" aria-label="Events">
        {tabs.map(({ tab, title }) => (
          <button
            key={tab}
            type="button"
            role="tab"
            id={`tab-${tab}`}
            aria-controls="lists"
            aria-selected={chosen === tab}
            onClick={() => {
              store.tab.value = tab;
            }}
          >
            {title}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="lists" aria-labelledby={`tab-${chosen}`}>
        {chosen === 'packets' && <Packets store={store} keys={keys} />}
        {chosen === 'changes' && <Changes store={store} />}
        {chosen === 'ladder' && <Ladder store={store} />}
        {chosen === 'matrix' && <Matrix store={store} />}
      </div>
    </>
  );
}

const details: readonly { readonly detail: Detail; readonly title: string }[] = [
  { detail: 'device', title: 'Device' },
  { detail: 'decode', title: 'Packet' },
  { detail: 'why', title: 'Why?' },
];

const list = (store: Store, tab: Tab): void => {
  store.tab.value = tab;
};

const show = (store: Store, detail: Detail): void => {
  store.detail.value = detail;
};

function Side({ store }: Props) {
  const chosen = store.detail.value;
  return (
    <>
      <div role="tablist" aria-label="Details">
        {details.map(({ detail, title }) => (
          <button
            key={detail}
            type="button"
            role="tab"
            id={`tab-${detail}`}
            aria-controls="details"
            aria-selected={chosen === detail}
            onClick={() => show(store, detail)}
          >
            {title}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="details" aria-labelledby={`tab-${chosen}`}>
        {chosen === 'device' && <Device store={store} />}
        {chosen === 'decode' && <Decode store={store} />}
        {chosen === 'why' && <Why store={store} />}
      </div>
    </>
  );
}
