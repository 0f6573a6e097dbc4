/**
 * How many virtual network adapters the provider's appliance needs. It joins all networks of the
 * tenant, those too that no replica uses: in an organization VDC this is documented to make "the
 * failover operation fail because the number of virtual network adapters for a VMware vSphere VM
 * cannot exceed 10 (one network adapter is used to connect to the management network)". The same
 * machine on vSphere under a hardware plan has the same limit, which the guide does not spell out.
 */
import type { Platform, Provider } from './configuration.ts';
import type { Failure } from './failure.ts';

/** No limit is documented for Hyper-V. */
const adaptersMax: Readonly<Record<Platform, number>> = {
  vsphere: 10,
  'hyper-v': Number.POSITIVE_INFINITY,
};

export const adaptersNeeded = ({ networks }: Provider): number => networks.length + 1;

export function adapterLimit(provider: Provider, platform: Platform): Failure | undefined {
  const needed = adaptersNeeded(provider);
  const max = adaptersMax[platform];
  if (needed <= max) return undefined;
  return {
    because: 'VCD_ADAPTER_LIMIT',
    text: `the appliance on ${provider.host} would need ${needed} adapters, one for management and ${needed - 1} for networks; it can have ${max}`,
  };
}
