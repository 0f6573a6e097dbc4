/** On which segment a machine stands: invariants of ARP hold within one. */
import type { MachineRole } from '../../trace/event.ts';
import type { World } from '../world.ts';

export type Side = 'tenant' | 'provider' | 'elsewhere';

const sides: Partial<Record<MachineRole, Side>> = {
  vm: 'tenant',
  router: 'tenant',
  'dhcp-server': 'tenant',
  'tenant-appliance': 'tenant',
  replica: 'provider',
  'provider-appliance': 'provider',
  'edge-gateway': 'provider',
};

export function sideOf(world: World, node: string): Side {
  const role = world.machine(node)?.role;
  return (role && sides[role]) ?? 'elsewhere';
}
