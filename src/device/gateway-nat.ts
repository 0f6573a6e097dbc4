/**
 * What a default gateway of replicas does to packets after full site failover, be it the provider's
 * appliance or the edge gateway of an organization VDC: it translates for networks with internet
 * access, lets the internet in by its rules, and routes between the networks or does not.
 */
import type { Frame } from '../base/frame.ts';
import type { Random } from '../base/random.ts';
import type { Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import type { Interface } from '../stack/interface.ts';
import type { Guard, IpStack } from '../stack/ip-stack.ts';
import { destinationOf, sourceOf } from '../stack/packet.ts';
import type { Reason } from '../trace/reasons.ts';
import { contains, type Prefix } from '../wire/address.ts';
import { type ForwardingRule, PortForwarding } from './port-forwarding.ts';
import { quoteIn } from './rewriting.ts';
import { firstTranslatedPort, SourceTranslation } from './translation.ts';

export interface GatewayNetwork {
  readonly segment: Interface;
  /** The address of the production gateway, with its mask. */
  readonly prefix: Prefix;
  readonly internet: boolean;
}

export interface GatewayNatOptions {
  readonly stack: IpStack;
  readonly outside: Interface;
  readonly networks: readonly GatewayNetwork[];
  /** Between the networks. */
  readonly routing: boolean;
  readonly rules: readonly ForwardingRule[];
  readonly random: Random;
}

export class GatewayNat implements Guard {
  readonly #options: GatewayNatOptions;
  readonly #forwarding: PortForwarding;
  readonly #translation: SourceTranslation;

  constructor(options: GatewayNatOptions) {
    const { stack, outside, rules, random } = options;
    this.#options = options;
    this.#forwarding = new PortForwarding(stack.name, rules);
    this.#translation = new SourceTranslation(stack.name, outside, firstTranslatedPort(random));
  }

  arriving(frame: Frame, from: Interface, now: Instant, sink: Sink): Frame | Reason {
    const { outside } = this.#options;
    if (from !== outside) return frame;
    const destination = destinationOf(frame);
    const forwarded = this.#forwarding.arriving(frame, now, sink);
    if (forwarded !== undefined) return forwarded;
    // Neither replicas nor their public addresses are open to who has no rule.
    if (destination !== outside.ip) return 'NAT_NO_MAPPING';
    return this.#translation.arriving(frame, from, now, sink);
  }

  leaving(
    frame: Frame,
    to: Interface,
    forwarded: boolean,
    now: Instant,
    sink: Sink,
  ): Frame | Reason {
    const { outside, networks, routing } = this.#options;
    if (!forwarded) return this.#own(frame, to, now, sink);
    const home = networks.find(({ prefix }) => contains(prefix, sourceOf(frame)));
    if (to !== outside)
      return routing || home === undefined || home.segment === to ? frame : 'ROUTING_OFF';
    const answer = this.#forwarding.leaving(frame, now, sink);
    if (answer !== undefined) return answer;
    if (home === undefined) return 'NO_ROUTE'; // back out again, or from an address of no network
    if (!home.internet) return 'NO_INTERNET_ACCESS';
    return this.#translation.leaving(frame, to, forwarded, now, sink);
  }

  /** What it says itself. Its complaints too quote packets as the world knows them. */
  #own(frame: Frame, to: Interface, now: Instant, sink: Sink): Frame | Reason {
    if (to !== this.#options.outside || quoteIn(frame) === undefined) return frame;
    const answer = this.#forwarding.leaving(frame, now, sink);
    return answer ?? this.#translation.leaving(frame, to, false, now, sink);
  }
}
