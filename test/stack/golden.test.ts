/**
 * What a Linux kernel did with frames (fixtures/kernel-golden, measured), done here by the `linux`
 * profile. Replies and forwarded frames are equal to the byte, except for what nobody can foretell:
 *
 * - L1: the identification of packets made here, and hence their header checksum, which must be
 *   right all the same; the time of day in a timestamp reply; the source port of a VXLAN datagram.
 * - L2: the checksum of a UDP datagram made here, which the kernel had left for the adapter to do.
 * - L3: a random delay lies within its range.
 *
 * No case differs in any other way. Not replayed here: the captures (DHCP, TCP and WireGuard have
 * tests of their own).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { hex, showHex } from '../../src/base/bytes.ts';
import { milliseconds, seconds } from '../../src/base/time.ts';
import { Switch } from '../../src/device/switch.ts';
import { TcpPart } from '../../src/device/tcp-part.ts';
import type { SimulationOptions } from '../../src/sim/simulation.ts';
import { type Interface, kernelProxyDelay } from '../../src/stack/interface.ts';
import type { IpStack } from '../../src/stack/ip-stack.ts';
import { Payload } from '../../src/stack/packet.ts';
import { linux, type Profile } from '../../src/stack/profile.ts';
import { EventLog } from '../../src/trace/log.ts';
import { type Ipv4, ipv4, mac } from '../../src/wire/address.ts';
import { internetChecksum, pseudoHeader } from '../../src/wire/checksum.ts';
import { decodeEthernet } from '../../src/wire/ethernet.ts';
import { Malformed } from '../../src/wire/malformed.ts';
import {
  decodeVxlan,
  encodeVxlan,
  vniFlag,
  vxlanPort,
  vxlanSourcePort,
} from '../../src/wire/vxlan.ts';
import { Lan, neighbours, type Raw } from '../sim/lan.ts';

const unlimited: Profile = {
  ...linux,
  icmp: { ...linux.icmp, rateLimit: false }, // as measured: icmp_ratelimit=0
};

/** The same replies whatever is observed and whoever may rewrite a frame in place. */
const ways: Record<string, () => SimulationOptions> = {
  'strict, every byte logged': () => ({ strict: true, log: new EventLog('full') }),
  'strict, hops logged': () => ({ strict: true, log: new EventLog('decisions') }),
  'strict, nothing logged': () => ({ strict: true, log: new EventLog('verdicts') }),
  'trusting, nothing logged': () => ({ strict: false, log: new EventLog('verdicts') }),
};

interface Golden<Case> {
  readonly kernel: string;
  readonly cases: readonly Case[];
}

function golden<Case>(name: string): Golden<Case> {
  return JSON.parse(readFileSync(join('fixtures', 'kernel-golden', name), 'utf8')) as Golden<Case>;
}

/** Blanks what cannot be foretold in a packet made by the machine under test, having checked the sums. */
function normalised(t: ExecutionContext, frame: string): string {
  const bytes = hex(frame);
  if (bytes[12] !== 8 || bytes[13] !== 0) return frame;
  const header = (bytes[14]! & 15) * 4;
  t.is(internetChecksum(bytes.subarray(14, 14 + header)), 0, `IP checksum of ${frame}`);
  const transport = bytes.subarray(14 + header);
  const data = new DataView(bytes.buffer);
  if (bytes[23] === 1) t.is(internetChecksum(transport), 0, `ICMP checksum of ${frame}`);
  if (bytes[23] === 6) {
    const pseudo = pseudoHeader(data.getInt32(26), data.getInt32(30), 6, transport.length);
    t.is(internetChecksum(transport, pseudo), 0, `TCP checksum of ${frame}`);
  }
  bytes.fill(0, 18, 20); // identification
  bytes.fill(0, 24, 26); // header checksum
  if (bytes[23] === 1 && transport[0] === 14) {
    transport.fill(0, 2, 4);
    transport.fill(0, 12, 20);
  }
  return showHex(bytes);
}

const isIp = (frame: string): boolean => frame.slice(24, 28) === '0800';

interface RouterCase {
  readonly case: string;
  readonly frame: string;
  readonly replies_on_a0: readonly { readonly frame: string }[];
  readonly forwarded_on_b0?: readonly { readonly frame: string }[];
}

