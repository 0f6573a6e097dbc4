/**
 * Every name of a scenario in one table: a word stands for one thing, whether it is met in a flow,
 * in `via` or in `at`. Names of things that are themselves wrong count too, so that one mistake is
 * not reported at every place that refers to it.
 */
import { type Place, placeOf, type Spot } from './place.ts';
import { didYouMean, type Findings, type ProblemCode } from './problem.ts';
import type { Flow, Machine, Named, Target, Whereabouts } from './scenario.ts';
import type { At } from './shape.ts';
import { type EndText, type FlowText, quote, reservedNames } from './units.ts';

export type NameKind =
  | 'site'
  | 'network'
  | 'vm'
  | 'appliance'
  | 'gateway'
  | 'provider-appliance'
  | 'plan-network'
  | 'host';

const nouns: Readonly<Record<NameKind, string>> = {
  site: 'site',
  network: 'network',
  vm: 'VM',
  appliance: 'appliance',
  gateway: 'cloud gateway',
  'provider-appliance': 'appliance of the provider',
  'plan-network': 'network of the provider',
  host: 'host of the provider',
};
const codes: Partial<Record<NameKind, ProblemCode>> = {
  network: 'E301',
  vm: 'E302',
  'plan-network': 'E312',
};
const machineKinds = ['vm', 'appliance', 'gateway', 'provider-appliance'] as const;
type MachineKind = (typeof machineKinds)[number];

export interface Entity {
  readonly kind: NameKind;
  readonly name: string;
  /** The site it belongs to; its own name for a site; empty at the provider. */
  readonly site: string;
  /** For a network: has a gateway. For a VM: its network. */
  readonly gateway: boolean;
}

export class Names {
  /** A part of the file could not be read, so that a name may be missing through no fault of its own. */
  blind = false;
  readonly #findings: Findings;
  readonly #entities = new Map<string, Entity>();
  readonly #spots = new Map<string, Spot>();
  /** Networks that some step or setting speaks of. */
  readonly mentioned = new Set<string>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  declare(kind: NameKind, name: string, spot: Spot, site = '', gateway = false): void {
    const other = this.#entities.get(name);
    if (other !== undefined) {
      const earlier = this.#spots.get(name)!;
      const where = `line ${placeOf(earlier).line}`;
      const message = `${quote(name)} is already the name of a ${nouns[other.kind]}`;
      this.#findings.add('E309', spot, message, `named in ${where}`);
      return;
    }
    this.#entities.set(name, { kind, name, site, gateway });
    this.#spots.set(name, spot);
  }

  /** Looks up a name that must be of one kind. */
  find(kind: NameKind, { value, spot }: At<string>): Named | undefined {
    const entity = this.#entities.get(value);
    if (entity?.kind === kind) {
      if (kind === 'network') this.mentioned.add(value);
      return { name: value, place: placeOf(spot) };
    }
    if (entity === undefined && this.blind) return undefined;
    const known = [...this.#entities.values()].filter((one) => one.kind === kind);
    const names = known.map((one) => one.name);
    const message =
      entity === undefined
        ? `unknown ${nouns[kind]} ${quote(value)}`
        : `${quote(value)} is a ${nouns[entity.kind]}, not a ${nouns[kind]}`;
    this.#findings.add(
      codes[kind] ?? 'E303',
      spot,
      message,
      didYouMean(value, names) ?? among(names),
    );
    return undefined;
  }

  machine({ value, spot }: At<EndText>): Machine | undefined {
    const target = this.#end(value, spot, placeOf(spot));
    if (target === undefined || target.kind === 'address') return undefined;
    return target;
  }

  flow({ value, spot }: At<FlowText>): Flow | undefined {
    const place = placeOf(spot);
    const from = this.#end(value.from, this.#part(spot, value, value.from), place);
    const to = this.#end(value.to, this.#part(spot, value, value.to), place);
    if (from === undefined || to === undefined || from.kind === 'address') return undefined;
    if (from.text === to.text) {
      this.#findings.add('E318', spot, `the flow ends where it starts, at ${from.text}`);
      return undefined;
    }
    return { text: value.text, from, to, port: value.port, place };
  }

