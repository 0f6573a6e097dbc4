import { readFileSync } from 'node:fs';
import test from 'ava';
import { hex, showHex, view } from '../../../src/base/bytes.ts';
import { Random } from '../../../src/base/random.ts';
import { sequence } from '../../../src/base/sequence.ts';
import {
  after,
  type Instant,
  labStart,
  milliseconds,
  nanoseconds,
  seconds,
} from '../../../src/base/time.ts';
import { linux, type Profile, strict } from '../../../src/stack/profile.ts';
import { clampMss } from '../../../src/stack/tcp/clamp.ts';
import { TcpLayer } from '../../../src/stack/tcp/layer.ts';
import type { TcpOutput } from '../../../src/stack/tcp/messages.ts';
import { type Ipv4, ipv4 } from '../../../src/wire/address.ts';
import { Malformed } from '../../../src/wire/malformed.ts';
import { readPcap } from '../../../src/wire/pcapng/pcap.ts';
import {
  decodeTcp,
  encodeTcp,
  type TcpOption,
  type TcpSegment,
  tcpFlag,
} from '../../../src/wire/tcp.ts';
import { needsCorpus } from '../../needs.ts';
import { addressOf, has, instant, lan, Pair, randomWith } from './harness.ts';

const { syn, ack, psh } = tcpFlag;

test('TCP-1: a closed port answers as the kernel does, byte for byte', (t) => {
  const file = needsCorpus(t, 'kernel-golden', 'router_icmp.json');
  if (file === undefined) return;
  interface Case {
    case: string;
    frame: string;
    replies_on_a0: { frame: string }[];
  }
  const cases = (JSON.parse(readFileSync(file, 'utf8')).cases as Case[]).filter(({ case: name }) =>
    /^tcp: .*closed/.test(name),
  );
  t.true(cases.length >= 5, `${cases.length} cases`);
  for (const { case: name, frame, replies_on_a0: replies } of cases) {
    const { source, destination, bytes } = tcpOf(hex(frame));
    const outputs = closedHost().handle({ kind: 'segment', source, destination, bytes }, labStart);
    const said = outputs.flatMap((o) => (o.kind === 'segment' ? [showHex(o.bytes)] : []));
    const kernel = replies.map((reply) => showHex(tcpOf(hex(reply.frame)).bytes));
    t.deepEqual(said, kernel, name);
    const drops = outputs.flatMap((o) => (o.kind === 'dropped' ? [o.reason] : []));
    t.deepEqual(drops, [kernel.length > 0 ? 'PORT_CLOSED' : 'TCP_UNEXPECTED']);
  }
});

test('TCP-1: seven segments to a closed port (RFC 9293 section 3.5.2)', (t) => {
  const { fin, rst } = tcpFlag;
  const cases: [string, number, number, string][] = [
    // name, flags, bytes of text; flags, sequence and acknowledgment of the answer
    ['SYN', syn, 0, 'RST,ACK 0 1001'],
    ['ACK', ack, 0, 'RST 777 0'],
    ['FIN', fin, 0, 'RST,ACK 0 1001'],
    ['no flags', 0, 0, 'RST,ACK 0 1000'],
    ['SYN|FIN', syn | fin, 0, 'RST,ACK 0 1002'],
    ['SYN with text', syn, 5, 'RST,ACK 0 1006'],
    ['RST', rst, 0, ''],
  ];
  for (const [name, flags, text, expected] of cases) {
    const outputs = give(closedHost(), segmentOf(flags, 1000, 777, text));
    const said = segmentsIn(outputs).map((s) => {
      const kind = s.flags & ack ? 'RST,ACK' : 'RST';
      return `${kind} ${s.sequence} ${s.acknowledgment}`;
    });
    t.is(said.join(), expected, name);
  }
});

