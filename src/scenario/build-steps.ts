/** From what a file says to what happens: steps, faults and probes, with every name looked up. */
import type { Duration } from '../base/time.ts';
import type { RawFault, RawPlainProbe, RawProbe, RawStep } from './format-steps.ts';
import type { Names } from './names.ts';
import { placeOf } from './place.ts';
import { didYouMean, type Findings } from './problem.ts';
import type { MatrixValue } from './scalars.ts';
import type {
  Fault,
  Named,
  PlainProbe,
  PowerState,
  Probe,
  ReplicaState,
  StateClaim,
  Step,
  TunnelState,
} from './scenario.ts';
import type { At, Items } from './shape.ts';
import { faultTitle, probeTitle, stepTitle } from './titles.ts';
import type { EndText } from './units.ts';
import { holds, type When } from './when.ts';

export function buildSteps(
  raw: readonly RawStep[],
  variables: ReadonlyMap<string, MatrixValue>,
  names: Names,
  findings: Findings,
): Step[] {
  const steps: Step[] = [];
  raw.forEach((step, i) => {
    if (!happens(step.common.when, variables, findings)) return;
    const built = new StepBuilder(variables, names, findings).step(step, i + 1);
    if (built !== undefined) steps.push(built);
  });
  return steps;
}

/** Whether a `when` holds in this case; what has none always happens. */
export function happens(
  when: At<When> | undefined,
  variables: ReadonlyMap<string, MatrixValue>,
  findings: Findings,
): boolean {
  if (when === undefined) return true;
  const { variable, operator, value } = when.value;
  const left = variables.get(variable);
  if (left === undefined) {
    const hint = didYouMean(variable, variables.keys()) ?? 'the matrix would have to define it';
    findings.add('E114', when.spot, `unknown variable "${variable}"`, hint);
    return true;
  }
  const result = holds(left, operator, value);
  if (result === undefined) {
    const message = `"${operator}" compares numbers, and ${variable} is ${left} here`;
    findings.add('E114', when.spot, message, 'words can be compared by == and !=');
  }
  return result ?? true;
}

class StepBuilder {
  readonly #variables: ReadonlyMap<string, MatrixValue>;
  readonly #names: Names;
  readonly #findings: Findings;

  constructor(variables: ReadonlyMap<string, MatrixValue>, names: Names, findings: Findings) {
    this.#variables = variables;
    this.#names = names;
    this.#findings = findings;
  }

