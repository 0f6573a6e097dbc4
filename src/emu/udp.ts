/**
 * UDP sockets by `dgram-as-promised`. Datagrams are taken by its callback: its iterator has a listener
 * only while somebody waits, and loses what comes in between.
 */
import type * as dgram from 'node:dgram';
import { DgramAsPromised } from 'dgram-as-promised';

export interface UdpAddress {
  readonly address: string;
  readonly port: number;
}

export interface UdpSocket {
  readonly local: UdpAddress;
  /** Never fails: what cannot be sent is lost, as datagrams are. */
  send(datagram: Uint8Array, port: number, address: string): void;
  close(): void;
}

/** The part of `node:dgram` that a socket is made with: another network may be put in its place. */
export type Dgram = Pick<typeof dgram, 'createSocket'>;

/** More than this many sends may not be under way: what comes on top is lost. */
const sendsMost = 4096;

/** Opens a socket bound to `local`; port 0 lets the system choose. */
export async function openUdp(
  local: UdpAddress,
  receive: (datagram: Uint8Array, from: UdpAddress) => void,
  network?: Dgram,
): Promise<UdpSocket> {
  // It calls nothing but `createSocket`, though it asks for the whole module.
  const options = { type: 'udp4', ...(network && { dgram: network as typeof dgram }) } as const;
  const socket = DgramAsPromised.createSocket(options, receive);
  await socket.bind({ address: local.address, port: local.port });
  socket.socket.on('error', () => {}); // of one datagram, and no reason to stop
  let open = true;
  let sends = 0;
  const settled = (): void => {
    sends -= 1;
  };
  return {
    local: { address: local.address, port: socket.address().port },
    send(datagram, port, address) {
      if (!open || sends >= sendsMost) return;
      sends += 1;
      socket.send(datagram, 0, datagram.length, port, address).then(settled, settled);
    },
    close() {
      if (!open) return;
      open = false;
      void socket.close().catch(() => {});
    },
  };
}
