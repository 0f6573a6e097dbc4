/** A lab that stands: a network, its recovery, and a clock to let run. What a runner of scenarios gets. */
import { type Duration, type Instant, nanoseconds } from '../base/time.ts';
import type { Guest } from '../device/guest.ts';
import type { Works } from '../device/works.ts';
import type { Configuration } from '../failover/configuration.ts';
import { knownAddresses } from '../failover/detection.ts';
import type { Journal } from '../failover/journal.ts';
import type { Order, VmOrder } from '../failover/observation.ts';
import type { PlanState } from '../trace/event.ts';
import type { EventLog } from '../trace/log.ts';
import { type Ipv4, ipv4 } from '../wire/address.ts';
import type { LabCrypto } from './crypto.ts';
import type { Fabric } from './fabric.ts';
import type { Isolation } from './isolation.ts';
import { replicaOf } from './names.ts';
import { LabNetwork } from './network.ts';
import { type Appliances, Recovery, type Schedule } from './recovery.ts';
import type { Topology } from './topology.ts';

export interface LabPlan {
  readonly topology: Topology;
  /** One for each tenant; none without a provider. */
  readonly recoveries: readonly RecoveryPlan[];
  /** Whether every frame is watched for one that belongs to another tenant. */
  readonly watchesIsolation: boolean;
}

export interface RecoveryPlan {
  /** Empty for the only tenant of a scenario that does not name it. */
  readonly tenant: string;
  readonly configuration: Configuration;
  readonly appliances: Appliances;
  readonly schedules: readonly Schedule[];
  /** Where the life of its controller is written down, of a lab that outlives its process. */
  readonly journal?: Journal;
}

/** What runs a lab: the simulation at once, the emulation in its own time. */
export interface Backend {
  start(plan: LabPlan, log: EventLog): Promise<Lab>;
}

export type Progress = 'settled' | 'reached' | 'budget';

export interface Lab {
  /** What a time may be longer than it should be, where it is not virtual. */
  readonly slack: Duration;
  readonly now: Instant;
  readonly log: EventLog;
  readonly network: LabNetwork;
  /** Undefined where the plan does not ask for it. */
  readonly isolation: Isolation | undefined;
  /** One for each tenant. */
  readonly recoveries: readonly Recovery[];
  /** That of the tenant of a VM; undefined where there is no provider. */
  recoveryOf(vm: string): Recovery | undefined;
  readonly fabric: Fabric;
  /** Lets time run until `limit`, or until `settled` says yes; it is asked after everything that happens. */
  until(limit: Instant, settled?: () => boolean): Promise<Progress>;
  /** The machine that now is the VM: its replica while that has taken over, else the original. */
  active(vm: string): Guest | undefined;
  /** Undefined where there is no provider, so that no plan can be. */
  planState(plan: string): PlanState | undefined;
  /** Returns whose operation it has become: that of each tenant whose VMs or plan are named. */
  order(order: Order): readonly Recovery[];
  powerOn(machine: string): void;
  powerOff(machine: string): void;
  /** The power of a whole place goes, and with it whatever is there; or it comes back. */
  supply(machines: readonly string[], on: boolean): void;
  /** Somebody gives a VM another static address, at once if it runs. */
  readdress(vm: string, ip: Ipv4): void;
  stop(): Promise<void>;
}

/** What a lab does on any backend; time is the backend's. */
export abstract class StandingLab implements Lab {
  readonly network: LabNetwork;
  readonly fabric: Fabric;
  readonly isolation: Isolation | undefined;
  readonly recoveries: readonly Recovery[];
  /** By VM. */
  readonly #recoveries = new Map<string, Recovery>();
  /** By failover plan. */
  readonly #plans = new Map<string, Recovery>();

