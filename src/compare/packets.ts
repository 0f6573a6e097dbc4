/** What became of the packets of probes, and what was complained of by ICMP. */

import type { TraceEvent } from '../trace/event.ts';
import { showIpv4, showMac } from '../wire/address.ts';
import { espUdpPort } from '../wire/esp.ts';
import { decodeIcmp, type Icmp, type IcmpError } from '../wire/icmp.ts';
import { decodeQuotedIpv4, type Ipv4Packet, ipProtocol } from '../wire/ipv4.ts';
import { Malformed } from '../wire/malformed.ts';
import { decodeUdp } from '../wire/udp.ts';
import { decodeWireguard } from '../wire/wireguard.ts';
import type { Account, Share } from './account.ts';
import type { Item, Part } from './item.ts';

const isError = (icmp: Icmp): icmp is IcmpError =>
  icmp.kind !== 'echo-request' && icmp.kind !== 'echo-reply' && icmp.kind !== 'other';

/** What machines complained of. How often depends on how often they were given cause, so repetitions count once. */
export function icmpItems(account: Account): Item[] {
  const items: Item[] = [];
  const latest = new Map<string, string>();
  for (const { event, step, packet } of account.sent) {
    if (packet?.protocol !== ipProtocol.icmp || account.isAfterthought(event.id)) continue;
    const icmp = decodeIcmp(packet.payload);
    if (icmp instanceof Malformed || !isError(icmp)) continue;
    const stream = `ICMP from ${event.node} to ${showIpv4(packet.destination)}`;
    const what = `${icmp.kind} code ${icmp.code} from ${showIpv4(packet.source)}${about(icmp)}`;
    if (latest.get(stream) === what) continue;
    latest.set(stream, what);
    items.push({ stream, what, at: event.at, step, frame: event.id });
  }
  return items;
}

function about(icmp: IcmpError): string {
  const quoted = decodeQuotedIpv4(icmp.quote);
  const to = quoted instanceof Malformed ? 'nothing readable' : showIpv4(quoted.destination);
  const words = [` about a packet to ${to}`];
  if (icmp.kind === 'unreachable' && icmp.code === 4) words.push(`mtu ${icmp.mtu}`);
  if (icmp.kind === 'redirect') words.push(`better by ${showIpv4(icmp.gateway)}`);
  return words.join(', ');
}

/**
 * Where the packets of each probe came: which port, from which MAC address to which, with how much
 * time to live; in a tunnel, what it was when it went in and came out.
 */
export const arrivalItems = (account: Account): Item[] =>
  waysOf(account, (shares) => {
    const told = shares.flatMap((share): Part[] => {
      if (share.kind === 'sent') return [];
      if (share.kind === 'tunnelled') {
        const { event } = share;
        const way = event.direction === 'in' ? 'into' : 'out of';
        return [{ what: `${way} ${event.interface} ttl ${event.bytes[8]}`, frame: event.id }];
      }
      const { port, ethernet, packet, event } = share.arrived;
      const macs = `${showMac(ethernet.source)} > ${showMac(ethernet.target)}`;
      return [
        { what: `at ${port} ${macs} ttl ${packet!.ttl} ${nameOf(packet!)}`, frame: event.id },
      ];
    });
    const first = new Map<string, Part>();
    for (const part of told) if (!first.has(part.what)) first.set(part.what, part);
    return inSomeOrder([...first.values()]);
  });

/** Who of many gets a broadcast first is chance: those that follow one another are put in order. */
function inSomeOrder(parts: readonly Part[]): Part[] {
  const ordered: Part[] = [];
  let together: Part[] = [];
  const close = (): void => {
    ordered.push(...together.sort((a, b) => (a.what < b.what ? -1 : 1)));
    together = [];
  };
  for (const part of parts) {
    if (!part.what.includes(toEverybody)) close();
    together.push(part);
    if (!part.what.includes(toEverybody)) close();
  }
  close();
  return ordered;
}

const toEverybody = '> ff:ff:ff:ff:ff:ff';

/** Who received what a probe sent, and how many times. Of TCP see there: its segments are no units. */
export const deliveryItems = (account: Account): Item[] =>
  waysOf(account, (shares) => {
    const counts = new Map<string, { readonly frame: number; times: number }>();
    for (const share of shares) {
      if (share.kind !== 'arrived' || !share.arrived.isFinal) continue;
      const { node, packet, event } = share.arrived;
      if (packet!.protocol === ipProtocol.tcp) continue;
      const key = `${node} received ${nameOf(packet!)}`;
      const known = counts.get(key);
      if (known === undefined) counts.set(key, { frame: event.id, times: 1 });
      else known.times += 1;
    }
    return [...counts].map(([key, { frame, times }]) => ({
      what: times === 1 ? key : `${key} ${times} times`,
      frame,
    }));
  });

const protocols: Readonly<Record<string, number>> = {
  ping: ipProtocol.icmp,
  tcp: ipProtocol.tcp,
  udp: ipProtocol.udp,
};

