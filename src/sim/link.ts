/** Cables in virtual time. Each direction of a cable is a `LinkEnd`, named for the port that sends. */
import type { Frame } from '../base/frame.ts';
import type { Random } from '../base/random.ts';
import type { Duration } from '../base/time.ts';
import type { LinkOptions, Traffic } from '../lab/fabric.ts';
import type { Port } from '../stack/device.ts';
import { isLaterFragment, protocolOf, transportAt } from '../stack/packet.ts';
import { etherType } from '../wire/ethernet.ts';

/** A gigabit cable of 200 metres. */
export const gigabit: LinkOptions = { latency: 1000 as Duration, rate: 1e9 };

/**
 * Ports of one VLAN whose cables are all alike and do nothing but wait their turn, so that one
 * event can stand for all copies of a flood. A flood leaves its mark here rather than at each port.
 */
export class Members {
  readonly ends: readonly LinkEnd[];
  readonly peers: readonly Port[];
  /** No member is busy after this moment: an upper bound. */
  busyUntil = 0;
  /** Until when the last flood keeps every member busy but the one it came in by. */
  floodUntil = 0;
  floodExcept: Port | undefined;

  constructor(ends: readonly LinkEnd[]) {
    this.ends = ends;
    this.peers = ends.map(({ peer }) => peer);
  }

  /** Writes what the last flood did at each port, so that ports can be looked at one by one. */
  settle(): void {
    for (const end of this.ends) {
      if (end.port !== this.floodExcept && end.free < this.floodUntil) end.free = this.floodUntil;
    }
    this.floodUntil = 0;
  }
}

/** A cable behind another that only some of the frames take. */
export interface EndPart {
  readonly traffic: Traffic;
  readonly end: LinkEnd;
}

export class LinkEnd {
  readonly port: Port;
  readonly peer: Port;
  readonly options: LinkOptions;
  /** When the last bit of what is queued will have been sent. */
  free = 0;
  /** What it shares with the other ports of its VLAN, if one event can stand for a flood of them. */
  members: Members | undefined;
  up = true;
  /** Its machine has turned the adapter off. */
  muted = false;
  /** Frames may leave: there is a carrier, and the adapter is on. */
  open = true;
  /** Whole nanoseconds per byte where that is exact, which it is at 1 Gbit/s and below. */
  readonly perByte: number;
  readonly latency: number;
  readonly frameMax: number;
  /** How far ahead of now the cable may be taken: what that many bytes in the queue come to. */
  readonly queueTime: number;
  readonly loss: number;
  readonly corruption: number;
  readonly duplication: number;
  readonly jitter: number;
  readonly reordering: number;
  readonly heldBack: number;
  readonly blackHole: boolean;
  readonly parts: readonly EndPart[];
  /** Nothing can happen to a frame here but that it waits its turn. */
  readonly plain: boolean;
  readonly random: Random;

  constructor(port: Port, peer: Port, options: LinkOptions, random: Random) {
    this.port = port;
    this.peer = peer;
    this.options = options;
    this.perByte = 8e9 / options.rate;
    this.latency = options.latency;
    this.frameMax = options.frameMax ?? 9018;
    this.queueTime = (options.queueBytes ?? 1 << 22) * this.perByte;
    this.loss = options.loss ?? 0;
    this.corruption = options.corruption ?? 0;
    this.duplication = options.duplication ?? 0;
    this.jitter = options.jitter ?? 0;
    this.reordering = options.reordering ?? 0;
    this.heldBack = options.heldBack ?? 0;
    this.blackHole = options.blackHole ?? false;
    this.parts = (options.parts ?? []).map(({ traffic, link }) => ({
      traffic,
      end: new LinkEnd(port, peer, link, random),
    }));
    this.plain =
      this.loss === 0 &&
      this.corruption === 0 &&
      this.duplication === 0 &&
      this.jitter === 0 &&
      this.reordering === 0 &&
      !this.blackHole &&
      this.parts.length === 0;
    this.random = random;
  }

  set(up: boolean, muted: boolean): void {
    this.up = up;
    this.muted = muted;
    this.open = up && !muted;
  }

  /** Nanoseconds that a frame of this length occupies the cable; with its check sequence, at least 64 bytes. */
  occupies(length: number): number {
    return Math.ceil((length < 60 ? 64 : length + 4) * this.perByte);
  }
}

export function isOf({ protocol, port }: Traffic, frame: Frame): boolean {
  const { words, start, length } = frame;
  if (length < 34 || words.getUint16(start + 12) !== etherType.ipv4) return false;
  if (protocolOf(frame) !== protocol) return false;
  if (port === undefined || isLaterFragment(frame)) return true;
  const at = transportAt(frame);
  if (at + 4 > length) return false;
  return words.getUint16(start + at) === port || words.getUint16(start + at + 2) === port;
}
