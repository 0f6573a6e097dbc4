/**
 * The handshake of WireGuard: Noise_IKpsk2 in its two messages, with a timestamp against replay
 * (whitepaper sections 5.4.2 and 5.4.3). Pure functions; who remembers what is in `peer.ts`.
 */
import type { Instant } from '../../base/time.ts';
import {
  encodeWireguard,
  macSize,
  type WireguardInitiation,
  type WireguardResponse,
} from '../../wire/wireguard.ts';
import { identifier, initiationEvery } from './constants.ts';
import type { WireGuardCrypto } from './crypto.ts';
import { type KeyPair, NoiseInitiator, NoiseResponder, type Secrets } from './noise.ts';

const noMac = new Uint8Array(macSize);
const nothing = new Uint8Array(0);

/** An initiation that waits for its answer. */
export interface PendingHandshake {
  /** What we call the session: the answer names it. */
  readonly index: number;
  readonly noise: NoiseInitiator;
}

/**
 * Writes an initiation; its macs are still zero. `undefined` where the peer's key is of low order.
 *
 * @param ephemeral A fresh private key.
 */
export function initiate(
  crypto: WireGuardCrypto,
  own: KeyPair,
  peer: Uint8Array,
  ephemeral: Uint8Array,
  index: number,
  timestamp: Uint8Array,
): { readonly pending: PendingHandshake; readonly bytes: Uint8Array } | undefined {
  const noise = NoiseInitiator.start(crypto, identifier, own, peer, ephemeral, timestamp);
  if (noise === undefined) return undefined;
  const { ephemeral: publicEphemeral, sealedStatic, sealedPayload } = noise.message;
  const bytes = encodeWireguard({
    kind: 'initiation',
    sender: index,
    ephemeral: publicEphemeral,
    sealedStatic,
    sealedTimestamp: sealedPayload,
    mac1: noMac,
    mac2: noMac,
  });
  return { pending: { index, noise }, bytes };
}

/** Who an initiation claims to be from; the claim is proven by `noise.readPayload`. */
export function openInitiation(
  crypto: WireGuardCrypto,
  own: KeyPair,
  message: WireguardInitiation,
): { readonly noise: NoiseResponder; readonly peer: Uint8Array } | undefined {
  const noise = new NoiseResponder(crypto, identifier, own);
  const peer = noise.readStatic(message.ephemeral, message.sealedStatic);
  return peer && { noise, peer };
}

/** Answers an initiation that has been read; the macs of the response are still zero. */
export function respond(
  noise: NoiseResponder,
  ephemeral: Uint8Array,
  presharedKey: Uint8Array,
  index: number,
  receiver: number,
): { readonly bytes: Uint8Array; readonly secrets: Secrets } | undefined {
  const answer = noise.answer(ephemeral, presharedKey, nothing);
  if (answer === undefined) return undefined;
  const bytes = encodeWireguard({
    kind: 'response',
    sender: index,
    receiver,
    ephemeral: answer.message.ephemeral,
    sealedNothing: answer.message.sealedPayload,
    mac1: noMac,
    mac2: noMac,
  });
  return { bytes, secrets: answer.secrets };
}

/** The secrets of the session that a response completes; `undefined` where it is not authentic. */
export function complete(
  pending: PendingHandshake,
  message: WireguardResponse,
  presharedKey: Uint8Array,
): Secrets | undefined {
  const { ephemeral, sealedNothing } = message;
  return pending.noise.finish({ ephemeral, sealedPayload: sealedNothing }, presharedKey)?.secrets;
}

/** A step of the timestamp: a power of two no longer than initiations are apart, as in Linux. */
const timestampStep = 2 ** Math.floor(Math.log2(initiationEvery));

/**
 * TAI64N (section 5.1, cr.yp.to/libtai/tai64.html): 2^62 plus the seconds, and the nanoseconds,
 * big-endian. Rounded down, so that it tells no more of our clock than it has to.
 *
 * @param epoch Seconds from 1970 to the start of the lab's clock; whole.
 */
export function tai64n(epoch: number, now: Instant): Uint8Array {
  const seconds = epoch + 10 + Math.floor(now / 1e9); // TAI was 10 s ahead in 1970
  const nanos = Math.floor((now % 1e9) / timestampStep) * timestampStep;
  const bytes = new Uint8Array(12);
  const words = new DataView(bytes.buffer);
  words.setUint32(0, 0x4000_0000 + Math.floor(seconds / 2 ** 32));
  words.setUint32(4, seconds % 2 ** 32);
  words.setUint32(8, nanos);
  return bytes;
}

/** Whether one timestamp is strictly after another. */
export function isLater(timestamp: Uint8Array, than: Uint8Array): boolean {
  for (let i = 0; i < 12; i += 1) {
    if (timestamp[i] !== than[i]) return timestamp[i]! > than[i]!;
  }
  return false;
}
