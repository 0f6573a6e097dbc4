/** The capture file of a run. */
import { type Adapter, capture } from '../report/capture.ts';
import type { Played } from '../scenario/play.ts';
import { version } from './version.ts';

/** What every adapter saw in a run, with the keys that open its tunnels. */
export function captureOf(
  played: Pick<Played, 'lab'>,
  attachments: readonly Adapter[] = [],
): Uint8Array {
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
  const application = `standin ${version}`;
  const attached = attachments.length > 0;
  return capture(log, [...adapters, ...attachments], { application, keys, attached }).bytes;
}
