import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { concat, hex, utf8, view } from '../../src/base/bytes.ts';
import { Random } from '../../src/base/random.ts';
import type { Instant } from '../../src/base/time.ts';
import { ipv4, mac } from '../../src/wire/address.ts';
import { readCapture } from '../../src/wire/capture-file.ts';
import {
  blockType,
  packetLengthMax,
  wireguardKeyLogSecrets,
} from '../../src/wire/pcapng/format.ts';
import { readBlocks } from '../../src/wire/pcapng/read.ts';
import { PcapngWriter } from '../../src/wire/pcapng/write.ts';
import { needs, needsCorpus } from '../needs.ts';

const at = (n: number): Instant => n as Instant;

/** A section header, laid out by hand from draft-ietf-opsawg-pcapng section 4.1. */
const section = '0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000';
/** Section 4.2: Ethernet, no limit, if_tsresol 9, end of options. */
const adapter = '01000000 20000000 0100 0000 00000000 0900 0100 09000000 0000 0000 20000000';
/** Section 4.3: interface 0, 5 s + 1 ns, five of 60 bytes, no options. */
const packet =
  '06000000 28000000 00000000 01000000 01f2052a 05000000 3c000000 6162636465 000000 28000000';

test('a file laid out by hand from the draft is read', (t) => {
  const file = readCapture(hex(section + adapter + packet));
  t.is(file.error, undefined);
  t.deepEqual(file.interfaces, [{ linkType: 1, snapLength: 0, comments: [] }]);
  t.deepEqual(file.packets, [
    {
      interface: 0,
      time: 5_000_000_001n,
      bytes: utf8('abcde'),
      length: 60,
      comments: [],
      offset: 60,
    },
  ]);
});

test('the comments of an interface are read', (t) => {
  const commented =
    '01000000 28000000 0100 0000 00000000 0100 0200 686d0000 0100 0100 78000000 0000 0000 28000000';
  const [read] = readCapture(hex(section + commented)).interfaces;
  t.deepEqual(read, { linkType: 1, snapLength: 0, comments: ['hm', 'x'] });
});

test('what is written is what the draft draws', (t) => {
  const writer = new PcapngWriter({ application: 'abc' });
  const number = writer.addInterface({ name: 'eth0', mac: mac('02:00:00:00:00:01') });
  writer.packet(number, at(5_000_000_001), 'outbound', utf8('xabcde'), 1, 5, 60, ['hm']);
  const wanted = [
    '0a0d0d0a 28000000 4d3c2b1a 0100 0000 ffffffffffffffff 0400 0300 61626300 00000000 28000000',
    '01000000 34000000 0100 0000 00000000 0200 0400 65746830 0600 0600 020000000001 0000',
    '0900 0100 09000000 0000 0000 34000000',
    '06000000 3c000000 00000000 01000000 01f2052a 05000000 3c000000 6162636465 000000',
    '0100 0200 686d0000 0200 0400 02000000 0000 0000 3c000000',
  ];
  t.deepEqual(writer.bytes, hex(wanted.join('')));
});

// What others made

const listings = new Map<string, number>([
  ['SHB', blockType.sectionHeader],
  ['IDB', blockType.interfaceDescription],
  ['SPB', blockType.simplePacket],
  ['NRB', blockType.nameResolution],
  ['ISB', blockType.interfaceStatistics],
  ['EPB', blockType.enhancedPacket],
  ['CB', blockType.custom],
  ['DCB', blockType.customNotCopied],
]);

for (const order of ['be', 'le']) {
  test(`every file of the pcapng test generator is read block by block (${order})`, (t) => {
    const folder = needsCorpus(t, 'pcap-format');
    if (folder === undefined) return;
    const files = readdirSync(join(folder, order)).filter((file) => file.endsWith('.pcapng'));
    t.is(files.length, 24);
    for (const file of files) {
      const listing = readFileSync(join(folder, 'be', file.replace('.pcapng', '.txt')), 'utf8');
      const wanted = /^Block sequence: (.+)$/m.exec(listing)![1]!.trim().split(', ');
      const bytes = readFileSync(join(folder, order, file));
      const types = [...readBlocks(bytes)].map((block) => block.type);
      t.deepEqual(
        types,
        wanted.map((name) => listings.get(name)!),
        file,
      );
      const capture = readCapture(bytes);
      t.is(capture.error, undefined, `${file}: ${capture.error?.message}`);
      const count = wanted.filter((name) => name === 'EPB' || name === 'SPB').length;
      t.is(capture.packets.length, count, file);
      t.is(capture.interfaces.length, wanted.filter((name) => name === 'IDB').length, file);
      for (const { bytes: kept, length } of capture.packets) t.true(kept.length <= length, file);
    }
  });
}

