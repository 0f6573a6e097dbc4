/**
 * The first wrong decision of a failed attempt, with the event that shows it: not the timeout, but
 * the stale ARP entry and when it was learned; not the silence, but the warning that was passed over.
 */
import { type Instant, showMoment } from '../base/time.ts';
import type { TraceEvent } from '../trace/event.ts';
import { type Reason, reasons } from '../trace/reasons.ts';
import { duplicatesOf } from './answers.ts';
import { type Case, type Finding, sideOf } from './case.ts';
import { lower } from './causes-ends.ts';
import { type Subject, stopOf } from './subject.ts';
import { isMove } from './tree.ts';

export interface Decision {
  readonly node: string;
  /** What was decided, in words, without a full stop. */
  readonly what: string;
  readonly at: Instant;
  readonly event: number;
}

type Tell = (of: Case, finding: Finding, subject: Subject) => Decision | undefined;

const decision = (
  { node, at, id }: Pick<TraceEvent, 'node' | 'at' | 'id'>,
  what: string,
): Decision => ({ node, what, at, event: id });

/** Undefined where the log shows no decision but the absence of one. */
export function firstWrong(of: Case, finding: Finding, subject: Subject): Decision | undefined {
  const { fault } = subject;
  if (fault !== undefined) {
    const when = showMoment(fault.at);
    const what = `${fault.fault} ${fault.target}, in line ${fault.line} of the scenario, at ${when}`;
    return { ...decision(fault, what), node: subject.stop?.node ?? fault.target };
  }
  const tell = byCode[finding.code];
  return (
    tell?.(of, finding, subject) ??
    operationFailed(of, finding) ??
    dropped(of, finding) ??
    unanswered(of)
  );
}

const byCode: Partial<Record<Reason, Tell>> = {
  STALE_ARP: staleEntry,
  POWERED_OFF: switchedOff,
  LINK_DOWN: switchedOff,
  NO_NEA: warned,
  REPLICA_NOT_MAPPED: warned,
  NO_EDGE_GATEWAY: warned,
  NO_STATIC_IP_DETECTED: warned,
  DHCP_NO_STATIC_IP: warned,
  ADDRESS_CONFLICT: gaveUp,
  DUPLICATE_ADDRESS: secondAnswer,
  TUNNEL_DOWN: tunnelEnded,
  NO_TUNNEL_TO_PRODUCTION: planStarted,
  NO_ADDRESS: lostAddress,
  VLAN_MISMATCH: askedInVain,
  PROXY_ARP_OFF: leftAlone,
  PROXY_OUT_OF_SCOPE: leftAlone,
  PROXY_NO_ANSWER: leftAlone,
  PROXY_FAR_SIDE_DOWN: leftAlone,
};

/** An ARP entry that outlived its owner: the event is the one that it was learned from. */
function staleEntry(of: Case): Decision | undefined {
  const { world, log, tree, end, from, to, asker } = of;
  const nodes = new Set([from]);
  for (const id of end.event < 0 ? [] : tree.chain(end.event)) {
    const event = log.read(id);
    if (isMove(event) && !world.isSwitch(event.node)) nodes.add(event.node);
  }
  for (const node of nodes) {
    for (const ip of new Set([to, asker.ip])) {
      const entry = world.neighbour(node, ip, of.at);
      if (entry === undefined || entry.mac === '') continue;
      const owners = world
        .ownersOf(entry.mac)
        .filter((one) => sideOf(world, one) === sideOf(world, node));
      if (owners.length === 0 || owners.some((one) => world.standsFor(one, ip, of.at))) continue;
      const what = `${node} keeps what it learned at ${showMoment(entry.learned)}: ${ip} is at ${entry.mac}, the adapter of ${owners[0]}`;
      return { node, what, at: entry.learned, event: entry.source };
    }
  }
  return undefined;
}

function switchedOff({ world, at }: Case, _: Finding, subject: Subject): Decision | undefined {
  const [node] = [...subject.off, ...subject.booting];
  const change = node === undefined ? undefined : world.powerChange(node, at);
  if (change === undefined) return undefined;
  const what = change.state === 'booting' ? 'began to boot' : 'was switched off';
  return decision(change, `${change.node} ${what} at ${showMoment(change.at)}`);
}

function warned(of: Case, { code }: Finding): Decision | undefined {
  const said = code === 'DHCP_NO_STATIC_IP' ? 'NO_STATIC_IP_DETECTED' : code;
  const about = [of.target, of.asker].flatMap(({ vm, network, replica }) => [vm, network, replica]);
  const warning = of.world
    .warningsUpTo(of.at)
    .findLast((one) => one.code === said && one.about !== '' && about.includes(one.about));
  if (warning === undefined) return undefined;
  const when = showMoment(warning.at);
  return decision(
    warning,
    `the operation warned of ${warning.about} at ${when} (${said}) and went on`,
  );
}

function gaveUp({ world, at, target, asker, to }: Case): Decision | undefined {
  for (const { node, original } of [target, asker]) {
    const ip = node === target.node ? to : (world.machine(original || node)?.ip ?? '');
    const conflict = ip === '' ? undefined : world.conflict(node, ip, at);
    if (conflict === undefined) continue;
    const by = conflict.mac === undefined ? '' : `, which ${conflict.mac} uses`;
    return decision(conflict, `${node} gave up ${ip}${by}, at ${showMoment(conflict.at)}`);
  }
  return undefined;
}

