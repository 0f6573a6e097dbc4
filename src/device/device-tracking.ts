/**
 * IP device tracking, as access switches do it: the switch remembers which address was heard on
 * which port, and asks now and then whether it is still there. It has no address to ask from, so
 * its questions look like those of a machine that wants the address for itself: ARP probes from
 * 0.0.0.0 (Cisco documents 116529 and 118630; RFC 5227 section 2.1.1).
 */
import type { Machine } from '../base/machine.ts';
import { after, type Duration, earliest, type Instant } from '../base/time.ts';
import type { Port } from '../stack/device.ts';
import type { Ipv4, Mac } from '../wire/address.ts';

export interface TrackingOptions {
  /** The sender of the questions. */
  readonly mac: Mac;
  /** How long after a cable came up the first question is asked on it (`probe delay`). */
  readonly delay: Duration;
  /** How long after an address was last heard it is asked for (`probe interval`). */
  readonly interval: Duration;
}

export type TrackingInput =
  /** Somebody has said by ARP that it has an address. */
  | { readonly kind: 'heard'; readonly ip: Ipv4; readonly mac: Mac; readonly port: Port }
  | { readonly kind: 'link'; readonly port: Port; readonly up: boolean };

/** A question out of a port, to one adapter alone. */
export interface TrackingProbe {
  readonly port: Port;
  readonly ip: Ipv4;
  readonly mac: Mac;
}

const probeCount = 3; // unanswered, before a machine counts as gone
const entriesMax = 1024;

interface Entry {
  readonly ip: Ipv4;
  readonly mac: Mac;
  readonly port: Port;
  /** Questions until it counts as gone. */
  left: number;
  next: Instant | undefined;
}

export class DeviceTracking implements Machine<TrackingInput, TrackingProbe> {
  readonly mac: Mac;
  readonly #delay: Duration;
  readonly #interval: Duration;
  /** By address, the one heard last at the end. */
  readonly #entries = new Map<Ipv4, Entry>();

  constructor({ mac, delay, interval }: TrackingOptions) {
    this.mac = mac;
    this.#delay = delay;
    this.#interval = interval;
  }

  handle(input: TrackingInput, now: Instant): TrackingProbe[] {
    if (input.kind === 'heard') {
      this.#heard(input.ip, input.mac, input.port, now);
      return [];
    }
    for (const entry of this.#entries.values()) {
      if (entry.port !== input.port) continue;
      entry.left = probeCount;
      entry.next = input.up ? after(now, this.#delay) : undefined;
    }
    return this.wake(now);
  }

  wake(now: Instant): TrackingProbe[] {
    const probes: TrackingProbe[] = [];
    for (const entry of this.#entries.values()) {
      if (entry.next === undefined || entry.next > now) continue;
      entry.left -= 1;
      entry.next = entry.left > 0 ? after(now, this.#interval) : undefined;
      probes.push({ port: entry.port, ip: entry.ip, mac: entry.mac });
    }
    return probes;
  }

  nextWake(): Instant | undefined {
    return earliest(...[...this.#entries.values()].map(({ next }) => next));
  }

  /** The address is where it was heard last. */
  #heard(ip: Ipv4, mac: Mac, port: Port, now: Instant): void {
    this.#entries.delete(ip);
    this.#entries.set(ip, { ip, mac, port, left: probeCount, next: after(now, this.#interval) });
    if (this.#entries.size <= entriesMax) return;
    const [oldest] = this.#entries.keys();
    this.#entries.delete(oldest!);
  }
}