test('both byte orders of the pcapng test generator say the same', (t) => {
  const folder = needsCorpus(t, 'pcap-format');
  if (folder === undefined) return;
  for (const file of readdirSync(join(folder, 'be')).filter((name) => name.endsWith('.pcapng'))) {
    const [be, le] = ['be', 'le'].map((order) =>
      readCapture(readFileSync(join(folder, order, file))),
    );
    t.deepEqual(be, le, file);
  }
});

const bad = [
  { file: 'linktype-reserved-field-not-zero.pcap', offset: 20, says: /reserved bits/ },
  { file: 'pcap-invalid-version-1.pcap', offset: 4, says: /version 1\./ },
  { file: 'pcapng-invalid-vers-1.pcapng', offset: 12, says: /version 0\.1/ },
];
for (const { file, offset, says } of bad) {
  test(`${file} of libpcap is refused with the place`, (t) => {
    const folder = needsCorpus(t, 'pcap-format');
    if (folder === undefined) return;
    const { error, packets } = readCapture(readFileSync(join(folder, file)));
    t.is(error?.offset, offset);
    t.regex(error?.message ?? '', says);
    t.is(packets.length, 0);
  });
}

test('as many packets are found in every capture of the corpus as tcpdump finds', (t) => {
  const table = needsCorpus(t, 'EXPECT.tsv');
  if (table === undefined) return;
  const rows = readFileSync(table, 'utf8').trim().split('\n').slice(2);
  let compared = 0;
  for (const row of rows) {
    const [file, packets, , , , status] = row.split('\t') as [string, ...string[]];
    const path = needsCorpus(t, ...file.split('/'));
    if (path === undefined) return;
    const capture = readCapture(readFileSync(path));
    if (status !== '0') continue; // limits of libpcap; see the tests above
    compared += 1;
    t.is(capture.packets.length, Number(packets), file);
    t.is(capture.error, undefined, `${file}: ${capture.error?.message}`);
  }
  t.true(compared > 150);
});

test('PcapPlusPlus wrote two interfaces with different snap lengths, which libpcap refuses', (t) => {
  const path = needsCorpus(t, 'wireguard', 'WireGuard.pcap');
  if (path === undefined) return;
  const { error, interfaces, packets } = readCapture(readFileSync(path));
  t.is(error, undefined);
  t.true(interfaces.length > 1 && packets.length > 0);
});

// What nobody should have made

