/**
 * What the relay of a cloud gateway decides, wherever its datagrams travel: who has a session,
 * which tunnel is meant, and what may pass. `relay.ts` asks it on a simulated stack.
 *
 * Nothing in a WireGuard datagram names its destination, but every initiation proves that its
 * sender knows the public key of the end it wants (mac1, whitepaper section 5.4.4): that opens a
 * session. Everything else from an unknown source is dropped.
 *
 * An initiation can be sent from a false address all the same. A client has proven that it is
 * where it says once it uses the index that the answer to it carried. Until then it is sent no
 * more bytes than came from it, so that nobody can be flooded through the gateway.
 */
import { concat, equalBytes } from '../base/bytes.ts';
import { after, type Instant, seconds } from '../base/time.ts';
import { labelMac1 } from '../stack/wireguard/constants.ts';
import type { WireGuardCrypto } from '../stack/wireguard/crypto.ts';
import type { Endpoint } from '../stack/wireguard/endpoint.ts';
import type { Reason } from '../trace/reasons.ts';
import { type Ipv4, isLinkLocalIpv4, isMulticastIpv4 } from '../wire/address.ts';
import { Malformed } from '../wire/malformed.ts';
import { decodeWireguard, macSize, wireguardSize } from '../wire/wireguard.ts';

export const relayPort = 6180;
const sessionsMax = 4096;
const idleMax = seconds(180);
const sweepEvery = seconds(30);

/** Where a tunnel ends. */
export interface RelayTarget extends Endpoint {
  /** Whether an initiation was made for the end at this target. */
  isFor(initiation: Uint8Array): boolean;
}

/** What whoever opens relays knows of it. */
export interface TunnelTarget extends RelayTarget {
  readonly publicKey: Uint8Array;
}

/** The end of a tunnel that goes by this public key. */
export function tunnelTarget(
  crypto: Pick<WireGuardCrypto, 'hash' | 'keyedHash'>,
  publicKey: Uint8Array,
  { ip, port }: Endpoint,
): TunnelTarget {
  const key = crypto.hash(concat(labelMac1, publicKey));
  const signed = wireguardSize.initiation - 2 * macSize;
  return {
    ip,
    port,
    publicKey,
    isFor: (initiation) =>
      equalBytes(
        crypto.keyedHash(key, initiation.subarray(0, signed), macSize),
        initiation.subarray(signed, signed + macSize),
      ),
  };
}

/** One client and the target it wants. */
export class RelaySession {
  readonly client: Endpoint;
  readonly target: RelayTarget;
  until: Instant;
  #proven = false;
  /** How much more came from the client than was sent to it. */
  #credit = 0;
  /** What the answer that was last sent to the client calls the tunnel's session. */
  #offered: number | undefined;

  constructor(client: Endpoint, target: RelayTarget, until: Instant) {
    this.client = client;
    this.target = target;
    this.until = until;
  }

