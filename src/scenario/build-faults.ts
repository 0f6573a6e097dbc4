/** From what a file says to what breaks: faults, with every name looked up. */
import type { LinkOptions } from '../lab/fabric.ts';
import type { RawFault } from './format-faults.ts';
import type { Names } from './names.ts';
import { placeOf } from './place.ts';
import type { Findings } from './problem.ts';
import type { Direction, Fault, Machine } from './scenario.ts';
import type { At } from './shape.ts';
import type { EndText } from './units.ts';

/** The Ethernet header; no cable of a lab carries tags. */
const frameOverhead = 14;

export function buildFault(raw: RawFault, names: Names, findings: Findings): Fault | undefined {
  const place = placeOf(raw.spot);
  if (raw.value === undefined) return undefined;
  const allowed = <P extends { readonly kind: string; readonly text: string }>(
    at: P | undefined,
    kinds: readonly P['kind'][],
    { spot }: At<string>,
    what: string,
    hint: string,
  ): P | undefined => {
    if (at !== undefined && !kinds.includes(at.kind))
      findings.add('E303', spot, `${at.text} ${what}`, hint);
    return at;
  };
  const only = (
    text: At<EndText>,
    kinds: readonly Machine['kind'][],
    what: string,
  ): Machine | undefined => {
    const at = names.machine(text);
    if (at === undefined || kinds.includes(at.kind)) return at;
    findings.add('E303', text.spot, `${at.text} ${what}`);
    return undefined;
  };
  switch (raw.verb) {
    case 'power_off':
    case 'power_on': {
      const hint = 'machines, sites, their networks and hosts can';
      const kinds = [...machines, 'network', 'site', 'host'] as const;
      const at = allowed(
        names.supplied(raw.value),
        kinds,
        raw.value,
        'cannot be switched off',
        hint,
      );
      return at && { kind: raw.verb, at, place };
    }
    case 'link_down':
    case 'link_up':
    case 'port_off':
    case 'port_on':
    case 'interface_down':
    case 'interface_up': {
      const at = allowed(
        names.whereabouts(raw.value),
        [...machines, 'line'],
        raw.value,
        'has no cable of its own',
        'machines have',
      );
      return at && { kind: raw.verb, at, place };
    }
    case 'hang':
    case 'resume': {
      const { at, daemon, network } = raw.value;
      const kinds = daemon?.value === 'dhcp' ? (['vm', 'replica', 'router'] as const) : appliances;
      const machine = at && only(at, kinds, `runs no such process`);
      const of = network && names.find('network', network);
      if (machine === undefined || daemon === undefined) return undefined;
      return { kind: raw.verb, at: machine, daemon: daemon.value, network: of?.name, place };
    }
    case 'nea_password':
    case 'redeploy': {
      const at = only(raw.value, appliances, 'is no appliance');
      return at && { kind: raw.verb, at, place };
    }
    case 'lose_lease': {
      const at = only(raw.value, ['vm', 'replica', 'appliance'], 'has no lease');
      return at && { kind: 'lose_lease', at, place };
    }
    case 'clock_step': {
      const { at, by, direction } = raw.value;
      const machine =
        at && only(at, ['vm', 'replica', 'router', ...appliances], 'goes by no clock here');
      if (machine === undefined || by === undefined || direction === undefined) return undefined;
      return { kind: 'clock_step', at: machine, by: by.value, direction: direction.value, place };
    }
    case 'mend': {
      const at = names.whereabouts(raw.value);
      return at && { kind: 'mend', at, place };
    }
    case 'block':
    case 'unblock': {
      const { value } = raw;
      const direction = 'in';
      if ('value' in value)
        return { kind: raw.verb, at: undefined, ports: [value.value], direction, place };
      const at = value.at && names.machine(value.at);
      if (at === undefined || value.ports === undefined) return undefined;
      const ports = value.ports.items.map((port) => port.value);
      return { kind: raw.verb, at, ports, direction: value.direction?.value ?? 'in', place };
    }
    default: {
      const at = raw.value.at && names.whereabouts(raw.value.at);
      const change = lineChange(raw);
      if (at === undefined || change === undefined) return undefined;
      const direction: Direction = raw.value.direction?.value ?? 'both';
      return { kind: 'line', fault: raw.verb, at, direction, change, place };
    }
  }
}

const machines = [
  'vm',
  'replica',
  'appliance',
  'provider-appliance',
  'gateway',
  'router',
  'edge',
  'client',
] as const;

const appliances = ['appliance', 'provider-appliance'] as const;

type RawLineFault = Extract<
  RawFault,
  { readonly value: { readonly direction: unknown } | undefined }
>;

/** What it makes of a cable; undefined if something is missing, which has been reported. */
function lineChange(
  raw: Exclude<RawLineFault, { verb: 'block' | 'unblock' | 'clock_step' }>,
): Partial<LinkOptions> | undefined {
  switch (raw.verb) {
    case 'drop': {
      const loss = raw.value?.loss?.value;
      return loss === undefined ? undefined : { loss };
    }
    case 'black_hole':
      return { blackHole: true };
    case 'delay': {
      const latency = raw.value?.latency?.value;
      return latency === undefined ? undefined : { latency };
    }
    case 'jitter': {
      const jitter = raw.value?.by?.value;
      return jitter === undefined ? undefined : { jitter };
    }
    case 'duplicate': {
      const duplication = raw.value?.share?.value;
      return duplication === undefined ? undefined : { duplication };
    }
    case 'reorder': {
      const { share, by } = raw.value ?? {};
      if (share === undefined || by === undefined) return undefined;
      return { reordering: share.value, heldBack: by.value };
    }
    case 'corrupt': {
      const corruption = raw.value?.share?.value;
      return corruption === undefined ? undefined : { corruption };
    }
    case 'rate': {
      const rate = raw.value?.rate?.value;
      return rate === undefined ? undefined : { rate };
    }
    case 'mtu': {
      const mtu = raw.value?.mtu?.value;
      return mtu === undefined ? undefined : { frameMax: mtu + frameOverhead };
    }
  }
}
