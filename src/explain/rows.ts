/** The rows of tables by which devices sent a packet on, in words: behind what a hop says, `, …`. */
import { type Instant, showMoment } from '../base/time.ts';
import type { FrameFlooded, FrameSent } from '../trace/event.ts';
import { type Ipv4, showIpv4, showMac } from '../wire/address.ts';
import { decodeEthernet } from '../wire/ethernet.ts';
import { Malformed } from '../wire/malformed.ts';
import { packetIn } from './carried.ts';
import type { World } from './world.ts';

type Crossing = FrameSent | FrameFlooded;

/** What the address table of a switch says of who a frame is for: `: 00:50:56:01:00:20 is at web01 since 13 s`. */
export function switchRow(world: World, out: Crossing): string {
  const mac = targetOf(out);
  const entry = mac === undefined ? undefined : world.switchEntry(out.node, mac, out.at);
  // Where it sent the frame elsewhere, something else decided.
  if (entry === undefined || out.from !== `${out.node}.${entry.port}`) return '';
  return `: ${mac} is at ${entry.port} since ${showMoment(entry.at)}`;
}

/** The route and the ARP entry by which a machine sent a packet: `, by 0.0.0.0/0: 10.0.10.1 is at …`. */
export function nextHopRow(world: World, out: Crossing): string {
  const packet = packetIn(out);
  const mac = targetOf(out);
  if (packet === undefined || mac === undefined) return '';
  const direct = world.neighbour(out.node, showIpv4(packet.destination), out.at);
  const entry =
    direct?.mac === mac
      ? { ...direct, ip: showIpv4(packet.destination) }
      : world.entryWith(out.node, mac, out.at);
  const route = routeRow(world, out.node, packet.destination, entry?.ip, out.at);
  if (entry === undefined) return route;
  const since = showMoment(entry.learned);
  return `${route === '' ? ',' : `${route}:`} ${entry.ip} is at ${entry.mac} since ${since}`;
}

/** Nothing where the next hop is who the packet is for: then its network is the way. */
function routeRow(
  world: World,
  node: string,
  destination: Ipv4,
  nextHop: string | undefined,
  at: Instant,
): string {
  if (nextHop === showIpv4(destination)) return '';
  const route = world.route(node, destination, at);
  if (route === undefined || (nextHop !== undefined && route.via !== nextHop)) return '';
  return `, by ${route.prefix}${nextHop === undefined && route.via !== '' ? ` via ${route.via}` : ''}`;
}

/** Why an appliance took a packet that is for another: `, for it stands in for 10.0.10.20`. */
export function proxyRow(world: World, node: string, ip: Ipv4, at: Instant): string {
  const address = showIpv4(ip);
  return world.proxyEntry(node, address, at) === true ? `, for it stands in for ${address}` : '';
}

function targetOf({ bytes }: Crossing): string | undefined {
  const frame = decodeEthernet(bytes);
  return frame instanceof Malformed ? undefined : showMac(frame.target);
}
