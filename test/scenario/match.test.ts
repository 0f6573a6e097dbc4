/** Capture filters against tshark: the same frames of the same capture fit. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { view } from '../../src/base/bytes.ts';
import { captureOf } from '../../src/cli/capture.ts';
import type { Filter } from '../../src/scenario/filter.ts';
import { parseFilter } from '../../src/scenario/filter.ts';
import { matches } from '../../src/scenario/match.ts';
import { Wrong } from '../../src/scenario/units.ts';
import { expectations, inWords, played, scenarios } from '../playing.ts';
import { folderWith } from '../support/cli.ts';
import { tshark } from '../support/tshark.ts';

/** The flagship, with DHCP, UDP, refusals and fragments besides. */
const overlay = `tenant:
  sites:
    hq:
      dhcp: { network: lan10, server: hq.gateway, pool: 10.0.10.100-10.0.10.120, lease: 1h }
      vms:
        sql01: { listen: [tcp/1433, udp/53] }
        app01: { network: lan10, ip: dhcp, os: linux }
steps:
  - expect:
      - { ping: web01 -> sql01, size: 4000 }
      - { tcp: web01 -> sql01:1433, bytes: 10000 }
      - udp: web01 -> sql01:53
      - { udp: web01 -> sql01:54, fails: PORT_CLOSED, within: 3s }
  - fault: { power_off: sql01 }
  - failover: { vms: [sql01] }
  - expect:
      - { tcp: web01 -> sql01:1433, bytes: 10000 }
      - { ping: web01 -> sql01, size: 3000, count: 2 }
      - capture: { at: nea-hq, filter: udp port 6180, packets: ">= 1" }
      - capture: { at: nea-hq, filter: udp port 6180, direction: in, packets: ">= 1" }
      - capture: { at: nea-hq, filter: udp port 6180, direction: out, packets: ">= 1" }
      - capture: { at: web01, filter: icmp, packets: ">= 1" }
      - capture: { at: tunnel.lan10, filter: icmp, packets: ">= 1" }
      - capture: { at: tunnel.lan10, filter: tcp port 1433, packets: ">= 1" }
      - capture: { at: lan10, filter: arp, packets: ">= 1" }
      - capture: { at: plan10, filter: tcp, packets: ">= 1" }
`;

const both = (field: string, value: string): string =>
  `ip.${field}#1 == ${value} || arp.${field}.proto_ipv4 == ${value}`;
const either = (value: string): string => `(${both('src', value)} || ${both('dst', value)})`;
/** `#1`: the outermost header only, for ICMP errors quote another. */
const protocol = (number: number): string => `ip.proto#1 == ${number}`;
const ports = (kind: 'tcp' | 'udp', name: string, port: number): string =>
  `(${protocol(kind === 'tcp' ? 6 : 17)} && ${kind}.${name} == ${port})`;

/** pcap-filter, and the same in the language of display filters, written by hand. */
const table: Record<string, string> = {
  arp: 'arp',
  ip: 'ip',
  icmp: protocol(1),
  udp: protocol(17),
  tcp: protocol(6),
  'icmp[icmptype] == icmp-echo': 'icmp.type#1 == 8',
  'icmp[icmptype] = icmp-echoreply': 'icmp.type#1 == 0',
  'host 10.0.10.20': either('10.0.10.20'),
  'src host 10.0.10.20': both('src', '10.0.10.20'),
  'dst 10.0.10.20': both('dst', '10.0.10.20'),
  'ip host 10.0.10.11': 'ip.src#1 == 10.0.10.11 || ip.dst#1 == 10.0.10.11',
  'arp host 10.0.10.20': 'arp.src.proto_ipv4 == 10.0.10.20 || arp.dst.proto_ipv4 == 10.0.10.20',
  'net 198.18.0.0/24': either('198.18.0.0/24'),
  'src net 10.0.10.0/24': both('src', '10.0.10.0/24'),
  'port 6180': `${ports('tcp', 'port', 6180)} || ${ports('udp', 'port', 6180)}`,
  'udp port 6180': ports('udp', 'port', 6180),
  'udp dst port 53': ports('udp', 'dstport', 53),
  'tcp dst port 1433': ports('tcp', 'dstport', 1433),
  'src port 1433': `${ports('tcp', 'srcport', 1433)} || ${ports('udp', 'srcport', 1433)}`,
  'udp port 67 or 68': `${ports('udp', 'port', 67)} || ${ports('udp', 'port', 68)}`,
  'not arp': '!arp',
  'icmp and dst host 10.0.10.11': `${protocol(1)} && ip.dst#1 == 10.0.10.11`,
  'not (tcp or udp) and host 10.0.10.11': `!(${protocol(6)} || ${protocol(17)}) && ${either('10.0.10.11')}`,
  'udp or tcp and host 10.0.10.20': `(${protocol(17)} || ${protocol(6)}) && ${either('10.0.10.20')}`,
  'ip and not net 10.0.10.0/24': `ip && !${either('10.0.10.0/24')}`,
  'tcp port 1433 && ! src host 10.0.10.20': `${ports('tcp', 'port', 1433)} && !(${both('src', '10.0.10.20')})`,
};

/** Fragments stay what they are, and tunnels are not opened. */
const asTheyAre = ['-o', 'ip.defragment:FALSE', '--disable-protocol', 'wg'];

