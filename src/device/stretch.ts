/**
 * One network stretched over an IPsec tunnel, as the L2 VPN of an NSX Edge does it: frames cross as
 * they are, so that a replica is where its original was, whatever its address. Both gateways bridge.
 *
 * NSX puts its frames into GRE inside the tunnel. Here it is VXLAN, as wherever frames travel in
 * packets in this lab: what it comes to is the same but for a few bytes. That it stands all the time
 * and not only during a failover is our assumption; the documents say that an NSX Edge may carry
 * partial failover, and not how.
 */
import type { Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import type { Interface } from '../stack/interface.ts';
import type { IpStack } from '../stack/ip-stack.ts';
import { anyIpv4 } from '../wire/address.ts';
import { BridgePlane } from './bridge-plane.ts';
import { farAddress, innerAddress, type Side } from './data-plane.ts';

export interface StretchOptions {
  readonly side: Side;
  readonly network: string;
  readonly index: number;
  readonly stack: IpStack;
  readonly segment: Interface;
  readonly tunnel: Interface;
}

export class Stretch {
  readonly #options: StretchOptions;

  constructor(options: StretchOptions) {
    this.#options = options;
  }

  begin(now: Instant, sink: Sink): void {
    const { side, index, stack, tunnel } = this.#options;
    const own = { address: innerAddress(index, side), length: 32 };
    stack.addAddress(tunnel, own, 'appliance', now, sink);
    const far = { address: farAddress(this.#options), length: 32 };
    const route = {
      prefix: far,
      kind: 'unicast',
      interface: tunnel,
      via: anyIpv4,
      metric: 0,
    } as const;
    stack.addRoute(route, now, sink);
    // Without IKE nobody knows whether the other end is there: it is taken to be.
    new BridgePlane({ ...this.#options, inner: tunnel, far: () => 'up' }).begin(now, sink, -1);
  }
}
