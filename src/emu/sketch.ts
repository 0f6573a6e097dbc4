/** What would be made of a topology on kernels. Nothing is touched. */
import type { AdapterPlan, DhcpPlan, NodePlan, PortPlan, Topology } from '../lab/topology.ts';
import type { LabSketch, MachineSketch } from '../trace/standing.ts';
import { type Ipv4, type Prefix, showIpv4, showMac, showPrefix } from '../wire/address.ts';
import { bridgesOf, isKernel } from './insides.ts';

/** The emulation itself, and the one that watches neighbour tables. */
const processesOfLab = 2;

export function sketchOf(topology: Topology): LabSketch {
  const machines = topology.nodes.map(sketchOfNode);
  const bridges = [...bridgesOf(topology).keys()].map((name) => ({
    name,
    ports: topology.cables.filter(({ to }) => to.kind === 'switch' && to.name === name).length,
  }));
  const ports = bridges.reduce((total, bridge) => total + bridge.ports, 0);
  const kernels = machines.filter(({ host, running }) => host === 'kernel' && running);
  const sum = (size: (machine: MachineSketch) => number): number =>
    kernels.reduce((total, machine) => total + size(machine), 0);
  return {
    machines,
    bridges,
    namespaces: kernels.length + bridges.length + 1,
    cables: sum(({ adapters }) => adapters.length) + ports,
    // Each bridge has one that follows what it learns.
    processes: processesOfLab + bridges.length + sum(({ programs }) => programs.length),
  };
}

function sketchOfNode(plan: NodePlan): MachineSketch {
  const kernel = isKernel(plan);
  return {
    name: plan.name,
    kind: plan.kind.replaceAll('-', ' '),
    host: kernel ? 'kernel' : 'standin',
    running: plan.kind === 'guest' ? plan.running : !plan.kind.endsWith('-appliance'),
    adapters: adaptersOf(plan).map(([{ name, mac, mtu }, address]) => {
      return { name, mac: showMac(mac), mtu, address };
    }),
    programs: kernel ? programsOf(plan) : [],
  };
}

const alone = (ip: Ipv4): string => `${showIpv4(ip)}/32`;
const given = (
  address: { readonly kind: 'static'; readonly prefix: Prefix } | { readonly kind: 'dhcp' },
): string => (address.kind === 'dhcp' ? 'by DHCP' : showPrefix(address.prefix));

function adaptersOf(plan: NodePlan): (readonly [AdapterPlan, string])[] {
  switch (plan.kind) {
    case 'guest':
    case 'tenant-appliance':
      return [[plan.adapter, given(plan.address)]];
    case 'router': {
      const inside = plan.inside.map(
        ({ adapter, prefix }) => [adapter, showPrefix(prefix)] as const,
      );
      const { outside } = plan;
      return outside === undefined ? inside : [...inside, [outside.adapter, alone(outside.ip)]];
    }
    case 'internet':
      return plan.lines.map(({ adapter }) => [adapter, alone(plan.ip)]);
    case 'client':
      return [[plan.adapter, alone(plan.ip)]];
    case 'dhcp-server':
      return [[plan.adapter, showPrefix(plan.prefix)]];
    case 'provider-router':
    case 'cloud-gateway':
      return [
        [plan.outside.adapter, alone(plan.outside.ip)],
        [plan.inside.adapter, showPrefix(plan.inside.prefix)],
      ];
    case 'provider-appliance':
      return [
        [plan.external.adapter, showPrefix(plan.external.prefix)],
        ...plan.inside.map(({ adapter }) => [adapter, ''] as const),
      ];
    case 'edge-gateway':
      return [
        [plan.outside.adapter, showPrefix(plan.outside.prefix)],
        ...plan.inside.map((adapter) => [adapter, ''] as const),
      ];
  }
}

function programsOf(plan: NodePlan): string[] {
  const serving = (ports: readonly PortPlan[]): string[] =>
    ports.length === 0
      ? []
      : [`agent for ${ports.map(({ protocol, port }) => `${protocol}/${port}`).join(', ')}`];
  const leasing = (dhcp: DhcpPlan | undefined): string[] => (dhcp === undefined ? [] : ['dnsmasq']);
  switch (plan.kind) {
    case 'guest': {
      const client = plan.address.kind === 'dhcp' ? ['busybox udhcpc'] : [];
      return [...serving(plan.listen), ...client, ...leasing(plan.dhcp)];
    }
    case 'client':
      return serving(plan.listen);
    case 'router':
      return plan.inside.flatMap(({ dhcp, dhcpRelayTo }) => [
        ...leasing(dhcp),
        ...(dhcpRelayTo === undefined ? [] : ['dnsmasq as a relay']),
      ]);
    case 'dhcp-server':
      return leasing(plan.dhcp);
    default:
      return [];
  }
}
