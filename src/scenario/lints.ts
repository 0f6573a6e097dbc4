/** What is allowed, but probably not meant; and what only the whole of a scenario can tell. */
import type { Reason } from '../trace/reasons.ts';
import { showIpv4 } from '../wire/address.ts';
import type { Built } from './build.ts';
import { checkFaults, type FaultAt } from './check-faults.ts';
import type { RawScenario } from './format.ts';
import type { RawFault } from './format-faults.ts';
import type { RawPlainProbe } from './format-probes.ts';
import type { Owner } from './owners.ts';
import { type Place, placeOf, type Spot } from './place.ts';
import type { Findings } from './problem.ts';
import { startSpot } from './raw.ts';
import type { Job, Site, Tenant } from './scenario.ts';

export function checkMeaning(built: Built, raw: RawScenario, findings: Findings): void {
  checkPlans(built, raw, findings);
  checkAppliances(built, findings);
  checkReplication(built, raw, findings);
  checkProxies(built, raw, findings);
  checkBridge(raw, findings);
  checkFaults(faultsIn(built, raw), built.scenario, findings);
  checkUse(built, raw, findings);
}

/** Codes that the scenario itself expects: what leads to them is meant. */
function expectedCodes(raw: RawScenario): Set<string> {
  const codes = new Set<string>();
  for (const step of raw.steps?.items ?? []) {
    if (step.verb !== 'expect') continue;
    for (const probe of step.value?.items ?? []) {
      const inner = probe.verb === 'not' ? probe.value : probe;
      for (const code of inner === undefined ? [] : codesOf(inner)) codes.add(code);
    }
  }
  return codes;
}

type Probe =
  | RawPlainProbe
  | { readonly verb: string; readonly value: unknown; readonly with: unknown };

function codesOf({ verb, value, with: beside }: Probe): string[] {
  const { fails, because } = beside as Partial<Record<'fails' | 'because', { value: string }>>;
  const warning = verb === 'warning' ? (value as { value: string } | undefined)?.value : undefined;
  return [fails?.value, because?.value, warning].filter((code) => code !== undefined);
}

/** One VLAN serves one network: two plans on the same hosts must not share it, nor should two tenants. */
function checkPlans({ owners }: Built, { provider }: RawScenario, findings: Findings): void {
  const single = provider?.hardware_plan;
  const plans = [
    ...(single === undefined ? [] : [{ name: 'plan', value: single }]),
    ...(provider?.hardware_plans ?? []),
  ];
  const users = new Map<string, number>();
  for (const { hardwarePlans } of owners)
    for (const { name } of hardwarePlans) users.set(name, (users.get(name) ?? 0) + 1);
  const taken = new Map<string, string>();
  for (const { name: plan, value: raw } of plans) {
    const host = raw?.hosts?.items[0]?.value ?? '';
    for (const { name, value } of raw?.networks ?? []) {
      const vlan = value?.vlan;
      if (vlan === undefined) continue;
      const key = `${host} ${vlan.value}`;
      const owner = taken.get(key);
      if (owner === undefined) taken.set(key, name);
      else findings.add('E313', vlan.spot, `VLAN ${vlan.value} belongs to ${owner} already`);
      if ((users.get(plan) ?? 0) < 2) continue;
      const message = `${users.get(plan)} tenants share VLAN ${vlan.value} and receive each other's frames`;
      findings.add('W321', vlan.spot, message, 'leave it out: every tenant then gets its own');
    }
  }
}

function checkAppliances({ scenario, spots }: Built, findings: Findings): void {
  const owners = new Map<string, string>();
  for (const { name, network } of scenario.tenants.flatMap(appliancesOf)) {
    const owner = owners.get(network);
    if (owner === undefined) owners.set(network, name);
    else {
      const message = `${network} already has the appliance ${owner}`;
      findings.add('E314', spots.get(name)!.key, message, 'one appliance serves a network');
    }
  }
}

/** Two who answer for one address are a fault, unless it is the one that is shown. */
function checkProxies({ scenario, spots }: Built, raw: RawScenario, findings: Findings): void {
  if (expectedCodes(raw).has('DUPLICATE_ADDRESS')) return;
  for (const site of scenario.tenants.flatMap(({ sites }) => sites)) {
    const owners = [...site.vms, ...site.appliances];
    for (const { name, answersFor } of site.vms) {
      const ip = answersFor.find((one) => owners.some((owner) => owner.ip === one));
      if (ip === undefined) continue;
      const owner = owners.find((one) => one.ip === ip)!.name;
      const message = `${name} answers ARP for ${showIpv4(ip)}, which ${owner} has`;
      findings.add('W322', spots.get(name)!.key, message);
    }
  }
}

