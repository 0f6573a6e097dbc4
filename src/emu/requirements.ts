/** What a lab needs to be played on kernels, and what of that cannot be had. */
import { seconds } from '../base/time.ts';
import type { DhcpPlan, NodePlan, Topology } from '../lab/topology.ts';
import type { Check, Obstacle } from '../trace/checkup.ts';
import type { CheckId } from './doctor.ts';
import { bridgesOf, isKernel } from './insides.ts';

export type Need =
  | {
      readonly kind: 'here';
      /** Any of them will do. */
      readonly anyOf: readonly CheckId[];
      /** Whose need it is: `web01 gets its address by DHCP`. */
      readonly because: string;
    }
  /** No kernel can do it. */
  | { readonly kind: 'nowhere'; readonly because: string };

/** The DHCP server gives none that is shorter. */
const leaseLeast = seconds(120);

/** What a lab needs beyond what every lab needs. */
export function needsOf(topology: Topology): readonly Need[] {
  const probes: Need = {
    kind: 'here',
    anyOf: ['ping', 'raw-socket'],
    because: 'machines are pinged',
  };
  const bridges = [...bridgesOf(topology).keys()];
  return [
    probes,
    ...bridges.flatMap((name) => here(['bridge'], `${name} is a bridge`)),
    ...topology.nodes.flatMap(needsOfNode),
  ];
}

/** What stands in the way of a lab here. Nothing: it can be played. */
export function unsupported(needs: readonly Need[], checks: readonly Check[]): Obstacle[] {
  const general = checks
    .filter(({ ok, needed }) => !ok && needed === 'always')
    .map((check) => ({ because: 'nothing can be played on kernels', check }));
  const own = needs.flatMap((need): Obstacle[] => {
    if (need.kind === 'nowhere') return [{ because: need.because, check: undefined }];
    const wanted = need.anyOf.map((one) => checks.find(({ id }) => id === one));
    if (wanted.some((check) => check?.ok)) return [];
    return [{ because: need.because, check: wanted[0] }];
  });
  return [...general, ...own];
}

function needsOfNode(plan: NodePlan): Need[] {
  const { name } = plan;
  if (!isKernel(plan)) return []; // its insides are ours
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
