/**
 * Between the controller, which knows no packets, and the devices, which know no operations:
 * carries out its commands, and tells it what came of them.
 */
import type { Machine } from '../base/machine.ts';
import {
  after,
  between,
  type Duration,
  type Instant,
  labStart,
  nanoseconds,
  seconds,
} from '../base/time.ts';
import type { Configuration, ProtectedVm } from '../failover/configuration.ts';
import { Controller, type Status } from '../failover/controller.ts';
import { type Command, type Decision, isCommand, type Notice } from '../failover/decision.ts';
import type { Failure } from '../failover/failure.ts';
import { type Doubt, type Journal, JournaledController, type Seen } from '../failover/journal.ts';
import type { Observation, Order } from '../failover/observation.ts';
import type { ReplicaState } from '../failover/replica.ts';
import type { Fact, PlanState } from '../trace/event.ts';
import type { Reason } from '../trace/reasons.ts';
import { type Ipv4, parseIpv4 } from '../wire/address.ts';
import type { Fabric } from './fabric.ts';
import { replicaOf } from './names.ts';
import type { LabNetwork } from './network.ts';
import { addressOf, awaitAddress, ping } from './plan-test.ts';
import type { GuestPlan } from './topology.ts';
import { isVmCommand, type VmCommand, VmWork } from './vm-work.ts';

const lab = 'lab';
/** Pings of the controller's are numbered from here, those of scenarios from 1. */
const firstPing = 1_000_000;
/** How long an appliance is tried for that cannot be reached, and how often. */
const loginPatience = seconds(30);
const loginEvery = seconds(1);
const notDone: Failure = {
  because: 'OPERATION_STEP_FAILED',
  text: 'the machine does not run, or is not in this network',
};

type Finish = Extract<Notice, { kind: 'finish' }>;

/** Names of the appliances, which commands only imply. */
export interface Appliances {
  /** By production network, on either side. */
  readonly tenant: ReadonlyMap<string, string>;
  readonly provider: ReadonlyMap<string, string>;
  /** Those of the provider by host. */
  readonly hosts: ReadonlyMap<string, string>;
}

/** When a job runs by itself. */
export interface Schedule {
  readonly vms: readonly string[];
  readonly first: Duration;
  readonly every: Duration;
}

export class Recovery {
  readonly #controller: Controller;
  /** It as well, or as one that keeps a journal. */
  readonly #machine: Machine<Observation, Decision>;
  readonly #journaled: JournaledController | undefined;
  /** The controller's time when this lab began: another lab may have gone before. */
  readonly #began: Instant;
  readonly #network: LabNetwork;
  readonly #fabric: Fabric;
  readonly #appliances: Appliances;
  readonly #vms: VmWork;
  /** Id of the fact in the log that the present operation began with. */
  #operation = -1;
  #finished: Finish | undefined;
  /** The steps that it has come to. */
  readonly #reached = new Set<number>();
  /** A command of a lab before this one that is carried out again, and who waits for it. */
  #again: { readonly id: number; readonly answered: (failure?: Failure) => void } | undefined;
  #waking: Instant | undefined;

  constructor(
    configuration: Configuration,
    network: LabNetwork,
    fabric: Fabric,
    appliances: Appliances,
    schedules: readonly Schedule[],
    journal?: Journal,
  ) {
    this.#journaled = journal && new JournaledController(configuration, journal);
    this.#controller = this.#journaled?.controller ?? new Controller(configuration);
    this.#machine = this.#journaled ?? this.#controller;
    this.#began = journal?.past?.at ?? labStart;
    this.#finished = journal?.past?.finished;
    this.#network = network;
    this.#fabric = fabric;
    this.#appliances = appliances;
    this.#vms = new VmWork(network, fabric, (fact) => this.#tell(fact));
    for (const { vms, first, every } of schedules)
      this.#schedule(vms, after(fabric.now, first), every);
  }

  get status(): Status {
    return this.#controller.status();
  }

  /** Of the replica of a VM; undefined if it has none. */
  stateOf(vm: string): ReplicaState | undefined {
    return this.#controller.stateOf(vm);
  }

  planState(plan: string): PlanState | undefined {
    return this.#controller.planState(plan);
  }

  /** How the last operation ended, once it has. */
  get finished(): Finish | undefined {
    return this.#finished;
  }

