/**
 * The disaster-recovery controller. It is told what happened and decides what to do next; how a
 * machine is powered on, and what a tunnel is made of, is the business of whoever carries it out.
 *
 * One operation is carried out at a time, because all of them share the provider's appliance;
 * further ones wait. A VM is in one operation at most, so no more can wait than there are VMs.
 *
 * To add an operation of the life cycle: its row in `replica.ts`, its phases in a file of their own,
 * its name in `procedures.ts`.
 */
import type { Machine } from '../base/machine.ts';
import {
  after,
  earliest,
  type Instant,
  labStart,
  nanoseconds,
  showDuration,
} from '../base/time.ts';
import type { Configuration, ProtectedVm } from './configuration.ts';
import type { Command, Connectivity, Decision, Notice, Step, Work } from './decision.ts';
import type { PlanOrder, PlanState } from './failover-plan.ts';
import type { Failure } from './failure.ts';
import type { Observation, Order, VmOrder } from './observation.ts';
import { type Phase, type Procedure, silently } from './phase.ts';
import { type PlanStatus, Plans } from './plans.ts';
import { procedures } from './procedures.ts';
import {
  type FailoverKind,
  initiatorRefusal,
  type OperationName,
  type OrderedOperation,
  type ReplicaOperation,
  type ReplicaState,
  refusal,
} from './replica.ts';
import { type ActiveLane, Run } from './run.ts';
import { Site } from './site.ts';
import { undoPhases } from './undo-failover.ts';

interface Pending {
  readonly command: Command;
  readonly deadline: Instant;
  /** Undefined for a replication run. */
  readonly lane: ActiveLane | undefined;
}

export interface ReplicaStatus {
  readonly vm: string;
  readonly state: ReplicaState;
  /** Of the failover that it is in; partial while it is ready. */
  readonly kind: FailoverKind;
  /** What it runs from; empty while it does not. */
  readonly restorePoint: string;
  readonly restorePoints: readonly string[];
  readonly connectivity: Connectivity;
  readonly guest: 'up' | 'not seen';
  readonly original: 'on' | 'off';
  /** Part of an operation that has not finished. */
  readonly busy: boolean;
}

export interface Status {
  readonly replicas: readonly ReplicaStatus[];
  readonly plans: readonly PlanStatus[];
  /** Everything that has been started and not stopped. */
  readonly started: readonly string[];
  /** Commands that have not been answered. */
  readonly pending: readonly Command[];
  /** Operations under way and waiting. */
  readonly runs: readonly {
    readonly operation: OperationName;
    readonly vms: readonly string[];
    readonly failed: readonly string[];
    /** How much of it is still to come. */
    readonly ahead: number;
  }[];
}

export class Controller implements Machine<Observation, Decision> {
  readonly #site: Site;
  readonly #plans: Plans;
  /** The first is under way. */
  readonly #runs: Run[] = [];
  readonly #pending = new Map<number, Pending>();
  /** When production takes over from these replicas. */
  readonly #switchovers = new Map<string, Instant>();
  #decisions: Decision[] = [];
  #now: Instant = labStart;
  #lastRun = 0;
  #lastId = 0;

  constructor(configuration: Configuration) {
    this.#site = new Site(configuration);
    this.#plans = new Plans(this.#site);
  }

