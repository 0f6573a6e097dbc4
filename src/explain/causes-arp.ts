/** What can be wrong with who answers for an address: nobody, the wrong one, more than one. */
import { type Instant, showInstant } from '../base/time.ts';
import { duplicatesOf } from './answers.ts';
import { type Case, type Finding, type Side, sideOf, waitsMost } from './case.ts';
import { lastFailover } from './causes-ends.ts';
import { isCrossing } from './tree.ts';
import type { NeighbourEntry } from './world.ts';

/** The tenant's appliance should have been told of the address, and its daemon was never heard of. */
export function proxyOffHere(of: Case): Finding | undefined {
  const { target, to, at, since, world } = of;
  const appliance = of.tenantAppliance(target.network);
  if (!target.failedOver || target.side !== 'provider' || appliance === undefined) return undefined;
  if (!of.crossed.includes(target.network)) return undefined;
  const decisions = world.decisions(appliance, 0 as Instant, at);
  const saidOff = decisions.some(
    ({ because, at: when }) => because === 'PROXY_ARP_OFF' && when >= since - waitsMost,
  );
  const stopped = of.stops.some(
    ({ node, reason }) => node === appliance && reason === 'PORT_CLOSED',
  );
  const operation = lastFailover(of, target.vm);
  const shouldRun = operation === undefined || operation.state === 'success';
  const isSilent =
    shouldRun &&
    world.proxyEntry(appliance, to, at) !== true &&
    decisions.every(({ because }) => because === 'PROXY_ARP_OFF') &&
    !hasAnswered(of, appliance, to);
  if (!saidOff && !stopped && !isSilent) return undefined;
  return {
    code: 'PROXY_ARP_OFF',
    sentence: `the proxy-ARP daemon of ${appliance} on the tenant's side does not run, so nobody on ${target.network} answers for ${to}`,
    try: `appliances.${appliance}.proxy_arp: relay`,
  };
}

/** The same on the other side: the replica asks for those that it left behind, and nobody answers. */
export function proxyOffThere(of: Case): Finding | undefined {
  const { world, at, since, unresolved } = of;
  const network = of.crossed[0];
  const appliance = network === undefined ? undefined : of.providerAppliance(network);
  if (appliance === undefined || unresolved === undefined) return undefined;
  const decisions = world.decisions(appliance, 0 as Instant, at);
  const saidOff = decisions.some(
    ({ because, at: when }) => because === 'PROXY_ARP_OFF' && when >= since - waitsMost,
  );
  const closed = of.stops.some(
    ({ node, reason }) => node === appliance && reason === 'PORT_CLOSED',
  );
  const asks = sideOf(world, unresolved.node) === 'provider' && unresolved.node !== appliance;
  const isSilent =
    asks &&
    world.proxyEntries(appliance, at).length === 0 &&
    decisions.every(({ because }) => because === 'PROXY_ARP_OFF') &&
    !unresolved.ips.some((ip) => hasAnswered(of, appliance, ip));
  if (!saidOff && !closed && !isSilent) return undefined;
  const whom = asks && unresolved.ips.length > 0 ? unresolved.ips.join(', ') : of.to;
  const consequence = asks
    ? `so nobody there answers ${unresolved.node} for ${whom}`
    : `so nobody there asks for ${whom}`;
  return {
    code: 'PROXY_ARP_OFF',
    sentence: `the proxy-ARP daemon of ${appliance} on the provider's side does not run, ${consequence}`,
    try: 'provider.appliance.proxy_arp: relay',
  };
}

/** Linux finds a silent neighbour out this long after the first packet to it: 5 s of trust, three questions 1 s apart. */
const foundOutAfter = 8e9;
const questionsTake = 3e9;
/** And believes an entry without a word for at most one and a half times base_reachable_time. */
const believedMost = 45e9;

