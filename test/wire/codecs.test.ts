import test from 'ava';
import fc from 'fast-check';
import { hex } from '../../src/base/bytes.ts';
import {
  anyIpv4,
  broadcastMac,
  type Ipv4,
  ipv4,
  type Mac,
  mac,
  unknownMac,
} from '../../src/wire/address.ts';
import { type Arp, decodeArp, encodeArp } from '../../src/wire/arp.ts';
import {
  decodeEthernet,
  type Ethernet,
  encodeEthernet,
  etherType,
} from '../../src/wire/ethernet.ts';
import { decodeIcmp, encodeIcmp, type Icmp } from '../../src/wire/icmp.ts';
import {
  decodeIpv4,
  decodeQuotedIpv4,
  encodeIpv4,
  type Ipv4Option,
  type Ipv4Packet,
} from '../../src/wire/ipv4.ts';
import { Malformed } from '../../src/wire/malformed.ts';
import { decodeUdp, encodeUdp, type Udp } from '../../src/wire/udp.ts';
import {
  decodeVxlan,
  encodeVxlan,
  type Vxlan,
  vniFlag,
  vxlanSourcePort,
} from '../../src/wire/vxlan.ts';

// Frames marked "kernel" were sent or answered by Linux 6.18.44 on veth pairs: kernel-golden, by
// file and case. Values beside them are read off by hand with the RFC's drawing.

const a = mac('02:00:00:00:00:02');
const h = mac('02:00:00:00:00:01');
const nothing = new Uint8Array(0);

// Ethernet

test('an untagged frame keeps its padding as payload', (t) => {
  const frame = hex('02000000000a 0200000000e0 0800 4500 0000');
  const value: Ethernet = {
    target: mac('02:00:00:00:00:0a'),
    source: mac('02:00:00:00:00:e0'),
    type: etherType.ipv4,
    payload: hex('45000000'),
  };
  t.deepEqual(decodeEthernet(frame), value);
  t.deepEqual(encodeEthernet(value), frame);
});

test('a VLAN tag is priority, drop-eligible and number (IEEE 802.1Q clause 9.6; zeek http-vlan-0, icmp_dot1q)', (t) => {
  const tagged = (control: string): Uint8Array =>
    hex(`ffffffffffff 020000000002 8100 ${control} 0806`);
  const tagOf = (bytes: Uint8Array) => (decodeEthernet(bytes) as Ethernet).tag;
  t.deepEqual(tagOf(tagged('007b')), { priority: 0, dropEligible: false, vlan: 123 });
  t.deepEqual(tagOf(tagged('b000')), { priority: 5, dropEligible: true, vlan: 0 });
  t.deepEqual(tagOf(tagged('efff')), { priority: 7, dropEligible: false, vlan: 4095 });
  const frame = decodeEthernet(tagged('b000')) as Ethernet;
  t.is(frame.type, etherType.arp);
  t.is(frame.payload.length, 0);
  t.deepEqual(encodeEthernet(frame), tagged('b000'));
});

test('a second VLAN tag is left in the payload', (t) => {
  const bytes = hex('ffffffffffff 020000000002 8100 0001 8100 0002 0806 aa');
  const frame = decodeEthernet(bytes) as Ethernet;
  t.is(frame.tag?.vlan, 1);
  t.is(frame.type, etherType.vlan);
  t.deepEqual(frame.payload, hex('0002 0806 aa'));
  t.deepEqual(encodeEthernet(frame), bytes);
});

test('payloads are parts of the frame, not copies', (t) => {
  const bytes = hex('ffffffffffff 020000000002 0806 aabb');
  t.is((decodeEthernet(bytes) as Ethernet).payload.buffer, bytes.buffer);
});

test('a frame without a whole header is truncated, tagged or not', (t) => {
  const bytes = hex('ffffffffffff 020000000002 8100 0001 0806');
  for (let n = 0; n < bytes.length; n += 1)
    t.deepEqual(decodeEthernet(bytes.subarray(0, n)), new Malformed('ethernet', 'truncated', n));
});

// ARP

const askedBy = { senderMac: a, senderIp: ipv4('10.0.0.2'), targetIp: ipv4('10.0.0.1') };