  step(raw: RawStep, number: number): Step | undefined {
    const { verb } = raw;
    const title = raw.common.name?.value ?? stepTitle(verb, raw.node);
    const common = { number, title, place: placeOf(raw.spot) };
    if (raw.value === undefined) return undefined;
    switch (raw.verb) {
      case 'failover': {
        const { vms, restore_point, reason, planned } = raw.value;
        const point = restore_point?.value ?? 'latest';
        return {
          ...common,
          kind: 'failover',
          vms: this.#vms(vms),
          restorePoint: point === 'latest' ? 1 : point,
          reason: reason?.value ?? '',
          planned: planned?.value ?? false,
        };
      }
      case 'undo':
        return { ...common, kind: 'undo', vms: this.#vms(raw.value.vms) };
      case 'fault': {
        const fault = this.#fault(raw.value);
        const text = faultTitle(raw.node.entries.get(verb)?.value);
        return fault && { ...common, kind: 'fault', fault, text };
      }
      case 'wait':
        return { ...common, kind: 'wait', duration: raw.value.value };
      case 'predict': {
        const { ask, choices, answer, hint } = raw.value;
        const all = (choices?.items ?? []).map((choice) => choice.value);
        if (answer !== undefined && choices !== undefined && !all.includes(answer.value)) {
          const message = `"${answer.value}" is not among the choices`;
          this.#findings.add('E316', answer.spot, message, didYouMean(answer.value, all));
        }
        if (ask === undefined || answer === undefined) return undefined;
        return {
          ...common,
          kind: 'predict',
          ask: ask.value.trim(),
          choices: all,
          answer: answer.value,
          hint: hint?.value.trim() ?? '',
        };
      }
      case 'expect': {
        const probes = raw.value.items.flatMap((probe) =>
          happens(probe.common.when, this.#variables, this.#findings)
            ? (this.#probe(probe) ?? [])
            : [],
        );
        return { ...common, kind: 'expect', probes };
      }
    }
  }

  #vms(vms: Items<At<string>> | undefined): Named[] {
    const found = (vms?.items ?? []).flatMap((vm) => this.#names.find('vm', vm) ?? []);
    const seen = new Set<string>();
    for (const { value, spot } of vms?.items ?? []) {
      if (seen.has(value)) this.#findings.add('E309', spot, `"${value}" stands here twice`);
      seen.add(value);
    }
    return found;
  }

  #fault(raw: RawFault): Fault | undefined {
    const place = placeOf(raw.spot);
    if (raw.value === undefined) return undefined;
    switch (raw.verb) {
      case 'power_off':
      case 'power_on':
      case 'link_down':
      case 'link_up': {
        const machine = this.#names.machine(raw.value);
        const isPower = raw.verb === 'power_off' || raw.verb === 'power_on';
        if (isPower && (machine?.kind === 'gateway' || machine?.kind === 'router')) {
          const hint = `pull its cables: link_down: ${machine.text}`;
          this.#findings.add(
            'E303',
            raw.value.spot,
            `${machine.text} cannot be switched off`,
            hint,
          );
        }
        return machine && { kind: raw.verb, machine, place };
      }
      case 'block':
      case 'unblock': {
        const { value } = raw;
        if ('value' in value) return { kind: raw.verb, at: undefined, ports: [value.value], place };
        const at = value.at && this.#names.machine(value.at);
        if (at === undefined || value.ports === undefined) return undefined;
        if (at.kind !== 'gateway' && at.kind !== 'router') {
          const message = `${at.text} has no firewall`;
          this.#findings.add('E303', value.at!.spot, message, 'cloud gateways and routers have');
        }
        return { kind: raw.verb, at, ports: value.ports.items.map((port) => port.value), place };
      }
      case 'drop': {
        const at = raw.value.at && this.#names.whereabouts(raw.value.at);
        const loss = raw.value.loss?.value;
        return at && loss !== undefined ? { kind: 'drop', at, loss, place } : undefined;
      }
      case 'delay': {
        const at = raw.value.at && this.#names.whereabouts(raw.value.at);
        const latency = raw.value.latency?.value;
        return at && latency !== undefined ? { kind: 'delay', at, latency, place } : undefined;
      }
      case 'mtu': {
        const at = raw.value.at && this.#names.whereabouts(raw.value.at);
        const mtu = raw.value.mtu?.value;
        return at && mtu !== undefined ? { kind: 'mtu', at, mtu, place } : undefined;
      }
    }
  }

  #probe(raw: RawProbe): Probe | undefined {
    if (raw.verb !== 'not') return this.#plainProbe(raw, raw.common.name?.value);
    const probe = raw.value && this.#plainProbe(raw.value, undefined);
    const title = raw.common.name?.value ?? probeTitle('not', raw.node);
    return probe && { kind: 'not', probe, title, place: placeOf(raw.spot) };
  }

