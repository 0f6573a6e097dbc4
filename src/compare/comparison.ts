/** What came of comparing two runs of one scenario: plain data, for reports. */
import type { LegitimateId } from './legitimate.ts';

/** What is compared, in the order in which it is told. */
export const layers = [
  'verdicts',
  'ARP',
  'ICMP errors',
  'arrivals',
  'deliveries',
  'neighbours',
  'switch entries',
  'addresses',
  'TCP',
  'DHCP',
  'WireGuard',
  'other frames',
] as const;
export type Layer = (typeof layers)[number];

export interface Comparison {
  /** How many things there were to compare, on the side that had more of them. */
  readonly compared: Readonly<Record<Layer, number>>;
  /** In the order of time. */
  readonly differences: readonly Difference[];
  /** Of the differences, the first that is not legitimate. The runs agree where there is none. */
  readonly first?: Difference;
}

export interface Difference {
  readonly layer: Layer;
  /** Of the scenario; 0 before the first. */
  readonly step: number;
  readonly title: string;
  /** Whose it is: `web01 asks`, `probe 3`. */
  readonly about: string;
  /** Absent where that side has nothing of the kind. */
  readonly simulated?: string;
  readonly emulated?: string;
  /** Both sides have it, but not in the same place. */
  readonly moved?: true;
  /** The first frame that is not the same, in one line. */
  readonly frame?: string;
  readonly legitimate?: LegitimateId;
}
