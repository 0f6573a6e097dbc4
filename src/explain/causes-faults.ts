/** Faults of the scenario that are the cause themselves, and the name of the one behind a drop. */
import type { Instant } from '../base/time.ts';
import type { FrameDropped } from '../trace/event.ts';
import type { Reason } from '../trace/reasons.ts';
import { type Ipv4Packet, ipProtocol } from '../wire/ipv4.ts';
import { droppedPacket, portsIn } from './carried.ts';
import { type Case, dueTo, type Finding } from './case.ts';
import { behindTarget, type Need, needsOf } from './needs.ts';
import { isCrossing } from './tree.ts';
import { blockedBy, type Fault, type World } from './world.ts';

/** What the asker itself hangs on is gone, so that nothing it says gets anywhere. */
export function askerIsCutOff(of: Case): Finding | undefined {
  const { asker, from } = of;
  return cutAt(of, from) ?? (asker.side === 'tenant' ? darkAt(of, asker.network) : undefined);
}

/** A machine that the packet needs has been kept from its network. Switches say nothing of cables that are dead. */
export function cutOff(of: Case): Finding | undefined {
  const needs = needsOf(of);
  for (const { node, matters } of needs) {
    const finding = cutAt(of, node, matters);
    if (finding !== undefined) return finding;
  }
  for (const { node, as } of needs) {
    const finding = as === 'segment' ? darkAt(of, node) : undefined;
    if (finding !== undefined) return finding;
  }
  return undefined;
}

const cutAt = (of: Case, node: string, matters?: Need['matters']): Finding | undefined =>
  cutsAt(of, node, matters)[0];

export const cutsAt = (
  { world, at, end }: Case,
  node: string,
  matters?: Need['matters'],
): Finding[] =>
  world
    .cutsOff(node, at, matters)
    .map((fault) => ({ ...cut(fault, node), fault, lastHop: end.node }));

/** A switch without power. */
export function darkAt({ world, at }: Case, network: string): Finding | undefined {
  if (network === '' || world.power(network, at) !== 'off') return undefined;
  return {
    code: 'LINK_DOWN',
    sentence: `the switch of ${network} is off, so nobody there has a carrier`,
    try: `fault: { power_on: ${network} }`,
    ...dueTo(world.blackout(network, at)),
  };
}

/** Between the sites, or out of a network: a cloud gateway, an edge gateway or a router that is switched off. */
export function gatewayIsOff(of: Case): Finding | undefined {
  const { world, at } = of;
  const off = needsOf(of).find(
    ({ node, as }) => isPassed.has(as) && (world.power(node, at) ?? 'on') !== 'on',
  );
  if (off === undefined) return undefined;
  const is = world.power(off.node, at) === 'off' ? 'switched off' : 'still booting';
  return {
    code: 'POWERED_OFF',
    sentence: `${off.node}, through which it has to pass, is ${is}`,
    try: `fault: { power_on: ${off.node} }`,
    ...dueTo(world.blackout(off.node, at)),
  };
}

const isPassed: ReadonlySet<Need['as']> = new Set(['gateway', 'router', 'edge']);

/** What lies behind the address that was asked for does not run, or hangs on nothing. */
export function hiddenIsAway(of: Case): Finding | undefined {
  const { world, at } = of;
  const node = behindTarget(of)?.node ?? '';
  if (node === '') return undefined;
  if ((world.power(node, at) ?? 'on') === 'on') return cutAt(of, node);
  return {
    code: 'POWERED_OFF',
    sentence: `${node}, to which ${of.target.node} leads what is sent to ${of.to}, is ${world.power(node, at) === 'off' ? 'switched off' : 'still booting'}`,
    ...dueTo(world.blackout(node, at)),
  };
}

const daemons = {
  vpn: 'the VPN daemon',
  proxy_arp: 'the proxy-ARP daemon',
  dhcp: 'the DHCP server',
} as const;

/** The machine runs, and the process that has to do it does nothing. */
export function daemonHangs(of: Case): Finding | undefined {
  return hungOf(of)[0];
}

export function hungOf(of: Case): Finding[] {
  const { world, at } = of;
  return of.crossed.flatMap((network) =>
    [of.tenantAppliance(network), of.providerAppliance(network)].flatMap((node = '') =>
      world
        .hangs(node, at)
        .filter((fault) => fault.network === undefined || fault.network === network)
        .flatMap((fault) => {
          const { daemon } = fault;
          const view = world.tunnel(network, at).find((end) => end.node === node);
          const isAnew = daemon === 'vpn' && view !== undefined && view.since > fault.at;
          if (daemon === undefined || isAnew) return [];
          return {
            code: 'DAEMON_HUNG' as const,
            sentence: `${daemons[daemon]} of ${node} hangs, while the appliance runs`,
            try: `fault: { resume: { at: ${node}, daemon: ${daemon} } }`,
            fault,
          };
        }),
    ),
  );
}

/** A machine without an address that the scenario has taken it from, or that no DHCP server gives one to. */
export function addressIsTaken({ world, at, from, target }: Case): Finding | undefined {
  for (const node of [from, target.node]) {
    if (world.machine(node)?.address !== 'dhcp' || world.power(node, at) !== 'on') continue;
    if (world.addressesOf(node, at).some(({ origin }) => origin === 'dhcp')) continue;
    const [hung] = hungServers(world, at);
    if (hung !== undefined)
      return {
        code: 'NO_ADDRESS',
        sentence: `${node} has no address: ${noLease(hung)}`,
        try: `fault: { resume: { at: ${hung.target}, daemon: dhcp } }`,
        fault: hung,
      };
    const lost = world.lostLease(node, at);
    if (lost !== undefined)
      return {
        code: 'NO_ADDRESS',
        sentence: `${node} has lost its lease, and ${noLease(undefined)} again`,
        fault: lost,
        try: `fault: { lose_lease: ${lost.target} } left out`,
      };
  }
  return undefined;
}