test('ARP-2: a request and its reply are the kernel’s 42 bytes exactly (kernel, arp_host "baseline")', (t) => {
  const request = hex(
    'ffffffffffff020000000002080600010800060400010200000000020a0000020000000000000a000001',
  );
  const reply = hex(
    '020000000002020000000001080600010800060400020200000000010a0000010200000000020a000002',
  );
  const asks: Arp = { operation: 'request', ...askedBy, targetMac: unknownMac };
  const answers: Arp = {
    operation: 'reply',
    senderMac: h,
    senderIp: asks.targetIp,
    targetMac: a,
    targetIp: asks.senderIp,
  };
  t.deepEqual(
    encodeEthernet({
      target: broadcastMac,
      source: a,
      type: etherType.arp,
      payload: encodeArp(asks),
    }),
    request,
  );
  t.deepEqual(
    encodeEthernet({ target: a, source: h, type: etherType.arp, payload: encodeArp(answers) }),
    reply,
  );
  t.deepEqual(decodeArp(request.subarray(14)), asks);
  t.deepEqual(decodeArp(reply.subarray(14)), answers);
});

const arp = encodeArp({ operation: 'request', ...askedBy, targetMac: unknownMac });
const arpStrangers: [what: string, offset: number, byte: number][] = [
  ['an address length of 7', 4, 7],
  ['a protocol length of 6', 5, 6],
  ['hardware type 2', 1, 2],
  ['hardware type 0x0101', 0, 1],
  ['protocol 0x86dd', 2, 0x86],
  ['operation 0', 7, 0],
  ['operation 3, which is RARP', 7, 3],
  ['operation 0x0101', 6, 1],
];
for (const [what, offset, byte] of arpStrangers) {
  test(`ARP-3: ${what} is refused`, (t) => {
    const result = decodeArp(arp.with(offset, byte));
    t.true(result instanceof Malformed && result.reason === 'unsupported');
    t.true(result instanceof Malformed && (result.offset === offset || result.offset === 6));
  });
}

test('ARP-3: fewer than 28 bytes are truncated, padding after them is ignored', (t) => {
  for (let n = 0; n < arp.length; n += 1)
    t.deepEqual(decodeArp(arp.subarray(0, n)), new Malformed('arp', 'truncated', n));
  const padded = new Uint8Array(46).fill(0xee);
  padded.set(arp);
  t.deepEqual(decodeArp(padded), decodeArp(arp));
});

// IPv4

const kernelPing = '4500 001c 0001 0000 40 01 66d0 0a010009 0a020005 0800 f7fd 0001 0001';
const ping: Ipv4Packet = {
  tos: 0,
  identification: 1,
  dontFragment: false,
  moreFragments: false,
  fragmentOffset: 0,
  ttl: 64,
  protocol: 1,
  source: ipv4('10.1.0.9'),
  destination: ipv4('10.2.0.5'),
  options: [],
  payload: hex('0800 f7fd 0001 0001'),
};

test('a packet without options (kernel, router_icmp "warm ping")', (t) => {
  t.deepEqual(decodeIpv4(hex(kernelPing)), ping);
  t.deepEqual(encodeIpv4(ping), hex(kernelPing));
});

test('IP-1: padding after the total length is trimmed', (t) => {
  t.deepEqual(decodeIpv4(hex(`${kernelPing} 0000 eeee`)), ping);
});

const badHeaders: [what: string, bytes: string, reason: Malformed['reason'], offset: number][] = [
  ['version 5', '5500 0014 0001 0000 40 11 0000 0a010009 0a020005', 'unsupported', 0],
  ['a header of 4 words', '4400 0014 0001 0000 40 11 77cd 0a010009 0a020005', 'bad-length', 0],
  [
    'a header longer than the bytes',
    '4600 0018 0001 0000 40 11 0000 0a010009 0a020005',
    'truncated',
    20,
  ],
  [
    'a wrong checksum (kernel drops it too)',
    '4500 0021 0001 0000 40 11 1111 0a010009 0a020005 0457270f000d7c8b68656c6c6f',
    'bad-checksum',
    10,
  ],
  [
    'a total length beyond the frame (kernel drops it too)',
    '4500 00c8 0001 0000 40 11 6614 0a010009 0a020005 0457270f000d7c8b68656c6c6f',
    'bad-length',
    2,
  ],
  [
    'a total length below the header (kernel drops it too)',
    '4500 000a 0001 0000 40 11 66d2 0a010009 0a020005 0457270f000d7c8b68656c6c6f',
    'bad-length',
    2,
  ],
];
for (const [what, bytes, reason, offset] of badHeaders) {
  test(`IP-1: ${what} is refused`, (t) => {
    t.deepEqual(decodeIpv4(hex(bytes)), new Malformed('ipv4', reason, offset));
  });
}

