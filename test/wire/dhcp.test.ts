import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { concat, hex } from '../../src/base/bytes.ts';
import { anyIpv4, type Ipv4, ipv4, mac, showIpv4 } from '../../src/wire/address.ts';
import {
  chaddrOf,
  type Dhcp,
  type DhcpOption,
  type DhcpOptions,
  decodeDhcp,
  encodeDhcp,
  listOptions,
  macOf,
  readOptions,
} from '../../src/wire/dhcp.ts';
import { Malformed } from '../../src/wire/malformed.ts';
import { corpusFiles, datagramIn, hasCorpus, readCapture, root } from '../support/captures.ts';

const zeros = (count: number): string => '00'.repeat(count);
/** A DISCOVER up to and including the cookie, drawn by hand from RFC 2131 figure 1. */
const head = `01 01 06 00  3903f326  0000 8000  ${zeros(16)}  000b8201fc42 ${zeros(10)}  ${zeros(192)}  63825363`;
const message = (options: string, start = head): Uint8Array => hex(start + options);

const discover: Dhcp = {
  op: 'request',
  htype: 1,
  hops: 0,
  xid: 0x3903f326,
  secs: 0,
  broadcast: true,
  ciaddr: anyIpv4,
  yiaddr: anyIpv4,
  siaddr: anyIpv4,
  giaddr: anyIpv4,
  chaddr: chaddrOf(mac('00:0b:82:01:fc:42')),
  sname: new Uint8Array(0),
  file: new Uint8Array(0),
  options: [{ code: 53, data: Uint8Array.of(1) }],
};

function decoded(bytes: Uint8Array): Dhcp {
  const value = decodeDhcp(bytes);
  if (value instanceof Malformed) throw new Error(`${value.reason} at ${value.offset}`);
  return value;
}

test('DHCP-3: a DISCOVER as RFC 2131 figure 1 draws it, with the cookie 63825363', (t) => {
  t.deepEqual(decodeDhcp(message('350101 ff')), discover);
  const bytes = encodeDhcp(discover);
  t.is(bytes.length, 300); // RFC 1542 section 2.1
  t.deepEqual(bytes.subarray(0, 244), message('350101 ff'));
  t.true(bytes.subarray(244).every((byte) => byte === 0));
  t.is(macOf(discover), mac('00:0b:82:01:fc:42'));
});

test('DHCP-3: PAD stands anywhere and END ends: what follows it is not read', (t) => {
  t.deepEqual(decodeDhcp(message('0000 350101 00 ff 350102 3501')), discover);
});

test('DHCP-3: the parts of a long option are joined in order, and split again at 255 bytes (RFC 3396)', (t) => {
  const value = decoded(message('2b02 aabb 350101 2b01 cc ff'));
  t.deepEqual(value.options, [
    { code: 43, data: hex('aabbcc') },
    { code: 53, data: hex('01') },
  ]);
  const long = Uint8Array.from({ length: 600 }, (_, i) => i & 255);
  const bytes = encodeDhcp({ ...discover, options: [{ code: 43, data: long }] });
  t.deepEqual([bytes[240], bytes[241]], [43, 255]);
  t.deepEqual([bytes[240 + 257], bytes[241 + 257]], [43, 255]);
  t.deepEqual([bytes[240 + 514], bytes[241 + 514], bytes[240 + 514 + 92]], [43, 90, 255]);
  t.deepEqual(decoded(bytes).options, [{ code: 43, data: long }]);
});

/** `sname` and `file` filled with options, and option 52 to say so. */
function overloaded(which: number, sname: string, file: string, more = ''): Uint8Array {
  const bytes = message(`3401 0${which} ${more} ff`);
  bytes.set(hex(sname), 44);
  bytes.set(hex(file), 108);
  return bytes;
}

