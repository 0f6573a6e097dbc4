/**
 * Watches every decision from outside, with an account of its own of what runs, and complains about
 * anything that must never happen. It knows nothing of how the controller comes to decide.
 */
import { type Command, type Decision, isCommand } from '../../src/failover/decision.ts';
import type { ReplicaState } from '../../src/failover/replica.ts';
import { brief } from './rig.ts';

const legal = new Set([
  'ready > processing',
  'processing > ready',
  'ready > failover',
  'ready > failed-failover',
  'failover > failed-failover',
  'failover > ready',
  'failed-failover > ready',
  'processing > failed-failover',
  'failover > ready-to-switch',
  'failover > permanent-failover',
  'ready-to-switch > failback',
  'ready-to-switch > failover',
  'failback > ready',
  'failback > failover',
]);

/** What a command starts or stops, in words of the tests' own. */
function thing(c: Command): [name: string, starts: boolean] | undefined {
  switch (c.kind) {
    case 'power-on-replica':
    case 'power-off-replica':
    case 'shut-down-replica':
      return [`replica ${c.vm}`, c.kind === 'power-on-replica'];
    case 'power-on-original':
    case 'power-off-original':
    case 'shut-down-original':
      return [`original ${c.vm}`, c.kind === 'power-on-original'];
    case 'create-failback-snapshot':
    case 'revert-failback-snapshot':
    case 'remove-failback-snapshot':
      return [`saved ${c.vm}`, c.kind === 'create-failback-snapshot'];
    case 'create-delta':
    case 'discard-delta':
    case 'remove-delta':
    case 'merge-delta':
      return [`disk ${c.vm}`, c.kind === 'create-delta'];
    case 'hold-replication':
    case 'resume-replication':
    case 'exclude-from-job':
      return [`hold ${c.vm}`, c.kind === 'hold-replication'];
    case 'power-on-provider-appliance':
    case 'power-off-provider-appliance':
      return ['appliance at the provider', c.kind === 'power-on-provider-appliance'];
    case 'power-on-tenant-appliance':
    case 'power-off-tenant-appliance':
      return [`appliance in ${c.network}`, c.kind === 'power-on-tenant-appliance'];
    case 'start-vpn-server':
    case 'stop-vpn-server':
      return [`server of ${c.network}`, c.kind === 'start-vpn-server'];
    case 'start-vpn-client':
    case 'stop-vpn-client':
      return [`client of ${c.network}`, c.kind === 'start-vpn-client'];
    case 'configure-proxy':
    case 'withdraw-proxy':
      return [`${c.side} proxy of ${c.network}`, c.kind === 'configure-proxy'];
    default:
      return undefined;
  }
}

export class Auditor {
  readonly complaints: string[] = [];
  /** `maybe` after a failure: it may have happened all the same. */
  readonly world = new Map<string, 'on' | 'maybe'>();
  readonly #states = new Map<string, ReplicaState>();
  readonly #pending = new Map<number, Command>();
  readonly #open = new Map<number, Set<string>>();
  readonly #addressOf: ReadonlyMap<string, string>;
  /** Replicas that have written what production has not got. */
  readonly #unsent = new Set<string>();
  #lastId = 0;

  constructor(addresses: Readonly<Record<string, string>>) {
    this.#addressOf = new Map(Object.entries(addresses).map(([name, ip]) => [ip, name]));
  }

  state(name: string): ReplicaState {
    return this.#states.get(name) ?? 'ready';
  }

  /** Everything that runs or may run, but for originals: those are somebody else's. */
  get leftOver(): readonly string[] {
    return [...this.world.keys()].filter((name) => !name.startsWith('original '));
  }

  /** What ought to hold when nothing is under way. */
  atRest(): void {
    for (const [, vms] of this.#open) this.#demand(vms.size === 0, `${[...vms]} never finished`);
    for (const [name, state] of this.#states) {
      const runs = this.world.get(`replica ${name}`);
      if (state === 'ready')
        for (const left of ['replica', 'disk', 'hold', 'saved'])
          this.#demand(!this.world.has(`${left} ${name}`), `${name} is ready, but not its ${left}`);
      if (state === 'failover')
        this.#demand(runs === 'on', `${name} is in failover and does not run`);
      this.#demand(state !== 'processing', `${name} is still being processed`);
    }
  }

  /** Somebody has switched an original on or off. */
  originalIs(vm: string, state: 'on' | 'off'): void {
    if (state === 'on') this.world.set(`original ${vm}`, 'on');
    else this.world.delete(`original ${vm}`);
  }

  answered(command: Command, ok: boolean): void {
    this.#pending.delete(command.id);
    if (ok && command.kind === 'power-on-replica') this.#unsent.add(command.vm);
    if (ok && command.kind === 'transfer-changes' && !this.world.has(`replica ${command.vm}`))
      this.#unsent.delete(command.vm);
    const [name, starts] = thing(command) ?? [];
    if (name === undefined) return;
    if (!ok) {
      if (starts || this.world.has(name)) this.world.set(name, 'maybe');
    } else if (starts) this.world.set(name, 'on');
    else this.world.delete(name);
    if (!ok || starts) return;
    // Without power nothing else runs in an appliance.
    if (command.kind === 'power-off-provider-appliance')
      for (const other of [...this.world.keys()])
        if (/^(server|provider proxy) of/.test(other)) this.world.delete(other);
    if (command.kind === 'power-off-tenant-appliance') {
      this.world.delete(`client of ${command.network}`);
      this.world.delete(`tenant proxy of ${command.network}`);
    }
  }

  decided(decisions: readonly Decision[]): void {
    for (const decision of decisions) {
      if (isCommand(decision)) this.#command(decision);
      else if (decision.kind === 'replica-state') {
        const { vm, was, state } = decision;
        this.#demand(this.state(vm) === was, `${vm} was ${this.state(vm)}, not ${was}`);
        this.#demand(legal.has(`${was} > ${state}`), `${vm}: ${was} > ${state} is illegal`);
        this.#states.set(vm, state);
        if (state === 'ready')
          this.#demand(
            !this.#servedByTenant(vm),
            `${vm} is ready and an appliance stands in for it`,
          );
      } else if (decision.kind === 'begin') this.#open.set(decision.run, new Set(decision.vms));
      else if (decision.kind === 'finish') {
        this.#open.get(decision.run)?.clear();
        const bad = decision.results.some(({ status }) => status === 'failed');
        if (decision.vms.length > 0)
          this.#demand(bad === (decision.status === 'failed'), 'the result is not that of its VMs');
      }
    }
  }