const word = (n: number): string => hex32(n).match(/../g)!.reverse().join('');
const hex32 = (n: number): string => (n >>> 0).toString(16).padStart(8, '0');
const epb = (body: string): string => {
  const length = body.replaceAll(/\s/g, '').length / 2 + 12;
  return `06000000 ${word(length)} ${body} ${word(length)}`;
};
const start = section + adapter;
const wrongs: Record<string, { bytes: string; offset: number; says: RegExp }> = {
  'no bytes at all': { bytes: '', offset: 0, says: /not a capture file/ },
  'three bytes': { bytes: 'd4c3b2', offset: 0, says: /not a capture file/ },
  text: { bytes: '68656c6c6f2c20776f726c6421', offset: 0, says: /not a capture file/ },
  'a section header without its magic': {
    bytes: '0a0d0d0a 1c000000 00000000 0100 0000 ffffffffffffffff 1c000000',
    offset: 8,
    says: /byte-order magic/,
  },
  'block length 0': { bytes: `${start} 06000000 00000000 00000000`, offset: 64, says: /length 0 / },
  'block length 8': {
    bytes: `${start} 06000000 08000000 08000000`,
    offset: 64,
    says: /less than 12/,
  },
  'block length not a multiple of 4': {
    bytes: `${start} 06000000 0d000000 00000000 00000000`,
    offset: 64,
    says: /multiple of 4/,
  },
  'block length beyond the file': {
    bytes: `${start} 06000000 00000080 00000000`,
    offset: 64,
    says: /only 12 bytes are left/,
  },
  'two block lengths that differ': {
    bytes: `${start} 07000000 0c000000 10000000`,
    offset: 68,
    says: /ends with length 16/,
  },
  'an interface nobody described': {
    bytes: start + epb(`01000000 ${'00000000'.repeat(4)}`),
    offset: 68,
    says: /interface 1 of a section that has 1/,
  },
  'an interface of the section before': {
    bytes: start + adapter + section + adapter + epb(`01000000 ${'00000000'.repeat(4)}`),
    offset: 160,
    says: /interface 1 of a section that has 1/,
  },
  'interface 4294967295': {
    bytes: start + epb(`ffffffff ${'00000000'.repeat(4)}`),
    offset: 68,
    says: /interface 4294967295/,
  },
  'a packet longer than its block': {
    bytes: start + epb('00000000 00000000 00000000 05000000 05000000 61626364'),
    offset: 88,
    says: /needs 5 bytes, but the block has 4/,
  },
  'a packet of more than 256 KiB': {
    bytes: start + epb(`00000000 00000000 00000000 ${word(packetLengthMax + 1)} 05000000`),
    offset: 80,
    says: /262145 bytes/,
  },
  'a packet block without a packet': {
    bytes: start + epb('00000000 00000000'),
    offset: 76,
    says: /time needs 4 bytes/,
  },
  'an option beyond its block': {
    bytes: start + epb('00000000 00000000 00000000 00000000 00000000 0100 0900 61626364'),
    offset: 92,
    says: /option needs 9 bytes/,
  },
  'a resolution of the wrong size': {
    bytes: `${section} 01000000 18000000 0100 0000 00000000 0900 0000 18000000`,
    offset: 44,
    says: /if_tsresol has 0 bytes instead of 1/,
  },
  'a simple packet of more than 256 KiB': {
    bytes: `${start} 03000000 10000000 ffffffff 10000000`,
    offset: 68,
    says: /more than a packet may have/,
  },
  'secrets beyond their block': {
    bytes: `${start} 0a000000 14000000 4c4b4757 ffffffff 14000000`,
    offset: 76,
    says: /secrets needs 4294967295 bytes/,
  },
  'a name without an address': {
    bytes: `${start} 04000000 14000000 0100 0100 61000000 14000000`,
    offset: 68,
    says: /name record of 1 bytes/,
  },
  'a pcap file that ends in its header': {
    bytes: 'd4c3b2a1 0200 0400 00000000',
    offset: 12,
    says: /within its header/,
  },
};

for (const [title, { bytes, offset, says }] of Object.entries(wrongs)) {
  test(`one error with its place: ${title}`, (t) => {
    const { error } = readCapture(hex(bytes));
    t.is(error?.offset, offset, error?.message);
    t.regex(error?.message ?? '', says);
  });
}

const pcapHeader = { us: 'd4c3b2a1 0200 0400 00000000 00000000 00000400 01000000' };
const record = '05000000 07000000 04000000 3c000000 61626364';

test('pcap: micro- and nanoseconds, both byte orders', (t) => {
  const big = '00000005 00000007 00000004 0000003c 61626364';
  const cases: [string, bigint][] = [
    [pcapHeader.us + record, 5_000_007_000n],
    [`4d3cb2a1 0200 0400 00000000 00000000 00000400 01000000 ${record}`, 5_000_000_007n],
    [`a1b2c3d4 0002 0004 00000000 00000000 00040000 00000001 ${big}`, 5_000_007_000n],
    [`a1b23c4d 0002 0004 00000000 00000000 00040000 00000001 ${big}`, 5_000_000_007n],
  ];
  for (const [bytes, time] of cases) {
    const { error, packets, interfaces } = readCapture(hex(bytes));
    t.is(error, undefined);
    t.like(packets, [{ time, bytes: utf8('abcd'), length: 60, offset: 24 }]);
    t.like(interfaces, [{ linkType: 1, snapLength: 0x40000 }]);
  }
});

test('pcap: a record that is cut, or too long, ends the file after those before it', (t) => {
  const cut = readCapture(hex(pcapHeader.us + record + record).subarray(0, 62));
  t.is(cut.packets.length, 1);
  t.deepEqual(cut.error, { offset: 52, message: 'packet of 4 bytes, but only 2 are left' });
  const header = readCapture(hex(pcapHeader.us + record + record).subarray(0, 50));
  t.deepEqual(header.error, { offset: 44, message: 'the file ends within the header of a record' });
  const long = readCapture(hex(`${pcapHeader.us} 00000000 00000000 01000400 00000000`));
  t.is(long.error?.offset, 32);
});