test('DHCP-3: option 52 moves options into file and sname, read in that order', (t) => {
  const both = decoded(overloaded(3, '350101 2b01 cc ff', '2b01 bb ff', '2b01 aa'));
  t.deepEqual(both.options, [
    { code: 43, data: hex('aabbcc') }, // options, file, sname: RFC 3396 section 5
    { code: 53, data: hex('01') },
  ]);
  t.is(both.sname.length + both.file.length, 0);
  t.deepEqual(decoded(encodeDhcp(both)), both); // all in one field now

  const file = decoded(overloaded(1, '616263', '350101 ff'));
  t.deepEqual([file.sname, file.file.length], [hex('616263'), 0]);
  const sname = decoded(overloaded(2, '350101 ff', '616263'));
  t.deepEqual([sname.file, sname.sname.length], [hex('616263'), 0]);
});

test('DHCP-3: what is hostile or cut short is refused, and where it went wrong is said', (t) => {
  const cases: Record<string, [Uint8Array, Malformed['reason'], number]> = {
    'no END': [message('350101'), 'truncated', 243],
    'an option that runs past the end': [message('350101 0cff 61'), 'truncated', 243],
    'a code without a length': [message('350101 0c'), 'truncated', 243],
    'an operation of 3': [message('ff', head.replace('01', '03')), 'bad-value', 0],
    'hlen 17': [message('ff', head.replace('06', '11')), 'bad-length', 2],
    'hlen 255': [message('ff', head.replace('06', 'ff')), 'bad-length', 2],
    'another cookie': [message('ff', head.replace('63825363', '63825364')), 'unsupported', 236],
    'an empty client identifier': [message('3d00 ff'), 'bad-length', 240],
    'a client identifier of one byte': [message('3d01 01 ff'), 'bad-length', 240],
    'a message type of two bytes': [message('3502 0101 ff'), 'bad-length', 240],
    'a lease time of three bytes': [message('350101 3303 000e10 ff'), 'bad-length', 243],
    'five bytes of routers': [message('0305 0a00000101 ff'), 'bad-length', 240],
    'no routers at all': [message('0300 ff'), 'bad-length', 240],
    'a mask in two parts of four bytes': [
      message('0104ffffff00 0104ffffff00 ff'),
      'bad-length',
      240,
    ],
    'a sub-option of 82 that runs past it': [message('5203 010500 ff'), 'bad-length', 240],
    'overload 0': [overloaded(0, '', ''), 'bad-value', 240],
    'overload 4': [overloaded(4, '', ''), 'bad-value', 240],
    'overload within an overloaded field': [overloaded(1, '', '340102 ff'), 'bad-value', 240],
    'overload twice': [overloaded(1, '', 'ff', '340101'), 'bad-value', 240],
    'an overloaded file without END': [overloaded(1, '', '350101'), 'truncated', 236],
    'an overloaded sname that runs into file': [
      overloaded(2, `${zeros(60)} 0c10 6161`, ''),
      'truncated',
      104,
    ],
  };
  for (const [title, [bytes, reason, offset]] of Object.entries(cases))
    t.deepEqual(decodeDhcp(bytes), new Malformed('dhcp', reason, offset), title);
});

test('DHCP-3: every prefix of a message without padding is refused, and none throws', (t) => {
  const good = message('350101 3204 0a000105 3d07 01 000b8201fc42 ff');
  t.false(decodeDhcp(good) instanceof Malformed);
  for (let n = 0; n < good.length; n += 1)
    t.true(decodeDhcp(good.subarray(0, n)) instanceof Malformed, `${n} bytes`);
});

