/** Frames field by field: the same values as tshark reads, from bytes that are where they are said to be. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { captureOf } from '../../src/cli/capture.ts';
import { type Layer, layersOf } from '../../src/view/decode.ts';
import { readCapture } from '../../src/wire/capture-file.ts';
import { played, scenarios } from '../playing.ts';
import { tshark } from '../support/tshark.ts';

/** What tshark calls it: our layer and field, and how it writes what we do. */
const pairs: readonly (readonly [theirs: string, layer: string, field: string])[] = [
  ['eth.dst', 'Ethernet', 'destination'],
  ['eth.src', 'Ethernet', 'source'],
  ['eth.type', 'Ethernet', 'type'],
  ['arp.opcode', 'ARP', 'operation'],
  ['arp.src.hw_mac', 'ARP', 'sender MAC'],
  ['arp.src.proto_ipv4', 'ARP', 'sender IP'],
  ['arp.dst.proto_ipv4', 'ARP', 'target IP'],
  ['ip.len', 'IPv4', 'length'],
  ['ip.id', 'IPv4', 'identification'],
  ['ip.ttl', 'IPv4', 'TTL'],
  ['ip.proto', 'IPv4', 'protocol'],
  ['ip.src', 'IPv4', 'source'],
  ['ip.dst', 'IPv4', 'destination'],
  ['icmp.type', 'ICMP', 'type'],
  ['icmp.code', 'ICMP', 'code'],
  ['icmp.mtu', 'ICMP', 'next-hop MTU'],
  ['udp.srcport', 'UDP', 'source port'],
  ['udp.dstport', 'UDP', 'destination port'],
  ['udp.length', 'UDP', 'length'],
  ['tcp.srcport', 'TCP', 'source port'],
  ['tcp.dstport', 'TCP', 'destination port'],
  ['tcp.seq_raw', 'TCP', 'sequence'],
  ['tcp.ack_raw', 'TCP', 'acknowledgment'],
  ['tcp.window_size_value', 'TCP', 'window'],
  ['dhcp.id', 'DHCP', 'xid'],
  ['dhcp.ip.your', 'DHCP', 'yiaddr'],
  ['dhcp.hw.mac_addr', 'DHCP', 'chaddr'],
  ['dhcp.option.dhcp', 'DHCP', 'type'],
  ['wg.type', 'WireGuard', 'type'],
  ['wg.receiver', 'WireGuard', 'receiver'],
  ['wg.counter', 'WireGuard', 'counter'],
  ['esp.spi', 'ESP', 'SPI'],
  ['esp.sequence', 'ESP', 'sequence'],
];

/** The outermost of the name, as a number where it is one: `8 (echo request)` and `0x0800` are. */
function valueIn(layers: readonly Layer[], layer: string, field: string): string | undefined {
  const found = layers.find(({ name }) => name === layer)?.fields;
  const value = found?.find(({ name }) => name === field)?.value;
  return value === undefined ? undefined : plain(value.replace(/ \(.*\)$/, ''));
}
const plain = (value: string): string =>
  /^(0x[0-9a-f]+|\d+)$/.test(value) ? `${Number(value)}` : value;

for (const [file, which] of [
  ['02-partial-dhcp.yaml', ['Ethernet', 'ARP', 'IPv4', 'UDP', 'DHCP']],
  ['17-vcd-ipsec-vpn.yaml', ['Ethernet', 'ESP']],
  ['19-mtu.yaml', ['IPv4', 'ICMP', 'TCP', 'UDP', 'WireGuard']],
] as const)
  test(`${file}: every field is what tshark reads`, async (t) => {
    const bytes = captureOf(await played(scenarios(file)[0]!));
    const folder = mkdtempSync(join(tmpdir(), 'standin-decode-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'run.pcapng');
    writeFileSync(path, bytes);
    const theirs = tshark(
      t,
      path,
      pairs.map(([name]) => name),
    );
    if (theirs === undefined) return;
    const { packets } = readCapture(bytes);
    t.is(theirs.length, packets.length);
    const compared = new Set<string>();
    const differing: string[] = [];
    for (const [i, packet] of packets.entries()) {
      const layers = layersOf(packet.bytes);
      for (const [j, [name, layer, field]] of pairs.entries()) {
        const ours = valueIn(layers, layer, field);
        const read = theirs[i]![j];
        if (ours === undefined || read === undefined || read === '') continue;
        compared.add(name);
        const first = plain(read.split(',')[0]!);
        if (ours !== first) differing.push(`${i} ${name}: ${ours}, not ${first}`);
      }
    }
    t.deepEqual(differing.slice(0, 10), []);
    const expected = pairs.filter(([, layer]) => (which as readonly string[]).includes(layer));
    t.deepEqual(
      expected.map(([name]) => name).filter((name) => !compared.has(name)),
      [],
    );
  });

test('bad input: whatever the bytes are, no field is outside of them and none fails', (t) => {
  const frames = fc.uint8Array({ maxLength: 120 }).map((bytes) => {
    // Most of what is random would be no packet at all.
    if (bytes.length > 24) {
      bytes.set([8, 0, 0x45], 12);
      bytes[23] = [1, 6, 17, 50][bytes[0]! % 4]!;
    }
    return bytes;
  });
  fc.assert(
    fc.property(frames, fc.constantFrom('ethernet' as const, 'ipv4' as const), (bytes, from) => {
      for (const { fields } of layersOf(bytes, from))
        for (const { start, end } of fields)
          if (start < 0 || end > bytes.length || end < start) return false;
      return true;
    }),
    { seed: 6, numRuns: 3000 },
  );
  t.pass();
});
