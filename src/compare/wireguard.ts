/** What the ends of WireGuard tunnels sent: which messages, how large, how counted. */
import { showIpv4 } from '../wire/address.ts';
import { ipProtocol } from '../wire/ipv4.ts';
import { Malformed } from '../wire/malformed.ts';
import { decodeUdp } from '../wire/udp.ts';
import { decodeWireguard, type WireguardMessage, wireguardSize } from '../wire/wireguard.ts';
import type { Account } from './account.ts';
import type { Item } from './item.ts';

/**
 * Per sender and receiver: handshakes in order; and in each session every kind and size of data once, in
 * no order: what shares a tunnel goes its own ways. When a session is renewed is a matter of timers.
 */
export function wireguardItems({ sent, facts }: Account): Item[] {
  const ends = new Set(facts.flatMap((fact) => (fact.kind === 'tunnel' ? [fact.node] : [])));
  const ways = new Map<string, Way>();
  const items: Item[] = [];
  for (const { event, step, packet } of sent) {
    if (packet?.protocol !== ipProtocol.udp || !ends.has(event.node)) continue;
    const udp = decodeUdp(packet.payload);
    if (udp instanceof Malformed) continue;
    const message = decodeWireguard(udp.payload);
    if (message instanceof Malformed) continue;
    const to = `${showIpv4(packet.destination)}:${udp.destinationPort}`;
    const name = `WireGuard ${event.node} -> ${to}`;
    let way = ways.get(name);
    if (way === undefined)
      ways.set(name, (way = { sessions: new Map(), told: new Set(), counters: new Map() }));
    const what = told(message, udp.payload.length, way.counters);
    if (message.kind !== 'data') {
      items.push({
        stream: name,
        what,
        at: event.at,
        step,
        frame: event.id,
        traits: { timed: true },
      });
      continue;
    }
    const session = way.sessions.get(message.receiver) ?? way.sessions.size + 1;
    way.sessions.set(message.receiver, session);
    const stream = `${name}, session ${session}: ${what}`;
    if (way.told.has(stream)) continue;
    way.told.add(stream);
    const before = `${name}, session ${session - 1}: ${what}`;
    const isTimed = !what.startsWith('data') || way.told.has(before);
    const traits = isTimed ? { timed: true as const } : {};
    items.push({ stream, what, at: event.at, step, frame: event.id, traits });
  }
  return items;
}

interface Way {
  /** By the index that the receiver has given each. */
  readonly sessions: Map<number, number>;
  /** What each has carried. */
  readonly told: Set<string>;
  readonly counters: Map<number, bigint>;
}

function told(message: WireguardMessage, size: number, counters: Map<number, bigint>): string {
  if (message.kind !== 'data') return `${message.kind.replace('-', ' ')} of ${size} bytes`;
  const { receiver, counterHigh, counterLow } = message;
  const counter = (BigInt(counterHigh) << 32n) | BigInt(counterLow);
  const expected = (counters.get(receiver) ?? -1n) + 1n;
  if (counter >= expected) counters.set(receiver, counter);
  const counted =
    counter === expected ? '' : counter > expected ? ', counters left out' : ', counter used again';
  const kind = size === wireguardSize.dataMin ? 'keepalive' : 'data';
  return `${kind} of ${size} bytes${counted}`;
}
