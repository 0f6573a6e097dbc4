/** Faults as a scenario words them, done to a lab. */
import type { Duration } from '../base/time.ts';
import type { LinkOptions } from '../lab/fabric.ts';
import type { Lab } from '../lab/lab.ts';
import type { Fact } from '../trace/event.ts';
import type { Fault, Machine, Premises, Scenario, Whereabouts } from './scenario.ts';
import { cablesAt, inventory, isPremises, nodeAt, nodeOf } from './whereabouts.ts';

type FaultFact = Extract<Fact, { kind: 'fault' }>;

export function inflict(fault: Fault, scenario: Scenario, lab: Lab): void {
  const note = (
    name: string,
    target: string,
    more: Pick<FaultFact, 'direction' | 'ports' | 'daemon' | 'network' | 'amount'> = {},
  ): void => {
    const { line } = fault.place;
    lab.log.tell(lab.now, 'lab', -1, { kind: 'fault', fault: name, target, ...more, line });
  };
  const inVain = (about: string): void => {
    const code = 'FAULT_WITHOUT_EFFECT';
    lab.log.tell(lab.now, 'lab', -1, { kind: 'warning', code, about });
  };
  const { cables, access, ailments } = lab.network;
  switch (fault.kind) {
    case 'power_off':
    case 'power_on':
      note(fault.kind, fault.at.text);
      supply(fault.at, fault.kind === 'power_on', scenario, lab);
      break;
    case 'link_down':
    case 'link_up':
    case 'port_off':
    case 'port_on': {
      const where = cablesAt(fault.at, scenario);
      note(fault.kind, fault.at.text, { ports: where.flatMap((one) => cables.portsAt(one)) });
      const how = fault.kind.startsWith('link') ? 'pulled' : 'port off';
      const isCut = fault.kind === 'link_down' || fault.kind === 'port_off';
      for (const one of where) cables.cut(one, how, isCut);
      break;
    }
    case 'interface_down':
    case 'interface_up': {
      const where = cablesAt(fault.at, scenario);
      note(fault.kind, fault.at.text, { ports: where.flatMap((one) => cables.portsAt(one)) });
      for (const one of where) cables.setAdapter(one, fault.kind === 'interface_up');
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
      const ports = cablesAt(at, scenario).flatMap((where) =>
        cables.impair(where, direction, change),
      );
      const amount = amountOf(change);
      note(fault.fault, at.text, { direction, ports, ...(amount !== undefined && { amount }) });
      break;
    }
    case 'mend': {
      const { at } = fault;
      const where = cablesAt(at, scenario);
      note(fault.kind, at.text, { ports: where.flatMap((one) => cables.portsAt(one)) });
      for (const one of where) cables.mend(one);
      for (const daemon of ['vpn', 'proxy_arp', 'dhcp'] as const)
        ailments.hang(nodeAt(at), daemon, undefined, false);
      break;
    }
    case 'hang':
    case 'resume': {
      const { at, daemon, network } = fault;
      note(fault.kind, at.text, network === undefined ? { daemon } : { daemon, network });
      const runs = ailments.hang(nodeNow(at, lab), daemon, network, fault.kind === 'hang');
      if (!runs) inVain(`${daemon} of ${at.text}`);
      break;
    }
    case 'nea_password':
      note(fault.kind, fault.at.text);
      access.changePassword(nodeOf(fault.at));
      break;
    case 'redeploy':
      note(fault.kind, fault.at.text);
      access.redeploy(nodeOf(fault.at));
      break;
    case 'lose_lease':
      note(fault.kind, fault.at.text);
      if (!ailments.loseLease(nodeNow(fault.at, lab))) inVain(fault.at.text);
      break;
    case 'clock_step': {
      const { at, by, direction } = fault;
      note(fault.kind, at.text, { direction });
      ailments.stepClock(nodeNow(at, lab), (direction === 'back' ? -by : by) as Duration);
      break;
    }
  }
}

/** A machine is switched on or off; where all lose their power, nobody can switch them on meanwhile. */
function supply(at: Whereabouts | Premises, on: boolean, scenario: Scenario, lab: Lab): void {
  if (isPremises(at)) lab.supply(inventory(at, scenario), on);
  else if (on) lab.powerOn(nodeAt(at));
  else lab.powerOff(nodeAt(at));
}

/** What a line has become, as one number: of frames that are held back, for how long. */
function amountOf({ heldBack, loss, latency, jitter, ...more }: Partial<LinkOptions>) {
  return (
    heldBack ??
    loss ??
    latency ??
    jitter ??
    more.corruption ??
    more.duplication ??
    more.rate ??
    more.frameMax
  );
}

/** Of a VM, the machine that it is at this moment: maybe its replica. */
const nodeNow = (at: Machine, lab: Lab): string =>
  at.kind === 'vm' ? (lab.active(at.name)?.stack.name ?? at.name) : nodeOf(at);
