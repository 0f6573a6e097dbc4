/**
 * The five documented steps of full site failover, in their order (Veeam Cloud Connect guide, "Full
 * Site Failover"). No tunnel is among them: only the provider's appliance takes part, in its other
 * role, and what it knows of production is the address of each default gateway. Replicas start
 * before it does, so their first packets to other networks end at nobody. In an organization VDC not
 * even the appliance takes part: its edge gateway serves the replicas, and did so before.
 */
import { defaultGateways } from './appliances.ts';
import type { Notice, Step, Work } from './decision.ts';
import { type FailoverPlan, reservedRule } from './failover-plan.ts';
import { startsOf } from './pace.ts';
import type { Beginning, Lane, Phase } from './phase.ts';
import { powerOnProvider } from './power-on-provider.ts';
import type { PointChoice } from './restore-points.ts';
import { rollBackTo } from './roll-back-to.ts';
import type { Site } from './site.ts';

const texts = [
  'Full site failover is started by a cloud failover plan.',
  'The replicas of the plan are found; partial site failover that is under way is stopped.',
  'The replicas are started in the order of the plan, with its delays.',
  'The provider appliance is powered on.',
  'The provider appliance becomes the default gateway of the replicas.',
] as const;

const steps: readonly Step[] = texts.map((text, i) => ({ number: i + 1, text }));

/** @param vms In the order of the plan. Replicas that run already are left running. */
export function fullFailover(site: Site, plan: FailoverPlan, choice: PointChoice): Phase[] {
  const phase = (
    number: number,
    begin: Phase['begin'],
    direction: Phase['direction'] = 'forward',
  ): Phase => ({ step: steps[number - 1]!, direction, begin });
  return [
    phase(1, (vms) => ({ lanes: [], notices: warnings(site, plan, vms) })),
    phase(2, () => stopPartial(site), 'back'),
    phase(3, (vms) => startReplicas(site, plan, choice, vms)),
    phase(4, (vms) => providerAppliances(site, plan, vms)),
    phase(5, (vms) => defaultGateways(site, vms)),
  ];
}

function warnings(site: Site, plan: FailoverPlan, vms: readonly string[]): Notice[] {
  const notices = vms.flatMap((vm) => [...site.detectionWarning(vm), ...site.gatewayWarnings(vm)]);
  const other = site.policies.reservedPort === 'public' ? 'target' : 'public';
  if (reservedRule(plan, other) !== undefined) {
    const text = `a rule of the plan ${plan.name} has 22 as its ${other} port, which the appliance may keep for itself`;
    notices.push({ kind: 'warn', code: 'PORT_RESERVED', about: plan.name, text });
  }
  return notices;
}

/** Tenant appliances are switched off without asking them; replicas that the plan does not name run on, out of reach. */
function stopPartial(site: Site): Beginning {
  const members = site.members();
  const lanes = site.pairs(members).map(([{ network, appliance }, concerns]): Lane => {
    const work: Work[] = [{ kind: 'power-off-tenant-appliance', network, appliance }];
    if (site.ledger.get(`provider proxy ${network}`) !== 'off')
      work.push({ kind: 'withdraw-proxy', side: 'provider', network });
    if (site.ledger.get(`vpn server ${network}`) !== 'off')
      work.push({ kind: 'stop-vpn-server', network });
    return { concerns, work };
  });
  return { lanes, notices: site.leave(members) };
}

function startReplicas(
  site: Site,
  plan: FailoverPlan,
  choice: PointChoice,
  vms: readonly string[],
): Beginning {
  const delays = plan.vms.filter(({ vm }) => vms.includes(vm)).map(({ delay }) => delay);
  const lanes = vms.map((vm): Lane => {
    const replica = site.replica(vm);
    const { state, providerNetwork } = replica;
    replica.kind = 'full';
    if (state === 'failover') return { concerns: [vm], work: [] };
    const { work, ...lane } = rollBackTo(choice, vm, site);
    const start: Work[] = [
      { kind: 'power-on-replica', vm, providerNetwork },
      { kind: 'hold-replication', vm },
    ];
    return { ...lane, work: [...work, ...start] };
  });
  return { lanes, pace: startsOf(delays), notices: vms.flatMap((vm) => site.duplicateWarning(vm)) };
}

function providerAppliances(
  site: Site,
  plan: FailoverPlan,
  vms: readonly string[],
): Beginning | undefined {
  const hosts = site.hosts(vms);
  if (hosts.length === 0) return undefined;
  const lanes = hosts.flatMap(([on, concerns]): Lane[] => {
    site.gateways.failOver(concerns, plan);
    return powerOnProvider(site, on, concerns);
  });
  return { lanes };
}
