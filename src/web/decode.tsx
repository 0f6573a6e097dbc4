/** One event in full: what it says, its bytes, what led to it, and what it led to; in a tunnel, both sides. */
import { insideOf, outsideOf } from '../view/envelope.ts';
import { rowOf } from '../view/rows.ts';
import type { Store } from './store.ts';

export function Decode({ store }: { readonly store: Store }) {
  const replay = store.replay.value;
  const { event } = store.focus.value;
  if (replay === undefined || event === undefined)
    return <p class="quiet">Select a packet, or something that happened.</p>;
  const { log } = replay;
  const { time, where, what, isDrop } = rowOf(log, event);
  const cause = log.causeOf(event);
  const inside = insideOf(log, event);
  const outside = outsideOf(log, event);
  const go = (to: number): void => store.select({ kind: 'event', event: to });
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
      <pre>{hexOf(log.bytesOf(event))}</pre>
    </>
  );
}

/** Sixteen bytes a line, with what of them is text. */
function hexOf(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const part = [...bytes.subarray(at, at + 16)];
    const hex = part.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = part.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : '.'));
    lines.push(`${at.toString(16).padStart(4, '0')}  ${hex.padEnd(47)}  ${text.join('')}`);
  }
  return lines.join('\n');
}
