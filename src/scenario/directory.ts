/** Who is who in a lab at this moment: from the names of a scenario to machines, addresses, ports and states. */
import type { Lab } from '../lab/lab.ts';
import { type Ipv4, showMac } from '../wire/address.ts';
import type { Post } from './passing.ts';
import { planNetworkOf } from './plan-network.ts';
import type { Machine, Scenario, StateClaim, Target, Whereabouts } from './scenario.ts';
import { lineOf, nodeOf } from './whereabouts.ts';

export class Directory {
  readonly #scenario: Scenario;
  readonly #lab: Lab;
  /** The tenant's appliance, by production network. */
  readonly #appliances: ReadonlyMap<string, string>;

  constructor(scenario: Scenario, lab: Lab) {
    this.#scenario = scenario;
    this.#lab = lab;
    const sites = scenario.tenants.flatMap((tenant) => tenant.sites);
    this.#appliances = new Map(
      sites.flatMap(({ appliances }) => appliances.map(({ network, name }) => [network, name])),
    );
  }

  /** The machine that goes by a name at this moment: a VM may be its replica. */
  nodeNow(machine: Machine): string {
    if (machine.kind !== 'vm') return nodeOf(machine);
    return this.#lab.active(machine.name)?.stack.name ?? machine.name;
  }

  /** What a stop is called in the log. A network of the provider may be on several hosts: the way tells on which. */
  nodeAt(place: Whereabouts, way: readonly string[] = []): string {
    switch (place.kind) {
      case 'network':
      case 'internet':
        return place.name;
      case 'plan-network':
        return this.#hostOn(way, place.name);
      case 'tunnel':
        return `tunnel.${place.name}`;
      case 'line':
        return place.text;
      default:
        return this.nodeNow(place);
    }
  }

  /** Of the hosts that a network of the provider is on, the first that a way leads through. */
  #hostOn(way: readonly string[], network: string): string {
    const hosts = planNetworkOf(this.#scenario, network)?.plan.hosts ?? [];
    return hosts.find((host) => way.includes(host)) ?? hosts[0] ?? network;
  }

  /** Whether a machine runs, starts, or neither; what has no switch of its own always runs. */
  powerOf(machine: Machine): 'on' | 'booting' | 'off' {
    return this.#lab.network.powerOf(this.nodeNow(machine)) ?? 'on';
  }

  addressOf(target: Target, asker: string): Ipv4 | undefined {
    if (target.kind === 'address') return target.ip;
    const addresses = this.addressesOf(target);
    const own =
      this.#lab.network.stack(asker)?.interfaces.flatMap(({ addresses: all }) => all) ?? [];
    const near = addresses.find((ip) =>
      own.some(({ address, length }) => length < 32 && (address ^ ip) >>> (32 - length) === 0),
    );
    return near ?? addresses[0];
  }

  /** Where a machine is to be reached: a VM at the address it was given, whoever has it now. */
  addressesOf(machine: Machine): Ipv4[] {
    if (machine.kind !== 'vm') {
      const stack = this.#lab.network.stack(nodeOf(machine));
      return (
        stack?.interfaces.flatMap(({ addresses }) => addresses.map(({ address }) => address)) ?? []
      );
    }
    const plan = this.#lab.network.guestPlan(machine.name);
    if (plan?.address.kind === 'static') return [plan.address.prefix.address];
    const lease = this.#lab.network.guest(machine.name)?.keeper?.lease;
    const active = this.#lab.active(machine.name);
    return lease ? [lease.ip] : (active?.adapter.addresses.map(({ address }) => address) ?? []);
  }

  macsOf(machine: Machine): string[] {
    const stack = this.#lab.network.stack(this.nodeNow(machine));
    return stack?.interfaces.map(({ mac }) => showMac(mac)) ?? [];
  }

  /** The MAC address that a machine has in its ARP table for an address. */
  neighbourOf(machine: Machine, ip: Ipv4): string | undefined {
    const stack = this.#lab.network.stack(this.nodeNow(machine));
    const entries = stack?.interfaces.flatMap(({ neighbours }) => neighbours.find(ip) ?? []);
    const known = entries?.find(({ hasMac }) => hasMac);
    return known && showMac(known.mac);
  }

  /** Everybody with this MAC address: a VM and its replica have the same, so more than one may be meant. */
  ownerOf(mac: string): string {
    const owners = this.#lab.network.adapters.filter((one) => showMac(one.mac) === mac);
    const running = owners.find(({ node }) => this.#lab.network.powerOf(node) !== 'off');
    return (running ?? owners[0])?.node ?? 'unknown';
  }

  /** Undefined where there is nothing that could have a state. */
  stateOf(claim: StateClaim): string | number | undefined {
    switch (claim.kind) {
      case 'replica':
        return this.#lab.recoveryOf(claim.vm)?.stateOf(claim.vm);
      case 'connectivity':
        return this.#replica(claim.vm)?.connectivity;
      case 'restore_points':
        return this.#replica(claim.vm)?.restorePoints.length;
      case 'delta':
        return this.#replica(claim.vm) && this.#lab.recoveryOf(claim.vm)?.written(claim.vm);
      case 'power':
        return this.powerOf(claim.machine);
      case 'tunnel':
        return this.#tunnelState(claim.network);
      case 'plan':
        return this.#lab.planState(claim.plan);
    }
  }

  #replica(name: string) {
    return this.#lab.recoveryOf(name)?.status.replicas.find(({ vm }) => vm === name);
  }

  /** Whether the tunnel was up at any time since this event. */
  wasUp(network: string, from: number): boolean {
    const node = this.#appliances.get(network);
    let state = 'down';
    for (const event of this.#lab.log.facts(['tunnel'])) {
      if (event.tunnel !== network || event.node !== node) continue;
      if (event.state === 'up' && event.id >= from) return true;
      if (event.id < from) state = event.state;
    }
    return state === 'up';
  }

  /** The ports whose frames are to be counted there; undefined where there is nothing of the kind. */
  postAt(at: Whereabouts): Post | undefined {
    const { network } = this.#lab;
    switch (at.kind) {
      case 'tunnel': {
        const tenant = this.#appliances.get(at.name);
        const label = `${tenant}.wg-${at.name}`;
        return tenant === undefined ? undefined : { kind: 'tunnel', labels: new Set([label]) };
      }
      case 'plan-network':
        return { kind: 'through', labels: this.portsOf(at.name, at.host) };
      case 'line': {
        const { node, adapter } = lineOf(at.name, this.#scenario);
        return { kind: 'machine', labels: new Set([`${node}.${adapter}`]) };
      }
      default: {
        const node = this.nodeAt(at);
        const ports = network.switches.get(node)?.ports ?? network.stack(node)?.ports ?? [];
        const kind = at.kind === 'network' || at.kind === 'internet' ? 'through' : 'machine';
        return { kind, labels: new Set(ports.map((port) => port.label)) };
      }
    }
  }

  /** The ports that a network of the provider has on its hosts, or on one of them. */
  portsOf(planNetwork: string, only?: string): ReadonlySet<string> {
    const found = planNetworkOf(this.#scenario, planNetwork);
    const hosts = only === undefined ? (found?.plan.hosts ?? []) : [only];
    const ports = hosts.flatMap((name) => {
      const host = this.#lab.network.switches.get(name)!;
      return host.ports.filter((port) => {
        const mode = host.modeOf(port);
        return mode.kind === 'access' && mode.vlan === found?.network.vlan;
      });
    });
    return new Set(ports.map((port) => port.label));
  }

  #tunnelState(network: string): string | undefined {
    const tenant = this.#appliances.get(network);
    if (tenant === undefined) return undefined;
    let state: string = 'down';
    for (const event of this.#lab.log.facts(['tunnel'])) {
      if (event.tunnel === network && event.node === tenant) state = event.state;
    }
    return state;
  }
}
