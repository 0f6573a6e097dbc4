/** What can be wrong on the way: appliances, tunnels, firewalls, sizes. */
import { type Instant, showMoment } from '../base/time.ts';
import type { FrameDropped, MachineRole } from '../trace/event.ts';
import { type Reason, reasons } from '../trace/reasons.ts';
import { showIpv4 } from '../wire/address.ts';
import { type Ipv4Packet, ipProtocol } from '../wire/ipv4.ts';
import { droppedPacket, isArp, isComplaint, isHandshake, packetAlone } from './carried.ts';
import { type Case, dueTo, type Finding, waitsMost } from './case.ts';
import { lower, sentenceOf } from './causes-ends.ts';
import { faultBehind, portNames } from './causes-faults.ts';
import { isCrossing, isMove, isNoise } from './tree.ts';

/** An appliance that the packet has to go through does not run. */
export function applianceIsOff(of: Case): Finding | undefined {
  for (const network of of.crossed) {
    for (const node of [of.tenantAppliance(network), of.providerAppliance(network)]) {
      const power = node === undefined ? undefined : of.world.power(node, of.at);
      if (node === undefined || power === undefined || power === 'on') continue;
      const is = power === 'off' ? 'switched off' : 'still booting';
      return {
        code: 'POWERED_OFF',
        sentence: `${node}, the appliance that has to carry it between the sites, is ${is}`,
        ...(power === 'off' && { try: `fault: { power_on: ${node} }` }),
        ...dueTo(of.world.blackout(node, of.at)),
      };
    }
  }
  return undefined;
}

/** Without a tunnel nothing crosses, and no appliance answers for what it cannot reach. */
export function tunnelDown(of: Case): Finding | undefined {
  for (const network of of.crossed) {
    const ends = of.world.tunnel(network, of.at);
    if (ends.length === 0 || ends.some(({ state }) => state === 'up')) continue;
    const nodes = ends.map(({ node }) => node);
    const tenant = of.tenantAppliance(network) ?? nodes[0]!;
    const view = ends.find(({ node }) => node === tenant) ?? ends[0]!;
    const stop = handshakeStop(of, tenant);
    if (stop !== undefined)
      return { ...stopped(of, stop, network, tenant), stop, lastHop: of.end.node };
    const other = nodes.find((node) => node !== tenant) ?? of.providerAppliance(network);
    const between = other === undefined ? '' : ` between ${tenant} and ${other}`;
    return {
      code: view.because ?? 'TUNNEL_DOWN',
      sentence: `the tunnel ${network}${between} is ${view.state} since ${showMoment(view.since)}, so nothing crosses it`,
      try: `reconnect: ${network}`,
    };
  }
  return undefined;
}

/** How long a tunnel tries before it gives up (REKEY-ATTEMPT-TIME, WireGuard whitepaper section 6.1). */
const attemptFor = 90e9;
const dropsMost = 10_000;

/** Where the last handshake ended that this appliance began, and best one that no line has lost: others got further. */
function handshakeStop(of: Case, appliance: string): FrameDropped | undefined {
  const from = Math.max(0, of.at - attemptFor) as Instant;
  let looked = 0;
  let lost: FrameDropped | undefined;
  for (const drop of of.tree.dropsBack(from, of.until)) {
    if (looked++ === dropsMost) break;
    if (!isHandshake(drop, droppedPacket(drop))) continue;
    const asked = questionOf(of, drop);
    if (asked !== undefined) return asked;
    const isOurs =
      drop.node === appliance ||
      of.tree
        .chain(drop.id)
        .some((id) => of.log.sortOf(id) !== 'fact' && of.log.read(id).node === appliance);
    if (!isOurs) continue;
    if (faultBehind(of, drop)?.fault !== 'drop') return drop;
    lost ??= drop;
  }
  return lost;
}

/** It waited for an ARP reply, and a line has lost the question: that is why. */
function questionOf({ tree }: Case, { reason, node, at }: FrameDropped): FrameDropped | undefined {
  if (reason !== 'ARP_UNANSWERED') return undefined;
  for (const drop of tree.dropsBack(Math.max(0, at - waitsMost) as Instant, at))
    if (drop.reason === 'LINK_LOSS' && drop.node === node && isArp(drop)) return drop;
  return undefined;
}

function stopped(of: Case, drop: FrameDropped, network: string, tenant: string): Finding {
  const { node, reason } = drop;
  const port = portOf(of, drop);
  if (reason === 'FIREWALL_BLOCKED')
    return {
      code: reason,
      sentence: `${node} blocks ${port}, so the tunnel ${network} of ${tenant} cannot come up`,
      try: `open ${port} at ${node}`,
    };
  const { meaning } = reasons[reason];
  return {
    code: reason === 'ARP_UNANSWERED' ? 'TUNNEL_DOWN' : reason, // that one is but a symptom
    sentence: `the handshake of the tunnel ${network} from ${tenant} ends at ${node}: ${lower(meaning)}`,
    try: adviceOn(of, drop),
  };
}