test('TCP-1: nothing is said to a broadcast, to a multicast, or to nobody', (t) => {
  const other = addressOf.a;
  const bytes = encodeTcp(segmentOf(syn, 1, 0), other, other);
  for (const bad of ['255.255.255.255', '224.0.0.1', '0.0.0.0'].map(ipv4)) {
    for (const [source, destination] of [[bad, other] as const, [other, bad] as const]) {
      const outputs = closedHost().handle(
        { kind: 'segment', source, destination, bytes },
        labStart,
      );
      t.deepEqual(
        outputs.map((o) => o.kind === 'dropped' && o.reason),
        ['MARTIAN'],
      );
    }
  }
});

test('a wrong checksum and malformed bytes are dropped with their reasons', (t) => {
  const bytes = encodeTcp(segmentOf(syn, 1, 0), addressOf.a, addressOf.b);
  const input = { kind: 'segment', source: addressOf.a, destination: addressOf.b } as const;
  bytes[4]! ^= 1;
  const [wrong] = closedHost().handle({ ...input, bytes }, labStart);
  t.is(wrong?.kind === 'dropped' && wrong.reason, 'TCP_CHECKSUM');
  const [short] = closedHost().handle({ ...input, bytes: bytes.subarray(0, 19) }, labStart);
  t.is(short?.kind === 'dropped' && short.reason, 'MALFORMED');
});

/** A host with an open connection: the other end has sent up to 1, and it up to `acknowledged`. */
function openHost(): { layer: TcpLayer; acknowledged: number } {
  const layer = new TcpLayer({ profile: linux, random: new Random('open') });
  layer.handle({ kind: 'listen', port: 80, service: { kind: 'accept' } }, labStart);
  const [answer] = segmentsIn(give(layer, segmentOf(syn, 0, 0, 0, 80)));
  const acknowledged = answer!.sequence + 1;
  give(layer, segmentOf(ack, 1, acknowledged, 0, 80));
  return { layer, acknowledged };
}

const dropsIn = (outputs: readonly TcpOutput[]): string[] =>
  outputs.flatMap((output) => (output.kind === 'dropped' ? [output.reason] : []));

test('what cannot be part of an open connection is dropped with its reason (RFC 9293 section 3.10.7.4)', (t) => {
  const { layer, acknowledged } = openHost();
  const beyond = segmentOf(ack | psh, 0x4000_0000, acknowledged, 5, 80);
  t.deepEqual(dropsIn(give(layer, beyond)), ['TCP_OUT_OF_WINDOW']);
  const neverSent = segmentOf(ack, 1, acknowledged + 1000, 0, 80);
  t.deepEqual(dropsIn(give(layer, neverSent)), ['TCP_BAD_ACK']);
});

test('of pieces that come too early only so many are kept (SHLD-31)', (t) => {
  const { layer, acknowledged } = openHost();
  const reasons = Array.from({ length: 520 }, (_, i) =>
    dropsIn(give(layer, segmentOf(ack, 3 + 2 * i, acknowledged, 1, 80))),
  ).flat();
  t.deepEqual([...new Set(reasons)], ['TCP_QUEUE_FULL']);
  t.true(reasons.length < 520);
});

const synTimes: Record<string, [Profile, number[], number]> = {
  strict: [strict, [0, 1, 3, 7, 15, 31, 63], 127],
  linux: [linux, [0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67], 131],
};
for (const [name, [profile, times, end]] of Object.entries(synTimes)) {
  test(`TCP-3: nobody answers a SYN, ${name}: at ${times} s, and given up at ${end} s`, (t) => {
    const pair = new Pair({ ...lan, loses: () => true }, { profile, keep: true });
    pair.connect({ remotePort: 80 });
    pair.run();
    t.deepEqual(
      pair.sent.map(({ at }) => at / 1e9),
      times,
    );
    t.is(pair.log.at(-1)!.at / 1e9, end);
    t.is(pair.done()?.result, 'timeout');
    t.is(pair.done()?.because, 'TCP_TIMEOUT');
  });
}

