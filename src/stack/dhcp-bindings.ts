/**
 * Which client has which address: the memory of a DHCP server. It keeps one rule, whatever is asked
 * of it: an address that is offered to or leased by one client is not given to another meanwhile.
 *
 * An address whose time is over keeps the name of its last client, who gets it again if it comes
 * back before the others are used up (RFC 2131 section 4.3.1). Of the free ones, that which has
 * been free longest is given first.
 */
import { type Duration, earliest, type Instant, labEnd, labStart } from '../base/time.ts';
import { type Ipv4, type Mac, showIpv4 } from '../wire/address.ts';

export type BindingState = 'offered' | 'leased' | 'declined' | 'free';

/** One row of the table: numbers and text, so that it can be kept anywhere. */
export interface Binding {
  readonly ip: Ipv4;
  /** Client identifier if it sends one, else its hardware address (section 4.2). */
  readonly client: string;
  readonly mac: Mac;
  readonly state: BindingState;
  /** When an offer, a lease or a quarantine ends. Of no meaning for `free`. */
  readonly until: Instant;
}

/** Far more than a LAN needs, and little enough to go through. */
export const poolMost = 65_536;

export interface Pool {
  readonly from: Ipv4;
  readonly to: Ipv4;
  /** Addresses between the two that are never given to anybody unless reserved. */
  readonly without: readonly Ipv4[];
  readonly reservations: ReadonlyMap<Mac, Ipv4>;
}

export class Bindings {
  readonly #rows = new Map<Ipv4, Binding>();
  readonly #clients = new Map<string, Ipv4>();
  /** What can be given to anybody, longest free first. */
  readonly #free = new Set<Ipv4>();
  readonly #reservations: ReadonlyMap<Mac, Ipv4>;
  readonly #pooled: (ip: Ipv4) => boolean;
  /** The first end of all, and whether it must be looked for again. */
  #earliest: Instant | undefined;
  #isStale = false;

  constructor({ from, to, without, reservations }: Pool, remembered: readonly Binding[] = []) {
    const size = (to >>> 0) - (from >>> 0) + 1;
    if (size < 1 || size > poolMost)
      throw new RangeError(`not a pool: ${showIpv4(from)} to ${showIpv4(to)}`);
    this.#reservations = reservations;
    const kept = new Set([...without, ...reservations.values()]);
    for (let i = 0; i < size; i += 1) {
      const ip = (from + i) | 0;
      if (!kept.has(ip as Ipv4)) this.#free.add(ip as Ipv4);
    }
    const all = new Set(this.#free);
    this.#pooled = (ip) => all.has(ip);
    const reserved = new Set(reservations.values());
    for (const row of remembered) {
      // The configuration may have changed since: what is no longer ours to give is forgotten.
      if (all.has(row.ip) || reserved.has(row.ip)) this.#put(row);
    }
  }

  /** Everything there is to remember, in a stable order. */
  table(): Binding[] {
    return [...this.#rows.values()].sort((a, b) => (a.ip >>> 0) - (b.ip >>> 0));
  }

  at(ip: Ipv4): Binding | undefined {
    return this.#rows.get(ip);
  }

  of(client: string): Binding | undefined {
    const ip = this.#clients.get(client);
    return ip === undefined ? undefined : this.#rows.get(ip);
  }

  reservedFor(mac: Mac): Ipv4 | undefined {
    return this.#reservations.get(mac);
  }

  /** Whether this client may have this address now. */
  isOpenTo(client: string, mac: Mac, ip: Ipv4): boolean {
    const row = this.#rows.get(ip);
    if (row !== undefined && row.state !== 'free' && row.client !== client) return false;
    if (row?.state === 'declined') return false;
    const reserved = this.#reservations.get(mac);
    return reserved === undefined ? this.#pooled(ip) : reserved === ip;
  }

  /** What to offer: reserved, had before, wished for, or the one free longest; none if all is taken. */
  choose(client: string, mac: Mac, wished: Ipv4 | undefined): Ipv4 | undefined {
    const reserved = this.#reservations.get(mac);
    const own = this.of(client)?.ip;
    for (const ip of [reserved, own, wished]) {
      if (ip !== undefined && this.isOpenTo(client, mac, ip)) return ip;
    }
    if (reserved !== undefined) return undefined;
    return this.#free.values().next().value;
  }

  /** Gives the address to the client, in place of any other that it had. */
  set(row: Binding): void {
    const other = this.of(row.client);
    if (other !== undefined && other.ip !== row.ip) {
      this.#forgetEnd(other);
      this.#rows.delete(other.ip);
      if (this.#pooled(other.ip)) this.#free.add(other.ip);
    }
    this.#put(row);
  }

  /** The client has no claim any more, but is remembered as the last one. */
  free(row: Binding): void {
    this.#put({ ...row, state: 'free' });
  }

  /** Keeps the address from everybody for a while, because somebody who was not asked uses it. */
  quarantine(row: Binding, until: Instant): void {
    this.#put({ ...row, client: `declined ${showIpv4(row.ip)}`, state: 'declined', until });
    this.#clients.delete(row.client);
  }

  /** All ends come this much sooner, or later if it is negative. */
  hasten(by: Duration): void {
    for (const row of this.#rows.values()) {
      if (row.state === 'free' || row.until === labEnd) continue;
      this.#rows.set(row.ip, { ...row, until: Math.max(labStart, row.until - by) as Instant });
    }
    this.#isStale = true;
  }

  /** Frees what has ended by `now`, and says what that was, as it stood. */
  end(now: Instant): Binding[] {
    const next = this.nextEnd();
    if (next === undefined || next > now) return [];
    const ended = [...this.#rows.values()].filter(
      (row) => row.state !== 'free' && row.until <= now,
    );
    for (const row of ended) this.free(row);
    return ended;
  }

  /** When `end` will next have something to do. */
  nextEnd(): Instant | undefined {
    if (this.#isStale) {
      this.#isStale = false;
      this.#earliest = undefined;
      for (const row of this.#rows.values()) {
        if (row.state !== 'free') this.#earliest = earliest(this.#earliest, row.until);
      }
    }
    return this.#earliest;
  }

  #put(row: Binding): void {
    const before = this.#rows.get(row.ip);
    if (before !== undefined && before.client !== row.client) this.#clients.delete(before.client);
    this.#forgetEnd(before);
    this.#rows.set(row.ip, row);
    this.#clients.set(row.client, row.ip);
    this.#free.delete(row.ip);
    if (row.state !== 'free') this.#earliest = earliest(this.#earliest, row.until);
    else if (this.#pooled(row.ip)) this.#free.add(row.ip);
  }

  /** A row goes or changes: if it was the one to end first, another is now. */
  #forgetEnd(row: Binding | undefined): void {
    if (row !== undefined && row.state !== 'free' && row.until === this.#earliest)
      this.#isStale = true;
  }
}
