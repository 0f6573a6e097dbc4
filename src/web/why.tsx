/** Why something ended as it did: the sentence, the way of the packet hop by hop, what would change it. */
import { reasons } from '../trace/reasons.ts';
import type { ExpectationResult } from '../trace/result.ts';
import { Mark } from './steps.tsx';
import type { Store } from './store.ts';

interface Props {
  readonly store: Store;
}

export function Why({ store }: Props) {
  const replay = store.replay.value;
  const { step, expectation, event } = store.focus.value;
  if (replay === undefined) return null;
  const one = replay.recording.result.steps[(step ?? 0) - 1]?.expectations[expectation ?? -1];
  if (one !== undefined) return <Expectation store={store} one={one} />;
  const chosen = event === undefined ? undefined : replay.log.read(event);
  if (chosen?.kind !== 'drop')
    return <p class="quiet">Select an expectation, or a packet that was dropped.</p>;
  const { meaning, remedy } = reasons[chosen.reason];
  return (
    <>
      <h2>{chosen.reason}</h2>
      <p>
        {chosen.port}: {meaning}
      </p>
      <p>{remedy}</p>
    </>
  );
}

function Expectation({ store, one }: Props & { readonly one: ExpectationResult }) {
  const { text, detail, code, why, remedy, hops = [], also = [], change, healsAt } = one;
  return (
    <>
      <h2>
        <Mark one={one} /> {text}
      </h2>
      {detail !== '' && <p>{detail}</p>}
      {code !== undefined && (
        <p>
          <strong>{code}</strong>: {why ?? reasons[code].meaning}
        </p>
      )}
      {remedy !== undefined && <p>What helps: {remedy}</p>}
      {change !== undefined && (
        <p>
          In the file:{' '}
          <button type="button" onClick={() => store.select({ kind: 'line', line: change.line })}>
            line {change.line}
          </button>{' '}
          {change.text}
        </p>
      )}
      {healsAt !== undefined && <p>It heals by itself at {(healsAt / 1e9).toFixed(3)} s.</p>}
      {also.map((other) => (
        <p key={other.text}>
          Also in the way: {other.code}: {other.text}
        </p>
      ))}
      {hops.length > 0 && <h3>The way of the packet</h3>}
      <ol>
        {hops.map((hop, i) => (
          <li key={i} class={hop.dropped ? 'bad' : ''}>
            <button
              type="button"
              class="plain"
              disabled={hop.event === undefined}
              onClick={() => {
                store.select({ kind: 'event', event: hop.event! });
                store.detail.value = 'why';
                store.focus.value = { ...store.focus.value, ...placeOf(store, one) };
              }}
            >
              {hop.dropped ? '✗ ' : ''}
              <strong>{hop.where}</strong>: {hop.what}
            </button>
          </li>
        ))}
      </ol>
    </>
  );
}

/** Whoever looks at its hops still looks at the expectation. */
function placeOf(store: Store, one: ExpectationResult) {
  const steps = store.replay.value!.recording.result.steps;
  const step = steps.find(({ expectations }) => expectations.includes(one))!;
  return { step: step.number, expectation: step.expectations.indexOf(one), line: one.line };
}
