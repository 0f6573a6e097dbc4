/** What is written for `wg`; that it is understood is tested where wireguard-go runs. */
import test from 'ava';
import { seconds } from '../../src/base/time.ts';
import { renderWireguardConfig, type WireGuardConfig } from '../../src/emu/wireguard-config.ts';
import type { PeerOptions } from '../../src/stack/wireguard/peer.ts';
import { type Ipv4, ipv4 } from '../../src/wire/address.ts';

const bytes = (value: number): Uint8Array => new Uint8Array(32).fill(value);
const key = (value: number): string => Buffer.from(bytes(value)).toString('base64');

const peer: PeerOptions = {
  publicKey: bytes(2),
  presharedKey: bytes(3),
  allowedIps: [
    { address: ipv4('10.0.10.0'), length: 24 },
    { address: ipv4('192.0.2.9'), length: 32 },
  ],
  endpoint: { ip: ipv4('203.0.113.10'), port: 6180 },
  persistentKeepalive: seconds(25),
};
const config: WireGuardConfig = { privateKey: bytes(1), listenPort: 51_820, peers: [peer] };

test('everything that is set is written, line by line', (t) => {
  t.is(
    renderWireguardConfig(config),
    `[Interface]
PrivateKey = ${key(1)}
ListenPort = 51820

[Peer]
PublicKey = ${key(2)}
AllowedIPs = 10.0.10.0/24,192.0.2.9/32
Endpoint = 203.0.113.10:6180
PresharedKey = ${key(3)}
PersistentKeepalive = 25
`,
  );
});

test('what is not set is not written', (t) => {
  const bare = { publicKey: bytes(2), allowedIps: [] };
  const none = { ...bare, presharedKey: bytes(0), persistentKeepalive: seconds(0) };
  for (const one of [bare, none])
    t.is(
      renderWireguardConfig({ privateKey: bytes(1), peers: [one] }),
      `[Interface]\nPrivateKey = ${key(1)}\n\n[Peer]\nPublicKey = ${key(2)}\n`,
    );
});

test('an allowed network is written without host bits', (t) => {
  const wide = { ...peer, allowedIps: [{ address: ipv4('10.0.10.77'), length: 24 }] };
  t.regex(renderWireguardConfig({ ...config, peers: [wide] }), /^AllowedIPs = 10\.0\.10\.0\/24$/m);
});

const injected = '1\nPostUp = touch x';
const wrong: Record<string, WireGuardConfig> = {
  'a private key that is too short': { ...config, privateKey: new Uint8Array(31) },
  'a private key that is text': { ...config, privateKey: injected as never },
  'port 0': { ...config, listenPort: 0 },
  'a port that is no port': { ...config, listenPort: 65_536 },
  'a port that is text': { ...config, listenPort: injected as never },
};
for (const [what, changes] of Object.entries({
  'a public key that is too long': { publicKey: new Uint8Array(33) },
  'a public key that is text': { publicKey: injected as never },
  'a preshared key that is too short': { presharedKey: new Uint8Array(5).fill(1) },
  'a prefix that is too long': { allowedIps: [{ address: 1 as Ipv4, length: 33 }] },
  'a prefix length that is text': {
    allowedIps: [{ address: 1 as Ipv4, length: injected as never }],
  },
  'an address that is text': { allowedIps: [{ address: injected as never, length: 24 }] },
  'an endpoint without a port': { endpoint: { ip: 1 as Ipv4, port: 0 } },
  'an endpoint that is text': { endpoint: { ip: injected as never, port: 1 } },
  'a port of an endpoint that is text': { endpoint: { ip: 1 as Ipv4, port: injected as never } },
  'a keepalive between two seconds': { persistentKeepalive: seconds(1.5) },
  'a keepalive of more than 16 bits': { persistentKeepalive: seconds(65_536) },
  'a keepalive that is text': { persistentKeepalive: injected as never },
} satisfies Record<string, Partial<PeerOptions>>))
  wrong[what] = { ...config, peers: [{ ...peer, ...changes }] };

for (const [what, config] of Object.entries(wrong))
  test(`not written: ${what}`, (t) => {
    t.throws(() => renderWireguardConfig(config), { instanceOf: RangeError });
  });