test('TCP-3: nobody answers a SYN-ACK: at 0, 1, 3, 7, 15 and 31 s', (t) => {
  const layer = new TcpLayer({ profile: linux, random: new Random('syn-ack') });
  layer.handle({ kind: 'listen', port: 80, service: { kind: 'accept' } }, labStart);
  const times: number[] = [];
  let now = labStart;
  let outputs = give(layer, segmentOf(syn, 1, 0, 0, 80));
  for (;;) {
    times.push(...segmentsIn(outputs).map(() => now / 1e9));
    const next = layer.nextWake();
    if (next === undefined) break;
    now = next;
    outputs = layer.wake(now);
  }
  t.deepEqual(times, [0, 1, 3, 7, 15, 31]);
  t.is(now / 1e9, 63);
});

/** One step of the kernel's timer wheel: it may fire late by an eighth, never early. */
const wheel = (kernel: number, ours: number): boolean =>
  kernel >= ours - 0.005 && kernel <= ours * 1.125 + 0.05;

test('TCP-3: the waits between SYNs and SYN-ACKs are those of the kernel', (t) => {
  const capture = goldenCapture(t);
  if (capture === undefined) return;
  const syns = timesOf(capture, 0, 139, (s) => s.flags === syn);
  t.is(syns.length, 11);
  const synAcks = timesOf(capture, 139, 209, (s) => s.flags === (syn | ack));
  t.is(synAcks.length, 6);
  const [, ours] = synTimes['linux']!;
  check(syns, ours);
  check(synAcks, [0, 1, 3, 7, 15, 31]);
  function check(kernel: readonly number[], times: readonly number[]): void {
    for (let i = 1; i < kernel.length; i += 1) {
      const wait = kernel[i]! - kernel[i - 1]!;
      t.true(wheel(wait, times[i]! - times[i - 1]!), `wait ${i}: ${wait}`);
    }
  }
});

test('TCP-4: data goes again after the waits of the kernel, for the same round trip', (t) => {
  const capture = goldenCapture(t);
  if (capture === undefined) return;
  const kernel = timesOf(capture, 210.05, 238, (s) => s.flags === (psh | ack));
  t.is(kernel.length, 7);
  const layer = new TcpLayer({ profile: linux, random: new Random('rto') });
  const service = { kind: 'send', bytes: 5 } as const;
  layer.handle({ kind: 'listen', port: 80, service }, labStart);
  const [synAck] = segmentsIn(give(layer, segmentOf(syn, 1, 0, 0, 80)));
  let now = after(labStart, milliseconds(101)); // as in the capture
  const times: number[] = [];
  let outputs = give(layer, segmentOf(ack, 2, synAck!.sequence + 1, 0, 80), now);
  while (times.length < 7) {
    times.push(...segmentsIn(outputs).map(() => now / 1e9));
    now = layer.nextWake()!;
    outputs = layer.wake(now);
  }
  t.is(times[0], 0.101);
  for (let i = 1; i < 7; i += 1) {
    const theirs = kernel[i]! - kernel[i - 1]!;
    const ours = times[i]! - times[i - 1]!;
    t.true(wheel(theirs, ours), `wait ${i}: ${theirs} and ${ours}`);
  }
});

test('TCP-4: the timeout starts at 1 s, doubles, and is at least 1 s strictly, 0.2 s on Linux', (t) => {
  for (const [profile, first] of [[strict, 1] as const, [linux, 0.2] as const]) {
    const pair = new Pair({ delay: milliseconds(5) }, { profile, keep: true });
    pair.tell('b', { kind: 'listen', port: 80, service: { kind: 'accept' } });
    const connection = pair.connect({ remotePort: 80, hold: true });
    // Many round trips of 10 ms, so that the variation is small and the floor is what counts.
    pair.tell('a', { kind: 'send', connection, bytes: 300_000, expect: 0 });
    pair.run(instant(seconds(20)));
    pair.path = { ...pair.path, loses: () => true };
    const start = pair.now;
    pair.tell('a', { kind: 'send', connection, bytes: 5, expect: 0 });
    pair.run(instant(seconds(50)));
    const times = pair.sent.filter(({ at }) => at >= start).map(({ at }) => (at - start) / 1e9);
    t.deepEqual(
      times.slice(0, 5),
      [0, 1, 3, 7, 15].map((n) => Math.round(n * first * 10) / 10),
    );
  }
});

