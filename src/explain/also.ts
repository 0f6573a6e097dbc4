/**
 * What else would still be in the way, once the first wrong decision is mended. Of most of it no
 * packet can tell, because none got that far: so this is how things stand, and what is known of the
 * settings. Only what is a cause itself counts, never what follows from another.
 */
import type { Reason } from '../trace/reasons.ts';
import { type Case, dueTo, type Finding, type Rule } from './case.ts';
import { proxyOff, twoAnswers } from './causes-arp.ts';
import {
  addressConflict,
  noAppliance,
  noEdgeGateway,
  noStaticAddress,
  notDetected,
  notMapped,
} from './causes-ends.ts';
import { addressIsTaken, clockIsBehind, cutsAt, faultBehind, hungOf } from './causes-faults.ts';
import { noTunnel } from './causes-full.ts';
import { type Need, needsOf } from './needs.ts';
import { blockedBy, type Fault, lineHarms } from './world.ts';

/** A further cause, in the order in which a packet would come to it. */
export interface Also {
  readonly code: Reason;
  /** Without a full stop. */
  readonly sentence: string;
  readonly fault?: Fault;
}

/** Why nobody stands in for an address: each has the next one for a consequence. */
const notStoodInFor: readonly Rule[] = [
  noTunnel,
  noStaticAddress,
  noAppliance,
  notMapped,
  noEdgeGateway,
  notDetected,
  proxyOff,
];

const others: readonly Rule[] = [addressConflict, addressIsTaken, clockIsBehind, twoAnswers];

export function alsoInTheWay(of: Case, first: Pick<Finding, 'code' | 'fault'>): Also[] {
  const needs = needsOf(of);
  const found: Finding[] = [
    ...needs.flatMap((need) => [...withoutPower(of, need), ...cutsAt(of, need.node, need.matters)]),
    ...passwords(of),
    ...hungOf(of),
    ...needs.flatMap((need) => blocks(of, need)),
    ...lines(of, needs),
    ...firstOf(of, notStoodInFor),
    ...others.flatMap((rule) => rule(of) ?? []),
  ];
  const told = new Set([keyOf(first)]);
  // One fault shows itself in several places.
  return found
    .filter((one) => {
      const isNews = !told.has(keyOf(one));
      told.add(keyOf(one));
      return isNews && !(one.fault === undefined && isAlike(one.code, first.code));
    })
    .map(({ code, sentence, fault }) => ({ code, sentence, ...dueTo(fault) }));
}

const keyOf = ({ code, fault }: Pick<Finding, 'code' | 'fault'>): number | Reason =>
  fault?.id ?? code;

function firstOf(of: Case, rules: readonly Rule[]): Finding[] {
  for (const rule of rules) {
    const finding = rule(of);
    if (finding !== undefined) return [finding];
  }
  return [];
}

/** Without a fault of their own: one setting that shows itself twice. */
const isAlike = (a: Reason, b: Reason): boolean => a === b || (nobody.has(a) && nobody.has(b));

const nobody: ReadonlySet<Reason> = new Set([
  'DHCP_NO_STATIC_IP',
  'NO_NEA',
  'REPLICA_NOT_MAPPED',
  'NO_EDGE_GATEWAY',
  'NO_STATIC_IP_DETECTED',
  'PROXY_ARP_OFF',
]);

/** What the controller has switched off is off because of something else. */
function withoutPower(of: Case, { node, as }: Need): Finding[] {
  const { world, at } = of;
  if (as === 'target' && of.ahead.length > of.crossed.length) return []; // for that it was to fail over
  const fault = world.power(node, at) === 'off' ? world.blackout(node, at) : undefined;
  if (fault === undefined) return [];
  return as === 'segment'
    ? [{ code: 'LINK_DOWN', sentence: `the switch of ${node} is off`, fault }]
    : [{ code: 'POWERED_OFF', sentence: `${node} is switched off`, fault }];
}

