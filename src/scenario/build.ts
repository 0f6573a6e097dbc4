/** From what a file says to what there is: tenants, provider, replication, with their defaults. */
import { buildInvariants } from './build-invariants.ts';
import { buildLinks, buildTimings, buildTunnel } from './build-links.ts';
import { buildClients, buildFailoverPlans, declareClients, declarePlans } from './build-plans.ts';
import { buildPolicies } from './build-policies.ts';
import {
  buildAppliances,
  buildPlans,
  buildProvider,
  declareProvider,
  declareShare,
  gatewaysFor,
} from './build-provider.ts';
import { buildSite, declareSites } from './build-sites.ts';
import { buildSteps } from './build-steps.ts';
import type { RawScenario } from './format.ts';
import type { Case } from './matrix.ts';
import { Names } from './names.ts';
import { type Owner, ownersOf } from './owners.ts';
import { placeOf, type Spot } from './place.ts';
import type { Findings } from './problem.ts';
import { members, value, values } from './raw.ts';
import type { Job, Links, Provider, Scenario, Tenant, Timings } from './scenario.ts';
import { Vlans } from './vlans.ts';

/** What is built, and the spots of its parts for those who check it further. */
export interface Built {
  readonly scenario: Scenario;
  readonly names: Names;
  /** The tenants as the file words them, in the same order. */
  readonly owners: readonly Owner[];
  /** By name, where a problem with a thing should point. */
  readonly spots: ReadonlyMap<string, Spots>;
}

interface Spots {
  readonly key: Spot;
  readonly ip?: Spot | undefined;
  readonly mac?: Spot | undefined;
  readonly subnet?: Spot | undefined;
  readonly gateway?: Spot | undefined;
}

/** What building one tenant takes. */
export interface Context {
  readonly raw: RawScenario;
  readonly owner: Owner;
  /** As the tenant calls things. */
  readonly names: Names;
  readonly timings: Timings;
  readonly links: Links;
  readonly spots: Map<string, Spots>;
  /** By VXLAN: the network that is attached to it. */
  readonly attached: Map<string, string>;
  readonly findings: Findings;
}

/** Builds one case. Where something is missing it has been reported, and the result is not used. */
export function build(
  file: string,
  raw: RawScenario,
  one: Case,
  parts: Scenario['parts'],
  findings: Findings,
): Built {
  const names = new Names(findings);
  const spots = new Map<string, Spots>();
  const attached = new Map<string, string>();
  const owners = ownersOf(raw, findings);
  const timings = buildTimings(raw);
  const links = buildLinks(raw);
  const contexts = owners.map((owner): Context => {
    const own = names.within(owner.name);
    return { raw, owner, names: own, timings, links, spots, attached, findings };
  });
  for (const { name } of owners) if (name !== '') names.declareTenant(name);
  for (const context of contexts) declareSites(context);
  for (const context of contexts) declarePlans(context);
  declareClients(raw.internet, names);
  if (raw.provider !== undefined) {
    declareProvider(raw.provider, { names });
    for (const context of contexts) declareShare(raw.provider, context);
  }
  const provider = buildProvider(raw);
  const vlans = raw.provider && new Vlans(raw.provider, names, findings);
  const scenario: Scenario = {
    file,
    name: value(raw.name) ?? '',
    about: value(raw.about)?.trim() ?? '',
    tags: values(raw.tags),
    seed: value(raw.seed) ?? 1,
    case: one.name,
    variables: one.variables,
    parts,
    tenants: contexts.map((context) => buildTenant(context, provider, vlans)),
    provider,
    clients: buildClients(raw.internet),
    policies: buildPolicies(raw.policies),
    invariants: buildInvariants(raw.invariants),
    tunnel: buildTunnel(raw),
    links,
    timings,
    steps: buildSteps(raw.steps?.items ?? [], one.variables, names, findings),
  };
  return { scenario, names, owners, spots };
}

function buildTenant(
  context: Context,
  provider: Provider | undefined,
  vlans: Vlans | undefined,
): Tenant {
  const { owner } = context;
  const jobs = buildJobs(context);
  const sites = members(owner.sites).map((site) => buildSite(site, context));
  return {
    name: owner.name,
    sites,
    failoverPlans: buildFailoverPlans(context, sites),
    plans: vlans === undefined ? [] : buildPlans(context, vlans, sites),
    appliances: buildAppliances(context),
    gateways: gatewaysFor(provider?.gateways ?? [], context),
    jobs,
  };
}

const restorePoints = 7; // what the wizard of the product proposes

function buildJobs({ raw, owner, names }: Context): Job[] {
  return owner.replication.map(
    ({ name, keySpot, value: job }): Job => ({
      name: names.full(name),
      vms: (job?.vms?.items ?? []).flatMap((vm) => {
        const meant = names.vms(vm, () => true);
        if (raw.provider !== undefined)
          for (const { name: found } of meant) names.replicate(found, vm.spot);
        return meant;
      }),
      mapping: members(job?.network_mapping).flatMap((row) => {
        const from = names.find('network', { value: row.name, spot: row.keySpot });
        const to = row.value && names.find('plan-network', row.value);
        return from !== undefined && to !== undefined ? [{ from, to }] : [];
      }),
      host: job?.host && names.find('host', job.host)?.name,
      restorePoints: job?.restore_points?.value ?? restorePoints,
      detect: job?.detect?.value ?? 'auto',
      schedule: job?.every && {
        every: job.every.value,
        first: job.first?.value ?? job.every.value,
      },
      place: placeOf(keySpot),
    }),
  );
}
