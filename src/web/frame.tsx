/** The page as a whole: where each part stands. What a part shows is its own affair. */
import './style.css';
import { useMemo } from 'preact/hooks';
import { Decode } from './decode.tsx';
import { Device } from './device.tsx';
import { Header } from './header.tsx';
import { Keys } from './keys.ts';
import { Packets } from './packets.tsx';
import { Stage } from './stage.tsx';
import { Steps } from './steps.tsx';
import type { Detail, Store } from './store.ts';
import { Transport } from './transport.tsx';
import { Why } from './why.tsx';

interface Props {
  readonly store: Store;
}

export function Frame({ store }: Props) {
  const keys = useMemo(() => {
    const made = new Keys();
    made.add(
      { key: 'a', shown: 'A', does: 'what a device knows', act: () => show(store, 'device') },
      { key: 'd', shown: 'D', does: 'the packet in full', act: () => show(store, 'decode') },
      { key: 'e', shown: 'E', does: 'why it ended so', act: () => show(store, 'why') },
    );
    made.listen(document);
    return made;
  }, [store]);
  return (
    <div class="frame">
      <header>
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
        <Packets store={store} keys={keys} />
      </section>
      <aside class="side" aria-label="Details">
        <Side store={store} />
      </aside>
    </div>
  );
}

const details: readonly { readonly detail: Detail; readonly title: string }[] = [
  { detail: 'device', title: 'Device' },
  { detail: 'decode', title: 'Packet' },
  { detail: 'why', title: 'Why?' },
];

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