  /** How the last operation ended for a VM, once it has. */
  endOf(vm: string): 'success' | 'failed' | undefined {
    return this.#finished?.results.find((result) => result.vm === vm)?.status;
  }

  /** Whether the operation last ordered has come to this of its steps. */
  reached(step: number): boolean {
    return this.#reached.has(step);
  }

  /**
   * Goes on where the journal ends, in a lab that has just been built: puts up again what stood, then
   * sees to the commands that were given and not answered. To be called before anything else happens.
   *
   * @param look Asked of commands that must not be carried out twice.
   * @param then Told once that the controller goes on, or why it does not: nothing was given then.
   */
  resume(look: (command: Command) => Seen, then: (stopped?: string) => void): void {
    const resumption = this.#journaled?.takeUp(look);
    const { doubts = [], giveAgain = [], unsaid = [], done = [] } = resumption ?? {};
    if (doubts.length > 0) {
      then(doubts.map(tellDoubt).join('\n'));
      return;
    }
    this.#arm();
    this.#powerOriginals();
    this.#repeat(this.#controller.standing(), (stopped) => {
      if (stopped === undefined) {
        for (const command of giveAgain) this.#do(command);
        this.#carryOut(unsaid);
        for (const { id } of done) this.#observe({ kind: 'done', id });
      }
      then(stopped);
    });
  }

  #powerOriginals(): void {
    const { power } = this.#network;
    for (const { vm, original } of this.status.replicas) {
      if (original === 'on') power.guestOn(vm, this.#operation);
      else power.guestOff(vm, this.#operation);
    }
  }

  /** One after the other. The controller has had its answers to these. */
  #repeat([command, ...rest]: readonly Command[], then: (stopped?: string) => void): void {
    if (command === undefined) {
      then();
      return;
    }
    const answered = (failure?: Failure): void => {
      this.#again = undefined;
      if (failure === undefined) this.#repeat(rest, then);
      else then(`command ${command.id}, ${command.kind}, cannot be repeated: ${failure.text}`);
    };
    this.#again = { id: command.id, answered };
    this.#do(command);
  }

  order(order: Order): void {
    this.#finished = undefined;
    this.#reached.clear();
    this.#observe({ kind: 'order', order });
  }

  /** How much the replica has written since it was failed over, in bytes. */
  written(vm: string): number {
    return this.#vms.written(vm);
  }

  /** A replication run is due, as its schedule says or somebody wants. */
  replicate(vm: string): void {
    this.#observe({ kind: 'replication-due', vm });
  }

  #schedule(vms: readonly string[], at: Instant, every: Duration): void {
    this.#fabric.at(at, {
      run: () => {
        for (const vm of vms) this.replicate(vm);
        this.#schedule(vms, after(at, every), every);
      },
    });
  }

  /** Somebody has switched a replica on by hand. */
  noteChange(vm: string): void {
    this.#vms.noteChange(vm);
  }

  /** What the tenant's end of a tunnel sees. */
  noteTunnel(network: string, state: 'up' | 'failed' | 'down'): void {
    this.#observe({ kind: 'tunnel', network, state });
  }

  /** The first of a guest's life. */
  noteHeartbeat({ vm, replica }: GuestPlan): void {
    if (replica) this.#observe({ kind: 'guest-up', vm });
    else this.#observe({ kind: 'power', vm, state: 'on' });
  }

  /** The original of a VM was switched on or off by somebody. */
  notePower(vm: string, state: 'on' | 'off'): void {
    this.#observe({ kind: 'power', vm, state });
  }

  /** The controller's time goes on where that of the lab before ended. */
  get #now(): Instant {
    return after(this.#began, between(labStart, this.#fabric.now));
  }

  #observe(observation: Observation): void {
    this.#carryOut(this.#machine.handle(observation, this.#now));
  }

  #carryOut(decisions: readonly Decision[]): void {
    for (const decision of decisions) {
      if (isCommand(decision)) this.#do(decision);
      else this.#note(decision);
    }
    this.#arm();
  }

  /** The controller gives up on what nobody answers. */
  #arm(): void {
    const due = this.#controller.nextWake();
    if (due === undefined || (this.#waking !== undefined && this.#waking <= due)) return;
    this.#waking = due;
    const wait = nanoseconds(Math.max(0, due - this.#now));
    this.#fabric.at(after(this.#fabric.now, wait), {
      run: () => {
        this.#waking = undefined;
        this.#carryOut(this.#machine.wake(this.#now));
      },
    });
  }

  /** Who configures an appliance logs in to it first, and tries for a while. */
  #do(command: Command, until = after(this.#fabric.now, loginPatience)): void {
    const appliance = this.#configured(command);
    const refusal = appliance === undefined ? undefined : this.#network.access.refusal(appliance);
    if (refusal === undefined) this.#perform(command);
    else if (refusal.because === 'APPLIANCE_PASSWORD' || this.#fabric.now >= until)
      this.#answer(command, refusal);
    else
      this.#fabric.at(after(this.#fabric.now, loginEvery), { run: () => this.#do(command, until) });
  }

  /** The appliance that a command tells something. */
  #configured(command: Command): string | undefined {
    switch (command.kind) {
      case 'start-vpn-server':
      case 'stop-vpn-server':
        return this.#end('provider', command.network);
      case 'start-vpn-client':
      case 'stop-vpn-client':
        return this.#end('tenant', command.network);
      case 'configure-proxy':
      case 'withdraw-proxy':
        return this.#end(command.side, command.network);
      case 'configure-gateway':
      case 'withdraw-gateway':
        return this.#onHost(command.host);
      default:
        return undefined;
    }
  }

  #perform(command: Command): void {
    if (isVmCommand(command))
      this.#vms.do(command, this.#operation, (failure, found) =>
        this.#settle(command, failure, found),
      );
    else this.#doAtAppliances(command);
  }

  #doAtAppliances(command: Exclude<Command, VmCommand>): void {
    const { timings } = this.#network.topology;
    const cause = this.#operation;
    const settle = timings.configureAppliance;
    switch (command.kind) {
      case 'power-on-provider-appliance':
        this.#network.power.applianceOn(this.#onHost(command.host), cause, (up) =>
          this.#answer(command, up ? undefined : notDone),
        );
        break;
      case 'power-on-tenant-appliance':
        this.#network.power.applianceOn(command.appliance, cause, (up) =>
          this.#answer(command, up ? undefined : notDone),
        );
        break;
      case 'power-off-provider-appliance':
        this.#network.power.applianceOff(this.#onHost(command.host), cause);
        this.#later(timings.powerOff, command);
        break;
      case 'power-off-tenant-appliance':
        this.#network.power.applianceOff(command.appliance, cause);
        this.#later(timings.powerOff, command);
        break;
      case 'start-vpn-server':
        this.#later(settle, command, () =>
          this.#network.tunnels.start(
            this.#end('provider', command.network),
            command.network,
            cause,
          ),
        );
        break;
      case 'start-vpn-client':
        this.#later(settle, command, () =>
          this.#network.tunnels.start(this.#end('tenant', command.network), command.network, cause),
        );
        break;
      case 'stop-vpn-server':
        this.#network.tunnels.stop(this.#end('provider', command.network), command.network, cause);
        this.#done(command);
        break;
      case 'stop-vpn-client':
        this.#network.tunnels.stop(this.#end('tenant', command.network), command.network, cause);
        this.#done(command);
        break;
      case 'configure-proxy': {
        const { scope } = command;
        const addresses = scope.kind === 'addresses' ? scope.addresses : scope.except;
        const { network } = command;
        const name = this.#end(command.side, network);
        const failedOver = addressesOf(addresses);
        this.#later(settle, command, () =>
          this.#network.tunnels.configureProxy(
            name,
            network,
            failedOver,
            this.#network.originals(network),
            cause,
          ),
        );
        break;
      }
      case 'withdraw-proxy': {
        const { side, network } = command;
        const name = this.#end(side, network);
        const owners = this.#network.originals(network);
        this.#network.tunnels.withdrawProxy(name, network, owners, cause);
        // Its last announcements must be out before anything is switched off.
        this.#later(settle, command);
        break;
      }
      case 'configure-gateway':
        this.#later(settle, command, () =>
          this.#network.gatewayRoles.assume(this.#onHost(command.host), command, cause),
        );
        break;
      case 'withdraw-gateway':
        this.#network.gatewayRoles.resign(this.#onHost(command.host), cause);
        this.#done(command);
        break;
      case 'await-address':
      case 'ping-replica':
      case 'check-provider-appliance':
        this.#test(command);
        break;
    }
  }

  /** Looks at what the test of a failover plan wants to know. */
  #test(command: Command): void {
    const network = this.#network;
    const fabric = this.#fabric;
    const told = (failure: Reason | undefined): void =>
      this.#answer(command, failure && { ...notDone, because: failure });
    const ask = (from: string, to: Ipv4 | undefined): void =>
      ping(network.probes(from), to, firstPing + command.id, fabric, told);
    if (command.kind === 'await-address')
      awaitAddress(replicaOf(command.vm), network, fabric, told);
    else if (command.kind === 'ping-replica')
      ask(this.#onHost(command.host), addressOf(replicaOf(command.vm), network));
    else if (command.kind === 'check-provider-appliance') {
      const nodes = network.topology.nodes;
      const plan = nodes.find(({ name }) => name === this.#onHost(command.host));
      const gateway = nodes.find(({ kind }) => kind === 'cloud-gateway')?.name ?? '';
      const isOn = plan?.kind === 'provider-appliance' && network.powerOf(plan.name) === 'on';
      ask(gateway, isOn ? plan.external.prefix.address : undefined);
    }
  }

  #note(notice: Notice): void {
    switch (notice.kind) {
      case 'begin': {
        const { operation, vms } = notice;
        this.#reached.clear();
        this.#operation = this.#tell({ kind: 'operation', operation, vms, state: 'started' });
        break;
      }
      case 'step': {
        const { operation, number, text, vms } = notice;
        this.#reached.add(number);
        this.#tell({ kind: 'operation-step', operation, number, text, ...(vms && { vms }) });
        break;
      }
      case 'replica-state': {
        const { vm, state, was, restorePoint } = notice;
        this.#tell({ kind: 'replica', vm, state, was, restorePoint });
        break;
      }
      case 'plan-state': {
        const { plan, state, was } = notice;
        this.#tell({ kind: 'plan', plan, state, was });
        break;
      }
      case 'warn':
        this.#tell({ kind: 'warning', code: notice.code, about: notice.about });
        break;
      case 'replication-skipped':
        this.#tell({ kind: 'replication', vm: notice.vm, state: 'skipped' });
        this.#tell({ kind: 'warning', code: notice.because, about: notice.vm });
        break;
      case 'finish': {
        const { operation, vms, status, because, text } = notice;
        const fact = { kind: 'operation', operation, vms, state: status } as const;
        this.#tell({ ...fact, ...(because && { because }), ...(text && { text }) });
        this.#finished = notice;
        break;
      }
      case 'roll-back':
      case 'connectivity':
        break; // the tunnel and the states of replicas tell the same
    }
  }

  /** @param deed Whether it could be done. */
  #later(wait: Duration, command: Command, deed: () => boolean = () => true): void {
    this.#fabric.at(after(this.#fabric.now, wait), {
      run: () => this.#answer(command, deed() ? undefined : notDone),
    });
  }

  #done(command: Command): void {
    this.#answer(command, undefined);
  }

  /** Answers a command; not at once, for the controller may be in the middle of giving others. */
  #answer(command: Command, failure: Failure | undefined): void {
    this.#fabric.at(this.#fabric.now, {
      run: () => this.#settle(command, failure),
    });
  }

  #settle({ id }: Command, failure: Failure | undefined, address?: ProtectedVm['address']): void {
    if (this.#again?.id === id) this.#again.answered(failure);
    else if (failure) this.#observe({ kind: 'failed', id, ...failure });
    else this.#observe({ kind: 'done', id, ...(address && { address }) });
  }

  #onHost(host: string): string {
    const name = this.#appliances.hosts.get(host);
    if (name === undefined) throw new Error(`the provider has no appliance on ${host}`);
    return name;
  }

  /** The appliance at one end of a network's tunnel. */
  #end(side: 'tenant' | 'provider', network: string): string {
    const name = this.#appliances[side].get(network);
    if (name === undefined) throw new Error(`${network} has no appliance at the ${side}`);
    return name;
  }

  #tell(fact: Fact): number {
    return this.#fabric.log.tell(this.#fabric.now, lab, this.#operation, fact);
  }
}

const tellDoubt = ({ command, lookAt }: Doubt): string =>
  `command ${command.id}, ${command.kind} of ${command.operation}, was given and not answered: look ${lookAt}`;

function addressesOf(texts: readonly string[]): Ipv4[] {
  return texts.flatMap((text) => parseIpv4(text) ?? []);
}
