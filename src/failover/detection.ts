/**
 * What is known about the address and the network of a VM without asking the network. A run of the
 * replication job reads the settings of Windows guests; for any other system only a row of the
 * network mapping tells. A DHCP address is nobody's to promise, so it is never known.
 */
import type {
  Configuration,
  ProductionNetwork,
  ProtectedVm,
  ReplicationJob,
} from './configuration.ts';

export interface Detected {
  /** The static address, where one is known: what appliances may be told to stand in for. */
  readonly address: string | undefined;
  readonly by: 'detection' | 'mapping row' | 'nothing';
  /** The job found no static address, and says so, even where a mapping row makes up for it. */
  readonly warned: boolean;
}

export function detectAddress(vm: ProtectedVm, job: ReplicationJob): Detected {
  if (vm.address.kind === 'dhcp') return { address: undefined, by: 'nothing', warned: true };
  const { ip } = vm.address;
  const { detects = 'windows' } = job;
  if (detects === 'all' || detects === vm.guest)
    return { address: ip, by: 'detection', warned: false };
  if (job.mapping[vm.network] === undefined)
    return { address: undefined, by: 'nothing', warned: true };
  return { address: ip, by: 'mapping row', warned: true };
}

/**
 * The network of the provider that the replica is connected to. Without a row it is found only for
 * Windows, and only if both sides have equally many networks: then they pair off in order. (That
 * they do so in order is our reading; the guide says only that the counts must be equal.)
 */
export function mapNetwork(
  vm: ProtectedVm,
  job: ReplicationJob,
  production: readonly ProductionNetwork[],
  provider: readonly string[],
): string | undefined {
  const row = job.mapping[vm.network];
  if (row !== undefined) return row;
  if (vm.guest !== 'windows' || production.length !== provider.length) return undefined;
  return provider[production.findIndex(({ name }) => name === vm.network)];
}

/** By VM, all addresses that are known. */
export function knownAddresses({ vms, jobs }: Configuration): ReadonlyMap<string, string> {
  const jobOf = new Map(jobs.flatMap((job) => job.vms.map((vm) => [vm, job])));
  return new Map(
    vms.flatMap((vm): [string, string][] => {
      const job = jobOf.get(vm.name);
      const address = job && detectAddress(vm, job).address;
      return address === undefined ? [] : [[vm.name, address]];
    }),
  );
}
