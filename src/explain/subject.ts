/**
 * Who and what an explanation is about, as data: what a remedy is made of. It is worked out beside
 * the sentence and never read out of it.
 */
import type { FrameDropped } from '../trace/event.ts';
import { ipProtocol } from '../wire/ipv4.ts';
import { droppedPacket, portsIn } from './carried.ts';
import type { Case, Finding, Party } from './case.ts';
import type { Fault } from './world.ts';

export interface Subject {
  readonly asker: Party;
  readonly target: Party;
  /** `10.0.10.20`: what was asked for. */
  readonly ip: string;
  readonly protocol: 'ping' | 'tcp' | 'udp' | 'arp';
  /** The port that was asked for, where the protocol has ports. */
  readonly port?: number;
  /** Production networks whose tunnel it has to go through. */
  readonly crossed: readonly string[];
  /** The machines that it needs, in the order of its way; those of a tunnel from the tenant to the provider. */
  readonly needed: readonly string[];
  /** Those of them that are off, and networks whose switch is. */
  readonly off: readonly string[];
  /** Those that are still starting. */
  readonly booting: readonly string[];
  /** The addresses that the VMs of both ends had by DHCP before, by VM. */
  readonly leased: Readonly<Record<string, string>>;
  /** The fault of the scenario that did it, where one did. */
  readonly fault?: Fault;
  /** Where the packet, or what it waited for, was stopped. */
  readonly stop?: Stop;
}

export interface Stop {
  readonly node: string;
  /** `gw1.wan`. */
  readonly port: string;
  readonly event: number;
  /** What was to pass: `udp/6180`, where the log has its bytes. */
  readonly service?: string;
}

export function subjectOf(of: Case, finding: Finding, fault: Fault | undefined): Subject {
  const { asker, target, crossed, to, sent } = of;
  const needed = neededBy(of);
  const protocol = sent?.protocol ?? 'ping';
  const hasPort = sent !== undefined && (protocol === 'tcp' || protocol === 'udp');
  const stop = stopOf(of, finding);
  const known = fault ?? faultAt(of, finding, needed);
  return {
    asker,
    target,
    ip: to,
    protocol,
    ...(hasPort && { port: sent.sequence }),
    crossed,
    needed,
    off: needed.filter((node) => of.world.power(node, of.at) === 'off'),
    booting: needed.filter((node) => of.world.power(node, of.at) === 'booting'),
    leased: leasesOf(of),
    ...(known !== undefined && { fault: known }),
    ...(stop !== undefined && { stop: stopAt(stop) }),
  };
}

function neededBy({ asker, target, crossed, world, from }: Case): string[] {
  const nodes = [from, asker.network];
  if (asker.network !== target.network || crossed.length > 0)
    nodes.push(...world.machinesOf('router').map(({ name }) => name));
  for (const network of crossed) {
    const roles = [
      world.machinesOf('tenant-appliance', network),
      world.machinesOf('cloud-gateway'),
      world.machinesOf('provider-appliance'),
    ];
    nodes.push(network, ...roles.flat().map(({ name }) => name));
  }
  nodes.push(target.network, target.node);
  const near = (node: string): boolean =>
    world.machine(node) === undefined || world.isNear(node, from);
  return [...new Set(nodes)].filter((node) => node !== '' && near(node));
}

/** What the scenario has done to a machine that is needed, where the rule has named the machine alone. */
function faultAt(
  { world, at }: Case,
  { code }: Finding,
  needed: readonly string[],
): Fault | undefined {
  for (const node of needed) {
    const fault =
      code === 'LINK_DOWN' || code === 'INTERFACE_DOWN'
        ? world.cutsOff(node, at)[0]
        : code === 'DAEMON_HUNG'
          ? world.hangs(node, at)[0]
          : code === 'WG_REPLAY'
            ? world.clockStep(node, at)
            : undefined;
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function leasesOf({ world, at, asker, target }: Case): Record<string, string> {
  const leased: Record<string, string> = {};
  for (const { vm, original } of [asker, target]) {
    const ip = vm === '' ? undefined : world.leaseBefore(original, at);
    if (ip !== undefined) leased[vm] = ip;
  }
  return leased;
}

/** The drop that shows it: that of a question or handshake, or the packet's own end. */
export function stopOf(of: Case, { stop, shownBy }: Finding): FrameDropped | undefined {
  if (stop !== undefined) return stop;
  const { event } = shownBy?.end ?? of.end;
  const end = event < 0 ? undefined : of.log.read(event);
  return end?.kind === 'drop' ? end : undefined;
}

function stopAt(drop: FrameDropped): Stop {
  const { node, port, id: event } = drop;
  const packet = droppedPacket(drop);
  const to = packet && portsIn(packet)?.destination;
  if (to === undefined) return { node, port, event };
  const protocol = packet!.protocol === ipProtocol.tcp ? 'tcp' : 'udp';
  return { node, port, event, service: `${protocol}/${to}` };
}
