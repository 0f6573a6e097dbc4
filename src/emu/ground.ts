/** What kernel machines stand on: the kernel, the cables to it, and the lab that they are part of. */
import type { Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import type { Cables } from './cable.ts';
import type { Kernel } from './kernel.ts';

export interface Ground {
  readonly kernel: Kernel;
  readonly cables: Cables;
  /** The script that agents run. */
  readonly agent: string;
  readonly sink: Sink;
  /** Lets the lab catch up with the clock, before something from outside happens in it. */
  catchUp(): Instant;
  /** Nothing goes on in the lab until then: what a machine was told must be so before anything follows from it. */
  hold(until: Promise<void>): void;
  /** Something has happened in the lab from outside. */
  stir(): void;
  /** Who is told what the kernel learns about neighbours in a namespace. */
  readonly neighbours: Map<number, NeighbourListener>;
}

export interface NeighbourNews {
  /** The kernel's number of the adapter. */
  readonly index: number;
  readonly ip: string;
  /** Empty while unknown. */
  readonly mac: string;
  /** In the kernel's word: `REACHABLE`; `gone` where the entry was removed. */
  readonly state: string;
}

export type NeighbourListener = (news: NeighbourNews) => void;
