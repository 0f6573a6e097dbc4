/**
 * Cryptokey routing (whitepaper section 2): which peer an address belongs to. Outwards the
 * longest prefix chooses the peer; inwards a packet must come from the peer that its source
 * belongs to.
 */
import { type Ipv4, maskOf, networkOf, type Prefix } from '../../wire/address.ts';

interface Table<Peer> {
  readonly length: number;
  readonly mask: number;
  readonly peers: Map<Ipv4, Peer>;
}

/** A map for each length of prefix in use, longest first: few lengths are, so few are looked at. */
export class AllowedIps<Peer> {
  #tables: Table<Peer>[] = [];

  /** Gives a prefix to a peer. It belongs to one at a time: whoever had it loses it. */
  set(prefix: Prefix, peer: Peer): void {
    let table = this.#tables.find(({ length }) => length === prefix.length);
    if (table === undefined) {
      table = { length: prefix.length, mask: maskOf(prefix.length), peers: new Map() };
      this.#tables.push(table);
      this.#tables.sort((a, b) => b.length - a.length);
    }
    table.peers.set(networkOf(prefix), peer);
  }

  /** The peer with the longest prefix that holds `ip`. */
  lookup(ip: Ipv4): Peer | undefined {
    for (const { mask, peers } of this.#tables) {
      const peer = peers.get((ip & mask) as Ipv4);
      if (peer !== undefined) return peer;
    }
    return undefined;
  }

  /** Takes everything from a peer. */
  remove(peer: Peer): void {
    for (const { peers } of this.#tables) {
      for (const [network, holder] of peers) if (holder === peer) peers.delete(network);
    }
    this.#tables = this.#tables.filter(({ peers }) => peers.size > 0);
  }

  /** What belongs to a peer, longest prefixes first. */
  of(peer: Peer): Prefix[] {
    return this.#tables.flatMap(({ length, peers }) =>
      [...peers].filter(([, holder]) => holder === peer).map(([address]) => ({ address, length })),
    );
  }
}
