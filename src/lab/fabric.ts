/**
 * What devices are built into: cables, a clock, a log. The simulation is one; the emulation is
 * another, whose cables lead to real kernels.
 */
import type { Random } from '../base/random.ts';
import type { Duration, Instant } from '../base/time.ts';
import type { Port, Sink } from '../stack/device.ts';

export interface LinkOptions {
  /** How long a bit travels. */
  readonly latency: Duration;
  /** Bits per second. */
  readonly rate: number;
  /** Longest frame it carries, without the check sequence. */
  readonly frameMax?: number;
  /** Bytes that may wait to be sent; more are dropped from the tail. */
  readonly queueBytes?: number;
  /** Share of the frames that is lost, 0 to 1. */
  readonly loss?: number;
  /** Share of the frames in which one bit is turned. */
  readonly corruption?: number;
  /** Share of the frames that come twice. */
  readonly duplication?: number;
  /** Each frame is delayed by up to this much more; frames may overtake each other. */
  readonly jitter?: Duration;
  /** Share of the frames that are held back, and for how long: those behind overtake them. */
  readonly reordering?: number;
  readonly heldBack?: Duration;
  /** Nothing arrives, and nobody is told. */
  readonly blackHole?: boolean;
  /** What happens to some of the frames besides. */
  readonly parts?: readonly LinkPart[];
}

/** Frames of one kind, which have a further cable to themselves behind the one that all share. */
export interface LinkPart {
  readonly traffic: Traffic;
  readonly link: LinkOptions;
}

/** IPv4 packets of a protocol; with a port, the UDP datagrams from it or to it, whole or in pieces. */
export interface Traffic {
  readonly protocol: number;
  readonly port: number | undefined;
}

export const isSameTraffic = (a: Traffic, b: Traffic): boolean =>
  a.protocol === b.protocol && a.port === b.port;

export interface Task {
  run(): void;
}

export interface Fabric extends Sink {
  readonly now: Instant;
  readonly random: Random;
  connect(a: Port, b: Port, options: LinkOptions): void;
  /** Changes what a cable does from now on, in the direction away from the port. */
  impair(port: Port, options: LinkOptions): void;
  /** Moves a cable to another port, as when a machine is started anew: the port takes over the old one's place. */
  replug(from: Port, to: Port): void;
  setLink(port: Port, up: boolean): void;
  /** A machine turns the adapter off itself: nothing leaves by the port, and its carrier stays. */
  mute(port: Port, muted: boolean): void;
  peerOf(port: Port): Port | undefined;
  at(when: Instant, task: Task): void;
}
