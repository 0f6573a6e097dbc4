/** The other machines of a lab, each one life of it: tenant and provider appliance, router, internet, cloud gateway. */
import type { Random } from '../base/random.ts';
import type { Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import type { Interface } from '../stack/interface.ts';
import type { IpStack } from '../stack/ip-stack.ts';
import { linux } from '../stack/profile.ts';
import { anyIpv4, type Ipv4, type Mac } from '../wire/address.ts';
import type { AddressKeeper } from './address-keeper.ts';
import { Extension, type ExtensionOptions } from './extension.ts';
import type { GatewayRole } from './gateway-role.ts';
import type { Firewall, PortRule } from './guards.ts';
import { relayPort } from './relay-sessions.ts';
import { TcpPart } from './tcp-part.ts';
import type { TunnelRelay, Works } from './works.ts';

export interface Adapter {
  readonly name: string;
  readonly mac: Mac;
  readonly mtu: number;
}

/** As a scenario names it; the whole protocol without a port. */
export interface NamedPort {
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  readonly port?: number;
}

const protocols = { icmp: 1, tcp: 6, udp: 17 } as const;

export const rulesOf = (ports: readonly NamedPort[]): PortRule[] =>
  ports.map(({ protocol, port }) => ({ protocol: protocols[protocol], port }));

export function addDefaultRoute(
  stack: IpStack,
  on: Interface,
  via: Ipv4,
  now: Instant,
  sink: Sink,
): void {
  const prefix = { address: anyIpv4, length: 0 };
  stack.addRoute({ prefix, kind: 'unicast', interface: on, via, metric: 0 }, now, sink);
}

/** A network extension appliance: one or several extensions on one stack. */
export class Appliance {
  readonly stack: IpStack;
  readonly extensions = new Map<string, Extension>();
  /** While it is the default gateway of replicas. */
  gateway: GatewayRole | undefined;
  /** Of its address in the production network, once it has booted. */
  keeper: AddressKeeper | undefined;

  readonly #works: Works;

  constructor(name: string, adapters: readonly Adapter[], random: Random, works: Works) {
    this.#works = works;
    this.stack = works.stack(name, { profile: linux, random, forwarding: true });
    for (const adapter of adapters) this.stack.addInterface(adapter);
    this.stack.running = false;
  }

  extend(options: Omit<ExtensionOptions, 'stack' | 'works'>): Extension {
    const extension = new Extension({ ...options, stack: this.stack, works: this.#works });
    this.extensions.set(options.network, extension);
    return extension;
  }
}

/** The provider's door to the internet: relays tunnels, and listens on TCP for everything else. */
export class CloudGateway {
  readonly stack: IpStack;
  readonly relay: TunnelRelay;
  readonly #works: Works;

  constructor(
    name: string,
    adapters: readonly Adapter[],
    firewall: Firewall,
    random: Random,
    works: Works,
  ) {
    this.#works = works;
    this.stack = works.stack(name, { profile: linux, random });
    for (const adapter of adapters) this.stack.addInterface(adapter);
    this.stack.guard = firewall;
    this.relay = works.relay(this.stack, random.between(20_000, 40_000));
  }

  start(now: Instant): void {
    this.relay.start();
    const tcp = { protocol: 'tcp', port: relayPort } as const;
    this.#works.serve(this.stack, new TcpPart(this.stack), [tcp], now);
  }
}
