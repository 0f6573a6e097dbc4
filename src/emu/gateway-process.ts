/**
 * The relay of a cloud gateway as a process of its own, inside a namespace. It is told over IPC what
 * to listen on and where tunnels end, tells of its sessions, and ends when the channel does.
 */
import { nodeCrypto } from '../crypto/node.ts';
import { tunnelTarget } from '../device/relay-sessions.ts';
import type { Reason } from '../trace/reasons.ts';
import { ipv4, showIpv4 } from '../wire/address.ts';
import { GatewayRelay } from './gateway-relay.ts';
import { realTime } from './timekeeper.ts';
import type { UdpAddress } from './udp.ts';

export type GatewayCommand =
  /** Comes first, and once. */
  | { readonly kind: 'listen'; readonly outside: UdpAddress; readonly inside: string }
  /** Where the tunnel of a network ends; a later one takes the place of an earlier. */
  | {
      readonly kind: 'target';
      readonly network: string;
      readonly address: string;
      readonly port: number;
      readonly publicKey: Uint8Array;
    }
  | { readonly kind: 'status' };

export type GatewayReport =
  | { readonly kind: 'listening' }
  | { readonly kind: 'failed'; readonly message: string }
  | {
      readonly kind: 'session';
      readonly change: 'opened' | 'closed';
      readonly session: string;
      readonly to: string;
    }
  | { readonly kind: 'dropped'; readonly reason: Reason; readonly from: string }
  | {
      readonly kind: 'status';
      readonly sessions: number;
      readonly lost: number;
      readonly dropped: readonly (readonly [Reason, number])[];
    };

const report = (what: GatewayReport): void => void process.send?.(what);

const show = ({ ip, port }: Parameters<typeof tunnelTarget>[2]): string =>
  `${showIpv4(ip)}:${port}`;

let relay: GatewayRelay | undefined;

async function obey(command: GatewayCommand): Promise<void> {
  switch (command.kind) {
    case 'listen': {
      if (relay !== undefined) throw new Error('it listens already');
      const { outside, inside } = command;
      relay = await GatewayRelay.open({
        outside,
        inside,
        timekeeper: realTime(),
        onChange: ({ change, session }) =>
          report({
            kind: 'session',
            change,
            session: show(session.client),
            to: show(session.target),
          }),
        onDrop: (reason, { address, port }) =>
          report({ kind: 'dropped', reason, from: `${address}:${port}` }),
      });
      report({ kind: 'listening' });
      break;
    }
    case 'target': {
      const { network, address, port, publicKey } = command;
      const at = { ip: ipv4(address), port };
      listening().setTarget(network, tunnelTarget(nodeCrypto, publicKey, at));
      break;
    }
    case 'status': {
      const { sessions, lost, dropped } = listening();
      report({ kind: 'status', sessions, lost, dropped: [...dropped] });
      break;
    }
  }
}

function listening(): GatewayRelay {
  if (relay === undefined) throw new Error('it does not listen yet');
  return relay;
}

let turn = Promise.resolve();
process.on('message', (command: GatewayCommand) => {
  turn = turn
    .then(() => obey(command))
    .catch((error: Error) => report({ kind: 'failed', message: error.message }));
});
process.on('disconnect', () => process.exit(0));
