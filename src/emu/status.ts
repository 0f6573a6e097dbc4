/** How a lab on kernels stands at this moment. */
import type { Instant } from '../base/time.ts';
import type { IpStack } from '../stack/ip-stack.ts';
import type { LabStatus, MachineStatus } from '../trace/standing.ts';
import { showIpv4, showMac, showPrefix } from '../wire/address.ts';
import { KernelStack } from './kernel-stack.ts';
import type { PacedLab } from './paced-lab.ts';

export function statusOf(lab: PacedLab): LabStatus {
  const { network, now, latest, log } = lab;
  const tunnels = new Map<string, LabStatus['tunnels'][number]>();
  for (const { node, tunnel, state } of log.facts(['tunnel']))
    tunnels.set(`${node} ${tunnel}`, { node, tunnel, state });
  const machines = network.topology.nodes.map(({ name }) =>
    machineOf(name, network.powerOf(name) ?? 'on', network.stack(name)!, now),
  );
  return { now, latest: Math.max(0, latest), machines, tunnels: [...tunnels.values()] };
}

function machineOf(name: string, power: string, stack: IpStack, now: Instant): MachineStatus {
  const kernel = stack instanceof KernelStack ? stack : undefined;
  return {
    name,
    host: kernel ? 'kernel' : 'standin',
    power,
    namespace: kernel?.spaceName,
    adapters: stack.interfaces
      .filter(({ port }) => port !== undefined)
      .map((on) => ({
        name: on.name,
        device: kernel?.deviceOf(on),
        mac: showMac(on.mac),
        addresses: on.addresses.map(showPrefix),
        neighbours: [...on.neighbours.entries.values()].map((entry) => ({
          ip: showIpv4(entry.ip),
          mac: entry.hasMac ? showMac(entry.mac) : '',
          state: kernel ? entry.state : on.neighbours.stateOf(entry, now),
        })),
      })),
  };
}
