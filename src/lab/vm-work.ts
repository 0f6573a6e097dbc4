/**
 * Commands about VMs, their replicas and their disks, carried out: what hypervisors and the
 * replication engine do. How long each thing takes is in the topology's timings.
 */
import { after, type Duration, nanoseconds, seconds } from '../base/time.ts';
import type { ProtectedVm } from '../failover/configuration.ts';
import type { Command } from '../failover/decision.ts';
import type { Failure } from '../failover/failure.ts';
import type { Fact } from '../trace/event.ts';
import { showIpv4 } from '../wire/address.ts';
import { written } from './disks.ts';
import type { Fabric } from './fabric.ts';
import { replicaOf } from './names.ts';
import type { LabNetwork } from './network.ts';
import type { AddressPlan } from './topology.ts';

/** What the hypervisor takes to say that a machine is switched on: not that it has booted. */
const powerOnTakes = seconds(2);
const immediately = nanoseconds(0);

/** What only looks at a VM is not among them. */
export type VmCommand = Exclude<
  Extract<Command, { readonly vm: string }>,
  { readonly kind: 'await-address' | 'ping-replica' }
>;

export const isVmCommand = (command: Command): command is VmCommand =>
  'vm' in command && command.kind !== 'await-address' && command.kind !== 'ping-replica';

/** Told once how a command ended: nothing went wrong, or this. */
export type Answer = (failure?: Failure, found?: ProtectedVm['address']) => void;

export class VmWork {
  readonly #network: LabNetwork;
  readonly #fabric: Fabric;
  readonly #tell: (fact: Fact) => number;
  /** The settings that are on the disks of a restore point. */
  readonly #images = new Map<string, AddressPlan>();
  /** What the disk that takes a replica's changes is called. */
  readonly #disks = new Map<string, string>();
  /** Replicas that somebody has switched on by hand: they are not what the last run left. */
  readonly #changed = new Set<string>();

  constructor(network: LabNetwork, fabric: Fabric, tell: (fact: Fact) => number) {
    this.#network = network;
    this.#fabric = fabric;
    this.#tell = tell;
  }

  /** Somebody has switched the replica on, and its guest writes to the disks of its restore points. */
  noteChange(vm: string): void {
    this.#changed.add(vm);
  }

  /** In bytes. */
  written(vm: string): number {
    const rate = this.#network.guestPlan(vm)?.writes ?? 0;
    return written(this.#fabric.log, vm, rate, this.#fabric.now);
  }

  do(command: VmCommand, cause: number, answer: Answer): void {
    const { timings } = this.#network.topology;
    const { power } = this.#network;
    const { vm } = command;
    const replica = replicaOf(vm);
    switch (command.kind) {
      case 'revert-snapshot':
        power.guestOff(replica, cause);
        this.#changed.delete(vm);
        this.#restore(vm, command.restorePoint);
        this.#later(timings.revertSnapshot, answer);
        break;
      case 'create-delta':
        this.#disks.set(vm, command.disk);
        this.#tell({ kind: 'delta', vm, disk: command.disk, change: 'created', written: 0 });
        this.#later(immediately, answer);
        break;
      case 'discard-delta':
        this.#endDelta(vm, 'discarded');
        this.#later(timings.revertSnapshot, answer);
        break;
      case 'remove-delta':
        this.#endDelta(vm, 'transferred');
        this.#later(timings.revertSnapshot, answer);
        break;
      case 'merge-delta':
        this.#endDelta(vm, 'merged');
        this.#later(timings.revertSnapshot, answer);
        break;
      case 'create-failback-snapshot':
      case 'revert-failback-snapshot':
      case 'remove-failback-snapshot':
        this.#later(timings.revertSnapshot, answer);
        break;
      case 'power-on-replica':
        this.#powerOn(replica, cause, answer);
        break;
      case 'power-off-replica':
        power.guestOff(replica, cause);
        this.#later(timings.powerOff, answer);
        break;
      case 'power-on-original':
        this.#powerOn(vm, cause, answer);
        break;
      case 'power-off-original':
        power.guestOff(vm, cause);
        this.#later(timings.powerOff, answer);
        break;
      case 'shut-down-original':
        this.#shutDown(vm, command.powerOffAfter, cause, answer);
        break;
      case 'shut-down-replica':
        this.#shutDown(replica, command.powerOffAfter, cause, answer);
        break;
      case 'transfer-changes':
        this.#later(timings.replication, answer);
        break;
      case 'run-replication':
        this.#replicate(vm, command.restorePoint, answer);
        break;
      case 'hold-replication':
      case 'resume-replication':
      case 'exclude-from-job': {
        const states = {
          'hold-replication': 'held',
          'resume-replication': 'resumed',
          'exclude-from-job': 'excluded',
        } as const;
        this.#tell({ kind: 'replication', vm, state: states[command.kind] });
        this.#later(immediately, answer);
        break;
      }
    }
  }

  #powerOn(machine: string, cause: number, answer: Answer): void {
    const isOn = this.#network.power.guestOn(machine, cause);
    const failure: Failure = {
      because: 'OPERATION_STEP_FAILED',
      text: `${machine} cannot be powered on: there is no power where it is`,
    };
    this.#later(powerOnTakes, () => answer(isOn ? undefined : failure));
  }

  /** A guest that hangs keeps running until its power is taken. */
  #shutDown(machine: string, powerOffAfter: Duration, cause: number, answer: Answer): void {
    const { timings } = this.#network.topology;
    const isOff = this.#network.powerOf(machine) === 'off';
    const hangs = this.#network.guestPlan(machine)?.hangs;
    const takes = hangs ? nanoseconds(powerOffAfter + timings.powerOff) : timings.shutDown;
    this.#later(isOff ? immediately : takes, () => {
      this.#network.power.guestOff(machine, cause);
      answer();
    });
  }

  #replicate(vm: string, restorePoint: string, answer: Answer): void {
    this.#tell({ kind: 'replication', vm, state: 'started' });
    this.#later(this.#network.topology.timings.replication, () => {
      if (this.#changed.has(vm)) {
        this.#tell({ kind: 'replication', vm, state: 'failed' });
        const text = 'the replica was switched on by hand, and is not what the last run left';
        answer({ because: 'REPLICA_CHANGED', text });
        return;
      }
      const original = this.#network.guestPlan(vm);
      const address = original?.address;
      if (address) this.#images.set(`${vm} ${restorePoint}`, address);
      this.#tell({ kind: 'replication', vm, state: 'run' });
      answer(undefined, address && found(address));
    });
  }

  /** The replica has the settings that the original had when the restore point was made. */
  #restore(vm: string, restorePoint: string): void {
    const address = this.#images.get(`${vm} ${restorePoint}`);
    if (address) this.#network.power.setAddress(replicaOf(vm), address);
  }

  #endDelta(vm: string, change: 'discarded' | 'transferred' | 'merged'): void {
    this.#changed.delete(vm); // what was written by hand meanwhile went into it
    const disk = this.#disks.get(vm);
    if (disk === undefined) return;
    this.#disks.delete(vm);
    this.#tell({ kind: 'delta', vm, disk, change, written: this.written(vm) });
  }

  #later(wait: Duration, done: () => void): void {
    this.#fabric.at(after(this.#fabric.now, wait), { run: () => done() });
  }
}

const found = (address: AddressPlan): ProtectedVm['address'] =>
  address.kind === 'static'
    ? { kind: 'static', ip: showIpv4(address.prefix.address) }
    : { kind: 'dhcp' };
