/**
 * WireGuard, the real protocol (whitepaper of 2020, wireguard.com/papers/wireguard.pdf), as a
 * machine: it is told of inner packets and of UDP datagrams, and answers with datagrams and inner
 * packets. IPv4 only, inside and outside.
 *
 * Keys, indices and jitter come from a seeded stream, so that a run can be repeated to the byte.
 * Such a stream is no secret: who knows the seed knows every key. A tunnel that is to protect
 * anything must be given other chance.
 */
import type { Machine } from '../../base/machine.ts';
import type { Random } from '../../base/random.ts';
import { after, type Instant, nanoseconds } from '../../base/time.ts';
import type { Reason } from '../../trace/reasons.ts';
import type { Ipv4 } from '../../wire/address.ts';
import { Malformed } from '../../wire/malformed.ts';
import {
  decodeWireguard,
  type WireguardCookieReply,
  type WireguardData,
  type WireguardInitiation,
  type WireguardMessage,
  type WireguardResponse,
} from '../../wire/wireguard.ts';
import { AllowedIps } from './allowed-ips.ts';
import {
  busyAtDefault,
  handshakeTos,
  initiationEvery,
  peersMax,
  rekeyTimeout,
} from './constants.ts';
import { LoadMeter, MacChecker, RateLimiter } from './cookie.ts';
import type { WireGuardCrypto } from './crypto.ts';
import { type Endpoint, sameEndpoint } from './endpoint.ts';
import { complete, initiate, isLater, openInitiation, respond, tai64n } from './handshake.ts';
import { innerDestination, innerSource, paddedLength, trimmed } from './inner.ts';
import type { KeyPair, Secrets } from './noise.ts';
import { Peer, type PeerId, type PeerOptions, peerId } from './peer.ts';
import { Keypair } from './session.ts';
import { never } from './timers.ts';
import type { PeerStatus, WireGuardInput, WireGuardOptions, WireGuardOutput } from './tunnel-io.ts';

/** Who goes by an index: a session, or an initiation that waits for its answer. */
interface Holder {
  readonly peer: Peer;
  readonly keypair: Keypair | undefined;
}

/** One WireGuard interface. */
export class WireGuard implements Machine<WireGuardInput, WireGuardOutput> {
  readonly #crypto: WireGuardCrypto;
  readonly #own: KeyPair;
  #epoch: number;
  readonly #mtu: number;
  readonly #ephemerals: Random;
  readonly #indices: Random;
  readonly #jitter: Random;
  readonly #macs: MacChecker;
  readonly #load: LoadMeter;
  readonly #limiter = new RateLimiter();
  readonly #peers = new Map<PeerId, Peer>();
  readonly #allowed = new AllowedIps<Peer>();
  readonly #holders = new Map<number, Holder>();
  #out: WireGuardOutput[] = [];

