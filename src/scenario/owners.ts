/** Whose is what: the tenants of a file as it words them, be it one without a name or many. */
import type {
  RawHardwarePlan,
  RawJob,
  RawOrgVdc,
  RawScenario,
  RawSite,
  RawTenant,
} from './format.ts';
import type { RawFailoverPlan } from './format-plans.ts';
import type { Spot } from './place.ts';
import { didYouMean, type Findings } from './problem.ts';
import { members, startSpot } from './raw.ts';
import type { At, Member } from './shape.ts';

export interface Owner {
  /** Empty for the only tenant of a file that does not name it. */
  readonly name: string;
  readonly spot: Spot;
  /** Undefined where they could not be read. */
  readonly sites: readonly Member<RawSite>[] | undefined;
  readonly replication: readonly Member<RawJob>[];
  readonly failoverPlans: readonly Member<RawFailoverPlan>[];
  readonly hardwarePlans: readonly Member<RawHardwarePlan>[];
  readonly orgVdc: RawOrgVdc | undefined;
  readonly gatewayPool: At<string> | undefined;
  /** Where tunnels of production networks end, if not where replication maps them. */
  readonly tunnelEnds: readonly Member<At<string>>[];
}

export function ownersOf(raw: RawScenario, findings: Findings): readonly Owner[] {
  const { tenants, provider } = raw;
  if (tenants === undefined) {
    for (const { keySpot } of members(provider?.hardware_plans).slice(0, 1))
      findings.add('E310', keySpot, '"hardware_plans" are for several tenants', ofOne);
    return [onlyTenant(raw)];
  }
  const apart = [
    [raw.replication?.[0]?.keySpot, 'each of several tenants has its own replication', within],
    [raw.failover_plans?.[0]?.keySpot, 'each of several tenants has its own plans', within],
    [provider?.hardware_plan?.spot, 'several tenants have hardware plans by name', subscribed],
    [provider?.org_vdc?.spot, 'each of several tenants has its own org VDC', within],
    [
      provider?.appliance?.networks?.[0]?.keySpot,
      'each of several tenants has tunnels of its own',
      ends,
    ],
  ] as const;
  for (const [spot, message, hint] of apart)
    if (spot !== undefined) findings.add('E310', startSpot(spot), message, hint);
  const plans = new Map(members(provider?.hardware_plans).map((plan) => [plan.name, plan]));
  return tenants.map((one) => oneOf(one, plans, findings));
}

const ofOne = 'with "tenant" write "hardware_plan"';
const within = 'write it within the tenant';
const ends = 'write it within the tenant: "tunnel_ends: { lan10: plan10 }"';
const subscribed =
  'write "hardware_plans: { gold: … }", and with the tenant "hardware_plans: [gold]"';

function onlyTenant(raw: RawScenario): Owner {
  const { tenant, provider, replication, failover_plans, spot } = raw;
  const plan = provider?.hardware_plan;
  return {
    name: '',
    spot: tenant?.spot ?? spot,
    sites: tenant?.sites,
    replication: members(replication),
    failoverPlans: members(failover_plans),
    hardwarePlans: plan === undefined ? [] : [{ name: 'plan', keySpot: plan.spot, value: plan }],
    orgVdc: provider?.org_vdc,
    gatewayPool: tenant?.gateway_pool,
    tunnelEnds: members(provider?.appliance?.networks),
  };
}

function oneOf(
  { name, keySpot, value: raw }: Member<RawTenant>,
  plans: ReadonlyMap<string, Member<RawHardwarePlan>>,
  findings: Findings,
): Owner {
  const subscribed = (raw?.hardware_plans?.items ?? []).flatMap(({ value, spot }) => {
    const plan = plans.get(value);
    if (plan === undefined)
      findings.add(
        'E319',
        spot,
        `unknown hardware plan "${value}"`,
        didYouMean(value, plans.keys()),
      );
    return plan ?? [];
  });
  return {
    name,
    spot: keySpot,
    sites: raw?.sites,
    replication: members(raw?.replication),
    failoverPlans: members(raw?.failover_plans),
    hardwarePlans: subscribed,
    orgVdc: raw?.org_vdc,
    gatewayPool: raw?.gateway_pool,
    tunnelEnds: members(raw?.tunnel_ends),
  };
}
