/** Tunnels joined by a list of datagrams, in virtual time. */
import { Random } from '../../../src/base/random.ts';
import { after, type Duration, type Instant, labStart, seconds } from '../../../src/base/time.ts';
import { nodeCrypto } from '../../../src/crypto/node.ts';
import type { Endpoint } from '../../../src/stack/wireguard/endpoint.ts';
import type { PeerOptions } from '../../../src/stack/wireguard/peer.ts';
import { peerId } from '../../../src/stack/wireguard/peer.ts';
import { WireGuard } from '../../../src/stack/wireguard/tunnel.ts';
import type {
  WireGuardInput,
  WireGuardOptions,
  WireGuardOutput,
} from '../../../src/stack/wireguard/tunnel-io.ts';
import { ipv4, prefix } from '../../../src/wire/address.ts';

export const at = (count: number): Instant => after(labStart, seconds(count));
export const end = (ip: string, port = 51820): Endpoint => ({ ip: ipv4(ip), port });

/** An IPv4 packet whose header says what these say; `bytes` may be longer than `length`. */
export function inner(from: string, to: string, length = 40, bytes = length): Uint8Array {
  const packet = new Uint8Array(bytes).map((_, i) => (i < length ? i : 0));
  const words = new DataView(packet.buffer);
  packet[0] = 0x45;
  words.setUint16(2, length);
  words.setInt32(12, ipv4(from));
  words.setInt32(16, ipv4(to));
  return packet;
}

/** A datagram as it travels. */
export interface Flight {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly bytes: Uint8Array;
}

export interface Entry {
  readonly at: Instant;
  readonly who: string;
  readonly output: WireGuardOutput;
}

interface Node {
  readonly machine: WireGuard;
  readonly outside: Endpoint;
}

export class Net {
  now = labStart;
  delay: Duration = seconds(0.01);
  /** Datagrams for which this is true do not arrive. */
  lose: (flight: Flight, now: Instant) => boolean = () => false;
  readonly log: Entry[] = [];
  readonly #nodes = new Map<string, Node>();
  #flights: { readonly at: Instant; readonly flight: Flight }[] = [];

  add(who: string, machine: WireGuard, outside: Endpoint): void {
    this.#nodes.set(who, { machine, outside });
  }

  /** From now on `who` sends from, and is reached at, another address. */
  move(who: string, outside: Endpoint): void {
    this.add(who, this.machine(who), outside);
  }

  machine(who: string): WireGuard {
    return this.#nodes.get(who)!.machine;
  }

  /** What the machine made of it, which also takes its way. */
  tell(who: string, input: WireGuardInput): WireGuardOutput[] {
    const outputs = this.machine(who).handle(input, this.now);
    this.#carry(who, outputs);
    return outputs;
  }

  send(who: string, bytes: Uint8Array): WireGuardOutput[] {
    return this.tell(who, { kind: 'packet', bytes });
  }