  /** A datagram came from where the client says it is. */
  heard(bytes: Uint8Array): void {
    if (this.#proven) return;
    this.#credit += bytes.length;
    const message = decodeWireguard(bytes);
    this.#proven =
      !(message instanceof Malformed) &&
      message.kind === 'data' &&
      message.receiver === this.#offered;
  }

  /** Whether one may be sent to it; then it counts as sent. */
  spend(bytes: Uint8Array): boolean {
    if (this.#proven) return true;
    if (bytes.length > this.#credit) return false;
    this.#credit -= bytes.length;
    const message = decodeWireguard(bytes);
    if (!(message instanceof Malformed) && message.kind === 'response')
      this.#offered = message.sender;
    return true;
  }
}

export interface RelayChange {
  readonly session: RelaySession;
  readonly change: 'opened' | 'closed';
}

export class RelaySessions {
  /** By the network whose tunnel ends there. */
  readonly #targets = new Map<string, RelayTarget>();
  /** By their clients. */
  readonly #sessions = new Map<number, RelaySession>();
  #changes: RelayChange[] = [];
  #sweepAt: Instant | undefined;

  setTarget(network: string, target: RelayTarget): void {
    this.#targets.set(network, target);
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** A datagram from outside: the session through which it goes to its target, or why it goes nowhere. */
  fromClient(ip: Ipv4, port: number, bytes: Uint8Array, now: Instant): RelaySession | Reason {
    const key = keyOf(ip, port);
    let session = this.#sessions.get(key);
    if (session !== undefined && session.until <= now) {
      this.#close(key, session); // its time was over before anybody looked
      session = undefined;
    }
    const target = this.#meant(bytes);
    if (session !== undefined && target !== undefined && target !== session.target) {
      this.#close(key, session); // the same source now wants another tunnel
      session = undefined;
    }
    if (session === undefined) {
      if (target === undefined || !canBeAnswered(ip, port)) return 'RELAY_UNKNOWN_SOURCE';
      if (this.#sessions.size >= sessionsMax) this.#sweep(now);
      if (this.#sessions.size >= sessionsMax) return 'RELAY_LIMIT';
      session = new RelaySession({ ip, port }, target, now);
      this.#sessions.set(key, session);
      this.#changes.push({ session, change: 'opened' });
      this.#sweepAt ??= after(now, sweepEvery);
    }
    session.until = after(now, idleMax);
    session.heard(bytes);
    return session;
  }

  /** A datagram on the port of a session: why it does not go to the client, or nothing where it does. */
  fromTarget(
    session: RelaySession,
    ip: Ipv4,
    port: number,
    bytes: Uint8Array,
    now: Instant,
  ): Reason | undefined {
    const { target } = session;
    if (session.until <= now || ip !== target.ip || port !== target.port)
      return 'RELAY_UNKNOWN_SOURCE';
    if (!session.spend(bytes)) return 'RELAY_UNPROVEN';
    session.until = after(now, idleMax);
    return undefined;
  }

  /** There is no way to the target, so there is no session. */
  abandon(session: RelaySession): void {
    const key = keyOf(session.client.ip, session.client.port);
    if (this.#sessions.get(key) === session) this.#close(key, session);
  }

  /** What was opened and closed since this was last asked, in that order. */
  take(): readonly RelayChange[] {
    if (this.#changes.length === 0) return none;
    const changes = this.#changes;
    this.#changes = [];
    return changes;
  }

  wake(now: Instant): void {
    if (this.#sweepAt === undefined || this.#sweepAt > now) return;
    this.#sweep(now);
    this.#sweepAt = this.#sessions.size > 0 ? after(now, sweepEvery) : undefined;
  }

  nextWake(): Instant | undefined {
    return this.#sweepAt;
  }

  #sweep(now: Instant): void {
    for (const [key, session] of this.#sessions) {
      if (session.until <= now) this.#close(key, session);
    }
  }

  #close(key: number, session: RelaySession): void {
    this.#sessions.delete(key);
    this.#changes.push({ session, change: 'closed' });
  }

  #meant(bytes: Uint8Array): RelayTarget | undefined {
    if (bytes.length !== wireguardSize.initiation || bytes[0] !== 1) return undefined;
    for (const target of this.#targets.values()) if (target.isFor(bytes)) return target;
    return undefined;
  }
}

const none: readonly RelayChange[] = [];

const keyOf = (ip: Ipv4, port: number): number => (ip >>> 0) * 0x1_0000 + port;

/** No session is for who cannot be one machine out there, whoever says so (RFC 6890). */
const canBeAnswered = (ip: Ipv4, port: number): boolean =>
  port !== 0 &&
  ip >>> 24 !== 0 &&
  ip >>> 24 !== 127 &&
  ip >>> 28 !== 15 &&
  !isLinkLocalIpv4(ip) &&
  !isMulticastIpv4(ip);
