/** Faults of the scenario that are the cause themselves, and the name of the one behind a drop. */
import type { FrameDropped } from '../trace/event.ts';
import type { Reason } from '../trace/reasons.ts';
import type { Case, Finding } from './case.ts';
import { isCrossing } from './tree.ts';
import type { Fault } from './world.ts';

/** A machine that the packet needs has been kept from its network. Switches say nothing of cables that are dead. */
export function cutOff(of: Case): Finding | undefined {
  for (const node of needed(of)) {
    const fault = of.world.cutOff(node, of.at);
    if (fault !== undefined) return { ...cut(fault.fault, node), lastHop: of.end.node };
  }
  const network = [of.asker.network, of.target.network].find(
    (name) => name !== '' && of.world.power(name, of.at) === 'off',
  );
  if (network === undefined) return undefined;
  return {
    code: 'LINK_DOWN',
    sentence: `the switch of ${network} is off, so nobody there has a carrier`,
    try: `fault: { power_on: ${network} }`,
  };
}

/** Between the sites, or out of a network: a cloud gateway or router that is switched off. */
export function gatewayIsOff(of: Case): Finding | undefined {
  if (of.asker.bySite || of.target.bySite) return undefined; // theirs is an appliance
  const leaves = of.asker.network !== of.target.network;
  if (!leaves && of.crossed.length === 0) return undefined;
  const dialled = of.crossed.flatMap((network) =>
    of.world.tunnel(network, of.at).map(({ endpoint }) => endpoint.split(':')[0]!),
  );
  const gateways = of.world
    .machinesOf('cloud-gateway')
    .filter(({ name }) => of.world.addressesOf(name, of.at).some(({ ip }) => dialled.includes(ip)));
  const off = [...gateways, ...of.world.machinesOf('router')].find(
    ({ name }) => (of.world.power(name, of.at) ?? 'on') !== 'on',
  );
  if (off === undefined) return undefined;
  const is = of.world.power(off.name, of.at) === 'off' ? 'switched off' : 'still booting';
  return {
    code: 'POWERED_OFF',
    sentence: `${off.name}, through which it has to pass, is ${is}`,
    try: `fault: { power_on: ${off.name} }`,
  };
}

const daemons = {
  vpn: 'the VPN daemon',
  proxy_arp: 'the proxy-ARP daemon',
  dhcp: 'the DHCP server',
} as const;

/** The machine runs, and the process that has to do it does nothing. */
export function daemonHangs(of: Case): Finding | undefined {
  for (const network of of.crossed) {
    for (const node of [of.tenantAppliance(network), of.providerAppliance(network)]) {
      const fault = node === undefined ? undefined : of.world.hangs(node, of.at);
      if (node === undefined || fault?.daemon === undefined) continue;
      const view = of.world.tunnel(network, of.at).find((end) => end.node === node);
      if (fault.daemon === 'vpn' && view !== undefined && view.since > fault.at) continue; // a new one
      return {
        code: 'DAEMON_HUNG',
        sentence: `${daemons[fault.daemon]} of ${node} hangs, while the appliance runs`,
        try: `fault: { resume: { at: ${node}, daemon: ${fault.daemon} } }`,
      };
    }
  }
  return undefined;
}

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
      sentence: `${node}, the appliance that has to carry it between the sites, has no address: ${noLease(of)}`,
    };
  }
  return undefined;
}

/** Why somebody has no lease, as far as anybody can tell. */
export function noLease({ world, at }: Case): string {
  const hangs = [...world.machines.keys()].find((name) => world.hangs(name, at)?.daemon === 'dhcp');
  return hangs === undefined
    ? 'no DHCP server has given it one'
    : `the DHCP server of ${hangs} hangs`;
}

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
  if (drop.reason === 'FIREWALL_BLOCKED') return world.blockAt(drop.node, drop.at);
  const kinds = brings[drop.reason];
  if (kinds === undefined) return undefined;
  const own = world.faultAt(drop.port, kinds, drop.at);
  if (own !== undefined || drop.cause < 0) return own;
  const sent = log.read(drop.cause);
  return isCrossing(sent) ? world.faultAt(sent.from, kinds, drop.at) : undefined;
}

/** As the end of a sentence. */
export function nameOf({ fault, target, direction, line }: Fault): string {
  const which = direction === undefined || direction === 'both' ? '' : `, direction ${direction}`;
  const what = fault === 'block' ? `block ${target}` : `${fault} at ${target}`;
  return `it is the fault in line ${line}: ${what}${which}`;
}

function cut(kind: string, node: string): Finding {
  switch (kind) {
    case 'port_off':
      return {
        code: 'LINK_DOWN',
        sentence: `the switch has turned off the port of ${node}, so nothing gets to it or from it`,
        try: `fault: { port_on: ${node} }`,
      };
    case 'interface_down':
      return {
        code: 'INTERFACE_DOWN',
        sentence: `${node} has turned its own adapter off, so it hears nothing and says nothing`,
        try: `fault: { interface_up: ${node} }`,
      };
    default:
      return {
        code: 'LINK_DOWN',
        sentence: `the cable of ${node} is pulled, so nothing gets to it or from it`,
        try: `fault: { link_up: ${node} }`,
      };
  }
}

/** Machines without which it cannot work. */
function needed(of: Case): string[] {
  const nodes = [of.from, of.target.node];
  for (const network of of.crossed) {
    nodes.push(of.tenantAppliance(network) ?? '', of.providerAppliance(network) ?? '');
    const isUp = of.world.tunnel(network, of.at).some(({ state }) => state === 'up');
    if (!isUp) nodes.push(...of.world.machinesOf('cloud-gateway').map(({ name }) => name));
  }
  return nodes;
}
