/** What can be wrong with who answers for an address: nobody, the wrong one, more than one. */
import { type Instant, showMoment } from '../base/time.ts';
import type { Reason } from '../trace/reasons.ts';
import { duplicatesOf } from './answers.ts';
import { type Case, dueTo, type Finding, type Side, sideOf, waitsMost } from './case.ts';
import { lastFailover } from './causes-ends.ts';
import { isMove } from './tree.ts';
import type { NeighbourEntry } from './world.ts';

/** An appliance should stand in for an address, and its daemon does not run. */
export function proxyOff(of: Case): Finding | undefined {
  const { world, unresolved, from, to, target, at } = of;
  if (of.crossed.some((network) => world.isBridged(network, at))) return undefined;
  const closed = of.stops.find(
    ({ node, reason }) => reason === 'PORT_CLOSED' && isAppliance(of, node),
  );
  const waiting = unresolved?.ips.map((ip) => ({ node: unresolved.node, ip })) ?? [];
  if (closed !== undefined)
    return daemonOff(of, closed.node, `cannot be asked for ${waiting[0]?.ip ?? to}`);
  // Whether or not anybody has asked: an old entry may hide that nobody would answer.
  if (target.failedOver && of.crossed.length > 0) waiting.push({ node: from, ip: to });
  for (const { node, ip } of waiting) {
    const appliance = standInFor(of, node, ip);
    if (appliance === undefined || !isSilent(of, appliance, ip)) continue;
    const where = sideOf(world, appliance) === 'tenant' ? target.network : `the replicas' network`;
    return daemonOff(of, appliance, `nobody in ${where} answers ${node} for ${ip}`);
  }
  return undefined;
}

function daemonOff(of: Case, appliance: string, consequence: string): Finding {
  const side = sideOf(of.world, appliance);
  const then = consequence.startsWith('cannot') ? `and ${consequence}` : `so ${consequence}`;
  return {
    code: 'PROXY_ARP_OFF',
    sentence: `the proxy-ARP daemon of ${appliance}, on the ${side}'s side, does not run, ${then}`,
    try: `${side === 'tenant' ? `appliances.${appliance}` : 'provider.appliance'}.proxy_arp: relay`,
  };
}

const isAppliance = ({ world }: Case, node: string): boolean => {
  const role = world.machine(node)?.role;
  return role === 'tenant-appliance' || role === 'provider-appliance';
};

/** The appliance that has to answer a machine for an address that is on the other side. */
function standInFor(of: Case, node: string, ip: string): string | undefined {
  const side = sideOf(of.world, node);
  const owner = [of.target, of.asker].find((party) => party.ip === ip);
  if (isAppliance(of, node)) return undefined;
  if (side === 'tenant')
    return owner?.side === 'provider' ? of.tenantAppliance(owner.network) : undefined;
  const [network] = of.crossed;
  return side === 'provider' && network !== undefined ? of.providerAppliance(network) : undefined;
}

/** The operation is over, and nothing was ever heard of the daemon: not what it was told, and no decision. */
function isSilent(of: Case, appliance: string, ip: string): boolean {
  const { world, at, since, until, target, asker } = of;
  const decisions = world.decisions(appliance, 0 as Instant, until);
  const isOff = ({ because }: { readonly because?: Reason }): boolean =>
    because === 'PROXY_ARP_OFF';
  if (decisions.some((one) => isOff(one) && one.at >= since - waitsMost)) return true;
  const operation = lastFailover(of, target.failedOver ? target.vm : asker.vm);
  if (operation !== undefined && operation.state !== 'success') return false;
  const told =
    sideOf(world, appliance) === 'tenant'
      ? world.proxyEntry(appliance, ip, at) === true
      : world.proxyEntries(appliance, at).length > 0;
  return !told && decisions.every(isOff) && !hasAnswered(of, appliance, ip);
}

/** Linux finds a silent neighbour out this long after the first packet to it: 5 s of trust, three questions 1 s apart. */
const foundOutAfter = 8e9;
const questionsTake = 3e9;
/** And believes an entry without a word for at most one and a half times base_reachable_time. */
const believedMost = 45e9;