  constructor(
    plan: LabPlan,
    fabric: Fabric,
    crypto: LabCrypto,
    isolation: Isolation | undefined,
    works?: Works,
  ) {
    this.fabric = fabric;
    this.isolation = isolation;
    this.network = new LabNetwork(plan.topology, fabric, crypto, works);
    /** By production network. */
    const owners = new Map<string, Recovery>();
    this.recoveries = plan.recoveries.map((one) => {
      const { configuration, appliances, schedules, journal } = one;
      const { network } = this;
      const recovery = new Recovery(configuration, network, fabric, appliances, schedules, journal);
      for (const { name } of configuration.vms) this.#recoveries.set(name, recovery);
      for (const { name } of configuration.networks) owners.set(name, recovery);
      for (const [vm, ip] of knownAddresses(configuration))
        this.network.vpns.know(replicaOf(vm), ipv4(ip));
      for (const { name } of configuration.failoverPlans ?? []) this.#plans.set(name, recovery);
      return recovery;
    });
    this.network.listen(
      (network, state) => owners.get(network)?.noteTunnel(network, state),
      (guest) => this.#recoveries.get(guest.vm)?.noteHeartbeat(guest),
    );
  }

  /** Overridden where time is real. */
  get slack(): Duration {
    return nanoseconds(0);
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
    const state = this.recoveryOf(vm)?.stateOf(vm);
    const isOriginal = state === 'ready' || state === 'processing' || state === 'failback';
    const tookOver = state !== undefined && !isOriginal;
    return this.network.guest(tookOver ? replicaOf(vm) : vm) ?? this.network.guest(vm);
  }

  recoveryOf(vm: string): Recovery | undefined {
    return this.#recoveries.get(vm);
  }

  planState(plan: string): PlanState | undefined {
    return this.#plans.get(plan)?.planState(plan);
  }

  order(order: Order): readonly Recovery[] {
    if (!('plan' in order)) return this.#share(order);
    const recovery = this.#plans.get(order.plan);
    recovery?.order(order);
    return recovery === undefined ? [] : [recovery];
  }

  #share(order: VmOrder): readonly Recovery[] {
    const shares = new Map<Recovery, string[]>();
    for (const vm of order.vms) {
      const recovery = this.recoveryOf(vm);
      if (recovery === undefined) continue;
      const share = shares.get(recovery);
      if (share === undefined) shares.set(recovery, [vm]);
      else share.push(vm);
    }
    for (const [recovery, vms] of shares) recovery.order({ ...order, vms });
    return [...shares.keys()];
  }

  powerOn(name: string): void {
    const { power, cables, switches } = this.network;
    const plan = this.network.guestPlan(name);
    if (plan?.replica) this.recoveryOf(plan.vm)?.noteChange(plan.vm);
    if (switches.has(name)) cables.powerSwitch(name, true);
    else if (plan) power.guestOn(name, -1);
    else if (this.network.isAppliance(name)) power.applianceOn(name, -1, () => {});
    else power.infrastructureOn(name);
  }

  supply(machines: readonly string[], on: boolean): void {
    const { power } = this.network;
    if (on) {
      for (const name of machines.toReversed()) if (power.supply(name)) this.powerOn(name);
      return;
    }
    for (const name of machines) {
      power.cut(name);
      this.powerOff(name);
    }
  }

  readdress(vm: string, ip: Ipv4): void {
    const plan = this.network.guestPlan(vm);
    if (plan?.address.kind !== 'static') return;
    const { prefix, gateway } = plan.address;
    const address = { kind: 'static', prefix: { ...prefix, address: ip }, gateway } as const;
    this.network.power.setAddress(vm, address);
    const guest = this.network.guest(vm);
    if (guest?.stack.running) guest.readdress(address, this.now, this.fabric, -1);
  }

  powerOff(name: string): void {
    const { power, cables, switches } = this.network;
    const plan = this.network.guestPlan(name);
    if (switches.has(name)) cables.powerSwitch(name, false);
    else if (this.network.isAppliance(name)) power.applianceOff(name, -1);
    else if (plan === undefined) power.infrastructureOff(name);
    else {
      power.guestOff(name, -1);
      if (!plan.replica) this.recoveryOf(plan.vm)?.notePower(plan.vm, 'off');
    }
  }
}
