/**
 * What keeps strangers from making us work (whitepaper sections 5.3 and 5.4.4). mac1 shows that
 * the sender knows our public key, so that everybody else gets no answer at all. While busy we
 * also want mac2, made with a cookie that we sent to the address it claims to come from; and even
 * then so many handshakes an address.
 *
 * What is counted as busy is ours: a machine in virtual time has no queue that could be long.
 */
import { concat } from '../../base/bytes.ts';
import type { Random } from '../../base/random.ts';
import { after, type Instant, labStart, seconds } from '../../base/time.ts';
import type { Ipv4 } from '../../wire/address.ts';
import { encodeWireguard, macSize, type WireguardCookieReply } from '../../wire/wireguard.ts';
import { type Cipher, tagSize } from '../cipher.ts';
import { busyFor, cookieSecretFor, cookieUsedFor, labelCookie, labelMac1 } from './constants.ts';
import type { WireGuardCrypto } from './crypto.ts';
import type { Endpoint } from './endpoint.ts';

const mac1At = (bytes: Uint8Array): number => bytes.length - 2 * macSize;
const mac2At = (bytes: Uint8Array): number => bytes.length - macSize;

/** Checks the macs of what is sent to one public key, and asks for cookies on its behalf. */
export class MacChecker {
  readonly #crypto: WireGuardCrypto;
  readonly #random: Random;
  readonly #mac1Key: Uint8Array;
  readonly #cookieCipher: Cipher;
  #secret: Uint8Array | undefined;
  #secretMadeAt = labStart;

  /** @param random Makes the secret behind the cookies, and nonces. */
  constructor(crypto: WireGuardCrypto, publicKey: Uint8Array, random: Random) {
    this.#crypto = crypto;
    this.#random = random;
    this.#mac1Key = crypto.hash(concat(labelMac1, publicKey));
    this.#cookieCipher = crypto.longNonceCipher(crypto.hash(concat(labelCookie, publicKey)));
  }

  /** @param bytes A whole initiation or response. */
  mac1IsRight(bytes: Uint8Array): boolean {
    const at = mac1At(bytes);
    const mac = this.#crypto.keyedHash(this.#mac1Key, bytes.subarray(0, at), macSize);
    return sameMac(mac, bytes.subarray(at, at + macSize));
  }

  mac2IsRight(bytes: Uint8Array, from: Endpoint, now: Instant): boolean {
    const at = mac2At(bytes);
    const mac = this.#crypto.keyedHash(this.#cookie(from, now), bytes.subarray(0, at), macSize);
    return sameMac(mac, bytes.subarray(at));
  }

  /** The cookie reply to a message whose mac1 is right; `sender` is what the message calls itself. */
  reply(bytes: Uint8Array, sender: number, from: Endpoint, now: Instant): Uint8Array {
    const nonce = this.#random.bytes(24);
    const sealedCookie = new Uint8Array(macSize + tagSize);
    const mac1 = bytes.subarray(mac1At(bytes), mac2At(bytes));
    this.#cookieCipher.seal(nonce, mac1, this.#cookie(from, now), sealedCookie, 0);
    return encodeWireguard({ kind: 'cookie-reply', receiver: sender, nonce, sealedCookie });
  }

  /** The cookie of an address: nothing is kept for it, it is computed anew. */
  #cookie(from: Endpoint, now: Instant): Uint8Array {
    if (this.#secret === undefined || now >= after(this.#secretMadeAt, cookieSecretFor)) {
      this.#secret = this.#random.bytes(32);
      this.#secretMadeAt = now;
    }
    const { ip, port } = from;
    const source = Uint8Array.of(ip >>> 24, ip >>> 16, ip >>> 8, ip, port >>> 8, port);
    return this.#crypto.keyedHash(this.#secret, source, macSize);
  }
}

