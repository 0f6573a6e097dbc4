/**
 * Address conflict detection (RFC 5227): asks whether anybody uses an address before it is taken,
 * says so when it is taken, and watches for others who take it later. One for each adapter.
 *
 * A profile that neither probes nor announces nor defends, as Linux, claims at once.
 */
import type { Machine } from '../base/machine.ts';
import type { Random } from '../base/random.ts';
import {
  after,
  type Duration,
  earliest,
  type Instant,
  nanoseconds,
  seconds,
} from '../base/time.ts';
import { anyIpv4, type Ipv4, type Mac } from '../wire/address.ts';
import type { Profile } from './profile.ts';

// RFC 5227 section 1.1
const probeWait = seconds(1); // PROBE_WAIT
const probeCount = 3; // PROBE_NUM
const probeLeast = seconds(1); // PROBE_MIN
const probeMost = seconds(2); // PROBE_MAX
const announceWait = seconds(2); // ANNOUNCE_WAIT
const announceEvery = seconds(2); // ANNOUNCE_INTERVAL
const conflictsMost = 10; // MAX_CONFLICTS
const attemptEvery = seconds(60); // RATE_LIMIT_INTERVAL
const defendEvery = seconds(10); // DEFEND_INTERVAL

/** An ARP packet that this adapter has heard, its own excepted. */
export interface HeardArp {
  readonly kind: 'arp';
  readonly operation: 'request' | 'reply';
  readonly senderMac: Mac;
  readonly senderIp: Ipv4;
  readonly targetMac: Mac;
  readonly targetIp: Ipv4;
}

export type ConflictDetectionInput =
  | HeardArp
  | { readonly kind: 'claim'; readonly ip: Ipv4 }
  | { readonly kind: 'release'; readonly ip: Ipv4 };

/** To be broadcast from our MAC, with the target's MAC left zero: a probe if `senderIp` is 0. */
export interface AskedArp {
  readonly kind: 'arp';
  readonly operation: 'request';
  readonly senderIp: Ipv4;
  readonly targetIp: Ipv4;
}

export type ConflictDetectionOutput =
  | AskedArp
  /** The address may be used from now on. */
  | { readonly kind: 'claimed'; readonly ip: Ipv4 }
  /** Somebody else has it or is after it: it was not taken. */
  | { readonly kind: 'conflict'; readonly ip: Ipv4; readonly mac: Mac }
  /** Somebody else used it, and was told that it is taken. */
  | { readonly kind: 'defended'; readonly ip: Ipv4; readonly mac: Mac }
  /** Somebody else insists: it must not be used any longer. */
  | { readonly kind: 'given-up'; readonly ip: Ipv4; readonly mac: Mac };

export interface ConflictDetectionConfig {
  readonly mac: Mac;
  readonly profile: Profile['conflictDetection'];
  readonly random: Random;
}

interface Claim {
  held: boolean;
  /** Probes, or once it is held announcements, that are still to come. */
  left: number;
  next: Instant | undefined;
  /** When somebody else last used the address while it was ours. */
  disputed: Instant | undefined;
  defended: Instant | undefined;
}

export class ConflictDetection implements Machine<ConflictDetectionInput, ConflictDetectionOutput> {
  readonly #mac: Mac;
  readonly #profile: Profile['conflictDetection'];
  readonly #random: Random;
  readonly #claims = new Map<Ipv4, Claim>();
  /** Conflicts on this adapter, ever: the RFC knows no moment at which they are forgiven. */
  #conflicts = 0;
  #attempted: Instant | undefined;

  constructor({ mac, profile, random }: ConflictDetectionConfig) {
    this.#mac = mac;
    this.#profile = profile;
    this.#random = random;
  }

  handle(input: ConflictDetectionInput, now: Instant): ConflictDetectionOutput[] {
    switch (input.kind) {
      case 'claim':
        return this.#claim(input.ip, now);
      case 'release':
        this.#claims.delete(input.ip);
        return [];
      case 'arp':
        return this.#hear(input, now);
    }
  }

