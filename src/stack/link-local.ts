/**
 * Link-local addresses (RFC 3927): a machine without a server picks an address of 169.254/16 for
 * itself, checks it as RFC 5227 says, and moves on to another where somebody objects.
 *
 * What the rest of a host has to know about such addresses stands at the end of the file.
 */
import type { Machine } from '../base/machine.ts';
import type { Random } from '../base/random.ts';
import type { Instant } from '../base/time.ts';
import {
  broadcastMac,
  type Ipv4,
  ipv4,
  isLinkLocalIpv4,
  type Mac,
  type Prefix,
  prefix,
  showMac,
} from '../wire/address.ts';
import {
  type AskedArp,
  ConflictDetection,
  type ConflictDetectionOutput,
  type HeardArp,
} from './conflict-detection.ts';

/** The network, for the address that is claimed. */
export const linkLocalNetwork: Prefix = prefix('169.254.0.0/16');

// Section 2.1: the first and the last 256 addresses are reserved.
const first = ipv4('169.254.1.0');
const count = 254 * 256;

/** Sections 2.2 to 2.5 demand this of everybody, whatever the profile does elsewhere. */
const behaviour = {
  probes: true,
  announces: 2,
  defends: 'once',
  fallsBackToLinkLocal: true,
} as const;

export type LinkLocalInput =
  | HeardArp
  /** No routable address is to be had. `remembered` is tried first (section 2.1). */
  | { readonly kind: 'start'; readonly remembered?: Ipv4 }
  /** A routable one has come (section 1.9), or the adapter goes down. */
  | { readonly kind: 'stop' };

export type LinkLocalOutput =
  | AskedArp
  | { readonly kind: 'claimed'; readonly ip: Ipv4 }
  /** Another machine has the candidate; the next one is under way. */
  | { readonly kind: 'conflict'; readonly ip: Ipv4; readonly mac: Mac }
  | { readonly kind: 'defended'; readonly ip: Ipv4; readonly mac: Mac }
  /** The address must not be used any longer. After `lost` the search for another has begun. */
  | { readonly kind: 'released'; readonly ip: Ipv4; readonly because: 'stopped' }
  | {
      readonly kind: 'released';
      readonly ip: Ipv4;
      readonly because: 'lost';
      /** Who insisted on it. */
      readonly mac: Mac;
    };

export class LinkLocal implements Machine<LinkLocalInput, LinkLocalOutput> {
  readonly #random: Random;
  readonly #detection: ConflictDetection;
  /** What is being claimed, or is held. */
  #ip: Ipv4 | undefined;
  #held = false;

  /** The same MAC and the same `random` pick the same addresses in the same order (section 2.1). */
  constructor({ mac, random }: { readonly mac: Mac; readonly random: Random }) {
    const own = random.child(`link-local ${showMac(mac)}`);
    this.#random = own.child('address');
    this.#detection = new ConflictDetection({
      mac,
      profile: behaviour,
      random: own.child('probes'),
    });
  }

  handle(input: LinkLocalInput, now: Instant): LinkLocalOutput[] {
    switch (input.kind) {
      case 'start':
        if (this.#ip !== undefined) return [];
        return this.#try(isCandidate(input.remembered) ? input.remembered : this.#pick(), now);
      case 'stop':
        return this.#stop(now);
      case 'arp':
        return this.#pass(this.#detection.handle(input, now), now);
    }
  }

  wake(now: Instant): LinkLocalOutput[] {
    return this.#pass(this.#detection.wake(now), now);
  }

  nextWake(): Instant | undefined {
    return this.#detection.nextWake();
  }

  #pick(): Ipv4 {
    return (first + this.#random.between(0, count - 1)) as Ipv4;
  }

  #try(ip: Ipv4, now: Instant): LinkLocalOutput[] {
    this.#ip = ip;
    this.#held = false;
    return this.#pass(this.#detection.handle({ kind: 'claim', ip }, now), now);
  }

  #stop(now: Instant): LinkLocalOutput[] {
    const ip = this.#ip;
    if (ip === undefined) return [];
    this.#ip = undefined;
    this.#detection.handle({ kind: 'release', ip }, now);
    return this.#held ? [{ kind: 'released', ip, because: 'stopped' }] : [];
  }

  /** Passes on what the detection says; where it lost an address, tries the next. */
  #pass(outputs: ConflictDetectionOutput[], now: Instant): LinkLocalOutput[] {
    return outputs.flatMap((output) => this.#passOne(output, now));
  }

  #passOne(output: ConflictDetectionOutput, now: Instant): LinkLocalOutput[] {
    if (output.kind === 'claimed') this.#held = true;
    if (output.kind === 'conflict') return [output, ...this.#try(this.#pick(), now)];
    if (output.kind !== 'given-up') return [output];
    const { ip, mac } = output;
    return [{ kind: 'released', ip, because: 'lost', mac }, ...this.#try(this.#pick(), now)];
  }
}

const isCandidate = (ip: Ipv4 | undefined): ip is Ipv4 =>
  ip !== undefined && ip >= first && ip < first + count;

/** Where an ARP packet from this address goes: everybody hears link-local ones (section 2.5). */
export const arpDestination = (senderIp: Ipv4, unicast: Mac): Mac =>
  isLinkLocalIpv4(senderIp) ? broadcastMac : unicast;

/** No router forwards what comes from or goes to a link-local address (section 2.7). */
export const mayForward = (source: Ipv4, destination: Ipv4): boolean =>
  !isLinkLocalIpv4(source) && !isLinkLocalIpv4(destination);

/** A host asks for such a destination itself and never sends it to a gateway (section 2.6.2). */
export const isOnLinkOnly = (destination: Ipv4): boolean => isLinkLocalIpv4(destination);
