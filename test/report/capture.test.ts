import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { blake2s } from '@noble/hashes/blake2.js';
import { hmac } from '@noble/hashes/hmac.js';
import test from 'ava';
import { concat, hex, utf8, view } from '../../src/base/bytes.ts';
import { FrameMemory } from '../../src/base/frame.ts';
import { Random } from '../../src/base/random.ts';
import type { Instant } from '../../src/base/time.ts';
import { type Adapter, capture } from '../../src/report/capture.ts';
import { type HandshakeKeys, wireguardKeyLog } from '../../src/report/key-log.ts';
import { EventLog, type LogLevel } from '../../src/trace/log.ts';
import { ipv4, mac } from '../../src/wire/address.ts';
import { readCapture } from '../../src/wire/capture-file.ts';
import { internetChecksum } from '../../src/wire/checksum.ts';
import { PcapngWriter } from '../../src/wire/pcapng/write.ts';
import { needs, needsCorpus } from '../needs.ts';

const at = (n: number): Instant => n as Instant;
const application = 'standin 0.1.0';

/** A LAN by hand: two machines on a switch, and a third. */
function lan(level: LogLevel = 'full') {
  const log = new EventLog(level);
  const memory = new FrameMemory();
  let ports = 0;
  const port = (device: string, name: string) => ({
    id: ports++,
    label: `${device}.${name}`,
    device: { name: device },
  });
  const web = port('web01', 'eth0');
  const sql = port('sql01', 'eth0');
  const app = port('app01', 'eth0');
  const switched = ['port1', 'port2', 'port3'].map((name) => port('lan10', name));
  const frame = (text: string, cause = -1) => {
    const made = memory.from(utf8(text));
    made.cause = cause;
    return made;
  };
  return { log, frame, web, sql, app, switched };
}

const adapters: Adapter[] = [
  {
    label: 'web01.eth0',
    description: 'linux, hq',
    mac: mac('02:00:00:00:00:01'),
    ip: ipv4('10.0.10.11'),
  },
  { label: 'sql01.eth0', description: 'windows, hq', mac: mac('02:00:00:00:00:02') },
];

const shortly = (bytes: Uint8Array) =>
  readCapture(bytes).packets.map((packet) => [
    Number(packet.time),
    packet.interface,
    packet.direction,
    String.fromCharCode(...packet.bytes),
    ...packet.comments,
  ]);

test('a frame is seen outbound when it is sent and inbound when it arrives, switches not at all', (t) => {
  const { log, frame, web, sql, switched } = lan();
  const first = log.frame(at(1000), web, switched[0]!, 10, frame('ping'));
  log.tell(at(1010), 'lan10', first, { kind: 'path-mtu', ip: '10.0.0.1', mtu: 1400 });
  log.frame(at(1010), switched[1]!, sql, 20, frame('ping', first));
  const { bytes, packets } = capture(log, adapters, { application });
  t.is(packets, 2);
  t.deepEqual(shortly(bytes), [
    [1000, 0, 'outbound', 'ping', 'event 0'],
    [1030, 1, 'inbound', 'ping', 'event 2'],
  ]);
  const file = readCapture(bytes);
  t.is(file.error, undefined);
  t.like(file.interfaces, [
    { name: 'web01.eth0', description: 'linux, hq', mac: adapters[0]!.mac, linkType: 1 },
    { name: 'sql01.eth0' },
  ]);
  t.deepEqual(file.names, [{ ip: ipv4('10.0.10.11'), names: ['web01'] }]);
  t.deepEqual(file.secrets, []);
});

test('records are in the order of time, then of events, whatever the order of arrival', (t) => {
  const { log, frame, web, sql } = lan();
  log.frame(at(100), web, sql, 500, frame('slow'));
  log.frame(at(200), web, sql, 100, frame('fast'));
  log.frame(at(300), sql, web, 0, frame('now'));
  log.frame(at(300), web, sql, 300, frame('tie'));
  t.deepEqual(shortly(capture(log, adapters, { application }).bytes), [
    [100, 0, 'outbound', 'slow', 'event 0'],
    [200, 0, 'outbound', 'fast', 'event 1'],
    [300, 1, 'inbound', 'fast', 'event 1'],
    [300, 1, 'outbound', 'now', 'event 2'],
    [300, 0, 'inbound', 'now', 'event 2'],
    [300, 0, 'outbound', 'tie', 'event 3'],
    [600, 1, 'inbound', 'slow', 'event 0'],
    [600, 1, 'inbound', 'tie', 'event 3'],
  ]);
});

