/**
 * A topology as devices: builds them into a fabric and does to them what operators and disasters
 * do. It knows no scenario and takes no decisions.
 */

import { concat, equalBytes, utf8 } from '../base/bytes.ts';
import { after, nanoseconds, seconds } from '../base/time.ts';
import { AddressKeeper, type AddressPlan as KeptAddress } from '../device/address-keeper.ts';
import {
  Appliance,
  addDefaultRoute,
  CloudGateway,
  forwarder,
  guardSite,
  rulesOf,
} from '../device/appliance.ts';
import { DhcpService } from '../device/dhcp-service.ts';
import { type Side, tunnelPort } from '../device/extension.ts';
import type { Firewall } from '../device/guards.ts';
import { Guest } from '../device/guest.ts';
import { Probes } from '../device/probes.ts';
import { relayPort } from '../device/relay.ts';
import { Switch } from '../device/switch.ts';
import { TcpPart } from '../device/tcp-part.ts';
import type { TunnelKeys } from '../device/tunnel-end.ts';
import type { Port } from '../stack/device.ts';
import { IpStack } from '../stack/ip-stack.ts';
import { protocolTcp } from '../stack/packet.ts';
import { linux } from '../stack/profile.ts';
import type { WireGuardCrypto } from '../stack/wireguard/crypto.ts';
import type { Fact, MachineRole } from '../trace/event.ts';
import { anyIpv4, type Ipv4, type Mac, showIpv4 } from '../wire/address.ts';
import type { Fabric, LinkOptions } from './fabric.ts';
import type {
  CablePlan,
  CloudGatewayPlan,
  GuestPlan,
  NodePlan,
  ProviderAppliancePlan,
  TenantAppliancePlan,
  Topology,
} from './topology.ts';

/** How long before its first heartbeat an operating system brings up its network. */
const networkBeforeHeartbeat = seconds(10);
/** What a remembered lease is worth when its owner starts again. */
const rememberedLease = seconds(8 * 3600);

/** Told once whether the machine has come up, or was switched off before. */
type Booted = (up: boolean) => void;

/** A machine that can be switched on and off, and its present life. */
interface Slot<Plan, Life extends { readonly stack: IpStack }> {
  readonly plan: Plan;
  life: Life;
  lives: number;
  power: 'on' | 'booting' | 'off';
}

export interface AdapterInfo {
  /** `web01.eth0`. */
  readonly label: string;
  readonly mac: Mac;
  readonly node: string;
  /** Its first address at this moment. */
  readonly ip: Ipv4 | undefined;
}

export type TunnelListener = (network: string, state: 'up' | 'failed' | 'down') => void;

export class LabNetwork {
  readonly topology: Topology;
  readonly switches = new Map<string, Switch>();
  readonly #fabric: Fabric;
  readonly #crypto: WireGuardCrypto;
  readonly #guests = new Map<string, Slot<GuestPlan, Guest>>();
  readonly #appliances = new Map<
    string,
    Slot<TenantAppliancePlan | ProviderAppliancePlan, Appliance>
  >();
  readonly #gateways = new Map<string, CloudGateway>();
  readonly #firewalls = new Map<string, Firewall>();
  readonly #stacks = new Map<string, IpStack>();
  readonly #cables = new Map<string, CablePlan>();
  /** What faults have made of cables. */
  readonly #impaired = new Map<CablePlan, LinkOptions>();
  /** Machines whose cables somebody has pulled: they stay so, whether the machine runs or not. */
  readonly #pulled = new Set<string>();
  /** Who waits for an appliance that boots. */
  readonly #booting = new Map<string, Booted[]>();
  readonly #keys: TunnelKeys[] = [];
  /** Of machines other than guests, made when first asked for. */
  readonly #probes = new WeakMap<IpStack, Probes>();
  #onTunnel: TunnelListener = () => {};
  #onHeartbeat: (guest: GuestPlan) => void = () => {};