  #plainProbe(
    raw: RawPlainProbe | Exclude<RawProbe, { readonly verb: 'not' }>,
    name: string | undefined,
  ): PlainProbe | undefined {
    const common = { title: name ?? probeTitle(raw.verb, raw.node), place: placeOf(raw.spot) };
    if (raw.value === undefined) return undefined;
    switch (raw.verb) {
      case 'ping': {
        const reach = this.#reachability(raw.value, raw.with);
        return reach && { ...common, kind: 'ping', size: raw.with.size?.value, ...reach };
      }
      case 'tcp': {
        const reach = this.#reachability(raw.value, raw.with);
        return reach && { ...common, kind: 'tcp', bytes: raw.with.bytes?.value, ...reach };
      }
      case 'udp': {
        const reach = this.#reachability(raw.value, raw.with);
        return reach && { ...common, kind: 'udp', ...reach };
      }
      case 'arp': {
        const { at: asker, ip, answered_by, replies } = raw.value;
        const at = asker && this.#names.machine(asker);
        const answeredBy = answered_by && this.#names.machine(answered_by);
        if (at === undefined || ip === undefined) return undefined;
        const within = raw.with.within?.value;
        return {
          ...common,
          kind: 'arp',
          at,
          ip: ip.value,
          answeredBy,
          replies: replies?.value,
          within,
        };
      }
      case 'lease': {
        const vm = raw.value.vm && this.#names.find('vm', raw.value.vm);
        const from = raw.value.from && this.#names.machine(raw.value.from);
        return vm && { ...common, kind: 'lease', vm, from, within: raw.with.within?.value };
      }
      case 'state': {
        const claims = raw.value.flatMap((member) => this.#claim(member) ?? []);
        return { ...common, kind: 'state', claims, within: raw.with.within?.value };
      }
      case 'operation': {
        const because = raw.with.because?.value;
        if (because !== undefined && raw.value.value === 'success') {
          const message = 'a success needs no reason';
          this.#findings.add('E310', raw.with.because!.spot, message, 'it goes with "failed"');
        }
        return { ...common, kind: 'operation', state: raw.value.value, because };
      }
      case 'warning':
        return { ...common, kind: 'warning', code: raw.value.value };
      case 'capture': {
        const { at: where, filter, packets } = raw.value;
        const at = where && this.#names.whereabouts(where);
        if (at === undefined || filter === undefined || packets === undefined) return undefined;
        const filterText = filter.value.text;
        const { filter: parsed } = filter.value;
        return {
          ...common,
          kind: 'capture',
          at,
          filter: parsed,
          filterText,
          packets: packets.value,
        };
      }
      case 'outage': {
        const flow = this.#names.flow(raw.value);
        const atMost = raw.with.at_most?.value;
        if (flow === undefined || atMost === undefined) return undefined;
        return { ...common, kind: 'outage', flow, atMost };
      }
    }
  }

  #reachability(
    target: Parameters<Names['flow']>[0],
    beside: Extract<RawPlainProbe, { readonly verb: 'udp' }>['with'],
  ) {
    const { within, via, fails, last_hop, count } = beside;
    if (last_hop !== undefined && fails === undefined) {
      const message = '"last_hop" says where something fails, and nothing fails here';
      this.#findings.add('E310', last_hop.spot, message, 'add "fails: CODE"');
    }
    if (via !== undefined && fails !== undefined) {
      const message = 'what fails arrives nowhere, so it passes nothing';
      this.#findings.add('E310', via.spot, message, 'use "last_hop" with "fails"');
    }
    const stops = via?.items.flatMap((stop: At<EndText>) => this.#names.stop(stop) ?? []);
    const lastHop = last_hop && this.#names.machine(last_hop);
    const flow = this.#names.flow(target);
    const duration: Duration | undefined = within?.value;
    return (
      flow && {
        flow,
        within: duration,
        via: stops,
        fails: fails?.value,
        lastHop,
        count: count?.value,
      }
    );
  }

  #claim({
    name,
    keySpot,
    value,
  }: {
    name: string;
    keySpot: At<string>['spot'];
    value: At<string> | undefined;
  }): StateClaim | undefined {
    const place = placeOf(keySpot);
    if (value === undefined) return undefined;
    const state = value.value;
    if (name.startsWith('tunnel.')) {
      const network = this.#names.find('network', { value: name.slice(7), spot: keySpot });
      return (
        network && { kind: 'tunnel', network: network.name, state: state as TunnelState, place }
      );
    }
    if (name.startsWith('power.')) {
      const text = name.slice(6);
      const end = { kind: 'name', text, ip: undefined, at: 0 } as const;
      const machine = this.#names.machine({ value: end, spot: keySpot });
      return machine && { kind: 'power', machine, state: powers[state] ?? 'off', place };
    }
    const vm = this.#names.find('vm', { value: name, spot: keySpot });
    const replica = state === 'normal' ? 'ready' : (state.replaceAll('_', '-') as ReplicaState);
    return vm && { kind: 'replica', vm: vm.name, state: replica, place };
  }
}

/** The log says on and off, which YAML 1.1 reads as true and false; the file has other words. */
const powers: Readonly<Record<string, PowerState>> = {
  running: 'on',
  booting: 'booting',
  stopped: 'off',
};
