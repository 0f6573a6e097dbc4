/** Everything that happened, as a list: only the rows that are seen are made, however many there are. */
import './packets.css';
import { useEffect, useRef, useState } from 'preact/hooks';
import { matching, rowOf, type Which } from '../view/rows.ts';
import type { Keys } from './keys.ts';
import type { Replay, Store } from './store.ts';

interface Props {
  readonly store: Store;
  readonly keys: Keys;
}

const rowHeight = 22;
/** Browsers have no taller elements. */
const tallest = 15_000_000;
/** So many at a time are looked through, so that whoever types need not wait. */
const slice = 4000;

export function Packets({ store, keys }: Props) {
  const [which, setWhich] = useState<Which>('all');
  const [text, setText] = useState('');
  const replay = store.replay.value;
  const found = useFound(replay, which, text);
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    keys.add({ key: '/', shown: '/', does: 'filter the list', act: () => box.current?.focus() });
  }, [keys]);
  if (replay === undefined) return null;
  return (
    <>
      <search class="filter">
        <input
          ref={box}
          type="search"
          placeholder="filter: sql01, ARP, 10.0.10.20 …"
          aria-label="filter"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <select
          aria-label="what is listed"
          value={which}
          onChange={(event) => setWhich(event.currentTarget.value as Which)}
        >
          <option value="all">everything</option>
          <option value="packets">packets</option>
          <option value="drops">what was lost</option>
          <option value="facts">what devices did</option>
        </select>
        <span class="quiet" role="status">
          {found.length} of {replay.log.length}
        </span>
      </search>
      <List store={store} replay={replay} found={found} />
    </>
  );
}

/** Ids that the filter leaves; more come as they are found. */
function useFound(replay: Replay | undefined, which: Which, text: string): readonly number[] {
  const [found, setFound] = useState<readonly number[]>([]);
  useEffect(() => {
    if (replay === undefined) return undefined;
    const all: number[] = [];
    let from = 0;
    let timer = 0;
    const go = (): void => {
      // What costs no words is looked through at once.
      const to = from + (text === '' ? 1_000_000 : slice);
      for (const id of matching(replay.log, which, text, from, to)) all.push(id);
      from = to;
      setFound([...all]);
      if (from < replay.log.length) timer = setTimeout(go);
    };
    timer = setTimeout(go);
    return () => clearTimeout(timer);
  }, [replay, which, text]);
  return found;
}

interface ListProps {
  readonly store: Store;
  readonly replay: Replay;
  readonly found: readonly number[];
}

function List({ store, replay, found }: ListProps) {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const height = Math.min(tallest, found.length * rowHeight);
  const perRow = found.length === 0 ? rowHeight : height / found.length;
  const seen = Math.ceil(window.innerHeight / rowHeight); // it is no taller than that
  const first = Math.max(0, Math.min(found.length - seen, Math.floor(top / perRow)));
  const chosen = store.focus.value.event ?? store.cursor.value;
  const place = placeOf(found, chosen);
  useEffect(() => {
    const list = box.current;
    if (list === null || place < 0) return;
    const at = place * perRow;
    if (at < list.scrollTop || at > list.scrollTop + list.clientHeight - 2 * rowHeight)
      list.scrollTop = at - list.clientHeight / 3;
  }, [place, perRow]);
  const select = (to: number): void => {
    const event = found[Math.min(Math.max(0, to), found.length - 1)];
    if (event === undefined) return;
    store.select({ kind: 'event', event });
    store.detail.value = 'decode';
  };
  const moves: Record<string, number> = { ArrowUp: -1, ArrowDown: 1, PageUp: -15, PageDown: 15 };
  return (
    <div
      ref={box}
      class="events"
      role="listbox"
      tabIndex={0}
      data-keys="own"
      aria-label="events"
      aria-activedescendant={place < 0 ? undefined : `event-${found[place]}`}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      onKeyDown={(event) => {
        const by = moves[event.key];
        if (by === undefined) return;
        event.preventDefault();
        select(place + by);
      }}
    >
      <div style={{ height: `${height}px` }}>
        <div style={{ transform: `translateY(${first * perRow}px)` }}>
          {found.slice(first, first + seen).map((id, i) => {
            const { time, where, what, isDrop } = rowOf(replay.log, id);
            return (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the list has the keys
              // biome-ignore lint/a11y/useFocusableInteractive: the list is focused
              <div
                key={id}
                id={`event-${id}`}
                role="option"
                aria-selected={id === chosen}
                aria-posinset={first + i + 1}
                aria-setsize={found.length}
                class={isDrop ? 'row bad' : 'row'}
                onClick={() => select(first + i)}
              >
                <span>{time}</span>
                <span>{where}</span>
                <span>
                  {isDrop ? '✗ ' : ''}
                  {what}
                </span>
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

/** The place of the last that is not later. */
function placeOf(found: readonly number[], id: number): number {
  let [low, high] = [0, found.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (found[middle]! <= id) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
