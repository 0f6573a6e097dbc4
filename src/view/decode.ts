/**
 * A frame layer by layer, field by field, each with the bytes that it is: for whoever wants to see what
 * `wire/describe.ts` says in a line. Never throws; what does not fit any more is not there.
 */
import { showHex, view } from '../base/bytes.ts';
import { readIpv4, readMac, showIpv4, showMac } from '../wire/address.ts';
import { optionCode } from '../wire/dhcp.ts';
import { espUdpPort, kindOfEncapsulated, protocolEsp } from '../wire/esp.ts';
import { etherType, leastEtherType } from '../wire/ethernet.ts';
import { ipProtocol } from '../wire/ipv4.ts';
import { tcpFlag } from '../wire/tcp.ts';
import { vxlanPort } from '../wire/vxlan.ts';

export interface Layer {
  /** `Ethernet`, `IPv4`, `DHCP`. */
  readonly name: string;
  readonly fields: readonly Field[];
}

export interface Field {
  readonly name: string;
  readonly value: string;
  /** Its bytes: from `start` up to `end`. */
  readonly start: number;
  readonly end: number;
}

/** How one field is read; undefined says that there is no more of this layer. */
type Show = (data: DataView, at: number, length: number) => string;

const mac: Show = (data, at) => showMac(readMac(data, at));
const ip: Show = (data, at) => showIpv4(readIpv4(data, at));
const whole: Show = (data, at, length) => {
  let value = 0;
  for (let i = 0; i < length; i += 1) value = value * 256 + data.getUint8(at + i);
  return `${value}`;
};
const hex: Show = (data, at, length) =>
  `0x${showHex(new Uint8Array(data.buffer, data.byteOffset + at, length))}`;
const named =
  (names: Readonly<Record<number, string>>): Show =>
  (data, at, length) => {
    const value = Number(whole(data, at, length));
    return names[value] === undefined ? `${value}` : `${value} (${names[value]})`;
  };
/** WireGuard counts from the other end (its paper, section 5.4). */
const backward: Show = (data, at, length) => {
  let value = 0;
  for (let i = length - 1; i >= 0; i -= 1) value = value * 256 + data.getUint8(at + i);
  return length === 4 ? `0x${value.toString(16)}` : `${value}`;
};

const typeNames = { [etherType.ipv4]: 'IPv4', [etherType.arp]: 'ARP', [etherType.vlan]: '802.1Q' };
const protocolNames = { 1: 'ICMP', 6: 'TCP', 17: 'UDP', 50: 'ESP' };
const icmpNames = {
  0: 'echo reply',
  3: 'destination unreachable',
  5: 'redirect',
  8: 'echo request',
  11: 'time exceeded',
};

/** @param from What the bytes begin with: a frame, or what was in a tunnel. */
export function layersOf(bytes: Uint8Array, from: 'ethernet' | 'ipv4' = 'ethernet'): Layer[] {
  const dissection = new Dissection(bytes);
  if (from === 'ipv4') dissection.ipv4(0);
  else dissection.ethernet(0);
  return dissection.layers;
}

class Dissection {
  readonly layers: Layer[] = [];
  readonly #data: DataView;
  readonly #end: number;
  #fields: Field[] = [];

  constructor(bytes: Uint8Array) {
    this.#data = view(bytes);
    this.#end = bytes.length;
  }

  ethernet(at: number): void {
    this.#begin('Ethernet');
    this.#take('destination', at, 6, mac);
    this.#take('source', at + 6, 6, mac);
    let place = at + 12;
    for (; this.#number(place, 2) === etherType.vlan; place += 4) {
      this.#take('type', place, 2, named(typeNames));
      this.#take('VLAN', place + 2, 2, (data, where) => `${data.getUint16(where) & 0xfff}`);
    }
    const type = this.#number(place, 2);
    if (type === undefined) return;
    const isLength = type < leastEtherType;
    this.#take(isLength ? 'length' : 'type', place, 2, isLength ? whole : named(typeNames));
    if (type === etherType.ipv4) this.ipv4(place + 2);
    else if (type === etherType.arp) this.#arp(place + 2);
    else this.#rest('payload', place + 2);
  }

