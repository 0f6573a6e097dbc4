import test from 'ava';
import { concat, hex, view } from '../../../src/base/bytes.ts';
import { Random } from '../../../src/base/random.ts';
import { after, type Instant, labStart, seconds } from '../../../src/base/time.ts';
import { nodeCrypto } from '../../../src/crypto/node.ts';
import {
  InboundAssociation,
  OutboundAssociation,
  type SecurityAssociation,
} from '../../../src/stack/ipsec/association.ts';
import {
  type EspEndpoint,
  Ipsec,
  type IpsecOutput,
  type IpsecTunnel,
} from '../../../src/stack/ipsec/ipsec.ts';
import { innerMtu, outerFields } from '../../../src/stack/ipsec/tunnel-mode.ts';
import type { Reason } from '../../../src/trace/reasons.ts';
import { ipv4, prefix } from '../../../src/wire/address.ts';
import { decodeEsp, encodeEsp, natKeepalive } from '../../../src/wire/esp.ts';
import { encodeIpv4 } from '../../../src/wire/ipv4.ts';
import { gcmVectors } from '../../crypto/gcm-vectors.ts';

const production = prefix('10.0.0.0/16');
const replicas = prefix('10.1.0.0/16');
const left: EspEndpoint = { ip: ipv4('198.51.100.10'), port: undefined };
const right: EspEndpoint = { ip: ipv4('203.0.113.20'), port: undefined };

const association = (spi: number): SecurityAssociation => {
  const random = new Random(spi);
  return { spi, key: random.bytes(32), salt: random.bytes(4) };
};
const [toRight, toLeft] = [association(0x101), association(0x202)];

const leftTunnel: IpsecTunnel = {
  name: 'right',
  endpoint: right,
  keepsMapping: false,
  outbound: toRight,
  inbound: toLeft,
  selectors: [{ local: production, remote: replicas }],
  dontFragment: 'copy',
};
const rightTunnel: IpsecTunnel = {
  name: 'left',
  endpoint: left,
  keepsMapping: false,
  outbound: toLeft,
  inbound: toRight,
  selectors: [{ local: replicas, remote: production }],
  dontFragment: 'copy',
};

function packet(source: string, destination: string, more: { tos?: number; df?: boolean } = {}) {
  return encodeIpv4({
    tos: more.tos ?? 0,
    identification: 7,
    dontFragment: more.df ?? false,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: 63,
    protocol: 17,
    source: ipv4(source),
    destination: ipv4(destination),
    options: [],
    payload: hex('0035 0035 0009 0000 61'),
  });
}

const there = packet('10.0.10.11', '10.1.10.20');
const back = packet('10.1.10.20', '10.0.10.11');

const gateway = (tunnel: IpsecTunnel): Ipsec => new Ipsec(nodeCrypto, [tunnel]);
const at = (moment: number): Instant => after(labStart, seconds(moment));

function send(from: Ipsec, tunnel: string, bytes: Uint8Array, now = labStart): IpsecOutput[] {
  return from.handle({ kind: 'packet', tunnel, bytes }, now);
}

function sealed(from: Ipsec, tunnel: string, bytes: Uint8Array): Uint8Array {
  const [output] = send(from, tunnel, bytes);
  if (output?.kind !== 'esp') throw new Error(`no ESP but ${output?.kind}`);
  return output.bytes;
}

const take = (to: Ipsec, bytes: Uint8Array, from = left): IpsecOutput[] =>
  to.handle({ kind: 'esp', from, bytes }, labStart);

const drops = (reason: Reason): IpsecOutput[] => [{ kind: 'dropped', reason }];

test('RFC 4303: what one gateway seals the other opens, in both directions', (t) => {
  const [one, other] = [gateway(leftTunnel), gateway(rightTunnel)];
  t.deepEqual(take(other, sealed(one, 'right', there)), [
    { kind: 'packet', tunnel: 'left', bytes: there },
  ]);
  t.deepEqual(take(one, sealed(other, 'left', back), right), [
    { kind: 'packet', tunnel: 'right', bytes: back },
  ]);
});

test('RFC 4106 section 3: the packets of draft-mcgrew-gcm-test-01 are opened', (t) => {
  for (const [number, next, padding] of [
    [1, 1, 0],
    [2, 1, 2],
    [6, 1, 0],
  ] as const) {
    const { key, nonce, associated, sealed: body, plaintext } = gcmVectors[number]!;
    const esp = decodeEsp(hex(associated + nonce.slice(8) + body));
    if (!('spi' in esp)) throw new Error('not ESP');
    const { spi } = esp;
    const inbound = new InboundAssociation(
      { spi, key: hex(key), salt: hex(nonce.slice(0, 8)) },
      nodeCrypto,
    );
    const payload = hex(plaintext).subarray(0, plaintext.length / 2 - 2 - padding);
    t.deepEqual(inbound.open(esp), { payload, padding, next });
  }
});