test('IP-1: every shorter packet is refused, and every flipped bit of the header', (t) => {
  const good = hex(kernelPing);
  for (let n = 0; n < good.length; n += 1)
    t.true(decodeIpv4(good.subarray(0, n)) instanceof Malformed, `${n} bytes`);
  for (let bit = 0; bit < 160; bit += 1) {
    const flipped = good.with(bit >> 3, good[bit >> 3]! ^ (0x80 >> (bit & 7)));
    t.true(decodeIpv4(flipped) instanceof Malformed, `bit ${bit}`);
  }
});

test('IP-6: the fields of fragments, offsets in bytes (RFC 791 appendix A, example 2)', (t) => {
  // "Identification = 111 |Flg=1| Fragment Offset = 0", Total Length = 276, Time = 119, Protocol = 6
  const first: Ipv4Packet = {
    ...ping,
    identification: 111,
    moreFragments: true,
    ttl: 119,
    protocol: 6,
    payload: new Uint8Array(256),
  };
  // "Flg=0 | Fragment Offset = 32", Total Length = 216
  const second = {
    ...first,
    moreFragments: false,
    fragmentOffset: 256,
    payload: new Uint8Array(196),
  };
  t.deepEqual(encodeIpv4(first).subarray(0, 10), hex('4500 0114 006f 2000 77 06'));
  t.deepEqual(encodeIpv4(second).subarray(0, 10), hex('4500 00d8 006f 0020 77 06'));
  t.deepEqual(decodeIpv4(encodeIpv4(first)), first);
  t.deepEqual(decodeIpv4(encodeIpv4(second)), second);
});

test('IP-6: the flags (kernel, reassembly "zero-length MF frag"; router_icmp "1500 DF over mtu1400")', (t) => {
  const more = decodeIpv4(hex('45000014006f2000400146780a0000020a000001')) as Ipv4Packet;
  t.like(more, {
    moreFragments: true,
    dontFragment: false,
    fragmentOffset: 0,
    identification: 0x6f,
  });
  t.is(more.payload.length, 0);
  const header = hex('450005dc00014000401121000a0100090a020005');
  const dont = decodeQuotedIpv4(header) as Ipv4Packet;
  t.like(dont, { moreFragments: false, dontFragment: true, fragmentOffset: 0 });
});

test('options are listed as they stand (RFC 791 appendix A, example 3)', (t) => {
  // |code x|len 3|value|code x| |len 4|value|value|code 1| |code y|len 3|value|code 0|, IHL 8
  const options: Ipv4Option[] = [
    { type: 0x88, data: hex('aa') },
    { type: 0x88, data: hex('bbcc') },
    { type: 1, data: nothing },
    { type: 0x99, data: hex('dd') },
  ];
  const bytes = encodeIpv4({ ...ping, options, payload: nothing });
  t.is(bytes[0], 0x48);
  t.deepEqual(bytes.subarray(20), hex('8803aa88 04bbcc01 9903dd00'));
  t.deepEqual((decodeIpv4(bytes) as Ipv4Packet).options, options);
});

test('a record route with the router’s address in it (kernel, router_icmp "options: RR")', (t) => {
  const bytes = hex(
    '47000029000100003f1153a20a0100090a0200050707080a020001000457270f000d7c8b68656c6c6f',
  );
  const packet = decodeIpv4(bytes) as Ipv4Packet;
  t.deepEqual(packet.options, [{ type: 7, data: hex('08 0a020001') }]);
  t.is(packet.payload.length, 13);
  t.deepEqual(encodeIpv4(packet), bytes);
});

