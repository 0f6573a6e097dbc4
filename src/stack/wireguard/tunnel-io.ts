/** What a tunnel is given, what is told to it, and what it answers with. */
import type { Random } from '../../base/random.ts';
import type { Instant } from '../../base/time.ts';
import type { Reason } from '../../trace/reasons.ts';
import type { WireGuardCrypto } from './crypto.ts';
import type { Endpoint } from './endpoint.ts';
import type { PeerId, PeerOptions, PeerState } from './peer.ts';

export interface WireGuardOptions {
  readonly privateKey: Uint8Array;
  readonly crypto: WireGuardCrypto;
  readonly random: Random;
  /** Whole seconds from 1970 to the start of the lab's clock: timestamps are `epoch` plus now. */
  readonly epoch: number;
  readonly peers: readonly PeerOptions[];
  /** Of the inner packets; padding does not go beyond it. 1420 unless told. */
  readonly mtu?: number;
  /** So many handshake messages within a second are a flood, answered by cookies; 0 is always. */
  readonly busyAt?: number;
}

export type WireGuardInput =
  /** An inner IPv4 packet to send. Its bytes are not kept. */
  | { readonly kind: 'packet'; readonly bytes: Uint8Array }
  /** What came by UDP. */
  | { readonly kind: 'datagram'; readonly from: Endpoint; readonly bytes: Uint8Array }
  /** Start a handshake now, whether or not there is a session. */
  | { readonly kind: 'connect'; readonly peer: PeerId }
  /** A new peer, or other options for one that is there; what it leaves out of them is taken away, but for the endpoint. */
  | { readonly kind: 'configure'; readonly peer: PeerOptions }
  | { readonly kind: 'remove'; readonly peer: PeerId };

export type WireGuardOutput =
  | {
      readonly kind: 'datagram';
      readonly to: Endpoint;
      readonly bytes: Uint8Array;
      /** Type of service of the packet around it. */
      readonly tos: number;
    }
  /** An inner packet, authentic, from an address that the peer may use. */
  | { readonly kind: 'packet'; readonly bytes: Uint8Array; readonly peer: PeerId }
  /** Something ended here: a packet, a datagram, or one that had waited. */
  | {
      readonly kind: 'dropped';
      readonly reason: Reason;
      readonly bytes: Uint8Array;
      readonly peer?: PeerId;
    }
  /** A peer's state or, while it is up, its endpoint has changed. */
  | {
      readonly kind: 'state';
      readonly peer: PeerId;
      readonly state: PeerState;
      readonly endpoint: Endpoint | undefined;
    }
  /** An initiation or response was made with these: what it takes to decrypt a capture. Comes before the datagram. */
  | {
      readonly kind: 'keys';
      readonly peer: PeerId;
      readonly ephemeralPrivate: Uint8Array;
      readonly staticPrivate: Uint8Array;
      readonly remoteStatic: Uint8Array;
      readonly presharedKey: Uint8Array;
    };

/** What can be asked of a peer. */
export interface PeerStatus {
  readonly state: PeerState;
  readonly endpoint: Endpoint | undefined;
  readonly lastHandshake: Instant | undefined;
  /** Of datagrams, authentic ones only. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
}