  constructor(topology: Topology, fabric: Fabric, crypto: WireGuardCrypto) {
    this.topology = topology;
    this.#fabric = fabric;
    this.#crypto = crypto;
    for (const { name } of topology.switches) this.#addSwitch(name);
    for (const plan of topology.nodes) this.#addNode(plan);
    for (const cable of topology.cables) this.#lay(cable);
    for (const plan of topology.nodes) this.#begin(plan);
  }

  /** Whoever wants to know when a tunnel comes up or fails, and when a guest gives its first heartbeat. */
  listen(onTunnel: TunnelListener, onHeartbeat: (guest: GuestPlan) => void): void {
    this.#onTunnel = onTunnel;
    this.#onHeartbeat = onHeartbeat;
  }

  guest(name: string): Guest | undefined {
    return this.#guests.get(name)?.life;
  }

  guestPlan(name: string): GuestPlan | undefined {
    return this.#guests.get(name)?.plan;
  }

  powerOf(name: string): 'on' | 'booting' | 'off' | undefined {
    return (this.#guests.get(name) ?? this.#appliances.get(name))?.power;
  }

  stack(name: string): IpStack | undefined {
    return (
      this.#guests.get(name)?.life.stack ??
      this.#appliances.get(name)?.life.stack ??
      this.#stacks.get(name)
    );
  }

  /** Somebody at a machine to ask it things; nobody where it does not run. */
  probes(name: string): Probes | undefined {
    const guest = this.#guests.get(name)?.life;
    if (guest) return guest.stack.running ? guest.probes : undefined;
    const stack = this.stack(name);
    if (stack === undefined || !stack.running) return undefined;
    let probes = this.#probes.get(stack);
    if (probes === undefined) {
      const tcp = stack.protocols.get(protocolTcp);
      probes = new Probes(stack, tcp instanceof TcpPart ? tcp : new TcpPart(stack));
      this.#probes.set(stack, probes);
    }
    return probes;
  }

  /** The keys of every handshake so far, for a capture. */
  get keys(): readonly TunnelKeys[] {
    const live = [...this.#appliances.values()].flatMap(({ life }) =>
      [...life.extensions.values()].flatMap(({ tunnel }) => tunnel?.keys ?? []),
    );
    return [...this.#keys, ...live];
  }

  /** Every adapter of every machine, with its MAC address: what a capture shows as interfaces. */
  get adapters(): readonly AdapterInfo[] {
    const all: AdapterInfo[] = [];
    for (const { name } of this.topology.nodes) {
      for (const { port, mac, ip } of this.stack(name)!.interfaces) {
        if (port) all.push({ label: port.label, mac, node: name, ip: ip === 0 ? undefined : ip });
      }
    }
    return all;
  }

  powerOnGuest(name: string, cause: number): void {
    const slot = this.#guests.get(name)!;
    if (slot.power !== 'off') return;
    slot.lives += 1;
    const life = this.#newGuest(slot.plan, slot.lives);
    this.#replug(slot.life.stack, life.stack);
    slot.life = life;
    slot.power = 'booting';
    const booting = this.#tell(name, { kind: 'power', state: 'booting' }, cause);
    this.#setLinks(name, life.stack, true);
    const { boot } = slot.plan;
    const now = this.#fabric.now;
    const networkUp = after(now, nanoseconds(Math.max(0, boot - networkBeforeHeartbeat)));
    this.#fabric.at(networkUp, {
      run: () => {
        if (slot.life === life && slot.power === 'booting')
          life.start(this.#addressOf(slot.plan), this.#fabric.now, this.#fabric, booting);
      },
    });
    this.#fabric.at(after(now, boot), {
      run: () => {
        if (slot.life !== life || slot.power !== 'booting') return;
        slot.power = 'on';
        this.#tell(name, { kind: 'power', state: 'on' }, booting);
        this.#onHeartbeat(slot.plan);
      },
    });
  }

  powerOffGuest(name: string, cause: number): void {
    const slot = this.#guests.get(name)!;
    if (slot.power === 'off') return;
    slot.power = 'off';
    this.#tell(name, { kind: 'power', state: 'off' }, cause);
    this.#stop(name, slot.life.stack);
  }

  powerOnAppliance(name: string, cause: number, booted: Booted): void {
    const slot = this.#appliances.get(name)!;
    if (slot.power === 'on') {
      booted(true);
      return;
    }
    if (slot.power === 'booting') {
      this.#booting.get(name)?.push(booted);
      return;
    }
    slot.lives += 1;
    const life = this.#newAppliance(slot.plan, slot.lives);
    this.#replug(slot.life.stack, life.stack);
    slot.life = life;
    slot.power = 'booting';
    this.#booting.set(name, [booted]);
    const booting = this.#tell(name, { kind: 'power', state: 'booting' }, cause);
    this.#setLinks(name, life.stack, true);
    this.#fabric.at(after(this.#fabric.now, slot.plan.boot), {
      run: () => {
        if (slot.life !== life || slot.power !== 'booting') return;
        slot.power = 'on';
        life.stack.running = true;
        const on = this.#tell(name, { kind: 'power', state: 'on' }, booting);
        this.#startAppliance(slot.plan, life, on);
        this.#tellBooted(name, true);
      },
    });
  }

  powerOffAppliance(name: string, cause: number): void {
    const slot = this.#appliances.get(name)!;
    if (slot.power === 'off') return;
    for (const network of slot.life.extensions.keys()) this.stopTunnel(name, network, cause);
    slot.power = 'off';
    this.#tell(name, { kind: 'power', state: 'off' }, cause);
    this.#stop(name, slot.life.stack);
    this.#tellBooted(name, false);
  }

  /**
   * Starts this end of a network's tunnel: the provider's waits, the tenant's dials the cloud gateway.
   *
   * @returns Whether it could be: not on an appliance that does not run, or is not in this network.
   */
  startTunnel(name: string, network: string, cause: number): boolean {
    const slot = this.#appliances.get(name);
    const extension = slot?.life.extensions.get(network);
    if (slot === undefined || slot.power !== 'on' || extension === undefined) return false;
    this.stopTunnel(name, network, cause);
    const { plan } = slot;
    const side = sideOf(plan);
    const index = this.#indexOf(plan, network);
    const { tunnel } = this.topology;
    const privateKey = this.#key(side, network);
    const peerKey = this.#publicKey(side === 'tenant' ? 'provider' : 'tenant', network);
    const keepalive = tunnel.keepalive;
    extension.startTunnel(
      {
        privateKey,
        peerKey,
        presharedKey: tunnel.presharedKey ? this.#bytes(`preshared ${network}`) : undefined,
        crypto: this.#crypto,
        port: side === 'provider' ? tunnelPort(index) : 51_820 + index,
        endpoint:
          plan.kind === 'tenant-appliance' ? { ip: plan.gateway, port: relayPort } : undefined,
        keepalive,
        allowedIps: tunnel.allowedIps[side],
        onState: (state) => {
          if (side === 'tenant' && state !== 'connecting') this.#onTunnel(network, state);
        },
      },
      this.#fabric.now,
      this.#fabric,
      cause,
    );
    if (plan.kind === 'provider-appliance') this.#openRelays(plan, network, index);
    return true;
  }

  stopTunnel(name: string, network: string, cause: number): void {
    const extension = this.#appliances.get(name)?.life.extensions.get(network);
    const tunnel = extension?.tunnel;
    if (extension === undefined || tunnel === undefined) return;
    this.#keys.push(...tunnel.keys);
    extension.stopTunnel(this.#fabric.now, this.#fabric, cause);
  }

  /**
   * @param owners Who has addresses that are no longer failed over, for a last announcement.
   * @returns Whether it could be: the daemon needs a tunnel that has been started.
   */
  configureProxy(
    name: string,
    network: string,
    addresses: readonly Ipv4[],
    owners: ReadonlyMap<Ipv4, Mac>,
    cause: number,
  ): boolean {
    const extension = this.#appliances.get(name)?.life.extensions.get(network);
    if (extension?.tunnel === undefined) return false;
    extension.configureProxy(addresses, owners, this.#fabric.now, this.#fabric, cause);
    return true;
  }

  /** @param owners Who has the addresses again, for a last announcement on their behalf. */
  withdrawProxy(
    name: string,
    network: string,
    owners: ReadonlyMap<Ipv4, Mac>,
    cause: number,
  ): void {
    const extension = this.#appliances.get(name)?.life.extensions.get(network);
    extension?.withdraw(owners, this.#fabric.now, this.#fabric, cause);
  }

  block(name: string, ports: readonly { protocol: 'tcp' | 'udp'; port: number }[]): void {
    for (const rule of rulesOf(ports)) this.#firewalls.get(name)?.block(rule);
  }

  unblock(name: string, ports: readonly { protocol: 'tcp' | 'udp'; port: number }[]): void {
    for (const rule of rulesOf(ports)) this.#firewalls.get(name)?.unblock(rule);
  }

  /** Somebody pulls all cables of a machine, or plugs them in again. */
  setLink(name: string, up: boolean): void {
    if (up) this.#pulled.delete(name);
    else this.#pulled.add(name);
    const stack = this.stack(name);
    if (stack) this.#setLinks(name, stack, up && this.powerOf(name) !== 'off');
  }

  /**
   * Changes all cables of a machine or switch, in both directions; of a switch only those in one
   * VLAN, if that is given. What was changed before stays changed.
   */
  impair(name: string, change: (options: LinkOptions) => LinkOptions, vlan?: number): void {
    const bridge = this.switches.get(name);
    const ports = bridge?.ports ?? this.stack(name)?.ports ?? [];
    for (const port of ports) {
      if (vlan !== undefined && bridge !== undefined) {
        const mode = bridge.modeOf(port);
        if (mode.kind !== 'access' || mode.vlan !== vlan) continue;
      }
      const peer = this.#fabric.peerOf(port);
      const cable = this.#cableAt(port) ?? (peer && this.#cableAt(peer));
      if (peer === undefined || cable === undefined) continue;
      const options = change(this.#impaired.get(cable) ?? cable.link);
      this.#impaired.set(cable, options);
      this.#fabric.impair(port, options);
      this.#fabric.impair(peer, options);
    }
  }

  #addSwitch(name: string): void {
    this.switches.set(name, new Switch(name, 0));
  }

  #addNode(plan: NodePlan): void {
    const random = this.#fabric.random.child(plan.name);
    switch (plan.kind) {
      case 'guest':
        this.#guests.set(plan.name, {
          plan,
          life: this.#newGuest(plan, 0),
          lives: 0,
          power: 'off',
        });
        break;
      case 'tenant-appliance':
      case 'provider-appliance':
        this.#appliances.set(plan.name, {
          plan,
          life: this.#newAppliance(plan, 0),
          lives: 0,
          power: 'off',
        });
        break;
      case 'cloud-gateway': {
        const adapters = [plan.outside.adapter, plan.inside.adapter];
        const gateway = new CloudGateway(plan.name, adapters, rulesOf(plan.block), random);
        this.#gateways.set(plan.name, gateway);
        this.#firewalls.set(plan.name, gateway.firewall);
        this.#stacks.set(plan.name, gateway.stack);
        break;
      }
      case 'router': {
        const stack = forwarder(plan.name, random);
        for (const { adapter } of plan.inside) stack.addInterface(adapter);
        if (plan.outside) stack.addInterface(plan.outside.adapter);
        this.#stacks.set(plan.name, stack);
        break;
      }
      case 'internet': {
        const stack = forwarder(plan.name, random);
        for (const { adapter } of plan.lines) stack.addInterface(adapter);
        this.#stacks.set(plan.name, stack);
        break;
      }
      case 'dhcp-server': {
        const stack = new IpStack(plan.name, { profile: linux, random });
        stack.addInterface(plan.adapter);
        this.#stacks.set(plan.name, stack);
        break;
      }
    }
  }

  #lay(cable: CablePlan): void {
    const stack = this.stack(cable.node)!;
    const { port } = stack.interface(cable.adapter);
    this.#cables.set(`${cable.node}.${cable.adapter}`, cable);
    const { to } = cable;
    if (to.kind === 'nothing') return;
    if (to.kind === 'adapter') {
      this.#fabric.connect(port!, this.stack(to.node)!.interface(to.adapter).port!, cable.link);
      return;
    }
    const bridge = this.switches.get(to.name)!;
    // A machine with several adapters here needs a port for each, and each port a name of its own.
    const taken = bridge.ports.some(({ label }) => label === `${to.name}.${cable.node}`);
    const name = taken ? `${cable.node}-${cable.adapter}` : cable.node;
    const socket = bridge.addPort({ kind: 'access', vlan: to.vlan }, name);
    this.#fabric.connect(port!, socket, cable.link);
  }

  /** Tells the log of a machine, and starts it if it runs from the beginning. */
  #begin(plan: NodePlan): void {
    const now = this.#fabric.now;
    const sink = this.#fabric;
    this.#tell(plan.name, machineFact(plan), -1);
    switch (plan.kind) {
      case 'guest': {
        const slot = this.#guests.get(plan.name)!;
        if (!plan.running) {
          this.#setLinks(plan.name, slot.life.stack, false);
          this.#tell(plan.name, { kind: 'power', state: 'off' }, -1);
          break;
        }
        slot.power = 'on';
        const on = this.#tell(plan.name, { kind: 'power', state: 'on' }, -1);
        slot.life.start(this.#addressOf(plan), now, sink, on);
        break;
      }
      case 'tenant-appliance':
      case 'provider-appliance':
        this.#setLinks(plan.name, this.stack(plan.name)!, false);
        break;
      case 'router':
        this.#startRouter(plan);
        break;
      case 'internet': {
        const stack = this.#stacks.get(plan.name)!;
        for (const { adapter, ip } of plan.lines) {
          const line = stack.interface(adapter.name);
          stack.addAddress(line, { address: plan.ip, length: 32 }, 'static', now, sink);
          const prefix = { address: ip, length: 32 };
          const route = {
            prefix,
            kind: 'unicast',
            interface: line,
            via: anyIpv4,
            metric: 0,
          } as const;
          stack.addRoute(route, now, sink);
        }
        break;
      }
      case 'dhcp-server': {
        const stack = this.#stacks.get(plan.name)!;
        const on = stack.interface(plan.adapter.name);
        stack.addAddress(on, plan.prefix, 'static', now, sink);
        const { address } = plan.prefix;
        const config = { ...plan.dhcp, address, subnet: plan.prefix, router: address };
        new DhcpService(stack, on, config);
        break;
      }
      case 'cloud-gateway':
        this.#startGateway(plan);
        break;
    }
  }

  #startRouter(plan: Extract<NodePlan, { kind: 'router' }>): void {
    const now = this.#fabric.now;
    const sink = this.#fabric;
    const stack = this.#stacks.get(plan.name)!;
    for (const { adapter, prefix, dhcp } of plan.inside) {
      const on = stack.interface(adapter.name);
      stack.addAddress(on, prefix, 'static', now, sink);
      if (dhcp === undefined) continue;
      const { address } = prefix;
      new DhcpService(stack, on, { ...dhcp, address, subnet: prefix, router: address });
    }
    if (plan.outside === undefined) return;
    const outside = stack.interface(plan.outside.adapter.name);
    stack.addAddress(outside, { address: plan.outside.ip, length: 32 }, 'static', now, sink);
    addDefaultRoute(stack, outside, plan.outside.via, now, sink);
    const random = this.#fabric.random.child(`${plan.name} translation`);
    this.#firewalls.set(plan.name, guardSite(stack, outside, rulesOf(plan.block), random));
  }

  #startGateway(plan: CloudGatewayPlan): void {
    const now = this.#fabric.now;
    const sink = this.#fabric;
    const gateway = this.#gateways.get(plan.name)!;
    const { stack } = gateway;
    const outside = stack.interface(plan.outside.adapter.name);
    stack.addAddress(outside, { address: plan.outside.ip, length: 32 }, 'static', now, sink);
    addDefaultRoute(stack, outside, plan.outside.via, now, sink);
    stack.addAddress(
      stack.interface(plan.inside.adapter.name),
      plan.inside.prefix,
      'static',
      now,
      sink,
    );
    gateway.start(now);
  }

  #startAppliance(
    plan: TenantAppliancePlan | ProviderAppliancePlan,
    life: Appliance,
    cause: number,
  ): void {
    const now = this.#fabric.now;
    const sink = this.#fabric;
    const { stack } = life;
    if (plan.kind === 'tenant-appliance') {
      const segment = stack.interface(plan.adapter.name);
      const keeper = new AddressKeeper(stack, segment, plan.address);
      keeper.start(now, sink, cause);
      return;
    }
    const { external, inside } = plan;
    const outside = stack.interface(external.adapter.name);
    stack.addAddress(outside, external.prefix, 'appliance', now, sink, cause);
    for (const { adapter } of inside) {
      // Enabled, but with no address of any network: it shows as 169.254.0.1.
      const address = { address: 0xa9fe_0001 | 0, length: 32 } as { address: Ipv4; length: number };
      stack.addAddress(stack.interface(adapter.name), address, 'appliance', now, sink, cause);
    }
  }

  #newGuest(plan: GuestPlan, life: number): Guest {
    const { name, os, adapter, listen, echo } = plan;
    const random = this.#fabric.random.child(`${name} life ${life}`);
    return new Guest({ name, os, adapter, listen, echo, random });
  }

  #newAppliance(plan: TenantAppliancePlan | ProviderAppliancePlan, lives: number): Appliance {
    const random = this.#fabric.random.child(`${plan.name} life ${lives}`);
    const { tunnel } = this.topology;
    const { proxyArp, announcesUp, announcesDown } = plan;
    const common = {
      proxyArp,
      announcesUp,
      announcesDown,
      mtu: tunnel.mtu,
      mssClamp: tunnel.mssClamp,
      pmtud: tunnel.pmtud,
    };
    if (plan.kind === 'tenant-appliance') {
      const { network, subnet, index } = plan;
      const life = new Appliance(plan.name, [plan.adapter], random);
      const segment = life.stack.interfaces[0]!;
      const own = random.child(`tunnel ${network}`);
      life.extend({ ...common, side: 'tenant', network, subnet, index, segment, random: own });
      return life;
    }
    const adapters = [plan.external.adapter, ...plan.inside.map(({ adapter }) => adapter)];
    const life = new Appliance(plan.name, adapters, random);
    for (const { network, subnet, providerNetwork, index } of plan.tunnels) {
      const inside = plan.inside.find((one) => one.network === providerNetwork);
      if (inside === undefined) continue;
      const segment = life.stack.interface(inside.adapter.name);
      const own = random.child(`tunnel ${network}`);
      life.extend({ ...common, side: 'provider', network, subnet, index, segment, random: own });
    }
    return life;
  }

  #addressOf({ address, lease, replica, vm }: GuestPlan): KeptAddress {
    if (address.kind === 'static' || !replica || lease === 'none') return address;
    // The replica's disk is the original's: it remembers the lease that the original had.
    const original = this.#guests.get(vm)?.life.keeper?.lease;
    if (original === undefined) return { kind: 'dhcp' };
    const now = this.#fabric.now;
    const expiresAt = lease === 'valid' ? after(now, rememberedLease) : now;
    const remembered = { ...original, renewAt: expiresAt, rebindAt: expiresAt, expiresAt };
    return { kind: 'dhcp', remembered };
  }

  #openRelays(plan: ProviderAppliancePlan, network: string, index: number): void {
    const key = this.#publicKey('provider', network);
    const macKey = this.#crypto.hash(concat(utf8('mac1----'), key));
    const target = {
      ip: plan.external.prefix.address,
      port: tunnelPort(index),
      isFor: (initiation: Uint8Array): boolean =>
        equalBytes(
          this.#crypto.keyedHash(macKey, initiation.subarray(0, 116), 16),
          initiation.subarray(116, 132),
        ),
    };
    for (const gateway of this.#gateways.values()) gateway.relay.setTarget(network, target);
  }

  #indexOf(plan: TenantAppliancePlan | ProviderAppliancePlan, network: string): number {
    if (plan.kind === 'tenant-appliance') return plan.index;
    return plan.tunnels.find((tunnel) => tunnel.network === network)!.index;
  }

  #replug(from: IpStack, to: IpStack): void {
    from.ports.forEach((port, i) => {
      if (this.#fabric.peerOf(port)) this.#fabric.replug(port, to.ports[i]!);
    });
  }

  #stop(name: string, stack: IpStack): void {
    stack.running = false;
    this.#setLinks(name, stack, false);
  }

  #setLinks(name: string, stack: IpStack, power: boolean): void {
    const up = power && !this.#pulled.has(name);
    for (const port of stack.ports) if (this.#fabric.peerOf(port)) this.#fabric.setLink(port, up);
  }

  #tellBooted(name: string, up: boolean): void {
    const waiting = this.#booting.get(name) ?? [];
    this.#booting.delete(name);
    for (const booted of waiting) booted(up);
  }

  #cableAt(port: Port): CablePlan | undefined {
    return this.#cables.get(port.label);
  }

  #bytes(purpose: string): Uint8Array {
    return this.#fabric.random.child(`key ${purpose}`).bytes(32);
  }

  #key(side: Side, network: string): Uint8Array {
    return this.#bytes(`${side} ${network}`);
  }

  #publicKey(side: Side, network: string): Uint8Array {
    return this.#crypto.publicKey(this.#key(side, network));
  }

  #tell(node: string, fact: Fact, cause: number): number {
    return this.#fabric.log.tell(this.#fabric.now, node, cause, fact);
  }
}

const sideOf = (plan: TenantAppliancePlan | ProviderAppliancePlan): Side =>
  plan.kind === 'tenant-appliance' ? 'tenant' : 'provider';

const roles: Readonly<Record<NodePlan['kind'], MachineRole>> = {
  guest: 'vm',
  router: 'router',
  internet: 'internet',
  'dhcp-server': 'dhcp-server',
  'tenant-appliance': 'tenant-appliance',
  'provider-appliance': 'provider-appliance',
  'cloud-gateway': 'cloud-gateway',
};

function machineFact(plan: NodePlan): Fact {
  const common = { kind: 'machine', vm: '', network: '', address: 'none', ip: '' } as const;
  if (plan.kind === 'guest' || plan.kind === 'tenant-appliance') {
    const { address, network } = plan;
    const ip = address.kind === 'static' ? showIpv4(address.prefix.address) : '';
    const role = plan.kind === 'guest' && plan.replica ? 'replica' : roles[plan.kind];
    const vm = plan.kind === 'guest' ? plan.vm : '';
    return { ...common, role, vm, network, address: address.kind, ip };
  }
  return { ...common, role: roles[plan.kind] };
}
