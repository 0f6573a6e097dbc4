/** The capture file of a run. */
import { capture } from '../report/capture.ts';
import type { Played } from '../scenario/play.ts';
import { version } from './version.ts';

/** What every adapter saw in a run, with the keys that open its tunnels. */
export function captureOf(played: Played): Uint8Array {
  const { network, log } = played.lab;
  const adapters = network.adapters.map(({ label, mac, node, ip }) => ({
    label,
    mac,
    description: node,
    ...(ip === undefined ? {} : { ip }),
  }));
  const keys = network.tunnels.keys.map((handshake) => ({
    localStaticPrivate: handshake.localStaticPrivate,
    remoteStaticPublic: handshake.remoteStaticPublic,
    localEphemeralPrivate: handshake.localEphemeralPrivate,
    preshared: handshake.presharedKey,
  }));
  return capture(log, adapters, { application: `standin ${version}`, keys }).bytes;
}