/** A machine on the way still sends to who had the address before. */
export function staleEntry(of: Case): Finding | undefined {
  const { world, to, asker, target } = of;
  for (const [node, when] of machinesOnTheWay(of)) {
    const side = sideOf(world, node);
    for (const ip of new Set([to, asker.ip])) {
      const entry = ip === '' ? undefined : world.neighbour(node, ip, when);
      if (entry === undefined || entry.mac === '') continue;
      // A replica may have the MAC address of its original: only who is on the same side can be meant.
      const owners = world.ownersOf(entry.mac).filter((one) => sideOf(world, one) === side);
      if (owners.length === 0 || owners.some((owner) => world.standsFor(owner, ip, when))) continue;
      const [other] = wouldAnswer(of, ip, side, when).filter((one) => one !== node);
      if (other === undefined) continue;
      const owner = owners[0]!;
      const is = world.isOn(owner, when) ? `no longer answers for ${ip}` : 'is switched off';
      const healsAt = agedOutBy(entry, when);
      const appliance = of.tenantAppliance(target.network);
      const announce = target.failedOver ? 'up' : 'down';
      return {
        code: 'STALE_ARP',
        sentence: `${node} still sends to ${entry.mac}, the adapter of ${owner}, for ${ip}: ${owner} ${is}, and nothing has told ${node} of ${other}; the entry ages out by ${showMoment(healsAt)}`,
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
function wouldAnswer(of: Case, ip: string, side: Side, at: Instant): string[] {
  const { world, target } = of;
  const holders = world
    .holders(ip, at, of.from)
    .map(({ node }) => node)
    .filter((node) => world.isOn(node, at) && sideOf(world, node) === side);
  // Where a VPN takes the place of appliances the router does.
  for (const { name } of side === 'tenant' ? world.machinesOf('router') : [])
    if (world.proxyEntry(name, ip, at) === true) holders.push(name);
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
  const { since, until, at, to, world, end } = of;
  const from = Math.max(0, since - lookBack) as Instant;
  for (const party of [of.target, of.asker]) {
    const ip = party === of.target ? to : party.ip;
    if (ip === '') continue;
    const { original, vm } = party;
    const advice = vm === '' ? {} : { try: `fault: { power_off: ${original} }` };
    const isRival = ({ node }: { readonly node: string }): boolean => node === original;
    const [found] = duplicatesOf(of.log, ip, from, until);
    const still = found?.answers.filter(({ node }) => world.standsFor(node, ip, at)) ?? [];
    if (found !== undefined && still.length > 1) {
      const both = still.map(({ mac, node }) => (node === '' ? mac : `${node} (${mac})`));
      const sentence = `${both.join(' and ')} both answer ARP for ${ip}, as heard at ${found.at}`;
      const stranger = still.find((one) => isStranger(of, one.node, ip));
      return {
        code: 'DUPLICATE_ADDRESS',
        sentence,
        ...(still.some(isRival)
          ? { ...advice, ...dueTo(world.revival(original, at)) }
          : stranger && { try: `vms.${stranger.node}.answers_for: without ${ip}` }),
      };
    }
    // The answer went to somebody else who has the address too.
    const holds = world.holders(ip, at, of.from).map(({ node }) => node);
    if (end.node === party.node || !holds.includes(end.node) || !holds.includes(party.node))
      continue;
    if (!world.isOn(end.node, at) || !world.isOn(party.node, at)) continue;
    const sentence = `${party.node} and ${end.node} both have ${ip}, and what is meant for the one goes to the other`;
    return {
      code: 'DUPLICATE_ADDRESS',
      sentence,
      ...advice,
      ...dueTo(world.revival(original, at)),
    };
  }
  return undefined;
}

/** A VM that answers for an address which was never its own. */
const isStranger = ({ world, at }: Case, node: string, ip: string): boolean =>
  world.machine(node)?.role === 'vm' && world.claim(node, ip, at) === undefined;

/** An answer is believed for about this long. */
const lookBack = 60e9;

/** A replica that is up and has its address, and an appliance that asks for it in vain, do not share a VLAN. */
export function vlansApart(of: Case): Finding | undefined {
  const { world, at, unresolved, since, until } = of;
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
    const decisions = world.decisions(appliance, Math.max(0, from) as Instant, until);
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
      try: `provider.appliance.networks: { ${network}: the network that replication maps it to }`,
    };
  }
  return undefined;
}

/** The appliance heard the question and left it alone, or asked the other side and heard nothing. */
export function notAdopted(of: Case): Finding | undefined {
  const { world, since, until, unresolved, target, from } = of;
  if (unresolved === undefined) return undefined;
  const network = target.network || of.asker.network;
  const appliances = [of.tenantAppliance(network), of.providerAppliance(network)];
  const start = Math.max(0, since - waitsMost) as Instant;
  for (const appliance of appliances) {
    if (appliance === undefined) continue;
    const left = world
      .decisions(appliance, start, until)
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

/** Machines, not switches, that the packet was at, in order, and when it was. */
function machinesOnTheWay({ tree, log, world, end, from, since, at }: Case): [string, Instant][] {
  const nodes = new Map<string, Instant>([[from, since]]);
  for (const id of end.event < 0 ? [] : tree.chain(end.event)) {
    const event = log.read(id);
    const isThere = isMove(event) || event.kind === 'drop';
    if (isThere && !world.isSwitch(event.node) && !nodes.has(event.node))
      nodes.set(event.node, event.at);
  }
  if (end.node !== '' && !world.isSwitch(end.node) && !nodes.has(end.node)) nodes.set(end.node, at);
  return [...nodes];
}

/** It has answered for an address that it was never told of: Linux's own proxy does. */
function hasAnswered(of: Case, node: string, ip: string): boolean {
  const { world, at } = of;
  return world.toldOf(ip, 0 as Instant, at).some(({ mac }) => world.ownersOf(mac).includes(node));
}
