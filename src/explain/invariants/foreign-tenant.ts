/** A machine of one tenant got a frame of another's. */
import type { Fact } from '../../trace/event.ts';
import type { EventLog } from '../../trace/log.ts';
import { type Breach, Breaches, type Invariant } from './invariant.ts';

export class ForeignTenant implements Invariant {
  readonly #log: EventLog;
  readonly #breaches = new Breaches();

  constructor(log: EventLog) {
    this.#log = log;
  }

  fact(id: number, fact: Fact): void {
    if (fact.kind !== 'trespass') return;
    const { from, to, mac, port } = fact;
    const at = this.#log.timeOf(id);
    this.#breaches.add(`${from} ${to}`, () => ({
      text: `a frame of ${from} (${mac}) came to ${to}, at ${port}`,
      at,
      events: [id],
    }));
  }

  judge(): readonly Breach[] {
    return this.#breaches.all;
  }
}
