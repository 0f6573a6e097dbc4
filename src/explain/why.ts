/**
 * Why a machine could not reach another, in one sentence: the first wrong decision, not the last
 * symptom. The rules are asked in the order of the table, which goes from what was wrong before any
 * packet was sent to what happened to this one; the first that knows the case has the word.
 */
import { type Instant, showMoment } from '../base/time.ts';
import type { EventLog } from '../trace/log.ts';
import { type Reason, reasons } from '../trace/reasons.ts';
import { type Also, alsoInTheWay } from './also.ts';
import { Case, dueTo, type Finding, type Question, type Rule } from './case.ts';
import { notAdopted, proxyOff, staleEntry, twoAnswers, vlansApart } from './causes-arp.ts';
import {
  addressConflict,
  askerIsOff,
  failedOperation,
  noAddress,
  noAppliance,
  noEdgeGateway,
  noStaticAddress,
  notDetected,
  notMapped,
  refused,
  targetIsOff,
} from './causes-ends.ts';
import {
  addressIsTaken,
  applianceIsBare,
  askerIsCutOff,
  clockIsBehind,
  cutOff,
  daemonHangs,
  faultBehind,
  gatewayIsOff,
  hiddenIsAway,
  nameOf,
} from './causes-faults.ts';
import { noTunnel, replicaGatewayIsOff } from './causes-full.ts';
import { leaseIsLost, lineIsBad } from './causes-lines.ts';
import { applianceIsOff, blackHole, blockedOnTheWay, tooLarge, tunnelDown } from './causes-way.ts';
import { type Decision, firstWrong } from './first-wrong.ts';
import { type Hop, wayOf } from './hops.ts';
import { type Subject, subjectOf } from './subject.ts';
import { type Fault, lineHarms } from './world.ts';

export type { Question } from './case.ts';

export interface Explanation {
  readonly code: Reason;
  /** The machine that the attempt got to. */
  readonly lastHop: string;
  /** One sentence, with names and addresses, without a full stop. */
  readonly sentence: string;
  readonly hops: readonly Hop[];
  /** What would change it, in words of the scenario file. */
  readonly try?: string;
  /** The fault of the scenario that is behind it, with its line in the file. */
  readonly fault?: Fault;
  /** What else would still be in the way, once that is mended. */
  readonly also?: readonly Also[];
  /** By when a stale entry will have aged out, if machines go on asking. */
  readonly healsAt?: Instant;
  /** The event that shows it best; -1 where nothing was sent. */
  readonly event: number;
  /** The fact that what it is about was sent; -1 where nothing was. */
  readonly attempt: number;
  /** Who and what it is about, for those who would change it. */
  readonly subject: Subject;
  /** The first decision that was wrong, where the log shows one. */
  readonly decision?: Decision;
}

const rules: readonly Rule[] = [
  refused,
  askerIsOff,
  askerIsCutOff,
  failedOperation,
  noTunnel,
  noStaticAddress,
  noAppliance,
  notMapped,
  noEdgeGateway,
  notDetected,
  addressConflict,
  targetIsOff,
  leaseIsLost,
  addressIsTaken,
  noAddress,
  replicaGatewayIsOff,
  applianceIsOff,
  cutOff,
  gatewayIsOff,
  hiddenIsAway,
  daemonHangs,
  lineIsBad,
  applianceIsBare,
  clockIsBehind,
  tunnelDown,
  twoAnswers,
  proxyOff,
  staleEntry,
  blockedOnTheWay,
  vlansApart,
  notAdopted,
  blackHole,
  tooLarge,
  lastWord,
];

