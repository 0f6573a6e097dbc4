/** What clients, servers and relay agents of DHCP said, per client. */
import { showHex } from '../base/bytes.ts';
import { type Ipv4, showIpv4, showMac } from '../wire/address.ts';
import { type Dhcp, decodeDhcp, macOf, readOptions } from '../wire/dhcp.ts';
import { type Ipv4Packet, ipProtocol } from '../wire/ipv4.ts';
import { Malformed } from '../wire/malformed.ts';
import { decodeUdp } from '../wire/udp.ts';
import type { Account } from './account.ts';
import type { Item } from './item.ts';

const ports: ReadonlySet<number> = new Set([67, 68]);

/** Every message with the fields that decide something (RFC 2131 tables 3 and 5); within an exchange, what is said again, once. */
export function dhcpItems({ sent }: Account): Item[] {
  const items: Item[] = [];
  const exchanges = new Map<string, Exchange>();
  for (const { event, step, packet } of sent) {
    const message = packet && dhcpOf(packet);
    if (message === undefined) continue;
    const client = macOf(message);
    const name = client === undefined ? showHex(message.chaddr) : showMac(client);
    const stream = `DHCP of ${name}`;
    const { type, requestedIp, serverId } = readOptions(message.options);
    const way = `${showIpv4(packet!.source)} > ${showIpv4(packet!.destination)}`;
    const what = `${event.node}: ${told(message)}, ${way}`;
    let exchange = exchanges.get(stream);
    if (exchange === undefined || (exchange.ended && message.op === 'request'))
      exchanges.set(stream, (exchange = { said: new Set(), ended: false, reboots: false }));
    if (exchange.said.has(what)) continue;
    exchange.said.add(what);
    if (type === 'ack') exchange.ended = true;
    const asks = type === 'discover' || (type === 'request' && message.ciaddr === 0);
    if (asks && requestedIp !== undefined && serverId === undefined) exchange.reboots = true;
    const traits = exchange.reboots ? { reboots: true as const } : {};
    items.push({ stream, what, at: event.at, step, frame: event.id, traits });
  }
  return items;
}

interface Exchange {
  readonly said: Set<string>;
  /** The client has what it wanted. */
  ended: boolean;
  /** It began with the address that the client had before. */
  reboots: boolean;
}

/** Server, client and address of every lease that was given. */
export function leasesIn({
  sent,
}: Account): { server: string; mac: string; ip: string; from: string }[] {
  return sent.flatMap(({ event, packet }) => {
    const message = packet && dhcpOf(packet);
    if (message?.op !== 'reply' || message.yiaddr === 0) return [];
    const [mac, ip] = [macOf(message), showIpv4(message.yiaddr)];
    if (mac === undefined) return [];
    return [{ server: event.node, mac: showMac(mac), ip, from: showIpv4(packet!.source) }];
  });
}

function dhcpOf({ protocol, payload }: Ipv4Packet): Dhcp | undefined {
  if (protocol !== ipProtocol.udp) return undefined;
  const udp = decodeUdp(payload);
  if (udp instanceof Malformed || !ports.has(udp.destinationPort)) return undefined;
  const message = decodeDhcp(udp.payload);
  return message instanceof Malformed ? undefined : message;
}

function told(message: Dhcp): string {
  const { ciaddr, yiaddr, giaddr, hops, broadcast } = message;
  const options = readOptions(message.options);
  const { type, requestedIp, serverId, leaseSeconds, subnetMask, routers } = options;
  const address = (name: string, ip: Ipv4 | undefined): string[] =>
    ip === undefined || ip === 0 ? [] : [`${name} ${showIpv4(ip)}`];
  return [
    type?.toUpperCase() ?? message.op,
    ...address('ciaddr', ciaddr),
    ...address('yiaddr', yiaddr),
    ...address('giaddr', giaddr),
    ...(hops === 0 ? [] : [`hops ${hops}`]),
    ...(broadcast ? ['broadcast'] : []),
    ...address('wants', requestedIp),
    ...address('server', serverId),
    ...(leaseSeconds === undefined ? [] : [`for ${leaseSeconds} s`]),
    ...address('mask', subnetMask),
    ...(routers ?? []).map((router) => `router ${showIpv4(router)}`),
  ].join(' ');
}
