/** Machines that run from the beginning to the end: routers, the internet, cloud gateways, DHCP servers. */
import {
  addDefaultRoute,
  CloudGateway,
  forwarder,
  guardSite,
  rulesOf,
} from '../device/appliance.ts';
import { DhcpService } from '../device/dhcp-service.ts';
import { IpStack } from '../stack/ip-stack.ts';
import { linux } from '../stack/profile.ts';
import { anyIpv4 } from '../wire/address.ts';
import type { Fabric } from './fabric.ts';
import type { Machines } from './machines.ts';
import type { CloudGatewayPlan, DhcpServerPlan, InternetPlan, RouterPlan } from './topology.ts';

export type AlwaysOnPlan = RouterPlan | InternetPlan | DhcpServerPlan | CloudGatewayPlan;

/** Puts the machine there, with its adapters; it does nothing yet. */
export function addAlwaysOn(plan: AlwaysOnPlan, machines: Machines, fabric: Fabric): void {
  const random = fabric.random.child(plan.name);
  switch (plan.kind) {
    case 'cloud-gateway': {
      const adapters = [plan.outside.adapter, plan.inside.adapter];
      const gateway = new CloudGateway(plan.name, adapters, rulesOf(plan.block), random);
      machines.gateways.set(plan.name, gateway);
      machines.firewalls.set(plan.name, gateway.firewall);
      machines.alwaysOn.set(plan.name, gateway.stack);
      break;
    }
    case 'router': {
      const stack = forwarder(plan.name, random);
      for (const { adapter } of plan.inside) stack.addInterface(adapter);
      if (plan.outside) stack.addInterface(plan.outside.adapter);
      machines.alwaysOn.set(plan.name, stack);
      break;
    }
    case 'internet': {
      const stack = forwarder(plan.name, random);
      for (const { adapter } of plan.lines) stack.addInterface(adapter);
      machines.alwaysOn.set(plan.name, stack);
      break;
    }
    case 'dhcp-server': {
      const stack = new IpStack(plan.name, { profile: linux, random });
      stack.addInterface(plan.adapter);
      machines.alwaysOn.set(plan.name, stack);
      break;
    }
  }
}

export function beginAlwaysOn(plan: AlwaysOnPlan, machines: Machines, fabric: Fabric): void {
  switch (plan.kind) {
    case 'router':
      beginRouter(plan, machines, fabric);
      break;
    case 'internet':
      beginInternet(plan, machines, fabric);
      break;
    case 'dhcp-server':
      beginDhcpServer(plan, machines, fabric);
      break;
    case 'cloud-gateway':
      beginGateway(plan, machines, fabric);
      break;
  }
}

function beginRouter(plan: RouterPlan, machines: Machines, fabric: Fabric): void {
  const { now } = fabric;
  const stack = machines.alwaysOn.get(plan.name)!;
  for (const { adapter, prefix, dhcp } of plan.inside) {
    const on = stack.interface(adapter.name);
    stack.addAddress(on, prefix, 'static', now, fabric);
    if (dhcp === undefined) continue;
    const { address } = prefix;
    new DhcpService(stack, on, { ...dhcp, address, subnet: prefix, router: address });
  }
  if (plan.outside === undefined) return;
  const outside = stack.interface(plan.outside.adapter.name);
  stack.addAddress(outside, { address: plan.outside.ip, length: 32 }, 'static', now, fabric);
  addDefaultRoute(stack, outside, plan.outside.via, now, fabric);
  const random = fabric.random.child(`${plan.name} translation`);
  machines.firewalls.set(plan.name, guardSite(stack, outside, rulesOf(plan.block), random));
}

function beginInternet(plan: InternetPlan, machines: Machines, fabric: Fabric): void {
  const { now } = fabric;
  const stack = machines.alwaysOn.get(plan.name)!;
  for (const { adapter, ip } of plan.lines) {
    const line = stack.interface(adapter.name);
    stack.addAddress(line, { address: plan.ip, length: 32 }, 'static', now, fabric);
    const prefix = { address: ip, length: 32 };
    const route = { prefix, kind: 'unicast', interface: line, via: anyIpv4, metric: 0 } as const;
    stack.addRoute(route, now, fabric);
  }
}

function beginDhcpServer(plan: DhcpServerPlan, machines: Machines, fabric: Fabric): void {
  const stack = machines.alwaysOn.get(plan.name)!;
  const on = stack.interface(plan.adapter.name);
  stack.addAddress(on, plan.prefix, 'static', fabric.now, fabric);
  const { address } = plan.prefix;
  const config = { ...plan.dhcp, address, subnet: plan.prefix, router: address };
  new DhcpService(stack, on, config);
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