/** `udp/6180`: what a dropped packet was for. */
function portOf({ world }: Case, drop: FrameDropped): string {
  const packet = droppedPacket(drop);
  if (packet === undefined)
    return world.machine(drop.node)?.role === 'cloud-gateway' ? 'udp/6180' : 'the port';
  const [name = 'it'] = portNames(packet);
  return name === 'icmp' ? 'it' : name;
}

/** Reasons that say all by themselves, wherever they stop the packet or the question that it waits for. */
const decisive: ReadonlySet<Reason> = new Set([
  'FIREWALL_BLOCKED',
  'WG_ALLOWED_IPS',
  'WG_NO_PEER',
  'WG_NO_ENDPOINT',
  'WG_NO_SESSION',
  'WG_DECRYPT',
  'RELAY_UNKNOWN_SOURCE',
  'RELAY_UNPROVEN',
  'RELAY_LIMIT',
  'NAT_NO_MAPPING',
  'NAT_TABLE_FULL',
  'ROUTING_OFF',
  'NO_INTERNET_ACCESS',
  'LINK_DOWN',
  'LINK_LOSS',
  'BLACK_HOLE',
  'INTERFACE_DOWN',
  'QUEUE_FULL',
  'FRAME_TOO_LONG',
  'NO_ROUTE',
  'TTL_EXCEEDED',
  'VLAN_MISMATCH',
  'FORGED_TRANSMIT',
  'NOT_PROMISCUOUS',
  'MAC_CHANGE_REJECTED',
]);

export function blockedOnTheWay(of: Case): Finding | undefined {
  const { end, log, from, to } = of;
  const drop = end.event >= 0 ? log.read(end.event) : undefined;
  const own = drop?.kind === 'drop' && decisive.has(drop.reason) ? drop : undefined;
  // Nobody answered: whatever stopped a question on its way is why.
  const stop =
    own ??
    (of.unresolved === undefined
      ? undefined
      : of.stops.findLast(({ reason }) => decisive.has(reason) && reason !== 'LINK_DOWN'));
  if (stop === undefined) return undefined;
  const { node, reason } = stop;
  const what = stop === own ? 'what it sends' : 'its ARP question, on its way to the other side,';
  if (reason === 'FIREWALL_BLOCKED') {
    const port = portOf(of, stop);
    return {
      code: reason,
      sentence: `${from} cannot reach ${to}: ${node} blocks ${port}`,
      try: opened(of, stop, port),
      stop,
    };
  }
  const { meaning } = reasons[reason];
  const packet = innerPacket(of, stop);
  const which =
    reason === 'WG_ALLOWED_IPS' || reason === 'WG_NO_PEER'
      ? packet && ` (${showIpv4(packet.source)} to ${showIpv4(packet.destination)})`
      : '';
  const remedies: Partial<Record<Reason, string>> = {
    WG_ALLOWED_IPS: `tunnel.allowed_ips: with ${packet ? showIpv4(packet.source) : 'the source address'} at ${node}`,
    WG_NO_PEER: `tunnel.allowed_ips: with ${packet ? showIpv4(packet.destination) : to} at ${node}`,
  };
  const isSwitch = !of.world.machines.has(node);
  const where = isSwitch ? `${node}, port ${stop.port.slice(node.length + 1)}` : node;
  return {
    code: reason,
    sentence: `${from} cannot reach ${to}: ${what} ends at ${where}${which ?? ''}. ${sentenceOf(meaning)}`,
    try: remedies[reason] ?? adviceOn(of, stop),
    stop,
  };
}

/** What the scenario has for it, where the catalogue speaks of any device. */
function adviceOn({ world }: Case, { reason, node, port }: FrameDropped): string {
  const { vm = '', role } = world.machine(node) ?? {};
  switch (reason) {
    case 'VLAN_MISMATCH':
      return world.isSwitch(world.nodeOf(`${port.slice(node.length + 1)}.x`))
        ? 'provider.hardware_plan.trunk: with the vlan of the network'
        : 'provider.hardware_plan.networks: the same vlan for the replica and its tunnel';
    case 'NO_ROUTE':
      return vm === ''
        ? sentenceOf(reasons.NO_ROUTE.remedy)
        : `vms.${vm}.gateway: the router of its network`;
    case 'NAT_NO_MAPPING':
      return 'failover_plans: public_ip_rules: one for this address and port';
    case 'LINK_LOSS': {
      const line =
        role === 'internet' || port.endsWith('.wan')
          ? 'internet'
          : isOfProvider(role)
            ? 'provider'
            : 'lan';
      return `links.${line}.loss: 0%`;
    }
    default:
      return sentenceOf(reasons[reason].remedy);
  }
}

const isOfProvider = (role: MachineRole | undefined): boolean =>
  role === 'replica' ||
  role === 'provider-appliance' ||
  role === 'provider-router' ||
  role === undefined;

