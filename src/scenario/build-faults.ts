/** From what a file says to what breaks: faults, with every name looked up. */
import type { RawFault } from './format-faults.ts';
import type { Names } from './names.ts';
import { placeOf } from './place.ts';
import type { Findings } from './problem.ts';
import type { Fault } from './scenario.ts';

export function buildFault(raw: RawFault, names: Names, findings: Findings): Fault | undefined {
  const place = placeOf(raw.spot);
  if (raw.value === undefined) return undefined;
  switch (raw.verb) {
    case 'power_off':
    case 'power_on':
    case 'link_down':
    case 'link_up': {
      const machine = names.machine(raw.value);
      const isPower = raw.verb === 'power_off' || raw.verb === 'power_on';
      if (isPower && (machine?.kind === 'gateway' || machine?.kind === 'router')) {
        const hint = `pull its cables: link_down: ${machine.text}`;
        findings.add('E303', raw.value.spot, `${machine.text} cannot be switched off`, hint);
      }
      return machine && { kind: raw.verb, machine, place };
    }
    case 'block':
    case 'unblock': {
      const { value } = raw;
      if ('value' in value) return { kind: raw.verb, at: undefined, ports: [value.value], place };
      const at = value.at && names.machine(value.at);
      if (at === undefined || value.ports === undefined) return undefined;
      if (at.kind !== 'gateway' && at.kind !== 'router') {
        const message = `${at.text} has no firewall`;
        findings.add('E303', value.at!.spot, message, 'cloud gateways and routers have');
      }
      return { kind: raw.verb, at, ports: value.ports.items.map((port) => port.value), place };
    }
    case 'drop': {
      const at = raw.value.at && names.whereabouts(raw.value.at);
      const loss = raw.value.loss?.value;
      return at && loss !== undefined ? { kind: 'drop', at, loss, place } : undefined;
    }
    case 'delay': {
      const at = raw.value.at && names.whereabouts(raw.value.at);
      const latency = raw.value.latency?.value;
      return at && latency !== undefined ? { kind: 'delay', at, latency, place } : undefined;
    }
    case 'mtu': {
      const at = raw.value.at && names.whereabouts(raw.value.at);
      const mtu = raw.value.mtu?.value;
      return at && mtu !== undefined ? { kind: 'mtu', at, mtu, place } : undefined;
    }
  }
}
