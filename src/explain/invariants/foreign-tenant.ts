/** A machine of one tenant got a frame of another's. */
import { type Breach, Breaches, type Invariant, type ToldFact } from './invariant.ts';

export class ForeignTenant implements Invariant {
  readonly #breaches = new Breaches();

  fact(event: ToldFact): void {
    if (event.kind !== 'trespass') return;
    const { from, to, mac, port, at, id } = event;
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
