/**
 * The frame path: what runs once per frame. A device is told of a frame on a port and hands what
 * follows to a sink that comes with the call. The sink queues it and delivers it later, never
 * inside the call, so that order never depends on the call stack; a test passes a sink that
 * collects, and compares a list.
 */
import type { Frame, FrameMemory } from '../base/frame.ts';
import type { Instant } from '../base/time.ts';
import type { EventLog } from '../trace/log.ts';
import type { Reason } from '../trace/reasons.ts';

/** Anything with ports. It holds its time as an argument: the same class runs on any clock. */
export interface Device {
  readonly name: string;
  /** A frame has come in. May keep or rewrite it as `frame.exclusive` allows. */
  receive(port: Port, frame: Frame, now: Instant, sink: Sink): void;
  /** Does whatever has come due. Calling it early or twice is harmless. */
  wake(now: Instant, sink: Sink): void;
  /** The cable of a port was plugged or pulled. */
  carrier(port: Port, up: boolean, now: Instant, sink: Sink): void;
}

/** Where a cable goes in. */
export class Port {
  readonly device: Device;
  /** Position among the ports of its device, from 0. */
  readonly index: number;
  readonly name: string;
  /** Position among all ports of the network, given when it is built. */
  id = -1;
  /**
   * Whoever is behind this port does nothing at all about a broadcast ARP request for another
   * address than `arpAddress`, so that an engine that nobody watches need not deliver it.
   */
  arpDeaf = false;
  arpAddress = 0;

  constructor(device: Device, index: number, name: string) {
    this.device = device;
    this.index = index;
    this.name = name;
  }

  get label(): string {
    return `${this.device.name}.${this.name}`;
  }
}

/** What a frame is flooded to: never changed once made, so that a flood under way stays what it was. */
export interface PortGroup {
  readonly ports: readonly Port[];
}

/** Where the consequences of a call go. */
export interface Sink {
  readonly frames: FrameMemory;
  readonly log: EventLog;
  /** Puts the frame on the cable at this port. The caller gives it up. */
  send(port: Port, frame: Frame): void;
  /** Puts the frame on the cable at every port of the group but one. The caller gives it up. */
  flood(group: PortGroup, except: Port, frame: Frame): void;
  /** The frame ends here. */
  drop(port: Port, frame: Frame, reason: Reason): void;
  /** Asks for `device.wake` at `when`, or as soon after as can be. Asking twice is harmless. */
  wakeAt(device: Device, when: Instant): void;
}
