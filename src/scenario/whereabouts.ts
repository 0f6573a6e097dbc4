/** From places of a scenario to the nodes and cables of its lab. */
import type { Where } from '../lab/cables.ts';
import { routerOf } from './compile-tenant.ts';
import { planNetworkOf } from './plan-network.ts';
import type { Machine, Scenario, Whereabouts } from './scenario.ts';

/** The name under which the lab knows a machine. */
export function nodeOf(machine: Machine): string {
  return machine.kind === 'router' ? routerOf(machine.site) : machine.name;
}

/** A machine, or the switch that a network of a site is. */
export const nodeAt = (at: Whereabouts): string => ('name' in at ? at.name : nodeOf(at));

/** A tunnel's datagrams cannot be told from others on their way: what happens to it happens to the line of its site. */
export const hit = (at: Whereabouts, scenario: Scenario): string =>
  at.kind === 'tunnel' ? `${siteOf(at.name, scenario)}.internet` : at.text;

const sitesOf = ({ tenants }: Scenario) => tenants.flatMap(({ sites }) => sites);

const siteOf = (network: string, scenario: Scenario): string =>
  sitesOf(scenario).find(({ networks }) => networks.some(({ name }) => name === network))!.name;

const lineAdapter = 'wan';

/** The cables that a place stands for. */
export function whereOf(at: Whereabouts, scenario: Scenario): Where {
  switch (at.kind) {
    case 'plan-network': {
      // On the host that has the appliance: what goes elsewhere in the cluster passes there too.
      const { plan, network } = planNetworkOf(scenario, at.name)!;
      return { node: plan.hosts[0]!, vlan: network.vlan };
    }
    case 'tunnel':
      return { node: routerOf(siteOf(at.name, scenario)), adapter: lineAdapter };
    case 'line': {
      const isSite = sitesOf(scenario).some(({ name }) => name === at.name);
      return { node: isSite ? routerOf(at.name) : at.name, adapter: lineAdapter };
    }
    case 'network':
    case 'internet':
      return { node: at.name };
    default:
      return { node: nodeOf(at) };
  }
}