/** Puts the macs on what is sent to one peer, and remembers the cookie it wants to see. */
export class MacMaker {
  readonly #crypto: WireGuardCrypto;
  readonly #mac1Key: Uint8Array;
  readonly #cookieCipher: Cipher;
  #cookie: Uint8Array | undefined;
  #cookieCameAt = labStart;
  /** The mac1 that a cookie reply must refer to; each is answered once. */
  #lastMac1: Uint8Array | undefined;

  /** @param publicKey The peer's. */
  constructor(crypto: WireGuardCrypto, publicKey: Uint8Array) {
    this.#crypto = crypto;
    this.#mac1Key = crypto.hash(concat(labelMac1, publicKey));
    this.#cookieCipher = crypto.longNonceCipher(crypto.hash(concat(labelCookie, publicKey)));
  }

  /** Writes both macs at the end of a handshake message. */
  stamp(bytes: Uint8Array, now: Instant): void {
    const mac1 = this.#crypto.keyedHash(this.#mac1Key, bytes.subarray(0, mac1At(bytes)), macSize);
    bytes.set(mac1, mac1At(bytes));
    this.#lastMac1 = mac1;
    if (this.#cookie === undefined || now >= after(this.#cookieCameAt, cookieUsedFor)) return;
    const signed = bytes.subarray(0, mac2At(bytes));
    bytes.set(this.#crypto.keyedHash(this.#cookie, signed, macSize), mac2At(bytes));
  }

  /** Takes in a cookie for the next message; false where the reply is not authentic. */
  take(reply: WireguardCookieReply, now: Instant): boolean {
    if (this.#lastMac1 === undefined) return false;
    const cookie = this.#cookieCipher.open(reply.nonce, this.#lastMac1, reply.sealedCookie);
    if (cookie === undefined) return false;
    this.#cookie = cookie;
    this.#cookieCameAt = now;
    this.#lastMac1 = undefined;
    return true;
  }
}

const costOfOne = seconds(1 / 20);
const burst = 5;
const sourcesMax = 8192;

/** 20 handshakes a second and 5 at once from each address, counted only while busy (Linux: ratelimiter.c). */
export class RateLimiter {
  /** How much credit an address has, as time, and when that was. In the order of last use. */
  readonly #sources = new Map<Ipv4, { credit: number; at: Instant }>();

  /** Whether one more from `source` is allowed. With too many sources to remember a new one is not. */
  allow(source: Ipv4, now: Instant): boolean {
    for (const [idle, { at }] of this.#sources) {
      if (at + burst * costOfOne > now) break;
      this.#sources.delete(idle); // its credit is full again: no need to remember it
    }
    const known = this.#sources.get(source);
    if (known === undefined && this.#sources.size >= sourcesMax) return false;
    const entry = known ?? { credit: burst * costOfOne, at: now };
    entry.credit = Math.min(burst * costOfOne, entry.credit + (now - entry.at));
    entry.at = now;
    this.#sources.delete(source);
    this.#sources.set(source, entry);
    if (entry.credit < costOfOne) return false;
    entry.credit -= costOfOne;
    return true;
  }
}

/** Busy once so many handshake messages come within a second, and for a second after. */
export class LoadMeter {
  readonly #busyAt: number;
  #second = 0;
  #count = 0;
  #busyUntil = labStart;

  constructor(busyAt: number) {
    this.#busyAt = busyAt;
  }

  /** Counts one handshake message, and tells whether we are busy. */
  count(now: Instant): boolean {
    const second = Math.floor(now / 1e9);
    if (second !== this.#second) this.#count = 0;
    this.#second = second;
    this.#count += 1;
    if (this.#count >= this.#busyAt) this.#busyUntil = after(now, busyFor);
    return now < this.#busyUntil;
  }
}

/** Compares in the same time wherever the difference is. */
function sameMac(a: Uint8Array, b: Uint8Array): boolean {
  let difference = 0;
  for (let i = 0; i < macSize; i += 1) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}
