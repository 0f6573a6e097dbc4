/**
 * A pretend lab for the controller's tests: carries out commands by name, and keeps its own account
 * of what runs, apart from the controller's.
 */
import { type Duration, type Instant, labStart } from '../../src/base/time.ts';
import type { Configuration, Policies, ProtectedVm } from '../../src/failover/configuration.ts';
import { Controller } from '../../src/failover/controller.ts';
import {
  type Command,
  type Decision,
  isCommand,
  type Notice,
} from '../../src/failover/decision.ts';
import type { PlanOperation, PlanOrder } from '../../src/failover/failover-plan.ts';
import type { Observation, Order, VmOrder } from '../../src/failover/observation.ts';
import type { ReplicaState } from '../../src/failover/replica.ts';
import type { Reason } from '../../src/trace/reasons.ts';

export const vm = (name: string, network: string, ip: string, more?: Partial<ProtectedVm>) =>
  ({
    name,
    network,
    guest: 'windows',
    address: { kind: 'static', ip },
    platform: 'vsphere',
    powered: false,
    ...more,
  }) satisfies ProtectedVm;

/** Three VMs in two networks, each with an appliance, all of them in one job. */
export const configuration = (
  policies: Partial<Policies> = {},
  more: Partial<Configuration> = {},
): Configuration => ({
  vms: [
    vm('sql01', 'lan10', '10.0.10.20'),
    vm('web01', 'lan10', '10.0.10.11'),
    vm('app01', 'lan20', '10.0.20.30'),
  ],
  networks: [
    { name: 'lan10', appliance: 'nea-10' },
    { name: 'lan20', appliance: 'nea-20' },
  ],
  jobs: [
    {
      name: 'job1',
      vms: ['sql01', 'web01', 'app01'],
      mapping: { lan10: 'plan10', lan20: 'plan20' },
      restorePointsKept: 3,
      restorePoints: 3,
    },
  ],
  provider: {
    kind: 'hardware-plan',
    hosts: [{ host: 'esx-dr1', networks: ['plan10', 'plan20'] }],
  },
  ...more,
  policies,
});

export const failover = (...vms: string[]): VmOrder => ({
  kind: 'failover',
  vms,
  restorePoint: 'latest',
  reason: 'a test',
  planned: false,
});
export const undo = (...vms: string[]): VmOrder => ({ kind: 'undo-failover', vms });

export const plan = (kind: PlanOperation, name = 'plan1'): PlanOrder => ({
  kind,
  plan: name,
  restorePoint: 'latest',
});

export const planned = (...vms: string[]): VmOrder =>
  ({ ...failover(...vms), planned: true }) as VmOrder;
export const failback = (switchover: 'auto' | 'manual' | Duration, ...vms: string[]): VmOrder => ({
  kind: 'failback',
  vms,
  switchover,
  powerOn: true,
});
export const order = (
  kind: Exclude<VmOrder['kind'], 'failover' | 'failback'>,
  ...vms: string[]
): VmOrder => ({ kind, vms });

/** Carries a command out (`done`), or says why not. */
export type Answer = (command: Command) => 'done' | Reason;
export const allDone: Answer = () => 'done';

export class Rig {
  readonly controller: Controller;
  readonly log: Decision[] = [];
  /** Commands without an answer, oldest first. */
  waiting: Command[] = [];
  now: Instant = labStart;

  constructor(configured: Configuration = configuration()) {
    this.controller = new Controller(configured);
  }

  /** Tells the controller and returns what it decides at once. */
  tell(observation: Observation): Decision[] {
    return this.#note(this.controller.handle(observation, this.now));
  }

  wakeAt(now: Instant): Decision[] {
    this.now = now;
    return this.#note(this.controller.wake(now));
  }

  answer(command: Command, answer: 'done' | Reason): Decision[] {
    const { id } = command;
    this.waiting = this.waiting.filter((other) => other !== command);
    if (answer === 'done') return this.tell({ kind: 'done', id });
    return this.tell({ kind: 'failed', id, because: answer });
  }

  /** Answers whatever is asked until nothing more is. */
  settle(answer: Answer = allDone): void {
    for (let left = 1000; this.waiting[0] !== undefined; left -= 1) {
      if (left === 0) throw new Error('the controller does not come to an end');
      this.answer(this.waiting[0], answer(this.waiting[0]));
    }
  }

  /** Gives an order, sees it through and returns all that was decided. */
  order(order: Order, answer: Answer = allDone): Decision[] {
    const from = this.log.length;
    this.tell({ kind: 'order', order });
    this.settle(answer);
    return this.log.slice(from);
  }

  state(name: string): ReplicaState | undefined {
    return this.controller.status().replicas.find((replica) => replica.vm === name)?.state;
  }

  #note(decisions: Decision[]): Decision[] {
    this.log.push(...decisions);
    this.waiting.push(...decisions.filter(isCommand));
    return decisions;
  }
}

export const commands = (decisions: readonly Decision[]): Command[] => decisions.filter(isCommand);

export function ofKind<Kind extends Decision['kind']>(
  decisions: readonly Decision[],
  kind: Kind,
): (Decision & { kind: Kind })[] {
  return decisions.filter((d): d is Decision & { kind: Kind } => d.kind === kind);
}

export const warned = (decisions: readonly Decision[]): string[] =>
  ofKind(decisions, 'warn').map(({ code, about }) => `${code} ${about}`);

export function finished(decisions: readonly Decision[]): Extract<Notice, { kind: 'finish' }> {
  const finish = ofKind(decisions, 'finish').at(-1);
  if (finish === undefined) throw new Error('no operation has finished');
  return finish;
}

/** `power-on-replica sql01`, `configure-proxy tenant lan10 10.0.10.20`. */
export function brief(command: Command): string {
  const words: string[] = [command.kind];
  if ('side' in command) words.push(command.side);
  if ('vm' in command) words.push(command.vm);
  if ('network' in command) words.push(command.network);
  if ('host' in command) words.push(command.host);
  if (command.kind === 'configure-proxy')
    words.push(
      command.side === 'tenant'
        ? command.scope.addresses.join(' ')
        : `all but ${command.scope.except.join(' ')}`,
    );
  return words.join(' ');
}

export const briefs = (decisions: readonly Decision[]): string[] => commands(decisions).map(brief);
