/**
 * The provider's appliance as the default gateway of replicas, after full site failover: it takes
 * the address of the production gateway in each of their networks, routes between them if it is
 * told to, translates for those with internet access, and lets the internet in by public-IP rules.
 */
import type { Frame } from '../base/frame.ts';
import type { Random } from '../base/random.ts';
import type { Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import type { Interface } from '../stack/interface.ts';
import type { Guard, IpStack } from '../stack/ip-stack.ts';
import { destinationOf, sourceOf } from '../stack/packet.ts';
import type { Reason } from '../trace/reasons.ts';
import { contains, type Ipv4, type Prefix } from '../wire/address.ts';
import { addDefaultRoute } from './appliance.ts';
import { Guards } from './guards.ts';
import { type ForwardingRule, PortForwarding } from './port-forwarding.ts';
import { firstTranslatedPort, SourceTranslation } from './translation.ts';

export interface GatewayNetwork {
  readonly segment: Interface;
  /** The address of the production gateway, with its mask. */
  readonly prefix: Prefix;
  readonly internet: boolean;
}

export interface GatewayOptions {
  readonly stack: IpStack;
  readonly outside: Interface;
  /** The provider's router, which knows the way to the internet. */
  readonly via: Ipv4;
  readonly networks: readonly GatewayNetwork[];
  readonly routing: boolean;
  readonly rules: readonly ForwardingRule[];
  readonly random: Random;
}

export class GatewayRole implements Guard {
  readonly #options: GatewayOptions;
  readonly #forwarding: PortForwarding;
  readonly #translation: SourceTranslation;
  /** What each adapter had before, for when the role ends. */
  readonly #before = new Map<Interface, Interface['addresses']>();

  constructor(options: GatewayOptions) {
    const { stack, outside, rules, random } = options;
    this.#options = options;
    this.#forwarding = new PortForwarding(stack.name, rules);
    this.#translation = new SourceTranslation(stack.name, outside, firstTranslatedPort(random));
  }

  assume(now: Instant, sink: Sink, cause: number): void {
    const { stack, outside, via, networks, rules } = this.#options;
    for (const { segment, prefix } of networks) {
      const before = [...segment.addresses];
      this.#before.set(segment, before);
      for (const { address } of before) stack.removeAddress(segment, address, now, sink, cause);
      stack.addAddress(segment, prefix, 'appliance', now, sink, cause);
    }
    for (const address of new Set(rules.map(({ publicIp }) => publicIp)))
      stack.addAddress(outside, { address, length: 32 }, 'appliance', now, sink, cause);
    addDefaultRoute(stack, outside, via, now, sink);
    if (!(stack.guard instanceof Guards)) stack.guard = new Guards();
    (stack.guard as Guards).add(this);
  }

  resign(now: Instant, sink: Sink, cause: number): void {
    const { stack, outside, networks, rules } = this.#options;
    (stack.guard as Guards).remove(this);
    stack.removeRoutes(({ prefix }) => prefix.length === 0, now, sink, cause);
    for (const address of new Set(rules.map(({ publicIp }) => publicIp)))
      stack.removeAddress(outside, address, now, sink, cause);
    for (const { segment, prefix } of networks) {
      stack.removeAddress(segment, prefix.address, now, sink, cause);
      for (const was of this.#before.get(segment) ?? [])
        stack.addAddress(segment, was, 'appliance', now, sink, cause);
    }
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
    if (!forwarded) return frame;
    const home = networks.find(({ prefix }) => contains(prefix, sourceOf(frame)));
    if (to !== outside)
      return routing || home === undefined || home.segment === to ? frame : 'ROUTING_OFF';
    const answer = this.#forwarding.leaving(frame, now, sink);
    if (answer !== undefined) return answer;
    if (home?.internet !== true) return 'NO_INTERNET_ACCESS';
    return this.#translation.leaving(frame, to, forwarded, now, sink);
  }
}