  /** Throws where the peers cannot be meant: two of them alike, ourselves, or no key at all. */
  constructor(options: WireGuardOptions, now: Instant) {
    const { crypto, random } = options;
    const privateKey = new Uint8Array(options.privateKey);
    this.#crypto = crypto;
    this.#own = { privateKey, publicKey: crypto.publicKey(privateKey) };
    this.#epoch = options.epoch;
    this.#mtu = options.mtu ?? 1420;
    this.#ephemerals = random.child('ephemeral');
    this.#indices = random.child('index');
    this.#jitter = random.child('jitter');
    this.#macs = new MacChecker(crypto, this.#own.publicKey, random.child('cookie'));
    this.#load = new LoadMeter(options.busyAt ?? busyAtDefault);
    for (const peer of options.peers) {
      if (this.#peers.has(peerId(peer.publicKey)))
        throw new RangeError(`two peers with one key: ${peerId(peer.publicKey)}`);
      const { timers } = this.#setPeer(peer);
      if (timers.persistentEvery > 0) timers.persistentAt = now;
    }
  }

  get publicKey(): Uint8Array {
    return this.#own.publicKey;
  }

  /** Names of all peers, in the order they were added. */
  get peers(): PeerId[] {
    return [...this.#peers.keys()];
  }

  status(peer: PeerId, now: Instant): PeerStatus {
    const known = this.#known(peer);
    const { endpoint, lastHandshake, sentBytes, receivedBytes } = known;
    return { state: known.state(now), endpoint, lastHandshake, sentBytes, receivedBytes };
  }

  /** When the last handshake with a peer was complete, if ever. */
  lastHandshake(peer: PeerId): Instant | undefined {
    return this.#known(peer).lastHandshake;
  }

  /** Who is responsible for an inner address. */
  route(ip: Ipv4): PeerId | undefined {
    return this.#allowed.lookup(ip)?.id;
  }

  handle(input: WireGuardInput, now: Instant): WireGuardOutput[] {
    switch (input.kind) {
      case 'packet':
        this.#send(input.bytes, now);
        break;
      case 'datagram':
        this.#receive(input.bytes, input.from, now);
        break;
      case 'connect': {
        const peer = this.#known(input.peer);
        if (peer.endpoint === undefined) this.#drop('WG_NO_ENDPOINT', nothing, peer);
        else this.#initiate(peer, now);
        break;
      }
      case 'configure':
        this.#configure(input.peer, now);
        break;
      case 'remove':
        this.#remove(this.#known(input.peer), now);
        break;
    }
    return this.#take();
  }

  nextWake(): Instant | undefined {
    let next = never;
    for (const peer of this.#peers.values()) {
      const wake = peer.nextWake();
      if (wake < next) next = wake;
    }
    return next === never ? undefined : next;
  }

  wake(now: Instant): WireGuardOutput[] {
    for (const peer of this.#peers.values()) {
      if (peer.nextWake() <= now) this.#wakePeer(peer, now);
    }
    return this.#take();
  }

  #wakePeer(peer: Peer, now: Instant): void {
    const { timers } = peer;
    if (timers.failAt <= now) {
      timers.failAt = never;
      peer.failed = true;
    }
    if (timers.giveUpAt <= now) {
      timers.handshakeGivenUp(now);
      for (const packet of peer.unstage()) this.#dropStaged(peer, packet);
    }
    if (timers.retryAt <= now) this.#retry(peer, now);
    if (timers.silenceAt <= now) {
      timers.silenceAt = never;
      this.#initiate(peer, now);
    }
    if (timers.keepaliveAt <= now) {
      this.#sendKeepalive(peer, now);
      timers.keepaliveCame(now);
    }
    if (timers.persistentAt <= now) {
      timers.persistentAt = never; // what is sent sets it again
      this.#sendKeepalive(peer, now);
    }
    if (timers.wipeAt <= now) {
      timers.wipeAt = never;
      this.#endPending(peer);
      this.#release(peer.keypairs.clear());
    }
    this.#tell(peer, now);
  }

  // Peers

  #known(peer: PeerId): Peer {
    const known = this.#peers.get(peer);
    if (known === undefined) throw new RangeError(`no such peer: ${peer}`);
    return known;
  }

  #setPeer(options: PeerOptions): Peer {
    const id = peerId(options.publicKey);
    let peer = this.#peers.get(id);
    if (peer === undefined) {
      if (id === peerId(this.#own.publicKey)) throw new RangeError('a tunnel to itself');
      if (this.#peers.size >= peersMax) throw new RangeError(`more than ${peersMax} peers`);
      const shared = this.#crypto.sharedSecret(this.#own.privateKey, options.publicKey);
      if (shared === undefined) throw new RangeError(`not a public key: ${id}`);
      peer = new Peer(this.#crypto, options, shared, this.#jitter);
      this.#peers.set(id, peer);
    } else {
      peer.endpoint = options.endpoint ?? peer.endpoint;
      peer.presharedKey = options.presharedKey ?? new Uint8Array(32);
      peer.timers.persistentEvery = options.persistentKeepalive ?? nanoseconds(0);
      if (peer.timers.persistentEvery === 0) peer.timers.persistentAt = never;
      this.#allowed.remove(peer);
    }
    for (const prefix of options.allowedIps) this.#allowed.set(prefix, peer);
    return peer;
  }

  #configure(options: PeerOptions, now: Instant): void {
    const peer = this.#setPeer(options);
    if (peer.timers.persistentEvery > 0) this.#sendKeepalive(peer, now);
    this.#tell(peer, now);
  }

  #remove(peer: Peer, now: Instant): void {
    for (const packet of peer.unstage()) this.#dropStaged(peer, packet);
    this.#endPending(peer);
    this.#release(peer.keypairs.clear());
    peer.timers.handshakeComplete();
    peer.failed = false;
    this.#tell(peer, now);
    this.#allowed.remove(peer);
    this.#peers.delete(peer.id);
  }

  // Inner packets outwards

  #send(packet: Uint8Array, now: Instant): void {
    const destination = innerDestination(packet);
    const peer = destination === undefined ? undefined : this.#allowed.lookup(destination);
    const session = peer?.keypairs.current;
    if (destination === undefined) this.#drop('IP_HEADER', packet);
    else if (peer === undefined) this.#drop('WG_NO_PEER', packet);
    else if (peer.endpoint === undefined) this.#drop('WG_NO_ENDPOINT', packet, peer);
    else if (session?.maySend(now)) this.#seal(peer, session, packet, now);
    else {
      const oldest = peer.stage(packet);
      if (oldest !== undefined) this.#dropStaged(peer, oldest);
      this.#flush(peer, now);
    }
  }

