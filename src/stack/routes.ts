/** Which way a packet goes: the longest prefix wins, then the lowest metric, then who came first (RFC 1812 section 5.2.4.3). */
import { type Ipv4, maskOf, networkOf, type Prefix } from '../wire/address.ts';
import type { Interface } from './interface.ts';

export interface Route {
  readonly prefix: Prefix;
  /** `unicast` sends; the others end the packet, with ICMP 3/1, 3/13 or without a word. */
  readonly kind: 'unicast' | 'unreachable' | 'prohibited' | 'blackhole';
  readonly interface: Interface;
  /** The next router, or 0 where the destination itself is on the link. */
  readonly via: Ipv4;
  readonly metric: number;
  /** Largest packet this way, where it is smaller than the interface's. */
  readonly mtu?: number;
  /** Learned from an ICMP redirect. */
  readonly redirected?: true;
}

/** Above this many routes a scan costs more than a look-up per prefix length. */
const scanMax = 8;

export class RouteTable {
  /** Longest prefix first, then metric, then age. */
  #routes: Route[] = [];
  /** Prefix lengths in use, longest first, each with its networks. */
  #byLength: { readonly mask: number; readonly networks: Map<number, Route> }[] = [];
  /** Goes up with every change, so that who remembers a result can tell. */
  version = 0;

  get all(): readonly Route[] {
    return this.#routes;
  }

  add(route: Route): void {
    const { length } = route.prefix;
    const place = this.#routes.findIndex(
      (other) =>
        other.prefix.length < length ||
        (other.prefix.length === length && other.metric > route.metric),
    );
    this.#routes.splice(place < 0 ? this.#routes.length : place, 0, route);
    this.#index();
  }

  /** Whether some route leads to exactly this prefix. */
  has({ address, length }: Prefix): boolean {
    return this.#routes.some(
      ({ prefix }) => prefix.address === address && prefix.length === length,
    );
  }

  /** Takes away every route that `unwanted` says yes to; returns them. */
  remove(unwanted: (route: Route) => boolean): Route[] {
    const gone = this.#routes.filter(unwanted);
    if (gone.length > 0) {
      this.#routes = this.#routes.filter((route) => !unwanted(route));
      this.#index();
    }
    return gone;
  }

  find(destination: Ipv4): Route | undefined {
    const routes = this.#routes;
    if (routes.length <= scanMax) {
      for (const route of routes) {
        const { address, length } = route.prefix;
        if (length === 0 || (destination ^ address) >>> (32 - length) === 0) return route;
      }
      return undefined;
    }
    for (const { mask, networks } of this.#byLength) {
      const route = networks.get(destination & mask);
      if (route !== undefined) return route;
    }
    return undefined;
  }

  #index(): void {
    this.version += 1;
    this.#byLength = [];
    if (this.#routes.length <= scanMax) return;
    let last = -1;
    for (const route of this.#routes) {
      const { length } = route.prefix;
      if (length !== last) this.#byLength.push({ mask: maskOf(length), networks: new Map() });
      last = length;
      const { networks } = this.#byLength.at(-1)!;
      const network = networkOf(route.prefix);
      if (!networks.has(network)) networks.set(network, route);
    }
  }
}
