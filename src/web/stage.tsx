/** The picture: devices and cables, and what is on its way between them at the instant that is shown. */
import './stage.css';
import { useMemo } from 'preact/hooks';
import type { SceneDevice } from '../trace/scene.ts';
import { layout, type Placed, type PlacedDevice } from '../view/layout.ts';
import { movementAt } from '../view/movement.ts';
import type { Store } from './store.ts';

interface Props {
  readonly store: Store;
}

export function Stage({ store }: Props) {
  const scene = store.replay.value?.recording.scene;
  const placed = useMemo(() => scene && layout(scene), [scene]);
  if (placed === undefined) return null;
  return (
    // biome-ignore lint/a11y/useSemanticElements: there is no fieldset in SVG
    <svg
      viewBox={`0 0 ${placed.width} ${placed.height}`}
      role="group"
      aria-label="Devices, and packets on their way"
    >
      <Ground placed={placed} />
      {[...placed.devices.values()].map((one) => (
        <Device key={one.title} store={store} one={one} />
      ))}
      <Packets store={store} placed={placed} />
    </svg>
  );
}

function Ground({ placed: { areas, cables, devices } }: { readonly placed: Placed }) {
  return (
    <>
      {areas.map(({ title, x, y, width, height }) => (
        <g key={`${title} ${y}`} class="area">
          <rect x={x} y={y} width={width} height={height} rx="8" />
          <text x={x + 8} y={y + 16}>
            {title}
          </text>
        </g>
      ))}
      {cables.map(({ from, to }, i) => {
        const [a, b] = [devices.get(from)!, devices.get(to)!];
        return <line key={i} class="cable" x1={a.x} y1={a.y} x2={b.x} y2={b.y} />;
      })}
    </>
  );
}

/** Who looks at the picture sees a shape, who hears it the word. */
const words: Readonly<Record<SceneDevice['role'], string>> = {
  vm: 'VM',
  replica: 'replica',
  router: 'router',
  'tenant-appliance': 'network extension appliance of the tenant',
  'provider-appliance': 'network extension appliance of the provider',
  'cloud-gateway': 'cloud gateway',
  'edge-gateway': 'edge gateway',
  internet: 'internet',
  'dhcp-server': 'DHCP server',
  client: 'client',
  'provider-router': 'router of the provider',
  switch: 'switch',
};

function Device({ store, one }: Props & { readonly one: PlacedDevice }) {
  const { device, x, y, width, height } = one;
  const { name, role, detail } = device;
  const event = store.cursor.value;
  const devices = store.devices.value!;
  const power = devices.powerOf(name, event);
  const tunnels = devices.tunnelsOf(name, event);
  const isUp = tunnels.some(({ state }) => state === 'up');
  const isChosen = store.focus.value.device === name;
  const tunnel = tunnels.map((of) => `, tunnel ${of.tunnel} ${of.state}`).join('');
  const select = (): void => {
    store.select({ kind: 'device', device: name });
    store.detail.value = 'device';
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: there are no buttons in SVG
    <g
      class={`device ${role} ${power} ${isUp ? 'tunnelled' : ''}`}
      role="button"
      tabindex={0}
      aria-pressed={isChosen}
      aria-label={`${name}, ${words[role]}, ${power}${tunnel}`}
      transform={`translate(${x - width / 2} ${y - height / 2})`}
      onClick={select}
      onKeyDown={(pressed) => {
        if (pressed.key !== 'Enter' && pressed.key !== ' ') return;
        pressed.preventDefault();
        select();
      }}
    >
      <rect width={width} height={height} rx={role === 'switch' ? 2 : 7} />
      <text x={width / 2} y={detail === '' && power === 'on' ? 24 : 17}>
        {name}
      </text>
      <text class="detail" x={width / 2} y={32}>
        {power === 'on' ? detail : power === 'off' ? '○ off' : '◌ starting'}
      </text>
    </g>
  );
}

/** Alone redrawn while time goes on. */
function Packets({ store, placed: { devices, owners } }: Props & { readonly placed: Placed }) {
  const replay = store.replay.value;
  const timeline = store.timeline.value;
  if (replay === undefined || timeline === undefined) return null;
  const { moving, ended } = movementAt(replay.log, timeline, store.position.value);
  const followed = store.followed.value;
  const chosen = store.focus.value.event;
  return (
    <g class="packets">
      {moving.map(({ event, from, to, way, envelope }) => {
        const a = devices.get(owners.get(from) ?? '');
        const b = devices.get(owners.get(to) ?? '');
        if (a === undefined || b === undefined) return null;
        const share = store.still.value ? 0.5 : way;
        const [x, y] = [a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share];
        const isDim = followed !== undefined && !store.belongs(followed, event);
        return (
          // biome-ignore lint/a11y/noStaticElementInteractions: the list of events has the same for the keyboard
          <g
            key={`${event} ${to}`}
            class={`${envelope ? 'envelope' : 'packet'} ${isDim ? 'dim' : ''} ${chosen === event ? 'chosen' : ''}`}
            transform={`translate(${x} ${y})`}
            onClick={() => {
              store.select({ kind: 'event', event });
              store.detail.value = 'decode';
            }}
          >
            {envelope ? <path d="M-10 -7H10V7H-10Z M-10 -7L0 2L10 -7" /> : <circle r="6" />}
          </g>
        );
      })}
      {ended.map(({ event, device, reason }, i) => {
        const at = devices.get(device);
        if (at === undefined) return null;
        return (
          <g key={event} class="ended" transform={`translate(${at.x} ${at.y + 32 + i * 14})`}>
            <text>✗ {reason}</text>
          </g>
        );
      })}
    </g>
  );
}
