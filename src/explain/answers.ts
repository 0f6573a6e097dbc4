/** Who answered ARP for an address, and whether more than one did. */
import { type Instant, seconds } from '../base/time.ts';
import type { FrameFlooded, FrameSent } from '../trace/event.ts';
import type { EventLog } from '../trace/log.ts';
import { parseIpv4, showIpv4, showMac } from '../wire/address.ts';
import { arpIn } from './carried.ts';
import { isCrossing, treeOf } from './tree.ts';
import { type World, worldOf } from './world.ts';

export interface Answer {
  readonly mac: string;
  /** The machine that answered; empty where the log cannot tell. */
  readonly node: string;
  /** When the answer was there. */
  readonly at: Instant;
  /** Its last crossing. */
  readonly event: number;
}

/**
 * The ARP replies for an address that a machine got within a stretch of time, oldest first. From a
 * log without bytes only those are known that the machine took note of.
 */
export function answersFor(
  log: EventLog,
  node: string,
  ip: string,
  from: Instant,
  to: Instant,
): Answer[] {
  const world = worldOf(log);
  const heard = log.level === 'full' ? fromFrames : fromFacts;
  return heard(log, world, ip, from, to)
    .filter((one) => one.port === node || world.nodeOf(one.port) === node)
    .map(({ mac, node: owner, at, event }) => ({ mac, node: owner, at, event }));
}

export interface Duplicate {
  readonly ip: string;
  /** Where both were heard: a port, or a machine in a log without bytes. */
  readonly at: string;
  /** One for each MAC address, in the order in which they were first heard. */
  readonly answers: readonly Answer[];
}

/**
 * Addresses for which two MAC addresses answered at one place, while both could: a machine that
 * took over after the other had gone is no duplicate.
 */
export function duplicates(log: EventLog, from: Instant, to: Instant): Duplicate[] {
  const ips =
    log.level === 'full'
      ? treeOf(log).repliedFor.map(showIpv4)
      : [...worldOf(log).addressesHeardOf()];
  return ips.flatMap((ip) => duplicatesOf(log, ip, from, to));
}

/** The same for one address: one finding for each place where it was heard. */
export function duplicatesOf(log: EventLog, ip: string, from: Instant, to: Instant): Duplicate[] {
  const world = worldOf(log);
  const heard = log.level === 'full' ? fromFrames : fromFacts;
  const byPort = new Map<string, Heard[]>();
  for (const one of heard(log, world, ip, from, to)) {
    const here = byPort.get(one.port);
    if (here === undefined) byPort.set(one.port, [one]);
    else here.push(one);
  }
  return [...byPort].flatMap(([at, all]) => {
    const rivals = contested(world, ip, all);
    return rivals.length > 1 ? [{ ip, at, answers: rivals.map(withoutPort) }] : [];
  });
}

interface Heard extends Answer {
  readonly port: string;
}

/** The first answer of each MAC address that was contested by another. */
function contested(world: World, ip: string, all: readonly Heard[]): Heard[] {
  const rivals = new Map<string, Heard>();
  const latest = new Map<string, Heard>();
  for (const one of all) {
    for (const [mac, other] of latest) {
      if (mac === one.mac || !world.standsFor(other.node, ip, one.at)) continue;
      if (!rivals.has(mac)) rivals.set(mac, other);
      if (!rivals.has(one.mac)) rivals.set(one.mac, one);
    }
    latest.set(one.mac, one);
  }
  return [...rivals.values()];
}

const withoutPort = ({ mac, node, at, event }: Heard): Answer => ({ mac, node, at, event });

function fromFrames(log: EventLog, world: World, ip: string, from: Instant, to: Instant): Heard[] {
  const tree = treeOf(log);
  const heard: Heard[] = [];
  const address = parseIpv4(ip);
  if (address === undefined) return heard;
  const earlier = Math.max(0, from - onTheWayMost) as Instant;
  for (const crossing of tree.repliesFor(address, earlier, to)) {
    if (crossing.arrives < from || crossing.arrives > to) continue;
    const arp = arpIn(crossing);
    if (arp === undefined || world.spoiltOn(crossing.id) !== undefined) continue;
    const mac = showMac(arp.senderMac);
    const node = world.maker(crossing.id)?.node ?? '';
    for (const port of takenAt(log, world, crossing))
      heard.push({ mac, node, at: crossing.arrives, event: crossing.id, port });
  }
  return heard;
}

/** No crossing takes longer: what arrives in a stretch of time began at most this long before it. */
const onTheWayMost = seconds(1);

/** The ports of machines where a reply came in that was for them. */
function takenAt(log: EventLog, world: World, crossing: FrameSent | FrameFlooded): string[] {
  const ends = crossing.kind === 'flood' ? crossing.to : [crossing.to];
  const refused = new Set<string>();
  for (const effect of treeOf(log).effects(crossing.id))
    if (effect.kind === 'drop' && effect.reason !== 'ARP_LOCKTIME') refused.add(effect.node);
  return ends.filter((port) => {
    const node = world.nodeOf(port);
    return !world.isSwitch(node) && !refused.has(node);
  });
}

function fromFacts(log: EventLog, world: World, ip: string, from: Instant, to: Instant): Heard[] {
  const heard: Heard[] = [];
  for (const { node, mac, at, cause, event } of world.toldOf(ip, from, to)) {
    const made = cause >= 0 && isCrossing(log.read(cause)) ? world.maker(cause) : undefined;
    const owners = world.ownersOf(mac);
    const owner = made?.node ?? (owners.length === 1 ? owners[0]! : '');
    heard.push({ mac, node: owner, at, event: cause >= 0 ? cause : event, port: node });
  }
  return heard;
}
