/**
 * WireGuard configuration as text, for `wg setconf` and for tunnels elsewhere. The only file that
 * imports `wireguard-tools`, and of that only what writes text: the rest of the package calls a
 * shell, and its reader loses fields. It escapes nothing, so that what it is given here is made of
 * numbers and bytes, each within its bounds.
 */
import { generateConfigString } from 'wireguard-tools/dist/utils/configParser.js';
import { base64 } from '../base/base64.ts';
import type { Duration } from '../base/time.ts';
import type { Endpoint } from '../stack/wireguard/endpoint.ts';
import type { PeerOptions } from '../stack/wireguard/peer.ts';
import { networkOf, type Prefix, showIpv4, showPrefix } from '../wire/address.ts';

export interface WireGuardConfig {
  readonly privateKey: Uint8Array;
  /** The system chooses one where there is none. */
  readonly listenPort?: number;
  readonly peers: readonly PeerOptions[];
}

/** @throws RangeError where something cannot be written down */
export function renderWireguardConfig({ privateKey, listenPort, peers }: WireGuardConfig): string {
  const text = generateConfigString({
    wgInterface: {
      privateKey: key(privateKey),
      ...(listenPort !== undefined && { listenPort: port(listenPort) }),
    },
    peers: peers.map((peer) => ({
      publicKey: key(peer.publicKey),
      allowedIps: peer.allowedIps.map(allowed),
      ...(peer.endpoint && { endpoint: endpoint(peer.endpoint) }),
      ...(peer.presharedKey?.some((byte) => byte !== 0) && {
        preSharedKey: key(peer.presharedKey),
      }),
      ...(peer.persistentKeepalive && { persistentKeepalive: keepalive(peer.persistentKeepalive) }),
    })),
  });
  return `${text}\n`;
}

function key(bytes: Uint8Array): string {
  if (!(bytes instanceof Uint8Array) || bytes.length !== 32)
    throw new RangeError('a key has 32 bytes');
  return base64(bytes);
}

const port = (value: number): number => whole(value, 1, 65_535, 'port');

const endpoint = (value: Endpoint): string => `${address(value.ip)}:${port(value.port)}`;

const address = (ip: Endpoint['ip']): string =>
  showIpv4(whole(ip, -(2 ** 31), 2 ** 31 - 1, 'address') as Endpoint['ip']);

function allowed(prefix: Prefix): string {
  whole(prefix.length, 0, 32, 'prefix length');
  address(prefix.address);
  return showPrefix({ address: networkOf(prefix), length: prefix.length });
}

/** WireGuard counts whole seconds. */
const keepalive = (every: Duration): number => whole(every / 1e9, 1, 65_535, 'keepalive');

function whole(value: number, low: number, high: number, what: string): number {
  if (!Number.isInteger(value) || value < low || value > high)
    throw new RangeError(`${what}: ${value} is not a whole number from ${low} to ${high}`);
  return value;
}
