/** One device at the instant that is shown: what it knows, and what it has sent, got and lost. */
import './device.css';
import type { Store } from './store.ts';

export function Device({ store }: { readonly store: Store }) {
  const replay = store.replay.value;
  if (replay === undefined) return null;
  const { scene } = replay.recording;
  const names = scene.areas.flatMap(({ devices }) => devices.map(({ name }) => name));
  const { device = names[0] ?? '', row } = store.focus.value;
  const {
    tables,
    power,
    out,
    in: got,
    drops,
  } = store.devices.value!.at(device, store.cursor.value);
  const { now } = store;
  return (
    <>
      <label>
        Device{' '}
        <select
          value={device}
          onChange={(event) => store.select({ kind: 'device', device: event.currentTarget.value })}
        >
          {names.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <p class={power === 'on' ? '' : 'bad'}>
        {power === 'on' ? '● on' : power === 'booting' ? '◌ starting' : '○ off'} · {out} frames out
        · {got} in · {drops} ended here
      </p>
      {tables.length === 0 && <p class="quiet">It knows nothing yet.</p>}
      {tables.map(({ title, columns, rows }) => (
        <table key={title}>
          <caption>{title}</caption>
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
              <th scope="col">since</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ cells, since }) => {
              const key = cells.join(' ');
              const isNew = since === now.value;
              const isChosen = row?.table === title && row.key === key;
              return (
                <tr key={key} class={isNew ? 'changed' : ''} aria-current={isChosen}>
                  {cells.map((cell, i) => (
                    <td key={i}>{cell}</td>
                  ))}
                  <td>
                    <button
                      type="button"
                      title="go to when it became so"
                      onClick={() => {
                        store.select({ kind: 'row', device, table: title, key });
                        store.seek(since);
                      }}
                    >
                      {isNew ? '★ now' : `${(since / 1e9).toFixed(3)} s`}
                    </button>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      ))}
    </>
  );
}