/** Undefined where the attempt was answered: then there is nothing to explain. */
export function why(log: EventLog, question: Question): Explanation | undefined {
  const of = new Case(log, question);
  if (of.outcome?.what === 'answered') return undefined;
  let finding: Finding | undefined;
  for (const rule of rules) if ((finding = rule(of)) !== undefined) break;
  const { code, sentence, healsAt } = finding!;
  const fault = faultOf(of, finding!);
  const also = alsoInTheWay(of, { code, ...dueTo(fault) });
  const { sent = of.sent?.id, end = of.end } = finding!.shownBy ?? {};
  const subject = subjectOf(of, finding!, fault);
  const decision = firstWrong(of, finding!, subject);
  const explanation = {
    code,
    sentence:
      fault !== undefined && isNamed(finding!, fault) ? `${sentence}; ${nameOf(fault)}` : sentence,
    lastHop: finding!.lastHop ?? end.node,
    hops: sent === undefined ? [] : wayOf(log, sent, end),
    event: end.event,
    attempt: sent ?? -1,
    subject,
    ...(decision !== undefined && { decision }),
  };
  return {
    ...explanation,
    ...remedied(finding!, fault),
    ...dueTo(fault),
    ...(also.length > 0 && { also }),
    ...(healsAt !== undefined && { healsAt }),
  };
}

/** What has been switched off or cut says so itself; what became of a frame does not say by what. */
const isNamed = ({ fault }: Finding, behind: Fault): boolean =>
  fault === undefined || behind.fault in lineHarms;

function remedied(
  { try: remedy, fault: own }: Finding,
  fault: Fault | undefined,
): Pick<Finding, 'try'> {
  const isOwn = own !== undefined && remedy !== undefined;
  if (fault !== undefined && fault.fault !== 'block' && !isOwn)
    return fault.fault in lineHarms || fault.ports !== undefined
      ? { try: `fault: { mend: ${fault.target} }` }
      : { try: `fault: { power_on: ${fault.target} }` };
  return remedy === undefined ? {} : { try: remedy };
}

/** The fault of the scenario that is behind it, where what stopped the packet is due to one. */
function faultOf(of: Case, { fault, stop, code }: Finding): Fault | undefined {
  if (fault !== undefined) return fault;
  if (stop !== undefined) return faultBehind(of, stop);
  const { event } = of.end;
  const end = event >= 0 ? of.log.read(event) : undefined;
  return end?.kind === 'drop' && end.reason === code ? faultBehind(of, end) : undefined;
}

/** Who should have answered, where it is the gateway of a VM or the router of an IPsec VPN. */
function adviceOn(of: Case, node: string, ips: readonly string[]): string | undefined {
  const { world, at, target, to } = of;
  const { vm = '' } = world.machine(node) ?? {};
  if (vm !== '' && !ips.includes(to) && ips.includes(world.gatewayOf(node, at)))
    return `vms.${vm}.gateway: the router of its network`;
  const isRouted = target.failedOver && ips.includes(to) && world.isLedTo(to, node, at);
  return isRouted ? 'org_vdc.edge.proxy_arp: true' : undefined;
}

/** No rule knows the case: what the log says of the last hop has to do. */
function lastWord(of: Case): Finding {
  const { end, outcome, sent, from, to } = of;
  const waited = of.unresolved;
  const said = end.reason ?? outcome?.because;
  if (waited !== undefined) {
    const ips = sent?.protocol === 'arp' ? [to] : waited.ips;
    const asked = ips.length > 0 ? ips.join(', ') : 'the next hop';
    const advice = adviceOn(of, waited.node, ips);
    return {
      code: 'ARP_UNANSWERED',
      sentence: `${from} cannot reach ${to}: nobody answers the ARP requests of ${waited.node} for ${asked}`,
      ...(advice !== undefined && { try: advice }),
    };
  }
  if (said !== undefined) {
    const { meaning, remedy } = reasons[said];
    return {
      code: said,
      sentence: `${from} cannot reach ${to}: it ended at ${end.node}. ${meaning.replace(/\.$/, '')}`,
      try: remedy.replace(/\.$/, ''),
    };
  }
  const since = sent === undefined ? '' : ` since ${showMoment(sent.at)}`;
  const code = sent?.protocol === 'tcp' ? 'TCP_TIMEOUT' : 'ARP_UNANSWERED';
  return {
    code,
    sentence: `${from} has had no answer from ${to}${since}; the last that was seen of it was at ${end.node}`,
  };
}