test('the options that matter are read as fields and written back', (t) => {
  // Numbers from RFC 2132 and RFC 3046.
  const list = `350105 3604 0a000101 3204 0a000105 3304 00000e10 3a04 00000708 3b04 00000c4e
    0104 ffffff00 0308 0a000101 0a000102 3702 0103 3d07 01000b8201fc42 3803 6e6f21
    5209 01 03 657468 02 02 beef ff`;
  const fields: DhcpOptions = {
    type: 'ack',
    serverId: ipv4('10.0.1.1'),
    requestedIp: ipv4('10.0.1.5'),
    leaseSeconds: 3600,
    renewSeconds: 1800,
    rebindSeconds: 3150,
    subnetMask: ipv4('255.255.255.0'),
    routers: [ipv4('10.0.1.1'), ipv4('10.0.1.2')],
    parameters: [1, 3],
    clientId: hex('01000b8201fc42'),
    message: 'no!',
    relayAgent: [
      { code: 1, data: hex('657468') },
      { code: 2, data: hex('beef') },
    ],
  };
  const value = decoded(message(list));
  t.deepEqual(readOptions(value.options), fields);
  t.deepEqual(listOptions(fields), value.options);
});

test('a type that we do not speak stays in the list and has no name', (t) => {
  const { options } = decoded(message('35010a ff'));
  t.is(readOptions(options).type, undefined);
  t.deepEqual(options, [{ code: 53, data: hex('0a') }]);
});

test('a list made by hand with wrong lengths is read without them and without throwing', (t) => {
  const odd: DhcpOption[] = [1, 3, 50, 51, 53, 54, 55, 56, 58, 59, 61, 82].map((code) => ({
    code,
    data: new Uint8Array(0),
  }));
  t.deepEqual(readOptions(odd), {});
  t.deepEqual(readOptions([{ code: 82, data: hex('01ff') }]), {});
});

