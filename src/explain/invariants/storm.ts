/**
 * A broadcast storm: frames for everybody, of one sender, through one port, at a rate that nobody
 * reaches who means it. It needs no circle: who shouts for ever is one too.
 */
import { type Instant, seconds } from '../../base/time.ts';
import type { FrameFlooded, FrameSent } from '../../trace/event.ts';
import type { EventLog } from '../../trace/log.ts';
import { type Mac, showMac } from '../../wire/address.ts';
import { isToMany, macAt, sourceMac } from './frames.ts';
import { type Breach, Breaches, type Invariant } from './invariant.ts';

/** Frames in a second. ARP for a host is one, and a whole LAN that boots sends some hundreds in all. */
const most = 500;
const span = seconds(1);

interface Rate {
  since: Instant;
  count: number;
}

export class Storm implements Invariant {
  readonly #log: EventLog;
  readonly #breaches = new Breaches();
  /** By port and sender. */
  readonly #rates = new Map<number, Rate>();

  constructor(log: EventLog) {
    this.#log = log;
  }

  crossing(id: number): void {
    const log = this.#log;
    if (!isToMany(log, id)) return;
    const sender = macAt(log, id, sourceMac);
    const key = log.placeOf(id) * 2 ** 32 + (sender % 2 ** 32);
    const at = log.timeOf(id);
    const rate = this.#rates.get(key);
    if (rate === undefined) this.#rates.set(key, { since: at, count: 1 });
    else if (at - rate.since >= span) {
      rate.since = at;
      rate.count = 1;
    } else {
      rate.count += 1;
      if (rate.count === most) this.#note(id, at, showMac(sender as Mac));
    }
  }

  judge(): readonly Breach[] {
    return this.#breaches.all;
  }

  #note(id: number, at: Instant, sender: string): void {
    this.#breaches.add(sender, () => {
      const { from } = this.#log.read(id) as FrameSent | FrameFlooded;
      const text = `more than ${most} broadcasts of ${sender} in a second at ${from}`;
      return { text, code: 'BUDGET_EXCEEDED', at, events: [id] };
    });
  }
}
