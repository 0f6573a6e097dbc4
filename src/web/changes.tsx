/** What the present step has changed in the tables of all devices. */
import './changes.css';
import { useMemo } from 'preact/hooks';
import { changesBetween } from '../view/changes.ts';
import { stretchOf } from '../view/stretch.ts';
import type { Store } from './store.ts';

export function Changes({ store }: { readonly store: Store }) {
  const replay = store.replay.value;
  const devices = store.devices.value;
  const { step = 1 } = store.focus.value;
  const changes = useMemo(() => {
    if (replay === undefined || devices === undefined) return [];
    const { areas } = replay.recording.scene;
    const names = areas.flatMap((area) => area.devices.map(({ name }) => name));
    const { from, to } = stretchOf(replay.log, step);
    return changesBetween(devices, [...names, 'lab'], from - 1, to - 1);
  }, [replay, devices, step]);
  if (changes.length === 0) return <p class="quiet">Step {step} changes no table.</p>;
  return (
    <table class="changes">
      <caption>What step {step} has changed</caption>
      <tbody>
        {changes.map(({ device, table, row, what }) => (
          <tr key={`${device} ${table} ${row} ${what}`}>
            <th scope="row">
              <button
                type="button"
                disabled={device === 'lab'}
                onClick={() => {
                  store.select({ kind: 'device', device });
                  store.detail.value = 'device';
                }}
              >
                {device}
              </button>
            </th>
            <td>{table}</td>
            <td class={what === 'new' ? 'good' : 'bad'}>{what === 'new' ? '+ new' : '− gone'}</td>
            <td>{row}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