function checkBridge({ tunnel }: RawScenario, findings: Findings): void {
  if (tunnel?.mode?.value !== 'l2-bridge' || tunnel.mss_clamp?.value !== true) return;
  const message = 'a bridge does not look into frames, so it lowers no MSS';
  findings.add('W318', tunnel.mss_clamp.spot, message, 'make the MTU of the machines smaller');
}

const appliancesOf = ({ sites }: Tenant) => sites.flatMap((site) => site.appliances);

function checkReplication(built: Built, raw: RawScenario, findings: Findings): void {
  const { scenario, owners, names } = built;
  const expected = expectedCodes(raw);
  const means: Means = (...codes) => codes.some((code) => expected.has(code));
  owners.forEach((owner, i) => {
    checkJobs(built, owner, scenario.tenants[i]!, means, findings);
  });
  if (means('NO_REPLICA') || scenario.provider === undefined) return;
  for (const step of raw.steps?.items ?? []) {
    if (step.verb !== 'failover') continue;
    for (const { value: name, spot } of step.value?.vms?.items ?? []) {
      const meant = names.matching('vm', name);
      if (meant.length === 0 || meant.some((vm) => names.replicated.has(vm))) continue;
      findings.add('W319', spot, `no replication job names ${name}, so it has no replica`);
    }
  }
}

type Means = (...codes: Reason[]) => boolean;

function checkJobs(
  { names, spots }: Built,
  owner: Owner,
  tenant: Tenant,
  means: Means,
  findings: Findings,
): void {
  const own = names.within(owner.name);
  const vms = new Map(tenant.sites.flatMap((site) => site.vms.map((vm) => [vm.name, vm])));
  const served = new Set(appliancesOf(tenant).map((one) => one.network));
  // Full site failover needs no appliance of the tenant's.
  const planned = new Set(
    tenant.failoverPlans.flatMap((plan) => plan.vms.map(({ vm }) => vm.name)),
  );
  const jobs = new Map<string, string>();
  const without = new Map<string, string[]>();
  for (const [i, job] of tenant.jobs.entries()) {
    const rawJob = owner.replication[i]?.value;
    const mapped = new Set((rawJob?.network_mapping ?? []).map(({ name }) => own.full(name)));
    checkHost(job, tenant, rawJob?.host?.spot, findings);
    if (!means('NO_EDGE_GATEWAY')) checkEdges(job, tenant, rawJob, findings);
    for (const { name } of job.vms) {
      const named = rawJob?.vms?.items.find(({ value }) => own.full(value) === name);
      const spot = named?.spot ?? rawJob?.vms?.spot;
      const vm = vms.get(name);
      if (spot === undefined) continue;
      const other = jobs.get(name);
      if (other !== undefined) {
        findings.add('E315', spot, `${name} is already replicated by ${other}`);
        continue;
      }
      jobs.set(name, job.name);
      if (vm === undefined) continue;
      if (!mapped.has(vm.network) && !means('REPLICA_NOT_MAPPED', 'NO_STATIC_IP_DETECTED')) {
        const message = `the replica of ${name} is connected to no network: ${vm.network} is not mapped`;
        findings.add('W315', spot, message, `add "network_mapping: { ${vm.network}: … }"`);
      }
      if (served.has(vm.network) || planned.has(name)) continue;
      const names = without.get(vm.network);
      if (names === undefined) without.set(vm.network, [name]);
      else names.push(name);
    }
  }
  const rawAppliances = (owner.sites ?? []).flatMap((site) => site.value?.appliances ?? []);
  const isBroken = rawAppliances.length > appliancesOf(tenant).length;
  const hasVpn = tenant.plans.some(
    ({ edge }) => edge !== undefined && edge.connectivity !== 'appliances',
  );
  if (means('NO_NEA') || isBroken || hasVpn) return;
  for (const [network, names] of without) {
    const who = names.length > 3 ? `${names.slice(0, 3).join(', ')} …` : names.join(', ');
    const message =
      `${network} has VMs but no tenant appliance; a partial failover of ${who} will only warn ` +
      '(reason NO_NEA)';
    findings.add('W310', spots.get(network)!.key, message);
  }
}

