/** An end of a tunnel as its appliance needs it, whoever does the cryptography and carries the packets. */
import type { Random } from '../base/random.ts';
import type { Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import type { Interface, PacketCarrier } from '../stack/interface.ts';
import type { IpStack } from '../stack/ip-stack.ts';
import type { WireGuardCrypto } from '../stack/wireguard/crypto.ts';
import type { PeerOptions, PeerState } from '../stack/wireguard/peer.ts';

/** What it takes to look into the tunnel from a capture. */
export interface TunnelKeys {
  readonly localStaticPrivate: Uint8Array;
  readonly remoteStaticPublic: Uint8Array;
  readonly localEphemeralPrivate: Uint8Array;
  readonly presharedKey: Uint8Array;
}

export interface TunnelOptions {
  /** The production network that it joins to its other half. */
  readonly network: string;
  readonly stack: IpStack;
  /** The interface whose packets go through it. */
  readonly inner: Interface;
  readonly port: number;
  readonly privateKey: Uint8Array;
  readonly peer: PeerOptions;
  readonly mtu: number;
  readonly crypto: WireGuardCrypto;
  readonly random: Random;
  /** What timestamps count from, in seconds of the calendar. */
  readonly epoch: number;
  readonly onState: (state: PeerState, now: Instant) => void;
}

export interface Tunnel extends PacketCarrier {
  readonly port: number;
  readonly state: PeerState;
  /** When the other end was last heard, or this one began. */
  readonly heardAt: Instant;
  /** Of every handshake so far, as far as they are known. */
  readonly keys: readonly TunnelKeys[];
  /** @param connect Whether it calls the other end at once, or waits to be called. */
  start(connect: boolean, now: Instant, sink: Sink, cause: number): void;
  /** For good: what waits for a session is dropped. */
  stop(now: Instant, sink: Sink, cause: number): void;
  /** Changes what is set for the peer; the session stays. */
  configure(peer: PeerOptions, now: Instant, sink: Sink, cause: number): void;
  /** The process answers to nothing, or goes on. */
  hang(hung: boolean, sink: Sink): void;
  /** The wall clock of the machine jumps. */
  stepClock(bySeconds: number): void;
}