/** What is the probe's own, not what carries it or was asked because of it. */
function isOwn(share: Share, protocol: number): boolean {
  if (share.kind === 'tunnelled') {
    const { bytes } = share.event;
    return isProbes(bytes[9]!, protocol) && (bytes[12] !== 169 || bytes[16] !== 169);
  }
  const packet = share.kind === 'sent' ? share.sent.packet : share.arrived.packet;
  if (packet === undefined || !isProbes(packet.protocol, protocol)) return false;
  return !isCarrier(packet) && !isForeignComplaint(packet, protocol);
}

function eventOf(share: Share): TraceEvent {
  if (share.kind === 'tunnelled') return share.event;
  return share.kind === 'sent' ? share.sent.event : share.arrived.event;
}

const isProbes = (protocol: number, wanted: number): boolean =>
  protocol === wanted || protocol === ipProtocol.icmp;

/** It complains of something else than the probe sent: of what carries that, for one. */
function isForeignComplaint({ protocol, payload }: Ipv4Packet, wanted: number): boolean {
  if (protocol !== ipProtocol.icmp) return false;
  const icmp = decodeIcmp(payload);
  if (icmp instanceof Malformed || !isError(icmp)) return false;
  const quoted = decodeQuotedIpv4(icmp.quote);
  return !(quoted instanceof Malformed) && quoted.protocol !== wanted;
}

function isCarrier({ protocol, payload }: Ipv4Packet): boolean {
  if (protocol !== ipProtocol.udp) return false;
  const udp = decodeUdp(payload);
  if (udp instanceof Malformed) return false;
  return udp.destinationPort === espUdpPort || !(decodeWireguard(udp.payload) instanceof Malformed);
}

/** One item for the whole way of an echo. Of echoes in a row that go the same way, the first stands for all. */
function waysOf(account: Account, read: (shares: readonly Share[]) => Part[]): Item[] {
  const items: Item[] = [];
  for (const [number, { told, echoes }] of account.probes) {
    const protocol = protocols[told.protocol];
    if (protocol === undefined) continue;
    const stream = `probe ${number}, ${told.protocol} ${told.node} -> ${told.to}`;
    const ways: { readonly item: Item; times: number }[] = [];
    for (const { sent, step, shares } of echoes.values()) {
      const own = shares.filter(
        (share) => isOwn(share, protocol) && !account.isAfterthought(eventOf(share).id),
      );
      const parts = read(own);
      const what = parts.map((part) => part.what).join('; ') || 'nothing';
      const latest = ways.at(-1);
      if (latest?.item.what === what) latest.times += 1;
      else {
        const frame = shares.find((share) => share.kind === 'sent')?.sent.event.id;
        const item = {
          stream,
          what,
          at: sent.at,
          step,
          parts,
          ...(frame !== undefined && { frame }),
        };
        ways.push({ item, times: 1 });
      }
    }
    items.push(
      ...ways.map(({ item }, i) =>
        isPassing(ways, i) ? { ...item, fleeting: true as const } : item,
      ),
    );
  }
  return items;
}

interface WayTaken {
  readonly item: Item;
  readonly times: number;
}

/** So few echoes in the middle of a change: which they are, and whether any, depends on the instant. */
const passingMost = 2;

function isPassing(ways: readonly WayTaken[], place: number): boolean {
  if (isAgain(ways, place)) return true;
  if (ways[place]!.times > passingMost) return false;
  const before = ways.slice(0, place).findLast(({ times }) => times > passingMost);
  const after = ways.slice(place + 1).find(({ times }) => times > passingMost);
  return before !== undefined && after !== undefined && before.item.what !== after.item.what;
}

/**
 * Where the same turns come again and again, as when a router asks three times, gives up and is asked anew,
 * the first of each stands for all: how many there are depends on how two rhythms meet.
 */
function isAgain(ways: readonly WayTaken[], place: number): boolean {
  const { what, step } = ways[place]!.item;
  const previous = ways[place - 1]?.item.what;
  return ways.some(
    ({ item }, i) =>
      i > 0 &&
      i < place &&
      item.step === step &&
      item.what === what &&
      ways[i - 1]!.item.what === previous,
  );
}

function nameOf({ protocol, payload, fragmentOffset, moreFragments }: Ipv4Packet): string {
  const part = moreFragments || fragmentOffset > 0 ? ` from byte ${fragmentOffset} on` : '';
  if (fragmentOffset > 0) return `fragment${part}`;
  if (protocol === ipProtocol.tcp) return `TCP${part}`;
  if (protocol === ipProtocol.udp) return `UDP${part}`;
  if (protocol !== ipProtocol.icmp) return `protocol ${protocol}${part}`;
  const icmp = decodeIcmp(payload);
  const kind = icmp instanceof Malformed ? 'message' : icmp.kind.replace('-', ' ');
  return `ICMP ${kind}${part}`;
}
