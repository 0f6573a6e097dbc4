/** Machines that can be switched on: a new life each time, with nothing carried over but what is on a disk. */
import type { Random } from '../base/random.ts';
import { AddressKeeper } from '../device/address-keeper.ts';
import { Appliance } from '../device/appliance.ts';
import { Guest } from '../device/guest.ts';
import type { Ipv4 } from '../wire/address.ts';
import type { Fabric } from './fabric.ts';
import type { AppliancePlan, Machines } from './machines.ts';
import type { GuestPlan, TunnelPlan } from './topology.ts';

const randomOf = (fabric: Fabric, name: string, life: number): Random =>
  fabric.random.child(`${name} life ${life}`);

export function newGuest(
  plan: GuestPlan,
  life: number,
  fabric: Fabric,
  { works }: Machines,
): Guest {
  const { name, os, network, listen, dhcp, echo, answersFor, guestMac } = plan;
  const adapter = guestMac === undefined ? plan.adapter : { ...plan.adapter, mac: guestMac };
  const random = randomOf(fabric, name, life);
  const options = { name, os, network, adapter, listen, dhcp, echo, answersFor, random };
  return new Guest(options, works);
}

export function newAppliance(
  plan: AppliancePlan,
  lives: number,
  fabric: Fabric,
  { works }: Machines,
  { mode, mtu, mssClamp, pmtud }: TunnelPlan,
): Appliance {
  const random = randomOf(fabric, plan.name, lives);
  const { proxyArp, scope, announcesUp, announcesDown } = plan;
  const common = { mode, proxyArp, scope, announcesUp, announcesDown, mtu, mssClamp, pmtud };
  if (plan.kind === 'tenant-appliance') {
    const { network, subnet, index } = plan;
    const life = new Appliance(plan.name, [plan.adapter], random, works);
    const segment = life.stack.interfaces[0]!;
    const own = random.child(`tunnel ${network}`);
    life.extend({ ...common, side: 'tenant', network, subnet, index, segment, random: own });
    return life;
  }
  const adapters = [plan.external.adapter, ...plan.inside.map(({ adapter }) => adapter)];
  const life = new Appliance(plan.name, adapters, random, works);
  for (const { network, subnet, providerNetwork, index } of plan.tunnels) {
    const inside = plan.inside.find((one) => one.network === providerNetwork);
    if (inside === undefined) continue;
    const segment = life.stack.interface(inside.adapter.name);
    const own = random.child(`tunnel ${network}`);
    life.extend({ ...common, side: 'provider', network, subnet, index, segment, random: own });
  }
  return life;
}

/** What an appliance does once it has booted: it takes its addresses. */
export function beginAppliance(
  plan: AppliancePlan,
  life: Appliance,
  fabric: Fabric,
  cause: number,
): void {
  const { now } = fabric;
  const { stack } = life;
  if (plan.kind === 'tenant-appliance') {
    const segment = stack.interface(plan.adapter.name);
    life.keeper = new AddressKeeper(stack, segment, plan.address);
    life.keeper.start(now, fabric, cause);
    return;
  }
  const { external, inside } = plan;
  const outside = stack.interface(external.adapter.name);
  stack.addAddress(outside, external.prefix, 'appliance', now, fabric, cause);
  for (const { adapter } of inside) {
    // Enabled, but with no address of any network: it shows as 169.254.0.1.
    const address = { address: 0xa9fe_0001 | 0, length: 32 } as { address: Ipv4; length: number };
    stack.addAddress(stack.interface(adapter.name), address, 'appliance', now, fabric, cause);
  }
}
