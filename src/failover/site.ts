/**
 * Everything the controller knows: the description it was given, the replicas, what has been
 * started, and who needs which pair of appliances. Procedures read it to work out what to do.
 */
import type { Instant } from '../base/time.ts';
import { adapterLimit } from './adapters.ts';
import {
  type CloudHost,
  type Configuration,
  checkConfiguration,
  defaultPolicies,
  type Policies,
  type ProtectedVm,
  providerNetworks,
  type ReplicationJob,
} from './configuration.ts';
import type { Command, Connectivity, Notice, ProxyDuty, Work } from './decision.ts';
import { type Detected, detectAddress, mapNetwork } from './detection.ts';
import type { Failure } from './failure.ts';
import { Gateways } from './gateways.ts';
import { Ledger, type Thing } from './ledger.ts';
import type { FailoverKind, ReplicaState } from './replica.ts';
import { type RestorePoint, RestorePoints } from './restore-points.ts';

/** The two ends of the tunnel of one production network. */
export interface Pair {
  readonly network: string;
  readonly providerNetwork: string;
  /** The tenant's appliance; the provider's is one for all pairs on a host. */
  readonly appliance: string;
  /** Where the provider's is. */
  readonly host: CloudHost;
}

export interface Replica {
  readonly vm: ProtectedVm;
  readonly job: ReplicationJob;
  /** As of the last run of its job. */
  detected: Detected;
  readonly providerNetwork: string | undefined;
  readonly points: RestorePoints;
  state: ReplicaState;
  /** Of the failover that it is in, or was begun for it. */
  kind: FailoverKind;
  /** What it was last rolled back to, while it is not ready. */
  point: RestorePoint | undefined;
  heartbeat: boolean;
  /** On as well while it is being powered on, or may be. */
  original: 'on' | 'off';
  /** Whether production is powered on when it takes over again. */
  powersOn: boolean;
}

export class Site {
  readonly configuration: Configuration;
  readonly policies: Policies;
  readonly ledger: Ledger;
  readonly replicas: ReadonlyMap<string, Replica>;
  readonly gateways = new Gateways(this);
  readonly #pairs = new Map<string, Pair>();
  /** By production network: where its pair has the provider's end. */
  readonly #hosts = new Map<string, CloudHost>();
  /** Why a VM has no pair though it should. */
  readonly #unconnected = new Map<string, readonly Failure[]>();
  /** VMs whose replicas need their pair now. */
  readonly #members = new Set<string>();
  readonly #connectivity = new Map<string, Connectivity>();

