/**
 * What the controller is told about the two sites before anything happens: names, and who belongs
 * to whom. No device is among it. A tenant has one network extension appliance per production
 * network or none; the provider has one for the tenant on each host or cluster, which joins all
 * networks that the tenant has there.
 */
import { type Duration, seconds } from '../base/time.ts';
import type { FailoverPlan } from './failover-plan.ts';

export type Platform = 'vsphere' | 'hyper-v';

export interface ProtectedVm {
  readonly name: string;
  /** The production network it is connected to. */
  readonly network: string;
  /** Address detection works for Windows only; any other system needs a mapping row. */
  readonly guest: 'windows' | 'linux' | 'strict';
  readonly address: { readonly kind: 'static'; readonly ip: string } | { readonly kind: 'dhcp' };
  readonly platform: Platform;
  /** Whether the original runs when the lab starts. */
  readonly powered: boolean;
}

/** A replication job: only its VMs have replicas. */
export interface ReplicationJob {
  readonly name: string;
  readonly vms: readonly string[];
  /** Network mapping: production network to provider network, one row each. */
  readonly mapping: Readonly<Record<string, string>>;
  /** Whose static addresses its runs find: those of Windows, as in the product, unless said otherwise. */
  readonly detects?: 'windows' | 'all' | 'none';
  /** How many restore points are kept; the oldest goes when one more is made. */
  readonly restorePointsKept: number;
  /** How many there are when the lab starts. */
  readonly restorePoints: number;
}

export interface ProductionNetwork {
  readonly name: string;
  /** The tenant's network extension appliance in it; undefined where none was deployed. */
  readonly appliance: string | undefined;
  /** Its default gateway with its mask, which the first run of a job learns: `10.0.10.1/24`. */
  readonly gateway?: string | undefined;
}

/** A host or cluster of the provider that carries an appliance of the tenant. */
export interface CloudHost {
  readonly host: string;
  /** All networks that the tenant has there, also those that no replica uses. */
  readonly networks: readonly string[];
}

export type Provider =
  | { readonly kind: 'hardware-plan'; readonly hosts: readonly CloudHost[] }
  | {
      readonly kind: 'org-vdc';
      readonly hosts: readonly CloudHost[];
      /** Cloud Director may carry the traffic by its own means; then no appliance is started. */
      readonly connectivity: 'appliances' | 'edge-gateway' | 'ipsec-vpn';
      /** What its edge gateway leads to: production networks by VPN, its own from the internet. */
      readonly edge: { readonly vpn: readonly string[]; readonly internet: readonly string[] };
    };

/** Where the documents are silent or disagree, a choice. */
export interface Policies {
  /** A VM in a network without an appliance: fail over unconnected with a warning, or not at all. */
  readonly missingAppliance: 'warn' | 'fail';
  /** What becomes of appliances when the last replica that needs them is gone. */
  readonly appliancesAfterUndo: 'power-off' | 'leave-on';
  /** Whether the tenant appliance lets go of an address before or after its replica is off. */
  readonly withdrawal: 'before-power-off' | 'after-power-off';
  /** A failover plan is started during partial failover: ask, stop it without asking, or refuse. */
  readonly onConcurrent: 'prompt' | 'force' | 'reject';
  /** Which of the two ports of a public-IP rule may not be 22; of the other one it is warned. */
  readonly reservedPort: 'public' | 'target';
  /** Permanent failover ends a full site failover; whether it may end a partial one too. */
  readonly permanentAfterPartial: 'refuse' | 'allow';
  /** Whether jobs say that they found no static address; the registry of the tenant's server silences them. */
  readonly noStaticIpWarning: 'show' | 'silence';
  /** How long a guest has to shut down before it is powered off. */
  readonly shutdown: Duration;
  /** How long any one command may take, besides. */
  readonly patience: Duration;
}

/** What the guide has, where it has it. */
export const defaultPolicies: Policies = {
  missingAppliance: 'warn',
  appliancesAfterUndo: 'power-off',
  withdrawal: 'before-power-off',
  onConcurrent: 'prompt',
  reservedPort: 'public',
  permanentAfterPartial: 'refuse',
  noStaticIpWarning: 'show',
  shutdown: seconds(900),
  patience: seconds(600),
};

export interface Configuration {
  readonly vms: readonly ProtectedVm[];
  /** Production networks, in the order of the file. */
  readonly networks: readonly ProductionNetwork[];
  readonly jobs: readonly ReplicationJob[];
  readonly provider: Provider;
  readonly failoverPlans?: readonly FailoverPlan[];
  readonly policies?: Partial<Policies>;
}

/** The networks of the provider on all its hosts, in the order of the file. */
export const providerNetworks = ({ hosts }: Provider): readonly string[] =>
  hosts.flatMap(({ networks }) => networks);

/**
 * Throws where the description contradicts itself. Mistakes in a scenario are found, with their
 * place in the file, before it comes to this.
 */
export function checkConfiguration({ vms, networks, jobs, provider }: Configuration): void {
  const known = new Set(networks.map(({ name }) => name));
  const names = new Set<string>();
  for (const { name, network } of vms) {
    if (names.has(name)) throw new RangeError(`two VMs are called ${name}`);
    if (!known.has(network)) throw new RangeError(`${name} is in unknown network ${network}`);
    names.add(name);
  }
  const offered = new Set(providerNetworks(provider));
  const jobOf = new Map<string, string>();
  const target = new Map<string, string>();
  for (const job of jobs) {
    if (job.restorePointsKept < 1) throw new RangeError(`${job.name} keeps no restore point`);
    for (const vm of job.vms) {
      if (!names.has(vm)) throw new RangeError(`${job.name} names unknown VM ${vm}`);
      if (jobOf.has(vm)) throw new RangeError(`${vm} is in ${jobOf.get(vm)} and in ${job.name}`);
      jobOf.set(vm, job.name);
    }
    for (const [from, to] of Object.entries(job.mapping)) {
      if (!known.has(from)) throw new RangeError(`${job.name} maps unknown network ${from}`);
      if (!offered.has(to)) throw new RangeError(`${job.name} maps to unknown ${to}`);
      if ((target.get(from) ?? to) !== to)
        throw new RangeError(`${from} is mapped to two networks`);
      target.set(from, to);
    }
  }
}