/** A machine on the way still sends to who had the address before. */
export function staleEntry(of: Case): Finding | undefined {
  const { world, at, to, asker, target } = of;
  for (const node of machinesOnTheWay(of)) {
    for (const ip of new Set([to, asker.ip])) {
      const entry = ip === '' ? undefined : world.neighbour(node, ip, at);
      if (entry === undefined || entry.mac === '' || world.standsFor(node, ip, at)) continue;
      // A replica may have the MAC address of its original: only who is on the same side can be meant.
      const side = sideOf(world, node);
      const owners = world.ownersOf(entry.mac).filter((one) => sideOf(world, one) === side);
      if (owners.length === 0 || owners.some((owner) => world.standsFor(owner, ip, at))) continue;
      const others = wouldAnswer(of, ip, side).filter((one) => one !== node);
      if (others.length === 0) continue;
      const owner = owners[0]!;
      const is = world.isOn(owner, at) ? `no longer answers for ${ip}` : 'is switched off';
      const healsAt = agedOutBy(entry, at);
      const appliance = of.tenantAppliance(target.network);
      const announce = target.failedOver ? 'up' : 'down';
      return {
        code: 'STALE_ARP',
        sentence: `${node} still sends to ${entry.mac}, the adapter of ${owner}, for ${ip}: ${owner} ${is}, and ${others[0]} has not announced itself; the entry ages out by ${showInstant(healsAt)}`,
        healsAt,
        ...(appliance !== undefined && {
          try: `appliances.${appliance}.gratuitous_arp: ${announce}`,
        }),
      };
    }
  }
  return undefined;
}

/** By when an entry is found out that nobody confirms, with machines that go on using it. */
function agedOutBy({ state, since }: NeighbourEntry, at: Instant): Instant {
  switch (state) {
    case 'delay':
      return (since + foundOutAfter) as Instant;
    case 'probe':
      return (since + questionsTake) as Instant;
    case 'reachable':
      return (Math.max(since + believedMost, at) + foundOutAfter) as Instant;
    default:
      return (at + foundOutAfter) as Instant;
  }
}

/** Who would answer ARP for an address on one side, if asked now. */
function wouldAnswer(of: Case, ip: string, side: Side): string[] {
  const { world, at, target } = of;
  const holders = world
    .holders(ip, at)
    .map(({ node }) => node)
    .filter((node) => world.isOn(node, at) && sideOf(world, node) === side);
  const stands =
    side === 'tenant' ? of.tenantAppliance(target.network) : of.providerAppliance(target.network);
  if (stands === undefined || !world.isOn(stands, at)) return holders;
  const does =
    side === 'tenant'
      ? world.proxyEntry(stands, ip, at) === true
      : world.proxyEntries(stands, at).length > 0 && world.proxyEntry(stands, ip, at) !== true;
  return does ? [...holders, stands] : holders;
}

/** Two answers for one address: who wins differs from machine to machine. */
export function twoAnswers(of: Case): Finding | undefined {
  const { since, at, to } = of;
  const from = Math.max(0, since - lookBack) as Instant;
  const [found] = duplicatesOf(of.log, to, from, at);
  if (found === undefined) return undefined;
  const both = found.answers.map(({ mac, node }) => (node === '' ? mac : `${node} (${mac})`));
  const { original, vm } = of.target;
  return {
    code: 'DUPLICATE_ADDRESS',
    sentence: `${both.join(' and ')} both answer ARP for ${to}, as heard at ${found.at}`,
    ...(vm !== '' && { try: `fault: { power_off: ${original} }` }),
  };
}

/** An answer is believed for about this long. */
const lookBack = 60e9;

