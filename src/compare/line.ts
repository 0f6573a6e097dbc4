/** What is kept of a run: lines in layers. */

/** In the order in which they are told. */
export const lockLayers = [
  'verdicts',
  'operations',
  'arp',
  'dhcp',
  'tunnel',
  'ip',
  'tcp',
  'tables',
  'other',
  'timing',
] as const;
export type LockLayer = (typeof lockLayers)[number];

export interface Line {
  /** Of the scenario; 0 before the first, and for what concerns the run as a whole. */
  readonly step: number;
  /** Whose it is: `ARP of 00:50:56:05:8e:0c`. Lines of one stream stand in their order. */
  readonly stream: string;
  readonly what: string;
}

/** By step and name. */
export function sorted(lines: readonly Line[]): Line[] {
  const order = ({ step, stream }: Line, other: Line): number =>
    step - other.step || (stream < other.stream ? -1 : stream > other.stream ? 1 : 0);
  return lines.map(({ step, stream, what }) => ({ step, stream, what })).sort(order);
}
