/** What is allowed, but probably not meant; and what only the whole of a scenario can tell. */
import type { Reason } from '../trace/reasons.ts';
import type { Built } from './build.ts';
import type { RawScenario } from './format.ts';
import type { RawPlainProbe } from './format-probes.ts';
import type { Spot } from './place.ts';
import type { Findings } from './problem.ts';

export function checkMeaning(built: Built, raw: RawScenario, findings: Findings): void {
  checkPlan(raw, findings);
  checkAppliances(built, findings);
  checkReplication(built, raw, findings);
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

/** The service provider sets one VLAN aside for each network. */
function checkPlan(raw: RawScenario, findings: Findings): void {
  const owners = new Map<number, string>();
  for (const { name, value } of raw.provider?.hardware_plan?.networks ?? []) {
    const vlan = value?.vlan;
    if (vlan === undefined) continue;
    const owner = owners.get(vlan.value);
    if (owner === undefined) owners.set(vlan.value, name);
    else findings.add('E313', vlan.spot, `VLAN ${vlan.value} belongs to ${owner} already`);
  }
}

function checkAppliances({ scenario, spots }: Built, findings: Findings): void {
  const owners = new Map<string, string>();
  for (const { name, network } of scenario.sites.flatMap((site) => site.appliances)) {
    const owner = owners.get(network);
    if (owner === undefined) owners.set(network, name);
    else {
      const message = `${network} already has the appliance ${owner}`;
      findings.add('E314', spots.get(name)!.key, message, 'one appliance serves a network');
    }
  }
}

function checkReplication({ scenario, spots }: Built, raw: RawScenario, findings: Findings): void {
  const expected = expectedCodes(raw);
  const means = (...codes: Reason[]): boolean => codes.some((code) => expected.has(code));
  const vms = new Map(scenario.sites.flatMap((site) => site.vms.map((vm) => [vm.name, vm])));
  const served = new Set(
    scenario.sites.flatMap((site) => site.appliances.map((one) => one.network)),
  );
  const jobs = new Map<string, string>();
  const without = new Map<string, string[]>();
  const broken = new Set(
    (raw.tenant?.sites ?? []).flatMap((site) =>
      (site.value?.appliances ?? []).map((one) => one.name),
    ),
  );
  for (const appliance of scenario.sites.flatMap((site) => site.appliances))
    broken.delete(appliance.name);

  for (const [i, job] of scenario.jobs.entries()) {
    const rawJob = raw.replication?.[i]?.value;
    const mapped = new Set((rawJob?.network_mapping ?? []).map((row) => row.name));
    for (const { name } of job.vms) {
      const spot = rawJob?.vms?.items.find((item) => item.value === name)?.spot;
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
      if (!served.has(vm.network)) {
        without.set(vm.network, [...(without.get(vm.network) ?? []), name]);
      }
    }
  }
  if (!means('NO_NEA') && broken.size === 0) {
    for (const [network, names] of without) {
      const who = names.length > 3 ? `${names.slice(0, 3).join(', ')} …` : names.join(', ');
      const message =
        `${network} has VMs but no tenant appliance; a partial failover of ${who} will only warn ` +
        '(reason NO_NEA)';
      findings.add('W310', spots.get(network)!.key, message);
    }
  }
  if (means('NO_REPLICA') || scenario.provider === undefined) return;
  for (const step of raw.steps?.items ?? []) {
    if (step.verb !== 'failover') continue;
    for (const { value: name, spot } of step.value?.vms?.items ?? []) {
      if (!vms.has(name) || jobs.has(name)) continue;
      findings.add('W319', spot, `no replication job names ${name}, so it has no replica`);
    }
  }
}

function checkUse({ scenario, names, spots }: Built, raw: RawScenario, findings: Findings): void {
  if (findings.errors > 0) return; // what is wrong may be what uses or checks it
  for (const site of scenario.sites) {
    for (const network of site.networks) {
      if (names.mentioned.has(network.name)) continue;
      const key = spots.get(network.name)!.key;
      findings.add('W311', key, `nothing uses the network ${network.name}`);
    }
  }
  if (!scenario.steps.some((step) => step.kind === 'expect')) {
    const spot: Spot | undefined = raw.steps?.spot ?? raw.name?.spot;
    if (spot === undefined) return;
    const end = { ...spot, end: spot.start + 1 };
    findings.add('W314', end, 'nothing is checked', 'add a step such as "expect: [ … ]"');
  }
}

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
