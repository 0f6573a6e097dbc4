/** What every layer makes of a run: things with a name, in streams whose order counts. */
import { type Duration, type Instant, milliseconds } from '../base/time.ts';

/** What happens this close to the end of a step may as well have happened on the other side of it. */
export const window: Duration = milliseconds(250);

export interface Item {
  /** Things of one stream are compared in order; streams are independent of each other. */
  readonly stream: string;
  /** What is compared, and what people read. */
  readonly what: string;
  readonly at: Instant;
  readonly step: number;
  /** The frame that shows it, or that led to it. */
  readonly frame?: number;
  /** What it was as well, shortly before or after: instants are no matter, their order is. */
  readonly nearly?: readonly string[];
  /** Nothing need be there on the other side: it came or went at just that time. */
  readonly fleeting?: true;
  /** Where it is made of several: the first that differs is shown. */
  readonly parts?: readonly Part[];
  readonly traits?: Traits;
}

export interface Part {
  readonly what: string;
  readonly frame: number;
}

/** What the rules of legitimate differences go by. */
export interface Traits {
  /** A neighbour that is known was asked whether it is still there, or answered that: a timer says when. */
  readonly refresh?: true;
  /** The same machine has sent the very same before: a timer says when it does so again. */
  readonly again?: true;
  /** A machine asks whether an address is free, or tells that it has it (RFC 5227). */
  readonly claim?: true;
  /** A table entry ended because a neighbour that was known did not answer any more. */
  readonly expired?: true;
  /** The same entry was valid before, with this MAC address. */
  readonly was?: string;
  /** Of a DHCP exchange that began with the address which the client had before. */
  readonly reboots?: true;
  /** A neighbour that the machine has leased an address to, or that it has its own from. */
  readonly leased?: true;
  /** A timer with chance in it made it. */
  readonly timed?: true;
  /** A protocol that machines speak by themselves and that no scenario is about. */
  readonly background?: true;
}

export const isSame = (one: Item, other: Item): boolean =>
  one.what === other.what ||
  (one.nearly?.includes(other.what) ?? false) ||
  (other.nearly?.includes(one.what) ?? false);
