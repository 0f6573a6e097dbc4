/**
 * Every name of a scenario in one table: a word stands for one thing, whether it is met in a flow,
 * in `via` or in `at`. Names of things that are themselves wrong count too, so that one mistake is
 * not reported at every place that refers to it.
 *
 * With several tenants what is a tenant's own is called `acme/web01`. Within the tenant its name
 * alone will do, and elsewhere where no other tenant has it too.
 */
import { replicaOf } from '../lab/names.ts';
import { type Place, placeOf, type Spot } from './place.ts';
import { didYouMean, type Findings, type ProblemCode } from './problem.ts';
import type { Flow, Machine, Named, Premises, Target, Whereabouts } from './scenario.ts';
import type { At } from './shape.ts';
import { type EndText, type FlowText, quote, reservedNames } from './units.ts';

export type NameKind =
  | 'site'
  | 'network'
  | 'vm'
  | 'appliance'
  | 'gateway'
  | 'provider-appliance'
  | 'edge'
  | 'plan-network'
  | 'failover-plan'
  | 'client'
  | 'host'
  | 'replica';

const nouns: Readonly<Record<NameKind, string>> = {
  site: 'site',
  network: 'network',
  vm: 'VM',
  appliance: 'appliance',
  gateway: 'cloud gateway',
  'provider-appliance': 'appliance of the provider',
  edge: 'edge gateway',
  'plan-network': 'network of the provider',
  'failover-plan': 'failover plan',
  client: 'machine on the internet',
  host: 'host of the provider',
  replica: 'replica',
};
const codes: Partial<Record<NameKind, ProblemCode>> = {
  network: 'E301',
  vm: 'E302',
  'plan-network': 'E312',
  'failover-plan': 'E330',
};
const machineKinds = [
  'vm',
  'appliance',
  'gateway',
  'provider-appliance',
  'edge',
  'client',
  'replica',
] as const;
type MachineKind = (typeof machineKinds)[number];

export interface Entity {
  readonly kind: NameKind;
  /** As the rest of the program knows it: `acme/web01`. */
  readonly name: string;
  /** The site it belongs to; its own name for a site; empty at the provider. */
  readonly site: string;
  /** For a network: has a gateway. For a VM: its network. */
  readonly gateway: boolean;
}

/** What all tenants' names are in. */
class Table {
  blind = false;
  readonly entities = new Map<string, Entity>();
  readonly spots = new Map<string, Spot>();
  /** By what the tenant itself calls it. */
  readonly short = new Map<string, Entity[]>();
  readonly mentioned = new Set<string>();
  readonly replicated = new Set<string>();
  readonly tenants = new Set<string>();
}

export class Names {
  readonly #findings: Findings;
  readonly #table: Table;
  /** Whose names need no tenant before them; empty for nobody's. */
  readonly #tenant: string;

  constructor(findings: Findings, table = new Table(), tenant = '') {
    this.#findings = findings;
    this.#table = table;
    this.#tenant = tenant;
  }