  /** Delivers and wakes in the order of time up to and including `limit`. */
  run(limit: Instant): void {
    for (let steps = 0; ; steps += 1) {
      if (steps > 200_000) throw new Error('the tunnels talk for ever');
      let next = limit + 1;
      for (const { machine } of this.#nodes.values()) {
        const wake = machine.nextWake();
        if (wake !== undefined) next = Math.min(next, wake);
      }
      for (const flight of this.#flights) next = Math.min(next, flight.at);
      if (next > limit) break;
      this.now = Math.max(this.now, next) as Instant;
      const due = this.#flights.filter((flight) => flight.at <= this.now);
      this.#flights = this.#flights.filter((flight) => flight.at > this.now);
      for (const { flight } of due) this.#arrive(flight);
      for (const [who, { machine }] of this.#nodes) {
        this.#carry(who, machine.wake(this.now));
      }
    }
    this.now = limit;
  }

  /** Puts a datagram on its way as if it came from anywhere. */
  inject(flight: Flight): WireGuardOutput[] {
    return this.#arrive(flight) ?? [];
  }

  /** What one tunnel has put out of one kind, with when. */
  of<Kind extends WireGuardOutput['kind']>(who: string, kind: Kind) {
    return this.log.flatMap(({ at, who: whose, output }) =>
      whose === who && output.kind === kind
        ? [{ at, ...(output as Extract<WireGuardOutput, { kind: Kind }>) }]
        : [],
    );
  }

  /** When `who` sent messages of one type. */
  sent(who: string, type: 1 | 2 | 3 | 4): Instant[] {
    return this.of(who, 'datagram')
      .filter(({ bytes }) => bytes[0] === type)
      .map(({ at }) => at);
  }

  #arrive(flight: Flight): WireGuardOutput[] | undefined {
    for (const [who, { machine, outside }] of this.#nodes) {
      if (outside.ip !== flight.to.ip || outside.port !== flight.to.port) continue;
      const { from, bytes } = flight;
      const outputs = machine.handle({ kind: 'datagram', from: { ...from }, bytes }, this.now);
      this.#carry(who, outputs);
      return outputs;
    }
    return undefined;
  }

  #carry(who: string, outputs: WireGuardOutput[]): void {
    for (const output of outputs) {
      this.log.push({ at: this.now, who, output });
      if (output.kind !== 'datagram') continue;
      const flight = { from: this.#nodes.get(who)!.outside, to: output.to, bytes: output.bytes };
      if (!this.lose(flight, this.now))
        this.#flights.push({ at: after(this.now, this.delay), flight });
    }
  }
}

const seed = new Random('wireguard tests');
export const keyOf = (who: string): Uint8Array => seed.child(`key ${who}`).bytes(32);
const publicKeys = new Map<string, Uint8Array>();
export function publicOf(who: string): Uint8Array {
  const known = publicKeys.get(who) ?? nodeCrypto.publicKey(keyOf(who));
  publicKeys.set(who, known);
  return known;
}
export const idOf = (who: string): string => peerId(publicOf(who));

/** Seconds from 1970 to the start of these tests' clock: 21 November 2026. */
export const epoch = 1_795_219_200;

export function tunnel(
  who: string,
  peers: PeerOptions[],
  more: Partial<WireGuardOptions> = {},
  now: Instant = labStart,
): WireGuard {
  const random = new Random(`tunnel ${who}`);
  const privateKey = keyOf(who);
  return new WireGuard({ privateKey, crypto: nodeCrypto, random, epoch, peers, ...more }, now);
}

export const aEnd = end('192.0.2.1');
export const bEnd = end('198.51.100.1');
export const aIp = '10.0.0.1';
export const bIp = '10.0.0.2';
export const psk = seed.child('psk').bytes(32);

/** Tunnels `a` and `b`; `a` knows where `b` is, and `b` will hear where `a` is. */
export function pair(
  changes: {
    readonly a?: Partial<PeerOptions>;
    readonly b?: Partial<PeerOptions>;
    readonly options?: Partial<WireGuardOptions>;
  } = {},
): Net {
  const net = new Net();
  const toB: PeerOptions = {
    publicKey: publicOf('b'),
    allowedIps: [prefix(`${bIp}/32`)],
    endpoint: bEnd,
    presharedKey: psk,
    ...changes.a,
  };
  const toA: PeerOptions = {
    publicKey: publicOf('a'),
    allowedIps: [prefix(`${aIp}/32`)],
    presharedKey: psk,
    ...changes.b,
  };
  net.add('a', tunnel('a', [toB], changes.options), aEnd);
  net.add('b', tunnel('b', [toA], changes.options), bEnd);
  return net;
}

/** A pair with a session that `a` asked for and `b` has seen confirmed. */
export function connected(changes: Parameters<typeof pair>[0] = {}): Net {
  const net = pair(changes);
  net.tell('a', { kind: 'connect', peer: idOf('b') });
  net.run(at(1));
  return net;
}