for (const [way, options] of Object.entries(ways)) {
  test(`router_icmp.json agrees, case by case (${way})`, (t) => {
    const lan = new Lan(options());
    const a = lan.raw('a');
    const r = lan.host('r', [], unlimited);
    r.forwarding = true;
    const r0 = lan.adapter(r, '10.1.0.1/24', { name: 'r0', mac: '02:00:00:00:00:e0' });
    const r1 = lan.adapter(r, '10.2.0.1/24', { name: 'r1', mac: '02:00:00:00:00:e1', mtu: 1400 });
    const b = lan.host('b', [], unlimited);
    const b0 = lan.adapter(b, '10.2.0.5/24', { name: 'b0', mac: '02:00:00:00:00:0b', mtu: 1400 });
    new TcpPart(b);
    lan.connect(a.port, r0.port!);
    lan.connect(r1.port!, b0.port!);
    lan.route(b, '0.0.0.0/0', '10.2.0.1', b0);
    lan.wall(r, '10.50.0.0/16', 'prohibited');
    lan.wall(r, '10.52.0.0/16', 'blackhole');
    r0.neighbours.pin(ipv4('10.1.0.9'), mac('02:00:00:00:00:0a'), lan.simulation);
    r0.neighbours.pin(ipv4('10.1.0.78'), mac('02:00:00:00:00:78'), lan.simulation); // "known same side"

    for (const one of golden<RouterCase>('router_icmp.json').cases) {
      const from = lan.log.length;
      lan.inject(a, hex(one.frame));
      lan.run(seconds(5));
      const replies = a.take().filter(isIp);
      t.deepEqual(
        replies.map((frame) => normalised(t, frame)),
        one.replies_on_a0.map(({ frame }) => normalised(t, frame)),
        one.case,
      );
      if (lan.log.level !== 'full' || one.forwarded_on_b0 === undefined) continue;
      const forwarded: string[] = [];
      for (const event of lan.log.events(from)) {
        if (event.kind === 'frame' && event.from === 'r.r1') forwarded.push(showHex(event.bytes));
      }
      t.deepEqual(
        forwarded.filter(isIp),
        one.forwarded_on_b0.map(({ frame }) => frame),
        `${one.case}: forwarded`,
      );
    }
  });
}

interface ArpCase {
  readonly case: string;
  readonly frame?: string;
  readonly replies?: readonly string[];
  readonly sequence?: readonly (string | number)[];
  readonly gap_s?: number;
  readonly neigh_after: readonly string[];
}

for (const one of golden<ArpCase>('arp_host.json').cases) {
  test(`arp_host.json: ${one.case}${one.sequence ? ', then the table' : ''}`, (t) => {
    const lan = new Lan();
    const p = lan.raw('p');
    const h = lan.host('h', ['10.0.0.1/24']);
    lan.connect(p.port, h.ports[0]!);
    for (const step of one.sequence ?? [one.frame!]) {
      if (typeof step === 'string') lan.inject(p, hex(step));
      lan.run(milliseconds(1000 * (typeof step === 'number' ? step : (one.gap_s ?? 0.1))));
    }
    if (one.replies) t.deepEqual(p.take(), one.replies);
    t.deepEqual(neighbours(h.interfaces[0]!, lan.now), one.neigh_after);
  });
}

interface ProxyCase {
  readonly case: string;
  readonly requests: { readonly n: number };
  readonly request_frame: string;
  readonly answered: number;
  readonly delay_s: readonly number[];
  readonly reply_frame: string | null;
}

for (const one of golden<ProxyCase>('arp_proxy.json').cases) {
  test(`arp_proxy.json: ${one.case}`, (t) => {
    const lan = new Lan();
    const a = lan.raw('a');
    const r = lan.host('r', []);
    const r0 = lan.adapter(r, '10.1.0.1/24', { name: 'r0', mac: '02:00:00:00:00:e0' });
    const r1 = lan.adapter(r, '10.2.0.1/24', { name: 'r1', mac: '02:00:00:00:00:e1' });
    const b = lan.host('b', []);
    const b0 = lan.adapter(b, '10.2.0.5/24', { name: 'b0', mac: '02:00:00:00:00:0b' });
    lan.connect(a.port, r0.port!);
    lan.connect(r1.port!, b0.port!);
    lan.wall(r, '10.7.0.0/16', 'blackhole');
    lan.wall(r, '10.8.0.0/16', 'unreachable');
    // The settings as each label has them; from the proxy entries on, proxy_delay was 0.
    const label = one.case;
    const entries = label.startsWith('pneigh');
    const pvlan = label.startsWith('pvlan');
    const filter = /^rp_filter=(\d)/.exec(label)?.[1];
    r.forwarding = !label.endsWith('fwd=0');
    r0.reversePath = filter === '1' ? 'strict' : filter === '2' ? 'loose' : 'off';
    if (!label.startsWith('proxy_arp=0')) {
      r0.proxy = {
        routed: !entries && !pvlan,
        sameInterface: pvlan,
        addresses: new Set(entries ? [ipv4('10.2.0.5'), ipv4('10.9.9.9')] : []),
        delay: entries || pvlan || filter ? milliseconds(0) : kernelProxyDelay,
      };
    }

    const delays: number[] = [];
    for (let i = 0; i < one.requests.n; i += 1) {
      const asked = lan.now;
      lan.inject(a, hex(one.request_frame));
      lan.run(seconds(2));
      for (const { at, hex: frame } of a.got.splice(0)) {
        t.is(frame, one.reply_frame ?? 'nothing');
        delays.push(at - asked);
      }
    }
    t.is(delays.length, one.answered);
    const atOnce = one.delay_s.every((delay) => delay < 0.001);
    for (const delay of delays) {
      if (atOnce) t.true(delay < milliseconds(1), `${delay} ns is not at once`);
      else t.true(delay < milliseconds(801), `${delay} ns is more than 0.8 s`);
    }
  });
}

