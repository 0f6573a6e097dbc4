/** What a lab needs to be played on kernels, and what of that cannot be had. */
import { seconds } from '../base/time.ts';
import type { Daemon } from '../lab/ailments.ts';
import type { DhcpPlan, NodePlan, Topology } from '../lab/topology.ts';
import type { Check, Obstacle } from '../trace/checkup.ts';
import type { CheckId } from './doctor.ts';
import { bridgesOf, isKernel, type Profiles, profilesOf } from './insides.ts';
import { noProcess, oneClock } from './unsupported.ts';

export type Need =
  | {
      readonly kind: 'here';
      /** Any of them will do. */
      readonly anyOf: readonly CheckId[];
      /** Whose need it is: `web01 gets its address by DHCP`. */
      readonly because: string;
    }
  /** It cannot be done where that works: the lab would use it. */
  | { readonly kind: 'not-with'; readonly check: CheckId; readonly because: string }
  /** No kernel can do it. */
  | { readonly kind: 'nowhere'; readonly because: string };

/** What a scenario does to the inside of a machine. */
export interface Deed {
  readonly kind: 'clock-step' | 'hang';
  readonly node: string;
  /** Of `hang`: the process. */
  readonly daemon?: Daemon;
}

/** The DHCP server gives none that is shorter. */
const leaseLeast = seconds(120);

/** What appliances need that are kernels, with WireGuard as others wrote it: of the kernel, if it has it, else of wireguard-go. */
export const kernelProfileNeeds = (because: string): readonly Need[] => [
  { kind: 'here', anyOf: ['wireguard-go', 'kernel-wireguard'], because },
  { kind: 'here', anyOf: ['tun', 'kernel-wireguard'], because },
  ...here(['wg', 'nft', 'taps'], because),
];

/** What a lab needs beyond what every lab needs. */
export function needsOf(topology: Topology, profiles: Profiles = profilesOf()): readonly Need[] {
  const probes: Need = {
    kind: 'here',
    anyOf: ['ping', 'raw-socket'],
    because: 'machines are pinged',
  };
  const bridges = [...bridgesOf(topology).keys()];
  return [
    probes,
    ...bridges.flatMap((name) => here(['bridge'], `${name} is a bridge`)),
    ...topology.nodes.flatMap((plan) => needsOfNode(plan, profiles)),
  ];
}

/** What it takes to do something to a machine, beyond what the machine needs. */
export function needsOfDeed(
  { kind, node, daemon }: Deed,
  { nodes }: Topology,
  profiles: Profiles = profilesOf(),
): readonly Need[] {
  const plan = nodes.find(({ name }) => name === node);
  if (plan === undefined || !isKernel(plan, profiles)) return [];
  const isAppliance = plan.kind === 'tenant-appliance' || plan.kind === 'provider-appliance';
  if (kind === 'hang') {
    const hangs = isAppliance && daemon === 'vpn';
    return hangs ? [{ kind: 'not-with', check: 'kernel-wireguard', because: noProcess }] : [];
  }
  if (isAppliance)
    return [{ kind: 'nowhere', because: `the clock of ${node} is not to be set: ${oneClock}` }];
  if (!servesDhcp(plan)) return [];
  const because = `the DHCP server of ${node} goes by the clock of this computer, which is not to be set`;
  return [{ kind: 'nowhere', because }];
}

function servesDhcp(plan: NodePlan): boolean {
  if (plan.kind === 'router') return plan.inside.some(({ dhcp }) => dhcp !== undefined);
  return plan.kind === 'dhcp-server' || (plan.kind === 'guest' && plan.dhcp !== undefined);
}

/** What stands in the way of a lab here. Nothing: it can be played. */
export function unsupported(needs: readonly Need[], checks: readonly Check[]): Obstacle[] {
  const general = checks
    .filter(({ ok, needed }) => !ok && needed === 'always')
    .map((check) => ({ because: 'nothing can be played on kernels', check }));
  const own = needs.flatMap((need): Obstacle[] => {
    if (need.kind === 'nowhere') return [{ because: need.because, check: undefined }];
    if (need.kind === 'not-with') {
      const works = checks.some(({ id, ok }) => id === need.check && ok);
      return works ? [{ because: need.because, check: undefined }] : [];
    }
    const wanted = need.anyOf.map((one) => checks.find(({ id }) => id === one));
    if (wanted.some((check) => check?.ok)) return [];
    return [{ because: need.because, check: wanted[0] }];
  });
  return [...general, ...own];
}

function needsOfNode(plan: NodePlan, profiles: Profiles): readonly Need[] {
  const { name } = plan;
  if (!isKernel(plan, profiles)) return []; // its insides are ours
  switch (plan.kind) {
    case 'guest': {
      const needs: Need[] = [];
      if (plan.os === 'strict')
        needs.push({
          kind: 'nowhere',
          because: `${name} is to do what the RFCs say (os: strict), and no kernel does just that`,
        });
      if (plan.address.kind === 'dhcp')
        needs.push(...here(['busybox', 'udhcpc'], `${name} gets its address by DHCP`));
      if (plan.dhcp !== undefined) needs.push(...needsOfServer(name, plan.dhcp));
      return needs;
    }
    case 'router': {
      const needs: Need[] = [];
      if (plan.outside !== undefined)
        needs.push(...here(['nft', 'masquerade'], `${name} translates addresses`));
      for (const { dhcp, dhcpRelayTo } of plan.inside) {
        if (dhcp !== undefined) needs.push(...needsOfServer(name, dhcp));
        if (dhcpRelayTo !== undefined)
          needs.push(...here(['dnsmasq'], `${name} passes DHCP requests on`));
      }
      return needs;
    }
    case 'dhcp-server':
      return needsOfServer(name, plan.dhcp);
    case 'tenant-appliance':
    case 'provider-appliance':
      return kernelProfileNeeds(`${name} is a kernel with WireGuard of others`);
    default:
      return [];
  }
}

function needsOfServer(name: string, { lease }: DhcpPlan): Need[] {
  const needs = here(['dnsmasq'], `${name} is a DHCP server`);
  if (lease < leaseLeast)
    needs.push({
      kind: 'nowhere',
      because: `${name} is to give leases of less than 2 minutes, and dnsmasq gives none`,
    });
  return needs;
}

const here = (all: readonly CheckId[], because: string): Need[] =>
  all.map((one) => ({ kind: 'here', anyOf: [one], because }));