  wake(now: Instant): ConflictDetectionOutput[] {
    const outputs: ConflictDetectionOutput[] = [];
    for (const [ip, claim] of this.#claims) {
      if (claim.next === undefined || claim.next > now) continue;
      if (claim.held) outputs.push(this.#announce(ip, claim, now));
      else if (claim.left > 0) outputs.push(this.#probe(ip, claim, now));
      else outputs.push(...this.#take(ip, claim, now));
    }
    return outputs;
  }

  nextWake(): Instant | undefined {
    return earliest(...[...this.#claims.values()].map(({ next }) => next));
  }

  /** Section 2.1: a random wait before the first probe, and a long one after many conflicts. */
  #claim(ip: Ipv4, now: Instant): ConflictDetectionOutput[] {
    const before = this.#claims.get(ip);
    if (before !== undefined) return before.held ? [{ kind: 'claimed', ip }] : [];
    const claim: Claim = {
      held: false,
      left: probeCount,
      next: undefined,
      disputed: undefined,
      defended: undefined,
    };
    this.#claims.set(ip, claim);
    if (!this.#profile.probes) return this.#take(ip, claim, now);
    const earliestStart =
      this.#conflicts >= conflictsMost && this.#attempted !== undefined
        ? after(this.#attempted, attemptEvery)
        : now;
    const start = earliestStart > now ? earliestStart : now;
    this.#attempted = start;
    claim.next = after(start, this.#between(nanoseconds(0), probeWait));
    return [];
  }

  #probe(ip: Ipv4, claim: Claim, now: Instant): ConflictDetectionOutput {
    claim.left -= 1;
    const wait = claim.left > 0 ? this.#between(probeLeast, probeMost) : announceWait;
    claim.next = after(now, wait);
    return { kind: 'arp', operation: 'request', senderIp: anyIpv4, targetIp: ip };
  }

  /** Section 2.3: the address may be used as soon as the first announcement has gone out. */
  #take(ip: Ipv4, claim: Claim, now: Instant): ConflictDetectionOutput[] {
    claim.held = true;
    claim.left = this.#profile.announces;
    claim.next = undefined;
    const first = claim.left > 0 ? [this.#announce(ip, claim, now)] : [];
    return [...first, { kind: 'claimed', ip }];
  }

  #announce(ip: Ipv4, claim: Claim, now: Instant): ConflictDetectionOutput {
    claim.left -= 1;
    claim.next = claim.left > 0 ? after(now, announceEvery) : undefined;
    return announcement(ip);
  }

  #hear(arp: HeardArp, now: Instant): ConflictDetectionOutput[] {
    const owned = this.#claims.get(arp.senderIp);
    if (owned?.held && arp.senderMac !== this.#mac) return this.#dispute(arp, owned, now);
    // Section 2.1.1: any sender, even one with our MAC, for we send nothing from the address yet.
    if (owned?.held === false) return this.#lose(arp.senderIp, arp.senderMac);
    const sought = this.#claims.get(arp.targetIp);
    const isProbe = arp.operation === 'request' && arp.senderIp === anyIpv4;
    if (isProbe && sought?.held === false && arp.senderMac !== this.#mac)
      return this.#lose(arp.targetIp, arp.senderMac);
    return [];
  }

  #lose(ip: Ipv4, mac: Mac): ConflictDetectionOutput[] {
    this.#claims.delete(ip);
    this.#conflicts += 1;
    return [{ kind: 'conflict', ip, mac }];
  }

  /** Section 2.4: (b) defend once, then give up; (c) hold on, with one defence in 10 s. */
  #dispute(arp: HeardArp, claim: Claim, now: Instant): ConflictDetectionOutput[] {
    const { senderIp: ip, senderMac: mac } = arp;
    const { defends } = this.#profile;
    if (defends === 'never') return [];
    const again = isRecent(claim.disputed, now);
    claim.disputed = now;
    if (defends === 'once' && again) {
      this.#claims.delete(ip);
      this.#conflicts += 1;
      return [{ kind: 'given-up', ip, mac }];
    }
    if (isRecent(claim.defended, now)) return [];
    claim.defended = now;
    return [announcement(ip), { kind: 'defended', ip, mac }];
  }

  #between(least: Duration, most: Duration): Duration {
    return nanoseconds(this.#random.between(least, most));
  }
}

const announcement = (ip: Ipv4): AskedArp => ({
  kind: 'arp',
  operation: 'request',
  senderIp: ip,
  targetIp: ip,
});

const isRecent = (then: Instant | undefined, now: Instant): boolean =>
  then !== undefined && now < after(then, defendEvery);