test('a flood is seen by every adapter of the list that it reached, and by no other', (t) => {
  const { log, frame, web, sql, app, switched } = lan();
  const group = [web, sql, app].map((peer, i) => ({ port: switched[i]!, peer }));
  const id = log.flood(at(5), switched[0]!, group, 7, frame('who has'));
  const dropped = frame('who has', id);
  log.drop(at(12), sql, dropped, 'PROXY_ARP_OFF');
  log.drop(at(12), app, dropped, 'ARP_IGNORED');
  t.deepEqual(shortly(capture(log, adapters, { application }).bytes), [
    [
      12,
      1,
      'inbound',
      'who has',
      'event 0',
      'dropped at sql01.eth0: PROXY_ARP_OFF: The proxy-ARP daemon of the appliance does not run. (event 1)',
    ],
  ]);
});

test('a drop is told on the receiver, even where another port of it dropped the frame', (t) => {
  const { log, frame, web, sql } = lan();
  const id = log.frame(at(1), web, sql, 1, frame('x'));
  const other = { id: 99, label: 'sql01.eth1', device: { name: 'sql01' } };
  log.drop(at(2), other, frame('x', id), 'NO_ROUTE');
  t.deepEqual(shortly(capture(log, adapters, { application }).bytes), [
    [1, 0, 'outbound', 'x', 'event 0'],
    [
      2,
      1,
      'inbound',
      'x',
      'event 0',
      'dropped at sql01.eth1: NO_ROUTE: No route leads to the destination. (event 1)',
    ],
  ]);
});

test('a drop in a switch is told on the sender: there is no adapter nearer', (t) => {
  const { log, frame, web, switched } = lan();
  const id = log.frame(at(1), web, switched[0]!, 1, frame('x'));
  log.drop(at(2), switched[2]!, frame('x', id), 'UNKNOWN_ETHERTYPE');
  t.deepEqual(shortly(capture(log, adapters, { application }).bytes), [
    [
      1,
      0,
      'outbound',
      'x',
      'event 0',
      'dropped at lan10.port3: UNKNOWN_ETHERTYPE: The machine does not speak this protocol. (event 1)',
    ],
  ]);
});

const lost = 'LINK_LOSS: The link lost the frame.';

test('a frame that the link lost has no inbound record', (t) => {
  const { log, frame, web, sql } = lan();
  const id = log.frame(at(1), web, sql, 1, frame('x'));
  log.drop(at(1), web, frame('x', id), 'LINK_LOSS');
  t.deepEqual(shortly(capture(log, adapters, { application }).bytes), [
    [1, 0, 'outbound', 'x', 'event 0', `dropped at web01.eth0: ${lost} (event 1)`],
  ]);
});

test('a frame that a cable without delay lost has no inbound record either', (t) => {
  const { log, frame, web, sql } = lan();
  const id = log.frame(at(1), web, sql, 0, frame('x'));
  log.drop(at(1), web, frame('x', id), 'LINK_LOSS');
  t.is(shortly(capture(log, adapters, { application }).bytes).length, 1);
});

test('a drop is told on its own frame and on no other', (t) => {
  const { log, frame, web, sql } = lan();
  log.frame(at(1), web, sql, 1, frame('x'));
  const id = log.frame(at(1), sql, web, 1, frame('y'));
  log.drop(at(2), web, frame('y', id), 'LINK_LOSS');
  t.deepEqual(shortly(capture(log, adapters, { application }).bytes), [
    [1, 0, 'outbound', 'x', 'event 0'],
    [1, 1, 'outbound', 'y', 'event 1'],
    [2, 1, 'inbound', 'x', 'event 0'],
    [2, 0, 'inbound', 'y', 'event 1', `dropped at web01.eth0: ${lost} (event 2)`],
  ]);
});