test('RFC 4303 section 3.3.3: sequence numbers begin with 1 and count up, and the IV with them', (t) => {
  const one = gateway(leftTunnel);
  for (const number of [1, 2, 3]) {
    const esp = decodeEsp(sealed(one, 'right', there));
    t.like(esp, { spi: 0x101, sequence: number });
    t.is('iv' in esp && view(esp.iv).getBigUint64(0), BigInt(number));
  }
});

test('RFC 4303 section 3.3.3: with the last sequence number used up nothing is sent any more', (t) => {
  const outbound = new OutboundAssociation(toRight, nodeCrypto, 0xffff_fffe);
  t.like(decodeEsp(outbound.seal(there, 4)!), { sequence: 0xffff_ffff });
  t.is(outbound.seal(there, 4), undefined);
});

test('RFC 4303 section 3.4.2: no security association for the SPI', (t) => {
  const bytes = sealed(gateway(leftTunnel), 'right', there);
  view(bytes).setUint32(0, 0x103);
  t.deepEqual(take(gateway(rightTunnel), bytes), drops('ESP_NO_SA'));
});

test('RFC 4303 section 3.4.3: a packet that comes twice is taken once', (t) => {
  const other = gateway(rightTunnel);
  const bytes = sealed(gateway(leftTunnel), 'right', there);
  t.is(take(other, bytes)[0]?.kind, 'packet');
  t.deepEqual(take(other, bytes), drops('ESP_REPLAY'));
});

test('RFC 4303 section 3.4.4: any byte changed is noticed, and does not move the replay window', (t) => {
  const other = gateway(rightTunnel);
  const bytes = sealed(gateway(leftTunnel), 'right', there);
  for (let i = 4; i < bytes.length; i += 1) {
    const reason = take(other, bytes.with(i, bytes[i]! ^ 0x40))[0];
    t.deepEqual(reason, drops('ESP_ICV')[0], `byte ${i}`);
  }
  t.is(take(other, bytes)[0]?.kind, 'packet');
});

test('RFC 4301 section 5.1: what the selectors do not cover is not sent', (t) => {
  const one = gateway(leftTunnel);
  t.deepEqual(send(one, 'right', packet('10.0.10.11', '8.8.8.8')), drops('IPSEC_NOT_SELECTED'));
  t.deepEqual(send(one, 'right', packet('10.2.0.1', '10.1.0.1')), drops('IPSEC_NOT_SELECTED'));
  t.like(decodeEsp(sealed(one, 'right', there)), { sequence: 1 }); // nothing was used up
});

test('RFC 4301 section 5.2: authentic packets with other addresses than the selectors are not taken', (t) => {
  const anything = [{ local: prefix('0.0.0.0/0'), remote: prefix('0.0.0.0/0') }];
  const generous = gateway({ ...leftTunnel, selectors: anything });
  const bytes = sealed(generous, 'right', packet('192.168.0.1', '10.1.10.20'));
  t.deepEqual(take(gateway(rightTunnel), bytes), drops('IPSEC_NOT_SELECTED'));
});

test('RFC 4303 section 2.6: a dummy packet is authentic and means nothing', (t) => {
  const outbound = new OutboundAssociation(toRight, nodeCrypto);
  t.deepEqual(take(gateway(rightTunnel), outbound.seal(hex('0102'), 59)!), []);
});

test('what is in the tunnel must be an IPv4 packet', (t) => {
  const outbound = new OutboundAssociation(toRight, nodeCrypto);
  const other = gateway(rightTunnel);
  t.deepEqual(take(other, outbound.seal(there, 6)!), drops('ESP_CONTENT'));
  t.deepEqual(take(other, outbound.seal(there.subarray(0, 19), 4)!), drops('ESP_CONTENT'));
  t.deepEqual(take(other, outbound.seal(there.with(0, 0x65), 4)!), drops('ESP_CONTENT'));
  t.deepEqual(take(other, hex('00000101')), drops('MALFORMED'));
});

test('padding that does not count up is authentic, and still refused', (t) => {
  const { key, salt, spi } = toRight;
  const nonce = concat(salt, hex('0000000000000001'));
  const content = hex('4500 0902 0000 0204'); // two bytes of padding, 0 and 0 where 1 and 2 belong
  const body = new Uint8Array(content.length + 16);
  nodeCrypto.gcm(key).seal(nonce, hex('0000010100000001'), content, body, 0);
  const bytes = encodeEsp({ spi, sequence: 1, iv: nonce.subarray(4), sealed: body });
  t.deepEqual(take(gateway(rightTunnel), bytes), drops('ESP_CONTENT'));
});