test('TCP-4: an acknowledgment of what was sent twice is not measured (Karn)', (t) => {
  const pair = new Pair({ delay: milliseconds(50) }, { keep: true });
  pair.tell('b', { kind: 'listen', port: 80, service: { kind: 'accept' } });
  const connection = pair.connect({ remotePort: 80, hold: true });
  pair.run(instant(seconds(1)));
  pair.path = { ...pair.path, loses: (_, __, now) => now < 3.5e9 };
  pair.tell('a', { kind: 'send', connection, bytes: 5, expect: 0 });
  pair.run(instant(seconds(10)));
  t.is(pair.done()?.result, 'completed', 'sent at 1, 2 and 4 s');
  pair.path = { ...pair.path, loses: () => true };
  pair.tell('a', { kind: 'send', connection, bytes: 5, expect: 0 });
  pair.run(instant(seconds(100)));
  const times = pair.sent.filter(({ side }) => side === 'a').map(({ at }) => at / 1e9);
  const [last, again] = times.slice(times.indexOf(10));
  t.is(again! - last!, 4, 'still backed off: nothing has been measured since');
});

test('TCP-5: old text, bad ACKs, SYN and RST in the window are answered as the kernel does', (t) => {
  const capture = goldenCapture(t);
  if (capture === undefined) return;
  // From 210 s on, 10.0.0.2 is played by a script and 10.0.0.1 is the kernel, with one connection.
  const start = 209.9;
  const part = capture.filter(({ at }) => at >= start);
  const server = ipv4('10.0.0.1');
  const first = part.find(({ segment }) => segment.flags === (syn | ack))!;
  const layer = new TcpLayer({
    profile: linux,
    random: randomWith('golden', first.segment.sequence),
  });
  // The kernel had sent five bytes; four and a FIN take up as many sequence numbers.
  layer.handle({ kind: 'listen', port: 80, service: { kind: 'send', bytes: 4 } }, labStart);
  const kernel: string[] = [];
  const ours: string[] = [];
  const show = ({ flags, sequence: from, acknowledgment: upTo }: TcpSegment): string =>
    `${flags} ${from} ${upTo}`;
  for (const { at, segment, source, destination } of part) {
    const now = after(labStart, nanoseconds((at - start) * 1e9));
    if (source === server) {
      if (at > 238) kernel.push(`${at.toFixed(1)} ${show(segment)}`);
      continue;
    }
    layer.wake(now);
    const bytes = encodeTcp(segment, source, destination); // the sums of the capture are partial
    const said = segmentsIn(layer.handle({ kind: 'segment', source, destination, bytes }, now));
    if (at > 238) ours.push(...said.map((answer) => `${at.toFixed(1)} ${show(answer)}`));
  }
  t.true(kernel.length === 3, `${kernel.length} answers of the kernel`);
  t.deepEqual(ours, kernel);
  t.not(layer.connections, 0, 'no RST has closed it');
});

test('TCP-6: a SYN offers the MTU less 40, and a peer that offers nothing gets 536', (t) => {
  for (const mtu of [1500, 1420, 576]) {
    const pair = new Pair(lan, { keep: true });
    pair.connect({ remotePort: 80, mtu });
    t.deepEqual(pair.sent[0]!.segment.options[0], { kind: 'mss', mss: mtu - 40 });
  }
  const layer = new TcpLayer({ profile: strict, random: new Random('mss') });
  layer.handle({ kind: 'listen', port: 80, service: { kind: 'send', bytes: 5000 } }, labStart);
  const [synAck] = segmentsIn(give(layer, segmentOf(syn, 1, 0, 0, 80)));
  t.deepEqual(synAck!.options, [{ kind: 'mss', mss: 1460 }], 'no scaling unless it is offered');
  const data = segmentsIn(give(layer, segmentOf(ack, 2, synAck!.sequence + 1, 0, 80)));
  t.deepEqual(
    data.map(({ payload }) => payload.length),
    [536, 536, 536, 536],
    'RFC 5681 section 3.1: four segments of up to 1095 bytes',
  );
});

