/** Sessions: the keys that a handshake made, and which of them is used for what (whitepaper section 5.4.6). */
import { after, type Instant } from '../../base/time.ts';
import { beginData, type WireguardData, wireguardSize, writeWord } from '../../wire/wireguard.ts';
import { type Cipher, tagSize } from '../cipher.ts';
import {
  rejectAfter,
  rejectCounterHigh,
  rejectCounterLow,
  rekeyAfter,
  rekeyAfterMessagesHigh,
  rekeyOnReceiveAfter,
} from './constants.ts';
import type { WireGuardCrypto } from './crypto.ts';
import type { Secrets } from './noise.ts';
import { ReplayWindow } from './replay.ts';

/** One session: a key for each direction and the counters that go with them. */
export class Keypair {
  /** What we and what the peer call it. */
  readonly localIndex: number;
  readonly remoteIndex: number;
  readonly weInitiated: boolean;
  /** It is not used at or after this moment (REJECT-AFTER-TIME). */
  readonly endsAt: Instant;
  readonly #rekeySendingAt: Instant;
  readonly #rekeyReceivingAt: Instant;
  readonly #sending: Cipher;
  readonly #receiving: Cipher;
  readonly #nonce = new Uint8Array(12);
  readonly #replay = new ReplayWindow();
  /** The two halves of the next counter to send with. */
  #high: number;
  #low: number;

  /** @param counter Upper and lower 32 bits of the first counter to send with: other than zero only in tests. */
  constructor(
    crypto: WireGuardCrypto,
    secrets: Secrets,
    weInitiated: boolean,
    localIndex: number,
    remoteIndex: number,
    now: Instant,
    counter: readonly [number, number] = [0, 0],
  ) {
    const { fromInitiator, fromResponder } = secrets;
    this.#sending = crypto.cipher(weInitiated ? fromInitiator : fromResponder);
    this.#receiving = crypto.cipher(weInitiated ? fromResponder : fromInitiator);
    this.weInitiated = weInitiated;
    this.localIndex = localIndex;
    this.remoteIndex = remoteIndex;
    this.endsAt = after(now, rejectAfter);
    this.#rekeySendingAt = after(now, rekeyAfter);
    this.#rekeyReceivingAt = after(now, rekeyOnReceiveAfter);
    [this.#high, this.#low] = counter;
  }

  /** Whether it may still be sent with. */
  maySend(now: Instant): boolean {
    return (
      now < this.endsAt && !(this.#high === rejectCounterHigh && this.#low >= rejectCounterLow)
    );
  }

  /**
   * Whether it is time for a new one, having sent with this one. By age only its initiator asks,
   * so that the two ends do not both do it (section 6.2).
   */
  wantsRekeyAfterSending(now: Instant): boolean {
    return (
      this.#high >= rekeyAfterMessagesHigh || (this.weInitiated && now >= this.#rekeySendingAt)
    );
  }

  /** Whether it is the last chance for a new one, having received with this one. */
  wantsRekeyAfterReceiving(now: Instant): boolean {
    return this.weInitiated && now >= this.#rekeyReceivingAt;
  }

  /** The data message that carries `packet`, padded with zeros to `padded` bytes. Uses up a counter. */
  seal(packet: Uint8Array, padded: number): Uint8Array {
    const header = wireguardSize.dataHeader;
    const bytes = beginData(header + padded + tagSize, this.remoteIndex, this.#high, this.#low);
    bytes.set(packet, header);
    const plaintext = bytes.subarray(header, header + padded);
    this.#sending.seal(this.#nonceOf(this.#high, this.#low), nothing, plaintext, bytes, header);
    this.#low = (this.#low + 1) >>> 0;
    if (this.#low === 0) this.#high += 1;
    return bytes;
  }

  /** The padded packet, or why there is none. */
  open(data: WireguardData): Uint8Array | 'WG_DECRYPT' | 'WG_REPLAY' {
    const nonce = this.#nonceOf(data.counterHigh, data.counterLow);
    const packet = this.#receiving.open(nonce, nothing, data.sealed);
    if (packet === undefined) return 'WG_DECRYPT';
    // Only now, for what is not authentic must not move the window.
    return this.#replay.accept(data.counterHigh, data.counterLow) ? packet : 'WG_REPLAY';
  }

  #nonceOf(high: number, low: number): Uint8Array {
    writeWord(this.#nonce, 4, low);
    writeWord(this.#nonce, 8, high);
    return this.#nonce;
  }
}

const nothing = new Uint8Array(0);

/**
 * The sessions of one peer. `previous` still opens what was under way when `current` came; `next`
 * is one that we answered for and whose initiator has not yet shown that it has the keys.
 */
export class Keypairs {
  previous: Keypair | undefined;
  current: Keypair | undefined;
  next: Keypair | undefined;

  /** Takes in a new session. Returns those that have no place any more. */
  add(keypair: Keypair): Keypair[] {
    if (!keypair.weInitiated) {
      const gone = [this.next, this.previous];
      this.next = keypair;
      this.previous = undefined;
      return gone.filter(present);
    }
    // The answer has proven that the peer has the keys, so we may send with them at once. An
    // unconfirmed session may be in use at the other end, hence it rather than `current` is kept.
    const gone = [this.previous, this.next && this.current];
    this.previous = this.next ?? this.current;
    this.next = undefined;
    this.current = keypair;
    return gone.filter(present);
  }

  /**
   * Something authentic came with `keypair`. Where that confirms `next`, it becomes `current`
   * (section 5.4.6: the responder does not send with a session before). `previous` is free then:
   * it was cleared when `next` came.
   */
  confirm(keypair: Keypair): boolean {
    if (keypair !== this.next) return false;
    this.previous = this.current;
    this.current = keypair;
    this.next = undefined;
    return true;
  }

  /** Forgets all of them, and returns them. */
  clear(): Keypair[] {
    const gone = [this.previous, this.current, this.next].filter(present);
    this.previous = undefined;
    this.current = undefined;
    this.next = undefined;
    return gone;
  }
}

const present = (keypair: Keypair | undefined): keypair is Keypair => keypair !== undefined;
