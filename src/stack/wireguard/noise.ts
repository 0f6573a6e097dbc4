/**
 * Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s (The Noise Protocol Framework, revision 34): the key
 * exchange under WireGuard, with any prologue and any payloads, so that it can be tested against
 * vectors that know nothing of WireGuard.
 *
 *    <- s                     the initiator knows the responder's static key
 *    -> e, es, s, ss          first message
 *    <- e, ee, se, psk        second message
 */
import { concat } from '../../base/bytes.ts';
import { type Cipher, tagSize } from '../cipher.ts';
import { construction } from './constants.ts';
import type { WireGuardCrypto } from './crypto.ts';

/** A static key and both its halves. */
export interface KeyPair {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** What both ends have after the second message (revision 34, section 5.2, Split). */
export interface Secrets {
  /** What the initiator seals with. */
  readonly fromInitiator: Uint8Array;
  readonly fromResponder: Uint8Array;
  /** Names the handshake; equal at both ends. */
  readonly hash: Uint8Array;
}

export interface FirstMessage {
  readonly ephemeral: Uint8Array;
  readonly sealedStatic: Uint8Array;
  readonly sealedPayload: Uint8Array;
}

export interface SecondMessage {
  readonly ephemeral: Uint8Array;
  readonly sealedPayload: Uint8Array;
}

/** The end that speaks first. */
export class NoiseInitiator {
  readonly #own: KeyPair;
  readonly #state: SymmetricState;
  readonly #ephemeral: Uint8Array;
  readonly message: FirstMessage;

  private constructor(
    own: KeyPair,
    state: SymmetricState,
    ephemeral: Uint8Array,
    message: FirstMessage,
  ) {
    this.#own = own;
    this.#state = state;
    this.#ephemeral = ephemeral;
    this.message = message;
  }

  /**
   * Writes the first message. `undefined` where the responder's key is of low order.
   *
   * @param ephemeral A fresh private key.
   */
  static start(
    crypto: WireGuardCrypto,
    prologue: Uint8Array,
    own: KeyPair,
    responder: Uint8Array,
    ephemeral: Uint8Array,
    payload: Uint8Array,
  ): NoiseInitiator | undefined {
    const state = SymmetricState.begin(crypto, prologue, responder);
    const publicEphemeral = crypto.publicKey(ephemeral);
    state.mixEphemeral(publicEphemeral);
    if (!state.mixShared(ephemeral, responder)) return undefined;
    const sealedStatic = state.seal(own.publicKey);
    if (!state.mixShared(own.privateKey, responder)) return undefined;
    const sealedPayload = state.seal(payload);
    const message = { ephemeral: publicEphemeral, sealedStatic, sealedPayload };
    return new NoiseInitiator(own, state, ephemeral, message);
  }