test('26 filters find the frames that tshark finds', async (t) => {
  const [scenario] = scenarios('01-partial-static.yaml', overlay);
  const run = await played(scenario!);
  for (const one of expectations(run)) t.is(one.verdict, 'met', inWords(one));
  const bytes = captureOf(run);
  const file = join(folderWith(t), 'run.pcapng');
  writeFileSync(file, bytes);
  const frames = framesOf(bytes);
  for (const [text, display] of Object.entries(table)) {
    const found = tshark(t, file, ['frame.number'], display, asTheyAre);
    if (found === undefined) return;
    const filter = parseFilter(text);
    t.false(filter instanceof Wrong, text);
    const ours = frames.flatMap((frame, i) =>
      matches(filter as Filter, frame, true) ? [String(i + 1)] : [],
    );
    t.true(ours.length > 0, `${text} finds something`);
    t.deepEqual(ours, found.flat(), text);
  }
});

test('captures of a run count what tshark counts at the same adapters', async (t) => {
  const [scenario] = scenarios('01-partial-static.yaml', overlay);
  const run = await played(scenario!);
  const file = join(folderWith(t), 'run.pcapng');
  writeFileSync(file, captureOf(run));
  const since = run.result.steps.findLast(({ title }) => title.startsWith('failover'))!.at;
  const counted = expectations(run).flatMap(({ text, detail }) =>
    text.startsWith('capture') ? [[text.split(':')[0], Number(/^\d+/.exec(detail)![0])]] : [],
  );
  const at = run.result.steps.at(-1)!.expectations.at(-1)!.at;
  const during = `frame.time_epoch >= ${since / 1e9} && frame.time_epoch <= ${at / 1e9}`;
  const on = (...adapters: string[]): string =>
    adapters.map((name) => `frame.interface_name == "${name}"`).join(' || ');
  // A frame enters a network where a machine in it sends it: direction 2 is outbound.
  const sent = 'frame.packet_flags_direction == 2';
  const lan10 = on('web01.eth0', 'sql01.eth0', 'app01.eth0', 'nea-hq.eth0', 'hq.gateway.lan10');
  const plan10 = on('sql01-replica.eth0', 'sp-nea.eth1');
  const opened: [string, string, readonly string[]][] = [
    ['capture at nea-hq', `${on('nea-hq.eth0')} and (udp.port == 6180)`, asTheyAre],
    [
      'capture at nea-hq, in',
      `${on('nea-hq.eth0')} and udp.port == 6180 and frame.packet_flags_direction == 1`,
      asTheyAre,
    ],
    ['capture at nea-hq, out', `${on('nea-hq.eth0')} and udp.port == 6180 and ${sent}`, asTheyAre],
    ['capture at web01', `${on('web01.eth0')} and ${protocol(1)}`, asTheyAre],
    // tshark opens the tunnel: the second IP header of these frames is the inner one.
    [
      'capture at tunnel.lan10',
      `${on('nea-hq.eth0')} and wg and ip.proto#2 == 1`,
      ['-o', 'ip.defragment:FALSE'],
    ],
    [
      'capture at tunnel.lan10',
      `${on('nea-hq.eth0')} and wg and ip.proto#2 == 6`,
      ['-o', 'ip.defragment:FALSE'],
    ],
    ['capture at lan10', `(${lan10}) and ${sent} and arp`, asTheyAre],
    ['capture at plan10', `(${plan10}) and ${sent} and ${protocol(6)}`, asTheyAre],
  ];
  const theirs: [string, number][] = [];
  for (const [name, display, options] of opened) {
    const found = tshark(t, file, ['frame.number'], `${during} and (${display})`, options);
    if (found === undefined) return;
    theirs.push([name, found.length]);
  }
  t.deepEqual(counted, theirs);
});

test('short and strange frames fit nothing that they are not', (t) => {
  const parse = (text: string): Filter => parseFilter(text) as Filter;
  const frame = new Uint8Array(60);
  frame.set([0x08, 0x00, 0x45], 12);
  frame.set([17], 23);
  frame.set([0, 53, 0, 54], 34);
  t.true(matches(parse('udp port 53'), frame, true));
  t.true(matches(parse('udp port 53'), frame.subarray(14), false), 'a packet from a tunnel');
  for (let n = 0; n < 34; n += 1) {
    t.false(matches(parse('ip'), frame.subarray(0, n), true), `${n} bytes`);
    t.true(matches(parse('not ip'), frame.subarray(0, n), true));
    t.false(matches(parse('port 53'), frame.subarray(0, n), true));
  }
  t.false(matches(parse('udp port 53'), frame.subarray(0, 37), true), 'ports are cut off');
  const tagged = new Uint8Array([...frame.subarray(0, 12), 0x81, 0, 0, 112, ...frame.subarray(12)]);
  t.true(matches(parse('udp port 53'), tagged, true), 'through one tag');
  const fragment = frame.slice();
  fragment[21] = 1;
  t.false(matches(parse('port 53'), fragment, true), 'what is no first fragment has no ports');
  t.true(matches(parse('udp'), fragment, true));
});

/** The packets of a capture file, in order: enhanced packet blocks of the pcapng draft, section 4.3. */
function framesOf(bytes: Uint8Array): Uint8Array[] {
  const data = view(bytes);
  const little = data.getUint32(8) === 0x4d3c2b1a;
  const frames: Uint8Array[] = [];
  for (let at = 0; at + 12 <= bytes.length; at += data.getUint32(at + 4, little)) {
    if (data.getUint32(at, little) !== 6) continue;
    const length = data.getUint32(at + 20, little);
    frames.push(bytes.subarray(at + 28, at + 28 + length));
  }
  return frames;
}