  constructor(configuration: Configuration) {
    checkConfiguration(configuration);
    this.configuration = configuration;
    this.policies = { ...defaultPolicies, ...configuration.policies };
    this.ledger = new Ledger((network) => this.#hosts.get(network)?.host);
    const replicas = new Map<string, Replica>();
    const { networks, provider } = configuration;
    const offered = providerNetworks(provider);
    const jobs = new Map(configuration.jobs.flatMap((job) => job.vms.map((vm) => [vm, job])));
    for (const vm of configuration.vms) {
      const job = jobs.get(vm.name);
      if (job === undefined) continue;
      const replica: Replica = {
        vm,
        job,
        detected: detectAddress(vm, job),
        providerNetwork: mapNetwork(vm, job, networks, offered),
        points: new RestorePoints(job.restorePointsKept, job.restorePoints),
        state: 'ready',
        kind: 'partial',
        point: undefined,
        heartbeat: false,
        original: vm.powered ? 'on' : 'off',
        powersOn: true,
      };
      replicas.set(vm.name, replica);
      this.#connect(replica);
    }
    this.replicas = replicas;
  }

  /** Cloud Director may carry the traffic by its own means: then no appliance is started. */
  get usesAppliances(): boolean {
    const { provider } = this.configuration;
    return provider.kind === 'hardware-plan' || provider.connectivity === 'appliances';
  }

  /** For a VM that is known to have a replica. */
  replica(vm: string): Replica {
    const replica = this.replicas.get(vm);
    if (replica === undefined) throw new Error(`${vm} has no replica`);
    return replica;
  }

  pair(vm: string): Pair | undefined {
    return this.#pairs.get(vm);
  }

  /** What keeps the traffic of this VM from its replica, as far as the description tells. */
  unconnected(vm: string): readonly Failure[] {
    return this.#unconnected.get(vm) ?? [];
  }

  /** The pairs of these VMs, each once, with its VMs. */
  pairs(vms: readonly string[]): readonly (readonly [Pair, readonly string[]])[] {
    const groups = new Map<string, [Pair, string[]]>();
    for (const vm of vms) {
      const pair = this.pair(vm);
      if (pair === undefined) continue;
      const group = groups.get(pair.network);
      if (group === undefined) groups.set(pair.network, [pair, [vm]]);
      else group[1].push(vm);
    }
    return [...groups.values()];
  }

  /** Where the provider's appliance serves this VM: as the end of its tunnel, or as its gateway. */
  hostOf(vm: string): CloudHost | undefined {
    const replica = this.replicas.get(vm);
    if (replica?.kind !== 'full') return this.pair(vm)?.host;
    const { provider } = this.configuration;
    // In an organization VDC the edge gateway serves it, and no appliance is started.
    if (provider.kind === 'org-vdc') return undefined;
    return provider.hosts.find(({ networks }) => networks.includes(replica.providerNetwork ?? ''));
  }

  /** The hosts whose appliances serve these VMs, each once, with its VMs. */
  hosts(vms: readonly string[]): readonly (readonly [CloudHost, readonly string[]])[] {
    const groups = new Map<CloudHost, string[]>();
    for (const vm of vms) {
      const host = this.hostOf(vm);
      if (host === undefined) continue;
      const group = groups.get(host);
      if (group === undefined) groups.set(host, [vm]);
      else group.push(vm);
    }
    return [...groups];
  }

  /** These replicas need an appliance, in the role that their failover gives it. */
  join(vms: readonly string[]): void {
    for (const vm of vms) {
      if (this.replica(vm).kind === 'full') this.gateways.join([vm]);
      else if (this.pair(vm) !== undefined) this.#members.add(vm);
    }
  }

  leave(vms: readonly string[]): Notice[] {
    for (const vm of vms) this.#members.delete(vm);
    this.gateways.leave(vms);
    return this.pairs(vms)
      .filter(([{ network }]) => this.members(network).length === 0)
      .flatMap(([{ network }]) => this.connect(network, 'none'));
  }

  /** Who needs the pair of this network, or any pair at all, in the order of the file. */
  members(network?: string): readonly string[] {
    return [...this.replicas.keys()].filter(
      (vm) =>
        this.#members.has(vm) && (network === undefined || this.pair(vm)?.network === network),
    );
  }

  connectivity(network: string): Connectivity {
    return this.#connectivity.get(network) ?? 'none';
  }

  connect(network: string, state: Connectivity): Notice[] {
    if (this.connectivity(network) === state) return [];
    this.#connectivity.set(network, state);
    return [{ kind: 'connectivity', network, state, vms: this.members(network) }];
  }

  /** What the proxy on one side should do now; undefined for nothing. */
  duty(side: 'provider' | 'tenant', network: string): ProxyDuty | undefined {
    const addresses = this.#addresses(this.members(network));
    if (addresses.length === 0) return undefined;
    if (side === 'tenant') return { side, scope: { kind: 'addresses', addresses } };
    const here = [...this.replicas.keys()].filter(
      (vm) => this.pair(vm)?.network === network && this.ledger.get(`replica ${vm}`) !== 'off',
    );
    return { side, scope: { kind: 'rest-of-subnet', except: this.#addresses(here) } };
  }

  /** VMs whose replicas have taken over, or should have, by failover of this kind. */
  inFailover(kind: FailoverKind): readonly string[] {
    return [...this.replicas]
      .filter(([, one]) => one.kind === kind && !['ready', 'processing'].includes(one.state))
      .map(([vm]) => vm);
  }

  /** What it takes to make one proxy do what it should. */
  proxyWork(side: 'provider' | 'tenant', { network, providerNetwork }: Pair): Work[] {
    const duty = this.duty(side, network);
    if (duty !== undefined)
      return this.ledger.performs(network, duty)
        ? []
        : [{ kind: 'configure-proxy', network, providerNetwork, ...duty }];
    if (this.ledger.get(`${side} proxy ${network}`) === 'off') return [];
    return [{ kind: 'withdraw-proxy', side, network }];
  }

  /** Who needs the provider's appliance on a host, in either of its roles. */
  guests(host: CloudHost): readonly string[] {
    const members = this.members().filter((vm) => this.pair(vm)?.host === host);
    return [...members, ...this.gateways.guests(host)];
  }

  /** Undefined where the provider's appliance on a host may be powered on for these VMs. */
  adapterLimit(host: CloudHost, vms: readonly string[]): Failure | undefined {
    for (const vm of vms) {
      const failure = adapterLimit(host, this.replica(vm).vm.platform);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  /** What still runs, or may run, for a VM that has left; without the hold on its replication. */
  leftovers(vm: string): readonly string[] {
    const left: Thing[] = [
      `replica ${vm}`,
      `delta ${vm}`,
      `snapshot ${vm}`,
      `failback snapshot ${vm}`,
      `shutdown ${vm}`,
    ];
    const pair = this.pair(vm);
    const powersOff = this.policies.appliancesAfterUndo === 'power-off';
    if (pair !== undefined && this.members(pair.network).length === 0) {
      left.push(`vpn client ${pair.network}`, `vpn server ${pair.network}`);
      if (powersOff) left.push(`tenant appliance ${pair.network}`);
    }
    const on = this.hostOf(vm);
    if (on !== undefined && this.gateways.guests(on).length === 0)
      left.push(`provider gateway ${on.host}`);
    if (on !== undefined && powersOff && this.guests(on).length === 0)
      left.push(`provider appliance ${on.host}`);
    const proxies = (['tenant', 'provider'] as const)
      .filter((side) => pair !== undefined && this.proxyWork(side, pair).length > 0)
      .map((side): Thing => `${side} proxy ${pair?.network}`);
    return [...left.filter((thing) => this.ledger.get(thing) !== 'off'), ...proxies];
  }

  /** Whether all is set up for the replica to be reached, or to have its gateway; true where nothing has to be. */
  isServed(vm: string): boolean {
    if (this.replica(vm).kind === 'full') {
      const on = this.hostOf(vm);
      return on === undefined || this.gateways.work(on).length === 0;
    }
    const pair = this.pair(vm);
    if (pair === undefined) return true;
    const { network } = pair;
    return (
      this.ledger.get(`vpn server ${network}`) === 'on' &&
      this.ledger.get(`vpn client ${network}`) === 'on' &&
      this.proxyWork('provider', pair).length === 0 &&
      this.proxyWork('tenant', pair).length === 0
    );
  }

  enter(vm: string, state: ReplicaState): Notice[] {
    const replica = this.replica(vm);
    const was = replica.state;
    if (state === 'ready') {
      replica.point = undefined;
      replica.kind = 'partial';
    }
    if (was === state) return [];
    replica.state = state;
    return [{ kind: 'replica-state', vm, state, was, restorePoint: replica.point?.name ?? '' }];
  }

  /** What a command will do may have been done from now on. */
  ordered(work: Work): void {
    this.ledger.ordered(work);
    if (work.kind === 'power-on-original') this.replica(work.vm).original = 'on';
  }

  /**
   * A command has been carried out.
   *
   * @param found What a replication run has found the guest to be set to.
   */
  done(work: Command, now: Instant, found?: ProtectedVm['address']): Notice[] {
    this.ledger.done(work);
    switch (work.kind) {
      case 'power-on-replica':
        return this.enter(work.vm, 'failover');
      case 'power-off-replica':
      case 'shut-down-replica':
        this.replica(work.vm).heartbeat = false;
        return [];
      case 'power-off-original':
      case 'shut-down-original':
        this.replica(work.vm).original = 'off';
        return [];
      case 'merge-delta':
        this.replica(work.vm).points.clear();
        return [];
      case 'run-replication':
        this.replica(work.vm).points.add(now);
        this.#detect(work.vm, found);
        return [...this.enter(work.vm, 'ready'), ...this.detectionWarning(work.vm)];
      default:
        return [];
    }
  }

  /** @param found The settings of the guest, where the run came to look at them. */
  #detect(vm: string, found: ProtectedVm['address'] | undefined): void {
    const replica = this.replica(vm);
    if (found === undefined) return;
    replica.detected = detectAddress({ ...replica.vm, address: found }, replica.job);
  }

  detectionWarning(vm: string): Notice[] {
    const { detected } = this.replica(vm);
    if (!detected.warned || this.policies.noStaticIpWarning === 'silence') return [];
    const text =
      detected.by === 'mapping row'
        ? `no static IP address was detected for ${vm}; its network mapping makes up for it`
        : `no static IP address is known for ${vm}: ${this.usesAppliances ? 'no appliance will stand in for it' : 'it has to be typed in Cloud Director'}`;
    return [{ kind: 'warn', code: 'NO_STATIC_IP_DETECTED', about: vm, text }];
  }

  connectionWarnings(vm: string): Notice[] {
    return this.unconnected(vm).map(({ because, text }) => ({
      kind: 'warn',
      code: because,
      about: vm,
      text,
    }));
  }

  /** What no default gateway serves after full site failover. */
  gatewayWarnings(vm: string): Notice[] {
    const { providerNetwork } = this.replica(vm);
    const { provider } = this.configuration;
    const to = { about: vm, kind: 'warn' } as const;
    if (providerNetwork === undefined)
      return this.unconnected(vm)
        .filter(({ because }) => because === 'REPLICA_NOT_MAPPED')
        .map(({ because, text }) => ({ ...to, code: because, text }));
    if (provider.kind !== 'org-vdc' || provider.edge.internet.includes(providerNetwork)) return [];
    const text = `no edge gateway serves ${providerNetwork}, so the replica of ${vm} has no default gateway`;
    return [{ ...to, code: 'NO_EDGE_GATEWAY', text }];
  }

  /** Two owners of one address: documented as normal in a test, but nobody should be surprised. */
  duplicateWarning(vm: string): Notice[] {
    const { detected, original } = this.replica(vm);
    if (original === 'off' || detected.address === undefined) return [];
    const text = `the original ${vm} is on while its replica runs with the same address`;
    return [{ kind: 'warn', code: 'DUPLICATE_ADDRESS', about: vm, text }];
  }

  #addresses(vms: readonly string[]): string[] {
    return vms.flatMap((vm) => this.replica(vm).detected.address ?? []);
  }

  #connect({ vm, job, providerNetwork }: Replica): void {
    const { networks, provider } = this.configuration;
    const failures: Failure[] = [];
    if (providerNetwork === undefined) {
      const text = `job ${job.name} maps ${vm.network} to no network of the provider, so the replica of ${vm.name} is connected to none`;
      failures.push({ because: 'REPLICA_NOT_MAPPED', text });
    }
    const appliance = networks.find(({ name }) => name === vm.network)?.appliance;
    if (
      provider.kind === 'org-vdc' &&
      !this.usesAppliances &&
      !provider.edge.vpn.includes(vm.network)
    ) {
      const text = `no edge gateway of the org VDC leads from ${vm.network} to the replica of ${vm.name}`;
      failures.push({ because: 'NO_EDGE_GATEWAY', text });
    }
    if (this.usesAppliances && appliance === undefined) {
      const text = `${vm.network}, the network of ${vm.name}, has no network extension appliance`;
      failures.push({ because: 'NO_NEA', text });
    }
    this.#unconnected.set(vm.name, failures);
    if (!this.usesAppliances || appliance === undefined || providerNetwork === undefined) return;
    const host = provider.hosts.find((one) => one.networks.includes(providerNetwork))!;
    this.#hosts.set(vm.network, host);
    this.#pairs.set(vm.name, { network: vm.network, providerNetwork, appliance, host });
  }
}
