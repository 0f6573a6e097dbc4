/** Two answers for one address: whom a host believes is chance, or depends on its operating system. */
import type { Instant } from '../../base/time.ts';
import type { EventLog } from '../../trace/log.ts';
import { type Ipv4, showIpv4 } from '../../wire/address.ts';
import { type Duplicate, duplicatesOf } from '../answers.ts';
import { worldOf } from '../world.ts';
import { arpSenderMac, isArpReply, macAt, senderIp } from './frames.ts';
import type { Breach, Invariant } from './invariant.ts';

const several = -1;

export class TwoAnswers implements Invariant {
  readonly #log: EventLog;
  /** By address: the MAC address that answers for it, or `several`. */
  readonly #answered = new Map<Ipv4, number>();

  constructor(log: EventLog) {
    this.#log = log;
  }

  crossing(id: number): void {
    if (!isArpReply(this.#log, id)) return;
    const ip = senderIp(this.#log, id);
    const mac = macAt(this.#log, id, arpSenderMac);
    const before = this.#answered.get(ip);
    if (before !== mac) this.#answered.set(ip, before === undefined ? mac : several);
  }

  judge(now: Instant): readonly Breach[] {
    return this.#contested().flatMap((ip) => {
      // Several tenants may have the address, each for itself.
      const byTenant = new Map<string, Duplicate[]>();
      for (const one of duplicatesOf(this.#log, ip, 0 as Instant, now)) {
        const tenant = this.#tenantAt(one.at);
        byTenant.set(tenant, [...(byTenant.get(tenant) ?? []), one]);
      }
      return [...byTenant.values()].map((places) => breachOf(ip, places));
    });
  }

  /** Only of addresses that more than one MAC address answered for is the history looked at. */
  #contested(): string[] {
    if (this.#log.level !== 'full') return [...worldOf(this.#log).addressesHeardOf()];
    return [...this.#answered].filter(([, mac]) => mac === several).map(([ip]) => showIpv4(ip));
  }

  #tenantAt(place: string): string {
    const world = worldOf(this.#log);
    return (world.machine(place) ?? world.machine(world.nodeOf(place)))?.tenant ?? '';
  }
}

function breachOf(ip: string, places: readonly Duplicate[]): Breach {
  const moments = places.map(({ at, answers }) => ({ at, answers, when: secondOf(answers) }));
  const first = moments.reduce((a, b) => (b.when < a.when ? b : a));
  const who = first.answers.map(({ mac, node }) => (node === '' ? mac : `${node} (${mac})`));
  return {
    text: `${ip} has more than one answer: ${who.join(' and ')}, as ${first.at} hears`,
    code: 'DUPLICATE_ADDRESS',
    at: first.when,
    count: places.length,
    events: first.answers.map(({ event }) => event).reverse(),
  };
}

/** When the second of them was there. */
const secondOf = (answers: Duplicate['answers']): Instant =>
  answers.map(({ at }) => at).sort((a, b) => a - b)[1]!;