/** A replica that is up and has its address, and an appliance that asks for it in vain, do not share a VLAN. */
export function vlansApart(of: Case): Finding | undefined {
  const { world, at, unresolved, since } = of;
  if (unresolved === undefined) return undefined;
  for (const party of [of.target, of.asker]) {
    if (!party.failedOver || party.side !== 'provider') continue;
    const { replica, network } = party;
    const ip = party === of.target ? of.to : party.ip;
    const appliance = of.providerAppliance(network);
    const claim = world.claim(replica, ip, at);
    const isUp =
      world.isOn(replica, at) && (claim?.change === 'added' || claim?.change === 'defended');
    if (appliance === undefined || !isUp) continue;
    const from = (since - waitsMost) as Instant;
    const decisions = world.decisions(appliance, Math.max(0, from) as Instant, at);
    // The appliance asked for the replica, for somebody on the other side or to send it a packet.
    const askedInVain =
      decisions.some((one) => one.ip === ip && one.side === 'far' && one.decision === 'asked') &&
      !decisions.some((one) => one.ip === ip && one.side === 'far' && one.decision === 'told');
    const cannotSend = unresolved.node === appliance && unresolved.ips.includes(ip);
    // Or the replica asked, and the appliance, whose daemon runs, did not hear it.
    const isUnheard =
      unresolved.node === replica &&
      world.proxyEntries(appliance, at).length > 0 &&
      !decisions.some((one) => one.side === 'local' && unresolved.ips.includes(one.ip));
    if (!askedInVain && !cannotSend && !isUnheard) continue;
    const [asks, wanted] = isUnheard ? [replica, unresolved.ips.join(', ')] : [appliance, ip];
    const deaf = isUnheard ? appliance : replica;
    return {
      code: 'VLAN_MISMATCH',
      sentence: `${asks} asks for ${wanted} and ${deaf} does not hear it, though it is up: ${replica} is in another VLAN than the tunnel ${network} ends in`,
      try: `replication: network_mapping: { ${network}: the network in whose VLAN ${appliance} is }`,
    };
  }
  return undefined;
}

/** The appliance heard the question and left it alone, or asked the other side and heard nothing. */
export function notAdopted(of: Case): Finding | undefined {
  const { world, at, since, unresolved, target, from } = of;
  if (unresolved === undefined) return undefined;
  const network = target.network || of.asker.network;
  const appliances = [of.tenantAppliance(network), of.providerAppliance(network)];
  const start = Math.max(0, since - waitsMost) as Instant;
  for (const appliance of appliances) {
    if (appliance === undefined) continue;
    const left = world
      .decisions(appliance, start, at)
      .findLast(
        ({ ip, decision, because }) =>
          unresolved.ips.includes(ip) && decision === 'ignored' && because !== undefined,
      );
    if (left?.because === undefined) continue;
    // Of an address that is nobody's to stand in for, that is not the reason.
    if (left.because === 'PROXY_OUT_OF_SCOPE' && !target.failedOver) continue;
    const ip = left.ip;
    const sentences = {
      PROXY_OUT_OF_SCOPE: `${appliance} heard ${unresolved.node} ask for ${ip} and does not stand in for it`,
      PROXY_NO_ANSWER: `${appliance} asked on for ${ip} and nobody answered on the other side either`,
      PROXY_FAR_SIDE_DOWN: `${appliance} could not ask the other side for ${ip}: the tunnel has no session`,
    } as const;
    const said = left.because as keyof typeof sentences;
    if (!(said in sentences)) continue;
    return { code: left.because, sentence: `${from} cannot reach ${of.to}: ${sentences[said]}` };
  }
  return undefined;
}

// What the log says of the way

/** Machines, not switches, that the packet was at, in order. */
function machinesOnTheWay({ tree, log, world, end, from }: Case): string[] {
  const nodes = new Set([from]);
  const chain = end.event < 0 ? [] : tree.chain(end.event);
  for (const id of chain) {
    const event = log.read(id);
    if (isCrossing(event) && !world.isSwitch(event.node)) nodes.add(event.node);
  }
  if (end.node !== '' && !world.isSwitch(end.node)) nodes.add(end.node);
  return [...nodes];
}

/** It has answered for an address that it was never told of: Linux's own proxy does. */
function hasAnswered(of: Case, node: string, ip: string): boolean {
  const { world, at } = of;
  return world.toldOf(ip, 0 as Instant, at).some(({ mac }) => world.ownersOf(mac).includes(node));
}
