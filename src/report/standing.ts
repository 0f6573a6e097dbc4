/** Labs on kernels, for reading: what would be made, how one stands, and what keeps one from standing. */
import type { Obstacle } from '../trace/checkup.ts';
import type { Host, LabSketch, LabStatus, MachineStatus } from '../trace/standing.ts';
import { obstacleText } from './doctor.ts';
import { columns } from './tables.ts';
import { count, inWords, plain, type Style, safe } from './terminal.ts';

const made: Record<Host, string> = { kernel: 'namespace', standin: 'Standin' };

export function sketchText(sketch: LabSketch, style: Style = plain): string {
  const { machines, bridges, namespaces, cables, processes } = sketch;
  const rows = machines.flatMap(({ name, kind, host, running, adapters, programs }) => {
    const first = [
      style('title', safe(name)),
      kind,
      `${made[host]}${running ? '' : ', off'}`,
      programs.join(', '),
    ];
    const more = adapters.map(({ name: adapter, mac, mtu, address }) => [
      '',
      safe(adapter),
      mac,
      `${address}${address === '' ? '' : ', '}MTU ${mtu}`,
    ]);
    return [first, ...more];
  });
  for (const { name, ports } of bridges)
    rows.push([style('title', safe(name)), 'bridge', 'namespace', count(ports, 'port')]);
  const sum = [
    count(namespaces, 'network namespace'),
    count(cables, 'VXLAN adapter'),
    `${processes} ${processes === 1 ? 'process' : 'processes'}`,
  ].join(', ');
  return `${[...columns(rows), '', ` ${sum}, in a sandbox; nothing outside of it is touched`].join('\n')}\n`;
}

export interface StatusOptions {
  readonly file: string;
  readonly case: string;
  readonly style?: Style;
}

export function statusText(status: LabStatus, options: StatusOptions): string {
  const { style = plain, file } = options;
  const { now, latest, machines, tunnels } = status;
  const which = options.case === '' ? '' : ` · ${safe(options.case)}`;
  const late = latest === 0 ? 'never late' : `${inWords(latest as never)} late at worst`;
  const lines = [
    ` ${style('title', safe(file))}${which} · stands for ${inWords(now as never)}, ${late}`,
    '',
    ...columns(machines.flatMap((machine) => machineRows(machine, style))),
  ];
  if (tunnels.length > 0) lines.push('');
  for (const { node, tunnel, state } of tunnels)
    lines.push(`  tunnel ${safe(tunnel)} at ${safe(node)} is ${state}`);
  return `${lines.join('\n')}\n`;
}

function machineRows(
  { name, host, power, namespace, adapters }: MachineStatus,
  style: Style,
): string[][] {
  const where = namespace ?? (host === 'standin' ? 'Standin' : '');
  const first = [style('title', safe(name)), power, where];
  const rows = adapters.flatMap((adapter) => [
    [
      '',
      safe(adapter.name),
      adapter.device ?? '',
      adapter.mac,
      adapter.addresses.map(safe).join(', '),
    ],
    ...adapter.neighbours.map(({ ip, mac, state }) => ['', '', '', mac, `${ip} ${state}`]),
  ]);
  return [first, ...rows];
}

/** Why a lab cannot stand here, and what would mend it. */
export function obstaclesText(
  obstacles: readonly Obstacle[],
  file: string,
  style: Style = plain,
): string {
  const lines = [
    ` cannot emulate: ${count(obstacles.length, 'requirement')} not met`,
    ...obstacles.flatMap((obstacle) => {
      const mend = obstacle.check?.mend;
      const line = `   ${style('bad', '✗')} ${safe(obstacleText(obstacle))}`;
      return mend === undefined ? [line] : [line, `       ${style('code', safe(mend))}`];
    }),
    ` The simulator needs none of this:  standin run ${safe(file)}`,
  ];
  return `${lines.join('\n')}\n`;
}
