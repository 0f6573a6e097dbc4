/**
 * What the insides of machines are made of. The simulation has its own stacks and daemons; the
 * emulation has kernels and real processes that stand behind the same ports.
 */
import type { Random } from '../base/random.ts';
import { type Duration, type Instant, nanoseconds } from '../base/time.ts';
import type { DhcpServerConfig } from '../stack/dhcp-server.ts';
import type { Interface } from '../stack/interface.ts';
import { IpStack, type IpStackOptions } from '../stack/ip-stack.ts';
import type { Service } from '../stack/tcp/messages.ts';
import type { Ipv4 } from '../wire/address.ts';
import { AddressKeeper, type AddressPlan } from './address-keeper.ts';
import { DhcpRelay } from './dhcp-relay.ts';
import { DhcpService } from './dhcp-service.ts';
import { addGuard, type Firewall, Guards } from './guards.ts';
import { Probes, udpEcho } from './probes.ts';
import { Relay } from './relay.ts';
import type { TunnelTarget } from './relay-sessions.ts';
import { Switch } from './switch.ts';
import type { TcpPart } from './tcp-part.ts';
import { firstTranslatedPort, SourceTranslation } from './translation.ts';
import type { Tunnel, TunnelOptions } from './tunnel.ts';
import { TunnelClamp, TunnelEnd } from './tunnel-end.ts';

export interface ListenPort {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
}

/** The relay of a cloud gateway. */
export interface TunnelRelay {
  /** Where the tunnel of a network ends; a later one takes the place of an earlier. */
  setTarget(network: string, target: TunnelTarget): void;
  start(): void;
}

export interface Works {
  /** How much later than a kernel a daemon of ours answers ARP: where nobody else's time is virtual, it takes some. */
  readonly answersAfter: Duration;
  switch(name: string): Switch;
  stack(name: string, options: IpStackOptions): IpStack;
  /** Somebody at the machine to ask it things. */
  probes(stack: IpStack, tcp: TcpPart): Probes;
  /** What gives an adapter its address and keeps it. */
  keeper(stack: IpStack, on: Interface, plan: AddressPlan): AddressKeeper;
  /** Services that answer with what they were sent. */
  serve(stack: IpStack, tcp: TcpPart, ports: readonly ListenPort[], now: Instant): void;
  dhcpServer(stack: IpStack, on: Interface, config: DhcpServerConfig): DhcpService;
  dhcpRelay(stack: IpStack, on: Interface, to: Ipv4): void;
  /** Translates a site's addresses to the one that the internet knows, and blocks what it is told to. */
  guardSite(stack: IpStack, outside: Interface, firewall: Firewall, random: Random): void;
  tunnel(options: TunnelOptions, now: Instant): Tunnel;
  /** Lowers the MSS that two ends promise each other through a tunnel. */
  clampMss(stack: IpStack, inner: Interface): void;
  /** From now on the machine tells nobody that a packet was too large for the next link. */
  hideMtu(stack: IpStack): void;
  /** @param firstPort Where its ports towards targets begin, if it chooses them itself. */
  relay(stack: IpStack, firstPort: number): TunnelRelay;
}

/** What a listening TCP service does: reads, and answers with as much once the client is done. */
const service: Service = { kind: 'echo' };

export const simulatedWorks: Works = {
  answersAfter: nanoseconds(0),
  switch: (name) => new Switch(name, 0),
  stack: (name, options) => new IpStack(name, options),
  probes: (stack, tcp) => new Probes(stack, tcp),
  keeper: (stack, on, plan) => new AddressKeeper(stack, on, plan),
  serve(stack, tcp, ports, now) {
    for (const { protocol, port } of ports) {
      if (protocol === 'tcp') tcp.listen(port, service, now);
      else udpEcho(stack, port);
    }
  },
  dhcpServer: (stack, on, config) => new DhcpService(stack, on, config),
  dhcpRelay: (stack, on, to) => {
    new DhcpRelay(stack, on, to);
  },
  guardSite(stack, outside, firewall, random) {
    const translation = new SourceTranslation(stack.name, outside, firstTranslatedPort(random));
    stack.guard = new Guards(firewall, translation);
  },
  tunnel: (options, now) => new TunnelEnd(options, now),
  clampMss: (stack, inner) => addGuard(stack, new TunnelClamp(inner)),
  hideMtu(stack) {
    stack.icmp.tellsFragmentationNeeded = false;
  },
  relay: (stack, firstPort) => new Relay(stack, firstPort),
};