  /**
   * Reads the second message. `undefined` where it is not authentic: then nothing has changed,
   * and the right one may still come.
   */
  finish(
    message: SecondMessage,
    presharedKey: Uint8Array,
  ): { readonly payload: Uint8Array; readonly secrets: Secrets } | undefined {
    const state = this.#state.copy();
    state.mixEphemeral(message.ephemeral);
    if (!state.mixShared(this.#ephemeral, message.ephemeral)) return undefined;
    if (!state.mixShared(this.#own.privateKey, message.ephemeral)) return undefined;
    state.mixKeyAndHash(presharedKey);
    const payload = state.open(message.sealedPayload);
    return payload && { payload, secrets: state.split() };
  }
}

/**
 * The end that answers. The first message is read in two steps, because after the first of them
 * one knows who claims to speak, and can give up or look up what was computed before.
 */
export class NoiseResponder {
  readonly #own: KeyPair;
  readonly #state: SymmetricState;
  #initiator: Uint8Array | undefined;
  #ephemeral: Uint8Array | undefined;

  constructor(crypto: WireGuardCrypto, prologue: Uint8Array, own: KeyPair) {
    this.#own = own;
    this.#state = SymmetricState.begin(crypto, prologue, own.publicKey);
  }

  /** The static public key of the initiator, not yet proven to be its own. */
  readStatic(ephemeral: Uint8Array, sealedStatic: Uint8Array): Uint8Array | undefined {
    this.#state.mixEphemeral(ephemeral);
    if (!this.#state.mixShared(this.#own.privateKey, ephemeral)) return undefined;
    const initiator = this.#state.open(sealedStatic);
    if (initiator?.length !== 32) return undefined;
    this.#ephemeral = new Uint8Array(ephemeral);
    this.#initiator = initiator;
    return initiator;
  }

  /**
   * The payload; from here on the initiator has proven that it holds its key.
   *
   * @param shared The secret of the two static keys: `sharedSecret(own, initiator)`.
   */
  readPayload(shared: Uint8Array, sealedPayload: Uint8Array): Uint8Array | undefined {
    this.#state.mixKey(shared);
    return this.#state.open(sealedPayload);
  }

  /** Writes the second message. `undefined` where one of the initiator's keys is of low order. */
  answer(
    ephemeral: Uint8Array,
    presharedKey: Uint8Array,
    payload: Uint8Array,
  ): { readonly message: SecondMessage; readonly secrets: Secrets } | undefined {
    if (this.#ephemeral === undefined || this.#initiator === undefined)
      throw new Error('an answer before the first message was read');
    const publicEphemeral = this.#state.crypto.publicKey(ephemeral);
    this.#state.mixEphemeral(publicEphemeral);
    if (!this.#state.mixShared(ephemeral, this.#ephemeral)) return undefined;
    if (!this.#state.mixShared(ephemeral, this.#initiator)) return undefined;
    this.#state.mixKeyAndHash(presharedKey);
    const sealedPayload = this.#state.seal(payload);
    const message = { ephemeral: publicEphemeral, sealedPayload };
    return { message, secrets: this.#state.split() };
  }
}

const nothing = new Uint8Array(0);
/** Every key of a handshake seals once, so the counter never leaves zero. */
const nonceZero = new Uint8Array(12);

/** The running secrets of a handshake (revision 34, section 5.2). */
class SymmetricState {
  readonly crypto: WireGuardCrypto;
  #chainingKey: Uint8Array;
  #hash: Uint8Array;
  #cipher: Cipher | undefined;

  private constructor(crypto: WireGuardCrypto, chainingKey: Uint8Array, hash: Uint8Array) {
    this.crypto = crypto;
    this.#chainingKey = chainingKey;
    this.#hash = hash;
  }

  static begin(
    crypto: WireGuardCrypto,
    prologue: Uint8Array,
    responder: Uint8Array,
  ): SymmetricState {
    const name = crypto.hash(construction); // hashed, because it is longer than a hash
    const state = new SymmetricState(crypto, name, name);
    state.#mixHash(prologue);
    state.#mixHash(responder);
    return state;
  }

  copy(): SymmetricState {
    const twin = new SymmetricState(this.crypto, this.#chainingKey, this.#hash);
    twin.#cipher = this.#cipher;
    return twin;
  }

  #mixHash(data: Uint8Array): void {
    this.#hash = this.crypto.hash(concat(this.#hash, data));
  }

  /** An `e` also goes into the key wherever a preshared key takes part (section 9.2). */
  mixEphemeral(publicKey: Uint8Array): void {
    this.#mixHash(publicKey);
    this.mixKey(publicKey);
  }

  mixKey(material: Uint8Array): void {
    const [chainingKey, key] = derive(this.crypto, this.#chainingKey, material, 2);
    this.#chainingKey = chainingKey!;
    this.#cipher = this.crypto.cipher(key!);
  }

  /** Mixes what two keys share; false where that is nothing. */
  mixShared(privateKey: Uint8Array, publicKey: Uint8Array): boolean {
    const shared = this.crypto.sharedSecret(privateKey, publicKey);
    if (shared !== undefined) this.mixKey(shared);
    return shared !== undefined;
  }

  mixKeyAndHash(material: Uint8Array): void {
    const [chainingKey, hash, key] = derive(this.crypto, this.#chainingKey, material, 3);
    this.#chainingKey = chainingKey!;
    this.#mixHash(hash!);
    this.#cipher = this.crypto.cipher(key!);
  }

  seal(plaintext: Uint8Array): Uint8Array {
    const sealed = new Uint8Array(plaintext.length + tagSize);
    this.#cipher!.seal(nonceZero, this.#hash, plaintext, sealed, 0);
    this.#mixHash(sealed);
    return sealed;
  }

  open(sealed: Uint8Array): Uint8Array | undefined {
    const plaintext = this.#cipher!.open(nonceZero, this.#hash, sealed);
    this.#mixHash(sealed);
    return plaintext;
  }

  split(): Secrets {
    const [fromInitiator, fromResponder] = derive(this.crypto, this.#chainingKey, nothing, 2);
    return { fromInitiator: fromInitiator!, fromResponder: fromResponder!, hash: this.#hash };
  }
}

/** HKDF as Noise has it (section 4.3), which is RFC 5869 without its "info". */
function derive(
  crypto: WireGuardCrypto,
  chainingKey: Uint8Array,
  material: Uint8Array,
  count: 2 | 3,
): Uint8Array[] {
  const secret = crypto.hmac(chainingKey, material);
  const outputs: Uint8Array[] = [];
  let last: Uint8Array = nothing;
  for (let i = 1; i <= count; i += 1) {
    last = crypto.hmac(secret, concat(last, Uint8Array.of(i)));
    outputs.push(last);
  }
  return outputs;
}
