/** What can be wrong with the two ends before any packet is sent: power, addresses, failover. */
import { type Instant, showMoment } from '../base/time.ts';
import type { FrameDropped } from '../trace/event.ts';
import { type Reason, reasons } from '../trace/reasons.ts';
import { droppedPacket } from './carried.ts';
import { type Case, dueTo, type Finding, type Party } from './case.ts';
import { noLeaseAt, portNames } from './causes-faults.ts';
import { blockedBy, type Fault, type Operation } from './world.ts';

/** The other end said no: so it was reached. */
export function refused(of: Case): Finding | undefined {
  const { outcome, from, to, sent, target, world } = of;
  if (outcome?.what !== 'refused') return undefined;
  const protocol = outcome.protocol === 'udp' ? 'udp' : 'tcp';
  const code = outcome.because ?? (protocol === 'udp' ? 'PORT_CLOSED' : 'TCP_REFUSED');
  // Behind a public address it is another machine, and maybe another port.
  const closed = closedPort(of);
  const node = closed?.node ?? target.node;
  const packet = closed && droppedPacket(closed);
  const port = (packet && portNames(packet)[0]) ?? `${protocol}/${sent?.sequence}`;
  const isBehind = closed !== undefined && node !== target.node;
  const who = isBehind ? `${node}, which has nothing` : `${named(target, to)}, which has nothing`;
  const vm = world.machine(node)?.vm || target.vm;
  return {
    code,
    sentence: `${from} reaches ${who} listening on ${port}`,
    lastHop: node || to,
    ...(vm !== '' && { try: `vms.${vm}.listen: [${port}]` }),
  };
}

function closedPort({ tree, end }: Case): FrameDropped | undefined {
  if (end.event < 0) return undefined;
  return tree
    .chain(end.event)
    .flatMap((id) => tree.effects(id))
    .find((one) => one.kind === 'drop' && one.reason === 'PORT_CLOSED') as FrameDropped | undefined;
}

export function askerIsOff({ world, from, at }: Case): Finding | undefined {
  const power = world.power(from, at);
  if (power === undefined || power === 'on') return undefined;
  return {
    code: 'POWERED_OFF',
    sentence: `${from} is ${power === 'off' ? 'switched off' : 'still booting'}, so it asks nobody`,
    lastHop: from,
    ...dueTo(world.blackout(from, at)),
  };
}

/** The VM was to be failed over and was not, and its original is gone. */
export function failedOperation(of: Case): Finding | undefined {
  const { target, world, at } = of;
  if (target.vm === '' || target.failedOver || world.isOn(target.original, at)) return undefined;
  const last = lastFailover(of, target.vm);
  if (last?.state !== 'failed' || last.because === undefined) return undefined;
  const { because, text = '' } = last;
  const { meaning, remedy } = reasons[because];
  // Which step it was the report of the operation says; here it is who refused.
  const who = text.slice(text.indexOf(': ') + 1).trim();
  return {
    code: because,
    sentence: `${target.vm} is switched off and its failover failed: ${lower(meaning)}${who === '' ? '' : ` (${who})`}`,
    try: advised[because] ?? sentenceOf(remedy),
    ...dueTo(faultOfOperation(of, last)),
  };
}

const advised: Partial<Record<Reason, string>> = {
  VCD_ADAPTER_LIMIT: 'provider.org_vdc.networks: nine at most',
};