test('times in powers of ten and of two, with an offset, come out in nanoseconds', (t) => {
  const read = (options: string, ticks: string): bigint | undefined => {
    const size = 20 + options.replaceAll(/\s/g, '').length / 2;
    const block = `01000000 ${word(size)} 0100 0000 00000000 ${options} ${word(size)}`;
    const file = readCapture(hex(section + block + epb(`00000000 ${ticks} 00000000 00000000`)));
    t.is(file.error, undefined);
    return file.packets[0]?.time;
  };
  t.is(read('', '00000000 07000000'), 7000n, 'microseconds where nothing is said');
  t.is(read('0900 0100 00000000', '00000000 07000000'), 7_000_000_000n);
  t.is(read('0900 0100 0c000000', '00000000 07000000'), 0n, 'picoseconds are cut');
  t.is(read('0900 0100 0c000000', '01000000 00000000'), 4_294_967n);
  t.is(read('0900 0100 8a000000', '00000000 00020000'), 500_000_000n, '512/1024 of a second');
  t.is(read('0900 0100 ff000000', 'ffffffff ffffffff'), 0n, '2^-127 is less than a nanosecond');
  t.is(read('0900 0100 09000000 0e00 0800 0200000000000000', '00000000 07000000'), 2_000_000_007n);
  t.is(read('0900 0100 09000000 0e00 0800 ffffffffffffffff', '00000000 07000000'), -999_999_993n);
});

test('an obsolete packet block is read, and blocks nobody knows are passed over', (t) => {
  const obsolete =
    '02000000 24000000 0000 ffff 00000000 07000000 02000000 3c000000 61620000 24000000';
  const unknown = '78563412 10000000 deadbeef 10000000';
  const { error, packets } = readCapture(hex(start + unknown + obsolete + unknown));
  t.is(error, undefined);
  t.like(packets, [{ interface: 0, time: 7n, bytes: utf8('ab'), length: 60 }]);
});

test('interfaces are counted from zero in each section, whatever its byte order', (t) => {
  const bigSection = '0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c';
  const bigAdapter = '00000001 00000014 0071 0000 00000000 00000014';
  const bigPacket = '00000003 00000014 00000003 61626300 00000014';
  const file = readCapture(hex(start + packet + bigSection + bigAdapter + bigPacket));
  t.is(file.error, undefined);
  t.deepEqual(
    file.packets.map((found) => [found.interface, file.interfaces[found.interface]?.linkType]),
    [
      [0, 1],
      [1, 0x71],
    ],
  );
  t.deepEqual(file.packets[1]?.bytes, utf8('abc'));
});

/** A file with every kind of block that the writer can write, and many packets. */
function sample(): PcapngWriter {
  const writer = new PcapngWriter({ hardware: 'h', os: 'o', application: 'a', comments: ['c'] });
  writer.addNames([{ ip: ipv4('10.0.10.20'), name: 'sql01' }]);
  writer.addSecrets(wireguardKeyLogSecrets, utf8('PRESHARED_KEY = \n'));
  const eth0 = writer.addInterface({ name: 'web01.eth0', mac: mac('02:00:00:00:00:01') });
  const eth1 = writer.addInterface({ name: 'sql01.eth0', description: 'the database' });
  const bytes = utf8('0123456789'.repeat(20));
  for (let i = 0; i < 12; i += 1) {
    const comments = i % 3 === 0 ? [] : [`event ${i}`, 'second'].slice(0, i % 3);
    const direction = i % 2 === 0 ? 'inbound' : 'outbound';
    writer.packet(i % 2 ? eth0 : eth1, at(i * 1e9 + i), direction, bytes, i, 10 * i, 200, comments);
  }
  return writer;
}

test('a file cut anywhere gives the packets before the cut, and says where it was cut', (t) => {
  const whole = sample().bytes;
  const all = readCapture(whole);
  t.is(all.error, undefined);
  t.is(all.packets.length, 12);
  for (let n = 0; n < whole.length; n += 1) {
    const { error, packets } = readCapture(whole.subarray(0, n));
    const before = [...readBlocks(whole.subarray(0, n))].at(-1);
    const cleanEnd = before !== undefined && before.offset + before.body.length + 12 === n;
    t.is(error === undefined, cleanEnd, `cut at ${n}`);
    if (error) t.true(error.offset <= n);
    t.deepEqual(packets, all.packets.slice(0, packets.length));
  }
});