  /** The same names, as a tenant calls them. */
  within(tenant: string): Names {
    return new Names(this.#findings, this.#table, tenant);
  }

  /** A part of the file could not be read, so that a name may be missing through no fault of its own. */
  get blind(): boolean {
    return this.#table.blind;
  }

  noteBlind(blind: boolean): void {
    this.#table.blind ||= blind;
  }

  /** Networks that some step or setting speaks of. */
  get mentioned(): ReadonlySet<string> {
    return this.#table.mentioned;
  }

  /** VMs that a job names. */
  get replicated(): ReadonlySet<string> {
    return this.#table.replicated;
  }

  /** A job names a VM of this tenant's, which thereby has a replica: a machine of its own. */
  replicate(vm: string, spot: Spot): void {
    if (this.#table.replicated.has(vm)) return;
    this.#table.replicated.add(vm);
    this.declare('replica', replicaOf(vm.slice(this.full('').length)), spot);
  }

  /** Tenants have their names for themselves: a VM may be called like one. */
  declareTenant(name: string): void {
    this.#table.tenants.add(name);
  }

  tenants(all: readonly At<string>[]): string[] {
    const known = this.#table.tenants;
    return all.flatMap(({ value, spot }) => {
      if (known.has(value)) return [value];
      const hint = didYouMean(value, known) ?? among([...known]);
      this.#findings.add('E323', spot, `unknown tenant ${quote(value)}`, hint);
      return [];
    });
  }

  /** The name of something of this tenant's as the rest of the program knows it. */
  full(name: string): string {
    return this.#tenant === '' ? name : `${this.#tenant}/${name}`;
  }

  /** @param site The site it belongs to, as the tenant calls it. */
  declare(kind: NameKind, name: string, spot: Spot, site = '', gateway = false): void {
    const { entities, spots, short } = this.#table;
    const full = this.full(name);
    const other = entities.get(full);
    if (other !== undefined) {
      const earlier = spots.get(full)!;
      const where = `line ${placeOf(earlier).line}`;
      const message = `${quote(full)} is already the name of a ${nouns[other.kind]}`;
      this.#findings.add('E309', spot, message, `named in ${where}`);
      return;
    }
    const entity = { kind, name: full, site: site === '' ? '' : this.full(site), gateway };
    entities.set(full, entity);
    spots.set(full, spot);
    if (this.#tenant === '') return;
    const namesakes = short.get(name);
    if (namesakes === undefined) short.set(name, [entity]);
    else namesakes.push(entity);
  }

  /** Looks up a name that must be of one kind. */
  find(kind: NameKind, { value, spot }: At<string>): Named | undefined {
    const entity = this.#look(value, spot, (one) => one.kind === kind);
    if (entity === 'unclear') return undefined;
    if (entity?.kind === kind) {
      if (kind === 'network') this.#table.mentioned.add(entity.name);
      return { name: entity.name, place: placeOf(spot) };
    }
    if (entity === undefined && this.blind) return undefined;
    const names = this.#known((one) => one.kind === kind);
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

  /** What has a state by its mere name: the VM of a replica, or a failover plan. */
  withState(
    text: At<string>,
  ): { readonly kind: 'vm' | 'failover-plan'; readonly name: string } | undefined {
    const entity = this.#look(text.value, text.spot, (one) => hasState(one.kind));
    if (entity === 'unclear') return undefined;
    const kind = entity?.kind === 'failover-plan' ? entity.kind : 'vm';
    const found = this.find(kind, text);
    return found && { kind, name: found.name };
  }

  /** All of a kind that go by a name, which may be `all` or hold a `*`: those of this tenant's, or of anybody's. */
  matching(kind: NameKind, text: string): readonly string[] {
    const { entities, short } = this.#table;
    if (text !== 'all' && !text.includes('*')) {
      const own = entities.get(this.full(text)) ?? entities.get(text);
      const others = this.#tenant === '' ? (short.get(text) ?? []) : [];
      const meant = own === undefined ? others : [own];
      return meant.filter((one) => one.kind === kind).map(({ name }) => name);
    }
    const pattern = text === 'all' ? '*' : text;
    const fits = new RegExp(`^${pattern.replaceAll('*', '[^/]*')}$`);
    const within = this.#tenant === '' ? '' : `${this.#tenant}/`;
    return this.#known(({ kind: is, name }) => {
      if (is !== kind || !name.startsWith(within)) return false;
      const own = text.includes('/') ? name : name.slice(name.lastIndexOf('/') + 1);
      return fits.test(own);
    });
  }

  /** VMs by name or by pattern, each once; a pattern must fit some of those that may be meant. */
  vms({ value, spot }: At<string>, mayBe: (vm: string) => boolean): Named[] {
    if (value !== 'all' && !value.includes('*')) {
      const found = this.find('vm', { value, spot });
      return found === undefined ? [] : [found];
    }
    const place = placeOf(spot);
    const found = this.matching('vm', value).filter(mayBe);
    if (found.length === 0 && !this.blind)
      this.#findings.add('E302', spot, `${quote(value)} fits no VM`);
    return found.map((name) => ({ name, place }));
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
      return network && { kind: 'tunnel', name: network.name, text, place };
    }
    if (text.endsWith('.internet')) return this.#line(text, spot, place);
    const [first, second] = text.split(/\.(?!gateway$)/);
    if (second !== undefined) {
      const host = this.find('host', { value: first!, spot });
      const network = host && this.find('plan-network', { value: second, spot });
      return network && { kind: 'plan-network', name: network.name, host: host.name, text, place };
    }
    const entity = this.#look(text, spot, () => true);
    if (entity === 'unclear') return undefined;
    if (entity?.kind === 'network' || entity?.kind === 'plan-network') {
      this.#table.mentioned.add(entity.name);
      const { kind, name } = entity;
      return kind === 'network'
        ? { kind, name, text, place }
        : { kind, name, host: undefined, text, place };
    }
    const kind = text.endsWith('.gateway') ? 'gateway' : 'name';
    return this.machine({ value: { kind, text, ip: undefined, at: 0 }, spot });
  }

  /** What has a power supply: a machine, the switch of a network, or all that a site or host has. */
  supplied(text: At<string>): Whereabouts | Premises | undefined {
    const { value, spot } = text;
    const entity = this.#look(value, spot, () => true);
    if (entity === 'unclear') return undefined;
    if (entity?.kind !== 'site' && entity?.kind !== 'host') return this.whereabouts(text);
    return { kind: entity.kind, name: entity.name, text: value, place: placeOf(spot) };
  }

  /** A stop on the way: a machine, the router of a site, or a network. */
  stop({ value, spot }: At<EndText>): Whereabouts | undefined {
    return value.kind === 'name'
      ? this.whereabouts({ value: value.text, spot })
      : this.machine({ value, spot });
  }

  /** What a name stands for: first what fits, then anything. It is unclear if several tenants have it. */
  #look(
    text: string,
    spot: Spot,
    fits: (entity: Entity) => boolean,
  ): Entity | 'unclear' | undefined {
    const { entities, short } = this.#table;
    const own = entities.get(this.full(text)) ?? entities.get(text);
    // A tenant's own words never mean what is another's.
    if (own !== undefined || this.#tenant !== '') return own;
    const namesakes = short.get(text) ?? [];
    const [first, second] = namesakes.filter(fits);
    if (second === undefined) return first ?? namesakes[0];
    const message = `${quote(text)} may be ${first!.name} or ${second.name}`;
    this.#findings.add('E322', spot, message, `say whose: ${first!.name}`);
    return 'unclear';
  }

  #known(fits: (entity: Entity) => boolean): string[] {
    return [...this.#table.entities.values()].filter(fits).map(({ name }) => name);
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
    const entity = this.#look(text, spot, (one) => isMachine(one.kind));
    if (entity === 'unclear') return undefined;
    if (entity !== undefined && isMachine(entity.kind)) {
      return { kind: entity.kind, name: entity.name, text, place };
    }
    if (entity === undefined && this.blind) return undefined;
    const names = this.#known((one) => isMachine(one.kind));
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
    const own = text.slice(0, -'.internet'.length);
    const hasLine = ({ kind, gateway }: Entity): boolean =>
      kind === 'gateway' || (kind === 'site' && gateway);
    const entity = this.#look(own, spot, hasLine);
    if (entity === 'unclear') return undefined;
    if (entity !== undefined && hasLine(entity))
      return { kind: 'line', name: entity.name, text, place };
    if (entity === undefined && this.blind) return undefined;
    const names = this.#known(hasLine);
    const message = `${quote(own)} has no line into the internet`;
    this.#findings.add('E303', spot, message, didYouMean(own, names) ?? among(names));
    return undefined;
  }

  #router(text: string, spot: Spot, place: Place): Machine | undefined {
    const name = text.slice(0, -'.gateway'.length);
    const owns = ({ kind }: Entity): boolean => kind === 'site' || kind === 'network';
    const entity = this.#look(name, spot, owns);
    if (entity === 'unclear') return undefined;
    if (entity?.kind === 'site' || entity?.kind === 'network') {
      if (!entity.gateway) {
        const message = `${nouns[entity.kind]} ${quote(name)} has no gateway`;
        this.#findings.add('E311', spot, message, 'give a network of it "gateway: …"');
        return undefined;
      }
      const network = entity.kind === 'network' ? entity.name : undefined;
      return { kind: 'router', site: entity.site, network, text, place };
    }
    if (entity === undefined && this.blind) return undefined;
    const names = this.#known(owns);
    const message = `${quote(name)} is neither a site nor a network`;
    this.#findings.add('E303', spot, message, didYouMean(name, names) ?? among(names));
    return undefined;
  }
}

const hasState = (kind: NameKind): boolean => kind === 'vm' || kind === 'failover-plan';

const isMachine = (kind: NameKind): kind is MachineKind =>
  (machineKinds as readonly NameKind[]).includes(kind);

const among = (names: readonly string[]): string | undefined =>
  names.length > 0 && names.length <= 8 ? `there is ${names.join(', ')}` : undefined;