test('a frame lost behind a switch is told on the record that led to it', (t) => {
  const { log, frame, web, sql, switched } = lan();
  const first = log.frame(at(1), web, switched[0]!, 1, frame('x'));
  const second = log.frame(at(2), switched[1]!, sql, 1, frame('x', first));
  log.drop(at(2), switched[1]!, frame('x', second), 'LINK_LOSS');
  t.deepEqual(shortly(capture(log, adapters, { application }).bytes), [
    [1, 0, 'outbound', 'x', 'event 0', `dropped at lan10.port2: ${lost} (event 2)`],
  ]);
});

test('a frame on a cable that was pulled never arrived', (t) => {
  const { log, frame, web, sql } = lan();
  const id = log.frame(at(1), web, sql, 100, frame('x'));
  log.drop(at(50), sql, frame('x', id), 'LINK_DOWN');
  const rows = shortly(capture(log, adapters, { application }).bytes);
  t.is(rows.length, 1);
  t.regex(String(rows[0]!.at(-1)), /^dropped at sql01\.eth0: LINK_DOWN: .* \(event 1\)$/);
});

test('a frame that a thousand machines dropped has a comment of bearable length', (t) => {
  const { log, frame, web, switched } = lan();
  const id = log.frame(at(1), web, switched[0]!, 1, frame('x'));
  for (let i = 0; i < 1000; i += 1) log.drop(at(2), switched[2]!, frame('x', id), 'SAME_PORT');
  const [row] = shortly(capture(log, adapters, { application }).bytes);
  t.is(row!.length, 4 + 1 + 8 + 1);
  t.is(row!.at(-1), 'and dropped 992 more times');
});

test('a log without bytes gives packets of the right length with nothing kept', (t) => {
  const { log, frame, web, sql } = lan('decisions');
  log.frame(at(1), web, sql, 1, frame('ten bytes.'));
  const { packets } = readCapture(capture(log, adapters, { application }).bytes);
  t.deepEqual(
    packets.map(({ bytes, length }) => [bytes.length, length]),
    [
      [0, 10],
      [0, 10],
    ],
  );
});

test('what does not fit is left out and counted', (t) => {
  const { log, frame, web, sql } = lan();
  for (let i = 0; i < 20_000; i += 1) log.frame(at(i), web, sql, 1, frame('0123456789'));
  const { bytes, packets, leftOut } = capture(log, adapters, { application, sizeMax: 2_000_000 });
  t.true(packets > 5000 && leftOut > 5000);
  t.is(packets + leftOut, 40_000);
  t.true(bytes.length <= 2_000_000);
  t.is(readCapture(bytes).packets.length, packets);
});

// Keys

const key = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

test('the key log has a line for each key, the preshared one after the ephemeral it belongs to', (t) => {
  const [a, b] = [
    {
      localStaticPrivate: key(0),
      remoteStaticPublic: key(255),
      localEphemeralPrivate: key(1),
      preshared: key(2),
    },
    { localStaticPrivate: key(0), remoteStaticPublic: key(255), preshared: key(2) },
  ];
  t.is(
    wireguardKeyLog([a, b]),
    `LOCAL_STATIC_PRIVATE_KEY = ${'A'.repeat(43)}=
REMOTE_STATIC_PUBLIC_KEY = //////////////////////////////////////////8=
LOCAL_EPHEMERAL_PRIVATE_KEY = AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=
PRESHARED_KEY = AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=
LOCAL_STATIC_PRIVATE_KEY = ${'A'.repeat(43)}=
REMOTE_STATIC_PUBLIC_KEY = //////////////////////////////////////////8=
`,
  );
});