  /** Where frames are: also a network, the internet, or `tunnel.lan10`. */
  whereabouts({ value, spot }: At<string>): Whereabouts | undefined {
    const place = placeOf(spot);
    const text = value;
    if (text === 'internet') return { kind: 'internet', name: text, text, place };
    if (text.startsWith('tunnel.')) {
      const name = text.slice('tunnel.'.length);
      const network = this.find('network', { value: name, spot });
      return network && { kind: 'tunnel', name, text, place };
    }
    if (text.endsWith('.internet')) return this.#line(text, spot, place);
    const entity = this.#entities.get(text);
    if (entity?.kind === 'network' || entity?.kind === 'plan-network') {
      this.mentioned.add(text);
      return { kind: entity.kind, name: text, text, place };
    }
    const kind = text.endsWith('.gateway') ? 'gateway' : 'name';
    return this.machine({ value: { kind, text, ip: undefined, at: 0 }, spot });
  }

  /** A stop on the way: a machine, the router of a site, or a network. */
  stop({ value, spot }: At<EndText>): Whereabouts | undefined {
    return value.kind === 'name'
      ? this.whereabouts({ value: value.text, spot })
      : this.machine({ value, spot });
  }

  #part(spot: Spot, flow: FlowText, end: EndText): Spot {
    const { source } = spot;
    const quoted = /["']/.test(source.text[spot.start] ?? '') ? 1 : 0;
    const asWritten = source.text.startsWith(flow.text, spot.start + quoted);
    if (!asWritten) return spot;
    const start = spot.start + quoted + end.at;
    return { source, start, end: start + end.text.length };
  }

  #end(end: EndText, spot: Spot, place: Place): Target | undefined {
    const { kind, text } = end;
    if (kind === 'address') return { kind, ip: end.ip!, text, place };
    if (kind === 'gateway') return this.#router(text, spot, place);
    const entity = this.#entities.get(text);
    if (entity !== undefined && isMachine(entity.kind)) {
      return { kind: entity.kind, name: text, text, place };
    }
    if (entity === undefined && this.blind) return undefined;
    const machines = [...this.#entities.values()].filter((one) => isMachine(one.kind));
    const names = machines.map((one) => one.name);
    const reserved = (reservedNames as readonly string[]).includes(text);
    const message =
      entity !== undefined
        ? `${quote(text)} is a ${nouns[entity.kind]}, not a machine`
        : reserved
          ? `${quote(text)} is not a machine`
          : `unknown machine ${quote(text)}`;
    this.#findings.add('E303', spot, message, didYouMean(text, names) ?? among(names));
    return undefined;
  }

  /** `hq.internet`: what joins a site, or a cloud gateway, to the internet. */
  #line(text: string, spot: Spot, place: Place): Whereabouts | undefined {
    const name = text.slice(0, -'.internet'.length);
    const entity = this.#entities.get(name);
    const hasLine = entity?.kind === 'gateway' || (entity?.kind === 'site' && entity.gateway);
    if (hasLine) return { kind: 'line', name, text, place };
    if (entity === undefined && this.blind) return undefined;
    const owners = [...this.#entities.values()].filter(
      (one) => one.kind === 'gateway' || (one.kind === 'site' && one.gateway),
    );
    const names = owners.map((one) => one.name);
    const message = `${quote(name)} has no line into the internet`;
    this.#findings.add('E303', spot, message, didYouMean(name, names) ?? among(names));
    return undefined;
  }

  #router(text: string, spot: Spot, place: Place): Machine | undefined {
    const name = text.slice(0, -'.gateway'.length);
    const entity = this.#entities.get(name);
    if (entity?.kind === 'site' || entity?.kind === 'network') {
      if (!entity.gateway) {
        const message = `${nouns[entity.kind]} ${quote(name)} has no gateway`;
        this.#findings.add('E311', spot, message, 'give a network of it "gateway: …"');
        return undefined;
      }
      const network = entity.kind === 'network' ? name : undefined;
      return { kind: 'router', site: entity.site, network, text, place };
    }
    if (entity === undefined && this.blind) return undefined;
    const owners = [...this.#entities.values()].filter(
      (one) => one.kind === 'site' || one.kind === 'network',
    );
    const names = owners.map((one) => one.name);
    const message = `${quote(name)} is neither a site nor a network`;
    this.#findings.add('E303', spot, message, didYouMean(name, names) ?? among(names));
    return undefined;
  }
}

const isMachine = (kind: NameKind): kind is MachineKind =>
  (machineKinds as readonly NameKind[]).includes(kind);

const among = (names: readonly string[]): string | undefined =>
  names.length > 0 && names.length <= 8 ? `there is ${names.join(', ')}` : undefined;