test('a window is scaled, but never on a SYN (RFC 7323 section 2.2)', (t) => {
  const layer = new TcpLayer({ profile: strict, random: randomWith('scale', 100) });
  const request = { local: addressOf.a, remote: addressOf.b, localPort: 9, remotePort: 5000 };
  layer.connect({ ...request, send: 50_000, expect: 0, mtu: 1500 }, labStart);
  const options: TcpOption[] = [
    { kind: 'mss', mss: 1460 },
    { kind: 'window-scale', shift: 7 },
  ];
  const first = { ...segmentOf(syn | ack, 1, 101), window: 1000, options };
  const sent = segmentsIn(give(layer, first));
  t.is(sent.at(-1)!.window, 131_072 >> 2, 'ours is scaled too');
  t.deepEqual(sentBytes(sent), 1000);
  const more = segmentsIn(give(layer, { ...segmentOf(ack, 2, 1101), window: 1000 }));
  t.deepEqual(sentBytes(more), 3 * 1460, 'now the congestion window is what limits');
  const plain = new TcpLayer({ profile: strict, random: randomWith('scale', 100) });
  plain.connect({ ...request, send: 50_000, expect: 0, mtu: 1500 }, labStart);
  give(plain, { ...segmentOf(syn | ack, 1, 101), window: 1000, options: options.slice(0, 1) });
  const few = segmentsIn(give(plain, { ...segmentOf(ack, 2, 1101), window: 1000 }));
  t.is(sentBytes(few), 1000);
});

const sentBytes = (segments: readonly TcpSegment[]): number =>
  segments.reduce((sum, { payload }) => sum + payload.length, 0);

test('RFC 5681 section 3.1 and RFC 6298 section 5.7: after a lost SYN one segment, and 3 s', (t) => {
  let syns = 0;
  const pair = new Pair(
    { ...lan, loses: (s) => s.payload.length > 0 || (has(s, 'syn') && syns++ === 0) },
    { keep: true },
  );
  pair.tell('b', { kind: 'listen', port: 80, service: { kind: 'accept' } });
  pair.connect({ remotePort: 80, send: 10_000 });
  pair.run(instant(seconds(10)));
  const data = pair.sent.filter(({ segment }) => segment.payload.length > 0).map(({ at }) => at);
  t.deepEqual(data, [1.002e9, 4.002e9] as Instant[]);
});

test('an ephemeral port is one that is free', (t) => {
  const pair = new Pair(lan, { keep: true });
  pair.connect({ remotePort: 80 });
  const first = pair.sent[0]!.segment.sourcePort;
  t.true(first >= 49_152 && first < 65_534);
  pair.connect({ remotePort: 80, localPort: first + 1 });
  pair.connect({ remotePort: 80 });
  t.is(pair.sent.at(-1)!.segment.sourcePort, first + 2);
  const taken = pair.connect({ remotePort: 80, localPort: first });
  t.is(pair.done()?.connection, taken);
  t.is(pair.done()?.result, 'exhausted');
});

