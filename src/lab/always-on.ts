/** Machines that run from the beginning: routers, the internet, cloud and edge gateways, DHCP servers. */
import { addDefaultRoute, CloudGateway, rulesOf } from '../device/appliance.ts';
import type { DhcpService } from '../device/dhcp-service.ts';
import { GatewayNat } from '../device/gateway-nat.ts';
import { addGuard, Firewall } from '../device/guards.ts';
import { TcpPart } from '../device/tcp-part.ts';
import type { Interface } from '../stack/interface.ts';
import type { IpStack } from '../stack/ip-stack.ts';
import { linux } from '../stack/profile.ts';
import type { Route } from '../stack/routes.ts';
import { anyIpv4, type Ipv4 } from '../wire/address.ts';
import type { Fabric } from './fabric.ts';
import type { Machines } from './machines.ts';
import type {
  ClientPlan,
  CloudGatewayPlan,
  DhcpServerPlan,
  EdgeGatewayPlan,
  InternetPlan,
  ProviderRouterPlan,
  RouterPlan,
} from './topology.ts';
import type { Vpns } from './vpns.ts';

export type AlwaysOnPlan =
  | RouterPlan
  | InternetPlan
  | DhcpServerPlan
  | ClientPlan
  | ProviderRouterPlan
  | CloudGatewayPlan
  | EdgeGatewayPlan;

/** Puts the machine there, with its adapters; it does nothing yet. */
export function addAlwaysOn(plan: AlwaysOnPlan, machines: Machines, fabric: Fabric): void {
  const life = { stack: newStack(plan, 0, machines, fabric) };
  machines.alwaysOn.set(plan.name, { plan, life, lives: 0, power: 'on' });
}

/** A life of it. What its firewall was told lasts longer. */
export function newStack(
  plan: AlwaysOnPlan,
  lives: number,
  machines: Machines,
  fabric: Fabric,
): IpStack {
  const { name } = plan;
  const random = fabric.random.child(lives === 0 ? name : `${name} life ${lives}`);
  const forwarder = (): IpStack =>
    machines.works.stack(name, { profile: linux, random, forwarding: true });
  switch (plan.kind) {
    case 'cloud-gateway': {
      const adapters = [plan.outside.adapter, plan.inside.adapter];
      const firewall = firewallOf(plan, machines);
      const gateway = new CloudGateway(name, adapters, firewall, random, machines.works);
      machines.gateways.set(name, gateway);
      return gateway.stack;
    }
    case 'router': {
      const stack = forwarder();
      for (const { adapter } of plan.inside) stack.addInterface(adapter);
      if (plan.outside) stack.addInterface(plan.outside.adapter);
      return stack;
    }
    case 'edge-gateway': {
      const stack = forwarder();
      for (const adapter of [plan.outside.adapter, ...plan.inside]) stack.addInterface(adapter);
      return stack;
    }
    case 'internet': {
      const stack = forwarder();
      for (const { adapter } of plan.lines) stack.addInterface(adapter);
      return stack;
    }
    case 'provider-router': {
      const stack = forwarder();
      for (const { adapter } of [plan.outside, plan.inside]) stack.addInterface(adapter);
      return stack;
    }
    case 'client':
    case 'dhcp-server': {
      const stack = machines.works.stack(name, { profile: linux, random });
      stack.addInterface(plan.adapter);
      return stack;
    }
  }
}

function firewallOf({ name, block }: RouterPlan | CloudGatewayPlan, machines: Machines): Firewall {
  let firewall = machines.firewalls.get(name);
  if (firewall === undefined)
    machines.firewalls.set(name, (firewall = new Firewall(rulesOf(block))));
  return firewall;
}

export function beginAlwaysOn(
  plan: AlwaysOnPlan,
  machines: Machines,
  fabric: Fabric,
  vpns: Vpns,
): void {
  switch (plan.kind) {
    case 'router':
      beginRouter(plan, machines, fabric);
      if (plan.vpn) vpns.begin(plan.vpn, machines.alwaysOn.get(plan.name)!);
      break;
    case 'internet':
      beginInternet(plan, machines, fabric);
      break;
    case 'dhcp-server':
      beginDhcpServer(plan, machines, fabric);
      break;
    case 'client':
      beginClient(plan, machines, fabric);
      break;
    case 'provider-router':
      beginProviderRouter(plan, machines, fabric);
      break;
    case 'cloud-gateway':
      beginGateway(plan, machines, fabric);
      break;
    case 'edge-gateway':
      beginEdge(plan, machines, fabric);
      if (plan.vpn) vpns.begin(plan.vpn, machines.alwaysOn.get(plan.name)!);
      break;
  }
}

