/**
 * The provider's appliance as the default gateway of replicas, after full site failover: it takes
 * the address of the production gateway in each of their networks, and the public addresses of the
 * rules, and gives them up again.
 */
import type { Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import type { Interface } from '../stack/interface.ts';
import type { Ipv4 } from '../wire/address.ts';
import { addDefaultRoute } from './appliance.ts';
import { GatewayNat, type GatewayNatOptions } from './gateway-nat.ts';
import { Guards } from './guards.ts';

export interface GatewayOptions extends GatewayNatOptions {
  /** The provider's router, which knows the way to the internet. */
  readonly via: Ipv4;
}

export class GatewayRole {
  readonly #options: GatewayOptions;
  readonly #nat: GatewayNat;
  /** What each adapter had before, for when the role ends. */
  readonly #before = new Map<Interface, Interface['addresses']>();

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#nat = new GatewayNat(options);
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
    (stack.guard as Guards).add(this.#nat);
  }

  resign(now: Instant, sink: Sink, cause: number): void {
    const { stack, outside, networks, rules } = this.#options;
    (stack.guard as Guards).remove(this.#nat);
    stack.removeRoutes(({ prefix }) => prefix.length === 0, now, sink, cause);
    for (const address of new Set(rules.map(({ publicIp }) => publicIp)))
      stack.removeAddress(outside, address, now, sink, cause);
    for (const { segment, prefix } of networks) {
      stack.removeAddress(segment, prefix.address, now, sink, cause);
      for (const was of this.#before.get(segment) ?? [])
        stack.addAddress(segment, was, 'appliance', now, sink, cause);
    }
  }
}
