/** Rows of the domain, each with the line of the program that holds it and the scenario that shows it. */
import type { Change } from './support/without.ts';

export interface Row extends Change {
  readonly row: string;
  /** A file of the gallery, without ending. */
  readonly noticedBy: string;
}

export const rows: readonly Row[] = [
  {
    row: 'ten adapters at most',
    file: 'failover/adapters',
    from: 'vsphere: 10',
    to: 'vsphere: 11',
    noticedBy: '03-vcd-networks',
  },
  {
    row: 'one adapter is for management',
    file: 'failover/adapters',
    from: 'networks.length + 1',
    to: 'networks.length',
    noticedBy: '03-vcd-networks',
  },
];