function beginRouter(plan: RouterPlan, machines: Machines, fabric: Fabric): void {
  const { now } = fabric;
  const stack = machines.stack(plan.name)!;
  const services: DhcpService[] = [];
  for (const { adapter, prefix, dhcp, dhcpRelayTo } of plan.inside) {
    const on = stack.interface(adapter.name);
    stack.addAddress(on, prefix, 'static', now, fabric);
    if (dhcp !== undefined) services.push(machines.works.dhcpServer(stack, on, dhcp));
    if (dhcpRelayTo !== undefined) machines.works.dhcpRelay(stack, on, dhcpRelayTo);
  }
  machines.dhcp.set(plan.name, services);
  if (plan.outside === undefined) return;
  const outside = stack.interface(plan.outside.adapter.name);
  stack.addAddress(outside, { address: plan.outside.ip, length: 32 }, 'static', now, fabric);
  addDefaultRoute(stack, outside, plan.outside.via, now, fabric);
  const random = fabric.random.child(`${plan.name} translation`);
  machines.works.guardSite(stack, outside, firewallOf(plan, machines), random);
}

function beginInternet(plan: InternetPlan, machines: Machines, fabric: Fabric): void {
  const { now } = fabric;
  const stack = machines.stack(plan.name)!;
  for (const { adapter, ip, behind } of plan.lines) {
    const line = stack.interface(adapter.name);
    stack.addAddress(line, { address: plan.ip, length: 32 }, 'static', now, fabric);
    stack.addRoute(routeTo(ip, line, anyIpv4), now, fabric);
    for (const to of behind) stack.addRoute(routeTo(to, line, ip), now, fabric);
  }
}

const routeTo = (address: Ipv4, on: Interface, via: Ipv4): Route => ({
  prefix: { address, length: 32 },
  kind: 'unicast',
  interface: on,
  via,
  metric: 0,
});

function beginClient(plan: ClientPlan, machines: Machines, fabric: Fabric): void {
  const { now } = fabric;
  const stack = machines.stack(plan.name)!;
  const line = stack.interface(plan.adapter.name);
  stack.addAddress(line, { address: plan.ip, length: 32 }, 'static', now, fabric);
  addDefaultRoute(stack, line, plan.via, now, fabric);
  machines.works.serve(stack, new TcpPart(stack), plan.listen, now);
}

function beginProviderRouter(plan: ProviderRouterPlan, machines: Machines, fabric: Fabric): void {
  const { now } = fabric;
  const stack = machines.stack(plan.name)!;
  const { outside, inside, routes } = plan;
  const line = stack.interface(outside.adapter.name);
  const lan = stack.interface(inside.adapter.name);
  stack.addAddress(line, { address: outside.ip, length: 32 }, 'static', now, fabric);
  addDefaultRoute(stack, line, outside.via, now, fabric);
  stack.addAddress(lan, inside.prefix, 'static', now, fabric);
  for (const { to, via } of routes) stack.addRoute(routeTo(to, lan, via), now, fabric);
}

function beginDhcpServer(plan: DhcpServerPlan, machines: Machines, fabric: Fabric): void {
  const stack = machines.stack(plan.name)!;
  const on = stack.interface(plan.adapter.name);
  stack.addAddress(on, plan.prefix, 'static', fabric.now, fabric);
  machines.dhcp.set(plan.name, [machines.works.dhcpServer(stack, on, plan.dhcp)]);
}

function beginGateway(plan: CloudGatewayPlan, machines: Machines, fabric: Fabric): void {
  const { now } = fabric;
  const gateway = machines.gateways.get(plan.name)!;
  const { stack } = gateway;
  const { outside, inside } = plan;
  const line = stack.interface(outside.adapter.name);
  stack.addAddress(line, { address: outside.ip, length: 32 }, 'static', now, fabric);
  addDefaultRoute(stack, line, outside.via, now, fabric);
  stack.addAddress(stack.interface(inside.adapter.name), inside.prefix, 'static', now, fabric);
  gateway.start(now);
}

/** Its translation is its own and stands all the time: no operation sets it up. */
function beginEdge(plan: EdgeGatewayPlan, machines: Machines, fabric: Fabric): void {
  const { now } = fabric;
  const { name, outside, nat } = plan;
  const { life, lives } = machines.alwaysOn.get(name)!;
  const { stack } = life;
  const line = stack.interface(outside.adapter.name);
  stack.addAddress(line, outside.prefix, 'static', now, fabric);
  addDefaultRoute(stack, line, outside.via, now, fabric);
  if (nat === undefined) return;
  const { rules } = nat;
  for (const address of new Set(rules.map(({ publicIp }) => publicIp)))
    if (address !== outside.prefix.address)
      stack.addAddress(line, { address, length: 32 }, 'static', now, fabric);
  const networks = nat.networks.map(({ adapter, prefix, byVpn }) => {
    const segment = stack.interface(adapter);
    if (!byVpn) stack.addAddress(segment, prefix, 'static', now, fabric);
    return { segment, prefix, internet: true };
  });
  const random = fabric.random.child(`${name} life ${lives} translation`);
  addGuard(stack, new GatewayNat({ stack, outside: line, networks, routing: true, rules, random }));
}
