/** Faults as a scenario words them, done to a lab. */
import type { Lab } from '../lab/lab.ts';
import type { Fact } from '../trace/event.ts';
import type { Fault, Scenario } from './scenario.ts';
import { hit, nodeAt, nodeOf, whereOf } from './whereabouts.ts';

type FaultFact = Extract<Fact, { kind: 'fault' }>;

export function inflict(fault: Fault, scenario: Scenario, lab: Lab): void {
  const note = (
    name: string,
    target: string,
    more: Pick<FaultFact, 'direction' | 'ports'> = {},
  ): void => {
    const { line } = fault.place;
    lab.log.tell(lab.now, 'lab', -1, { kind: 'fault', fault: name, target, ...more, line });
  };
  const { cables } = lab.network;
  switch (fault.kind) {
    case 'power_off':
    case 'power_on':
      note(fault.kind, fault.at.text);
      if (fault.kind === 'power_on') lab.powerOn(nodeAt(fault.at));
      else lab.powerOff(nodeAt(fault.at));
      break;
    case 'link_down':
    case 'link_up':
    case 'port_off':
    case 'port_on': {
      const where = whereOf(fault.at, scenario);
      note(fault.kind, fault.at.text, { ports: cables.portsAt(where) });
      const how = fault.kind.startsWith('link') ? 'pulled' : 'port off';
      cables.cut(where, how, fault.kind === 'link_down' || fault.kind === 'port_off');
      break;
    }
    case 'interface_down':
    case 'interface_up': {
      const where = whereOf(fault.at, scenario);
      note(fault.kind, fault.at.text, { ports: cables.portsAt(where) });
      cables.setAdapter(where, fault.kind === 'interface_up');
      break;
    }
    case 'block':
    case 'unblock': {
      const at = fault.at
        ? [nodeOf(fault.at)]
        : (scenario.provider?.gateways.map(({ name }) => name) ?? []);
      const ports = fault.ports
        .map((one) => ('port' in one ? `${one.protocol}/${one.port}` : one.protocol))
        .join(' ');
      const { direction } = fault;
      const sides = direction === 'both' ? (['in', 'out'] as const) : [direction];
      for (const node of at) {
        note(fault.kind, `${ports} at ${node}`, { direction });
        for (const side of sides) lab.network[fault.kind](node, fault.ports, side);
      }
      break;
    }
    case 'line': {
      const { at, direction, change } = fault;
      const where = whereOf(at, scenario);
      const ports = cables.impair(where, direction, change);
      note(fault.fault, hit(at, scenario), { direction, ports });
      break;
    }
    case 'mend': {
      const where = whereOf(fault.at, scenario);
      note(fault.kind, hit(fault.at, scenario), { ports: cables.portsAt(where) });
      cables.mend(where);
      break;
    }
  }
}