  /** Sends everything that waits, or sees to it that it can be sent. */
  #flush(peer: Peer, now: Instant): void {
    const staged = peer.unstage();
    for (const packet of staged) {
      const session = peer.keypairs.current;
      if (session?.maySend(now)) this.#seal(peer, session, packet, now);
      else peer.stage(packet);
    }
    if (peer.hasStaged) this.#initiate(peer, now);
  }

  /** Anything that waits will do; where nothing does, an empty packet. */
  #sendKeepalive(peer: Peer, now: Instant): void {
    if (peer.endpoint === undefined) return;
    if (!peer.hasStaged) peer.stage(nothing);
    this.#flush(peer, now);
  }

  #seal(peer: Peer, session: Keypair, packet: Uint8Array, now: Instant): void {
    this.#emit(peer, session.seal(packet, paddedLength(packet.length, this.#mtu)), 0, now);
    if (packet.length > 0) peer.timers.dataSent(now);
    if (session.wantsRekeyAfterSending(now)) this.#initiate(peer, now);
  }

  #emit(peer: Peer, bytes: Uint8Array, tos: number, now: Instant): void {
    if (peer.endpoint === undefined)
      throw new Error(`something to send to ${peer.id}, and no endpoint`);
    this.#out.push({ kind: 'datagram', to: peer.endpoint, bytes, tos });
    peer.sentBytes += bytes.length;
    peer.timers.sent(now);
  }

  // Handshakes

  /** Asks for a session, and goes on asking until there is one or it has taken too long. */
  #initiate(peer: Peer, now: Instant): void {
    if (peer.endpoint === undefined) return;
    if (!peer.timers.attempting) peer.failed = false;
    peer.timers.handshakeWanted(now);
    const tooSoon =
      peer.handshakeSentAt !== undefined && now < after(peer.handshakeSentAt, rekeyTimeout);
    if (!tooSoon) this.#sendInitiation(peer, now);
    else if (peer.timers.retryAt === never) peer.timers.retryAfter(peer.handshakeSentAt!);
    this.#tell(peer, now);
  }

  /** The clock of the machine has been set: timestamps jump by this many seconds, also back. */
  stepClock(bySeconds: number): void {
    this.#epoch += bySeconds;
  }

  /** The last initiation had no answer. */
  #retry(peer: Peer, now: Instant): void {
    const sentAt = peer.handshakeSentAt;
    // Meanwhile we have answered the peer's: give that its time.
    if (sentAt !== undefined && now < after(sentAt, rekeyTimeout)) peer.timers.retryAfter(sentAt);
    else this.#sendInitiation(peer, now);
  }

  #sendInitiation(peer: Peer, now: Instant): void {
    this.#endPending(peer);
    const ephemeral = this.#ephemerals.bytes(32);
    const index = this.#newIndex();
    const timestamp = tai64n(this.#epoch, now);
    const made = initiate(this.#crypto, this.#own, peer.publicKey, ephemeral, index, timestamp);
    if (made === undefined) throw new Error(`no handshake with the key ${peer.id}`);
    peer.pending = made.pending;
    this.#holders.set(index, { peer, keypair: undefined });
    peer.macs.stamp(made.bytes, now);
    this.#tellKeys(peer, ephemeral);
    this.#emit(peer, made.bytes, handshakeTos, now);
    peer.handshakeSentAt = now;
    peer.timers.retryAfter(now);
  }

  #receiveInitiation(message: WireguardInitiation, from: Endpoint, now: Instant): Reason | Peer {
    const opened = openInitiation(this.#crypto, this.#own, message);
    if (opened === undefined) return 'WG_DECRYPT';
    const peer = this.#peers.get(peerId(opened.peer));
    if (peer === undefined) return 'WG_UNKNOWN_PEER';
    const timestamp = opened.noise.readPayload(peer.staticShared, message.sealedTimestamp);
    if (timestamp === undefined) return 'WG_DECRYPT';
    if (peer.timestamp !== undefined && !isLater(timestamp, peer.timestamp)) return 'WG_REPLAY';
    const last = peer.initiationCameAt;
    if (last !== undefined && now < after(last, initiationEvery)) return 'WG_RATE_LIMITED';

    const ephemeral = this.#ephemerals.bytes(32);
    const index = this.#newIndex();
    const { sender } = message;
    const answer = respond(opened.noise, ephemeral, peer.presharedKey, index, sender);
    if (answer === undefined) return 'WG_DECRYPT';
    peer.timestamp = timestamp;
    peer.initiationCameAt = now;
    peer.endpoint = sameEndpoint(peer.endpoint, from);
    // One handshake at a time: of two that crossed neither is answered, and jitter decides the
    // next round (section 6.1).
    this.#endPending(peer);
    peer.macs.stamp(answer.bytes, now);
    this.#tellKeys(peer, ephemeral);
    this.#emit(peer, answer.bytes, handshakeTos, now);
    peer.handshakeSentAt = now;
    this.#addSession(peer, answer.secrets, false, index, sender, now);
    peer.timers.received(now);
    this.#tell(peer, now);
    return peer;
  }

  #receiveResponse(message: WireguardResponse, from: Endpoint, now: Instant): Reason | Peer {
    const peer = this.#holders.get(message.receiver)?.peer;
    const pending = peer?.pending;
    if (peer === undefined || pending?.index !== message.receiver) return 'WG_UNKNOWN_INDEX';
    const secrets = complete(pending, message, peer.presharedKey);
    if (secrets === undefined) return 'WG_DECRYPT';
    peer.endpoint = sameEndpoint(peer.endpoint, from);
    peer.pending = undefined; // its index becomes the session's
    this.#addSession(peer, secrets, true, message.receiver, message.sender, now);
    this.#handshakeComplete(peer, now);
    peer.timers.received(now);
    this.#tell(peer, now);
    this.#sendKeepalive(peer, now); // the responder may not send before it has heard from us
    return peer;
  }

  #receiveCookie(message: WireguardCookieReply, now: Instant): Reason | undefined {
    const peer = this.#holders.get(message.receiver)?.peer;
    if (peer === undefined) return 'WG_UNKNOWN_INDEX';
    // Used when the initiation is sent again: the time for that is already set.
    return peer.macs.take(message, now) ? undefined : 'WG_DECRYPT';
  }

  #addSession(
    peer: Peer,
    secrets: Secrets,
    weInitiated: boolean,
    index: number,
    remoteIndex: number,
    now: Instant,
  ): void {
    const keypair = new Keypair(this.#crypto, secrets, weInitiated, index, remoteIndex, now);
    this.#holders.set(index, { peer, keypair });
    this.#release(peer.keypairs.add(keypair));
    peer.timers.sessionMade(now);
  }

  #handshakeComplete(peer: Peer, now: Instant): void {
    peer.lastHandshake = now;
    peer.failed = false;
    peer.timers.handshakeComplete();
  }

  #endPending(peer: Peer): void {
    if (peer.pending !== undefined) this.#holders.delete(peer.pending.index);
    peer.pending = undefined;
  }

  #release(keypairs: readonly Keypair[]): void {
    for (const { localIndex } of keypairs) this.#holders.delete(localIndex);
  }

  #newIndex(): number {
    // At most five indices a peer are in use, of 2^32: this ends at once.
    for (;;) {
      const index = this.#indices.uint32();
      if (!this.#holders.has(index)) return index;
    }
  }

  // Datagrams inwards

  #receive(bytes: Uint8Array, from: Endpoint, now: Instant): void {
    const message = decodeWireguard(bytes);
    let outcome: Reason | Peer | undefined;
    if (message instanceof Malformed) outcome = 'WG_MALFORMED';
    else if (message.kind === 'data') outcome = this.#receiveData(message, from, now);
    else outcome = this.#receiveHandshake(message, bytes, from, now);
    if (typeof outcome === 'string') this.#drop(outcome, bytes);
    else if (outcome !== undefined) outcome.receivedBytes += bytes.length;
  }

  #receiveHandshake(
    message: Exclude<WireguardMessage, WireguardData>,
    bytes: Uint8Array,
    from: Endpoint,
    now: Instant,
  ): Reason | Peer | undefined {
    const busy = this.#load.count(now);
    if (message.kind === 'cookie-reply') return this.#receiveCookie(message, now);
    if (!this.#macs.mac1IsRight(bytes)) return 'WG_MAC1';
    if (busy) {
      if (!this.#macs.mac2IsRight(bytes, from, now)) {
        const reply = this.#macs.reply(bytes, message.sender, from, now);
        this.#out.push({ kind: 'datagram', to: from, bytes: reply, tos: 0 });
        return 'WG_COOKIE';
      }
      if (!this.#limiter.allow(from.ip, now)) return 'WG_RATE_LIMITED';
    }
    return message.kind === 'initiation'
      ? this.#receiveInitiation(message, from, now)
      : this.#receiveResponse(message, from, now);
  }

  #receiveData(message: WireguardData, from: Endpoint, now: Instant): Reason | Peer {
    const holder = this.#holders.get(message.receiver);
    const session = holder?.keypair;
    if (holder === undefined || session === undefined || now >= session.endsAt)
      return 'WG_UNKNOWN_INDEX';
    const { peer } = holder;
    const packet = session.open(message);
    if (typeof packet === 'string') return packet;

    // From here on it is authentic.
    peer.endpoint = sameEndpoint(peer.endpoint, from);
    peer.timers.received(now);
    if (packet.length > 0) peer.timers.dataReceived(now);
    if (peer.keypairs.confirm(session)) {
      this.#handshakeComplete(peer, now);
      this.#tell(peer, now);
      this.#flush(peer, now);
    } else if (peer.failed || peer.endpoint !== peer.toldEndpoint) {
      peer.failed = false;
      this.#tell(peer, now);
    }
    if (session.wantsRekeyAfterReceiving(now)) this.#initiate(peer, now);
    if (packet.length > 0) this.#deliver(packet, peer);
    return peer;
  }

  #deliver(packet: Uint8Array, peer: Peer): void {
    const source = innerSource(packet);
    const bytes = trimmed(packet);
    if (source === undefined || bytes === undefined) this.#drop('IP_HEADER', packet, peer);
    else if (this.#allowed.lookup(source) !== peer) this.#drop('WG_ALLOWED_IPS', bytes, peer);
    else this.#out.push({ kind: 'packet', bytes, peer: peer.id });
  }

  // Telling

  #take(): WireGuardOutput[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  #drop(reason: Reason, bytes: Uint8Array, peer?: Peer): void {
    this.#out.push({ kind: 'dropped', reason, bytes, ...(peer && { peer: peer.id }) });
  }

  /** A keepalive that waited in vain is nobody's packet. */
  #dropStaged(peer: Peer, packet: Uint8Array): void {
    if (packet.length > 0) this.#drop('WG_NO_SESSION', packet, peer);
  }

  /** Says how a peer stands where that is news, and sees when it will be next. */
  #tell(peer: Peer, now: Instant): void {
    const state = peer.state(now);
    const { current, next } = peer.keypairs;
    peer.reviewAt = never;
    if (state === 'up') peer.reviewAt = current!.endsAt;
    else if (state === 'connecting' && !peer.timers.attempting) peer.reviewAt = next!.endsAt;
    const moved = state === 'up' && peer.endpoint !== peer.toldEndpoint;
    if (state === peer.toldState && !moved) return;
    peer.toldState = state;
    peer.toldEndpoint = peer.endpoint;
    this.#out.push({ kind: 'state', peer: peer.id, state, endpoint: peer.endpoint });
  }

  #tellKeys(peer: Peer, ephemeralPrivate: Uint8Array): void {
    this.#out.push({
      kind: 'keys',
      peer: peer.id,
      ephemeralPrivate,
      staticPrivate: this.#own.privateKey,
      remoteStatic: peer.publicKey,
      presharedKey: peer.presharedKey,
    });
  }
}

const nothing = new Uint8Array(0);
