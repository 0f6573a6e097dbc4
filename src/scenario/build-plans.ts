/** From what a file says of full site failover to what there is: failover plans, and clients on the internet. */
import { seconds } from '../base/time.ts';
import { showIpv4 } from '../wire/address.ts';
import type { Context } from './build.ts';
import type {
  RawFailoverPlan,
  RawInternet,
  RawPlanOperation,
  RawPublicIpRule,
} from './format-plans.ts';
import type { Names } from './names.ts';
import { placeOf } from './place.ts';
import { members, startSpot, values } from './raw.ts';
import type { Client, FailoverPlan, PublicIpRule, Site } from './scenario.ts';
import type { Items } from './shape.ts';

const defaultDelay = seconds(60);

export function declarePlans({ owner, names }: Context): void {
  for (const { name, keySpot } of owner.failoverPlans)
    names.declare('failover-plan', name, keySpot);
}

export function buildFailoverPlans(context: Context, sites: readonly Site[]): FailoverPlan[] {
  const { names, owner } = context;
  if (owner.orgVdc !== undefined) refuseAppliance(context);
  return owner.failoverPlans.map(({ name, keySpot, value: raw }) => ({
    name: names.full(name),
    vms: vmsOf(raw, context),
    routing: raw?.routing?.value ?? false,
    rules: rulesOf(raw?.public_ip_rules, context, sites),
    defaultGateways: members(raw?.default_gateways).flatMap((row) => {
      const network = names.find('network', { value: row.name, spot: row.keySpot });
      return network !== undefined && row.value !== undefined
        ? [{ network: network.name, ip: row.value.value }]
        : [];
    }),
    place: placeOf(keySpot),
  }));
}

/** What a plan says of the appliance, where it is the edge gateway that serves the replicas. */
function refuseAppliance({ owner, findings }: Context): void {
  for (const { value: plan } of owner.failoverPlans) {
    const rules = plan?.public_ip_rules?.spot;
    const said = [
      [rules && startSpot(rules), 'write the rules as "org_vdc: { edge: { nat: [ … ] } }"'],
      [plan?.routing?.spot, 'leave it out: an edge gateway routes between its networks'],
      [plan?.default_gateways?.[0]?.keySpot, 'leave it out: it has the production gateways'],
    ] as const;
    for (const [spot, hint] of said)
      if (spot !== undefined) findings.add('E310', spot, servedByEdge, hint);
  }
}

const servedByEdge = 'the edge gateway of the org VDC serves these replicas, and no appliance';

function vmsOf(raw: RawFailoverPlan | undefined, { names, findings }: Context) {
  const seen = new Set<string>();
  return (raw?.vms?.items ?? []).flatMap((item) => {
    const [vm, delay] = 'value' in item ? [item, undefined] : [item.vm, item.delay];
    const found = vm && names.find('vm', vm);
    if (vm === undefined || found === undefined) return [];
    if (seen.has(found.name)) findings.add('E309', vm.spot, `"${vm.value}" stands here twice`);
    seen.add(found.name);
    return [{ vm: found, delay: delay?.value ?? defaultDelay }];
  });
}

/** Of a failover plan, or of an edge gateway. */
export function rulesOf(
  raw: Items<RawPublicIpRule> | undefined,
  context: Context,
  sites: readonly Site[],
): PublicIpRule[] {
  const rules = new Map<string, PublicIpRule>();
  for (const one of raw?.items ?? [])
    for (const built of rule(one, context, sites)) {
      const ends = `${showIpv4(built.publicIp)}:${built.port}`;
      const other = rules.get(ends);
      if (other === undefined) rules.set(ends, built);
      else context.findings.add('E306', one.port!.spot, `${ends} leads to ${other.to.vm} already`);
    }
  return [...rules.values()];
}

function rule(
  raw: RawPublicIpRule,
  { names, findings }: Context,
  sites: readonly Site[],
): PublicIpRule[] {
  const { public_ip, port, to, to_port } = raw;
  const vm = to && names.find('vm', to);
  const ip = sites.flatMap(({ vms }) => vms).find(({ name }) => name === vm?.name)?.ip;
  if (public_ip === undefined || port === undefined || to === undefined || vm === undefined)
    return [];
  if (ip === undefined || ip === 'dhcp') {
    if (ip === 'dhcp') {
      const message = `${to.value} has no address that a rule could lead to: it uses DHCP`;
      findings.add('E310', to.spot, message, 'give it a static address');
    }
    return [];
  }
  const toPort = to_port?.value ?? port.value;
  return [{ publicIp: public_ip.value, port: port.value, to: { vm: vm.name, ip, port: toPort } }];
}

export function buildPlanOperation({ verb, value }: RawPlanOperation, names: Names) {
  const [said, to] =
    value === undefined || 'value' in value ? [value, undefined] : [value.plan, value.to];
  const plan = said && names.find('failover-plan', said);
  return plan && { operation: verb, plan: plan.name, to: to?.value ?? 1 };
}

export function declareClients(raw: RawInternet | undefined, names: Names): void {
  for (const { name, keySpot } of members(raw?.clients)) names.declare('client', name, keySpot);
}

export const buildClients = (raw: RawInternet | undefined): Client[] =>
  members(raw?.clients).flatMap(({ name, keySpot, value: client }) =>
    client?.ip === undefined
      ? []
      : [{ name, ip: client.ip.value, listen: values(client.listen), place: placeOf(keySpot) }],
  );