test('RFC 3948: a gateway behind a NAT calls first, and keeps its mapping alive while it is silent', (t) => {
  const endpoint = { ...right, port: 4500 };
  const caller = gateway({ ...leftTunnel, endpoint, keepsMapping: true });
  const answerer = gateway({ ...rightTunnel, endpoint: undefined });
  t.deepEqual(send(answerer, 'left', back), drops('IPSEC_NO_ENDPOINT'));

  const [hello] = caller.handle({ kind: 'start' }, labStart);
  if (hello?.kind !== 'esp') throw new Error('does not call');
  const mapped = { ip: left.ip, port: 30_001 };
  t.deepEqual(take(answerer, hello.bytes, mapped), [
    { kind: 'peer-moved', tunnel: 'left', endpoint: mapped },
  ]);
  t.like(send(answerer, 'left', back)[0], { kind: 'esp', to: mapped });

  t.is(caller.nextWake(), at(20));
  t.deepEqual(caller.wake(at(19)), []);
  t.like(caller.wake(at(20)), [{ kind: 'esp', to: endpoint, bytes: natKeepalive }]);
  send(caller, 'right', there, at(30));
  t.is(caller.nextWake(), at(50)); // what is sent keeps it alive as well
});

test('RFC 3948: a peer whose NAT gives it another port is answered there; one that is not authentic moves nobody', (t) => {
  const endpoint = { ...right, port: 4500 };
  const caller = gateway({ ...leftTunnel, endpoint, keepsMapping: true });
  const answerer = gateway({ ...rightTunnel, endpoint: undefined });
  const [before, behind] = [30_001, 30_002].map((port) => ({ ip: left.ip, port }));
  take(answerer, sealed(caller, 'right', there), before);
  const bytes = sealed(caller, 'right', there);
  take(answerer, bytes.with(20, bytes[20]! ^ 1), behind);
  t.like(send(answerer, 'left', back)[0], { to: before });
  t.like(take(answerer, bytes, behind), [{ kind: 'peer-moved' }, { kind: 'packet' }]);
  t.like(send(answerer, 'left', back)[0], { to: behind });
});

test('a gateway with a fixed address for its peer does not follow it', (t) => {
  const other = gateway(rightTunnel);
  const stranger = { ip: ipv4('192.0.2.66'), port: undefined };
  t.like(take(other, sealed(gateway(leftTunnel), 'right', there), stranger), [{ kind: 'packet' }]);
  t.like(send(other, 'left', back)[0], { to: left });
});

test('RFC 4301 section 8.1: "do not fragment" is copied, set or cleared; DSCP is copied', (t) => {
  const [free, bound] = [there, packet('10.0.10.11', '10.1.10.20', { df: true, tos: 0xb8 })];
  const flags = (policy: 'copy' | 'set' | 'clear') =>
    [free, bound].map((bytes) => outerFields(bytes, policy).dontFragment);
  t.deepEqual(flags('copy'), [false, true]);
  t.deepEqual(flags('set'), [true, true]);
  t.deepEqual(flags('clear'), [false, false]);
  t.is(outerFields(bound, 'copy').tos, 0xb8);
});

test('RFC 4303: what fits into a link, by the sizes of the fields', (t) => {
  // 20 IP, 8 SPI and sequence number, 8 IV, 2 trailer, 16 ICV; with UDP 8 more. On a word: 1448 - 2.
  t.is(innerMtu(1500, false), 1446);
  t.is(innerMtu(1500, true), 1438);
  for (let mtu = 576; mtu < 600; mtu += 1) {
    const size = (inner: number): number => 20 + 16 + Math.ceil((inner + 2) / 4) * 4 + 16;
    const most = innerMtu(mtu, false);
    t.true(size(most) <= mtu && size(most + 1) > mtu, `${mtu}: ${most}`);
  }
});

test('a packet as large as the inner MTU makes an ESP packet as large as the link takes', (t) => {
  const bytes = encodeIpv4({
    tos: 0,
    identification: 1,
    dontFragment: true,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: 64,
    protocol: 17,
    source: ipv4('10.0.10.11'),
    destination: ipv4('10.1.10.20'),
    options: [],
    payload: new Uint8Array(innerMtu(1500, false) - 20),
  });
  t.is(sealed(gateway(leftTunnel), 'right', bytes).length + 20, 1500);
});

test('RFC 4303 section 3.3.3: with the last sequence number the key is used up', (t) => {
  const last = gateway({ ...leftTunnel, used: 0xffff_fffe });
  t.is(send(last, 'right', there)[0]?.kind, 'esp');
  t.deepEqual(send(last, 'right', there), drops('ESP_SEQUENCE_OVER'));
});