test('a hundred thousand damaged files are read to the damage and never throw', (t) => {
  const little = sample().bytes;
  const old = hex(pcapHeader.us + record.repeat(6));
  const random = new Random('damaged captures');
  let errors = 0;
  for (let n = 0; n < 100_000; n += 1) {
    const bytes = Uint8Array.from(n % 4 === 0 ? old : little);
    const data = view(bytes);
    for (let times = random.between(1, 3); times > 0; times -= 1) {
      const where = random.between(0, bytes.length - 4);
      const how = random.between(0, 3);
      if (how === 0) bytes[where] = random.between(0, 255);
      else if (how === 1) data.setUint32(where & ~3, random.between(0, 64), true);
      else if (how === 2) data.setUint32(where & ~3, 0xffff_ffff - random.between(0, 8), true);
      else bytes[where]! ^= 1 << random.between(0, 7);
    }
    const { error, packets, interfaces } = readCapture(bytes);
    if (error) errors += 1;
    if (error && (error.offset < 0 || error.offset > bytes.length)) t.fail(`at ${error.offset}`);
    if (packets.length > 12 || interfaces.length > 2 + 12) t.fail('more than was there');
    for (const found of packets) {
      if (found.bytes.buffer !== bytes.buffer) t.fail('a packet was copied');
      if (interfaces[found.interface] === undefined) t.fail('a packet of no interface');
    }
  }
  t.true(errors > 20_000, `${errors} errors`);
});

// There and back

const anyPacket = fc.record({
  interface: fc.nat(2),
  time: fc.maxSafeNat(),
  bytes: fc.uint8Array({ maxLength: 300 }),
  direction: fc.constantFrom('inbound' as const, 'outbound' as const),
  comments: fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), { maxLength: 3 }),
});
const names = ['web01.eth0', 'sql01.eth0', 'Zürich 東京 🖧.eth0'];

test('what was written is read back', (t) => {
  fc.assert(
    fc.property(fc.array(anyPacket, { maxLength: 30 }), fc.nat(2 ** 32), (packets, startsAt) => {
      const writer = new PcapngWriter({ startsAt });
      for (const name of names) writer.addInterface({ name, description: `on ${name}` });
      for (const { interface: number, time, bytes, direction, comments } of packets)
        writer.packet(number, at(time), direction, bytes, 0, bytes.length, bytes.length, comments);
      const file = readCapture(writer.bytes);
      t.is(file.error, undefined);
      t.deepEqual(
        file.interfaces.map(({ name, description }) => [name, description]),
        names.map((name) => [name, `on ${name}`]),
      );
      t.deepEqual(
        file.packets.map(({ offset, ...found }) => found),
        packets.map((sent) => ({
          ...sent,
          time: BigInt(sent.time) + BigInt(startsAt) * 1_000_000_000n,
          length: sent.bytes.length,
        })),
      );
    }),
    { seed: 1761 },
  );
});

test('names and secrets are read back', (t) => {
  const { names: found, secrets } = readCapture(sample().bytes);
  t.deepEqual(found, [{ ip: ipv4('10.0.10.20'), names: ['sql01'] }]);
  t.deepEqual(secrets, [{ type: 0x57474b4c, bytes: utf8('PRESHARED_KEY = \n') }]);
});

test('texts too long or not well-formed are cut or mended, never written as they are', (t) => {
  const writer = new PcapngWriter();
  const long = '€'.repeat(40_000);
  const number = writer.addInterface({ name: 'a\ud800b', description: long });
  writer.addNames([{ ip: ipv4('10.0.0.1'), name: `x\0y${long}` }]);
  writer.packet(number, at(0), 'inbound', hex(''), 0, 0, 0, new Array(40).fill(long));
  const { error, interfaces, names: found, packets } = readCapture(writer.bytes);
  t.is(error, undefined);
  t.is(interfaces[0]?.name, 'a\ufffdb');
  t.is(interfaces[0]?.description, '€'.repeat(21_845));
  t.regex(found[0]!.names[0]!, /^x y€+$/);
  t.regex(packets[0]!.comments.at(-1)!, /^\d+ more comments did not fit$/);
  t.true(writer.bytes.length < 2 ** 21, 'a block stays far below what Wireshark refuses');
});

