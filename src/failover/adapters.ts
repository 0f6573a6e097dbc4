/**
 * How many virtual network adapters the provider's appliance needs. It joins all networks of the
 * tenant on its host, those too that no replica uses: in an organization VDC this is documented to make "the
 * failover operation fail because the number of virtual network adapters for a VMware vSphere VM
 * cannot exceed 10 (one network adapter is used to connect to the management network)". The same
 * machine on vSphere under a hardware plan has the same limit, which the guide does not spell out.
 */
import type { CloudHost, Platform } from './configuration.ts';
import type { Failure } from './failure.ts';

/** No limit is documented for Hyper-V. */
const adaptersMax: Readonly<Record<Platform, number>> = {
  vsphere: 10,
  'hyper-v': Number.POSITIVE_INFINITY,
};

export const adaptersNeeded = ({ networks }: CloudHost): number => networks.length + 1;

export function adapterLimit(on: CloudHost, platform: Platform): Failure | undefined {
  const needed = adaptersNeeded(on);
  const max = adaptersMax[platform];
  if (needed <= max) return undefined;
  return {
    because: 'VCD_ADAPTER_LIMIT',
    text: `the appliance on ${on.host} would need ${needed} adapters, one for management and ${needed - 1} for networks; it can have ${max}`,
  };
}
