/** From what a file says to what is looked at: probes, with every name looked up. */
import type { Duration } from '../base/time.ts';
import type { PlanState } from '../trace/event.ts';
import { planStates, type RawPlainProbe, type RawProbe, replicaStates } from './format-probes.ts';
import type { Names } from './names.ts';
import { placeOf } from './place.ts';
import { didYouMean, type Findings } from './problem.ts';
import type {
  Connectivity,
  PlainProbe,
  PowerState,
  Probe,
  ReplicaState,
  StateClaim,
  TunnelState,
  Whereabouts,
} from './scenario.ts';
import type { At } from './shape.ts';
import { probeTitle } from './titles.ts';
import type { EndText } from './units.ts';
import type { Comparison } from './when.ts';

export class ProbeBuilder {
  readonly #names: Names;
  readonly #findings: Findings;

  constructor(names: Names, findings: Findings) {
    this.#names = names;
    this.#findings = findings;
  }

  build(raw: RawProbe): Probe | undefined {
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
        const { size, df, ttl, rtt } = raw.with;
        if (raw.with.fails !== undefined) this.#measuresNothing(ttl ?? rtt);
        return (
          reach && {
            ...common,
            kind: 'ping',
            size: size?.value,
            whole: df?.value ?? false,
            ttl: ttl?.value,
            roundTrip: rtt?.value,
            ...reach,
          }
        );
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
      case 'neighbour': {
        const at = raw.value.at && this.#names.machine(raw.value.at);
        const macOf = raw.value.mac_of && this.#names.machine(raw.value.mac_of);
        const { ip } = raw.value;
        if (at === undefined || ip === undefined) return undefined;
        const within = raw.with.within?.value;
        return { ...common, kind: 'neighbour', at, ip: ip.value, macOf, within };
      }
      case 'path_symmetric': {
        const flow = this.#names.flow(raw.value);
        const except = raw.with.except?.items.flatMap((stop) => this.#names.stop(stop) ?? []) ?? [];
        const within = raw.with.within?.value;
        return flow && { ...common, kind: 'path_symmetric', flow, except, within };
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
        const took = raw.with.took?.value;
        return { ...common, kind: 'operation', state: raw.value.value, because, took };
      }
      case 'warning':
        return { ...common, kind: 'warning', code: raw.value.value };
      case 'capture': {
        const { at: where, filter, direction, packets } = raw.value;
        const at = where && this.#names.whereabouts(where);
        if (at === undefined || filter === undefined || packets === undefined) return undefined;
        if (direction !== undefined && isWide(at)) {
          const message = `what comes into ${at.text} leaves it too`;
          this.#findings.add('E310', direction.spot, message, 'capture at a machine or a tunnel');
        }
        const filterText = filter.value.text;
        const { filter: parsed } = filter.value;
        return {
          ...common,
          kind: 'capture',
          at,
          filter: parsed,
          filterText,
          direction: direction?.value ?? 'both',
          packets: packets.value,
        };
      }
      case 'isolated':
        return { ...common, kind: 'isolated', tenants: this.#names.tenants(raw.value.value) };
      case 'finding': {
        const within = raw.with.within?.value;
        return { ...common, kind: 'finding', invariant: raw.value.value, within };
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

  #measuresNothing(demand: At<unknown> | undefined): void {
    if (demand === undefined) return;
    const message = 'what fails has no answer to be measured';
    this.#findings.add('E310', demand.spot, message, 'leave it out, or leave "fails" out');
  }

  #claim({
    name,
    keySpot,
    value,
  }: {
    name: string;
    keySpot: At<string>['spot'];
    value: At<string | Comparison> | undefined;
  }): StateClaim | undefined {
    const place = placeOf(keySpot);
    if (value === undefined) return undefined;
    const [what, rest] = name.includes('.') ? name.split(/\.(.*)/, 2) : ['', name];
    const subject = { value: rest!, spot: keySpot };
    const state = value.value;
    if (typeof state !== 'string') {
      const vm = this.#names.find('vm', subject);
      return vm && { kind: what as 'delta' | 'restore_points', vm: vm.name, amount: state, place };
    }
    switch (what) {
      case 'tunnel': {
        const network = this.#names.find('network', subject);
        return (
          network && { kind: 'tunnel', network: network.name, state: state as TunnelState, place }
        );
      }
      case 'power': {
        const kind = rest!.endsWith('.gateway') ? 'gateway' : 'name';
        const end = { kind, text: rest!, ip: undefined, at: 0 } as const;
        const machine = this.#names.machine({ value: end, spot: keySpot });
        return machine && { kind: 'power', machine, state: powers[state] ?? 'off', place };
      }
      case 'connectivity': {
        const vm = this.#names.find('vm', subject);
        return vm && { kind: 'connectivity', vm: vm.name, state: state as Connectivity, place };
      }
      default: {
        const found = this.#names.withState(subject);
        if (found === undefined) return undefined;
        const { kind, name } = found;
        const words: readonly string[] = kind === 'vm' ? replicaStates : planStates;
        if (!words.includes(state)) {
          const noun = kind === 'vm' ? 'a replica' : 'a failover plan';
          const hint = didYouMean(state, words) ?? `use one of ${words.join(', ')}`;
          this.#findings.add('E210', value.spot, `"${state}" is no state of ${noun}`, hint);
        }
        const word = state === 'normal' ? 'ready' : state.replaceAll('_', '-');
        return kind === 'vm'
          ? { kind: 'replica', vm: name, state: word as ReplicaState, place }
          : { kind: 'plan', plan: name, state: word as PlanState, place };
      }
    }
  }
}

const isWide = ({ kind }: Whereabouts): boolean =>
  kind === 'network' || kind === 'plan-network' || kind === 'internet';

/** The log says on and off, which YAML 1.1 reads as true and false; the file has other words. */
const powers: Readonly<Record<string, PowerState>> = {
  running: 'on',
  booting: 'booting',
  stopped: 'off',
};