const anyIp = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map((n) => n as Ipv4);
const anySeconds = fc.nat({ max: 0xffff_ffff });
const anyFields: fc.Arbitrary<DhcpOptions> = fc.record(
  {
    type: fc.constantFrom('discover', 'offer', 'request', 'decline', 'ack', 'nak', 'inform'),
    serverId: anyIp,
    requestedIp: anyIp,
    leaseSeconds: anySeconds,
    renewSeconds: anySeconds,
    rebindSeconds: anySeconds,
    subnetMask: anyIp,
    routers: fc.array(anyIp, { minLength: 1, maxLength: 80 }), // more than 63 need two parts
    parameters: fc.array(fc.nat({ max: 255 }), { minLength: 1, maxLength: 20 }),
    clientId: fc.uint8Array({ minLength: 2, maxLength: 300 }),
    message: fc.string({ minLength: 1, maxLength: 40, unit: 'binary-ascii' }),
    relayAgent: fc.array(
      fc.record({ code: fc.nat({ max: 255 }), data: fc.uint8Array({ maxLength: 30 }) }),
      { minLength: 1, maxLength: 4 },
    ),
  },
  { requiredKeys: [] },
);
/** Text does not end in zeros: those cannot be told from padding. */
const anyText = (maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc
    .uint8Array({ maxLength })
    .filter((bytes) => bytes.length === 0 || bytes[bytes.length - 1] !== 0);
const anyMessage: fc.Arbitrary<Dhcp> = fc.record({
  op: fc.constantFrom('request', 'reply'),
  htype: fc.nat({ max: 255 }),
  hops: fc.nat({ max: 255 }),
  xid: fc.nat({ max: 0xffff_ffff }),
  secs: fc.nat({ max: 0xffff }),
  broadcast: fc.boolean(),
  ciaddr: anyIp,
  yiaddr: anyIp,
  siaddr: anyIp,
  giaddr: anyIp,
  chaddr: fc.uint8Array({ maxLength: 16 }),
  sname: anyText(64),
  file: anyText(128),
  options: anyFields.map(listOptions),
});

test('decoding undoes encoding, whatever padding follows', (t) => {
  fc.assert(
    fc.property(anyMessage, fc.uint8Array({ maxLength: 40 }), (value, padding) => {
      t.deepEqual(decodeDhcp(concat(encodeDhcp(value), padding)), value);
      t.deepEqual(listOptions(readOptions(value.options)), value.options);
    }),
    { seed: 2131 },
  );
});

test('bytes that are changed at random are read or refused, but never throw', (t) => {
  const changes = fc.array(fc.tuple(fc.nat({ max: 320 }), fc.nat({ max: 255 })), { maxLength: 12 });
  fc.assert(
    fc.property(anyMessage, changes, (value, spots) => {
      const bytes = encodeDhcp(value);
      for (const [at, byte] of spots) if (at < bytes.length) bytes[at] = byte;
      const again = decodeDhcp(bytes);
      if (again instanceof Malformed) return;
      readOptions(again.options);
      t.deepEqual(decodeDhcp(encodeDhcp(again)), again);
    }),
    { seed: 2132, numRuns: 500 },
  );
});

/** One line of the fixture, from what we have read. */
function facts(bytes: Uint8Array): string[] | undefined {
  const value = decodeDhcp(bytes);
  if (value instanceof Malformed) return undefined;
  const fields = readOptions(value.options);
  const ip = (address: Ipv4 | undefined): string =>
    address === undefined ? '' : showIpv4(address);
  return [
    value.op === 'request' ? '1' : '2',
    String(value.options.find(({ code }) => code === 53)?.data[0] ?? ''),
    `0x${value.xid.toString(16).padStart(8, '0')}`,
    String(value.secs),
    ...[value.ciaddr, value.yiaddr, value.siaddr, value.giaddr].map(showIpv4),
    ip(fields.serverId),
    ip(fields.requestedIp),
    String(fields.leaseSeconds ?? ''),
    ip(fields.subnetMask),
    (fields.routers ?? []).map(showIpv4).join(','),
    [...value.options.map(({ code }) => code), 0].join(','),
  ];
}

test('every DHCP message of the corpus is read as TShark reads it, and means the same when written', (t) => {
  if (!hasCorpus(t)) return;
  const fixture = readFileSync(join(root, 'fixtures', 'dhcp-tshark.tsv'), 'utf8');
  const expected = new Map(
    fixture
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split('\t'))
      .map(([file, frame, ...rest]) => [`${file} ${frame}`, rest]),
  );
  const refused: string[] = [];
  let read = 0;
  const files = [
    'kernel-golden/linux-dhcp-noserver-then-dnsmasq.pcap',
    ...corpusFiles('protocols/zeek'),
    ...corpusFiles('protocols/tcpdump'),
  ];
  for (const file of files) {
    for (const { number, bytes } of readCapture(file)) {
      const datagram = datagramIn(bytes);
      const ports = [datagram?.from.port, datagram?.to.port];
      if (datagram === undefined || !(ports.includes(67) || ports.includes(68))) continue;
      const name = `${file} ${number}`;
      const got = facts(datagram.payload);
      t.deepEqual(got, expected.get(name), name);
      if (got === undefined) {
        refused.push(name);
        continue;
      }
      read += 1;
      const value = decoded(datagram.payload);
      t.deepEqual(decodeDhcp(encodeDhcp(value)), value, name);
    }
  }
  t.is(read, expected.size);
  t.deepEqual(refused.sort(), [
    'protocols/tcpdump/bootp_asan-2.pcap 1',
    'protocols/tcpdump/bootp_asan.pcap 1',
    'protocols/tcpdump/dhcp-rfc4388.pcap 43', // a cookie one and two bytes early
    'protocols/tcpdump/dhcp-rfc4388.pcap 44',
    'protocols/zeek/dhcp_bad_cookie_option_retention.pcap 2',
    'protocols/zeek/dhcp_bad_cookie_option_retention.pcap 3',
    'protocols/zeek/dhcp_bad_cookie_option_retention.pcap 4',
  ]);
});

test('messages of udhcpc, dhclient and dnsmasq come out byte for byte when they are written again', (t) => {
  for (const { number, bytes } of readCapture(
    'kernel-golden/linux-dhcp-noserver-then-dnsmasq.pcap',
  )) {
    const datagram = datagramIn(bytes);
    if (datagram === undefined) continue;
    t.deepEqual(encodeDhcp(decoded(datagram.payload)), datagram.payload, `frame ${number}`);
  }
});