/** The checksum as RFC 1071 section 1 says it, word by word. */
function plainChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += bytes[i]! * 256 + (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** A header with these eight bytes of options, and a right checksum. */
function withOptions(options: string): Uint8Array {
  const bytes = hex(`4700 001c 0001 0000 40 11 0000 0a010009 0a020005 ${options}`);
  const checksum = plainChecksum(bytes);
  return bytes.with(10, checksum >>> 8).with(11, checksum & 0xff);
}

const keptOptions: [what: string, bytes: string, options: [type: number, data: string][]][] = [
  ['nothing but zeros', '00000000 00000000', [[0, '00000000000000']]],
  ['zeros that fill the last word only', '0707040a 02000500', [[7, '040a020005']]],
  [
    'a whole word of zeros',
    '07040400 00000000',
    [
      [7, '0400'],
      [0, '000000'],
    ],
  ],
  ['no operation, eight times', '01010101 01010101', Array(8).fill([1, ''])],
  ['something after the end', '00070401 00000002', [[0, '07040100000002']]],
  ['an option without data', '0202 0202 0202 0000', Array(3).fill([2, ''])],
];
for (const [what, bytes, options] of keptOptions) {
  test(`options: ${what}`, (t) => {
    const packet = decodeIpv4(withOptions(bytes)) as Ipv4Packet;
    t.deepEqual(
      packet.options,
      options.map(([type, data]) => ({ type, data: hex(data) })),
    );
    t.deepEqual(encodeIpv4(packet), withOptions(bytes));
  });
}

const badOptions: [what: string, bytes: string, offset: number][] = [
  ['a length of 0', '07000000 00000000', 21],
  ['a length of 1', '01070100 00000000', 22],
  ['a length past the header', '07090000 00000000', 21],
  ['a length past the header, later', '07040000 01070400', 26],
  ['a type without a length', '01010101 01010107', 27],
];
for (const [what, bytes, offset] of badOptions) {
  test(`IP-9: an option with ${what} is refused, and the offset is for the parameter problem`, (t) => {
    t.deepEqual(decodeIpv4(withOptions(bytes)), new Malformed('ipv4', 'bad-length', offset));
  });
}

test('the checksum is judged before the options, so that noise is never answered', (t) => {
  const bytes = withOptions('07000000 00000000');
  t.deepEqual(
    decodeIpv4(bytes.with(11, bytes[11]! ^ 1)),
    new Malformed('ipv4', 'bad-checksum', 10),
  );
});

test('a checksum of minus zero passes and is kept (RFC 1624 section 3)', (t) => {
  const plain = hex('4500 0014 0000 0000 40 11 0000 0a010009 0a020005');
  const rest = plainChecksum(plain); // as identification it makes the sum 0xffff
  const bytes = plain.with(4, rest >>> 8).with(5, rest & 0xff);
  t.is((decodeIpv4(bytes) as Ipv4Packet).minusZero, undefined);
  t.deepEqual(encodeIpv4(decodeIpv4(bytes) as Ipv4Packet), bytes);
  const minus = bytes.with(10, 0xff).with(11, 0xff);
  t.true((decodeIpv4(minus) as Ipv4Packet).minusZero);
  t.deepEqual(encodeIpv4(decodeIpv4(minus) as Ipv4Packet), minus);
});

test('the reserved flag is kept', (t) => {
  const bytes = encodeIpv4({ ...ping, reserved: true });
  t.is(bytes[6], 0x80);
  t.deepEqual(decodeIpv4(bytes), { ...ping, reserved: true });
});

test('what no packet can hold is our own mistake and throws', (t) => {
  const long: Ipv4Option = { type: 7, data: new Uint8Array(39) };
  t.throws(() => encodeIpv4({ ...ping, options: [long] }), { instanceOf: RangeError });
  t.notThrows(() => encodeIpv4({ ...ping, options: [{ type: 7, data: new Uint8Array(38) }] }));
  t.throws(() => encodeIpv4({ ...ping, payload: new Uint8Array(65516) }), {
    instanceOf: RangeError,
  });
  t.notThrows(() => encodeIpv4({ ...ping, payload: new Uint8Array(65515) }));
  for (const fragmentOffset of [4, 65536, -8])
    t.throws(() => encodeIpv4({ ...ping, fragmentOffset }), { instanceOf: RangeError });
  t.notThrows(() => encodeIpv4({ ...ping, fragmentOffset: 65528 }));
  const udp = { sourcePort: 1, destinationPort: 2, payload: new Uint8Array(65528) };
  t.throws(() => encodeUdp(udp, anyIpv4, anyIpv4), { instanceOf: RangeError });
});

test('a quoted packet is read as far as it goes, and its checksum is not verified', (t) => {
  const quote = hex('450005dc00014000ffff ffff0a0100090a020005 0001000205c885f0');
  const packet = decodeQuotedIpv4(quote) as Ipv4Packet;
  t.like(packet, { source: ipv4('10.1.0.9'), destination: ipv4('10.2.0.5'), dontFragment: true });
  t.deepEqual(packet.payload, hex('0001000205c885f0'));
  const extended = decodeQuotedIpv4(hex('4500001800010000ffff 00000a0100090a020005 00010002 eeee'));
  t.deepEqual((extended as Ipv4Packet).payload, hex('00010002'));
  t.deepEqual(decodeQuotedIpv4(quote.subarray(0, 19)), new Malformed('ipv4', 'truncated', 19));
});

// ICMP

const quote = hex('45000021000100003f1167730a0100090a01004e0457270f000d7c8b68656c6c6f');
const quoted = '45000021000100003f1167730a0100090a01004e0457270f000d7c8b68656c6c6f';
const messages: [what: string, bytes: string, icmp: Icmp][] = [
  [
    'echo request (kernel, router_icmp "ping b")',
    '0800 f7fc 0001 0002',
    { kind: 'echo-request', code: 0, identifier: 1, sequence: 2, data: nothing },
  ],
  [
    'echo reply (kernel, router_icmp "warm ping")',
    '0000 fffd 0001 0001',
    { kind: 'echo-reply', code: 0, identifier: 1, sequence: 1, data: nothing },
  ],
  [
    'port unreachable (kernel, router_icmp "udp closed port at b")',
    '0303112c 00000000 45000021000100003f1167bb0a0100090a0200050457270f000d7c8b68656c6c6f',
    {
      kind: 'unreachable',
      code: 3,
      mtu: 0,
      quote: hex('45000021000100003f1167bb0a0100090a0200050457270f000d7c8b68656c6c6f'),
    },
  ],
  [
    'time exceeded (kernel, router_icmp "ttl=0 udp fwd")',
    '0b00092f 00000000 45000021000100000011a6bb0a0100090a0200050457270f000d7c8b68656c6c6f',
    {
      kind: 'time-exceeded',
      code: 0,
      quote: hex('45000021000100000011a6bb0a0100090a0200050457270f000d7c8b68656c6c6f'),
    },
  ],
  [
    'redirect (kernel, router_icmp "redirect: known same side 10.1.0.78")',
    `050104df 0a01004e ${quoted}`,
    { kind: 'redirect', code: 1, gateway: ipv4('10.1.0.78'), quote },
  ],
  [
    'timestamp reply (kernel, router_icmp "timestamp req")',
    '0e008741 00010001 000000000042351c0042351c',
    { kind: 'other', type: 14, code: 0, word: 0x0001_0001, body: hex('000000000042351c0042351c') },
  ],
];
for (const [what, bytes, icmp] of messages) {
  test(`ICMP ${what}`, (t) => {
    t.deepEqual(decodeIcmp(hex(bytes)), icmp);
    t.deepEqual(encodeIcmp(icmp), hex(bytes));
  });
}

/** A message with a right checksum. */
function message(start: string, rest: Uint8Array): Uint8Array {
  const bytes = new Uint8Array([...hex(start), ...rest]);
  const checksum = plainChecksum(bytes);
  return bytes.with(2, checksum >>> 8).with(3, checksum & 0xff);
}

const layouts: [what: string, start: string, icmp: Icmp][] = [
  [
    'fragmentation needed carries the MTU of the next hop in its last 16 bits (RFC 1191 section 4)',
    '0304 0000 0000 0578',
    { kind: 'unreachable', code: 4, mtu: 1400, quote },
  ],
  [
    'the length of a quote that extensions follow is kept (RFC 4884 section 4.1)',
    '0301 0000 0011 0000',
    { kind: 'unreachable', code: 1, unused: 0x0011_0000, mtu: 0, quote },
  ],
  [
    'the same in time exceeded (RFC 4884 section 4.2)',
    '0b00 0000 0011 0000',
    { kind: 'time-exceeded', code: 0, unused: 0x0011_0000, quote },
  ],
  [
    'a parameter problem points at a byte (RFC 792)',
    '0c00 0000 1500 0000',
    { kind: 'parameter-problem', code: 0, pointer: 21, quote },
  ],
  [
    'bits that should be zero are kept',
    '0c00 0000 ff80 0001',
    { kind: 'parameter-problem', code: 0, pointer: 255, unused: 0x0080_0001, quote },
  ],
  [
    'an echo may have any code, which its reply repeats (ICMP-4)',
    '0807 0000 ffff fffe',
    { kind: 'echo-request', code: 7, identifier: 0xffff, sequence: 0xfffe, data: quote },
  ],
  [
    'a gateway is an address as all others are',
    '0500 0000 c0000201',
    { kind: 'redirect', code: 0, gateway: ipv4('192.0.2.1'), quote },
  ],
  [
    'an unknown type keeps its word unsigned',
    '6409 0000 f000 0001',
    { kind: 'other', type: 100, code: 9, word: 0xf000_0001, body: quote },
  ],
];
for (const [what, start, icmp] of layouts) {
  test(`ICMP: ${what}`, (t) => {
    t.deepEqual(decodeIcmp(message(start, quote)), icmp);
    t.deepEqual(encodeIcmp(icmp), message(start, quote));
  });
}

test('ICMP: fewer than 8 bytes are truncated, a wrong checksum is refused', (t) => {
  const good = hex('0800 f7fc 0001 0002');
  for (let n = 0; n < 8; n += 1)
    t.deepEqual(decodeIcmp(good.subarray(0, n)), new Malformed('icmp', 'truncated', n));
  t.deepEqual(decodeIcmp(good.with(3, 0xfd)), new Malformed('icmp', 'bad-checksum', 2));
});

test('ICMP: minus zero is kept, and is not what all zeros come to', (t) => {
  const zeros = hex('0000 ffff 0000 0000');
  t.deepEqual(encodeIcmp(decodeIcmp(zeros) as Icmp), zeros);
  t.is((decodeIcmp(zeros) as Icmp).minusZero, undefined);
  for (const checksum of ['0000', 'ffff']) {
    const bytes = hex(`0800 ${checksum} f7ff 0000`);
    t.deepEqual(encodeIcmp(decodeIcmp(bytes) as Icmp), bytes);
  }
});

// UDP

const closed = { source: ipv4('10.1.0.9'), destination: ipv4('10.2.0.5') };

test('UDP-1: the checksum covers addresses, ports and data (kernel, router_icmp "udp closed port at b")', (t) => {
  const bytes = hex('0457270f000d7c8b 68656c6c6f');
  const udp: Udp = { sourcePort: 1111, destinationPort: 9999, payload: hex('68656c6c6f') };
  t.deepEqual(decodeUdp(bytes, closed.source, closed.destination), udp);
  t.deepEqual(encodeUdp(udp, closed.source, closed.destination), bytes);
  t.deepEqual(
    decodeUdp(bytes, closed.source, ipv4('10.2.0.6')),
    new Malformed('udp', 'bad-checksum', 6),
  );
  for (let i = 0; i < bytes.length; i += 1) {
    const flipped = decodeUdp(bytes.with(i, bytes[i]! ^ 1), closed.source, closed.destination);
    t.true(flipped instanceof Malformed, `byte ${i}`);
  }
});

test('UDP-1: without the addresses the checksum is not looked at', (t) => {
  t.false(decodeUdp(hex('0457270f000d 1234 68656c6c6f')) instanceof Malformed);
});

test('UDP-1: a received 0 means none and is accepted (kernel, router_icmp "udp cksum 0 (none)")', (t) => {
  const bytes = hex('000100020009000078');
  const udp: Udp = { sourcePort: 1, destinationPort: 2, withoutChecksum: true, payload: hex('78') };
  t.deepEqual(decodeUdp(bytes, closed.source, closed.destination), udp);
  t.deepEqual(encodeUdp(udp, closed.source, closed.destination), bytes);
});

test('UDP-1: a checksum that comes to 0 is sent as ffff', (t) => {
  // Pseudo header 0 + 0 + 17 + 8, ports 0xffde + 0, length 8: 0xffff in all.
  const bytes = encodeUdp(
    { sourcePort: 0xffde, destinationPort: 0, payload: nothing },
    anyIpv4,
    anyIpv4,
  );
  t.deepEqual(bytes, hex('ffde 0000 0008 ffff'));
  t.deepEqual(decodeUdp(bytes, anyIpv4, anyIpv4), {
    sourcePort: 0xffde,
    destinationPort: 0,
    payload: nothing,
  });
});

test('UDP-2: a length below 8 or beyond the packet is refused, more than it says is ignored', (t) => {
  for (const length of ['0000', '0007', '000a', 'ffff'])
    t.deepEqual(decodeUdp(hex(`00010002${length}000078`)), new Malformed('udp', 'bad-length', 4));
  t.deepEqual((decodeUdp(hex('000100020008000078')) as Udp).payload, nothing);
  for (let n = 0; n < 8; n += 1)
    t.deepEqual(decodeUdp(new Uint8Array(n)), new Malformed('udp', 'truncated', n));
});

// VXLAN

test('VX-1: flags 08, reserved bits 0, 24 bits of VNI (kernel, vxlan "good")', (t) => {
  const inner = hex('02000000aaaa02000000009908060001');
  const vxlan: Vxlan = { flags: vniFlag, vni: 42, payload: inner };
  t.deepEqual(encodeVxlan(vxlan).subarray(0, 8), hex('08000000 00002a00'));
  t.deepEqual(decodeVxlan(encodeVxlan(vxlan)), vxlan);
  const highest = encodeVxlan({ ...vxlan, vni: 0xff_fffe });
  t.deepEqual(highest.subarray(0, 8), hex('08000000 fffffe00'));
  t.is((decodeVxlan(highest) as Vxlan).vni, 0xff_fffe);
});

test('VX-1: the source port is from 49152 up, one per flow, and many among flows', (t) => {
  const ports = new Set<number>();
  for (let i = 0; i < 1000; i += 1) {
    const payload = encodeIpv4({ ...ping, source: (ping.source + i) as Ipv4 });
    const frame = encodeEthernet({ target: h, source: a, type: etherType.ipv4, payload });
    const later = frame.with(19, i & 0xff).with(frame.length - 1, i & 0xff); // identification, data
    const port = vxlanSourcePort(frame);
    t.is(vxlanSourcePort(later), port);
    t.true(port >= 49152 && port <= 65535 && Number.isInteger(port));
    ports.add(port);
  }
  t.true(ports.size > 900, `${ports.size} ports for 1000 flows`);
  t.true(vxlanSourcePort(nothing) >= 49152);
});

test('VX-2: flags and reserved bits reach the receiver as they are (kernel, vxlan "flags 0x0c", "reserved2 set")', (t) => {
  const cases: [string, Partial<Vxlan>][] = [
    ['0c000000 00002a00', { flags: 0x0c, vni: 42 }],
    ['00000000 00002a00', { flags: 0, vni: 42 }],
    ['ff000000 00002a00', { flags: 0xff, vni: 42 }],
    ['08000000 00002a55', { flags: 8, vni: 42, reserved: 0x55 }],
    ['08800001 ffffff00', { flags: 8, vni: 0xffffff, reserved: 0x8000_0100 }],
  ];
  for (const [bytes, vxlan] of cases) {
    t.deepEqual(decodeVxlan(hex(bytes)), { ...vxlan, payload: nothing } as Vxlan);
    t.deepEqual(encodeVxlan(decodeVxlan(hex(bytes)) as Vxlan), hex(bytes));
  }
  t.deepEqual(decodeVxlan(hex('08000000 0000')), new Malformed('vxlan', 'truncated', 6));
});

// Properties

const anyMac = fc.integer({ min: 0, max: 2 ** 48 - 1 }).map((n) => n as Mac);
const anyIp = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map((n) => n as Ipv4);
const bits = (count: number) => fc.integer({ min: 0, max: 2 ** count - 1 });
const data = fc.uint8Array({ maxLength: 40 });
const flag = fc.constantFrom({}, { reserved: true as const });

const anyEthernet = fc
  .record({ target: anyMac, source: anyMac, type: bits(16), payload: data })
  .filter(({ type }) => type !== etherType.vlan);
const anyTag = fc.record({ priority: bits(3), dropEligible: fc.boolean(), vlan: bits(12) });
const anyTagged = fc.tuple(anyEthernet, anyTag).map(([frame, tag]) => ({ ...frame, tag }));
const anyArp = fc.record({
  operation: fc.constantFrom('request' as const, 'reply' as const),
  senderMac: anyMac,
  senderIp: anyIp,
  targetMac: anyMac,
  targetIp: anyIp,
});
const anyOption = fc
  .record({ type: bits(8), data: fc.uint8Array({ maxLength: 8 }) })
  .filter(({ type }) => type !== 0)
  .map((option) => (option.type === 1 ? { ...option, data: nothing } : option));
const anyPacket = fc
  .record({
    tos: bits(8),
    identification: bits(16),
    dontFragment: fc.boolean(),
    moreFragments: fc.boolean(),
    fragmentOffset: bits(13).map((words) => words * 8),
    ttl: bits(8),
    protocol: bits(8),
    source: anyIp,
    destination: anyIp,
    options: fc.array(anyOption, { maxLength: 4 }),
    payload: data,
  })
  .chain((packet) => flag.map((reserved) => ({ ...packet, ...reserved })));
const errorCommon = { code: bits(8), quote: data };
const anyIcmp: fc.Arbitrary<Icmp> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('echo-request' as const, 'echo-reply' as const),
    code: bits(8),
    identifier: bits(16),
    sequence: bits(16),
    data,
  }),
  fc.record({ kind: fc.constant('unreachable' as const), ...errorCommon, mtu: bits(16) }),
  fc.record({ kind: fc.constant('redirect' as const), ...errorCommon, gateway: anyIp }),
  fc.record({ kind: fc.constant('time-exceeded' as const), ...errorCommon }),
  fc.record({ kind: fc.constant('parameter-problem' as const), ...errorCommon, pointer: bits(8) }),
  fc.record({
    kind: fc.constant('other' as const),
    type: fc.constantFrom(4, 9, 10, 13, 14, 17, 18, 42, 255),
    code: bits(8),
    word: bits(32),
    body: data,
  }),
);
const anyUdp = fc.record({ sourcePort: bits(16), destinationPort: bits(16), payload: data });
const anyVxlan = fc.record({ flags: bits(8), vni: bits(24), payload: data });