test('TCP-6: clamping lowers the MSS of a SYN, wherever it stands, and keeps the checksum right', (t) => {
  const nop: TcpOption = { kind: 'nop' };
  for (let before = 0; before < 4; before += 1) {
    for (const [mss, mtu, expected] of [
      [1460, 1420, 1380],
      [1460, 1500, 1460],
      [536, 1420, 536],
      [65_535, 1420, 1380],
      [1381, 1420, 1380],
      [1460, 41, 1],
      [1460, 40, 1460],
    ] as const) {
      const options = [...Array(before).fill(nop), { kind: 'mss', mss } as const];
      const { memory, words, start, packet } = packetOf({ ...segmentOf(syn, 7, 0), options });
      const copy = memory.slice();
      t.is(clampMss(memory, words, start, mtu), expected !== mss, `${mss} for ${mtu}`);
      const { source, destination, bytes } = tcpOf(packet);
      const segment = decodeTcp(bytes, source, destination);
      if (segment instanceof Malformed) return t.fail(`${segment.reason}, ${before} NOPs`);
      t.deepEqual(segment.options[before], { kind: 'mss', mss: expected });
      const changed = [...memory.keys()].filter((i) => memory[i] !== copy[i]).length;
      t.true(changed <= 4, 'two bytes and two of the checksum');
    }
  }
  return undefined;
});

test('TCP-6: clamping leaves everything alone that is not the first part of a SYN', (t) => {
  const options = [{ kind: 'mss', mss: 1460 } as const];
  const clamps = (change: (ip: Uint8Array) => void, flags = syn as number): boolean => {
    const { memory, words, start, packet } = packetOf({ ...segmentOf(flags, 7, 0), options });
    change(packet.subarray(14));
    const copy = memory.slice();
    const changed = clampMss(memory, words, start, 1400);
    t.is(changed, showHex(copy) !== showHex(memory));
    return changed;
  };
  const nothing = (): void => {};
  t.true(clamps(nothing));
  t.true(clamps(nothing, syn | ack));
  t.false(clamps(nothing, ack));
  t.false(clamps((ip) => (ip[9] = 17)));
  t.false(clamps((ip) => (ip[0] = 0x65)));
  t.false(clamps((ip) => (ip[0] = 0x44)));
  t.false(
    clamps((ip) => (ip[7] = 1)),
    'a later fragment',
  );
  t.false(
    clamps((ip) => (ip[3] = 43)),
    'cut within the option',
  );
  t.false(
    clamps((ip) => (ip[32] = 0xf0)),
    'an offset past the end',
  );
  t.false(
    clamps((ip) => (ip[41] = 1)),
    'an option of length 1',
  );
  t.false(
    clamps((ip) => (ip[40] = 0)),
    'the end of the options comes first',
  );
});

test('TCP-6: clamping never throws, and never reads past the memory', (t) => {
  const random = new Random('clamp');
  for (let i = 0; i < 20_000; i += 1) {
    const { memory } = packetOf({ ...segmentOf(syn, 7, 0), options: [{ kind: 'mss', mss: 1460 }] });
    const cut = memory.slice(0, random.between(0, memory.length));
    for (let flips = random.between(0, 4); flips > 0 && cut.length > 0; flips -= 1)
      cut[random.between(0, cut.length - 1)] = random.between(0, 255);
    clampMss(cut, view(cut), random.between(0, 16), random.between(0, 1500));
  }
  t.pass();
});

test('TCP-7: TIME-WAIT lasts 240 s strictly, 60 s on Linux, and acknowledges a late FIN', (t) => {
  for (const [profile, wait] of [[strict, 240] as const, [linux, 60] as const]) {
    const pair = new Pair(lan, { profile, keep: true });
    pair.tell('b', { kind: 'listen', port: 80, service: { kind: 'accept' } });
    // The ACK of the FIN is lost once, so that the FIN comes again.
    let lost = false;
    pair.path = {
      ...lan,
      loses: (segment, from) => {
        const last = pair.layers.a.stateOf(1) === 'TIME-WAIT' && from === 'a';
        const loses: boolean = last && has(segment, 'ack') && !lost;
        lost ||= loses;
        return loses;
      },
    };
    pair.connect({ remotePort: 80 });
    pair.run();
    const fins = pair.sent.filter(({ side, segment }) => side === 'b' && has(segment, 'fin'));
    t.is(fins.length, 2);
    t.is(pair.log.at(-1)!.at - fins[1]!.at, wait * 1e9 + 1e6, 'restarted by the second FIN');
    t.is(pair.states('b').at(-1), 'CLOSED');
  }
});

