/**
 * Watches every frame that a machine receives, for one that a machine of another tenant has made.
 * It goes by the sender's MAC address, which every machine puts into what it makes and into what it
 * forwards: a frame in the clear that has come from another tenant, by whatever way, was put into
 * this network by a machine of its own or of the other's. It keeps no frames, and so little that a
 * run of any length may be watched.
 *
 * Towards the provider and the internet all tenants share networks. What passes there is encrypted
 * or meant for everybody, and those adapters are not counted as a tenant's own.
 */
import type { Frame } from '../base/frame.ts';
import type { Instant } from '../base/time.ts';
import type { Port } from '../stack/device.ts';
import type { EventLog } from '../trace/log.ts';
import { type Mac, showMac } from '../wire/address.ts';
import type { AdapterPlan, NodePlan, Topology } from './topology.ts';

/** A frame that was where it should not be. */
export interface Trespass {
  readonly at: Instant;
  /** Who made it, and who received it. */
  readonly from: string;
  readonly to: string;
  readonly mac: string;
  /** The adapter that it was received at. */
  readonly port: string;
}

const nobody = -1;

export class Isolation {
  readonly #log: EventLog;
  readonly #tenants: readonly string[];
  /** Whose a MAC address is. Tenants may choose equal ones: those tell nothing. */
  readonly #makers = new Map<number, number>();
  /** Adapters in the tenant's own networks: `acme/web01.eth0`. */
  readonly #adapters = new Map<string, number>();
  /** The same by port: a machine that is switched on again has new ones. */
  readonly #owners = new WeakMap<Port, number>();
  /** The first by the tenant that received the frame, and by the one that made it. */
  readonly #received = new Map<string, Trespass>();
  readonly #made = new Map<string, Trespass>();
  /** How many frames tenants' adapters received, and how many of them were another tenant's. */
  frames = 0;
  trespasses = 0;

  constructor(topology: Topology, log: EventLog) {
    this.#log = log;
    this.#tenants = [...new Set(topology.nodes.map(({ tenant }) => tenant))];
    const numbers = new Map(this.#tenants.map((tenant, i) => [tenant, i]));
    for (const plan of topology.nodes) {
      if (plan.tenant === '') continue;
      const tenant = numbers.get(plan.tenant)!;
      for (const { name, mac } of ownAdapters(plan)) {
        this.#adapters.set(`${plan.name}.${name}`, tenant);
        const other = this.#makers.get(mac);
        this.#makers.set(mac, other === undefined || other === tenant ? tenant : nobody);
      }
    }
  }

  /** Called for every frame that is delivered, before it is. */
  see(at: Instant, port: Port, frame: Frame): void {
    const owner = this.#owners.get(port) ?? this.#learn(port);
    if (owner === nobody || frame.length < 14) return;
    this.frames += 1;
    const { words, start } = frame;
    const mac = words.getUint16(start + 6) * 2 ** 32 + words.getUint32(start + 8);
    const maker = this.#makers.get(mac) ?? nobody;
    if (maker === owner || maker === nobody) return;
    this.trespasses += 1;
    this.#note(at, maker, owner, mac as Mac, port, frame);
  }

  get tenants(): readonly string[] {
    return this.#tenants.filter((name) => name !== '');
  }

  /** The first frame that one of these tenants received from another, or had another receive. */
  firstOf(tenants: readonly string[]): Trespass | undefined {
    const all = tenants.flatMap((name) => [this.#received.get(name), this.#made.get(name)]);
    return all.find((trespass) => trespass !== undefined);
  }

  #note(at: Instant, maker: number, owner: number, mac: Mac, port: Port, frame: Frame): void {
    const [from, to] = [this.#tenants[maker]!, this.#tenants[owner]!];
    if (this.#received.has(to) && this.#made.has(from)) return;
    const trespass: Trespass = { at, from, to, mac: showMac(mac), port: port.label };
    if (!this.#received.has(to)) this.#received.set(to, trespass);
    if (!this.#made.has(from)) this.#made.set(from, trespass);
    const { at: _, ...told } = trespass;
    this.#log.tell(at, port.device.name, frame.cause, { kind: 'trespass', ...told });
  }

  #learn(port: Port): number {
    const owner = this.#adapters.get(port.label) ?? nobody;
    this.#owners.set(port, owner);
    return owner;
  }
}

/** Those in the tenant's networks, at its sites and at the provider. */
function ownAdapters(plan: NodePlan): readonly AdapterPlan[] {
  switch (plan.kind) {
    case 'guest':
    case 'tenant-appliance':
    case 'dhcp-server':
      return [plan.adapter];
    case 'router':
    case 'provider-appliance':
      return plan.inside.map(({ adapter }) => adapter);
    case 'edge-gateway':
      return plan.inside;
    case 'client':
    case 'internet':
    case 'provider-router':
    case 'cloud-gateway':
      return [];
  }
}
