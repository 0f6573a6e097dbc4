/**
 * What those who mend a scenario go by: the things that a question was about, and the paths at which
 * the file has them. Names of one of several tenants begin with its name, and its keys do not.
 */
import type { Party } from '../explain/case.ts';
import type { Subject } from '../explain/subject.ts';
import { type Ipv4, maskOf, parseIpv4, showIpv4 } from '../wire/address.ts';
import { mappingOf } from './mapping.ts';
import type { Mend, Unanswered } from './mend.ts';
import type { Place } from './place.ts';
import type {
  Appliance,
  FailoverPlan,
  Job,
  Network,
  Plan,
  PlanNetwork,
  Scenario,
  Site,
  Tenant,
  Vm,
} from './scenario.ts';

/** A thing of a tenant, and where the file has it. */
export interface Found<T> {
  readonly it: T;
  readonly path: string;
}

export class Grounds {
  readonly scenario: Scenario;
  readonly subject: Subject;
  /** The number of the step that asked. */
  readonly step: number;
  /** The word that asked. */
  readonly place: Place;
  /** Whose question it was: that of the asker, else of the target, else the first. */
  readonly tenant: Tenant | undefined;

  constructor({ scenario, subject, step, place }: Unanswered) {
    this.scenario = scenario;
    this.subject = subject;
    this.step = step;
    this.place = place;
    const names = this.parties.flatMap(({ vm, node }) => [vm, node]);
    this.tenant =
      scenario.tenants.find(({ sites }) =>
        sites.some(({ vms }) => vms.some(({ name }) => names.includes(name))),
      ) ?? scenario.tenants[0];
  }

  /** The target first: it is the one that was to be reached. */
  get parties(): readonly Party[] {
    return [this.subject.target, this.subject.asker];
  }

  /** Those of the two that were failed over. */
  get failedOver(): readonly Party[] {
    return this.parties.filter(({ failedOver }) => failedOver);
  }

  /** The machines without which no failover of the tenant can be made. */
  get servants(): readonly string[] {
    const theirs = this.tenant?.appliances ?? [];
    const ours = this.sites.flatMap(({ appliances }) => appliances);
    const gateways = this.scenario.provider?.gateways ?? [];
    return [...ours, ...theirs, ...gateways].map(({ name }) => name);
  }

  /** The production networks of both ends, each once. */
  get networks(): readonly string[] {
    return [...new Set(this.parties.map(({ network }) => network).filter((name) => name !== ''))];
  }

  get sites(): readonly Site[] {
    return this.tenant?.sites ?? [];
  }

  vm(name: string): Found<Vm> | undefined {
    for (const site of this.sites)
      for (const it of site.vms)
        if (it.name === name) return { it, path: `${this.sitePath(site.name)}.vms.${local(name)}` };
    return undefined;
  }

  network(name: string): Found<Network> | undefined {
    for (const site of this.sites)
      for (const it of site.networks)
        if (it.name === name)
          return { it, path: `${this.sitePath(site.name)}.networks.${local(name)}` };
    return undefined;
  }

  /** The appliance of a production network. */
  appliance(network: string): Found<Appliance> | undefined {
    for (const site of this.sites)
      for (const it of site.appliances)
        if (it.network === network)
          return { it, path: `${this.sitePath(site.name)}.appliances.${local(it.name)}` };
    return undefined;
  }

  site(name: string): Found<Site> | undefined {
    const it = this.sites.find((site) => site.name === name);
    return it && { it, path: this.sitePath(name) };
  }

  job(vm: string): Found<Job> | undefined {
    const it = this.tenant?.jobs.find(({ vms }) => vms.some(({ name }) => name === vm));
    return it && { it, path: `${this.#own}replication.${local(it.name)}` };
  }

  failoverPlan(vm: string): Found<FailoverPlan> | undefined {
    const plans = this.tenant?.failoverPlans ?? [];
    const it = plans.find(({ vms }) => vms.some((one) => one.vm.name === vm));
    return it && { it, path: `${this.#own}failover_plans.${local(it.name)}` };
  }

  /** The networks that the tenant may use at the provider, in the order of the file. */
  get planNetworks(): readonly Found<PlanNetwork>[] {
    return (this.tenant?.plans ?? []).flatMap((plan) =>
      plan.networks.map((it) => ({
        it,
        path: `${this.planPath(plan)}.networks.${local(it.name)}`,
      })),
    );
  }

  /** Where replicas of a production network are connected. */
  mappedTo(network: string): Found<PlanNetwork> | undefined {
    const name = this.tenant && mappingOf(this.tenant).get(network);
    return this.planNetworks.find(({ it }) => it.name === name);
  }

  planPath(plan: Plan): string {
    if (plan.kind === 'org-vdc') return this.isOnly ? 'provider.org_vdc' : `${this.#own}org_vdc`;
    return this.isOnly ? 'provider.hardware_plan' : `provider.hardware_plans.${plan.name}`;
  }

  /** Where the tunnel of a network ends at the provider. */
  tunnelEndPath(network: string): string {
    const ends = this.isOnly ? 'provider.appliance.networks' : `${this.#own}tunnel_ends`;
    return `${ends}.${local(network)}`;
  }

  sitePath(site: string): string {
    return `${this.isOnly ? 'tenant' : `tenants.${this.tenant!.name}`}.sites.${local(site)}`;
  }

  /** The file has one tenant, without a name. */
  get isOnly(): boolean {
    return (this.tenant?.name ?? '') === '';
  }

  /** An address of a network that nobody in the file has, from its end. */
  freeAddress(network: string): string | undefined {
    const found = this.network(network)?.it;
    if (found === undefined) return undefined;
    const { address, length } = found.subnet;
    const taken = new Set<number>([found.gateway ?? 0]);
    for (const { vms, appliances, dhcp } of this.sites) {
      for (const { ip, answersFor } of vms) for (const one of [ip, ...answersFor]) note(taken, one);
      for (const { ip } of appliances) note(taken, ip);
      const { first, last } = dhcp?.pool ?? { first: 0, last: -1 };
      for (let ip = first >>> 0; ip <= last >>> 0 && last !== -1; ip += 1) taken.add(ip | 0);
    }
    const broadcast = (address & maskOf(length)) | ~maskOf(length);
    for (let back = 2; back < 250 && back < 2 ** (32 - length) - 1; back += 1) {
      const ip = (broadcast - back) | 0;
      if (!taken.has(ip)) return showIpv4(ip as Ipv4);
    }
    return undefined;
  }

  /** What a value is set to. Without a place of its own it belongs to that part of the file. */
  set(path: string, value: string, place = this.#partOf(path)): Mend {
    return { words: `${path}: ${value}`, place, amendments: [{ kind: 'set', path, value }] };
  }

  #partOf(path: string): Place {
    const [key = ''] = path.split('.');
    const { parts } = this.scenario;
    return parts.get(key) ?? parts.get('steps') ?? this.place;
  }

  get #own(): string {
    return this.isOnly ? '' : `tenants.${this.tenant!.name}.`;
  }
}

/** What the tenant itself calls a thing of its own. */
export const local = (name: string): string => name.slice(name.indexOf('/') + 1);

export const isAddress = (text: string): boolean => parseIpv4(text) !== undefined;

function note(taken: Set<number>, ip: Ipv4 | 'dhcp'): void {
  if (ip !== 'dhcp') taken.add(ip);
}