const closedHost = (): TcpLayer => new TcpLayer({ profile: linux, random: new Random('closed') });

function segmentOf(flags: number, from: number, upTo: number, text = 0, port = 9): TcpSegment {
  return {
    sourcePort: 5000,
    destinationPort: port,
    sequence: sequence(from),
    acknowledgment: sequence(upTo),
    flags,
    window: 0xffff,
    urgent: 0,
    options: [],
    payload: new Uint8Array(text),
  };
}

function give(layer: TcpLayer, segment: TcpSegment, now: Instant = labStart): TcpOutput[] {
  const [source, destination] = [addressOf.b, addressOf.a];
  const bytes = encodeTcp(segment, source, destination);
  return layer.handle({ kind: 'segment', source, destination, bytes }, now);
}

function segmentsIn(outputs: readonly TcpOutput[]): TcpSegment[] {
  return outputs.flatMap((output) => {
    if (output.kind !== 'segment') return [];
    const segment = decodeTcp(output.bytes, output.source, output.destination);
    if (segment instanceof Malformed) throw new Error(segment.reason);
    return [segment];
  });
}

/** The TCP part of an Ethernet frame, without the padding. */
function tcpOf(frame: Uint8Array): { source: Ipv4; destination: Ipv4; bytes: Uint8Array } {
  const data = view(frame);
  return {
    source: data.getInt32(26) as Ipv4,
    destination: data.getInt32(30) as Ipv4,
    bytes: frame.subarray(14 + (frame[14]! & 15) * 4, 14 + data.getUint16(16)),
  };
}

function packetOf(segment: TcpSegment): {
  memory: Uint8Array;
  words: DataView;
  start: number;
  packet: Uint8Array;
} {
  const bytes = encodeTcp(segment, addressOf.a, addressOf.b);
  const memory = new Uint8Array(2 + 34 + bytes.length + 7).fill(0xaa);
  const start = 2 + 14;
  const words = view(memory);
  words.setUint16(start, 0x4500);
  words.setUint16(start + 2, 20 + bytes.length);
  words.setUint16(start + 6, 0x4000);
  words.setUint16(start + 8, 0x4006);
  words.setInt32(start + 12, addressOf.a);
  words.setInt32(start + 16, addressOf.b);
  memory.set(bytes, start + 20);
  return { memory, words, start, packet: memory.subarray(2) };
}

interface Captured {
  readonly at: number;
  readonly segment: TcpSegment;
  readonly source: Ipv4;
  readonly destination: Ipv4;
  readonly bytes: Uint8Array;
}

/** Linux 6.18: a SYN that nobody answers, a SYN-ACK, data, and then segments out of place. */
function goldenCapture(t: Parameters<typeof needsCorpus>[0]): Captured[] | undefined {
  const file = needsCorpus(t, 'kernel-golden', 'linux-tcp-syn-retransmit.pcap');
  if (file === undefined) return undefined;
  const { packets } = readPcap(readFileSync(file));
  const zero = packets[0]!.time!;
  return packets.map(({ time, bytes: frame }) => {
    const { source, destination, bytes } = tcpOf(frame);
    const segment = decodeTcp(bytes); // checksums in it are partial
    if (segment instanceof Malformed) throw new Error(segment.reason);
    return { at: Number(time! - zero) / 1e9, segment, source, destination, bytes };
  });
}

function timesOf(
  capture: readonly Captured[],
  from: number,
  to: number,
  which: (segment: TcpSegment) => boolean,
): number[] {
  return capture
    .filter(({ at, segment }) => at >= from && at < to && which(segment))
    .map(({ at }) => at);
}