/** A failover that has failed will fail again, whatever the first reason was. */
function passwords(of: Case): Finding[] {
  const { world, at, crossed } = of;
  return of.ahead
    .filter((network) => !crossed.includes(network))
    .flatMap((network) => [of.tenantAppliance(network), of.providerAppliance(network)])
    .flatMap((node = '') => {
      const fault = world.estranged(node, at);
      const sentence = `${node} refuses the password`;
      return fault === undefined ? [] : { code: 'APPLIANCE_PASSWORD' as const, sentence, fault };
    });
}

function blocks(of: Case, { node, as }: Need): Finding[] {
  return of.world.blocksAt(node, of.at).flatMap((fault) => {
    const { ports } = blockedBy(fault);
    const port = ports.find((one) => isUsed(of, one, as, fault.direction));
    if (port === undefined && !hasStopped(of, node, fault)) return [];
    return {
      code: 'FIREWALL_BLOCKED' as const,
      sentence: `${node} blocks ${port ?? ports.join(', ')}`,
      fault,
    };
  });
}

/** Whether what is asked goes by this port: of a tunnel that is the port of the cloud gateway. */
function isUsed(of: Case, port: string, as: Need['as'], direction: Fault['direction']): boolean {
  const { sent, asker, target, crossed, ahead } = of;
  const isAsked =
    port === (sent?.protocol === 'ping' ? 'icmp' : `${sent?.protocol}/${sent?.sequence}`);
  switch (as) {
    case 'asker':
      return isAsked && (port === 'icmp' || direction !== 'in');
    case 'target':
      return isAsked && (port === 'icmp' || direction !== 'out');
    case 'router':
      return (isAsked && asker.network !== target.network) || (ahead.length > 0 && port === relay);
    case 'appliance':
      return port === relay || (ahead.length > crossed.length && control.has(port));
    default:
      return port === relay;
  }
}

const relay = 'udp/6180';
/** By which appliances are told what to do. */
const control: ReadonlySet<string> = new Set(['tcp/22', 'icmp']);

/** It has stopped something since, of the attempt or of the tunnel. */
function hasStopped(of: Case, node: string, fault: Fault): boolean {
  let looked = 0;
  for (const drop of of.tree.dropsBack(fault.at, of.until)) {
    if (looked++ === dropsMost) break;
    if (drop.node === node && faultBehind(of, drop)?.id === fault.id) return true;
  }
  return false;
}

const dropsMost = 10_000;

/** What becomes of frames there. */
const words: Readonly<Record<string, string>> = {
  drop: 'frames get lost',
  black_hole: 'frames vanish',
  corrupt: 'frames are spoilt',
  delay: 'frames are late',
  jitter: 'frames are late',
  reorder: 'frames are held back',
  rate: 'hardly any bandwidth is left',
  mtu: 'only small packets get through',
};

function lines(of: Case, needs: readonly Need[]): Finding[] {
  const { world, at } = of;
  return world
    .lineFaults(at)
    .filter((fault) => isBad(fault) && isOnTheWay(of, fault, needs))
    .map((fault) => ({
      code: lineHarms[fault.fault]!,
      sentence: `${words[fault.fault] ?? 'frames suffer'} at ${fault.target}`,
      fault,
    }));
}

/** Less is a nuisance, and no reason why nothing gets through. */
function isBad({ fault, amount = Number.POSITIVE_INFINITY }: Fault): boolean {
  switch (fault) {
    case 'drop':
    case 'corrupt':
      return amount >= 0.5;
    case 'delay':
    case 'jitter':
    case 'reorder':
      return amount >= 1e9;
    case 'rate':
      return amount <= 10_000;
    case 'mtu':
      return amount <= 590;
    default:
      return true;
  }
}

function isOnTheWay({ world }: Case, { ports = [] }: Fault, needs: readonly Need[]): boolean {
  return ports.some((port) => {
    const node = world.nodeOf(port);
    const own = needs.find((need) => need.node === node);
    if (own?.matters(port)) return true;
    // The far end of a cable is called for the machine there: that of a router is called for the network.
    const far = needs.find((need) => `${node}.${need.node}` === port);
    const isOutside = world.machine(node)?.role === 'internet';
    return far?.matters(`${far.node}.${isOutside ? 'wan' : node}`) === true;
  });
}
