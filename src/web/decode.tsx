/** One event in full: its layers field by field, the bytes of each, what led to it; in a tunnel, both sides. */
import './decode.css';
import { useState } from 'preact/hooks';
import { type Field, layersOf } from '../view/decode.ts';
import { insideOf, outsideOf } from '../view/envelope.ts';
import { rowOf } from '../view/rows.ts';
import type { Store } from './store.ts';

export function Decode({ store }: { readonly store: Store }) {
  const [marked, mark] = useState<Field | undefined>(undefined);
  const replay = store.replay.value;
  const { event } = store.focus.value;
  if (replay === undefined || event === undefined)
    return <p class="quiet">Select a packet, or something that happened.</p>;
  const { log } = replay;
  const { time, where, what, isDrop } = rowOf(log, event);
  const cause = log.causeOf(event);
  const inside = insideOf(log, event);
  const outside = outsideOf(log, event);
  const sort = log.sortOf(event);
  const bytes = sort === 'fact' ? new Uint8Array(0) : log.bytesOf(event);
  const go = (to: number): void => {
    mark(undefined);
    store.select({ kind: 'event', event: to });
  };
  return (
    <>
      <h2 class={isDrop ? 'bad' : ''}>
        {isDrop ? '✗ ' : ''}
        {where}
      </h2>
      <p>
        at {time} s: {what}
      </p>
      <p>
        {cause >= 0 && (
          <button type="button" onClick={() => go(cause)}>
            What led to it
          </button>
        )}{' '}
        {inside !== undefined && (
          <button type="button" onClick={() => go(inside)}>
            ✉ Open the envelope
          </button>
        )}{' '}
        {outside !== undefined && (
          <button type="button" onClick={() => go(outside)}>
            ✉ The envelope outside
          </button>
        )}
      </p>
      {bytes.length > 0 && (
        <>
          {layersOf(bytes, sort === 'packet' ? 'ipv4' : 'ethernet').map(({ name, fields }, i) => (
            <table key={i} class="layer">
              <caption>{name}</caption>
              <tbody>
                {fields.map((field) => (
                  <tr key={`${field.start} ${field.name}`}>
                    <th scope="row">
                      <button
                        type="button"
                        class="plain"
                        aria-pressed={isSame(marked, field)}
                        onClick={() => mark(isSame(marked, field) ? undefined : field)}
                      >
                        {field.name}
                      </button>
                    </th>
                    <td>{field.value}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          ))}
          <Hex bytes={bytes} marked={marked} />
        </>
      )}
    </>
  );
}

const isSame = (one: Field | undefined, other: Field): boolean =>
  one?.start === other.start && one.end === other.end && one.name === other.name;

const perLine = 8;

/** The bytes, with those of a field marked. */
function Hex({
  bytes,
  marked,
}: {
  readonly bytes: Uint8Array;
  readonly marked: Field | undefined;
}) {
  const { start = 0, end = 0 } = marked ?? {};
  const lines = Array.from({ length: Math.ceil(bytes.length / perLine) }, (_, i) => i * perLine);
  return (
    <div class="hex" role="img" aria-label={`${bytes.length} bytes`}>
      {lines.map((at) => (
        <div key={at}>
          <span class="quiet">{at.toString(16).padStart(4, '0')}</span>
          {[...bytes.subarray(at, at + perLine)].map((byte, i) => (
            <span key={i} class={at + i >= start && at + i < end ? 'byte marked' : 'byte'}>
              {byte.toString(16).padStart(2, '0')}
            </span>
          ))}
        </div>
      ))}
    </div>
  );
}
