/**
 * A topology as devices, and what operators and disasters do to them. It knows no scenario and
 * takes no decisions.
 */
import { type NamedPort, rulesOf } from '../device/appliance.ts';
import type { Side } from '../device/guards.ts';
import type { Guest } from '../device/guest.ts';
import type { Probes } from '../device/probes.ts';
import type { Switch } from '../device/switch.ts';
import { TcpPart } from '../device/tcp-part.ts';
import { simulatedWorks } from '../device/works.ts';
import type { IpStack } from '../stack/ip-stack.ts';
import { protocolTcp } from '../stack/packet.ts';
import type { Ipv4, Mac } from '../wire/address.ts';
import { Access } from './access.ts';
import { Ailments } from './ailments.ts';
import { Cables } from './cables.ts';
import type { LabCrypto } from './crypto.ts';
import type { Fabric } from './fabric.ts';
import { GatewayRoles } from './gateway-role.ts';
import { layOut } from './lay-out.ts';
import { Machines, type PowerState } from './machines.ts';
import { type HeartbeatListener, Power } from './power.ts';
import type { GuestPlan, Topology } from './topology.ts';
import { type TunnelListener, Tunnels } from './tunnels.ts';
import { Vpns } from './vpns.ts';

export interface AdapterInfo {
  /** `web01.eth0`. */
  readonly label: string;
  readonly mac: Mac;
  readonly node: string;
  /** Its first address at this moment. */
  readonly ip: Ipv4 | undefined;
}

export class LabNetwork {
  readonly topology: Topology;
  readonly cables: Cables;
  readonly tunnels: Tunnels;
  readonly power: Power;
  readonly gatewayRoles: GatewayRoles;
  readonly access: Access;
  readonly ailments: Ailments;
  readonly vpns: Vpns;
  readonly #machines: Machines;
  readonly #originals: ReadonlyMap<string, ReadonlyMap<Ipv4, Mac>>;
  /** Of machines other than guests, made when first asked for. */
  readonly #probes = new WeakMap<IpStack, Probes>();

  constructor(topology: Topology, fabric: Fabric, crypto: LabCrypto, works = simulatedWorks) {
    const { tunnel } = topology;
    this.topology = topology;
    this.#machines = new Machines(works);
    this.#originals = originalsOf(topology);
    this.cables = new Cables(fabric, this.#machines);
    this.tunnels = new Tunnels(fabric, this.#machines, crypto, tunnel);
    this.vpns = new Vpns(fabric, crypto);
    const { cables, tunnels, vpns } = this;
    const machines = this.#machines;
    this.power = new Power(fabric, machines, cables, tunnels, vpns, tunnel);
    this.gatewayRoles = new GatewayRoles(fabric, machines);
    this.access = new Access(machines, cables, this.power);
    this.ailments = new Ailments(fabric, machines);
    layOut(topology, { fabric, machines, cables, power: this.power, vpns });
  }

  /** Whoever wants to know when a tunnel comes up or fails, and when a guest gives its first heartbeat. */
  listen(onTunnel: TunnelListener, onHeartbeat: HeartbeatListener): void {
    this.tunnels.onState = onTunnel;
    this.power.onHeartbeat = onHeartbeat;
  }

  get switches(): ReadonlyMap<string, Switch> {
    return this.#machines.switches;
  }

  guest(name: string): Guest | undefined {
    return this.#machines.guests.get(name)?.life;
  }

  guestPlan(name: string): GuestPlan | undefined {
    return this.#machines.guests.get(name)?.plan;
  }

  isAppliance(name: string): boolean {
    return this.#machines.appliances.has(name);
  }

  powerOf(name: string): PowerState | undefined {
    return this.#machines.powerOf(name);
  }

  stack(name: string): IpStack | undefined {
    return this.#machines.stack(name);
  }

  /** Who is to have the addresses of a production network: its VMs, whatever their replicas do. */
  originals(network: string): ReadonlyMap<Ipv4, Mac> {
    return this.#originals.get(network) ?? new Map();
  }

  /** Somebody at a machine to ask it things; nobody where it does not run. */
  probes(name: string): Probes | undefined {
    const guest = this.guest(name);
    if (guest) return guest.stack.running ? guest.probes : undefined;
    const stack = this.stack(name);
    if (stack === undefined || !stack.running) return undefined;
    let probes = this.#probes.get(stack);
    if (probes === undefined) {
      const tcp = stack.protocols.get(protocolTcp);
      const own = tcp instanceof TcpPart ? tcp : new TcpPart(stack);
      probes = this.#machines.works.probes(stack, own);
      this.#probes.set(stack, probes);
    }
    return probes;
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

  block(name: string, ports: readonly NamedPort[], side: Side = 'in'): void {
    const firewall = this.#machines.firewall(name);
    for (const rule of rulesOf(ports)) firewall.block(rule, side);
  }

  unblock(name: string, ports: readonly NamedPort[], side: Side = 'in'): void {
    const firewall = this.#machines.firewall(name);
    for (const rule of rulesOf(ports)) firewall.unblock(rule, side);
  }
}

function originalsOf({ nodes }: Topology): Map<string, Map<Ipv4, Mac>> {
  const originals = new Map<string, Map<Ipv4, Mac>>();
  for (const plan of nodes) {
    if (plan.kind !== 'guest' || plan.replica || plan.address.kind !== 'static') continue;
    const there = originals.get(plan.network) ?? new Map<Ipv4, Mac>();
    there.set(plan.address.prefix.address, plan.adapter.mac);
    originals.set(plan.network, there);
  }
  return originals;
}
