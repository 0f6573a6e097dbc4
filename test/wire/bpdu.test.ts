/** BPDUs: bytes laid out by hand from IEEE 802.1D-1998 section 9.3, and tshark's opinion of ours. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { concat, hex, showHex } from '../../src/base/bytes.ts';
import { type Instant, milliseconds, seconds } from '../../src/base/time.ts';
import { mac } from '../../src/wire/address.ts';
import {
  type Bpdu,
  bpduFlag,
  bridgeGroupMac,
  type ConfigurationBpdu,
  decodeBpdu,
  encodeBpdu,
} from '../../src/wire/bpdu.ts';
import { encodeEthernet } from '../../src/wire/ethernet.ts';
import { Malformed } from '../../src/wire/malformed.ts';
import { PcapngWriter } from '../../src/wire/pcapng/write.ts';
import { tshark } from '../support/tshark.ts';

const llc = '424203';
const root = '8000 0200000000aa';
const bridge = '7000 0200000000bb';
const configuration = hex(
  `${llc} 0000 00 00 81 ${root} 00000004 ${bridge} 8002 0180 1400 0200 0f00`,
);
const topologyChange = hex(`${llc} 0000 00 80`);

const read: ConfigurationBpdu = {
  kind: 'configuration',
  flags: bpduFlag.topologyChange | bpduFlag.topologyChangeAcknowledgment,
  root: { priority: 0x8000, mac: mac('02:00:00:00:00:aa') },
  rootPathCost: 4,
  bridge: { priority: 0x7000, mac: mac('02:00:00:00:00:bb') },
  port: 0x8002,
  messageAge: milliseconds(1500),
  maxAge: seconds(20),
  helloTime: seconds(2),
  forwardDelay: seconds(15),
};

test('SW-9: a configuration BPDU and a topology change are read and written, byte for byte', (t) => {
  t.deepEqual(decodeBpdu(configuration), read);
  t.is(showHex(encodeBpdu(read)), showHex(configuration));
  t.deepEqual(decodeBpdu(topologyChange), { kind: 'topology-change' });
  t.is(showHex(encodeBpdu({ kind: 'topology-change' })), showHex(topologyChange));
});

test('SW-9: padding is ignored, a newer version is read as this one, and times are rounded up', (t) => {
  t.deepEqual(decodeBpdu(concat(configuration, new Uint8Array(8))), read);
  t.deepEqual(decodeBpdu(configuration.with(5, 3)), { ...read, version: 3 });
  const almost = { ...read, messageAge: (read.messageAge - 1) as typeof read.messageAge };
  t.deepEqual(decodeBpdu(encodeBpdu(almost)), read);
});

test('SW-9: what is cut short, or is of another protocol or type, is refused', (t) => {
  const refused: [Uint8Array, Malformed['reason'], number][] = [
    [configuration.subarray(0, 37), 'truncated', 37],
    [topologyChange.subarray(0, 6), 'truncated', 6],
    [configuration.with(0, 0xaa), 'unsupported', 0],
    [configuration.with(4, 1), 'unsupported', 4],
    [configuration.with(6, 2), 'unsupported', 6], // rapid spanning tree
  ];
  for (const [bytes, reason, offset] of refused)
    t.deepEqual(decodeBpdu(bytes), new Malformed('bpdu', reason, offset));
});

test('SW-9: tshark reads in our BPDUs what we have written', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'standin-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'bpdu.pcapng');
  const writer = new PcapngWriter();
  const at = writer.addInterface({ name: 'switch' });
  const source = mac('02:00:00:00:00:bb');
  const bpdus: Bpdu[] = [read, { kind: 'topology-change' }];
  for (const bpdu of bpdus) {
    const payload = encodeBpdu(bpdu);
    const frame = encodeEthernet({ target: bridgeGroupMac, source, type: payload.length, payload });
    writer.packet(at, 0 as Instant, 'outbound', frame, 0, frame.length, frame.length);
  }
  writeFileSync(file, writer.bytes);
  const fields = ['type', 'flags', 'root.prio', 'root.hw', 'root.cost', 'bridge.hw', 'port'];
  const times = ['msg_age', 'max_age', 'hello', 'forward'];
  const all = [...fields, ...times].map((field) => `stp.${field}`);
  const lines = tshark(t, file, [...all, '_ws.malformed']);
  if (lines === undefined) return;
  const [first, second] = lines;
  t.deepEqual(first, [
    '0x00',
    '0x81',
    '32768',
    '02:00:00:00:00:aa',
    '4',
    '02:00:00:00:00:bb',
    '0x8002',
    '1.5',
    '20',
    '2',
    '15',
    '',
  ]);
  t.deepEqual([second![0], second!.at(-1)], ['0x80', '']);
});