/** Where no fault has closed it, a guest that answers no ping has. */
function opened(of: Case, drop: FrameDropped, port: string): string {
  const vm = of.world.machine(drop.node)?.vm ?? '';
  const isPing = vm !== '' && droppedPacket(drop)?.protocol === ipProtocol.icmp;
  return isPing && faultBehind(of, drop) === undefined
    ? `vms.${vm}.echo: true`
    : `open ${port} at ${drop.node}`;
}

/** The packet in question, also where what was dropped is the datagram around it. */
function innerPacket(of: Case, drop: FrameDropped): Ipv4Packet | undefined {
  if (drop.reason !== 'WG_ALLOWED_IPS') return droppedPacket(drop);
  for (const id of of.tree.chain(drop.id).reverse()) {
    const event = of.log.read(id);
    if (event.kind === 'packet') return packetAlone(event);
  }
  return undefined;
}

/** Large packets vanish and their sender is not told. */
export function blackHole(of: Case): Finding | undefined {
  const { end, log, world, until } = of;
  const drop = end.event >= 0 ? log.read(end.event) : undefined;
  if (drop?.kind !== 'drop' || drop.reason !== 'FRAGMENTATION_NEEDED') return undefined;
  const packet = droppedPacket(drop);
  const size = packet === undefined ? drop.length - 14 : packet.payload.length + 20;
  const sender = senderOf(of, drop);
  const told =
    of.outcome?.because === 'FRAGMENTATION_NEEDED' ||
    (sender !== '' &&
      world.pathMtu(sender, sender === of.from ? of.to : of.asker.ip, until) !== undefined);
  if (told) return undefined;
  const word = complaintOf(of, drop);
  const stop = word && endOf(of, word.id);
  const at = stop === undefined ? '' : ` at ${stop.node}`;
  const why = word === undefined ? 'and says nothing' : `and its ICMP error gets lost${at}`;
  return {
    code: 'MTU_BLACKHOLE',
    sentence: `${drop.node} drops packets of ${size} bytes from ${sender || 'the sender'}, too large for what comes next, ${why}`,
    try:
      word === undefined
        ? 'tunnel: { pmtud: true } or tunnel: { mss_clamp: true }'
        : 'tunnel: { mss_clamp: true }',
    ...dueTo(stop && faultBehind(of, stop)),
  };
}

/** The ICMP error about a packet that was too large, or about another before it: they are limited. */
function complaintOf({ tree, since, until }: Case, { node, reason, cause }: FrameDropped) {
  const about = (id: number) =>
    tree
      .effects(id)
      .find((event) => isCrossing(event) && event.node === node && isComplaint(event));
  const own = about(cause);
  if (own !== undefined) return own;
  let looked = 0;
  for (const drop of tree.dropsBack(since, until)) {
    if (looked++ === dropsMost) break;
    const word = drop.node === node && drop.reason === reason ? about(drop.cause) : undefined;
    if (word !== undefined) return word;
  }
  return undefined;
}

/** Where a packet was dropped that nobody passed on. */
function endOf({ tree }: Case, crossing: number): FrameDropped | undefined {
  const open = [crossing];
  for (let id = open.pop(); id !== undefined; id = open.pop())
    for (const effect of tree.effects(id)) {
      if (effect.kind === 'drop' && !isNoise(effect.reason)) return effect;
      if (isMove(effect)) open.push(effect.id);
    }
  return undefined;
}

/** The headers of a ping. */
const ipAndEcho = 20 + 8;

/** The sender has been told what gets through, and lets nothing go that is larger: who told it has decided. */
export function tooLarge(of: Case): Finding | undefined {
  const { end, from, to, world, tree, log, until, sent } = of;
  if (end.reason !== 'FRAGMENTATION_NEEDED' || end.node !== from) return undefined;
  const told = world.pathMtu(from, to, until);
  if (told === undefined) return undefined;
  const chain = tree.chain(told.id);
  const [first] = chain;
  const drop = chain
    .flatMap((id) => tree.effects(id))
    .find((effect) => effect.kind === 'drop' && effect.reason === 'FRAGMENTATION_NEEDED');
  if (first === undefined || drop?.kind !== 'drop') return undefined;
  const shown = { node: drop.node, reason: drop.reason, event: drop.id };
  return {
    code: 'FRAGMENTATION_NEEDED',
    sentence: `${from} cannot reach ${to}: ${drop.node} has told it at ${showMoment(told.at)} that packets of more than ${told.mtu} bytes do not get through, and it may not cut them`,
    ...(log.sortOf(first) === 'fact' && { shownBy: { sent: first, end: shown } }),
    lastHop: drop.node,
    ...(sent?.protocol === 'ping' && { try: `size: ${told.mtu - ipAndEcho}, or df: false` }),
  };
}

function senderOf(of: Case, drop: FrameDropped): string {
  const packet = droppedPacket(drop);
  if (packet !== undefined) {
    const source = showIpv4(packet.source);
    if (source === of.to) return of.target.node;
    if (source === of.asker.ip) return of.from;
  }
  const [first] = of.tree.chain(drop.id);
  return first === undefined ? '' : of.log.read(first).node;
}
