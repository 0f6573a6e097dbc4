/** What a tunnel knows of one peer. It decides nothing: that is the tunnel's business. */
import { showHex } from '../../base/bytes.ts';
import type { Random } from '../../base/random.ts';
import { type Duration, type Instant, nanoseconds } from '../../base/time.ts';
import type { Prefix } from '../../wire/address.ts';
import { stagedMax } from './constants.ts';
import { MacMaker } from './cookie.ts';
import type { WireGuardCrypto } from './crypto.ts';
import type { Endpoint } from './endpoint.ts';
import type { PendingHandshake } from './handshake.ts';
import { Keypairs } from './session.ts';
import { never, Timers } from './timers.ts';

/** A peer's name: its public key in hex. */
export type PeerId = string;
export const peerId = (publicKey: Uint8Array): PeerId => showHex(publicKey);

/** What a peer is configured with. */
export interface PeerOptions {
  readonly publicKey: Uint8Array;
  /** All zero where there is none (section 5.2). */
  readonly presharedKey?: Uint8Array;
  /** Each prefix belongs to one peer: a later one takes it from an earlier. */
  readonly allowedIps: readonly Prefix[];
  /** Not needed where the peer is going to call us. */
  readonly endpoint?: Endpoint;
  /** Off where absent or zero; for a peer behind NAT 25 s is usual. */
  readonly persistentKeepalive?: Duration;
}

/**
 * How a tunnel stands. `up`: packets can be sent. `connecting`: a handshake is under way, or has
 * been answered and not yet confirmed. `failed`: it was tried for 90 s in vain. `down`: none of
 * these, as before the first packet, and as with a tunnel that has been idle for 180 s: that is
 * not a fault.
 */
export type PeerState = 'connecting' | 'up' | 'failed' | 'down';

const noPresharedKey = new Uint8Array(32);

export class Peer {
  readonly id: PeerId;
  readonly publicKey: Uint8Array;
  /** What the two static keys share. */
  readonly staticShared: Uint8Array;
  presharedKey: Uint8Array;
  endpoint: Endpoint | undefined;

  readonly keypairs = new Keypairs();
  readonly timers: Timers;
  readonly macs: MacMaker;
  /** The initiation of ours that waits for its answer. Answering one of the peer's ends it. */
  pending: PendingHandshake | undefined;
  /** When an initiation or response last went out. */
  handshakeSentAt: Instant | undefined;
  /** The newest timestamp of an initiation, and when that came. */
  timestamp: Uint8Array | undefined;
  initiationCameAt: Instant | undefined;
  failed = false;
  /** Packets that wait for a session, oldest first. An empty one is a keepalive. */
  #staged: Uint8Array[] = [];

  /** What was last told of it, and when that may change by age alone. */
  toldState: PeerState = 'down';
  toldEndpoint: Endpoint | undefined;
  reviewAt = never;

  lastHandshake: Instant | undefined;
  sentBytes = 0;
  receivedBytes = 0;

  constructor(
    crypto: WireGuardCrypto,
    options: PeerOptions,
    staticShared: Uint8Array,
    random: Random,
  ) {
    this.id = peerId(options.publicKey);
    this.publicKey = new Uint8Array(options.publicKey);
    this.staticShared = staticShared;
    this.presharedKey = options.presharedKey ?? noPresharedKey;
    this.endpoint = options.endpoint;
    this.macs = new MacMaker(crypto, options.publicKey);
    this.timers = new Timers(random, options.persistentKeepalive ?? nanoseconds(0));
  }

  get hasStaged(): boolean {
    return this.#staged.length > 0;
  }

  /** Lets a packet wait. Returns the oldest one where it had to make room. */
  stage(packet: Uint8Array): Uint8Array | undefined {
    const oldest = this.#staged.length >= stagedMax ? this.#staged.shift() : undefined;
    this.#staged.push(new Uint8Array(packet)); // not `slice`, which shares in a Buffer
    return oldest;
  }

  /** Everything that waits, which it then no longer does. */
  unstage(): Uint8Array[] {
    const staged = this.#staged;
    this.#staged = [];
    return staged;
  }

  /** How it stands now. */
  state(now: Instant): PeerState {
    if (this.failed) return 'failed';
    const { current, next } = this.keypairs;
    if (current?.maySend(now)) return 'up';
    return this.timers.attempting || next?.maySend(now) ? 'connecting' : 'down';
  }

  /** When it next has something to do. */
  nextWake(): Instant {
    return Math.min(this.timers.next(), this.reviewAt) as Instant;
  }
}