  #command(c: Command): void {
    const text = brief(c);
    const running = (name: string) => this.world.get(name) === 'on';
    const mayRun = (name: string) => this.world.has(name);
    this.#demand(c.id === ++this.#lastId, `${text} has id ${c.id}`);
    const [name, starts] = thing(c) ?? [];
    for (const other of this.#pending.values()) {
      const [busy] = thing(other) ?? [];
      this.#demand(brief(other) !== text, `${text} is decided twice without an answer`);
      this.#demand(
        name === undefined || busy !== name,
        `${text} before ${brief(other)} is answered`,
      );
    }
    if (starts && c.kind !== 'configure-proxy' && name !== undefined && c.operation !== 'reconnect')
      this.#demand(!running(name), `${text}, which is already so`);
    switch (c.kind) {
      case 'power-on-replica':
        this.#demand(running(`disk ${c.vm}`), `${text} without a disk for its changes`);
        // "The original VM remains powered on" in a failover, of one or by a plan, and in nothing else.
        this.#demand(
          /^(?:(?:retry-|test-)?failover-plan|failover)$/.test(c.operation) ||
            !mayRun(`original ${c.vm}`),
          `${text} while its original may run`,
        );
        break;
      case 'power-on-original':
        this.#demand(!mayRun(`replica ${c.vm}`), `${text} while its replica may run`);
        break;
      case 'transfer-changes':
        this.#demand(!mayRun(`original ${c.vm}`), `${text} to disks that are in use`);
        break;
      case 'create-failback-snapshot':
        this.#demand(!mayRun(`replica ${c.vm}`), `${text} of a replica that may run`);
        break;
      case 'revert-snapshot':
        this.#demand(!mayRun(`disk ${c.vm}`), `${text} with changes on it`);
        break;
      case 'remove-delta':
        this.#demand(!mayRun(`replica ${c.vm}`), `${text} from under a running replica`);
        this.#demand(!this.#unsent.has(c.vm), `${text} before production has what is in it`);
        break;
      case 'merge-delta':
        this.#demand(c.operation === 'permanent-failover', `${text} in ${c.operation}`);
        break;
      case 'start-vpn-server':
        this.#demand(running('appliance at the provider'), `${text} without an appliance`);
        this.#demand(this.#someReplica(), `${text} before any replica is on`);
        break;
      case 'start-vpn-client':
        this.#demand(running(`appliance in ${c.network}`), `${text} without an appliance`);
        this.#demand(running(`server of ${c.network}`), `${text} without a server`);
        break;
      case 'configure-proxy': {
        const ips = c.side === 'tenant' ? c.scope.addresses : c.scope.except;
        this.#demand(new Set(ips).size === ips.length, `${text} names an address twice`);
        // One that may have gone is served on until that is certain.
        const served = this.#duties.get(c.network) ?? [];
        for (const ip of c.side === 'tenant' ? ips : []) {
          const replica = `replica ${this.#addressOf.get(ip)}`;
          const isHere = running(replica) || (mayRun(replica) && served.includes(ip));
          this.#demand(isHere, `${text}: ${ip} is not here`);
        }
        if (c.side === 'tenant') this.#duties.set(c.network, ips);
        break;
      }
      case 'withdraw-proxy':
        if (c.side === 'tenant') this.#duties.delete(c.network);
        break;
      case 'discard-delta':
        this.#demand(
          !/failback|switch|permanent|reconnect/.test(c.operation),
          `${text} in ${c.operation}`,
        );
        this.#demand(!mayRun(`replica ${c.vm}`), `${text} from under a running replica`);
        break;
      case 'resume-replication':
        for (const left of [`replica ${c.vm}`, `disk ${c.vm}`])
          this.#demand(!mayRun(left), `${text} with ${left} still there`);
        break;
      case 'run-replication':
        this.#demand(this.state(c.vm) === 'processing', `${text} in state ${this.state(c.vm)}`);
        for (const left of [`replica ${c.vm}`, `disk ${c.vm}`, `hold ${c.vm}`])
          this.#demand(!mayRun(left), `${text} with ${left} still there`);
        break;
      default:
    }
    this.#pending.set(c.id, c);
  }

  readonly #duties = new Map<string, readonly string[]>();

  #servedByTenant(name: string): boolean {
    return [...this.#duties].some(
      ([network, ips]) =>
        this.world.has(`tenant proxy of ${network}`) &&
        ips.some((ip) => this.#addressOf.get(ip) === name),
    );
  }

  #someReplica(): boolean {
    return [...this.world.keys()].some((name) => name.startsWith('replica '));
  }

  #demand(holds: boolean, otherwise: string): void {
    if (!holds) this.complaints.push(otherwise);
  }
}
