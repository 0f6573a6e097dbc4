/**
 * Security associations (RFC 4301 section 4.1): a key for one direction of one tunnel, and the
 * counters that go with it. The nonce of a packet is the salt and its IV, and the IV is its
 * sequence number (RFC 4106 section 3.1 allows a counter): so no nonce is ever used twice.
 */
import { view } from '../../base/bytes.ts';
import {
  decodeEspContent,
  type Esp,
  type EspContent,
  encodeEsp,
  encodeEspContent,
  espPadding,
} from '../../wire/esp.ts';
import { Malformed } from '../../wire/malformed.ts';
import { type Cipher, tagSize } from '../cipher.ts';
import type { EspCrypto } from './crypto.ts';
import { ReplayWindow } from './replay.ts';

/** What both ends are given for one direction. */
export interface SecurityAssociation {
  /** What the receiver calls it. */
  readonly spi: number;
  /** AES: 16, 24 or 32 bytes. */
  readonly key: Uint8Array;
  /** 4 bytes. */
  readonly salt: Uint8Array;
}

/** The last number. The next would be the first once more, and its nonce with it. */
const sequenceMax = 0xffff_ffff;

export class OutboundAssociation {
  readonly #spi: number;
  readonly #cipher: Cipher;
  readonly #nonce = new Uint8Array(12);
  #sequence: number;

  /** @param used How many numbers have been used up before. */
  constructor(association: SecurityAssociation, crypto: EspCrypto, used = 0) {
    this.#spi = association.spi;
    this.#cipher = crypto.gcm(association.key);
    this.#nonce.set(association.salt);
    this.#sequence = used;
  }

  /** An ESP packet around these bytes; `undefined` where the sequence numbers are used up. */
  seal(payload: Uint8Array, next: number): Uint8Array | undefined {
    if (this.#sequence === sequenceMax) return undefined;
    this.#sequence += 1;
    view(this.#nonce).setUint32(8, this.#sequence);
    const content = encodeEspContent({ payload, padding: espPadding(payload.length), next });
    const sealed = new Uint8Array(content.length + tagSize);
    const [spi, sequence] = [this.#spi, this.#sequence];
    this.#cipher.seal(this.#nonce, associated(spi, sequence), content, sealed, 0);
    return encodeEsp({ spi, sequence, iv: this.#nonce.subarray(4), sealed });
  }
}

export class InboundAssociation {
  readonly #cipher: Cipher;
  readonly #nonce = new Uint8Array(12);
  readonly #replay = new ReplayWindow();

  constructor({ key, salt }: SecurityAssociation, crypto: EspCrypto) {
    this.#cipher = crypto.gcm(key);
    this.#nonce.set(salt);
  }

  /** What is in the packet, or why nothing is. */
  open({ spi, sequence, iv, sealed }: Esp): EspContent | 'ESP_REPLAY' | 'ESP_ICV' | 'ESP_CONTENT' {
    if (!this.#replay.isNew(sequence)) return 'ESP_REPLAY';
    this.#nonce.set(iv, 4);
    const opened = this.#cipher.open(this.#nonce, associated(spi, sequence), sealed);
    if (opened === undefined) return 'ESP_ICV';
    this.#replay.note(sequence); // only now, for what is not authentic must not move the window
    const content = decodeEspContent(opened);
    return content instanceof Malformed ? 'ESP_CONTENT' : content;
  }
}

/** What is authentic but not secret: SPI and sequence number (RFC 4106 section 5). */
function associated(spi: number, sequence: number): Uint8Array {
  const bytes = new Uint8Array(8);
  view(bytes).setUint32(0, spi);
  view(bytes).setUint32(4, sequence);
  return bytes;
}
