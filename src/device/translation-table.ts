/** What a translator of addresses remembers: each entry for as long as its protocol lasts without a packet. */
import type { Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import { type Ipv4, showIpv4 } from '../wire/address.ts';
import { lastsUntil } from './rewriting.ts';

const entriesMax = 4096;

export interface Socket {
  readonly ip: Ipv4;
  /** Port, or the identifier of an echo request. */
  readonly port: number;
}

/** One address and port stand for another. */
export interface Translated {
  readonly inside: Socket;
  readonly outside: Socket;
}

interface Entry<T> {
  readonly keys: readonly string[];
  readonly protocol: number;
  readonly what: T;
  until: Instant;
}

export class TranslationTable<T extends Translated> {
  readonly #node: string;
  readonly #byKey = new Map<string, Entry<T>>();
  readonly #entries = new Set<Entry<T>>();

  constructor(node: string) {
    this.#node = node;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Whether somebody has this key, be its time over or not. */
  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  /** Undefined also where its time is over. */
  find(key: string, now: Instant): T | undefined {
    return this.#live(key, now)?.what;
  }

  /** The same, for a packet that prolongs it. */
  use(key: string, now: Instant): T | undefined {
    const entry = this.#live(key, now);
    if (entry !== undefined) entry.until = lastsUntil(entry.protocol, now);
    return entry?.what;
  }

  /**
   * From now on; whatever had one of the keys is forgotten.
   *
   * @returns Whether there was room.
   */
  add(
    keys: readonly string[],
    protocol: number,
    what: T,
    cause: number,
    now: Instant,
    sink: Sink,
  ): boolean {
    for (const key of keys) this.#forget(this.#byKey.get(key), now, sink);
    if (this.size >= entriesMax)
      for (const entry of this.#entries) if (entry.until < now) this.#forget(entry, now, sink);
    if (this.size >= entriesMax) return false;
    const entry = { keys, protocol, what, until: lastsUntil(protocol, now) };
    for (const key of keys) this.#byKey.set(key, entry);
    this.#entries.add(entry);
    this.#tell(what, 'added', cause, now, sink);
    return true;
  }

  #live(key: string, now: Instant): Entry<T> | undefined {
    const entry = this.#byKey.get(key);
    return entry === undefined || entry.until < now ? undefined : entry;
  }

  #forget(entry: Entry<T> | undefined, now: Instant, sink: Sink): void {
    if (entry === undefined) return;
    for (const key of entry.keys) this.#byKey.delete(key);
    this.#entries.delete(entry);
    this.#tell(entry.what, 'removed', -1, now, sink);
  }

  #tell(
    { inside, outside }: T,
    change: 'added' | 'removed',
    cause: number,
    now: Instant,
    sink: Sink,
  ): void {
    const ends = { inside: show(inside), outside: show(outside) };
    sink.log.tell(now, this.#node, cause, { kind: 'translation', ...ends, change });
  }
}

const show = ({ ip, port }: Socket): string => `${showIpv4(ip)}:${port}`;