/** The second to answer, after the owner. */
function secondAnswer(of: Case): Decision | undefined {
  for (const ip of [of.to, of.asker.ip]) {
    const from = Math.max(0, of.since - lookBack) as Instant;
    const [found] = ip === '' ? [] : duplicatesOf(of.log, ip, from, of.until);
    const answer = found?.answers[1];
    if (answer === undefined) continue;
    const { node, mac, at, event } = answer;
    const who = node === '' ? mac : `${node} (${mac})`;
    return { node, what: `${who} answered ARP for ${ip} too, at ${showMoment(at)}`, at, event };
  }
  return secondHolder(of);
}

/** Where only one of them was heard: the one that took the address while another had it. */
function secondHolder({ world, at, from, to, asker }: Case): Decision | undefined {
  for (const ip of [to, asker.ip]) {
    const holders = world.holders(ip, at, from).filter(({ node }) => world.isOn(node, at));
    const [first, second] = holders.toSorted((a, b) => a.since - b.since);
    const claim = second && world.claim(second.node, ip, at);
    if (claim === undefined) continue;
    const what = `${claim.node} took ${ip} at ${showMoment(claim.at)}, while ${first!.node} had it`;
    return decision(claim, what);
  }
  return undefined;
}

/** An ARP answer is believed for about this long. */
const lookBack = 60e9;

function tunnelEnded({ world, at, crossed }: Case): Decision | undefined {
  for (const network of crossed) {
    const view = world.tunnel(network, at).find(({ state }) => state !== 'up');
    if (view === undefined) continue;
    const { node, state, since, event } = view;
    const what = `the tunnel ${network} is ${state} at ${node} since ${showMoment(since)}`;
    return { node, what, at: since, event };
  }
  return undefined;
}

function planStarted({ world, at, target, asker }: Case): Decision | undefined {
  const apart = target.bySite ? target : asker;
  const run = world.failoverOf(apart.vm, at);
  if (run === undefined) return undefined;
  const what = `${apart.vm} was failed over with the whole site at ${showMoment(run.started)}`;
  return { node: apart.replica, what, at: run.started, event: run.event };
}

function lostAddress({ world, at, target, asker, to }: Case): Decision | undefined {
  for (const { node, original } of [target, asker]) {
    const ip = node === target.node ? to : (world.machine(original || node)?.ip ?? '');
    const claim = ip === '' ? undefined : world.claim(node, ip, at);
    if (claim === undefined || claim.change === 'added' || claim.change === 'defended') continue;
    return decision(claim, `${node}: ${ip} ${claim.change} at ${showMoment(claim.at)}`);
  }
  return undefined;
}

function askedInVain(of: Case): Decision | undefined {
  const appliance = of.crossed.map((network) => of.providerAppliance(network))[0];
  const asked = decisionsOf(of, [appliance]).findLast((one) => one.decision === 'asked');
  const when = asked && showMoment(asked.at);
  return asked && decision(asked, `${asked.node} asked for ${asked.ip} at ${when} in vain`);
}

function leftAlone(of: Case, { code }: Finding): Decision | undefined {
  const appliances = [of.target.network || of.asker.network, ...of.crossed].flatMap((network) => [
    of.tenantAppliance(network),
    of.providerAppliance(network),
  ]);
  const left = decisionsOf(of, appliances).findLast((one) => one.because === code);
  if (left === undefined) return undefined;
  const when = showMoment(left.at);
  return decision(
    left,
    `${left.node} left the question of ${left.asker} for ${left.ip} alone, at ${when}`,
  );
}

const decisionsOf = ({ world, until }: Case, appliances: readonly (string | undefined)[]) =>
  [...new Set(appliances)]
    .flatMap((one) => (one === undefined ? [] : world.decisions(one, 0 as Instant, until)))
    .sort((a, b) => a.id - b.id);

/** The failover that was to put the replica in the place of the original. */
function operationFailed({ world, at, target }: Case, { code }: Finding): Decision | undefined {
  const run = target.vm === '' ? undefined : world.failoverOf(target.vm, at);
  if (run?.because !== code) return undefined;
  const what = `the ${run.operation.replaceAll('-', ' ')} of ${target.vm} failed at ${showMoment(run.ended ?? run.started)}`;
  return { node: target.replica, what, at: run.ended ?? run.started, event: run.event };
}

function dropped(of: Case, finding: Finding): Decision | undefined {
  const drop = stopOf(of, finding);
  if (drop === undefined || drop.reason === 'ARP_UNANSWERED') return undefined;
  const meaning = lower(reasons[drop.reason].meaning);
  return decision(drop, `${drop.node} dropped it at ${showMoment(drop.at)}: ${meaning}`);
}

/** Nobody answered: the entry of the machine that asked. */
function unanswered({ world, unresolved, until }: Case): Decision | undefined {
  const [ip] = unresolved?.ips ?? [];
  if (unresolved === undefined || ip === undefined) return undefined;
  const { node } = unresolved;
  const entry = world.neighbour(node, ip, until);
  if (entry === undefined) return undefined;
  const when = showMoment(entry.since);
  const what =
    entry.state === 'failed'
      ? `${node} had asked who has ${ip} and given it up by ${when}, for nobody answered`
      : `${node} asks who has ${ip} since ${when}, and nobody has answered`;
  return { node, what, at: entry.since, event: entry.event };
}