  handle(observation: Observation, now: Instant): Decision[] {
    this.#now = now;
    switch (observation.kind) {
      case 'order':
        this.#accept(observation.order);
        break;
      case 'done':
        this.#settle(observation.id, undefined, observation.address);
        break;
      case 'failed': {
        const { id, because, text } = observation;
        this.#settle(id, { because, text: text ?? 'it could not be carried out' });
        break;
      }
      case 'tunnel':
        this.#noteTunnel(observation.network, observation.state);
        break;
      case 'guest-up': {
        const { vm } = observation;
        const replica = this.#site.replicas.get(vm);
        // Its heartbeat may be quicker than the answer to the command that powered it on.
        if (replica && this.#site.ledger.get(`replica ${vm}`) !== 'off') replica.heartbeat = true;
        break;
      }
      case 'power':
        this.#notePower(observation.vm, observation.state);
        break;
      case 'replication-due':
        this.#replicate(observation.vm);
        break;
    }
    return this.#take();
  }

  /** Gives up on commands that nobody has answered in time, and begins what has waited for its. */
  wake(now: Instant): Decision[] {
    this.#now = now;
    const due = [...this.#switchovers].filter(([, at]) => at <= now).map(([vm]) => vm);
    if (due.length > 0) this.#accept({ kind: 'switch', vms: due });
    for (const [id, { deadline }] of [...this.#pending]) {
      if (deadline > now) continue;
      const text = `no answer within ${showDuration(this.#site.policies.patience)}`;
      this.#settle(id, { because: 'OPERATION_TIMEOUT', text });
    }
    const [run] = this.#runs;
    if (run?.pace !== undefined) {
      this.#release(run, run.pace.wake(now));
      this.#advance(run);
    }
    return this.#take();
  }

  nextWake(): Instant | undefined {
    const deadlines = [...this.#pending.values()].map(({ deadline }) => deadline);
    const paced = this.#runs[0]?.pace?.nextWake();
    return earliest(paced, ...deadlines, ...this.#switchovers.values());
  }

  /** Undefined for a VM without a replica. */
  stateOf(vm: string): ReplicaState | undefined {
    return this.#site.replicas.get(vm)?.state;
  }

  planState(plan: string): PlanState | undefined {
    return this.#plans.all.find((one) => one.plan === plan)?.state;
  }

  /** Commands that would bring a lab in which nothing has happened to where this one is. */
  standing(): readonly Command[] {
    return this.#site.ledger.standing();
  }

  /** How things stand; for reports, expectations and tests. */
  status(): Status {
    const replicas = [...this.#site.replicas.values()].map((replica): ReplicaStatus => {
      const vm = replica.vm.name;
      return {
        vm,
        state: replica.state,
        kind: replica.kind,
        restorePoint: replica.point?.name ?? '',
        restorePoints: replica.points.all.map(({ name }) => name),
        connectivity: this.#site.members().includes(vm)
          ? this.#site.connectivity(replica.vm.network)
          : 'none',
        guest: replica.heartbeat ? 'up' : 'not seen',
        original: replica.original,
        busy: this.#runOf(vm) !== undefined,
      };
    });
    return {
      replicas,
      plans: this.#plans.all,
      started: this.#site.ledger.started(),
      pending: [...this.#pending.values()].map(({ command }) => command),
      runs: this.#runs.map((run) => ({
        operation: run.operation,
        vms: run.vms,
        failed: run.vms.filter((vm) => !run.going.includes(vm)),
        ahead: run.agenda.length,
      })),
    };
  }

  // Orders

  #accept(order: Order): void {
    if ('plan' in order) this.#acceptPlan(order);
    else this.#acceptVms(order);
  }

  #acceptVms(order: VmOrder): void {
    const operation = order.kind === 'failover' && order.planned ? 'planned-failover' : order.kind;
    const run = new Run(++this.#lastRun, order, operation, order.vms);
    const procedure = procedures[operation];
    if (operation === 'switch') for (const vm of run.vms) this.#switchovers.delete(vm);
    for (const vm of run.vms) {
      const failure = this.#stands(vm, operation, order) ?? procedure.check(this.#site, vm, order);
      if (failure !== undefined) run.refuse(vm, failure);
    }
    const accepted = run.going;
    if (accepted.length === 0) {
      this.#begin(run);
      this.#finish(run);
      return;
    }
    run.agenda = procedure.phases(this.#site, accepted, order);
    this.#queue(run);
  }

  #acceptPlan(order: PlanOrder): void {
    const { kind } = order;
    const run = new Run(++this.#lastRun, order, kind, this.#plans.vmsOf(order));
    const refused = this.#plans.check(order) ?? this.#busyPartially(kind);
    for (const vm of run.vms) {
      const failure = refused ?? this.#isBusy(vm, kind) ?? this.#plans.checkVm(vm, order);
      if (failure !== undefined) run.refuse(vm, failure);
    }
    if (refused !== undefined) {
      this.#begin(run);
      this.#finish(run, refused);
      return;
    }
    for (const notice of this.#plans.begun(order)) this.#say(notice);
    run.agenda = this.#plans.phases(order, run.going);
    this.#queue(run);
  }

  #queue(run: Run): void {
    this.#runs.push(run);
    if (this.#runs.length === 1) this.#start(run);
  }

  /** What stands in the way of an operation on this VM, whatever the operation does. */
  #stands(vm: string, operation: ReplicaOperation, { by }: VmOrder): Failure | undefined {
    const replica = this.#site.replicas.get(vm);
    if (replica === undefined) return { because: 'NO_REPLICA', text: `${vm} has no replica` };
    const { permanentAfterPartial } = this.#site.policies;
    const kind = permanentAfterPartial === 'allow' ? 'any' : replica.kind;
    const refused =
      this.#isBusy(vm, operation) ??
      initiatorRefusal(vm, replica.state, operation, by) ??
      refusal(vm, replica.state, operation, kind);
    if (refused !== undefined) return refused;
    return isPartialFailover(operation) ? this.#fullFailover() : undefined;
  }

  #isBusy(vm: string, operation: OperationName): Failure | undefined {
    const other = this.#runOf(vm);
    if (other === undefined) return undefined;
    const state = this.#site.replicas.get(vm)?.state;
    const text = `the replica of ${vm}, in state ${state}, is part of an operation (${other.operation}) that has not finished, which does not allow ${operation}; allowed: nothing until then`;
    return { because: 'WRONG_STATE', text };
  }

  /** Partial failover during full site failover fails: the appliance has one role at a time. */
  #fullFailover(): Failure | undefined {
    const vms = this.#site.inFailover('full');
    const isUnderWay = this.#runs.some(({ order }) => 'plan' in order);
    if (vms.length === 0 && !isUnderWay) return undefined;
    const text = `full site failover is under way${vms.length > 0 ? ` for ${vms.join(', ')}` : ''}`;
    return { because: 'FAILOVER_TYPE_CONFLICT', text };
  }

