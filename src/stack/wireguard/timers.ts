/**
 * The timers of one peer (whitepaper section 6; which event touches which is Linux's timers.c).
 * A timer that does not run stands at `never`. Nothing here acts: the tunnel looks at what is due.
 */
import type { Random } from '../../base/random.ts';
import { after, type Duration, type Instant, labEnd } from '../../base/time.ts';
import {
  attemptFor,
  jitterMax,
  keepaliveTimeout,
  rekeyTimeout,
  silenceMax,
  wipeAfter,
} from './constants.ts';

export const never = labEnd;

export class Timers {
  readonly #random: Random;
  /** Zero is off. */
  persistentEvery: Duration;
  /** Send the initiation again. */
  retryAt = never;
  /** Stop trying, and drop what waits. Runs while a handshake is under way. */
  giveUpAt = never;
  /** Say that it has failed. Unlike the one above, not put off by packets that come to wait. */
  failAt = never;
  /** Tell the peer that we are there, since we have only received. */
  keepaliveAt = never;
  /** Something more came while that was already due. */
  #anotherKeepalive = false;
  /** Start anew, since we have sent and heard nothing. */
  silenceAt = never;
  persistentAt = never;
  /** Forget every secret. */
  wipeAt = never;

  constructor(random: Random, persistentEvery: Duration) {
    this.#random = random;
    this.persistentEvery = persistentEvery;
  }

  get attempting(): boolean {
    return this.giveUpAt !== never;
  }

  next(): Instant {
    return Math.min(
      this.retryAt,
      this.giveUpAt,
      this.failAt,
      this.keepaliveAt,
      this.silenceAt,
      this.persistentAt,
      this.wipeAt,
    ) as Instant;
  }

  /** Somebody wants a handshake: it is tried for the whole time from now (section 6.4). */
  handshakeWanted(now: Instant): void {
    this.giveUpAt = after(now, attemptFor);
    if (this.failAt === never) this.failAt = this.giveUpAt;
  }

  /** An initiation was sent at `sentAt`; the next follows unless it is answered (section 6.4). */
  retryAfter(sentAt: Instant): void {
    this.retryAt = this.#jittered(after(sentAt, rekeyTimeout));
  }

  handshakeComplete(): void {
    this.retryAt = never;
    this.giveUpAt = never;
    this.failAt = never;
  }

  handshakeGivenUp(now: Instant): void {
    this.handshakeComplete();
    this.keepaliveAt = never;
    if (this.wipeAt === never) this.wipeAt = after(now, wipeAfter);
  }

  /** There are new secrets, to be forgotten when nothing newer comes for long. */
  sessionMade(now: Instant): void {
    this.wipeAt = after(now, wipeAfter);
  }

  /** Anything authentic was sent. */
  sent(now: Instant): void {
    this.keepaliveAt = never;
    this.#persist(now);
  }

  /** What was sent was a packet, so there should be an answer. */
  dataSent(now: Instant): void {
    if (this.silenceAt === never) this.silenceAt = this.#jittered(after(now, silenceMax));
  }

  /** Anything authentic was received. */
  received(now: Instant): void {
    this.silenceAt = never;
    this.#persist(now);
  }

  /** What was received was a packet, so the peer should hear from us. */
  dataReceived(now: Instant): void {
    if (this.keepaliveAt === never) this.keepaliveAt = after(now, keepaliveTimeout);
    else this.#anotherKeepalive = true;
  }

  keepaliveCame(now: Instant): void {
    this.keepaliveAt = this.#anotherKeepalive ? after(now, keepaliveTimeout) : never;
    this.#anotherKeepalive = false;
  }

  #persist(now: Instant): void {
    if (this.persistentEvery > 0) this.persistentAt = after(now, this.persistentEvery);
  }

  #jittered(moment: Instant): Instant {
    return after(moment, this.#random.between(0, jitterMax) as Duration);
  }
}
