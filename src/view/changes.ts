/** What is in the tables of all devices after a stretch of a run and was not before, and the other way round. */
import type { Devices } from './devices.ts';

export interface Changed {
  readonly device: string;
  readonly table: string;
  readonly row: string;
  readonly what: 'new' | 'gone';
}

/**
 * @param before The last event before the stretch; -1 for the beginning.
 * @param after Its last event.
 */
export function changesBetween(
  devices: Devices,
  names: readonly string[],
  before: number,
  after: number,
): Changed[] {
  return names.flatMap((device) => {
    const [old, now] = [rowsAt(devices, device, before), rowsAt(devices, device, after)];
    const changed: Changed[] = [];
    for (const [key, [table, row]] of old)
      if (!now.has(key)) changed.push({ device, table, row, what: 'gone' });
    for (const [key, [table, row]] of now)
      if (!old.has(key)) changed.push({ device, table, row, what: 'new' });
    return changed;
  });
}

function rowsAt(
  devices: Devices,
  device: string,
  event: number,
): ReadonlyMap<string, readonly [table: string, row: string]> {
  const rows = new Map<string, readonly [string, string]>();
  const { tables, power } = devices.at(device, event);
  rows.set(`power ${power}`, ['power', power]);
  for (const { title, rows: all } of tables)
    for (const { cells } of all) {
      const row = cells.join(' · ');
      rows.set(`${title} ${row}`, [title, row]);
    }
  return rows;
}
