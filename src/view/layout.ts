/**
 * Where devices stand: tenant sites on the left, the internet in the middle, the provider on the right, a
 * device the further out the more cables lie between it and the internet. The same scene always gives the
 * same picture, so that two runs can be held against each other.
 */
import type { Scene, SceneArea, SceneDevice } from '../trace/scene.ts';

export interface Placed {
  readonly width: number;
  readonly height: number;
  readonly areas: readonly Box[];
  readonly devices: ReadonlyMap<string, PlacedDevice>;
  readonly cables: readonly PlacedCable[];
  /** By port: the device that it belongs to. */
  readonly owners: ReadonlyMap<string, string>;
}

export interface Box {
  readonly title: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Its middle, and its size. */
export interface PlacedDevice extends Box {
  readonly device: SceneDevice;
}

export interface PlacedCable {
  readonly from: string;
  readonly to: string;
}

const row = 62;
const gap = 30;
const edge = 18;
const titleRoom = 22;
const deviceHeight = 40;
const perLetter = 7.2;

export function layout(scene: Scene): Placed {
  const distances = distancesIn(scene);
  const devices = new Map<string, PlacedDevice>();
  const areas: Box[] = [];
  const sides = (['tenant', 'internet', 'provider'] as const).map((side) =>
    scene.areas.filter((area) => area.side === side).map((area) => columnsOf(area, distances)),
  );
  let left = edge;
  let height = 0;
  for (const side of sides) {
    const width = Math.max(0, ...side.map(widthOf));
    let top = edge;
    for (const { area, columns } of side) {
      const rows = Math.max(1, ...columns.map((column) => column.length));
      const own = rows * row + titleRoom;
      areas.push({ title: area.title, x: left, y: top, width, height: own });
      // Tenants keep to the right, where the internet is, the provider to the left.
      let x = area.side === 'tenant' ? left + width - edge : left + edge;
      for (const column of columns) {
        const wide = Math.max(...column.map(deviceWidth));
        const middle = area.side === 'tenant' ? x - wide / 2 : x + wide / 2;
        for (const [i, device] of column.entries()) {
          const y = top + titleRoom + ((i + 0.5) * (rows * row)) / column.length;
          const size = { width: deviceWidth(device), height: deviceHeight };
          devices.set(device.name, { title: device.name, x: middle, y, ...size, device });
        }
        x += area.side === 'tenant' ? -(wide + gap) : wide + gap;
      }
      top += own + edge;
    }
    height = Math.max(height, top);
    if (side.length > 0) left += width + gap / 2;
  }
  const cables = scene.cables.map(({ a, b }) => ({ from: a.device, to: b.device }));
  const owners = new Map(
    scene.cables.flatMap(({ a, b }) => [[a.port, a.device] as const, [b.port, b.device] as const]),
  );
  return { width: left + edge, height, areas, devices, cables, owners };
}

const deviceWidth = ({ name, detail }: SceneDevice): number =>
  Math.max(64, Math.max(name.length, detail.length) * perLetter + 22);

interface Columns {
  readonly area: SceneArea;
  /** The one that is closest to the internet first. */
  readonly columns: readonly (readonly SceneDevice[])[];
}

function columnsOf(area: SceneArea, distances: ReadonlyMap<string, number>): Columns {
  const found = new Map<number, SceneDevice[]>();
  const furthest = Math.max(0, ...area.devices.map(({ name }) => distances.get(name) ?? 0));
  for (const device of area.devices) {
    const distance = distances.get(device.name) ?? furthest;
    found.set(distance, [...(found.get(distance) ?? []), device]);
  }
  const columns = [...found].sort(([one], [other]) => one - other).map(([, column]) => column);
  return { area, columns };
}

const widthOf = ({ columns }: Columns): number =>
  columns.reduce((sum, column) => sum + Math.max(...column.map(deviceWidth)), 0) +
  gap * (columns.length - 1) +
  2 * edge;

/** How many cables lie between each device and the internet. */
function distancesIn({ areas, cables }: Scene): ReadonlyMap<string, number> {
  const beside = new Map<string, string[]>();
  const join = (one: string, other: string): void => {
    beside.set(one, [...(beside.get(one) ?? []), other]);
  };
  for (const { a, b } of cables) {
    join(a.device, b.device);
    join(b.device, a.device);
  }
  const begins = areas
    .flatMap(({ devices }) => devices)
    .filter(({ role }) => role === 'internet')
    .map(({ name }) => name);
  const distances = new Map(begins.map((name) => [name, 0]));
  for (const [name, distance] of distances)
    for (const next of beside.get(name) ?? [])
      if (!distances.has(next)) distances.set(next, distance + 1);
  return distances;
}
