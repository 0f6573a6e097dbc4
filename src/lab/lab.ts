/** A lab that stands: a network, its recovery, and a clock to let run. What a runner of scenarios gets. */
import type { Instant } from '../base/time.ts';
import type { Guest } from '../device/guest.ts';
import type { Configuration } from '../failover/configuration.ts';
import type { Order } from '../failover/observation.ts';
import type { WireGuardCrypto } from '../stack/wireguard/crypto.ts';
import type { EventLog } from '../trace/log.ts';
import type { Fabric } from './fabric.ts';
import { replicaOf } from './names.ts';
import { LabNetwork } from './network.ts';
import { type Appliances, Recovery } from './recovery.ts';
import type { Topology } from './topology.ts';

export interface LabPlan {
  readonly topology: Topology;
  /** Undefined for a site without a provider. */
  readonly recovery:
    | { readonly configuration: Configuration; readonly appliances: Appliances }
    | undefined;
}

/** What runs a lab: the simulation at once, the emulation in its own time. */
export interface Backend {
  start(plan: LabPlan, log: EventLog): Promise<Lab>;
}

export type Progress = 'settled' | 'reached' | 'budget';

export interface Lab {
  readonly now: Instant;
  readonly log: EventLog;
  readonly network: LabNetwork;
  readonly recovery: Recovery | undefined;
  readonly fabric: Fabric;
  /** Lets time run until `limit`, or until `settled` says yes; it is asked after everything that happens. */
  until(limit: Instant, settled?: () => boolean): Promise<Progress>;
  /** The machine that now is the VM: its replica while that has taken over, else the original. */
  active(vm: string): Guest | undefined;
  order(order: Order): void;
  powerOn(machine: string): void;
  powerOff(machine: string): void;
  stop(): Promise<void>;
}

/** What a lab does on any backend; time is the backend's. */
export abstract class StandingLab implements Lab {
  readonly network: LabNetwork;
  readonly recovery: Recovery | undefined;
  readonly fabric: Fabric;

  constructor(plan: LabPlan, fabric: Fabric, crypto: WireGuardCrypto) {
    this.fabric = fabric;
    this.network = new LabNetwork(plan.topology, fabric, crypto);
    if (plan.recovery) {
      const { configuration, appliances } = plan.recovery;
      this.recovery = new Recovery(configuration, this.network, fabric, appliances);
    }
  }

  get now(): Instant {
    return this.fabric.now;
  }

  get log(): EventLog {
    return this.fabric.log;
  }

  abstract until(limit: Instant, settled?: () => boolean): Promise<Progress>;
  abstract stop(): Promise<void>;

  active(vm: string): Guest | undefined {
    const state = this.recovery?.status.replicas.find((replica) => replica.vm === vm)?.state;
    const tookOver = state !== undefined && state !== 'ready' && state !== 'processing';
    return this.network.guest(tookOver ? replicaOf(vm) : vm) ?? this.network.guest(vm);
  }

  order(order: Order): void {
    this.recovery?.order(order);
  }

  powerOn(name: string): void {
    const { power, cables, switches } = this.network;
    if (switches.has(name)) cables.powerSwitch(name, true);
    else if (this.network.guestPlan(name)) power.guestOn(name, -1);
    else if (this.network.isAppliance(name)) power.applianceOn(name, -1, () => {});
    else power.alwaysOnOn(name);
  }

  powerOff(name: string): void {
    const { power, cables, switches } = this.network;
    const plan = this.network.guestPlan(name);
    if (switches.has(name)) cables.powerSwitch(name, false);
    else if (this.network.isAppliance(name)) power.applianceOff(name, -1);
    else if (plan === undefined) power.alwaysOnOff(name);
    else {
      power.guestOff(name, -1);
      if (!plan.replica) this.recovery?.notePower(plan.vm, 'off');
    }
  }
}
