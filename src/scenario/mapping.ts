/**
 * Where replicas of a network are connected: as a job says, else one to one in the order of the file,
 * which happens for Windows only and if both sides have equally many networks (Veeam Cloud Connect
 * guide, Network Mapping for Cloud Replicas). The controller decides by the same rule.
 */
import type { Tenant } from './scenario.ts';

export function mappingOf({ sites, plans, jobs }: Tenant): Map<string, string> {
  const mapping = new Map<string, string>();
  const networks = sites.flatMap((site) => site.networks);
  const vms = new Map(sites.flatMap((site) => site.vms.map((vm) => [vm.name, vm])));
  const offered = plans.flatMap((plan) => plan.networks);
  for (const job of jobs) {
    for (const { from, to } of job.mapping) mapping.set(from.name, to.name);
    for (const { name } of job.vms) {
      const vm = vms.get(name);
      if (vm?.os !== 'windows' || networks.length !== offered.length) continue;
      const place = networks.findIndex((network) => network.name === vm.network);
      if (!mapping.has(vm.network)) mapping.set(vm.network, offered[place]!.name);
    }
  }
  return mapping;
}