const hungServers = (world: World, at: Instant): Fault[] =>
  [...world.machines.keys()].flatMap((name) =>
    world.hangs(name, at).filter(({ daemon }) => daemon === 'dhcp'),
  );

/** An appliance that has its address by DHCP has none, so its tunnel has nowhere to start. */
export function applianceIsBare(of: Case): Finding | undefined {
  if (!of.log.detailed) return undefined;
  for (const network of of.crossed) {
    const node = of.tenantAppliance(network);
    if (node === undefined || of.world.machine(node)?.address !== 'dhcp') continue;
    if (of.world.power(node, of.at) !== 'on') continue;
    if (of.world.addressesOf(node, of.at).some(({ origin }) => origin === 'dhcp')) continue;
    return {
      code: 'NO_ADDRESS',
      sentence: `${node}, the appliance that has to carry it between the sites, has no address: ${noLeaseAt(of)}`,
      ...dueTo(hungServers(of.world, of.at)[0] ?? of.world.lostLease(node, of.at)),
    };
  }
  return undefined;
}

/** Why somebody has no lease, as far as anybody can tell. */
export const noLeaseAt = ({ world, at }: Case): string => noLease(hungServers(world, at)[0]);

const noLease = (hung: Fault | undefined): string =>
  hung === undefined
    ? 'no DHCP server has given it one'
    : `the DHCP server of ${hung.target} hangs`;

/** Handshakes of a clock that was set back count as replays until it has caught up. */
export function clockIsBehind(of: Case): Finding | undefined {
  for (const network of of.crossed) {
    if (of.world.tunnel(network, of.at).some(({ state }) => state === 'up')) continue;
    for (const node of [of.tenantAppliance(network), of.providerAppliance(network)]) {
      const fault = node === undefined ? undefined : of.world.clockStep(node, of.at);
      if (fault?.direction !== 'back') continue;
      return {
        code: 'WG_REPLAY',
        sentence: `the clock of ${node} was set back, so the other end takes each handshake of the tunnel ${network} for an old one`,
        try: `fault: { clock_step: { at: ${node}, direction: forward } }`,
        fault,
      };
    }
  }
  return undefined;
}

/** Which faults bring about a drop. */
const brings: Partial<Record<Reason, readonly string[]>> = {
  LINK_LOSS: ['drop'],
  BLACK_HOLE: ['black_hole'],
  QUEUE_FULL: ['rate'],
  FRAME_TOO_LONG: ['mtu'],
  LINK_DOWN: ['link_down', 'port_off'],
  INTERFACE_DOWN: ['interface_down'],
};

/** The fault that a drop is due to: at the port that dropped it, or at the one that it was sent from. */
export function faultBehind({ log, world }: Case, drop: FrameDropped): Fault | undefined {
  if (drop.reason === 'FIREWALL_BLOCKED') return blockBehind(world, drop);
  const kinds = brings[drop.reason];
  if (kinds === undefined) return undefined;
  const own = world.faultAt(drop.port, kinds, drop.at);
  if (own !== undefined || drop.cause < 0) return own;
  const sent = log.read(drop.cause);
  return isCrossing(sent) ? world.faultAt(sent.from, kinds, drop.at) : undefined;
}

/** Of several the one that is about the port of the packet; from a log without bytes the youngest. */
function blockBehind(world: World, drop: FrameDropped): Fault | undefined {
  const blocks = world.blocksAt(drop.node, drop.at);
  const packet = droppedPacket(drop);
  if (packet === undefined) return blocks[0];
  const names = portNames(packet);
  return blocks.find((fault) => blockedBy(fault).ports.some((port) => names.includes(port)));
}

/** Words of a firewall that a packet may be meant by: `udp/6180`, `icmp`. */
export function portNames(packet: Ipv4Packet): string[] {
  const { protocol } = packet;
  const ports = portsIn(packet);
  if (protocol === ipProtocol.icmp) return ['icmp'];
  const name = protocol === ipProtocol.tcp ? 'tcp' : 'udp';
  return ports === undefined ? [] : [`${name}/${ports.destination}`, `${name}/${ports.source}`];
}

/** As the end of a sentence. */
export function nameOf({ fault, target, direction, line }: Fault): string {
  const which = direction === undefined || direction === 'both' ? '' : `, direction ${direction}`;
  const what = fault === 'block' ? `block ${target}` : `${fault} at ${target}`;
  return `it is the fault in line ${line}: ${what}${which}`;
}

function cut({ fault, target }: Fault, node: string): Finding {
  switch (fault) {
    case 'port_off':
      return {
        code: 'LINK_DOWN',
        sentence: `the switch has turned off the port of ${node}, so nothing gets to it or from it`,
        try: `fault: { port_on: ${target} }`,
      };
    case 'interface_down':
      return {
        code: 'INTERFACE_DOWN',
        sentence: `${node} has turned its own adapter off, so it hears nothing and says nothing`,
        try: `fault: { interface_up: ${target} }`,
      };
    default:
      return {
        code: 'LINK_DOWN',
        sentence: `the cable of ${target} is pulled, so nothing gets to it or from it`,
        try: `fault: { link_up: ${target} }`,
      };
  }
}
