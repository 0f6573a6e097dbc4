/** Whether a frame or packet fits a capture filter: the few words of pcap-filter that `filter.ts` reads. */
import { view } from '../base/bytes.ts';
import { contains, type Ipv4 } from '../wire/address.ts';
import type { Filter, FilterDirection, FilterProtocol } from './filter.ts';

interface Seen {
  readonly arp: { readonly sender: Ipv4; readonly target: Ipv4 } | undefined;
  readonly ip:
    | {
        readonly protocol: number;
        readonly source: Ipv4;
        readonly destination: Ipv4;
        readonly ports: readonly [number, number] | undefined;
        readonly icmpType: number | undefined;
      }
    | undefined;
}

/** @param bytes An Ethernet frame, or an IP packet where there is no Ethernet. */
export function matches(filter: Filter, bytes: Uint8Array, ethernet: boolean): boolean {
  return fits(filter, ethernet ? lookAtFrame(bytes) : { arp: undefined, ip: lookAtPacket(bytes) });
}

function lookAtFrame(bytes: Uint8Array): Seen {
  if (bytes.length < 14) return { arp: undefined, ip: undefined };
  const data = view(bytes);
  const at = data.getUint16(12) === 0x8100 && bytes.length >= 18 ? 16 : 12;
  const type = data.getUint16(at);
  if (type === 0x0800) return { arp: undefined, ip: lookAtPacket(bytes.subarray(at + 2)) };
  if (type !== 0x0806 || bytes.length < at + 30) return { arp: undefined, ip: undefined };
  const sender = data.getInt32(at + 16) as Ipv4;
  const target = data.getInt32(at + 26) as Ipv4;
  return { arp: { sender, target }, ip: undefined };
}

function lookAtPacket(bytes: Uint8Array): Seen['ip'] {
  if (bytes.length < 20 || bytes[0]! >> 4 !== 4) return undefined;
  const data = view(bytes);
  const header = (bytes[0]! & 15) * 4;
  const protocol = bytes[9]!;
  const first = (data.getUint16(6) & 0x1fff) === 0;
  const isIcmp = first && protocol === numbers.icmp && bytes.length > header;
  const hasPorts = first && (protocol === 6 || protocol === 17) && bytes.length >= header + 4;
  return {
    protocol,
    source: data.getInt32(12) as Ipv4,
    destination: data.getInt32(16) as Ipv4,
    ports: hasPorts ? [data.getUint16(header), data.getUint16(header + 2)] : undefined,
    icmpType: isIcmp ? bytes[header] : undefined,
  };
}

function fits(filter: Filter, seen: Seen): boolean {
  switch (filter.kind) {
    case 'and':
      return fits(filter.left, seen) && fits(filter.right, seen);
    case 'or':
      return fits(filter.left, seen) || fits(filter.right, seen);
    case 'not':
      return !fits(filter.inner, seen);
    case 'protocol':
      return speaks(filter.protocol, seen);
    case 'icmp-type':
      return seen.ip?.icmpType === filter.type;
    case 'host':
      return speaks(filter.protocol, seen) && among(filter, seen, (ip) => ip === filter.ip);
    case 'net':
      return speaks(filter.protocol, seen) && among(filter, seen, (ip) => contains(filter.net, ip));
    case 'port': {
      const ports = seen.ip?.ports;
      if (ports === undefined || !speaks(filter.protocol, seen)) return false;
      return pick(filter.direction, ports).includes(filter.port);
    }
  }
}

const numbers = { icmp: 1, tcp: 6, udp: 17 } as const;

function speaks(protocol: FilterProtocol | undefined, seen: Seen): boolean {
  if (protocol === undefined) return true;
  if (protocol === 'arp') return seen.arp !== undefined;
  if (protocol === 'ip') return seen.ip !== undefined;
  return seen.ip?.protocol === numbers[protocol];
}

/** ARP has addresses too, and pcap-filter looks at them. */
function among(
  { direction }: { readonly direction: FilterDirection },
  seen: Seen,
  wanted: (ip: Ipv4) => boolean,
): boolean {
  const pair: readonly [Ipv4, Ipv4] | undefined = seen.ip
    ? [seen.ip.source, seen.ip.destination]
    : seen.arp && [seen.arp.sender, seen.arp.target];
  return pair !== undefined && pick(direction, pair).some(wanted);
}

function pick<T>(direction: FilterDirection, [source, destination]: readonly [T, T]): readonly T[] {
  if (direction === 'source') return [source];
  return direction === 'destination' ? [destination] : [source, destination];
}