  #arp(at: number): void {
    this.#begin('ARP');
    this.#take('hardware', at, 2, named({ 1: 'Ethernet' }));
    this.#take('protocol', at + 2, 2, named(typeNames));
    this.#take('lengths', at + 4, 2, (data, where) => {
      return `${data.getUint8(where)} and ${data.getUint8(where + 1)}`;
    });
    this.#take('operation', at + 6, 2, named({ 1: 'request', 2: 'reply' }));
    this.#take('sender MAC', at + 8, 6, mac);
    this.#take('sender IP', at + 14, 4, ip);
    this.#take('target MAC', at + 18, 6, mac);
    this.#take('target IP', at + 24, 4, ip);
    this.#rest('padding', at + 28);
  }

  ipv4(at: number): void {
    this.#begin('IPv4');
    const first = this.#number(at, 1);
    if (first === undefined) return;
    const header = (first & 15) * 4;
    this.#take('version and header', at, 1, () => `version ${first >> 4}, ${header} bytes`);
    this.#take('service', at + 1, 1, hex);
    this.#take('length', at + 2, 2, whole);
    this.#take('identification', at + 4, 2, hex);
    this.#take('fragment', at + 6, 2, fragment);
    this.#take('TTL', at + 8, 1, whole);
    this.#take('protocol', at + 9, 1, named(protocolNames));
    this.#take('checksum', at + 10, 2, hex);
    this.#take('source', at + 12, 4, ip);
    this.#take('destination', at + 16, 4, ip);
    if (header > 20) this.#take('options', at + 20, header - 20, hex);
    const protocol = this.#number(at + 9, 1);
    const length = this.#number(at + 2, 2) ?? 0;
    const isLater = ((this.#number(at + 6, 2) ?? 0) & 0x1fff) !== 0;
    const inside = at + Math.max(20, header);
    if (isLater || first >> 4 !== 4 || header < 20) this.#rest('payload', inside);
    else if (protocol === ipProtocol.icmp) this.#icmp(inside);
    else if (protocol === ipProtocol.udp) this.#udp(inside);
    else if (protocol === ipProtocol.tcp) this.#tcp(inside, at + length);
    else if (protocol === protocolEsp) this.#esp(inside);
    else this.#rest('payload', inside);
  }

  #icmp(at: number): void {
    this.#begin('ICMP');
    const type = this.#number(at, 1);
    this.#take('type', at, 1, named(icmpNames));
    this.#take('code', at + 1, 1, whole);
    this.#take('checksum', at + 2, 2, hex);
    if (type === 0 || type === 8) {
      this.#take('identifier', at + 4, 2, whole);
      this.#take('sequence', at + 6, 2, whole);
      this.#rest('data', at + 8);
      return;
    }
    if (type === 3) {
      this.#take('unused', at + 4, 2, whole);
      this.#take('next-hop MTU', at + 6, 2, whole); // RFC 1191 section 4
    } else if (type === 5) this.#take('gateway', at + 4, 4, ip);
    else this.#take('unused', at + 4, 4, whole);
    if (at + 8 < this.#end) this.ipv4(at + 8);
  }

  #udp(at: number): void {
    this.#begin('UDP');
    this.#take('source port', at, 2, whole);
    this.#take('destination port', at + 2, 2, whole);
    this.#take('length', at + 4, 2, whole);
    this.#take('checksum', at + 6, 2, hex);
    const ports = [this.#number(at, 2), this.#number(at + 2, 2)];
    const inside = at + 8;
    if (ports.includes(67) || ports.includes(68)) this.#dhcp(inside);
    else if (ports[1] === vxlanPort) this.#vxlan(inside);
    else if (ports.includes(espUdpPort) && this.#isEsp(inside)) this.#esp(inside);
    else if (this.#isWireguard(inside)) this.#wireguard(inside);
    else this.#rest('payload', inside);
  }

  #tcp(at: number, end: number): void {
    this.#begin('TCP');
    this.#take('source port', at, 2, whole);
    this.#take('destination port', at + 2, 2, whole);
    this.#take('sequence', at + 4, 4, whole);
    this.#take('acknowledgment', at + 8, 4, whole);
    const header = ((this.#number(at + 12, 1) ?? 0) >> 4) * 4;
    this.#take('header', at + 12, 1, () => `${header} bytes`);
    this.#take('flags', at + 13, 1, flags);
    this.#take('window', at + 14, 2, whole);
    this.#take('checksum', at + 16, 2, hex);
    this.#take('urgent', at + 18, 2, whole);
    if (header > 20) this.#take('options', at + 20, header - 20, hex);
    const inside = at + Math.max(20, header);
    if (inside < end) this.#rest('payload', inside);
  }

  #dhcp(at: number): void {
    this.#begin('DHCP');
    this.#take('operation', at, 1, named({ 1: 'request', 2: 'reply' }));
    this.#take('hops', at + 3, 1, whole);
    this.#take('xid', at + 4, 4, hex);
    this.#take('seconds', at + 8, 2, whole);
    this.#take('flags', at + 10, 2, hex);
    for (const [i, name] of ['ciaddr', 'yiaddr', 'siaddr', 'giaddr'].entries())
      this.#take(name, at + 12 + 4 * i, 4, ip);
    this.#take('chaddr', at + 28, 6, mac);
    const names = new Map(Object.entries(optionCode).map(([name, code]) => [code as number, name]));
    for (let place = at + 240; place < this.#end; ) {
      const code = this.#number(place, 1)!;
      if (code === 255) return;
      const length = code === 0 ? -1 : (this.#number(place + 1, 1) ?? this.#end);
      const name = names.get(code) ?? `option ${code}`;
      if (code !== 0) this.#take(name, place, 2 + length, option);
      place += 2 + length;
    }
  }

  #vxlan(at: number): void {
    this.#begin('VXLAN');
    this.#take('flags', at, 1, hex);
    this.#take('VNI', at + 4, 3, whole);
    if (at + 8 < this.#end) this.ethernet(at + 8);
  }

  #isWireguard(at: number): boolean {
    const first = this.#data;
    if (at + 32 > this.#end) return false;
    return first.getUint8(at) >= 1 && first.getUint8(at) <= 4 && this.#number(at + 1, 3) === 0;
  }

  #wireguard(at: number): void {
    this.#begin('WireGuard');
    const types = { 1: 'initiation', 2: 'response', 3: 'cookie reply', 4: 'data' };
    const type = this.#number(at, 1)!;
    this.#take('type', at, 1, named(types));
    if (type === 1 || type === 2) this.#take('sender', at + 4, 4, backward);
    if (type === 2) this.#take('receiver', at + 8, 4, backward);
    if (type === 3 || type === 4) this.#take('receiver', at + 4, 4, backward);
    if (type === 4) {
      this.#take('counter', at + 8, 8, backward);
      this.#rest('sealed', at + 16);
    } else this.#rest('sealed', at + (type === 2 ? 12 : 8));
  }

  #isEsp(at: number): boolean {
    const { buffer, byteOffset } = this.#data;
    const bytes = new Uint8Array(buffer, byteOffset + at, Math.max(0, this.#end - at));
    return kindOfEncapsulated(bytes) === 'esp';
  }

  #esp(at: number): void {
    this.#begin('ESP');
    this.#take('SPI', at, 4, hex);
    this.#take('sequence', at + 4, 4, whole);
    this.#rest('sealed', at + 8);
  }

  #begin(name: string): void {
    this.#fields = [];
    this.layers.push({ name, fields: this.#fields });
  }

  #take(name: string, at: number, length: number, show: Show): void {
    if (at < 0 || length < 0 || at + length > this.#end) return;
    const value = show(this.#data, at, length);
    this.#fields.push({ name, value, start: at, end: at + length });
  }

  #rest(name: string, at: number): void {
    const length = this.#end - at;
    if (length > 0) this.#take(name, at, length, () => `${length} bytes`);
  }

  #number(at: number, length: number): number | undefined {
    return at + length > this.#end ? undefined : Number(whole(this.#data, at, length));
  }
}

const fragment: Show = (data, at) => {
  const value = data.getUint16(at);
  const words = [
    ...((value & 0x4000) !== 0 ? ['must not be cut'] : []),
    ...((value & 0x2000) !== 0 ? ['more follow'] : []),
    `from ${(value & 0x1fff) * 8}`,
  ];
  return words.join(', ');
};

const flags: Show = (data, at) => {
  const value = data.getUint8(at);
  const set = Object.entries(tcpFlag).filter(([, bit]) => (value & bit) !== 0);
  return set.map(([name]) => name.toUpperCase()).join(' ') || 'none';
};

/** Options of four bytes are addresses or times, those of one byte numbers. */
const option: Show = (data, at, size) => {
  const [code, length, place] = [data.getUint8(at), size - 2, at + 2];
  const isAddress = addresses.has(code) && length >= 4 && length % 4 === 0;
  if (isAddress)
    return Array.from({ length: length / 4 }, (_, i) => ip(data, place + 4 * i, 4)).join(', ');
  return length === 1 || length === 4 ? whole(data, place, length) : hex(data, place, length);
};

/** Mask, router, name server, requested address, server (RFC 2132). */
const addresses: ReadonlySet<number> = new Set([1, 3, 6, 50, 54]);
