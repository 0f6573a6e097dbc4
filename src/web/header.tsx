/** What came of the run, in a sentence; which run it is; how the page looks; which keys there are. */
import './header.css';
import { useEffect, useRef } from 'preact/hooks';
import { verdictOfRun } from '../trace/result.ts';
import { sentenceOf } from '../view/sentence.ts';
import type { Keys } from './keys.ts';
import type { Store } from './store.ts';

interface Props {
  readonly store: Store;
  readonly keys: Keys;
}

const themes = ['system', 'light', 'dark'] as const;

export function Header({ store, keys }: Props) {
  const help = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    keys.add(
      { key: 't', shown: 'T', does: 'light, dark, or as the system has it', act: nextTheme },
      { key: '?', shown: '?', does: 'these keys', act: () => help.current?.showModal() },
    );
  }, [keys]);
  const nextTheme = (): void => {
    const next = themes[(themes.indexOf(store.theme.value) + 1) % themes.length]!;
    store.theme.value = next;
    document.documentElement.dataset['theme'] = next;
  };
  const result = store.replay.value?.recording.result;
  if (result === undefined) return <h1>Standin reads the run …</h1>;
  const verdict = verdictOfRun(result);
  const runs = store.runs.value;
  const kernel = result.platform?.kernel;
  return (
    <>
      <h1 class={verdict === 'met' ? 'good' : 'bad'}>
        <span aria-hidden="true">{verdict === 'met' ? '✓' : '✗'}</span> {sentenceOf(result)}
      </h1>
      {runs.length > 1 && (
        <label>
          <span class="unseen">Run</span>
          <select
            value={store.chosen.value}
            onChange={(event) => void store.choose(Number(event.currentTarget.value))}
          >
            {runs.map(({ recording: { result: one } }, i) => (
              <option key={i} value={i}>
                {verdictOfRun(one) === 'met' ? '✓' : '✗'} {one.name} {one.case}
              </option>
            ))}
          </select>
        </label>
      )}
      {kernel !== undefined && <span class="quiet">played on {kernel}</span>}
      <button type="button" onClick={nextTheme}>
        Theme: {store.theme.value}
      </button>
      <button type="button" onClick={() => help.current?.showModal()}>
        Keys
      </button>
      <dialog ref={help} aria-label="Keys">
        <table>
          <tbody>
            {keys.all.map(({ key, shown, does }) => (
              <tr key={key}>
                <th scope="row">
                  <kbd>{shown}</kbd>
                </th>
                <td>{does}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <label>
          <input
            type="checkbox"
            checked={keys.enabled}
            onChange={(event) => {
              keys.enabled = event.currentTarget.checked;
            }}
          />{' '}
          these keys are on
        </label>
        <form method="dialog">
          <button type="submit">Close</button>
        </form>
      </dialog>
    </>
  );
}