interface BridgeCase {
  readonly inject_on: 'a' | 'b' | 'c';
  readonly frame: string;
  readonly delivered: Readonly<Record<string, number>>;
}

/** Before these cases, by their numbers, the cable of `a` was pulled and plugged in again. */
const replugged = new Set([27]);

for (const [way, options] of Object.entries(ways)) {
  test(`bridge.json agrees, in order (${way})`, (t) => {
    const lan = new Lan(options());
    const bridge = new Switch('br0', 3);
    const ends: Record<string, Raw> = { a: lan.raw('a'), b: lan.raw('b'), c: lan.raw('c') };
    Object.values(ends).forEach((end, i) => {
      lan.connect(end.port, bridge.ports[i]!);
    });
    golden<BridgeCase>('bridge.json').cases.forEach((one, number) => {
      if (replugged.has(number)) {
        lan.simulation.setLink(ends['a']!.port, false);
        lan.simulation.setLink(ends['a']!.port, true);
      }
      lan.inject(ends[one.inject_on]!, hex(one.frame));
      lan.run(milliseconds(100));
      t.deepEqual(ends[one.inject_on]!.take(), [], `case ${number}: nothing comes back`);
      for (const [name, count] of Object.entries(one.delivered)) {
        const copies = ends[name]!.take();
        t.deepEqual(copies, Array(count).fill(one.frame), `case ${number}, at ${name}`);
      }
    });
  });
}

interface ReassemblyCase {
  readonly case: string;
  readonly frames: readonly string[];
  readonly replies: readonly { readonly frame: string }[];
}

for (const one of golden<ReassemblyCase>('reassembly.json').cases) {
  for (const [way, options] of Object.entries(ways)) {
    test(`reassembly.json: ${one.case} (${way})`, (t) => {
      const lan = new Lan(options());
      const p = lan.raw('p');
      const v = lan.host('v', ['10.0.0.1/24']);
      lan.connect(p.port, v.ports[0]!);
      v.interfaces[0]!.neighbours.pin(ipv4('10.0.0.2'), mac('02:00:00:00:00:02'), lan.simulation);
      for (const frame of one.frames) {
        lan.inject(p, hex(frame));
        lan.run(milliseconds(1));
      }
      lan.run(seconds(1));
      t.deepEqual(
        p.take().map((frame) => normalised(t, frame)),
        one.replies.map(({ frame }) => normalised(t, frame)),
      );
    });
  }
}

interface VxlanCase {
  readonly case: string;
  readonly frame: string;
  readonly replies: readonly { readonly frame: string }[];
}

/**
 * As much of a VXLAN device as the codec leaves open, with the rules of Linux: nothing set but the
 * I flag, its own number, and no frame that claims to be from the device itself.
 */
function vxlanDevice(lan: Lan, outer: IpStack, vni: number, remote: Ipv4, inner: Interface): void {
  const inside = lan.raw('vx');
  lan.connect(inside.port, inner.port!);
  outer.udp.listeners.set(vxlanPort, {
    datagram: ({ payload }) => {
      const packet = decodeVxlan(payload);
      if (packet instanceof Malformed || packet.flags !== vniFlag || packet.vni !== vni) return;
      const frame = decodeEthernet(packet.payload);
      if (packet.reserved !== undefined || frame instanceof Malformed) return;
      if (frame.source !== inner.mac) lan.inject(inside, packet.payload);
    },
  });
  inside.onFrame = (frame, now, sink) => {
    const bytes = frame.bytes();
    const packet = new Payload(encodeVxlan({ flags: vniFlag, vni, payload: bytes }));
    const port = vxlanSourcePort(bytes);
    outer.udp.send(remote, port, vxlanPort, packet, now, sink, frame.cause, false);
  };
}

/** Blanks what differs in a VXLAN datagram for no reason of VXLAN. */
function withoutPortAndSum(frame: string): string {
  const bytes = hex(frame);
  if (bytes[23] !== 17) return frame;
  bytes.fill(0, 34, 36);
  bytes.fill(0, 40, 42);
  return showHex(bytes);
}

for (const [way, options] of Object.entries(ways)) {
  test(`vxlan.json agrees, case by case (${way})`, (t) => {
    const lan = new Lan(options());
    const p = lan.raw('p');
    const v = lan.host('v', ['10.0.0.1/24'], unlimited);
    lan.connect(p.port, v.ports[0]!);
    v.interfaces[0]!.neighbours.pin(ipv4('10.0.0.2'), mac('02:00:00:00:00:02'), lan.simulation);
    const inside = lan.host('v-inside', []);
    const vx = lan.adapter(inside, '192.168.9.1/24', { name: 'vx', mac: '02:00:00:00:00:99' });
    vxlanDevice(lan, v, 42, ipv4('10.0.0.2'), vx);
    for (const one of golden<VxlanCase>('vxlan.json').cases) {
      lan.inject(p, hex(one.frame));
      lan.run(seconds(1));
      const replies = p.take();
      t.deepEqual(
        replies.map((frame) => withoutPortAndSum(normalised(t, frame))),
        one.replies.map(({ frame }) => withoutPortAndSum(normalised(t, frame))),
        one.case,
      );
    }
  });
}