function tshark(program: string, file: Uint8Array, names: string[]): string[][] {
  const folder = mkdtempSync(join(tmpdir(), 'standin-'));
  try {
    const path = join(folder, 'capture.pcapng');
    writeFileSync(path, file);
    const wanted = names.flatMap((name) => ['-e', name]);
    const text = execFileSync(
      program,
      ['-n', '-r', path, '-T', 'fields', '-E', 'separator=/t', ...wanted],
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

/** The log of some UDP datagrams between two appliances, and the capture of it. */
function tunnelCapture(
  datagrams: readonly Uint8Array[],
  keys: readonly HandshakeKeys[],
): Uint8Array {
  const log = new EventLog();
  const memory = new FrameMemory();
  const [a, b] = ['nea-hq', 'nea-sp'].map((name, id) => ({
    id,
    label: `${name}.eth0`,
    device: { name },
  }));
  for (const [i, payload] of datagrams.entries()) {
    const forth = i !== 1; // the response goes back
    const frame = memory.from(udpFrame(payload, forth));
    log.frame(at(i * 1e6), forth ? a! : b!, forth ? b! : a!, 1000, frame);
  }
  const ends = [a!, b!].map(({ label }) => ({
    label,
    description: '',
    mac: mac('02:00:00:00:00:01'),
  }));
  return capture(log, ends, { application, keys }).bytes;
}

function udpFrame(payload: Uint8Array, forth: boolean): Uint8Array {
  const ethernet = hex('020000000002 020000000001 0800');
  const [west, east] = ['cb007101', 'cb007102']; // 203.0.113.1 and .2
  const ends = forth ? west + east : east + west;
  const ip = hex(`4500 0000 0001 4000 4011 0000 ${ends}`);
  view(ip).setUint16(2, 28 + payload.length);
  view(ip).setUint16(10, internetChecksum(ip));
  const udp = hex('ca6c ca6c 0000 0000');
  view(udp).setUint16(4, 8 + payload.length);
  return concat(ethernet, ip, udp, payload);
}

/**
 * A whole WireGuard session by the whitepaper, section 5.4: initiation, response and one packet of
 * data. Written for this test alone, so that what Wireshark decrypts was encrypted by nobody else.
 */
function wireguardSession(inner: Uint8Array, psk: Uint8Array) {
  const random = new Random('a session to decrypt');
  const hash = (...parts: Uint8Array[]) => blake2s(concat(...parts));
  const kdf = (chain: Uint8Array, input: Uint8Array): [Uint8Array, Uint8Array, Uint8Array] => {
    const secret = hmac(blake2s, chain, input);
    const first = hmac(blake2s, secret, Uint8Array.of(1));
    const second = hmac(blake2s, secret, concat(first, Uint8Array.of(2)));
    return [first, second, hmac(blake2s, secret, concat(second, Uint8Array.of(3)))];
  };
  const seal = (k: Uint8Array, text: Uint8Array, h: Uint8Array) =>
    chacha20poly1305(k, new Uint8Array(12), h).encrypt(text);
  const dh = (secret: Uint8Array, open: Uint8Array) => x25519.getSharedSecret(secret, open);
  const [si, sr, ei, er] = [1, 2, 3, 4].map(() => random.bytes(32));
  const [pi, pr, epi, epr] = [si!, sr!, ei!, er!].map((k) => x25519.getPublicKey(k));
  const construction = utf8('Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s');
  let c: Uint8Array = hash(construction);
  let h: Uint8Array = hash(c, utf8('WireGuard v1 zx2c4 Jason@zx2c4.com'));
  let k: Uint8Array;
  const mix = (bytes: Uint8Array): Uint8Array => (h = hash(h, bytes));
  const mac1 = (bytes: Uint8Array, to: Uint8Array): Uint8Array => {
    const mac = blake2s(bytes, { key: hash(utf8('mac1----'), to), dkLen: 16 });
    return concat(bytes, mac, new Uint8Array(16));
  };

  mix(pr!);
  [c] = kdf(c, epi!);
  mix(epi!);
  [c, k] = kdf(c, dh(ei!, pr!));
  const sealedStatic = seal(k, pi!, h);
  mix(sealedStatic);
  [c, k] = kdf(c, dh(si!, pr!));
  const sealedTime = seal(k, hex('400000006553f100 00000000'), h);
  mix(sealedTime);
  const initiation = mac1(concat(hex('01000000 11111111'), epi!, sealedStatic, sealedTime), pr!);

  [c] = kdf(c, epr!);
  mix(epr!);
  [c] = kdf(c, dh(er!, epi!));
  [c] = kdf(c, dh(er!, pi!));
  const [last, tau, sealing] = kdf(c, psk);
  mix(tau);
  const sealedNothing = seal(sealing, new Uint8Array(0), h);
  const response = mac1(concat(hex('02000000 22222222 11111111'), epr!, sealedNothing), pi!);

  const [sending] = kdf(last, new Uint8Array(0));
  const padding = new Uint8Array(-inner.length & 15);
  const data = seal(sending, concat(inner, padding), new Uint8Array(0));
  const transport = concat(hex('04000000 22222222 0000000000000000'), data);
  const keys = {
    localStaticPrivate: si!,
    remoteStaticPublic: pr!,
    localEphemeralPrivate: ei!,
    preshared: psk,
  };
  return { datagrams: [initiation, response, transport], keys };
}

test('Wireshark decrypts a tunnel with the keys that the capture carries, and not without them', (t) => {
  const program = needs(t, 'tshark');
  if (program === undefined) return;
  const ping = hex('4500001c00010000400152b7 0a000a0b 0a000a14 0800f7fd00010001');
  view(ping).setUint16(10, 0);
  view(ping).setUint16(10, internetChecksum(ping.subarray(0, 20)));
  const { datagrams, keys } = wireguardSession(ping, new Uint8Array(32).fill(9));
  t.deepEqual(
    datagrams.map((bytes) => bytes.length),
    [148, 92, 64],
  );
  const names = ['frame.interface_name', 'wg.type', 'wg.handshake_ok', 'ip.dst', 'icmp.type'];
  const sent = (rows: string[][]) => rows.filter((_, i) => i % 2 === 0); // each is seen at both ends
  const outer = '203.0.113.2';
  t.deepEqual(sent(tshark(program, tunnelCapture(datagrams, [keys]), names)), [
    ['nea-hq.eth0', '1', '', outer, ''],
    ['nea-sp.eth0', '2', '1', '203.0.113.1', ''],
    ['nea-hq.eth0', '4', '', `${outer},10.0.10.20`, '8'],
  ]);
  const blind = sent(tshark(program, tunnelCapture(datagrams, []), names));
  t.deepEqual(blind.at(-1), ['nea-hq.eth0', '4', '', outer, '']);
  const other = { ...keys, preshared: key(8) };
  const wrong = sent(tshark(program, tunnelCapture(datagrams, [other]), names));
  t.deepEqual(wrong.at(-1), ['nea-hq.eth0', '4', '', outer, '']);
});

test('Wireshark opens the initiations of wireguard-go with the responder’s key from the capture', (t) => {
  const program = needs(t, 'tshark');
  const golden = program && needsCorpus(t, 'kernel-golden', 'wg-go-session.pcap');
  if (program === undefined || golden === undefined) return;
  const { initiator, responder } = JSON.parse(
    readFileSync(golden.replace('.pcap', '.keys.json'), 'utf8'),
  ) as Record<'initiator' | 'responder', { private: string; public: string }>;
  const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));
  const keys = [
    { localStaticPrivate: bytes(responder.private), remoteStaticPublic: bytes(initiator.public) },
  ];
  const writer = new PcapngWriter();
  writer.addSecrets(0x57474b4c, utf8(wireguardKeyLog(keys)));
  const number = writer.addInterface({ name: 'wg-go' });
  for (const { bytes: packet } of readCapture(readFileSync(golden)).packets)
    writer.packet(number, at(0), 'inbound', packet, 0, packet.length, packet.length);
  const rows = tshark(program, writer.bytes, ['wg.type', 'wg.static', 'wg.timestamp.value']);
  const initiations = rows.filter(([type]) => type === '1');
  t.true(initiations.length > 0);
  for (const [, opened, time] of initiations) {
    t.is(opened, initiator.public);
    t.true(time !== '');
  }
});
