/** A topology becomes devices in a fabric: machines and switches, then cables, then what runs from the beginning. */
import type { Fact, MachineRole } from '../trace/event.ts';
import { showIpv4 } from '../wire/address.ts';
import { addAlwaysOn, beginAlwaysOn } from './always-on.ts';
import type { Cables } from './cables.ts';
import type { Fabric } from './fabric.ts';
import { newAppliance, newGuest } from './lives.ts';
import type { Machines } from './machines.ts';
import type { Power } from './power.ts';
import type { NodePlan, SwitchPlan, Topology, TunnelPlan } from './topology.ts';
import type { Vpns } from './vpns.ts';

export interface Ground {
  readonly fabric: Fabric;
  readonly machines: Machines;
  readonly cables: Cables;
  readonly power: Power;
  readonly vpns: Vpns;
}

export function layOut(topology: Topology, ground: Ground): void {
  const { machines, fabric, cables } = ground;
  for (const plan of topology.switches) addSwitch(plan, machines);
  for (const plan of topology.nodes) add(plan, machines, fabric, topology.tunnel);
  for (const trunk of topology.trunks) cables.layTrunk(trunk);
  for (const cable of topology.cables) cables.lay(cable);
  for (const plan of topology.nodes) begin(plan, ground);
}

function addSwitch({ name, portGroups }: SwitchPlan, machines: Machines): void {
  const made = machines.works.switch(name);
  for (const { vlan, tracking } of portGroups) if (tracking) made.track(vlan, tracking);
  machines.switches.set(name, made);
  machines.portGroups.set(name, portGroups);
}

function add(plan: NodePlan, machines: Machines, fabric: Fabric, tunnel: TunnelPlan): void {
  const asleep = { lives: 0, power: 'off' } as const;
  switch (plan.kind) {
    case 'guest':
      machines.guests.set(plan.name, {
        plan,
        life: newGuest(plan, 0, fabric, machines),
        ...asleep,
      });
      break;
    case 'tenant-appliance':
    case 'provider-appliance': {
      const life = newAppliance(plan, 0, fabric, machines, tunnel);
      machines.appliances.set(plan.name, { plan, life, ...asleep });
      break;
    }
    default:
      addAlwaysOn(plan, machines, fabric);
  }
}

/** Tells the log of a machine, and starts it if it runs from the beginning. */
function begin(plan: NodePlan, { machines, fabric, cables, power, vpns }: Ground): void {
  fabric.log.tell(fabric.now, plan.name, -1, machineFact(plan));
  switch (plan.kind) {
    case 'guest':
      power.beginGuest(plan);
      break;
    case 'tenant-appliance':
    case 'provider-appliance':
      cables.power(machines.stack(plan.name)!, false);
      break;
    default:
      beginAlwaysOn(plan, machines, fabric, vpns);
  }
}

const roles: Readonly<Record<NodePlan['kind'], MachineRole>> = {
  guest: 'vm',
  router: 'router',
  internet: 'internet',
  'dhcp-server': 'dhcp-server',
  client: 'client',
  'provider-router': 'provider-router',
  'tenant-appliance': 'tenant-appliance',
  'provider-appliance': 'provider-appliance',
  'cloud-gateway': 'cloud-gateway',
  'edge-gateway': 'edge-gateway',
};

function machineFact(plan: NodePlan): Fact {
  const { tenant } = plan;
  const common = { kind: 'machine', tenant, vm: '', network: '', address: 'none', ip: '' } as const;
  if (plan.kind === 'guest' || plan.kind === 'tenant-appliance') {
    const { address, network } = plan;
    const ip = address.kind === 'static' ? showIpv4(address.prefix.address) : '';
    const role = plan.kind === 'guest' && plan.replica ? 'replica' : roles[plan.kind];
    const vm = plan.kind === 'guest' ? plan.vm : '';
    return { ...common, role, vm, network, address: address.kind, ip };
  }
  const role = roles[plan.kind];
  if (plan.kind === 'client') return { ...common, role, address: 'static', ip: showIpv4(plan.ip) };
  return { ...common, role };
}