test('a capture that reached its size counts what it leaves out and stays a good file', (t) => {
  const writer = new PcapngWriter({ sizeMax: 1000 });
  const number = writer.addInterface({ name: 'eth0' });
  const bytes = new Uint8Array(100);
  const kept = Array.from({ length: 10 }, (_, i) =>
    writer.packet(number, at(i), 'inbound', bytes, 0, 100, 100),
  );
  t.deepEqual(kept, [...new Array(6).fill(true), ...new Array(4).fill(false)]);
  t.is(writer.leftOut, 4);
  t.true(writer.bytes.length <= 1000);
  const { error, packets } = readCapture(writer.bytes);
  t.is(error, undefined);
  t.is(packets.length, 6);
});

// What Wireshark makes of it

/** Runs tshark over a file; returns one row of fields a packet. */
function fields(tshark: string, file: Uint8Array, names: string[], ...more: string[]): string[][] {
  const folder = mkdtempSync(join(tmpdir(), 'standin-'));
  try {
    const path = join(folder, 'capture.pcapng');
    writeFileSync(path, file);
    const wanted = names.flatMap((name) => ['-e', name]);
    const separators = ['-E', 'separator=/t', '-E', 'aggregator=|'];
    const text = execFileSync(
      tshark,
      ['-r', path, ...more, '-T', 'fields', ...separators, ...wanted],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split('\t'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('tshark reads names, comments, times to the nanosecond and directions from what was written', (t) => {
  const tshark = needs(t, 'tshark');
  if (tshark === undefined) return;
  const writer = new PcapngWriter({ application: 'standin', startsAt: 1_700_000_000 });
  writer.addSecrets(wireguardKeyLogSecrets, utf8('# none\n'));
  writer.addNames([{ ip: ipv4('10.0.10.11'), name: 'web01' }]);
  const a = writer.addInterface({
    name: 'web01.eth0',
    description: 'Linux, hq',
    mac: mac('02:00:00:00:00:01'),
  });
  const b = writer.addInterface({ name: 'Zürich.eth0' });
  // Ethernet, IPv4 without options, ICMP echo request, from 10.0.10.11 to 10.0.10.20.
  const ping = hex(
    '020000000002 020000000001 0800 4500001c0001000040015297 0a000a0b 0a000a14 0800f7fd00010001',
  );
  writer.packet(a, at(123_456_789_012_345), 'outbound', ping, 0, 42, 42, ['event 1', 'späť 🖧']);
  writer.packet(b, at(123_456_789_012_346), 'inbound', ping, 0, 42, 42);
  const wanted = ['frame.time_epoch', 'frame.interface_name', 'frame.interface_description'];
  const rows = fields(
    tshark,
    writer.bytes,
    [...wanted, 'frame.comment', 'frame.packet_flags_direction', 'ip.src_host', 'frame.len'],
    '-N',
    'n',
  );
  t.deepEqual(rows, [
    [
      '1700123456.789012345',
      'web01.eth0',
      'Linux, hq',
      'event 1|späť 🖧',
      '0x00000002',
      'web01',
      '42',
    ],
    ['1700123456.789012346', 'Zürich.eth0', '', '', '0x00000001', 'web01', '42'],
  ]);
});

test('tshark and the reader agree on the times and lengths of other people’s files', (t) => {
  const tshark = needs(t, 'tshark');
  const folder = tshark && needsCorpus(t, 'pcap-format');
  if (tshark === undefined || folder === undefined) return;
  for (const name of ['be/test009', 'le/test012', 'be/test101', 'le/test201']) {
    const bytes = readFileSync(join(folder, `${name}.pcapng`));
    const rows = fields(tshark, bytes, ['frame.time_epoch', 'frame.len', 'frame.cap_len']);
    const mine = readCapture(bytes).packets.map(({ time, length, bytes: kept }) => [
      time === undefined
        ? ''
        : `${time / 1_000_000_000n}.${String(time % 1_000_000_000n).padStart(9, '0')}`,
      String(length),
      String(kept.length),
    ]);
    t.deepEqual(mine, rows, name);
  }
});

test('concatenated files are sections of one', (t) => {
  const one = sample().bytes;
  const { error, packets, interfaces } = readCapture(concat(one, one));
  t.is(error, undefined);
  t.is(packets.length, 24);
  t.is(interfaces.length, 4);
  t.deepEqual(
    packets.slice(12).map((found) => found.interface - 2),
    packets.slice(0, 12).map((found) => found.interface),
  );
});