/** Whether decoding undoes encoding, with `padding` after it where the codec trims. */
function undoes<Value>(
  name: string,
  values: fc.Arbitrary<Value>,
  encode: (value: Value) => Uint8Array,
  decode: (bytes: Uint8Array) => Value | Malformed,
  paddingMax: number,
): void {
  test(`decoding undoes encoding: ${name}`, (t) => {
    const padding = fc.uint8Array({ maxLength: paddingMax });
    const property = fc.property(values, padding, (value, after) => {
      const bytes = new Uint8Array([...encode(value), ...after]);
      t.deepEqual(decode(bytes), value);
    });
    fc.assert(property, { seed: 791, numRuns: 300 });
  });
}

undoes<Ethernet>('Ethernet', anyEthernet, encodeEthernet, decodeEthernet, 0);
undoes<Ethernet>('Ethernet with a tag', anyTagged, encodeEthernet, decodeEthernet, 0);
undoes<Arp>('ARP', anyArp, encodeArp, decodeArp, 18);
undoes<Ipv4Packet>('IPv4', anyPacket, encodeIpv4, decodeIpv4, 18);
undoes<Icmp>('ICMP', anyIcmp, encodeIcmp, decodeIcmp, 0);
undoes<Udp>(
  'UDP',
  anyUdp,
  (udp) => encodeUdp(udp, closed.source, closed.destination),
  (bytes) => decodeUdp(bytes, closed.source, closed.destination),
  18,
);
undoes<Vxlan>('VXLAN', anyVxlan, encodeVxlan, decodeVxlan, 0);