  /** A partial failover that has only just been ordered can be neither stopped nor processed by a plan. */
  #busyPartially(operation: OperationName): Failure | undefined {
    const run = this.#runs.find((one) => isPartialFailover(one.operation));
    if (run === undefined || operation === 'undo-failover-plan') return undefined;
    const text = `partial site failover of ${run.vms.join(', ')} has not finished`;
    return { because: 'FAILOVER_TYPE_CONFLICT', text };
  }

  #runOf(vm: string): Run | undefined {
    return this.#runs.find((run) => run.vms.includes(vm) && !run.refused(vm));
  }

  // Operations

  #begin({ operation, number: run, vms, order }: Run): void {
    const reason = order.kind === 'failover' ? order.reason : '';
    this.#say({ kind: 'begin', operation, run, vms, reason });
  }

  #start(run: Run): void {
    this.#begin(run);
    this.#advance(run);
  }

  /** Goes on to the next phase, as long as there is nothing to wait for. */
  #advance(run: Run): void {
    while (run.open === 0) {
      const failed = run.takeFailed();
      const { operation, number } = run;
      const rollBack = rollBackOf(run);
      if (failed.length > 0 && rollBack !== undefined) {
        this.#say({ kind: 'roll-back', operation, run: number, vms: failed });
        run.agenda.unshift(...rollBack(this.#site, failed).map(silently));
      }
      const phase = run.agenda.shift();
      if (phase !== undefined) {
        this.#enter(run, phase);
        continue;
      }
      this.#finish(run);
      this.#runs.shift();
      if (this.#runs[0] !== undefined) this.#start(this.#runs[0]);
      return;
    }
  }

  #enter(run: Run, phase: Phase): void {
    const all = phase.vms ?? run.going;
    const vms = phase.direction === 'forward' ? all.filter((vm) => run.going.includes(vm)) : all;
    if (vms.length === 0) return;
    const beginning = phase.begin(vms);
    if (beginning === undefined) return;
    this.#announce(run, phase);
    for (const notice of beginning.notices ?? []) this.#say(notice);
    for (const [vm, failure] of beginning.ended ?? []) run.end(vm, failure);
    const { lanes, pace } = beginning;
    run.open = lanes.length;
    run.pace = pace;
    run.lanes = lanes.map((lane): ActiveLane => ({ ...lane, run, phase, next: 0 }));
    this.#release(run, pace === undefined ? run.lanes.keys() : pace.wake(this.#now));
  }

  /** Lets lanes of the present phase begin. */
  #release(run: Run, which: Iterable<number>): void {
    for (const number of which) {
      const lane = run.lanes[number]!;
      if (lane.impossible === undefined) this.#proceed(lane);
      else this.#fail(lane, lane.impossible);
    }
  }

  #laneEnded(run: Run): void {
    run.open -= 1;
    if (run.pace !== undefined) this.#release(run, run.pace.handle('ended', this.#now));
  }

  /** A step is announced once, and not when it only serves to lead another operation back. */
  #announce(run: Run, { step, silent, vms }: Phase): void {
    if (silent || run.announced === step.number) return;
    run.announced = step.number;
    const some = vms !== undefined && vms.length < run.vms.length ? { vms } : {};
    this.#say({ kind: 'step', operation: run.operation, run: run.number, ...step, ...some });
  }

  #proceed(lane: ActiveLane): void {
    const work = lane.work[lane.next++];
    if (work === undefined) this.#laneEnded(lane.run);
    else this.#command(work, lane.run.operation, lane.run.number, lane.phase.step, lane);
  }

  #fail(lane: ActiveLane, failure: Failure): void {
    const { run, phase, concerns } = lane;
    if (phase.direction === 'forward') {
      for (const vm of concerns) run.fail(vm, failure);
      this.#laneEnded(run);
      return;
    }
    for (const vm of concerns) run.trouble(vm, failure);
    this.#say({
      kind: 'warn',
      code: failure.because,
      about: concerns.join(', '),
      text: failure.text,
    });
    if (lane.inOrder) this.#laneEnded(run);
    else this.#proceed(lane);
  }

  /** @param refused Why nothing of it was done at all. */
  #finish(run: Run, refused?: Failure): void {
    const { operation, number, vms, order } = run;
    const results = run.results();
    if ('plan' in order && refused === undefined)
      for (const notice of this.#plans.finished(order, results)) this.#say(notice);
    this.#putOffSwitchover(run);
    const failed = results.find(({ status }) => status === 'failed');
    const { because, text = '' } = refused ?? nobodyIn(run) ?? failed ?? {};
    const common = { kind: 'finish', operation, run: number, vms, results } as const;
    if (because === undefined) this.#say({ ...common, status: 'success' });
    else this.#say({ ...common, status: 'failed', because, text });
  }

  #putOffSwitchover({ order, going }: Run): void {
    if (order.kind !== 'failback' || typeof order.switchover !== 'number') return;
    for (const vm of going) this.#switchovers.set(vm, after(this.#now, order.switchover));
  }

  // Commands

  #command(
    work: Work,
    operation: OperationName,
    run: number,
    step: Step | undefined,
    lane: ActiveLane | undefined,
  ): void {
    const id = ++this.#lastId;
    const command: Command = { ...work, id, operation, run, step };
    const { patience } = this.#site.policies;
    const allowed = 'powerOffAfter' in work ? nanoseconds(patience + work.powerOffAfter) : patience;
    const deadline = after(this.#now, allowed);
    this.#site.ordered(work);
    this.#pending.set(id, { command, deadline, lane });
    this.#decisions.push(command);
  }

  /** An answer to a command that was never given, or was given up, changes nothing. */
  #settle(id: number, failure?: Failure, found?: ProtectedVm['address']): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    const { command, lane } = pending;
    if (failure === undefined)
      for (const notice of this.#site.done(command, this.#now, found)) this.#say(notice);
    if (lane === undefined) {
      if (failure !== undefined) this.#replicationFailed(command, failure);
      return;
    }
    if (failure === undefined) this.#proceed(lane);
    else this.#fail(lane, { ...failure, text: `${command.kind}: ${failure.text}` });
    this.#advance(lane.run);
  }

  // Replication

  #replicate(vm: string): void {
    const replica = this.#site.replicas.get(vm);
    if (replica?.state !== 'ready' || this.#runOf(vm) !== undefined) {
      const because = replica === undefined ? 'NO_REPLICA' : 'REPLICATION_ON_HOLD';
      this.#say({ kind: 'replication-skipped', vm, because });
      return;
    }
    for (const notice of this.#site.enter(vm, 'processing')) this.#say(notice);
    const work: Work = { kind: 'run-replication', vm, restorePoint: replica.points.next.name };
    this.#command(work, 'replicate', ++this.#lastRun, undefined, undefined);
  }

  /** A run that fails leaves no restore point, and the chain as it was. */
  #replicationFailed(command: Command, { because, text }: Failure): void {
    if (command.kind !== 'run-replication') return;
    const { vm } = command;
    for (const notice of this.#site.enter(vm, 'ready')) this.#say(notice);
    this.#say({ kind: 'warn', code: because, about: vm, text: `replication of ${vm}: ${text}` });
  }

  // What else happens

  #noteTunnel(network: string, state: Exclude<Connectivity, 'none'>): void {
    const vms = this.#site.members(network);
    if (vms.length === 0) return; // nobody's
    const notices = this.#site.connect(network, state);
    for (const notice of notices) this.#say(notice);
    if (notices.length === 0 || state === 'up') return;
    const text = `the tunnel of ${network} is ${state}; ${vms.join(', ')} cannot be reached from production`;
    this.#say({ kind: 'warn', code: 'TUNNEL_DOWN', about: network, text });
  }

  #notePower(vm: string, state: 'on' | 'off'): void {
    const replica = this.#site.replicas.get(vm);
    if (replica === undefined || replica.original === state) return;
    replica.original = state;
    // Nobody need switch on again what an operation had shut down.
    if (state === 'on') this.#site.ledger.settle(`shutdown ${vm}`);
    if (this.#site.ledger.get(`replica ${vm}`) === 'off') return;
    for (const notice of this.#site.duplicateWarning(vm)) this.#say(notice);
  }

  #say(notice: Notice): void {
    this.#decisions.push(notice);
  }

  #take(): Decision[] {
    const decisions = this.#decisions;
    this.#decisions = [];
    return decisions;
  }
}

const rollBackOf = ({ order, operation }: Run): Procedure['rollBack'] =>
  'plan' in order ? undoPhases : procedures[operation as OrderedOperation].rollBack;

const isPartialFailover = (operation: OperationName): boolean =>
  operation === 'failover' || operation === 'planned-failover';

const nobodyIn = ({ order, vms }: Run): Failure | undefined =>
  'vms' in order && vms.length === 0
    ? { because: 'NO_REPLICA', text: 'the operation names no VM' }
    : undefined;
