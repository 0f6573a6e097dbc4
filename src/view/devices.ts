/** What every device knows and has done at any event: from the facts about it alone, found once per log. */
import { type DeviceTable, type TableFact, tableFacts, tablesFrom } from '../explain/tables.ts';
import type { EventLog } from '../trace/log.ts';

export interface DeviceState {
  readonly tables: readonly DeviceTable[];
  readonly power: 'on' | 'booting' | 'off';
  /** Frames put on its cables, one for each, and put on cables to it. */
  readonly out: number;
  readonly in: number;
  /** Frames that ended there. */
  readonly drops: number;
}

interface Own {
  readonly facts: TableFact[];
  readonly out: number[];
  readonly in: number[];
  readonly drops: number[];
}

export class Devices {
  readonly #own = new Map<string, Own>();

  constructor(log: EventLog) {
    const kinds: ReadonlySet<string> = new Set(tableFacts);
    for (let id = 0; id < log.length; id += 1) {
      const sort = log.sortOf(id);
      if (sort === 'fact') {
        if (!kinds.has(log.factOf(id).kind)) continue;
        const event = log.read(id) as TableFact;
        this.#of(event.node).facts.push(event);
      } else if (sort === 'drop') this.#of(log.read(id).node).drops.push(id);
      else if (sort !== 'packet')
        for (const { port, peer } of log.crossings(id)) {
          this.#of(port.device.name).out.push(id);
          this.#of(peer.device.name).in.push(id);
        }
    }
  }

  /** @param event The last that has happened; -1 before the first. */
  at(device: string, event: number): DeviceState {
    const own = this.#of(device);
    const facts = own.facts.slice(
      0,
      until(own.facts.length, (i) => own.facts[i]!.id, event),
    );
    const count = (ids: readonly number[]): number => until(ids.length, (i) => ids[i]!, event);
    return {
      tables: tablesFrom(facts),
      power: powerIn(facts),
      out: count(own.out),
      in: count(own.in),
      drops: count(own.drops),
    };
  }

  powerOf(device: string, event: number): DeviceState['power'] {
    const { facts } = this.#of(device);
    const known = until(facts.length, (i) => facts[i]!.id, event);
    for (let i = known - 1; i >= 0; i -= 1) {
      const fact = facts[i]!;
      if (fact.kind === 'power') return fact.state;
    }
    return 'on';
  }

  /** The state of each tunnel that ends at the device. */
  tunnelsOf(device: string, event: number): readonly { tunnel: string; state: string }[] {
    const { facts } = this.#of(device);
    const states = new Map<string, string>();
    for (const fact of facts) {
      if (fact.id > event) break;
      if (fact.kind === 'tunnel') states.set(fact.tunnel, fact.state);
    }
    return [...states].map(([tunnel, state]) => ({ tunnel, state }));
  }

  #of(device: string): Own {
    let own = this.#own.get(device);
    if (own === undefined) {
      own = { facts: [], out: [], in: [], drops: [] };
      this.#own.set(device, own);
    }
    return own;
  }
}

/** A machine of which nothing was said about power is on: switches, routers, the internet. */
function powerIn(facts: readonly TableFact[]): DeviceState['power'] {
  const last = facts.findLast((fact) => fact.kind === 'power');
  return last?.kind === 'power' ? last.state : 'on';
}

/** How many of these ids, which ascend, are no later than the event. */
function until(length: number, idAt: (i: number) => number, event: number): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (idAt(middle) <= event) low = middle + 1;
    else high = middle;
  }
  return low;
}
