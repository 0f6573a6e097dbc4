/** A virtual machine: an IP stack with an operating system's ways, an address, services, and somebody to ask it things. */
import type { Random } from '../base/random.ts';
import type { Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import type { DhcpServerConfig } from '../stack/dhcp-server.ts';
import type { Interface } from '../stack/interface.ts';
import type { IpStack } from '../stack/ip-stack.ts';
import { type Profile, profiles } from '../stack/profile.ts';
import type { Ipv4, Mac } from '../wire/address.ts';
import type { AddressKeeper, AddressPlan } from './address-keeper.ts';
import type { DhcpService } from './dhcp-service.ts';
import { ForeignProxy } from './foreign-proxy.ts';
import type { Probes } from './probes.ts';
import { TcpPart } from './tcp-part.ts';
import { type ListenPort, simulatedWorks, type Works } from './works.ts';

export interface GuestOptions {
  readonly name: string;
  readonly os: Profile['name'];
  readonly adapter: { readonly name: string; readonly mac: Mac; readonly mtu: number };
  readonly listen: readonly ListenPort[];
  /** What it leases, if it is a DHCP server. */
  readonly dhcp?: DhcpServerConfig | undefined;
  readonly random: Random;
  /** Whether it answers a ping. */
  readonly echo: boolean;
  readonly network: string;
  /** Addresses of others that it answers ARP for. */
  readonly answersFor: readonly Ipv4[];
}

/**
 * One life of a guest, from power on to power off. A reboot is a new one with a new stack behind
 * the same port, so that nothing is carried over by mistake: caches, connections, leases.
 */
export class Guest {
  readonly stack: IpStack;
  readonly adapter: Interface;
  readonly tcp: TcpPart;
  readonly probes: Probes;
  readonly #options: GuestOptions;
  readonly #works: Works;
  #keeper: AddressKeeper | undefined;
  #server: DhcpService | undefined;

  constructor(options: GuestOptions, works = simulatedWorks) {
    const profile = profiles[options.os];
    this.#works = works;
    this.stack = works.stack(options.name, { profile, random: options.random });
    this.adapter = this.stack.addInterface(options.adapter);
    this.tcp = new TcpPart(this.stack);
    this.probes = works.probes(this.stack, this.tcp);
    this.#options = options;
    this.stack.icmp.answersEcho = options.echo;
    this.stack.running = false;
  }

  /** The DHCP server that it is, if it is one. */
  get dhcpServer(): DhcpService | undefined {
    return this.#server;
  }

  get keeper(): AddressKeeper | undefined {
    return this.#keeper;
  }

  /** The operating system brings up its network and its services. */
  start(address: AddressPlan, now: Instant, sink: Sink, cause: number): void {
    this.stack.running = true;
    const { name, network, listen, dhcp, answersFor } = this.#options;
    this.#works.serve(this.stack, this.tcp, listen, now);
    if (dhcp) this.#server = this.#works.dhcpServer(this.stack, this.adapter, dhcp);
    this.readdress(address, now, sink, cause);
    if (answersFor.length === 0) return;
    new ForeignProxy(answersFor).start(name, network, this.adapter, now, sink);
  }

  /** From now on it keeps this address, and no other. */
  readdress(address: AddressPlan, now: Instant, sink: Sink, cause: number): void {
    this.#keeper?.leave(now, sink, cause);
    this.#keeper = this.#works.keeper(this.stack, this.adapter, address);
    this.#keeper.start(now, sink, cause);
  }
}
