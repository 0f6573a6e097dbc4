/**
 * The keys of WireGuard handshakes in the form that Wireshark reads, from a file (`wg.keylog_file`)
 * or from a decryption secrets block of the capture itself: one `TYPE = base64` a line.
 *
 * The order matters: an ephemeral key names the session that the preshared key after it belongs to.
 */
import { base64 } from '../base/base64.ts';

/** What one end of one handshake knew. 32 bytes each. */
export interface HandshakeKeys {
  readonly localStaticPrivate: Uint8Array;
  readonly remoteStaticPublic: Uint8Array;
  readonly localEphemeralPrivate?: Uint8Array;
  readonly preshared?: Uint8Array;
}

/** The text of the key log. These are secrets: write it only where the user asked for it. */
export function wireguardKeyLog(handshakes: readonly HandshakeKeys[]): string {
  return handshakes.map(linesOf).join('');
}

function linesOf(keys: HandshakeKeys): string {
  const line = (type: string, key: Uint8Array | undefined): string =>
    key === undefined ? '' : `${type} = ${base64(key)}\n`;
  const ephemeral = line('LOCAL_EPHEMERAL_PRIVATE_KEY', keys.localEphemeralPrivate);
  return (
    line('LOCAL_STATIC_PRIVATE_KEY', keys.localStaticPrivate) +
    line('REMOTE_STATIC_PUBLIC_KEY', keys.remoteStaticPublic) +
    ephemeral +
    // Without a session to belong to, Wireshark would give it to the one before.
    (ephemeral === '' ? '' : line('PRESHARED_KEY', keys.preshared))
  );
}
