/** One operation under way: which VMs it is about, how each fares, and what is still to do. */
import type { VmResult } from './decision.ts';
import type { Failure } from './failure.ts';
import type { Order } from './observation.ts';
import type { Pace } from './pace.ts';
import type { Lane, Phase } from './phase.ts';
import type { OperationName } from './replica.ts';

export interface ActiveLane extends Lane {
  readonly run: Run;
  readonly phase: Phase;
  /** How much of its work has been ordered. */
  next: number;
}

export class Run {
  readonly number: number;
  readonly operation: OperationName;
  readonly order: Order;
  /** All VMs of the order, the refused ones too. */
  readonly vms: readonly string[];
  agenda: Phase[] = [];
  /** Lanes of the present phase that have not ended. */
  open = 0;
  /** When the lanes of the present phase begin. */
  pace: Pace | undefined;
  /** They, by the numbers that the pace has for them. */
  lanes: readonly ActiveLane[] = [];
  /** The step last announced. */
  announced = 0;
  readonly #failures = new Map<string, Failure>();
  readonly #troubles = new Map<string, Failure>();
  /** VMs whose way back is behind them or on the agenda. */
  readonly #returned = new Set<string>();
  readonly #refused = new Set<string>();

  constructor(number: number, order: Order, operation: OperationName, vms: readonly string[]) {
    this.number = number;
    this.operation = operation;
    this.order = order;
    this.vms = [...new Set(vms)];
  }

  /** VMs that have not failed. */
  get going(): readonly string[] {
    return this.vms.filter((vm) => !this.#failures.has(vm));
  }

  /** The first failure of a VM is the one that counts. */
  fail(vm: string, failure: Failure): void {
    if (!this.#failures.has(vm)) this.#failures.set(vm, failure);
  }

  /** Not accepted: there is nothing to lead back, and the VM is free for other operations. */
  refuse(vm: string, failure: Failure): void {
    this.fail(vm, failure);
    this.#returned.add(vm);
    this.#refused.add(vm);
  }

  refused(vm: string): boolean {
    return this.#refused.has(vm);
  }

  /** Something went wrong on the way back; whether it matters shows at the end. */
  trouble(vm: string, failure: Failure): void {
    if (!this.#troubles.has(vm)) this.#troubles.set(vm, failure);
  }

  /** The way back has come to an end for this VM. */
  end(vm: string, failure: Failure | undefined): void {
    this.#returned.add(vm);
    if (failure !== undefined) this.fail(vm, this.#troubles.get(vm) ?? failure);
  }

  /** VMs that failed since this was last asked. */
  takeFailed(): readonly string[] {
    const failed = this.vms.filter((vm) => this.#failures.has(vm) && !this.#returned.has(vm));
    for (const vm of failed) this.#returned.add(vm);
    return failed;
  }

  results(): readonly VmResult[] {
    return this.vms.map((vm) => {
      const failure = this.#failures.get(vm);
      return failure === undefined
        ? { vm, status: 'success' }
        : { vm, status: 'failed', ...failure };
    });
  }
}
