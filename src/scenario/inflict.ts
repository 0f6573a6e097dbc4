/** Faults as a scenario words them, done to a lab. */

import type { LinkOptions } from '../lab/fabric.ts';
import type { Lab } from '../lab/lab.ts';
import { hostOf, routerOf } from './compile.ts';
import type { Fault, Machine, Scenario, Whereabouts } from './scenario.ts';

export function inflict(fault: Fault, scenario: Scenario, lab: Lab): void {
  const note = (target: string): void => {
    const { line } = fault.place;
    lab.log.tell(lab.now, 'lab', -1, { kind: 'fault', fault: fault.kind, target, line });
  };
  switch (fault.kind) {
    case 'power_off':
      note(fault.machine.text);
      lab.powerOff(nodeOf(fault.machine));
      break;
    case 'power_on':
      note(fault.machine.text);
      lab.powerOn(nodeOf(fault.machine));
      break;
    case 'link_down':
    case 'link_up':
      note(fault.machine.text);
      lab.network.cables.setLink(nodeOf(fault.machine), fault.kind === 'link_up');
      break;
    case 'block':
    case 'unblock': {
      const at = fault.at
        ? [nodeOf(fault.at)]
        : (scenario.provider?.gateways.map(({ name }) => name) ?? []);
      const ports = fault.ports.map(({ protocol, port }) => `${protocol}/${port}`).join(' ');
      for (const node of at) {
        note(`${ports} at ${node}`);
        lab.network[fault.kind](node, fault.ports);
      }
      break;
    }
    case 'drop':
      note(`${fault.at.text} ${fault.loss * 100}%`);
      change(fault.at, scenario, lab, (link) => ({ ...link, loss: fault.loss }));
      break;
    case 'delay':
      note(fault.at.text);
      change(fault.at, scenario, lab, (link) => ({ ...link, latency: fault.latency }));
      break;
    case 'mtu':
      note(`${fault.at.text} ${fault.mtu}`);
      change(fault.at, scenario, lab, (link) => ({ ...link, frameMax: fault.mtu + 18 }));
      break;
  }
}

/** The name under which the lab knows a machine. */
export function nodeOf(machine: Machine): string {
  return machine.kind === 'router' ? routerOf(machine.site) : machine.name;
}

/** A tunnel's datagrams travel over the lines of the internet: what happens to it happens there. */
function change(
  at: Whereabouts,
  scenario: Scenario,
  lab: Lab,
  how: (link: LinkOptions) => LinkOptions,
): void {
  switch (at.kind) {
    case 'network':
      lab.network.cables.impair(at.name, how);
      break;
    case 'plan-network': {
      const { provider } = scenario;
      if (provider === undefined) break;
      const vlan = provider.plan.networks.find(({ name }) => name === at.name)?.vlan;
      lab.network.cables.impair(hostOf(provider), how, vlan);
      break;
    }
    case 'internet':
    case 'tunnel':
      lab.network.cables.impair('internet', how);
      break;
    default:
      lab.network.cables.impair(nodeOf(at), how);
  }
}
