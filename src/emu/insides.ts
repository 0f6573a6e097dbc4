/** Which machines and switches of a lab are kernels, and which are ours. */
import type { LabPlan } from '../lab/lab.ts';
import type { NodePlan, Topology } from '../lab/topology.ts';
import { Unsupported } from './unsupported.ts';

/** Our own devices, or namespaces with the kernel's proxy ARP, WireGuard as others wrote it, and a relay on real sockets. */
export type Profile = 'node' | 'kernel';

/** Either end may be of either kind; cloud gateways are the provider's. */
export interface Profiles {
  readonly tenant: Profile;
  readonly provider: Profile;
}

export const profilesOf = (profile: Profile | Profiles = 'node'): Profiles =>
  typeof profile === 'string' ? { tenant: profile, provider: profile } : profile;

/** What a lab asks for and the kernel's appliances cannot be. */
export function refusals(
  { topology, recoveries }: Pick<LabPlan, 'topology' | 'recoveries'>,
  { tenant, provider }: Profiles,
): string[] {
  if (tenant === 'node' && provider === 'node') return [];
  const plans = recoveries.some(({ configuration }) => configuration.failoverPlans?.length);
  return [
    ...(topology.tunnel.mode === 'l2-bridge'
      ? ['a bridging appliance is ours alone: WireGuard carries no frames']
      : []),
    ...(provider === 'kernel' && plans
      ? ['only an appliance of ours becomes the default gateway of replicas']
      : []),
  ];
}

/** @throws Unsupported where the kernel's appliances cannot be what a lab asks for */
export function refuseUnsupported(plan: LabPlan, profiles: Profiles): void {
  const [because] = refusals(plan, profiles);
  if (because !== undefined) throw new Unsupported(because);
}

/** Machines whose packets a kernel handles. A router that is an end of an IPsec VPN is ours: there are no keys for a kernel. */
export function isKernel(plan: NodePlan, { tenant, provider }: Profiles = profilesOf()): boolean {
  switch (plan.kind) {
    case 'tenant-appliance':
      return tenant === 'kernel';
    case 'provider-appliance':
    case 'cloud-gateway':
      return provider === 'kernel';
    case 'guest':
    case 'internet':
    case 'client':
    case 'dhcp-server':
    case 'provider-router':
      return true;
    case 'router':
      return plan.vpn === undefined;
    default:
      return false;
  }
}

/**
 * Switches that a Linux bridge can be, by the VLAN of all of their ports: those of a site's networks. A
 * host's virtual switch has rights and port groups that a bridge knows nothing of; it is ours.
 */
export function bridgesOf({ switches, trunks, cables }: Topology): Map<string, number> {
  const bridges = new Map<string, number>();
  for (const { name, portGroups } of switches) {
    const vlans = new Set(
      cables.flatMap(({ to }) => (to.kind === 'switch' && to.name === name ? [to.vlan] : [])),
    );
    const isTrunked = trunks.some(({ ends }) => ends.some((end) => end.switch === name));
    const [vlan] = vlans;
    if (vlan !== undefined && vlans.size === 1 && !isTrunked && portGroups.length === 0)
      bridges.set(name, vlan);
  }
  return bridges;
}