/** Replicas run in the cluster whose switch has their network. */
function checkHost(job: Job, { plans }: Tenant, spot: Spot | undefined, findings: Findings): void {
  if (job.host === undefined || spot === undefined) return;
  for (const { to } of job.mapping) {
    const plan = plans.find(({ networks }) => networks.some(({ name }) => name === to.name));
    if (plan === undefined || plan.hosts.includes(job.host)) continue;
    const message = `${job.host} does not run replicas of the plan that ${to.name} belongs to`;
    findings.add('E303', spot, message, `it has ${plan.hosts.join(', ')}`);
  }
}

/** What an org VDC has instead of appliances leads to some networks, and not to others. */
function checkEdges(
  job: Job,
  { plans, sites }: Tenant,
  raw: Owner['replication'][number]['value'],
  findings: Findings,
): void {
  for (const [i, { from, to }] of job.mapping.entries()) {
    const plan = plans.find(({ networks }) => networks.some(({ name }) => name === to.name));
    const spot = raw?.network_mapping?.[i]?.value?.spot;
    if (plan?.edge === undefined || spot === undefined) continue;
    const site = sites.find(({ networks }) => networks.some(({ name }) => name === from.name));
    const { type } = plan.networks.find(({ name }) => name === to.name)!;
    if (plan.edge.connectivity === 'edge-gateway' && site?.edge === undefined) {
      const message = `no edge gateway at the site stretches ${from.name}`;
      findings.add('W323', spot, message, 'add "edge: { network: …, ip: … }" to the site');
    }
    if (plan.edge.connectivity === 'ipsec-vpn' && type === 'isolated') {
      const message = `${to.name} is isolated, and an IPsec VPN leads to routed networks only`;
      findings.add('W323', spot, message, 'write "type: routed"');
    }
  }
}

/** The faults that happen in this case, each with the place in the file that says at what. */
function faultsIn({ scenario }: Built, raw: RawScenario): FaultAt[] {
  return scenario.steps.flatMap((step): FaultAt[] => {
    const rawStep = raw.steps!.items[step.number - 1]!;
    const timed = 'meanwhile' in rawStep.with ? (rawStep.with.meanwhile?.items ?? []) : [];
    const words = [...(rawStep.verb === 'fault' ? [rawStep] : []), ...timed];
    const built = [...(step.kind === 'fault' ? [step] : []), ...step.meanwhile];
    return built.flatMap(({ fault }): FaultAt[] => {
      const said = words.find(({ value }) => value !== undefined && isAt(value.spot, fault.place));
      return said?.value === undefined ? [] : [{ fault, ...spotsOf(said.value) }];
    });
  });
}

const isAt = (spot: Spot, { line, column }: Place): boolean => {
  const place = placeOf(spot);
  return place.line === line && place.column === column;
};

function spotsOf({ value, spot }: RawFault): Pick<FaultAt, 'at' | 'network'> {
  if (value === undefined) return { at: spot, network: undefined };
  if ('value' in value) return { at: value.spot, network: undefined };
  const network = 'network' in value ? value.network?.spot : undefined;
  return { at: value.at?.spot ?? spot, network };
}

function checkUse({ scenario, names, spots }: Built, raw: RawScenario, findings: Findings): void {
  if (findings.errors > 0) return; // what is wrong may be what uses or checks it
  for (const { name } of scenario.tenants.flatMap(({ sites }) => sites.flatMap(networksOf))) {
    if (names.mentioned.has(name)) continue;
    findings.add('W311', spots.get(name)!.key, `nothing uses the network ${name}`);
  }
  if (!scenario.steps.some((step) => step.kind === 'expect')) {
    const spot: Spot | undefined = raw.steps?.spot ?? raw.name?.spot;
    if (spot === undefined) return;
    findings.add(
      'W314',
      startSpot(spot),
      'nothing is checked',
      'add a step such as "expect: [ … ]"',
    );
  }
}

const networksOf = ({ networks }: Site) => networks;

/** `check --strict`: an expected failure must say for which reason. */
export function checkStrictly(raw: RawScenario, findings: Findings): void {
  for (const step of raw.steps?.items ?? []) {
    if (step.verb !== 'expect') continue;
    for (const probe of step.value?.items ?? []) {
      const inner = probe.verb === 'not' ? probe.value : probe;
      if (inner?.verb !== 'ping' && inner?.verb !== 'tcp' && inner?.verb !== 'udp') continue;
      const { fails } = inner.with;
      if (fails?.value !== 'any') continue;
      const message = '"fails: any" passes for every reason, also for a mistake in the scenario';
      findings.add('E317', fails.spot, message, 'name the reason');
    }
  }
}