/** What in the scenario made an operation fail: at the appliance that it names, or at one that it needs. */
function faultOfOperation(
  of: Case,
  { because, text = '', ended = of.at }: Operation,
): Fault | undefined {
  const { world } = of;
  const needed = of.ahead.flatMap((network) => [
    of.tenantAppliance(network) ?? '',
    of.providerAppliance(network) ?? '',
  ]);
  const named = [...world.machines.keys()].filter((name) => text.split(/[ ,:]/).includes(name));
  for (const node of [...named, ...needed]) {
    const fault = faultAtAppliance(of, node, ended, because);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function faultAtAppliance(
  { world }: Case,
  node: string,
  at: Instant,
  because: Reason | undefined,
): Fault | undefined {
  if (because === 'APPLIANCE_PASSWORD') return world.estranged(node, at);
  const network = world.machine(node)?.network ?? '';
  const isControl = (fault: Fault): boolean =>
    blockedBy(fault).ports.some((port) => port === 'tcp/22' || port === 'icmp');
  const ofNetwork = world.cutsOff(node, at)[0] ?? world.blackout(network, at);
  const ofFirewall = world.blocksAt(node, at).find(isControl);
  return because === 'APPLIANCE_UNREACHABLE'
    ? (ofFirewall ?? ofNetwork)
    : (world.lastBlackout(node, at) ?? ofNetwork ?? ofFirewall);
}

/** Nobody stands in for an address that nobody could be told of. */
export function noStaticAddress(of: Case): Finding | undefined {
  for (const party of [of.target, of.asker]) {
    if (!party.failedOver || party.bySite) continue;
    if (!usesDhcp(of, party) || isStoodInFor(of, party)) continue;
    const { vm, replica, network } = party;
    const appliance = of.tenantAppliance(network);
    const nobody = appliance === undefined ? 'nobody stands' : `${appliance} does not stand`;
    const held = of.world.addressesOf(replica, of.at).map(({ ip }) => ip);
    const has = held.length > 0 ? `has ${held.join(', ')}` : 'has no address';
    const ip = party === of.target ? ` for ${of.to}` : '';
    return {
      code: 'DHCP_NO_STATIC_IP',
      sentence: `${vm} has its address by DHCP, so after the failover ${nobody} in${ip}; its replica ${replica} ${has}`,
      try: `vms.${vm}.ip: a static address`,
    };
  }
  return undefined;
}

export function noAppliance(of: Case): Finding | undefined {
  return warned(of, 'NO_NEA', ({ vm, network }) => ({
    sentence: `${network} has no network extension appliance, so nobody there stands in for ${vm} after the failover`,
    try: `appliances: one in the network ${network}`,
  }));
}

/** In an organization VDC: neither by VPN from production, nor from the internet after full site failover. */
export function noEdgeGateway(of: Case): Finding | undefined {
  return warned(of, 'NO_EDGE_GATEWAY', ({ vm, network, replica, bySite }) => {
    if (of.asker.side === of.target.side && of.asker.network === of.target.network)
      return undefined;
    return {
      sentence: bySite
        ? `no edge gateway serves the network of ${replica}, so it has no default gateway`
        : `no edge gateway leads from ${network} to the network of ${replica}, which has taken over for ${vm}`,
      try: 'org_vdc: networks: type: routed, or an edge gateway at the site too',
    };
  });
}

export function notMapped(of: Case): Finding | undefined {
  return warned(of, 'REPLICA_NOT_MAPPED', ({ vm, network, replica }) => ({
    sentence: `the replication job of ${vm} maps ${network} to no network of the provider, so ${replica || 'its replica'} is connected to nothing`,
    try: `replication: network_mapping: { ${network}: a network of the hardware plan }`,
  }));
}

export function notDetected(of: Case): Finding | undefined {
  return warned(of, 'NO_STATIC_IP_DETECTED', (party) => {
    // A row of the mapping has made up for it; and in full site failover nobody has to stand in.
    if (party.bySite || isStoodInFor(of, party)) return undefined;
    const { vm, network, ip } = party;
    const appliance = of.tenantAppliance(network);
    const who = appliance === undefined ? 'nobody was' : `${appliance} was not`;
    return {
      sentence: `the replication job found no static address for ${vm}, so ${who} told to stand in for ${ip}`,
      try: `replication: network_mapping: { ${network}: a network of the hardware plan }`,
    };
  });
}

/** Somebody else has the address, so whoever should have it gave it up. */
export function addressConflict(of: Case): Finding | undefined {
  const { world, at, target, asker } = of;
  for (const party of [target, asker]) {
    const ip = party === target ? of.to : (world.machine(party.original || party.node)?.ip ?? '');
    const conflict = ip === '' ? undefined : world.conflict(party.node, ip, at);
    if (conflict === undefined) continue;
    const { mac } = conflict;
    const owners = mac === undefined ? [] : world.ownersOf(mac).filter((one) => one !== party.node);
    const other = owners.length > 0 ? owners.join(', ') : 'another machine';
    const address = mac === undefined ? '' : ` at ${mac}`;
    const now = world.addressesOf(party.node, at).map((one) => one.ip);
    const has = now.length > 0 ? `has ${now.join(', ')} now` : 'has none now';
    return {
      code: 'ADDRESS_CONFLICT',
      sentence: `${party.node} found ${ip} in use by ${other}${address} at ${showMoment(conflict.at)}, gave it up and ${has}`,
      ...(party.failedOver && {
        try: `fault: { power_off: ${party.original} } before the failover`,
      }),
    };
  }
  return undefined;
}

export function targetIsOff(of: Case): Finding | undefined {
  const { target, world, at, to } = of;
  const power = target.node === '' ? undefined : world.power(target.node, at);
  if (power === undefined || power === 'on') return undefined;
  const is = power === 'off' ? 'switched off' : 'still booting';
  const { vm, node, replica } = target;
  const off = (how: string, advice?: string): Finding => ({
    code: 'POWERED_OFF',
    sentence: `${node}, which ${how}`,
    ...(advice !== undefined && { try: advice }),
    ...dueTo(world.blackout(node, at)),
  });
  if (vm === '') return off(`has ${to}, is ${is}`);
  if (target.failedOver) return off(`stands in for ${vm}, is ${is}`);
  if (lastFailover(of, vm)?.state === 'started')
    return off(`has ${to}, is ${is}, and its failover is still under way`);
  if (wasGivenBack(of, vm)) return off(`has ${to} again, is ${is}`, `fault: { power_on: ${node} }`);
  const isLost = replica !== '' && power === 'off';
  const advice = isLost ? `failover: { vms: [${vm}] }` : `fault: { power_on: ${node} }`;
  return off(`has ${to}, is ${is} and has not been failed over`, advice);
}

/** A failover of it was undone: it is for the original again. */
const wasGivenBack = ({ world, at }: Case, vm: string): boolean =>
  world
    .operationsUpTo(at)
    .findLast(({ vms, state }) => vms.includes(vm) && state === 'success')
    ?.operation.startsWith('undo-failover') === true;

export function noAddress(of: Case): Finding | undefined {
  const { world, since, from, target, to, log, outcome, sent } = of;
  if (!log.detailed) return undefined;
  const hasNone = sent === undefined && world.machine(from) !== undefined && isBare(of, from);
  if (outcome?.because === 'NO_ADDRESS' || hasNone)
    return {
      code: 'NO_ADDRESS',
      sentence: `${from} has no address to ask from${why(of, from)}`,
      lastHop: from,
    };
  const { node } = target;
  if (target.vm === '' || world.machine(node) === undefined) return undefined;
  const claim = world.claim(node, to, since);
  const holds = claim?.change === 'added' || claim?.change === 'defended';
  if (holds) return undefined;
  const others = world.addressesOf(node, since).map(({ ip }) => ip);
  const has = others.length > 0 ? `has ${others.join(', ')}` : 'has no address';
  return {
    code: 'NO_ADDRESS',
    sentence: `${node} should have ${to} and ${has}${why(of, node)}`,
  };
}

const isBare = ({ world, at }: Case, node: string): boolean =>
  world.addressesOf(node, at).every(({ origin }) => origin === 'link-local');

function why(of: Case, node: string): string {
  const { world, since } = of;
  const ip = world.machine(node)?.ip ?? '';
  const claim = ip === '' ? undefined : world.claim(node, ip, since);
  if (claim?.change === 'tentative') return `: it is still checking whether ${ip} is free`;
  return world.machine(node)?.address === 'dhcp' ? `: ${noLeaseAt(of)}` : '';
}

// What the log says of a VM

function usesDhcp({ world }: Case, { original, replica }: Party): boolean {
  return [replica, original].some((node) => world.machine(node)?.address === 'dhcp');
}

/** Whether the tenant's appliance was told of the address, or answers for it without having been, or need not. */
function isStoodInFor(of: Case, party: Party): boolean {
  if (of.world.isBridged(party.network, of.at)) return true;
  if (party.ip === '' || of.world.isLedTo(party.ip, party.node, of.at)) return party.ip !== '';
  const appliance = of.tenantAppliance(party.network);
  return appliance !== undefined && of.world.proxyEntry(appliance, party.ip, of.at) === true;
}

export const lastFailover = ({ world, at }: Case, vm: string): Operation | undefined =>
  world.failoverOf(vm, at);

/** A warning of the failover that is in force, about one of the two VMs or its network. */
function warned(
  of: Case,
  code: Reason,
  say: (party: Party) => { readonly sentence: string; readonly try: string } | undefined,
): Finding | undefined {
  for (const party of [of.target, of.asker]) {
    if (!party.failedOver) continue;
    const { vm, network, replica } = party;
    const since = code === 'NO_STATIC_IP_DETECTED' ? 0 : (lastFailover(of, vm)?.started ?? 0);
    const warning = of.world
      .warningsUpTo(of.at)
      .findLast(
        ({ code: said, about, at }) =>
          said === code && at >= since && [vm, network, replica].includes(about),
      );
    const said = warning && say(party);
    if (said !== undefined) return { code, ...said };
  }
  return undefined;
}

export const named = ({ node }: Party, ip: string): string =>
  node === '' ? ip : `${node} (${ip})`;
export const sentenceOf = (text: string): string => text.replace(/\.$/, '');
export const lower = (text: string): string =>
  sentenceOf(text.charAt(0).toLowerCase() + text.slice(1));
